//! An author with a client and a key of their own: submissions without a process for each.

use anyhow::Result;
use fallow_cli::client::{Client, ClientError, idempotency_key};
use fallow_protocol::api::{ModuleInfo, NewAuthorKey};
use fallow_protocol::digest::Digest;
use fallow_protocol::job::JobSubmission;
use fallow_protocol::manifest::{AuthoredManifest, Builds, Limits, Manifest, PROFILE};
use fallow_protocol::{JobId, SecretKey};
use fallow_sandbox::instrument;

use crate::grid::Account;

/// A client and a registered key.
pub struct Author {
    /// The client.
    pub client: Client,
    /// The key.
    pub key: SecretKey,
}

impl Author {
    /// A client for an account, with a new key that is registered.
    pub async fn of(account: &Account) -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::connect(&account.url, &account.token)?;
        let key = SecretKey::generate();
        client.register_key(&NewAuthorKey { key: key.public(), name: "tests".into() }).await?;
        Ok(Self { client, key })
    }

    /// A manifest for a component as this author would sign it.
    pub fn manifest(&self, component: &[u8], limits: Limits) -> Manifest {
        let digest = Digest::of(component);
        // What cannot be instrumented is refused, whatever its manifest says.
        let executed = instrument::builds(component).unwrap_or(Builds { plain: digest, canonical: digest });
        Manifest {
            component: digest,
            executed,
            source: None,
            limits,
            profile: PROFILE.into(),
            author: self.key.public(),
            serial: 1,
            expires_at_ms: now_ms() + 24 * 3_600_000,
        }
    }

    /// Upload a component and register it under the default limits.
    pub async fn module(&self, component: Vec<u8>) -> Result<ModuleInfo, ClientError> {
        let signed = AuthoredManifest::sign(&self.manifest(&component, Limits::default()), &self.key);
        self.client.blobs().upload_bytes(component).await?;
        self.client.create_module(&signed).await
    }

    /// Submit under a fresh idempotency key.
    pub async fn submit(&self, job: &JobSubmission) -> Result<JobId, ClientError> {
        Ok(self.client.submit(job, &idempotency_key()).await?.id)
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

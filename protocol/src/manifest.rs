//! What makes a module runnable: a manifest signed by its author and countersigned by the grid.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::keys::{KeyError, OnlineCert, PublicKey, Purpose, SecretKey, Signature};

/// Identity of everything that a result and its fuel depend on besides the module and its input:
/// metering and its cost table, float rule, version of the host's interface. Results are compared within one profile.
pub const PROFILE: &str = "fuel=fallow-1,float=canonical,host=fallow:task@1.0.0";

/// The exports of `fallow:task` that a component has, or the plain WASI command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Exports {
    /// `fallow:task/run`.
    pub run: bool,
    /// `fallow:task/split`.
    pub split: bool,
    /// `fallow:task/merge`.
    pub merge: bool,
    /// `wasi:cli/run`: a plain command, input to output over its standard streams.
    pub command: bool,
}

/// What is done about the bits of NaNs, which differ between processors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Floats {
    /// Nothing: the processor decides. Such a run counts only where it made no NaN.
    #[default]
    Plain,
    /// NaNs that arithmetic made get one bit pattern before anybody can see it; other bits stay what they are.
    Canonical,
}

impl Floats {
    /// Whether it is the plain build, which is not spelled out in frames of results.
    pub fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

/// Digests of a component's two builds, which count the same fuel. Whoever has the component can make them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Builds {
    /// See [`Floats::Plain`]; it also stands for the program in digests of results.
    pub plain: Digest,
    /// See [`Floats::Canonical`].
    pub canonical: Digest,
}

impl Builds {
    /// The digest of one of them.
    pub fn of(&self, floats: Floats) -> Digest {
        match floats {
            Floats::Plain => self.plain,
            Floats::Canonical => self.canonical,
        }
    }
}

/// Most that a unit of a module may use. All of them are enforced by the worker or by the process that watches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limits {
    /// Linear memory of all the unit's instances together, bytes.
    pub memory_bytes: u64,
    /// Instructions, as the profile counts them.
    pub fuel: u64,
    /// Wall time while not paused, milliseconds.
    pub wall_ms: u64,
    /// Output of `run` or `merge`, bytes.
    pub output_bytes: u64,
    /// Inputs that `split` emits, bytes of all together.
    pub emit_bytes: u64,
    /// Log, bytes; what is beyond is dropped.
    pub log_bytes: u64,
    /// Bytes written to the scratch directory over the unit's life; 0 gives none.
    pub scratch_bytes: u64,
    /// One checkpoint, bytes; 0 allows none.
    pub checkpoint_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 512 << 20,
            fuel: 4_000_000_000_000,
            wall_ms: 3_600_000,
            output_bytes: 64 << 20,
            emit_bytes: 2 << 30,
            log_bytes: 64 << 10,
            scratch_bytes: 0,
            checkpoint_bytes: 16 << 20,
        }
    }
}

/// What author and grid sign. The signed bytes are its MessagePack with named fields, kept as they were signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The component as the author built and uploaded it.
    pub component: Digest,
    /// What nodes compile and run: the component's instrumented builds.
    pub executed: Builds,
    /// Source archive, where the author gives it.
    pub source: Option<Digest>,
    /// Most that a job may allow its units.
    pub limits: Limits,
    /// Semantics profile, see [`PROFILE`].
    pub profile: String,
    /// The author's registered public key.
    pub author: PublicKey,
    /// Rises with each manifest that an author signs for one component name.
    pub serial: u64,
    /// Nodes refuse it from then on, milliseconds since 1970.
    pub expires_at_ms: u64,
}

/// A manifest's bytes with the author's signature, as it is uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthoredManifest {
    /// MessagePack of [`Manifest`].
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// The author's signature over `bytes`.
    pub author_signature: Signature,
}

/// A manifest with both signatures, as nodes get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedManifest {
    /// What the author signed.
    pub authored: AuthoredManifest,
    /// The grid's signature over the same bytes.
    pub grid_signature: Signature,
    /// Root's word for the key that signed.
    pub cert: OnlineCert,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The bytes are no manifest.
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    /// The author's signature fails.
    #[error("the author's signature: {0}")]
    Author(#[source] KeyError),
    /// The grid's signature fails.
    #[error("the grid's signature: {0}")]
    Grid(#[source] KeyError),
    /// The online key's certificate fails.
    #[error("the grid's key: {0}")]
    Cert(#[source] KeyError),
    /// Past its expiry.
    #[error("the manifest expired at {0} ms since 1970; sign and submit the module again")]
    Expired(u64),
    /// Made for another profile.
    #[error("the manifest is for profile {found:?}, this program runs {wanted:?}")]
    Profile {
        /// Profile in the manifest.
        found: String,
        /// Profile here.
        wanted: &'static str,
    },
}

impl AuthoredManifest {
    /// Encode and sign.
    pub fn sign(manifest: &Manifest, author: &SecretKey) -> Self {
        let bytes = rmp_serde::to_vec_named(manifest).expect("a manifest always encodes");
        let author_signature = author.sign(Purpose::AuthorManifest, &bytes);
        Self { bytes, author_signature }
    }

    /// Decode, and check the author's signature, profile and expiry.
    pub fn verify(&self, now_ms: u64) -> Result<Manifest, ManifestError> {
        let manifest: Manifest =
            rmp_serde::from_slice(&self.bytes).map_err(|error| ManifestError::Unreadable(error.to_string()))?;
        manifest
            .author
            .verify(Purpose::AuthorManifest, &self.bytes, &self.author_signature)
            .map_err(ManifestError::Author)?;
        if manifest.profile != PROFILE {
            return Err(ManifestError::Profile { found: manifest.profile, wanted: PROFILE });
        }
        if now_ms >= manifest.expires_at_ms {
            return Err(ManifestError::Expired(manifest.expires_at_ms));
        }
        Ok(manifest)
    }
}

impl SignedManifest {
    /// Countersign.
    pub fn countersign(authored: AuthoredManifest, online: &SecretKey, cert: OnlineCert) -> Self {
        let grid_signature = online.sign(Purpose::GridManifest, &authored.bytes);
        Self { authored, grid_signature, cert }
    }

    /// Check everything against the pinned root: certificate, both signatures, profile, expiry.
    pub fn verify(&self, root: &PublicKey, now_ms: u64, seen_serial: u64) -> Result<Manifest, ManifestError> {
        self.cert.verify(root, now_ms, seen_serial).map_err(ManifestError::Cert)?;
        self.cert
            .online
            .verify(Purpose::GridManifest, &self.authored.bytes, &self.grid_signature)
            .map_err(ManifestError::Grid)?;
        self.authored.verify(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_signatures_and_the_expiry_are_needed() {
        let (root, online, author) = (SecretKey::generate(), SecretKey::generate(), SecretKey::generate());
        let cert = OnlineCert::issue(&root, online.public(), 1, 10_000);
        let manifest = Manifest {
            component: Digest::of(b"c"),
            executed: Builds { plain: Digest::of(b"p"), canonical: Digest::of(b"n") },
            source: None,
            limits: Limits::default(),
            profile: PROFILE.into(),
            author: author.public(),
            serial: 1,
            expires_at_ms: 5_000,
        };
        let signed = SignedManifest::countersign(AuthoredManifest::sign(&manifest, &author), &online, cert);
        assert_eq!(signed.verify(&root.public(), 1, 0), Ok(manifest.clone()));
        assert_eq!(signed.verify(&root.public(), 5_000, 0), Err(ManifestError::Expired(5_000)));
        assert!(matches!(signed.verify(&author.public(), 1, 0), Err(ManifestError::Cert(_))));

        let other = Manifest { component: Digest::of(b"d"), ..manifest };
        let mut forged = signed.clone();
        forged.authored.bytes = rmp_serde::to_vec_named(&other).unwrap();
        assert!(matches!(forged.verify(&root.public(), 1, 0), Err(ManifestError::Grid(_))));
        let by_stranger = AuthoredManifest {
            author_signature: root.sign(Purpose::AuthorManifest, &signed.authored.bytes),
            ..signed.authored
        };
        assert!(matches!(by_stranger.verify(1), Err(ManifestError::Author(_))));
    }
}

//! Taking in a module: signatures, limits, a look at the component in a child process, and the grid's countersignature.

use std::path::PathBuf;
use std::time::Duration;

use data_encoding::BASE64;
use fallow_protocol::api::{ModuleDraft, ModuleInfo, NewModule, NewModuleDraft};
use fallow_protocol::keys::Purpose;
use fallow_protocol::manifest::{AuthoredManifest, Exports, Limits, Manifest, ManifestError, PROFILE};
use fallow_protocol::{Digest, PublicKey, wire};
use fallow_sandbox::client::{SandboxError, Validated, validate};
use tokio::sync::Semaphore;

use crate::app::{App, now_ms};
use crate::store::{StoreError, author_keys, blobs, modules};

pub use crate::store::modules::ModuleRow;

const DAY_MS: u64 = 86_400_000;
/// A drafted manifest serves for so many windows after the one in which it was made: as those of the author's tool.
const LIFE_WINDOWS: u64 = 6;
/// Within a window the same component gives the same manifest.
const WINDOW_MS: u64 = 30 * DAY_MS;
/// How long a module waits for its turn to be validated.
const TURN: Duration = Duration::from_secs(20);

/// Why a module is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// The manifest is no base64.
    #[error("the manifest is not valid base64")]
    Encoding,
    /// The manifest cannot be used: shape, profile or expiry.
    #[error("{0}")]
    Unreadable(ManifestError),
    /// The author's signature is wrong.
    #[error("the author's signature does not match the manifest")]
    Signature,
    /// The key is not registered.
    #[error("the author's key {0} is not registered with this account")]
    UnknownKey(PublicKey),
    /// The component is not there.
    #[error("the component {0} was not uploaded by this account")]
    NoComponent(Digest),
    /// The component is refused.
    #[error("{0}")]
    Refused(String),
    /// The operator stopped it.
    #[error("the grid's operator suspended the module: {0}")]
    Suspended(String),
    /// A limit goes over the grid's.
    #[error("the manifest's {name} is {found}, this grid allows at most {most}")]
    Limit {
        /// Which limit.
        name: &'static str,
        /// What the manifest says.
        found: u64,
        /// What the grid allows.
        most: u64,
    },
    /// It names other bytes to execute than what instrumenting the component gives.
    #[error(
        "the manifest's executed digests are not those of the instrumented component; sign it with a `fallow` of the \
         grid's version"
    )]
    Executed,
    /// It would live too long.
    #[error("the manifest expires in {days} days, this grid allows at most {most}")]
    Life {
        /// Days that it would live.
        days: u64,
        /// What the grid allows.
        most: u32,
    },
    /// Too many validations wait.
    #[error("too many modules wait for validation; try again in a moment")]
    Busy,
    /// The database.
    #[error("failed to use the store of modules")]
    Store(#[from] StoreError),
    /// The child process could not do its work.
    #[error("failed to validate the component")]
    Host(#[source] SandboxError),
}

/// Take in a module for an account.
pub async fn accept(
    app: &App,
    validations: &Semaphore,
    account_id: i64,
    new: &NewModule,
) -> Result<ModuleInfo, ModuleError> {
    let bytes = BASE64.decode(new.manifest.as_bytes()).map_err(|_| ModuleError::Encoding)?;
    let authored = AuthoredManifest { bytes, author_signature: new.author_signature };
    let manifest = check(app, &authored)?;
    let reader = app.store.reader();
    if !author_keys::known(reader, account_id, &manifest.author).await? {
        return Err(ModuleError::UnknownKey(manifest.author));
    }
    let digest = Digest::of(&authored.bytes);
    if let Some(why) = app.suspensions.module(&digest, &manifest.component) {
        return Err(ModuleError::Suspended(why));
    }
    if let Some(row) = modules::by_digest(reader, account_id, &digest).await? {
        return Ok(info(&row, true));
    }
    let len = blobs::owned_len(reader, &manifest.component, account_id).await?;
    let len = len.ok_or(ModuleError::NoComponent(manifest.component))?;
    let exports = look_at(app, validations, &manifest, len).await?;
    let name = new.name.clone().unwrap_or_default();
    keep(app, account_id, authored, manifest, len, exports, name).await?;
    let row = modules::by_digest(reader, account_id, &digest).await?.ok_or(StoreError::Corrupt("module"))?;
    Ok(info(&row, false))
}

/// A module of an account, under today's online key.
pub async fn load(app: &App, account_id: i64, digest: &Digest) -> Result<Option<ModuleRow>, StoreError> {
    let row = modules::by_digest(app.store.reader(), account_id, digest).await?;
    Ok(row.map(|row| ModuleRow { signed: app.keys.refresh(row.signed), ..row }))
}

fn info(row: &ModuleRow, known: bool) -> ModuleInfo {
    ModuleInfo { module: row.digest, component: row.component, exports: row.exports, bytes: row.bytes, known }
}

/// What can be seen without the component.
fn check(app: &App, authored: &AuthoredManifest) -> Result<Manifest, ModuleError> {
    let now = now_ms();
    let manifest = authored.verify(now).map_err(|error| match error {
        ManifestError::Author(_) => ModuleError::Signature,
        other => ModuleError::Unreadable(other),
    })?;
    let (days, most) = ((manifest.expires_at_ms - now).div_ceil(DAY_MS), app.config.keys.module_days_max);
    if days > u64::from(most) {
        return Err(ModuleError::Life { days, most });
    }
    within(&manifest.limits, &app.config.limits.unit)?;
    Ok(manifest)
}

/// Every limit of a manifest against the grid's.
fn within(wished: &Limits, most: &Limits) -> Result<(), ModuleError> {
    let pairs = [
        ("memory_bytes", wished.memory_bytes, most.memory_bytes),
        ("fuel", wished.fuel, most.fuel),
        ("wall_ms", wished.wall_ms, most.wall_ms),
        ("output_bytes", wished.output_bytes, most.output_bytes),
        ("emit_bytes", wished.emit_bytes, most.emit_bytes),
        ("log_bytes", wished.log_bytes, most.log_bytes),
        ("scratch_bytes", wished.scratch_bytes, most.scratch_bytes),
        ("checkpoint_bytes", wished.checkpoint_bytes, most.checkpoint_bytes),
    ];
    match pairs.into_iter().find(|(_, found, most)| found > most) {
        Some((name, found, most)) => Err(ModuleError::Limit { name, found, most }),
        None => Ok(()),
    }
}

/// What the author would sign for a component that was uploaded.
pub async fn draft(
    app: &App,
    validations: &Semaphore,
    account_id: i64,
    new: &NewModuleDraft,
) -> Result<ModuleDraft, ModuleError> {
    let reader = app.store.reader();
    if !author_keys::known(reader, account_id, &new.author).await? {
        return Err(ModuleError::UnknownKey(new.author));
    }
    let len = blobs::owned_len(reader, &new.component, account_id).await?;
    let len = len.ok_or(ModuleError::NoComponent(new.component))?;
    let limits = new.limits.unwrap_or_default();
    within(&limits, &app.config.limits.unit)?;
    let validated = validated(app, validations, &new.component, len).await?;
    let now = now_ms();
    let window = now / WINDOW_MS;
    let most = now + u64::from(app.config.keys.module_days_max) * DAY_MS;
    let manifest = Manifest {
        component: new.component,
        executed: validated.builds,
        source: None,
        limits,
        profile: PROFILE.to_owned(),
        author: new.author,
        serial: window,
        expires_at_ms: most.min((window + LIFE_WINDOWS) * WINDOW_MS),
    };
    let bytes = wire::encode(&manifest);
    let message = Purpose::AuthorManifest.message(&bytes);
    Ok(ModuleDraft { manifest: BASE64.encode(&bytes), message: BASE64.encode(&message.0), exports: validated.exports })
}

/// What the component is, where its builds are those that the manifest names.
async fn look_at(app: &App, validations: &Semaphore, manifest: &Manifest, len: u64) -> Result<Exports, ModuleError> {
    let validated = validated(app, validations, &manifest.component, len).await?;
    if validated.builds == manifest.executed { Ok(validated.exports) } else { Err(ModuleError::Executed) }
}

/// Validate in a limited child; only so many at once.
async fn validated(app: &App, validations: &Semaphore, component: &Digest, len: u64) -> Result<Validated, ModuleError> {
    let most = app.config.limits.component_bytes_max;
    if len > most {
        return Err(ModuleError::Limit { name: "component's length", found: len, most });
    }
    let turn = tokio::time::timeout(TURN, validations.acquire()).await;
    let _permit = turn.map_err(|_| ModuleError::Busy)?.map_err(|_| ModuleError::Busy)?;
    let exe = worker_exe(app).map_err(|source| SandboxError::Host { step: "find this executable", source });
    let path = app.blobs.path(component);
    match validate(&exe.map_err(ModuleError::Host)?, &path).await {
        Err(SandboxError::Refused(why)) => Err(ModuleError::Refused(why)),
        Err(error) => Err(ModuleError::Host(error)),
        Ok(validated) => Ok(validated),
    }
}

/// The executable that becomes a worker.
pub(crate) fn worker_exe(app: &App) -> std::io::Result<PathBuf> {
    app.config.worker_exe.clone().map_or_else(std::env::current_exe, Ok)
}

async fn keep(
    app: &App,
    account_id: i64,
    authored: AuthoredManifest,
    manifest: Manifest,
    len: u64,
    exports: Exports,
    name: String,
) -> Result<(), ModuleError> {
    let signed = app.keys.countersign(authored);
    let work = app.store.write(move |transaction| {
        let (manifest, signed, name) = (manifest.clone(), signed.clone(), name.clone());
        Box::pin(async move {
            modules::insert(transaction, account_id, &manifest, &signed, len, &exports, &name, now_ms()).await
        })
    });
    Ok(work.await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_counts() {
        let most = crate::config::Limits::default().unit;
        assert!(within(&Limits::default(), &most).is_ok());
        assert!(within(&most, &most).is_ok());
        let raise: [(&str, fn(&mut Limits)); 8] = [
            ("memory_bytes", |limits| limits.memory_bytes += 1),
            ("fuel", |limits| limits.fuel += 1),
            ("wall_ms", |limits| limits.wall_ms += 1),
            ("output_bytes", |limits| limits.output_bytes += 1),
            ("emit_bytes", |limits| limits.emit_bytes += 1),
            ("log_bytes", |limits| limits.log_bytes += 1),
            ("scratch_bytes", |limits| limits.scratch_bytes += 1),
            ("checkpoint_bytes", |limits| limits.checkpoint_bytes += 1),
        ];
        for (expected, raise) in raise {
            let mut wished = most;
            raise(&mut wished);
            let Err(ModuleError::Limit { name, .. }) = within(&wished, &most) else { panic!("{expected} is not seen") };
            assert_eq!(name, expected);
        }
    }
}

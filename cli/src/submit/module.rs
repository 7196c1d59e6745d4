//! The component of a job, ready for the grid: built or read, adapted where it is a core module, and signed.

use anyhow::Context;
use bytes::Bytes;
use fallow_protocol::api::GridInfo;
use fallow_protocol::manifest::{AuthoredManifest, Builds, Limits, Manifest, PROFILE};
use fallow_protocol::{Digest, PublicKey, SecretKey};
use fallow_sandbox::client::validate;

use super::plan::Plan;
use crate::args::WorkArgs;
use crate::author_key;
use crate::commands::project;
use crate::failure::Failure;
use crate::run::refused;
use crate::session::Session;
use crate::toolchain::adapt::to_component;
use crate::words::{bytes, now_ms};

/// A manifest serves for so long after the window in which it was signed.
const LIFE_WINDOWS: u64 = 6;
/// Within a window the same component gives the same manifest, byte for byte, so that the grid knows it again: 30 days.
const WINDOW_MS: u64 = 30 * 24 * 3_600_000;

/// A component and the author's word for it.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its bytes.
    pub component: Bytes,
    /// Its file's name, for people.
    pub label: String,
    /// Its signed manifest.
    pub manifest: AuthoredManifest,
    key: PublicKey,
}

impl Module {
    /// Build (or read `--component`), check its size and the grid's profile, and sign.
    pub async fn prepare(session: &Session, args: &WorkArgs, plan: &Plan, grid: &GridInfo) -> anyhow::Result<Self> {
        check_profile(&grid.profile)?;
        let key = author_key::require(&session.config.key_file())?;
        let (component, label) = component(session, args).await?;
        if component.len() as u64 > grid.component_bytes_max {
            let (found, max) = (bytes(component.len() as u64), bytes(grid.component_bytes_max));
            let what = format!("the component has {found}, and this grid takes components up to {max}");
            return Err(Failure::new(what).place(label).help("build it for release, without debug information").into());
        }
        let builds = builds(&component).await?;
        let manifest = sign(&component, builds, plan.limits, &key, now_ms());
        Ok(Self { component, label, manifest, key: key.public() })
    }

    /// Beginning and end of the key, for people.
    pub fn key_short(&self) -> String {
        let key = self.key.to_string();
        format!("{}…{}", &key[..4], &key[key.len() - 2..])
    }
}

fn check_profile(found: &str) -> Result<(), Failure> {
    if found == PROFILE {
        return Ok(());
    }
    let what = format!("this tool signs for {PROFILE:?}, and the grid runs {found:?}");
    Err(Failure::new(what)
        .help("use the `fallow` of the grid's version; `fallow grid` says which")
        .kind("other-profile"))
}

async fn component(session: &Session, args: &WorkArgs) -> anyhow::Result<(Bytes, String)> {
    let file = match &args.component {
        Some(file) => file.clone(),
        None => project::component(session, &args.project).await?,
    };
    let label = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let read = std::fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?;
    // Components stay as they are; core modules are adapted before they are signed.
    let component = to_component(read, false).with_context(|| format!("in {}", file.display()))?;
    Ok((component.into(), label))
}

/// Validated and instrumented in a child, as the grid will do it again: a refusal comes before anything is uploaded.
async fn builds(component: &[u8]) -> anyhow::Result<Builds> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let path = folder.path().join("component.wasm");
    tokio::fs::write(&path, component).await.with_context(|| format!("failed to write {}", path.display()))?;
    let exe = std::env::current_exe().context("failed to find this program")?;
    Ok(validate(&exe, &path).await.map_err(refused)?.builds)
}

fn sign(component: &[u8], builds: Builds, limits: Limits, key: &SecretKey, now_ms: u64) -> AuthoredManifest {
    let digest = Digest::of(component);
    let window = now_ms / WINDOW_MS;
    let manifest = Manifest {
        component: digest,
        executed: builds,
        source: None,
        limits,
        profile: PROFILE.to_owned(),
        author: key.public(),
        serial: window,
        expires_at_ms: (window + LIFE_WINDOWS) * WINDOW_MS,
    };
    AuthoredManifest::sign(&manifest, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_component_gives_the_same_manifest_for_a_while() {
        let key = SecretKey::generate();
        let now = 100 * WINDOW_MS + 5;
        let builds = Builds { plain: Digest::of(b"plain"), canonical: Digest::of(b"canonical") };
        let sign = |now| sign(b"component", builds, Limits::default(), &key, now);
        let one = sign(now);
        assert_eq!(one, sign(now + WINDOW_MS - 6));
        assert_ne!(one, sign(now + WINDOW_MS));
        let manifest = one.verify(now).unwrap();
        assert!(manifest.expires_at_ms > now + 5 * WINDOW_MS);
        assert_eq!(manifest.component, Digest::of(b"component"));
    }

    #[test]
    fn another_profile_is_said_before_anything_is_uploaded() {
        assert!(check_profile(PROFILE).is_ok());
        assert!(check_profile("fuel=other").unwrap_err().what.contains("fuel=other"));
    }
}

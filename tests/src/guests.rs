//! Guests for tests, built once by the author's own tool and shared by every test.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{program, programs};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the repository").to_owned()
}

/// The component of a project of the repository, as `examples/primes`.
pub async fn component(project: &str) -> Result<PathBuf> {
    let name = project.rsplit('/').next().context("a project has a name")?;
    let folder = programs().join("../guests");
    let file = folder.join(format!("{name}.wasm"));
    if file.exists() {
        return Ok(file);
    }
    std::fs::create_dir_all(&folder)?;
    let output = program("fallow").arg("build").arg(root().join(project)).arg("--out").arg(&file).output().await?;
    if !output.status.success() {
        bail!("failed to build {project}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(file)
}

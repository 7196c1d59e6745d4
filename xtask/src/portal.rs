//! The pages: `web-portal/`, which Node.js checks and builds. What has not changed is not done again.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::guests::target;
use crate::sh::{Result, command, root, run};

/// Server and node with their pages inside. They must have been built before.
pub const FEATURES: [&str; 2] = ["--features", "grid-server/portal,fallow-node/portal"];

/// Folders that are made, not written.
const MADE: [&str; 4] = ["node_modules", "dist", "dist-node", "test-results"];

/// Build both apps.
pub fn build() -> Result<()> {
    install()?;
    once("portal.built", sources()?, || npm(&["run", "--silent", "build"]))
}

/// Type check, lint and test them, and build them.
pub fn check() -> Result<()> {
    install()?;
    once("portal.checked", sources()?, || {
        npm(&["run", "--silent", "types"])?;
        npm(&["run", "--silent", "lint"])?;
        npm(&["test"])
    })?;
    build()
}

/// The journeys in a browser, against the programs that were built.
pub fn journeys() -> Result<()> {
    npm(&["run", "--silent", "e2e"])
}

fn install() -> Result<()> {
    let lock = hash_of(&[folder().join("package-lock.json")])?;
    once("portal.installed", lock, || npm(&["ci"]))
}

fn folder() -> PathBuf {
    root().join("web-portal")
}

fn npm(args: &[&str]) -> Result<()> {
    let mut npm: Command = command("npm", args);
    npm.current_dir(folder());
    run(npm)
}

/// Do it, unless it was done for the same sources, and what it made is still there.
fn once(name: &str, digest: u64, deed: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = target().join(name);
    let digest = format!("{digest:016x}");
    let made = if name == "portal.built" { folder().join("dist/index.html") } else { folder().join("node_modules") };
    if made.exists() && std::fs::read_to_string(&stamp).is_ok_and(|kept| kept == digest) {
        return Ok(());
    }
    deed()?;
    std::fs::create_dir_all(target())
        .and_then(|()| std::fs::write(&stamp, digest))
        .map_err(|error| format!("failed to write {}: {error}", stamp.display()))
}

/// Everything that the pages are made of, the server's description of its API included.
fn sources() -> Result<u64> {
    let mut files = Vec::new();
    list(&folder(), &mut files)?;
    files.push(root().join("grid-server/openapi.json"));
    files.sort();
    hash_of(&files)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |error| format!("failed to list {}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if MADE.iter().any(|made| entry.file_name() == *made) {
            continue;
        }
        let path = entry.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn hash_of(files: &[PathBuf]) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        std::fs::read(file).map_err(|error| format!("failed to read {}: {error}", file.display()))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::sources;

    #[test]
    fn the_same_sources_have_the_same_digest() {
        assert_eq!(sources(), sources());
        assert!(sources().is_ok());
    }
}

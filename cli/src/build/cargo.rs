//! Calls cargo for a task, and reads from its messages which file it made.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::failure::Failure;
use crate::fallow_toml::{Kind, ProjectFile};
use crate::toolchain::Toolchain;

/// One line of cargo's messages, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    target: Option<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// A `.wasm` file that cargo made.
#[derive(Debug, PartialEq, Eq)]
struct Artefact {
    name: String,
    is_bin: bool,
    file: PathBuf,
}

/// Build the project's package: the core module or component that it is.
pub fn build(project: &Path, file: &ProjectFile, toolchain: &Toolchain, quiet: bool) -> anyhow::Result<PathBuf> {
    let mut cargo = toolchain.cargo();
    cargo.args(["build", "--release", "--message-format=json-render-diagnostics", "--target", toolchain.target]);
    cargo.arg("--manifest-path").arg(manifest(project)?);
    cargo.arg(if file.task.kind == Kind::Command { "--bins" } else { "--lib" });
    if let Some(package) = &file.build.package {
        cargo.args(["--package", package]);
    }
    if !file.build.features.is_empty() {
        cargo.args(["--features", &file.build.features.join(",")]);
    }
    if quiet {
        cargo.arg("--quiet");
    }
    let child = cargo.current_dir(project).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let artefacts = artefacts(child.context("cannot run cargo")?)?;
    choose(artefacts, file.task.kind)
}

fn manifest(project: &Path) -> anyhow::Result<PathBuf> {
    let manifest = std::path::absolute(project.join("Cargo.toml"))?;
    if !manifest.is_file() {
        return Err(Failure::new(format!("{} is not there", manifest.display()))
            .help("task.lang = \"wasm\" with build.wasm = \"FILE.wasm\" takes a file that was built elsewhere")
            .into());
    }
    Ok(manifest)
}

fn artefacts(mut child: Child) -> anyhow::Result<Vec<Artefact>> {
    let stdout = child.stdout.take().context("cargo's output is not connected")?;
    let mut found = Vec::new();
    for line in BufReader::new(stdout).lines() {
        // What build scripts print on the same stream is not JSON.
        let Ok(message) = serde_json::from_str::<Message>(&line.context("cannot read cargo's messages")?) else {
            continue;
        };
        found.extend(artefact(message));
    }
    if !child.wait().context("cannot wait for cargo")?.success() {
        bail!("the task does not build: cargo says above why");
    }
    Ok(found)
}

fn artefact(message: Message) -> Option<Artefact> {
    let target = message.target.filter(|_| message.reason == "compiler-artifact")?;
    let file = message.filenames.into_iter().find(|file| file.extension().is_some_and(|end| end == "wasm"))?;
    Some(Artefact { name: target.name, is_bin: target.kind.iter().any(|kind| kind == "bin"), file })
}

/// Cargo names dependencies first, so that the package's own artefact is the last of its kind.
fn choose(artefacts: Vec<Artefact>, kind: Kind) -> anyhow::Result<PathBuf> {
    let wanted: Vec<Artefact> =
        artefacts.into_iter().filter(|artefact| artefact.is_bin == (kind == Kind::Command)).collect();
    if kind == Kind::Command && wanted.len() > 1 {
        let names: Vec<&str> = wanted.iter().map(|artefact| artefact.name.as_str()).collect();
        bail!(
            "the package has several programs ({}): set build.package to one that has only the task's",
            names.join(", ")
        );
    }
    let missing = match kind {
        Kind::Component => {
            "add `[lib] crate-type = [\"cdylib\", \"rlib\"]` to Cargo.toml, or set task.kind = \"command\""
        }
        Kind::Command => "the package needs src/main.rs; a library with `fallow::task!` is task.kind = \"component\"",
    };
    let last = wanted.into_iter().next_back();
    Ok(last.ok_or_else(|| Failure::new("cargo made no WebAssembly of the package").help(missing))?.file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Artefact> {
        artefact(serde_json::from_str(line).unwrap())
    }

    #[test]
    fn the_packages_own_file_is_found_among_the_messages() {
        let library = read(
            r#"{"reason":"compiler-artifact","target":{"name":"cells","kind":["cdylib","rlib"]},
            "filenames":["/t/libcells.rlib","/t/cells.wasm"],"fresh":false}"#,
        );
        let library = library.unwrap();
        assert_eq!(library.file, Path::new("/t/cells.wasm"));
        assert_eq!(read(r#"{"reason":"build-finished","success":true}"#), None);
        let bin = |name: &str| Artefact { name: name.into(), is_bin: true, file: format!("/t/{name}.wasm").into() };
        assert_eq!(choose(vec![bin("a"), library], Kind::Component).unwrap(), Path::new("/t/cells.wasm"));
        assert_eq!(choose(vec![bin("a")], Kind::Command).unwrap(), Path::new("/t/a.wasm"));
        assert!(choose(vec![bin("a"), bin("b")], Kind::Command).unwrap_err().to_string().contains("(a, b)"));
        assert!(choose(vec![bin("a")], Kind::Component).is_err());
    }
}

//! Building the host's programs and the guests, once for everybody.

use std::path::PathBuf;

use crate::sh::{Result, command, root, run};

/// Profile of a build.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// For demo and tests: dependencies at full speed, our own code quick to build.
    Dev,
    /// For benchmarks and installations.
    Release,
}

impl Profile {
    /// Folder of the built programs.
    pub fn folder(self) -> PathBuf {
        target().join(if self == Profile::Dev { "debug" } else { "release" })
    }
}

/// Folder of everything that is built.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Build the programs of the workspace; `args` say which targets, and features.
pub fn build_programs(profile: Profile, args: &[&str]) -> Result<()> {
    let mut cargo = command("cargo", &["build", "--workspace", "--locked"]);
    cargo.args(args);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    run(cargo)
}

/// Build examples and the tests' guests into `target/guests/NAME.wasm`.
pub fn build_guests(profile: Profile, projects: &[&str]) -> Result<()> {
    let out = profile.folder().join("../guests");
    std::fs::create_dir_all(&out).map_err(|error| format!("failed to create {}: {error}", out.display()))?;
    for project in projects {
        let name = project.rsplit('/').next().unwrap_or(project);
        let file = out.join(format!("{name}.wasm"));
        let mut fallow = command(profile.folder().join("fallow"), &["build", project, "--out"]);
        fallow.arg(&file);
        run(fallow)?;
    }
    Ok(())
}

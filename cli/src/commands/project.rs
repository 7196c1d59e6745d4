//! `fallow new`, `build` and `run`: the commands about a project on this computer.

use std::path::{Path, PathBuf};

use crate::args::{BuildArgs, NewArgs, RunArgs};
use crate::failure::Failure;
use crate::session::Session;

/// Begin a project.
pub async fn new(_session: &Session, args: &NewArgs) -> anyhow::Result<()> {
    Err(not_yet(&args.folder))
}

/// Build a project.
pub async fn build(_session: &Session, args: &BuildArgs) -> anyhow::Result<()> {
    Err(not_yet(&args.project))
}

/// Run one unit here.
pub async fn run(_session: &Session, args: &RunArgs) -> anyhow::Result<()> {
    Err(not_yet(&args.project))
}

/// The component of a project, built where it is not fresh.
pub async fn build_for_submit(_session: &Session, project: &Path) -> anyhow::Result<PathBuf> {
    Err(not_yet(project))
}

/// A component as it is, a core module adapted.
pub fn to_component(bytes: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    Ok(bytes)
}

fn not_yet(project: &Path) -> anyhow::Error {
    Failure::new(format!("cannot build {}", project.display())).help("build elsewhere and give --component FILE").into()
}

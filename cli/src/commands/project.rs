//! `fallow new`, `build` and `run`: the commands about a project on this computer.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::args::{BuildArgs, NewArgs, RunArgs};
use crate::build::{BuildOptions, Built, build as build_project};
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal::escape::line;
use crate::words::{bytes, seconds};

/// Begin a project.
pub async fn new(_session: &Session, args: &NewArgs) -> anyhow::Result<()> {
    Err(not_yet(&args.folder))
}

/// Run one unit here.
pub async fn run(_session: &Session, args: &RunArgs) -> anyhow::Result<()> {
    Err(not_yet(&args.project))
}

fn not_yet(project: &Path) -> anyhow::Error {
    Failure::new(format!("cannot build {}", project.display())).help("build elsewhere and give --component FILE").into()
}

/// Build a project.
pub async fn build(session: &Session, args: &BuildArgs) -> anyhow::Result<()> {
    let mut built = built(session, &args.project).await?;
    if let Some(out) = &args.out {
        std::fs::copy(&built.component, out).with_context(|| format!("failed to write {}", out.display()))?;
        built.component = out.clone();
    }
    let terminal = &session.terminal;
    terminal.document(&built);
    let file = line(&built.component.to_string_lossy());
    if terminal.quiet {
        terminal.line(file);
        return Ok(());
    }
    let took = seconds(built.wall_ms / 1000);
    terminal.talk(format!("  {}  {file}  {} in {took}", terminal.paint.good("built"), bytes(built.bytes)));
    terminal.talk(format!("         {} by {}", built.digest, line(&built.toolchain)));
    Ok(())
}

/// The component of a project, built where it is not fresh.
pub async fn component(session: &Session, project: &Path) -> anyhow::Result<PathBuf> {
    Ok(built(session, project).await?.component)
}

async fn built(session: &Session, project: &Path) -> anyhow::Result<Built> {
    let terminal = session.terminal;
    let options = BuildOptions { quiet: terminal.json || terminal.quiet, ..BuildOptions::default() };
    build_project(folder(project), &options, &move |what| terminal.remark(format!("  {}", line(what)))).await
}

/// A project may be said by its fallow.toml.
fn folder(project: &Path) -> &Path {
    match project.parent() {
        Some(parent) if project.is_file() && !parent.as_os_str().is_empty() => parent,
        Some(_) if project.is_file() => Path::new("."),
        _ => project,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("fallow.toml");
        std::fs::write(&file, "").unwrap();
        assert_eq!(folder(&file), dir.path());
        assert_eq!(folder(dir.path()), dir.path());
        assert_eq!(folder(Path::new(".")), Path::new("."));
    }
}

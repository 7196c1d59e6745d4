//! `fallow new`, `build` and `run`: the commands about a project on this computer.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use crate::args::{BuildArgs, NewArgs};
use crate::build::{BuildOptions, Built, build as build_project};
use crate::new::new as begin_project;
use crate::session::Session;
use crate::terminal::escape::line;
use crate::words::{bytes, seconds};

/// Begin a project.
pub async fn new(session: &Session, args: &NewArgs) -> anyhow::Result<()> {
    let files = begin_project(&args.folder, &args.lang)?;
    let terminal = &session.terminal;
    terminal.document(&json!({ "folder": args.folder, "files": files }));
    let shown = line(&args.folder.to_string_lossy());
    if terminal.quiet {
        terminal.line(shown);
        return Ok(());
    }
    terminal.talk(format!("  {}  {shown}, {} files", terminal.paint.good("made"), files.len()));
    terminal.talk(format!("  next: cd {shown} && fallow run; its README.md says more"));
    Ok(())
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
    build_project(folder(project), &build_options(session), &note(session)).await
}

/// How to build for this call.
pub(super) fn build_options(session: &Session) -> BuildOptions {
    BuildOptions { quiet: session.terminal.json || session.terminal.quiet, ..BuildOptions::default() }
}

/// Says what takes long.
pub(super) fn note(session: &Session) -> impl Fn(&str) + Send + Sync + use<> {
    let terminal = session.terminal;
    move |what| terminal.remark(format!("  {}", line(what)))
}

/// A project may be said by its fallow.toml.
pub(super) fn folder(project: &Path) -> &Path {
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

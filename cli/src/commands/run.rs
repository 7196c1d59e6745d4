//! `fallow run`: one unit, or a whole small job, on this computer.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::project::{build_options, folder, note};
use crate::args::RunArgs;
use crate::failure::Failure;
use crate::run::{RunInput, RunOptions, RunReport, run as run_here};
use crate::session::Session;
use crate::terminal::escape::{line, text};
use crate::words::bytes;

/// Output that a terminal shows; more belongs into a file.
const SHOWN_BYTES_MAX: usize = 64 * 1024;
/// Input from standard input; more belongs into a file, which is not held in memory.
const STDIN_BYTES_MAX: u64 = 1 << 30;

/// The whole command. A unit that fails is an error, after everything that is known about it was said.
pub async fn run(session: &Session, args: &RunArgs) -> anyhow::Result<()> {
    let (project, said) = places(args)?;
    let options = RunOptions {
        project: folder(&project).to_owned(),
        component: args.component.clone(),
        input: if args.whole { None } else { input(args, said.as_deref())? },
        whole: args.whole,
        inputs: if args.whole { whole_inputs(args, said.as_deref()) } else { Vec::new() },
        args: args.args.clone(),
        limits: args.limits.clone(),
        shared: args.shared.clone(),
        seed: args.seed,
        exe: std::env::current_exe().context("failed to find this program")?,
        build: build_options(session),
    };
    let report = run_here(&options, &note(session)).await?;
    session.terminal.document(&report);
    report.lines().iter().for_each(|shown| session.terminal.remark(shown));
    match &report.failure {
        Some(failure) => Err(failure.clone().into()),
        None => deliver(session, args.output.as_deref(), &report),
    }
}

/// What was said without a name is the project where it is one, else the input.
fn places(args: &RunArgs) -> Result<(PathBuf, Option<PathBuf>), Failure> {
    let here = || PathBuf::from(".");
    let is_project =
        |what: &Path| what.is_dir() || what.file_name().is_some_and(|name| name == crate::fallow_toml::FILE_NAME);
    match (&args.what, &args.project) {
        (Some(what), None) if is_project(what) => Ok((what.clone(), None)),
        (Some(what), Some(_)) if what.is_dir() => Err(Failure::usage(
            format!("{} is a folder, no input", what.display()),
            "fallow run INPUT --project FOLDER",
        )),
        (what, project) => Ok((project.clone().unwrap_or_else(here), what.clone())),
    }
}

/// The input of one unit.
fn input(args: &RunArgs, said: Option<&Path>) -> anyhow::Result<Option<RunInput>> {
    let named = args.inputs.iter().map(Path::new);
    let all: Vec<&Path> = said.into_iter().chain(named).collect();
    match all.as_slice() {
        [] => Ok(None),
        [path] if *path == Path::new("-") => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(STDIN_BYTES_MAX + 1).read_to_end(&mut bytes);
            read.context("failed to read standard input")?;
            if bytes.len() as u64 > STDIN_BYTES_MAX {
                return Err(Failure::usage("standard input has more than 1 GiB", "fallow run FILE").into());
            }
            Ok(Some(RunInput::Bytes(bytes)))
        }
        [path] => Ok(Some(RunInput::File(path.to_path_buf()))),
        _ => {
            Err(Failure::usage("one unit has one input", "fallow run FILE, or `--whole` for a job of several files")
                .into())
        }
    }
}

fn whole_inputs(args: &RunArgs, said: Option<&Path>) -> Vec<String> {
    said.map(|path| path.to_string_lossy().into_owned()).into_iter().chain(args.inputs.iter().cloned()).collect()
}

/// The output into its file, to the next program, or, made harmless, onto the terminal.
fn deliver(session: &Session, file: Option<&Path>, report: &RunReport) -> anyhow::Result<()> {
    let terminal = &session.terminal;
    if let Some(file) = file {
        return std::fs::write(file, &report.output).with_context(|| format!("failed to write {}", file.display()));
    }
    if terminal.json {
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    if !out.is_terminal() {
        return out.write_all(&report.output).and_then(|()| out.flush()).context("failed to write to standard output");
    }
    drop(out);
    match std::str::from_utf8(&report.output) {
        Ok(output) if output.len() <= SHOWN_BYTES_MAX => terminal.line(text(output.trim_end())),
        _ => terminal.line(format!(
            "  {} that no terminal shows; `--output FILE` keeps them",
            line(&bytes(report.output.len() as u64))
        )),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn args(words: &[&str]) -> RunArgs {
        match Cli::try_parse_from(["fallow", "run"].iter().chain(words)).unwrap().command {
            Command::Run(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_said_is_a_project_or_an_input() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_str().unwrap();
        assert_eq!(places(&args(&[folder])).unwrap(), (dir.path().to_owned(), None));
        assert_eq!(places(&args(&["in.png"])).unwrap(), (PathBuf::from("."), Some(PathBuf::from("in.png"))));
        assert_eq!(places(&args(&["in.png", "--project", folder])).unwrap().0, dir.path());
        assert!(places(&args(&[folder, "--project", folder])).is_err());
    }

    #[test]
    fn one_unit_has_one_input() {
        let file = |words: &[&str], said: Option<&str>| input(&args(words), said.map(Path::new));
        assert!(matches!(file(&["--input", "a"], None), Ok(Some(RunInput::File(path))) if path == Path::new("a")));
        assert!(matches!(file(&[], Some("b")), Ok(Some(RunInput::File(path))) if path == Path::new("b")));
        assert!(matches!(file(&[], None), Ok(None)));
        assert!(file(&["--input", "a"], Some("b")).unwrap_err().to_string().contains("one input"));
        assert_eq!(whole_inputs(&args(&["--whole", "--input", "x*"]), Some(Path::new("y"))), ["y", "x*"]);
    }
}

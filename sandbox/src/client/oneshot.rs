//! Children that do one thing, answer, and are gone: validating, compiling, testing the walls.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use super::SandboxError;
use super::feed;
use super::listen::stderr_tail;
use super::process::{PATIENCE, Process};
use crate::wire::{Frames, Order, Told};

/// Wall time of a validation.
pub const VALIDATE_SECS: u64 = 120;
/// Wall time of a compile: its CPU limit on a busy computer.
pub const COMPILE_SECS: u64 = 600;

/// Ends of compiled files' names, as each executable said them: saves a process where the file is there.
static SUFFIXES: LazyLock<Mutex<HashMap<PathBuf, String>>> = LazyLock::new(Mutex::default);

/// A compiled file of this digest that is there already, as far as that is known without asking.
pub fn cached(exe: &Path, cache_dir: &Path, digest: &str) -> Option<PathBuf> {
    let suffixes = SUFFIXES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let path = cache_dir.join(format!("{digest}{}", suffixes.get(exe)?));
    path.exists().then_some(path)
}

/// Remember the end of a compiled file's name.
pub fn remember(exe: &Path, digest: &str, name: &str) {
    if let Some(suffix) = name.strip_prefix(digest) {
        let mut suffixes = SUFFIXES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        suffixes.insert(exe.to_owned(), suffix.to_owned());
    }
}

/// Start a child, give it one order, and wait for its one answer.
pub async fn ask(exe: &Path, order: Order, step: &'static str, secs: u64) -> Result<Told, SandboxError> {
    let host = |source| SandboxError::Host { step, source };
    let (process, pipes) = Process::spawn(exe).map_err(host)?;
    let mut stdin = ChildStdin::from_std(pipes.stdin).map_err(host)?;
    let stdout = ChildStdout::from_std(pipes.stdout).map_err(host)?;
    let stderr = tokio::spawn(stderr_tail(ChildStderr::from_std(pipes.stderr).map_err(host)?));
    let conversation = async {
        feed::put(&mut stdin, &order).await?;
        answer(stdout).await
    };
    let answer = tokio::time::timeout(Duration::from_secs(secs), conversation).await;
    if answer.is_err() {
        process.kill();
    }
    let status = tokio::task::spawn_blocking(move || process.reap(PATIENCE)).await.unwrap_or_default();
    match answer {
        Ok(Ok(Some(Told::Refused { message }))) => Err(SandboxError::Refused(message)),
        Ok(Ok(Some(Told::Failed { message }))) => Err(host(io::Error::other(message))),
        Ok(Ok(Some(told))) => Ok(told),
        // A child that is gone without an answer ran into its limits: that is the component's doing, not the
        // computer's, and another computer would fare no better.
        Ok(Ok(None) | Err(_)) => {
            let stderr = stderr.await.unwrap_or_default();
            let words = stderr.trim().lines().next().unwrap_or_default().to_owned();
            Err(SandboxError::Refused(format!(
                "the component takes more memory or time than it may to {step} ({status}{}{words}); make its functions smaller",
                if words.is_empty() { "" } else { ": " },
            )))
        }
        Err(_) => Err(SandboxError::Refused(format!(
            "the component takes longer than {secs} s to {step}; make its functions smaller"
        ))),
    }
}

async fn answer(mut stdout: ChildStdout) -> io::Result<Option<Told>> {
    let mut frames = Frames::default();
    let mut chunk = [0; 4096];
    loop {
        if let Some(told) = frames.take()? {
            return Ok(Some(told));
        }
        match stdout.read(&mut chunk).await? {
            0 => return Ok(None),
            len => frames.push(&chunk[..len]),
        }
    }
}

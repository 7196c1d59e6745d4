//! Getting a job's result: streamed, gone on with where it broke off, checked, and unpacked where that is wanted.

use std::path::{Path, PathBuf};

use anyhow::Context;
use fallow_protocol::Digest;
use fallow_protocol::api::{JobInfo, JobPhase, ResultInfo};
use fallow_protocol::job::Assemble;
use serde::Serialize;
use serde_json::json;

use crate::args::FetchTo;
use crate::client::{Client, Copy, Source};
use crate::exit::Exit;
use crate::extract;
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal::escape;
use crate::terminal::live::byte_bar;
use crate::watch::end_failure;
use crate::words::{bytes, counted};

/// Results up to so many bytes are unpacked without an archive on the disk: they come again where this tool is ended
/// before it has them. Breaks of the connection cost nothing.
const UNKEPT_BYTES_MAX: u64 = 256 << 20;
/// Longest part of a file name that is taken from a job's name, letters.
const NAME_LETTERS_MAX: usize = 80;

/// A result that was fetched.
#[derive(Clone, Debug, Serialize)]
pub struct Fetched {
    /// File or folder; None for standard output.
    pub path: Option<PathBuf>,
    /// BLAKE3 of the result.
    pub digest: Digest,
    /// Its length, bytes.
    pub len: u64,
    /// Number of files, where it was unpacked.
    pub files: Option<u64>,
}

/// Fetch the result of `job`, which must have one.
pub async fn result(session: &Session, client: &Client, job: &JobInfo, to: &FetchTo) -> anyhow::Result<Fetched> {
    let result = result_of(job)?;
    let fetched = |path, files| Fetched { path, digest: result.digest, len: result.len, files };
    if to.output.as_deref() == Some(Path::new("-")) {
        to_stdout(session, client, job, result, to).await?;
        return Ok(fetched(None, None));
    }
    if to.extract {
        let folder = to.output.clone().unwrap_or_else(|| PathBuf::from(plain_name(job)));
        let files = to_folder(session, client, job, result, &folder).await?;
        return Ok(fetched(Some(folder), Some(files)));
    }
    let file = target_file(job, result, to);
    refuse_taken(&file, to.force)?;
    download(session, client, job, result, &file, &mut Copy::default()).await?;
    Ok(fetched(Some(file), None))
}

/// Say what was fetched; `event` where it ends a stream.
pub fn tell(session: &Session, fetched: &Fetched, event: bool) {
    let terminal = &session.terminal;
    if event {
        terminal.event(&json!({ "event": "fetched", "result": fetched }));
    } else if fetched.path.is_some() {
        terminal.document(fetched);
    }
    let Some(path) = &fetched.path else { return };
    let shown = escape::line(&path.to_string_lossy());
    if terminal.quiet {
        return terminal.line(shown);
    }
    let files = fetched.files.map_or_else(String::new, |files| format!("{} of ", counted(files, "file", "files")));
    terminal.talk(format!("  {}  {files}{} in {shown}", terminal.paint.good("fetched"), bytes(fetched.len)));
}

fn result_of(job: &JobInfo) -> Result<&ResultInfo, Failure> {
    match (&job.result, job.phase) {
        (Some(result), _) => Ok(result),
        (None, JobPhase::Failed | JobPhase::Cancelled) => Err(end_failure(job)),
        (None, _) => {
            let help = format!("fallow fetch {0} --wait, or fallow watch {0}", job.id);
            Err(Failure::new(format!("{} has no result yet", job.id))
                .help(help)
                .kind("no-result-yet")
                .exit(Exit::NotEnded))
        }
    }
}

async fn download(
    session: &Session,
    client: &Client,
    job: &JobInfo,
    result: &ResultInfo,
    file: &Path,
    copy: &mut Copy,
) -> anyhow::Result<()> {
    if let Some(parent) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
    }
    let bar = byte_bar(&session.terminal, "fetching", result.len);
    let source = Source::Result(job.id.clone());
    let saved = client.save(&source, result.digest, file, copy, &|more| bar.inc(more)).await;
    bar.finish_and_clear();
    saved.map(drop).map_err(Into::into)
}

/// Unpack the result as it comes, without a file of it. The folder appears once all of it was right.
async fn unpack_unkept(
    session: &Session,
    client: &Client,
    job: &JobInfo,
    result: &ResultInfo,
    folder: &Path,
) -> anyhow::Result<u64> {
    let (mut copy, taker) = Copy::new();
    let beside = folder.to_path_buf();
    let extracting = tokio::task::spawn_blocking(move || extract::extract_beside(taker, &beside));
    let bar = byte_bar(&session.terminal, "fetching", result.len);
    let source = Source::Result(job.id.clone());
    let passed = client.pass(&source, result.digest, &mut copy, &|more| bar.inc(more)).await;
    bar.finish_and_clear();
    drop(copy);
    let extracted = extracting.await.context("failed to extract the archive")?;
    match passed? {
        Some(_) => extracted?.appear(folder),
        // It went away before the end, and says why.
        None => extracted.and_then(|_| anyhow::bail!("failed to extract the archive: it was not read to its end")),
    }
}

async fn to_folder(
    session: &Session,
    client: &Client,
    job: &JobInfo,
    result: &ResultInfo,
    folder: &Path,
) -> anyhow::Result<u64> {
    extract::refuse_full(folder)?;
    if result.len <= UNKEPT_BYTES_MAX {
        return unpack_unkept(session, client, job, result, folder).await;
    }
    // Beside the folder, so that a broken download is gone on with by the next call.
    let mut archive = folder.to_path_buf().into_os_string();
    archive.push(".tar");
    let archive = PathBuf::from(archive);
    refuse_taken(&archive, false)?;
    // Unpacked as it comes; it appears under its name only once its digest was checked.
    let (mut copy, taker) = Copy::new();
    let beside = folder.to_path_buf();
    let extracting = tokio::task::spawn_blocking(move || extract::extract_beside(taker, &beside));
    download(session, client, job, result, &archive, &mut copy).await?;
    let whole = copy.is_whole(result.len);
    drop(copy);
    let files = match extracting.await.context("failed to extract the archive")? {
        Ok(extracted) if whole => extracted.appear(folder),
        // Not all of it came now, or it is no archive: the file says which.
        _ => extract::extract(&archive, folder),
    };
    let _ = std::fs::remove_file(&archive);
    files
}

async fn to_stdout(
    session: &Session,
    client: &Client,
    job: &JobInfo,
    result: &ResultInfo,
    to: &FetchTo,
) -> anyhow::Result<()> {
    if to.extract || session.terminal.json {
        let what = "standard output cannot hold an extracted archive or JSON besides the result";
        return Err(Failure::usage(what, "fallow fetch JOB --output PATH").into());
    }
    // Nothing that was not checked reaches the next program.
    let folder = tempfile::tempdir().context("failed to create a temporary folder")?;
    let file = folder.path().join("result");
    download(session, client, job, result, &file, &mut Copy::default()).await?;
    let mut opened = std::fs::File::open(&file).context("failed to read the result")?;
    std::io::copy(&mut opened, &mut std::io::stdout().lock()).map(drop).context("failed to write to standard output")
}

fn target_file(job: &JobInfo, result: &ResultInfo, to: &FetchTo) -> PathBuf {
    let extension = if result.assemble == Assemble::Archive { "tar" } else { "out" };
    let default = format!("{}.{extension}", plain_name(job));
    match &to.output {
        Some(path) if path.is_dir() => path.join(default),
        Some(path) => path.clone(),
        None => default.into(),
    }
}

fn refuse_taken(file: &Path, force: bool) -> Result<(), Failure> {
    if force || std::fs::symlink_metadata(file).is_err() {
        return Ok(());
    }
    let what = format!("{} is there already", escape::line(&file.to_string_lossy()));
    Err(Failure::usage(what, "choose another place with --output, or write over it with --force"))
}

/// The job's name and id as a file name that is harmless everywhere.
fn plain_name(job: &JobInfo) -> String {
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '-' };
    let name: String = job.name.chars().take(NAME_LETTERS_MAX).map(plain).collect();
    let name = name.trim_matches(['.', '-']);
    if name.is_empty() { job.id.to_string() } else { format!("{name}-{}", job.id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::job;

    fn done(name: &str) -> JobInfo {
        let mut info = job("job-7f3b00000000", name, 0);
        info.phase = JobPhase::Done;
        info.result = Some(ResultInfo { digest: Digest::of(b"x"), len: 1, assemble: Assemble::Archive });
        info
    }

    #[test]
    fn results_are_named_harmlessly() {
        assert_eq!(plain_name(&done("cells 1")), "cells-1-job-7f3b00000000");
        assert_eq!(plain_name(&done("../../etc/passwd")), "etc-passwd-job-7f3b00000000");
        assert_eq!(plain_name(&done("…")), "job-7f3b00000000");
        let info = done("cells");
        let file = |output: Option<&Path>| {
            let to = FetchTo { output: output.map(Path::to_owned), ..FetchTo::default() };
            target_file(&info, info.result.as_ref().unwrap(), &to)
        };
        assert_eq!(file(None), Path::new("cells-job-7f3b00000000.tar"));
        assert_eq!(file(Some(Path::new("x.tar"))), Path::new("x.tar"));
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(file(Some(dir.path())), dir.path().join("cells-job-7f3b00000000.tar"));
    }

    #[test]
    fn a_job_without_a_result_says_why() {
        let mut info = job("job-7f3b00000000", "cells", 0);
        assert_eq!(result_of(&info).unwrap_err().exit, Exit::NotEnded);
        info.phase = JobPhase::Cancelled;
        info.error = Some("its deadline passed".into());
        assert_eq!(result_of(&info).unwrap_err().what, "its deadline passed");
        assert_eq!(result_of(&info).unwrap_err().exit, Exit::JobFailed);
        assert!(result_of(&done("cells")).is_ok());
    }

    #[test]
    fn files_are_not_written_over_by_chance() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(refuse_taken(file.path(), false).unwrap_err().help.unwrap().contains("--force"));
        assert!(refuse_taken(file.path(), true).is_ok());
    }
}

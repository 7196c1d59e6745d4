//! Joins outputs to a job's result, streaming: nothing is ever whole in memory but a page of rows.

use anyhow::Context;
use fallow_protocol::Digest;
use fallow_protocol::api::UnitState;
use fallow_protocol::job::{Assemble, JobSubmission, Split};
use fallow_protocol::unit::{Output, STAGE_RUN};
use tokio::io::AsyncReadExt;
use tokio::sync::RwLockReadGuard;

use super::archive;
use crate::app::App;
use crate::blobs::BlobWriter;
use crate::jobs::ActiveJob;
use crate::store::units::{self, Ended};

/// Rows read at a time.
const PAGE: u64 = 2_000;
/// Bytes of a blob copied at a time.
const COPY_BYTES: usize = 256 * 1024;
/// Where the archive names the units that are missing.
const LEFT_OUT: &str = "left-out.txt";

/// Digest and length of the result, whose blob is synced, and the open gate: the blob stays while it is held, which is
/// until the job's row names it.
pub async fn result<'a>(app: &'a App, job: &ActiveJob) -> anyhow::Result<((Digest, u64), RwLockReadGuard<'a, ()>)> {
    let assemble = job.submission.assemble;
    if assemble == Assemble::Merge {
        let open = app.blobs.gate().read().await;
        return Ok((merged(app, job).await?, open));
    }
    let archive = assemble == Assemble::Archive;
    let mut writer = app.blobs.writer().await?;
    let mut missing = String::new();
    let mut next = 0;
    loop {
        let page = units::outputs(app.store.reader(), job.id, STAGE_RUN, next, PAGE).await?;
        let Some(last) = page.last() else { break };
        next = last.seq + 1;
        for unit in &page {
            match &unit.output {
                Some(output) if archive => add_entry(app, job, &mut writer, unit, output).await?,
                Some(output) => copy(app, &mut writer, output).await?,
                None if unit.state == UnitState::LeftOut => {
                    missing.push_str(&format!("{}\t{}\n", unit.seq, entry_name(&job.submission, unit.seq)));
                }
                None => anyhow::bail!("unit {} has no output", unit.seq),
            }
        }
    }
    if archive {
        if !missing.is_empty() {
            writer.write(&archive::header(LEFT_OUT, missing.len() as u64, job.epoch_ms / 1_000)).await?;
            writer.write(missing.as_bytes()).await?;
            writer.write(archive::padding(missing.len() as u64)).await?;
        }
        writer.write(&archive::END).await?;
    }
    let open = app.blobs.gate().read().await;
    Ok((writer.finish().await?, open))
}

/// The output of the last merge.
async fn merged(app: &App, job: &ActiveJob) -> anyhow::Result<(Digest, u64)> {
    let stage = job.lock().stage().stage;
    let last = units::outputs(app.store.reader(), job.id, stage, 0, 1).await?;
    match last.into_iter().next().and_then(|unit| unit.output).context("the last merge has no output")? {
        Output::Blob { digest, len } => Ok((digest, len)),
        Output::Inline(bytes) => Ok((app.blobs.put_bytes(&bytes).await?, bytes.len() as u64)),
    }
}

async fn add_entry(
    app: &App,
    job: &ActiveJob,
    writer: &mut BlobWriter,
    unit: &Ended,
    output: &Output,
) -> anyhow::Result<()> {
    let name = entry_name(&job.submission, unit.seq);
    writer.write(&archive::header(&name, output.len(), job.epoch_ms / 1_000)).await?;
    copy(app, writer, output).await?;
    writer.write(archive::padding(output.len())).await?;
    Ok(())
}

async fn copy(app: &App, writer: &mut BlobWriter, output: &Output) -> anyhow::Result<()> {
    let (digest, len) = match output {
        Output::Inline(bytes) => return Ok(writer.write(bytes).await?),
        Output::Blob { digest, len } => (digest, *len),
    };
    let mut file = app.blobs.open(digest).await.with_context(|| format!("failed to open the output {digest}"))?;
    let (mut buffer, mut copied) = (vec![0; COPY_BYTES], 0);
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        copied += read as u64;
        writer.write(&buffer[..read]).await?;
    }
    anyhow::ensure!(copied == len, "the output {digest} has {copied} bytes instead of {len}");
    Ok(())
}

/// Name of a unit's output: its input file's where units are files, else its number.
pub(crate) fn entry_name(submission: &JobSubmission, seq: u64) -> String {
    let file = match submission.split {
        Split::File => usize::try_from(seq).ok().and_then(|index| submission.inputs.get(index)),
        _ => None,
    };
    file.map_or_else(|| format!("unit-{seq:08}"), |file| file.name.clone())
}

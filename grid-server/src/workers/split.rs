//! Makes units in batches, a bounded number ahead of the dispatcher, so that ten million never wait at once: of the
//! work from the input files or from the guest's own split, and of each level of the merge.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fallow_protocol::api::JobPhase;
use fallow_protocol::job::Split;
use fallow_protocol::limits::MERGE_FAN_IN;
use fallow_protocol::unit::{Input, Output, STAGE_RUN, STAGE_SPLIT};
use fallow_protocol::wire;
use grid_core::life::merge_level;
use grid_core::split::plan_split;

use super::cut::{self, Batch, CutError, InputFile, Place};
use super::end;
use crate::app::App;
use crate::jobs::ActiveJob;
use crate::store::stages::Stage;
use crate::store::{jobs, stages, units};

/// Units made in one transaction.
pub const BATCH_UNITS: u64 = 4_000;
/// Merge units made in one transaction: each holds up to 256 parts.
const BATCH_MERGES: u64 = 64;
/// A stage's place is far smaller.
const PLACE_BYTES_MAX: usize = 4_096;
/// How often it looks by itself.
const PERIOD: Duration = Duration::from_secs(1);

/// Serve until the server stops.
pub async fn run(app: Arc<App>) {
    while super::pause(&app, "split", &app.wakes.split, PERIOD).await {
        for job in app.active.all().into_iter().filter(|job| app.suspensions.job(job).is_none()) {
            if let Err(error) = super::guarded(make(&app, &job)).await {
                tracing::error!(job = %job.public_id, error = format!("{error:#}"), "failed to make units");
            }
        }
    }
}

/// Make batches of a job until enough units wait, or all exist.
async fn make(app: &Arc<App>, job: &Arc<ActiveJob>) -> anyhow::Result<()> {
    while let Some(stage) = wanting(app, job) {
        match next_batch(app, job, &stage).await {
            Ok(batch) => commit(app, job, &stage, batch).await?,
            Err(error) => match error.downcast::<CutError>() {
                Ok(CutError::Split(error)) => return end::fail(app, job, error.to_string()).await,
                Ok(error) => return Err(error.into()),
                Err(error) => return Err(error),
            },
        }
        app.wakes.dispatch.notify_one();
    }
    Ok(())
}

/// The stage to make units of, where too few wait.
fn wanting(app: &App, job: &ActiveJob) -> Option<Stage> {
    let state = job.lock();
    let stage = state.stage();
    let ahead = stage.total - stage.next_seq.min(stage.total);
    let wants = !state.ended && !stage.split_done && ahead < app.config.work.units_ahead;
    wants.then(|| stage.clone())
}

async fn next_batch(app: &Arc<App>, job: &ActiveJob, stage: &Stage) -> anyhow::Result<Batch> {
    let place = match &stage.split_state {
        Some(bytes) => wire::decode(bytes, PLACE_BYTES_MAX).context("failed to read where a split goes on")?,
        None => Place::default(),
    };
    match stage.stage {
        STAGE_RUN if job.submission.split == Split::Guest => emitted(app, job, place, stage.total).await,
        STAGE_SPLIT | STAGE_RUN => {
            let files = input_files(app, job.account, &job.submission).await?;
            Ok(cut_files(&job.submission.split, files, place, stage.total, BATCH_UNITS).await?)
        }
        level => merges(app, job, level, stage.total).await,
    }
}

/// Cut files off the runtime.
pub async fn cut_files(
    split: &Split,
    files: Vec<InputFile>,
    place: Place,
    made: u64,
    wanted: u64,
) -> Result<Batch, CutError> {
    let lens: Vec<_> = files.iter().map(|file| (file.name.clone(), file.len)).collect();
    let plan = plan_split(split, &lens)?;
    let work = move || cut::batch(&plan, &files, place, made, wanted);
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

/// The job's input files with their lengths.
pub async fn input_files(
    app: &App,
    account: i64,
    submission: &fallow_protocol::job::JobSubmission,
) -> anyhow::Result<Vec<InputFile>> {
    let mut files = Vec::with_capacity(submission.inputs.len());
    for file in &submission.inputs {
        let len = crate::store::blobs::owned_len(app.store.reader(), &file.blob, account)
            .await?
            .with_context(|| format!("the input {:?} is gone", file.name))?;
        files.push(InputFile { name: file.name.clone(), blob: file.blob, len, path: app.blobs.path(&file.blob) });
    }
    Ok(files)
}

/// Units from the output of the guest's split.
async fn emitted(app: &Arc<App>, job: &ActiveJob, place: Place, made: u64) -> anyhow::Result<Batch> {
    let ended = units::outputs(app.store.reader(), job.id, STAGE_SPLIT, 0, 1).await?;
    let output = ended.into_iter().next().and_then(|unit| unit.output).context("the split has no output")?;
    let blob = match &output {
        Output::Inline(bytes) => app.blobs.put_bytes(bytes).await?,
        Output::Blob { digest, .. } => *digest,
    };
    let file = InputFile { name: "split".into(), blob, len: output.len(), path: app.blobs.path(&blob) };
    let work = move || cut::emitted_batch(&file, place, made, BATCH_UNITS);
    Ok(tokio::task::spawn_blocking(work).await??)
}

/// Units of a level of the merge, from the outputs of the stage below.
async fn merges(app: &Arc<App>, job: &ActiveJob, stage: u16, made: u64) -> anyhow::Result<Batch> {
    let below = job.lock().stages.iter().rfind(|found| found.stage < stage).cloned();
    let below = below.context("a merge has no stage below it")?;
    let level = merge_level(below.total, MERGE_FAN_IN);
    let to = level.groups().min(made + BATCH_MERGES);
    let mut inputs = Vec::new();
    for n in made..to {
        let group = level.group(n);
        let parts =
            units::outputs(app.store.reader(), job.id, below.stage, group.start, group.end - group.start).await?;
        inputs.push(Input::Parts(parts.into_iter().map(|unit| unit.output).collect()));
    }
    Ok(Batch { inputs, place: Place::default(), done: to == level.groups() })
}

/// Write a batch, with the counters and the phase that follow from it.
async fn commit(app: &App, job: &Arc<ActiveJob>, stage: &Stage, batch: Batch) -> anyhow::Result<()> {
    let Batch { inputs, place, done } = batch;
    let (made, split_state) = (inputs.len() as u64, (!done).then(|| wire::encode(&place)));
    let rises = done && stage.stage == STAGE_RUN;
    let (id, number, total, version) = (job.id, stage.stage, stage.total, job.next_version());
    let (inputs, kept) = (Arc::new(inputs), split_state.clone());
    let written = app
        .store
        .write(move |db| {
            let (inputs, kept) = (inputs.clone(), kept.clone());
            Box::pin(async move {
                if !stages::grow(db, id, number, total, made, done, kept).await? {
                    return Ok(false);
                }
                units::insert(db, id, number, total, &inputs).await?;
                if rises {
                    jobs::raise_phase(db, id, JobPhase::Running, version).await?;
                }
                Ok(true)
            })
        })
        .await?;
    if written {
        grew(app, job, number, made, done, split_state);
        app.live.grew(id, number, total, total + made);
    }
    Ok(())
}

fn grew(app: &App, job: &ActiveJob, number: u16, made: u64, done: bool, split_state: Option<Vec<u8>>) {
    let mut state = job.lock();
    if let Some(stage) = state.find_mut(number) {
        stage.total += made;
        stage.counts.waiting += made;
        stage.split_done = done;
        stage.split_state = split_state;
    }
    if done && number == STAGE_RUN && state.phase.0 < JobPhase::Running {
        state.phase.0 = JobPhase::Running;
    }
    drop(state);
    app.metrics.units_made.inc_by(made);
    if done {
        // All units may have ended before the last batch was known to be the last.
        app.wakes.finish.notify_one();
    }
    job.touch();
}

//! What follows when units have ended: the next stage, the result, or the job's failure, as the rules say.

use std::sync::Arc;
use std::time::Duration;

use fallow_protocol::api::JobPhase;
use fallow_protocol::unit::STAGE_RUN;
use grid_core::life::{JobStep, job_step};
use tokio::sync::Semaphore;

use super::{assemble, end, sweep};
use crate::app::App;
use crate::jobs::ActiveJob;
use crate::store::stages::{self, Stage};
use crate::store::{jobs, trust};

/// How often it looks by itself.
const PERIOD: Duration = Duration::from_secs(1);
/// Results that are put together at once.
const ASSEMBLIES_MAX: usize = 2;

/// Serve until the server stops.
pub async fn run(app: Arc<App>) {
    let room = Arc::new(Semaphore::new(ASSEMBLIES_MAX));
    while super::pause(&app, "finish", &app.wakes.finish, PERIOD).await {
        for job in app.active.all() {
            if let Err(error) = super::guarded(step(&app, &job, &room)).await {
                tracing::error!(job = %job.public_id, error = format!("{error:#}"), "failed to go on with a job");
            }
        }
    }
}

async fn step(app: &Arc<App>, job: &Arc<ActiveJob>, room: &Arc<Semaphore>) -> anyhow::Result<()> {
    let (step, over, is_swept) = {
        let state = job.lock();
        if state.ended || state.assembling {
            return Ok(());
        }
        let stage = state.stage();
        let step = match state.phase.0 {
            // It was being put together when the server stopped.
            JobPhase::Assembling => JobStep::Assemble,
            // A stage is over only once all its units exist.
            _ if !stage.split_done => JobStep::Wait,
            _ => job_step(&state.life(&job.submission), &stage.counts),
        };
        // A job is swept before it is put together. After a restart it is not swept again: it would not wait for checks.
        (step, stage.stage, state.phase.0 == JobPhase::Assembling)
    };
    let goes_on = matches!(step, JobStep::CutUnits | JobStep::Merge { .. } | JobStep::Assemble);
    if goes_on && (is_reviewed(app).await? || job.lock().unpaid || !is_swept && !sweep::sweep(app, job).await?) {
        return Ok(());
    }
    match step {
        JobStep::Wait => Ok(()),
        JobStep::CutUnits => next_stage(app, job, over, STAGE_RUN).await,
        JobStep::Merge { stage, .. } => next_stage(app, job, over, stage).await,
        JobStep::Fail(failure) => end::fail(app, job, failure.to_string()).await,
        JobStep::Assemble => {
            assemble_soon(app, job, over, room);
            Ok(())
        }
    }
}

/// Whether a caught node's results are still to be run again. The database says: what ends a unit tells of it in the same
/// transaction, while what is kept in memory may come in another order than it was committed.
async fn is_reviewed(app: &App) -> anyhow::Result<bool> {
    Ok(!trust::to_review(app.store.reader()).await?.is_empty())
}

/// Begin a stage after the one that is over, unless a retry came between; its units are the split worker's.
async fn next_stage(app: &App, job: &Arc<ActiveJob>, over: u16, stage: u16) -> anyhow::Result<()> {
    let id = job.id;
    let work = app.store.write(move |db| {
        Box::pin(async move {
            let stands = stages::is_over(db, id, over).await?;
            if stands {
                stages::insert(db, id, stage, false).await?;
            }
            Ok(stands)
        })
    });
    if !work.await? {
        return Ok(());
    }
    {
        let mut state = job.lock();
        state.stages.push(Stage { stage, ..Stage::default() });
        state.open.clear();
        state.progress.clear();
        state.seen = (0, 0, 0);
        state.rate = Default::default();
    }
    job.touch();
    app.wakes.split.notify_one();
    Ok(())
}

/// Put the result together beside the other work; one that fails is tried again by the next scan.
fn assemble_soon(app: &Arc<App>, job: &Arc<ActiveJob>, over: u16, room: &Arc<Semaphore>) {
    let Ok(permit) = room.clone().try_acquire_owned() else { return };
    job.lock().assembling = true;
    let (app, job) = (app.clone(), job.clone());
    tokio::spawn(async move {
        let outcome = assemble_now(&app, &job, over).await;
        job.lock().assembling = false;
        drop(permit);
        match outcome {
            Ok(()) => app.wakes.finish.notify_one(),
            Err(error) => {
                tracing::error!(job = %job.public_id, error = format!("{error:#}"), "failed to put a result together");
            }
        }
    });
}

async fn assemble_now(app: &App, job: &Arc<ActiveJob>, over: u16) -> anyhow::Result<()> {
    let (id, version) = (job.id, job.next_version());
    if job.lock().phase.0 < JobPhase::Assembling {
        let work = app.store.write(move |db| {
            Box::pin(async move {
                let stands = stages::is_over(db, id, over).await?;
                if stands {
                    jobs::raise_phase(db, id, JobPhase::Assembling, version).await?;
                }
                Ok(stands)
            })
        });
        if !work.await? {
            return Ok(());
        }
        let mut state = job.lock();
        state.phase.0 = state.phase.0.max(JobPhase::Assembling);
    }
    job.touch();
    let (result, _open) = assemble::result(app, job).await?;
    if end::end(app, job, JobPhase::Done, Some(result), None).await? {
        tracing::info!(job = %job.public_id, bytes = result.1, "job done");
    }
    Ok(())
}

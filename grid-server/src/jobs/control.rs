//! Cancelling and retrying.

use std::time::Duration;

use fallow_protocol::JobId;
use fallow_protocol::api::{JobInfo, JobPhase, UnitState};
use grid_core::life::{self, JobLife, retry_job};

use super::look::told;
use super::{JobError, info};
use crate::app::{App, now_ms};
use crate::jobs::active::JobState;
use crate::store::modules;
use crate::store::stages::{self, Moves};
use crate::store::{jobs as rows, units};
use crate::workers::{activate, end};

/// Stop it; a job that has ended stays as it is.
pub async fn cancel(app: &App, account: i64, id: &JobId) -> Result<JobInfo, JobError> {
    if let Some(job) = app.active.find(id).filter(|job| job.account == account) {
        let why = life::Ended::Cancelled.to_string();
        end::end(app, &job, JobPhase::Cancelled, None, Some(why)).await?;
    }
    info(app, account, id, None, Duration::ZERO).await
}

/// Give finally failed and left-out units fresh attempts.
pub async fn retry(app: &App, account: i64, id: &JobId) -> Result<JobInfo, JobError> {
    let row = rows::by_public_id(app.store.reader(), account, id).await?;
    let row = row.ok_or_else(|| JobError::NotFound(id.clone()))?;
    let found = stages::of_job(app.store.reader(), row.id).await?;
    let last = found.last().cloned().ok_or_else(|| JobError::Conflict("the job has no units".into()))?;
    let life = JobLife {
        phase: row.phase,
        stage: last.stage,
        split_done: last.split_done,
        on_failed: row.submission.on_failed,
        assemble: row.submission.assemble,
    };
    let retry = retry_job(&life, &last.counts).map_err(|error| JobError::Conflict(error.to_string()))?;
    let module = modules::by_digest(app.store.reader(), account, &row.submission.module).await?;
    let module = module.ok_or_else(|| JobError::Conflict("the job's module is gone; submit it again".into()))?;
    if let Some(why) = app.suspensions.module(&module.digest, &module.component) {
        return Err(JobError::ModuleSuspended(why));
    }
    let (job, from, stage, to, version) = (row.id, row.phase, retry.stage, retry.phase, now_ms().max(row.version + 1));
    if from.is_final() && app.active.get(job).is_some() {
        // Its end is committed, and is still on its way through memory.
        return Err(meanwhile());
    }
    let moves = app
        .store
        .write(move |db| {
            Box::pin(async move {
                let last = stages::of_job(db, job).await?.last().map(|last| last.stage);
                if rows::phase(db, job).await? != Some(from) || last != Some(stage) {
                    return Ok(None);
                }
                if from.is_final() && !rows::reopen(db, job, from, to, version).await? {
                    return Ok(None);
                }
                let (failed, left_out) = units::revive(db, job, stage).await?;
                let mut moves = Moves::default();
                moves.add(UnitState::Failed, UnitState::Again, failed);
                moves.add(UnitState::LeftOut, UnitState::Again, left_out);
                stages::count_moves(db, job, stage, &moves).await?;
                Ok(Some(moves))
            })
        })
        .await?;
    let moves = moves.ok_or_else(meanwhile)?;
    let active = match app.active.get(job) {
        Some(active) => {
            if let Some(stage) = active.lock().find_mut(stage) {
                moves.apply(&mut stage.counts);
            }
            active
        }
        // It ended right behind the transaction; its units are ready for the next try.
        None if !from.is_final() => return Err(meanwhile()),
        None => {
            let mut row = row;
            (row.phase, row.version) = (to, version);
            let found = stages::of_job(app.store.reader(), job).await?;
            activate(app, row, module, found).await.map_err(JobError::Internal)?
        }
    };
    forget_rate(&mut active.lock());
    active.touch();
    app.live.upset(job);
    app.wakes.dispatch.notify_one();
    app.wakes.split.notify_one();
    Ok(told(app, &active).await?)
}

fn meanwhile() -> JobError {
    JobError::Conflict("the job changed meanwhile; try again".into())
}

/// The pace before says nothing about the pace now.
fn forget_rate(state: &mut JobState) {
    state.rate = Default::default();
}

//! Looking at jobs: from memory while they work, from the database once they have ended. Waiting for news is a watch.

use std::sync::Arc;
use std::time::Duration;

use fallow_protocol::JobId;
use fallow_protocol::api::{JobInfo, JobPhase, Page};
use grid_core::eta::{done_milli, eta_s};
use tokio::time::{Instant, timeout_at};

use super::{ActiveJob, JobError, PAGE_MAX, ResultBlob, WAIT_MAX, fund};
use crate::app::{App, now_ms};
use crate::jobs::active::JobState;
use crate::store::jobs::{self as rows, JobRow, Which};
use crate::store::stages::Stage;
use crate::store::{StoreError, stages};

/// The account's jobs, newest first.
pub async fn list(
    app: &App,
    account: i64,
    which: &Which,
    cursor: Option<&str>,
    limit: u64,
) -> Result<Page<JobInfo>, JobError> {
    let before = cursor.map(super::lists::number).transpose()?;
    let limit = limit.clamp(1, PAGE_MAX);
    let mut found = rows::page(app.store.reader(), account, which, before, limit + 1).await?;
    let more = found.len() as u64 > limit;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|row| row.id.to_string());
    Ok(Page { items: listed(app, found).await?, next })
}

/// These of the account's jobs, as lists show them.
pub async fn some(app: &App, account: i64, ids: &[i64]) -> Result<Vec<JobInfo>, JobError> {
    let found = rows::some(app.store.reader(), account, ids).await?;
    Ok(listed(app, found).await?)
}

async fn listed(app: &App, found: Vec<JobRow>) -> Result<Vec<JobInfo>, StoreError> {
    let ids: Vec<i64> = found.iter().map(|row| row.id).collect();
    let mut stages = stages::of_jobs(app.store.reader(), &ids).await?;
    let mut items = Vec::with_capacity(found.len());
    for row in found {
        items.push(match app.active.get(row.id) {
            Some(job) => info_of(app, &job, false),
            None => {
                let found = stages.remove(&row.id).unwrap_or_default();
                from_row(row, found, false)
            }
        });
    }
    fund::show(app, &mut items.iter_mut().zip(ids).collect::<Vec<_>>()).await?;
    Ok(items)
}

/// A job as it is told again and again: what was asked for does not change, and may be long.
pub fn without_submission(info: JobInfo) -> JobInfo {
    JobInfo { submission: None, ..info }
}

/// One job; where `after` is given, waits until its version is higher or `wait` is over.
pub async fn info(
    app: &App,
    account: i64,
    id: &JobId,
    after: Option<u64>,
    wait: Duration,
) -> Result<JobInfo, JobError> {
    if let Some(job) = app.active.find(id).filter(|job| job.account == account) {
        if let Some(after) = after {
            wait_for(&job, wait, |job| *job.changed.borrow() > after).await;
        }
        if app.active.get(job.id).is_some() {
            return Ok(told(app, &job).await?);
        }
    }
    let row = rows::by_public_id(app.store.reader(), account, id).await?;
    Ok(ended(app, row.ok_or_else(|| JobError::NotFound(id.clone()))?).await?)
}

/// Where its result is; waits up to `wait` for it.
pub async fn result(app: &App, account: i64, id: &JobId, wait: Duration) -> Result<ResultBlob, JobError> {
    if let Some(job) = app.active.find(id).filter(|job| job.account == account) {
        wait_for(&job, wait, |job| job.lock().ended).await;
    }
    let row = rows::by_public_id(app.store.reader(), account, id).await?;
    let row = row.ok_or_else(|| JobError::NotFound(id.clone()))?;
    match (row.result, row.phase) {
        (Some(result), JobPhase::Done) => Ok(ResultBlob {
            digest: result.digest,
            len: result.len,
            assemble: result.assemble,
            name: row.submission.name,
        }),
        (_, phase) if phase.is_final() => {
            Err(JobError::NoResult { reason: row.error.unwrap_or_else(|| "it was cancelled".into()) })
        }
        (_, phase) => Err(JobError::NoResultYet { phase }),
    }
}

/// Wait until something is so.
async fn wait_for(job: &ActiveJob, wait: Duration, so: impl Fn(&ActiveJob) -> bool) {
    let until = Instant::now() + wait.min(WAIT_MAX);
    let mut changes = job.changed.subscribe();
    while !so(job) && !job.lock().ended {
        if !matches!(timeout_at(until, changes.changed()).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// A job by its internal id, wherever it is.
pub(super) async fn stored(app: &App, account: i64, id: i64) -> Result<JobInfo, JobError> {
    if let Some(job) = app.active.get(id) {
        return Ok(told(app, &job).await?);
    }
    let row = rows::by_id(app.store.reader(), id).await?.filter(|row| row.account == account);
    Ok(ended(app, row.ok_or(StoreError::Corrupt("a job of an idempotency key"))?).await?)
}

/// A job that works, with its money.
pub(super) async fn told(app: &App, job: &Arc<ActiveJob>) -> Result<JobInfo, StoreError> {
    let mut info = info_of(app, job, true);
    fund::show(app, &mut [(&mut info, job.id)]).await?;
    Ok(info)
}

/// A job that has ended, with its money.
async fn ended(app: &App, row: JobRow) -> Result<JobInfo, StoreError> {
    let id = row.id;
    let found = stages::of_job(app.store.reader(), row.id).await?;
    let mut info = from_row(row, found, true);
    fund::show(app, &mut [(&mut info, id)]).await?;
    Ok(info)
}

/// A job that works.
pub(super) fn info_of(app: &App, job: &Arc<ActiveJob>, whole: bool) -> JobInfo {
    let nodes = app.nodes.all().iter().filter(|node| node.units_of(job.id) > 0).count() as u32;
    let version = *job.changed.borrow();
    let mut state = job.lock();
    let (counts, split_done) = state.work();
    let progress_milli = state.progress_milli();
    let (rate_milli, eta_s) = pace(&mut state, split_done, progress_milli);
    JobInfo {
        id: job.public_id.clone(),
        name: job.submission.name.clone(),
        project: job.submission.project.clone(),
        phase: state.phase.0,
        version,
        counts,
        split_done,
        merge_counts: state.merges(),
        fuel: state.fuel,
        rate_milli,
        eta_s,
        progress_milli,
        nodes,
        created_at_ms: job.created_at_ms,
        ended_at_ms: None,
        result: None,
        error: None,
        budget: job.price.and(job.submission.budget),
        spent: 0,
        held: 0,
        waiting_for: None,
        corrections: 0,
        notice: None,
        submission: whole.then(|| Box::new(job.submission.clone())),
    }
}

/// Rate and likely time to the end of the work. Looking is also what keeps the rate's window moving.
fn pace(state: &mut JobState, split_done: bool, progress_milli: u64) -> (u64, Option<(u64, u64)>) {
    let (counts, _) = state.work();
    let (now, done) = (now_ms(), done_milli(&counts, progress_milli));
    state.rate.push(now, done);
    let rate = state.rate.milli_per_s(now);
    let left = counts.total().saturating_mul(1_000).saturating_sub(done);
    (rate, if split_done { eta_s(left, rate, state.rate.seen()) } else { None })
}

/// A job that has ended.
fn from_row(row: JobRow, stages: Vec<Stage>, whole: bool) -> JobInfo {
    let state = JobState { stages, ..JobState::default() };
    let (counts, split_done) = state.work();
    JobInfo {
        id: row.public_id,
        name: row.submission.name.clone(),
        project: row.submission.project.clone(),
        phase: row.phase,
        version: row.version,
        counts,
        split_done,
        merge_counts: state.merges(),
        fuel: row.fuel,
        rate_milli: 0,
        eta_s: None,
        progress_milli: 0,
        nodes: 0,
        created_at_ms: row.created_at_ms,
        ended_at_ms: row.ended_at_ms,
        result: row.result,
        error: row.error,
        budget: None,
        spent: 0,
        held: 0,
        waiting_for: None,
        corrections: 0,
        notice: None,
        submission: whole.then(|| Box::new(row.submission)),
    }
}

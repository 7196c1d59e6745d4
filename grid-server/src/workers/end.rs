//! Ends jobs: one transaction that writes the end and takes back what is leased, then everybody is told.

use std::sync::Arc;

use fallow_protocol::Digest;
use fallow_protocol::api::{JobPhase, UnitState};
use fallow_protocol::link::{Cancel, ToNode};
use grid_core::JobNo;
use sea_orm::ConnectionTrait;

use super::rewind;
use crate::app::{App, now_ms};
use crate::jobs::ActiveJob;
use crate::store::holdings::{self, State};
use crate::store::jobs::JobEnd;
use crate::store::rewind as results;
use crate::store::stages::Moves;
use crate::store::{StoreError, blobs, jobs, leases, retention, stages, units};

/// The job ends without a result.
pub async fn fail(app: &App, job: &Arc<ActiveJob>, error: String) -> anyhow::Result<()> {
    tracing::info!(job = %job.public_id, error, "job failed");
    end(app, job, JobPhase::Failed, None, Some(error)).await?;
    Ok(())
}

/// The job ends. False where it had ended before.
pub async fn end(
    app: &App,
    job: &Arc<ActiveJob>,
    phase: JobPhase,
    result: Option<(Digest, u64)>,
    error: Option<String>,
) -> Result<bool, StoreError> {
    let (id, account) = (job.id, job.account);
    let priced = job.price.is_some();
    let end = JobEnd { phase, version: job.next_version(), at_ms: now_ms(), result, error };
    let ended = app
        .store
        .write(move |db| {
            let end = end.clone();
            Box::pin(async move {
                let before = jobs::by_id(db, id).await?.and_then(|row| row.result).map(|result| result.digest);
                if !jobs::end(db, id, &end).await? {
                    return Ok(false);
                }
                withdraw(db, id).await?;
                if priced {
                    forgive(db, id).await?;
                    rewind::refund(db, id, account).await?;
                }
                correct(db, id, account, end.result, before).await?;
                if let Some((digest, len)) = end.result {
                    blobs::own(db, &digest, len, account, end.at_ms).await?;
                }
                Ok(true)
            })
        })
        .await?;
    forget(app, job, phase);
    Ok(ended)
}

/// A job ends owing something: it is never paid, and what it would have paid for does not stand, should it be retried.
async fn forgive(db: &impl ConnectionTrait, job: i64) -> Result<(), StoreError> {
    loop {
        let owed = holdings::of_job(db, JobNo(job), State::Unpaid, 0, 500).await?;
        if owed.is_empty() {
            return Ok(());
        }
        for holding in &owed {
            results::revoke(db, job, holding.stage, holding.node.0, &holding.units).await?;
        }
        let ids: Vec<i64> = owed.iter().map(|holding| holding.id).collect();
        holdings::set_states(db, &ids, State::Unpaid, State::Void).await?;
    }
}

/// A result that differs from the one that was delivered before: its author is told.
async fn correct(
    db: &impl ConnectionTrait,
    job: i64,
    account: i64,
    result: Option<(Digest, u64)>,
    before: Option<Digest>,
) -> Result<(), StoreError> {
    let (Some(before), Some((after, _))) = (before, result) else { return Ok(()) };
    if before == after {
        return Ok(());
    }
    let notice = "the result that was delivered before was wrong: nodes that gave parts of it were caught, others ran \
                  these parts again, and what they cost came back; fetch it again";
    jobs::correct(db, job, notice).await?;
    retention::release(db, &before, account).await
}

/// Take back all that is leased of a job.
pub(super) async fn withdraw(db: &impl ConnectionTrait, job: i64) -> Result<(), StoreError> {
    let of_job = leases::of_job(db, job).await?;
    for lease in &of_job {
        let stopped = units::withdraw(db, lease).await?;
        let mut moves = Moves::default();
        moves.add(UnitState::Running, UnitState::Again, stopped);
        stages::count_moves(db, job, lease.stage, &moves).await?;
    }
    leases::delete(db, &of_job.iter().map(|lease| lease.id).collect::<Vec<_>>()).await
}

/// Drop it from memory, stop its units, and answer whoever waits for it.
fn forget(app: &App, job: &Arc<ActiveJob>, phase: JobPhase) {
    let first = {
        let mut state = job.lock();
        state.phase.0 = phase;
        !std::mem::replace(&mut state.ended, true)
    };
    if first {
        app.nodes.forget_job(job.id, &ToNode::Cancel(Cancel { job: job.public_id.clone(), units: Vec::new() }));
        // Last: once it is not there, a retry may make it active again.
        app.active.remove(job.id);
        app.metrics.jobs_active.set(app.active.len() as i64);
    }
    job.touch();
    app.live.upset(job.id);
}

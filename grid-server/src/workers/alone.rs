//! Checks that no node makes, or none whose word says much: the server's own worker makes them, within its budget. Where
//! it cannot either, units end with what was claimed, and the author is told so.

use std::sync::Arc;

use fallow_protocol::api::UnitState;
use fallow_protocol::unit::UnitKey;
use grid_core::life::build_of;
use grid_core::trust::GridKind;

use super::conclude::{self, Ending, Endings, How};
use super::{lease, pay};
use crate::anchor::{AnchorError, AnchorUnit};
use crate::app::{App, now_ms};
use crate::jobs::ActiveJob;
use crate::jobs::active::OpenUnit;
use crate::store::leases::LeaseRow;
use crate::store::units::Taker;
use crate::store::{leases, units};
use crate::trust::SERVER;

/// A unit waits for a check that nobody online can make well.
pub async fn check(app: &Arc<App>, job: i64, key: UnitKey) -> anyhow::Result<()> {
    let Some(job) = app.active.get(job) else { return Ok(()) };
    let is_open = app.trust.policy().grid == GridKind::Open;
    let cannot = job.lock().not_by_server.contains(&key);
    match app.anchor.ready() {
        Ok(()) if !cannot => by_server(app, &job, key).await,
        // It has room again before long, and its word is worth the wait where nobody else is.
        Err(AnchorError::Busy | AnchorError::OverBudget { .. }) if !cannot && is_open => Ok(()),
        _ => give_up(app, &job, key).await,
    }
}

/// Lease the unit to the server's own worker, which runs it beside the other work.
async fn by_server(app: &Arc<App>, job: &Arc<ActiveJob>, key: UnitKey) -> anyhow::Result<()> {
    let row = LeaseRow {
        id: lease::next_id(),
        node: SERVER,
        job: job.id,
        stage: key.stage,
        first_seq: key.seq,
        last_seq: key.seq,
        expires_at_ms: now_ms(),
    };
    let lease = row.clone();
    let leased = app
        .store
        .write(move |db| {
            let row = lease.clone();
            Box::pin(async move {
                let taker = Taker { lease: row.id, node: SERVER };
                let state = UnitState::Checking;
                let leased = units::lease_list(db, taker, row.job, row.stage, &[row.first_seq], state).await?;
                if !leased.is_empty() {
                    leases::insert(db, std::slice::from_ref(&row)).await?;
                }
                Ok(leased)
            })
        })
        .await?;
    let open = job.lock().open.remove(&key.seq);
    let Some(unit) = leased.into_iter().next() else { return Ok(()) };
    let Some(open) = open else { return withdraw(app, row).await };
    let mut task = AnchorUnit::of_active(job, key, unit.attempt, unit.input);
    task.floats = build_of(open.claims.len()).unwrap_or(task.floats);
    let (app, job) = (app.clone(), job.clone());
    tokio::spawn(async move {
        if let Err(error) = run(&app, &job, row, task, open).await {
            tracing::error!(job = %job.public_id, error = format!("{error:#}"), "failed to end a check of the server's own");
        }
    });
    Ok(())
}

async fn run(
    app: &Arc<App>,
    job: &Arc<ActiveJob>,
    row: LeaseRow,
    task: AnchorUnit,
    open: OpenUnit,
) -> anyhow::Result<()> {
    let (key, attempt) = (task.key, task.attempt);
    let how = match app.anchor.run(app, task).await {
        Ok(result) => How::Result(Box::new(result)),
        Err(AnchorError::Stopping) => return Ok(()),
        Err(error) => {
            use AnchorError::{Busy, OverBudget, Store, Suspended};
            let again = matches!(error, Busy | OverBudget { .. } | Store(_) | Suspended(_));
            if !again {
                tracing::info!(job = %job.public_id, stage = key.stage, seq = key.seq, %error, "a check was not made");
                job.lock().not_by_server.insert(key);
            }
            return take_back(app, job, row, open).await;
        }
    };
    let ending = Ending { node: SERVER, owner: SERVER, key, attempt, held: false, frame: pay::next_number(), how };
    let endings = Endings { job: job.clone(), stage: key.stage, list: vec![ending] };
    if let Err(error) = super::guarded(conclude::conclude(app, vec![endings])).await {
        take_back(app, job, row, open).await?;
        return Err(error);
    }
    app.store.write(move |db| Box::pin(async move { leases::delete(db, &[row.id]).await })).await?;
    Ok(())
}

/// The unit waits again, as it did before.
async fn take_back(app: &App, job: &ActiveJob, row: LeaseRow, open: OpenUnit) -> anyhow::Result<()> {
    let seq = row.first_seq;
    withdraw(app, row).await?;
    let mut state = job.lock();
    if !state.ended {
        state.open.insert(seq, open);
    }
    drop(state);
    app.wakes.dispatch.notify_one();
    Ok(())
}

async fn withdraw(app: &App, row: LeaseRow) -> anyhow::Result<()> {
    app.store
        .write(move |db| {
            let row = row.clone();
            Box::pin(async move {
                units::withdraw(db, &row).await?;
                leases::delete(db, &[row.id]).await
            })
        })
        .await?;
    Ok(())
}

/// The unit ends with what was claimed, or waits on where a stranger's word alone is worth nothing.
async fn give_up(app: &App, job: &Arc<ActiveJob>, key: UnitKey) -> anyhow::Result<()> {
    let open = job.lock().open.remove(&key.seq);
    let Some(open) = open else { return Ok(()) };
    if conclude::alone(app, job, key).await? {
        return Ok(());
    }
    job.lock().open.entry(key.seq).or_insert(open);
    Ok(())
}

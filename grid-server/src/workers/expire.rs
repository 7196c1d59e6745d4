//! Time's work: leases that ended, leases that hold nothing, expiries that only memory knows, deadlines, quotas.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fallow_protocol::api::JobPhase;
use fallow_protocol::unit::UnitKey;
use grid_core::life;
use grid_core::life::past_deadline;

use super::conclude::{Ending, Endings, How, conclude};
use super::end;
use super::pay;
use crate::app::{App, now_ms};
use crate::link::node::Node;
use crate::store::leases::LeaseRow;
use crate::store::{jobs, leases, units};

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(500);
/// How often expiries are written: only a restart reads them.
const FLUSH: Duration = Duration::from_secs(15);

/// Serve until the server stops.
pub async fn run(app: Arc<App>) {
    let never = tokio::sync::Notify::new();
    let mut flushed = Instant::now();
    while super::pause(&app, "expire", &never, PERIOD).await {
        if let Err(error) = super::guarded(turn(&app, &mut flushed)).await {
            tracing::error!(error = format!("{error:#}"), "failed to end leases");
        }
    }
}

async fn turn(app: &Arc<App>, flushed: &mut Instant) -> anyhow::Result<()> {
    let now = now_ms();
    for node in app.nodes.all() {
        let (over, empty) = ended(&node, now);
        for row in over {
            told("lose a lease", super::guarded(lose(app, &node, row)).await);
        }
        told("drop empty leases", super::guarded(drop_empty(app, &node, empty)).await);
    }
    app.nodes.prune();
    app.metrics.nodes_online.set(app.nodes.online() as i64);
    if flushed.elapsed() >= FLUSH {
        *flushed = Instant::now();
        flush(app).await?;
    }
    deadlines(app, now).await?;
    quotas(app).await
}

/// One failure must not keep the others waiting.
fn told(step: &str, outcome: anyhow::Result<()>) {
    if let Err(error) = outcome {
        tracing::error!(error = format!("{error:#}"), "failed to {step}");
    }
}

/// Leases that ran out, and leases with nothing left.
fn ended(node: &Node, now_ms: u64) -> (Vec<LeaseRow>, Vec<LeaseRow>) {
    let inner = node.lock();
    let (mut over, mut empty) = (Vec::new(), Vec::new());
    for held in inner.leases.iter() {
        if held.left == 0 {
            empty.push(held.row.clone());
        } else if held.expires_at_ms <= now_ms {
            over.push(held.row.clone());
        }
    }
    (over, empty)
}

/// Whatever the lease still holds is lost.
async fn lose(app: &App, node: &Node, row: LeaseRow) -> anyhow::Result<()> {
    let held = units::held(app.store.reader(), &row).await?;
    if let Some(job) = app.active.get(row.job).filter(|_| !held.is_empty()) {
        tracing::info!(job = %job.public_id, node = %node.public_id, units = held.len(), "a lease ran out");
        let ending = |unit: &units::Held| Ending {
            node: row.node,
            owner: node.account,
            key: UnitKey { stage: row.stage, seq: unit.seq },
            attempt: unit.attempt,
            held: false,
            frame: pay::next_number(),
            how: How::Lost,
        };
        let list = held.iter().map(ending).collect();
        app.metrics.leases_expired.inc();
        conclude(app, vec![Endings { job, stage: row.stage, list }]).await?;
    }
    drop_empty(app, node, vec![row]).await
}

/// Forget leases, in the database only those that really hold nothing.
async fn drop_empty(app: &App, node: &Node, rows: Vec<LeaseRow>) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = Arc::new(rows);
    let shared = rows.clone();
    let deleted = app
        .store
        .write(move |db| {
            let rows = shared.clone();
            Box::pin(async move {
                let mut deleted = Vec::new();
                for row in rows.iter() {
                    if units::held(db, row).await?.is_empty() {
                        deleted.push(row.id);
                    }
                }
                leases::delete(db, &deleted).await?;
                Ok(deleted)
            })
        })
        .await?;
    let mut inner = node.lock();
    for id in &deleted {
        inner.leases.remove(*id);
    }
    // Counting was wrong where one holds something still: let it run out.
    for row in rows.iter().filter(|row| !deleted.contains(&row.id)) {
        if let Some(held) = inner.leases.get_mut(row.id) {
            held.left = held.left.max(1);
        }
    }
    Ok(())
}

/// Write expiries that moved.
async fn flush(app: &App) -> anyhow::Result<()> {
    let mut ids = Vec::new();
    for node in app.nodes.all() {
        let mut inner = node.lock();
        for held in inner.leases.iter_mut().filter(|held| held.expires_at_ms > held.row.expires_at_ms) {
            held.row.expires_at_ms = held.expires_at_ms;
            ids.push(held.row.id);
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    let (ids, until) = (Arc::new(ids), now_ms() + app.config.work.lease_ms);
    app.store
        .write(move |db| {
            let ids = ids.clone();
            Box::pin(async move { leases::renew(db, &ids, until).await })
        })
        .await?;
    Ok(())
}

async fn deadlines(app: &App, now: u64) -> anyhow::Result<()> {
    for job in app.active.all() {
        let phase = job.lock().phase.0;
        if past_deadline(phase, job.submission.deadline_ms, now) {
            let why = life::Ended::Deadline.to_string();
            let ended = end::end(app, &job, JobPhase::Cancelled, None, Some(why)).await;
            told("end a job at its deadline", ended.map(drop).map_err(anyhow::Error::from));
        }
    }
    Ok(())
}

/// What the accounts of active jobs have left.
async fn quotas(app: &App) -> anyhow::Result<()> {
    let mut left = HashMap::new();
    for job in app.active.all() {
        if let std::collections::hash_map::Entry::Vacant(entry) = left.entry(job.account) {
            let (quota, used) = jobs::quota(app.store.reader(), job.account).await?;
            entry.insert(quota.saturating_sub(used));
        }
    }
    app.active.set_fuel_left(left);
    Ok(())
}

//! Carries out what operators stopped: units of a suspended module stop on all nodes, and a suspended node loses what it
//! holds and its connection. A part of the dispatcher, so that nothing is handed out meanwhile; what was is seen by its
//! next turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use fallow_protocol::api::UnitState;
use fallow_protocol::link::ToNode;
use grid_core::matching::Suspension;
use sea_orm::DatabaseTransaction;

use crate::app::App;
use crate::jobs::ActiveJob;
use crate::link::node::Node;
use crate::store::leases::{self, LeaseRow};
use crate::store::stages::{self, Moves};
use crate::store::{StoreError, units};

/// Look once. Nothing is done where everything stopped stands still already.
pub async fn turn(app: &App) -> anyhow::Result<()> {
    for job in app.active.all() {
        if let Some(Suspension::Module(why)) = app.suspensions.job(&job) {
            stop_job(app, &job, &why).await?;
        }
    }
    for node in app.nodes.all() {
        if let Some(why) = app.suspensions.node(node.id, node.account) {
            stop_node(app, &node, &why).await?;
        }
    }
    Ok(())
}

async fn stop_job(app: &App, job: &Arc<ActiveJob>, why: &str) -> anyhow::Result<()> {
    let word = ToNode::Suspended { job: job.public_id.clone(), reason: why.to_owned() };
    let rows = app.nodes.stop_job(job.id, &word);
    if rows.is_empty() {
        return Ok(());
    }
    tracing::info!(job = %job.public_id, leases = rows.len(), "stopped: its module is suspended");
    take_back(app, rows).await?;
    job.touch();
    Ok(())
}

async fn stop_node(app: &App, node: &Arc<Node>, why: &str) -> anyhow::Result<()> {
    let rows = app.nodes.stop_node(node, why, |job| app.active.get(job).map(|job| job.public_id.clone()));
    if rows.is_empty() {
        return Ok(());
    }
    tracing::info!(node = %node.public_id, leases = rows.len(), "stopped: it is suspended");
    take_back(app, rows).await
}

/// What these leases hold waits for other nodes, and counts as no trouble.
async fn take_back(app: &App, rows: Vec<LeaseRow>) -> anyhow::Result<()> {
    let rows = Arc::new(rows);
    let shared = rows.clone();
    let work = app.store.write(move |db| {
        let rows = shared.clone();
        Box::pin(async move { withdraw(db, &rows).await })
    });
    for ((job, stage), moves) in work.await? {
        app.live.upset(job);
        let Some(job) = app.active.get(job) else { continue };
        if let Some(stage) = job.lock().find_mut(stage) {
            moves.apply(&mut stage.counts);
        }
        job.touch();
    }
    Ok(())
}

async fn withdraw(db: &DatabaseTransaction, rows: &[LeaseRow]) -> Result<BTreeMap<(i64, u16), Moves>, StoreError> {
    let mut all: BTreeMap<(i64, u16), Moves> = BTreeMap::new();
    for row in rows {
        let stopped = units::withdraw(db, row).await?;
        all.entry((row.job, row.stage)).or_default().add(UnitState::Running, UnitState::Again, stopped);
    }
    for ((job, stage), moves) in &all {
        stages::count_moves(db, *job, *stage, moves).await?;
    }
    leases::delete(db, &rows.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
    Ok(all)
}

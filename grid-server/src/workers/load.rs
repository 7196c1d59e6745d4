//! From the database to memory: at the start everything, later one job that was just committed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context;
use fallow_protocol::unit::UnitKey;

use grid_core::JobNo;

use super::pay;
use crate::app::{App, now_ms};
use crate::jobs::ActiveJob;
use crate::link::held::Held;
use crate::link::node::Node;
use crate::store::holdings::{self, State};
use crate::store::jobs::JobRow;
use crate::store::leases::LeaseRow;
use crate::store::modules::ModuleRow;
use crate::store::stages::Stage;
use crate::store::{blobs, checkpoints, jobs, leases, modules, nodes, stages, trust, units};
use crate::trust::{SERVER, place_of};
use crate::{groups, suspensions};

/// Active jobs and leases.
pub async fn everything(app: &App) -> anyhow::Result<()> {
    let db = app.store.reader();
    let (known, owners) = trust::everything(db).await?;
    app.trust.load(known, owners, &trust::frozen(db).await?);
    app.trust.set_door(trust::door(db).await?);
    for node in nodes::places(db).await? {
        app.trust.enter(node.0, place_of(node.1, std::net::Ipv4Addr::UNSPECIFIED.into(), &node.2));
    }
    groups::load(app).await?;
    suspensions::load(app).await?;
    give_back(app).await?;
    for row in jobs::active(db).await? {
        let module = modules::by_digest(db, row.account, &row.submission.module).await?;
        let module = module.with_context(|| format!("the module of {} is gone", row.public_id))?;
        let stages = stages::of_job(db, row.id).await?;
        let job = activate(app, row, module, stages).await?;
        money(app, &job).await?;
        let rows = checkpoints::of_job(db, job.id).await?;
        job.lock().checkpoints = rows.iter().map(|row| UnitKey { stage: row.stage, seq: row.seq }).collect();
    }
    let mut known: HashMap<i64, Arc<Node>> = HashMap::new();
    for row in leases::all(db).await? {
        hold(app, &mut known, row).await?;
    }
    Ok(())
}

/// What the server's own worker had when the server stopped.
async fn give_back(app: &App) -> anyhow::Result<()> {
    let rows = leases::all(app.store.reader()).await?;
    let own: Arc<Vec<LeaseRow>> = Arc::new(rows.into_iter().filter(|row| row.node == SERVER).collect());
    if own.is_empty() {
        return Ok(());
    }
    app.store
        .write(move |db| {
            let own = own.clone();
            Box::pin(async move {
                for row in own.iter() {
                    units::withdraw(db, row).await?;
                }
                leases::delete(db, &own.iter().map(|row| row.id).collect::<Vec<_>>()).await
            })
        })
        .await?;
    Ok(())
}

/// What is left of a job's budget, and whether it owes anything.
pub async fn money(app: &App, job: &ActiveJob) -> anyhow::Result<()> {
    if job.price.is_none() {
        return Ok(());
    }
    let db = app.store.reader();
    let left = pay::left(db, JobNo(job.id)).await?;
    let unpaid = !holdings::of_job(db, JobNo(job.id), State::Unpaid, 0, 1).await?.is_empty();
    let mut state = job.lock();
    (state.budget, state.unpaid) = (left, unpaid);
    Ok(())
}

/// Let the workers see a job.
pub async fn activate(app: &App, row: JobRow, module: ModuleRow, stages: Vec<Stage>) -> anyhow::Result<Arc<ActiveJob>> {
    let manifest = module.manifest()?;
    let mut shared_lens = Vec::with_capacity(row.submission.shared.len());
    for file in &row.submission.shared {
        let len = blobs::owned_len(app.store.reader(), &file.blob, row.account).await?;
        shared_lens.push(len.with_context(|| format!("the shared file {:?} is gone", file.name))?);
    }
    anyhow::ensure!(!stages.is_empty(), "the job {} has no stage", row.public_id);
    let job = Arc::new(ActiveJob::new(row, module, &manifest.profile, shared_lens, stages));
    app.active.insert(job.clone());
    app.live.upset(job.id);
    app.metrics.jobs_active.set(app.active.len() as i64);
    Ok(job)
}

/// A lease from before the restart: its node has as long as any other to name it.
async fn hold(app: &App, known: &mut HashMap<i64, Arc<Node>>, row: LeaseRow) -> anyhow::Result<()> {
    let node = match known.get(&row.node) {
        Some(node) => node.clone(),
        None => {
            let Some(found) = nodes::by_id(app.store.reader(), row.node).await? else { return Ok(()) };
            let node = Node::new(found.id, found.public_id, found.account_id, found.key);
            let (node, ()) = app.nodes.enter(Arc::new(node), |_| ());
            known.entry(row.node).or_insert(node).clone()
        }
    };
    let held = units::held(app.store.reader(), &row).await?;
    let (first, later): (Vec<&units::Held>, Vec<&units::Held>) = held.iter().partition(|unit| unit.attempt == 1);
    let fresh = match (first.first(), first.last()) {
        (Some(first), Some(last)) => (first.seq, last.seq + 1),
        _ => (row.first_seq, row.first_seq),
    };
    node.lock().leases.insert(Held {
        fresh,
        picked: later.iter().map(|unit| unit.seq).collect::<HashSet<_>>(),
        left: held.len() as u64,
        expires_at_ms: now_ms() + app.config.work.lease_ms,
        blobs: None,
        row,
    });
    Ok(())
}

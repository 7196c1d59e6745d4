//! Going back: what a caught node gave does not stand any more, and is run again by others. A job whose later stages, or
//! whose result, were made from it goes back to that stage.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use fallow_protocol::api::{JobPhase, UnitState};
use fallow_protocol::link::{Cancel, ToNode};
use grid_core::ledger::Transfer;
use grid_core::{AccountNo, JobNo};
use sea_orm::DatabaseTransaction;

use super::{end, load, pay};
use crate::app::{App, now_ms};
use crate::jobs::ActiveJob;
use crate::jobs::active::{OPEN_MAX, OpenUnit};
use crate::store::holdings::{self, Holding, State};
use crate::store::stages::Moves;
use crate::store::units::Open;
use crate::store::{StoreError, jobs, modules, rewind, stages};

/// Void these holdings of one node, and have their units run again. False where a job is being put together right now:
/// ask again.
pub async fn revoke(app: &App, node: i64, list: &[Holding]) -> anyhow::Result<bool> {
    let mut by_job: BTreeMap<i64, BTreeMap<u16, Vec<&Holding>>> = BTreeMap::new();
    for holding in list {
        by_job.entry(holding.job.0).or_default().entry(holding.stage).or_default().push(holding);
    }
    let mut all = true;
    for (job, stages) in by_job {
        // The first stage that is wrong takes all later ones with it.
        let (first, _) = stages.iter().next().context("a job without holdings")?;
        let holdings: Vec<Holding> = stages.values().flatten().map(|holding| (*holding).clone()).collect();
        all &= revoke_of_job(app, node, job, *first, holdings).await?;
    }
    Ok(all)
}

async fn revoke_of_job(app: &App, node: i64, job: i64, stage: u16, list: Vec<Holding>) -> anyhow::Result<bool> {
    let active = app.active.get(job);
    if let Some(active) = &active
        && !begin(app, active, stage)
    {
        return Ok(false);
    }
    let heavy = active.as_ref().is_none_or(|active| active.lock().ended);
    let list = Arc::new(list);
    let shared = list.clone();
    let version = now_ms();
    let work = app.store.write(move |db| {
        let list = shared.clone();
        Box::pin(async move { write(db, node, job, stage, &list, heavy.then_some(version)).await })
    });
    let changed = match work.await {
        Ok(changed) => changed,
        // A job that was taken out of memory for this is there again before anybody asks once more.
        Err(error) if heavy => return bring_back(app, job).await.and(Err(error.into())),
        Err(error) => return Err(error.into()),
    };
    let Some(changed) = changed else { return Ok(false) };
    match active.filter(|_| !heavy) {
        Some(active) => {
            remember(&active, node, stage, &changed);
            app.live.changed(job, stage, changed.iter().copied());
            load::money(app, &active).await?;
        }
        None => bring_back(app, job).await?,
    }
    app.wakes.dispatch.notify_one();
    Ok(true)
}

/// Whether it can go back now. A job that has gone on after `stage` leaves memory until it is back there.
fn begin(app: &App, job: &Arc<ActiveJob>, stage: u16) -> bool {
    {
        let mut state = job.lock();
        if state.assembling {
            return false;
        }
        if state.stage().stage == stage && state.phase.0 < JobPhase::Assembling {
            return true;
        }
        state.ended = true;
    }
    app.nodes.forget_job(job.id, &ToNode::Cancel(Cancel { job: job.public_id.clone(), units: Vec::new() }));
    app.active.remove(job.id);
    true
}

/// Units that are to be run again. With `reopen` the job goes back to `stage` as a new version. None where it would have
/// to, because it went on since it was looked at; nothing is written then.
async fn write(
    db: &DatabaseTransaction,
    node: i64,
    job: i64,
    stage: u16,
    list: &[Holding],
    reopen: Option<u64>,
) -> Result<Option<Vec<u64>>, StoreError> {
    let seqs: Vec<u64> = list.iter().filter(|it| it.stage == stage).flat_map(|it| it.units.iter().copied()).collect();
    let Some(row) = jobs::by_id(db, job).await? else {
        void(db, list).await?;
        return Ok(Some(Vec::new()));
    };
    let last = stages::of_job(db, job).await?.last().map(|last| last.stage);
    if reopen.is_none() && (row.phase >= JobPhase::Assembling || last != Some(stage)) {
        // It went on since it was looked at.
        return Ok(None);
    }
    void(db, list).await?;
    if row.phase == JobPhase::Cancelled {
        // Nothing of it is wanted any more: what it would have paid is its author's again.
        refund(db, job, row.account).await?;
        return Ok(Some(Vec::new()));
    }
    if row.phase == JobPhase::Failed {
        // A retry must not find a cheat's results.
        rewind::drop_after(db, job, row.account, stage).await?;
        rewind::revoke(db, job, stage, node, &seqs).await?;
        refund(db, job, row.account).await?;
        return Ok(Some(Vec::new()));
    }
    if let Some(version) = reopen {
        end::withdraw(db, job).await?;
        rewind::drop_after(db, job, row.account, stage).await?;
        let phase = if stage == 0 { JobPhase::Splitting } else { JobPhase::Running };
        rewind::reopen(db, job, phase, version.max(row.version + 1)).await?;
    }
    rewind::revoke(db, job, stage, node, &seqs).await.map(Some)
}

/// What was held goes back to the escrow, and from there to the author of a job that has ended.
async fn void(db: &DatabaseTransaction, list: &[Holding]) -> Result<(), StoreError> {
    let ids: Vec<i64> = list.iter().map(|holding| holding.id).collect();
    let moved = holdings::set_states(db, &ids, State::Held, State::Void).await?;
    holdings::set_states(db, &ids, State::Unpaid, State::Void).await?;
    let held = list.iter().filter(|holding| moved.contains(&holding.id));
    let reserved: Vec<Transfer> = held.flat_map(|it| Transfer::hold(it.work(), it.owner, it.amount, it.fee)).collect();
    let voids: Vec<Transfer> = reserved.iter().map(Transfer::void).collect();
    pay::apply(db, &voids, now_ms()).await?;
    Ok(())
}

/// What a job has not spent goes back to its author.
pub async fn refund(db: &DatabaseTransaction, job: i64, account: i64) -> Result<(), StoreError> {
    let left = pay::left(db, JobNo(job)).await?;
    if left.is_zero() {
        return Ok(());
    }
    let refund = Transfer::refund(AccountNo(account), JobNo(job), super::lease::next_id(), left);
    pay::apply(db, &[refund], now_ms()).await?;
    Ok(())
}

fn remember(job: &ActiveJob, node: i64, stage: u16, changed: &[u64]) {
    let mut moves = Moves::default();
    moves.add(UnitState::Done, UnitState::Again, changed.len() as u64);
    let mut state = job.lock();
    state.swept = None;
    if let Some(stage) = state.find_mut(stage) {
        moves.apply(&mut stage.counts);
    }
    for seq in changed {
        if state.open.len() < OPEN_MAX {
            let open = Open { seq: *seq, state: UnitState::Again, node: Some(node), claims: Vec::new() };
            state.open.insert(*seq, OpenUnit::from(open));
        }
    }
    drop(state);
    job.touch();
}

/// Into memory again, as it stands in the database.
async fn bring_back(app: &App, job: i64) -> anyhow::Result<()> {
    let db = app.store.reader();
    let Some(row) = jobs::by_id(db, job).await?.filter(|row| !row.phase.is_final()) else { return Ok(()) };
    let module = modules::by_digest(db, row.account, &row.submission.module).await?;
    let module = module.with_context(|| format!("the module of {} is gone", row.public_id))?;
    let found = stages::of_job(db, job).await?;
    tracing::warn!(job = %row.public_id, "a job goes back to work: results of it were a cheat's");
    let job = load::activate(app, row, module, found).await?;
    load::money(app, &job).await
}

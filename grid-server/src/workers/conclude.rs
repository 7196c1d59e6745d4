//! What the ends of attempts make of units: judged by the rules, written with counters, fuel, logs and earlier
//! attempts in one transaction, then brought into memory. Results, lost leases and declined units all end here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fallow_protocol::api::UnitState;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{UnitKey, UnitResult};
use grid_core::life::JobFailure;
use grid_core::matching::{Snapshot, others_for};
use grid_core::{NodeNo, life::Others};

use super::end;
use super::verdict::{Decided, Decider};
use crate::app::{App, now_ms};
use crate::jobs::ActiveJob;
use crate::jobs::active::OpenUnit;
use crate::store::stages::Moves;
use crate::store::units::Open;
use crate::store::{StoreError, attempts, blobs, checkpoints, jobs, logs, nodes, stages, units};

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum How {
    /// With a result, checked for what a result may be.
    Result(Box<UnitResult>),
    /// Nobody answers for it any more.
    Lost,
    /// Its node gave it back unrun.
    Declined,
}

/// The end of an attempt.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Who had it.
    pub node: i64,
    /// Whose node that is.
    pub owner: i64,
    /// Which unit.
    pub key: UnitKey,
    /// Which attempt.
    pub attempt: u32,
    /// Whether the node's leases in memory name this attempt. Where they do not, the row is asked.
    pub held: bool,
    /// How.
    pub how: How,
}

/// Endings of units of one stage of one job; no unit twice.
#[derive(Debug)]
pub struct Endings {
    /// The job.
    pub job: Arc<ActiveJob>,
    /// The stage.
    pub stage: u16,
    /// The endings.
    pub list: Vec<Ending>,
}

/// What was written for one [`Endings`].
#[derive(Debug, Default)]
struct Written {
    decided: Vec<Decided>,
    changed: HashSet<u64>,
    moves: Moves,
    fuel: u64,
    failure: Option<JobFailure>,
}

/// Judge, write and remember all of these.
pub async fn conclude(app: &App, all: Vec<Endings>) -> anyhow::Result<()> {
    let snapshot = Arc::new(snapshot_for(app, &all));
    let all = Arc::new(all);
    let shared = all.clone();
    let written = app
        .store
        .write(move |db| {
            let (all, snapshot) = (shared.clone(), snapshot.clone());
            Box::pin(async move {
                let mut written = Vec::with_capacity(all.len());
                for endings in all.iter() {
                    written.push(write(db, endings, snapshot.as_ref().as_ref()).await?);
                }
                Ok(written)
            })
        })
        .await?;
    for (endings, written) in all.iter().zip(written) {
        let failure = written.failure.map(|failure| format!("{}{failure}", cause(endings, &written)));
        remember(app, endings, written);
        if let Some(failure) = failure {
            end::fail(app, &endings.job, failure).await?;
        }
    }
    app.wakes.dispatch.notify_one();
    app.wakes.finish.notify_one();
    Ok(())
}

/// The first unit that finally failed here, with its own words: what an author wants to know first.
fn cause(endings: &Endings, written: &Written) -> String {
    let failed = |decided: &&Decided| matches!(decided.conclusion.state, UnitState::Failed | UnitState::LeftOut);
    let Some(seq) = written.decided.iter().find(failed).map(|decided| decided.conclusion.seq) else {
        return String::new();
    };
    match endings.list.iter().find(|ending| ending.key.seq == seq).map(|ending| &ending.how) {
        Some(How::Result(result)) if result.outcome.message().is_empty() => {
            format!("unit {seq}: {}; ", result.outcome.label())
        }
        Some(How::Result(result)) => {
            format!("unit {seq}: {}: {}; ", result.outcome.label(), result.outcome.message())
        }
        _ => format!("unit {seq}: lost; "),
    }
}

/// Only failures ask who else is there.
fn snapshot_for(app: &App, all: &[Endings]) -> Option<Snapshot> {
    let fails = |ending: &Ending| !matches!(&ending.how, How::Result(result) if result.outcome == Outcome::Done);
    let any = all.iter().flat_map(|endings| &endings.list).any(fails);
    any.then(|| Snapshot { nodes: app.nodes.views(), jobs: Vec::new() })
}

async fn write(
    db: &sea_orm::DatabaseTransaction,
    endings: &Endings,
    snapshot: Option<&Snapshot>,
) -> Result<Written, StoreError> {
    let Endings { job, stage, list } = endings;
    let slow: Vec<u64> = list.iter().filter(|ending| !Decider::is_plain(ending)).map(|ending| ending.key.seq).collect();
    let standing = if slow.is_empty() { Vec::new() } else { units::standing(db, job.id, *stage, &slow).await? };
    let mut standing: HashMap<u64, _> = standing.into_iter().map(|unit| (unit.seq, unit)).collect();
    let view = snapshot.map(|_| job.view(u64::MAX));
    let mut decider = Decider::new(job, *stage);
    let mut decided = Vec::with_capacity(list.len());
    for ending in list {
        let others = match (snapshot, &view) {
            (Some(snapshot), Some(view)) => others_for(snapshot, view, NodeNo(ending.node)),
            _ => Others::None,
        };
        decided.extend(decider.decide(ending, standing.remove(&ending.key.seq), others));
    }
    let conclusions: Vec<_> = decided.iter().map(|decided| decided.conclusion.clone()).collect();
    let changed: HashSet<u64> = units::conclude(db, job.id, *stage, &conclusions).await?.into_iter().collect();
    decided.retain(|decided| changed.contains(&decided.conclusion.seq));
    write_rest(db, endings, decided, changed, decider.failure()).await
}

/// Counters, fuel, logs, earlier attempts, blobs: everything that goes with the units that changed.
async fn write_rest(
    db: &sea_orm::DatabaseTransaction,
    endings: &Endings,
    decided: Vec<Decided>,
    changed: HashSet<u64>,
    failure: Option<JobFailure>,
) -> Result<Written, StoreError> {
    let Endings { job, stage, .. } = endings;
    let (mut moves, mut fuel, now) = (Moves::default(), 0u64, now_ms());
    let (mut earlier, mut said, mut by_node) = (Vec::new(), Vec::new(), HashMap::<i64, (u64, u64)>::new());
    for decided in &decided {
        moves.add(decided.from, decided.conclusion.state, 1);
        fuel = fuel.saturating_add(decided.fuel);
        let credit = by_node.entry(decided.conclusion.node).or_default();
        *credit = (credit.0 + u64::from(decided.counts), credit.1.saturating_add(decided.fuel));
        earlier.extend(decided.earlier());
        said.extend(decided.log.clone());
        if let Some(fallow_protocol::unit::Output::Blob { digest, len }) = &decided.conclusion.output {
            blobs::own(db, digest, *len, job.account, now).await?;
        }
    }
    stages::count_moves(db, job.id, *stage, &moves).await?;
    attempts::insert(db, job.id, *stage, now, &earlier).await?;
    logs::insert(db, job.id, *stage, &said).await?;
    if fuel > 0 {
        jobs::add_fuel(db, job.id, job.account, fuel).await?;
    }
    for (node, (units, fuel)) in by_node {
        nodes::add_done(db, node, units, fuel).await?;
    }
    let over = ended_with_checkpoint(job, *stage, &decided);
    if !over.is_empty() {
        checkpoints::delete(db, job.id, *stage, &over).await?;
    }
    Ok(Written { decided, changed, moves, fuel, failure })
}

fn ended_with_checkpoint(job: &ActiveJob, stage: u16, decided: &[Decided]) -> Vec<u64> {
    let state = job.lock();
    if state.checkpoints.is_empty() {
        return Vec::new();
    }
    let ended = |decided: &&Decided| {
        matches!(decided.conclusion.state, UnitState::Done | UnitState::Failed | UnitState::LeftOut)
    };
    let seqs = decided.iter().filter(ended).map(|decided| decided.conclusion.seq);
    seqs.filter(|seq| state.checkpoints.contains(&UnitKey { stage, seq: *seq })).collect()
}

/// Bring what was committed into memory.
fn remember(app: &App, endings: &Endings, written: Written) {
    let Endings { job, stage, list } = endings;
    let mut by_node: HashMap<i64, (u64, u64)> = HashMap::new();
    {
        let mut state = job.lock();
        if let Some(found) = state.find_mut(*stage) {
            written.moves.apply(&mut found.counts);
        }
        state.fuel = state.fuel.saturating_add(written.fuel);
        let current = state.stage().stage == *stage;
        for decided in &written.decided {
            let unit = &decided.conclusion;
            state.progress.remove(&UnitKey { stage: *stage, seq: unit.seq });
            match unit.state {
                UnitState::Done => {
                    state.checkpoints.remove(&UnitKey { stage: *stage, seq: unit.seq });
                    state.seen.0 += 1;
                    state.seen.1 = state.seen.1.saturating_add(unit.wall_us);
                    state.seen.2 = state.seen.2.saturating_add(unit.fuel);
                    let seen = by_node.entry(unit.node).or_default();
                    *seen = (seen.0 + 1, seen.1.saturating_add(unit.wall_us));
                }
                UnitState::Again | UnitState::Checking if current => {
                    if state.open.len() < crate::jobs::active::OPEN_MAX {
                        state.open.insert(unit.seq, open_unit(decided));
                    }
                }
                _ => {}
            }
        }
        if list.iter().any(|ending| matches!(ending.how, How::Declined)) {
            list.iter().for_each(|ending| state.note_declined(ending.node));
        }
    }
    settle_leases(app, endings, &written, &by_node);
    app.metrics.fuel.inc_by(written.fuel);
    job.touch();
}

fn open_unit(decided: &Decided) -> OpenUnit {
    let unit = &decided.conclusion;
    OpenUnit::from(Open { seq: unit.seq, state: unit.state, node: Some(unit.node), claims: unit.claims.clone() })
}

fn settle_leases(app: &App, endings: &Endings, written: &Written, by_node: &HashMap<i64, (u64, u64)>) {
    let mut nodes: HashMap<i64, Vec<&Ending>> = HashMap::new();
    for ending in endings.list.iter().filter(|ending| written.changed.contains(&ending.key.seq)) {
        nodes.entry(ending.node).or_default().push(ending);
        if let How::Result(result) = &ending.how {
            app.metrics.unit_ended(result.outcome.label());
        }
    }
    for (id, ended) in nodes {
        let Some(node) = app.nodes.node(id) else { continue };
        let mut inner = node.lock();
        for ending in ended {
            inner.leases.settle(endings.job.id, endings.stage, ending.key.seq, ending.attempt);
        }
        if let (Some((units, wall_us)), Some(share)) = (by_node.get(&id), inner.jobs.get_mut(&endings.job.id)) {
            share.count(*units, *wall_us);
        }
    }
}

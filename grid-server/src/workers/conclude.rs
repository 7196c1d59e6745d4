//! What the ends of attempts make of units: judged by the rules, written with counters, fuel, logs and earlier
//! attempts in one transaction, then brought into memory. Results, lost leases and declined units all end here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context;
use fallow_protocol::api::UnitState;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{STAGE_RUN, UnitKey, UnitResult};
use grid_core::NodeNo;
use grid_core::life::{JobFailure, Others};
use grid_core::matching::{Snapshot, others_for};
use grid_core::trust::{Like, Treatment};

use super::end;
use super::pay::{Settled, next_number};
use super::records::{Kept, Records};
use super::verdict::{Decided, Decider, Facts};
use crate::app::{App, now_ms};
use crate::jobs::{ActiveJob, timeline};
use crate::store::paces::{self, Pace};
use crate::store::stages::Moves;
use crate::store::units::Standing;
use crate::store::{StoreError, attempts, blobs, checkpoints, jobs, logs, nodes, stages, units};
use crate::trust::Trust;

mod follow;
mod memory;
mod treat;

use follow::{consequences, settle};
use memory::remember;
use treat::{Treated, awaited, forfeited, late, origins, reporters, treat_all};

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
    /// Number under which it is settled: one for all that a frame brings (`pay::next_number`).
    pub frame: u64,
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
    settled: Settled,
    records: Kept,
    frozen: Vec<Like>,
}

/// Judge, write and remember all of these.
pub async fn conclude(app: &App, all: Vec<Endings>) -> anyhow::Result<()> {
    let snapshot = Arc::new(snapshot_for(app, &all));
    let draws = Arc::new(draws(all.iter().map(|endings| endings.list.len()).sum())?);
    let all = Arc::new(all);
    let write = |memory| write_all(app, all.clone(), snapshot.clone(), draws.clone(), memory);
    let written = match write(Memory::Believed).await {
        // A result that was told twice, or a lease that ended meanwhile.
        Err(StoreError::Behind) => write(Memory::Asked).await?,
        written => written?,
    };
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

/// What is known of leases before the rows are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    /// What is remembered is taken for true; where it is not, nothing is written ([`StoreError::Behind`]).
    Believed,
    /// The rows are asked.
    Asked,
}

async fn write_all(
    app: &App,
    all: Arc<Vec<Endings>>,
    snapshot: Arc<Option<Snapshot>>,
    draws: Arc<Vec<u64>>,
    memory: Memory,
) -> Result<Vec<Written>, StoreError> {
    let trust = app.trust.clone();
    let work = app.store.write(move |db| {
        let (all, snapshot, trust, draws) = (all.clone(), snapshot.clone(), trust.clone(), draws.clone());
        Box::pin(async move {
            let mut written = Vec::with_capacity(all.len());
            let mut draws = draws.as_slice();
            for endings in all.iter() {
                let (these, rest) = draws.split_at(endings.list.len());
                draws = rest;
                written.push(write(db, &trust, endings, these, snapshot.as_ref().as_ref(), memory).await?);
            }
            Ok(written)
        })
    });
    work.await
}

/// What decides which results are checked: nobody outside can foresee it.
fn draws(count: usize) -> anyhow::Result<Vec<u64>> {
    let mut bytes = vec![0; 8 * count];
    getrandom::fill(&mut bytes).context("failed to draw which results are checked")?;
    Ok(bytes.chunks_exact(8).map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))).collect())
}

/// A check that nobody makes: the unit ends with what was claimed. False where it has to wait.
pub async fn alone(app: &App, job: &Arc<ActiveJob>, key: UnitKey) -> anyhow::Result<bool> {
    let (trust, shared) = (app.trust.clone(), job.clone());
    let written = app
        .store
        .write(move |db| {
            let (trust, job) = (trust.clone(), shared.clone());
            Box::pin(async move { write_alone(db, &trust, &job, key).await })
        })
        .await?;
    let Some((endings, written)) = written else { return Ok(false) };
    let failure = written.failure.map(|failure| failure.to_string());
    remember(app, &endings, written);
    if let Some(failure) = failure {
        end::fail(app, job, failure).await?;
    }
    app.wakes.finish.notify_one();
    Ok(true)
}

async fn write_alone(
    db: &sea_orm::DatabaseTransaction,
    trust: &Trust,
    job: &Arc<ActiveJob>,
    key: UnitKey,
) -> Result<Option<(Endings, Written)>, StoreError> {
    let Some(standing) = units::standing(db, job.id, key.stage, &[key.seq]).await?.pop() else { return Ok(None) };
    let Some(first) = standing.unit.claims.first().copied() else { return Ok(None) };
    let mut records = Records::default();
    let claimants = standing.unit.claims.iter().map(|claim| (claim.node.0, claim.owner.0));
    records.load(db, claimants.filter(|(_, owner)| trust.concerns(job.account, *owner))).await?;
    let told = attempts::of_units(db, job.id, key.stage, &[key.seq]).await?;
    let told = told.into_iter().find(|row| row.attempt == first.attempt);
    let forfeited = forfeited(db, job, key.stage, std::slice::from_ref(&standing), trust, &records).await?;
    let (decided, failure) = {
        let (about, owner_of) = (|node| records.about(trust, node), |_| 0);
        let mut decider = Decider::new(job, key.stage, trust.policy(), &about, &owner_of, &forfeited);
        let message = told.and_then(|row| row.message);
        let Some(decided) = decider.decide_alone(standing, message) else { return Ok(None) };
        (decided, decider.failure())
    };
    let end = units::GivenUp {
        state: decided.conclusion.state,
        class: decided.conclusion.class,
        message: decided.conclusion.message.clone(),
        fuel: decided.conclusion.fuel,
    };
    if !units::give_up(db, job.id, key.stage, key.seq, &end).await? {
        return Ok(None);
    }
    let ending = Ending {
        node: first.node.0,
        owner: first.owner.0,
        key,
        attempt: first.attempt,
        held: false,
        frame: next_number(),
        how: How::Lost,
    };
    let endings = Endings { job: job.clone(), stage: key.stage, list: vec![ending] };
    let changed = HashSet::from([key.seq]);
    let mut written = write_rest(db, &endings, vec![decided], changed, failure).await?;
    written.frozen = consequences(db, trust, &endings, &written.decided, &mut records).await?;
    let treated = Treated { treatment: Treatment::Final, position: first.position, resumed_from: None };
    written.settled = settle(db, trust, &endings, &written.decided, &[treated]).await?;
    written.records = records.write(db).await?;
    Ok(Some((endings, written)))
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
    any.then(|| super::snapshot(app, &[]))
}

async fn write(
    db: &sea_orm::DatabaseTransaction,
    trust: &Trust,
    endings: &Endings,
    draws: &[u64],
    snapshot: Option<&Snapshot>,
    memory: Memory,
) -> Result<Written, StoreError> {
    let Endings { job, stage, list } = endings;
    let mut records = Records::default();
    records.load(db, reporters(trust, endings)).await?;
    let origins = origins(db, endings).await?;
    let slow: Vec<u64> = list.iter().filter(|ending| !Decider::is_plain(ending)).map(|ending| ending.key.seq).collect();
    let mut standing = load_standing(db, job.id, *stage, &slow).await?;
    let awaited = awaited(db, trust, endings, memory).await?;
    let treated = treat_all(trust, endings, draws, &origins, &awaited, &mut records);
    let is_drawn = |(ending, treated): &(&Ending, &Treated)| {
        Decider::is_plain(ending) && matches!(treated.treatment, Treatment::Check { .. } | Treatment::Refused)
    };
    let drawn: Vec<u64> = list.iter().zip(&treated).filter(is_drawn).map(|(ending, _)| ending.key.seq).collect();
    standing.extend(load_standing(db, job.id, *stage, &drawn).await?);
    let claimants = standing.iter().flat_map(|unit| &unit.unit.claims).map(|claim| (claim.node.0, claim.owner.0));
    records.load(db, claimants.filter(|(_, owner)| trust.concerns(job.account, *owner))).await?;
    let late = late(db, endings, &standing).await?;
    let forfeited = forfeited(db, job, *stage, &standing, trust, &records).await?;
    let mut standing: HashMap<u64, _> = standing.into_iter().map(|unit| (unit.seq, unit)).collect();
    let about = |node| trust.about(node);
    let view = snapshot.map(|_| job.view(u64::MAX, &about));
    let (mut decided, failure) = {
        let (about, owner_of) = (|node| records.about(trust, node), |node| late.owner_of(node));
        let mut decider = Decider::new(job, *stage, trust.policy(), &about, &owner_of, &forfeited);
        let mut decided = Vec::with_capacity(list.len());
        for (ending, treated) in list.iter().zip(&treated) {
            let others = match (snapshot, &view) {
                (Some(snapshot), Some(view)) => others_for(snapshot, view, NodeNo(ending.node)),
                _ => Others::None,
            };
            let facts = Facts {
                others,
                treatment: treated.treatment,
                position: treated.position,
                resumed_from: treated.resumed_from,
                standing: standing.remove(&ending.key.seq),
                late: late.of(ending.key.seq),
            };
            decided.extend(decider.decide(ending, facts));
        }
        (decided, decider.failure())
    };
    let conclusions: Vec<_> = decided.iter().map(|decided| decided.conclusion.clone()).collect();
    let changed: HashSet<u64> = units::conclude(db, job.id, *stage, &conclusions).await?.into_iter().collect();
    let numbered = |(ending, treated): (&Ending, &Treated)| (treated.position > 0).then_some(ending.key.seq);
    if memory == Memory::Believed && list.iter().zip(&treated).filter_map(numbered).any(|seq| !changed.contains(&seq)) {
        return Err(StoreError::Behind);
    }
    decided.retain(|decided| changed.contains(&decided.conclusion.seq));
    let mut written = write_rest(db, endings, decided, changed, failure).await?;
    written.frozen = consequences(db, trust, endings, &written.decided, &mut records).await?;
    written.settled = settle(db, trust, endings, &written.decided, &treated).await?;
    written.records = records.write(db).await?;
    Ok(written)
}

async fn load_standing(
    db: &sea_orm::DatabaseTransaction,
    job: i64,
    stage: u16,
    seqs: &[u64],
) -> Result<Vec<Standing>, StoreError> {
    if seqs.is_empty() { Ok(Vec::new()) } else { units::standing(db, job, stage, seqs).await }
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
    count_pace(db, job, *stage, now, &decided).await?;
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
    Ok(Written { decided, changed, moves, fuel, failure, ..Written::default() })
}

/// Count units of the work that ended, by time.
async fn count_pace(
    db: &sea_orm::DatabaseTransaction,
    job: &ActiveJob,
    stage: u16,
    now_ms: u64,
    decided: &[Decided],
) -> Result<(), StoreError> {
    let ended =
        |state: fn(UnitState) -> bool| decided.iter().filter(|decided| state(decided.conclusion.state)).count() as u64;
    let done = ended(|state| state == UnitState::Done);
    let failed = ended(|state| matches!(state, UnitState::Failed | UnitState::LeftOut));
    if stage != STAGE_RUN || done + failed == 0 {
        return Ok(());
    }
    paces::add(db, job.id, &Pace { at_ms: timeline::bucket(job.created_at_ms, now_ms), done, failed }).await
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

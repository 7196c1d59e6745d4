//! What the ends of attempts make of units: judged by the rules, written with counters, fuel, logs and earlier
//! attempts in one transaction, then brought into memory. Results, lost leases and declined units all end here.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context;
use fallow_protocol::api::UnitState;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{UnitKey, UnitResult};
use grid_core::life::{Basis, JobFailure, Others, Verdict};
use grid_core::matching::{Snapshot, others_for};
use grid_core::trust::{self, Like, Treatment};
use grid_core::{JobNo, NodeNo};

use super::end;
use super::pay::{Bill, Settled, Slip, no_frame};
use super::records::{Kept, Records};
use super::verdict::{Decided, Decider, Facts};
use crate::app::{App, now_ms};
use crate::jobs::ActiveJob;
use crate::jobs::active::OpenUnit;
use crate::store::attempts::AttemptRow;
use crate::store::stages::Moves;
use crate::store::trust as stored;
use crate::store::units::{Open, Standing};
use crate::store::{StoreError, attempts, blobs, checkpoints, jobs, logs, nodes, stages, units};
use crate::trust::{SERVER, Trust, now_i64};

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
    /// Number of the frame that told it, or one that stands for that.
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
    let (all, trust) = (Arc::new(all), app.trust.clone());
    let shared = all.clone();
    let written = app
        .store
        .write(move |db| {
            let (all, snapshot, trust, draws) = (shared.clone(), snapshot.clone(), trust.clone(), draws.clone());
            Box::pin(async move {
                let mut written = Vec::with_capacity(all.len());
                let mut draws = draws.as_slice();
                for endings in all.iter() {
                    let (these, rest) = draws.split_at(endings.list.len());
                    draws = rest;
                    written.push(write(db, &trust, endings, these, snapshot.as_ref().as_ref()).await?);
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
    let (decided, failure) = {
        let (about, owner_of) = (|node| records.about(trust, node), |_| 0);
        let mut decider = Decider::new(job, key.stage, trust.policy(), &about, &owner_of);
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
        frame: no_frame(),
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
) -> Result<Written, StoreError> {
    let Endings { job, stage, list } = endings;
    let mut records = Records::default();
    records.load(db, reporters(trust, endings)).await?;
    let origins = origins(db, endings).await?;
    let slow: Vec<u64> = list.iter().filter(|ending| !Decider::is_plain(ending)).map(|ending| ending.key.seq).collect();
    let mut standing = load_standing(db, job.id, *stage, &slow).await?;
    let awaited = awaited(db, trust, endings).await?;
    let treated = treat_all(trust, endings, draws, &origins, &awaited, &mut records);
    let is_drawn = |(ending, treated): &(&Ending, &Treated)| {
        Decider::is_plain(ending) && matches!(treated.treatment, Treatment::Check { .. } | Treatment::Refused)
    };
    let drawn: Vec<u64> = list.iter().zip(&treated).filter(is_drawn).map(|(ending, _)| ending.key.seq).collect();
    standing.extend(load_standing(db, job.id, *stage, &drawn).await?);
    let claimants = standing.iter().flat_map(|unit| &unit.unit.claims).map(|claim| (claim.node.0, claim.owner.0));
    records.load(db, claimants.filter(|(_, owner)| trust.concerns(job.account, *owner))).await?;
    let late = late(db, endings, &standing).await?;
    let mut standing: HashMap<u64, _> = standing.into_iter().map(|unit| (unit.seq, unit)).collect();
    let about = |node| trust.about(node);
    let view = snapshot.map(|_| job.view(u64::MAX, &about));
    let (mut decided, failure) = {
        let (about, owner_of) = (|node| records.about(trust, node), |node| late.owner_of(node));
        let mut decider = Decider::new(job, *stage, trust.policy(), &about, &owner_of);
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

/// Units of strangers' results whose newest attempt is out, with it: memory may be behind.
async fn awaited(
    db: &sea_orm::DatabaseTransaction,
    trust: &Trust,
    Endings { job, stage, list }: &Endings,
) -> Result<HashSet<(u64, i64, u32)>, StoreError> {
    let strange = |ending: &&Ending| trust.concerns(job.account, ending.owner);
    let seqs: Vec<u64> = list.iter().filter(strange).map(|ending| ending.key.seq).collect();
    if seqs.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(units::awaited(db, job.id, *stage, &seqs).await?.into_iter().collect())
}

/// What was said about a result before its unit was looked at.
#[derive(Clone, Copy, Debug)]
struct Treated {
    treatment: Treatment,
    position: u64,
    resumed_from: Option<i64>,
}

/// Nodes of others than the author, with their owners.
fn reporters(trust: &Trust, endings: &Endings) -> BTreeSet<(i64, i64)> {
    let strange = |ending: &&Ending| trust.concerns(endings.job.account, ending.owner);
    let results = endings.list.iter().filter(|ending| matches!(ending.how, How::Result(_)));
    results.filter(strange).map(|ending| (ending.node, ending.owner)).collect()
}

/// Who made the checkpoints that results went on from.
async fn origins(
    db: &sea_orm::DatabaseTransaction,
    Endings { job, stage, list }: &Endings,
) -> Result<HashMap<u64, i64>, StoreError> {
    let resumed = |ending: &&Ending| matches!(&ending.how, How::Result(result) if result.resumed_at_fuel.is_some());
    let seqs: Vec<u64> = list.iter().filter(resumed).map(|ending| ending.key.seq).collect();
    if seqs.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = checkpoints::of_units(db, job.id, *stage, &seqs).await?;
    Ok(rows.into_iter().map(|row| (row.seq, row.origin)).collect())
}

/// Number each result of a stranger, and say what to do with it were it its unit's first. What nobody waits for has no
/// number: a node's position is what makes its results final, and must not rise by repeating itself.
fn treat_all(
    trust: &Trust,
    Endings { job, list, .. }: &Endings,
    draws: &[u64],
    origins: &HashMap<u64, i64>,
    awaited: &HashSet<(u64, i64, u32)>,
    records: &mut Records,
) -> Vec<Treated> {
    let is_awaited = |ending: &Ending| awaited.contains(&(ending.key.seq, ending.node, ending.attempt));
    let mut treated = Vec::with_capacity(list.len());
    for (ending, draw) in list.iter().zip(draws) {
        let mut this = Treated { treatment: Treatment::Final, position: 0, resumed_from: None };
        if let How::Result(result) = &ending.how {
            // A first attempt was given no checkpoint, and none is given that is not here: whatever such a result says,
            // all of it is its node's.
            let resumed = result.resumed_at_fuel.is_some() && ending.attempt > 1;
            this.resumed_from = origins.get(&ending.key.seq).copied().filter(|_| resumed);
            let counts = is_awaited(ending) && result.outcome.is_deterministic();
            if counts && ending.node != SERVER && trust.concerns(job.account, ending.owner) {
                this.position = records.result(ending.node);
                let scene = trust::Scene {
                    own: false,
                    verify: verify_of(job.submission.verify),
                    critical: job.submission.critical,
                    resumed: this.resumed_from.is_some(),
                };
                let (record, owner) = (records.record(ending.node), records.owner(ending.node));
                this.treatment = trust::treat(trust.policy(), &scene, &record, &owner, *draw, now_i64());
            }
        }
        treated.push(this);
    }
    treated
}

fn verify_of(verify: fallow_protocol::job::Verify) -> trust::Verify {
    match verify {
        fallow_protocol::job::Verify::Adaptive => trust::Verify::Adaptive,
        fallow_protocol::job::Verify::Copies(copies) => trust::Verify::Copies(u8::try_from(copies).unwrap_or(u8::MAX)),
        fallow_protocol::job::Verify::None => trust::Verify::None,
    }
}

/// Earlier attempts that ran into the time limit, of units whose newest did too.
#[derive(Debug, Default)]
struct Late {
    rows: HashMap<u64, Vec<AttemptRow>>,
    owners: HashMap<i64, i64>,
}

impl Late {
    fn of(&self, seq: u64) -> &[AttemptRow] {
        self.rows.get(&seq).map_or(&[], Vec::as_slice)
    }

    fn owner_of(&self, node: i64) -> i64 {
        self.owners.get(&node).copied().unwrap_or_default()
    }
}

async fn late(
    db: &sea_orm::DatabaseTransaction,
    Endings { job, stage, list }: &Endings,
    standing: &[Standing],
) -> Result<Late, StoreError> {
    let is_late = |ending: &&Ending| matches!(&ending.how, How::Result(result) if result.outcome == Outcome::TimeLimit);
    let before: HashSet<u64> =
        standing.iter().filter(|unit| unit.unit.troubles.timeouts > 0).map(|unit| unit.seq).collect();
    let seqs = list.iter().filter(is_late).map(|ending| ending.key.seq).filter(|seq| before.contains(seq));
    let seqs: Vec<u64> = seqs.collect();
    let mut late = Late::default();
    if seqs.is_empty() {
        return Ok(late);
    }
    for row in attempts::of_units(db, job.id, *stage, &seqs).await? {
        if row.class == Outcome::TimeLimit.class() {
            if let Some(node) = nodes::by_id(db, row.node).await? {
                late.owners.insert(row.node, node.account_id);
            }
            late.rows.entry(row.seq).or_default().push(row);
        }
    }
    Ok(late)
}

/// What follows for those who were compared: trust earned and lost, disputes kept, kinds of computers frozen.
async fn consequences(
    db: &sea_orm::DatabaseTransaction,
    trust: &Trust,
    endings: &Endings,
    decided: &[Decided],
    records: &mut Records,
) -> Result<Vec<Like>, StoreError> {
    let mut kinds = Vec::new();
    for decided in decided {
        let (Verdict::Accepted(basis) | Verdict::Failed(basis)) = decided.verdict else { continue };
        let key = UnitKey { stage: endings.stage, seq: decided.conclusion.seq };
        if let Some(told_by) = decided.told_by {
            units::set_node(db, endings.job.id, key, told_by).await?;
        }
        match basis {
            Basis::Agreed { credited, wrong, frozen, right, .. } => {
                records.load_door(db).await?;
                for at in credited.iter() {
                    let claim = &decided.claims[at];
                    records.passed(trust.policy(), claim.node.0, claim.position);
                }
                for at in wrong.iter() {
                    let claim = &decided.claims[at];
                    if records.fault(trust.policy(), claim.node.0, claim.position).is_some() {
                        tracing::warn!(node = claim.node.0, job = %endings.job.public_id, seq = key.seq, "a wrong result");
                    }
                }
                // Wrong, and nobody knows whose fault: of the node, of the maker of the checkpoint that it went on from, or
                // of a processor that treats NaNs differently. Nobody is punished, and nothing of theirs is believed.
                let doubtful = decided.claims.iter().enumerate().filter(|(at, _)| !right.has(*at) && !wrong.has(*at));
                for (_, claim) in doubtful.filter(|_| frozen.is_none()) {
                    for node in [Some(claim.node), claim.resumed_from].into_iter().flatten() {
                        records.suspect(trust.policy(), node.0);
                    }
                }
                if let Some(like) = frozen {
                    let (kind, value) = match like {
                        Like::Arch(arch) => ("arch", arch),
                        Like::Engine(engine) => ("engine", engine),
                    };
                    stored::freeze(db, kind, i64::from(value), now_ms()).await?;
                    kinds.push(like);
                }
                if right.iter().count() < decided.claims.len() {
                    dispute(db, endings, decided, key).await?;
                }
            }
            Basis::Disputed => dispute(db, endings, decided, key).await?,
            Basis::Believed { .. } | Basis::Unconfirmed | Basis::Troubles => {}
        }
    }
    Ok(kinds)
}

/// Keep what everybody said, for the operator.
async fn dispute(
    db: &sea_orm::DatabaseTransaction,
    endings: &Endings,
    decided: &Decided,
    key: UnitKey,
) -> Result<(), StoreError> {
    let evidence = evidence(db, endings, decided, key).await?;
    stored::put_dispute(db, endings.job.id, key, now_ms(), &evidence.to_string()).await
}

async fn evidence(
    db: &sea_orm::DatabaseTransaction,
    endings: &Endings,
    decided: &Decided,
    key: UnitKey,
) -> Result<serde_json::Value, StoreError> {
    let attempts = attempts::of_units(db, endings.job.id, key.stage, &[key.seq]).await?;
    let mut claims = Vec::with_capacity(decided.claims.len());
    for claim in &decided.claims {
        let node = nodes::by_id(db, claim.node.0).await?;
        let attempt = attempts.iter().find(|row| row.attempt == claim.attempt);
        let signed = endings.list.iter().find(|ending| ending.key == key && ending.attempt == claim.attempt);
        claims.push(serde_json::json!({
            "node": node.as_ref().map(|node| node.public_id.clone()),
            "machine": node.as_ref().map(|node| node.machine.clone()),
            "attempt": claim.attempt,
            "digest": claim.digest,
            "class": claim.class,
            "fuel": claim.fuel,
            "build": if claim.floats.is_plain() { "plain" } else { "canonical" },
            "output": attempt.and_then(|row| row.root),
            "frame": signed.map(|ending| ending.frame),
            "was_done": claim.held,
        }));
    }
    let verdict = match decided.verdict {
        Verdict::Accepted(Basis::Agreed { wrong, frozen, .. })
        | Verdict::Failed(Basis::Agreed { wrong, frozen, .. }) => {
            serde_json::json!({ "wrong": wrong.iter().collect::<Vec<_>>(), "frozen": frozen.is_some() })
        }
        _ => serde_json::json!({ "wrong": [], "undecided": true }),
    };
    Ok(serde_json::json!({
        "job": endings.job.public_id,
        "profile": &*endings.job.profile,
        "verdict": verdict,
        "claims": claims,
    }))
}

/// Holdings and transfers.
async fn settle(
    db: &sea_orm::DatabaseTransaction,
    trust: &Trust,
    Endings { job, stage, list }: &Endings,
    decided: &[Decided],
    treated: &[Treated],
) -> Result<Settled, StoreError> {
    let mut bill = Bill::default();
    let by_seq: HashMap<u64, (&Ending, &Treated)> =
        list.iter().zip(treated).map(|(ending, treated)| (ending.key.seq, (ending, treated))).collect();
    for decided in decided {
        let seq = decided.conclusion.seq;
        let Some((ending, treated)) = by_seq.get(&seq) else { continue };
        let slip = |node: i64, owner: i64| Slip { node, owner, by: ending.node, frame: ending.frame };
        let believed = matches!(decided.verdict, Verdict::Accepted(Basis::Believed { held: true }));
        if believed && trust.concerns(job.account, ending.owner) {
            match decided.claims.first().filter(|_| decided.told_by.is_some()) {
                // It stands because nobody was there to check it.
                Some(claim) => {
                    bill.hold(slip(claim.node.0, claim.owner.0), seq, claim.fuel, claim.position);
                }
                None => bill.hold(slip(ending.node, ending.owner), seq, decided.conclusion.fuel, treated.position),
            }
        }
        if let Some(claim) = decided.unvouched.and_then(|at| decided.claims.get(at)).filter(|claim| !claim.held) {
            bill.hold(slip(claim.node.0, claim.owner.0), seq, claim.fuel, claim.position);
        }
        for pay in &decided.pays {
            bill.pay(slip(pay.node.0, pay.owner.0), seq, pay);
        }
    }
    if bill.is_empty() {
        return Ok(Settled::default());
    }
    let known = |node| trust.about(NodeNo(node)).standing.vouches();
    bill.write(db, JobNo(job.id), *stage, job.price.as_ref(), job.limits(), known).await
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
    Ok(Written { decided, changed, moves, fuel, failure, ..Written::default() })
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
    written.records.remember(&app.trust);
    written.frozen.iter().for_each(|like| app.trust.freeze(*like));
    if written.records.has_caught() {
        app.wakes.settle.notify_one();
    }
    let mut by_node: HashMap<i64, (u64, u64)> = HashMap::new();
    {
        let mut state = job.lock();
        if let Some(found) = state.find_mut(*stage) {
            written.moves.apply(&mut found.counts);
        }
        state.fuel = state.fuel.saturating_add(written.fuel);
        state.budget = written.settled.left.unwrap_or(state.budget);
        state.unpaid |= written.settled.unpaid;
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

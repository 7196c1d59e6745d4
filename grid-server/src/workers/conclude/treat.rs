//! What is said of results before their units are looked at: numbers in their nodes' records, and treatments; and what
//! earlier attempts said of time limits.

use std::collections::{BTreeSet, HashMap, HashSet};

use fallow_protocol::job::Verify;
use fallow_protocol::outcome::Outcome;
use grid_core::JobNo;
use grid_core::trust::{self, Treatment};

use super::{Ending, Endings, How, Memory};
use crate::jobs::ActiveJob;
use crate::store::attempts::AttemptRow;
use crate::store::units::Standing;
use crate::store::{StoreError, attempts, checkpoints, holdings, nodes, units};
use crate::trust::{SERVER, Trust, now_i64};
use crate::workers::records::Records;

/// What was said about a result before its unit was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Treated {
    pub(super) treatment: Treatment,
    pub(super) position: u64,
    pub(super) resumed_from: Option<i64>,
}

/// Units of strangers' results whose newest attempt is out, with it.
pub(super) async fn awaited(
    db: &sea_orm::DatabaseTransaction,
    trust: &Trust,
    Endings { job, stage, list }: &Endings,
    memory: Memory,
) -> Result<HashSet<(u64, i64, u32)>, StoreError> {
    let strange = list.iter().filter(|ending| trust.concerns(job.account, ending.owner));
    let (believed, unsure): (Vec<&Ending>, Vec<&Ending>) =
        strange.partition(|ending| memory == Memory::Believed && ending.held);
    let mut awaited: HashSet<_> = believed.iter().map(|ending| (ending.key.seq, ending.node, ending.attempt)).collect();
    if !unsure.is_empty() {
        let seqs: Vec<u64> = unsure.iter().map(|ending| ending.key.seq).collect();
        awaited.extend(units::awaited(db, job.id, *stage, &seqs).await?);
    }
    Ok(awaited)
}

/// Nodes of others than the author, with their owners.
pub(super) fn reporters(trust: &Trust, endings: &Endings) -> BTreeSet<(i64, i64)> {
    let strange = |ending: &&Ending| trust.concerns(endings.job.account, ending.owner);
    let results = endings.list.iter().filter(|ending| matches!(ending.how, How::Result(_)));
    results.filter(strange).map(|ending| (ending.node, ending.owner)).collect()
}

/// Who made the checkpoints that results went on from.
pub(super) async fn origins(
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
pub(super) fn treat_all(
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

/// Claims, by unit and attempt, that stood until their node was caught, and whose pay went back to the escrow then:
/// whoever confirms such a unit does the work that the author pays for.
pub(super) async fn forfeited(
    db: &sea_orm::DatabaseTransaction,
    job: &ActiveJob,
    stage: u16,
    standing: &[Standing],
    trust: &Trust,
    records: &Records,
) -> Result<HashSet<(u64, u32)>, StoreError> {
    let mut forfeited = HashSet::new();
    for unit in standing {
        for claim in unit.unit.claims.iter().filter(|claim| claim.held) {
            let caught = claim.position <= records.about(trust, claim.node).fault_position;
            let key = (JobNo(job.id), stage, unit.seq);
            if caught && holdings::is_void(db, key, claim.node, claim.position).await? {
                forfeited.insert((unit.seq, claim.attempt));
            }
        }
    }
    Ok(forfeited)
}

fn verify_of(verify: Verify) -> trust::Verify {
    match verify {
        Verify::Adaptive => trust::Verify::Adaptive,
        Verify::Copies(copies) => trust::Verify::Copies(u8::try_from(copies).unwrap_or(u8::MAX)),
        Verify::None => trust::Verify::None,
    }
}

/// Earlier attempts that ran into the time limit, of units whose newest did too.
#[derive(Debug, Default)]
pub(super) struct Late {
    rows: HashMap<u64, Vec<AttemptRow>>,
    owners: HashMap<i64, i64>,
}

impl Late {
    pub(super) fn of(&self, seq: u64) -> &[AttemptRow] {
        self.rows.get(&seq).map_or(&[], Vec::as_slice)
    }

    pub(super) fn owner_of(&self, node: i64) -> i64 {
        self.owners.get(&node).copied().unwrap_or_default()
    }
}

pub(super) async fn late(
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

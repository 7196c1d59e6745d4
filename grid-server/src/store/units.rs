//! Units: made, leased, concluded, listed. Every statement here works on many rows and finds them by their key.

use fallow_protocol::Digest;
use fallow_protocol::api::UnitState;
use fallow_protocol::manifest::Floats;
use fallow_protocol::unit::{Input, Output};
use fallow_protocol::wire;
use grid_core::NodeNo;
use grid_core::life::{Claim, Troubles, Unit};
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::batch::{Rows, int, list, statement};
use super::leases::LeaseRow;
use super::{StoreError, claims};

/// Largest input in a row: a split over all files of a job, or the parts of one merge.
const INPUT_BYTES_MAX: usize = 2 << 20;

/// The byte that stands for a state. Never reused.
pub fn state_byte(state: UnitState) -> i64 {
    state as i64
}

/// The state that a byte stands for.
pub fn state_of(byte: i64) -> Result<UnitState, StoreError> {
    use UnitState::*;
    let states = [Waiting, Running, Checking, Done, Again, Failed, LeftOut];
    let index = usize::try_from(byte).map_err(|_| StoreError::Corrupt("a unit's state"))?;
    states.get(index).copied().ok_or(StoreError::Corrupt("a unit's state"))
}

const INSERT: &str = "INSERT INTO units (job, stage, seq, state, attempt, troubles, class, fuel, wall_us, memory_bytes,
        output_len, input)
    SELECT $1, $2, {int:0}, 0, 0, 0, 0, 0, 0, 0, 0, {bytes:1} FROM {rows:3}";

/// Make units from `first` on, all waiting.
pub async fn insert(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    first: u64,
    inputs: &[Input],
) -> Result<(), StoreError> {
    let mut rows = Rows::with_capacity(inputs.len(), 160);
    for (seq, input) in (first..).zip(inputs) {
        rows.row().count(seq).bytes(Some(&wire::encode(input)));
    }
    let values = vec![job.into(), i64::from(stage).into(), rows.value()];
    db.execute_raw(statement(db.get_database_backend(), INSERT, values)).await?;
    Ok(())
}

/// A unit that was just leased.
#[derive(Clone, Debug, PartialEq)]
pub struct Leased {
    /// Its number.
    pub seq: u64,
    /// The attempt that begins.
    pub attempt: u32,
    /// Its input.
    pub input: Input,
}

/// To whom units go.
#[derive(Clone, Copy, Debug)]
pub struct Taker {
    /// The lease.
    pub lease: u64,
    /// The node.
    pub node: i64,
}

// A job that has ended gives no units away, whatever the dispatcher knew.
const LEASE_RANGE: &str = "UPDATE units SET state = 1, attempt = attempt + 1, lease = $1, node = $2
    WHERE job = $3 AND stage = $4 AND seq >= $5 AND seq < $6 AND state = 0
        AND EXISTS (SELECT 1 FROM jobs WHERE id = $3 AND phase < 3) RETURNING seq, attempt, input";

/// Lease the waiting units of `from..to`.
pub async fn lease_range(
    db: &impl ConnectionTrait,
    taker: Taker,
    job: i64,
    stage: u16,
    from: u64,
    to: u64,
) -> Result<Vec<Leased>, StoreError> {
    let values = vec![
        int(taker.lease).into(),
        taker.node.into(),
        job.into(),
        i64::from(stage).into(),
        int(from).into(),
        int(to).into(),
    ];
    leased(db.query_all_raw(statement(db.get_database_backend(), LEASE_RANGE, values)).await?)
}

// A unit that is checked stays checking while it is on a node.
const LEASE_LIST: &str = "UPDATE units SET state = CASE state WHEN 2 THEN 2 ELSE 1 END, attempt = attempt + 1,
        lease = $1, node = $2
    WHERE job = $3 AND stage = $4 AND seq IN {list:5} AND state = $6 AND lease IS NULL
        AND EXISTS (SELECT 1 FROM jobs WHERE id = $3 AND phase < 3) RETURNING seq, attempt, input";

/// Lease these units, where they are in `state` (again or checking).
pub async fn lease_list(
    db: &impl ConnectionTrait,
    taker: Taker,
    job: i64,
    stage: u16,
    seqs: &[u64],
    state: UnitState,
) -> Result<Vec<Leased>, StoreError> {
    let values = vec![
        int(taker.lease).into(),
        taker.node.into(),
        job.into(),
        i64::from(stage).into(),
        list(seqs.iter().copied()),
        state_byte(state).into(),
    ];
    leased(db.query_all_raw(statement(db.get_database_backend(), LEASE_LIST, values)).await?)
}

fn leased(rows: Vec<QueryResult>) -> Result<Vec<Leased>, StoreError> {
    let mut units = rows.iter().map(leased_unit).collect::<Result<Vec<_>, _>>()?;
    units.sort_unstable_by_key(|unit| unit.seq);
    Ok(units)
}

fn leased_unit(row: &QueryResult) -> Result<Leased, StoreError> {
    let bytes: Vec<u8> = row.try_get_by_index(2)?;
    let input = wire::decode(&bytes, INPUT_BYTES_MAX).map_err(|_| StoreError::Corrupt("a unit's input"))?;
    Ok(Leased { seq: count(row, 0)?, attempt: count(row, 1)? as u32, input })
}

/// What an attempt's end makes of a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    /// The unit.
    pub seq: u64,
    /// The attempt that ended: the fence against stale ones.
    pub attempt: u32,
    /// The node that ran it: a fence too.
    pub node: i64,
    /// Its state from now on.
    pub state: UnitState,
    /// What went wrong so far, packed.
    pub troubles: u32,
    /// Results that wait for another one.
    pub claims: Vec<Claim>,
    /// The outcome's class.
    pub class: u8,
    /// Fuel.
    pub fuel: u64,
    /// Wall time, microseconds.
    pub wall_us: u64,
    /// Peak memory, bytes.
    pub memory_bytes: u64,
    /// The output, where it stands or waits for its check.
    pub output: Option<Output>,
    /// Message of the outcome, where it has one.
    pub message: Option<String>,
    /// The build that ran.
    pub floats: Floats,
    /// Who made the checkpoint that it went on from.
    pub resumed_from: Option<i64>,
}

// SQLite scans the whole job for `UPDATE … FROM json_each`, but not for an upsert. A stage may have been forgotten
// meanwhile: then its rows are not made again.
const CONCLUDE_SQLITE: &str =
    "INSERT INTO units (job, stage, seq, attempt, node, state, troubles, class, fuel, wall_us,
        memory_bytes, output_len, output, output_blob, message, claims, floats, resumed_from, input)
    SELECT $1, $2, {int:0}, {int:1}, {int:2}, {int:3}, {int:4}, {int:5}, {int:6}, {int:7}, {int:8}, {int:9},
        {bytes:10}, {bytes:11}, {text:12}, {bytes:13}, {int:14}, {int:15}, x'' FROM {rows:3}
    AND EXISTS (SELECT 1 FROM units AS there WHERE there.job = $1 AND there.stage = $2 AND there.seq = {int:0})
    ON CONFLICT (job, stage, seq) DO UPDATE SET state = excluded.state, troubles = excluded.troubles,
        class = excluded.class, fuel = excluded.fuel, wall_us = excluded.wall_us,
        memory_bytes = excluded.memory_bytes, output_len = excluded.output_len, output = excluded.output,
        output_blob = excluded.output_blob, message = excluded.message, claims = excluded.claims,
        floats = excluded.floats, resumed_from = excluded.resumed_from, lease = NULL
    WHERE units.lease IS NOT NULL AND units.attempt = excluded.attempt AND units.node = excluded.node
    RETURNING seq";
const CONCLUDE_POSTGRES: &str = "UPDATE units SET state = new.state, troubles = new.troubles, class = new.class,
        fuel = new.fuel, wall_us = new.wall_us, memory_bytes = new.memory_bytes, output_len = new.output_len,
        output = new.output, output_blob = new.output_blob, message = new.message, claims = new.claims,
        floats = new.floats, resumed_from = new.resumed_from, lease = NULL
    FROM (SELECT {int:0} AS seq, {int:1} AS attempt, {int:2} AS node, {int:3} AS state, {int:4} AS troubles,
        {int:5} AS class, {int:6} AS fuel, {int:7} AS wall_us, {int:8} AS memory_bytes, {int:9} AS output_len,
        {bytes:10} AS output, {bytes:11} AS output_blob, {text:12} AS message, {bytes:13} AS claims,
        {int:14} AS floats, {int:15} AS resumed_from
        FROM {rows:3}) AS new
    WHERE units.job = $1 AND units.stage = $2 AND units.seq = new.seq AND units.lease IS NOT NULL
        AND units.attempt = new.attempt AND units.node = new.node
    RETURNING units.seq";

/// Write the ends of attempts. Gives the units that were changed: those whose attempt was still the running one.
/// No unit may be named twice, and all must exist.
pub async fn conclude(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    conclusions: &[Conclusion],
) -> Result<Vec<u64>, StoreError> {
    let mut rows = Rows::with_capacity(conclusions.len(), 160);
    for unit in conclusions {
        let (inline, blob) = output_columns(unit.output.as_ref());
        let claims = (!unit.claims.is_empty()).then(|| claims::pack(&unit.claims));
        rows.row()
            .count(unit.seq)
            .int(i64::from(unit.attempt))
            .int(unit.node)
            .int(state_byte(unit.state))
            .int(i64::from(unit.troubles))
            .int(i64::from(unit.class))
            .count(unit.fuel)
            .count(unit.wall_us)
            .count(unit.memory_bytes)
            .count(unit.output.as_ref().map_or(0, Output::len))
            .bytes(inline)
            .bytes(blob)
            .text(unit.message.as_deref())
            .bytes(claims.as_deref())
            .int(i64::from(!unit.floats.is_plain()))
            .maybe(unit.resumed_from.map(i64::unsigned_abs));
    }
    let backend = db.get_database_backend();
    let text = if backend == sea_orm::DbBackend::Sqlite { CONCLUDE_SQLITE } else { CONCLUDE_POSTGRES };
    let values = vec![job.into(), i64::from(stage).into(), rows.value()];
    let changed = db.query_all_raw(statement(backend, text, values)).await?;
    changed.iter().map(|row| count(row, 0)).collect()
}

fn output_columns(output: Option<&Output>) -> (Option<&[u8]>, Option<&[u8]>) {
    match output {
        Some(Output::Inline(bytes)) => (Some(bytes), None),
        Some(Output::Blob { digest, .. }) => (None, Some(&digest.0)),
        None => (None, None),
    }
}

const WITHDRAW: &str = "UPDATE units SET state = CASE state WHEN 2 THEN 2 ELSE 4 END, lease = NULL
    WHERE job = $1 AND stage = $2 AND seq >= $3 AND seq <= $4 AND lease = $5 RETURNING state";

/// Take back what a lease still holds, because its job ends. Gives how many units stopped running (those that are
/// being checked were not counted as running).
pub async fn withdraw(db: &impl ConnectionTrait, lease: &LeaseRow) -> Result<u64, StoreError> {
    let changed = db.query_all_raw(statement(db.get_database_backend(), WITHDRAW, span(lease))).await?;
    let mut stopped = 0;
    for row in &changed {
        stopped += u64::from(state_of(row.try_get_by_index(0)?)? == UnitState::Again);
    }
    Ok(stopped)
}

/// The key columns that a lease spans, and the lease.
fn span(lease: &LeaseRow) -> Vec<Value> {
    vec![
        lease.job.into(),
        i64::from(lease.stage).into(),
        int(lease.first_seq).into(),
        int(lease.last_seq).into(),
        int(lease.id).into(),
    ]
}

/// A unit that a lease still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its number.
    pub seq: u64,
    /// The running attempt.
    pub attempt: u32,
}

const HELD: &str = "SELECT seq, attempt FROM units
    WHERE job = $1 AND stage = $2 AND seq >= $3 AND seq <= $4 AND lease = $5 ORDER BY seq";

/// Units that a lease still holds.
pub async fn held(db: &impl ConnectionTrait, lease: &LeaseRow) -> Result<Vec<Held>, StoreError> {
    let rows = db.query_all_raw(statement(db.get_database_backend(), HELD, span(lease))).await?;
    rows.iter().map(|row| Ok(Held { seq: count(row, 0)?, attempt: count(row, 1)? as u32 })).collect()
}

const INPUTS: &str = "SELECT seq, attempt, input FROM units
    WHERE job = $1 AND stage = $2 AND seq >= $3 AND seq <= $4 AND lease = $5 ORDER BY seq";

/// Inputs of the units that a lease still holds, for a node that comes back.
pub async fn held_inputs(db: &impl ConnectionTrait, lease: &LeaseRow) -> Result<Vec<Leased>, StoreError> {
    leased(db.query_all_raw(statement(db.get_database_backend(), INPUTS, span(lease))).await?)
}

/// A unit's life and input, as a verdict needs them.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Its number.
    pub seq: u64,
    /// Its life.
    pub unit: Unit,
    /// Its input.
    pub input: Input,
    /// The node of its newest attempt.
    pub node: Option<i64>,
    /// How its newest attempt ended; 0 before that.
    pub class: u8,
    /// Fuel of that.
    pub fuel: u64,
    /// The build that ran.
    pub floats: Floats,
    /// Who made the checkpoint that it went on from.
    pub resumed_from: Option<i64>,
    /// Its output, also while it is being checked.
    pub output: Option<Output>,
}

const STANDING: &str = "SELECT seq, state, attempt, node, troubles, claims, lease, input, class, fuel, floats,
        resumed_from, output_len, output, output_blob FROM units
    WHERE job = $1 AND stage = $2 AND seq IN {list:3}";

/// These units as they stand.
pub async fn standing(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    seqs: &[u64],
) -> Result<Vec<Standing>, StoreError> {
    let values = vec![job.into(), i64::from(stage).into(), list(seqs.iter().copied())];
    let rows = db.query_all_raw(statement(db.get_database_backend(), STANDING, values)).await?;
    rows.iter().map(standing_unit).collect()
}

fn standing_unit(row: &QueryResult) -> Result<Standing, StoreError> {
    let (node, lease): (Option<i64>, Option<i64>) = (row.try_get_by_index(3)?, row.try_get_by_index(6)?);
    let input: Vec<u8> = row.try_get_by_index(7)?;
    let unit = Unit {
        state: state_of(row.try_get_by_index(1)?)?,
        attempt: count(row, 2)? as u32,
        on: lease.and(node).map(NodeNo),
        troubles: Troubles::unpack(count(row, 4)? as u32),
        claims: claims_of(row, 5)?,
    };
    let input = wire::decode(&input, INPUT_BYTES_MAX).map_err(|_| StoreError::Corrupt("a unit's input"))?;
    Ok(Standing {
        seq: count(row, 0)?,
        unit,
        input,
        node,
        class: count(row, 8)? as u8,
        fuel: count(row, 9)?,
        floats: if count(row, 10)? == 0 { Floats::Plain } else { Floats::Canonical },
        resumed_from: row.try_get_by_index(11)?,
        output: output_of(row, 12)?,
    })
}

/// Columns: length, bytes, blob.
fn output_of(row: &QueryResult, from: usize) -> Result<Option<Output>, StoreError> {
    let (inline, blob): (Option<Vec<u8>>, Option<Vec<u8>>) =
        (row.try_get_by_index(from + 1)?, row.try_get_by_index(from + 2)?);
    match (inline, blob) {
        (Some(bytes), _) => Ok(Some(Output::Inline(bytes))),
        (None, Some(digest)) => {
            let digest = Digest::from_slice(&digest).ok_or(StoreError::Corrupt("an output's digest"))?;
            Ok(Some(Output::Blob { digest, len: count(row, from)? }))
        }
        (None, None) => Ok(None),
    }
}

fn claims_of(row: &QueryResult, index: usize) -> Result<Vec<Claim>, StoreError> {
    let bytes: Option<Vec<u8>> = row.try_get_by_index(index)?;
    bytes.map_or(Ok(Vec::new()), |bytes| claims::unpack(&bytes).ok_or(StoreError::Corrupt("a unit's claims")))
}

/// A unit that needs another attempt and is on no node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its number.
    pub seq: u64,
    /// Again or checking.
    pub state: UnitState,
    /// Who had it last.
    pub node: Option<i64>,
    /// Results that wait for another one.
    pub claims: Vec<Claim>,
}

const OPEN: &str = "SELECT seq, state, node, claims FROM units {by:units_again}
    WHERE job = $1 AND stage = $2 AND seq >= $3 AND (state = 4 OR state = 2) AND lease IS NULL
    ORDER BY seq LIMIT $4";

/// Units that need another attempt, from `from` on.
pub async fn open(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    from: u64,
    limit: u64,
) -> Result<Vec<Open>, StoreError> {
    let values = vec![job.into(), i64::from(stage).into(), int(from).into(), int(limit).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), OPEN, values)).await?;
    rows.iter()
        .map(|row| {
            Ok(Open {
                seq: count(row, 0)?,
                state: state_of(row.try_get_by_index(1)?)?,
                node: row.try_get_by_index(2)?,
                claims: claims_of(row, 3)?,
            })
        })
        .collect()
}

const GIVE_UP: &str = "UPDATE units SET state = $4, claims = NULL, class = $5, message = $6, fuel = $7,
        output_len = CASE WHEN $4 = 3 THEN output_len ELSE 0 END, output = CASE WHEN $4 = 3 THEN output END,
        output_blob = CASE WHEN $4 = 3 THEN output_blob END
    WHERE job = $1 AND stage = $2 AND seq = $3 AND state = 2 AND lease IS NULL";

/// How a unit ends whose check nobody makes.
#[derive(Clone, Debug)]
pub struct GivenUp {
    /// Its state.
    pub state: UnitState,
    /// The outcome's class.
    pub class: u8,
    /// Its message.
    pub message: Option<String>,
    /// Its fuel.
    pub fuel: u64,
}

/// A check that nobody is left to make: the unit ends with what was claimed. False where it was not waiting.
pub async fn give_up(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    seq: u64,
    end: &GivenUp,
) -> Result<bool, StoreError> {
    let values = vec![
        job.into(),
        i64::from(stage).into(),
        int(seq).into(),
        state_byte(end.state).into(),
        i64::from(end.class).into(),
        end.message.clone().into(),
        int(end.fuel).into(),
    ];
    Ok(db.execute_raw(statement(db.get_database_backend(), GIVE_UP, values)).await?.rows_affected() == 1)
}

/// Of these units those that are out: with the node and the attempt that they wait for.
pub async fn awaited(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    seqs: &[u64],
) -> Result<Vec<(u64, i64, u32)>, StoreError> {
    const AWAITED: &str = "SELECT seq, node, attempt FROM units
        WHERE job = $1 AND stage = $2 AND seq IN {list:3} AND lease IS NOT NULL";
    let values = vec![job.into(), i64::from(stage).into(), list(seqs.iter().copied())];
    let rows = db.query_all_raw(statement(db.get_database_backend(), AWAITED, values)).await?;
    rows.iter().map(|row| Ok((count(row, 0)?, row.try_get_by_index(1)?, count(row, 2)? as u32))).collect()
}

/// Keep whose result stands, where it is not the newest attempt's.
pub async fn set_node(
    db: &impl ConnectionTrait,
    job: i64,
    key: fallow_protocol::unit::UnitKey,
    node: i64,
) -> Result<(), StoreError> {
    const SET: &str = "UPDATE units SET node = $4 WHERE job = $1 AND stage = $2 AND seq = $3 AND lease IS NULL";
    let values = vec![job.into(), i64::from(key.stage).into(), int(key.seq).into(), node.into()];
    db.execute_raw(statement(db.get_database_backend(), SET, values)).await?;
    Ok(())
}

const RECHECK: &str = "UPDATE units SET state = 2, claims = $4
    WHERE job = $1 AND stage = $2 AND seq = $3 AND state = 3 AND lease IS NULL";

/// A done unit is checked after all: what it says becomes a claim. False where it is not done any more.
pub async fn recheck(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    seq: u64,
    claims: &[Claim],
) -> Result<bool, StoreError> {
    let values = vec![job.into(), i64::from(stage).into(), int(seq).into(), claims::pack(claims).into()];
    Ok(db.execute_raw(statement(db.get_database_backend(), RECHECK, values)).await?.rows_affected() == 1)
}

/// An ended unit as assembling needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Its number.
    pub seq: u64,
    /// Its state.
    pub state: UnitState,
    /// Its output, where it is done.
    pub output: Option<Output>,
}

const OUTPUTS: &str = "SELECT seq, state, output_len, output, output_blob FROM units
    WHERE job = $1 AND stage = $2 AND seq >= $3 ORDER BY seq LIMIT $4";

/// Units in order with their outputs, from `from` on.
pub async fn outputs(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    from: u64,
    limit: u64,
) -> Result<Vec<Ended>, StoreError> {
    let values = vec![job.into(), i64::from(stage).into(), int(from).into(), int(limit).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), OUTPUTS, values)).await?;
    rows.iter().map(ended).collect()
}

const DONE: &str = "SELECT seq, state, output_len, output, output_blob FROM units
    WHERE job = $1 AND stage = $2 AND seq < $3 AND state = 3 ORDER BY seq LIMIT $4";

/// The first `limit` units with outputs, of those with numbers below `below`.
pub async fn done(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    below: u64,
    limit: u64,
) -> Result<Vec<Ended>, StoreError> {
    let values = vec![job.into(), i64::from(stage).into(), int(below).into(), int(limit).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), DONE, values)).await?;
    rows.iter().map(ended).collect()
}

fn ended(row: &QueryResult) -> Result<Ended, StoreError> {
    let state = state_of(row.try_get_by_index(1)?)?;
    let output = match state {
        UnitState::Done => Some(output_of(row, 2)?.ok_or(StoreError::Corrupt("an output"))?),
        _ => None,
    };
    Ok(Ended { seq: count(row, 0)?, state, output })
}

const REVIVE: &str =
    "UPDATE units {by:units_failed} SET state = 4, troubles = 0, claims = NULL, class = 0, message = NULL
    WHERE job = $1 AND stage = $2 AND state = $3 AND (state = 5 OR state = 6)";
const FORGET_ATTEMPTS: &str = "DELETE FROM attempts WHERE job = $1 AND stage = $2 AND seq IN
    (SELECT seq FROM units {by:units_failed} WHERE job = $1 AND stage = $2 AND (state = 5 OR state = 6))";

/// Give finally failed and left-out units of a stage fresh attempts. Gives how many of each there were.
pub async fn revive(db: &impl ConnectionTrait, job: i64, stage: u16) -> Result<(u64, u64), StoreError> {
    let backend = db.get_database_backend();
    let stage = i64::from(stage);
    db.execute_raw(statement(backend, FORGET_ATTEMPTS, vec![job.into(), stage.into()])).await?;
    let mut changed = [0, 0];
    for (changed, state) in changed.iter_mut().zip([UnitState::Failed, UnitState::LeftOut]) {
        let values = vec![job.into(), stage.into(), state_byte(state).into()];
        *changed = db.execute_raw(statement(backend, REVIVE, values)).await?.rows_affected();
    }
    Ok((changed[0], changed[1]))
}

/// A column that never goes below zero.
pub(super) fn count(row: &QueryResult, index: usize) -> Result<u64, StoreError> {
    let value: i64 = row.try_get_by_index(index)?;
    u64::try_from(value).map_err(|_| StoreError::Corrupt("a count"))
}

/// The batch statements as SQLite gets them, for the test that looks at their plans.
#[cfg(test)]
pub(super) const BATCHES: &[&str] = &[
    INSERT,
    LEASE_RANGE,
    LEASE_LIST,
    CONCLUDE_SQLITE,
    WITHDRAW,
    HELD,
    INPUTS,
    STANDING,
    OPEN,
    OUTPUTS,
    FORGET_ATTEMPTS,
    REVIVE,
];

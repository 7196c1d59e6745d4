//! Holdings: results of a node that are not checked yet, by the frame that brought them, with the pay that is held for
//! them. A holding becomes final as a whole.

use std::collections::HashMap;

use fallow_protocol::wire;
use grid_core::ledger::{Amount, Work};
use grid_core::{AccountNo, JobNo, NodeNo};
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::StoreError;
use super::batch::{Rows, int, list, statement};
use super::units::count;

/// A frame has a thousand results; their numbers take at most nine bytes each.
const UNITS_BYTES_MAX: usize = 16 * 1024;

/// What became of the pay of a holding. The numbers are in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its pay is held, or there is none to hold (one's own node, a grid without credits).
    Held = 0,
    /// It was paid.
    Posted = 1,
    /// It was not earned.
    Void = 2,
    /// The escrow had not enough to hold it.
    Unpaid = 3,
}

/// A holding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Its row; 0 before it has one.
    pub id: i64,
    /// The job.
    pub job: JobNo,
    /// Its stage.
    pub stage: u16,
    /// Whose results.
    pub node: NodeNo,
    /// Whose node that is.
    pub owner: AccountNo,
    /// Number of the node's frame.
    pub frame: u64,
    /// The node's unchecked results up to and with these.
    pub position: u64,
    /// The units, ascending.
    pub units: Vec<u64>,
    /// Their fuel.
    pub fuel: u64,
    /// What the lender is to get.
    pub amount: Amount,
    /// The fee that goes with it.
    pub fee: Amount,
    /// When, milliseconds since 1970.
    pub made_at_ms: u64,
    /// What became of it.
    pub state: State,
}

impl Holding {
    /// What its transfers are caused by.
    pub fn work(&self) -> Work {
        Work::Frame { job: self.job, stage: self.stage, node: self.node, by: self.node, frame: self.frame }
    }
}

const INSERT: &str = "INSERT INTO holdings (job, stage, node, owner, frame, position, units, count, fuel, amount, fee,
        made_at_ms, state)
    SELECT {int:0}, {int:1}, {int:2}, {int:3}, {int:4}, {int:5}, {bytes:6}, {int:7}, {int:8}, {int:9}, {int:10},
        {int:11}, {int:12} FROM {rows:1}
    ON CONFLICT (node, frame, job, stage) DO NOTHING RETURNING id, job, stage, node, frame";

/// Insert holdings; the row of each, and none where the node has named that frame before.
pub async fn insert(db: &impl ConnectionTrait, holdings: &[Holding]) -> Result<Vec<Option<i64>>, StoreError> {
    if holdings.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Rows::with_capacity(holdings.len(), 200);
    for holding in holdings {
        rows.row()
            .int(holding.job.0)
            .int(i64::from(holding.stage))
            .int(holding.node.0)
            .int(holding.owner.0)
            .count(holding.frame)
            .count(holding.position)
            .bytes(Some(&pack(&holding.units)))
            .count(holding.units.len() as u64)
            .count(holding.fuel)
            .int(holding.amount.micro())
            .int(holding.fee.micro())
            .count(holding.made_at_ms)
            .int(holding.state as i64);
    }
    let made = db.query_all_raw(statement(db.get_database_backend(), INSERT, vec![rows.value()])).await?;
    let mut ids = HashMap::with_capacity(made.len());
    for row in &made {
        let key = [1, 2, 3, 4].map(|index| row.try_get_by_index::<i64>(index));
        let [job, stage, node, frame] = key;
        ids.insert((job?, stage?, node?, frame?), row.try_get_by_index::<i64>(0)?);
    }
    let key = |holding: &Holding| (holding.job.0, i64::from(holding.stage), holding.node.0, int(holding.frame));
    Ok(holdings.iter().map(|holding| ids.remove(&key(holding))).collect())
}

const COLUMNS: &str = "id, job, stage, node, owner, frame, position, units, fuel, amount, fee, made_at_ms, state";

const HELD_FROM: &str = "node = $1 AND position >= $2 AND (state = 0 OR state = 3) ORDER BY position, id LIMIT $3";
const HELD_TO: &str = "node = $1 AND position <= $2 AND state = 0 ORDER BY position, id LIMIT $3";
const HELD_BEFORE: &str = "made_at_ms < $1 AND state = 0 ORDER BY made_at_ms, id LIMIT $2";
const OF_JOB: &str = "job = $1 AND state = $2 AND id > $3 ORDER BY id LIMIT $4";

const VOID_AT: &str = "job = $1 AND state = 2 AND stage = $2 AND node = $3 AND position = $4 ORDER BY id LIMIT 16";

/// `rest` is a constant: a condition, an order and a limit.
async fn select(db: &impl ConnectionTrait, rest: &str, values: Vec<Value>) -> Result<Vec<Holding>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM holdings WHERE {rest}");
    let rows = db.query_all_raw(statement(db.get_database_backend(), &text, values)).await?;
    rows.iter().map(read).collect()
}

/// A node's held ones whose position is at least `from`, in the order of their positions: what is looked at again after
/// a fault.
pub async fn held_from(
    db: &impl ConnectionTrait,
    node: NodeNo,
    from: u64,
    limit: u64,
) -> Result<Vec<Holding>, StoreError> {
    let values = vec![node.0.into(), int(from).into(), int(limit).into()];
    select(db, HELD_FROM, values).await
}

/// A node's held ones whose position is at most `to`, in the order of their positions: those that may become final.
pub async fn held_to(db: &impl ConnectionTrait, node: NodeNo, to: u64, limit: u64) -> Result<Vec<Holding>, StoreError> {
    let values = vec![node.0.into(), int(to).into(), int(limit).into()];
    select(db, HELD_TO, values).await
}

/// Held ones that were made before `before_ms`, oldest first: those that may become final by their age.
pub async fn held_before(db: &impl ConnectionTrait, before_ms: u64, limit: u64) -> Result<Vec<Holding>, StoreError> {
    let values = vec![int(before_ms).into(), int(limit).into()];
    select(db, HELD_BEFORE, values).await
}

/// A job's holdings in this state, after the row `after`.
pub async fn of_job(
    db: &impl ConnectionTrait,
    job: JobNo,
    state: State,
    after: i64,
    limit: u64,
) -> Result<Vec<Holding>, StoreError> {
    let values = vec![job.0.into(), (state as i64).into(), after.into(), int(limit).into()];
    select(db, OF_JOB, values).await
}

/// Whether what was held for a node's result of a unit is void.
pub async fn is_void(
    db: &impl ConnectionTrait,
    (job, stage, seq): (JobNo, u16, u64),
    node: NodeNo,
    position: u64,
) -> Result<bool, StoreError> {
    let values = vec![job.0.into(), i64::from(stage).into(), node.0.into(), int(position).into()];
    Ok(select(db, VOID_AT, values).await?.iter().any(|holding| holding.units.contains(&seq)))
}

/// What a node has held of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The node.
    pub node: NodeNo,
    /// Unchecked results.
    pub results: u64,
    /// The largest position among them.
    pub position: u64,
}

const SHARES: &str = "SELECT node, CAST(SUM(count) AS BIGINT), MAX(position) FROM holdings
    WHERE job = $1 AND state = 0 GROUP BY node ORDER BY node";

/// What each node has held of a job: what is looked through at its end.
pub async fn shares(db: &impl ConnectionTrait, job: JobNo) -> Result<Vec<Share>, StoreError> {
    let rows = db.query_all_raw(statement(db.get_database_backend(), SHARES, vec![job.0.into()])).await?;
    let share = |row: &QueryResult| {
        Ok(Share { node: NodeNo(row.try_get_by_index(0)?), results: count(row, 1)?, position: count(row, 2)? })
    };
    rows.iter().map(share).collect()
}

const NODES: &str = "SELECT DISTINCT node FROM holdings WHERE node > $1 AND state = 0 ORDER BY node LIMIT $2";

/// Nodes that have something held, after the node `after`.
pub async fn nodes(db: &impl ConnectionTrait, after: NodeNo, limit: u64) -> Result<Vec<NodeNo>, StoreError> {
    let rows =
        db.query_all_raw(statement(db.get_database_backend(), NODES, vec![after.0.into(), int(limit).into()])).await?;
    rows.iter().map(|row| Ok(NodeNo(row.try_get_by_index(0)?))).collect()
}

const SET: &str = "UPDATE holdings SET state = $1 WHERE id IN {list:2} AND state = $3 RETURNING id";

/// Move holdings from one state to another; those that were moved. Others had left that state.
pub async fn set_states(
    db: &impl ConnectionTrait,
    ids: &[i64],
    from: State,
    to: State,
) -> Result<Vec<i64>, StoreError> {
    let ids = list(ids.iter().map(|id| id.unsigned_abs()));
    let values = vec![(to as i64).into(), ids, (from as i64).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), SET, values)).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

const FORGET: &str = "DELETE FROM holdings WHERE id IN
    (SELECT id FROM holdings WHERE job = $1 AND state <> 0 ORDER BY id LIMIT $2)";

/// Delete some of a job's holdings; how many. Those that are held stay.
pub(super) async fn forget_some(db: &impl ConnectionTrait, job: i64, rows: u64) -> Result<u64, StoreError> {
    let values = vec![job.into(), int(rows).into()];
    Ok(db.execute_raw(statement(db.get_database_backend(), FORGET, values)).await?.rows_affected())
}

fn read(row: &QueryResult) -> Result<Holding, StoreError> {
    let units: Vec<u8> = row.try_get_by_index(7)?;
    Ok(Holding {
        id: row.try_get_by_index(0)?,
        job: JobNo(row.try_get_by_index(1)?),
        stage: count(row, 2)? as u16,
        node: NodeNo(row.try_get_by_index(3)?),
        owner: AccountNo(row.try_get_by_index(4)?),
        frame: count(row, 5)?,
        position: count(row, 6)?,
        units: unpack(&units).ok_or(StoreError::Corrupt("a holding's units"))?,
        fuel: count(row, 8)?,
        amount: super::ledger::amount(row, 9)?,
        fee: super::ledger::amount(row, 10)?,
        made_at_ms: count(row, 11)?,
        state: state_of(row.try_get_by_index(12)?).ok_or(StoreError::Corrupt("a holding's state"))?,
    })
}

fn state_of(number: i64) -> Option<State> {
    [State::Held, State::Posted, State::Void, State::Unpaid].into_iter().find(|state| *state as i64 == number)
}

/// MessagePack of the first number and the distances of the others: a byte for each of a run.
fn pack(units: &[u64]) -> Vec<u8> {
    let mut before = 0;
    let distance = |seq: &u64| seq.wrapping_sub(std::mem::replace(&mut before, *seq));
    wire::encode(&units.iter().map(distance).collect::<Vec<u64>>())
}

fn unpack(bytes: &[u8]) -> Option<Vec<u64>> {
    let distances: Vec<u64> = wire::decode(bytes, UNITS_BYTES_MAX).ok()?;
    let next = |seq: &mut u64, distance: u64| {
        *seq = seq.wrapping_add(distance);
        Some(*seq)
    };
    Some(distances.into_iter().scan(0, next).collect())
}

/// All statements, for the test that looks at their plans.
#[cfg(test)]
pub(super) fn statements() -> Vec<String> {
    let lists = [HELD_FROM, HELD_TO, HELD_BEFORE, OF_JOB, VOID_AT];
    let lists = lists.iter().map(|rest| format!("SELECT {COLUMNS} FROM holdings WHERE {rest}"));
    lists.chain([INSERT, SHARES, NODES, SET, FORGET].map(ToOwned::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_a_holding_are_a_byte_each_and_come_back() {
        let run: Vec<u64> = (5_000_000..5_001_000).collect();
        assert!(pack(&run).len() < 1_010);
        for units in [run, vec![], vec![u64::MAX], vec![0, 7, 1 << 40], vec![9, 3]] {
            assert_eq!(unpack(&pack(&units)), Some(units));
        }
        assert_eq!(unpack(b"\xc1"), None);
    }
}

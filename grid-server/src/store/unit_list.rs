//! Units as the API lists them: pages in order, optionally of one stage or one state.

use fallow_protocol::api::{UnitInfo, UnitState};
use fallow_protocol::unit::UnitKey;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{int, statement};
use super::logs::outcome;
use super::units::{count, state_byte, state_of};

const PAGE: &str = "SELECT u.stage, u.seq, u.state, u.attempt, n.public_id, n.account_id, u.class, u.message, u.fuel,
        u.wall_us, u.memory_bytes, u.output_len
    FROM units u LEFT JOIN nodes n ON n.id = u.node
    WHERE u.job = $1 AND u.stage >= $2 AND u.stage <= $3 AND (u.stage, u.seq) > ($4, $5)
        AND u.state >= $6 AND u.state <= $7
    ORDER BY u.stage, u.seq LIMIT $8";

/// A unit, with the account of the node that had it last.
#[derive(Clone, Debug)]
pub struct ListedUnit {
    /// The unit; `node` is the node's own id.
    pub info: UnitInfo,
    /// Whose node it is.
    pub owner: Option<i64>,
}

/// Units after `after` (stage and number).
pub async fn page(
    db: &impl ConnectionTrait,
    job: i64,
    stage: Option<u16>,
    state: Option<UnitState>,
    after: Option<(u16, u64)>,
    limit: u64,
) -> Result<Vec<ListedUnit>, StoreError> {
    let stages = stage.map_or((0, i64::from(u16::MAX)), |stage| (i64::from(stage), i64::from(stage)));
    let states = state.map_or((0, 6), |state| (state_byte(state), state_byte(state)));
    let after = after.map_or((-1, 0), |(stage, seq)| (i64::from(stage), int(seq)));
    let values = [stages.0, stages.1, after.0, after.1, states.0, states.1, int(limit)];
    let values = std::iter::once(job).chain(values).map(Into::into).collect();
    let rows = db.query_all_raw(statement(db.get_database_backend(), PAGE, values)).await?;
    rows.iter().map(read).collect()
}

/// One unit.
pub async fn one(db: &impl ConnectionTrait, job: i64, key: UnitKey) -> Result<Option<ListedUnit>, StoreError> {
    const ONE: &str =
        "SELECT u.stage, u.seq, u.state, u.attempt, n.public_id, n.account_id, u.class, u.message, u.fuel,
            u.wall_us, u.memory_bytes, u.output_len
        FROM units u LEFT JOIN nodes n ON n.id = u.node WHERE u.job = $1 AND u.stage = $2 AND u.seq = $3";
    let values = vec![job.into(), i64::from(key.stage).into(), int(key.seq).into()];
    let row = db.query_one_raw(statement(db.get_database_backend(), ONE, values)).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &QueryResult) -> Result<ListedUnit, StoreError> {
    let info = UnitInfo {
        stage: count(row, 0)? as u16,
        seq: count(row, 1)?,
        state: state_of(row.try_get_by_index(2)?)?,
        attempt: count(row, 3)? as u32,
        node: row.try_get_by_index(4)?,
        outcome: outcome(count(row, 6)? as u8, row.try_get_by_index(7)?),
        fuel: count(row, 8)?,
        wall_us: count(row, 9)?,
        memory_bytes: count(row, 10)?,
        output_bytes: count(row, 11)?,
    };
    Ok(ListedUnit { info, owner: row.try_get_by_index(5)? })
}

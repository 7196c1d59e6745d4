//! Units as the API lists them: pages in order, optionally of one stage or one state.

use fallow_protocol::api::{UnitInfo, UnitState};
use fallow_protocol::unit::UnitKey;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{int, statement};
use super::logs::outcome;
use super::units::{count, state_byte, state_of};

/// What all statements here give of a unit.
const COLUMNS: &str =
    "SELECT units.stage, units.seq, units.state, units.attempt, n.public_id, n.account_id, units.class,
        units.message, units.fuel, units.wall_us, units.memory_bytes, units.output_len";

// A page is found by the key alone: any other bound on the stage would make SQLite read the job from its beginning.
const FROM: &str = "LEFT JOIN nodes n ON n.id = units.node
    WHERE units.job = $1 AND (units.stage, units.seq) > ($2, $3) AND +units.stage <= $4
        AND units.state >= $5 AND units.state <= $6";
const ORDER: &str = "ORDER BY units.stage, units.seq LIMIT $7";

/// Units in few states are found by the indexes that have only them.
pub(super) fn page_text(state: Option<UnitState>) -> String {
    let (index, only) = match state {
        Some(UnitState::Failed | UnitState::LeftOut) => {
            ("{by:units_failed}", "AND (units.state = 5 OR units.state = 6)")
        }
        Some(UnitState::Again | UnitState::Checking) => {
            ("{by:units_again}", "AND (units.state = 4 OR units.state = 2)")
        }
        _ => ("", ""),
    };
    format!("{COLUMNS} FROM units {index} {FROM} {only} {ORDER}")
}

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
    let (first, last) = stage.map_or((0, i64::from(u16::MAX)), |stage| (i64::from(stage), i64::from(stage)));
    let states = state.map_or((0, 6), |state| (state_byte(state), state_byte(state)));
    let after = after.map_or((-1, 0), |(stage, seq)| (i64::from(stage), int(seq))).max((first, -1));
    let values = [after.0, after.1, last, states.0, states.1, int(limit)];
    let values = std::iter::once(job).chain(values).map(Into::into).collect();
    let rows = db.query_all_raw(statement(db.get_database_backend(), &page_text(state), values)).await?;
    rows.iter().map(read).collect()
}

/// One unit.
pub async fn one(db: &impl ConnectionTrait, job: i64, key: UnitKey) -> Result<Option<ListedUnit>, StoreError> {
    let text = format!(
        "{COLUMNS} FROM units LEFT JOIN nodes n ON n.id = units.node
        WHERE units.job = $1 AND units.stage = $2 AND units.seq = $3"
    );
    let values = vec![job.into(), i64::from(key.stage).into(), int(key.seq).into()];
    let row = db.query_one_raw(statement(db.get_database_backend(), &text, values)).await?;
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

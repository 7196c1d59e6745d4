//! Units that failed, or have to be tried again, counted by what they said.

use fallow_protocol::api::UnitState;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{int, statement};
use super::units::{count, state_of};

/// Units of one stage with the same state, class and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Their state.
    pub state: UnitState,
    /// The outcome's class.
    pub class: u8,
    /// Message of the outcome.
    pub message: String,
    /// How many units.
    pub units: u64,
    /// How many attempts these have had.
    pub attempts: u64,
    /// Their stage.
    pub stage: u16,
    /// The first of them.
    pub seq: u64,
    /// Its newest attempt.
    pub attempt: u32,
}

// The inner query reads so many rows of a partial index at most; messages are grouped by a digest's worth of them.
const FAILED: &str =
    "SELECT state, class, message, COUNT(*), CAST(SUM(attempt) AS BIGINT), stage, MIN(seq), MAX(attempt)
    FROM (SELECT state, class, SUBSTR(COALESCE(message, ''), 1, 500) AS message, attempt, stage, seq
        FROM units {by:units_failed} WHERE job = $1 AND (state = 5 OR state = 6) ORDER BY stage, seq LIMIT $2) AS looked_at
    GROUP BY state, class, message, stage";
const AGAIN: &str =
    "SELECT state, class, message, COUNT(*), CAST(SUM(attempt) AS BIGINT), stage, MIN(seq), MAX(attempt)
    FROM (SELECT state, class, SUBSTR(COALESCE(message, ''), 1, 500) AS message, attempt, stage, seq
        FROM units {by:units_again} WHERE job = $1 AND (state = 4 OR state = 2) AND state = 4 AND class > 1
        ORDER BY stage, seq LIMIT $2) AS looked_at
    GROUP BY state, class, message, stage";

/// What units of a job said that failed, or are to be tried again, of the first `limit` of each; and whether that were
/// all.
pub async fn of_job(db: &impl ConnectionTrait, job: i64, limit: u64) -> Result<(Vec<Said>, bool), StoreError> {
    let mut all = Vec::new();
    let mut complete = true;
    for text in [FAILED, AGAIN] {
        let values = vec![job.into(), int(limit).into()];
        let rows = db.query_all_raw(statement(db.get_database_backend(), text, values)).await?;
        let said = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        complete &= said.iter().map(|said| said.units).sum::<u64>() < limit;
        all.extend(said);
    }
    Ok((all, complete))
}

fn read(row: &QueryResult) -> Result<Said, StoreError> {
    Ok(Said {
        state: state_of(row.try_get_by_index(0)?)?,
        class: count(row, 1)? as u8,
        message: row.try_get_by_index(2)?,
        units: count(row, 3)?,
        attempts: count(row, 4)?,
        stage: count(row, 5)? as u16,
        seq: count(row, 6)?,
        attempt: count(row, 7)? as u32,
    })
}

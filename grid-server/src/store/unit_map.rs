//! States of a job's units as bytes, in order: what a map of them is made of.

use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{Rows, int, statement};
use super::units::{count, state_of};

/// Units whose states come in one text.
const CHUNK: u64 = 100_000;

// Each state is one digit.
const STATES: &str = "SELECT string_agg(CAST(state AS TEXT), '' ORDER BY seq) FROM units
    WHERE job = $1 AND stage = $2 AND seq >= $3 AND seq < $4";

/// The states of the units from `first` to before `past`, as far as there are any. Units have no gaps between them.
pub async fn states(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    first: u64,
    past: u64,
) -> Result<Vec<u8>, StoreError> {
    let mut states = Vec::new();
    let mut at = first;
    while at < past {
        let end = past.min(at.saturating_add(CHUNK));
        let values = vec![job.into(), i64::from(stage).into(), int(at).into(), int(end).into()];
        let row = db.query_one_raw(statement(db.get_database_backend(), STATES, values)).await?;
        let text: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        let text = text.unwrap_or_default();
        for digit in text.bytes() {
            states.push(byte_of(i64::from(digit) - i64::from(b'0'))?);
        }
        if (text.len() as u64) < end - at {
            break;
        }
        at = end;
    }
    Ok(states)
}

fn byte_of(state: i64) -> Result<u8, StoreError> {
    Ok(state_of(state)? as u8)
}

// SQLite takes the tables of a cross join in this order, so each range is one search of the key.
const OF_RANGES: &str = "SELECT u.seq, u.state FROM (SELECT {int:0} AS first, {int:1} AS past FROM {rows:3}) AS r
    CROSS JOIN units AS u
    WHERE u.job = $1 AND u.stage = $2 AND u.seq >= r.first AND u.seq < r.past ORDER BY u.seq";

/// The states of the units of some ranges (first, and one past the last) that do not overlap: runs of neighbours, each
/// with the number of its first unit.
pub async fn of_ranges(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    ranges: &[(u64, u64)],
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Rows::with_capacity(ranges.len(), 24);
    for (first, past) in ranges {
        rows.row().count(*first).count(*past);
    }
    let values = vec![job.into(), i64::from(stage).into(), rows.value()];
    let found = db.query_all_raw(statement(db.get_database_backend(), OF_RANGES, values)).await?;
    let mut runs: Vec<(u64, Vec<u8>)> = Vec::new();
    for row in &found {
        let (seq, state) = read(row)?;
        match runs.last_mut() {
            Some((first, states)) if *first + states.len() as u64 == seq => states.push(state),
            _ => runs.push((seq, vec![state])),
        }
    }
    Ok(runs)
}

fn read(row: &QueryResult) -> Result<(u64, u8), StoreError> {
    Ok((count(row, 0)?, byte_of(row.try_get_by_index(1)?)?))
}

#[cfg(test)]
pub(super) const BATCHES: &[&str] = &[STATES, OF_RANGES];

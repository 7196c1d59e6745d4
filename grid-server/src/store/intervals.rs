//! What nodes did over time. A row grows while its state lasts, so that a crash loses only what was not yet written.

use fallow_protocol::api::{Interval, IntervalState};
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{Rows, int, list, statement};
use super::units::count;

const PUT: &str = "INSERT INTO node_intervals (node, from_ms, to_ms, state, reason)
    SELECT {int:0}, {int:1}, {int:2}, {int:3}, {text:4} FROM {rows:1}
    ON CONFLICT (node, from_ms) DO UPDATE
    SET to_ms = excluded.to_ms, state = excluded.state, reason = excluded.reason";

/// Write intervals, or let those that are there last longer.
pub async fn put(db: &impl ConnectionTrait, intervals: &[(i64, Interval)]) -> Result<(), StoreError> {
    let mut rows = Rows::with_capacity(intervals.len(), 80);
    for (node, interval) in intervals {
        let Some(state) = number(interval.state) else { continue };
        rows.row().int(*node).count(interval.from_ms).count(interval.to_ms).int(state).text(interval.reason.as_deref());
    }
    if rows.len() > 0 {
        db.execute_raw(statement(db.get_database_backend(), PUT, vec![rows.value()])).await?;
    }
    Ok(())
}

/// None for what has no row.
fn number(state: IntervalState) -> Option<i64> {
    match state {
        IntervalState::Offline => None,
        IntervalState::Idle => Some(1),
        IntervalState::Working => Some(2),
        IntervalState::Paused => Some(3),
    }
}

fn read(row: &QueryResult) -> Result<Interval, StoreError> {
    let state = match row.try_get_by_index::<i64>(2)? {
        1 => IntervalState::Idle,
        2 => IntervalState::Working,
        3 => IntervalState::Paused,
        _ => return Err(StoreError::Corrupt("a node's state")),
    };
    Ok(Interval { from_ms: count(row, 0)?, to_ms: count(row, 1)?, state, reason: row.try_get_by_index(3)? })
}

const LAST: &str = "SELECT from_ms, to_ms, state, reason FROM node_intervals WHERE node = $1
    ORDER BY from_ms DESC LIMIT 1";

/// A node's last interval.
pub async fn last(db: &impl ConnectionTrait, node: i64) -> Result<Option<Interval>, StoreError> {
    let row = db.query_one_raw(statement(db.get_database_backend(), LAST, vec![node.into()])).await?;
    row.as_ref().map(read).transpose()
}

// The interval that reaches into the time from before has a row of its own to be found.
const BETWEEN: &str = "SELECT from_ms, to_ms, state, reason FROM node_intervals
    WHERE node = $1 AND from_ms < $3 AND from_ms >= COALESCE(
        (SELECT MAX(from_ms) FROM node_intervals WHERE node = $1 AND from_ms <= $2), $2)
    ORDER BY from_ms DESC LIMIT $4";

/// A node's intervals that touch a time, oldest first; the newest `limit` of them.
pub async fn between(
    db: &impl ConnectionTrait,
    node: i64,
    from_ms: u64,
    to_ms: u64,
    limit: u64,
) -> Result<Vec<Interval>, StoreError> {
    let values = vec![node.into(), int(from_ms).into(), int(to_ms).into(), int(limit).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), BETWEEN, values)).await?;
    rows.iter().rev().map(read).filter(|read| !matches!(read, Ok(it) if it.to_ms <= from_ms)).collect()
}

const OLD: &str = "DELETE FROM node_intervals WHERE (node, from_ms) IN
    (SELECT node, from_ms FROM node_intervals WHERE from_ms < $1 AND to_ms < $1 ORDER BY from_ms LIMIT $2)";

/// Forget intervals that ended before `before_ms`, at most `limit`; how many.
pub async fn forget(db: &impl ConnectionTrait, before_ms: u64, limit: u64) -> Result<u64, StoreError> {
    let values = vec![int(before_ms).into(), int(limit).into()];
    Ok(db.execute_raw(statement(db.get_database_backend(), OLD, values)).await?.rows_affected())
}

/// Note when nodes were last heard of.
pub async fn seen(db: &impl ConnectionTrait, nodes: &[i64], at_ms: u64) -> Result<(), StoreError> {
    const SEEN: &str = "UPDATE nodes SET seen_at_ms = $1 WHERE id IN {list:2} AND seen_at_ms < $1";
    let values = vec![int(at_ms).into(), list(nodes.iter().map(|node| node.unsigned_abs()))];
    db.execute_raw(statement(db.get_database_backend(), SEEN, values)).await?;
    Ok(())
}

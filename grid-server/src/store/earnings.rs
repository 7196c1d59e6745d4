//! What each node is paid, by quarters of an hour: written with the transfers themselves, so that both always agree.

use std::collections::{BTreeMap, HashMap};

use grid_core::ledger::{Book, Cause, Transfer, Work};
use sea_orm::ConnectionTrait;

use super::StoreError;
use super::batch::{Rows, int, list, statement};
use super::units::count;

/// Length of a part of time: days begin at a quarter of an hour everywhere.
const QUARTER_MS: u64 = 15 * 60_000;

/// What a node was paid, micro-credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// By authors.
    pub work: u64,
    /// By the grid, for checks.
    pub checks: u64,
}

/// What new transfers pay, by node.
fn sums(book: &Book, made: &[Transfer]) -> BTreeMap<i64, Paid> {
    let mut sums: BTreeMap<i64, Paid> = BTreeMap::new();
    for transfer in made {
        let amount = transfer.amount.micro().unsigned_abs();
        let cause = match transfer.cause {
            Cause::Post { of } => book.transfer(of).map(|held| held.transfer.cause),
            cause => Some(cause),
        };
        match (transfer.cause, cause) {
            (Cause::Pay(Work::Frame { node, .. }), _)
            | (Cause::Post { .. }, Some(Cause::Hold(Work::Frame { node, .. }))) => {
                sums.entry(node.0).or_default().work += amount;
            }
            (Cause::Check(Work::Frame { node, .. }), _) => sums.entry(node.0).or_default().checks += amount,
            _ => {}
        }
    }
    sums.retain(|_, paid| *paid != Paid::default());
    sums
}

const PUT: &str = "INSERT INTO node_earnings (node, at_ms, paid, checks)
    SELECT {int:0}, $1, {int:1}, {int:2} FROM {rows:2}
    ON CONFLICT (node, at_ms) DO UPDATE SET paid = node_earnings.paid + excluded.paid,
        checks = node_earnings.checks + excluded.checks";
const TOTAL: &str = "UPDATE nodes SET earned = earned + $2 WHERE id = $1";

/// Note what new transfers pay, in their transaction.
pub(super) async fn note(
    db: &impl ConnectionTrait,
    book: &Book,
    made: &[Transfer],
    now_ms: u64,
) -> Result<(), StoreError> {
    let (sums, backend) = (sums(book, made), db.get_database_backend());
    if sums.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::with_capacity(sums.len(), 40);
    for (node, paid) in &sums {
        rows.row().int(*node).count(paid.work).count(paid.checks);
    }
    let quarter = int(now_ms - now_ms % QUARTER_MS);
    db.execute_raw(statement(backend, PUT, vec![quarter.into(), rows.value()])).await?;
    for (node, paid) in &sums {
        let values = vec![(*node).into(), int(paid.work.saturating_add(paid.checks)).into()];
        db.execute_raw(statement(backend, TOTAL, values)).await?;
    }
    Ok(())
}

const SINCE: &str = "SELECT node, CAST(SUM(paid + checks) AS BIGINT) FROM node_earnings
    WHERE node IN {list:1} AND at_ms >= $2 GROUP BY node";

/// What nodes were paid since a moment, micro-credits.
pub async fn since(db: &impl ConnectionTrait, nodes: &[i64], from_ms: u64) -> Result<HashMap<i64, u64>, StoreError> {
    by_node(db, SINCE, vec![ids(nodes), int(from_ms).into()]).await
}

const PENDING: &str = "SELECT node, CAST(SUM(amount) AS BIGINT) FROM holdings
    WHERE node IN {list:1} AND state = 0 GROUP BY node";

/// What is held for nodes, micro-credits.
pub async fn pending(db: &impl ConnectionTrait, nodes: &[i64]) -> Result<HashMap<i64, u64>, StoreError> {
    by_node(db, PENDING, vec![ids(nodes)]).await
}

fn ids(nodes: &[i64]) -> sea_orm::Value {
    list(nodes.iter().map(|node| node.unsigned_abs()))
}

async fn by_node(
    db: &impl ConnectionTrait,
    text: &str,
    values: Vec<sea_orm::Value>,
) -> Result<HashMap<i64, u64>, StoreError> {
    let rows = db.query_all_raw(statement(db.get_database_backend(), text, values)).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, count(row, 1)?))).collect()
}

const QUARTERS: &str = "SELECT at_ms, paid, checks FROM node_earnings WHERE node = $1 AND at_ms >= $2 ORDER BY at_ms";

/// What a node was paid in each quarter of an hour since a moment.
pub async fn quarters(db: &impl ConnectionTrait, node: i64, from_ms: u64) -> Result<Vec<(u64, Paid)>, StoreError> {
    let values = vec![node.into(), int(from_ms).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), QUARTERS, values)).await?;
    rows.iter().map(|row| Ok((count(row, 0)?, Paid { work: count(row, 1)?, checks: count(row, 2)? }))).collect()
}

const HELD: &str = "SELECT made_at_ms, amount FROM holdings WHERE node = $1 AND state = 0 AND made_at_ms >= $2
    ORDER BY position LIMIT $3";

/// When a node's held pay was put aside since a moment, and how much, micro-credits.
pub async fn held(
    db: &impl ConnectionTrait,
    node: i64,
    from_ms: u64,
    limit: u64,
) -> Result<Vec<(u64, u64)>, StoreError> {
    let values = vec![node.into(), int(from_ms).into(), int(limit).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), HELD, values)).await?;
    rows.iter().map(|row| Ok((count(row, 0)?, count(row, 1)?))).collect()
}

const OLD: &str = "DELETE FROM node_earnings WHERE (node, at_ms) IN
    (SELECT node, at_ms FROM node_earnings WHERE at_ms < $1 ORDER BY at_ms LIMIT $2)";

/// Forget parts before `before_ms`, at most `limit`; how many. The sum of all stays at the node.
pub async fn forget(db: &impl ConnectionTrait, before_ms: u64, limit: u64) -> Result<u64, StoreError> {
    let values = vec![int(before_ms).into(), int(limit).into()];
    Ok(db.execute_raw(statement(db.get_database_backend(), OLD, values)).await?.rows_affected())
}

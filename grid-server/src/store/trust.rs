//! What is remembered of nodes and owners, as the rules pack it, and disputes with their evidence.

use fallow_protocol::unit::UnitKey;
use fallow_protocol::wire;
use grid_core::trust::{Door, OwnerRecord, Record};
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{Rows, int, list, statement};

/// A record is a few dozen numbers.
const RECORD_BYTES_MAX: usize = 4 * 1024;

/// What is remembered of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// The node.
    pub node: i64,
    /// The rules' record.
    pub record: Record,
    /// It was caught: what is held of its results from after this position on is still to be run again.
    pub review_from: Option<u64>,
    /// Rises with every change: of two copies the larger one is newer.
    pub version: u64,
}

/// What is remembered of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerRow {
    /// The account.
    pub account: i64,
    /// The rules' record.
    pub record: OwnerRecord,
}

fn node_row(row: &QueryResult) -> Result<NodeRow, StoreError> {
    let bytes: Vec<u8> = row.try_get_by_index(1)?;
    let review_from: Option<i64> = row.try_get_by_index(2)?;
    Ok(NodeRow {
        node: row.try_get_by_index(0)?,
        record: wire::decode(&bytes, RECORD_BYTES_MAX).map_err(|_| StoreError::Corrupt("a node's record"))?,
        review_from: review_from.map(i64::unsigned_abs),
        version: row.try_get_by_index::<i64>(3)?.unsigned_abs(),
    })
}

fn owner_row(row: &QueryResult) -> Result<OwnerRow, StoreError> {
    let bytes: Vec<u8> = row.try_get_by_index(1)?;
    Ok(OwnerRow {
        account: row.try_get_by_index(0)?,
        record: wire::decode(&bytes, RECORD_BYTES_MAX).map_err(|_| StoreError::Corrupt("an owner's record"))?,
    })
}

/// Everything: a few hundred bytes a node.
pub async fn everything(db: &impl ConnectionTrait) -> Result<(Vec<NodeRow>, Vec<OwnerRow>), StoreError> {
    let backend = db.get_database_backend();
    let nodes = "SELECT node, record, review_from, version FROM node_trust";
    let nodes = db.query_all_raw(statement(backend, nodes, Vec::new())).await?;
    let owners = db.query_all_raw(statement(backend, "SELECT account, record FROM owner_trust", Vec::new())).await?;
    Ok((nodes.iter().map(node_row).collect::<Result<_, _>>()?, owners.iter().map(owner_row).collect::<Result<_, _>>()?))
}

/// These nodes, as far as there is anything about them.
pub async fn nodes(db: &impl ConnectionTrait, nodes: &[i64]) -> Result<Vec<NodeRow>, StoreError> {
    const NODES: &str = "SELECT node, record, review_from, version FROM node_trust WHERE node IN {list:1}";
    let values = vec![list(nodes.iter().map(|node| node.unsigned_abs()))];
    let rows = db.query_all_raw(statement(db.get_database_backend(), NODES, values)).await?;
    rows.iter().map(node_row).collect()
}

/// These owners, as far as there is anything about them.
pub async fn owners(db: &impl ConnectionTrait, accounts: &[i64]) -> Result<Vec<OwnerRow>, StoreError> {
    const OWNERS: &str = "SELECT account, record FROM owner_trust WHERE account IN {list:1}";
    let values = vec![list(accounts.iter().map(|account| account.unsigned_abs()))];
    let rows = db.query_all_raw(statement(db.get_database_backend(), OWNERS, values)).await?;
    rows.iter().map(owner_row).collect()
}

/// Write what is remembered of nodes.
pub async fn put_nodes(db: &impl ConnectionTrait, nodes: &[NodeRow]) -> Result<(), StoreError> {
    const PUT: &str = "INSERT INTO node_trust (node, record, review_from, version)
        SELECT {int:0}, {bytes:1}, {int:2}, {int:3} FROM {rows:1}
        ON CONFLICT (node) DO UPDATE SET record = excluded.record, review_from = excluded.review_from,
            version = excluded.version";
    let mut rows = Rows::with_capacity(nodes.len(), 600);
    for node in nodes {
        rows.row().int(node.node).bytes(Some(&wire::encode(&node.record))).maybe(node.review_from).count(node.version);
    }
    put(db, PUT, rows).await
}

/// Write what is remembered of owners.
pub async fn put_owners(db: &impl ConnectionTrait, owners: &[OwnerRow]) -> Result<(), StoreError> {
    const PUT: &str = "INSERT INTO owner_trust (account, record) SELECT {int:0}, {bytes:1} FROM {rows:1}
        ON CONFLICT (account) DO UPDATE SET record = excluded.record";
    let mut rows = Rows::with_capacity(owners.len(), 200);
    for owner in owners {
        rows.row().int(owner.account).bytes(Some(&wire::encode(&owner.record)));
    }
    put(db, PUT, rows).await
}

async fn put(db: &impl ConnectionTrait, text: &str, rows: Rows) -> Result<(), StoreError> {
    if rows.len() > 0 {
        db.execute_raw(statement(db.get_database_backend(), text, vec![rows.value()])).await?;
    }
    Ok(())
}

/// How far the door for new nodes is open.
pub async fn door(db: &impl ConnectionTrait) -> Result<Door, StoreError> {
    const DOOR: &str = "SELECT door FROM grid_trust WHERE id = 1";
    let row = db.query_one_raw(statement(db.get_database_backend(), DOOR, Vec::new())).await?;
    let passes = row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?.unwrap_or_default();
    Ok(Door { passes: u32::try_from(passes).unwrap_or_default() })
}

/// Keep how far the door is open.
pub async fn put_door(db: &impl ConnectionTrait, door: Door) -> Result<(), StoreError> {
    const PUT: &str = "INSERT INTO grid_trust (id, door) VALUES (1, $1)
        ON CONFLICT (id) DO UPDATE SET door = excluded.door";
    db.execute_raw(statement(db.get_database_backend(), PUT, vec![i64::from(door.passes).into()])).await?;
    Ok(())
}

/// Nodes that were caught and whose earlier results are still to be run again.
pub async fn to_review(db: &impl ConnectionTrait) -> Result<Vec<NodeRow>, StoreError> {
    const REVIEW: &str = "SELECT node, record, review_from, version FROM node_trust WHERE review_from IS NOT NULL";
    let rows = db.query_all_raw(statement(db.get_database_backend(), REVIEW, Vec::new())).await?;
    rows.iter().map(node_row).collect()
}

/// Keep a dispute with its evidence, JSON.
pub async fn put_dispute(
    db: &impl ConnectionTrait,
    job: i64,
    key: UnitKey,
    now_ms: u64,
    evidence: &str,
) -> Result<(), StoreError> {
    const PUT: &str = "INSERT INTO disputes (job, stage, seq, made_at_ms, evidence) VALUES ($1, $2, $3, $4, $5)";
    let values =
        vec![job.into(), i64::from(key.stage).into(), int(key.seq).into(), int(now_ms).into(), evidence.into()];
    db.execute_raw(statement(db.get_database_backend(), PUT, values)).await?;
    Ok(())
}

/// Kinds of computers that get no more of a profile, as JSON of the rules' `Like`.
pub async fn frozen(db: &impl ConnectionTrait) -> Result<Vec<(String, i64)>, StoreError> {
    const FROZEN: &str = "SELECT kind, value FROM frozen";
    let rows = db.query_all_raw(statement(db.get_database_backend(), FROZEN, Vec::new())).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// Give a kind of computers no more, until the operator has looked.
pub async fn freeze(db: &impl ConnectionTrait, kind: &str, value: i64, now_ms: u64) -> Result<(), StoreError> {
    const FREEZE: &str = "INSERT INTO frozen (kind, value, made_at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let values = vec![kind.into(), value.into(), int(now_ms).into()];
    db.execute_raw(statement(db.get_database_backend(), FREEZE, values)).await?;
    Ok(())
}

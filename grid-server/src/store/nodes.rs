//! Volunteers' nodes: who they are and what they have done. What they do now is the link's registry.

use std::collections::HashMap;

use fallow_protocol::link::Machine;
use fallow_protocol::{NodeId, PublicKey};
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch;
use super::sql::{self, signed};

/// A node.
#[derive(Clone, Debug)]
pub struct NodeRow {
    /// Id within the database.
    pub id: i64,
    /// Id for everybody else.
    pub public_id: NodeId,
    /// Internal id of its owner's account.
    pub account_id: i64,
    /// Its name.
    pub name: String,
    /// Its public key.
    pub key: PublicKey,
    /// What the computer was at its last login.
    pub machine: Machine,
    /// Results accepted in all.
    pub units_done: u64,
    /// Fuel of these.
    pub fuel: u64,
    /// Paid to it in all, micro-credits.
    pub earned: u64,
    /// When it joined.
    pub joined_at_ms: u64,
    /// Last heard of.
    pub seen_at_ms: u64,
    /// When it was removed, where it was.
    pub revoked_at_ms: Option<u64>,
}

/// Where nodes belong and what they run on: node, account, machine.
pub async fn places(db: &impl ConnectionTrait) -> Result<Vec<(i64, i64, Machine)>, StoreError> {
    const PLACES: &str = "SELECT id, account_id, machine FROM nodes WHERE revoked_at_ms IS NULL";
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), PLACES);
    let rows = db.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| {
            let machine: String = row.try_get_by_index(2)?;
            let machine = serde_json::from_str(&machine).unwrap_or_default();
            Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?, machine))
        })
        .collect()
}

const COLUMNS: &str = "id, public_id, account_id, name, key, machine, units_done, fuel, earned, joined_at_ms, \
                       seen_at_ms, revoked_at_ms";

fn read(row: &QueryResult) -> Result<NodeRow, StoreError> {
    let key: Vec<u8> = sql::get(row, "key")?;
    let machine: String = sql::get(row, "machine")?;
    let revoked_at_ms: Option<i64> = sql::get(row, "revoked_at_ms")?;
    Ok(NodeRow {
        id: sql::get(row, "id")?,
        public_id: sql::parsed(row, "public_id")?,
        account_id: sql::get(row, "account_id")?,
        name: sql::get(row, "name")?,
        key: key.try_into().map(PublicKey).map_err(|_| StoreError::Corrupt("key"))?,
        machine: serde_json::from_str(&machine).map_err(|_| StoreError::Corrupt("machine"))?,
        units_done: sql::unsigned(row, "units_done")?,
        fuel: sql::unsigned(row, "fuel")?,
        earned: sql::unsigned(row, "earned")?,
        joined_at_ms: sql::unsigned(row, "joined_at_ms")?,
        seen_at_ms: sql::unsigned(row, "seen_at_ms")?,
        revoked_at_ms: revoked_at_ms.map(i64::unsigned_abs),
    })
}

/// A node by its public id, removed ones too: look at `revoked_at_ms`.
pub async fn by_public_id<C: ConnectionTrait>(connection: &C, node: &NodeId) -> Result<Option<NodeRow>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM nodes WHERE public_id = $1");
    sql::one(connection, &text, vec![node.as_str().into()]).await?.as_ref().map(read).transpose()
}

/// A node by its internal id, removed ones too.
pub async fn by_id<C: ConnectionTrait>(connection: &C, id: i64) -> Result<Option<NodeRow>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM nodes WHERE id = $1");
    sql::one(connection, &text, vec![id.into()]).await?.as_ref().map(read).transpose()
}

/// A node by its key, removed ones too.
pub async fn by_key<C: ConnectionTrait>(connection: &C, key: &PublicKey) -> Result<Option<NodeRow>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM nodes WHERE key = $1");
    sql::one(connection, &text, vec![key.0.to_vec().into()]).await?.as_ref().map(read).transpose()
}

/// Up to `limit` nodes of an account after the internal id `after`, without removed ones.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    after: i64,
    limit: u64,
) -> Result<Vec<NodeRow>, StoreError> {
    let text = format!(
        "SELECT {COLUMNS} FROM nodes WHERE account_id = $1 AND id > $2 AND revoked_at_ms IS NULL ORDER BY id LIMIT $3"
    );
    let rows = sql::all(connection, &text, vec![account_id.into(), after.into(), signed(limit).into()]).await?;
    rows.iter().map(read).collect()
}

/// Names of these nodes.
pub async fn names<C: ConnectionTrait>(connection: &C, ids: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    const NAMES: &str = "SELECT id, name FROM nodes WHERE id IN {list:1}";
    let values = vec![batch::list(ids.iter().map(|id| id.unsigned_abs()))];
    let rows = connection.query_all_raw(batch::statement(connection.get_database_backend(), NAMES, values)).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// Keep a new node.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    node: &NodeId,
    account_id: i64,
    name: &str,
    key: &PublicKey,
    now_ms: u64,
) -> Result<(), StoreError> {
    let machine = machine_text(&Machine::default())?;
    let now = signed(now_ms);
    let values = vec![
        node.as_str().into(),
        account_id.into(),
        name.into(),
        key.0.to_vec().into(),
        machine.into(),
        now.into(),
        now.into(),
    ];
    let text = "INSERT INTO nodes (public_id, account_id, name, key, machine, joined_at_ms, seen_at_ms) \
                VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sql::execute(connection, text, values).await?;
    Ok(())
}

/// Give a known node another name.
pub async fn rename<C: ConnectionTrait>(connection: &C, id: i64, name: &str) -> Result<(), StoreError> {
    sql::execute(connection, "UPDATE nodes SET name = $2 WHERE id = $1", vec![id.into(), name.into()]).await?;
    Ok(())
}

/// A node logged in: what it is, and when.
pub async fn logged_in<C: ConnectionTrait>(
    connection: &C,
    id: i64,
    machine: &Machine,
    now_ms: u64,
) -> Result<(), StoreError> {
    let text = "UPDATE nodes SET machine = $2, seen_at_ms = $3 WHERE id = $1";
    let values = vec![id.into(), machine_text(machine)?.into(), signed(now_ms).into()];
    sql::execute(connection, text, values).await?;
    Ok(())
}

/// A node was heard of.
pub async fn seen<C: ConnectionTrait>(connection: &C, id: i64, now_ms: u64) -> Result<(), StoreError> {
    let text = "UPDATE nodes SET seen_at_ms = $2 WHERE id = $1";
    sql::execute(connection, text, vec![id.into(), signed(now_ms).into()]).await?;
    Ok(())
}

/// Results of a node were accepted.
pub async fn add_done<C: ConnectionTrait>(connection: &C, id: i64, units: u64, fuel: u64) -> Result<(), StoreError> {
    let (units_done, fuel_sum) = (sql::plus("units_done", 2), sql::plus("fuel", 3));
    let text = format!("UPDATE nodes SET units_done = {units_done}, fuel = {fuel_sum} WHERE id = $1");
    sql::execute(connection, &text, vec![id.into(), signed(units).into(), signed(fuel).into()]).await?;
    Ok(())
}

/// Remove a node of an account; its internal id, or none where there is no such node.
pub async fn revoke<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    node: &NodeId,
    now_ms: u64,
) -> Result<Option<i64>, StoreError> {
    let text = "UPDATE nodes SET revoked_at_ms = $3 \
                WHERE account_id = $1 AND public_id = $2 AND revoked_at_ms IS NULL RETURNING id";
    let values = vec![account_id.into(), node.as_str().into(), signed(now_ms).into()];
    sql::one(connection, text, values).await?.map(|row| sql::get(&row, "id")).transpose()
}

fn machine_text(machine: &Machine) -> Result<String, StoreError> {
    serde_json::to_string(machine).map_err(|_| StoreError::Corrupt("machine"))
}

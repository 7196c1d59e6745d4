//! What operators stopped, and why: accounts, nodes, modules.

use std::collections::HashMap;

use fallow_protocol::{AccountId, Digest, NodeId};
use sea_orm::ConnectionTrait;

use super::StoreError;
use super::sql::{self, signed};

/// All that is stopped, with the reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// Accounts by internal id.
    pub accounts: HashMap<i64, String>,
    /// Nodes by internal id.
    pub nodes: HashMap<i64, String>,
    /// Modules by the digest of their manifest, and their components by theirs.
    pub modules: HashMap<Digest, String>,
}

/// All of it.
pub async fn all<C: ConnectionTrait>(connection: &C) -> Result<Stopped, StoreError> {
    let mut stopped = Stopped::default();
    for (text, map) in [
        (
            "SELECT id, suspended_reason AS reason FROM accounts \
             WHERE suspended_reason IS NOT NULL AND deleted_at_ms IS NULL",
            &mut stopped.accounts,
        ),
        ("SELECT id, suspended_reason AS reason FROM nodes WHERE suspended_reason IS NOT NULL", &mut stopped.nodes),
    ] {
        for row in sql::all(connection, text, Vec::new()).await? {
            map.insert(sql::get(&row, "id")?, sql::get(&row, "reason")?);
        }
    }
    let text = "SELECT digest, component, reason FROM suspended_modules";
    for row in sql::all(connection, text, Vec::new()).await? {
        let reason: String = sql::get(&row, "reason")?;
        stopped.modules.insert(sql::digest(&row, "component")?, reason.clone());
        stopped.modules.insert(sql::digest(&row, "digest")?, reason);
    }
    Ok(stopped)
}

/// Stop a node for a reason, or let it go on. False where there is none, or it was removed.
pub async fn set_node<C: ConnectionTrait>(
    connection: &C,
    node: &NodeId,
    reason: Option<&str>,
) -> Result<bool, StoreError> {
    let text = "UPDATE nodes SET suspended_reason = $2 WHERE public_id = $1 AND revoked_at_ms IS NULL";
    Ok(sql::execute(connection, text, vec![node.as_str().into(), reason.into()]).await? == 1)
}

/// Stop a module of whatever account for a reason. False where there is none of this manifest or component.
pub async fn stop_module<C: ConnectionTrait>(
    connection: &C,
    digest: &Digest,
    reason: &str,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let text = "INSERT INTO suspended_modules (digest, component, reason, made_at_ms) \
                SELECT DISTINCT digest, component, CAST($2 AS TEXT), CAST($3 AS BIGINT) FROM modules \
                WHERE digest = $1 OR component = $1 \
                ON CONFLICT (digest) DO UPDATE SET reason = excluded.reason";
    let values = vec![digest.0.to_vec().into(), reason.into(), signed(now_ms).into()];
    Ok(sql::execute(connection, text, values).await? > 0)
}

/// Let a module go on, whichever manifest of its component was stopped. False where none was.
pub async fn restore_module<C: ConnectionTrait>(connection: &C, digest: &Digest) -> Result<bool, StoreError> {
    let text = "DELETE FROM suspended_modules WHERE digest = $1 OR component = $1 \
                OR component IN (SELECT component FROM modules WHERE digest = $1)";
    Ok(sql::execute(connection, text, vec![digest.0.to_vec().into()]).await? > 0)
}

/// Change what an account may: its role, fuel and jobs, each where it is given. False where there is none.
pub async fn change_account<C: ConnectionTrait>(
    connection: &C,
    account: &AccountId,
    role: Option<&str>,
    fuel_quota: Option<u64>,
    jobs_max: Option<u64>,
) -> Result<bool, StoreError> {
    let text = "UPDATE accounts SET role = COALESCE($2, role), fuel_quota = COALESCE($3, fuel_quota), \
                jobs_max = COALESCE($4, jobs_max) WHERE public_id = $1 AND deleted_at_ms IS NULL";
    let values = vec![account.as_str().into(), role.into(), fuel_quota.map(signed).into(), jobs_max.map(signed).into()];
    Ok(sql::execute(connection, text, values).await? == 1)
}

/// Jobs that an account may have, where it has a limit of its own.
pub async fn jobs_max<C: ConnectionTrait>(connection: &C, account: i64) -> Result<Option<u64>, StoreError> {
    let text = "SELECT jobs_max FROM accounts WHERE id = $1";
    let Some(row) = sql::one(connection, text, vec![account.into()]).await? else { return Ok(None) };
    Ok(sql::get::<Option<i64>>(&row, "jobs_max")?.map(i64::unsigned_abs))
}

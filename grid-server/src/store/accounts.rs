//! Accounts with their counters of fuel and of bytes.

use fallow_protocol::AccountId;
use grid_core::AccountNo;
use grid_core::ledger::Account as LedgerAccount;
use sea_orm::{ConnectionTrait, QueryResult};

use super::sql::{self, signed};
use super::{StoreError, ledger};

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Id within the database.
    pub id: i64,
    /// Id for everybody else.
    pub public_id: AccountId,
    /// Its name, unique.
    pub name: String,
    /// `user` or `operator`.
    pub role: String,
    /// Fuel that it may use.
    pub fuel_quota: u64,
    /// Fuel that its jobs have used.
    pub fuel_used: u64,
    /// Bytes of its blobs.
    pub blob_bytes: u64,
    /// Its e-mail address, as it was typed.
    pub email: Option<String>,
    /// Whether a link that was sent there was followed.
    pub email_confirmed: bool,
    /// Whether it has a password.
    pub has_password: bool,
    /// Whether it has a second factor.
    pub has_totp: bool,
    /// Why it may do nothing, where that is so.
    pub suspended: Option<String>,
}

const COLUMNS: &str = "id, public_id, name, role, fuel_quota, fuel_used, blob_bytes, email, email_confirmed_at_ms, \
    CAST(CASE WHEN password IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_password, \
    CAST(CASE WHEN totp IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_totp, suspended_reason";

fn read(row: &QueryResult) -> Result<Account, StoreError> {
    Ok(Account {
        id: sql::get(row, "id")?,
        public_id: sql::parsed(row, "public_id")?,
        name: sql::get(row, "name")?,
        role: sql::get(row, "role")?,
        fuel_quota: sql::unsigned(row, "fuel_quota")?,
        fuel_used: sql::unsigned(row, "fuel_used")?,
        blob_bytes: sql::unsigned(row, "blob_bytes")?,
        email: sql::get(row, "email")?,
        email_confirmed: sql::get::<Option<i64>>(row, "email_confirmed_at_ms")?.is_some(),
        has_password: sql::get::<i64>(row, "has_password")? != 0,
        has_totp: sql::get::<i64>(row, "has_totp")? != 0,
        suspended: sql::get(row, "suspended_reason")?,
    })
}

/// Make an account, with one in the ledger; its internal id, or none where the name is taken.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    public_id: &AccountId,
    name: &str,
    role: &str,
    fuel_quota: u64,
    now_ms: u64,
) -> Result<Option<i64>, StoreError> {
    let row = sql::one(
        connection,
        "INSERT INTO accounts (public_id, name, role, fuel_quota, created_at_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (name) DO NOTHING RETURNING id",
        vec![public_id.as_str().into(), name.into(), role.into(), signed(fuel_quota).into(), signed(now_ms).into()],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id: i64 = sql::get(&row, "id")?;
    ledger::open_account(connection, LedgerAccount::user(AccountNo(id))).await?;
    Ok(Some(id))
}

/// One by its internal id.
pub async fn by_id<C: ConnectionTrait>(connection: &C, id: i64) -> Result<Option<Account>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM accounts WHERE id = $1");
    sql::one(connection, &text, vec![id.into()]).await?.as_ref().map(read).transpose()
}

/// One by its public id.
pub async fn by_public_id<C: ConnectionTrait>(connection: &C, id: &AccountId) -> Result<Option<Account>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM accounts WHERE public_id = $1");
    sql::one(connection, &text, vec![id.as_str().into()]).await?.as_ref().map(read).transpose()
}

/// One by its name.
pub async fn by_name<C: ConnectionTrait>(connection: &C, name: &str) -> Result<Option<Account>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM accounts WHERE name = $1");
    sql::one(connection, &text, vec![name.into()]).await?.as_ref().map(read).transpose()
}

/// Up to `limit` accounts after the internal id `after`.
pub async fn list<C: ConnectionTrait>(connection: &C, after: i64, limit: u64) -> Result<Vec<Account>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM accounts WHERE id > $1 AND deleted_at_ms IS NULL ORDER BY id LIMIT $2");
    let rows = sql::all(connection, &text, vec![after.into(), signed(limit).into()]).await?;
    rows.iter().map(read).collect()
}

/// Fuel of accepted runs goes to the account of their job.
pub async fn add_fuel<C: ConnectionTrait>(connection: &C, id: i64, fuel: u64) -> Result<(), StoreError> {
    let text = "UPDATE accounts SET fuel_used = fuel_used + $2 WHERE id = $1";
    sql::execute(connection, text, vec![id.into(), signed(fuel).into()]).await?;
    Ok(())
}

/// Suspend an account for a reason that it is told, or let it go on. False where there is none.
pub async fn suspend<C: ConnectionTrait>(connection: &C, id: i64, reason: Option<&str>) -> Result<bool, StoreError> {
    let text = "UPDATE accounts SET suspended_reason = $2 WHERE id = $1";
    Ok(sql::execute(connection, text, vec![id.into(), reason.into()]).await? == 1)
}

/// Give an account another name. False where it is taken.
pub async fn rename<C: ConnectionTrait>(connection: &C, id: i64, name: &str) -> Result<bool, StoreError> {
    let text = "UPDATE accounts SET name = $2 WHERE id = $1 \
                AND NOT EXISTS (SELECT 1 FROM accounts WHERE name = $2 AND id <> $1)";
    Ok(sql::execute(connection, text, vec![id.into(), name.into()]).await? == 1)
}

/// Whether there is an operator who is not suspended besides this account.
pub async fn other_operators<C: ConnectionTrait>(connection: &C, id: i64) -> Result<bool, StoreError> {
    let text = "SELECT 1 AS one FROM accounts \
                WHERE role = 'operator' AND id <> $1 AND suspended_reason IS NULL AND deleted_at_ms IS NULL LIMIT 1";
    Ok(sql::one(connection, text, vec![id.into()]).await?.is_some())
}

//! Public keys that authors have registered.

use fallow_protocol::PublicKey;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::sql::{self, signed};

/// A registered key.
#[derive(Clone, Debug)]
pub struct AuthorKey {
    /// Id within the database.
    pub id: i64,
    /// The key.
    pub key: PublicKey,
    /// Where it is kept, for people.
    pub name: String,
}

fn read(row: &QueryResult) -> Result<AuthorKey, StoreError> {
    let bytes: Vec<u8> = sql::get(row, "key")?;
    let key = bytes.try_into().map(PublicKey).map_err(|_| StoreError::Corrupt("key"))?;
    Ok(AuthorKey { id: sql::get(row, "id")?, key, name: sql::get(row, "name")? })
}

/// Register a key. False where the account has it already.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    key: &PublicKey,
    name: &str,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let changed = sql::execute(
        connection,
        "INSERT INTO author_keys (account_id, key, name, created_at_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account_id, key) DO NOTHING",
        vec![account_id.into(), key.0.to_vec().into(), name.into(), signed(now_ms).into()],
    )
    .await?;
    Ok(changed == 1)
}

/// Whether the account has registered the key.
pub async fn known<C: ConnectionTrait>(connection: &C, account_id: i64, key: &PublicKey) -> Result<bool, StoreError> {
    let text = "SELECT id FROM author_keys WHERE account_id = $1 AND key = $2";
    Ok(sql::one(connection, text, vec![account_id.into(), key.0.to_vec().into()]).await?.is_some())
}

/// Number of keys of an account.
pub async fn count<C: ConnectionTrait>(connection: &C, account_id: i64) -> Result<u64, StoreError> {
    let text = "SELECT COUNT(*) AS n FROM author_keys WHERE account_id = $1";
    sql::one(connection, text, vec![account_id.into()]).await?.map_or(Ok(0), |row| sql::unsigned(&row, "n"))
}

/// Up to `limit` keys of an account after the internal id `after`.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    after: i64,
    limit: u64,
) -> Result<Vec<AuthorKey>, StoreError> {
    let text = "SELECT id, key, name FROM author_keys WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    let rows = sql::all(connection, text, vec![account_id.into(), after.into(), signed(limit).into()]).await?;
    rows.iter().map(read).collect()
}

/// Forget a key. False where the account has none such.
pub async fn delete<C: ConnectionTrait>(connection: &C, account_id: i64, key: &PublicKey) -> Result<bool, StoreError> {
    let text = "DELETE FROM author_keys WHERE account_id = $1 AND key = $2";
    Ok(sql::execute(connection, text, vec![account_id.into(), key.0.to_vec().into()]).await? == 1)
}

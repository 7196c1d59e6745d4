//! API tokens. Only their hashes are kept.

use fallow_protocol::{AccountId, Digest};
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::sql::{self, signed};

/// A token without its secret.
#[derive(Clone, Debug)]
pub struct Token {
    /// Id within the database.
    pub id: i64,
    /// Id for everybody else.
    pub public_id: String,
    /// What it is for.
    pub name: String,
    /// Its scopes, with spaces between.
    pub scopes: String,
    /// End of its life.
    pub expires_at_ms: u64,
}

/// A token that may be used, with its account.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The token.
    pub token: Token,
    /// Internal id of its account.
    pub account_id: i64,
    /// Public id of its account.
    pub account: AccountId,
    /// Whether the account is an operator's.
    pub operator: bool,
    /// Why the account may do nothing, where that is so.
    pub suspended: Option<String>,
}

/// A token to be kept.
#[derive(Clone, Debug)]
pub struct NewRow {
    /// Internal id of the account.
    pub account_id: i64,
    /// Id for everybody else.
    pub public_id: String,
    /// BLAKE3 of the whole token.
    pub hash: Digest,
    /// What it is for.
    pub name: String,
    /// Its scopes, with spaces between.
    pub scopes: String,
    /// End of its life.
    pub expires_at_ms: u64,
    /// Now.
    pub now_ms: u64,
}

fn read(row: &QueryResult) -> Result<Token, StoreError> {
    Ok(Token {
        id: sql::get(row, "id")?,
        public_id: sql::get(row, "public_id")?,
        name: sql::get(row, "name")?,
        scopes: sql::get(row, "scopes")?,
        expires_at_ms: sql::unsigned(row, "expires_at_ms")?,
    })
}

/// Keep a token. False where the account has `most` living tokens already.
pub async fn insert<C: ConnectionTrait>(connection: &C, row: &NewRow, most: u64) -> Result<bool, StoreError> {
    let changed = sql::execute(
        connection,
        "INSERT INTO tokens (account_id, public_id, hash, name, scopes, expires_at_ms, created_at_ms) \
         SELECT $1, $2, $3, $4, $5, $6, $7 \
         WHERE (SELECT COUNT(*) FROM tokens WHERE account_id = $1 AND expires_at_ms > $7) < $8",
        vec![
            row.account_id.into(),
            row.public_id.as_str().into(),
            row.hash.0.to_vec().into(),
            row.name.as_str().into(),
            row.scopes.as_str().into(),
            signed(row.expires_at_ms).into(),
            signed(row.now_ms).into(),
            signed(most).into(),
        ],
    )
    .await?;
    Ok(changed == 1)
}

/// The living token with this hash.
pub async fn by_hash<C: ConnectionTrait>(
    connection: &C,
    hash: &Digest,
    now_ms: u64,
) -> Result<Option<Bearer>, StoreError> {
    let row = sql::one(
        connection,
        "SELECT t.id, t.public_id, t.name, t.scopes, t.expires_at_ms, t.account_id, a.public_id AS account, \
         a.role, a.suspended_reason FROM tokens t JOIN accounts a ON a.id = t.account_id \
         WHERE t.hash = $1 AND t.expires_at_ms > $2 AND a.deleted_at_ms IS NULL",
        vec![hash.0.to_vec().into(), signed(now_ms).into()],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (account_id, account) = (sql::get(&row, "account_id")?, sql::parsed(&row, "account")?);
    let operator = sql::get::<String>(&row, "role")? == "operator";
    let suspended = sql::get(&row, "suspended_reason")?;
    Ok(Some(Bearer { token: read(&row)?, account_id, account, operator, suspended }))
}

/// Up to `limit` tokens of an account after the internal id `after`, ended ones too.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    after: i64,
    limit: u64,
) -> Result<Vec<Token>, StoreError> {
    let rows = sql::all(
        connection,
        "SELECT id, public_id, name, scopes, expires_at_ms FROM tokens WHERE account_id = $1 AND id > $2 \
         ORDER BY id LIMIT $3",
        vec![account_id.into(), after.into(), signed(limit).into()],
    )
    .await?;
    rows.iter().map(read).collect()
}

/// One token of an account.
pub async fn by_public_id<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    public_id: &str,
) -> Result<Option<Token>, StoreError> {
    let row = sql::one(
        connection,
        "SELECT id, public_id, name, scopes, expires_at_ms FROM tokens WHERE account_id = $1 AND public_id = $2",
        vec![account_id.into(), public_id.into()],
    )
    .await?;
    row.as_ref().map(read).transpose()
}

/// End a token of an account at once. False where there is none.
pub async fn delete<C: ConnectionTrait>(connection: &C, account_id: i64, public_id: &str) -> Result<bool, StoreError> {
    let text = "DELETE FROM tokens WHERE account_id = $1 AND public_id = $2";
    Ok(sql::execute(connection, text, vec![account_id.into(), public_id.into()]).await? == 1)
}

/// End all tokens of an account.
pub async fn delete_all<C: ConnectionTrait>(connection: &C, account_id: i64) -> Result<(), StoreError> {
    sql::execute(connection, "DELETE FROM tokens WHERE account_id = $1", vec![account_id.into()]).await.map(drop)
}

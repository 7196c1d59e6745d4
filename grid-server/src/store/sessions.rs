//! Sessions of browsers. Only hashes of their secrets are kept.

use fallow_protocol::{AccountId, Digest};
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::sql::{self, signed};

/// A session without its secret.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Id within the database.
    pub id: i64,
    /// Id for everybody else.
    pub public_id: String,
    /// Address that it logged in from.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    /// When it logged in.
    pub created_at_ms: u64,
    /// Last heard of, within a minute.
    pub seen_at_ms: u64,
    /// End of its life, however much it is used.
    pub expires_at_ms: u64,
}

/// A session that may be used, with its account.
#[derive(Clone, Debug)]
pub struct Living {
    /// The session.
    pub session: SessionRow,
    /// Internal id of its account.
    pub account_id: i64,
    /// Public id of its account.
    pub account: AccountId,
    /// Whether the account is an operator's.
    pub operator: bool,
    /// Why the account may do nothing, where that is so.
    pub suspended: Option<String>,
}

/// A session to be kept.
#[derive(Clone, Debug)]
pub struct NewRow {
    /// Internal id of the account.
    pub account_id: i64,
    /// Id for everybody else.
    pub public_id: String,
    /// BLAKE3 of the secret.
    pub hash: Digest,
    /// Address that logs in.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    /// End of its life.
    pub expires_at_ms: u64,
    /// Now.
    pub now_ms: u64,
}

const COLUMNS: &str = "s.id, s.public_id, s.address, s.agent, s.created_at_ms, s.seen_at_ms, s.expires_at_ms";

fn read(row: &QueryResult) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        id: sql::get(row, "id")?,
        public_id: sql::get(row, "public_id")?,
        address: sql::get(row, "address")?,
        agent: sql::get(row, "agent")?,
        created_at_ms: sql::unsigned(row, "created_at_ms")?,
        seen_at_ms: sql::unsigned(row, "seen_at_ms")?,
        expires_at_ms: sql::unsigned(row, "expires_at_ms")?,
    })
}

/// Keep a session; of more than `most` the oldest end.
pub async fn insert<C: ConnectionTrait>(connection: &C, row: &NewRow, most: u64) -> Result<(), StoreError> {
    let now = signed(row.now_ms);
    sql::execute(
        connection,
        "INSERT INTO sessions (account_id, public_id, hash, address, agent, created_at_ms, seen_at_ms, expires_at_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
        vec![
            row.account_id.into(),
            row.public_id.as_str().into(),
            row.hash.0.to_vec().into(),
            row.address.as_str().into(),
            row.agent.as_str().into(),
            now.into(),
            signed(row.expires_at_ms).into(),
        ],
    )
    .await?;
    let text = "DELETE FROM sessions WHERE account_id = $1 AND id NOT IN \
                (SELECT id FROM sessions WHERE account_id = $1 ORDER BY id DESC LIMIT $2)";
    sql::execute(connection, text, vec![row.account_id.into(), signed(most).into()]).await.map(drop)
}

/// The session with this hash, where it has not ended and was heard of since `seen_after_ms`.
pub async fn by_hash<C: ConnectionTrait>(
    connection: &C,
    hash: &Digest,
    now_ms: u64,
    seen_after_ms: u64,
) -> Result<Option<Living>, StoreError> {
    let text = format!(
        "SELECT {COLUMNS}, s.account_id, a.public_id AS account, a.role, a.suspended_reason \
         FROM sessions s JOIN accounts a ON a.id = s.account_id \
         WHERE s.hash = $1 AND s.expires_at_ms > $2 AND s.seen_at_ms > $3 AND a.deleted_at_ms IS NULL"
    );
    let values = vec![hash.0.to_vec().into(), signed(now_ms).into(), signed(seen_after_ms).into()];
    let Some(row) = sql::one(connection, &text, values).await? else { return Ok(None) };
    Ok(Some(Living {
        session: read(&row)?,
        account_id: sql::get(&row, "account_id")?,
        account: sql::parsed(&row, "account")?,
        operator: sql::get::<String>(&row, "role")? == "operator",
        suspended: sql::get(&row, "suspended_reason")?,
    }))
}

/// A session was heard of.
pub async fn seen<C: ConnectionTrait>(connection: &C, id: i64, now_ms: u64) -> Result<(), StoreError> {
    let text = "UPDATE sessions SET seen_at_ms = $2 WHERE id = $1";
    sql::execute(connection, text, vec![id.into(), signed(now_ms).into()]).await.map(drop)
}

/// Up to `limit` living sessions of an account after the internal id `after`.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    after: i64,
    limit: u64,
    now_ms: u64,
    seen_after_ms: u64,
) -> Result<Vec<SessionRow>, StoreError> {
    let text = format!(
        "SELECT {COLUMNS} FROM sessions s WHERE s.account_id = $1 AND s.id > $2 AND s.expires_at_ms > $4 \
         AND s.seen_at_ms > $5 ORDER BY s.id LIMIT $3"
    );
    let values = vec![
        account_id.into(),
        after.into(),
        signed(limit).into(),
        signed(now_ms).into(),
        signed(seen_after_ms).into(),
    ];
    sql::all(connection, &text, values).await?.iter().map(read).collect()
}

/// End a session of an account. False where there is none.
pub async fn delete<C: ConnectionTrait>(connection: &C, account_id: i64, public_id: &str) -> Result<bool, StoreError> {
    let text = "DELETE FROM sessions WHERE account_id = $1 AND public_id = $2";
    Ok(sql::execute(connection, text, vec![account_id.into(), public_id.into()]).await? == 1)
}

/// End all sessions of an account but `but`.
pub async fn delete_others<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    but: Option<i64>,
) -> Result<u64, StoreError> {
    let text = "DELETE FROM sessions WHERE account_id = $1 AND id <> $2";
    sql::execute(connection, text, vec![account_id.into(), but.unwrap_or(0).into()]).await
}

/// Forget sessions that ended or were not heard of since `seen_before_ms`.
pub async fn tidy<C: ConnectionTrait>(connection: &C, now_ms: u64, seen_before_ms: u64) -> Result<u64, StoreError> {
    let text = "DELETE FROM sessions WHERE expires_at_ms <= $1 OR seen_at_ms <= $2";
    sql::execute(connection, text, vec![signed(now_ms).into(), signed(seen_before_ms).into()]).await
}

/// End a session of an account by its internal id.
pub async fn delete_one<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    id: Option<i64>,
) -> Result<(), StoreError> {
    let text = "DELETE FROM sessions WHERE account_id = $1 AND id = $2";
    sql::execute(connection, text, vec![account_id.into(), id.into()]).await.map(drop)
}

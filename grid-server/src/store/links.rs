//! Single-use links: in mails, and the operator's first one. Only hashes of their tokens are kept.

use fallow_protocol::Digest;
use sea_orm::ConnectionTrait;

use super::StoreError;
use super::sql::{self, signed};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A new password.
    Reset,
    /// Another address of an account.
    Email,
    /// A session without a password.
    Welcome,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Reset => "reset",
            Kind::Email => "email",
            Kind::Welcome => "welcome",
        }
    }
}

/// Keep a link; of more than `most` of its account and kind the oldest end.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    kind: Kind,
    hash: &Digest,
    value: &str,
    expires_at_ms: u64,
    most: u64,
) -> Result<(), StoreError> {
    let values =
        vec![account_id.into(), kind.word().into(), hash.0.to_vec().into(), value.into(), signed(expires_at_ms).into()];
    let text = "INSERT INTO links (account_id, kind, hash, value, expires_at_ms) VALUES ($1, $2, $3, $4, $5)";
    sql::execute(connection, text, values).await?;
    let text = "DELETE FROM links WHERE account_id = $1 AND kind = $2 AND id NOT IN \
                (SELECT id FROM links WHERE account_id = $1 AND kind = $2 ORDER BY id DESC LIMIT $3)";
    sql::execute(connection, text, vec![account_id.into(), kind.word().into(), signed(most).into()]).await.map(drop)
}

/// Use a link up: its account and value, or none where it is unknown, used or past its end.
pub async fn take<C: ConnectionTrait>(
    connection: &C,
    kind: Kind,
    hash: &Digest,
    now_ms: u64,
) -> Result<Option<(i64, String)>, StoreError> {
    let text = "DELETE FROM links WHERE hash = $1 AND kind = $2 AND expires_at_ms > $3 RETURNING account_id, value";
    let values = vec![hash.0.to_vec().into(), kind.word().into(), signed(now_ms).into()];
    let row = sql::one(connection, text, values).await?;
    row.map(|row| Ok((sql::get(&row, "account_id")?, sql::get(&row, "value")?))).transpose()
}

/// End all links of an account.
pub async fn delete_all<C: ConnectionTrait>(connection: &C, account_id: i64) -> Result<(), StoreError> {
    sql::execute(connection, "DELETE FROM links WHERE account_id = $1", vec![account_id.into()]).await.map(drop)
}

/// Forget those that ended.
pub async fn tidy<C: ConnectionTrait>(connection: &C, now_ms: u64) -> Result<u64, StoreError> {
    sql::execute(connection, "DELETE FROM links WHERE expires_at_ms <= $1", vec![signed(now_ms).into()]).await
}

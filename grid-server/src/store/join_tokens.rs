//! Single-use tokens by which nodes join. Only their hashes are kept.

use fallow_protocol::Digest;
use sea_orm::ConnectionTrait;

use super::StoreError;
use super::sql::{self, signed};

/// Keep a token. False where the account has `most` unused ones already.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    hash: &Digest,
    expires_at_ms: u64,
    now_ms: u64,
    most: u64,
) -> Result<bool, StoreError> {
    let text = "INSERT INTO join_tokens (account_id, hash, expires_at_ms, created_at_ms) SELECT $1, $2, $3, $4 \
                WHERE (SELECT COUNT(*) FROM join_tokens \
                       WHERE account_id = $1 AND used_at_ms IS NULL AND expires_at_ms > $4) < $5";
    let values = vec![
        account_id.into(),
        hash.0.to_vec().into(),
        signed(expires_at_ms).into(),
        signed(now_ms).into(),
        signed(most).into(),
    ];
    Ok(sql::execute(connection, text, values).await? == 1)
}

/// Use a token up; the internal id of its account, or none where it is unknown, used or past its end.
pub async fn take<C: ConnectionTrait>(connection: &C, hash: &Digest, now_ms: u64) -> Result<Option<i64>, StoreError> {
    let text = "UPDATE join_tokens SET used_at_ms = $2 \
                WHERE hash = $1 AND used_at_ms IS NULL AND expires_at_ms > $2 RETURNING account_id";
    let row = sql::one(connection, text, vec![hash.0.to_vec().into(), signed(now_ms).into()]).await?;
    row.map(|row| sql::get(&row, "account_id")).transpose()
}

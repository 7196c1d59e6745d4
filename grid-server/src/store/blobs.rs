//! Which blobs are whole on disk, and which accounts may read them.

use fallow_protocol::Digest;
use sea_orm::ConnectionTrait;

use super::StoreError;
use super::sql::{self, signed};

/// A blob is whole on disk.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    digest: &Digest,
    len: u64,
    now_ms: u64,
) -> Result<(), StoreError> {
    // A repeat makes it young again, so that it is not swept away as an orphan before its user is committed.
    let text = "INSERT INTO blobs (digest, len, created_at_ms) VALUES ($1, $2, $3) \
                ON CONFLICT (digest) DO UPDATE SET created_at_ms = excluded.created_at_ms";
    let values = vec![digest.0.to_vec().into(), signed(len).into(), signed(now_ms).into()];
    sql::execute(connection, text, values).await?;
    Ok(())
}

/// A blob is whole on disk, and the account may read it: it uploaded it, or its job made it.
pub async fn own<C: ConnectionTrait>(
    connection: &C,
    digest: &Digest,
    len: u64,
    account_id: i64,
    now_ms: u64,
) -> Result<(), StoreError> {
    insert(connection, digest, len, now_ms).await?;
    let text = "INSERT INTO blob_owners (digest, account_id, len, created_at_ms) VALUES ($1, $2, $3, $4) \
                ON CONFLICT (digest, account_id) DO NOTHING";
    let values = vec![digest.0.to_vec().into(), account_id.into(), signed(len).into(), signed(now_ms).into()];
    if sql::execute(connection, text, values).await? == 1 {
        count(connection, account_id, signed(len)).await?;
    }
    Ok(())
}

/// The account may not read it any more; false where it could not. The file stays until nobody owns or uses it.
pub async fn disown<C: ConnectionTrait>(connection: &C, digest: &Digest, account_id: i64) -> Result<bool, StoreError> {
    let text = "DELETE FROM blob_owners WHERE digest = $1 AND account_id = $2 RETURNING len";
    let row = sql::one(connection, text, vec![digest.0.to_vec().into(), account_id.into()]).await?;
    let Some(row) = row else { return Ok(false) };
    count(connection, account_id, -sql::get::<i64>(&row, "len")?).await?;
    Ok(true)
}

async fn count<C: ConnectionTrait>(connection: &C, account_id: i64, bytes: i64) -> Result<(), StoreError> {
    let text = "UPDATE accounts SET blob_bytes = blob_bytes + $2 WHERE id = $1";
    sql::execute(connection, text, vec![account_id.into(), bytes.into()]).await?;
    Ok(())
}

/// Length of a blob that the account may read.
pub async fn owned_len<C: ConnectionTrait>(
    connection: &C,
    digest: &Digest,
    account_id: i64,
) -> Result<Option<u64>, StoreError> {
    let text = "SELECT len FROM blob_owners WHERE digest = $1 AND account_id = $2";
    let row = sql::one(connection, text, vec![digest.0.to_vec().into(), account_id.into()]).await?;
    row.map(|row| sql::unsigned(&row, "len")).transpose()
}

/// Blobs without an owner that were made before `before_ms`; whoever uses them knows more.
pub async fn orphans<C: ConnectionTrait>(
    connection: &C,
    before_ms: u64,
    limit: u64,
) -> Result<Vec<Digest>, StoreError> {
    let text = "SELECT b.digest FROM blobs b WHERE b.created_at_ms < $1 \
                AND NOT EXISTS (SELECT 1 FROM blob_owners o WHERE o.digest = b.digest) ORDER BY b.digest LIMIT $2";
    let rows = sql::all(connection, text, vec![signed(before_ms).into(), signed(limit).into()]).await?;
    rows.iter().map(|row| sql::digest(row, "digest")).collect()
}

/// Forget a blob that has no owner. False where it got one meanwhile; then its file must stay.
pub async fn forget<C: ConnectionTrait>(connection: &C, digest: &Digest) -> Result<bool, StoreError> {
    let text = "DELETE FROM blobs WHERE digest = $1 \
                AND NOT EXISTS (SELECT 1 FROM blob_owners o WHERE o.digest = $1)";
    Ok(sql::execute(connection, text, vec![digest.0.to_vec().into()]).await? == 1)
}

//! Codes of devices without a browser, between asking and approval. Of the device's own secret only the hash is kept.

use fallow_protocol::Digest;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::sql::{self, signed};

/// What somebody decided about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    Waiting,
    /// It gets its token.
    Approved,
    /// It gets none.
    Denied,
}

/// A device that asks.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// Id within the database.
    pub id: i64,
    /// `fallow` or `fallow-node`.
    pub client: String,
    /// What it calls itself.
    pub name: String,
    /// Scopes of its token, with spaces between.
    pub scopes: String,
    /// Address that asks.
    pub address: String,
    /// What was decided.
    pub decision: Decision,
    /// Internal id of the account that decided.
    pub account_id: Option<i64>,
    /// End of the code's life.
    pub expires_at_ms: u64,
}

/// A device that begins to ask.
#[derive(Clone, Debug)]
pub struct NewRow {
    /// BLAKE3 of its secret.
    pub hash: Digest,
    /// The code that a person types.
    pub user_code: String,
    /// `fallow` or `fallow-node`.
    pub client: String,
    /// What it calls itself.
    pub name: String,
    /// Scopes of its token, with spaces between.
    pub scopes: String,
    /// Address that asks.
    pub address: String,
    /// End of the code's life.
    pub expires_at_ms: u64,
}

const COLUMNS: &str = "id, client, name, scopes, address, state, account_id, expires_at_ms";

fn read(row: &QueryResult) -> Result<DeviceRow, StoreError> {
    let decision = match sql::get::<i64>(row, "state")? {
        0 => Decision::Waiting,
        1 => Decision::Approved,
        2 => Decision::Denied,
        _ => return Err(StoreError::Corrupt("state")),
    };
    Ok(DeviceRow {
        id: sql::get(row, "id")?,
        client: sql::get(row, "client")?,
        name: sql::get(row, "name")?,
        scopes: sql::get(row, "scopes")?,
        address: sql::get(row, "address")?,
        decision,
        account_id: sql::get(row, "account_id")?,
        expires_at_ms: sql::unsigned(row, "expires_at_ms")?,
    })
}

/// Keep a device that asks. False where `most` do already, or the code is in use.
pub async fn insert<C: ConnectionTrait>(connection: &C, new: &NewRow, most: u64) -> Result<bool, StoreError> {
    let text = "INSERT INTO device_codes (hash, user_code, client, name, scopes, address, expires_at_ms) \
                SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT COUNT(*) FROM device_codes) < $8 \
                ON CONFLICT (user_code) DO NOTHING";
    let values = vec![
        new.hash.0.to_vec().into(),
        new.user_code.as_str().into(),
        new.client.as_str().into(),
        new.name.as_str().into(),
        new.scopes.as_str().into(),
        new.address.as_str().into(),
        signed(new.expires_at_ms).into(),
        signed(most).into(),
    ];
    Ok(sql::execute(connection, text, values).await? == 1)
}

/// The device that shows a code, where nobody has decided yet.
pub async fn by_user_code<C: ConnectionTrait>(
    connection: &C,
    user_code: &str,
    now_ms: u64,
) -> Result<Option<DeviceRow>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM device_codes WHERE user_code = $1 AND state = 0 AND expires_at_ms > $2");
    let row = sql::one(connection, &text, vec![user_code.into(), signed(now_ms).into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The device with this secret.
pub async fn by_hash<C: ConnectionTrait>(
    connection: &C,
    hash: &Digest,
    now_ms: u64,
) -> Result<Option<DeviceRow>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM device_codes WHERE hash = $1 AND expires_at_ms > $2");
    let row = sql::one(connection, &text, vec![hash.0.to_vec().into(), signed(now_ms).into()]).await?;
    row.as_ref().map(read).transpose()
}

/// An account decides. False where somebody has already, or the code has ended.
pub async fn decide<C: ConnectionTrait>(
    connection: &C,
    id: i64,
    account_id: i64,
    approve: bool,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let text = "UPDATE device_codes SET state = $3, account_id = $2 \
                WHERE id = $1 AND state = 0 AND expires_at_ms > $4";
    let state = if approve { 1i64 } else { 2 };
    let values = vec![id.into(), account_id.into(), state.into(), signed(now_ms).into()];
    Ok(sql::execute(connection, text, values).await? == 1)
}

/// Use a device's code up. False where it was used before.
pub async fn delete<C: ConnectionTrait>(connection: &C, id: i64) -> Result<bool, StoreError> {
    Ok(sql::execute(connection, "DELETE FROM device_codes WHERE id = $1", vec![id.into()]).await? == 1)
}

/// Forget those that ended.
pub async fn tidy<C: ConnectionTrait>(connection: &C, now_ms: u64) -> Result<u64, StoreError> {
    sql::execute(connection, "DELETE FROM device_codes WHERE expires_at_ms <= $1", vec![signed(now_ms).into()]).await
}

//! What an account logs in with: address, password, second factor, recovery codes. Never printed.

use fallow_protocol::Digest;
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::accounts::{self, Account};
use super::sql::{self, signed};
use super::{StoreError, links, sessions, tokens};

/// An account with its secrets, as far as they are kept.
#[derive(Clone)]
pub struct Person {
    /// The account.
    pub account: Account,
    /// Its password's hash in PHC form.
    pub password: Option<String>,
    /// Its encrypted second factor.
    pub totp: Option<Vec<u8>>,
    /// One that is not confirmed yet.
    pub totp_next: Option<Vec<u8>>,
    /// The newest step of time whose code was used.
    pub totp_step: u64,
}

async fn find<C: ConnectionTrait>(connection: &C, wanted: &str, value: Value) -> Result<Option<Person>, StoreError> {
    let text = format!("SELECT id, password, totp, totp_next, totp_step FROM accounts WHERE {wanted} = $1");
    let Some(row) = sql::one(connection, &text, vec![value]).await? else { return Ok(None) };
    let account = accounts::by_id(connection, sql::get(&row, "id")?).await?;
    account.map(|account| read(&row, account)).transpose()
}

fn read(row: &QueryResult, account: Account) -> Result<Person, StoreError> {
    Ok(Person {
        account,
        password: sql::get(row, "password")?,
        totp: sql::get(row, "totp")?,
        totp_next: sql::get(row, "totp_next")?,
        totp_step: sql::unsigned(row, "totp_step")?,
    })
}

/// By its internal id.
pub async fn by_id<C: ConnectionTrait>(connection: &C, id: i64) -> Result<Option<Person>, StoreError> {
    find(connection, "id", id.into()).await
}

/// By an address in the form in which addresses are compared.
pub async fn by_email<C: ConnectionTrait>(connection: &C, email_key: &str) -> Result<Option<Person>, StoreError> {
    find(connection, "email_key", email_key.into()).await
}

/// By its name.
pub async fn by_name<C: ConnectionTrait>(connection: &C, name: &str) -> Result<Option<Person>, StoreError> {
    find(connection, "name", name.into()).await
}

/// Give an account a password's hash.
pub async fn set_password<C: ConnectionTrait>(connection: &C, id: i64, password: &str) -> Result<(), StoreError> {
    let text = "UPDATE accounts SET password = $2 WHERE id = $1";
    sql::execute(connection, text, vec![id.into(), password.into()]).await.map(drop)
}

/// Give an account an address; confirmed at a time, or not yet. False where another account has it.
pub async fn set_email<C: ConnectionTrait>(
    connection: &C,
    id: i64,
    email: &str,
    email_key: &str,
    confirmed_at_ms: Option<u64>,
) -> Result<bool, StoreError> {
    let text = "UPDATE accounts SET email = $2, email_key = $3, email_confirmed_at_ms = $4 WHERE id = $1 \
                AND NOT EXISTS (SELECT 1 FROM accounts WHERE email_key = $3 AND id <> $1)";
    let values = vec![id.into(), email.into(), email_key.into(), confirmed_at_ms.map(signed).into()];
    Ok(sql::execute(connection, text, values).await? == 1)
}

/// Keep a second factor that is not confirmed yet.
pub async fn offer_totp<C: ConnectionTrait>(connection: &C, id: i64, sealed: Vec<u8>) -> Result<(), StoreError> {
    let text = "UPDATE accounts SET totp_next = $2 WHERE id = $1";
    sql::execute(connection, text, vec![id.into(), sealed.into()]).await.map(drop)
}

/// The offered second factor counts from now on, with these recovery codes.
pub async fn take_totp<C: ConnectionTrait>(
    connection: &C,
    id: i64,
    step: u64,
    recovery: &[Digest],
) -> Result<bool, StoreError> {
    let text = "UPDATE accounts SET totp = totp_next, totp_next = NULL, totp_step = $2 \
                WHERE id = $1 AND totp_next IS NOT NULL";
    if sql::execute(connection, text, vec![id.into(), signed(step).into()]).await? == 0 {
        return Ok(false);
    }
    forget_recovery(connection, id).await?;
    for hash in recovery {
        let text = "INSERT INTO recovery_codes (account_id, hash) VALUES ($1, $2)";
        sql::execute(connection, text, vec![id.into(), hash.0.to_vec().into()]).await?;
    }
    Ok(true)
}

/// An account has no second factor any more.
pub async fn drop_totp<C: ConnectionTrait>(connection: &C, id: i64) -> Result<(), StoreError> {
    let text = "UPDATE accounts SET totp = NULL, totp_next = NULL WHERE id = $1";
    sql::execute(connection, text, vec![id.into()]).await?;
    forget_recovery(connection, id).await
}

async fn forget_recovery<C: ConnectionTrait>(connection: &C, id: i64) -> Result<(), StoreError> {
    sql::execute(connection, "DELETE FROM recovery_codes WHERE account_id = $1", vec![id.into()]).await.map(drop)
}

/// Use the code of a step of time. False where it, or a newer one, was used before.
pub async fn use_step<C: ConnectionTrait>(connection: &C, id: i64, step: u64) -> Result<bool, StoreError> {
    let text = "UPDATE accounts SET totp_step = $2 WHERE id = $1 AND totp_step < $2";
    Ok(sql::execute(connection, text, vec![id.into(), signed(step).into()]).await? == 1)
}

/// Use a recovery code up. False where there is none.
pub async fn use_recovery<C: ConnectionTrait>(connection: &C, id: i64, hash: &Digest) -> Result<bool, StoreError> {
    let text = "DELETE FROM recovery_codes WHERE account_id = $1 AND hash = $2";
    Ok(sql::execute(connection, text, vec![id.into(), hash.0.to_vec().into()]).await? == 1)
}

/// Forget who an account was: its name becomes `name`, everything that it logs in with ends, its nodes are removed.
/// The internal ids of these nodes. Jobs, blobs and movements of credits stay until they are forgotten as others are.
pub async fn forget<C: ConnectionTrait>(
    connection: &C,
    id: i64,
    name: &str,
    now_ms: u64,
) -> Result<Vec<i64>, StoreError> {
    let now = signed(now_ms);
    let text = "UPDATE accounts SET name = $2, email = NULL, email_key = NULL, email_confirmed_at_ms = NULL, \
                password = NULL, totp = NULL, totp_next = NULL, role = 'user', fuel_quota = 0, deleted_at_ms = $3 \
                WHERE id = $1";
    sql::execute(connection, text, vec![id.into(), name.into(), now.into()]).await?;
    sessions::delete_others(connection, id, None).await?;
    tokens::delete_all(connection, id).await?;
    links::delete_all(connection, id).await?;
    forget_recovery(connection, id).await?;
    for table in ["join_tokens", "author_keys", "device_codes"] {
        sql::execute(connection, &format!("DELETE FROM {table} WHERE account_id = $1"), vec![id.into()]).await?;
    }
    let text = "UPDATE nodes SET name = 'removed', revoked_at_ms = COALESCE(revoked_at_ms, $2) \
                WHERE account_id = $1 RETURNING id";
    let rows = sql::all(connection, text, vec![id.into(), now.into()]).await?;
    rows.iter().map(|row| sql::get(row, "id")).collect()
}

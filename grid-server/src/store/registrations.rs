//! Registrations that wait until somebody follows the link that was sent. An account is made only then.

use fallow_protocol::Digest;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::sql::{self, signed};

/// A registration.
#[derive(Clone)]
pub struct Registration {
    /// BLAKE3 of the link's token.
    pub hash: Digest,
    /// Wished name.
    pub name: String,
    /// Address as it was typed.
    pub email: String,
    /// Address in the form in which addresses are compared.
    pub email_key: String,
    /// The password's hash in PHC form.
    pub password: String,
    /// When.
    pub created_at_ms: u64,
    /// End of the link's life.
    pub expires_at_ms: u64,
}

fn read(row: &QueryResult) -> Result<Registration, StoreError> {
    Ok(Registration {
        hash: sql::digest(row, "hash")?,
        name: sql::get(row, "name")?,
        email: sql::get(row, "email")?,
        email_key: sql::get(row, "email_key")?,
        password: sql::get(row, "password")?,
        created_at_ms: sql::unsigned(row, "created_at_ms")?,
        expires_at_ms: sql::unsigned(row, "expires_at_ms")?,
    })
}

const COLUMNS: &str = "hash, name, email, email_key, password, created_at_ms, expires_at_ms";

/// Whether an account has the name, or a registration of another address waits for it.
pub async fn name_taken<C: ConnectionTrait>(
    connection: &C,
    name: &str,
    email_key: &str,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let text = "SELECT 1 AS one FROM accounts WHERE name = $1 UNION ALL \
                SELECT 1 AS one FROM registrations WHERE name = $1 AND email_key <> $2 AND expires_at_ms > $3 LIMIT 1";
    let values = vec![name.into(), email_key.into(), signed(now_ms).into()];
    Ok(sql::one(connection, text, values).await?.is_some())
}

/// Keep a registration. False where the address, or the whole grid, has too many that wait.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    new: &Registration,
    most_of_address: u64,
    most: u64,
) -> Result<bool, StoreError> {
    let text = "INSERT INTO registrations (hash, name, email, email_key, password, created_at_ms, expires_at_ms) \
                SELECT $1, $2, $3, $4, $5, $6, $7 \
                WHERE (SELECT COUNT(*) FROM registrations WHERE email_key = $4) < $8 \
                AND (SELECT COUNT(*) FROM registrations) < $9";
    let values = vec![
        new.hash.0.to_vec().into(),
        new.name.as_str().into(),
        new.email.as_str().into(),
        new.email_key.as_str().into(),
        new.password.as_str().into(),
        signed(new.created_at_ms).into(),
        signed(new.expires_at_ms).into(),
        signed(most_of_address).into(),
        signed(most).into(),
    ];
    Ok(sql::execute(connection, text, values).await? == 1)
}

/// The registration with this hash that has not ended.
pub async fn by_hash<C: ConnectionTrait>(
    connection: &C,
    hash: &Digest,
    now_ms: u64,
) -> Result<Option<Registration>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM registrations WHERE hash = $1 AND expires_at_ms > $2");
    let row = sql::one(connection, &text, vec![hash.0.to_vec().into(), signed(now_ms).into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The newest registration that waits, by address or by name.
pub async fn waiting<C: ConnectionTrait>(
    connection: &C,
    email_key: &str,
    name: &str,
    now_ms: u64,
) -> Result<Option<Registration>, StoreError> {
    let text = format!(
        "SELECT {COLUMNS} FROM registrations WHERE (email_key = $1 OR name = $2) AND expires_at_ms > $3 \
         ORDER BY id DESC LIMIT 1"
    );
    let row = sql::one(connection, &text, vec![email_key.into(), name.into(), signed(now_ms).into()]).await?;
    row.as_ref().map(read).transpose()
}

/// Forget all registrations of an address: it has an account now.
pub async fn delete_of<C: ConnectionTrait>(connection: &C, email_key: &str) -> Result<(), StoreError> {
    sql::execute(connection, "DELETE FROM registrations WHERE email_key = $1", vec![email_key.into()]).await.map(drop)
}

/// Forget those that ended.
pub async fn tidy<C: ConnectionTrait>(connection: &C, now_ms: u64) -> Result<u64, StoreError> {
    let text = "DELETE FROM registrations WHERE expires_at_ms <= $1";
    sql::execute(connection, text, vec![signed(now_ms).into()]).await
}

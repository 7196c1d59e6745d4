//! Modules that the grid accepted, by account and manifest digest.

use fallow_protocol::manifest::{Exports, Limits, Manifest, SignedManifest};
use fallow_protocol::{Digest, wire};
use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::StoreError;
use super::sql::{self, signed};

/// A signed manifest is far smaller.
const SIGNED_BYTES_MAX: usize = 64 * 1024;

/// A module.
#[derive(Clone, Debug)]
pub struct ModuleRow {
    /// Id within the database.
    pub id: i64,
    /// Internal id of the account that registered it.
    pub account: i64,
    /// Digest of the manifest's bytes.
    pub digest: Digest,
    /// The component as it was uploaded.
    pub component: Digest,
    /// The plain build of what nodes execute.
    pub executed: Digest,
    /// Length of the component, bytes.
    pub bytes: u64,
    /// What it exports.
    pub exports: Exports,
    /// Most that a job may allow its units.
    pub limits: Limits,
    /// The manifest with both signatures.
    pub signed: SignedManifest,
    /// Nodes refuse it from then on.
    pub expires_at_ms: u64,
}

impl ModuleRow {
    /// What author and grid signed.
    pub fn manifest(&self) -> Result<Manifest, StoreError> {
        wire::decode(&self.signed.authored.bytes, SIGNED_BYTES_MAX).map_err(|_| StoreError::Corrupt("a manifest"))
    }
}

const COLUMNS: &str = "id, account_id, digest, component, executed, bytes, exports, limits, signed, expires_at_ms";

fn read(row: &QueryResult) -> Result<ModuleRow, StoreError> {
    let json = |column: &'static str| sql::get::<String>(row, column);
    let signed = wire::decode(&sql::get::<Vec<u8>>(row, "signed")?, SIGNED_BYTES_MAX);
    Ok(ModuleRow {
        id: sql::get(row, "id")?,
        account: sql::get(row, "account_id")?,
        digest: sql::digest(row, "digest")?,
        component: sql::digest(row, "component")?,
        executed: sql::digest(row, "executed")?,
        bytes: sql::unsigned(row, "bytes")?,
        exports: serde_json::from_str(&json("exports")?).map_err(|_| StoreError::Corrupt("exports"))?,
        limits: serde_json::from_str(&json("limits")?).map_err(|_| StoreError::Corrupt("limits"))?,
        signed: signed.map_err(|_| StoreError::Corrupt("signed"))?,
        expires_at_ms: sql::unsigned(row, "expires_at_ms")?,
    })
}

/// The module of an account with this manifest digest.
pub async fn by_digest<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    digest: &Digest,
) -> Result<Option<ModuleRow>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM modules WHERE account_id = $1 AND digest = $2");
    let row = sql::one(connection, &text, vec![account_id.into(), digest.0.to_vec().into()]).await?;
    row.as_ref().map(read).transpose()
}

/// Whether one of an account's modules is made of this blob.
pub async fn names<C: ConnectionTrait>(connection: &C, account_id: i64, blob: &Digest) -> Result<bool, StoreError> {
    let text = "SELECT 1 FROM modules WHERE account_id = $1 AND (component = $2 OR executed = $2) LIMIT 1";
    Ok(sql::one(connection, text, vec![account_id.into(), blob.0.to_vec().into()]).await?.is_some())
}

/// Keep a module; it stays as it is where it is known.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    manifest: &Manifest,
    signed_manifest: &SignedManifest,
    bytes: u64,
    exports: &Exports,
    now_ms: u64,
) -> Result<(), StoreError> {
    let values: Vec<Value> = vec![
        account_id.into(),
        Digest::of(&signed_manifest.authored.bytes).0.to_vec().into(),
        manifest.component.0.to_vec().into(),
        manifest.executed.plain.0.to_vec().into(),
        signed(bytes).into(),
        json(exports)?.into(),
        json(&manifest.limits)?.into(),
        wire::encode(signed_manifest).into(),
        signed(manifest.expires_at_ms).into(),
        signed(now_ms).into(),
    ];
    let text = "INSERT INTO modules (account_id, digest, component, executed, bytes, exports, limits, signed, \
                expires_at_ms, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                ON CONFLICT (account_id, digest) DO NOTHING";
    sql::execute(connection, text, values).await?;
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Corrupt("json"))
}

//! Modules that the grid accepted, by account and manifest digest.

use fallow_protocol::api::ModuleListed;
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

/// An account's modules, newest first, older than `before`, with their internal ids.
pub async fn page<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<(i64, ModuleListed)>, StoreError> {
    let text = "SELECT id, digest, component, bytes, exports, limits, expires_at_ms, created_at_ms, name, \
                (SELECT COUNT(*) FROM jobs WHERE jobs.account = $1 AND jobs.module = modules.digest) AS jobs, \
                (SELECT jobs.name FROM jobs WHERE jobs.account = $1 AND jobs.module = modules.digest \
                 ORDER BY jobs.id DESC LIMIT 1) AS job_name \
                FROM modules WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    let values = vec![account_id.into(), before.unwrap_or(i64::MAX).into(), signed(limit).into()];
    sql::all(connection, text, values).await?.iter().map(listed).collect()
}

fn listed(row: &QueryResult) -> Result<(i64, ModuleListed), StoreError> {
    let (name, job_name): (String, Option<String>) = (sql::get(row, "name")?, sql::get(row, "job_name")?);
    let module = ModuleListed {
        module: sql::digest(row, "digest")?,
        component: sql::digest(row, "component")?,
        name: if name.is_empty() { job_name.unwrap_or_default() } else { name },
        bytes: sql::unsigned(row, "bytes")?,
        exports: of_json(row, "exports")?,
        limits: of_json(row, "limits")?,
        created_at_ms: sql::unsigned(row, "created_at_ms")?,
        expires_at_ms: sql::unsigned(row, "expires_at_ms")?,
        jobs: sql::unsigned(row, "jobs")?,
        suspended: None,
    };
    Ok((sql::get(row, "id")?, module))
}

fn of_json<T: serde::de::DeserializeOwned>(row: &QueryResult, column: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(&sql::get::<String>(row, column)?).map_err(|_| StoreError::Corrupt(column))
}

/// Fuel of a unit on average in each of the newest jobs that ran this component.
pub async fn fuel_a_unit<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    component: &Digest,
    limit: u64,
) -> Result<Vec<u64>, StoreError> {
    let text = "SELECT jobs.fuel / stages.done AS fuel FROM jobs JOIN stages ON stages.job = jobs.id AND stages.stage = 1 \
                WHERE jobs.account = $1 AND stages.done > 0 AND jobs.module IN \
                    (SELECT digest FROM modules WHERE account_id = $1 AND component = $2) \
                ORDER BY jobs.id DESC LIMIT $3";
    let values = vec![account_id.into(), component.0.to_vec().into(), signed(limit).into()];
    sql::all(connection, text, values).await?.iter().map(|row| sql::unsigned(row, "fuel")).collect()
}

/// Keep a module; it stays as it is where it is known.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    account_id: i64,
    manifest: &Manifest,
    signed_manifest: &SignedManifest,
    bytes: u64,
    exports: &Exports,
    name: &str,
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
        name.into(),
    ];
    let text = "INSERT INTO modules (account_id, digest, component, executed, bytes, exports, limits, signed, \
                expires_at_ms, created_at_ms, name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
                ON CONFLICT (account_id, digest) DO NOTHING";
    sql::execute(connection, text, values).await?;
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Corrupt("json"))
}

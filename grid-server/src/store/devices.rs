//! What a device's owner chose, on the portal and at the computer, as JSON in the node's row; reports of programs.

use std::collections::HashMap;

use fallow_protocol::api::Who;
use fallow_protocol::link::{OwnerWord, RemotePause};
use fallow_protocol::preferences::Preferences;
use fallow_protocol::{Digest, JobId};
use sea_orm::{ConnectionTrait, QueryResult};
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::batch::{Rows, int, list, statement};

/// What was chosen on the portal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What the owner allows; none where he never chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Preferences>,
    /// Whose work the device takes.
    pub who: Who,
    /// Not of these accounts.
    pub not_authors: Vec<i64>,
    /// Not these modules.
    pub not_modules: Vec<Digest>,
    /// The pause in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<RemotePause>,
}

/// Both sides of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// On the portal.
    pub settings: Settings,
    /// At the computer.
    pub word: OwnerWord,
}

/// What was chosen for a node.
pub async fn chosen(db: &impl ConnectionTrait, node: i64) -> Result<Chosen, StoreError> {
    const CHOSEN: &str = "SELECT settings, word FROM nodes WHERE id = $1";
    let row = db.query_one_raw(statement(db.get_database_backend(), CHOSEN, vec![node.into()])).await?;
    row.as_ref().map_or_else(|| Ok(Chosen::default()), read)
}

fn read(row: &QueryResult) -> Result<Chosen, StoreError> {
    let (settings, word): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    let corrupt = |_| StoreError::Corrupt("a device's settings");
    Ok(Chosen {
        settings: serde_json::from_str(&settings).map_err(corrupt)?,
        word: serde_json::from_str(&word).map_err(corrupt)?,
    })
}

/// Keep what was chosen on the portal.
pub async fn put_settings(db: &impl ConnectionTrait, node: i64, settings: &Settings) -> Result<(), StoreError> {
    const PUT: &str = "UPDATE nodes SET settings = $2 WHERE id = $1";
    put(db, PUT, node, serde_json::to_string(settings)).await
}

/// Keep what was chosen at the computer.
pub async fn put_word(db: &impl ConnectionTrait, node: i64, word: &OwnerWord) -> Result<(), StoreError> {
    const PUT: &str = "UPDATE nodes SET word = $2 WHERE id = $1";
    put(db, PUT, node, serde_json::to_string(word)).await
}

async fn put(
    db: &impl ConnectionTrait,
    text: &str,
    node: i64,
    json: Result<String, serde_json::Error>,
) -> Result<(), StoreError> {
    let json = json.map_err(|_| StoreError::Corrupt("a device's settings"))?;
    db.execute_raw(statement(db.get_database_backend(), text, vec![node.into(), json.into()])).await?;
    Ok(())
}

/// Internal ids of accounts by their names; names that nobody has are missing.
pub async fn account_ids(db: &impl ConnectionTrait, names: &[String]) -> Result<HashMap<String, i64>, StoreError> {
    const IDS: &str = "SELECT name, id FROM accounts WHERE name IN (SELECT {text:0} FROM {rows:1})";
    let mut rows = Rows::with_capacity(names.len(), 40);
    for name in names {
        rows.row().text(Some(name));
    }
    let found = db.query_all_raw(statement(db.get_database_backend(), IDS, vec![rows.value()])).await?;
    found.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// Names of accounts.
pub async fn account_names(db: &impl ConnectionTrait, ids: &[i64]) -> Result<Vec<String>, StoreError> {
    const NAMES: &str = "SELECT name FROM accounts WHERE id IN {list:1} ORDER BY name";
    let values = vec![list(ids.iter().map(|id| id.unsigned_abs()))];
    let rows = db.query_all_raw(statement(db.get_database_backend(), NAMES, values)).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// What somebody says of a program.
#[derive(Clone, Debug)]
pub struct Report {
    /// Who.
    pub account: i64,
    /// Of which module.
    pub module: Option<Digest>,
    /// Of which job.
    pub job: Option<JobId>,
    /// What.
    pub note: String,
    /// When.
    pub made_at_ms: u64,
}

/// Keep a report, unless the account made `most` since `since_ms`; whether it was kept.
pub async fn report(db: &impl ConnectionTrait, report: &Report, since_ms: u64, most: u64) -> Result<bool, StoreError> {
    const PUT: &str = "INSERT INTO reports (account, module, job, note, made_at_ms) SELECT $1, $2, $3, $4, $5
        WHERE (SELECT COUNT(*) FROM reports WHERE account = $1 AND made_at_ms >= $6) < $7";
    let values = vec![
        report.account.into(),
        report.module.map(|module| module.0.to_vec()).into(),
        report.job.as_ref().map(|job| job.as_str().to_owned()).into(),
        report.note.clone().into(),
        int(report.made_at_ms).into(),
        int(since_ms).into(),
        int(most).into(),
    ];
    Ok(db.execute_raw(statement(db.get_database_backend(), PUT, values)).await?.rows_affected() == 1)
}

/// Whether there is such a module or job, of whichever account.
pub async fn is_known(
    db: &impl ConnectionTrait,
    module: Option<&Digest>,
    job: Option<&JobId>,
) -> Result<bool, StoreError> {
    const MODULE: &str = "SELECT 1 FROM modules WHERE digest = $1 LIMIT 1";
    const JOB: &str = "SELECT 1 FROM jobs WHERE public_id = $1 LIMIT 1";
    let backend = db.get_database_backend();
    if let Some(module) = module {
        let asked = statement(backend, MODULE, vec![module.0.to_vec().into()]);
        if db.query_one_raw(asked).await?.is_none() {
            return Ok(false);
        }
    }
    let Some(job) = job else { return Ok(true) };
    Ok(db.query_one_raw(statement(backend, JOB, vec![job.as_str().into()])).await?.is_some())
}

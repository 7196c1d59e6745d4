//! Forgetting jobs that ended long ago, a bounded number of rows at a time.

use std::collections::HashSet;

use fallow_protocol::Digest;
use fallow_protocol::job::JobSubmission;
use sea_orm::ConnectionTrait;

use super::batch::{int, statement};
use super::jobs::{self, JobRow};
use super::{StoreError, blobs, holdings, modules};

/// Jobs that ended before `before_ms`, oldest first, but those with results for which pay is still held.
pub async fn ended_before(db: &impl ConnectionTrait, before_ms: u64, limit: u64) -> Result<Vec<i64>, StoreError> {
    const ENDED: &str = "SELECT id FROM jobs WHERE ended_at_ms IS NOT NULL AND ended_at_ms < $1
            AND NOT EXISTS (SELECT 1 FROM holdings WHERE holdings.job = jobs.id AND holdings.state = 0)
        ORDER BY ended_at_ms LIMIT $2";
    let values = vec![int(before_ms).into(), int(limit).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), ENDED, values)).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

const TABLES: [&str; 3] = ["logs", "attempts", "checkpoints"];

/// Delete some of a job's rows, and what its account owns only through them; true once none are left and the job
/// itself is gone.
pub async fn forget_some(db: &impl ConnectionTrait, job: i64, rows: u64) -> Result<bool, StoreError> {
    let backend = db.get_database_backend();
    for table in TABLES {
        if delete_some(db, table, "", job, rows).await?.0 > 0 {
            return Ok(false);
        }
    }
    if holdings::forget_some(db, job, rows).await? > 0 {
        return Ok(false);
    }
    let Some(found) = jobs::by_id(db, job).await? else { return Ok(true) };
    let (deleted, blobs) = delete_some(db, "units", "RETURNING output_blob", job, rows).await?;
    for blob in &blobs {
        release(db, blob, found.account).await?;
    }
    if deleted > 0 || !release_files(db, &found, rows).await? {
        return Ok(false);
    }
    for text in [
        "DELETE FROM leases WHERE job = $1",
        "DELETE FROM stages WHERE job = $1",
        "DELETE FROM paces WHERE job = $1",
        "DELETE FROM idempotency WHERE job = $1",
        "DELETE FROM jobs WHERE id = $1",
    ] {
        db.execute_raw(statement(backend, text, vec![job.into()])).await?;
    }
    if let Some(result) = found.result {
        release(db, &result.digest, found.account).await?;
    }
    Ok(true)
}

/// Delete rows of a job; how many, and the blobs that they named.
async fn delete_some(
    db: &impl ConnectionTrait,
    table: &str,
    returning: &str,
    job: i64,
    rows: u64,
) -> Result<(u64, Vec<Digest>), StoreError> {
    let text = format!(
        "DELETE FROM {table} WHERE job = $1 AND (stage, seq) IN
            (SELECT stage, seq FROM {table} WHERE job = $1 ORDER BY stage, seq LIMIT $2) {returning}"
    );
    let asked = statement(db.get_database_backend(), &text, vec![job.into(), int(rows).into()]);
    if returning.is_empty() {
        return Ok((db.execute_raw(asked).await?.rows_affected(), Vec::new()));
    }
    let found = db.query_all_raw(asked).await?;
    let mut blobs = Vec::new();
    for row in &found {
        let blob: Option<Vec<u8>> = row.try_get_by_index(0)?;
        blobs.extend(blob.and_then(|bytes| Digest::from_slice(&bytes)));
    }
    Ok((found.len() as u64, blobs))
}

/// Jobs of an account that are read at once, to see what they name: submissions have up to a megabyte.
const NAMES_PAGE: u64 = 20;

/// A job's account does not own those inputs and shared files of it any more that none of its other jobs and modules
/// names. At most `rows` are given up; true once none are left.
async fn release_files(db: &impl ConnectionTrait, job: &JobRow, rows: u64) -> Result<bool, StoreError> {
    let mut unnamed: HashSet<Digest> = files(&job.submission).collect();
    let mut before = None;
    while !unnamed.is_empty() {
        let page = jobs::page(db, job.account, &jobs::Which::default(), before, NAMES_PAGE).await?;
        for other in page.iter().filter(|other| other.id != job.id) {
            let result = other.result.as_ref().map(|result| result.digest);
            for named in files(&other.submission).chain(result) {
                unnamed.remove(&named);
            }
        }
        match page.last() {
            Some(last) => before = Some(last.id),
            None => break,
        }
    }
    let mut released = 0;
    for digest in &unnamed {
        if released == rows {
            return Ok(false);
        }
        if !is_used(db, digest).await? && !modules::names(db, job.account, digest).await? {
            released += u64::from(blobs::disown(db, digest, job.account).await?);
        }
    }
    Ok(true)
}

fn files(submission: &JobSubmission) -> impl Iterator<Item = Digest> {
    submission.inputs.iter().chain(&submission.shared).map(|file| file.blob)
}

/// The account does not own a blob any more that none of its jobs has, as an output, as a result or as an input.
pub async fn release(db: &impl ConnectionTrait, digest: &Digest, account: i64) -> Result<(), StoreError> {
    let needed = is_used(db, digest).await?
        || modules::names(db, account, digest).await?
        || is_named(db, digest, account).await?;
    if !needed {
        blobs::disown(db, digest, account).await?;
    }
    Ok(())
}

/// Whether one of an account's jobs has it as its result or names it. Submissions are texts, so this reads all of the
/// account's jobs; it is asked once a blob of a job that is forgotten.
async fn is_named(db: &impl ConnectionTrait, digest: &Digest, account: i64) -> Result<bool, StoreError> {
    const NAMED: &str = "SELECT 1 FROM jobs WHERE account = $1 AND (result = $2 OR submission LIKE $3) LIMIT 1";
    let values = vec![account.into(), digest.0.to_vec().into(), format!("%{digest}%").into()];
    Ok(db.query_one_raw(statement(db.get_database_backend(), NAMED, values)).await?.is_some())
}

/// Whether a unit's output or a checkpoint is this blob.
pub async fn is_used(db: &impl ConnectionTrait, digest: &Digest) -> Result<bool, StoreError> {
    const UNITS: &str = "SELECT 1 FROM units WHERE output_blob IS NOT NULL AND output_blob = $1 LIMIT 1";
    const CHECKPOINTS: &str = "SELECT 1 FROM checkpoints WHERE blob = $1 LIMIT 1";
    for text in [UNITS, CHECKPOINTS] {
        let found =
            db.query_one_raw(statement(db.get_database_backend(), text, vec![digest.0.to_vec().into()])).await?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

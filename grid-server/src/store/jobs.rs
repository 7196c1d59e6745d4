//! Jobs: submitted once, listed, moved from phase to phase, ended.

use fallow_protocol::api::{JobPhase, ResultInfo};
use fallow_protocol::job::JobSubmission;
use fallow_protocol::{Digest, JobId};
use grid_core::life::Mask;
use grid_core::pricing::Price;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{int, list, statement};
use super::sql::plus;
use super::units::count;

/// A job's row.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Internal id; 0 before it is inserted.
    pub id: i64,
    /// Public id.
    pub public_id: JobId,
    /// The account.
    pub account: i64,
    /// What was asked for.
    pub submission: JobSubmission,
    /// Where it is.
    pub phase: JobPhase,
    /// Rises with every change.
    pub version: u64,
    /// Seed of the units' random streams.
    pub seed: u64,
    /// Where the guests' clocks begin.
    pub epoch_ms: u64,
    /// Shifts the numbers of attempts as nodes see them.
    pub mask: Mask,
    /// What its work costs, as it was when it was submitted; none where it costs nothing.
    pub price: Option<Price>,
    /// How often its result was corrected after it had been delivered.
    pub corrections: u64,
    /// What its author is told of that.
    pub notice: Option<String>,
    /// Fuel of accepted runs.
    pub fuel: u64,
    /// Submission.
    pub created_at_ms: u64,
    /// End.
    pub ended_at_ms: Option<u64>,
    /// The result.
    pub result: Option<ResultInfo>,
    /// Why it failed or was cancelled.
    pub error: Option<String>,
}

pub(super) fn phase_of(byte: i64) -> Result<JobPhase, StoreError> {
    use JobPhase::*;
    let phases = [Splitting, Running, Assembling, Done, Failed, Cancelled];
    let index = usize::try_from(byte).map_err(|_| StoreError::Corrupt("a job's phase"))?;
    phases.get(index).copied().ok_or(StoreError::Corrupt("a job's phase"))
}

const INSERT: &str = "INSERT INTO jobs (public_id, account, name, submission, module, phase, version, seed, epoch_ms,
        deadline_ms, fuel, created_at_ms, mask, price, project)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13, $14) RETURNING id";

/// Write a new job; gives its internal id.
pub async fn insert(db: &impl ConnectionTrait, job: &JobRow) -> Result<i64, StoreError> {
    let submission = serde_json::to_string(&job.submission).map_err(|_| StoreError::Corrupt("a submission"))?;
    let values = vec![
        job.public_id.as_str().into(),
        job.account.into(),
        job.submission.name.as_str().into(),
        submission.into(),
        job.submission.module.0.to_vec().into(),
        (job.phase as i64).into(),
        int(job.version).into(),
        (job.seed as i64).into(),
        int(job.epoch_ms).into(),
        job.submission.deadline_ms.map(int).into(),
        int(job.created_at_ms).into(),
        (job.mask.0 as i64).into(),
        job.price.map(|price| serde_json::json!(price).to_string()).into(),
        job.submission.project.clone().into(),
    ];
    let row = db.query_one_raw(statement(db.get_database_backend(), INSERT, values)).await?;
    Ok(row.ok_or(StoreError::Corrupt("a new job's id"))?.try_get_by_index(0)?)
}

/// Undo an insertion of the same transaction.
pub async fn delete(db: &impl ConnectionTrait, id: i64) -> Result<(), StoreError> {
    db.execute_raw(statement(db.get_database_backend(), "DELETE FROM jobs WHERE id = $1", vec![id.into()])).await?;
    Ok(())
}

const COLUMNS: &str = "SELECT id, public_id, account, submission, phase, version, seed, epoch_ms, fuel, created_at_ms,
        ended_at_ms, result, result_len, error, mask, price, corrections, notice FROM jobs";

/// A job by its public id, where it is this account's.
pub async fn by_public_id(db: &impl ConnectionTrait, account: i64, id: &JobId) -> Result<Option<JobRow>, StoreError> {
    let text = format!("{COLUMNS} WHERE public_id = $1 AND account = $2");
    let values = vec![id.as_str().into(), account.into()];
    let row = db.query_one_raw(statement(db.get_database_backend(), &text, values)).await?;
    row.as_ref().map(read).transpose()
}

/// The internal id of a job of whatever account.
pub async fn number_of(db: &impl ConnectionTrait, id: &JobId) -> Result<Option<i64>, StoreError> {
    const NUMBER: &str = "SELECT id FROM jobs WHERE public_id = $1";
    let row = db.query_one_raw(statement(db.get_database_backend(), NUMBER, vec![id.as_str().into()])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// A job by its internal id.
pub async fn by_id(db: &impl ConnectionTrait, id: i64) -> Result<Option<JobRow>, StoreError> {
    let text = format!("{COLUMNS} WHERE id = $1");
    let row = db.query_one_raw(statement(db.get_database_backend(), &text, vec![id.into()])).await?;
    row.as_ref().map(read).transpose()
}

/// Which of an account's jobs.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Only those of this project.
    pub project: Option<String>,
    /// Only those in this phase.
    pub phase: Option<JobPhase>,
}

/// An account's jobs, newest first, older than `before`.
pub async fn page(
    db: &impl ConnectionTrait,
    account: i64,
    which: &Which,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<JobRow>, StoreError> {
    let phases = which.phase.map_or((0, 5), |phase| (phase as i64, phase as i64));
    let of_project = if which.project.is_some() { "AND project = $6" } else { "" };
    let text = format!(
        "{COLUMNS} WHERE account = $1 AND id < $2 AND phase >= $3 AND phase <= $4 {of_project} ORDER BY id DESC LIMIT $5"
    );
    let mut values =
        vec![account.into(), before.unwrap_or(i64::MAX).into(), phases.0.into(), phases.1.into(), int(limit).into()];
    values.extend(which.project.clone().map(Into::into));
    let rows = db.query_all_raw(statement(db.get_database_backend(), &text, values)).await?;
    rows.iter().map(read).collect()
}

/// These jobs, where they are this account's.
pub async fn some(db: &impl ConnectionTrait, account: i64, ids: &[i64]) -> Result<Vec<JobRow>, StoreError> {
    let text = format!("{COLUMNS} WHERE account = $1 AND id IN {{list:2}}");
    let values = vec![account.into(), list(ids.iter().map(|id| id.unsigned_abs()))];
    let rows = db.query_all_raw(statement(db.get_database_backend(), &text, values)).await?;
    rows.iter().map(read).collect()
}

/// Jobs that have not ended, oldest first.
pub async fn active(db: &impl ConnectionTrait) -> Result<Vec<JobRow>, StoreError> {
    let text = format!("{COLUMNS} WHERE phase < 3 ORDER BY id");
    let rows = db.query_all_raw(statement(db.get_database_backend(), &text, Vec::new())).await?;
    rows.iter().map(read).collect()
}

/// A job's phase as this transaction sees it; none where there is no such job.
pub async fn phase(db: &impl ConnectionTrait, id: i64) -> Result<Option<JobPhase>, StoreError> {
    const PHASE: &str = "SELECT phase FROM jobs WHERE id = $1";
    let row = db.query_one_raw(statement(db.get_database_backend(), PHASE, vec![id.into()])).await?;
    row.map(|row| phase_of(row.try_get_by_index::<i64>(0)?)).transpose()
}

const SET_PHASE: &str = "UPDATE jobs SET phase = $2, version = $3 WHERE id = $1 AND phase < $2";

/// Raise a job's phase among those that are not the end. False where it was there already, or has ended.
pub async fn raise_phase(
    db: &impl ConnectionTrait,
    id: i64,
    phase: JobPhase,
    version: u64,
) -> Result<bool, StoreError> {
    let values = vec![id.into(), (phase as i64).into(), int(version).into()];
    Ok(db.execute_raw(statement(db.get_database_backend(), SET_PHASE, values)).await?.rows_affected() == 1)
}

/// How a job ends.
#[derive(Clone, Debug)]
pub struct JobEnd {
    /// Done, failed or cancelled.
    pub phase: JobPhase,
    /// The new version.
    pub version: u64,
    /// When.
    pub at_ms: u64,
    /// Digest and length of the result.
    pub result: Option<(Digest, u64)>,
    /// Why there is none.
    pub error: Option<String>,
}

const END: &str = "UPDATE jobs SET phase = $2, version = $3, ended_at_ms = $4, result = $5, result_len = $6, error = $7
    WHERE id = $1 AND phase < 3";

/// End a job. False where it had ended before.
pub async fn end(db: &impl ConnectionTrait, id: i64, end: &JobEnd) -> Result<bool, StoreError> {
    let values = vec![
        id.into(),
        (end.phase as i64).into(),
        int(end.version).into(),
        int(end.at_ms).into(),
        end.result.map(|(digest, _)| digest.0.to_vec()).into(),
        end.result.map(|(_, len)| int(len)).into(),
        end.error.as_ref().map(|text| text.replace('\0', "\u{fffd}")).into(),
    ];
    Ok(db.execute_raw(statement(db.get_database_backend(), END, values)).await?.rows_affected() == 1)
}

/// Count a correction of a delivered result, and keep what its author is told.
pub async fn correct(db: &impl ConnectionTrait, id: i64, notice: &str) -> Result<(), StoreError> {
    const CORRECT: &str = "UPDATE jobs SET corrections = corrections + 1, notice = $2 WHERE id = $1";
    db.execute_raw(statement(db.get_database_backend(), CORRECT, vec![id.into(), notice.into()])).await?;
    Ok(())
}

const REOPEN: &str = "UPDATE jobs SET phase = $2, version = $3, ended_at_ms = NULL, result = NULL, result_len = NULL,
        error = NULL WHERE id = $1 AND phase = $4";

/// Send an ended job back to work. False where it is not in phase `from`.
pub async fn reopen(
    db: &impl ConnectionTrait,
    id: i64,
    from: JobPhase,
    to: JobPhase,
    version: u64,
) -> Result<bool, StoreError> {
    let values = vec![id.into(), (to as i64).into(), int(version).into(), (from as i64).into()];
    Ok(db.execute_raw(statement(db.get_database_backend(), REOPEN, values)).await?.rows_affected() == 1)
}

/// Add accepted fuel to a job and its account, in the transaction that accepts the runs.
pub async fn add_fuel(db: &impl ConnectionTrait, id: i64, account: i64, fuel: u64) -> Result<(), StoreError> {
    for (table, column, key) in [("jobs", "fuel", id), ("accounts", "fuel_used", account)] {
        let text = format!("UPDATE {table} SET {column} = {} WHERE id = $1", plus(column, 2));
        let values = vec![key.into(), int(fuel).into()];
        db.execute_raw(statement(db.get_database_backend(), &text, values)).await?;
    }
    Ok(())
}

/// Fuel that an account may use, and has used.
pub async fn quota(db: &impl ConnectionTrait, account: i64) -> Result<(u64, u64), StoreError> {
    const QUOTA: &str = "SELECT fuel_quota, fuel_used FROM accounts WHERE id = $1";
    let row = db.query_one_raw(statement(db.get_database_backend(), QUOTA, vec![account.into()])).await?;
    let row = row.ok_or(StoreError::Corrupt("an account"))?;
    Ok((count(&row, 0)?, count(&row, 1)?))
}

/// The submission that an idempotency key was used for: digest of its body, and the job.
pub async fn by_key(db: &impl ConnectionTrait, account: i64, key: &str) -> Result<Option<(Digest, i64)>, StoreError> {
    const BY_KEY: &str = "SELECT body, job FROM idempotency WHERE account = $1 AND key = $2";
    let values = vec![account.into(), key.into()];
    let Some(row) = db.query_one_raw(statement(db.get_database_backend(), BY_KEY, values)).await? else {
        return Ok(None);
    };
    let body: Vec<u8> = row.try_get_by_index(0)?;
    let body = Digest::from_slice(&body).ok_or(StoreError::Corrupt("a submission's digest"))?;
    Ok(Some((body, row.try_get_by_index(1)?)))
}

/// Keep an idempotency key with its job.
pub async fn put_key(
    db: &impl ConnectionTrait,
    account: i64,
    key: &str,
    body: &Digest,
    job: i64,
    now_ms: u64,
) -> Result<(), StoreError> {
    const PUT: &str = "INSERT INTO idempotency (account, key, body, job, created_at_ms) VALUES ($1, $2, $3, $4, $5)";
    let values = vec![account.into(), key.into(), body.0.to_vec().into(), job.into(), int(now_ms).into()];
    db.execute_raw(statement(db.get_database_backend(), PUT, values)).await?;
    Ok(())
}

fn read(row: &QueryResult) -> Result<JobRow, StoreError> {
    let public_id: String = row.try_get_by_index(1)?;
    let submission: String = row.try_get_by_index(3)?;
    let submission: JobSubmission =
        serde_json::from_str(&submission).map_err(|_| StoreError::Corrupt("a submission"))?;
    let seed: i64 = row.try_get_by_index(6)?;
    let ended_at_ms: Option<i64> = row.try_get_by_index(10)?;
    Ok(JobRow {
        id: row.try_get_by_index(0)?,
        public_id: public_id.parse().map_err(|_| StoreError::Corrupt("a job's id"))?,
        account: row.try_get_by_index(2)?,
        phase: phase_of(row.try_get_by_index(4)?)?,
        version: count(row, 5)?,
        seed: seed as u64,
        epoch_ms: count(row, 7)?,
        fuel: count(row, 8)?,
        created_at_ms: count(row, 9)?,
        ended_at_ms: ended_at_ms.map(|at| at.unsigned_abs()),
        result: result_of(row, &submission)?,
        error: row.try_get_by_index(13)?,
        mask: Mask(row.try_get_by_index::<i64>(14)? as u64),
        price: price_of(row.try_get_by_index(15)?)?,
        corrections: count(row, 16)?,
        notice: row.try_get_by_index(17)?,
        submission,
    })
}

fn price_of(text: Option<String>) -> Result<Option<Price>, StoreError> {
    let read = |text: String| serde_json::from_str(&text).map_err(|_| StoreError::Corrupt("a job's price"));
    text.map(read).transpose()
}

fn result_of(row: &QueryResult, submission: &JobSubmission) -> Result<Option<ResultInfo>, StoreError> {
    let digest: Option<Vec<u8>> = row.try_get_by_index(11)?;
    let Some(digest) = digest else { return Ok(None) };
    let digest = Digest::from_slice(&digest).ok_or(StoreError::Corrupt("a result's digest"))?;
    Ok(Some(ResultInfo { digest, len: count(row, 12)?, assemble: submission.assemble }))
}

/// Jobs of an account that have not ended.
pub async fn count_active(db: &impl ConnectionTrait, account: i64) -> Result<u64, StoreError> {
    const COUNT: &str = "SELECT count(*) FROM jobs WHERE phase < 3 AND account = $1";
    let row = db.query_one_raw(statement(db.get_database_backend(), COUNT, vec![account.into()])).await?;
    count(&row.ok_or(StoreError::Corrupt("a count"))?, 0)
}

//! Forgetting jobs that ended long ago, a bounded number of rows at a time.

use fallow_protocol::Digest;
use sea_orm::ConnectionTrait;

use super::StoreError;
use super::batch::{int, statement};

/// Jobs that ended before `before_ms`, oldest first.
pub async fn ended_before(db: &impl ConnectionTrait, before_ms: u64, limit: u64) -> Result<Vec<i64>, StoreError> {
    const ENDED: &str = "SELECT id FROM jobs WHERE ended_at_ms IS NOT NULL AND ended_at_ms < $1
        ORDER BY ended_at_ms LIMIT $2";
    let values = vec![int(before_ms).into(), int(limit).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), ENDED, values)).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

const TABLES: [&str; 4] = ["logs", "attempts", "checkpoints", "units"];

/// Delete some of a job's rows; true once none are left and the job itself is gone.
pub async fn forget_some(db: &impl ConnectionTrait, job: i64, rows: u64) -> Result<bool, StoreError> {
    let backend = db.get_database_backend();
    for table in TABLES {
        let text = format!(
            "DELETE FROM {table} WHERE job = $1 AND (stage, seq) IN
                (SELECT stage, seq FROM {table} WHERE job = $1 ORDER BY stage, seq LIMIT $2)"
        );
        let values = vec![job.into(), int(rows).into()];
        if db.execute_raw(statement(backend, &text, values)).await?.rows_affected() > 0 {
            return Ok(false);
        }
    }
    for text in [
        "DELETE FROM leases WHERE job = $1",
        "DELETE FROM stages WHERE job = $1",
        "DELETE FROM idempotency WHERE job = $1",
        "DELETE FROM jobs WHERE id = $1",
    ] {
        db.execute_raw(statement(backend, text, vec![job.into()])).await?;
    }
    Ok(true)
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

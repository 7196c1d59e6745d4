//! How many units of a job ended when: counted in buckets that get longer as the job gets older, in the transaction
//! that ends the units. A job of a month has some hundreds of them.

use sea_orm::ConnectionTrait;

use super::StoreError;
use super::batch::{int, statement};
use super::units::count;

/// A bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Where it begins, milliseconds since 1970.
    pub at_ms: u64,
    /// Units done in it.
    pub done: u64,
    /// Units that finally failed in it.
    pub failed: u64,
}

const ADD: &str = "INSERT INTO paces (job, at_ms, done, failed) VALUES ($1, $2, $3, $4)
    ON CONFLICT (job, at_ms) DO UPDATE SET done = paces.done + excluded.done, failed = paces.failed + excluded.failed";

/// Count units that ended.
pub async fn add(db: &impl ConnectionTrait, job: i64, pace: &Pace) -> Result<(), StoreError> {
    let values = vec![job.into(), int(pace.at_ms).into(), int(pace.done).into(), int(pace.failed).into()];
    db.execute_raw(statement(db.get_database_backend(), ADD, values)).await?;
    Ok(())
}

/// Buckets of a job in order, the first `limit` of them.
pub async fn of_job(db: &impl ConnectionTrait, job: i64, limit: u64) -> Result<Vec<Pace>, StoreError> {
    const OF_JOB: &str = "SELECT at_ms, done, failed FROM paces WHERE job = $1 ORDER BY at_ms LIMIT $2";
    let values = vec![job.into(), int(limit).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), OF_JOB, values)).await?;
    rows.iter().map(|row| Ok(Pace { at_ms: count(row, 0)?, done: count(row, 1)?, failed: count(row, 2)? })).collect()
}

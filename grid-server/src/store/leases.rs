//! Leases: which node holds which run of units, and until when.

use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{Rows, int, list, statement};
use super::units::count;

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRow {
    /// Its number.
    pub id: u64,
    /// The node.
    pub node: i64,
    /// The job.
    pub job: i64,
    /// The stage.
    pub stage: u16,
    /// First unit that it was given for.
    pub first_seq: u64,
    /// Last unit that it was given for; not all between need be its own.
    pub last_seq: u64,
    /// End, milliseconds since 1970.
    pub expires_at_ms: u64,
}

const INSERT: &str = "INSERT INTO leases (id, node, job, stage, first_seq, last_seq, expires_at_ms)
    SELECT {int:0}, {int:1}, {int:2}, {int:3}, {int:4}, {int:5}, {int:6} FROM {rows:1}";

/// Write new leases.
pub async fn insert(db: &impl ConnectionTrait, leases: &[LeaseRow]) -> Result<(), StoreError> {
    let mut rows = Rows::with_capacity(leases.len(), 80);
    for lease in leases {
        rows.row()
            .count(lease.id)
            .int(lease.node)
            .int(lease.job)
            .int(i64::from(lease.stage))
            .count(lease.first_seq)
            .count(lease.last_seq)
            .count(lease.expires_at_ms);
    }
    if rows.len() > 0 {
        db.execute_raw(statement(db.get_database_backend(), INSERT, vec![rows.value()])).await?;
    }
    Ok(())
}

/// Let leases end later.
pub async fn renew(db: &impl ConnectionTrait, ids: &[u64], expires_at_ms: u64) -> Result<(), StoreError> {
    const RENEW: &str = "UPDATE leases SET expires_at_ms = $1 WHERE id IN {list:2}";
    let values = vec![int(expires_at_ms).into(), list(ids.iter().copied())];
    db.execute_raw(statement(db.get_database_backend(), RENEW, values)).await?;
    Ok(())
}

/// Forget leases that hold nothing any more.
pub async fn delete(db: &impl ConnectionTrait, ids: &[u64]) -> Result<(), StoreError> {
    const DELETE: &str = "DELETE FROM leases WHERE id IN {list:1}";
    if !ids.is_empty() {
        let values = vec![list(ids.iter().copied())];
        db.execute_raw(statement(db.get_database_backend(), DELETE, values)).await?;
    }
    Ok(())
}

const ALL: &str = "SELECT id, node, job, stage, first_seq, last_seq, expires_at_ms FROM leases ORDER BY id";

/// All leases: bounded by what the connected nodes may hold.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<LeaseRow>, StoreError> {
    let rows = db.query_all_raw(statement(db.get_database_backend(), ALL, Vec::new())).await?;
    rows.iter().map(read).collect()
}

const OF_JOB: &str = "SELECT id, node, job, stage, first_seq, last_seq, expires_at_ms FROM leases WHERE job = $1";

/// Leases of one job.
pub async fn of_job(db: &impl ConnectionTrait, job: i64) -> Result<Vec<LeaseRow>, StoreError> {
    let rows = db.query_all_raw(statement(db.get_database_backend(), OF_JOB, vec![job.into()])).await?;
    rows.iter().map(read).collect()
}

fn read(row: &QueryResult) -> Result<LeaseRow, StoreError> {
    Ok(LeaseRow {
        id: count(row, 0)?,
        node: row.try_get_by_index(1)?,
        job: row.try_get_by_index(2)?,
        stage: count(row, 3)? as u16,
        first_seq: count(row, 4)?,
        last_seq: count(row, 5)?,
        expires_at_ms: count(row, 6)?,
    })
}

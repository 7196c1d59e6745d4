//! The newest checkpoint of each running unit.

use fallow_protocol::Digest;
use fallow_protocol::link::CheckpointRef;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{int, list, statement};
use super::units::count;

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointRow {
    /// The unit's stage.
    pub stage: u16,
    /// The unit.
    pub seq: u64,
    /// The attempt that made it.
    pub attempt: u32,
    /// The node that made it.
    pub node: i64,
    /// The node that made the first in this line of checkpoints: what it says went into all later ones.
    pub origin: i64,
    /// The state.
    pub blob: Digest,
    /// Its length, bytes.
    pub len: u64,
    /// Fuel used when it was made.
    pub fuel: u64,
}

const PUT: &str = "INSERT INTO checkpoints (job, stage, seq, attempt, node, origin, blob, len, fuel)
    SELECT job, stage, seq, attempt, node, node, $6, $7, $8 FROM units
    WHERE job = $1 AND stage = $2 AND seq = $3 AND attempt = $4 AND node = $5 AND state = 1
    ON CONFLICT (job, stage, seq) DO UPDATE SET attempt = excluded.attempt, node = excluded.node,
        blob = excluded.blob, len = excluded.len, fuel = excluded.fuel
    WHERE checkpoints.fuel <= excluded.fuel";

/// Keep a checkpoint, where its attempt is the running one and it is no step back. False where not.
pub async fn put(db: &impl ConnectionTrait, job: i64, checkpoint: &CheckpointRow) -> Result<bool, StoreError> {
    let values = vec![
        job.into(),
        i64::from(checkpoint.stage).into(),
        int(checkpoint.seq).into(),
        i64::from(checkpoint.attempt).into(),
        checkpoint.node.into(),
        checkpoint.blob.0.to_vec().into(),
        int(checkpoint.len).into(),
        int(checkpoint.fuel).into(),
    ];
    Ok(db.execute_raw(statement(db.get_database_backend(), PUT, values)).await?.rows_affected() == 1)
}

const OF_UNITS: &str = "SELECT stage, seq, attempt, node, blob, len, fuel, COALESCE(origin, node) FROM checkpoints
    WHERE job = $1 AND stage = $2 AND seq IN {list:3}";

/// Checkpoints of these units.
pub async fn of_units(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    seqs: &[u64],
) -> Result<Vec<CheckpointRow>, StoreError> {
    let values = vec![job.into(), i64::from(stage).into(), list(seqs.iter().copied())];
    let rows = db.query_all_raw(statement(db.get_database_backend(), OF_UNITS, values)).await?;
    rows.iter().map(read).collect()
}

const RESUMABLE: &str =
    "SELECT c.seq, c.blob, c.len, c.fuel, n.public_id FROM checkpoints c JOIN nodes n ON n.id = c.node
    JOIN nodes o ON o.id = COALESCE(c.origin, c.node)
    WHERE c.job = $1 AND c.stage = $2 AND (o.account_id = $4 OR $5) AND c.seq IN {list:3}";

/// Checkpoints of these units as a lease names them, by unit. Their makers may be long gone. `owner`: only those that
/// rest on nodes of this account, where one is given.
pub async fn resumable(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    seqs: &[u64],
    owner: Option<i64>,
) -> Result<Vec<(u64, CheckpointRef)>, StoreError> {
    let seqs = list(seqs.iter().copied());
    let values =
        vec![job.into(), i64::from(stage).into(), seqs, owner.unwrap_or_default().into(), owner.is_none().into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), RESUMABLE, values)).await?;
    rows.iter().map(reference).collect()
}

fn reference(row: &QueryResult) -> Result<(u64, CheckpointRef), StoreError> {
    let blob: Vec<u8> = row.try_get_by_index(1)?;
    let made_by: String = row.try_get_by_index(4)?;
    let reference = CheckpointRef {
        blob: Digest::from_slice(&blob).ok_or(StoreError::Corrupt("a checkpoint's digest"))?,
        len: count(row, 2)?,
        fuel: count(row, 3)?,
        made_by: made_by.parse().map_err(|_| StoreError::Corrupt("a checkpoint's maker"))?,
    };
    Ok((count(row, 0)?, reference))
}

const OF_JOB: &str =
    "SELECT stage, seq, attempt, node, blob, len, fuel, COALESCE(origin, node) FROM checkpoints WHERE job = $1";

/// All checkpoints of a job: at most one a unit that has run for long.
pub async fn of_job(db: &impl ConnectionTrait, job: i64) -> Result<Vec<CheckpointRow>, StoreError> {
    let rows = db.query_all_raw(statement(db.get_database_backend(), OF_JOB, vec![job.into()])).await?;
    rows.iter().map(read).collect()
}

/// Forget checkpoints of units that have ended.
pub async fn delete(db: &impl ConnectionTrait, job: i64, stage: u16, seqs: &[u64]) -> Result<(), StoreError> {
    const DELETE: &str = "DELETE FROM checkpoints WHERE job = $1 AND stage = $2 AND seq IN {list:3}";
    let values = vec![job.into(), i64::from(stage).into(), list(seqs.iter().copied())];
    db.execute_raw(statement(db.get_database_backend(), DELETE, values)).await?;
    Ok(())
}

fn read(row: &QueryResult) -> Result<CheckpointRow, StoreError> {
    let blob: Vec<u8> = row.try_get_by_index(4)?;
    Ok(CheckpointRow {
        stage: count(row, 0)? as u16,
        seq: count(row, 1)?,
        attempt: count(row, 2)? as u32,
        node: row.try_get_by_index(3)?,
        blob: Digest::from_slice(&blob).ok_or(StoreError::Corrupt("a checkpoint's digest"))?,
        len: count(row, 5)?,
        fuel: count(row, 6)?,
        origin: row.try_get_by_index(7)?,
    })
}

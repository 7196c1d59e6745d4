//! Going back over a job: results that turned out to be a cheat's are taken back, and what was built on them.

use fallow_protocol::Digest;
use fallow_protocol::api::{JobPhase, UnitState};
use sea_orm::ConnectionTrait;

use super::batch::{int, list, statement};
use super::stages::{self, Moves};
use super::units::count;
use super::{StoreError, retention};

const REVOKE: &str = "UPDATE units SET state = 4, troubles = 0, claims = NULL, class = 0, message = NULL,
        output_len = 0, output = NULL, output_blob = NULL
    WHERE job = $1 AND stage = $2 AND seq IN {list:3} AND node = $4 AND state = 3 RETURNING seq";

/// Results of `node` that stand, of these units: they do not stand any more, and the units are run again. Gives the
/// units that changed.
pub async fn revoke(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    node: i64,
    seqs: &[u64],
) -> Result<Vec<u64>, StoreError> {
    let values = vec![job.into(), i64::from(stage).into(), list(seqs.iter().copied()), node.into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), REVOKE, values)).await?;
    let seqs: Vec<u64> = rows.iter().map(|row| count(row, 0)).collect::<Result<_, _>>()?;
    let mut moves = Moves::default();
    moves.add(UnitState::Done, UnitState::Again, seqs.len() as u64);
    stages::count_moves(db, job, stage, &moves).await?;
    Ok(seqs)
}

const DROPPED: [&str; 5] = ["logs", "attempts", "checkpoints", "leases", "stages"];

/// Forget the stages after `stage`: they were made from results that do not stand any more.
pub async fn drop_after(db: &impl ConnectionTrait, job: i64, account: i64, stage: u16) -> Result<(), StoreError> {
    let values = || vec![job.into(), i64::from(stage).into()];
    let backend = db.get_database_backend();
    const UNITS: &str = "DELETE FROM units WHERE job = $1 AND stage > $2 RETURNING output_blob";
    let rows = db.query_all_raw(statement(backend, UNITS, values())).await?;
    for table in DROPPED {
        let text = format!("DELETE FROM {table} WHERE job = $1 AND stage > $2");
        db.execute_raw(statement(backend, &text, values())).await?;
    }
    for row in &rows {
        let blob: Option<Vec<u8>> = row.try_get_by_index(0)?;
        if let Some(blob) = blob.and_then(|bytes| Digest::from_slice(&bytes)) {
            retention::release(db, &blob, account).await?;
        }
    }
    Ok(())
}

const REWIND: &str = "UPDATE jobs SET phase = $2, version = $3, ended_at_ms = NULL, error = NULL
    WHERE id = $1 AND (phase = 3 OR phase < 3)";

/// Send a job that is done, or nearly, back to work. Its result stays until there is another. False where it has ended
/// in another way: then nothing of it is wanted any more.
pub async fn reopen(db: &impl ConnectionTrait, job: i64, phase: JobPhase, version: u64) -> Result<bool, StoreError> {
    let values = vec![job.into(), (phase as i64).into(), int(version).into()];
    Ok(db.execute_raw(statement(db.get_database_backend(), REWIND, values)).await?.rows_affected() == 1)
}

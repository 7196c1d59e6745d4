//! Stages of a job with their counters, changed in the same transaction as the units that they count.

use std::collections::HashMap;

use fallow_protocol::api::{UnitCounts, UnitState};
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{int, list, statement};
use super::units::count;

/// A stage: the guest's split, the work, or a level of the merge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    /// Its number.
    pub stage: u16,
    /// Units that exist.
    pub total: u64,
    /// Whether all of them exist.
    pub split_done: bool,
    /// Where making units goes on, as the split worker encodes it.
    pub split_state: Option<Vec<u8>>,
    /// Units from here on were never leased.
    pub next_seq: u64,
    /// Units by state.
    pub counts: UnitCounts,
}

const INSERT: &str = "INSERT INTO stages (job, stage, total, split_done, split_state, next_seq, waiting, running,
        checking, done, again, failed, left_out) VALUES ($1, $2, 0, $3, NULL, 0, 0, 0, 0, 0, 0, 0, 0)";

/// Begin a stage without units.
pub async fn insert(db: &impl ConnectionTrait, job: i64, stage: u16, split_done: bool) -> Result<(), StoreError> {
    let values = vec![job.into(), i64::from(stage).into(), split_done.into()];
    db.execute_raw(statement(db.get_database_backend(), INSERT, values)).await?;
    Ok(())
}

const GROW: &str = "UPDATE stages SET total = total + $3, waiting = waiting + $3, split_done = $4, split_state = $5
    WHERE job = $1 AND stage = $2 AND total = $6";

/// Count units that were made after the first `total`. False when another had made them already.
pub async fn grow(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    total: u64,
    made: u64,
    split_done: bool,
    split_state: Option<Vec<u8>>,
) -> Result<bool, StoreError> {
    let values = vec![
        job.into(),
        i64::from(stage).into(),
        int(made).into(),
        split_done.into(),
        split_state.into(),
        int(total).into(),
    ];
    Ok(db.execute_raw(statement(db.get_database_backend(), GROW, values)).await?.rows_affected() == 1)
}

/// How many units moved into (above zero) and out of (below zero) each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves([i64; 7]);

impl Moves {
    /// `units` went from one state to another.
    pub fn add(&mut self, from: UnitState, to: UnitState, units: u64) {
        self.0[from as usize] -= int(units);
        self.0[to as usize] += int(units);
    }

    /// Whether nothing moved.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|moved| *moved == 0)
    }

    /// The counts after these moves.
    pub fn apply(&self, counts: &mut UnitCounts) {
        let fields = [
            &mut counts.waiting,
            &mut counts.running,
            &mut counts.checking,
            &mut counts.done,
            &mut counts.again,
            &mut counts.failed,
            &mut counts.left_out,
        ];
        for (field, moved) in fields.into_iter().zip(self.0) {
            *field = field.saturating_add_signed(moved);
        }
    }
}

const MOVE: &str = "UPDATE stages SET waiting = waiting + $3, running = running + $4, checking = checking + $5,
        done = done + $6, again = again + $7, failed = failed + $8, left_out = left_out + $9
    WHERE job = $1 AND stage = $2";

/// Count moves of units.
pub async fn count_moves(db: &impl ConnectionTrait, job: i64, stage: u16, moves: &Moves) -> Result<(), StoreError> {
    if moves.is_empty() {
        return Ok(());
    }
    let mut values = vec![job.into(), i64::from(stage).into()];
    values.extend(moves.0.iter().map(|moved| (*moved).into()));
    db.execute_raw(statement(db.get_database_backend(), MOVE, values)).await?;
    Ok(())
}

const CURSOR: &str = "UPDATE stages SET next_seq = $3 WHERE job = $1 AND stage = $2 AND next_seq < $3";

/// Keep the dispatcher's cursor. It only rises.
pub async fn set_cursor(db: &impl ConnectionTrait, job: i64, stage: u16, next: u64) -> Result<(), StoreError> {
    let values = vec![job.into(), i64::from(stage).into(), int(next).into()];
    db.execute_raw(statement(db.get_database_backend(), CURSOR, values)).await?;
    Ok(())
}

/// Whether this is the job's last stage and all its units have ended: what follows on it may be written.
pub async fn is_over(db: &impl ConnectionTrait, job: i64, stage: u16) -> Result<bool, StoreError> {
    let last = of_job(db, job).await?.pop().filter(|last| last.stage == stage);
    Ok(last.is_some_and(|last| last.split_done && last.counts.ended() == last.counts.total()))
}

const OF_JOB: &str = "SELECT stage, total, split_done, split_state, next_seq, waiting, running, checking, done, again,
        failed, left_out FROM stages WHERE job = $1 ORDER BY stage";

/// A job's stages in order.
pub async fn of_job(db: &impl ConnectionTrait, job: i64) -> Result<Vec<Stage>, StoreError> {
    let rows = db.query_all_raw(statement(db.get_database_backend(), OF_JOB, vec![job.into()])).await?;
    rows.iter().map(read).collect()
}

const OF_JOBS: &str = "SELECT stage, total, split_done, split_state, next_seq, waiting, running, checking, done, again,
        failed, left_out, job FROM stages WHERE job IN {list:1} ORDER BY job, stage";

/// Stages of these jobs in order, by job.
pub async fn of_jobs(db: &impl ConnectionTrait, jobs: &[i64]) -> Result<HashMap<i64, Vec<Stage>>, StoreError> {
    let values = vec![list(jobs.iter().map(|job| job.unsigned_abs()))];
    let rows = db.query_all_raw(statement(db.get_database_backend(), OF_JOBS, values)).await?;
    let mut stages: HashMap<i64, Vec<Stage>> = HashMap::new();
    for row in &rows {
        stages.entry(row.try_get_by_index(12)?).or_default().push(read(row)?);
    }
    Ok(stages)
}

fn read(row: &QueryResult) -> Result<Stage, StoreError> {
    Ok(Stage {
        stage: count(row, 0)? as u16,
        total: count(row, 1)?,
        split_done: row.try_get_by_index(2)?,
        split_state: row.try_get_by_index(3)?,
        next_seq: count(row, 4)?,
        counts: UnitCounts {
            waiting: count(row, 5)?,
            running: count(row, 6)?,
            checking: count(row, 7)?,
            done: count(row, 8)?,
            again: count(row, 9)?,
            failed: count(row, 10)?,
            left_out: count(row, 11)?,
        },
    })
}

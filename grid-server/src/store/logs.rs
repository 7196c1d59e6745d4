//! Logs and messages of attempts, kept only where there is something to read.

use fallow_protocol::api::UnitLog;
use fallow_protocol::outcome::{LimitKind, Outcome};
use fallow_protocol::unit::UnitKey;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{Rows, int, statement};
use super::units::count;

/// What an attempt said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// The unit.
    pub seq: u64,
    /// The attempt.
    pub attempt: u32,
    /// How it ended.
    pub class: u8,
    /// Message of the outcome.
    pub message: Option<String>,
    /// Tail of the guest's log.
    pub log: Vec<u8>,
}

const INSERT: &str = "INSERT INTO logs (job, stage, seq, attempt, class, message, log)
    SELECT $1, $2, {int:0}, {int:1}, {int:2}, {text:3}, {bytes:4} FROM {rows:3}
    ON CONFLICT (job, stage, seq, attempt) DO NOTHING";

/// Keep what attempts said.
pub async fn insert(db: &impl ConnectionTrait, job: i64, stage: u16, logs: &[LogRow]) -> Result<(), StoreError> {
    if logs.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::with_capacity(logs.len(), 256);
    for log in logs {
        rows.row()
            .count(log.seq)
            .int(i64::from(log.attempt))
            .int(i64::from(log.class))
            .text(log.message.as_deref())
            .bytes(Some(&log.log));
    }
    let values = vec![job.into(), i64::from(stage).into(), rows.value()];
    db.execute_raw(statement(db.get_database_backend(), INSERT, values)).await?;
    Ok(())
}

/// Where a page begins: after this attempt.
pub type After = (u16, u64, u32);

const PAGE: &str = "SELECT stage, seq, attempt, class, message, log FROM logs
    WHERE job = $1 AND (stage, seq, attempt) > ($2, $3, $4) AND (class <> 1 OR $5) AND (stage = 1 OR $6)
        AND ((seq >= $7 AND seq <= $8) OR $6)
    ORDER BY stage, seq, attempt LIMIT $9";

/// Logs in order. `seq` asks for one unit of the work.
pub async fn page(
    db: &impl ConnectionTrait,
    job: i64,
    after: Option<After>,
    failed: bool,
    seq: Option<u64>,
    limit: u64,
) -> Result<Vec<UnitLog>, StoreError> {
    let (stage, unit, attempt) = after.map_or((-1, 0, 0), |(stage, seq, attempt)| (i64::from(stage), seq, attempt));
    let wanted = int(seq.unwrap_or(0));
    let values = vec![
        job.into(),
        stage.into(),
        int(unit).into(),
        i64::from(attempt).into(),
        (!failed).into(),
        seq.is_none().into(),
        wanted.into(),
        wanted.into(),
        int(limit).into(),
    ];
    let rows = db.query_all_raw(statement(db.get_database_backend(), PAGE, values)).await?;
    rows.iter().map(read).collect()
}

/// Tail of the log of a unit's newest attempt that has one.
pub async fn of_unit(db: &impl ConnectionTrait, job: i64, key: UnitKey) -> Result<Option<Vec<u8>>, StoreError> {
    const OF_UNIT: &str =
        "SELECT log FROM logs WHERE job = $1 AND stage = $2 AND seq = $3 ORDER BY attempt DESC LIMIT 1";
    let values = vec![job.into(), i64::from(key.stage).into(), int(key.seq).into()];
    let row = db.query_one_raw(statement(db.get_database_backend(), OF_UNIT, values)).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

fn read(row: &QueryResult) -> Result<UnitLog, StoreError> {
    let log: Vec<u8> = row.try_get_by_index(5)?;
    Ok(UnitLog {
        stage: count(row, 0)? as u16,
        seq: count(row, 1)?,
        attempt: count(row, 2)? as u32,
        outcome: outcome(count(row, 3)? as u8, row.try_get_by_index(4)?)
            .ok_or(StoreError::Corrupt("an outcome's class"))?,
        log: String::from_utf8_lossy(&log).into_owned(),
    })
}

/// The outcome that a class and a message stand for; none for class 0.
pub fn outcome(class: u8, message: Option<String>) -> Option<Outcome> {
    let message = message.unwrap_or_default();
    Some(match class {
        1 => Outcome::Done,
        2 => Outcome::GuestError { message },
        3 => Outcome::Trap { message },
        4 => Outcome::Limit { limit: LimitKind::Memory, message },
        5 => Outcome::Limit { limit: LimitKind::Fuel, message },
        6 => Outcome::Limit { limit: LimitKind::Output, message },
        7 => Outcome::Limit { limit: LimitKind::Scratch, message },
        8 => Outcome::TimeLimit,
        9 => Outcome::HostFault { message },
        10 => Outcome::Lost,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_outcomes_are_the_same_thing() {
        for class in 1..=10 {
            let outcome = outcome(class, Some("m".into())).unwrap();
            assert_eq!(outcome.class(), class);
        }
        assert_eq!(outcome(0, None), None);
        assert_eq!(outcome(11, None), None);
    }
}

//! Attempts that ended before a unit's last one: what a verdict about the next one follows from.

use fallow_protocol::Digest;
use fallow_protocol::manifest::Floats;
use fallow_protocol::unit::UnitKey;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{Rows, int, list, statement};
use super::units::count;

/// How an earlier attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRow {
    /// The unit.
    pub seq: u64,
    /// Which attempt.
    pub attempt: u32,
    /// Who ran it.
    pub node: i64,
    /// The outcome's class.
    pub class: u8,
    /// Fuel.
    pub fuel: u64,
    /// Wall time, microseconds.
    pub wall_us: u64,
    /// Peak memory, bytes.
    pub memory_bytes: u64,
    /// BLAKE3 of its output, where there was one.
    pub root: Option<Digest>,
    /// Whether it went on from a checkpoint.
    pub resumed: bool,
    /// The build that ran.
    pub floats: Floats,
    /// Message of the outcome.
    pub message: Option<String>,
}

const INSERT: &str = "INSERT INTO attempts (job, stage, seq, attempt, node, class, fuel, wall_us, memory_bytes, root,
        resumed, message, floats, ended_at_ms)
    SELECT $1, $2, {int:0}, {int:1}, {int:2}, {int:3}, {int:4}, {int:5}, {int:6}, {bytes:7}, {bool:8}, {text:9},
        {int:10}, $3
    FROM {rows:4} ON CONFLICT (job, stage, seq, attempt) DO NOTHING";

/// Keep ended attempts.
pub async fn insert(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    ended_at_ms: u64,
    attempts: &[AttemptRow],
) -> Result<(), StoreError> {
    if attempts.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::with_capacity(attempts.len(), 160);
    for attempt in attempts {
        rows.row()
            .count(attempt.seq)
            .int(i64::from(attempt.attempt))
            .int(attempt.node)
            .int(i64::from(attempt.class))
            .count(attempt.fuel)
            .count(attempt.wall_us)
            .count(attempt.memory_bytes)
            .bytes(attempt.root.as_ref().map(|root| root.0.as_slice()))
            .int(i64::from(attempt.resumed))
            .text(attempt.message.as_deref())
            .int(i64::from(!attempt.floats.is_plain()));
    }
    let values = vec![job.into(), i64::from(stage).into(), super::batch::int(ended_at_ms).into(), rows.value()];
    db.execute_raw(statement(db.get_database_backend(), INSERT, values)).await?;
    Ok(())
}

const OF_UNITS: &str = "SELECT seq, attempt, node, class, fuel, wall_us, memory_bytes, root, resumed, message, floats
    FROM attempts WHERE job = $1 AND stage = $2 AND seq IN {list:3} ORDER BY seq, attempt";

/// Earlier attempts of these units, by unit and attempt.
pub async fn of_units(
    db: &impl ConnectionTrait,
    job: i64,
    stage: u16,
    seqs: &[u64],
) -> Result<Vec<AttemptRow>, StoreError> {
    let values = vec![job.into(), i64::from(stage).into(), list(seqs.iter().copied())];
    let rows = db.query_all_raw(statement(db.get_database_backend(), OF_UNITS, values)).await?;
    rows.iter().map(read).collect()
}

/// An earlier attempt as its author sees it.
#[derive(Clone, Debug)]
pub struct ToldAttempt {
    /// The attempt.
    pub row: AttemptRow,
    /// Public id of the node, as long as that is known.
    pub public_id: Option<String>,
    /// Whose node it is.
    pub owner: Option<i64>,
    /// When it ended.
    pub ended_at_ms: u64,
}

const TOLD: &str = "SELECT a.seq, a.attempt, a.node, a.class, a.fuel, a.wall_us, a.memory_bytes, a.root, a.resumed,
        a.message, a.floats, n.public_id, n.account_id, a.ended_at_ms
    FROM attempts a LEFT JOIN nodes n ON n.id = a.node
    WHERE a.job = $1 AND a.stage = $2 AND a.seq = $3 ORDER BY a.attempt LIMIT 100";

/// Earlier attempts of a unit in order, with their nodes; the first hundred.
pub async fn told(db: &impl ConnectionTrait, job: i64, key: UnitKey) -> Result<Vec<ToldAttempt>, StoreError> {
    let values = vec![job.into(), i64::from(key.stage).into(), int(key.seq).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), TOLD, values)).await?;
    let told = |row: &QueryResult| {
        Ok(ToldAttempt {
            row: read(row)?,
            public_id: row.try_get_by_index(11)?,
            owner: row.try_get_by_index(12)?,
            ended_at_ms: count(row, 13)?,
        })
    };
    rows.iter().map(told).collect()
}

fn read(row: &QueryResult) -> Result<AttemptRow, StoreError> {
    let root: Option<Vec<u8>> = row.try_get_by_index(7)?;
    Ok(AttemptRow {
        seq: count(row, 0)?,
        attempt: count(row, 1)? as u32,
        node: row.try_get_by_index(2)?,
        class: count(row, 3)? as u8,
        fuel: count(row, 4)?,
        wall_us: count(row, 5)?,
        memory_bytes: count(row, 6)?,
        root: root.and_then(|bytes| Digest::from_slice(&bytes)),
        resumed: row.try_get_by_index(8)?,
        message: row.try_get_by_index(9)?,
        floats: if count(row, 10)? == 0 { Floats::Plain } else { Floats::Canonical },
    })
}

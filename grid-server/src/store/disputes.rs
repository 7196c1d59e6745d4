//! Disputes as operators read them. They are written with the verdicts, see `trust`.

use fallow_protocol::api::Dispute;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{int, statement};
use super::units::count;

const PAGE: &str = "SELECT d.id, j.public_id, d.stage, d.seq, d.made_at_ms, d.evidence
    FROM disputes d LEFT JOIN jobs j ON j.id = d.job WHERE d.id < $1 ORDER BY d.id DESC LIMIT $2";

/// Disputes, newest first, older than `before`.
pub async fn page(db: &impl ConnectionTrait, before: Option<i64>, limit: u64) -> Result<Vec<Dispute>, StoreError> {
    let values = vec![before.unwrap_or(i64::MAX).into(), int(limit).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), PAGE, values)).await?;
    rows.iter().map(read).collect()
}

fn read(row: &QueryResult) -> Result<Dispute, StoreError> {
    let job: Option<String> = row.try_get_by_index(1)?;
    let evidence: String = row.try_get_by_index(5)?;
    Ok(Dispute {
        id: count(row, 0)?,
        job: job.map(|id| id.parse().map_err(|_| StoreError::Corrupt("a job's id"))).transpose()?,
        stage: u16::try_from(count(row, 2)?).map_err(|_| StoreError::Corrupt("a dispute's stage"))?,
        seq: count(row, 3)?,
        at_ms: count(row, 4)?,
        evidence: serde_json::from_str(&evidence).map_err(|_| StoreError::Corrupt("a dispute's evidence"))?,
    })
}

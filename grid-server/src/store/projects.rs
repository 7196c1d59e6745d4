//! An account's jobs by project.

use fallow_protocol::api::ProjectInfo;
use grid_core::JobNo;
use grid_core::ledger::Account;
use sea_orm::{ConnectionTrait, QueryResult};

use super::StoreError;
use super::batch::{int, statement};
use super::units::count;

// What a job spent is what left its escrow account, less what came back (code 3).
const PAGE: &str = "SELECT name, COUNT(*), CAST(SUM(CASE WHEN phase < 3 THEN 1 ELSE 0 END) AS BIGINT),
        CAST(SUM(CASE WHEN phase = 3 THEN 1 ELSE 0 END) AS BIGINT),
        CAST(SUM(CASE WHEN phase = 4 THEN 1 ELSE 0 END) AS BIGINT),
        CAST(COALESCE(SUM(spent), 0) AS BIGINT), MAX(created_at_ms)
    FROM (SELECT COALESCE(j.project, '') AS name, j.phase, j.created_at_ms,
            e.debits_posted - COALESCE((SELECT SUM(t.amount) FROM transfers t
                WHERE t.debit = e.id AND t.code = 3), 0) AS spent
        FROM jobs j LEFT JOIN ledger_accounts e ON e.id = j.id * 4096 + $2 WHERE j.account = $1) AS one
    WHERE name > $3 OR $4 GROUP BY name ORDER BY name LIMIT $5";

/// Projects by name, after `after`; the first, of jobs without one, has no name.
pub async fn page(
    db: &impl ConnectionTrait,
    account: i64,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<ProjectInfo>, StoreError> {
    let values = vec![
        account.into(),
        Account::escrow(JobNo(0)).id().unwrap_or_default().into(),
        after.unwrap_or_default().into(),
        after.is_none().into(),
        int(limit).into(),
    ];
    let rows = db.query_all_raw(statement(db.get_database_backend(), PAGE, values)).await?;
    rows.iter().map(read).collect()
}

fn read(row: &QueryResult) -> Result<ProjectInfo, StoreError> {
    Ok(ProjectInfo {
        name: row.try_get_by_index(0)?,
        jobs: count(row, 1)?,
        running: count(row, 2)?,
        done: count(row, 3)?,
        failed: count(row, 4)?,
        spent: count(row, 5)?,
        last_at_ms: count(row, 6)?,
    })
}

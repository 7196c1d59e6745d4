//! Pages of a job's units and logs.

use fallow_protocol::JobId;
use fallow_protocol::api::{Page, UnitInfo, UnitLog};
use fallow_protocol::digest::FieldHasher;

use super::{JobError, LogsFilter, PAGE_MAX, UnitsFilter};
use crate::app::App;
use crate::live::Watched;
use crate::store::unit_list::{self, ListedUnit};
use crate::store::{jobs as rows, logs as log_rows};

/// Logs on a page at most: each may have 16 KiB.
const LOGS_MAX: u64 = 200;

/// Its units in order.
pub async fn units(
    app: &App,
    account: i64,
    id: &JobId,
    filter: UnitsFilter,
    cursor: Option<&str>,
    limit: u64,
) -> Result<Page<UnitInfo>, JobError> {
    let job = own(app, account, id).await?;
    let after = cursor.map(|cursor| numbers::<2>(cursor).map(|[stage, seq]| (stage as u16, seq))).transpose()?;
    let limit = limit.clamp(1, PAGE_MAX);
    let mut found = unit_list::page(app.store.reader(), job, filter.stage, filter.state, after, limit + 1).await?;
    let more = found.len() as u64 > limit;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|unit| format!("{}.{}", unit.info.stage, unit.info.seq));
    Ok(Page { items: found.into_iter().map(|unit| shown(unit, account, id)).collect(), next })
}

/// Logs and messages of its units' attempts.
pub async fn logs(
    app: &App,
    account: i64,
    id: &JobId,
    filter: LogsFilter,
    cursor: Option<&str>,
    limit: u64,
) -> Result<Page<UnitLog>, JobError> {
    let job = own(app, account, id).await?;
    let after = |[stage, seq, attempt]: [u64; 3]| (stage as u16, seq, attempt as u32);
    let after = cursor.map(|cursor| numbers(cursor).map(after)).transpose()?;
    let limit = limit.clamp(1, LOGS_MAX);
    let mut items = log_rows::page(app.store.reader(), job, after, filter.failed, filter.seq, limit + 1).await?;
    let more = items.len() as u64 > limit;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|log| format!("{}.{}.{}", log.stage, log.seq, log.attempt));
    Ok(Page { items, next })
}

/// Internal id of an account's own job.
pub(super) async fn own(app: &App, account: i64, id: &JobId) -> Result<i64, JobError> {
    if let Some(job) = app.active.find(id).filter(|job| job.account == account) {
        return Ok(job.id);
    }
    let row = rows::by_public_id(app.store.reader(), account, id).await?;
    Ok(row.ok_or_else(|| JobError::NotFound(id.clone()))?.id)
}

/// A job of the account that may be watched.
pub async fn watched(app: &App, account: i64, id: &JobId) -> Result<Watched, JobError> {
    Ok(Watched { id: own(app, account, id).await?, public_id: id.clone(), account })
}

/// Authors see strangers' computers under a name that tells them apart within the job, and nothing more.
pub(super) fn shown(unit: ListedUnit, account: i64, job: &JobId) -> UnitInfo {
    let ListedUnit { mut info, owner } = unit;
    if owner != Some(account) {
        info.node = info.node.map(|node| pseudonym(job, &node));
    }
    info
}

/// That name.
pub(super) fn pseudonym(job: &JobId, node: &str) -> String {
    let hash = FieldHasher::new("fallow pseudonym v1").bytes(job.as_str().as_bytes()).bytes(node.as_bytes());
    format!("stranger-{}", &hash.finish().short()[..8])
}

fn wrong_cursor() -> JobError {
    JobError::Invalid {
        field: "cursor",
        detail: "the cursor is not one that a page gave".into(),
        help: Some("leave it away to begin with the first page".into()),
    }
}

pub(super) fn number(cursor: &str) -> Result<i64, JobError> {
    cursor.parse().map_err(|_| wrong_cursor())
}

fn numbers<const N: usize>(cursor: &str) -> Result<[u64; N], JobError> {
    let numbers: Option<Vec<u64>> = cursor.split('.').map(|part| part.parse::<u64>().ok()).collect();
    let numbers: [u64; N] = numbers.and_then(|list| list.try_into().ok()).ok_or_else(wrong_cursor)?;
    if i64::try_from(numbers.iter().copied().max().unwrap_or(0)).is_err() || numbers[0] > u64::from(u16::MAX) {
        return Err(wrong_cursor());
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forged_cursors_are_refused() {
        assert_eq!(numbers::<2>("1.20").unwrap(), [1, 20]);
        for cursor in ["", "1", "1.2.3", "1.-2", "1.x", "70000.1", "1.18446744073709551615"] {
            assert!(numbers::<2>(cursor).is_err(), "{cursor:?}");
        }
    }
}

//! Once a night: check the whole ledger, and say in log and metrics what was found.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, now_ms};
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::ledger::check::check;

const DAY_MS: u64 = 24 * 3_600_000;
/// When, milliseconds after midnight, UTC.
const AT_MS: u64 = 3 * 3_600_000;

/// Until the server stops.
pub async fn run(app: Arc<App>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(until_night(now_ms())) => {}
            () = app.wakes.stop.cancelled() => return,
        }
        tokio::select! {
            () = check_ledger(&app.store, &app.metrics, now_ms()) => {}
            () = app.wakes.stop.cancelled() => return,
        }
    }
}

/// How long it is from `now_ms` to the next check; never nothing.
fn until_night(now_ms: u64) -> Duration {
    let past = (now_ms % DAY_MS + DAY_MS - AT_MS) % DAY_MS;
    Duration::from_millis(DAY_MS - past)
}

/// Check, and tell. Nothing is stopped or repaired: what to do about it is the operator's to decide.
async fn check_ledger(store: &Store, metrics: &Metrics, now_ms: u64) {
    let report = match check(store.reader(), now_ms).await {
        Ok(report) => report,
        Err(error) => {
            metrics.ledger_findings.set(-1);
            tracing::error!(%error, "failed to check the ledger");
            return;
        }
    };
    let (found, transfers) = (report.audit.found(), report.audit.transfers());
    metrics.ledger_findings.set(i64::try_from(found).unwrap_or(i64::MAX));
    metrics.ledger_transfers.set(i64::try_from(transfers).unwrap_or(i64::MAX));
    metrics.ledger_checked_at.set(i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX));
    for finding in report.audit.findings() {
        tracing::error!(invariant = finding.invariant(), %finding, "the ledger does not add up");
    }
    if found == 0 {
        tracing::info!(transfers, accounts = report.accounts, took = ?report.took, "the ledger adds up");
    }
}

#[cfg(test)]
mod tests {
    use grid_core::JobNo;
    use grid_core::ledger::Account;

    use super::*;
    use crate::store::ledger::{apply, open_account};

    #[test]
    fn the_next_night_is_never_now_and_at_most_a_day_away() {
        for (now, wait) in
            [(0, AT_MS), (AT_MS - 1, 1), (AT_MS, DAY_MS), (AT_MS + 5, DAY_MS - 5), (DAY_MS - 1, AT_MS + 1)]
        {
            for day in [0, 1, 20_000] {
                assert_eq!(until_night(day * DAY_MS + now), Duration::from_millis(wait), "{now}");
            }
        }
    }

    #[tokio::test]
    async fn what_was_found_is_in_the_metrics() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}", folder.path().join("test.db").display())).await.unwrap();
        let metrics = Metrics::default();
        check_ledger(&store, &metrics, 86_400_000).await;
        assert_eq!((metrics.ledger_findings.get(), metrics.ledger_checked_at.get()), (0, 86_400));
        let write = store.write(|db| {
            Box::pin(async move {
                let escrow = Account::escrow(JobNo(7));
                open_account(db, escrow).await?;
                let cause = grid_core::ledger::Cause::Fund { job: JobNo(7), n: 0 };
                let [debit, ..] = Account::SYSTEM;
                let amount = grid_core::ledger::Amount::CREDIT;
                let lost = grid_core::ledger::Transfer { cause, debit, credit: escrow, amount, timeout_ms: None };
                Ok(apply(db, &[lost], 1).await?.is_ok())
            })
        });
        assert!(write.await.unwrap());
        check_ledger(&store, &metrics, 172_800_000).await;
        assert_eq!((metrics.ledger_findings.get(), metrics.ledger_transfers.get()), (1, 1), "an escrow without a job");
        assert!(metrics.text().unwrap().contains("fallow_ledger_findings 1"));
    }
}

//! More budget for a job, and what its money looks like.

use std::time::Duration;

use fallow_protocol::JobId;
use fallow_protocol::api::JobInfo;
use grid_core::JobNo;
use grid_core::ledger::{Account, Cause, LedgerError, Reason, Transfer};
use grid_core::matching::Suspension;
use grid_core::pricing::{Price, affordable};
use sea_orm::DatabaseTransaction;

use super::{ActiveJob, JobError, info};
use crate::app::{App, now_ms};
use crate::credits::{amount_of, micro_of};
use crate::store::credits::{self, Money};
use crate::store::{StoreError, jobs as rows, ledger};
use crate::suspensions;
use crate::workers::{due, money};

/// Why a budget did not grow.
enum Refused {
    Ended,
    Free,
    Ledger(LedgerError),
}

/// Move credits of the account into the job's budget, which pays first what is due. With the same key a repeat moves nothing more.
pub async fn fund(app: &App, account: i64, id: &JobId, micro: u64, key: &str) -> Result<JobInfo, JobError> {
    let amount = amount_of(micro).map_err(|error| invalid(error.to_string()))?;
    let row = rows::by_public_id(app.store.reader(), account, id).await?;
    let job = row.ok_or_else(|| JobError::NotFound(id.clone()))?.id;
    let transfer = Transfer::fund(grid_core::AccountNo(account), JobNo(job), Cause::number_of(key), amount);
    let work = app.store.write(move |db| Box::pin(async move { apply(db, job, transfer).await }));
    work.await?.map_err(|refused| match refused {
        Refused::Ended => JobError::Conflict("the job has ended, and what it did not spend came back".into()),
        Refused::Free => JobError::Conflict("the job costs nothing and has no budget".into()),
        Refused::Ledger(error) => of_ledger(error),
    })?;
    tracing::info!(job = %id, credits = %amount, "budget raised");
    if let Some(active) = app.active.get(job) {
        money(app, &active).await.map_err(JobError::Internal)?;
        active.touch();
        app.wakes.settle.notify_one();
        app.wakes.dispatch.notify_one();
    }
    info(app, account, id, None, Duration::ZERO).await
}

async fn apply(db: &DatabaseTransaction, job: i64, transfer: Transfer) -> Result<Result<(), Refused>, StoreError> {
    if rows::phase(db, job).await?.is_none_or(|phase| phase.is_final()) {
        return Ok(Err(Refused::Ended));
    }
    let escrow = Account::escrow(JobNo(job));
    if ledger::balance(db, escrow).await?.is_none() {
        return Ok(Err(Refused::Free));
    }
    if let Err(error) = ledger::apply(db, &[transfer], now_ms()).await? {
        return Ok(Err(Refused::Ledger(error)));
    }
    due::hold(db, JobNo(job), now_ms()).await?;
    Ok(Ok(()))
}

fn invalid(detail: String) -> JobError {
    JobError::Invalid { field: "amount", detail, help: None }
}

/// Fill in what jobs may spend, have spent, and were told of corrections.
pub(super) async fn show(app: &App, jobs: &mut [(&mut JobInfo, i64)]) -> Result<(), StoreError> {
    let ids: Vec<i64> = jobs.iter().map(|(_, id)| *id).collect();
    let mut found = credits::of_jobs(app.store.reader(), &ids).await?;
    for (info, id) in jobs {
        let Some(money) = found.remove(id) else { continue };
        let active = app.active.get(*id);
        info.waiting_for = active.is_some_and(|job| needs_budget(&money, &job)).then(|| "budget".to_owned());
        (info.budget, info.spent, info.held) =
            (money.budget.map(micro_of), micro_of(money.spent), micro_of(money.held));
        (info.corrections, info.notice) = (money.corrections, money.notice);
        if let Some(suspension) = active_suspension(app, *id) {
            info.waiting_for = Some("operator".to_owned());
            info.notice = Some(suspensions::told(&suspension));
        }
    }
    Ok(())
}

fn active_suspension(app: &App, job: i64) -> Option<Suspension> {
    app.suspensions.job(app.active.get(job)?.as_ref())
}

/// Whether what is left does not pay for another unit, as far as units are known.
fn needs_budget(money: &Money, job: &ActiveJob) -> bool {
    let unit_fuel = job.unit_fuel().max(1);
    let too_little = |price: &Price| affordable(money.left, price, job.limits().memory_bytes) < unit_fuel;
    job.lock().unpaid || (job.has_work() && money.price.as_ref().is_some_and(too_little))
}

/// Why an author's credits did not move into a budget.
pub(super) fn of_ledger(error: LedgerError) -> JobError {
    match error.reason {
        Reason::Conflict(_) => JobError::IdempotencyConflict,
        Reason::Insufficient { available, wanted, .. } => JobError::NotEnoughCredits { available, wanted },
        reason => invalid(reason.to_string()),
    }
}

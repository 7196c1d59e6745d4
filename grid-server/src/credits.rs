//! What accounts see of their credits, and what operators give. Budgets of jobs are in `jobs`.

mod search;
mod statement;

use fallow_protocol::AccountId;
use fallow_protocol::api::{Credits, Granted, LedgerCheck, NewGrant, Trial, TrialAccount};
use grid_core::AccountNo;
use grid_core::ledger::{Account, Amount, AmountError, Balance, Cause, LedgerError, Reason, Transfer};

use crate::app::{App, now_ms};
use crate::metrics::Metrics;
use crate::store::{Store, StoreError, accounts, credits as rows, ledger};

pub use search::search;
pub use statement::{Wanted, statement};

/// Why a request about credits is refused.
#[derive(Debug, thiserror::Error)]
pub enum CreditsError {
    /// Work costs nothing here.
    #[error("this grid takes no credits")]
    Off,
    /// There is none.
    #[error("there is no account {0}")]
    NoAccount(AccountId),
    /// No amount that can move.
    #[error("{0}")]
    Amount(String),
    /// The cursor is not one that a statement gave.
    #[error("not a cursor that this list gave")]
    Cursor,
    /// The key was used for something else.
    #[error("the idempotency key was used for another amount; use a new key")]
    IdempotencyConflict,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AmountError> for CreditsError {
    fn from(error: AmountError) -> Self {
        CreditsError::Amount(error.to_string())
    }
}

impl From<LedgerError> for CreditsError {
    fn from(error: LedgerError) -> Self {
        match error.reason {
            Reason::Conflict(_) => CreditsError::IdempotencyConflict,
            reason => CreditsError::Amount(reason.to_string()),
        }
    }
}

/// An amount of the wire.
pub fn amount_of(micro: u64) -> Result<Amount, AmountError> {
    i64::try_from(micro)
        .map_or_else(|_| Err(AmountError::TooLarge(format!("{micro} micro-credits"))), Amount::from_micro)
}

/// An amount for the wire.
pub fn micro_of(amount: Amount) -> u64 {
    amount.micro().unsigned_abs()
}

/// What an account has.
pub async fn balance(app: &App, account: i64) -> Result<Credits, StoreError> {
    let reader = app.store.reader();
    let balance = ledger::balance(reader, Account::user(AccountNo(account))).await?.unwrap_or_default();
    let reserved = rows::reserved(reader, account).await?;
    Ok(Credits {
        available: micro_of(balance.available()),
        pending: micro_of(balance.credits_pending),
        reserved: micro_of(reserved),
    })
}

/// New credits for an account, from the operator `by`. With the same key a repeat gives nothing more.
pub async fn grant(app: &App, by: i64, to: &AccountId, new: NewGrant, key: &str) -> Result<Granted, CreditsError> {
    if !app.config.grid.takes_credits() {
        return Err(CreditsError::Off);
    }
    let amount = amount_of(new.amount)?;
    let found = accounts::by_public_id(app.store.reader(), to).await?;
    let account = AccountNo(found.ok_or_else(|| CreditsError::NoAccount(to.clone()))?.id);
    let transfer = Transfer::grant(account, Cause::number_of(key), amount);
    let balance = write_grant(&app.store, by, transfer, new.note).await??;
    tracing::info!(account = %to, credits = %amount, "credits granted");
    Ok(Granted { account: to.clone(), amount: new.amount, available: micro_of(balance.available()) })
}

async fn write_grant(
    store: &Store,
    by: i64,
    transfer: Transfer,
    note: Option<String>,
) -> Result<Result<Balance, LedgerError>, StoreError> {
    let work = store.write(move |db| {
        let note = note.clone();
        Box::pin(async move {
            ledger::open_account(db, transfer.credit).await?;
            let applied = match ledger::apply(db, &[transfer], now_ms()).await? {
                Ok(applied) => applied,
                Err(refused) => return Ok(Err(refused)),
            };
            if let Some(note) = note.filter(|_| applied == [grid_core::ledger::Applied::New]) {
                rows::put_note(db, transfer.id(), by, &note).await?;
            }
            Ok(Ok(ledger::balance(db, transfer.credit).await?.unwrap_or_default()))
        })
    });
    work.await
}

/// Names of the kinds of accounts, by their codes.
const KINDS: [(u8, &str); 6] =
    [(1, "issuance"), (2, "fees"), (3, "verification"), (4, "forfeit"), (5, "users"), (6, "escrows")];

/// The grid's own accounts and all others by kind. Together they have nothing.
pub async fn trial(app: &App) -> Result<Trial, StoreError> {
    let sums = rows::kinds(app.store.reader()).await?;
    let of = |(code, name): (u8, &str)| {
        let sums = sums.iter().find(|sums| sums.code == code).copied().unwrap_or_default();
        TrialAccount {
            account: name.into(),
            net: sums.net,
            debits_pending: sums.debits_pending.unsigned_abs(),
            credits_pending: sums.credits_pending.unsigned_abs(),
        }
    };
    Ok(Trial { accounts: KINDS.into_iter().map(of).collect(), check: last_check(&app.metrics) })
}

/// The last check of the whole ledger; none where none was made since the start.
pub fn last_check(metrics: &Metrics) -> Option<LedgerCheck> {
    let at_ms = u64::try_from(metrics.ledger_checked_at.get()).ok().filter(|at_s| *at_s > 0)?.saturating_mul(1_000);
    let transfers = u64::try_from(metrics.ledger_transfers.get()).unwrap_or(0);
    Some(LedgerCheck { at_ms, transfers, found: u64::try_from(metrics.ledger_findings.get()).ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_check_is_told_once_there_was_one() {
        let metrics = Metrics::default();
        assert_eq!(last_check(&metrics), None);
        metrics.ledger_checked_at.set(86_400);
        metrics.ledger_transfers.set(7);
        assert_eq!(last_check(&metrics), Some(LedgerCheck { at_ms: 86_400_000, transfers: 7, found: Some(0) }));
        metrics.ledger_findings.set(-1);
        assert_eq!(last_check(&metrics).and_then(|check| check.found), None);
    }

    #[test]
    fn amounts_of_the_wire_fit() {
        assert_eq!(amount_of(5).map(micro_of), Ok(5));
        assert!(matches!(amount_of(u64::MAX), Err(AmountError::TooLarge(_))));
    }
}

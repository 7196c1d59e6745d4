//! The check of the whole ledger: every transfer is read in order and everything recomputed from them, in one snapshot
//! of the database, also while a server writes.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use grid_core::ledger::{Account, Audit, Cause, Finding, TransferId, Work};
use grid_core::{AccountNo, JobNo, NodeNo};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel, QueryResult,
    TransactionOptions, TransactionTrait,
};

use super::{amount, kind_of, read_account, read_transfer};
use crate::store::StoreError;
use crate::store::batch::{int, statement};
use crate::store::holdings::State;
use crate::store::units::count;

/// Rows that are read at once.
const PAGE: i64 = 20_000;
/// A job's escrow is emptied soon after its end and after each pay that was voided: nothing moves for so long only where
/// that was forgotten.
const CLOSING_MS: u64 = 3_600_000;

/// What the check saw.
#[derive(Debug)]
pub struct Report {
    /// The recomputed ledger, with what does not add up.
    pub audit: Audit,
    /// Accounts.
    pub accounts: u64,
    /// Holdings.
    pub holdings: u64,
    /// How long it took.
    pub took: Duration,
}

/// Check everything, as it is at one moment.
pub async fn check(reader: &DatabaseConnection, now_ms: u64) -> Result<Report, StoreError> {
    let begun = Instant::now();
    let db = snapshot(reader).await?;
    let mut audit = check_transfers(&db, Audit::default()).await?;
    let accounts = check_accounts(&db, &mut audit).await?;
    let holdings = check_holdings(&db, &mut audit).await?;
    check_escrows(&db, &mut audit, now_ms).await?;
    db.rollback().await?;
    Ok(Report { audit, accounts, holdings, took: begun.elapsed() })
}

async fn snapshot(reader: &DatabaseConnection) -> Result<DatabaseTransaction, StoreError> {
    let postgres = reader.get_database_backend() == DbBackend::Postgres;
    let options = TransactionOptions {
        isolation_level: postgres.then_some(IsolationLevel::RepeatableRead),
        access_mode: postgres.then_some(AccessMode::ReadOnly),
        ..TransactionOptions::default()
    };
    Ok(reader.begin_with_options(options).await?)
}

const TRANSFERS: &str = "SELECT id, debit, credit, amount, timeout_ms, made_at_ms, cause, kind, code, pending, seq
    FROM transfers WHERE seq > $1 ORDER BY seq LIMIT $2";
/// Column of its place.
const SEQ: usize = 10;

/// A page is worked through while the next one is read.
async fn check_transfers(db: &DatabaseTransaction, mut audit: Audit) -> Result<Audit, StoreError> {
    let mut rows = next_transfers(db, 0).await?;
    while let Some(last) = rows.last() {
        let after = last.try_get_by_index(SEQ)?;
        let work = tokio::task::spawn_blocking(move || check_page(&rows, &mut audit).map(|()| audit));
        rows = next_transfers(db, after).await?;
        audit = work.await.map_err(|_| StoreError::Panicked)??;
    }
    Ok(audit)
}

async fn next_transfers(db: &DatabaseTransaction, after: i64) -> Result<Vec<QueryResult>, StoreError> {
    let asked = statement(db.get_database_backend(), TRANSFERS, vec![after.into(), PAGE.into()]);
    Ok(db.query_all_raw(asked).await?)
}

fn check_page(rows: &[QueryResult], audit: &mut Audit) -> Result<(), StoreError> {
    for row in rows {
        match check_transfer(row, audit) {
            Ok(()) => {}
            Err(StoreError::Corrupt(what)) => audit.report(unreadable("transfer", row.try_get_by_index(SEQ)?, what)),
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

fn check_transfer(row: &QueryResult, audit: &mut Audit) -> Result<(), StoreError> {
    let (stored, recorded) = read_transfer(row)?;
    let pending: Option<Vec<u8>> = row.try_get_by_index(9)?;
    let cause = &recorded.transfer.cause;
    let same_kind = kind_of(row.try_get_by_index(7)?) == Some(cause.kind());
    let same_code = row.try_get_by_index::<i64>(8)? == i64::from(cause.code());
    if !same_kind || !same_code || pending.as_deref().and_then(TransferId::from_slice) != cause.resolves() {
        return Err(StoreError::Corrupt("what its cause says"));
    }
    audit.transfer(stored, &recorded);
    Ok(())
}

fn unreadable(table: &str, row: i64, what: &str) -> Finding {
    Finding::Unreadable { what: format!("{table} {row}: {what}") }
}

const ACCOUNTS: &str = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted
    FROM ledger_accounts WHERE id > $1 ORDER BY id LIMIT $2";

async fn check_accounts(db: &DatabaseTransaction, audit: &mut Audit) -> Result<u64, StoreError> {
    let (mut after, mut seen, mut stored) = (-1i64, 0, Vec::new());
    loop {
        let asked = statement(db.get_database_backend(), ACCOUNTS, vec![after.into(), PAGE.into()]);
        let rows = db.query_all_raw(asked).await?;
        for row in &rows {
            after = row.try_get_by_index(0)?;
            seen += 1;
            match read_account(row) {
                Ok(account) => stored.push(account),
                Err(StoreError::Corrupt(what)) => audit.report(unreadable("account", after, what)),
                Err(other) => return Err(other),
            }
        }
        if (rows.len() as i64) < PAGE {
            audit.accounts(stored);
            return Ok(seen);
        }
    }
}

const HOLDINGS: &str = "SELECT id, job, stage, node, owner, frame, amount, fee, state FROM holdings
    WHERE id > $1 ORDER BY id LIMIT $2";

/// What is held has its reservations, what is not has none, and no frame's pay is reserved without a holding.
async fn check_holdings(db: &DatabaseTransaction, audit: &mut Audit) -> Result<u64, StoreError> {
    let (mut after, mut seen, mut known) = (0i64, 0, HashSet::new());
    loop {
        let asked = statement(db.get_database_backend(), HOLDINGS, vec![after.into(), PAGE.into()]);
        let rows = db.query_all_raw(asked).await?;
        for row in &rows {
            after = row.try_get_by_index(0)?;
            seen += 1;
            check_holding(row, audit, &mut known)?;
        }
        if (rows.len() as i64) < PAGE {
            break;
        }
    }
    let of_a_holding = |cause: &Cause| match cause {
        Cause::Hold(Work::Frame { node, by, .. }) | Cause::HoldFee(Work::Frame { node, by, .. }) => node == by,
        _ => false,
    };
    let alone: Vec<TransferId> = audit
        .all_pending()
        .filter(|transfer| of_a_holding(&transfer.cause) && !known.contains(&transfer.id()))
        .map(|transfer| transfer.id())
        .collect();
    alone.into_iter().for_each(|id| audit.report(Finding::NoHolding { id }));
    Ok(seen)
}

fn check_holding(row: &QueryResult, audit: &mut Audit, known: &mut HashSet<TransferId>) -> Result<(), StoreError> {
    let node = NodeNo(row.try_get_by_index(3)?);
    let work = Work::Frame {
        job: JobNo(row.try_get_by_index(1)?),
        stage: count(row, 2)? as u16,
        node,
        by: node,
        frame: count(row, 5)?,
    };
    let id: i64 = row.try_get_by_index(0)?;
    let held = row.try_get_by_index::<i64>(8)? == State::Held as i64;
    let owner = Account::user(AccountNo(row.try_get_by_index(4)?));
    for (cause, wanted) in [(Cause::Hold(work), amount(row, 6)?), (Cause::HoldFee(work), amount(row, 7)?)] {
        let reservation = cause.id();
        let reserved = audit.pending(reservation);
        let right = reserved.is_some_and(|transfer| {
            transfer.amount == wanted && (transfer.credit == owner || matches!(cause, Cause::HoldFee(_)))
        });
        let what = match (held && !wanted.is_zero(), reserved.is_some()) {
            (true, true) if right => None,
            (true, true) => Some("what is reserved for it is not what it says"),
            (true, false) => Some("nothing is reserved for it, and it is held"),
            (false, true) => Some("something is reserved for it, and it is not held"),
            (false, false) => None,
        };
        known.extend(reserved.map(|_| reservation));
        if let Some(what) = what {
            audit.report(Finding::Holding { id, what });
        }
    }
    Ok(())
}

const ESCROWS: &str = "SELECT a.id, a.credits_posted - a.debits_posted - a.debits_pending FROM ledger_accounts a
    LEFT JOIN jobs j ON j.id = a.owner
    WHERE a.kind = 6 AND a.credits_posted - a.debits_posted - a.debits_pending > 0
        AND (j.id IS NULL OR j.ended_at_ms < $1)
        AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.debit = a.id AND t.made_at_ms >= $1)
        AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.credit = a.id AND t.made_at_ms >= $1)
    ORDER BY a.id LIMIT $2";

async fn check_escrows(db: &DatabaseTransaction, audit: &mut Audit, now_ms: u64) -> Result<(), StoreError> {
    let values = vec![int(now_ms.saturating_sub(CLOSING_MS)).into(), PAGE.into()];
    for row in db.query_all_raw(statement(db.get_database_backend(), ESCROWS, values)).await? {
        let account = Account::from_id(row.try_get_by_index(0)?).ok_or(StoreError::Corrupt("a ledger account's id"))?;
        audit.report(Finding::Escrow { account, left: amount(&row, 1)? });
    }
    Ok(())
}

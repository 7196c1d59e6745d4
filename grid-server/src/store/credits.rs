//! Credits as accounts and operators see them: what jobs have spent, statements with their notes, the grid's accounts.

use std::collections::{HashMap, HashSet};

use fallow_protocol::JobId;
use grid_core::JobNo;
use grid_core::ledger::{Account, Amount, Balance, TransferId};
use grid_core::pricing::Price;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DbBackend, IsolationLevel, QueryResult, TransactionOptions,
    TransactionTrait,
};

use super::StoreError;
use super::batch::{Rows, list, statement};
use super::ledger::statements::{Line, Page, statement_of};
use super::ledger::{self};
use super::units::count;

/// What a job may spend and has spent. The sums are zero where it costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Money {
    /// What its work costs; none where it costs nothing.
    pub price: Option<Price>,
    /// All that it was ever given; none where it has no account.
    pub budget: Option<Amount>,
    /// What it has paid.
    pub spent: Amount,
    /// What is held for results that are not final yet.
    pub held: Amount,
    /// What it may still spend.
    pub left: Amount,
    /// How often its result was corrected after it was delivered.
    pub corrections: u64,
    /// What its author is told of that.
    pub notice: Option<String>,
}

/// Id of a job's escrow, less 4,096 times the number of the job.
fn escrow_offset() -> i64 {
    Account::escrow(JobNo(0)).id().unwrap_or_default()
}

const OF_JOBS: &str = "SELECT j.id, j.price, j.corrections, j.notice, e.debits_pending, e.debits_posted,
        e.credits_posted, (SELECT CAST(COALESCE(SUM(t.amount), 0) AS BIGINT) FROM transfers t
            WHERE t.debit = e.id AND t.code = 3)
    FROM jobs j LEFT JOIN ledger_accounts e ON e.id = j.id * 4096 + $1 WHERE j.id IN {list:2}";

/// The money of these jobs, by internal id.
pub async fn of_jobs(db: &impl ConnectionTrait, jobs: &[i64]) -> Result<HashMap<i64, Money>, StoreError> {
    let values = vec![escrow_offset().into(), list(jobs.iter().map(|job| job.unsigned_abs()))];
    let rows = db.query_all_raw(statement(db.get_database_backend(), OF_JOBS, values)).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, read_money(row)?))).collect()
}

fn read_money(row: &QueryResult) -> Result<Money, StoreError> {
    let price: Option<String> = row.try_get_by_index(1)?;
    let price = price.map(|text| serde_json::from_str(&text)).transpose();
    let mut money = Money {
        price: price.map_err(|_| StoreError::Corrupt("a job's price"))?,
        corrections: count(row, 2)?,
        notice: row.try_get_by_index(3)?,
        ..Money::default()
    };
    let given: Option<i64> = row.try_get_by_index(6)?;
    if given.is_some() {
        let (held, taken, given, returned) = (amount(row, 4)?, amount(row, 5)?, amount(row, 6)?, amount(row, 7)?);
        money.budget = Some(given);
        money.spent = taken.saturating_sub(returned);
        money.held = held;
        money.left = given.saturating_sub(taken).saturating_sub(held);
    }
    Ok(money)
}

fn amount(row: &QueryResult, index: usize) -> Result<Amount, StoreError> {
    Amount::from_micro(row.try_get_by_index(index)?).map_err(|_| StoreError::Corrupt("an amount of credits"))
}

const RESERVED: &str = "SELECT CAST(COALESCE(SUM(e.credits_posted - e.debits_posted), 0) AS BIGINT)
    FROM jobs j JOIN ledger_accounts e ON e.id = j.id * 4096 + $2 WHERE j.account = $1";

/// What lies in the budgets of an account's jobs: neither spent nor returned.
pub async fn reserved(db: &impl ConnectionTrait, account: i64) -> Result<Amount, StoreError> {
    let values = vec![account.into(), escrow_offset().into()];
    let row = db.query_one_raw(statement(db.get_database_backend(), RESERVED, values)).await?;
    amount(&row.ok_or(StoreError::Corrupt("a sum"))?, 0)
}

/// A part of a statement, with the balance of the same moment.
pub async fn statement_with_balance(
    reader: &DatabaseConnection,
    account: Account,
    page: &Page,
) -> Result<(Vec<Line>, Balance), StoreError> {
    let postgres = reader.get_database_backend() == DbBackend::Postgres;
    let options = TransactionOptions {
        isolation_level: postgres.then_some(IsolationLevel::RepeatableRead),
        access_mode: postgres.then_some(AccessMode::ReadOnly),
        ..TransactionOptions::default()
    };
    let db = reader.begin_with_options(options).await?;
    let balance = ledger::balance(&db, account).await?.unwrap_or_default();
    let lines = statement_of(&db, account, page).await?;
    db.rollback().await?;
    Ok((lines, balance))
}

const JOB_IDS: &str = "SELECT id, public_id FROM jobs WHERE id IN {list:1}";

/// Public ids of jobs that are still there.
pub async fn job_ids(db: &impl ConnectionTrait, jobs: &HashSet<i64>) -> Result<HashMap<i64, JobId>, StoreError> {
    let values = vec![list(jobs.iter().map(|job| job.unsigned_abs()))];
    let rows = db.query_all_raw(statement(db.get_database_backend(), JOB_IDS, values)).await?;
    let read = |row: &QueryResult| {
        let public: String = row.try_get_by_index(1)?;
        Ok((row.try_get_by_index(0)?, public.parse().map_err(|_| StoreError::Corrupt("a job's id"))?))
    };
    rows.iter().map(read).collect()
}

/// Keep what an operator wrote about a transfer.
pub async fn put_note(db: &impl ConnectionTrait, id: TransferId, by: i64, note: &str) -> Result<(), StoreError> {
    const PUT: &str = "INSERT INTO ledger_notes (transfer, by_account, note) VALUES ($1, $2, $3)";
    let values = vec![id.0.to_vec().into(), by.into(), note.into()];
    db.execute_raw(statement(db.get_database_backend(), PUT, values)).await?;
    Ok(())
}

/// What operators wrote about these transfers.
pub async fn notes(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = TransferId>,
) -> Result<HashMap<TransferId, String>, StoreError> {
    const NOTES: &str = "SELECT transfer, note FROM ledger_notes WHERE transfer IN (SELECT {bytes:0} FROM {rows:1})";
    let mut rows = Rows::default();
    ids.for_each(|id| drop(rows.row().bytes(Some(&id.0))));
    let found = db.query_all_raw(statement(db.get_database_backend(), NOTES, vec![rows.value()])).await?;
    let read = |row: &QueryResult| {
        let id: Vec<u8> = row.try_get_by_index(0)?;
        let id = TransferId::from_slice(&id).ok_or(StoreError::Corrupt("a transfer's id"))?;
        Ok((id, row.try_get_by_index(1)?))
    };
    found.iter().map(read).collect()
}

/// The accounts of one kind together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSums {
    /// Code of the kind.
    pub code: u8,
    /// What they have, micro-credits.
    pub net: i64,
    /// Reserved to be taken.
    pub debits_pending: i64,
    /// Reserved to be given.
    pub credits_pending: i64,
}

const KINDS: &str = "SELECT kind, CAST(SUM(credits_posted - debits_posted) AS BIGINT),
        CAST(SUM(debits_pending) AS BIGINT), CAST(SUM(credits_pending) AS BIGINT)
    FROM ledger_accounts GROUP BY kind ORDER BY kind";

/// Sums of all accounts by their kind.
pub async fn kinds(db: &impl ConnectionTrait) -> Result<Vec<KindSums>, StoreError> {
    let rows = db.query_all_raw(statement(db.get_database_backend(), KINDS, Vec::new())).await?;
    let read = |row: &QueryResult| {
        let code: i64 = row.try_get_by_index(0)?;
        Ok(KindSums {
            code: u8::try_from(code).map_err(|_| StoreError::Corrupt("a ledger account's kind"))?,
            net: row.try_get_by_index(1)?,
            debits_pending: row.try_get_by_index(2)?,
            credits_pending: row.try_get_by_index(3)?,
        })
    };
    rows.iter().map(read).collect()
}

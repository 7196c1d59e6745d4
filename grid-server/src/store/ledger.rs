//! The ledger's tables. A batch of transfers is applied inside the caller's transaction: what it touches is loaded into
//! a [`Book`], which has the rules, and what that changed is written. A refused batch writes nothing, so its transaction
//! may go on.
//!
//! Accounts are locked in the order of their ids, for other programs on PostgreSQL; within the server there is one
//! writer, so no account is ever contended, and the grid's own need no shards.

use std::collections::{BTreeMap, BTreeSet};

use fallow_protocol::wire;
use grid_core::ledger::{
    Account, Amount, Applied, Balance, Book, Cause, Kind, LedgerError, Recorded, Transfer, TransferId,
};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};

use super::batch::{Rows, int, list, statement};
use super::units::count;
use super::{StoreError, earnings};

pub mod check;
pub mod search;
pub mod statements;

/// A packed cause is a few numbers.
const CAUSE_BYTES_MAX: usize = 256;

const OPEN: &str = "INSERT INTO ledger_accounts (id, kind, currency, owner) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO NOTHING";

/// Open an account with nothing in it; false where it was open. The grid's own are always open.
pub async fn open_account(db: &impl ConnectionTrait, account: Account) -> Result<bool, StoreError> {
    let id = account.id().ok_or(StoreError::Corrupt("the number of a ledger account's owner"))?;
    let kind = account.kind;
    let values =
        vec![id.into(), i64::from(kind.code()).into(), i64::from(account.currency.0).into(), kind.owner().into()];
    Ok(db.execute_raw(statement(db.get_database_backend(), OPEN, values)).await?.rows_affected() == 1)
}

const BALANCE: &str = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted
    FROM ledger_accounts WHERE id IN {list:1} ORDER BY id";

/// The sums of an account; none where it is not open.
pub async fn balance(db: &impl ConnectionTrait, account: Account) -> Result<Option<Balance>, StoreError> {
    let rows = db.query_all_raw(statement(db.get_database_backend(), BALANCE, vec![list(ids_of([account]))])).await?;
    Ok(rows.first().map(read_account).transpose()?.map(|(_, balance)| balance))
}

/// Apply a batch, in order, all or nothing. The outer error is the database's; the inner one says which transfer was
/// refused and why, and then nothing was written. Causes that were applied before answer [`Applied::Exists`].
pub async fn apply(
    db: &impl ConnectionTrait,
    transfers: &[Transfer],
    now_ms: u64,
) -> Result<Result<Vec<Applied>, LedgerError>, StoreError> {
    if transfers.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let mut book = load(db, transfers).await?;
    let before: BTreeMap<Account, Balance> = book.accounts().collect();
    let applied = match book.apply(transfers, now_ms) {
        Ok(applied) => applied,
        Err(refused) => return Ok(Err(refused)),
    };
    let is_new = |(transfer, applied): (&Transfer, &Applied)| (*applied == Applied::New).then_some(*transfer);
    let made: Vec<Transfer> = transfers.iter().zip(&applied).filter_map(is_new).collect();
    if !made.is_empty() {
        write_transfers(db, &made, now_ms).await?;
        write_expiring(db, &book, &made).await?;
        earnings::note(db, &book, &made, now_ms).await?;
        let changed = book.accounts().filter(|(account, balance)| before.get(account) != Some(balance));
        write_accounts(db, changed).await?;
    }
    Ok(Ok(applied))
}

// The locks come first, so that what is read after them is what others have committed before.
const LOCK_POSTGRES: &str = "SELECT id, debits_pending, debits_posted, credits_pending, credits_posted
    FROM ledger_accounts WHERE id IN {list:1} ORDER BY id FOR UPDATE";
// The transfers themselves, those that they resolve, and those that resolved these.
const KNOWN: &str = "SELECT id, debit, credit, amount, timeout_ms, made_at_ms, cause FROM transfers
    WHERE id IN (SELECT {bytes:0} FROM {rows:1})
    UNION ALL SELECT id, debit, credit, amount, timeout_ms, made_at_ms, cause FROM transfers
    WHERE pending IN (SELECT {bytes:0} FROM {rows:2})";

/// The part of the ledger that a batch touches.
async fn load(db: &impl ConnectionTrait, transfers: &[Transfer]) -> Result<Book, StoreError> {
    let backend = db.get_database_backend();
    let mut book = Book::default();
    let accounts = ids_of(transfers.iter().flat_map(|transfer| [transfer.debit, transfer.credit]));
    let text = if backend == DbBackend::Sqlite { BALANCE } else { LOCK_POSTGRES };
    for row in db.query_all_raw(statement(backend, text, vec![list(accounts)])).await? {
        let (account, balance) = read_account(&row)?;
        book.put_account(account, balance);
    }
    let pending: BTreeSet<TransferId> = transfers.iter().filter_map(|transfer| transfer.cause.resolves()).collect();
    let ids: BTreeSet<TransferId> = transfers.iter().map(Transfer::id).chain(pending.iter().copied()).collect();
    let values = vec![id_rows(&ids), id_rows(&pending)];
    for row in db.query_all_raw(statement(backend, KNOWN, values)).await? {
        book.put_transfer(read_transfer(&row)?.1);
    }
    Ok(book)
}

/// Accounts whose owner no row can have are in no table either.
fn ids_of(accounts: impl IntoIterator<Item = Account>) -> BTreeSet<u64> {
    accounts.into_iter().filter_map(Account::id).map(i64::unsigned_abs).collect()
}

fn id_rows(ids: &BTreeSet<TransferId>) -> sea_orm::Value {
    let mut rows = Rows::with_capacity(ids.len(), 36);
    for id in ids {
        rows.row().bytes(Some(&id.0));
    }
    rows.value()
}

const INSERT: &str = "INSERT INTO transfers (id, kind, code, debit, credit, amount, pending, timeout_ms, cause,
        made_at_ms)
    SELECT {bytes:0}, {int:1}, {int:2}, {int:3}, {int:4}, {int:5}, {bytes:6}, {int:7}, {bytes:8}, $1 FROM {rows:2}";

async fn write_transfers(db: &impl ConnectionTrait, made: &[Transfer], now_ms: u64) -> Result<(), StoreError> {
    let mut rows = Rows::with_capacity(made.len(), 200);
    for transfer in made {
        let id = |account: Account| account.id().unwrap_or_default();
        rows.row()
            .bytes(Some(&transfer.id().0))
            .int(transfer.kind() as i64)
            .int(i64::from(transfer.cause.code()))
            .int(id(transfer.debit))
            .int(id(transfer.credit))
            .int(transfer.amount.micro())
            .bytes(transfer.cause.resolves().as_ref().map(|pending| pending.0.as_slice()))
            .maybe(transfer.timeout_ms)
            .bytes(Some(&wire::encode(&transfer.cause)));
    }
    db.execute_raw(statement(db.get_database_backend(), INSERT, vec![int(now_ms).into(), rows.value()])).await?;
    Ok(())
}

const EXPIRING: &str = "INSERT INTO ledger_expiring (id, expires_at_ms) SELECT {bytes:0}, {int:1} FROM {rows:1}";
const NOT_EXPIRING: &str = "DELETE FROM ledger_expiring WHERE id IN (SELECT {bytes:0} FROM {rows:1})";

/// Remember the reservations with a time, and forget those that are resolved. Nearly none have one.
async fn write_expiring(db: &impl ConnectionTrait, book: &Book, made: &[Transfer]) -> Result<(), StoreError> {
    let backend = db.get_database_backend();
    let timed = |id: TransferId| book.transfer(id).and_then(Recorded::expires_at_ms).map(|at| (id, at));
    let mut rows = Rows::default();
    for (id, at) in made.iter().filter_map(|transfer| timed(transfer.id())) {
        rows.row().bytes(Some(&id.0)).count(at);
    }
    if rows.len() > 0 {
        db.execute_raw(statement(backend, EXPIRING, vec![rows.value()])).await?;
    }
    let resolved = made.iter().filter_map(|transfer| transfer.cause.resolves());
    let over: BTreeSet<TransferId> = resolved.filter_map(timed).map(|(id, _)| id).collect();
    if !over.is_empty() {
        db.execute_raw(statement(backend, NOT_EXPIRING, vec![id_rows(&over)])).await?;
    }
    Ok(())
}

// An upsert, because SQLite scans the table for `UPDATE … FROM json_each`. The row is always there.
const UPDATE: &str = "INSERT INTO ledger_accounts (id, kind, currency, owner, debits_pending, debits_posted,
        credits_pending, credits_posted)
    SELECT {int:0}, {int:1}, {int:2}, {int:3}, {int:4}, {int:5}, {int:6}, {int:7} FROM {rows:1}
    ON CONFLICT (id) DO UPDATE SET debits_pending = excluded.debits_pending, debits_posted = excluded.debits_posted,
        credits_pending = excluded.credits_pending, credits_posted = excluded.credits_posted";

async fn write_accounts(
    db: &impl ConnectionTrait,
    changed: impl Iterator<Item = (Account, Balance)>,
) -> Result<(), StoreError> {
    let mut rows = Rows::default();
    for (account, balance) in changed {
        rows.row()
            .int(account.id().unwrap_or_default())
            .int(i64::from(account.kind.code()))
            .int(i64::from(account.currency.0))
            .int(account.kind.owner())
            .int(balance.debits_pending.micro())
            .int(balance.debits_posted.micro())
            .int(balance.credits_pending.micro())
            .int(balance.credits_posted.micro());
    }
    db.execute_raw(statement(db.get_database_backend(), UPDATE, vec![rows.value()])).await?;
    Ok(())
}

const EXPIRED: &str = "SELECT t.id, t.debit, t.credit, t.amount, t.timeout_ms, t.made_at_ms, t.cause
    FROM ledger_expiring e JOIN transfers t ON t.id = e.id WHERE e.expires_at_ms <= $1
    ORDER BY e.expires_at_ms LIMIT $2";

/// What voids the reservations whose time is over, oldest first; to be applied.
pub async fn expired(db: &impl ConnectionTrait, now_ms: u64, limit: u64) -> Result<Vec<Transfer>, StoreError> {
    let values = vec![int(now_ms).into(), int(limit).into()];
    let rows = db.query_all_raw(statement(db.get_database_backend(), EXPIRED, values)).await?;
    rows.iter().map(|row| Ok(read_transfer(row)?.1.transfer.expiry())).collect()
}

/// Columns: id, debits_pending, debits_posted, credits_pending, credits_posted.
fn read_account(row: &QueryResult) -> Result<(Account, Balance), StoreError> {
    let account = Account::from_id(row.try_get_by_index(0)?).ok_or(StoreError::Corrupt("a ledger account's id"))?;
    let balance = Balance {
        debits_pending: amount(row, 1)?,
        debits_posted: amount(row, 2)?,
        credits_pending: amount(row, 3)?,
        credits_posted: amount(row, 4)?,
    };
    Ok((account, balance))
}

/// Columns: id, debit, credit, amount, timeout_ms, made_at_ms, cause. The id as it is stored comes first.
fn read_transfer(row: &QueryResult) -> Result<(TransferId, Recorded), StoreError> {
    let account = |index| {
        let id: i64 = row.try_get_by_index(index)?;
        Account::from_id(id).ok_or(StoreError::Corrupt("a transfer's account"))
    };
    let stored: Vec<u8> = row.try_get_by_index(0)?;
    let timeout: Option<i64> = row.try_get_by_index(4)?;
    let transfer = Transfer {
        debit: account(1)?,
        credit: account(2)?,
        amount: amount(row, 3)?,
        timeout_ms: timeout.and_then(|timeout| u64::try_from(timeout).ok()),
        cause: read_cause(&row.try_get_by_index::<Vec<u8>>(6)?)?,
    };
    let stored = TransferId::from_slice(&stored).ok_or(StoreError::Corrupt("a transfer's id"))?;
    Ok((stored, Recorded { transfer, made_at_ms: count(row, 5)? }))
}

fn read_cause(bytes: &[u8]) -> Result<Cause, StoreError> {
    wire::decode(bytes, CAUSE_BYTES_MAX).map_err(|_| StoreError::Corrupt("a transfer's cause"))
}

pub(super) fn amount(row: &QueryResult, index: usize) -> Result<Amount, StoreError> {
    Amount::from_micro(row.try_get_by_index(index)?).map_err(|_| StoreError::Corrupt("an amount of credits"))
}

/// Which kind a stored number stands for.
fn kind_of(number: i64) -> Option<Kind> {
    [Kind::Single, Kind::Pending, Kind::Post, Kind::Void].into_iter().find(|kind| *kind as i64 == number)
}

/// Statements that are run for every batch or page, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[BALANCE, KNOWN, INSERT, UPDATE, EXPIRING, NOT_EXPIRING, EXPIRED, statements::DEBIT, statements::CREDIT];

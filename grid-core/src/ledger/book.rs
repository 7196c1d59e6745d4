//! The rules over data in memory: accounts, transfers, and which reservations are resolved.

use std::collections::{BTreeMap, BTreeSet};

use super::account::Account;
use super::amount::Amount;
use super::balance::Balance;
use super::cause::{Cause, TransferId};
use super::error::{LedgerError, Reason};
use super::transfer::{Kind, Recorded, TRANSFER_MAX, Transfer};

/// Transfers in one batch.
pub const BATCH_MAX: usize = 2_000;

/// What became of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It moved.
    New,
    /// It had moved before, with the same fields.
    Exists,
}

/// How a reservation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// What ended it.
    pub by: TransferId,
    /// How much of it moved; nothing for a void.
    pub posted: Amount,
}

/// A ledger in memory, whole or the part that a batch touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    accounts: BTreeMap<Account, Balance>,
    transfers: BTreeMap<TransferId, Recorded>,
    resolved: BTreeMap<TransferId, Resolution>,
}

/// What a batch changed so far, so that it can be undone.
#[derive(Default)]
struct Undo {
    balances: BTreeMap<Account, Balance>,
    made: BTreeSet<TransferId>,
    resolved: BTreeSet<TransferId>,
}

impl Book {
    /// Open an account with nothing in it. One that is open stays as it is.
    pub fn open(&mut self, account: Account) {
        self.accounts.entry(account).or_default();
    }

    /// Put an account in with its sums, as they are stored.
    pub fn put_account(&mut self, account: Account, balance: Balance) {
        self.accounts.insert(account, balance);
    }

    /// Put a transfer in that was applied before. Its sums are in the accounts already.
    pub fn put_transfer(&mut self, recorded: Recorded) {
        let transfer = &recorded.transfer;
        if let Some(pending) = transfer.cause.resolves() {
            let posted = if transfer.kind() == Kind::Post { transfer.amount } else { Amount::ZERO };
            self.resolved.insert(pending, Resolution { by: transfer.id(), posted });
        }
        self.transfers.insert(transfer.id(), recorded);
    }

    /// Sums of an open account.
    pub fn balance(&self, account: Account) -> Option<Balance> {
        self.accounts.get(&account).copied()
    }

    /// All open accounts.
    pub fn accounts(&self) -> impl Iterator<Item = (Account, Balance)> {
        self.accounts.iter().map(|(account, balance)| (*account, *balance))
    }

    /// A transfer by its id.
    pub fn transfer(&self, id: TransferId) -> Option<&Recorded> {
        self.transfers.get(&id)
    }

    /// All transfers by id.
    pub fn transfers(&self) -> impl Iterator<Item = &Recorded> {
        self.transfers.values()
    }

    /// How a reservation ended, if it has.
    pub fn resolution(&self, pending: TransferId) -> Option<Resolution> {
        self.resolved.get(&pending).copied()
    }

    /// What voids the reservations whose time is over at `now_ms`.
    pub fn expired(&self, now_ms: u64) -> Vec<Transfer> {
        let over =
            |recorded: &&Recorded| recorded.has_expired(now_ms) && !self.resolved.contains_key(&recorded.transfer.id());
        self.transfers.values().filter(over).map(|recorded| recorded.transfer.expiry()).collect()
    }

    /// Apply a batch, in order, all or nothing. A transfer that exists with the same fields changes nothing, whatever
    /// has happened since.
    pub fn apply(&mut self, transfers: &[Transfer], now_ms: u64) -> Result<Vec<Applied>, LedgerError> {
        if let (Some(first), true) = (transfers.first(), transfers.len() > BATCH_MAX) {
            let reason = Reason::TooMany { len: transfers.len(), max: BATCH_MAX };
            return Err(LedgerError { index: 0, cause: first.cause, reason });
        }
        let mut undo = Undo::default();
        let mut applied = Vec::with_capacity(transfers.len());
        for (index, transfer) in transfers.iter().enumerate() {
            match self.apply_one(transfer, now_ms, &mut undo) {
                Ok(done) => applied.push(done),
                Err(reason) => {
                    self.undo(undo);
                    return Err(LedgerError { index, cause: transfer.cause, reason });
                }
            }
        }
        Ok(applied)
    }

    fn undo(&mut self, undo: Undo) {
        self.accounts.extend(undo.balances);
        self.transfers.retain(|id, _| !undo.made.contains(id));
        self.resolved.retain(|id, _| !undo.resolved.contains(id));
    }

    fn apply_one(&mut self, transfer: &Transfer, now_ms: u64, undo: &mut Undo) -> Result<Applied, Reason> {
        let id = transfer.id();
        if let Some(found) = self.transfers.get(&id) {
            return if found.transfer == *transfer { Ok(Applied::Exists) } else { Err(Reason::Conflict(id)) };
        }
        check_form(transfer)?;
        let reserved = match transfer.cause.resolves() {
            Some(pending) => Some(self.check_resolution(transfer, pending, now_ms)?),
            None => None,
        };
        self.change(transfer, reserved, undo)?;
        self.put_transfer(Recorded { transfer: *transfer, made_at_ms: now_ms });
        undo.made.insert(id);
        undo.resolved.extend(transfer.cause.resolves());
        Ok(Applied::New)
    }

    /// What is reserved, where `transfer` may end it.
    fn check_resolution(&self, transfer: &Transfer, pending: TransferId, now_ms: u64) -> Result<Amount, Reason> {
        let found = self.transfers.get(&pending).filter(|found| found.transfer.kind() == Kind::Pending);
        let found = found.ok_or(Reason::NotPending(pending))?;
        let reserved = found.transfer.amount;
        if (found.transfer.debit, found.transfer.credit) != (transfer.debit, transfer.credit) {
            return Err(Reason::OtherAccounts(pending));
        }
        if self.resolved.contains_key(&pending) {
            return Err(Reason::Resolved(pending));
        }
        let whole = transfer.kind() == Kind::Void;
        if transfer.amount > reserved || whole && transfer.amount != reserved {
            return Err(Reason::OtherAmount { reserved, wanted: transfer.amount });
        }
        check_time(&transfer.cause, found, now_ms)?;
        Ok(reserved)
    }

    /// Move the sums of both accounts.
    fn change(&mut self, transfer: &Transfer, reserved: Option<Amount>, undo: &mut Undo) -> Result<(), Reason> {
        let Transfer { debit, credit, amount, .. } = *transfer;
        let mut payer = self.balance(debit).ok_or(Reason::UnknownAccount(debit))?;
        let mut payee = self.balance(credit).ok_or(Reason::UnknownAccount(credit))?;
        let before = [(debit, payer), (credit, payee)];
        let posted = if transfer.kind() == Kind::Post { amount } else { Amount::ZERO };
        match reserved {
            Some(reserved) => {
                payer.resolve_debit(debit, reserved, posted)?;
                payee.resolve_credit(credit, reserved, posted)?;
            }
            None => {
                let pending = transfer.kind() == Kind::Pending;
                payer.debit(debit, amount, pending)?;
                payee.credit(credit, amount, pending)?;
            }
        }
        for (account, balance) in before {
            undo.balances.entry(account).or_insert(balance);
        }
        self.accounts.extend([(debit, payer), (credit, payee)]);
        Ok(())
    }
}

/// What is wrong with a transfer whatever the ledger holds.
pub(super) fn check_form(transfer: &Transfer) -> Result<(), Reason> {
    let Transfer { debit, credit, amount, .. } = *transfer;
    if amount.is_zero() {
        return Err(Reason::Zero);
    }
    if amount > TRANSFER_MAX {
        return Err(Reason::TooLarge(amount));
    }
    if debit.currency != credit.currency {
        return Err(Reason::Currencies { debit, credit });
    }
    if debit == credit {
        return Err(Reason::SameAccount(debit));
    }
    if transfer.timeout_ms.is_some() && transfer.kind() != Kind::Pending {
        return Err(Reason::Timeout);
    }
    Ok(())
}

/// A reservation is posted before its time is over and expires after it; it may be voided at any time.
fn check_time(cause: &Cause, pending: &Recorded, now_ms: u64) -> Result<(), Reason> {
    let over = pending.has_expired(now_ms);
    match cause {
        Cause::Post { .. } if over => {
            let late_ms = now_ms.saturating_sub(pending.expires_at_ms().unwrap_or(now_ms));
            Err(Reason::Expired { late_ms })
        }
        Cause::Expire { .. } if !over => Err(Reason::NotExpired),
        _ => Ok(()),
    }
}

//! Recomputes a ledger from its transfers and says what does not add up. It trusts nothing that is stored: ids, forms,
//! sums and resolutions are all derived anew, in the order in which the transfers were made.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::account::{Account, Currency};
use super::amount::Amount;
use super::balance::Balance;
use super::book::check_form;
use super::cause::TransferId;
use super::error::Reason;
use super::transfer::{Kind, Recorded, Transfer};

/// Findings that are kept in words; more are only counted.
const FINDINGS_MAX: usize = 100;

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// I1, I2: what was taken in a currency is not what was given.
    Sums {
        /// The currency.
        currency: Currency,
        /// Whether it is about reserved amounts.
        pending: bool,
        /// Taken, micro-credits.
        debits: i128,
        /// Given, micro-credits.
        credits: i128,
    },
    /// I3: stored sums of an account are not those of its transfers.
    Recomputed {
        /// The account.
        account: Account,
        /// As they are stored; none where the account is missing.
        stored: Option<Balance>,
        /// As they should be.
        computed: Balance,
    },
    /// I4: an account went below zero that may not.
    Overdrawn {
        /// The account.
        account: Account,
        /// With this transfer.
        by: TransferId,
    },
    /// I5: a post or void of something that is not reserved (any more), or not like this.
    Resolution {
        /// The post or void.
        by: TransferId,
        /// What it names.
        pending: TransferId,
    },
    /// I7: a transfer's id is not that of its cause, so it was changed.
    WrongId {
        /// The id that is stored.
        stored: TransferId,
        /// The id of its cause.
        computed: TransferId,
    },
    /// I6: a transfer that could not have been made.
    Form {
        /// The transfer.
        id: TransferId,
        /// Why not.
        reason: Reason,
    },
    /// I6: a row that no version of the program writes.
    Unreadable {
        /// Where and what.
        what: String,
    },
    /// I8: held pay is not as its holding says.
    Holding {
        /// The holding's row.
        id: i64,
        /// What is wrong.
        what: &'static str,
    },
    /// I8: a frame's pay is reserved, and no holding says what for.
    NoHolding {
        /// The reservation.
        id: TransferId,
    },
    /// I9: a job is over and its escrow is not empty.
    Escrow {
        /// The escrow.
        account: Account,
        /// What is left in it.
        left: Amount,
    },
}

/// A ledger that is being recomputed.
#[derive(Debug, Default)]
pub struct Audit {
    accounts: HashMap<Account, Balance>,
    pending: HashMap<TransferId, Transfer>,
    findings: Vec<Finding>,
    found: u64,
    transfers: u64,
}

impl Audit {
    /// The next transfer, in the order in which they were made, and the id that is stored with it.
    pub fn transfer(&mut self, stored: TransferId, recorded: &Recorded) {
        self.transfers += 1;
        let transfer = &recorded.transfer;
        let id = transfer.id();
        if stored != id {
            self.report(Finding::WrongId { stored, computed: id });
        }
        if let Err(reason) = check_form(transfer) {
            self.report(Finding::Form { id, reason });
            return;
        }
        match transfer.cause.resolves() {
            Some(pending) => self.resolve(transfer, id, pending),
            None => self.move_sums(transfer, id),
        }
    }

    fn resolve(&mut self, transfer: &Transfer, id: TransferId, pending: TransferId) {
        let fits = |held: &&Transfer| {
            let whole = transfer.kind() == Kind::Post || transfer.amount == held.amount;
            (held.debit, held.credit) == (transfer.debit, transfer.credit) && transfer.amount <= held.amount && whole
        };
        let Some(reserved) = self.pending.get(&pending).filter(fits).map(|held| held.amount) else {
            return self.report(Finding::Resolution { by: id, pending });
        };
        self.pending.remove(&pending);
        let posted = if transfer.kind() == Kind::Post { transfer.amount } else { Amount::ZERO };
        let payer = self.accounts.entry(transfer.debit).or_default();
        let debit = payer.resolve_debit(transfer.debit, reserved, posted);
        let payee = self.accounts.entry(transfer.credit).or_default();
        let credit = payee.resolve_credit(transfer.credit, reserved, posted);
        self.report_reason(id, debit.and(credit));
    }

    fn move_sums(&mut self, transfer: &Transfer, id: TransferId) {
        let Transfer { debit, credit, amount, .. } = *transfer;
        let pending = transfer.kind() == Kind::Pending;
        if pending {
            self.pending.insert(id, *transfer);
        }
        let payer = self.accounts.entry(debit).or_default();
        if !debit.kind.may_go_negative() && payer.available() < amount {
            self.report(Finding::Overdrawn { account: debit, by: id });
        }
        // Sums go on as they were stored, also from a balance that should not be.
        let balance = self.accounts.entry(debit).or_default();
        let sum = if pending { &mut balance.debits_pending } else { &mut balance.debits_posted };
        *sum = sum.saturating_add(amount);
        let payee = self.accounts.entry(credit).or_default();
        let done = payee.credit(credit, amount, pending);
        self.report_reason(id, done);
    }

    /// The accounts as they are stored, once all transfers have been seen: every one, each once.
    pub fn accounts(&mut self, stored: impl IntoIterator<Item = (Account, Balance)>) {
        let mut sums: BTreeMap<Currency, [i128; 4]> = BTreeMap::new();
        let mut computed = std::mem::take(&mut self.accounts);
        for (account, balance) in stored {
            add(sums.entry(account.currency).or_default(), &balance);
            let wanted = computed.remove(&account).unwrap_or_default();
            if wanted != balance {
                self.report(Finding::Recomputed { account, stored: Some(balance), computed: wanted });
            }
        }
        for (account, computed) in computed {
            self.report(Finding::Recomputed { account, stored: None, computed });
        }
        for (currency, [debits_pending, debits, credits_pending, credits]) in sums {
            if debits != credits {
                self.report(Finding::Sums { currency, pending: false, debits, credits });
            }
            if debits_pending != credits_pending {
                let (debits, credits) = (debits_pending, credits_pending);
                self.report(Finding::Sums { currency, pending: true, debits, credits });
            }
        }
    }

    /// Something that was found elsewhere.
    pub fn report(&mut self, finding: Finding) {
        self.found += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    fn report_reason(&mut self, id: TransferId, done: Result<(), Reason>) {
        if let Err(reason) = done {
            self.report(Finding::Form { id, reason });
        }
    }

    /// A reservation that is neither posted nor voided.
    pub fn pending(&self, id: TransferId) -> Option<&Transfer> {
        self.pending.get(&id)
    }

    /// All of them.
    pub fn all_pending(&self) -> impl Iterator<Item = &Transfer> {
        self.pending.values()
    }

    /// Transfers seen.
    pub fn transfers(&self) -> u64 {
        self.transfers
    }

    /// How many things do not add up.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// The first of them.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

fn add(sums: &mut [i128; 4], balance: &Balance) {
    let parts = [balance.debits_pending, balance.debits_posted, balance.credits_pending, balance.credits_posted];
    for (sum, part) in sums.iter_mut().zip(parts) {
        *sum += i128::from(part.micro());
    }
}

impl Finding {
    /// The invariant that is broken, as the documentation numbers them.
    pub fn invariant(&self) -> &'static str {
        match self {
            Finding::Sums { pending: false, .. } => "I1",
            Finding::Sums { pending: true, .. } => "I2",
            Finding::Recomputed { .. } => "I3",
            Finding::Overdrawn { .. } => "I4",
            Finding::Resolution { .. } => "I5",
            Finding::Form { .. } | Finding::Unreadable { .. } => "I6",
            Finding::WrongId { .. } => "I7",
            Finding::Holding { .. } | Finding::NoHolding { .. } => "I8",
            Finding::Escrow { .. } => "I9",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Sums { currency, pending, debits, credits } => {
                let what = if *pending { "reserved" } else { "posted" };
                write!(f, "currency {}: {debits} micro-credits are {what} as debits, {credits} as credits", currency.0)
            }
            Finding::Recomputed { account, stored: None, .. } => {
                write!(f, "{account} has transfers, but no row")
            }
            Finding::Recomputed { account, stored: Some(stored), computed } => {
                write!(f, "{account}: stored {}, its transfers give {}", Sums(stored), Sums(computed))
            }
            Finding::Overdrawn { account, by } => write!(f, "{account} went below zero with transfer {by}"),
            Finding::Resolution { by, pending } => {
                write!(f, "transfer {by} resolves {pending}, which is not reserved like that")
            }
            Finding::WrongId { stored, computed } => write!(f, "transfer {stored} should have the id {computed}"),
            Finding::Form { id, reason } => write!(f, "transfer {id} could not have been made: {reason}"),
            Finding::Unreadable { what } => write!(f, "failed to read {what}"),
            Finding::Holding { id, what } => write!(f, "holding {id}: {what}"),
            Finding::NoHolding { id } => write!(f, "reservation {id} of a frame's pay has no holding"),
            Finding::Escrow { account, left } => write!(f, "{account}: the job is over, and {left} are left"),
        }
    }
}

/// The four sums of an account, for people.
struct Sums<'a>(&'a Balance);

impl fmt::Display for Sums<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Balance { debits_pending, debits_posted, credits_pending, credits_posted } = self.0;
        write!(f, "-{debits_posted} (-{debits_pending} reserved) +{credits_posted} (+{credits_pending} reserved)")
    }
}

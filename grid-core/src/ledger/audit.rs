//! Recomputes a ledger from its transfers and says what does not add up. It trusts nothing that is stored: ids, forms,
//! sums and resolutions are all derived anew, in the order in which the transfers were made.

use std::collections::{BTreeMap, HashMap};

use super::account::{Account, Currency};
use super::amount::Amount;
use super::balance::Balance;
use super::book::check_form;
use super::cause::TransferId;
use super::error::Reason;
use super::finding::Finding;
use super::transfer::{Kind, Recorded, Transfer};

/// Findings that are kept in words; more are only counted.
const FINDINGS_MAX: usize = 100;

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

//! The transfers that the grid makes, each made in one place: which account pays which, and for what cause.

use super::account::{Account, AccountKind};
use super::amount::Amount;
use super::cause::{Cause, Work};
use super::transfer::Transfer;
use crate::ids::{AccountNo, JobNo};

const ISSUANCE: Account = Account::credits(AccountKind::Issuance);
const FEES: Account = Account::credits(AccountKind::Fees);
const VERIFICATION: Account = Account::credits(AccountKind::Verification);
const FORFEIT: Account = Account::credits(AccountKind::Forfeit);

/// A transfer that moves at once, or reserves without an end: its cause says which.
fn make(cause: Cause, debit: Account, credit: Account, amount: Amount) -> Transfer {
    Transfer { cause, debit, credit, amount, timeout_ms: None }
}

/// Pay with the fee that goes with it. What is nothing is left out, because nothing cannot move.
fn with_fee(pay: Transfer, fee: Transfer) -> Vec<Transfer> {
    [pay, fee].into_iter().filter(|transfer| !transfer.amount.is_zero()).collect()
}

impl Transfer {
    /// New credits for an account: an operator's grant (`n` of [`Cause::number_of`]) or its allowance
    /// ([`super::ALLOWANCE`]).
    pub fn grant(account: AccountNo, n: u64, amount: Amount) -> Self {
        make(Cause::Grant { account, n }, ISSUANCE, Account::user(account), amount)
    }

    /// New credits for the account that pays for checks.
    pub fn endow(n: u64, amount: Amount) -> Self {
        make(Cause::Endow { n }, ISSUANCE, VERIFICATION, amount)
    }

    /// An author's budget for a job; more of it is the next `n`.
    pub fn fund(author: AccountNo, job: JobNo, n: u64, amount: Amount) -> Self {
        make(Cause::Fund { job, n }, Account::user(author), Account::escrow(job), amount)
    }

    /// What a job did not spend, back to its author. What is held returns later, with the next `n`.
    pub fn refund(author: AccountNo, job: JobNo, n: u64, amount: Amount) -> Self {
        make(Cause::Refund { job, n }, Account::escrow(job), Account::user(author), amount)
    }

    /// Reserve a lender's pay and the fee that goes with it, out of the job's escrow.
    pub fn hold(work: Work, lender: AccountNo, pay: Amount, fee: Amount) -> Vec<Self> {
        let escrow = Account::escrow(work.job());
        let pay = make(Cause::Hold(work), escrow, Account::user(lender), pay);
        with_fee(pay, make(Cause::HoldFee(work), escrow, VERIFICATION, fee))
    }

    /// Pay a lender at once, with the fee, out of the job's escrow.
    pub fn pay(work: Work, lender: AccountNo, pay: Amount, fee: Amount) -> Vec<Self> {
        let escrow = Account::escrow(work.job());
        let pay = make(Cause::Pay(work), escrow, Account::user(lender), pay);
        with_fee(pay, make(Cause::Fee(work), escrow, VERIFICATION, fee))
    }

    /// The grid pays a lender for a check, out of the fees.
    pub fn check(work: Work, lender: AccountNo, pay: Amount) -> Self {
        make(Cause::Check(work), VERIFICATION, Account::user(lender), pay)
    }

    /// Move this reservation, or `amount` of it; the rest returns.
    pub fn post(&self, amount: Amount) -> Self {
        make(Cause::Post { of: self.id() }, self.debit, self.credit, amount)
    }

    /// Return this reservation.
    pub fn void(&self) -> Self {
        make(Cause::Void { of: self.id() }, self.debit, self.credit, self.amount)
    }

    /// Return this reservation because its time is over.
    pub fn expiry(&self) -> Self {
        make(Cause::Expire { of: self.id() }, self.debit, self.credit, self.amount)
    }

    /// Keeping a job's result, period `n`.
    pub fn storage(job: JobNo, n: u64, amount: Amount) -> Self {
        make(Cause::Storage { job, n }, Account::escrow(job), FEES, amount)
    }

    /// Fees that checks did not need become the grid's own.
    pub fn surplus(n: u64, amount: Amount) -> Self {
        make(Cause::Surplus { n }, VERIFICATION, FEES, amount)
    }

    /// Take back what an account got wrongly.
    pub fn forfeit(account: AccountNo, n: u64, amount: Amount) -> Self {
        make(Cause::Forfeit { account, n }, Account::user(account), FORFEIT, amount)
    }

    /// Give an author back what wrong results cost, out of what was forfeited.
    pub fn compensation(author: AccountNo, job: JobNo, n: u64, amount: Amount) -> Self {
        make(Cause::Compensation { job, n }, FORFEIT, Account::user(author), amount)
    }
}

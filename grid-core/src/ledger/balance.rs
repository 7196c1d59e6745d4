//! The four sums of an account, and what each kind of transfer does to them.

use super::account::{Account, AccountKind};
use super::amount::Amount;
use super::error::Reason;

/// Sums of all that was ever taken from and given to an account. Posted sums only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Reserved to be taken.
    pub debits_pending: Amount,
    /// Taken.
    pub debits_posted: Amount,
    /// Reserved to be given.
    pub credits_pending: Amount,
    /// Given.
    pub credits_posted: Amount,
}

impl Balance {
    /// What may still be spent: given, less taken, less reserved. Nothing where the account owes.
    pub fn available(&self) -> Amount {
        self.credits_posted.saturating_sub(self.debits_posted).saturating_sub(self.debits_pending)
    }

    /// What it has, reserved amounts included, micro-credits; negative where it owes.
    pub fn net_micro(&self) -> i64 {
        self.credits_posted.micro() - self.debits_posted.micro()
    }

    /// Whether an account of this kind may stand like this.
    pub fn is_allowed(&self, kind: AccountKind) -> bool {
        let spent = self.debits_posted.checked_add(self.debits_pending);
        kind.may_go_negative() || spent.is_some_and(|spent| spent <= self.credits_posted)
    }

    /// The side that pays: take or reserve.
    pub(super) fn debit(&mut self, account: Account, amount: Amount, pending: bool) -> Result<(), Reason> {
        if !account.kind.may_go_negative() && self.available() < amount {
            return Err(Reason::Insufficient { account, available: self.available(), wanted: amount });
        }
        let sum = if pending { &mut self.debits_pending } else { &mut self.debits_posted };
        raise(sum, account, amount)?;
        // Taken and reserved together are compared with what was given, so their sum has to fit as well.
        let together = self.debits_posted.checked_add(self.debits_pending);
        together.map(drop).ok_or(Reason::Overflow(account))
    }

    /// The side that is paid.
    pub(super) fn credit(&mut self, account: Account, amount: Amount, pending: bool) -> Result<(), Reason> {
        let sum = if pending { &mut self.credits_pending } else { &mut self.credits_posted };
        raise(sum, account, amount)
    }

    /// A reservation of `reserved` ends on the side that pays, and `posted` of it is taken.
    pub(super) fn resolve_debit(&mut self, account: Account, reserved: Amount, posted: Amount) -> Result<(), Reason> {
        lower(&mut self.debits_pending, account, reserved)?;
        raise(&mut self.debits_posted, account, posted)
    }

    /// The same on the side that is paid.
    pub(super) fn resolve_credit(&mut self, account: Account, reserved: Amount, posted: Amount) -> Result<(), Reason> {
        lower(&mut self.credits_pending, account, reserved)?;
        raise(&mut self.credits_posted, account, posted)
    }
}

fn raise(sum: &mut Amount, account: Account, amount: Amount) -> Result<(), Reason> {
    *sum = sum.checked_add(amount).ok_or(Reason::Overflow(account))?;
    Ok(())
}

/// What is reserved covers every reservation, so this fails only on sums that were tampered with.
fn lower(sum: &mut Amount, account: Account, amount: Amount) -> Result<(), Reason> {
    *sum = sum.checked_sub(amount).ok_or(Reason::Overflow(account))?;
    Ok(())
}

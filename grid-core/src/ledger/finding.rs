//! What a recomputed ledger can turn out to have wrong, by the invariants that `docs/credits.md` numbers.

use std::fmt;

use super::account::{Account, Currency};
use super::amount::Amount;
use super::balance::Balance;
use super::cause::TransferId;
use super::error::Reason;

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

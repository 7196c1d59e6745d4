//! Why a batch of transfers was refused. Nothing of a refused batch has moved.

use super::account::Account;
use super::amount::Amount;
use super::cause::{Cause, TransferId};
use super::transfer::TRANSFER_MAX;

/// A refused batch: the first transfer that cannot be, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transfer {index} of the batch ({}) was refused: {reason}", cause.label())]
pub struct LedgerError {
    /// Place in the batch, from 0.
    pub index: usize,
    /// What it was for.
    pub cause: Cause,
    /// Why not.
    pub reason: Reason,
}

/// Why a transfer cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// More transfers than a batch may have.
    #[error("a batch has at most {max} transfers, not {len}: send it in parts")]
    TooMany {
        /// Transfers asked for.
        len: usize,
        /// Transfers allowed.
        max: usize,
    },
    /// Nothing would move.
    #[error("the amount is zero")]
    Zero,
    /// One transfer is bounded.
    #[error("the amount of a transfer is at most {TRANSFER_MAX}, not {0}")]
    TooLarge(Amount),
    /// From an account to itself.
    #[error("{0} would pay itself")]
    SameAccount(Account),
    /// Between currencies.
    #[error("{debit} and {credit} count different currencies")]
    Currencies {
        /// Who pays.
        debit: Account,
        /// Who is paid.
        credit: Account,
    },
    /// Only a reservation has a time.
    #[error("only a reservation may have a time after which it returns")]
    Timeout,
    /// No such account.
    #[error("there is no {0} in the ledger: open it first")]
    UnknownAccount(Account),
    /// The same cause with other accounts, amount or time.
    #[error("transfer {0} exists with other fields")]
    Conflict(TransferId),
    /// More than is there.
    #[error("{account} has {available} left, and {wanted} are needed")]
    Insufficient {
        /// Who pays.
        account: Account,
        /// What is neither spent nor reserved.
        available: Amount,
        /// What was asked for.
        wanted: Amount,
    },
    /// A sum that no account can hold.
    #[error("the sums of {0} would not fit")]
    Overflow(Account),
    /// Nothing was reserved under this id.
    #[error("transfer {0} is no reservation in the ledger")]
    NotPending(TransferId),
    /// It was reserved between other accounts.
    #[error("transfer {0} is a reservation between other accounts")]
    OtherAccounts(TransferId),
    /// More than is reserved; or a void that is not of the whole.
    #[error("{reserved} are reserved, and {wanted} were to be resolved")]
    OtherAmount {
        /// What is reserved.
        reserved: Amount,
        /// What was asked for.
        wanted: Amount,
    },
    /// A reservation is resolved once.
    #[error("reservation {0} was posted or voided before")]
    Resolved(TransferId),
    /// Too late to post.
    #[error("the reservation's time was over {late_ms} ms ago")]
    Expired {
        /// How long ago, milliseconds.
        late_ms: u64,
    },
    /// Too early to expire.
    #[error("the reservation's time is not over")]
    NotExpired,
}

//! A transfer: one amount, from one account to another, for one cause.

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::amount::Amount;
use super::cause::{Cause, TransferId};

/// Largest amount of a transfer: a thousand million credits. Sums of thousands of them still fit.
pub const TRANSFER_MAX: Amount = Amount::saturating(1_000_000_000_000_000);

/// What a transfer does. The numbers are in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Moves at once.
    Single = 1,
    /// Reserves, until it is posted, voided, or its time is over.
    Pending = 2,
    /// Moves what was reserved, or a part of it; the rest returns.
    Post = 3,
    /// Returns what was reserved.
    Void = 4,
}

/// A transfer to be applied. Its id and its kind follow from the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transfer {
    /// Why.
    pub cause: Cause,
    /// Who pays.
    pub debit: Account,
    /// Who is paid.
    pub credit: Account,
    /// How much: for a post at most what was reserved, for a void exactly that.
    pub amount: Amount,
    /// A reservation returns after so long, milliseconds by the ledger's clock; never, where there is none.
    pub timeout_ms: Option<u64>,
}

/// A transfer that the ledger has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The transfer.
    pub transfer: Transfer,
    /// When, milliseconds since 1970 by the ledger's clock.
    pub made_at_ms: u64,
}

impl Transfer {
    /// Its id.
    pub fn id(&self) -> TransferId {
        self.cause.id()
    }

    /// What it does.
    pub fn kind(&self) -> Kind {
        self.cause.kind()
    }
}

impl Recorded {
    /// When a reservation returns, milliseconds since 1970.
    pub fn expires_at_ms(&self) -> Option<u64> {
        self.transfer.timeout_ms.map(|timeout| self.made_at_ms.saturating_add(timeout))
    }

    /// Whether its time is over.
    pub fn has_expired(&self, now_ms: u64) -> bool {
        self.expires_at_ms().is_some_and(|at| at <= now_ms)
    }
}

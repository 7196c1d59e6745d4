//! Double-entry credits. Amounts are whole micro-credits; a transfer moves one amount from the account that is debited
//! to the account that is credited, and is never changed or deleted. What must not go below zero cannot.
//!
//! A transfer's id follows from what caused it ([`Cause`]), so doing something again answers [`Applied::Exists`], and the
//! same cause with other fields is a conflict. Pay is reserved first ([`Kind::Pending`]) and then posted, fully or in
//! part, or voided; each of them at most once.
//!
//! [`Book`] is the whole set of rules over data in memory. The server loads the part of its tables that a batch touches
//! into one, applies, and writes what changed, so there is no second copy of these rules. [`Audit`] recomputes
//! everything from the transfers.

mod account;
mod amount;
mod audit;
mod balance;
mod book;
mod cause;
mod error;
mod finding;
mod flows;
#[cfg(test)]
mod properties;
mod transfer;

pub use account::{Account, AccountKind, CREDITS, Currency};
pub use amount::{Amount, AmountError};
pub use audit::Audit;
pub use balance::Balance;
pub use book::{Applied, BATCH_MAX, Book, Resolution};
pub use cause::{ALLOWANCE, Cause, TransferId, Work};
pub use error::{LedgerError, Reason};
pub use finding::Finding;
pub use transfer::{Kind, Recorded, TRANSFER_MAX, Transfer};

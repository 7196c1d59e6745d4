//! Accounts of the ledger: whose they are, in which currency, and whether they may go below zero.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{AccountNo, JobNo};

/// What is counted. Transfers stay within one; a grid has one so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currency(pub u8);

/// The grid's credits.
pub const CREDITS: Currency = Currency(1);

/// Whose account, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Where credits come from: the only account that may go below zero. What it owes is what all others have.
    Issuance,
    /// What the grid has earned: what its operator took out of the fees.
    Fees,
    /// Fees of settlements, which pay for checks.
    Verification,
    /// Credits that were taken back.
    Forfeit,
    /// What an account of the grid may spend.
    User(AccountNo),
    /// What a job may still spend.
    Escrow(JobNo),
}

/// An account of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// What it counts.
    pub currency: Currency,
    /// Whose it is.
    pub kind: AccountKind,
}

/// Bits of an id for the kind; currency and owner lie above.
const KIND_BITS: u32 = 4;
/// Bits of an id for the currency.
const CURRENCY_BITS: u32 = 8;
const OWNER_SHIFT: u32 = KIND_BITS + CURRENCY_BITS;
/// Owners (accounts, jobs) have numbers up to this.
const OWNER_MAX: i64 = i64::MAX >> OWNER_SHIFT;

impl AccountKind {
    /// Whether it may owe.
    pub fn may_go_negative(self) -> bool {
        self == AccountKind::Issuance
    }

    /// Number of the kind in ids. Never reused.
    pub fn code(self) -> u8 {
        self.parts().0
    }

    /// Number of the account or job that it belongs to; 0 for the grid's own.
    pub fn owner(self) -> i64 {
        self.parts().1
    }

    fn parts(self) -> (u8, i64) {
        match self {
            AccountKind::Issuance => (1, 0),
            AccountKind::Fees => (2, 0),
            AccountKind::Verification => (3, 0),
            AccountKind::Forfeit => (4, 0),
            AccountKind::User(account) => (5, account.0),
            AccountKind::Escrow(job) => (6, job.0),
        }
    }

    fn from_parts(code: i64, owner: i64) -> Option<Self> {
        Some(match (code, owner) {
            (1, 0) => AccountKind::Issuance,
            (2, 0) => AccountKind::Fees,
            (3, 0) => AccountKind::Verification,
            (4, 0) => AccountKind::Forfeit,
            (5, owner) => AccountKind::User(AccountNo(owner)),
            (6, owner) => AccountKind::Escrow(JobNo(owner)),
            _ => return None,
        })
    }
}

impl Account {
    /// The grid's own accounts in credits.
    pub const SYSTEM: [Account; 4] = [
        Account::credits(AccountKind::Issuance),
        Account::credits(AccountKind::Fees),
        Account::credits(AccountKind::Verification),
        Account::credits(AccountKind::Forfeit),
    ];

    /// An account that counts credits.
    pub const fn credits(kind: AccountKind) -> Self {
        Self { currency: CREDITS, kind }
    }

    /// What an account of the grid may spend, in credits.
    pub const fn user(account: AccountNo) -> Self {
        Self::credits(AccountKind::User(account))
    }

    /// What a job may still spend, in credits.
    pub const fn escrow(job: JobNo) -> Self {
        Self::credits(AccountKind::Escrow(job))
    }

    /// Its id in the database: owner, currency and kind side by side, so that nothing has to be looked up. None where
    /// the owner's number is negative or has more than 51 bits, which no row has.
    pub fn id(self) -> Option<i64> {
        let (code, owner) = self.kind.parts();
        let fits = (0..=OWNER_MAX).contains(&owner);
        fits.then(|| owner << OWNER_SHIFT | i64::from(self.currency.0) << KIND_BITS | i64::from(code))
    }

    /// The account with this id.
    pub fn from_id(id: i64) -> Option<Self> {
        if id < 0 {
            return None;
        }
        let kind = AccountKind::from_parts(id & ((1 << KIND_BITS) - 1), id >> OWNER_SHIFT)?;
        let currency = Currency((id >> KIND_BITS) as u8);
        Some(Self { currency, kind })
    }
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountKind::Issuance => f.write_str("issuance"),
            AccountKind::Fees => f.write_str("fees"),
            AccountKind::Verification => f.write_str("verification"),
            AccountKind::Forfeit => f.write_str("forfeit"),
            AccountKind::User(account) => write!(f, "account {}", account.0),
            AccountKind::Escrow(job) => write!(f, "escrow of job {}", job.0),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.currency {
            CREDITS => self.kind.fmt(f),
            Currency(other) => write!(f, "{} in currency {other}", self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_accounts_are_one_to_one() {
        use AccountKind::*;
        let kinds =
            [Issuance, Fees, Verification, Forfeit, User(AccountNo(0)), User(AccountNo(OWNER_MAX)), Escrow(JobNo(7))];
        let mut ids = std::collections::BTreeSet::new();
        for kind in kinds {
            for currency in [Currency(0), CREDITS, Currency(255)] {
                let account = Account { currency, kind };
                let id = account.id().unwrap();
                assert!(id >= 0 && ids.insert(id), "{account}");
                assert_eq!(Account::from_id(id), Some(account));
            }
        }
    }

    #[test]
    fn what_is_no_id_is_no_account() {
        assert_eq!(Account::user(AccountNo(-1)).id(), None);
        assert_eq!(Account::escrow(JobNo(OWNER_MAX + 1)).id(), None);
        for id in [-1, 0, 15, i64::MIN, (7 << OWNER_SHIFT) | 1] {
            assert_eq!(Account::from_id(id), None, "{id}");
        }
    }

    #[test]
    fn ids_never_change() {
        assert_eq!(Account::SYSTEM.map(|account| account.id().unwrap()), [17, 18, 19, 20]);
        assert_eq!(Account::user(AccountNo(3)).id(), Some(3 * 4096 + 16 + 5));
        assert_eq!(Account::escrow(JobNo(3)).id(), Some(3 * 4096 + 16 + 6));
    }
}

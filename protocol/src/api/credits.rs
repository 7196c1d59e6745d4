//! Bodies about credits: balances, statements, grants, prices, the speed of a grid, disputes. Amounts are whole
//! micro-credits, a millionth of a credit each.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, JobId};

/// What work costs on a grid, in `GET /api/v1/grid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriceInfo {
    /// For 10^12 fuel, micro-credits.
    pub per_tera_fuel: u64,
    /// Surcharge for each GiB of a unit's memory limit above the first, thousandths of the price of its fuel.
    pub memory_permille: u32,
    /// For keeping a GiB for a day, micro-credits.
    pub per_gib_day: u64,
    /// The grid's share of what an author pays, thousandths.
    pub fee_permille: u32,
}

/// `GET /api/v1/grid/speed`: what a job that anyone may run finds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GridSpeed {
    /// Nodes that are online and take strangers' work.
    pub nodes: u64,
    /// Units that they run at once.
    pub slots: u64,
    /// Slots of these that hold no unit now.
    pub slots_free: u64,
    /// Fuel a second of all slots together, by the nodes' benchmarks.
    pub fuel_per_s: u64,
    /// The part of it that is free.
    pub fuel_per_s_free: u64,
}

/// `GET /api/v1/credits`: what an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Credits {
    /// It may spend this, micro-credits.
    pub available: u64,
    /// Its nodes earned this, and get it once their results are final, micro-credits.
    pub pending: u64,
    /// The budgets of its jobs, as far as they are not spent, micro-credits.
    pub reserved: u64,
}

/// What a movement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MovementState {
    /// Credits moved: the account has more or less.
    Moved,
    /// Credits were put aside for the account; whether they come is open.
    Held,
    /// What was put aside does not come.
    Voided,
}

/// A line of `GET /api/v1/credits/statement`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Movement {
    /// The transfer, 32 hexadecimal letters.
    pub id: String,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// Why, in a word or two, as `budget`, `refund`, `pay`.
    pub cause: String,
    /// The job that it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// What it did.
    pub state: MovementState,
    /// Micro-credits, negative where they went away.
    pub amount: i64,
    /// What the account could spend afterwards, micro-credits; only where the statement goes up to now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<u64>,
    /// What whoever gave them wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `POST /api/v1/accounts/{id}/grants` (operator), with an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewGrant {
    /// Micro-credits, at least 1.
    pub amount: u64,
    /// What for, in the account's statement.
    #[serde(default)]
    pub note: Option<String>,
}

/// Answer to [`NewGrant`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Granted {
    /// Who got it.
    pub account: AccountId,
    /// Micro-credits.
    pub amount: u64,
    /// What the account may spend now, micro-credits.
    pub available: u64,
}

/// `POST /api/v1/jobs/{id}/budget`, with an `Idempotency-Key`: more budget for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewBudget {
    /// Micro-credits, at least 1.
    pub amount: u64,
}

/// `GET /api/v1/disputes` (operator): nodes said different things of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dispute {
    /// Its number.
    pub id: u64,
    /// The job; none where it was removed.
    pub job: Option<JobId>,
    /// Stage of the unit.
    pub stage: u16,
    /// Its number within the stage.
    pub seq: u64,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// Who said what.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub evidence: serde_json::Value,
}

/// `GET /api/v1/ledger/trial` (operator): the grid's own accounts, and the last check of the whole ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trial {
    /// The grid's own accounts, then all others by kind.
    pub accounts: Vec<TrialAccount>,
    /// The last check; none where none was made since the server's start.
    pub check: Option<LedgerCheck>,
}

/// One of the grid's own accounts, or all of a kind together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrialAccount {
    /// `issuance`, `fees`, `verification`, `forfeit`, `users` or `escrows`.
    pub account: String,
    /// What it has, reserved amounts included, micro-credits; negative where it owes. All together are zero.
    pub net: i64,
    /// Reserved to be taken from it, micro-credits.
    pub debits_pending: u64,
    /// Reserved to be given to it, micro-credits.
    pub credits_pending: u64,
}

/// What a check of the whole ledger saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerCheck {
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// Transfers that were read.
    pub transfers: u64,
    /// In how many places it does not add up, which the server's log names; none where that could not be told.
    pub found: Option<u64>,
}

/// What a node is worth to others, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum NodeStanding {
    /// The operator vouches for it.
    Anchor,
    /// Its results are believed, and a few of them checked.
    Trusted,
    /// Each of its results is checked.
    Probation {
        /// Checks that it passed.
        passes: u32,
        /// Checks that it has to pass.
        needed: u32,
    },
    /// It gave wrong results as broken hardware does, and gets no work until then.
    Quarantined {
        /// Milliseconds since 1970.
        until_ms: u64,
    },
    /// It gave wrong results, and gets no work.
    Banned {
        /// Why.
        why: String,
    },
}

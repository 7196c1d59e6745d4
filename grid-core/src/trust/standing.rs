//! What a node is worth now. Nothing of this is stored: it follows from the two records and the time.

use super::policy::{GridKind, Policy};
use super::record::{OwnerRecord, Record};

/// What a node is worth now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The operator vouches for it.
    Anchor,
    /// It has passed enough checks since its last fault.
    Trusted,
    /// It has not: each of its results is checked.
    Probation,
    /// It gave wrong results at a rate that looks like broken hardware, and gets no work for now.
    Quarantined {
        /// When it may work again, in probation.
        until_ms: i64,
    },
    /// It gave wrong results, or its owner's nodes did; it gets no work.
    Banned {
        /// Its owner is banned, not only the node.
        owner: bool,
    },
}

impl Standing {
    /// Whether it gets work at all.
    pub fn works(self) -> bool {
        matches!(self, Standing::Anchor | Standing::Trusted | Standing::Probation)
    }

    /// Whether its word counts for others: what it confirms is a passed check.
    pub fn vouches(self) -> bool {
        matches!(self, Standing::Anchor | Standing::Trusted)
    }
}

/// What the node of `record` and `owner` is worth at `now_ms`.
pub fn standing(policy: &Policy, record: &Record, owner: &OwnerRecord, now_ms: i64) -> Standing {
    if owner.banned || record.banned {
        Standing::Banned { owner: owner.banned }
    } else if record.quarantined_until_ms > now_ms {
        Standing::Quarantined { until_ms: record.quarantined_until_ms }
    } else if record.anchor {
        Standing::Anchor
    } else if record.passes >= passes_needed(policy, owner, now_ms) {
        Standing::Trusted
    } else {
        Standing::Probation
    }
}

/// Checks that end a probation: more where the owner's nodes were lately at fault.
pub fn passes_needed(policy: &Policy, owner: &OwnerRecord, now_ms: i64) -> u32 {
    policy.probation_passes.saturating_mul(1 + owner.strikes_now(policy, now_ms))
}

/// Whether its owner has been here long enough that it checks others, as far as there is a choice.
pub fn is_seasoned(policy: &Policy, record: &Record, owner: &OwnerRecord, now_ms: i64) -> bool {
    let is_old = owner.first_ms != 0 && now_ms.saturating_sub(owner.first_ms) >= policy.seasoned_after_ms;
    record.anchor || policy.grid != GridKind::Open || is_old
}

/// Units that a node may hold at once; none where there is no limit of this kind. `others` says whether trusted nodes
/// could take the work.
pub fn units_max(policy: &Policy, standing: Standing, others: bool) -> Option<u32> {
    match standing {
        Standing::Anchor | Standing::Trusted => None,
        Standing::Probation if policy.grid == GridKind::Open && others => Some(policy.newcomer_units_max),
        Standing::Probation => None,
        Standing::Quarantined { .. } | Standing::Banned { .. } => Some(0),
    }
}

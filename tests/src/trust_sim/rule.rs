//! By what results are accepted: the production rules, or what others do.

use grid_core::trust::{OwnerRecord, Policy, Record, Scene, Standing, Treatment, standing, treat};

/// Checked results after which BOINC's adaptive replication begins to believe a computer.
const BOINC_TRUSTED_AFTER: u32 = 10;

/// By what results are accepted.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// The production rules.
    Fallow(Policy),
    /// BOINC's adaptive replication as documented: two copies until ten in a row were right, then of a computer with n
    /// right ones in a row one in n. A third copy decides.
    Boinc,
    /// Two copies of everything. A third decides.
    Quorum,
}

impl Rule {
    /// What to do with a first result.
    pub fn treat(&self, record: &Record, owner: &OwnerRecord, draw: u64, now_ms: i64) -> Treatment {
        match self {
            Rule::Fallow(policy) => treat(policy, &Scene::default(), record, owner, draw, now_ms),
            Rule::Boinc if record.passes >= BOINC_TRUSTED_AFTER && !draw.is_multiple_of(u64::from(record.passes)) => {
                Treatment::Final
            }
            Rule::Boinc | Rule::Quorum => Treatment::Check { copies: 2 },
        }
    }

    /// What a computer is worth. Others know no ranks.
    pub fn standing(&self, record: &Record, owner: &OwnerRecord, now_ms: i64) -> Standing {
        match self {
            Rule::Fallow(policy) => standing(policy, record, owner, now_ms),
            Rule::Boinc | Rule::Quorum if record.anchor => Standing::Anchor,
            Rule::Boinc | Rule::Quorum => Standing::Trusted,
        }
    }

    /// Constants for what is asked of the rules in any case.
    pub fn policy(&self) -> Policy {
        match self {
            Rule::Fallow(policy) => *policy,
            Rule::Boinc | Rule::Quorum => Policy::default(),
        }
    }

    /// Whether results are held, looked back at, and liars sent away.
    pub fn looks_back(&self) -> bool {
        matches!(self, Rule::Fallow(_))
    }
}

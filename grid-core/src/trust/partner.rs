//! Who may run a copy of a unit, and how well they suit: other owner, other network, trusted, as far as the grid has
//! such nodes. What the best of them lacks is what limits the check, in words for `explain`.

use super::claim::ClaimView;
use super::policy::Policy;
use super::standing::Standing;
use crate::ids::{AccountNo, NodeNo};

/// A node that could run a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which node.
    pub node: NodeNo,
    /// Whose.
    pub owner: AccountNo,
    /// Where, as in [`ClaimView`].
    pub network: u64,
    /// What it is worth now.
    pub standing: Standing,
    /// Its owner has been here for long ([`is_seasoned`](super::is_seasoned)).
    pub seasoned: bool,
    /// Checks that it passed since its last fault.
    pub passes: u32,
    /// The processor's family, as in [`ClaimView`].
    pub arch: u32,
    /// The engine's version, as in [`ClaimView`].
    pub engine: u32,
}

/// How well a candidate suits: the smallest is best. Each part says what is lacking, the worst first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tier {
    /// A claim is of a node of the same owner.
    pub same_owner: bool,
    /// It is in probation, and so is one who claims.
    pub all_newcomers: bool,
    /// It is in probation.
    pub newcomer: bool,
    /// A claim comes from the same network.
    pub same_network: bool,
    /// A referee who is no anchor; or an anchor for what others can do as well.
    pub misplaced: bool,
    /// Its owner is new.
    pub unseasoned: bool,
    /// It has passed fewer checks than a good checker.
    pub few_passes: bool,
    /// All claims come from the same family of processors.
    pub same_arch: bool,
}

/// Why a node must not run a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It has said what it has to say about this unit.
    Claimed,
    /// It gets no work at all.
    Barred,
    /// Two nodes say the same already, and one of its owner has had his say.
    Enough,
}

/// What limits a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckLimit {
    /// No other node may run the job.
    NoOtherNode,
    /// All nodes that may are one owner's.
    NoSecondOwner,
    /// None of them is trusted yet.
    NoTrustedNode,
    /// All of other owners are in the same network.
    NoSecondNetwork,
}

impl CheckLimit {
    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            CheckLimit::NoOtherNode => "no second node to check",
            CheckLimit::NoSecondOwner => "no second owner to check",
            CheckLimit::NoTrustedNode => "no trusted node to check",
            CheckLimit::NoSecondNetwork => "no second network to check from",
        }
    }
}

/// How well `candidate` suits as the next to run a unit with these claims. A worse one is taken where there is no
/// better one on the grid, not where the better one is busy. `referee` as in [`Decision`](super::Decision).
pub fn partner(policy: &Policy, claims: &[ClaimView], candidate: &Candidate, referee: bool) -> Result<Tier, Unfit> {
    if !candidate.standing.works() {
        return Err(Unfit::Barred);
    }
    if claims.iter().any(|claim| claim.node == candidate.node) {
        return Err(Unfit::Claimed);
    }
    let is_anchor = candidate.standing == Standing::Anchor;
    let same_owner = !is_anchor && claims.iter().any(|claim| claim.owner == candidate.owner);
    let live = || claims.iter().filter(|claim| !claim.void);
    if same_owner && live().any(|claim| live().filter(|other| other.agrees(claim)).count() >= 2) {
        return Err(Unfit::Enough);
    }
    let newcomer = !candidate.standing.vouches();
    Ok(Tier {
        same_owner,
        all_newcomers: newcomer && claims.iter().any(|claim| !claim.standing.vouches()),
        newcomer: newcomer || !is_anchor && candidate.passes < policy.checker_passes,
        same_network: !is_anchor && claims.iter().any(|claim| claim.network == candidate.network),
        misplaced: referee != is_anchor,
        unseasoned: !candidate.seasoned,
        few_passes: !is_anchor && candidate.passes < policy.established_passes,
        same_arch: !claims.is_empty() && claims.iter().all(|claim| claim.arch == candidate.arch),
    })
}

/// What limits a check whose best candidate is this good; none where there is none. Empty when nothing does.
pub fn limits(best: Option<Tier>) -> Vec<CheckLimit> {
    let Some(tier) = best else { return vec![CheckLimit::NoOtherNode] };
    let lacks = [
        (tier.same_owner, CheckLimit::NoSecondOwner),
        (tier.newcomer, CheckLimit::NoTrustedNode),
        (tier.same_network && !tier.same_owner, CheckLimit::NoSecondNetwork),
    ];
    lacks.into_iter().filter(|(lacks, _)| *lacks).map(|(_, limit)| limit).collect()
}

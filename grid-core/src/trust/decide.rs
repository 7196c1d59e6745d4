//! Who was right, over all claims of a unit.
//!
//! An anchor's word wins; else the value that enough independent nodes give. Where they differ, others are asked, up to
//! the limit of executors. A difference that runs along the processor's family or the engine's version is the grid's
//! own fault: nobody is punished, and the operator has to look.

use super::claim::{ClaimView, Marks};
use super::partner::Candidate;
use super::policy::{GridKind, Policy};
use super::standing::Standing;

/// What the one who is asked next should have in common with a claim, so that a difference between kinds of computers
/// can be told from a lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Like {
    /// The processor's family.
    Arch(u32),
    /// The engine's version.
    Engine(u32),
}

impl Like {
    /// Whether `candidate` is of this kind.
    pub fn fits(self, candidate: &Candidate) -> bool {
        match self {
            Like::Arch(arch) => candidate.arch == arch,
            Like::Engine(engine) => candidate.engine == engine,
        }
    }
}

/// What the claims of a unit come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This is the unit's result.
    Accept {
        /// A claim that gives it.
        index: usize,
        /// All claims that give it.
        right: Marks,
        /// Those of them for which it is a passed check ([`Record::passed`](super::Record::passed)): a
        /// node of another owner, whose word counts, says the same.
        credited: Marks,
        /// Claims to be punished ([`Record::fault`](super::Record::fault)). A wrong claim that rests on another node's
        /// checkpoint is in neither.
        wrong: Marks,
    },
    /// One more node is to run it.
    Another {
        /// The claims differ: an anchor is best.
        referee: bool,
        /// Preferably one like this. Where nobody is, [`decide_alone`].
        like: Option<Like>,
    },
    /// As many have run it as may, and no value wins: the task is not deterministic. Nobody is punished.
    GiveUp,
    /// Computers of one kind say this, those of the other that. Nobody is punished; the profile is frozen for the kind
    /// that is named until the operator has looked.
    Frozen(Like),
}

/// What the claims come to where `needed` equal ones of independent nodes are asked for.
pub fn decide(policy: &Policy, needed: u8, claims: &[ClaimView]) -> Decision {
    let mut live = claims.iter().filter(|claim| !claim.void);
    let is_disputed = live.next().is_some_and(|first| live.any(|claim| !claim.agrees(first)));
    let is_last = claims.len() >= usize::from(policy.executors_max);
    let Some(index) = winner(policy, needed.max(1), claims, is_last) else {
        return match is_last {
            true => Decision::GiveUp,
            false => Decision::Another { referee: is_disputed, like: None },
        };
    };
    match divide(claims, index) {
        Some((like, true)) => Decision::Frozen(like),
        Some((like, false)) if !is_last => Decision::Another { referee: true, like: Some(like) },
        _ => accept(policy, claims, index),
    }
}

/// What the claims come to when nobody is left who could run it once more: an anchor's word, else what two nodes say,
/// be they one owner's. `None` while there is only one claim, or all differ (see [`alone`](super::alone)).
pub fn decide_alone(policy: &Policy, claims: &[ClaimView]) -> Option<Decision> {
    let nodes = |claim: &ClaimView| claims.iter().filter(|other| !other.void && other.agrees(claim)).count();
    let best = (0..claims.len()).filter(|index| !claims[*index].void).max_by_key(|index| nodes(&claims[*index]))?;
    let index = winner(policy, 2, claims, false).or((nodes(&claims[best]) >= 2).then_some(best))?;
    Some(accept(policy, claims, index))
}

/// A claim of the value that wins.
fn winner(policy: &Policy, needed: u8, claims: &[ClaimView], is_last: bool) -> Option<usize> {
    let mut anchors = claims.iter().enumerate().filter(|(_, claim)| claim.standing == Standing::Anchor && !claim.void);
    if let Some((index, first)) = anchors.next() {
        return anchors.all(|(_, other)| other.agrees(first)).then_some(index);
    }
    let candidates = (0..claims.len()).filter(|index| !claims[*index].void);
    let (index, most) = candidates.map(|index| (index, votes(claims, &claims[index]))).max_by_key(|it| it.1)?;
    let rivals = claims.iter().filter(|other| !other.agrees(&claims[index]));
    let is_ahead = rivals.map(|rival| votes(claims, rival)).all(|rival| rival < most);
    let majority = usize::from(policy.executors_max) / 2 + 1;
    (is_ahead && (most >= usize::from(needed) || is_last && most >= majority)).then_some(index)
}

/// Owners who say the same and whose word counts.
fn votes(claims: &[ClaimView], value: &ClaimView) -> usize {
    let says = |claim: &ClaimView| !claim.void && claim.agrees(value);
    let said = |at: usize, owner| claims[..at].iter().any(|claim| says(claim) && claim.owner == owner);
    claims.iter().enumerate().filter(|(at, claim)| says(claim) && !said(*at, claim.owner)).count()
}

/// Whether those who differ from the winner are all computers of one kind that no winner is: then the kind, and whether
/// both sides have two independent nodes, which is proof.
fn divide(claims: &[ClaimView], index: usize) -> Option<(Like, bool)> {
    let loser = claims.iter().find(|claim| !claim.agrees(&claims[index]))?;
    let is_proof = votes(claims, &claims[index]) >= 2 && votes(claims, loser) >= 2;
    let splits = |kind: fn(&ClaimView) -> u32| {
        claims.iter().all(|claim| claim.agrees(&claims[index]) != (kind(claim) == kind(loser)))
    };
    if splits(|claim| claim.arch) {
        Some((Like::Arch(loser.arch), is_proof))
    } else if splits(|claim| claim.engine) {
        Some((Like::Engine(loser.engine), is_proof))
    } else {
        None
    }
}

fn accept(policy: &Policy, claims: &[ClaimView], index: usize) -> Decision {
    let value = &claims[index];
    let counts = |claim: &ClaimView, other: &ClaimView| {
        let knows_people = policy.grid != GridKind::Open && claim.node != other.node;
        let is_known = knows_people || claim.owner != other.owner && other.standing.vouches();
        other.agrees(value) && !other.void && !other.own && is_known
    };
    Decision::Accept {
        index,
        right: Marks::of(claims, |claim| claim.agrees(value)),
        credited: Marks::of(claims, |claim| claim.agrees(value) && claims.iter().any(|other| counts(claim, other))),
        wrong: Marks::of(claims, |claim| !claim.agrees(value) && !claim.resumed),
    }
}

//! What one result is worth: believed, held, compared with others, or tried again. How much a node is trusted, and who
//! of several was right, is [`crate::trust`]; here it becomes a step of the unit's life.

use fallow_protocol::Digest;
use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;

use super::troubles::Troubles;
use super::unit::{Claim, Unit};
use crate::ids::{AccountNo, NodeNo};
use crate::trust::{Alone, ClaimView, Decision, Like, Marks, Policy, Standing, Treatment, alone, decide, decide_alone};

/// A result as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Who reports.
    pub node: NodeNo,
    /// Whose node that is.
    pub owner: AccountNo,
    /// Which attempt.
    pub attempt: u32,
    /// How it ended.
    pub outcome: &'a Outcome,
    /// `UnitResult::digest`: equal results have equal digests.
    pub digest: Digest,
    /// `UnitResult::essence`: the same without fuel.
    pub essence: Digest,
    /// Fuel that is reported.
    pub fuel: u64,
    /// The build that ran.
    pub floats: Floats,
    /// Who made the checkpoint that the run went on from.
    pub resumed_from: Option<NodeNo>,
    /// The node's position with this result, see [`crate::trust::Record::result`].
    pub position: u64,
}

impl Report<'_> {
    /// What is kept of it, where somebody else has to say the same.
    pub fn claim(&self, needed: u8) -> Claim {
        Claim {
            node: self.node,
            owner: self.owner,
            attempt: self.attempt,
            digest: self.digest,
            essence: self.essence,
            fuel: self.fuel,
            class: self.outcome.class(),
            floats: self.floats,
            resumed_from: self.resumed_from,
            position: self.position,
            held: false,
            needed,
        }
    }
}

/// Stands for all processors that nobody here has heard of.
pub const UNKNOWN_ARCH: u32 = 0;

/// Whether somebody else could run the unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// Another node that may run the job is online (see `matching::others_for`), or the server runs it itself.
    Online,
    /// None is.
    #[default]
    None,
}

/// What is known of a node that claims something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// What it is worth now.
    pub standing: Standing,
    /// Where it is.
    pub network: u64,
    /// Its processor's family.
    pub arch: u32,
    /// Its engine's version.
    pub engine: u32,
    /// What it said up to this position was said before its last fault was found.
    pub fault_position: u64,
}

/// What a verdict depends on besides unit and report.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The job's author. His own nodes are right about his own jobs.
    pub job_owner: Option<AccountNo>,
    /// Whether somebody else could run it. Looked at only where the first result of a unit is a failure.
    pub others: Others,
    /// What to do with a first result, see [`crate::trust::treat`].
    pub treatment: Treatment,
    /// The grid's rules of trust.
    pub policy: &'a Policy,
    /// What is known of nodes.
    pub about: &'a dyn Fn(NodeNo) -> About,
}

/// What a verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The node's word: for good, or held until enough later ones were checked.
    Believed {
        /// Whether it is held.
        held: bool,
    },
    /// What several said. Marks count the unit's claims, the newest last.
    Agreed {
        /// Who said it.
        right: Marks,
        /// For whom it is a passed check.
        credited: Marks,
        /// Who is at fault.
        wrong: Marks,
        /// The first claim's output is the unit's, not the newest one's.
        kept: bool,
        /// Kinds of computers differ: nobody is at fault, and this kind gets no more of the profile.
        frozen: Option<Like>,
    },
    /// Nobody was there who could have confirmed it.
    Unconfirmed,
    /// Nodes said different things, and nobody was left to decide.
    Disputed,
    /// It went wrong too often.
    Troubles,
}

/// What a result is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not of the newest attempt, or of another node, or the second time: it changes nothing.
    Stale,
    /// The unit is done.
    Accepted(Basis),
    /// The unit has finally failed.
    Failed(Basis),
    /// Another node has to say what came out. The attempt is kept as a [`Claim`].
    Check {
        /// Equal results that are needed.
        needed: u8,
    },
    /// Another attempt, elsewhere as far as there is an elsewhere.
    Again,
}

impl Verdict {
    /// Whether the unit's outcome is what its first claim says, not what was reported last. `had_claims`: whether there
    /// were any before.
    pub fn is_of_first(&self, had_claims: bool) -> bool {
        match self {
            Verdict::Accepted(basis) | Verdict::Failed(basis) => {
                had_claims && !matches!(basis, Basis::Agreed { kept: false, .. } | Basis::Troubles | Basis::Disputed)
            }
            _ => false,
        }
    }
}

/// What `report` is worth for `unit`.
pub fn judge(unit: &Unit, report: &Report<'_>, scene: &Scene<'_>) -> Verdict {
    if !unit.awaits(report.node, report.attempt) {
        return Verdict::Stale;
    }
    if !report.outcome.is_deterministic() {
        return judge_trouble(unit, report, scene);
    }
    match unit.claims.first() {
        _ if scene.treatment == Treatment::Refused => Verdict::Again,
        None => judge_first(report, scene),
        Some(first) => judge_next(unit, first.needed, report, scene),
    }
}

/// The build that an attempt begins with, where that is not the job's, given how many results wait for it. The first
/// check runs what the first result ran, and looks like it. Where these two differ, the next ones are canonical, and
/// nobody is blamed whose build was refuted by canonical ones alone.
pub fn build_of(claims: usize) -> Option<Floats> {
    (claims > 1).then_some(Floats::Canonical)
}

/// Nothing can be said about the unit: try again, up to the limit.
fn judge_trouble(unit: &Unit, report: &Report<'_>, scene: &Scene<'_>) -> Verdict {
    let mut troubles = unit.troubles;
    troubles.count(report.outcome);
    after_trouble(unit, troubles, scene)
}

/// A unit that somebody could run does not fail because others cannot.
pub(super) fn after_trouble(unit: &Unit, troubles: Troubles, scene: &Scene<'_>) -> Verdict {
    match troubles.are_too_many() {
        true => judge_alone(unit, scene).unwrap_or(Verdict::Failed(Basis::Troubles)),
        false => Verdict::Again,
    }
}

fn judge_first(report: &Report<'_>, scene: &Scene<'_>) -> Verdict {
    let (own, done) = (scene.job_owner == Some(report.owner), *report.outcome == Outcome::Done);
    match scene.treatment {
        Treatment::Final if done => Verdict::Accepted(Basis::Believed { held: false }),
        Treatment::Provisional if done => Verdict::Accepted(Basis::Believed { held: true }),
        Treatment::Check { copies } if done => Verdict::Check { needed: copies },
        // A failure would be the same everywhere, and the author pays for it: somebody else has to say so too.
        _ if own => Verdict::Failed(Basis::Believed { held: false }),
        _ if scene.others == Others::None => Verdict::Failed(Basis::Unconfirmed),
        Treatment::Check { copies } => Verdict::Check { needed: copies },
        _ => Verdict::Check { needed: 2 },
    }
}

fn judge_next(unit: &Unit, needed: u8, report: &Report<'_>, scene: &Scene<'_>) -> Verdict {
    let mut claims = unit.claims.clone();
    claims.push(report.claim(needed));
    let views = views(&claims, scene.job_owner, scene.about);
    match decide(scene.policy, needed, &views) {
        Decision::Another { .. } => Verdict::Check { needed },
        Decision::GiveUp => Verdict::Failed(Basis::Disputed),
        // Whoever says that he is of another kind can split a unit. Only known ones on both sides are evidence.
        Decision::Frozen(like) if !is_known_split(&views, like) => Verdict::Failed(Basis::Disputed),
        Decision::Frozen(like) => match without(scene.policy, needed, &views, like) {
            Some(decision) => agreed(&claims, &views, decision, Some(like)),
            None => Verdict::Failed(Basis::Disputed),
        },
        decision @ Decision::Accept { .. } => agreed(&claims, &views, decision, None),
    }
}

/// The claims as the rules of trust see them.
pub fn views(claims: &[Claim], job_owner: Option<AccountNo>, about: &dyn Fn(NodeNo) -> About) -> Vec<ClaimView> {
    claims.iter().map(|claim| view(claim, job_owner, about)).collect()
}

fn view(claim: &Claim, job_owner: Option<AccountNo>, about: &dyn Fn(NodeNo) -> About) -> ClaimView {
    let About { standing, network, arch, engine, fault_position } = about(claim.node);
    let own = job_owner == Some(claim.owner);
    ClaimView {
        node: claim.node,
        owner: claim.owner,
        network,
        standing: if own { Standing::Anchor } else { standing },
        arch,
        engine,
        digest: claim.digest,
        output: claim.essence,
        resumed: claim.resumed_from.is_some(),
        void: claim.position > 0 && claim.position <= fault_position,
        own,
    }
}

fn is_of_kind(view: &ClaimView, like: Like) -> bool {
    match like {
        Like::Arch(arch) => view.arch == arch,
        Like::Engine(engine) => view.engine == engine,
    }
}

/// Whether nodes whose word counts are on both sides.
fn is_known_split(views: &[ClaimView], like: Like) -> bool {
    let known = |of_kind: bool| {
        views.iter().filter(|view| is_of_kind(view, like) == of_kind && view.standing.vouches()).count()
    };
    known(true) >= 2 && known(false) >= 2
}

/// The decision of those that are not of a kind.
fn without(policy: &Policy, needed: u8, views: &[ClaimView], like: Like) -> Option<Decision> {
    let rest: Vec<ClaimView> = views.iter().filter(|view| !is_of_kind(view, like)).copied().collect();
    let Decision::Accept { index, .. } = decide(policy, needed, &rest) else { return None };
    let index = views.iter().position(|view| view.node == rest[index].node)?;
    let agrees = |view: &ClaimView| view.agrees(&views[index]);
    let right = (0..views.len()).filter(|at| agrees(&views[*at])).fold(0, |marks, at| marks | 1 << at);
    Some(Decision::Accept { index, right: Marks(right), credited: Marks(0), wrong: Marks(0) })
}

/// A value won: whose output it is, and who is at fault.
fn agreed(claims: &[Claim], views: &[ClaimView], decision: Decision, frozen: Option<Like>) -> Verdict {
    let Decision::Accept { index, right, credited, wrong } = decision else {
        return Verdict::Failed(Basis::Disputed);
    };
    let last = claims.len() - 1;
    let kept = !right.has(last);
    if kept && !right.has(0) && claims[index].class == Outcome::Done.class() {
        // Neither output that is still here is the right one. Somebody has to make it again.
        return Verdict::Check { needed: claims[0].needed };
    }
    let wrong = wrong.iter().filter(|at| is_refuted(claims, views, right, *at)).fold(0, |marks, at| marks | 1 << at);
    let basis = Basis::Agreed { right, credited, wrong: Marks(wrong), kept, frozen };
    match claims[index].class == Outcome::Done.class() {
        true => Verdict::Accepted(basis),
        false => Verdict::Failed(basis),
    }
}

/// Whether the claim at `at` is wrong whatever its processor does with NaNs that come in as data: it is of a canonical
/// build, or a plain one on a computer of its kind gave the right result.
fn is_refuted(claims: &[Claim], views: &[ClaimView], right: Marks, at: usize) -> bool {
    let is_unknown = views[at].arch == UNKNOWN_ARCH;
    let like = |other: usize| claims[other].floats.is_plain() && (is_unknown || views[other].arch == views[at].arch);
    !claims[at].floats.is_plain() || right.iter().any(like)
}

/// What a unit comes to whose check nobody is left to make; none where it has to wait for somebody.
pub fn judge_alone(unit: &Unit, scene: &Scene<'_>) -> Option<Verdict> {
    let done = Outcome::Done.class();
    let views = views(&unit.claims, scene.job_owner, scene.about);
    match unit.claims.as_slice() {
        [] => None,
        [only] if only.class != done => Some(Verdict::Failed(Basis::Unconfirmed)),
        // It stood before it was drawn for a check, and stands again.
        [only] if only.held && !views[0].void => Some(Verdict::Accepted(Basis::Believed { held: false })),
        [_] => match alone(scene.policy, views[0].standing) {
            Alone::Hold => Some(Verdict::Accepted(Basis::Believed { held: true })),
            Alone::Wait => None,
        },
        claims => {
            let decision = decide_alone(scene.policy, &views);
            let verdict = decision.map(|decision| agreed(claims, &views, decision, None));
            Some(match verdict {
                Some(Verdict::Accepted(Basis::Agreed { right, credited, wrong, frozen, .. })) if right.has(0) => {
                    Verdict::Accepted(Basis::Agreed { right, credited, wrong, kept: true, frozen })
                }
                Some(verdict @ Verdict::Failed(_)) => verdict,
                // The right output is not here any more.
                _ => Verdict::Failed(Basis::Disputed),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_in_the_end_are_canonical_builds() {
        assert_eq!([0, 1].map(build_of), [None; 2], "the job's own choice");
        assert_eq!([2, 3].map(build_of), [Some(Floats::Canonical); 2]);
    }
}

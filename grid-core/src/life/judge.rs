//! What one result is worth. This is the seam behind which verification grows: today a done unit is believed, and
//! a failure that would be the same everywhere is confirmed once on another node before the author pays for it.

use fallow_protocol::Digest;
use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;

use super::unit::{CLAIMS_MAX, Claim, Unit};
use crate::ids::{AccountNo, NodeNo};

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
}

impl Report<'_> {
    pub(super) fn claim(&self) -> Claim {
        Claim { node: self.node, owner: self.owner, attempt: self.attempt, digest: self.digest }
    }
}

/// Whether somebody else could run the unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// Another node that may run the job is online (see `matching::others_for`).
    Online,
    /// None is.
    #[default]
    None,
}

/// What a verdict depends on besides unit and report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scene {
    /// The job's author.
    pub job_owner: Option<AccountNo>,
    /// Whether somebody else could run it. Looked at only where the first result of a unit is a failure.
    pub others: Others,
}

/// What a result is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not of the newest attempt, or of another node, or the second time: it changes nothing.
    Stale,
    /// The unit is done; this result's output is its output.
    Accepted,
    /// The unit has finally failed; this result's outcome is the reason.
    Failed {
        /// Nobody else was there to confirm it.
        unconfirmed: bool,
    },
    /// Another node has to say the same first. The attempt is kept as a [`Claim`].
    Check,
    /// Another attempt, elsewhere as far as there is an elsewhere.
    Again,
}

/// What `report` is worth for `unit`.
pub fn judge(unit: &Unit, report: &Report<'_>, scene: &Scene) -> Verdict {
    if !unit.awaits(report.node, report.attempt) {
        return Verdict::Stale;
    }
    if !report.outcome.is_deterministic() {
        return judge_trouble(unit, report);
    }
    let own = scene.job_owner == Some(report.owner);
    let said_before = unit.claims.iter().any(|claim| claim.digest == report.digest && claim.node != report.node);
    if unit.claims.is_empty() {
        judge_first(report, own, scene.others)
    } else if own || said_before {
        finally(report, false)
    } else if unit.claims.len() + 1 >= CLAIMS_MAX {
        Verdict::Failed { unconfirmed: true }
    } else {
        Verdict::Check
    }
}

/// The build that an attempt begins with, where that is not the job's: the first is compared with nothing yet, and what
/// is compared in the end are canonical builds, so that nobody is blamed for NaNs that came in as data.
pub fn build_of(attempt: u32) -> Option<Floats> {
    (attempt > 1).then_some(Floats::Canonical)
}

/// Nothing can be said about the unit: try again, up to the limit.
fn judge_trouble(unit: &Unit, report: &Report<'_>) -> Verdict {
    let mut troubles = unit.troubles;
    troubles.count(report.outcome);
    if troubles.are_too_many() { Verdict::Failed { unconfirmed: false } } else { Verdict::Again }
}

fn judge_first(report: &Report<'_>, own: bool, others: Others) -> Verdict {
    match report.outcome {
        Outcome::Done => Verdict::Accepted,
        _ if own => Verdict::Failed { unconfirmed: false },
        _ if others == Others::None => Verdict::Failed { unconfirmed: true },
        _ => Verdict::Check,
    }
}

fn finally(report: &Report<'_>, unconfirmed: bool) -> Verdict {
    match report.outcome {
        Outcome::Done => Verdict::Accepted,
        _ => Verdict::Failed { unconfirmed },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_in_the_end_are_canonical_builds() {
        assert_eq!(build_of(1), None, "the job's own choice");
        assert_eq!([2, 3, u32::MAX].map(build_of), [Some(Floats::Canonical); 3]);
    }
}

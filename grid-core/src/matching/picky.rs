//! Units that should run elsewhere than before: checks, and second tries after a host fault or a time limit.
//!
//! Who checks best is [`crate::trust::partner`]'s to say; a second try goes to any node that did not have the unit, and
//! at last to one that did. A better node that is busy is waited for, but not for long. Checks that nobody online can
//! make, or only somebody whose word says little, are the server's own worker's, where it has room.

use std::collections::HashSet;

use super::desk::Desk;
use super::eligible::eligible;
use super::fair::{Fair, Fit};
use super::plan::Plan;
use super::view::{JobView, NodeView, Picky, Snapshot};
use super::{ALONE_MS, PATIENCE_MS, PICKY_MAX};
use crate::trust::{GridKind, Policy, Tier, partner};

/// How well a node suits a picky unit; smaller is better. None where it must not have it.
fn tier(policy: &Policy, node: &NodeView, unit: &Picky) -> Option<Tier> {
    if unit.is_check() {
        return partner(policy, &unit.claims, &node.candidate(), unit.is_disputed()).ok();
    }
    Some(Tier { same_owner: unit.avoid.contains(&node.id), ..Tier::default() })
}

/// Whether a check by a node of this tier says so little that the server should rather make it itself.
fn is_poor(policy: &Policy, tier: Tier) -> bool {
    policy.grid == GridKind::Open && (tier.same_owner || tier.all_newcomers)
}

/// What a look at all desks found.
enum Found {
    /// This desk takes it.
    Desk(usize),
    /// The right nodes are busy.
    Busy,
    /// Nodes may run the job, but not this unit.
    Alone,
    /// No node runs the job now.
    Nobody,
}

/// Hand out the picky units of all jobs.
pub(super) fn hand_out(snapshot: &Snapshot, desks: &mut [Desk<'_>], fair: &mut Fair<'_>, plan: &mut Plan) {
    let mut cursor = 0;
    let runs = |(_, job): &(usize, &JobView)| job.suspended.is_none();
    for (index, job) in snapshot.jobs.iter().enumerate().filter(runs) {
        // One fruitless look counts for all units that avoid the same nodes.
        let mut fruitless = HashSet::new();
        for unit in job.picky.iter().take(PICKY_MAX) {
            let claimed: Vec<_> = unit.claims.iter().map(|claim| claim.node).collect();
            let wants = (&unit.avoid, claimed, unit.is_disputed(), unit.waiting_ms < PATIENCE_MS);
            if fair.budget(index) == 0 || fruitless.contains(&(wants.clone(), false)) {
                continue;
            }
            let is_alone = fruitless.contains(&(wants.clone(), true));
            match if is_alone { Found::Alone } else { find(snapshot, desks, job, unit, cursor) } {
                Found::Desk(desk) => {
                    desks[desk].give(job, 0, Some(unit.key));
                    fair.take(index, 0, 1);
                    cursor = desk + 1;
                }
                Found::Alone => {
                    fruitless.insert((wants, true));
                    if unit.waiting_ms >= ALONE_MS || snapshot.anchor && unit.by_server {
                        plan.alone.push((job.id, unit.key));
                    }
                }
                Found::Busy | Found::Nobody => {
                    fruitless.insert((wants, false));
                }
            }
        }
    }
}

/// The best desk for `unit`, beginning at `cursor` so that units do not pile up on the first.
fn find(snapshot: &Snapshot, desks: &[Desk<'_>], job: &JobView, unit: &Picky, cursor: usize) -> Found {
    let (mut free, mut best): (Option<(Tier, usize)>, Option<Tier>) = (None, None);
    let mut anybody = false;
    for step in 0..desks.len() {
        let index = (cursor + step) % desks.len();
        let desk = &desks[index];
        if eligible(desk.node, job).is_err() {
            continue;
        }
        anybody = true;
        let Some(tier) = tier(&snapshot.policy, desk.node, unit) else { continue };
        best = Some(best.map_or(tier, |best| best.min(tier)));
        let is_better = free.is_none_or(|(found, _)| tier < found);
        if is_better && matches!(desk.turn(job, u64::MAX, 1), Fit::Units(_)) {
            free = Some((tier, index));
        }
        if free.is_some_and(|(found, _)| found == Tier::default()) {
            break;
        }
    }
    let is_patient = unit.waiting_ms < PATIENCE_MS;
    let by_server = unit.is_check() && unit.by_server && snapshot.has_anchor;
    // Who says little is asked only where nobody says more: not because the others are busy.
    let poor = |tier: Tier| unit.is_check() && is_poor(&snapshot.policy, tier);
    let free = free.filter(|(found, _)| !poor(*found) || best.is_some_and(poor) && !by_server);
    match best {
        Some(best) if by_server && poor(best) => match snapshot.anchor {
            true => Found::Alone,
            false => Found::Busy,
        },
        Some(best) if is_patient => {
            free.filter(|(found, _)| *found == best).map_or(Found::Busy, |(_, at)| Found::Desk(at))
        }
        Some(_) => free.map_or(Found::Busy, |(_, at)| Found::Desk(at)),
        None if anybody => Found::Alone,
        None => Found::Nobody,
    }
}

//! Units that should run elsewhere than before: checks, and second tries after a host fault or a time limit.
//!
//! Best is a node that had nothing to do with the unit, of another owner; then any other node; and where the unit
//! needs no check, at last a node that had it before. A better node that is busy is waited for, but not for long.

use std::collections::HashSet;

use super::desk::Desk;
use super::eligible::eligible;
use super::fair::{Fair, Fit};
use super::plan::Plan;
use super::view::{JobView, NodeView, Picky, Snapshot};
use super::{ALONE_MS, PATIENCE_MS, PICKY_MAX};

/// How well a node suits a picky unit; smaller is better. None where it must not have it.
fn tier(node: &NodeView, unit: &Picky) -> Option<usize> {
    match (unit.avoid.contains(&node.id), unit.avoid_owners.contains(&node.owner)) {
        (false, false) => Some(0),
        (false, true) => Some(1),
        (true, _) if !unit.must => Some(2),
        (true, _) => None,
    }
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
    for (index, job) in snapshot.jobs.iter().enumerate() {
        // One fruitless look counts for all units that avoid the same nodes.
        let mut fruitless = HashSet::new();
        for unit in job.picky.iter().take(PICKY_MAX) {
            let wants = (&unit.avoid, &unit.avoid_owners, unit.must, unit.waiting_ms < PATIENCE_MS);
            if fair.budget(index) == 0 || fruitless.contains(&(wants, false)) {
                continue;
            }
            let is_alone = fruitless.contains(&(wants, true));
            match if is_alone { Found::Alone } else { find(desks, job, unit, cursor) } {
                Found::Desk(desk) => {
                    desks[desk].give(job, 0, Some(unit.key));
                    fair.take(index, 0, 1);
                    cursor = desk + 1;
                }
                Found::Alone => {
                    fruitless.insert((wants, true));
                    if unit.waiting_ms >= ALONE_MS {
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
fn find(desks: &[Desk<'_>], job: &JobView, unit: &Picky, cursor: usize) -> Found {
    let mut free = [None; 3];
    let mut exists = [false; 3];
    let mut anybody = false;
    for step in 0..desks.len() {
        let index = (cursor + step) % desks.len();
        let desk = &desks[index];
        if eligible(desk.node, job).is_err() {
            continue;
        }
        anybody = true;
        let Some(tier) = tier(desk.node, unit) else { continue };
        exists[tier] = true;
        if free[tier].is_none() && matches!(desk.turn(job, u64::MAX, 1), Fit::Units(_)) {
            free[tier] = Some(index);
        }
        if free[0].is_some() {
            break;
        }
    }
    let is_patient = unit.waiting_ms < PATIENCE_MS;
    match exists.iter().position(|exists| *exists) {
        Some(best) if is_patient => free[best].map_or(Found::Busy, Found::Desk),
        Some(_) => free.into_iter().flatten().next().map_or(Found::Busy, Found::Desk),
        None if anybody => Found::Alone,
        None => Found::Nobody,
    }
}

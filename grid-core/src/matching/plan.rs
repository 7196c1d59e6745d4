//! The plan: turn by turn, every node with room takes one slot's part of its window from the job that is due.

use std::collections::HashMap;

use fallow_protocol::unit::UnitKey;

use super::desk::Desk;
use super::eligible::{eligible, job_refusal};
use super::fair::{Fair, Fit};
use super::picky;
use super::view::{JobView, Mood, Snapshot};
use crate::ids::{JobNo, NodeNo};
use crate::trust::{Policy, units_max};

/// Work for one node: one lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// To whom.
    pub node: NodeNo,
    /// Of which job.
    pub job: JobNo,
    /// Number of ordinary ready units, taken in order.
    pub units: u64,
    /// Picky units, by name, besides.
    pub picked: Vec<UnitKey>,
}

impl Grant {
    /// Units in all.
    pub fn count(&self) -> u64 {
        self.units + self.picked.len() as u64
    }
}

/// What to hand out. Carry out the grants first: giving up a check may end its job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The grants; at most `LEASE_UNITS_MAX` units each.
    pub grants: Vec<Grant>,
    /// Units whose check the server's own worker should make, or nobody online can make for [`super::ALONE_MS`]:
    /// `life::Unit::nobody_else`.
    pub alone: Vec<(JobNo, UnitKey)>,
}

/// Share the ready units among the nodes. Takes time in proportion to nodes, jobs and slots, as long as most nodes may
/// run most jobs that anyone may run. The same snapshot gives the same plan.
pub fn plan(snapshot: &Snapshot) -> Plan {
    let mut plan = Plan::default();
    let mut fair = Fair::new(snapshot);
    let mut desks = desks(snapshot);
    picky::hand_out(snapshot, &mut desks, &mut fair, &mut plan);
    seat_preferred(snapshot, &mut desks, &mut fair);
    share_out(snapshot, &mut desks, &mut fair);
    plan.grants = desks.into_iter().flat_map(Desk::into_grants).collect();
    plan
}

/// Nodes that take work, the emptiest first.
fn desks(snapshot: &Snapshot) -> Vec<Desk<'_>> {
    let times: HashMap<JobNo, Option<u64>> = snapshot.jobs.iter().map(|job| (job.id, job.unit_us)).collect();
    let active = snapshot.nodes.iter().filter(|node| node.mood == Mood::Active && node.slots > 0);
    let mut desks: Vec<_> = active.map(|node| Desk::new(node, |job| times.get(&job).copied().flatten())).collect();
    desks.sort_by_key(|desk| (desk.load_a_slot(), desk.node.id));
    desks
}

/// Units of strangers that a node may be given besides what it holds: few while nobody knows it, as long as others are
/// there who are known.
fn newcomers_room(policy: &Policy, desk: &Desk<'_>) -> u64 {
    let most = units_max(policy, desk.node.worth.standing, true);
    most.map_or(u64::MAX, |most| u64::from(most).saturating_mul(desk.node.slots.into()).saturating_sub(desk.held()))
}

/// Whether somebody is there who is known: then newcomers get little.
fn has_known(snapshot: &Snapshot) -> bool {
    snapshot.nodes.iter().any(|node| node.worth.standing.vouches() && node.takes_strangers)
}

/// Units of `job` that a node may be given in this turn, by what is known of it.
fn room(snapshot: &Snapshot, has_known: bool, desk: &Desk<'_>, job: &JobView) -> u64 {
    let is_limited = has_known && desk.node.owner != job.owner;
    if is_limited { newcomers_room(&snapshot.policy, desk) } else { u64::MAX }
}

/// A unit whose input one node has fetched goes there, where that may run it and has room; else to whoever is due.
fn seat_preferred(snapshot: &Snapshot, desks: &mut [Desk<'_>], fair: &mut Fair<'_>) {
    let has_known = has_known(snapshot);
    for (index, job) in snapshot.jobs.iter().enumerate().filter(|(_, job)| job.ready == 1) {
        let Some(desk) = job.prefers.and_then(|node| desks.iter_mut().find(|desk| desk.node.id == node)) else {
            continue;
        };
        let may = fair.left(index) > 0 && job_refusal(job).is_none() && eligible(desk.node, job).is_ok();
        let fits = may && room(snapshot, has_known, desk, job) > 0 && desk.held() < u64::from(desk.node.slots);
        if fits && matches!(desk.turn(job, 1, 1), Fit::Units(_)) {
            desk.give(job, 1, None);
            fair.take(index, 1, 0);
        }
    }
}

fn share_out(snapshot: &Snapshot, desks: &mut [Desk<'_>], fair: &mut Fair<'_>) {
    let ready: Vec<u64> = (0..snapshot.jobs.len()).map(|index| fair.left(index)).collect();
    let grid_slots = desks.iter().map(|desk| u64::from(desk.node.slots)).sum();
    let has_known = has_known(snapshot);
    let mut open: Vec<usize> = (0..desks.len()).collect();
    while !open.is_empty() {
        open.retain(|index| {
            let desk = &mut desks[*index];
            let fits = |job: usize| {
                let view = &snapshot.jobs[job];
                // Another job of its account may have taken what was left of the quota.
                let left = fair.left(job);
                let room = room(snapshot, has_known, desk, view);
                if left.min(room) == 0 || job_refusal(view).is_some() || eligible(desk.node, view).is_err() {
                    return Fit::Not;
                }
                match desk.turn(view, ready[job], grid_slots) {
                    Fit::Units(units) => Fit::Units(units.min(left).min(room)),
                    other => other,
                }
            };
            let Some((job, units)) = fair.pick(desk.node.owner, fits) else { return false };
            desk.give(&snapshot.jobs[job], units, None);
            fair.take(job, units, 0);
            true
        });
    }
}

//! One node while a plan is made: what it holds, what it is given, and how much more it should take.

use fallow_protocol::limits::{LEASE_UNITS_MAX, LEASES_PER_NODE_MAX};
use fallow_protocol::unit::UnitKey;

use super::fair::Fit;
use super::plan::Grant;
use super::view::{JobView, NodeView};
use super::window::{NODE_UNITS_HELD_MAX, WINDOW_US, node_us, slots_for, tail_window, weight_us, window};

/// Windows up to this many units are refilled one by one.
const SMALL_WINDOW: u64 = 64;

/// A node that takes work, with what this plan gives it.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) node: &'a NodeView,
    /// Work at hand, in microseconds of one slot.
    load_us: u64,
    held: u64,
    grants: Vec<Grant>,
}

impl<'a> Desk<'a> {
    /// `job_us` gives a job's average time on the grid.
    pub(super) fn new(node: &'a NodeView, job_us: impl Fn(crate::JobNo) -> Option<u64>) -> Self {
        let load = |units: u64, us| units.saturating_mul(weight_us(us));
        let loads = node.work.iter().map(|work| load(work.units, node_us(work.unit_us, job_us(work.job))));
        Self { node, load_us: loads.fold(0, u64::saturating_add), held: node.units_held(), grants: Vec::new() }
    }

    /// Work at hand a slot: who has least is served first.
    pub(super) fn load_a_slot(&self) -> u64 {
        self.load_us / u64::from(self.node.slots.max(1))
    }

    /// Units that it holds, with what it was given.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// Units of `job` that it should take in this turn, at most one slot's part of its window. `ready` are all the
    /// job's ready units and `grid_slots` the slots that could share them.
    pub(super) fn turn(&self, job: &JobView, ready: u64, grid_slots: u64) -> Fit {
        let slots = slots_for(self.node, job);
        let unit_us = self.unit_us(job);
        let full = window(slots, unit_us);
        let idle = slots.saturating_sub(self.held);
        let room = self.free_by_time(slots, full, unit_us).max(idle);
        let room = room.min(NODE_UNITS_HELD_MAX.saturating_sub(self.held));
        // Near a job's end a node takes no more than its part, whatever else it holds.
        let aim = full.min(tail_window(slots, unit_us, ready, grid_slots));
        let units = room.min(aim.saturating_sub(self.held_of(job)));
        // Small refills of a large window are not worth a frame.
        let is_worth_it = idle > 0 || full <= SMALL_WINDOW || units * 4 >= aim || self.is_given(job);
        let in_lease = self.room_in_lease(job);
        // With slots idle, a job of smaller units may still find room.
        let is_full = room == 0 && self.held >= u64::from(self.node.slots);
        if is_full || in_lease == 0 && self.leases() >= LEASES_PER_NODE_MAX {
            return Fit::Full;
        }
        if units == 0 || !is_worth_it {
            return Fit::Not;
        }
        let lease = if in_lease == 0 { LEASE_UNITS_MAX as u64 } else { in_lease };
        Fit::Units(units.min(aim.div_ceil(slots)).min(lease))
    }

    /// Give it `units` ordinary units, or the picky one; [`Desk::turn`] said that there is room.
    pub(super) fn give(&mut self, job: &JobView, units: u64, picked: Option<UnitKey>) {
        let count = units + picked.iter().len() as u64;
        self.held += count;
        self.load_us = self.load_us.saturating_add(count.saturating_mul(weight_us(self.unit_us(job))));
        if self.room_in_lease(job) == 0 {
            self.grants.push(Grant { node: self.node.id, job: job.id, units: 0, picked: Vec::new() });
        }
        if let Some(grant) = self.grants.iter_mut().rfind(|grant| grant.job == job.id) {
            grant.units += units;
            grant.picked.extend(picked);
        }
    }

    /// What it was given.
    pub(super) fn into_grants(self) -> Vec<Grant> {
        self.grants
    }

    /// Units that fit into what its slots have not at hand yet.
    fn free_by_time(&self, slots: u64, full: u64, unit_us: Option<u64>) -> u64 {
        let weight = weight_us(unit_us);
        let at_hand = slots.saturating_mul(WINDOW_US).max(full.saturating_mul(weight));
        at_hand.saturating_sub(self.load_us) / weight
    }

    fn leases(&self) -> usize {
        self.node.leases as usize + self.grants.len()
    }

    fn unit_us(&self, job: &JobView) -> Option<u64> {
        node_us(self.node.work_of(job.id).and_then(|work| work.unit_us), job.unit_us)
    }

    fn given(&self, job: &JobView) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(move |grant| grant.job == job.id)
    }

    fn is_given(&self, job: &JobView) -> bool {
        self.given(job).next().is_some()
    }

    fn held_of(&self, job: &JobView) -> u64 {
        let before = self.node.work_of(job.id).map_or(0, |work| work.units);
        before + self.given(job).map(Grant::count).sum::<u64>()
    }

    fn room_in_lease(&self, job: &JobView) -> u64 {
        self.given(job).last().map_or(0, |grant| LEASE_UNITS_MAX as u64 - grant.count())
    }
}

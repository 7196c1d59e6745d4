//! How many nodes that are new work at once on an open grid. Names are free: without a door whoever returns under a new
//! one whenever he is caught would cost the grid a second copy of all that he touches, for ever.
//!
//! The door opens with the checks that new nodes pass and closes with strikes. A young grid of honest people opens it
//! within hours; under attack it is nearly shut, and what the attackers cost is bounded, however many they are.

use super::policy::{GridKind, Policy};
use super::record::Record;

/// How far the door is open: one number for the whole grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Door {
    /// Checks that new nodes passed, less what strikes took.
    pub passes: u32,
}

impl Door {
    /// Whether a node counts as new: the door is for these.
    pub fn is_for(policy: &Policy, record: &Record) -> bool {
        policy.grid == GridKind::Open && !record.anchor && record.passes < policy.established_passes
    }

    /// New nodes that may hold units at once.
    pub fn width(self, policy: &Policy) -> u32 {
        (self.passes / policy.probation_passes.max(1)).max(policy.newcomers_min)
    }

    /// A new node passed a check.
    #[must_use]
    pub fn passed(self) -> Self {
        Self { passes: self.passes.saturating_add(1) }
    }

    /// A node got a strike: all that one node can have opened, so that those who earn trust only to lie close it too,
    /// and a share, so that a wide door closes fast.
    #[must_use]
    pub fn struck(self, policy: &Policy) -> Self {
        let fall = policy.established_passes + self.passes / policy.door_share.max(1);
        Self { passes: self.passes.saturating_sub(fall) }
    }

    /// Whether a new node may have work when `ahead` others that are new have some or came before it. `vouchers` are
    /// the nodes that could make it trusted: trusted ones, anchors, the server's own worker. Where there is none the door
    /// stands open, because nobody else is there.
    pub fn admits(self, policy: &Policy, ahead: u32, vouchers: u32) -> bool {
        vouchers == 0 || ahead < self.width(policy)
    }
}

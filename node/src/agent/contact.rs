//! Out of contact with the grid: leases end by themselves there, and what the grid has stopped is not heard of here. So
//! units stand still from a lease's time after the connection was lost, and go on where they were once it is back.

use super::Agent;
use super::io::{Action, Now};
use crate::events::Event;

/// Leases of a grid that has not been heard of last so long, milliseconds.
const LEASE_MS: u64 = 30_000;

/// Whether the grid is in contact, and for how long it need not be.
#[derive(Debug)]
pub(super) struct Contact {
    lease_ms: u64,
    lost_ms: Option<u64>,
    over: bool,
}

impl Default for Contact {
    fn default() -> Self {
        Self { lease_ms: LEASE_MS, lost_ms: None, over: false }
    }
}

impl Contact {
    /// The connection is gone; a try to get it back that failed changes nothing.
    pub(super) fn lost(&mut self, now_ms: u64) {
        self.lost_ms.get_or_insert(now_ms);
    }

    /// Whether leases have ended since.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// When leases end, milliseconds since the node's start; none where they do not, or have.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.lost_ms.filter(|_| !self.over).map(|lost| lost + self.lease_ms)
    }
}

impl Agent {
    pub(super) fn stand_still_out_of_contact(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.contact.due_ms().is_some_and(|due| now.ms >= due) {
            self.contact.over = true;
            actions.extend([Action::PauseWorkers, Action::Tell(Event::OutOfContact)]);
        }
    }

    /// The grid has told which leases it does not know any more; their units are dropped.
    pub(super) fn regain_contact(&mut self, lease_ms: u64, actions: &mut Vec<Action>) {
        let was_over = self.contact.over;
        self.contact = Contact { lease_ms: lease_ms.clamp(1_000, 3_600_000), lost_ms: None, over: false };
        if was_over && self.setup.policy.paused.is_none() {
            actions.push(Action::ResumeWorkers);
        }
    }
}

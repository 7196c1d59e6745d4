//! The way out: what has not begun is given back, what has ended is reported, then the node leaves.

use fallow_protocol::JobId;
use fallow_protocol::unit::UnitKey;

use super::io::{Action, Now};
use super::jobs::Place;
use super::{Agent, DRAIN_MS};
use crate::events::Event;

impl Agent {
    pub(super) fn drain(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.drain_since_ms.is_some() {
            return;
        }
        self.setup.policy.draining = true;
        self.drain_since_ms = Some(now.ms);
        actions.push(Action::Tell(Event::Draining));
        if self.setup.policy.paused.is_some() {
            return self.abandon_all("this node is shutting down", actions);
        }
        self.give_back_unbegun("this node is shutting down", actions);
        self.stop_slots_of_dropped(now, actions);
    }

    pub(super) fn give_back_keys(&mut self, id: &JobId, keys: &[UnitKey], reason: &str, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let mut units = Vec::new();
        for key in keys {
            let Some(held) = job.drop_unit(*key) else { continue };
            units.push((*key, held.attempt));
            self.leases.release(held.lease);
            if let Place::Slot(slot) = held.place {
                self.slots[slot].drop_unit(*key, held.attempt);
            }
        }
        self.decline(id.clone(), units, reason.to_owned(), actions);
    }

    /// Stop every worker and give everything back that has no result.
    pub(super) fn abandon_all(&mut self, reason: &str, actions: &mut Vec<Action>) {
        let jobs: Vec<JobId> = self.jobs.keys().cloned().collect();
        for id in jobs {
            self.give_back(&id, |held| held.place != Place::Parked, reason, actions);
        }
        for slot in 0..self.slots.len() {
            self.stop(slot, actions);
        }
    }

    pub(super) fn holds_nothing(&self) -> bool {
        self.jobs.values().all(|job| job.held.is_empty())
    }

    pub(super) fn leave_when_empty(&mut self, now: Now, actions: &mut Vec<Action>) {
        let Some(since) = self.drain_since_ms else { return };
        if self.holds_nothing() {
            let open: Vec<JobId> = self.frames.jobs().cloned().collect();
            for job in open {
                self.flush(&job, actions);
            }
            // Without a connection there is nobody to wait for: the spool keeps what is not committed.
            if self.leases.frames_uncommitted() == 0 || !self.online || now.ms >= since + DRAIN_MS {
                actions.push(Action::Exit);
            }
        } else if now.ms >= since + DRAIN_MS {
            actions.push(Action::Exit);
        }
    }
}

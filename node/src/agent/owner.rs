//! What the owner, his rules or a signal ask: to stand still, at once or once what runs has ended, to go on, to offer
//! more or less, to leave.

use fallow_protocol::JobId;
use fallow_protocol::unit::UnitKey;

use super::Agent;
use super::io::{Action, Now, OwnerCommand};
use super::jobs::Place;
use crate::events::Event;

impl Agent {
    /// The owner, or a signal, asks for something.
    pub fn on_owner_command(&mut self, now: Now, command: OwnerCommand) -> Vec<Action> {
        let mut actions = Vec::new();
        let news = match command {
            OwnerCommand::Pause { reason } => self.pause(now, reason, &mut actions),
            OwnerCommand::Finish { reason } => self.finish_then_pause(now, reason, &mut actions),
            OwnerCommand::Resume => self.resume(now, &mut actions),
            OwnerCommand::Offer { slots, memory_bytes, give_back_ms } => {
                self.offer(now, (slots, memory_bytes, give_back_ms), &mut actions)
            }
            OwnerCommand::Word(word) => {
                self.word_told = self.word_told && self.word == *word;
                self.word = *word;
                !self.word_told
            }
            OwnerCommand::Drain => {
                self.drain(now, &mut actions);
                true
            }
        };
        if news {
            self.send_status(now, &mut actions);
        }
        self.pause_when_finished(now, &mut actions);
        self.leave_when_empty(now, &mut actions);
        actions
    }

    /// Whether the grid should hear at once: numbers in a reason may wait for the next heartbeat.
    fn pause(&mut self, now: Now, reason: String, actions: &mut Vec<Action>) -> bool {
        let policy = &mut self.setup.policy;
        policy.finishing = None;
        let before = policy.paused.replace(reason.clone());
        if before.as_ref() == Some(&reason) {
            return false;
        }
        let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
        if before.is_some_and(|before| words(&before) == words(&reason)) {
            return false;
        }
        self.paused_since_ms = self.paused_since_ms.or(Some(now.ms));
        actions.extend([Action::PauseWorkers, Action::Tell(Event::Paused { reason })]);
        self.give_back_when_long_paused(now, actions);
        true
    }

    fn finish_then_pause(&mut self, now: Now, reason: String, actions: &mut Vec<Action>) -> bool {
        let policy = &mut self.setup.policy;
        if policy.finishing.is_some() || policy.paused.is_some() {
            let words = policy.finishing.as_mut().or(policy.paused.as_mut());
            words.into_iter().for_each(|words| words.clone_from(&reason));
            return false;
        }
        policy.finishing = Some(reason.clone());
        actions.push(Action::Tell(Event::Finishing { reason }));
        self.give_back_unbegun("this node finishes what it has begun and then pauses", actions);
        self.stop_slots_of_dropped(now, actions);
        true
    }

    /// Units that have not begun go back to the grid.
    pub(super) fn give_back_unbegun(&mut self, reason: &str, actions: &mut Vec<Action>) {
        let jobs: Vec<JobId> = self.jobs.keys().cloned().collect();
        for id in jobs {
            let begun = self.begun(&id);
            let held = self.jobs[&id].units(|held| held.place != Place::Parked);
            let keys: Vec<UnitKey> = held.into_iter().map(|(key, _)| key).filter(|key| !begun.contains(key)).collect();
            self.give_back_keys(&id, &keys, reason, actions);
        }
    }

    /// What had begun has ended: the pause begins.
    pub(super) fn pause_when_finished(&mut self, now: Now, actions: &mut Vec<Action>) {
        let parked_only = self.jobs.values().all(|job| job.units(|held| held.place != Place::Parked).is_empty());
        if let Some(reason) = self.setup.policy.finishing.take_if(|_| parked_only) {
            self.pause(now, reason, actions);
            self.give_back_when_long_paused(Now { ms: u64::MAX, ..now }, actions);
            self.send_status(now, actions);
        }
    }

    fn resume(&mut self, now: Now, actions: &mut Vec<Action>) -> bool {
        self.paused_since_ms = None;
        let finished = self.setup.policy.finishing.take().is_some();
        let paused = self.setup.policy.paused.take().is_some();
        if paused && !self.contact.is_over() {
            actions.push(Action::ResumeWorkers);
        }
        if paused || finished {
            actions.push(Action::Tell(Event::Resumed));
        }
        self.assign(now, actions);
        paused || finished
    }

    fn offer(&mut self, now: Now, offer: (u32, u64, u64), actions: &mut Vec<Action>) -> bool {
        let (slots, memory_bytes, give_back_ms) = offer;
        let slots = slots.clamp(1, self.slots.len() as u32);
        self.give_back_ms = give_back_ms;
        let policy = &mut self.setup.policy;
        if (policy.slots, policy.memory_bytes) == (slots, memory_bytes) {
            return false;
        }
        (policy.slots, policy.memory_bytes) = (slots, memory_bytes);
        self.fit_memory(actions);
        let too_large: Vec<JobId> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.grant.limits.memory_bytes > memory_bytes)
            .map(|(id, _)| id.clone())
            .collect();
        for id in too_large {
            self.give_back(&id, |held| held.place == Place::Ready, "this node gives less memory now", actions);
        }
        self.assign(now, actions);
        true
    }

    /// After a while, memory and units are of more use elsewhere.
    pub(super) fn give_back_when_long_paused(&mut self, now: Now, actions: &mut Vec<Action>) {
        let Some(since) = self.paused_since_ms else { return };
        if now.ms >= since.saturating_add(self.give_back_ms) {
            self.paused_since_ms = None;
            self.abandon_all("this node is paused", actions);
        }
    }
}

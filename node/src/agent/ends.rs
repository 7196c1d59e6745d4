//! What slots tell: units that begin, checkpoint and end, workers that come and go.

use std::sync::Arc;

use fallow_protocol::JobId;
use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Output, STAGE_SPLIT, UnitResult};

use super::io::{Action, CheckpointUpload, End, Now, Parked, SlotEvent, Unit, Uploaded};
use super::jobs::{Place, Prep};
use super::slots::{InSlot, State};
use super::{Agent, PREPARE_RETRY_MS};
use crate::events::Event;

/// Workers in a row that fail to start before the job is given back.
const START_FAILURES_MAX: u32 = 3;

impl Agent {
    /// A slot told something. Events of an earlier life of its worker change nothing.
    pub fn on_slot(&mut self, now: Now, slot: usize, life: u64, events: Vec<SlotEvent>) -> Vec<Action> {
        let mut actions = Vec::new();
        for event in events {
            if self.slots.get(slot).is_some_and(|slot| slot.life == life) {
                self.on_slot_event(now, slot, event, &mut actions);
            }
        }
        self.stop_slots_of_dropped(now, &mut actions);
        self.assign(now, &mut actions);
        self.flush_idle_jobs(&mut actions);
        self.pause_when_finished(now, &mut actions);
        self.leave_when_empty(now, &mut actions);
        actions
    }

    /// A large output is at the server, or never will be. `restored`: it is from an earlier run of the node.
    pub fn on_uploaded(&mut self, now: Now, parked: Parked, outcome: Uploaded, restored: bool) -> Vec<Action> {
        let keep = outcome == Uploaded::Done && self.is_read_again(&parked);
        let mut actions = vec![Action::Unpark { parked: Box::new(parked.clone()), keep }];
        let Parked { job: id, lease, mut result } = parked;
        let held = self.jobs.get_mut(&id).and_then(|job| {
            let held = job.held.get(&result.key)?;
            let same = held.attempt == result.attempt && held.place == Place::Parked;
            if same { job.drop_unit(result.key) } else { None }
        });
        if held.is_some() || restored {
            if let Uploaded::Refused(reason) = outcome {
                result.output = None;
                result.outcome = Outcome::HostFault { message: format!("the output could not be delivered: {reason}") };
            }
            self.push_result(now, &id, lease, result, &mut actions);
        }
        self.assign(now, &mut actions);
        self.flush_idle_jobs(&mut actions);
        self.pause_when_finished(now, &mut actions);
        self.leave_when_empty(now, &mut actions);
        actions
    }

    /// Whether an output will be the input of other units, which this node may well be given.
    fn is_read_again(&self, parked: &Parked) -> bool {
        let merges = self.jobs.get(&parked.job).is_some_and(|job| job.grant.exports.merge);
        parked.result.key.stage == STAGE_SPLIT || merges
    }

    fn on_slot_event(&mut self, now: Now, slot: usize, event: SlotEvent, actions: &mut Vec<Action>) {
        match event {
            SlotEvent::Ready => self.on_worker_ready(now, slot),
            SlotEvent::StartFailed { reason } => self.on_start_failed(now, slot, reason, actions),
            SlotEvent::Started { tag } => self.on_started(now, slot, tag, actions),
            SlotEvent::Progress { tag, done, total } => {
                if let Some(unit) = self.slots[slot].find(tag) {
                    unit.progress = Some((now.ms, done, total));
                }
            }
            SlotEvent::Checkpoint { tag, state, fuel } => self.on_checkpoint(now, slot, tag, (state, fuel), actions),
            SlotEvent::Ended { tag, end } => self.on_ended(now, slot, tag, end, actions),
            SlotEvent::Died { reason } => self.on_died(now, slot, reason, actions),
        }
    }

    fn on_worker_ready(&mut self, now: Now, slot: usize) {
        let slot = &mut self.slots[slot];
        if let State::Starting { job } = &slot.state {
            if let Some(job) = self.jobs.get_mut(job) {
                job.start_failures = 0;
            }
            slot.state = State::Working { job: job.clone(), since_ms: now.ms, empty_since_ms: now.ms };
        }
    }

    fn on_start_failed(&mut self, now: Now, slot: usize, reason: String, actions: &mut Vec<Action>) {
        let Some(id) = self.slots[slot].job().cloned() else { return };
        self.slots[slot].state = State::Idle;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.start_failures += 1;
        if job.start_failures >= START_FAILURES_MAX {
            let reason = format!("no worker could be started: {reason}");
            job.prep = Prep::Failed { retry_ms: now.ms + PREPARE_RETRY_MS, reason: reason.clone() };
            self.give_back(&id, |held| held.place == Place::Ready, &reason, actions);
        }
    }

    fn on_started(&mut self, now: Now, slot: usize, tag: u64, actions: &mut Vec<Action>) {
        let job = self.slots[slot].job().cloned();
        let Some(unit) = self.slots[slot].find(tag) else { return };
        unit.started_ms = Some(now.ms);
        if let (Some(job), true, false) = (job, self.setup.tells_units, unit.dropped) {
            let key = unit.unit.key;
            let resumed_at_fuel = unit.unit.checkpoint.as_ref().map(|checkpoint| checkpoint.fuel);
            actions.push(Action::Tell(Event::UnitStarted { job, stage: key.stage, seq: key.seq, resumed_at_fuel }));
        }
    }

    fn on_checkpoint(&mut self, now: Now, slot: usize, tag: u64, state: (Vec<u8>, u64), actions: &mut Vec<Action>) {
        let wanted = self.checkpoint_ms > 0;
        if let Some(unit) = self.slots[slot].find(tag).filter(|unit| wanted && !unit.dropped) {
            unit.checkpoint = Some(state);
            self.due_checkpoints(now, actions);
        }
    }

    /// Send the newest state of each unit whose last one is long enough ago. The first counts from the unit's start.
    pub(super) fn due_checkpoints(&mut self, now: Now, actions: &mut Vec<Action>) {
        for slot in &mut self.slots {
            let Some(job) = slot.job().cloned() else { continue };
            for unit in slot.queue.iter_mut().filter(|unit| unit.checkpoint.is_some()) {
                if unit.checkpoint_due_ms(self.checkpoint_ms) > now.ms || !self.online {
                    continue;
                }
                let Some((state, fuel)) = unit.checkpoint.take() else { continue };
                unit.checkpoint_ms = Some(now.ms);
                let (key, attempt) = (unit.unit.key, unit.unit.attempt);
                actions.push(Action::Checkpoint(CheckpointUpload { job: job.clone(), key, attempt, state, fuel }));
            }
        }
    }

    fn on_ended(&mut self, now: Now, slot: usize, tag: u64, end: End, actions: &mut Vec<Action>) {
        let Some(id) = self.slots[slot].job().cloned() else { return };
        let Some(InSlot { unit, dropped, .. }) = self.slots[slot].take(tag) else { return };
        self.slots[slot].emptied(now.ms);
        if let Some(job) = self.jobs.get_mut(&id) {
            job.measure(end.wall_us);
        }
        if !dropped {
            self.finish(now, &id, &unit, end, actions);
        }
    }

    fn finish(&mut self, now: Now, id: &JobId, unit: &Arc<Unit>, end: End, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let result = UnitResult {
            key: unit.key,
            attempt: unit.attempt,
            outcome: end.outcome,
            floats: end.floats,
            fuel: end.fuel,
            memory_bytes: end.memory_bytes,
            wall_us: end.wall_us,
            output: end.output,
            log: end.log,
            resumed_at_fuel: unit.checkpoint.as_ref().map(|checkpoint| checkpoint.fuel),
        };
        if matches!(result.output, Some(Output::Blob { .. })) {
            if let Some(held) = job.held.get_mut(&unit.key) {
                held.place = Place::Parked;
            }
            actions.push(Action::Upload(Parked { job: id.clone(), lease: unit.lease, result }));
        } else if job.drop_unit(unit.key).is_some() {
            self.push_result(now, id, unit.lease, result, actions);
        }
    }

    /// The unit that ran is a host fault; those behind it never began and go back to the queue.
    fn on_died(&mut self, now: Now, slot: usize, reason: String, actions: &mut Vec<Action>) {
        let Some(id) = self.slots[slot].job().cloned() else { return };
        let queue = std::mem::take(&mut self.slots[slot].queue);
        self.slots[slot].state = State::Idle;
        let none_began = !queue.iter().any(|unit| unit.started_ms.is_some());
        for in_slot in queue.into_iter().rev().filter(|unit| !unit.dropped) {
            if in_slot.started_ms.is_some() {
                let end = End::host_fault(format!("its worker died: {reason}"));
                self.finish(now, &id, &in_slot.unit, end, actions);
            } else if let Some(job) = self.jobs.get_mut(&id) {
                job.requeue(in_slot.unit);
            }
        }
        if none_began {
            self.count_start_failure(now, &id, &reason, actions);
        }
    }

    /// A worker that dies before a unit began would otherwise be started for ever.
    fn count_start_failure(&mut self, now: Now, id: &JobId, reason: &str, actions: &mut Vec<Action>) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.start_failures += 1;
        if job.start_failures >= START_FAILURES_MAX {
            let reason = format!("its workers die at once: {reason}");
            job.prep = Prep::Failed { retry_ms: now.ms + PREPARE_RETRY_MS, reason: reason.clone() };
            self.give_back(id, |held| held.place == Place::Ready, &reason, actions);
        }
    }

    /// Nothing more of these jobs is under way: their results need not wait for company.
    fn flush_idle_jobs(&mut self, actions: &mut Vec<Action>) {
        let idle: Vec<JobId> = self.frames.jobs().filter(|id| !self.is_busy(id)).cloned().collect();
        for id in idle {
            self.flush(&id, actions);
        }
    }

    fn is_busy(&self, id: &JobId) -> bool {
        let waits = self.jobs.get(id).is_some_and(|job| job.ready_count() > 0);
        waits || self.slots.iter().any(|slot| slot.job() == Some(id) && !slot.queue.is_empty())
    }
}

impl End {
    /// The computer failed the unit.
    pub fn host_fault(message: String) -> Self {
        let outcome = Outcome::HostFault { message };
        Self { outcome, floats: Floats::Plain, fuel: 0, memory_bytes: 0, wall_us: 0, output: None, log: Vec::new() }
    }
}

//! Which unit runs where: slots, batches sized by measured time, and turns between jobs.
//!
//! A slot's worker belongs to one job until the job has no more units here, or another job waits for its turn.

use std::collections::VecDeque;
use std::sync::Arc;

use fallow_protocol::JobId;
use fallow_protocol::unit::UnitKey;

use super::Agent;
use super::io::{Action, Now, SlotUnit, Unit};
use super::jobs::{Job, Prep};

/// Work that is queued at a worker: enough that it never waits for the node, little enough to be given back.
const QUEUE_US: u64 = 60_000;
/// Units queued at a worker at most.
const QUEUE_UNITS_MAX: u64 = 512;
/// A job keeps a slot so long while another waits for its first.
const TURN_MS: u64 = 2_000;
/// A worker without units is kept so long for the next lease of its job.
const IDLE_WORKER_MS: u64 = 10_000;
/// A dropped unit that began is worth a worker's restart when its job's units take longer than this, microseconds.
const WORTH_KILLING_US: u64 = 20_000;
/// Frames that may wait for their commit before no more units begin: bounds memory and the spool.
const FRAMES_UNCOMMITTED_MAX: usize = 512;

/// A unit at a slot.
#[derive(Debug)]
pub struct InSlot {
    /// Its tag.
    pub tag: u64,
    /// The unit.
    pub unit: Arc<Unit>,
    /// When it began.
    pub started_ms: Option<u64>,
    /// Its result is not wanted any more.
    pub dropped: bool,
    /// When it told, how far it was, of how much.
    pub progress: Option<(u64, u64, u64)>,
    /// Newest state not yet sent, with its fuel.
    pub checkpoint: Option<(Vec<u8>, u64)>,
    /// When the last checkpoint was sent.
    pub checkpoint_ms: Option<u64>,
}

impl InSlot {
    /// When its next checkpoint may be sent.
    pub fn checkpoint_due_ms(&self, every_ms: u64) -> u64 {
        self.checkpoint_ms.or(self.started_ms).unwrap_or(0).saturating_add(every_ms)
    }
}

/// What a slot's worker does.
#[derive(Debug, Default)]
pub enum State {
    /// There is none with a job.
    #[default]
    Idle,
    /// It is given a job.
    Starting {
        /// The job.
        job: JobId,
    },
    /// It takes units.
    Working {
        /// The job.
        job: JobId,
        /// Since when it has the job.
        since_ms: u64,
        /// Since when it has had nothing to do, while its queue is empty.
        empty_since_ms: u64,
    },
}

/// One slot.
#[derive(Debug, Default)]
pub struct Slot {
    /// Number of its worker's life; events of earlier lives are ignored.
    pub life: u64,
    /// What its worker does.
    pub state: State,
    /// Units at its worker, in order.
    pub queue: VecDeque<InSlot>,
}

impl Slot {
    /// Its job.
    pub fn job(&self) -> Option<&JobId> {
        match &self.state {
            State::Idle => None,
            State::Starting { job } | State::Working { job, .. } => Some(job),
        }
    }

    /// A unit by its tag; usually the first.
    pub fn find(&mut self, tag: u64) -> Option<&mut InSlot> {
        self.queue.iter_mut().find(|unit| unit.tag == tag)
    }

    /// Take a unit out.
    pub fn take(&mut self, tag: u64) -> Option<InSlot> {
        let index = self.queue.iter().position(|unit| unit.tag == tag)?;
        self.queue.remove(index)
    }

    /// Its result is not wanted.
    pub fn drop_unit(&mut self, key: UnitKey, attempt: u32) {
        let found = self.queue.iter_mut().find(|unit| unit.unit.key == key && unit.unit.attempt == attempt);
        if let Some(unit) = found {
            (unit.dropped, unit.checkpoint) = (true, None);
        }
    }

    /// Note the time when the queue ran empty.
    pub fn emptied(&mut self, now_ms: u64) {
        if let (true, State::Working { empty_since_ms, .. }) = (self.queue.is_empty(), &mut self.state) {
            *empty_since_ms = now_ms;
        }
    }

    fn is_free(&self) -> bool {
        matches!(self.state, State::Working { .. }) && self.queue.is_empty()
    }
}

/// Units to keep queued at a worker whose units take `unit_us` each. One until that is known.
pub fn queue_depth(unit_us: Option<u64>) -> u64 {
    unit_us.map_or(1, |unit_us| (QUEUE_US / unit_us.max(1)).clamp(2, QUEUE_UNITS_MAX))
}

impl Agent {
    /// Give units to slots, and jobs to slots without one.
    pub(super) fn assign(&mut self, now: Now, actions: &mut Vec<Action>) {
        if !self.setup.policy.may_run()
            || self.contact.is_over()
            || self.leases.frames_uncommitted() >= FRAMES_UNCOMMITTED_MAX
        {
            return;
        }
        for slot in 0..self.slots_open() {
            self.top_up(now, slot, actions);
        }
        while let Some(id) = self.next_job() {
            let Some(slot) = self.free_slot(&id, actions) else { return };
            self.start(slot, id, actions);
        }
    }

    /// Slots that may begin units now; the others end what they have.
    fn slots_open(&self) -> usize {
        self.slots.len().min(self.setup.policy.slots as usize)
    }

    fn top_up(&mut self, now: Now, index: usize, actions: &mut Vec<Action>) {
        let State::Working { job: id, since_ms, .. } = &self.slots[index].state else { return };
        let (id, since_ms) = (id.clone(), *since_ms);
        if self.another_waits(&id) && (self.slots_of(&id) > 1 || now.ms >= since_ms + TURN_MS) {
            return;
        }
        let could =
            self.slots_of(&id) + self.slots[..self.slots_open()].iter().filter(|slot| slot.job().is_none()).count();
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let (slot, depth) = (&mut self.slots[index], queue_depth(job.unit_us) as usize);
        let have = slot.queue.len();
        if have > depth / 2 {
            return;
        }
        let share = job.ready_count().div_ceil(could.max(1)).max(usize::from(have == 0));
        let units = take_units(job, slot, index, (depth - have).min(share), &mut self.next_tag);
        if !units.is_empty() {
            actions.push(Action::Submit { slot: index, units });
        }
    }

    /// The job whose turn it is: the fewest slots, then the oldest id; only where its memory fits.
    fn next_job(&self) -> Option<JobId> {
        let waiting = self
            .jobs
            .iter()
            .filter(|(id, job)| job.prep == Prep::Ready && job.ready_count() > self.starting(id) && self.fits(job));
        waiting.map(|(id, _)| (self.slots_of(id), id)).min().map(|(_, id)| id.clone())
    }

    fn fits(&self, job: &Job) -> bool {
        // Workers without units can be stopped, so they do not count.
        let busy = self.slots.iter().filter(|slot| !slot.is_free());
        let used: u64 =
            busy.filter_map(|slot| self.jobs.get(slot.job()?)).map(|job| job.grant.limits.memory_bytes).sum();
        used.saturating_add(job.grant.limits.memory_bytes) <= self.setup.policy.memory_bytes
    }

    /// A slot for `id`: one without a worker, else one whose worker has nothing to do for another job.
    fn free_slot(&mut self, id: &JobId, actions: &mut Vec<Action>) -> Option<usize> {
        let open = &self.slots[..self.slots_open()];
        // What runs in slots that are closed now still takes its share.
        if self.slots.iter().filter(|slot| !slot.queue.is_empty()).count() >= open.len() {
            return None;
        }
        let idle = open.iter().position(|slot| slot.job().is_none());
        let found = idle.or_else(|| open.iter().position(|slot| slot.is_free() && slot.job() != Some(id)))?;
        for slot in 0..self.slots.len() {
            // Workers that only wait give their memory to one that works.
            if self.slots[slot].is_free() && self.slots[slot].job() != Some(id) {
                self.stop(slot, actions);
            }
        }
        Some(found)
    }

    /// End workers, the last first, until all fit into the memory that there is.
    pub(super) fn fit_memory(&mut self, actions: &mut Vec<Action>) {
        for slot in (0..self.slots.len()).rev() {
            let memory = |slot: &Slot| {
                let job = slot.job().and_then(|id| self.jobs.get(id));
                job.map_or(0, |job| job.grant.limits.memory_bytes)
            };
            let used = self.slots.iter().map(memory).fold(0, u64::saturating_add);
            if used > self.setup.policy.memory_bytes {
                self.stop(slot, actions);
            }
        }
    }

    fn start(&mut self, slot: usize, job: JobId, actions: &mut Vec<Action>) {
        let this = &mut self.slots[slot];
        this.life += 1;
        this.state = State::Starting { job: job.clone() };
        actions.push(Action::Start { slot, life: this.life, job });
    }

    /// End a slot's worker; what it had not ended goes back to its job's queue.
    pub(super) fn stop(&mut self, slot: usize, actions: &mut Vec<Action>) {
        let this = &mut self.slots[slot];
        let Some(id) = this.job().cloned() else { return };
        this.life += 1;
        this.state = State::Idle;
        let queue = std::mem::take(&mut this.queue);
        if let Some(job) = self.jobs.get_mut(&id) {
            queue.into_iter().rev().filter(|unit| !unit.dropped).for_each(|unit| job.requeue(unit.unit));
        }
        actions.push(Action::Stop { slot });
    }

    pub(super) fn drop_in_slot(&mut self, slot: usize, key: UnitKey, attempt: u32) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.drop_unit(key, attempt);
        }
    }

    /// Stop workers that run what nobody wants, unless that is over sooner than a new worker would start.
    pub(super) fn stop_slots_of_dropped(&mut self, now: Now, actions: &mut Vec<Action>) {
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if slot.queue.is_empty() {
                continue;
            }
            let unit_us = slot.job().and_then(|id| self.jobs.get(id)?.unit_us);
            let long = unit_us.is_none_or(|unit_us| unit_us > WORTH_KILLING_US);
            let unwanted = slot.queue.iter().all(|unit| unit.dropped);
            let runs_unwanted = slot.queue.iter().any(|unit| unit.dropped && unit.started_ms.is_some());
            if unwanted || (long && runs_unwanted) || self.runs_long_unwanted(index, now) {
                self.stop(index, actions);
            }
        }
    }

    /// Stop all workers of a job, whatever they do.
    pub(super) fn stop_slots_of(&mut self, id: &JobId, actions: &mut Vec<Action>) {
        for index in 0..self.slots.len() {
            if self.slots[index].job() == Some(id) {
                self.stop(index, actions);
            }
        }
    }

    fn runs_long_unwanted(&self, slot: usize, now: Now) -> bool {
        let mut dropped = self.slots[slot].queue.iter().filter(|unit| unit.dropped);
        dropped.any(|unit| unit.started_ms.is_some_and(|started| now.ms > started + WORTH_KILLING_US / 1_000))
    }

    pub(super) fn stop_idle_workers(&mut self, now: Now, actions: &mut Vec<Action>) {
        for index in 0..self.slots.len() {
            let State::Working { empty_since_ms, .. } = self.slots[index].state else { continue };
            if self.slots[index].queue.is_empty() && now.ms >= empty_since_ms + IDLE_WORKER_MS {
                self.stop(index, actions);
            }
        }
    }

    /// When a slot needs a tick: a checkpoint to send, or a worker that waits too long.
    pub(super) fn slots_due_ms(&self) -> Option<u64> {
        let idle = self.slots.iter().filter_map(|slot| match slot.state {
            State::Working { empty_since_ms, .. } if slot.queue.is_empty() => Some(empty_since_ms + IDLE_WORKER_MS),
            _ => None,
        });
        let states = self.slots.iter().flat_map(|slot| &slot.queue);
        let checkpoints = states
            .filter(|unit| self.online && unit.checkpoint.is_some())
            .map(|unit| unit.checkpoint_due_ms(self.checkpoint_ms));
        idle.chain(checkpoints).min()
    }

    /// Keys of a job's units that have begun.
    pub(super) fn begun(&self, id: &JobId) -> Vec<UnitKey> {
        let slots = self.slots.iter().filter(|slot| slot.job() == Some(id));
        slots.flat_map(|slot| &slot.queue).filter(|unit| unit.started_ms.is_some()).map(|unit| unit.unit.key).collect()
    }

    pub(super) fn in_a_slot(&self, id: &JobId) -> bool {
        self.slots_of(id) > 0
    }

    fn slots_of(&self, id: &JobId) -> usize {
        self.slots.iter().filter(|slot| slot.job() == Some(id)).count()
    }

    fn starting(&self, id: &JobId) -> usize {
        let starting = |slot: &&Slot| matches!(&slot.state, State::Starting { job } if job == id);
        self.slots.iter().filter(starting).count()
    }

    fn another_waits(&self, id: &JobId) -> bool {
        let any_idle = self.slots[..self.slots_open()].iter().any(|slot| slot.job().is_none());
        !any_idle
            && self.jobs.iter().any(|(other, job)| {
                other != id && job.prep == Prep::Ready && job.ready_count() > 0 && self.slots_of(other) == 0
            })
    }
}

fn take_units(job: &mut Job, slot: &mut Slot, index: usize, count: usize, next_tag: &mut u64) -> Vec<SlotUnit> {
    let mut units = Vec::with_capacity(count);
    while units.len() < count {
        let Some(unit) = job.next(index) else { break };
        let tag = *next_tag;
        *next_tag += 1;
        slot.queue.push_back(InSlot {
            tag,
            unit: unit.clone(),
            started_ms: None,
            dropped: false,
            progress: None,
            checkpoint: None,
            checkpoint_ms: None,
        });
        units.push(SlotUnit { tag, unit });
    }
    units
}

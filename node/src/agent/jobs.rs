//! What the agent knows of a job: its grant, how far its module is prepared, and its units.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use fallow_protocol::link::JobGrant;
use fallow_protocol::unit::UnitKey;

use super::io::Unit;

/// How far a job's module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prep {
    /// Being fetched and compiled.
    Preparing,
    /// Ready to be given to workers.
    Ready,
    /// Never runs here.
    Refused(String),
    /// Could not be prepared; worth another try from then on.
    Failed {
        /// When, milliseconds since the node's start.
        retry_ms: u64,
        /// What failed.
        reason: String,
    },
}

/// Where a held unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It waits for a slot.
    Ready,
    /// At a slot.
    Slot(usize),
    /// It has ended; its output is being uploaded.
    Parked,
}

/// A unit that the node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its attempt.
    pub attempt: u32,
    /// The lease that brought it.
    pub lease: u64,
    /// Where it is.
    pub place: Place,
}

/// One job.
#[derive(Debug)]
pub struct Job {
    /// What its units share.
    pub grant: Box<JobGrant>,
    /// How far its module is.
    pub prep: Prep,
    /// Every unit held, by key.
    pub held: HashMap<UnitKey, Held>,
    /// Wall time of a unit, microseconds: a moving mean; none before the first ended.
    pub unit_us: Option<u64>,
    /// Workers in a row that could not be started.
    pub start_failures: u32,
    /// When it was last spoken of, milliseconds since the node's start.
    pub touched_ms: u64,
    ready: VecDeque<Arc<Unit>>,
    ready_count: usize,
}

impl Job {
    /// A job that was just announced.
    pub fn new(grant: Box<JobGrant>, prep: Prep, now_ms: u64) -> Self {
        Self {
            grant,
            prep,
            held: HashMap::new(),
            unit_us: None,
            start_failures: 0,
            touched_ms: now_ms,
            ready: VecDeque::new(),
            ready_count: 0,
        }
    }

    /// Units that wait for a slot.
    pub fn ready_count(&self) -> usize {
        self.ready_count
    }

    /// Hold a new unit, at the end of the queue.
    pub fn hold(&mut self, unit: Arc<Unit>) {
        let held = Held { attempt: unit.attempt, lease: unit.lease, place: Place::Ready };
        self.held.insert(unit.key, held);
        self.ready.push_back(unit);
        self.ready_count += 1;
    }

    /// Put a unit back to the front, where its worker went away before it began.
    pub fn requeue(&mut self, unit: Arc<Unit>) {
        if let Some(held) = self.held.get_mut(&unit.key) {
            held.place = Place::Ready;
            self.ready.push_front(unit);
            self.ready_count += 1;
        }
    }

    /// The next unit for a slot. Entries of units that were dropped meanwhile are skipped.
    pub fn next(&mut self, slot: usize) -> Option<Arc<Unit>> {
        while let Some(unit) = self.ready.pop_front() {
            let held = self.held.get_mut(&unit.key);
            if let Some(held) = held.filter(|held| held.attempt == unit.attempt && held.place == Place::Ready) {
                held.place = Place::Slot(slot);
                self.ready_count -= 1;
                return Some(unit);
            }
        }
        None
    }

    /// Stop holding a unit; where it was.
    pub fn drop_unit(&mut self, key: UnitKey) -> Option<Held> {
        let held = self.held.remove(&key)?;
        if held.place == Place::Ready {
            self.ready_count -= 1;
        }
        if self.ready_count == 0 {
            self.ready.clear();
        }
        Some(held)
    }

    /// Keys and attempts of the units that `which` picks, in order.
    pub fn units(&self, which: impl Fn(&Held) -> bool) -> Vec<(UnitKey, u32)> {
        let picked = self.held.iter().filter(|(_, held)| which(held));
        let mut units: Vec<_> = picked.map(|(key, held)| (*key, held.attempt)).collect();
        units.sort_unstable();
        units
    }

    /// Take a run's wall time into the mean.
    pub fn measure(&mut self, wall_us: u64) {
        let wall_us = wall_us.max(1);
        self.unit_us = Some(self.unit_us.map_or(wall_us, |mean| (mean.saturating_mul(7).saturating_add(wall_us)) / 8));
    }
}

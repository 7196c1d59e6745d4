//! The executor: a worker process a slot, fed and listened to. Decides nothing; the agent says what runs where.
//!
//! Each life of a slot's worker is one task here, which ends with it. The two sides share only channels.

mod life;
mod outputs;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use fallow_sandbox::client::{IdleWorker, SandboxError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::agent::io::{SlotEvent, SlotUnit};
use crate::blobs::BlobClient;
use crate::cache::Cache;
use crate::outbox::BlobFolder;
use crate::prepare::Prepared;
use life::{Control, Life};

/// Groups of events that wait for the agent; beyond, workers wait.
const EVENTS_WAITING: usize = 256;
/// Workers kept ready ahead of need.
const IDLE_MAX: usize = 4;

/// Events of a slot: its number, the life of its worker, what it told.
pub type Told = (usize, u64, Vec<SlotEvent>);

/// What all slots share.
#[derive(Debug)]
pub struct Bench {
    exe: PathBuf,
    scratch_dir: PathBuf,
    outputs: BlobFolder,
    cache: Arc<Cache>,
    blobs: BlobClient,
    told: mpsc::Sender<Told>,
    idle: Mutex<Vec<IdleWorker>>,
    idle_wanted: usize,
}

impl Bench {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<IdleWorker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker that was started ahead of need, else a new one.
    fn take(self: &Arc<Self>) -> Result<IdleWorker, SandboxError> {
        let taken = self.idle().pop();
        let bench = self.clone();
        tokio::task::spawn_blocking(move || bench.fill(1));
        taken.map_or_else(|| IdleWorker::spawn(&self.exe), Ok)
    }

    fn fill(&self, count: usize) {
        while self.idle().len() < count {
            match IdleWorker::spawn(&self.exe) {
                Ok(worker) => self.idle().push(worker),
                Err(error) => return tracing::warn!(%error, "no worker could be started ahead of need"),
            }
        }
    }
}

#[derive(Debug)]
struct Running {
    task: JoinHandle<()>,
    units: mpsc::UnboundedSender<Vec<SlotUnit>>,
    control: Arc<Control>,
}

/// All slots.
#[derive(Debug)]
pub struct Runner {
    bench: Arc<Bench>,
    slots: Vec<Option<Running>>,
    paused: bool,
    resting: bool,
}

/// What a runner is made of.
#[derive(Debug)]
pub struct RunnerSetup {
    /// The executable that becomes worker.
    pub exe: PathBuf,
    /// Slots.
    pub slots: usize,
    /// Folder for scratch directories and emitted units.
    pub scratch_dir: PathBuf,
    /// Where large outputs wait.
    pub outputs: BlobFolder,
    /// Blobs.
    pub cache: Arc<Cache>,
    /// The way to the server for them.
    pub blobs: BlobClient,
}

impl Runner {
    /// Slots without work, and where they will tell. Starts workers ahead of need.
    pub fn new(setup: RunnerSetup) -> (Self, mpsc::Receiver<Told>) {
        let (told, events) = mpsc::channel(EVENTS_WAITING);
        let bench = Arc::new(Bench {
            exe: setup.exe,
            scratch_dir: setup.scratch_dir,
            outputs: setup.outputs,
            cache: setup.cache,
            blobs: setup.blobs,
            told,
            idle: Mutex::default(),
            idle_wanted: setup.slots.min(IDLE_MAX),
        });
        let slots = (0..setup.slots).map(|_| None).collect();
        let filling = bench.clone();
        tokio::task::spawn_blocking(move || filling.fill(filling.idle_wanted));
        (Self { bench, slots, paused: false, resting: false }, events)
    }

    /// Give a slot a worker for a job.
    pub fn start(&mut self, slot: usize, life: u64, prepared: Arc<Prepared>) {
        self.stop(slot);
        // What waits here is bounded by the agent: it queues no more than a batch at a slot.
        let (units, to_run) = mpsc::unbounded_channel();
        let control = Arc::new(Control::new(self.paused || self.resting));
        let this = Life { slot, life, bench: self.bench.clone(), prepared, control: control.clone() };
        let task = tokio::spawn(this.run(to_run));
        self.slots[slot] = Some(Running { task, units, control });
    }

    /// Queue units at a slot. One that has died meanwhile has told so.
    pub fn submit(&self, slot: usize, units: Vec<SlotUnit>) {
        if let Some(running) = &self.slots[slot] {
            let _ = running.units.send(units);
        }
    }

    /// End a slot's worker at once.
    pub fn stop(&mut self, slot: usize) {
        if let Some(running) = self.slots[slot].take() {
            running.control.kill();
            running.task.abort();
        }
    }

    /// All workers stand still, those that are being started as soon as they are there.
    pub fn pause(&mut self) {
        self.paused = true;
        self.apply();
    }

    /// All workers go on.
    pub fn resume(&mut self) {
        self.paused = false;
        self.apply();
    }

    /// All workers rest for a moment, because they may have only a part of the time.
    pub fn rest(&mut self, resting: bool) {
        self.resting = resting;
        self.apply();
    }

    /// Whether they rest.
    pub fn is_resting(&self) -> bool {
        self.resting
    }

    fn apply(&self) {
        let running = self.slots.iter().flatten();
        match self.paused || self.resting {
            true => running.for_each(|running| running.control.pause()),
            false => running.for_each(|running| running.control.resume()),
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        for slot in 0..self.slots.len() {
            self.stop(slot);
        }
    }
}

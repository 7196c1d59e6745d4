//! What a worker has in hand: its units in order, which one runs and since when, and their inputs.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::active::{ActiveTime, Reason};
use super::process::Process;
use super::{Bytes, TaskInput};
use crate::wire::WINDOW;

/// Shared by the commanding end, the feeder and the listener of one worker.
#[derive(Debug)]
pub struct Shared {
    pub process: Process,
    pub active: ActiveTime,
    /// Told when a pause begins or ends.
    pub changed: Notify,
    /// One permit for each unit that may still be queued.
    pub window: Semaphore,
    flight: Mutex<Flight>,
}

/// Units that were submitted and have not ended.
#[derive(Debug, Default)]
pub struct Flight {
    pub order: VecDeque<u64>,
    pub running: Option<Running>,
    pub held: HashMap<u64, Held>,
}

/// The unit that runs.
#[derive(Clone, Debug)]
pub struct Running {
    pub tag: u64,
    /// Active time when it began, and pauses until then.
    pub since: Duration,
    pub paused_before: Duration,
    /// Fuel that it last told.
    pub fuel: u64,
}

/// What a worker may still ask for.
#[derive(Clone, Debug)]
pub struct Held {
    pub input: TaskInput,
    pub state: Option<Vec<u8>>,
    pub emit_to: Option<PathBuf>,
    pub output_to: Option<PathBuf>,
}

impl Shared {
    /// Stand still.
    pub fn pause(&self) {
        self.process.stop();
        self.active.hold(Reason::Stopped);
        self.changed.notify_one();
    }

    /// Go on.
    pub fn resume(&self) {
        self.active.go_on(Reason::Stopped);
        self.process.go_on();
        self.changed.notify_one();
    }

    /// The worker waits for bytes, which is not its time.
    pub fn wait_begins(&self) {
        self.active.hold(Reason::Waits);
        self.changed.notify_one();
    }

    /// They are there.
    pub fn wait_ends(&self) {
        self.active.go_on(Reason::Waits);
        self.changed.notify_one();
    }

    /// Nothing in hand yet.
    pub fn new(process: Process) -> Self {
        Self {
            process,
            active: ActiveTime::start(),
            changed: Notify::new(),
            window: Semaphore::new(WINDOW),
            flight: Mutex::default(),
        }
    }

    /// The units in hand.
    pub fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Held {
    /// Bytes that a worker asks for; none where there are none.
    pub fn bytes(&self, source: crate::wire::Source) -> Option<Bytes> {
        use crate::wire::Source;
        match (source, &self.input) {
            (Source::Input, TaskInput::Bytes(bytes)) => Some(bytes.clone()),
            (Source::Part(index), TaskInput::Parts(parts)) => parts.get(index as usize)?.clone(),
            (Source::State, _) => self.state.clone().map(Bytes::Memory),
            _ => None,
        }
    }
}

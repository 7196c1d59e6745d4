//! Client half: validate, compile and run guests in child processes. (Signatures that the other rooms rely on.)

use std::path::{Path, PathBuf};

use fallow_protocol::digest::{Digest, FieldHasher};
use fallow_protocol::manifest::{Exports, Limits};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, UnitKey};

/// Why a child could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The component is refused: what is wrong, where, what to do. The author's matter.
    #[error("{0}")]
    Refused(String),
    /// The computer could not: spawn, memory, disk, confinement. The host's matter.
    #[error("failed to {step}")]
    Host {
        /// What was being done.
        step: &'static str,
        /// What failed.
        #[source]
        source: std::io::Error,
    },
}

/// Validate a component in a short-lived, limited child: size, features, imports within the world, exports.
/// `exe` is the executable to start as worker, usually `std::env::current_exe()`.
pub async fn validate(_exe: &Path, _component: &Path) -> Result<Exports, SandboxError> {
    unimplemented!()
}

/// Compile `component` (whose BLAKE3 is `digest`, checked) into `cache_dir` in a short-lived, limited child, unless
/// it is there already. Returns the compiled file, named after digest, engine, settings and processor.
pub async fn compile(
    _exe: &Path,
    _component: &Path,
    _digest: &Digest,
    _cache_dir: &Path,
) -> Result<PathBuf, SandboxError> {
    unimplemented!()
}

/// Everything that the units of one job share in a worker.
#[derive(Clone, Debug)]
pub struct WorkerSetup {
    /// Compiled file from [`compile`].
    pub compiled: PathBuf,
    /// What the component exports.
    pub exports: Exports,
    /// Arguments of a WASI command.
    pub args: Vec<String>,
    /// Limits a unit.
    pub limits: Limits,
    /// Where the guest's clocks begin, milliseconds since 1970.
    pub epoch_ms: u64,
    /// Shared inputs: name and file. Opened before the worker is confined.
    pub shared: Vec<(String, PathBuf)>,
    /// Directory that the worker may use for scratch, where `limits.scratch_bytes` is not 0. Must exist, be empty.
    pub scratch_dir: Option<PathBuf>,
    /// Refuse to start where the operating system's sandbox cannot be set up.
    pub require_confinement: bool,
}

/// A run of bytes in a file that the client half feeds to the worker.
#[derive(Clone, Debug)]
pub struct FileRange {
    /// The file.
    pub path: PathBuf,
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
}

/// Bytes for a unit.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// In memory.
    Memory(Vec<u8>),
    /// Ranges of files, one after the other.
    Files(Vec<FileRange>),
}

/// What a unit is given.
#[derive(Clone, Debug)]
pub enum TaskInput {
    /// For run, split and commands.
    Bytes(Bytes),
    /// For merges: read by the client half when the guest asks for them, one at a time.
    Parts(Vec<Option<Bytes>>),
}

/// One unit for a worker.
#[derive(Clone, Debug)]
pub struct Task {
    /// Chosen by the caller, unique within the worker; comes back in the events.
    pub tag: u64,
    /// The export to call.
    pub call: Call,
    /// Seed of its random stream, see [`unit_seed`].
    pub seed: [u8; 32],
    /// Its input.
    pub input: TaskInput,
    /// Checkpoint to go on from: state, and the fuel used when it was made.
    pub checkpoint: Option<(Vec<u8>, u64)>,
    /// For splits: the file that emitted units are written to, as `EmittedUnits` says.
    pub emit_to: Option<PathBuf>,
}

/// Seed of a unit's random stream.
pub fn unit_seed(job_seed: u64, key: UnitKey) -> [u8; 32] {
    FieldHasher::new("fallow unit seed v1").u64(job_seed).u64(u64::from(key.stage)).u64(key.seq).finish().0
}

/// How a unit ended.
#[derive(Clone, Debug)]
pub struct TaskEnd {
    /// The task's tag.
    pub tag: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Fuel used, to the last flush where it failed; counted from zero also when resumed.
    pub fuel: u64,
    /// Peak linear memory, bytes.
    pub memory_bytes: u64,
    /// Wall time without pauses, microseconds.
    pub wall_us: u64,
    /// The output of run, merge or command when done; for a split the bytes are in its `emit_to` file.
    pub output: Vec<u8>,
    /// Tail of the guest's log.
    pub log: Vec<u8>,
}

/// What a worker tells.
#[derive(Clone, Debug)]
pub enum WorkerEvent {
    /// A unit began to run.
    Started {
        /// Its tag.
        tag: u64,
    },
    /// A unit ended.
    Ended(TaskEnd),
    /// How far a running unit is.
    Progress {
        /// Its tag.
        tag: u64,
        /// Done so far.
        done: u64,
        /// Of so much.
        total: u64,
    },
    /// A running unit made a checkpoint.
    Checkpoint {
        /// Its tag.
        tag: u64,
        /// Its state.
        state: Vec<u8>,
        /// Fuel used so far.
        fuel: u64,
    },
    /// The process is gone: tags that it had not finished, first the one that ran. Last event of a worker.
    /// (A unit over its wall time is told as `Ended` with `TimeLimit` before.)
    Died {
        /// Unfinished tags.
        unfinished: Vec<u64>,
        /// Why, for people.
        reason: String,
    },
}

/// A worker process that was started ahead of need and has no job yet.
#[derive(Debug)]
pub struct IdleWorker(());

impl IdleWorker {
    /// Start one: `exe` with the hidden argument, lowest priority, nothing inherited but its pipes.
    pub fn spawn(_exe: &Path) -> Result<Self, SandboxError> {
        unimplemented!()
    }

    /// Give it its job: it loads the compiled module, confines itself, and answers when it is ready.
    pub async fn start(self, _setup: &WorkerSetup) -> Result<(Worker, WorkerEvents), SandboxError> {
        unimplemented!()
    }
}

/// The commanding end of a worker process. Dropping it kills the process.
#[derive(Debug)]
pub struct Worker(());

impl Worker {
    /// Queue tasks; they run one at a time, in order. Bounded: waits while the worker's queue is full.
    pub async fn submit(&mut self, _tasks: Vec<Task>) -> Result<(), SandboxError> {
        unimplemented!()
    }

    /// Stand still within milliseconds, also mid-unit. Wall time stands still too.
    pub fn pause(&self) {
        unimplemented!()
    }

    /// Go on.
    pub fn resume(&self) {
        unimplemented!()
    }

    /// End the process at once.
    pub fn kill(&self) {
        unimplemented!()
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        unimplemented!()
    }
}

/// The telling end of a worker process.
#[derive(Debug)]
pub struct WorkerEvents(());

impl WorkerEvents {
    /// Everything that was told since the last call, in order (at least one event); None after `Died`.
    pub async fn next(&mut self) -> Option<Vec<WorkerEvent>> {
        unimplemented!()
    }
}

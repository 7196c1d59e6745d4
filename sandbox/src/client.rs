//! Client half: validate, compile and run guests in child processes. Nothing of a guest is interpreted here: its
//! component and its compiled code are files that only children open.

mod active;
mod emission;
mod feed;
mod flight;
mod later;
mod listen;
mod oneshot;
mod process;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fallow_protocol::digest::{Digest, FieldHasher};
use fallow_protocol::manifest::{Builds, Exports, Floats, Limits};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, UnitKey};
use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;

use crate::wire::{Frames, Order, Setup, Told};
use flight::Shared;
pub use later::{Bringer, Later};
use listen::{Gathered, Listener};
use process::{Pipes, Process};

/// Wall time from the first order to a worker that is ready.
const START_SECS: u64 = 60;
/// Groups of events that wait for whoever reads them; beyond, the worker waits.
const EVENTS_WAITING: usize = 64;

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
pub async fn validate(exe: &Path, component: &Path) -> Result<Validated, SandboxError> {
    let order = Order::Validate { component: absolute(component) };
    match oneshot::ask(exe, order, "validate the component", oneshot::VALIDATE_SECS).await? {
        Told::Valid { exports, builds } => Ok(Validated { exports, builds }),
        other => Err(unexpected("validate the component", &other)),
    }
}

/// What validation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validated {
    /// What the component exports.
    pub exports: Exports,
    /// Digests of its instrumented builds.
    pub builds: Builds,
}

/// A component on disk, and where its compiled builds are kept.
#[derive(Clone, Debug)]
pub struct Module {
    /// The executable to start as worker.
    pub exe: PathBuf,
    /// The component's file.
    pub component: PathBuf,
    /// Its BLAKE3, checked.
    pub digest: Digest,
    /// Digests of its instrumented builds, checked.
    pub builds: Builds,
    /// Folder of compiled files.
    pub cache_dir: PathBuf,
}

impl Module {
    /// Instrument and compile one build in a short-lived, limited child, unless it is there already. Returns the
    /// compiled file, named after the build's digest, engine, settings and processor.
    pub async fn compile(&self, floats: Floats) -> Result<PathBuf, SandboxError> {
        let hex = self.builds.of(floats).to_string();
        if let Some(path) = oneshot::cached(&self.exe, &self.cache_dir, &hex) {
            return Ok(path);
        }
        let order = Order::Compile {
            component: absolute(&self.component),
            digest: self.digest.0,
            build: self.builds.of(floats).0,
            floats,
            cache_dir: absolute(&self.cache_dir),
        };
        match oneshot::ask(&self.exe, order, "compile the component", oneshot::COMPILE_SECS).await? {
            Told::Compiled { name } => {
                oneshot::remember(&self.exe, &hex, &name);
                Ok(self.cache_dir.join(name))
            }
            other => Err(unexpected("compile the component", &other)),
        }
    }
}

/// Confine a child as a worker is, let it try to get out, and say what was tried and whether it was denied.
pub async fn escape_smoke(exe: &Path) -> Result<Vec<(String, bool)>, SandboxError> {
    match oneshot::ask(exe, Order::Smoke, "test the confinement", START_SECS).await? {
        Told::Smoked { tried } => Ok(tried),
        other => Err(unexpected("test the confinement", &other)),
    }
}

fn unexpected(step: &'static str, told: &Told) -> SandboxError {
    SandboxError::Host { step, source: io::Error::other(format!("unexpected answer: {told:?}")) }
}

/// Everything that the units of one job share in a worker.
#[derive(Clone, Debug)]
pub struct WorkerSetup {
    /// The module, whose canonical build may be asked for later.
    pub module: Module,
    /// Compiled file from [`Module::compile`].
    pub compiled: PathBuf,
    /// The build that it is. With the plain one, units that make NaNs run again in the canonical one.
    pub floats: Floats,
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
    /// Ranges of files that are not there yet. The worker waits for them when it asks, and that time is not counted.
    Later(Later),
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
    /// The build that it begins with, where the worker was started with the plain one.
    pub floats: Floats,
    /// Checkpoint to go on from: state, and the fuel used when it was made.
    pub checkpoint: Option<(Vec<u8>, u64)>,
    /// For splits: the file that emitted units are written to, as `EmittedUnits` says.
    pub emit_to: Option<PathBuf>,
    /// For others: the file that a long output is written to while it comes. Without one it is gathered in memory.
    pub output_to: Option<PathBuf>,
}

/// Seed of a unit's random stream.
pub fn unit_seed(job_seed: u64, key: UnitKey) -> [u8; 32] {
    FieldHasher::new("fallow unit seed v1").u64(job_seed).u64(u64::from(key.stage)).u64(key.seq).finish().0
}

/// What a file was found to be while it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// BLAKE3 of its bytes.
    pub digest: Digest,
    /// Its length, bytes.
    pub len: u64,
}

/// How a unit ended.
#[derive(Clone, Debug)]
pub struct TaskEnd {
    /// The task's tag.
    pub tag: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The build that ran to this end.
    pub floats: Floats,
    /// Fuel used, to the last flush where it failed; counted from zero also when resumed.
    pub fuel: u64,
    /// Peak linear memory, bytes.
    pub memory_bytes: u64,
    /// Wall time without pauses, microseconds.
    pub wall_us: u64,
    /// The output of run, merge or command when done, where it is not in a file.
    pub output: Vec<u8>,
    /// What was written to the file of its task: units that a split emitted, or a long output.
    pub written: Option<Written>,
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
    /// A running unit's file has grown, or begins anew.
    Grown {
        /// Its tag.
        tag: u64,
        /// Bytes in it; 0 where what was in it does not count any more.
        bytes: u64,
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
pub struct IdleWorker {
    process: Process,
    pipes: Pipes,
}

impl IdleWorker {
    /// Start one: `exe` with the hidden argument, lowest priority, nothing inherited but its pipes.
    pub fn spawn(exe: &Path) -> Result<Self, SandboxError> {
        let started = Process::spawn(exe);
        let (process, pipes) = started.map_err(|source| SandboxError::Host { step: "start a worker", source })?;
        Ok(Self { process, pipes })
    }

    /// Give it its job: it loads the compiled module, confines itself, and answers when it is ready.
    pub async fn start(self, setup: &WorkerSetup) -> Result<(Worker, WorkerEvents), SandboxError> {
        let host = |source| SandboxError::Host { step: "start a worker", source };
        let mut stdin = ChildStdin::from_std(self.pipes.stdin).map_err(host)?;
        let mut stdout = ChildStdout::from_std(self.pipes.stdout).map_err(host)?;
        let stderr = ChildStderr::from_std(self.pipes.stderr).map_err(host)?;
        let stderr = tokio::spawn(listen::stderr_tail(stderr));
        let mut frames = Frames::default();
        let order = Order::Start(Box::new(setup.to_wire()));
        let ready = async {
            feed::put(&mut stdin, &order).await?;
            ready(&mut stdout, &mut frames).await
        };
        let ready = tokio::time::timeout(Duration::from_secs(START_SECS), ready).await;
        ready.unwrap_or_else(|elapsed| Err(elapsed.into())).map_err(host)?;

        let shared = Arc::new(Shared::new(self.process));
        let (tasks, to_feed) = mpsc::channel(1);
        let (wants, asked) = mpsc::channel(4);
        let (events, told) = mpsc::channel(EVENTS_WAITING);
        let wall = Duration::from_millis(setup.limits.wall_ms);
        let gathered = Gathered::default();
        tokio::spawn(feed::run(shared.clone(), stdin, to_feed, asked, setup.module.clone()));
        let (shared_too, floats) = (shared.clone(), setup.floats);
        let listener = Listener { shared: shared_too, stdout, frames, wants, events, wall, floats, stderr, gathered };
        tokio::spawn(listener.run());
        Ok((Worker { shared, tasks }, WorkerEvents { told }))
    }
}

impl WorkerSetup {
    fn to_wire(&self) -> Setup {
        Setup {
            compiled: absolute(&self.compiled),
            floats: self.floats,
            builds_differ: self.module.builds.plain != self.module.builds.canonical,
            exports: self.exports,
            args: self.args.clone(),
            limits: self.limits,
            epoch_ms: self.epoch_ms,
            shared: self.shared.iter().map(|(name, path)| (name.clone(), absolute(path))).collect(),
            scratch_dir: self.scratch_dir.as_deref().map(absolute),
            require_confinement: self.require_confinement,
        }
    }
}

/// Workers begin in the root folder, whatever the caller's is.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Wait for a worker's word that it is ready.
async fn ready(stdout: &mut ChildStdout, frames: &mut Frames) -> io::Result<()> {
    let mut chunk = [0; 4096];
    loop {
        match frames.take()? {
            Some(Told::Ready) => return Ok(()),
            Some(Told::Failed { message } | Told::Refused { message }) => return Err(io::Error::other(message)),
            Some(other) => return Err(io::Error::other(format!("unexpected answer: {other:?}"))),
            None => {}
        }
        match stdout.read(&mut chunk).await? {
            0 => return Err(io::Error::other("it ended before it was ready")),
            len => frames.push(&chunk[..len]),
        }
    }
}

/// The commanding end of a worker process. Dropping it kills the process.
#[derive(Debug)]
pub struct Worker {
    shared: Arc<Shared>,
    tasks: mpsc::Sender<Vec<Task>>,
}

impl Worker {
    /// Queue tasks; they run one at a time, in order. Bounded: waits while the worker's queue is full.
    pub async fn submit(&mut self, tasks: Vec<Task>) -> Result<(), SandboxError> {
        let gone = || SandboxError::Host { step: "give a unit to a worker", source: io::ErrorKind::BrokenPipe.into() };
        let mut tasks = tasks.into_iter().peekable();
        while tasks.peek().is_some() {
            let room = self.shared.window.acquire().await.map_err(|_| gone())?;
            room.forget();
            let mut group: Vec<Task> = tasks.next().into_iter().collect();
            while group.len() < GROUP
                && tasks.peek().is_some()
                && let Ok(room) = self.shared.window.try_acquire()
            {
                room.forget();
                group.extend(tasks.next());
            }
            self.shared.flight().order.extend(group.iter().map(|task| task.tag));
            self.tasks.send(group).await.map_err(|_| gone())?;
        }
        Ok(())
    }

    /// Stand still within milliseconds, also mid-unit. Wall time stands still too.
    pub fn pause(&self) {
        self.shared.pause();
    }

    /// Go on.
    pub fn resume(&self) {
        self.shared.resume();
    }

    /// End the process at once.
    pub fn kill(&self) {
        self.shared.process.kill();
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.shared.process.pid()
    }

    /// Another hand on the process, for whoever must pause or kill it while `submit` waits.
    pub fn control(&self) -> WorkerControl {
        WorkerControl { shared: self.shared.clone() }
    }
}

/// Pauses, resumes and kills a worker process; does not keep it alive.
#[derive(Clone, Debug)]
pub struct WorkerControl {
    shared: Arc<Shared>,
}

impl WorkerControl {
    /// Stand still within milliseconds, also mid-unit. Wall time stands still too.
    pub fn pause(&self) {
        self.shared.pause();
    }

    /// Go on.
    pub fn resume(&self) {
        self.shared.resume();
    }

    /// End the process at once.
    pub fn kill(&self) {
        self.shared.process.kill();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Tasks that are handed on together.
const GROUP: usize = 128;

/// The telling end of a worker process.
#[derive(Debug)]
pub struct WorkerEvents {
    told: mpsc::Receiver<Vec<WorkerEvent>>,
}

impl WorkerEvents {
    /// Everything that was told since the last call, in order (at least one event); None after `Died`.
    pub async fn next(&mut self) -> Option<Vec<WorkerEvent>> {
        let mut events = self.told.recv().await?;
        while let Ok(more) = self.told.try_recv() {
            events.extend(more);
        }
        Some(events)
    }
}

//! What every test needs: a compiled guest, a worker for it, and its events with a limit on waiting.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fallow_protocol::digest::Digest;
use fallow_protocol::manifest::{Floats, Limits};
use fallow_protocol::unit::Call;
use fallow_sandbox::client::{
    Bytes, IdleWorker, Module, SandboxError, Task, TaskEnd, TaskInput, Worker, WorkerEvent, WorkerEvents, WorkerSetup,
    validate,
};
use tempfile::TempDir;

/// The executable that is nothing but a worker.
pub fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_fallow-sandbox-worker"))
}

/// A guest ready to run.
pub struct Rig {
    pub dir: TempDir,
    pub setup: WorkerSetup,
}

/// A worker's events, with those put back that a helper has not used.
pub struct Events {
    told: WorkerEvents,
    left: Vec<WorkerEvent>,
}

impl Events {
    /// As `WorkerEvents::next`.
    pub async fn next(&mut self) -> Option<Vec<WorkerEvent>> {
        if self.left.is_empty() { self.told.next().await } else { Some(std::mem::take(&mut self.left)) }
    }
}

/// Write a component's bytes to a file and validate it.
pub async fn validated(bytes: &[u8]) -> Result<(), SandboxError> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("component.wasm");
    std::fs::write(&path, bytes).unwrap();
    validate(exe(), &path).await.map(|_| ())
}

impl Rig {
    /// Validate and compile a component.
    pub async fn new(component: &[u8]) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("component.wasm");
        std::fs::write(&path, component).unwrap();
        let validated = validate(exe(), &path).await.unwrap();
        let cache = dir.path().join("cache");
        std::fs::create_dir(&cache).unwrap();
        let module = Module {
            exe: exe().to_owned(),
            component: path,
            digest: Digest::of(component),
            builds: validated.builds,
            cache_dir: cache,
        };
        let setup = WorkerSetup {
            compiled: module.compile(Floats::Plain).await.unwrap(),
            module,
            floats: Floats::Plain,
            exports: validated.exports,
            args: Vec::new(),
            limits: Limits { wall_ms: 60_000, ..Limits::default() },
            epoch_ms: 1_700_000_000_500,
            shared: Vec::new(),
            scratch_dir: None,
            require_confinement: true,
        };
        Self { dir, setup }
    }

    /// Change the limits.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.setup.limits);
        self
    }

    /// A path in the test's own directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A worker for it.
    pub async fn start(&self) -> (Worker, Events) {
        let (worker, told) = IdleWorker::spawn(exe()).unwrap().start(&self.setup).await.unwrap();
        (worker, Events { told, left: Vec::new() })
    }

    /// Run one unit in a worker of its own.
    pub async fn end(&self, task: Task) -> TaskEnd {
        let (mut worker, mut events) = self.start().await;
        worker.submit(vec![task]).await.unwrap();
        ended(&mut events).await.0
    }

    /// Run `run` with an input.
    pub async fn run(&self, input: &[u8]) -> TaskEnd {
        self.end(run(1, input)).await
    }
}

/// A unit that calls `run`.
pub fn run(tag: u64, input: &[u8]) -> Task {
    call(tag, Call::Run, TaskInput::Bytes(Bytes::Memory(input.to_vec())))
}

/// A unit.
pub fn call(tag: u64, call: Call, input: TaskInput) -> Task {
    Task { tag, call, seed: [7; 32], input, floats: Floats::Plain, checkpoint: None, emit_to: None, output_to: None }
}

/// The next events, within a minute.
pub async fn next(events: &mut Events) -> Vec<WorkerEvent> {
    let next = tokio::time::timeout(Duration::from_secs(60), events.next()).await;
    next.expect("events within a minute").expect("a worker that lives")
}

/// Wait for the next end, and what was told before it.
pub async fn ended(events: &mut Events) -> (TaskEnd, Vec<WorkerEvent>) {
    let mut before = Vec::new();
    loop {
        let mut told = next(events).await.into_iter();
        while let Some(event) = told.next() {
            match event {
                WorkerEvent::Ended(end) => {
                    events.left = told.collect();
                    return (end, before);
                }
                WorkerEvent::Died { reason, .. } => panic!("the worker died: {reason}"),
                other => before.push(other),
            }
        }
    }
}

/// Wait until a unit runs.
pub async fn started(events: &mut Events) {
    while !next(events).await.iter().any(|event| matches!(event, WorkerEvent::Started { .. })) {}
}

/// All events until the worker is gone.
pub async fn until_died(events: &mut Events) -> Vec<WorkerEvent> {
    let mut all = Vec::new();
    loop {
        all.extend(next(events).await);
        if matches!(all.last(), Some(WorkerEvent::Died { .. })) {
            return all;
        }
    }
}

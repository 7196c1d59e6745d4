//! One unit in a worker process of its own, standing still while the budget is empty.

use std::io;
use std::path::{Path, PathBuf};

use fallow_sandbox::client::{IdleWorker, Task, TaskEnd, Worker, WorkerEvent, WorkerSetup};
use tempfile::TempDir;
use tokio::time::{MissedTickBehavior, interval};

use super::error::{AnchorError, host};
use super::meter::{Meter, Purse, TICK};

/// What was being done where a worker fails.
const RUN: &str = "run the unit";

/// Run it to its end. The process ends with this future, however that ends.
pub async fn end(
    setup: &WorkerSetup,
    task: Task,
    purse: &Purse,
    meter: &mut Meter<'_>,
) -> Result<TaskEnd, AnchorError> {
    let exe = setup.module.exe.clone();
    // Starting a process blocks.
    let idle = tokio::task::spawn_blocking(move || IdleWorker::spawn(&exe)).await;
    let idle = idle.map_err(|error| host(RUN)(io::Error::other(error)))??;
    let (mut worker, mut events) = meter.during(idle.start(setup)).await?;
    worker.submit(vec![task]).await?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            told = events.next() => if let Some(end) = ended(told)? {
                return Ok(end);
            },
            _ = ticks.tick() => pace(&worker, purse, meter),
        }
    }
}

/// Hold the worker where nothing is left, and let it go on once there is enough again.
fn pace(worker: &Worker, purse: &Purse, meter: &mut Meter<'_>) {
    meter.tick();
    if !meter.is_held() && purse.is_empty() {
        worker.pause();
        meter.hold();
        tracing::debug!(wait_ms = purse.wait_ms(), "the server's own worker is held: its budget is empty");
    } else if meter.is_held() && purse.wait_ms() == 0 {
        meter.go_on();
        worker.resume();
    }
}

fn ended(told: Option<Vec<WorkerEvent>>) -> Result<Option<TaskEnd>, AnchorError> {
    let gone = |reason: String| host(RUN)(io::Error::other(reason));
    for event in told.ok_or_else(|| gone("the worker is gone".into()))? {
        match event {
            WorkerEvent::Ended(end) => return Ok(Some(end)),
            WorkerEvent::Died { reason, .. } => return Err(gone(reason)),
            WorkerEvent::Started { .. }
            | WorkerEvent::Progress { .. }
            | WorkerEvent::Checkpoint { .. }
            | WorkerEvent::Grown { .. } => {}
        }
    }
    Ok(None)
}

/// A folder for one unit, removed off the runtime.
#[derive(Debug)]
pub struct Folder {
    dir: Option<TempDir>,
    path: PathBuf,
}

impl Folder {
    /// A new one in `parent`, with an empty `scratch` folder in it.
    pub async fn new_in(parent: &Path) -> io::Result<Self> {
        let parent = parent.to_owned();
        let make = move || {
            let dir = tempfile::Builder::new().prefix("unit-").tempdir_in(parent)?;
            std::fs::create_dir(dir.path().join("scratch"))?;
            Ok(Self { path: dir.path().to_owned(), dir: Some(dir) })
        };
        tokio::task::spawn_blocking(make).await.map_err(io::Error::other)?
    }

    /// Directory that the unit may use for scratch.
    pub fn scratch(&self) -> PathBuf {
        self.path.join("scratch")
    }

    /// Remove it, and wait for that.
    pub async fn remove(mut self) -> io::Result<()> {
        let dir = self.dir.take();
        let remove = move || dir.map_or(Ok(()), TempDir::close);
        tokio::task::spawn_blocking(remove).await.map_err(io::Error::other)?
    }

    /// File that a split writes.
    pub fn emitted(&self) -> PathBuf {
        self.path.join("emitted")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let Some(dir) = self.dir.take() else { return };
        // What is left where no runtime is there any more goes at the next start.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(dir));
        }
    }
}

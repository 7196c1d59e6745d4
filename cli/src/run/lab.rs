//! One worker process and what it tells: tasks go in, ends come out.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use fallow_protocol::manifest::Limits;
use fallow_sandbox::client::{IdleWorker, SandboxError, Task, TaskEnd, WorkerEvent, WorkerSetup};

use crate::failure::Failure;

/// Starts workers for one component.
#[derive(Debug)]
pub struct Lab {
    exe: PathBuf,
    setup: WorkerSetup,
    scratch: PathBuf,
    files: Arc<AtomicU64>,
}

/// What the sandbox says of a component that it will not run.
pub fn refused(error: SandboxError) -> anyhow::Error {
    match error {
        SandboxError::Refused(message) => Failure::new(message).place("the component").kind("module-refused").into(),
        host => anyhow::Error::from(host),
    }
}

impl Lab {
    /// `scratch` is an empty folder of ours.
    pub fn new(exe: PathBuf, setup: WorkerSetup, scratch: PathBuf) -> Self {
        Self { exe, setup, scratch, files: Arc::default() }
    }

    /// The same with other limits.
    pub fn with_limits(&self, change: impl FnOnce(&mut Limits)) -> Self {
        let mut setup = self.setup.clone();
        change(&mut setup.limits);
        Self { exe: self.exe.clone(), setup, scratch: self.scratch.clone(), files: self.files.clone() }
    }

    /// A file of ours that is not there yet.
    pub fn new_file(&self) -> PathBuf {
        self.scratch.join(format!("file-{}", self.files.fetch_add(1, Ordering::Relaxed)))
    }

    /// Run one task.
    pub async fn one(&self, task: Task) -> anyhow::Result<TaskEnd> {
        let mut ends = self.all(vec![task], &mut |_| true).await?;
        ends.pop().context("the sandbox's worker told of no end")
    }

    /// Run tasks in order, each end told to `seen` as it comes, until it says no. Ends are in the order of the tasks.
    pub async fn all(
        &self,
        tasks: Vec<Task>,
        seen: &mut (dyn FnMut(&TaskEnd) -> bool + Send),
    ) -> anyhow::Result<Vec<TaskEnd>> {
        let wanted = tasks.len();
        let (mut worker, mut events) = IdleWorker::spawn(&self.exe)?.start(&self.setup()?).await?;
        let submit = async {
            worker.submit(tasks).await?;
            // Dropping the worker would end it.
            Ok::<_, SandboxError>(worker)
        };
        let listen = async {
            let mut ends = Vec::with_capacity(wanted);
            while ends.len() < wanted {
                for event in events.next().await.context("the sandbox's worker is gone")? {
                    match event {
                        WorkerEvent::Ended(end) => {
                            let go_on = seen(&end);
                            ends.push(end);
                            if !go_on {
                                return Ok(ends);
                            }
                        }
                        WorkerEvent::Died { reason, .. } if ends.len() < wanted => {
                            bail!("the sandbox's worker died: {reason}")
                        }
                        _ => {}
                    }
                }
            }
            Ok(ends)
        };
        tokio::pin!(submit, listen);
        tokio::select! {
            ends = &mut listen => ends,
            worker = &mut submit => {
                // A worker that cannot be given more has died: its events say why.
                let _worker = worker;
                listen.await
            }
        }
    }

    fn setup(&self) -> anyhow::Result<WorkerSetup> {
        let mut setup = self.setup.clone();
        if setup.limits.scratch_bytes > 0 {
            let folder = self.new_file();
            std::fs::create_dir(&folder).context("cannot make the unit's scratch folder")?;
            setup.scratch_dir = Some(folder);
        }
        Ok(setup)
    }
}

//! A worker's process: started, signalled, ended, waited for. What it says is not read here.

use std::io;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};

use crate::os;

/// How long a child that has closed its pipes may take to end.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// A child process. Dropping it ends the process.
#[derive(Debug)]
pub struct Process {
    /// None once it was waited for: from then on the id may be another's.
    child: Mutex<Option<Child>>,
    pid: u32,
}

/// The near ends of a child's pipes.
#[derive(Debug)]
pub struct Pipes {
    pub stdin: ChildStdin,
    pub stdout: ChildStdout,
    pub stderr: ChildStderr,
}

type Started = io::Result<Child>;

/// The thread that starts all workers. They die with the thread that started them (Linux's parent-death signal), so
/// that it has to live as long as the program; a runtime's own threads come and go.
static SPAWNER: LazyLock<mpsc::Sender<(Command, mpsc::SyncSender<Started>)>> = LazyLock::new(|| {
    let (sender, commands) = mpsc::channel::<(Command, mpsc::SyncSender<Started>)>();
    let spawn = move || {
        for (mut command, answer) in commands {
            let _ = answer.send(command.spawn());
        }
    };
    std::thread::Builder::new().name("spawner".into()).spawn(spawn).expect("a program can start a thread");
    sender
});

impl Process {
    /// Start `exe` as a worker: empty environment, no directory of ours, nothing but its pipes.
    pub fn spawn(exe: &Path) -> io::Result<(Self, Pipes)> {
        let mut command = Command::new(exe);
        command.arg(crate::WORKER_ARG).env_clear().current_dir(root());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (answer, started) = mpsc::sync_channel(1);
        let gone = |_| io::Error::other("the thread that starts workers is gone");
        SPAWNER.send((command, answer)).map_err(|_| gone(()))?;
        let mut child = started.recv().map_err(|_| gone(()))??;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("the child has no pipes"));
        };
        let pid = child.id();
        Ok((Self { child: Mutex::new(Some(child)), pid }, Pipes { stdin, stdout, stderr }))
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Stand still.
    pub fn stop(&self) {
        if self.child().is_some() {
            let _ = os::stop(self.pid);
        }
    }

    /// Go on.
    pub fn go_on(&self) {
        if self.child().is_some() {
            let _ = os::go_on(self.pid);
        }
    }

    /// End it at once, also where it stands still.
    pub fn kill(&self) {
        if let Some(child) = self.child().as_mut() {
            let _ = child.kill();
        }
    }

    /// Wait for its end, and say how it ended. One that has closed its pipes is given a moment to end by itself, so
    /// that what ended it is what is told.
    pub fn reap(&self, patience: Duration) -> String {
        let Some(mut child) = self.child().take() else { return "it was waited for before".into() };
        let until = Instant::now() + patience;
        let status = loop {
            match child.try_wait() {
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
                Ok(Some(status)) => break Ok(status),
                _ => {
                    let _ = child.kill();
                    break child.wait();
                }
            }
        };
        status.map_or_else(|error| error.to_string(), |status| status.to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.reap(Duration::ZERO);
    }
}

fn root() -> &'static Path {
    Path::new(if cfg!(windows) { "C:\\" } else { "/" })
}

//! A child process that tells events as lines of JSON, and is stopped by its handle.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

/// Folder of the programs under test: that of the test's own executable, one up from `deps`.
pub fn programs() -> PathBuf {
    let exe = std::env::current_exe().expect("a running test has an executable");
    let folder = exe.parent().expect("it lies in a folder");
    if folder.ends_with("deps") { folder.parent().expect("deps lies in one").to_owned() } else { folder.to_owned() }
}

/// A command for one of the project's programs, with nothing of the caller's Fallow settings.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(programs().join(name));
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("FALLOW_")) {
        command.env_remove(key);
    }
    command
}

/// A running program.
pub struct Process {
    name: String,
    child: Child,
    told: Arc<Told>,
    log: PathBuf,
}

#[derive(Default)]
struct Told {
    events: Mutex<Vec<Value>>,
    news: Notify,
}

impl Process {
    /// Start it; standard error goes to `log`. It is killed when the handle is dropped.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("failed to start {name}; build it with `cargo build --workspace`"))?;
        let told = Arc::new(Told::default());
        let (stdout, sink) = (child.stdout.take().context("its output was asked for")?, told.clone());
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Ok(event) = serde_json::from_str(&line) {
                    sink.events.lock().expect("no test panics while it holds this").push(event);
                }
                sink.news.notify_waiters();
            }
        });
        Ok(Self { name: name.to_owned(), child, told, log: log.to_owned() })
    }

    /// Wait for an event that `fits`, among those told before too.
    pub async fn event(&self, patience: Duration, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        self.event_after(0, patience, fits).await
    }

    /// Number of events told so far.
    pub fn told(&self) -> usize {
        self.told.events.lock().expect("no test panics while it holds this").len()
    }

    /// Wait for an event that `fits`, among those told after the first `seen`.
    pub async fn event_after(&self, seen: usize, patience: Duration, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        Ok(self.position_after(seen, patience, fits).await?.0)
    }

    /// The same, with the number of events up to it.
    pub async fn position_after(
        &self,
        seen: usize,
        patience: Duration,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(Value, usize)> {
        let search = async {
            loop {
                let news = self.told.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                let found = {
                    let events = self.told.events.lock().expect("no test panics while it holds this");
                    events
                        .iter()
                        .enumerate()
                        .skip(seen)
                        .find(|(_, event)| fits(event))
                        .map(|(at, event)| (event.clone(), at + 1))
                };
                match found {
                    Some(event) => return event,
                    None => news.await,
                }
            }
        };
        match tokio::time::timeout(patience, search).await {
            Ok(event) => Ok(event),
            Err(_) => bail!("{} did not tell what was waited for; its last words:\n{}", self.name, self.last_words()),
        }
    }

    /// Wait for an event by its name.
    pub async fn named(&self, name: &str, patience: Duration) -> Result<Value> {
        self.event(patience, |event| event["event"] == name).await
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Send a signal by number.
    pub fn signal(&self, signal: i32) -> Result<()> {
        let pid = i32::try_from(self.child.id().context("it has ended already")?)?;
        send_signal(pid, signal)
    }

    /// `kill -9`, and wait until it is gone.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// Ask it to end, and wait until it has.
    pub async fn stop(mut self) -> Result<std::process::ExitStatus> {
        self.signal(libc::SIGTERM)?;
        let ended = tokio::time::timeout(crate::SOON, self.child.wait()).await;
        Ok(ended.with_context(|| format!("{} did not end when asked to:\n{}", self.name, self.last_words()))??)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

#[allow(unsafe_code)]
fn send_signal(pid: i32, signal: i32) -> Result<()> {
    // SAFETY: `kill` takes two integers and touches no memory of ours; the pid is that of a child not yet reaped.
    let done = unsafe { libc::kill(pid, signal) };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().into()) }
}

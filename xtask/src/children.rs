//! Long-running children of a chore: started with their output in a file, stopped by their own handle.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::sh::{Result, json_text, succeeds};

/// How long a child has to end when asked to, before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running program whose lines of JSON are read. Dropping it stops it.
pub struct Running {
    name: String,
    child: Child,
    lines: Receiver<String>,
    log: PathBuf,
}

impl Running {
    /// Start `command`; its errors go to `log`.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log).map_err(|error| format!("failed to create {}: {error}", log.display()))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(|error| format!("failed to start {name}: {error}"))?;
        let stdout = child.stdout.take().expect("it was asked for");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(std::result::Result::ok) {
                let _ = sender.send(line);
            }
        });
        Ok(Self { name: name.to_owned(), child, lines, log: log.to_owned() })
    }

    /// Wait for the line whose `event` is `event`, and give it back.
    pub fn wait_for(&self, event: &str, patience: Duration) -> Result<String> {
        let end = Instant::now() + patience;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if json_text(&line, "event").as_deref() == Some(event) {
                return Ok(line);
            }
        }
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(15).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        Err(format!("{} did not come to {event:?}; its last words:\n{}", self.name, tail.join("\n")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let asked = succeeds(crate::sh::command("kill", &["-TERM", &self.child.id().to_string()]));
        let end = Instant::now() + PATIENCE;
        while asked && Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

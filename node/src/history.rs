//! What happened to this node, for its owner: lines in a file of the data folder, bounded, the oldest go first.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::events::Event;

/// A full file becomes the older one of two.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Lines that are shown at most.
const SHOWN_MAX: usize = 1_000;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// What, in a word: `online`, `offline`, `paused`, `finishing`, `resumed`, `leaving`.
    pub what: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Happened {
    /// What of an event is worth a line.
    pub fn of(event: &Event, at_ms: u64) -> Option<Self> {
        let (what, why) = match event {
            Event::Online => ("online", None),
            Event::Offline { reason } => ("offline", Some(reason)),
            Event::Paused { reason } => ("paused", Some(reason)),
            Event::Finishing { reason } => ("finishing", Some(reason)),
            Event::Resumed => ("resumed", None),
            Event::Draining => ("leaving", None),
            _ => return None,
        };
        Some(Self { at_ms, what: what.into(), why: why.cloned() })
    }
}

/// The file.
#[derive(Clone, Debug)]
pub struct History {
    path: PathBuf,
}

impl History {
    /// Of a data folder.
    pub fn new(data: &Path) -> Self {
        Self { path: data.join("history.jsonl") }
    }

    fn older(&self) -> PathBuf {
        self.path.with_extension("1.jsonl")
    }

    /// One more line. A history that cannot be written is no reason to stop.
    pub fn add(&self, happened: &Happened) {
        if let Err(error) = self.write(happened) {
            tracing::debug!(%error, "the history is not written");
        }
    }

    fn write(&self, happened: &Happened) -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&self.path)?;
        if file.metadata()?.len() > FILE_BYTES_MAX {
            std::fs::rename(&self.path, self.older())?;
            file = std::fs::OpenOptions::new().create(true).append(true).open(&self.path)?;
        }
        file.write_all(format!("{}\n", serde_json::to_string(happened)?).as_bytes())
    }

    /// The newest lines, newest first. Lines that a crash cut are left out.
    pub fn read(&self) -> Vec<Happened> {
        let text = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        let newest = text(&self.path);
        let older = text(&self.older());
        let lines = newest.lines().rev().chain(older.lines().rev());
        lines.filter_map(|line| serde_json::from_str(line).ok()).take(SHOWN_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_bounded_and_survives_half_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::new(folder.path());
        assert!(history.read().is_empty());
        let paused = Event::Paused { reason: "x".repeat(1_000) };
        for at_ms in 0..900 {
            history.add(&Happened::of(&paused, at_ms).unwrap());
        }
        let read = history.read();
        assert!(read.len() < 900 && read[0].at_ms == 899 && read.windows(2).all(|two| two[0].at_ms > two[1].at_ms));
        let bytes: u64 =
            std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes < 3 * FILE_BYTES_MAX);
        let mut file = std::fs::OpenOptions::new().append(true).open(&history.path).unwrap();
        file.write_all(b"{\"at_ms\":9,").unwrap();
        assert_eq!(history.read()[0].at_ms, 899);
        assert_eq!(Happened::of(&Event::Online, 1).unwrap().why, None);
    }
}

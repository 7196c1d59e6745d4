//! Whether the network is metered, as NetworkManager says through its own tool. Where there is none, nobody tells.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(15);
/// A tool that takes longer is stuck.
const WAIT: Duration = Duration::from_secs(3);

/// What it said last.
#[derive(Debug)]
pub struct Network {
    tool: PathBuf,
    last: Option<Instant>,
    metered: Option<bool>,
}

impl Network {
    /// With the tool below `root`.
    pub fn new(root: &Path) -> Self {
        Self { tool: root.join("usr/bin/nmcli"), last: None, metered: None }
    }

    /// Whether the network is metered, asked now and then.
    pub async fn look(&mut self) -> Option<bool> {
        if self.last.is_none_or(|last| last.elapsed() >= EVERY) {
            self.metered = self.ask().await;
            self.last = Some(Instant::now());
        }
        self.metered
    }

    async fn ask(&self) -> Option<bool> {
        if !self.tool.exists() {
            return None;
        }
        let mut asked = Command::new(&self.tool);
        asked.args(["-t", "-f", "GENERAL.STATE,GENERAL.METERED", "device", "show"]);
        asked.env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(WAIT, asked.output()).await.ok()?.ok()?;
        output.status.success().then(|| parse(&String::from_utf8_lossy(&output.stdout)))?
    }
}

/// Whether a connected device is metered; none where none of them knows.
fn parse(text: &str) -> Option<bool> {
    let (mut connected, mut metered) = (false, None);
    for line in text.lines() {
        match line.split_once(':') {
            Some(("GENERAL.STATE", state)) => connected = state.starts_with("100"),
            Some(("GENERAL.METERED", word)) if connected => match word.split_whitespace().next() {
                Some("yes") => metered = Some(true),
                Some("no") => metered = metered.or(Some(false)),
                _ => {}
            },
            _ => {}
        }
    }
    metered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connected_devices_count() {
        let device = |state: &str, word: &str| format!("GENERAL.STATE:{state}\nGENERAL.METERED:{word}\n\n");
        let both = |one: String, other: String| parse(&(one + &other));
        let lo = || device("100 (connected (externally))", "unknown");
        assert_eq!(both(lo(), device("100 (connected)", "no (guessed)")), Some(false));
        assert_eq!(both(device("100 (connected)", "yes"), device("100 (connected)", "no")), Some(true));
        assert_eq!(both(lo(), device("30 (disconnected)", "yes")), None);
        assert_eq!(parse("Error: NetworkManager is not running."), None);
    }
}

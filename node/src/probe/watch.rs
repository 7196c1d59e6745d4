//! Looks at the computer every few seconds for what the owner's rules ask about.
//!
//! Everything is read below one root, `/` but in tests: sysfs, procfs, devices, and the network manager's own tool.
//! What a platform does not tell stays unknown.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{Datelike, Local, Timelike};
use tokio::sync::{mpsc, watch};

use super::cpu::Others;
use super::idle::Input;
use super::network::Network;
use super::{heat, power, programs};
use crate::policy::Observation;

/// How to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSetup {
    /// Where `sys`, `proc`, `dev` and `usr` are.
    pub root: PathBuf,
    /// How often.
    pub every: Duration,
    /// Others' use of the processor is averaged over so long.
    pub window: Duration,
}

/// Look until nobody listens any more. `names` are the programs that pause the node.
pub async fn run(setup: WatchSetup, names: watch::Receiver<Vec<String>>, seen: mpsc::Sender<Observation>) {
    let mut eyes = Some(Eyes::new(&setup));
    let mut metered = Network::new(&setup.root);
    loop {
        let wanted = names.borrow().clone();
        let Some(mut looking) = eyes.take() else { return };
        // Files of the kernel answer at once, but nothing of the node should wait for them.
        let look = tokio::task::spawn_blocking(move || {
            let observation = looking.look(&wanted);
            (looking, observation)
        });
        let Ok((back, mut observation)) = look.await else { return };
        eyes = Some(back);
        observation.metered = metered.look().await;
        if seen.send(observation).await.is_err() {
            return;
        }
        tokio::time::sleep(setup.every).await;
    }
}

/// What is remembered between two looks.
#[derive(Debug)]
struct Eyes {
    root: PathBuf,
    others: Others,
    input: Input,
}

impl Eyes {
    fn new(setup: &WatchSetup) -> Self {
        Self { root: setup.root.clone(), others: Others::new(setup.window), input: Input::default() }
    }

    fn look(&mut self, names: &[String]) -> Observation {
        let power = power::read(&self.root);
        Observation {
            on_battery: power.on_battery,
            charge_percent: power.charge_percent,
            temperature_c: heat::read(&self.root),
            others_cpu_percent: self.others.look(&self.root.join("proc"), Instant::now()),
            idle_s: self.input.idle_s(&self.root, std::time::SystemTime::now()),
            metered: None,
            programs: programs::running(&self.root.join("proc"), names),
            hour_of_week: Some(hour_of_week()),
        }
    }
}

fn hour_of_week() -> usize {
    let now = Local::now();
    now.weekday().num_days_from_monday() as usize * 24 + now.hour() as usize
}

/// A small file's text, trimmed; none where it cannot be read.
pub(super) fn text(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

/// A small file's number.
pub(super) fn number(path: &Path) -> Option<i64> {
    text(path)?.parse().ok()
}

/// Entries of a folder, in order of their names; none where there is no such folder.
pub(super) fn entries(path: &Path) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(path) else { return Vec::new() };
    let mut entries: Vec<PathBuf> = found.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

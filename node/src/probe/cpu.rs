//! Processor time of others: all of the computer's less what this node and its children used, over some seconds.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use super::watch::{entries, text};

/// A look at the counters, in the kernel's ticks.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    total: u64,
    busy: u64,
    ours: u64,
}

/// The last seconds.
#[derive(Debug)]
pub struct Others {
    window: Duration,
    samples: VecDeque<Sample>,
}

impl Others {
    /// Nothing seen yet.
    pub fn new(window: Duration) -> Self {
        Self { window, samples: VecDeque::new() }
    }

    /// Share of all processors that others used in the window, per cent. None before the window is full.
    pub fn look(&mut self, proc: &Path, now: Instant) -> Option<u32> {
        let (total, busy) = totals(&text(&proc.join("stat"))?)?;
        let ours = tree_ticks(proc, std::process::id());
        self.samples.push_back(Sample { at: now, total, busy, ours });
        // One sample from before the window is its beginning.
        while self.samples.get(1).is_some_and(|second| now.duration_since(second.at) >= self.window) {
            self.samples.pop_front();
        }
        let first = self.samples.front()?;
        (now.duration_since(first.at) >= self.window).then(|| share(first, total, busy, ours))
    }
}

fn share(first: &Sample, total: u64, busy: u64, ours: u64) -> u32 {
    let all = total.saturating_sub(first.total).max(1);
    let others = busy.saturating_sub(first.busy).saturating_sub(ours.saturating_sub(first.ours));
    u32::try_from(others.saturating_mul(100) / all).unwrap_or(100).min(100)
}

/// Ticks of all processors, and those in which they worked, from the first line of `/proc/stat`.
fn totals(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    // user nice system idle iowait irq softirq steal; what guests used is in user already.
    let ticks: Vec<u64> = line.split_whitespace().take(8).filter_map(|field| field.parse().ok()).collect();
    let total: u64 = ticks.iter().sum();
    let (idle, waiting) = (ticks.get(3)?, ticks.get(4).copied().unwrap_or(0));
    Some((total, total - idle - waiting))
}

/// Ticks that a process, its living descendants, and the dead ones that were waited for, have used.
fn tree_ticks(proc: &Path, root: u32) -> u64 {
    let mut children: HashMap<u32, Vec<(u32, u64)>> = HashMap::new();
    let mut sum = 0;
    for path in entries(proc) {
        let pid = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
        let Some((pid, (parent, ticks))) = pid.zip(text(&path.join("stat")).as_deref().and_then(process)) else {
            continue;
        };
        children.entry(parent).or_default().push((pid, ticks));
        if pid == root {
            sum = ticks;
        }
    }
    let (mut todo, mut seen) = (vec![root], HashSet::from([root]));
    while let Some(parent) = todo.pop() {
        for (pid, ticks) in children.get(&parent).into_iter().flatten() {
            if seen.insert(*pid) {
                sum += ticks;
                todo.push(*pid);
            }
        }
    }
    sum
}

/// Parent and ticks (own and of the children that were waited for) from a process's `stat`. Its name may hold anything.
fn process(stat: &str) -> Option<(u32, u64)> {
    let rest = stat.rsplit_once(')')?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks =
        fields.get(11..15)?.iter().filter_map(|field| field.parse::<i64>().ok()).map(|ticks| ticks.max(0) as u64);
    Some((fields.get(1)?.parse().ok()?, ticks.sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_all_but_us() {
        let folder = tempfile::tempdir().unwrap();
        let proc = folder.path();
        let write = |path: &str, text: String| {
            let path = proc.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let me = std::process::id();
        let stat = |user, idle| format!("cpu  {user} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3");
        let of = |parent, user| format!("7 (a) b) S {parent} 0 0 0 0 0 0 0 0 0 {user} 0 0 0 20 0 1 0");
        let mut others = Others::new(Duration::from_secs(10));
        let now = Instant::now();
        write("stat", stat(100, 100));
        write(&format!("{me}/stat"), of(1, 10));
        write("77/stat", of(me, 20));
        write("78/stat", of(77, 5));
        write("99/stat", of(1, 50));
        assert_eq!(others.look(proc, now), None);
        assert_eq!(tree_ticks(proc, me), 35);
        write("stat", stat(180, 120));
        write("77/stat", of(me, 70));
        assert_eq!(others.look(proc, now + Duration::from_secs(5)), None);
        assert_eq!(others.look(proc, now + Duration::from_secs(10)), Some(30), "80 of 100 were used, 50 by us");
        assert_eq!(others.look(proc, now + Duration::from_secs(21)), Some(0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernels_own_files_are_read() {
        let proc = Path::new("/proc");
        assert!(totals(&text(&proc.join("stat")).unwrap()).is_some());
        assert!(process(&text(&proc.join("self/stat")).unwrap()).is_some());
        assert!(entries(proc).len() > 1);
    }
}

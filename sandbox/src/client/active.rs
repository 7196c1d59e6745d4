//! Time in which a worker can work: the wall limit counts this, and neither pauses nor waits for bytes.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A stopwatch that can be held.
#[derive(Debug)]
pub struct ActiveTime(Mutex<Watch>);

#[derive(Debug)]
struct Watch {
    started: Instant,
    /// Time of pauses that are over.
    paused: Duration,
    /// Start of the pause that is on.
    pause: Option<Instant>,
    /// What it is on for.
    reasons: BTreeSet<Reason>,
}

/// Why a worker cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Somebody stopped it.
    Stopped,
    /// Bytes that it asked for are still on their way.
    Waits,
}

impl ActiveTime {
    /// Running from now.
    pub fn start() -> Self {
        Self(Mutex::new(Watch {
            started: Instant::now(),
            paused: Duration::ZERO,
            pause: None,
            reasons: BTreeSet::new(),
        }))
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Hold for a reason; no effect where it is held for that already.
    pub fn hold(&self, reason: Reason) {
        let mut watch = self.watch();
        watch.reasons.insert(reason);
        watch.pause.get_or_insert_with(Instant::now);
    }

    /// Go on, as far as this reason held it.
    pub fn go_on(&self, reason: Reason) {
        let mut watch = self.watch();
        watch.reasons.remove(&reason);
        if watch.reasons.is_empty()
            && let Some(since) = watch.pause.take()
        {
            watch.paused += since.elapsed();
        }
    }

    /// Whether it is held.
    pub fn is_held(&self) -> bool {
        self.watch().pause.is_some()
    }

    /// All pauses so far.
    pub fn paused(&self) -> Duration {
        let watch = self.watch();
        watch.paused + watch.pause.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Time since the start without pauses.
    pub fn elapsed(&self) -> Duration {
        let elapsed = self.watch().started.elapsed();
        elapsed.saturating_sub(self.paused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_once_nothing_holds_it_any_more() {
        let time = ActiveTime::start();
        time.hold(Reason::Stopped);
        time.hold(Reason::Waits);
        time.go_on(Reason::Stopped);
        assert!(time.is_held());
        std::thread::sleep(Duration::from_millis(2));
        time.go_on(Reason::Waits);
        time.go_on(Reason::Waits);
        assert!(!time.is_held());
        assert!(time.paused() >= Duration::from_millis(2));
    }
}

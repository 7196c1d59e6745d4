//! Time while a worker is not paused: the wall limit counts this, and nothing else.

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
}

impl ActiveTime {
    /// Running from now.
    pub fn start() -> Self {
        Self(Mutex::new(Watch { started: Instant::now(), paused: Duration::ZERO, pause: None }))
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Hold; no effect where it is held.
    pub fn hold(&self) {
        self.watch().pause.get_or_insert_with(Instant::now);
    }

    /// Go on; no effect where it runs.
    pub fn go_on(&self) {
        let mut watch = self.watch();
        if let Some(since) = watch.pause.take() {
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

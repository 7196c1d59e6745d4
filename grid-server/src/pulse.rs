//! When each worker looked last, and since when the server's parts are as they are, for operators.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::now_ms;

/// The beats of the workers, and what was seen of the parts.
#[derive(Debug, Default)]
pub struct Pulse {
    beats: Mutex<HashMap<&'static str, (u64, Duration)>>,
    parts: Mutex<HashMap<&'static str, (bool, u64)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pulse {
    /// A worker has looked for work, and will again after `period` at the latest.
    pub fn beat(&self, worker: &'static str, period: Duration) {
        lock(&self.beats).insert(worker, (now_ms(), period));
    }

    /// When a worker looked last, milliseconds since 1970, and how often it does.
    pub fn last(&self, worker: &'static str) -> Option<(u64, Duration)> {
        lock(&self.beats).get(worker).copied()
    }

    /// A part was seen to be right or not; since when it is so, as far as anybody looked.
    pub fn since(&self, part: &'static str, ok: bool, now_ms: u64) -> u64 {
        let mut parts = lock(&self.parts);
        let seen = parts.entry(part).or_insert((ok, now_ms));
        if seen.0 != ok {
            *seen = (ok, now_ms);
        }
        seen.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_so_since_it_changed() {
        let pulse = Pulse::default();
        let seen =
            [(true, 5), (true, 9), (false, 11), (false, 20), (true, 21)].map(|(ok, at)| pulse.since("x", ok, at));
        assert_eq!(seen, [5, 5, 11, 11, 21]);
        assert_eq!(pulse.last("split"), None);
        pulse.beat("split", Duration::from_secs(1));
        assert!(pulse.last("split").is_some_and(|(at, period)| at <= now_ms() && period.as_secs() == 1));
    }
}

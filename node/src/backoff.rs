//! How long to wait before the next try: doubling from 0.2 s to 60 s, with jitter so that nodes do not come in step.
//!
//! Pure: the random number is an argument.

use std::time::Duration;

const FIRST_MS: u64 = 200;
const LAST_MS: u64 = 60_000;

/// Counts failures in a row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// For what only others can change, so that trying again soon helps nobody: from some seconds on.
    pub fn slow() -> Self {
        Self { failures: 6 }
    }

    /// The wait after one more failure: between half and all of the step.
    pub fn next(&mut self, random: u64) -> Duration {
        let step = (FIRST_MS << self.failures.min(16)).min(LAST_MS);
        self.failures = self.failures.saturating_add(1);
        Duration::from_millis(step / 2 + random % (step / 2 + 1))
    }

    /// It worked: begin anew.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A random number for jitter.
pub fn random() -> u64 {
    getrandom::u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_within_their_bounds() {
        for random in [0, 1, 12_345, u64::MAX] {
            let mut backoff = Backoff::default();
            let waits: Vec<u64> = (0..40).map(|_| backoff.next(random).as_millis() as u64).collect();
            assert!((100..=200).contains(&waits[0]), "{waits:?}");
            assert!((400..=800).contains(&waits[2]), "{waits:?}");
            assert!(waits.iter().all(|wait| *wait <= LAST_MS), "{waits:?}");
            assert!(*waits.last().unwrap() >= LAST_MS / 2, "{waits:?}");
            let first = Backoff::slow().next(random).as_millis();
            assert!((6_400..=12_800).contains(&first), "{first}");
            backoff.reset();
            assert!(backoff.next(random).as_millis() <= 200);
        }
    }
}

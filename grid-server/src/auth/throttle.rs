//! Guessing slowed down: after some tries the wait for the next one doubles, up to a quarter of an hour.
//!
//! A try counts when it begins, so that many at once are no way around; success takes it back. The table is bounded.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fallow_protocol::Digest;

/// Keys kept at a time.
const KEYS_MAX: usize = 16_384;
/// Wait after the first try that is one too many.
const WAIT_FIRST: Duration = Duration::from_secs(1);
/// Longest wait.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);
/// After so long without a try, those before are forgotten.
const FORGET: Duration = Duration::from_secs(3_600);

#[derive(Clone, Copy, Debug)]
struct Tries {
    count: u32,
    free_at: Instant,
}

/// Tries by key.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<Digest, Tries>>);

impl Throttle {
    /// Begin a try; the first `free` need no wait between them. How long to wait where it is too early.
    pub fn begin(&self, key: Digest, free: u32, now: Instant) -> Result<(), Duration> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= KEYS_MAX && !table.contains_key(&key) {
            table.retain(|_, tries| now < tries.free_at + FORGET);
            // Still full: forget those whose next try is free by now, which only makes their waits shorter again.
            if table.len() >= KEYS_MAX {
                table.retain(|_, tries| now < tries.free_at);
            }
            if table.len() >= KEYS_MAX {
                return Err(WAIT_FIRST);
            }
        }
        let tries = table.entry(key).or_insert(Tries { count: 0, free_at: now });
        if now < tries.free_at {
            return Err(tries.free_at - now);
        }
        if now >= tries.free_at + FORGET {
            tries.count = 0;
        }
        tries.count = tries.count.saturating_add(1);
        tries.free_at = now + wait(tries.count, free);
        Ok(())
    }

    /// The try was right: those before do not count any more.
    pub fn clear(&self, key: &Digest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// The last try was no guess: only it does not count.
    pub fn take_back(&self, key: &Digest, free: u32, now: Instant) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tries) = table.get_mut(key) {
            tries.count = tries.count.saturating_sub(1);
            tries.free_at = tries.free_at.min(now + wait(tries.count, free));
        }
    }
}

fn wait(count: u32, free: u32) -> Duration {
    match count.checked_sub(free) {
        None => Duration::ZERO,
        Some(over) => WAIT_FIRST.saturating_mul(1u32.checked_shl(over).unwrap_or(u32::MAX)).min(WAIT_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> Digest {
        Digest::of(&n.to_le_bytes())
    }

    #[test]
    fn ten_thousand_tries_take_months() {
        let (throttle, begun) = (Throttle::default(), Instant::now());
        let mut now = begun;
        for _ in 0..10_000 {
            while let Err(wait) = throttle.begin(key(1), 5, now) {
                now += wait;
            }
        }
        assert!(now - begun > Duration::from_secs(100 * 86_400), "{:?}", now - begun);
        assert!(throttle.begin(key(2), 5, begun).is_ok(), "another key has its own");
    }

    #[test]
    fn the_first_tries_are_free_and_success_forgets() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..2 {
            for _ in 0..5 {
                assert_eq!(throttle.begin(key(1), 5, now), Ok(()));
            }
            assert_eq!(throttle.begin(key(1), 5, now), Err(WAIT_FIRST));
            throttle.clear(&key(1));
        }
        for _ in 0..100 {
            assert_eq!(throttle.begin(key(1), 5, now), Ok(()));
            throttle.take_back(&key(1), 5, now);
        }
    }

    #[test]
    fn the_table_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..3 * KEYS_MAX as u64 {
            let _ = throttle.begin(key(n), 5, now);
        }
        assert!(throttle.0.lock().unwrap().len() <= KEYS_MAX);
    }
}

//! Counts the time that one unit takes against the budget, while it takes it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::budget::Budget;
use crate::metrics::Metrics;

/// How often time is counted: what a unit may take beyond the budget before it is held.
pub const TICK: Duration = Duration::from_secs(1);

/// The budget with its clock.
#[derive(Debug)]
pub struct Purse {
    began: Instant,
    budget: Mutex<Budget>,
}

impl Purse {
    /// Full.
    pub fn new(share_permille: u32) -> Self {
        Self { began: Instant::now(), budget: Mutex::new(Budget::new(share_permille)) }
    }

    fn lock(&self) -> (u64, MutexGuard<'_, Budget>) {
        let now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        (now_ms, self.budget.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Until something may begin or go on, milliseconds.
    pub fn wait_ms(&self) -> u64 {
        let (now_ms, budget) = self.lock();
        budget.wait_ms(now_ms)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        let (now_ms, budget) = self.lock();
        budget.left_ms(now_ms) == 0
    }

    fn note(&self, ran: Duration) {
        let (now_ms, mut budget) = self.lock();
        budget.note(now_ms, u64::try_from(ran.as_millis()).unwrap_or(u64::MAX));
    }
}

/// One unit's time, from its turn to its end, however that comes.
#[derive(Debug)]
pub struct Meter<'a> {
    purse: &'a Purse,
    metrics: &'a Metrics,
    /// Not counted yet; none while the unit is held.
    since: Option<Instant>,
}

impl<'a> Meter<'a> {
    /// From now.
    pub fn start(purse: &'a Purse, metrics: &'a Metrics) -> Self {
        Self { purse, metrics, since: Some(Instant::now()) }
    }

    /// Count what was taken so far.
    pub fn tick(&mut self) {
        let Some(since) = &mut self.since else { return };
        let now = Instant::now();
        let ran = now - *since;
        *since = now;
        self.purse.note(ran);
        self.metrics.anchor_seconds.inc_by(ran.as_secs_f64());
    }

    /// Nothing is taken from now on.
    pub fn hold(&mut self) {
        self.tick();
        self.since = None;
    }

    /// Go on.
    pub fn go_on(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// Whether it is held.
    pub fn is_held(&self) -> bool {
        self.since.is_none()
    }

    /// Wait for something that cannot be held, and count the time.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(TICK) => self.tick(),
            }
        }
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.tick();
    }
}

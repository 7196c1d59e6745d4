//! The guest's clocks: they know nothing of the time outside. Each look advances them by one step, and sleeping
//! advances them at once, so that a guest can neither measure the computer nor differ between two of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::Result;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// What each look at a clock adds, nanoseconds.
pub const STEP_NS: u64 = 1_000_000;

/// Time of one unit; clones are the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    epoch_ms: u64,
    since_ns: Arc<AtomicU64>,
}

impl Clock {
    /// A clock whose wall time begins at `epoch_ms`.
    pub fn new(epoch_ms: u64) -> Self {
        Self { epoch_ms, since_ns: Arc::default() }
    }

    fn look(&self) -> u64 {
        let now = self.since_ns.load(Ordering::Relaxed).saturating_add(STEP_NS);
        self.since_ns.store(now, Ordering::Relaxed);
        now
    }

    fn advance_to(&self, when: u64) {
        self.since_ns.fetch_max(when, Ordering::Relaxed);
    }
}

/// What the clocks' functions work on.
pub struct ClockView<'a> {
    pub clock: &'a Clock,
    pub table: &'a mut ResourceTable,
}

/// Names [`ClockView`] for the linker.
pub struct Clocks;

impl HasData for Clocks {
    type Data<'a> = ClockView<'a>;
}

impl wall_clock::Host for ClockView<'_> {
    fn now(&mut self) -> Result<wall_clock::Datetime> {
        let since = self.clock.look();
        let nanos = self.clock.epoch_ms % 1_000 * 1_000_000 + since % 1_000_000_000;
        Ok(wall_clock::Datetime {
            seconds: self.clock.epoch_ms / 1_000 + since / 1_000_000_000 + nanos / 1_000_000_000,
            nanoseconds: (nanos % 1_000_000_000) as u32,
        })
    }

    fn resolution(&mut self) -> Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: STEP_NS as u32 })
    }
}

impl monotonic_clock::Host for ClockView<'_> {
    fn now(&mut self) -> Result<monotonic_clock::Instant> {
        Ok(self.clock.look())
    }

    fn resolution(&mut self) -> Result<monotonic_clock::Duration> {
        Ok(STEP_NS)
    }

    fn subscribe_instant(&mut self, when: monotonic_clock::Instant) -> Result<Resource<DynPollable>> {
        let alarm = self.table.push(Alarm { clock: self.clock.clone(), when })?;
        subscribe(self.table, alarm)
    }

    fn subscribe_duration(&mut self, duration: monotonic_clock::Duration) -> Result<Resource<DynPollable>> {
        let when = self.clock.look().saturating_add(duration);
        self.subscribe_instant(when)
    }
}

/// Rings at once, and it is then.
struct Alarm {
    clock: Clock,
    when: u64,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Alarm {
    async fn ready(&mut self) {
        self.clock.advance_to(self.when);
    }
}

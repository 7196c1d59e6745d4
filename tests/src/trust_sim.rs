//! A toy world that drives the production rules of `grid_core::trust`: hundreds of computers, some of which lie, and
//! millions of units.
//!
//! Its clock, its queue and its computers are its own; who is checked, by whom, who was right and when a result is final
//! is asked of the rules. Everything follows from a seed. Computers are equally fast, and each runs one unit a round,
//! be it a new one or a copy. All begin unknown, beside one anchor: the server's own worker.

mod attack;
mod jobs;
mod judge;
mod partners;
mod rule;
mod seat;
mod tally;
mod units;
mod world;

pub use attack::{Attack, Mix};
pub use rule::Rule;
pub use tally::Tally;

use world::World;

/// One simulated grid.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// By what results are accepted.
    pub rule: Rule,
    /// Computers, the server's own worker not counted.
    pub computers: u32,
    /// Final units after which it ends.
    pub units: u64,
    /// Of the computers, parts per million lie.
    pub liars_ppm: u32,
    /// How they lie.
    pub attack: Attack,
    /// Units of a job; none for one job without end.
    pub job_units: Option<u32>,
    /// All chance follows from it.
    pub seed: u64,
}

impl Setup {
    /// Run it.
    pub fn run(&self) -> Tally {
        World::new(self).run()
    }
}

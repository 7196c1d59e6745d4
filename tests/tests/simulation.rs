//! A grid without processes: the pure rules of `grid-core` driven by a toy store, through hours of churn, lies and
//! broken computers in milliseconds. Everything follows from a seed, and a failure names the seed.
//!
//! First anything may go wrong and the invariants are checked after each step: no unit is ever nowhere (S1), a unit
//! ends at most once and its end stands (S2), whatever is stale changes nothing (S6). Then the faults stop, and every
//! job must end. `FALLOW_SIM_SEEDS` sets how many seeds are tried and `FALLOW_SIM_FIRST` the first of them.

#[path = "simulation/chance.rs"]
mod chance;
#[path = "simulation/check.rs"]
mod check;
#[path = "simulation/computer.rs"]
mod computer;
#[path = "simulation/grid.rs"]
mod grid;
#[path = "simulation/job.rs"]
mod job;
#[path = "simulation/tally.rs"]
mod tally;
#[path = "simulation/world.rs"]
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tally::Tally;
use world::World;

/// Seeds of an ordinary run; a soak takes more.
const SEEDS: u64 = 300;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// One simulated grid from its beginning to the end of its last job.
fn simulate(seed: u64) -> Tally {
    let mut world = World::new(seed);
    world.suffer();
    world.recover();
    world.into_tally()
}

/// Simulate, or say which seed it was.
fn try_seed(seed: u64) -> Result<Tally, String> {
    std::panic::catch_unwind(|| simulate(seed)).map_err(|_| {
        format!("seed {seed} failed; again: FALLOW_SIM_FIRST={seed} FALLOW_SIM_SEEDS=1 cargo test --test simulation")
    })
}

#[test]
fn every_seed_keeps_the_invariants_and_ends_its_jobs() {
    let (first, seeds) = (setting("FALLOW_SIM_FIRST", 1), setting("FALLOW_SIM_SEEDS", SEEDS));
    let next = AtomicU64::new(first);
    let total = Mutex::new(Tally::default());
    let failed = Mutex::new(Vec::new());
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= first + seeds {
            break;
        }
        match try_seed(seed) {
            Ok(tally) => total.lock().expect("no thread panics with it").add(&tally),
            Err(message) => failed.lock().expect("no thread panics with it").push(message),
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (total, failed) = (total.into_inner().expect("joined"), failed.into_inner().expect("joined"));
    println!("{seeds} seeds: {total:#?}");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    if seeds >= SEEDS {
        total.assert_everything_happened();
    }
}

#[test]
fn the_same_seed_gives_the_same_life() {
    assert_eq!(simulate(7), simulate(7));
}

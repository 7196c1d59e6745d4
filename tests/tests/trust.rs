//! What the rules of trust promise, in small: a simulated grid that is driven by the production rules, against the
//! bars of `docs/trust.md`. Shares are compared by their confidence bounds. `cargo xtask bench trust` is the same
//! question asked of 56 ways of lying and millions of units.

use std::sync::Mutex;

use fallow_tests::trust_sim::{Attack, Mix, Rule, Setup, Tally};
use grid_core::trust::Policy;

const UNITS: u64 = 300_000;

fn attack(rate_ppm: u32, sleep: u32, collude: bool) -> Attack {
    Attack { rate_ppm, sleep, collude, mix: Mix::Alike }
}

fn setup(liars_pct: u32, attack: Attack, job_units: Option<u32>) -> Setup {
    let rule = Rule::Fallow(Policy::default());
    Setup { rule, computers: 500, units: UNITS, liars_ppm: liars_pct * 10_000, attack, job_units, seed: 7 }
}

/// Run them on all processors, in order.
fn run_all(setups: &[Setup]) -> Vec<Tally> {
    let tallies = Mutex::new(vec![Tally::default(); setups.len()]);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        while let Some((at, setup)) = {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            setups.get(at).map(|setup| (at, setup))
        } {
            let tally = setup.run();
            tallies.lock().expect("no thread panics with it")[at] = tally;
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    tallies.into_inner().expect("joined")
}

/// Least share of which `hits` of `all` are still likely: Wilson's bound for one error in a thousand. Wrong results of
/// one liar come together, so it is taken of a tenth of them.
fn at_least(hits: u64, all: u64) -> f64 {
    let (hits, all, z) = (hits as f64 / 10.0, all as f64 / 10.0, 3.1);
    let share = hits / all;
    let spread = z * (share * (1.0 - share) / all + z * z / (4.0 * all * all)).sqrt();
    (share + z * z / (2.0 * all) - spread) / (1.0 + z * z / all)
}

#[test]
fn few_wrong_results_are_accepted() {
    let ways = [attack(10_000, 20, false), attack(10_000, 20, true), attack(100_000, 50, true)];
    let bars = [(1, 2e-4), (5, 5e-4), (10, 1e-3), (20, 2.5e-3)];
    let cases: Vec<(Setup, f64)> =
        bars.iter().flat_map(|(pct, bar)| ways.map(|way| (setup(*pct, way, None), *bar))).collect();
    let tallies = run_all(&cases.iter().map(|(setup, _)| *setup).collect::<Vec<_>>());
    for ((setup, bar), tally) in cases.iter().zip(tallies) {
        println!("{} ppm, {}: {:.1e} wrong", setup.liars_ppm, setup.attack.label(), tally.wrong_share());
        assert!(tally.finals >= UNITS, "the grid stands still: {tally:?}");
        assert!(at_least(tally.wrong, tally.finals) <= *bar, "{setup:?}: {tally:?}");
        assert!(tally.healthy_banned <= 1, "honest computers were sent away: {tally:?}");
    }
}

#[test]
fn copies_are_few() {
    let honest = [None, Some(50)].map(|units| Setup { units: 1_500_000, ..setup(0, Attack::NONE, units) });
    for tally in run_all(&honest) {
        println!("overhead {:.4}, of newcomers {:.4}", tally.overhead(), tally.newcomer_overhead());
        assert!(tally.overhead() <= 0.04, "{tally:?}");
        assert!(tally.newcomer_units > 1_000 && tally.newcomer_overhead() <= 0.07, "{tally:?}");
        assert_eq!((tally.given_up, tally.healthy_banned), (0, 0), "{tally:?}");
    }
}

#[test]
fn nothing_collapses_where_nearly_half_lie() {
    let ways = [attack(10_000, 20, true), attack(1_000_000, 0, true), attack(300_000, 50, false)];
    for tally in run_all(&ways.map(|way| setup(40, way, Some(50)))) {
        assert!(tally.finals >= UNITS, "the grid stands still: {tally:?}");
        assert!(at_least(tally.wrong, tally.finals) <= 1e-2, "{tally:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_grid() {
    let setup = Setup { units: 100_000, ..setup(10, attack(100_000, 20, true), Some(50)) };
    assert_eq!(setup.run(), setup.run());
}

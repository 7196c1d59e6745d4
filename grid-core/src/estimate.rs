//! What a job will take, from a few of its units that were run: fuel, credits, and time. Integers only; guesses are
//! ranges.

use crate::ledger::Amount;
use crate::pricing::{Price, cost};

/// Least width of a guess to each side, thousandths: units differ in what no sample shows.
const MARGIN_MIN: u128 = 50;
/// Width where one unit of many was run.
const MARGIN_ONE: u128 = 130;
/// Most that a guess goes down, thousandths; up it may go by more.
const MARGIN_DOWN_MAX: u128 = 900;
const PERMILLE: u128 = 1_000;

/// A guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guess<T> {
    /// Hardly less than this.
    pub low: T,
    /// About this.
    pub likely: T,
    /// Hardly more than this.
    pub high: T,
}

/// What a grid can do now for a job that anyone may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speed {
    /// Units at once.
    pub slots: u64,
    /// Fuel a second of all slots together.
    pub fuel_per_s: u64,
    /// The part of it that is free.
    pub fuel_per_s_free: u64,
}

/// Fuel of a job with so many `units`, of which some took `sampled`, and with `extra` fuel of its split and merges.
pub fn fuel(units: u64, sampled: &[u64], extra: u64) -> Guess<u64> {
    let number = (sampled.len() as u128).max(1);
    let sum: u128 = sampled.iter().map(|fuel| u128::from(*fuel)).sum();
    let work = sum.saturating_mul(u128::from(units)) / number;
    let margin = margin_permille(units, sampled);
    let part = |permille: u128| work.saturating_mul(permille) / PERMILLE;
    let total = |work: u128| u64::try_from(work.saturating_add(u128::from(extra))).unwrap_or(u64::MAX);
    Guess {
        low: total(part(PERMILLE - margin.min(MARGIN_DOWN_MAX))),
        likely: total(work),
        high: total(part(PERMILLE + margin)),
    }
}

/// How far off the average of the sample may be, thousandths: two standard errors of it, and at least
/// [`MARGIN_MIN`]; nothing is unknown where all units were run.
fn margin_permille(units: u64, sampled: &[u64]) -> u128 {
    let number = sampled.len() as u128;
    if number >= u128::from(units) {
        return 0;
    }
    if number < 2 {
        return MARGIN_ONE;
    }
    // In 64 bits more than enough is left of the numbers, and their squares fit.
    let mean = (sampled.iter().map(|fuel| u128::from(*fuel)).sum::<u128>() / number).max(1);
    let square = |fuel: &u64| (u128::from(*fuel).abs_diff(mean) * PERMILLE / mean).min(1 << 32).pow(2);
    let variance = sampled.iter().map(square).sum::<u128>() / (number - 1);
    (2 * (variance / number).isqrt()).max(MARGIN_MIN)
}

/// What that costs an author whose `units` have this memory limit, bytes. Each frame of results is rounded up to a
/// micro-credit, and in the worst case each unit comes in a frame of its own.
pub fn credits(units: u64, fuel: Guess<u64>, price: &Price, memory_bytes: u64) -> Guess<Amount> {
    let cost = |fuel| cost(fuel, price, memory_bytes);
    let rounded = if cost(1).is_zero() { Amount::ZERO } else { Amount::saturating(units.into()) };
    Guess { low: cost(fuel.low), likely: cost(fuel.likely), high: cost(fuel.high).saturating_add(rounded) }
}

/// How long a grid takes, seconds, from and to: at best all of it works for the job, at worst what is free of it (half
/// of it, where nothing is). None where it has no slots. Nobody is faster than one unit on one slot.
pub fn seconds(units: u64, fuel: Guess<u64>, speed: &Speed) -> Option<(u64, u64)> {
    if speed.slots == 0 || speed.fuel_per_s == 0 || units == 0 {
        return None;
    }
    let used = u128::from(units.min(speed.slots));
    let slots = u128::from(speed.slots);
    let most = (u128::from(speed.fuel_per_s) * used / slots).max(1);
    let free = match speed.fuel_per_s_free {
        0 => u128::from(speed.fuel_per_s) / 2,
        free => u128::from(free),
    };
    let least = free.clamp(1, most);
    let best = u128::from(fuel.low).div_ceil(most);
    // Leases, uploads, checks and the last units, which run alone.
    let worst = (u128::from(fuel.high) * 5).div_ceil(4 * least);
    let fits = |seconds: u128| u64::try_from(seconds).unwrap_or(u64::MAX);
    Some((fits(best), fits(worst.max(best) + 1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_units_are_guessed_narrowly() {
        assert_eq!(fuel(4_096, &[1_000], 0), Guess { low: 3_563_520, likely: 4_096_000, high: 4_628_480 });
        assert_eq!(fuel(4_096, &[1_000; 8], 5), Guess { low: 3_891_205, likely: 4_096_005, high: 4_300_805 });
        assert_eq!(fuel(3, &[1, 2, 3], 0), Guess { low: 6, likely: 6, high: 6 }, "all were run");
        assert_eq!(fuel(0, &[], 0), Guess::default());
    }

    #[test]
    fn unequal_units_are_guessed_widely() {
        let guess = fuel(100, &[1_000, 3_000], 0);
        assert_eq!((guess.low, guess.likely, guess.high), (20_000, 200_000, 400_000));
        let wide = fuel(1_000, &[1, 1, 1_000_000], 0);
        assert!(wide.low < wide.likely / 5 && wide.high > wide.likely * 2, "{wide:?}");
    }

    #[test]
    fn prices_follow_the_fuel() {
        let tera = 1_000_000_000_000;
        let guess = Guess { low: 33 * tera, likely: 37 * tera, high: 42 * tera };
        let cost = credits(4_096, guess, &Price::default(), 64 << 20);
        assert_eq!((cost.low.micro(), cost.high.micro()), (33_000_000, 42_004_096));
        let free = credits(4_096, guess, &Price { per_tera_fuel: Amount::ZERO, ..Price::default() }, 64 << 20);
        assert_eq!(free.high, Amount::ZERO);
    }

    #[test]
    fn few_units_do_not_use_many_slots() {
        let fuel = Guess { low: 1_000, likely: 1_000, high: 1_000 };
        let speed = Speed { slots: 10, fuel_per_s: 100, fuel_per_s_free: 100 };
        assert_eq!(seconds(100, fuel, &speed), Some((10, 14)));
        assert_eq!(seconds(1, fuel, &speed), Some((100, 126)), "one slot");
        assert_eq!(seconds(100, fuel, &Speed { fuel_per_s_free: 0, ..speed }), Some((10, 26)), "half of it");
        assert_eq!(seconds(100, fuel, &Speed::default()), None);
    }

    proptest! {
        #[test]
        fn guesses_are_in_order(units: u64, sampled in proptest::collection::vec(any::<u64>(), 0..6), extra: u64,
            slots: u64, speed: u64, free: u64) {
            let guess = fuel(units, &sampled, extra);
            prop_assert!(guess.low <= guess.likely && guess.likely <= guess.high);
            let speed = Speed { slots, fuel_per_s: speed, fuel_per_s_free: free };
            if let Some((from, to)) = seconds(units, guess, &speed) {
                prop_assert!(from <= to);
            }
        }
    }
}

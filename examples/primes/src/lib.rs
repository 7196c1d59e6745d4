//! Counts the primes of a range of numbers, and finds the widest gap between neighbours.
//!
//! A unit is a range `{"from": …, "to": …}` (`to` is not in it), made by `fallow.toml`'s range split; `merge` adds the
//! counts and joins the gaps across ranges. The sieve itself is in `sieve.rs`.

mod sieve;

use fallow::{Error, Json, Parts, Result};
use serde::{Deserialize, Serialize};

/// Largest number: the sieve needs the primes up to its root.
const NUMBER_MAX: u64 = 1 << 50;

/// A unit's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// First number.
    pub from: u64,
    /// One past the last number.
    pub to: u64,
}

/// What is known of the primes of a range. Ranges side by side can be joined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Primes {
    /// How many.
    pub count: u64,
    /// Their sum, modulo 2^64.
    pub sum: u64,
    /// The smallest, where there is one.
    pub first: Option<u64>,
    /// The largest, where there is one.
    pub last: Option<u64>,
    /// The widest gap between neighbours, and the prime before it.
    pub widest_gap: Option<(u64, u64)>,
    /// Ranges that are missing, because their units failed.
    pub ranges_missing: u64,
}

impl Primes {
    /// The next prime, larger than all before.
    fn push(&mut self, prime: u64) {
        self.note_gap(self.last, prime);
        self.count += 1;
        self.sum = self.sum.wrapping_add(prime);
        self.first.get_or_insert(prime);
        self.last = Some(prime);
    }

    /// The primes of the next range.
    fn append(&mut self, next: &Primes) {
        if let Some(first) = next.first {
            self.note_gap(self.last, first);
        }
        if let Some((width, before)) = next.widest_gap {
            self.note_gap(Some(before), before + width);
        }
        self.count += next.count;
        self.sum = self.sum.wrapping_add(next.sum);
        self.first = self.first.or(next.first);
        self.last = next.last.or(self.last);
        self.ranges_missing += next.ranges_missing;
    }

    fn note_gap(&mut self, before: Option<u64>, after: u64) {
        let Some(before) = before else { return };
        let width = after - before;
        if self.widest_gap.is_none_or(|(widest, _)| width > widest) {
            self.widest_gap = Some((width, before));
        }
    }
}

/// One unit: the primes of one range.
pub fn primes(Json(range): Json<Range>) -> Result<Json<Primes>> {
    if range.to > NUMBER_MAX || range.from > range.to {
        return Err(Error::new(format!("the range {}..{} must rise and end at most at 2^50", range.from, range.to)));
    }
    let mut found = Primes::default();
    sieve::for_each_prime(range.from, range.to, |prime| found.push(prime));
    Ok(Json(found))
}

/// Ranges side by side, in order, to one.
pub fn join(parts: Parts<Json<Primes>>, _last: bool) -> Result<Json<Primes>> {
    let mut joined = Primes::default();
    for part in parts {
        match part {
            Some(Json(next)) => joined.append(&next),
            None => joined.ranges_missing += 1,
        }
    }
    Ok(Json(joined))
}

fallow::task!(run = primes, merge = join);

#[cfg(test)]
mod tests {
    use fallow::testing;

    use super::*;

    fn of(from: u64, to: u64) -> Primes {
        testing::run(primes, Json(Range { from, to })).unwrap().0
    }

    #[test]
    fn the_first_million_is_as_in_the_books() {
        let found = of(0, 1_000_000);
        assert_eq!((found.count, found.sum, found.last), (78_498, 37_550_402_023, Some(999_983)));
        assert_eq!(found.widest_gap, Some((114, 492_113)));
    }

    #[test]
    fn cutting_changes_nothing() {
        let parts = [(0, 90), (90, 96), (96, 97), (97, 98), (98, 5_000), (5_000, 10_000)];
        let parts = parts.map(|(from, to)| Some(Json(of(from, to)))).to_vec();
        assert_eq!(testing::merge(join, parts, true).unwrap().0, of(0, 10_000));
    }

    #[test]
    fn a_missing_range_is_named_in_the_result() {
        let parts = vec![Some(Json(of(0, 10))), None];
        assert_eq!(testing::merge(join, parts, true).unwrap().0.ranges_missing, 1);
    }

    #[test]
    fn a_range_backwards_is_the_authors_error() {
        let error = testing::run(primes, r#"{"from": 9, "to": 3}"#).unwrap_err();
        assert_eq!(error, "the range 9..3 must rise and end at most at 2^50");
        assert!(testing::run(primes, "{}").unwrap_err().contains("missing field `from`"));
    }
}

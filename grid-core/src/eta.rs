//! How fast a job goes and when it will end. Numbers for people: the range is wide while little is known.

use std::collections::VecDeque;

use fallow_protocol::api::UnitCounts;

/// How far back the rate looks.
pub const RATE_WINDOW_MS: u64 = 30_000;
/// Samples kept: at most one every half second is worth keeping.
const SAMPLE_MS: u64 = 500;

/// Progress of one job over the last half minute, in thousandths of a unit (ended units and progress within units).
#[derive(Clone, Debug, Default)]
pub struct Rate {
    samples: VecDeque<(u64, u64)>,
}

impl Rate {
    /// Tell that `milli` thousandths of a unit were done at `now_ms`.
    pub fn push(&mut self, now_ms: u64, milli: u64) {
        match self.samples.back_mut() {
            // A retry or a restart takes progress back: begin anew.
            Some((_, last)) if milli < *last => self.samples.clear(),
            Some((at, last)) if self_is_recent(*at, now_ms) => {
                *last = milli;
                return self.forget(now_ms);
            }
            _ => {}
        }
        self.samples.push_back((now_ms, milli));
        self.forget(now_ms);
    }

    /// Thousandths of a unit a second; 0 where nothing is known.
    pub fn milli_per_s(&self, now_ms: u64) -> u64 {
        let Some((began_ms, began)) = self.samples.front() else { return 0 };
        let Some((_, last)) = self.samples.back() else { return 0 };
        let ms = now_ms.saturating_sub(*began_ms).max(1);
        (u128::from(last - began) * 1_000 / u128::from(ms)).min(u64::MAX.into()) as u64
    }

    /// Units seen to end within the window: what the width of the range depends on.
    pub fn seen(&self) -> u64 {
        match (self.samples.front(), self.samples.back()) {
            (Some((_, first)), Some((_, last))) => (last - first) / 1_000,
            _ => 0,
        }
    }

    fn forget(&mut self, now_ms: u64) {
        // The newest sample that is older than the window stays, as its left edge.
        while self.samples.get(1).is_some_and(|(at, _)| at + RATE_WINDOW_MS <= now_ms) {
            self.samples.pop_front();
        }
    }
}

fn self_is_recent(at: u64, now_ms: u64) -> bool {
    now_ms / SAMPLE_MS == at / SAMPLE_MS
}

/// What is done, in thousandths of a unit.
pub fn done_milli(counts: &UnitCounts, progress_milli: u64) -> u64 {
    counts.ended().saturating_mul(1_000).saturating_add(progress_milli)
}

/// Likely time to the end in seconds, from and to; none where no rate is known or units are still being made.
/// The width is a tenth, plus one over the root of the units seen, at most nine tenths downwards.
pub fn eta_s(remaining_milli: u64, rate_milli: u64, seen: u64) -> Option<(u64, u64)> {
    if remaining_milli == 0 {
        return Some((0, 0));
    }
    if rate_milli == 0 {
        return None;
    }
    let middle_ms = u128::from(remaining_milli) * 1_000 / u128::from(rate_milli);
    let width = 100 + 1_000 / u128::from(seen.max(1).isqrt());
    let from = middle_ms * 1_000u128.saturating_sub(width).max(100) / 1_000_000;
    let to = (middle_ms * (1_000 + width)).div_ceil(1_000_000);
    Some((from.min(u64::MAX.into()) as u64, to.min(u64::MAX.into()) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_half_minute() {
        let mut rate = Rate::default();
        for second in 0..=60u64 {
            let milli = if second <= 30 { second * 1_000 } else { 30_000 + (second - 30) * 5_000 };
            rate.push(second * 1_000, milli);
        }
        assert_eq!(rate.milli_per_s(60_000), 5_000);
        assert_eq!(rate.seen(), 150);
        assert!(rate.samples.len() <= 62);
        assert_eq!(rate.milli_per_s(90_000), 2_500, "a job that stands still slows down");
    }

    #[test]
    fn a_retry_begins_anew() {
        let mut rate = Rate::default();
        rate.push(0, 9_000);
        rate.push(1_000, 4_000);
        rate.push(2_000, 5_000);
        assert_eq!(rate.milli_per_s(2_000), 1_000);
    }

    #[test]
    fn the_range_narrows_with_what_was_seen() {
        assert_eq!(eta_s(0, 0, 0), Some((0, 0)));
        assert_eq!(eta_s(1_000, 0, 0), None);
        let (few_from, few_to) = eta_s(100_000, 1_000, 4).unwrap();
        let (many_from, many_to) = eta_s(100_000, 1_000, 10_000).unwrap();
        assert!(few_from < many_from && many_from < 100 && 100 < many_to && many_to < few_to);
        assert!(eta_s(u64::MAX, 1, 1).unwrap().1 > 0);
    }
}

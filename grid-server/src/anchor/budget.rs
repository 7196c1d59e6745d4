//! How much wall time the server's own worker may still take: a share of the last hour. Pure; the caller has the clock.

use std::collections::VecDeque;

/// What is looked back on, milliseconds.
const WINDOW_MS: u64 = 3_600_000;
/// Time is counted in slots of this length, milliseconds; a slot counts until all of it lies before the window.
const SLOT_MS: u64 = 10_000;
/// Part of the budget that has to be free before a unit begins or goes on, so that it does not run in crumbs.
const BEGIN_ONE_IN: u64 = 100;

/// Wall time of the last hour.
#[derive(Debug)]
pub struct Budget {
    /// Most of the window, milliseconds.
    most_ms: u64,
    /// Slots in which something ran, oldest first: number, milliseconds.
    slots: VecDeque<(u64, u64)>,
}

impl Budget {
    /// At most `share_permille` thousandths of any hour.
    pub fn new(share_permille: u32) -> Self {
        Self { most_ms: WINDOW_MS * u64::from(share_permille) / 1_000, slots: VecDeque::new() }
    }

    /// `ran_ms` ended at `now_ms`. Any clock will do that never goes back.
    pub fn note(&mut self, now_ms: u64, ran_ms: u64) {
        self.forget(now_ms);
        let slot = now_ms / SLOT_MS;
        match self.slots.back_mut() {
            Some((last, sum)) if *last == slot => *sum += ran_ms,
            _ => self.slots.push_back((slot, ran_ms)),
        }
    }

    /// What is left at `now_ms`, milliseconds.
    pub fn left_ms(&self, now_ms: u64) -> u64 {
        self.most_ms.saturating_sub(self.used_ms(now_ms))
    }

    /// Until a unit may begin or go on, milliseconds: 0 where it may now.
    pub fn wait_ms(&self, now_ms: u64) -> u64 {
        let wanted = (self.most_ms / BEGIN_ONE_IN).max(1);
        let mut missing = (self.used_ms(now_ms) + wanted).saturating_sub(self.most_ms);
        let mut wait_ms = 0;
        for (slot, ran) in self.counted(now_ms) {
            if missing == 0 {
                break;
            }
            missing = missing.saturating_sub(ran);
            wait_ms = end_ms(slot) - now_ms;
        }
        wait_ms
    }

    /// Slots that count at `now_ms`.
    fn counted(&self, now_ms: u64) -> impl Iterator<Item = (u64, u64)> {
        self.slots.iter().copied().filter(move |(slot, _)| end_ms(*slot) > now_ms)
    }

    fn used_ms(&self, now_ms: u64) -> u64 {
        self.counted(now_ms).map(|(_, ran)| ran).sum()
    }

    fn forget(&mut self, now_ms: u64) {
        while self.slots.front().is_some_and(|(slot, _)| end_ms(*slot) <= now_ms) {
            self.slots.pop_front();
        }
    }
}

/// From when on a slot does not count any more.
fn end_ms(slot: u64) -> u64 {
    (slot + 1) * SLOT_MS + WINDOW_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: u64 = 60_000;

    #[test]
    fn a_quarter_of_an_hour_may_run_in_an_hour() {
        let mut budget = Budget::new(250);
        assert_eq!((budget.left_ms(0), budget.wait_ms(0)), (15 * MINUTE_MS, 0));
        for second in 1..=900 {
            assert!(budget.left_ms(second * 1_000) > 0, "second {second}");
            budget.note(second * 1_000, 1_000);
        }
        assert_eq!(budget.left_ms(900_000), 0);
        // The first slot's nine seconds are the hundredth that has to be free.
        assert_eq!(budget.wait_ms(900_000), 10_000 + WINDOW_MS - 900_000);
        let then = 10_000 + WINDOW_MS;
        assert_eq!((budget.wait_ms(then), budget.left_ms(then)), (0, 9_000));
        assert_eq!(budget.left_ms(then + 15 * MINUTE_MS), 15 * MINUTE_MS);
    }

    #[test]
    fn no_hour_has_more_than_its_share_and_memory_stays_small() {
        let mut budget = Budget::new(250);
        let (mut running, mut ran) = (true, Vec::new());
        for second in 1..=20_000_u64 {
            let now = second * 1_000;
            running = if running { budget.left_ms(now) > 0 } else { budget.wait_ms(now) == 0 };
            if running {
                budget.note(now, 1_000);
                ran.push(second);
            }
            let hour = ran.iter().filter(|at| **at + 3_600 > second).count();
            assert!(hour <= 900, "{hour} seconds in the hour before {second}");
            assert!(budget.slots.len() <= 362, "{} slots", budget.slots.len());
        }
        assert!(ran.len() > 4_500, "{} seconds of 20,000 were used", ran.len());
    }

    #[test]
    fn what_could_not_be_held_back_is_waited_for() {
        let mut budget = Budget::new(1);
        budget.note(600_000, 600_000);
        assert_eq!(budget.left_ms(600_000), 0);
        assert_eq!(budget.wait_ms(600_000), 10_000 + WINDOW_MS);
        assert_eq!(budget.wait_ms(600_000 + 10_000 + WINDOW_MS), 0);
    }
}

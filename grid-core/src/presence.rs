//! What a device did over time: intervals from what it says, bounded in number, and their shares of the hours of a week.

use fallow_protocol::api::{AvailabilityCell, Interval, IntervalState};
use fallow_protocol::preferences::HOURS;

const SECOND_MS: u64 = 1_000;
const HOUR_MS: u64 = 3_600 * SECOND_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
const WEEK_MS: u64 = 7 * DAY_MS;
/// 1970-01-01 was a Thursday: so far was the Monday before.
const MONDAY_MS: u64 = 3 * DAY_MS;
/// A device that was away for no longer than this was there: connections break, servers restart.
pub const GAP_MS: u64 = 120 * SECOND_MS;
/// A device between two units works.
pub const WORKS_ON_MS: u64 = 60 * SECOND_MS;
/// Changes of state a day that are told apart; beyond, the present interval goes on.
pub const CHANGES_A_DAY_MAX: u32 = 500;
/// Days that intervals are kept.
pub const KEPT_DAYS: u64 = 400;
/// Weeks that the shares are made from.
pub const WEEKS: u64 = 8;

/// One device's present interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    open: Option<Interval>,
    worked_ms: Option<u64>,
    day: u64,
    changes: u32,
}

/// What hearing of a device changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Its interval goes on.
    Same,
    /// A new interval begins; the one before has ended so, where there was one.
    New(Option<Interval>),
}

impl Track {
    /// From the last interval that was kept, where there is one.
    pub fn new(last: Option<Interval>) -> Self {
        Self { open: last, ..Self::default() }
    }

    /// The present interval, up to when the device was last heard of.
    pub fn open(&self) -> Option<&Interval> {
        self.open.as_ref()
    }

    /// It says at `now_ms` what it does. Never [`IntervalState::Offline`]: that is what lies between intervals.
    pub fn hear(&mut self, now_ms: u64, state: IntervalState, reason: Option<&str>) -> Heard {
        let state = self.steady(now_ms, state);
        let open = self.open.as_mut().filter(|open| now_ms <= open.to_ms.saturating_add(GAP_MS));
        if let Some(open) = open {
            // A clock that was set back takes nothing away.
            open.to_ms = open.to_ms.max(now_ms);
            let same = open.state == state && same_reason(open.reason.as_deref(), reason);
            if same || !self.may_change(now_ms) {
                return Heard::Same;
            }
        }
        let now_ms = self.open.as_ref().map_or(now_ms, |open| now_ms.max(open.to_ms));
        let reason = reason.filter(|_| state == IntervalState::Paused).map(str::to_owned);
        Heard::New(self.open.replace(Interval { from_ms: now_ms, to_ms: now_ms, state, reason }))
    }

    fn steady(&mut self, now_ms: u64, state: IntervalState) -> IntervalState {
        match state {
            IntervalState::Working => self.worked_ms = Some(now_ms),
            IntervalState::Idle if self.worked_ms.is_some_and(|at| now_ms < at + WORKS_ON_MS) => {
                return IntervalState::Working;
            }
            _ => self.worked_ms = None,
        }
        state
    }

    fn may_change(&mut self, now_ms: u64) -> bool {
        let day = now_ms / DAY_MS;
        if day != self.day {
            (self.day, self.changes) = (day, 0);
        }
        self.changes += 1;
        self.changes <= CHANGES_A_DAY_MAX
    }
}

/// Whether two reasons are the same but for their numbers: a charge that falls is no new reason.
fn same_reason(one: Option<&str>, other: Option<&str>) -> bool {
    let words = |text: Option<&str>| text.map(|text| text.replace(|c: char| c.is_ascii_digit(), ""));
    words(one) == words(other)
}

/// All of the time from `from_ms` to `to_ms`: known intervals, ordered, cut to it, and `Offline` between them.
pub fn whole(known: Vec<Interval>, from_ms: u64, to_ms: u64) -> Vec<Interval> {
    let offline = |from_ms, to_ms| Interval { from_ms, to_ms, state: IntervalState::Offline, reason: None };
    let mut all = Vec::with_capacity(2 * known.len() + 1);
    let mut at = from_ms;
    for mut interval in known {
        interval.from_ms = interval.from_ms.clamp(at, to_ms.max(at));
        interval.to_ms = interval.to_ms.clamp(interval.from_ms, to_ms.max(interval.from_ms));
        if interval.from_ms > at {
            all.push(offline(at, interval.from_ms));
        }
        at = interval.to_ms;
        if interval.to_ms > interval.from_ms {
            all.push(interval);
        }
    }
    if to_ms > at {
        all.push(offline(at, to_ms));
    }
    all
}

/// Beginning of the day of `now_ms` where clocks show `utc_offset_min` more than UTC, milliseconds since 1970.
pub fn day_start(now_ms: u64, utc_offset_min: i32) -> u64 {
    let offset_ms = i64::from(utc_offset_min) * 60_000;
    let local = now_ms.saturating_add_signed(offset_ms);
    (local - local % DAY_MS).saturating_add_signed(-offset_ms)
}

/// The shares of each hour of the week, Monday 0:00 first, from `from_ms` to `to_ms`. The intervals are ordered and do
/// not overlap.
pub fn week(intervals: &[Interval], from_ms: u64, to_ms: u64, utc_offset_min: i32) -> Vec<AvailabilityCell> {
    let offset_ms = i64::from(utc_offset_min) * 60_000;
    let (mut seen, mut here, mut working) = (vec![0u64; HOURS], vec![0u64; HOURS], vec![0u64; HOURS]);
    spread(from_ms, to_ms, offset_ms, &mut seen);
    for interval in intervals {
        let (from, to) = (interval.from_ms.max(from_ms), interval.to_ms.min(to_ms));
        if matches!(interval.state, IntervalState::Idle | IntervalState::Working) {
            spread(from, to, offset_ms, &mut here);
        }
        if interval.state == IntervalState::Working {
            spread(from, to, offset_ms, &mut working);
        }
    }
    let share = |part: u64, of: u64| (part * 1_000).checked_div(of).map_or(0, |share| share.min(1_000) as u32);
    (0..HOURS)
        .map(|hour| AvailabilityCell {
            seen_s: seen[hour] / SECOND_MS,
            here_permille: share(here[hour], seen[hour]),
            working_permille: share(working[hour], seen[hour]),
        })
        .collect()
}

/// Add the milliseconds from `from_ms` to `to_ms` to their hours of the week.
fn spread(from_ms: u64, to_ms: u64, offset_ms: i64, hours: &mut [u64]) {
    let (mut at, to) = (from_ms.saturating_add_signed(offset_ms), to_ms.saturating_add_signed(offset_ms));
    while at < to {
        let next = (at / HOUR_MS + 1) * HOUR_MS;
        let hour = (at + MONDAY_MS) % WEEK_MS / HOUR_MS;
        hours[hour as usize] += next.min(to) - at;
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use IntervalState::{Idle, Offline, Paused, Working};

    fn interval(from_ms: u64, to_ms: u64, state: IntervalState) -> Interval {
        Interval { from_ms, to_ms, state, reason: None }
    }

    #[test]
    fn heartbeats_extend_and_changes_begin_anew() {
        let mut track = Track::default();
        assert_eq!(track.hear(1_000, Idle, None), Heard::New(None));
        assert_eq!(track.hear(11_000, Idle, None), Heard::Same);
        assert_eq!(track.hear(12_000, Working, None), Heard::New(Some(interval(1_000, 12_000, Idle))));
        assert_eq!(track.hear(13_000, Idle, None), Heard::Same, "between two units");
        let paused = Some("battery 41 % below 60 %");
        assert_eq!(track.hear(14_000, Paused, paused), Heard::New(Some(interval(12_000, 14_000, Working))));
        assert_eq!(track.hear(15_000, Paused, Some("battery 40 % below 60 %")), Heard::Same);
        assert_eq!(track.open().unwrap().reason.as_deref(), paused, "its first words");
        assert!(matches!(track.hear(16_000, Paused, Some("by its owner")), Heard::New(Some(_))));
    }

    #[test]
    fn a_short_absence_is_bridged_and_a_long_one_is_not() {
        let mut track = Track::new(Some(interval(0, 50_000, Idle)));
        assert_eq!(track.hear(50_000 + GAP_MS, Idle, None), Heard::Same);
        let end = track.open().unwrap().to_ms;
        assert_eq!(track.hear(end + GAP_MS + 1, Idle, None), Heard::New(Some(interval(0, end, Idle))));
        assert_eq!(track.open().unwrap().from_ms, end + GAP_MS + 1);
    }

    #[test]
    fn a_device_that_flickers_fills_no_disk() {
        let mut track = Track::default();
        let news = (0..10_000u64).filter(|at| {
            let reason = if at % 2 == 0 { "a" } else { "b" };
            track.hear(at * 1_000, Paused, Some(reason)) != Heard::Same
        });
        assert!(news.count() <= CHANGES_A_DAY_MAX as usize + 1);
    }

    #[test]
    fn what_lies_between_is_offline() {
        let all = whole(vec![interval(10, 20, Idle), interval(40, 90, Working)], 15, 80);
        assert_eq!(all, [interval(15, 20, Idle), interval(20, 40, Offline), interval(40, 80, Working)]);
        assert_eq!(whole(Vec::new(), 5, 7), [interval(5, 7, Offline)]);
    }

    #[test]
    fn hours_are_the_lenders_own() {
        // Thursday 1970-01-01, 23:30 UTC, for an hour, is Friday 1:30 to 2:30 two hours further east.
        let from = 23 * HOUR_MS + HOUR_MS / 2;
        let worked = [interval(from, from + HOUR_MS, Working)];
        let cells = week(&worked, from, from + 2 * HOUR_MS, 120);
        let hour = |day: usize, hour: usize| cells[day * 24 + hour];
        assert_eq!(hour(4, 1), AvailabilityCell { seen_s: 1_800, here_permille: 1_000, working_permille: 1_000 });
        assert_eq!(hour(4, 2), AvailabilityCell { seen_s: 3_600, here_permille: 500, working_permille: 500 });
        assert_eq!(cells.iter().map(|cell| cell.seen_s).sum::<u64>(), 7_200);
        assert_eq!(day_start(from, 120), DAY_MS - 2 * HOUR_MS);
        assert_eq!(day_start(from, 0), 0);
        assert_eq!(day_start(HOUR_MS + DAY_MS, -120), 2 * HOUR_MS);
    }

    proptest! {
        #[test]
        fn the_whole_time_is_covered_once(
            steps in proptest::collection::vec((1u64..5_000_000, 0u64..5_000_000, 0u8..3), 0..30),
            from in 0u64..20_000_000, len in 0u64..60_000_000, offset in -720i32..840,
        ) {
            // Clocks west of Greenwich show no time before 1970.
            let (from, mut at) = (7 * DAY_MS + from, 7 * DAY_MS);
            let known: Vec<Interval> = steps.iter().map(|(gap, len, state)| {
                let from = at + gap;
                at = from + len;
                interval(from, at, [Idle, Working, Paused][*state as usize])
            }).collect();
            let all = whole(known.clone(), from, from + len);
            let mut next = from;
            for part in &all {
                prop_assert!(part.from_ms == next && part.to_ms > part.from_ms);
                next = part.to_ms;
            }
            prop_assert_eq!(next, from + len);
            let cells = week(&known, from, from + len, offset);
            let seen: u64 = cells.iter().map(|cell| cell.seen_s).sum();
            // Each hour is rounded down to seconds.
            prop_assert!(seen <= len / 1_000 && len / 1_000 <= seen + 168);
            prop_assert!(cells.iter().all(|cell| cell.working_permille <= cell.here_permille && cell.here_permille <= 1_000));
        }

        #[test]
        fn what_is_heard_is_ordered(
            says in proptest::collection::vec((0u64..200_000, 0u8..3), 1..60),
        ) {
            let (mut track, mut at, mut end) = (Track::default(), 0, 0);
            for (step, state) in says {
                at += step;
                if let Heard::New(Some(closed)) = track.hear(at, [Idle, Working, Paused][state as usize], None) {
                    prop_assert!(closed.from_ms >= end && closed.to_ms >= closed.from_ms);
                    end = closed.to_ms;
                }
                prop_assert!(track.open().unwrap().from_ms >= end);
            }
        }
    }
}

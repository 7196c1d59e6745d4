//! States of devices on their way to the database: changes within a second or two, heartbeats in batches.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fallow_protocol::api::{Interval, IntervalState};
use fallow_protocol::link::OwnerWord;
use grid_core::presence::{Heard, Track};

/// Ended intervals that wait for a database that does not answer; beyond, the oldest are lost.
const WAITING_MAX: usize = 100_000;

/// What was heard and is not written.
#[derive(Debug, Default)]
pub struct Recorder {
    inner: Mutex<Inner>,
    /// Held while what was chosen for a device changes, so that memory follows the order of the database.
    pub(super) turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Inner {
    devices: HashMap<i64, Device>,
    ended: Vec<(i64, Interval)>,
    words: HashMap<i64, OwnerWord>,
}

#[derive(Debug)]
struct Device {
    track: Track,
    connected: bool,
    is_new: bool,
    is_longer: bool,
}

/// What is to be written.
#[derive(Debug, Default)]
pub struct Unwritten {
    /// Intervals, by node.
    pub intervals: Vec<(i64, Interval)>,
    /// What owners chose at their computers.
    pub words: Vec<(i64, OwnerWord)>,
    /// Nodes that are connected; only with everything.
    pub connected: Vec<i64>,
}

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node logged in; `last` is its last interval in the database.
    pub fn enter(&self, node: i64, last: Option<Interval>) {
        let fresh = Device { track: Track::new(last), connected: true, is_new: false, is_longer: false };
        self.lock().devices.entry(node).or_insert(fresh).connected = true;
    }

    /// A node says what it does.
    pub fn hear(&self, node: i64, now_ms: u64, state: IntervalState, reason: Option<&str>) {
        let mut inner = self.lock();
        let Inner { devices, ended, .. } = &mut *inner;
        let Some(device) = devices.get_mut(&node) else { return };
        match device.track.hear(now_ms, state, reason) {
            Heard::Same => device.is_longer = true,
            Heard::New(before) => {
                device.is_new = true;
                ended.extend(before.map(|before| (node, before)));
            }
        }
    }

    /// Its connection is gone.
    pub fn leave(&self, node: i64) {
        if let Some(device) = self.lock().devices.get_mut(&node) {
            (device.connected, device.is_longer) = (false, true);
        }
    }

    /// A node says what its owner chose.
    pub fn hear_word(&self, node: i64, word: OwnerWord) {
        self.lock().words.insert(node, word);
    }

    /// What is to be written now: changes, and with `all` how long the others last. Devices that have gone are
    /// forgotten with it.
    pub fn take(&self, all: bool) -> Unwritten {
        let mut inner = self.lock();
        let mut intervals = std::mem::take(&mut inner.ended);
        for (node, device) in &mut inner.devices {
            let due = device.is_new || device.is_longer && (all || !device.connected);
            if let (true, Some(open)) = (due, device.track.open()) {
                intervals.push((*node, open.clone()));
                (device.is_new, device.is_longer) = (false, false);
            }
        }
        // A row is named once in a statement: what was heard last of an interval counts.
        let last: BTreeMap<(i64, u64), Interval> =
            intervals.into_iter().map(|(node, interval)| ((node, interval.from_ms), interval)).collect();
        let intervals = last.into_iter().map(|((node, _), interval)| (node, interval)).collect();
        let connected = inner.devices.iter().filter(|(_, device)| all && device.connected).map(|(node, _)| *node);
        let connected = connected.collect();
        inner.devices.retain(|_, device| device.connected || device.is_new || device.is_longer);
        Unwritten { intervals, words: inner.words.drain().collect(), connected }
    }

    /// What could not be written waits for the next time.
    pub fn put_back(&self, unwritten: Unwritten) {
        let mut inner = self.lock();
        let mut ended = unwritten.intervals;
        ended.append(&mut inner.ended);
        let over = ended.len().saturating_sub(WAITING_MAX);
        inner.ended = ended.split_off(over);
        for (node, word) in unwritten.words {
            inner.words.entry(node).or_insert(word);
        }
    }

    /// What is known of a node beyond the database.
    pub fn fresh(&self, node: i64) -> Vec<Interval> {
        let inner = self.lock();
        let ended = inner.ended.iter().filter(|(of, _)| *of == node).map(|(_, interval)| interval.clone());
        let open = inner.devices.get(&node).and_then(|device| device.track.open()).cloned();
        ended.chain(open).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(from_ms: u64, to_ms: u64, state: IntervalState) -> Interval {
        Interval { from_ms, to_ms, state, reason: None }
    }

    #[test]
    fn a_row_is_named_once_in_a_turn() {
        use IntervalState::{Idle, Working};
        let recorder = Recorder::default();
        recorder.enter(1, None);
        recorder.hear(1, 10, Idle, None);
        recorder.hear(1, 10, Working, None);
        assert_eq!(recorder.take(false).intervals, [(1, interval(10, 10, Working))], "the last word counts");
        recorder.hear(1, 20, Idle, None);
        let taken = recorder.take(false);
        recorder.put_back(taken);
        recorder.hear(1, 30, Working, None);
        let taken = recorder.take(true).intervals;
        let begins: std::collections::BTreeSet<u64> = taken.iter().map(|(_, interval)| interval.from_ms).collect();
        assert_eq!(begins.len(), taken.len(), "{taken:?}");
    }

    #[test]
    fn changes_are_written_soon_and_heartbeats_together() {
        use IntervalState::{Idle, Working};
        let recorder = Recorder::default();
        recorder.hear(1, 5, Idle, None);
        assert!(recorder.take(true).intervals.is_empty(), "of whom nobody knows");
        recorder.enter(1, None);
        recorder.hear(1, 10, Idle, None);
        assert_eq!(recorder.take(false).intervals, [(1, interval(10, 10, Idle))]);
        recorder.hear(1, 20, Idle, None);
        assert!(recorder.take(false).intervals.is_empty());
        let all = recorder.take(true);
        assert_eq!((all.intervals, all.connected), (vec![(1, interval(10, 20, Idle))], vec![1]));
        recorder.hear(1, 30, Working, None);
        let both = [(1, interval(10, 30, Idle)), (1, interval(30, 30, Working))];
        let taken = recorder.take(false);
        assert_eq!(taken.intervals, both);
        recorder.put_back(taken);
        assert_eq!(recorder.fresh(1)[..2], both.clone().map(|(_, interval)| interval));
        recorder.leave(1);
        assert_eq!(recorder.take(false).intervals[..2], both);
        assert!(recorder.fresh(1).is_empty(), "it is forgotten once it is written");
    }
}

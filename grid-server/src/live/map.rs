//! A byte of state a unit, with a version that rises with each change, and the last changes as they were sent.

use std::collections::VecDeque;

use axum::body::Bytes;
use fallow_protocol::limits::JOB_UNITS_MAX;
use fallow_protocol::unit_map::{Run, runs};

/// Changes that are kept for those who come back, and their bytes.
const KEPT: usize = 1_024;
const KEPT_BYTES: usize = 1 << 20;

/// States of a stage's units.
#[derive(Debug, Default)]
pub struct UnitMap {
    states: Vec<u8>,
}

impl UnitMap {
    /// The states in order.
    pub fn states(&self) -> &[u8] {
        &self.states
    }

    /// Units from `first` on are in these states. Gives the runs that changed; units that are new always have.
    pub fn set(&mut self, first: u64, states: &[u8]) -> Vec<Run> {
        let past = first.saturating_add(states.len() as u64);
        if past > JOB_UNITS_MAX || states.is_empty() {
            return Vec::new();
        }
        let (known, first) = (self.states.len(), first as usize);
        if past as usize > known {
            self.states.resize(past as usize, 0);
        }
        let mut changed: Vec<Run> = Vec::new();
        // Units between that nobody told of were made before them.
        if first > known {
            changed.extend(runs(known as u64, &self.states[known..first]));
        }
        for (at, state) in (first..).zip(states) {
            if self.states[at] != *state || at >= known {
                self.states[at] = *state;
                push(&mut changed, at as u64, *state);
            }
        }
        changed
    }

    /// All states anew. None where units are gone, so that no runs can say it.
    pub fn replace(&mut self, states: Vec<u8>) -> Option<Vec<Run>> {
        if states.len() < self.states.len() {
            self.states = states;
            return None;
        }
        Some(self.set(0, &states))
    }
}

fn push(runs: &mut Vec<Run>, seq: u64, state: u8) {
    match runs.last_mut() {
        Some(run) if run.first + run.len == seq && run.state == state => run.len += 1,
        _ => runs.push(Run { first: seq, len: 1, state }),
    }
}

/// The last changes, each with the version that it leads to.
#[derive(Debug)]
pub struct Ring {
    version: u64,
    kept: VecDeque<(u64, Bytes)>,
    bytes: usize,
}

impl Ring {
    /// Nothing has changed since `version`.
    pub fn new(version: u64) -> Self {
        Self { version, kept: VecDeque::new(), bytes: 0 }
    }

    /// The newest version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The version that the next change leads to.
    pub fn next(&self) -> u64 {
        self.version + 1
    }

    /// Keep the change that leads to [`Ring::next`].
    pub fn push(&mut self, change: Bytes) {
        self.version += 1;
        self.bytes += change.len();
        self.kept.push_back((self.version, change));
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some((_, gone)) = self.kept.pop_front() else { return };
            self.bytes -= gone.len();
        }
    }

    /// A change that is not kept: whoever was behind has to begin anew.
    pub fn skip(&mut self) {
        *self = Self::new(self.version + 1);
    }

    /// The changes after a version; none where not all of them are kept, or the version is none of this map's.
    pub fn after(&self, version: u64) -> Option<Vec<(u64, Bytes)>> {
        let oldest = self.kept.front().map_or(self.version, |(first, _)| first - 1);
        if !(oldest..=self.version).contains(&version) {
            return None;
        }
        Some(self.kept.iter().filter(|(kept, _)| *kept > version).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_changed_is_told() {
        let mut map = UnitMap::default();
        assert_eq!(map.set(0, &[0; 5]), [Run { first: 0, len: 5, state: 0 }]);
        assert_eq!(map.set(1, &[1, 1, 0]), [Run { first: 1, len: 2, state: 1 }]);
        assert!(map.set(1, &[1, 1]).is_empty());
        assert_eq!(map.replace(vec![0, 1, 3, 0, 0, 0]).unwrap().len(), 2);
        assert_eq!(map.replace(vec![0]), None);
        assert_eq!(map.states(), [0]);
    }

    #[test]
    fn who_comes_back_in_time_misses_nothing() {
        let mut ring = Ring::new(10);
        assert_eq!(ring.after(10), Some(Vec::new()));
        assert_eq!((ring.after(9), ring.after(11)), (None, None));
        (0..3).for_each(|_| ring.push(Bytes::from_static(b"x")));
        assert_eq!(ring.after(11).unwrap().iter().map(|(version, _)| *version).collect::<Vec<_>>(), [12, 13]);
        (0..2 * KEPT).for_each(|_| ring.push(Bytes::from_static(b"x")));
        assert_eq!(ring.after(13), None);
        assert_eq!(ring.after(ring.version() - KEPT as u64).unwrap().len(), KEPT);
        ring.push(Bytes::from(vec![0; KEPT_BYTES]));
        assert_eq!(ring.after(ring.version() - 1).unwrap().len(), 1);
        ring.push(Bytes::from(vec![0; KEPT_BYTES + 1]));
        assert_eq!((ring.after(ring.version() - 1), ring.after(ring.version())), (None, Some(Vec::new())));
        ring.skip();
        assert_eq!((ring.after(ring.version() - 1), ring.after(ring.version())), (None, Some(Vec::new())));
    }

    proptest! {
        #[test]
        fn runs_lead_from_one_state_to_the_next(
            steps in proptest::collection::vec((0u64..40, proptest::collection::vec(0u8..7, 0..20)), 1..20)
        ) {
            let (mut map, mut other) = (UnitMap::default(), Vec::new());
            for (first, states) in steps {
                for run in map.set(first, &states) {
                    let past = (run.first + run.len) as usize;
                    prop_assert!(run.first as usize <= other.len(), "a gap");
                    if past > other.len() {
                        other.resize(past, 0);
                    }
                    other[run.first as usize..past].fill(run.state);
                }
                prop_assert_eq!(map.states(), &other[..]);
            }
        }
    }
}

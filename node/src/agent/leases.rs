//! Leases that the node still answers for: with units that it holds, or results that are not committed yet.
//!
//! Every id in this table is mentioned in each status, which renews it at the server.

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    held: u32,
    uncommitted: u32,
}

/// The table.
#[derive(Debug, Default)]
pub struct Leases {
    counts: BTreeMap<u64, Count>,
    frames: BTreeMap<u64, Vec<(u64, u32)>>,
}

impl Leases {
    /// `units` more are held under a lease.
    pub fn hold(&mut self, lease: u64, units: u32) {
        if units > 0 {
            self.counts.entry(lease).or_default().held += units;
        }
    }

    /// One of its units is not held any more, without a result.
    pub fn release(&mut self, lease: u64) {
        self.change(lease, |count| count.held = count.held.saturating_sub(1));
    }

    /// One of its units has a result that waits for its commit.
    pub fn reported(&mut self, lease: u64) {
        let count = self.counts.entry(lease).or_default();
        count.held = count.held.saturating_sub(1);
        count.uncommitted += 1;
    }

    /// Results that were reported went into this frame.
    pub fn framed(&mut self, frame: u64, leases: Vec<(u64, u32)>) {
        self.frames.insert(frame, leases);
    }

    /// A frame from an earlier run of the node, found in the spool.
    pub fn restored(&mut self, frame: u64, leases: Vec<(u64, u32)>) {
        for (lease, results) in &leases {
            self.counts.entry(*lease).or_default().uncommitted += results;
        }
        self.framed(frame, leases);
    }

    /// The server has the frame. False where it is not known (any more).
    pub fn committed(&mut self, frame: u64) -> bool {
        let Some(leases) = self.frames.remove(&frame) else { return false };
        for (lease, results) in leases {
            self.change(lease, |count| count.uncommitted = count.uncommitted.saturating_sub(results));
        }
        true
    }

    /// All ids, rising.
    pub fn ids(&self) -> Vec<u64> {
        self.counts.keys().copied().collect()
    }

    /// Leases in the table.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Frames that wait for their commit.
    pub fn frames_uncommitted(&self) -> usize {
        self.frames.len()
    }

    fn change(&mut self, lease: u64, change: impl FnOnce(&mut Count)) {
        if let Some(count) = self.counts.get_mut(&lease) {
            change(count);
            if *count == Count::default() {
                self.counts.remove(&lease);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_lives_until_its_last_result_is_committed() {
        let mut leases = Leases::default();
        leases.hold(7, 2);
        leases.reported(7);
        leases.release(7);
        assert_eq!(leases.ids(), [7]);
        leases.framed(1, vec![(7, 1)]);
        assert!(leases.committed(1));
        assert_eq!(leases.ids(), [0u64; 0]);
        assert!(!leases.committed(1), "a second commit changes nothing");
    }

    #[test]
    fn spooled_frames_keep_their_leases_alive() {
        let mut leases = Leases::default();
        leases.restored(9, vec![(3, 10), (4, 1)]);
        assert_eq!(leases.ids(), [3, 4]);
        leases.committed(9);
        assert_eq!((leases.len(), leases.frames_uncommitted()), (0, 0));
    }
}

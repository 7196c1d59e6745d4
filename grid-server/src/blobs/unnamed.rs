//! What nodes have announced or uploaded and no unit names yet: bounded, so that no node fills the disk.
//!
//! In memory only: a restart begins anew, and unowned blobs are swept away after some hours anyway. Whether a blob is
//! named meanwhile is the store's matter; the caller asks it about the blobs that it is told to look at.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fallow_protocol::Digest;

/// A file takes at least so much of the disk and of our memory.
const COST_MIN: u64 = 64 * 1024;
/// Blobs looked at with each new one, so that the list stays short.
const LOOK_FEW: usize = 4;
/// Blobs looked at where there is no room.
const LOOK_MANY: usize = 256;

/// Such blobs of all nodes.
#[derive(Debug, Default)]
pub struct Unnamed {
    nodes: Mutex<HashMap<i64, List>>,
}

#[derive(Debug, Default)]
struct List {
    blobs: BTreeMap<Digest, u64>,
    bytes: u64,
    /// Where looking goes on.
    cursor: Option<Digest>,
}

/// Whether a blob was taken in.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// It was, or had been before.
    pub taken: bool,
    /// Some of the node's blobs: release those that are named or gone.
    pub look_at: Vec<Digest>,
}

impl Unnamed {
    fn lock(&self) -> MutexGuard<'_, HashMap<i64, List>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Count a blob of `len` bytes, where the node's stay within `most` bytes.
    pub fn add(&self, node: i64, digest: Digest, len: u64, most: u64) -> Answer {
        let mut nodes = self.lock();
        let list = nodes.entry(node).or_default();
        let cost = len.max(COST_MIN);
        let before = list.blobs.get(&digest).copied().unwrap_or(0);
        let bytes = (list.bytes - before).saturating_add(cost);
        if bytes > most && cost > before {
            return Answer { taken: false, look_at: list.look(LOOK_MANY) };
        }
        let look_at = if before == 0 { list.look(LOOK_FEW) } else { Vec::new() };
        list.blobs.insert(digest, cost);
        list.bytes = bytes;
        Answer { taken: true, look_at }
    }

    /// Do not count these any more.
    pub fn release(&self, node: i64, digests: &[Digest]) {
        let mut nodes = self.lock();
        let Some(list) = nodes.get_mut(&node) else { return };
        for digest in digests {
            list.bytes -= list.blobs.remove(digest).unwrap_or(0);
        }
        if list.blobs.is_empty() {
            nodes.remove(&node);
        }
    }
}

impl List {
    /// The next few, round and round.
    fn look(&mut self, count: usize) -> Vec<Digest> {
        let from = self.cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found: Vec<Digest> =
            self.blobs.range((from, Bound::Unbounded)).map(|(digest, _)| *digest).take(count).collect();
        if found.is_empty() {
            found = self.blobs.keys().copied().take(count).collect();
        }
        self.cursor = found.last().copied();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_room_again_once_its_blobs_are_named() {
        let unnamed = Unnamed::default();
        let (one, two) = (Digest([1; 32]), Digest([2; 32]));
        let most = 3 * COST_MIN;
        assert!(unnamed.add(7, one, 2 * COST_MIN, most).taken);
        assert!(unnamed.add(7, one, 2 * COST_MIN, most).taken, "the same once more costs nothing");
        let full = unnamed.add(7, two, 2 * COST_MIN, most);
        assert_eq!(full, Answer { taken: false, look_at: vec![one] });
        assert!(unnamed.add(8, two, 2 * COST_MIN, most).taken, "each node has its own room");
        assert!(unnamed.add(7, two, 1, most).taken);
        unnamed.release(7, &[one, two]);
        assert!(unnamed.add(7, two, 3 * COST_MIN, most).taken);
        unnamed.release(7, &[one, two]);
        unnamed.release(8, &[two]);
        assert!(unnamed.lock().is_empty());
    }

    #[test]
    fn all_are_looked_at_in_turn() {
        let unnamed = Unnamed::default();
        let mut seen = std::collections::HashSet::new();
        for n in 0..40 {
            seen.extend(unnamed.add(1, Digest([n; 32]), 1, u64::MAX).look_at);
        }
        for _ in 0..2 {
            seen.extend(unnamed.add(1, Digest([99; 32]), 1, 1).look_at);
        }
        assert_eq!(seen.len(), 40);
    }
}

//! What a node holds: its leases with the units that are still out, and the blobs that it may read for them.

use std::collections::{HashMap, HashSet};

use fallow_protocol::Digest;

use crate::store::leases::LeaseRow;

/// A lease in memory.
#[derive(Clone, Debug)]
pub struct Held {
    /// As it lies in the database; its expiry there may be older.
    pub row: LeaseRow,
    /// First attempts of this run of units, one past the last.
    pub fresh: (u64, u64),
    /// Later attempts, by unit.
    pub picked: HashSet<u64>,
    /// Units that are out.
    pub left: u64,
    /// When it ends unless its node names it, milliseconds since 1970.
    pub expires_at_ms: u64,
    /// Blobs of its units' inputs and checkpoints; none where it was given before a restart and not asked for since.
    pub blobs: Option<HashSet<Digest>>,
}

impl Held {
    /// First attempts come from a run of units, later ones are picked.
    fn names(&self, seq: u64, attempt: u32) -> bool {
        match attempt {
            1 => (self.fresh.0..self.fresh.1).contains(&seq),
            _ => self.picked.contains(&seq),
        }
    }
}

/// All leases of a node.
#[derive(Debug, Default)]
pub struct Leases {
    by_id: HashMap<u64, Held>,
}

impl Leases {
    /// Add a lease.
    pub fn insert(&mut self, held: Held) {
        self.by_id.insert(held.row.id, held);
    }

    /// Forget a lease.
    pub fn remove(&mut self, id: u64) -> Option<Held> {
        self.by_id.remove(&id)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Held> {
        self.by_id.values()
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Held> {
        self.by_id.values_mut()
    }

    /// One of them.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut Held> {
        self.by_id.get_mut(&id)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether a lease names this attempt.
    pub fn holds(&self, job: i64, stage: u16, seq: u64, attempt: u32) -> bool {
        let of_stage = |held: &&Held| held.row.job == job && held.row.stage == stage && held.left > 0;
        self.by_id.values().filter(of_stage).any(|held| held.names(seq, attempt))
    }

    /// Whether a lease names this unit, whatever the attempt.
    pub fn holds_unit(&self, job: i64, stage: u16, seq: u64) -> bool {
        let of_stage = |held: &&Held| held.row.job == job && held.row.stage == stage && held.left > 0;
        let names = |held: &Held| (held.fresh.0..held.fresh.1).contains(&seq) || held.picked.contains(&seq);
        self.by_id.values().filter(of_stage).any(names)
    }

    /// A unit's attempt ended: count it off its lease. First attempts come from runs, later ones from picked units.
    pub fn settle(&mut self, job: i64, stage: u16, seq: u64, attempt: u32) {
        let of_stage = |held: &&mut Held| held.row.job == job && held.row.stage == stage && held.left > 0;
        if let Some(held) = self.by_id.values_mut().filter(of_stage).find(|held| held.names(seq, attempt)) {
            held.picked.remove(&seq);
            held.left -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(id: u64, fresh: (u64, u64), picked: &[u64]) -> Held {
        let row = LeaseRow { id, node: 1, job: 2, stage: 1, first_seq: 0, last_seq: 99, expires_at_ms: 0 };
        let left = fresh.1 - fresh.0 + picked.len() as u64;
        Held { row, fresh, picked: picked.iter().copied().collect(), left, expires_at_ms: 0, blobs: None }
    }

    #[test]
    fn each_unit_counts_off_its_own_lease() {
        let mut leases = Leases::default();
        leases.insert(held(1, (0, 10), &[]));
        leases.insert(held(2, (10, 10), &[3]));
        leases.settle(2, 1, 3, 1);
        leases.settle(2, 1, 3, 2);
        leases.settle(2, 1, 3, 2);
        leases.settle(2, 2, 4, 1);
        assert_eq!(leases.get_mut(1).unwrap().left, 9);
        assert_eq!(leases.get_mut(2).unwrap().left, 0);
    }

    #[test]
    fn a_unit_is_held_by_the_lease_that_names_it() {
        let mut leases = Leases::default();
        leases.insert(held(1, (5, 10), &[]));
        leases.insert(held(2, (10, 10), &[3]));
        let held: Vec<u64> = (0..20).filter(|seq| leases.holds_unit(2, 1, *seq)).collect();
        assert_eq!(held, [3, 5, 6, 7, 8, 9]);
        assert!(!leases.holds_unit(3, 1, 5), "another job's");
        assert!(!leases.holds_unit(2, 2, 5), "another stage's");
        leases.settle(2, 1, 3, 2);
        assert!(!leases.holds_unit(2, 1, 3), "it has ended");
    }
}

//! Numbers of attempts as nodes see them: shifted by a secret of the job, unit by unit, so that a check, which is
//! never a unit's first attempt, looks like any other unit.

use fallow_protocol::digest::FieldHasher;
use fallow_protocol::unit::UnitKey;

/// A job's secret; never told to a node or an author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask(pub u64);

impl Mask {
    /// The number that a node is told instead of `attempt`.
    pub fn shown(self, key: UnitKey, attempt: u32) -> u32 {
        self.shift(key).wrapping_add(attempt)
    }

    /// The attempt behind a number that a node tells. What a node makes up becomes an attempt that nobody waits for.
    pub fn attempt(self, key: UnitKey, shown: u32) -> u32 {
        shown.wrapping_sub(self.shift(key))
    }

    /// Half the range, so that later attempts of a unit have larger numbers.
    fn shift(self, key: UnitKey) -> u32 {
        let hash = FieldHasher::new("fallow attempt v1").u64(self.0).u64(u64::from(key.stage)).u64(key.seq).finish();
        u32::from_le_bytes([hash.0[0], hash.0[1], hash.0[2], hash.0[3]]) >> 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_numbers_come_back_and_say_nothing() {
        let key = |seq| UnitKey { stage: 1, seq };
        let mask = Mask(7);
        for seq in 0..1_000 {
            for attempt in [1, 2, 9] {
                assert_eq!(mask.attempt(key(seq), mask.shown(key(seq), attempt)), attempt);
            }
            assert!(mask.shown(key(seq), 2) > mask.shown(key(seq), 1));
        }
        let firsts: std::collections::HashSet<u32> = (0..1_000).map(|seq| mask.shown(key(seq), 1)).collect();
        assert!(firsts.len() > 990, "units of one job look alike: {}", firsts.len());
        assert_ne!(mask.shown(key(0), 1), Mask(8).shown(key(0), 1), "another job's secret");
    }
}

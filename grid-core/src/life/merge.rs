//! The tree of merges: which parts each merge unit joins.

/// One level of the tree: `parts` parts joined by `groups` units, as evenly as possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeLevel {
    parts: u64,
    groups: u64,
}

/// The next level over `parts` parts, at most `fan_in` (at least 2) a unit.
pub fn merge_level(parts: u64, fan_in: u64) -> MergeLevel {
    MergeLevel { parts, groups: parts.div_ceil(fan_in.max(2)).max(1) }
}

impl MergeLevel {
    /// Number of merge units on this level.
    pub fn groups(&self) -> u64 {
        self.groups
    }

    /// Whether its only unit makes the job's result (`Call::MergeLast`).
    pub fn is_last(&self) -> bool {
        self.groups == 1
    }

    /// The parts that unit `n` joins: their numbers in the stage below.
    pub fn group(&self, n: u64) -> std::ops::Range<u64> {
        let bound = |n: u64| (u128::from(self.parts) * u128::from(n) / u128::from(self.groups)) as u64;
        bound(n.min(self.groups))..bound((n + 1).min(self.groups))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parts: u64, fan_in: u64, groups: u64) {
        let level = merge_level(parts, fan_in);
        assert_eq!(level.groups(), groups, "{parts} parts by {fan_in}");
        let mut next = 0;
        for n in 0..groups {
            let group = level.group(n);
            assert_eq!(group.start, next);
            assert!(group.end - group.start <= fan_in && (!group.is_empty() || parts == 0));
            next = group.end;
        }
        assert_eq!(next, parts);
    }

    #[test]
    fn groups_cover_all_parts_in_order() {
        check(1, 256, 1);
        check(256, 256, 1);
        check(257, 256, 2);
        check(1_000, 3, 334);
        check(65_537, 256, 257);
        check(0, 256, 1);
    }

    #[test]
    fn a_tree_of_the_largest_job_has_three_levels() {
        let mut parts = fallow_protocol::limits::JOB_UNITS_MAX;
        let mut levels = 0;
        loop {
            let level = merge_level(parts, fallow_protocol::limits::MERGE_FAN_IN);
            levels += 1;
            if level.is_last() {
                break;
            }
            parts = level.groups();
        }
        assert_eq!(levels, 3);
    }
}

//! Which units have to be read again: ranges, joined where they lie close together, bounded in number.

/// Ranges that are kept; with more, everything is read again.
const RANGES_MAX: usize = 65_536;
/// Units between two ranges that are rather read than left out.
const GAP: u64 = 8;

/// Units whose states may have changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dirty {
    all: bool,
    ranges: Vec<(u64, u64)>,
}

/// What has to be read again.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    Nothing,
    /// These ranges, in order and apart from each other: first, and one past the last.
    Ranges(Vec<(u64, u64)>),
    /// Every unit.
    All,
}

impl Dirty {
    /// Everything.
    pub fn everything() -> Self {
        Self { all: true, ranges: Vec::new() }
    }

    /// Units from `first` to before `past`.
    pub fn mark(&mut self, first: u64, past: u64) {
        if self.all || first >= past {
            return;
        }
        match self.ranges.last_mut() {
            Some(last) if first >= last.0 && first <= last.1 => last.1 = last.1.max(past),
            _ => self.ranges.push((first, past)),
        }
        if self.ranges.len() > RANGES_MAX {
            self.mark_all();
        }
    }

    /// Everything.
    pub fn mark_all(&mut self) {
        *self = Self::everything();
    }

    /// What has to be read, which is then clean.
    pub fn take(&mut self) -> Wanted {
        let Self { all, mut ranges } = std::mem::take(self);
        if all {
            return Wanted::All;
        }
        if ranges.is_empty() {
            return Wanted::Nothing;
        }
        ranges.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (first, past) in ranges {
            match joined.last_mut() {
                Some(last) if first <= last.1.saturating_add(GAP) => last.1 = last.1.max(past),
                _ => joined.push((first, past)),
            }
        }
        Wanted::Ranges(joined)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_are_joined() {
        let mut dirty = Dirty::default();
        for seq in [5, 6, 7, 100, 3, 7] {
            dirty.mark(seq, seq + 1);
        }
        assert_eq!(dirty.take(), Wanted::Ranges(vec![(3, 8), (100, 101)]));
        assert_eq!(dirty.take(), Wanted::Nothing);
    }

    #[test]
    fn too_many_are_all() {
        let mut dirty = Dirty::default();
        (0..=RANGES_MAX as u64).for_each(|at| dirty.mark(at * 100, at * 100 + 1));
        dirty.mark(1, 2);
        assert_eq!(dirty.take(), Wanted::All);
        assert_eq!(dirty, Dirty::default());
    }

    proptest! {
        #[test]
        fn nothing_that_was_marked_is_forgotten(marks in proptest::collection::vec((0u64..500, 0u64..20), 0..50)) {
            let mut dirty = Dirty::default();
            marks.iter().for_each(|(first, len)| dirty.mark(*first, first + len));
            let ranges = match dirty.take() { Wanted::Ranges(ranges) => ranges, _ => Vec::new() };
            for (first, len) in marks {
                prop_assert!((first..first + len).all(|seq| ranges.iter().any(|(a, b)| (*a..*b).contains(&seq))));
            }
            prop_assert!(ranges.windows(2).all(|pair| pair[0].1 + GAP < pair[1].0), "{ranges:?}");
        }
    }
}

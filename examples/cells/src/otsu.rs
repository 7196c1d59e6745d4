//! The threshold that parts two classes best (Otsu, IEEE Trans. SMC 9, 1979), from a histogram of 256 bins.
//! Owns the histogram too, which is filled row by row, so that a large channel never has to be kept.

/// Bins of the histogram.
pub const BINS: usize = 256;

/// Counts of values between a lowest and a highest one.
pub struct Histogram {
    low: f64,
    high: f64,
    counts: [u64; BINS],
}

impl Histogram {
    /// An empty one for values from `low` to `high`, both included.
    pub fn new(low: f32, high: f32) -> Self {
        Histogram { low: low.into(), high: high.into(), counts: [0; BINS] }
    }

    /// Count these values. The last bin includes its upper edge.
    pub fn add(&mut self, values: &[f32]) {
        let scale = BINS as f64 / (self.high - self.low).max(f64::MIN_POSITIVE);
        for &value in values {
            let bin = ((f64::from(value) - self.low) * scale) as usize;
            self.counts[bin.min(BINS - 1)] += 1;
        }
    }

    /// The centre of the bin after which the classes differ most; values above it are the upper class.
    /// Where all values are equal, that value.
    pub fn threshold(&self) -> f32 {
        if self.high <= self.low {
            return self.low as f32;
        }
        let total: f64 = self.counts.iter().map(|&count| count as f64).sum();
        let moment: f64 = (0..BINS).map(|bin| self.moment(bin)).sum();
        let (mut below, mut moment_below) = (0.0, 0.0);
        let (mut best, mut best_bin) = (-1.0, 0);
        for bin in 0..BINS - 1 {
            below += self.counts[bin] as f64;
            moment_below += self.moment(bin);
            let above = total - below;
            let gap = moment_below / below - (moment - moment_below) / above;
            let between = below * above * gap * gap;
            if between > best {
                (best, best_bin) = (between, bin);
            }
        }
        self.centre(best_bin) as f32
    }

    fn centre(&self, bin: usize) -> f64 {
        self.low + (bin as f64 + 0.5) * (self.high - self.low) / BINS as f64
    }

    fn moment(&self, bin: usize) -> f64 {
        self.counts[bin] as f64 * self.centre(bin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_heaps_are_parted_between_them() {
        let mut histogram = Histogram::new(0.0, 1.0);
        histogram.add(&[0.0, 0.1, 0.12, 0.11]);
        histogram.add(&[0.9, 0.88, 0.91, 1.0]);
        let threshold = histogram.threshold();
        assert!((0.11..0.88).contains(&threshold), "{threshold}");
    }

    #[test]
    fn equal_values_are_their_own_threshold() {
        let mut histogram = Histogram::new(0.25, 0.25);
        histogram.add(&[0.25; 5]);
        assert_eq!(histogram.threshold(), 0.25);
    }

    #[test]
    fn the_highest_value_is_counted() {
        let mut histogram = Histogram::new(0.0, 2.0);
        histogram.add(&[0.0, 2.0]);
        assert_eq!((histogram.counts[0], histogram.counts[BINS - 1]), (1, 1));
    }
}

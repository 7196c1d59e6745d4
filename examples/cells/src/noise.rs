//! How noisy a channel is: the standard deviation of its noise after Immerkær (Computer Vision and Image Understanding 64, 1996),
//! from the response of a mask that does not see edges. Rows come one by one, so that a large channel never has to be kept.

/// Sums the response over rows given in order.
pub struct NoiseMeter {
    width: usize,
    rows: u64,
    /// The two rows before, older first.
    before: [Vec<f32>; 2],
    down: Vec<f32>,
    sum: f64,
}

impl NoiseMeter {
    /// For rows of `width` pixels.
    pub fn new(width: usize) -> Self {
        NoiseMeter { width, rows: 0, before: [vec![0.0; width], vec![0.0; width]], down: vec![0.0; width], sum: 0.0 }
    }

    /// The next row.
    pub fn add(&mut self, row: &[f32]) {
        if self.rows >= 2 && self.width >= 3 {
            self.sum += response(&self.before[0], &self.before[1], row, &mut self.down);
        }
        self.before.swap(0, 1);
        self.before[1].copy_from_slice(row);
        self.rows += 1;
    }

    /// The standard deviation; 0 where there are less than three rows or columns.
    pub fn sigma(&self) -> f32 {
        let inner = self.width.saturating_sub(2) as f64 * self.rows.saturating_sub(2) as f64;
        if inner == 0.0 {
            return 0.0;
        }
        ((std::f64::consts::PI / 2.0).sqrt() * self.sum / (6.0 * inner)) as f32
    }
}

/// Absolute response of the mask `1 -2 1 / -2 4 -2 / 1 -2 1` to the middle one of three rows, summed.
/// The mask is the second difference down, then across; `down` is a buffer for the first.
fn response(above: &[f32], middle: &[f32], below: &[f32], down: &mut [f32]) -> f64 {
    for (((out, a), m), b) in down.iter_mut().zip(above).zip(middle).zip(below) {
        *out = (a + b) - (m + m);
    }
    let count = down.len() - 2;
    let (left, middle, right) = (&down[..count], &down[1..=count], &down[2..]);
    // Eight sums side by side, which a processor can make at once.
    let mut sums = [0.0f32; 8];
    for start in (0..count).step_by(8) {
        let lanes = start..count.min(start + 8);
        let across = left[lanes.clone()].iter().zip(&middle[lanes.clone()]).zip(&right[lanes]);
        for (sum, ((l, m), r)) in sums.iter_mut().zip(across) {
            *sum += ((l + r) - (m + m)).abs();
        }
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sigma(width: usize, height: usize, value: impl Fn(usize, usize) -> f32) -> f32 {
        let mut meter = NoiseMeter::new(width);
        for y in 0..height {
            meter.add(&(0..width).map(|x| value(x, y)).collect::<Vec<_>>());
        }
        meter.sigma()
    }

    #[test]
    fn slopes_and_edges_are_no_noise() {
        assert_eq!(sigma(8, 8, |x, y| (2 * x + 3 * y) as f32), 0.0);
        assert_eq!(sigma(8, 8, |x, _| if x < 4 { 0.0 } else { 1.0 }), 0.0);
    }

    #[test]
    fn one_bright_pixel_is_noise() {
        // The mask's absolute values sum to 16, over 36 inner pixels.
        let expected = (std::f32::consts::PI / 2.0).sqrt() * 16.0 / (6.0 * 36.0);
        let found = sigma(8, 8, |x, y| if (x, y) == (4, 4) { 1.0 } else { 0.0 });
        assert!((found - expected).abs() < 1e-6);
    }

    #[test]
    fn tiny_pictures_have_none() {
        assert_eq!(sigma(2, 9, |x, _| x as f32), 0.0);
    }
}

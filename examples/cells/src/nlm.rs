//! Non-local means: each pixel becomes the mean of the pixels around it, weighted by how alike their patches are
//! (Buades, Coll and Morel, CVPR 2005; by shifts after Darbon and others, ISBI 2008).
//!
//! The result is that of scikit-image's `denoise_nl_means(patch_size=5, patch_distance=6, h=h, fast_mode=True)` up to the rounding of `f32`,
//! with what is particular to that mode: a patch is summed over 4 x 4 pixels (from one before to two after the pixel) but divided by 25,
//! distances over 5 weigh nothing, and the exponential is Schraudolph's (Neural Computation 11, 1999).
//! Each pair of pixels is weighed once. What a pixel becomes does not depend on where the tile begins.

use crate::image::Plane;

/// Furthest shift, pixels.
const DISTANCE: usize = 6;
/// Pixels mirrored around the picture: a shift, two for the patch, and one that is spare as in scikit-image.
const PAD: usize = DISTANCE + 3;
/// Side of a patch, squared, as the distance is divided by it.
const PATCH_AREA: f32 = 25.0;
/// Patches further apart than this weigh nothing.
const CUTOFF: f32 = 5.0;
/// Rows that are worked on together: few enough to stay in the cache, many enough that the rows above cost little.
const BAND: usize = 64;

/// Units of the exponent in [`weight`]: 2^19 / ln 2 for each unit of distance.
const EXPONENT_SCALE: f32 = 756_388.0;
/// Adding it to a number of at most 22 bits leaves that number, rounded, in the low bits.
const ROUNDER: f32 = 12_582_912.0;
/// Exponent of 1, less Schraudolph's correction (60,801 of 2^20), less what [`ROUNDER`] leaves in the bits.
const EXPONENT_BIAS: u32 = (127u32 << 23).wrapping_sub(60_801 * 8).wrapping_sub(0x4b40_0000u32 << 4);

/// Denoise with cut-off `h`, in the units of the picture. Where `h` is not above 0, the picture as it is.
pub fn denoise(picture: &Plane<f32>, h: f32) -> Plane<f32> {
    if h.is_nan() || h <= 0.0 || picture.data.is_empty() {
        return picture.clone();
    }
    let padded = pad(picture);
    let mut work = Work::new(picture.width, -EXPONENT_SCALE / (h * h * PATCH_AREA));
    let mut out = Plane::filled(picture.width, picture.height, 0.0);
    for first in (0..picture.height).step_by(BAND) {
        let rows = first..picture.height.min(first + BAND);
        work.band(&padded, rows.clone());
        let part = &mut out.data[rows.start * picture.width..rows.end * picture.width];
        for ((value, sum), weight) in part.iter_mut().zip(&work.sums).zip(&work.weights) {
            *value = sum / weight;
        }
    }
    out
}

/// A shift: rows down (never negative) and columns right. With its opposite, it names a pair of pixels.
#[derive(Clone, Copy)]
struct Shift {
    down: usize,
    right: isize,
}

impl Shift {
    /// Half of the shifts within [`DISTANCE`], without their opposites and without none.
    fn all() -> impl Iterator<Item = Shift> {
        let far = DISTANCE as isize;
        let rows = (0..=DISTANCE).flat_map(move |down| (-far..=far).map(move |right| Shift { down, right }));
        rows.filter(|shift| shift.down > 0 || shift.right > 0)
    }

    /// Columns left of the tile whose weight is needed: a pixel at the left edge is the shifted one of a pair there.
    fn left(&self) -> usize {
        self.right.max(0) as usize
    }

    /// Weights a row.
    fn count(&self, width: usize) -> usize {
        width + self.right.unsigned_abs()
    }
}

/// Buffers of one band of rows.
struct Work {
    width: usize,
    /// From a patch's sum of squares to the exponent of its weight; negative.
    scale: f32,
    /// Weighted sums, and sums of weights, of the band's pixels.
    sums: Vec<f32>,
    weights: Vec<f32>,
    /// Weights of one shift: rows of the band, preceded by as many as the shift goes down.
    pairs: Vec<f32>,
    patch: PatchRows,
}

impl Work {
    fn new(width: usize, scale: f32) -> Self {
        let widest = width + DISTANCE;
        let pairs = vec![0.0; (BAND + DISTANCE) * widest];
        Work { width, scale, sums: Vec::new(), weights: Vec::new(), pairs, patch: PatchRows::new(widest) }
    }

    /// Sums for the given rows of the picture.
    fn band(&mut self, padded: &Plane<f32>, rows: std::ops::Range<usize>) {
        self.weights = vec![1.0; rows.len() * self.width];
        self.sums = rows.clone().flat_map(|y| &padded.row(y + PAD)[PAD..PAD + self.width]).copied().collect();
        for shift in Shift::all() {
            self.weigh(padded, rows.clone(), shift);
            self.gather(padded, rows.clone(), shift);
        }
    }

    /// Fill `pairs` with the weights of pixels and those `shift` away from them.
    fn weigh(&mut self, padded: &Plane<f32>, rows: std::ops::Range<usize>, shift: Shift) {
        let count = shift.count(self.width);
        let first_column = PAD - 1 - shift.left();
        let here = first_column..first_column + count + 3;
        let there = here.start.strict_add_signed(shift.right)..here.end.strict_add_signed(shift.right);
        // The patch of the first row begins one row above it; three rows later its sum is complete.
        let first = rows.start + PAD - shift.down - 1;
        let mut spare = vec![0.0; count];
        for step in 0..rows.len() + shift.down + 3 {
            let (near, far) = (padded.row(first + step), padded.row(first + step + shift.down));
            let out = match step.checked_sub(3) {
                Some(row) => &mut self.pairs[row * count..(row + 1) * count],
                None => &mut spare[..],
            };
            self.patch.next(&near[here.clone()], &far[there.clone()], self.scale, out);
        }
    }

    /// Add to each pixel both pixels that `shift` joins it with.
    fn gather(&mut self, padded: &Plane<f32>, rows: std::ops::Range<usize>, shift: Shift) {
        let (width, count, left) = (self.width, shift.count(self.width), shift.left());
        let behind = left.strict_add_signed(-shift.right);
        for (index, y) in rows.enumerate() {
            let ahead_weights = &self.pairs[(index + shift.down) * count + left..][..width];
            let behind_weights = &self.pairs[index * count + behind..][..width];
            let ahead = &padded.row(y + PAD + shift.down)[PAD.strict_add_signed(shift.right)..][..width];
            let behind = &padded.row(y + PAD - shift.down)[PAD.strict_add_signed(-shift.right)..][..width];
            let out = index * width..(index + 1) * width;
            let (sums, weights) = (&mut self.sums[out.clone()], &mut self.weights[out]);
            for i in 0..width {
                weights[i] += ahead_weights[i] + behind_weights[i];
                sums[i] += ahead_weights[i] * ahead[i] + behind_weights[i] * behind[i];
            }
        }
    }
}

/// Sums of squared differences over patches of 4 x 4 pixels, row after row.
struct PatchRows {
    squares: Vec<f32>,
    /// Sums over four columns of the row before.
    before: Vec<f32>,
    /// Sums over four columns and two rows: those that end two rows before, and one row before.
    pairs: [Vec<f32>; 2],
}

impl PatchRows {
    fn new(widest: usize) -> Self {
        let row = || vec![0.0; widest];
        PatchRows { squares: vec![0.0; widest + 3], before: row(), pairs: [row(), row()] }
    }

    /// Take the next row of both pictures (three pixels longer than `out`) and give the weights of the patches that end with it.
    fn next(&mut self, near: &[f32], far: &[f32], scale: f32, out: &mut [f32]) {
        let count = out.len();
        let squares = &mut self.squares[..count + 3];
        for ((square, near), far) in squares.iter_mut().zip(near).zip(far) {
            let difference = near - far;
            *square = difference * difference;
        }
        let [a, b, c, d] = [0, 1, 2, 3].map(|offset| &squares[offset..offset + count]);
        let (before, pairs) = (&mut self.before[..count], &mut self.pairs[0][..count]);
        for i in 0..count {
            let row = (a[i] + b[i]) + (c[i] + d[i]);
            let pair = before[i] + row;
            out[i] = weight((pairs[i] + pair) * scale);
            before[i] = row;
            pairs[i] = pair;
        }
        self.pairs.swap(0, 1);
    }
}

/// Schraudolph's exponential of `exponent / EXPONENT_SCALE` (not above 0); 0 below -[`CUTOFF`].
/// The bits of a float are its logarithm, nearly: so the exponent, as an integer, is written where a float keeps its own.
#[inline(always)]
fn weight(exponent: f32) -> f32 {
    let bits = ((exponent + ROUNDER).to_bits() << 4).wrapping_add(EXPONENT_BIAS);
    f32::from_bits(if exponent >= -CUTOFF * EXPONENT_SCALE { bits } else { 0 })
}

/// The picture with [`PAD`] pixels mirrored around it; the pixel at the edge is not repeated.
fn pad(picture: &Plane<f32>) -> Plane<f32> {
    let (width, height) = (picture.width, picture.height);
    let columns: Vec<usize> = (0..width + 2 * PAD).map(|x| mirror(x, width)).collect();
    let mut padded = Plane::filled(width + 2 * PAD, height + 2 * PAD, 0.0);
    for y in 0..padded.height {
        let source = picture.row(mirror(y, height));
        for (value, &x) in padded.row_mut(y).iter_mut().zip(&columns) {
            *value = source[x];
        }
    }
    padded
}

/// Which of `len` pixels is shown at `padded` of the padded picture.
fn mirror(padded: usize, len: usize) -> usize {
    let period = (2 * len).saturating_sub(2).max(1);
    let offset = (padded + period * PAD - PAD) % period;
    offset.min(period - offset).min(len - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, pixel by pixel, in `f64`.
    fn plain(picture: &Plane<f32>, h: f64) -> Vec<f64> {
        let at = |x: isize, y: isize| {
            let index = |v: isize, len| mirror((v + PAD as isize) as usize, len);
            f64::from(picture.row(index(y, picture.height))[index(x, picture.width)])
        };
        // A pair is weighed by the patch of whichever pixel comes first, so look back as well as ahead.
        let pair = |x: isize, y: isize, dx: isize, dy: isize| {
            let squares = (-1..=2).flat_map(|j| (-1..=2).map(move |i| (x + i, y + j)));
            let sum: f64 = squares.map(|(i, j)| (at(i, j) - at(i + dx, j + dy)).powi(2)).sum();
            let distance = sum / (h * h * 25.0);
            if distance > 5.0 { 0.0 } else { schraudolph(-distance) }
        };
        let mut out = Vec::new();
        for y in 0..picture.height as isize {
            for x in 0..picture.width as isize {
                let (mut sum, mut weights) = (at(x, y), 1.0);
                for shift in Shift::all() {
                    let (dx, dy) = (shift.right, shift.down as isize);
                    let (ahead, behind) = (pair(x, y, dx, dy), pair(x - dx, y - dy, dx, dy));
                    weights += ahead + behind;
                    sum += ahead * at(x + dx, y + dy) + behind * at(x - dx, y - dy);
                }
                out.push(sum / weights);
            }
        }
        out
    }

    fn schraudolph(value: f64) -> f64 {
        let high = (1_048_576.0 / std::f64::consts::LN_2 * value) as i64 + 1_072_693_248 - 60_801;
        f64::from_bits((high as u64) << 32)
    }

    fn texture(width: usize, height: usize, left: usize, top: usize) -> Plane<f32> {
        let mut plane = Plane::filled(width, height, 0.0);
        for y in 0..height {
            for x in 0..width {
                let (x2, y2) = (x + left, y + top);
                let noise = (x2 * 7919 + y2 * 104_729 + x2 * y2 * 31) % 97;
                plane.row_mut(y)[x] = if x2 % 16 < 8 { 0.02 } else { 0.05 } + noise as f32 * 2e-5;
            }
        }
        plane
    }

    #[test]
    fn agrees_with_the_definition() {
        let picture = texture(23, 41, 0, 0);
        let found = denoise(&picture, 0.0008);
        for (found, expected) in found.data.iter().zip(plain(&picture, 0.0008)) {
            assert!((f64::from(*found) - expected).abs() < 1e-7, "{found} {expected}");
        }
    }

    #[test]
    fn the_weight_is_schraudolphs_exponential() {
        for step in 0..500 {
            let distance = step as f32 / 100.0;
            let (found, expected) = (weight(-distance * EXPONENT_SCALE), schraudolph(-f64::from(distance)));
            assert!((f64::from(found) - expected).abs() < 1e-5 * expected, "{distance}: {found} {expected}");
        }
        assert_eq!(weight(-5.1 * EXPONENT_SCALE), 0.0);
        assert_eq!(weight(-1e30), 0.0);
    }

    #[test]
    fn a_tile_gives_the_same_bits_as_the_whole() {
        let (whole, tile) = (denoise(&texture(90, 90, 0, 0), 0.0008), denoise(&texture(60, 50, 17, 21), 0.0008));
        for y in PAD..50 - PAD {
            let same = &whole.row(y + 21)[17 + PAD..17 + 60 - PAD];
            assert_eq!(&tile.row(y)[PAD..60 - PAD], same);
        }
    }

    #[test]
    fn an_even_picture_and_a_single_pixel_stay() {
        let even = Plane::filled(12, 7, 0.5);
        for value in denoise(&even, 0.1).data {
            assert!((value - 0.5).abs() < 1e-6);
        }
        assert_eq!(denoise(&Plane::filled(1, 1, 0.25), 0.1).data, [0.25]);
        assert_eq!(denoise(&texture(9, 9, 0, 0), 0.0), texture(9, 9, 0, 0));
    }
}

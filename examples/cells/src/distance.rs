//! How far each pixel of a mask is from the background: the exact Euclidean distance transform, in whole numbers
//! (Meijster, Roerdink and Hesselink, 2000). The square is given; its root is the distance.

use crate::image::Plane;

/// Squared distance to the nearest pixel outside the mask; 0 outside. Beyond the plane there is no background;
/// where there is none at all, the square of width plus height.
pub fn squared_distance(mask: &Plane<bool>) -> Plane<u32> {
    let columns = along_columns(mask);
    let mut out = Plane::filled(mask.width, mask.height, 0);
    let mut envelope = Vec::with_capacity(mask.width);
    for y in 0..mask.height {
        along_row(columns.row(y), out.row_mut(y), &mut envelope);
    }
    out
}

/// Distance to the nearest background in the same column; width plus height where there is none.
fn along_columns(mask: &Plane<bool>) -> Plane<u32> {
    let (width, height) = (mask.width, mask.height);
    let far = (width + height) as u32;
    let mut out = mask.map(|inside| if inside { far } else { 0 });
    for y in 1..height {
        step(&mut out.data, (y - 1) * width, y * width, width);
    }
    for y in (1..height).rev() {
        step(&mut out.data, y * width, (y - 1) * width, width);
    }
    out
}

/// The row that begins at `to` is at most one further from the background than that at `from`.
fn step(data: &mut [u32], from: usize, to: usize, width: usize) {
    for x in 0..width {
        data[to + x] = data[to + x].min(data[from + x] + 1);
    }
}

/// A column that is the nearest one from pixel `first` of the row on.
struct Nearest {
    column: i64,
    first: i64,
}

/// The least of `(x - i)^2 + columns[i]^2` over all `i`, by the lower envelope of these parabolas.
fn along_row(columns: &[u32], out: &mut [u32], envelope: &mut Vec<Nearest>) {
    let far = columns.len() as i64;
    let square = |i: i64| i64::from(columns[i as usize]).pow(2);
    let value = |x: i64, i: i64| (x - i).pow(2) + square(i);
    envelope.clear();
    for u in 0..far {
        while envelope.last().is_some_and(|last| value(last.first, last.column) > value(last.first, u)) {
            envelope.pop();
        }
        // First pixel that is nearer to column u than to the last one of the envelope.
        let first = envelope.last().map_or(0, |last| {
            let i = last.column;
            1 + (u * u - i * i + square(u) - square(i)).div_euclid(2 * (u - i))
        });
        if first < far {
            envelope.push(Nearest { column: u, first });
        }
    }
    let mut end = far;
    for nearest in envelope.iter().rev() {
        for x in nearest.first..end {
            out[x as usize] = value(x, nearest.column) as u32;
        }
        end = nearest.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::morphology::tests::mask;

    fn plain(mask: &Plane<bool>) -> Vec<u32> {
        let at = |index: usize| ((index % mask.width) as i64, (index / mask.width) as i64);
        let background: Vec<_> = (0..mask.data.len()).filter(|&i| !mask.data[i]).map(at).collect();
        let nearest = |(x, y): (i64, i64)| background.iter().map(|(i, j)| (x - i).pow(2) + (y - j).pow(2)).min();
        (0..mask.data.len()).map(|index| nearest(at(index)).unwrap() as u32).collect()
    }

    #[test]
    fn agrees_with_trying_every_pixel() {
        let mut seed = 1u32;
        for share in [40, 90, 99] {
            let mut blobs = Plane::filled(31, 17, true);
            for pixel in &mut blobs.data {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *pixel = (seed >> 16) % 100 < share;
            }
            blobs.data[200] = false;
            assert_eq!(squared_distance(&blobs).data, plain(&blobs));
        }
    }

    #[test]
    fn a_square_in_the_middle() {
        let found = squared_distance(&mask(&[".....", ".###.", ".###.", ".###.", "....."]));
        assert_eq!(found.row(2), [0, 1, 4, 1, 0]);
        assert_eq!(found.row(1), [0, 1, 1, 1, 0]);
    }

    #[test]
    fn without_background_it_is_far() {
        assert_eq!(squared_distance(&Plane::filled(3, 2, true)).data, [25; 6]);
    }
}

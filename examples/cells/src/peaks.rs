//! Local maxima that are some way apart: as scikit-image's `peak_local_max(image, min_distance=5, labels=objects)`,
//! where each object is searched by itself and the peaks at the picture's edge count.

use crate::image::Plane;

/// Pixels between peaks, at least, in the larger of both directions.
const APART: usize = 5;

/// Indices of the peaks, row by row. `objects` numbers the objects; 0 is background.
///
/// A peak is the highest of its object within [`APART`] pixels; of equally high ones nearer than that, the first.
pub fn peaks(height: &Plane<f32>, objects: &Plane<u32>) -> Vec<usize> {
    let mut found: Vec<usize> = (0..height.data.len()).filter(|&index| is_highest(height, objects, index)).collect();
    found.sort_by(|&a, &b| height.data[b].total_cmp(&height.data[a]).then(a.cmp(&b)));
    let mut kept = Plane::filled(height.width, height.height, false);
    found.retain(|&index| {
        let crowded = around(height, index, APART - 1)
            .any(|other| kept.data[other] && objects.data[other] == objects.data[index]);
        kept.data[index] = !crowded;
        !crowded
    });
    found.sort_unstable();
    found
}

/// Whether no pixel of the same object within reach is higher. The nearest are asked first: most pixels fail there.
fn is_highest(height: &Plane<f32>, objects: &Plane<u32>, index: usize) -> bool {
    let (own, object) = (height.data[index], objects.data[index]);
    let highest = |reach| {
        let mut others = around(height, index, reach);
        others.all(|other| height.data[other] <= own || objects.data[other] != object)
    };
    object != 0 && highest(1) && highest(APART)
}

/// Indices of the square of `2 * reach + 1` pixels around one, as far as it lies in the plane.
fn around<T: Copy>(plane: &Plane<T>, index: usize, reach: usize) -> impl Iterator<Item = usize> + use<T> {
    let width = plane.width;
    let (x, y) = (index % width, index / width);
    let columns = x.saturating_sub(reach)..(x + reach + 1).min(width);
    let rows = y.saturating_sub(reach)..(y + reach + 1).min(plane.height);
    rows.flat_map(move |y| columns.clone().map(move |x| y * width + x))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Peaks of a row of heights that is one object where it is not 0.
    fn check(heights: &[f32], expected: &[usize]) {
        let height = Plane { width: heights.len(), height: 1, data: heights.to_vec() };
        assert_eq!(peaks(&height, &height.map(|value| u32::from(value > 0.0))), expected);
    }

    #[test]
    fn lower_ones_nearby_are_none() {
        check(&[1.0, 3.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0], &[1, 9]);
    }

    #[test]
    fn of_equal_ones_the_first_stays() {
        check(&[1.0, 2.0, 2.0, 2.0, 1.0], &[1]);
        check(&[2.0, 1.0, 1.0, 1.0, 1.0, 2.0], &[0, 5]);
    }

    #[test]
    fn another_object_does_not_count() {
        let height = Plane { width: 4, height: 1, data: vec![1.0, 2.0, 3.0, 1.0] };
        let objects = Plane { width: 4, height: 1, data: vec![1, 1, 2, 2] };
        assert_eq!(peaks(&height, &objects), [1, 2]);
    }
}

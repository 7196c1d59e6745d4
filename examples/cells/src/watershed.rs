//! Watershed from markers: the mask is shared out among them, highest ground first.
//! As scikit-image's `watershed(-height, markers, mask=mask)`: a pixel belongs to the marker that reaches it over the
//! highest ground, at equal height to the one that came first; pixels spread by their sides.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::components::{Touch, neighbours};
use crate::image::Plane;

/// A pixel whose neighbours are to be taken: the highest first, then the oldest.
type Waiting = (u32, Reverse<u64>, usize);

/// Number of the marker (from 1, in the order given) that each pixel of the mask belongs to; 0 outside and where none leads.
pub fn watershed(height: &Plane<u32>, mask: &Plane<bool>, markers: &[usize]) -> Plane<u32> {
    let mut labels = Plane::filled(mask.width, mask.height, 0);
    let mut waiting = BinaryHeap::<Waiting>::new();
    let mut age = 0;
    for (&marker, number) in markers.iter().zip(1..) {
        labels.data[marker] = number;
        waiting.push((height.data[marker], Reverse(age), marker));
        age += 1;
    }
    while let Some((level, _, index)) = waiting.pop() {
        for next in neighbours(mask.width, mask.height, index, Touch::Sides) {
            if mask.data[next] && labels.data[next] == 0 {
                labels.data[next] = labels.data[index];
                waiting.push((height.data[next].min(level), Reverse(age), next));
                age += 1;
            }
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(heights: &[u32], markers: &[usize], expected: &[u32]) {
        let height = Plane { width: heights.len(), height: 1, data: heights.to_vec() };
        let found = watershed(&height, &height.map(|value| value > 0), markers);
        assert_eq!(found.data, expected);
    }

    #[test]
    fn two_hills_are_parted_in_the_valley() {
        check(&[1, 4, 9, 4, 2, 4, 9, 4], &[2, 6], &[1, 1, 1, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn a_plain_is_parted_in_the_middle() {
        check(&[4, 4, 4, 4, 4, 4], &[0, 5], &[1, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn gaps_of_the_mask_are_not_crossed() {
        check(&[1, 2, 0, 3, 4], &[1], &[1, 1, 0, 0, 0]);
    }
}

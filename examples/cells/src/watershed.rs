//! Watershed from markers: the mask is shared out among them, highest ground first.
//! As scikit-image's `watershed(-height, markers, mask=mask)`: a pixel belongs to the marker that reaches it over the
//! highest ground, at equal height to the one that came first; pixels spread by their sides.

use crate::image::Plane;

/// A pixel of the mask that belongs to no marker yet.
const FREE: u32 = 0;
/// Beside the mask.
const OUTSIDE: u32 = u32::MAX;
/// Heights above it count as equal, so that the queue stays small: a squared distance of 2,048 pixels.
const LEVEL_MAX: u32 = 1 << 22;
/// End of a queue.
const NONE: u32 = u32::MAX;

/// Number of the marker (from 1, in the order given) that each pixel of the mask belongs to; 0 outside and where none leads.
pub fn watershed(height: &Plane<u32>, mask: &Plane<bool>, markers: &[usize]) -> Plane<u32> {
    let heights = height.framed(0);
    let mut labels = mask.map(|inside| if inside { FREE } else { OUTSIDE }).framed(OUTSIDE);
    let mut queue = Queue::new(&heights.data);
    for (&marker, number) in markers.iter().zip(1..) {
        let index = (marker / mask.width + 1) * labels.width + marker % mask.width + 1;
        labels.data[index] = number;
        queue.push(heights.data[index], index);
    }
    let steps = [labels.width.wrapping_neg(), 1usize.wrapping_neg(), 1, labels.width];
    while let Some(index) = queue.pop() {
        for step in steps {
            let next = index.wrapping_add(step);
            if labels.data[next] == FREE {
                labels.data[next] = labels.data[index];
                queue.push(heights.data[next], next);
            }
        }
    }
    labels.unframed().map(|number| if number == OUTSIDE { 0 } else { number })
}

/// Pixels whose neighbours are to be taken: the highest first, of equally high ones the first that came.
/// Ground that is reached only over lower ground counts as low as that, so levels only fall. A queue for each level,
/// linked through the pixels, of which each comes once.
struct Queue {
    level: usize,
    first: Vec<u32>,
    last: Vec<u32>,
    next: Vec<u32>,
}

impl Queue {
    fn new(heights: &[u32]) -> Self {
        let level = heights.iter().max().map_or(0, |&highest| highest.min(LEVEL_MAX)) as usize;
        let ends = vec![NONE; level + 1];
        Queue { level, first: ends.clone(), last: ends, next: vec![NONE; heights.len()] }
    }

    fn push(&mut self, height: u32, index: usize) {
        let level = (height as usize).min(self.level);
        match self.last[level] {
            NONE => self.first[level] = index as u32,
            last => self.next[last as usize] = index as u32,
        }
        self.last[level] = index as u32;
    }

    fn pop(&mut self) -> Option<usize> {
        while self.first[self.level] == NONE {
            self.level = self.level.checked_sub(1)?;
        }
        let index = self.first[self.level] as usize;
        self.first[self.level] = self.next[index];
        if self.next[index] == NONE {
            self.last[self.level] = NONE;
        }
        Some(index)
    }
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

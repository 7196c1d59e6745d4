//! Connected parts of a mask. Owns their numbering (row by row, from 1) and sizes; what is done with them is elsewhere.

use crate::image::Plane;

/// Which pixels count as touching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Above, left, right, below.
    Sides,
    /// Those and the four corners.
    SidesAndCorners,
}

impl Touch {
    /// From the index of a pixel to those of the pixels that touch it, in a plane of this width.
    fn steps(self, width: usize) -> Vec<isize> {
        let row = width as isize;
        let corners: &[isize] = if self == Touch::Sides { &[] } else { &[-row - 1, -row + 1, row - 1, row + 1] };
        [&[-row, -1, 1, row], corners].concat()
    }
}

/// The parts of a mask.
pub struct Components {
    /// Number of each pixel's part; 0 outside the mask.
    pub labels: Plane<u32>,
    /// Pixels of each part; that of number 0 is not counted.
    pub sizes: Vec<u32>,
}

/// A pixel of the mask that has no number yet.
const NEW: u32 = u32::MAX;

/// Number the parts of `mask`.
pub fn label(mask: &Plane<bool>, touch: Touch) -> Components {
    let mut labels = mask.map(|inside| if inside { NEW } else { 0 }).framed(0);
    let steps = touch.steps(labels.width);
    let (mut sizes, mut stack) = (vec![0], Vec::new());
    for start in 0..labels.data.len() {
        if labels.data[start] == NEW {
            sizes.push(flood(&mut labels.data, &steps, start, sizes.len() as u32, &mut stack));
        }
    }
    Components { labels: labels.unframed(), sizes }
}

/// Give `number` to the part that `start` belongs to; its size.
fn flood(labels: &mut [u32], steps: &[isize], start: usize, number: u32, stack: &mut Vec<usize>) -> u32 {
    let mut size = 0;
    labels[start] = number;
    stack.push(start);
    while let Some(index) = stack.pop() {
        size += 1;
        for &step in steps {
            let next = index.wrapping_add_signed(step);
            if labels[next] == NEW {
                labels[next] = number;
                stack.push(next);
            }
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::morphology::tests::mask;

    #[test]
    fn corners_join_only_where_asked() {
        let mask = mask(&["##..", "..#.", "...#"]);
        assert_eq!(label(&mask, Touch::Sides).sizes, [0, 2, 1, 1]);
        let joined = label(&mask, Touch::SidesAndCorners);
        assert_eq!(joined.sizes, [0, 4]);
        assert_eq!(joined.labels.data, [1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    }
}

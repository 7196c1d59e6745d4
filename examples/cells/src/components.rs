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
    fn offsets(self) -> &'static [(isize, isize)] {
        let all = &[(0, -1), (-1, 0), (1, 0), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)];
        match self {
            Touch::Sides => &all[..4],
            Touch::SidesAndCorners => all,
        }
    }
}

/// The parts of a mask.
pub struct Components {
    /// Number of each pixel's part; 0 outside the mask.
    pub labels: Plane<u32>,
    /// Pixels of each part; that of number 0 is not counted.
    pub sizes: Vec<u32>,
}

/// Number the parts of `mask`.
pub fn label(mask: &Plane<bool>, touch: Touch) -> Components {
    let mut found = Components { labels: Plane::filled(mask.width, mask.height, 0), sizes: vec![0] };
    let mut stack = Vec::new();
    for start in 0..mask.data.len() {
        if mask.data[start] && found.labels.data[start] == 0 {
            let number = found.sizes.len() as u32;
            let size = flood(mask, touch, start, number, &mut found.labels, &mut stack);
            found.sizes.push(size);
        }
    }
    found
}

/// Give `number` to the part that `start` belongs to; its size.
fn flood(
    mask: &Plane<bool>,
    touch: Touch,
    start: usize,
    number: u32,
    labels: &mut Plane<u32>,
    stack: &mut Vec<usize>,
) -> u32 {
    let mut size = 0;
    labels.data[start] = number;
    stack.push(start);
    while let Some(index) = stack.pop() {
        size += 1;
        for next in neighbours(mask.width, mask.height, index, touch) {
            if mask.data[next] && labels.data[next] == 0 {
                labels.data[next] = number;
                stack.push(next);
            }
        }
    }
    size
}

/// Indices of the pixels that touch pixel `index` of a plane of this size.
pub fn neighbours(width: usize, height: usize, index: usize, touch: Touch) -> impl Iterator<Item = usize> {
    let (x, y) = (index % width, index / width);
    touch.offsets().iter().filter_map(move |&(dx, dy)| {
        let (x, y) = (x.checked_add_signed(dx)?, y.checked_add_signed(dy)?);
        (x < width && y < height).then(|| y * width + x)
    })
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

    #[test]
    fn neighbours_stay_inside() {
        assert_eq!(neighbours(3, 2, 0, Touch::SidesAndCorners).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(neighbours(3, 2, 5, Touch::Sides).collect::<Vec<_>>(), [2, 4]);
    }
}

//! Measuring nuclei: where they are and how large, and the table of them.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::image::{Plane, Rect};

/// One nucleus.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nucleus {
    /// Centroid, pixels from the left of the picture to the middle of a pixel.
    pub x: f64,
    /// Centroid, pixels from the top.
    pub y: f64,
    /// Pixels.
    pub area: u32,
}

/// The nuclei of a region whose centroid lies in `core`, in the order of their numbers.
pub fn measure(labels: &Plane<u32>, region: Rect, core: Rect) -> Vec<Nucleus> {
    let count = labels.data.iter().max().map_or(0, |&number| number as usize);
    let mut sums = vec![(0u64, 0u64, 0u32); count + 1];
    for y in 0..labels.height {
        for (x, &number) in labels.row(y).iter().enumerate() {
            let (xs, ys, area) = &mut sums[number as usize];
            *xs += u64::from(region.x) + x as u64;
            *ys += u64::from(region.y) + y as u64;
            *area += 1;
        }
    }
    let nuclei = sums.into_iter().skip(1).filter(|sum| sum.2 > 0).map(|(xs, ys, area)| {
        let mean = |sum: u64| sum as f64 / f64::from(area);
        Nucleus { x: mean(xs), y: mean(ys), area }
    });
    nuclei.filter(|nucleus| holds(core, nucleus)).collect()
}

/// Whether a nucleus is this tile's.
fn holds(core: Rect, nucleus: &Nucleus) -> bool {
    let within =
        |value: f64, start: u32, len: u32| value >= f64::from(start) && value < f64::from(start) + f64::from(len);
    within(nucleus.x, core.x, core.width) && within(nucleus.y, core.y, core.height)
}

/// Order them by row and column, so that the table is the same however the picture was cut.
pub fn sort(nuclei: &mut [Nucleus]) {
    nuclei.sort_by(|a, b| a.y.total_cmp(&b.y).then(a.x.total_cmp(&b.x)));
}

/// The table: a number from 1, the centroid in pixels, and the area in pixels.
pub fn csv(nuclei: &[Nucleus]) -> String {
    let mut table = String::from("id,x,y,area\n");
    for (nucleus, id) in nuclei.iter().zip(1..) {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{id},{:.3},{:.3},{}", nucleus.x, nucleus.y, nucleus.area);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: Rect = Rect { x: 10, y: 20, width: 4, height: 2 };

    fn labels() -> Plane<u32> {
        Plane { width: 4, height: 2, data: vec![1, 1, 0, 2, 1, 1, 0, 2] }
    }

    #[test]
    fn centroids_are_those_of_the_whole_picture() {
        let found = measure(&labels(), REGION, REGION);
        assert_eq!(found, [Nucleus { x: 10.5, y: 20.5, area: 4 }, Nucleus { x: 13.0, y: 20.5, area: 2 }]);
        assert_eq!(csv(&found), "id,x,y,area\n1,10.500,20.500,4\n2,13.000,20.500,2\n");
    }

    #[test]
    fn each_tile_keeps_its_own() {
        let left = Rect { width: 1, ..REGION };
        let right = Rect { x: 11, width: 3, ..REGION };
        assert_eq!(measure(&labels(), REGION, left).len(), 1);
        assert_eq!(measure(&labels(), REGION, right).len(), 1);
    }
}

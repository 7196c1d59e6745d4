//! Tidying a mask: small objects go, holes are filled. Objects touch by their sides here, as in scikit-image's
//! `remove_small_objects` and scipy's `binary_fill_holes` by default.

use crate::components::{Touch, label};
use crate::image::Plane;

/// Take out the objects of less than `smallest` pixels.
pub fn drop_small(mask: &mut Plane<bool>, smallest: u32) {
    let objects = label(mask, Touch::Sides);
    for (pixel, &number) in mask.data.iter_mut().zip(&objects.labels.data) {
        *pixel = *pixel && objects.sizes[number as usize] >= smallest;
    }
}

/// Put in all that is enclosed: background from which no way leads to the edge of the plane.
pub fn fill_holes(mask: &mut Plane<bool>) {
    let background = label(&mask.map(|pixel| !pixel), Touch::Sides);
    let mut open = vec![false; background.sizes.len()];
    let (width, height) = (mask.width, mask.height);
    for (index, &number) in background.labels.data.iter().enumerate() {
        let (x, y) = (index % width, index / width);
        open[number as usize] |= x == 0 || y == 0 || x == width - 1 || y == height - 1;
    }
    open[0] = false;
    for (pixel, &number) in mask.data.iter_mut().zip(&background.labels.data) {
        *pixel = *pixel || !open[number as usize];
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A mask from rows of text; `#` is set.
    pub(crate) fn mask(rows: &[&str]) -> Plane<bool> {
        let data = rows.iter().flat_map(|row| row.chars().map(|c| c == '#')).collect();
        Plane { width: rows[0].len(), height: rows.len(), data }
    }

    #[test]
    fn small_objects_go_and_those_of_the_limit_stay() {
        let mut found = mask(&["###..", ".....", "##.##", "....#"]);
        drop_small(&mut found, 3);
        assert_eq!(found, mask(&["###..", ".....", "...##", "....#"]));
    }

    #[test]
    fn holes_are_filled_and_bays_are_not() {
        let mut found = mask(&["####.", "#..#.", "####.", "#.#..", "#.##."]);
        fill_holes(&mut found);
        assert_eq!(found, mask(&["####.", "####.", "####.", "#.#..", "#.##."]));
    }

    #[test]
    fn a_hole_open_at_a_corner_is_still_a_hole() {
        let mut found = mask(&[".....", ".##..", "#.#..", "###..", "....."]);
        fill_holes(&mut found);
        assert_eq!(found, mask(&[".....", ".##..", "###..", "###..", "....."]));
    }
}

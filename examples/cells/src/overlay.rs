//! What is drawn for a tile: its own pixels with the outlines of the nuclei over them, and its mask.

use crate::image::{Plane, Rect};
use crate::tile::Tile;

/// Colour of the outlines: a green that neither blue nor brown stain has.
const OUTLINE: [u8; 3] = [0, 235, 60];

/// RGB of the tile's core, outlines drawn.
pub fn outlined(tile: &Tile, labels: &Plane<u32>) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(tile.core.area() * 3);
    for (y, columns) in core_rows(tile.core, tile.region) {
        let line = &tile.rgb[y * labels.width * 3..][columns.start * 3..columns.end * 3];
        for (x, pixel) in columns.zip(line.chunks_exact(3)) {
            rgb.extend_from_slice(if on_outline(labels, x, y) { &OUTLINE } else { pixel });
        }
    }
    rgb
}

/// The mask of the tile's core, eight pixels a byte, the first in the highest bit, rows beginning at whole bytes.
pub fn mask_bits(core: Rect, region: Rect, labels: &Plane<u32>) -> Vec<u8> {
    let mut bits = Vec::with_capacity(core.area() / 8);
    for (y, columns) in core_rows(core, region) {
        for eight in labels.row(y)[columns].chunks(8) {
            bits.push(eight.iter().zip(0..).fold(0, |byte, (&number, bit)| byte | u8::from(number > 0) << (7 - bit)));
        }
    }
    bits
}

/// Rows of the region that are the core's, and the core's columns in them.
fn core_rows(core: Rect, region: Rect) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
    let (left, top) = ((core.x - region.x) as usize, (core.y - region.y) as usize);
    (top..top + core.height as usize).map(move |y| (y, left..left + core.width as usize))
}

/// Whether a pixel of a nucleus lies beside one that is not. Between two nuclei only the later one is outlined,
/// so that the line stays one pixel wide.
fn on_outline(labels: &Plane<u32>, x: usize, y: usize) -> bool {
    let own = labels.row(y)[x];
    let other = |x: usize, y: usize| x < labels.width && y < labels.height && labels.row(y)[x] < own;
    own > 0 && (other(x.wrapping_sub(1), y) || other(x + 1, y) || other(x, y.wrapping_sub(1)) || other(x, y + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole::Whole;

    const REGION: Rect = Rect { x: 0, y: 0, width: 10, height: 3 };

    fn labels() -> Plane<u32> {
        let mut labels = Plane::filled(10, 3, 0);
        labels.row_mut(1).copy_from_slice(&[0, 1, 1, 1, 2, 2, 2, 0, 0, 3]);
        labels.row_mut(2).copy_from_slice(&[1, 1, 1, 1, 2, 2, 2, 0, 0, 0]);
        labels
    }

    #[test]
    fn outlines_are_one_pixel_wide() {
        let line = |y| (0..10).map(|x| if on_outline(&labels(), x, y) { '#' } else { '.' }).collect::<String>();
        assert_eq!([line(0), line(1), line(2)], ["..........", ".######..#", "#...#.#..."]);
    }

    #[test]
    fn only_the_core_is_drawn() {
        let whole = Whole { width: 10, height: 3, threshold: 0.0, sigma: 0.0 };
        let core = Rect { x: 8, y: 1, width: 2, height: 1 };
        let tile = Tile { whole, core, region: REGION, rgb: vec![7; 90] };
        assert_eq!(outlined(&tile, &labels()), [7, 7, 7, 0, 235, 60]);
    }

    #[test]
    fn bits_begin_with_the_highest() {
        assert_eq!(mask_bits(Rect { y: 1, height: 1, ..REGION }, REGION, &labels()), [0b0111_1110, 0b0100_0000]);
    }
}

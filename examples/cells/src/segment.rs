//! The steps from a tile's pixels to its nuclei, in order. The steps themselves each have their own file.

use crate::components::{Touch, label};
use crate::deconvolution::Haematoxylin;
use crate::distance::squared_distance;
use crate::error::CellsError;
use crate::gaussian::smooth;
use crate::image::Plane;
use crate::morphology::{drop_small, fill_holes};
use crate::nlm::denoise;
use crate::part::{Part, PartTile};
use crate::peaks::peaks;
use crate::tile::Tile;
use crate::watershed::watershed;
use crate::{nuclei, overlay};

/// Cut-off of the denoising, for each unit of noise.
const CUTOFF_PER_SIGMA: f32 = 0.8;
/// Smallest object that is a nucleus, pixels.
const SMALLEST: u32 = 40;

/// One tile: its nuclei, and what is drawn of it. `progress` is told of each of the [`STEPS`].
pub fn segment(tile: &Tile, mut progress: impl FnMut(u64)) -> Result<Part, CellsError> {
    tile.check()?;
    let (width, height) = (tile.region.width as usize, tile.region.height as usize);
    let stain = Haematoxylin::new().plane(&tile.rgb, width, height);
    let denoised = denoise(&stain, CUTOFF_PER_SIGMA * tile.whole.sigma);
    progress(1);
    let mask = mask(&denoised, tile.whole.threshold);
    progress(2);
    let labels = part_nuclei(&mask);
    progress(STEPS);
    let nuclei = nuclei::measure(&labels, tile.region, tile.core);
    let overlay = overlay::outlined(tile, &labels);
    let mask = overlay::mask_bits(tile.core, tile.region, &labels);
    let tile = PartTile { whole: tile.whole, core: tile.core, nuclei, overlay, mask };
    Ok(Part { tiles: vec![tile], missing: 0 })
}

/// Steps that [`segment`] tells of: denoised, mask made, nuclei parted.
pub const STEPS: u64 = 3;

/// What is stained above the threshold, without specks and holes.
fn mask(denoised: &Plane<f32>, threshold: f32) -> Plane<bool> {
    let mut mask = denoised.map(|value| value > threshold);
    drop_small(&mut mask, SMALLEST);
    fill_holes(&mut mask);
    mask
}

/// Number the nuclei of a mask: those that touch are parted where they are narrow.
fn part_nuclei(mask: &Plane<bool>) -> Plane<u32> {
    let squared = squared_distance(mask);
    let distance = squared.map(|square| (square as f32).sqrt());
    let objects = label(mask, Touch::SidesAndCorners).labels;
    let markers = peaks(&smooth(&distance), &objects);
    watershed(&squared, mask, &markers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_discs_that_touch_are_two_nuclei() {
        let inside = |x: i32, y: i32| [12, 27].iter().any(|centre| (x - centre).pow(2) + (y - 12).pow(2) <= 81);
        let data = (0..25).flat_map(|y| (0..40).map(move |x| inside(x, y))).collect();
        let labels = part_nuclei(&Plane { width: 40, height: 25, data });
        assert_eq!(labels.data.iter().max(), Some(&2));
        assert_eq!((labels.row(12)[12], labels.row(12)[27]), (1, 2));
        assert_eq!((labels.row(12)[18], labels.row(12)[21]), (1, 2));
    }

    #[test]
    fn specks_are_no_nuclei() {
        let mut denoised = Plane::filled(20, 20, 0.0);
        denoised.row_mut(3)[2..8].fill(1.0);
        assert!(!mask(&denoised, 0.5).data.contains(&true));
    }
}

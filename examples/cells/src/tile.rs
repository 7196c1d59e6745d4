//! Cutting a picture into tiles that can be worked on alone. Owns their size, their halo and what a unit's input holds.

use serde::{Deserialize, Serialize};

use crate::error::CellsError;
use crate::image::Rect;
use crate::picture::Picture;
use crate::whole::Whole;

/// True pixels around a tile that its nuclei may reach into, and that filters look at.
pub const HALO: u32 = 64;
/// Sides of tiles that can be cut, all multiples of [`TILE_STEP`].
const TILES: std::ops::RangeInclusive<u32> = 64..=8192;
/// So that a tile's row of the mask begins at a whole byte.
const TILE_STEP: u32 = 8;

/// The input of a unit: pixels of a tile and its halo, and the figures of the whole picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tile {
    pub whole: Whole,
    /// The tile's own pixels; it keeps the nuclei whose centroid lies here.
    pub core: Rect,
    /// The tile with its halo, cut at the picture's edges.
    pub region: Rect,
    /// RGB of the region.
    #[serde(with = "serde_bytes")]
    pub rgb: Vec<u8>,
}

impl Tile {
    /// Whether it is what [`cut`] could have made.
    pub fn check(&self) -> Result<(), CellsError> {
        let expected = self.region.area() * 3;
        let picture = Rect::whole(self.whole.width, self.whole.height);
        let fits = picture.contains(&self.region) && self.region.contains(&self.core) && self.core.area() > 0;
        if fits && self.rgb.len() == expected && self.core.x.is_multiple_of(TILE_STEP) {
            return Ok(());
        }
        Err(CellsError::Tile { x: self.core.x, y: self.core.y, found: self.rgb.len(), expected })
    }
}

/// Side of the tiles where nobody chose one: small pictures in many tiles, large ones in tiles whose halo costs little.
pub fn tile_size(picture: &Picture) -> u32 {
    if picture.width.max(picture.height) <= 2048 { 128 } else { 1024 }
}

/// The tiles of a picture, row by row; those at the right and below may be smaller.
pub fn cut(picture: &Picture, whole: Whole, size: u32) -> Result<impl Iterator<Item = Tile> + '_, CellsError> {
    let cores = cores(picture.width, picture.height, size)?;
    Ok(cores.map(move |core| {
        let region = core.grown(HALO, picture.width, picture.height);
        Tile { whole, core, region, rgb: picture.crop(region) }
    }))
}

fn cores(width: u32, height: u32, size: u32) -> Result<impl Iterator<Item = Rect>, CellsError> {
    if !TILES.contains(&size) || !size.is_multiple_of(TILE_STEP) {
        return Err(CellsError::TileSize(size));
    }
    let starts = move |len: u32| (0..len).step_by(size as usize);
    Ok(starts(height).flat_map(move |y| {
        starts(width).map(move |x| Rect { x, y, width: size.min(width - x), height: size.min(height - y) })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores_of(width: u32, height: u32, size: u32) -> Vec<Rect> {
        cores(width, height, size).unwrap().collect()
    }

    #[test]
    fn tiles_cover_each_pixel_once() {
        let tiles = cores_of(300, 129, 128);
        assert_eq!(tiles.len(), 6);
        assert_eq!(tiles.iter().map(Rect::area).sum::<usize>(), 300 * 129);
        assert_eq!(tiles[5], Rect { x: 256, y: 128, width: 44, height: 1 });
    }

    #[test]
    fn the_demo_has_sixteen() {
        assert_eq!(cores_of(512, 512, 128).len(), 16);
    }

    #[test]
    fn odd_sizes_are_refused() {
        for size in [0, 60, 100, 9000] {
            assert!(matches!(cores(512, 512, size), Err(CellsError::TileSize(found)) if found == size));
        }
    }

    #[test]
    fn a_tile_that_contradicts_itself_is_refused() {
        let picture = Picture { width: 200, height: 100, rgb: vec![9; 60_000] };
        let whole = Whole { width: 200, height: 100, threshold: 0.1, sigma: 0.01 };
        let tile = cut(&picture, whole, 128).unwrap().nth(1).unwrap();
        assert!(tile.check().is_ok());
        assert_eq!(tile.region, Rect { x: 64, y: 0, width: 136, height: 100 });
        assert!(Tile { rgb: vec![0; 3], ..tile.clone() }.check().is_err());
        assert!(Tile { core: Rect { x: 0, ..tile.core }, ..tile.clone() }.check().is_err());
        assert!(Tile { core: Rect { height: 0, ..tile.core }, ..tile }.check().is_err());
    }
}

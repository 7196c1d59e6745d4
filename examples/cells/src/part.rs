//! What units give and a merge joins: tiles with their nuclei, and in the end the files of the result.

use serde::{Deserialize, Serialize};

use crate::error::CellsError;
use crate::image::Rect;
use crate::nuclei::{self, Nucleus};
use crate::picture::{Picture, bits_to_png};
use crate::whole::Whole;

/// Colour of tiles that are missing.
const MISSING: u8 = 128;

/// Tiles of one picture: those of one unit, or of several that were joined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub tiles: Vec<PartTile>,
    /// Tiles that were left out, because their units failed.
    pub missing: usize,
}

impl Part {
    /// Take in the next part; `None` is a tile that was left out.
    pub fn append(&mut self, next: Option<Part>) {
        let next = next.unwrap_or(Part { tiles: Vec::new(), missing: 1 });
        self.tiles.extend(next.tiles);
        self.missing += next.missing;
    }
}

/// One tile that was worked on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartTile {
    pub whole: Whole,
    pub core: Rect,
    pub nuclei: Vec<Nucleus>,
    /// RGB of the core, outlines drawn.
    #[serde(with = "serde_bytes")]
    pub overlay: Vec<u8>,
    /// Mask of the core: eight pixels a byte, rows beginning at whole bytes.
    #[serde(with = "serde_bytes")]
    pub mask: Vec<u8>,
}

/// What the job gives: file names and contents.
pub type ResultFiles = Vec<(&'static str, Vec<u8>)>;

/// What a person wants to know first; `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of nuclei.
    pub nuclei: usize,
    /// Tiles that were worked on.
    pub tiles: usize,
    /// Tiles that are missing, grey in the overlay, because their units failed.
    pub tiles_missing: usize,
    #[serde(flatten)]
    pub whole: Whole,
}

/// The picture as it is put together, tile by tile.
pub struct Canvas {
    whole: Whole,
    nuclei: Vec<Nucleus>,
    tiles: usize,
    missing: usize,
    overlay: Vec<u8>,
    mask: Vec<u8>,
}

impl Canvas {
    /// The files of the result, from all parts in any order; `None` is a tile that was left out.
    /// Each part is dropped once it is drawn.
    pub fn collect(parts: impl Iterator<Item = Option<Part>>) -> Result<ResultFiles, CellsError> {
        let mut canvas: Option<Canvas> = None;
        let mut missing = 0;
        for part in parts {
            let part = part.unwrap_or(Part { tiles: Vec::new(), missing: 1 });
            missing += part.missing;
            for tile in part.tiles {
                canvas.get_or_insert_with(|| Canvas::new(tile.whole)).add(tile)?;
            }
        }
        let canvas = canvas.ok_or(CellsError::Parts)?;
        Canvas { missing, ..canvas }.finish()
    }

    /// An empty one for a picture.
    fn new(whole: Whole) -> Self {
        let pixels = Rect::whole(whole.width, whole.height).area();
        let mask = vec![0; row_bytes(whole.width) * whole.height as usize];
        Canvas { whole, nuclei: Vec::new(), tiles: 0, missing: 0, overlay: vec![MISSING; pixels * 3], mask }
    }

    /// Put a tile where it belongs.
    fn add(&mut self, tile: PartTile) -> Result<(), CellsError> {
        let (picture, core) = (Rect::whole(self.whole.width, self.whole.height), tile.core);
        let sizes = (core.area() * 3, row_bytes(core.width) * core.height as usize);
        let fits = picture.contains(&core) && core.x.is_multiple_of(8) && core.area() > 0;
        if tile.whole != self.whole || !fits || sizes != (tile.overlay.len(), tile.mask.len()) {
            return Err(CellsError::Parts);
        }
        let (left, width) = (core.x as usize, core.width as usize);
        place(&tile.overlay, width * 3, &mut self.overlay, left * 3, core.y, picture.width as usize * 3);
        place(&tile.mask, row_bytes(core.width), &mut self.mask, left / 8, core.y, row_bytes(picture.width));
        self.nuclei.extend(tile.nuclei);
        self.tiles += 1;
        Ok(())
    }

    /// The result: `summary.json`, `nuclei.csv`, `overlay.png`, `mask.png`.
    fn finish(mut self) -> Result<ResultFiles, CellsError> {
        let Whole { width, height, .. } = self.whole;
        nuclei::sort(&mut self.nuclei);
        let (nuclei, tiles, tiles_missing) = (self.nuclei.len(), self.tiles, self.missing);
        let summary = Summary { nuclei, tiles, tiles_missing, whole: self.whole };
        let summary = serde_json::to_string_pretty(&summary).unwrap_or_default() + "\n";
        let overlay = Picture { width, height, rgb: self.overlay }.to_png()?;
        Ok(vec![
            ("summary.json", summary.into_bytes()),
            ("nuclei.csv", nuclei::csv(&self.nuclei).into_bytes()),
            ("overlay.png", overlay),
            ("mask.png", bits_to_png(width, height, &self.mask)?),
        ])
    }
}

/// Copy rows of `bytes` each to column `left` and row `top` of a canvas whose rows have `row` bytes.
fn place(from: &[u8], bytes: usize, to: &mut [u8], left: usize, top: u32, row: usize) {
    for (line, y) in from.chunks_exact(bytes).zip(top as usize..) {
        to[y * row + left..][..bytes].copy_from_slice(line);
    }
}

fn row_bytes(width: u32) -> usize {
    (width as usize).div_ceil(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Whole = Whole { width: 16, height: 1, threshold: 0.5, sigma: 0.1 };

    fn tile(x: u32, area: u32) -> PartTile {
        let core = Rect { x, y: 0, width: 8, height: 1 };
        let nuclei = vec![Nucleus { x: x.into(), y: 0.0, area }];
        PartTile { whole: WHOLE, core, nuclei, overlay: vec![x as u8; 24], mask: vec![0x80] }
    }

    fn part(x: u32, area: u32) -> Option<Part> {
        Some(Part { tiles: vec![tile(x, area)], missing: 0 })
    }

    fn collect(parts: Vec<Option<Part>>) -> Result<ResultFiles, CellsError> {
        Canvas::collect(parts.into_iter())
    }

    fn file<'a>(files: &'a ResultFiles, name: &str) -> &'a [u8] {
        &files.iter().find(|(found, _)| *found == name).unwrap().1
    }

    #[test]
    fn tiles_come_together_in_any_order() {
        let files = collect(vec![part(8, 2), part(0, 1)]).unwrap();
        assert_eq!(file(&files, "nuclei.csv"), b"id,x,y,area\n1,0.000,0.000,1\n2,8.000,0.000,2\n");
        let overlay = Picture::from_png(file(&files, "overlay.png")).unwrap();
        assert_eq!((overlay.rgb[0], overlay.rgb[24]), (0, 8));
        assert_eq!(collect(vec![part(0, 1), part(8, 2)]).unwrap(), files);
    }

    #[test]
    fn a_tree_gives_what_one_merge_gives() {
        let mut joined = Part::default();
        joined.append(part(0, 1));
        joined.append(None);
        assert_eq!(
            collect(vec![Some(joined), part(8, 2)]).unwrap(),
            collect(vec![part(0, 1), None, part(8, 2)]).unwrap()
        );
    }

    #[test]
    fn a_missing_tile_is_grey_and_counted() {
        let files = collect(vec![None, part(8, 2)]).unwrap();
        let summary: Summary = serde_json::from_slice(file(&files, "summary.json")).unwrap();
        assert_eq!((summary.nuclei, summary.tiles, summary.tiles_missing), (1, 1, 1));
        assert_eq!(Picture::from_png(file(&files, "overlay.png")).unwrap().rgb[0], MISSING);
        assert!(matches!(collect(vec![None, None]), Err(CellsError::Parts)));
    }

    #[test]
    fn parts_of_another_picture_are_refused() {
        let mut canvas = Canvas::new(Whole { threshold: 0.6, ..WHOLE });
        assert!(matches!(canvas.add(tile(0, 1)), Err(CellsError::Parts)));
        let mut canvas = Canvas::new(WHOLE);
        assert!(matches!(canvas.add(tile(16, 1)), Err(CellsError::Parts)));
        assert!(matches!(canvas.add(tile(4, 1)), Err(CellsError::Parts)));
    }
}

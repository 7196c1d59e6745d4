//! The task as the grid calls it: the only file that knows the SDK.

use fallow::{Emitter, Error, Files, Merged, Parts, Postcard, Result, shared};
use serde::Deserialize;

use crate::part::{Canvas, Part, ResultFiles};
use crate::picture::Picture;
use crate::segment::{self, STEPS};
use crate::tile::{self, Tile};
use crate::whole;

/// Name of the shared file with [`Settings`].
const SETTINGS: &str = "settings.json";

/// What a job may choose, in a shared file `settings.json`. Without that file, everything is chosen by the picture.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Side of a tile, pixels: a multiple of 8.
    tile: Option<u32>,
}

impl Settings {
    fn read() -> Result<Settings> {
        match shared(SETTINGS) {
            Err(_) => Ok(Settings::default()),
            Ok(file) => serde_json::from_slice(&file.read_all()?).map_err(|error| Error::from(error).at(SETTINGS)),
        }
    }
}

/// The job's input, a PNG, to tiles.
pub fn tiles(png: Vec<u8>, units: &mut Emitter<Postcard<Tile>>) -> Result<()> {
    let picture = Picture::from_png(&png)?;
    drop(png);
    let size = Settings::read()?.tile.unwrap_or(tile::tile_size(&picture));
    let whole = whole::measure(&picture);
    fallow::log!("{} x {} pixels, threshold {}, noise {}", whole.width, whole.height, whole.threshold, whole.sigma);
    for tile in tile::cut(&picture, whole, size)? {
        units.emit(Postcard(tile))?;
    }
    Ok(())
}

/// One tile to its nuclei.
pub fn segment(Postcard(tile): Postcard<Tile>) -> Result<Postcard<Part>> {
    Ok(Postcard(segment::segment(&tile, |step| fallow::progress(step, STEPS))?))
}

/// Tiles to one part, or in the end to the result's files.
pub fn collect(parts: Parts<Postcard<Part>>, last: bool) -> Result<Merged<Postcard<Part>, Files>> {
    let parts = parts.map(|part| part.map(|Postcard(part)| part));
    if last {
        return Ok(Merged::Result(archive(Canvas::collect(parts)?)?));
    }
    let mut joined = Part::default();
    parts.for_each(|part| joined.append(part));
    Ok(Merged::Part(Postcard(joined)))
}

/// The result as one archive.
fn archive(files: ResultFiles) -> Result<Files> {
    files.into_iter().try_fold(Files::new(), |archive, (name, bytes)| archive.with(name, bytes))
}

fallow::task!(run = segment, split = tiles, merge = collect);

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

#[cfg(test)]
mod tests {
    use fallow::IntoOutput;
    use fallow::testing::{self, Host};

    use super::*;

    const PNG: &[u8] = include_bytes!("../input/ihc.png");

    /// What the grid would do, in one process.
    fn on_grid(host: &mut Host, png: &[u8]) -> Files {
        let tiles: Vec<Postcard<Tile>> = host.split(tiles, png.to_vec()).unwrap();
        let parts = tiles.into_iter().map(|tile| Some(testing::run(segment, tile).unwrap())).collect();
        match testing::merge(collect, parts, true).unwrap() {
            Merged::Result(files) => files,
            Merged::Part(_) => panic!("the last merge gave a part"),
        }
    }

    fn corner() -> Vec<u8> {
        let picture = Picture::from_png(PNG).unwrap();
        let rect = crate::image::Rect { x: 0, y: 0, width: 200, height: 136 };
        Picture { width: rect.width, height: rect.height, rgb: picture.crop(rect) }.to_png().unwrap()
    }

    #[test]
    fn settings_choose_the_tiles() {
        let png = corner();
        let count = |host: &mut Host| host.split::<_, _, Postcard<Tile>, _>(tiles, png.clone()).unwrap().len();
        assert_eq!(count(&mut Host::new()), 4);
        let mut host = Host::new().shared(SETTINGS, r#"{"tile": 64}"#);
        assert_eq!(count(&mut host), 12);
        assert!(host.log()[0].starts_with("200 x 136 pixels, threshold 0.0"), "{}", host.log()[0]);
    }

    #[test]
    fn tiles_give_what_the_whole_gives() {
        let png = corner();
        let tiled = on_grid(&mut Host::new().shared(SETTINGS, r#"{"tile": 64}"#), &png);
        let whole = on_grid(&mut Host::new().shared(SETTINGS, r#"{"tile": 200}"#), &png);
        for name in ["nuclei.csv", "mask.png", "overlay.png"] {
            assert!(tiled.get(name).is_some());
            assert_eq!(tiled.get(name), whole.get(name), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let split = |host: &mut Host, png: Vec<u8>| host.split::<_, _, Postcard<Tile>, _>(tiles, png).unwrap_err();
        let error = split(&mut Host::new(), b"no picture".to_vec());
        assert!(error.starts_with("the input is not a PNG picture that can be read: "), "{error}");
        let error = split(&mut Host::new().shared(SETTINGS, r#"{"tile": 100}"#), corner());
        assert!(error.starts_with("tiles of 100 pixels cannot be cut"), "{error}");
        let error = split(&mut Host::new().shared(SETTINGS, r#"{"tiles": 64}"#), corner());
        assert!(error.starts_with("settings.json: unknown field `tiles`"), "{error}");
    }

    #[test]
    fn a_tree_of_merges_gives_what_one_gives() {
        let tiles: Vec<Postcard<Tile>> = testing::split(tiles, corner()).unwrap();
        let parts: Vec<_> = tiles.into_iter().map(|tile| Some(testing::run(segment, tile).unwrap())).collect();
        let Merged::Part(left) = testing::merge(collect, parts[..3].to_vec(), false).unwrap() else {
            panic!("a merge that is not the last gave the result");
        };
        let tree = testing::merge(collect, vec![Some(left), parts[3].clone()], true).unwrap();
        let flat = testing::merge(collect, parts, true).unwrap();
        assert_eq!(tree.into_output().unwrap(), flat.into_output().unwrap());
    }
}

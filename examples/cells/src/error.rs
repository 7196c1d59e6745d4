//! What can be wrong with a picture, a tile or the settings, as the job's author reads it.

/// Why a picture could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum CellsError {
    /// Not a PNG, or a broken one.
    #[error("the input is not a PNG picture that can be read")]
    Read(#[from] png::DecodingError),
    /// A PNG without colours, or with a palette of greys.
    #[error("the picture has {0:?} pixels; a stain needs colours: save it as RGB")]
    NoColours(png::ColorType),
    /// Empty, or beyond the limit.
    #[error("the picture is {width} x {height} pixels; each side must be 1 to {max}")]
    Size {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Largest side.
        max: u32,
    },
    /// A tile size that cannot be cut.
    #[error("tiles of {0} pixels cannot be cut; choose a multiple of 8 from 64 to 8192")]
    TileSize(u32),
    /// A unit's input that contradicts itself.
    #[error("the tile at {x}, {y} has {found} bytes of pixels instead of {expected}, or lies outside its picture")]
    Tile {
        /// Column of the tile's first own pixel.
        x: u32,
        /// Row of the tile's first own pixel.
        y: u32,
        /// Bytes it has.
        found: usize,
        /// Bytes it should have.
        expected: usize,
    },
    /// Parts that are not of one picture, or none at all.
    #[error("there is no part of the picture to join, or the parts are not of one picture")]
    Parts,
    /// The overlay or the mask could not be written.
    #[error("cannot write a PNG")]
    Write(#[from] png::EncodingError),
}

//! Segments the nuclei of a stained microscope picture: how many, where, how large, and a picture of their outlines.
//!
//! `split` measures the whole picture and cuts it into tiles, `run` finds the nuclei of a tile, `merge` puts the picture
//! together again. The steps are plain Rust without the SDK, one file each, and also run natively (`cells-native`).
//! Nothing here depends on the computer: whole numbers, IEEE operations in a fixed order, and logarithms of our own.

pub mod components;
pub mod deconvolution;
pub mod distance;
pub mod error;
pub mod gaussian;
pub mod image;
pub mod morphology;
pub mod nlm;
pub mod noise;
pub mod nuclei;
pub mod otsu;
pub mod overlay;
pub mod part;
pub mod peaks;
pub mod picture;
pub mod segment;
pub mod task;
pub mod tile;
pub mod watershed;
pub mod whole;

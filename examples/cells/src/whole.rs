//! What must be known of the whole picture before its tiles can be worked on alone: the threshold and the noise.

use serde::{Deserialize, Serialize};

use crate::deconvolution::Haematoxylin;
use crate::noise::NoiseMeter;
use crate::otsu::Histogram;
use crate::picture::Picture;

/// Figures of a whole picture's haematoxylin channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Whole {
    pub width: u32,
    pub height: u32,
    /// Otsu's threshold: nuclei are above it.
    pub threshold: f32,
    /// Standard deviation of the noise.
    pub sigma: f32,
}

/// Measure a picture. The channel is made twice, row by row, rather than kept: it would be larger than the picture.
pub fn measure(picture: &Picture) -> Whole {
    let channel = Haematoxylin::new();
    let mut row = vec![0.0; picture.width as usize];
    let mut noise = NoiseMeter::new(row.len());
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for y in 0..picture.height {
        channel.row(picture.row(y), &mut row);
        noise.add(&row);
        (low, high) = row.iter().fold((low, high), |(low, high), &value| (low.min(value), high.max(value)));
    }
    let mut histogram = Histogram::new(low, high);
    for y in 0..picture.height {
        channel.row(picture.row(y), &mut row);
        histogram.add(&row);
    }
    Whole { width: picture.width, height: picture.height, threshold: histogram.threshold(), sigma: noise.sigma() }
}

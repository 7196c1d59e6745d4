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
        for &value in &row {
            low = if value < low { value } else { low };
            high = if value > high { value } else { high };
        }
    }
    let mut histogram = Histogram::new(low, high);
    for y in 0..picture.height {
        channel.row(picture.row(y), &mut row);
        histogram.add(&row);
    }
    Whole { width: picture.width, height: picture.height, threshold: histogram.threshold(), sigma: noise.sigma() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_stained_is_parted_at_half() {
        let rgb = (0..20 * 10).flat_map(|i| if i % 20 < 10 { [240, 240, 240] } else { [90, 90, 160] }).collect();
        let whole = measure(&Picture { width: 20, height: 10, rgb });
        let channel = Haematoxylin::new();
        assert!(whole.threshold >= channel.pixel(240, 240, 240) && whole.threshold < channel.pixel(90, 90, 160));
        assert_eq!((whole.width, whole.height, whole.sigma), (20, 10, 0.0));
    }
}

//! How much haematoxylin a pixel shows: colour deconvolution after Ruifrok and Johnston (Anal. Quant. Cytol. Histol. 23, 2001).
//! The stain matrix is that of scikit-image's `rgb2hed`, and so is the treatment of black (values below 1e-6 count as 1e-6).
//! Only the haematoxylin channel is made; eosin and DAB are not.

use crate::image::Plane;

/// Absorption of red, green and blue by haematoxylin, eosin and DAB.
const RGB_FROM_HED: [[f64; 3]; 3] = [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]];
/// Darkest value that has a logarithm.
const DARKEST: f64 = 1e-6;

/// A table for each colour channel: what a value adds to the haematoxylin.
pub struct Haematoxylin {
    tables: [[f64; 256]; 3],
}

impl Haematoxylin {
    /// The tables of the stain matrix above.
    pub fn new() -> Self {
        let column = first_column_of_inverse(&RGB_FROM_HED);
        Haematoxylin { tables: column.map(table) }
    }

    /// The channel of one pixel; never negative.
    pub fn pixel(&self, red: u8, green: u8, blue: u8) -> f32 {
        let [reds, greens, blues] = &self.tables;
        let stain = reds[red as usize] + greens[green as usize] + blues[blue as usize];
        if stain > 0.0 { stain as f32 } else { 0.0 }
    }

    /// The channel of a row of RGB bytes, three a pixel.
    pub fn row(&self, rgb: &[u8], out: &mut [f32]) {
        for (pixel, value) in rgb.chunks_exact(3).zip(out) {
            *value = self.pixel(pixel[0], pixel[1], pixel[2]);
        }
    }

    /// The channel of `width` by `height` pixels of RGB bytes.
    pub fn plane(&self, rgb: &[u8], width: usize, height: usize) -> Plane<f32> {
        let mut plane = Plane::filled(width, height, 0.0);
        self.row(rgb, &mut plane.data);
        plane
    }
}

impl Default for Haematoxylin {
    fn default() -> Self {
        Haematoxylin::new()
    }
}

/// Optical density of each byte, relative to that of [`DARKEST`], times the weight of its colour.
fn table(weight: f64) -> [f64; 256] {
    std::array::from_fn(|value| {
        let light = (value as f64 / 255.0).max(DARKEST);
        libm::log(light) / libm::log(DARKEST) * weight
    })
}

/// What red, green and blue weigh in the first stain: by cofactors.
fn first_column_of_inverse(m: &[[f64; 3]; 3]) -> [f64; 3] {
    let cofactors = [
        m[1][1] * m[2][2] - m[1][2] * m[2][1],
        m[1][2] * m[2][0] - m[1][0] * m[2][2],
        m[1][0] * m[2][1] - m[1][1] * m[2][0],
    ];
    let determinant = m[0][0] * cofactors[0] + m[0][1] * cofactors[1] + m[0][2] * cofactors[2];
    cofactors.map(|cofactor| cofactor / determinant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_takes_pure_stains_apart() {
        let column = first_column_of_inverse(&RGB_FROM_HED);
        let stain = |row: [f64; 3]| row.iter().zip(column).map(|(a, b)| a * b).sum::<f64>();
        for (row, expected) in RGB_FROM_HED.into_iter().zip([1.0, 0.0, 0.0]) {
            assert!((stain(row) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn white_is_unstained_and_blue_more_than_brown() {
        let channel = Haematoxylin::new();
        assert_eq!(channel.pixel(255, 255, 255), 0.0);
        assert!(channel.pixel(90, 90, 160) > 0.02);
        assert_eq!(channel.pixel(160, 110, 60), 0.0);
    }

    #[test]
    fn black_is_finite() {
        assert!(Haematoxylin::new().pixel(0, 0, 0).is_finite());
    }
}

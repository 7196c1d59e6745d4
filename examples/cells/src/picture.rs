//! Colour pictures and PNG files. Owns the limits of what is read; what the pixels mean is elsewhere.

use std::io::Cursor;

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Limits, Transformations};

use crate::error::CellsError;
use crate::image::Rect;

/// Largest side of a picture, pixels: such a square's colours fill three quarters of a 1 GiB memory.
pub const SIDE_MAX: u32 = 16_384;

/// RGB, eight bits each, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Read a PNG: RGB, RGBA (opacity is dropped) or with a palette; 16 bits become 8.
    pub fn from_png(bytes: &[u8]) -> Result<Picture, CellsError> {
        let limits = Limits { bytes: 64 << 20 };
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
        let mut reader = decoder.read_info()?;
        let (width, height) = (reader.info().width, reader.info().height);
        if !(1..=SIDE_MAX).contains(&width) || !(1..=SIDE_MAX).contains(&height) {
            return Err(CellsError::Size { width, height, max: SIDE_MAX });
        }
        let channels = match reader.output_color_type().0 {
            ColorType::Rgb => 3,
            ColorType::Rgba => 4,
            other => return Err(CellsError::NoColours(other)),
        };
        let mut rgb = vec![0; Rect::whole(width, height).area() * channels];
        reader.next_frame(&mut rgb)?;
        if channels == 4 {
            drop_opacity(&mut rgb);
        }
        Ok(Picture { width, height, rgb })
    }

    /// Write a PNG, fast rather than small.
    pub fn to_png(&self) -> Result<Vec<u8>, CellsError> {
        encode(self.width, self.height, ColorType::Rgb, BitDepth::Eight, &self.rgb)
    }

    /// Row `y` from the top.
    pub fn row(&self, y: u32) -> &[u8] {
        let bytes = self.width as usize * 3;
        &self.rgb[y as usize * bytes..][..bytes]
    }

    /// The pixels of a rectangle that lies within the picture.
    pub fn crop(&self, rect: Rect) -> Vec<u8> {
        let columns = rect.x as usize * 3..(rect.x + rect.width) as usize * 3;
        let mut pixels = Vec::with_capacity(rect.area() * 3);
        (rect.y..rect.y + rect.height).for_each(|y| pixels.extend_from_slice(&self.row(y)[columns.clone()]));
        pixels
    }

    /// This picture over and over, every second one mirrored, cut to `side` by `side`: no seam shows.
    pub fn mirrored(&self, side: u32) -> Picture {
        let fold = |v: u32, len: u32| if v / len % 2 == 0 { v % len } else { len - 1 - v % len };
        let columns: Vec<usize> = (0..side).map(|x| fold(x, self.width) as usize * 3).collect();
        let mut rgb = Vec::with_capacity(Rect::whole(side, side).area() * 3);
        for y in 0..side {
            let row = self.row(fold(y, self.height));
            columns.iter().for_each(|&x| rgb.extend_from_slice(&row[x..x + 3]));
        }
        Picture { width: side, height: side, rgb }
    }
}

/// Write black and white pixels, eight a byte, rows beginning at whole bytes, as a PNG.
pub fn bits_to_png(width: u32, height: u32, bits: &[u8]) -> Result<Vec<u8>, CellsError> {
    encode(width, height, ColorType::Grayscale, BitDepth::One, bits)
}

fn encode(width: u32, height: u32, colour: ColorType, depth: BitDepth, data: &[u8]) -> Result<Vec<u8>, CellsError> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(data)?;
    writer.finish()?;
    Ok(out)
}

fn drop_opacity(pixels: &mut Vec<u8>) {
    let count = pixels.len() / 4;
    for pixel in 0..count {
        pixels.copy_within(pixel * 4..pixel * 4 + 3, pixel * 3);
    }
    pixels.truncate(count * 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colours(width: u32, height: u32) -> Picture {
        let rgb = (0..width * height * 3).map(|v| (v * 37 % 251) as u8).collect();
        Picture { width, height, rgb }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let picture = colours(9, 5);
        assert_eq!(Picture::from_png(&picture.to_png().unwrap()).unwrap(), picture);
    }

    #[test]
    fn opacity_is_dropped() {
        let rgba = encode(2, 1, ColorType::Rgba, BitDepth::Eight, &[1, 2, 3, 255, 4, 5, 6, 0]).unwrap();
        assert_eq!(Picture::from_png(&rgba).unwrap().rgb, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn what_cannot_be_worked_on_is_refused() {
        let grey = encode(2, 1, ColorType::Grayscale, BitDepth::Eight, &[1, 2]).unwrap();
        assert!(matches!(Picture::from_png(&grey), Err(CellsError::NoColours(ColorType::Grayscale))));
        let png = colours(40, 40).to_png().unwrap();
        assert!(matches!(Picture::from_png(&png[..png.len() / 2]), Err(CellsError::Read(_))));
        assert!(matches!(Picture::from_png(b"GIF89a"), Err(CellsError::Read(_))));
        let mut huge = png;
        huge[16..20].copy_from_slice(&100_000u32.to_be_bytes());
        assert!(Picture::from_png(&huge).is_err());
    }

    #[test]
    fn mirrors_meet_without_a_seam() {
        let picture = colours(3, 2);
        let large = picture.mirrored(7);
        assert_eq!((large.width, large.height), (7, 7));
        assert_eq!(
            large.crop(Rect { x: 2, y: 0, width: 1, height: 1 }),
            large.crop(Rect { x: 3, y: 3, width: 1, height: 1 })
        );
        assert_eq!(large.crop(Rect { x: 0, y: 0, width: 3, height: 2 }), picture.rgb);
    }
}

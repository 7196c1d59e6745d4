//! Grids of pixels: a plane of one value a pixel, and a rectangle within a picture.
//! Owns their layout (row-major, no padding). Colour pictures and files are in `picture`.

use serde::{Deserialize, Serialize};

/// One value a pixel, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane<T> {
    pub width: usize,
    pub height: usize,
    /// `width * height` values.
    pub data: Vec<T>,
}

impl<T: Copy> Plane<T> {
    /// A plane that holds `value` everywhere.
    pub fn filled(width: usize, height: usize, value: T) -> Self {
        Plane { width, height, data: vec![value; width * height] }
    }

    /// Row `y` from the top.
    pub fn row(&self, y: usize) -> &[T] {
        &self.data[y * self.width..(y + 1) * self.width]
    }

    /// Row `y` from the top, to write.
    pub fn row_mut(&mut self, y: usize) -> &mut [T] {
        &mut self.data[y * self.width..(y + 1) * self.width]
    }

    /// This plane with a frame of one pixel around it, so that every pixel of it has all neighbours.
    pub fn framed(&self, frame: T) -> Self {
        let mut out = Plane::filled(self.width + 2, self.height + 2, frame);
        for y in 0..self.height {
            out.row_mut(y + 1)[1..=self.width].copy_from_slice(self.row(y));
        }
        out
    }

    /// What is left when the frame is taken off.
    pub fn unframed(&self) -> Self {
        let (width, height) = (self.width - 2, self.height - 2);
        let data = (1..=height).flat_map(|y| &self.row(y)[1..=width]).copied().collect();
        Plane { width, height, data }
    }

    /// A plane of the same size whose values are `f` of these.
    pub fn map<U>(&self, f: impl Fn(T) -> U) -> Plane<U> {
        Plane { width: self.width, height: self.height, data: self.data.iter().map(|&value| f(value)).collect() }
    }
}

/// A rectangle of a picture, in pixels from its top left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl Rect {
    /// The whole of a picture of this size.
    pub fn whole(width: u32, height: u32) -> Self {
        Rect { x: 0, y: 0, width, height }
    }

    /// First column right of it; `None` beyond 32 bits.
    pub fn right(&self) -> Option<u32> {
        self.x.checked_add(self.width)
    }

    /// First row below it; `None` beyond 32 bits.
    pub fn bottom(&self) -> Option<u32> {
        self.y.checked_add(self.height)
    }

    /// Number of pixels.
    pub fn area(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Whether `inner` lies within this one.
    pub fn contains(&self, inner: &Rect) -> bool {
        let ends = |rect: &Rect| Some((rect.right()?, rect.bottom()?));
        match (ends(self), ends(inner)) {
            (Some((right, bottom)), Some((inner_right, inner_bottom))) => {
                inner.x >= self.x && inner.y >= self.y && inner_right <= right && inner_bottom <= bottom
            }
            _ => false,
        }
    }

    /// Grown by `margin` on each side, but not beyond a picture of `width` by `height`.
    pub fn grown(&self, margin: u32, width: u32, height: u32) -> Rect {
        let (x, y) = (self.x.saturating_sub(margin), self.y.saturating_sub(margin));
        let right = self.x.saturating_add(self.width).saturating_add(margin).min(width);
        let bottom = self.y.saturating_add(self.height).saturating_add(margin).min(height);
        Rect { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_stops_at_the_edges_of_the_picture() {
        let core = Rect { x: 128, y: 0, width: 128, height: 128 };
        assert_eq!(core.grown(64, 300, 512), Rect { x: 64, y: 0, width: 236, height: 192 });
        assert!(core.grown(64, 300, 512).contains(&core));
    }

    #[test]
    fn a_rectangle_beyond_32_bits_is_contained_nowhere() {
        let wild = Rect { x: u32::MAX, y: 0, width: 2, height: 1 };
        assert!(!Rect::whole(u32::MAX, u32::MAX).contains(&wild));
    }

    #[test]
    fn rows_are_where_they_belong() {
        let mut plane = Plane::filled(3, 2, 0);
        plane.row_mut(1).copy_from_slice(&[1, 2, 3]);
        assert_eq!(plane.data, [0, 0, 0, 1, 2, 3]);
        assert_eq!(plane.map(|v| v > 1).row(1), [false, true, true]);
        assert_eq!(plane.framed(7).row(2), [7, 1, 2, 3, 7]);
        assert_eq!(plane.framed(7).unframed(), plane);
    }
}

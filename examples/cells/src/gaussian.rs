//! A Gaussian of one pixel, cut at four, the pixels at the edge repeated beyond it: as `gaussian(image, 1)` of scikit-image.
//! Pairs left and right are added before they are weighed, so that what is symmetric stays so to the last bit.

use crate::image::Plane;

/// Pixels on each side.
const RADIUS: usize = 4;

/// Smooth down, then across.
pub fn smooth(plane: &Plane<f32>) -> Plane<f32> {
    let kernel = kernel();
    across(&down(plane, &kernel), &kernel)
}

/// Weights of the pixel itself and of those one to four away.
fn kernel() -> [f32; RADIUS + 1] {
    let weights: [f64; RADIUS + 1] = std::array::from_fn(|distance| libm::exp(-0.5 * (distance * distance) as f64));
    let sum = 2.0 * weights.iter().sum::<f64>() - weights[0];
    weights.map(|weight| (weight / sum) as f32)
}

fn down(plane: &Plane<f32>, kernel: &[f32]) -> Plane<f32> {
    let mut out = plane.map(|value| value * kernel[0]);
    for y in 0..plane.height {
        for (distance, &weight) in kernel.iter().enumerate().skip(1) {
            let above = plane.row(y.saturating_sub(distance));
            let below = plane.row((y + distance).min(plane.height - 1));
            for ((value, a), b) in out.row_mut(y).iter_mut().zip(above).zip(below) {
                *value += (a + b) * weight;
            }
        }
    }
    out
}

fn across(plane: &Plane<f32>, kernel: &[f32]) -> Plane<f32> {
    let width = plane.width;
    let mut out = plane.map(|value| value * kernel[0]);
    let mut padded = vec![0.0; width + 2 * RADIUS];
    for y in 0..plane.height {
        let row = plane.row(y);
        padded[..RADIUS].fill(row[0]);
        padded[RADIUS..RADIUS + width].copy_from_slice(row);
        padded[RADIUS + width..].fill(row[width - 1]);
        for (distance, &weight) in kernel.iter().enumerate().skip(1) {
            let (left, right) = (&padded[RADIUS - distance..], &padded[RADIUS + distance..]);
            for ((value, a), b) in out.row_mut(y).iter_mut().zip(left).zip(right) {
                *value += (a + b) * weight;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_the_kernel() {
        let mut point = Plane::filled(11, 11, 0.0);
        point.row_mut(5)[5] = 1.0;
        let found = smooth(&point);
        let at = |distance: f64| (-0.5 * distance * distance).exp() / (2.0 * std::f64::consts::PI);
        assert!((f64::from(found.row(5)[5]) - at(0.0)).abs() < 2e-4);
        assert!((f64::from(found.row(7)[5]) - at(2.0)).abs() < 2e-4);
        assert_eq!((found.row(5)[2], found.row(2)[5]), (found.row(5)[8], found.row(8)[5]));
    }

    #[test]
    fn an_even_plane_stays() {
        for value in smooth(&Plane::filled(3, 2, 7.0)).data {
            assert!((value - 7.0).abs() < 1e-5);
        }
    }
}

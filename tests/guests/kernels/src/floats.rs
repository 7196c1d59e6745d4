//! Floating point: latency (n-body), plain loops (mandelbrot), vectors (matrix product).

/// Five bodies under gravity, as in the Computer Language Benchmarks Game: `rounds` thousand steps.
pub fn n_body(rounds: u64) -> u64 {
    let mut bodies = sun_and_planets();
    for _ in 0..rounds * 1000 {
        attract(&mut bodies, 0.01);
    }
    bodies.iter().map(|body| body.at[0] + body.speed[1]).sum::<f64>().to_bits()
}

#[derive(Clone, Copy)]
struct Body {
    at: [f64; 3],
    speed: [f64; 3],
    mass: f64,
}

fn sun_and_planets() -> [Body; 5] {
    let body = |x: f64, y: f64, z: f64, vx: f64, vy: f64, vz: f64, mass: f64| {
        let day = 365.24;
        let sun = 39.478_417_604_357_43;
        Body { at: [x, y, z], speed: [vx * day, vy * day, vz * day], mass: mass * sun }
    };
    [
        body(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
        body(4.84, -1.16, -0.103, 0.00166, 0.00769, -0.000069, 0.000954),
        body(8.34, 4.12, -0.403, -0.00276, 0.00499, 0.000023, 0.000285),
        body(12.89, -15.11, -0.223, 0.00296, 0.00237, -0.0000296, 0.0000436),
        body(15.37, -25.91, 0.179, 0.00268, 0.00162, -0.0000951, 0.0000515),
    ]
}

fn attract(bodies: &mut [Body; 5], step: f64) {
    for one in 0..5 {
        for other in one + 1..5 {
            let apart: [f64; 3] = std::array::from_fn(|axis| bodies[one].at[axis] - bodies[other].at[axis]);
            let square = apart.iter().map(|d| d * d).sum::<f64>();
            let pull = step / (square * square.sqrt());
            let (mass_one, mass_other) = (bodies[one].mass, bodies[other].mass);
            for axis in 0..3 {
                bodies[one].speed[axis] -= apart[axis] * mass_other * pull;
                bodies[other].speed[axis] += apart[axis] * mass_one * pull;
            }
        }
    }
    for body in bodies {
        for axis in 0..3 {
            body.at[axis] += step * body.speed[axis];
        }
    }
}

/// The Mandelbrot set on a square of 64 points a side, 200 iterations a point, `rounds` times.
pub fn mandelbrot(rounds: u64) -> u64 {
    (0..rounds).map(|round| mandelbrot_once(1.0 + round as f64 * 1e-9)).fold(0, |sum, inside| sum * 31 + inside)
}

fn mandelbrot_once(zoom: f64) -> u64 {
    let mut inside = 0;
    for row in 0..64 {
        for column in 0..64 {
            let (cr, ci) = ((f64::from(column) / 21.0 - 2.0) * zoom, (f64::from(row) / 32.0 - 1.0) * zoom);
            let (mut zr, mut zi, mut left) = (0.0, 0.0, 200);
            while left > 0 && zr * zr + zi * zi < 4.0 {
                (zr, zi) = (zr * zr - zi * zi + cr, 2.0 * zr * zi + ci);
                left -= 1;
            }
            inside += u64::from(left == 0);
        }
    }
    inside
}

const SIDE: usize = 128;

/// Product of two matrices of 128 x 128 single floats, `rounds` times; the inner loop is a vector's work.
pub fn matrix(rounds: u64) -> u64 {
    let mut left: Vec<f32> = (0..SIDE * SIDE).map(|i| (i % 17) as f32 * 0.25).collect();
    let right: Vec<f32> = (0..SIDE * SIDE).map(|i| (i % 13) as f32 * 0.125).collect();
    let mut product = vec![0f32; SIDE * SIDE];
    for round in 0..rounds {
        left[(round as usize) % (SIDE * SIDE)] += 1.0;
        multiply(&left, &right, &mut product);
    }
    product.iter().fold(0, |sum, value| sum * 31 + u64::from(value.to_bits()))
}

fn multiply(left: &[f32], right: &[f32], product: &mut [f32]) {
    for (row, out) in left.chunks_exact(SIDE).zip(product.chunks_exact_mut(SIDE)) {
        out.fill(0.0);
        for (factor, line) in row.iter().zip(right.chunks_exact(SIDE)) {
            for (sum, value) in out.iter_mut().zip(line) {
                *sum += factor * value;
            }
        }
    }
}

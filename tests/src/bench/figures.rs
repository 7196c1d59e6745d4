//! Figures: a table for people, or one line of JSON each.

use serde_json::json;

/// Prints figures as they come.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    bench: &'static str,
    json: bool,
}

impl Figures {
    /// Figures of one benchmark.
    pub fn new(bench: &'static str, json: bool) -> Self {
        if !json {
            println!("\n{bench}");
        }
        Self { bench, json }
    }

    /// One figure.
    pub fn tell(&self, figure: &str, value: f64, unit: &str) {
        if self.json {
            println!("{}", json!({"bench": self.bench, "figure": figure, "value": rounded(value), "unit": unit}));
        } else {
            println!("  {figure:<44} {:>12} {unit}", shown(value));
        }
    }
}

/// The value at `share` (0 to 1) of the sorted values.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

/// Geometric mean.
pub fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn shown(value: f64) -> String {
    if value.abs() >= 1000.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_means() {
        let mut values = [5.0, 1.0, 3.0];
        assert_eq!(quantile(&mut values, 0.5), 3.0);
        assert_eq!(quantile(&mut values, 1.0), 5.0);
        assert!((geometric_mean(&[1.0, 4.0]) - 2.0).abs() < 1e-12);
    }
}

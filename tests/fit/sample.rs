//! Data made by formulas, the same on every machine: points that fill an interval, a known mixture, and what no mixture explains.

use std::fmt::Write as _;

pub(super) const TRUTH: &str = "[{ omega = [2.0], beta = 0.3, a = [3.0], b = -0.5 }, { a = [-2.0], b = 1.0 }]";

/// Point `i` of a sequence that fills [−3, 3] evenly, another one for each `u`.
pub(super) fn point(i: usize, u: usize) -> f64 {
    6.0 * ((i + 1) as f64 * [0.618_033_988_749_894_9, 0.414_213_562_373_095_1, 0.732_050_807_568_877_2][u]).fract()
        - 3.0
}

/// Rows as CSV; numbers in the shortest form that parses back.
pub(super) fn csv(header: &str, rows: impl Iterator<Item = Vec<f64>>) -> String {
    rows.fold(format!("{header}\n"), |mut text, row| {
        let numbers: Vec<String> = row.iter().map(f64::to_string).collect();
        writeln!(text, "{}", numbers.join(",")).unwrap();
        text
    })
}

/// The mixture of [`TRUTH`] with tanh experts.
pub(super) fn mixture(x: f64) -> f64 {
    let weight = (2.0 * x + 0.3).exp();
    (weight * (3.0 * x - 0.5).tanh() + (1.0 - 2.0 * x).tanh()) / (weight + 1.0)
}

/// Something that is no noise but is not explained by a few atoms.
pub(super) fn disturbance(i: usize) -> f64 {
    0.05 * (997.0 * i as f64).sin()
}

pub(super) fn tanh_data(rows: usize, noise: f64) -> String {
    csv("x1,y", (0..rows).map(|i| vec![point(i, 0), mixture(point(i, 0)) + noise * disturbance(i)]))
}

//! Experts whose shape is in units of their own, fitted to responses far below one.

use std::f64::consts::{SQRT_2, TAU};
use std::sync::atomic::AtomicBool;

use moe_theory::softmax::{FitSpec, Sample};

/// A line that goes over into another one, and a disturbance that no few atoms explain, times `size`.
fn data(rows: u32, size: f64) -> Sample {
    let mut builder = Sample::builder(1);
    for i in 0..rows {
        let i = f64::from(i);
        let x = 6.0 * (i * 0.618_033_988_749_894_9).fract() - 3.0;
        let weight = (2.0 * x + 0.3).exp();
        let lines = (weight * (x - 0.5) - 2.0 * x + 1.0) / (1.0 + weight);
        builder.push(&[x], size * (lines + 0.05 * (TAU * SQRT_2 * i * i).sin()));
    }
    builder.finish()
}

/// `(1/n) Σ (y − f)²` of the best fit, in units of `size²`.
fn objective(expert: &str, rows: u32, size: f64) -> f64 {
    let spec: FitSpec = toml::from_str(&format!("expert = '{expert}'\nexperts = 2\nstarts = 8")).unwrap();
    let best = &spec.problem(&data(rows, size)).unwrap().fit(&AtomicBool::new(false)).unwrap()[0];
    assert!(best.reason.is_converged(), "{expert} {size:e}: {best:?}");
    best.objective / size / size
}

/// Of responses of size `ε` GELU experts explain what linear ones do.
///
/// `gelu(u) = u/2 + δ`, `|δ| ≤ u²/√(2π)`: with `(2a, 2b)` for `(a, b)` the fit of linear experts, `|ax + b| ≤ 8ε`, changes by `(16ε)²/√(2π) ≈ 102ε²` at most, against residuals of root mean square `.033ε`. So the root of the objective moves by less than 3100ε of itself, and back in the same way.
#[test]
fn gelu_experts_explain_small_responses_as_linear_ones_do() {
    // All rows at once, and starts that are tried on a part of them.
    for rows in [200, 9000] {
        let linear = objective("linear", rows, 1.0);
        for size in [1e-5, 1e-6, 1e-8] {
            let ratio = objective("gelu", rows, size) / linear;
            assert!((ratio.sqrt() - 1.0).abs() < 3100.0 * size, "{rows} rows, {size:e}: {ratio}");
        }
    }
}

//! The raw norms of the Gaussian start itself.
//!
//! `‖w_i‖² ~ χ²_d/d` varies by a relative `√(2/d)`, 0.014 at `d = 10⁴`, and the first pair to align is the one that minimises `‖w_i‖² T(κ_ij)`. Two flows from one draw, with these norms and with unit norms, share what the law leaves out
//! up to a product of two small numbers, `O(d^{−1/2}/c)` and `√(2/d)`, a few times `10⁻⁴`: the quotient of their times is that of the two minima within 0.002. Without norms it would be 1, which is that near in a share `P(|z| < 0.14) = 0.11` of the starts.

use moe_kernels::Router;
use moe_theory::soft_routed::{InitialLaw, Method, Start, alignment_time};
use serde_json::json;

use super::times::first_seen;
use super::{LEAST, LEVEL, NEARLY_ALL};
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// Dimension, students and teachers, and what a quotient may be off by.
const DIMENSION: u64 = 10_000;
const UNITS: [usize; 2] = [2, 2];
const CLOSE: f64 = 0.002;

/// Times with Gaussian raw norms over those with unit ones, against the law.
pub(super) fn gaussian(run: &Run<'_>) -> Result<Finding, CheckError> {
    let start = |replicate, gaussian_norms| {
        let law =
            InitialLaw { student_overlap: 0.0, gaussian_norms, ..InitialLaw::new(3, UNITS[0], UNITS[1], DIMENSION) };
        law.sample(run.seed(), replicate).map_err(CheckError::theory)
    };
    let latest = alignment_time(Router::Sigmoid, 3, LEAST / (DIMENSION as f64).sqrt(), 0.5);
    let predicted = |start: &Start| start.predicted_alignment().filter(|time| *time <= latest);
    let replicates = run.replicates(run.integer("replicates") as usize, |replicate| {
        Ok(predicted(&start(replicate, false)?).is_some() && predicted(&start(replicate, true)?).is_some())
    })?;
    // The quotient seen, and that of the law.
    let rows: Vec<Option<[f64; 2]>> = run.units("gaussian-norms", replicates.len(), |unit| {
        let [plain, gaussian] = [start(replicates[unit], false)?, start(replicates[unit], true)?];
        let seen = |start: &Start| {
            Ok::<_, CheckError>(first_seen(run, start, 2.0 * latest, Method::Explicit)?.map(|first| first.0))
        };
        let quotient = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
        let law = quotient(predicted(&gaussian), predicted(&plain));
        Ok(quotient(seen(&gaussian)?, seen(&plain)?).zip(law).map(|(seen, law)| [seen, law]))
    })?;
    let near = |what: &str, law: &dyn Fn(f64) -> f64| {
        let hits = rows.iter().flatten().filter(|[seen, of]| (seen / law(*of) - 1.0).abs() <= CLOSE).count() as u64;
        Evidence::estimate(
            format!(
                "share of starts whose first alignment with Gaussian raw norms comes, over that with unit norms, within 0.002 of {what}, d = 1e4"
            ),
            LEVEL,
            statistics::proportion(hits, rows.len() as u64, LEVEL),
            NEARLY_ALL,
        )
    };
    let item = near("the quotient of the least ‖w_i‖² T(κ_ij) and the least T(κ_ij)", &|law| law);
    let off = |of: &dyn Fn(&[f64; 2]) -> f64| rows.iter().flatten().map(of).fold(0.0, f64::max);
    let witness = json!({ "interval": item.interval(),
        "largest change by the norms": off(&|[seen, _]| (seen - 1.0).abs()), "largest deviation": off(&|[seen, law]| (seen / law - 1.0).abs()) });
    Ok(Finding::judged(
        "the raw norms of the Gaussian start are learning rates",
        item.statement().to_string(),
        &[item],
        &[Control::new("a time that norms do not change is rejected", near("1", &|_| 1.0))],
        witness,
    ))
}

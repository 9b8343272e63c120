//! How far runs from one start are apart, by the effective equation with its noise, and what a mean of them is good to.

use moe_theory::soft_routed::Start;
use serde::{Deserialize, Serialize};

use super::super::LEVEL;
use super::super::diffusion::alignments;
use super::course::{mean_over_times, teachers_by};
use super::{ALIGNED, ERROR, ERRORS, GLANCE, NOISE, RUNS};
use crate::{CheckError, Run, statistics};

/// How runs from one start scatter: standard deviations of `ln T` of the flow's first pair and of the mean number of teachers aligned.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Scatter {
    pub(super) time: f64,
    pub(super) teachers: f64,
}

impl Scatter {
    /// Whether a mean of so many runs can be told from what would be refused.
    pub(super) fn answers(&self, runs: u64) -> bool {
        error(self.time, runs) <= ERROR && error(self.teachers, runs) <= ERRORS
    }
}

/// `sd T/T` of a first alignment from `κ_0` by the noise along its own teacher alone: `∫ s²/(4.5κ²)² dt = s²/(5·4.5³κ_0⁵)` with `s² = ε/d`, over `T² = 1/(4.5κ_0)²`.
pub(super) fn formula(noise: f64, dimension: u64, overlap: f64) -> f64 {
    (noise / (22.5 * dimension as f64 * overlap.max(0.0).powi(3))).sqrt()
}

/// The scatter of runs from a start whose flow aligns this pair first; none where some run does not align it in time, or a few of them are apart by half more than is allowed.
pub(super) fn scatter(
    run: &Run<'_>,
    start: &Start,
    pair: usize,
    [until, noise]: [f64; 2],
    runs: u64,
) -> Result<Option<Scatter>, CheckError> {
    let (mut times, mut counts) = (Vec::new(), Vec::new());
    for replicate in 0..RUNS {
        let aligned = alignments(run, start, [noise, until, ALIGNED], replicate, NOISE)?;
        let Some(time) = aligned[pair] else { return Ok(None) };
        times.push(time.ln());
        counts.push(mean_over_times(until, |time| teachers_by(&aligned, start.teachers(), time)));
        let glance = Scatter { time: deviation(&times) / 1.5, teachers: deviation(&counts) / 1.5 };
        if times.len() == GLANCE && !glance.answers(runs) {
            return Ok(None);
        }
    }
    Ok(Some(Scatter { time: deviation(&times), teachers: deviation(&counts) }))
}

/// The standard deviation; 0 of a single value.
fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (values.len().max(2) - 1) as f64).sqrt()
}

/// Half the width of the interval for a mean of so many runs, from the standard deviation of [`RUNS`] others.
pub(super) fn error(deviation: f64, runs: u64) -> f64 {
    let quantile = statistics::student_quantile(RUNS as usize - 1, LEVEL).unwrap_or(f64::INFINITY);
    quantile * deviation / (runs as f64).sqrt()
}

//! How far one run of SGD may be from the mean: the scatter of the effective equation with its noise, for all students at once.
//!
//! The effective equation is the mean of a diffusion of the raw weights, whose noise is that of a dormant expert in every tangent direction, outside the span and within it:
//!
//! ```text
//! dw_i = −∇_i L dt + √(ε/(d−1)) P_i dB_i/‖w_i‖,      dv_i = −∇_i L dt,      P_i the projection orthogonal to w_i
//! ```
//!
//! so that `d‖w‖²/dt = ε/‖w‖²`, and an overlap of `κ` has the variance `(ε/(d−1))/‖w‖⁴ dt`. Within the span this does more than move one `κ`: overlaps between students walk by `√(εt/d)`, as far as they are from zero at the start, so that students which the flow keeps apart meet,
//! and push the pair in question while they last. The one-dimensional formula `(sd T/T)² = ε/(22.5dκ_0³)` knows nothing of that and is too small by a factor of up to two (0.97 to 1.92 at `m = 6`, `d = 80`, six starts). From one of these (seed 1, start 8) `ln T` had the standard deviation 0.202 over 39 runs of SGD, 0.183 over the 24 runs
//! here, and 0.115 by the formula. Here it is not derived but drawn: from the same start, steps of [`STEP`], a few milliseconds a run, in all `d` coordinates.
//! What is left out: along a teacher's expert an input's gradient has `1 + 6·9.3/σ_w²` times the variance (`E[He_3² z²] = 42` against 6), at most 1.12; noise of the routers, of a tenth of that variance; noise that falls once students have learned.

use moe_theory::soft_routed::{PopulationLoss, Start};
use rand::RngExt;
use rand_distr::StandardNormal;

use crate::{CheckError, Run};

/// Steps in time. Euler's error moves every run alike, `½h·9κ` of a time.
const STEP: f64 = 0.02;

/// First times at which the expert of student `i` reaches the overlap `aligned` with teacher `j`, up to `until`, at `i·m* + j`.
pub(super) fn alignments(
    run: &Run<'_>,
    start: &Start,
    [noise, until, aligned]: [f64; 3],
    replicate: u64,
    purpose: u32,
) -> Result<Vec<Option<f64>>, CheckError> {
    let mut stream = run.substream(replicate, purpose);
    let start = start.clone().in_all_coordinates(&mut stream);
    let (m, teachers, d) = (start.students(), start.teachers(), start.coordinates());
    let mut population: PopulationLoss = start.population();
    let mut weights = start.state();
    let mut gradient = vec![0.0; weights.len()];
    let mut kick = vec![0.0; d];
    let mut times = vec![None; m * teachers];
    let size = (noise * STEP / (d as f64 - 1.0)).sqrt();
    for k in 1..=(until / STEP).ceil() as u64 {
        run.proceed()?;
        population.gradient(&weights, &mut gradient);
        for (row, (w, g)) in weights.chunks_exact_mut(d).zip(gradient.chunks_exact(d)).enumerate() {
            w.iter_mut().zip(g).for_each(|(w, g)| *w -= STEP * g);
            if row >= m {
                let square: f64 = w.iter().map(|x| x * x).sum();
                kick.iter_mut().for_each(|z| *z = stream.sample(StandardNormal));
                let along = w.iter().zip(&kick).map(|(w, z)| w * z).sum::<f64>() / square;
                let size = size / square.sqrt();
                w.iter_mut().zip(&kick).for_each(|(w, z)| *w += size * (z - along * *w));
            }
        }
        for (pair, time) in times.iter_mut().enumerate().filter(|(_, time)| time.is_none()) {
            let w = &weights[(m + pair / teachers) * d..(m + pair / teachers + 1) * d];
            let norm = w.iter().map(|x| x * x).sum::<f64>().sqrt();
            let overlap = w.iter().zip(start.teacher().expert(pair % teachers)).map(|(a, b)| a * b).sum::<f64>() / norm;
            if overlap >= aligned {
                *time = Some(STEP * k as f64);
            }
        }
    }
    Ok(times)
}

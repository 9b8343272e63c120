//! Starts with `v̄·w̄ = ½`, with routers other than the sigmoid.
//!
//! # The law with the router's own constants
//!
//! The student's own loss turns `v̄` and `w̄` apart before anything else moves, each by half of the angle at equal raw norms (`initialisation-perturbation`); that uses only that the loss falls with `s` all the way, `18E q'' + 18E q^{(4)}s² + 3E q^{(6)}s⁴ > 0`, `q = π²`: 1.63 … 1.05 for Gaussian distribution functions and 6.5 … 3.9 for tanh
//! on `s ≤ ½`, as 1.12 … 0.86 for the sigmoid. The result is the orthonormal pair nearest to `(v̄, w̄)`,
//!
//! ```text
//! w̄' = αw̄ − γv̄,   v̄' = αv̄ − γw̄,   α, γ = ½[(1−s)^{−1/2} ± (1+s)^{−1/2}]
//! ```
//!
//! With `A_0 ≠ 0` the expert's overlap after the turn, `ακ − γa`, decides the time by the closed form; with tanh all four after the turn, by the quartic law.
//!
//! # Where the bounds come from
//!
//! As in `initialisation-perturbation`: delays of a unit or two of times of 500 and more, at `d = 10⁸` with Gaussian distribution functions and `10⁶` with tanh, and relative `O(d^{−1/2}/c)`: `±1 %`, `±3 %` with tanh, whose quartic law multiplies relative changes of overlaps, `d^{−1/2}/c = 0.004` at `c = ¼`, by two and more. Of 40 starts, all but near-cancellations are so: 37 of them still give an interval above 0.75. The overlaps before
//! the turn, the twin, have times that differ by factors: some per cent of the starts agree within 3 %.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, InitialLaw, Method, OrderParameters, Start, Watch};
use serde_json::json;

use super::law::{Overlaps, overlaps_of, predicted};
use super::{LEVEL, recovered::ROUTERS};
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

const OWN: f64 = 0.5;
const STARTS: usize = 40;
const SHAPE: [usize; 2] = [2, 2];
pub(super) const DIMENSIONS: [u64; 2] = [100_000_000, 1_000_000];
/// An alignment of scope comes before this times `√d` or, with tanh, `d`: that of an overlap `¼d^{−1/2}`.
pub(super) const LATEST: [f64; 2] = [0.9, 0.1];
pub(super) const CLOSE: [f64; 2] = [0.01, 0.03];
pub(super) const MOST: [f64; 2] = [0.75, 1.0];

/// Overlaps after the turn of `v̄` and `w̄` to a right angle, from `v̄·w̄ = s`.
fn turned([kappa, beta, a, b]: Overlaps, s: f64) -> Overlaps {
    let [plus, minus] = [(1.0 + s).sqrt().recip(), (1.0 - s).sqrt().recip()];
    let (alpha, gamma) = (0.5 * (minus + plus), 0.5 * (minus - plus));
    [alpha * kappa - gamma * a, alpha * beta - gamma * b, alpha * a - gamma * kappa, alpha * b - gamma * beta]
}

/// The first alignment by the law of one pair, after a turn from `v̄·w̄ = s`.
fn first_after(router: Router, state: &OrderParameters, s: f64) -> f64 {
    let pairs = state.pairs().map(|(i, j, _)| predicted(router, turned(overlaps_of(state, i, j), s)));
    pairs.fold(f64::INFINITY, f64::min)
}

fn sample(run: &Run<'_>, which: usize, replicate: u64) -> Result<Start, CheckError> {
    let [students, teachers] = SHAPE;
    let law = InitialLaw {
        router: ROUTERS[which],
        student_overlap: 0.0,
        ..InitialLaw::new(3, students, teachers, DIMENSIONS[which])
    };
    Ok(law.sample(run.seed(), replicate).map_err(CheckError::theory)?.with_own_overlaps(OWN))
}

/// Of each start the time of the first alignment, if there is one within half as much again as the law's, and the times of the law and of its twin.
pub(super) type Alignment = [Option<f64>; 3];

pub(super) fn alignments(
    run: &Run<'_>,
    sweep: &str,
    replicates: &[u64],
    sample: impl Fn(u64) -> Result<Start, CheckError> + Sync,
    laws: impl Fn(&OrderParameters) -> [f64; 2] + Sync,
) -> Result<Vec<Alignment>, CheckError> {
    run.units(sweep, replicates.len(), |unit| {
        let start = sample(replicates[unit])?;
        let [law, twin] = laws(&start.order_parameters());
        let flow = Flow::new(&start).method(Method::Implicit).tolerance(run.real("tolerance"));
        let passage = run.first_passage(flow, Watch::ExpertMagnitude(0.5), 1.5 * law)?;
        Ok([passage.map(|event| event.time), Some(law), Some(twin).filter(|twin| twin.is_finite())])
    })
}

/// Share of the starts whose first alignment has the time of a reading, 1 the law's and 2 the twin's, up to a relative error.
pub(super) fn on_time(statement: String, rows: &[Alignment], reading: usize, close: f64) -> Evidence {
    let near = |row: &&Alignment| row[0].zip(row[reading]).is_some_and(|(time, law)| (time / law - 1.0).abs() <= close);
    let hits = rows.iter().filter(near).count() as u64;
    Evidence::estimate(statement, LEVEL, statistics::proportion(hits, rows.len() as u64, LEVEL), MOST)
}

pub(super) fn finding(run: &Run<'_>) -> Result<Finding, CheckError> {
    let (mut items, mut twins) = (Vec::new(), Vec::new());
    for (which, router) in ROUTERS.into_iter().enumerate() {
        let d = DIMENSIONS[which] as f64;
        let latest = LATEST[which] * if which == 0 { d.sqrt() } else { d };
        let starts = STARTS.max(run.integer("replicates") as usize);
        let replicates = run.replicates(starts, |replicate| {
            Ok(first_after(router, &sample(run, which, replicate)?.order_parameters(), OWN) <= latest)
        })?;
        let rows = alignments(
            run,
            &format!("turned-{}", router.name()),
            &replicates,
            |replicate| sample(run, which, replicate),
            |state| [OWN, 0.0].map(|s| first_after(router, state, s)),
        )?;
        let share = |reading: usize, words: &str| {
            let statement = format!(
                "{} routers, v·w = {OWN}: share of starts whose first expert aligns within {} of the law's time with the overlaps {words}, d = {d:e}",
                router.name(),
                CLOSE[which]
            );
            on_time(statement, &rows, reading, CLOSE[which])
        };
        items.push(share(1, "after the turn"));
        twins.push(share(2, "before it"));
    }
    let controls: Vec<Control> = twins.into_iter().map(Control::from).collect();
    Ok(Finding::judged(
        "v·w = ½ at the start, with other routers",
        "it costs what the turn of v and w apart costs: the first alignment has the time of the law with the overlaps after the turn, that of the expert alone with Gaussian-CDF routers, all four with tanh routers",
        &items,
        &controls,
        json!(null),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The turn of the expert against the one by the arc, of another derivation: half of `arcsin s`.
    #[test]
    fn turn_is_half_of_the_arc() {
        let law = InitialLaw { student_overlap: 0.0, ..InitialLaw::new(3, 2, 2, 1000) };
        let start = law.sample(3, 0).unwrap().with_own_overlaps(0.4);
        let state = start.order_parameters();
        for (i, j, _) in state.pairs() {
            let [kappa, ..] = turned(overlaps_of(&state, i, j), 0.4);
            assert!((kappa - start.turned_expert_overlap(i, j, 0.5)).abs() < 1e-14);
        }
    }
}

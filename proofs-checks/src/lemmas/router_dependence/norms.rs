//! Raw norms as learning rates, with routers other than the sigmoid.
//!
//! # The law (derived here)
//!
//! A vector of raw norm `n` turns at `n⁻²` times the rate of a unit one. With Gaussian distribution functions an expert aligns by itself, at the time `‖w‖²T(κ)` of the sigmoid's law; `‖v‖` does not enter. With tanh routers `κ` and `b` turn with `w̄`, `β` and `a` with `v̄`:
//!
//! ```text
//! κ' = ‖w‖⁻²∂E/∂κ,   b' = ‖w‖⁻²∂E/∂b,   β' = ‖v‖⁻²∂E/∂β,   a' = ‖v‖⁻²∂E/∂a,      E = 6A_1²(κ³β + 3κ²ab)
//! ```
//!
//! In `(‖w‖κ, ‖v‖β, ‖v‖a, ‖w‖b)` this is the gradient flow of `E/(‖w‖³‖v‖)`, since each of the two terms has three factors of `w̄` and one of `v̄`. So the time is that of unit norms from these overlaps, times `‖w‖³‖v‖`: at equal norms `n⁴/n² = n²`, as with other routers; otherwise the norm of the router counts. (`|κ| = ½` becomes `½‖w‖`; how the time ends is
//! `O(1)` of a time `∝ d`.) The first pair to align is the one with the least time by its own norms.
//!
//! # Where the bounds come from
//!
//! As in `perturbed`, whose dimensions and tolerances these are: what the laws leave out are `O(1)` units of its own time and relative `O(d^{−1/2}/c)`: `±1 %`, `±3 %` with tanh. Two students before one teacher, one student with the router's norm ½, the other with the expert's; 31 of 32 starts still give an interval above 0.75, and there are no near-cancellations but those of `a` and `b` with tanh. The twins are, with Gaussian distribution functions, `‖v‖²` in place of `‖w‖²`, which agrees only at ties of the two students;
//! with tanh `‖w‖²T` of the four overlaps, as if the expert were alone: its quotient with the law spreads over a factor of some four, so that some per cent of the starts agree. Both are far below 0.75.

use moe_kernels::Router;
use moe_theory::soft_routed::{InitialLaw, OrderParameters, Start};
use serde_json::json;

use super::law::{Overlaps, overlaps_of, predicted};
use super::perturbed::{CLOSE, DIMENSIONS, LATEST, alignments, on_time};
use super::recovered::ROUTERS;
use crate::{CheckError, Control, Evidence, Finding, Run};

/// `‖v‖, ‖w‖` of either student.
const NORMS: [[f64; 2]; 2] = [[0.5, 1.0], [1.0, 0.5]];
/// How raw norms enter the time of one pair.
type Reading = fn(Router, Overlaps, [f64; 2]) -> f64;
/// Twin of either router.
const TWINS: [(Reading, &str); 2] = [
    (|router, overlaps, [v, _]| v * v * predicted(router, overlaps), "with the factor ‖v‖²"),
    (|router, overlaps, [_, w]| w * w * predicted(router, overlaps), "with the factor ‖w‖² alone"),
];

/// Time of one pair's alignment with raw norms `‖v‖, ‖w‖`.
fn timed(router: Router, overlaps @ [kappa, beta, a, b]: Overlaps, [v, w]: [f64; 2]) -> f64 {
    match router.hermite().value(0) {
        0.0 => w.powi(3) * v * predicted(router, [w * kappa, v * beta, v * a, w * b]),
        _ => w * w * predicted(router, overlaps),
    }
}

/// The first alignment by a reading of raw norms.
fn first(router: Router, state: &OrderParameters, reading: Reading) -> f64 {
    let times = state.pairs().map(|(i, j, _)| reading(router, overlaps_of(state, i, j), NORMS[i]));
    times.fold(f64::INFINITY, f64::min)
}

fn sample(run: &Run<'_>, which: usize, replicate: u64) -> Result<Start, CheckError> {
    let law = InitialLaw {
        router: ROUTERS[which],
        student_overlap: 0.0,
        ..InitialLaw::new(3, NORMS.len(), 1, DIMENSIONS[which])
    };
    let norms: Vec<f64> = [0, 1].into_iter().flat_map(|side| NORMS.map(|norms| norms[side])).collect();
    Ok(law.sample(run.seed(), replicate).map_err(CheckError::theory)?.with_norms(&norms))
}

pub(super) fn finding(run: &Run<'_>) -> Result<Finding, CheckError> {
    let (mut items, mut twins) = (Vec::new(), Vec::new());
    for (which, router) in ROUTERS.into_iter().enumerate() {
        let d = DIMENSIONS[which] as f64;
        let latest = LATEST[which] * if which == 0 { d.sqrt() } else { d };
        let replicates = run.replicates(run.integer("replicates") as usize, |replicate| {
            Ok(first(router, &sample(run, which, replicate)?.order_parameters(), timed) <= latest)
        })?;
        let rows = alignments(
            run,
            &format!("norms-{}", router.name()),
            &replicates,
            |replicate| sample(run, which, replicate),
            |state| [timed, TWINS[which].0].map(|reading| first(router, state, reading)),
        )?;
        let share = |reading: usize, words: &str| {
            let statement = format!(
                "{} routers, raw norms (‖v‖, ‖w‖) of (½, 1) and (1, ½): share of starts whose first expert aligns within {} of the time of the law {words}, d = {d:e}",
                router.name(),
                CLOSE[which]
            );
            on_time(statement, &rows, reading, CLOSE[which])
        };
        items.push(share(1, ["with the factor ‖w‖²", "with both norms"][which]));
        twins.push(share(2, TWINS[which].1));
    }
    let witness = json!({ "intervals": items.iter().map(Evidence::interval).collect::<Vec<_>>(), "of the twins": twins.iter().map(Evidence::interval).collect::<Vec<_>>() });
    let controls: Vec<Control> = twins.into_iter().map(Control::from).collect();
    Ok(Finding::judged(
        "raw norms are learning rates, with other routers",
        "the first alignment takes ‖w‖² times the time of unit norms with Gaussian-CDF routers, whatever ‖v‖; with tanh routers ‖w‖³‖v‖ times that from the overlaps ‖w‖κ, ‖v‖β, ‖v‖a, ‖w‖b",
        &items,
        &controls,
        witness,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::law::forces;
    use super::*;

    /// The law with both norms against Euler steps of the flow with two rates, of which a thousand a doubling leave 10⁻³.
    #[test]
    fn two_rates_are_one_scaling() {
        let (router, [v, w]) = (Router::Tanh, [0.5, 2.0]);
        let start = [0.002, 0.0015, -0.0005, 0.0018];
        let (mut y, mut time) = (start, 0.0);
        while y[0] < 0.5 {
            let [[p, q], [r, s]] = forces(router, y);
            let slopes = [p / (w * w), r / (v * v), q / (v * v), s / (w * w)];
            let h = 1e-3 * y[0] / slopes.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            (y, time) = (std::array::from_fn(|n| y[n] + h * slopes[n]), time + h);
        }
        let law = timed(router, start, [v, w]);
        assert!((law / time - 1.0).abs() < 5e-3, "{law} {time}");
    }
}

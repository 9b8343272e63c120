//! The basin of the teacher, with routers other than the sigmoid.
//!
//! # What is expected (derived here)
//!
//! Starts on the great circles to the teacher, as in `fine-tuning-rate`, but with signs: every router at overlap `±c` with its teacher's, every expert at `±c`, `c = 0.3`; all other overlaps are `O(d^{−1/2})`, 0.1 at most or so at `d = 1000`.
//!
//! *`A_0 ≠ 0`.* The rate of the expert is `18Φ_00(β)κ²(1−κ²)`, and `Φ_00(β) > 0` at every `β`: 0.226 at `β = −0.3` with Gaussian distribution functions, where it is `¼ + arcsin(β/2)/2π`. So `κ > 0` suffices; a router that points the wrong way follows by `6κ³Φ_11(β)(1−β²)`, positive from every `β > −1`. With `κ < 0` the overlap goes to 0 from below, by the leading terms as `−1/t`;
//! what may carry it over 0 are the cross overlaps, of second order (`v̄·w̄` times `v̄·w*`) and at times of some hundred units (counted: from `κ = −0.3`, `β = 0.3` and cross overlaps 0.1 and −0.1 after more than 100), or it ends crossed at `κ = −0.36`. Within the twenty units that are given such a student can learn the other teacher alone.
//!
//! *tanh.* The quartic law without `a` and `b` is `κ' = 18A_1²κ²β`, `β' = 6A_1²κ³`, of which `κ² − 3β²` is an invariant. For `κβ > 0` both grow; for `κβ < 0`, from `κ² = β² = c²`, `κ` ends at 0 with `β² = ⅔c²`, a rest point. So it is the sign of `κβ` that counts: `f(−v, −w) = f(v, w)`, and both negative is the same start as both positive, whose end, the copy
//! of the teacher, has the loss 0 and counts as reached. (The experts' order is odd: with `A_0 ≠ 0` there is no such copy.)
//!
//! # Where the bounds come from
//!
//! A start with the right signs fails with a probability of order zero: shares as in `fine-tuning-rate`, at least 0.7, and all of 18 give `[0.745, 1]`. Twice the time that they need is waited for: with Gaussian distribution functions an expert needs one or two units and its router some eight, at the rate ½, until what is left costs `10⁻³`; with tanh both need some three, and ten are given.
//! The twins are the other signs. With tanh none is there by then: overlaps of the size `d^{−1/2}` align at times of the order of `d/13 = 75`, and the largest of them, three times that, in a ninth, eight units; both students have to have such overlaps with the teachers that are left, and their routers to follow. With Gaussian distribution functions and `κ < 0` both students must learn one another's teachers, whose experts need `√d/4.5c = 7/c` of the first ten units: two overlaps `c > 0.7`, a share of 0.06 at most. Seven of 18, from which on 0.7 is in the interval, have probability `10⁻⁴` then.

use moe_kernels::Router;
use moe_theory::soft_routed::InitialLaw;
use serde_json::json;

use super::super::fine_tuning_rate::converges;
use super::LEVEL;
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// Overlap with the teacher, starts, teachers and dimension.
const OVERLAP: f64 = 0.3;
const STARTS: usize = 18;
const TEACHERS: usize = 2;
const DIMENSION: u64 = 1000;
const MOST: [f64; 2] = [0.7, 1.0];
/// Signs of the overlaps of routers and of experts, how long they are given, and whether such starts are expected to converge.
const SIGNS: [(Router, [f64; 2], f64, bool); 5] = [
    (Router::GaussianCdf, [1.0, 1.0], 20.0, true),
    (Router::GaussianCdf, [-1.0, 1.0], 20.0, true),
    (Router::GaussianCdf, [1.0, -1.0], 20.0, false),
    (Router::Tanh, [1.0, 1.0], 10.0, true),
    (Router::Tanh, [-1.0, 1.0], 10.0, false),
];

pub(super) fn finding(run: &Run<'_>) -> Result<Finding, CheckError> {
    let ends = run.units("basin", SIGNS.len() * STARTS, |unit| {
        let (router, signs, until, _) = SIGNS[unit / STARTS];
        let law = InitialLaw { router, ..InitialLaw::new(3, TEACHERS, TEACHERS, DIMENSION) };
        let start = law.sample(run.seed(), (unit % STARTS) as u64).map_err(CheckError::theory)?;
        converges(run, &start.with_teacher_overlaps(signs[0] * OVERLAP, signs[1] * OVERLAP), until)
    })?;
    let (mut items, mut twins) = (Vec::new(), Vec::new());
    for ((router, signs, until, expected), ends) in SIGNS.into_iter().zip(ends.chunks(STARTS)) {
        let [of_router, of_expert] = signs.map(|sign| sign * OVERLAP);
        let hits = ends.iter().filter(|converged| **converged).count() as u64;
        let statement = format!(
            "{} routers: share of starts with every router at {of_router} and every expert at {of_expert} to its teacher's that converge to the teacher, or to a copy of it, by t = {until}, d = {DIMENSION}",
            router.name()
        );
        let item = Evidence::estimate(statement, LEVEL, statistics::proportion(hits, STARTS as u64, LEVEL), MOST);
        if expected { items.push(item) } else { twins.push(item) }
    }
    let witness = json!({ "intervals": items.iter().map(Evidence::interval).collect::<Vec<_>>(), "of the twins": twins.iter().map(Evidence::interval).collect::<Vec<_>>() });
    Ok(Finding::judged(
        "the basin with other routers",
        "starts at overlap 0.3 with the teacher converge: with Gaussian-CDF routers where experts point the right way, whichever way routers do; with tanh routers where both do",
        &items,
        &twins.into_iter().map(Control::from).collect::<Vec<_>>(),
        witness,
    ))
}

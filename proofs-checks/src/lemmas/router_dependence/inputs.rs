//! Correlated inputs, with routers other than the sigmoid.
//!
//! # The laws with the router's own constants (derived here)
//!
//! *A generic spike* `I + uuᵀ` only takes `w̄·u`, `v̄·u = O(d^{−1/2})` out of every student (`correlated-inputs`): the law of the first alignment stays, `18A_0²κ²` or the quartic one.
//!
//! *A spike along the teacher's expert* makes `dκ/dt = −18Φ_00(1)κ` by the student's own loss, 6 and 7.0973 in place of the sigmoid's 5.2808: the teacher is never found from a random start, whatever the router.
//!
//! *Toeplitz inputs: the rate at which a router wakes.* Let an expert be exact and of variance 1, and its router at `β = 0`, `v̄, v̄*` and `w̄*` far apart in the order of the coordinates, so that all three are uncorrelated, `v̄` of variance 1, and `c = v̄*ᵀΣv̄*`. With `h = He_3(w*·x)`, `E h² = 6`, `½E(π(v̄·x) − π(v̄*·x))²h²` has the derivative
//!
//! ```text
//! ∂/∂v̄ = 6{½E(π²)''(Z)·Σv̄ − A_1(1)A_1(c)Σv̄*},      A_1(c) = E π'(√c Z),      dβ/dt = 6A_1(1)A_1(c)·c  at β = 0
//! ```
//!
//! (theory X1; `v̄*ᵀΣv̄ = 0`). Along a coordinate axis `c = 1` and the rate is that of isotropic inputs, `6A_1²`; along `(e_i ± e_{i+1})/√2` `c = 1 ± r`. So a router wakes beside its expert at the isotropic rate up to the variance along its teacher.
//!
//! # Where the bounds come from
//!
//! *The first alignment.* `w̄·u` changes an overlap by `O(1/d)`, relatively by `0.02/c` at `d = 3000`, and the time by twice that: `±10 %`, for a majority of twelve starts; all of them give `[0.64, 1]`, eleven `[0.52, 1]`. Under the spike along the expert none aligns. *The decay* is read as in `correlated-inputs`, from `t = ½` to 1, `±0.05`, but at `d = 10⁸`: forces that do not fall with `κ`, `O(d^{−3/2})` with constants of order ten, stand against `d^{−1/2}e^{−7.1}` with tanh, a relative `10⁴/d`;
//! the sigmoid's is off by 0.14 and 0.34. *Waking:* overlaps of axes ten apart are `2^{−10}`; `β/t` at `t` and `t/2`, extrapolated to 0, at `t = 10⁻³/(6A_1²)`, has an error of the second order in `10⁻³`: `±0.01`. What is read errs by that second order, `(λt)²/12 = 10⁻⁵` with `λ = 6` and `t = 2·10⁻³`, and by the tolerance `10⁻¹²` a step over `β = 10⁻³/2`: `10⁻⁴` is enough.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, GeneralLoss, Inputs, Start, Stop, StudentTeacher, Watch};
use serde_json::json;

use super::super::correlated_inputs::law::{Law, SPIKE};
use super::law::{first, phi};
use super::{LEVEL, recovered::ROUTERS, within};
use crate::axes::axis;
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// Starts, of the alignment and of the decay, and their dimensions.
const STARTS: usize = 12;
const DIMENSION: u64 = 3000;
const DECAY_DIMENSION: u64 = 100_000_000;
/// An alignment of scope comes before this times `√d` or, with tanh, `d`.
const LATEST: [f64; 2] = [0.3, 0.05];
const CLOSE: f64 = 0.1;
const MAJORITY: [f64; 2] = [0.5, 1.0];
const BETWEEN: [f64; 2] = [0.5, 1.0];
const RATE: [f64; 2] = [0.95, 1.05];
/// Toeplitz ratio, coordinates, and the places of `v̄*`, `w̄*` and `v̄`.
const RATIO: f64 = 0.5;
const COORDINATES: usize = 32;
const PLACES: [usize; 3] = [4, 15, 26];
const WAKING: [f64; 2] = [0.99, 1.01];
const READING: f64 = 1e-4;

fn sample(
    run: &Run<'_>,
    router: Router,
    law: Law,
    dimension: u64,
    replicate: u64,
) -> Result<(Start, Inputs), CheckError> {
    let (mut start, inputs) = law.start(run, [1, 1], 0.0, dimension, replicate)?;
    start.router = router;
    Ok((start, inputs))
}

/// Time of the first alignment over the isotropic law's.
fn alignment(run: &Run<'_>, (start, inputs): &(Start, Inputs)) -> Result<Option<f64>, CheckError> {
    let law = first(start.router, &start.order_parameters());
    let general = GeneralLoss::under(start, inputs);
    let interrupted = |_: f64| run.proceed().is_err();
    let flow = Flow::new(start).tolerance(1e-6).under(&general).monitor(&interrupted);
    let passage = flow.first_passage(Watch::ExpertMagnitude(0.5), 1.5 * law);
    run.proceed()?;
    Ok(passage.map_err(CheckError::theory)?.map(|event| event.time / law))
}

/// `d ln|κ|/dt` between the two times.
fn growth(run: &Run<'_>, (start, inputs): &(Start, Inputs)) -> Result<f64, CheckError> {
    let general = GeneralLoss::under(start, inputs);
    let mut overlaps = [0.0; 2];
    let interrupted = |_: f64| run.proceed().is_err();
    let flow = Flow::new(start).tolerance(1e-10).under(&general).monitor(&interrupted);
    let read = |k: usize, state: moe_theory::soft_routed::OrderParameters| overlaps[k] = state.expert(0, 0);
    let outcome = flow.run(BETWEEN[1], &[], &BETWEEN, read, |_, _| Stop::No);
    run.proceed()?;
    outcome.map_err(CheckError::theory)?;
    Ok((overlaps[1] / overlaps[0]).abs().ln() / (BETWEEN[1] - BETWEEN[0]))
}

/// `A_1(c) = E π'(√c Z)`: the derivative of `E π(√c Z + t)` is `E π(√c Z)Z/√c`; by the trapezoid rule, exact to rounding for `c ≤ 2`.
fn slope(router: Router, c: f64) -> f64 {
    let term = |k: i32| {
        let z = f64::from(k) / 16.0;
        router.value(c.sqrt() * z) * z * (-0.5 * z * z).exp()
    };
    (-200..=200).map(term).sum::<f64>() / (16.0 * (std::f64::consts::TAU * c).sqrt())
}

/// `6A_1(1)A_1(c)c`.
fn waking_law(router: Router, c: f64) -> f64 {
    6.0 * slope(router, 1.0) * slope(router, c) * c
}

/// Rate at which a router wakes from `β = 0` before the teacher's router `e_i`, or `(e_i ± e_{i+1})/√2`, its expert exact, under Toeplitz inputs.
fn waking(run: &Run<'_>, router: Router, neighbour: f64) -> Result<f64, CheckError> {
    let [target, expert, own] = PLACES;
    let axis = |k: usize| axis(COORDINATES, k);
    let mut teacher = axis(target);
    teacher[target + 1] = neighbour;
    let model = StudentTeacher::from_rows(router, 3, [&[axis(own)], &[axis(expert)]], [&[teacher], &[axis(expert)]]);
    let start = Start::unreduced(&model.map_err(CheckError::theory)?);
    let general = GeneralLoss::under(&start, &Inputs::toeplitz(COORDINATES, RATIO));
    let end = 1e-3 / waking_law(router, 1.0);
    let times = [0.5 * end, end];
    let mut rates = [0.0; 2];
    let interrupted = |_: f64| run.proceed().is_err();
    let flow = Flow::new(&start).tolerance(1e-12).under(&general).monitor(&interrupted);
    let read = |k: usize, state: moe_theory::soft_routed::OrderParameters| rates[k] = state.router(0, 0) / times[k];
    let outcome = flow.run(end, &[], &times, read, |_, _| Stop::No);
    run.proceed()?;
    outcome.map_err(CheckError::theory)?;
    Ok(2.0 * rates[0] - rates[1])
}

pub(super) fn findings(run: &Run<'_>) -> Result<Vec<Finding>, CheckError> {
    let mut judged = [Vec::new(), Vec::new(), Vec::new()];
    for (which, router) in ROUTERS.into_iter().enumerate() {
        let name = router.name();
        let d = DIMENSION as f64;
        let latest = LATEST[which] * if which == 0 { d.sqrt() } else { d };
        let replicates = run.replicates(STARTS, |replicate| {
            let (start, _) = sample(run, router, Law::SpikeGeneric, DIMENSION, replicate)?;
            Ok(first(router, &start.order_parameters()) <= latest)
        })?;
        let n = replicates.len();
        let laws = [Law::SpikeGeneric, Law::SpikeExpert];
        let times = run.units(&format!("spikes-{name}"), 2 * n, |unit| {
            alignment(run, &sample(run, router, laws[unit / n], DIMENSION, replicates[unit % n])?)
        })?;
        let on_time = |law: usize| {
            let close = |ratio: &&Option<f64>| ratio.is_some_and(|ratio| (ratio - 1.0).abs() <= CLOSE);
            let hits = times[law * n..(law + 1) * n].iter().filter(close).count() as u64;
            let statement = format!(
                "{name} routers, {}: share of starts whose expert aligns within 10 % of the isotropic law's time, d = {DIMENSION}",
                laws[law].name()
            );
            Evidence::estimate(statement, LEVEL, statistics::proportion(hits, n as u64, LEVEL), MAJORITY)
        };
        judged[0].push([on_time(0), on_time(1)]);

        let rates = run.units(&format!("spike-decay-{name}"), STARTS, |unit| {
            growth(run, &sample(run, router, Law::SpikeExpert, DECAY_DIMENSION, unit as u64)?)
        })?;
        let decays = |of: Router, whose: &str| {
            let law = 18.0 * SPIKE * phi(of, 0);
            let ratios: Vec<f64> = rates.iter().map(|rate| -rate / law).collect();
            let statement = format!(
                "{name} routers, {}: −d ln κ/dt from t = {} to {} over {whose} 18Φ_00(1) = {law:.4}, median over starts",
                Law::SpikeExpert.name(),
                BETWEEN[0],
                BETWEEN[1]
            );
            Evidence::estimate(statement, LEVEL, statistics::median(&ratios, LEVEL), RATE)
        };
        judged[1].push([decays(router, "its own"), decays(Router::Sigmoid, "the sigmoid's")]);

        for (neighbour, words) in [(0.0, "e_i"), (1.0, "(e_i + e_(i+1))/√2"), (-1.0, "(e_i − e_(i+1))/√2")] {
            let rate = waking(run, router, neighbour)?;
            let variance = 1.0 + RATIO * neighbour;
            let over = |law: f64, which: &str| {
                let statement = format!(
                    "{name} routers, {}, v* = {words}: rate of a router at β = 0 beside its exact expert over {which} = {law:.4}",
                    Law::Toeplitz.name()
                );
                Evidence::comparison(statement, within(rate / law, READING), WAKING)
            };
            let twin = if neighbour == 0.0 {
                over(waking_law(Router::Sigmoid, variance), "the sigmoid's 6A_1²")
            } else {
                over(waking_law(router, 1.0), "the isotropic 6A_1²")
            };
            judged[2].push([over(waking_law(router, variance), "6A_1(1)A_1(c)c"), twin]);
        }
    }
    let words = [
        (
            "a generic spike, with other routers",
            "the first alignment keeps its law, with Gaussian-CDF routers after T ∝ √d and with tanh routers after T ∝ d; with a spike along the teacher's expert it does not",
        ),
        (
            "a spike along the teacher's expert, with other routers",
            "the overlap with that teacher dies out at the rate 18Φ_00(1) of the router, whatever the router",
        ),
        (
            "Toeplitz inputs: how a router wakes, with other routers",
            "beside its exact expert at 6A_1(1)A_1(c)c, c = v*ᵀΣv*: along an axis, c = 1, as with isotropic inputs",
        ),
    ];
    Ok(words
        .into_iter()
        .zip(judged)
        .map(|((title, statement), pairs)| {
            let (items, twins): (Vec<Evidence>, Vec<Evidence>) =
                pairs.into_iter().map(|[item, twin]| (item, twin)).unzip();
            let controls: Vec<Control> = twins.into_iter().map(Control::from).collect();
            Finding::judged(title, statement, &items, &controls, json!(null))
        })
        .collect())
}

//! After recovery, with routers other than the sigmoid: accuracy, the value of an expert, dipoles, and the order in which teachers are recovered.
//!
//! # The laws with the router's own constants (derived here)
//!
//! With `κ, β, a, b = w̄_l·w̄_k, v̄_l·v̄_k, v̄_l·w̄_k, w̄_l·v̄_k` of a learned and a dormant student `E f_l f_k = 6A_0²κ³ + 6A_1²(κ³β + 3κ²ab) + O(6)`, whose gradient pushes against the stiffnesses at the teacher (theory X3):
//!
//! ```text
//! δw = {[18A_0²κ² + 6A_1²(3κ²β + 6κab)] w̄_k + 18A_1²κ²a v̄_k}/(18Φ_00(1)),      δv = {6A_1²κ³ v̄_k + 18A_1²κ²b w̄_k}/(6Φ_11(1)),      1 − overlap = ½|δ|²
//! ```
//!
//! For `A_0 ≠ 0` `1 − κ ∝ d^{−2}` (`½(18A_0²/(18Φ_00(1)))² = 0.281` for Gaussian distribution functions, where `Φ_00(1) = 1/3`; 0.363 for the sigmoid) and `1 − β ∝ d^{−3}`; for tanh *both* are `∝ d^{−3}`: expert and router end as they begin, together.
//!
//! Useful and redundant experts are `2·½E f² = 6Φ_00(1)` apart: 2 and 2.366 in place of `3 − 6A_1`.
//!
//! A dipole `f(v, w) + f(v, −w)` is `3π(v̄·x)He_2(w̄·x)(ε·x)` for small `ε`; the teacher's force `F` on `ε` against `18Φ_00(1)` gives `−½F²/(18Φ_00(1))`, hence with `F = 18A_0²κ²` the rate `κ' = cκ³`, `c = 18A_0⁴/Φ_00(1)`: 3.375 for Gaussian distribution functions and 3.835 for the sigmoid (theory X6). For tanh `F` is cubic
//! in the overlaps, so that a hidden teacher reappears at times `∝ d²` in place of `d`.
//!
//! *Students that repel.* Two students lose `E f_l f_k`, the quartic form above for tanh, and both move: with `κ = −u` they anti-align after half of the time in which one of them would align with a teacher at `u`, `½·alignment_time` for `A_0 ≠ 0`; with tanh routers, from overlaps
//! of signs `κβ < 0`, `ab < 0`, for which every term of the flow grows, after a time `∝ u^{−2}`.
//!
//! # Where the bounds come from
//!
//! Deterministic starts with overlaps `u, 0.7u, 0.8u, 0.9u`, two `u` for each exponent; no dimension is varied, exponents in `d` follow with `u ∝ d^{−1/2}`. `1 − β` with Gaussian distribution functions is judged by its exponent alone, not by its constant. Corrections are relative `O(u)` with factors below 5: at `u = 0.01` `±0.1` for the floors. Exponents in `u`, between 0.01 and 0.02, are integers apart by two: `±0.5`. The gap is off by `O(u³)`: `10⁻³`. Of the dipole from 0.02 to 0.3 theory X6 measured 1.006 with the
//! sigmoid: `±0.05`, where the sigmoid's `c` is off by 0.14. Its exponents in `d = u^{−2}` are 1 and 2: `±0.25`. Students that repel have ½ and 1: `±0.15`, and `±0.05` for the time from `u = 0.005`: the rate is that of `Φ_00(β)` in place of `A_0²`, a relative 0.001 more at `β = 0.7u`, and jumps are in the closed form. The order: as in `sequential-recovery`, a share above 0.6, of the starts whose deflated times are below `√d`.
//! Ties fail some per cent of the starts, more where two late overlaps are near one another; at a share of 0.9 the lower end is below 0.6 for 30 starts in one run of six, for 90 in one of `10⁵`: three times the starts of the run are followed.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, Start, StudentTeacher, Watch, alignment_time};
use serde_json::json;

use super::super::guided_router::{Follower, pursue};
use super::accuracy::{Floor, floor};
use super::law::{phi, vectors};
use super::{GAP_ROUNDING, LEVEL, TIME_ERROR, eligible, law, within};
use crate::axes;
use crate::{CheckError, Column, Control, Evidence, Finding, Inexact, Run, Table, statistics};

pub(super) const ROUTERS: [Router; 2] = [Router::GaussianCdf, Router::Tanh];
/// Overlaps of the dormant student in units of `u`: `κ, β, a, b`.
pub(super) const OVERLAPS: [f64; 4] = [1.0, 0.7, 0.8, 0.9];
/// The `u` of floors, and those of dipoles; `κ` at which a dipole has found its teacher.
const FLOORS: [f64; 2] = [0.01, 0.02];
const DIPOLES: [[f64; 2]; 2] = [[0.02, 0.04], [0.05, 0.1]];
const FOUND: f64 = 0.3;
/// The `u` of students that repel, and half the width of what is accepted of their exponents.
const REPELLED: [[f64; 2]; 2] = [[0.005, 0.01], [0.02, 0.04]];
const HALF_WIDTH: f64 = 0.15;
const FLOOR: [f64; 2] = [0.9, 1.1];
const GAP_ERROR: f64 = 1e-3;
const TIME: [f64; 2] = [0.95, 1.05];
const MOST: [f64; 2] = [0.6, 1.0];
/// Dimension of the order.
const ORDERED: f64 = 1e5;
/// Starts for the order over those of the run.
const ORDERS: usize = 3;

/// Relative error of a deficit that was read.
fn reading(floor: &Floor, what: usize) -> f64 {
    1e-4 + 1e-15 / floor.found[what]
}

fn axis(k: usize) -> Vec<f64> {
    axes::axis(4, k)
}

/// Router and expert with overlaps `u·OVERLAPS` with the teacher `(e_0, e_1)`.
fn dormant(u: f64) -> [Vec<f64>; 2] {
    vectors(OVERLAPS.map(|x| u * x), 2, 4)
}

fn start(router: Router, routers: &[Vec<f64>], experts: &[Vec<f64>]) -> Result<Start, CheckError> {
    let model = StudentTeacher::from_rows(router, 3, [routers, experts], [&[axis(0)], &[axis(1)]]);
    Ok(Start::reduce(&model.map_err(CheckError::theory)?))
}

/// Time at which a dipole with these overlaps has found its teacher.
fn dipole(run: &Run<'_>, router: Router, u: f64) -> Result<Option<f64>, CheckError> {
    let [v, w] = dormant(u);
    let opposite = w.iter().map(|x| -x).collect();
    let start = start(router, &[v.clone(), v], &[w, opposite])?;
    let passage = run.first_passage(Flow::new(&start).tolerance(1e-8), Watch::ExpertMagnitude(FOUND), 5000.0)?;
    Ok(passage.map(|event| event.time))
}

/// Time at which two students with overlaps `−u·κ, u·β, u·a, −u·b`, `OVERLAPS` in units of `u`, and none with the teacher, anti-align.
fn repelled(run: &Run<'_>, router: Router, u: f64) -> Result<Option<f64>, CheckError> {
    let axis = |k: usize| axes::axis(6, k);
    let [kappa, beta, a, b] = OVERLAPS.map(|x| u * x);
    // The teacher on axes 0 and 1, the first student on 2 and 3.
    let beside = |x: f64, y: f64, own: usize| axes::beside(6, &[(2, x), (3, y)], own);
    let students = [[axis(2), beside(beta, a, 4)], [axis(3), beside(-b, -kappa, 5)]];
    let teacher = [[axis(0)], [axis(1)]];
    let model = StudentTeacher::from_rows(router, 3, [&students[0], &students[1]], [&teacher[0], &teacher[1]]);
    let start = Start::reduce(&model.map_err(CheckError::theory)?);
    let passage = run.first_passage(Flow::new(&start).tolerance(1e-8), Watch::StudentFalls(-0.5), 5000.0)?;
    Ok(passage.map(|event| event.time))
}

/// Whether the first two teachers are recovered by the students and in the order of greedy deflation, and whether in the reverse; none where deflation leaves a teacher to a time beyond `√d`.
fn ordered(run: &Run<'_>, replicate: u64) -> Result<Option<[bool; 2]>, CheckError> {
    let start = law(run, Router::GaussianCdf, ORDERED as u64).sample(run.seed(), replicate);
    let start = start.map_err(CheckError::theory)?;
    let claims = start.claims();
    if claims.len() < 2 || claims[1].time > ORDERED.sqrt() {
        return Ok(None);
    }
    let seen: Vec<_> = pursue(run, &start, 2)?.iter().map(Follower::pair).collect();
    let [first, second] = [0, 1].map(|k| (claims[k].student, claims[k].teacher));
    Ok(Some([seen == [first, second], seen == [second, first]]))
}

/// The findings, and the table of floors and gaps.
pub(super) fn findings(run: &Run<'_>, replicates: &[u64]) -> Result<(Vec<Finding>, Table), CheckError> {
    let mut floors = Vec::new();
    for router in ROUTERS {
        for u in FLOORS {
            let [v, w] = dormant(u);
            floors.push(floor(run, &start(router, &[axis(0), v], &[axis(1), w])?, 0)?);
        }
    }
    let mut times = Vec::new();
    for (router, pair) in ROUTERS.into_iter().zip(DIPOLES) {
        for u in pair {
            times.push(dipole(run, router, u)?);
        }
    }
    let mut meetings = Vec::new();
    for (router, pair) in ROUTERS.into_iter().zip(REPELLED) {
        for u in pair {
            meetings.push(repelled(run, router, u)?);
        }
    }
    // Both questions are asked of one flow.
    let starts = eligible(run, ORDERS * replicates.len())?;
    let rows = run.units("order", starts.len(), |unit| ordered(run, starts[unit]))?;

    let ratio = |floor: &Floor, what: usize, foretold: f64, which: &str| {
        let (value, name) = (floor.found[what] / foretold, ["1 − κ", "1 − β"][what]);
        let statement = format!("{} routers, u = {}: {name} over {which}", floor.router.name(), FLOORS[0]);
        Evidence::comparison(statement, within(value, value * reading(floor, what)), FLOOR)
    };
    let power = |rows: &[Floor], what: usize, expected: f64| {
        let value = (rows[1].found[what] / rows[0].found[what]).ln() / (rows[1].largest / rows[0].largest).ln();
        let statement = format!(
            "{} routers: exponent of {} in u = d^(−1/2), against {expected}",
            rows[0].router.name(),
            ["1 − κ", "1 − β"][what]
        );
        let error = (reading(&rows[0], what) + reading(&rows[1], what)) / (FLOORS[1] / FLOORS[0]).ln();
        Evidence::comparison(statement, within(value, error), [expected - 0.5, expected + 0.5])
    };
    let (cdf, tanh) = floors.split_at(2);
    let own = |floor: &Floor, what: usize| ratio(floor, what, floor.foretold[what], "the law with the router's own Φ");
    let gap = |floor: &Floor, expected: f64, which: &str| {
        let value = floor.gap / expected;
        let statement =
            format!("{} routers: gap between a useful and a redundant expert over {which}", floor.router.name());
        Evidence::comparison(statement, within(value, GAP_ROUNDING), [1.0 - GAP_ERROR, 1.0 + GAP_ERROR])
    };
    let own_gap = |floor: &Floor| gap(floor, 6.0 * phi(floor.router, 0), "6Φ_00(1)");
    let of_sigmoid = 6.0 * phi(Router::Sigmoid, 0);

    let rate = |router: Router| 18.0 * router.hermite().value(0).powi(4) / phi(router, 0);
    let found_at = |rate: f64, which: &str| {
        let statement =
            format!("Gaussian-CDF routers: time of a dipole from κ = {} to {FOUND} over {which}", DIPOLES[0][0]);
        let law = (DIPOLES[0][0].powi(-2) - FOUND.powi(-2)) / (2.0 * rate);
        match times[0] {
            Some(time) => Evidence::comparison(statement, within(time / law, TIME_ERROR * time / law), TIME),
            None => Evidence::unresolved(Inexact::Comparison, statement, TIME, "the dipole finds no teacher"),
        }
    };
    let reappears = |which: usize, expected: f64| {
        let name = ROUTERS[which].name();
        let statement = format!("{name} routers: exponent of a dipole's time in d = u^(−2), against {expected}");
        let accept = [expected - 0.25, expected + 0.25];
        match times[2 * which].zip(times[2 * which + 1]) {
            Some((slow, fast)) => {
                let value = 0.5 * (slow / fast).ln() / (DIPOLES[which][1] / DIPOLES[which][0]).ln();
                Evidence::comparison(statement, within(value, TIME_ERROR / std::f64::consts::LN_2), accept)
            }
            None => Evidence::unresolved(Inexact::Comparison, statement, accept, "a dipole finds no teacher"),
        }
    };
    let meets = |rate: f64, which: &str| {
        let u = REPELLED[0][0];
        let statement =
            format!("Gaussian-CDF routers: time in which two students at overlap −{u} reach −½ over {which}");
        let law = alignment_time(Router::GaussianCdf, 3, u, 0.5) / rate;
        match meetings[0] {
            Some(time) => Evidence::comparison(statement, within(time / law, TIME_ERROR * time / law), TIME),
            None => Evidence::unresolved(Inexact::Comparison, statement, TIME, "the students do not anti-align"),
        }
    };
    let repel = |which: usize, expected: f64| {
        let name = ROUTERS[which].name();
        let statement = format!(
            "{name} routers: exponent in d = u^(−2) of the time in which two students anti-align, against {expected}"
        );
        let accept = [expected - HALF_WIDTH, expected + HALF_WIDTH];
        match meetings[2 * which].zip(meetings[2 * which + 1]) {
            Some((slow, fast)) => {
                let value = 0.5 * (slow / fast).ln() / (REPELLED[which][1] / REPELLED[which][0]).ln();
                Evidence::comparison(statement, within(value, TIME_ERROR / std::f64::consts::LN_2), accept)
            }
            None => Evidence::unresolved(Inexact::Comparison, statement, accept, "two students do not anti-align"),
        }
    };
    let share = |which: usize, order: &str| {
        let counted = rows.iter().flatten().count() as u64;
        let hits = rows.iter().flatten().filter(|hits| hits[which]).count() as u64;
        let statement = format!(
            "Gaussian-CDF routers: share of starts whose first two teachers are recovered in {order}, d = {ORDERED:e}"
        );
        Evidence::estimate(statement, LEVEL, statistics::proportion(hits, counted, LEVEL), MOST)
    };
    let judged = |title: &str, statement: &str, items: &[Evidence], twins: Vec<Evidence>| {
        let controls: Vec<Control> = twins.into_iter().map(Control::from).collect();
        Finding::judged(title, statement, items, &controls, json!(null))
    };
    let findings = vec![
        judged(
            "accuracy with other routers",
            "beside a dormant student with overlaps ∝ u, u = 0.01 and 0.02, 1 − κ ∝ u⁴ and 1 − β ∝ u⁶ with Gaussian-CDF routers, both ∝ u⁶ with tanh routers; at u = 0.01 1 − κ of both and 1 − β of tanh routers have the constants of the router's own Φ",
            &[
                own(&cdf[0], 0),
                own(&tanh[0], 0),
                own(&tanh[0], 1),
                power(cdf, 0, 4.0),
                power(cdf, 1, 6.0),
                power(tanh, 0, 6.0),
                power(tanh, 1, 6.0),
            ],
            vec![
                ratio(
                    &cdf[0],
                    0,
                    cdf[0].foretold[0] * (phi(cdf[0].router, 0) / phi(Router::Sigmoid, 0)).powi(2),
                    "that with the sigmoid's Φ_00(1)",
                ),
                power(tanh, 0, 4.0),
            ],
        ),
        judged(
            "what an expert is worth with other routers",
            "useful and redundant experts are apart by 6Φ_00(1) = 2 (Gaussian CDF) and 2.366 (tanh)",
            &[own_gap(&cdf[0]), own_gap(&tanh[0])],
            vec![
                gap(&cdf[0], of_sigmoid, "the sigmoid's 3 − 6A_1"),
                gap(&tanh[0], of_sigmoid, "the sigmoid's 3 − 6A_1"),
            ],
        ),
        judged(
            "dipoles with other routers",
            "from overlaps ∝ u, two u each, a dipole finds its teacher at the rate 18A_0⁴/Φ_00(1) κ³, after a time ∝ u^(−2), with Gaussian-CDF routers; after a time ∝ u^(−4) with tanh routers",
            &[
                found_at(rate(Router::GaussianCdf), "the law with c = 18A_0⁴/Φ_00(1)"),
                reappears(0, 1.0),
                reappears(1, 2.0),
            ],
            vec![found_at(rate(Router::Sigmoid), "that with the sigmoid's Φ_00(1)"), reappears(1, 1.0)],
        ),
        judged(
            "students repel with other routers",
            "from overlaps ∝ u, two u each, two students anti-align at twice the rate 18A_0²κ² of a teacher, after a time ∝ u^(−1), with Gaussian-CDF routers; after a time ∝ u^(−2) with tanh routers",
            &[meets(2.0, "half of the closed form of a teacher"), repel(0, 0.5), repel(1, 1.0)],
            vec![meets(1.0, "the closed form of a teacher"), repel(1, 0.5)],
        ),
        judged(
            "order of recovery with Gaussian-CDF routers",
            "greedy deflation foretells students and order",
            &[share(0, "the order of greedy deflation")],
            vec![share(1, "the reverse order")],
        ),
    ];
    let heads = ["router", "u", "1 − κ", "law", "1 − β", "law of 1 − β", "gap", "6Φ_00(1)", "dipole's c"];
    let mut table = Table::new("recovered", heads.map(|head| Column::new(head, "")));
    for row in &floors {
        table.push([
            row.router.name().into(),
            row.largest.into(),
            row.found[0].into(),
            row.foretold[0].into(),
            row.found[1].into(),
            row.foretold[1].into(),
            row.gap.into(),
            (6.0 * phi(row.router, 0)).into(),
            rate(row.router).into(),
        ]);
    }
    Ok((findings, table))
}

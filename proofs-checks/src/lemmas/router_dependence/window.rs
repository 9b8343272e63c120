//! The window for pruning, with routers other than the sigmoid: from recovery to the waking of a redundant student.
//!
//! # The laws with the router's own constants
//!
//! A student with overlaps `∝ u = d^{−1/2}` recovers the teacher after a time `∝ u^{−1}` (`A_0 ≠ 0`) or `u^{−2}` (tanh; the module above); the other one stays dormant, its overlaps `∝ u`, and wakes after a time `∝ u^{−2}` or `u^{−4}` (`law`). So the window is open from
//! `∝ √d` to `∝ d` with Gaussian distribution functions, as with the sigmoid, and from `∝ d` to `∝ d²` with tanh: both ends move, and it stays one. In it useful and redundant experts are `6Φ_00(1)` apart.
//!
//! # Where the bounds come from
//!
//! Two students and a teacher, overlaps `u(1, 0.7, 0.8, 0.9)` and `ru(1, 0.7, 0.8, 0.9)`. With `A_0 ≠ 0` and `r = 0.3` the second one is at `ru/(1 − r) = 0.43u` when the first arrives. Corrections to the waking law are `±4.5` times that (theory X6): 0.02 at `u = 0.01`, `±0.05`, where the sigmoid's
//! stiffness is off by 0.14. With tanh the quartic law is homogeneous: at `r = 0.5` the second one has a quarter of the speed, and has grown by `(1 − ¼)^{−1/2} = 1.15`; corrections are relative `O(u²)` with factors of ten, 0.004 at `u = 0.02`: `±0.02`, where the sigmoid's stiffnesses are off by a third or more. Exponents of
//! recovery, by the expert's overlap 0.9 as in `pruning`, ½ and 1, bend by the time of the jump, a unit or two of eleven and more: `±0.1`. Those of waking, 1 and 2, by the corrections at the larger `u`, 0.04 and 0.02 over `2 ln 2`: `±0.15`. The gap half-way to waking: `O(u³)`, `±10⁻³`. Waking comes after recovery, at either `u`: the ratio of the times is
//! `18A_0²/(4c·0.18u) = 1.8/u` and, with tanh, more; above 2 is asked.

use moe_kernels::Router;
use moe_theory::soft_routed::{Removal, Start, StudentTeacher, Watch};
use serde::{Deserialize, Serialize};

use super::super::pruning::follow;
use super::law::{Overlaps, overlaps_of, phi, vectors, waking_time};
use super::recovered::{OVERLAPS, ROUTERS};
use super::{GAP_ROUNDING, TIME_ERROR, within};
use crate::axes::axis;
use crate::{CheckError, Column, Control, Evidence, Finding, Inexact, Run, Table};

/// The `u` and `r` of either router.
const SIZES: [[f64; 2]; 2] = [[0.01, 0.02], [0.02, 0.04]];
const SHARES: [f64; 2] = [0.3, 0.5];
/// An expert that has recovered its teacher, and time for its router to follow and the pair to come to rest.
const ALIGNED: f64 = 0.9;
const REST: f64 = 20.0;
/// Multiples of a predicted time that are waited for.
const PATIENCE: f64 = 3.0;
/// Half-width of what is accepted of waking over its law.
const CLOSE: [f64; 2] = [0.05, 0.02];
const GAP_ERROR: f64 = 1e-3;

/// One flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Passage {
    /// Time at which the first student's expert is aligned.
    recovery: Option<f64>,
    /// Time from then to the waking of the second one; by the law, and by that with the sigmoid's stiffnesses.
    waking: Option<f64>,
    law: Option<f64>,
    of_sigmoid: Option<f64>,
    /// `ΔL` on removal of the useful student less that of the redundant one, half-way.
    gap: Option<f64>,
}

fn start(router: Router, u: f64, share: f64) -> Result<Start, CheckError> {
    let students = [vectors(OVERLAPS.map(|x| u * x), 2, 6), vectors(OVERLAPS.map(|x| share * u * x), 4, 6)];
    let of = |part: usize| students.each_ref().map(|vectors| vectors[part].clone());
    let axis = |k: usize| axis(6, k);
    let model = StudentTeacher::from_rows(router, 3, [&of(0), &of(1)], [&[axis(0)], &[axis(1)]]);
    Ok(Start::reduce(&model.map_err(CheckError::theory)?).in_dimension(u.powi(-2) as u64))
}

fn passage(run: &Run<'_>, router: Router, u: f64, share: f64) -> Result<Passage, CheckError> {
    let start = start(router, u, share)?;
    let first: Overlaps = OVERLAPS.map(|x| u * x);
    let until = PATIENCE * super::law::predicted(router, first) + REST;
    let (state, recovery) = follow(run, &start, until, &[Watch::ExpertMagnitude(ALIGNED)])?;
    let (rest, _) = follow(run, &start.at(&state), REST, &[])?;
    let dormant = overlaps_of(&rest, 1, 0);
    let [law, of_sigmoid] = [router, Router::Sigmoid]
        .map(|teacher| Some(waking_time(router, teacher, dormant)).filter(|time| time.is_finite()));
    let mut passage = Passage { recovery, waking: None, law, of_sigmoid, gap: None };
    let (Some(_), Some(law)) = (recovery, law) else { return Ok(passage) };
    let awake = [Watch::ExpertMagnitude(0.5)];
    let (half, early) = follow(run, &start.at(&rest), 0.5 * law, &awake)?;
    if early.is_none() {
        let removal = Removal::of(&half, router, 3);
        passage.gap = Some(removal.change(0) - removal.change(1));
        let (_, late) = follow(run, &start.at(&half), (PATIENCE - 0.5) * law, &awake)?;
        passage.waking = late.map(|time| REST + 0.5 * law + time);
    }
    Ok(passage)
}

pub(super) fn finding(run: &Run<'_>) -> Result<(Finding, Table), CheckError> {
    let rows = run.units("window", 4, |unit| {
        let (which, size) = (unit / 2, unit % 2);
        passage(run, ROUTERS[which], SIZES[which][size], SHARES[which])
    })?;
    let item = |statement: String, value: Option<f64>, error: f64, accept: [f64; 2]| match value {
        Some(value) => Evidence::comparison(statement, within(value, error), accept),
        None => Evidence::unresolved(Inexact::Comparison, statement, accept, "a student does not arrive"),
    };
    let exponent = |which: usize, what: &str, of: &dyn Fn(&Passage) -> Option<f64>, expected: f64, half_width: f64| {
        let [slow, fast] = [0, 1].map(|size| of(&rows[2 * which + size]));
        let decades = 2.0 * (SIZES[which][1] / SIZES[which][0]).ln();
        let value = slow.zip(fast).map(|(slow, fast)| (slow / fast).ln() / decades);
        let statement =
            format!("{} routers: exponent of {what} in d = u^(−2), against {expected}", ROUTERS[which].name());
        item(statement, value, 2.0 * TIME_ERROR / decades, [expected - half_width, expected + half_width])
    };
    let recovery =
        |which: usize, expected: f64| exponent(which, "the time of recovery", &|row| row.recovery, expected, 0.1);
    let waking = |which: usize, expected: f64| exponent(which, "the time of waking", &|row| row.waking, expected, 0.15);
    let over = |which: usize, law: &dyn Fn(&Passage) -> Option<f64>, whose: &str| {
        let row = &rows[2 * which];
        let statement = format!(
            "{} routers, u = {}: time of waking over the law's with {whose} Φ_00(1) and Φ_11(1)",
            ROUTERS[which].name(),
            SIZES[which][0]
        );
        item(
            statement,
            row.waking.zip(law(row)).map(|(time, law)| (time - REST) / law),
            TIME_ERROR,
            [1.0 - CLOSE[which], 1.0 + CLOSE[which]],
        )
    };
    let gap = |which: usize, of: Router, whose: &str| {
        let statement = format!(
            "{} routers: gap between the useful and the redundant expert half-way to waking over {whose} 6Φ_00(1)",
            ROUTERS[which].name()
        );
        let value = rows[2 * which].gap.map(|gap| gap / (6.0 * phi(of, 0)));
        item(statement, value, GAP_ROUNDING, [1.0 - GAP_ERROR, 1.0 + GAP_ERROR])
    };
    let open = |which: usize| {
        let ratios: Option<Vec<f64>> =
            rows[2 * which..2 * which + 2].iter().map(|row| Some(row.waking? / row.recovery?)).collect();
        let least = ratios.and_then(|ratios| ratios.into_iter().reduce(f64::min));
        let statement = format!(
            "{} routers: time from recovery to waking over that of recovery, the less of two u",
            ROUTERS[which].name()
        );
        let error = least.map_or(0.0, |least| 2.0 * TIME_ERROR * least);
        item(statement, least, error, [2.0, f64::INFINITY])
    };
    let mut items = Vec::new();
    let mut twins = Vec::new();
    for which in [0, 1] {
        let router = ROUTERS[which];
        let [opens, closes] = [[0.5, 1.0], [1.0, 2.0]][which];
        items.extend([recovery(which, opens), waking(which, closes), over(which, &|row| row.law, "its own")]);
        items.extend([gap(which, router, "its own"), open(which)]);
        twins.extend([waking(which, opens), over(which, &|row| row.of_sigmoid, "the sigmoid's")]);
        twins.push(gap(which, Router::Sigmoid, "the sigmoid's"));
    }
    let controls: Vec<Control> = twins.into_iter().map(Control::from).collect();
    let finding = Finding::judged(
        "the window for pruning with other routers",
        "from overlaps ∝ u, two u each, it opens with recovery and closes with the waking of the redundant student: after times ∝ √d and ∝ d with Gaussian-CDF routers, ∝ d and ∝ d² with tanh routers, waking by −∇L_eff with the router's own Φ; in it experts are 6Φ_00(1) apart",
        &items,
        &controls,
        serde_json::json!(null),
    );
    let heads = ["router", "u", "recovery", "waking", "law", "law, sigmoid's Φ(1)", "gap half-way", "6Φ_00(1)"];
    let mut table = Table::new("window", heads.map(|head| Column::new(head, "")));
    for (k, row) in rows.iter().enumerate() {
        table.push([
            ROUTERS[k / 2].name().into(),
            SIZES[k / 2][k % 2].into(),
            row.recovery.into(),
            row.waking.into(),
            row.law.into(),
            row.of_sigmoid.into(),
            row.gap.into(),
            (6.0 * phi(ROUTERS[k / 2], 0)).into(),
        ]);
    }
    Ok((finding, table))
}

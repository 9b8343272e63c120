//! The claims about what is near the teacher, under the laws of the inputs: the rate of fine-tuning, the largest stable step, and the accuracy that redundant students leave.
//!
//! # What theory predicts (derived here)
//!
//! At the teacher the Hessian is the second moment of the derivative of `f`. In the direction of a lagging router, `a ⟂ v*, w*`, that is `E π'(v*·x)² (a·x)² h²`, `h = He_3(w*·x)`. For isotropic inputs it is the smallest eigenvalue, `A_1 − A_3`.
//!
//! - A generic spike or mean with second moment `1 + λ` along `u` multiplies it by `1 + λ` for `a = u` and leaves it for every other `a`: the rate `2(A_1 − A_3)` survives. So is the eigenvalue `9 − 18A_1 = 5.2808` of experts multiplied along `u`: with `λ = 1` to 10.5616, beyond the largest of
//!   isotropic inputs, 6.4727: the largest stable step is shorter.
//! - A spike along the expert multiplies it by `E h²/6 = c³ + 3(c−1)²c/2`, `c = 1 + λ`: by 11 for `c = 2`, by 5/16 for `c = ½`. A mean `±μ` along the expert has `E h² = E He_3(z + 1)² = 6 + 18 + 9 + 1 = 34`: by 17/3.
//! - A mean `±μ` along the router moves it to where `π'` is less, `E π'(z + 1)²` in place of `E π'(z)²`, and the expert's stiffness to `18 E π(z ± 1)²`, which is larger.
//! - Unequal means that cancel: along the router `E_s E π'(z + s)²` in place of `E π'(z)²`, 0.818 of it; along the expert `E h² = 6 + 18 + 9E s⁴ + E s⁶ = 51.8`, by 8.63, beyond another eigenvalue, that is then the smallest (6.58 times `A_1 − A_3`, measured, not derived). Means that do not cancel, `s = ±1` and `E s² = 1`, act on a generic `a` like those that do: the rate survives.
//! - Two variances `c` multiply the direction by `c` and take `E π'(√c z)²·E He_3(√c z)²`: `½Σ_c c E π'(√c z)²(6c³ + 9(c − 1)²c)` is 2.7477 times `A_1 − A_3`, the part `c = 3/2` alone nearly all of it.
//!
//! *Accuracy.* A dormant student at overlap `u` with a learned one leaves `1 − κ = 0.3631u⁴ ∝ d^{−2}` (lemma `recovery-accuracy`). Generic directions leave `u` but for `O(1/d)`: law and constant survive. Means along the router leave the law, but the stiffer expert
//! yields less, `(E π(z)²/E π(z ± 1)²)²`; unequal means leave `(0.4898/½)²/1.0536² = 0.864`. Means that do not cancel turn the dormant router against them (`mixtures.rs`) within some ten units, at which the force is down to 0.8 of itself: the law survives, the constant comes to `(0.4016/½)² = 0.645` once it is turned round, and is a little more when it is read. Two variances leave the dormant student a force of order 0 in `u`, `9E c(c − 1)²/4`: the pair is not accurate at any `d`. Where the dormant student leaves the teacher's direction within `O(1)` (variance along it above 1) nothing is left of the floor; where it is drawn to it (variance below 1) it wakes within `O(ln d)`, and the pair is not accurate at all.
//! So a ratio to the isotropic floor off 1 says that the floor is another one, not that the expert is worse: 0 along the expert is more accurate.
//!
//! # Where the bounds come from
//!
//! *Rates* are read from `L = 10⁻⁶` to `10⁻⁹`, where corrections are `2.45L` (theory X5) and faster modes, half as fast again at least from the start on, are down by `10³` or more; directions that are generic at `d ≥ 10⁴` change second moments by `O(1/d)`: `±0.03`. The next eigenvalue
//! that is 5 % larger at least makes the twin. *Floors* are read after ten units from a student at the teacher beside a dormant one at `c/√d`, `1 ≤ c ≤ 2.5`: modes of the expert are down by `e^{−52}`, the dormant overlap has grown by `7.67u²·10 < 0.005` of itself at `d = 10⁵`. Generic directions take `O(d^{−1/2})` of `c`,
//! four times as much of the floor: 0.02 at `d = 10⁵`. `±0.1` for exponents between `10⁵` and `10⁶` and for ratios to the isotropic floor from the same start at `10⁵`. Fourth experts have the floor `u⁶`, exponent −3, which makes the twin (at `10³` and `10⁴`: rounding).

use std::cell::Cell;

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, GeneralLoss, Stop};
use serde::{Deserialize, Serialize};

use super::law::Law;
use super::{LEVEL, NEAR, finished};
use crate::{CheckError, Column, Control, Estimate, Evidence, Finding, Run, Table, statistics};

const LAWS: [Law; 11] = [
    Law::SpikeGeneric,
    Law::MixtureGeneric,
    Law::UnequalGeneric,
    Law::MixtureRouter,
    Law::SpikeExpert,
    Law::DipExpert,
    Law::MixtureExpert,
    Law::UnequalRouter,
    Law::UnequalExpert,
    Law::UncentredGeneric,
    Law::TwoVariances,
];
/// Losses between which a rate is read, and the time that there is for it.
const LOSSES: [f64; 2] = [1e-9, 1e-6];
const UNTIL: f64 = 200.0;
pub(super) const RATE: [f64; 2] = [0.97, 1.03];
/// `E c E π'(√c z)² E He_3(√c z)²` over `A_1 − A_3`, `c = ½` or `3/2`.
const VARIANCES: f64 = 2.747_738_7;
/// What counts as the next eigenvalue, over the smallest.
const NEXT: f64 = 1.05;
/// Floors: the time at which they are read, the dormant overlap times `√d`, dimensions, those of the twin.
const SETTLED: f64 = 10.0;
const DORMANT: [f64; 2] = [1.0, 2.5];
const DIMENSIONS: [u64; 2] = [100_000, 1_000_000];
const COARSE: [u64; 2] = [1000, 10_000];
const RATIO: [f64; 2] = [0.9, 1.1];
const INVERSE_SQUARE: [f64; 2] = [-2.1, -1.9];

/// A descent of the flow to the teacher under one law.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Descent {
    /// `−d ln L/dt`, where `L` fell as far as it is read.
    pub(super) rate: Option<f64>,
    /// Smallest eigenvalue of the Hessian at the teacher, the next one, the largest.
    pub(super) eigenvalues: [f64; 3],
}

pub(super) fn findings(run: &Run<'_>, n: usize) -> Result<(Vec<Finding>, Table), CheckError> {
    let descents = run.units("descents", LAWS.len() * n, |unit| {
        descent(run, LAWS[unit / n], run.integer("dimension"), (unit % n) as u64)
    })?;
    let dormant = run.replicates(n, |replicate| {
        let (start, _) = Law::Isotropic.start(run, [2, 1], 0.0, DIMENSIONS[0], replicate)?;
        let c = start.order_parameters().expert(1, 0).abs() * (DIMENSIONS[0] as f64).sqrt();
        Ok((DORMANT[0]..=DORMANT[1]).contains(&c))
    })?;
    // Every law at the smaller dimension, those with a law in d at the larger, and the twin.
    let lawful = [
        Law::Isotropic,
        Law::SpikeGeneric,
        Law::MixtureGeneric,
        Law::UnequalGeneric,
        Law::MixtureRouter,
        Law::UnequalRouter,
        Law::UncentredGeneric,
    ];
    let mut cells: Vec<(Law, usize, u64)> =
        std::iter::once(Law::Isotropic).chain(LAWS).map(|law| (law, 3, DIMENSIONS[0])).collect();
    cells.extend(lawful.map(|law| (law, 3, DIMENSIONS[1])));
    cells.extend(COARSE.map(|dimension| (Law::Isotropic, 4, dimension)));
    let floors = run.units("floors", cells.len() * n, |unit| {
        let (law, order, dimension) = cells[unit / n];
        floor(run, law, order, dimension, dormant[unit % n])
    })?;
    let at = |law: Law, order: usize, dimension: u64| {
        cells.iter().position(|cell| *cell == (law, order, dimension)).map_or(&[][..], |k| &floors[k * n..(k + 1) * n])
    };
    let of = |law: Law| LAWS.iter().position(|other| *other == law).map_or(&[][..], |k| &descents[k * n..(k + 1) * n]);
    let median = |values: Option<Vec<f64>>| values.and_then(|values| statistics::median(&values, LEVEL));
    let rate = |law: Law, over: &dyn Fn(&Descent) -> f64| {
        median(of(law).iter().map(|row| Some(row.rate? / over(row))).collect())
    };
    let isotropic = Router::Sigmoid.hermite().value(1) - Router::Sigmoid.hermite().value(3);
    let largest = 6.472_671_767;
    let ratio = |law: Law| {
        let pairs = at(law, 3, DIMENSIONS[0]).iter().zip(at(Law::Isotropic, 3, DIMENSIONS[0]));
        median(Some(pairs.map(|(floor, isotropic)| floor / isotropic).collect()))
    };
    let exponent = |law: Law, order: usize, dimensions: [u64; 2]| {
        let pairs = at(law, order, dimensions[0]).iter().zip(at(law, order, dimensions[1]));
        let decades = (dimensions[1] as f64 / dimensions[0] as f64).ln();
        let slopes: Vec<f64> = pairs.map(|(low, high)| (high / low).ln() / decades).collect();
        statistics::mean(&slopes, LEVEL)
    };

    let judged = |law: Law, what: &str, item: Evidence, why: &str, twin: Evidence| {
        law.finding(what, item, &Control::new(why, twin))
    };
    let item = |law: Law, what: &str, estimate: Option<Estimate>, accept: [f64; 2]| {
        Evidence::estimate(format!("{}: {what}", law.name()), LEVEL, estimate, accept)
    };
    let mut findings = Vec::new();
    for law in LAWS {
        // A law under which the claim that survives does not hold; for that law itself another one.
        let other = if law == Law::SpikeExpert { Law::DipExpert } else { Law::SpikeExpert };
        let decay = |of: &dyn Fn(&Descent) -> f64, what: &str| {
            item(
                law,
                &format!("m = 1: −d ln L/dt near the teacher over twice {what}, median over starts"),
                rate(law, of),
                RATE,
            )
        };
        findings.push(judged(
            law,
            "fine-tuning goes at the rate of the Hessian under the law",
            decay(&|row| 2.0 * row.eigenvalues[0], "the smallest eigenvalue"),
            "the rate of the next eigenvalue",
            decay(&|row| 2.0 * row.eigenvalues[1], "the next eigenvalue"),
        ));
        let plain = |law: Law| {
            let what = "m = 1: −d ln L/dt near the teacher over 2(A_1 − A_3), median over starts";
            item(law, what, rate(law, &|_| 2.0 * isotropic), RATE)
        };
        findings.push(judged(law, "fine-tuning keeps its isotropic rate", plain(law), "another law", plain(other)));
        let accuracy = |law: Law| {
            let what = "m = 2: 1 − κ beside a dormant student over that of isotropic inputs from the same start, d = 10⁵, median over starts";
            item(law, what, ratio(law), RATIO)
        };
        findings.push(judged(
            law,
            "the floor of 1 − κ beside a dormant student is that of isotropic inputs",
            accuracy(law),
            "another law",
            accuracy(other),
        ));
        if lawful.contains(&law) {
            let falls = |law: Law, order: usize, dimensions: [u64; 2], which: &str| {
                let what = format!("{which}m = 2: exponent of 1 − κ in d beside a dormant student, mean over starts");
                item(law, &what, exponent(law, order, dimensions), INVERSE_SQUARE)
            };
            findings.push(judged(
                law,
                "1 − κ ∝ d^{−2}",
                falls(law, 3, DIMENSIONS, ""),
                "fourth Hermite experts, isotropic inputs",
                falls(Law::Isotropic, 4, COARSE, "fourth Hermite experts, "),
            ));
        }
    }
    let faster = |law: Law| {
        let what = "m = 1: −d ln L/dt near the teacher over 2.7477·2(A_1 − A_3), median over starts";
        item(law, what, rate(law, &|_| 2.0 * VARIANCES * isotropic), RATE)
    };
    findings.push(judged(
        Law::TwoVariances,
        "fine-tuning is 2.748 times as fast",
        faster(Law::TwoVariances),
        "a law that keeps the isotropic rate",
        faster(Law::SpikeGeneric),
    ));
    let stable = |law: Law, scale: f64, what: &str| {
        let values = of(law).iter().map(|row| row.eigenvalues[2] / scale).collect();
        item(
            law,
            &format!("m = 1: largest eigenvalue of the Hessian at the teacher over {what}"),
            median(Some(values)),
            RATE,
        )
    };
    findings.push(judged(
        Law::SpikeGeneric,
        "the largest stable step is that of isotropic inputs",
        stable(Law::SpikeGeneric, largest, "6.4727"),
        "the same along the expert",
        stable(Law::SpikeExpert, largest, "6.4727"),
    ));

    let heads =
        ["inputs", "rate", "2·smallest eigenvalue", "largest stable step", "1 − κ", "over isotropic", "exponent"];
    let mut table = Table::new("near", heads.map(|head| Column::new(head, "")));
    for law in LAWS {
        let middle = |values: Vec<f64>| statistics::median(&values, LEVEL).map(|e| e.value);
        table.push([
            law.name().into(),
            rate(law, &|_| 1.0).map(|e| e.value).into(),
            middle(of(law).iter().map(|row| 2.0 * row.eigenvalues[0]).collect()).into(),
            middle(of(law).iter().map(|row| 2.0 / row.eigenvalues[2]).collect()).into(),
            middle(at(law, 3, DIMENSIONS[0]).to_vec()).into(),
            ratio(law).map(|e| e.value).into(),
            lawful.contains(&law).then(|| exponent(law, 3, DIMENSIONS)).flatten().map(|e| e.value).into(),
        ]);
    }
    Ok((findings, table))
}

pub(super) fn descent(run: &Run<'_>, law: Law, dimension: u64, replicate: u64) -> Result<Descent, CheckError> {
    let (start, inputs) = law.start(run, [1, 1], 0.0, dimension, replicate)?;
    let general = GeneralLoss::under(&start, &inputs);
    let spectrum = general.spectrum(&start.clone().with_teacher_overlaps(1.0, 1.0).state());
    let smallest = spectrum[0];
    let next = spectrum.iter().copied().find(|x| *x > NEXT * smallest).unwrap_or(spectrum[spectrum.len() - 1]);
    let eigenvalues = [smallest, next, spectrum[spectrum.len() - 1]];
    let start = start.with_teacher_overlaps(NEAR, NEAR);
    let times: Vec<f64> = (0..=4 * UNTIL as usize).map(|k| 0.25 * k as f64).collect();
    let mut within: Vec<(f64, f64)> = Vec::new();
    let done = Cell::new(false);
    let over = |_: f64| done.get() || run.proceed().is_err();
    let outcome = Flow::new(&start).tolerance(1e-8).under(&general).monitor(&over).run(
        UNTIL,
        &[],
        &times,
        |k, state| {
            if (LOSSES[0]..LOSSES[1]).contains(&state.loss) {
                within.push((times[k], state.loss.ln()));
            }
            done.set(state.loss < LOSSES[0]);
        },
        |_, _| Stop::No,
    );
    finished(run, outcome.map(drop))?;
    let ends = within.first().zip(within.last()).filter(|(a, b)| done.get() && b.0 > a.0);
    Ok(Descent { rate: ends.map(|(a, b)| (a.1 - b.1) / (b.0 - a.0)), eigenvalues })
}

/// `1 − κ` of a student that was at the teacher, beside a dormant one.
fn floor(run: &Run<'_>, law: Law, order: usize, dimension: u64, replicate: u64) -> Result<f64, CheckError> {
    let (mut start, inputs) = law.start(run, [2, 1], 0.0, dimension, replicate)?;
    start.order = order;
    let start = start.with_teacher_overlaps(1.0, 1.0);
    let general = GeneralLoss::under(&start, &inputs);
    let mut accuracy = f64::NAN;
    let interrupted = |_: f64| run.proceed().is_err();
    let flow = Flow::new(&start).tolerance(1e-9).under(&general).monitor(&interrupted);
    let outcome = flow.run(SETTLED, &[], &[SETTLED], |_, state| accuracy = 1.0 - state.expert(0, 0), |_, _| Stop::No);
    finished(run, outcome.map(drop))?;
    Ok(accuracy)
}

//! Mixtures of unequal parts: weights ¾ and ¼, or two variances.
//!
//! # What theory predicts (derived here)
//!
//! *Means that cancel*, `¾N(−μ/√3, I) + ¼N(√3μ, I)`, have the first and second moments of `½N(±μ, I)`. Those are what the loss knows of to second order in `v̄·μ` and `w̄·μ`, so that a generic `μ` leaves what `±μ` leaves (`claims.rs`, `near.rs`, `students.rs` have this law among theirs).
//!
//! Along a teacher's router, `E_s π(v*·x) = 0.4898` in place of ½ (`s = −1/√3` or `√3`), and the student's router is still independent of it: `T` is 1.021 times the closed form, within the ±5 % that are asked for. `½E f²` holds the router back with the slope of second order that `±μ` has, and the third moment of `s` adds to it `O(β²)`: the router is expected to follow as under `±μ`.
//! Along a teacher's expert the force on the overlap is that of `±μ` there, `−5.28κ`, against `¾(6 + 18 + 9E s⁴ + E s⁶)κ² = 38.8κ²` (`E s⁴ = 7/3`, `E s⁶ = 61/9`): below `κ = 0.136` it dies out, and the teacher is never found.
//!
//! *Means that do not cancel*, `¾N(μ, I) + ¼N(−μ, I)`, move the routers: with `s = ±1` for the part and `β = v̄·μ`, `½E f² = 3E_s E π(z + sβ)²` rises at `β = 0` with the slope `3E s·2E ππ' = −dβ/dt = 0.3`: the router goes to `β = −1`. Within `O(1)` every router points against the mean. There
//! `E π(v̄·x) = ¾ − ½E π(z + 1) = 0.4016`, in place of ½, and a generic teacher's router is still independent of it: `dκ/dt = 9·0.4016·κ²(1 − κ²)` in place of 4.5. `T ∝ √d` survives, the constant does not: `T` is `1/(2·0.4016) = 1.2449` times the closed form.
//!
//! *Two variances*, `x = √c z` with `c = ½` or `3/2`: `He_3(√c z) = c^{3/2}He_3(z) + 3√c(c − 1)He_1(z)`, so `E hh* = 6E c³κ³ + 9E c(c − 1)²κ` has a term of first order (no linear change of the inputs removes it, for `E c = 1`). While routers are independent, `m = 1`, and `v̄ ⟂ w̄` stays (`E hh' = 0`):
//!
//! ```text
//! dκ/dt = (1 − κ²)(B + Cκ²),   B = 9/4·E c(c−1)² = 9/16,   C = 4.5 E c³ = 63/8,
//! T = [artanh κ + √(C/B) arctan(κ√(C/B))]/(B + C) from κ_0 to ½ = 0.5440 − κ_0/B:
//! ```
//!
//! the phase transition is gone, and the first alignment takes `O(1)` at every `d`.
//!
//! Under each of these laws the teacher is a zero of `L` and attracts what is near, as under every law.
//!
//! # Where the bounds come from
//!
//! One student and one teacher, `1 ≤ κ_0√d ≤ 4`, at ten and a hundred times the smaller dimension of the other laws. At `d = 10⁶` the time against the mean is 69 and more; routers need some `ln(10)/0.3 = 8` units, in which the constant is 4.5 at first and 3.6 at last: at most one of them is gained: `±5 %` of 1.2449, which 1 misses; the slope between `10⁵`
//! and `10⁶` is off by one unit of the time at `10⁵`, 58 for `c = 1.5` and 22 for `c = 4`, against three times as much: `1/22·⅔/ln 10 < 0.02` at most: `½ ± 0.03`. Under two variances `κ_0/B` takes 4 % of `T` at `10⁵` and 1.4 % at `10⁶` at most: slopes within 0.02 of 0, `±0.03`; the router has `β ≤ 0.1` by then, which adds `0.17β`: `±5 %` of 0.5440. With `C = 4.5` it would be 0.6422.

use super::NEAR;
use super::arm::{Arm, survival};
use super::law::Law;
use super::{CONSTANT, LEVEL, MOST, ROOT, attracts, eligible, local, passage};
use crate::{CheckError, Control, Evidence, Finding, Run, Table, statistics};

/// `1/(2E π(v̄·x))` of routers that point against the mean.
const AGAINST: f64 = 1.244_918_6;
/// `T` under two variances from `κ_0 = 0`; the same with 4.5 in place of `4.5E c³`.
const SHORT: f64 = 0.543_996_8;
const WRONG: f64 = 0.642_241_9;
/// Exponent of a time that does not grow.
const NONE: [f64; 2] = [-0.03, 0.03];
const LAWS: [Law; 5] =
    [Law::UnequalGeneric, Law::UncentredGeneric, Law::TwoVariances, Law::UnequalRouter, Law::UnequalExpert];

/// With the arms of isotropic inputs and of a law that hides the teacher, the exponent ½ of second Hermite experts, and starts that are not near the teacher.
pub(super) fn findings(
    run: &Run<'_>,
    [plain, hidden]: [&Arm; 2],
    [no_root, lagging]: [&Control; 2],
) -> Result<(Vec<Finding>, Table), CheckError> {
    let dimensions = [10, 100].map(|factor| factor * run.integer("dimension"));
    let starts = eligible(run, 1, run.integer("replicates") as usize)?;
    let n = starts.len();
    let passages = run.units("mixtures", 2 * LAWS.len() * n, |unit| {
        passage(run, LAWS[unit / (2 * n)], [1, 3], dimensions[unit / n % 2], starts[unit % n])
    })?;
    let near =
        run.units("mixtures-local", LAWS.len() * n, |unit| local(run, LAWS[unit / n], NEAR, starts[unit % n]))?;
    let rows = passages.chunks(2 * n).zip(near.chunks(n));
    let arms = LAWS.into_iter().zip(rows).map(|(law, (rows, near))| Arm {
        law,
        students: 1,
        dimensions: dimensions.into(),
        passages: rows.chunks(n).map(<[_]>::to_vec).collect(),
        local: near.to_vec(),
    });
    let arms: Vec<Arm> = arms.collect();
    let mut findings = Vec::new();
    for arm in &arms {
        let mut judged = |what: &str, item: Evidence, why: &str, twin: Evidence| {
            findings.push(arm.law.finding(what, item, &Control::new(why, twin)));
        };
        let hides = "the same count under a law that hides the teacher";
        judged("the teacher is found", arm.found("", MOST), hides, hidden.found("", MOST));
        if arm.law == Law::UnequalExpert {
            findings.push(arm.law.finding("the teacher attracts", attracts(arm.law.name(), &arm.local), lagging));
            continue;
        }
        judged("the router follows its expert", arm.guided(), hides, hidden.guided());
        let constant = "the closed form with the constant 4 in place of 4.5";
        let wrong = plain.constant(4.0 / 4.5, CONSTANT);
        judged("at the closed-form time", arm.constant(1.0, CONSTANT), constant, wrong);
        findings.push(arm.law.finding("the teacher attracts", attracts(arm.law.name(), &arm.local), lagging));
        findings.push(arm.law.finding("in a time ∝ √d", arm.exponent("", ROOT), no_root));
    }
    let [_, uncentred, variances, _, _] = &arms[..] else { unreachable!("an arm a law") };
    let against = CONSTANT.map(|end| AGAINST * end);
    let control = Control::new("isotropic inputs", plain.constant(1.0, against));
    let item = uncentred.constant(1.0, against);
    findings.push(uncentred.law.finding("T is 1.245 times the closed form", item, &control));
    let control = Control::new("isotropic inputs", plain.exponent("", NONE));
    findings.push(variances.law.finding("T does not grow with d", variances.exponent("", NONE), &control));
    let control = Control::new("the constant 4.5 in place of 4.5E c³", short(variances, WRONG));
    findings.push(variances.law.finding("T = 0.544", short(variances, SHORT), &control));
    Ok((findings, survival("mixtures", &arms)))
}

fn short(arm: &Arm, unit: f64) -> Evidence {
    let last = &arm.passages[arm.passages.len() - 1];
    let times: Vec<f64> = last.iter().filter_map(|passage| Some(passage.time? / unit)).collect();
    let statement = format!(
        "{}, m = 1: time of the expert overlap ½ over {unit:.3}, largest d, median over starts",
        arm.law.name()
    );
    Evidence::estimate(statement, LEVEL, statistics::median_of_all(&times, last.len(), LEVEL), CONSTANT)
}

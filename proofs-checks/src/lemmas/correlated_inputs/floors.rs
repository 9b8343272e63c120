//! The floor of `1 − κ` beside a dormant student under a Toeplitz covariance, in all coordinates: it goes as `1/d`, not as `d^{−2}`.
//!
//! # What theory predicts (derived here)
//!
//! Student 1 at the teacher cancels it; the residual is that of the dormant student `k`. Routers are independent of all else to leading order, `E π(v_k·x)π(v*·x) = ¼`, so with `c_1 = w*ᵀΣw*`, `c_k = w̄_kᵀΣw̄_k`, `u = w̄_kᵀΣw*` the energy of the pair is
//!
//! ```text
//! ¼E He_3(w̄_k·x)He_3(w*·x) = ¼(9u(c_k − 1)(c_1 − 1) + 6u³),     its gradient by w̄_1:   g = 2.25(c_k − 1)[(c_1 − 1)Σw̄_k + 2uΣw*] + 4.5u²Σw̄_k
//! ```
//!
//! The last term alone is left of isotropic inputs, and yields `1 − κ = 0.3631u⁴`. Under `Σ` the dormant student is at `c_k ≈ 0.4` within `O(1)`, while `c_1 − 1` and `u` are `O(d^{−1/2})`: `g = O(d^{−1/2})`. (Routers are pushed at the next order, and what their motion gives back to the expert moves `κ` by a few per cent: every first-order term has a factor `E He_3'(w*·x) = 3(c_1 − 1)`, `E He_3(w*·x) = 0` or `E π''(v*·x) = 0` more.)
//! The stiffness on the tangent space, `P = I − w*w*ᵀ`, is the expert's own, by `E(y² − 1)² = 3c² − 2c + 1` and `E(y² − 1)²y² = 15c³ − 6c² + c` for `y` of variance `c = c_1`, and that of the residual, `g`'s derivative, which is of order one as well:
//!
//! ```text
//! H = ½·5.2808 P[(3c_1² − 2c_1 + 1)Σ + (12c_1 − 4)Σw*w*ᵀΣ]P + 4.5(c_k − 1)P[Σw̄_k w*ᵀΣ + Σw*w̄_kᵀΣ]P,     1 − κ = ½|H⁻¹Pg|² = O(1/d)
//! ```
//!
//! # Where the bounds come from
//!
//! Read after five units: the slowest mode of the expert, `5.28/3` at `c_1 = 1`, is down by `e^{−8}`; nearly every dormant student is still asleep (of four that were followed at `d = 100` none was awake after ten, two after twenty, three after thirty). `κ` is compared with the floor of the dormant student's vectors at that time, behind which it lags by the growth of `u` over the rate of the expert, a tenth or less in most starts. What is left out of `g` and `H` is relative `O(d^{−1/2})`, a tenth at `d = 100`,
//! twice that in the square: a median within `[¾, 4/3]`, at `d` and at `4d`. The twin is the floor of isotropic inputs, `0.3631u⁴`, of the same student: of order `d^{−2}`, and so too small by `O(d)`. The exponent itself is not judged: single starts scatter by a factor of six and more around the median, and medians of 28 by two. Isotropic inputs from the same starts: rows without judgement.

use faer::Mat;
use faer::prelude::Solve;
use moe_theory::soft_routed::{Flow, GeneralLoss, Inputs, Start, Stop};
use serde::{Deserialize, Serialize};

use super::law::Law;
use super::{LEVEL, finished, stiffness};
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

const LAWS: [Law; 2] = [Law::Isotropic, Law::Toeplitz];
/// Over `toeplitz-dimension`.
const DIMENSIONS: [u64; 2] = [1, 4];
const SETTLED: f64 = 5.0;
const RATIO: [f64; 2] = [0.75, 4.0 / 3.0];
/// `½(4.5/5.2808)²`.
const PLAIN: f64 = 0.3631;

/// What a flow from the teacher beside a dormant student has come to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Floor {
    /// `1 − κ` of the learned one, and the dormant student's overlap.
    deficit: f64,
    dormant: f64,
    derived: Derived,
}

/// The floor that is derived from the dormant student's vectors.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Derived {
    floor: f64,
    /// `c_k` and `u`.
    variance: f64,
    overlap: f64,
}

pub(super) fn findings(run: &Run<'_>, starts: usize) -> Result<(Vec<Finding>, Table), CheckError> {
    let cells = LAWS.map(|law| DIMENSIONS.map(|factor| (law, factor * run.integer("toeplitz-dimension"))));
    let cells = cells.concat();
    let rows = run.units("toeplitz-floors", cells.len() * starts, |unit| {
        let (law, d) = cells[unit / starts];
        floor(run, law, d, (unit % starts) as u64)
    })?;
    let of = |cell: usize| &rows[cell * starts..(cell + 1) * starts];
    let median = |cell: usize, value: &dyn Fn(&Floor) -> f64| {
        statistics::median(&of(cell).iter().map(value).collect::<Vec<f64>>(), LEVEL)
    };
    let derived = |row: &Floor| row.deficit / row.derived.floor;
    let plain = |row: &Floor| row.deficit / (PLAIN * row.derived.overlap.powi(4));
    let mut findings = Vec::new();
    let heads = [
        "inputs",
        "d",
        "starts",
        "awake",
        "c of the dormant",
        "1 − κ",
        "d(1 − κ)",
        "over the derived floor",
        "over 0.3631u⁴",
    ];
    let mut table = Table::new("toeplitz-floors", heads.map(|head| Column::new(head, "")));
    for (cell, &(law, d)) in cells.iter().enumerate() {
        let middle = |value: &dyn Fn(&Floor) -> f64| median(cell, value).map(|estimate| estimate.value);
        table.push([
            law.name().into(),
            d.into(),
            starts.into(),
            of(cell).iter().filter(|row| row.dormant.abs() >= 0.5).count().into(),
            middle(&|row| row.derived.variance).into(),
            middle(&|row| row.deficit).into(),
            middle(&|row| d as f64 * row.deficit).into(),
            middle(&derived).into(),
            middle(&plain).into(),
        ]);
        if law == Law::Isotropic {
            continue;
        }
        let item = |what: &str, value: &dyn Fn(&Floor) -> f64| {
            let statement = format!(
                "{}, m = 2, d = {d}: 1 − κ beside a dormant student over {what}, median over starts",
                law.name()
            );
            Evidence::estimate(statement, LEVEL, median(cell, value), RATIO)
        };
        let twin = item("the floor 0.3631u⁴ of isotropic inputs", &plain);
        findings.push(law.finding(
            &format!("the floor of 1 − κ beside a dormant student is the one derived, of order 1/d, d = {d}"),
            item("the derived floor of that student", &derived),
            &Control::new("the floor of isotropic inputs, of order d^{−2}", twin),
        ));
    }
    Ok((findings, table))
}

/// The flow from the teacher beside a dormant student.
fn floor(run: &Run<'_>, law: Law, dimension: u64, replicate: u64) -> Result<Floor, CheckError> {
    let (start, inputs) = law.start(run, [2, 1], 0.0, dimension, replicate)?;
    let start = start.with_teacher_overlaps(1.0, 1.0);
    let general = GeneralLoss::under(&start, &inputs);
    let mut end = None;
    let interrupted = |_: f64| run.proceed().is_err();
    let flow = Flow::new(&start).tolerance(1e-7).under(&general).monitor(&interrupted);
    finished(run, flow.run(SETTLED, &[], &[SETTLED], |_, state| end = Some(state), |_, _| Stop::No).map(drop))?;
    let state = end.ok_or_else(|| CheckError::theory("the flow has no end"))?;
    let derived = derive(&start.at(&state), &inputs);
    Ok(Floor { deficit: 1.0 - state.expert(0, 0), dormant: state.expert(1, 0), derived })
}

/// `½|H⁻¹Pg|²` of the module's documentation, for two students and one teacher under `N(0, Σ)`.
fn derive(start: &Start, inputs: &Inputs) -> Derived {
    let Push { gradient, target, images: [target_image, image], variances: [c, variance], overlap } =
        push(start, inputs);
    let (sigma, n) = (&inputs.components[0].covariance, target.len());
    let [a, b] = [&target_image, &image].map(|x| tangent(x, &target));
    let own = 0.5 * stiffness();
    let (even, along) = (own * (3.0 * c * c - 2.0 * c + 1.0), own * (12.0 * c - 4.0));
    let residual = 4.5 * (variance - 1.0);
    // PΣP, and w*w*ᵀ beside it, which leaves the tangent space as it is.
    let plane = |i: usize, j: usize| {
        let (x, y) = (target[i], target[j]);
        sigma[(i, j)] - x * target_image[j] - target_image[i] * y + (c + 1.0) * x * y
    };
    let matrix =
        Mat::from_fn(n, n, |i, j| even * plane(i, j) + along * a[i] * a[j] + residual * (b[i] * a[j] + a[i] * b[j]));
    let moved = matrix.partial_piv_lu().solve(Mat::from_fn(n, 1, |i, _| gradient[i]));
    Derived { floor: 0.5 * moved.squared_norm_l2(), variance, overlap }
}

/// `Pg`, and what it is made of: `w*`, `Σw*` and `Σw̄_k`, `c_1` and `c_k`, `u`.
struct Push {
    gradient: Vec<f64>,
    target: Vec<f64>,
    images: [Vec<f64>; 2],
    variances: [f64; 2],
    overlap: f64,
}

fn push(start: &Start, inputs: &Inputs) -> Push {
    let (sigma, n) = (&inputs.components[0].covariance, start.coordinates());
    let target = start.teacher().expert(0).to_vec();
    let dormant = start.state().split_off(3 * n);
    let images = [&target, &dormant].map(|x| (0..n).map(|j| dot(sigma.col_as_slice(j), x)).collect::<Vec<f64>>());
    let variances = [dot(&target, &images[0]), dot(&dormant, &images[1])];
    let overlap = dot(&dormant, &images[0]);
    let [c, variance] = variances.map(|variance| variance - 1.0);
    let gradient = images[1].iter().zip(&images[0]).map(|(dormant, target)| {
        2.25 * variance * (c * dormant + 2.0 * overlap * target) + 4.5 * overlap * overlap * dormant
    });
    let gradient = tangent(&gradient.collect::<Vec<f64>>(), &target);
    Push { gradient, target, images, variances, overlap }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// A vector without its part along a unit vector.
fn tangent(x: &[f64], unit: &[f64]) -> Vec<f64> {
    let along = dot(x, unit);
    x.iter().zip(unit).map(|(x, unit)| x - along * unit).collect()
}

#[cfg(test)]
mod tests {
    use moe_theory::soft_routed::InitialLaw;
    use rand::{SeedableRng, rngs::ChaCha8Rng};

    use super::*;

    /// The push is the population gradient at the teacher up to a relative `O(d^{−1/2})`, 0.05 at `d = 400`, and twice that.
    #[test]
    fn the_push_is_the_gradient_at_the_teacher() {
        let d = 400;
        for seed in 0..3 {
            let start = InitialLaw::new(3, 2, 1, d as u64).sample(seed, 0).expect("a start");
            let start = start.in_all_coordinates(&mut ChaCha8Rng::seed_from_u64(seed)).with_teacher_overlaps(1.0, 1.0);
            let inputs = Inputs::toeplitz(d, 0.5);
            let general = GeneralLoss::under(&start, &inputs);
            // The dormant student turns to low variances meanwhile.
            let mut end = None;
            let flow = Flow::new(&start).tolerance(1e-6).under(&general);
            flow.run(2.0, &[], &[2.0], |_, state| end = Some(state), |_, _| Stop::No).expect("a flow");
            let start = start.at(&end.expect("an end")).with_teacher_overlaps(1.0, 1.0);
            let Push { gradient, variances, .. } = push(&start, &inputs);
            assert!(variances[1] < 0.6, "{variances:?}");
            let mut all = vec![0.0; 4 * d];
            general.gradient(&start.state(), &mut all);
            let exact = &all[2 * d..3 * d];
            let error: Vec<f64> = gradient.iter().zip(exact).map(|(x, y)| x - y).collect();
            let [error, exact] = [&error[..], exact].map(|x| dot(x, x).sqrt());
            assert!(error <= 0.1 * exact, "{error} of {exact}");
            // Routers are pushed at the next order.
            assert!(dot(&all[..d], &all[..d]).sqrt() <= 0.1 * exact);
        }
    }
}

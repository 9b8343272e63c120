//! `population-loss`: is the closed form of the population loss right?
//!
//! # The claim
//!
//! `L = ½ Σ_{a,b} c_a c_b K_ab` over the units of student (`c = 1`) and teacher (`c = −1`), where the pair expectation `K` is a finite sum over contractions with the
//! covariances `Φ_{k,l}` of the router's derivatives (theory A2), and the gradient follows from its six partial derivatives.
//!
//! # The routes
//!
//! - *Quadrature.* In an orthonormal basis of the pair's own span, `X1` depends on one normal variable, `X2` on two, `X3` and `X4` on all four. The integrand is a
//!   polynomial in the last two, where `p + 1` Gauss-Hermite nodes are exact, and analytic in the first two. Its error there is estimated by a second, smaller rule.
//! - *Golden values*, 25 digits, computed elsewhere from a series in extended precision.
//! - *Central differences* of fourth order, `[8(L₁ − L₋₁) − (L₂ − L₋₂)]/12h`, along random directions of all raw weights.
//! - *Dual numbers* through the generic pair formula and the normalisation of the weights.
//! - *Monte Carlo*, last and least: it catches a wrong formula, not a wrong digit.
//!
//! # Where the bounds come from
//!
//! Deviations are in units of the natural scale `S = ½(Σ_a √K_aa)² ≥ |L|`, for gradients `p S`. `1e-12` is what the kernel documents, and a sum of 10⁵ rounded terms of size
//! `S` stays below it. Differences with `h = 10⁻³` of the norms have a truncation error `h⁴L⁽⁵⁾/30`, and `L⁽⁵⁾` of a polynomial of degree `2p` in each vector is up to
//! `(2p)!/(2p−5)! S ≈ 10⁵ S`: `10⁻⁸` accepts it and no error of the formula.

mod golden;
mod pair_sum;

use moe_kernels::{Correlations, CovarianceTable, Pair, Router};
use moe_theory::soft_routed::{PopulationLoss, StudentTeacher, Weights};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::golden::golden_deviations;
use self::pair_sum::{
    by_quadrature, contractions, correlations, dot, dual_slope, hermite, norm, signed_sum, twice, unit_vectors,
};
use crate::quadrature::GaussHermite;
use crate::{
    Cell, CheckError, Column, Control, Evidence, Figure, Findings, Label, Lemma, Mark, Parameter, Run, Scale, Table,
    statistics,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "population-loss",
    paper: "2510.07205",
    claim: "The population loss ½E(f − f*)² is half the signed sum of pair expectations, each a finite sum over contractions that is exact for every \
            correlation, and its gradient is that of the sum.",
    scope: "x ~ N(0, I_d), sigmoid routers, experts He_p with p = 1 … 6, weights normalised inside the model, any raw norms; random students and teachers with up \
            to 3 + 2 units, duplicated, antipodal, learned and non-orthogonal units included; f64 arithmetic.",
    ledger: Label::Supported,
    typical_seconds: 6.0,
    parameters: &[
        Parameter::integer(
            "problems",
            "random student-teacher problems, six kinds at six orders in turn",
            "",
            [36, 1_000_000],
            [72, 360, 3600],
        ),
        Parameter::integer("nodes", "Gauss-Hermite nodes in each router direction", "", [80, 200], [80, 80, 120]),
        Parameter::integer(
            "samples",
            "inputs of the Monte Carlo smoke test",
            "",
            [10_000, 1_000_000_000],
            [600_000, 6_000_000, 200_000_000],
        ),
    ],
    check,
};

/// Bound of every comparison with an exact route.
const ROUNDING: f64 = 1e-12;
/// Bound of the central differences.
const DIFFERENCES: f64 = 1e-8;
/// Level of the Monte Carlo interval, and the ratio it must show.
const LEVEL: f64 = 0.9999;
const RATIO: [f64; 2] = [0.8, 1.25];
/// Means that the Monte Carlo interval is computed from.
const CHUNKS: u64 = 64;
const KINDS: [&str; 6] =
    ["generic", "duplicated", "antipodal", "at the teacher", "router along expert", "uneven norms"];

/// Deviations of one random problem, in units of its natural scale.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Deviations {
    order: usize,
    kind: usize,
    quadrature: f64,
    /// Difference between the two quadrature rules.
    quadrature_error: f64,
    differences: f64,
    /// Difference between steps h and 2h.
    differences_error: f64,
    dual: f64,
    /// The twin's deviation from quadrature.
    twin: f64,
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let nodes = run.integer("nodes") as usize;
    let rules = [GaussHermite::new(nodes), GaussHermite::new(nodes * 4 / 5)];
    let rows = run.units("routes", run.integer("problems") as usize, |unit| deviations(run, unit, &rules))?;
    let golden = run.units("golden", 1, |_| golden_deviations())?;
    let chunk = run.integer("samples") / CHUNKS;
    let smoke = run.units("monte-carlo", CHUNKS as usize, |unit| monte_carlo(run, unit as u64, chunk))?;

    let worst = |of: fn(&Deviations) -> f64| rows.iter().map(of).fold(0.0, largest);
    let around = |value: f64, error: f64| [(value - error).max(0.0), value + error];
    let quadrature_error = worst(|row| row.quadrature_error);
    let comparison =
        |statement: &str, interval: [f64; 2], bound: f64| Evidence::comparison(statement, interval, [0.0, bound]);
    let [golden_loss, golden_gradient] = golden[0];
    let ratios = |of: fn(&[f64; 3]) -> f64| -> Vec<f64> { smoke.iter().map(|row| row[0] / of(row)).collect() };
    let monte_carlo = |statement: &str, of: fn(&[f64; 3]) -> f64| {
        Evidence::estimate(statement, LEVEL, statistics::mean(&ratios(of), LEVEL), RATIO)
    };
    let evidence = vec![
        comparison(
            "loss against tensor Gauss-Hermite quadrature in the span of each pair, largest deviation over S",
            around(worst(|row| row.quadrature), quadrature_error),
            ROUNDING,
        ),
        comparison(
            "loss against 25-digit golden values, largest |ΔL|/max(|L|, 1)",
            around(golden_loss, f64::EPSILON),
            ROUNDING,
        ),
        comparison(
            "gradient against 25-digit golden values, each vector's block times its raw norm, largest deviation over max(entry, 1)",
            around(golden_gradient, f64::EPSILON),
            ROUNDING,
        ),
        comparison(
            "gradient along random directions against dual numbers, largest deviation over pS",
            around(worst(|row| row.dual), f64::EPSILON),
            ROUNDING,
        ),
        comparison(
            "gradient along random directions against central differences, largest deviation over pS",
            around(worst(|row| row.differences), worst(|row| row.differences_error)),
            DIFFERENCES,
        ),
        monte_carlo("mean of ½(f − f*)² over Gaussian inputs, divided by the closed form", |row| row[1]),
    ];
    // The twin must fail everywhere, not only somewhere.
    let twin = rows.iter().map(|row| row.twin).fold(f64::INFINITY, f64::min);
    let controls = vec![
        Control::new(
            "the closed form with every contraction between two experts counted twice (a factor 2^r) is rejected by quadrature, on the problem where it is least wrong",
            comparison(
                "twin's loss against quadrature, smallest deviation over S",
                around(twin, quadrature_error),
                ROUNDING,
            )
            .with_witness(json!({ "smallest deviation": twin })),
        ),
        Control::new(
            "the same twin is rejected by Monte Carlo",
            monte_carlo("mean of ½(f − f*)² divided by the twin's loss", |row| row[2]),
        ),
    ];
    let figures = vec![
        Figure::new(
            "deviations",
            "largest deviation of each route, in units of S",
            "deviations",
            "p",
            ["quadrature", "dual", "differences", "twin"],
            [Scale::Linear, Scale::Log],
        )
        .with_mark(Mark::y(ROUNDING, "accepted"))
        .with_mark(Mark::y(DIFFERENCES, "accepted for differences")),
    ];
    Ok(Findings { evidence, controls, findings: Vec::new(), tables: tables(&rows), figures })
}

/// A random problem of the unit's order and kind.
fn problem(rng: &mut ChaCha8Rng, order: usize, kind: usize) -> Result<StudentTeacher, CheckError> {
    let dimension = 3 + rng.random_range(0..4);
    let (m, teachers) = (2 + rng.random_range(0..2), 1 + rng.random_range(0..2));
    let mut rows =
        |n: usize| -> Vec<Vec<f64>> { (0..n).map(|_| (0..dimension).map(|_| normal(rng)).collect()).collect() };
    let (mut v, mut w, v_star, w_star) = (rows(m), rows(m), rows(teachers), rows(teachers));
    match kind {
        1 => (v[1], w[1]) = (v[0].clone(), w[0].clone()),
        2 => {
            w[1] = w[0].iter().map(|x| -x).collect();
            v[1] = v[0].clone();
        }
        3 => (v[0], w[0]) = (v_star[0].clone(), w_star[0].clone()),
        4 => v[0] = w[0].iter().map(|x| -2.0 * x).collect(),
        5 => {
            let factors = [1e-3, 7.0, 1e3];
            for (i, row) in v.iter_mut().chain(&mut w).enumerate() {
                row.iter_mut().for_each(|x| *x *= factors[i % 3]);
            }
        }
        _ => {}
    }
    StudentTeacher::from_rows(Router::Sigmoid, order, [&v, &w], [&v_star, &w_star]).map_err(CheckError::theory)
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

fn deviations(run: &Run<'_>, unit: usize, rules: &[GaussHermite; 2]) -> Result<Deviations, CheckError> {
    let (order, kind) = (1 + unit % 6, unit / 6 % 6);
    let mut rng = run.stream(unit as u64);
    let model = problem(&mut rng, order, kind)?;
    let (units, signs) = unit_vectors(&model);
    let table = CovarianceTable::new(Router::Sigmoid, 2 * order + 2);
    let sum = |of: &dyn Fn(&Correlations<f64>) -> f64| signed_sum(&units, &signs, of);
    let inner: Vec<(f64, f64)> = GaussHermite::new(order + 1).points;
    let [fine, coarse] = rules.each_ref().map(|rule| sum(&|rho| by_quadrature(order, rho, &rule.points, &inner)));
    let twin = sum(&|rho| contractions(order, rho, |k, l| table.value(k, l, rho.r12), twice));
    let scale = 0.5
        * (0..signs.len())
            .map(|a| {
                let rho = correlations(&units, a, a, 1.0, dot);
                Pair::new(&rho, |k, l| table.value(k, l, rho.r12)).value(order, order).max(0.0).sqrt()
            })
            .sum::<f64>()
            .powi(2);

    let mut population = PopulationLoss::of(&model);
    let state = flat(&model.student);
    let mut gradient = vec![0.0; state.len()];
    let loss = population.gradient(&state, &mut gradient);
    // Each vector moves by its own norm, so that the step is relative.
    let dimension = model.student.dimension();
    let mut direction: Vec<f64> = state.iter().map(|_| normal(&mut rng)).collect();
    for (part, x) in direction.chunks_mut(dimension).zip(state.chunks(dimension)) {
        let factor = norm(x) / norm(part);
        part.iter_mut().for_each(|d| *d *= factor);
    }
    let slope: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
    let h = 1e-3;
    let mut at =
        |k: f64| population.loss(&state.iter().zip(&direction).map(|(x, d)| x + k * h * d).collect::<Vec<_>>());
    let mut difference = |k: f64| (8.0 * (at(k) - at(-k)) - (at(2.0 * k) - at(-2.0 * k))) / (12.0 * k * h);
    // The truncation error of step h is a fifteenth of what it is between h and 2h; all of that counts as the error.
    let (difference, doubled) = (difference(1.0), difference(2.0));
    let dual = dual_slope(&model, &direction, &table);
    let slope_scale = order as f64 * scale;
    Ok(Deviations {
        order,
        kind,
        quadrature: (loss - fine).abs() / scale,
        quadrature_error: (fine - coarse).abs() / scale,
        differences: (slope - difference).abs() / slope_scale,
        differences_error: (doubled - difference).abs() / slope_scale,
        dual: (slope - dual).abs() / slope_scale,
        twin: (twin - fine).abs() / scale,
    })
}

/// Mean of `½(f − f*)²` over one chunk of Gaussian inputs, the loss, and the twin's loss, of one generic cubic problem.
fn monte_carlo(run: &Run<'_>, chunk: u64, samples: u64) -> Result<[f64; 3], CheckError> {
    let model = problem(&mut run.substream(0, 1), 3, 0)?;
    let (units, signs) = unit_vectors(&model);
    let mut rng = run.substream(chunk, 2);
    let mut x = vec![0.0; model.student.dimension()];
    let mut sum = 0.0;
    for _ in 0..samples {
        x.iter_mut().for_each(|x| *x = normal(&mut rng));
        let outputs = units
            .iter()
            .zip(&signs)
            .map(|([v, w], sign)| sign * Router::Sigmoid.value(dot(v, &x)) * hermite(3, dot(w, &x)));
        sum += 0.5 * outputs.sum::<f64>().powi(2);
    }
    let table = CovarianceTable::new(Router::Sigmoid, 8);
    let twin = signed_sum(&units, &signs, &|rho| contractions(3, rho, |k, l| table.value(k, l, rho.r12), twice));
    Ok([sum / samples as f64, PopulationLoss::of(&model).loss(&flat(&model.student)), twin])
}

/// The larger of two; NaN where one of them is, so that no comparison passes by losing it.
fn largest(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn flat(weights: &Weights) -> Vec<f64> {
    let m = weights.count();
    (0..m).map(|i| weights.router(i)).chain((0..m).map(|i| weights.expert(i))).flatten().copied().collect()
}

/// The largest deviations at each order, then of each kind of problem.
fn tables(rows: &[Deviations]) -> Vec<Table> {
    let of = |name: &str, head: &str, groups: &mut dyn Iterator<Item = (Cell, Vec<&Deviations>)>| {
        let heads = [head, "problems", "quadrature", "dual", "differences", "twin"];
        let mut table = Table::new(name, heads.map(|head| Column::new(head, "")));
        for (label, group) in groups {
            let worst = |of: fn(&Deviations) -> f64| Cell::from(group.iter().map(|row| of(row)).fold(0.0, f64::max));
            let deviations = [
                worst(|row| row.quadrature),
                worst(|row| row.dual),
                worst(|row| row.differences),
                worst(|row| row.twin),
            ];
            table.push([label, group.len().into()].into_iter().chain(deviations));
        }
        table
    };
    let orders = &mut (1..=6).map(|p| (p.into(), rows.iter().filter(|row| row.order == p).collect()));
    let kinds = &mut KINDS
        .iter()
        .enumerate()
        .map(|(k, kind)| ((*kind).into(), rows.iter().filter(|row| row.kind == k).collect()));
    vec![of("deviations", "p", orders), of("deviations-by-kind", "kind", kinds)]
}

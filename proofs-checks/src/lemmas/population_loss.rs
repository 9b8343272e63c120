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

use moe_kernels::{Correlations, CovarianceTable, Dual, Pair, Router};
use moe_theory::soft_routed::{PopulationLoss, Spec, StudentTeacher, Weights};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use serde_json::json;

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

const GOLDEN: &str = include_str!("../../data/population_loss.json");
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

/// Unit routers and experts of student and teacher, and the signs of the units.
fn unit_vectors(model: &StudentTeacher) -> (Vec<[Vec<f64>; 2]>, Vec<f64>) {
    let unit = |x: &[f64]| -> Vec<f64> { x.iter().map(|y| y / norm(x)).collect() };
    let side = |weights: &Weights| {
        (0..weights.count()).map(|i| [unit(weights.router(i)), unit(weights.expert(i))]).collect::<Vec<_>>()
    };
    let (student, teacher) = (side(&model.student), side(&model.teacher));
    let signs = student.iter().map(|_| 1.0).chain(teacher.iter().map(|_| -1.0)).collect();
    (student.into_iter().chain(teacher).collect(), signs)
}

/// The correlations of units `a` and `b`; of a unit with itself they are 1 exactly, where rounding would leave the domain.
fn correlations<R>(units: &[[Vec<R>; 2]], a: usize, b: usize, one: R, dot: impl Fn(&[R], &[R]) -> R) -> Correlations<R>
where
    R: Copy,
{
    let [v, w] = &units[a];
    let [v2, w2] = &units[b];
    let same = |x: R| if a == b { one } else { x };
    Correlations {
        r12: same(dot(v, v2)),
        r13: dot(v, w),
        r14: dot(v, w2),
        r23: dot(v2, w),
        r24: dot(v2, w2),
        r34: same(dot(w, w2)),
    }
}

/// `½ Σ c_a c_b K_ab`.
fn signed_sum(units: &[[Vec<f64>; 2]], signs: &[f64], of: &dyn Fn(&Correlations<f64>) -> f64) -> f64 {
    let mut sum = 0.0;
    for a in 0..signs.len() {
        for b in 0..=a {
            let weight = if a == b { 0.5 } else { signs[a] * signs[b] };
            sum += weight * of(&correlations(units, a, b, 1.0, dot));
        }
    }
    sum
}

/// `K` by quadrature: `outer` nodes for the two routers, `inner` ones for what is left of the experts.
fn by_quadrature(p: usize, rho: &Correlations<f64>, outer: &[(f64, f64)], inner: &[(f64, f64)]) -> f64 {
    // Cholesky factor of the correlation matrix of (X1, X2, X3, X4); a vanishing pivot belongs to a variable that is a function of those before it.
    let c = [
        [1.0, rho.r12, rho.r13, rho.r14],
        [rho.r12, 1.0, rho.r23, rho.r24],
        [rho.r13, rho.r23, 1.0, rho.r34],
        [rho.r14, rho.r24, rho.r34, 1.0],
    ];
    let mut l = [[0.0; 4]; 4];
    for i in 0..4 {
        for j in 0..=i {
            let rest: f64 = c[i][j] - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            l[i][j] = if i == j {
                if rest > 1e-14 { rest.sqrt() } else { 0.0 }
            } else if l[j][j] > 0.0 {
                rest / l[j][j]
            } else {
                0.0
            };
        }
    }
    let mut sum = 0.0;
    for (z1, w1) in outer {
        let first = w1 * Router::Sigmoid.value(*z1);
        for (z2, w2) in outer {
            let weight = first * w2 * Router::Sigmoid.value(l[1][0] * z1 + l[1][1] * z2);
            let (x3, x4) = (l[2][0] * z1 + l[2][1] * z2, l[3][0] * z1 + l[3][1] * z2);
            let mut experts = 0.0;
            for (z3, w3) in inner {
                let fourth: f64 = inner.iter().map(|(z4, w4)| w4 * hermite(p, x4 + l[3][2] * z3 + l[3][3] * z4)).sum();
                experts += w3 * hermite(p, x3 + l[2][2] * z3) * fourth;
            }
            sum += weight * experts;
        }
    }
    sum
}

/// The contraction sum of `K` with an extra factor for `r` contractions between the experts; the factor 1 is the closed form.
fn contractions(
    p: usize,
    rho: &Correlations<f64>,
    phi: impl Fn(usize, usize) -> f64,
    factor: impl Fn(usize) -> f64,
) -> f64 {
    let mut sum = 0.0;
    for r in 0..=p {
        for s in 0..=p - r {
            for t in 0..=p - r {
                let (u, v) = (p - r - s, p - r - t);
                let count =
                    factorial(p).powi(2) / (factorial(s) * factorial(t) * factorial(u) * factorial(v) * factorial(r));
                let [a, b, c, d, e] = [(rho.r13, s), (rho.r14, t), (rho.r23, u), (rho.r24, v), (rho.r34, r)]
                    .map(|(x, n)| x.powi(n as i32));
                sum += factor(r) * count * a * b * c * d * e * phi(s + t, u + v);
            }
        }
    }
    sum
}

/// The twin's wrong factor: every contraction between the experts counted twice.
fn twice(r: usize) -> f64 {
    f64::from(1 << r)
}

/// The derivative of `L` along a direction of the raw student weights, in dual numbers.
fn dual_slope(model: &StudentTeacher, direction: &[f64], table: &CovarianceTable) -> f64 {
    let m = model.student.count();
    let moving = |x: &[f64], d: &[f64]| -> Vec<Dual<f64>> {
        // d(x/‖x‖) = (d − x̄(x̄·d))/‖x‖
        let length = norm(x);
        let unit: Vec<f64> = x.iter().map(|x| x / length).collect();
        let along = dot(&unit, d);
        unit.iter().zip(d).map(|(u, d)| Dual::new(*u, (d - u * along) / length)).collect()
    };
    let (_, signs) = unit_vectors(model);
    let parts: Vec<&[f64]> = direction.chunks(model.student.dimension()).collect();
    let still = vec![0.0; model.student.dimension()];
    let student =
        (0..m).map(|i| [moving(model.student.router(i), parts[i]), moving(model.student.expert(i), parts[m + i])]);
    let teacher = (0..model.teacher.count())
        .map(|j| [moving(model.teacher.router(j), &still), moving(model.teacher.expert(j), &still)]);
    let units: Vec<[Vec<Dual<f64>>; 2]> = student.chain(teacher).collect();
    let product =
        |a: &[Dual<f64>], b: &[Dual<f64>]| a.iter().zip(b).fold(Dual::constant(0.0), |sum, (x, y)| sum + *x * y);
    let mut sum = Dual::constant(0.0);
    for a in 0..signs.len() {
        for b in 0..signs.len() {
            let rho = correlations(&units, a, b, Dual::constant(1.0), product);
            let pair = Pair::new(&rho, |k, l| table.dual(k, l, rho.r12)).value(model.order, model.order);
            sum = sum + pair * Dual::constant(0.5 * signs[a] * signs[b]);
        }
    }
    sum.derivative
}

/// Largest deviations of loss and gradient from the golden values, in the documented units.
fn golden_deviations() -> Result<[f64; 2], CheckError> {
    #[derive(Deserialize)]
    struct Golden {
        cases: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Case {
        spec: Spec,
        loss: String,
        gradient: Blocks,
    }
    #[derive(Deserialize)]
    struct Blocks {
        routers: Vec<Vec<String>>,
        experts: Vec<Vec<String>>,
    }
    let golden: Golden = serde_json::from_str(GOLDEN).map_err(CheckError::theory)?;
    let number = |text: &String| text.parse::<f64>().map_err(CheckError::theory);
    let mut worst = [0.0_f64; 2];
    // An empty or shortened file would compare nothing.
    if golden.cases.is_empty() {
        return Ok([f64::NAN; 2]);
    }
    for case in &golden.cases {
        let model = case.spec.model().map_err(CheckError::theory)?;
        let state = flat(&model.student);
        let mut gradient = vec![0.0; state.len()];
        let loss = PopulationLoss::of(&model).gradient(&state, &mut gradient);
        let expected = number(&case.loss)?;
        worst[0] = largest(worst[0], (loss - expected).abs() / expected.abs().max(1.0));
        let rows = case.gradient.routers.iter().chain(&case.gradient.experts);
        let dimension = model.student.dimension();
        for ((row, computed), raw) in rows.zip(gradient.chunks(dimension)).zip(state.chunks(dimension)) {
            let row = row.iter().map(number).collect::<Result<Vec<f64>, _>>()?;
            if row.len() != dimension {
                return Ok([f64::NAN; 2]);
            }
            let length = norm(raw);
            let scale = row.iter().fold(1.0_f64, |m, g| m.max((g * length).abs()));
            let deviation = row.iter().zip(computed).map(|(a, b)| ((a - b) * length).abs()).fold(0.0, largest);
            worst[1] = largest(worst[1], deviation / scale);
        }
    }
    Ok(worst)
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

/// `He_p(x)`.
fn hermite(p: usize, x: f64) -> f64 {
    let (mut previous, mut current) = (0.0, 1.0);
    for k in 0..p {
        (previous, current) = (current, x * current - k as f64 * previous);
    }
    current
}

/// The larger of two; NaN where one of them is, so that no comparison passes by losing it.
fn largest(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// With the factor 1 the lemma's own contraction sum is the kernel's formula: the twin differs in one factor and nothing else.
    #[test]
    fn twin_differs_in_one_factor_only() {
        let rho = Correlations { r12: 0.3, r13: -0.2, r14: 0.4, r23: 0.1, r24: -0.3, r34: 0.2 };
        for p in 1..=6 {
            let table = CovarianceTable::new(Router::Sigmoid, 2 * p + 2);
            let phi = |k, l| table.value(k, l, rho.r12);
            let expected = Pair::new(&rho, phi).value(p, p);
            assert!((contractions(p, &rho, phi, |_| 1.0) - expected).abs() < 1e-13 * factorial(p).max(1.0), "p = {p}");
        }
    }
}

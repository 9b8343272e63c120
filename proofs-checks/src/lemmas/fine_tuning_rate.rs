//! `fine-tuning-rate`: how fast does a student with as many experts as the teacher converge, once it is near?
//!
//! # The claim and its proof
//!
//! At the teacher (`m = m*`) the residual vanishes and the Hessian is that of a quadratic form; its four eigenvalues and multiplicities, free of `m*` and `d`, are derived in the
//! documentation of `rigor/spectrum.rs` for every `m*` and every `d ≥ 2m*`. In the basis of that proof
//!
//! ```text
//! router  p! Φ_11           m*(d−2) times        expert  p·p! Φ_00        m*(d−2) times
//! plane   p! [(2p+1)Φ_11, p(Φ_11+Φ_02); ·, p(Φ_00+2Φ_11+2Φ_02)]           each of two, m* times       (Φ at correlation 1)
//! ```
//!
//! The smallest is the router's, `μ = p! Φ_11(1)`; at p = 3 it is `A_1 − A_3`. A positive Hessian at a zero of `L` gives, for every `ε > 0`, a neighbourhood of the teacher in which
//! `2μ − ε ≤ −d ln L/dt = |∇L|²/L ≤ 2λ_max + ε` along the flow at unit raw norms: local linear convergence at the rate `2μ`. The certificate encloses the eigenvalues; the step from them to the rate is this sentence
//! (`|∇L|² = δᵀH²δ + O(|δ|³)`, `L = ½δᵀHδ + O(|δ|³)`).
//!
//! # The findings and their bounds
//!
//! *Eigenvalues in floats.* The dense Hessian at the teacher for `m* = 1 … 6`: sums over pairs of terms up to 100 with relative errors `10⁻¹⁴` in a matrix of at most 156 rows: `10⁻¹⁰` leaves a factor ten.
//!
//! *Measured decay.* While `L < 10⁻⁶` the modes other than the router's are down by `e^{−2(1.81−0.27)t}` against it, and the relative correction of the rate is `O(L)` for router modes (their loss is even in the angle), so over the fall
//! from `10⁻⁶` to `10⁻¹¹` the rate is `2μ` to a few parts in `10⁵`, and roundings of `L` (`10⁻¹⁵`) add as much: `[0.999, 1.001]`.
//!
//! *One lagging router.* With exact experts and each router on the great circle to its teacher's, the state stays of this form (the gradient of the experts contains `E[He_p He_{p−1}] = 0`), units do not interact, and
//!
//! ```text
//! L = Σ_j p!(Φ_00(1) − Φ_00(β_j)),   dβ/dt = p! Φ_11(β)(1−β²),   −d ln L/dt = Σ_j p!Φ_11(β_j)·p!Φ_11(β_j)(1−β_j²) / L       (theory X5)
//! ```
//!
//! Held against a central difference of `ln L` along the flow with step `10⁻³` (p = 3, sigmoid routers; in proportion to the slowest eigenvalue otherwise): relative to the rate its error is a sixth of `10⁻⁶` times a number of order one, that of the flow `10⁻¹⁰/10⁻³` over `L ≥ 10⁻²`: `10⁻⁵` leaves a factor ten.
//!
//! *Basin.* Starts at overlap `c` with the teacher (every vector, in random directions). The law `dκ/dt = 4.5κ²(1−κ²)` recovers every pair whose overlap exceeds all others by a margin (within 0.03 at p = 6, of a horizon of `100·3!/6!` = 0.83), and the others are
//! `O(d^{−1/2})`: all starts with `c ≥ 0.3` are expected to converge at `d = 1000`, where the largest of the others is 0.1 or so. A share of at least 0.7 is accepted; a run that fails has probability of order zero, and all of 18
//! runs or more give the interval `[0.745, 1]`.

use std::cell::Cell;

use moe_kernels::{CovarianceTable, Router};
use moe_theory::soft_routed::{Flow, FlowError, Hessian, InitialLaw, OrderParameters, Start, Stop, StudentTeacher};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::axes::axis;
use crate::rigor::spectrum_certificate;
use crate::{
    CheckError, Column, Control, Estimate, Evidence, Figure, Finding, Findings, Label, Lemma, Mark, Parameter, Run,
    Scale, Table, statistics,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "fine-tuning-rate",
    paper: "2510.07205",
    claim: "With as many students as teachers the Riemannian Hessian of L at the teacher has four eigenvalues for every m* and every d ≥ max(2m*, 3): p!Φ_11(1) and p·p!Φ_00(1), each m*(d−2) times, and the two of the \
            plane block, each m* times; the smallest is p!Φ_11(1) (A_1 − A_3 = 0.26901745 at p = 3), so near the teacher fine-tuning converges linearly at a rate −d ln L/dt of at least 2p!Φ_11(1) less any ε.",
    scope: "Population gradient flow near the teacher, x ~ N(0, I_d), sigmoid routers, He_p experts with p = 3 … 6 as set, orthonormal teacher, m = m*, raw norms 1 (other norms divide the router's rate by ‖v‖²); the rate is attained by starts with a part along the slowest eigenvectors, starts without one are faster (up to 12.9 at p = 3); \
            eigenvalues within the stated width of their floats. The findings on decay and basin are measurements.",
    ledger: Label::Proved,
    typical_seconds: 6.0,
    parameters: &[
        Parameter::integer("order", "Hermite order p of the experts", "", [3, 6], [3, 3, 3]),
        Parameter::integer("precision", "bits of the enclosures", "bit", [128, 2048], [256, 384, 768]),
        Parameter::real(
            "width",
            "half-width of the claimed interval of each eigenvalue, relative",
            "",
            [1e-14, 1e-3],
            [1e-12, 1e-12, 1e-12],
        ),
        Parameter::integer("replicates", "starts at each overlap with the teacher", "", [18, 10_000], [18, 60, 400]),
        Parameter::integer("teachers", "number m* = m in the flows", "", [1, 6], [2, 3, 3]),
        Parameter::integer("dimension", "dimension d in the flows", "", [100, 1_000_000], [1000, 1000, 1000]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Teachers for which the dense Hessian is computed.
const DENSE: std::ops::RangeInclusive<usize> = 1..=6;
/// Allowed error of its eigenvalues.
const EIGENVALUE_ERROR: f64 = 1e-10;
/// The losses between which the decay is measured.
const WINDOW: [f64; 2] = [1e-6, 1e-11];
/// Overlaps of the starts with the teacher; from the first on all are expected to converge.
const OVERLAPS: [f64; 6] = [0.9, 0.6, 0.3, 0.1, 0.03, 0.0];
const NEAR: f64 = 0.3;
/// Rates at which a lagging router starts.
const LAGGING: [f64; 2] = [0.0, 0.3];

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let order = run.integer("order") as usize;
    let spectrum = Spectrum::at(Router::Sigmoid, order);
    let (width, precision) = (run.real("width"), run.integer("precision") as usize);
    let certificates = run.units("certificates", 2, |unit| {
        run.proceed()?;
        let mut claimed = spectrum.eigenvalues.map(|x| [x * (1.0 - width), x * (1.0 + width)]);
        if unit == 1 {
            claimed[0] = claimed[0].map(|end| end * (1.0 + 20.0 * width));
        }
        Ok(spectrum_certificate(order, precision, claimed))
    })?;
    let [of_claim, of_twin]: [Option<String>; 2] =
        certificates.try_into().map_err(|_| CheckError::theory("two certificates"))?;
    let evidence = vec![Evidence::certificate(
        "the four eigenvalues of the Hessian at the teacher, for every m* and d ≥ max(2m*, 3); interval of the smallest",
        of_claim,
    )];
    let controls = vec![Control::new(
        "the router's eigenvalue shifted by twenty times the claimed width is refused",
        Evidence::certificate("the same claim with the smallest eigenvalue shifted", of_twin),
    )];

    let (dense, decays, lag, basin) =
        (dense_spectra(run, order)?, decays(run)?, lagging(run, Router::Sigmoid, order)?, basin(run)?);
    let findings = vec![
        eigenvalue_finding(&dense),
        decay_finding(&decays, &spectrum),
        lag_finding(&lag, &spectrum),
        basin_finding(&basin),
    ];
    let tables = vec![spectrum_table(&spectrum, run), lag_table(&lag), basin_table(&basin)];
    let figures = vec![
        Figure::new(
            "lag",
            "rate −d ln L/dt while routers lag: measured, and the law R(β)",
            "lag",
            "t",
            ["measured"],
            [Scale::Linear; 2],
        )
        .with_laws(["law"])
        .with_mark(Mark::y(2.0 * spectrum.eigenvalues[0], "2μ")),
        Figure::new(
            "basin",
            "share of starts that converge to the teacher (overlap 0: in the table)",
            "basin",
            "overlap",
            ["share", "lower", "upper"],
            [Scale::Log, Scale::Linear],
        ),
    ];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// The closed forms, in floats; they hold for every router.
pub(super) struct Spectrum {
    /// Router, expert, the two of the plane: ascending within the plane, as in the certificate.
    eigenvalues: [f64; 4],
}

impl Spectrum {
    pub(super) fn at(router: Router, order: usize) -> Self {
        let table = CovarianceTable::new(router, 2);
        let phi = |k, l| table.value(k, l, 1.0);
        let p = order as f64;
        let factorial: f64 = (1..=order).map(|i| i as f64).product();
        let a = factorial * (2.0 * p + 1.0) * phi(1, 1);
        let b = factorial * p * (phi(1, 1) + phi(0, 2));
        let c = factorial * p * (phi(0, 0) + 2.0 * phi(1, 1) + 2.0 * phi(0, 2));
        let root = (a - c).hypot(2.0 * b);
        Self {
            eigenvalues: [factorial * phi(1, 1), factorial * p * phi(0, 0), 0.5 * (a + c - root), 0.5 * (a + c + root)],
        }
    }

    /// `p! Φ_11(1)`, the eigenvalue of routers, which the rate of fine-tuning is twice of.
    pub(super) fn slowest(&self) -> f64 {
        self.eigenvalues[0]
    }

    /// The largest eigenvalue, the upper one of the plane.
    pub(super) fn largest(&self) -> f64 {
        self.eigenvalues[3]
    }

    /// All eigenvalues in dimension `d`, ascending.
    fn with_multiplicity(&self, teachers: usize, dimension: usize) -> Vec<f64> {
        let counts = multiplicities(teachers, dimension as u64);
        let mut all: Vec<f64> = self
            .eigenvalues
            .iter()
            .zip(counts)
            .flat_map(|(x, count)| std::iter::repeat_n(*x, count as usize))
            .collect();
        all.sort_by(f64::total_cmp);
        all
    }

    /// Largest deviation of a computed spectrum, ascending, from this one.
    pub(super) fn deviation(&self, found: &[f64], teachers: usize, dimension: usize) -> f64 {
        let expected = self.with_multiplicity(teachers, dimension);
        let largest = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        if found.len() == expected.len() { largest } else { f64::MAX }
    }
}

fn multiplicities(teachers: usize, dimension: u64) -> [u64; 4] {
    let (teachers, rest) = (teachers as u64, dimension - 2);
    [teachers * rest, teachers * rest, teachers, teachers]
}

/// A student whose experts are the teacher's and whose router `j` has overlap `routers[j]` with teacher `j`'s, the rest of it along a direction of its own.
fn near_teacher(router: Router, order: usize, routers: &[f64], dimension: usize) -> Result<Start, CheckError> {
    let teachers = routers.len();
    let axis = |k: usize| axis(dimension, k);
    let of = |first: usize| (0..teachers).map(|j| axis(first + j)).collect::<Vec<_>>();
    let (teacher_routers, experts) = (of(0), of(teachers));
    let student = |j: usize| {
        let mut row = axis(j);
        row[j] = routers[j];
        if routers[j] < 1.0 {
            row[2 * teachers + j] = (1.0 - routers[j] * routers[j]).sqrt();
        }
        row
    };
    let routers: Vec<Vec<f64>> = (0..teachers).map(student).collect();
    let model = StudentTeacher::from_rows(router, order, [&routers, &experts], [&teacher_routers, &experts]);
    Ok(Start::reduce(&model.map_err(CheckError::theory)?))
}

/// The dense Hessian at one teacher.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Dense {
    teachers: usize,
    dimension: usize,
    eigenvalues: usize,
    /// Largest deviation of the sorted eigenvalues from the closed form, and from the closed form with the multiplicities of router and lower plane eigenvalue exchanged.
    deviations: [f64; 2],
}

fn dense_spectra(run: &Run<'_>, order: usize) -> Result<Vec<Dense>, CheckError> {
    let sizes: Vec<usize> = DENSE.collect();
    run.units("spectra", sizes.len(), |unit| {
        let (teachers, dimension) = (sizes[unit], 2 * sizes[unit] + 2);
        let found = dense_spectrum(Router::Sigmoid, order, teachers, dimension)?;
        let spectrum = Spectrum::at(Router::Sigmoid, order);
        let [router, expert, low, high] = spectrum.eigenvalues;
        let exchanged = Spectrum { eigenvalues: [low, expert, router, high] };
        let deviations = [&spectrum, &exchanged].map(|closed| closed.deviation(&found, teachers, dimension));
        Ok(Dense { teachers, dimension, eigenvalues: found.len(), deviations })
    })
}

/// Eigenvalues of the Hessian at `teachers` orthonormal teachers, ascending.
pub(super) fn dense_spectrum(
    router: Router,
    order: usize,
    teachers: usize,
    dimension: usize,
) -> Result<Vec<f64>, CheckError> {
    let start = near_teacher(router, order, &vec![1.0; teachers], dimension)?;
    let mut hessian = Hessian::new(&start);
    hessian.set(&start.state());
    Ok(hessian.spectrum())
}

fn eigenvalue_finding(dense: &[Dense]) -> Finding {
    let item = |statement: &str, which: usize| {
        let worst: Vec<f64> = dense.iter().map(|row| row.deviations[which]).collect();
        // The closed form holds for every m*: each has to agree, and the twin has to fail for each.
        let (low, high) = worst.iter().fold((f64::MAX, 0.0_f64), |(low, high), x| (low.min(*x), high.max(*x)));
        Evidence::comparison(statement, [low, high], [0.0, EIGENVALUE_ERROR])
    };
    let statement = "largest deviation of an eigenvalue of the dense Hessian at the teacher from the closed form, counted with multiplicity, over m* = 1 … 6";
    // At m* = 1 and d = 4 router and plane differ in multiplicity by one; from there on the exchange is visible for every m*.
    let control = Control::new("multiplicities of router and plane exchanged", item("the same with them exchanged", 1));
    let rows: Vec<_> = dense.iter().map(|row| json!(row)).collect();
    Finding::judged("eigenvalues in floating point", statement, &[item(statement, 0)], &[control], json!(rows))
}

/// The rate of the decay from each start at overlap 0.9.
fn decays(run: &Run<'_>) -> Result<Vec<Option<f64>>, CheckError> {
    run.units("decay", run.integer("replicates") as usize, |unit| decay(run, &start_at(run, unit as u64, 0.9)?))
}

/// `−d ln L/dt` between two losses near the teacher; none where the window was not reached.
pub(super) fn decay(run: &Run<'_>, start: &Start) -> Result<Option<f64>, CheckError> {
    let scale = pace(start.router, start.order);
    let times: Vec<f64> = (0..=160).map(|k| 0.5 * scale * f64::from(k)).collect();
    let mut within: Vec<(f64, f64)> = Vec::new();
    let stop = Cell::new(false);
    let over = |_: f64| stop.get() || run.proceed().is_err();
    let outcome = Flow::new(start).tolerance(1e-10).monitor(&over).run(
        80.0 * scale,
        &[],
        &times,
        |k, state| {
            if (WINDOW[1]..WINDOW[0]).contains(&state.loss) {
                within.push((times[k], state.loss.ln()));
            }
            stop.set(state.loss < WINDOW[1]);
        },
        |_, _| Stop::No,
    );
    finished(run, outcome)?;
    let rate = |(t0, l0): (f64, f64), (t1, l1): (f64, f64)| (l0 - l1) / (t1 - t0);
    Ok(within.first().zip(within.last()).filter(|(a, b)| b.0 > a.0).map(|(a, b)| rate(*a, *b)))
}

/// Times of one router and order over those of sigmoid routers and third experts: near the teacher rates are proportional to the slowest one.
fn pace(router: Router, order: usize) -> f64 {
    Spectrum::at(Router::Sigmoid, 3).slowest() / Spectrum::at(router, order).slowest()
}

/// Stopping early is the plan, unless the run was interrupted.
fn finished<T>(run: &Run<'_>, outcome: Result<T, FlowError>) -> Result<(), CheckError> {
    run.proceed()?;
    match outcome {
        Ok(_) | Err(FlowError::Stopped { .. }) => Ok(()),
        Err(error) => Err(CheckError::theory(error)),
    }
}

fn start_at(run: &Run<'_>, replicate: u64, overlap: f64) -> Result<Start, CheckError> {
    let teachers = run.integer("teachers") as usize;
    let law = InitialLaw::new(run.integer("order") as usize, teachers, teachers, run.integer("dimension"));
    Ok(law.sample(run.seed(), replicate).map_err(CheckError::theory)?.with_teacher_overlaps(overlap, overlap))
}

fn decay_finding(rates: &[Option<f64>], spectrum: &Spectrum) -> Finding {
    let item = |statement: String, eigenvalue: f64| {
        let ratios: Option<Vec<f64>> = rates.iter().map(|rate| Some((*rate)? / (2.0 * eigenvalue))).collect();
        let median = ratios.and_then(|ratios| statistics::median(&ratios, LEVEL));
        Evidence::estimate(statement, LEVEL, median, [0.999, 1.001])
    };
    let statement = format!(
        "−d ln L/dt between L = {:e} and {:e} over 2μ, starts at overlap 0.9 with the teacher, median over starts",
        WINDOW[0], WINDOW[1]
    );
    let evidence = item(statement.clone(), spectrum.eigenvalues[0]);
    let control = Control::new(
        "the rate of the next eigenvalue is rejected",
        item("the same ratio with the lower plane eigenvalue".into(), spectrum.eigenvalues[2]),
    );
    let witness = json!({ "interval": evidence.interval() });
    Finding::judged("measured decay", statement, &[evidence], &[control], witness)
}

/// The law of lagging routers at one time of a flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Lag {
    time: f64,
    loss: f64,
    routers: Vec<f64>,
    pub(super) measured: f64,
    pub(super) law: f64,
}

/// Measured rates and the law along one flow with two lagging routers.
pub(super) fn lagging(run: &Run<'_>, router: Router, order: usize) -> Result<Vec<Lag>, CheckError> {
    let table = CovarianceTable::new(router, 2);
    let factorial: f64 = (1..=order).map(|i| i as f64).product();
    let scale = pace(router, order);
    let step = 1e-3 * scale;
    let law = |routers: &[f64]| {
        let (mut loss, mut fall) = (0.0, 0.0);
        for &beta in routers {
            let slope = factorial * table.value(1, 1, beta);
            loss += factorial * (table.value(0, 0, 1.0) - table.value(0, 0, beta));
            fall += slope * slope * (1.0 - beta * beta);
        }
        fall / loss
    };
    let mut rows = run.units(&format!("lag-{}", router.name()), 1, |_| {
        let start = near_teacher(router, order, &LAGGING, 8)?;
        // Until the loss is down to 10⁻² of its start: later the difference quotient loses digits.
        let until = 6.0 * scale;
        let moments: Vec<f64> = (1..=24).map(|k| until * f64::from(k) / 24.0).collect();
        let times: Vec<f64> = moments.iter().flat_map(|t| [t - step, *t, t + step]).collect();
        let mut states = Vec::new();
        let end = until + step;
        let flow = Flow::new(&start).tolerance(1e-12);
        finished(run, flow.run(end, &[], &times, |_, state| states.push(state), |_, _| Stop::No))?;
        let row = |(three, time): (&[OrderParameters], &f64)| {
            let routers: Vec<f64> = (0..LAGGING.len()).map(|j| three[1].router(j, j)).collect();
            let measured = (three[0].loss.ln() - three[2].loss.ln()) / (2.0 * step);
            Lag { time: *time, loss: three[1].loss, law: law(&routers), routers, measured }
        };
        Ok(states.chunks_exact(3).zip(&moments).map(row).collect::<Vec<_>>())
    })?;
    Ok(rows.pop().unwrap_or_default())
}

fn lag_finding(lag: &[Lag], spectrum: &Spectrum) -> Finding {
    let limit = 2.0 * spectrum.eigenvalues[0];
    let item = |statement: &str, law: &dyn Fn(&Lag) -> f64| {
        let off = |row: &Lag| (row.measured - law(row)).abs();
        let worst = lag.iter().map(off).fold(if lag.is_empty() { f64::NAN } else { 0.0 }, f64::max);
        Evidence::comparison(statement, [worst, worst], [0.0, 1e-5 * limit.max(1.0)])
    };
    let statement = "largest difference between −d ln L/dt along the flow and Σ L_j R(β_j)/Σ L_j, two routers lagging at β = 0 and 0.3";
    let control = Control::new(
        "the limit 2μ in place of R(β) is rejected: the rate approaches it from below",
        item("largest difference between −d ln L/dt and 2μ", &|_| limit),
    );
    Finding::judged(
        "a lagging router is slower",
        statement,
        &[item(statement, &|row| row.law)],
        &[control],
        json!({ "first": lag.first(), "last": lag.last() }),
    )
}

/// Starts at one overlap with the teacher, and how many of them converge: `(overlap, converged)`.
fn basin(run: &Run<'_>) -> Result<Vec<(f64, Vec<bool>)>, CheckError> {
    // In units of the slowest relaxation: at p = 6, where rates are 120 times as large, a hundred units of time would be as many steps more.
    let until = 100.0 * pace(Router::Sigmoid, run.integer("order") as usize);
    let replicates = run.integer("replicates") as usize;
    let ends = run.units("basin", OVERLAPS.len() * replicates, |unit| {
        converges(run, &start_at(run, (unit % replicates) as u64, OVERLAPS[unit / replicates])?, until)
    })?;
    Ok(OVERLAPS.into_iter().zip(ends.chunks(replicates).map(<[_]>::to_vec)).collect())
}

/// Whether the loss falls below 10⁻³: there the teacher is the only state there is, every other one known costs 0.4 or more.
pub(super) fn converges(run: &Run<'_>, start: &Start, until: f64) -> Result<bool, CheckError> {
    let times: Vec<f64> = (0..=50).map(|k| until * f64::from(k) / 50.0).collect();
    let converged = Cell::new(false);
    let over = |_: f64| converged.get() || run.proceed().is_err();
    let flow = Flow::new(start).tolerance(1e-7).monitor(&over);
    let outcome = flow.run(until, &[], &times, |_, state| converged.set(state.loss < 1e-3), |_, _| Stop::No);
    finished(run, outcome)?;
    Ok(converged.get())
}

fn share(converged: &[bool]) -> Option<Estimate> {
    let count = converged.iter().filter(|x| **x).count() as u64;
    statistics::proportion(count, converged.len() as u64, LEVEL)
}

fn basin_finding(basin: &[(f64, Vec<bool>)]) -> Finding {
    let statement =
        format!("share of starts at overlap {NEAR} or more with the teacher, every vector, that converge to it");
    let accept = [0.7, 1.0];
    let near: Vec<_> = basin.iter().filter(|row| row.0 >= NEAR).collect();
    let item = |row: &&(f64, Vec<bool>)| {
        Evidence::estimate(format!("{statement}: overlap {}", row.0), LEVEL, share(&row.1), accept)
    };
    let evidence: Vec<Evidence> = near.iter().map(item).collect();
    let far = &basin[basin.len() - 1];
    let control = Control::new(
        "starts at overlap 0 do not converge in such numbers",
        Evidence::estimate("the same share at overlap 0", LEVEL, share(&far.1), accept),
    );
    Finding::judged("basin", statement, &evidence, &[control], json!(null))
}

fn spectrum_table(spectrum: &Spectrum, run: &Run<'_>) -> Table {
    let dimension = run.integer("dimension");
    let mut table = Table::new(
        "spectrum",
        ["eigenvalue", "value", "multiplicity", "multiplicity here"].map(|n| Column::new(n, "")),
    );
    let counts = multiplicities(run.integer("teachers") as usize, dimension);
    let general = ["m*(d−2)", "m*(d−2)", "m*", "m*"];
    for (k, name) in ["router", "expert", "plane, lower", "plane, upper"].into_iter().enumerate() {
        table.push([name.into(), spectrum.eigenvalues[k].into(), general[k].into(), counts[k].into()]);
    }
    table
}

fn lag_table(lag: &[Lag]) -> Table {
    let mut table = Table::new("lag", ["t", "L", "β_1", "β_2", "measured", "law"].map(|n| Column::new(n, "")));
    for row in lag {
        let beta = |j: usize| row.routers.get(j).copied();
        table.push([
            row.time.into(),
            row.loss.into(),
            beta(0).into(),
            beta(1).into(),
            row.measured.into(),
            row.law.into(),
        ]);
    }
    table
}

fn basin_table(basin: &[(f64, Vec<bool>)]) -> Table {
    let mut table =
        Table::new("basin", ["overlap", "starts", "share", "lower", "upper"].map(|name| Column::new(name, "")));
    for (overlap, converged) in basin {
        let share = share(converged);
        table.push([
            (*overlap).into(),
            converged.len().into(),
            share.map(|s| s.value).into(),
            share.map(|s| s.interval[0]).into(),
            share.map(|s| s.interval[1]).into(),
        ]);
    }
    table
}

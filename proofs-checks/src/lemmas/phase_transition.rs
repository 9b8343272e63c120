//! `phase-transition`: the first expert aligns suddenly, after a time `∝ √d`.
//!
//! # The prediction
//!
//! The leading power of the overlap in `dκ/dt` is `4.5 κ²(1−κ²)` (theory A4), so the pair with the largest initial overlap `κ_0 = c/√d` needs
//! `T = (1/4.5)[1/κ_0 − 1/κ + artanh κ − artanh κ_0]` to reach `κ`: `T ≈ √d/(4.5c)`, of which the way from 0.1 to 0.9 takes 2.280 whatever `d` is. Another
//! student-teacher overlap `κ' = c'/√d` obeys the same law and is `c'/(1 − c'/c)/√d` by then: still of order `d^{−1/2}`.
//!
//! # Where the bounds come from
//!
//! Corrections to the law are relative `O(d^{−1/2})` per unit of `c`, so over `d ≥ 10⁴` they bend the fitted exponent by a few thousandths (0.502 is typical):
//! `[0.49, 0.51]` holds every exponent that is ½ up to that bend and excludes the exponents 1 (p = 4) and 0 (p = 2) by far. At `d ≥ 10⁶` the corrections to `T`
//! are below `10⁻³`, and `±0.02` leaves room for the spread of `c`. Replicates are paired across dimensions (the same Gaussian draws), which removes the spread
//! of `c` from exponents, so that intervals are far narrower than the regions. Another overlap exceeds 0.05 at the jump at `d = 10¹⁰` only if `c'` is within a
//! relative `3·10⁻⁴` of `c`, which happens in less than one replicate of a thousand: a share of at least 0.8 is missed with probability below `10⁻⁵`.

use std::cell::Cell;

use moe_theory::soft_routed::{Flow, FlowError, InitialLaw, Method, Stop, Watch, alignment_time};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    CheckError, Column, Control, Estimate, Evidence, Figure, Finding, Findings, Label, Lemma, Mark, Parameter, Run,
    Scale, Table, statistics,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "phase-transition",
    paper: "2510.07205",
    claim: "The first student-teacher pair aligns at a time T = Θ(√d), T·4.5·κ0 → 1 for the largest initial expert overlap κ0; the jump is sharp \
            (2.28 time units from overlap 0.1 to 0.9), and all other student-teacher expert overlaps are dormant, O(d^{-1/2}) in magnitude, meanwhile.",
    scope: "Population gradient flow, x ~ N(0, I_d), sigmoid routers, third Hermite experts, orthonormal teacher, v ⟂ w at the start, raw norms 1; \
            student-student overlaps 0 at the start (≪ d^{-1/2}); largest initial overlap at least ¼ d^{-1/2}; exponents over d = 10⁴ … 10¹⁰, constants over 10⁶ … 10¹⁰, at the fixed numbers of \
            students and teachers of the run.",
    ledger: Label::Supported,
    typical_seconds: 25.0,
    parameters: &[
        Parameter::integer(
            "replicates",
            "independent starts, each used at every dimension",
            "",
            [24, 100_000],
            [48, 160, 1000],
        ),
        Parameter::integer("decades", "decades between two dimensions of the grid 10², …, 10¹⁰", "", [1, 2], [2, 1, 1]),
        Parameter::integer("students", "number m of students", "", [1, 8], [4, 4, 4]),
        Parameter::integer("teachers", "number m* of teachers", "", [1, 4], [2, 2, 2]),
        Parameter::real("tolerance", "local tolerance of the flow", "", [1e-12, 1e-5], [1e-6, 1e-8, 1e-9]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Smallest `κ_0 √d` of a replicate.
const LEAST: f64 = 0.25;
/// Where exponents are fitted, and where constants are compared.
const FITTED: f64 = 1e4;
const ASYMPTOTIC: f64 = 1e6;
/// Predicted time up to which the explicit method is cheaper than the implicit one.
const EXPLICIT: f64 = 1500.0;
/// Time units after which a jump that began has ended.
const PATIENCE: f64 = 30.0;
/// A dormant overlap at the largest dimension.
const DORMANT: f64 = 0.05;

/// One flow from one start at one dimension.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Passage {
    /// First time at which an expert overlap reaches ½; none within ten times the prediction.
    time: Option<f64>,
    /// The closed-form prediction for the initially best pair, or with Gaussian raw norms for the pair that is predicted first.
    predicted: f64,
    /// Whether the pair that reached ½ is the predicted one.
    best_pair: bool,
    /// From overlap 0.1 to 0.9 of that pair.
    jump: Option<f64>,
    /// Largest other student-teacher expert overlap at `time`.
    other: Option<f64>,
}

/// All passages of one Hermite order: `rows[replicate][dimension]`.
struct Sweep {
    dimensions: Vec<f64>,
    rows: Vec<Vec<Passage>>,
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let replicates = eligible(run)?;
    let step = 10f64.powi(run.integer("decades") as i32);
    let grid = |from: f64, step: f64, to: f64| -> Vec<f64> {
        std::iter::successors(Some(from), |d| Some(d * step)).take_while(|d| *d < 2.0 * to).collect()
    };
    let cubic = sweep(run, "cubic", 3, &grid(1e2, step, 1e10), &replicates, false)?;
    // The twins need the fitted range only, and half of the replicates. At p = 4 times of 10⁸ and more, which d = 10¹⁰ takes, are at the edge of what
    // rounding lets the integrator follow at a reasonable cost.
    let twins = &replicates[..replicates.len().div_ceil(2)];
    let quartic = sweep(run, "quartic", 4, &grid(1e4, 1e2, 1e8), twins, false)?;
    let quadratic = sweep(run, "quadratic", 2, &grid(1e4, 1e2, 1e10), twins, false)?;
    let gaussian = sweep(run, "gaussian-norms", 3, &grid(1e2, 1e4, 1e10), &replicates, true)?;

    let exponent = |sweep: &Sweep, statement: &str| {
        let statement = format!("{statement}: exponent of T in d fitted over d ≥ 10⁴, mean over replicates");
        Evidence::estimate(
            statement,
            LEVEL,
            statistics::mean(&sweep.slopes(|p| p.time.map(f64::ln)), LEVEL),
            [0.49, 0.51],
        )
    };
    let mut evidence = vec![exponent(&cubic, "T ∝ √d")];
    for (k, &d) in cubic.dimensions.iter().enumerate().filter(|(_, d)| **d >= ASYMPTOTIC) {
        let ratio = cubic.at(k, |p| Some(p.time? / p.predicted));
        let statement = format!("T over the closed-form time at d = {d:e}, median over replicates");
        evidence.push(Evidence::estimate(statement, LEVEL, statistics::median(&ratio, LEVEL), [0.98, 1.02]));
    }
    let last = cubic.dimensions.len() - 1;
    let jump_time = alignment_time(moe_kernels::Router::Sigmoid, 3, 0.1, 0.9);
    evidence.push(Evidence::estimate(
        "the jump from overlap 0.1 to 0.9 over the waiting time T: exponent in d over d ≥ 10⁴, mean over replicates",
        LEVEL,
        statistics::mean(&cubic.slopes(|p| Some((p.jump? / p.time?).ln())), LEVEL),
        [-0.51, -0.49],
    ));
    evidence.push(Evidence::estimate(
        "largest other student-teacher expert overlap in magnitude at T: exponent in d over d ≥ 10⁴, median over replicates",
        LEVEL,
        statistics::median(&cubic.slopes(|p| p.other.map(f64::ln)), LEVEL),
        [-0.55, -0.45],
    ));
    evidence.push(Evidence::estimate(
        "the way from overlap 0.1 to 0.9 over the closed form's 2.280 time units, d = 10¹⁰, median over replicates",
        LEVEL,
        statistics::median(&cubic.at(last, |p| p.jump.map(|jump| jump / jump_time)), LEVEL),
        [0.98, 1.02],
    ));
    let everywhere = cubic.rows.iter().filter(|row| row.iter().all(|p| p.time.is_some())).count() as u64;
    evidence.push(Evidence::estimate(
        "share of replicates that align at every dimension within ten times the closed-form time",
        LEVEL,
        statistics::proportion(everywhere, cubic.rows.len() as u64, LEVEL),
        [0.8, 1.0],
    ));
    let share = |statement: String, of: &dyn Fn(&Passage) -> bool| {
        let n = cubic.rows.len() as u64;
        let hits = cubic.rows.iter().filter(|row| of(&row[last])).count() as u64;
        Evidence::estimate(statement, LEVEL, statistics::proportion(hits, n, LEVEL), [0.8, 1.0])
    };
    evidence.push(share(
        format!(
            "share of replicates whose other student-teacher expert overlaps are all below {DORMANT} at T, d = 10¹⁰"
        ),
        &|p| p.other.is_some_and(|other| other < DORMANT),
    ));
    evidence.push(share(
        "share of replicates in which the initially best pair is the one that jumps, d = 10¹⁰".into(),
        &|p| p.best_pair,
    ));

    let controls = vec![
        Control::new(
            "the same exponent for fourth Hermite experts, whose T is ∝ d, is rejected as ½",
            exponent(&quartic, "T ∝ √d at p = 4"),
        ),
        Control::new(
            "the same exponent for second Hermite experts, whose T is ∝ ln d, is rejected as ½",
            exponent(&quadratic, "T ∝ √d at p = 2"),
        ),
        Control::new(
            "the closed-form time with the constant 4 in place of 4.5 is rejected",
            Evidence::estimate(
                "T over the time predicted with the constant 4, d = 10¹⁰, median over replicates",
                LEVEL,
                statistics::median(&cubic.at(last, |p| Some(p.time? / (p.predicted * 4.5 / 4.0))), LEVEL),
                [0.98, 1.02],
            ),
        ),
    ];
    let findings = vec![
        judged(
            "quartic",
            "fourth Hermite experts: T ∝ d",
            statistics::mean(&quartic.slopes(|p| p.time.map(f64::ln)), LEVEL),
            [0.97, 1.03],
            &controls,
        ),
        judged(
            "quadratic",
            "second Hermite experts: the exponent of T in d is below 0.1, as for T ∝ ln d",
            statistics::mean(&quadratic.slopes(|p| p.time.map(f64::ln)), LEVEL),
            [0.0, 0.1],
            &controls,
        ),
        judged(
            "quadratic-increment",
            "second Hermite experts: T(10¹⁰) − T(10⁸) = ½ ln 100 = 2.303",
            statistics::median(&quadratic.increments(), LEVEL),
            [2.25, 2.36],
            &controls,
        ),
        judged(
            "gaussian-norms",
            "with the paper's Gaussian raw norms the pair with the smallest ‖w‖²/κ0 jumps, at the closed-form time times ‖w‖² (d = 10¹⁰)",
            statistics::median(&gaussian.at(gaussian.dimensions.len() - 1, |p| Some(p.time? / p.predicted)), LEVEL),
            [0.98, 1.02],
            &controls,
        ),
    ];

    let times = table("times", &cubic);
    let figures = vec![
        Figure::new(
            "times",
            "time to the first alignment against dimension",
            "times",
            "d",
            ["T median", "T lower", "T upper"],
            [Scale::Log; 2],
        ),
        Figure::new(
            "ratio",
            "time over the closed-form time",
            "times",
            "d",
            ["T/predicted"],
            [Scale::Log, Scale::Linear],
        )
        .with_mark(Mark::y(1.0, "closed form")),
        Figure::new(
            "dormant",
            "largest other student-teacher overlap at the jump, times √d",
            "times",
            "d",
            ["√d·other"],
            [Scale::Log; 2],
        ),
    ];
    let tables = vec![
        times,
        table("times-quartic", &quartic),
        table("times-quadratic", &quadratic),
        table("times-gaussian-norms", &gaussian),
    ];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// The first replicates whose best overlap is in the lemma's scope. Draws are paired, so one dimension decides for all.
fn eligible(run: &Run<'_>) -> Result<Vec<u64>, CheckError> {
    let law = law(run, 3, 1e10, false);
    run.replicates(run.integer("replicates") as usize, |replicate| {
        let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
        Ok(start.order_parameters().best_pair().2 * 1e5 >= LEAST)
    })
}

fn law(run: &Run<'_>, order: usize, dimension: f64, gaussian_norms: bool) -> InitialLaw {
    let (students, teachers) = (run.integer("students") as usize, run.integer("teachers") as usize);
    InitialLaw { student_overlap: 0.0, gaussian_norms, ..InitialLaw::new(order, students, teachers, dimension as u64) }
}

fn sweep(
    run: &Run<'_>,
    name: &str,
    order: usize,
    dimensions: &[f64],
    replicates: &[u64],
    gaussian_norms: bool,
) -> Result<Sweep, CheckError> {
    let least = 2 * (run.integer("students") + run.integer("teachers"));
    let dimensions: Vec<f64> = dimensions.iter().copied().filter(|d| *d >= least as f64).collect();
    let passages = run.units(name, replicates.len() * dimensions.len(), |unit| {
        let (replicate, d) = (replicates[unit / dimensions.len()], dimensions[unit % dimensions.len()]);
        passage(run, &law(run, order, d, gaussian_norms), replicate)
    })?;
    Ok(Sweep { rows: passages.chunks(dimensions.len()).map(<[_]>::to_vec).collect(), dimensions })
}

fn passage(run: &Run<'_>, law: &InitialLaw, replicate: u64) -> Result<Passage, CheckError> {
    let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
    let even = law.order.is_multiple_of(2);
    let time_of = |i: usize, kappa: f64| {
        let kappa = if even { kappa.abs() } else { kappa };
        let norm = start.norms()[law.students + i];
        if kappa > 0.0 {
            alignment_time(law.router, law.order, kappa.min(0.499), 0.5) * norm.powi(2)
        } else {
            f64::INFINITY
        }
    };
    let overlaps = start.order_parameters();
    let (best, predicted) = overlaps
        .pairs()
        .map(|(i, j, kappa)| ((i, j), time_of(i, kappa)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or(((0, 0), f64::INFINITY));
    let level = |x| if even { Watch::ExpertMagnitude(x) } else { Watch::Expert(x) };
    let watches = [level(0.1), level(0.5), level(0.9)];
    let mut entered: Vec<(usize, usize, f64)> =
        overlaps.pairs().filter(|p| p.2.abs() >= 0.1).map(|p| (p.0, p.1, 0.0)).collect();
    let mut first: Option<(usize, usize, f64)> = None;
    let mut passage = Passage { time: None, predicted, best_pair: false, jump: None, other: None };
    let method = if predicted <= EXPLICIT { Method::Explicit } else { Method::Implicit };
    // Two students that tie for a teacher may share it and never reach 0.9: the jump is over by then, with or without its last event.
    let patience = Cell::new(f64::INFINITY);
    let over = |time: f64| time > patience.get() || run.proceed().is_err();
    let flow = Flow::new(&start).method(method).tolerance(run.real("tolerance")).monitor(&over);
    let outcome = flow.run(
        10.0 * predicted,
        &watches,
        &[],
        |_, _| {},
        |event, state| {
            let pair = (event.student, event.other);
            match event.watch {
                0 => entered.push((pair.0, pair.1, event.time)),
                1 if first.is_none() => {
                    first = Some((pair.0, pair.1, event.time));
                    passage.time = Some(event.time);
                    patience.set(event.time + PATIENCE);
                    passage.best_pair = pair == best;
                    let others = state.pairs().filter(|(i, j, _)| (*i, *j) != pair).map(|p| p.2.abs());
                    passage.other = Some(others.fold(f64::MIN_POSITIVE, f64::max));
                }
                2 if first.is_some_and(|(i, j, _)| (i, j) == pair) => {
                    let since = entered.iter().find(|(i, j, _)| (*i, *j) == pair);
                    passage.jump = since.map(|(_, _, t)| event.time - t);
                    return Stop::Yes;
                }
                _ => {}
            }
            Stop::No
        },
    );
    run.proceed()?;
    match outcome {
        Ok(_) | Err(FlowError::Stopped { .. }) => Ok(passage),
        Err(error) => Err(CheckError::theory(error)),
    }
}

impl Sweep {
    /// A number of each passage at one dimension, where there is one.
    fn at(&self, dimension: usize, of: impl Fn(&Passage) -> Option<f64>) -> Vec<f64> {
        self.rows.iter().filter_map(|row| of(&row[dimension])).collect()
    }

    /// For each replicate, the slope of a logarithm in `ln d` over the fitted range.
    fn slopes(&self, of: impl Fn(&Passage) -> Option<f64>) -> Vec<f64> {
        let slope = |row: &Vec<Passage>| {
            let points: Option<Vec<(f64, f64)>> = self
                .dimensions
                .iter()
                .zip(row)
                .filter(|(d, _)| **d >= FITTED)
                .map(|(d, passage)| Some((d.ln(), of(passage)?)))
                .collect();
            let (x, y): (Vec<f64>, Vec<f64>) = points?.into_iter().unzip();
            statistics::slope(&x, &y, LEVEL).map(|estimate| estimate.value)
        };
        self.rows.iter().filter_map(slope).collect()
    }

    /// `T(10¹⁰) − T(10⁸)` of each replicate.
    fn increments(&self) -> Vec<f64> {
        let place = |d: f64| self.dimensions.iter().position(|x| (x / d - 1.0).abs() < 1e-9);
        let (Some(low), Some(high)) = (place(1e8), place(1e10)) else { return Vec::new() };
        self.rows.iter().filter_map(|row| Some(row[high].time? - row[low].time?)).collect()
    }
}

fn judged(title: &str, statement: &str, estimate: Option<Estimate>, accept: [f64; 2], controls: &[Control]) -> Finding {
    let witness =
        estimate.map_or(json!(null), |e| json!({ "estimate": e.value, "interval": e.interval, "accept": accept }));
    Finding::judged(title, statement, &[Evidence::estimate(statement, LEVEL, estimate, accept)], controls, witness)
}

fn table(name: &str, sweep: &Sweep) -> Table {
    let heads = ["d", "aligned", "T median", "T lower", "T upper", "T/predicted", "jump", "jump/T", "√d·other"];
    let mut table = Table::new(name, heads.map(|head| Column::new(head, "")));
    for (k, &d) in sweep.dimensions.iter().enumerate() {
        let times = sweep.at(k, |p| p.time);
        let median = |values: &[f64]| statistics::median(values, LEVEL);
        let middle = |values: &[f64]| median(values).map(|e| e.value);
        let time = median(&times);
        table.push([
            d.into(),
            times.len().into(),
            time.as_ref().map(|e| e.value).into(),
            time.as_ref().map(|e| e.interval[0]).into(),
            time.as_ref().map(|e| e.interval[1]).into(),
            middle(&sweep.at(k, |p| Some(p.time? / p.predicted))).into(),
            middle(&sweep.at(k, |p| p.jump)).into(),
            middle(&sweep.at(k, |p| Some(p.jump? / p.time?))).into(),
            middle(&sweep.at(k, |p| Some(p.other? * d.sqrt()))).into(),
        ]);
    }
    table
}

//! `student-overlap`: are all overlaps dormant until the first pair aligns, those between students included?
//!
//! # The prediction
//!
//! For odd Hermite orders two students repel: their overlap `u = w̄_i·w̄_k` obeys `du/dt = −9u²(1−u²)` at p = 3 (theory A4), twice the rate at which a student is
//! drawn to a teacher. Both kinds of overlap start at the same size `d^{−1/2}`, so a pair with `u_0 = −κ'/√d` anti-aligns at `√d/(9κ')`, on the same scale as the
//! first alignment and usually before it. With independent standard normal scaled overlaps (exact for large `d`), `M` teacher overlaps and `N` student pairs,
//!
//! ```text
//! P(anti-alignment first) = 1 − ∫ f(x) Φ(max(x, 0)/2)^N dx,     f the density of the largest of M normals.
//! ```
//!
//! Students that start orthogonal acquire overlaps `O(1/d)` through the teacher's plane, and the same law then takes a time `∝ d`.
//!
//! # Where the bounds come from
//!
//! *Dormant* means below 0.05: at `d ≥ 10⁶` an overlap `O(d^{−1/2})` is below it with a factor ten in hand, and one that took part in the race is near 1. A claim with
//! high probability is granted one run in ten. The predicted share of lost races for four students and two teachers is 0.78; that an interval from 60 runs then
//! reaches a share of 0.9 of undisturbed ones has probability below 10⁻²⁰. An exponent in `[0.75, 1.25]` is nearer to 1
//! than to ½, and what happens in more than half of the starts is no accident of one.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, InitialLaw, Method, Stop, Watch, alignment_time};
use serde::{Deserialize, Serialize};
use serde_json::json;
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

use crate::{
    CheckError, Column, Control, Estimate, Evidence, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale,
    Table, statistics,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "student-overlap",
    paper: "2510.07205",
    claim: "Under the paper's own random initialisation every overlap but that of the best student-teacher pair is dormant until that pair aligns: \
            the other student-teacher overlaps and the student-student overlaps.",
    scope: "Population gradient flow, x ~ N(0, I_d), sigmoid routers, third Hermite experts, orthonormal teacher, Gaussian start with v ⟂ w and raw norms 1 \
            (student-student overlaps random, as large as student-teacher ones); d as in the tables, at the fixed numbers of students and teachers of the run.",
    ledger: Label::Refuted,
    typical_seconds: 30.0,
    parameters: &[
        Parameter::integer(
            "replicates",
            "independent starts, each used at every dimension",
            "",
            [56, 100_000],
            [60, 120, 1000],
        ),
        Parameter::integer("decades", "largest dimension of the race, as a power of ten", "", [6, 10], [6, 8, 10]),
        Parameter::integer(
            "delay-decades",
            "largest dimension of the delayed race, as a power of ten",
            "",
            [5, 7],
            [5, 5, 7],
        ),
        Parameter::integer("delay-replicates", "starts of the delayed race", "", [12, 100_000], [40, 60, 300]),
        Parameter::integer(
            "figure-replicates",
            "starts in the published figure's setting",
            "",
            [12, 10_000],
            [12, 24, 200],
        ),
        Parameter::integer("students", "number m of students", "", [2, 8], [4, 4, 4]),
        Parameter::integer("teachers", "number m* of teachers", "", [1, 4], [2, 2, 2]),
        Parameter::real("tolerance", "local tolerance of the flow", "", [1e-12, 1e-5], [1e-6, 1e-7, 1e-9]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// An overlap that has not moved.
const DORMANT: f64 = 0.05;
/// More often than not.
const MAJORITY: [f64; 2] = [0.5, 1.0];
/// Time up to which the explicit method is cheaper than the implicit one, which takes no notice of the fast modes of anti-aligned pairs.
const EXPLICIT: f64 = 300.0;
/// The published figure: students, teachers, dimension, and how long it is followed.
const FIGURE: (usize, usize, u64, f64) = (25, 5, 1000, 15.0);

/// What happened in one flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Race {
    replicate: u64,
    /// First time at which a student-teacher expert overlap reaches ½.
    aligned: Option<f64>,
    /// First anti-alignment: time, students, their overlap at the start.
    anti: Option<(f64, usize, usize, f64)>,
    /// Time that the law predicts for the pair with the most negative overlap; none where no overlap is negative.
    predicted: Option<f64>,
    /// At the first alignment: largest other student-teacher expert overlap and largest student-student overlap, in magnitude.
    other: Option<f64>,
    students: Option<f64>,
    /// Teachers that some expert overlaps by 0.9 at the end.
    recovered: usize,
}

impl Race {
    /// Whether two students anti-aligned before any alignment.
    fn lost(&self) -> bool {
        self.anti.is_some_and(|(time, ..)| self.aligned.is_none_or(|aligned| time < aligned))
    }
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let dimensions: Vec<u64> = (4..=run.integer("decades") as u32).step_by(2).map(|k| 10u64.pow(k)).collect();
    let random = races(run, "race-random", &dimensions, 1.0)?;
    let orthogonal = races(run, "race-orthogonal", &dimensions, 0.0)?;
    let delayed_dimensions: Vec<u64> =
        (3..=run.integer("delay-decades") as u32).step_by(2).map(|k| 10u64.pow(k)).collect();
    let delays = delays(run, &delayed_dimensions)?;
    let [figure_random, figure_orthogonal] =
        [figure(run, "figure-random", 1.0)?, figure(run, "figure-orthogonal", 0.0)?];

    let last = dimensions.len() - 1;
    let (top, exponent) = (&random[last], (dimensions[last] as f64).log10());
    let both = top.iter().find(|race| race.lost() && race.aligned.is_some());
    let witness = both.or(top.iter().find(|race| race.lost())).map_or(json!(null), |race| {
        json!({ "seed": run.seed(), "replicate": race.replicate, "dimension": dimensions[last],
                "anti_aligned": race.anti.map(|(time, i, k, u)| json!({ "time": time, "students": [i, k], "overlap_at_start": u })),
                "first_alignment": race.aligned })
    });
    let undisturbed = |races: &[Race], what: &str| {
        let kept = races.iter().filter(|race| !race.lost()).count() as u64;
        let share = statistics::proportion(kept, races.len() as u64, LEVEL);
        Evidence::estimate(
            format!("share of runs without an anti-aligned student pair before the first alignment, {what}"),
            LEVEL,
            share,
            [0.9, 1.0],
        )
    };
    let at = format!("d = 10^{exponent}");
    let others: Vec<f64> = top.iter().filter_map(|race| race.other).collect();
    let other = Evidence::estimate(
        format!(
            "largest other student-teacher expert overlap in magnitude at the first alignment, {at}, median over the {} runs that align",
            others.len()
        ),
        LEVEL,
        statistics::median(&others, LEVEL),
        [0.0, DORMANT],
    );
    let evidence = vec![other.clone(), undisturbed(top, &at).with_witness(witness)];

    let ratios: Vec<f64> = top.iter().filter_map(|race| Some(race.anti?.0 / race.predicted?)).collect();
    let law = |constant: f64, statement: &str| {
        let scaled: Vec<f64> = ratios.iter().map(|ratio| ratio * constant / 9.0).collect();
        Evidence::estimate(statement, LEVEL, statistics::median(&scaled, LEVEL), [0.98, 1.02])
    };
    let delay = statistics::mean(&delay_exponents(&delayed_dimensions, &delays), LEVEL);
    let controls = vec![
        Control::new(
            "anti-alignment at the student-teacher rate 4.5 in place of 9 is rejected",
            law(4.5, "time of the first anti-alignment over the closed form with the rate 4.5, median over runs"),
        ),
        Control::new(
            "the same count of anti-aligned pairs is rejected as a majority where students start orthogonal",
            Evidence::estimate(
                format!(
                    "share of runs in which two students anti-align before the first alignment, students orthogonal at the start, {at}"
                ),
                LEVEL,
                lost_of(&orthogonal[last]),
                MAJORITY,
            ),
        ),
    ];

    let finding = |title: &str, item: Evidence, witness| {
        let statement = item.statement().to_string();
        Finding::judged(title, statement, &[item], &controls, witness)
    };
    let predicted = lost_share(run.integer("students"), run.integer("teachers"));
    let share = lost_of(top);
    let losses: Vec<f64> =
        top.iter().zip(&orthogonal[last]).map(|(a, b)| a.recovered as f64 - b.recovered as f64).collect();
    let loss = statistics::mean(&losses, LEVEL);
    let in_time = figure_orthogonal.iter().filter(|race| race.anti.is_some()).count() as u64;
    let figure_share = statistics::proportion(in_time, figure_orthogonal.len() as u64, LEVEL);
    let median_time = |races: &[Race]| {
        statistics::median(&races.iter().filter_map(|r| Some(r.anti?.0)).collect::<Vec<_>>(), LEVEL).map(|e| e.value)
    };
    let findings = vec![
        finding("the reading that holds: student-teacher overlaps alone", other, json!({ "threshold": DORMANT })),
        finding(
            "the hypothesis that saves the claim: orthogonal students",
            undisturbed(&orthogonal[last], &format!("students orthogonal at the start, {at}")),
            json!(null),
        ),
        finding(
            "frequency of the race",
            Evidence::estimate(
                format!("share of runs in which two students anti-align before the first alignment, {at}"),
                LEVEL,
                share,
                MAJORITY,
            ),
            json!({ "estimate": share.map(|e| e.value), "predicted": predicted }),
        ),
        finding(
            "time of the race",
            law(
                9.0,
                "time of the first anti-alignment over the closed form at the rate 9, √d/(9κ') + O(1), median over runs",
            ),
            json!({ "median": statistics::median(&ratios, LEVEL).map(|e| e.value) }),
        ),
        finding(
            "price of the race",
            Evidence::estimate(
                format!(
                    "teachers recovered by t = √d, random minus orthogonal students from paired starts, mean, {at}"
                ),
                LEVEL,
                loss,
                [-(run.integer("teachers") as f64), 0.0],
            ),
            json!({ "mean": loss.map(|e| e.value) }),
        ),
        finding(
            "delay without the race",
            Evidence::estimate(
                "students that start orthogonal anti-align at times ∝ d: exponent of the first time in d, mean over starts",
                LEVEL,
                delay,
                [0.75, 1.25],
            ),
            json!({ "mean": delay.map(|e| e.value) }),
        ),
        finding(
            "published figure",
            Evidence::estimate(
                "m = 25, m* = 5, d = 1000: share of starts with orthogonal students in which two anti-align by t = 15",
                LEVEL,
                figure_share,
                MAJORITY,
            ),
            json!({ "median_time_orthogonal": median_time(&figure_orthogonal), "median_time_random": median_time(&figure_random) }),
        ),
    ];
    let tables = vec![
        race_table(&dimensions, &[(1.0, &random), (0.0, &orthogonal)], predicted),
        delay_table(&delayed_dimensions, &delays),
        figure_table(&[(1.0, &figure_random), (0.0, &figure_orthogonal)]),
    ];
    let figures = vec![Figure::new(
        "delay",
        "first anti-alignment of students that start orthogonal",
        "delay",
        "d",
        ["T lower", "T median", "T upper"],
        [Scale::Log; 2],
    )];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

fn law(run: &Run<'_>, dimension: u64, student_overlap: f64) -> InitialLaw {
    let (students, teachers) = (run.integer("students") as usize, run.integer("teachers") as usize);
    InitialLaw { student_overlap, ..InitialLaw::new(3, students, teachers, dimension) }
}

/// Share of runs in which two students anti-align before any alignment.
fn lost_of(races: &[Race]) -> Option<Estimate> {
    statistics::proportion(races.iter().filter(|race| race.lost()).count() as u64, races.len() as u64, LEVEL)
}

/// Races to `t = √d` from every start at every dimension: `[dimension][replicate]`.
fn races(run: &Run<'_>, sweep: &str, dimensions: &[u64], student_overlap: f64) -> Result<Vec<Vec<Race>>, CheckError> {
    let replicates = run.integer("replicates") as usize;
    let races = run.units(sweep, replicates * dimensions.len(), |unit| {
        let d = dimensions[unit / replicates];
        race(run, &law(run, d, student_overlap), (unit % replicates) as u64, (d as f64).sqrt())
    })?;
    Ok(races.chunks(replicates).map(<[_]>::to_vec).collect())
}

fn figure(run: &Run<'_>, sweep: &str, student_overlap: f64) -> Result<Vec<Race>, CheckError> {
    let (students, teachers, dimension, until) = FIGURE;
    let law = InitialLaw { student_overlap, ..InitialLaw::new(3, students, teachers, dimension) };
    run.units(sweep, run.integer("figure-replicates") as usize, |unit| race(run, &law, unit as u64, until))
}

fn race(run: &Run<'_>, law: &InitialLaw, replicate: u64, until: f64) -> Result<Race, CheckError> {
    let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
    let before = start.order_parameters();
    let lowest = before.student_pairs().map(|pair| pair.2).fold(0.0, f64::min);
    let predicted = (lowest < 0.0).then(|| alignment_time(Router::Sigmoid, 3, -lowest, 0.5) * 4.5 / 9.0);
    let mut race = Race { replicate, aligned: None, anti: None, predicted, other: None, students: None, recovered: 0 };
    let interrupted = |_: f64| run.proceed().is_err();
    let flow = Flow::new(&start)
        .method(if until <= EXPLICIT { Method::Explicit } else { Method::Implicit })
        .tolerance(run.real("tolerance"))
        .monitor(&interrupted);
    let mut end = None;
    let outcome = flow.run(
        until,
        &[Watch::Expert(0.5), Watch::StudentFalls(-0.5)],
        &[until],
        |_, state| end = Some(state),
        |event, state| {
            if event.watch == 1 && race.anti.is_none() {
                race.anti = Some((event.time, event.student, event.other, before.student(event.student, event.other)));
            }
            if event.watch == 0 && race.aligned.is_none() {
                race.aligned = Some(event.time);
                let others = state.pairs().filter(|(i, j, _)| (*i, *j) != (event.student, event.other));
                race.other = Some(others.map(|pair| pair.2.abs()).fold(0.0, f64::max));
                race.students = Some(state.student_pairs().map(|pair| pair.2.abs()).fold(0.0, f64::max));
            }
            Stop::No
        },
    );
    run.proceed()?;
    outcome.map_err(CheckError::theory)?;
    if let Some(end) = end {
        race.recovered = (0..end.teachers()).filter(|&j| (0..end.students()).any(|i| end.expert(i, j) > 0.9)).count();
    }
    Ok(race)
}

/// First anti-alignment of students that start orthogonal, within `t = 10 d`: `[replicate][dimension]`.
fn delays(run: &Run<'_>, dimensions: &[u64]) -> Result<Vec<Vec<Option<f64>>>, CheckError> {
    let replicates = run.integer("delay-replicates") as usize;
    let times = run.units("delay", replicates * dimensions.len(), |unit| {
        let (replicate, d) = ((unit / dimensions.len()) as u64, dimensions[unit % dimensions.len()]);
        let start = law(run, d, 0.0).sample(run.seed(), replicate).map_err(CheckError::theory)?;
        let interrupted = |_: f64| run.proceed().is_err();
        let flow = Flow::new(&start).method(Method::Implicit).tolerance(run.real("tolerance")).monitor(&interrupted);
        let mut time = None;
        let outcome = flow.run(
            10.0 * d as f64,
            &[Watch::StudentFalls(-0.5)],
            &[],
            |_, _| {},
            |event, _| {
                time = Some(event.time);
                Stop::Yes
            },
        );
        run.proceed()?;
        outcome.map_err(CheckError::theory)?;
        Ok(time)
    })?;
    Ok(times.chunks(dimensions.len()).map(<[_]>::to_vec).collect())
}

/// For each start that anti-aligns at both ends of the grid, the exponent of `T` in `d` between them.
fn delay_exponents(dimensions: &[u64], delays: &[Vec<Option<f64>>]) -> Vec<f64> {
    let last = dimensions.len() - 1;
    let decades = (dimensions[last] as f64 / dimensions[0] as f64).ln();
    delays.iter().filter_map(|times| Some((times[last]? / times[0]?).ln() / decades)).collect()
}

/// `P(anti-alignment first)` of the module's documentation, by Simpson's rule on `[−9, 9]`.
fn lost_share(students: u64, teachers: u64) -> f64 {
    let (m, n) = ((students * teachers) as i32, (students * (students - 1) / 2) as i32);
    let normal = Normal::standard();
    let kept = |x: f64| f64::from(m) * normal.pdf(x) * normal.cdf(x).powi(m - 1) * normal.cdf(0.5 * x.max(0.0)).powi(n);
    // Two halves, because the integrand has a kink at 0.
    let half = |from: f64| {
        let (steps, h) = (400, 9.0 / 400.0);
        let weight = |k: usize| if k == 0 || k == steps { 1.0 } else { 2.0 * (1 + k % 2) as f64 };
        (0..=steps).map(|k| weight(k) * kept(from + k as f64 * h)).sum::<f64>() * h / 3.0
    };
    1.0 - half(-9.0) - half(0.0)
}

fn median(values: impl Iterator<Item = f64>) -> Option<Estimate> {
    statistics::median(&values.collect::<Vec<_>>(), LEVEL)
}

fn race_table(dimensions: &[u64], sweeps: &[(f64, &Vec<Vec<Race>>)], predicted: f64) -> Table {
    let heads = ["scale", "d", "runs", "lost", "lower", "upper", "predicted", "T/law", "other", "student", "recovered"];
    let mut table = Table::new("race", heads.map(|head| Column::new(head, "")));
    for (scale, sweep) in sweeps {
        for (&d, races) in dimensions.iter().zip(sweep.iter()) {
            let lost = races.iter().filter(|race| race.lost()).count() as u64;
            let share = statistics::proportion(lost, races.len() as u64, LEVEL);
            let law = median(races.iter().filter_map(|race| Some(race.anti?.0 / race.predicted?)));
            table.push([
                (*scale).into(),
                d.into(),
                races.len().into(),
                share.map(|e| e.value).into(),
                share.map(|e| e.interval[0]).into(),
                share.map(|e| e.interval[1]).into(),
                (*scale == 1.0).then_some(predicted).into(),
                law.filter(|_| *scale == 1.0).map(|e| e.value).into(),
                median(races.iter().filter_map(|race| race.other)).map(|e| e.value).into(),
                median(races.iter().filter_map(|race| race.students)).map(|e| e.value).into(),
                (races.iter().map(|race| race.recovered as f64).sum::<f64>() / races.len() as f64).into(),
            ]);
        }
    }
    table
}

fn delay_table(dimensions: &[u64], delays: &[Vec<Option<f64>>]) -> Table {
    let mut table = Table::new(
        "delay",
        ["d", "starts", "anti-aligned", "T lower", "T median", "T upper", "T/d"].map(|head| Column::new(head, "")),
    );
    for (k, &d) in dimensions.iter().enumerate() {
        let times: Vec<f64> = delays.iter().filter_map(|row| row[k]).collect();
        let time = statistics::median(&times, LEVEL);
        table.push([
            d.into(),
            delays.len().into(),
            times.len().into(),
            time.map(|e| e.interval[0]).into(),
            time.map(|e| e.value).into(),
            time.map(|e| e.interval[1]).into(),
            time.map(|e| e.value / d as f64).into(),
        ]);
    }
    table
}

fn figure_table(sweeps: &[(f64, &Vec<Race>)]) -> Table {
    let heads = ["scale", "replicate", "first alignment", "first anti-alignment", "recovered at t = 15"];
    let mut table = Table::new("published-figure", heads.map(|head| Column::new(head, "")));
    for (scale, races) in sweeps {
        for race in races.iter().take(12) {
            table.push([
                (*scale).into(),
                race.replicate.into(),
                race.aligned.into(),
                race.anti.map(|anti| anti.0).into(),
                race.recovered.into(),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two students and one teacher, against a midpoint rule on a grid that shares no point with Simpson's.
    #[test]
    fn share_of_lost_races_for_two_students() {
        let normal = Normal::standard();
        let (steps, h) = (200_000, 18.0 / 200_000.0);
        let kept: f64 = (0..steps)
            .map(|k| {
                let x: f64 = -9.0 + (k as f64 + 0.5) * h;
                2.0 * normal.pdf(x) * normal.cdf(x) * normal.cdf(0.5 * x.max(0.0)) * h
            })
            .sum();
        assert!((lost_share(2, 1) - (1.0 - kept)).abs() < 1e-8);
    }
}

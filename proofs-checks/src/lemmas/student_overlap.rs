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
//! reaches a share of 0.9 of undisturbed ones has probability below 10⁻²⁰. That prediction itself is judged in `frequency`. An exponent in `[0.75, 1.25]` is nearer to 1
//! than to ½, and what happens in more than half of the starts is no accident of one. A start that does not anti-align within `10 d`, as one of 80 does, has an exponent on either side of the median, which takes the place of a mean; where such starts could carry off an end of its interval there is no answer.
//! Overlaps `O(1/d)` are there, and learned pairs beside dormant students, once teachers have been taken, after `σ√d`; what follows takes `τd`. So the first time is `τd + σ√d`, and with `r = σ/(τ√d)` at the smaller of two dimensions that are a factor 100 apart its exponent is
//!
//! ```text
//! 1 − ln((1 + r)/(1 + r/10))/ln 100,      below 0.75 for r > 3.16.
//! ```
//!
//! The twin are the random students of the race, with the exponent ½. A teacher at `c` gives `σ = 1/(4.5c)`, up to one; a dormant student at `c'` beside a learned pair wakes with `τ = 1/(15.34c'²)` (theory X6), down to 0.01. At `d = 1000` such a start is at the bound itself, at `10⁴` it has the exponent 0.87: the grid begins there. (Counted at seeds 0 to 9, 50 starts each: the lower ends are 0.70 to 0.94 from `10³` to `10⁵`, and 0.79 to 0.97 from `10⁴` to `10⁶`.)
//!
//! *Price*, asked at `m = 4`, `m* = 2` alone. By greedy deflation in the limit of large `d` four random students recover 1.03 of two teachers by `√d` and orthogonal ones 1.67: 0.64 less, with the standard deviation 0.70 from start to start. A loss of more than 0.3 is accepted, half of that but for corrections `O(d^{−1/2})`.
//! The twin is the same difference between two draws of orthogonal students that have nothing in common: their recoveries differ, with the standard deviation 0.7 again (0.5 for each), but not by their overlaps. Both are taken at the smallest dimension, the cheapest. At 240 pairs the standard error is 0.045 and the interval `±0.12`: the law's loss is
//! clear of the bound by five standard errors, and the twin's none by four. (Counted at seeds 0 to 9: losses of 0.48 to 0.60, 0.56 on average, which is clear of it by three.)

mod frequency;

use std::ops::Range;

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, InitialLaw, Method, OrderParameters, Stop, Watch, alignment_time};
use serde::{Deserialize, Serialize};
use serde_json::json;

use frequency::{TWICE, lost_share};

use crate::{
    CheckError, Column, Control, Estimate, Evidence, Figure, Finding, Findings, Inexact, Label, Lemma, Parameter, Run,
    Scale, Table, statistics,
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
            [6, 8],
            [6, 6, 8],
        ),
        Parameter::integer("delay-replicates", "starts of the delayed race", "", [12, 100_000], [50, 60, 300]),
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
/// Least number of teachers that a price is, and the starts from which it is read over those of the run.
const PRICE: f64 = 0.3;
const PRICED_AT: (u64, u64) = (4, 2);
const PRICED: usize = 4;
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
    /// At the first alignment: largest other student-teacher expert overlap and largest student-student one, in magnitude; the latter at the end where none aligns.
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
    let replicates = run.integer("replicates") as usize;
    let random = races(run, "race-random", &dimensions, 1.0, 0..replicates)?;
    let orthogonal = races(run, "race-orthogonal", &dimensions, 0.0, 0..replicates)?;
    let priced = PRICED * replicates;
    let more = |sweep, student_overlap, first: &Vec<Race>, until| {
        let rest = races(run, sweep, &dimensions[..1], student_overlap, replicates..until)?.remove(0);
        Ok::<_, CheckError>([first.clone(), rest].concat())
    };
    let price_random = more("price-random", 1.0, &random[0], priced)?;
    let price_orthogonal = more("price-orthogonal", 0.0, &orthogonal[0], 2 * priced)?;
    let delayed_dimensions: Vec<u64> =
        (4..=run.integer("delay-decades") as u32).step_by(2).map(|k| 10u64.pow(k)).collect();
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
    let dormant = |what: &str, values: Vec<f64>, which: &str| {
        let statement = format!("largest {what}, {at}, median over the {} runs that {which}", values.len());
        Evidence::estimate(statement, LEVEL, statistics::median(&values, LEVEL), [0.0, DORMANT])
    };
    let others = top.iter().filter_map(|race| race.other).collect();
    let other = dormant("other student-teacher expert overlap in magnitude at the first alignment", others, "align");
    let students = top.iter().filter(|race| race.lost()).filter_map(|race| race.students).collect();
    let twin = Control::from(dormant(
        "student-student expert overlap in magnitude at the first alignment or, without one, at t = √d",
        students,
        "lose the race",
    ));
    let disturbed = undisturbed(top, &at).with_witness(witness);
    let evidence = vec![other.clone(), disturbed.clone()];
    let controls = vec![
        twin.clone(),
        Control::new(
            "the contrary, an anti-aligned pair in a tenth of the runs at least, is rejected where students start orthogonal",
            Evidence::estimate(
                format!(
                    "share of runs in which two students anti-align before the first alignment, students orthogonal at the start, {at}"
                ),
                LEVEL,
                lost_of(&orthogonal[last]),
                [0.1, 1.0],
            ),
        ),
    ];

    let ratios: Vec<f64> = top.iter().filter_map(|race| Some(race.anti?.0 / race.predicted?)).collect();
    let law = |constant: f64, rate: &str| {
        let scaled: Vec<f64> = ratios.iter().map(|ratio| ratio * constant / 9.0).collect();
        let statement = format!(
            "time of the first anti-alignment over the closed form at the rate {rate}, {at}, median over the {} of {} runs that anti-align by t = √d",
            ratios.len(),
            top.len()
        );
        Evidence::estimate(statement, LEVEL, statistics::median(&scaled, LEVEL), [0.98, 1.02])
    };
    let exponent_of = |students: &str, within: &str, dimensions: &[u64], times: &[Vec<Option<f64>>]| {
        let statement = format!(
            "{students} anti-align at times ∝ d: exponent of the first time in d, median over all starts, those that do not anti-align within {within} on either side"
        );
        delay_exponent(dimensions, times, statement)
    };
    let raced: Vec<Vec<Option<f64>>> =
        (0..replicates).map(|k| random.iter().map(|races| Some(races[k].anti?.0)).collect()).collect();
    let price = |what: &str, [these, those]: [&[Race]; 2]| {
        let losses: Vec<f64> = these.iter().zip(those).map(|(a, b)| a.recovered as f64 - b.recovered as f64).collect();
        let statement = format!(
            "teachers recovered by t = √d, {what}, mean of {} differences, d = {:e}",
            losses.len(),
            dimensions[0] as f64
        );
        let accept = [-(run.integer("teachers") as f64), -PRICE];
        Evidence::estimate(statement, LEVEL, statistics::mean(&losses, LEVEL), accept)
    };
    let published = |when: &str, of: &dyn Fn(&Race) -> bool| {
        let count = figure_orthogonal.iter().filter(|race| of(race)).count() as u64;
        let share = statistics::proportion(count, figure_orthogonal.len() as u64, LEVEL);
        let statement = format!(
            "m = 25, m* = 5, d = 1000: share of starts with orthogonal students in which two anti-align {when}"
        );
        Evidence::estimate(statement, LEVEL, share, MAJORITY)
    };
    let predicted = lost_share(run.integer("students"), run.integer("teachers"), TWICE);
    let median_time = |races: &[Race]| median(races.iter().filter_map(|r| Some(r.anti?.0))).map(|e| e.value);
    let finding = |title: &str, item: Evidence, twin: Control, witness| {
        let statement = item.statement().to_string();
        Finding::judged(title, statement, &[item], &[twin], witness)
    };
    let mut findings = vec![
        finding("the reading that holds: student-teacher overlaps alone", other, twin, json!({ "threshold": DORMANT })),
        finding(
            "the hypothesis that saves the claim: orthogonal students",
            undisturbed(&orthogonal[last], &format!("students orthogonal at the start, {at}")),
            Control::new("random students are rejected", disturbed),
            json!(null),
        ),
        frequency::finding(run, dimensions[last], top)?,
        finding(
            "time of the race",
            law(9.0, "9, √d/(9κ') + O(1)"),
            Control::new("the student-teacher rate is rejected", law(4.5, "4.5")),
            json!({ "median": statistics::median(&ratios, LEVEL).map(|e| e.value) }),
        ),
        finding(
            "delay without the race",
            exponent_of("students that start orthogonal", "10 d", &delayed_dimensions, &delays),
            Control::new("random students are rejected", exponent_of("random students", "√d", &dimensions, &raced)),
            json!(null),
        ),
        finding(
            "published figure",
            published("by t = 15", &|race| race.anti.is_some()),
            Control::from(published("before the first alignment", &Race::lost)),
            json!({ "median_time_orthogonal": median_time(&figure_orthogonal), "median_time_random": median_time(&figure_random) }),
        ),
    ];
    // What a price is was derived for these numbers.
    if (run.integer("students"), run.integer("teachers")) == PRICED_AT {
        findings.push(finding(
            "price of the race",
            price("random minus orthogonal students from paired starts", [&price_random, &price_orthogonal[..priced]]),
            Control::new(
                "two draws of orthogonal students are rejected",
                price(
                    "orthogonal students minus others of another draw",
                    [&price_orthogonal[priced..], &price_orthogonal[..priced]],
                ),
            ),
            json!(null),
        ));
    }
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

/// Races to `t = √d` from each of the starts at every dimension: `[dimension][replicate]`.
fn races(
    run: &Run<'_>,
    sweep: &str,
    dimensions: &[u64],
    student_overlap: f64,
    starts: Range<usize>,
) -> Result<Vec<Vec<Race>>, CheckError> {
    let races = run.units(sweep, starts.len() * dimensions.len(), |unit| {
        let d = dimensions[unit / starts.len()];
        race(run, &law(run, d, student_overlap), (starts.start + unit % starts.len()) as u64, (d as f64).sqrt())
    })?;
    Ok(races.chunks(starts.len()).map(<[_]>::to_vec).collect())
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
    let flow = Flow::new(&start)
        .method(if until <= EXPLICIT { Method::Explicit } else { Method::Implicit })
        .tolerance(run.real("tolerance"));
    let mut end = None;
    run.follow(
        flow,
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
                race.students = Some(largest_of_students(state));
            }
            Stop::No
        },
    )?;
    if let Some(end) = end {
        race.students = race.students.or_else(|| Some(largest_of_students(&end)));
        race.recovered = (0..end.teachers()).filter(|&j| (0..end.students()).any(|i| end.expert(i, j) > 0.9)).count();
    }
    Ok(race)
}

/// Largest student-student overlap in magnitude.
fn largest_of_students(state: &OrderParameters) -> f64 {
    state.student_pairs().map(|pair| pair.2.abs()).fold(0.0, f64::max)
}

/// First anti-alignment of students that start orthogonal, within `t = 10 d`: `[replicate][dimension]`.
fn delays(run: &Run<'_>, dimensions: &[u64]) -> Result<Vec<Vec<Option<f64>>>, CheckError> {
    let replicates = run.integer("delay-replicates") as usize;
    let times = run.units("delay", replicates * dimensions.len(), |unit| {
        let (replicate, d) = ((unit / dimensions.len()) as u64, dimensions[unit % dimensions.len()]);
        let start = law(run, d, 0.0).sample(run.seed(), replicate).map_err(CheckError::theory)?;
        let flow = Flow::new(&start).method(Method::Implicit).tolerance(run.real("tolerance"));
        let passage = run.first_passage(flow, Watch::StudentFalls(-0.5), 10.0 * d as f64)?;
        Ok(passage.map(|event| event.time))
    })?;
    Ok(times.chunks(dimensions.len()).map(<[_]>::to_vec).collect())
}

/// The exponent of `T` in `d^power` between the ends of the grid, over all starts; none where too many do not anti-align at both.
fn delay_exponent(dimensions: &[u64], delays: &[Vec<Option<f64>>], statement: String) -> Evidence {
    const NEARER_TO_ONE: [f64; 2] = [0.75, 1.25];
    let last = dimensions.len() - 1;
    let decades = (dimensions[last] as f64 / dimensions[0] as f64).ln();
    let known: Vec<f64> = delays.iter().filter_map(|times| Some((times[last]? / times[0]?).ln() / decades)).collect();
    let exponent = statistics::median_of_all(&known, delays.len(), LEVEL);
    if exponent.is_none() {
        let reason = format!("{} of {} starts do not anti-align within 10 d", delays.len() - known.len(), delays.len());
        return Evidence::unresolved(Inexact::Statistic { level: LEVEL }, statement, NEARER_TO_ONE, reason);
    }
    Evidence::estimate(statement, LEVEL, exponent, NEARER_TO_ONE)
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
                median(races.iter().filter_map(|race| race.aligned.and(race.students))).map(|e| e.value).into(),
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

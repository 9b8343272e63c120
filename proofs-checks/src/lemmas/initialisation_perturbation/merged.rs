//! One student before two teachers whose experts overlap by `e`: does it take one, or stay between? (The law is derived in theory's `Bisector`.)
//!
//! Before its router follows, the expert leaves the bisector for `e < 1/3`; once the router has followed, for `e < 0.40257`. So there are three cases: one teacher, the bisector, and between the thresholds the bisector first and one teacher in the end.
//!
//! # Where the bounds come from
//!
//! *Thresholds* are roots of a rate in `e`, by bisection on the population loss and on its Hessian: the rate at an angle of `10⁻⁴` is off by its square, which moves the root by `10⁻⁸`; `10⁻⁶` is allowed for as the error and `10⁻⁴` accepted.
//!
//! *In the end*, [`SETTLING`] after the jump, overlaps are at the maximum of `Σκ_j³Φ_00(β_j)`: the slowest rate of the scan is the growth 0.167 from the bisector at `e = 0.36`, which takes an asymmetry of a hundredth to its end in `ln(100)/0.167 = 28`, and what is left then decays as fast; next is the decay 0.09 at 0.45, `e^{−9}` of an asymmetry
//! below ½. `O(d^{−1/2})` of overlaps with the rest of the space is below `10⁻³`. So the ratio of smaller to larger overlap is the law's to 0.01 in every start but those within 0.2 % of a tie; the law without the router is off by 0.07 at `e = 0.28`, 0.2 at 0.32 and 0.35 at 0.36.
//!
//! *At the jump*, when the larger overlap passes 0.86, at `e = 0.6` both are within a tenth of each other, at 0.1 the smaller is below half of the larger; near the thresholds the expert is still on its way, and the table shows it only.

use moe_kernels::Router;
use moe_theory::soft_routed::{Bisector, Flow, Hessian, Method, OrderParameters, Stop, TeacherOverlaps, Watch};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::times::in_time;
use super::{LEVEL, NEARLY_ALL, PLAIN, Setting, start};
use crate::{CheckError, Column, Control, Evidence, Figure, Finding, Mark, Run, Scale, Table, statistics};

/// Overlaps of the teachers' experts that are looked at; the first well below 1/3, the last well beyond.
const SCAN: [f64; 7] = [0.1, 0.2, 0.28, 0.32, 0.36, 0.45, 0.6];
/// Where the law without the router is put to the test as well.
const TWIN: f64 = 0.36;
/// The overlap that ends a jump, or this share of the one at the end where that is smaller.
const JUMPED: f64 = 0.86;
const ALMOST: f64 = 0.97;
/// Time after the jump at which a student has settled, and how exact the ratio is then.
const SETTLING: f64 = 100.0;
const CLOSE: f64 = 0.01;
/// Angle from the bisector at which its rate is measured; bracket of a threshold, halvings, error and what is accepted.
const ANGLE: f64 = 1e-4;
const BRACKET: [f64; 2] = [0.2, 0.9];
const HALVINGS: usize = 40;
const ERROR: f64 = 1e-6;
const ACCEPT: f64 = 1e-4;

/// Smaller overlap of a student with the two teachers over its larger one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Ratios {
    at_jump: f64,
    in_the_end: f64,
}

/// What one student does at the overlaps of the scan: findings, a table and its figure.
pub(super) fn findings(run: &Run<'_>) -> Result<(Vec<Finding>, Table, Figure), CheckError> {
    let law = Bisector::new(Router::Sigmoid);
    let scan: Vec<Vec<Option<Ratios>>> =
        SCAN.iter().map(|e| ratios(run, &law, *e)).collect::<Result<_, CheckError>>()?;
    let dimension = format!("d = 1e{}", run.integer("decades"));
    let share = |rows: &[Option<Ratios>], what: String, holds: &dyn Fn(&Ratios) -> bool| {
        let hits = rows.iter().flatten().filter(|ratios| holds(ratios)).count() as u64;
        let share = statistics::proportion(hits, rows.len() as u64, LEVEL);
        Evidence::estimate(
            format!("share of starts in which one student {what}, {dimension}"),
            LEVEL,
            share,
            NEARLY_ALL,
        )
    };
    let last = SCAN.len() - 1;
    let near = |k: usize| {
        let what = "takes both of two teachers (overlaps within a tenth of each other after the jump)";
        share(&scan[k], format!("{what}, teacher experts {}", SCAN[k]), &|ratios| ratios.at_jump >= 0.9)
    };
    let one = |k: usize| {
        let what = "takes one of two teachers (the other overlap below half of it after the jump)";
        share(&scan[k], format!("{what}, teacher experts {}", SCAN[k]), &|ratios| ratios.at_jump <= 0.5)
    };
    let ends = |k: usize, which: &str, [larger, smaller]: [f64; 2]| {
        let ratio = smaller / larger;
        let what = format!(
            "ends with a ratio of its overlaps within {CLOSE} of {ratio:.4}, {which}, teacher experts {}",
            SCAN[k]
        );
        share(&scan[k], what, &|ratios| (ratios.in_the_end - ratio).abs() <= CLOSE)
    };
    let judged = |title: &str, items: Vec<Evidence>, control: Control| {
        let statement = items.iter().map(|item| item.statement().to_string()).collect::<Vec<_>>().join("; ");
        let witness = json!({ "thresholds by theory": [1.0 / 3.0, law.threshold()],
            "intervals": items.iter().map(Evidence::interval).collect::<Vec<_>>() });
        Finding::judged(title, statement, &items, &[control], witness)
    };
    let [left, settled] = [root(&law, false), root(&law, true)];
    let (before, after) = ("1/3", format!("(1+q)/(3+q) = {:.5}", law.threshold()));
    let twin = SCAN.iter().position(|e| *e == TWIN).expect("an overlap of the scan");
    let findings = vec![
        judged(
            "two teachers' bisector is left below an overlap of 1/3 and stable beyond, before the router follows",
            vec![threshold(left, false, 1.0 / 3.0, before)],
            threshold(settled, true, 1.0 / 3.0, before).into(),
        ),
        judged(
            "once the router has followed the threshold is 0.4026",
            vec![threshold(settled, true, law.threshold(), &after)],
            threshold(left, false, law.threshold(), &after).into(),
        ),
        judged(
            "one student ends where Σκ³Φ_00(β) is largest: with one teacher rather than the other below 0.4026, between them beyond",
            (0..SCAN.len()).map(|k| ends(k, "the maximum of Σκ³Φ_00(β)", law.settled(SCAN[k]))).collect(),
            ends(twin, "the maximum of Σκ³, without the router", law.settled_before(TWIN)).into(),
        ),
        judged(
            "teacher experts that overlap by 0.6, beyond 1/3: one student is drawn between the teachers",
            vec![near(last)],
            Control::new("the same below 1/3 is rejected", near(0)),
        ),
        judged(
            "teacher experts that overlap by 0.1, below 1/3: one student takes one teacher",
            vec![one(0)],
            Control::new("the same beyond 1/3 is rejected", one(last)),
        ),
    ];
    let heads = [
        "e",
        "starts",
        "at the jump",
        "in the end",
        "law",
        "law without the router",
        "growth before",
        "curvature after",
    ];
    let mut table = Table::new("scan", heads.map(|head| Column::new(head, "")));
    for (e, rows) in SCAN.iter().zip(&scan) {
        let median = |of: fn(&Ratios) -> f64| {
            statistics::median(&rows.iter().flatten().map(of).collect::<Vec<_>>(), LEVEL).map(|e| e.value)
        };
        let ratio = |[larger, smaller]: [f64; 2]| smaller / larger;
        table.push([
            (*e).into(),
            rows.len().into(),
            median(|ratios| ratios.at_jump).into(),
            median(|ratios| ratios.in_the_end).into(),
            ratio(law.settled(*e)).into(),
            ratio(law.settled_before(*e)).into(),
            law.growth_before(*e).into(),
            law.curvature_after(*e).into(),
        ]);
    }
    let title = "smaller over larger overlap of one student with two teachers";
    let figure = Figure::new("scan", title, "scan", "e", ["at the jump", "in the end"], [Scale::Linear; 2])
        .with_laws(["law", "law without the router"])
        .with_mark(Mark::x(1.0 / 3.0, "1/3"))
        .with_mark(Mark::x(law.threshold(), "0.4026"));
    Ok((findings, table, figure))
}

/// Teachers whose experts overlap by `e`.
fn setting(e: f64) -> Setting {
    Setting { teacher: TeacherOverlaps { experts: e, ..PLAIN.teacher }, ..PLAIN }
}

/// One student before two teachers: at the jump and in the end; none where it does not jump within twice `√d`.
fn ratios(run: &Run<'_>, law: &Bisector, e: f64) -> Result<Vec<Option<Ratios>>, CheckError> {
    let dimension = 10u64.pow(run.integer("decades") as u32);
    let d = dimension as f64;
    let setting = setting(e);
    let replicates = run.replicates(run.integer("replicates") as usize, |replicate| {
        Ok(in_time(&start(run, &setting, [1, 2], dimension, replicate)?, setting.teacher, d))
    })?;
    let jumped = JUMPED.min(ALMOST * law.settled(e)[0]);
    run.units(&format!("between-{}", (100.0 * e).round()), replicates.len(), |unit| {
        let start = start(run, &setting, [1, 2], dimension, replicates[unit])?;
        let tolerance = run.real("tolerance");
        let flow = Flow::new(&start).method(Method::Implicit).tolerance(tolerance);
        let mut jump = None;
        let event = |_, state: &_| {
            jump = Some((ratio(state), start.at(state)));
            Stop::Yes
        };
        run.follow(flow, 2.0 * d.sqrt(), &[Watch::Expert(jumped)], &[], |_, _| {}, event)?;
        let Some((at_jump, start)) = jump else { return Ok(None) };
        let mut in_the_end = at_jump;
        let flow = Flow::new(&start).tolerance(tolerance);
        run.follow(flow, SETTLING, &[], &[SETTLING], |_, state| in_the_end = ratio(&state), |_, _| Stop::No)?;
        Ok(Some(Ratios { at_jump, in_the_end }))
    })
}

fn ratio(state: &OrderParameters) -> f64 {
    let pair = [state.expert(0, 0), state.expert(0, 1)];
    pair[0].min(pair[1]) / pair[0].max(pair[1])
}

/// A [`root`] against what a law says.
pub(in super::super) fn threshold(root: f64, followed: bool, accepted: f64, what: &str) -> Evidence {
    let state = if followed { "the router on the bisector of theirs" } else { "the router at right angles to theirs" };
    let statement =
        format!("overlap of two teachers' experts from which on their bisector is stable, {state}, against {what}");
    Evidence::comparison(statement, [root - ERROR, root + ERROR], [accepted - ACCEPT, accepted + ACCEPT])
}

/// The overlap of two teachers' experts at which the bisector turns stable.
pub(in super::super) fn root(law: &Bisector, followed: bool) -> f64 {
    let mut bracket = BRACKET;
    for _ in 0..HALVINGS {
        let e = 0.5 * (bracket[0] + bracket[1]);
        let stable = if followed {
            let start = law.between(e, 0.0, true);
            let mut hessian = Hessian::new(&start);
            hessian.set(&start.state());
            hessian.spectrum()[0] > 0.0
        } else {
            let start = law.between(e, ANGLE, false);
            let (rows, mut population) = (start.coordinates(), start.population());
            let mut gradient = vec![0.0; 2 * rows];
            population.gradient(&start.state(), &mut gradient);
            let [first, second] = [start.teacher().expert(0), start.teacher().expert(1)];
            // The first teacher is the nearer one: κ_0 − κ_1 > 0 falls.
            gradient[rows..].iter().zip(first.iter().zip(second)).map(|(g, (a, b))| g * (a - b)).sum::<f64>() > 0.0
        };
        bracket[usize::from(stable)] = e;
    }
    0.5 * (bracket[0] + bracket[1])
}

//! When pruning late is fatal: a redundant student that wakes between two learned ones, on whichever side of each: waking is even in either overlap.

use moe_kernels::Router;
use moe_theory::soft_routed::{Start, StudentTeacher};
use rand_distr::{Distribution, Uniform};
use serde_json::json;

use super::trial::{Pruning, follow, prune};
use super::{LEVEL, MAJORITY, TUNING};
use crate::axes::{axis, beside};
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

/// Starts of each kind, of which there are four.
const STARTS: usize = 12;
/// Time of the pruning: the redundant student wakes by `1/(15.34·0.05²) = 26`.
const LATE: f64 = 200.0;
/// Range of the redundant expert's overlap with the first learned expert, in size.
const FIRST: [f64; 2] = [0.05, 0.1];

/// Where the redundant expert is: name, sign of the first overlap, range of the second over the first.
type Kind = (&'static str, f64, [f64; 2]);
const KINDS: [Kind; 4] = [
    ("two rivals, on their side", 1.0, [0.8, 1.0]),
    ("two rivals, on the far side", -1.0, [0.8, 1.0]),
    ("two rivals, on the side of one", 1.0, [-1.0, -0.8]),
    ("one rival", 1.0, [0.0, 0.1]),
];
/// The kinds with two rivals, and the last one.
const RIVALS: std::ops::Range<usize> = 0..3;
const ALONE: usize = 3;

/// Two learned students and a redundant one with overlaps with both, or with one of them: the finding on the rule after waking, the share that it gets right, and the table.
pub(super) fn finding(run: &Run<'_>) -> Result<(Finding, Evidence, Table), CheckError> {
    let rows = run.units("shared", KINDS.len() * STARTS, |unit| {
        let (_, side, ratios) = KINDS[unit / STARTS];
        woken(run, side, ratios, (unit % STARTS) as u64)
    })?;
    let kinds: Vec<&[Pruning]> = rows.chunks(STARTS).collect();
    let stuck = |rows: &[Pruning]| rows.iter().filter(|row| row.kept.len() == 3 && row.recovered == 0).count();
    let share = |kind: usize| {
        let (which, _, ratios) = KINDS[kind];
        let statement = format!(
            "share of starts with a redundant student at an overlap of size {} to {} with one of two learned ones and {} to {} times that with the other ({which}) in which at t = {LATE} every removal raises the loss, all three students are kept and no teacher is recovered",
            FIRST[0], FIRST[1], ratios[0], ratios[1]
        );
        let (hits, trials) = (stuck(kinds[kind]) as u64, kinds[kind].len() as u64);
        Evidence::estimate(statement, LEVEL, statistics::proportion(hits, trials, LEVEL), MAJORITY)
    };
    let items: Vec<Evidence> = RIVALS.map(share).collect();
    let statement = items.iter().map(Evidence::statement).collect::<Vec<_>>().join("; ");
    let control = Control::new("the same with one rival", share(ALONE));
    let losses: Vec<Option<f64>> = kinds.iter().map(|rows| rows.first().map(|row| row.before)).collect();
    let title = "too late: fatal where the redundant student has two rivals";
    let finding = Finding::judged(title, statement, &items, &[control], json!({ "losses before pruning": losses }));
    let between = kinds[RIVALS].concat();
    let exact = between.iter().filter(|row| row.exact).count() as u64;
    let exact = Evidence::estimate(
        format!(
            "share of starts with a redundant student between two rivals in which pruning at t = {LATE}, after waking, keeps one expert for each teacher and recovers all by fine-tuning"
        ),
        LEVEL,
        statistics::proportion(exact, between.len() as u64, LEVEL),
        MAJORITY,
    );
    let heads = [
        "redundant student",
        "starts",
        "all kept, none recovered",
        "one kept for each teacher",
        "L before",
        "L pruned",
    ];
    let mut table = Table::new("two-rivals", heads.map(|head| Column::new(head, "")));
    for ((name, ..), rows) in KINDS.into_iter().zip(&kinds) {
        let median = |of: &dyn Fn(&Pruning) -> f64| {
            statistics::median(&rows.iter().map(of).collect::<Vec<_>>(), 0.5).map(|estimate| estimate.value)
        };
        table.push([
            name.into(),
            rows.len().into(),
            stuck(rows).into(),
            rows.iter().filter(|row| row.exact).count().into(),
            median(&|row| row.before).into(),
            median(&|row| row.pruned).into(),
        ]);
    }
    Ok((finding, exact, table))
}

/// The state after waking, pruned.
fn woken(run: &Run<'_>, side: f64, ratios: [f64; 2], replicate: u64) -> Result<Pruning, CheckError> {
    let mut stream = run.substream(replicate, 96);
    let mut uniform = |[low, high]: [f64; 2]| -> Result<f64, CheckError> {
        Ok(Uniform::new(low, high).map_err(CheckError::theory)?.sample(&mut stream))
    };
    let first = side * uniform(FIRST)?;
    let second = first * uniform(ratios)?;
    let axis = |k: usize| axis(8, k);
    // Routers of the teachers on axes 0 and 1, experts on 2 and 3.
    let redundant = beside(8, &[(2, first), (3, second)], 4);
    let teacher = [[axis(0), axis(1)], [axis(2), axis(3)]];
    let student = [[axis(0), axis(1), axis(6)], [axis(2), axis(3), redundant]];
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&student[0], &student[1]], [&teacher[0], &teacher[1]]);
    let start = Start::reduce(&model.map_err(CheckError::theory)?).with_raw_norms(1.0, 1.0);
    let (state, _) = follow(run, &start, LATE, &[])?;
    prune(run, replicate, &start.at(&state), &state, TUNING)
}

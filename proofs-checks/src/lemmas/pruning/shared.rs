//! When pruning late is fatal: a redundant student that wakes between two learned ones.

use moe_kernels::Router;
use moe_theory::soft_routed::{Start, StudentTeacher};
use rand_distr::{Distribution, Uniform};
use serde_json::json;

use super::trial::{Pruning, follow, prune};
use super::{LEVEL, MAJORITY, TUNING};
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

/// Starts of each kind.
const STARTS: usize = 12;
/// Time of the pruning: the redundant student wakes by `1/(15.34·0.05²) = 26`.
const LATE: f64 = 200.0;
/// Ranges of the redundant expert's overlap with the first learned expert, and of the second overlap over the first: two rivals, or one alone.
const FIRST: [f64; 2] = [0.05, 0.1];
const RIVALS: [f64; 2] = [0.8, 1.0];
const ALONE: [f64; 2] = [0.0, 0.1];

/// Two learned students and a redundant one with overlaps with both, or with one of them: the rule after waking.
pub(super) fn finding(run: &Run<'_>) -> Result<(Finding, Table), CheckError> {
    let rows = run.units("shared", 2 * STARTS, |unit| {
        let (kind, replicate) = (unit / STARTS, (unit % STARTS) as u64);
        woken(run, if kind == 0 { RIVALS } else { ALONE }, replicate)
    })?;
    let (rivals, alone) = rows.split_at(STARTS);
    let stuck = |rows: &[Pruning]| rows.iter().filter(|row| row.kept.len() == 3 && row.recovered == 0).count();
    let share = |rows: &[Pruning], which: &str| {
        let statement = format!(
            "share of starts with a redundant student at overlap {} to {} with one of two learned ones, {which}, in which {LATE} units later every removal raises the loss, all three students are kept and no teacher is recovered",
            FIRST[0], FIRST[1]
        );
        Evidence::estimate(
            statement,
            LEVEL,
            statistics::proportion(stuck(rows) as u64, rows.len() as u64, LEVEL),
            MAJORITY,
        )
    };
    let item = share(rivals, "and 0.8 to 1 times that with the other");
    let control = Control::new(
        "the same with less than a tenth of it with the other",
        share(alone, "and less than a tenth of it with the other"),
    );
    let witness = json!({ "loss before pruning": rivals.first().map(|row| row.before) });
    let title = "too late: fatal where the redundant student has two rivals";
    let finding = Finding::judged(title, item.statement().to_string(), &[item], &[control], witness);
    let heads = [
        "redundant student",
        "starts",
        "all kept, none recovered",
        "one kept for each teacher",
        "L before",
        "L pruned",
    ];
    let mut table = Table::new("two-rivals", heads.map(|head| Column::new(head, "")));
    for (name, rows) in [("between two", rivals), ("near one", alone)] {
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
    Ok((finding, table))
}

/// The state after waking, pruned.
fn woken(run: &Run<'_>, second: [f64; 2], replicate: u64) -> Result<Pruning, CheckError> {
    let mut stream = run.substream(replicate, 96);
    let mut uniform = |[low, high]: [f64; 2]| -> Result<f64, CheckError> {
        Ok(Uniform::new(low, high).map_err(CheckError::theory)?.sample(&mut stream))
    };
    let first = uniform(FIRST)?;
    let second = first * uniform(second)?;
    let axis = |k: usize| (0..8).map(|r| if r == k { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
    // Routers of the teachers on axes 0 and 1, experts on 2 and 3.
    let mut redundant = axis(4);
    (redundant[2], redundant[3], redundant[4]) = (first, second, (1.0 - first * first - second * second).sqrt());
    let teacher = [[axis(0), axis(1)], [axis(2), axis(3)]];
    let student = [[axis(0), axis(1), axis(6)], [axis(2), axis(3), redundant]];
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&student[0], &student[1]], [&teacher[0], &teacher[1]]);
    let start = Start::reduce(&model.map_err(CheckError::theory)?).with_raw_norms(1.0, 1.0);
    let (state, _) = follow(run, &start, LATE, &[])?;
    prune(run, replicate, &start.at(&state), &state, TUNING)
}

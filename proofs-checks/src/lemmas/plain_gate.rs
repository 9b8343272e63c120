//! What the lemmas on the plain softmax gate measure in common: the mixture of theory B5, fits that start along flat families.

use std::f64::consts::LN_2;

use moe_kernels::Activation;
use moe_theory::softmax::{Atom, MixingMeasure, Noise};
use serde_json::json;

use crate::fits::{self, Fitted, Problem, bends, by_replicate, grid, mean_slope, region};
use crate::{Cell, CheckError, Column, Control, Evidence, Finding, Parameter, Run, Table};

/// Level of every interval.
pub(super) const LEVEL: f64 = 0.99;

/// Half-width of the box.
pub(super) const HALF_WIDTH: Parameter = Parameter::real(
    "half-width",
    "of the box around the range of the true parameters",
    "",
    [0.1, 100.0],
    [4.0, 4.0, 4.0],
);
/// Of the lemmas that look at other truths and dimensions.
pub(super) const DIMENSION: Parameter =
    Parameter::integer("dimension", "d of the inputs; beyond 1 the truth is drawn", "", [1, 16], [1, 1, 1]);
/// See [`DIMENSION`].
pub(super) const TRUTH: Parameter = Parameter::integer(
    "truth",
    "0: that of theory B5, if d = 1; otherwise the number of a drawn one",
    "",
    [0, 100_000],
    [0, 0, 0],
);

/// The reference problem of `fits` with the run's noise and box.
pub(super) fn problem(run: &Run<'_>, activation: Activation, fitted: usize) -> Problem {
    let noise = Noise::Gaussian { deviation: run.real("noise") };
    Problem::reference(activation, fitted, noise, run.real("half-width"))
}

/// The same with the truth and the dimension of the run.
pub(super) fn varied_problem(run: &Run<'_>, activation: Activation, fitted: usize) -> Problem {
    problem(run, activation, fitted).with_truth(run.integer("dimension") as usize, run.integer("truth"))
}

/// The sample sizes of the run.
pub(super) fn sizes(run: &Run<'_>) -> Vec<usize> {
    grid(run.integer("from") as usize, run.integer("to") as usize, run.integer("sizes") as usize)
}

/// One row of fits for each replicate, a fit for each sample size.
pub(super) fn sweep(
    run: &Run<'_>,
    name: &str,
    replicates: usize,
    sizes: &[usize],
    fit: impl Fn(usize, u64) -> Result<Fitted, CheckError> + Sync,
) -> Result<Vec<Vec<Fitted>>, CheckError> {
    let fits =
        run.units(name, replicates * sizes.len(), |unit| fit(sizes[unit % sizes.len()], (unit / sizes.len()) as u64))?;
    Ok(by_replicate(fits, sizes.len()))
}

/// The truth with some atoms split in two halves, moved by `±by` with `shift`.
pub(super) fn halves(truth: &MixingMeasure, split: &[usize], by: f64, shift: fn(&mut Atom, f64)) -> MixingMeasure {
    let atoms = truth.atoms().enumerate().flat_map(|(j, atom)| {
        if !split.contains(&j) {
            return vec![atom.clone()];
        }
        let half = |step| {
            let mut half = atom.clone();
            half.beta -= LN_2;
            shift(&mut half, step);
            half
        };
        vec![half(by), half(-by)]
    });
    MixingMeasure::flat(atoms.collect(), truth.tau)
}

/// Points of the two flat families of linear experts through a measure, `b ± reach` and `a ± reach` in its first atom.
pub(super) fn linear_families(measure: &MixingMeasure, reach: f64) -> Vec<MixingMeasure> {
    vec![halves(measure, &[0], reach, |atom, t| atom.b += t), halves(measure, &[0], reach, |atom, t| atom.a[0] += t)]
}

/// Evidence that slopes have the mean `−rate`, in the region of that rate.
pub(super) fn rate(statement: impl Into<String>, slopes: &[f64], rate: f64) -> Evidence {
    mean_slope(statement, slopes, LEVEL, region(rate))
}

/// A finding that a line fits: the slope of `log value` does not change by ¼ from the lower half of the grid to the upper, which would put the halves in the regions of different rates. Its twin is the same values with a rate that stops at the middle of the grid.
pub(super) fn lack_of_fit(words: &str, rows: &[Vec<Fitted>], value: impl Fn(&Fitted) -> f64) -> Finding {
    let middle = rows.first().map_or(0, Vec::len) / 2;
    let change = |words: &str, bends: &[f64]| {
        let statement =
            format!("{words}: change of the slope from the lower half of the grid to the upper, mean over samples");
        mean_slope(statement, bends, LEVEL, [-0.25, 0.25])
    };
    let item = change(words, &bends(rows, |fits, k| value(&fits[k])));
    let stopped = bends(rows, |fits, k| value(&fits[k.min(middle)]));
    let twin = Control::new("the same with the value of the middle at all larger n", change(words, &stopped));
    let statement = item.statement().to_string();
    Finding::judged(format!("lack of fit, {words}"), statement, &[item], &[twin], json!({}))
}

/// Quartiles; not numbers without data.
pub(super) fn quartiles(values: &[f64]) -> [f64; 3] {
    fits::quartiles(values.to_vec()).map(|quartile| quartile.unwrap_or(f64::NAN))
}

/// What the fits of a sweep came to at each sample size: quartiles of `L1`, medians of the rest.
pub(super) fn table(name: &str, rows: &[Vec<Fitted>]) -> Table {
    let heads = [
        "n",
        "L1 lower",
        "L1",
        "L1 upper",
        "weights",
        "exact",
        "over",
        "largest exact",
        "error",
        "error/L1",
        "converged",
        "at the box",
    ];
    let mut table = Table::new(name, heads.map(|head| Column::new(head, "")));
    for k in 0..rows.first().map_or(0, Vec::len) {
        let of = |value: fn(&Fitted) -> f64| quartiles(&rows.iter().map(|fits| value(&fits[k])).collect::<Vec<_>>());
        let share =
            |holds: fn(&Fitted) -> bool| rows.iter().filter(|fits| holds(&fits[k])).count() as f64 / rows.len() as f64;
        let loss = of(|fit| fit.loss);
        table.push([
            rows[0][k].rows.into(),
            loss[0].into(),
            loss[1].into(),
            loss[2].into(),
            of(|fit| fit.mass)[1].into(),
            of(|fit| fit.exact)[1].into(),
            of(|fit| fit.over)[1].into(),
            of(|fit| fit.largest_exact)[1].into(),
            of(|fit| fit.error)[1].into(),
            of(|fit| fit.error / fit.loss)[1].into(),
            share(|fit| fit.converged).into(),
            share(|fit| fit.bounded).into(),
        ]);
    }
    table
}

/// The atoms of a truth, a row each; those of a two-level one with the slope and the intercept of their group. The temperature is one.
pub(super) fn truth_table(truth: &MixingMeasure) -> Table {
    let dimension = truth.atoms().next().map_or(0, |atom| atom.a.len());
    let slopes = |name: &str| {
        (1..=dimension).map(|u| if dimension == 1 { name.into() } else { format!("{name}{u}") }).collect::<Vec<_>>()
    };
    let nested = truth.groups.len() > 1;
    let outer =
        if nested { [vec!["group".into()], slopes("α"), vec!["β of the group".into()]].concat() } else { Vec::new() };
    let heads = [outer, vec!["atom".into()], slopes("ω"), vec!["β".into()], slopes("a"), vec!["b".into()]].concat();
    let mut table = Table::new("truth", heads.into_iter().map(|head: String| Column::new(head, "")));
    for (g, group) in truth.groups.iter().enumerate() {
        for (j, atom) in group.atoms.iter().enumerate() {
            let mut row: Vec<Cell> = Vec::new();
            if nested {
                row.push((g + 1).into());
                row.extend(group.alpha.iter().chain([&group.beta]).map(|x| Cell::from(*x)));
            }
            row.push((j + 1).into());
            row.extend(atom.omega.iter().chain([&atom.beta]).chain(&atom.a).chain([&atom.b]).map(|x| Cell::from(*x)));
            table.push(row);
        }
    }
    table
}

//! Divergence of gradient descent.
//!
//! A step `η` of gradient descent multiplies the deviation from the teacher along an eigenvector of the Hessian by `1 − ηλ`. The largest eigenvalue on unit norms is 6.47267177 (theory X3), so the largest stable step is
//! `2/6.47267 = 0.30899`; at `f` times it the deviation is multiplied by `|1 − 2f|`: 0.96 and 1.04 for `f = 0.98, 1.02`. The loss is quadratic there: its square. The function that names divergence sees the losses alone, neither the step nor the Hessian;
//! the smallest step that it names, by bisection, is put against `2/λ`. Steps of 1.25 and 0.82 times the limit in turn multiply the steepest deviation by `−1.5` and `−0.64`: the loss rises by 2.25 every second time and stays within bounds.
//!
//! At 1.02 the loss is `6·10⁻⁹·1.04^{200} = 1.5·10⁻⁵` at the end and still rises. Steps of 1.05 times the limit and more end their rise themselves, since gradients lengthen the raw norms until `η/‖w‖²` is stable (the finding), at `¼λ(f − 1)² = 0.0040` for `f = 1.05`; the function takes a rise from 10⁻⁵ or less to 0.00088 for one:
//! a factor four is left. At 10 the factor 361 of the loss takes three steps or so. From further away, or with steps that reach it at once, losses alone do not tell this from a stable descent: what is named starts near a minimum without loss and takes two steps at least (finding on students at random). Past the rise, a record names `f` from `1 + 2(0.00088/λ)^{1/2} = 1.023` on only.
//!
//! # Where the bounds come from
//!
//! Growth is measured between the losses after 50 and 100 steps, from deviations `3·10⁻⁵`. By step 50 the slowest other mode (eigenvalue 0.269, factor 0.918 or less) is down by `(0.918/0.96)^{100} = 0.011` in the loss against the steepest; there are
//! `2(d−2) = 20` of them beside two steepest, each with a weight of `0.269/6.47` of theirs, so that they are `0.011·20·0.269/(2·6.47) = 0.005` of the loss and change the factor by `0.005/100`. Norms grow by the square of the deviation, which reaches
//! `0.005` at the factor 1.04, with an effect of `ηλ·10⁻⁵·25` on the last factors. `±0.002` leaves a factor ten.
//!
//! The smallest step named, at `f = 1 + δ`: by step 50 the others are `0.918^{100} = 2·10⁻⁴` of theirs, `10⁻⁴` of the loss for starts of the median; the loss, `6·10⁻⁹`, rises from one step to the next where `4δ` exceeds `0.17·10⁻⁴`, and by more than `10⁻¹¹` over 16 steps
//! where `64δ·6·10⁻⁹` does, `δ > 3·10⁻⁵`. At `f < 1` the steepest part falls and nothing is named. `±10⁻³` leaves a factor ten for the starts' weights.

use moe_kernels::Router;
use moe_theory::soft_routed::{Hessian, PopulationLoss, Start, StudentTeacher, Symptoms};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Case, DIMENSION, LEVEL, NEARLY_ALL, axis, disturbed};
use crate::{CheckError, Column, Control, Estimate, Evidence, Finding, Run, Table, statistics};

/// Steps over the largest stable one.
pub(super) const STABLE: f64 = 0.98;
pub(super) const UNSTABLE: f64 = 1.02;
/// Larger ones, whose losses end their rise within the steps.
const BEYOND: [f64; 4] = [1.05, 1.2, 2.0, 10.0];
/// Steps of a descent, and the deviation from the teacher at its start.
pub(super) const STEPS: usize = 100;
pub(super) const DEVIATION: f64 = 3e-5;
/// Accepted errors of a growth factor and of the largest stable step.
const GROWTH_ERROR: f64 = 2e-3;
const STEP_ERROR: f64 = 1e-3;
/// The step of the finding on long descents, over the largest stable one, and their number of steps.
const LONG: (f64, usize) = (1.2, 4000);
/// Bisection of a step over the largest stable one: bracket, and halvings.
const BRACKET: [f64; 2] = [0.9, 1.5];
const HALVINGS: usize = 12;

/// A descent at a multiple of the largest stable step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Growths {
    stable: f64,
    unstable: f64,
    /// Smallest multiple of `2/λ` that is named divergence.
    limit: f64,
    /// Whether the descents beyond are named, and one with a stable step.
    beyond: [bool; BEYOND.len()],
    at_rest: bool,
    /// Whether the descent with `BEYOND[2]` from students at random is named.
    afar: bool,
    /// Loss before, largest loss, and loss after a long descent with a step beyond the limit; largest raw norm at its end.
    long: [f64; 4],
    /// The same from a step below the limit.
    calm: [f64; 4],
}

/// The largest eigenvalue at the teacher, and the largest of the others.
pub(super) fn spectrum() -> Result<[f64; 2], CheckError> {
    let rows = [[axis(0), axis(1)], [axis(2), axis(3)]];
    let rows = [&rows[0][..], &rows[1][..]];
    let start = Start::reduce(&StudentTeacher::from_rows(Router::Sigmoid, 3, rows, rows).map_err(CheckError::theory)?);
    let mut hessian = Hessian::new(&start);
    hessian.set(&start.state());
    let all = hessian.spectrum();
    let largest = all.last().copied().unwrap_or(0.0);
    let next = all.iter().copied().filter(|x| *x < 0.99 * largest).fold(0.0, f64::max);
    Ok([largest, next])
}

fn median(growths: &[Growths], of: impl Fn(&Growths) -> f64) -> Option<Estimate> {
    statistics::median(&growths.iter().map(of).collect::<Vec<_>>(), LEVEL)
}

fn factor(estimate: Option<Estimate>, step: f64, predicted: f64) -> Evidence {
    let statement = format!(
        "factor of the deviation in one step of {step} times the largest stable one, from the loss, median over starts"
    );
    Evidence::estimate(statement, LEVEL, estimate, [predicted - GROWTH_ERROR, predicted + GROWTH_ERROR])
}

fn limit(growths: &[Growths], scale: f64, statement: &str) -> Evidence {
    let limit = median(growths, |row| row.limit * scale);
    Evidence::estimate(statement, LEVEL, limit, [1.0 - STEP_ERROR, 1.0 + STEP_ERROR])
}

fn recognised(growths: &[Growths], multiple: f64, of: impl Fn(&Growths) -> bool) -> Evidence {
    let hits = growths.iter().filter(|row| of(row)).count() as u64;
    let statement =
        format!("divergence: share of descents with {multiple} times the largest stable step that are recognised");
    Evidence::estimate(statement, LEVEL, statistics::proportion(hits, growths.len() as u64, LEVEL), NEARLY_ALL)
}

pub(super) fn evidence(growths: &[Growths]) -> Vec<Evidence> {
    let mut evidence = vec![
        factor(median(growths, |row| row.stable), STABLE, 2.0 * STABLE - 1.0),
        factor(median(growths, |row| row.unstable), UNSTABLE, 2.0 * UNSTABLE - 1.0),
        limit(growths, 1.0, "smallest step named divergence, times 6.47267/2, median over starts"),
    ];
    evidence.extend((0..BEYOND.len()).map(|k| recognised(growths, BEYOND[k], |row| row.beyond[k])));
    evidence
}

/// The twins: a stable step, and the next eigenvalue in place of the largest.
pub(super) fn controls(growths: &[Growths], eigenvalues: [f64; 2]) -> [Control; 3] {
    let next = eigenvalues[1] / eigenvalues[0];
    [
        Control::new(
            "divergence: a stable step in place of a larger one is rejected",
            recognised(growths, STABLE, |row| row.at_rest),
        ),
        Control::new(
            "the factor by the next eigenvalue is rejected",
            factor(median(growths, |row| row.unstable), UNSTABLE, (1.0 - 2.0 * UNSTABLE * next).abs()),
        ),
        Control::new(
            "the largest stable step by the next eigenvalue is rejected",
            limit(growths, next, "smallest step named divergence, times 5.28082/2, median over starts"),
        ),
    ]
}

pub(super) fn findings(growths: &[Growths]) -> Vec<Finding> {
    vec![long_finding(growths), afar_finding(growths)]
}

/// Gradient descent on raw weights with a step of its own each time: the loss before each step and after the last, and the largest raw norm at the end.
pub(in crate::lemmas) fn descend(
    run: &Run<'_>,
    start: &Start,
    steps: usize,
    step: &dyn Fn(usize) -> f64,
) -> Result<(Vec<f64>, f64), CheckError> {
    let mut population: PopulationLoss = start.population();
    let mut weights = start.state();
    let mut gradient = vec![0.0; weights.len()];
    let mut losses = Vec::with_capacity(steps + 1);
    for k in 0..steps {
        losses.push(population.gradient(&weights, &mut gradient));
        let step = step(k);
        weights.iter_mut().zip(&gradient).for_each(|(w, g)| *w -= step * g);
    }
    run.proceed()?;
    losses.push(population.loss(&weights));
    let norm = |column: &[f64]| column.iter().map(|x| x * x).sum::<f64>().sqrt();
    Ok((losses, weights.chunks_exact(start.coordinates()).map(norm).fold(0.0, f64::max)))
}

pub(super) fn growths(run: &Run<'_>, replicate: u64, largest: f64) -> Result<Growths, CheckError> {
    let students = [(axis(0), axis(2)), (axis(1), axis(3))];
    let start = disturbed(run, replicate, &students, DEVIATION)?;
    let losses = |multiple: f64, steps: usize| descend(run, &start, steps, &|_| multiple * 2.0 / largest);
    // The loss is quadratic in the deviation: the factor is the square root of the loss's.
    let factor = |multiple: f64| -> Result<f64, CheckError> {
        let (losses, _) = losses(multiple, STEPS)?;
        Ok((losses[STEPS] / losses[STEPS / 2]).powf(1.0 / STEPS as f64))
    };
    let state = start.order_parameters();
    let diverges = |losses: &[f64]| {
        let found = Symptoms::of(&start, &state).with_losses(losses).signatures();
        found.iter().any(|signature| signature.name() == Case::Divergence.name())
    };
    let named = |multiple: f64| Ok::<_, CheckError>(diverges(&losses(multiple, STEPS)?.0));
    let mut bracket = BRACKET;
    for _ in 0..HALVINGS {
        let middle = 0.5 * (bracket[0] + bracket[1]);
        bracket[usize::from(named(middle)?)] = middle;
    }
    let mut beyond = [false; BEYOND.len()];
    for (named_there, multiple) in beyond.iter_mut().zip(BEYOND) {
        *named_there = named(multiple)?;
    }
    let nowhere = vec![(vec![0.0; DIMENSION], vec![0.0; DIMENSION]); students.len()];
    let random = disturbed(run, replicate, &nowhere, 1.0)?;
    let (from_afar, _) = descend(run, &random, STEPS, &|_| BEYOND[2] * 2.0 / largest)?;
    let long = |multiple: f64| -> Result<[f64; 4], CheckError> {
        let (losses, norm) = losses(multiple, LONG.1)?;
        let highest = losses.iter().copied().fold(0.0, f64::max);
        Ok([losses[0], highest, losses[LONG.1], norm])
    };
    Ok(Growths {
        stable: factor(STABLE)?,
        unstable: factor(UNSTABLE)?,
        limit: 0.5 * (bracket[0] + bracket[1]),
        beyond,
        at_rest: named(STABLE)?,
        afar: diverges(&from_afar),
        long: long(LONG.0)?,
        calm: long(STABLE)?,
    })
}

/// What becomes of a descent beyond the largest stable step: gradients are tangent, so every step lengthens the raw norms, and the step that counts is `η/‖w‖²`.
fn long_finding(growths: &[Growths]) -> Finding {
    let share = |multiple: f64, of: &dyn Fn(&Growths) -> [f64; 4]| {
        let statement = format!(
            "share of descents with {multiple} times the largest stable step whose loss first rises a thousandfold and is below 10⁻⁶ after {} steps: every step lengthens the raw norms, until η/‖w‖² is stable",
            LONG.1
        );
        let back = growths.iter().map(of).filter(|[first, highest, last, _]| *highest > 1e3 * first && *last < 1e-6);
        let share = statistics::proportion(back.count() as u64, growths.len() as u64, LEVEL);
        Evidence::estimate(statement, LEVEL, share, NEARLY_ALL)
    };
    let item = share(LONG.0, &|row| row.long);
    let control = Control::new("a stable step, whose loss does not rise", share(STABLE, &|row| row.calm));
    let witness = json!({ "first": growths.first().map(|row| row.long) });
    Finding::judged("divergence ends by itself", item.statement().to_string(), &[item], &[control], witness)
}

/// From far off there is no minimum to leave: the same step is not told from a stable one.
fn afar_finding(growths: &[Growths]) -> Finding {
    let share = |from: &str, named: &dyn Fn(&Growths) -> bool| {
        let statement = format!(
            "share of descents from {from} with {} times the largest stable step at the teacher that have no name",
            BEYOND[2]
        );
        let unnamed = growths.iter().filter(|row| !named(row)).count() as u64;
        let share = statistics::proportion(unnamed, growths.len() as u64, LEVEL);
        Evidence::estimate(statement, LEVEL, share, NEARLY_ALL)
    };
    let item = share("students at random", &|row| row.afar);
    let control = Control::new("the same from near the teacher", share("near the teacher", &|row| row.beyond[2]));
    let witness = json!({ "interval": item.interval() });
    let title = "divergence is not told from losses where a descent starts far off";
    Finding::judged(title, item.statement().to_string(), &[item], &[control], witness)
}

pub(super) fn table(growths: &[Growths]) -> Table {
    let heads = [
        "start",
        "factor at 0.98",
        "factor at 1.02",
        "smallest step named·λ/2",
        "L highest",
        "L end",
        "norm at the end",
    ];
    let mut table = Table::new("growth", heads.map(|head| Column::new(head, "")));
    for (start, row) in growths.iter().take(24).enumerate() {
        table.push([
            start.into(),
            row.stable.into(),
            row.unstable.into(),
            row.limit.into(),
            row.long[1].into(),
            row.long[2].into(),
            row.long[3].into(),
        ]);
    }
    table
}

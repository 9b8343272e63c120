//! `local-minima`: do the minima that a descent method finds from random starts obey the rates?
//!
//! # The question
//!
//! The paper's rates are those of the global minimum over a compact set of parameters and leave open what descent finds. Their proof uses one thing about the estimate: its sum of squares is at most the truth's. So there are minima
//!
//! ```text
//! below the truth:  Σ(y − f_G)² ≤ Σ(y − f_G*)²,  which the proof covers whatever the minimum is
//! above the truth:  Σ(y − f_G)² > Σ(y − f_G*)²,  of which it says nothing
//! ```
//!
//! The claim under test is that all of them obey: that a minimum reached from a random start has an error of order `n^{−1/2}` with a probability that tends to one. Counted are the random starts that end in a minimum (the method converged) whose regression error exceeds a level that every estimate with the rate is far below.
//!
//! The minima divide once more, into those inside of the box and those on its edge. A minimum on the edge is one of least squares over the compact set; a larger box has others.
//!
//! # Levels and regions
//!
//! *The level of the error.* Along `p` regular parameters `n ‖f_Ĝ − f_G*‖²/σ²` is a `χ²` with `p` degrees of freedom to first order; it is above `p + 2√(p t) + 2t` with probability at most `e^{−t}` (Laurent and Massart), and `t = 14` gives 10⁻⁶. An atom too many adds directions whose supremum is not a `χ²` but of its order: the level is taken at ten times that square,
//! `σ √(10 (p + 2√(p t) + 2t)/n)`.
//!
//! *The region.* If the claim held, the share of starts above the level would tend to 0: accepted is a share in `[0, .05]`. Each start has a sample of its own, so the outcomes are independent, and the intervals of Clopper and Pearson hold exactly. A share of .45 (`k = 2`) in 64 starts has an interval above .2 and is missed with probability below 10⁻⁶.
//!
//! Starts are uniform in the box. The twins are the starts before any descent, all of which are far from the truth, and the claim that a quarter of the starts *near the truth* end above the level: the statistic can say yes and no.
//!
//! *The Voronoi bound.* `local_constant` bounds `‖f_G − f_G*‖/(|m| + Σ tr M2)` from below with the Euclidean norm of the `3k*` numbers that `L1` adds up (a weight and two norms an atom), so `‖f_G − f_G*‖ ≥ c L1/√(3k*)` near the truth. Whether it holds at all minima, near or not, is a finding.

use moe_kernels::Activation;
use moe_theory::softmax::{Cubature, Inputs, Noise, local_constant};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::plain_gate::truth_table;
use crate::fits::{Fitted, Problem, grid, quartiles, region};
use crate::{
    CheckError, Column, Control, Evidence, Figure, Finding, Findings, Inexact, Label, Lemma, Parameter, Run, Scale,
    Table, statistics,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "local-minima",
    paper: "2503.03213",
    claim: "Open question: a minimum over a compact set of parameters that descent reaches from a random start obeys the rates, with a probability that tends to one in n.",
    scope: "Plain softmax gate, GELU experts, exactly specified k = k* = 2 (findings: one and two atoms more), x ~ U[-3, 3], one truth; a trust-region Newton method from starts uniform in a box around it; minima whose squared regression error exceeds ten times what the rate allows, at every n of the grid.",
    ledger: Label::Refuted,
    typical_seconds: 40.0,
    parameters: &[
        Parameter::integer(
            "starts",
            "random starts, each with a sample of its own, for each n; a quarter of them for k > 2",
            "",
            [64, 100_000],
            [64, 200, 800],
        ),
        Parameter::integer("atoms", "largest number k of fitted atoms", "", [2, 6], [3, 4, 4]),
        Parameter::integer("sizes", "sample sizes on a geometric grid", "", [3, 20], [3, 4, 5]),
        Parameter::integer("from", "smallest sample", "", [100, 1_000_000], [250, 500, 1000]),
        Parameter::integer("to", "largest sample", "", [400, 10_000_000], [2000, 4000, 32_000]).above("from"),
        Parameter::real("noise", "standard deviation of the noise", "", [1e-5, 1.0], [0.01, 0.01, 0.01]),
        Parameter::real(
            "half-width",
            "of the box around the range of the true parameters",
            "",
            [0.5, 20.0],
            [4.0, 4.0, 4.0],
        ),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.999;
/// Share of starts above the level that the claim is allowed.
const SHARE: f64 = 0.05;
/// Share of starts near the truth that a twin claims to end above the level.
const QUARTER: f64 = 0.25;
/// `k*`.
const TRUE_ATOMS: usize = 2;
/// Purpose of the stream of random starts; 1 is that of starts near the truth.
const RANDOM: u32 = 2;

/// A random start and where it ends, with the fit from near the truth beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Descent {
    random: Fitted,
    near: Fitted,
    /// Regression error at the start.
    start: f64,
    /// `n (objective − the truth's)/σ²` of the random start's fit.
    above: f64,
    /// Whether the Hessian at its end is positive definite.
    definite: bool,
}

impl Descent {
    fn is_below(&self) -> bool {
        self.random.converged && self.above <= 0.0
    }

    fn is_inside(&self) -> bool {
        self.random.converged && self.definite && !self.random.bounded
    }

    fn is_above(&self) -> bool {
        self.random.converged && self.above > 0.0
    }
}

fn problem(run: &Run<'_>, fitted: usize) -> Problem {
    let noise = Noise::Gaussian { deviation: run.real("noise") };
    Problem::reference(Activation::Gelu, fitted, noise, run.real("half-width"))
}

/// The regression error that no estimate with the rate exceeds; see the module.
fn level(run: &Run<'_>, parameters: usize, rows: usize) -> f64 {
    let (p, t) = (parameters as f64, 14.0);
    run.real("noise") * (10.0 * (p + 2.0 * (p * t).sqrt() + 2.0 * t) / rows as f64).sqrt()
}

fn descent(run: &Run<'_>, problem: &Problem, rule: &Cubature, rows: usize, unit: u64) -> Result<Descent, CheckError> {
    let sample = problem.sample(run, rows, unit)?;
    let coordinates = problem.coordinates();
    let bounds = problem.bounds(&coordinates);
    let mut random = run.substream(unit, RANDOM);
    let start: Vec<f64> = bounds.lower.iter().zip(&bounds.upper).map(|(l, u)| random.random_range(*l..=*u)).collect();
    let begin = coordinates.measure(&start);
    let error = rule.distance(|x| begin.value(&problem.class, x), |x| problem.truth.value(&problem.truth_class, x));
    let from_random = problem.fits(run, &sample, &[start])?.swap_remove(0);
    let near = problem.fits(run, &sample, &problem.starts(run, &coordinates, unit)?)?;
    let near = near.into_iter().min_by(|a, b| a.objective.total_cmp(&b.objective)).expect("a start");
    let truth = problem.objective_of_truth(&sample)?;
    Ok(Descent {
        start: error,
        above: rows as f64 * (from_random.objective - truth) / run.real("noise").powi(2),
        definite: from_random.conditioning > 0.0,
        random: problem.measured(rule, rows, &from_random)?,
        near: problem.measured(rule, rows, &near)?,
    })
}

/// The descents of one `k`: `rows[size][start]`.
struct Sweep {
    fitted: usize,
    parameters: usize,
    rows: Vec<Vec<Descent>>,
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let rule = Cubature::new(&Inputs::Uniform { low: vec![-3.0], high: vec![3.0] }).map_err(CheckError::theory)?;
    let sizes = grid(run.integer("from") as usize, run.integer("to") as usize, run.integer("sizes") as usize);
    let mut sweeps = Vec::new();
    for fitted in TRUE_ATOMS..=run.integer("atoms") as usize {
        let problem = problem(run, fitted);
        let all = run.integer("starts") as usize;
        let starts = if fitted == TRUE_ATOMS { all } else { all.div_ceil(4) };
        // Each size has samples of its own too.
        let rows = run.units(&format!("descents-{fitted}"), sizes.len() * starts, |unit| {
            descent(run, &problem, &rule, sizes[unit / starts], unit as u64)
        })?;
        let rows = rows.chunks(starts).map(<[_]>::to_vec).collect();
        sweeps.push(Sweep { fitted, parameters: problem.coordinates().count(), rows });
    }

    let (exact, last) = (&sweeps[0], sizes.len() - 1);
    let words =
        |n: usize, what: &str| format!("k = {TRUE_ATOMS}, n = {n}: share of {what} with an error above the level");
    // A share that does not fall is what the claim denies: every n is asked.
    let ending = |(rows, n): (&Vec<Descent>, &usize)| {
        let level = level(run, exact.parameters, *n);
        share(words(*n, "random starts that end in a minimum"), rows.iter(), [0.0, SHARE], |descent| {
            descent.random.converged && descent.random.error > level
        })
    };
    let evidence: Vec<Evidence> = exact.rows.iter().zip(&sizes).map(ending).collect();
    let (rows, size) = (&exact.rows[last], sizes[last]);
    let level = level(run, exact.parameters, size);
    let words = |what: &str| words(size, what);
    let controls = vec![
        Control::new(
            "random starts obey before any descent",
            share(words("random starts, before any descent,"), rows.iter(), [0.0, SHARE], |descent| {
                descent.start > level
            }),
        ),
        Control::new(
            "a quarter of the starts near the truth end above the level",
            share(words("starts near the truth that end"), rows.iter(), [QUARTER, 1.0], |descent| {
                descent.near.error > level
            }),
        ),
    ];
    let findings = findings(run, &rule, &sweeps, &sizes)?;
    let tables = vec![truth_table(&problem(run, TRUE_ATOMS).truth), shares(run, &sweeps, &sizes)];
    let figures = vec![Figure::new(
        "errors",
        "regression error of minima below and above the truth, k = 2",
        "k-2",
        "n",
        ["error below", "error above", "error near"],
        [Scale::Log; 2],
    )];
    let tables = tables.into_iter().chain(sweeps.iter().map(|sweep| table(sweep, &sizes))).collect();
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// A share of descents against its region.
fn share<'a>(
    statement: String,
    rows: impl Iterator<Item = &'a Descent>,
    accept: [f64; 2],
    of: impl Fn(&Descent) -> bool,
) -> Evidence {
    let (mut hits, mut trials) = (0, 0);
    for descent in rows {
        trials += 1;
        hits += u64::from(of(descent));
    }
    Evidence::estimate(statement, LEVEL, statistics::proportion(hits, trials, LEVEL), accept)
}

/// The slope of `log` of a quantity in `log n` over the fits that have it.
fn slope_of(sweep: &Sweep, sizes: &[usize], chosen: &dyn Fn(&Descent) -> Option<f64>) -> Option<statistics::Estimate> {
    // Every fit has a sample of its own, so a straight line through all points (log n, log value) has independent errors.
    let points =
        sweep.rows.iter().zip(sizes).flat_map(|(rows, size)| {
            rows.iter().filter_map(|descent| Some(((*size as f64).ln(), chosen(descent)?.ln())))
        });
    let (x, y): (Vec<f64>, Vec<f64>) = points.unzip();
    statistics::slope(&x, &y, LEVEL)
}

fn findings(run: &Run<'_>, rule: &Cubature, sweeps: &[Sweep], sizes: &[usize]) -> Result<Vec<Finding>, CheckError> {
    let mut findings = Vec::new();
    for sweep in sweeps {
        let k = sweep.fitted;
        let slope = |statement: &str, accept, chosen: &dyn Fn(&Descent) -> Option<f64>| {
            Evidence::estimate(
                format!("k = {k}: {statement}, slope in log n"),
                LEVEL,
                slope_of(sweep, sizes, chosen),
                accept,
            )
        };
        let below = |value: fn(&Fitted) -> f64| move |d: &Descent| d.is_below().then(|| value(&d.random));
        let error = below(|fit| fit.error);
        let far = |d: &Descent| d.is_above().then_some(d.random.error);
        let over = |d: &Descent| d.random.error > level(run, sweep.parameters, d.random.rows);
        let all = || sweep.rows.iter().flatten();
        let at = format!("k = {k}, all n: share of");
        findings.push(Finding::judged(
            format!("minima inside of the box, k = {k}"),
            "those that are not on the edge of the box obey: at most one random start of twenty ends inside of the box above the level",
            &[share(format!("{at} random starts that end in a minimum inside of the box above the level"), all(), [0.0, SHARE], |d| {
                d.is_inside() && over(d)
            })],
            &[Control::new(
                "random starts obey before any descent",
                share(format!("{at} random starts above the level"), all(), [0.0, SHARE], |d| d.start > level(run, sweep.parameters, d.random.rows)),
            )],
            json!({}),
        ));
        if k > TRUE_ATOMS {
            findings.push(Finding::judged(
                format!("minima from random starts, k = {k}"),
                "the claim with more atoms than there are: at most one random start of twenty ends in a minimum above the level",
                &[share(format!("{at} random starts that end in a minimum above the level"), all(), [0.0, SHARE], |d| {
                    d.random.converged && over(d)
                })],
                &[Control::new(
                    "random starts obey before any descent",
                    share(format!("{at} random starts above the level"), all(), [0.0, SHARE], |d| d.start > level(run, sweep.parameters, d.random.rows)),
                )],
                json!({}),
            ));
        }
        findings.push(Finding::judged(
            format!("minima below the truth, k = {k}"),
            "those whose sum of squares is at most the truth's have the rate n^(-1/2) of the regression error, from whatever start",
            &[slope("regression error of minima below the truth", region(0.5), &error)],
            &[Control::new("it does not fall", slope("regression error of minima below the truth", region(0.0), &error))],
            json!({}),
        ));
        findings.push(Finding::judged(
            format!("minima above the truth, k = {k}"),
            "the regression error of minima above the truth does not fall",
            &[slope("regression error of minima above the truth", region(0.0), &far)],
            &[Control::new(
                "that of minima below it does not fall",
                slope("regression error of minima below the truth", region(0.0), &error),
            )],
            json!({}),
        ));
        if k >= 2 * TRUE_ATOMS {
            // The flat family of common factors: no bound.
            continue;
        }
        let truth = problem(run, k);
        let mut constants = Vec::new();
        for split in cells(k) {
            let local = local_constant(&truth.class, &truth.truth, rule, &split).map_err(CheckError::theory)?;
            constants.push(json!({ "cells": split, "constant": local.constant }));
        }
        let least = |kind: &dyn Fn(&Descent) -> bool| {
            let ratios = all().filter(|d| kind(d)).map(|d| d.random.error / d.random.loss);
            Some(ratios.fold(f64::INFINITY, f64::min)).filter(|least| least.is_finite())
        };
        let local = constants.iter().filter_map(|c| c["constant"].as_f64()).fold(f64::INFINITY, f64::min);
        let predicted = local / (3.0 * TRUE_ATOMS as f64).sqrt();
        let found = least(&|d| d.random.converged);
        let bound = |statement: &str, from: f64| match found {
            // Quadrature and the loss are good to a relative 10⁻⁹.
            Some(least) => {
                Evidence::comparison(statement, [least * (1.0 - 1e-9), least * (1.0 + 1e-9)], [from, f64::INFINITY])
            }
            None => Evidence::unresolved(Inexact::Comparison, statement, [from, f64::INFINITY], "no minimum"),
        };
        findings.push(Finding::judged(
            format!("Voronoi bound, k = {k}"),
            "‖f_G − f_G*‖ ≥ c L1/√(3k*) with the local constant c at every minimum, below and above the truth, near it (where theory has the bound) and far from it (where it says nothing)",
            &[bound("least ratio of the regression error to L1 over all minima", predicted)],
            &[Control::new("the error is at least ten times L1", bound("the same ratio", 10.0))],
            json!({ "constants": constants, "below": least(&|d| d.is_below()), "above": least(&|d| d.is_above()) }),
        ));
    }
    Ok(findings)
}

/// The ways to fill two cells with `k` atoms.
fn cells(k: usize) -> Vec<Vec<usize>> {
    (1..k).map(|first| vec![first, k - first]).collect()
}

fn shares(run: &Run<'_>, sweeps: &[Sweep], sizes: &[usize]) -> Table {
    let heads = [
        "k",
        "n",
        "starts",
        "below, inside",
        "below, edge",
        "above, inside",
        "above, edge",
        "not converged",
        "above the level",
        "share",
        "share lower",
        "share upper",
        "level",
    ];
    let mut table = Table::new("shares", heads.map(|head| Column::new(head, "")));
    for sweep in sweeps {
        for (rows, size) in sweep.rows.iter().zip(sizes) {
            let level = level(run, sweep.parameters, *size);
            let count = |of: &dyn Fn(&Descent) -> bool| rows.iter().filter(|descent| of(descent)).count();
            let far = count(&|d| d.random.converged && d.random.error > level);
            let share = statistics::proportion(far as u64, rows.len() as u64, LEVEL);
            table.push([
                sweep.fitted.into(),
                (*size).into(),
                rows.len().into(),
                count(&|d| d.is_below() && !d.random.bounded).into(),
                count(&|d| d.is_below() && d.random.bounded).into(),
                count(&|d| d.is_above() && !d.random.bounded).into(),
                count(&|d| d.is_above() && d.random.bounded).into(),
                count(&|d| !d.random.converged).into(),
                far.into(),
                share.map(|e| e.value).into(),
                share.map(|e| e.interval[0]).into(),
                share.map(|e| e.interval[1]).into(),
                level.into(),
            ]);
        }
    }
    table
}

fn table(sweep: &Sweep, sizes: &[usize]) -> Table {
    let heads = ["n", "error below", "error above", "error near", "L1 below", "L1 above", "L1 near", "excess above"];
    let mut table = Table::new(format!("k-{}", sweep.fitted), heads.map(|head| Column::new(head, "")));
    for (rows, size) in sweep.rows.iter().zip(sizes) {
        let middle = |of: &dyn Fn(&Descent) -> Option<f64>| quartiles(rows.iter().filter_map(of).collect())[1].into();
        let below = |d: &Descent, value: f64| d.is_below().then_some(value);
        let above = |d: &Descent, value: f64| d.is_above().then_some(value);
        table.push([
            (*size).into(),
            middle(&|d| below(d, d.random.error)),
            middle(&|d| above(d, d.random.error)),
            middle(&|d| Some(d.near.error)),
            middle(&|d| below(d, d.random.loss)),
            middle(&|d| above(d, d.random.loss)),
            middle(&|d| Some(d.near.loss)),
            middle(&|d| above(d, d.above / *size as f64)),
        ]);
    }
    table
}

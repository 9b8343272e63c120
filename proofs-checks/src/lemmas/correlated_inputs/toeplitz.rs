//! The claims about several students, and about fine-tuning, under a Toeplitz covariance `Σ_ij = 2^{−|i−j|}`, in all coordinates.
//!
//! # What theory predicts
//!
//! Eigenvalues fill `(⅓, 3)`. Students turn to the low ones within `O(1)` (the lemma's documentation), and which teacher a student knows best after that is not what its initial overlaps say: greedy deflation, and with it the order, is not expected to survive; nor are the times of dipoles, whose overlap turns with them.
//! At the teacher the Hessian in the direction of a lagging router `a` is `E π'(v*·x)²(a·x)²h²`, of the size of `(A_1 − A_3)·aᵀΣa`: its lower end falls by a factor 3 or so, and with it the rate of fine-tuning.
//!
//! # What is judged
//!
//! That fine-tuning keeps its isotropic rate: bound and twin are those of `near.rs`, and isotropic inputs have to pass at the same dimension.
//!
//! The others are rows of the table without judgement, beside those of isotropic inputs from the same starts, with four times the time of `claims.rs`: the twin there does not hide its teacher at `d = 100`, where overlaps of `d^{−1/2}` and more are about the 0.107 from which they grow under a spike (`decay.rs`); closed forms of dipoles are off by `O(u)`, a tenth and
//! more; and the spectrum is dense at its lower end, so that no next eigenvalue tells the rate of the smallest one from others.
//! The floor of `1 − κ` is asked in `floors.rs`, what raw norms, `v·w` and `v*·w*` cost in `norms.rs`. SGD: a row of `sgd.rs`, without judgement.

use super::LEVEL;
use super::claims::{self, CLAIMS, Course, HIDING};
use super::law::Law;
use super::near::{self, Descent, RATE};
use super::students;
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};
use moe_kernels::Router;

/// The last is the twin of the rate.
const LAWS: [Law; 3] = [Law::Isotropic, Law::Toeplitz, HIDING];
/// Over the time of `claims.rs`.
const PATIENCE: f64 = 4.0;

pub(super) fn findings(run: &Run<'_>, starts: usize) -> Result<(Vec<Finding>, Table), CheckError> {
    let d = run.integer("toeplitz-dimension");
    let (matched, repelled) = (claims::matched(run, starts, d)?, claims::repelled(run, starts, d)?);
    let units = LAWS.len() * starts;
    let courses: Vec<Course> = run.units("toeplitz-claims", units, |unit| {
        let (start, inputs) = LAWS[unit / starts].start(run, claims::SHAPE, 0.0, d, matched[unit % starts])?;
        claims::course(run, &start, &inputs, PATIENCE)
    })?;
    let dipoles: Vec<Option<f64>> = run.units("toeplitz-dipoles", units, |unit| {
        let (start, inputs) = LAWS[unit / starts].start(run, [2, 1], 1.0, d, repelled[unit % starts])?;
        claims::dipole(run, &start, &inputs)
    })?;
    let reached: Vec<usize> = run.units("toeplitz-students", units, |unit| {
        students::reached(run, LAWS[unit / starts], d, (unit % starts) as u64)
    })?;
    let descents: Vec<Descent> = run
        .units("toeplitz-descents", units, |unit| near::descent(run, LAWS[unit / starts], d, (unit % starts) as u64))?;
    fn of<T>(rows: &[T], law: usize) -> &[T] {
        let n = rows.len() / LAWS.len();
        &rows[law * n..(law + 1) * n]
    }
    let both = |law: usize| {
        let all = |law: usize| of(&reached, law).iter().map(|reached| *reached == students::SHAPE[1]);
        all(law).zip(all(0)).filter(|(here, plain)| *here && *plain).count()
    };
    let rates = |law: usize| -> Option<Vec<f64>> { of(&descents, law).iter().map(|row| row.rate).collect() };
    let isotropic = 2.0 * (Router::Sigmoid.hermite().value(1) - Router::Sigmoid.hermite().value(3));

    let mut findings = Vec::new();
    let mut judge_rate = |law: usize, title: &str, item: Evidence, twin: Evidence| {
        findings.push(LAWS[law].finding(title, item, &Control::new("a spike along the expert", twin)));
    };
    let rate = |law: usize| {
        let statement = format!(
            "{}, d = {d}, m = 1: −d ln L/dt near the teacher over 2(A_1 − A_3), median over starts",
            LAWS[law].name()
        );
        let ratios = rates(law).map(|rates| rates.iter().map(|rate| rate / isotropic).collect::<Vec<f64>>());
        Evidence::estimate(statement, LEVEL, ratios.and_then(|ratios| statistics::median(&ratios, LEVEL)), RATE)
    };
    judge_rate(0, &format!("fine-tuning keeps its isotropic rate, d = {d}"), rate(0), rate(2));
    let passes = rate(0).holds() == Some(true);
    let here = if passes { rate(1) } else { rate(1).withheld("isotropic inputs do not pass there") };
    judge_rate(1, "fine-tuning keeps its isotropic rate", here, rate(2));

    let heads = [
        "inputs",
        "d",
        "starts",
        "as predicted",
        "routers follow",
        "pruned to the teachers",
        "gap",
        "reach both",
        "both here and isotropic",
        "dipoles",
        "dipole T/closed form",
        "rate",
        "2·smallest eigenvalue",
    ];
    let mut table = Table::new("toeplitz", heads.map(|head| Column::new(head, "")));
    let median = |values: &[f64]| statistics::median(values, LEVEL).map(|estimate| estimate.value);
    for (k, law) in LAWS.into_iter().enumerate() {
        let count = |claim: usize| of(&courses, k).iter().filter(|course| CLAIMS[claim].2(course)).count();
        let gaps: Vec<f64> = of(&courses, k).iter().filter_map(|course| course.gap).collect();
        let times: Vec<f64> = of(&dipoles, k).iter().filter_map(|ratio| *ratio).collect();
        let lowest: Vec<f64> = of(&descents, k).iter().map(|row| 2.0 * row.eigenvalues[0]).collect();
        table.push([
            law.name().into(),
            d.into(),
            starts.into(),
            count(0).into(),
            count(1).into(),
            count(2).into(),
            median(&gaps).into(),
            of(&reached, k).iter().filter(|reached| **reached == students::SHAPE[1]).count().into(),
            both(k).into(),
            times.len().into(),
            median(&times).into(),
            rates(k).and_then(|rates| median(&rates)).into(),
            median(&lowest).into(),
        ]);
    }
    Ok((findings, table))
}

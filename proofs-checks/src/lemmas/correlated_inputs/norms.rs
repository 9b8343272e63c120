//! What raw norms, `v·w` and `v*·w*` cost under a Toeplitz covariance, in all coordinates.
//!
//! # What theory predicts (derived here)
//!
//! The loss does not see raw norms, whatever the law of the inputs is: its gradient at `r` times the weights is `1/r` of that at the weights, norms are conserved, and normalised vectors move at `1/r²`. So if all raw norms are `√2` every time is exactly twice as long. If those of the experts alone are, it is not: routers, faster by comparison, change the time by what they add to the force on the expert: by 10⁻³ under isotropic inputs and 5·10⁻³ here (measured at `d = 100`).
//! `v·w ≠ 0` turns apart first (`starts.rs`), but so does all else under `Σ`, at rates of the same order, and no constant is foretold: rows without judgement.
//!
//! # Where the bounds come from
//!
//! The flow of raw weights itself is integrated, `dθ/dt = −∂L/∂θ`, which knows nothing of conserved norms or rates, by the method of Runge and Kutta of order 4 with steps `h = 1/128`. Rates are some 32 at first (`5.28·3`, twice that at `w̄ᵀΣw̄ = 1.3`) and fall with the variance: relative errors of the time are `(32/128)⁴/120 = 3·10⁻⁵`, more only where the overlap lingers; bisection of the last step adds `10⁻⁶`. So the median ratio of the times is within `10⁻⁴` of 2.
//! The twin has the norm `√2` of the expert alone. Starts that do not reach ½ with `v ⟂ w` and norms 1 are not followed further.

use std::f64::consts::SQRT_2;

use moe_theory::soft_routed::{GeneralLoss, Inputs, Start, TeacherOverlaps};

use super::law::Law;
use super::{LEVEL, eligible};
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

const LAWS: [Law; 2] = [Law::Isotropic, Law::Toeplitz];
/// How a start, or its teacher, is changed; norms are those of the router and the expert.
type Setting = (&'static str, fn(Start) -> Start);
const SETTINGS: [Setting; 6] = [
    ("v·w = 0", |start| start),
    ("norms (√2, √2)", |start| start.with_raw_norms(SQRT_2, SQRT_2)),
    ("norms (1, √2)", |start| start.with_raw_norms(1.0, SQRT_2)),
    ("v·w = ½", |start| start.with_own_overlaps(0.5)),
    ("v·w = ½, norms (1, √2)", |start| start.with_own_overlaps(0.5).with_raw_norms(1.0, SQRT_2)),
    ("v*·w* = 0.3", |start| {
        let overlaps = TeacherOverlaps { routers: 0.0, experts: 0.0, own: 0.3 };
        start.with_overlapping_teacher(overlaps).expect("an overlap of two units")
    }),
];
const STEP: f64 = 1.0 / 128.0;
/// Length of the last step over the first.
const LAST: f64 = 1e-6;
/// When to give up, at norms 1: closed-form times are 2.2 or less at `d = 100`, `κ√d ≥ 1`, and grow as `√d`. Twice that at norms √2, and a little more.
const PATIENCE: f64 = 0.8;
const TWICE: [f64; 2] = [1.9999, 2.0001];

pub(super) fn findings(run: &Run<'_>, starts: usize) -> Result<(Vec<Finding>, Table), CheckError> {
    let d = run.integer("toeplitz-dimension");
    let replicates = eligible(run, 1, starts)?;
    let times: Vec<[Option<f64>; SETTINGS.len()]> = run.units("toeplitz-norms", LAWS.len() * starts, |unit| {
        let (start, inputs) = LAWS[unit / starts].start(run, [1, 1], 0.0, d, replicates[unit % starts])?;
        let until = PATIENCE * (d as f64).sqrt();
        let mut times = [None; SETTINGS.len()];
        for (setting, (seen, (_, change))) in times.iter_mut().zip(SETTINGS).enumerate() {
            run.proceed()?;
            let start = change(start.clone());
            *seen = time(&start, &inputs, 1.01 * until * start.norms()[1].powi(2));
            if seen.is_none() && setting == 0 {
                break;
            }
        }
        Ok(times)
    })?;
    let of = |law: usize| &times[law * starts..(law + 1) * starts];
    // Of the starts that reach ½ both ways.
    let ratios = |law: usize, setting: usize| -> Vec<f64> {
        of(law).iter().filter_map(|row| Some(row[setting]? / row[0]?)).collect()
    };
    let mut table = Table::new(
        "toeplitz-starts",
        [
            "inputs",
            "start",
            "d",
            "starts followed",
            "reach ½",
            "T median",
            "over v·w = 0, norms 1",
            "lowest",
            "highest",
        ]
        .map(|head| Column::new(head, "")),
    );
    let mut findings = Vec::new();
    for (k, law) in LAWS.into_iter().enumerate() {
        let twice = |setting: usize| {
            let statement = format!(
                "{}, m = 1, d = {d}, {}: time of the expert overlap ½ over that with norms 1 from the same start, median over starts",
                law.name(),
                SETTINGS[setting].0
            );
            Evidence::estimate(statement, LEVEL, statistics::median(&ratios(k, setting), LEVEL), TWICE)
        };
        findings.push(law.finding(
            &format!("raw norms √2 double the time exactly, d = {d}"),
            twice(1),
            &Control::new("the norm of the expert alone", twice(2)),
        ));
        for (setting, (name, _)) in SETTINGS.into_iter().enumerate() {
            let times: Vec<f64> = of(k).iter().filter_map(|row| row[setting]).collect();
            let mut ratios = ratios(k, setting);
            ratios.sort_by(f64::total_cmp);
            let middle = |values: &[f64]| statistics::median(values, LEVEL).map(|estimate| estimate.value);
            table.push([
                law.name().into(),
                name.into(),
                d.into(),
                // The first setting's starts, and of these for the others those that reach ½ there.
                if setting == 0 { starts } else { of(k).iter().filter(|row| row[0].is_some()).count() }.into(),
                times.len().into(),
                middle(&times).into(),
                middle(&ratios).into(),
                ratios.first().copied().into(),
                ratios.last().copied().into(),
            ]);
        }
    }
    Ok((findings, table))
}

/// When the flow of the raw weights of one student reaches the expert overlap ½ from below, if it does by `until`.
fn time(start: &Start, inputs: &Inputs, until: f64) -> Option<f64> {
    let general = GeneralLoss::under(start, inputs);
    let (n, target) = (start.coordinates(), start.teacher().expert(0));
    let mut state = start.state();
    state.chunks_exact_mut(n).zip(start.norms()).for_each(|(x, norm)| x.iter_mut().for_each(|x| *x *= norm));
    let overlap = |state: &[f64]| {
        let expert = &state[n..];
        let [along, square] = [target, expert].map(|other| expert.iter().zip(other).map(|(x, y)| x * y).sum::<f64>());
        along / square.sqrt()
    };
    if overlap(&state) >= 0.5 {
        return None;
    }
    let (mut now, mut step) = (0.0, STEP);
    while now < until {
        let next = advance(&general, &state, step);
        if overlap(&next) < 0.5 {
            (state, now) = (next, now + step);
        } else if step < LAST * STEP {
            return Some(now);
        } else {
            step *= 0.5;
        }
    }
    None
}

/// A step of the method of Runge and Kutta of order 4.
fn advance(general: &GeneralLoss, state: &[f64], step: f64) -> Vec<f64> {
    let mut next = state.to_vec();
    let mut slope = vec![0.0; state.len()];
    let mut at = state.to_vec();
    for (ahead, weight) in [(0.5, 1.0), (0.5, 2.0), (1.0, 2.0), (0.0, 1.0)] {
        general.gradient(&at, &mut slope);
        for (((next, at), x), slope) in next.iter_mut().zip(&mut at).zip(state).zip(&slope) {
            *next -= step * weight / 6.0 * slope;
            *at = x - ahead * step * slope;
        }
    }
    next
}

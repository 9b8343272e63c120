//! The overlap with a teacher's expert that carries a spike: how it dies out.
//!
//! # What theory predicts (derived here)
//!
//! Under `N(0, I + λw*w*ᵀ)` the student's own loss gives `dκ/dt = −5.28λκ` (the lemma's documentation). Against it stands the teacher: with `E X_3X_4 = (1+λ)κ` and variances `1 + λκ²` and `1 + λ` of the two experts,
//!
//! ```text
//! E f f* = Φ_00(0)·[6(1+λ)³κ³ + 9λκ²·λ·(1+λ)κ] + … = Φ_00(0)·66κ³ at λ = 1,      so dκ/dt = −5.28κ + 49.5κ²:
//! ```
//!
//! zero attracts every overlap below 0.107, that of a random start included. Between `t = ½` and 1 the overlap is `0.07κ_0` and less, and the teacher's term moves the rate by `3.3κ(½)`, relatively: 0.014 at `κ_0 = 0.04` (`c = 4` at `d = 10⁴`). Forces that do not fall with `κ` are
//! `O(d^{−3/2})`, against `5·10⁻³d^{−1/2}`. ±0.05 holds that; the rate 4.5 of a teacher in place of 5.28 is off by 0.17. Under isotropic inputs `d ln κ/dt = 4.5κ > 0`.

use moe_theory::soft_routed::{Flow, GeneralLoss, Stop};

use super::law::Law;
use super::{LEVEL, finished};
use crate::{CheckError, Evidence, Run, statistics};

/// The times between which `ln κ` is read.
const BETWEEN: [f64; 2] = [0.5, 1.0];

/// `d ln κ/dt` of the best pair of each start; none where the overlap does not stay positive.
pub(super) struct Growths {
    students: usize,
    isotropic: Vec<Option<f64>>,
    spike: Vec<Option<f64>>,
}

pub(super) fn growths(run: &Run<'_>, replicates: &[u64]) -> Result<Growths, CheckError> {
    let n = replicates.len();
    let mut isotropic = run.units("decay", 2 * n, |unit| {
        growth(run, [Law::Isotropic, Law::SpikeExpert][unit / n], replicates[unit % n])
    })?;
    let spike = isotropic.split_off(n);
    Ok(Growths { students: run.integer("students") as usize, isotropic, spike })
}

fn growth(run: &Run<'_>, law: Law, replicate: u64) -> Result<Option<f64>, CheckError> {
    let students = run.integer("students") as usize;
    let (start, inputs) = law.start(run, [students, 1], 0.0, run.integer("dimension"), replicate)?;
    let (student, teacher, _) = start.order_parameters().best_pair();
    let general = GeneralLoss::under(&start, &inputs);
    let mut overlaps = [f64::NAN; 2];
    let interrupted = |_: f64| run.proceed().is_err();
    let outcome = Flow::new(&start).tolerance(1e-10).under(&general).monitor(&interrupted).run(
        BETWEEN[1],
        &[],
        &BETWEEN,
        |k, state| overlaps[k] = state.expert(student, teacher),
        |_, _| Stop::No,
    );
    finished(run, outcome.map(drop))?;
    let rate = (overlaps[1] / overlaps[0]).ln() / (BETWEEN[1] - BETWEEN[0]);
    Ok((overlaps[0] > 0.0 && rate.is_finite()).then_some(rate))
}

impl Growths {
    /// Median under the spike, over `unit`.
    pub(super) fn of_spike(&self, unit: f64, over: &str, accept: [f64; 2]) -> Evidence {
        self.median(Law::SpikeExpert, &self.spike, unit, over, accept)
    }

    pub(super) fn of_isotropic(&self, accept: [f64; 2]) -> Evidence {
        self.median(Law::Isotropic, &self.isotropic, 1.0, "", accept)
    }

    fn median(&self, law: Law, growths: &[Option<f64>], unit: f64, over: &str, accept: [f64; 2]) -> Evidence {
        let known: Vec<f64> = growths.iter().flatten().map(|rate| rate / unit).collect();
        let statement = format!(
            "{}, m = {}: d ln κ/dt of the best pair from t = {} to {}{over}, median over starts",
            law.name(),
            self.students,
            BETWEEN[0],
            BETWEEN[1]
        );
        Evidence::estimate(statement, LEVEL, statistics::median_of_all(&known, growths.len(), LEVEL), accept)
    }
}

//! All overlaps of dormant students with a learned expert scaled together: the reading of `δ` under which `1 − κ` does fall.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, OrderParameters, Start, Stop, StudentTeacher};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::axes::{axis, beside};
use crate::{CheckError, Run};

/// Sizes of dormant overlaps.
const SIZES: [f64; 3] = [1e-2, 5e-3, 2.5e-3];

/// The expert rests after a few units of `1/5.28`; a dormant student of overlap 0.03 wakes after 72.
const UNTIL: f64 = 20.0;

/// A learned pair beside dormant students whose overlaps with it are scaled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Scaled {
    largest: f64,
    pub(super) expert: f64,
    /// `1 − κ` at the later reading.
    pub(super) later: f64,
}

/// `[replicate][size]`, read once more a time `later`.
pub(super) fn scaled(run: &Run<'_>, later: f64) -> Result<Vec<Vec<Scaled>>, CheckError> {
    run.units("scaled", run.integer("replicates") as usize, |unit| {
        let scaled = |size: &f64| {
            let [expert, later] = deficits(run, unit, *size, later)?;
            Ok(Scaled { largest: *size, expert, later })
        };
        SIZES.iter().map(scaled).collect()
    })
}

/// `1 − κ` some time `later` over `1 − κ`, for each start, beside dormant students that are soon to wake: `1/u²` of the largest overlap, 2200 at the first reading, falls by `15.34·later`.
pub(super) fn waking(run: &Run<'_>, later: f64) -> Result<Vec<f64>, CheckError> {
    const SIZE: f64 = 0.02;
    run.units("waking", run.integer("replicates") as usize, |unit| {
        let [first, last] = deficits(run, unit, SIZE, later)?;
        Ok(last / first)
    })
}

/// `1 − κ` at rest and a time `later`, for the start of this number with the largest of its dormant overlaps scaled to `size`, so that no draw wakes a student by itself.
fn deficits(run: &Run<'_>, unit: usize, size: f64, later: f64) -> Result<[f64; 2], CheckError> {
    let mut stream = run.stream(unit as u64);
    let dormant = run.integer("students") - 1;
    let draws: Vec<f64> = (0..dormant).map(|_| StandardNormal.sample(&mut stream)).collect();
    let largest = draws.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
    let overlaps: Vec<f64> = draws.iter().map(|x| size * x / largest).collect();
    let start = beside_a_learned_pair(&overlaps)?;
    let mut deficits = [0.0; 2];
    let read = |k: usize, state: OrderParameters| deficits[k] = 1.0 - state.expert(0, 0);
    let (flow, until) = (Flow::new(&start).tolerance(1e-10), UNTIL + later);
    run.follow(flow, until, &[], &[UNTIL, until], read, |_, _| Stop::No)?;
    Ok(deficits)
}

/// For each start, the exponent of `1 − κ`, at one of its readings, in the largest dormant overlap.
pub(super) fn exponents(scaled: &[Vec<Scaled>], reading: impl Fn(&Scaled) -> f64) -> Vec<f64> {
    let slope = |rows: &Vec<Scaled>| {
        let (a, b) = rows.first().zip(rows.last())?;
        Some((reading(b).ln() - reading(a).ln()) / (b.largest.ln() - a.largest.ln())).filter(|slope| slope.is_finite())
    };
    scaled.iter().filter_map(slope).collect()
}

/// Student 0 at the teacher, the others with these overlaps of their experts with it and otherwise along directions of their own.
fn beside_a_learned_pair(overlaps: &[f64]) -> Result<Start, CheckError> {
    let dimension = 2 + 2 * overlaps.len();
    let axis = |k: usize| axis(dimension, k);
    let teacher = [vec![axis(0)], vec![axis(1)]];
    let (mut routers, mut experts) = (vec![axis(0)], vec![axis(1)]);
    for (k, &kappa) in overlaps.iter().enumerate() {
        routers.push(axis(2 + 2 * k));
        experts.push(beside(dimension, &[(1, kappa)], 3 + 2 * k));
    }
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&routers, &experts], [&teacher[0], &teacher[1]]);
    Ok(Start::reduce(&model.map_err(CheckError::theory)?))
}

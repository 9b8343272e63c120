//! Routers whose experts are held back.
//!
//! At overlaps of order `ε = d^{−1/2}` and orthogonal students the correlation of student `i` with teacher `j` is `6κ³Φ_00(β)` and terms with the factor `(v_i·w*_j)(v*_j·w_i)κ²`: of the force on `v_i` only `6κ_ij³Φ_11(β_ij)` points along `v*_j`, the
//! others along `w*_j`, which is orthogonal to every teacher's router. Two students correlate at order `ε⁶`. So while `κ` is held every router follows `dβ/dt = 6κ³Φ_11(β)(1−β²)`, up to what normalisation takes for the other teachers, a factor `1 − O(ε²)`.
//!
//! The time is three times the last free recovery's and 30, `T = 3√d/(4.5c) + 30` with the smallest overlap `c ≥ ¼` in units of `ε`: at `d = 10⁴` at most 297. Among the 384 normal overlaps of 48 runs one above 5.5 has probability below `10⁻⁵`; such a `κ = 0.055`
//! moves its router by `6κ³A_1²T = 0.013`. What the law leaves out is of relative order 0.01, with a factor up to ten: 0.001 is accepted. Raw norms of a thousand let `κ` grow by the part `4.5κT·10⁻⁶ < 10⁻⁴`. A law with `κ²` moves the router of the median largest overlap of a run, `κ = 0.014`, by
//! `6κ²A_1²T ≥ 0.004` even at the shortest time, the largest of 48 runs by more.

use moe_kernels::Router;
use moe_theory::soft_routed::{FlowError, Start};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::pursuit::{Follower, Law, PATIENCE, track};
use crate::{CheckError, Evidence, Run};

/// Raw norm that freezes an expert.
pub(super) const FROZEN: f64 = 1e3;
/// What the overlaps of dormant routers may differ from the law by.
const OFF: f64 = 1e-3;
/// Error of an overlap at the end: steps of local error 10⁻⁶ at most, relative to `d^{−1/2}`, a thousand of them at most.
const ERROR: f64 = 1e-5;

/// One run with its experts held.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    /// The pairs that would align, each router timed against the moment at which its free expert would reach ½.
    pub(super) pairs: Vec<Follower>,
    /// At the end, the largest overlap of a router with a teacher.
    largest: f64,
    /// Then, the largest deviation of such an overlap from the law, and from a law with `κ²`.
    off: [f64; 2],
}

/// Follows, with experts held back by the raw norm `held`, for three times the longest time of the pairs that would align.
pub(super) fn pursue(run: &Run<'_>, start: &Start, held: f64) -> Result<Held, CheckError> {
    let claims = start.claims();
    let pairs: Vec<Follower> =
        claims.iter().map(|claim| Follower::new(claim.student, claim.teacher, claim.time, 1.0)).collect();
    let until = claims.iter().fold(0.0_f64, |last, claim| last.max(3.0 * claim.time)) + PATIENCE;
    let (pairs, end) = track(run, &start.clone().with_raw_norms(1.0, held), until, pairs, |_, _, _| None)?;
    let end = end.ok_or_else(|| CheckError::theory(FlowError::Stopped { time: until }))?;
    let (before, law) = (start.order_parameters(), Law::new(Router::Sigmoid));
    let mut row = Held { pairs, largest: f64::MIN, off: [0.0; 2] };
    for (i, j, kappa) in before.pairs() {
        let beta = end.router(i, j);
        row.largest = row.largest.max(beta);
        for (power, off) in [3, 2].into_iter().zip(&mut row.off) {
            let drifted = law.drift(6.0 * kappa.powi(power), before.router(i, j), until);
            *off = off.max((beta - drifted).abs());
        }
    }
    Ok(row)
}

/// The largest deviation of all runs from the law, and, as its twin, from a law with `κ²`.
pub(super) fn dormant(rows: &[Held], dimension: u64) -> [Evidence; 2] {
    let largest = |of: &dyn Fn(&Held) -> f64| rows.iter().map(of).fold(f64::MIN, f64::max);
    [(0, "6κ³Φ_11(β)(1−β²)"), (1, "6κ²Φ_11(β)(1−β²)")].map(|(entry, law)| {
        let off = largest(&|row| row.off[entry]);
        let statement = format!(
            "experts frozen, d = {:e}: deviation of a router's overlap with a teacher from that by dβ/dt = {law} at the held κ, at three times the free experts' time, the largest over all runs and pairs",
            dimension as f64
        );
        Evidence::comparison(statement, [(off - ERROR).max(0.0), off + ERROR], [0.0, OFF])
            .with_witness(json!({ "largest router overlap": largest(&|row| row.largest) }))
    })
}

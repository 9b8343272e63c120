//! The flows in which routers are timed against their experts, and the law that they are held against.

use std::cell::Cell;
use std::collections::HashMap;

use moe_kernels::{CovarianceTable, Router};
use moe_theory::soft_routed::{Event, Flow, FlowError, OrderParameters, Start, Stop, Watch};
use serde::{Deserialize, Serialize};

use crate::{CheckError, Run};

/// Router overlaps at which the rate is measured, and half the distance between the crossings that measure it.
pub(in crate::lemmas) const LEVELS: [f64; 6] = [0.05, 0.1, 0.3, 0.5, 0.7, 0.9];
const HALF: f64 = 0.005;
/// The places in [`LEVELS`] of the router's onset, alignment and completion: 0.05, ½ and 0.9.
pub(super) const STAGES: [usize; 3] = [0, 3, 5];
/// Time after the expert's alignment within which its router is expected at ½ and at 0.9; the law needs 2.39 and 5.90.
pub(super) const PATIENCE: f64 = 30.0;

/// One pair of one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::lemmas) struct Follower {
    pub(super) student: usize,
    pub(super) teacher: usize,
    /// `‖v‖²`.
    pub(super) inertia: f64,
    /// Time at which its expert reaches ½, and its router's overlap then: measured, by the law, and at the start.
    pub(super) expert: f64,
    pub(super) at_expert: Option<[f64; 3]>,
    /// Time at which its router reaches ½; the lags of the three [`STAGES`] behind the expert by the law.
    pub(super) router: Option<f64>,
    pub(super) lags: Option<[f64; 3]>,
    /// At each of [`LEVELS`], where the router got that far: time, `κ`, measured rate.
    pub(super) rates: Vec<Option<[f64; 3]>>,
}

impl Follower {
    pub(super) fn new(student: usize, teacher: usize, expert: f64, inertia: f64) -> Self {
        let rates = vec![None; LEVELS.len()];
        Self { student, teacher, inertia, expert, at_expert: None, router: None, lags: None, rates }
    }

    /// Whether the router reaches ½ and 0.9 after its expert and in time.
    pub(super) fn follows(&self) -> bool {
        let in_time = |stage| self.delay(stage).is_some_and(|delay| 0.0 < delay && delay < PATIENCE);
        in_time(1) && in_time(2)
    }

    /// Time from the expert's ½ to one of the three [`STAGES`] of the router.
    pub(super) fn delay(&self, stage: usize) -> Option<f64> {
        let time = if stage == 1 { self.router? } else { self.rates[STAGES[stage]]?[0] };
        Some(time - self.expert)
    }

    /// Student and teacher.
    pub(in crate::lemmas) fn pair(&self) -> (usize, usize) {
        (self.student, self.teacher)
    }

    /// The router's overlap when the expert reaches ½.
    pub(in crate::lemmas) fn standing(&self) -> Option<f64> {
        Some(self.at_expert?[0])
    }

    /// The lag behind the expert, over that of the law.
    pub(super) fn delay_over_law(&self, stage: usize) -> Option<f64> {
        Some(self.delay(stage)? / self.lags?[stage])
    }

    /// The measured rate times `‖v‖²`, over a law.
    pub(super) fn rate_over(&self, level: usize, law: &dyn Fn(f64, f64) -> f64) -> Option<f64> {
        self.rates[level].map(|[_, kappa, rate]| rate * self.inertia / law(kappa, LEVELS[level]))
    }

    /// Whether it is the same pair in another run.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.student, self.teacher) == (other.student, other.teacher)
    }
}

/// Of a number of each pair of one run the one that is furthest from `expected`: what holds for it holds for every pair. None where some pair has no such number.
pub(super) fn furthest(pairs: &[Follower], expected: f64, of: &dyn Fn(&Follower) -> Option<f64>) -> Option<f64> {
    let numbers: Option<Vec<f64>> = pairs.iter().map(of).collect();
    numbers?.into_iter().max_by(|a, b| (a - expected).abs().total_cmp(&(b - expected).abs()))
}

/// Of each run with as many pairs the lag furthest from that of the law, over it; runs with a pair without a lag are left out.
pub(in crate::lemmas) fn delays_over_law(rows: &[Vec<Follower>], pairs: usize) -> Vec<f64> {
    let whole = rows.iter().filter(|row| row.len() == pairs);
    whole.filter_map(|row| furthest(row, 1.0, &|pair| pair.delay_over_law(1))).collect()
}

/// The coupled law of the module's documentation.
pub(in crate::lemmas) struct Law {
    table: CovarianceTable,
}

impl Law {
    pub(in crate::lemmas) fn new(router: Router) -> Self {
        Self { table: CovarianceTable::new(router, 2) }
    }

    pub(in crate::lemmas) fn router(&self, kappa: f64, beta: f64) -> f64 {
        6.0 * kappa.powi(3) * self.table.value(1, 1, beta) * (1.0 - beta * beta)
    }

    fn expert(&self, kappa: f64, beta: f64) -> f64 {
        18.0 * self.table.value(0, 0, beta) * kappa * kappa * (1.0 - kappa * kappa)
    }

    /// The router's overlap when the expert of the pair that begins at `(κ_0, β_0)` reaches ½. Halving the steps changes the sixth digit at most.
    fn at_expert(&self, kappa: f64, beta: f64) -> f64 {
        let mut y = [kappa, beta];
        let steps = 400;
        for _ in 0..steps {
            // dβ/dκ: the waiting time does not appear.
            let slope = |[k, b]: [f64; 2]| [1.0, self.router(k, b) / self.expert(k, b)];
            y = step((0.5 - kappa) / f64::from(steps), y, &slope);
        }
        y[1]
    }

    /// Times from `(κ, β)` until the router is at each of the three [`STAGES`]; [`PATIENCE`] where that is later. Halving the steps changes the fifth digit at most.
    pub(super) fn lags(&self, kappa: f64, beta: f64) -> [f64; 3] {
        let field = |[k, b]: [f64; 2]| [self.expert(k, b), self.router(k, b)];
        let (h, mut time, mut y) = (0.02, 0.0, [kappa, beta]);
        STAGES.map(|stage| {
            let level = LEVELS[stage];
            while time < PATIENCE {
                let next = step(h, y, &field);
                if next[1] >= level {
                    // The rate hardly changes within a step: the secant is exact to h² times its slope.
                    return time + h * (level - y[1]) / (next[1] - y[1]);
                }
                (y, time) = (next, time + h);
            }
            PATIENCE
        })
    }

    /// Where `time` units of `dβ/dt = speed·Φ_11(β)(1−β²)` lead from `beta`: the router of an expert that does not move.
    pub(super) fn drift(&self, speed: f64, beta: f64, time: f64) -> f64 {
        let field = |[_, b]: [f64; 2]| [0.0, speed * self.table.value(1, 1, b) * (1.0 - b * b)];
        // Overlaps move by less than 0.1, along a field that is smooth on the scale of 1: the error is below 10⁻⁸.
        let steps = 16;
        (0..steps).fold([0.0, beta], |y, _| step(time / f64::from(steps), y, &field))[1]
    }
}

/// A step of the classical Runge-Kutta method of order four.
fn step(h: f64, y: [f64; 2], f: &dyn Fn([f64; 2]) -> [f64; 2]) -> [f64; 2] {
    let along = |k: [f64; 2], a: f64| [y[0] + a * h * k[0], y[1] + a * h * k[1]];
    let k1 = f(y);
    let k2 = f(along(k1, 0.5));
    let k3 = f(along(k2, 0.5));
    let k4 = f(along(k3, 1.0));
    std::array::from_fn(|i| y[i] + h * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]) / 6.0)
}

/// Follows the first `pairs` pairs from one start, the first student of each teacher, in the order in which their experts align. The run has a parameter `tolerance`.
pub(in crate::lemmas) fn pursue(run: &Run<'_>, start: &Start, pairs: usize) -> Result<Vec<Follower>, CheckError> {
    let (overlaps, norms, law) = (start.order_parameters(), start.norms(), Law::new(start.router));
    let Some(last) = start.claims().into_iter().take(pairs).next_back() else { return Ok(Vec::new()) };
    let until = 3.0 * last.time + PATIENCE;
    let mut waited: f64 = 0.0;
    let tracked = track(run, start, until, Vec::new(), |found, event, state| {
        let (i, j) = (event.student, event.other);
        if found.iter().any(|pair| pair.teacher == j) {
            return None;
        }
        let inertia = norms[i].powi(2);
        let mut pair = Follower::new(i, j, event.time, inertia);
        let at_expert = law.at_expert(overlaps.expert(i, j), overlaps.router(i, j));
        pair.at_expert = Some([state.router(i, j), at_expert, overlaps.router(i, j)]);
        pair.lags = Some(law.lags(0.5, at_expert));
        found.push(pair);
        waited = waited.max(event.time + PATIENCE * inertia.max(norms[overlaps.students() + i].powi(2)));
        (found.len() == pairs).then_some(waited)
    })?;
    Ok(tracked.0)
}

/// Times the routers of `pairs` along a flow, and gives the state at `until`, if the flow gets there. `aligned` is told each expert that reaches ½, may add its pair, and may shorten the flow.
pub(super) fn track(
    run: &Run<'_>,
    start: &Start,
    until: f64,
    mut pairs: Vec<Follower>,
    mut aligned: impl FnMut(&mut Vec<Follower>, Event, &OrderParameters) -> Option<f64>,
) -> Result<(Vec<Follower>, Option<OrderParameters>), CheckError> {
    // The rate of β by its crossings on both sides of each level.
    let sides = LEVELS.iter().flat_map(|level| [Watch::Router(level - HALF), Watch::Router(level + HALF)]);
    let watches: Vec<Watch> = [Watch::Expert(0.5), Watch::Router(0.5)].into_iter().chain(sides).collect();
    let mut entered: HashMap<(usize, usize, usize), (f64, f64)> = HashMap::new();
    let (end, mut last) = (Cell::new(until), None);
    let ended = |time: f64| time >= end.get() || run.proceed().is_err();
    let flow = Flow::new(start).tolerance(run.real("tolerance")).monitor(&ended);
    let outcome = flow.run(
        until,
        &watches,
        &[until],
        |_, state| last = Some(state),
        |event, state| {
            let (i, j, time) = (event.student, event.other, event.time);
            if event.watch == 0 {
                end.set(aligned(&mut pairs, event, state).unwrap_or(end.get()));
                return Stop::No;
            }
            let Some(pair) = pairs.iter_mut().find(|pair| (pair.student, pair.teacher) == (i, j)) else {
                return Stop::No;
            };
            if event.watch == 1 {
                pair.router = pair.router.or(Some(time));
                return Stop::No;
            }
            let (level, second) = ((event.watch - 2) / 2, event.watch % 2 == 1);
            let kappa = state.expert(i, j);
            if !second {
                entered.entry((i, j, level)).or_insert((time, kappa));
            } else if let (Some((since, before)), None) = (entered.get(&(i, j, level)), pair.rates[level]) {
                let rate = 2.0 * HALF / (time - since);
                pair.rates[level] = Some([0.5 * (time + since), 0.5 * (kappa + before), rate]);
            }
            Stop::No
        },
    );
    run.proceed()?;
    match outcome {
        Ok(_) | Err(FlowError::Stopped { .. }) => Ok((pairs, last)),
        Err(error) => Err(CheckError::theory(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_are_those_of_the_documentation() {
        let lags = Law::new(Router::Sigmoid).lags(0.5, 0.0082);
        assert!((lags[1] - 2.39).abs() < 0.01 && (lags[2] - 5.90).abs() < 0.01, "{lags:?}");
    }

    /// An aligned expert does not move either.
    #[test]
    fn drift_inverts_the_lag_behind_an_aligned_expert() {
        let law = Law::new(Router::Sigmoid);
        for (stage, lag) in STAGES.into_iter().zip(law.lags(1.0, 0.0)) {
            let drifted = law.drift(6.0, 0.0, lag);
            assert!((drifted - LEVELS[stage]).abs() < 1e-4, "{drifted}");
        }
    }
}

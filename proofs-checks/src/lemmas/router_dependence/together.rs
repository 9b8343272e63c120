//! Routers with `A_0 = 0` align together with their experts, not after them.
//!
//! # The passage that all starts share (derived here)
//!
//! The quartic form `E = κ³β + 3κ²ab` of small overlaps drives them along its gradient, and the direction of fastest growth wins: on `κ² + β² + a² + b² = 1` it is largest at `κ : β : a : b = 3 : 1 : √3 : √3` (up to reversing both vectors, or `a` and `b`), with
//! `4E = 1.6875` and second derivatives along the sphere of `−1.6875, −1.6875, 0.5625` before the curvature `−4E`; so a deviation from this ray shrinks like the power 2, 2, ⅔ of the growth. (With `a = b = 0` it would be `κ : β = √3 : 1`, a saddle: `a` and `b` grow beside them.)
//! Starts of size `√(1/d)` are within `(√(1/d)/½)^{2/3} = 0.02` of it at `d = 10⁶` when overlaps are of order one, and the rest of the passage is one and the same for all of them: in particular the router's overlap when the expert reaches ½, computed from a single pair that starts on the ray.
//! That holds for starts that make for the ray at once. One with a small `ab` beside `κβ` passes the saddle first, where the number is 1.78 times as large and which it leaves slowly (there `κ' = 18A_1²κ³/√3` and `a' = 18A_1²κ²a`, so `a/κ` grows as `κ^{√3−1}`, some hundredfold at `d = 10⁶`): it lies between. So the median is accepted up to the mean of both in
//! logarithms, `[1/√1.78, √1.78]`; a finding asks for `±0.1`, five times the deviation of a start without detour. A Gaussian-CDF router stands at 0.01 then.
//!
//! Rates: `6κ³Φ_11(β)(1−β²)` is the law of a pair with `a = b = s = 0`. Here `a` and `b` are of the order of `κ`, and the law is the gradient of the pair's own loss at its five overlaps `κ, β, a, b, s`, whatever the other pairs do: they contribute `O(d^{−1/2})`. The rate is measured between the crossings of `(1 ∓ 0.005)β`: on the ray it grows like `β³`,
//! which makes the quotient differ from the mean of both ends by `10⁻⁴`; where it passes through its minimum (`β` near 0.3) by some `10⁻³`.

use std::collections::HashMap;

use moe_kernels::Router;
use moe_theory::soft_routed::{Event, Flow, OrderParameters, PopulationLoss, Start, Stop, StudentTeacher, Watch};
use serde::{Deserialize, Serialize};

use super::super::guided_router::{LEVELS, Law};
use crate::CheckError;

/// The direction of fastest growth of `(κ, β, a, b)`, and the one with `a = b = 0`.
pub(super) const RAY: [f64; 4] = [3.0, 1.0, 1.732_050_807_568_877_2, 1.732_050_807_568_877_2];
pub(super) const SADDLE: [f64; 4] = [1.732_050_807_568_877_2, 1.0, 0.0, 0.0];
/// Where on a ray a pair starts: its `κ`.
const NEAR: f64 = 0.02;
/// Half the relative distance of the crossings that measure a rate.
const SPAN: f64 = 0.005;
/// How long a router is waited for after its expert; it needs some two time units.
pub(super) const PATIENCE: f64 = 10.0;

/// `κ, β, a, b, s` of a pair.
type Overlaps = [f64; 5];

/// The pair that aligns first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Together {
    /// `|β|` when `|κ|` reaches ½.
    pub(super) at_expert: f64,
    /// At each of [`LEVELS`] the measured rate of `|β|`, and the overlaps at the two crossings that measure it.
    rates: Vec<Option<(f64, Overlaps, Overlaps)>>,
}

/// Watches the routers of all pairs, until it is known whose expert aligns first.
#[derive(Default)]
pub(super) struct Tracker {
    /// Time and overlaps by student, teacher and place in the list of watches.
    passed: HashMap<(usize, usize, usize), (f64, Overlaps)>,
}

impl Tracker {
    /// What to watch beside the experts, whose watch comes first.
    pub(super) fn watches() -> impl Iterator<Item = Watch> {
        let sides = LEVELS.into_iter().flat_map(|level| [level * (1.0 - SPAN), level * (1.0 + SPAN)]);
        sides.map(Watch::RouterMagnitude)
    }

    /// Notes a router's crossing.
    pub(super) fn note(&mut self, event: Event, state: &OrderParameters) {
        let (i, j) = (event.student, event.other);
        let cross = [state.router_teacher_expert(i, j), state.expert_teacher_router(i, j)];
        let overlaps = [state.expert(i, j), state.router(i, j), cross[0], cross[1], state.own(i)];
        self.passed.entry((i, j, event.watch)).or_insert((event.time, overlaps));
    }

    /// What is known of the pair `(i, j)`, whose router stood at `at_expert`.
    pub(super) fn of(&self, (i, j): (usize, usize), at_expert: f64) -> Together {
        let passed = |watch: usize| self.passed.get(&(i, j, watch)).copied();
        let rate = |level: usize| {
            let ((since, before), (until, after)) = (passed(2 * level + 1)?, passed(2 * level + 2)?);
            Some((2.0 * SPAN * LEVELS[level] / (until - since), before, after))
        };
        Together { at_expert, rates: (0..LEVELS.len()).map(rate).collect() }
    }
}

/// What the rate of a router is held against.
pub(super) struct Laws {
    pair: PopulationLoss,
    guided: Law,
}

impl Laws {
    pub(super) fn new(router: Router) -> Result<Self, CheckError> {
        Ok(Self { pair: pair(router, [0.0; 5])?.population(), guided: Law::new(router) })
    }

    /// Of each run that got there: `|κ|`, the measured rate, that of the pair alone with its overlaps, and `6κ³Φ_11(β)(1−β²)`; the laws are means over both crossings.
    pub(super) fn rates(&mut self, runs: &[&Together], level: usize) -> Result<Vec<[f64; 4]>, CheckError> {
        let mut rows = Vec::new();
        for (seen, before, after) in runs.iter().filter_map(|run| run.rates[level]) {
            let mut row = [0.0, 2.0 * seen, 0.0, 0.0];
            for overlaps in [before, after] {
                let (kappa, beta) = (overlaps[0].abs(), overlaps[1].abs());
                row[0] += kappa;
                row[2] += self.alone(overlaps)?;
                row[3] += self.guided.router(kappa, beta);
            }
            rows.push(row.map(|sum| 0.5 * sum));
        }
        Ok(rows)
    }

    /// `d|β|/dt` of a pair that is alone: β is the first coordinate of the first column.
    fn alone(&mut self, overlaps: Overlaps) -> Result<f64, CheckError> {
        let columns = pair(Router::Tanh, overlaps)?.state();
        let mut gradient = vec![0.0; columns.len()];
        self.pair.gradient(&columns, &mut gradient);
        Ok(-gradient[0] * overlaps[1].signum())
    }
}

/// One student before one teacher with these overlaps, in the coordinates `v*, w*` and two more.
pub(super) fn pair(router: Router, [kappa, beta, a, b, own]: Overlaps) -> Result<Start, CheckError> {
    let aside = (1.0 - beta * beta - a * a).max(0.0).sqrt();
    let along = if aside > 0.0 { (own - beta * b - a * kappa) / aside } else { 0.0 };
    let rest = (1.0 - b * b - kappa * kappa - along * along).max(0.0).sqrt();
    let student = [[vec![beta, a, aside, 0.0]], [vec![b, kappa, along, rest]]];
    let teacher = [[vec![1.0, 0.0, 0.0, 0.0]], [vec![0.0, 1.0, 0.0, 0.0]]];
    let model = StudentTeacher::from_rows(router, 3, [&student[0], &student[1]], [&teacher[0], &teacher[1]]);
    Ok(Start::reduce(&model.map_err(CheckError::theory)?))
}

/// `|β|` when `|κ|` reaches ½, of a single pair that starts small on a ray.
pub(super) fn from_ray(router: Router, ray: [f64; 4]) -> Result<Option<f64>, CheckError> {
    let [kappa, beta, a, b] = ray.map(|x| x * NEAR / ray[0]);
    let start = pair(router, [kappa, beta, a, b, 0.0])?;
    let mut found = None;
    // The quartic law takes 1/(6·6A_1²κ²) to reach order one on the ray, more on the saddle.
    let until = 2.0 / (6.0 * router.hermite().value(1) * NEAR).powi(2) + 1000.0;
    let outcome = Flow::new(&start).tolerance(1e-8).run(
        until,
        &[Watch::ExpertMagnitude(0.5)],
        &[],
        |_, _| {},
        |_, state| {
            found = Some(state.router(0, 0).abs());
            Stop::Yes
        },
    );
    outcome.map_err(CheckError::theory)?;
    Ok(found)
}

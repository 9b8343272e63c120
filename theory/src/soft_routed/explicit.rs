//! The explicit Runge-Kutta method of order 8 of Dormand and Prince, with embedded solutions of orders 5 and 3 and dense output of order 7.
//!
//! Source: E. Hairer, S. P. Nørsett, G. Wanner, *Solving Ordinary Differential Equations I*, 2nd edition, section II.5 and II.10 (the program DOP853). The ODE library has explicit
//! methods up to order 5; at the tolerances that a flow needs (local errors grow up to a thousandfold before an overlap escapes) order 8 takes half the evaluations.

use super::integrator::{Field, IntegratorError, Step, Task, Tolerance};
use moe_kernels::linear_combination;
use std::cell::RefCell;
use std::ops::ControlFlow;

/// Stages with their weights; the others have weight zero.
type Row = &'static [(usize, f64)];

/// Stages that the next step needs: twelve, and the field at the end, which is the first of the next step.
const STEP_STAGES: usize = 13;

/// Steps grow at most by the second and shrink at most by the first factor.
const RANGE: [f64; 2] = [0.333, 6.0];

/// Exponents of the proportional-integral step control for a method whose error estimate is of order 8.
const DAMPING: f64 = 0.04;
const EXPONENT: f64 = 1.0 / 8.0 - 0.2 * DAMPING;

/// Integrates; `on_step` sees each step and may stop.
pub(super) fn integrate<E: From<IntegratorError>>(
    task: Task<'_>,
    mut on_step: impl FnMut(&Step<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let Task { system, start: y0, until, tolerance } = task;
    let field = system.field;
    let n = y0.len();
    let mut stages = Stages { slopes: vec![vec![0.0; n]; STEP_STAGES + DENSE_STAGES.len()], argument: vec![0.0; n] };
    let (mut y, mut next, mut errors) = (y0.to_vec(), vec![0.0; n], [vec![0.0; n], vec![0.0; n]]);
    let zero = vec![0.0; n];
    let (mut time, mut h) = (0.0, task.first_step());
    let mut refused = false;
    let mut last_error = 1e-4_f64;
    field(&y, &mut stages.slopes[0]);
    while time < until {
        let last = time + 1.01 * h >= until;
        if last {
            h = until - time;
        }
        for (i, row) in STAGES.iter().enumerate().take(STAGES.len() - 1) {
            stages.evaluate(field, &y, h, row, i + 1);
        }
        stages.combine(&y, h, STAGES[STAGES.len() - 1], &mut next);
        let [fifth, third] = &mut errors;
        stages.combine(&zero, 1.0, FIFTH_ORDER_ERROR, fifth);
        stages.combine(&zero, 1.0, THIRD_ORDER_ERROR, third);
        let error = h * error_norm([fifth, third], [&y, &next], tolerance);
        // NaN is no accepted step.
        let accepted = error <= 1.0;
        let wanted = if accepted {
            0.9 * error.max(1e-10).powf(-EXPONENT) * last_error.powf(DAMPING)
        } else if error.is_finite() {
            0.9 * error.powf(-1.0 / 8.0)
        } else {
            RANGE[0]
        };
        let factor = wanted.clamp(RANGE[0], if refused || !accepted { 1.0 } else { RANGE[1] });
        refused = !accepted;
        if accepted {
            last_error = error.max(1e-4);
            let (from, to) = (time, if last { until } else { time + h });
            field(&next, &mut stages.slopes[STEP_STAGES - 1]);
            let dense = RefCell::new((&mut stages, None));
            let interpolant = |moment: f64| {
                let (stages, terms) = &mut *dense.borrow_mut();
                let terms = terms.get_or_insert_with(|| stages.dense_output(field, &y, &next, h));
                Ok(evaluate_dense_output(&y, terms, (moment - from) / h))
            };
            if on_step(&Step { from, to, state: &next, interpolant: &interpolant })?.is_break() {
                return Ok(());
            }
            stages.slopes.swap(0, STEP_STAGES - 1);
            std::mem::swap(&mut y, &mut next);
            time = to;
        }
        h *= factor;
        if h <= 2.0 * f64::EPSILON * time {
            return Err(IntegratorError::StepVanished { step: h }.into());
        }
    }
    Ok(())
}

/// The field at the stages of one step.
struct Stages {
    slopes: Vec<Vec<f64>>,
    argument: Vec<f64>,
}

impl Stages {
    /// `slope_stage = field(y + h Σ weight·slope)`.
    fn evaluate(&mut self, field: Field<'_>, y: &[f64], h: f64, row: Row, stage: usize) {
        let mut argument = std::mem::take(&mut self.argument);
        self.combine(y, h, row, &mut argument);
        field(&argument, &mut self.slopes[stage]);
        self.argument = argument;
    }

    /// `out = base + h Σ weight·slope`.
    fn combine(&self, base: &[f64], h: f64, row: Row, out: &mut [f64]) {
        let mut terms = [(0.0, &[][..]); STEP_STAGES];
        for (term, (stage, weight)) in terms.iter_mut().zip(row) {
            *term = (h * weight, &self.slopes[*stage]);
        }
        linear_combination(base, &terms[..row.len()], out);
    }

    /// The terms of the dense output.
    fn dense_output(&mut self, field: Field<'_>, y: &[f64], next: &[f64], h: f64) -> [Vec<f64>; 7] {
        for (i, row) in DENSE_STAGES.iter().enumerate() {
            self.evaluate(field, y, h, row, STEP_STAGES + i);
        }
        let (begin, end) = (&self.slopes[0], &self.slopes[STEP_STAGES - 1]);
        let zero = vec![0.0; y.len()];
        let difference: Vec<f64> = next.iter().zip(y).map(|(b, a)| b - a).collect();
        let bend: Vec<f64> = begin.iter().zip(&difference).map(|(k, d)| h * k - d).collect();
        let third = difference.iter().zip(end).zip(&bend).map(|((d, k), b)| d - h * k - b).collect();
        let [a, b, c, d] = DENSE.map(|row| {
            let mut term = vec![0.0; y.len()];
            self.combine(&zero, h, row, &mut term);
            term
        });
        [difference, bend, third, a, b, c, d]
    }
}

/// `y + s(t_1 + (1−s)(t_2 + s(t_3 + (1−s)(t_4 + …))))` at the fraction `s` of the step.
fn evaluate_dense_output(y: &[f64], terms: &[Vec<f64>; 7], s: f64) -> Vec<f64> {
    let mut sum = vec![0.0; y.len()];
    for (i, term) in terms.iter().enumerate().rev() {
        let factor = if i % 2 == 0 { s } else { 1.0 - s };
        for (sum, term) in sum.iter_mut().zip(term) {
            *sum = (*sum + term) * factor;
        }
    }
    sum.iter().zip(y).map(|(sum, y)| y + sum).collect()
}

/// Hairer's combination of both estimates, a method of order 8's `h⁸`, per unit of `h`.
fn error_norm([fifth, third]: [&[f64]; 2], [y, next]: [&[f64]; 2], tolerance: Tolerance) -> f64 {
    let (mut a, mut b) = (0.0, 0.0);
    for i in 0..y.len() {
        let scale = tolerance.absolute + tolerance.relative * y[i].abs().max(next[i].abs());
        a += (fifth[i] / scale).powi(2);
        b += (third[i] / scale).powi(2);
    }
    let n = y.len() as f64;
    if a == 0.0 { 0.0 } else { a / ((a + 0.01 * b) * n).sqrt() }
}

/// Row `i` makes the argument of stage `i + 1` from stages `0…i`; the last is the step itself.
const STAGES: [Row; 12] = [
    &[(0, 0.05260015195876773)],
    &[(0, 0.0197250569845379), (1, 0.0591751709536137)],
    &[(0, 0.02958758547680685), (2, 0.08876275643042054)],
    &[(0, 0.2413651341592667), (2, -0.8845494793282861), (3, 0.924834003261792)],
    &[(0, 0.037037037037037035), (3, 0.17082860872947386), (4, 0.12546768756682242)],
    &[(0, 0.037109375), (3, 0.17025221101954405), (4, 0.06021653898045596), (5, -0.017578125)],
    &[
        (0, 0.03709200011850479),
        (3, 0.17038392571223998),
        (4, 0.10726203044637328),
        (5, -0.015319437748624402),
        (6, 0.008273789163814023),
    ],
    &[
        (0, 0.6241109587160757),
        (3, -3.3608926294469414),
        (4, -0.868219346841726),
        (5, 27.59209969944671),
        (6, 20.154067550477894),
        (7, -43.48988418106996),
    ],
    &[
        (0, 0.47766253643826434),
        (3, -2.4881146199716677),
        (4, -0.590290826836843),
        (5, 21.230051448181193),
        (6, 15.279233632882423),
        (7, -33.28821096898486),
        (8, -0.020331201708508627),
    ],
    &[
        (0, -0.9371424300859873),
        (3, 5.186372428844064),
        (4, 1.0914373489967295),
        (5, -8.149787010746927),
        (6, -18.52006565999696),
        (7, 22.739487099350505),
        (8, 2.4936055526796523),
        (9, -3.0467644718982196),
    ],
    &[
        (0, 2.273310147516538),
        (3, -10.53449546673725),
        (4, -2.0008720582248625),
        (5, -17.9589318631188),
        (6, 27.94888452941996),
        (7, -2.8589982771350235),
        (8, -8.87285693353063),
        (9, 12.360567175794303),
        (10, 0.6433927460157636),
    ],
    &[
        (0, 0.054293734116568765),
        (5, 4.450312892752409),
        (6, 1.8915178993145003),
        (7, -5.801203960010585),
        (8, 0.3111643669578199),
        (9, -0.1521609496625161),
        (10, 0.20136540080403034),
        (11, 0.04471061572777259),
    ],
];
/// Three more stages, for the dense output only.
const DENSE_STAGES: [Row; 3] = [
    &[
        (0, 0.056167502283047954),
        (6, 0.25350021021662483),
        (7, -0.2462390374708025),
        (8, -0.12419142326381637),
        (9, 0.15329179827876568),
        (10, 0.00820105229563469),
        (11, 0.007567897660545699),
        (12, -0.008298),
    ],
    &[
        (0, 0.03183464816350214),
        (5, 0.028300909672366776),
        (6, 0.053541988307438566),
        (7, -0.05492374857139099),
        (10, -0.00010834732869724932),
        (11, 0.0003825710908356584),
        (12, -0.00034046500868740456),
        (13, 0.1413124436746325),
    ],
    &[
        (0, -0.42889630158379194),
        (5, -4.697621415361164),
        (6, 7.683421196062599),
        (7, 4.06898981839711),
        (8, 0.3567271874552811),
        (12, -0.0013990241651590145),
        (13, 2.9475147891527724),
        (14, -9.15095847217987),
    ],
];
/// Weights of the step minus the embedded third-order solution.
const THIRD_ORDER_ERROR: Row = &[
    (0, -0.18980075407240762),
    (5, 4.450312892752409),
    (6, 1.8915178993145003),
    (7, -5.801203996001059),
    (8, -0.42268232132379197),
    (9, -0.1521609496625161),
    (10, 0.20136540080403034),
    (11, 0.022651792198360825),
];
/// Weights of the step minus the embedded fifth-order solution.
const FIFTH_ORDER_ERROR: Row = &[
    (0, 0.01312004499419488),
    (5, -1.2251564463762044),
    (6, -0.4957589496572502),
    (7, 1.6643771824549864),
    (8, -0.35032884874997366),
    (9, 0.3341791187130175),
    (10, 0.08192320648511571),
    (11, -0.022355307863886294),
];
/// Weights of the four highest terms of the dense output.
const DENSE: [Row; 4] = [
    &[
        (0, -8.428938276109013),
        (5, 0.5667149535193777),
        (6, -3.0689499459498917),
        (7, 2.38466765651207),
        (8, 2.117034582445028),
        (9, -0.871391583777973),
        (10, 2.2404374302607883),
        (11, 0.6315787787694688),
        (12, -0.08899033645133331),
        (13, 18.148505520854727),
        (14, -9.194632392478356),
        (15, -4.436036387594894),
    ],
    &[
        (0, 10.427508642579134),
        (5, 242.28349177525817),
        (6, 165.20045171727028),
        (7, -374.5467547226902),
        (8, -22.113666853125306),
        (9, 7.733432668472264),
        (10, -30.674084731089398),
        (11, -9.332130526430229),
        (12, 15.697238121770845),
        (13, -31.139403219565178),
        (14, -9.35292435884448),
        (15, 35.81684148639408),
    ],
    &[
        (0, 19.985053242002433),
        (5, -387.0373087493518),
        (6, -189.17813819516758),
        (7, 527.8081592054236),
        (8, -11.57390253995963),
        (9, 6.8812326946963),
        (10, -1.0006050966910838),
        (11, 0.7777137798053443),
        (12, -2.778205752353508),
        (13, -60.19669523126412),
        (14, 84.32040550667716),
        (15, 11.99229113618279),
    ],
    &[
        (0, -25.69393346270375),
        (5, -154.18974869023643),
        (6, -231.5293791760455),
        (7, 357.6391179106141),
        (8, 93.40532418362432),
        (9, -37.45832313645163),
        (10, 104.0996495089623),
        (11, 29.8402934266605),
        (12, -43.53345659001114),
        (13, 96.32455395918828),
        (14, -39.17726167561544),
        (15, -149.72683625798564),
    ],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soft_routed::integrator::System;
    use std::cell::Cell;

    /// Steps taken, largest error at the ends of steps and largest error inside them, for `x' = x cos t`, `t' = 1`, `x = exp(sin t)`, up to `t = 20`.
    fn integrated(local: f64) -> (f64, f64, f64) {
        let field = |y: &[f64], out: &mut [f64]| (out[0], out[1]) = (y[0] * y[1].cos(), 1.0);
        let error = |time: f64, y: &[f64]| (y[0] / time.sin().exp() - 1.0).abs();
        let (steps, ends, inside) = (Cell::new(0.0), Cell::new(0.0_f64), Cell::new(0.0_f64));
        let mut on_step = |step: &Step<'_>| -> Result<ControlFlow<()>, IntegratorError> {
            steps.set(steps.get() + 1.0);
            ends.set(ends.get().max(error(step.to, step.state)));
            for share in [0.15, 0.5, 0.8] {
                let time = step.from + share * (step.to - step.from);
                inside.set(inside.get().max(error(time, &step.at(time)?)));
            }
            assert!((step.at(step.to)?[0] - step.state[0]).abs() < 1e-14 * step.state[0]);
            Ok(ControlFlow::Continue(()))
        };
        let tolerance = Tolerance { relative: local, absolute: local };
        let system = System { field: &field, jacobian: &|_, _, _| {} };
        let task = Task { system: &system, start: &[1.0, 0.0], until: 20.0, tolerance };
        integrate(task, &mut on_step).expect("a smooth system");
        (steps.get(), ends.get(), inside.get())
    }

    /// Every coefficient of the method: a wrong digit lowers an order. Errors fall with the eighth power of the step at its ends, at least with
    /// the seventh inside, where dense output adds its own.
    #[test]
    fn errors_fall_with_the_orders_of_the_method() {
        let (coarse, fine) = (integrated(1e-6), integrated(1e-12));
        let order = |coarse_error: f64, fine_error: f64| (coarse_error / fine_error).ln() / (fine.0 / coarse.0).ln();
        assert!(order(coarse.1, fine.1) > 7.5, "at ends: {}", order(coarse.1, fine.1));
        assert!(order(coarse.2, fine.2) > 7.0, "inside: {}", order(coarse.2, fine.2));
        assert!(fine.1 < 1e-9 && fine.2 < 1e-9, "{fine:?}");
    }

    /// A field without bound ends in an error, not in a loop.
    #[test]
    fn a_blow_up_is_an_error() {
        let field = |y: &[f64], out: &mut [f64]| out[0] = y[0] * y[0];
        let tolerance = Tolerance { relative: 1e-9, absolute: 1e-9 };
        let system = System { field: &field, jacobian: &|_, _, _| {} };
        let result: Result<(), IntegratorError> =
            integrate(Task { system: &system, start: &[1.0], until: 2.0, tolerance }, |_| {
                Ok(ControlFlow::Continue(()))
            });
        assert!(matches!(result, Err(IntegratorError::StepVanished { .. })));
    }
}

//! The spherical gradient flow on the population loss, with events.
//!
//! `dθ/dt = −∂L/∂θ` on raw weights conserves every raw norm, so unit vectors obey `dx̄/dt = −‖x‖⁻² (I − x̄x̄ᵀ) ∂L/∂x̄`: raw norms are learning rates and nothing else.

use super::crossings::{Crossings, Event, Watch};
use super::general::GeneralLoss;
use super::hessian::Hessian;
use super::integrator::{Field, IntegratorError, Method, System, Task, Tolerance, integrate};
use super::order::OrderParameters;
use super::reduction::Start;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use thiserror::Error;

/// Kind of an event in the trajectories of [`Flow::trajectory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// An expert overlap with a teacher reached ½ upwards.
    ExpertAligned,
    /// A router overlap with a teacher reached ½ upwards.
    RouterAligned,
    /// The experts of two students reached overlap −½.
    AntiAligned,
}

/// Whether a flow goes on after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    No,
    /// Stop here.
    Yes,
}

/// Why a flow was not integrated.
#[derive(Debug, Error)]
pub enum FlowError {
    /// The integrator gave up.
    #[error("the integrator stopped at t = {time:e}: {source}")]
    Integrator {
        /// The time it reached.
        time: f64,
        /// Its own account.
        source: IntegratorError,
    },
    /// Too many steps.
    #[error("{limit} steps reach t = {time:e} only, of {until:e}")]
    Steps {
        /// The limit.
        limit: usize,
        /// The time reached.
        time: f64,
        /// The time asked for.
        until: f64,
    },
    /// The monitor asked for it.
    #[error("stopped at t = {time:e}")]
    Stopped {
        /// The time reached.
        time: f64,
    },
    /// Successive tolerances do not agree to what was asked for.
    #[error(
        "overlaps are known to {reached:.1e} only, where {tolerance:.1e} was asked for: ask for a larger tolerance or a shorter time"
    )]
    Tolerance {
        /// Largest difference between the two finest integrations.
        reached: f64,
        /// What was asked for.
        tolerance: f64,
    },
}

/// A flow at printed times.
#[derive(Clone, Debug)]
pub struct Trajectory {
    /// The times asked for.
    pub times: Vec<f64>,
    /// Loss and overlaps at these times.
    pub states: Vec<OrderParameters>,
    /// Events in the order of time.
    pub events: Vec<(EventKind, Event)>,
    /// Evaluations of the gradient, all integrations together.
    pub evaluations: usize,
    /// Bound of the error of every overlap, from the difference of the last two integrations.
    pub error: f64,
}

/// Told the time after each step; `true` asks the flow to stop.
pub type Monitor<'a> = &'a dyn Fn(f64) -> bool;

/// The gradient flow from a start.
#[derive(Clone)]
pub struct Flow<'a> {
    start: &'a Start,
    general: Option<&'a GeneralLoss>,
    method: Method,
    tolerance: f64,
    step_limit: usize,
    monitor: Option<Monitor<'a>>,
}

/// What [`Flow::run`] reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The time reached.
    pub time: f64,
    /// Steps taken.
    pub steps: usize,
    /// Evaluations of the gradient.
    pub evaluations: usize,
}

impl<'a> Flow<'a> {
    /// Explicit, local tolerance `1e-9`.
    pub fn new(start: &'a Start) -> Self {
        Self { start, general: None, method: Method::Explicit, tolerance: 1e-9, step_limit: 20_000_000, monitor: None }
    }

    /// The integration method.
    pub fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// Tolerance of the local error of every coordinate, relative to `max(|coordinate|, d^{−1/2})`.
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// The flow of another loss than the isotropic one, for students of the start's shape and in its coordinates. Its Jacobian is taken by central differences.
    pub fn under(self, loss: &'a GeneralLoss) -> Self {
        Self { general: Some(loss), ..self }
    }

    /// Someone to tell the time, who may stop the flow.
    pub fn monitor(self, monitor: Monitor<'a>) -> Self {
        Self { monitor: Some(monitor), ..self }
    }

    /// Integrates to `until`. `on_event` sees each crossing of a watched overlap, in the order of time, with all overlaps at that moment; `times` (ascending) are the
    /// moments that `on_time` sees, by index.
    ///
    /// # Errors
    /// [`FlowError::Integrator`] and [`FlowError::Steps`].
    pub fn run(
        &self,
        until: f64,
        watches: &[Watch],
        times: &[f64],
        mut on_time: impl FnMut(usize, OrderParameters),
        mut on_event: impl FnMut(Event, &OrderParameters) -> Stop,
    ) -> Result<Summary, FlowError> {
        self.integrate(until, watches, times, &mut on_time, &mut on_event)
    }

    /// Compiled once: with the integrators in it, a copy for each caller's closures took most of the compile time.
    fn integrate(
        &self,
        until: f64,
        watches: &[Watch],
        times: &[f64],
        on_time: &mut dyn FnMut(usize, OrderParameters),
        on_event: &mut dyn FnMut(Event, &OrderParameters) -> Stop,
    ) -> Result<Summary, FlowError> {
        let start = self.start;
        let population = RefCell::new(start.population());
        let observer = RefCell::new(start.population());
        // Time in units of the fastest vector's, so that small raw norms do not make small steps.
        let unit = start.norms.iter().copied().fold(f64::INFINITY, f64::min);
        let (scaled, raw) = (|t: f64| t / unit / unit, |t: f64| t * unit * unit);
        let end_of_time = scaled(until);
        if !end_of_time.is_finite() {
            return Err(FlowError::Steps { limit: self.step_limit, time: 0.0, until });
        }
        let moments: Vec<f64> = times.iter().map(|t| scaled(*t)).collect();
        let rates: Vec<f64> = start.norms.iter().map(|norm| -(unit / norm).powi(2)).collect();
        let dimension = start.coordinates();
        let evaluations = Cell::new(0);
        let scale = |out: &mut [f64]| {
            for (column, rate) in out.chunks_exact_mut(dimension).zip(&rates) {
                column.iter_mut().for_each(|x| *x *= rate);
            }
        };
        let field = |y: &[f64], out: &mut [f64]| {
            match self.general {
                Some(loss) => loss.gradient(y, out),
                None => population.borrow_mut().gradient(y, out),
            };
            scale(out);
            evaluations.set(evaluations.get() + 1);
        };
        // The integrator asks for one column of the Jacobian after the other, at the same state.
        let hessian = RefCell::new((Vec::<f64>::new(), Hessian::new(start)));
        let jacobian = |y: &[f64], direction: &[f64], out: &mut [f64]| {
            if self.general.is_some() {
                return differences(&field, y, direction, out);
            }
            let (at, hessian) = &mut *hessian.borrow_mut();
            if at != y {
                hessian.set(y);
                y.clone_into(at);
            }
            hessian.apply(direction, out);
            scale(out);
        };
        let order_parameters = |state: &[f64]| {
            let mut found = OrderParameters::at(&mut observer.borrow_mut(), state);
            if let Some(loss) = self.general {
                found.loss = loss.loss(state);
            }
            found
        };
        let y0 = start.state();
        // The last stage of an explicit step is evaluated at its end: its overlaps are there already.
        let mut crossings = Crossings::new(&population, (start.students(), start.teachers()), watches, &y0);
        let mut summary = Summary { time: 0.0, steps: 0, evaluations: 0 };
        let mut next = 0;
        while next < moments.len() && moments[next] <= 0.0 {
            on_time(next, order_parameters(&y0));
            next += 1;
        }
        let tolerance =
            Tolerance { relative: self.tolerance, absolute: self.tolerance / (start.dimension as f64).sqrt() };
        let system = System { field: &field, jacobian: &jacobian };
        let task = Task { system: &system, start: &y0, until: end_of_time, tolerance };
        let result = integrate(self.method, task, |step| {
            let mut end = step.to;
            let mut flow = ControlFlow::Continue(());
            for event in crossings.in_step(step)? {
                let state = order_parameters(&step.at(event.time)?);
                if on_event(Event { time: raw(event.time), ..event }, &state) == Stop::Yes {
                    end = event.time;
                    flow = ControlFlow::Break(());
                    break;
                }
            }
            while next < moments.len() && moments[next] <= end {
                on_time(next, order_parameters(&step.at(moments[next])?));
                next += 1;
            }
            summary.time = raw(end);
            summary.steps += 1;
            if self.monitor.is_some_and(|monitor| monitor(raw(end))) {
                return Err(Failure::Stopped);
            }
            if summary.steps >= self.step_limit && end < end_of_time {
                return Err(Failure::Steps);
            }
            Ok(flow)
        });
        summary.evaluations = evaluations.get();
        match result {
            Ok(()) => Ok(summary),
            Err(Failure::Stopped) => Err(FlowError::Stopped { time: summary.time }),
            Err(Failure::Steps) => Err(FlowError::Steps { limit: self.step_limit, time: summary.time, until }),
            Err(Failure::Integrator(source)) => Err(FlowError::Integrator { time: summary.time, source }),
        }
    }
}

impl Flow<'_> {
    /// Overlaps and loss at `times` (ascending), events up to `until`, every overlap to an absolute error of `tolerance`.
    ///
    /// The bound is measured, not assumed: errors made early are amplified by up to `√d` until an overlap escapes, so the flow is integrated at local tolerances
    /// that fall by a fixed ratio each time, until two successive integrations agree. Where accuracy sets the steps, the global error falls with the local tolerance: in
    /// proportion for the explicit method (its estimate is of order `h⁸` a step and its global error too; the power ⅞ is relied upon, so 256 is taken
    /// for 128), and at least with the power ½ for the implicit one (its lowest order; 16 is taken for 4). So the error of the finer one is at most the
    /// difference over 127 (over 3). Where stability sets the steps, errors do not follow the tolerance, and differences are below the coarser local
    /// tolerance: there the whole difference is taken. Roundings do not fall with any tolerance, and an unstable direction amplifies them without limit: the
    /// coarser integration starts from weights that are disturbed by thousands of roundings, so that the difference shows that, too. The method is explicit up to about `10⁶` expected steps and implicit beyond.
    ///
    /// # Errors
    /// [`FlowError::Tolerance`] where rounding stops the agreement short of `tolerance`, and the errors of [`Self::run`].
    pub fn trajectory(
        start: &Start,
        until: f64,
        times: &[f64],
        tolerance: f64,
        monitor: Monitor<'_>,
    ) -> Result<Trajectory, FlowError> {
        let until = times.last().map_or(until, |last| until.max(*last));
        let unit = start.norms.iter().copied().fold(f64::INFINITY, f64::min);
        // Relaxation rates are p·p! times coefficients of the router.
        let factorial: f64 = (1..=start.order).map(|i| i as f64).product();
        let stiffness = (start.order as f64 * factorial / 18.0).max(1.0);
        let (method, refinement, fall) = if until / unit / unit * STEPS_PER_TIME * stiffness < 1e6 {
            (Method::Explicit, 256.0, 128.0)
        } else {
            (Method::Implicit, 16.0, 4.0)
        };
        let mut evaluations = 0;
        let disturbed = start.disturbed(DISTURBANCE);
        let mut local = (0.1 * tolerance).clamp(refinement * FINEST, 1e-4);
        loop {
            let mut integrate = |start: &Start, local: f64, watches: &[Watch]| {
                let flow = Flow::new(start).method(method).tolerance(local).monitor(monitor);
                let (mut states, mut events) = (Vec::with_capacity(times.len()), Vec::new());
                let on_event = |event: Event, _: &OrderParameters| {
                    events.push((KINDS[event.watch].0, event));
                    Stop::No
                };
                let summary = flow.run(until, watches, times, |_, state| states.push(state), on_event)?;
                evaluations += summary.evaluations;
                Ok::<_, FlowError>((states, events))
            };
            let (coarse, _) = integrate(&disturbed, local, &[])?;
            let (states, events) = integrate(start, local / refinement, &KINDS.map(|k| k.1))?;
            let difference = largest_difference(&coarse, &states);
            let error = (difference / (fall - 1.0)).max(difference.min(local));
            if error <= tolerance {
                return Ok(Trajectory { times: times.to_vec(), states, events, evaluations, error });
            }
            local /= refinement;
            // A smaller step than the full ratio would make the difference say less than the bound takes it for.
            if local < refinement * FINEST {
                return Err(FlowError::Tolerance { reached: error, tolerance });
            }
        }
    }
}

/// Disturbance of the coarser integration's start, `2⁻⁴¹`: some four thousand roundings. An unstable direction amplifies it as it amplifies the roundings of the finer integration, so that even the difference
/// over 127 exceeds what 32 roundings at the start have become. A device, not a theorem: roundings add up over the steps within one e-folding of the fastest way apart, some tens to hundreds, as a random walk whose
/// root that covers. A test holds it against flows whose error is known from a symmetry.
const DISTURBANCE: f64 = 1.0 / (1_u64 << 41) as f64;

/// Explicit steps that stability asks for in one time unit at unit norms, for third Hermite experts.
const STEPS_PER_TIME: f64 = 2.0;

/// The smallest local tolerance: below, rounding decides.
const FINEST: f64 = 1e-15;

/// The events of a trajectory.
const KINDS: [(EventKind, Watch); 3] = [
    (EventKind::ExpertAligned, Watch::Expert(0.5)),
    (EventKind::RouterAligned, Watch::Router(0.5)),
    (EventKind::AntiAligned, Watch::StudentFalls(-0.5)),
];

/// `Df(y)·direction` by a central difference: a Newton matrix that is good to nine digits.
fn differences(field: Field<'_>, y: &[f64], direction: &[f64], out: &mut [f64]) {
    let step = 1e-5;
    let moved = |sign: f64| y.iter().zip(direction).map(|(y, x)| y + sign * step * x).collect::<Vec<f64>>();
    let mut behind = vec![0.0; out.len()];
    field(&moved(1.0), out);
    field(&moved(-1.0), &mut behind);
    out.iter_mut().zip(&behind).for_each(|(ahead, behind)| *ahead = (*ahead - behind) / (2.0 * step));
}

fn largest_difference(a: &[OrderParameters], b: &[OrderParameters]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.largest_difference(b)).fold(0.0, f64::max)
}

/// What ends an integration inside the integrator's callback.
enum Failure {
    Integrator(IntegratorError),
    Steps,
    Stopped,
}

impl From<IntegratorError> for Failure {
    fn from(source: IntegratorError) -> Self {
        Self::Integrator(source)
    }
}

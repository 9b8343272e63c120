//! One autonomous system, explicit or implicit, step by step with dense output. The implicit method is the ODE library's.

use super::explicit;
use super::newton::PartialPivotLu;
use diffsol::{Bdf, DiffsolError, FaerMat, OdeBuilder, OdeSolverMethod, OdeSolverStopReason, Vector};
use std::ops::ControlFlow;
use thiserror::Error;

/// How a flow is integrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Dormand-Prince 8(5,3), dense output of order 7. Its step is bounded by about six over the fastest relaxation rate.
    Explicit,
    /// Backward differentiation of orders 1 to 5 with the analytic Jacobian: few steps however long the flow takes.
    Implicit,
}

/// Why an integration ended early.
#[derive(Debug, Error)]
pub enum IntegratorError {
    /// No step is small enough.
    #[error("the step shrank to {step:e}")]
    StepVanished {
        /// The step, in units of the smallest squared raw norm.
        step: f64,
    },
    /// The ODE library gave up.
    #[error(transparent)]
    Library(#[from] DiffsolError),
}

/// `(y, out)`: `out = f(y)`.
pub(super) type Field<'a> = &'a dyn Fn(&[f64], &mut [f64]);
/// `(y, direction, out)`: `out = Df(y)·direction`.
type Jacobian<'a> = &'a dyn Fn(&[f64], &[f64], &mut [f64]);

/// An autonomous system `y' = f(y)` and the products of its Jacobian.
pub(crate) struct System<'a> {
    pub(super) field: Field<'a>,
    pub(super) jacobian: Jacobian<'a>,
}

/// Error control: each step's estimated error stays below `absolute + relative·|y|`, componentwise in the mean square.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    pub(super) relative: f64,
    pub(super) absolute: f64,
}

/// What is integrated from where to where: `y' = f(y)` from `start` at time 0 to `until`.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(super) system: &'a System<'a>,
    pub(super) start: &'a [f64],
    pub(super) until: f64,
    pub(super) tolerance: Tolerance,
}

impl Task<'_> {
    /// A first step well inside every relaxation rate; the controller lengthens it at once.
    pub(super) fn first_step(&self) -> f64 {
        self.until.min(1e-3)
    }
}

/// One accepted step.
pub(crate) struct Step<'a> {
    pub(super) from: f64,
    pub(super) to: f64,
    /// The state at `to`.
    pub(super) state: &'a [f64],
    pub(super) interpolant: &'a dyn Fn(f64) -> Result<Vec<f64>, IntegratorError>,
}

impl Step<'_> {
    /// The state at a time within the step, by the method's dense output.
    pub(super) fn at(&self, time: f64) -> Result<Vec<f64>, IntegratorError> {
        (self.interpolant)(time)
    }
}

/// Integrates; `on_step` sees each step and may stop.
pub(crate) fn integrate<E: From<IntegratorError>>(
    method: Method,
    task: Task<'_>,
    on_step: impl FnMut(&Step<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    match method {
        Method::Explicit => explicit::integrate(task, on_step),
        Method::Implicit => implicit(task, on_step),
    }
}

fn implicit<E: From<IntegratorError>>(
    task: Task<'_>,
    mut on_step: impl FnMut(&Step<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let Task { system, start, until, tolerance } = task;
    let initial = start.to_vec();
    let mut problem = OdeBuilder::<FaerMat<f64>>::new()
        .rhs_implicit(
            |y: &[f64], _: &[f64], _: f64, out: &mut [f64]| (system.field)(y, out),
            |y: &[f64], _: &[f64], _: f64, v: &[f64], out: &mut [f64]| (system.jacobian)(y, v, out),
        )
        .init(move |_: &[f64], _: f64, y: &mut [f64]| y.copy_from_slice(&initial), start.len())
        .rtol(tolerance.relative)
        .atol([tolerance.absolute])
        .h0(task.first_step())
        .build()
        .map_err(library)?;
    // The library counts refused steps over the whole run. Where an overlap escapes after a long wait, steps shrink by many orders of magnitude.
    problem.ode_options.max_nonlinear_solver_failures = 100_000;
    problem.ode_options.max_error_test_failures = 100_000;
    let mut solver: Bdf<'_, _, PartialPivotLu> = problem.bdf::<PartialPivotLu>().map_err(library)?;
    if until <= 0.0 {
        return Ok(());
    }
    solver.set_stop_time(until).map_err(library)?;
    loop {
        let from = solver.state().t;
        let reason = solver.step().map_err(library)?;
        let (to, state) = (solver.state().t, solver.state().y.clone_as_vec());
        let interpolant = |time: f64| Ok(solver.interpolate(time)?.clone_as_vec());
        if on_step(&Step { from, to, state: &state, interpolant: &interpolant })?.is_break()
            || reason == OdeSolverStopReason::TstopReached
        {
            return Ok(());
        }
    }
}

fn library<E: From<IntegratorError>>(error: DiffsolError) -> E {
    IntegratorError::from(error).into()
}

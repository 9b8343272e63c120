//! Least squares over the mixtures of a class with parameters in a box.
//!
//! # The method
//!
//! `Ĝ = argmin Σ (y − f_G(x))²` by a trust-region Newton method with the *exact* Hessian (see [`trust_region`](super::trust_region) for the step). Over-specified mixtures are what asks for it: where two fitted atoms share a true one, the columns of the Jacobian along their difference vanish with the difference, `JᵀJ` has no
//! information there, and what bends the objective is `Σ r ∇²f`. Gauss–Newton and Levenberg–Marquardt methods creep in this valley (hundreds of evaluations); Newton's method does not see it. The second derivatives come with the same pass over the data as `JᵀJ` and cost less than a second pass.
//!
//! No library: those for nonlinear least squares in Rust keep the Jacobian (n rows), know no box, and are of Levenberg–Marquardt type.
//!
//! Where the Hessian is too ill-conditioned for its digits at the end, steps by an orthogonal factorisation of the Jacobian go on (see [`orthogonal`](super::orthogonal)).
//!
//! Every evaluation is one pass over the data in chunks, in a fixed number of spans whose sums are added in order: the same result on any number of threads, as long as the linear algebra is sequential (`faer::set_global_parallelism(Par::Seq)`, as the command has it).

mod moves;
mod passes;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use self::moves::CUTS;
use self::passes::Derivatives;
use super::trust_region::Model;
use super::{Coordinates, Source};

/// A scaled Hessian whose eigenvalues reach below this share of the largest has no digits left in that direction.
const ILL_CONDITIONED: f64 = 1e-12;

/// Share of the sum of squares from which on a promise that no step keeps is not rounding.
const KINK: f64 = 1e-9;

/// Scales grow with what was met on the way. Before a fit ends, those this many times as large as they are at the point reached are taken anew.
const STALE: f64 = 1e3;

/// Steps after which stale scales are taken anew in any case.
const RENEWED: usize = 100;

/// How often a fit looks around in this way.
const POLLS: usize = 4;

/// A box for the parameters, in the coordinates of the class.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// Lower bounds.
    pub lower: Vec<f64>,
    /// Upper bounds.
    pub upper: Vec<f64>,
}

impl Bounds {
    /// All points within `half_width` of `centre` in each coordinate.
    pub fn around(centre: &[f64], half_width: f64) -> Self {
        Self {
            lower: centre.iter().map(|c| c - half_width).collect(),
            upper: centre.iter().map(|c| c + half_width).collect(),
        }
    }

    /// The nearest point of the box.
    pub fn clamp(&self, theta: &[f64]) -> Vec<f64> {
        theta.iter().zip(self.lower.iter().zip(&self.upper)).map(|(t, (l, u))| t.clamp(*l, *u)).collect()
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Share of the sum of squares that a whole Newton step may still promise at the end.
    pub decrease: f64,
    /// Steps at most.
    pub iterations: usize,
    /// A fit ends, too, after so many steps that together gained less than `decrease`, refused ones not counted.
    pub patience: usize,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { decrease: 1e-12, iterations: 2000, patience: 50 }
    }
}

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A Newton step inside of the box promises less than the tolerance, or less than the rounding of the residuals hides.
    SmallDecrease,
    /// The sum of squares is that of rounding.
    Exact,
    /// No step falls although the model promises one, down to steps whose promise is below the rounding of the sums.
    Rounding,
    /// The same with a ReLU in the class and a promise well above rounding: the objective has a kink here, where derivatives do not describe it. No move of one parameter that was tried falls either.
    Kink,
    /// The last steps together gained less than the tolerance, although the model promises more: a valley that bends too much for it (or, with a ReLU, is crossed by kinks), along which the sum of squares hardly falls. As low as steps lead; the parameters are hardly determined along the valley.
    Creep,
    /// The limit of iterations.
    Iterations,
    /// The sum of squares of the start is not finite.
    NotFinite,
    /// Somebody asked to stop.
    Stopped,
}

impl Reason {
    /// Whether the point is a minimum as far as the numbers tell.
    pub fn is_converged(self) -> bool {
        matches!(self, Self::SmallDecrease | Self::Exact | Self::Rounding | Self::Kink | Self::Creep)
    }
}

/// The end of a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The parameters, in the coordinates of the class.
    pub theta: Vec<f64>,
    /// `(1/n) Σ (y − f)²`.
    pub objective: f64,
    /// Steps, those refused included.
    pub iterations: usize,
    /// Passes over the data.
    pub evaluations: usize,
    /// Why it ended.
    pub reason: Reason,
    /// The smallest eigenvalue of the scaled Hessian over the largest at the end: negative where the point is no minimum.
    pub conditioning: f64,
}

/// Least squares on one source of data.
pub struct Estimator<'a> {
    coordinates: &'a Coordinates,
    source: &'a dyn Source,
    bounds: Bounds,
    /// A part of the box for random starts.
    starts: Option<Bounds>,
    tolerance: Tolerance,
    stop: Option<&'a AtomicBool>,
}

fn is_stale(scale: &[f64], fresh: &[f64]) -> bool {
    scale.iter().zip(fresh).any(|(scale, fresh)| *scale > STALE * fresh)
}

impl<'a> Estimator<'a> {
    /// An estimator of this class on these data with parameters in this box.
    ///
    /// # Panics
    /// If the numbers of inputs or of parameters do not agree, a lower bound is above its upper one, or there are no rows.
    pub fn new(coordinates: &'a Coordinates, source: &'a dyn Source, bounds: Bounds) -> Self {
        assert_eq!(source.dimension(), coordinates.class().dimension, "data of the class");
        assert!(source.rows() > 0, "data");
        let count = coordinates.count();
        assert!(bounds.lower.len() == count && bounds.upper.len() == count, "one bound a parameter");
        assert!(bounds.lower.iter().zip(&bounds.upper).all(|(l, u)| l <= u), "lower bounds below upper ones");
        Self { coordinates, source, bounds, starts: None, tolerance: Tolerance::default(), stop: None }
    }

    /// The same with another tolerance.
    pub fn with_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The same, with every second random point drawn from this part of the box: where what a class can do is small against its box.
    pub fn with_starts_in(mut self, part: Bounds) -> Self {
        self.starts = Some(part);
        self
    }

    /// The same, ending soon after the flag is set.
    pub fn stopped_by(mut self, stop: &'a AtomicBool) -> Self {
        self.stop = Some(stop);
        self
    }

    /// The box.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(super) fn starts(&self) -> Option<&Bounds> {
        self.starts.as_ref()
    }

    pub(super) fn tolerance(&self) -> Tolerance {
        self.tolerance
    }

    pub(super) fn source(&self) -> &dyn Source {
        self.source
    }

    /// The same estimator on other data.
    pub(super) fn on<'b>(&'b self, source: &'b dyn Source) -> Estimator<'b> {
        Estimator { source, bounds: self.bounds.clone(), starts: self.starts.clone(), ..*self }
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    fn model<'m>(&'m self, here: &'m Derivatives, scale: &'m [f64], point: &'m [f64]) -> Model<'m> {
        let (lower, upper) = (&self.bounds.lower, &self.bounds.upper);
        Model { gradient: &here.gradient, hessian: &here.hessian, scale, point, lower, upper, stop: self.stop }
    }

    /// The point after a step, in the box in spite of rounding.
    fn moved(&self, theta: &[f64], delta: &[f64]) -> Vec<f64> {
        let next: Vec<f64> = theta.iter().zip(delta).map(|(t, s)| t + s).collect();
        self.bounds.clamp(&next)
    }

    /// The minimum that is reached from `start`, which is taken into the box first.
    ///
    /// # Errors
    /// What reading the data raises.
    ///
    /// # Panics
    /// If the number of parameters is not that of the class.
    pub fn fit(&self, start: &[f64]) -> io::Result<Fit> {
        let rows = self.source.rows() as f64;
        let mut theta = self.bounds.clamp(start);
        let mut here = self.evaluate(&theta)?;
        // The size of what residuals are differences of: of the responses, where they are all 0 of the first residuals, and of the residuals themselves. Below 8 ulp of it a residual is rounding; such an error δ in all of them changes the sum by 2 Σ rδ.
        let response = self.response()?;
        let reference = if response > 0.0 { response } else { here.squares };
        let exact = |squares: f64| (reference + squares) * (8.0 * f64::EPSILON).powi(2);
        let resolution = |squares: f64| 64.0 * f64::EPSILON * (squares * (reference + squares)).sqrt();
        let smooth = self.coordinates.class().is_smooth();
        // What a promise that no step keeps says.
        let end = |promise: f64, squares: f64| {
            let rounding = promise < (KINK * squares).max(resolution(squares));
            if rounding || smooth { Reason::Rounding } else { Reason::Kink }
        };
        let mut evaluations = 1;
        let mut scale = vec![0.0_f64; theta.len()];
        let widths: Vec<f64> = self.bounds.upper.iter().zip(&self.bounds.lower).map(|(u, l)| u - l).collect();
        let mut radius = f64::INFINITY;
        // Whether the last step from here was refused.
        let mut shortened = false;
        let (mut iterations, mut polls) = (0_usize, 0_usize);
        let mut latest = VecDeque::new();
        let reason = loop {
            if !here.is_finite() {
                break Reason::NotFinite;
            }
            if here.squares <= exact(here.squares) {
                break Reason::Exact;
            }
            if self.is_stopped() {
                break Reason::Stopped;
            }
            let fresh = here.scales(&widths, reference);
            if iterations > 0 && iterations.is_multiple_of(RENEWED) && !shortened && is_stale(&scale, &fresh) {
                (scale, radius) = (fresh.clone(), f64::INFINITY);
            }
            scale.iter_mut().zip(&fresh).for_each(|(scale, fresh)| *scale = scale.max(*fresh));
            let diameter = widths.iter().zip(&scale).map(|(w, d)| (w * d).powi(2)).sum::<f64>().sqrt();
            if radius.is_infinite() {
                // Short at first: a long step out of the start's basin may end in another minimum.
                radius = 1e-3 * diameter.max(f64::MIN_POSITIVE);
            }
            let model = self.model(&here, &scale, &theta);
            let decomposed = model.decompose();
            let mut step = decomposed.step(radius);
            let enough = (0.5 * self.tolerance.decrease * here.squares).max(resolution(here.squares));
            if !shortened {
                latest.push_back(here.squares);
                if latest.len() > self.tolerance.patience {
                    let past = latest.pop_front().unwrap_or(f64::INFINITY);
                    if past - here.squares <= 2.0 * enough {
                        if is_stale(&scale, &fresh) {
                            (scale, radius) = (fresh, f64::INFINITY);
                            latest.clear();
                            continue;
                        }
                        break Reason::Creep;
                    }
                }
            }
            if step.decrease <= enough {
                // A short step promises little whatever the place; the whole one decides.
                let whole = decomposed.step(diameter.max(radius));
                // At a kink shorter steps are refused as well. Without one they only have to be short enough.
                let stuck = shortened && !smooth;
                if (whole.decrease <= enough || stuck) && is_stale(&scale, &fresh) {
                    (scale, radius, shortened) = (fresh, f64::INFINITY, false);
                    continue;
                }
                if self.is_stopped() {
                    break Reason::Stopped;
                }
                let reason = if whole.decrease <= enough {
                    Some(Reason::SmallDecrease)
                } else {
                    stuck.then(|| end(whole.decrease, here.squares))
                };
                if let Some(reason) = reason {
                    // What the model does not know of: parameters that it does not see, and kinks.
                    let tried = if reason == Reason::Kink {
                        (0..theta.len()).collect()
                    } else {
                        here.unseen(&widths, reference)
                    };
                    if polls < POLLS && iterations < self.tolerance.iterations {
                        let (better, passes) = self.polled(&theta, &tried, (here.squares, 2.0 * enough))?;
                        evaluations += passes;
                        if let Some(next) = better {
                            evaluations += 1;
                            iterations += 1;
                            polls += 1;
                            (here, theta) = (self.evaluate(&next)?, next);
                            (scale, radius, shortened) = (vec![0.0; theta.len()], f64::INFINITY, false);
                            latest.clear();
                            continue;
                        }
                    }
                    break reason;
                }
                if !shortened {
                    step = whole;
                }
            }
            if iterations == self.tolerance.iterations {
                break Reason::Iterations;
            }
            if self.is_stopped() {
                break Reason::Stopped;
            }
            iterations += 1;
            let mut next = self.moved(&theta, &step.delta);
            let mut there = self.evaluate(&next)?;
            evaluations += 1;
            let gain = |there: &Derivatives| 0.5 * (here.squares - there.squares);
            if gain(&there) <= 1e-4 * step.decrease {
                // A straight step leaves a curved valley.
                let wanted = 0.5 * step.decrease - gain(&there);
                if let Some(back) = self.back(&next, &there, &scale, (step.length, wanted))? {
                    (next, there) = back;
                    evaluations += 1;
                }
            }
            let ratio = if there.is_finite() { gain(&there) / step.decrease } else { -1.0 };
            if ratio < 0.1 {
                radius = 0.3 * step.length.min(radius);
            } else if ratio > 0.5 && step.length > 0.99 * radius {
                radius *= 2.0;
            } else if ratio > 0.5 {
                radius = radius.max(2.0 * step.length);
            }
            if ratio > 1e-4 {
                (theta, here, shortened) = (next, there, false);
                continue;
            }
            shortened = true;
            // Sums of like terms are good to about 1e-14 of themselves.
            if step.decrease < (1e-13 * here.squares).max(resolution(here.squares)) {
                if is_stale(&scale, &fresh) {
                    (scale, radius, shortened) = (fresh, f64::INFINITY, false);
                    continue;
                }
                break end(decomposed.step(diameter.max(radius)).decrease, here.squares);
            }
        };
        let conditioning = |here: &Derivatives, theta: &[f64]| {
            let fresh = here.scales(&widths, reference);
            if here.is_finite() { self.model(here, &fresh, theta).conditioning() } else { 1.0 }
        };
        let mut at_end = conditioning(&here, &theta);
        if reason.is_converged() && at_end < ILL_CONDITIONED {
            let before = iterations;
            while iterations < self.tolerance.iterations {
                let Some((next, squares)) = self.refined(&theta, here.squares, &scale)? else { break };
                evaluations += 1 + CUTS.len();
                iterations += 1;
                let gain = here.squares - squares;
                (theta, here.squares) = (next, squares);
                if gain <= self.tolerance.decrease * here.squares {
                    break;
                }
            }
            if iterations > before {
                evaluations += 1;
                at_end = conditioning(&self.evaluate(&theta)?, &theta);
            }
        }
        Ok(Fit { theta, objective: here.squares / rows, iterations, evaluations, reason, conditioning: at_end })
    }
}

//! Softmax-gated mixtures over many rows: values, and the exact value, gradient and Hessian of the sum of squares, in one pass and without a stored Jacobian.
//!
//! ```text
//! f(x) = Σ_a softmax_a(α_aᵀx + β_a) Σ_b softmax_{b|a}((ρ(ω_abᵀx) + β_ab)/τ) λ_ab act(a_abᵀx + b_ab)
//! ```
//!
//! # How the pass works
//!
//! The parameters act through few scalar functions of a row, the slots: the linear forms of gates and experts, and what is a scalar itself (`λ`, `τ`, the `β` of a router that is not linear). So
//!
//! ```text
//! ∇²(½ Σ r²)_{(c,u),(e,v)} = Σ_rows w_ce x_u x_v,     w_ce = s_c s_e + r ∂²f/∂c∂e,     x_0 = 1
//! ```
//!
//! is a product of two matrices, (slot pairs × rows) · (rows × products of inputs): half as many multiply-adds as `JᵀJ` has from a stored Jacobian, because the blocks are symmetric in `u, v`, and the second derivatives come for almost nothing. Rows are taken in tiles that stay in the
//! first cache; memory does not depend on their number. `tile` has the formulas of `s` and `w`.
//!
//! Sums are taken tile by tile in order. They depend on the lanes of the instruction set in the last bits.

mod gram;
mod layout;
mod tile;

use crate::InstructionSet;
use layout::Plan;
use pulp::{Simd, WithSimd};
use tile::{Model, Order, TILE};

pub use gram::MixtureMoments;
pub use layout::{MixtureLayout, MixtureShape};
pub use tile::{MAX_ATOMS, MixtureWorkspace};

/// The vectorised mixture of one shape.
///
/// ```
/// use moe_kernels::{Activation, MixtureKernel, MixtureShape};
/// // Two linear experts of one input; parameters ω_1, β_1, a_1, b_1, a_2, b_2.
/// let kernel = MixtureKernel::new(MixtureShape {
///     dimension: 1,
///     groups: vec![2],
///     router: Activation::Linear,
///     temperature: false,
///     activation: Activation::Linear,
///     outer_weight: false,
///     last_slope: false,
/// });
/// let theta = [1.0, 0.0, 0.0, 2.0, 0.0, -2.0];
/// let mut f = [0.0];
/// kernel.values(&theta, &[3.0_f64.ln()], &mut f, &mut kernel.workspace());
/// assert!((f[0] - 1.0).abs() < 1e-15);
/// ```
#[derive(Clone, Debug)]
pub struct MixtureKernel {
    shape: MixtureShape,
    plan: Plan,
    parameters: usize,
    instructions: InstructionSet,
}

impl MixtureKernel {
    /// The kernel on the widest instruction set of this machine.
    ///
    /// # Panics
    /// If a size is 0, there are more than [`MAX_ATOMS`] atoms, a power is 0, or a mixture with several groups has a router that is not linear or a temperature.
    pub fn new(shape: MixtureShape) -> Self {
        assert!(shape.dimension > 0 && !shape.groups.is_empty() && !shape.groups.contains(&0), "sizes from 1");
        assert!(shape.atoms() <= MAX_ATOMS, "at most {MAX_ATOMS} atoms");
        assert!(shape.activation != crate::Activation::Power(0), "powers from 1");
        assert!(shape.groups.len() == 1 || shape.is_plain(), "groups have plain gates");
        let plan = Plan::new(&shape);
        let parameters = plan.parameters(shape.dimension);
        Self { shape, plan, parameters, instructions: InstructionSet::best() }
    }

    /// The same kernel on another instruction set; `None` where this machine lacks it.
    pub fn on(mut self, instructions: InstructionSet) -> Option<Self> {
        self.instructions = instructions;
        instructions.is_available().then_some(self)
    }

    /// The shape.
    pub fn shape(&self) -> &MixtureShape {
        &self.shape
    }

    /// How many parameters there are; [`MixtureShape::layout`] says where each stands.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Buffers for one thread.
    pub fn workspace(&self) -> MixtureWorkspace {
        MixtureWorkspace::new(&self.plan, self.shape.dimension)
    }

    /// Sums over no rows.
    pub fn moments(&self) -> MixtureMoments {
        MixtureMoments::new(&self.plan, self.shape.dimension)
    }

    fn run(&self, theta: &[f64], x: &[f64], rows: usize, task: Task<'_>, work: &mut MixtureWorkspace) {
        assert_eq!(theta.len(), self.parameters, "one number a parameter");
        assert_eq!(x.len(), rows * self.shape.dimension, "one number an input and row");
        if rows > 0 {
            let model = Model { shape: &self.shape, plan: &self.plan, theta };
            let done = self.instructions.dispatch(Pass { model, x, rows, task, work });
            debug_assert!(done.is_some(), "the instruction set was checked when the kernel was made");
        }
    }

    /// `f` at every row, `x` by columns of `out.len()` numbers: within a few units of `10⁻¹⁶ Σ|π_i h_i|` where the linear forms are of order 1.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn values(&self, theta: &[f64], x: &[f64], out: &mut [f64], work: &mut MixtureWorkspace) {
        self.run(theta, x, out.len(), Task::Values(out), work);
    }

    /// `Σ (f − y)²`.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn sum_of_squares(&self, theta: &[f64], x: &[f64], y: &[f64], work: &mut MixtureWorkspace) -> f64 {
        let mut sum = 0.0;
        self.run(theta, x, y.len(), Task::Squares(y, &mut sum), work);
        sum
    }

    /// Adds the rows to the sums: with `curved` for the exact Hessian of `½ Σ r²`, otherwise for `JᵀJ`.
    ///
    /// # Panics
    /// If a length does not fit or the moments are of another shape.
    pub fn accumulate(
        &self,
        theta: &[f64],
        x: &[f64],
        y: &[f64],
        curved: bool,
        moments: &mut MixtureMoments,
        work: &mut MixtureWorkspace,
    ) {
        self.run(theta, x, y.len(), Task::Moments(y, curved, moments), work);
    }

    /// Gradient and Hessian of `½ Σ r²` (or `Jᵀr`, `JᵀJ`) from sums of this kernel: the matrix by rows, symmetric.
    pub fn derivatives(&self, moments: &MixtureMoments) -> (Vec<f64>, Vec<f64>) {
        moments.derivatives(&self.plan, self.parameters)
    }

    /// `r = f − y` and the Jacobian, by columns of `y.len()` numbers.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn jacobian(
        &self,
        theta: &[f64],
        x: &[f64],
        y: &[f64],
        residuals: &mut [f64],
        jacobian: &mut [f64],
        work: &mut MixtureWorkspace,
    ) {
        assert_eq!(residuals.len(), y.len(), "one residual a row");
        assert_eq!(jacobian.len(), y.len() * self.parameters, "one column a parameter");
        self.run(theta, x, y.len(), Task::Jacobian(y, residuals, jacobian), work);
    }
}

/// What a pass over rows is for.
enum Task<'a> {
    Values(&'a mut [f64]),
    Squares(&'a [f64], &'a mut f64),
    Moments(&'a [f64], bool, &'a mut MixtureMoments),
    Jacobian(&'a [f64], &'a mut [f64], &'a mut [f64]),
}

struct Pass<'a> {
    model: Model<'a>,
    x: &'a [f64],
    rows: usize,
    task: Task<'a>,
    work: &'a mut MixtureWorkspace,
}

impl WithSimd for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { model, x, rows, mut task, work } = self;
        let order = match &task {
            Task::Values(_) | Task::Squares(..) => Order::Value,
            Task::Moments(..) | Task::Jacobian(..) => Order::First,
        };
        let mut from = 0;
        while from < rows {
            let count = (rows - from).min(TILE);
            let here = from..from + count;
            work.load(x, rows, from, count);
            if let Task::Moments(y, ..) | Task::Jacobian(y, ..) = &task {
                work.load_response(&y[here.clone()]);
            }
            tile::evaluate(simd, model, order, count, work);
            match &mut task {
                Task::Values(out) => out[here].copy_from_slice(&work.value[..count]),
                Task::Squares(y, sum) => {
                    work.load_response(&y[here]);
                    **sum += tile::squares(simd, count, work);
                }
                Task::Moments(_, curved, moments) => {
                    gram::multiply_features(simd, model.shape.dimension, work);
                    tile::weigh(simd, model.plan, *curved, work);
                    moments.accumulate(simd, work);
                }
                Task::Jacobian(_, residuals, jacobian) => {
                    residuals[here.clone()].copy_from_slice(&work.rows[..count]);
                    for (c, placed) in model.plan.slots.iter().enumerate() {
                        let s = &work.first[c * TILE..c * TILE + count];
                        let mut column = |place: usize, feature: usize| {
                            let x = &work.features[feature * TILE..];
                            let out = &mut jacobian[place * rows..(place + 1) * rows][here.clone()];
                            for r in 0..count {
                                out[r] = s[r] * x[r];
                            }
                        };
                        if c < model.plan.forms {
                            for u in 1..=model.shape.dimension {
                                column(placed.first + u - 1, u);
                            }
                            if let Some(place) = placed.intercept {
                                column(place, 0);
                            }
                        } else {
                            column(placed.first, 0);
                        }
                    }
                }
            }
            from += count;
        }
    }
}

#[cfg(test)]
mod tests;

//! Two mixtures one after the other, and their least-squares fit.
//!
//! With `z_r = f₁(x_r)` the Jacobian of the composite is `∂f/∂θ₂ = J₂(z)`, `∂f/∂θ₁ = f₂'(z) J₁(x)`, and
//!
//! ```text
//! f₂'(z) = Σ_j ω_j ∂f₂/∂β_j + a_j ∂f₂/∂b_j,
//! ```
//!
//! columns of `J₂` again. A Levenberg–Marquardt method on `JᵀJ` suffices: the layers are small, and starts are near the truth.

use faer::linalg::matmul::matmul;
use faer::linalg::solvers::Solve;
use faer::{Accum, Mat, MatRef, Par, Side};
use moe_kernels::{Activation, MixtureWorkspace};
use moe_theory::softmax::{Architecture, Coordinates, Gate, MixingMeasure, Sample, Source};

use crate::{CheckError, Run};

/// Steps at most, exactly specified.
const STEPS: usize = 500;
/// Steps at most where the first layer has an atom too many: the method creeps there, long after its fit is below the truth.
const CREEPING: usize = 150;
/// What a step may still promise at the end, as a share of the mean square of an observation: far below the statistical fluctuations of order 1.
const DECREASE: f64 = 1e-4;

/// Two layers, each with the coordinates of its class.
pub(super) struct Stack {
    pub(super) layers: [Coordinates; 2],
}

/// The value, and with a Jacobian all derivatives, of a stack at a chunk of inputs.
struct Passage {
    residuals: Vec<f64>,
    /// By columns, layer one first.
    jacobian: Vec<f64>,
}

impl Stack {
    pub(super) fn new(first: usize, activation: Activation, outer_weight: bool) -> Self {
        let class = |size, activation, outer_weight| Architecture {
            dimension: 1,
            gate: Gate::Softmax,
            sizes: vec![size],
            activation,
            outer_weight,
        };
        let first = class(first, activation, outer_weight);
        Self { layers: [&first, &class(2, Activation::Gelu, false)].map(|class| Coordinates::new(class, false)) }
    }

    fn count(&self) -> usize {
        self.layers[0].count() + self.layers[1].count()
    }

    pub(super) fn works(&self) -> [MixtureWorkspace; 2] {
        [0, 1].map(|layer| self.layers[layer].kernel().workspace())
    }

    pub(super) fn values(&self, theta: &[f64], x: &[f64], f: &mut [f64], works: &mut [MixtureWorkspace; 2]) {
        let (first, second) = theta.split_at(self.layers[0].count());
        let mut z = vec![0.0; x.len()];
        self.layers[0].kernel().values(first, x, &mut z, &mut works[0]);
        self.layers[1].kernel().values(second, &z, f, &mut works[1]);
    }

    fn derivatives(&self, theta: &[f64], x: &[f64], y: &[f64], works: &mut [MixtureWorkspace; 2]) -> Passage {
        let rows = y.len();
        let counts = [0, 1].map(|layer| self.layers[layer].count());
        let (first, second) = theta.split_at(counts[0]);
        let (mut z, mut residuals) = (vec![0.0; rows], vec![0.0; rows]);
        let mut jacobian = vec![0.0; rows * (counts[0] + counts[1])];
        let (upper, lower) = jacobian.split_at_mut(rows * counts[0]);
        let zero = vec![0.0; rows];
        self.layers[0].kernel().jacobian(first, x, &zero, &mut z, upper, &mut works[0]);
        self.layers[1].kernel().jacobian(second, &z, y, &mut residuals, lower, &mut works[1]);
        let mut slope = vec![0.0; rows];
        let mut add = |factor: f64, place: usize| {
            slope.iter_mut().zip(&lower[place * rows..]).for_each(|(slope, part)| *slope += factor * part);
        };
        let layout = self.layers[1].layout();
        for i in 0..layout.expert.len() {
            if let (Some(slope), Some(intercept)) = (layout.slope[i], layout.intercept[i]) {
                add(second[slope], intercept);
            }
            add(second[layout.expert[i]], layout.expert[i] + 1);
        }
        for column in upper.chunks_exact_mut(rows) {
            column.iter_mut().zip(&slope).for_each(|(entry, slope)| *entry *= slope);
        }
        Passage { residuals, jacobian }
    }

    pub(super) fn squares(
        &self,
        sample: &Sample,
        theta: &[f64],
        works: &mut [MixtureWorkspace; 2],
    ) -> Result<f64, CheckError> {
        let (mut sum, mut scratch) = (0.0, Vec::new());
        for index in 0..sample.chunks() {
            let chunk = sample.chunk(index, &mut scratch).map_err(CheckError::theory)?;
            let mut f = vec![0.0; chunk.y.len()];
            self.values(theta, chunk.columns, &mut f, works);
            sum += f.iter().zip(chunk.y).map(|(f, y)| (f - y).powi(2)).sum::<f64>();
        }
        Ok(sum)
    }

    /// Gradient of `½ Σ r²` and `JᵀJ`.
    pub(super) fn normal(
        &self,
        sample: &Sample,
        theta: &[f64],
        works: &mut [MixtureWorkspace; 2],
    ) -> Result<(Vec<f64>, Mat<f64>), CheckError> {
        let count = self.count();
        let (mut gradient, mut matrix, mut scratch) = (vec![0.0; count], Mat::zeros(count, count), Vec::new());
        for index in 0..sample.chunks() {
            let chunk = sample.chunk(index, &mut scratch).map_err(CheckError::theory)?;
            let passage = self.derivatives(theta, chunk.columns, chunk.y, works);
            let rows = chunk.y.len();
            for (entry, column) in gradient.iter_mut().zip(passage.jacobian.chunks_exact(rows)) {
                *entry += column.iter().zip(&passage.residuals).map(|(a, b)| a * b).sum::<f64>();
            }
            let jacobian = MatRef::from_column_major_slice(&passage.jacobian, rows, count);
            matmul(matrix.as_mut(), Accum::Add, jacobian.transpose(), jacobian, 1.0, Par::Seq);
        }
        Ok((gradient, matrix))
    }

    /// The minimum from a start by the method of Levenberg and Marquardt with Marquardt's scale; whether it converged.
    pub(super) fn fit(
        &self,
        run: &Run<'_>,
        sample: &Sample,
        start: Vec<f64>,
    ) -> Result<(Vec<f64>, f64, bool), CheckError> {
        let mut works = self.works();
        let (mut theta, mut squares) = (start, 0.0);
        squares += self.squares(sample, &theta, &mut works)?;
        let (mut gradient, mut matrix) = self.normal(sample, &theta, &mut works)?;
        let mut damping = 1e-4;
        let steps = if self.layers[0].class().sizes[0] > 2 { CREEPING } else { STEPS };
        for _ in 0..steps {
            run.proceed()?;
            let count = theta.len();
            let damped = Mat::from_fn(count, count, |i, j| {
                matrix[(i, j)] * if i == j { 1.0 + damping } else { 1.0 } + if i == j { f64::MIN_POSITIVE } else { 0.0 }
            });
            let right = Mat::from_fn(count, 1, |i, _| -gradient[i]);
            let Ok(factors) = damped.llt(Side::Lower) else {
                damping *= 10.0;
                continue;
            };
            let step = factors.solve(&right);
            // ½ δᵀ(JᵀJ + 2D)δ is what the model promises; −½ gᵀδ is at most that and at least half of it.
            let promised: f64 = -(0..count).map(|i| gradient[i] * step[(i, 0)]).sum::<f64>();
            if promised * sample.rows() as f64 <= DECREASE * squares && damping <= 1e-2 {
                return Ok((theta, squares, true));
            }
            let next: Vec<f64> = theta.iter().enumerate().map(|(i, t)| t + step[(i, 0)]).collect();
            let there = self.squares(sample, &next, &mut works)?;
            if there < squares {
                (theta, squares) = (next, there);
                (gradient, matrix) = self.normal(sample, &theta, &mut works)?;
                damping = (0.2 * damping).max(1e-12);
            } else if damping > 1e12 {
                // No direction falls: what is left is rounding.
                return Ok((theta, squares, true));
            } else {
                damping *= 5.0;
            }
        }
        Ok((theta, squares, false))
    }

    pub(super) fn measures(&self, theta: &[f64]) -> [MixingMeasure; 2] {
        let (first, second) = theta.split_at(self.layers[0].count());
        [self.layers[0].measure(first), self.layers[1].measure(second)]
    }

    pub(super) fn parameters(&self, measures: &[MixingMeasure; 2]) -> Result<Vec<f64>, CheckError> {
        let theta = [0, 1].map(|layer| self.layers[layer].parameters(&measures[layer]));
        match theta {
            [Some(first), Some(second)] => Ok([first, second].concat()),
            _ => Err(CheckError::theory("a true slope is pinned")),
        }
    }

    /// `f₂(f₁(x))` by the definition.
    pub(super) fn value(&self, measures: &[MixingMeasure; 2], x: &[f64]) -> f64 {
        let z = measures[0].value(self.layers[0].class(), x);
        measures[1].value(self.layers[1].class(), &[z])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chain rule against central differences, for both layers and with output weights.
    #[test]
    fn derivatives_agree_with_differences() {
        let stack = Stack::new(3, Activation::Gelu, true);
        let theta: Vec<f64> = (0..stack.count()).map(|i| 0.7 * (1.3 * i as f64 + 0.4).sin()).collect();
        let x: Vec<f64> = (0..37).map(|i| -3.0 + 6.0 * f64::from(i) / 36.0).collect();
        let mut works = stack.works();
        let passage = stack.derivatives(&theta, &x, &vec![0.0; x.len()], &mut works);
        // A central difference at h = 10⁻⁵ is good to h² f'''/6 + 10⁻¹⁶/h, about 10⁻⁹.
        let h = 1e-5;
        for i in 0..stack.count() {
            let mut at = |by: f64| {
                let mut moved = theta.clone();
                moved[i] += by;
                let mut f = vec![0.0; x.len()];
                stack.values(&moved, &x, &mut f, &mut works);
                f
            };
            let (above, below) = (at(h), at(-h));
            for row in 0..x.len() {
                let difference = (above[row] - below[row]) / (2.0 * h);
                assert!((difference - passage.jacobian[i * x.len() + row]).abs() < 1e-8, "parameter {i}, row {row}");
            }
        }
    }
}

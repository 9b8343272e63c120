//! Online stochastic gradient descent: a fresh Gaussian batch at every step.
//!
//! ```text
//! θ ← θ − η ∇ (1/2B) Σ_{b≤B} (f(θ, x_b) − f*(x_b))²,      x_b ~ N(0, I_d) fresh,      θ = raw weights, normalised inside f
//! ```
//!
//! Two simulations with one law. [`OnlineSgd::full`] keeps all `d` coordinates: `2d·2(m+m*) + 2d·2m` flops and `d` normal draws for each input. [`OnlineSgd::reduced`] keeps at most `2m + 2m*` coordinates
//! and samples what leaves their span (the module `outside` derives it), so that `d` is a parameter: `O((m+m*)²)` for each input and `O(m³)` for each step.
//!
//! Gradients are tangent to the spheres, so a step lengthens every raw vector: `‖w‖² ← ‖w‖² + η²‖∇_w‖²`.

use super::model::{Weights, norm};
use super::order::OrderParameters;
use super::outside;
use super::population::PopulationLoss;
use super::reduction::Start;
use super::samples::Samples;
use faer::linalg::matmul::triangular::BlockStructure::{Rectangular, TriangularLower};
use faer::linalg::matmul::{matmul, triangular};
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use thiserror::Error;

/// Largest dimension of a full simulation: memory and time grow with it.
pub const MAX_FULL_DIMENSION: u64 = 65_536;

/// Inputs that are handled together; a batch is cut into such blocks, so that memory does not grow with it.
const BLOCK: usize = 256;

/// What is wrong with the settings of a simulation.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum SgdError {
    /// `B = 0`.
    #[error("batch is 0; at least one input is needed")]
    Batch,
    /// No step size.
    #[error("step is {found}; a positive finite number is needed")]
    Step {
        /// The step asked for.
        found: f64,
    },
    /// Too many coordinates for a simulation that keeps them all.
    #[error("dimension is {found}; a full simulation takes at most {MAX_FULL_DIMENSION}")]
    Dimension {
        /// The dimension asked for.
        found: u64,
    },
}

/// A student under online SGD.
#[derive(Debug)]
pub struct OnlineSgd {
    batch: usize,
    step: f64,
    students: usize,
    /// Coordinates kept; the teacher has zeros from row `2m*` on wherever coordinates are compressed.
    coordinates: usize,
    /// Dimensions beyond the coordinates.
    outside: u64,
    population: PopulationLoss,
    samples: Samples,
    rng: ChaCha8Rng,
    /// Raw columns: student routers, student experts.
    columns: Vec<f64>,
    norms: Vec<f64>,
    /// Unit columns: student routers, student experts, teacher routers, teacher experts.
    units: Mat<f64>,
    /// Of the last batch, with respect to the raw columns.
    gradient: Vec<f64>,
    /// The population gradient at the same weights, where it was asked for.
    drift: Vec<f64>,
    /// `Σ_b c_b c_bᵀ` of the last batch, lower triangle.
    gram: Mat<f64>,
    inputs: Vec<f64>,
    projections: Vec<f64>,
    coefficients: Vec<f64>,
}

impl OnlineSgd {
    /// All `d` coordinates of `start.dimension`.
    ///
    /// # Errors
    /// Every [`SgdError`].
    pub fn full(start: &Start, batch: usize, step: f64, rng: ChaCha8Rng) -> Result<Self, SgdError> {
        if start.dimension > MAX_FULL_DIMENSION {
            return Err(SgdError::Dimension { found: start.dimension });
        }
        Self::new(start, start.dimension as usize, batch, step, rng)
    }

    /// `min(d, 2m + 2m*)` coordinates, the same law.
    ///
    /// # Errors
    /// [`SgdError::Batch`] and [`SgdError::Step`].
    pub fn reduced(start: &Start, batch: usize, step: f64, rng: ChaCha8Rng) -> Result<Self, SgdError> {
        Self::new(start, start.coordinates(), batch, step, rng)
    }

    fn new(start: &Start, coordinates: usize, batch: usize, step: f64, rng: ChaCha8Rng) -> Result<Self, SgdError> {
        if batch == 0 {
            return Err(SgdError::Batch);
        }
        if !(step > 0.0 && step.is_finite()) {
            return Err(SgdError::Step { found: step });
        }
        let (m, teachers, rows) = (start.students(), start.teachers(), start.coordinates());
        let model = start.model();
        let padded = |columns: MatRef<'_, f64>| {
            Mat::from_fn(coordinates, columns.ncols(), |i, j| if i < rows { columns[(i, j)] } else { 0.0 })
        };
        let (raw, teacher) = (padded(model.student.columns()), padded(model.teacher.columns()));
        let teacher_norms: Vec<f64> = (0..2 * teachers).map(|j| norm(teacher.col_as_slice(j))).collect();
        let units = Mat::from_fn(coordinates, 2 * (m + teachers), |i, j| match j.checked_sub(2 * m) {
            Some(j) => teacher[(i, j)] / teacher_norms[j],
            None => 0.0,
        });
        let columns: Vec<f64> = (0..2 * m).flat_map(|j| raw.col_as_slice(j).iter().copied()).collect();
        let block = BLOCK.min(batch);
        Ok(Self {
            batch,
            step,
            students: m,
            coordinates,
            outside: start.dimension.saturating_sub(coordinates as u64),
            population: PopulationLoss::new(start.router, start.order, m, &Weights::from_columns(teacher)),
            samples: Samples::new(start.router, start.order, m, teachers),
            rng,
            gradient: vec![0.0; columns.len()],
            drift: vec![0.0; columns.len()],
            columns,
            norms: vec![0.0; 2 * m],
            units,
            gram: Mat::zeros(2 * m, 2 * m),
            inputs: vec![0.0; block * coordinates],
            projections: vec![0.0; block * 2 * (m + teachers)],
            coefficients: vec![0.0; block * 2 * m],
        })
    }

    /// Draws a batch and evaluates the gradient of its loss at the current weights; returns that loss. [`Self::advance`] takes the step.
    pub fn draw(&mut self) -> f64 {
        let (rows, count) = (self.coordinates, 2 * self.students);
        for j in 0..count {
            let column = &self.columns[j * rows..(j + 1) * rows];
            self.norms[j] = norm(column);
            let inverse = 1.0 / self.norms[j];
            self.units.col_as_slice_mut(j).iter_mut().zip(column).for_each(|(u, x)| *u = x * inverse);
        }
        let (mut loss, mut done) = (0.0, 0);
        while done < self.batch {
            let n = BLOCK.min(self.batch - done);
            loss += self.block(n, if done == 0 { Accum::Replace } else { Accum::Add });
            done += n;
        }
        // Tangent projection, and the chain rule of the normalisation.
        let mean = 1.0 / self.batch as f64;
        for (j, gradient) in self.gradient.chunks_exact_mut(rows).enumerate() {
            let unit = self.units.col_as_slice(j);
            let along = moe_kernels::weighted_sum(gradient, unit);
            let scale = mean / self.norms[j];
            gradient.iter_mut().zip(unit).for_each(|(g, u)| *g = scale * (*g - along * u));
        }
        loss * mean
    }

    /// Adds the gradient (and, where needed, the Gram matrix of the coefficients) of `n` fresh inputs.
    fn block(&mut self, n: usize, accumulate: Accum) -> f64 {
        let (rows, count, all) = (self.coordinates, 2 * self.students, self.units.ncols());
        let inputs = &mut self.inputs[..n * rows];
        inputs.iter_mut().for_each(|x| *x = StandardNormal.sample(&mut self.rng));
        let inputs = MatRef::from_column_major_slice(inputs, n, rows);
        let projections = &mut self.projections[..n * all];
        let target = MatMut::from_column_major_slice_mut(&mut *projections, n, all);
        matmul(target, Accum::Replace, inputs, self.units.as_ref(), 1.0, Par::Seq);
        let coefficients = &mut self.coefficients[..n * count];
        let loss = self.samples.coefficients(n, projections, coefficients);
        let coefficients = MatRef::from_column_major_slice(coefficients, n, count);
        let gradient = MatMut::from_column_major_slice_mut(&mut self.gradient, rows, count);
        matmul(gradient, accumulate, inputs.transpose(), coefficients, 1.0, Par::Seq);
        if self.outside > 0 {
            let c = coefficients;
            let gram = self.gram.as_mut();
            triangular::matmul(
                gram,
                TriangularLower,
                accumulate,
                c.transpose(),
                Rectangular,
                c,
                Rectangular,
                1.0,
                Par::Seq,
            );
        }
        loss
    }

    /// Takes the step along the gradient of the last batch.
    pub fn advance(&mut self) {
        self.columns.iter_mut().zip(&self.gradient).for_each(|(x, g)| *x -= self.step * g);
        if self.outside > 0 {
            self.leave_the_span();
        }
    }

    /// Adds the step's part outside the span and returns to the same number of coordinates.
    fn leave_the_span(&mut self) {
        let (rows, count) = (self.coordinates, 2 * self.students);
        let scale: Vec<f64> = self.norms.iter().map(|norm| self.step / (self.batch as f64 * norm)).collect();
        let scaled = Mat::from_fn(count, count, |i, j| self.gram[(i, j)] * scale[i] * scale[j]);
        let new = outside::sample(scaled.as_ref(), self.outside, &mut self.rng);
        // The teacher's coordinates come first and stay.
        let kept = rows - count;
        let inside = count;
        let below = Mat::from_fn(inside + new.nrows(), count, |i, j| {
            if i < inside { self.columns[j * rows + kept + i] } else { new[(i - inside, j)] }
        });
        let compressed = outside::compress(below);
        for j in 0..count {
            for i in 0..inside {
                self.columns[j * rows + kept + i] = if i <= j { compressed[(i, j)] } else { 0.0 };
            }
        }
    }

    /// `w*_jᵀ(g − ∇L)` for the raw expert `i`: the deviation of the last batch's gradient from the population gradient, along the expert of teacher `j`. Its mean given the past is zero. To be
    /// asked between [`Self::draw`] and [`Self::advance`].
    pub fn expert_deviation(&mut self, i: usize, j: usize) -> f64 {
        self.population.gradient(&self.columns, &mut self.drift);
        let teachers = self.units.ncols() / 2 - self.students;
        self.deviation(self.students + i, 2 * self.students + teachers + j)
    }

    /// The same along every teacher vector of a pair: of the expert along `w*_j`, the router along `v*_j`, the router along `w*_j` and the expert along `v*_j`.
    pub fn pair_deviations(&mut self, i: usize, j: usize) -> [f64; 4] {
        self.population.gradient(&self.columns, &mut self.drift);
        let teachers = self.units.ncols() / 2 - self.students;
        let (router, expert) = (2 * self.students + j, 2 * self.students + teachers + j);
        [(self.students + i, expert), (i, router), (i, expert), (self.students + i, router)]
            .map(|(column, along)| self.deviation(column, along))
    }

    /// `v̄_iᵀ(g − ∇L)_w/‖w_i‖ + w̄_iᵀ(g − ∇L)_v/‖v_i‖`: minus the kick that the last batch gives to `v̄_i·w̄_i` for each unit of step size. Its mean given the past is zero. To be asked between
    /// [`Self::draw`] and [`Self::advance`].
    pub fn own_overlap_deviation(&mut self, i: usize) -> f64 {
        self.population.gradient(&self.columns, &mut self.drift);
        let expert = self.students + i;
        self.deviation(expert, i) / self.norms[expert] + self.deviation(i, expert) / self.norms[i]
    }

    /// The deviation of the gradient with respect to a raw column along a unit column; `drift` holds the population gradient.
    fn deviation(&self, column: usize, along: usize) -> f64 {
        let range = column * self.coordinates..(column + 1) * self.coordinates;
        let deviation = self.gradient[range.clone()].iter().zip(&self.drift[range]);
        deviation.zip(self.units.col_as_slice(along)).map(|((g, mean), u)| (g - mean) * u).sum()
    }

    /// Takes the component along `w_i` from every `v_i`, as the paper's start does.
    pub fn orthogonalise(&mut self) {
        make_orthogonal(&mut self.columns, self.coordinates);
    }

    /// Gradient of the last batch's loss with respect to the raw columns, in the coordinates kept: `coordinates × 2m`, routers, then experts.
    pub fn gradient(&self) -> &[f64] {
        &self.gradient
    }

    /// The raw columns in the coordinates kept.
    pub fn columns(&self) -> &[f64] {
        &self.columns
    }

    /// Raw norm of the router of student `i`.
    pub fn router_norm(&self, i: usize) -> f64 {
        norm(&self.columns[i * self.coordinates..(i + 1) * self.coordinates])
    }

    /// Raw norm of the expert of student `i`.
    pub fn expert_norm(&self, i: usize) -> f64 {
        self.router_norm(self.students + i)
    }

    /// `κ_ij`, at the cost of one inner product.
    pub fn expert(&self, i: usize, j: usize) -> f64 {
        let teachers = self.units.ncols() / 2 - self.students;
        self.cosine(self.students + i, 2 * self.students + teachers + j)
    }

    /// `β_ij`, at the same cost.
    pub fn router(&self, i: usize, j: usize) -> f64 {
        self.cosine(i, 2 * self.students + j)
    }

    /// Of a raw column with a teacher's unit column.
    fn cosine(&self, column: usize, teacher: usize) -> f64 {
        let column = &self.columns[column * self.coordinates..(column + 1) * self.coordinates];
        moe_kernels::weighted_sum(column, self.units.col_as_slice(teacher)) / norm(column)
    }

    /// `s_i = v̄_i·w̄_i`, at the cost of one inner product.
    pub fn own(&self, i: usize) -> f64 {
        let column = |j: usize| &self.columns[j * self.coordinates..(j + 1) * self.coordinates];
        let (router, expert) = (column(i), column(self.students + i));
        moe_kernels::weighted_sum(router, expert) / (norm(router) * norm(expert))
    }

    /// Population loss and all overlaps.
    pub fn order_parameters(&mut self) -> OrderParameters {
        OrderParameters::at(&mut self.population, &self.columns)
    }
}

/// Takes the component along `w_i` from every `v_i`; columns of the given length: routers, then experts.
pub fn make_orthogonal(columns: &mut [f64], coordinates: usize) {
    let (routers, experts) = columns.split_at_mut(columns.len() / 2);
    for (v, w) in routers.chunks_exact_mut(coordinates).zip(experts.chunks_exact(coordinates)) {
        let share = moe_kernels::weighted_sum(v, w) / moe_kernels::weighted_sum(w, w);
        v.iter_mut().zip(w).for_each(|(v, w)| *v -= share * w);
    }
}

#[cfg(test)]
mod tests;

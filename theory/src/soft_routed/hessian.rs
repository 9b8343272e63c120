//! The Hessian of the population loss as an operator, for the implicit integrator.
//!
//! In the notation of [`PopulationLoss`](super::PopulationLoss): with `G(g)` the linear map from the partial derivatives of the pairs to the coefficients `H`, `∇_s = X H`. For tangent
//! `dX_s`, `dC = dX_sᵀX + X_sᵀdX`, `δg = (∂²K) dC` and
//!
//! ```text
//! d∇ = X·G(δg) + dX·G(g),          Hess_i = (I − x_ix_iᵀ) d∇_i − (x_i·∇_i) dx_i      (Riemannian, unit vectors; theory X1)
//! ```
//!
//! The raw gradient is homogeneous of degree −1 in each vector, which fixes the rest of the second derivative at unit norm: for any `δ = τ + νx` with `τ ⟂ x`,
//! `D²L δ = Hess τ − x(∇·τ) − ν∇` blockwise, `∇` the tangent gradient.

use super::assembly::Pairs;
use super::reduction::Start;
use faer::{Mat, MatRef, Side};
use moe_kernels::{Correlations, CovarianceTable, Pair, combine, cross_gram};

/// Second derivatives of `L` by the student's unit vectors at one state, by the shift rule.
#[derive(Clone, Debug)]
pub struct Hessian {
    order: usize,
    table: CovarianceTable,
    pairs: Pairs,
    /// All unit vectors as columns, the student's first.
    stack: Mat<f64>,
    overlaps: Mat<f64>,
    /// Coefficients of the Euclidean gradient, and of its variation.
    coefficients: Mat<f64>,
    varied: Mat<f64>,
    /// Tangent gradient, `dimension × 2m`.
    gradient: Mat<f64>,
    /// `x_i·∇_i` of the Euclidean gradient.
    radial: Vec<f64>,
    rho: [Vec<f64>; 6],
    /// Second partial derivatives of each pair.
    second: Vec<[[f64; 6]; 6]>,
    buffers: Buffers,
}

#[derive(Clone, Debug)]
struct Buffers {
    first: [Vec<f64>; 6],
    direction: Mat<f64>,
    variation: Mat<f64>,
    result: Mat<f64>,
}

impl Hessian {
    /// For states of the shape of `start`; call [`Self::set`] before [`Self::apply`].
    pub fn new(start: &Start) -> Self {
        let (m, teachers, dimension) = (start.students(), start.teachers(), start.coordinates());
        let teacher = start.teacher.columns();
        let own =
            (0..teachers).map(|j| (teacher.col(j).transpose() * teacher.col(teachers + j)).clamp(-1.0, 1.0)).collect();
        let pairs = Pairs::new(m, own);
        let rows = 2 * (m + teachers);
        let mut stack = Mat::zeros(dimension, rows);
        stack.subcols_mut(2 * m, 2 * teachers).copy_from(teacher);
        let vectors = || std::array::from_fn(|_| vec![0.0; pairs.len()]);
        Self {
            order: start.order,
            table: CovarianceTable::new(start.router, 2 * start.order + 4),
            stack,
            overlaps: Mat::zeros(rows, 2 * m),
            coefficients: Mat::zeros(rows, 2 * m),
            varied: Mat::zeros(rows, 2 * m),
            gradient: Mat::zeros(dimension, 2 * m),
            radial: vec![0.0; 2 * m],
            rho: vectors(),
            second: vec![[[0.0; 6]; 6]; pairs.len()],
            buffers: Buffers {
                first: vectors(),
                direction: Mat::zeros(dimension, 2 * m),
                variation: Mat::zeros(rows, 2 * m),
                result: Mat::zeros(dimension, 2 * m),
            },
            pairs,
        }
    }

    /// Takes the second derivatives at `state` (the student's columns, normalised here).
    pub fn set(&mut self, state: &[f64]) {
        let (dimension, count) = (self.stack.nrows(), 2 * self.pairs.students);
        for (j, column) in state.chunks_exact(dimension).enumerate() {
            let norm = super::model::norm(column);
            for (to, x) in self.stack.col_as_slice_mut(j).iter_mut().zip(column) {
                *to = x / norm;
            }
        }
        cross_gram(self.stack.as_ref(), self.stack.as_ref().subcols(0, count), self.overlaps.as_mut());
        for i in 0..count {
            self.overlaps.col_as_slice_mut(i).iter_mut().for_each(|c| *c = c.clamp(-1.0, 1.0));
            self.overlaps[(i, i)] = 1.0;
        }
        self.pairs.gather(self.overlaps.as_ref(), &mut self.rho);
        let p = self.order;
        for k in 0..self.pairs.len() {
            let rho = self.rho.each_ref().map(|r| r[k]);
            let phi = phis(&self.table, rho[0], 2 * p + 4);
            let pair = Pair::new(&Correlations::from_array(rho), |k, l| phi[k][l]);
            let first = pair.gradient(p, p);
            self.buffers.first.iter_mut().zip(first).for_each(|(to, g)| to[k] = g);
            self.second[k] = pair.hessian(p, p);
        }
        self.pairs.scatter(self.buffers.first.each_ref().map(|g| &g[..]), &mut self.coefficients);
        combine(self.stack.as_ref(), self.coefficients.as_ref(), self.gradient.as_mut());
        for i in 0..count {
            let x = self.stack.col_as_slice(i);
            let gradient = self.gradient.col_as_slice_mut(i);
            self.radial[i] = dot(x, gradient);
            gradient.iter_mut().zip(x).for_each(|(g, x)| *g -= self.radial[i] * x);
        }
    }

    /// All `2m(d − 1)` eigenvalues of the Riemannian Hessian on the product of spheres, ascending, at the state of the last [`Self::set`] and in the dimension `d` of its coordinates.
    ///
    /// The matrix `b_iᵀ D²L b_j` over an orthonormal basis of the tangent space: of each vector `x` the reflection `I − 2hhᵀ` that takes the first axis to `∓x` has the others as images.
    /// A dense eigenproblem: cubic in `2m(d − 1)`.
    ///
    /// ```
    /// use moe_kernels::Router;
    /// use moe_theory::soft_routed::{Hessian, Start, StudentTeacher};
    /// let rows = [vec![vec![1.0, 0.0, 0.0]], vec![vec![0.0, 1.0, 0.0]]];
    /// let rows = [&rows[0][..], &rows[1][..]];
    /// let start = Start::reduce(&StudentTeacher::from_rows(Router::Sigmoid, 3, rows, rows).unwrap());
    /// let mut hessian = Hessian::new(&start);
    /// hessian.set(&start.state());
    /// let expected = [0.2690174481, 1.8144097262, 5.2808226454, 6.4726717672];
    /// assert!(hessian.spectrum().iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-9));
    /// ```
    ///
    /// # Panics
    /// If the eigenvalues of a finite symmetric matrix cannot be computed.
    pub fn spectrum(&mut self) -> Vec<f64> {
        let (dimension, count) = (self.stack.nrows(), 2 * self.pairs.students);
        let size = count * (dimension - 1);
        if size == 0 {
            return Vec::new();
        }
        let mut basis = Mat::<f64>::zeros(count * dimension, size);
        for i in 0..count {
            let x = self.stack.col_as_slice(i);
            // h = x ± e_0, the sign that adds, so that |h|² = 2(1 + |x_0|) is away from zero.
            let sign = if x[0] < 0.0 { -1.0 } else { 1.0 };
            let h = |r: usize| x[r] + if r == 0 { sign } else { 0.0 };
            let scale = 1.0 / (1.0 + x[0].abs());
            for c in 1..dimension {
                let column = basis.col_as_slice_mut(i * (dimension - 1) + c - 1);
                for r in 0..dimension {
                    column[i * dimension + r] = if r == c { 1.0 } else { 0.0 } - scale * h(r) * h(c);
                }
            }
        }
        let mut image = Mat::<f64>::zeros(count * dimension, size);
        for j in 0..size {
            let direction = basis.col_as_slice(j).to_vec();
            self.apply(&direction, image.col_as_slice_mut(j));
        }
        let matrix = basis.transpose() * image;
        matrix.self_adjoint_eigenvalues(Side::Lower).expect("a finite symmetric matrix has eigenvalues")
    }

    /// `out = D²L·direction` at the state of the last [`Self::set`], with respect to raw weights of unit norm; both are the student's columns.
    pub fn apply(&mut self, direction: &[f64], out: &mut [f64]) {
        let (dimension, count) = (self.stack.nrows(), 2 * self.pairs.students);
        let Buffers { first, direction: tangent, variation, result } = &mut self.buffers;
        let mut along = vec![0.0; count];
        for (i, delta) in direction.chunks_exact(dimension).enumerate() {
            let x = self.stack.col_as_slice(i);
            along[i] = dot(x, delta);
            for ((t, d), x) in tangent.col_as_slice_mut(i).iter_mut().zip(delta).zip(x) {
                *t = d - along[i] * x;
            }
        }
        // dC_ji = x_j·dx_i + dx_j·x_i; the second term is there for student rows only.
        cross_gram(self.stack.as_ref(), tangent.as_ref(), variation.as_mut());
        for i in 0..count {
            for j in 0..=i {
                let sum = variation[(j, i)] + variation[(i, j)];
                (variation[(j, i)], variation[(i, j)]) = (sum, sum);
            }
        }
        self.pairs.gather_variation(variation.as_ref(), &mut self.rho);
        for k in 0..self.pairs.len() {
            for (a, to) in first.iter_mut().enumerate() {
                to[k] = (0..6).map(|b| self.second[k][a][b] * self.rho[b][k]).sum();
            }
        }
        self.pairs.scatter(first.each_ref().map(|g| &g[..]), &mut self.varied);
        combine(self.stack.as_ref(), self.varied.as_ref(), result.as_mut());
        let own: MatRef<'_, f64> = self.coefficients.as_ref().subrows(0, count);
        faer::linalg::matmul::matmul(result.as_mut(), faer::Accum::Add, tangent.as_ref(), own, 1.0, faer::Par::Seq);
        for (i, out) in out.chunks_exact_mut(dimension).enumerate() {
            let (x, tangent, gradient) =
                (self.stack.col_as_slice(i), tangent.col_as_slice(i), self.gradient.col_as_slice(i));
            let result = result.col_as_slice(i);
            let normal = dot(x, result) + dot(gradient, tangent);
            for r in 0..dimension {
                out[r] = result[r] - normal * x[r] - self.radial[i] * tangent[r] - along[i] * gradient[r];
            }
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `Φ_{k,l}(ρ)` for `k + l ≤ total`.
fn phis(table: &CovarianceTable, rho: f64, total: usize) -> Vec<Vec<f64>> {
    let mut phi = vec![vec![0.0; total + 1]; total + 1];
    for k in 0..=total {
        for l in k..=total - k.min(total) {
            if k + l <= total {
                let value = table.value(k, l, rho);
                (phi[k][l], phi[l][k]) = (value, value);
            }
        }
    }
    phi
}

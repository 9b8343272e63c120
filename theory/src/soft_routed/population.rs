//! The population loss `L(θ) = ½E(f − f*)²` and its gradient, in two matrix products and one elementwise kernel.
//!
//! Stack all vectors as columns of `X = [V W V* W*]`. Then
//!
//! ```text
//! G = XᵀX_s                    (X_s: the student's columns; norms are on its diagonal)
//! C_ji = G_ji/(n_j n_i)        overlaps of unit vectors
//! L, g = pair kernel at C      (one expectation and six partial derivatives for each pair of units)
//! H_ji = (∂L/∂C_ji)/(n_j n_i),   H_ii = −Σ_{j≠i} C_ji (∂L/∂C_ji)/n_i²      (tangent projection)
//! ∂L/∂X_s = X H
//! ```
//!
//! The tangent projection `(I − x̄x̄ᵀ)/‖x‖` costs a diagonal only. Source: theory A2 of this project's notes (derived there).

use super::assembly::Pairs;
use super::model::{StudentTeacher, Weights};
use faer::{Mat, MatMut, MatRef};
use moe_kernels::{PairKernel, Router, combine, cross_gram, gram_lower, weighted_sum};

/// Evaluates loss and gradient for students of one shape against one teacher; owns all buffers, so an evaluation does not allocate.
///
/// Accuracy: `|ΔL| ≤ 1e-12 max(|L|, 1)` and, for each block of the gradient times the raw norms, `1e-12 max(largest entry, 1)`, for raw norms within
/// [`NORMS`](super::model::NORMS) (tested against 25-digit values). Cost: `4m²d + 8mm*d` flops for `G`, `8m(m + m*)d` for the gradient, and one
/// kernel call on `m(m+1)/2 + mm*` pairs.
#[derive(Clone, Debug)]
pub struct PopulationLoss {
    kernel: PairKernel,
    pairs: Pairs,
    /// `½E f*²`.
    teacher_term: f64,
    /// `E f*_j f*_k`, row after row.
    teacher_pairs: Vec<f64>,
    /// Length of each vector.
    dimension: usize,
    /// Columns: student routers, student experts (raw), teacher routers, teacher experts (unit). Rows are padded with zeros to a multiple of [`PADDING`].
    stack: Mat<f64>,
    /// `X H` where rows are padded; unused otherwise.
    padded_gradient: Mat<f64>,
    /// `G`, then `C`: all vectors × student vectors.
    overlaps: Mat<f64>,
    coefficients: Mat<f64>,
    inverse_norms: Vec<f64>,
    rho: [Vec<f64>; 6],
    values: [Vec<f64>; 7],
}

/// Squared norms outside are rescaled by powers of two before they are multiplied.
const SAFE: [f64; 2] = [1e-200, 1e200];

/// The matrix product is twice as slow where columns do not fill the widest vectors.
const PADDING: usize = 8;

impl PopulationLoss {
    /// For `students` units against `teacher` (raw weights of any norm; they need not be orthonormal), `He_order` experts.
    pub fn new(router: Router, order: usize, students: usize, teacher: &Weights) -> Self {
        let kernel = PairKernel::new(router, order);
        let (dimension, teachers) = (teacher.dimension(), teacher.count());
        let rows = 2 * (students + teachers);
        let padded = dimension.next_multiple_of(PADDING);
        let mut stack = Mat::zeros(padded, rows);
        for j in 0..2 * teachers {
            let column = teacher.columns().col(j).try_as_col_major().expect("column-major").as_slice();
            let norm = super::model::norm(column);
            for (to, x) in stack.col_as_slice_mut(2 * students + j).iter_mut().zip(column) {
                *to = x / norm;
            }
        }
        let (teacher_pairs, teacher_own) = teacher_pairs(&kernel, stack.as_ref().subcols(2 * students, 2 * teachers));
        let pairs = Pairs::new(students, teacher_own);
        Self {
            teacher_term: 0.5 * moe_kernels::sum(&teacher_pairs),
            teacher_pairs,
            overlaps: Mat::zeros(rows, 2 * students),
            coefficients: Mat::zeros(rows, 2 * students),
            inverse_norms: vec![1.0; rows],
            rho: std::array::from_fn(|_| vec![0.0; pairs.len()]),
            values: std::array::from_fn(|_| vec![0.0; pairs.len()]),
            padded_gradient: Mat::zeros(if padded == dimension { 0 } else { padded }, 2 * students),
            kernel,
            pairs,
            dimension,
            stack,
        }
    }

    /// For the student's shape and the teacher of a model.
    pub fn of(model: &StudentTeacher) -> Self {
        Self::new(model.router, model.order, model.student.count(), &model.teacher)
    }

    /// `L` and its gradient with respect to the raw student weights. Both slices hold the `dimension × 2m` columns routers, experts, one vector after the
    /// other.
    ///
    /// ```
    /// use moe_theory::soft_routed::{PopulationLoss, StudentTeacher};
    /// use moe_kernels::Router;
    /// let (v, w) = (vec![vec![1.0, 0.0]], vec![vec![0.0, 1.0]]);
    /// let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&v, &w], [&v, &w]).unwrap();
    /// let mut gradient = [1.0; 4];
    /// let loss = PopulationLoss::of(&model).gradient(&[1.0, 0.0, 0.0, 1.0], &mut gradient);
    /// assert!(loss.abs() < 1e-15 && gradient.iter().all(|g| g.abs() < 1e-15));
    /// ```
    ///
    /// # Panics
    /// If a slice does not have `2·m·dimension` entries.
    pub fn gradient(&mut self, students: &[f64], gradient: &mut [f64]) -> f64 {
        assert_eq!(gradient.len(), students.len(), "one number for each weight");
        let scales = self.load(students);
        let loss = self.evaluate();
        self.project();
        if self.padded_gradient.nrows() == 0 {
            let out = MatMut::from_column_major_slice_mut(gradient, self.dimension, 2 * self.pairs.students);
            combine(self.stack.as_ref(), self.coefficients.as_ref(), out);
        } else {
            combine(self.stack.as_ref(), self.coefficients.as_ref(), self.padded_gradient.as_mut());
            for (i, column) in gradient.chunks_exact_mut(self.dimension).enumerate() {
                column.copy_from_slice(&self.padded_gradient.col_as_slice(i)[..self.dimension]);
            }
        }
        for (column, scale) in gradient.chunks_exact_mut(self.dimension).zip(scales.into_iter().flatten()) {
            column.iter_mut().for_each(|g| *g *= scale);
        }
        loss
    }

    /// `L` alone.
    ///
    /// # Panics
    /// As [`Self::gradient`].
    pub fn loss(&mut self, students: &[f64]) -> f64 {
        self.load(students);
        self.evaluate()
    }

    /// The overlaps alone, as [`Self::overlaps`]; free of cost for the weights of the last evaluation.
    ///
    /// # Panics
    /// As [`Self::gradient`].
    pub fn overlaps_at(&mut self, students: &[f64]) -> MatRef<'_, f64> {
        let mut columns = students.chunks_exact(self.dimension).enumerate();
        let known = columns.all(|(j, column)| self.stack.col_as_slice(j)[..self.dimension] == *column);
        if !known || students.len() != 2 * self.pairs.students * self.dimension {
            self.load(students);
        }
        self.overlaps.as_ref()
    }

    /// Overlaps of the unit vectors at the last evaluation: rows all vectors (student routers, student experts, teacher routers, teacher experts), columns
    /// the student's.
    pub fn overlaps(&self) -> MatRef<'_, f64> {
        self.overlaps.as_ref()
    }

    /// `E f*_j f*_k` of all pairs of teachers, row after row.
    pub(crate) fn teacher_pairs(&self) -> &[f64] {
        &self.teacher_pairs
    }

    /// `v*_j·w*_j` of every teacher.
    pub(crate) fn teacher_own(&self) -> &[f64] {
        self.pairs.teacher_own()
    }

    /// Copies the weights in and forms `G` and the norms. Returns the powers of two that the student's columns were scaled by, if they had to be.
    fn load(&mut self, students: &[f64]) -> Option<Vec<f64>> {
        let (dimension, count) = (self.dimension, 2 * self.pairs.students);
        assert_eq!(students.len(), count * dimension, "one number for each weight");
        for (j, column) in students.chunks_exact(dimension).enumerate() {
            self.stack.col_as_slice_mut(j)[..dimension].copy_from_slice(column);
        }
        self.multiply();
        let mut scales = None;
        if (0..count).any(|i| !(SAFE[0]..=SAFE[1]).contains(&self.overlaps[(i, i)])) {
            // 2^{1023 − exponent} of the largest entry: exact, and every square that matters is in range.
            let powers: Vec<f64> = students.chunks_exact(dimension).map(power_of_two).collect();
            for (j, (column, power)) in students.chunks_exact(dimension).zip(&powers).enumerate() {
                for (to, x) in self.stack.col_as_slice_mut(j).iter_mut().zip(column) {
                    *to = x * power;
                }
            }
            self.multiply();
            scales = Some(powers);
        }
        for i in 0..count {
            self.inverse_norms[i] = 1.0 / self.overlaps[(i, i)].sqrt();
        }
        for i in 0..count {
            let inverse = self.inverse_norms[i];
            // Above the diagonal of the student block nothing was computed: it is mirrored.
            let (before, column) = self.overlaps.as_mut().split_at_col_mut(i);
            let column = column_mut(column, 0);
            for j in i..column.len() {
                column[j] = (column[j] * (inverse * self.inverse_norms[j])).clamp(-1.0, 1.0);
            }
            column[i] = 1.0;
            for j in 0..i {
                column[j] = before[(i, j)];
            }
        }
        scales
    }

    fn multiply(&mut self) {
        let count = 2 * self.pairs.students;
        let (students, teachers) = self.stack.as_ref().split_at_col(count);
        let (own, cross) = self.overlaps.as_mut().split_at_row_mut(count);
        gram_lower(students, own);
        cross_gram(teachers, students, cross);
    }

    /// `L` from the overlaps; leaves the partial derivatives in `values`.
    fn evaluate(&mut self) -> f64 {
        self.pairs.gather(self.overlaps.as_ref(), &mut self.rho);
        self.kernel.evaluate(self.rho.each_ref().map(|r| &r[..]), self.values.each_mut().map(|v| &mut v[..]));
        weighted_sum(&self.values[0], &self.pairs.weights) + self.teacher_term
    }

    /// `H` from the partial derivatives.
    fn project(&mut self) {
        let [_, partials @ ..] = &self.values;
        self.pairs.scatter(partials.each_ref().map(|g| &g[..]), &mut self.coefficients);
        for i in 0..2 * self.pairs.students {
            let radial = weighted_sum(self.overlaps.col_as_slice(i), self.coefficients.col_as_slice(i));
            let column = self.coefficients.col_as_slice_mut(i);
            column[i] = -radial;
            let inverse = self.inverse_norms[i];
            for j in 0..column.len() {
                column[j] *= inverse * self.inverse_norms[j];
            }
        }
    }
}

fn column_mut(matrix: MatMut<'_, f64>, j: usize) -> &mut [f64] {
    matrix.col_mut(j).try_as_col_major_mut().expect("overlap matrices are column-major").as_slice_mut()
}

/// `E f*_j f*_k`, row after row, and the router-expert overlaps of a teacher with unit columns.
fn teacher_pairs(kernel: &PairKernel, teacher: MatRef<'_, f64>) -> (Vec<f64>, Vec<f64>) {
    let m = teacher.ncols() / 2;
    let mut gram = Mat::zeros(2 * m, 2 * m);
    cross_gram(teacher, teacher, gram.as_mut());
    let unit = |i: usize, j: usize| if i == j { 1.0 } else { gram[(i, j)].clamp(-1.0, 1.0) };
    let mut rho: [Vec<f64>; 6] = std::array::from_fn(|_| Vec::new());
    for a in 0..m {
        for b in 0..m {
            let pair = [unit(a, b), unit(a, m + a), unit(a, m + b), unit(b, m + a), unit(b, m + b), unit(m + a, m + b)];
            rho.iter_mut().zip(pair).for_each(|(r, x)| r.push(x));
        }
    }
    let mut values: [Vec<f64>; 7] = std::array::from_fn(|_| vec![0.0; m * m]);
    kernel.evaluate(rho.each_ref().map(|r| &r[..]), values.each_mut().map(|v| &mut v[..]));
    let [pairs, ..] = values;
    (pairs, (0..m).map(|j| unit(j, m + j)).collect())
}

/// The power of two that brings the largest entry of `x` into `[1, 2)`.
fn power_of_two(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let exponent = (largest.to_bits() >> 52) & 0x7ff;
    f64::from_bits((2046 - exponent.clamp(1, 2045)) << 52)
}

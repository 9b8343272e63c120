//! The exact law of the initial overlaps in any dimension.
//!
//! `v̂_i, w_i ~ N(0, I_d/d)`, the teacher orthonormal. In a basis that starts with the `2m*` teacher vectors a student vector has `2m*` coordinates `N(0,1)/√d`, and the
//! rest of all student vectors is a Gaussian matrix whose Gram matrix has the Bartlett decomposition `LLᵀ`: `χ_{d−2m*−r}` on the diagonal of row `r`
//! (`r = 0, 1, …`), `N(0,1)` below it. So `2m + 2m*` coordinates carry the exact law for every `d ≥ 2m + 2m*`. `v_i` is `v̂_i` without its component along `w_i`.
//!
//! # Scaled student overlaps (derived here)
//!
//! Let `X` be the unit vectors as columns, `G = XᵀX`, and `G_s` the matrix with the entries between *different* students multiplied by `s ∈ [0, 1]`. `G_s` is a convex
//! combination of `G` and its diagonal blocks, so it is positive semidefinite, and `X_s = X G^{−1/2} G_s^{1/2}` has exactly the overlaps `G_s`. For `s = 0` and `v ⟂ w` it is the
//! orthonormal frame nearest to `X`. Overlaps with the teacher change by a relative `O(√(m/d))`.

use super::model::Weights;
use super::reduction::Start;
use faer::{Mat, Side};
use moe_kernels::{MAX_ORDER, Router};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{ChiSquared, Distribution, StandardNormal};
use thiserror::Error;

/// Largest dimension that can be asked for.
pub const MAX_DIMENSION: u64 = 1_000_000_000_000_000;

/// What is wrong with an initial law.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum InitialError {
    /// `m = 0`.
    #[error("students is 0; at least one is needed")]
    NoStudents,
    /// `m* = 0`.
    #[error("teachers is 0; at least one is needed")]
    NoTeachers,
    /// Too many for the quadratic and cubic costs.
    #[error("students + teachers is {found}; at most {MAX_UNITS} are allowed")]
    TooMany {
        /// Their sum.
        found: usize,
    },
    /// `d` below `2m + 2m*`, or above [`MAX_DIMENSION`].
    #[error("dimension is {found}; {least} (2 students + 2 teachers) to {MAX_DIMENSION} are allowed")]
    Dimension {
        /// The dimension asked for.
        found: u64,
        /// `2m + 2m*`.
        least: u64,
    },
    /// `He_p` outside the orders that have a kernel.
    #[error("hermite_order is {found}; 1 to {MAX_ORDER} are allowed")]
    Order {
        /// The order asked for.
        found: usize,
    },
    /// Scale of the student overlaps outside `[0, 1]`.
    #[error("student_overlap is {found}; 0 (orthogonal) to 1 (random) are allowed")]
    StudentOverlap {
        /// The scale asked for.
        found: f64,
    },
}

/// Most units a sampled problem may have.
pub const MAX_UNITS: usize = 2000;

/// The initialisation of the paper, with its variants.
#[derive(Clone, Debug, PartialEq)]
pub struct InitialLaw {
    /// The router function.
    pub router: Router,
    /// The Hermite order of the experts.
    pub order: usize,
    /// Number `m` of students.
    pub students: usize,
    /// Number `m*` of teachers.
    pub teachers: usize,
    /// Dimension `d` of the inputs, `2m + 2m*` to [`MAX_DIMENSION`].
    pub dimension: u64,
    /// Factor of the overlaps between different students: 1 is random, 0 makes them orthogonal.
    pub student_overlap: f64,
    /// Whether `v_i` loses its component along `w_i`.
    pub orthogonal: bool,
    /// Whether the raw norms are those of the Gaussian vectors; otherwise they are 1.
    pub gaussian_norms: bool,
}

impl InitialLaw {
    /// The paper's initialisation for `He_order` and sigmoid routers, except that raw norms are 1.
    pub fn new(order: usize, students: usize, teachers: usize, dimension: u64) -> Self {
        Self {
            router: Router::Sigmoid,
            order,
            students,
            teachers,
            dimension,
            student_overlap: 1.0,
            orthogonal: true,
            gaussian_norms: false,
        }
    }

    /// A draw. It depends on `seed` and `replicate` only through the random streams: laws that differ in dimension, order, router, `student_overlap` or
    /// `orthogonal` share their normal draws, so that they can be compared pairwise.
    ///
    /// # Errors
    /// Every [`InitialError`].
    pub fn sample(&self, seed: u64, replicate: u64) -> Result<Start, InitialError> {
        self.check()?;
        let (m, teachers) = (self.students, self.teachers);
        let rows = 2 * (m + teachers);
        // χ draws consume a varying number of words: they have a stream of their own, so that the normal draws stay paired.
        let mut normals = stream(seed, 0, replicate);
        let mut radii = stream(seed, 1, replicate);
        let mut columns = Mat::<f64>::zeros(rows, 2 * m);
        let root = (self.dimension as f64).sqrt();
        for r in 0..2 * m {
            let column = columns.col_as_slice_mut(r);
            for x in &mut column[..2 * teachers + r] {
                let z: f64 = StandardNormal.sample(&mut normals);
                *x = z / root;
            }
            let freedom = (self.dimension - 2 * teachers as u64 - r as u64) as f64;
            column[2 * teachers + r] = ChiSquared::new(freedom).expect("d ≥ 2m + 2m*").sample(&mut radii).sqrt() / root;
        }
        let mut norms = vec![1.0; 2 * m];
        for i in 0..m {
            normalise(columns.col_as_slice_mut(m + i), &mut norms[m + i]);
            if self.orthogonal {
                let w = columns.col_as_slice(m + i).to_vec();
                // Twice is enough for orthogonality to rounding.
                for _ in 0..2 {
                    let v = columns.col_as_slice_mut(i);
                    let along: f64 = v.iter().zip(&w).map(|(v, w)| v * w).sum();
                    v.iter_mut().zip(&w).for_each(|(v, w)| *v -= along * w);
                }
            }
            normalise(columns.col_as_slice_mut(i), &mut norms[i]);
        }
        if self.student_overlap < 1.0 {
            columns = scale_overlaps(&columns, self.student_overlap);
        }
        if !self.gaussian_norms {
            norms.fill(1.0);
        }
        let teacher = Mat::from_fn(rows, 2 * teachers, |i, j| if i == j { 1.0 } else { 0.0 });
        Ok(Start {
            router: self.router,
            order: self.order,
            dimension: self.dimension,
            students: columns,
            teacher: Weights::from_columns(teacher),
            norms,
        })
    }

    fn check(&self) -> Result<(), InitialError> {
        if self.students == 0 {
            return Err(InitialError::NoStudents);
        }
        if self.teachers == 0 {
            return Err(InitialError::NoTeachers);
        }
        let found = self.students.saturating_add(self.teachers);
        if found > MAX_UNITS {
            return Err(InitialError::TooMany { found });
        }
        if !(1..=MAX_ORDER).contains(&self.order) {
            return Err(InitialError::Order { found: self.order });
        }
        if !(0.0..=1.0).contains(&self.student_overlap) {
            return Err(InitialError::StudentOverlap { found: self.student_overlap });
        }
        let least = 2 * (self.students + self.teachers) as u64;
        if !(least..=MAX_DIMENSION).contains(&self.dimension) {
            return Err(InitialError::Dimension { found: self.dimension, least });
        }
        Ok(())
    }
}

/// The stream of one replicate, for one of the two purposes.
fn stream(seed: u64, purpose: u8, replicate: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = purpose;
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(replicate);
    rng
}

fn normalise(column: &mut [f64], norm: &mut f64) {
    *norm = column.iter().map(|x| x * x).sum::<f64>().sqrt();
    column.iter_mut().for_each(|x| *x /= *norm);
}

/// `X G^{−1/2} G_s^{1/2}` of the module's documentation.
fn scale_overlaps(x: &Mat<f64>, scale: f64) -> Mat<f64> {
    let count = x.ncols();
    let m = count / 2;
    let gram = x.transpose() * x;
    let scaled = Mat::from_fn(count, count, |i, j| if i % m == j % m { gram[(i, j)] } else { scale * gram[(i, j)] });
    let result = x * (power(&gram, -0.5) * power(&scaled, 0.5));
    Mat::from_fn(x.nrows(), count, |i, j| result[(i, j)] / result.col(j).norm_l2())
}

/// A power of a positive definite matrix.
pub(super) fn power(matrix: &Mat<f64>, exponent: f64) -> Mat<f64> {
    let eigen = matrix.self_adjoint_eigen(Side::Lower).expect("a finite symmetric matrix has eigenvalues");
    let (vectors, values) = (eigen.U(), eigen.S().column_vector());
    let stretched =
        Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| vectors[(i, j)] * values[j].max(0.0).powf(exponent));
    stretched * vectors.transpose()
}

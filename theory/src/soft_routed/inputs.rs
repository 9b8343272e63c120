//! Inputs that are not isotropic: mixtures of Gaussians `x ~ Σ_c p_c N(μ_c, Σ_c)`, and starts under them.
//!
//! # Any dimension (theory X1)
//!
//! The flow under `N(0, Σ)` stays in the span of the projections of all vectors on the eigenspaces of `Σ`. A spike `Σ = I + λuuᵀ` or a mean along `u` adds the single
//! coordinate `u` to those of the isotropic case. Two levels, `Σ = diag(a, …, a, b, …, b)`, double them: [`two_level_start`] draws both halves by their own Bartlett factors.

use super::initial::InitialError;
use super::model::Weights;
use super::reduction::Start;
use super::{InitialLaw, model};
use faer::Mat;
use rand::Rng;
use rand_distr::{ChiSquared, Distribution, StandardNormal};

/// One Gaussian of a mixture, in the coordinates of the weights.
#[derive(Clone, Debug)]
pub struct GaussianComponent {
    /// Its share `p_c` of the inputs.
    pub weight: f64,
    /// `μ_c`.
    pub mean: Vec<f64>,
    /// `Σ_c`, symmetric and positive definite.
    pub covariance: Mat<f64>,
}

/// Inputs `x ~ Σ_c p_c N(μ_c, Σ_c)`.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The components; weights sum to 1.
    pub components: Vec<GaussianComponent>,
}

impl Inputs {
    /// `N(0, Σ)`.
    pub fn correlated(covariance: Mat<f64>) -> Self {
        let mean = vec![0.0; covariance.nrows()];
        Self { components: vec![GaussianComponent { weight: 1.0, mean, covariance }] }
    }

    /// `N(0, I)`.
    pub fn isotropic(dimension: usize) -> Self {
        Self::correlated(Mat::identity(dimension, dimension))
    }

    /// `N(0, I + λuuᵀ)`, `u` a unit vector, `λ > −1`.
    pub fn spiked(direction: &[f64], strength: f64) -> Self {
        let n = direction.len();
        Self::correlated(Mat::from_fn(n, n, |i, j| {
            f64::from(u8::from(i == j)) + strength * direction[i] * direction[j]
        }))
    }

    /// `Σ_ij = r^{|i−j|}`, `|r| < 1`: eigenvalues between `(1−|r|)/(1+|r|)` and its inverse.
    pub fn toeplitz(dimension: usize, ratio: f64) -> Self {
        Self::correlated(Mat::from_fn(dimension, dimension, |i, j| ratio.powi(i.abs_diff(j) as i32)))
    }

    /// `½N(μ, I) + ½N(−μ, I)`.
    pub fn two_clusters(mean: &[f64]) -> Self {
        let n = mean.len();
        let cluster = |sign: f64| GaussianComponent {
            weight: 0.5,
            mean: mean.iter().map(|x| sign * x).collect(),
            covariance: Mat::identity(n, n),
        };
        Self { components: vec![cluster(1.0), cluster(-1.0)] }
    }

    /// `p N(su, σ²I) + p' N(s'u, σ'²I)` for `(p, s, σ²)` and `(p', s', σ'²)`; `p + p' = 1`.
    pub fn unequal_clusters(direction: &[f64], parts: [(f64, f64, f64); 2]) -> Self {
        let n = direction.len();
        let components = parts.map(|(weight, shift, variance)| GaussianComponent {
            weight,
            mean: direction.iter().map(|x| shift * x).collect(),
            covariance: Mat::from_fn(n, n, |i, j| if i == j { variance } else { 0.0 }),
        });
        Self { components: components.into() }
    }

    /// `diag(a, …, a, b, …, b)`, each on one half of the coordinates.
    pub fn two_level(dimension: usize, [a, b]: [f64; 2]) -> Self {
        let level = |i: usize| if 2 * i < dimension { a } else { b };
        Self::correlated(Mat::from_fn(dimension, dimension, |i, j| if i == j { level(i) } else { 0.0 }))
    }
}

/// A start in `4m + 4m*` coordinates with the exact law of all projections on two eigenspaces of dimension `d/2` each: students and teacher uniform, the teacher orthonormal,
/// `v_i ⟂ w_i`, raw norms 1. The law's router, order, counts and dimension are used;
/// `normals` and `radii` supply the draws, in an order that does not depend on `d`.
///
/// # Errors
/// [`InitialError::Dimension`] unless each half has as many dimensions as there are vectors.
pub fn two_level_start(law: &InitialLaw, normals: &mut impl Rng, radii: &mut impl Rng) -> Result<Start, InitialError> {
    let (m, teachers) = (law.students, law.teachers);
    let vectors = 2 * (m + teachers);
    let half = law.dimension / 2;
    if half < vectors as u64 {
        return Err(InitialError::Dimension { found: law.dimension, least: 2 * vectors as u64 });
    }
    // Teachers first, so that their coordinates are few.
    let mut columns: Vec<Vec<f64>> = (0..vectors).map(|_| vec![0.0; 2 * vectors]).collect();
    for (r, column) in columns.iter_mut().enumerate() {
        for block in 0..2 {
            for x in &mut column[block * vectors..block * vectors + r] {
                *x = StandardNormal.sample(normals);
            }
            let freedom = (half - r as u64) as f64;
            column[block * vectors + r] = ChiSquared::new(freedom).map_or(0.0, |law| law.sample(radii).sqrt());
        }
    }
    for i in 0..2 * teachers {
        for j in 0..i {
            let other = columns[j].clone();
            remove(&mut columns[i], &other);
        }
        normalise(&mut columns[i]);
    }
    for i in 0..m {
        let (router, expert) = (2 * teachers + i, 2 * teachers + m + i);
        normalise(&mut columns[expert]);
        let other = columns[expert].clone();
        remove(&mut columns[router], &other);
        normalise(&mut columns[router]);
    }
    let of = |from: usize, count: usize| Mat::from_fn(2 * vectors, count, |i, j| columns[from + j][i]);
    Ok(Start {
        router: law.router,
        order: law.order,
        dimension: law.dimension,
        students: of(2 * teachers, 2 * m),
        teacher: Weights::from_columns(of(0, 2 * teachers)),
        norms: vec![1.0; 2 * m],
    })
}

fn normalise(x: &mut [f64]) {
    let length = model::norm(x);
    x.iter_mut().for_each(|x| *x /= length);
}

fn remove(x: &mut [f64], unit: &[f64]) {
    // Twice is enough for orthogonality to rounding.
    for _ in 0..2 {
        let along: f64 = x.iter().zip(unit).map(|(x, u)| x * u).sum();
        x.iter_mut().zip(unit).for_each(|(x, u)| *x -= along * u);
    }
}

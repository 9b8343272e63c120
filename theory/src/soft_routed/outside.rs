//! The part of a stochastic gradient outside the span of all vectors, without the dimension.
//!
//! Given the coefficients `c_b ∈ R^{2m}` of a batch, the gradients of the `2m` student vectors are `(1/B) Σ_b c_bj x_b`. The coefficients depend on the inputs' components in the span
//! alone, and the `N = d − K` components outside (`K` coordinates in the span) are standard normal and independent of those. So the outside parts, an `N × 2m` matrix `O`, have independent rows `N(0, S)`, `S = (1/B²) Σ_b c_b c_bᵀ`:
//!
//! ```text
//! S = LLᵀ,   O = Z Lᵀ,  Z standard normal,   OᵀO = L (ZᵀZ) Lᵀ,   ZᵀZ = A Aᵀ (Bartlett, N ≥ 2m):  A_rr = χ_{N−r},  A_rs ~ N(0,1), s < r
//! ```
//!
//! The next step sees vectors through their inner products only, so `O` may be replaced by any matrix with the same law of `OᵀO`: the `2m × 2m` matrix `(LA)ᵀ`; for `N < 2m` `Z Lᵀ` itself. These rows
//! are new coordinates, orthogonal to the span. A QR factorisation of the students' coordinates beside the teacher's brings them back to `2m`: the law is exact after any number of steps.

use faer::{Mat, MatRef};
use rand::rngs::ChaCha8Rng;
use rand_distr::{ChiSquared, Distribution, StandardNormal};

/// Rows of new coordinates (`min(2m, N) × 2m`) of gradients with Gram matrix `S` (lower triangle read) in `outside` dimensions.
pub(crate) fn sample(gram: MatRef<'_, f64>, outside: u64, rng: &mut ChaCha8Rng) -> Mat<f64> {
    let count = gram.ncols();
    let factor = semidefinite_factor(gram);
    let rows = usize::try_from(outside).map_or(count, |n| n.min(count));
    let mut normal = || -> f64 { StandardNormal.sample(rng) };
    if rows < count {
        let z = Mat::from_fn(rows, count, |_, _| normal());
        return z * factor.transpose();
    }
    let mut bartlett = Mat::zeros(count, count);
    for r in 0..count {
        for s in 0..r {
            bartlett[(r, s)] = normal();
        }
    }
    for r in 0..count {
        let freedom = (outside - r as u64) as f64;
        bartlett[(r, r)] = ChiSquared::new(freedom).expect("N ≥ 2m").sample(rng).sqrt();
    }
    (factor * bartlett).transpose().to_owned()
}

/// Lower triangular `L` with `LLᵀ = S` for a positive semidefinite `S`: a pivot within rounding of zero makes a zero column, as it must where coefficients of a small batch
/// are dependent.
fn semidefinite_factor(gram: MatRef<'_, f64>) -> Mat<f64> {
    let count = gram.ncols();
    let mut l = Mat::<f64>::zeros(count, count);
    for j in 0..count {
        let pivot = gram[(j, j)] - (0..j).map(|k| l[(j, k)] * l[(j, k)]).sum::<f64>();
        if pivot <= 64.0 * f64::EPSILON * gram[(j, j)] {
            continue;
        }
        let root = pivot.sqrt();
        l[(j, j)] = root;
        for i in j + 1..count {
            l[(i, j)] = (gram[(i, j)] - (0..j).map(|k| l[(i, k)] * l[(j, k)]).sum::<f64>()) / root;
        }
    }
    l
}

/// Columns with the same Gram matrix as those of `rows` (at least as many rows as columns), upper triangular.
pub(crate) fn compress(rows: Mat<f64>) -> Mat<f64> {
    rows.qr().thin_R().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// A Gram matrix of rank one, and of full rank.
    #[test]
    fn factors_of_semidefinite_matrices() {
        for rank in [1, 3] {
            let x = Mat::from_fn(rank, 3, |i, j| ((i * 3 + j + 1) as f64).sin());
            let gram = x.transpose() * &x;
            let l = semidefinite_factor(gram.as_ref());
            assert!((&l * l.transpose() - &gram).norm_max() < 1e-15);
        }
    }

    /// `E OᵀO = N S`; each entry is a sum of `N` products with variance `S_ii S_jj + S_ij²`, so that 2000 draws leave it within five standard errors with probability `1 − 4·10⁻⁶`.
    #[test]
    fn mean_of_the_outside_gram() {
        let x = Mat::from_fn(4, 3, |i, j| ((i * 3 + j + 1) as f64).cos());
        let gram = x.transpose() * &x;
        for outside in [2, 3, 40] {
            let (mut rng, draws) = (ChaCha8Rng::seed_from_u64(outside), 2000);
            let mut mean = Mat::<f64>::zeros(3, 3);
            for _ in 0..draws {
                let o = sample(gram.as_ref(), outside, &mut rng);
                mean += o.transpose() * &o;
            }
            for i in 0..3 {
                for j in 0..3 {
                    let spread = (gram[(i, i)] * gram[(j, j)] + gram[(i, j)].powi(2)) * outside as f64;
                    let found = mean[(i, j)] / f64::from(draws) - outside as f64 * gram[(i, j)];
                    assert!(found.abs() < 5.0 * (spread / f64::from(draws)).sqrt(), "N = {outside}");
                }
            }
        }
    }
}

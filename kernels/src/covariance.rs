//! The covariances `Φ_{k,l}(ρ) = E[π⁽ᵏ⁾(X) π⁽ˡ⁾(Y)]` of a router's derivatives, as short polynomials on `[−1, 1]`.
//!
//! # From the series to the table
//!
//! `Φ_{k,l}(ρ) = Σ_{n≥0} ρⁿ/n! A_{k+n} A_{l+n}` (Mehler). `A_n = 0` for even `n ≥ 2`, so for even `k + l` only `n ≡ k + 1 (mod 2)`
//! contributes, apart from the constant `A_0²` of `Φ_{0,0}`:
//!
//! ```text
//! Φ_{k,l}(ρ) = A_0² [k=l=0] + ρ^e g(ρ²),   e = (k+1) mod 2,   g(t) = Σ_i c_i t^i,   c_i = A_{k+n} A_{l+n}/n!, n = 2i + e
//! ```
//!
//! and for odd `k + l` all of it is the constant `A_0 A_{max(k,l)}` if `min(k,l) = 0` and zero otherwise. The `c_i` of one `g` have (all but the
//! last few of) their signs in common, so `|g| ≤ |g(1)|` on `[0, 1]`: the *natural scale* of `Φ_{k,l}` is `|Φ_{k,l}(1)|`.
//!
//! At `|ρ| = 1` the series needs a hundred terms and more (theory.md A2). It is economised: from
//! `t^i = 2^{1−2i} Σ'_{j≤i} C(2i, i−j) T_j(2t−1)` (the prime halves `j = 0`) follow Chebyshev coefficients without cancellation, and the expansion
//! is cut where its tail is below [`TAIL`] of the natural scale. Scalar evaluation is Clenshaw's recurrence in `s = 2ρ² − 1 ∈ [−1, 1]`. The SIMD
//! kernel wants Horner's rule: [`CovarianceTable::powers`] expands the same polynomial in powers of `s`, whose absolute sum exceeds the natural
//! scale by a factor of 1 (sigmoid) to 19 (tanh, `k + l = 14`), so it stays within `1e-14` for all that a gradient needs.

use crate::Router;

/// Largest `k + l` in a table: `2p + 4` for second derivatives at `p = 6`.
pub const MAX_TOTAL: usize = 16;

/// What the economised series leaves out, relative to the natural scale.
const TAIL: f64 = 1.0e-15;

/// `Φ_{k,l}` of one router for all `k + l` up to a total.
///
/// Accuracy: better than `1e-14 |Φ_{k,l}(1)|` for every `ρ ∈ [−1, 1]`, the ends included.
///
/// ```
/// use moe_kernels::{CovarianceTable, Router};
/// let table = CovarianceTable::new(Router::GaussianCdf, 2);
/// let rho: f64 = 0.3;
/// assert!((table.value(0, 0, rho) - (0.25 + (rho / 2.0).asin() / std::f64::consts::TAU)).abs() < 1e-15);
/// ```
#[derive(Clone, Debug)]
pub struct CovarianceTable {
    router: Router,
    total: usize,
    /// Chebyshev coefficients in `s = 2ρ² − 1` of `g` for even `k + l`, `k ≤ l`; see [`row`].
    chebyshev: Vec<Vec<f64>>,
}

/// Place of `(k, l)`, `k ≤ l`, `k + l` even, when rows are ordered by `k + l` and then by `k`.
fn row(k: usize, l: usize) -> usize {
    let half = (k + l) / 2;
    half * (half + 1) / 2 + k
}

impl CovarianceTable {
    /// The table for `k + l ≤ total`.
    ///
    /// # Panics
    /// If `total` exceeds [`MAX_TOTAL`].
    pub fn new(router: Router, total: usize) -> Self {
        assert!(total <= MAX_TOTAL, "covariances are tabulated for k + l ≤ {MAX_TOTAL}");
        let mut chebyshev = Vec::new();
        for half in 0..=total / 2 {
            for k in 0..=half {
                chebyshev.push(economised(&series(router, k, 2 * half - k)));
            }
        }
        Self { router, total, chebyshev }
    }

    /// The router whose derivatives these are.
    pub fn router(&self) -> Router {
        self.router
    }

    /// Largest `k + l` in the table.
    pub fn total(&self) -> usize {
        self.total
    }

    /// `Φ_{k,l}(ρ)` for `ρ ∈ [−1, 1]`, `k + l ≤ total`.
    pub fn value(&self, k: usize, l: usize, rho: f64) -> f64 {
        let (k, l) = (k.min(l), k.max(l));
        if (k + l) % 2 == 1 {
            return self.constant(k, l);
        }
        let s = 2.0 * (rho * rho) - 1.0;
        let coefficients = &self.chebyshev[row(k, l)];
        // Clenshaw: b_j = e_j + 2s b_{j+1} − b_{j+2}, g = e_0 + s b_1 − b_2.
        let (b1, b2) = coefficients[1..].iter().rev().fold((0.0, 0.0), |(b1, b2), e| (e + 2.0 * s * b1 - b2, b1));
        let g = coefficients[0] + s * b1 - b2;
        if k % 2 == 0 { rho * g + self.constant(k, l) } else { g }
    }

    /// Chebyshev coefficients, in `s = 2ρ² − 1` and ascending, of the `g` in `Φ_{k,l}(ρ) = A_0² [k=l=0] + ρ^e g`, `e = (k+1) mod 2`: what [`Self::value`] sums.
    ///
    /// # Panics
    /// Unless `k ≤ l`, `k + l` is even and at most the total of the table.
    pub fn chebyshev(&self, k: usize, l: usize) -> &[f64] {
        assert!(
            k <= l && (k + l).is_multiple_of(2) && k + l <= self.total,
            "k ≤ l with an even sum up to the table's total"
        );
        &self.chebyshev[row(k, l)]
    }

    /// The part of `Φ_{k,l}` that does not depend on `ρ`: `A_0 A_l` where `k = 0` and `l` is zero or odd, else zero.
    pub(crate) fn constant(&self, k: usize, l: usize) -> f64 {
        if k == 0 && (l == 0 || l % 2 == 1) {
            self.router.hermite().value(0) * self.router.hermite().value(l)
        } else {
            0.0
        }
    }

    /// Coefficients, in powers of `s = 2ρ² − 1` and ascending, of the `g` in `Φ_{k,l}(ρ) = A_0² [k=l=0] + ρ^e g`, `e = (k+1) mod 2`.
    ///
    /// # Panics
    /// Unless `k ≤ l`, `k + l` is even and at most the total of the table.
    pub fn powers(&self, k: usize, l: usize) -> Vec<f64> {
        let chebyshev = self.chebyshev(k, l);
        let mut powers = vec![0.0; chebyshev.len()];
        // T_0 = 1, T_1 = s, T_{j+1} = 2s T_j − T_{j−1}
        let (mut previous, mut current) = (powers.clone(), powers.clone());
        current[0] = 1.0;
        for (j, e) in chebyshev.iter().enumerate() {
            for (power, t) in powers.iter_mut().zip(&current) {
                *power += e * t;
            }
            let mut next: Vec<f64> = previous.iter().map(|t| -t).collect();
            for i in 0..next.len() - 1 {
                next[i + 1] += if j == 0 { 1.0 } else { 2.0 } * current[i];
            }
            (previous, current) = (current, next);
        }
        powers
    }
}

/// The `c_i` of the module's documentation, until they no longer count at `t = 1`.
fn series(router: Router, k: usize, l: usize) -> Vec<f64> {
    let a = router.hermite();
    let mut coefficients = Vec::new();
    let mut magnitude = 0.0_f64;
    for n in ((k + 1) % 2..).step_by(2) {
        if n + k.max(l) >= a.len() {
            break;
        }
        // A_{k+n} A_{l+n}/n! = a_{k+n} a_{l+n} √((n+1)…(n+k) (n+1)…(n+l))
        let rising = |m: usize| (1..=m).map(|i| (n + i) as f64).product::<f64>();
        let c = a.normalised(k + n) * a.normalised(l + n) * (rising(k) * rising(l)).sqrt();
        coefficients.push(c);
        magnitude += c.abs();
        // Far beyond the largest term successive ratios are below 0.97, so what is left is below 40 times the last term.
        if n > 2 * (k + l) + 8 && c.abs() * 40.0 < 1.0e-17 * magnitude {
            return coefficients;
        }
    }
    panic!("the series of Φ_{{{k},{l}}} for the {router} router is longer than its table of coefficients");
}

/// Chebyshev coefficients in `s = 2t − 1` of a polynomial that agrees with `Σ c_i t^i` on `[0, 1]` to [`TAIL`].
fn economised(series: &[f64]) -> Vec<f64> {
    let mut chebyshev = vec![0.0; series.len()];
    let mut central = 1.0; // C(2i, i)/4^i
    for (i, c) in series.iter().enumerate() {
        if i > 0 {
            central *= (2 * i - 1) as f64 / (2 * i) as f64;
        }
        let mut weight = central; // C(2i, i−j)/4^i
        for (j, sum) in chebyshev.iter_mut().enumerate().take(i + 1) {
            *sum += c * weight * if j == 0 { 1.0 } else { 2.0 };
            weight *= (i - j) as f64 / (i + j + 1) as f64;
        }
    }
    let scale: f64 = chebyshev.iter().map(|c| c.abs()).sum();
    let mut tail = 0.0;
    while chebyshev.len() > 1 && tail + chebyshev[chebyshev.len() - 1].abs() <= TAIL * scale {
        tail += chebyshev.pop().expect("checked").abs();
    }
    chebyshev
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn direct_series(router: Router, k: usize, l: usize, rho: f64) -> f64 {
        let e = (k + 1) % 2;
        let g: f64 = series(router, k, l).iter().rev().fold(0.0, |sum, c| sum * rho * rho + c);
        let constant = if k + l == 0 { router.hermite().value(0).powi(2) } else { 0.0 };
        constant + if e == 1 { rho * g } else { g }
    }

    /// Economised polynomials against the full series, everywhere, the ends included: 1e-14 of the natural scale.
    #[test]
    fn tables_agree_with_the_series_to_1e_14() {
        for router in Router::ALL {
            let table = CovarianceTable::new(router, MAX_TOTAL);
            for total in (0..=MAX_TOTAL).step_by(2) {
                for k in 0..=total / 2 {
                    let l = total - k;
                    let scale = direct_series(router, k, l, 1.0).abs();
                    for i in -200..=200 {
                        let rho = f64::from(i) / 200.0;
                        let error = (table.value(k, l, rho) - direct_series(router, k, l, rho)).abs() / scale;
                        assert!(error < 1e-14, "{router} Φ_{k},{l}({rho}): {error:e}");
                        assert_eq!(table.value(k, l, rho), table.value(l, k, rho));
                    }
                }
            }
        }
    }

    /// Horner's rule on the powers, as the SIMD kernel runs it, for every total that a gradient needs.
    #[test]
    fn powers_agree_with_clenshaw_to_1e_14() {
        for router in Router::ALL {
            let table = CovarianceTable::new(router, MAX_TOTAL - 2);
            for half in 0..=table.total() / 2 {
                for k in 0..=half {
                    let l = 2 * half - k;
                    let powers = table.powers(k, l);
                    let scale = direct_series(router, k, l, 1.0).abs();
                    for i in 0..=300 {
                        let rho = f64::from(i) / 300.0;
                        let s = 2.0 * rho * rho - 1.0;
                        let g: f64 = powers.iter().rev().fold(0.0, |sum, b| sum * s + b);
                        let phi = if k % 2 == 0 { rho * g + table.constant(k, l) } else { g };
                        assert!((phi - table.value(k, l, rho)).abs() < 1e-14 * scale, "{router} Φ_{k},{l}({rho})");
                    }
                }
            }
        }
    }

    /// The Gaussian router has elementary covariances: Φ_00 = ¼ + arcsin(ρ/2)/2π, Φ_11 = 1/(2π√(4 − ρ²)).
    #[test]
    fn gaussian_router_matches_its_elementary_covariances() {
        let table = CovarianceTable::new(Router::GaussianCdf, 2);
        for i in -100..=100 {
            let rho = f64::from(i) / 100.0;
            assert!((table.value(0, 0, rho) - (0.25 + (rho / 2.0).asin() / (2.0 * PI))).abs() < 4e-16);
            assert!((table.value(1, 1, rho) - 1.0 / (2.0 * PI * (4.0 - rho * rho).sqrt())).abs() < 4e-16);
        }
    }

    /// theory-more.md X2, from π' = π(1 − π): a second derivation of values at ρ = 1.
    #[test]
    fn sigmoid_identities_at_one() {
        let (a1, a3) = (0.206620964141907037262350828718, -0.0623964839592591934931451210518);
        let table = CovarianceTable::new(Router::Sigmoid, 2);
        assert!((table.value(0, 0, 1.0) - (0.5 - a1)).abs() < 3e-16);
        assert!((table.value(1, 1, 1.0) - (a1 - a3) / 6.0).abs() < 3e-16);
        assert!((table.value(0, 2, 1.0) + (a1 + 2.0 * a3) / 6.0).abs() < 3e-16);
    }

    /// Price: dΦ_{k,l}/dρ = Φ_{k+1,l+1}, by a central difference of the table itself.
    #[test]
    fn derivative_raises_both_indices() {
        let table = CovarianceTable::new(Router::Sigmoid, 8);
        let h = 1e-5;
        for (k, l) in [(0, 0), (0, 2), (1, 1), (1, 3), (2, 4), (0, 6)] {
            for rho in [-0.8, -0.1, 0.4, 0.95] {
                let difference = (table.value(k, l, rho + h) - table.value(k, l, rho - h)) / (2.0 * h);
                let derivative = table.value(k + 1, l + 1, rho);
                assert!((difference - derivative).abs() < 1e-8 * derivative.abs().max(1.0), "{k} {l} {rho}");
            }
        }
    }

    /// Odd k + l: only the constant A_0 A_l of k = 0 is left.
    #[test]
    fn odd_totals_are_constants() {
        let table = CovarianceTable::new(Router::Sigmoid, 5);
        let a = Router::Sigmoid.hermite();
        assert_eq!(table.value(0, 3, 0.7), 0.5 * a.value(3));
        assert_eq!(table.value(3, 0, -0.7), 0.5 * a.value(3));
        assert_eq!(table.value(1, 2, 0.7), 0.0);
    }
}

//! Pair expectations under any Gaussian: variances, means and experts of several Hermite orders.
//!
//! # The formula (derived here)
//!
//! Let `X = (v·x, v'·x, w·x, w'·x) ~ N(m, c)` with any variances and means, and let the experts be `h = Σ_p a_p He_p`. The Taylor series of a product in its
//! covariances (every `∂/∂c_ab` of a Gaussian expectation is `E[∂_a∂_b ·]`, half of it for `a = b`) around independent coordinates is
//!
//! ```text
//! K^{(k,l)}_{i,j} = E[π⁽ᵏ⁾(X1) π⁽ˡ⁾(X2) h⁽ⁱ⁾(X3) h⁽ʲ⁾(X4)]
//!                 = Σ c13^s c14^t c23^u c24^v c34^r/(s! t! u! v! r!) · Φ_{k+s+t, l+u+v} · B_{i+s+u+r} B'_{j+t+v+r}
//! Φ_{k,l}         = Σ_n c12ⁿ/n! A_{k+n} A'_{l+n}
//! A_n = E[π⁽ⁿ⁾(m1 + √c11 Z)],     B_n = E[h⁽ⁿ⁾(m3 + √c33 Z)] = Σ_p a_p p!/(p−n)! E[He_{p−n}(m3 + √c33 Z)]
//! E[He_q(m + √c Z)] = Σ_i q!/(i! (q−2i)!) ((c−1)/2)^i m^{q−2i}
//! ```
//!
//! finite in `s, t, u, v, r` because `B_n = 0` beyond the highest order. Every derivative shifts indices: `∂/∂c12` raises `k, l`, `∂/∂c13` raises `k, i`, `∂/∂c33` is half of
//! raising `i` twice, `∂/∂m1` raises `k`, and so on. With `α_n = E[π(m + √a Z) He_n(Z)]/√n!`, `A_n = √n! a^{−n/2} α_n` and `ρ = c12/√(a a')`
//!
//! ```text
//! Φ_{k,l} = Σ_n ρⁿ U_nk U'_nl,      U_nk = √((n+k)!/n!) a^{−k/2} α_{n+k}
//! ```
//!
//! so that nothing overflows and a unit's table `U` serves all its pairs. `α_n` comes from the trapezoid rule with step ⅛ on `|z| ≤ 12.5`: the integrand is analytic up to the
//! poles of `π` at distance `π/√a` (sigmoid), and what aliases is `exp(−π(16π − √n)/√a) < 10⁻¹⁸` for `n ≤ 511` and `a ≤ 4`; cutting leaves `e^{−39}`.
//! Tables end at 496 rows: where `Φ` has not fallen below `10⁻¹⁸` by then, what is left out counts ([`GeneralPair::is_whole`]).
//!
//! A unit with itself has `c12 = c11`, the slowest series of all; there
//!
//! ```text
//! E[π(X1)² h(X3)²] = Σ_n c13ⁿ/n! A_n B_n,     A_n = E[(π²)⁽ⁿ⁾(m1 + √c11 Z)],   B_n = E[(h²)⁽ⁿ⁾(m3 + √c33 Z)]
//! ```
//!
//! is a sum of `2·degree + 1` terms ([`GeneralPair::own`]). Between two units the sum over `s, t, u, v, r` goes one unit at a time: with `P_n(s, u) = c13^s c23^u/(s! u!) B_{n+s+u}` and
//! `Q_n(t, v) = c14^t c24^v/(t! v!) B'_{n+t+v}`, every index shift of both experts is
//!
//! ```text
//! K^{(k,l)}_{i,j} = Σ_r c34^r/r! Σ_{t,v} Q_{j+r}(t, v) Ψ_{i+r}(k+t, l+v),     Ψ_n(x, y) = Σ_{s,u} P_n(s, u) Φ_{x+s, y+u}
//! ```
//!
//! The loops run along `l` and `y`, products and sums rounded apart, so that every instruction set gives the same bits.

mod moments;
#[cfg(test)]
mod tests;

use crate::{InstructionSet, MAX_ORDER, Router};
use moments::{Derivatives, STRIDE};
use pulp::{Simd, WithSimd};

pub use moments::UnitMoments;

/// Coefficients `a_0, …, a_6` of an expert `h = Σ_p a_p He_p`.
pub type ExpertCoefficients = [f64; MAX_ORDER + 1];

/// Value and partial derivatives of a pair's expectation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GeneralPartials {
    /// `K`.
    pub value: f64,
    /// By `c12, c13, c14, c23, c24, c34`.
    pub covariances: [f64; 6],
    /// By `c11, c22, c33, c44`.
    pub variances: [f64; 4],
    /// By the means of `X1, X2, X3, X4`.
    pub means: [f64; 4],
}

/// Value and partial derivatives of a unit's own second moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OwnPartials {
    /// `E[π(X1)² h(X3)²]`.
    pub value: f64,
    /// By `c13`.
    pub covariance: f64,
    /// By `c11, c33`.
    pub variances: [f64; 2],
    /// By the means of `X1, X3`.
    pub means: [f64; 2],
}

/// The pair expectation for one router function and one expert `h`.
///
/// Accuracy: better than `1e-13` of the largest partial for sigmoid and Gaussian-CDF routers with variances in `[¼, 4]`, means of order one and experts up to order 3 (tested against the isotropic formula,
/// tensor quadrature and differences), at every correlation, and for tanh routers with variances in `[¼, 1]`; beyond that, and for higher orders, wherever [`Self::is_whole`]. Where it is not, the series is cut at 496 rows: at correlation 1 and order 3 the
/// relative error is `8e-8` for tanh with variance 4 and `1.7e-9` for the sigmoid with variance 16.
///
/// ```
/// use moe_kernels::{GeneralPair, Router, UnitMoments};
/// let pair = GeneralPair::new(Router::Sigmoid, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
/// let mut unit = UnitMoments::default();
/// pair.moments([1.0, 1.0], [0.0, 0.0], &mut unit);
/// let k = pair.partials(&unit, &unit, [0.2, 0.0, 0.0, 0.0, 0.0, 0.5]).value;
/// assert!((k - 6.0 * 0.125 * moe_kernels::CovarianceTable::new(Router::Sigmoid, 0).value(0, 0, 0.2)).abs() < 1e-15);
/// ```
#[derive(Clone, Debug)]
pub struct GeneralPair {
    router: Router,
    derivatives: Derivatives,
    /// Highest order with a coefficient.
    degree: usize,
}

impl GeneralPair {
    /// For experts `h = Σ_p coefficients[p] He_p`.
    pub fn new(router: Router, coefficients: ExpertCoefficients) -> Self {
        let degree = coefficients.iter().rposition(|a| *a != 0.0).unwrap_or(0);
        Self { router, derivatives: Derivatives::new(&coefficients), degree }
    }

    /// The router function.
    pub fn router(&self) -> Router {
        self.router
    }

    /// Columns of a unit's table: `k = 0, …, 2·degree + 2`.
    fn columns(&self) -> usize {
        2 * self.degree + 3
    }

    /// A unit's own second moment and its partial derivatives, each variance counted once: [`Self::partials`] of the unit with itself has the same value and halves of these derivatives in each place of a pair.
    pub fn own(&self, unit: &UnitMoments, c13: f64) -> OwnPartials {
        let [router, expert] = &unit.squares;
        let degree = 2 * self.degree;
        let mut power = 1.0;
        let mut sums = [0.0; 6];
        for n in 0..=degree {
            if n > 0 {
                power *= c13 / n as f64;
            }
            let [a, b] = [power * router[n], power * expert[n]];
            let beyond = |k: usize| if n + k <= degree { expert[n + k] } else { 0.0 };
            sums[0] += a * expert[n];
            sums[1] += power * router[n + 1] * beyond(1);
            sums[2] += b * router[n + 2];
            sums[3] += a * beyond(2);
            sums[4] += b * router[n + 1];
            sums[5] += a * beyond(1);
        }
        let [value, covariance, router_variance, expert_variance, router_mean, expert_mean] = sums;
        OwnPartials {
            value,
            covariance,
            variances: [0.5 * router_variance, 0.5 * expert_variance],
            means: [router_mean, expert_mean],
        }
    }

    /// Whether the tables hold all that counts for two units with the variances `c11, c22` of their routers at the covariance `c12`: terms fall below `1e-18` within the 496 rows. Otherwise [`Self::partials`] is less accurate.
    ///
    /// ```
    /// use moe_kernels::{GeneralPair, Router};
    /// let cubic = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    /// let [sigmoid, tanh] = [Router::Sigmoid, Router::Tanh].map(|router| GeneralPair::new(router, cubic));
    /// assert!(sigmoid.is_whole([4.0, 4.0], 4.0) && !sigmoid.is_whole([16.0, 16.0], 16.0));
    /// assert!(!tanh.is_whole([4.0, 4.0], 4.0) && tanh.is_whole([4.0, 4.0], 2.0));
    /// ```
    pub fn is_whole(&self, variances: [f64; 2], c12: f64) -> bool {
        self.reach(variances, c12) < moments::MOST_ROWS
    }

    /// The expectation of a pair and its partial derivatives, at the covariances `c12, c13, c14, c23, c24, c34`.
    pub fn partials(&self, a: &UnitMoments, b: &UnitMoments, covariances: [f64; 6]) -> GeneralPartials {
        self.partials_of_rows(self.reach([a.variance(), b.variance()], covariances[0]), a, b, covariances)
    }

    /// The sum over that many rows, or all that both have.
    fn partials_of_rows(
        &self,
        rows: usize,
        a: &UnitMoments,
        b: &UnitMoments,
        covariances: [f64; 6],
    ) -> GeneralPartials {
        match self.degree {
            0 => of_degree::<1, 3>(rows, a, b, covariances),
            1 => of_degree::<2, 5>(rows, a, b, covariances),
            2 => of_degree::<3, 7>(rows, a, b, covariances),
            3 => of_degree::<4, 9>(rows, a, b, covariances),
            4 => of_degree::<5, 11>(rows, a, b, covariances),
            5 => of_degree::<6, 13>(rows, a, b, covariances),
            _ => of_degree::<7, 15>(rows, a, b, covariances),
        }
    }
}

/// For `N = degree + 1` and `C = 2·degree + 3`.
fn of_degree<const N: usize, const C: usize>(
    rows: usize,
    a: &UnitMoments,
    b: &UnitMoments,
    covariances: [f64; 6],
) -> GeneralPartials {
    let rows = rows.min(a.table.len()).min(b.table.len());
    let correlation = covariances[0] / (a.deviation * b.deviation);
    let sum = Sum::<N, C> { a, b, rows, correlation, covariances };
    InstructionSet::best().dispatch(sum).expect("the best instruction set is available")
}

/// Room for `k ≤ 2·6 + 2`.
const WIDTH: usize = 2 * MAX_ORDER + 3;
/// Room for `y ≤ degree + 2`, in whole lanes.
const REACH: usize = (MAX_ORDER + 3).next_multiple_of(4);
/// Room for `Φ_{k,l}` with the last lanes of a `Ψ`.
const ROOM: usize = STRIDE + 4;

/// One pair's sum, for `N = degree + 1` and `C = 2·degree + 3`.
struct Sum<'a, const N: usize, const C: usize> {
    a: &'a UnitMoments,
    b: &'a UnitMoments,
    rows: usize,
    correlation: f64,
    covariances: [f64; 6],
}

impl<const N: usize, const C: usize> WithSimd for Sum<'_, N, C> {
    type Output = GeneralPartials;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> GeneralPartials {
        let Self { a, b, rows, correlation, covariances } = self;
        let phi = covariances_of_routers::<C>(&a.table[..rows], &b.table[..rows], correlation);
        let [_, c13, c14, c23, c24, c34] = covariances;
        let left = legs::<N>(&a.expert, c13, c23);
        let right = legs::<N>(&b.expert, c14, c24);
        let psi = half_contracted::<N, C>(&left, &phi);
        let p34 = powers::<N>(c34);
        let k = |i: usize, j: usize, x: usize, y: usize| contracted::<N>(&psi, &right, &p34, [i, j], [x, y]);
        let mut result = GeneralPartials {
            value: k(0, 0, 0, 0),
            covariances: [k(0, 0, 1, 1), 0.0, 0.0, 0.0, 0.0, 0.0],
            variances: [0.5 * k(0, 0, 2, 0), 0.5 * k(0, 0, 0, 2), 0.0, 0.0],
            means: [k(0, 0, 1, 0), k(0, 0, 0, 1), 0.0, 0.0],
        };
        if N > 1 {
            result.covariances[1..].copy_from_slice(&[
                k(1, 0, 1, 0),
                k(0, 1, 1, 0),
                k(1, 0, 0, 1),
                k(0, 1, 0, 1),
                k(1, 1, 0, 0),
            ]);
            result.means[2..].copy_from_slice(&[k(1, 0, 0, 0), k(0, 1, 0, 0)]);
        }
        if N > 2 {
            result.variances[2..].copy_from_slice(&[0.5 * k(2, 0, 0, 0), 0.5 * k(0, 2, 0, 0)]);
        }
        result
    }
}

/// `Φ_{k,l}` for `k + l < C`; what stands beyond, up to whole lanes, is not used.
#[inline(always)]
fn covariances_of_routers<const C: usize>(
    a: &[[f64; STRIDE]],
    b: &[[f64; STRIDE]],
    correlation: f64,
) -> [[f64; ROOM]; C] {
    let mut phi = [[0.0; ROOM]; C];
    let mut power = 1.0;
    // Rows come in fours: two at a time halve the traffic with Φ.
    let mut n = 0;
    while n + 1 < a.len() {
        let next = power * correlation;
        let ([u, u_next], [w, w_next]) = ([&a[n], &a[n + 1]], [&b[n], &b[n + 1]]);
        for k in 0..C {
            let [factor, factor_next] = [power * u[k], next * u_next[k]];
            let lanes = (C - k).next_multiple_of(4);
            for l in 0..lanes {
                phi[k][l] += factor * w[l] + factor_next * w_next[l];
            }
        }
        power = next * correlation;
        n += 2;
    }
    phi
}

/// `c^e/e!`.
#[inline(always)]
fn powers<const N: usize>(c: f64) -> [f64; N] {
    let mut powers = [1.0; N];
    for e in 1..N {
        powers[e] = powers[e - 1] * (c / e as f64);
    }
    powers
}

/// `x^s y^u/(s! u!) B_{n+s+u}` for `n + s + u < N`: by `n`, `s`, `u`.
#[inline(always)]
fn legs<const N: usize>(expert: &[f64; MAX_ORDER + 3], x: f64, y: f64) -> [[[f64; N]; N]; N] {
    let [x, y] = [powers::<N>(x), powers::<N>(y)];
    let mut legs = [[[0.0; N]; N]; N];
    for n in 0..N {
        for s in 0..N - n {
            for u in 0..N - n - s {
                legs[n][s][u] = x[s] * y[u] * expert[n + s + u];
            }
        }
    }
    legs
}

/// `Ψ_n(x, y)` for `n + x + y ≤ N + 1`.
#[inline(always)]
fn half_contracted<const N: usize, const C: usize>(
    left: &[[[f64; N]; N]; N],
    phi: &[[f64; ROOM]; C],
) -> [[[f64; REACH]; REACH]; N] {
    let lanes = (N + 2).next_multiple_of(4);
    let mut psi = [[[0.0; REACH]; REACH]; N];
    for n in 0..N {
        for s in 0..N - n {
            for u in 0..N - n - s {
                let factor = left[n][s][u];
                // Without means every other moment vanishes.
                if factor == 0.0 {
                    continue;
                }
                for x in 0..N + 2 - n {
                    for y in 0..lanes {
                        psi[n][x][y] += factor * phi[x + s][u + y];
                    }
                }
            }
        }
    }
    psi
}

/// `K^{(k,l)}_{i,j}`.
#[inline(always)]
fn contracted<const N: usize>(
    psi: &[[[f64; REACH]; REACH]; N],
    right: &[[[f64; N]; N]; N],
    p34: &[f64; N],
    [i, j]: [usize; 2],
    [k, l]: [usize; 2],
) -> f64 {
    let mut sum = 0.0;
    for r in 0..N - if i > j { i } else { j } {
        let (psi, right) = (&psi[i + r], &right[j + r]);
        let mut term = 0.0;
        for t in 0..N - j - r {
            for v in 0..N - j - r - t {
                term += right[t][v] * psi[k + t][l + v];
            }
        }
        sum += p34[r] * term;
    }
    sum
}

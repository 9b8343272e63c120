//! The expectation of two routers' derivatives times two Hermite experts, and all its derivatives, over any [`Real`].
//!
//! # The formula (derived here)
//!
//! Let `X = (v·x, v'·x, w·x, w'·x)` be jointly Gaussian with unit variances and correlations `ρ_ab`. `He_p(X3)` is the Wick power `:X3^p:`; integrate by
//! parts (Wick): each of its `p` legs is contracted with `X1` (differentiating `π(X1)`), with `X2`, or with a leg of `He_q(X4)`. With `s` contractions
//! `X3-X1`, `u` of `X3-X2`, `t` of `X4-X1`, `v` of `X4-X2` and `r` of `X3-X4`:
//!
//! ```text
//! K^{(k,l)}_{p,q} = E[π⁽ᵏ⁾(X1) π⁽ˡ⁾(X2) He_p(X3) He_q(X4)]
//!                 = Σ p! q!/(s! t! u! v! r!) ρ13^s ρ14^t ρ23^u ρ24^v ρ34^r Φ_{k+s+t, l+u+v}(ρ12),   s+u+r = p, t+v+r = q
//! ```
//!
//! a finite sum, exact for every correlation. Its derivatives are the same formula at other indices (the *shift rule*): `∂/∂ρ_ab = E[∂_a ∂_b ·]`, where
//! `∂_1` raises `k`, `∂_2` raises `l`, `∂_3 He_p = p He_{p−1}` and `∂_4 He_q = q He_{q−1}`. Source: theory A2 and X1 of this project's notes.

use crate::{CovarianceTable, Dual, Real};

/// Largest Hermite order of an expert.
pub const MAX_ORDER: usize = 6;

/// The six correlations of `(X1, X2, X3, X4) = (v·x, v'·x, w·x, w'·x)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlations<R> {
    /// `v·v'`, the routers.
    pub r12: R,
    /// `v·w`, the first router and its own expert.
    pub r13: R,
    /// `v·w'`.
    pub r14: R,
    /// `v'·w`.
    pub r23: R,
    /// `v'·w'`, the second router and its own expert.
    pub r24: R,
    /// `w·w'`, the experts.
    pub r34: R,
}

impl<R> Correlations<R> {
    /// From an array in the order of [`Partial::ALL`].
    pub fn from_array([r12, r13, r14, r23, r24, r34]: [R; 6]) -> Self {
        Self { r12, r13, r14, r23, r24, r34 }
    }
}

/// A correlation to differentiate by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    /// `∂/∂ρ12`.
    R12,
    /// `∂/∂ρ13`.
    R13,
    /// `∂/∂ρ14`.
    R14,
    /// `∂/∂ρ23`.
    R23,
    /// `∂/∂ρ24`.
    R24,
    /// `∂/∂ρ34`.
    R34,
}

impl Partial {
    /// All six, in the order used for arrays of partial derivatives everywhere.
    pub const ALL: [Self; 6] = [Self::R12, Self::R13, Self::R14, Self::R23, Self::R24, Self::R34];

    /// How often `(X1, X2, X3, X4)` is differentiated.
    fn shift(self) -> [usize; 4] {
        match self {
            Self::R12 => [1, 1, 0, 0],
            Self::R13 => [1, 0, 1, 0],
            Self::R14 => [1, 0, 0, 1],
            Self::R23 => [0, 1, 1, 0],
            Self::R24 => [0, 1, 0, 1],
            Self::R34 => [0, 0, 1, 1],
        }
    }
}

/// `K` of one quadruple of vectors: powers of the correlations and a source of `Φ_{k,l}(ρ12)`, which makes it a polynomial.
///
/// ```
/// use moe_kernels::{Correlations, CovarianceTable, Pair, Partial, Router};
/// let table = CovarianceTable::new(Router::Sigmoid, 8);
/// let rho = Correlations { r12: 0.2, r13: 0.0, r14: 0.0, r23: 0.0, r24: 0.0, r34: 0.5 };
/// let pair = Pair::new(&rho, |k, l| table.value(k, l, rho.r12));
/// // With no contraction between routers and experts, E = 3! ρ34³ Φ_00(ρ12).
/// assert!((pair.value(3, 3) - 6.0 * 0.125 * table.value(0, 0, 0.2)).abs() < 1e-15);
/// assert!((pair.derivative(3, 3, &[Partial::R34]) - 6.0 * 0.75 * table.value(0, 0, 0.2)).abs() < 1e-15);
/// ```
pub struct Pair<R, F> {
    /// `powers[i][e]` is the `i`-th of `ρ13, ρ14, ρ23, ρ24, ρ34` to the power `e`.
    powers: [[R; MAX_ORDER + 1]; 5],
    phi: F,
}

impl<R: Real, F: Fn(usize, usize) -> R> Pair<R, F> {
    /// The pair at correlations `rho`; `phi(k, l)` must return `Φ_{k,l}(ρ12)`, for `k + l` up to `p + q` for values, two more for each derivative.
    pub fn new(rho: &Correlations<R>, phi: F) -> Self {
        let powers = [&rho.r13, &rho.r14, &rho.r23, &rho.r24, &rho.r34].map(|x| {
            let mut power = x.ratio(1, 1);
            std::array::from_fn(|e| {
                if e > 0 {
                    power = power.clone() * x;
                }
                power.clone()
            })
        });
        Self { powers, phi }
    }

    /// `K_{p,q} = E[π(X1) π(X2) He_p(X3) He_q(X4)]`; `p, q ≤` [`MAX_ORDER`].
    pub fn value(&self, p: usize, q: usize) -> R {
        self.expectation([0, 0, p, q])
    }

    /// The partial derivative of `K_{p,q}` by each correlation in `by`, in any order and number.
    pub fn derivative(&self, p: usize, q: usize, by: &[Partial]) -> R {
        let mut index = [0, 0, p, q];
        let mut factor = 1;
        for partial in by {
            let [d1, d2, d3, d4] = partial.shift();
            factor *= if d3 == 1 { index[2] } else { 1 } * if d4 == 1 { index[3] } else { 1 };
            if factor == 0 {
                return self.powers[0][0].ratio(0, 1);
            }
            index = [index[0] + d1, index[1] + d2, index[2] - d3, index[3] - d4];
        }
        self.powers[0][0].ratio(factor as i64, 1) * self.expectation(index)
    }

    /// The six first partial derivatives, in the order of [`Partial::ALL`].
    pub fn gradient(&self, p: usize, q: usize) -> [R; 6] {
        Partial::ALL.map(|a| self.derivative(p, q, &[a]))
    }

    /// The symmetric matrix of second partial derivatives, rows and columns in the order of [`Partial::ALL`].
    pub fn hessian(&self, p: usize, q: usize) -> [[R; 6]; 6] {
        let upper: Vec<Vec<R>> = (0..6)
            .map(|a| (a..6).map(|b| self.derivative(p, q, &[Partial::ALL[a], Partial::ALL[b]])).collect())
            .collect();
        std::array::from_fn(|a| std::array::from_fn(|b| upper[a.min(b)][a.max(b) - a.min(b)].clone()))
    }

    /// `K^{(k,l)}_{p,q}` by the sum of the module's documentation.
    fn expectation(&self, [k, l, p, q]: [usize; 4]) -> R {
        let [p13, p14, p23, p24, p34] = &self.powers;
        let mut total = p34[0].ratio(0, 1);
        for r in 0..=p.min(q) {
            let mut sum = total.ratio(0, 1);
            for s in 0..=p - r {
                let u = p - r - s;
                for t in 0..=q - r {
                    let v = q - r - t;
                    // (p−r)!/(s! u!) · (q−r)!/(t! v!): what remains of p! q!/(s! t! u! v! r!) is the factor of the outer sum.
                    let legs = total.ratio(binomial(p - r, s) * binomial(q - r, t), 1);
                    let product = legs * &p13[s] * &p14[t] * &p23[u] * &p24[v];
                    sum = sum + product * (self.phi)(k + s + t, l + u + v);
                }
            }
            // p! q!/(r! (p−r)! (q−r)!) = C(p, r) q!/(q−r)!
            let contractions = (q - r + 1..=q).product::<usize>() as i64;
            total = total.clone() + total.ratio(binomial(p, r) * contractions, 1) * &p34[r] * &sum;
        }
        total
    }
}

impl CovarianceTable {
    /// `Φ_{k,l}` at a dual number: `dΦ_{k,l}/dρ = Φ_{k+1,l+1}` (Price).
    pub fn dual(&self, k: usize, l: usize, rho: Dual<f64>) -> Dual<f64> {
        Dual::new(self.value(k, l, rho.value), self.value(k + 1, l + 1, rho.value) * rho.derivative)
    }
}

/// `C(n, k)` for small `n`.
fn binomial(n: usize, k: usize) -> i64 {
    (0..k).fold(1, |product, i| product * (n - i) as i64 / (i as i64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MAX_TOTAL, Router};

    /// Correlations of four generic unit vectors (a valid Gram matrix).
    const GENERIC: [f64; 6] = [0.31, -0.22, 0.47, 0.15, -0.38, -0.29];

    fn value_at(table: &CovarianceTable, rho: [f64; 6], p: usize, q: usize) -> f64 {
        Pair::new(&Correlations::from_array(rho), |k, l| table.value(k, l, rho[0])).value(p, q)
    }

    /// All first partials three ways: shift rule, dual numbers through the value's formula, central differences; cross orders included.
    #[test]
    fn first_partials_agree_with_dual_numbers_and_differences() {
        for router in Router::ALL {
            let table = CovarianceTable::new(router, MAX_TOTAL);
            for (p, q) in [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (3, 1), (2, 5), (4, 3)] {
                let gradient =
                    Pair::new(&Correlations::from_array(GENERIC), |k, l| table.value(k, l, GENERIC[0])).gradient(p, q);
                let scale = gradient.iter().fold(1.0_f64, |m, g| m.max(g.abs()));
                for (a, exact) in gradient.iter().enumerate() {
                    let mut rho = GENERIC.map(Dual::constant);
                    rho[a].derivative = 1.0;
                    let dual = Pair::new(&Correlations::from_array(rho), |k, l| table.dual(k, l, rho[0])).value(p, q);
                    assert!((dual.derivative - exact).abs() < 1e-14 * scale, "{router} {p} {q} {a}");
                    let h = 1e-5;
                    let shifted = |sign: f64| {
                        let mut rho = GENERIC;
                        rho[a] += sign * h;
                        value_at(&table, rho, p, q)
                    };
                    assert!(
                        ((shifted(1.0) - shifted(-1.0)) / (2.0 * h) - exact).abs() < 1e-7 * scale,
                        "{router} {p} {q} {a}"
                    );
                }
            }
        }
    }

    /// All second partials against dual numbers through the first partials' formula.
    #[test]
    fn second_partials_agree_with_dual_numbers() {
        for router in Router::ALL {
            let table = CovarianceTable::new(router, MAX_TOTAL);
            for (p, q) in [(1, 1), (2, 2), (3, 3), (6, 6), (1, 4), (5, 3)] {
                let hessian =
                    Pair::new(&Correlations::from_array(GENERIC), |k, l| table.value(k, l, GENERIC[0])).hessian(p, q);
                let scale = hessian.iter().flatten().fold(1.0_f64, |m, h| m.max(h.abs()));
                for a in 0..6 {
                    let mut rho = GENERIC.map(Dual::constant);
                    rho[a].derivative = 1.0;
                    let gradient =
                        Pair::new(&Correlations::from_array(rho), |k, l| table.dual(k, l, rho[0])).gradient(p, q);
                    for b in 0..6 {
                        assert!(
                            (gradient[b].derivative - hessian[a][b]).abs() < 1e-13 * scale,
                            "{router} {p} {q} {a} {b}"
                        );
                        assert_eq!(hessian[a][b], hessian[b][a]);
                    }
                }
            }
        }
    }

    /// Swapping the two pairs swaps (p, q) and the correlations with them.
    #[test]
    fn exchanging_the_pairs_changes_nothing() {
        let table = CovarianceTable::new(Router::Sigmoid, 8);
        let [r12, r13, r14, r23, r24, r34] = GENERIC;
        for (p, q) in [(3, 3), (2, 4), (1, 5)] {
            let swapped = value_at(&table, [r12, r24, r23, r14, r13, r34], q, p);
            assert!((value_at(&table, GENERIC, p, q) - swapped).abs() < 1e-14);
        }
    }

    /// At the Gaussian router, p = q = 1 is elementary: E[Φ_N(X1) Φ_N(X2) X3 X4] = ρ34 Φ_00 + Gaussian contractions with Φ_11, Φ_02.
    #[test]
    fn coincident_units_have_the_known_second_moment() {
        // E f_i² = 6 Φ_00(1) = 3 − 6 A_1 for v ⟂ w (theory A4).
        let table = CovarianceTable::new(Router::Sigmoid, 8);
        let moment = value_at(&table, [1.0, 0.0, 0.0, 0.0, 0.0, 1.0], 3, 3);
        assert!((moment - (3.0 - 6.0 * 0.206620964141907037262350828718)).abs() < 1e-14);
    }
}

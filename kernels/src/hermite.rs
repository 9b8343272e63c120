//! Routers and their Hermite coefficients `A_n = E[π(Z) He_n(Z)]`.
//!
//! # The trapezoid rule
//!
//! `A_n = ∫ π(z) He_n(z) φ(z) dz` is the integral over the line of a function that is analytic in a strip, so the trapezoid
//! rule `T_h = h Σ_j f(jh)` is exponentially accurate: if `f` is analytic in `|Im z| < c'` and `c < c'`,
//!
//! ```text
//! |T_h − ∫f| ≤ 2 M_c/(e^{2πc/h} − 1),    M_c = max over ± of ∫ |f(x ± ic)| dx.
//! ```
//!
//! For `f = π h_n φ`, `h_n = He_n/√n!`: `|φ(x+ic)| = e^{c²/2} φ(x)`, and `h_n(x+ic) = Σ_k √C(n,k) (ic)^k/√k! h_{n−k}(x)` gives
//! `∫|h_n(x+ic)|² φ = Σ_k C(n,k) c^{2k}/k! ≤ Σ_k (nc²)^k/k!² ≤ e^{2c√n}`, so by Cauchy-Schwarz
//!
//! ```text
//! M_c ≤ S_c e^{c²/2 + c√n},    S_c = sup |π(x ± ic)|:   sigmoid 1/sin c (π/2 ≤ c < π),   tanh 1/cos c (c < π/2).
//! ```
//!
//! With `h = 1/8, c = 3` (sigmoid) and `h = 1/16, c = 3/2` (tanh) the bound is below `1e-45` for every `n ≤ 800` (tested).
//! Cutting the sum at `|z| = 20` leaves less than `2e-42` (`|h_n(z)| e^{−z²/4} < 1.1`, Cramér), and the arithmetic has 192 bits.
//! The `a_n` returned are these values rounded to `f64`, relative error below `2⁻⁵²` as long as `|a_n| > 1e-25`.
//!
//! The Gaussian cumulative distribution needs no quadrature: `π⁽ⁿ⁾ = φ⁽ⁿ⁻¹⁾` and `E[φ⁽ⁿ⁻¹⁾(Z)]` is the `(n−1)`-th derivative at 0 of
//! the `N(0, 2)` density, so `A_n = (4π)^{−1/2} 2^{−(n−1)/2} He_{n−1}(0)` for odd `n`.

use dashu_float::{FBig, round::mode::HalfEven};
use std::{f64::consts::PI, fmt, sync::OnceLock};

/// The function `π` that turns a router's pre-activation into a weight. For all of them `π(z) − π(0)` is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Router {
    /// `1/(1 + e^{−z})`, the router of arXiv 2510.07205.
    Sigmoid,
    /// `tanh z`; `A_0 = 0`.
    Tanh,
    /// `P(Z ≤ z)`; `Φ_{0,0}` and `Φ_{1,1}` are elementary, which makes it the oracle of the tests.
    GaussianCdf,
}

impl Router {
    /// All routers, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Sigmoid, Self::Tanh, Self::GaussianCdf];

    /// The name used in specs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::GaussianCdf => "gaussian-cdf",
        }
    }

    /// The router with that name, if there is one.
    ///
    /// ```
    /// use moe_kernels::Router;
    /// assert_eq!(Router::from_name("gaussian-cdf"), Some(Router::GaussianCdf));
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|router| router.name() == name)
    }

    /// `π(z)`, to a few units in the last place.
    pub fn value(self, z: f64) -> f64 {
        match self {
            Self::Sigmoid => 1.0 / (1.0 + (-z).exp()),
            Self::Tanh => z.tanh(),
            Self::GaussianCdf => 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2),
        }
    }

    /// The Hermite coefficients, computed at first use (milliseconds; a tenth of a second for tanh).
    pub fn hermite(self) -> &'static HermiteCoefficients {
        static CACHE: [OnceLock<HermiteCoefficients>; 3] = [const { OnceLock::new() }; 3];
        CACHE[self as usize].get_or_init(|| HermiteCoefficients::new(self))
    }

    /// How many coefficients the longest series of [`crate::CovarianceTable`] (total 16, `|ρ| = 1`) takes, and some more.
    fn coefficient_count(self) -> usize {
        match self {
            Self::Sigmoid => 200,
            Self::Tanh => 760,
            Self::GaussianCdf => 170,
        }
    }
}

impl fmt::Display for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Normalised Hermite coefficients `a_n = A_n/√n! = E[π(Z) He_n(Z)]/√n!` of a router.
#[derive(Clone, Debug)]
pub struct HermiteCoefficients {
    normalised: Vec<f64>,
}

type Extended = FBig<HalfEven, 2>;
/// Bits of the trapezoid sum.
const PRECISION: usize = 192;
/// Where the trapezoid sum ends.
const CUTOFF: usize = 20;

impl HermiteCoefficients {
    fn new(router: Router) -> Self {
        let count = router.coefficient_count();
        Self {
            normalised: match router {
                Router::Sigmoid => {
                    trapezoid(count, 8, 0.5, |z| extended(1.0) / (extended(1.0) + (-z).exp()) - extended(0.5))
                }
                Router::Tanh => trapezoid(count, 16, 0.0, |z| {
                    let decay = (z * extended(-2.0)).exp();
                    (extended(1.0) - &decay) / (extended(1.0) + decay)
                }),
                Router::GaussianCdf => gaussian_cdf(count),
            },
        }
    }

    /// How many coefficients there are: `a_0, …, a_{len−1}`.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.normalised.len()
    }

    /// `a_n = A_n/√n!`, relative error below `2⁻⁵¹`; zero for even `n ≥ 2`.
    pub fn normalised(&self, n: usize) -> f64 {
        self.normalised[n]
    }

    /// `A_n`, relative error below `(n + 2) 2⁻⁵²`; `n ≤ 170`, where `√n!` is still far from overflow.
    ///
    /// ```
    /// use moe_kernels::Router;
    /// let a1 = Router::Sigmoid.hermite().value(1);
    /// assert!((a1 - 0.206620964141907037262350828718).abs() < 1e-16);
    /// ```
    pub fn value(&self, n: usize) -> f64 {
        assert!(n <= 170, "A_n is given for n ≤ 170");
        (1..=n).fold(self.normalised[n], |product, i| product * (i as f64).sqrt())
    }
}

fn extended(x: f64) -> Extended {
    Extended::try_from(x).expect("a finite constant").with_precision(PRECISION).value()
}

/// `a_n` by the trapezoid rule with step `1/per_unit`, from the router's odd part on the positive half line.
fn trapezoid(count: usize, per_unit: usize, at_zero: f64, odd_part: impl Fn(Extended) -> Extended) -> Vec<f64> {
    // A_n = 2h Σ_{j≥1} g(jh) He_n(jh) φ(jh) for odd n and odd g; He_{n+1} = z He_n − n He_{n−1}.
    let mut sums = vec![extended(0.0); count];
    for j in 1..=CUTOFF * per_unit {
        let z = extended(j as f64 / per_unit as f64);
        let weight = odd_part(z.clone()) * (-(&z * &z) * extended(0.5)).exp();
        let (mut previous, mut current) = (weight.clone(), &weight * &z);
        for n in 1..count {
            if n % 2 == 1 {
                sums[n] += &current;
            }
            let next = &z * &current - previous * extended(n as f64);
            (previous, current) = (current, next);
        }
    }
    // 2h/√(2π), and division by √n!; π from Machin's formula is not needed: ∫φ = 1 by the same rule fixes the constant.
    let mass = (1..=CUTOFF * per_unit).fold(extended(0.5), |sum, j| {
        let z = extended(j as f64 / per_unit as f64);
        sum + (-(&z * &z) * extended(0.5)).exp()
    });
    let mut root_factorial = extended(1.0);
    let mut normalised = vec![at_zero];
    for (n, sum) in sums.iter().enumerate().skip(1) {
        root_factorial *= extended(n as f64).sqrt();
        normalised.push((sum / (&mass * &root_factorial)).to_f64().value());
    }
    normalised
}

/// `a_n` of the Gaussian cumulative distribution: `a_1 = (4π)^{−1/2}`, `a_{n+2}/a_n = −(n/2)/√((n+1)(n+2))`.
fn gaussian_cdf(count: usize) -> Vec<f64> {
    let mut normalised = vec![0.0; count];
    normalised[0] = 0.5;
    normalised[1] = 0.5 / PI.sqrt();
    for n in (1..count - 2).step_by(2) {
        let x = n as f64;
        normalised[n + 2] = -normalised[n] * 0.5 * x / ((x + 1.0) * (x + 2.0)).sqrt();
    }
    normalised
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The literals are those of theory.md A2, 30 digits.
    #[test]
    fn sigmoid_matches_thirty_digit_literals() {
        let a = Router::Sigmoid.hermite();
        assert_eq!(a.value(0), 0.5);
        assert_eq!(a.value(2), 0.0);
        assert!((a.value(1) / 0.206620964141907037262350828718 - 1.0).abs() < 4e-16);
        assert!((a.value(3) / -0.0623964839592591934931451210518 - 1.0).abs() < 1e-15);
    }

    /// The bound of the module's documentation, at every index that is computed.
    #[test]
    fn trapezoid_bound_is_negligible() {
        let bound = |c: f64, sup: f64, h: f64, n: usize| {
            2.0 * sup * (c * c / 2.0 + c * (n as f64).sqrt() - 2.0 * PI * c / h).exp()
        };
        for (router, c, sup, h) in
            [(Router::Sigmoid, 3.0, 1.0 / 3.0_f64.sin(), 0.125), (Router::Tanh, 1.5, 1.0 / 1.5_f64.cos(), 0.0625)]
        {
            let a = router.hermite();
            for n in (1..a.len()).step_by(2) {
                assert!(bound(c, sup, h, n) < 1e-44, "{router} {n}");
                assert!(a.normalised(n).abs() > 1e-25, "{router} {n}");
            }
        }
    }

    /// A second step length: halving h must not change a digit, or the first was not converged.
    #[test]
    fn halving_the_step_changes_nothing() {
        let coarse = Router::Sigmoid.hermite();
        let fine = trapezoid(60, 16, 0.5, |z| extended(1.0) / (extended(1.0) + (-z).exp()) - extended(0.5));
        for (n, a) in fine.iter().enumerate() {
            assert_eq!(*a, coarse.normalised(n), "n = {n}");
        }
    }

    /// tanh(z) = 2 sigmoid(2z) − 1, by an f64 trapezoid sum that shares no code with the tables.
    #[test]
    fn tanh_and_gaussian_cdf_match_a_plain_sum() {
        for router in [Router::Tanh, Router::GaussianCdf] {
            let h = 1.0 / 32.0;
            for n in [1, 3, 5, 9, 15] {
                let mut sum = 0.0;
                for j in -640..=640 {
                    let z = j as f64 * h;
                    let (mut previous, mut current) = (1.0, z);
                    for k in 1..n {
                        (previous, current) =
                            (current, (z * current - (k as f64).sqrt() * previous) / ((k + 1) as f64).sqrt());
                    }
                    sum += h * router.value(z) * current * (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
                }
                assert!((sum - router.hermite().normalised(n)).abs() < 1e-15, "{router} {n}");
            }
        }
    }
}

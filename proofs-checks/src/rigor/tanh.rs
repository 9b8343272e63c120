//! `π(z) = tanh z` in a strip of half width `c`, `1 ≤ c < π/2`.
//!
//! Its poles are the zeros of `cosh`, `iπ/2 + iπk`: it is analytic in `|Im z| < π/2`. `π' = 1 − π²`, `A_0 = 0`. From `|sinh(x+iy)|² = sinh²x + sin²y` and `|cosh(x+iy)|² = sinh²x + cos²y`, with `u = sinh²x ≥ 0`,
//!
//! ```text
//! |tanh(x ± ic)|² = (u + sin²c)/(u + cos²c) = 1 − (cos²c − sin²c)/(u + cos²c) ≤ max(1, tan²c) ≤ 1/cos²c
//! ```
//!
//! (monotone in `u`, between its value at 0 and its limit 1), so `s = s_g = 1/cos c`, and `9 e^{c²/2}` and `9 e^{c²/2}/cos c` are enclosed. For real `z` `|tanh z| < 1`.
//!
//! In a wider strip, `c > π/2`, all of this can be computed as well and means nothing: the shifted contour has passed poles, whose residues, of size `e^{−π²/h}`, the rule does not see.

use super::ball::Ball;
use super::trapezoid::Strip;
use moe_kernels::Real;

pub(super) fn strip(half_width: Ball) -> Strip {
    let precision = half_width.precision();
    let one = Ball::integer(1, precision);
    let [_, cosine] = half_width.sin_cos();
    let bound = one.clone() / cosine.abs();
    let of_products = (half_width.clone() * &half_width * one.ratio(1, 2)).exp() * Ball::integer(9, precision);
    Strip {
        value: Ball::tanh,
        mirror: 0,
        slope: [1, 0, -1],
        half_width,
        of_coefficients: of_products.clone() * &bound,
        bound,
        of_products,
        beyond: one.ratio(2, 5),
    }
}

#[cfg(test)]
mod tests {
    use super::super::trapezoid::{coefficients, covariances};
    use super::*;

    fn three_halves(precision: usize) -> Strip {
        strip(Ball::integer(1, precision).ratio(3, 2))
    }

    /// By parts and from `π' = 1 − π²`: `A_1 = E π' = 1 − Φ_00`, `A_3 = E π''' = E(−2 + 8π² − 6π⁴)`, `Φ_11 = E(1 − π²)² = 1 − 2Φ_00 + Eπ⁴`, `Φ_02 = E π(2π³ − 2π) = 2(Eπ⁴ − Φ_00)`.
    #[test]
    fn covariances_and_coefficients_satisfy_the_identities_of_tanh() {
        let a = coefficients(&three_halves(256), 4);
        let phi = covariances(&three_halves(256), &[(0, 0), (1, 1), (0, 2)]);
        let integer = |value: i64| Ball::integer(value, 256);
        let fourth = phi[1].clone() - integer(1) + phi[0].clone() * integer(2);
        for difference in [
            a[1].clone() - integer(1) + &phi[0],
            a[3].clone() + integer(2) - phi[0].clone() * integer(8) + fourth.clone() * integer(6),
            phi[2].clone() - (fourth - &phi[0]) * integer(2),
        ] {
            let [low, high] = difference.outer().unwrap();
            assert!(low <= 0.0 && 0.0 <= high && high - low < 1e-35, "{low:e} {high:e}");
        }
    }

    /// At `h = ½`, where the error of the rule is seen in floats: the bound from a strip without poles holds, and what the same formula gives at `c = 3` does not.
    #[test]
    fn the_remainder_of_too_wide_a_strip_is_none() {
        let sum = |h: f64| {
            let at = |z: f64| z * z.tanh() * (-z * z / 2.0).exp();
            (1..=(20.0 / h) as i64).map(|j| 2.0 * h * at(j as f64 * h)).sum::<f64>()
        };
        let error = (sum(0.5) - sum(1.0 / 16.0)).abs();
        let bound = |c: f64| {
            let m = 3.0 / c.cos().abs() * (c * c / 2.0 + c).exp();
            2.0 * m / (2.0 * std::f64::consts::PI * c / 0.5).exp_m1()
        };
        assert!(1e-9 < error && error < bound(1.5), "{error:e} {:e}", bound(1.5));
        assert!(bound(3.0) < 1e-3 * error, "{error:e} {:e}", bound(3.0));
    }
}

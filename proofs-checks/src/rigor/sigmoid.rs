//! The sigmoid `π(z) = 1/(1 + e^{−z})` in the strip of half width `c = 3`.
//!
//! It is analytic in `|Im z| < π`, `π' = π − π²`, `A_0 = ½`, and `|1 + e^{−x∓ic}| ≥ |sin c| = sin(π − 3) > 0.14` (for `cos c < 0` the distance of −1 from the ray through `e^{∓ic}`), so `|π(x ± ic)| < 7.15` and `|π − ½| < 7.65` there.
//! With `e^{9/2} < 91`: `9·91 = 819` and `9·7.65·91 < 6300`. For real `z` `|π − ½| < ½`.

use super::ball::Ball;
use super::trapezoid::Strip;
use moe_kernels::Real;

pub(super) fn strip(precision: usize) -> Strip {
    let integer = |value: i64| Ball::integer(value, precision);
    Strip {
        value: |z| {
            let one = Ball::integer(1, z.precision());
            one.clone() / (one + (-z.clone()).exp())
        },
        mirror: 1,
        slope: [0, 1, -1],
        half_width: integer(3),
        bound: integer(1).ratio(715, 100),
        of_products: integer(819),
        of_coefficients: integer(6300),
        beyond: integer(1).ratio(1, 5),
    }
}

#[cfg(test)]
mod tests {
    use super::super::trapezoid::{coefficients, covariances};
    use super::*;
    use moe_kernels::Router;

    fn is_zero(ball: &Ball) -> bool {
        let [low, high] = ball.outer().unwrap();
        low <= 0.0 && 0.0 <= high && high - low < 1e-35
    }

    /// Two routes: the identities of theory X2 between covariances and coefficients, enclosed by sums that share only their points.
    #[test]
    fn covariances_and_coefficients_satisfy_the_identities_of_the_sigmoid() {
        let a = coefficients(&strip(256), 4);
        let phi = covariances(&strip(256), &[(0, 0), (1, 1), (0, 2)]);
        let half = a[0].clone();
        assert!(is_zero(&(phi[0].clone() - (half.clone() - &a[1]))));
        assert!(is_zero(&(phi[1].clone() - (a[1].clone() - &a[3]) * half.ratio(1, 6))));
        assert!(is_zero(&(phi[2].clone() + (a[1].clone() + a[3].clone() * half.ratio(2, 1)) * half.ratio(1, 6))));
    }

    /// The `f64` coefficients lie beside enclosures that are far narrower than their rounding.
    #[test]
    fn coefficients_agree_with_the_tables() {
        for (n, enclosure) in coefficients(&strip(384), 42).iter().enumerate().filter(|(n, _)| n % 2 == 1) {
            let value = Router::Sigmoid.hermite().value(n);
            let [low, high] = enclosure.outer().unwrap();
            assert!(low <= high && high - low <= 4.0 * f64::EPSILON * value.abs() + 1e-300, "{n}: {low:e} {high:e}");
            assert!((value - low).abs() <= (n + 4) as f64 * f64::EPSILON * value.abs(), "{n}");
        }
    }
}

//! Enclosures of the sigmoid's Hermite coefficients and of its covariances at correlation one, by the trapezoid rule with a proved remainder.
//!
//! Write `E f = ∫ f(z) e^{−z²/2} dz/√(2π)`, `h = 1/16`, `c = 3`, and `S_f = h Σ_{|jh| ≤ 20} f(jh) e^{−(jh)²/2}`. Then `√(2π) E f` is `S_f` up to two errors.
//!
//! *Between the points.* A function that is analytic in `|Im z| < c'`, `c < c'`, and small at the ends of the strip, has `|h Σ_j F(jh) − ∫F| ≤ 2M/(e^{2πc/h} − 1)`, `M = max over ± of ∫ |F(x ± ic)| dx`
//! (contour shift and a geometric series). Here `e^{2πc/h} > e^{288}` because `π > 3`, so `2M/(e^{2πc/h} − 1) ≤ 3M e^{−288}`. The sigmoid `π(z) = 1/(1 + e^{−z})` is analytic in `|Im z| < π`
//! and `|1 + e^{−x∓ic}| ≥ |sin c| = sin(π − 3) > 0.14` (for `cos c < 0` the distance of −1 from the ray through `e^{∓ic}`), so `|π(x ± ic)| < 7.15`. With
//! `|e^{−(x±ic)²/2}| = e^{9/2} e^{−x²/2}`, `e^{9/2} < 91` and `√(2π) < 3`:
//!
//! - `f = g He_n`, `g = π − ½`: `He_n(x+y) = Σ_k C(n,k) y^k He_{n−k}(x)` gives `E|He_n(x ± ic)|² = n! Σ_k C(n,k) c^{2k}/k! ≤ n! (Σ_k (c√n)^k/k!)² = n! e^{2c√n}`, so by
//!   Cauchy-Schwarz `M < 3·7.65·91·√n!·e^{3√n}`;
//! - `f = P_k(π) P_l(π)`, where `π^{(k)} = P_k(π)`, `P_0 = x`, `P_{k+1} = P_k'·(x − x²)`: `M < 3·91·|P_k|(7.15)·|P_l|(7.15)`, `|P|` the polynomial of absolute coefficients.
//!
//! *Beyond the points.* `|He_n(z)| ≤ 1.09 √n! e^{z²/4}` (Cramér's inequality), `|g| < ½` and `h Σ_{jh > 20} e^{−(jh)²/4} ≤ ∫_{20}^∞ e^{−z²/4} dz < e^{−100}/10` leave less than `0.2 √n! e^{−100}`;
//! `0 < π < 1` and `2∫_{20}^∞ e^{−z²/2} dz < e^{−200}/10` leave less than `|P_k|(1) |P_l|(1) e^{−200}`.
//!
//! The norm `√(2π)` is the same sum with `f = 1`: Poisson's formula gives `h Σ_j e^{−(jh)²/2} = √(2π)(1 + 2Σ_{k≥1} e^{−2π²k²/h²})`, whose second term is below `e^{−4000}`, and the points
//! beyond 20 leave `e^{−200}`.

use super::ball::Ball;
use moe_kernels::Real;

const PER_UNIT: i64 = 16;
const CUTOFF: i64 = 20;

/// `π(z)` and `e^{−z²/2}` at the points `jh`, `j = 0 … 320`.
struct Points {
    precision: usize,
    /// `(z, π(z), e^{−z²/2})`.
    points: Vec<[Ball; 3]>,
    /// `√(2π)/h`.
    norm: Ball,
}

impl Points {
    fn new(precision: usize) -> Self {
        let one = Ball::integer(1, precision);
        let points: Vec<[Ball; 3]> = (0..=CUTOFF * PER_UNIT)
            .map(|j| {
                let z = one.ratio(j, PER_UNIT);
                let sigmoid = one.clone() / (one.clone() + (-z.clone()).exp());
                let weight = (-(z.clone() * &z) * one.ratio(1, 2)).exp();
                [z, sigmoid, weight]
            })
            .collect();
        let sum = points[1..].iter().fold(one.ratio(1, 2), |sum, [_, _, weight]| sum + weight);
        let error = Ball::integer(-199, precision).exp() * Ball::integer(PER_UNIT, precision);
        let norm = (sum.clone() + &sum).widened(&error);
        Self { precision, points, norm }
    }

    /// `e^{power}`.
    fn exp(&self, power: i64) -> Ball {
        Ball::integer(power, self.precision).exp()
    }

    fn integer(&self, value: i64) -> Ball {
        Ball::integer(value, self.precision)
    }
}

/// Enclosures of `A_0, …, A_count−1`, `A_n = E[π He_n]`. `A_0 = ½`, and `A_n = 0` for even `n ≥ 2`: `π − ½` is odd.
pub(super) fn coefficients(count: usize, precision: usize) -> Vec<Ball> {
    let points = Points::new(precision);
    let zero = points.integer(0);
    let half = zero.ratio(1, 2);
    let mut sums = vec![zero.clone(); count];
    for [z, sigmoid, weight] in &points.points[1..] {
        // He_{n+1} = z He_n − n He_{n−1}; the point −z contributes as much as z.
        let mass = (sigmoid.clone() - &half) * weight * points.integer(2);
        let (mut previous, mut current) = (points.integer(1), z.clone());
        for n in 1..count {
            if n % 2 == 1 {
                sums[n] = sums[n].clone() + mass.clone() * &current;
            }
            let next = z.clone() * &current - previous * points.integer(n as i64);
            (previous, current) = (current, next);
        }
    }
    let mut factorial = points.integer(1);
    let mut enclosures = vec![half];
    for (n, sum) in sums.into_iter().enumerate().skip(1) {
        factorial = factorial * points.integer(n as i64);
        // 3·3·7.65·91 < 6300; 3√n ≤ 3⌈√n⌉; the errors are of √(2π)E f, so over h for the sums here.
        let root = (1..).find(|r| r * r >= n as i64).unwrap_or(n as i64);
        let between = points.integer(6300) * points.exp(3 * root - 288);
        let beyond = zero.ratio(1, 5) * points.exp(-100);
        let error = (between + beyond) * factorial.sqrt() * points.integer(PER_UNIT);
        enclosures.push(if n % 2 == 1 { sum.widened(&error) / &points.norm } else { zero.clone() });
    }
    enclosures
}

/// Enclosures of `Φ_{k,l}(1) = E[π^{(k)} π^{(l)}]` for the pairs asked for, in their order.
pub(super) fn covariances(pairs: &[(usize, usize)], precision: usize) -> Vec<Ball> {
    let points = Points::new(precision);
    let derivatives = derivatives(pairs.iter().map(|(k, l)| *k.max(l)).max().unwrap_or(0));
    let evaluate = |polynomial: &[i64], x: &Ball| {
        polynomial.iter().rev().fold(points.integer(0), |value, c| value * x + points.integer(*c))
    };
    let magnitude = |polynomial: &[i64], x: &Ball| {
        let absolute: Vec<i64> = polynomial.iter().map(|c| c.abs()).collect();
        evaluate(&absolute, x)
    };
    let one = points.integer(1);
    let mut sums = vec![points.integer(0); pairs.len()];
    for (j, [_, sigmoid, weight]) in points.points.iter().enumerate() {
        // π(−z) = 1 − π(z).
        let sides = if j == 0 { vec![sigmoid.clone()] } else { vec![sigmoid.clone(), one.clone() - sigmoid] };
        for x in sides {
            let values: Vec<Ball> = derivatives.iter().map(|p| evaluate(p, &x)).collect();
            for (sum, (k, l)) in sums.iter_mut().zip(pairs) {
                *sum = sum.clone() + values[*k].clone() * &values[*l] * weight;
            }
        }
    }
    let bound = one.ratio(715, 100);
    let enclosure = |(sum, (k, l)): (Ball, &(usize, usize))| {
        let product = |x: &Ball| magnitude(&derivatives[*k], x) * magnitude(&derivatives[*l], x);
        // 3·3·91 = 819.
        let between = product(&bound) * points.integer(819) * points.exp(-288);
        let beyond = product(&one) * points.exp(-200);
        sum.widened(&((between + beyond) * points.integer(PER_UNIT))) / &points.norm
    };
    sums.into_iter().zip(pairs).map(enclosure).collect()
}

/// Coefficients of `P_0, …, P_order` in ascending powers.
fn derivatives(order: usize) -> Vec<Vec<i64>> {
    let mut polynomials = vec![vec![0, 1]];
    for k in 0..order {
        let mut next = vec![0; k + 3];
        for (i, c) in polynomials[k].iter().enumerate().skip(1) {
            next[i] += c * i as i64;
            next[i + 1] -= c * i as i64;
        }
        polynomials.push(next);
    }
    polynomials
}

#[cfg(test)]
mod tests {
    use super::*;
    use moe_kernels::Router;

    const BITS: usize = 256;

    fn is_zero(ball: &Ball) -> bool {
        let [low, high] = ball.outer().unwrap();
        low <= 0.0 && 0.0 <= high && high - low < 1e-35
    }

    /// Two routes: the identities of theory X2 between covariances and coefficients, enclosed by sums that share only their points.
    #[test]
    fn covariances_and_coefficients_satisfy_the_identities_of_the_sigmoid() {
        let a = coefficients(4, BITS);
        let phi = covariances(&[(0, 0), (1, 1), (0, 2)], BITS);
        let half = a[0].clone();
        assert!(is_zero(&(phi[0].clone() - (half.clone() - &a[1]))));
        assert!(is_zero(&(phi[1].clone() - (a[1].clone() - &a[3]) * half.ratio(1, 6))));
        assert!(is_zero(&(phi[2].clone() + (a[1].clone() + a[3].clone() * half.ratio(2, 1)) * half.ratio(1, 6))));
    }

    /// The `f64` coefficients lie beside enclosures that are far narrower than their rounding.
    #[test]
    fn coefficients_agree_with_the_tables() {
        for (n, enclosure) in coefficients(42, 384).iter().enumerate().filter(|(n, _)| n % 2 == 1) {
            let value = Router::Sigmoid.hermite().value(n);
            let [low, high] = enclosure.outer().unwrap();
            assert!(low <= high && high - low <= 4.0 * f64::EPSILON * value.abs() + 1e-300, "{n}: {low:e} {high:e}");
            assert!((value - low).abs() <= (n + 4) as f64 * f64::EPSILON * value.abs(), "{n}");
        }
    }

    #[test]
    fn derivatives_are_those_of_the_logistic_function() {
        assert_eq!(derivatives(3), [vec![0, 1], vec![0, 1, -1], vec![0, 1, -3, 2], vec![0, 1, -7, 12, -6]]);
    }
}

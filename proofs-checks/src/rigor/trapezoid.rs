//! Enclosures of Hermite coefficients and of covariances at correlation one, by the trapezoid rule with a proved remainder: of routers `π` that are analytic in a strip and whose derivative is a polynomial of degree two in them,
//! with `π − A_0` odd.
//!
//! Write `E f = ∫ f(z) e^{−z²/2} dz/√(2π)`, `h = 1/16`, and `S_f = h Σ_{|jh| ≤ 20} f(jh) e^{−(jh)²/2}`. Then `√(2π) E f` is `S_f` up to two errors.
//!
//! *Between the points.* A function that is analytic in `|Im z| < c'`, `c < c'`, and small at the ends of the strip, has `|h Σ_j F(jh) − ∫F| ≤ 2M/(e^{2πc/h} − 1)`, `M = max over ± of ∫ |F(x ± ic)| dx`
//! (contour shift and a geometric series). Here `e^{2πc/h} > e^{96c}` because `π > 3`, so `2M/(e^{2πc/h} − 1) ≤ 3M e^{−96c}` for `c ≥ 1`. A router brings its `c`, with bounds on the lines `Im z = ±c`: `|π| ≤ s`, `|g| ≤ s_g` for
//! `g = π − A_0`. With `|e^{−(x±ic)²/2}| = e^{c²/2} e^{−x²/2}` and `√(2π) < 3`:
//!
//! - `f = g He_n`: `He_n(x+y) = Σ_k C(n,k) y^k He_{n−k}(x)` gives `E|He_n(x ± ic)|² = n! Σ_k C(n,k) c^{2k}/k! ≤ n! (Σ_k (c√n)^k/k!)² = n! e^{2c√n}`, so by
//!   Cauchy-Schwarz `M < 3 s_g e^{c²/2} √n! e^{c√n}`;
//! - `f = P_k(π) P_l(π)`, where `π^{(k)} = P_k(π)`, `P_0 = x`, `P_{k+1} = P_k'·q`, `π' = q(π)`: `M < 3 e^{c²/2} |P_k|(s) |P_l|(s)`, `|P|` the polynomial of absolute coefficients.
//!
//! *Beyond the points.* `|He_n(z)| ≤ 1.09 √n! e^{z²/4}` (Cramér's inequality), `|g| < b` for real `z` and `h Σ_{jh > 20} e^{−(jh)²/4} ≤ ∫_{20}^∞ e^{−z²/4} dz < e^{−100}/10` leave less than `0.4 b √n! e^{−100}`;
//! `|π| < 1` for real `z` and `2∫_{20}^∞ e^{−z²/2} dz < e^{−200}/10` leave less than `|P_k|(1) |P_l|(1) e^{−200}`.
//!
//! The norm `√(2π)` is the same sum with `f = 1`: Poisson's formula gives `h Σ_j e^{−(jh)²/2} = √(2π)(1 + 2Σ_{k≥1} e^{−2π²k²/h²})`, whose second term is below `e^{−4000}`, and the points
//! beyond 20 leave `e^{−200}`.

use super::ball::Ball;
use moe_kernels::Real;

const PER_UNIT: i64 = 16;
const CUTOFF: i64 = 20;

/// A router in its strip: what the rule takes.
pub(super) struct Strip {
    /// `π(z)`, `z ≥ 0`.
    pub(super) value: fn(&Ball) -> Ball,
    /// `2A_0`, which is `π(z) + π(−z)`.
    pub(super) mirror: i64,
    /// `q` in `π' = q(π)`, in ascending powers.
    pub(super) slope: [i64; 3],
    /// `c ≥ 1`, below the distance of the poles.
    pub(super) half_width: Ball,
    /// A bound of `s`.
    pub(super) bound: Ball,
    /// A bound of `9 e^{c²/2}`.
    pub(super) of_products: Ball,
    /// A bound of `9 s_g e^{c²/2}`.
    pub(super) of_coefficients: Ball,
    /// `0.4 b`.
    pub(super) beyond: Ball,
}

/// `π(z)` and `e^{−z²/2}` at the points `jh`, `j = 0 … 320`.
struct Points {
    precision: usize,
    /// `(z, π(z), e^{−z²/2})`.
    points: Vec<[Ball; 3]>,
    /// `√(2π)/h`.
    norm: Ball,
}

impl Points {
    fn new(strip: &Strip) -> Self {
        let precision = strip.half_width.precision();
        let one = Ball::integer(1, precision);
        let points: Vec<[Ball; 3]> = (0..=CUTOFF * PER_UNIT)
            .map(|j| {
                let z = one.ratio(j, PER_UNIT);
                let value = (strip.value)(&z);
                let weight = (-(z.clone() * &z) * one.ratio(1, 2)).exp();
                [z, value, weight]
            })
            .collect();
        let sum = points[1..].iter().fold(one.ratio(1, 2), |sum, [_, _, weight]| sum + weight);
        let error = Ball::integer(-199, precision).exp() * Ball::integer(PER_UNIT, precision);
        let norm = (sum.clone() + &sum).widened(&error);
        Self { precision, points, norm }
    }

    fn integer(&self, value: i64) -> Ball {
        Ball::integer(value, self.precision)
    }
}

/// Enclosures of `A_0, …, A_count−1`, `A_n = E[π He_n]`. `A_n = 0` for even `n ≥ 2`: `π − A_0` is odd.
pub(super) fn coefficients(strip: &Strip, count: usize) -> Vec<Ball> {
    let points = Points::new(strip);
    let zero = points.integer(0);
    let zeroth = zero.ratio(strip.mirror, 2);
    let mut sums = vec![zero.clone(); count];
    for [z, value, weight] in &points.points[1..] {
        // He_{n+1} = z He_n − n He_{n−1}; the point −z contributes as much as z.
        let mass = (value.clone() - &zeroth) * weight * points.integer(2);
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
    let mut enclosures = vec![zeroth];
    for (n, sum) in sums.into_iter().enumerate().skip(1) {
        factorial = factorial * points.integer(n as i64);
        // √n ≤ ⌈√n⌉; the errors are of √(2π)E f, so over h for the sums here.
        let root = (1..).find(|r| r * r >= n as i64).unwrap_or(n as i64);
        let between = strip.of_coefficients.clone() * (strip.half_width.clone() * points.integer(root - 96)).exp();
        let beyond = strip.beyond.clone() * points.integer(-100).exp();
        let error = (between + beyond) * factorial.sqrt() * points.integer(PER_UNIT);
        enclosures.push(if n % 2 == 1 { sum.widened(&error) / &points.norm } else { zero.clone() });
    }
    enclosures
}

/// Enclosures of `Φ_{k,l}(1) = E[π^{(k)} π^{(l)}]` for the pairs asked for, in their order.
pub(super) fn covariances(strip: &Strip, pairs: &[(usize, usize)]) -> Vec<Ball> {
    let points = Points::new(strip);
    let derivatives = derivatives(&strip.slope, pairs.iter().map(|(k, l)| *k.max(l)).max().unwrap_or(0));
    let evaluate = |polynomial: &[i64], x: &Ball| {
        polynomial.iter().rev().fold(points.integer(0), |value, c| value * x + points.integer(*c))
    };
    let magnitude = |polynomial: &[i64], x: &Ball| {
        let absolute: Vec<i64> = polynomial.iter().map(|c| c.abs()).collect();
        evaluate(&absolute, x)
    };
    let mirror = points.integer(strip.mirror);
    let mut sums = vec![points.integer(0); pairs.len()];
    for (j, [_, value, weight]) in points.points.iter().enumerate() {
        // π(−z) = 2A_0 − π(z).
        let sides = if j == 0 { vec![value.clone()] } else { vec![value.clone(), mirror.clone() - value] };
        for x in sides {
            let values: Vec<Ball> = derivatives.iter().map(|p| evaluate(p, &x)).collect();
            for (sum, (k, l)) in sums.iter_mut().zip(pairs) {
                *sum = sum.clone() + values[*k].clone() * &values[*l] * weight;
            }
        }
    }
    let decay = (strip.half_width.clone() * points.integer(-96)).exp();
    let enclosure = |(sum, (k, l)): (Ball, &(usize, usize))| {
        let product = |x: &Ball| magnitude(&derivatives[*k], x) * magnitude(&derivatives[*l], x);
        let between = product(&strip.bound) * &strip.of_products * &decay;
        let beyond = product(&points.integer(1)) * points.integer(-200).exp();
        sum.widened(&((between + beyond) * points.integer(PER_UNIT))) / &points.norm
    };
    sums.into_iter().zip(pairs).map(enclosure).collect()
}

/// Coefficients of `P_0, …, P_order` in ascending powers.
fn derivatives(slope: &[i64; 3], order: usize) -> Vec<Vec<i64>> {
    let mut polynomials = vec![vec![0, 1]];
    for k in 0..order {
        let mut next = vec![0; k + 3];
        for (i, c) in polynomials[k].iter().enumerate().skip(1) {
            for (m, q) in slope.iter().enumerate() {
                next[i - 1 + m] += c * i as i64 * q;
            }
        }
        polynomials.push(next);
    }
    polynomials
}

#[cfg(test)]
mod tests {
    use super::derivatives;

    #[test]
    fn derivatives_are_those_of_the_logistic_function_and_of_tanh() {
        let logistic = [vec![0, 1], vec![0, 1, -1], vec![0, 1, -3, 2], vec![0, 1, -7, 12, -6]];
        assert_eq!(derivatives(&[0, 1, -1], 3), logistic);
        let tanh = [vec![0, 1], vec![1, 0, -1], vec![0, -2, 0, 2], vec![-2, 0, 8, 0, -6]];
        assert_eq!(derivatives(&[1, 0, -1], 3), tanh);
    }
}

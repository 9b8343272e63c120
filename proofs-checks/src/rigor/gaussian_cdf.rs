//! The Gaussian distribution function `π(z) = P(Z ≤ z)`: closed forms, no quadrature.
//!
//! `A_0 = ½`, and for `n ≥ 1` `A_n = E φ^{(n−1)}(Z)` (by parts, `φ` the normal density), the `(n−1)`-th derivative at zero of the density of `N(0, 2)`. That density is `p(x) = e^{−x²/4}/√(4π)` with `2p' = −xp`, so
//! `2p^{(m+2)}(0) = −(m+1) p^{(m)}(0)`: `A_1 = 1/√(4π)`, `A_{n+2} = −½n A_n` for odd `n`, and `A_n = 0` for even `n ≥ 2`.
//!
//! Write `J_{ab} = E[φ^{(a)} φ^{(b)}]`, so `Φ_{k,l}(1) = J_{k−1,l−1}` for `k, l ≥ 1`. `J_{00} = ∫ φ³ = 1/(2π√3)`. From `zφ^{(a)} = −φ^{(a+1)} − aφ^{(a−1)}` and Stein's `E[Z f(Z)] = E f'(Z)` with `f = φ^{(a)} φ^{(b)}`,
//!
//! ```text
//! J_{a+1,b} + J_{a,b+1} = E[Zφ^{(a)}φ^{(b)}] = −J_{a+1,b} − a J_{a−1,b},   and with a and b exchanged   2J_{a,b+1} + J_{a+1,b} = −b J_{a,b−1}
//! ```
//!
//! Twice the first less the second: `3J_{a+1,b} = b J_{a,b−1} − 2a J_{a−1,b}`. In the same way, `f = πφ^{(m)}`: `Φ_{1,m+1} + Φ_{0,m+2} = E[Zπφ^{(m)}] = −Φ_{0,m+2} − mΦ_{0,m}`, so
//! `2Φ_{0,l}(1) = −Φ_{1,l−1}(1) − (l−2) Φ_{0,l−2}(1)` for even `l ≥ 2`, and `Φ_{00}(1) = E π² = ⅓` since `π(Z)` is uniform.

use super::ball::Ball;
use super::elementary::pi;
use moe_kernels::Real;

/// `A_0, …, A_count−1`.
pub(super) fn coefficients(count: usize, precision: usize) -> Vec<Ball> {
    let one = Ball::integer(1, precision);
    let mut a = vec![one.ratio(1, 2), one.clone() / (pi(precision) * Ball::integer(4, precision)).sqrt()];
    for n in 2..count {
        let next = if n % 2 == 0 { one.ratio(0, 1) } else { a[n - 2].clone() * one.ratio(2 - n as i64, 2) };
        a.push(next);
    }
    a.truncate(count);
    a
}

/// `Φ_{k,l}(1)` for the pairs asked for, of even sums, in their order.
pub(super) fn covariances(pairs: &[(usize, usize)], precision: usize) -> Vec<Ball> {
    let most = pairs.iter().map(|(k, l)| *k.max(l)).max().unwrap_or(0);
    let integer = |value: i64| Ball::integer(value, precision);
    let zero = integer(0);
    // J_{ab} = J_{ba}, row by row; J_{0b} of odd b is zero.
    let mut j = vec![vec![zero.clone(); most + 1]; most + 1];
    j[0][0] = integer(1) / (pi(precision) * integer(2) * integer(3).sqrt());
    for b in 0..=most {
        for a in b.max(1)..=most {
            let left = if b == 0 { zero.clone() } else { j[a - 1][b - 1].clone() * integer(b as i64) };
            let right = if a == 1 { zero.clone() } else { j[a - 2][b].clone() * integer(2 * (a as i64 - 1)) };
            j[a][b] = (left - right) / integer(3);
            j[b][a] = j[a][b].clone();
        }
    }
    let mut with_none = vec![zero.ratio(1, 3)];
    for half in 1..=most / 2 {
        let below = with_none[half - 1].clone() * integer(2 * half as i64 - 2);
        with_none.push(-(j[0][2 * half - 2].clone() + below) * zero.ratio(1, 2));
    }
    let of = |&(k, l): &(usize, usize)| match k.min(l) {
        0 => with_none[k.max(l) / 2].clone(),
        _ => j[k - 1][l - 1].clone(),
    };
    pairs.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another route: `Φ_{k,l}(1) = Σ_n A_{k+n} A_{l+n}/n!`, whose terms fall like `2^{−n}`.
    #[test]
    fn covariances_are_sums_of_products_of_coefficients() {
        let pairs = [(0, 0), (1, 1), (0, 2), (2, 2), (1, 3), (0, 4), (3, 3), (2, 4), (0, 6), (8, 8), (7, 9), (16, 16)];
        let a = coefficients(500, 512);
        for ((k, l), phi) in pairs.into_iter().zip(covariances(&pairs, 512)) {
            let (mut sum, mut factorial) = (phi.ratio(0, 1), phi.ratio(1, 1));
            for n in 0..=480 {
                sum = sum + a[k + n].clone() * &a[l + n] / &factorial;
                factorial = factorial * phi.ratio(n as i64 + 1, 1);
            }
            let [low, high] = ((sum - &phi) / &phi).outer().unwrap();
            assert!(low.abs().max(high.abs()) < 1e-60, "{k} {l}: {low:e} {high:e}");
        }
    }
}

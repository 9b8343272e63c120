//! The standard normal distribution function and GELU, of many numbers at once.
//!
//! With `φ(u) = e^{−u²/2}/√(2π)` and `t = |u|`: `Φ(−t) = e^{−t²/2} m(k)/(t + c)`, `k = (t − c)/(t + c)`, where `m(k) = (t + c) Φ(−t) e^{t²/2}` is smooth up to `t = ∞`
//! (after Shepherd and Laframboise, Mathematics of Computation 36 (1981) 249). Here `c = 5.5` and `m` is the minimax polynomial of degree 21 for the relative error on `0 ≤ t ≤ 38.6`:
//! Remez exchange in 60 digits (mpmath) with `Φ` from `erfc`, 5·10⁻¹⁸, and 3.2·10⁻¹⁷ once the coefficients are rounded (of several `c` this one rounds best).
//! `t²` is used with what its rounding lost, so that `e^{−t²/2}` keeps its relative accuracy where `t²/2` is in the hundreds.

use crate::elementary::{abs, decay_lanes, polynomial};
use crate::elementwise::{Elementwise, apply};
use pulp::Simd;

/// `c`.
const CENTRE: f64 = 5.5;
/// Beyond, `e^{−u²/2}` is 0 here (it is from 37.63 on), and `u` is taken at the bound so that no infinity meets a 0.
const FAR: f64 = 40.0;
/// `1/√(2π)`.
const DENSITY: f64 = 0.398_942_280_401_432_7;
/// `(m(k) − m(0) − m'(0) k)/k²`, highest power first.
const MILLS: [f64; 20] = [
    -2.5798595792179545e-09,
    -5.652376036677259e-09,
    2.2939926517195037e-08,
    5.0250251779002795e-08,
    -1.7759616595493776e-07,
    -2.6777483406831965e-07,
    1.48386657754302e-06,
    4.4635246620140466e-07,
    -1.2118899915371429e-05,
    1.6319979452383992e-05,
    7.141485120512e-05,
    -0.00032452265082200224,
    0.00026960400083964715,
    0.002442982674347337,
    -0.013923510565675572,
    0.04509758081491037,
    -0.10970308995871841,
    0.21787243285795863,
    -0.3670490652936198,
    0.5355964890624947,
];
/// `m(0)` and `m'(0)`.
const MILLS_START: [f64; 2] = [0.7737696342764068, -0.6851834205743381];

/// The standard normal distribution function `Φ(u)` of every entry of `u`: within 4 ulp for `u ≥ −37.5` (largest error seen 3.56 against 160 bits), where the normal
/// numbers end; below, `Φ` is less than `5·10⁻³⁰⁸` and what is returned lies between 0 and that, 0 below −37.63. NaN at NaN. The same bits on every instruction set.
///
/// ```
/// let mut out = [0.0; 3];
/// moe_kernels::normal_cdf(&[0.0, -8.3, f64::INFINITY], &mut out);
/// assert_eq!(out[2], 1.0);
/// assert!((out[0] - 0.5).abs() < 1e-16);
/// assert!((out[1] / 5.205569744890254025e-17 - 1.0).abs() < 1e-15);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn normal_cdf(u: &[f64], out: &mut [f64]) {
    apply(NormalCdf, u, [out]);
}

/// GELU, `u Φ(u)`, and its first and second derivative `Φ + uφ`, `(2 − u²)φ`, of every entry of `u`: the value within 5 ulp and the second derivative within 4 ulp for `u ≥ −37.5`, the first derivative
/// within 4 ulp of `Φ + |u|φ` (it vanishes near −0.75); the largest errors seen are 4.09 of the value, 3.0 and 3.32 of the derivatives against 160 bits. Below −37.63 and, for the second derivative, from 37.6298 they are 0, as at the
/// infinities; NaN at NaN. The same bits on every instruction set.
///
/// ```
/// let (mut value, mut first, mut second) = ([0.0; 2], [0.0; 2], [0.0; 2]);
/// moe_kernels::gelu(&[1.0, f64::NEG_INFINITY], &mut value, &mut first, &mut second);
/// assert!((value[0] - 0.841344746068542948585).abs() < 4e-16);
/// assert!((first[0] - 1.083315470587686).abs() < 1e-15 && (second[0] - 0.2419707245191434).abs() < 2e-16);
/// assert_eq!([value[1], first[1], second[1]], [0.0; 3]);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn gelu(u: &[f64], value: &mut [f64], first: &mut [f64], second: &mut [f64]) {
    apply(Gelu, u, [value, first, second]);
}

#[derive(Clone, Copy)]
struct NormalCdf;
#[derive(Clone, Copy)]
struct Gelu;

impl Elementwise<1> for NormalCdf {
    #[inline(always)]
    fn lanes<S: Simd>(self, simd: S, u: S::f64s) -> [S::f64s; 1] {
        let [cumulative, _] = normal_lanes(simd, u);
        [cumulative]
    }
}

impl Elementwise<3> for Gelu {
    #[inline(always)]
    fn lanes<S: Simd>(self, simd: S, u: S::f64s) -> [S::f64s; 3] {
        gelu_lanes(simd, u)
    }
}

/// `[Φ(u), φ(u)]`, with the accuracy of [`normal_cdf`]; `φ` within 2.5 ulp for `|u| ≤ 37.6` and 0 beyond.
#[inline(always)]
pub(crate) fn normal_lanes<S: Simd>(simd: S, u: S::f64s) -> [S::f64s; 2] {
    let splat = |x: f64| simd.splat_f64s(x);
    let t = abs(simd, u);
    let t = simd.select_f64s(simd.greater_than_f64s(t, splat(FAR)), splat(FAR), t);
    // t² = square + low exactly.
    let square = simd.mul_f64s(t, t);
    let low = simd.mul_add_f64s(t, t, simd.neg_f64s(square));
    let half = splat(-0.5);
    let e = decay_lanes(simd, simd.mul_f64s(square, half), Some(simd.mul_f64s(low, half)));
    let inverse = simd.div_f64s(splat(1.0), simd.add_f64s(t, splat(CENTRE)));
    // k = 2t/(t + c) − 1: an error of the quotient then is no error where t is small and m steepest.
    let k = simd.mul_add_f64s(simd.mul_f64s(t, inverse), splat(2.0), splat(-1.0));
    // Even and odd powers nearly cancel at k → 1; they do not once the first two terms stand apart.
    let rest = polynomial(simd, &MILLS, k, simd.mul_f64s(k, k));
    let slope = simd.mul_add_f64s(rest, k, splat(MILLS_START[1]));
    let m = simd.mul_add_f64s(slope, k, splat(MILLS_START[0]));
    let tail = simd.mul_f64s(e, simd.mul_f64s(m, inverse));
    let negative = simd.less_than_f64s(u, splat(0.0));
    let cumulative = simd.select_f64s(negative, tail, simd.sub_f64s(splat(1.0), tail));
    [cumulative, simd.mul_f64s(e, splat(DENSITY))]
}

/// `u Φ(u)`; 0 at `−∞`.
#[inline(always)]
pub(crate) fn gelu_value_lanes<S: Simd>(simd: S, u: S::f64s) -> S::f64s {
    let [cumulative, _] = normal_lanes(simd, u);
    simd.mul_f64s(above(simd, u), cumulative)
}

/// `u Φ(u)` and its first two derivatives.
#[inline(always)]
pub(crate) fn gelu_lanes<S: Simd>(simd: S, u: S::f64s) -> [S::f64s; 3] {
    let [cumulative, density] = normal_lanes(simd, u);
    let above = above(simd, u);
    // Where the density is 0, an infinite factor would make NaN of it.
    let u = simd.select_f64s(simd.greater_than_f64s(above, simd.splat_f64s(FAR)), simd.splat_f64s(FAR), above);
    let curvature = simd.mul_add_f64s(simd.neg_f64s(u), u, simd.splat_f64s(2.0));
    [simd.mul_f64s(above, cumulative), simd.mul_add_f64s(u, density, cumulative), simd.mul_f64s(curvature, density)]
}

/// `max(u, −40)`, NaN at NaN.
#[inline(always)]
fn above<S: Simd>(simd: S, u: S::f64s) -> S::f64s {
    simd.select_f64s(simd.less_than_f64s(u, simd.splat_f64s(-FAR)), simd.splat_f64s(-FAR), u)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Activation;
    use crate::elementwise::reference::{Exact, exact, same_bits, ulps, values};

    #[derive(Clone, Copy)]
    struct Normal;

    impl Elementwise<2> for Normal {
        #[inline(always)]
        fn lanes<S: Simd>(self, simd: S, u: S::f64s) -> [S::f64s; 2] {
            normal_lanes(simd, u)
        }
    }

    /// `[Φ(u), φ(u)]` to 120 bits, from `Φ(t) − ½ = φ(t) Σ_k t^{2k+1}/(2k+1)!!`, whose terms are positive. In the tail `½` cancels, by at most `t²/2 + ln(4t)`: that many
    /// digits are carried besides. Terms fall by two once `k > t²`; what is left out then is below the last term.
    fn normal(u: f64) -> [Exact; 2] {
        let bits = 160 + (0.75 * u * u) as usize;
        let at = |x: f64| exact(x).with_precision(bits).value();
        let (t, square) = (at(u.abs()), at(u) * at(u));
        // Machin: π/4 = 4 arctan(1/5) − arctan(1/239).
        let arctan = |n: f64| {
            let (mut term, mut sum, mut k) = (at(1.0) / at(n), at(0.0), 0.0);
            while term > at(2.0).powi((-(bits as i64) - 8).into()) {
                let part = &term / at(2.0 * k + 1.0);
                sum = if k % 2.0 == 0.0 { sum + part } else { sum - part };
                term /= at(n * n);
                k += 1.0;
            }
            sum
        };
        let pi = at(4.0) * (at(4.0) * arctan(5.0) - arctan(239.0));
        let density = (-(&square / at(2.0))).exp() / (at(2.0) * pi).sqrt();
        let (mut term, mut sum, mut k) = (t.clone(), at(0.0), 0.0);
        while k < u * u || term > at(2.0).powi((-(bits as i64)).into()) {
            sum += &term;
            k += 1.0;
            term = term * &square / at(2.0 * k + 1.0);
        }
        let half = &density * sum;
        let cumulative = if u < 0.0 { at(0.5) - half } else { at(0.5) + half };
        [cumulative, density]
    }

    /// Where a long search found errors of GELU above 4 ulp.
    const WORST: [f64; 2] = [-0.33727665311472715, -0.32145369708335236];

    fn points() -> Vec<f64> {
        let tail = (0..300).map(|i| -37.5 + f64::from(i) * 0.100_219);
        let centre = (-600..600).map(|i| f64::from(i) * 0.012_371_3);
        tail.chain(centre).chain([-37.5, 8.5, 30.0, 37.5, 1e-300, -1e-17, 0.0, -0.0, 5e-324]).chain(WORST).collect()
    }

    #[test]
    fn normal_and_gelu_are_within_their_bounds() {
        let u = points();
        let [cumulative, density] = values(Normal, &u);
        let [value, first, second] = values(Gelu, &u);
        let mut worst = [(0.0_f64, 0.0); 5];
        for (i, &u) in u.iter().enumerate() {
            let [phi, small] = normal(u);
            let slope = &phi + exact(u) * &small;
            let curvature = (exact(2.0) - exact(u) * exact(u)) * &small;
            // Φ + uφ vanishes near −0.75: an error relative to the larger part.
            let larger = &phi + exact(u.abs()) * &small;
            let unit = larger.to_f64().value().next_up() - larger.to_f64().value();
            let errors = [
                ulps(cumulative[i], &phi),
                ulps(density[i], &small),
                ulps(value[i], &(exact(u) * &phi)),
                (exact(first[i]) - slope).to_f64().value().abs() / unit,
                ulps(second[i], &curvature),
            ];
            for (worst, error) in worst.iter_mut().zip(errors) {
                *worst = if error > worst.0 { (error, u) } else { *worst };
            }
        }
        eprintln!("worst errors of Φ, φ, GELU, GELU', GELU'' in ulp, and where: {worst:?}");
        for ((error, u), bound) in worst.into_iter().zip([4.0, 2.5, 5.0, 4.0, 4.0]) {
            assert!(error < bound, "{error} ulp at {u}");
        }
    }

    /// Second route: literals of a hundred-digit evaluation (mpmath), the tail's end included.
    #[test]
    fn literals_of_the_distribution_function() {
        let literals = [
            (-37.5, 4.605353009581954843827969e-308),
            (-30.25, 2.608640285741260496333719e-201),
            (-20.1, 3.689680863721389554423551e-90),
            (-12.7, 2.956485364852050077075804e-37),
            (-8.3, 5.205569744890254024575166e-17),
            (-5.5, 1.898956246588771938385127e-8),
            (-3.3, 4.834241423837775070998198e-4),
            (-1.9, 2.871655981600180522919203e-2),
            (-0.7, 2.419636522230730286162107e-1),
            (-0.1, 4.601721627229710163310661e-1),
            (0.3, 6.179114221889526330722736e-1),
            (1.1, 8.643339390536173441761032e-1),
            (2.9, 9.981341866996159615209986e-1),
        ];
        let u = literals.map(|(u, _)| u);
        let [cumulative, _] = values(Normal, &u);
        for (value, (u, expected)) in cumulative.iter().zip(literals) {
            assert!((value / expected - 1.0).abs() < 7e-16, "Φ({u}) = {value:e}");
        }
    }

    /// The second derivative is 0 from where its doc says, and not a ten-thousandth before.
    #[test]
    fn the_second_derivative_ends() {
        let [_, _, second] = values(Gelu, &[37.6299, 37.6297]);
        assert!(second[0] == 0.0 && second[1] < 0.0, "{second:?}");
    }

    #[test]
    fn limits_and_bits() {
        let u = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 50.0, -50.0, f64::MAX, f64::MIN, 39.9, -37.7];
        let [cumulative, density] = values(Normal, &u);
        let [value, first, second] = values(Gelu, &u);
        for (i, &u) in u.iter().enumerate() {
            let all = [cumulative[i], density[i], value[i], first[i], second[i]];
            let expected = if u > 0.0 { [1.0, 0.0, u, 1.0, 0.0] } else { [0.0; 5] };
            assert!(if u.is_nan() { all.iter().all(|y| y.is_nan()) } else { all == expected }, "{u}: {all:?}");
        }
        let all: Vec<f64> = u.into_iter().chain(points()).collect();
        same_bits(Normal, &all);
        same_bits(Gelu, &all);
        let mut alone = vec![0.0; all.len()];
        normal_cdf(&all, &mut alone);
        assert!(alone.iter().zip(&values(Normal, &all)[0]).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan()));
    }

    /// Within the absolute accuracy of the scalar reference.
    #[test]
    fn gelu_agrees_with_the_scalar_reference() {
        let u = points();
        let all = values(Gelu, &u);
        for (i, &u) in u.iter().enumerate() {
            let expected = Activation::Gelu.derivatives(u);
            for n in 0..3 {
                assert!((all[n][i] - expected[n]).abs() <= 1e-15 * expected[n].abs().max(1.0), "{u}, derivative {n}");
            }
        }
    }
}

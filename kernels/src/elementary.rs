//! Elementary functions of many numbers at once: exponential, sigmoid, hyperbolic tangent, softplus.
//!
//! # The exponential
//!
//! `e^x = 2^n e^r`, `n = round(x/ln 2)`, `r = x − n ln 2` with `ln 2` in two parts, and `e^r = 1 + r + r² q(r)` on `|r| ≤ ½ ln 2`. The polynomial `q` of degree 9 is the minimax
//! one for the error weighted with `|r|` (Remez exchange in 60 digits, mpmath): with rounded coefficients it moves `e^r` by 9·10⁻¹⁸ and `e^r − 1` by 2.3·10⁻¹⁷, relatively. What is computed is
//! `2e^r · 2^{n−1}`: for `−1021 ≤ n ≤ 1024` the scale is then a normal number and the product overflows exactly where it must, at no extra instruction.
//! Roundings, in ulps of `2e^r ∈ [√2, 2√2]`: ½ of the last sum, ¼ of `e^r − 1`, 0.2 of `r`, less than 0.1 of the rest: 1.05.
//!
//! # The sigmoid
//!
//! With `a = min(|z|, 708)`, `e = e^{−a}` as above, but by the Taylor polynomial of degree 13 (remainder `4·10⁻¹⁸`), which printed tables rest on to the bit.
//! Then `π(z) = num/(1 + e)`, `num` = 1 or `e` by the sign of `z`. The rounding of `d = 1 + e` is what costs accuracy:
//! `δ = e − (d − 1)` is exact, and one correction `y + (num − y d − y δ)/d` restores it. Kernels that need value and complement take `sigmoid_pair_lanes` instead, one division and no correction.

use crate::elementwise::{Elementwise, apply};
use pulp::Simd;

/// Beyond, `e^{−|x|}` leaves the normal numbers.
const LIMIT: f64 = 708.0;
/// Adding it rounds to an integer, which is then in the low bits.
const MAGIC: f64 = 6_755_399_441_055_744.0;
/// Exponent of the scale `1`.
const BIAS: f64 = 1023.0;
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// The largest `x` with a finite `e^x`: `1024 ln 2` rounded down.
const OVERFLOW: f64 = 709.782_712_893_384;
/// `1/k!`, `k = 13, …, 0`.
const TAYLOR: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// `q`, highest power first: `e^r = 1 + r + r² q(r)`.
const Q: [f64; 10] = [
    2.511451991634279e-08,
    2.762632764877451e-07,
    2.755722779832902e-06,
    2.4801504443156075e-05,
    0.00019841269903209734,
    0.0013888888932381055,
    0.00833333333331451,
    0.04166666666657362,
    0.16666666666666685,
    0.5000000000000006,
];
/// `artanh z = z + z³ l(z²)` on `0 ≤ z ≤ ⅓`, highest power first: minimax for the error weighted with `z²`, 2.2·10⁻¹⁸ of `artanh z`.
const L: [f64; 10] = [
    0.08473684178533429,
    0.041904941041700956,
    0.06048032045028538,
    0.06651170522991805,
    0.0769322321067504,
    0.09090874901612273,
    0.11111111891286729,
    0.14285714275656494,
    0.20000000000062304,
    0.3333333333333321,
];

/// `π(z) = 1/(1 + e^{−z})` of every entry of `z`: within 2 ulp for `z ≥ −708` (largest error seen 1.36 against 160 bits), `π(−708)` below, NaN at NaN. The same bits on every
/// instruction set.
///
/// ```
/// let mut out = [0.0; 2];
/// moe_kernels::sigmoid(&[0.0, 2.0], &mut out);
/// assert_eq!(out[0], 0.5);
/// assert!((out[1] - 0.880797077977882444059729141889).abs() < 2.3e-16);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn sigmoid(z: &[f64], out: &mut [f64]) {
    assert_eq!(z.len(), out.len(), "slices of one length");
    apply(Sigmoid, z, [out]);
}

/// `e^x` of every entry of `x`: within 1.05 ulp for `−708 ≤ x ≤ 709.782712893384` (largest error seen 0.98 against 160 bits), `+∞` above, 0 below −708 (where `e^x < 3.4·10⁻³⁰⁸`: subnormal results are
/// flushed, and a sliver of normal ones with them). NaN at NaN. The same bits on every instruction set.
///
/// ```
/// let mut out = [0.0; 4];
/// moe_kernels::exp(&[1.0, -709.0, 709.7, 710.0], &mut out);
/// assert!((out[0] - std::f64::consts::E).abs() < 4.7e-16);
/// assert!(out[1] == 0.0 && (out[2] / 1.6549840276802644e308 - 1.0).abs() < 3e-16 && out[3] == f64::INFINITY);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn exp(x: &[f64], out: &mut [f64]) {
    apply(Exp, x, [out]);
}

/// `tanh x` and its derivative `1 − tanh² x` of every entry of `x`: the value within 4 ulp everywhere, subnormal numbers and the sign of zero included, the derivative within 4 ulp for `|x| ≤ 354`
/// (largest errors seen 2.9 and 3.40 against 160 bits) and 0 beyond (where it is less than `2·10⁻³⁰⁷`). NaN at NaN. The same bits on every instruction set.
///
/// ```
/// let (mut value, mut slope) = ([0.0; 2], [0.0; 2]);
/// moe_kernels::tanh(&[0.5, -1e-300], &mut value, &mut slope);
/// assert!((value[0] - 0.462117157260009758502).abs() < 3e-16 && (slope[0] - 0.786447732965927410150).abs() < 5e-16);
/// assert_eq!((value[1], slope[1]), (-1e-300, 1.0));
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn tanh(x: &[f64], value: &mut [f64], slope: &mut [f64]) {
    apply(Tanh, x, [value, slope]);
}

/// `ln(1 + e^x)` and its derivative `π(x)` of every entry of `x`: both within 3 ulp for `x ≥ −708` (largest errors seen 2.42 and 2.2 against 160 bits) and 0 below. NaN at NaN. The same bits on every
/// instruction set.
///
/// ```
/// let (mut value, mut slope) = ([0.0; 2], [0.0; 2]);
/// moe_kernels::softplus(&[0.0, -100.0], &mut value, &mut slope);
/// assert!((value[0] - std::f64::consts::LN_2).abs() < 3e-16 && slope[0] == 0.5);
/// assert!((value[1] / 3.720075976020836e-44 - 1.0).abs() < 1e-15 && slope[1] == value[1]);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn softplus(x: &[f64], value: &mut [f64], slope: &mut [f64]) {
    apply(Softplus, x, [value, slope]);
}

#[derive(Clone, Copy)]
struct Exp;
#[derive(Clone, Copy)]
struct Sigmoid;
#[derive(Clone, Copy)]
struct Tanh;
#[derive(Clone, Copy)]
struct Softplus;

impl Elementwise<1> for Exp {
    #[inline(always)]
    fn lanes<S: Simd>(self, simd: S, x: S::f64s) -> [S::f64s; 1] {
        [exp_lanes(simd, x)]
    }
}

impl Elementwise<1> for Sigmoid {
    #[inline(always)]
    fn lanes<S: Simd>(self, simd: S, x: S::f64s) -> [S::f64s; 1] {
        [sigmoid_lanes(simd, x)]
    }
}

impl Elementwise<2> for Tanh {
    #[inline(always)]
    fn lanes<S: Simd>(self, simd: S, x: S::f64s) -> [S::f64s; 2] {
        tanh_lanes(simd, x)
    }
}

impl Elementwise<2> for Softplus {
    #[inline(always)]
    fn lanes<S: Simd>(self, simd: S, x: S::f64s) -> [S::f64s; 2] {
        softplus_lanes(simd, x)
    }
}

/// A polynomial of odd degree, highest power first: even and odd powers apart, two chains of half the length of Horner's rule for one instruction more.
#[inline(always)]
pub(crate) fn polynomial<S: Simd, const N: usize>(simd: S, c: &[f64; N], x: S::f64s, square: S::f64s) -> S::f64s {
    const { assert!(N.is_multiple_of(2)) };
    let (mut odd, mut even) = (simd.splat_f64s(c[0]), simd.splat_f64s(c[1]));
    for i in 1..N / 2 {
        odd = simd.mul_add_f64s(odd, square, simd.splat_f64s(c[2 * i]));
        even = simd.mul_add_f64s(even, square, simd.splat_f64s(c[2 * i + 1]));
    }
    simd.mul_add_f64s(odd, x, even)
}

/// Horner's rule, highest power first.
#[inline(always)]
fn horner<S: Simd>(simd: S, coefficients: &[f64], x: S::f64s) -> S::f64s {
    let mut sum = simd.splat_f64s(coefficients[0]);
    for c in &coefficients[1..] {
        sum = simd.mul_add_f64s(sum, x, simd.splat_f64s(*c));
    }
    sum
}

/// `|x|`. The method of the same name in pulp 0.22 calls a function that is not inlined, which made a sigmoid five times slower.
#[inline(always)]
pub(crate) fn abs<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
    simd.and_f64s(x, simd.splat_f64s(f64::from_bits(u64::MAX >> 1)))
}

/// `(2^{n − shift}, r)` with `x = n ln 2 + r`, `|r| ≤ ½ ln 2`, for `|x| ≤ 710` and `n − shift` in the range of normal numbers.
#[inline(always)]
fn reduce<S: Simd>(simd: S, x: S::f64s, shift: f64) -> (S::f64s, S::f64s) {
    let splat = |x: f64| simd.splat_f64s(x);
    // n + BIAS − shift, the biased exponent, is in the low bits of the rounded sum.
    let magic = splat(MAGIC + BIAS - shift);
    let rounded = simd.mul_add_f64s(x, splat(std::f64::consts::LOG2_E), magic);
    let minus_n = simd.sub_f64s(magic, rounded);
    let r = simd.mul_add_f64s(minus_n, splat(LN2_LOW), simd.mul_add_f64s(minus_n, splat(LN2_HIGH), x));
    let bits = simd.mul_u64s(simd.transmute_u64s_f64s(rounded), simd.splat_u64s(1 << 52));
    (simd.transmute_f64s_u64s(bits), r)
}

/// `e^r − 1`.
#[inline(always)]
fn exp_m1_reduced<S: Simd>(simd: S, r: S::f64s) -> S::f64s {
    let square = simd.mul_f64s(r, r);
    simd.mul_add_f64s(square, polynomial(simd, &Q, r, square), r)
}

/// `e^{x + low}` for `x ≤ 709` and a `low` below the last digit of `x`: 0 where `x < −708`. Two instructions fewer than [`exp_lanes`].
#[inline(always)]
pub(crate) fn decay_lanes<S: Simd>(simd: S, x: S::f64s, low: Option<S::f64s>) -> S::f64s {
    let (scale, mut r) = reduce(simd, x, 1.0);
    if let Some(low) = low {
        r = simd.add_f64s(r, low);
    }
    let two = simd.splat_f64s(2.0);
    let y = simd.mul_f64s(simd.mul_add_f64s(exp_m1_reduced(simd, r), two, two), scale);
    simd.select_f64s(simd.less_than_f64s(x, simd.splat_f64s(-LIMIT)), simd.splat_f64s(0.0), y)
}

/// `e^x`, with the accuracy of [`exp`].
#[inline(always)]
pub(crate) fn exp_lanes<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
    let y = decay_lanes(simd, x, None);
    let above = simd.greater_than_f64s(x, simd.splat_f64s(OVERFLOW));
    simd.select_f64s(above, simd.splat_f64s(f64::INFINITY), y)
}

/// `π(z)`, the function behind [`sigmoid`].
#[inline(always)]
pub(crate) fn sigmoid_lanes<S: Simd>(simd: S, z: S::f64s) -> S::f64s {
    let (one, zero) = (simd.splat_f64s(1.0), simd.splat_f64s(0.0));
    let a = simd.min_f64s(abs(simd, z), simd.splat_f64s(LIMIT));
    let (scale, r) = reduce(simd, simd.neg_f64s(a), 0.0);
    let e = simd.mul_f64s(horner(simd, &TAYLOR, r), scale);
    let d = simd.add_f64s(one, e);
    let lost = simd.sub_f64s(e, simd.sub_f64s(d, one));
    let numerator = simd.select_f64s(simd.less_than_f64s(z, zero), e, one);
    let y = simd.div_f64s(numerator, d);
    let minus_y = simd.neg_f64s(y);
    let rest = simd.mul_add_f64s(minus_y, lost, simd.mul_add_f64s(minus_y, d, numerator));
    let y = simd.add_f64s(y, simd.div_f64s(rest, d));
    // min is not sure to keep NaN.
    simd.select_f64s(simd.equal_f64s(z, z), y, z)
}

/// `[π(x), 1 − π(x)]`, each within 3 ulp as far as it is at least `e^{−708}` (largest error seen 2.3), then 0.
#[inline(always)]
pub(crate) fn sigmoid_pair_lanes<S: Simd>(simd: S, x: S::f64s) -> [S::f64s; 2] {
    let one = simd.splat_f64s(1.0);
    let e = decay_lanes(simd, simd.neg_f64s(abs(simd, x)), None);
    let large = simd.div_f64s(one, simd.add_f64s(one, e));
    let small = simd.mul_f64s(e, large);
    let negative = simd.less_than_f64s(x, simd.splat_f64s(0.0));
    [simd.select_f64s(negative, small, large), simd.select_f64s(negative, large, small)]
}

/// `[tanh x, 1 − tanh² x]`, with the accuracy of [`tanh`].
///
/// With `E = e^{−2|x|} − 1 = 2^n (e^r − 1) + (2^n − 1)`: `tanh |x| = −E/(2 + E)` and `1 − tanh |x| = 2 e^{−2|x|}/(2 + E)`.
#[inline(always)]
pub(crate) fn tanh_lanes<S: Simd>(simd: S, x: S::f64s) -> [S::f64s; 2] {
    let splat = |x: f64| simd.splat_f64s(x);
    let a = abs(simd, x);
    let far = simd.greater_than_f64s(a, splat(0.5 * LIMIT));
    let a = simd.select_f64s(far, splat(0.5 * LIMIT), a);
    let (scale, r) = reduce(simd, simd.mul_f64s(a, splat(-2.0)), 0.0);
    let p = exp_m1_reduced(simd, r);
    let e = simd.mul_add_f64s(scale, p, scale);
    let e_m1 = simd.mul_add_f64s(scale, p, simd.sub_f64s(scale, splat(1.0)));
    let inverse = simd.div_f64s(splat(1.0), simd.add_f64s(splat(2.0), e_m1));
    let magnitude = abs(simd, simd.mul_f64s(e_m1, inverse));
    let sign = simd.and_f64s(x, splat(-0.0));
    // q = 1 − tanh |x|, and 1 − tanh² x = q (2 − q).
    let q = simd.mul_f64s(e, simd.add_f64s(inverse, inverse));
    let slope = simd.mul_add_f64s(simd.neg_f64s(q), q, simd.add_f64s(q, q));
    [simd.or_f64s(magnitude, sign), simd.select_f64s(far, splat(0.0), slope)]
}

/// `[ln(1 + e^x), π(x)]`, with the accuracy of [`softplus`].
///
/// With `e = e^{−|x|}`: `ln(1 + e^x) = max(x, 0) + 2 artanh(e/(2 + e))`.
#[inline(always)]
pub(crate) fn softplus_lanes<S: Simd>(simd: S, x: S::f64s) -> [S::f64s; 2] {
    let splat = |x: f64| simd.splat_f64s(x);
    let (one, zero) = (splat(1.0), splat(0.0));
    let e = decay_lanes(simd, simd.neg_f64s(abs(simd, x)), None);
    let negative = simd.less_than_f64s(x, zero);
    let slope = simd.div_f64s(simd.select_f64s(negative, e, one), simd.add_f64s(one, e));
    let z = simd.div_f64s(e, simd.add_f64s(splat(2.0), e));
    let square = simd.mul_f64s(z, z);
    let artanh =
        simd.mul_add_f64s(simd.mul_f64s(z, square), polynomial(simd, &L, square, simd.mul_f64s(square, square)), z);
    let positive = simd.select_f64s(negative, zero, x);
    [simd.mul_add_f64s(artanh, splat(2.0), positive), slope]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementwise::reference::{exact, same_bits, ulps, values};

    fn points() -> Vec<f64> {
        let grid = (-3000..3000).map(|i| f64::from(i) * 0.01234567);
        grid.chain([0.0, -0.0, 1e-300, -1e-17, 36.9, -37.1, 700.5, -707.9, -708.0, 750.0, f64::INFINITY]).collect()
    }

    /// Against 160 bits.
    #[test]
    fn sigmoid_is_within_two_ulp() {
        let z = points();
        let mut out = vec![0.0; z.len()];
        sigmoid(&z, &mut out);
        let mut worst = 0.0_f64;
        for (z, y) in z.iter().zip(&out) {
            if z.is_infinite() {
                assert_eq!(*y, 1.0);
                continue;
            }
            if *z >= -LIMIT {
                worst = worst.max(ulps(*y, &(exact(1.0) / (exact(1.0) + (-exact(*z)).exp()))));
            }
        }
        eprintln!("worst error {worst} ulp");
        assert!(worst < 2.0);
    }

    #[derive(Clone, Copy)]
    struct Pair;

    impl Elementwise<2> for Pair {
        #[inline(always)]
        fn lanes<S: Simd>(self, simd: S, x: S::f64s) -> [S::f64s; 2] {
            sigmoid_pair_lanes(simd, x)
        }
    }

    /// All scales, both sides of every edge of the reduction, and the ends of each range.
    fn wide() -> Vec<f64> {
        let mut x: Vec<f64> = (0..2000).map(|i| -709.0 + f64::from(i) * 0.709_471_3).collect();
        x.extend((-2000..2000).map(|i| f64::from(i) * 0.004_691_34));
        for n in -1022..1024 {
            let edge = (f64::from(n) + 0.5) * std::f64::consts::LN_2;
            x.extend([edge.next_down(), edge, edge.next_up(), 0.5 * edge]);
        }
        x.extend((-1074..10).flat_map(|e| [1.37, -1.37].map(|m| m * 2.0_f64.powi(e))));
        x.extend([0.0, -0.0, -LIMIT, LIMIT, OVERFLOW, OVERFLOW.next_down(), 353.9, 5e-324, -5e-324]);
        x
    }

    const SPECIAL: [f64; 9] =
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 710.0, -708.1, -746.0, f64::MAX, f64::MIN, 1e-310];

    #[test]
    fn exp_is_within_its_bound() {
        let x: Vec<f64> = wide().into_iter().filter(|x| (-LIMIT..=OVERFLOW).contains(x)).collect();
        let [y] = values(Exp, &x);
        let mut worst = (0.0_f64, 0.0);
        for (&x, &y) in x.iter().zip(&y) {
            let error = ulps(y, &exact(x).exp());
            worst = if error > worst.0 { (error, x) } else { worst };
        }
        eprintln!("worst error of exp: {} ulp at {}", worst.0, worst.1);
        assert!(worst.0 < 1.05);
        assert!(y.iter().all(|y| y.is_normal()));
    }

    #[test]
    fn sigmoid_pair_tanh_and_softplus_are_within_their_bounds() {
        let x = wide();
        let ([y, rest], [tanh, slope], [softplus, rise]) = (values(Pair, &x), values(Tanh, &x), values(Softplus, &x));
        let mut worst = [(0.0_f64, 0.0); 6];
        for (i, &x) in x.iter().enumerate() {
            let one = exact(1.0);
            let e = (-exact(x.abs())).exp().with_precision(160).value();
            let large = &one / (&one + &e);
            let small = &e * &large;
            let (above, below) = if x < 0.0 { (&small, &large) } else { (&large, &small) };
            let square = &e * &e;
            let expm1 = (-exact(2.0) * exact(x.abs())).exp_m1();
            let magnitude = if x == 0.0 { exact(0.0) } else { -&expm1 / (exact(2.0) + &expm1) };
            let tangent = if x < 0.0 { -magnitude } else { magnitude };
            let secant = exact(4.0) * &square / ((&one + &square) * (&one + &square));
            let logarithm = exact(x.max(0.0)) + e.ln_1p();
            let far = x.abs() > 0.5 * LIMIT;
            let errors = [
                if x >= -LIMIT { ulps(y[i], above) } else { 0.0 },
                if x <= LIMIT { ulps(rest[i], below) } else { 0.0 },
                ulps(tanh[i], &tangent),
                if far { 0.0 } else { ulps(slope[i], &secant) },
                if x >= -LIMIT { ulps(softplus[i], &logarithm) } else { 0.0 },
                if x >= -LIMIT { ulps(rise[i], above) } else { 0.0 },
            ];
            for (worst, error) in worst.iter_mut().zip(errors) {
                *worst = if error > worst.0 { (error, x) } else { *worst };
            }
        }
        eprintln!("worst errors of π, 1 − π, tanh, tanh', softplus, softplus' and where: {worst:?}");
        for ((error, x), bound) in worst.into_iter().zip([3.0, 3.0, 4.0, 4.0, 3.0, 3.0]) {
            assert!(error < bound, "{error} ulp at {x}");
        }
    }

    #[test]
    fn limits_are_exact() {
        let [e] = values(Exp, &SPECIAL);
        let expected = [f64::NAN, f64::INFINITY, 0.0, f64::INFINITY, 0.0, 0.0, f64::INFINITY, 0.0, 1.0];
        assert!(e.iter().zip(expected).all(|(y, expected)| *y == expected || y.is_nan() && expected.is_nan()), "{e:?}");
        assert_eq!(values(Exp, &[OVERFLOW.next_up()])[0], [f64::INFINITY]);
        let ([y, rest], [tanh, slope], [softplus, rise]) =
            (values(Pair, &SPECIAL), values(Tanh, &SPECIAL), values(Softplus, &SPECIAL));
        for (i, x) in SPECIAL.into_iter().enumerate() {
            let all = [y[i], rest[i], tanh[i], slope[i], softplus[i], rise[i]];
            let expected = match x {
                1e-310 => [0.5, 0.5, x, 1.0, std::f64::consts::LN_2, 0.5],
                x if x > 0.0 => [1.0, 0.0, 1.0, 0.0, x, 1.0],
                _ => [0.0, 1.0, -1.0, 0.0, 0.0, 0.0],
            };
            assert!(if x.is_nan() { all.iter().all(|y| y.is_nan()) } else { all == expected }, "{x}: {all:?}");
        }
        assert!(values(Tanh, &[-0.0, 0.0])[0].iter().map(|y| y.is_sign_negative()).eq([true, false]));
    }

    /// NaN included, which spoils its own place only.
    #[test]
    fn bits_do_not_depend_on_the_instruction_set_or_the_length() {
        let all: Vec<f64> = SPECIAL.into_iter().chain(points()).chain(wide()).collect();
        same_bits(Exp, &all);
        same_bits(Sigmoid, &all);
        same_bits(Pair, &all);
        same_bits(Tanh, &all);
        same_bits(Softplus, &all);
        assert!(all.iter().zip(&values(Sigmoid, &all)[0]).all(|(x, y)| x.is_nan() == y.is_nan()));
    }
}

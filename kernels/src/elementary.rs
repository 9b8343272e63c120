//! Elementary functions of many numbers at once: exponential, sigmoid, hyperbolic tangent, softplus.
//!
//! # The exponential
//!
//! `e^x = 2^n e^r`, `n = round(x/ln 2)`, `r = x − n ln 2` with `ln 2` in two parts, and `e^r = 1 + r + r² q(r)` on `|r| ≤ ½ ln 2`. The polynomial `q` of degree 9 is the minimax
//! one for the weight `r`: its error moves `e^r` by 9·10⁻¹⁸ and `e^r − 1` by 2.3·10⁻¹⁷, relatively. What is computed is `2e^r · 2^{n−1}`: for `−1021 ≤ n ≤ 1024` the scale is then a
//! normal number and the product overflows exactly where `e^x` does, at no extra instruction.
//!
//! # The sigmoid
//!
//! With `a = min(|z|, 708)`, `e = e^{−a}` as above, but by the Taylor polynomial of degree 13 (remainder `4·10⁻¹⁸`), which printed tables rest on to the bit.
//! Then `π(z) = num/(1 + e)`, `num` = 1 or `e` by the sign of `z`. The rounding of `d = 1 + e` is what costs accuracy:
//! `δ = e − (d − 1)` is exact, and one correction `y + (num − y d − y δ)/d` restores it. Kernels that need value and complement take [`sigmoid_pair_lanes`] instead, one division and no correction.

use crate::Router;
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
/// `artanh z = z + z³ l(z²)` on `0 ≤ z ≤ ⅓`, highest power first.
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

/// `π(z) = 1/(1 + e^{−z})` of every entry of `z`: within 2 ulp for `z ≥ −708` (sampled maximum 1.4 against 100 bits), `π(−708)` below, NaN at NaN. The same bits on every
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

/// `π(z)` and `π'(z)` of every entry of `z`, for any router function: within a few `10⁻¹⁶` absolutely.
///
/// # Panics
/// If the lengths differ.
pub fn router_values(router: Router, z: &[f64], value: &mut [f64], slope: &mut [f64]) {
    assert!(z.len() == value.len() && z.len() == slope.len(), "slices of one length");
    match router {
        Router::Sigmoid => {
            sigmoid(z, value);
            slope.iter_mut().zip(value).for_each(|(slope, y)| *slope = *y * (1.0 - *y));
        }
        Router::Tanh => {
            // tanh z = 2π(2z) − 1.
            slope.iter_mut().zip(z).for_each(|(double, z)| *double = 2.0 * z);
            sigmoid(slope, value);
            for (slope, y) in slope.iter_mut().zip(value) {
                *slope = 4.0 * *y * (1.0 - *y);
                *y = 2.0 * *y - 1.0;
            }
        }
        Router::GaussianCdf => {
            for ((z, value), slope) in z.iter().zip(value).zip(slope) {
                *value = router.value(*z);
                *slope =
                    (-0.5 * z * z).exp() * (0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2);
            }
        }
    }
}

/// `e^x` of every entry of `x`.
///
/// # Panics
/// If the lengths differ.
pub fn exp(x: &[f64], out: &mut [f64]) {
    apply(Exp, x, [out]);
}

/// `tanh x` and `1 − tanh² x` of every entry of `x`.
///
/// # Panics
/// If the lengths differ.
pub fn tanh(x: &[f64], value: &mut [f64], slope: &mut [f64]) {
    apply(Tanh, x, [value, slope]);
}

/// `ln(1 + e^x)` and its derivative `π(x)` of every entry of `x`.
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

/// Horner's rule, highest power first.
#[inline(always)]
pub(crate) fn horner<S: Simd>(simd: S, coefficients: &[f64], x: S::f64s) -> S::f64s {
    let mut sum = simd.splat_f64s(coefficients[0]);
    for c in &coefficients[1..] {
        sum = simd.mul_add_f64s(sum, x, simd.splat_f64s(*c));
    }
    sum
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
    simd.mul_add_f64s(simd.mul_f64s(r, r), horner(simd, &Q, r), r)
}

/// `e^{x + low}` for `x ≤ 709` and a `low` below the last digit of `x`: 0 where `x < −708`. Three fewer instructions than [`exp_lanes`].
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

/// `e^x`.
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
    let a = simd.min_f64s(simd.abs_f64s(z), simd.splat_f64s(LIMIT));
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

/// `[π(x), 1 − π(x)]`.
#[inline(always)]
pub(crate) fn sigmoid_pair_lanes<S: Simd>(simd: S, x: S::f64s) -> [S::f64s; 2] {
    let one = simd.splat_f64s(1.0);
    let e = decay_lanes(simd, simd.neg_f64s(simd.abs_f64s(x)), None);
    let large = simd.div_f64s(one, simd.add_f64s(one, e));
    let small = simd.mul_f64s(e, large);
    let negative = simd.less_than_f64s(x, simd.splat_f64s(0.0));
    [simd.select_f64s(negative, small, large), simd.select_f64s(negative, large, small)]
}

/// `[tanh x, 1 − tanh² x]`.
///
/// With `E = e^{−2|x|} − 1 = 2^n (e^r − 1) + (2^n − 1)`: `tanh |x| = −E/(2 + E)` and `1 − tanh² x = 4 e^{−2|x|}/(2 + E)²`.
#[inline(always)]
pub(crate) fn tanh_lanes<S: Simd>(simd: S, x: S::f64s) -> [S::f64s; 2] {
    let splat = |x: f64| simd.splat_f64s(x);
    let a = simd.abs_f64s(x);
    let far = simd.greater_than_f64s(a, splat(0.5 * LIMIT));
    let a = simd.select_f64s(far, splat(0.5 * LIMIT), a);
    let (scale, r) = reduce(simd, simd.mul_f64s(a, splat(-2.0)), 0.0);
    let p = exp_m1_reduced(simd, r);
    let e = simd.mul_add_f64s(scale, p, scale);
    let e_m1 = simd.mul_add_f64s(scale, p, simd.sub_f64s(scale, splat(1.0)));
    let inverse = simd.div_f64s(splat(1.0), simd.add_f64s(splat(2.0), e_m1));
    let magnitude = simd.abs_f64s(simd.mul_f64s(e_m1, inverse));
    let sign = simd.and_f64s(x, splat(-0.0));
    let twice = simd.add_f64s(inverse, inverse);
    let slope = simd.mul_f64s(e, simd.mul_f64s(twice, twice));
    [simd.or_f64s(magnitude, sign), simd.select_f64s(far, splat(0.0), slope)]
}

/// `[ln(1 + e^x), π(x)]`.
///
/// With `e = e^{−|x|}`: `ln(1 + e^x) = max(x, 0) + 2 artanh(e/(2 + e))`.
#[inline(always)]
pub(crate) fn softplus_lanes<S: Simd>(simd: S, x: S::f64s) -> [S::f64s; 2] {
    let splat = |x: f64| simd.splat_f64s(x);
    let (one, zero) = (splat(1.0), splat(0.0));
    let e = decay_lanes(simd, simd.neg_f64s(simd.abs_f64s(x)), None);
    let negative = simd.less_than_f64s(x, zero);
    let slope = simd.div_f64s(simd.select_f64s(negative, e, one), simd.add_f64s(one, e));
    let z = simd.div_f64s(e, simd.add_f64s(splat(2.0), e));
    let square = simd.mul_f64s(z, z);
    let artanh = simd.mul_add_f64s(simd.mul_f64s(z, square), horner(simd, &L, square), z);
    let positive = simd.select_f64s(negative, zero, x);
    [simd.mul_add_f64s(artanh, splat(2.0), positive), slope]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;
    use crate::elementwise::Map;
    use dashu_float::FBig;
    use dashu_float::round::mode::HalfEven;

    fn points() -> Vec<f64> {
        let grid = (-3000..3000).map(|i| f64::from(i) * 0.01234567);
        grid.chain([0.0, -0.0, 1e-300, -1e-17, 36.9, -37.1, 700.5, -707.9, -708.0, 750.0, f64::INFINITY]).collect()
    }

    /// Against a hundred bits.
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
            let big = |x: f64| FBig::<HalfEven, 2>::try_from(x).unwrap().with_precision(100).value();
            let exact = big(1.0) / (big(1.0) + (-big(*z)).exp());
            let error = (big(*y) - exact).to_f64().value().abs();
            worst = worst.max(error / (y.next_up() - y));
        }
        eprintln!("worst error {worst} ulp");
        assert!(worst < 2.0);
    }

    #[test]
    fn bits_do_not_depend_on_the_instruction_set_or_the_length() {
        let all = points();
        let mut full = vec![0.0; all.len()];
        sigmoid(&all, &mut full);
        for set in InstructionSet::ALL {
            for n in [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 127, 128, 129, all.len()] {
                let mut out = vec![0.0; n];
                match set.dispatch(Map { function: Sigmoid, x: &all[..n], out: [&mut out] }) {
                    Some(()) => assert_eq!(out, full[..n], "{set}, n = {n}"),
                    None => eprintln!("{set} is not available here"),
                }
            }
        }
    }

    #[test]
    fn nan_stays_in_its_place() {
        for set in InstructionSet::ALL {
            let mut z = vec![0.5; 20];
            z[6] = f64::NAN;
            let mut out = vec![0.0; 20];
            if set.dispatch(Map { function: Sigmoid, x: &z, out: [&mut out] }).is_some() {
                assert!(out.iter().enumerate().all(|(i, y)| y.is_nan() == (i == 6)), "{set}");
            }
        }
    }

    /// Values against the scalar functions, slopes against central differences.
    #[test]
    fn every_router_has_its_value_and_slope() {
        for router in Router::ALL {
            let z: Vec<f64> = (-40..=40).map(|i| f64::from(i) * 0.2).collect();
            let (mut value, mut slope) = (vec![0.0; z.len()], vec![0.0; z.len()]);
            router_values(router, &z, &mut value, &mut slope);
            for (i, z) in z.iter().enumerate() {
                assert!((value[i] - router.value(*z)).abs() < 1e-15, "{router} {z}");
                let difference = (router.value(z + 1e-5) - router.value(z - 1e-5)) / 2e-5;
                // Truncation h²/6·|π'''| ≤ 4e-11, rounding 1e-16/h.
                assert!((slope[i] - difference).abs() < 1e-10, "{router} {z}");
            }
        }
    }
}

//! Router functions of many numbers at once.
//!
//! # The sigmoid
//!
//! With `a = min(|z|, 708)`, `e = e^{−a}` by `n = round(a/ln 2)`, `r = a − n ln 2` in two parts, the Taylor polynomial of degree 13 of `e^{−r}` on `|r| ≤ ½ ln 2` (remainder `4·10⁻¹⁸`) and a
//! scale `2^{−n}` that never leaves the normal numbers. Then `π(z) = num/(1 + e)`, `num` = 1 or `e` by the sign of `z`. The rounding of `d = 1 + e` is what costs accuracy:
//! `δ = e − (d − 1)` is exact, and one correction `y + (num − y d − y δ)/d` restores it.

use crate::{InstructionSet, Router};
use pulp::{Simd, WithSimd};

/// Beyond, `e^{−|z|}` is taken at the bound, so that it stays a normal number.
const LIMIT: f64 = 708.0;
/// Adding it rounds to an integer, which is then in the low bits.
const MAGIC: f64 = 6_755_399_441_055_744.0;
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
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
    let done = InstructionSet::best().dispatch(Sigmoid { z, out });
    debug_assert!(done.is_some(), "the best instruction set is available");
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

struct Sigmoid<'a> {
    z: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Sigmoid<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { z, out } = self;
        let ((z, z_rest), (out, out_rest)) = (S::as_simd_f64s(z), S::as_mut_simd_f64s(out));
        for (out, z) in out.iter_mut().zip(z) {
            *out = lanes(simd, *z);
        }
        if !z_rest.is_empty() {
            simd.partial_store_f64s(out_rest, lanes(simd, simd.partial_load_f64s(z_rest)));
        }
    }
}

#[inline(always)]
fn lanes<S: Simd>(simd: S, z: S::f64s) -> S::f64s {
    let splat = |x: f64| simd.splat_f64s(x);
    let (one, zero, magic) = (splat(1.0), splat(0.0), splat(MAGIC));
    let a = simd.min_f64s(simd.abs_f64s(z), splat(LIMIT));
    let n = simd.sub_f64s(simd.mul_add_f64s(a, splat(std::f64::consts::LOG2_E), magic), magic);
    let minus_n = simd.neg_f64s(n);
    let r = simd.mul_add_f64s(minus_n, splat(LN2_LOW), simd.mul_add_f64s(minus_n, splat(LN2_HIGH), a));
    let x = simd.neg_f64s(r);
    let mut e = splat(TAYLOR[0]);
    for c in &TAYLOR[1..] {
        e = simd.mul_add_f64s(e, x, splat(*c));
    }
    // MAGIC + 1023 − n is exact and ends in the bits of 1023 − n, the biased exponent.
    let bits = simd.transmute_u64s_f64s(simd.sub_f64s(splat(MAGIC + 1023.0), n));
    let scale = simd.transmute_f64s_u64s(simd.mul_u64s(bits, simd.splat_u64s(1 << 52)));
    let e = simd.mul_f64s(e, scale);
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

#[cfg(test)]
mod tests {
    use super::*;
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
                match set.dispatch(Sigmoid { z: &all[..n], out: &mut out }) {
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
            if set.dispatch(Sigmoid { z: &z, out: &mut out }).is_some() {
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

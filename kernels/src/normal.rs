//! The standard normal distribution function and GELU, of many numbers at once.
//!
//! With `φ(u) = e^{−u²/2}/√(2π)` and `t = |u|`: `Φ(−t) = e^{−t²/2} m(k)/(t + c)`, `k = (t − c)/(t + c)`, where `m(k) = (t + c) Φ(−t) e^{t²/2}` is smooth up to `t = ∞`
//! (Shepherd and Laframboise, Mathematics of Computation 36 (1981) 249).

use crate::elementary::{decay_lanes, horner};
use crate::elementwise::{Elementwise, apply};
use pulp::Simd;

const CENTRE: f64 = 5.0;
/// Beyond, `e^{−u²/2}` is 0 here.
const FAR: f64 = 40.0;
const DENSITY: f64 = 0.398_942_280_401_432_7;
/// `m`, highest power first.
const MILLS: [f64; 24] = [
    -3.750628073065132e-10,
    -1.1430318805189202e-09,
    2.2145567560041567e-09,
    1.0742765288425282e-08,
    -8.574191882015324e-09,
    -7.007145582016558e-08,
    4.022134257660241e-08,
    4.3624202734696713e-07,
    -3.3461445246147526e-07,
    -2.7706988225660405e-06,
    3.979826307411392e-06,
    1.668163400572424e-05,
    -4.976246307531648e-05,
    -5.937580652137982e-05,
    0.0005448989941378177,
    -0.0007978693893577772,
    -0.002993376762033805,
    0.02079506679926116,
    -0.06911863870686726,
    0.16502036617040727,
    -0.3135331566712878,
    0.4953056159699761,
    -0.6653825028900568,
    0.769193049750063,
];

/// `Φ(u)` of every entry of `u`.
///
/// # Panics
/// If the lengths differ.
pub fn normal_cdf(u: &[f64], out: &mut [f64]) {
    apply(NormalCdf, u, [out]);
}

/// `u Φ(u)` and its first and second derivative `Φ + uφ`, `(2 − u²)φ`, of every entry of `u`.
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

/// `[Φ(u), φ(u)]`.
#[inline(always)]
pub(crate) fn normal_lanes<S: Simd>(simd: S, u: S::f64s) -> [S::f64s; 2] {
    let splat = |x: f64| simd.splat_f64s(x);
    let t = simd.abs_f64s(u);
    let t = simd.select_f64s(simd.greater_than_f64s(t, splat(FAR)), splat(FAR), t);
    // t² = square + low exactly.
    let square = simd.mul_f64s(t, t);
    let low = simd.mul_add_f64s(t, t, simd.neg_f64s(square));
    let half = splat(-0.5);
    let e = decay_lanes(simd, simd.mul_f64s(square, half), Some(simd.mul_f64s(low, half)));
    let inverse = simd.div_f64s(splat(1.0), simd.add_f64s(t, splat(CENTRE)));
    let k = simd.mul_f64s(simd.sub_f64s(t, splat(CENTRE)), inverse);
    let tail = simd.mul_f64s(e, simd.mul_f64s(horner(simd, &MILLS, k), inverse));
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

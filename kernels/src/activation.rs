//! Activations of experts and routers: the scalar reference of the lanes in [`elementary`](crate::sigmoid).

use crate::elementary::{sigmoid_pair_lanes, tanh_lanes};
use crate::normal::{gelu_lanes, gelu_value_lanes};
use pulp::Simd;
use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::fmt;

/// A function of a linear form `u = aᵀx + b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `u`.
    Linear,
    /// `u^p`, `p ≥ 1`.
    Power(u32),
    /// `1/(1 + e^{−u})`.
    Sigmoid,
    /// `tanh u`.
    Tanh,
    /// `u Φ(u)`, `Φ` the standard normal distribution function.
    Gelu,
    /// `max(u, 0)`; the derivative at 0 is taken as 0.
    Relu,
}

impl Activation {
    /// `[act(u), act'(u), act''(u)]`, each within a few `10⁻¹⁶` of the larger of itself and 1 (powers: relatively).
    ///
    /// ```
    /// use moe_kernels::Activation;
    /// assert_eq!(Activation::Power(3).derivatives(2.0), [8.0, 12.0, 12.0]);
    /// assert_eq!(Activation::Tanh.derivatives(0.0), [0.0, 1.0, 0.0]);
    /// ```
    pub fn derivatives(self, u: f64) -> [f64; 3] {
        match self {
            Self::Linear => [u, 1.0, 0.0],
            Self::Power(p) => {
                let degree = f64::from(p);
                let lower = |k: u32| if p >= k { u.powi((p - k) as i32) } else { 0.0 };
                [lower(0), degree * lower(1), degree * (degree - 1.0) * lower(2)]
            }
            Self::Sigmoid => {
                let e = (-u.abs()).exp();
                let (large, small) = (1.0 / (1.0 + e), e / (1.0 + e));
                let (y, rest) = if u < 0.0 { (small, large) } else { (large, small) };
                [y, y * rest, y * rest * (rest - y)]
            }
            Self::Tanh => {
                let y = u.tanh();
                let slope = u.cosh().powi(-2);
                [y, slope, -2.0 * y * slope]
            }
            Self::Gelu => {
                let cumulative = 0.5 * libm::erfc(-u * FRAC_1_SQRT_2);
                let density = (-0.5 * u * u).exp() / (2.0 * PI).sqrt();
                [u * cumulative, cumulative + u * density, (2.0 - u * u) * density]
            }
            Self::Relu => [u.max(0.0), f64::from(u > 0.0), 0.0],
        }
    }
}

/// [`Activation::derivatives`] of every lane, NaN at NaN (except the constants of linear functions and ReLU). Powers within `p + 2` roundings, sigmoid and tanh with the accuracy of their pairs,
/// GELU with that of [`gelu`](crate::gelu); `1 − 2π` in the sigmoid's second derivative is exact to a rounding of 1.
#[inline(always)]
pub(crate) fn activation_lanes<S: Simd>(simd: S, activation: Activation, u: S::f64s) -> [S::f64s; 3] {
    let (zero, one) = (simd.splat_f64s(0.0), simd.splat_f64s(1.0));
    match activation {
        Activation::Linear => [u, one, zero],
        Activation::Power(0) => [one, zero, zero],
        Activation::Power(1) => [u, one, zero],
        Activation::Power(p) => {
            let degree = f64::from(p);
            let lower = power_lanes(simd, p - 2, u);
            let low = simd.mul_f64s(lower, u);
            [
                simd.mul_f64s(low, u),
                simd.mul_f64s(simd.splat_f64s(degree), low),
                simd.mul_f64s(simd.splat_f64s(degree * (degree - 1.0)), lower),
            ]
        }
        Activation::Sigmoid => {
            let [y, rest] = sigmoid_pair_lanes(simd, u);
            let slope = simd.mul_f64s(y, rest);
            [y, slope, simd.mul_f64s(slope, simd.sub_f64s(rest, y))]
        }
        Activation::Tanh => {
            let [y, slope] = tanh_lanes(simd, u);
            [y, slope, simd.mul_f64s(simd.mul_f64s(simd.splat_f64s(-2.0), y), slope)]
        }
        Activation::Gelu => gelu_lanes(simd, u),
        Activation::Relu => {
            let positive = simd.greater_than_f64s(u, zero);
            [relu_lanes(simd, u), simd.select_f64s(positive, one, zero), zero]
        }
    }
}

/// The first of [`activation_lanes`], with the same bits.
#[inline(always)]
pub(crate) fn activation_value_lanes<S: Simd>(simd: S, activation: Activation, u: S::f64s) -> S::f64s {
    match activation {
        Activation::Linear => u,
        Activation::Power(0) => simd.splat_f64s(1.0),
        Activation::Power(1) => u,
        Activation::Power(p) => simd.mul_f64s(simd.mul_f64s(power_lanes(simd, p - 2, u), u), u),
        Activation::Sigmoid => sigmoid_pair_lanes(simd, u)[0],
        Activation::Tanh => tanh_lanes(simd, u)[0],
        Activation::Gelu => gelu_value_lanes(simd, u),
        Activation::Relu => relu_lanes(simd, u),
    }
}

#[inline(always)]
fn relu_lanes<S: Simd>(simd: S, u: S::f64s) -> S::f64s {
    let zero = simd.splat_f64s(0.0);
    simd.select_f64s(simd.less_than_f64s(u, zero), zero, u)
}

/// `u^p` by repeated squaring.
#[inline(always)]
fn power_lanes<S: Simd>(simd: S, mut p: u32, mut u: S::f64s) -> S::f64s {
    let mut power = simd.splat_f64s(1.0);
    while p > 0 {
        if p & 1 == 1 {
            power = simd.mul_f64s(power, u);
        }
        u = simd.mul_f64s(u, u);
        p >>= 1;
    }
    power
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linear => f.pad("linear"),
            Self::Power(p) => write!(f, "power {p}"),
            Self::Sigmoid => f.pad("sigmoid"),
            Self::Tanh => f.pad("tanh"),
            Self::Gelu => f.pad("gelu"),
            Self::Relu => f.pad("relu"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementwise::Elementwise;
    use crate::elementwise::reference::{same_bits, values};
    use Activation::*;

    const ALL: [Activation; 12] =
        [Linear, Power(0), Power(1), Power(2), Power(3), Power(5), Power(8), Power(31), Sigmoid, Tanh, Gelu, Relu];

    impl Elementwise<3> for Activation {
        #[inline(always)]
        fn lanes<S: Simd>(self, simd: S, u: S::f64s) -> [S::f64s; 3] {
            activation_lanes(simd, self, u)
        }
    }

    #[derive(Clone, Copy)]
    struct Value(Activation);

    impl Elementwise<1> for Value {
        #[inline(always)]
        fn lanes<S: Simd>(self, simd: S, u: S::f64s) -> [S::f64s; 1] {
            [activation_value_lanes(simd, self.0, u)]
        }
    }

    /// Within the accuracy of the reference: each of its roundings is 1.1e-16 of the larger of the value and 1, a power has `p` of them.
    #[test]
    fn lanes_agree_with_the_scalar_reference() {
        let u: Vec<f64> = (-500..=500).map(|i| f64::from(i) * 0.0173).chain([f64::NAN, -0.0, 40.0, -40.0]).collect();
        for act in ALL {
            let all = values(act, &u);
            for (i, &u) in u.iter().enumerate().filter(|(_, u)| !u.is_nan()) {
                let expected = act.derivatives(u);
                for n in 0..3 {
                    let scale = match act {
                        Power(p) => f64::from(p + 4) * 1.2e-16 * expected[n].abs(),
                        _ => 1e-15 * expected[n].abs().max(1.0),
                    };
                    assert!((all[n][i] - expected[n]).abs() <= scale, "{act} {u}, derivative {n}");
                }
            }
            same_bits(act, &u);
            let [alone] = values(Value(act), &u);
            let mut pairs = alone.iter().zip(&all[0]);
            assert!(pairs.all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()), "{act}");
            assert!(matches!(act, Power(0)) || alone[1001].is_nan(), "{act} keeps NaN");
        }
    }

    /// Each derivative against the central difference of the one before; ReLU away from its kink.
    #[test]
    fn derivatives_agree_with_differences() {
        for act in [Linear, Power(1), Power(2), Power(5), Sigmoid, Tanh, Gelu, Relu] {
            for i in -30..30 {
                let u = 0.1 + f64::from(i) * 0.2;
                let (here, above, below) = (act.derivatives(u), act.derivatives(u + 1e-5), act.derivatives(u - 1e-5));
                for order in 0..2 {
                    let difference = (above[order] - below[order]) / 2e-5;
                    // Truncation h²/6 |act'''| and rounding 1e-16/h, relative to the size of the values.
                    let scale = above.iter().fold(1.0_f64, |scale, value| scale.max(value.abs()));
                    assert!((here[order + 1] - difference).abs() < 1e-9 * scale, "{act} {u} {order}");
                }
            }
        }
    }
}

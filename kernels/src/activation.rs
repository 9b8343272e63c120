//! Activations of experts and routers: the scalar reference of the lanes in [`elementary`](crate::sigmoid).

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

    /// Each derivative against the central difference of the one before; ReLU away from its kink.
    #[test]
    fn derivatives_agree_with_differences() {
        use Activation::*;
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

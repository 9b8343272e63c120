//! The closed-form law of a single alignment, the prediction that simulated flows are held against.
//!
//! While all other overlaps are small, `κ = w̄·w*` of one pair obeys (theory A4, derived there from `L` by keeping the leading power of `κ`)
//!
//! ```text
//! dκ/dt = c_p κ^{p−1}(1 − κ²)/‖w‖²,      c_p = p·p!·A_0²
//! ```
//!
//! (`4.5 κ²(1−κ²)` for the sigmoid and `p = 3`), and the time from `κ_0` to `κ_1` is
//!
//! ```text
//! c_p T/‖w‖² = I_p(κ_1) − I_p(κ_0),   I_1 = artanh κ,  I_2 = ln κ − ½ ln(1 − κ²),  I_p = −κ^{2−p}/(p−2) + I_{p−2},
//! ```
//!
//! because `κ^{1−p}/(1−κ²) = κ^{1−p} + κ^{3−p}/(1−κ²)`.

use moe_kernels::{ExpertCoefficients, Router};

/// `c_p = p·p!·A_0²`; zero for a router with `A_0 = 0` (tanh), where this law says nothing.
pub fn alignment_rate(router: Router, order: usize) -> f64 {
    let factorial: f64 = (1..=order).map(|i| i as f64).product();
    order as f64 * factorial * router.hermite().value(0).powi(2)
}

/// Time units from overlap `from` to overlap `to`, `0 < from, to < 1`, at unit raw norm; infinite where the rate is zero.
///
/// ```
/// use moe_kernels::Router;
/// use moe_theory::soft_routed::alignment_time;
/// let t = alignment_time(Router::Sigmoid, 3, 0.01, 0.5);
/// let expected = (100.0 - 2.0 + 0.5f64.atanh() - 0.01f64.atanh()) / 4.5;
/// assert!((t - expected).abs() < 1e-12);
/// ```
pub fn alignment_time(router: Router, order: usize, from: f64, to: f64) -> f64 {
    (antiderivative(order, to) - antiderivative(order, from)) / alignment_rate(router, order)
}

/// As [`alignment_time`] for experts `Σ_p a_p He_p` whose orders have one parity: the pair obeys `dκ/dt = Σ_p a_p² c_p κ^{p−1} (1 − κ²)`, because the two experts' components of
/// different orders are uncorrelated. (Neighbouring orders together drive `v̄·w̄` away from 0, and the law's rate changes.) Simpson's rule in `ln κ`, relative error below `10⁻⁹` for `from ≥ 10⁻⁷`.
///
/// ```
/// use moe_kernels::Router;
/// use moe_theory::soft_routed::{alignment_time, alignment_time_of_sum, single};
/// let t = alignment_time_of_sum(Router::Sigmoid, single(3), 0.01, 0.5);
/// assert!((t / alignment_time(Router::Sigmoid, 3, 0.01, 0.5) - 1.0).abs() < 1e-9);
/// ```
pub fn alignment_time_of_sum(router: Router, coefficients: ExpertCoefficients, from: f64, to: f64) -> f64 {
    const STEPS: usize = 2000;
    let rates: Vec<f64> = (0..coefficients.len())
        .map(|p| if p == 0 { 0.0 } else { coefficients[p].powi(2) * alignment_rate(router, p) })
        .collect();
    // κ/(dκ/dt) as a function of ln κ.
    let pace = |x: f64| {
        let kappa = x.exp();
        let rate: f64 = rates.iter().enumerate().skip(1).map(|(p, rate)| rate * kappa.powi(p as i32 - 1)).sum();
        kappa / (rate * (1.0 - kappa * kappa))
    };
    let (low, step) = (from.ln(), (to / from).ln() / STEPS as f64);
    let weight = |k: usize| if k == 0 || k == STEPS { 1.0 } else { 2.0 * (1 + k % 2) as f64 };
    (0..=STEPS).map(|k| weight(k) * pace(low + k as f64 * step)).sum::<f64>() * step / 3.0
}

fn antiderivative(order: usize, x: f64) -> f64 {
    match order {
        1 => x.atanh(),
        2 => x.ln() - 0.5 * (-x * x).ln_1p(),
        _ => antiderivative(order - 2, x) - x.powi(2 - order as i32) / (order as f64 - 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The antiderivative differentiates back to the law, for every order.
    #[test]
    fn time_is_the_integral_of_the_inverse_rate() {
        for order in 1..=6 {
            for x in [0.05, 0.3, 0.8] {
                let h = 1e-6;
                let slope = (antiderivative(order, x + h) - antiderivative(order, x - h)) / (2.0 * h);
                let expected = 1.0 / (x.powi(order as i32 - 1) * (1.0 - x * x));
                assert!((slope / expected - 1.0).abs() < 1e-6, "p = {order}, κ = {x}");
            }
        }
        assert_eq!(alignment_rate(Router::Sigmoid, 3), 4.5);
        assert_eq!(alignment_rate(Router::Sigmoid, 2), 1.0);
        assert_eq!(alignment_rate(Router::Sigmoid, 4), 24.0);
    }
}

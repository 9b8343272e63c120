//! The effective equation of a dormant expert under online SGD.
//!
//! Outside the span each of the `d − 1` tangent coordinates of an expert's gradient is noise of variance `σ_w²/(B‖w‖²)` (theory X7), for `He_3` experts far from everything; of sigmoid routers
//!
//! ```text
//! σ_w² = 9 E[He_3²He_2²] E[π⁴] + (m − 1 + m*)·6Φ_00(1)·18Φ_00(1),      E[He_3²He_2²] = 372,  E[π⁴] = ½ − 2A_1 + (A_1 − A_3)/6,  Φ_00(1) = ½ − A_1
//! ```
//!
//! A step adds `η²‖g‖²` to `r = ‖w‖²`, in a time `η`; the lengthening turns `w̄` away from its teacher. With `ε = (η/B)σ_w²(d − 1)`
//!
//! ```text
//! dr/dt = ε/r,      dκ/dt = 4.5κ²(1 − κ²)/r − εκ/(2r²)
//! ```
//!
//! for routers with `A_0 = ½` (4.5 is `18A_0²`), up to a noise of variance `(η/B)σ_w²/r² dt`, which shifts the mean time by a relative `ε/(18 d κ_0³)`: for `dκ = 4.5κ²dt + s dW` the mean time solves `4.5κ²T' + ½s²T'' = −1`, so to first order in
//! `s² = ε/d` it exceeds `1/(4.5κ_0)` by `s²/(81κ_0⁴)`.

use moe_kernels::Router;

/// The effective equation; the two parts of the noise apart, so that each can be left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EffectiveSgd {
    /// `ε` where raw norms grow.
    pub growth: f64,
    /// `ε` where overlaps shrink.
    pub turning: f64,
}

impl EffectiveSgd {
    /// Both parts at `ε`.
    pub fn new(epsilon: f64) -> Self {
        Self { growth: epsilon, turning: epsilon }
    }

    /// `σ_w²` for `m` students and `m*` teachers, third Hermite experts.
    ///
    /// `E π⁴` and `E π² = Φ_00(1)` in closed form, `A_n = E π^{(n)}(Z)`: the sigmoid's as above; of the Gaussian distribution function, uniform at a normal argument, 1/5 and 1/3; of tanh `1 − A_1` and, as its third derivative is `−2 + 8 tanh² − 6 tanh⁴`, `(8(1 − A_1) − 2 − A_3)/6`.
    ///
    /// ```
    /// use moe_kernels::Router;
    /// use moe_theory::soft_routed::EffectiveSgd;
    /// for (router, variance) in [(Router::Sigmoid, 449.8735), (Router::GaussianCdf, 681.6), (Router::Tanh, 863.8077)] {
    ///     assert!((EffectiveSgd::noise_variance(router, 1, 1) - variance).abs() < 1e-3);
    /// }
    /// ```
    pub fn noise_variance(router: Router, students: usize, teachers: usize) -> f64 {
        let [square, fourth] = even_moments(router);
        9.0 * 372.0 * fourth + (students - 1 + teachers) as f64 * 108.0 * square.powi(2)
    }

    /// `σ_v²`, the same of a dormant router: `E[(f − f*)² π'² He_3²] = 3348 E[π²π'²] + (m − 1 + m*)·6Φ_00(1)·6Φ_11(1)`, `E He_3⁴ = 3348`. Integrals by the trapezoid rule, to rounding.
    ///
    /// ```
    /// use moe_kernels::Router;
    /// use moe_theory::soft_routed::EffectiveSgd;
    /// assert!((EffectiveSgd::router_noise_variance(Router::Sigmoid, 1, 1) - 42.0).abs() < 1.0);
    /// ```
    pub fn router_noise_variance(router: Router, students: usize, teachers: usize) -> f64 {
        let squared = |power: i32| expectation(|z| router.value(z).powi(power) * slope(router, z).powi(2));
        3348.0 * squared(2) + (students - 1 + teachers) as f64 * 36.0 * even_moments(router)[0] * squared(0)
    }

    /// `σ_s²` of `m` students and `m*` teachers, third Hermite experts: under SGD the own overlap `s = v̄·w̄` of a student with raw norms 1 that has no other overlap obeys, to first order in `s`,
    ///
    /// ```text
    /// s ← (1 − ηλ)s − ηξ,      E ξ = 0,      E ξ² = σ_s²/B,      λ = 36|A_3| for sigmoid routers (theory A4)
    /// σ_s² = E[(f − f*)² (3π He_2(W) V + π' He_3(W) W)²],      V = v̄·x, W = w̄·x independent, π = π(V)
    /// ```
    ///
    /// Derived here: the gradient of one input's loss is `(f − f*) π' He_3 x` for the router and `(f − f*) 3π He_2 x` for the expert, and `s` moves by their components along `w̄` and `v̄`. Of `(f − f*)²` the student's own `π²He_3²` counts, and
    /// `m − 1 + m*` others with `6Φ_00(1)` each; mixed terms vanish. What noise outside the span adds, `v` and `w` moving along common inputs, is odd in `W` and has no mean at `s = 0`: SGD does not push `v` and `w` together. To first order in `s` it changes `λ` by
    /// `(η/B)(d − 1)(½σ_w² + ½σ_v² − σ_vw)` with `σ_w² = 450`, `σ_v² = 42`, `σ_vw = 312`, below `(η/B)·66d`. Integrals over `V` by the trapezoid rule, to rounding.
    ///
    /// ```
    /// use moe_kernels::Router;
    /// use moe_theory::soft_routed::EffectiveSgd;
    /// assert!((EffectiveSgd::own_overlap_variance(Router::Sigmoid, 1, 1) - 2061.4001).abs() < 1e-3); // Gauss-Hermite, 120 nodes
    /// ```
    pub fn own_overlap_variance(router: Router, students: usize, teachers: usize) -> f64 {
        // E[(3π He_2 V + π' He_3 W)² π^k], given the moments of the polynomials in W that go with it; π'V with a power of π by parts.
        let squared = |power: i32, [expert, mixed, of_router]: [f64; 3]| {
            9.0 * expert * expectation(|z| router.value(z).powi(power + 2) * z * z)
                + 6.0 * mixed * expectation(|z| router.value(z).powi(power + 2) * (z * z - 1.0)) / f64::from(power + 2)
                + of_router * expectation(|z| router.value(z).powi(power) * slope(router, z).powi(2))
        };
        // E[He_3²He_2²], E[He_3³He_2 W], E[He_3⁴W²], and without He_3².
        let (own, other) = ([372.0, 3996.0, 51300.0], [2.0, 6.0, 42.0]);
        let others = (students - 1 + teachers) as f64 * 6.0 * even_moments(router)[0];
        squared(2, own) + others * squared(0, other)
    }

    /// Time from overlap `from` to overlap `to` at initial raw norm 1, `0 < from < to < 1`; `None` where the noise wins and `κ` does not arrive within a hundred times the flow's time.
    /// Runge-Kutta of order 4, a thousand steps to the flow's time: relative error below `1e-8`.
    ///
    /// ```
    /// use moe_theory::soft_routed::{EffectiveSgd, alignment_time};
    /// use moe_kernels::Router;
    /// let (flow, sgd) = (alignment_time(Router::Sigmoid, 3, 0.2, 0.5), EffectiveSgd::new(0.1).time(0.2, 0.5).unwrap());
    /// assert!((EffectiveSgd::new(0.0).time(0.2, 0.5).unwrap() - flow).abs() < 1e-8);
    /// assert!((sgd / flow - 1.083).abs() < 1e-3); // theory X7
    /// ```
    pub fn time(&self, from: f64, to: f64) -> Option<f64> {
        let step = super::alignment_time(Router::Sigmoid, 3, from, to) / 1000.0;
        let (mut time, mut state) = (0.0, [1.0, from]);
        for _ in 0..100_000 {
            let next = self.advanced(state, step);
            if next[1] >= to {
                // Bisection on the length of the last step.
                let (mut low, mut high) = (0.0, step);
                for _ in 0..60 {
                    let middle = 0.5 * (low + high);
                    if self.advanced(state, middle)[1] < to { low = middle } else { high = middle }
                }
                return Some(time + high);
            }
            if next[1].is_nan() || next[1] <= 0.0 {
                return None;
            }
            (state, time) = (next, time + step);
        }
        None
    }

    fn advanced(&self, state: [f64; 2], h: f64) -> [f64; 2] {
        let rate =
            |[r, k]: [f64; 2]| [self.growth / r, 4.5 * k * k * (1.0 - k * k) / r - self.turning * k / (2.0 * r * r)];
        let moved = |by: [f64; 2], h: f64| [state[0] + h * by[0], state[1] + h * by[1]];
        let a = rate(state);
        let b = rate(moved(a, 0.5 * h));
        let c = rate(moved(b, 0.5 * h));
        let d = rate(moved(c, h));
        std::array::from_fn(|i| state[i] + h / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]))
    }
}

/// `E π²` and `E π⁴`.
fn even_moments(router: Router) -> [f64; 2] {
    let [a1, a3] = [1, 3].map(|n| router.hermite().value(n));
    match router {
        Router::Sigmoid => [0.5 - a1, 0.5 - 2.0 * a1 + (a1 - a3) / 6.0],
        Router::GaussianCdf => [1.0 / 3.0, 0.2],
        Router::Tanh => [1.0 - a1, (8.0 * (1.0 - a1) - 2.0 - a3) / 6.0],
    }
}

/// `E g(Z)` by the trapezoid rule, whose error at a step of 1/16 is below rounding for functions analytic in a strip of width 1.5.
fn expectation(g: impl Fn(f64) -> f64) -> f64 {
    let term = |k: i32| {
        let z = f64::from(k) / 16.0;
        g(z) * (-0.5 * z * z).exp() / (16.0 * std::f64::consts::TAU.sqrt())
    };
    (-200..=200).map(term).sum()
}

/// `π'(z)`.
fn slope(router: Router, z: f64) -> f64 {
    let (mut value, mut slope) = ([0.0], [0.0]);
    moe_kernels::router_values(router, &[z], &mut value, &mut slope);
    slope[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closed forms against the trapezoid rule.
    #[test]
    fn even_moments_are_those_of_quadrature() {
        for router in Router::ALL {
            let moment = |power: i32| expectation(|z| router.value(z).powi(power));
            for (closed, power) in even_moments(router).into_iter().zip([2, 4]) {
                assert!((closed - moment(power)).abs() < 1e-13, "{router} {power}: {closed} {}", moment(power));
            }
        }
    }
}

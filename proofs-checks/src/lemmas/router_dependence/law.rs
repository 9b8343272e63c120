//! Laws of small overlaps `κ, β, a, b = w̄·w*, v̄·v*, v̄·w*, w̄·v*` of a student with a teacher, or of a dormant student with a learned one, with the router's own `A_0`, `A_1` and `Φ`.
//!
//! *Alignment*: the flow of `−E f f*`, the quartic form of the module above with the cubic one, `6A_0²κ³`, beside it.
//!
//! *Waking* (derived here). A dormant student `k` pushes the learned one with the forces `g_w = P w̄_k + Q v̄_k`, `g_v = R v̄_k + S w̄_k`,
//!
//! ```text
//! P = 18A_0²κ² + 6A_1²(3κ²β + 6κab),   Q = 18A_1²κ²b,   R = 6A_1²κ³,   S = 18A_1²κ²a,
//! ```
//!
//! the gradient of `E f_l f_k` by `w̄_l` and `v̄_l` (`a = v̄_k·w̄_l` turns with `w̄_l`, `b = w̄_k·v̄_l` with `v̄_l`), and the learned one yields by `g_w/(18Φ_00(1))`, `g_v/(6Φ_11(1))` (theory X3; the plane's part of the forces is smaller by a factor of the order of the overlaps). What is left of the loss is
//!
//! ```text
//! L_eff = −½[(P² + Q²)/(18Φ_00(1)) + (R² + S²)/(6Φ_11(1))],      (κ, β, a, b)' = −∇L_eff
//! ```
//!
//! and falls along every overlap's growth, whatever the signs. For `A_0 ≠ 0` it is `−(9A_0⁴/Φ_00(1))κ⁴` to leading order: `κ' = 2cκ³`, `c = 18A_0⁴/Φ_00(1)`, `T = 1/(4cκ²)` (theory X6's 15.34 for the sigmoid; 13.5 for Gaussian distribution functions). For tanh it is of degree six:
//! the dormant student wakes after a time `∝ u^{−4} = d²`.

use moe_kernels::{CovarianceTable, Router};
use moe_theory::soft_routed::{OrderParameters, alignment_time};

use crate::axes::beside;

/// `κ, β, a, b`.
pub(super) type Overlaps = [f64; 4];

/// Overlaps of a pair.
pub(super) fn overlaps_of(state: &OrderParameters, i: usize, j: usize) -> Overlaps {
    let [across, back] = [state.router_teacher_expert(i, j), state.expert_teacher_router(i, j)];
    [state.expert(i, j), state.router(i, j), across, back]
}

/// Router and expert with these overlaps with the teacher `(e_0, e_1)`, the rest of each along an axis of its own, `own` and `own + 1`.
pub(super) fn vectors([kappa, beta, a, b]: Overlaps, own: usize, coordinates: usize) -> [Vec<f64>; 2] {
    let row = |x: f64, y: f64, own: usize| beside(coordinates, &[(0, x), (1, y)], own);
    [row(beta, a, own), row(b, kappa, own + 1)]
}

/// `Φ_kk(1)`.
pub(super) fn phi(router: Router, k: usize) -> f64 {
    CovarianceTable::new(router, 2).value(k, k, 1.0)
}

/// `[P, Q]` and `[R, S]`.
pub(super) fn forces(router: Router, [kappa, beta, a, b]: Overlaps) -> [[f64; 2]; 2] {
    let [a0, a1] = [0, 1].map(|n| router.hermite().value(n).powi(2));
    let square = kappa * kappa;
    let expert = 18.0 * a0 * square + 6.0 * a1 * (3.0 * square * beta + 6.0 * kappa * a * b);
    [[expert, 18.0 * a1 * square * b], [6.0 * a1 * square * kappa, 18.0 * a1 * square * a]]
}

/// Time at which the law of one pair brings its expert to ½: the closed form for `A_0 ≠ 0`, the quartic law for `A_0 = 0`.
pub(super) fn predicted(router: Router, overlaps: Overlaps) -> f64 {
    match router.hermite().value(0) {
        0.0 => quartic_time([0.0, router.hermite().value(1)], overlaps),
        _ if overlaps[0] > 0.0 => alignment_time(router, 3, overlaps[0].min(0.5), 0.5),
        _ => f64::INFINITY,
    }
}

/// The first alignment of all pairs by the law of one pair.
pub(super) fn first(router: Router, state: &OrderParameters) -> f64 {
    state.pairs().map(|(i, j, _)| predicted(router, overlaps_of(state, i, j))).fold(f64::INFINITY, f64::min)
}

/// Time at which `|κ|` reaches ½ under the quartic law of the module's documentation and, with `A_0`, `18A_0²κ²` beside it.
pub(super) fn quartic_time([a0, a1]: [f64; 2], start: Overlaps) -> f64 {
    let (c, cubic) = (6.0 * a1 * a1, 18.0 * a0 * a0);
    let field = |[k, b, a, e]: Overlaps| {
        let own = cubic * k * k + c * (3.0 * k * k * b + 6.0 * k * a * e);
        [own, c * k.powi(3), 3.0 * c * k * k * e, 3.0 * c * k * k * a]
    };
    passage(start, field, |largest| c * largest * largest + cubic * largest)
}

/// Time at which a dormant student with these overlaps with a learned one has woken, `|κ| = ½`, by `−∇L_eff` with the coefficients of `router` and the stiffnesses of `teacher`.
pub(super) fn waking_time(router: Router, teacher: Router, start: Overlaps) -> f64 {
    let [a0, a1] = [0, 1].map(|n| router.hermite().value(n).powi(2));
    let [expert, follower] = [1.0 / (18.0 * phi(teacher, 0)), 1.0 / (6.0 * phi(teacher, 1))];
    let field = |y: Overlaps| {
        let [k, b, a, e] = y;
        let [[p, q], [r, s]] = forces(router, y);
        let (pk, pab) = (36.0 * a0 * k + 36.0 * a1 * (k * b + a * e), 36.0 * a1 * k);
        [
            expert * (p * pk + 36.0 * a1 * q * k * e) + follower * (18.0 * a1 * r * k * k + 36.0 * a1 * s * k * a),
            expert * 18.0 * a1 * p * k * k,
            expert * p * pab * e + follower * 18.0 * a1 * s * k * k,
            expert * (p * pab * a + 18.0 * a1 * q * k * k),
        ]
    };
    passage(start, field, |largest| {
        let [[p, q], [r, s]] = forces(router, [largest; 4]);
        (expert * (p * p + q * q) + follower * (r * r + s * s)) / (largest * largest)
    })
}

/// Time at which `|κ|` reaches ½: Runge-Kutta of fourth order with steps of a two-hundredth of the time `1/rate(largest overlap)` in which the fastest overlap doubles.
fn passage(mut y: Overlaps, field: impl Fn(Overlaps) -> Overlaps, rate: impl Fn(f64) -> f64) -> f64 {
    let along = |y: Overlaps, k: Overlaps, h: f64| -> Overlaps { std::array::from_fn(|n| y[n] + h * k[n]) };
    let mut time = 0.0;
    // The overlaps need some ten doublings, and a start that first shrinks some more.
    for _ in 0..40_000 {
        let k1 = field(y);
        if y[0].abs() >= 0.5 {
            return time;
        }
        let h = 0.005 / rate(y.iter().fold(0.0_f64, |m, x| m.max(x.abs())));
        let k2 = field(along(y, k1, 0.5 * h));
        let k3 = field(along(y, k2, 0.5 * h));
        let k4 = field(along(y, k3, h));
        let total: Overlaps = std::array::from_fn(|n| (k1[n] + 2.0 * k2[n] + 2.0 * k3[n] + k4[n]) / 6.0);
        (y, time) = (along(y, total, h), time + h);
    }
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For κ alone the law is `κ' = 2cκ³`, whose time is in closed form, and for tanh the field is homogeneous of degree five.
    #[test]
    fn waking_is_that_of_the_closed_form() {
        let router = Router::GaussianCdf;
        let c = 18.0 / 16.0 / phi(router, 0);
        let start: Overlaps = [0.001, 0.0, 0.0, 0.0];
        let alone = (start[0].powi(-2) - 4.0) / (4.0 * c);
        // A_1² turns β after κ: a relative O(κ) of the time.
        assert!((waking_time(router, router, start) / alone - 1.0).abs() < 0.005);
        let times = [0.01, 0.02].map(|u| waking_time(Router::Tanh, Router::Tanh, [u, 0.7 * u, 0.8 * u, 0.9 * u]));
        assert!((times[0] / times[1] / 16.0 - 1.0).abs() < 1e-3, "{times:?}");
    }

    /// The time in which the whole field moves κ is that of `−∇L_eff` by central differences and Euler steps, of which a thousand a doubling leave 10⁻³.
    #[test]
    fn waking_follows_the_gradient_of_the_effective_loss() {
        let router = Router::Tanh;
        let [expert, follower] = [18.0 * phi(router, 0), 6.0 * phi(router, 1)];
        let gain = |y: Overlaps| {
            let [[p, q], [r, s]] = forces(router, y);
            0.5 * ((p * p + q * q) / expert + (r * r + s * s) / follower)
        };
        let start = [0.1, 0.03, 0.02, 0.09];
        let (mut y, mut time) = (start, 0.0);
        while y[0] < 0.5 {
            let slope = |n: usize| {
                let moved = |h: f64| gain(std::array::from_fn(|m| y[m] + if m == n { h } else { 0.0 }));
                (moved(1e-6) - moved(-1e-6)) / 2e-6
            };
            let slopes: Overlaps = std::array::from_fn(slope);
            let h = 1e-3 * y[0] / slopes.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            (y, time) = (std::array::from_fn(|n| y[n] + h * slopes[n]), time + h);
        }
        assert!((waking_time(router, router, start) / time - 1.0).abs() < 5e-3, "{time}");
    }

    /// The forces are the gradient of the energy `E f_l f_k` of theory A2 at small overlaps, by central differences of the quartic form.
    #[test]
    fn forces_are_the_gradient_of_the_pair_energy() {
        for router in Router::ALL {
            let [a0, a1] = [0, 1].map(|n| router.hermite().value(n).powi(2));
            let energy =
                |[k, b, a, e]: Overlaps| 6.0 * a0 * k.powi(3) + 6.0 * a1 * (k.powi(3) * b + 3.0 * k * k * a * e);
            let y = [0.03, -0.02, 0.05, 0.04];
            let slope = |n: usize| {
                let moved = |h: f64| energy(std::array::from_fn(|m| y[m] + if m == n { h } else { 0.0 }));
                (moved(1e-5) - moved(-1e-5)) / 2e-5
            };
            let [[p, q], [r, s]] = forces(router, y);
            // By w̄_l: along w̄_k it is ∂κ, along v̄_k ∂a; by v̄_l: along v̄_k ∂β, along w̄_k ∂b.
            for (force, n) in [(p, 0), (q, 2), (r, 1), (s, 3)] {
                assert!((force - slope(n)).abs() < 1e-9, "{router} {n}: {force} {}", slope(n));
            }
        }
    }
}

//! The dependence on `A_0` itself: one family of routers, `π_a(z) = a + g(z)` with `g` odd.
//!
//! # What a shift changes (derived here)
//!
//! With odd `g`, in `Φ_{k,l}` the shift meets only `A_0` itself, and in a pair expectation of equal orders `k + l` is even: there `A_0` enters in `Φ_00` alone, where it adds `a²`. So, for `He_3`,
//!
//! ```text
//! K_a = K_0 + a²·6(w·w')³,     L_a = L_0 + 3a² Σ_ab c_a c_b (w̄_a·w̄_b)³
//! ```
//!
//! exactly. Neither the routers' gradients, nor the stability of `v ⟂ w` (`E(π_a²)'' = E(g²)''`), nor `Φ_11` and the router's eigenvalue know `a`; the rate of experts, `18a²κ²`, and their stiffness, `18(a² + E g²)`, do. Near the start of one pair
//!
//! ```text
//! κ' = 18a²κ² + 6A_1²(3κ²β + 6κab),     T ≈ √d/(18a²c)  for  a ≫ a_×,     T ∝ d  for  a ≪ a_×,     a_× = A_1 √κ_0 ∝ d^{−1/4}
//! ```
//!
//! where both terms are equal on the ray `κ : β : a : b = 3 : 1 : √3 : √3` of `together`. So the law of `A_0 = 0` is no other law, but the one that every router obeys up to `d_× = c²(A_1/A_0)⁴`, and `√d` is that of every `A_0 ≠ 0` beyond. The sigmoid is `½ + g` with `A_1 = 0.207`: `d_× = 0.03c²`, which is why no
//! trace of it is seen there; `0.06 + tanh` has `d_× = 10⁴`.
//!
//! # Where the bounds come from
//!
//! A pair on the ray from `κ_0 = 0.01`, with `a + tanh`: `a_× = 0.061`. Neglected are terms of relative size `κ²`, some units of a time of twenty to 760: `±0.05`. The family is integrated by Runge-Kutta of fourth order, whose step 0.1 is a thirteenth part of what the stiffest mode, `36E(g²)'' = 13`, admits without loss of
//! stability, for relative errors of `2·10⁻⁴`; the crossing, on a chord, is off by `κ''h²/8κ'`, below 0.01 of twenty units: `10⁻³` together. One `κ_0` and six shifts: what is judged is the law in `A_0`; that in `d` is its consequence.

use moe_kernels::Router;
use moe_theory::soft_routed::PopulationLoss;
use serde_json::json;

use super::law::quartic_time;
use super::together::{RAY, pair};
use super::within;
use crate::{CheckError, Column, Control, Evidence, Finding, Inexact, Run, Table};

const SHIFTS: [f64; 6] = [0.5, 0.2, 0.1, 0.06, 0.03, 0.0];
const NEAR: f64 = 0.01;
const ACCEPT: [f64; 2] = [0.95, 1.05];
const STEP: f64 = 0.1;
const READING: f64 = 1e-3;

/// Time at which `κ` reaches ½ from the ray.
fn time(run: &Run<'_>, shift: f64, overlaps: [f64; 4]) -> Result<Option<f64>, CheckError> {
    let [kappa, beta, a, b] = overlaps;
    let start = pair(Router::Tanh, [kappa, beta, a, b, 0.0])?;
    let mut state = start.state();
    let mut loss: PopulationLoss = start.population();
    let half = state.len() / 2;
    // The columns are router, expert; v* and w* are the first two coordinates.
    let mut field = |y: &[f64]| {
        let mut rate = vec![0.0; y.len()];
        loss.gradient(y, &mut rate);
        rate.iter_mut().for_each(|x| *x = -*x);
        let expert = &y[half..];
        let norm = expert.iter().map(|x| x * x).sum::<f64>().sqrt();
        let kappa = expert[1] / norm;
        let push = 18.0 * (shift * kappa).powi(2) / norm;
        for (k, (rate, x)) in rate[half..].iter_mut().zip(expert).enumerate() {
            *rate += push * (f64::from(u8::from(k == 1)) - kappa * x / norm);
        }
        rate
    };
    let along = |y: &[f64], k: &[f64], h: f64| -> Vec<f64> { y.iter().zip(k).map(|(y, k)| y + h * k).collect() };
    for n in 0..30_000 {
        run.proceed()?;
        let k1 = field(&state);
        let k2 = field(&along(&state, &k1, 0.5 * STEP));
        let k3 = field(&along(&state, &k2, 0.5 * STEP));
        let k4 = field(&along(&state, &k3, STEP));
        let before = state[half + 1];
        for (i, y) in state.iter_mut().enumerate() {
            *y += STEP / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
        }
        if state[half + 1] >= 0.5 {
            return Ok(Some(STEP * (n as f64 + (0.5 - before) / (state[half + 1] - before))));
        }
    }
    Ok(None)
}

pub(super) fn finding(run: &Run<'_>) -> Result<(Finding, Table), CheckError> {
    let overlaps = RAY.map(|x| x * NEAR / RAY[0]);
    let times = run.units("shifted", SHIFTS.len(), |unit| time(run, SHIFTS[unit], overlaps))?;
    let a1 = Router::Tanh.hermite().value(1);
    let both = |shift: f64| quartic_time([shift, a1], overlaps);
    let against = |k: usize, law: f64, which: &str| {
        let statement = format!("routers {} + tanh: T from κ = {NEAR} to ½ over that of {which}", SHIFTS[k]);
        match times[k] {
            Some(time) => Evidence::comparison(statement, within(time / law, READING), ACCEPT),
            None => Evidence::unresolved(Inexact::Comparison, statement, ACCEPT, "the pair does not align"),
        }
    };
    let items: Vec<Evidence> =
        (0..SHIFTS.len()).map(|k| against(k, both(SHIFTS[k]), "κ' = 18A_0²κ² + 6A_1²(3κ²β + 6κab)")).collect();
    let crossing = a1 * NEAR.sqrt();
    // At the crossing neither term alone will do.
    let controls =
        [against(3, both(0.0), "A_1 alone"), against(3, quartic_time([SHIFTS[3], 0.0], overlaps), "A_0 alone")]
            .map(Control::from);
    let finding = Finding::judged(
        "from A_0 = ½ to 0",
        "routers A_0 + tanh, from κ_0 = 0.01 alone: T is that of both terms, for A_0 on either side of A_1√κ_0, where they are equal (by this law T ∝ √d for d beyond c²(A_1/A_0)⁴, and T ∝ d up to there)",
        &items,
        &controls,
        json!({ "A_1√κ_0": crossing }),
    );
    let heads = ["A_0", "A_0/(A_1√κ_0)", "T", "both terms", "A_0 alone", "A_1 alone", "d_×/c²"];
    let mut table = Table::new("shifted", heads.map(|head| Column::new(head, "")));
    for (shift, time) in SHIFTS.into_iter().zip(&times) {
        let alone = (shift > 0.0).then(|| quartic_time([shift, 0.0], overlaps));
        table.push([
            shift.into(),
            (shift / crossing).into(),
            (*time).into(),
            both(shift).into(),
            alone.into(),
            both(0.0).into(),
            (shift > 0.0).then(|| (a1 / shift).powi(4)).into(),
        ]);
    }
    Ok((finding, table))
}

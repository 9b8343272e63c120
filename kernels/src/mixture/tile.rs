//! One tile of rows: the mixture, its derivatives by slot, the weights of the moments.
//!
//! # The formulas (derived here)
//!
//! With `g_{b|a}` the inner shares of group `a`, `G_a` the outer ones, `π_i = G_a g_{b|a}`, `h_i = λ_i act(u_i)`, `H_a = Σ_b g_{b|a} h_ab`, `f = Σ_a G_a H_a`, `r = f − y`, the first derivatives are
//!
//! ```text
//! s_a = G_a (H_a − f)  outer gate,     s_i = π_i (h_i − H_a)  gate,     s_i = π_i λ_i act'(u_i)  expert,     s_i = π_i act(u_i)  outer weight
//! ```
//!
//! and every second derivative is one of these products: a share `g` differentiates to `g_c (δ − g_c')`, so
//!
//! ```text
//! gates c, c' of one softmax:           δ s_c − s_c g_c' − s_c' g_c
//! a gate and what stands behind it:     s_e (δ − g_c)         (outer gate: all of its group counts as δ)
//! an expert with itself:                π_i λ_i act''         an expert with its outer weight: π_i act'
//! ```
//!
//! and 0 for the rest. A router and a temperature, `z_i = (ρ(q_i) + β_i)/τ`, multiply the derivatives by `z_i` with `∂z_i/∂q_i = ρ'/τ`, `∂z_i/∂β_i = 1/τ`, `∂z_i/∂τ = t_i = −z_i/τ` and add `s_i ∂²z_i`:
//!
//! ```text
//! ∂²z_i/∂q_i² = ρ''/τ,   ∂²z_i/∂q_i∂τ = −(∂z_i/∂q_i)/τ  (β_i alike),   ∂²z_i/∂τ² = −2t_i/τ
//! ∂/∂τ:  s_τ = Σ s_i t_i,  its share Σ g_i t_i;   with slot c of gate j: s_c (t_j − 1/τ) − s_τ g_c − s_c g_τ;   with itself: Σ s_i t_i (t_i − 2/τ) − 2 s_τ g_τ
//! ```

mod derivatives;
mod weights;
mod workspace;

use self::derivatives::derivatives;
pub(super) use self::weights::weigh;
pub use self::workspace::MixtureWorkspace;
pub(super) use self::workspace::TILE;
use self::workspace::{lanes, lanes_mut, row, row_mut};
use super::layout::{MixtureShape, Plan, Slot};
use crate::Activation;
use crate::activation::{activation_lanes, activation_value_lanes};
use crate::elementary::decay_lanes;
use pulp::Simd;

/// Atoms at most.
pub const MAX_ATOMS: usize = 16;

/// What a tile needs of its kernel.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) shape: &'a MixtureShape,
    pub(super) plan: &'a Plan,
    pub(super) theta: &'a [f64],
}

/// How much of a tile is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// `f`.
    Value,
    /// `f`, the first derivatives and the factors of the second.
    First,
}

/// The linear forms of a tile.
#[inline(always)]
fn forms<S: Simd>(simd: S, model: Model<'_>, work: &mut MixtureWorkspace) {
    let vectors = TILE / S::F64_LANES;
    let d = model.shape.dimension;
    let x = lanes::<S>(&work.features[TILE..]);
    let out = lanes_mut::<S>(&mut work.form);
    for (c, placed) in model.plan.slots[..model.plan.forms].iter().enumerate() {
        let slopes = &model.theta[placed.first..placed.first + d];
        let intercept = simd.splat_f64s(placed.intercept.map_or(0.0, |place| model.theta[place]));
        let out = &mut out[c * vectors..(c + 1) * vectors];
        let x = &x[..vectors];
        let slope = simd.splat_f64s(slopes[0]);
        for v in 0..vectors {
            out[v] = simd.mul_add_f64s(slope, x[v], intercept);
        }
        for u in 1..d {
            let slope = simd.splat_f64s(slopes[u]);
            let x = &lanes::<S>(&work.features[TILE..])[u * vectors..(u + 1) * vectors];
            for v in 0..vectors {
                out[v] = simd.mul_add_f64s(slope, x[v], out[v]);
            }
        }
    }
}

/// Slots and fixed numbers of each atom and group.
struct Slots {
    gate: [Option<usize>; MAX_ATOMS],
    expert: [usize; MAX_ATOMS],
    outer: [Option<usize>; MAX_ATOMS],
    intercept: [Option<usize>; MAX_ATOMS],
    weight: [Option<usize>; MAX_ATOMS],
    offset: [f64; MAX_ATOMS],
    lambda: [f64; MAX_ATOMS],
    temperature: Option<usize>,
    tau: f64,
}

impl Slots {
    fn new(model: Model<'_>) -> Self {
        let mut slots = Self {
            gate: [None; MAX_ATOMS],
            expert: [0; MAX_ATOMS],
            outer: [None; MAX_ATOMS],
            intercept: [None; MAX_ATOMS],
            weight: [None; MAX_ATOMS],
            offset: [0.0; MAX_ATOMS],
            lambda: [1.0; MAX_ATOMS],
            temperature: None,
            tau: 1.0,
        };
        for (c, placed) in model.plan.slots.iter().enumerate() {
            let value = model.theta[placed.first];
            match placed.slot {
                Slot::Outer(a) => slots.outer[a] = Some(c),
                Slot::Gate(i) => slots.gate[i] = Some(c),
                Slot::Expert(i) => slots.expert[i] = c,
                Slot::Intercept(i) => (slots.intercept[i], slots.offset[i]) = (Some(c), value),
                Slot::Weight(i) => (slots.weight[i], slots.lambda[i]) = (Some(c), value),
                Slot::Temperature => (slots.temperature, slots.tau) = (Some(c), value),
            }
        }
        slots
    }
}

/// Values of the experts, and with [`Order::First`] their derivatives.
#[inline(always)]
fn experts<S: Simd>(simd: S, model: Model<'_>, slots: &Slots, order: Order, work: &mut MixtureWorkspace) {
    let weighted = model.shape.outer_weight;
    let activation = model.shape.activation;
    let [h, slope, curve, act, act_slope] = &mut work.expert;
    for i in 0..model.plan.group.len() {
        let u = row::<S>(&work.form, slots.expert[i]);
        let h = row_mut::<S>(h, i);
        let lambda = simd.splat_f64s(slots.lambda[i]);
        if order == Order::Value {
            for v in 0..u.len() {
                let value = activation_value_lanes(simd, activation, u[v]);
                h[v] = if weighted { simd.mul_f64s(lambda, value) } else { value };
            }
            continue;
        }
        let (slope, curve) = (row_mut::<S>(slope, i), row_mut::<S>(curve, i));
        if weighted {
            let (act, act_slope) = (row_mut::<S>(act, i), row_mut::<S>(act_slope, i));
            for v in 0..u.len() {
                let [value, first, second] = activation_lanes(simd, activation, u[v]);
                (act[v], act_slope[v]) = (value, first);
                h[v] = simd.mul_f64s(lambda, value);
                slope[v] = simd.mul_f64s(lambda, first);
                curve[v] = simd.mul_f64s(lambda, second);
            }
        } else {
            for v in 0..u.len() {
                [h[v], slope[v], curve[v]] = activation_lanes(simd, activation, u[v]);
            }
        }
    }
}

/// Logits `z`, with `ρ'/τ` and `ρ''/τ` where the router is not linear.
#[inline(always)]
fn logits<S: Simd>(simd: S, model: Model<'_>, slots: &Slots, work: &mut MixtureWorkspace) {
    let router = model.shape.router;
    let linear = router == Activation::Linear;
    let cold = simd.splat_f64s(1.0 / slots.tau);
    let zero = simd.splat_f64s(0.0);
    let [z, slope, curve] = &mut work.logit;
    for i in 0..model.plan.group.len() {
        let z = row_mut::<S>(z, i);
        match slots.gate[i] {
            Some(c) => z.copy_from_slice(row::<S>(&work.form, c)),
            None => z.fill(zero),
        }
        if !linear {
            let (slope, curve) = (row_mut::<S>(slope, i), row_mut::<S>(curve, i));
            let offset = simd.splat_f64s(slots.offset[i]);
            for v in 0..z.len() {
                let [value, first, second] = activation_lanes(simd, router, z[v]);
                z[v] = simd.mul_f64s(simd.add_f64s(value, offset), cold);
                slope[v] = simd.mul_f64s(first, cold);
                curve[v] = simd.mul_f64s(second, cold);
            }
        } else if model.shape.temperature {
            for v in 0..z.len() {
                z[v] = simd.mul_f64s(z[v], cold);
            }
        }
    }
}

/// Shares `g = softmax(z)` of `count` rows and their mean of `h`.
#[inline(always)]
fn softmax<S: Simd>(
    simd: S,
    (z, h, g): (&[f64], &[f64], &mut [f64]),
    mean: &mut [f64],
    (top, total): (&mut [f64], &mut [f64]),
) {
    let count = z.len() / TILE;
    let (top, total, mean) = (row_mut::<S>(top, 0), row_mut::<S>(total, 0), row_mut::<S>(mean, 0));
    top.copy_from_slice(row::<S>(z, 0));
    for i in 1..count {
        let z = row::<S>(z, i);
        for v in 0..z.len() {
            top[v] = simd.max_f64s(top[v], z[v]);
        }
    }
    total.fill(simd.splat_f64s(0.0));
    mean.fill(simd.splat_f64s(0.0));
    for i in 0..count {
        let (z, h, g) = (row::<S>(z, i), row::<S>(h, i), row_mut::<S>(g, i));
        for v in 0..z.len() {
            let e = decay_lanes(simd, simd.sub_f64s(z[v], top[v]), None);
            g[v] = e;
            total[v] = simd.add_f64s(total[v], e);
            mean[v] = simd.mul_add_f64s(e, h[v], mean[v]);
        }
    }
    for v in 0..total.len() {
        total[v] = simd.div_f64s(simd.splat_f64s(1.0), total[v]);
        mean[v] = simd.mul_f64s(mean[v], total[v]);
    }
    for i in 0..count {
        let g = row_mut::<S>(g, i);
        for v in 0..g.len() {
            g[v] = simd.mul_f64s(g[v], total[v]);
        }
    }
}

/// Fills `value`, and `first`, `share`, `rows` if `order` asks for them; then the response must be loaded. Rows beyond `count` contribute 0.
#[inline(always)]
pub(super) fn evaluate<S: Simd>(simd: S, model: Model<'_>, order: Order, count: usize, work: &mut MixtureWorkspace) {
    let slots = Slots::new(model);
    let groups = model.shape.groups.len();
    forms(simd, model, work);
    experts(simd, model, &slots, order, work);
    logits(simd, model, &slots, work);
    let mut i = 0;
    for (a, size) in model.shape.groups.iter().enumerate() {
        let atoms = i * TILE..(i + size) * TILE;
        softmax(
            simd,
            (&work.logit[0][atoms.clone()], &work.expert[0][atoms.clone()], &mut work.inner[atoms]),
            &mut work.mean[a * TILE..(a + 1) * TILE],
            (&mut work.top, &mut work.total),
        );
        i += size;
    }
    if groups > 1 {
        for a in 0..groups {
            let z = row_mut::<S>(&mut work.outer_logit, a);
            match slots.outer[a] {
                Some(c) => z.copy_from_slice(row::<S>(&work.form, c)),
                None => z.fill(simd.splat_f64s(0.0)),
            }
        }
        softmax(
            simd,
            (&work.outer_logit, &work.mean, &mut work.outer),
            &mut work.value,
            (&mut work.top, &mut work.total),
        );
    } else {
        work.value.copy_from_slice(&work.mean);
    }
    if order == Order::First {
        derivatives(simd, model, &slots, work);
        if count < TILE {
            work.cut(count);
        }
    }
}

/// `Σ (f − y)²` of the first `count` rows.
#[inline(always)]
pub(super) fn squares<S: Simd>(simd: S, count: usize, work: &mut MixtureWorkspace) -> f64 {
    work.y[count..].copy_from_slice(&work.value[count..]);
    let (f, y) = (lanes::<S>(&work.value), lanes::<S>(&work.y));
    let mut sum = simd.splat_f64s(0.0);
    for v in 0..TILE / S::F64_LANES {
        let r = simd.sub_f64s(f[v], y[v]);
        sum = simd.mul_add_f64s(r, r, sum);
    }
    simd.reduce_sum_f64s(sum)
}

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

use super::layout::{MixtureShape, Plan, RESIDUAL, Share, Slot};
use crate::Activation;
use crate::activation::{activation_lanes, activation_value_lanes};
use crate::elementary::decay_lanes;
use pulp::Simd;

/// Rows of a tile: what the weights of three experts take fits the first cache.
pub(super) const TILE: usize = 128;
/// Atoms at most.
pub const MAX_ATOMS: usize = 16;

/// Buffers of one thread.
#[derive(Clone, Debug)]
pub struct MixtureWorkspace {
    /// `1, x_1, …, x_d`, then `x_u x_v`, `u ≤ v`.
    pub(super) features: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) value: Vec<f64>,
    /// Linear forms.
    form: Vec<f64>,
    /// `h`, then `λ act'`, `λ act''`, `act`, `act'`, by atom.
    expert: [Vec<f64>; 5],
    /// `z`, `ρ'/τ`, `ρ''/τ` by atom.
    logit: [Vec<f64>; 3],
    /// Shares `g` by atom, and `G` by group.
    inner: Vec<f64>,
    outer: Vec<f64>,
    /// `H` by group.
    mean: Vec<f64>,
    /// Outer logits.
    outer_logit: Vec<f64>,
    /// Largest logits; then what the shares are divided by.
    top: Vec<f64>,
    total: Vec<f64>,
    /// `s` by slot.
    pub(super) first: Vec<f64>,
    /// `p` by slot.
    share: Vec<f64>,
    /// The rows of the plan.
    pub(super) rows: Vec<f64>,
    /// Weights of the moments.
    pub(super) weights: Vec<f64>,
}

impl MixtureWorkspace {
    pub(super) fn new(plan: &Plan, dimension: usize) -> Self {
        let atoms = plan.group.len();
        let groups = plan.group.last().map_or(0, |last| last + 1);
        let zeros = |rows: usize| vec![0.0; rows * TILE];
        let weights = plan.couplings.iter().map(Vec::len).sum::<usize>() + plan.slots.len() + 1;
        let mut features = zeros((dimension + 1) * (dimension + 2) / 2);
        features[..TILE].fill(1.0);
        Self {
            features,
            y: zeros(1),
            value: zeros(1),
            form: zeros(plan.forms),
            expert: std::array::from_fn(|_| zeros(atoms)),
            logit: std::array::from_fn(|_| zeros(atoms)),
            inner: zeros(atoms),
            outer: zeros(groups),
            mean: zeros(groups),
            outer_logit: zeros(groups),
            top: zeros(1),
            total: zeros(1),
            first: zeros(plan.slots.len()),
            share: zeros(plan.slots.len()),
            rows: zeros(plan.rows.count),
            weights: zeros(weights),
        }
    }

    /// Takes in rows `from..from + count` of columns of length `length`; what is missing of a tile is 0.
    pub(super) fn load(&mut self, x: &[f64], length: usize, from: usize, count: usize) {
        for (u, column) in x.chunks_exact(length).enumerate() {
            let feature = &mut self.features[(u + 1) * TILE..(u + 2) * TILE];
            feature[..count].copy_from_slice(&column[from..from + count]);
            feature[count..].fill(0.0);
        }
    }

    pub(super) fn load_response(&mut self, y: &[f64]) {
        self.y[..y.len()].copy_from_slice(y);
    }

    /// Takes the rows beyond `count` out of everything that a weight is made of.
    fn cut(&mut self, count: usize) {
        for row in self.first.chunks_exact_mut(TILE).chain(self.rows.chunks_exact_mut(TILE)) {
            row[count..].fill(0.0);
        }
    }
}

#[inline(always)]
fn lanes<S: Simd>(row: &[f64]) -> &[S::f64s] {
    S::as_simd_f64s(row).0
}

#[inline(always)]
fn lanes_mut<S: Simd>(row: &mut [f64]) -> &mut [S::f64s] {
    S::as_mut_simd_f64s(row).0
}

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

/// Row `i`.
#[inline(always)]
fn row<S: Simd>(rows: &[f64], i: usize) -> &[S::f64s] {
    &lanes::<S>(&rows[i * TILE..(i + 1) * TILE])[..TILE / S::F64_LANES]
}

/// Row `i`, to write.
#[inline(always)]
fn row_mut<S: Simd>(rows: &mut [f64], i: usize) -> &mut [S::f64s] {
    &mut lanes_mut::<S>(&mut rows[i * TILE..(i + 1) * TILE])[..TILE / S::F64_LANES]
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

/// `first`, `share` and `rows` from the values.
#[inline(always)]
fn derivatives<S: Simd>(simd: S, model: Model<'_>, slots: &Slots, work: &mut MixtureWorkspace) {
    let Model { shape, plan, .. } = model;
    let vectors = TILE / S::F64_LANES;
    let (groups, plain) = (shape.groups.len(), shape.is_plain());
    let linear = shape.router == Activation::Linear;
    let cold = simd.splat_f64s(1.0 / slots.tau);
    let [h, slope, curve, act, act_slope] = &work.expert;
    let [z, route_slope, route_curve] = &work.logit;
    // The residuals are the first row, the others follow.
    let (r, rows) = work.rows.split_at_mut(TILE);
    let (value, y) = (row::<S>(&work.value, 0), row::<S>(&work.y, 0));
    let r = row_mut::<S>(r, 0);
    for v in 0..vectors {
        r[v] = simd.sub_f64s(value[v], y[v]);
    }
    let r = &*r;
    for a in 0..groups {
        if let Some(c) = slots.outer[a] {
            let (s, p) = (row_mut::<S>(&mut work.first, c), row_mut::<S>(&mut work.share, c));
            let (g, mean) = (row::<S>(&work.outer, a), row::<S>(&work.mean, a));
            for v in 0..vectors {
                s[v] = simd.mul_f64s(g[v], simd.sub_f64s(mean[v], value[v]));
                p[v] = simd.mul_f64s(r[v], g[v]);
            }
        }
    }
    let after = |row: usize| row - 1;
    if let Some(c) = slots.temperature {
        let zero = simd.splat_f64s(0.0);
        row_mut::<S>(&mut work.first, c).fill(zero);
        row_mut::<S>(&mut work.share, c).fill(zero);
        row_mut::<S>(rows, after(plan.rows.own + c)).fill(zero);
    }
    for i in 0..plan.group.len() {
        let a = plan.group[i];
        let g = row::<S>(&work.inner, i);
        let (h, mean) = (row::<S>(h, i), row::<S>(&work.mean, a));
        // π, in the row that the softmax has no use for any more.
        let pi = row_mut::<S>(&mut work.total, 0);
        if groups > 1 {
            let outer = row::<S>(&work.outer, a);
            for v in 0..vectors {
                pi[v] = simd.mul_f64s(outer[v], g[v]);
            }
        } else {
            pi.copy_from_slice(g);
        }
        let pi = &*pi;
        if let (true, Some(c)) = (plain, slots.gate[i]) {
            let (s, p) = (row_mut::<S>(&mut work.first, c), row_mut::<S>(&mut work.share, c));
            for v in 0..vectors {
                s[v] = simd.mul_f64s(pi[v], simd.sub_f64s(h[v], mean[v]));
                p[v] = simd.mul_f64s(r[v], g[v]);
            }
        }
        if !plain {
            // s by the logit.
            let by_logit = row_mut::<S>(&mut work.top, 0);
            for v in 0..vectors {
                by_logit[v] = simd.mul_f64s(pi[v], simd.sub_f64s(h[v], mean[v]));
            }
            let by_logit = &*by_logit;
            let (route_slope, route_curve) = (row::<S>(route_slope, i), row::<S>(route_curve, i));
            for (c, is_slope) in [(slots.gate[i], true), (slots.intercept[i], false)] {
                let Some(c) = c else { continue };
                let routed = is_slope && !linear;
                let (s, p) = (row_mut::<S>(&mut work.first, c), row_mut::<S>(&mut work.share, c));
                for v in 0..vectors {
                    let slope = if routed { route_slope[v] } else { cold };
                    s[v] = simd.mul_f64s(by_logit[v], slope);
                    p[v] = simd.mul_f64s(simd.mul_f64s(r[v], g[v]), slope);
                }
                let factor = row_mut::<S>(rows, after(plan.rows.slope(c)));
                for v in 0..vectors {
                    factor[v] = simd.mul_f64s(r[v], if routed { route_slope[v] } else { cold });
                }
                let own = row_mut::<S>(rows, after(plan.rows.own + c));
                for v in 0..vectors {
                    let curve = if routed { route_curve[v] } else { simd.splat_f64s(0.0) };
                    own[v] = simd.mul_f64s(r[v], simd.mul_f64s(by_logit[v], curve));
                }
            }
            if let Some(c) = slots.temperature {
                let (s, p) = (row_mut::<S>(&mut work.first, c), row_mut::<S>(&mut work.share, c));
                let z = row::<S>(z, i);
                let t = |v: usize| simd.neg_f64s(simd.mul_f64s(z[v], cold));
                for v in 0..vectors {
                    s[v] = simd.mul_add_f64s(by_logit[v], t(v), s[v]);
                    p[v] = simd.mul_add_f64s(simd.mul_f64s(r[v], g[v]), t(v), p[v]);
                }
                let own = row_mut::<S>(rows, after(plan.rows.own + c));
                for v in 0..vectors {
                    let heated = simd.mul_f64s(simd.mul_f64s(r[v], by_logit[v]), t(v));
                    let bend = simd.sub_f64s(t(v), simd.add_f64s(cold, cold));
                    own[v] = simd.mul_add_f64s(heated, bend, own[v]);
                }
                let cooled = row_mut::<S>(rows, after(plan.rows.cooled + i));
                for v in 0..vectors {
                    cooled[v] = simd.mul_f64s(r[v], simd.sub_f64s(t(v), cold));
                }
                let heat = row_mut::<S>(rows, after(plan.rows.heat + i));
                for v in 0..vectors {
                    heat[v] = simd.mul_f64s(r[v], t(v));
                }
            }
        }
        let (slope, curve) = (row::<S>(slope, i), row::<S>(curve, i));
        let s = row_mut::<S>(&mut work.first, slots.expert[i]);
        let bend = row_mut::<S>(rows, after(plan.rows.bend + i));
        for v in 0..vectors {
            s[v] = simd.mul_f64s(pi[v], slope[v]);
            bend[v] = simd.mul_f64s(simd.mul_f64s(r[v], pi[v]), curve[v]);
        }
        if let Some(c) = slots.weight[i] {
            let (act, act_slope) = (row::<S>(act, i), row::<S>(act_slope, i));
            let s = row_mut::<S>(&mut work.first, c);
            let lift = row_mut::<S>(rows, after(plan.rows.lift + i));
            for v in 0..vectors {
                s[v] = simd.mul_f64s(pi[v], act[v]);
                lift[v] = simd.mul_f64s(simd.mul_f64s(r[v], pi[v]), act_slope[v]);
            }
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

/// The weight of every moment of a tile: of each coupling the second derivative of `½ r²` by its two slots (of the Gauss–Newton part unless `curved`), then of each slot `r s`, and `r²`; couplings and slots in the order forms, mixed, scalars as
/// [`Gram`](super::gram) takes them.
#[inline(always)]
pub(super) fn weigh<S: Simd>(simd: S, plan: &Plan, curved: bool, work: &mut MixtureWorkspace) {
    let vectors = TILE / S::F64_LANES;
    let first = lanes::<S>(&work.first);
    let share = lanes::<S>(&work.share);
    let rows = lanes::<S>(&work.rows);
    let weights = lanes_mut::<S>(&mut work.weights);
    let mut w = 0;
    let r = &rows[RESIDUAL * vectors..(RESIDUAL + 1) * vectors];
    for kind in 0..3 {
        for coupling in &plan.couplings[kind] {
            let [c, e] = coupling.slots;
            let out = &mut weights[w * vectors..(w + 1) * vectors];
            let (s, t) = (&first[c * vectors..(c + 1) * vectors], &first[e * vectors..(e + 1) * vectors]);
            let (p, q) = (&share[c * vectors..(c + 1) * vectors], &share[e * vectors..(e + 1) * vectors]);
            w += 1;
            if !curved {
                for v in 0..vectors {
                    out[v] = simd.mul_f64s(s[v], t[v]);
                }
                continue;
            }
            match (coupling.share, coupling.factor) {
                (Share::None, _) => {
                    for v in 0..vectors {
                        out[v] = simd.mul_f64s(s[v], t[v]);
                    }
                }
                (Share::First, None) => {
                    for v in 0..vectors {
                        out[v] = simd.mul_f64s(t[v], simd.sub_f64s(s[v], p[v]));
                    }
                }
                (Share::First, Some(factor)) => {
                    let factor = &rows[factor * vectors..(factor + 1) * vectors];
                    for v in 0..vectors {
                        let by = simd.add_f64s(simd.sub_f64s(s[v], p[v]), factor[v]);
                        out[v] = simd.mul_f64s(t[v], by);
                    }
                }
                (Share::Both, None) => {
                    for v in 0..vectors {
                        let by = simd.sub_f64s(s[v], p[v]);
                        out[v] = simd.mul_add_f64s(t[v], by, simd.neg_f64s(simd.mul_f64s(q[v], s[v])));
                    }
                }
                (Share::Both, Some(factor)) => {
                    let factor = &rows[factor * vectors..(factor + 1) * vectors];
                    for v in 0..vectors {
                        let by = simd.add_f64s(simd.sub_f64s(s[v], p[v]), factor[v]);
                        out[v] = simd.mul_add_f64s(t[v], by, simd.neg_f64s(simd.mul_f64s(q[v], s[v])));
                    }
                }
            }
            if let Some(term) = coupling.term {
                let term = &rows[term * vectors..(term + 1) * vectors];
                for v in 0..vectors {
                    out[v] = simd.add_f64s(out[v], term[v]);
                }
            }
        }
        let slots = match kind {
            0 => 0..0,
            1 => 0..plan.forms,
            _ => plan.forms..plan.slots.len(),
        };
        for c in slots {
            let out = &mut weights[w * vectors..(w + 1) * vectors];
            let s = &first[c * vectors..(c + 1) * vectors];
            w += 1;
            for v in 0..vectors {
                out[v] = simd.mul_f64s(r[v], s[v]);
            }
        }
    }
    let out = &mut weights[w * vectors..(w + 1) * vectors];
    for v in 0..vectors {
        out[v] = simd.mul_f64s(r[v], r[v]);
    }
}

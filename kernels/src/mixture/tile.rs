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
        let zeros = |rows: usize| vec![0.0; rows * TILE];
        let weights = plan.couplings.iter().map(Vec::len).sum::<usize>() + plan.slots.len() + 1;
        let mut features = zeros((dimension + 1) * (dimension + 2) / 2);
        features[..TILE].fill(1.0);
        Self {
            features,
            y: zeros(1),
            value: zeros(1),
            form: zeros(plan.forms),
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

/// Fills `value`, and `first`, `share`, `rows` if `order` asks for them; then the response must be loaded. Rows beyond `count` contribute 0.
#[inline(always)]
pub(super) fn evaluate<S: Simd>(simd: S, model: Model<'_>, order: Order, count: usize, work: &mut MixtureWorkspace) {
    forms(simd, model, work);
    let Model { shape, plan, theta } = model;
    let vectors = TILE / S::F64_LANES;
    let (atoms, groups) = (plan.group.len(), shape.groups.len());
    let splat = |x: f64| simd.splat_f64s(x);
    let zero = splat(0.0);
    let linear = shape.router == Activation::Linear;
    let plain = shape.is_plain();

    // Slots and parameters of each atom.
    let mut gate = [usize::MAX; MAX_ATOMS];
    let mut expert = [usize::MAX; MAX_ATOMS];
    let mut outer = [usize::MAX; MAX_ATOMS];
    let mut intercept = [usize::MAX; MAX_ATOMS];
    let mut weight = [usize::MAX; MAX_ATOMS];
    let mut offset = [0.0; MAX_ATOMS];
    let mut lambda = [1.0; MAX_ATOMS];
    let mut temperature = usize::MAX;
    let mut tau = 1.0;
    for (c, placed) in plan.slots.iter().enumerate() {
        match placed.slot {
            Slot::Outer(a) => outer[a] = c,
            Slot::Gate(i) => gate[i] = c,
            Slot::Expert(i) => expert[i] = c,
            Slot::Intercept(i) => {
                intercept[i] = c;
                offset[i] = theta[placed.first];
            }
            Slot::Weight(i) => {
                weight[i] = c;
                lambda[i] = theta[placed.first];
            }
            Slot::Temperature => {
                temperature = c;
                tau = theta[placed.first];
            }
        }
    }
    let cold = splat(1.0 / tau);

    let mut act = [[zero; 3]; MAX_ATOMS];
    let mut h = [zero; MAX_ATOMS];
    let mut z = [zero; MAX_ATOMS];
    let mut route = [[zero; 2]; MAX_ATOMS];
    let mut g = [zero; MAX_ATOMS];
    let mut inner = [zero; MAX_ATOMS];
    let mut top = [zero; MAX_ATOMS];
    for v in 0..vectors {
        let form = lanes::<S>(&work.form);
        for i in 0..atoms {
            let u = form[expert[i] * vectors + v];
            if order == Order::Value {
                act[i][0] = activation_value_lanes(simd, shape.activation, u);
            } else {
                act[i] = activation_lanes(simd, shape.activation, u);
            }
            h[i] = if shape.outer_weight { simd.mul_f64s(splat(lambda[i]), act[i][0]) } else { act[i][0] };
        }
        let mut i = 0;
        for a in 0..groups {
            let end = i + shape.groups[a];
            for i in i..end {
                let q = if gate[i] == usize::MAX { zero } else { form[gate[i] * vectors + v] };
                z[i] = q;
                if !linear {
                    let [value, slope, curve] = activation_lanes(simd, shape.router, q);
                    z[i] = simd.add_f64s(value, splat(offset[i]));
                    route[i] = [slope, curve];
                }
                if !plain {
                    z[i] = simd.mul_f64s(z[i], cold);
                }
            }
            inner[a] = softmax(simd, &z[i..end], &h[i..end], &mut g[i..end]);
            i = end;
        }
        let mut f = inner[0];
        if groups > 1 {
            for a in 0..groups {
                z[a] = if outer[a] == usize::MAX { zero } else { form[outer[a] * vectors + v] };
            }
            f = softmax(simd, &z[..groups], &inner[..groups], &mut top[..groups]);
        }
        lanes_mut::<S>(&mut work.value)[v] = f;
        if order == Order::Value {
            continue;
        }
        let r = simd.sub_f64s(f, lanes::<S>(&work.y)[v]);
        let first = lanes_mut::<S>(&mut work.first);
        let share = lanes_mut::<S>(&mut work.share);
        let rows = lanes_mut::<S>(&mut work.rows);
        rows[RESIDUAL * vectors + v] = r;
        for a in 0..groups {
            if outer[a] != usize::MAX {
                first[outer[a] * vectors + v] = simd.mul_f64s(top[a], simd.sub_f64s(inner[a], f));
                share[outer[a] * vectors + v] = simd.mul_f64s(r, top[a]);
            }
        }
        let (mut warm, mut warm_share, mut warm_own) = (zero, zero, zero);
        for i in 0..atoms {
            let a = plan.group[i];
            let pi = if groups > 1 { simd.mul_f64s(top[a], g[i]) } else { g[i] };
            let by_logit = simd.mul_f64s(pi, simd.sub_f64s(h[i], inner[a]));
            let r_share = simd.mul_f64s(r, g[i]);
            let r_pi = simd.mul_f64s(r, pi);
            if plain {
                if gate[i] != usize::MAX {
                    first[gate[i] * vectors + v] = by_logit;
                    share[gate[i] * vectors + v] = r_share;
                }
            } else {
                if gate[i] != usize::MAX {
                    let c = gate[i];
                    let slope = if linear { cold } else { simd.mul_f64s(route[i][0], cold) };
                    first[c * vectors + v] = simd.mul_f64s(by_logit, slope);
                    share[c * vectors + v] = simd.mul_f64s(r_share, slope);
                    rows[plan.rows.slope(c) * vectors + v] = simd.mul_f64s(r, slope);
                    let curve = if linear { zero } else { simd.mul_f64s(route[i][1], cold) };
                    rows[(plan.rows.own + c) * vectors + v] = simd.mul_f64s(r, simd.mul_f64s(by_logit, curve));
                }
                if intercept[i] != usize::MAX {
                    let c = intercept[i];
                    first[c * vectors + v] = simd.mul_f64s(by_logit, cold);
                    share[c * vectors + v] = simd.mul_f64s(r_share, cold);
                    rows[plan.rows.slope(c) * vectors + v] = simd.mul_f64s(r, cold);
                    rows[(plan.rows.own + c) * vectors + v] = zero;
                }
                if temperature != usize::MAX {
                    let t = simd.neg_f64s(simd.mul_f64s(z[i], cold));
                    let heated = simd.mul_f64s(by_logit, t);
                    warm = simd.add_f64s(warm, heated);
                    warm_share = simd.mul_add_f64s(t, g[i], warm_share);
                    warm_own = simd.mul_add_f64s(heated, simd.sub_f64s(t, simd.add_f64s(cold, cold)), warm_own);
                    rows[(plan.rows.cooled + i) * vectors + v] = simd.mul_f64s(r, simd.sub_f64s(t, cold));
                    rows[(plan.rows.heat + i) * vectors + v] = simd.mul_f64s(r, t);
                }
            }
            let scale = if shape.outer_weight { simd.mul_f64s(pi, splat(lambda[i])) } else { pi };
            first[expert[i] * vectors + v] = simd.mul_f64s(scale, act[i][1]);
            rows[(plan.rows.bend + i) * vectors + v] = simd.mul_f64s(simd.mul_f64s(r, scale), act[i][2]);
            if shape.outer_weight {
                first[weight[i] * vectors + v] = simd.mul_f64s(pi, act[i][0]);
                rows[(plan.rows.lift + i) * vectors + v] = simd.mul_f64s(r_pi, act[i][1]);
            }
        }
        if temperature != usize::MAX {
            first[temperature * vectors + v] = warm;
            share[temperature * vectors + v] = simd.mul_f64s(r, warm_share);
            rows[(plan.rows.own + temperature) * vectors + v] = simd.mul_f64s(r, warm_own);
        }
    }
    if order != Order::Value && count < TILE {
        work.cut(count);
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

/// `Σ g_i h_i` and the shares `g = softmax(z)`.
#[inline(always)]
fn softmax<S: Simd>(simd: S, z: &[S::f64s], h: &[S::f64s], g: &mut [S::f64s]) -> S::f64s {
    let mut top = z[0];
    for i in 1..z.len() {
        top = simd.max_f64s(top, z[i]);
    }
    let mut total = simd.splat_f64s(0.0);
    for i in 0..z.len() {
        g[i] = decay_lanes(simd, simd.sub_f64s(z[i], top), None);
        total = simd.add_f64s(total, g[i]);
    }
    let scale = simd.div_f64s(simd.splat_f64s(1.0), total);
    let mut value = simd.splat_f64s(0.0);
    for i in 0..z.len() {
        g[i] = simd.mul_f64s(g[i], scale);
        value = simd.mul_add_f64s(g[i], h[i], value);
    }
    value
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

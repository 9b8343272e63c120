//! What is kept of a tile: one row of numbers for every quantity, as vectors of the instruction set.

use super::super::layout::Plan;
use pulp::Simd;

/// Rows of a tile: what the weights of three experts take fits the first cache.
pub(in crate::mixture) const TILE: usize = 128;

/// Buffers of one thread.
#[derive(Clone, Debug)]
pub struct MixtureWorkspace {
    /// `1, x_1, …, x_d`, then `x_u x_v`, `u ≤ v`.
    pub(in crate::mixture) features: Vec<f64>,
    pub(in crate::mixture) y: Vec<f64>,
    pub(in crate::mixture) value: Vec<f64>,
    /// Linear forms.
    pub(super) form: Vec<f64>,
    /// `h`, then `λ act'`, `λ act''`, `act`, `act'`, by atom.
    pub(super) expert: [Vec<f64>; 5],
    /// `z`, `ρ'/τ`, `ρ''/τ` by atom.
    pub(super) logit: [Vec<f64>; 3],
    /// Shares `g` by atom, and `G` by group.
    pub(super) inner: Vec<f64>,
    pub(super) outer: Vec<f64>,
    /// `H` by group.
    pub(super) mean: Vec<f64>,
    /// Outer logits.
    pub(super) outer_logit: Vec<f64>,
    /// Largest logits; then what the shares are divided by.
    pub(super) top: Vec<f64>,
    pub(super) total: Vec<f64>,
    /// `s` by slot.
    pub(in crate::mixture) first: Vec<f64>,
    /// `p` by slot.
    pub(super) share: Vec<f64>,
    /// The rows of the plan.
    pub(in crate::mixture) rows: Vec<f64>,
    /// Weights of the moments.
    pub(in crate::mixture) weights: Vec<f64>,
}

impl MixtureWorkspace {
    pub(in crate::mixture) fn new(plan: &Plan, dimension: usize) -> Self {
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
    pub(in crate::mixture) fn load(&mut self, x: &[f64], length: usize, from: usize, count: usize) {
        for (u, column) in x.chunks_exact(length).enumerate() {
            let feature = &mut self.features[(u + 1) * TILE..(u + 2) * TILE];
            feature[..count].copy_from_slice(&column[from..from + count]);
            feature[count..].fill(0.0);
        }
    }

    pub(in crate::mixture) fn load_response(&mut self, y: &[f64]) {
        self.y[..y.len()].copy_from_slice(y);
    }

    /// Takes the rows beyond `count` out of everything that a weight is made of.
    pub(super) fn cut(&mut self, count: usize) {
        for row in self.first.chunks_exact_mut(TILE).chain(self.rows.chunks_exact_mut(TILE)) {
            row[count..].fill(0.0);
        }
    }
}

#[inline(always)]
pub(super) fn lanes<S: Simd>(row: &[f64]) -> &[S::f64s] {
    S::as_simd_f64s(row).0
}

#[inline(always)]
pub(super) fn lanes_mut<S: Simd>(row: &mut [f64]) -> &mut [S::f64s] {
    S::as_mut_simd_f64s(row).0
}

/// Row `i`.
#[inline(always)]
pub(super) fn row<S: Simd>(rows: &[f64], i: usize) -> &[S::f64s] {
    &lanes::<S>(&rows[i * TILE..(i + 1) * TILE])[..TILE / S::F64_LANES]
}

/// Row `i`, to write.
#[inline(always)]
pub(super) fn row_mut<S: Simd>(rows: &mut [f64], i: usize) -> &mut [S::f64s] {
    &mut lanes_mut::<S>(&mut rows[i * TILE..(i + 1) * TILE])[..TILE / S::F64_LANES]
}

//! Moments of the weights against the features of a tile: a small matrix product.

use super::layout::{Placed, Plan};
use super::tile::{MixtureWorkspace, TILE};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::Simd;

/// Features from which the general matrix product is faster than the one here.
const MANY: usize = 24;

/// Sums over rows from which value, gradient and Hessian of `½ Σ r²` are made. Sums of disjoint sets of rows add up.
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureMoments {
    dimension: usize,
    /// Couplings of two forms, in all products of two features.
    square: Vec<f64>,
    /// Couplings of a form and a scalar, then gradients of forms, in the features `1, x`.
    line: Vec<f64>,
    /// Couplings of scalars, gradients of scalars, `Σ r²`.
    point: Vec<f64>,
}

impl MixtureMoments {
    pub(super) fn new(plan: &Plan, dimension: usize) -> Self {
        let [square, line, point] = [0, 1, 2].map(|kind| plan.couplings[kind].len());
        let scalars = plan.slots.len() - plan.forms;
        Self {
            dimension,
            square: vec![0.0; square * (dimension + 1) * (dimension + 2) / 2],
            line: vec![0.0; (line + plan.forms) * (dimension + 1)],
            point: vec![0.0; point + scalars + 1],
        }
    }

    /// Adds the sums of other rows.
    ///
    /// # Panics
    /// If the other sums are of another shape.
    pub fn add(&mut self, other: &Self) {
        let pairs = [(&mut self.square, &other.square), (&mut self.line, &other.line), (&mut self.point, &other.point)];
        for (mine, theirs) in pairs {
            assert_eq!(mine.len(), theirs.len(), "moments of one shape");
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
    }

    /// Back to no rows.
    pub fn clear(&mut self) {
        self.square.fill(0.0);
        self.line.fill(0.0);
        self.point.fill(0.0);
    }

    /// `Σ r²`.
    pub fn sum_of_squares(&self) -> f64 {
        *self.point.last().expect("the sum is always there")
    }

    /// Takes in the weights of a tile.
    #[inline(always)]
    pub(super) fn accumulate<S: Simd>(&mut self, simd: S, work: &MixtureWorkspace) {
        let inputs = self.dimension + 1;
        let products = inputs * (inputs + 1) / 2;
        let (square, line) = (self.square.len() / products, self.line.len() / inputs);
        let (first, rest) = work.weights.split_at(square * TILE);
        let (second, third) = rest.split_at(line * TILE);
        product(simd, first, &work.features, products, &mut self.square);
        product(simd, second, &work.features[..inputs * TILE], inputs, &mut self.line);
        product(simd, third, &work.features[..TILE], 1, &mut self.point);
    }

    /// Gradient and Hessian of `½ Σ r²` from the sums: the gradient, and the symmetric matrix by rows.
    pub(super) fn derivatives(&self, plan: &Plan, parameters: usize) -> (Vec<f64>, Vec<f64>) {
        let d = self.dimension;
        let inputs = d + 1;
        let products = inputs * (inputs + 1) / 2;
        // Place of the parameter that a slot's feature belongs to, 0 the constant.
        let place = |placed: &Placed, u: usize| if u == 0 { placed.intercept } else { Some(placed.first + u - 1) };
        // Place of the product of two features: 1, x_u first, then rows of the upper triangle.
        let product = |u: usize, v: usize| match (u.min(v), u.max(v)) {
            (0, high) => high,
            (low, high) => inputs + (low - 1) * (2 * d - low + 2) / 2 + (high - low),
        };
        let mut gradient = vec![0.0; parameters];
        let mut hessian = vec![0.0; parameters * parameters];
        let mut put = |i: usize, j: usize, value: f64| {
            hessian[i * parameters + j] = value;
            hessian[j * parameters + i] = value;
        };
        for (coupling, moments) in plan.couplings[0].iter().zip(self.square.chunks_exact(products)) {
            let [c, e] = coupling.slots.map(|slot| &plan.slots[slot]);
            for u in 0..inputs {
                for v in 0..inputs {
                    if let (Some(i), Some(j)) = (place(c, u), place(e, v)) {
                        put(i, j, moments[product(u, v)]);
                    }
                }
            }
        }
        let lines = plan.couplings[1].len();
        for (coupling, moments) in plan.couplings[1].iter().zip(self.line.chunks_exact(inputs)) {
            let [mut form, mut scalar] = coupling.slots;
            if form >= plan.forms {
                (form, scalar) = (scalar, form);
            }
            for u in 0..inputs {
                if let Some(i) = place(&plan.slots[form], u) {
                    put(i, plan.slots[scalar].first, moments[u]);
                }
            }
        }
        for (form, moments) in plan.slots.iter().zip(self.line[lines * inputs..].chunks_exact(inputs)) {
            for u in 0..inputs {
                if let Some(i) = place(form, u) {
                    gradient[i] = moments[u];
                }
            }
        }
        let points = plan.couplings[2].len();
        for (coupling, moment) in plan.couplings[2].iter().zip(&self.point) {
            let [c, e] = coupling.slots.map(|slot| plan.slots[slot].first);
            put(c, e, *moment);
        }
        for (scalar, moment) in plan.slots[plan.forms..].iter().zip(&self.point[points..]) {
            gradient[scalar.first] = *moment;
        }
        (gradient, hessian)
    }
}

/// The products of two inputs, where the inputs themselves are in place.
#[inline(always)]
pub(super) fn multiply_features<S: Simd>(simd: S, dimension: usize, work: &mut MixtureWorkspace) {
    let vectors = TILE / S::F64_LANES;
    let (inputs, products) = work.features.split_at_mut((dimension + 1) * TILE);
    let inputs = S::as_simd_f64s(inputs).0;
    let products = S::as_mut_simd_f64s(products).0;
    let mut place = 0;
    for u in 1..=dimension {
        for v in u..=dimension {
            for i in 0..vectors {
                products[place * vectors + i] = simd.mul_f64s(inputs[u * vectors + i], inputs[v * vectors + i]);
            }
            place += 1;
        }
    }
}

/// `out[i][j] += Σ_rows w_i f_j`, `out` by rows of `features` numbers.
#[inline(always)]
fn product<S: Simd>(simd: S, weights: &[f64], f: &[f64], features: usize, out: &mut [f64]) {
    let count = weights.len() / TILE;
    if features >= MANY {
        // Columns of the transposed matrices are the rows here.
        let w = MatRef::from_column_major_slice(weights, TILE, count);
        let f = MatRef::from_column_major_slice(f, TILE, features);
        let out = MatMut::from_column_major_slice_mut(out, features, count);
        matmul(out, Accum::Add, f.transpose(), w, 1.0, Par::Seq);
        return;
    }
    let mut j = 0;
    while j < features {
        let width = (features - j).min(3);
        let mut i = 0;
        while i < count {
            let height = (count - i).min(4);
            let w = &weights[i * TILE..(i + height) * TILE];
            let f = &f[j * TILE..(j + width) * TILE];
            let out = &mut out[i * features + j..];
            match (height, width) {
                (4, 3) => block::<S, 4, 3>(simd, w, f, features, out),
                (4, 2) => block::<S, 4, 2>(simd, w, f, features, out),
                (4, 1) => block::<S, 4, 1>(simd, w, f, features, out),
                (3, 3) => block::<S, 3, 3>(simd, w, f, features, out),
                (3, 2) => block::<S, 3, 2>(simd, w, f, features, out),
                (3, 1) => block::<S, 3, 1>(simd, w, f, features, out),
                (2, 3) => block::<S, 2, 3>(simd, w, f, features, out),
                (2, 2) => block::<S, 2, 2>(simd, w, f, features, out),
                (2, 1) => block::<S, 2, 1>(simd, w, f, features, out),
                (_, 3) => block::<S, 1, 3>(simd, w, f, features, out),
                (_, 2) => block::<S, 1, 2>(simd, w, f, features, out),
                _ => block::<S, 1, 1>(simd, w, f, features, out),
            }
            i += height;
        }
        j += width;
    }
}

#[inline(always)]
fn block<S: Simd, const M: usize, const N: usize>(simd: S, w: &[f64], f: &[f64], stride: usize, out: &mut [f64]) {
    let vectors = TILE / S::F64_LANES;
    let (w, f) = (S::as_simd_f64s(w).0, S::as_simd_f64s(f).0);
    let (w, f) = (&w[..M * vectors], &f[..N * vectors]);
    let mut sums = [[simd.splat_f64s(0.0); N]; M];
    for v in 0..vectors {
        for i in 0..M {
            for j in 0..N {
                sums[i][j] = simd.mul_add_f64s(w[i * vectors + v], f[j * vectors + v], sums[i][j]);
            }
        }
    }
    for i in 0..M {
        for j in 0..N {
            out[i * stride + j] += simd.reduce_sum_f64s(sums[i][j]);
        }
    }
}

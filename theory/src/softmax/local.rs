//! The constant of the `L1` rate near a true measure, predicted from its first and second derivatives.

use super::distance::Cubature;
use super::expansion::Expansion;
use super::model::{Architecture, Gate, MixingMeasure};
use faer::linalg::solvers::SolveLstsq;
use faer::{Mat, MatRef};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use thiserror::Error;

/// Random starts of the search for `v`.
const STARTS: usize = 60;

/// Singular values below this, relative to the largest, are zeros that rounding hides: the functions are sums of a few terms with relative errors of a few `10⁻¹⁶`.
const NEGLIGIBLE: f64 = 1e-13;

/// Why there is no constant.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum LocalError {
    /// Another number of cells, or an empty cell.
    #[error(
        "{found} cells are given, of which {empty} are empty; each of the {blocks} true atoms (groups first) needs one atom or more"
    )]
    Cells {
        /// Their number.
        found: usize,
        /// How many have no atom.
        empty: usize,
        /// Their number as it should be.
        blocks: usize,
    },
    /// The measure or the inputs are not of the class.
    #[error("the true measure or the inputs have another dimension than the class, which is {expected}")]
    Dimension {
        /// `d` of the class.
        expected: usize,
    },
    /// The functions are not finite.
    #[error("the functions of the expansion are not finite over the inputs")]
    NotFinite,
}

/// The predicted constant and what it is made of.
///
/// To the order of `L1`, `D_G (f_G − f_{G*}) ≈ Σ_j {m0_j Ψ_j + ⟨m1_j, ∂Ψ_j⟩ + ½⟨M2_j, ∂²Ψ_j⟩} + Δτ T` with `Ψ_j = e^{ωᵀx}(h(x, η) − f_{G*}(x))` at the true atoms
/// and `T = ∂_τ Σ_j w*_jΨ_j`. In `L²(μ)`, all functions divided by `D*`, and with `n_j` fitted atoms in cell `j` (derived here):
///
/// ```text
/// v = min ‖Σ_j ½⟨M2_j, ∂²Ψ_j⟩ − (closest first-order combination)‖   over M2_j ⪰ 0, rank M2_j ≤ n_j − 1, Σ tr M2_j = 1
/// s = least singular value of the first-order functions {Ψ_j, ∂Ψ_j}, T, on the complement of the translations
/// b ≥ max ½‖⟨M, ∂²Ψ_j⟩‖ over the same M2
/// ‖D_G (f_G − f_{G*})/D*‖ ≥ (vs/(v + s + b) − o(1)) (|m| + Σ tr M2)
/// ```
///
/// `|m|` is the Euclidean norm of `(m0, m1, Δτ)` modulo translations. *The last line:* let `g = ‖first + second‖`, `T = Σ tr M2`. Projecting out the first order,
/// `g ≥ vT`; and `g ≥ s|m| − bT`. So
/// `|m| + T ≤ (g + bT)/s + T ≤ g (1/s + b/(sv) + 1/v) = g (v + s + b)/(vs)`. The rank is what `n_j` atoms attain: the `n_j` steps `Δ_i` satisfy one linear relation
/// up to the order of `m1`. Without an over-fitted cell the constant is `s`.
///
/// In a hierarchical mixture with an over-fitted *outer* cell the minimum is taken over clones with equal leaves only: `v = 0` then still shows a flat direction,
/// but `v > 0` proves nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalConstant {
    /// `v`: the least value found, so from above; `None` without an over-fitted cell. Below about `10⁻¹⁴` it is zero as far as double precision can tell.
    pub second: Option<f64>,
    /// `s`; the same holds.
    pub first: f64,
    /// `b`, from above by `½σ`, `σ` the largest singular value of all `∂²Ψ` of a block; 0 without an over-fitted cell.
    pub bound: f64,
    /// `vs/(v + s + b)`, or `s`.
    pub constant: f64,
    /// The minimiser: for each true atom, vectors `u` with `M2_j = Σ u uᵀ`.
    pub directions: Vec<Vec<Vec<f64>>>,
}

/// The predicted constant of a class at a true measure, for `cells[j] = n_j ≥ 1` fitted atoms at true atom `j`. In a hierarchical class the cells of the groups
/// come first, then those of their leaves.
///
/// ```
/// use moe_kernels::Activation;
/// use moe_theory::softmax::{Architecture, Atom, Cubature, Gate, Inputs, MixingMeasure, local_constant};
/// let class = |activation| Architecture { dimension: 1, gate: Gate::Softmax, sizes: vec![3], activation, outer_weight: false };
/// let atom = |omega, beta, a, b| Atom { omega: vec![omega], beta, a: vec![a], b, lambda: 1.0 };
/// let truth = MixingMeasure::flat(vec![atom(2.0, 0.3, 3.0, -0.5), atom(0.0, 0.0, -2.0, 1.0)], 1.0);
/// let rule = Cubature::new(&Inputs::Uniform { low: vec![-3.0], high: vec![3.0] })?;
/// let value = |activation| local_constant(&class(activation), &truth, &rule, &[2, 1]).map(|local| local.second.unwrap());
/// // Linear experts: a split in (a, b) is invisible.
/// assert!(value(Activation::Linear)? < 1e-13 && value(Activation::Tanh)? > 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Every [`LocalError`].
pub fn local_constant(
    class: &Architecture,
    truth: &MixingMeasure,
    rule: &Cubature,
    cells: &[usize],
) -> Result<LocalConstant, LocalError> {
    let expected = class.dimension;
    let outer = truth.groups.iter().all(|group| group.alpha.len() == expected);
    let inner = truth.atoms().all(|atom| atom.omega.len() == expected && atom.a.len() == expected);
    let count = class.gate == Gate::Hierarchical || truth.groups.len() == 1;
    if rule.dimension() != expected || !outer || !inner || !count {
        return Err(LocalError::Dimension { expected });
    }
    let expansion = Expansion::new(class, truth);
    let (found, blocks) = (cells.len(), expansion.blocks.len());
    let empty = cells.iter().filter(|&&cell| cell == 0).count();
    if found != blocks || empty > 0 {
        return Err(LocalError::Cells { found, empty, blocks });
    }
    let functions = Functions::new(&expansion, rule, cells)?;
    let (first, projected) = functions.project(&expansion);
    let second = Splitting::new(&expansion, cells, &projected);
    let (value, bound) = (second.least(), functions.bound(&expansion, cells));
    let constant = value.as_ref().map_or(first, |(v, _)| v * first / (v + first + bound));
    let directions = second.directions(value.as_ref().map_or(&[], |(_, u)| u), blocks);
    Ok(LocalConstant { second: value.map(|(v, _)| v), first, bound, constant, directions })
}

/// The functions as columns in a space of as many dimensions as there are columns, with the geometry of `L²(μ)`.
struct Functions {
    first: Mat<f64>,
    /// `½∂²Ψ` of the over-fitted blocks; mixed derivatives occur twice in `⟨M, ∂²Ψ⟩` and have factor 1.
    second: Mat<f64>,
}

impl Functions {
    fn new(expansion: &Expansion<'_>, rule: &Cubature, cells: &[usize]) -> Result<Self, LocalError> {
        let chosen: Vec<(usize, f64)> = chosen(expansion, cells);
        let count = expansion.first_order();
        let mut all = Mat::<f64>::zeros(rule.points().len(), count + chosen.len());
        for (row, (x, weight)) in rule.points().enumerate() {
            let (first, second) = expansion.at(x);
            let root = weight.sqrt();
            let values = first.iter().copied().chain(chosen.iter().map(|&(index, factor)| factor * second[index]));
            for (column, value) in values.enumerate() {
                if !value.is_finite() {
                    return Err(LocalError::NotFinite);
                }
                all[(row, column)] = root * value;
            }
        }
        let small = all.qr().thin_R().to_owned();
        let (first, second) = small.as_ref().split_at_col(count);
        Ok(Self { first: first.to_owned(), second: second.to_owned() })
    }

    /// `s`, and the second-order functions without their first-order part.
    fn project(&self, expansion: &Expansion<'_>) -> (f64, Mat<f64>) {
        let complement = complement(expansion);
        let svd = (&self.first * &complement).thin_svd().expect("a finite matrix has singular values");
        let values = svd.S().column_vector();
        let count = values.nrows();
        let kept = (0..count).filter(|&i| values[i] > NEGLIGIBLE * values[0]).count();
        let span = svd.U().subcols(0, kept);
        let mut projected = self.second.clone();
        // Twice: the first pass leaves rounding of the size of what it took away.
        for _ in 0..2 {
            let along = span.transpose() * &projected;
            projected -= span * along;
        }
        (values[count - 1], projected)
    }

    fn bound(&self, expansion: &Expansion<'_>, cells: &[usize]) -> f64 {
        let mut start = 0;
        let mut bound = 0.0_f64;
        for (block, _) in expansion.blocks.iter().zip(cells).filter(|(_, cell)| **cell > 1) {
            let p = block.parameters;
            // ⟨M, F⟩ with the entries of M as unknowns, mixed ones once with factor √2: then ‖M‖_F ≤ tr M is the norm of the unknowns.
            let columns = self.second.subcols(start, p * (p + 1) / 2);
            let diagonal = pairs(p).map(|(k, l)| if k == l { 1.0 } else { 0.5_f64.sqrt() }).collect::<Vec<_>>();
            let scaled = Mat::from_fn(columns.nrows(), columns.ncols(), |i, j| columns[(i, j)] * diagonal[j]);
            let values = scaled.singular_values().expect("a finite matrix has singular values");
            bound = bound.max(values[0]);
            start += columns.ncols();
        }
        bound
    }
}

/// Indices `(k, l)`, `k ≤ l < p`, row by row.
fn pairs(p: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..p).flat_map(move |k| (k..p).map(move |l| (k, l)))
}

/// Second-order functions of the over-fitted blocks, with their factors in `½⟨M, ∂²Ψ⟩`.
fn chosen(expansion: &Expansion<'_>, cells: &[usize]) -> Vec<(usize, f64)> {
    let (mut all, mut start) = (Vec::new(), 0);
    for (block, cell) in expansion.blocks.iter().zip(cells) {
        let p = block.parameters;
        if *cell > 1 {
            all.extend(pairs(p).enumerate().map(|(i, (k, l))| (start + i, if k == l { 0.5 } else { 1.0 })));
        }
        start += p * (p + 1) / 2;
    }
    all
}

/// An orthonormal basis of the coefficients orthogonal to the translations.
fn complement(expansion: &Expansion<'_>) -> Mat<f64> {
    let count = expansion.first_order();
    let offsets: Vec<usize> = expansion
        .blocks
        .iter()
        .scan(0, |next, block| {
            let here = *next;
            *next += 1 + block.parameters;
            Some(here)
        })
        .collect();
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for invariance in &expansion.invariances {
        let slopes = if invariance.slopes { expansion.dimension() } else { 0 };
        for k in 0..=slopes {
            let mut column = vec![0.0; count];
            invariance.blocks.iter().for_each(|&(j, weight)| column[offsets[j] + k] = weight);
            columns.push(column);
        }
    }
    let null = Mat::from_fn(count, columns.len(), |i, j| columns[j][i]);
    null.qr().compute_Q().subcols(columns.len(), count - columns.len()).to_owned()
}

/// The quartic `‖Σ_j ½⟨Σ u uᵀ, ∂²Ψ_j⟩‖²` on the sphere `Σ ‖u‖² = 1`.
struct Splitting {
    functions: Mat<f64>,
    /// `(block, first column of its functions, p)` of every vector `u`.
    vectors: Vec<(usize, usize, usize)>,
}

impl Splitting {
    fn new(expansion: &Expansion<'_>, cells: &[usize], projected: &Mat<f64>) -> Self {
        let (mut vectors, mut start) = (Vec::new(), 0);
        for (j, (block, &cell)) in expansion.blocks.iter().zip(cells).enumerate().filter(|(_, (_, cell))| **cell > 1) {
            let p = block.parameters;
            vectors.extend(std::iter::repeat_n((j, start, p), (cell - 1).min(p)));
            start += p * (p + 1) / 2;
        }
        Self { functions: projected.clone(), vectors }
    }

    fn unknowns(&self) -> usize {
        self.vectors.iter().map(|(_, _, p)| p).sum()
    }

    /// `Σ ½⟨u uᵀ, ∂²Ψ⟩` and its Jacobian.
    fn value(&self, u: &[f64]) -> (Mat<f64>, Mat<f64>) {
        let columns = self.functions.ncols();
        let mut moments = Mat::<f64>::zeros(columns, 1);
        let mut slopes = Mat::<f64>::zeros(columns, u.len());
        let mut place = 0;
        for &(_, start, p) in &self.vectors {
            for (column, (k, l)) in (start..).zip(pairs(p)) {
                moments[(column, 0)] += u[place + k] * u[place + l];
                slopes[(column, place + k)] += u[place + l];
                slopes[(column, place + l)] += u[place + k];
            }
            place += p;
        }
        (&self.functions * moments, &self.functions * slopes)
    }

    /// The least norm found and where: Levenberg-Marquardt steps tangent to the sphere from [`STARTS`] random points and every coordinate axis.
    fn least(&self) -> Option<(f64, Vec<f64>)> {
        let count = self.unknowns();
        if count == 0 {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let axis = |k: usize| (0..count).map(|l| f64::from(k == l)).collect();
        let random = |rng: &mut ChaCha8Rng| (0..count).map(|_| StandardNormal.sample(rng)).collect();
        let starts: Vec<Vec<f64>> = (0..count).map(axis).chain((0..STARTS).map(|_| random(&mut rng))).collect();
        starts.into_iter().map(|start| self.descend(start)).min_by(|a, b| a.0.total_cmp(&b.0))
    }

    fn descend(&self, start: Vec<f64>) -> (f64, Vec<f64>) {
        let mut u = unit(start);
        let (mut residual, mut jacobian) = self.value(&u);
        let mut norm = residual.norm_l2();
        let mut damping = 1e-2 * jacobian.norm_l2();
        for _ in 0..300 {
            let Some(step) = tangent_step(residual.as_ref(), jacobian.as_ref(), &u, damping) else { break };
            let moved = unit(u.iter().zip(&step).map(|(u, step)| u + step).collect());
            let (next, slopes) = self.value(&moved);
            let reached = next.norm_l2();
            if reached < norm {
                let gain = norm - reached;
                (u, residual, jacobian, norm) = (moved, next, slopes, reached);
                damping *= 0.3;
                if gain < 1e-10 * norm {
                    break;
                }
            } else {
                damping *= 4.0;
                // Steps of 1e-8 change a quartic by less than rounding.
                if step.iter().map(|x| x * x).sum::<f64>() < 1e-16 {
                    break;
                }
            }
        }
        (norm, u)
    }

    /// The vectors of a minimiser, block by block.
    fn directions(&self, u: &[f64], blocks: usize) -> Vec<Vec<Vec<f64>>> {
        let mut directions = vec![Vec::new(); blocks];
        let mut rest = u;
        for &(j, _, p) in &self.vectors {
            let (vector, others) = rest.split_at(p);
            directions[j].push(vector.to_vec());
            rest = others;
        }
        directions
    }
}

fn unit(u: Vec<f64>) -> Vec<f64> {
    let norm = u.iter().map(|x| x * x).sum::<f64>().sqrt();
    u.into_iter().map(|x| x / norm).collect()
}

/// The minimiser of `‖ρ + J(I − uuᵀ)δ‖² + λ²‖δ‖²`; it is tangent, as the damping alone sees its normal part.
fn tangent_step(residual: MatRef<'_, f64>, jacobian: MatRef<'_, f64>, u: &[f64], damping: f64) -> Option<Vec<f64>> {
    let (rows, count) = (jacobian.nrows(), u.len());
    let along: Vec<f64> = (0..rows).map(|i| (0..count).map(|k| jacobian[(i, k)] * u[k]).sum()).collect();
    let stacked = Mat::from_fn(rows + count, count, |i, k| match i.checked_sub(rows) {
        None => jacobian[(i, k)] - along[i] * u[k],
        Some(l) => damping * f64::from(u8::from(k == l)),
    });
    let target = Mat::from_fn(rows + count, 1, |i, _| if i < rows { -residual[(i, 0)] } else { 0.0 });
    let step = stacked.qr().solve_lstsq(target);
    let step: Vec<f64> = (0..count).map(|k| step[(k, 0)]).collect();
    step.iter().all(|x| x.is_finite()).then_some(step)
}

#[cfg(test)]
mod tests;

//! The primal program of the cone test: the direction of the second moments that the difference of the functions sees least.
//!
//! ```text
//! min ‖Σ_j ½⟨M2_j, P∂²Ψ_j/D*⟩‖,   M2_j ⪰ 0 of rank ≤ r,   Σ_j tr M2_j = 1;     ‖·‖ the root mean square over the grid, P the projection off the first-order functions, which is the minimum over m0 and m1
//! ```
//!
//! With `M2_j = Σ_{c ≤ r} u_jc u_jcᵀ` the trace is `Σ|u_jc|²`, a sphere. With `r` the number of parameters every `M2 ⪰ 0` is reached, and as the program is convex in `M2` every local minimum of full rank `r` or with a component `u_jc = 0` is a global one; with `r = 1`, what a cell of two atoms attains, it is not convex, and many starts take the place of a
//! proof. The steps are of Levenberg and Marquardt, on the residuals themselves: a value of zero is found to the rounding of the projection, where its square would end at the root of that.
//!
//! A float that is near zero proves nothing: what is found is a proposal, for [`super::curves`] or to a reader.

use super::sampled::Sampled;
use faer::Mat;
use faer::linalg::solvers::SolveLstsq;

/// What is left of functions of size one that vanish after projection: some ten thousand roundings. A direction above that is taken for visible.
const ROUNDING: f64 = 1e-11;
/// A step that gains a smaller part than this is the last, and so is this step.
const SETTLED: f64 = 1e-9;
const STEPS: usize = 300;

/// Cells and parameters of directions, by their numbers among the over-fitted cells and the parameters; the others' second moments are zero.
#[derive(Clone, Debug)]
pub(super) struct Support {
    pub(super) cells: Vec<usize>,
    pub(super) parameters: Vec<usize>,
}

/// A direction of the second moments, and what is seen of it.
#[derive(Clone, Debug)]
pub(super) struct Direction {
    pub(super) value: f64,
    pub(super) support: Support,
    /// `M2_j` of each cell of the support, over its parameters.
    pub(super) moments: Vec<Mat<f64>>,
}

/// The second-order functions, compressed: `½⟨M, ∂²Ψ⟩` has the norm of the columns' combination.
pub(super) struct Bends {
    /// For each cell and pair of parameters a column.
    columns: Vec<Vec<Vec<Vec<f64>>>>,
    atoms: Vec<(f64, Vec<f64>)>,
    parameters: usize,
    largest: f64,
}

impl Bends {
    pub(super) fn of(sampled: &Sampled) -> Self {
        let (points, n) = (sampled.second.len(), sampled.parameters.len());
        let cells = sampled.atoms.len();
        let pairs: Vec<(usize, usize, usize)> =
            (0..cells).flat_map(|j| (0..n).flat_map(move |k| (k..n).map(move |l| (j, k, l)))).collect();
        let scale = 1.0 / (points as f64).sqrt();
        let all = Mat::from_fn(points, pairs.len(), |s, p| {
            let (cell, k, l) = pairs[p];
            scale * sampled.second[s][cell][(k, l)]
        });
        let r = all.qr().thin_R().to_owned();
        let mut columns = vec![vec![vec![vec![0.0; r.nrows()]; n]; n]; cells];
        for (p, (cell, k, l)) in pairs.into_iter().enumerate() {
            let column: Vec<f64> = (0..r.nrows()).map(|i| r[(i, p)]).collect();
            columns[cell][k][l].clone_from(&column);
            columns[cell][l][k] = column;
        }
        Self { columns, atoms: sampled.atoms.clone(), parameters: n, largest: sampled.largest }
    }

    /// All cells and parameters.
    pub(super) fn whole(&self) -> Support {
        Support { cells: (0..self.atoms.len()).collect(), parameters: (0..self.parameters).collect() }
    }

    /// Whether a value is zero as far as floats can tell.
    pub(super) fn is_null(&self, value: f64) -> bool {
        value <= ROUNDING * self.largest
    }

    /// The least visible direction of a rank at most `rank` that `starts` starts lead to, beside the simple ones.
    pub(super) fn least(&self, support: &Support, rank: usize, starts: usize) -> Option<Direction> {
        let (cells, n) = (support.cells.len(), support.parameters.len());
        let size = cells * rank * n;
        let at = |cell: usize, factor: usize, k: usize| (cell * rank + factor) * n + k;
        let mut all: Vec<Vec<f64>> = Vec::new();
        // Every atom along its own parameters, and along each of them: a scaling, and a factor that all share.
        let weight = |cell: usize| self.atoms[support.cells[cell]].0.sqrt();
        let along = |of: &dyn Fn(usize, usize) -> f64| {
            let mut start = vec![0.0; size];
            for (cell, k) in (0..cells).flat_map(|cell| (0..n).map(move |k| (cell, k))) {
                start[at(cell, 0, k)] = weight(cell) * of(cell, k);
            }
            start
        };
        all.push(along(&|cell, k| self.atoms[support.cells[cell]].1[support.parameters[k]]));
        all.extend((0..n).map(|chosen| along(&|_, k| f64::from(u8::from(k == chosen)))));
        if rank == 1 {
            all.extend((0..size).map(|chosen| (0..size).map(|k| f64::from(u8::from(k == chosen))).collect()));
        }
        let mut state = 1_u64;
        for _ in 0..starts {
            all.push((0..size).map(|_| centred(&mut state)).collect());
        }
        let mut best: Option<(f64, Vec<f64>)> = None;
        for start in all {
            let Some((value, end)) = self.descended(support, rank, start) else { continue };
            if best.as_ref().is_none_or(|(known, _)| value < *known) {
                best = Some((value, end));
            }
            if best.as_ref().is_some_and(|(known, _)| self.is_null(*known)) {
                break;
            }
        }
        let (value, u) = best?;
        let moment = |cell: usize| {
            Mat::from_fn(n, n, |k, l| (0..rank).map(|c| u[at(cell, c, k)] * u[at(cell, c, l)]).sum::<f64>())
        };
        Some(Direction { value, support: support.clone(), moments: (0..cells).map(moment).collect() })
    }

    /// Residuals `½ Σ uᵀ∂²Ψu` and their derivatives by the components of `u`.
    fn residuals(&self, support: &Support, rank: usize, u: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let n = support.parameters.len();
        let rows = self.columns.first().and_then(|cell| cell.first()).map_or(0, |row| row[0].len());
        let mut residuals = vec![0.0; rows];
        let mut slopes = Vec::with_capacity(u.len());
        for (number, factor) in u.chunks(n).enumerate() {
            let columns = &self.columns[support.cells[number / rank]];
            for (k, own) in factor.iter().enumerate() {
                let mut slope = vec![0.0; rows];
                for (l, other) in factor.iter().enumerate() {
                    let column = &columns[support.parameters[k]][support.parameters[l]];
                    slope.iter_mut().zip(column).for_each(|(sum, value)| *sum += other * value);
                }
                residuals.iter_mut().zip(&slope).for_each(|(sum, value)| *sum += 0.5 * own * value);
                slopes.push(slope);
            }
        }
        (residuals, slopes)
    }

    /// From a start to a local minimum on the sphere, and its value.
    fn descended(&self, support: &Support, rank: usize, mut u: Vec<f64>) -> Option<(f64, Vec<f64>)> {
        normalise(&mut u)?;
        let (mut residuals, mut slopes) = self.residuals(support, rank, &u);
        let mut value = norm(&residuals);
        let largest = slopes.iter().map(|slope| norm(slope)).fold(0.0, f64::max);
        let mut damping = 1e-3 * largest;
        for _ in 0..STEPS {
            // Beyond what counts as null: where the value is of second order in the distance, that is the root of the rounding.
            if value <= f64::EPSILON * self.largest || damping > 1e6 * largest {
                break;
            }
            // Tangential slopes above the damping.
            let rows = residuals.len();
            let radial: Vec<f64> =
                (0..rows).map(|i| slopes.iter().zip(&u).map(|(slope, x)| slope[i] * x).sum()).collect();
            let system = Mat::from_fn(rows + u.len(), u.len(), |i, k| {
                if i < rows { slopes[k][i] - radial[i] * u[k] } else { damping * f64::from(u8::from(i - rows == k)) }
            });
            let right = Mat::from_fn(rows + u.len(), 1, |i, _| if i < rows { -residuals[i] } else { 0.0 });
            let step = system.qr().solve_lstsq(&right);
            let mut moved: Vec<f64> = u.iter().enumerate().map(|(k, x)| x + step[(k, 0)]).collect();
            normalise(&mut moved)?;
            let (next, next_slopes) = self.residuals(support, rank, &moved);
            let next_value = norm(&next);
            if next_value < value {
                let settled = next_value > value * (1.0 - SETTLED);
                (u, residuals, slopes, value) = (moved, next, next_slopes, next_value);
                damping *= 0.2;
                if settled {
                    break;
                }
            } else {
                damping = damping.max(1e-12 * largest) * 8.0;
            }
        }
        Some((value, u))
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn normalise(x: &mut [f64]) -> Option<()> {
    let length = norm(x);
    (length > 0.0 && length.is_finite()).then(|| x.iter_mut().for_each(|x| *x /= length))
}

/// A number in [−1, 1) of a fixed stream (splitmix64).
fn centred(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / 2f64.powi(52) - 1.0
}

#[cfg(test)]
mod tests {
    use super::super::sampled::Sampled;
    use super::*;
    use crate::rigor::{AtomText, Mixture};
    use dashu_ratio::RBig;

    /// The least value of rank one against a scan of the half sphere: none is below, and one is near, as the value's slopes are at most `‖∂²Ψ‖` and the scan's step is 1/40.
    #[test]
    fn no_direction_of_rank_one_is_less_visible() {
        let atom = |w: &str, a: &str, b: &str| AtomText {
            weight: "1".into(),
            parameters: [("w", w), ("a", a), ("b", b)].map(|(name, value)| (name.into(), value.into())).into(),
        };
        let mixture = Mixture {
            gate: "exp(w*x)".into(),
            expert: "tanh(a*x + b)".into(),
            global: Default::default(),
            truth: vec![atom("2", "3", "-1/2"), atom("0", "-2", "1")],
            overfitted: vec![0],
        };
        let grid: Vec<Vec<RBig>> = (-30..=30).map(|k| vec![RBig::from_parts(k.into(), 10u8.into())]).collect();
        let bends = Bends::of(&Sampled::new(&mixture, &grid).unwrap());
        let whole = bends.whole();
        let found = bends.least(&whole, 1, 24).unwrap();
        let mut scanned = f64::INFINITY;
        for (i, j, k) in (-40..=40).flat_map(|i| (-40..=40).flat_map(move |j| (0..=40).map(move |k| (i, j, k)))) {
            if [i, j, k].into_iter().any(|n: i32| n.abs() == 40) {
                let mut u = [i, j, k].map(|n| f64::from(n) / 40.0).to_vec();
                normalise(&mut u).unwrap();
                scanned = scanned.min(norm(&bends.residuals(&whole, 1, &u).0));
            }
        }
        assert!(found.value <= scanned && scanned < 1.5 * found.value, "{} {scanned}", found.value);
        // All moments are no more visible than those of rank one.
        assert!(bends.least(&whole, 3, 8).unwrap().value <= found.value);
    }
}

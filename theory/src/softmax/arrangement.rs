//! Which cells occur under translations of more than one dimension.
//!
//! Item `i` is nearer to target `j` than to `k` where
//!
//! ```text
//! ‖ω_i + c − ω*_j‖² + e_ij² ≤ ‖ω_i + c − ω*_k‖² + e_ik²   ⇔   2cᵀ(ω*_k − ω*_j) ≤ ‖ω_i − ω*_k‖² + e_ik² − ‖ω_i − ω*_j‖² − e_ij²:
//! ```
//!
//! a half space. An assignment of all items holds in a convex polyhedron of `c`, often an empty one. The assignments that occur are found item by item: those of the first `i` items are continued with every target of item `i + 1` for which the polyhedron, moved inwards a little, has a point.

use faer::Mat;
use faer::linalg::solvers::SolveLstsq;

use super::translation::Matching;

/// How many assignments are followed at most.
pub(super) const MOST: usize = 256;
/// How far inside of the walls a point must be found, as a share of the spread of all `ω*_j − ω_i`.
const INSIDE: f64 = 1e-9;

/// A half space `normalᵀc ≤ offset`, the normal of length 1.
#[derive(Clone, Debug)]
pub(super) struct Wall {
    pub(super) normal: Vec<f64>,
    pub(super) offset: f64,
}

impl Wall {
    /// How far inside `c` is.
    pub(super) fn distance(&self, c: &[f64]) -> f64 {
        self.offset - dot(&self.normal, c)
    }
}

impl Matching<'_> {
    /// The walls of the `c` for which the first items, one for each target given, belong to these. Targets of one slope have none between them.
    pub(super) fn walls(&self, targets: &[usize]) -> Vec<Wall> {
        let mut walls = Vec::new();
        for (i, &j) in targets.iter().enumerate() {
            for k in (0..self.true_weights.len()).filter(|k| *k != j) {
                let way: Vec<f64> = self.true_slopes[k].iter().zip(self.true_slopes[j]).map(|(k, j)| k - j).collect();
                let length = dot(&way, &way).sqrt();
                if length > 0.0 {
                    let normal: Vec<f64> = way.iter().map(|way| way / length).collect();
                    // From the middle between the two targets.
                    let middle = |u: usize| 0.5 * (self.true_slopes[k][u] + self.true_slopes[j][u]) - self.slopes[i][u];
                    let middle: Vec<f64> = (0..normal.len()).map(middle).collect();
                    let labels = self.labels[i][k].square - self.labels[i][j].square;
                    walls.push(Wall { offset: dot(&normal, &middle) + 0.5 * labels / length, normal });
                }
            }
        }
        walls
    }

    /// Every assignment that occurs in more than a sliver, with a `c` at which it does; `None` where there are more than [`MOST`].
    pub(super) fn regions(&self) -> Option<Vec<(Vec<f64>, Vec<usize>)>> {
        let (items, targets) = (self.weights.len(), self.true_weights.len());
        let all = (0..items).flat_map(|i| (0..targets).map(move |j| (i, j)));
        let all: Vec<Vec<f64>> =
            all.map(|(i, j)| self.true_slopes[j].iter().zip(self.slopes[i]).map(|(t, s)| t - s).collect()).collect();
        let middle: Vec<f64> =
            (0..all[0].len()).map(|u| all.iter().map(|p| p[u]).sum::<f64>() / all.len() as f64).collect();
        let from = |p: &Vec<f64>| p.iter().zip(&middle).map(|(p, m)| (p - m).powi(2)).sum::<f64>().sqrt();
        let spread = all.iter().map(from).fold(f64::MIN_POSITIVE, f64::max);
        let mut regions = vec![(middle.clone(), Vec::new())];
        for i in 0..items {
            let mut longer = Vec::new();
            for (c, first) in regions {
                let here = self.nearest(i, &c);
                for j in 0..targets {
                    let longer_targets = [&first[..], &[j]].concat();
                    // The point at hand is inside of one of the parts; if it is too near to a wall there, another one is looked for.
                    let walls = self.walls(&longer_targets);
                    if j == here && walls.iter().all(|wall| wall.distance(&c) >= INSIDE * spread) {
                        longer.push((c.clone(), longer_targets));
                    } else if let Some(c) = inner_point(&walls, &middle, spread)
                        && (0..=i).all(|item| self.nearest(item, &c) == longer_targets[item])
                    {
                        longer.push((c, longer_targets));
                    }
                }
            }
            if longer.len() > MOST {
                return None;
            }
            regions = longer;
        }
        Some(regions)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The point nearest to `middle` that is inside of all walls by [`INSIDE`] of the spread: least distance programming (Lawson, Hanson, Solving Least Squares Problems, 1974, chapter 23). In units of the spread and from the middle, `min ‖x‖` subject to `Nx ≤ h` has the solution `x_u = r_u/r_{d+1}` where `r = f − Eu`, `E = (−Nᵀ; −hᵀ)`, `f = (0, …, 0, 1)`, and `u ≥ 0` minimises `‖Eu − f‖`. It has none where `r = 0`.
fn inner_point(walls: &[Wall], middle: &[f64], spread: f64) -> Option<Vec<f64>> {
    let d = middle.len();
    let column = |wall: &Wall| -> Vec<f64> {
        let h = wall.distance(middle) / spread - 2.0 * INSIDE;
        wall.normal.iter().map(|n| -n).chain([-h]).collect()
    };
    let columns: Vec<Vec<f64>> = walls.iter().map(column).collect();
    let rest = not_negative_residual(&columns, d + 1);
    // ‖x‖² = 1/‖r‖² − 1: nothing is looked for beyond 10⁵ spreads.
    if dot(&rest, &rest) < 1e-10 {
        return None;
    }
    Some((0..d).map(|u| middle[u] - spread * rest[u] / rest[d]).collect())
}

/// `f − Eu` for the `u ≥ 0` that minimises its norm, `f` the last unit vector: the active-set method of Lawson and Hanson.
fn not_negative_residual(columns: &[Vec<f64>], rows: usize) -> Vec<f64> {
    let mut u = vec![0.0; columns.len()];
    let mut passive: Vec<usize> = Vec::new();
    let residual = |u: &[f64]| -> Vec<f64> {
        let mut r = vec![0.0; rows];
        r[rows - 1] = 1.0;
        for (column, u) in columns.iter().zip(u).filter(|(_, u)| **u != 0.0) {
            r.iter_mut().zip(column).for_each(|(r, e)| *r -= u * e);
        }
        r
    };
    // Each round lowers the norm; the limit is for rounding.
    for _ in 0..3 * columns.len() + 10 {
        let r = residual(&u);
        let gain = |m: usize| dot(&columns[m], &r) / dot(&columns[m], &columns[m]).sqrt();
        let next = (0..columns.len()).filter(|m| !passive.contains(m)).max_by(|a, b| gain(*a).total_cmp(&gain(*b)));
        let Some(next) = next.filter(|m| gain(*m) > 1e-13) else { return r };
        passive.push(next);
        while !passive.is_empty() {
            let matrix = Mat::from_fn(rows, passive.len(), |row, p| columns[passive[p]][row]);
            let unit = Mat::from_fn(rows, 1, |row, _| f64::from(row == rows - 1));
            if passive.len() > rows {
                passive.pop();
                return r;
            }
            let solution = matrix.qr().solve_lstsq(&unit);
            let aim: Vec<f64> = (0..passive.len()).map(|p| solution[(p, 0)]).collect();
            if aim.iter().all(|aim| *aim > 0.0) {
                passive.iter().zip(&aim).for_each(|(m, aim)| u[*m] = *aim);
                break;
            }
            let shares = passive.iter().zip(&aim).filter(|(_, aim)| **aim <= 0.0).map(|(m, aim)| u[*m] / (u[*m] - aim));
            let share = shares.fold(1.0, f64::min);
            passive.iter().zip(&aim).for_each(|(m, aim)| u[*m] += share * (aim - u[*m]));
            let zero: Vec<usize> =
                passive.iter().zip(&aim).filter(|(m, aim)| **aim <= 0.0 && u[**m] <= 1e-15).map(|(m, _)| *m).collect();
            if zero.is_empty() {
                return r;
            }
            zero.iter().for_each(|m| u[*m] = 0.0);
            passive.retain(|m| !zero.contains(m));
        }
    }
    residual(&u)
}

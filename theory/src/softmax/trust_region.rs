//! One step of a trust-region method inside a box.
//!
//! ```text
//! minimise  q(δ) = gᵀδ + ½ δᵀHδ   subject to   ‖D δ‖ ≤ Δ,   l ≤ p + δ ≤ u
//! ```
//!
//! `H` may be indefinite. Without the box the minimiser solves `(H + μD²) δ = −g` with `μ ≥ 0`, `H + μD² ⪰ 0` and `μ(Δ − ‖Dδ‖) = 0` (Moré, Sorensen, SIAM J. Sci. Stat. Comput. 4, 1983). The eigenvectors of `D⁻¹HD⁻¹` reduce this to one equation in `μ`. For many coordinates they are dear: a few Cholesky factorisations find `μ` for a tenth of the cost, except in the hard case and where the matrix is nearly singular.
//!
//! With the box, two steps are compared in `q`: the minimiser cut where it leaves the box, along which `q` falls all the way (`d/dt q(tδ) = t(gᵀδ + δᵀHδ) + (1−t)gᵀδ`, and both terms are `≤ 0`), and the one found by fixing at its bound every coordinate that leaves, and solving for the rest again.

use std::cell::OnceCell;

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

/// Coordinates from which on a dozen factorisations cost less than eigenvectors.
const MANY: usize = 100;
/// Factorisations tried for a step.
const FACTORISATIONS: usize = 16;
/// Relative error of the length of a step on the boundary.
const LENGTH: f64 = 1e-3;
/// A factorisation whose least squared pivot is below this share of the norm of the matrix leaves half of the digits or fewer to a solution.
const PIVOT: f64 = 1e-8;

/// A step with what the model expects of it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) delta: Vec<f64>,
    /// `−q(δ) ≥ 0`.
    pub(super) decrease: f64,
    /// `‖Dδ‖`.
    pub(super) length: f64,
}

/// The model at a point of the box.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub(super) gradient: &'a [f64],
    /// By rows.
    pub(super) hessian: &'a [f64],
    /// `D > 0`.
    pub(super) scale: &'a [f64],
    pub(super) point: &'a [f64],
    pub(super) lower: &'a [f64],
    pub(super) upper: &'a [f64],
}

impl Model<'_> {
    fn curvature(&self, i: usize, j: usize) -> f64 {
        self.hessian[i * self.gradient.len() + j]
    }

    /// `q(δ)`.
    fn value(&self, delta: &[f64]) -> f64 {
        let moved: Vec<usize> = (0..delta.len()).filter(|i| delta[*i] != 0.0).collect();
        let line = |i: usize| moved.iter().map(|j| self.curvature(i, *j) * delta[*j]).sum::<f64>();
        moved.iter().map(|i| delta[*i] * (self.gradient[*i] + 0.5 * line(*i))).sum()
    }

    /// Whether the gradient pushes out of the box, or the box has no width there.
    fn is_held(&self, i: usize) -> bool {
        let (p, g) = (self.point[i], self.gradient[i]);
        self.lower[i] == self.upper[i] || (p <= self.lower[i] && g > 0.0) || (p >= self.upper[i] && g < 0.0)
    }

    /// The model with its free coordinates, for steps of several radii.
    pub(super) fn decompose(&self) -> Decomposed<'_> {
        let free: Vec<usize> = (0..self.gradient.len()).filter(|i| !self.is_held(*i)).collect();
        Decomposed { model: self, free: Free::new(self, free) }
    }
}

/// A model with its free coordinates.
pub(super) struct Decomposed<'a> {
    model: &'a Model<'a>,
    free: Free,
}

/// Some coordinates with their scaled matrix, whose eigenvectors are computed where they are asked for.
struct Free {
    coordinates: Vec<usize>,
    matrix: Mat<f64>,
    eigen: OnceCell<Option<Eigen>>,
}

impl Free {
    fn new(model: &Model<'_>, coordinates: Vec<usize>) -> Self {
        let n = coordinates.len();
        let matrix = Mat::from_fn(n, n, |i, j| {
            let (i, j) = (coordinates[i], coordinates[j]);
            model.curvature(i, j) / (model.scale[i] * model.scale[j])
        });
        Self { coordinates, matrix, eigen: OnceCell::new() }
    }

    fn eigen(&self) -> Option<&Eigen> {
        self.eigen.get_or_init(|| Eigen::new(&self.matrix)).as_ref()
    }

    /// The minimiser over these coordinates, the others moved by `fixed`, without the box. `None` where the matrix is not finite.
    fn step(&self, model: &Model<'_>, fixed: &[f64], radius: f64) -> Option<Vec<f64>> {
        let moved: Vec<usize> = (0..fixed.len()).filter(|j| fixed[*j] != 0.0).collect();
        let gradient: Vec<f64> = self
            .coordinates
            .iter()
            .map(|i| {
                let pull: f64 = moved.iter().map(|j| model.curvature(*i, *j) * fixed[*j]).sum();
                (model.gradient[*i] + pull) / model.scale[*i]
            })
            .collect();
        let factorised = if gradient.len() >= MANY { damped(&self.matrix, &gradient, radius) } else { None };
        let scaled = match factorised {
            Some(scaled) => scaled,
            None => self.eigen()?.step(&gradient, radius),
        };
        Some(scaled.iter().zip(&self.coordinates).map(|(s, i)| s / model.scale[*i]).collect())
    }
}

impl Decomposed<'_> {
    /// The smallest eigenvalue of the scaled matrix of the free coordinates over the largest; what is below the rounding of the matrix counts as that.
    pub(super) fn conditioning(&self) -> f64 {
        self.free.eigen().map_or(1.0, Eigen::conditioning)
    }

    /// The step for trust radius `Δ`.
    pub(super) fn step(&self, radius: f64) -> Step {
        let model = self.model;
        let n = model.gradient.len();
        let mut delta = vec![0.0; n];
        let mut free = self.free.coordinates.clone();
        let mut cut: Option<Vec<f64>> = None;
        while !free.is_empty() {
            // Only the first set of free coordinates is the one at hand.
            let solution = match &cut {
                None => self.free.step(model, &delta, radius),
                Some(_) => Free::new(model, free.clone()).step(model, &delta, radius),
            };
            let Some(solution) = solution else { break };
            // How far the step may go before it leaves the box.
            let mut share = 1.0_f64;
            let mut leaving = Vec::new();
            for (i, s) in free.iter().zip(&solution) {
                let to = model.point[*i] + s;
                if to < model.lower[*i] || to > model.upper[*i] {
                    let way = if *s < 0.0 { model.lower[*i] } else { model.upper[*i] } - model.point[*i];
                    share = share.min(way / s);
                    leaving.push((*i, way));
                }
            }
            if cut.is_none() {
                let mut shorter = vec![0.0; n];
                free.iter().zip(&solution).for_each(|(i, s)| shorter[*i] = share * s);
                cut = Some(shorter);
            }
            if leaving.is_empty() {
                free.iter().zip(&solution).for_each(|(i, s)| delta[*i] = *s);
                break;
            }
            leaving.iter().for_each(|(i, way)| delta[*i] = *way);
            free.retain(|i| leaving.iter().all(|(left, _)| left != i));
        }
        let mut chosen = cut.unwrap_or_else(|| vec![0.0; n]);
        if model.value(&delta) < model.value(&chosen) {
            chosen = delta;
        }
        let length = chosen.iter().zip(model.scale).map(|(s, d)| (s * d).powi(2)).sum::<f64>().sqrt();
        let decrease = (-model.value(&chosen)).max(0.0);
        Step { delta: chosen, decrease, length }
    }
}

/// Eigenvalues and eigenvectors of the scaled matrix of some coordinates.
struct Eigen {
    values: Vec<f64>,
    vectors: Mat<f64>,
}

impl Eigen {
    /// `None` where the matrix is not finite.
    fn new(matrix: &Mat<f64>) -> Option<Self> {
        let n = matrix.nrows();
        let eigen = matrix.self_adjoint_eigen(Side::Lower).ok()?;
        let top = (0..n).fold(0.0_f64, |top, k| top.max(eigen.S()[k].abs()));
        // The matrix carries the rounding of its sums over the rows and of the scaling; an eigenvalue within it may have either sign. Flat directions showed up to 33 ε.
        let rounding = (256.0 + 4.0 * n as f64) * f64::EPSILON * top;
        let values = (0..n).map(|k| eigen.S()[k]).map(|s| if s.abs() < rounding { rounding } else { s });
        Some(Self { values: values.collect(), vectors: eigen.U().to_owned() })
    }

    fn conditioning(&self) -> f64 {
        let top = self.values.iter().fold(0.0_f64, |top, value| top.max(value.abs()));
        let lowest = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        if top > 0.0 { lowest / top } else { 1.0 }
    }

    /// The minimiser of `gᵀs + ½ sᵀAs` over `‖s‖ ≤ Δ`.
    fn step(&self, gradient: &[f64], radius: f64) -> Vec<f64> {
        let n = gradient.len();
        let parts: Vec<f64> = (0..n).map(|k| (0..n).map(|i| self.vectors[(i, k)] * gradient[i]).sum()).collect();
        let along = secular(&self.values, &parts, radius);
        let entry = |i: usize| (0..n).map(|k| self.vectors[(i, k)] * along[k]).sum::<f64>();
        (0..n).map(entry).collect()
    }
}

/// The minimiser of `gᵀs + ½ sᵀAs` over `‖s‖ ≤ Δ` by Cholesky factors of `A + μ`, on the boundary to a relative [`LENGTH`]. `None` where they do not lead to it.
///
/// `‖s(μ)‖` falls in `μ > −λ_min`. With `A + μ = LLᵀ` and `q = L⁻¹s`, Newton's method on `1/‖s‖ − 1/Δ` moves `μ` by `(‖s‖/‖q‖)² (‖s‖ − Δ)/Δ`; it is kept inside of a bracket whose upper end is `‖g‖/Δ + ‖A‖`, where `‖s‖ ≤ Δ`, and whose lower end grows with every `μ` that leaves the matrix indefinite or the step too long.
fn damped(matrix: &Mat<f64>, gradient: &[f64], radius: f64) -> Option<Vec<f64>> {
    let n = gradient.len();
    let bound = (0..n).map(|i| (0..n).map(|j| matrix[(i, j)].abs()).sum::<f64>()).fold(0.0, f64::max);
    let norm = |s: &[f64]| s.iter().map(|s| s * s).sum::<f64>().sqrt();
    let right = Mat::from_fn(n, 1, |i, _| -gradient[i]);
    let (mut low, mut high) = (0.0_f64, norm(gradient) / radius + bound);
    if !(bound > 0.0 && high.is_finite()) {
        return None;
    }
    let mut mu = 0.0;
    for _ in 0..FACTORISATIONS {
        let shifted = Mat::from_fn(n, n, |i, j| matrix[(i, j)] + if i == j { mu } else { 0.0 });
        let Ok(factors) = shifted.llt(Side::Lower) else {
            low = mu;
            // Far below the upper end at first, which is a coarse bound.
            mu = if low == 0.0 { 1e-3 * high } else { (low * high).sqrt() };
            continue;
        };
        let lower = factors.L();
        if (0..n).any(|i| lower[(i, i)].powi(2) < PIVOT * bound) {
            return None;
        }
        let solution = factors.solve(&right);
        let step: Vec<f64> = (0..n).map(|i| solution[(i, 0)]).collect();
        let length = norm(&step);
        if (mu == 0.0 && length <= radius) || (length - radius).abs() <= LENGTH * radius {
            return Some(step);
        }
        if length > radius {
            low = mu;
        } else {
            high = mu;
        }
        // q by forward substitution.
        let mut q = step.clone();
        for i in 0..n {
            let known: f64 = (0..i).map(|j| lower[(i, j)] * q[j]).sum();
            q[i] = (q[i] - known) / lower[(i, i)];
        }
        let next = mu + (length / norm(&q)).powi(2) * (length - radius) / radius;
        mu = if next > low && next < high { next } else { 0.5 * (low + high) };
    }
    None
}

/// The minimiser of `Σ b_k s_k + ½ Σ λ_k s_k²` over `‖s‖ ≤ Δ`.
fn secular(values: &[f64], parts: &[f64], radius: f64) -> Vec<f64> {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let at = |mu: f64| -> Vec<f64> {
        let step = |(value, part): (&f64, &f64)| if *part == 0.0 { 0.0 } else { -part / (value + mu) };
        values.iter().zip(parts).map(step).collect()
    };
    let norm = |s: &[f64]| s.iter().map(|s| s * s).sum::<f64>().sqrt();
    if lowest > 0.0 {
        let newton = at(0.0);
        if norm(&newton) <= radius {
            return newton;
        }
    }
    // ‖s(μ)‖ falls on (−λ_min, ∞); it is below Δ at the upper end because ‖s(μ)‖ ≤ ‖b‖/(λ_min + μ).
    let mut low = (-lowest).max(0.0);
    let mut high = low.max(norm(parts) / radius - lowest);
    let margin = f64::EPSILON * values.iter().fold(1e-300_f64, |top, value| top.max(value.abs()));
    let nearest = at(low + margin);
    if lowest <= 0.0 && norm(&nearest) <= radius {
        // The hard case: the gradient has no part along the lowest eigenvector, along which the step goes to the boundary.
        let mut solution = nearest;
        let k = (0..values.len()).min_by(|i, j| values[*i].total_cmp(&values[*j])).unwrap_or(0);
        let rest = solution.iter().enumerate().filter(|(i, _)| *i != k).map(|(_, s)| s * s).sum::<f64>();
        let along = (radius * radius - rest).max(0.0).sqrt();
        solution[k] = if parts[k] > 0.0 { -along } else { along };
        return solution;
    }
    // Newton's method on 1/‖s‖ − 1/Δ, which is nearly linear in μ, kept inside the bracket.
    let mut mu = low + margin;
    for _ in 0..100 {
        let solution = at(mu);
        let length = norm(&solution);
        if (length - radius).abs() <= 1e-6 * radius {
            return solution;
        }
        if length > radius {
            low = mu;
        } else {
            high = mu;
        }
        let slope: f64 = solution.iter().zip(values).map(|(s, value)| s * s / (value + mu)).sum();
        let next = mu + length * length / slope * (length - radius) / radius;
        mu = if next > low && next < high { next } else { 0.5 * (low + high) };
    }
    // Near the hard case the digits of μ + λ_min run out before the length is right; the direction is, and the step ends on the boundary.
    let solution = at(high);
    let length = norm(&solution);
    if length > 0.0 { solution.iter().map(|s| s * radius / length).collect() } else { solution }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against a search over the boundary and the interior, for definite and indefinite matrices and the hard case.
    #[test]
    fn secular_step_is_the_minimiser_in_the_ball() {
        for (values, parts) in [
            ([1.0, 4.0], [3.0, -2.0]),
            ([-1.0, 2.0], [0.5, 1.0]),
            ([-2.0, 2.0], [0.0, 1.0]),
            ([1e-9, 1.0], [1e-6, 1.0]),
            ([-3.0, -1.0], [1e-12, 0.0]),
        ] {
            let q = |s: [f64; 2]| (0..2).map(|k| parts[k] * s[k] + 0.5 * values[k] * s[k] * s[k]).sum::<f64>();
            for radius in [0.01, 0.7, 30.0] {
                let step = secular(&values, &parts, radius);
                assert!(step[0].hypot(step[1]) <= radius * (1.0 + 1e-5));
                let found = q([step[0], step[1]]);
                for i in 0..720 {
                    let (sin, cos) = (f64::from(i) * std::f64::consts::TAU / 720.0).sin_cos();
                    for share in [0.1, 0.5, 0.9, 1.0] {
                        let other = q([radius * share * cos, radius * share * sin]);
                        assert!(found <= other + 1e-5 * other.abs() + 1e-15, "{values:?} {parts:?} {radius}");
                    }
                }
            }
        }
    }

    /// Both ways to a step agree where the first one answers: definite and indefinite matrices, inside of the ball and on its boundary.
    #[test]
    fn cholesky_factors_and_eigenvectors_give_the_same_step() {
        let mut answered = 0;
        for n in [1, 2, 5, 12] {
            for seed in 0..20 {
                let number =
                    |k: usize| (((k + 1) as f64 * 0.618_033_989 + seed as f64 * 0.377).fract() * 2.0 - 1.0) * 1.3;
                let shift = [2.0, 0.5, 0.0][seed % 3] * n as f64;
                let entry = |i: usize, j: usize| number(i.min(j) * n + i.max(j)) + if i == j { shift } else { 0.0 };
                let matrix = Mat::from_fn(n, n, entry);
                let gradient: Vec<f64> = (0..n).map(|i| number(1000 + i)).collect();
                for radius in [1e-3, 0.1, 10.0] {
                    let Some(step) = damped(&matrix, &gradient, radius) else { continue };
                    answered += 1;
                    let other = Eigen::new(&matrix).unwrap().step(&gradient, radius);
                    let q = |s: &[f64]| -> f64 {
                        (0..n)
                            .map(|i| s[i] * (gradient[i] + 0.5 * (0..n).map(|j| matrix[(i, j)] * s[j]).sum::<f64>()))
                            .sum()
                    };
                    let (found, best) = (q(&step), q(&other));
                    assert!(
                        (found - best).abs() <= 2.0 * LENGTH * best.abs(),
                        "n = {n}, {seed}, {radius}: {found} {best}"
                    );
                }
            }
        }
        assert!(answered > 200, "{answered} of 240");
    }

    /// In a box every step stays inside, falls, and is no worse than the best of a grid when the ball does not bind and the matrix is definite.
    #[test]
    fn steps_stay_in_the_box_and_fall() {
        let (gradient, hessian) = ([4.0, -1.0], [2.0, 1.5, 1.5, 3.0]);
        let model = Model {
            gradient: &gradient,
            hessian: &hessian,
            scale: &[1.0, 1.0],
            point: &[0.0, 0.0],
            lower: &[-0.5, -1.0],
            upper: &[1.0, 0.4],
        };
        let step = model.decompose().step(100.0);
        assert!(step.decrease > 0.0);
        for i in 0..=100 {
            for j in 0..=100 {
                let delta = [-0.5 + 1.5 * f64::from(i) / 100.0, -1.0 + 1.4 * f64::from(j) / 100.0];
                assert!(model.value(&delta) >= -step.decrease - 1e-12);
            }
        }
        // At a bound with the gradient pushing out, that coordinate stays.
        let held = Model { point: &[-0.5, 0.0], ..model };
        assert_eq!(held.decompose().step(100.0).delta[0], 0.0);
    }
}

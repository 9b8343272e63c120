//! One step of a trust-region method inside a box.
//!
//! ```text
//! minimise  q(δ) = gᵀδ + ½ δᵀHδ   subject to   ‖D δ‖ ≤ Δ,   l ≤ p + δ ≤ u
//! ```
//!
//! `H` may be indefinite. Without the box the minimiser solves `(H + μD²) δ = −g` with `μ ≥ 0`, `H + μD² ⪰ 0` and `μ(Δ − ‖Dδ‖) = 0` (Moré, Sorensen, SIAM J. Sci. Stat. Comput. 4, 1983), which the eigenvectors of `D⁻¹HD⁻¹` reduce to one equation in `μ`.
//!
//! With the box, two steps are compared in `q`: the minimiser cut where it leaves the box, along which `q` falls all the way (`d/dt q(tδ) = t(gᵀδ + δᵀHδ) + (1−t)gᵀδ`, and both terms are `≤ 0`), and the one found by fixing at its bound every coordinate that leaves, and solving for the rest again.

use faer::{Mat, Side};

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

    /// The model with its eigenvectors, which serve every radius.
    pub(super) fn decompose(&self) -> Decomposed<'_> {
        let free: Vec<usize> = (0..self.gradient.len()).filter(|i| !self.is_held(*i)).collect();
        let eigen = Eigen::new(self, &free);
        Decomposed { model: self, free, eigen }
    }
}

/// A model with the eigenvectors of its free coordinates.
pub(super) struct Decomposed<'a> {
    model: &'a Model<'a>,
    free: Vec<usize>,
    eigen: Option<Eigen>,
}

impl Decomposed<'_> {
    /// The smallest eigenvalue of the scaled matrix of the free coordinates over the largest; what is below the rounding of the matrix counts as that.
    pub(super) fn conditioning(&self) -> f64 {
        self.eigen.as_ref().map_or(1.0, Eigen::conditioning)
    }

    /// The step for trust radius `Δ`.
    pub(super) fn step(&self, radius: f64) -> Step {
        let model = self.model;
        let n = model.gradient.len();
        let mut delta = vec![0.0; n];
        let mut free = self.free.clone();
        let mut cut: Option<Vec<f64>> = None;
        while !free.is_empty() {
            // Only the first set of free coordinates is that of the decomposition at hand.
            let solution = match (&cut, &self.eigen) {
                (None, Some(eigen)) => eigen.step(model, &free, &delta, radius),
                (None, None) => break,
                (Some(_), _) => match Eigen::new(model, &free) {
                    Some(eigen) => eigen.step(model, &free, &delta, radius),
                    None => break,
                },
            };
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
    fn new(model: &Model<'_>, free: &[usize]) -> Option<Self> {
        let n = free.len();
        let matrix = Mat::from_fn(n, n, |i, j| {
            model.curvature(free[i], free[j]) / (model.scale[free[i]] * model.scale[free[j]])
        });
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

    /// The minimiser over the coordinates `free`, the others moved by `fixed`, without the box.
    fn step(&self, model: &Model<'_>, free: &[usize], fixed: &[f64], radius: f64) -> Vec<f64> {
        let n = free.len();
        let moved: Vec<usize> = (0..fixed.len()).filter(|j| fixed[*j] != 0.0).collect();
        let gradient: Vec<f64> = free
            .iter()
            .map(|i| {
                let pull: f64 = moved.iter().map(|j| model.curvature(*i, *j) * fixed[*j]).sum();
                (model.gradient[*i] + pull) / model.scale[*i]
            })
            .collect();
        let parts: Vec<f64> = (0..n).map(|k| (0..n).map(|i| self.vectors[(i, k)] * gradient[i]).sum()).collect();
        let along = secular(&self.values, &parts, radius);
        let entry = |i: usize| (0..n).map(|k| self.vectors[(i, k)] * along[k]).sum::<f64>() / model.scale[free[i]];
        (0..n).map(entry).collect()
    }
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

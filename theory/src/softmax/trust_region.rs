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
    /// The smallest eigenvalue of the scaled matrix of the free coordinates over the largest; what is below the rounding of the matrix counts as that.
    pub(super) conditioning: f64,
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

    /// The step for trust radius `Δ`.
    pub(super) fn step(&self, radius: f64) -> Step {
        let n = self.gradient.len();
        let mut delta = vec![0.0; n];
        let mut free: Vec<usize> = (0..n).filter(|i| !self.is_held(*i)).collect();
        let mut best: Option<Vec<f64>> = None;
        let mut conditioning = 1.0;
        while !free.is_empty() {
            let (solution, condition) = self.unbounded(&free, &delta, radius);
            if best.is_none() {
                conditioning = condition;
            }
            // How far the step may go before it leaves the box.
            let mut share = 1.0_f64;
            let mut leaving = Vec::new();
            for (i, s) in free.iter().zip(&solution) {
                let to = self.point[*i] + s;
                if to < self.lower[*i] || to > self.upper[*i] {
                    let bound = if *s < 0.0 { self.lower[*i] } else { self.upper[*i] };
                    share = share.min((bound - self.point[*i]) / s);
                    leaving.push((*i, bound - self.point[*i]));
                }
            }
            if best.is_none() {
                let mut cut = vec![0.0; n];
                free.iter().zip(&solution).for_each(|(i, s)| cut[*i] = share * s);
                best = Some(cut);
            }
            if leaving.is_empty() {
                free.iter().zip(&solution).for_each(|(i, s)| delta[*i] = *s);
                break;
            }
            for (i, s) in &leaving {
                delta[*i] = *s;
            }
            free.retain(|i| leaving.iter().all(|(left, _)| left != i));
        }
        let mut chosen = best.unwrap_or_else(|| vec![0.0; n]);
        if self.value(&delta) < self.value(&chosen) {
            chosen = delta;
        }
        let length = chosen.iter().zip(self.scale).map(|(s, d)| (s * d).powi(2)).sum::<f64>().sqrt();
        let decrease = (-self.value(&chosen)).max(0.0);
        Step { delta: chosen, decrease, length, conditioning }
    }

    /// The minimiser over the free coordinates, the others moved by `fixed`, and the conditioning of the matrix.
    fn unbounded(&self, free: &[usize], fixed: &[f64], radius: f64) -> (Vec<f64>, f64) {
        let n = free.len();
        let matrix =
            Mat::from_fn(n, n, |i, j| self.curvature(free[i], free[j]) / (self.scale[free[i]] * self.scale[free[j]]));
        let gradient: Vec<f64> = free
            .iter()
            .map(|i| {
                let moved = fixed.iter().enumerate().filter(|(_, s)| **s != 0.0);
                let pull: f64 = moved.map(|(j, s)| self.curvature(*i, j) * s).sum();
                (self.gradient[*i] + pull) / self.scale[*i]
            })
            .collect();
        let Ok(eigen) = matrix.self_adjoint_eigen(Side::Lower) else {
            // Not finite: the steepest descent of the rest of the loop is refused by the caller's ratio test.
            return (gradient.iter().zip(free).map(|(g, i)| -g / self.scale[*i]).collect(), 0.0);
        };
        let vectors = eigen.U();
        let top = (0..n).fold(0.0_f64, |top, k| top.max(eigen.S()[k].abs()));
        // The matrix carries the rounding of its sums; an eigenvalue within it may have either sign.
        let rounding = 4.0 * n as f64 * f64::EPSILON * top;
        let values: Vec<f64> =
            (0..n).map(|k| eigen.S()[k]).map(|s| if s.abs() < rounding { rounding } else { s }).collect();
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let parts: Vec<f64> = (0..n).map(|k| (0..n).map(|i| vectors[(i, k)] * gradient[i]).sum()).collect();
        let coordinates = secular(&values, &parts, radius);
        let solution =
            (0..n).map(|i| (0..n).map(|k| vectors[(i, k)] * coordinates[k]).sum::<f64>() / self.scale[free[i]]);
        (solution.collect(), if top > 0.0 { lowest / top } else { 1.0 })
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
    at(high)
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
        let step = model.step(100.0);
        assert!(step.decrease > 0.0);
        for i in 0..=100 {
            for j in 0..=100 {
                let delta = [-0.5 + 1.5 * f64::from(i) / 100.0, -1.0 + 1.4 * f64::from(j) / 100.0];
                assert!(model.value(&delta) >= -step.decrease - 1e-12);
            }
        }
        // At a bound with the gradient pushing out, that coordinate stays.
        let held = Model { point: &[-0.5, 0.0], ..model };
        assert_eq!(held.step(100.0).delta[0], 0.0);
    }
}

//! One step of a trust-region method inside a box.
//!
//! ```text
//! minimise  q(δ) = gᵀδ + ½ δᵀHδ   subject to   ‖D δ‖ ≤ Δ,   l ≤ p + δ ≤ u
//! ```
//!
//! `H` may be indefinite. The minimiser without the box is that of [`ball`](super::ball).
//!
//! With the box, three steps are compared in `q`: the best one along the steepest descent, the minimiser (without coordinates that are at a bound and would leave) cut where it leaves the box, along which `q` falls all the way (`d/dt q(tδ) = t(gᵀδ + δᵀHδ) + (1−t)gᵀδ`, and both terms are `≤ 0`), and the one found by fixing at its bound every coordinate that leaves, and solving for the rest again.

use std::sync::atomic::{AtomicBool, Ordering};

use faer::Mat;

use super::ball::{Quadratic, conditioning};

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
    /// Set when somebody asks to stop: the step at hand is then of no use.
    pub(super) stop: Option<&'a AtomicBool>,
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

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    fn free(&self) -> Vec<usize> {
        (0..self.gradient.len()).filter(|i| !self.is_held(*i)).collect()
    }

    /// The scaled matrix of some coordinates.
    fn matrix(&self, free: &[usize]) -> Mat<f64> {
        let entry = |i: usize, j: usize| self.curvature(free[i], free[j]) / (self.scale[free[i]] * self.scale[free[j]]);
        Mat::from_fn(free.len(), free.len(), entry)
    }

    /// The scaled gradient of the coordinates `free` after the others are moved by `fixed`.
    fn slope(&self, free: &[usize], fixed: &[f64]) -> Vec<f64> {
        let moved: Vec<usize> = (0..fixed.len()).filter(|j| fixed[*j] != 0.0).collect();
        let slope = |i: &usize| {
            let pull: f64 = moved.iter().map(|j| self.curvature(*i, *j) * fixed[*j]).sum();
            (self.gradient[*i] + pull) / self.scale[*i]
        };
        free.iter().map(slope).collect()
    }

    /// The best step along the steepest descent of the free coordinates in the scaled norm, inside of the ball and of the box: what makes sure that a step falls wherever the gradient leads into the box.
    fn descent(&self, free: &[usize], radius: f64) -> Vec<f64> {
        let mut way = vec![0.0; self.gradient.len()];
        free.iter().for_each(|i| way[*i] = -self.gradient[*i] / self.scale[*i].powi(2));
        let length = way.iter().zip(self.scale).map(|(w, d)| (w * d).powi(2)).sum::<f64>().sqrt();
        if length == 0.0 || !length.is_finite() {
            return vec![0.0; way.len()];
        }
        let room = |i: &usize| {
            let bound = if way[*i] < 0.0 { self.lower[*i] } else { self.upper[*i] };
            if way[*i] == 0.0 { f64::INFINITY } else { (bound - self.point[*i]) / way[*i] }
        };
        let farthest = free.iter().map(room).fold(radius / length, f64::min);
        let slope: f64 = way.iter().zip(self.gradient).map(|(w, g)| w * g).sum();
        // q(t way) = t slope + ½ t² bend.
        let bend = 2.0 * (self.value(&way) - slope);
        let t = if bend > 0.0 { farthest.min(-slope / bend) } else { farthest };
        way.iter_mut().for_each(|w| *w *= t);
        way
    }

    /// The model with what serves every radius.
    pub(super) fn decompose(&self) -> Decomposed<'_> {
        let free = self.free();
        let quadratic = Quadratic::new(self.matrix(&free));
        Decomposed { model: self, free, quadratic }
    }

    /// The smallest eigenvalue of the scaled matrix of the free coordinates over the largest, by [`conditioning`]. 1 where no coordinate is free, or there is no time; 0 where the matrix is 0.
    pub(super) fn conditioning(&self) -> f64 {
        let free = self.free();
        if free.is_empty() || self.is_stopped() {
            return 1.0;
        }
        conditioning(&self.matrix(&free)).unwrap_or(0.0)
    }
}

/// A model with what finds steps in its free coordinates.
pub(super) struct Decomposed<'a> {
    model: &'a Model<'a>,
    free: Vec<usize>,
    quadratic: Quadratic,
}

impl Decomposed<'_> {
    /// The step for trust radius `Δ`.
    pub(super) fn step(&self, radius: f64) -> Step {
        let model = self.model;
        let n = model.gradient.len();
        let mut delta = vec![0.0; n];
        let mut free = self.free.clone();
        let mut cut: Option<Vec<f64>> = None;
        while !free.is_empty() && !model.is_stopped() {
            let slope = model.slope(&free, &delta);
            // Only the first set of free coordinates is that of the decomposition at hand.
            let solution = if free.len() == self.free.len() {
                self.quadratic.minimiser(&slope, radius)
            } else {
                Quadratic::new(model.matrix(&free)).minimiser(&slope, radius)
            };
            let Some(mut solution) = solution else { break };
            free.iter().zip(&mut solution).for_each(|(i, s)| *s /= model.scale[*i]);
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
            if cut.is_none() && share == 0.0 {
                // Some are at their bounds already: without them the step has a length.
                leaving.retain(|(_, way)| *way == 0.0);
            } else if cut.is_none() {
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
        let mut chosen = self.model.descent(&self.free, radius);
        for other in cut.into_iter().chain([delta]) {
            if model.value(&other) < model.value(&chosen) {
                chosen = other;
            }
        }
        let length = chosen.iter().zip(model.scale).map(|(s, d)| (s * d).powi(2)).sum::<f64>().sqrt();
        let decrease = (-model.value(&chosen)).max(0.0);
        Step { delta: chosen, decrease, length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            stop: None,
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

    /// At points on bounds, too, a step stays in the box and falls by what the steepest descent does at least.
    #[test]
    fn steps_from_bounds_fall() {
        let mut state = 7_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        let n = 5;
        let mut on_bounds = 0;
        for trial in 0..2000 {
            let factor: Vec<f64> = (0..n * n).map(|_| random()).collect();
            let sign = if trial % 3 == 0 { -0.1 } else { 1e-3 };
            let entry = |i: usize, j: usize| {
                let product: f64 = (0..n).map(|k| factor[i * n + k] * factor[j * n + k]).sum();
                product + if i == j { sign } else { 0.0 }
            };
            let hessian: Vec<f64> = (0..n * n).map(|place| entry(place / n, place % n)).collect();
            let gradient: Vec<f64> = (0..n).map(|_| random()).collect();
            let scale: Vec<f64> = (0..n).map(|i| hessian[i * n + i].abs().sqrt().max(0.1)).collect();
            let (lower, upper) = (vec![-1.0; n], vec![1.0; n]);
            let point: Vec<f64> = (0..n).map(|_| (6.0 * random()).clamp(-1.0, 1.0)).collect();
            on_bounds += point.iter().filter(|p| p.abs() == 1.0).count();
            let model = Model {
                gradient: &gradient,
                hessian: &hessian,
                scale: &scale,
                point: &point,
                lower: &lower,
                upper: &upper,
                stop: None,
            };
            for radius in [0.1, 10.0] {
                let step = model.decompose().step(radius);
                assert!(point.iter().zip(&step.delta).all(|(p, s)| (p + s).abs() <= 1.0 + 1e-12), "{trial}");
                // One coordinate alone, a short way.
                for i in 0..n {
                    let mut alone = vec![0.0; n];
                    alone[i] = -1e-6 * gradient[i].signum();
                    let inside = (point[i] + alone[i]).abs() <= 1.0;
                    assert!(!inside || model.value(&alone) >= -step.decrease, "{trial} {radius} {i}");
                }
            }
        }
        assert!(on_bounds > 5000, "{on_bounds}");
    }
}

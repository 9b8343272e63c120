//! Matching of weighted slopes to true ones, at the common translation that costs least.
//!
//! Items `i` (fitted atoms, or groups) have weights `w_i` and slopes `ω_i`; targets `j` have `w*_j`, `ω*_j`. A translation `(c, s)` turns them into `s w_i`, `ω_i
//! + c`. Item `i`
//! belongs to the target that minimises `‖ω_i + c − ω*_j‖² + e_ij²`, and the loss is
//!
//! ```text
//! Σ_j |s W_j − w*_j| + s Σ_i w_i (‖ω_i + c − ω*_j‖^r + g_ij),     W_j = Σ_{i in C_j} w_i,  j the cell of i,
//! ```
//!
//! with power `r` and label cost `g` that depend on whether `i` is alone in its cell. The cells see `c` only, and for given cells the second sum is `s` times a
//! function
//! of `c`: so `c` is found first. That function is convex (`r ≥ 1`). Then the loss is convex and piecewise linear in `s`, hence least at some `s = w*_j/W_j`.

use super::arrangement::Wall;
use super::voronoi::Power;
use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

/// What separates the labels of an item from those of a target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    /// `e_ij²`.
    pub(super) square: f64,
    /// `g_ij` where the item is alone in its cell.
    pub(super) alone: f64,
    /// `g_ij` where it is not.
    pub(super) crowded: f64,
}

/// Items and targets.
#[derive(Clone, Debug)]
pub(super) struct Matching<'a> {
    pub(super) power: Power,
    pub(super) weights: Vec<f64>,
    pub(super) slopes: Vec<&'a [f64]>,
    pub(super) true_weights: Vec<f64>,
    pub(super) true_slopes: Vec<&'a [f64]>,
    /// `labels[i][j]`.
    pub(super) labels: Vec<Vec<Label>>,
}

/// A translation with its cells.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    /// `c`.
    pub(super) slope: Vec<f64>,
    /// `s`.
    pub(super) scale: f64,
    /// The target of each item.
    pub(super) targets: Vec<usize>,
}

/// The best placement so far.
struct Best<'a> {
    matching: &'a Matching<'a>,
    placement: Placement,
    loss: f64,
}

impl<'a> Best<'a> {
    fn new(matching: &'a Matching<'a>, placement: Placement) -> Self {
        Self { loss: matching.loss(&placement), matching, placement }
    }

    fn consider(&mut self, candidate: Placement) {
        let loss = self.matching.loss(&candidate);
        if loss < self.loss {
            (self.placement, self.loss) = (candidate, loss);
        }
    }

    /// Takes the best of the region that `c` is in, and returns the minimiser over all `c` for its cells.
    fn visit(&mut self, c: Vec<f64>, targets: Vec<usize>) -> Vec<f64> {
        let matching = self.matching;
        let centre = matching.centre(&targets);
        let bound = matching.scaled(centre.clone(), targets);
        if matching.targets(&centre) == bound.targets {
            self.consider(bound);
        } else if matching.loss(&bound) < self.loss {
            // The minimum without the walls is a lower bound of that within, whatever `s`.
            let within = matching.sum(&bound.targets).minimiser(c, &matching.walls(&bound.targets));
            self.consider(matching.scaled(within, bound.targets));
        }
        centre
    }
}

/// The sums of a loss.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub(super) mass: f64,
    /// Items alone in their cells.
    pub(super) exact: f64,
    /// The others.
    pub(super) over: f64,
}

impl Matching<'_> {
    /// The nearest target of each item.
    pub(super) fn targets(&self, c: &[f64]) -> Vec<usize> {
        (0..self.weights.len()).map(|i| self.nearest(i, c)).collect()
    }

    /// The nearest target of an item; the lower index where two are as near.
    pub(super) fn nearest(&self, i: usize, c: &[f64]) -> usize {
        let square = |j: usize| self.step(i, j, c).powi(2) + self.labels[i][j].square;
        (1..self.true_weights.len()).fold(0, |k, j| if square(j) < square(k) { j } else { k })
    }

    /// `‖ω_i + c − ω*_j‖`.
    pub(super) fn step(&self, i: usize, j: usize, c: &[f64]) -> f64 {
        let square = |u: usize| (self.slopes[i][u] + c[u] - self.true_slopes[j][u]).powi(2);
        (0..c.len()).map(square).sum::<f64>().sqrt()
    }

    /// Whether each item is alone in its cell.
    pub(super) fn alone(targets: &[usize]) -> Vec<bool> {
        targets.iter().map(|j| targets.iter().filter(|other| *other == j).count() == 1).collect()
    }

    /// The loss in its parts.
    pub(super) fn parts(&self, at: &Placement) -> Parts {
        let mut parts = Parts::default();
        let mut masses = vec![0.0; self.true_weights.len()];
        for (i, alone) in Self::alone(&at.targets).into_iter().enumerate() {
            let (j, weight) = (at.targets[i], at.scale * self.weights[i]);
            masses[j] += weight;
            let step = self.step(i, j, &at.slope).powf(self.power.of(alone));
            if alone {
                parts.exact += weight * (step + self.labels[i][j].alone);
            } else {
                parts.over += weight * (step + self.labels[i][j].crowded);
            }
        }
        parts.mass = masses.iter().zip(&self.true_weights).map(|(mass, weight)| (mass - weight).abs()).sum();
        parts
    }

    /// What a search compares: a sum that overflows, 0·∞ included, is infinite.
    fn loss(&self, at: &Placement) -> f64 {
        let parts = self.parts(at);
        let loss = parts.mass + parts.exact + parts.over;
        if loss.is_nan() { f64::INFINITY } else { loss }
    }

    /// The best placement over `s`, and over `c` where the slope is free (else `c = 0`).
    ///
    /// For `d = 1` it is the infimum over `c`: the cells change at finitely many `c`, and between two of these the convex function is minimised (at an end, where two cells are as near, the side is chosen that costs less).
    ///
    /// For `d > 1` the same cells hold in a convex region with flat walls, see [`arrangement`](super::arrangement). Where at most [`MOST`](super::arrangement::MOST) assignments occur, the function is minimised in the region of each: the infimum, to the accuracy of [`centre`], but for regions in which no ball of radius `10⁻⁹` of the spread fits. Always so for `k* = 2`, and for `k* = 3` up to `k = 8`, as there are at most `k + 1` and `1 + 3k + 3k²`. Else regions are visited from `c = 0` and every `c = ω*_j − ω_i`, each followed by that of its unconstrained minimiser, until these repeat: an upper bound of the infimum, equal to it if the best region is among them.
    pub(super) fn best(&self, free: bool) -> Placement {
        let dimension = self.slopes[0].len();
        let origin = vec![0.0; dimension];
        let mut best = Best::new(self, self.scaled(origin.clone(), self.targets(&origin)));
        if free && dimension == 1 {
            let ends = self.changes();
            for (index, low) in ends.iter().enumerate() {
                let high = ends.get(index + 1).copied().unwrap_or(f64::INFINITY);
                let middle = match (low.is_finite(), high.is_finite()) {
                    (true, true) => 0.5 * (low + high),
                    (true, false) => low + 1.0 + low.abs(),
                    (false, true) => high - 1.0 - high.abs(),
                    (false, false) => 0.0,
                };
                let targets = self.targets(&[middle]);
                let c = self.centre(&targets)[0].clamp(*low, high);
                best.consider(self.scaled(vec![c], targets));
            }
        } else if free {
            match self.regions() {
                Some(regions) => regions.into_iter().for_each(|(c, targets)| {
                    best.visit(c, targets);
                }),
                None => {
                    let pairs = (0..self.weights.len()).flat_map(|i| (0..self.true_weights.len()).map(move |j| (i, j)));
                    let starts = pairs.map(|(i, j)| difference(self.true_slopes[j], self.slopes[i]));
                    let mut seen = Vec::new();
                    for mut c in std::iter::once(origin).chain(starts) {
                        let mut targets = self.targets(&c);
                        while !seen.contains(&targets) {
                            seen.push(targets.clone());
                            c = best.visit(c, targets);
                            targets = self.targets(&c);
                        }
                    }
                }
            }
        }
        best.placement
    }

    /// Where the cells change as `c` grows, `d = 1`; ascending after `−∞`.
    fn changes(&self) -> Vec<f64> {
        let mut ends = vec![f64::NEG_INFINITY];
        for i in 0..self.weights.len() {
            for j in 0..self.true_weights.len() {
                for k in 0..j {
                    // (ω_i + c − ω*_j)² + e_ij² = (ω_i + c − ω*_k)² + e_ik²
                    let (p, q) = (self.true_slopes[j][0], self.true_slopes[k][0]);
                    let labels = self.labels[i][j].square - self.labels[i][k].square;
                    let end = 0.5 * (p + q + labels / (p - q)) - self.slopes[i][0];
                    if end.is_finite() {
                        ends.push(end);
                    }
                }
            }
        }
        ends.sort_by(f64::total_cmp);
        ends.dedup();
        ends
    }

    /// The best `s > 0` for given `c` and cells, among the `w*_j/W_j`. (Towards `s = 0` the loss tends to `Σ w*_j`: this limit, which would cap every loss, is
    /// not taken.)
    fn scaled(&self, slope: Vec<f64>, targets: Vec<usize>) -> Placement {
        let mut masses = vec![0.0; self.true_weights.len()];
        targets.iter().zip(&self.weights).for_each(|(&j, weight)| masses[j] += weight);
        let at = |scale: f64| Placement { slope: slope.clone(), scale, targets: targets.clone() };
        let scales = masses.iter().zip(&self.true_weights).map(|(mass, weight)| weight / mass);
        scales
            .filter(|scale| scale.is_finite())
            .map(at)
            .min_by(|a, b| self.loss(a).total_cmp(&self.loss(b)))
            .expect("an item of weight 1, hence a cell with a mass")
    }

    /// The minimiser over `c` for given cells.
    fn centre(&self, targets: &[usize]) -> Vec<f64> {
        self.sum(targets).centre()
    }

    fn sum<'a>(&'a self, targets: &[usize]) -> Sum<'a> {
        let points = targets.iter().enumerate().map(|(i, &j)| difference(self.true_slopes[j], self.slopes[i]));
        let powers = Self::alone(targets).into_iter().map(|alone| self.power.of(alone));
        Sum { points: points.collect(), weights: &self.weights, powers: powers.collect() }
    }
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// `F(c) = Σ_i w_i ‖c − p_i‖^{r_i}`, `r_i ≥ 1`.
struct Sum<'a> {
    points: Vec<Vec<f64>>,
    weights: &'a [f64],
    powers: Vec<f64>,
}

impl Sum<'_> {
    /// `F_ε = Σ w (‖c − p‖² + ε²)^{r/2}`.
    fn value(&self, c: &[f64], epsilon: f64) -> f64 {
        let square = |p: &[f64]| c.iter().zip(p).map(|(c, p)| (c - p).powi(2)).sum::<f64>();
        (0..self.points.len())
            .map(|i| self.weights[i] * (square(&self.points[i]) + epsilon * epsilon).powf(0.5 * self.powers[i]))
            .sum()
    }

    /// The minimiser: that of [`minimiser`](Self::minimiser) or one of the points, where the sum may have a kink.
    fn centre(&self) -> Vec<f64> {
        let value = |c: &Vec<f64>| self.value(c, 0.0);
        let least = |a: Vec<f64>, b: &Vec<f64>| if value(b) < value(&a) { b.clone() } else { a };
        let point = self.points.iter().skip(1).fold(self.points[0].clone(), least);
        least(self.minimiser(point.clone(), &[]), &point)
    }

    /// The minimiser within walls, all of which `c` is inside of.
    ///
    /// Newton's method, with step halving, on `F_ε − ν Σ_m ln(distance to wall m)` while `ε` falls from the spread `D` of the points (and of `c`) to `10⁻¹⁰ D`, and `ν` from `F_D(c)/M` to `10⁻¹⁰` of it, for `M` walls. `F ≤ F_ε` and, for `r = 1`, `F_ε ≤ F + εw`; a barrier's minimiser is within `νM` of the least value (its multipliers `ν/distance` are feasible in the dual). So the value is within `10⁻¹⁰ (D Σ w + F_D(c))` of the least one.
    fn minimiser(&self, mut c: Vec<f64>, walls: &[Wall]) -> Vec<f64> {
        let dimension = c.len();
        let distance = |p: &[f64]| difference(&c, p).iter().map(|u| u * u).sum::<f64>().sqrt();
        let spread = self.points.iter().map(|p| distance(p)).fold(0.0, f64::max);
        let whole = self.value(&c, spread) / walls.len().max(1) as f64;
        let mut share = 1.0;
        while share > 1e-11 && spread > 0.0 {
            let (epsilon, barrier) = (share * spread, share * whole);
            let value = |c: &[f64]| -> f64 {
                let walls =
                    walls.iter().map(|wall| wall.distance(c)).map(|d| if d > 0.0 { d.ln() } else { -f64::INFINITY });
                self.value(c, epsilon) - barrier * walls.sum::<f64>()
            };
            for _ in 0..40 {
                let mut hessian = Mat::<f64>::zeros(dimension, dimension);
                let mut gradient = Mat::<f64>::zeros(dimension, 1);
                for (i, point) in self.points.iter().enumerate() {
                    let u = difference(&c, point);
                    let q = u.iter().map(|u| u * u).sum::<f64>() + epsilon * epsilon;
                    let factor = self.weights[i] * self.powers[i] * q.powf(0.5 * self.powers[i] - 1.0);
                    for a in 0..dimension {
                        gradient[(a, 0)] += factor * u[a];
                        hessian[(a, a)] += factor;
                        for b in 0..dimension {
                            hessian[(a, b)] += factor * (self.powers[i] - 2.0) * u[a] * u[b] / q;
                        }
                    }
                }
                for wall in walls {
                    let d = wall.distance(&c);
                    for a in 0..dimension {
                        gradient[(a, 0)] += barrier * wall.normal[a] / d;
                        for b in 0..dimension {
                            hessian[(a, b)] += barrier * wall.normal[a] * wall.normal[b] / (d * d);
                        }
                    }
                }
                let Ok(factors) = hessian.llt(Side::Lower) else { break };
                let step = factors.solve(&gradient);
                let slope = (0..dimension).map(|a| step[(a, 0)] * gradient[(a, 0)]).sum::<f64>();
                let here = value(&c);
                let moved = |t: f64| -> Vec<f64> { (0..dimension).map(|a| c[a] - t * step[(a, 0)]).collect() };
                // A quarter of the promised decrease; below 2⁻⁴⁰ only rounding is left.
                let length = (0..40)
                    .map(|halvings| 0.5_f64.powi(halvings))
                    .find(|&t| value(&moved(t)) <= here - 0.25 * t * slope);
                let Some(length) = length else { break };
                c = moved(length);
                // What one more step could gain is half the decrement: less than rounding of the sum.
                if slope.is_nan() || slope <= 1e-15 * here.abs() {
                    break;
                }
            }
            share *= 0.1;
        }
        c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the optimality condition: the gradient vanishes, or at a kink the other terms' gradient is at most the weight there.
    #[test]
    fn centres_are_optimal() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut kinks = 0;
        for trial in 0..300 {
            let (dimension, count) = (1 + trial % 4, 1 + trial % 7);
            let points: Vec<Vec<f64>> = (0..count).map(|_| (0..dimension).map(|_| random() - 0.5).collect()).collect();
            let weights: Vec<f64> = (0..count).map(|_| 0.1 + random()).collect();
            let powers: Vec<f64> = (0..count).map(|_| [1.0, 2.0, 1.5, 4.0][(random() * 4.0) as usize]).collect();
            let c = Sum { points: points.clone(), weights: &weights, powers: powers.clone() }.centre();
            let mut gradient = vec![0.0; dimension];
            let mut slack = 0.0;
            for i in 0..count {
                let u = difference(&c, &points[i]);
                let norm = u.iter().map(|u| u * u).sum::<f64>().sqrt();
                if norm == 0.0 {
                    slack += if powers[i] == 1.0 { weights[i] } else { 0.0 };
                } else {
                    (0..dimension)
                        .for_each(|a| gradient[a] += weights[i] * powers[i] * norm.powf(powers[i] - 2.0) * u[a]);
                }
            }
            kinks += u32::from(slack > 0.0);
            let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
            // A value within 1e-10 of the least, and curvature of order one.
            assert!(norm <= slack + 1e-5, "{trial}: {norm} {slack}");
        }
        assert!((50..250).contains(&kinks), "{kinks}: both kinds of minimum were seen");
    }
}

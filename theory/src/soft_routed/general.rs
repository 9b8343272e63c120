//! The population loss under mixtures of Gaussians, for experts that are sums of Hermite polynomials.
//!
//! ```text
//! x ~ Σ_c p_c N(μ_c, Σ_c),   h = Σ_p a_p He_p,   L = Σ_c p_c ½ Σ_{a,b} c_a c_b E_c[π(v̄_aᵀx) π(v̄_bᵀx) h(w̄_aᵀx) h(w̄_bᵀx)]
//! ```
//!
//! with weights normalised in the Euclidean norm, whatever `Σ_c` is. In one component every expectation is [`GeneralPair`]'s function of the covariances `x̄_aᵀΣx̄_b`, the ten of a
//! pair's four vectors, and of their means `x̄_aᵀμ`. With `G_ab = ∂L/∂(x̄_aᵀΣx̄_b)`, `G_aa = 2∂L/∂(x̄_aᵀΣx̄_a)`, `g_a = ∂L/∂(x̄_aᵀμ)`:
//!
//! ```text
//! ∂L/∂x_a = (I − x̄_a x̄_aᵀ)(Σ_b G_ab Σx̄_b + g_a μ)/‖x_a‖
//! ```
//!
//! Exact, in scalar code: about 3 µs a pair and a component at order 3. The isotropic [`PopulationLoss`](super::PopulationLoss) is faster by a factor of fifty.

use super::Inputs;
use super::model::{Weights, norm};
use super::reduction::Start;
use faer::{Mat, Side};
use moe_kernels::{ExpertCoefficients, GeneralPair, GeneralPartials, MAX_ORDER, Router, UnitMoments};
use std::cell::RefCell;

/// Evaluates `L` and its gradient for students of one shape against one teacher under given inputs.
#[derive(Clone, Debug)]
pub struct GeneralLoss {
    pair: GeneralPair,
    students: usize,
    dimension: usize,
    components: Vec<Component>,
    /// Units of all vectors, refilled for each component.
    units: RefCell<Vec<UnitMoments>>,
}

/// A Gaussian with what does not depend on the student.
#[derive(Clone, Debug)]
struct Component {
    weight: f64,
    mean: Vec<f64>,
    /// Columns of `Σ`.
    covariance: Vec<Vec<f64>>,
    /// Teacher vectors, `Σ` times them, their moments; routers, then experts.
    teacher: Vec<[Vec<f64>; 2]>,
    units: Vec<UnitMoments>,
    /// `½E f*²`.
    teacher_term: f64,
}

impl GeneralLoss {
    /// For the router, teacher and counts of a start, experts `h = Σ_p coefficients[p] He_p` on both sides, and inputs in the start's coordinates.
    ///
    /// # Panics
    /// If the inputs do not have as many coordinates as the start.
    pub fn new(start: &Start, coefficients: ExpertCoefficients, inputs: &Inputs) -> Self {
        Self::of(start.router, coefficients, start.students(), &start.teacher, inputs)
    }

    /// For the experts `He_order` of the start.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn under(start: &Start, inputs: &Inputs) -> Self {
        Self::new(start, single(start.order), inputs)
    }

    fn of(
        router: Router,
        coefficients: ExpertCoefficients,
        students: usize,
        teacher: &Weights,
        inputs: &Inputs,
    ) -> Self {
        let pair = GeneralPair::new(router, coefficients);
        let count = teacher.count();
        let components = inputs
            .components
            .iter()
            .map(|component| {
                let n = component.covariance.nrows();
                assert!(
                    n == teacher.dimension() && component.mean.len() == n,
                    "inputs in the coordinates of the weights"
                );
                let covariance: Vec<Vec<f64>> = (0..n).map(|j| component.covariance.col_as_slice(j).to_vec()).collect();
                let vector = |j: usize| {
                    let column: Vec<f64> = (0..n).map(|i| teacher.columns()[(i, j)]).collect();
                    let length = norm(&column);
                    let unit: Vec<f64> = column.iter().map(|x| x / length).collect();
                    let image = times(&covariance, &unit);
                    [unit, image]
                };
                let vectors: Vec<[Vec<f64>; 2]> = (0..2 * count).map(vector).collect();
                let mut units = vec![UnitMoments::default(); count];
                fill(&pair, &vectors, &component.mean, &mut units);
                let mut teacher_term = 0.0;
                for a in 0..count {
                    for b in 0..count {
                        teacher_term += 0.5 * pair_of(&pair, [&vectors, &vectors], [&units, &units], a, b).value;
                    }
                }
                let mean = component.mean.clone();
                Component { weight: component.weight, mean, covariance, teacher: vectors, units, teacher_term }
            })
            .collect();
        let units = RefCell::new(vec![UnitMoments::default(); students]);
        Self { pair, students, dimension: teacher.dimension(), components, units }
    }

    /// `L` alone.
    ///
    /// # Panics
    /// As [`Self::gradient`].
    pub fn loss(&self, students: &[f64]) -> f64 {
        self.gradient(students, &mut vec![0.0; students.len()])
    }

    /// `L` and its gradient by the raw student weights: routers, then experts, one vector after the other, as in [`super::PopulationLoss::gradient`].
    ///
    /// # Panics
    /// If a slice does not have `2·m·dimension` entries.
    pub fn gradient(&self, students: &[f64], gradient: &mut [f64]) -> f64 {
        let (n, m) = (self.dimension, self.students);
        assert!(students.len() == 2 * m * n && gradient.len() == students.len(), "one number for each weight");
        let lengths: Vec<f64> = students.chunks_exact(n).map(norm).collect();
        let unit = |(x, length): (&[f64], &f64)| x.iter().map(|x| x / length).collect::<Vec<f64>>();
        let unit_columns: Vec<Vec<f64>> = students.chunks_exact(n).zip(&lengths).map(unit).collect();
        gradient.fill(0.0);
        let loss = self.components.iter().map(|component| self.accumulate(component, &unit_columns, gradient)).sum();
        for ((column, x), length) in gradient.chunks_exact_mut(n).zip(&unit_columns).zip(&lengths) {
            let along = dot(column, x);
            column.iter_mut().zip(x).for_each(|(g, x)| *g = (*g - along * x) / length);
        }
        loss
    }

    /// The `2m(d − 1)` eigenvalues, ascending, of the Riemannian Hessian on unit vectors at a critical point in these coordinates, by central differences of the gradient: to about `10⁻⁷`.
    ///
    /// `L` does not see the lengths, so at a critical point the matrix of second derivatives has the `2m` vectors themselves in its kernel; that many eigenvalues, the smallest in magnitude, are left out.
    ///
    /// # Panics
    /// As [`Self::gradient`], and if the eigenvalues of a finite symmetric matrix cannot be computed.
    pub fn spectrum(&self, students: &[f64]) -> Vec<f64> {
        const STEP: f64 = 1e-4;
        let size = students.len();
        let (mut ahead, mut behind) = (vec![0.0; size], vec![0.0; size]);
        let mut matrix = Mat::<f64>::zeros(size, size);
        let mut moved = students.to_vec();
        for j in 0..size {
            moved[j] = students[j] + STEP;
            self.gradient(&moved, &mut ahead);
            moved[j] = students[j] - STEP;
            self.gradient(&moved, &mut behind);
            moved[j] = students[j];
            for i in 0..size {
                matrix[(i, j)] = (ahead[i] - behind[i]) / (2.0 * STEP);
            }
        }
        let symmetric = Mat::from_fn(size, size, |i, j| 0.5 * (matrix[(i, j)] + matrix[(j, i)]));
        let found = symmetric.self_adjoint_eigenvalues(Side::Lower);
        let mut eigenvalues = found.expect("a finite symmetric matrix has eigenvalues");
        eigenvalues.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let mut tangent = eigenvalues.split_off(2 * self.students);
        tangent.sort_by(f64::total_cmp);
        tangent
    }

    /// Adds a component's Euclidean gradient by the unit vectors; its share of the loss.
    fn accumulate(&self, component: &Component, students: &[Vec<f64>], gradient: &mut [f64]) -> f64 {
        let (n, m, teachers) = (self.dimension, self.students, component.units.len());
        let vectors: Vec<[Vec<f64>; 2]> =
            students.iter().map(|x| [x.clone(), times(&component.covariance, x)]).collect();
        let mut units = self.units.borrow_mut();
        fill(&self.pair, &vectors, &component.mean, &mut units);
        // Coefficients of Σx̄_b (students, then teachers) and of μ in the gradient by each student vector.
        let mut factors = vec![vec![0.0; 2 * m + 2 * teachers]; 2 * m];
        let mut means = vec![0.0; 2 * m];
        let mut loss = component.teacher_term;
        for a in 0..m {
            for b in a..m {
                let share = if a == b { 0.5 } else { 1.0 };
                let partials = pair_of(&self.pair, [&vectors, &vectors], [&units, &units], a, b);
                loss += share * partials.value;
                let [v, w] = [[a, m + a], [b, m + b]];
                let ends = [v[0], w[0], v[1], w[1]];
                for ((p, q), c) in PAIRS.into_iter().zip(partials.covariances) {
                    factors[ends[p]][ends[q]] += share * c;
                    factors[ends[q]][ends[p]] += share * c;
                }
                for k in 0..4 {
                    factors[ends[k]][ends[k]] += 2.0 * share * partials.variances[k];
                    means[ends[k]] += share * partials.means[k];
                }
            }
            for b in 0..teachers {
                let partials = pair_of(&self.pair, [&vectors, &component.teacher], [&units, &component.units], a, b);
                loss -= partials.value;
                let ends = [a, 2 * m + b, m + a, 2 * m + teachers + b];
                for ((p, q), c) in PAIRS.into_iter().zip(partials.covariances) {
                    for (from, to) in [(p, q), (q, p)] {
                        if ends[from] < 2 * m {
                            factors[ends[from]][ends[to]] -= c;
                        }
                    }
                }
                for k in [0, 2] {
                    factors[ends[k]][ends[k]] -= 2.0 * partials.variances[k];
                    means[ends[k]] -= partials.means[k];
                }
            }
        }
        for ((column, factors), mean) in gradient.chunks_exact_mut(n).zip(&factors).zip(&means) {
            for ([_, image], factor) in vectors.iter().chain(&component.teacher).zip(factors) {
                axpy(component.weight * factor, image, column);
            }
            axpy(component.weight * mean, &component.mean, column);
        }
        component.weight * loss
    }
}

/// The coefficients of `He_order` alone.
pub fn single(order: usize) -> ExpertCoefficients {
    debug_assert!(order <= MAX_ORDER);
    std::array::from_fn(|p| if p == order { 1.0 } else { 0.0 })
}

/// The places of `c12, c13, c14, c23, c24, c34` among `v, v', w, w'`.
const PAIRS: [(usize, usize); 6] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];

/// The moments of every unit of `vectors` (routers, then experts; each with its image under `Σ`).
fn fill(pair: &GeneralPair, vectors: &[[Vec<f64>; 2]], mean: &[f64], units: &mut [UnitMoments]) {
    let count = units.len();
    for (i, unit) in units.iter_mut().enumerate() {
        let of = |k: usize| (dot(&vectors[k][0], &vectors[k][1]), dot(&vectors[k][0], mean));
        let (router, expert) = (of(i), of(count + i));
        pair.moments([router.0, expert.0], [router.1, expert.1], unit);
    }
}

/// The expectation of unit `a` of the first set and unit `b` of the second.
fn pair_of(
    pair: &GeneralPair,
    [first, second]: [&[[Vec<f64>; 2]]; 2],
    [left, right]: [&[UnitMoments]; 2],
    a: usize,
    b: usize,
) -> GeneralPartials {
    let (va, wa) = (&first[a], &first[left.len() + a]);
    let (vb, wb) = (&second[b], &second[right.len() + b]);
    let ends = [va, vb, wa, wb];
    pair.partials(&left[a], &right[b], PAIRS.map(|(p, q)| dot(&ends[p][0], &ends[q][1])))
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    moe_kernels::weighted_sum(x, y)
}

fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    if factor != 0.0 {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
    }
}

fn times(columns: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
    let mut image = vec![0.0; x.len()];
    for (column, x) in columns.iter().zip(x) {
        axpy(*x, column, &mut image);
    }
    image
}

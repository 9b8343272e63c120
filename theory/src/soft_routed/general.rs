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
//! Exact. What does not change along a flow, the teacher's tables, is kept; a unit's own second moment is a single sum; tables are as long as the largest correlation of their unit asks for.

use super::inputs::{GaussianComponent, Inputs};
use super::model::{Weights, norm};
use super::reduction::Start;
use faer::{Mat, Side};
use moe_kernels::{ExpertCoefficients, GeneralPair, MAX_ORDER, Router, UnitMoments};
use std::cell::RefCell;

/// Evaluates `L` and its gradient for students of one shape against one teacher under given inputs.
#[derive(Clone, Debug)]
pub struct GeneralLoss {
    pair: GeneralPair,
    students: usize,
    dimension: usize,
    components: Vec<Component>,
    /// Unit vectors of the students, routers, then experts, and their raw lengths.
    vectors: RefCell<(Vec<f64>, Vec<f64>)>,
}

/// A Gaussian with what does not depend on the student.
#[derive(Clone, Debug)]
struct Component {
    weight: f64,
    mean: Vec<f64>,
    /// Columns of `Σ`.
    covariance: Vec<f64>,
    /// Unit vectors of the teacher and `Σ` times them; routers, then experts.
    teacher: Vec<f64>,
    teacher_images: Vec<f64>,
    units: Vec<UnitMoments>,
    /// Variances of the teacher's routers.
    variances: Vec<f64>,
    /// `½E f*²`.
    teacher_term: f64,
    students: RefCell<Students>,
}

/// What a component's share of the gradient is made of, refilled at every evaluation.
#[derive(Clone, Debug)]
struct Students {
    units: Vec<UnitMoments>,
    /// `Σ` times the unit vectors.
    images: Vec<f64>,
    /// `x̄ᵀΣx̄` and `x̄ᵀμ` of every vector.
    variances: Vec<f64>,
    means: Vec<f64>,
    /// `c12` of each student's router with those of all students, then of the teacher.
    routers: Vec<f64>,
    /// Coefficients of `Σx̄_b` (students, then teachers) and of `μ` in the gradient by each vector.
    factors: Vec<f64>,
    mean_factors: Vec<f64>,
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
        let (n, count) = (teacher.dimension(), teacher.count());
        let columns = teacher.columns();
        let mut vectors: Vec<f64> = (0..2 * count).flat_map(|j| (0..n).map(move |i| columns[(i, j)])).collect();
        for column in vectors.chunks_exact_mut(n) {
            let length = norm(column);
            column.iter_mut().for_each(|x| *x /= length);
        }
        let components = inputs.components.iter().map(|component| {
            let fits = component.covariance.nrows() == n && component.mean.len() == n;
            assert!(fits, "inputs in the coordinates of the weights");
            Component::new(&pair, students, n, &vectors, component)
        });
        let components = components.collect();
        let vectors = RefCell::new((vec![0.0; 2 * students * n], vec![0.0; 2 * students]));
        Self { pair, students, dimension: n, components, vectors }
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
        let (unit, lengths) = &mut *self.vectors.borrow_mut();
        for ((unit, x), length) in unit.chunks_exact_mut(n).zip(students.chunks_exact(n)).zip(lengths.iter_mut()) {
            *length = norm(x);
            unit.iter_mut().zip(x).for_each(|(unit, x)| *unit = x / *length);
        }
        gradient.fill(0.0);
        let loss = self.components.iter().map(|component| component.accumulate(&self.pair, unit, gradient)).sum();
        for ((column, x), length) in gradient.chunks_exact_mut(n).zip(unit.chunks_exact(n)).zip(lengths.iter()) {
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
}

impl Component {
    fn new(
        pair: &GeneralPair,
        students: usize,
        n: usize,
        vectors: &[f64],
        GaussianComponent { weight, mean, covariance }: &GaussianComponent,
    ) -> Self {
        let count = vectors.len() / n / 2;
        let columns: Vec<f64> = (0..n).flat_map(|j| covariance.col_as_slice(j).iter().copied()).collect();
        let mut images = vec![0.0; vectors.len()];
        for (image, x) in images.chunks_exact_mut(n).zip(vectors.chunks_exact(n)) {
            times(&columns, x, image);
        }
        let [x, image] = [vectors, &images].map(|all| move |i: usize| &all[i * n..(i + 1) * n]);
        let variances: Vec<f64> = (0..2 * count).map(|i| dot(x(i), image(i))).collect();
        let mut units = vec![UnitMoments::default(); count];
        for (i, unit) in units.iter_mut().enumerate() {
            let means = [i, count + i].map(|i| dot(x(i), mean));
            pair.moments([variances[i], variances[count + i]], means, unit);
        }
        let mut teacher_term = 0.0;
        for a in 0..count {
            teacher_term += 0.5 * pair.own(&units[a], dot(x(a), image(count + a))).value;
            for b in a + 1..count {
                let ends = [a, b, count + a, count + b];
                let covariances = PAIRS.map(|(p, q)| dot(x(ends[p]), image(ends[q])));
                teacher_term += pair.partials(&units[a], &units[b], covariances).value;
            }
        }
        let m = students;
        let students = RefCell::new(Students {
            units: vec![UnitMoments::default(); m],
            images: vec![0.0; 2 * m * n],
            variances: vec![0.0; 2 * m],
            means: vec![0.0; 2 * m],
            routers: vec![0.0; m * (m + count)],
            factors: vec![0.0; 4 * m * (m + count)],
            mean_factors: vec![0.0; 2 * m],
        });
        Self {
            weight: *weight,
            mean: mean.clone(),
            covariance: columns,
            teacher: vectors.to_vec(),
            teacher_images: images,
            units,
            variances,
            teacher_term,
            students,
        }
    }

    /// Adds its Euclidean gradient by the unit vectors of the students; its share of the loss.
    fn accumulate(&self, pair: &GeneralPair, vectors: &[f64], gradient: &mut [f64]) -> f64 {
        let (n, teachers) = (self.mean.len(), self.units.len());
        let m = vectors.len() / n / 2;
        let Students { units, images, variances, means, routers, factors, mean_factors } =
            &mut *self.students.borrow_mut();
        let x = |i: usize| &vectors[i * n..(i + 1) * n];
        let theirs = |i: usize| &self.teacher_images[i * n..(i + 1) * n];
        for i in 0..2 * m {
            let image = &mut images[i * n..(i + 1) * n];
            times(&self.covariance, x(i), image);
            variances[i] = dot(x(i), image);
            means[i] = dot(x(i), &self.mean);
        }
        let image = |i: usize| &images[i * n..(i + 1) * n];
        let width = m + teachers;
        for a in 0..m {
            for b in a + 1..m {
                let covariance = dot(x(a), image(b));
                (routers[a * width + b], routers[b * width + a]) = (covariance, covariance);
            }
            for b in 0..teachers {
                routers[a * width + m + b] = dot(x(a), theirs(b));
            }
        }
        for a in 0..m {
            let reach = |b: usize| {
                let other = if b < m { variances[b] } else { self.variances[b - m] };
                pair.reach([variances[a], other], routers[a * width + b])
            };
            let rows = (0..width).filter(|b| *b != a).map(reach).max().unwrap_or(0);
            pair.moments_to(rows, [variances[a], variances[m + a]], [means[a], means[m + a]], &mut units[a]);
        }
        factors.fill(0.0);
        mean_factors.fill(0.0);
        let columns = 2 * width;
        let mut loss = self.teacher_term;
        for a in 0..m {
            let own = pair.own(&units[a], dot(x(a), image(m + a)));
            loss += 0.5 * own.value;
            factors[a * columns + m + a] += 0.5 * own.covariance;
            factors[(m + a) * columns + a] += 0.5 * own.covariance;
            for (k, end) in [a, m + a].into_iter().enumerate() {
                factors[end * columns + end] += own.variances[k];
                mean_factors[end] += 0.5 * own.means[k];
            }
            for b in a + 1..m {
                let ends = [a, b, m + a, m + b];
                let mut covariances = [routers[a * width + b]; 6];
                for (c, (p, q)) in covariances.iter_mut().zip(PAIRS).skip(1) {
                    *c = dot(x(ends[p]), image(ends[q]));
                }
                let partials = pair.partials(&units[a], &units[b], covariances);
                loss += partials.value;
                for ((p, q), c) in PAIRS.into_iter().zip(partials.covariances) {
                    factors[ends[p] * columns + ends[q]] += c;
                    factors[ends[q] * columns + ends[p]] += c;
                }
                for k in 0..4 {
                    factors[ends[k] * columns + ends[k]] += 2.0 * partials.variances[k];
                    mean_factors[ends[k]] += partials.means[k];
                }
            }
            for b in 0..teachers {
                let (router, expert) = (theirs(b), theirs(teachers + b));
                let covariances = [
                    routers[a * width + m + b],
                    dot(x(a), image(m + a)),
                    dot(x(a), expert),
                    dot(x(m + a), router),
                    dot(&self.teacher[b * n..(b + 1) * n], expert),
                    dot(x(m + a), expert),
                ];
                let partials = pair.partials(&units[a], &self.units[b], covariances);
                loss -= partials.value;
                let ends = [a, 2 * m + b, m + a, 2 * m + teachers + b];
                for ((p, q), c) in PAIRS.into_iter().zip(partials.covariances) {
                    for (from, to) in [(p, q), (q, p)] {
                        if ends[from] < 2 * m {
                            factors[ends[from] * columns + ends[to]] -= c;
                        }
                    }
                }
                for k in [0, 2] {
                    factors[ends[k] * columns + ends[k]] -= 2.0 * partials.variances[k];
                    mean_factors[ends[k]] -= partials.means[k];
                }
            }
        }
        let rows = gradient.chunks_exact_mut(n).zip(factors.chunks_exact(columns)).zip(mean_factors.iter());
        for ((column, factors), mean) in rows {
            for (image, factor) in images.chunks_exact(n).chain(self.teacher_images.chunks_exact(n)).zip(factors) {
                axpy(self.weight * factor, image, column);
            }
            axpy(self.weight * mean, &self.mean, column);
        }
        self.weight * loss
    }
}

/// The coefficients of `He_order` alone.
pub fn single(order: usize) -> ExpertCoefficients {
    debug_assert!(order <= MAX_ORDER);
    std::array::from_fn(|p| if p == order { 1.0 } else { 0.0 })
}

/// The places of `c12, c13, c14, c23, c24, c34` among `v, v', w, w'`.
const PAIRS: [(usize, usize); 6] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];

fn dot(x: &[f64], y: &[f64]) -> f64 {
    moe_kernels::weighted_sum(x, y)
}

fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    if factor != 0.0 {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
    }
}

/// `Σx`, by the columns of `Σ`.
fn times(columns: &[f64], x: &[f64], image: &mut [f64]) {
    image.fill(0.0);
    for (column, x) in columns.chunks_exact(x.len()).zip(x) {
        axpy(*x, column, image);
    }
}

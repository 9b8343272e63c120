//! The degree-two part of a third-order student in the Hermite expansion.
//!
//! `T_2 = E[∇²f_i]` with `E[π^{(k)}(v̄·x) He_l(w̄·x)] = s^l A_{k+l}`, `s = v̄·w̄`:
//!
//! ```text
//! T_2(f_i) = 6 s A_1 w̄w̄ᵀ + 3 s² A_3 (v̄w̄ᵀ + w̄v̄ᵀ) + s³ A_5 v̄v̄ᵀ,      E (P_2 f)² = ½‖Σ_i T_2(f_i)‖²
//! ```
//!
//! It vanishes with `s`. A teacher with `v*_j ⟂ w*_j` has none, so `E (P_2 f)(P_2 f*) = 0`: the part never meets it. For one student with small `s` it adds `9 A_1² s²` to `L`, which
//! turns `v̄` and `w̄` apart and lets `s` decay at the rate `36 A_1² = 1.537`, of the `36|A_3| = 2.246` that all degrees give together.
//!
//! # By measurement (derived here)
//!
//! For `y = ρx + √(1−ρ²)x'`, `x'` an independent copy of `x`, Mehler's formula gives `E f(y) f*(x) = Σ_n ρⁿ E (P_n f)(P_n f*)`. The student with each vector `a` turned out of the teacher's space to `(ρa, √(1−ρ²)a)` is
//! `f(y)` as a function of `(x, x')`: its overlaps with the teacher are multiplied by `ρ`, those among its own vectors stay. So `L(0) − L(ρ) = Σ_{n≥1} ρⁿ E (P_n f)(P_n f*)`, and what degree two contributes is read
//! off the population loss, of which the closed form of `T_2` knows nothing.

use super::model::Weights;
use super::{OrderParameters, Start};
use faer::Mat;
use moe_kernels::Router;

/// Nodes of the interpolation in `ρ`, its degree and its half-width.
const NODES: usize = 32;
const DEGREE: usize = 28;
const WIDTH: f64 = 0.5;

impl Start {
    /// `E (P_2 f)(P_2 f*)`, measured: the coefficient of `ρ²` in `−L(ρ)` of the module's documentation.
    ///
    /// It is taken from the Chebyshev interpolant on `|ρ| ≤ ½`, in which `T_k`, `k` even, has the coefficient `(−1)^{k/2+1} k²/2` at the square of its argument. The series converges for `|ρ| < 1`, so coefficients fall
    /// like `(2+√3)^{−k}`: what is left out is below `10⁻¹³`, and the rounding of `L` is amplified to `10⁻¹¹` at most where `L` is of order one.
    pub fn degree_two_overlap(&self) -> f64 {
        let angle = |j: usize| (j as f64 + 0.5) * std::f64::consts::PI / NODES as f64;
        let losses: Vec<f64> =
            (0..NODES).map(|j| self.turned_out(WIDTH * angle(j).cos()).order_parameters().loss).collect();
        let chebyshev = |k: usize| {
            let sum: f64 = losses.iter().enumerate().map(|(j, loss)| loss * (k as f64 * angle(j)).cos()).sum();
            2.0 * sum / NODES as f64
        };
        let sign = |k: usize| if k % 4 == 2 { -1.0 } else { 1.0 };
        (2..=DEGREE).step_by(2).map(|k| sign(k) * chebyshev(k) * (k * k) as f64 / 2.0).sum::<f64>() / WIDTH.powi(2)
    }

    /// The same student before a teacher that is its copy.
    pub fn before_itself(&self) -> Self {
        Self { teacher: Weights::from_columns(self.students.clone()), ..self.clone() }
    }

    /// Each student vector `a` turned to `(ρa, √(1−ρ²)a)`, in twice as many coordinates.
    fn turned_out(&self, rho: f64) -> Self {
        let (rows, out, teacher) = (self.coordinates(), (1.0 - rho * rho).sqrt(), self.teacher.columns());
        let students = Mat::from_fn(2 * rows, self.students.ncols(), |i, j| {
            if i < rows { rho * self.students[(i, j)] } else { out * self.students[(i - rows, j)] }
        });
        let teacher = Mat::from_fn(2 * rows, teacher.ncols(), |i, j| if i < rows { teacher[(i, j)] } else { 0.0 });
        Self { students, teacher: Weights::from_columns(teacher), ..self.clone() }
    }
}

impl OrderParameters {
    /// `½ E (P_2 f)²`, the degree-two part's share of the loss where the teacher has `v*_j ⟂ w*_j`, for experts `He_3`.
    pub fn degree_two_loss(&self, router: Router) -> f64 {
        let a = |n| router.hermite().value(n);
        let terms: Vec<[f64; 3]> = (0..self.students())
            .map(|i| {
                let s = self.own(i);
                [6.0 * s * a(1), 3.0 * s * s * a(3), s.powi(3) * a(5)]
            })
            .collect();
        let mut total = 0.0;
        for (i, [ww, vw, vv]) in terms.iter().enumerate() {
            for (k, [ww_k, vw_k, vv_k]) in terms.iter().enumerate() {
                // Overlaps of a vector of i with one of k.
                let (w, v) = (self.square(i, k, Self::student), self.square(i, k, Self::student_router));
                let (cross, back) = (self.router_expert(i, k), self.router_expert(k, i));
                total += ww * ww_k * w * w + vv * vv_k * v * v + ww * vv_k * back * back + vv * ww_k * cross * cross;
                total += 2.0 * vw * vw_k * (v * w + cross * back);
                total += 2.0 * (ww * vw_k * w * back + vw * ww_k * w * cross);
                total += 2.0 * (vv * vw_k * v * cross + vw * vv_k * v * back);
            }
        }
        0.25 * total
    }

    /// An overlap of unit vectors, 1 of each with itself.
    fn square(&self, i: usize, k: usize, of: impl Fn(&Self, usize, usize) -> f64) -> f64 {
        if i == k { 1.0 } else { of(self, i, k) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{InitialLaw, StudentTeacher, TeacherOverlaps};
    use super::*;

    /// `Σ E[f h]²/2` over the orthonormal `h` of degree two in three variables, by the trapezoidal rule on `[−9, 9]³`, whose error for these entire integrands is below 1e-9.
    fn by_quadrature(routers: &[Vec<f64>], experts: &[Vec<f64>]) -> f64 {
        let (n, step) = (60, 0.3);
        let mut integrals = [0.0; 6];
        let dot = |a: &[f64], x: [f64; 3]| a[0] * x[0] + a[1] * x[1] + a[2] * x[2];
        for p in 0..=n {
            for q in 0..=n {
                for r in 0..=n {
                    let x = [p, q, r].map(|k| (f64::from(k) - 0.5 * f64::from(n)) * step);
                    let density = (-0.5 * dot(&x, x)).exp() * (step / (2.0 * std::f64::consts::PI).sqrt()).powi(3);
                    let f: f64 = routers
                        .iter()
                        .zip(experts)
                        .map(|(v, w)| Router::Sigmoid.value(dot(v, x)) * (dot(w, x).powi(3) - 3.0 * dot(w, x)))
                        .sum();
                    let root = std::f64::consts::FRAC_1_SQRT_2;
                    let [a, b, c] = x;
                    let basis = [(a * a - 1.0) * root, (b * b - 1.0) * root, (c * c - 1.0) * root, a * b, a * c, b * c];
                    (0..6).for_each(|h| integrals[h] += density * f * basis[h]);
                }
            }
        }
        0.5 * integrals.iter().map(|x| x * x).sum::<f64>()
    }

    #[test]
    fn closed_form_agrees_with_quadrature() {
        let unit = |x: [f64; 3]| {
            let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            x.map(|x| x / length).to_vec()
        };
        let routers = [unit([1.0, 0.2, 0.3]), unit([-0.4, 1.0, 0.1])];
        let experts = [unit([0.5, 1.0, -0.2]), unit([0.3, -0.9, 0.6])];
        let teacher = [[unit([1.0, 0.0, 0.0])], [unit([0.0, 1.0, 0.0])]];
        let model =
            StudentTeacher::from_rows(Router::Sigmoid, 3, [&routers, &experts], [&teacher[0], &teacher[1]]).unwrap();
        let found = Start::reduce(&model).order_parameters().degree_two_loss(Router::Sigmoid);
        let expected = by_quadrature(&routers, &experts);
        assert!((found - expected).abs() < 1e-8 * expected, "{found} {expected}");
        assert!(by_quadrature(&teacher[0], &teacher[1]) < 1e-20);
    }

    /// With the student for a teacher the measured overlap is the closed form's; with an orthonormal teacher nothing, and with `v*·w* ≠ 0` something.
    #[test]
    fn the_loss_knows_the_degree_two_part() {
        let start = InitialLaw { orthogonal: false, ..InitialLaw::new(3, 2, 2, 8) }.sample(3, 0).unwrap();
        let (found, expected) = (
            start.before_itself().degree_two_overlap(),
            2.0 * start.order_parameters().degree_two_loss(Router::Sigmoid),
        );
        assert!((found - expected).abs() < 1e-10, "{found} {expected}");
        assert!(start.degree_two_overlap().abs() < 1e-10, "{}", start.degree_two_overlap());
        let oblique = start.with_overlapping_teacher(TeacherOverlaps { own: 0.3, ..Default::default() }).unwrap();
        assert!(oblique.degree_two_overlap().abs() > 1e-3, "{}", oblique.degree_two_overlap());
    }
}

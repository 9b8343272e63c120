//! One student before two teachers whose experts overlap: does it take one of them, or stay between?
//!
//! Teachers with orthogonal routers and `w*_1·w*_2 = e = cos 2α`. A student in the plane of the experts, at the angle `φ` from their bisector, whose router is in the plane of the routers at the angle `ψ` from theirs, has `κ_j = cos(φ ∓ α)`, `β_j = cos(ψ ∓ π/4)`, no other overlap, and
//!
//! ```text
//! L = const − 6 Σ_j κ_j³ Φ_00(β_j)          (the student's own part and the teachers' do not change)
//! ```
//!
//! Derived here, for third Hermite experts; raw norms 1.
//!
//! **Before the router follows**, at `β_j = 0`: `dφ/dt = 18A_0² Σ_j κ_j² dκ_j/dφ`, so that a small `φ` grows at the rate `18A_0² √((1+e)/2) (1 − 3e)`: the bisector is left for `e < 1/3` and stable beyond.
//!
//! **Once it has followed**, to the bisector of the routers (`β_j = 1/√2`), `φ` and `ψ` couple. With `Φ_kl = Φ_kl(1/√2)` the Hessian in `(φ, ψ)` is
//!
//! ```text
//! [ 18 Φ_00 cos α (3e − 1)           −36 Φ_11 cos²α sin α/√2          ]
//! [         ·                         12 cos³α (Φ_11/√2 − Φ_22/2)     ]
//! ```
//!
//! and has a negative eigenvalue for `e < (1+q)/(3+q)`, `q = (3/2)Φ_11²/(Φ_00(Φ_11/√2 − Φ_22/2))`: 0.40257 for sigmoid routers. Between the two a student is drawn to the bisector first and leaves it again.
//! It ends at the maximum of `Σ_j κ_j³Φ_00(β_j)`, of which there are two, mirror images, below that overlap, and one beyond.

use moe_kernels::{CovarianceTable, Router};

use super::{Start, StudentTeacher};

/// The law for one router function with `A_0 ≠ 0`.
///
/// ```
/// use moe_kernels::Router;
/// use moe_theory::soft_routed::Bisector;
/// let law = Bisector::new(Router::Sigmoid);
/// assert!((law.threshold() - 0.402_567_629).abs() < 1e-8); // Gauss-Hermite
/// assert!(law.growth_before(1.0 / 3.0).abs() < 1e-15);
/// // One expert to itself at e = 0, the bisector for e near 1.
/// assert!(law.settled(0.0)[1].abs() < 1e-9);
/// let [larger, smaller] = law.settled(0.9);
/// assert!((larger - smaller).abs() < 1e-9 && (larger - 0.95_f64.sqrt()).abs() < 1e-9);
/// ```
#[derive(Clone, Debug)]
pub struct Bisector {
    covariances: CovarianceTable,
}

impl Bisector {
    /// For teachers and students behind this router.
    pub fn new(router: Router) -> Self {
        Self { covariances: CovarianceTable::new(router, 4) }
    }

    /// Growth rate of a small angle from the bisector before the router follows.
    pub fn growth_before(&self, e: f64) -> f64 {
        18.0 * self.covariances.value(0, 0, 0.0) * (0.5 * (1.0 + e)).sqrt() * (1.0 - 3.0 * e)
    }

    /// The smaller eigenvalue of the Hessian on the bisector once the router has followed.
    pub fn curvature_after(&self, e: f64) -> f64 {
        let [phi, phi_1, phi_2] = [0, 1, 2].map(|k| self.covariances.value(k, k, std::f64::consts::FRAC_1_SQRT_2));
        let (sin, cos) = (0.5 * e.acos()).sin_cos();
        let expert = 18.0 * phi * cos * (3.0 * e - 1.0);
        let mixed = -36.0 * phi_1 * cos * cos * sin * std::f64::consts::FRAC_1_SQRT_2;
        let router = 12.0 * cos.powi(3) * (phi_1 * std::f64::consts::FRAC_1_SQRT_2 - 0.5 * phi_2);
        0.5 * (expert + router) - (0.5 * (expert - router)).hypot(mixed)
    }

    /// `(1+q)/(3+q)`, the overlap from which on the bisector is stable once the router has followed.
    pub fn threshold(&self) -> f64 {
        let [phi, phi_1, phi_2] = [0, 1, 2].map(|k| self.covariances.value(k, k, std::f64::consts::FRAC_1_SQRT_2));
        let q = 1.5 * phi_1 * phi_1 / (phi * (phi_1 * std::f64::consts::FRAC_1_SQRT_2 - 0.5 * phi_2));
        (1.0 + q) / (3.0 + q)
    }

    /// Larger and smaller expert overlap where a student ends, router included; `0 ≤ e < 1`. Gradient ascent in `(φ, ψ)` until nothing moves by `10⁻¹³`, from the first teacher: slow within `10⁻³` of the threshold, where `10⁻⁶` is what it reaches.
    pub fn settled(&self, e: f64) -> [f64; 2] {
        self.ascend(e, true)
    }

    /// The same before the router follows: where the expert alone would end.
    pub fn settled_before(&self, e: f64) -> [f64; 2] {
        self.ascend(e, false)
    }

    /// A student with raw norms 1 at an angle from the bisector of two teachers' experts, its router on the bisector of theirs or at right angles to both. Coordinates: the teachers' routers on axes 0 and 1, the plane of the experts on 2 and 3, their bisector on 2, and a spare one. `−1 ≤ e ≤ 1`.
    pub fn between(&self, e: f64, angle: f64, followed: bool) -> Start {
        let alpha = 0.5 * e.acos();
        let vector = |entries: &[(usize, f64)]| {
            let mut vector = vec![0.0; 5];
            entries.iter().for_each(|&(i, x)| vector[i] = x);
            vector
        };
        let expert = |angle: f64| vector(&[(2, angle.cos()), (3, angle.sin())]);
        let router = if followed { vector(&[(0, 1.0), (1, 1.0)]) } else { vector(&[(4, 1.0)]) };
        let teacher = [[vector(&[(0, 1.0)]), vector(&[(1, 1.0)])], [expert(alpha), expert(-alpha)]];
        let student = [[router], [expert(angle)]];
        let router = self.covariances.router();
        let model = StudentTeacher::from_rows(router, 3, [&student[0], &student[1]], [&teacher[0], &teacher[1]]);
        Start::unreduced(&model.expect("vectors other than 0 of one length")).with_raw_norms(1.0, 1.0)
    }

    fn ascend(&self, e: f64, follows: bool) -> [f64; 2] {
        const STEP: f64 = 0.05;
        let alpha = 0.5 * e.acos();
        let (mut phi, mut psi) = (alpha, std::f64::consts::FRAC_PI_4);
        for _ in 0..200_000 {
            let (mut expert, mut turn) = (0.0, 0.0);
            for side in [1.0, -1.0] {
                let (slope, kappa) = (phi - side * alpha).sin_cos();
                // A router that does not follow is at right angles to both.
                let angle = psi - side * std::f64::consts::FRAC_PI_4;
                let (beta_slope, beta) = if follows { angle.sin_cos() } else { (0.0, 0.0) };
                expert -= 18.0 * kappa * kappa * slope * self.covariances.value(0, 0, beta);
                turn -= 6.0 * kappa.powi(3) * beta_slope * self.covariances.value(1, 1, beta);
            }
            (phi, psi) = (phi + STEP * expert, psi + STEP * turn);
            if expert.abs().max(turn.abs()) < 1e-13 {
                break;
            }
        }
        [(phi - alpha).cos(), (phi + alpha).cos()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soft_routed::Hessian;

    /// Against the gradient of the population loss, and against its Hessian's smallest eigenvalue where that is the plane's.
    #[test]
    fn rates_are_those_of_the_population_loss() {
        let law = Bisector::new(Router::Sigmoid);
        for e in [0.1, 0.3, 0.36, 0.6] {
            let angle = 1e-5;
            let start = law.between(e, angle, false);
            let mut gradient = vec![0.0; 10];
            start.population().gradient(&start.state(), &mut gradient);
            let rate = -(gradient[8] * angle.cos() - gradient[7] * angle.sin()) / angle;
            assert!((rate - law.growth_before(e)).abs() < 1e-8, "{e}: {rate} {}", law.growth_before(e));
            let start = law.between(e, 0.0, true);
            let mut hessian = Hessian::new(&start);
            hessian.set(&start.state());
            let least = hessian.spectrum()[0];
            assert!((least - law.curvature_after(e)).abs() < 1e-10, "{e}: {least} {}", law.curvature_after(e));
        }
    }

    /// The maxima, by another program (quasi-Newton, Gauss-Hermite covariances): ratios to four digits.
    #[test]
    fn settled_overlaps_are_those_of_the_maximum() {
        let law = Bisector::new(Router::Sigmoid);
        for (e, after, before) in [
            (0.1, 0.1102, 0.1125),
            (0.28, 0.4057, 0.4776),
            (0.32, 0.5089, 0.7035),
            (0.36, 0.6458, 1.0),
            (0.45, 1.0, 1.0),
        ] {
            let ratio = |[larger, smaller]: [f64; 2]| smaller / larger;
            assert!((ratio(law.settled(e)) - after).abs() < 6e-5, "{e}");
            assert!((ratio(law.settled_before(e)) - before).abs() < 6e-5, "{e}");
        }
    }
}

//! Starts off the paper's assumptions: `v̄·w̄ ≠ 0`, raw norms that differ, teachers that are not orthonormal; and the time laws that remain.
//!
//! # `v̄·w̄ = s` relaxes first (derived here)
//!
//! With student-teacher overlaps `O(d^{−1/2})` the student's own loss `½E f_i²` is the only force of order one. It depends on `s` alone and turns `v̄` and `w̄` in their common
//! plane, apart for `s > 0`, at rates `‖v‖⁻²` and `‖w‖⁻²`. So of the angle `arcsin s` to the right angle the expert takes the share `λ = ‖v‖²/(‖v‖² + ‖w‖²)`, one half at equal norms,
//! where the result is the orthonormal pair nearest to `(v̄, w̄)`. The teacher moves overlaps by `O(1/d)` meanwhile: their later law starts from
//!
//! ```text
//! κ' = w̄'·w*,   w̄' = cos(λ arcsin s) w̄ − sin(λ arcsin s) (v̄ − s w̄)/√(1−s²)
//! ```
//!
//! # Teachers with overlapping experts (derived here)
//!
//! With teacher routers and students' routers apart, `E f_i f*_j = 6 κ_ij³ Φ_00(0)` to leading order for every teacher, so with `G = (w*_j·w*_l)`
//!
//! ```text
//! dκ_j/dt = 4.5 [ Σ_l G_jl κ_l² − κ_j Σ_l κ_l³ ]
//! ```
//!
//! For two teachers with overlap `e` the ratio `ρ = κ_2/κ_1` of small overlaps obeys `dρ/d ln κ_1 = −(ρ−1)(eρ² − (1−e)ρ + e)/(1 + eρ²)`: `ρ = 1` repels for `e < 1/3` and attracts
//! beyond. On the sphere the bisector of the experts is a maximum of `Σ κ_j³` from the same `1/3` on (`(p−2)/p` for `He_p`).

use super::initial::power;
use super::model::Weights;
use super::{Start, alignment_rate};
use faer::{Mat, Side};
use moe_kernels::Router;

/// Overlaps within a teacher, otherwise orthonormal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TeacherOverlaps {
    /// `v*_j·v*_l`, `j ≠ l`.
    pub routers: f64,
    /// `w*_j·w*_l`, `j ≠ l`.
    pub experts: f64,
    /// `v*_j·w*_j`; a router and the expert of another unit stay orthogonal.
    pub own: f64,
}

impl Start {
    /// The same start with every router turned in the plane of its expert, until `v̄_i·w̄_i = s`. Experts stay, and so do the overlaps of orthogonal students with each other. A
    /// router parallel to its expert has no plane and stays. `|s| ≤ 1`.
    pub fn with_own_overlaps(mut self, s: f64) -> Self {
        let m = self.students();
        for i in 0..m {
            let (aside, length, _) = self.aside(i);
            if length > f64::EPSILON {
                let share = (1.0 - s * s).max(0.0).sqrt() / length;
                let expert = self.students.col_as_slice(m + i).to_vec();
                let router = self.students.col_as_slice_mut(i);
                router.iter_mut().enumerate().for_each(|(r, x)| *x = s * expert[r] + share * aside[r]);
            }
        }
        self
    }

    /// The same students before the teacher `T G^{1/2}`, `T` the teacher's columns (orthonormal before) and `G` the overlaps asked for: of all such teachers the nearest.
    /// `None` where no unit vectors have these overlaps.
    pub fn with_overlapping_teacher(mut self, overlaps: TeacherOverlaps) -> Option<Self> {
        let count = self.teachers();
        let gram = Mat::from_fn(2 * count, 2 * count, |a, b| match (a < count, b < count) {
            _ if a == b => 1.0,
            (true, true) => overlaps.routers,
            (false, false) => overlaps.experts,
            _ if a % count == b % count => overlaps.own,
            _ => 0.0,
        });
        let eigen = gram.self_adjoint_eigen(Side::Lower).ok()?;
        if !eigen.S().column_vector().iter().all(|value| *value > 0.0) {
            return None;
        }
        let columns = self.teacher.columns() * power(&gram, 0.5);
        self.teacher = Weights::from_columns(columns);
        Some(self)
    }

    /// `κ'_ij` of the module's documentation: the expert overlap once `v̄_i` and `w̄_i` have turned apart, each at its rate.
    pub fn relaxed_expert_overlap(&self, i: usize, j: usize) -> f64 {
        let m = self.students();
        self.turned_expert_overlap(i, j, turn_share([self.norms[i], self.norms[m + i]]))
    }

    /// The expert overlap `w̄'·w*_j` after the expert of student `i` has taken the share `share` of the angle from its router to a right angle.
    pub fn turned_expert_overlap(&self, i: usize, j: usize, share: f64) -> f64 {
        let (aside, length, s) = self.aside(i);
        let target = self.teacher.expert(j);
        let along = |x: &[f64]| x.iter().zip(target).map(|(x, t)| x * t).sum::<f64>();
        let kappa = along(self.students.col_as_slice(self.students() + i));
        if length <= f64::EPSILON {
            return kappa;
        }
        let angle = share * s.clamp(-1.0, 1.0).asin();
        angle.cos() * kappa - angle.sin() * along(&aside) / length
    }

    /// The router of student `i` without its part along the expert, the length of that rest, and `v̄_i·w̄_i`.
    fn aside(&self, i: usize) -> (Vec<f64>, f64, f64) {
        let (v, w) = (self.students.col_as_slice(i), self.students.col_as_slice(self.students() + i));
        let s: f64 = v.iter().zip(w).map(|(v, w)| v * w).sum();
        let aside: Vec<f64> = v.iter().zip(w).map(|(v, w)| v - s * w).collect();
        let length = super::model::norm(&aside);
        (aside, length, s)
    }
}

/// `λ` of the module's documentation, for the raw norms of a router and its expert, positive: the share of the turn to a right angle that the expert takes.
pub fn turn_share([router, expert]: [f64; 2]) -> f64 {
    1.0 / (1.0 + (expert / router).powi(2))
}

/// The time, at unit raw norm and `He_3`, until the largest of one student's overlaps `κ_j` with teachers whose experts overlap by `e` reaches `to`, by the law of the module's
/// documentation; `None` where that takes more than `limit`.
///
/// Runge-Kutta of order 4 with steps of `0.03/max|κ|` in units of the rate: the error is that of the last step, a relative 1e-6 where overlaps start below 10⁻².
pub fn overlapping_alignment_time(router: Router, kappas: &[f64], e: f64, to: f64, limit: f64) -> Option<f64> {
    let rate = alignment_rate(router, 3);
    let field = |kappas: &[f64]| -> Vec<f64> {
        let squares: f64 = kappas.iter().map(|k| k * k).sum();
        let cubes: f64 = kappas.iter().map(|k| k * k * k).sum();
        kappas.iter().map(|k| rate * ((1.0 - e) * k * k + e * squares - k * cubes)).collect()
    };
    let shifted = |kappas: &[f64], by: &[f64], h: f64| -> Vec<f64> {
        kappas.iter().zip(by).map(|(k, slope)| k + h * slope).collect()
    };
    let largest = |kappas: &[f64]| kappas.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut kappas, mut time) = (kappas.to_vec(), 0.0);
    while largest(&kappas) < to {
        let size = kappas.iter().fold(0.0_f64, |size, k| size.max(k.abs()));
        if size <= 0.0 || time > limit {
            return None;
        }
        let h = 0.03 / (rate * size);
        let a = field(&kappas);
        let b = field(&shifted(&kappas, &a, 0.5 * h));
        let c = field(&shifted(&kappas, &b, 0.5 * h));
        let d = field(&shifted(&kappas, &c, h));
        let slope: Vec<f64> = (0..kappas.len()).map(|j| (a[j] + 2.0 * b[j] + 2.0 * c[j] + d[j]) / 6.0).collect();
        let next = shifted(&kappas, &slope, h);
        let (before, after) = (largest(&kappas), largest(&next));
        // The last step ends on the level: overlaps are as good as linear within it.
        let part = if after >= to { (to - before) / (after - before) } else { 1.0 };
        time += part * h;
        kappas = next;
    }
    Some(time)
}

#[cfg(test)]
mod tests {
    use super::super::{InitialLaw, alignment_time};
    use super::*;

    fn start() -> Start {
        InitialLaw { student_overlap: 0.0, ..InitialLaw::new(3, 3, 2, 1000) }.sample(5, 1).unwrap()
    }

    #[test]
    fn own_overlaps_come_out_and_the_others_stay() {
        let before = start().order_parameters();
        for s in [-0.9, 0.0, 0.5] {
            let after = start().with_own_overlaps(s).order_parameters();
            for i in 0..3 {
                assert!((after.own(i) - s).abs() < 1e-14, "{s} {}", after.own(i));
                for j in 0..2 {
                    assert!((after.expert(i, j) - before.expert(i, j)).abs() < 1e-15);
                }
                for k in (0..3).filter(|k| *k != i) {
                    let between = [after.student(i, k), after.student_router(i, k), after.router_expert(i, k)];
                    assert!(between.iter().all(|x| x.abs() < 1e-13), "{between:?}");
                }
            }
        }
    }

    #[test]
    fn teacher_overlaps_come_out() {
        let asked = TeacherOverlaps { routers: 0.1, experts: -0.3, own: 0.2 };
        let teacher = start().with_overlapping_teacher(asked).unwrap().teacher;
        let gram = teacher.columns().transpose() * teacher.columns();
        let expected = [[1.0, 0.1, 0.2, 0.0], [0.1, 1.0, 0.0, 0.2], [0.2, 0.0, 1.0, -0.3], [0.0, 0.2, -0.3, 1.0]];
        for (a, row) in expected.iter().enumerate() {
            for (b, expected) in row.iter().enumerate() {
                assert!((gram[(a, b)] - expected).abs() < 1e-14, "{a} {b}");
            }
        }
        assert!(start().with_overlapping_teacher(TeacherOverlaps { experts: 1.5, ..asked }).is_none());
    }

    /// At equal norms the pair `(v̄, w̄)` turns to the nearest orthonormal one, here by Löwdin's formula `(1/√(1+s) ± 1/√(1−s))/2` for its coefficients.
    #[test]
    fn equal_norms_relax_to_the_nearest_orthonormal_pair() {
        let s = 0.6;
        let start = start().with_own_overlaps(s);
        let (same, other) = (1.0 / (1.0 + s).sqrt(), 1.0 / (1.0 - s).sqrt());
        let along = |column: usize, j: usize| -> f64 {
            start.students.col_as_slice(column).iter().zip(start.teacher.expert(j)).map(|(x, t)| x * t).sum()
        };
        for (i, j) in [(0, 0), (1, 1), (2, 0)] {
            let nearest = 0.5 * (same + other) * along(3 + i, j) + 0.5 * (same - other) * along(i, j);
            assert!((start.relaxed_expert_overlap(i, j) - nearest).abs() < 1e-15);
            // A heavy expert stays, a heavy router leaves the whole turn to it.
            let stays = start.clone().with_raw_norms(1e-9, 1.0).relaxed_expert_overlap(i, j);
            assert!((stays - along(3 + i, j)).abs() < 1e-15);
            let turns = start.clone().with_raw_norms(1e9, 1.0).relaxed_expert_overlap(i, j);
            let whole = (along(3 + i, j) - s * along(i, j)) / (1.0 - s * s).sqrt();
            assert!((turns - whole).abs() < 1e-15);
        }
    }

    #[test]
    fn orthogonal_teachers_have_the_closed_form() {
        let time = overlapping_alignment_time(Router::Sigmoid, &[1e-4, 3e-5], 0.0, 0.5, 1e9).unwrap();
        let closed = alignment_time(Router::Sigmoid, 3, 1e-4, 0.5);
        assert!((time / closed - 1.0).abs() < 1e-6, "{time} {closed}");
        // On the bisector both overlaps k obey dk/dt = 4.5 ((1+e)k² − 2k⁴): the rate 1 + e at small k.
        let e = 0.5;
        let time = overlapping_alignment_time(Router::Sigmoid, &[1e-5, 1e-5], e, 0.01, 1e9).unwrap();
        assert!((time * 4.5 * (1.0 + e) / (1e5 - 1e2) - 1.0).abs() < 1e-6, "{time}");
        assert_eq!(overlapping_alignment_time(Router::Sigmoid, &[-1e-3, -1e-3], 0.2, 0.5, 1e4), None);
    }
}

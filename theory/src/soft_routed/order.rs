//! The order parameters of a state: every overlap that the loss depends on.

use super::population::PopulationLoss;
use faer::{Mat, MatRef};

/// Loss and overlaps of unit vectors at one time of a flow.
#[derive(Clone, Debug)]
pub struct OrderParameters {
    /// The population loss.
    pub loss: f64,
    students: usize,
    teachers: usize,
    /// Rows: student routers, student experts, teacher routers, teacher experts; columns: student routers, student experts.
    overlaps: Mat<f64>,
    /// `v*_j·w*_j`.
    teacher_own: Vec<f64>,
    /// `E f*_j f*_k`, row after row.
    teacher_pairs: Vec<f64>,
    /// The student's columns in the coordinates of the flow.
    columns: Vec<f64>,
}

impl OrderParameters {
    /// At the student's columns `state` of the evaluator's coordinates, one after the other: routers, then experts, of any length but 0.
    ///
    /// # Panics
    /// If their number is not the evaluator's.
    pub fn at(population: &mut PopulationLoss, state: &[f64]) -> Self {
        let loss = population.loss(state);
        let overlaps = population.overlaps().to_owned();
        let students = overlaps.ncols() / 2;
        let (teachers, teacher_own) = (overlaps.nrows() / 2 - students, population.teacher_own().to_vec());
        let teacher_pairs = population.teacher_pairs().to_vec();
        Self { loss, students, teachers, overlaps, teacher_own, teacher_pairs, columns: state.to_vec() }
    }

    /// All overlaps: rows student routers, student experts, teacher routers, teacher experts; columns student routers, student experts.
    pub(crate) fn overlaps(&self) -> MatRef<'_, f64> {
        self.overlaps.as_ref()
    }

    /// `v*_j·w*_j` of every teacher.
    pub(crate) fn teacher_own(&self) -> &[f64] {
        &self.teacher_own
    }

    /// `E f*_j f*_k` of all pairs of teachers, row after row.
    pub(crate) fn teacher_pairs(&self) -> &[f64] {
        &self.teacher_pairs
    }

    /// The student's columns in the coordinates of the flow.
    pub(crate) fn columns(&self) -> &[f64] {
        &self.columns
    }

    /// Number `m` of students.
    pub fn students(&self) -> usize {
        self.students
    }

    /// Number `m*` of teachers.
    pub fn teachers(&self) -> usize {
        self.teachers
    }

    /// `κ_ij = w̄_i·w*_j`.
    pub fn expert(&self, i: usize, j: usize) -> f64 {
        self.overlaps[(2 * self.students + self.teachers + j, self.students + i)]
    }

    /// `β_ij = v̄_i·v*_j`.
    pub fn router(&self, i: usize, j: usize) -> f64 {
        self.overlaps[(2 * self.students + j, i)]
    }

    /// `u_ik = w̄_i·w̄_k`.
    pub fn student(&self, i: usize, k: usize) -> f64 {
        self.overlaps[(self.students + i, self.students + k)]
    }

    /// `v̄_i·v̄_k`.
    pub fn student_router(&self, i: usize, k: usize) -> f64 {
        self.overlaps[(i, k)]
    }

    /// `v̄_i·w̄_k`, the router of one student and the expert of another.
    pub fn router_expert(&self, i: usize, k: usize) -> f64 {
        self.overlaps[(self.students + k, i)]
    }

    /// `v̄_i·w*_j`, the router of a student and the expert of a teacher.
    pub fn router_teacher_expert(&self, i: usize, j: usize) -> f64 {
        self.overlaps[(2 * self.students + self.teachers + j, i)]
    }

    /// `w̄_i·v*_j`, the expert of a student and the router of a teacher.
    pub fn expert_teacher_router(&self, i: usize, j: usize) -> f64 {
        self.overlaps[(2 * self.students + j, self.students + i)]
    }

    /// `s_i = v̄_i·w̄_i`.
    pub fn own(&self, i: usize) -> f64 {
        self.overlaps[(self.students + i, i)]
    }

    /// The student-teacher pair with the largest `κ_ij`, and that overlap.
    pub fn best_pair(&self) -> (usize, usize, f64) {
        self.pairs().max_by(|a, b| a.2.total_cmp(&b.2)).expect("at least one student and one teacher")
    }

    /// Largest absolute difference of an overlap.
    pub(crate) fn largest_difference(&self, other: &Self) -> f64 {
        (&self.overlaps - &other.overlaps).norm_max()
    }

    /// All `(i, j, κ_ij)`.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        (0..self.students).flat_map(move |i| (0..self.teachers).map(move |j| (i, j, self.expert(i, j))))
    }

    /// All `(i, k, u_ik)` with `i < k`.
    pub fn student_pairs(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        (0..self.students).flat_map(move |i| (i + 1..self.students).map(move |k| (i, k, self.student(i, k))))
    }
}

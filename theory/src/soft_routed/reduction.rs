//! The start of a flow in coordinates that do not see the input dimension.
//!
//! `∂L/∂v_i` and `∂L/∂w_i` are linear combinations of the student's and the teacher's vectors, so the flow stays in their span: at most `2m + 2m*`
//! coordinates, whatever `d` is (theory A3).

use super::model::{StudentTeacher, Weights, norm};
use super::population::PopulationLoss;
use super::{OrderParameters, alignment_time};
use faer::Mat;
use moe_kernels::Router;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// Unit vectors in reduced coordinates, raw norms beside them.
#[derive(Clone, Debug)]
pub struct Start {
    /// The router function.
    pub router: Router,
    /// The Hermite order of the experts.
    pub order: usize,
    /// Dimension of the inputs, for the record: nothing below depends on it.
    pub dimension: u64,
    /// Unit columns: student routers, student experts.
    pub(crate) students: Mat<f64>,
    /// Unit columns: teacher routers, teacher experts.
    pub(crate) teacher: Weights,
    /// Raw norms of the student's columns. They are conserved by the flow and act as inverse square-root learning rates.
    pub(crate) norms: Vec<f64>,
}

impl Start {
    /// Reduces explicit weights by a QR factorisation of all unit vectors where that shortens them.
    pub fn reduce(model: &StudentTeacher) -> Self {
        Self::of(model, true)
    }

    /// Explicit weights in their own coordinates, all of them: for inputs that prefer directions.
    pub fn unreduced(model: &StudentTeacher) -> Self {
        Self::of(model, false)
    }

    fn of(model: &StudentTeacher, shorten: bool) -> Self {
        let (m, teachers, dimension) = (model.student.count(), model.teacher.count(), model.student.dimension());
        let (student, teacher) = (model.student.columns(), model.teacher.columns());
        let raw = |j: usize| {
            let column = if j < 2 * teachers { teacher.col(j) } else { student.col(j - 2 * teachers) };
            column.try_as_col_major().expect("column-major").as_slice()
        };
        let norms: Vec<f64> = (0..2 * (m + teachers)).map(|j| norm(raw(j))).collect();
        let all = Mat::from_fn(dimension, 2 * (m + teachers), |i, j| raw(j)[i] / norms[j]);
        let coordinates = if shorten && dimension > all.ncols() { all.qr().thin_R().to_owned() } else { all };
        Self {
            router: model.router,
            order: model.order,
            dimension: dimension as u64,
            students: coordinates.subcols(2 * teachers, 2 * m).to_owned(),
            teacher: Weights::from_columns(coordinates.subcols(0, 2 * teachers).to_owned()),
            norms: norms[2 * teachers..].to_vec(),
        }
    }

    /// The weights in these coordinates, raw norms included.
    pub fn model(&self) -> StudentTeacher {
        let columns =
            Mat::from_fn(self.coordinates(), self.students.ncols(), |i, j| self.students[(i, j)] * self.norms[j]);
        StudentTeacher {
            router: self.router,
            order: self.order,
            student: Weights::from_columns(columns),
            teacher: self.teacher.clone(),
        }
    }

    /// Number `m` of students.
    pub fn students(&self) -> usize {
        self.students.ncols() / 2
    }

    /// Number `m*` of teachers.
    pub fn teachers(&self) -> usize {
        self.teacher.count()
    }

    /// Coordinates of each vector: `min(d, 2m + 2m*)`.
    pub fn coordinates(&self) -> usize {
        self.students.nrows()
    }

    /// Raw norms of the routers, then of the experts.
    pub fn norms(&self) -> &[f64] {
        &self.norms
    }

    /// The same start with these raw norms, positive: of each router, then of each expert.
    ///
    /// # Panics
    /// Unless there are `2m` of them.
    pub fn with_norms(mut self, norms: &[f64]) -> Self {
        self.norms.copy_from_slice(norms);
        self
    }

    /// The same vectors in a space of another dimension, at least the number of coordinates: the flow is the same, what online SGD draws is not.
    pub fn in_dimension(mut self, dimension: u64) -> Self {
        self.dimension = dimension.max(self.coordinates() as u64);
        self
    }

    /// The same start with these raw norms, positive, of every router and of every expert. A vector of norm `n` turns at `n⁻²` times the rate of a unit one.
    pub fn with_raw_norms(mut self, routers: f64, experts: f64) -> Self {
        let m = self.students();
        self.norms[..m].fill(routers);
        self.norms[m..].fill(experts);
        self
    }

    /// The same start with the first `count` teachers only, in the same coordinates: the others' vectors become directions of no special meaning.
    ///
    /// # Panics
    /// Unless `1 ≤ count ≤ m*`.
    pub fn with_first_teachers(mut self, count: usize) -> Self {
        let teachers = self.teachers();
        assert!((1..=teachers).contains(&count), "between one and all teachers");
        let columns = self.teacher.columns();
        let kept = Mat::from_fn(columns.nrows(), 2 * count, |i, j| {
            columns[(i, if j < count { j } else { teachers + j - count })]
        });
        self.teacher = Weights::from_columns(kept);
        self
    }

    /// The teacher's unit columns: routers, then experts.
    pub fn teacher(&self) -> &Weights {
        &self.teacher
    }

    /// The same start in all `d` coordinates of the inputs, turned by a random rotation: for inputs that prefer directions. `d` numbers a vector, so for small `d` only.
    pub fn in_all_coordinates(self, normals: &mut impl Rng) -> Self {
        let (d, n) = (self.dimension as usize, self.coordinates());
        let gaussian: Mat<f64> = Mat::from_fn(d, n, |_, _| StandardNormal.sample(normals));
        let frame: Mat<f64> = gaussian.qr().compute_thin_Q();
        Self {
            students: &frame * &self.students,
            teacher: Weights::from_columns(&frame * self.teacher.columns()),
            ..self
        }
    }

    /// The same start with student `i` turned towards teacher `i`, for every `i` below both counts: on the great circle through the two, until
    /// `v̄_i·v*_i = routers` and `w̄_i·w*_i = experts`, on the student's side of the teacher. The other overlaps of a random start stay `O(d^{−1/2})`.
    /// `v̄_i·w̄_i` is not kept.
    ///
    /// Overlaps are within `[−1, 1]`; a vector that is parallel to its teacher's has no side and stays.
    pub fn with_teacher_overlaps(mut self, routers: f64, experts: f64) -> Self {
        let (m, teachers) = (self.students(), self.teachers());
        for i in 0..m.min(teachers) {
            for (student, teacher, overlap) in [(i, i, routers), (m + i, teachers + i, experts)] {
                let target = self.teacher.columns().col(teacher).to_owned();
                let column = self.students.col_as_slice_mut(student);
                let along: f64 = column.iter().enumerate().map(|(r, x)| x * target[r]).sum();
                let aside: Vec<f64> = column.iter().enumerate().map(|(r, x)| x - along * target[r]).collect();
                let length = norm(&aside);
                if length > f64::EPSILON {
                    let share = (1.0 - overlap * overlap).max(0.0).sqrt() / length;
                    column.iter_mut().enumerate().for_each(|(r, x)| *x = overlap * target[r] + share * aside[r]);
                }
            }
        }
        self
    }

    /// The start of a flow that goes on from `state`, a state of a flow from this start.
    ///
    /// # Panics
    /// If the state has another number of students or coordinates.
    pub fn at(&self, state: &OrderParameters) -> Self {
        let (rows, count) = (self.coordinates(), self.students.ncols());
        assert_eq!(state.columns().len(), rows * count, "a state of the same student");
        let columns: Vec<&[f64]> = state.columns().chunks_exact(rows).collect();
        let lengths: Vec<f64> = columns.iter().map(|column| norm(column)).collect();
        let students = Mat::from_fn(rows, count, |i, j| columns[j][i] / lengths[j]);
        Self { students, ..self.clone() }
    }

    /// The same start with the students `kept` only, in this order.
    ///
    /// # Panics
    /// If `kept` is empty or names a student that does not exist.
    pub fn with_students(&self, kept: &[usize]) -> Self {
        assert!(!kept.is_empty(), "a flow needs a student");
        let m = self.students();
        let columns: Vec<usize> = kept.iter().copied().chain(kept.iter().map(|i| m + i)).collect();
        let students = Mat::from_fn(self.coordinates(), columns.len(), |i, j| self.students[(i, columns[j])]);
        Self { students, norms: columns.iter().map(|j| self.norms[*j]).collect(), ..self.clone() }
    }

    /// The same start with every coordinate `x` off by `±size(1 + |x|)`, signs in a fixed irregular pattern.
    pub(crate) fn disturbed(&self, size: f64) -> Self {
        let sign = |i: usize, j: usize| if (i * 7919 + j * 104_729 + i * j * 31) % 101 < 50 { size } else { -size };
        let column = |j: usize| {
            let moved: Vec<f64> =
                (0..self.coordinates()).map(|i| self.students[(i, j)] * (1.0 + sign(i, j)) + sign(i, j)).collect();
            let length = norm(&moved);
            moved.into_iter().map(move |x| x / length).collect::<Vec<_>>()
        };
        let columns: Vec<Vec<f64>> = (0..self.students.ncols()).map(column).collect();
        let students = Mat::from_fn(self.coordinates(), columns.len(), |i, j| columns[j][i]);
        Self { students, ..self.clone() }
    }

    /// An evaluator of the loss in these coordinates.
    pub fn population(&self) -> PopulationLoss {
        PopulationLoss::new(self.router, self.order, self.students(), &self.teacher)
    }

    /// The student's unit columns, one after the other.
    pub fn state(&self) -> Vec<f64> {
        (0..self.students.ncols()).flat_map(|j| self.students.col_as_slice(j).iter().copied()).collect()
    }

    /// Loss and overlaps at the start.
    pub fn order_parameters(&self) -> OrderParameters {
        OrderParameters::at(&mut self.population(), &self.state())
    }

    /// The first time at which some expert overlap reaches ½ by the law of [`alignment_time`], each with its raw norm; for even orders `|κ|` counts.
    /// `None` where the law predicts none: no overlap of the right sign, or a router with `A_0 = 0`.
    pub fn predicted_alignment(&self) -> Option<f64> {
        let overlaps = self.order_parameters();
        let m = self.students();
        let time = overlaps
            .pairs()
            .map(|(i, _, kappa)| {
                let kappa = if self.order.is_multiple_of(2) { kappa.abs() } else { kappa };
                match kappa {
                    k if k >= 0.5 => 0.0,
                    k if k > 0.0 => alignment_time(self.router, self.order, k, 0.5) * self.norms[m + i].powi(2),
                    _ if self.order == 1 => {
                        alignment_time(self.router, 1, kappa.max(-0.999), 0.5) * self.norms[m + i].powi(2)
                    }
                    _ => f64::INFINITY,
                }
            })
            .fold(f64::INFINITY, f64::min);
        time.is_finite().then_some(time)
    }
}

//! The student-teacher spec that users write, as data; reading files is the caller's business.

use super::initial::{InitialError, InitialLaw};
use super::model::{ModelError, StudentTeacher};
use super::reduction::Start;
use crate::whole_number::{whole, whole_usize};
use moe_kernels::Router;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// A student, a teacher and how long to follow them. Unknown keys are errors.
///
/// Either both of `student` and `teacher` are given (raw weights), or `dimension`, `students` and `teachers` (a draw of [`InitialLaw`]).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The router function; sigmoid unless given.
    #[serde(default = "sigmoid", deserialize_with = "router")]
    pub router: Router,
    /// The order `p` of the experts `He_p`, 1 to 6; 3 unless given.
    #[serde(default = "three", deserialize_with = "whole_usize")]
    pub hermite_order: usize,
    /// The student's raw weights.
    pub student: Option<Units>,
    /// The teacher's raw weights.
    pub teacher: Option<Units>,
    /// Dimension of the inputs of a sampled problem.
    #[serde(default, deserialize_with = "whole")]
    pub dimension: Option<u64>,
    /// Number of students of a sampled problem.
    #[serde(default, deserialize_with = "whole")]
    pub students: Option<u64>,
    /// Number of teachers of a sampled problem.
    #[serde(default, deserialize_with = "whole")]
    pub teachers: Option<u64>,
    /// Seed of a sampled problem; 0 unless given.
    #[serde(default, deserialize_with = "whole")]
    pub seed: Option<u64>,
    /// Factor of the overlaps between students of a sampled problem, 0 to 1; 1 unless given.
    pub student_overlap: Option<f64>,
    /// Whether `v_i ⟂ w_i` in a sampled problem; true unless given.
    pub orthogonal: Option<bool>,
    /// How long a flow is followed.
    pub until: Option<f64>,
    /// Bound of the error of every overlap of a flow.
    pub tolerance: Option<f64>,
}

/// Rows of raw weights.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// One row of `d` numbers for each router.
    pub routers: Vec<Vec<f64>>,
    /// One row of `d` numbers for each expert.
    pub experts: Vec<Vec<f64>>,
}

/// What is wrong with a spec that could be read.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum SpecError {
    /// Weights that are no weights.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A sampled problem that cannot be sampled.
    #[error(transparent)]
    Initial(#[from] InitialError),
    /// A key that its companions ask for.
    #[error("{key} is missing; a spec has either student and teacher, or dimension, students and teachers")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A key of a sampled problem beside explicit weights.
    #[error("{key} is given beside explicit weights; it belongs to a sampled problem (dimension, students, teachers)")]
    Conflict {
        /// The key.
        key: &'static str,
    },
    /// A number outside its range.
    #[error("{key} is {found}; {allowed}")]
    Range {
        /// The key.
        key: &'static str,
        /// The number.
        found: f64,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// Error bound of overlaps unless a spec says otherwise.
const DEFAULT_TOLERANCE: f64 = 1e-9;
/// How long a flow is followed where the alignment law predicts nothing.
const DEFAULT_UNTIL: f64 = 100.0;

impl Spec {
    /// The weights in the coordinates that were written down, or, for a sampled problem, in the `2m + 2m*` reduced ones.
    ///
    /// # Errors
    /// Every [`SpecError`].
    pub fn model(&self) -> Result<StudentTeacher, SpecError> {
        self.check()?;
        match (&self.student, &self.teacher) {
            (None, None) => Ok(self.sampled()?.model()),
            (Some(student), Some(teacher)) => Ok(StudentTeacher::from_rows(
                self.router,
                self.hermite_order,
                [&student.routers, &student.experts],
                [&teacher.routers, &teacher.experts],
            )?),
            (None, Some(_)) => Err(SpecError::Missing { key: "student" }),
            (Some(_), None) => Err(SpecError::Missing { key: "teacher" }),
        }
    }

    /// The start of the flow in reduced coordinates.
    ///
    /// # Errors
    /// Every [`SpecError`].
    pub fn start(&self) -> Result<Start, SpecError> {
        self.check()?;
        if self.student.is_none() && self.teacher.is_none() {
            self.sampled()
        } else {
            Ok(Start::reduce(&self.model()?))
        }
    }

    /// How long to follow the flow: `until`, or three times the predicted first alignment, or 100 time units where none is predicted.
    pub fn until(&self, start: &Start) -> f64 {
        self.until.unwrap_or_else(|| match start.predicted_alignment() {
            Some(time) if time > 0.0 => 3.0 * time,
            _ => DEFAULT_UNTIL,
        })
    }

    /// Bound of the error of every overlap; `1e-9` unless given.
    pub fn tolerance(&self) -> f64 {
        self.tolerance.unwrap_or(DEFAULT_TOLERANCE)
    }

    fn sampled(&self) -> Result<Start, SpecError> {
        let need = |value: Option<u64>, key| value.ok_or(SpecError::Missing { key });
        let law = InitialLaw {
            router: self.router,
            order: self.hermite_order,
            dimension: need(self.dimension, "dimension")?,
            students: need(self.students, "students")?.try_into().unwrap_or(usize::MAX),
            teachers: need(self.teachers, "teachers")?.try_into().unwrap_or(usize::MAX),
            student_overlap: self.student_overlap.unwrap_or(1.0),
            orthogonal: self.orthogonal.unwrap_or(true),
            gaussian_norms: false,
        };
        Ok(law.sample(self.seed.unwrap_or(0), 0)?)
    }

    fn check(&self) -> Result<(), SpecError> {
        if self.student.is_some() || self.teacher.is_some() {
            let given = [
                ("dimension", self.dimension.is_some()),
                ("students", self.students.is_some()),
                ("teachers", self.teachers.is_some()),
                ("seed", self.seed.is_some()),
                ("student_overlap", self.student_overlap.is_some()),
                ("orthogonal", self.orthogonal.is_some()),
            ];
            if let Some((key, _)) = given.into_iter().find(|(_, given)| *given) {
                return Err(SpecError::Conflict { key });
            }
        }
        match (self.until, self.tolerance) {
            (Some(found), _) if !(found > 0.0 && found.is_finite()) => {
                Err(SpecError::Range { key: "until", found, allowed: "a positive finite time is allowed" })
            }
            (_, Some(found)) if !(1e-14..=1e-2).contains(&found) => {
                Err(SpecError::Range { key: "tolerance", found, allowed: "1e-14 to 1e-2 is allowed" })
            }
            _ => Ok(()),
        }
    }
}

fn sigmoid() -> Router {
    Router::Sigmoid
}

fn three() -> usize {
    3
}

fn router<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Router, D::Error> {
    let name = String::deserialize(deserializer)?;
    Router::from_name(&name).ok_or_else(|| D::Error::unknown_variant(&name, &["sigmoid", "tanh", "gaussian-cdf"]))
}

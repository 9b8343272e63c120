//! Validated weights of a student and a teacher.

use faer::{Mat, MatRef};
use moe_kernels::{MAX_ORDER, Router};
use std::fmt;
use thiserror::Error;

/// Smallest and largest Euclidean norm of a raw weight vector. Inside, the loss and `‖w‖ ∂L/∂w` keep full accuracy and `∂L/∂w` does not overflow.
pub const NORMS: [f64; 2] = [1e-300, 1e300];

/// What is wrong with a set of weights, and where.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ModelError {
    /// No units at all.
    #[error("{side}.{part} has no rows; at least one is needed")]
    Empty {
        /// `student` or `teacher`.
        side: &'static str,
        /// `routers` or `experts`.
        part: &'static str,
    },
    /// Rows of different lengths.
    #[error("{place} has {found} numbers; {expected} are needed, as in the rows before")]
    Ragged {
        /// Which row.
        place: Place,
        /// Its length.
        found: usize,
        /// The length of the first router of the student.
        expected: usize,
    },
    /// As many routers as experts are needed.
    #[error(
        "{side}.experts has {experts} rows, {side}.routers has {routers}; as many of one as of the other are needed"
    )]
    Unpaired {
        /// `student` or `teacher`.
        side: &'static str,
        /// Rows of `routers`.
        routers: usize,
        /// Rows of `experts`.
        experts: usize,
    },
    /// NaN or infinity.
    #[error("{place}[{column}] is {found}; a finite number is needed")]
    NotFinite {
        /// Which row.
        place: Place,
        /// Which entry.
        column: usize,
        /// The entry.
        found: f64,
    },
    /// A vector that cannot be normalised.
    #[error("{place} is a zero vector; weights are normalised inside the model, so a direction is needed")]
    Zero {
        /// Which row.
        place: Place,
    },
    /// A norm at the edge of the floating-point range.
    #[error("{place} has norm {norm:e}; norms from {:e} to {:e} are allowed", NORMS[0], NORMS[1])]
    Norm {
        /// Which row.
        place: Place,
        /// Its Euclidean norm.
        norm: f64,
    },
    /// `He_p` outside the orders that have a kernel.
    #[error("hermite_order is {found}; 1 to {MAX_ORDER} are allowed")]
    Order {
        /// The order asked for.
        found: usize,
    },
}

/// A row of the weights, `student.routers[2]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// `student` or `teacher`.
    pub side: &'static str,
    /// `routers` or `experts`.
    pub part: &'static str,
    /// Row, from 0.
    pub row: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}[{}]", self.side, self.part, self.row)
    }
}

/// Raw weights of a set of units: a `dimension × 2·count` matrix whose columns are the routers, then the experts.
#[derive(Clone, Debug)]
pub struct Weights {
    columns: Mat<f64>,
}

impl Weights {
    /// From columns that the caller has checked to be finite and non-zero; `dimension × 2·count`.
    pub(crate) fn from_columns(columns: Mat<f64>) -> Self {
        debug_assert!(columns.ncols() > 0 && columns.ncols().is_multiple_of(2));
        Self { columns }
    }

    /// From rows of routers and experts; `side` names them in errors.
    fn from_rows(
        side: &'static str,
        routers: &[Vec<f64>],
        experts: &[Vec<f64>],
        dimension: usize,
    ) -> Result<Self, ModelError> {
        for (part, rows) in [("routers", routers), ("experts", experts)] {
            if rows.is_empty() {
                return Err(ModelError::Empty { side, part });
            }
            for (row, values) in rows.iter().enumerate() {
                check(Place { side, part, row }, values, dimension)?;
            }
        }
        if routers.len() != experts.len() {
            return Err(ModelError::Unpaired { side, routers: routers.len(), experts: experts.len() });
        }
        let m = routers.len();
        Ok(Self {
            columns: Mat::from_fn(dimension, 2 * m, |i, j| if j < m { routers[j][i] } else { experts[j - m][i] }),
        })
    }

    /// Number of units.
    pub fn count(&self) -> usize {
        self.columns.ncols() / 2
    }

    /// Length of each vector.
    pub fn dimension(&self) -> usize {
        self.columns.nrows()
    }

    /// All vectors as columns: routers, then experts.
    pub fn columns(&self) -> MatRef<'_, f64> {
        self.columns.as_ref()
    }

    /// The router of unit `i`.
    pub fn router(&self, i: usize) -> &[f64] {
        self.columns.col_as_slice(i)
    }

    /// The expert of unit `i`.
    pub fn expert(&self, i: usize) -> &[f64] {
        self.columns.col_as_slice(self.count() + i)
    }
}

fn check(place: Place, values: &[f64], dimension: usize) -> Result<(), ModelError> {
    if values.len() != dimension {
        return Err(ModelError::Ragged { place, found: values.len(), expected: dimension });
    }
    if let Some((column, &found)) = values.iter().enumerate().find(|(_, x)| !x.is_finite()) {
        return Err(ModelError::NotFinite { place, column, found });
    }
    match norm(values) {
        0.0 => Err(ModelError::Zero { place }),
        norm if !(NORMS[0]..=NORMS[1]).contains(&norm) => Err(ModelError::Norm { place, norm }),
        _ => Ok(()),
    }
}

/// Euclidean norm without overflow or underflow on the way.
pub(crate) fn norm(values: &[f64]) -> f64 {
    let largest = values.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    largest * values.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

/// A student and a teacher on the same inputs, with a common router function and Hermite order.
#[derive(Clone, Debug)]
pub struct StudentTeacher {
    /// The router function `π`.
    pub router: Router,
    /// The order `p` of the experts `He_p`.
    pub order: usize,
    /// The student's raw weights.
    pub student: Weights,
    /// The teacher's raw weights; not necessarily orthonormal.
    pub teacher: Weights,
}

impl StudentTeacher {
    /// From rows of numbers: `[routers, experts]` of the student and of the teacher.
    ///
    /// # Errors
    /// Everything that [`ModelError`] names; the dimension is that of the student's first router.
    pub fn from_rows(
        router: Router,
        order: usize,
        student: [&[Vec<f64>]; 2],
        teacher: [&[Vec<f64>]; 2],
    ) -> Result<Self, ModelError> {
        if !(1..=MAX_ORDER).contains(&order) {
            return Err(ModelError::Order { found: order });
        }
        let dimension = student[0].first().map_or(0, Vec::len);
        Ok(Self {
            router,
            order,
            student: Weights::from_rows("student", student[0], student[1], dimension)?,
            teacher: Weights::from_rows("teacher", teacher[0], teacher[1], dimension)?,
        })
    }
}

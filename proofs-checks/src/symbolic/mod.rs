//! Experts and gates as a user writes them down: parsed, differentiated, and searched for the linear relations among their derivatives.
//!
//! ```
//! use proofs_checks::symbolic::{parse, relations};
//! // Theory B3: the slope of a gate and the offset of a linear expert.
//! let found = relations(&parse("exp(w*x)*(a*x + b)").unwrap(), 2).unwrap();
//! assert_eq!((found.derivatives.len(), found.independent), (10, 4));
//! assert!(found.relations.iter().any(|relation| relation.equation == "d2F/dw db = dF/da"));
//! ```

mod coefficient;
mod expression;
mod normal_form;
mod parse;
mod polynomial;
mod relations;

pub use expression::{Expression, Function, Kind};
pub use parse::{ExpressionError, parse};
pub use relations::{Relation, Relations, relations};

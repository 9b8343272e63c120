//! Experts and gates as a user writes them down: parsed, differentiated, and searched for the linear relations among their derivatives. What is found is certified; see [`identify()`].

mod coefficient;
mod expression;
mod identify;
mod independence;
mod normal_form;
mod parse;
mod partial;
mod polynomial;
mod relations;

pub(crate) use expression::is_input;
pub use expression::{Expression, Function, Kind};
pub use identify::{Identified, IdentifiedRelation, IdentifyError, identify};
pub use parse::{ExpressionError, parse};
pub use partial::Partial;
pub(crate) use partial::normalise;

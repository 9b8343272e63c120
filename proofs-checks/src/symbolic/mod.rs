//! Experts and gates as a user writes them down: parsed, differentiated, and searched for the linear relations among their derivatives. What is found is certified; see [`identify()`].

mod coefficient;
mod cone;
mod expression;
mod families;
mod identify;
mod independence;
mod modular;
mod normal_form;
mod parse;
mod partial;
mod polynomial;
mod relations;

pub(crate) use cone::{Fit, Test, cone_test};
pub(crate) use expression::is_input;
pub use expression::{Expression, Function, Kind};
pub use families::{Families, Family, FamilyKind, families};
pub use identify::{Identified, IdentifiedRelation, IdentifyError, function_name, identify, orders};
pub(crate) use independence::{region_certificate, span_certificate};
pub(crate) use normal_form::{Table, divide};
pub use parse::{ExpressionError, parse};
pub use partial::Partial;
pub(crate) use partial::normalise;
pub(crate) use relations::relations;

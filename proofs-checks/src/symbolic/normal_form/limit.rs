//! The limits of what is computed, each with what is said where it was passed.

use super::{LARGEST, MOST, cancel};
use crate::symbolic::parse::ExpressionError;

/// Why polynomials are incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// More than [`MOST`] products of terms.
    Products,
    /// A derivative of more than [`LARGEST`] terms.
    Terms,
    /// More than [`cancel::MOST`] terms that a denominator inside of a function cancels.
    Rewritings,
    /// An exponent beyond those that `Exponent` holds.
    Exponent,
    /// A power of a quotient or a sigmoid that is no power of its numerator and denominator.
    Power,
}

impl Limit {
    /// Too large an expression is no input; what the normal form does not hold is not decided.
    pub(super) fn error(self, column: usize) -> ExpressionError {
        match self {
            Self::Products => ExpressionError::new(
                column,
                format!(
                    "the expression is too large: more than {MOST} products of terms when it is multiplied out and differentiated"
                ),
            ),
            Self::Terms => ExpressionError::new(
                column,
                format!(
                    "the expression is too large: a function with more than {LARGEST} terms would be differentiated"
                ),
            ),
            Self::Rewritings => ExpressionError::undecided(
                column,
                format!(
                    "a denominator inside of a function cancels in more than {} terms, which is beyond the normal form",
                    cancel::MOST
                ),
            ),
            Self::Exponent => ExpressionError::undecided(column, EXPONENT),
            Self::Power => ExpressionError::undecided(
                column,
                "a fractional or negative power of a quotient or sigmoid is beyond the normal form",
            ),
        }
    }
}

/// What is said of an exponent that `Exponent` does not hold.
pub(super) const EXPONENT: &str =
    "a coefficient in an exponent, or a power, has a numerator or denominator too long for the normal form";

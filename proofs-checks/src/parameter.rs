//! The parameters of a check: what may be set, within which range, and the default for each effort.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::run::Effort;

/// One parameter of a check.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// The name in `KEY=VALUE`.
    pub key: &'static str,
    /// What it is, in a few words.
    pub meaning: &'static str,
    /// Its unit; empty for a pure number.
    pub unit: &'static str,
    /// What it may be.
    pub range: Range,
    /// The whole number of the same lemma that it has to be above.
    pub above: Option<&'static str>,
}

/// What a parameter may be, ends included, and its defaults at quick, standard and thorough effort.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// A whole number.
    Integer {
        /// The least and the largest value.
        bounds: [u64; 2],
        /// The defaults.
        defaults: [u64; 3],
    },
    /// A number.
    Real {
        /// The least and the largest value.
        bounds: [f64; 2],
        /// The defaults.
        defaults: [f64; 3],
    },
}

impl Parameter {
    /// A parameter that is a whole number.
    pub const fn integer(
        key: &'static str,
        meaning: &'static str,
        unit: &'static str,
        bounds: [u64; 2],
        defaults: [u64; 3],
    ) -> Self {
        Self { key, meaning, unit, range: Range::Integer { bounds, defaults }, above: None }
    }

    /// A parameter that is a number.
    pub const fn real(
        key: &'static str,
        meaning: &'static str,
        unit: &'static str,
        bounds: [f64; 2],
        defaults: [f64; 3],
    ) -> Self {
        Self { key, meaning, unit, range: Range::Real { bounds, defaults }, above: None }
    }

    /// The same, to be above another whole number: the upper end of a grid.
    pub const fn above(mut self, other: &'static str) -> Self {
        self.above = Some(other);
        self
    }

    /// The value at an effort when nothing is set.
    pub fn default_at(&self, effort: Effort) -> Value {
        match self.range {
            Range::Integer { defaults, .. } => Value::Integer(defaults[effort as usize]),
            Range::Real { defaults, .. } => Value::Real(defaults[effort as usize]),
        }
    }

    /// Reads a value. A whole number may be written as `10000000000` or `1e10`.
    ///
    /// # Errors
    /// The text is no number of this kind, or the number is out of range.
    pub fn parse(&self, text: &str) -> Result<Value, ParameterError> {
        let value = match self.range {
            Range::Integer { bounds: [low, high], .. } => {
                whole(text).filter(|value| (low..=high).contains(value)).map(Value::Integer)
            }
            Range::Real { bounds: [low, high], .. } => {
                text.parse().ok().filter(|value| (low..=high).contains(value)).map(Value::Real)
            }
        };
        value.ok_or_else(|| ParameterError::Value { key: self.key, found: text.into(), allowed: self.range })
    }
}

/// A whole number; in floating-point notation up to 2⁵³, beyond which not every integer can be written so.
fn whole(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| {
        let value: f64 = text.parse().ok()?;
        (value.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&value)).then_some(value as u64)
    })
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { bounds: [low, high], .. } => write!(f, "an integer from {low} to {high}"),
            Self::Real { bounds: [low, high], .. } => write!(f, "a number from {low:?} to {high:?}"),
        }
    }
}

/// The value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Integer(u64),
    /// A finite number.
    Real(f64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Real(value) => write!(f, "{value:?}"),
        }
    }
}

/// An assignment `KEY=VALUE` that cannot be followed.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ParameterError {
    /// No `=`.
    #[error("found {found:?}, allowed is KEY=VALUE")]
    Assignment {
        /// The text.
        found: String,
    },
    /// The lemma has no such parameter.
    #[error("unknown key {found:?}, {}", one_of(.allowed))]
    Key {
        /// The key.
        found: String,
        /// The keys that the lemma has.
        allowed: Vec<&'static str>,
    },
    /// The value is of another kind or out of range.
    #[error("{key}: found {found:?}, allowed is {allowed}")]
    Value {
        /// The key.
        key: &'static str,
        /// The text of the value.
        found: String,
        /// What is allowed.
        allowed: Range,
    },
    /// The value is not above that of another key.
    #[error("{key}: found {found}, allowed is more than {other} = {least}")]
    Order {
        /// The key.
        key: &'static str,
        /// Its value.
        found: Value,
        /// The other key.
        other: &'static str,
        /// Its value.
        least: Value,
    },
    /// The key was set before.
    #[error("{key}: set twice, allowed is once")]
    Twice {
        /// The key.
        key: &'static str,
    },
}

fn one_of(allowed: &[&str]) -> String {
    if allowed.is_empty() {
        "this lemma has no parameters".into()
    } else {
        format!("allowed is one of: {}", allowed.join(", "))
    }
}

/// Follows one assignment `KEY=VALUE`; `assigned` are the keys set so far.
pub(crate) fn assign(
    parameters: &'static [Parameter],
    assignment: &str,
    values: &mut BTreeMap<&'static str, Value>,
    assigned: &mut Vec<&'static str>,
) -> Result<(), ParameterError> {
    let (key, text) =
        assignment.split_once('=').ok_or_else(|| ParameterError::Assignment { found: assignment.into() })?;
    let parameter = parameters.iter().find(|parameter| parameter.key == key.trim()).ok_or_else(|| {
        ParameterError::Key { found: key.into(), allowed: parameters.iter().map(|parameter| parameter.key).collect() }
    })?;
    if assigned.contains(&parameter.key) {
        return Err(ParameterError::Twice { key: parameter.key });
    }
    values.insert(parameter.key, parameter.parse(text.trim())?);
    assigned.push(parameter.key);
    Ok(())
}

/// Whether values that have to be above others are.
pub(crate) fn ordered(
    parameters: &'static [Parameter],
    values: &BTreeMap<&'static str, Value>,
) -> Result<(), ParameterError> {
    for parameter in parameters {
        let Some(other) = parameter.above else { continue };
        if let (Some(&found @ Value::Integer(value)), Some(&least @ Value::Integer(limit))) =
            (values.get(parameter.key), values.get(other))
            && value <= limit
        {
            return Err(ParameterError::Order { key: parameter.key, found, other, least });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: Parameter = Parameter::integer("seeds", "", "", [2, 1 << 60], [8, 32, 128]);
    const SCALE: Parameter = Parameter::real("scale", "", "", [0.0, 2.5], [0.5, 1.0, 1.0]);

    #[test]
    fn whole_numbers_are_read_exactly() {
        for (text, value) in [("2", 2), ("1e10", 10_000_000_000), ("1152921504606846976", 1 << 60), ("32.0", 32)] {
            assert_eq!(SEEDS.parse(text), Ok(Value::Integer(value)), "{text}");
        }
        for text in ["1", "2.5", "-3", "1e300", "nan", "inf", "", "x", "1e17", "1152921504606846977"] {
            assert!(SEEDS.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_must_be_finite_and_in_range() {
        assert_eq!(SCALE.parse("2.5"), Ok(Value::Real(2.5)));
        for text in ["2.6", "-1e-300", "NaN", "inf", "", "1,5"] {
            assert!(SCALE.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn errors_name_the_key_what_was_found_and_what_is_allowed() {
        static BOTH: [Parameter; 2] = [SEEDS, SCALE];
        let message = |assignments: &[&str]| {
            let (mut values, mut assigned) = (BTreeMap::new(), Vec::new());
            let mut outcome = assignments.iter().map(|text| assign(&BOTH, text, &mut values, &mut assigned));
            outcome.find_map(Result::err).map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(message(&["seeds"]), "found \"seeds\", allowed is KEY=VALUE");
        assert_eq!(message(&["seed=3"]), "unknown key \"seed\", allowed is one of: seeds, scale");
        assert_eq!(message(&["scale=3"]), "scale: found \"3\", allowed is a number from 0.0 to 2.5");
        assert_eq!(message(&["seeds=3", "seeds=4"]), "seeds: set twice, allowed is once");
        assert_eq!(message(&["seeds=3", " scale = 1 "]), "");
    }

    #[test]
    fn the_ends_of_a_grid_are_in_order() {
        static GRID: [Parameter; 2] = [
            Parameter::integer("from", "", "", [1, 100], [10, 10, 10]),
            Parameter::integer("to", "", "", [1, 100], [20, 20, 20]).above("from"),
        ];
        let of =
            |from, to| ordered(&GRID, &BTreeMap::from([("from", Value::Integer(from)), ("to", Value::Integer(to))]));
        assert_eq!(of(10, 11), Ok(()));
        assert_eq!(of(10, 10).unwrap_err().to_string(), "to: found 10, allowed is more than from = 10");
    }
}

//! Functions given as partial derivatives of expressions: what relations and certificates speak of.

use super::expression::Expression;
use super::normal_form::Table;
use super::parse::{ExpressionError, parse};
use super::polynomial::Polynomial;
use std::collections::BTreeMap;
use std::fmt;

/// `∂^by of`: a partial derivative of an expression by its parameters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partial {
    /// The expression's text.
    pub of: String,
    /// Parameters to differentiate by, repeated for higher orders, in any order.
    pub by: Vec<String>,
}

impl Partial {
    /// The expression itself.
    pub fn whole(of: impl Into<String>) -> Self {
        Self { of: of.into(), by: Vec::new() }
    }

    /// A derivative; names are separated by spaces.
    pub fn new(of: impl Into<String>, by: &str) -> Self {
        Self { of: of.into(), by: by.split_whitespace().map(str::to_string).collect() }
    }
}

/// `d2/dw db of exp(w*x)*(a*x + b)`; the expression alone where it is not differentiated.
impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by: Vec<String> = self.by.iter().map(|name| format!("d{name}")).collect();
        match by.len() {
            0 => f.write_str(&self.of),
            1 => write!(f, "d/{} of {}", by[0], self.of),
            n => write!(f, "d{n}/{} of {}", by.join(" "), self.of),
        }
    }
}

/// Normal forms of functions, and of coefficients to multiply them with, over one table.
pub(crate) struct Normalised {
    /// The symbols of all of them.
    pub(crate) table: Table,
    /// One for each partial.
    pub(crate) functions: Vec<Polynomial>,
    /// One for each coefficient.
    pub(crate) coefficients: Vec<Polynomial>,
}

/// Parses, lowers and differentiates.
///
/// # Errors
/// What is no expression, what the normal form does not decide, and a name that is no parameter of the expression.
pub(crate) fn normalise(partials: &[Partial], coefficients: &[Expression]) -> Result<Normalised, ExpressionError> {
    let mut sources: Vec<&str> = partials.iter().map(|partial| &partial.of[..]).collect();
    sources.sort_unstable();
    sources.dedup();
    let expressions = sources.iter().map(|source| parse(source)).collect::<Result<Vec<_>, _>>()?;
    let all: Vec<&Expression> = expressions.iter().chain(coefficients).collect();
    let (mut table, mut lowered) = Table::lower(&all)?;
    let coefficients = lowered.split_off(sources.len());
    let mut known: BTreeMap<(usize, Vec<String>), Polynomial> = BTreeMap::new();
    let mut functions = Vec::with_capacity(partials.len());
    for partial in partials {
        let source = sources.binary_search(&&partial.of[..]).unwrap_or(0);
        let mut by = partial.by.clone();
        by.sort_unstable();
        let mut function = lowered[source].clone();
        for k in 1..=by.len() {
            let key = (source, by[..k].to_vec());
            function = match known.get(&key) {
                Some(derivative) => derivative.clone(),
                None => {
                    let symbol = table.parameter(&by[k - 1]);
                    let symbol = symbol.ok_or_else(|| {
                        ExpressionError::new(1, format!("{} is no parameter of {}", by[k - 1], partial.of))
                    })?;
                    let derivative = table.derivative(&function, symbol);
                    known.insert(key, derivative.clone());
                    derivative
                }
            };
        }
        functions.push(function);
    }
    Ok(Normalised { table, functions, coefficients })
}

impl Normalised {
    /// Whether `Σ coefficient·function` is zero, for pairs of their numbers.
    ///
    /// # Errors
    /// What the normal form does not decide.
    pub(crate) fn sum_is_zero(&mut self, terms: &[(usize, usize)]) -> Result<bool, ExpressionError> {
        self.table.begin();
        let mut sum = Polynomial::default();
        for (coefficient, function) in terms {
            let product = self.table.product(&self.coefficients[*coefficient], &self.functions[*function]);
            sum = sum.plus(&product, &dashu_ratio::RBig::ONE);
        }
        self.table.is_zero(sum)
    }

    /// Whether a coefficient is free of inputs.
    pub(crate) fn is_of_parameters(&self, coefficient: usize) -> bool {
        !self.table.contains_input(&self.coefficients[coefficient])
    }
}

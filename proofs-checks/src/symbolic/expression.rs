//! What a user writes down: an expression with the columns where its parts begin.

use dashu_ratio::RBig;
use std::collections::BTreeMap;

/// A function that expressions may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `e^u`.
    Exp,
    /// `(e^u − e^{−u})/(e^u + e^{−u})`.
    Tanh,
    /// `1/(1 + e^{−u})`.
    Sigmoid,
    /// `u Φ(u)`, `Φ` the Gaussian distribution function.
    Gelu,
    /// `(2/√π) ∫_0^u e^{−t²} dt`.
    Erf,
    /// `max(u, 0)`; almost everywhere.
    Relu,
    /// `sin u`.
    Sin,
    /// `cos u`.
    Cos,
    /// `ln(1 + e^u)`.
    Softplus,
}

impl Function {
    /// All of them with their names.
    pub const ALL: [(&'static str, Self); 9] = [
        ("exp", Self::Exp),
        ("tanh", Self::Tanh),
        ("sigmoid", Self::Sigmoid),
        ("gelu", Self::Gelu),
        ("erf", Self::Erf),
        ("relu", Self::Relu),
        ("sin", Self::Sin),
        ("cos", Self::Cos),
        ("softplus", Self::Softplus),
    ];

    /// The function of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }
}

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// Where it begins in the source, in characters from 1.
    pub column: usize,
    /// What it is.
    pub kind: Kind,
}

impl Expression {
    /// All names of inputs and parameters, each once, in the order of their appearance.
    pub fn names(&self) -> Vec<String> {
        self.places().into_iter().map(|(name, _)| name).collect()
    }

    /// Whether it calls a function anywhere.
    pub(crate) fn calls(&self, function: Function) -> bool {
        match &self.kind {
            Kind::Number(_) | Kind::RootPi { .. } | Kind::Symbol(_) => false,
            Kind::Sum(a, b) | Kind::Product(a, b) | Kind::Quotient(a, b) => a.calls(function) || b.calls(function),
            Kind::Negative(a) | Kind::Power(a, _) => a.calls(function),
            Kind::Call(called, a) => *called == function || a.calls(function),
        }
    }

    /// Whether it divides anywhere by what contains a name: then it may have no value at some of theirs.
    pub(crate) fn divides(&self) -> bool {
        match &self.kind {
            Kind::Number(_) | Kind::RootPi { .. } | Kind::Symbol(_) => false,
            Kind::Quotient(a, b) => !b.names().is_empty() || a.divides() || b.divides(),
            Kind::Power(a, n) => (*n < 0 && !a.names().is_empty()) || a.divides(),
            Kind::Sum(a, b) | Kind::Product(a, b) => a.divides() || b.divides(),
            Kind::Negative(a) | Kind::Call(_, a) => a.divides(),
        }
    }

    /// The expression with others in the place of names.
    pub(crate) fn substituted(&self, by: &BTreeMap<String, Self>) -> Self {
        let of = |part: &Self| Box::new(part.substituted(by));
        let kind = match &self.kind {
            Kind::Number(value) => Kind::Number(value.clone()),
            Kind::RootPi { twice } => Kind::RootPi { twice: *twice },
            Kind::Symbol(name) => return by.get(name).unwrap_or(self).clone(),
            Kind::Sum(a, b) => Kind::Sum(of(a), of(b)),
            Kind::Product(a, b) => Kind::Product(of(a), of(b)),
            Kind::Quotient(a, b) => Kind::Quotient(of(a), of(b)),
            Kind::Negative(a) => Kind::Negative(of(a)),
            Kind::Power(a, n) => Kind::Power(of(a), *n),
            Kind::Call(function, a) => Kind::Call(*function, of(a)),
        };
        Self { column: self.column, kind }
    }

    /// A whole number.
    pub(crate) fn number(value: i64) -> Self {
        Self { column: 1, kind: Kind::Number(RBig::from(value)) }
    }

    /// A name.
    pub(crate) fn symbol(name: &str) -> Self {
        Self { column: 1, kind: Kind::Symbol(name.into()) }
    }

    /// `self + other`.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { column: self.column, kind: Kind::Sum(Box::new(self), Box::new(other)) }
    }

    /// `self − other`.
    pub(crate) fn minus(self, other: Self) -> Self {
        let negative = Self { column: other.column, kind: Kind::Negative(Box::new(other)) };
        self.plus(negative)
    }

    /// `self·other`.
    pub(crate) fn times(self, other: Self) -> Self {
        Self { column: self.column, kind: Kind::Product(Box::new(self), Box::new(other)) }
    }

    /// As [`Self::names`], with the columns where they appear first.
    pub(super) fn places(&self) -> Vec<(String, usize)> {
        fn gather(expression: &Expression, names: &mut Vec<(String, usize)>) {
            match &expression.kind {
                Kind::Number(_) | Kind::RootPi { .. } => {}
                Kind::Symbol(name) => {
                    if names.iter().all(|(known, _)| known != name) {
                        names.push((name.clone(), expression.column));
                    }
                }
                Kind::Sum(a, b) | Kind::Product(a, b) | Kind::Quotient(a, b) => {
                    gather(a, names);
                    gather(b, names);
                }
                Kind::Negative(a) | Kind::Power(a, _) | Kind::Call(_, a) => gather(a, names),
            }
        }
        let mut names = Vec::new();
        gather(self, &mut names);
        names
    }
}

/// The kinds of parts.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A rational number.
    Number(RBig),
    /// `√π`, or `√(2π)`.
    RootPi {
        /// Whether it is `√(2π)`.
        twice: bool,
    },
    /// An input (`x`, `x1`, `x2`, …) or a parameter.
    Symbol(String),
    /// `a + b`.
    Sum(Box<Expression>, Box<Expression>),
    /// `a·b`.
    Product(Box<Expression>, Box<Expression>),
    /// `a/b`.
    Quotient(Box<Expression>, Box<Expression>),
    /// `−a`.
    Negative(Box<Expression>),
    /// `a^n`.
    Power(Box<Expression>, i64),
    /// `f(a)`.
    Call(Function, Box<Expression>),
}

/// Whether a name is that of an input: `x`, or `x` and a positive number without leading zeros.
pub(crate) fn is_input(name: &str) -> bool {
    match name.strip_prefix('x') {
        Some("") => true,
        Some(digits) => !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()),
        None => false,
    }
}

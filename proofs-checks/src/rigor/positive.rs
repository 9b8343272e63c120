//! Expressions that are positive for all real values of their names, seen from how they are written: a gate, a weight.
//!
//! Each part gets bounds that it attains or not, by those of its own parts:
//!
//! ```text
//! exp, softplus in (0, ∞)     sigmoid in (0, 1)     tanh, erf in (−1, 1)     sin, cos in [−1, 1]     relu in [0, ∞)
//! u ∈ [a, b], v ∈ [c, d]:     u + v ∈ [a + c, b + d],     −u ∈ [−b, −a],     uv ∈ [ac, bd] for a, c ≥ 0,     uv between the corners where all are finite
//! u^{2n} ∈ [0, ∞)             1/v ∈ (0, 1/c] for v ≥ c > 0;  1/v > 0 for v ≥ 0: where v = 0 there is no value
//! ```
//!
//! An end is open where that of a summand is, or that of a factor beside one that is not zero. Nothing is multiplied out: `σ(−u)` is positive as it stands, and `eˣ − eˣ + 1` is not seen to be.

use crate::symbolic::{Expression, Function, Kind};
use dashu_int::ops::BitTest;
use dashu_ratio::RBig;

/// Most bits of an end.
const LONGEST: usize = 4096;

/// An end of a range, and whether it is attained or may be.
#[derive(Clone, Debug, PartialEq)]
struct End {
    value: RBig,
    closed: bool,
}

/// Bounds from below and from above, `None` where none is known.
#[derive(Clone, Debug, PartialEq)]
struct Range {
    low: Option<End>,
    high: Option<End>,
}

impl Range {
    const ALL: Self = Self { low: None, high: None };

    fn of(low: Option<i64>, high: Option<i64>, closed: bool) -> Self {
        let [low, high] = [low, high].map(|end| end.map(|value| End { value: value.into(), closed }));
        Self { low, high }
    }

    fn at_least_zero(&self) -> bool {
        self.low.as_ref().is_some_and(|end| end.value >= RBig::ZERO)
    }

    fn at_most_zero(&self) -> bool {
        self.high.as_ref().is_some_and(|end| end.value <= RBig::ZERO)
    }

    fn is_positive(&self) -> bool {
        self.low.as_ref().is_some_and(|end| end.value > RBig::ZERO || end.value == RBig::ZERO && !end.closed)
    }

    fn plus(self, other: Self) -> Self {
        let sum = |a: Option<End>, b: Option<End>| {
            a.zip(b).map(|(a, b)| End { value: a.value + b.value, closed: a.closed && b.closed })
        };
        Self { low: sum(self.low, other.low), high: sum(self.high, other.high) }
    }

    fn negative(self) -> Self {
        let minus = |end: End| End { value: -end.value, closed: end.closed };
        Self { low: self.high.map(minus), high: self.low.map(minus) }
    }

    fn times(self, other: Self) -> Self {
        if self.at_most_zero() && !self.at_least_zero() {
            return self.negative().times(other).negative();
        }
        if other.at_most_zero() && !other.at_least_zero() {
            return self.times(other.negative()).negative();
        }
        if self.at_least_zero() && other.at_least_zero() {
            let both_positive = self.is_positive() && other.is_positive();
            // uv > ac where ac > 0 and u > a or v > c; and where ac = 0, of two positive numbers.
            let low = self.low.zip(other.low).map(|(a, c)| {
                let value = a.value * c.value;
                let closed = if value == RBig::ZERO { !both_positive } else { a.closed && c.closed };
                End { value, closed }
            });
            let high = self.high.zip(other.high).map(|(b, d)| {
                let value = b.value * d.value;
                let closed = value == RBig::ZERO || b.closed && d.closed;
                End { value, closed }
            });
            return Self { low, high };
        }
        let (Some(a), Some(b), Some(c), Some(d)) = (self.low, self.high, other.low, other.high) else {
            return Self::ALL;
        };
        let corners = [&a.value * &c.value, &a.value * &d.value, &b.value * &c.value, &b.value * &d.value];
        let end = |value: Option<&RBig>| value.map(|value| End { value: value.clone(), closed: true });
        Self { low: end(corners.iter().min()), high: end(corners.iter().max()) }
    }

    /// `1/v` where it has a value.
    fn inverse(self) -> Self {
        if self.at_most_zero() && !self.at_least_zero() {
            return self.negative().inverse().negative();
        }
        if !self.at_least_zero() {
            return Self::ALL;
        }
        let over =
            |end: End| (end.value != RBig::ZERO).then(|| End { value: RBig::ONE / end.value, closed: end.closed });
        let zero = End { value: RBig::ZERO, closed: false };
        Self { low: Some(self.high.and_then(over).unwrap_or(zero)), high: self.low.and_then(over) }
    }

    fn power(self, n: u32) -> Self {
        let one = || Self::of(Some(1), Some(1), true);
        let repeated = |range: &Self| (0..n).fold(one(), |power, _| power.times(range.clone()));
        if n % 2 == 1 || self.at_least_zero() {
            return repeated(&self);
        }
        if self.at_most_zero() {
            return repeated(&self.negative());
        }
        // Zero is inside: from zero to the larger one of the ends' powers.
        let largest = |a: End, b: End| {
            let [a, b] = [End { value: -a.value, ..a }, b];
            let closed = (a.value >= b.value && a.closed) || (b.value >= a.value && b.closed);
            End { value: a.value.max(b.value).pow(n as isize), closed }
        };
        Self {
            low: Some(End { value: if n == 0 { RBig::ONE } else { RBig::ZERO }, closed: true }),
            high: self.low.zip(self.high).map(|(a, b)| largest(a, b)),
        }
    }
}

/// Bounds of an expression; one that is too long a number is let go.
fn range(expression: &Expression, positive: &dyn Fn(&str) -> bool) -> Range {
    let of = |part: &Expression| range(part, positive);
    let range = match &expression.kind {
        Kind::Number(value) => {
            let end = || Some(End { value: value.clone(), closed: true });
            Range { low: end(), high: end() }
        }
        Kind::RootPi { .. } => Range::of(Some(0), None, false),
        Kind::Symbol(name) if positive(name) => Range::of(Some(0), None, false),
        Kind::Symbol(_) => Range::ALL,
        Kind::Sum(a, b) => of(a).plus(of(b)),
        Kind::Negative(a) => of(a).negative(),
        Kind::Product(a, b) => of(a).times(of(b)),
        Kind::Quotient(a, b) => of(a).times(of(b).inverse()),
        Kind::Power(base, n) => {
            let power = of(base).power(n.unsigned_abs() as u32);
            if *n < 0 { power.inverse() } else { power }
        }
        Kind::Call(function, _) => match function {
            Function::Exp | Function::Softplus => Range::of(Some(0), None, false),
            Function::Sigmoid => Range::of(Some(0), Some(1), false),
            Function::Tanh | Function::Erf => Range::of(Some(-1), Some(1), false),
            Function::Sin | Function::Cos => Range::of(Some(-1), Some(1), true),
            Function::Relu => Range::of(Some(0), None, true),
            Function::Gelu => Range::ALL,
        },
    };
    let short = |end: &End| end.value.numerator().bit_len().max(end.value.denominator().bit_len()) <= LONGEST;
    Range { low: range.low.filter(short), high: range.high.filter(short) }
}

/// Whether an expression is seen to be positive, wherever it has a value, for all real values of its names, positive ones of those that stand for positive numbers.
pub(crate) fn is_positive(expression: &Expression, positive: &dyn Fn(&str) -> bool) -> bool {
    range(expression, positive).is_positive()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::parse;

    fn is_seen(source: &str) -> bool {
        is_positive(&parse(source).unwrap(), &|name| name == "v")
    }

    #[test]
    fn what_is_positive_is_seen() {
        for source in [
            "exp(relu(w*x)/t)",
            "exp(l*relu(w*x)/t)",
            "sigmoid(-w*x)",
            "1 - sigmoid(w*x)",
            "(w*x)^2 + 1",
            "exp(-w*x)/(1 + exp(v))",
            "exp(u)/(1 + u^2)",
            "v*exp(-s)*sigmoid(-s)/2",
            "1 + tanh(w*x)",
            "1 - erf(w)^2",
            "2 - sin(w*x)*cos(u)",
            "1/(relu(u))^2 + relu(x)",
            "(-softplus(w*x))*(-v)",
            "(-exp(w))^4",
            "-1/(sigmoid(x) - 1)",
            "3 - sigmoid(x)*(1 - sigmoid(x))*2",
            "sqrt(2*pi)*exp(x)^(-3)",
            "(w - x)^0",
        ] {
            assert!(is_seen(source), "{source}");
        }
    }

    /// Each of these is zero, negative or without a sign somewhere.
    #[test]
    fn what_is_not_positive_is_not_seen() {
        for source in [
            "0",
            "w",
            "w*x",
            "relu(w*x)",
            "(w*x)^2",
            "v^3 - 1",
            "v - v",
            "0*exp(x)",
            "1 - relu(x)",
            "sigmoid(x) - 1",
            "1 + sin(x)",
            "1 + 2*tanh(x)",
            "sin(x)^2",
            "exp(x) - exp(-x)",
            "-exp(x)",
            "exp(x)/w",
            "(-exp(x))^3",
            "gelu(x) + exp(x)*0",
            "(sigmoid(x) - 1/2)*(sigmoid(x) - 1/2)",
            "tanh(x)*tanh(w) + 1/2",
            "1/(1 + 2*tanh(x))",
            "((((((2^64)^64)^64)^64)^64)^64)^64",
        ] {
            assert!(!is_seen(source), "{source}");
        }
    }
}

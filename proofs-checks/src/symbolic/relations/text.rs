//! Polynomials in the syntax of expressions.

use crate::symbolic::normal_form::{Atom, Table};
use crate::symbolic::polynomial::{Monomial, Polynomial, Symbol};
use dashu_base::UnsignedAbs;
use dashu_int::UBig;
use dashu_ratio::RBig;

impl Table {
    /// A polynomial in the syntax of expressions.
    pub(in crate::symbolic) fn text(&self, polynomial: &Polynomial) -> String {
        let mut text = String::new();
        for (monomial, coefficient) in polynomial.terms.iter().rev() {
            let negative = *coefficient < RBig::ZERO;
            text.push_str(match (text.is_empty(), negative) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            });
            let magnitude = if negative { -coefficient.clone() } else { coefficient.clone() };
            let mut factors: Vec<String> =
                monomial.iter().map(|(symbol, exponent)| self.power_text(*symbol, &exponent.to_rational())).collect();
            if magnitude != RBig::ONE || factors.is_empty() {
                let whole = *magnitude.denominator() == UBig::ONE || factors.is_empty();
                factors.insert(0, if whole { magnitude.to_string() } else { format!("({magnitude})") });
            }
            text.push_str(&factors.join("*"));
        }
        if text.is_empty() { "0".into() } else { text }
    }

    fn power_text(&self, symbol: Symbol, exponent: &RBig) -> String {
        let of = |name: &str, u: &Polynomial| format!("{name}{}", enclosed(&self.text(u)));
        let angle = |name: &str, m: &Monomial, unit: &RBig| of(name, &Polynomial::term(m.clone(), unit.clone()));
        let base = match self.atom(symbol) {
            Atom::Input(name) | Atom::Parameter(name) => name.clone(),
            Atom::Gaussian => "(1/sqrt(2*pi))".into(),
            Atom::ErrorScale => "(2/sqrt(pi))".into(),
            Atom::Inverse(d) => format!("(1/{})", enclosed(&self.text(d))),
            Atom::Exp(m) => return of("exp", &Polynomial::term(m.clone(), exponent.clone())),
            Atom::Sin(m, unit) => angle("sin", m, unit),
            Atom::Cos(m, unit) => angle("cos", m, unit),
            Atom::Sigmoid(u) => of("sigmoid", u),
            Atom::Softplus(u) => of("softplus", u),
            Atom::Phi(u) => format!("(gelu{0}/{0})", enclosed(&self.text(u))),
            Atom::Erf(u) => of("erf", u),
            Atom::Step(u) => format!("(relu{0}/{0})", enclosed(&self.text(u))),
        };
        if *exponent == RBig::ONE {
            base
        } else if exponent.numerator().clone().unsigned_abs() == UBig::ONE && *exponent < RBig::ZERO {
            format!("{base}^(-1)")
        } else if *exponent < RBig::ZERO {
            format!("{base}^({exponent})")
        } else {
            format!("{base}^{exponent}")
        }
    }
}

/// In parentheses, one pair.
pub(super) fn enclosed(text: &str) -> String {
    let mut depth = 0;
    let mut closes = text.char_indices().filter(|(_, c)| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    // The first pair closes at the end.
    let is_enclosed = text.starts_with('(') && closes.next().is_some_and(|(at, _)| at + 1 == text.len());
    if is_enclosed { text.into() } else { format!("({text})") }
}

#[cfg(test)]
mod tests {
    use super::enclosed;

    #[test]
    fn parentheses_are_not_doubled() {
        for (text, expected) in [
            ("a", "(a)"),
            ("(2/sqrt(pi))", "(2/sqrt(pi))"),
            ("(1/2)*a", "((1/2)*a)"),
            ("(a)*(b)", "((a)*(b))"),
            ("sqrt(pi)", "(sqrt(pi))"),
        ] {
            assert_eq!(enclosed(text), expected);
        }
    }
}

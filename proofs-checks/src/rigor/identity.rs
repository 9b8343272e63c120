//! The certificate `identity`: a linear combination of functions that is zero for all inputs and parameters.
//!
//! ```text
//! claim identity
//! function BY EXPRESSION        ∂^by of an expression, by `a,b` or `-`; numbered from 1
//! term FUNCTION COEFFICIENT     an expression; terms sum to zero
//! ```
//!
//! Everything is multiplied out and normalised: what has the normal form zero is zero. That an identity is *false* is said only where the sum is certainly not zero at some values. Coefficients of an identity may contain inputs, and names of their own: it holds for all their values.

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer};
use super::recheck::Accepted;
use super::span::{evaluated, inputs, read_functions, read_term, write_functions};
use super::witness::{WITNESS_BITS, WITNESSES, is_somewhere_not_zero, witness};
use crate::symbolic::{Expression, Function, Partial, normalise, parse};

/// Where an identity between expressions says nothing: at the kinks of relu, and where a divisor is zero.
pub(super) fn reservation(expressions: impl Iterator<Item = Expression>) -> String {
    let (mut kinked, mut divides) = (false, false);
    for expression in expressions {
        kinked |= expression.calls(Function::Relu);
        divides |= expression.divides();
    }
    let words = [(kinked, ", almost everywhere"), (divides, ", where no divisor is zero")];
    words.into_iter().filter(|(is, _)| *is).map(|(_, words)| words).collect()
}

/// `Σ coefficient·function = 0`.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) functions: Vec<Partial>,
    pub(crate) terms: Vec<(usize, String)>,
}

impl Identity {
    /// The text of the claim, true or not.
    pub(crate) fn certificate(&self) -> String {
        let mut writer = Writer::new("identity");
        write_functions(&mut writer, &self.functions);
        for (function, coefficient) in &self.terms {
            writer.line(format_args!("term {} {coefficient}", function + 1));
        }
        writer.finish()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CertificateError> {
        let (functions, _) = read_functions(reader)?;
        let allowed = "term FUNCTION COEFFICIENT, functions by their numbers";
        let mut terms = Vec::new();
        while reader.is_next("term") {
            let (function, text, _) = read_term(reader, functions.len(), allowed)?;
            terms.push((function, text));
        }
        if terms.is_empty() {
            return Err(reader.missing(allowed));
        }
        reader.rest(&[], "term FUNCTION COEFFICIENT, checksum SUM and the end")?;
        Ok(Self { functions, terms })
    }

    /// The identity in words.
    pub(crate) fn statement(&self) -> String {
        let terms = self.terms.iter().map(|(function, coefficient)| {
            let function = &self.functions[*function];
            if coefficient == "1" { format!("[{function}]") } else { format!("({coefficient})*[{function}]") }
        });
        format!("{} = 0", terms.collect::<Vec<_>>().join(" + "))
    }

    pub(super) fn decide(&self) -> Result<(Accepted, String), CertificateError> {
        let unfounded = |claim: String| CertificateError::Unfounded { claim };
        let coefficients =
            self.terms.iter().map(|(_, text)| parse(text).map_err(|e| unfounded(format!("{text}: {e}"))));
        let coefficients = coefficients.collect::<Result<Vec<_>, _>>()?;
        let mut forms = normalise(&self.functions, &coefficients).map_err(|error| unfounded(error.to_string()))?;
        let terms: Vec<(usize, usize)> =
            self.terms.iter().enumerate().map(|(k, (function, _))| (k, *function)).collect();
        // One function in two terms may be all that cancels.
        let once = |k: &usize| {
            self.terms.iter().filter(|(own, _)| self.functions[*own] == self.functions[self.terms[*k].0]).count() == 1
        };
        if let Some(k) = (0..self.terms.len()).find(|k| !once(k)) {
            return Err(unfounded(format!("[{}] is in two terms", self.functions[self.terms[k].0])));
        }
        // Zero times a function is zero, and no identity.
        if let Some(k) = coefficients.iter().position(|coefficient| !is_somewhere_not_zero(coefficient)) {
            return Err(unfounded(format!("the coefficient {} is zero, or was not told from zero", self.terms[k].1)));
        }
        match forms.sum_is_zero(&terms) {
            Ok(true) => {
                let functions = self.functions.iter().filter_map(|function| parse(&function.of).ok());
                let claim = format!("{}{}", self.statement(), reservation(functions.chain(coefficients)));
                let accepted = Accepted { claim, interval: [0.0; 2], accept: [0.0; 2], identity: true };
                Ok((accepted, self.certificate()))
            }
            Ok(false) => {
                let claim = self.statement();
                Err(match self.counterexample() {
                    Some(at) => CertificateError::False { claim: format!("{claim}; the sum is not zero at {at}") },
                    None => CertificateError::Beyond {
                        claim: format!(
                            "{claim}; the normal form is not zero, and no value was found at which the sum is certainly not zero"
                        ),
                    },
                })
            }
            Err(error) => Err(CertificateError::Beyond { claim: format!("{}: {}", self.statement(), error.message) }),
        }
    }

    /// Values at which the sum is certainly not zero.
    fn counterexample(&self) -> Option<String> {
        let all: Vec<Partial> =
            self.functions.iter().cloned().chain(self.terms.iter().map(|(_, text)| Partial::whole(text))).collect();
        let mut names: Vec<String> =
            all.iter().filter_map(|partial| parse(&partial.of).ok()).flat_map(|e| e.names()).collect();
        names.sort_unstable();
        names.dedup();
        let expressions: Vec<_> = all.iter().filter_map(|partial| parse(&partial.of).ok()).collect();
        let coordinates = inputs(expressions.iter());
        (0..WITNESSES).find_map(|draw| {
            let values = witness(&names, draw, WITNESS_BITS);
            let point: Vec<Ball> = coordinates.iter().map(|name| values[name].clone()).collect();
            let row = evaluated(&all.iter().collect::<Vec<_>>(), &values, &[point], WITNESS_BITS).ok()?.pop()?;
            let (functions, coefficients) = row.split_at(self.functions.len());
            let zero = Ball::integer(0, WITNESS_BITS);
            let sum = self
                .terms
                .iter()
                .zip(coefficients)
                .fold(zero, |sum, ((function, _), coefficient)| sum + functions[*function].clone() * coefficient);
            sum.sign()?;
            let at = values.iter().map(|(name, value)| Some(format!("{name} = {:?}", value.outer()?[0].next_up())));
            Some(at.collect::<Option<Vec<_>>>()?.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rigor::recheck;

    /// The function is zero, the normal form is not: there is no value that refutes it, whatever the precision.
    #[test]
    fn what_the_normal_form_does_not_decide_is_told_so() {
        let zero = Identity { functions: vec![Partial::whole("relu(x)*relu(-x - 1)")], terms: vec![(0, "1".into())] };
        let told = recheck(&zero.certificate()).unwrap_err().to_string();
        assert!(told.starts_with("not decided: [relu(x)*relu(-x - 1)] = 0; the normal form is not zero"), "{told}");
        assert!(told.ends_with("no value was found at which the sum is certainly not zero"), "{told}");
    }
}

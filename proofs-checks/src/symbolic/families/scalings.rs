//! Scalings `f(c^{k_i} θ_i) = c^p f`, `c > 0`: from `Σ k_i θ_i ∂_if = pf`, all of them as a kernel over Q.

use super::{Undecided, exponential, occurring, whole};
use crate::rigor::vanishes;
use crate::symbolic::expression::Expression;
use crate::symbolic::normal_form::Table;
use crate::symbolic::parse::{ExpressionError, parse};
use crate::symbolic::polynomial::Polynomial;
use crate::symbolic::relations::rational_relations;
use dashu_base::Signed;
use dashu_ratio::RBig;

/// The weights of parameters, those that are not zero, and the degree.
pub(super) struct Scaling {
    pub(super) weights: Vec<(String, RBig)>,
    pub(super) degree: RBig,
}

/// All scalings of what occurs, as a basis, each proved for the finite scaling by `e^s`, `s` a name that does not occur; one that is not decided is noted in `words`.
///
/// # Errors
/// What the normal form does not decide.
pub(super) fn scalings(
    of: &Expression,
    parameters: &[String],
    s: &str,
    words: &dyn Fn(&Scaling) -> String,
    undecided: &mut Undecided,
) -> Result<Vec<Scaling>, ExpressionError> {
    let (mut table, forms) = Table::lower(&[of])?;
    // The zero function is scaled by anything.
    if table.is_zero(forms[0].clone())? {
        return Ok(Vec::new());
    }
    let (parameters, symbols) = occurring(&table, parameters);
    let mut functions = Vec::new();
    for symbol in symbols {
        let slope = table.derivative(&forms[0], symbol);
        functions.push(table.product(&Polynomial::symbol(symbol), &slope));
    }
    functions.push(forms[0].clone());
    let resolved = table.resolve(&functions)?;
    let mut found = Vec::new();
    for coefficients in rational_relations(&resolved) {
        let coefficients = whole(&coefficients);
        let Some((last, weights)) = coefficients.split_last() else { continue };
        let weights: Vec<(String, RBig)> =
            parameters.iter().cloned().zip(weights.iter().cloned()).filter(|(_, k)| *k != RBig::ZERO).collect();
        let degree = -last.clone();
        let factor = |k: &RBig| parse(&exponential(k, s));
        let scaled = weights.iter().map(|(name, k)| Ok((name.clone(), factor(k)?.times(Expression::symbol(name)))));
        let image = of.substituted(&scaled.collect::<Result<_, ExpressionError>>()?);
        let difference = image.minus(factor(&degree)?.times(of.clone()));
        let scaling = Scaling { weights, degree };
        if !scaling.weights.is_empty()
            && undecided.known(&words(&scaling), vanishes(&difference, "it")).unwrap_or_default()
        {
            found.push(scaling);
        }
    }
    Ok(found)
}

impl Scaling {
    /// In words, with the letter `c` for the factor.
    pub(super) fn words(&self, name: &str, c: &str) -> String {
        let power = |k: &RBig| match k {
            k if *k == RBig::ONE => c.to_string(),
            k if k.is_negative() || *k.denominator() != dashu_int::UBig::ONE => format!("{c}^({k})"),
            k => format!("{c}^{k}"),
        };
        let arguments: Vec<String> = self.weights.iter().map(|(name, k)| format!("{}*{name}", power(k))).collect();
        let value =
            if self.degree == RBig::ZERO { name.to_string() } else { format!("{}*{name}", power(&self.degree)) };
        format!("scaling: {name}({}) = {value} for {c} > 0", arguments.join(", "))
    }
}

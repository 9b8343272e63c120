//! Common factors of numerator and denominator: `(g(ω+s) + g(ω−s)) g(ω') = (g(ω'+s) + g(ω'−s)) g(ω)` for any two atoms, other parameters of the gate each atom's own or shared by all.

use super::gains::{self, Gain};
use crate::rigor::{AtomText, Flat, vanishes};
use crate::symbolic::expression::{Expression, is_input};
use crate::symbolic::normal_form::{Atom, Table};
use crate::symbolic::parse::ExpressionError;
use crate::symbolic::polynomial::{Exponent, Monomial, Polynomial, Symbol, multiplied};
use std::collections::BTreeMap;

/// The parameters that all atoms have to share for a common factor in `slope`; `None` where there is none.
///
/// # Errors
/// What was not decided.
pub(super) fn shared(gate: &Expression, slope: &str, curve: &str) -> Result<Option<Vec<String>>, String> {
    if is_common(gate, slope, curve, &[])? {
        return Ok(Some(Vec::new()));
    }
    let is_other = |name: &String| !is_input(name) && name != slope;
    let mut shared: Vec<String> = gate.names().into_iter().filter(is_other).collect();
    if shared.is_empty() || !is_common(gate, slope, curve, &shared)? {
        return Ok(None);
    }
    // Each that need not be.
    for name in shared.clone() {
        let fewer: Vec<String> = shared.iter().filter(|other| **other != name).cloned().collect();
        if is_common(gate, slope, curve, &fewer)? {
            shared = fewer;
        }
    }
    Ok(Some(shared))
}

fn is_common(gate: &Expression, slope: &str, curve: &str, shared: &[String]) -> Result<bool, String> {
    // Names that no text can have.
    let prime = |name: &str| Expression::symbol(&format!("{name}'"));
    let own = gate.names().into_iter().filter(|name| !is_input(name) && !shared.contains(name));
    let primed: BTreeMap<String, Expression> = own.map(|name| (name.clone(), prime(&name))).collect();
    let moved = |of: &Expression, name: &str, base: Expression| {
        let step = Expression::symbol(curve);
        let at = |to: Expression| of.substituted(&BTreeMap::from([(name.to_string(), to)]));
        at(base.clone().plus(step.clone())).plus(at(base.minus(step)))
    };
    let other = gate.substituted(&primed);
    let here = moved(gate, slope, Expression::symbol(slope)).times(other.clone());
    let there = moved(&other, &format!("{slope}'"), prime(slope)).times(gate.clone());
    vanishes(&here.minus(there), "whether there is one")
}

/// The rate `r`, free of inputs, of the weights `e^{∓rs}` by which atoms split into `ω ± s` are common factors: `∂_ω ln g = A + r` for a gate that is an exponential, `A` the terms with inputs, for then `e^{−rs}g(ω + s) + e^{rs}g(ω − s)` may be `g` times a function of the inputs and `s`. A proposal: the certificate decides.
///
/// # Errors
/// What was not decided.
pub(super) fn gain(gate: &Expression, slope: &str) -> Result<Option<Gain>, String> {
    let message = |error: ExpressionError| error.message;
    let (mut table, forms) = Table::lower(&[gate]).map_err(message)?;
    let Some(symbol) = table.parameter(slope) else { return Ok(None) };
    // One term, a product of exponentials or what else has an inverse.
    let mut terms = forms[0].terms.iter();
    let (Some((monomial, c)), None) = (terms.next(), terms.next()) else { return Ok(None) };
    let inverse: Option<Monomial> =
        monomial.iter().map(|(symbol, power)| Some((*symbol, Exponent::of(&-power.to_rational())?))).collect();
    let Some(inverse) = inverse else { return Ok(None) };
    let mut rate = Polynomial::default();
    for (own, coefficient) in &table.derivative(&forms[0], symbol).terms {
        let quotient = multiplied(own, &inverse);
        if quotient.iter().any(|(symbol, power)| power.is_lost() || !is_plain(&table, *symbol)) {
            return Ok(None);
        }
        if quotient.iter().all(|(symbol, _)| !table.has_input(*symbol)) {
            rate.add(quotient, coefficient / c);
        }
    }
    if rate.is_zero() { Ok(None) } else { gains::stated(&table.text(&rate), "").map_err(|error| error.to_string()) }
}

fn is_plain(table: &Table, symbol: Symbol) -> bool {
    matches!(table.atom(symbol), Atom::Input(_) | Atom::Parameter(_))
}

/// A text with other names in the places of names.
fn renamed(text: &str, to: impl Fn(&str) -> String) -> String {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut renamed = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_letter(c) != is_letter(first)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        renamed += &if is_letter(first) { to(word) } else { word.to_string() };
        rest = after;
    }
    renamed
}

/// The certificate for two atoms, each split, with any experts: these enter by their values alone, two inputs of which nothing is known.
pub(super) fn certificate(
    gate: &str,
    parsed: &Expression,
    slope: &str,
    curve: &str,
    shared: &[String],
    gain: Option<&Gain>,
) -> Result<String, String> {
    let names = parsed.names();
    let own: Vec<&String> = names.iter().filter(|name| !is_input(name)).collect();
    let free: Vec<String> = (1..).map(|k| format!("x{k}")).filter(|name| !names.contains(name)).take(2).collect();
    // With an atom's number behind it, neither a name of the gate nor one with such a number, nor the curve's.
    let atoms = || (1..=2).map(|atom| atom.to_string());
    let is_taken =
        |name: &String| names.iter().any(|known| name == known || atoms().any(|a| *name == format!("{known}_{a}")));
    let fresh = |name: &str| {
        let names = std::iter::successors(Some(name.to_string()), |name| Some(format!("{name}_")));
        let is_free =
            |name: &String| atoms().map(|a| format!("{name}{a}")).all(|name| name != curve && !is_taken(&name));
        names.filter(is_free).take(1).collect::<String>()
    };
    let (chosen, weight) = (fresh("h"), fresh("v"));
    let of = |atom: usize, weight: String, step: &str| {
        let own = own.iter().map(|name| {
            let step = if *name == slope { step } else { "" };
            let text = if shared.contains(name) { (*name).clone() } else { format!("{name}_{atom}{step}") };
            ((*name).clone(), text)
        });
        let values = (1..=2).map(|k| (format!("{chosen}{k}"), u8::from(k == atom).to_string()));
        AtomText { weight, parameters: own.chain(values).collect() }
    };
    let numbered = |atom: usize, text: String| {
        renamed(&text, |word| {
            let is_own = own.iter().any(|name| *name == word) && !shared.iter().any(|name| name == word);
            if is_own { format!("{word}_{atom}") } else { word.into() }
        })
    };
    let halves = (1..=2).flat_map(|atom| {
        let factors = match gain {
            None => [String::new(), String::new()],
            Some(gain) => [gain.negated(), gain.clone()].map(|gain| format!("*{}", numbered(atom, gain.factor(curve)))),
        };
        let steps = [format!("+{curve}"), format!("-{curve}")];
        let halves = steps.into_iter().zip(factors);
        halves
            .map(|(step, factor)| (atom - 1, of(atom, format!("{weight}{atom}/2{factor}"), &step)))
            .collect::<Vec<_>>()
    });
    let flat = Flat {
        gate: gate.into(),
        expert: format!("{chosen}1*{} + {chosen}2*{}", free[0], free[1]),
        curve: curve.into(),
        truth: (1..=2).map(|atom| of(atom, format!("{weight}{atom}"), "")).collect(),
        fitted: halves.collect(),
    };
    match flat.holds() {
        Ok(None) => Ok(flat.certificate()),
        Ok(Some(claim)) | Err(claim) => Err(claim),
    }
}

//! Common factors of numerator and denominator: `(g(ω+s) + g(ω−s)) g(ω') = (g(ω'+s) + g(ω'−s)) g(ω)` for any two atoms, other parameters of the gate each atom's own or shared by all; and with weights `e^{∓rs}` beside these values of `g`, where fewer parameters are shared then.

use super::gains::{self, Gain};
use super::{Family, FamilyKind, Pair, Undecided};
use crate::rigor::{AtomText, Flat, vanishes};
use crate::symbolic::expression::{Expression, is_input};
use crate::symbolic::normal_form::Table;
use crate::symbolic::parse::{ExpressionError, parse};
use crate::symbolic::polynomial::{Exponent, Monomial, Polynomial, multiplied};
use std::collections::BTreeMap;

/// The parameters that all atoms have to share for a common factor in `slope`; `None` where there is none.
///
/// # Errors
/// What was not decided.
fn shared(gate: &Expression, slope: &str, curve: &str) -> Result<Option<Vec<String>>, String> {
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

/// A rate, and which parameters are shared, few and more.
type Weighted = (Gain, [Vec<String>; 2]);

/// A rate `r`, free of inputs, of weights `e^{∓rs}` with which atoms split into `ω ± s` have a common factor, and which other parameters all atoms have to share for it, few of them first: `∂_ω ln g = A + r` for one product `g` of exponentials, `A` the terms with inputs. Where `A` is free of `ω`, `e^{−rs}g(ω + s) + e^{rs}g(ω − s)` may be `2g cosh(sA)` times a function of `s`: what `A` contains is shared, and what `r` contains where this function does. Where `A = 0` it is a [motion](super::motions) of `ω`, and none is needed. A proposal: the certificate decides.
///
/// # Errors
/// What was not decided.
fn weighted(gate: &Expression, slope: &str) -> Result<Option<Weighted>, String> {
    let message = |error: ExpressionError| error.message;
    let (mut table, forms) = Table::lower(&[gate]).map_err(message)?;
    let Some(symbol) = table.parameter(slope) else { return Ok(None) };
    let mut terms = forms[0].terms.iter();
    let (Some((monomial, c)), None) = (terms.next(), terms.next()) else { return Ok(None) };
    let inverse: Option<Monomial> =
        monomial.iter().map(|(symbol, power)| Some((*symbol, Exponent::of(&-power.to_rational())?))).collect();
    let Some(inverse) = inverse else { return Ok(None) };
    let (mut moving, mut rate) = (Polynomial::default(), Polynomial::default());
    for (own, coefficient) in &table.derivative(&forms[0], symbol).terms {
        let quotient = multiplied(own, &inverse);
        if quotient.iter().any(|(_, power)| power.is_lost()) {
            return Ok(None);
        }
        let has_input = quotient.iter().any(|(symbol, _)| table.has_input(*symbol));
        let part = if has_input { &mut moving } else { &mut rate };
        part.add(quotient, coefficient / c);
    }
    let names = |of: &Polynomial| -> Result<Vec<String>, String> {
        let names = parse(&table.text(of)).map_err(message)?.names();
        Ok(names.into_iter().filter(|name| !is_input(name)).collect())
    };
    let few = names(&moving)?;
    if moving.is_zero() || rate.is_zero() || few.iter().any(|name| name == slope) {
        return Ok(None);
    }
    let more = names(&rate)?.into_iter().filter(|name| name != slope && !few.contains(name));
    let more = few.iter().cloned().chain(more).collect();
    Ok(gains::stated(&table.text(&rate), "")?.map(|gain| (gain, [few, more])))
}

/// A text with other names in the places of names.
fn renamed(text: &str, to: impl Fn(&str) -> String) -> String {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
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

impl Pair<'_> {
    /// Splits of every atom.
    pub(super) fn common_factors(&self, undecided: &mut Undecided) -> Vec<Family> {
        let slopes = self.slopes.iter().filter(|slope| !self.own.contains(slope));
        slopes.filter_map(|slope| self.common_factor(slope, undecided)).collect()
    }

    fn common_factor(&self, slope: &str, undecided: &mut Undecided) -> Option<Family> {
        let curve = &self.curve;
        let what = format!("a common factor in {slope}");
        let certified =
            |shared: &[String], gain: Option<&Gain>| certificate(self.gate, &self.g, slope, curve, shared, gain);
        let plain = undecided.known(&what, shared(&self.g, slope, curve)).flatten();
        let spares = |needed: &Vec<String>| plain.as_ref().is_none_or(|shared| needed.len() < shared.len());
        let weights = match plain.as_deref() {
            Some([]) => None,
            _ => undecided.known(&what, weighted(&self.g, slope)).flatten(),
        };
        let weights = weights.and_then(|(gain, needed)| {
            let mut tried = needed
                .into_iter()
                .filter(spares)
                .map(|shared| certified(&shared, Some(&gain)).map(|own| (shared, own)));
            tried.find_map(Result::ok).map(|(shared, own)| (gain, shared, own))
        });
        let (split, shared, certificate) = match weights {
            Some((gain, shared, certificate)) => {
                let [there, back] = [gain.negated(), gain].map(|gain| gain.factor(curve));
                let split = format!(
                    ", {slope} + {curve} of half its weight times {there} and {slope} - {curve} of half its weight times {back}"
                );
                (split, shared, certificate)
            }
            None => {
                let shared = plain?;
                let certificate = undecided.known(&what, certified(&shared, None))?;
                (format!(" of half its weight, {slope} ± {curve}"), shared, certificate)
            }
        };
        let condition = match &shared[..] {
            [] => String::new(),
            shared => format!(", {} the same for all atoms", shared.join(", ")),
        };
        let words = format!(
            "flat: every atom splits into two{split}{condition}: numerator and denominator gain the same factor, whatever the expert"
        );
        Some(Family { kind: FamilyKind::CommonFactor, words, certificate: Some(certificate) })
    }
}

/// The certificate for two atoms, each split, with any experts: these enter by their values alone, two inputs of which nothing is known.
fn certificate(
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
    // Behind it an atom's number makes no name that there is.
    let is_new = |bar: &String| names.iter().all(|name| atoms().all(|a| !names.contains(&format!("{name}{bar}{a}"))));
    let bar: String =
        std::iter::successors(Some("_".to_string()), |bar| Some(format!("{bar}_"))).filter(is_new).take(1).collect();
    let is_taken =
        |name: &String| names.iter().any(|known| name == known || atoms().any(|a| *name == format!("{known}{bar}{a}")));
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
            let text = if shared.contains(name) { (*name).clone() } else { format!("{name}{bar}{atom}{step}") };
            ((*name).clone(), text)
        });
        let values = (1..=2).map(|k| (format!("{chosen}{k}"), u8::from(k == atom).to_string()));
        AtomText { weight, parameters: own.chain(values).collect() }
    };
    let numbered = |atom: usize, text: String| {
        renamed(&text, |word| {
            let is_own = own.iter().any(|name| *name == word) && !shared.iter().any(|name| name == word);
            if is_own { format!("{word}{bar}{atom}") } else { word.into() }
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

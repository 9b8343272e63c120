//! Factors that a gate and an expert gain along a curve, and those translations whose factors depend on parameters that stay: `∂_p g = r g`, `∂_p h = q h` with `r`, `q` in the field of the other parameters, so that `g` and `h` gain `e^{rs}` and `e^{qs}` along `p → p + s`.
//!
//! `∂_v e^{w(x − v)} = −w e^{w(x − v)}`: an atom may move in `v` if its weight takes `e^{ws}`; `∂_a e^{ab} = b e^{ab}`: an atom splits into `a ± s`. Where `r` and `q` are rational numbers it is one of the [`motions`](super::motions).

use super::motions::Motion;
use super::{Pair, Undecided, multiple};
use crate::symbolic::expression::Expression;
use crate::symbolic::normal_form::Table;
use crate::symbolic::parse::parse;
use crate::symbolic::partial::Partial;
use crate::symbolic::relations::{Unsolved, relations};
use dashu_ratio::RBig;
use std::collections::BTreeMap;

/// The rate `r` of a factor `e^{rs}`.
#[derive(Clone, Debug)]
pub(super) enum Gain {
    Rational(RBig),
    /// In parameters that stay: `r` and `−r` as texts.
    Coefficient([String; 2]),
}

impl Gain {
    pub(super) fn none() -> Self {
        Self::Rational(RBig::ZERO)
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::Rational(rate) if *rate == RBig::ZERO)
    }

    pub(super) fn negated(&self) -> Self {
        match self {
            Self::Rational(rate) => Self::Rational(-rate),
            Self::Coefficient([there, back]) => Self::Coefficient([back.clone(), there.clone()]),
        }
    }

    /// `rs`.
    pub(super) fn exponent(&self, curve: &str) -> String {
        match self {
            Self::Rational(rate) => multiple(rate, curve),
            Self::Coefficient([text, _]) if is_term(text) => format!("{text}*{curve}"),
            Self::Coefficient([text, _]) => format!("({text})*{curve}"),
        }
    }

    /// `e^{rs}`.
    pub(super) fn factor(&self, curve: &str) -> String {
        format!("exp({})", self.exponent(curve))
    }
}

/// Whether a text, with spaces around signs alone, is no sum.
fn is_term(text: &str) -> bool {
    let mut depth = 0;
    text.chars().all(|c| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth > 0 || c != ' '
    })
}

/// The rate that a text in the syntax of expressions states; `None` where it contains the parameter.
///
/// # Errors
/// What the normal form does not decide.
pub(super) fn stated(text: &str, p: &str) -> Result<Option<Gain>, String> {
    let [there, back] = [text.to_string(), format!("-({text})")];
    let read = |text: &str| parse(text).map_err(|error| format!("{text}: {error}"));
    let signs = [read(&there)?, read(&back)?];
    if signs[0].names().iter().any(|name| name == p) {
        return Ok(None);
    }
    let (table, forms) = Table::lower(&[&signs[0], &signs[1]]).map_err(|error| error.message)?;
    if let Some(rate) = forms[0].as_number() {
        return Ok(Some(Gain::Rational(rate)));
    }
    Ok(Some(Gain::Coefficient(match is_term(text) {
        true => [there, text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_string)],
        false => [table.text(&forms[0]), table.text(&forms[1])],
    })))
}

impl Pair<'_> {
    /// Translations of one parameter by which the gate or the expert gains a factor that is no number.
    pub(super) fn translations(&self, undecided: &mut Undecided) -> Vec<Motion> {
        let mut found = Vec::new();
        for name in &self.all {
            // What refuses all of them is told once.
            let mut known = |of| undecided.known("translations of a parameter", rate(of, name)).flatten();
            let Some(factor) = known((self.gate, &self.g)) else { continue };
            let Some(degree) = known((self.expert, &self.h)) else { continue };
            if !matches!((&factor, &degree), (Gain::Rational(_), Gain::Rational(_))) {
                let to = |sign: char| BTreeMap::from([(name.clone(), format!("{name} {sign} {}", self.curve))]);
                found.push(Motion { moved: to('+'), back: to('-'), factor, degree });
            }
        }
        found
    }
}

/// The `r` without `p` for which `∂_p f = r f`; `None` where there is none.
///
/// # Errors
/// What the normal form does not decide, and limits of relations.
fn rate((text, of): (&str, &Expression), p: &str) -> Result<Option<Gain>, String> {
    if !of.names().iter().any(|name| name == p) {
        return Ok(Some(Gain::none()));
    }
    let functions = [Partial::whole(text), Partial::new(text, p)];
    let names = ["f", "f'"].map(str::to_string);
    let relations = relations(&functions, &names).map_err(|unsolved| match unsolved {
        Unsolved::Beyond(error) => error.message,
        Unsolved::Limit { reason, .. } => reason,
    })?;
    // f' = r f is a relation of the second function.
    let Some(relation) = relations.iter().find(|relation| relation.leader == 1) else { return Ok(None) };
    let [(0, coefficient)] = &relation.terms[..] else {
        return Ok(relation.terms.is_empty().then(Gain::none));
    };
    Ok(stated(coefficient, p)?.map(|gain| gain.negated()))
}

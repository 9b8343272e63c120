//! Symmetries and flat families of an expert under its gate: proposed from relations, proved by normalising differences to zero (theory B5).
//!
//! Not looked for are symmetries that are neither signs nor shifts by half periods nor part of a curve, of which nothing is said; nor curves along which the parameters move by other than affine flows.
//!
//! | proposed by | family |
//! |---|---|
//! | signs of parameters ([`signs`]) | `F(−θ_S) = ±F`, and for the expert `h(−θ_S) ∓ h` a polynomial |
//! | angles `rational·p + …` ([`shifts`]) | `F(p + π/q) = ±F`, or with the sign of another parameter changed |
//! | `Σ k_i θ_i ∂_iF = pF` with rational `k`, `p` (all of them: a kernel over Q) | `F(e^{k_i s} θ_i) = e^{ps} F`; for an expert with `p ≠ 0` also its split into two atoms |
//! | `∂²h/∂p∂q = 0` for all `p`, `q` of a set, no step moving with any, the largest such sets ([`affine`]) | an atom split into `p ± s`, `q ± rs`, … for any `r` |
//! | `Σ X_i(θ) ∂_ih = q h`, `Σ X_i(θ) ∂_ig = p g` with `X` affine ([`motions`]), or `∂_ih = q h`, `∂_ig = p g` with `p`, `q` in the other parameters ([`gains`]) | `q = 0`: an atom that moves along the flow of `X`, its weight times `e^{−ps}`; `q ≠ 0`: an atom split into two, along the flow and back |
//! | `(g(ω+s) + g(ω−s)) g(ω') = (g(ω'+s) + g(ω'−s)) g(ω)` ([`factor`]) | every atom split into `ω ± s`: a factor that numerator and denominator share; with weights `e^{∓rs}` for a gate `e^{ωA + …}` with `∂_ω ln g = A + r`, `r` free of inputs, where fewer parameters are shared then |
//!
//! *The two atoms of a split.* Along the flow `g` and `h` gain `e^{ps}` and `e^{qs}`, so the weights `A e^{−ps}v`, `B e^{ps}v` keep the mixture if `A + B = 1` and `A e^{qs} + B e^{−qs} = 1`: `A = (1 − e^{−qs})/(e^{qs} − e^{−qs}) = σ(−qs) = e^{−qs}σ(qs)`, `B = σ(qs)`.

mod affine;
mod factor;
mod gains;
mod motions;
mod scalings;
mod shifts;
mod signs;

use super::expression::{Expression, is_input};
use super::identify::function_name;
use super::normal_form::Table;
use super::parse::{ExpressionError, parse};
use super::partial::Partial;
use super::polynomial::Symbol;
use super::relations::Hidden;
use crate::rigor::{AtomText, Flat, is_positive, is_somewhere_not_zero};
use affine::{SETS, affine_sets};
use dashu_base::Gcd;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;
use gains::Gain;
use motions::{FULL, Motion, motions};
use scalings::{Scaling, scalings};
use shifts::shifts;
use signs::signs;
use std::collections::BTreeMap;

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    /// A symmetry by signs of parameters.
    Sign,
    /// A symmetry by a shift of a parameter by half a period, or by one.
    Shift,
    /// A symmetry by powers of a factor.
    Scaling,
    /// One atom as two: flat.
    Split,
    /// One atom moves: flat.
    Motion,
    /// All atoms split: flat.
    CommonFactor,
}

impl FamilyKind {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Shift => "shift",
            Self::Scaling => "scaling",
            Self::Split => "split",
            Self::Motion => "motion",
            Self::CommonFactor => "common-factor",
        }
    }
}

/// A symmetry or a flat family.
#[derive(Clone, Debug)]
pub struct Family {
    /// What it is.
    pub kind: FamilyKind,
    /// What is proved, in words.
    pub words: String,
    /// The certificate `flat`, of families that are flat.
    pub certificate: Option<String>,
}

/// What was found, and what was not decided.
#[derive(Clone, Debug, Default)]
pub struct Families {
    /// Each is proved.
    pub found: Vec<Family>,
    /// What was not tried, or was tried and not decided, in words.
    pub undecided: Vec<String>,
}

/// Notes of what was not decided, each once.
#[derive(Default)]
struct Undecided(Vec<String>);

impl Undecided {
    fn note(&mut self, words: String) {
        if !self.0.contains(&words) {
            self.0.push(words);
        }
    }

    /// What is known; else the reason is noted.
    fn known<T>(&mut self, what: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|reason| self.note(format!("{what}: {reason}"))).ok()
    }
}

/// The gate and the expert, and the names for curves in their mixtures.
struct Pair<'a> {
    gate: &'a str,
    expert: &'a str,
    g: Expression,
    h: Expression,
    /// All parameters, the expert's, the gate's.
    all: Vec<String>,
    own: Vec<String>,
    slopes: Vec<String>,
    curve: String,
    weight: String,
}

/// Symmetries and flat families; each is proved.
///
/// ```
/// use proofs_checks::{rigor::recheck, symbolic::families};
/// let found = families("tanh(a*x + b + c)", "exp(w*x)").unwrap().found;
/// let moving = found.iter().find(|family| family.words.contains("(b + s, c - s)")).unwrap();
/// assert!(recheck(moving.certificate.as_ref().unwrap()).is_ok());
/// ```
///
/// # Errors
/// What is no expression; what the normal form does not decide is in [`Families::undecided`].
pub fn families(expert: &str, gate: &str) -> Result<Families, ExpressionError> {
    let pair = Pair::new(expert, gate)?;
    let f = pair.g.clone().times(pair.h.clone());
    let mut undecided = Undecided::default();
    let mut found = Vec::new();
    let symmetries =
        |kind, words: Vec<String>| words.into_iter().map(move |words| Family { kind, words, certificate: None });
    let (whole, expert_name) = (function_name(&pair.all), fresh("h", &pair.all));
    let functions = [(&f, &pair.all, &whole[..]), (&pair.h, &pair.own, &expert_name[..])];
    let functions = if gate.trim() == "1" { &functions[..1] } else { &functions };
    for (of, names, name) in functions {
        found.extend(symmetries(FamilyKind::Sign, signs(of, names, name, &mut undecided)));
    }
    for (of, names, name) in functions {
        found.extend(symmetries(FamilyKind::Shift, shifts(of, names, name, &mut undecided)));
    }
    let message = |error: ExpressionError| error.message;
    let factor = fresh("c", &pair.all);
    let words = |scaling: &Scaling| scaling.words(&whole, &factor);
    let scaled = scalings(&f, &pair.all, &pair.curve, &words, &mut undecided).map_err(message);
    let scaled = undecided.known("scalings", scaled).unwrap_or_default();
    found.extend(symmetries(FamilyKind::Scaling, scaled.iter().map(words).collect()));
    if is_positive(&pair.g, &|_| false) {
        found.extend(pair.affine(&mut undecided));
        found.extend(pair.moving(&mut undecided));
        found.extend(pair.common_factors(&mut undecided));
    } else {
        undecided.note("the gate was not seen to be positive, so flat families were not looked for".into());
    }
    if let Some(gap) = incompleteness(&f, &pair.all) {
        undecided.note(format!("whether these are all, on account of {}", gap.message));
    }
    for step in one_sided(gate, expert) {
        undecided.note(format!("whether these are all, on account of a relu whose argument has the sign of {step}, of which one sign only was seen"));
    }
    Ok(Families { found, undecided: undecided.0 })
}

/// What steps of `gate·expert` have the sign of, where values of both signs were not found: a step that is constant is none, and what it hides is not looked for.
fn one_sided(gate: &str, expert: &str) -> Vec<String> {
    let both = [gate, expert].map(|text| Partial::whole(text.split_whitespace().collect::<Vec<_>>().join(" ")));
    let steps = Hidden::of(&both).map(|hidden| hidden.steps).unwrap_or_default();
    // At inputs of the size one, and far from there.
    let is_seen = |text: String| {
        parse(&text).is_ok_and(|step| {
            [1, 16, 4096].iter().any(|scale| {
                let inputs = step.names().into_iter().filter(|name| is_input(name));
                let far = inputs.filter_map(|name| Some((name.clone(), parse(&format!("{scale}*{name}")).ok()?)));
                is_somewhere_not_zero(&step.substituted(&far.collect()))
            })
        })
    };
    let changes = |step: &String| is_seen(format!("relu({step})")) && is_seen(format!("relu(-({step}))"));
    steps.into_iter().filter(|step| !changes(step)).collect()
}

impl<'a> Pair<'a> {
    fn new(expert: &'a str, gate: &'a str) -> Result<Self, ExpressionError> {
        let (g, h) = (parse(gate)?, parse(expert)?);
        let parameters =
            |of: &Expression| -> Vec<String> { of.names().into_iter().filter(|name| !is_input(name)).collect() };
        let all = parameters(&g.clone().times(h.clone()));
        let (own, slopes) = (parameters(&h), parameters(&g));
        let (curve, weight) = (fresh("s", &all), fresh("v", &all));
        Ok(Self { gate, expert, g, h, all, own, slopes, curve, weight })
    }

    /// The curve on which the first one of two atoms is replaced by these weights and moved parameters.
    fn replaced(&self, fitted: &[(String, BTreeMap<String, String>)]) -> Flat {
        let named = |suffix: &str| {
            self.all.iter().map(|name| (name.clone(), format!("{name}{suffix}"))).collect::<BTreeMap<_, _>>()
        };
        let other = AtomText { weight: fresh("v_other", &self.all), parameters: named(&others(&self.all)) };
        let own = fitted.iter().cloned().map(|(weight, moved)| {
            let mut parameters = named("");
            parameters.extend(moved);
            (0, AtomText { weight, parameters })
        });
        Flat {
            gate: self.gate.into(),
            expert: self.expert.into(),
            curve: self.curve.clone(),
            truth: vec![AtomText { weight: self.weight.clone(), parameters: named("") }, other.clone()],
            fitted: own.chain([(1, other)]).collect(),
        }
    }

    /// The certificate of such a curve, `what` in words; where it is none that is noted.
    fn fit(
        &self,
        what: &str,
        fitted: &[(String, BTreeMap<String, String>)],
        undecided: &mut Undecided,
    ) -> Option<String> {
        let flat = self.replaced(fitted);
        let difference = undecided.known(what, flat.holds())?;
        if let Some(difference) = difference {
            // Proposed by derivatives that vanish, and refused: of this place other curves may be left.
            undecided.note(format!("{what}: it was proposed, and {difference}"));
            return None;
        }
        Some(flat.certificate())
    }

    /// An atom in two halves with these parameters moved by opposite amounts, the first as far as the curve goes, the others times their rates.
    fn halves(&self, set: &[String]) -> [(String, BTreeMap<String, String>); 2] {
        let rates = std::iter::once(String::new())
            .chain((1..set.len()).map(|k| format!("{}*", fresh(&format!("r{k}"), &self.all))));
        let rates: Vec<String> = rates.collect();
        ["+", "-"].map(|sign| {
            let moved = set.iter().zip(&rates);
            let moved = moved.map(|(name, rate)| (name.clone(), format!("{name} {sign} {rate}{}", self.curve)));
            (format!("{}/2", self.weight), moved.collect())
        })
    }

    /// Splits in what the expert is affine in.
    fn affine(&self, undecided: &mut Undecided) -> Vec<Family> {
        let own: Vec<String> = self.own.iter().filter(|name| !self.slopes.contains(name)).cloned().collect();
        let bends = |name: &str| {
            let what = format!("whether the expert is affine in {name}, which is inside of a relu");
            let split = self.replaced(&self.halves(&[name.to_string()]));
            undecided.known(&what, split.holds()).is_none_or(|difference| difference.is_some())
        };
        let sets = affine_sets(&self.h, &own, bends).map_err(|error| error.message);
        let sets = undecided.known("parameters in which the expert is affine", sets).unwrap_or_default();
        if sets.len() > SETS {
            undecided.note(format!(
                "of {} largest sets of parameters in which the expert is affine the first {SETS} were tried",
                sets.len()
            ));
        }
        let mut found: Vec<Family> = Vec::new();
        for set in sets.iter().take(SETS) {
            let family = self.split(set, undecided).or_else(|| {
                // One that is not decided costs the others nothing.
                let holds = |name: &&String| {
                    let alone = self.halves(std::slice::from_ref(*name));
                    matches!(self.replaced(&alone).holds(), Ok(None))
                };
                let part: Vec<String> = set.iter().filter(holds).cloned().collect();
                if part.is_empty() || part.len() == set.len() { None } else { self.split(&part, undecided) }
            });
            found.extend(family.filter(|family| found.iter().all(|known| known.words != family.words)));
        }
        found
    }

    /// The split of an atom in two with these parameters moved by opposite amounts.
    fn split(&self, set: &[String], undecided: &mut Undecided) -> Option<Family> {
        let names = set.join(", ");
        let what = format!("the split of an atom into two with {names} moved by opposite amounts");
        let certificate = self.fit(&what, &self.halves(set), undecided)?;
        let words = format!(
            "flat: an atom splits into two of half its weight with {names} moved by opposite amounts: the expert is affine in {}",
            if set.len() == 1 { "it" } else { "them together" }
        );
        Some(Family { kind: FamilyKind::Split, words, certificate: Some(certificate) })
    }

    /// Splits of homogeneous experts, motions, and splits along other flows.
    fn moving(&self, undecided: &mut Undecided) -> Vec<Family> {
        let message = |error: ExpressionError| error.message;
        let (name, factor) = (fresh("h", &self.all), fresh("c", &self.all));
        let words = |scaling: &Scaling| scaling.words(&name, &factor);
        let scaled = scalings(&self.h, &self.own, &self.curve, &words, undecided).map_err(message);
        let scaled = undecided.known("homogeneous experts", scaled).unwrap_or_default();
        let is_own = |(name, k): &(String, RBig)| !self.slopes.contains(name) && *k.denominator() == UBig::ONE;
        let homogeneous: Vec<Scaling> =
            scaled.into_iter().filter(|own| own.degree != RBig::ZERO && own.weights.iter().all(is_own)).collect();
        let mut found = Vec::new();
        for Scaling { weights, degree } in &homogeneous {
            let moved = |sign: i64| -> BTreeMap<String, String> {
                let by = |k: &RBig| exponential(&(k * RBig::from(sign)), &self.curve);
                weights.iter().map(|(name, k)| (name.clone(), format!("{}*{name}", by(k)))).collect()
            };
            let weights_of = self.split_weights(&Gain::none(), &Gain::Rational(degree.clone()));
            let atoms: Vec<_> = weights_of.into_iter().zip([moved(1), moved(-1)]).collect();
            let names: Vec<&str> = weights.iter().map(|(name, _)| &name[..]).collect();
            let by = |sign: i64| -> String {
                let powers = weights.iter().map(|(_, k)| exponential(&(k * RBig::from(sign)), &self.curve));
                powers.collect::<Vec<_>>().join(", ")
            };
            let names = names.join(", ");
            let what = format!("the split of an atom into two with ({names}) times ({}) and times ({})", by(1), by(-1));
            let Some(certificate) = self.fit(&what, &atoms, undecided) else { continue };
            let words = match weights.iter().all(|(_, k)| *k == RBig::ONE) {
                true => format!(
                    "flat: an atom splits into two with ({names}) scaled up and down: the expert is homogeneous of degree {degree}"
                ),
                false => format!(
                    "flat: an atom splits into two with ({names}) times ({}) and times ({}): along the first the expert gains the factor {}",
                    by(1),
                    by(-1),
                    exponential(degree, &self.curve)
                ),
            };
            found.push(Family { kind: FamilyKind::Split, words, certificate: Some(certificate) });
        }
        if self.all.len() > FULL {
            undecided.note(format!(
                "of the flows of {} parameters only translations and scalings were tried",
                self.all.len()
            ));
        }
        let known: Vec<_> = homogeneous.into_iter().map(|scaling| scaling.weights).collect();
        let flows = motions(&self.g, &self.h, &self.all, &self.curve, &known).map_err(message);
        let mut flows = undecided.known("motions", flows).unwrap_or_default();
        let mut translations = self.translations(undecided);
        // The same curve at another speed.
        translations
            .retain(|own| flows.iter().all(|flow| flow.moved.len() > 1 || !flow.moved.keys().eq(own.moved.keys())));
        flows.extend(translations);
        for motion in flows {
            found.extend(self.motion(&motion, undecided));
        }
        found
    }

    /// The weights of the two atoms of a split along a flow by which the gate gains `e^{ps}` and the expert `e^{qs}`: products of what is seen to be positive.
    fn split_weights(&self, p: &Gain, q: &Gain) -> [String; 2] {
        let large = format!("{}*sigmoid({})", self.weight, q.exponent(&self.curve));
        let small = format!("{}*{large}", q.negated().factor(&self.curve));
        let gained = |text: String, p: &Gain| match p.is_none() {
            true => text,
            false => format!("{}*{text}", p.factor(&self.curve)),
        };
        [gained(small, &p.negated()), gained(large, p)]
    }

    fn motion(&self, motion: &Motion, undecided: &mut Undecided) -> Option<Family> {
        let Motion { moved, back, factor, degree } = motion;
        let names: Vec<&str> = self.all.iter().filter(|name| moved.contains_key(*name)).map(|name| &name[..]).collect();
        let tuple =
            |of: &BTreeMap<String, String>| names.iter().map(|name| &of[*name][..]).collect::<Vec<_>>().join(", ");
        let place = names.join(", ");
        let weight = |text: String| text.replacen(&format!("{}*", self.weight), "", 1);
        if !degree.is_none() {
            let weights = self.split_weights(factor, degree);
            let what = format!("the split of an atom into two, ({place}) -> ({}) and ({})", tuple(moved), tuple(back));
            let atoms = [(weights[0].clone(), moved.clone()), (weights[1].clone(), back.clone())];
            let certificate = self.fit(&what, &atoms, undecided)?;
            let [first, second] = weights.map(weight);
            let words = format!(
                "flat: an atom with parameters of its own splits into two, ({place}) -> ({}) with its weight times {first} and ({place}) -> ({}) with its weight times {second}: along the first the expert gains the factor {}",
                tuple(moved),
                tuple(back),
                degree.factor(&self.curve)
            );
            return Some(Family { kind: FamilyKind::Split, words, certificate: Some(certificate) });
        }
        let is_one = factor.is_none();
        let own = match is_one {
            true => self.weight.clone(),
            false => format!("{}*{}", factor.negated().factor(&self.curve), self.weight),
        };
        let what = format!("the motion of an atom along ({place}) -> ({})", tuple(moved));
        let certificate = self.fit(&what, &[(own, moved.clone())], undecided)?;
        let gate = match is_one {
            true => "its gate and its expert stay the same".to_string(),
            false => format!(
                "its expert stays the same, and its weight takes back the gate's factor {}",
                factor.factor(&self.curve)
            ),
        };
        let words = format!(
            "flat: an atom, with those that share one of these parameters, moves along ({place}) -> ({}): {gate}",
            tuple(moved)
        );
        Some(Family { kind: FamilyKind::Motion, words, certificate: Some(certificate) })
    }
}

/// What stands behind the names of another atom's parameters: none of them is a parameter.
fn others(all: &[String]) -> String {
    let mut suffix = "_other".to_string();
    while all.iter().any(|name| all.contains(&format!("{name}{suffix}"))) {
        suffix.push('_');
    }
    suffix
}

/// A name of no parameter, this atom's or another's.
fn fresh(name: &str, all: &[String]) -> String {
    let (mut name, suffix) = (name.to_string(), others(all));
    while all.iter().any(|known| *known == name || format!("{known}{suffix}") == name) {
        name.push('_');
    }
    name
}

/// The parameters that occur in a normal form, and their symbols.
fn occurring(table: &Table, parameters: &[String]) -> (Vec<String>, Vec<Symbol>) {
    parameters.iter().filter_map(|name| Some((name.clone(), table.parameter(name)?))).unzip()
}

/// Multiples that are whole numbers without a common divisor, the first one positive.
fn whole(coefficients: &[RBig]) -> Vec<RBig> {
    let denominator = coefficients.iter().fold(RBig::ONE, |lcm, c| {
        let own = RBig::from((&lcm * c).denominator().clone());
        lcm * own
    });
    let whole: Vec<RBig> = coefficients.iter().map(|c| c * &denominator).collect();
    let numerators = whole.iter().map(RBig::numerator).filter(|n| **n != IBig::ZERO);
    let gcd = numerators.fold(IBig::ZERO, |gcd, n| IBig::from((&gcd).gcd(n)));
    let negative = whole.iter().find(|c| **c != RBig::ZERO).is_some_and(|c| *c < RBig::ZERO);
    let scale = RBig::from(if negative { -gcd } else { gcd });
    whole.iter().map(|c| c / &scale).collect()
}

/// What may hide a symmetry of this function, as far as it is seen.
fn incompleteness(of: &Expression, parameters: &[String]) -> Option<ExpressionError> {
    let (mut table, mut functions) = Table::lower(&[of]).ok()?;
    for symbol in occurring(&table, parameters).1 {
        functions.push(table.derivative(&functions[0].clone(), symbol));
    }
    table.resolve(&functions).ok()?;
    table.incompleteness()
}

/// `k*s`.
fn multiple(k: &RBig, curve: &str) -> String {
    match k {
        k if *k == RBig::ONE => curve.to_string(),
        k if *k == -RBig::ONE => format!("-{curve}"),
        k => format!("({k})*{curve}"),
    }
}

/// `exp(k*s)`.
fn exponential(k: &RBig, curve: &str) -> String {
    format!("exp({})", multiple(k, curve))
}

#[cfg(test)]
mod tests;

//! The certificate `flat`: a curve of softmax mixtures that are all the same function.
//!
//! ```text
//! claim flat
//! gate EXPRESSION                      g(x; θ), in the place of e^{ωᵀx}
//! expert EXPRESSION                    h(x; θ)
//! curve NAME                           the parameter s of the curve
//! atom WEIGHT NAME=EXPRESSION …        a true atom: its e^β and all its parameters; numbered from 1
//! fitted CELL WEIGHT NAME=EXPRESSION … an atom on the curve, in the cell of a true one; these may contain s
//! ```
//!
//! With `f = Σ_i v_i g_i h_i/Σ_i v_i g_i`: the numerator of one times the denominator of the other, minus the same with the two exchanged, normalises to zero; at `s = 0` each fitted atom has the parameters of its true atom and the weights of each cell sum to
//! that of its true atom; some parameter is certainly not the true one at some values, beyond a translation that all atoms share. The gate and the weights are seen to be positive (`positive`), names that occur in weights alone standing for positive numbers: no denominator vanishes, no atom is without weight. That a curve is *not* flat is said only where the difference is certainly not zero at some values. The parameters are analytic in `s`, so on the curve the Voronoi losses `L1` and `L2r` are positive near `s = 0`, except at it, and tend to zero, while the function does not change: no bound of either by the difference of the
//! functions holds near the truth.

use std::collections::BTreeMap;

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer, place};
use super::identity::reservation;
use super::jet::{Jet, Jets};
use super::positive::is_positive;
use super::recheck::Accepted;
use super::witness::{WITNESS_BITS, WITNESSES, is_somewhere_not_zero, witness};
use crate::symbolic::{Expression, Table, is_input, parse};
use dashu_ratio::RBig;

/// The weight and the parameters of an atom, as texts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AtomText {
    pub(crate) weight: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

/// What a certificate states as data.
#[derive(Clone, Debug)]
pub(crate) struct Flat {
    pub(crate) gate: String,
    pub(crate) expert: String,
    pub(crate) curve: String,
    pub(crate) truth: Vec<AtomText>,
    /// With the number of the true atom.
    pub(crate) fitted: Vec<(usize, AtomText)>,
}

/// An atom, parsed.
struct Atom {
    weight: Expression,
    parameters: BTreeMap<String, Expression>,
}

impl AtomText {
    /// `WEIGHT NAME=EXPRESSION …`, expressions without spaces, each of these names once.
    fn read(words: &[&str], names: &[String]) -> Option<Self> {
        let (weight, rest) = words.split_first()?;
        let mut parameters: BTreeMap<String, String> = BTreeMap::new();
        for word in rest {
            let (name, text) = word.split_once('=')?;
            let is_known = names.iter().any(|known| known == name);
            if !is_known || parse(text).is_err() || parameters.insert(name.into(), text.into()).is_some() {
                return None;
            }
        }
        let is_whole = names.iter().all(|name| parameters.contains_key(name)) && parse(weight).is_ok();
        is_whole.then(|| Self { weight: (*weight).into(), parameters })
    }

    pub(crate) fn line(&self) -> String {
        let parameters = self.parameters.iter().map(|(name, text)| format!(" {name}={}", text.replace(' ', "")));
        format!("{}{}", self.weight.replace(' ', ""), parameters.collect::<String>())
    }

    fn parsed(&self) -> Result<Atom, String> {
        let read = |text: &String| parse(text).map_err(|error| format!("{text}: {error}"));
        let parameters = self.parameters.iter().map(|(name, text)| Ok((name.clone(), read(text)?)));
        Ok(Atom { weight: read(&self.weight)?, parameters: parameters.collect::<Result<_, String>>()? })
    }
}

impl Flat {
    /// The text of the claim, true or not.
    pub(crate) fn certificate(&self) -> String {
        let mut writer = Writer::new("flat");
        writer.line(format_args!("gate {}", self.gate));
        writer.line(format_args!("expert {}", self.expert));
        writer.line(format_args!("curve {}", self.curve));
        self.truth.iter().for_each(|atom| writer.line(format_args!("atom {}", atom.line())));
        write_fitted(&mut writer, &self.fitted);
        writer.finish()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CertificateError> {
        let (gate, g) = reader.expression("gate", "gate EXPRESSION")?;
        let (expert, h) = reader.expression("expert", "expert EXPRESSION")?;
        let names = parameters([&g, &h]);
        let curve = reader.parameter("curve", "curve NAME")?;
        let truth = read_truth(reader, &names)?;
        let fitted = read_fitted(reader, truth.len(), &names)?;
        reader.rest(&[], "fitted, checksum SUM and the end")?;
        Ok(Self { gate, expert, curve, truth, fitted })
    }

    pub(super) fn decide(&self) -> Result<(Accepted, String), CertificateError> {
        match self.holds() {
            Ok(None) => {
                let accepted = Accepted {
                    claim: format!(
                        "with the gate {} and the expert {} the fitted atoms give the function of the true ones for every {}{}",
                        self.gate,
                        self.expert,
                        self.curve,
                        self.reservation()
                    ),
                    interval: [0.0; 2],
                    accept: [0.0; 2],
                    identity: true,
                };
                Ok((accepted, self.certificate()))
            }
            Ok(Some(claim)) => Err(CertificateError::False { claim }),
            Err(claim) => Err(CertificateError::Unfounded { claim }),
        }
    }

    /// Where the curve says nothing.
    pub(super) fn reservation(&self) -> String {
        let atoms = self.truth.iter().chain(self.fitted.iter().map(|(_, atom)| atom));
        let texts = atoms.flat_map(|atom| atom.parameters.values().chain([&atom.weight]));
        let all = [&self.gate, &self.expert].into_iter().chain(texts);
        reservation(all.filter_map(|text| parse(text).ok()))
    }

    /// `None` where it is a flat curve; else what is not as claimed.
    pub(crate) fn holds(&self) -> Result<Option<String>, String> {
        let read = |text: &String| parse(text).map_err(|error| format!("{text}: {error}"));
        let (gate, expert) = (read(&self.gate)?, read(&self.expert)?);
        let truth = self.truth.iter().map(AtomText::parsed).collect::<Result<Vec<_>, _>>()?;
        let fitted: Vec<(usize, Atom)> =
            self.fitted.iter().map(|(cell, atom)| Ok((*cell, atom.parsed()?))).collect::<Result<_, String>>()?;
        let names: Vec<String> =
            gate.names().into_iter().chain(expert.names()).filter(|name| !is_input(name)).collect();
        for atom in truth.iter().chain(fitted.iter().map(|(_, atom)| atom)) {
            // An input in the place of a parameter would be moved, too.
            if let Some(other) = atom.parameters.keys().find(|name| !names.contains(name)) {
                return Err(format!("{other} is no parameter of the gate or the expert"));
            }
            if let Some(missing) = names.iter().find(|name| !atom.parameters.contains_key(*name)) {
                return Err(format!("an atom has no {missing}"));
            }
            let has_input = |expression: &Expression| expression.names().iter().any(|name| is_input(name));
            if has_input(&atom.weight) || atom.parameters.values().any(has_input) {
                return Err("a parameter contains an input".into());
            }
        }
        if truth
            .iter()
            .any(|atom| atom.parameters.values().chain([&atom.weight]).any(|e| e.names().contains(&self.curve)))
        {
            return Err(format!("the truth contains {}", self.curve));
        }
        // Names in weights stand for positive numbers: they must not mean anything else.
        let weights: Vec<&Expression> =
            truth.iter().map(|atom| &atom.weight).chain(fitted.iter().map(|(_, atom)| &atom.weight)).collect();
        let others = truth.iter().chain(fitted.iter().map(|(_, atom)| atom)).flat_map(|atom| atom.parameters.values());
        let elsewhere: Vec<String> =
            others.flat_map(Expression::names).chain(names.iter().cloned()).chain([self.curve.clone()]).collect();
        for weight in weights {
            if !is_positive(weight, &|name| !elsewhere.contains(&name.to_string())) {
                return Err("a weight was not seen to be positive".into());
            }
        }
        if !is_positive(&gate, &|_| false) {
            return Err("the gate was not seen to be positive".into());
        }
        if fitted.iter().any(|(cell, _)| *cell >= truth.len()) {
            return Err("a fitted atom belongs to no true one".into());
        }
        let sums = |atoms: &mut dyn Iterator<Item = &Atom>| -> Option<[Expression; 2]> {
            let mut sums: Option<[Expression; 2]> = None;
            for atom in atoms {
                let weight = atom.weight.clone().times(gate.substituted(&atom.parameters));
                let value = weight.clone().times(expert.substituted(&atom.parameters));
                sums = Some(match sums {
                    None => [value, weight],
                    Some([numerator, denominator]) => [numerator.plus(value), denominator.plus(weight)],
                });
            }
            sums
        };
        let (Some([n, d]), Some([n_fitted, d_fitted])) =
            (sums(&mut truth.iter()), sums(&mut fitted.iter().map(|(_, atom)| atom)))
        else {
            return Err("no atoms".into());
        };
        let difference = n_fitted.times(d).minus(n.times(d_fitted));
        if !vanishes(&difference, "the difference of the functions")? {
            return Ok(Some("the fitted atoms give another function than the true ones".into()));
        }
        let start = BTreeMap::from([(self.curve.clone(), Expression::number(0))]);
        for (cell, atom) in truth.iter().enumerate() {
            let weight = fitted.iter().filter(|(of, _)| *of == cell).map(|(_, atom)| atom.weight.substituted(&start));
            let excess = weight.fold(Expression::number(0), Expression::plus).minus(atom.weight.clone());
            if !is_zero(&excess)? {
                return Err(format!(
                    "at {} = 0 the weights of cell {} do not sum to that of its atom",
                    self.curve,
                    cell + 1
                ));
            }
        }
        // What every atom has alike, true or fitted, is a constant of the gate: a temperature.
        let mut shared = Vec::new();
        for name in &names {
            let first = &truth[0].parameters[name];
            let mut alike = true;
            for atom in truth.iter().chain(fitted.iter().map(|(_, atom)| atom)) {
                alike &= vanishes(&atom.parameters[name].clone().minus(first.clone()), name)?;
            }
            if alike {
                shared.push(name.clone());
            }
        }
        let mut moves = false;
        for name in &names {
            let differences: Vec<Expression> = fitted
                .iter()
                .map(|(cell, atom)| atom.parameters[name].clone().minus(truth[*cell].parameters[name].clone()))
                .collect();
            for (difference, (cell, _)) in differences.iter().zip(&fitted) {
                if !is_zero(&difference.substituted(&start))? {
                    return Err(format!(
                        "at {} = 0 {name} of an atom of cell {} is not the true one",
                        self.curve,
                        cell + 1
                    ));
                }
            }
            // The losses are modulo translation: what all atoms do alike in such a slope does not count.
            let origin = if is_translation(&gate, &expert, &shared, name)? {
                differences.first().cloned().unwrap_or_else(|| Expression::number(0))
            } else {
                Expression::number(0)
            };
            for difference in differences {
                moves |= is_somewhere_not_zero(&difference.minus(origin.clone()));
            }
        }
        if moves { Ok(None) } else { Err("no parameter certainly moves, but for a translation".into()) }
    }
}

/// Parameters of a gate and an expert, each once.
pub(super) fn parameters(of: [&Expression; 2]) -> Vec<String> {
    let mut names: Vec<String> = of.into_iter().flat_map(Expression::names).filter(|name| !is_input(name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// `fitted CELL WEIGHT NAME=EXPRESSION …` lines.
pub(super) fn write_fitted(writer: &mut Writer, fitted: &[(usize, AtomText)]) {
    fitted.iter().for_each(|(cell, atom)| writer.line(format_args!("fitted {} {}", cell + 1, atom.line())));
}

/// Cells are among so many, parameters have these names.
pub(super) fn read_fitted(
    reader: &mut Reader<'_>,
    cells: usize,
    names: &[String],
) -> Result<Vec<(usize, AtomText)>, CertificateError> {
    let allowed = "fitted CELL WEIGHT NAME=EXPRESSION …, the cell an atom's number, each parameter of an atom once";
    let mut fitted = Vec::new();
    while reader.is_next("fitted") {
        let words = reader.words("fitted", allowed)?;
        let cell = words.first().and_then(|word| place(word, cells));
        let atom = words.get(1..).and_then(|words| AtomText::read(words, names));
        let (Some(cell), Some(atom)) = (cell, atom) else { return Err(reader.malformed(allowed)) };
        fitted.push((cell, atom));
    }
    Ok(fitted)
}

/// `atom WEIGHT NAME=EXPRESSION …` lines.
pub(super) fn read_truth(reader: &mut Reader<'_>, names: &[String]) -> Result<Vec<AtomText>, CertificateError> {
    let allowed = "atom WEIGHT NAME=EXPRESSION …, each parameter of an atom once";
    let mut truth = Vec::new();
    while reader.is_next("atom") {
        let words = reader.words("atom", allowed)?;
        truth.push(AtomText::read(&words, names).ok_or_else(|| reader.malformed(allowed))?);
    }
    if truth.is_empty() { Err(reader.missing(allowed)) } else { Ok(truth) }
}

/// Whether an expression has the normal form zero: then it is the zero function.
pub(crate) fn is_zero(expression: &Expression) -> Result<bool, String> {
    // Columns are those of parts that were put together: of no text.
    let (mut table, mut forms) = Table::lower(&[expression]).map_err(|error| error.message)?;
    table.is_zero(forms.swap_remove(0)).map_err(|error| error.message)
}

/// Whether an expression is the zero function: that it is not is said only where it certainly is not.
pub(crate) fn vanishes(expression: &Expression, what: &str) -> Result<bool, String> {
    match is_zero(expression) {
        Ok(true) => Ok(true),
        _ if is_somewhere_not_zero(expression) => Ok(false),
        Ok(false) => Err(format!("{what} was not decided")),
        Err(reason) => Err(reason),
    }
}

/// Whether `∂_u g(θ)·g(θ') = g(θ)·∂_u g(θ')` for all parameters but the shared ones, `u` a parameter of the gate alone; that it is not is said only where the difference certainly is not zero.
pub(crate) fn is_translation(
    gate: &Expression,
    expert: &Expression,
    globals: &[String],
    name: &str,
) -> Result<bool, String> {
    let names = gate.names();
    if !names.iter().any(|known| known == name) || expert.names().iter().any(|known| known == name) {
        return Ok(false);
    }
    // Names that no text can have: each atom's own parameters are doubled.
    let own = names.iter().filter(|known| !is_input(known) && !globals.contains(known));
    let prime = |name: &String| (name.clone(), Expression::symbol(&format!("{name}'")));
    let doubled: BTreeMap<String, Expression> = own.map(prime).collect();
    let other = gate.substituted(&doubled);
    let error = |error: crate::symbolic::ExpressionError| error.message;
    let (mut table, forms) = Table::lower(&[gate, &other]).map_err(error)?;
    let primed = format!("{name}'");
    let symbols = [name, &primed].map(|name| table.parameter(name));
    let [Some(symbol), Some(symbol_primed)] = symbols else { return Ok(false) };
    let slopes = [table.derivative(&forms[0], symbol), table.derivative(&forms[1], symbol_primed)];
    let difference = table.product(&slopes[0], &forms[1]).plus(&table.product(&slopes[1], &forms[0]), &-RBig::ONE);
    let zero = table.is_zero(difference).map_err(error);
    if zero == Ok(true) {
        return Ok(true);
    }
    let jets = Jets::new(2, 1, WITNESS_BITS);
    let all: Vec<String> =
        names.iter().cloned().chain(other.names().into_iter().filter(|n| !names.contains(n))).collect();
    let differs = (0..WITNESSES).any(|draw| {
        let jet = |(known, value): (String, Ball)| {
            let number = [name, &primed].iter().position(|moved| **moved == known);
            let jet =
                number.map_or_else(|| jets.constant(value.clone()), |number| jets.parameter(number, value.clone()));
            (known, jet)
        };
        let symbols = witness(&all, draw, WITNESS_BITS).into_iter().map(jet).collect();
        let values = [gate, &other].map(|of| jets.evaluate(of, &symbols));
        let [Some(own), Some(other)] = values else { return false };
        let at = |jet: &Jet, by: [u32; 2]| jets.derivative(jet, &by).unwrap_or_else(|| Ball::whole(WITNESS_BITS));
        let slopes = [at(&own, [1, 0]) * at(&other, [0, 0]), at(&own, [0, 0]) * at(&other, [0, 1])];
        (slopes[0].clone() - &slopes[1]).sign().is_some()
    });
    match zero {
        _ if differs => Ok(false),
        Ok(_) => Err(format!("whether {name} moves by a translation was not decided")),
        Err(reason) => Err(reason),
    }
}

//! A true mixture under a softmax-like gate, and the functions of theory B4's expansion about it, enclosed at a point.
//!
//! `Ψ_j(x; θ) = g(x; θ)(h(x; θ) − f*(x))` with `f*` held fixed, `D* = Σ_j w_j g_j`, and `T = Σ_j w_j ∂_τΨ_j` for a global `τ` (theory X4); all are divided by `D*`.
//!
//! ```text
//! gate EXPRESSION                      g(x; ω[, τ]), in the place of e^{ωᵀx}
//! expert EXPRESSION                    h(x; η)
//! global NAME=NUMBER                   for each parameter that all atoms share
//! atom WEIGHT NAME=NUMBER …            a true atom: its weight w_j = e^{β_j}, an expression without names, and its parameters
//! overfitted CELL …                    numbers of atoms, from 1, ascending
//! ```

use std::collections::BTreeMap;

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer, place};
use super::flat::{AtomText, is_translation, parameters, read_truth};
use super::jet::{Jet, Jets};
use super::span::inputs;
use crate::symbolic::{Expression, divide, is_input, parse};
use dashu_ratio::RBig;

/// A mixture and the cells that are fitted by more than one atom.
#[derive(Clone, Debug)]
pub(crate) struct Mixture {
    pub(crate) gate: String,
    pub(crate) expert: String,
    pub(crate) global: BTreeMap<String, RBig>,
    pub(crate) truth: Vec<AtomText>,
    pub(crate) overfitted: Vec<usize>,
}

impl Mixture {
    /// With the names of an atom's own parameters and the number of inputs.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<(Self, Vec<String>, usize), CertificateError> {
        let (gate, g) = reader.expression("gate", "gate EXPRESSION")?;
        let (expert, h) = reader.expression("expert", "expert EXPRESSION")?;
        let mut names = parameters([&g, &h]);
        let allowed = "global NAME=NUMBER, for parameters that are no atom's own, each once";
        let mut global = BTreeMap::new();
        while reader.is_next("global") {
            let words = reader.words("global", allowed)?;
            let [word] = words[..] else { return Err(reader.malformed(allowed)) };
            let (name, number) = word.split_once('=').ok_or_else(|| reader.malformed(allowed))?;
            if !names.iter().any(|known| known == name) {
                return Err(reader.malformed(allowed));
            }
            // No second value, and none of an atom.
            names.retain(|known| known != name);
            global.insert(name.to_string(), reader.exact(&[number], allowed)?);
        }
        let truth = read_truth(reader, &names)?;
        let allowed = "overfitted CELL …, numbers of atoms, ascending";
        let words = reader.words("overfitted", allowed)?;
        let overfitted = words.iter().map(|word| place(word, truth.len())).collect::<Option<Vec<usize>>>();
        let overfitted = overfitted.filter(|cells| cells.windows(2).all(|pair| pair[0] < pair[1]));
        let overfitted = overfitted.ok_or_else(|| reader.malformed(allowed))?;
        Ok((Self { gate, expert, global, truth, overfitted }, names, inputs([&g, &h].into_iter()).len()))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.line(format_args!("gate {}", self.gate));
        writer.line(format_args!("expert {}", self.expert));
        self.global.iter().for_each(|(name, value)| writer.line(format_args!("global {name}={value}")));
        self.truth.iter().for_each(|atom| writer.line(format_args!("atom {}", atom.line())));
        let cells: Vec<String> = self.overfitted.iter().map(|cell| (cell + 1).to_string()).collect();
        writer.line(format_args!("overfitted {}", cells.join(" ")));
    }
}

/// The functions of the test at a point, over `D*`; unbounded where they have no value.
pub(crate) struct Values {
    /// Those whose integrals are to vanish.
    pub(crate) first: Vec<Ball>,
    /// The second derivatives of each over-fitted cell, by rows.
    pub(crate) second: Vec<Vec<Vec<Ball>>>,
}

impl Values {
    /// Whether every function has a value.
    pub(super) fn are_bounded(&self) -> bool {
        self.first.iter().chain(self.second.iter().flatten().flatten()).all(|value| value.ends().is_some())
    }
}

/// The functions of the test, parsed.
pub(crate) struct Functions {
    coordinates: Vec<String>,
    parameters: Vec<String>,
    globals: Vec<String>,
    gate: Expression,
    expert: Expression,
    jets: Jets,
    atoms: Vec<(Ball, BTreeMap<String, Ball>)>,
    overfitted: Vec<usize>,
    /// Whether the gate's slope by this parameter is a factor of its inputs alone.
    translations: Vec<bool>,
    precision: usize,
}

impl Functions {
    pub(crate) fn new(mixture: &Mixture, precision: usize) -> Result<Self, String> {
        // Every divisor is one of parameters alone, and not zero.
        let read = |text: &String| -> Result<Expression, String> {
            let expression = parse(text).map_err(|error| format!("{text}: {error}"))?;
            divide(&expression).map_err(|error| format!("{text}: {error}"))?;
            Ok(expression)
        };
        let (gate, expert) = (read(&mixture.gate)?, read(&mixture.expert)?);
        let globals: Vec<String> = mixture.global.keys().cloned().collect();
        let known: Vec<String> = gate.names().into_iter().chain(expert.names()).collect();
        if let Some(other) = globals.iter().find(|name| is_input(name) || !known.contains(name)) {
            return Err(format!("{other} is no parameter that could be shared"));
        }
        let mut parameters = parameters([&gate, &expert]);
        parameters.retain(|name| !globals.contains(name));
        let exact = |value: &RBig| Ball::rational(value.numerator(), value.denominator(), precision);
        let constant = |text: &String| -> Result<Ball, String> {
            let jet = Jets::new(0, 0, precision).evaluate(&read(text)?, &BTreeMap::new());
            jet.and_then(|jet| jet.into_iter().next()).ok_or_else(|| format!("{text}: a number is needed"))
        };
        let mut atoms = Vec::new();
        for atom in &mixture.truth {
            let weight = constant(&atom.weight)?;
            if weight.sign() != Some(true) {
                return Err(format!("the weight {} is not positive", atom.weight));
            }
            if let Some(name) = parameters.iter().find(|name| !atom.parameters.contains_key(*name)) {
                return Err(format!("an atom has no {name}"));
            }
            let mut values: BTreeMap<String, Ball> = atom
                .parameters
                .iter()
                .map(|(name, text)| Ok((name.clone(), constant(text)?)))
                .collect::<Result<_, String>>()?;
            values.extend(mixture.global.iter().map(|(name, value)| (name.clone(), exact(value))));
            atoms.push((weight, values));
        }
        // Their functions are the same: no precision tells them apart.
        let mut pairs = (0..atoms.len()).flat_map(|l| (0..l).map(move |k| (k, l)));
        if let Some((k, l)) = pairs.find(|(k, l)| mixture.truth[*k].parameters == mixture.truth[*l].parameters) {
            return Err(format!("atoms {} and {} are equal, so the equalities are a singular system", k + 1, l + 1));
        }
        let ascending = mixture.overfitted.windows(2).all(|pair| pair[0] < pair[1]);
        if mixture.overfitted.is_empty() || !ascending || mixture.overfitted.iter().any(|cell| *cell >= atoms.len()) {
            return Err("the over-fitted cells are none of the atoms', or not ascending".into());
        }
        let translations =
            parameters.iter().map(|name| is_translation(&gate, &expert, &globals, name)).collect::<Result<_, _>>()?;
        Ok(Self {
            coordinates: inputs([&gate, &expert].into_iter()),
            jets: Jets::new(parameters.len() + globals.len(), 2, precision),
            overfitted: mixture.overfitted.clone(),
            parameters,
            globals,
            gate,
            expert,
            atoms,
            translations,
            precision,
        })
    }

    /// Names of the parameters of an atom, in the order of derivatives.
    pub(crate) fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// The true atoms: their weights and their parameters' values.
    pub(crate) fn atoms(&self) -> &[(Ball, BTreeMap<String, Ball>)] {
        &self.atoms
    }

    /// How many cells are over-fitted.
    pub(super) fn cells(&self) -> usize {
        self.overfitted.len()
    }

    pub(super) fn precision(&self) -> usize {
        self.precision
    }

    /// How many equalities there are.
    pub(crate) fn equalities(&self) -> usize {
        let dependent = 1 + self.translations.iter().filter(|is| **is).count();
        self.atoms.len() * (1 + self.parameters.len()) - dependent + self.globals.len()
    }

    pub(crate) fn at(&self, point: &[RBig]) -> Result<Values, String> {
        if point.len() != self.coordinates.len() {
            return Err(format!(
                "a point has {} coordinates, the functions {} inputs",
                point.len(),
                self.coordinates.len()
            ));
        }
        let precision = self.precision;
        let coordinates: Vec<(&String, Jet)> = self
            .coordinates
            .iter()
            .zip(point.iter().map(|x| Ball::rational(x.numerator(), x.denominator(), precision)))
            .map(|(name, x)| (name, self.jets.constant(x)))
            .collect();
        let zero = || Ball::integer(0, precision);
        let variables: Vec<&String> = self.parameters.iter().chain(&self.globals).collect();
        // Gate and expert of each atom, once.
        let (mut numerator, mut denominator, mut parts) = (zero(), zero(), Vec::new());
        for (weight, known) in &self.atoms {
            let variable =
                |(k, name): (usize, &&String)| ((*name).clone(), self.jets.parameter(k, known[*name].clone()));
            let mut symbols: BTreeMap<String, Jet> = variables.iter().enumerate().map(variable).collect();
            symbols.extend(coordinates.iter().map(|(name, x)| ((*name).clone(), x.clone())));
            let of = |part| self.jets.evaluate(part, &symbols).ok_or_else(|| "a symbol has no value".to_string());
            let (gate, expert) = (of(&self.gate)?, of(&self.expert)?);
            let own = gate[0].clone() * weight;
            numerator = numerator + own.clone() * &expert[0];
            denominator = denominator + own;
            parts.push((weight, gate, expert));
        }
        let fixed = numerator / &denominator;
        let unit = |of: &[usize]| -> Vec<u32> {
            (0..variables.len()).map(|k| of.iter().filter(|n| **n == k).count() as u32).collect()
        };
        let mut values = Values { first: Vec::new(), second: Vec::new() };
        let mut shared = vec![zero(); self.globals.len()];
        for (number, (weight, gate, expert)) in parts.into_iter().enumerate() {
            let jet = self.jets.times_difference(&gate, &expert, &fixed);
            let derivative = |of: &[usize]| -> Result<Ball, String> {
                let value = self.jets.derivative(&jet, &unit(of)).ok_or("a derivative beyond the order")?;
                Ok(value / &denominator)
            };
            let last = number + 1 == self.atoms.len();
            if !last {
                values.first.push(derivative(&[])?);
            }
            for k in (0..self.parameters.len()).filter(|k| !(last && self.translations[*k])) {
                values.first.push(derivative(&[k])?);
            }
            for (k, sum) in shared.iter_mut().enumerate() {
                *sum = std::mem::replace(sum, zero()) + derivative(&[self.parameters.len() + k])? * weight;
            }
            if self.overfitted.contains(&number) {
                // Symmetric: what is below the diagonal, and its mirror image.
                let n = self.parameters.len();
                let lower = (0..n).map(|k| (0..=k).map(|l| derivative(&[k, l])).collect::<Result<Vec<_>, _>>());
                let lower: Vec<Vec<Ball>> = lower.collect::<Result<_, _>>()?;
                let entry = |k: usize, l: usize| lower[k.max(l)][k.min(l)].clone();
                values.second.push((0..n).map(|k| (0..n).map(|l| entry(k, l)).collect()).collect());
            }
        }
        values.first.extend(shared);
        Ok(values)
    }
}

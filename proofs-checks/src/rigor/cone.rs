//! The certificate `cone`: the Voronoi bound of over-fitted softmax mixtures holds near a true mixture, with a constant.
//!
//! ```text
//! claim cone
//! gate EXPRESSION                      g(x; ω[, τ]), in the place of e^{ωᵀx}
//! expert EXPRESSION                    h(x; η)
//! global NAME=NUMBER                   for each parameter that all atoms share
//! atom WEIGHT NAME=NUMBER …            a true atom: its weight w_j = e^{β_j}, an expression without names, and its parameters
//! overfitted CELL …
//! lambda NUMBER
//! precision P
//! point NUMBER … WEIGHT                an input and its mass
//! basic NUMBER …                       an input whose mass follows from the equalities
//! total LOW HIGH                       enclosure of the total variation
//! pivot CELL K LOW HIGH                enclosures of the pivots
//! constant LOW HIGH                    enclosure of the constant of L1
//! ```
//!
//! or, where the claim is false, `curve` and `fitted` lines in the place of `lambda` and what follows: a flat curve as in the certificate `flat`.
//!
//! # What it proves
//!
//! In the notation of theory B4 and X4: `Ψ_j(x; θ) = g(x; θ)(h(x; θ) − f*(x))` with `f*` held fixed, `D* = Σ_j w_j g_j`, and `T = Σ_j w_j ∂_τΨ_j` for a global `τ`. The measure `ν` with the masses of the certificate has
//!
//! ```text
//! ∫Ψ_j/D* dν = 0,   ∫∂Ψ_j/D* dν = 0 for all j,   ∫T/D* dν = 0,   ∫∂²Ψ_j/D* dν ⪰ λ|ν| I on every over-fitted cell,  |ν| its total variation
//! ```
//!
//! Integrating `D_G(f_G − f*)/D* ≈ Σ_j {m0_jΨ_j + ⟨m1_j, ∂Ψ_j⟩ + ½⟨M2_j, ∂²Ψ_j⟩}/D* + Δτ T/D*` against it leaves `½ Σ ⟨M2_j, ∫∂²Ψ_j/D* dν⟩ ≥ ½ λ|ν| Σ tr M2_j` (`M2_j ⪰ 0`): so `Σ_j tr M2_j ≤ (2/λ) sup |D_G(f_G − f*)/D*| + o(L1)` over the points, the sums over over-fitted cells.
//!
//! *Equalities.* `Σ_j w_jΨ_j = Σ_j w_j g_j h_j − f* Σ_j w_j g_j = 0` identically; and for a parameter `u` of the gate with `∂_u g(θ) g(θ') = g(θ) ∂_u g(θ')` (checked by normalising the difference to zero) `∂_u g = q(x) g`, so `Σ_j w_j ∂_uΨ_j = q Σ_j w_jΨ_j = 0`. So the equalities of the last atom's value and of its derivatives by
//! such parameters follow from the others. The rest form a linear system for the masses of the basic points, square, which is solved in enclosures by elimination: as no pivot's enclosure holds zero there is exactly one solution, and it is enclosed.
//!
//! *The constant of L1.* Norms are maxima over the points of the certificate. The above is `‖·‖ ≥ v t`, `v = λ/2`, `t = Σ tr M2_j`. The first-order functions of the equalities at the basic points are a square matrix `F`; `|m| ≤ ‖F⁻¹‖ √q max |Fm|` makes `‖Σ m·first‖ ≥ s|m|`, `s = 1/(√q ‖F⁻¹‖_F)`, and
//! `½‖⟨M2, ∂²Ψ/D*⟩‖ ≤ b t` with `b` half of the largest Frobenius norm of `∂²Ψ_j/D*` at a point. So the norm is at least `max(vt, s|m| − bt) ≥ vs/(v + s + b) (|m| + t)`, `m` the coordinates of the equalities (modulo translation: the last atom's value and slopes are pinned).
//!
//! *Inequality.* The symmetric matrix `∫∂²Ψ_j/D* dν − λ|ν|I` is positive definite if the pivots of its elimination without exchange are positive; they are enclosed.

use std::collections::BTreeMap;

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer, ends};
use super::flat::{AtomText, Flat, is_translation, read_fitted, read_truth, write_fitted};
use super::jet::{Jet, Jets};
use super::recheck::{Accepted, PRECISIONS};
use super::span::{inputs, pivot};
use crate::symbolic::{Expression, is_input, parse};
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

/// A signed measure of which some masses follow from the equalities.
#[derive(Clone, Debug)]
pub(crate) struct Measure {
    pub(crate) lambda: RBig,
    pub(crate) precision: usize,
    pub(crate) points: Vec<(Vec<RBig>, RBig)>,
    pub(crate) basic: Vec<Vec<RBig>>,
}

/// What is offered for the claim, or against it.
#[derive(Clone, Debug)]
pub(crate) enum Offer {
    Measure(Measure),
    /// The parameter of the curve, and the fitted atoms with their cells.
    Counterexample(String, Vec<(usize, AtomText)>),
}

/// What a certificate states as data.
#[derive(Clone, Debug)]
pub(crate) struct Cone {
    pub(crate) mixture: Mixture,
    pub(crate) offer: Offer,
}

/// The functions of the test at a point, over `D*`.
pub(crate) struct Values {
    /// Those whose integrals are to vanish.
    pub(crate) first: Vec<Ball>,
    /// The second derivatives of each over-fitted cell, by rows.
    pub(crate) second: Vec<Vec<Vec<Ball>>>,
}

/// The functions of the test, parsed.
pub(crate) struct Functions {
    coordinates: Vec<String>,
    parameters: Vec<String>,
    globals: Vec<String>,
    gate: Expression,
    expert: Expression,
    /// `g·(h − f*)`, `f*` a symbol that no text can name.
    difference: Expression,
    jets: Jets,
    atoms: Vec<(Ball, BTreeMap<String, Ball>)>,
    overfitted: Vec<usize>,
    /// Whether the gate's slope by this parameter is a factor of its inputs alone.
    translations: Vec<bool>,
    precision: usize,
}

const FIXED: &str = "f*";

impl Functions {
    pub(crate) fn new(mixture: &Mixture, precision: usize) -> Result<Self, String> {
        let read = |text: &String| parse(text).map_err(|error| format!("{text}: {error}"));
        let (gate, expert) = (read(&mixture.gate)?, read(&mixture.expert)?);
        let globals: Vec<String> = mixture.global.keys().cloned().collect();
        let known: Vec<String> = gate.names().into_iter().chain(expert.names()).collect();
        if let Some(other) = globals.iter().find(|name| is_input(name) || !known.contains(name)) {
            return Err(format!("{other} is no parameter that could be shared"));
        }
        let own = |name: &String| !is_input(name) && !globals.contains(name);
        let mut parameters: Vec<String> = gate.names().into_iter().chain(expert.names()).filter(own).collect();
        parameters.sort_unstable();
        parameters.dedup();
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
        let ascending = mixture.overfitted.windows(2).all(|pair| pair[0] < pair[1]);
        if mixture.overfitted.is_empty() || !ascending || mixture.overfitted.iter().any(|cell| *cell >= atoms.len()) {
            return Err("the over-fitted cells are none of the atoms', or not ascending".into());
        }
        let translations =
            parameters.iter().map(|name| is_translation(&gate, &expert, &globals, name)).collect::<Result<_, _>>()?;
        let difference = gate.clone().times(expert.clone().minus(Expression::symbol(FIXED)));
        Ok(Self {
            coordinates: inputs([&gate, &expert].into_iter()),
            jets: Jets::new(parameters.len() + globals.len(), 2, precision),
            overfitted: mixture.overfitted.clone(),
            parameters,
            globals,
            gate,
            expert,
            difference,
            atoms,
            translations,
            precision,
        })
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
        let plain = Jets::new(0, 0, precision);
        let coordinates: Vec<(&String, Ball)> = self
            .coordinates
            .iter()
            .zip(point.iter().map(|x| Ball::rational(x.numerator(), x.denominator(), precision)))
            .collect();
        let zero = || Ball::integer(0, precision);
        let (mut numerator, mut denominator) = (zero(), zero());
        let missing = || "a symbol has no value".to_string();
        for (weight, values) in &self.atoms {
            let mut symbols: BTreeMap<String, Jet> =
                values.iter().map(|(name, v)| (name.clone(), vec![v.clone()])).collect();
            symbols.extend(coordinates.iter().map(|(name, x)| ((*name).clone(), vec![x.clone()])));
            let gate = plain.evaluate(&self.gate, &symbols).ok_or_else(missing)?.swap_remove(0) * weight;
            let expert = plain.evaluate(&self.expert, &symbols).ok_or_else(missing)?.swap_remove(0);
            numerator = numerator + gate.clone() * expert;
            denominator = denominator + gate;
        }
        let fixed = numerator / &denominator;
        let variables: Vec<&String> = self.parameters.iter().chain(&self.globals).collect();
        let unit = |of: &[usize]| -> Vec<u32> {
            (0..variables.len()).map(|k| of.iter().filter(|n| **n == k).count() as u32).collect()
        };
        let mut values = Values { first: Vec::new(), second: Vec::new() };
        let mut shared = vec![zero(); self.globals.len()];
        for (number, (weight, known)) in self.atoms.iter().enumerate() {
            let mut symbols: BTreeMap<String, Jet> = variables
                .iter()
                .enumerate()
                .map(|(k, name)| ((*name).clone(), self.jets.parameter(k, known[*name].clone())))
                .collect();
            symbols.extend(coordinates.iter().map(|(name, x)| ((*name).clone(), self.jets.constant(x.clone()))));
            symbols.insert(FIXED.into(), self.jets.constant(fixed.clone()));
            let jet = self.jets.evaluate(&self.difference, &symbols).ok_or_else(missing)?;
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
                let n = self.parameters.len();
                let rows = (0..n).map(|k| (0..n).map(|l| derivative(&[k, l])).collect::<Result<Vec<_>, _>>());
                values.second.push(rows.collect::<Result<_, _>>()?);
            }
        }
        values.first.extend(shared);
        Ok(values)
    }
}

/// What the measure gives: the total variation, and for each over-fitted cell the pivots.
struct Outcome {
    total: Ball,
    pivots: Vec<Vec<Ball>>,
    constant: Ball,
}

impl Cone {
    /// The certificate: `None` where the offer is not one that can be written.
    pub(crate) fn certificate(&self) -> Option<String> {
        match &self.offer {
            Offer::Measure(measure) => Some(self.text(Some(&self.outcome(measure).ok()?))),
            Offer::Counterexample(..) => Some(self.text(None)),
        }
    }

    /// The constant of L1, from below, where the claim is decided for it.
    pub(crate) fn constant(&self) -> Option<f64> {
        let Offer::Measure(measure) = &self.offer else { return None };
        self.decide().ok()?;
        self.outcome(measure).ok()?.constant.outer().map(|[low, _]| low)
    }

    /// Whether the claim is decided against it.
    pub(crate) fn is_refuted(&self) -> bool {
        matches!(self.decide(), Err(CertificateError::False { .. }))
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CertificateError> {
        let gate = reader.words("gate", "gate EXPRESSION")?.join(" ");
        let expert = reader.words("expert", "expert EXPRESSION")?.join(" ");
        let mut global = BTreeMap::new();
        while reader.is_next("global") {
            let words = reader.words("global", "global NAME=NUMBER")?;
            let [word] = words[..] else { return Err(reader.malformed("global NAME=NUMBER")) };
            let (name, number) = word.split_once('=').ok_or_else(|| reader.malformed("global NAME=NUMBER"))?;
            global.insert(name.to_string(), reader.exact(&[number], "global NAME=NUMBER")?);
        }
        let truth = read_truth(reader)?;
        let allowed = "overfitted CELL …";
        let cells = reader.words("overfitted", allowed)?.into_iter().map(|word| word.parse().ok());
        let overfitted = cells.collect::<Option<Vec<usize>>>().ok_or_else(|| reader.malformed(allowed))?;
        let mixture = Mixture { gate, expert, global, truth, overfitted };
        if reader.is_next("curve") {
            let curve = reader.words("curve", "curve NAME")?.join(" ");
            let offer = Offer::Counterexample(curve, read_fitted(reader)?);
            return Ok(Self { mixture, offer });
        }
        let words = reader.words("lambda", "lambda NUMBER")?;
        let lambda = reader.exact(&words, "lambda NUMBER")?;
        let precision = reader.integer("precision", PRECISIONS, "precision 64 … 4096")?;
        let (mut points, mut basic) = (Vec::new(), Vec::new());
        while reader.is_next("point") {
            let mut numbers = reader.rationals("point")?;
            let mass = numbers.pop().ok_or_else(|| reader.malformed("point NUMBER … WEIGHT"))?;
            points.push((numbers, mass));
        }
        while reader.is_next("basic") {
            basic.push(reader.rationals("basic")?);
        }
        Ok(Self { mixture, offer: Offer::Measure(Measure { lambda, precision, points, basic }) })
    }

    fn text(&self, outcome: Option<&Outcome>) -> String {
        let mixture = &self.mixture;
        let mut writer = Writer::new("cone");
        writer.line(format_args!("gate {}", mixture.gate));
        writer.line(format_args!("expert {}", mixture.expert));
        mixture.global.iter().for_each(|(name, value)| writer.line(format_args!("global {name}={value}")));
        mixture.truth.iter().for_each(|atom| writer.line(format_args!("atom {}", atom.line())));
        let cells: Vec<String> = mixture.overfitted.iter().map(usize::to_string).collect();
        writer.line(format_args!("overfitted {}", cells.join(" ")));
        let joined = |point: &[RBig]| point.iter().map(RBig::to_string).collect::<Vec<_>>().join(" ");
        match &self.offer {
            Offer::Counterexample(curve, fitted) => {
                writer.line(format_args!("curve {curve}"));
                write_fitted(&mut writer, fitted);
            }
            Offer::Measure(measure) => {
                writer.line(format_args!("lambda {}", measure.lambda));
                writer.line(format_args!("precision {}", measure.precision));
                for (point, mass) in &measure.points {
                    writer.line(format_args!("point {} {mass}", joined(point)));
                }
                measure.basic.iter().for_each(|point| writer.line(format_args!("basic {}", joined(point))));
            }
        }
        if let Some(outcome) = outcome {
            writer.line(format_args!("total {}", ends(&outcome.total)));
            for (cell, pivots) in mixture.overfitted.iter().zip(&outcome.pivots) {
                for (k, pivot) in pivots.iter().enumerate() {
                    writer.line(format_args!("pivot {cell} {k} {}", ends(pivot)));
                }
            }
            writer.line(format_args!("constant {}", ends(&outcome.constant)));
        }
        writer.finish()
    }

    /// The curve that is offered against the claim; shared parameters are each atom's, and do not move.
    fn flat(&self) -> Option<Flat> {
        let Offer::Counterexample(curve, fitted) = &self.offer else { return None };
        let mixture = &self.mixture;
        let whole = |atom: &AtomText| {
            let shared = mixture.global.iter().map(|(name, value)| (name.clone(), value.to_string()));
            AtomText {
                weight: atom.weight.clone(),
                parameters: atom.parameters.clone().into_iter().chain(shared).collect(),
            }
        };
        Some(Flat {
            gate: mixture.gate.clone(),
            expert: mixture.expert.clone(),
            curve: curve.clone(),
            truth: mixture.truth.iter().map(whole).collect(),
            fitted: fitted.iter().map(|(cell, atom)| (*cell, whole(atom))).collect(),
        })
    }

    fn outcome(&self, measure: &Measure) -> Result<Outcome, CertificateError> {
        let unfounded = |claim: String| CertificateError::Unfounded { claim };
        let undecided = |claim: &str| CertificateError::Undecided { claim: claim.into() };
        let precision = measure.precision;
        let functions = Functions::new(&self.mixture, precision).map_err(unfounded)?;
        let exact = |value: &RBig| Ball::rational(value.numerator(), value.denominator(), precision);
        let zero = || Ball::integer(0, precision);
        let n = functions.equalities();
        if measure.basic.len() != n {
            return Err(unfounded(format!("{} basic points; there are {n} equalities", measure.basic.len())));
        }
        let at = |point: &Vec<RBig>| functions.at(point).map_err(unfounded);
        let basic = measure.basic.iter().map(at).collect::<Result<Vec<Values>, _>>()?;
        let free = measure.points.iter().map(|(point, _)| at(point)).collect::<Result<Vec<Values>, _>>()?;
        let masses: Vec<Ball> = measure.points.iter().map(|(_, mass)| exact(mass)).collect();
        // One row for each equality: the basic points' values and, on the right, minus the integral over the others.
        let system: Vec<Vec<Ball>> = (0..n)
            .map(|row| {
                let right = free.iter().zip(&masses).fold(zero(), |sum, (v, mass)| sum - v.first[row].clone() * mass);
                basic.iter().map(|values| values.first[row].clone()).chain([right]).collect()
            })
            .collect();
        let (mut norms, mut largest) = (zero(), zero());
        for column in 0..n {
            let unit = |row: usize| Ball::integer(i64::from(row == column), precision);
            // Rows are points here: F m = values.
            let square = basic.iter().enumerate().map(|(row, v)| v.first.iter().cloned().chain([unit(row)]).collect());
            let inverse =
                solve(square.collect()).ok_or_else(|| undecided("the first-order functions are independent"))?;
            norms = inverse.iter().fold(norms, |sum, entry| sum + entry.clone() * entry);
        }
        for values in basic.iter().chain(&free) {
            for matrix in &values.second {
                let square = matrix.iter().flatten().fold(zero(), |sum, entry| sum + entry.clone() * entry);
                largest = largest.max(&square);
            }
        }
        let solved = solve(system).ok_or_else(|| undecided("the equalities determine the basic masses"))?;
        let all: Vec<(&Values, &Ball)> = free.iter().zip(&masses).chain(basic.iter().zip(&solved)).collect();
        let total = all.iter().fold(zero(), |sum, (_, mass)| sum + mass.abs());
        let shift = exact(&measure.lambda) * &total;
        let mut pivots = Vec::new();
        for cell in 0..self.mixture.overfitted.len() {
            let size = functions.parameters.len();
            let mut rows: Vec<Vec<Ball>> = (0..size)
                .map(|k| {
                    (0..size)
                        .map(|l| {
                            let start = if k == l { -shift.clone() } else { zero() };
                            all.iter().fold(start, |sum, (v, mass)| sum + v.second[cell][k][l].clone() * *mass)
                        })
                        .collect()
                })
                .collect();
            let mut own = Vec::new();
            for k in 0..size {
                own.push(rows[k][k].clone());
                if rows[k][k].sign() != Some(true) {
                    break;
                }
                let (above, below) = rows.split_at_mut(k + 1);
                for row in below {
                    let factor = row[k].clone() / &above[k][k];
                    for (entry, other) in row.iter_mut().zip(&above[k]).skip(k + 1) {
                        *entry = std::mem::replace(entry, zero()) - factor.clone() * other;
                    }
                }
            }
            pivots.push(own);
        }
        let integer = |value: i64| Ball::integer(value, precision);
        let v = exact(&measure.lambda) / integer(2);
        let s = integer(1) / (norms * integer(n as i64)).sqrt();
        let b = largest.sqrt() / integer(2);
        let constant = v.clone() * &s / (v + s + b);
        Ok(Outcome { total, pivots, constant })
    }

    pub(super) fn decide(&self) -> Result<(Accepted, String), CertificateError> {
        let mixture = &self.mixture;
        let cells: Vec<String> = mixture.overfitted.iter().map(usize::to_string).collect();
        let what = format!(
            "near the mixture of {} atoms with gate {} and expert {}, cells {} over-fitted",
            mixture.truth.len(),
            mixture.gate,
            mixture.expert,
            cells.join(", ")
        );
        match &self.offer {
            Offer::Counterexample(..) => {
                let flat = self.flat().ok_or_else(|| CertificateError::Unfounded { claim: "no curve".into() })?;
                let alone = |cell: usize| flat.fitted.iter().filter(|(of, _)| *of == cell).count() == 1;
                if (0..mixture.truth.len()).any(|cell| !mixture.overfitted.contains(&cell) && !alone(cell)) {
                    return Err(CertificateError::Unfounded { claim: "the curve over-fits another cell".into() });
                }
                match flat.holds() {
                    Ok(None) => {
                        let fitted: Vec<String> =
                            flat.fitted.iter().map(|(cell, atom)| format!("{} in cell {cell}", atom.line())).collect();
                        let claim = format!(
                            "{what}, the function bounds the Voronoi loss; the atoms {} give the same function for every {}",
                            fitted.join("; "),
                            flat.curve
                        );
                        Err(CertificateError::False { claim })
                    }
                    Ok(Some(claim)) | Err(claim) => Err(CertificateError::Unfounded { claim }),
                }
            }
            Offer::Measure(measure) => {
                if measure.lambda <= RBig::ZERO {
                    return Err(CertificateError::Unfounded { claim: "lambda is not positive".into() });
                }
                let outcome = self.outcome(measure)?;
                if outcome.total.ends().is_none()
                    || outcome.pivots.iter().flatten().any(|pivot| pivot.sign() != Some(true))
                {
                    let claim =
                        format!("{what}, the second derivatives integrate to at least {} of the total", measure.lambda);
                    return Err(CertificateError::Undecided { claim });
                }
                let lambda = measure.lambda.to_f64().value();
                let constant = outcome.constant.outer().map_or(0.0, |[low, _]| low);
                let accepted = Accepted {
                    claim: format!(
                        "{what}: Σ tr M2 ≤ (2/λ) sup|D_G(f_G − f*)/D*| + o(L1) with λ = {lambda:?}, and L1 ≤ sup|D_G(f_G − f*)/D*|/(c − o(1)) with c = {constant:?}"
                    ),
                    interval: [lambda; 2],
                    accept: [f64::MIN_POSITIVE, f64::INFINITY],
                    identity: false,
                };
                Ok((accepted, self.text(Some(&outcome))))
            }
        }
    }
}

/// The solution of a square system given with its right side as the last column; `None` where a pivot may be zero.
fn solve(mut rows: Vec<Vec<Ball>>) -> Option<Vec<Ball>> {
    let n = rows.len();
    for column in 0..n {
        let best = pivot(&rows, column)?;
        rows.swap(best, column);
        let (above, below) = rows.split_at_mut(column + 1);
        let row = &above[column];
        for other in below {
            let factor = other[column].clone() / &row[column];
            for k in column + 1..=n {
                let entry = std::mem::replace(&mut other[k], Ball::integer(0, 1));
                other[k] = entry - factor.clone() * &row[k];
            }
        }
    }
    let mut solution: Vec<Ball> = Vec::with_capacity(n);
    for k in (0..n).rev() {
        let known = solution
            .iter()
            .enumerate()
            .fold(rows[k][n].clone(), |sum, (back, value)| sum - rows[k][n - 1 - back].clone() * value);
        solution.push(known / &rows[k][k]);
    }
    solution.reverse();
    Some(solution)
}

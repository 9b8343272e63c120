//! The certificate `cone`: the Voronoi bound of over-fitted softmax mixtures holds near a true mixture, with a constant.
//!
//! ```text
//! claim cone
//! …                                    the mixture and its over-fitted cells, see `mixture`
//! lambda NUMBER
//! precision P
//! point NUMBER … WEIGHT                an input and its mass
//! basic NUMBER …                       an input whose mass follows from the equalities
//! total LOW HIGH                       enclosure of the total variation
//! pivot CELL K LOW HIGH                enclosures of the pivots
//! constant LOW HIGH                    enclosure of the constant of L1
//! ```
//!
//! with a line `atoms 2` before `lambda` where that cell has two atoms and every other one: then what follows is that of `rays`. Or, where the claim is false, `curve` and `fitted` lines in the place of `lambda` and what follows: a flat curve as in the certificate `flat`.
//!
//! # What it proves
//!
//! In the notation of `mixture`: the measure `ν` with the masses of the certificate has
//!
//! ```text
//! ∫Ψ_j/D* dν = 0,   ∫∂Ψ_j/D* dν = 0 for all j,   ∫T/D* dν = 0,   ∫∂²Ψ_j/D* dν ⪰ λ|ν| I on every over-fitted cell,  |ν| its total variation
//! ```
//!
//! Integrating `D_G(f_G − f*)/D* ≈ Σ_j {m0_jΨ_j + ⟨m1_j, ∂Ψ_j⟩ + ½⟨M2_j, ∂²Ψ_j⟩}/D* + Δτ T/D*` against it leaves `½ Σ ⟨M2_j, ∫∂²Ψ_j/D* dν⟩ ≥ ½ λ|ν| Σ tr M2_j` (`M2_j ⪰ 0`): so `Σ_j tr M2_j ≤ (2/λ) sup |D_G(f_G − f*)/D*| + o(L1)` over the points, the sums over over-fitted cells.
//!
//! The expansion is that of atoms near the true ones: the claim is for mixtures whose atoms all tend to true ones as `L1 → 0`. An atom far away whose weight tends to zero has a small `L1` too and is outside of it.
//!
//! *Inequality.* The symmetric matrix `∫∂²Ψ_j/D* dν − λ|ν|I` is positive definite exactly if the pivots of its elimination without exchange are positive; they are enclosed. Where one after positive ones is certainly not, the measure does not give this `λ`.

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer, ends};
use super::flat::{AtomText, Flat, read_fitted, write_fitted};
use super::mixture::{Functions, Mixture};
use super::rays::Rays;
use super::recheck::{Accepted, PRECISIONS};
use dashu_ratio::RBig;

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
    /// For cells of two atoms.
    Rays(Rays),
    /// The parameter of the curve, and the fitted atoms with their cells.
    Counterexample(String, Vec<(usize, AtomText)>),
}

/// What a certificate states as data.
#[derive(Clone, Debug)]
pub(crate) struct Cone {
    pub(crate) mixture: Mixture,
    /// Whether the over-fitted cell has two atoms, no more.
    pub(crate) two: bool,
    pub(crate) offer: Offer,
}

/// What the measure gives: the total variation, and for each over-fitted cell the pivots.
struct Outcome {
    total: Ball,
    pivots: Vec<Vec<Ball>>,
    constant: Ball,
}

impl Cone {
    /// The certificate against the claim, where the curve that is offered decides it so.
    pub(crate) fn refuted(&self) -> Option<String> {
        let Offer::Counterexample(curve, fitted) = &self.offer else { return None };
        matches!(self.proved(), Err(CertificateError::False { .. })).then(|| self.text_of_curve(curve, fitted))
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CertificateError> {
        let (mixture, names, inputs) = Mixture::read(reader)?;
        let two = reader.is_next("atoms") && reader.integer("atoms", 2..=2, "atoms 2")? == 2;
        if reader.is_next("curve") {
            let curve = reader.parameter("curve", "curve NAME")?;
            let offer = Offer::Counterexample(curve, read_fitted(reader, mixture.truth.len(), &names)?);
            reader.rest(&[], "fitted, checksum SUM and the end")?;
            return Ok(Self { mixture, two, offer });
        }
        if two {
            return Ok(Self { mixture, two, offer: Offer::Rays(Rays::read(reader, inputs)?) });
        }
        let words = reader.words("lambda", "lambda NUMBER")?;
        let lambda = reader.exact(&words, "lambda NUMBER")?;
        let precision = reader.integer("precision", PRECISIONS, "precision 64 … 4096")?;
        let (mut points, mut basic) = (Vec::new(), Vec::new());
        while reader.is_next("point") {
            let mut numbers = reader.rationals("point", inputs + 1)?;
            let mass = numbers.pop().ok_or_else(|| reader.malformed("point NUMBER … WEIGHT"))?;
            points.push((numbers, mass));
        }
        while reader.is_next("basic") {
            basic.push(reader.rationals("basic", inputs)?);
        }
        reader.rest(
            &["total", "pivot", "constant"],
            "point, basic, total LOW HIGH, pivot CELL K LOW HIGH, constant LOW HIGH, checksum SUM and the end",
        )?;
        Ok(Self { mixture, two, offer: Offer::Measure(Measure { lambda, precision, points, basic }) })
    }

    fn header(&self) -> Writer {
        let mut writer = Writer::new("cone");
        self.mixture.write(&mut writer);
        if self.two {
            writer.line(format_args!("atoms 2"));
        }
        writer
    }

    fn text_of_curve(&self, curve: &str, fitted: &[(usize, AtomText)]) -> String {
        let mut writer = self.header();
        writer.line(format_args!("curve {curve}"));
        write_fitted(&mut writer, fitted);
        writer.finish()
    }

    fn text_of_measure(&self, measure: &Measure, outcome: &Outcome) -> String {
        let mut writer = self.header();
        let joined = |point: &[RBig]| point.iter().map(RBig::to_string).collect::<Vec<_>>().join(" ");
        writer.line(format_args!("lambda {}", measure.lambda));
        writer.line(format_args!("precision {}", measure.precision));
        for (point, mass) in &measure.points {
            writer.line(format_args!("point {} {mass}", joined(point)));
        }
        measure.basic.iter().for_each(|point| writer.line(format_args!("basic {}", joined(point))));
        writer.line(format_args!("total {}", ends(&outcome.total)));
        for (cell, pivots) in self.mixture.overfitted.iter().zip(&outcome.pivots) {
            for (k, pivot) in pivots.iter().enumerate() {
                writer.line(format_args!("pivot {} {} {}", cell + 1, k + 1, ends(pivot)));
            }
        }
        writer.line(format_args!("constant {}", ends(&outcome.constant)));
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
        let precision = measure.precision;
        let functions = Functions::new(&self.mixture, precision).map_err(unfounded)?;
        let points: Vec<_> = measure.points.iter().map(|(point, mass)| (point.clone(), vec![mass.clone()])).collect();
        let mut integrals = functions.integrals(&points, &measure.basic)?;
        let (Some(total), Some(second)) = (integrals.totals.pop(), integrals.second.pop()) else {
            return Err(unfounded("no measure".into()));
        };
        let lambda = Ball::rational(measure.lambda.numerator(), measure.lambda.denominator(), precision);
        let shift = lambda.clone() * &total;
        let mut pivots = Vec::new();
        for mut rows in second {
            let size = rows.len();
            for (k, row) in rows.iter_mut().enumerate() {
                row[k] = row[k].clone() - &shift;
            }
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
                        *entry = std::mem::replace(entry, Ball::integer(0, 1)) - factor.clone() * other;
                    }
                }
            }
            pivots.push(own);
        }
        let constant = integrals.constant(lambda);
        Ok(Outcome { total, pivots, constant })
    }

    fn what(&self) -> String {
        let cells: Vec<String> = self.mixture.overfitted.iter().map(|cell| (cell + 1).to_string()).collect();
        format!(
            "for atoms near those of the mixture of {} atoms with gate {} and expert {}, modulo translation, over the points of the certificate, cells {} {}",
            self.mixture.truth.len(),
            self.mixture.gate,
            self.mixture.expert,
            cells.join(", "),
            if self.two { "with two atoms" } else { "over-fitted" }
        )
    }

    pub(super) fn decide(&self) -> Result<(Accepted, String), CertificateError> {
        let ([lambda, constant], text) = self.proved()?;
        if !(lambda >= f64::MIN_POSITIVE && constant >= f64::MIN_POSITIVE) {
            return Err(CertificateError::Undecided { claim: format!("{}: constants of normal size", self.what()) });
        }
        let accepted = Accepted {
            claim: format!(
                "{}: Σ tr M2 ≤ (2/λ) sup|D_G(f_G − f*)/D*| + o(L1) with λ = {lambda:?}, and L1 ≤ sup|D_G(f_G − f*)/D*|/(c − o(1)) with c = {constant:?}",
                self.what()
            ),
            interval: [lambda; 2],
            accept: [f64::MIN_POSITIVE, f64::INFINITY],
            identity: false,
        };
        Ok((accepted, text))
    }

    /// `λ`, the constant of L1 from below, and the certificate.
    pub(crate) fn proved(&self) -> Result<([f64; 2], String), CertificateError> {
        let (mixture, what) = (&self.mixture, self.what());
        // Both from below.
        let constants = |lambda: &RBig, constant: &Ball| {
            let nearest = lambda.to_f64().value();
            let exact = RBig::try_from(nearest).is_ok_and(|value| value == *lambda);
            [if exact { nearest } else { nearest.next_down() }, constant.outer().map_or(0.0, |[low, _]| low)]
        };
        if mixture.truth.iter().all(|atom| atom.parameters.is_empty()) {
            return Err(CertificateError::Unfounded { claim: "the atoms have no parameters".into() });
        }
        match &self.offer {
            Offer::Counterexample(..) => {
                let flat = self.flat().ok_or_else(|| CertificateError::Unfounded { claim: "no curve".into() })?;
                let atoms = |cell: usize| flat.fitted.iter().filter(|(of, _)| *of == cell).count();
                let too_many = |cell: usize| match mixture.overfitted.contains(&cell) {
                    true => self.two && (mixture.overfitted.len() > 1 || atoms(cell) > 2),
                    false => atoms(cell) != 1,
                };
                if (0..mixture.truth.len()).any(too_many) {
                    return Err(CertificateError::Unfounded {
                        claim: "the curve over-fits other cells, or with more atoms".into(),
                    });
                }
                match flat.holds() {
                    Ok(None) => {
                        let line = |(cell, atom): &(usize, AtomText)| format!("{} in cell {}", atom.line(), cell + 1);
                        let fitted: Vec<String> = flat.fitted.iter().map(line).collect();
                        let claim = format!(
                            "{what}, the function bounds the Voronoi loss; the atoms {} give the same function for every {}{}",
                            fitted.join("; "),
                            flat.curve,
                            flat.reservation()
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
                if outcome.pivots.iter().flatten().any(|pivot| pivot.sign() == Some(false) || pivot.is_zero()) {
                    let claim = format!("this measure does not give λ = {}: a pivot is not positive", measure.lambda);
                    return Err(CertificateError::Unfounded { claim });
                }
                if outcome.total.ends().is_none()
                    || outcome.pivots.iter().flatten().any(|pivot| pivot.sign() != Some(true))
                {
                    let claim =
                        format!("{what}, the second derivatives integrate to at least {} of the total", measure.lambda);
                    return Err(CertificateError::Undecided { claim });
                }
                Ok((constants(&measure.lambda, &outcome.constant), self.text_of_measure(measure, &outcome)))
            }
            Offer::Rays(rays) => {
                let forms = rays.decided(mixture)?;
                let mut writer = self.header();
                rays.write(&mut writer, &forms);
                Ok((constants(&rays.lambda, &forms.constant()), writer.finish()))
            }
        }
    }
}

//! From an invisible direction of the second moments to the curve of mixtures along which nothing changes, and to words.
//!
//! Two atoms at `θ* ± s d` of half the weight have the second moment `w s² ddᵀ`. So a direction in which every `M2_j` has rank one, `M2_j = u_ju_jᵀ`, proposes the curve with `d_j ∝ u_j/√w_j`; where `d_j` is a multiple of the atom's own parameters, also its scaling by `e^{±s}` with the weights of a homogeneous expert. The re-checker decides
//! whether the curve is flat: beyond second order the direction does not say.

use super::direction::Direction;
use super::sampled::Sampled;
use crate::rigor::{AtomText, Mixture, is_translation};
use crate::symbolic::parse::parse;
use faer::{Mat, Side};

/// A curve of fitted atoms with their cells, and what happens along it.
pub(super) struct Curve {
    pub(super) fitted: Vec<(usize, AtomText)>,
    pub(super) words: String,
}

/// A part of a matrix that counts as none, and a distance at which two numbers count as the same: the directions come from floats, and a wrong guess is refused.
const SMALL: f64 = 1e-6;
/// Largest denominator of a component of a direction, in units of the largest.
const DENOMINATORS: i64 = 60;
/// Degrees of homogeneous experts.
const DEGREES: std::ops::RangeInclusive<u32> = 1..=4;

/// The curves that a direction proposes.
pub(super) fn curves(mixture: &Mixture, sampled: &Sampled, direction: &Direction) -> Vec<Curve> {
    let support = &direction.support;
    let Some(shifts) = shifts(sampled, direction) else { return Vec::new() };
    let names: Vec<&str> = support.parameters.iter().map(|k| &sampled.parameters[*k][..]).collect();
    let cells: Vec<usize> = support.cells.iter().map(|cell| mixture.overfitted[*cell]).collect();
    let numbers: Vec<String> = cells.iter().map(|cell| (cell + 1).to_string()).collect();
    let place = format!("cell{} {}", if cells.len() > 1 { "s" } else { "" }, numbers.join(" and "));
    let split = |halves: &dyn Fn(usize, &AtomText) -> Option<[AtomText; 2]>| -> Option<Vec<(usize, AtomText)>> {
        let mut fitted = Vec::new();
        for (cell, atom) in mixture.truth.iter().enumerate() {
            match cells.iter().position(|own| *own == cell) {
                Some(number) => fitted.extend(halves(number, atom)?.map(|half| (cell, half))),
                None => fitted.push((cell, atom.clone())),
            }
        }
        Some(fitted)
    };
    let moved = |number: usize, atom: &AtomText| -> Option<[AtomText; 2]> {
        let mut halves = ["+", "-"].map(|sign| {
            (sign, AtomText { weight: format!("({})/2", atom.weight), parameters: atom.parameters.clone() })
        });
        for (sign, half) in &mut halves {
            for (name, shift) in names.iter().zip(&shifts[number]) {
                let factor = match fraction(*shift)? {
                    (0, _) => continue,
                    (1, 1) => String::new(),
                    (numerator, denominator) => format!("({numerator}/{denominator})*"),
                };
                half.parameters.entry((*name).into()).and_modify(|value| *value = format!("{value}{sign}{factor}s"));
            }
        }
        Some(halves.map(|(_, half)| half))
    };
    let mut found = Vec::new();
    if let Some(fitted) = split(&moved) {
        let is_shared = || -> Option<bool> {
            let (gate, expert) = (parse(&mixture.gate).ok()?, parse(&mixture.expert).ok()?);
            let globals: Vec<String> = mixture.global.keys().cloned().collect();
            Some(
                cells.len() == mixture.truth.len()
                    && names.len() == 1
                    && is_translation(&gate, &expert, &globals, names[0]).ok()?,
            )
        };
        let words = if is_shared().unwrap_or(false) {
            format!(
                "every gate slope {0} may split by ±c: numerator and denominator share the factor that {0} ± c puts before both",
                names[0]
            )
        } else {
            format!("the atoms of {place} may drift apart in {} with their mean fixed", list(&names))
        };
        found.push(Curve { fitted, words });
    }
    let is_multiple = support.cells.iter().zip(&shifts).all(|(cell, shift)| {
        let own: Vec<f64> = support.parameters.iter().map(|k| sampled.atoms[*cell].1[*k]).collect();
        let [square, product, other] = [(&own, &own), (&own, shift), (shift, shift)]
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>());
        product * product >= (1.0 - SMALL) * square * other && product != 0.0
    });
    if is_multiple {
        for degree in DEGREES {
            let scaled = |_: usize, atom: &AtomText| {
                let large = format!("({})*sigmoid({degree}*s)", atom.weight);
                Some([("exp(s)", format!("exp(-{degree}*s)*{large}")), ("exp(-s)", large)].map(|(factor, weight)| {
                    let mut part = AtomText { weight, parameters: atom.parameters.clone() };
                    for name in &names {
                        part.parameters
                            .entry((*name).into())
                            .and_modify(|value| *value = format!("{factor}*({value})"));
                    }
                    part
                }))
            };
            let words = format!(
                "the atoms of {place} may be scaled apart in {}, in which the expert is homogeneous of degree {degree}",
                list(&names)
            );
            found.extend(split(&scaled).map(|fitted| Curve { fitted, words }));
        }
    }
    found
}

/// A direction of which no curve is known, in words.
pub(super) fn described(mixture: &Mixture, sampled: &Sampled, direction: &Direction) -> String {
    let names: Vec<&str> = direction.support.parameters.iter().map(|k| &sampled.parameters[*k][..]).collect();
    let cells = direction.support.cells.iter().zip(&direction.moments).map(|(cell, moment)| {
        let n = moment.nrows();
        let largest = (0..n).fold(0.0_f64, |largest, k| largest.max(moment[(k, k)]));
        let row = |k| (0..n).map(|l| format!("{:.3}", moment[(k, l)] / largest + 0.0)).collect::<Vec<_>>().join(" ");
        let rows: Vec<String> = (0..n).map(row).collect();
        let rank = eigen(moment).map_or(n, |(values, _)| values.iter().filter(|v| **v > SMALL * values[n - 1]).count());
        let atoms = rank + 1;
        format!(
            "cell {}: ({}), of rank {rank}, which takes {atoms} atoms",
            mixture.overfitted[*cell] + 1,
            rows.join("; ")
        )
    });
    format!("to second order invisible in {}: M2 of {}", list(&names), cells.collect::<Vec<_>>().join(", of "))
}

fn list(names: &[&str]) -> String {
    if let [name] = names { (*name).into() } else { format!("({})", names.join(", ")) }
}

/// Eigenvalues, ascending, and the vector of the last.
fn eigen(moment: &Mat<f64>) -> Option<(Vec<f64>, Vec<f64>)> {
    let n = moment.nrows();
    let eigen = moment.self_adjoint_eigen(Side::Lower).ok()?;
    Some(((0..n).map(|k| eigen.S()[k]).collect(), (0..n).map(|k| eigen.U()[(k, n - 1)]).collect()))
}

/// `d_j` of every cell in units of the largest component of all; `None` where a moment is not of rank one.
fn shifts(sampled: &Sampled, direction: &Direction) -> Option<Vec<Vec<f64>>> {
    let mut shifts = Vec::new();
    for (cell, moment) in direction.support.cells.iter().zip(&direction.moments) {
        let (values, vector) = eigen(moment)?;
        let (last, others) = values.split_last()?;
        if *last <= 0.0 || others.iter().any(|value| *value > SMALL * last) {
            return None;
        }
        // The sign that makes the first component of size positive: ±s has both.
        let sign = vector.iter().find(|x| x.abs() > SMALL)?.signum();
        shifts.push(vector.iter().map(|x| sign * x * (last / sampled.atoms[*cell].0).sqrt()).collect::<Vec<f64>>());
    }
    let largest = shifts.iter().flatten().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    shifts.iter_mut().flatten().for_each(|x| *x /= largest);
    Some(shifts)
}

/// The fraction with the smallest denominator near a number of magnitude at most one.
fn fraction(x: f64) -> Option<(i64, i64)> {
    (1..=DENOMINATORS).find_map(|denominator| {
        let numerator = (x * denominator as f64).round();
        ((numerator / denominator as f64 - x).abs() < SMALL).then_some((numerator as i64, denominator))
    })
}

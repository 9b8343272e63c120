//! Measures for over-fitted cells of two atoms: what a `cone` certificate offers where the second moments have rank one.
//!
//! ```text
//! lambda NUMBER
//! precision P
//! measures N
//! point NUMBER … MASS …                an input and its mass in each measure
//! basic NUMBER …                       an input whose masses follow from the equalities
//! face WORD …                          a line for each parameter, see below
//! total I LOW HIGH                     enclosures of the total variations
//! constant LOW HIGH                    enclosure of the constant of L1
//! ```
//!
//! *Rank one.* Let the over-fitted cell have the atoms `θ* + Δ_1, θ* + Δ_2` with weights `w_1, w_2`, and every other cell one atom. With `m1 = w_1Δ_1 + w_2Δ_2`, multiplying out,
//!
//! ```text
//! M2 = w_1Δ_1Δ_1ᵀ + w_2Δ_2Δ_2ᵀ = w_1w_2/(w_1 + w_2) (Δ_1 − Δ_2)(Δ_1 − Δ_2)ᵀ + m1 m1ᵀ/(w_1 + w_2)
//! ```
//!
//! so `M2 = t uuᵀ + O(|m1|²)` with `|u| = 1`, `t = tr M2 − O(|m1|²)`, and `|m1|² = o(L1)`. If for every unit `u` one of the measures has `|uᵀ∫∂²Ψ/D* dν u| ≥ λ|ν|`, integrating against it, as in `cone`, gives `tr M2 ≤ (2/λ) sup |D_G(f_G − f*)/D*| + o(L1)`, and the constant of L1 in the same way.
//! As `f` has only one over-fitted cell, nothing is said of two.
//!
//! *Every direction.* A direction is a multiple of a vector with one component `1`, that of its face, and the others in `[−1, 1]`. The words of a face are the box of the others in preorder: a number halves it along that parameter; `+I` and `−I` claim `±uᵀHu − λ|ν|uᵀu > 0` on it, `H` the integral against measure `I`. With centre `c`,
//! half-widths `r` (zero for the face's own) and `Q = ±H − λ|ν|`: `uᵀQu ≥ cᵀQc − 2 Σ|(Qc)_k| r_k − Σ|Q_kl| r_k r_l`, enclosed.

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer, ends, place};
use super::integral::Integrals;
use super::mixture::{Functions, Mixture};
use super::recheck::PRECISIONS;
use super::region::Region;
use dashu_ratio::RBig;

/// A box of directions, in preorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ray {
    /// Halved along this parameter.
    Split(usize),
    /// Bent by this measure, upwards or downwards.
    Bent(usize, bool),
}

/// What is offered.
#[derive(Clone, Debug)]
pub(crate) struct Rays {
    pub(crate) lambda: RBig,
    pub(crate) precision: usize,
    /// Inputs, with the mass in each measure.
    pub(crate) points: Vec<(Vec<RBig>, Vec<RBig>)>,
    pub(crate) basic: Vec<Vec<RBig>>,
    pub(crate) faces: Vec<Vec<Ray>>,
}

/// Most boxes of a face, and most measures.
const MOST: usize = 100_000;
const MEASURES: usize = 200;

/// The quadratic forms of the measures, and `λ|ν|` of each.
pub(super) struct Forms {
    integrals: Integrals,
    shifts: Vec<Ball>,
    lambda: Ball,
}

impl Forms {
    /// The constant of L1.
    pub(super) fn constant(&self) -> Ball {
        self.integrals.constant(self.lambda.clone())
    }

    /// Whether a measure's form is certainly bent on a box of directions of a face, the box with a side `[1, 1]` there.
    fn is_bent(&self, measure: usize, up: bool, sides: &[[RBig; 2]]) -> bool {
        let Some(matrix) = self.integrals.second.get(measure).and_then(|cells| cells.first()) else { return false };
        let precision = self.lambda.precision();
        let exact = |value: &RBig| Ball::rational(value.numerator(), value.denominator(), precision);
        let half = RBig::from_parts(1.into(), 2u8.into());
        let n = sides.len();
        let (centre, radius): (Vec<Ball>, Vec<Ball>) =
            sides.iter().map(|[low, high]| (exact(&((low + high) * &half)), exact(&((high - low) * &half)))).unzip();
        let zero = || Ball::integer(0, precision);
        let entry = |k: usize, l: usize| {
            let value = if up { matrix[k][l].clone() } else { -matrix[k][l].clone() };
            if k == l { value - &self.shifts[measure] } else { value }
        };
        let two = Ball::integer(2, precision);
        let mut lowest = zero();
        for k in 0..n {
            let mut slope = zero();
            for l in 0..n {
                let entry = entry(k, l);
                lowest = lowest - entry.abs() * &radius[k] * &radius[l];
                slope = slope + entry * &centre[l];
            }
            lowest = lowest + slope.clone() * &centre[k] - slope.abs() * &radius[k] * &two;
        }
        lowest.sign() == Some(true)
    }

    fn covers(&self, parameters: usize, face: usize, tree: &[Ray]) -> Result<(), CertificateError> {
        let unfounded = |claim: &str| CertificateError::Unfounded { claim: claim.into() };
        let mut open = vec![Rays::face(parameters, face)];
        for node in tree {
            let cell = open.pop().ok_or_else(|| unfounded("a face has more words than boxes"))?;
            match *node {
                Ray::Split(side) if side < parameters && side != face => {
                    let [low, high] = Region::halves(&cell, side);
                    open.extend([high, low]);
                }
                Ray::Split(_) => return Err(unfounded("a face is halved along what is no side of it")),
                Ray::Bent(measure, up) if self.is_bent(measure, up, &cell) => {}
                Ray::Bent(measure, _) => {
                    let claim = format!("measure {} sees every direction of a box of face {}", measure + 1, face + 1);
                    return Err(CertificateError::Undecided { claim });
                }
            }
        }
        if open.is_empty() { Ok(()) } else { Err(unfounded("a face leaves directions out")) }
    }
}

impl Rays {
    /// All directions of a face: a cube with the side `[1, 1]` there.
    pub(crate) fn face(parameters: usize, face: usize) -> Vec<[RBig; 2]> {
        let side = |k| if k == face { [RBig::ONE, RBig::ONE] } else { [-RBig::ONE, RBig::ONE] };
        (0..parameters).map(side).collect()
    }

    pub(super) fn read(reader: &mut Reader<'_>, inputs: usize) -> Result<Self, CertificateError> {
        let words = reader.words("lambda", "lambda NUMBER")?;
        let lambda = reader.exact(&words, "lambda NUMBER")?;
        let precision = reader.integer("precision", PRECISIONS, "precision 64 … 4096")?;
        let measures = reader.integer("measures", 1..=MEASURES, "measures 1 … 200")?;
        let (mut points, mut basic, mut faces) = (Vec::new(), Vec::new(), Vec::new());
        while reader.is_next("point") {
            let mut numbers = reader.rationals("point", inputs + measures)?;
            let masses = numbers.split_off(inputs);
            points.push((numbers, masses));
        }
        while reader.is_next("basic") {
            basic.push(reader.rationals("basic", inputs)?);
        }
        let allowed = "face of numbers of parameters, +MEASURE and -MEASURE";
        while reader.is_next("face") {
            let words = reader.words("face", allowed)?;
            let node = |word: &&str| -> Option<Ray> {
                match (word.strip_prefix('+'), word.strip_prefix('-')) {
                    (Some(measure), _) => Some(Ray::Bent(place(measure, measures)?, true)),
                    (_, Some(measure)) => Some(Ray::Bent(place(measure, measures)?, false)),
                    _ => Some(Ray::Split(place(word, usize::MAX)?)),
                }
            };
            let face = words.iter().map(node).collect::<Option<Vec<Ray>>>().filter(|face| face.len() <= MOST);
            faces.push(face.ok_or_else(|| reader.malformed(allowed))?);
        }
        reader.rest(
            &["total", "constant"],
            "point, basic, face, total I LOW HIGH, constant LOW HIGH, checksum SUM and the end",
        )?;
        Ok(Self { lambda, precision, points, basic, faces })
    }

    pub(super) fn write(&self, writer: &mut Writer, forms: &Forms) {
        let joined = |numbers: &[RBig]| numbers.iter().map(RBig::to_string).collect::<Vec<_>>().join(" ");
        writer.line(format_args!("lambda {}", self.lambda));
        writer.line(format_args!("precision {}", self.precision));
        writer.line(format_args!("measures {}", forms.shifts.len()));
        for (point, masses) in &self.points {
            writer.line(format_args!("point {} {}", joined(point), joined(masses)));
        }
        self.basic.iter().for_each(|point| writer.line(format_args!("basic {}", joined(point))));
        for face in &self.faces {
            let words = face.iter().map(|node| match node {
                Ray::Split(side) => (side + 1).to_string(),
                Ray::Bent(measure, up) => format!("{}{}", if *up { '+' } else { '-' }, measure + 1),
            });
            writer.line(format_args!("face {}", words.collect::<Vec<_>>().join(" ")));
        }
        for (measure, total) in forms.integrals.totals.iter().enumerate() {
            writer.line(format_args!("total {} {}", measure + 1, ends(total)));
        }
        writer.line(format_args!("constant {}", ends(&forms.constant())));
    }

    /// The forms, where they see every direction.
    pub(super) fn decided(&self, mixture: &Mixture) -> Result<Forms, CertificateError> {
        let unfounded = |claim: &str| CertificateError::Unfounded { claim: claim.into() };
        if self.lambda <= RBig::ZERO {
            return Err(unfounded("lambda is not positive"));
        }
        if mixture.overfitted.len() != 1 {
            return Err(unfounded("one cell has two atoms, every other one"));
        }
        let functions =
            Functions::new(mixture, self.precision).map_err(|claim| CertificateError::Unfounded { claim })?;
        let integrals = functions.integrals(&self.points, &self.basic)?;
        let lambda = Ball::rational(self.lambda.numerator(), self.lambda.denominator(), self.precision);
        let shifts = integrals.totals.iter().map(|total| lambda.clone() * total).collect();
        let forms = Forms { integrals, shifts, lambda };
        let parameters = forms.integrals.second.first().and_then(|cells| cells.first()).map_or(0, Vec::len);
        if parameters == 0 || self.faces.len() != parameters {
            return Err(unfounded("a face is needed for each parameter"));
        }
        self.faces.iter().enumerate().try_for_each(|(face, tree)| forms.covers(parameters, face, tree))?;
        Ok(forms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `u_0² − u_1²` on the face `u_0 = 1`: positive inside, zero at the ends, and less than `λ uᵀu` near them.
    #[test]
    fn a_box_is_bent_as_a_whole_or_not() {
        const BITS: usize = 64;
        let integer = |n: i64| Ball::integer(n, BITS);
        let matrix = vec![vec![integer(1), integer(0)], vec![integer(0), integer(-1)]];
        let with = |lambda: Ball| Forms {
            integrals: Integrals {
                totals: vec![integer(1)],
                second: vec![vec![matrix.clone()]],
                least: integer(1),
                largest: integer(1),
            },
            shifts: vec![lambda.clone()],
            lambda,
        };
        let half = |n: i64| RBig::from_parts(n.into(), 2u8.into());
        let side = |low: i64, high: i64| vec![[RBig::ONE, RBig::ONE], [half(low), half(high)]];
        let forms = with(integer(0));
        assert!(forms.is_bent(0, true, &side(-1, 1)));
        assert!(!forms.is_bent(0, false, &side(-1, 1)));
        assert!(!forms.is_bent(0, true, &side(-2, 2)) && !forms.is_bent(0, true, &side(1, 2)));
        assert!(!forms.is_bent(1, true, &side(-1, 1)), "there is one measure");
        // 1 − 1/4 against λ(1 + 1/4): true below 3/5.
        assert!(with(integer(1) / integer(2)).is_bent(0, true, &side(-1, 1)));
        assert!(!with(integer(2) / integer(3)).is_bent(0, true, &side(-1, 1)));
        let tree = |words: &[Ray]| forms.covers(2, 0, words).is_ok();
        assert!(!tree(&[Ray::Split(1)]) && !tree(&[Ray::Split(0)]) && !tree(&[]));
        assert!(!tree(&[Ray::Split(1), Ray::Bent(0, true), Ray::Bent(0, true)]), "zero at the ends");
    }
}

//! The certificate `region`: functions that are independent for every value of their parameters in a box, but for an open rest.
//!
//! ```text
//! claim region
//! function BY EXPRESSION
//! precision P
//! box NAME LOW HIGH             a parameter that varies, in the order in which the tree counts them, from 0
//! value NAME NUMBER             one that does not
//! point NUMBER …                as many as functions
//! tree WORD …                   the box in preorder: a number halves it along that parameter, + is certified, - is left open
//! uncovered NUMBER              the share of the volume that is left open
//! ```
//!
//! On a cell the matrix `A(θ) = f_k(x_i; θ)` is enclosed for all its `θ` at once, by the same truncated Taylor arithmetic with intervals in the place of numbers. With `C` the rounded inverse of the matrix at the centre, any matrix: if every row of `I − C A(θ)` has a sum of magnitudes below one, `C A(θ)` has an inverse, so `A(θ)` has
//! one, and the functions are independent at `θ`, as in the certificate `span`.

use std::collections::BTreeMap;

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer};
use super::recheck::{Accepted, PRECISIONS};
use super::span::{evaluated, inverse, read_functions, read_values, write_functions, write_values};
use crate::symbolic::Partial;
use dashu_ratio::RBig;

/// What a certificate states as data.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) functions: Vec<Partial>,
    pub(crate) precision: usize,
    pub(crate) sides: Vec<(String, [RBig; 2])>,
    pub(crate) values: BTreeMap<String, RBig>,
    pub(crate) points: Vec<Vec<RBig>>,
}

/// The box in preorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// Halved along this side.
    Split(usize),
    Certified,
    Open,
}

/// Most nodes of a tree.
const MOST: usize = 200_000;

impl Region {
    /// Whether the functions are certainly independent everywhere on a cell.
    pub(crate) fn certifies(&self, cell: &[[RBig; 2]]) -> Result<bool, String> {
        let exact = |value: &RBig| Ball::rational(value.numerator(), value.denominator(), self.precision);
        let points: Vec<Vec<Ball>> = self.points.iter().map(|point| point.iter().map(exact).collect()).collect();
        let functions: Vec<&Partial> = self.functions.iter().collect();
        let with = |of: &dyn Fn(&[RBig; 2]) -> Ball| -> Result<Vec<Vec<Ball>>, String> {
            let mut values: BTreeMap<String, Ball> =
                self.values.iter().map(|(name, v)| (name.clone(), exact(v))).collect();
            values.extend(self.sides.iter().zip(cell).map(|((name, _), side)| (name.clone(), of(side))));
            evaluated(&functions, &values, &points, self.precision)
        };
        let half = RBig::from_parts(1.into(), 2u8.into());
        let centre = with(&|[low, high]| exact(&((low + high) * &half)))?;
        let Some(inverse) = inverse(centre, self.precision) else { return Ok(false) };
        let matrix = with(&|[low, high]| exact(low).hull(&exact(high)))?;
        let n = self.functions.len();
        let one = Ball::integer(1, self.precision);
        Ok((0..n).all(|row| {
            let sum = (0..n).fold(Ball::integer(0, self.precision), |sum, column| {
                let start = Ball::integer(i64::from(row == column), self.precision);
                let entry = (0..n).fold(start, |entry, k| entry - inverse[row][k].clone() * &matrix[k][column]);
                sum + entry.abs()
            });
            (one.clone() - sum).sign() == Some(true)
        }))
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<(Self, Vec<Node>), CertificateError> {
        let functions = read_functions(reader)?;
        let precision = reader.integer("precision", PRECISIONS, "precision 64 … 4096")?;
        let mut sides = Vec::new();
        let allowed = "box NAME LOW HIGH";
        while reader.is_next("box") {
            let words = reader.words("box", allowed)?;
            let [name, low, high] = words[..] else { return Err(reader.malformed(allowed)) };
            let ends = [reader.exact(&[low], allowed)?, reader.exact(&[high], allowed)?];
            if ends[0] >= ends[1] || sides.iter().any(|(known, _)| known == name) {
                return Err(reader.malformed("box NAME LOW HIGH, each name once, LOW below HIGH"));
            }
            sides.push((name.to_string(), ends));
        }
        let values = read_values(reader)?;
        let mut points = Vec::new();
        while reader.is_next("point") {
            points.push(reader.rationals("point")?);
        }
        let allowed = "tree of numbers of sides, + and -";
        let words = reader.words("tree", allowed)?;
        let node = |word: &&str| match *word {
            "+" => Some(Node::Certified),
            "-" => Some(Node::Open),
            number => number.parse().ok().filter(|k| *k < sides.len()).map(Node::Split),
        };
        let tree = words.iter().map(node).collect::<Option<Vec<Node>>>().filter(|tree| tree.len() <= MOST);
        let tree = tree.ok_or_else(|| reader.malformed(allowed))?;
        Ok((Self { functions, precision, sides, values, points }, tree))
    }

    pub(crate) fn text(&self, tree: &[Node], uncovered: &RBig) -> String {
        let mut writer = Writer::new("region");
        write_functions(&mut writer, &self.functions);
        writer.line(format_args!("precision {}", self.precision));
        self.sides.iter().for_each(|(name, [low, high])| writer.line(format_args!("box {name} {low} {high}")));
        write_values(&mut writer, &self.values);
        for point in &self.points {
            let words: Vec<String> = point.iter().map(RBig::to_string).collect();
            writer.line(format_args!("point {}", words.join(" ")));
        }
        let words = tree.iter().map(|node| match node {
            Node::Split(side) => side.to_string(),
            Node::Certified => "+".into(),
            Node::Open => "-".into(),
        });
        writer.line(format_args!("tree {}", words.collect::<Vec<_>>().join(" ")));
        writer.line(format_args!("uncovered {uncovered}"));
        writer.finish()
    }

    /// The two halves of a cell.
    pub(crate) fn halves(cell: &[[RBig; 2]], side: usize) -> [Vec<[RBig; 2]>; 2] {
        let middle = (&cell[side][0] + &cell[side][1]) * RBig::from_parts(1.into(), 2u8.into());
        [0, 1].map(|end| {
            let mut half = cell.to_vec();
            half[side][1 - end] = middle.clone();
            half
        })
    }

    pub(super) fn decide(&self, tree: &[Node]) -> Result<(Accepted, String), CertificateError> {
        let unfounded = |claim: String| CertificateError::Unfounded { claim };
        if self.sides.is_empty() || self.points.len() != self.functions.len() {
            return Err(unfounded("a box and a point for each function are needed".into()));
        }
        let whole: Vec<[RBig; 2]> = self.sides.iter().map(|(_, ends)| ends.clone()).collect();
        // Cells still to come, with their share of the volume.
        let mut open = vec![(whole, RBig::ONE)];
        let mut uncovered = RBig::ZERO;
        let half = RBig::from_parts(1.into(), 2u8.into());
        for node in tree {
            let Some((cell, share)) = open.pop() else {
                return Err(unfounded("the tree has more nodes than cells".into()));
            };
            match node {
                Node::Split(side) => {
                    let [low, high] = Self::halves(&cell, *side);
                    open.push((high, &share * &half));
                    open.push((low, &share * &half));
                }
                Node::Open => uncovered += share,
                Node::Certified => {
                    if !self.certifies(&cell).map_err(unfounded)? {
                        let sides = cell
                            .iter()
                            .zip(&self.sides)
                            .map(|([low, high], (name, _))| format!("{name} in [{low}, {high}]"));
                        let claim =
                            format!("the functions are independent on {}", sides.collect::<Vec<_>>().join(", "));
                        return Err(CertificateError::Undecided { claim });
                    }
                }
            }
        }
        if !open.is_empty() {
            return Err(unfounded("the tree leaves cells out".into()));
        }
        let sides = self.sides.iter().map(|(name, [low, high])| format!("{name} in [{low}, {high}]"));
        let share = uncovered.to_f64().value();
        let accepted = Accepted {
            claim: format!(
                "the {} functions of the certificate are independent for every {}, but for a share {share:?} of the volume",
                self.functions.len(),
                sides.collect::<Vec<_>>().join(", ")
            ),
            interval: [share; 2],
            accept: [0.0, share],
            identity: false,
        };
        Ok((accepted, self.text(tree, &uncovered)))
    }
}

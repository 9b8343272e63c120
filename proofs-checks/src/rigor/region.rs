//! The certificate `region`: functions that are independent for every value of their parameters in a box, but for an open rest.
//!
//! ```text
//! claim region
//! function BY EXPRESSION
//! precision P
//! box NAME LOW HIGH             a parameter that varies, in the order in which the tree counts them
//! value NAME NUMBER             one that does not
//! point NUMBER …                as many as functions
//! tree WORD …                   the box in preorder: a number halves it along that parameter, + is certified, - is left open
//! most NUMBER                   the claim: at most this share of the volume, below one, is left open
//! uncovered NUMBER              the share that is
//! norm LOW HIGH                 enclosure of the largest sum of a row, see below, of all certified cells
//! ```
//!
//! On a cell with centre `c` and half-widths `r` the matrix `A(θ) = f_k(x_i; θ)` is `Σ_{|α|<5} A_α(c) (θ − c)^α/α! + Σ_{|α|=5} A_α(θ') (θ − c)^α/α!` by Taylor's theorem, entry by entry, `A_α` the matrix of the derivatives by `θ`, `θ'` somewhere in the cell; the last ones are enclosed for all of the cell at once, by truncated Taylor
//! arithmetic with intervals in the place of numbers. With any matrix `C` (the rounded inverse of `A(c)`): if every row of `|I − C A(c)| + Σ_{0<|α|≤5} |C A_α| r^α/α!` has a sum below one, `C A(θ)` has an inverse for every `θ` of the cell, so `A(θ)` has one, and the functions are independent at `θ`, as in the certificate `span`.

use std::collections::BTreeMap;

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer, ends, place};
use super::linear;
use super::multi_index::multi_indices;
use super::recheck::{Accepted, PRECISIONS};
use super::span::{evaluated, read_functions, read_values, write_functions, write_values};
use crate::symbolic::{Partial, divide, is_input, parse};
use dashu_ratio::RBig;

/// What a certificate states as data.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) functions: Vec<Partial>,
    pub(crate) precision: usize,
    pub(crate) sides: Vec<(String, [RBig; 2])>,
    pub(crate) values: BTreeMap<String, RBig>,
    pub(crate) points: Vec<Vec<RBig>>,
    /// The largest share of the volume that may be left open.
    pub(crate) most: RBig,
}

/// The box in preorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// Halved along this side.
    Split(usize),
    Certified,
    Open,
}

/// Order of the Taylor form.
const ORDER: usize = 5;
/// Most nodes of a tree.
const MOST: usize = 200_000;

impl Region {
    /// The largest sum of a row where it is certainly below one: then the functions are independent everywhere on the cell.
    pub(crate) fn certifies(&self, cell: &[[RBig; 2]]) -> Result<Option<Ball>, String> {
        let exact = |value: &RBig| Ball::rational(value.numerator(), value.denominator(), self.precision);
        let integer = |value: i64| Ball::integer(value, self.precision);
        let points: Vec<Vec<Ball>> = self.points.iter().map(|point| point.iter().map(exact).collect()).collect();
        // All derivatives by the sides up to the order, each with the sides that it is by.
        let sides = |index: &Vec<u32>| -> Vec<usize> {
            index.iter().enumerate().flat_map(|(side, n)| std::iter::repeat_n(side, *n as usize)).collect()
        };
        let orders: Vec<Vec<usize>> = multi_indices(self.sides.len(), ORDER as u32).iter().map(sides).collect();
        let (inner, outer): (Vec<&Vec<usize>>, Vec<&Vec<usize>>) = orders.iter().partition(|by| by.len() < ORDER);
        let half = RBig::from_parts(1.into(), 2u8.into());
        // The matrices of the derivatives, each rows by points.
        let derivatives = |orders: &[&Vec<usize>],
                           of: &dyn Fn(&[RBig; 2]) -> Ball|
         -> Result<Vec<Vec<Vec<Ball>>>, String> {
            let mut values: BTreeMap<String, Ball> =
                self.values.iter().map(|(name, v)| (name.clone(), exact(v))).collect();
            values.extend(self.sides.iter().zip(cell).map(|((name, _), side)| (name.clone(), of(side))));
            let partials: Vec<Partial> = orders
                .iter()
                .flat_map(|by| {
                    self.functions.iter().map(|function| {
                        let further = by.iter().map(|side| self.sides[*side].0.clone());
                        Partial { of: function.of.clone(), by: function.by.iter().cloned().chain(further).collect() }
                    })
                })
                .collect();
            let rows = evaluated(&partials.iter().collect::<Vec<_>>(), &values, &points, self.precision)?;
            let n = self.functions.len();
            Ok((0..orders.len()).map(|k| rows.iter().map(|row| row[k * n..(k + 1) * n].to_vec()).collect()).collect())
        };
        let at_centre = derivatives(&inner, &|[low, high]| exact(&((low + high) * &half)))?;
        let on_cell = derivatives(&outer, &|[low, high]| exact(low).hull(&exact(high)))?;
        // Any matrix serves: that of the middles, narrow.
        let inverse = linear::inverse(at_centre[0].clone(), self.precision)
            .and_then(|rows| rows.iter().map(|row| row.iter().map(Ball::middle).collect()).collect());
        let Some(inverse): Option<Vec<Vec<Ball>>> = inverse else { return Ok(None) };
        let n = self.functions.len();
        let mut sums: Vec<Ball> = vec![integer(0); n];
        for (by, matrix) in inner.into_iter().zip(&at_centre).chain(outer.into_iter().zip(&on_cell)) {
            // Π r_i^{α_i}/α_i!: sides ascend, so the k-th of equal ones divides by k.
            let (mut weight, mut run) = (integer(1), 0);
            for (k, side) in by.iter().enumerate() {
                run = if k > 0 && by[k - 1] == *side { run + 1 } else { 1 };
                let [low, high] = &cell[*side];
                weight = weight * exact(&((high - low) * &half)) / integer(run);
            }
            for (row, sum) in sums.iter_mut().enumerate() {
                for column in 0..n {
                    let start = integer(i64::from(by.is_empty() && row == column));
                    let entry = (0..n).fold(start, |entry, k| entry - inverse[row][k].clone() * &matrix[k][column]);
                    *sum = std::mem::replace(sum, integer(0)) + entry.abs() * &weight;
                }
            }
        }
        let norm = sums.iter().fold(integer(0), |norm, sum| norm.max(sum));
        Ok(((integer(1) - &norm).sign() == Some(true)).then_some(norm))
    }

    /// Whether every function has an enclosed value at the points for all of the cell.
    fn has_values(&self, cell: &[[RBig; 2]]) -> Result<bool, String> {
        let exact = |value: &RBig| Ball::rational(value.numerator(), value.denominator(), self.precision);
        let mut values: BTreeMap<String, Ball> = self.values.iter().map(|(name, v)| (name.clone(), exact(v))).collect();
        let sides = self.sides.iter().zip(cell);
        values.extend(sides.map(|((name, _), [low, high])| (name.clone(), exact(low).hull(&exact(high)))));
        let points: Vec<Vec<Ball>> = self.points.iter().map(|point| point.iter().map(exact).collect()).collect();
        let rows = evaluated(&self.functions.iter().collect::<Vec<_>>(), &values, &points, self.precision)?;
        Ok(rows.iter().flatten().all(|value| value.ends().is_some()))
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<(Self, Vec<Node>), CertificateError> {
        let (functions, names) = read_functions(reader)?;
        let (inputs, mut parameters): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| is_input(name));
        let precision = reader.integer("precision", PRECISIONS, "precision 64 … 4096")?;
        let mut sides = Vec::new();
        let allowed = "box NAME LOW HIGH";
        while reader.is_next("box") {
            let words = reader.words("box", allowed)?;
            let [name, low, high] = words[..] else { return Err(reader.malformed(allowed)) };
            let ends = [reader.exact(&[low], allowed)?, reader.exact(&[high], allowed)?];
            if ends[0] >= ends[1] || !parameters.iter().any(|known| known == name) {
                return Err(reader.malformed("box NAME LOW HIGH, each parameter of the functions once, LOW below HIGH"));
            }
            // No other value, and no other side.
            parameters.retain(|known| known != name);
            sides.push((name.to_string(), ends));
        }
        let values = read_values(reader, &parameters)?;
        let mut points = Vec::new();
        while reader.is_next("point") {
            points.push(reader.rationals("point", inputs.len())?);
        }
        let allowed = "tree of numbers of sides, + and -";
        let words = reader.words("tree", allowed)?;
        let node = |word: &&str| match *word {
            "+" => Some(Node::Certified),
            "-" => Some(Node::Open),
            number => place(number, sides.len()).map(Node::Split),
        };
        let tree = words.iter().map(node).collect::<Option<Vec<Node>>>().filter(|tree| tree.len() <= MOST);
        let tree = tree.ok_or_else(|| reader.malformed(allowed))?;
        let words = reader.words("most", "most NUMBER")?;
        let most = reader.exact(&words, "most NUMBER")?;
        reader.rest(&["uncovered", "norm"], "uncovered NUMBER, norm LOW HIGH, checksum SUM and the end")?;
        Ok((Self { functions, precision, sides, values, points, most }, tree))
    }

    pub(crate) fn text(&self, tree: &[Node], uncovered: &RBig, norm: &Ball) -> String {
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
            Node::Split(side) => (side + 1).to_string(),
            Node::Certified => "+".into(),
            Node::Open => "-".into(),
        });
        writer.line(format_args!("tree {}", words.collect::<Vec<_>>().join(" ")));
        writer.line(format_args!("most {}", self.most));
        writer.line(format_args!("uncovered {uncovered}"));
        writer.line(format_args!("norm {}", ends(norm)));
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
        if self.most >= RBig::ONE {
            return Err(unfounded(format!(
                "that a share of at most {} is left open says nothing; a share below one is needed",
                self.most
            )));
        }
        if self.sides.is_empty() || self.points.len() != self.functions.len() {
            return Err(unfounded("a box and a point for each function are needed".into()));
        }
        for function in &self.functions {
            let expression = parse(&function.of).map_err(|error| unfounded(format!("{}: {error}", function.of)))?;
            divide(&expression).map_err(|error| unfounded(format!("{}: {error}", function.of)))?;
        }
        let whole: Vec<[RBig; 2]> = self.sides.iter().map(|(_, ends)| ends.clone()).collect();
        // Cells still to come, with their share of the volume.
        let mut open = vec![(whole, RBig::ONE)];
        let mut uncovered = RBig::ZERO;
        let mut norm = Ball::integer(0, self.precision);
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
                Node::Certified => match self.certifies(&cell).map_err(unfounded)? {
                    Some(own) => norm = norm.max(&own),
                    None => {
                        // Rounded: of a deep cell they are long fractions.
                        let sides = cell.iter().zip(&self.sides).map(|([low, high], (name, _))| {
                            format!("{name} in [{:?}, {:?}]", low.to_f64().value(), high.to_f64().value())
                        });
                        let place = sides.collect::<Vec<_>>().join(", ");
                        let claim = if self.has_values(&cell).map_err(unfounded)? {
                            format!("the functions are independent on {place}")
                        } else {
                            format!(
                                "every function has a value on {place}: a divisor may be zero, or relu is at its kink"
                            )
                        };
                        return Err(CertificateError::Undecided { claim });
                    }
                },
            }
        }
        if !open.is_empty() {
            return Err(unfounded("the tree leaves cells out".into()));
        }
        let sides = self.sides.iter().map(|(name, [low, high])| format!("{name} in [{low}, {high}]"));
        // Rounded up.
        let share = uncovered.to_f64().value();
        let share =
            if RBig::try_from(share).is_ok_and(|rounded| rounded < uncovered) { share.next_up() } else { share };
        if uncovered > self.most {
            let claim = format!("a share {share:?} of the box is left open; at most {} is claimed", self.most);
            return Err(CertificateError::Undecided { claim });
        }
        // At least one, as a share below one is left open.
        let certified = tree.iter().filter(|node| **node == Node::Certified).count();
        let high = norm.outer().map_or(1.0, |[_, high]| high);
        let values: Vec<String> = self.values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let accepted = Accepted {
            claim: format!(
                "the {} functions of the certificate are independent for every {}{}, but for a share {share:?} of the volume: |I − C A| is below {high:?} on each of the {certified} certified cells",
                self.functions.len(),
                sides.collect::<Vec<_>>().join(", "),
                if values.is_empty() { String::new() } else { format!(" at {}", values.join(", ")) },
            ),
            interval: [share; 2],
            accept: [0.0, self.most.to_f64().value()],
            identity: false,
        };
        Ok((accepted, self.text(tree, &uncovered, &norm)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::recheck::recheck;
    use super::*;
    use crate::symbolic::region_certificate;

    fn sides() -> [(&'static str, [RBig; 2]); 2] {
        let ratio = |n: i64| RBig::from_parts(n.into(), 2u8.into());
        [("a", [ratio(2), ratio(3)]), ("b", [ratio(0), ratio(1)])]
    }

    fn functions(list: &[(&str, &str)]) -> Vec<Partial> {
        list.iter().map(|(of, by)| Partial::new(*of, by)).collect()
    }

    /// Independent functions are certified everywhere; a tree that leaves a cell out, or claims one more, is refused.
    #[test]
    fn a_box_is_covered() {
        let list = functions(&[("tanh(a*x + b)", ""), ("tanh(a*x + b)", "a"), ("tanh(a*x + b)", "b")]);
        let text = region_certificate(&list, &sides(), 3, 128, RBig::ZERO, 200).unwrap();
        let accepted = recheck(&text).unwrap();
        assert_eq!((accepted.interval, accepted.accept), ([0.0; 2], [0.0; 2]));
        for (from, to) in [("tree ", "tree + "), ("tree ", "tree 1 - "), ("box a 1 3/2", "box a 1 5/2")] {
            assert!(text.contains(from) && recheck(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
    }

    /// The claim names the norm; where no cell is certified there is no claim.
    #[test]
    fn claims_name_the_norm() {
        let list = functions(&[("tanh(a*x + b)", ""), ("tanh(a*x + b)", "a")]);
        let recheck = |list: &[Partial], most: RBig, limit: usize| {
            recheck(&region_certificate(list, &sides(), 3, 128, most, limit).unwrap())
        };
        let covered = recheck(&list, RBig::ZERO, 200).unwrap().claim;
        assert!(covered.contains(": |I − C A| is below ") && covered.ends_with(" certified cells"), "{covered}");
        let none = functions(&[("tanh(a*x + b)", "a"), ("x*tanh(a*x + b)", "b")]);
        let almost = RBig::from_parts(99.into(), 100u8.into());
        assert!(matches!(recheck(&none, almost, 1), Err(CertificateError::Undecided { .. })));
    }

    /// What is dependent on the whole box, or on a line in it (b = 1/4), is not certified there: the claim stays undecided.
    #[test]
    fn dependent_functions_leave_the_box_open() {
        for list in [
            functions(&[("tanh(a*x + b)", "a"), ("x*tanh(a*x + b)", "b")]),
            functions(&[("x*(b - 1/4)", ""), ("tanh(a*x)", "")]),
        ] {
            let text = region_certificate(&list, &sides(), 3, 128, RBig::ZERO, 60).unwrap();
            assert!(matches!(recheck(&text), Err(CertificateError::Undecided { .. })));
        }
    }
}

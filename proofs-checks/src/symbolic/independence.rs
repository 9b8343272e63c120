//! The numbers of an independence certificate: values of the parameters, sample points and a precision at which a determinant is certainly not zero.

use super::expression::{Expression, Function, Kind, is_input};
use super::parse::parse;
use super::partial::Partial;
use super::relations::{Relation, relations};
use crate::rigor::{Ball, Jets, Node, Region, Span, inputs, pivot_rows};
use dashu_ratio::RBig;
use std::collections::{BTreeMap, BTreeSet};

/// Draws of values and points, and doublings of the precision of each.
const DRAWS: u64 = 5;
const DOUBLINGS: u32 = 3;
/// Draws where relu makes some values of the parameters worth less than others.
const KINKED_DRAWS: u64 = 24;

/// Why there is no certificate: no determinant could be told from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncertified {
    /// Of relu, in no draw all arguments were positive at one point.
    NeverAllPositive,
    /// For another reason.
    Undecided,
}

/// The certificate that the functions span `claimed` dimensions; where the relations leave fewer, one that the re-checker refutes.
///
/// Values and points are random rational numbers of a fixed stream, the points in `[−half_width, half_width]` in each coordinate, later draws nearer to zero (where towers of exponentials stay moderate); the values of some parameters may be `given`. Independent functions have a
/// determinant that is zero on a set of measure zero only, so what fails is the precision, which is doubled, or the size of the values.
///
/// With relu a product is zero but where all of its factors are positive: in every second draw signs of parameters are turned until all arguments are positive at one point, near which half of the points are.
///
/// # Errors
/// No certificate, and why.
pub(crate) fn certified(
    functions: &[Partial],
    relations: &[Relation],
    claimed: usize,
    given: &BTreeMap<String, RBig>,
    half_width: i64,
) -> Result<String, Uncertified> {
    let expressions = functions.iter().map(|function| parse(&function.of).ok()).collect::<Option<Vec<_>>>();
    let expressions = expressions.ok_or(Uncertified::Undecided)?;
    let coordinates = inputs(expressions.iter());
    let names: BTreeSet<String> = expressions.iter().flat_map(|expression| expression.names()).collect();
    let dimension = functions.len() - relations.len();
    let mut span = Span {
        functions: functions.to_vec(),
        dimension: claimed,
        relations: relations.iter().map(|r| (r.leader, r.terms.clone())).collect(),
        precision: 64,
        values: BTreeMap::new(),
        points: Vec::new(),
    };
    if claimed > dimension {
        // The relations refute it.
        return Ok(span.text(None));
    }
    if dimension == 0 {
        let determinant = span.determinant().map_err(|_| Uncertified::Undecided)?;
        return Ok(span.text(Some(&determinant)));
    }
    let steps = steps(&expressions);
    let (kinked, mut all_positive) = (!steps.is_empty(), false);
    let first = (64 + 8 * dimension).next_multiple_of(64).min(1024);
    // All draws before more bits: values nearer to zero are cheaper.
    for doubling in 0..=DOUBLINGS {
        span.precision = (first << doubling).min(4096);
        for draw in 0..if kinked { KINKED_DRAWS } else { DRAWS } {
            let shape = Shape { inputs: coordinates.len(), dimension, half_width, kinked };
            (span.values, span.points) = shape.drawn(&names, given, draw);
            if kinked && draw % 2 == 1 {
                let free: Vec<&String> =
                    names.iter().filter(|name| !is_input(name) && !given.contains_key(*name)).collect();
                let place = span.points[span.points.len() / 2].clone();
                all_positive |=
                    turned(&mut span.values, &free, &steps, coordinates.iter().cloned().zip(place.clone()).collect());
                shape.gathered(&mut span.points, &place, draw);
            }
            if kinked {
                // Many points see one side of a kink only: those that pivots choose.
                let Some(chosen) = span.sampled().ok().and_then(|rows| pivot_rows(rows, dimension)) else { continue };
                span.points = chosen.into_iter().map(|row| span.points[row].clone()).collect();
            }
            if let Some(determinant) = span.determinant().ok().filter(|determinant| determinant.sign().is_some()) {
                return Ok(span.text(Some(&determinant)));
            }
        }
        if kinked {
            break;
        }
    }
    Err(if kinked && !all_positive { Uncertified::NeverAllPositive } else { Uncertified::Undecided })
}

/// The arguments of relu in these, each once.
fn steps(expressions: &[Expression]) -> Vec<Expression> {
    fn gather(of: &Expression, found: &mut Vec<Expression>) {
        match &of.kind {
            Kind::Number(_) | Kind::RootPi { .. } | Kind::Symbol(_) => {}
            Kind::Sum(a, b) | Kind::Product(a, b) | Kind::Quotient(a, b) => {
                gather(a, found);
                gather(b, found);
            }
            Kind::Negative(a) | Kind::Power(a, _) => gather(a, found),
            Kind::Call(function, a) => {
                gather(a, found);
                if *function == Function::Relu && !found.contains(a) {
                    found.push((**a).clone());
                }
            }
        }
    }
    let mut found = Vec::new();
    // Derivatives of one function have one text.
    let mut known: Vec<&Expression> = Vec::new();
    for expression in expressions {
        if !known.contains(&expression) {
            gather(expression, &mut found);
            known.push(expression);
        }
    }
    found
}

/// Turns the signs of some of the `free` values, each that makes more of the arguments positive at the place, and says whether all are in the end.
fn turned(
    values: &mut BTreeMap<String, RBig>,
    free: &[&String],
    steps: &[Expression],
    place: BTreeMap<String, RBig>,
) -> bool {
    const BITS: usize = 64;
    let jets = Jets::new(0, 0, BITS);
    let positive = |values: &BTreeMap<String, RBig>| {
        let exact = |(name, value): (&String, &RBig)| {
            (name.clone(), jets.constant(Ball::rational(value.numerator(), value.denominator(), BITS)))
        };
        let symbols = values.iter().chain(&place).map(exact).collect();
        let is_positive =
            |step: &&Expression| jets.evaluate(step, &symbols).is_some_and(|jet| jet[0].sign() == Some(true));
        steps.iter().filter(is_positive).count()
    };
    let mut most = positive(values);
    // Again as long as it helps: an argument may be inside of another.
    loop {
        let before = most;
        for name in free {
            if most == steps.len() {
                return true;
            }
            let turn = |values: &mut BTreeMap<String, RBig>| {
                if let Some(value) = values.get_mut(*name) {
                    *value = -value.clone();
                }
            };
            turn(values);
            let own = positive(values);
            if own > most {
                most = own;
            } else {
                turn(values);
            }
        }
        if most == before {
            return most == steps.len();
        }
    }
}

/// What random points depend on.
struct Shape {
    inputs: usize,
    dimension: usize,
    half_width: i64,
    kinked: bool,
}

impl Shape {
    /// Random values and points of a draw. With kinks more points than functions, of which some are chosen.
    fn drawn(
        &self,
        names: &BTreeSet<String>,
        given: &BTreeMap<String, RBig>,
        draw: u64,
    ) -> (BTreeMap<String, RBig>, Vec<Vec<RBig>>) {
        let &Self { inputs, dimension, half_width, kinked } = self;
        let mut stream = Stream(0x9e37_79b9_7f4a_7c15 ^ draw);
        let shrink = if kinked { 1 } else { 1_i64 << draw };
        let values = names
            .iter()
            .filter(|name| !is_input(name))
            .map(|name| {
                // Odd over 64: never zero, and rarely equal or opposite to another.
                let drawn = 2 * stream.below(56) + 17;
                let sign = if stream.below(2) == 0 { 1 } else { -1 };
                let value = given.get(name).cloned().unwrap_or_else(|| ratio(sign * drawn, 64 * shrink));
                (name.clone(), value)
            })
            .collect();
        // One input: spread, each point somewhere in its own cell; more: anywhere.
        let width = 2 * half_width * 1024;
        let count = if kinked { 8 * dimension + 16 } else { dimension } as i64;
        let cell = if inputs == 1 { (width / count.max(1)).max(1) } else { width };
        let points = (0..count)
            .map(|i| {
                let from = if inputs == 1 { width * i / count } else { 0 };
                let coordinate = |_| ratio(from + stream.below(cell as u64) - width / 2, 1024 * shrink);
                (0..inputs).map(coordinate).collect()
            })
            .collect();
        (values, points)
    }

    /// Every second point near a place, at distances of all sizes down to a sixty-fourth of the box.
    fn gathered(&self, points: &mut [Vec<RBig>], place: &[RBig], draw: u64) {
        let mut stream = Stream(0xd1b5_4a32_d192_ed03 ^ draw);
        let width = 2 * self.half_width * 1024;
        for (k, point) in points.iter_mut().enumerate().filter(|(k, _)| k % 2 == 1) {
            let scale = 1024_i64 << (1 + k / 2 % 6);
            for (coordinate, centre) in point.iter_mut().zip(place) {
                *coordinate = centre + ratio(stream.below(width as u64) - width / 2, scale);
            }
        }
    }
}

/// The certificate that these functions span `claimed` dimensions, their relations found first.
pub(crate) fn span_certificate(
    functions: &[Partial],
    claimed: usize,
    given: &BTreeMap<String, RBig>,
    half_width: i64,
) -> Option<String> {
    let names: Vec<String> = functions.iter().map(Partial::to_string).collect();
    certified(functions, &relations(functions, &names).ok()?, claimed, given, half_width).ok()
}

/// The certificate that these functions are independent on a box: cells are halved along their side that is longest in units of the box until they are certified or there are `limit` of them; `most` of the volume may be left open. The points are spread over `[−half_width, half_width]`, one input.
pub(crate) fn region_certificate(
    functions: &[Partial],
    sides: &[(&str, [RBig; 2])],
    half_width: i64,
    precision: usize,
    most: RBig,
    limit: usize,
) -> Option<String> {
    let n = functions.len() as i64;
    let region = Region {
        functions: functions.to_vec(),
        precision,
        sides: sides.iter().map(|(name, ends)| ((*name).to_string(), ends.clone())).collect(),
        values: BTreeMap::new(),
        // A sixth of a step off the middles of equal cells: points symmetric about zero see odd functions half as often.
        points: (0..n).map(|i| vec![ratio(half_width * (6 * i + 4 - 3 * n), 3 * n)]).collect(),
        most,
    };
    let whole: Vec<[RBig; 2]> = sides.iter().map(|(_, ends)| ends.clone()).collect();
    let (mut tree, mut uncovered, mut cells) = (Vec::new(), RBig::ZERO, 1);
    let mut norm = Ball::integer(0, precision);
    let mut open = vec![(whole, vec![0_u32; sides.len()])];
    while let Some((cell, depths)) = open.pop() {
        if let Some(own) = region.certifies(&cell).ok()? {
            norm = norm.max(&own);
            tree.push(Node::Certified);
        } else if cells < limit {
            let side = (0..depths.len()).min_by_key(|side| depths[*side])?;
            let [low, high] = Region::halves(&cell, side);
            let mut deeper = depths;
            deeper[side] += 1;
            open.extend([(high, deeper.clone()), (low, deeper)]);
            tree.push(Node::Split(side));
            cells += 1;
        } else {
            let share = RBig::from_parts(1.into(), dashu_int::UBig::ONE << depths.iter().sum::<u32>() as usize);
            uncovered += share;
            tree.push(Node::Open);
        }
    }
    Some(region.text(&tree, &uncovered, &norm))
}

fn ratio(numerator: i64, denominator: i64) -> RBig {
    RBig::from_parts(numerator.into(), (denominator as u64).into())
}

/// A fixed stream of numbers (splitmix64).
struct Stream(u64);

impl Stream {
    fn below(&mut self, bound: u64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound) as i64
    }
}

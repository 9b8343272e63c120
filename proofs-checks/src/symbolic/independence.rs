//! The numbers of an independence certificate: values of the parameters, sample points and a precision at which a determinant is certainly not zero.

use super::expression::{Function, is_input};
use super::parse::parse;
use super::partial::Partial;
use super::relations::{Relation, relations};
use crate::rigor::{Ball, Node, Region, Span, inputs, pivot_rows};
use dashu_ratio::RBig;
use std::collections::{BTreeMap, BTreeSet};

/// Draws of values and points, and doublings of the precision of each.
const DRAWS: u64 = 5;
const DOUBLINGS: u32 = 3;
/// Draws where relu makes some values of the parameters worth less than others.
const KINKED_DRAWS: u64 = 24;

/// The certificate that the functions span `claimed` dimensions; where the relations leave fewer, one that the re-checker refutes. `None` where no determinant could be told from zero.
///
/// Values and points are random rational numbers of a fixed stream, the points in `[−half_width, half_width]` in each coordinate, later draws nearer to zero (where towers of exponentials stay moderate); the values of some parameters may be `given`. Independent functions have a
/// determinant that is zero on a set of measure zero only, so what fails is the precision, which is doubled, or the size of the values.
pub(crate) fn certified(
    functions: &[Partial],
    relations: &[Relation],
    claimed: usize,
    given: &BTreeMap<String, RBig>,
    half_width: i64,
) -> Option<String> {
    let expressions = functions.iter().map(|function| parse(&function.of).ok()).collect::<Option<Vec<_>>>()?;
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
        return Some(span.text(None));
    }
    if dimension == 0 {
        return span.determinant().ok().map(|determinant| span.text(Some(&determinant)));
    }
    let kinked = expressions.iter().any(|expression| expression.calls(Function::Relu));
    let first = (64 + 8 * dimension).next_multiple_of(64).min(1024);
    // All draws before more bits: values nearer to zero are cheaper.
    for doubling in 0..=DOUBLINGS {
        span.precision = (first << doubling).min(4096);
        for draw in 0..if kinked { KINKED_DRAWS } else { DRAWS } {
            let shape = Shape { inputs: coordinates.len(), dimension, half_width, kinked };
            (span.values, span.points) = shape.drawn(&names, given, draw);
            if kinked {
                // Many points see one side of a kink only: those that pivots choose.
                let Some(chosen) = span.sampled().ok().and_then(|rows| pivot_rows(rows, dimension)) else { continue };
                span.points = chosen.into_iter().map(|row| span.points[row].clone()).collect();
            }
            if let Some(determinant) = span.determinant().ok().filter(|determinant| determinant.sign().is_some()) {
                return Some(span.text(Some(&determinant)));
            }
        }
        if kinked {
            break;
        }
    }
    None
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
}

/// The certificate that these functions span `claimed` dimensions, their relations found first.
pub(crate) fn span_certificate(
    functions: &[Partial],
    claimed: usize,
    given: &BTreeMap<String, RBig>,
    half_width: i64,
) -> Option<String> {
    let names: Vec<String> = functions.iter().map(Partial::to_string).collect();
    certified(functions, &relations(functions, &names).ok()?, claimed, given, half_width)
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

//! Values at which a function is certainly not zero: the normal form proves zero, only an enclosure proves the contrary.

use std::collections::BTreeMap;

use super::ball::Ball;
use super::jet::Jets;
use crate::symbolic::{Expression, Function};
use moe_kernels::Real;

/// How many values are tried, and with how many bits. Products of relus are zero at most values: with relu all that there are.
pub(super) const WITNESSES: i64 = 12;
const KINKED_WITNESSES: i64 = 61;
pub(super) const WITNESS_BITS: usize = 192;

/// Fixed rational values of names, others for each draw, of magnitude below two, without zeros.
pub(super) fn witness(names: &[String], draw: i64, precision: usize) -> BTreeMap<String, Ball> {
    let value = |k: usize| {
        let n = (k as i64 * 37 + draw * 53) % 61 - 30;
        Ball::integer(if n == 0 { 31 } else { n }, precision).ratio(if n == 0 { 31 } else { n }, 16)
    };
    names.iter().enumerate().map(|(k, name)| (name.clone(), value(k + 1))).collect()
}

/// Whether the expression is certainly not zero at one of some fixed values of its names; so almost everywhere, where it is analytic.
pub(crate) fn is_somewhere_not_zero(expression: &Expression) -> bool {
    let jets = Jets::new(0, 0, WITNESS_BITS);
    let draws = if expression.calls(Function::Relu) { KINKED_WITNESSES } else { WITNESSES };
    (0..draws).any(|draw| {
        let values = witness(&expression.names(), draw, WITNESS_BITS);
        let symbols = values.into_iter().map(|(name, value)| (name, jets.constant(value))).collect();
        jets.evaluate(expression, &symbols).is_some_and(|jet| jet[0].sign().is_some())
    })
}

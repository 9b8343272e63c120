//! Symmetries by half periods: `F(p + π/q) = ±F`, where every angle that contains the parameter `p` gains a whole number of half turns, `sin(u + nπ) = (−1)ⁿ sin u` and `cos(u + nπ) = (−1)ⁿ cos u`; with one of the other parameters' signs changed, too, where that makes the rest the same.

use super::Undecided;
use crate::symbolic::expression::{Expression, Function, Kind};
use crate::symbolic::normal_form::{Table, common_unit};
use crate::symbolic::parse::ExpressionError;
use dashu_base::UnsignedAbs;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;
use std::collections::BTreeMap;

/// Symmetries by shifts of one parameter each, in words.
pub(super) fn shifts(of: &Expression, parameters: &[String], name: &str, undecided: &mut Undecided) -> Vec<String> {
    let what = format!("shifts of {name}");
    let each = parameters.iter().filter_map(|parameter| {
        let found = shift(of, parameter, parameters, name).map_err(|error| error.message);
        undecided.known(&what, found).flatten()
    });
    each.collect()
}

/// The shift of a parameter that occurs in angles alone.
fn shift(
    of: &Expression,
    parameter: &str,
    parameters: &[String],
    name: &str,
) -> Result<Option<String>, ExpressionError> {
    let mut rates = Vec::new();
    if !angles(of, parameter, &mut rates)? || rates.is_empty() {
        return Ok(None);
    }
    let unit = rates.iter().fold(RBig::ZERO, |unit, rate| common_unit(rate, &unit));
    let turned = turned(of, parameter, &unit)?;
    // Half a turn of the slowest angle, alone or with the sign of another parameter; the whole turn always.
    let others = parameters.iter().filter(|other| *other != parameter);
    for flipped in std::iter::once(None).chain(others.map(Some)) {
        let negative = |other: &String| (other.clone(), Expression::number(0).minus(Expression::symbol(other)));
        let image = turned.substituted(&flipped.map(negative).into_iter().collect::<BTreeMap<_, _>>());
        let (mut table, forms) = Table::lower(&[of, &image])?;
        for (sign, symbol) in [(RBig::ONE, ""), (-RBig::ONE, "-")] {
            if table.is_zero(forms[1].clone().plus(&forms[0], &-sign))? {
                let sign = flipped.map(|other| format!("-{other}, ")).unwrap_or_default();
                let moved = format!("{parameter} + {}", multiple_of_pi(&RBig::ONE, &unit));
                return Ok(Some(format!("symmetry: {name}({sign}{moved}) = {symbol}{name}")));
            }
        }
    }
    let moved = format!("{parameter} + {}", multiple_of_pi(&RBig::from(2), &unit));
    Ok(Some(format!("symmetry: {name}({moved}) = {name}")))
}

/// `times·π/unit`.
fn multiple_of_pi(times: &RBig, unit: &RBig) -> String {
    let factor = times / unit;
    let (above, below) = (factor.numerator().clone().unsigned_abs(), factor.denominator().clone());
    let above = if above == UBig::ONE { "pi".to_string() } else { format!("{above}*pi") };
    if below == UBig::ONE { above } else { format!("{above}/{below}") }
}

/// Whether a parameter occurs in angles alone, and each of these is a rational multiple of it and a rest; the multiples.
fn angles(of: &Expression, parameter: &str, rates: &mut Vec<RBig>) -> Result<bool, ExpressionError> {
    Ok(match &of.kind {
        Kind::Number(_) | Kind::RootPi { .. } => true,
        Kind::Symbol(name) => name != parameter,
        Kind::Sum(a, b) | Kind::Product(a, b) | Kind::Quotient(a, b) => {
            angles(a, parameter, rates)? && angles(b, parameter, rates)?
        }
        Kind::Negative(a) | Kind::Power(a, _) => angles(a, parameter, rates)?,
        Kind::Call(function, a) => match rate(*function, a, parameter)? {
            Some(rate) => {
                rates.push(rate);
                true
            }
            None => angles(a, parameter, rates)?,
        },
    })
}

/// By how much the angle of a sine or cosine grows with a parameter, where that is a number that is not zero.
fn rate(function: Function, angle: &Expression, parameter: &str) -> Result<Option<RBig>, ExpressionError> {
    if !matches!(function, Function::Sin | Function::Cos) || !angle.names().iter().any(|name| name == parameter) {
        return Ok(None);
    }
    let (mut table, forms) = Table::lower(&[angle])?;
    let slope = table.parameter(parameter).map(|symbol| table.derivative(&forms[0], symbol));
    Ok(slope.and_then(|slope| slope.as_number()).filter(|rate| *rate != RBig::ZERO))
}

/// The expression at `p + π/unit`.
fn turned(of: &Expression, parameter: &str, unit: &RBig) -> Result<Expression, ExpressionError> {
    let part = |a: &Expression| Ok::<_, ExpressionError>(Box::new(turned(a, parameter, unit)?));
    let kind = match &of.kind {
        kind @ (Kind::Number(_) | Kind::RootPi { .. } | Kind::Symbol(_)) => kind.clone(),
        Kind::Sum(a, b) => Kind::Sum(part(a)?, part(b)?),
        Kind::Product(a, b) => Kind::Product(part(a)?, part(b)?),
        Kind::Quotient(a, b) => Kind::Quotient(part(a)?, part(b)?),
        Kind::Negative(a) => Kind::Negative(part(a)?),
        Kind::Power(a, n) => Kind::Power(part(a)?, *n),
        Kind::Call(function, a) => match rate(*function, a, parameter)? {
            Some(rate) => {
                let is_odd = (rate / unit).numerator() % IBig::from(2) != IBig::ZERO;
                if !is_odd {
                    return Ok(of.clone());
                }
                Kind::Negative(Box::new(of.clone()))
            }
            None => Kind::Call(*function, part(a)?),
        },
    };
    Ok(Expression { column: of.column, kind })
}

//! Random expressions: the normal form has their values, its derivatives have theirs, and what is resolved is the same multiple of each function. The values of the normal form are those of its atoms, in enclosures; those of the expressions come from Taylor arithmetic, which knows no normal form.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::{Atom, Table};
use crate::rigor::{Ball, Jets};
use crate::symbolic::expression::Expression;
use crate::symbolic::parse::parse;
use crate::symbolic::polynomial::{Monomial, Polynomial, Symbol};
use dashu_ratio::RBig;
use moe_kernels::Real;

const BITS: usize = 256;

/// A fixed stream of numbers (Knuth's MMIX).
struct Stream(u64);

impl Stream {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }

    /// Sums, products, powers, functions, and quotients by parameters.
    fn expression(&mut self, depth: u32, leaves: &[&str]) -> String {
        let functions = ["exp", "tanh", "sigmoid", "softplus", "gelu", "erf", "relu", "sin", "cos"];
        if depth == 0 {
            return format!("({})", self.of(leaves));
        }
        let kind = self.below(10);
        let first = self.expression(depth - 1, leaves);
        match kind {
            0 => self.of(leaves).to_string(),
            1 | 2 => format!("({first} {} {})", self.of(&["+", "-"]), self.expression(depth - 1, leaves)),
            3 | 4 => format!("{first}*{}", self.expression(depth - 1, leaves)),
            5 => {
                let (common, rest) =
                    (self.of(&["1", "a", "exp(b)", "a*b^2"]), self.expression(depth - 1, &["a", "b", "2", "3/2"]));
                format!("({first})/({common} + {common}*{rest})")
            }
            6 => format!("({first})^{}", self.of(&["2", "3"])),
            _ => format!("{}({first})", self.of(&functions)),
        }
    }
}

/// Values of `x`, `a`, `b`.
fn values() -> BTreeMap<String, Ball> {
    [("x", -41), ("a", 27), ("b", -13)].map(|(name, n)| (name.to_string(), Ball::integer(n, BITS).ratio(n, 32))).into()
}

/// The value of a monomial by those of its atoms.
fn of_monomial(table: &Table, monomial: &Monomial) -> Ball {
    let factors = monomial.iter().map(|(symbol, power)| of_power(table, *symbol, &power.to_rational()));
    factors.fold(Ball::integer(1, BITS), |product, factor| product * factor)
}

fn of_polynomial(table: &Table, polynomial: &Polynomial) -> Ball {
    let terms = polynomial.terms.iter();
    terms.fold(Ball::integer(0, BITS), |sum, (monomial, c)| sum + rational(c) * of_monomial(table, monomial))
}

fn rational(value: &RBig) -> Ball {
    Ball::rational(value.numerator(), value.denominator(), BITS)
}

/// 16 arctan(1/5) − 4 arctan(1/239), ninety terms of each: what is left out is below 2^-400.
fn pi() -> &'static Ball {
    static PI: OnceLock<Ball> = OnceLock::new();
    let integer = |n: i64| Ball::integer(n, BITS);
    let arctan = |n: i64| {
        let mut power = integer(1).ratio(1, n);
        let mut sum = integer(0);
        for k in 0..90_i64 {
            sum = sum + power.ratio(if k % 2 == 0 { 1 } else { -1 }, 2 * k + 1) * &power;
            power = power / integer(n * n);
        }
        sum
    };
    PI.get_or_init(|| integer(16) * arctan(5) - integer(4) * arctan(239))
}

fn of_power(table: &Table, symbol: Symbol, power: &RBig) -> Ball {
    let integer = |n: i64| Ball::integer(n, BITS);
    let of = |u: &Polynomial| of_polynomial(table, u);
    let angle = |m: &Monomial, unit: &RBig| (rational(unit) * of_monomial(table, m)).sin_cos();
    let base = match table.atom(symbol) {
        Atom::Exp(m) => return (rational(power) * of_monomial(table, m)).exp(),
        Atom::Input(name) | Atom::Parameter(name) => values()[name].clone(),
        Atom::Gaussian => integer(1) / (pi().clone() * integer(2)).sqrt(),
        Atom::ErrorScale => integer(2) / pi().sqrt(),
        Atom::Inverse(d) => integer(1) / of(d),
        Atom::Sin(m, unit) => angle(m, unit)[0].clone(),
        Atom::Cos(m, unit) => angle(m, unit)[1].clone(),
        Atom::Sigmoid(u) => of(u).sigmoid(),
        Atom::Softplus(u) => of(u).softplus(),
        Atom::Phi(u) => of(u).gaussian_cdf(),
        Atom::Erf(u) => of(u).erf(),
        Atom::Step(u) => match of(u).sign() {
            Some(positive) => integer(i64::from(positive)),
            None => integer(0).hull(&integer(1)),
        },
    };
    let n = i64::try_from(power.numerator().clone()).unwrap();
    assert_eq!(*power.denominator(), dashu_int::UBig::ONE, "a root of what is no exponential");
    let whole = (0..n.abs()).fold(integer(1), |product, _| product * &base);
    if n < 0 { integer(1) / whole } else { whole }
}

/// Whether two enclosures meet, and whether they are narrow: what is wide says nothing.
fn compared(a: &Ball, b: &Ball) -> (bool, bool) {
    let difference = a.clone() - b;
    let narrow = difference.outer().is_some_and(|[low, high]| {
        let size = a.outer().map_or(f64::INFINITY, |[low, high]| low.abs().max(high.abs()));
        high - low <= 1e-20 * (1.0 + size)
    });
    (difference.sign().is_none(), narrow)
}

#[test]
fn random_expressions_keep_their_values() {
    let mut stream = Stream(7);
    let (mut values_seen, mut slopes_seen, mut ratios_seen) = (0, 0, 0);
    for _ in 0..600 {
        let source = stream.expression(3, &["x", "a*x", "x + b", "a", "b", "2", "1/2"]);
        let expression = parse(&source).unwrap();
        let Ok((mut table, forms)) = Table::lower(&[&expression, &Expression::number(1)]) else { continue };
        let jets = Jets::new(1, 1, BITS);
        let symbols = values().into_iter().map(|(name, value)| {
            let jet = if name == "a" { jets.parameter(0, value) } else { jets.constant(value) };
            (name, jet)
        });
        let jet = jets.evaluate(&expression, &symbols.collect()).unwrap();
        let (meets, narrow) = compared(&of_polynomial(&table, &forms[0]), &jet[0]);
        assert!(meets, "{source}");
        values_seen += usize::from(narrow);
        if let Some(a) = table.parameter("a") {
            let slope = table.derivative(&forms[0], a);
            if slope.terms.len() < 300 && table.resolve(&[]).is_ok() {
                let (meets, narrow) = compared(&of_polynomial(&table, &slope), &jet[1]);
                assert!(meets, "d/da of {source}");
                slopes_seen += usize::from(narrow);
            }
        }
        table.begin();
        if let Ok(resolved) = table.resolve(&forms) {
            let [numerator, denominator] = [&resolved[0], &resolved[1]].map(|form| of_polynomial(&table, form));
            let (meets, narrow) = compared(&numerator, &(jet[0].clone() * denominator));
            assert!(meets, "resolved {source}");
            ratios_seen += usize::from(narrow);
        }
    }
    // Most are decided: a test of what is wide would say nothing.
    assert!(values_seen > 400 && slopes_seen > 250 && ratios_seen > 300, "{values_seen} {slopes_seen} {ratios_seen}");
}

//! The sign of an argument of relu, as far as it is seen.

use super::{Atom, Table};
use crate::symbolic::polynomial::{Exponent, Monomial, Polynomial, Symbol, multiplied};
use dashu_ratio::RBig;
use std::collections::{BTreeMap, BTreeSet};

impl Table {
    /// What has the sign of `u` almost everywhere: `u` over the powers that divide it and are not negative (all of what is positive, even ones of the rest), and the argument of an odd function alone.
    pub(super) fn direction(&self, u: &Polynomial) -> Polynomial {
        let mut common: Option<BTreeMap<Symbol, RBig>> = None;
        for monomial in u.terms.keys() {
            let own: BTreeMap<Symbol, RBig> =
                monomial.iter().map(|(symbol, power)| (*symbol, power.to_rational())).collect();
            common = Some(match common {
                None => own,
                // An absent power is zero.
                Some(known) => {
                    let symbols: BTreeSet<Symbol> = known.keys().chain(own.keys()).copied().collect();
                    let power = |of: &BTreeMap<Symbol, RBig>, symbol| of.get(&symbol).cloned().unwrap_or(RBig::ZERO);
                    symbols.into_iter().map(|s| (s, power(&known, s).min(power(&own, s)))).collect()
                }
            });
        }
        let mut inverse: Monomial = Vec::new();
        for (symbol, power) in common.unwrap_or_default() {
            let power = match &self.atoms[symbol] {
                Atom::Exp(_)
                | Atom::Sigmoid(_)
                | Atom::Softplus(_)
                | Atom::Phi(_)
                | Atom::Gaussian
                | Atom::ErrorScale => power,
                _ => {
                    let half = (power * RBig::from_parts(1.into(), 2u8.into())).floor();
                    RBig::from(half) * RBig::from(2)
                }
            };
            match Exponent::of(&-power) {
                Some(exponent) if exponent != Exponent::integer(0) => inverse.push((symbol, exponent)),
                _ => {}
            }
        }
        let mut quotient = Polynomial::default();
        for (monomial, coefficient) in &u.terms {
            quotient.add(multiplied(monomial, &inverse), coefficient.clone());
        }
        if quotient.terms.keys().flatten().any(|(_, exponent)| exponent.is_lost()) {
            return u.clone();
        }
        // erf(v), and c(2σ(v) − 1), c(2Φ(v) − 1).
        let mut terms = quotient.terms.iter();
        let argument = match (terms.next(), terms.next(), terms.next()) {
            (Some((monomial, c)), None, None) => match monomial[..] {
                [(symbol, power)] if power == Exponent::integer(1) => match &self.atoms[symbol] {
                    Atom::Erf(v) => Some((v, c)),
                    _ => None,
                },
                _ => None,
            },
            (Some((constant, low)), Some((monomial, c)), None) if constant.is_empty() && *c == -low * RBig::from(2) => {
                match monomial[..] {
                    [(symbol, power)] if power == Exponent::integer(1) => match &self.atoms[symbol] {
                        Atom::Sigmoid(v) | Atom::Phi(v) => Some((v, c)),
                        _ => None,
                    },
                    _ => None,
                }
            }
            _ => None,
        };
        match argument {
            Some((v, c)) => self.direction(&v.scaled(c)),
            None => quotient,
        }
    }

    /// Bounds of a polynomial for all real inputs and parameters, by those of its symbols.
    pub(super) fn range(&self, u: &Polynomial) -> [Option<RBig>; 2] {
        let (one, zero) = (RBig::ONE, RBig::ZERO);
        let of_power = |symbol: Symbol, power: Exponent| -> [Option<RBig>; 2] {
            let even = power.as_integer().is_some_and(|n| n % 2 == 0);
            match (&self.atoms[symbol], power.as_integer()) {
                (Atom::Sigmoid(_) | Atom::Phi(_) | Atom::Step(_), Some(n)) if n > 0 => {
                    [Some(zero.clone()), Some(one.clone())]
                }
                (Atom::Sin(..) | Atom::Cos(..) | Atom::Erf(_), Some(n)) if n > 0 => {
                    [Some(if even { zero.clone() } else { -one.clone() }), Some(one.clone())]
                }
                (Atom::Exp(_) | Atom::Softplus(_) | Atom::Gaussian | Atom::ErrorScale, _) => [Some(zero.clone()), None],
                _ if even => [Some(zero.clone()), None],
                _ => [None, None],
            }
        };
        let mut sum = [Some(zero.clone()), Some(zero.clone())];
        for (monomial, coefficient) in &u.terms {
            let mut product = [Some(one.clone()), Some(one.clone())];
            for (symbol, power) in monomial {
                let factor = of_power(*symbol, *power);
                // Of [0, ∞) kinds the product is one; of bounded ones that of the ends; anything else is unknown.
                product = match (product, factor) {
                    ([Some(a), b], [Some(c), d]) if a >= zero && c >= zero => {
                        [Some(&a * &c), b.zip(d).map(|(b, d)| b * d)]
                    }
                    ([Some(a), Some(b)], [Some(c), Some(d)]) => {
                        let corners = [&a * &c, &a * &d, &b * &c, &b * &d];
                        [corners.iter().min().cloned(), corners.iter().max().cloned()]
                    }
                    _ => [None, None],
                };
            }
            let [low, high] = product.map(|end| end.map(|end| end * coefficient.clone()));
            let [low, high] = if *coefficient < zero { [high, low] } else { [low, high] };
            let [total_low, total_high] = sum;
            sum = [total_low.zip(low).map(|(a, b)| a + b), total_high.zip(high).map(|(a, b)| a + b)];
        }
        sum
    }
}

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

    /// Bounds of a polynomial for all real inputs and parameters, by those of its symbols, and zero of sums of squares.
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
        let [low, high] = sum;
        let negative = u.scaled(&-one);
        [
            if is_sum_of_squares(u) { low.max(Some(zero.clone())) } else { low },
            if is_sum_of_squares(&negative) { Some(high.unwrap_or(zero.clone()).min(zero)) } else { high },
        ]
    }
}

/// Most squares that are tried.
const SQUARES: usize = 24;

/// Whether it is seen that `u = Σ_kl G_kl m_k m_l` with a positive semidefinite `G`, hence `u ≥ 0`: the `m_k` are the roots of the monomials with even powers alone, whose coefficients are the diagonal; every other monomial is the product of two of them. `(ax + b)² = (ax)² + 2(ax)b + b²`. Sufficient, not necessary: of the ways to write `x²y²` one is tried.
fn is_sum_of_squares(u: &Polynomial) -> bool {
    let half = RBig::from_parts(1.into(), 2u8.into());
    let root = |monomial: &Monomial| -> Option<Monomial> {
        let halved = monomial.iter().map(|(symbol, power)| {
            let even = power.as_integer().filter(|n| n % 2 == 0)?;
            Some((*symbol, Exponent::integer(even / 2)))
        });
        halved.collect()
    };
    let roots: Vec<Monomial> = u.terms.keys().filter_map(root).collect();
    if roots.len() > SQUARES {
        return false;
    }
    let mut gram = vec![vec![RBig::ZERO; roots.len()]; roots.len()];
    for (monomial, coefficient) in &u.terms {
        let own = root(monomial).and_then(|root| roots.iter().position(|known| *known == root));
        if let Some(k) = own {
            gram[k][k] = coefficient.clone();
            continue;
        }
        let mut pairs = (0..roots.len()).flat_map(|k| (0..k).map(move |l| (k, l)));
        let Some((k, l)) = pairs.find(|(k, l)| multiplied(&roots[*k], &roots[*l]) == *monomial) else { return false };
        (gram[k][l], gram[l][k]) = (coefficient * &half, coefficient * &half);
    }
    // Elimination along the diagonal: no pivot is negative, and beside one that is zero nothing is left.
    for k in 0..roots.len() {
        let pivot = gram[k].clone();
        if pivot[k] == RBig::ZERO && pivot[k..].iter().all(|entry| *entry == RBig::ZERO) {
            continue;
        }
        if pivot[k] <= RBig::ZERO {
            return false;
        }
        for row in gram.iter_mut().skip(k + 1) {
            let factor = &row[k] / &pivot[k];
            row.iter_mut().zip(&pivot).for_each(|(entry, own)| *entry = &*entry - &factor * own);
        }
    }
    true
}

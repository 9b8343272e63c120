//! Denominators inside of functions: sums over powers of `1/d` without a term that `d` cancels.
//!
//! The symbol `y = 1/d` obeys `d y = 1`. With `l M` the leading term of `d` in the graded lexicographic order, `M y = (1 − (d − l M) y)/l` rewrites every term that `M y` divides into smaller ones: what is left is unique for one denominator, and for several whose `M` have no symbol in common (then `d y − 1` are a Gröbner basis,
//! their leading terms `M y` being coprime). For others the same function may be left in two forms, which is noted as a gap.

use super::{Atom, Limit, Table};
use crate::symbolic::polynomial::{Exponent, Monomial, Polynomial, Symbol, multiplied};
use dashu_ratio::RBig;
use std::collections::BTreeMap;

/// Most terms that are rewritten.
pub(super) const MOST: usize = 10_000;

/// A denominator's symbol `y`, its leading monomial, and what stands for `M y`.
struct Rule {
    symbol: Symbol,
    leading: Monomial,
    /// `(1 − (d − l M) y)/l`.
    replacement: Polynomial,
    /// The denominator's symbols.
    symbols: Vec<Symbol>,
}

impl Table {
    /// The argument of a function without a term that one of its denominators cancels.
    pub(super) fn cancelled(&mut self, u: &Polynomial) -> Polynomial {
        let is_inverse = |symbol: &Symbol| matches!(self.atoms[*symbol], Atom::Inverse(_));
        let used: Vec<Symbol> = u.symbols().into_keys().filter(is_inverse).collect();
        if used.is_empty() {
            return u.clone();
        }
        let rules: Vec<Rule> = used.iter().filter_map(|symbol| self.rule(*symbol)).collect();
        let mut whole = u.clone();
        let mut rewritten = 0;
        // What one rule leaves may be another's.
        while let Some(rule) =
            rules.iter().find(|rule| whole.terms.keys().any(|monomial| divided(monomial, rule).is_some()))
        {
            whole = self.divided_out(whole, rule, &mut rewritten);
            if self.limit.is_some() {
                break;
            }
        }
        if !self.are_coprime() {
            self.gap("division by sums or functions inside of functions");
        }
        whole
    }

    /// Without a term that `M y` divides. With the highest power of `y` and of these the largest monomials first, `P y^k` is `k` divisions by `d`: each monomial is met once.
    fn divided_out(&mut self, whole: Polynomial, rule: &Rule, rewritten: &mut usize) -> Polynomial {
        let place = |monomial: &Monomial| -> Vec<RBig> {
            let power = |symbol: &Symbol| {
                monomial.iter().find(|(own, _)| own == symbol).map_or(RBig::ZERO, |(_, power)| power.to_rational())
            };
            let own: Vec<RBig> = rule.symbols.iter().map(power).collect();
            let degree = own.iter().fold(RBig::ZERO, |sum, power| sum + power);
            [vec![power(&rule.symbol), degree], own].concat()
        };
        let mut done = Polynomial::default();
        let mut open: BTreeMap<(Vec<RBig>, Monomial), RBig> = BTreeMap::new();
        let mut sort = |found: Polynomial, open: &mut BTreeMap<(Vec<RBig>, Monomial), RBig>| {
            for (monomial, coefficient) in found.terms {
                if divided(&monomial, rule).is_none() {
                    done.add(monomial, coefficient);
                } else {
                    *open.entry((place(&monomial), monomial)).or_insert(RBig::ZERO) += coefficient;
                }
            }
        };
        sort(whole, &mut open);
        while let Some(((_, monomial), factor)) = open.pop_last() {
            let Some(rest) = divided(&monomial, rule).filter(|_| factor != RBig::ZERO) else { continue };
            *rewritten += 1;
            if *rewritten > MOST {
                self.stop(Limit::Rewritings);
            }
            if self.limit.is_some() {
                break;
            }
            let replaced = self.product(&Polynomial::term(rest, factor), &rule.replacement);
            sort(replaced, &mut open);
        }
        done
    }

    fn rule(&mut self, symbol: Symbol) -> Option<Rule> {
        let (leading, coefficient) = self.leading_term(symbol)?;
        let Atom::Inverse(d) = self.atoms[symbol].clone() else { return None };
        let symbols = d.symbols().into_keys().collect();
        let rest = d.plus(&Polynomial::term(leading.clone(), coefficient.clone()), &-RBig::ONE);
        let replacement = Polynomial::one().plus(&self.product(&rest, &Polynomial::symbol(symbol)), &-RBig::ONE);
        Some(Rule { symbol, leading, replacement: replacement.scaled(&(RBig::ONE / coefficient)), symbols })
    }

    /// `M` and `l` of a denominator; none of numbers alone, or with a power that is no whole one.
    fn leading_term(&self, symbol: Symbol) -> Option<(Monomial, RBig)> {
        let Atom::Inverse(d) = &self.atoms[symbol] else { return None };
        let is_whole = |power: &Exponent| power.as_integer().is_some_and(|n| n > 0);
        if !d.terms.keys().flatten().all(|(_, power)| is_whole(power)) {
            return None;
        }
        let degree = |monomial: &Monomial| monomial.iter().filter_map(|(_, power)| power.as_integer()).sum::<i64>();
        // Of two monomials of one degree the one with the higher power of the first symbol in which they differ.
        let place = |monomial: &Monomial| -> BTreeMap<Symbol, i64> {
            monomial.iter().filter_map(|(symbol, power)| Some((*symbol, power.as_integer()?))).collect()
        };
        let order = |a: &Monomial, b: &Monomial| {
            let (p, q) = (place(a), place(b));
            let of = |powers: &BTreeMap<Symbol, i64>, symbol| powers.get(symbol).copied().unwrap_or(0);
            let differing = p.keys().chain(q.keys()).filter(|symbol| of(&p, symbol) != of(&q, symbol)).min();
            degree(a)
                .cmp(&degree(b))
                .then_with(|| differing.map_or(std::cmp::Ordering::Equal, |symbol| of(&p, symbol).cmp(&of(&q, symbol))))
        };
        let leading = d.terms.keys().max_by(|a, b| order(a, b)).filter(|leading| !leading.is_empty())?;
        Some((leading.clone(), d.terms[leading].clone()))
    }

    /// Whether all denominators have rules without a common symbol, of symbols without rules of their own.
    fn are_coprime(&self) -> bool {
        let mut known: Vec<Symbol> = Vec::new();
        for (symbol, atom) in self.atoms.iter().enumerate() {
            let Atom::Inverse(d) = atom else { continue };
            let is_ruled = |symbol: &Symbol| {
                matches!(self.atoms[*symbol], Atom::Inverse(_) | Atom::Sin(..) | Atom::Step(_) | Atom::ErrorScale)
            };
            let Some((leading, _)) = self.leading_term(symbol) else { return false };
            let own = leading.iter().map(|(symbol, _)| *symbol);
            if d.symbols().into_keys().any(|symbol| is_ruled(&symbol))
                || own.clone().any(|symbol| known.contains(&symbol))
            {
                return false;
            }
            known.extend(own);
        }
        true
    }
}

/// The monomial over `M y`, where that divides it.
fn divided(monomial: &Monomial, rule: &Rule) -> Option<Monomial> {
    let mut divisor: Monomial = multiplied(&rule.leading, &vec![(rule.symbol, Exponent::integer(1))]);
    for (symbol, power) in &mut divisor {
        let own = monomial.iter().find(|(known, _)| known == symbol)?.1;
        let (own, least) = (own.as_integer()?, power.as_integer()?);
        if own < least {
            return None;
        }
        *power = Exponent::integer(-least);
    }
    Some(multiplied(monomial, &divisor))
}

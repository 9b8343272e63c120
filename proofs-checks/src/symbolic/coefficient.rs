//! Polynomials with integer coefficients in the parameters, their greatest common divisors and fractions: the field that coefficients of relations are from.

use super::modular;
use dashu_base::{BitTest, Gcd, Signed, UnsignedAbs};
use dashu_int::IBig;
use std::cell::Cell;
use std::collections::BTreeMap;

/// Largest product of numbers of terms whose divisor is looked for by remainders.
const REMAINDERS: usize = 600;

/// Work that is left: one unit for each term that is touched and for each [`WORDS`] products of machine words of integers, so that what is done within it is the same on every machine; some hundred nanoseconds each.
///
/// Where none is left, products, divisors and quotients are not finished, and mean nothing: who has asked for them looks at [`Self::is_spent`] before they are used.
#[derive(Debug)]
pub(super) struct Work {
    left: Cell<usize>,
}

impl Work {
    /// So many units.
    pub(super) fn new(units: usize) -> Self {
        Self { left: Cell::new(units) }
    }

    /// How much is left.
    pub(super) fn left(&self) -> usize {
        self.left.get()
    }

    /// Whether none is left.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// Takes what so many terms cost whose integers have so many products of words in all; whether some is left.
    fn takes(&self, terms: usize, products: usize) -> bool {
        self.left.set(self.left.get().saturating_sub(terms + products / WORDS));
        !self.is_spent()
    }
}

/// Products of machine words in the time that a term takes.
const WORDS: usize = 64;

/// Machine words of an integer.
fn words(value: &IBig) -> usize {
    value.bit_len() / 64 + 1
}

/// A polynomial in a fixed number of variables: coefficients by exponents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coefficient {
    /// No coefficient is zero.
    pub(super) terms: BTreeMap<Vec<u32>, IBig>,
}

impl Coefficient {
    /// An integer, for `variables` variables.
    pub(super) fn integer(value: impl Into<IBig>, variables: usize) -> Self {
        let mut polynomial = Self::default();
        polynomial.add(vec![0; variables], value.into());
        polynomial
    }

    /// Whether it is zero.
    pub(super) fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it is a number, one or minus one.
    pub(super) fn is_unit(&self) -> bool {
        self.as_integer().is_some_and(|value| value == IBig::ONE || value == -IBig::ONE)
    }

    /// The integer it is, if it is one.
    pub(super) fn as_integer(&self) -> Option<IBig> {
        match self.terms.len() {
            0 => Some(IBig::ZERO),
            1 => self.terms.iter().next().filter(|(e, _)| e.iter().all(|x| *x == 0)).map(|(_, c)| c.clone()),
            _ => None,
        }
    }

    /// Adds a term.
    pub(super) fn add(&mut self, exponents: Vec<u32>, value: IBig) {
        if value == IBig::ZERO {
            return;
        }
        let entry = self.terms.entry(exponents);
        match entry {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(value);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                *entry.get_mut() += value;
                if *entry.get() == IBig::ZERO {
                    entry.remove();
                }
            }
        }
    }

    /// The words of all its integers.
    fn words(&self) -> usize {
        self.terms.values().map(words).sum()
    }

    /// `self·other`.
    pub(super) fn times(&self, other: &Self, work: &Work) -> Self {
        let mut product = Self::default();
        let size = other.words();
        for (a, x) in &self.terms {
            if !work.takes(other.terms.len(), size * words(x)) {
                break;
            }
            for (b, y) in &other.terms {
                product.add(a.iter().zip(b).map(|(a, b)| a + b).collect(), x * y);
            }
        }
        product
    }

    /// With the square of a variable replaced, for each rule: what stands for it contains the variable no more.
    pub(super) fn reduced(self, rules: &[(usize, Self)], work: &Work) -> Self {
        let mut reduced = self;
        for (variable, square) in rules {
            while reduced.degree(*variable) > 1 && work.takes(reduced.terms.len() * square.terms.len(), 0) {
                let mut next = Self::default();
                for (mut exponents, c) in reduced.terms {
                    if exponents[*variable] < 2 {
                        next.add(exponents, c);
                        continue;
                    }
                    exponents[*variable] -= 2;
                    for (e, factor) in &square.terms {
                        next.add(e.iter().zip(&exponents).map(|(a, b)| a + b).collect(), &c * factor);
                    }
                }
                reduced = next;
            }
        }
        reduced
    }

    /// `self − other`.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        for (exponents, value) in &other.terms {
            difference.add(exponents.clone(), -value);
        }
        difference
    }

    /// `−self`.
    pub(super) fn negated(&self) -> Self {
        Self { terms: self.terms.iter().map(|(e, c)| (e.clone(), -c)).collect() }
    }

    fn leading(&self) -> Option<(&Vec<u32>, &IBig)> {
        self.terms.last_key_value()
    }

    /// Whether the leading coefficient is negative.
    pub(super) fn is_negative(&self) -> bool {
        self.leading().is_some_and(|(_, value)| value.is_negative())
    }

    /// `self/divisor` where that is a polynomial with integer coefficients.
    pub(super) fn divided(&self, divisor: &Self, work: &Work) -> Option<Self> {
        let (exponents, value) = divisor.leading()?;
        let (mut rest, mut quotient) = (self.clone(), Self::default());
        let size = divisor.words();
        while let Some((e, c)) = rest.leading() {
            if !work.takes(divisor.terms.len(), size * words(c)) {
                return None;
            }
            let e: Option<Vec<u32>> = e.iter().zip(exponents).map(|(a, b)| a.checked_sub(*b)).collect();
            let (e, c) = (e?, c.clone());
            if &c % value != IBig::ZERO {
                return None;
            }
            let factor = c / value;
            for (own, value) in &divisor.terms {
                rest.add(own.iter().zip(&e).map(|(a, b)| a + b).collect(), -(value * &factor));
            }
            quotient.add(e, factor);
        }
        Some(quotient)
    }

    /// The first variable that occurs.
    fn main_variable(&self) -> Option<usize> {
        self.terms.keys().filter_map(|e| e.iter().position(|x| *x > 0)).min()
    }

    fn degree(&self, variable: usize) -> u32 {
        self.terms.keys().map(|e| e[variable]).max().unwrap_or(0)
    }

    /// Coefficients by the power of a variable.
    fn by_power(&self, variable: usize) -> BTreeMap<u32, Self> {
        let mut found: BTreeMap<u32, Self> = BTreeMap::new();
        for (e, c) in &self.terms {
            let mut rest = e.clone();
            rest[variable] = 0;
            found.entry(e[variable]).or_default().add(rest, c.clone());
        }
        found
    }

    fn shifted(&self, variable: usize, by: u32) -> Self {
        let moved = |e: &Vec<u32>| {
            let mut e = e.clone();
            e[variable] += by;
            e
        };
        Self { terms: self.terms.iter().map(|(e, c)| (moved(e), c.clone())).collect() }
    }

    /// The greatest common divisor, with a positive leading coefficient. Most pairs share no variable's factor, which one image over a prime field shows ([`modular::are_coprime_in`]); else from values at a large integer, checked by division; else by primitive remainders.
    pub(super) fn gcd(&self, other: &Self, work: &Work) -> Self {
        let positive = |x: Self| if x.is_negative() { x.negated() } else { x };
        if self.is_zero() {
            return positive(other.clone());
        }
        if other.is_zero() {
            return positive(self.clone());
        }
        let variables = self.terms.keys().next().map_or(0, Vec::len);
        if !work.takes((self.terms.len() + other.terms.len()) * variables, self.words() + other.words()) {
            return Self::integer(1, variables);
        }
        let mut shared = (0..variables).filter(|v| self.degree(*v) > 0 && other.degree(*v) > 0);
        if shared.all(|v| modular::are_coprime_in(self, other, v)) {
            return Self::integer(IBig::from((&self.content()).gcd(&other.content())), variables);
        }
        let gcd = self.gcd_from_values(other, work).unwrap_or_else(|| {
            // A common factor that is not found makes coefficients longer, not wrong; remainders of long ones take forever.
            if self.terms.len() * other.terms.len() <= REMAINDERS {
                self.gcd_by_remainders(other, work)
            } else {
                Self::integer(IBig::from((&self.content()).gcd(&other.content())), variables)
            }
        });
        positive(gcd)
    }

    /// The divisor whose value at `ξ` is the divisor of the values, `ξ` beyond twice every coefficient: its digits in base `ξ`, symmetric around zero, are its coefficients by the powers of the variable. `None` where it does not divide both, for a few `ξ`.
    fn gcd_from_values(&self, other: &Self, work: &Work) -> Option<Self> {
        let variables = self.terms.keys().next().map_or(0, Vec::len);
        // Divisors of long integers.
        let longest = |of: &Self| of.terms.values().map(words).max().unwrap_or(0);
        if !work.takes(self.terms.len() + other.terms.len(), longest(self) * longest(other)) {
            return None;
        }
        let contents = [self.content(), other.content()];
        let common = Self::integer(IBig::from((&contents[0]).gcd(&contents[1])), variables);
        let Some(variable) = (0..variables).find(|v| self.degree(*v) > 0 || other.degree(*v) > 0) else {
            return Some(common);
        };
        // Digits of variables that were evaluated before are in the contents.
        let [whole, other] = [self.over(&contents[0]), other.over(&contents[1])];
        let height = |of: &Self| of.terms.values().map(|c| c.clone().unsigned_abs()).max().unwrap_or_default();
        let mut xi = IBig::from(height(&whole).min(height(&other))) * IBig::from(2) + IBig::from(29);
        for _ in 0..4 {
            if xi.bit_len() * (whole.degree(variable).max(other.degree(variable)) as usize + 1) > 1 << 18 {
                return None;
            }
            let [a, b] = [whole.at(variable, &xi, work)?, other.at(variable, &xi, work)?];
            if !a.is_zero() && !b.is_zero() {
                let value = a.gcd_from_values(&b, work)?;
                let candidate = value.with_digits(variable, &xi, work)?;
                let candidate = candidate.over(&candidate.content());
                if whole.divided(&candidate, work).is_some() && other.divided(&candidate, work).is_some() {
                    return Some(candidate.times(&common, work));
                }
            }
            xi = xi * IBig::from(73_794) / IBig::from(27_011);
        }
        None
    }

    /// The polynomial with a number in the place of a variable; `None` where no work is left.
    fn at(&self, variable: usize, value: &IBig, work: &Work) -> Option<Self> {
        let mut powers = vec![IBig::ONE];
        for k in 0..self.degree(variable) as usize {
            powers.push(&powers[k] * value);
        }
        let mut found = Self::default();
        for (exponents, c) in &self.terms {
            let mut rest = exponents.clone();
            let power = std::mem::take(&mut rest[variable]) as usize;
            if !work.takes(1, words(c) * words(&powers[power])) {
                return None;
            }
            found.add(rest, c * &powers[power]);
        }
        Some(found)
    }

    /// Coefficients written as digits in base `xi`, the digit of `xi^k` that of the variable's power `k`; `None` where no work is left.
    fn with_digits(&self, variable: usize, xi: &IBig, work: &Work) -> Option<Self> {
        let half = xi / IBig::from(2);
        let mut found = Self::default();
        for (exponents, c) in &self.terms {
            let (mut rest, mut power) = (c.clone(), 0);
            while rest != IBig::ZERO {
                if !work.takes(1, words(&rest) * words(xi)) {
                    return None;
                }
                let mut digit = &rest % xi;
                if digit > half {
                    digit -= xi;
                } else if digit < -&half {
                    digit += xi;
                }
                rest = (rest - &digit) / xi;
                let mut raised = exponents.clone();
                raised[variable] = power;
                found.add(raised, digit);
                power += 1;
            }
        }
        Some(found)
    }

    /// The greatest common divisor of its coefficients.
    fn content(&self) -> IBig {
        self.terms.values().fold(IBig::ZERO, |gcd, c| IBig::from((&gcd).gcd(c)))
    }

    /// Over a divisor of all its coefficients.
    fn over(&self, content: &IBig) -> Self {
        Self { terms: self.terms.iter().map(|(e, c)| (e.clone(), c / content)).collect() }
    }

    fn gcd_by_remainders(&self, other: &Self, work: &Work) -> Self {
        let positive = |x: Self| if x.is_negative() { x.negated() } else { x };
        let variables = self.terms.keys().next().map_or(0, Vec::len);
        if let (Some(a), Some(b)) = (self.as_integer(), other.as_integer()) {
            return Self::integer(IBig::from((&a).gcd(&b)), variables);
        }
        let variable = match (self.main_variable(), other.main_variable()) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b).unwrap_or(0),
        };
        let content = |of: &Self| of.by_power(variable).values().fold(Self::default(), |gcd, c| gcd.gcd(c, work));
        let [content_a, content_b] = [content(self), content(other)];
        let common = content_a.gcd(&content_b, work);
        if self.degree(variable) == 0 || other.degree(variable) == 0 {
            return common;
        }
        let primitive = |x: &Self, content: &Self| x.divided(content, work).unwrap_or_else(|| x.clone());
        let (mut a, mut b) = (primitive(self, &content_a), primitive(other, &content_b));
        if a.degree(variable) < b.degree(variable) {
            (a, b) = (b, a);
        }
        while !b.is_zero() && !work.is_spent() {
            let rest = a.pseudo_remainder(&b, variable, work);
            a = b;
            b = if rest.is_zero() {
                rest
            } else if rest.degree(variable) == 0 {
                return common;
            } else {
                primitive(&rest, &content(&rest))
            };
        }
        positive(a.times(&common, work))
    }

    fn pseudo_remainder(&self, divisor: &Self, variable: usize, work: &Work) -> Self {
        let degree = divisor.degree(variable);
        let leading = divisor.by_power(variable).remove(&degree).unwrap_or_default();
        let mut rest = self.clone();
        while !rest.is_zero() && rest.degree(variable) >= degree && !work.is_spent() {
            let power = rest.degree(variable);
            let first = rest.by_power(variable).remove(&power).unwrap_or_default();
            rest = rest.times(&leading, work).minus(&divisor.times(&first, work).shifted(variable, power - degree));
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: usize = 1_000_000;

    fn polynomial(terms: &[(i64, [u32; 2])]) -> Coefficient {
        let mut polynomial = Coefficient::default();
        terms.iter().for_each(|(c, e)| polynomial.add(e.to_vec(), (*c).into()));
        polynomial
    }

    #[test]
    fn divisors_of_products_are_found() {
        let work = &Work::new(ENOUGH);
        // (x + y)(x − y)·6 and (x + y)²·4.
        let (s, d) = (polynomial(&[(1, [1, 0]), (1, [0, 1])]), polynomial(&[(1, [1, 0]), (-1, [0, 1])]));
        let six = Coefficient::integer(6, 2);
        let a = s.times(&d, work).times(&six, work);
        let b = s.times(&s, work).times(&Coefficient::integer(-4, 2), work);
        assert_eq!(a.gcd(&b, work), s.times(&Coefficient::integer(2, 2), work));
        assert_eq!(b.gcd(&a, work), a.gcd(&b, work));
        assert_eq!(a.divided(&s, work).unwrap(), d.times(&six, work));
        assert_eq!(a.divided(&b, work), None);
        // (x − 3y)(x² + y + 7) and (x − 3y)(xy − 1), by both routes.
        let f = polynomial(&[(1, [1, 0]), (-3, [0, 1])]);
        let a = f.times(&polynomial(&[(1, [2, 0]), (1, [0, 1]), (7, [0, 0])]), work);
        let b = f.times(&polynomial(&[(1, [1, 1]), (-1, [0, 0])]), work);
        assert_eq!(a.gcd(&b, work), f);
        assert_eq!(a.gcd_by_remainders(&b, work), f);
        assert_eq!(polynomial(&[(6, [2, 3])]).gcd(&polynomial(&[(4, [1, 5])]), work), polynomial(&[(2, [1, 3])]));
        // x²y + 1 and y share nothing.
        assert!(polynomial(&[(1, [2, 1]), (1, [0, 0])]).gcd(&polynomial(&[(3, [0, 1])]), work).is_unit());
        assert_eq!(polynomial(&[(2, [0, 1])]).gcd(&Coefficient::default(), work), polynomial(&[(2, [0, 1])]));
    }
    /// Who looks at [`Work::is_spent`] takes nothing unfinished for a result, wherever the work has ended.
    #[test]
    fn results_are_finished_or_work_is_spent() {
        let linear = |k: i64| polynomial(&[(1, [1, 0]), (k, [0, 1]), (k * k + 1, [0, 0])]);
        let all = Work::new(ENOUGH);
        let product = |of: &[i64], work: &Work| {
            of.iter().fold(Coefficient::integer(1, 2), |product, k| product.times(&linear(*k), work))
        };
        let results = |work: &Work| {
            let (a, b) = (product(&[1, -2, 3, 5], work), product(&[-2, 4, 5, -7], work));
            let gcd = a.gcd(&b, work);
            (a.divided(&gcd, work), gcd)
        };
        let (quotient, gcd) = results(&all);
        assert_eq!((quotient.as_ref(), &gcd), (Some(&product(&[1, 3], &all)), &product(&[-2, 5], &all)));
        let mut spent = 0;
        for units in (0..ENOUGH - all.left()).step_by(7) {
            let work = Work::new(units);
            let found = results(&work);
            assert!(work.is_spent() || found == (quotient.clone(), gcd.clone()));
            spent += usize::from(work.is_spent());
        }
        assert!(spent > 10);
    }
}

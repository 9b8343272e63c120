//! Polynomials with rational coefficients over numbered symbols, with rational exponents: the ground that normal forms stand on.

use dashu_ratio::RBig;
use std::collections::BTreeMap;

/// A number of a symbol.
pub(crate) type Symbol = usize;

/// Magnitudes of numerators of exponents stay below.
const MOST: i64 = 1 << 40;

/// An exponent `numerator/denominator` in lowest terms, denominator positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Exponent {
    numerator: i64,
    denominator: i64,
}

impl Exponent {
    /// An integer exponent.
    pub(crate) fn integer(n: i64) -> Self {
        Self { numerator: n, denominator: 1 }
    }

    /// `n/d`, or `None` where it does not fit.
    pub(crate) fn of(value: &RBig) -> Option<Self> {
        let numerator = i64::try_from(value.numerator().clone()).ok()?;
        let denominator = i64::try_from(value.denominator().clone()).ok()?;
        (numerator.abs() < MOST && denominator < 1 << 20).then_some(Self { numerator, denominator })
    }

    /// The integer it is, if it is one.
    pub(crate) fn as_integer(self) -> Option<i64> {
        (self.denominator == 1).then_some(self.numerator)
    }

    /// Its denominator.
    pub(crate) fn denominator(self) -> i64 {
        self.denominator
    }

    /// As a rational number.
    pub(crate) fn to_rational(self) -> RBig {
        RBig::from_parts(self.numerator.into(), (self.denominator as u64).into())
    }

    /// The sum; [`Self::LOST`] where it does not fit.
    fn plus(self, other: Self) -> Self {
        if self.is_lost() || other.is_lost() {
            return Self::LOST;
        }
        if self.denominator == 1 && other.denominator == 1 {
            let sum = self.numerator + other.numerator;
            return if sum.abs() < MOST { Self::integer(sum) } else { Self::LOST };
        }
        Self::of(&(self.to_rational() + other.to_rational())).unwrap_or(Self::LOST)
    }

    /// An exponent that was too large: what contains it is no polynomial, and every result that meets it is an error.
    const LOST: Self = Self { numerator: i64::MAX, denominator: 1 };

    /// Whether it is [`Self::LOST`].
    pub(crate) fn is_lost(self) -> bool {
        self == Self::LOST
    }
}

/// A product of powers, symbols ascending, no exponent zero.
pub(crate) type Monomial = Vec<(Symbol, Exponent)>;

/// The product of two monomials.
pub(crate) fn multiplied(a: &Monomial, b: &Monomial) -> Monomial {
    let (mut out, mut i, mut j) = (Vec::with_capacity(a.len() + b.len()), 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].0.cmp(&b[j].0) {
            std::cmp::Ordering::Less => (out.push(a[i]), i += 1).1,
            std::cmp::Ordering::Greater => (out.push(b[j]), j += 1).1,
            std::cmp::Ordering::Equal => {
                let exponent = a[i].1.plus(b[j].1);
                if exponent.numerator != 0 {
                    out.push((a[i].0, exponent));
                }
                (i, j) = (i + 1, j + 1);
            }
        }
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out
}

/// A sum of monomials with coefficients that are not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Polynomial {
    /// By monomial.
    pub(crate) terms: BTreeMap<Monomial, RBig>,
}

impl Polynomial {
    /// A number.
    pub(crate) fn number(value: RBig) -> Self {
        Self::term(Vec::new(), value)
    }

    /// One.
    pub(crate) fn one() -> Self {
        Self::number(RBig::ONE)
    }

    /// A symbol.
    pub(crate) fn symbol(symbol: Symbol) -> Self {
        Self::term(vec![(symbol, Exponent::integer(1))], RBig::ONE)
    }

    /// One term.
    pub(crate) fn term(monomial: Monomial, coefficient: RBig) -> Self {
        let mut polynomial = Self::default();
        polynomial.add(monomial, coefficient);
        polynomial
    }

    /// Whether it is zero as a polynomial.
    pub(crate) fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// The number it is, if it is one.
    pub(crate) fn as_number(&self) -> Option<RBig> {
        match self.terms.len() {
            0 => Some(RBig::ZERO),
            1 => self.terms.get(&Vec::new()).cloned(),
            _ => None,
        }
    }

    /// Adds a term.
    pub(crate) fn add(&mut self, monomial: Monomial, coefficient: RBig) {
        if coefficient == RBig::ZERO {
            return;
        }
        match self.terms.entry(monomial) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(coefficient);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let sum = entry.get() + coefficient;
                if sum == RBig::ZERO {
                    entry.remove();
                } else {
                    *entry.get_mut() = sum;
                }
            }
        }
    }

    /// `self + factor·other`.
    pub(crate) fn plus(mut self, other: &Self, factor: &RBig) -> Self {
        for (monomial, coefficient) in &other.terms {
            self.add(monomial.clone(), coefficient * factor);
        }
        self
    }

    /// `factor·self`.
    pub(crate) fn scaled(&self, factor: &RBig) -> Self {
        Self::default().plus(self, factor)
    }

    /// All symbols with the largest magnitude of their exponents.
    pub(crate) fn symbols(&self) -> BTreeMap<Symbol, Exponent> {
        let mut found = BTreeMap::new();
        for (symbol, exponent) in self.terms.keys().flatten() {
            let largest = found.entry(*symbol).or_insert(*exponent);
            if exponent.to_rational() > largest.to_rational() {
                *largest = *exponent;
            }
        }
        found
    }

    /// The coefficient of the first monomial.
    pub(crate) fn leading(&self) -> Option<&RBig> {
        self.terms.values().next()
    }
}

//! Enclosures of arbitrary precision: closed intervals with dyadic endpoints, every operation rounded outward.
//!
//! Endpoints are exact dyadic numbers `m·2^e` with integer `m`. An operation computes its endpoints exactly (sums, products) or by integer division and integer square root with
//! remainder, then rounds the lower one down and the upper one up to the precision. So the result contains every value of the operation on members of the operands:
//! the only arithmetic that is trusted is that of integers.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::dyadic::Dyadic;
use dashu_int::{IBig, UBig};
use moe_kernels::Real;

/// A closed interval that holds a real number, or the whole line where nothing is known (after a division by an interval that holds zero).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ball {
    ends: Option<[Dyadic; 2]>,
    precision: usize,
}

impl Ball {
    /// An integer, exact, for computations with `precision` bits.
    pub(crate) fn integer(value: i64, precision: usize) -> Self {
        Self::point(Dyadic::new(value.into(), 0), precision)
    }

    pub(super) fn point(value: Dyadic, precision: usize) -> Self {
        Self { ends: Some([value.clone(), value]), precision }
    }

    /// `numerator/denominator`.
    pub(crate) fn rational(numerator: &IBig, denominator: &UBig, precision: usize) -> Self {
        let whole = |n: IBig| Self::point(Dyadic::new(n, 0), precision);
        whole(numerator.clone()) / whole(denominator.clone().into())
    }

    /// `[low, high]`, `low ≤ high`.
    pub(super) fn between(low: Dyadic, high: Dyadic, precision: usize) -> Self {
        Self { ends: (low <= high).then_some([low, high]), precision }
    }

    /// The whole line.
    pub(super) fn whole(precision: usize) -> Self {
        Self { ends: None, precision }
    }

    /// Bits that its operations keep.
    pub(crate) fn precision(&self) -> usize {
        self.precision
    }

    /// Whether it is the number zero.
    pub(crate) fn is_zero(&self) -> bool {
        matches!(&self.ends, Some([low, high]) if low.is_zero() && high.is_zero())
    }

    /// The least interval that contains both.
    pub(crate) fn hull(&self, other: &Self) -> Self {
        let precision = self.precision.max(other.precision);
        let ends = self.ends().zip(other.ends()).map(|([a, b], [c, d])| [a.min(c).clone(), b.max(d).clone()]);
        Self { ends, precision }
    }

    /// The larger one of both numbers.
    pub(crate) fn max(&self, other: &Self) -> Self {
        let precision = self.precision.max(other.precision);
        let ends = self.ends().zip(other.ends()).map(|([a, b], [c, d])| [a.max(c).clone(), b.max(d).clone()]);
        Self { ends, precision }
    }

    /// A number near the middle; `None` for the whole line.
    pub(super) fn middle(&self) -> Option<Self> {
        let [low, high] = self.ends()?;
        Some(Self::point(low.sum(high, self.precision, false).shifted(-1), self.precision))
    }

    /// The least magnitude of its numbers; `None` where zero may be one.
    pub(crate) fn least_magnitude(&self) -> Option<Dyadic> {
        let [low, high] = self.ends()?;
        match self.sign()? {
            true => Some(low.clone()),
            false => Some(-high),
        }
    }

    /// The sign of every number in it: `None` where zero or both signs are in it.
    pub(crate) fn sign(&self) -> Option<bool> {
        match self.ends()? {
            [low, _] if !low.is_negative() && !low.is_zero() => Some(true),
            [_, high] if high.is_negative() => Some(false),
            _ => None,
        }
    }

    /// The ends; `None` for the whole line.
    pub(super) fn ends(&self) -> Option<[&Dyadic; 2]> {
        self.ends.as_ref().map(|[low, high]| [low, high])
    }

    /// An interval of floats that contains this one; `None` for the whole line.
    pub(crate) fn outer(&self) -> Option<[f64; 2]> {
        // A subnormal result of the conversion may have been rounded once more: one step outward.
        self.ends().map(|[low, high]| [low.to_f64(false).next_down(), high.to_f64(true).next_up()])
    }

    /// Whether the number is certainly at most the other one.
    pub(super) fn is_at_most(&self, other: &Self) -> bool {
        matches!((self.ends(), other.ends()), (Some([_, high]), Some([low, _])) if high <= low)
    }

    /// Whether the number certainly lies in the closed interval (`true`), certainly outside (`false`), or neither.
    pub(super) fn is_in(&self, low: &Dyadic, high: &Dyadic) -> Option<bool> {
        let [from, to] = self.ends()?;
        if low <= from && to <= high {
            Some(true)
        } else if to < low || high < from {
            Some(false)
        } else {
            None
        }
    }

    /// `|x|`.
    pub(crate) fn abs(&self) -> Self {
        let ends = self.ends().map(|[low, high]| {
            if low.is_negative() && !high.is_negative() {
                [Dyadic::zero(), (-low).max(high.clone())]
            } else if low.is_negative() {
                [-high, -low]
            } else {
                [low.clone(), high.clone()]
            }
        });
        Self { ends, precision: self.precision }
    }

    /// The number widened by `±error`, `error ≥ 0`.
    pub(super) fn widened(&self, error: &Self) -> Self {
        let (low, high) = (self.clone() - error, self.clone() + error);
        let ends = low.ends.zip(high.ends).map(|([low, _], [_, high])| [low, high]);
        Self { ends, precision: self.precision }
    }

    /// `√x`; the part of the interval below zero is cut off (the root is asked of a number known not to be negative), the whole line stays.
    pub(crate) fn sqrt(&self) -> Self {
        let ends = self.ends().map(|[low, high]| [low.root(self.precision, false), high.root(self.precision, true)]);
        Self { ends, precision: self.precision }
    }

    /// The interval `f` makes of the ends; the whole line from the whole line, or where `f` knows nothing.
    pub(super) fn map_ends(&self, f: impl FnOnce(&Dyadic, &Dyadic) -> Option<[Dyadic; 2]>) -> Self {
        Self { ends: self.ends().and_then(|[low, high]| f(low, high)), precision: self.precision }
    }

    fn binary(self, other: &Self, ends: impl FnOnce(&[Dyadic; 2], &[Dyadic; 2]) -> Option<[Dyadic; 2]>) -> Self {
        let precision = self.precision.max(other.precision);
        let ends = self.ends.as_ref().zip(other.ends.as_ref()).and_then(|(a, b)| ends(a, b));
        // Exponents stay far from where their sums would leave the machine's integers: beyond, nothing is known.
        let ends = ends.filter(|ends| ends.iter().all(|end| end.size().abs() < 1 << 40));
        Self { ends: ends.map(|[low, high]| [low.rounded(precision, false), high.rounded(precision, true)]), precision }
    }
}

impl Neg for Ball {
    type Output = Self;
    fn neg(self) -> Self {
        Self { ends: self.ends.map(|[low, high]| [-&high, -&low]), precision: self.precision }
    }
}

impl Add<&Self> for Ball {
    type Output = Self;
    fn add(self, other: &Self) -> Self {
        let precision = self.precision.max(other.precision);
        self.binary(other, |a, b| Some([a[0].sum(&b[0], precision, false), a[1].sum(&b[1], precision, true)]))
    }
}

impl Sub<&Self> for Ball {
    type Output = Self;
    fn sub(self, other: &Self) -> Self {
        let precision = self.precision.max(other.precision);
        self.binary(other, |a, b| Some([a[0].sum(&-&b[1], precision, false), a[1].sum(&-&b[0], precision, true)]))
    }
}

/// Ends of the product: monotone in each factor, so its extremes are at corners; which ones is clear where both signs are.
fn product(a: &[Dyadic; 2], b: &[Dyadic; 2]) -> [Dyadic; 2] {
    let negated = |[low, high]: &[Dyadic; 2]| [-high, -low];
    if a[1].is_negative() {
        return negated(&product(&negated(a), b));
    }
    if b[1].is_negative() {
        return negated(&product(a, &negated(b)));
    }
    if !a[0].is_negative() && !b[0].is_negative() {
        return [&a[0] * &b[0], &a[1] * &b[1]];
    }
    let [w, x, y, z] = [&a[0] * &b[0], &a[0] * &b[1], &a[1] * &b[0], &a[1] * &b[1]];
    let low = (&w).min(&x).min(&y).min(&z).clone();
    [low, w.max(x).max(y).max(z)]
}

impl Mul<&Self> for Ball {
    type Output = Self;
    fn mul(self, other: &Self) -> Self {
        self.binary(other, |a, b| Some(product(a, b)))
    }
}

/// Ends of a quotient by what is positive.
fn quotient(a: &[Dyadic; 2], b: &[Dyadic; 2], precision: usize) -> [Dyadic; 2] {
    let low = &b[usize::from(!a[0].is_negative())];
    let high = &b[usize::from(a[1].is_negative())];
    [a[0].quotient(low, precision, false), a[1].quotient(high, precision, true)]
}

impl Div<&Self> for Ball {
    type Output = Self;
    fn div(self, other: &Self) -> Self {
        let precision = self.precision.max(other.precision);
        self.binary(other, |a, b| {
            let holds_zero =
                !(b[0].is_negative() && b[1].is_negative()) && (b[0].is_negative() || b[0].is_zero() || b[1].is_zero());
            if holds_zero {
                return None;
            }
            // a/b = (−a)/(−b). By a positive divisor: rising in a, and in b falling where a is positive, rising where it is negative.
            if b[1].is_negative() {
                let [low, high] = [-&a[1], -&a[0]];
                return Some(quotient(&[low, high], &[-&b[1], -&b[0]], precision));
            }
            Some(quotient(a, b, precision))
        })
    }
}

macro_rules! owned {
    ($($operation:ident $method:ident),*) => {$(
        impl $operation for Ball {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                $operation::$method(self, &other)
            }
        }
    )*};
}
owned!(Add add, Sub sub, Mul mul, Div div);

impl Real for Ball {
    fn ratio(&self, numerator: i64, denominator: i64) -> Self {
        Self::integer(numerator, self.precision) / Self::integer(denominator, self.precision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BITS: usize = 100;

    fn float(value: f64, precision: usize) -> Ball {
        Ball { ends: Dyadic::from_f64(value).map(|x| [x.clone(), x]), precision }
    }

    fn ball(low: f64, high: f64) -> Ball {
        Ball { ends: Some([low, high].map(|x| Dyadic::from_f64(x).unwrap())), precision: BITS }
    }

    fn holds(ball: &Ball, value: &Dyadic) -> bool {
        ball.ends().is_none_or(|[low, high]| low <= value && value <= high)
    }

    /// A generator of moderate dyadic numbers, some equal, some zero.
    fn numbers() -> Vec<f64> {
        let mut x = 12345_u64;
        (0..40)
            .map(|i| {
                x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                if i % 13 == 0 { 0.0 } else { ((x >> 40) as f64 - 8_388_608.0) * 2f64.powi(i % 9 - 30) }
            })
            .collect()
    }

    /// Exact members of the operands give members of the result: sums, products, and quotients checked by multiplying back.
    #[test]
    fn operations_contain_what_they_enclose() {
        let numbers = numbers();
        for pair in numbers.chunks(2) {
            let a = ball(pair[0].min(pair[1]), pair[0].max(pair[1]));
            for other in numbers.chunks(3).filter(|c| c.len() == 3) {
                let b = ball(other[0].min(other[1]), other[0].max(other[1]));
                let quotient = a.clone() / &b;
                for x in [pair[0], 0.5 * (pair[0] + pair[1])].map(|x| Dyadic::from_f64(x).unwrap()) {
                    for y in [other[1], 0.5 * (other[0] + other[1])].map(|x| Dyadic::from_f64(x).unwrap()) {
                        assert!(holds(&(a.clone() + &b), &(&x + &y)));
                        assert!(holds(&(a.clone() - &b), &(&x + &-&y)));
                        assert!(holds(&(a.clone() * &b), &(&x * &y)));
                        // x/y ∈ Q would give x ∈ Q·y.
                        assert!(holds(&(quotient.clone() * &Ball::point(y.clone(), BITS)), &x));
                    }
                }
            }
        }
    }

    /// Rounding is outward on both sides of zero, and one unit wide at most.
    #[test]
    fn directed_rounding() {
        for value in [1.0_f64, -1.0, 3.0, -3.0] {
            let third = float(value, 20) / Ball::integer(7, 20);
            let [low, high] = third.ends().unwrap();
            let seven = Dyadic::new(7.into(), 0);
            let exact = Dyadic::from_f64(value).unwrap();
            assert!((low * &seven) < exact && exact < (high * &seven));
            assert!(third.outer().unwrap()[1] - third.outer().unwrap()[0] < 1e-5);
        }
    }

    #[test]
    fn a_division_by_an_interval_that_holds_zero_knows_nothing() {
        for divisor in [ball(-1.0, 1.0), ball(0.0, 1.0), ball(-1.0, 0.0), ball(0.0, 0.0)] {
            assert_eq!((ball(1.0, 2.0) / divisor).ends(), None);
        }
        assert!((ball(1.0, 2.0) / ball(-2.0, -1.0)).ends().is_some());
        assert_eq!((float(f64::NAN, BITS) + Ball::integer(1, BITS)).ends(), None);
    }

    /// e and √2 to 100 bits (literals of 40 digits), the functional equation, monotony, and large arguments.
    #[test]
    fn exponentials_and_roots() {
        let digits = |numerator: &str, places: usize, precision: usize| {
            let top = Ball::point(Dyadic::new(numerator.parse::<IBig>().unwrap(), 0), precision);
            (0..places).fold(top, |x, _| x / Ball::integer(10, precision))
        };
        let e = digits("2718281828459045235360287471352662497757", 39, 200);
        let found = Ball::integer(1, BITS).exp();
        let difference = (found.clone() - &e).abs();
        assert!(difference.outer().unwrap()[1] < 1e-29, "{difference:?}");
        let root = digits("1414213562373095048801688724209698078569", 39, 200);
        assert!((Ball::integer(2, BITS).sqrt() - root).abs().outer().unwrap()[1] < 1e-29);
        for x in [-200.0, -3.25, 0.0, 1e-9, 0.5, 20.0, 300.0] {
            let product = float(x, BITS).exp() * float(-x, BITS).exp();
            assert!(holds(&product, &Dyadic::new(1.into(), 0)), "{x}");
            let [low, high] = float(x, BITS).exp().outer().unwrap();
            assert!(low <= x.exp() * (1.0 + 1e-15) && x.exp() * (1.0 - 1e-15) <= high && high - low <= 1e-14 * high);
        }
        assert_eq!(Ball::integer(9, BITS).sqrt(), Ball::integer(3, BITS));
    }
}

//! Enclosures of arbitrary precision: closed intervals with dyadic endpoints, every operation rounded outward.
//!
//! Endpoints are exact dyadic numbers `m·2^e` with integer `m`. An operation computes its endpoints exactly (sums, products) or by integer division and integer square root with
//! remainder, then rounds the lower one down and the upper one up to the precision. So the result contains every value of the operation on members of the operands:
//! the only arithmetic that is trusted is that of integers.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};

use dashu_int::{IBig, UBig};
use moe_kernels::Real;

/// `mantissa·2^exponent`, exact; the mantissa is odd or zero (then the exponent is zero), so equal numbers are equal pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dyadic {
    mantissa: IBig,
    exponent: i64,
}

impl Dyadic {
    pub(super) fn new(mantissa: IBig, exponent: i64) -> Self {
        match mantissa.trailing_zeros() {
            None => Self { mantissa: IBig::ZERO, exponent: 0 },
            Some(zeros) => Self { mantissa: mantissa >> zeros, exponent: exponent + zeros as i64 },
        }
    }

    pub(super) fn zero() -> Self {
        Self::new(IBig::ZERO, 0)
    }

    /// The exact value of a finite float; `None` for NaN and infinities.
    pub(super) fn from_f64(x: f64) -> Option<Self> {
        if !x.is_finite() {
            return None;
        }
        let bits = x.to_bits();
        let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
        // Subnormals have no hidden bit and the exponent of the smallest normal number.
        let mantissa = IBig::from(if exponent == 0 { fraction } else { fraction | 1 << 52 });
        Some(Self::new(if x < 0.0 { -mantissa } else { mantissa }, exponent.max(1) - 1075))
    }

    /// The nearest-below or nearest-above float of moderate size: `2^53` significant bits, rounded in the direction given.
    pub(super) fn to_f64(&self, up: bool) -> f64 {
        let rounded = self.rounded(53, up);
        let mantissa = i64::try_from(&rounded.mantissa).unwrap_or(0) as f64;
        // Two factors, so that no intermediate power leaves the range of floats before the product does.
        let half = (rounded.exponent / 2).clamp(-1000, 1000) as i32;
        let rest = (rounded.exponent - i64::from(half)).clamp(-1000, 1000) as i32;
        mantissa * 2f64.powi(half) * 2f64.powi(rest)
    }

    fn bits(&self) -> usize {
        use dashu_int::ops::BitTest;
        self.mantissa.clone().into_parts().1.bit_len()
    }

    /// Rounded to `precision` bits, down or up.
    fn rounded(&self, precision: usize, up: bool) -> Self {
        let surplus = self.bits().saturating_sub(precision);
        if surplus == 0 {
            return self.clone();
        }
        Self::new(shifted_right(&self.mantissa, surplus, up), self.exponent + surplus as i64)
    }

    fn is_zero(&self) -> bool {
        self.mantissa == IBig::ZERO
    }

    fn is_negative(&self) -> bool {
        self.mantissa < IBig::ZERO
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = digits.strip_prefix("0x")?.split_once('p')?;
        let allowed = mantissa.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let mantissa = IBig::from(UBig::from_str_radix(mantissa, 16).ok().filter(|_| allowed)?);
        let exponent: i64 = exponent.parse().ok().filter(|e: &i64| e.abs() < 1 << 20)?;
        let number = Self::new(if negative { -mantissa } else { mantissa }, exponent);
        // One text for one number: what is not written as we would write it was not written by us.
        (number.to_string() == text).then_some(number)
    }
}

/// `⌊m/2^s⌋` or `⌈m/2^s⌉`, from the magnitude, so that nothing is assumed of shifts of negative numbers.
fn shifted_right(m: &IBig, s: usize, up: bool) -> IBig {
    let negative = *m < IBig::ZERO;
    let magnitude = m.clone().into_parts().1;
    let quotient = &magnitude >> s;
    let exact = &quotient << s == magnitude;
    // Away from zero exactly when rounding up a positive or down a negative number.
    let quotient = if exact || negative == up { quotient } else { quotient + UBig::ONE };
    if negative { -IBig::from(quotient) } else { IBig::from(quotient) }
}

/// `0x<hexadecimal mantissa>p<exponent of two>`: exact both ways.
impl fmt::Display for Dyadic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        write!(f, "{sign}0x{:x}p{}", self.mantissa.clone().into_parts().1, self.exponent)
    }
}

impl PartialOrd for Dyadic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dyadic {
    fn cmp(&self, other: &Self) -> Ordering {
        (self + &-other).mantissa.cmp(&IBig::ZERO)
    }
}

impl Neg for &Dyadic {
    type Output = Dyadic;
    fn neg(self) -> Dyadic {
        Dyadic { mantissa: -self.mantissa.clone(), exponent: self.exponent }
    }
}

impl Add for &Dyadic {
    type Output = Dyadic;
    fn add(self, other: &Dyadic) -> Dyadic {
        if self.is_zero() || other.is_zero() {
            return if self.is_zero() { other.clone() } else { self.clone() };
        }
        let exponent = self.exponent.min(other.exponent);
        let aligned = |x: &Dyadic| &x.mantissa << (x.exponent - exponent) as usize;
        Dyadic::new(aligned(self) + aligned(other), exponent)
    }
}

impl Mul for &Dyadic {
    type Output = Dyadic;
    fn mul(self, other: &Dyadic) -> Dyadic {
        Dyadic::new(&self.mantissa * &other.mantissa, self.exponent + other.exponent)
    }
}

/// A closed interval that holds a real number, or the whole line where nothing is known (after a division by an interval that holds zero).
#[derive(Clone, Debug, PartialEq)]
pub struct Ball {
    ends: Option<[Dyadic; 2]>,
    precision: usize,
}

impl Ball {
    /// An integer, exact, for computations with `precision` bits.
    pub fn integer(value: i64, precision: usize) -> Self {
        Self::point(Dyadic::new(value.into(), 0), precision)
    }

    /// A finite float, exact; the whole line for NaN and infinities.
    pub fn from_f64(value: f64, precision: usize) -> Self {
        match Dyadic::from_f64(value) {
            Some(value) => Self::point(value, precision),
            None => Self { ends: None, precision },
        }
    }

    pub(super) fn point(value: Dyadic, precision: usize) -> Self {
        Self { ends: Some([value.clone(), value]), precision }
    }

    /// The ends; `None` for the whole line.
    pub(super) fn ends(&self) -> Option<[&Dyadic; 2]> {
        self.ends.as_ref().map(|[low, high]| [low, high])
    }

    /// An interval of floats that contains this one; `None` for the whole line.
    pub fn outer(&self) -> Option<[f64; 2]> {
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
    pub(super) fn abs(&self) -> Self {
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
    pub(super) fn sqrt(&self) -> Self {
        let root = |x: &Dyadic, up: bool| {
            if x.is_negative() || x.is_zero() {
                return Dyadic::zero();
            }
            // m 2^e = M 2^{2f} with 2·precision bits or more in M: ⌊√M⌋ 2^f ≤ √x < (⌊√M⌋ + 1) 2^f.
            let wanted = (2 * self.precision + 2).saturating_sub(x.bits());
            let shift = wanted + usize::from((x.exponent - wanted as i64).rem_euclid(2) == 1);
            let scaled = x.mantissa.clone().into_parts().1 << shift;
            let floor = integer_root(&scaled);
            let exact = &floor * &floor == scaled;
            let value = if up && !exact { floor + UBig::ONE } else { floor };
            Dyadic::new(value.into(), (x.exponent - shift as i64) / 2).rounded(self.precision, up)
        };
        let ends = self.ends().map(|[low, high]| [root(low, false), root(high, true)]);
        Self { ends, precision: self.precision }
    }

    /// `e^x`.
    ///
    /// With `r = x/2^k`, `|r| ≤ 2^{−8}`: `e^r = Σ_{i<n} rⁱ/i! + R`, `|R| ≤ Σ_{i≥n} |r|ⁱ/i! ≤ 2|r|ⁿ/n!`, then `k` squarings. Monotone, so each end apart.
    pub(super) fn exp(&self) -> Self {
        let of_end = |x: &Dyadic| -> Self {
            let size = x.bits() as i64 + x.exponent;
            let halvings = (size + 8).max(0);
            // Squaring doubles relative errors: k more bits, and some.
            let precision = self.precision + halvings as usize + 32;
            let r = Self::point(Dyadic::new(x.mantissa.clone(), x.exponent - halvings), precision);
            let (mut term, mut sum) = (Self::integer(1, precision), Self::integer(0, precision));
            let mut n = 0;
            // |r| ≤ 2^{-8}: each term is at least 8 bits smaller than the one before.
            while n * 8 < precision as i64 + 16 {
                sum = sum + &term;
                n += 1;
                term = term * &r / Self::integer(n, precision);
            }
            let mut power = sum.widened(&(term.abs() + term.abs()));
            for _ in 0..halvings {
                power = power.clone() * &power;
            }
            power
        };
        let ends = self.ends().and_then(|[low, high]| {
            let ([from, _], [_, to]) = (of_end(low).ends?, of_end(high).ends?);
            Some([from.rounded(self.precision, false), to.rounded(self.precision, true)])
        });
        Self { ends, precision: self.precision }
    }

    fn binary(self, other: &Self, ends: impl FnOnce(&[Dyadic; 2], &[Dyadic; 2]) -> Option<[Dyadic; 2]>) -> Self {
        let precision = self.precision.max(other.precision);
        let ends = self.ends.as_ref().zip(other.ends.as_ref()).and_then(|(a, b)| ends(a, b));
        Self { ends: ends.map(|[low, high]| [low.rounded(precision, false), high.rounded(precision, true)]), precision }
    }
}

/// `⌊√m⌋` by Newton's iteration from above: it falls until it stops, and then it is the floor.
fn integer_root(m: &UBig) -> UBig {
    use dashu_int::ops::BitTest;
    if *m == UBig::ZERO {
        return UBig::ZERO;
    }
    let mut x = UBig::ONE << m.bit_len().div_ceil(2);
    loop {
        let next: UBig = (&x + m / &x) >> 1usize;
        if next >= x {
            return x;
        }
        x = next;
    }
}

/// `⌊a/b⌋` or `⌈a/b⌉` of dyadic numbers to `precision` bits, `b ≠ 0`.
fn quotient(a: &Dyadic, b: &Dyadic, precision: usize, up: bool) -> Dyadic {
    let negative = a.is_negative() != b.is_negative();
    let (numerator, denominator) = (a.mantissa.clone().into_parts().1, b.mantissa.clone().into_parts().1);
    let shift = (precision + 2 + b.bits()).saturating_sub(a.bits());
    let scaled = numerator << shift;
    let floor = &scaled / &denominator;
    let exact = &floor * &denominator == scaled;
    let magnitude = if exact || negative == up { floor } else { floor + UBig::ONE };
    let mantissa = if negative { -IBig::from(magnitude) } else { IBig::from(magnitude) };
    Dyadic::new(mantissa, a.exponent - b.exponent - shift as i64).rounded(precision, up)
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
        self.binary(other, |a, b| Some([&a[0] + &b[0], &a[1] + &b[1]]))
    }
}

impl Sub<&Self> for Ball {
    type Output = Self;
    fn sub(self, other: &Self) -> Self {
        self.binary(other, |a, b| Some([&a[0] + &-&b[1], &a[1] + &-&b[0]]))
    }
}

impl Mul<&Self> for Ball {
    type Output = Self;
    fn mul(self, other: &Self) -> Self {
        // A product is monotone in each factor, so its extremes are at corners.
        self.binary(other, |a, b| {
            let corners = [&a[0] * &b[0], &a[0] * &b[1], &a[1] * &b[0], &a[1] * &b[1]];
            Some([corners.iter().min()?.clone(), corners.iter().max()?.clone()])
        })
    }
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
            let corners = |up: bool| {
                [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(i, j): (usize, usize)| quotient(&a[i], &b[j], precision, up))
            };
            Some([corners(false).into_iter().min()?, corners(true).into_iter().max()?])
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
            let third = Ball::from_f64(value, 20) / Ball::integer(7, 20);
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
        assert_eq!((Ball::from_f64(f64::NAN, BITS) + Ball::integer(1, BITS)).ends(), None);
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
            let product = Ball::from_f64(x, BITS).exp() * Ball::from_f64(-x, BITS).exp();
            assert!(holds(&product, &Dyadic::new(1.into(), 0)), "{x}");
            let [low, high] = Ball::from_f64(x, BITS).exp().outer().unwrap();
            assert!(low <= x.exp() * (1.0 + 1e-15) && x.exp() * (1.0 - 1e-15) <= high && high - low <= 1e-14 * high);
        }
        assert_eq!(Ball::integer(9, BITS).sqrt(), Ball::integer(3, BITS));
    }

    /// Text and floats come back exactly; other spellings of a number are refused.
    #[test]
    fn numbers_are_written_exactly() {
        for x in [0.0, 1.0, -0.1, 1e300, -1e-300, f64::MIN_POSITIVE / 8.0] {
            let exact = Dyadic::from_f64(x).unwrap();
            assert_eq!(Dyadic::parse(&exact.to_string()), Some(exact.clone()), "{x}");
            if x.abs() > 1e-290 || x == 0.0 {
                assert_eq!((exact.to_f64(false), exact.to_f64(true)), (x, x));
            }
        }
        for text in
            ["", "1", "0x", "0x1", "0x2p0", "0x1p", "0x1p01", "0X1p0", "0x1p9999999", "--0x1p0", "0xAp0", " 0x1p0"]
        {
            assert_eq!(Dyadic::parse(text), None, "{text}");
        }
    }
}

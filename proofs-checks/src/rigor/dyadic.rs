//! Exact dyadic numbers, and their roots and quotients rounded in a stated direction. Only the arithmetic of integers is trusted.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Mul, Neg};

use dashu_int::ops::{BitTest, DivRem};
use dashu_int::{IBig, UBig, Word};

/// `mantissa·2^exponent`, exact; the mantissa is odd or zero (then the exponent is zero), so equal numbers are equal pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dyadic {
    mantissa: IBig,
    exponent: i64,
}

impl Dyadic {
    pub(super) fn new(mantissa: IBig, exponent: i64) -> Self {
        match mantissa.trailing_zeros() {
            None => Self { mantissa: IBig::ZERO, exponent: 0 },
            Some(0) => Self { mantissa, exponent },
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
        let rounded = self.clone().rounded(53, up);
        let mantissa = i64::try_from(&rounded.mantissa).unwrap_or(0) as f64;
        // Two factors, so that no intermediate power leaves the range of floats before the product does.
        let half = (rounded.exponent / 2).clamp(-1000, 1000) as i32;
        let rest = (rounded.exponent - i64::from(half)).clamp(-1000, 1000) as i32;
        mantissa * 2f64.powi(half) * 2f64.powi(rest)
    }

    /// The `s` with `2^{s−1} ≤ |x| < 2^s`; zero at zero.
    pub(super) fn size(&self) -> i64 {
        self.bits() as i64 + self.exponent
    }

    /// `x·2^by`.
    pub(super) fn shifted(&self, by: i64) -> Self {
        Self::new(self.mantissa.clone(), self.exponent + by)
    }

    /// Bits of the magnitude of the mantissa.
    fn bits(&self) -> usize {
        let words = self.mantissa.as_sign_words().1;
        words.last().map_or(0, |last| words.len() * Word::BITS as usize - last.leading_zeros() as usize)
    }

    /// Rounded to `precision` bits, down or up.
    pub(super) fn rounded(self, precision: usize, up: bool) -> Self {
        let surplus = self.bits().saturating_sub(precision);
        if surplus == 0 {
            return self;
        }
        Self::new(shifted_right(&self.mantissa, surplus, up), self.exponent + surplus as i64)
    }

    /// `self + other` rounded to `precision` bits, down or up. A number far below the last bit of the other counts as the whole of a unit there, or as nothing, in the direction asked for: no long mantissa is ever written out.
    pub(super) fn sum(&self, other: &Self, precision: usize, up: bool) -> Self {
        let (large, small) = if self.size() < other.size() { (other, self) } else { (self, other) };
        let gap = precision.max(large.bits()) as i64 + 4;
        if large.is_zero() || small.is_zero() || large.size() - small.size() <= gap {
            return (self + other).rounded(precision, up);
        }
        // |small| < 2^{size}, far below large's last bit and the last bit kept.
        let unit = Self::new(if up { 1.into() } else { (-1).into() }, large.size() - gap);
        let counts = up != small.is_negative();
        if counts { (large + &unit).rounded(precision, up) } else { large.clone().rounded(precision, up) }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa == IBig::ZERO
    }

    pub(super) fn is_negative(&self) -> bool {
        self.mantissa < IBig::ZERO
    }

    /// `√x` rounded to `precision` bits, down or up; zero for `x ≤ 0`.
    pub(super) fn root(&self, precision: usize, up: bool) -> Self {
        if self.is_negative() || self.is_zero() {
            return Self::zero();
        }
        // m 2^e = M 2^{2f} with 2·precision bits or more in M: ⌊√M⌋ 2^f ≤ √x < (⌊√M⌋ + 1) 2^f.
        let wanted = (2 * precision + 2).saturating_sub(self.bits());
        let shift = wanted + usize::from((self.exponent - wanted as i64).rem_euclid(2) == 1);
        let scaled = self.mantissa.clone().into_parts().1 << shift;
        let floor = integer_root(&scaled);
        let exact = &floor * &floor == scaled;
        let value = if up && !exact { floor + UBig::ONE } else { floor };
        Self::new(value.into(), (self.exponent - shift as i64) / 2).rounded(precision, up)
    }

    /// `self/divisor` rounded to `precision` bits, down or up; `divisor ≠ 0`.
    pub(super) fn quotient(&self, divisor: &Self, precision: usize, up: bool) -> Self {
        let negative = self.is_negative() != divisor.is_negative();
        let (numerator, denominator) = (self.mantissa.clone().into_parts().1, divisor.mantissa.clone().into_parts().1);
        let shift = (precision + 2 + divisor.bits()).saturating_sub(self.bits());
        let scaled = numerator << shift;
        let (floor, rest) = scaled.div_rem(&denominator);
        let exact = rest == UBig::ZERO;
        let magnitude = if exact || negative == up { floor } else { floor + UBig::ONE };
        let mantissa = if negative { -IBig::from(magnitude) } else { IBig::from(magnitude) };
        Self::new(mantissa, self.exponent - divisor.exponent - shift as i64).rounded(precision, up)
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
    let exact = m.trailing_zeros().is_none_or(|zeros| zeros >= s);
    let quotient = m.clone().into_parts().1 >> s;
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
        // Signs, then sizes (`2^{s−1} ≤ |x| < 2^s`), and only then a difference.
        let sign = |x: &Self| x.mantissa.cmp(&IBig::ZERO);
        let size = |x: &Self| if x.is_negative() { -x.size() } else { x.size() };
        match sign(self).cmp(&sign(other)) {
            Ordering::Equal if self.is_zero() => Ordering::Equal,
            Ordering::Equal if size(self) == size(other) => sign(&(self + &-other)),
            Ordering::Equal => size(self).cmp(&size(other)),
            order => order,
        }
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
        let (coarse, fine) = if self.exponent < other.exponent { (other, self) } else { (self, other) };
        let aligned = &coarse.mantissa << (coarse.exponent - fine.exponent) as usize;
        Dyadic::new(aligned + &fine.mantissa, fine.exponent)
    }
}

impl Mul for &Dyadic {
    type Output = Dyadic;
    fn mul(self, other: &Dyadic) -> Dyadic {
        Dyadic::new(&self.mantissa * &other.mantissa, self.exponent + other.exponent)
    }
}

/// `⌊√m⌋` by Newton's iteration from above: it falls until it stops, and then it is the floor.
fn integer_root(m: &UBig) -> UBig {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The order is that of the numbers, however it is found: against floats, both signs, equal sizes and others, zero.
    #[test]
    fn numbers_are_ordered() {
        let numbers = [0.0, 1.0, 1.5, 1.75, 2.0, 0.75, 1e-300, 1e300, f64::MIN_POSITIVE / 4.0];
        for a in numbers.iter().flat_map(|x| [*x, -x]) {
            for b in numbers.iter().flat_map(|x| [*x, -x]) {
                let exact = [a, b].map(|x| Dyadic::from_f64(x).unwrap());
                assert_eq!(exact[0].cmp(&exact[1]), a.partial_cmp(&b).unwrap(), "{a} {b}");
            }
        }
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

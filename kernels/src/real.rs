//! The number type of closed forms: what a formula may use if a proof is to reuse it.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// The operations of a closed form that must run on floats, dual numbers and enclosures alike.
///
/// `Clone`, not `Copy` (a ball of arbitrary precision owns memory); no order (an enclosure has none); no fused
/// multiply-add (its rounding has no counterpart in the other types). Constants are rationals made from a sample value,
/// because a ball takes its precision from there.
///
/// ```
/// use moe_kernels::Real;
/// fn he3<R: Real>(a: &R) -> R {
///     a.powi(3) - a.ratio(3, 1) * a
/// }
/// assert_eq!(he3(&2.0), 2.0);
/// ```
pub trait Real:
    Clone
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + for<'a> Add<&'a Self, Output = Self>
    + for<'a> Sub<&'a Self, Output = Self>
    + for<'a> Mul<&'a Self, Output = Self>
    + for<'a> Div<&'a Self, Output = Self>
{
    /// `numerator/denominator` in the type (and the precision) of `self`; the value of `self` is not used.
    fn ratio(&self, numerator: i64, denominator: i64) -> Self;

    /// `self^exponent`, `x⁰ = 1`, by repeated squaring. An enclosure overrides it where even powers are tighter.
    fn powi(&self, exponent: u32) -> Self {
        let mut result = self.ratio(1, 1);
        for bit in (0..u32::BITS - exponent.leading_zeros()).rev() {
            result = result.clone() * &result;
            if exponent >> bit & 1 == 1 {
                result = result * self;
            }
        }
        result
    }
}

impl Real for f64 {
    fn ratio(&self, numerator: i64, denominator: i64) -> Self {
        numerator as f64 / denominator as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_agree_with_repeated_products() {
        let x = -1.25_f64;
        let mut product = 1.0;
        for n in 0..12 {
            assert_eq!(x.powi(n as i32), Real::powi(&x, n));
            assert_eq!(product, Real::powi(&x, n));
            product *= x;
        }
    }
}

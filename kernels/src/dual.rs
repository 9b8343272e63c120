//! Dual numbers `a + bε`, `ε² = 0`: directional derivatives of any closed form written over [`Real`].

use crate::Real;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A value and its derivative along one direction. `Dual<Dual<f64>>` carries second derivatives.
///
/// ```
/// use moe_kernels::{Dual, Real};
/// let x = Dual::variable(3.0);
/// assert_eq!(x.powi(2).derivative, 6.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<R> {
    /// The value `a`.
    pub value: R,
    /// The coefficient `b` of `ε`.
    pub derivative: R,
}

impl<R: Real> Dual<R> {
    /// `value + derivative·ε`.
    pub fn new(value: R, derivative: R) -> Self {
        Self { value, derivative }
    }

    /// A constant: derivative zero.
    pub fn constant(value: R) -> Self {
        let derivative = value.ratio(0, 1);
        Self { value, derivative }
    }

    /// The variable of differentiation: derivative one.
    pub fn variable(value: R) -> Self {
        let derivative = value.ratio(1, 1);
        Self { value, derivative }
    }
}

impl<R: Real> Neg for Dual<R> {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.value, -self.derivative)
    }
}

/// The owned and the borrowed form of one operation.
macro_rules! operation {
    ($operator:ident, $method:ident, |$a:ident, $b:ident| $result:expr) => {
        impl<R: Real> $operator<&Dual<R>> for Dual<R> {
            type Output = Self;
            fn $method(self, other: &Self) -> Self {
                let ($a, $b) = (self, other);
                $result
            }
        }
        impl<R: Real> $operator for Dual<R> {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                $operator::$method(self, &other)
            }
        }
    };
}

operation!(Add, add, |a, b| Dual::new(a.value + &b.value, a.derivative + &b.derivative));
operation!(Sub, sub, |a, b| Dual::new(a.value - &b.value, a.derivative - &b.derivative));
operation!(Mul, mul, |a, b| Dual::new(a.value.clone() * &b.value, a.derivative * &b.value + a.value * &b.derivative));
// (a/b)' = (a' − (a/b) b')/b
operation!(Div, div, |a, b| {
    let quotient = a.value / &b.value;
    Dual::new(quotient.clone(), (a.derivative - quotient * &b.derivative) / &b.value)
});

impl<R: Real> Real for Dual<R> {
    fn ratio(&self, numerator: i64, denominator: i64) -> Self {
        Self::constant(self.value.ratio(numerator, denominator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(x³ − 2x)/(x² + 1)`: its first two derivatives by hand at x = 2.
    #[test]
    fn rational_function_has_its_textbook_derivatives() {
        fn f<R: Real>(x: &R) -> R {
            (x.powi(3) - x.ratio(2, 1) * x) / (x.powi(2) + x.ratio(1, 1))
        }
        let first = f(&Dual::variable(2.0));
        // f' = (x⁴ + 5x² − 2)/(x² + 1)²
        assert!((first.derivative - 34.0 / 25.0).abs() < 1e-15);
        let second = f(&Dual::variable(Dual::variable(2.0)));
        // f'' = (−6x³ + 18x)/(x² + 1)³
        assert!((second.derivative.derivative - (-12.0 / 125.0)).abs() < 1e-15);
        assert_eq!(second.derivative.value, second.value.derivative);
    }
}

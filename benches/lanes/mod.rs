//! Eight numbers that are added and multiplied place by place: what a compiler vectorises by itself.

use moe_kernels::Real;
use std::ops::{Add, Div, Mul, Neg, Sub};

pub(crate) const WIDTH: usize = 8;

#[derive(Clone)]
pub(crate) struct Lanes(pub(crate) [f64; WIDTH]);

/// The owned and the borrowed form of one operation.
macro_rules! operation {
    ($operator:ident, $method:ident, $assign:tt) => {
        impl $operator<&Lanes> for Lanes {
            type Output = Self;
            #[inline(always)]
            fn $method(mut self, other: &Self) -> Self {
                for i in 0..WIDTH {
                    self.0[i] $assign other.0[i];
                }
                self
            }
        }
        impl $operator for Lanes {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                $operator::$method(self, &other)
            }
        }
    };
}

operation!(Add, add, +=);
operation!(Sub, sub, -=);
operation!(Mul, mul, *=);
operation!(Div, div, /=);

impl Neg for Lanes {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(self.0.map(|x| -x))
    }
}

impl Real for Lanes {
    #[inline(always)]
    fn ratio(&self, numerator: i64, denominator: i64) -> Self {
        Self([numerator as f64 / denominator as f64; WIDTH])
    }
}

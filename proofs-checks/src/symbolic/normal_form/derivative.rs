//! Derivatives of normal forms.

use super::{Atom, LARGEST, Limit, Table};
use crate::symbolic::polynomial::{Exponent, Polynomial, Symbol, multiplied};
use dashu_ratio::RBig;

impl Table {
    /// The derivative by an input or a parameter.
    pub(crate) fn derivative(&mut self, polynomial: &Polynomial, by: Symbol) -> Polynomial {
        let mut sum = Polynomial::default();
        if polynomial.terms.len() > LARGEST {
            self.stop(Limit::Terms);
            return sum;
        }
        for (monomial, coefficient) in &polynomial.terms {
            for k in 0..monomial.len() {
                let (symbol, exponent) = monomial[k];
                let inner = self.of_symbol(symbol, by);
                if inner.is_zero() {
                    continue;
                }
                // n x^{n−1} x'
                let lowered = vec![(symbol, Exponent::integer(-1))];
                let rest = Polynomial::term(multiplied(monomial, &lowered), coefficient * exponent.to_rational());
                sum = sum.plus(&self.product(&rest, &inner), &RBig::ONE);
            }
        }
        sum
    }

    fn of_symbol(&mut self, symbol: Symbol, by: Symbol) -> Polynomial {
        if symbol == by {
            return Polynomial::one();
        }
        if let Some(known) = self.derivatives.get(&(symbol, by)) {
            return known.clone();
        }
        let own = Polynomial::symbol(symbol);
        self.column = self.columns[symbol];
        let derivative = match self.atoms[symbol].clone() {
            Atom::Input(_) | Atom::Parameter(_) | Atom::Gaussian | Atom::ErrorScale | Atom::Step(_) => {
                Polynomial::default()
            }
            Atom::Inverse(d) => {
                let inner = self.derivative(&d, by);
                let square = self.product(&own, &own);
                self.product(&square, &inner).scaled(&-RBig::ONE)
            }
            Atom::Exp(m) => {
                let inner = self.derivative(&Polynomial::term(m, RBig::ONE), by);
                self.product(&own, &inner)
            }
            Atom::Sin(m, unit) => {
                let inner = self.derivative(&Polynomial::term(m.clone(), unit.clone()), by);
                let cosine = self.symbol(Atom::Cos(m, unit));
                self.product(&cosine, &inner)
            }
            Atom::Cos(m, unit) => {
                let inner = self.derivative(&Polynomial::term(m.clone(), unit.clone()), by);
                let sine = self.symbol(Atom::Sin(m, unit));
                self.product(&sine, &inner).scaled(&-RBig::ONE)
            }
            Atom::Sigmoid(u) => {
                let inner = self.derivative(&u, by);
                let slope = own.clone().plus(&self.product(&own, &own), &-RBig::ONE);
                self.product(&slope, &inner)
            }
            Atom::Softplus(u) => {
                let (inner, slope) = (self.derivative(&u, by), self.sigmoid(&u));
                self.product(&slope, &inner)
            }
            Atom::Phi(u) => {
                let density = self.symbol(Atom::Gaussian);
                self.bell(&u, by, density, RBig::from_parts((-1).into(), 2u8.into()))
            }
            Atom::Erf(u) => {
                let scale = self.symbol(Atom::ErrorScale);
                self.bell(&u, by, scale, -RBig::ONE)
            }
        };
        self.derivatives.insert((symbol, by), derivative.clone());
        derivative
    }

    /// `scale·exp(factor·u²)·u'`.
    fn bell(&mut self, u: &Polynomial, by: Symbol, scale: Polynomial, factor: RBig) -> Polynomial {
        let inner = self.derivative(u, by);
        if inner.is_zero() {
            return inner;
        }
        let exponent = self.product(u, u).scaled(&factor);
        let exponent = self.cancelled(&exponent);
        // The one error there is: the square of a coefficient may be too long for an exponent.
        let Ok(bell) = self.exponential(&exponent, 0) else {
            self.stop(Limit::Exponent);
            return Polynomial::default();
        };
        let product = self.product(&scale, &bell);
        self.product(&product, &inner)
    }
}

//! From an expression to its normal form: every function becomes atoms by the identities of [`super`].

use super::{Atom, EXPONENT, LARGEST, LONGEST, Lowered, Table};
use crate::rigor::is_somewhere_not_zero;
use crate::symbolic::expression::{Expression, Function, Kind, is_input};
use crate::symbolic::parse::ExpressionError;
use crate::symbolic::polynomial::{Exponent, Monomial, Polynomial, Symbol};
use dashu_int::ops::BitTest;
use dashu_ratio::RBig;

/// Refuses every division by what contains an input, or is not certainly different from zero for some values of the parameters.
pub(crate) fn divide(expression: &Expression) -> Result<(), ExpressionError> {
    let divisor = match &expression.kind {
        Kind::Quotient(_, divisor) => Some(divisor),
        Kind::Power(base, n) if *n < 0 => Some(base),
        _ => None,
    };
    if let Some(divisor) = divisor {
        let at = |message: &str| Err(ExpressionError::new(divisor.column, message));
        if divisor.names().iter().any(|name| is_input(name)) {
            return at("division by an expression that contains an input; only parameters may be in a denominator");
        }
        divide(divisor)?;
        if !is_somewhere_not_zero(divisor) {
            return at("division by an expression that is zero, or was not told from zero");
        }
    }
    match &expression.kind {
        Kind::Number(_) | Kind::RootPi { .. } | Kind::Symbol(_) => Ok(()),
        Kind::Sum(a, b) | Kind::Product(a, b) => divide(a).and_then(|()| divide(b)),
        Kind::Quotient(a, _) => divide(a),
        Kind::Power(_, n) if *n < 0 => Ok(()),
        Kind::Negative(a) | Kind::Power(a, _) | Kind::Call(_, a) => divide(a),
    }
}

/// Most terms of an exponent.
const EXPONENTS: usize = 128;

impl Table {
    pub(super) fn lowered(&mut self, expression: &Expression) -> Lowered {
        let at = |message: String| ExpressionError::new(expression.column, message);
        let value = match &expression.kind {
            Kind::Number(value) => Polynomial::number(value.clone()),
            // √(2π) = 1/c and √π = 2/e.
            Kind::RootPi { twice } => {
                let (symbol, factor) = if *twice { (Atom::Gaussian, 1) } else { (Atom::ErrorScale, 2) };
                let inverse = vec![(self.number(symbol), Exponent::integer(-1))];
                let mut root = Polynomial::default();
                self.add_reduced(&mut root, inverse, RBig::from(factor));
                root
            }
            Kind::Symbol(name) if is_input(name) => self.symbol(Atom::Input(name.clone())),
            Kind::Symbol(name) => self.symbol(Atom::Parameter(name.clone())),
            Kind::Sum(a, b) => {
                let a = self.lowered(a)?;
                a.plus(&self.lowered(b)?, &RBig::ONE)
            }
            Kind::Negative(a) => self.lowered(a)?.scaled(&-RBig::ONE),
            Kind::Product(a, b) => {
                let (a, b) = (self.lowered(a)?, self.lowered(b)?);
                self.product(&a, &b)
            }
            Kind::Quotient(a, b) => {
                let (a, inverse) = (self.lowered(a)?, self.inverted(b)?);
                self.product(&a, &inverse)
            }
            Kind::Power(base, n) => {
                let base = if *n < 0 { self.inverted(base)? } else { self.lowered(base)? };
                let mut power = Polynomial::one();
                for _ in 0..n.unsigned_abs() {
                    power = self.product(&power, &base);
                    self.within_limits(expression.column)?;
                    if power.terms.len() > LARGEST {
                        return Err(at(format!(
                            "the expression has more than {LARGEST} terms when it is multiplied out"
                        )));
                    }
                }
                power
            }
            Kind::Call(function, argument) => {
                let u = self.lowered(argument)?;
                self.column = expression.column;
                self.call(*function, &u, expression.column)?
            }
        };
        if value.terms.len() > LARGEST {
            return Err(at(format!("the expression has more than {LARGEST} terms when it is multiplied out")));
        }
        let bits = |c: &RBig| c.numerator().bit_len().max(c.denominator().bit_len());
        if value.terms.values().any(|coefficient| bits(coefficient) > LONGEST) {
            return Err(at(format!("the expression has a number of more than {LONGEST} bits")));
        }
        self.within_limits(expression.column)?;
        Ok(value)
    }

    /// One over a divisor: of a product or a power by its factors, as it is written, so that a factor that occurs twice is one symbol.
    fn inverted(&mut self, divisor: &Expression) -> Lowered {
        match &divisor.kind {
            Kind::Product(a, b) => {
                let (a, b) = (self.inverted(a)?, self.inverted(b)?);
                Ok(self.product(&a, &b))
            }
            Kind::Power(base, n) if *n > 0 => {
                let inverse = self.inverted(base)?;
                Ok((0..*n).fold(Polynomial::one(), |power, _| self.product(&power, &inverse)))
            }
            _ => {
                let lowered = self.lowered(divisor)?;
                self.inverse(&lowered, divisor.column)
            }
        }
    }

    fn inverse(&mut self, divisor: &Polynomial, column: usize) -> Lowered {
        let at = |message: &str| ExpressionError::new(column, message);
        self.column = column;
        if divisor.is_zero() {
            return Err(at("division by zero"));
        }
        if divisor.terms.len() > 1 {
            // m (d/m): the inverse of a power m is one of its own, so that the same d under another m is the same symbol.
            let inverse = self.common_inverse(divisor);
            let rest = self.product(divisor, &inverse);
            let leading = rest.leading().cloned().unwrap_or(RBig::ONE);
            let normalised = rest.scaled(&(RBig::ONE / &leading));
            let symbol = self.symbol(Atom::Inverse(normalised)).scaled(&(RBig::ONE / leading));
            return Ok(self.product(&inverse, &symbol));
        }
        let Some((monomial, coefficient)) = divisor.terms.first_key_value() else { return Err(at("division by zero")) };
        // Negative powers of what is nowhere zero or a coordinate of its own; the denominator of 1/(1/d) is d; everything else has an inverse as an atom.
        let (mut inverted, mut rest) = (Polynomial::number(RBig::ONE / coefficient), Polynomial::one());
        for (symbol, exponent) in monomial.clone() {
            let power = || vec![(symbol, exponent)];
            match self.atoms[symbol].clone() {
                Atom::Parameter(_) | Atom::Exp(_) | Atom::Gaussian | Atom::ErrorScale => {
                    let negative = Exponent::of(&-exponent.to_rational())
                        .ok_or_else(|| ExpressionError::undecided(column, EXPONENT))?;
                    inverted = self.product(&inverted, &Polynomial::term(vec![(symbol, negative)], RBig::ONE));
                }
                Atom::Inverse(d) => {
                    let n = exponent.as_integer().filter(|n| (1..=64).contains(n));
                    for _ in 0..n.ok_or_else(|| ExpressionError::undecided(column, EXPONENT))? {
                        inverted = self.product(&inverted, &d);
                    }
                }
                _ => rest = self.product(&rest, &Polynomial::term(power(), RBig::ONE)),
            }
        }
        if rest.as_number() == Some(RBig::ONE) {
            return Ok(inverted);
        }
        // A reduced product may have more than one term.
        let inverse = self.symbol(Atom::Inverse(rest));
        Ok(self.product(&inverted, &inverse))
    }

    /// One over the largest power of parameters, exponentials and roots of π that divides every term, negative exponents of a term included.
    fn common_inverse(&self, divisor: &Polynomial) -> Polynomial {
        let is_free = |symbol: Symbol| {
            matches!(self.atoms[symbol], Atom::Parameter(_) | Atom::Exp(_) | Atom::Gaussian | Atom::ErrorScale)
        };
        let powers = |symbol: Symbol| {
            let own = move |monomial: &Monomial| monomial.iter().find(|(known, _)| *known == symbol).map(|(_, e)| *e);
            divisor.terms.keys().map(move |monomial| own(monomial).map_or(RBig::ZERO, Exponent::to_rational))
        };
        let free = divisor.symbols().into_keys().filter(|symbol| is_free(*symbol));
        let inverse = free.filter_map(|symbol| {
            let least = powers(symbol).min().filter(|least| *least != RBig::ZERO)?;
            // Too long a one stays where it is.
            Exponent::of(&-least).map(|power| (symbol, power))
        });
        Polynomial::term(inverse.collect(), RBig::ONE)
    }

    fn call(&mut self, function: Function, u: &Polynomial, column: usize) -> Lowered {
        let at = |message: &str| ExpressionError::undecided(column, message);
        let u = &self.cancelled(u);
        let mut symbols = u.terms.keys().flatten().map(|(symbol, _)| *symbol);
        if let Some(step) = symbols.clone().find(|symbol| matches!(self.atoms[*symbol], Atom::Step(_))) {
            // f(A + BH) = f(A) + H(f(A + B) − f(A)), as H is zero or one.
            let (mut off, mut on) = (Polynomial::default(), Polynomial::default());
            for (monomial, coefficient) in &u.terms {
                let rest: Monomial = monomial.iter().copied().filter(|(symbol, _)| *symbol != step).collect();
                if rest.len() == monomial.len() {
                    off.add(rest.clone(), coefficient.clone());
                }
                on.add(rest, coefficient.clone());
            }
            let (off, on) = (self.call(function, &off, column)?, self.call(function, &on, column)?);
            let jump = on.plus(&off, &-RBig::ONE);
            return Ok(off.plus(&self.product(&Polynomial::symbol(step), &jump), &RBig::ONE));
        }
        if symbols.any(|symbol| matches!(self.atoms[symbol], Atom::Gaussian | Atom::ErrorScale)) {
            self.gap("a root of pi inside of a function");
        }
        let half = RBig::from_parts(1.into(), 2u8.into());
        Ok(match function {
            Function::Exp => self.exponential(u, column)?,
            Function::Sigmoid => self.sigmoid(u),
            Function::Tanh => {
                let double = self.sigmoid(&u.scaled(&RBig::from(2)));
                double.scaled(&RBig::from(2)).plus(&Polynomial::one(), &-RBig::ONE)
            }
            Function::Softplus => self.softplus(u),
            Function::Gelu => {
                let phi = match signed(u) {
                    None => Polynomial::number(half),
                    Some((true, u)) => self.symbol(Atom::Phi(u)),
                    Some((false, u)) => Polynomial::one().plus(&self.symbol(Atom::Phi(u)), &-RBig::ONE),
                };
                self.product(u, &phi)
            }
            Function::Erf => match signed(u) {
                None => Polynomial::default(),
                Some((positive, u)) => self.symbol(Atom::Erf(u)).scaled(&if positive { RBig::ONE } else { -RBig::ONE }),
            },
            Function::Relu => {
                if let Some(value) = u.as_number() {
                    return Ok(Polynomial::number(if value > RBig::ZERO { value } else { RBig::ZERO }));
                }
                if !self.contains_input(u) {
                    return Err(at("relu of parameters alone is beyond the normal form: it is not analytic in them"));
                }
                let direction = self.direction(u);
                if !self.contains_input(&direction) && direction.as_number().is_none() {
                    return Err(at("relu whose sign depends on parameters alone is beyond the normal form"));
                }
                match self.range(&direction) {
                    [Some(low), _] if low >= RBig::ZERO => return Ok(u.clone()),
                    [_, Some(high)] if high <= RBig::ZERO => return Ok(Polynomial::default()),
                    _ => {}
                }
                let Some((positive, v)) = signed(&direction) else { return Ok(Polynomial::default()) };
                let scale = v.leading().map_or(RBig::ONE, |leading| RBig::ONE / leading);
                let step = self.symbol(Atom::Step(v.scaled(&scale)));
                let step = if positive { step } else { Polynomial::one().plus(&step, &-RBig::ONE) };
                self.product(u, &step)
            }
            Function::Sin => self.angle(u, column)?[0].clone(),
            Function::Cos => self.angle(u, column)?[1].clone(),
        })
    }

    pub(super) fn sigmoid(&mut self, u: &Polynomial) -> Polynomial {
        match signed(u) {
            None => Polynomial::number(RBig::from_parts(1.into(), 2u8.into())),
            Some((true, u)) => self.symbol(Atom::Sigmoid(u)),
            Some((false, u)) => Polynomial::one().plus(&self.symbol(Atom::Sigmoid(u)), &-RBig::ONE),
        }
    }

    fn softplus(&mut self, u: &Polynomial) -> Polynomial {
        match signed(u) {
            None => self.symbol(Atom::Softplus(Polynomial::default())),
            Some((true, u)) => self.symbol(Atom::Softplus(u)),
            Some((false, v)) => self.symbol(Atom::Softplus(v)).plus(u, &RBig::ONE),
        }
    }

    pub(super) fn exponential(&mut self, u: &Polynomial, column: usize) -> Lowered {
        // Each is an atom, and a factor of every term of every derivative.
        if u.terms.len() > EXPONENTS {
            let message = format!("the expression is too large: an exponent of more than {EXPONENTS} terms");
            return Err(ExpressionError::new(column, message));
        }
        let mut product = Polynomial::one();
        for (monomial, coefficient) in &u.terms {
            let exponent = Exponent::of(coefficient).ok_or_else(|| ExpressionError::undecided(column, EXPONENT))?;
            let softplus = match monomial[..] {
                [(symbol, power)] if power.as_integer() == Some(1) => match self.atoms[symbol].clone() {
                    Atom::Softplus(v) => Some(v),
                    _ => None,
                },
                _ => None,
            };
            let factor = match softplus {
                None => Polynomial::term(vec![(self.number(Atom::Exp(monomial.clone())), exponent)], RBig::ONE),
                Some(v) => match exponent.as_integer().filter(|n| n.abs() <= 64) {
                    None => {
                        self.gap("exp of a fraction of softplus, or of more than 64 times one");
                        Polynomial::term(vec![(self.number(Atom::Exp(monomial.clone())), exponent)], RBig::ONE)
                    }
                    Some(n) => {
                        // (1 + e^v)^n, and 1/(1 + e^v) = 1 − σ(v).
                        let base = if n > 0 {
                            self.exponential(&v, column)?.plus(&Polynomial::one(), &RBig::ONE)
                        } else {
                            Polynomial::one().plus(&self.sigmoid(&v), &-RBig::ONE)
                        };
                        (0..n.abs()).fold(Polynomial::one(), |power, _| self.product(&power, &base))
                    }
                },
            };
            product = self.product(&product, &factor);
        }
        Ok(product)
    }

    /// `[sin u, cos u]`.
    fn angle(&mut self, u: &Polynomial, column: usize) -> Result<[Polynomial; 2], ExpressionError> {
        let mut whole = [Polynomial::default(), Polynomial::one()];
        for (monomial, coefficient) in &u.terms {
            let unit = match self.units.get(monomial) {
                Some(unit) => common_unit(unit, coefficient),
                None => common_unit(coefficient, coefficient),
            };
            self.units.insert(monomial.clone(), unit.clone());
            let times = coefficient / &unit;
            let n = i64::try_from(times.numerator().clone()).ok().filter(|n| n.abs() <= 64);
            let n = n.ok_or_else(|| {
                ExpressionError::undecided(
                    column,
                    "an angle is more than 64 times the unit of its kind, which is beyond the normal form",
                )
            })?;
            let one =
                [Atom::Sin(monomial.clone(), unit.clone()), Atom::Cos(monomial.clone(), unit)].map(|a| self.symbol(a));
            let one = if n < 0 { [one[0].scaled(&-RBig::ONE), one[1].clone()] } else { one };
            for _ in 0..n.abs() {
                let [s, c] = &whole;
                let sin = self.product(s, &one[1]).plus(&self.product(c, &one[0]), &RBig::ONE);
                let cos = self.product(c, &one[1]).plus(&self.product(s, &one[0]), &-RBig::ONE);
                whole = [sin, cos];
            }
        }
        Ok(whole)
    }
}

/// `u` or `−u`, whichever has a positive first coefficient, and whether that is `u`; `None` for zero.
fn signed(u: &Polynomial) -> Option<(bool, Polynomial)> {
    let positive = *u.leading()? > RBig::ZERO;
    Some((positive, if positive { u.clone() } else { u.scaled(&-RBig::ONE) }))
}

/// The largest positive number of which both are integer multiples.
pub(crate) fn common_unit(a: &RBig, b: &RBig) -> RBig {
    let magnitude = |x: &RBig| if *x < RBig::ZERO { -x.clone() } else { x.clone() };
    let (mut a, mut b) = (magnitude(a), magnitude(b));
    while b != RBig::ZERO {
        let quotient = (&a / &b).floor();
        let rest = &a - RBig::from(quotient) * &b;
        (a, b) = (b, rest);
    }
    a
}

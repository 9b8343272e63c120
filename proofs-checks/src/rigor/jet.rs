//! Expressions and all their derivatives at a point, in enclosures, by truncated Taylor arithmetic: the route to derivatives that does not pass through the normal form.
//!
//! A jet holds the coefficients of `f(θ + δ) = Σ_α f_α δ^α`, `|α| ≤ order`, in the parameters `δ`; `∂^α f = α! f_α`. Sums, products and compositions of truncated series are the series of the sums, products and compositions. A function of one variable
//! enters by its own Taylor coefficients `c_k = g^{(k)}(u)/k!` at the enclosed value `u`:
//!
//! ```text
//! exp: c_k = e^u/k!                        sin, cos: the four in turn over k!
//! σ' = σ − σ², tanh' = 1 − tanh²:          (k+1) c_{k+1} from the product of the series with itself
//! softplus' = σ                            relu' = 1 where u > 0, 0 where u < 0, unknown where the sign is
//! g = e^{−su²}: g' = −2su g:               (k+1) g_{k+1} = −2s (u g_k + g_{k−1});  erf' = (2/√π) g at s = 1, Φ' = g/√(2π) at s = ½, gelu = uΦ
//! ```
//!
//! A divisor that may be zero has no enclosed inverse: the quotient may be undefined, and no rule of arithmetic (`0·y = 0`, `−1 ≤ sin y ≤ 1`, `y⁰ = 1`) makes a value of it. So a part with an unbounded coefficient makes everything that contains it unbounded, all coefficients alike; where the coefficients are bounded the expression
//! and its derivatives are defined at all values in the enclosures of its symbols.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::ball::Ball;
use super::elementary::pi;
use super::multi_index::multi_indices;
use crate::symbolic::{Expression, Function, Kind};
use moe_kernels::Real;

/// A truncated series, coefficients in the order of [`Jets::indices`].
pub(crate) type Jet = Vec<Ball>;

fn is_bounded(jet: &Jet) -> bool {
    jet.iter().all(|c| c.ends().is_some())
}

/// Jets in a number of parameters, to an order.
pub(crate) struct Jets {
    order: u32,
    precision: usize,
    indices: Vec<Vec<u32>>,
    /// `i, j, k` with `δ^i δ^j = δ^k`, `k` within the order.
    products: Vec<[usize; 3]>,
}

impl Jets {
    pub(crate) fn new(parameters: usize, order: u32, precision: usize) -> Self {
        let indices = multi_indices(parameters, order);
        let numbers: BTreeMap<&[u32], usize> = indices.iter().enumerate().map(|(i, index)| (&index[..], i)).collect();
        let mut products = Vec::new();
        for (i, a) in indices.iter().enumerate() {
            for (j, b) in indices.iter().enumerate() {
                let sum: Vec<u32> = a.iter().zip(b).map(|(a, b)| a + b).collect();
                if let Some(&k) = numbers.get(&sum[..]) {
                    products.push([i, j, k]);
                }
            }
        }
        Self { order, precision, indices, products }
    }

    /// A number.
    pub(crate) fn constant(&self, value: Ball) -> Jet {
        let mut jet = vec![Ball::integer(0, self.precision); self.indices.len()];
        jet[0] = value;
        jet
    }

    /// The parameter of a number, at a value.
    pub(crate) fn parameter(&self, number: usize, value: Ball) -> Jet {
        let mut jet = self.constant(value);
        let linear = |index: &Vec<u32>| index.iter().sum::<u32>() == 1 && index[number] == 1;
        if let Some(k) = self.indices.iter().position(linear) {
            jet[k] = Ball::integer(1, self.precision);
        }
        jet
    }

    /// `∂^α f`, `None` where `α` is beyond the order.
    pub(crate) fn derivative(&self, jet: &Jet, index: &[u32]) -> Option<Ball> {
        let k = self.indices.iter().position(|known| known == index)?;
        let factors = index.iter().flat_map(|n| 2..=i64::from(*n));
        Some(factors.fold(jet[k].clone(), |product, factor| product * Ball::integer(factor, self.precision)))
    }

    /// The jet of an expression, given those of its symbols, unbounded as a whole where a part of it is; `None` where a symbol has none.
    pub(crate) fn evaluate(&self, expression: &Expression, symbols: &BTreeMap<String, Jet>) -> Option<Jet> {
        let bounded = Cell::new(true);
        let of = |part: &Expression| {
            let jet = self.evaluate(part, symbols)?;
            bounded.set(bounded.get() && is_bounded(&jet));
            Some(jet)
        };
        let jet = match &expression.kind {
            Kind::Number(value) => {
                self.constant(Ball::rational(value.numerator(), value.denominator(), self.precision))
            }
            Kind::RootPi { twice } => {
                let factor = Ball::integer(if *twice { 2 } else { 1 }, self.precision);
                self.constant((factor * pi(self.precision)).sqrt())
            }
            Kind::Symbol(name) => symbols.get(name)?.clone(),
            Kind::Sum(a, b) => of(a)?.into_iter().zip(&of(b)?).map(|(a, b)| a + b).collect(),
            Kind::Negative(a) => of(a)?.into_iter().map(|a| -a).collect(),
            Kind::Product(a, b) => self.product(&of(a)?, &of(b)?),
            Kind::Quotient(a, b) => self.product(&of(a)?, &self.inverse(&of(b)?)),
            Kind::Power(base, n) => {
                let base = of(base)?;
                let base = if *n < 0 { self.inverse(&base) } else { base };
                let one = self.constant(Ball::integer(1, self.precision));
                (0..n.unsigned_abs()).fold(one, |power, _| self.product(&power, &base))
            }
            Kind::Call(function, argument) => self.composed(*function, &of(argument)?),
        };
        Some(if bounded.get() && is_bounded(&jet) { jet } else { self.whole() })
    }

    /// `a (b − c)`, `c` a number; unbounded as a whole where a part of it is.
    pub(super) fn times_difference(&self, a: &Jet, b: &Jet, c: &Ball) -> Jet {
        let mut difference = b.clone();
        difference[0] = difference[0].clone() - c;
        let product = self.product(a, &difference);
        if [a, &difference, &product].into_iter().all(is_bounded) { product } else { self.whole() }
    }

    fn whole(&self) -> Jet {
        vec![Ball::whole(self.precision); self.indices.len()]
    }

    fn product(&self, a: &Jet, b: &Jet) -> Jet {
        let mut product = vec![Ball::integer(0, self.precision); self.indices.len()];
        for &[i, j, k] in &self.products {
            // Zero times what is not bounded is unknown, not zero.
            let vanishes = |x: &Ball, y: &Ball| x.is_zero() && y.ends().is_some();
            if !(vanishes(&a[i], &b[j]) || vanishes(&b[j], &a[i])) {
                product[k] = std::mem::replace(&mut product[k], Ball::integer(0, 1)) + a[i].clone() * &b[j];
            }
        }
        product
    }

    /// `1/f`: `Σ (−1)^k (f − f_0)^k/f_0^{k+1}`.
    fn inverse(&self, f: &Jet) -> Jet {
        let first = Ball::integer(1, self.precision) / &f[0];
        let mut taylor = vec![first.clone()];
        for k in 0..self.order as usize {
            taylor.push(-(taylor[k].clone() * &first));
        }
        self.series(&taylor, f)
    }

    /// `Σ_k taylor_k (f − f_0)^k`, by Horner's rule.
    fn series(&self, taylor: &[Ball], f: &Jet) -> Jet {
        let mut rest = f.clone();
        rest[0] = Ball::integer(0, self.precision);
        let mut sum = self.constant(Ball::integer(0, self.precision));
        for coefficient in taylor.iter().rev() {
            sum = self.product(&sum, &rest);
            sum[0] = std::mem::replace(&mut sum[0], Ball::integer(0, 1)) + coefficient;
        }
        sum
    }

    fn composed(&self, function: Function, f: &Jet) -> Jet {
        let (u, terms) = (&f[0], self.order as usize + 1);
        let integer = |n: i64| Ball::integer(n, self.precision);
        let over_factorials = |cycle: &[Ball]| {
            let mut factorial = integer(1);
            (0..terms)
                .map(|k| {
                    factorial = factorial.clone() * integer(k.max(1) as i64);
                    cycle[k % cycle.len()].clone() / &factorial
                })
                .collect::<Vec<Ball>>()
        };
        // c' = q(c) for a quadratic q = q_0 + q_1 c + q_2 c².
        let logistic = |value: Ball, [q0, q1, q2]: [i64; 3]| {
            let mut c = vec![value];
            for k in 0..terms - 1 {
                let square = (0..=k).fold(integer(0), |sum, i| sum + c[i].clone() * &c[k - i]);
                let constant = if k == 0 { integer(q0) } else { integer(0) };
                let slope = constant + integer(q1) * &c[k] + integer(q2) * square;
                c.push(slope / integer(k as i64 + 1));
            }
            c
        };
        // The series with this value whose derivative has the coefficients given.
        let integrated = |value: Ball, derivative: Vec<Ball>| {
            let rest = derivative.into_iter().take(terms - 1).enumerate();
            std::iter::once(value).chain(rest.map(|(k, c)| c / integer(k as i64 + 1))).collect::<Vec<Ball>>()
        };
        // scale·e^{−s u²}, 2s an integer.
        let bell = |scale: Ball, twice: i64| {
            let half = integer(1).ratio(1, 2);
            let mut c = vec![scale * (-(u.clone() * u) * integer(twice) * half).exp()];
            for k in 0..terms - 1 {
                let before = if k == 0 { integer(0) } else { c[k - 1].clone() };
                c.push(-(u.clone() * &c[k] + before) * integer(twice) / integer(k as i64 + 1));
            }
            c
        };
        let taylor = match function {
            Function::Exp => over_factorials(&[u.exp()]),
            Function::Sigmoid => logistic(u.sigmoid(), [0, 1, -1]),
            Function::Tanh => logistic(u.tanh(), [1, 0, -1]),
            Function::Softplus => integrated(u.softplus(), logistic(u.sigmoid(), [0, 1, -1])),
            Function::Sin | Function::Cos => {
                let [sine, cosine] = u.sin_cos();
                if function == Function::Sin {
                    over_factorials(&[sine.clone(), cosine.clone(), -sine, -cosine])
                } else {
                    over_factorials(&[cosine.clone(), -sine.clone(), -cosine, sine])
                }
            }
            Function::Erf => integrated(u.erf(), bell(integer(2) / pi(self.precision).sqrt(), 2)),
            Function::Gelu => {
                let density = bell(integer(1) / (integer(2) * pi(self.precision)).sqrt(), 1);
                let cdf = integrated(u.gaussian_cdf(), density);
                return self.product(f, &self.series(&cdf, f));
            }
            Function::Relu => match u.sign() {
                Some(true) => return f.clone(),
                Some(false) => return self.constant(integer(0)),
                None => return self.whole(),
            },
        };
        self.series(&taylor, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::parse;

    /// Derivatives by Taylor arithmetic against those of the normal form, which are written out here.
    #[test]
    fn derivatives_are_those_written_out() {
        const BITS: usize = 160;
        let rational = |n: i64, d: i64| Ball::integer(1, BITS).ratio(n, d);
        let values: BTreeMap<String, Ball> = [("a", rational(3, 4)), ("b", rational(-5, 7)), ("x", rational(11, 8))]
            .map(|(n, v)| (n.to_string(), v))
            .into();
        let at = |source: &str, by: [u32; 2]| {
            let jets = Jets::new(2, by.iter().sum(), BITS);
            let symbols = values
                .iter()
                .map(|(name, value)| {
                    let jet = match name.as_str() {
                        "a" => jets.parameter(0, value.clone()),
                        "b" => jets.parameter(1, value.clone()),
                        _ => jets.constant(value.clone()),
                    };
                    (name.clone(), jet)
                })
                .collect();
            jets.derivative(&jets.evaluate(&parse(source).unwrap(), &symbols).unwrap(), &by).unwrap()
        };
        for (function, by, derivative) in [
            ("exp(a*x + b)", [2, 1], "x^2*exp(a*x + b)"),
            ("sigmoid(a*x)", [2, 0], "x^2*sigmoid(a*x)*(1 - sigmoid(a*x))*(1 - 2*sigmoid(a*x))"),
            ("tanh(a*x + b)", [1, 1], "-2*x*tanh(a*x + b)*(1 - tanh(a*x + b)^2)"),
            ("softplus(a*x)", [1, 0], "x*sigmoid(a*x)"),
            ("sin(a*x)*cos(b)", [1, 1], "-x*cos(a*x)*sin(b)"),
            ("erf(a*x)", [2, 0], "-4/sqrt(pi)*a*x^3*exp(-a^2*x^2)"),
            ("gelu(a*x)", [2, 0], "x^2*(2 - a^2*x^2)*exp(-a^2*x^2/2)/sqrt(2*pi)"),
            ("a^3/b^2", [1, 1], "-6*a^2/b^3"),
            ("relu(a*x + b)^2", [1, 0], "2*x*relu(a*x + b)"),
            ("1/(a + b)", [0, 3], "-6/(a + b)^4"),
        ] {
            let difference = at(function, by) - at(derivative, [0, 0]);
            let [low, high] = difference.outer().unwrap();
            assert!(low <= 0.0 && 0.0 <= high && high - low < 1e-35, "{function}: {low:e} {high:e}");
        }
    }

    /// `0/0`, `1/0` and a divisor that may be zero make unbounded whatever contains them.
    #[test]
    fn what_is_undefined_stays_so() {
        let jets = Jets::new(1, 2, 64);
        let symbols: BTreeMap<String, Jet> = [
            ("a".to_string(), jets.parameter(0, Ball::integer(0, 64))),
            ("x".to_string(), jets.constant(Ball::integer(0, 64))),
            ("t".to_string(), jets.constant(Ball::integer(-1, 64).hull(&Ball::integer(1, 64)))),
        ]
        .into();
        for source in [
            "a/a",
            "1 + x/x",
            "x*a^(-1)",
            "x*(1 - 0/0)",
            "x/t",
            "0*(1/t)",
            "(1/a)^0",
            "sin(1/a)",
            "tanh(x/a)",
            "relu(x/a - 1)",
            "0*cos(exp(1/a))",
        ] {
            let jet = jets.evaluate(&parse(source).unwrap(), &symbols).unwrap();
            assert!(jet.iter().all(|c| c.ends().is_none()), "{source}: {jet:?}");
        }
        let jet = jets.evaluate(&parse("0*(a + t)^0 + x/(2 + t)").unwrap(), &symbols).unwrap();
        assert!(jet.iter().all(|c| c.is_zero()), "{jet:?}");
    }

    #[test]
    fn a_kink_in_the_interval_is_unknown() {
        let jets = Jets::new(0, 0, 64);
        let wide = Ball::integer(-1, 64).hull(&Ball::integer(1, 64));
        let symbols = [("x".to_string(), vec![wide])].into();
        assert_eq!(jets.evaluate(&parse("relu(x)").unwrap(), &symbols).unwrap()[0].ends(), None);
        assert_eq!(jets.evaluate(&parse("relu(y)").unwrap(), &symbols), None);
    }
}

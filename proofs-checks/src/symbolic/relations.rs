//! All linear relations among an expert's partial derivatives.
//!
//! For `F(x; θ)` and its partial derivatives `f_1 … f_N` by the parameters up to an order, all vectors `c(θ)` with `Σ c_k(θ) f_k(x; θ) = 0` for all `x`: their dimension is `N − r`, `r` the number of independent functions at generic parameters. Writing
//! every function over one common denominator ([`Table::resolve`]) as a sum of monomials that contain inputs, with coefficients from the field `K` of the parameters, makes `c` the kernel of a matrix over `K`. Columns are in the order first derivatives, `F`, second derivatives, …;
//! in the reduced row echelon form each column without pivot is a combination of columns before it: that is the relation printed, with coefficient one for the last derivative.
//!
//! Every relation is then multiplied out and normalised to zero once more, from the derivatives themselves.

use super::coefficient::Coefficient;
use super::expression::Expression;
use super::normal_form::{Atom, Table};
use super::parse::ExpressionError;
use super::polynomial::{Exponent, Monomial, Polynomial, Symbol};
use dashu_base::{Gcd, UnsignedAbs};
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;
use std::collections::BTreeMap;

/// The linear relations of an expression.
#[derive(Clone, Debug)]
pub struct Relations {
    /// Parameters in the order of their appearance.
    pub parameters: Vec<String>,
    /// The functions: orders of the derivative by each parameter.
    pub derivatives: Vec<Vec<u32>>,
    /// Dimension of their span at generic parameters.
    pub independent: usize,
    /// A basis of the relations, short ones first.
    pub relations: Vec<Relation>,
}

/// `Σ coefficient·derivative = 0`.
#[derive(Clone, Debug)]
pub struct Relation {
    /// The dependent derivative alone on the left: `d2F/dw db = dF/da`.
    pub equation: String,
    /// Coefficient, in the syntax of expressions, and number of the derivative.
    pub terms: Vec<(String, usize)>,
}

/// Largest number of derivatives.
const MOST: usize = 400;

/// The relations among `F` and its derivatives by its parameters up to `order`.
///
/// # Errors
/// What the normal form does not decide, and more than 400 derivatives.
pub fn relations(expression: &Expression, order: u32) -> Result<Relations, ExpressionError> {
    let (mut table, f) = Table::lower(expression)?;
    let symbols = table.parameters().to_vec();
    let parameters: Vec<String> = symbols.iter().map(|symbol| table.name(*symbol)).collect();
    let indices = multi_indices(symbols.len(), order);
    if indices.len() > MOST {
        let message = format!("{} derivatives up to order {order}; at most {MOST} are handled", indices.len());
        return Err(ExpressionError::new(expression.column, message));
    }
    let mut known: BTreeMap<Vec<u32>, Polynomial> = BTreeMap::from([(vec![0; symbols.len()], f)]);
    for total in 1..=order {
        for index in indices.iter().filter(|index| index.iter().sum::<u32>() == total) {
            let mut lower = index.clone();
            let by = index.iter().rposition(|n| *n > 0).unwrap_or(0);
            lower[by] -= 1;
            let derivative = table.derivative(&known[&lower].clone(), symbols[by]);
            known.insert(index.clone(), derivative);
        }
    }
    let functions: Vec<Polynomial> = indices.iter().map(|index| known[index].clone()).collect();
    let resolved = table.resolve(&functions)?;
    let matrix = Matrix::of(&table, &resolved);
    let (echelon, pivots) = matrix.reduced();
    let mut relations = Vec::new();
    for column in (0..functions.len()).filter(|column| pivots.iter().all(|(_, pivot)| pivot != column)) {
        let mut terms: Vec<(Fraction, usize)> = vec![(matrix.one(), column)];
        for (row, pivot) in pivots.iter().filter(|(_, pivot)| *pivot < column) {
            let entry = &echelon[*row][column];
            if !entry.is_zero() {
                terms.push((Fraction::of(&entry.negated(), &echelon[*row][*pivot]), *pivot));
            }
        }
        matrix.verify(&mut table, &functions, &terms)?;
        relations.push(matrix.relation(&table, &parameters, &indices, &terms));
    }
    relations.sort_by_key(|relation: &Relation| (relation.terms.len(), relation.equation.chars().count()));
    Ok(Relations { parameters, derivatives: indices, independent: pivots.len(), relations })
}

/// First orders, zero, second orders, …; within an order by the first parameters first.
fn multi_indices(parameters: usize, order: u32) -> Vec<Vec<u32>> {
    let mut levels: Vec<Vec<Vec<u32>>> = vec![vec![vec![0; parameters]]];
    for total in 1..=order as usize {
        let mut next: Vec<Vec<u32>> = Vec::new();
        for index in &levels[total - 1] {
            // Each index once: raise only from the last parameter that it has on.
            let from = index.iter().rposition(|n| *n > 0).unwrap_or(0);
            for by in from..parameters {
                let mut raised = index.clone();
                raised[by] += 1;
                next.push(raised);
            }
        }
        levels.push(next);
    }
    if levels.len() > 1 {
        levels.swap(0, 1);
    }
    levels.into_iter().flatten().collect()
}

/// A quotient in lowest terms, denominator with a positive leading coefficient.
#[derive(Clone, Debug)]
struct Fraction {
    numerator: Coefficient,
    denominator: Coefficient,
}

impl Fraction {
    fn of(numerator: &Coefficient, denominator: &Coefficient) -> Self {
        let gcd = numerator.gcd(denominator);
        let by = |x: &Coefficient| x.divided(&gcd).unwrap_or_else(|| x.clone());
        let fraction = Self { numerator: by(numerator), denominator: by(denominator) };
        if fraction.denominator.is_negative() {
            return Self { numerator: fraction.numerator.negated(), denominator: fraction.denominator.negated() };
        }
        fraction
    }

    fn negated(&self) -> Self {
        Self { numerator: self.numerator.negated(), denominator: self.denominator.clone() }
    }
}

/// One row for each monomial that contains inputs, one column for each function.
struct Matrix {
    rows: Vec<Vec<Coefficient>>,
    /// Symbols of the parameters' field, and what one is in units of the variables' exponents.
    variables: Vec<(Symbol, i64)>,
}

impl Matrix {
    fn of(table: &Table, functions: &[Polynomial]) -> Self {
        let split = |monomial: &Monomial| -> (Monomial, Monomial) {
            monomial.iter().copied().partition(|(symbol, _)| table.has_input(*symbol))
        };
        let mut scales: BTreeMap<Symbol, i64> = BTreeMap::new();
        let mut by_monomial: BTreeMap<Monomial, Vec<Vec<(Monomial, RBig)>>> = BTreeMap::new();
        for (column, function) in functions.iter().enumerate() {
            for (monomial, coefficient) in &function.terms {
                let (with, without) = split(monomial);
                for (symbol, exponent) in &without {
                    let scale = scales.entry(*symbol).or_insert(1);
                    *scale = lcm(*scale, exponent.denominator());
                }
                let row = by_monomial.entry(with).or_insert_with(|| vec![Vec::new(); functions.len()]);
                row[column].push((without, coefficient.clone()));
            }
        }
        let variables: Vec<(Symbol, i64)> = scales.into_iter().collect();
        let exponents = |monomial: &Monomial| -> Vec<i64> {
            let of = |(symbol, scale): &(Symbol, i64)| {
                let exponent = monomial.iter().find(|(s, _)| s == symbol).map_or(RBig::ZERO, |(_, e)| e.to_rational());
                i64::try_from((exponent * RBig::from(*scale)).numerator().clone()).unwrap_or(0)
            };
            variables.iter().map(of).collect()
        };
        let rows = by_monomial.values().map(|row| {
            let entries: Vec<Vec<(Vec<i64>, RBig)>> =
                row.iter().map(|entry| entry.iter().map(|(m, c)| (exponents(m), c.clone())).collect()).collect();
            let all = || entries.iter().flatten();
            let lowest: Vec<i64> = (0..variables.len()).map(|k| all().map(|(e, _)| e[k]).min().unwrap_or(0)).collect();
            let denominator = all().fold(UBig::ONE, |lcm, (_, c)| {
                let gcd = (&lcm).gcd(c.denominator());
                lcm / gcd * c.denominator()
            });
            let entry = |terms: &Vec<(Vec<i64>, RBig)>| {
                let mut coefficient = Coefficient::default();
                for (e, c) in terms {
                    let whole = c * RBig::from(denominator.clone());
                    let e = e.iter().zip(&lowest).map(|(e, low)| (e - low) as u32).collect();
                    coefficient.add(e, whole.numerator().clone());
                }
                coefficient
            };
            let mut row: Vec<Coefficient> = entries.iter().map(entry).collect();
            divide_by_content(&mut row);
            row
        });
        Self { rows: rows.collect(), variables }
    }

    fn one(&self) -> Fraction {
        let one = Coefficient::integer(1, self.variables.len());
        Fraction { numerator: one.clone(), denominator: one }
    }

    /// The reduced row echelon form up to factors of the rows, and its pivots `(row, column)`. Without fractions; every row is divided by what its entries share.
    fn reduced(&self) -> (Vec<Vec<Coefficient>>, Vec<(usize, usize)>) {
        let mut rows = self.rows.clone();
        let mut pivots: Vec<(usize, usize)> = Vec::new();
        for column in 0..rows.first().map_or(0, Vec::len) {
            let free = pivots.len();
            let size = |row: &Vec<Coefficient>| {
                (row[column].terms.len(), row.iter().map(|entry| entry.terms.len()).sum::<usize>())
            };
            let Some(found) =
                (free..rows.len()).filter(|r| !rows[*r][column].is_zero()).min_by_key(|r| size(&rows[*r]))
            else {
                continue;
            };
            rows.swap(free, found);
            let pivot_row = rows[free].clone();
            for (r, row) in rows.iter_mut().enumerate() {
                if r == free || row[column].is_zero() {
                    continue;
                }
                let gcd = row[column].gcd(&pivot_row[column]);
                let factor = pivot_row[column].divided(&gcd).unwrap_or_else(|| pivot_row[column].clone());
                let share = row[column].divided(&gcd).unwrap_or_else(|| row[column].clone());
                for (entry, pivot) in row.iter_mut().zip(&pivot_row) {
                    *entry = entry.times(&factor).minus(&pivot.times(&share));
                }
                divide_by_content(row);
            }
            pivots.push((free, column));
        }
        (rows, pivots)
    }

    /// `Σ c_k f_k` times the product of all denominators, normalised.
    fn verify(
        &self,
        table: &mut Table,
        functions: &[Polynomial],
        terms: &[(Fraction, usize)],
    ) -> Result<(), ExpressionError> {
        let mut sum = Polynomial::default();
        for (k, (fraction, function)) in terms.iter().enumerate() {
            let others = terms.iter().enumerate().filter(|(other, _)| *other != k);
            let coefficient =
                others.fold(fraction.numerator.clone(), |product, (_, other)| product.times(&other.0.denominator));
            let coefficient = self.polynomial(&coefficient);
            sum = sum.plus(&table.product(&coefficient, &functions[*function]), &RBig::ONE);
        }
        match table.resolve(&[sum])?.first() {
            Some(zero) if zero.is_zero() => Ok(()),
            _ => Err(ExpressionError::new(1, "a relation that was found does not normalise to zero")),
        }
    }

    fn polynomial(&self, coefficient: &Coefficient) -> Polynomial {
        let mut polynomial = Polynomial::default();
        for (exponents, value) in &coefficient.terms {
            polynomial.add(self.monomial(exponents), RBig::from(value.clone()));
        }
        polynomial
    }

    fn monomial(&self, exponents: &[u32]) -> Monomial {
        let of = |((symbol, scale), e): (&(Symbol, i64), &u32)| {
            let exponent = RBig::from_parts(IBig::from(*e), (*scale as u64).into());
            Exponent::of(&exponent).map(|exponent| (*symbol, exponent))
        };
        let powers = self.variables.iter().zip(exponents).filter(|(_, e)| **e > 0);
        powers.filter_map(of).collect()
    }

    fn relation(
        &self,
        table: &Table,
        parameters: &[String],
        indices: &[Vec<u32>],
        terms: &[(Fraction, usize)],
    ) -> Relation {
        let text = |fraction: &Fraction| {
            let numerator = table.text(&self.polynomial(&fraction.numerator));
            match fraction.denominator.as_integer() {
                Some(one) if one == IBig::ONE => numerator,
                _ => {
                    let denominator = table.text(&self.polynomial(&fraction.denominator));
                    let simple = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == '_');
                    let numerator =
                        if fraction.numerator.terms.len() > 1 { format!("({numerator})") } else { numerator };
                    if simple(&denominator) {
                        format!("{numerator}/{denominator}")
                    } else {
                        format!("{numerator}/({denominator})")
                    }
                }
            }
        };
        let right: Vec<String> = terms[1..]
            .iter()
            .map(|(fraction, function)| {
                let (fraction, name) = (fraction.negated(), derivative_name(parameters, &indices[*function]));
                let coefficient = text(&fraction);
                match coefficient.as_str() {
                    "1" => name,
                    "-1" => format!("-{name}"),
                    _ if fraction.numerator.terms.len() > 1 && fraction.denominator.is_unit() => {
                        format!("({coefficient})*{name}")
                    }
                    _ => format!("{coefficient}*{name}"),
                }
            })
            .collect();
        let right = if right.is_empty() { "0".to_string() } else { right.join(" + ").replace("+ -", "- ") };
        let left = derivative_name(parameters, &indices[terms[0].1]);
        Relation {
            equation: format!("{left} = {right}"),
            terms: terms.iter().map(|(fraction, function)| (text(fraction), *function)).collect(),
        }
    }
}

fn lcm(a: i64, b: i64) -> i64 {
    let gcd = |mut a: i64, mut b: i64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    a / gcd(a, b) * b
}

fn divide_by_content(row: &mut [Coefficient]) {
    let mut content = Coefficient::default();
    for entry in row.iter().filter(|entry| !entry.is_zero()) {
        content = content.gcd(entry);
        if content.is_unit() {
            return;
        }
    }
    if content.is_zero() {
        return;
    }
    for entry in row {
        if let Some(quotient) = entry.divided(&content) {
            *entry = quotient;
        }
    }
}

/// `F`, `dF/da`, `d2F/dw db`, `d2F/db2`.
fn derivative_name(parameters: &[String], index: &[u32]) -> String {
    let total: u32 = index.iter().sum();
    let by: Vec<String> = parameters
        .iter()
        .zip(index)
        .filter(|(_, n)| **n > 0)
        .map(|(name, n)| if *n == 1 { format!("d{name}") } else { format!("d{name}{n}") })
        .collect();
    match total {
        0 => "F".into(),
        1 => format!("dF/{}", by.join(" ")),
        n => format!("d{n}F/{}", by.join(" ")),
    }
}

impl Table {
    /// A symbol in the syntax of expressions.
    pub(super) fn name(&self, symbol: Symbol) -> String {
        match self.atom(symbol) {
            Atom::Input(name) | Atom::Parameter(name) => name.clone(),
            _ => self.power_text(symbol, &RBig::ONE),
        }
    }

    /// A polynomial in the syntax of expressions.
    pub(super) fn text(&self, polynomial: &Polynomial) -> String {
        let mut text = String::new();
        for (monomial, coefficient) in polynomial.terms.iter().rev() {
            let negative = *coefficient < RBig::ZERO;
            text.push_str(match (text.is_empty(), negative) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            });
            let magnitude = if negative { -coefficient.clone() } else { coefficient.clone() };
            let mut factors: Vec<String> =
                monomial.iter().map(|(symbol, exponent)| self.power_text(*symbol, &exponent.to_rational())).collect();
            if magnitude != RBig::ONE || factors.is_empty() {
                let whole = *magnitude.denominator() == UBig::ONE || factors.is_empty();
                factors.insert(0, if whole { magnitude.to_string() } else { format!("({magnitude})") });
            }
            text.push_str(&factors.join("*"));
        }
        if text.is_empty() { "0".into() } else { text }
    }

    fn power_text(&self, symbol: Symbol, exponent: &RBig) -> String {
        let of = |name: &str, u: &Polynomial| format!("{name}({})", self.text(u));
        let angle = |name: &str, m: &Monomial, unit: &RBig| of(name, &Polynomial::term(m.clone(), unit.clone()));
        let base = match self.atom(symbol) {
            Atom::Input(name) | Atom::Parameter(name) => name.clone(),
            // The two constants have no name in the syntax of expressions.
            Atom::Gaussian => "(1/sqrt(2*pi))".into(),
            Atom::ErrorScale => "(2/sqrt(pi))".into(),
            Atom::Inverse(d) => format!("(1/({}))", self.text(d)),
            Atom::Exp(m) => return of("exp", &Polynomial::term(m.clone(), exponent.clone())),
            Atom::Sin(m, unit) => angle("sin", m, unit),
            Atom::Cos(m, unit) => angle("cos", m, unit),
            Atom::Sigmoid(u) => of("sigmoid", u),
            Atom::Softplus(u) => of("softplus", u),
            Atom::Phi(u) => format!("(gelu({0})/({0}))", self.text(u)),
            Atom::Erf(u) => of("erf", u),
            Atom::Step(u) => format!("(relu({0})/({0}))", self.text(u)),
        };
        if *exponent == RBig::ONE {
            base
        } else if exponent.numerator().clone().unsigned_abs() == UBig::ONE && *exponent < RBig::ZERO {
            format!("{base}^(-1)")
        } else if *exponent < RBig::ZERO {
            format!("{base}^({exponent})")
        } else {
            format!("{base}^{exponent}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn found(source: &str) -> Relations {
        relations(&parse(source).unwrap(), 2).unwrap()
    }

    fn equations(source: &str) -> Vec<String> {
        found(source).relations.into_iter().map(|relation| relation.equation).collect()
    }

    /// Theory B3 and B4: what the papers and the theory name is found, and its number is that of the independent functions.
    #[test]
    fn named_relations_are_found() {
        let linear = equations("exp(w*x)*(a*x + b)");
        for expected in ["d2F/dw db = dF/da", "d2F/db2 = 0", "d2F/da2 = 0", "d2F/da db = 0", "F = a*dF/da + b*dF/db"] {
            assert!(linear.iter().any(|equation| equation == expected), "{expected}: {linear:?}");
        }
        assert_eq!((linear.len(), found("exp(w*x)*(a*x + b)").independent), (6, 4));
        let temperature = equations("exp(w*x/t)*sigmoid(a*x + b)");
        assert!(temperature.contains(&"dF/dt = -w/t*dF/dw".to_string()), "{temperature:?}");
        assert!(equations("exp(w*x)*l*tanh(a*x + b)").contains(&"F = l*dF/dl".to_string()));
    }

    /// Numbers of derivatives and of independent ones, from singular values to fifty digits at random parameters by an independent program.
    #[test]
    fn ranks_are_those_of_numerical_linear_algebra() {
        for (source, derivatives, independent) in [
            ("exp(w*x)*sigmoid(a*x + b)", 10, 9),
            ("exp(w*x)*l*tanh(a*x + b)", 15, 9),
            ("exp(w*x/t)*gelu(a*x + b)", 15, 9),
            ("exp(w*x)*relu(a*x + b)", 10, 4),
            ("exp(w1*x1 + w2*x2)*(a1*x1 + a2*x2 + b)", 21, 9),
            ("exp(w1*x1 + w2*x2)*tanh(a1*x1 + a2*x2 + b)", 21, 18),
            ("exp(sigmoid(w*x)/t)*tanh(a*x + b)", 15, 15),
            ("exp(a*x)*cos(b*x)", 6, 5),
            ("sin(a*x + b)*exp(-c*x^2)", 10, 8),
            ("softplus(a*x + b)*exp(w*x)", 10, 9),
            ("erf(a*x)*exp(-a^2*x^2)", 3, 3),
            ("(a*x + b)^3*exp(w*x)", 10, 5),
            ("exp(w*x)*sigmoid(x + b)*tanh(x/2)", 6, 6),
            ("gelu(a*x)*erf(b*x)/(1 + c)", 10, 6),
            ("exp(w*x)*(a*x/(1 + t^2) + b*tanh(t)*x)", 15, 3),
            ("l*exp(b*x)*sigmoid(b*x)", 6, 3),
            ("exp(tanh(a*x) + b)*l", 10, 3),
            ("x*sigmoid(a)*exp(b) + sigmoid(a + b)*c", 10, 2),
            ("sigmoid(a*x)*sigmoid(-a*x)*exp(2*a*x)", 3, 3),
            ("softplus(a*x) - softplus(-a*x) + b", 6, 2),
        ] {
            let found = found(source);
            assert_eq!((found.derivatives.len(), found.independent), (derivatives, independent), "{source}");
            assert_eq!(found.relations.len(), derivatives - independent, "{source}");
        }
    }
}

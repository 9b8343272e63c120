//! All linear relations among functions of the inputs.
//!
//! For functions `f_1 … f_N` of the inputs and parameters, all vectors `c(θ)` with `Σ c_k(θ) f_k(x; θ) = 0` for all `x`: their dimension is `N − r`, `r` the number of independent functions at generic parameters. Writing every function over one common
//! denominator ([`Table::resolve`]) as a sum of monomials that contain inputs, with coefficients from the field `K` of the parameters, makes `c` the kernel of a matrix over `K`. In its reduced row echelon form each column without pivot is a combination of
//! columns before it: that is the relation, with coefficient one for this column, which no other relation has. Which columns these are, and of which they are combinations, is read off over a prime field ([`modular`]); then each relation is solved for alone, among the few functions that it has.
//!
//! This is a finder: what it finds is put into a certificate, whose re-checker multiplies every relation out and normalises it to zero, and encloses a determinant of the rest.

mod hidden;
mod text;

pub(crate) use hidden::Hidden;

use super::coefficient::{Coefficient, Work};
use super::modular;
use super::normal_form::{Atom, Table};
use super::parse::ExpressionError;
use super::partial::{Partial, normalise};
use super::polynomial::{Exponent, Monomial, Polynomial, Symbol};
use dashu_base::Gcd;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;
use std::collections::{BTreeMap, BTreeSet};
use text::enclosed;

/// `Σ coefficient·function = 0` over the numbers of functions; coefficients in the syntax of expressions, over parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    /// The function that it expresses by the others, its coefficient one. It occurs in no other relation.
    pub(crate) leader: usize,
    /// The others.
    pub(crate) terms: Vec<(usize, String)>,
    /// The leader alone on the left, as text.
    pub(crate) equation: String,
}

impl Relation {
    /// Whether a coefficient is longer than anybody reads.
    fn is_long(&self) -> bool {
        let is_long = |text: &String| text.len() > LONGEST || text.matches(' ').count() > 2 * MOST_TERMS;
        self.terms.iter().any(|(_, coefficient)| is_long(coefficient))
    }
}

/// Why there is no basis of the relations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unsolved {
    /// What the normal form does not decide, at its column.
    Beyond(ExpressionError),
    /// A limit of one relation as a whole, and others.
    Limit {
        /// Which limit, of the first one.
        reason: String,
        /// Short ones first.
        found: Vec<Relation>,
    },
}

impl From<ExpressionError> for Unsolved {
    fn from(error: ExpressionError) -> Self {
        Self::Beyond(error)
    }
}

/// A basis of the linear relations of functions, short ones first; `names` are what equations call them.
///
/// # Errors
/// See [`Unsolved`].
pub(crate) fn relations(functions: &[Partial], names: &[String]) -> Result<Vec<Relation>, Unsolved> {
    let mut forms = normalise(functions, &[])?;
    let resolved = forms.table.resolve(&forms.functions)?;
    let matrix = Matrix::of(&forms.table, &resolved);
    let mut found: Vec<Relation> = Vec::new();
    let mut beyond: Vec<String> = Vec::new();
    // Those of few functions first, so that a limit hides none of them.
    let mut dependences = matrix.dependences();
    dependences.sort_by_key(|(_, support)| support.len());
    let (mut left, mut unsought) = (WHOLE, dependences.len());
    for (leader, support) in &dependences {
        if left == 0 {
            break;
        }
        let name = &names[*leader];
        let work = Work::new(EACH.min(left));
        let relation = matrix
            .solved(*leader, support, &work)
            .map(|terms| matrix.relation(&forms.table, names, *leader, &terms, &work));
        left -= EACH.min(left) - work.left();
        unsought -= 1;
        if work.is_spent() {
            beyond.push(format!("the coefficients of a relation of {name} take too much work to find"));
        } else {
            match relation {
                Ok(relation) if !relation.is_long() => found.push(relation),
                Ok(_) => beyond.push(format!(
                    "a relation of {name} has a coefficient of more than {LONGEST} characters or {MOST_TERMS} terms"
                )),
                Err(reason) => beyond.push(reason.into()),
            }
        }
    }
    found.sort_by_key(|relation: &Relation| (relation.terms.len(), relation.equation.chars().count()));
    let Some(reason) = beyond.first().cloned() else { return Ok(found) };
    let others = match (beyond.len() - 1, unsought) {
        (0, 0) => String::new(),
        (refused, 0) => format!("; so it is with {refused} more"),
        (refused, unsought) => {
            format!("; of the others {refused} met such a limit, and after so much work {unsought} were not looked for")
        }
    };
    Err(Unsolved::Limit { reason: reason + &others, found })
}

/// A basis of the relations with rational coefficients that hold for all inputs *and parameters*: one coefficient for each function.
pub(super) fn rational_relations(functions: &[Polynomial]) -> Vec<Vec<RBig>> {
    let monomials: BTreeSet<&Monomial> = functions.iter().flat_map(|function| function.terms.keys()).collect();
    let mut rows: Vec<Vec<RBig>> = monomials
        .into_iter()
        .map(|monomial| functions.iter().map(|f| f.terms.get(monomial).cloned().unwrap_or(RBig::ZERO)).collect())
        .collect();
    let mut pivots: Vec<usize> = Vec::new();
    for column in 0..functions.len() {
        let free = pivots.len();
        let Some(found) = (free..rows.len()).find(|r| rows[*r][column] != RBig::ZERO) else { continue };
        rows.swap(free, found);
        let scale = rows[free][column].clone();
        rows[free].iter_mut().for_each(|entry| *entry = &*entry / &scale);
        let pivot = rows[free].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(r, row)| *r != free && row[column] != RBig::ZERO) {
            let factor = row[column].clone();
            row.iter_mut().zip(&pivot).for_each(|(entry, own)| *entry = &*entry - &factor * own);
        }
        pivots.push(column);
    }
    let free = (0..functions.len()).filter(|column| !pivots.contains(column));
    free.map(|column| {
        let mut relation = vec![RBig::ZERO; functions.len()];
        relation[column] = RBig::ONE;
        pivots.iter().enumerate().for_each(|(row, pivot)| relation[*pivot] = -rows[row][column].clone());
        relation
    })
    .collect()
}

/// A quotient in lowest terms, denominator with a positive leading coefficient.
#[derive(Clone, Debug)]
struct Fraction {
    numerator: Coefficient,
    denominator: Coefficient,
}

impl Fraction {
    fn of(numerator: &Coefficient, denominator: &Coefficient, work: &Work) -> Self {
        let gcd = numerator.gcd(denominator, work);
        let fraction = match (numerator.divided(&gcd, work), denominator.divided(&gcd, work)) {
            (Some(numerator), Some(denominator)) => Self { numerator, denominator },
            _ => Self { numerator: numerator.clone(), denominator: denominator.clone() },
        };
        if fraction.denominator.is_negative() {
            return Self { numerator: fraction.numerator.negated(), denominator: fraction.denominator.negated() };
        }
        fraction
    }

    fn negated(&self) -> Self {
        Self { numerator: self.numerator.negated(), denominator: self.denominator.clone() }
    }
}

/// Most work for one relation, and for all.
const EACH: usize = 10_000_000;
const WHOLE: usize = 4 * EACH;
/// Longest text of a coefficient, in characters, and most terms of one.
const LONGEST: usize = 20_000;
const MOST_TERMS: usize = 1500;

/// One row for each monomial that contains inputs, one column for each function.
struct Matrix {
    rows: Vec<Vec<Coefficient>>,
    columns: usize,
    /// Symbols of the parameters' field, and what one is in units of the variables' exponents.
    variables: Vec<(Symbol, i64)>,
    /// Variables that are algebraic over the others, with what their squares are: `sin² = 1 − cos²`, and `(2/√π)² = 8/(2π)`.
    rules: Vec<(usize, Coefficient)>,
    /// The same circles the other way: `cos² = 1 − sin²`.
    turned: Vec<(usize, Coefficient)>,
    /// A point of a prime field that obeys the rules.
    point: Vec<u64>,
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
        // What a square is replaced by must be a variable too.
        for symbol in scales.keys().copied().collect::<Vec<_>>() {
            if let Some((partner, _)) = table.square(symbol) {
                scales.entry(partner).or_insert(1);
            }
        }
        let variables: Vec<(Symbol, i64)> = scales.into_iter().collect();
        let mut point = modular::point(variables.len());
        let (mut rules, mut turned) = (Vec::new(), Vec::new());
        for (v, (symbol, _)) in variables.iter().enumerate() {
            let Some((partner, is_circle)) = table.square(*symbol) else { continue };
            let Some(other) = variables.iter().position(|(symbol, _)| *symbol == partner) else { continue };
            let mut exponents = vec![0; variables.len()];
            exponents[other] = 2;
            let mut square = Coefficient::integer(i64::from(is_circle), variables.len());
            square.add(exponents, IBig::from(if is_circle { -1 } else { 8 }));
            rules.push((v, square));
            if is_circle {
                let mut exponents = vec![0; variables.len()];
                exponents[v] = 2;
                let mut square = Coefficient::integer(1, variables.len());
                square.add(exponents, -IBig::ONE);
                turned.push((other, square));
                [point[v], point[other]] = modular::circle(point[v]);
            } else {
                point[v] = modular::root_of_eight_times(point[other]);
            }
        }
        let exponents = |monomial: &Monomial| -> Vec<i64> {
            let of = |(symbol, scale): &(Symbol, i64)| {
                let exponent = monomial.iter().find(|(s, _)| s == symbol).map_or(RBig::ZERO, |(_, e)| e.to_rational());
                i64::try_from((exponent * RBig::from(*scale)).numerator().clone()).unwrap_or(0)
            };
            variables.iter().map(of).collect()
        };
        let work = Work::new(EACH);
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
            divide_by_content(&mut row, &work);
            row
        });
        Self { rows: rows.collect(), columns: functions.len(), variables, rules, turned, point }
    }

    /// Columns that are combinations of columns without such before them, with those.
    fn dependences(&self) -> Vec<(usize, Vec<usize>)> {
        let mut values: Vec<Vec<u64>> =
            self.rows.iter().map(|row| row.iter().map(|entry| modular::value(entry, &self.point)).collect()).collect();
        let columns = self.columns;
        let pivots = modular::reduce(&mut values);
        let free = (0..columns).filter(|column| pivots.iter().all(|(_, pivot)| pivot != column));
        free.map(|column| {
            let meets = pivots.iter().filter(|(row, _)| values[*row][column] != 0);
            (column, meets.map(|(_, pivot)| *pivot).collect())
        })
        .collect()
    }

    /// The coefficients `c_k` with `f_leader + Σ c_k f_k = 0` over the support, by elimination without fractions in as many rows, the simplest ones that determine them.
    ///
    /// # Errors
    /// No work is left; or the relation is none, which a random point of the prime field shows but for a chance below 10⁻¹².
    fn solved(&self, leader: usize, support: &[usize], work: &Work) -> Result<Vec<(Fraction, usize)>, &'static str> {
        let columns: Vec<usize> = support.iter().copied().chain([leader]).collect();
        let mut rows: Vec<Vec<Coefficient>> = self
            .rows
            .iter()
            .map(|row| columns.iter().map(|column| row[*column].clone()).collect::<Vec<_>>())
            .filter(|row| row.iter().any(|entry| !entry.is_zero()))
            .collect();
        rows.iter_mut().for_each(|row| divide_by_content(row, work));
        rows.sort_by_key(|row| row.iter().map(|entry| entry.terms.len()).sum::<usize>());
        let values: Vec<Vec<u64>> = rows
            .iter()
            .map(|row| row[..support.len()].iter().map(|entry| modular::value(entry, &self.point)).collect())
            .collect();
        let chosen = modular::independent(&values);
        let mut rows: Vec<Vec<Coefficient>> = chosen.into_iter().map(|r| std::mem::take(&mut rows[r])).collect();
        for column in 0..support.len() {
            let size = |row: &Vec<Coefficient>| {
                (row[column].terms.len(), row.iter().map(|entry| entry.terms.len()).sum::<usize>())
            };
            let found = (column..rows.len()).filter(|r| !rows[*r][column].is_zero()).min_by_key(|r| size(&rows[*r]));
            let Some(found) = found else { return Err("a relation that was found over a prime field is none") };
            rows.swap(column, found);
            let pivot_row = rows[column].clone();
            for (_, row) in rows.iter_mut().enumerate().filter(|(r, row)| *r != column && !row[column].is_zero()) {
                let gcd = row[column].gcd(&pivot_row[column], work);
                let factor = pivot_row[column].divided(&gcd, work).unwrap_or_else(|| pivot_row[column].clone());
                let share = row[column].divided(&gcd, work).unwrap_or_else(|| row[column].clone());
                for (entry, pivot) in row.iter_mut().zip(&pivot_row) {
                    let difference = entry.times(&factor, work).minus(&pivot.times(&share, work));
                    *entry = difference.reduced(&self.rules, work);
                }
                divide_by_content(row, work);
                if work.is_spent() {
                    return Err("no work is left");
                }
            }
        }
        let last = support.len();
        let terms = rows
            .iter()
            .zip(support)
            .enumerate()
            .map(|(k, (row, function))| (self.simplest(&row[last].negated(), &row[k], work), *function));
        Ok(terms.filter(|(fraction, _)| !fraction.numerator.is_zero()).collect())
    }

    /// The quotient, with the squares of those cosines written as `1 − sin²` for which fewer terms are left: what a sine divides then cancels.
    fn simplest(&self, numerator: &Coefficient, denominator: &Coefficient, work: &Work) -> Fraction {
        let size = |fraction: &Fraction| fraction.numerator.terms.len() + fraction.denominator.terms.len();
        let mut simplest = Fraction::of(numerator, denominator, work);
        for rule in &self.turned {
            let by = |of: &Coefficient| of.clone().reduced(std::slice::from_ref(rule), work);
            let other = Fraction::of(&by(&simplest.numerator), &by(&simplest.denominator), work);
            if size(&other) < size(&simplest) {
                simplest = other;
            }
        }
        simplest
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

    /// A fraction without the powers of `c = 1/√(2π)` and `e = 2/√π` that divide its denominator, and what they are one over, as text: `1/(4c⁴) = √π⁴`.
    fn without_roots(&self, table: &Table, fraction: &Fraction, work: &Work) -> (Fraction, String) {
        let Fraction { mut numerator, mut denominator } = fraction.clone();
        let two = |power: u32| Coefficient::integer(IBig::ONE << power as usize, self.variables.len());
        let (mut of_pi, mut of_two_pi) = (0, 0);
        for (k, (symbol, _)) in self.variables.iter().enumerate() {
            let power = denominator.terms.keys().map(|exponents| exponents[k]).min().unwrap_or(0);
            match table.atom(*symbol) {
                Atom::Gaussian => {
                    // c^{−2n} = 2ⁿ √π^{2n}
                    numerator = numerator.times(&two(power / 2), work);
                    of_pi += power / 2 * 2;
                    of_two_pi += power % 2;
                }
                Atom::ErrorScale => {
                    denominator = denominator.times(&two(power), work);
                    of_pi += power;
                }
                _ => continue,
            }
            let lowered = denominator.terms.into_iter().map(|(mut exponents, c)| {
                exponents[k] -= power;
                (exponents, c)
            });
            denominator = Coefficient { terms: lowered.collect() };
        }
        let power = |root: &str, power| match power {
            0 => None,
            1 => Some(root.to_string()),
            n => Some(format!("{root}^{n}")),
        };
        let roots = [power("sqrt(pi)", of_pi), power("sqrt(2*pi)", of_two_pi)];
        match roots.into_iter().flatten().collect::<Vec<_>>().join("*") {
            none if none.is_empty() => (fraction.clone(), none),
            roots => (Fraction::of(&numerator, &denominator, work), roots),
        }
    }

    fn relation(
        &self,
        table: &Table,
        names: &[String],
        leader: usize,
        terms: &[(Fraction, usize)],
        work: &Work,
    ) -> Relation {
        let text = |fraction: &Fraction| {
            let (fraction, roots) = self.without_roots(table, fraction, work);
            let numerator = table.text(&self.polynomial(&fraction.numerator));
            let is_whole = fraction.denominator.as_integer() == Some(IBig::ONE);
            let is_sum = fraction.numerator.terms.len() > 1 && !(is_whole && roots.is_empty());
            let numerator = if is_sum { format!("({numerator})") } else { numerator };
            let numerator = match (&numerator[..], &roots[..]) {
                (_, "") => numerator,
                ("1", roots) => roots.into(),
                ("-1", roots) => format!("-{roots}"),
                (numerator, roots) => format!("{numerator}*{roots}"),
            };
            if is_whole {
                return numerator;
            }
            let denominator = table.text(&self.polynomial(&fraction.denominator));
            let simple = denominator.chars().all(|c| c.is_alphanumeric() || c == '_');
            let denominator = if simple { denominator } else { enclosed(&denominator) };
            format!("{numerator}/{denominator}")
        };
        let right: Vec<String> = terms
            .iter()
            .map(|(fraction, function)| {
                let (fraction, name) = (fraction.negated(), &names[*function]);
                let coefficient = text(&fraction);
                match coefficient.as_str() {
                    "1" => name.clone(),
                    "-1" => format!("-{name}"),
                    _ if fraction.numerator.terms.len() > 1 && fraction.denominator.is_unit() => {
                        format!("({coefficient})*{name}")
                    }
                    _ => format!("{coefficient}*{name}"),
                }
            })
            .collect();
        let right = if right.is_empty() { "0".to_string() } else { right.join(" + ").replace("+ -", "- ") };
        let equation = format!("{} = {right}", names[leader]);
        let terms = terms.iter().map(|(fraction, function)| (*function, text(fraction))).collect();
        Relation { leader, terms, equation }
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

/// All over what divides all; as they are where that takes too much work.
fn divide_by_content(row: &mut [Coefficient], work: &Work) {
    let mut content = Coefficient::default();
    for entry in row.iter().filter(|entry| !entry.is_zero()) {
        content = content.gcd(entry, work);
        if content.is_unit() {
            return;
        }
    }
    let quotients: Option<Vec<Coefficient>> = row.iter().map(|entry| entry.divided(&content, work)).collect();
    if let Some(quotients) = quotients {
        row.iter_mut().zip(quotients).for_each(|(entry, quotient)| *entry = quotient);
    }
}

impl Table {
    /// The symbol by which the square of one is expressed: the cosine of a sine (`true`), `1/√(2π)` of `2/√π`.
    fn square(&self, symbol: Symbol) -> Option<(Symbol, bool)> {
        match self.atom(symbol) {
            Atom::Sin(m, unit) => Some((self.number_of(&Atom::Cos(m.clone(), unit.clone()))?, true)),
            Atom::ErrorScale => Some((self.number_of(&Atom::Gaussian)?, false)),
            _ => None,
        }
    }
}

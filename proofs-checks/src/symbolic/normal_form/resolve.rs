//! Functions over one common denominator, in symbols that are algebraically independent: where zero is decided.

use super::{Atom, Limit, Table};
use crate::symbolic::parse::ExpressionError;
use crate::symbolic::polynomial::{Exponent, Monomial, Polynomial, Symbol};
use dashu_ratio::RBig;
use std::collections::{BTreeMap, BTreeSet};

impl Table {
    /// Numerators over one common denominator: each function times the same function that is nowhere zero (or generically not), as polynomials in symbols that are algebraically independent. They are linearly dependent over the
    /// field of the parameters exactly if the functions are.
    ///
    /// # Errors
    /// What the normal form does not decide.
    pub(crate) fn resolve(&mut self, functions: &[Polynomial]) -> Result<Vec<Polynomial>, ExpressionError> {
        let mut products: BTreeSet<Vec<Symbol>> = BTreeSet::new();
        for monomial in functions.iter().flat_map(|f| f.terms.keys()) {
            let symbols = monomial.iter().map(|(symbol, _)| *symbol);
            products.insert(symbols.filter(|symbol| matches!(self.atoms[*symbol], Atom::Step(_))).collect());
        }
        // One product alone is not zero; of several the regions decide.
        if products.len() > 1
            && let Some(second) = products.iter().find_map(|product| product.get(1))
        {
            self.column = self.columns[*second];
            self.gap("a product of relus of different arguments beside other terms");
        }
        self.numerators(functions)
    }

    /// Whether a function has the normal form zero: then it is zero.
    ///
    /// # Errors
    /// What the normal form does not decide.
    pub(crate) fn is_zero(&mut self, function: Polynomial) -> Result<bool, ExpressionError> {
        Ok(self.numerators(&[function])?.iter().all(Polynomial::is_zero))
    }

    fn numerators(&mut self, functions: &[Polynomial]) -> Result<Vec<Polynomial>, ExpressionError> {
        let mut functions = functions.to_vec();
        // A denominator may hold other denominators, which come before it: the outermost first.
        loop {
            let used = functions.iter().flat_map(|f| f.symbols().into_keys());
            let inverse = used.filter(|symbol| matches!(self.atoms[*symbol], Atom::Inverse(_))).max();
            let Some(symbol) = inverse else { break };
            let Atom::Inverse(d) = self.atoms[symbol].clone() else { break };
            let power = largest_power(&functions, symbol);
            let one = Polynomial::one();
            functions = functions.iter().map(|f| self.cleared(f, symbol, power, &one, &d)).collect();
            self.within_limits(1)?;
        }
        // Then what contains inputs; then what contains parameters only, of which the first may have brought more.
        for with_inputs in [true, false] {
            let used: BTreeSet<Symbol> = functions.iter().flat_map(|f| f.symbols().into_keys()).collect();
            let inside = self.arguments(&used);
            let of_kind = || used.union(&inside).copied().filter(|symbol| self.inputs[*symbol] == with_inputs);
            let arguments = |of: &mut dyn Iterator<Item = Symbol>| -> Vec<Polynomial> {
                of.filter_map(|symbol| match &self.atoms[symbol] {
                    // The number e is transcendental.
                    Atom::Exp(m) if m.is_empty() => None,
                    Atom::Exp(m) => Some(Polynomial::term(m.clone(), RBig::ONE)),
                    Atom::Sigmoid(u) => Some(u.clone()),
                    _ => None,
                })
                .collect()
            };
            // e^{softplus(v)} is no new atom.
            let is_rational = |symbol: &Symbol| match &self.atoms[*symbol] {
                Atom::Sigmoid(u) => self.has_softplus(u),
                _ => false,
            };
            if !of_kind().any(|symbol| is_rational(&symbol))
                && self.are_independent(&arguments(&mut of_kind()), with_inputs)
            {
                continue;
            }
            // The arguments are distinct polynomials of independent symbols only if what is inside of them is independent by itself.
            let of_inside = || of_kind().filter(|symbol| inside.contains(symbol));
            if of_inside().any(|symbol| is_rational(&symbol))
                || !self.are_independent(&arguments(&mut of_inside()), with_inputs)
            {
                let is_sigmoid = |symbol: &Symbol| matches!(self.atoms[*symbol], Atom::Sigmoid(_));
                let place = of_inside().find(is_sigmoid).or_else(|| of_inside().next());
                self.column = place.map_or(1, |symbol| self.columns[symbol]);
                self.gap("a sigmoid or tanh inside of a function, beside a dependent exponential inside of one");
            }
            let sigmoids: Vec<(Symbol, Polynomial)> = used
                .iter()
                .filter(|symbol| self.inputs[**symbol] == with_inputs)
                .filter_map(|&symbol| match &self.atoms[symbol] {
                    Atom::Sigmoid(u) => Some((symbol, u.clone())),
                    _ => None,
                })
                .collect();
            for (symbol, u) in sigmoids {
                let power = largest_power(&functions, symbol);
                let e = self.exponential(&u, 1)?;
                let denominator = e.clone().plus(&Polynomial::one(), &RBig::ONE);
                functions = functions.iter().map(|f| self.cleared(f, symbol, power, &e, &denominator)).collect();
            }
        }
        self.within_limits(1)?;
        Ok(functions)
    }

    /// `denominator^power·f` with `symbol = numerator/denominator`.
    fn cleared(
        &mut self,
        f: &Polynomial,
        symbol: Symbol,
        power: i64,
        numerator: &Polynomial,
        denominator: &Polynomial,
    ) -> Polynomial {
        let mut by_power: BTreeMap<i64, Polynomial> = BTreeMap::new();
        for (monomial, coefficient) in &f.terms {
            let own = monomial.iter().find(|(s, _)| *s == symbol).map(|(_, e)| *e);
            let n = own.map_or(Some(0), Exponent::as_integer).filter(|n| (0..=power).contains(n));
            let Some(n) = n else {
                self.stop(Limit::Power);
                return Polynomial::default();
            };
            let rest: Monomial = monomial.iter().copied().filter(|(s, _)| *s != symbol).collect();
            by_power.entry(n).or_default().add(rest, coefficient.clone());
        }
        let mut sum = Polynomial::default();
        for (n, rest) in by_power {
            let mut term = rest;
            for _ in 0..n {
                term = self.product(&term, numerator);
            }
            for _ in n..power {
                term = self.product(&term, denominator);
            }
            sum = sum.plus(&term, &RBig::ONE);
        }
        sum
    }

    /// All symbols inside of the arguments of its steps, the steps of these included.
    pub(crate) fn inside_of_steps(&self, of: &Polynomial) -> BTreeSet<Symbol> {
        let used: BTreeSet<Symbol> = of.symbols().into_keys().collect();
        let inside = self.arguments(&used);
        let is_step = |symbol: &Symbol| matches!(self.atoms[*symbol], Atom::Step(_));
        self.arguments(&used.union(&inside).copied().filter(is_step).collect())
    }

    /// All symbols inside of the arguments of others.
    fn arguments(&self, of: &BTreeSet<Symbol>) -> BTreeSet<Symbol> {
        let (mut found, mut open): (BTreeSet<Symbol>, Vec<Symbol>) = (BTreeSet::new(), of.iter().copied().collect());
        while let Some(symbol) = open.pop() {
            let inner: Vec<Symbol> = match &self.atoms[symbol] {
                Atom::Exp(m) | Atom::Sin(m, _) | Atom::Cos(m, _) => m.iter().map(|(s, _)| *s).collect(),
                Atom::Inverse(u)
                | Atom::Sigmoid(u)
                | Atom::Softplus(u)
                | Atom::Phi(u)
                | Atom::Erf(u)
                | Atom::Step(u) => u.terms.keys().flatten().map(|(s, _)| *s).collect(),
                _ => Vec::new(),
            };
            open.extend(inner.into_iter().filter(|s| found.insert(*s)));
        }
        found
    }

    /// Whether a term is a softplus and a number.
    fn has_softplus(&self, u: &Polynomial) -> bool {
        let is_one = |power: &Exponent| power.as_integer() == Some(1);
        u.terms.keys().any(|monomial| match &monomial[..] {
            [(symbol, power)] => is_one(power) && matches!(self.atoms[*symbol], Atom::Softplus(_)),
            _ => false,
        })
    }

    /// Linear independence over Q of the parts that contain inputs, or of those that are not constant.
    fn are_independent(&self, vectors: &[Polynomial], with_inputs: bool) -> bool {
        let mut rows: Vec<Polynomial> = Vec::new();
        for vector in vectors {
            let mut rest = Polynomial::default();
            for (monomial, coefficient) in &vector.terms {
                if monomial.iter().any(|(symbol, _)| self.inputs[*symbol] == with_inputs) {
                    rest.add(monomial.clone(), coefficient.clone());
                }
            }
            // Rows are reduced by their first monomials, which are distinct.
            for row in &rows {
                let Some((first, leading)) = row.terms.first_key_value() else { continue };
                if let Some(coefficient) = rest.terms.get(first).cloned() {
                    rest = rest.plus(row, &-(coefficient / leading));
                }
            }
            if rest.is_zero() {
                return false;
            }
            let first = rest.terms.keys().next().cloned().unwrap_or_default();
            let leading = rest.leading().cloned().unwrap_or(RBig::ONE);
            for row in &mut rows {
                if let Some(coefficient) = row.terms.get(&first).cloned() {
                    *row = std::mem::take(row).plus(&rest, &-(coefficient / &leading));
                }
            }
            rows.push(rest);
        }
        true
    }
}

fn largest_power(functions: &[Polynomial], symbol: Symbol) -> i64 {
    let powers = functions.iter().flat_map(|f| f.terms.keys().flatten());
    powers.filter(|(s, _)| *s == symbol).filter_map(|(_, e)| e.as_integer()).max().unwrap_or(0)
}

//! What may hide a relation from the normal form: hypotheses of its theorem, and steps that depend on each other.

use crate::symbolic::normal_form::{Atom, Table};
use crate::symbolic::parse::ExpressionError;
use crate::symbolic::partial::{Partial, normalise};
use crate::symbolic::polynomial::{Exponent, Monomial, Polynomial, Symbol, multiplied};
use dashu_ratio::RBig;
use std::collections::BTreeSet;

/// What may hide a relation among functions from [`super::relations`], as far as it is seen.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    /// A hypothesis of the normal form that is seen to fail.
    pub(crate) gap: Option<ExpressionError>,
    /// Whether steps are multiplied with each other.
    pub(crate) products: bool,
    /// The arguments of the steps.
    pub(crate) steps: Vec<String>,
    /// Two of the arguments that are multiples of one function by parameters, and this function `v`: with `u = p(θ)v` the step `H(u)` is `H(v)` where `p > 0` and `1 − H(v)` where `p < 0`.
    pub(crate) multiples: Option<[String; 3]>,
}

impl Hidden {
    /// Of these functions.
    pub(crate) fn of(functions: &[Partial]) -> Option<Self> {
        let mut forms = normalise(functions, &[]).ok()?;
        let is_step = |table: &Table, symbol: &Symbol| matches!(table.atom(*symbol), Atom::Step(_));
        let monomials = || forms.functions.iter().flat_map(|function| function.terms.keys());
        let steps_of = |monomial: &Monomial| -> Vec<Symbol> {
            monomial.iter().map(|(symbol, _)| *symbol).filter(|symbol| is_step(&forms.table, symbol)).collect()
        };
        let products = monomials().any(|monomial| steps_of(monomial).len() > 1);
        let symbols: BTreeSet<Symbol> = monomials().flat_map(steps_of).collect();
        let arguments: Vec<&Polynomial> = symbols
            .iter()
            .filter_map(|symbol| match forms.table.atom(*symbol) {
                Atom::Step(u) => Some(u),
                _ => None,
            })
            .collect();
        // H(−u) = 1 − H(u): whichever of the two begins without a sign.
        let text = |u: &Polynomial| {
            let text = forms.table.text(u);
            if text.starts_with('-') { forms.table.text(&u.scaled(&-RBig::ONE)) } else { text }
        };
        let bare: Vec<Polynomial> = arguments.iter().map(|u| forms.table.without_parameters(u)).collect();
        let pairs = (0..bare.len()).flat_map(|k| (0..k).map(move |l| (l, k)));
        let multiples = pairs
            .filter(|(l, k)| bare[*l] == bare[*k])
            .map(|(l, k)| [text(arguments[l]), text(arguments[k]), text(&bare[k])])
            .next();
        let steps = arguments.iter().map(|u| text(u)).collect();
        forms.table.resolve(&forms.functions).ok()?;
        Some(Self { gap: forms.table.incompleteness(), products, steps, multiples })
    }
}

impl Table {
    /// A `v` of which `u` is a multiple by parameters, the coefficient of its first monomial one: where all terms have the same inputs these alone, else `u` over the powers of parameters that all terms have.
    fn without_parameters(&self, u: &Polynomial) -> Polynomial {
        let split = |monomial: &Monomial| -> (Monomial, Monomial) {
            monomial.iter().copied().partition(|(symbol, _)| self.has_input(*symbol))
        };
        let mut with: Vec<Monomial> = u.terms.keys().map(|monomial| split(monomial).0).collect();
        with.dedup();
        if let [with] = &with[..] {
            return Polynomial::term(with.clone(), RBig::ONE);
        }
        let mut common: Option<Monomial> = None;
        for monomial in u.terms.keys() {
            let own = split(monomial).1;
            common = Some(match common {
                None => own,
                Some(known) => known.into_iter().filter(|power| own.contains(power)).collect(),
            });
        }
        let inverse: Monomial = common
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(symbol, power)| Some((symbol, Exponent::of(&-power.to_rational())?)))
            .collect();
        let mut bare = Polynomial::default();
        u.terms.iter().for_each(|(monomial, c)| bare.add(multiplied(monomial, &inverse), c.clone()));
        let leading = bare.leading().cloned().unwrap_or(RBig::ONE);
        bare.scaled(&(RBig::ONE / leading))
    }
}

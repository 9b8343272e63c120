//! Symmetries by signs: `F(−θ_S) = ±F`, or `± F` and a polynomial.
//!
//! Of up to seven parameters every set `S` is tried. Of more, the sets are the solutions of linear equations over `F_2`: with one unknown for each parameter, a term has the parity of the parameters in it, and the terms of an argument have one parity, so that the argument becomes itself or its negative. If these solutions are still too many, the same is asked of the
//! terms of the whole, where an odd function has the parity of its argument, `cos` none, and the argument of any other is even; the solutions are a group of symmetries, of which a basis is given.

use super::Undecided;
use crate::symbolic::expression::{Expression, Function, Kind, is_input};
use crate::symbolic::normal_form::Table;
use crate::symbolic::parse::ExpressionError;
use dashu_ratio::RBig;
use std::collections::BTreeMap;

/// Most parameters, or dimensions of sets, of which all are tried.
const SIGNS: usize = 7;
/// Most dimensions of a group of symmetries that is written out to find small ones.
const SPANNED: usize = 14;

/// Those symmetries that are not products of others, in words.
pub(super) fn signs(of: &Expression, parameters: &[String], name: &str, undecided: &mut Undecided) -> Vec<String> {
    let (mut found, mut trivial): (Vec<u64>, Vec<u64>) = Default::default();
    let mut all = Vec::new();
    for set in sets(of, parameters, name, undecided) {
        // Two symmetries make a third.
        if rest(&found, set) == 0 {
            continue;
        }
        let flipped: Vec<&String> =
            parameters.iter().enumerate().filter(|(k, _)| set >> k & 1 == 1).map(|(_, n)| n).collect();
        let symmetry = symmetry(of, &flipped, name).map_err(|error| error.message);
        let words = match undecided.known(&format!("signs of {name}"), symmetry).flatten() {
            Some(Symmetry::Exact(words)) => words,
            // One that is known, and signs in the polynomial part, make no third that is worth telling.
            Some(Symmetry::Remainder(words)) if rest(&[&found[..], &trivial].concat(), set) != 0 => words,
            Some(Symmetry::Trivial) => {
                trivial.push(set);
                continue;
            }
            _ => continue,
        };
        found.push(set);
        all.push(words);
    }
    all
}

/// What signs do.
enum Symmetry {
    /// `±F`, in words.
    Exact(String),
    /// `±F` and a polynomial, in words.
    Remainder(String),
    /// A polynomial is added, of parameters that stand outside of all functions.
    Trivial,
}

/// The sets that are tried, small ones first.
fn sets(of: &Expression, parameters: &[String], name: &str, undecided: &mut Undecided) -> Vec<u64> {
    let n = parameters.len();
    let all = |basis: &[u64]| -> Vec<u64> {
        let sum = |choice: u64| {
            basis.iter().enumerate().filter(|(k, _)| choice >> k & 1 == 1).fold(0, |sum, (_, set)| sum ^ set)
        };
        (1..1 << basis.len()).map(sum).collect()
    };
    let mut sets = if n <= SIGNS {
        all(&(0..n).map(|k| 1 << k).collect::<Vec<_>>())
    } else if n > u64::BITS as usize {
        undecided.note(format!("no signs of the {n} parameters of {name} were tried"));
        return Vec::new();
    } else {
        let solutions = |whole: bool| {
            let mut equations = Vec::new();
            parity(of, whole, parameters, &mut equations);
            kernel(&equations, n)
        };
        let arguments = solutions(false);
        let (sets, kept) = if arguments.len() <= SIGNS {
            (all(&arguments), "the argument of every function")
        } else {
            let terms = solutions(true);
            let sets = if terms.len() <= SPANNED { all(&terms) } else { terms };
            (sets, "the argument of every function and each term of the whole")
        };
        undecided.note(format!(
            "of the signs of the {n} parameters of {name} only those were tried that turn {kept} into itself or its negative"
        ));
        sets
    };
    sets.sort_by_key(|set| (set.count_ones(), *set));
    sets
}

fn symmetry(of: &Expression, flipped: &[&String], name: &str) -> Result<Option<Symmetry>, ExpressionError> {
    let zero = || Expression::number(0);
    let negative: BTreeMap<_, _> =
        flipped.iter().map(|n| ((*n).clone(), zero().minus(Expression::symbol(n)))).collect();
    let image = of.substituted(&negative);
    let (mut table, forms) = Table::lower(&[of, &image])?;
    let mut otherwise = None;
    for (sign, symbol) in [(RBig::ONE, ""), (-RBig::ONE, "-")] {
        // image − sign·of, as it is: what is resolved is over a denominator.
        let rest = forms[1].clone().plus(&forms[0], &-sign);
        let is_zero = table.is_zero(rest.clone())?;
        // Every polynomial, in all parameters or in the flipped one alone, has some remainder.
        let trivial = flipped.iter().all(|name| !is_within(of, name)) || table.is_polynomial(&forms[0]);
        if !is_zero && (trivial || !table.is_polynomial(&rest)) {
            if table.is_polynomial(&rest) {
                otherwise = Some(Symmetry::Trivial);
            }
            continue;
        }
        let arguments: Vec<String> = flipped.iter().map(|n| format!("-{n}")).collect();
        let tail = if is_zero { String::new() } else { format!(" + {}", table.text(&rest)) };
        let tail = tail.replace("+ -", "- ");
        let words = format!("symmetry: {name}({}) = {symbol}{name}{tail}", arguments.join(", "));
        return Ok(Some(if is_zero { Symmetry::Exact(words) } else { Symmetry::Remainder(words) }));
    }
    Ok(otherwise)
}

/// Whether the argument of a function has the name.
fn is_within(of: &Expression, name: &str) -> bool {
    match &of.kind {
        Kind::Number(_) | Kind::RootPi { .. } | Kind::Symbol(_) => false,
        Kind::Sum(a, b) | Kind::Product(a, b) | Kind::Quotient(a, b) => is_within(a, name) || is_within(b, name),
        Kind::Negative(a) | Kind::Power(a, _) => is_within(a, name),
        Kind::Call(_, argument) => argument.names().iter().any(|known| known == name),
    }
}

/// The parity of an expression by those of the parameters, a bit for each, and the equations under which it has one: sets of bits of even sum. Outside of functions sums need none, unless they are `asked` for it.
fn parity(of: &Expression, asked: bool, parameters: &[String], equations: &mut Vec<u64>) -> u64 {
    let mut part = |of: &Expression, asked| parity(of, asked, parameters, equations);
    match &of.kind {
        Kind::Number(_) | Kind::RootPi { .. } => 0,
        Kind::Symbol(name) if is_input(name) => 0,
        Kind::Symbol(name) => parameters.iter().position(|known| known == name).map_or(0, |k| 1 << k),
        Kind::Sum(a, b) => {
            let (a, b) = (part(a, asked), part(b, asked));
            if asked {
                equations.push(a ^ b);
            }
            a
        }
        Kind::Product(a, b) | Kind::Quotient(a, b) => part(a, asked) ^ part(b, asked),
        Kind::Negative(a) => part(a, asked),
        Kind::Power(a, n) => {
            let a = part(a, asked);
            if n % 2 == 0 { 0 } else { a }
        }
        Kind::Call(function, argument) => {
            let argument = part(argument, true);
            match function {
                Function::Tanh | Function::Erf | Function::Sin => argument,
                Function::Cos => 0,
                _ => {
                    if asked {
                        equations.push(argument);
                    }
                    0
                }
            }
        }
    }
}

/// A vector over `F_2` less those of an independent list: zero for their sums alone.
fn rest(vectors: &[u64], mut vector: u64) -> u64 {
    // Each of the list reduced by those before it, with a leading bit of its own.
    let mut echelon: Vec<u64> = Vec::new();
    let reduced = |echelon: &[u64], vector: u64| {
        echelon.iter().fold(vector, |v, row| if v >> row.ilog2() & 1 == 1 { v ^ row } else { v })
    };
    for own in vectors {
        let own = reduced(&echelon, *own);
        if own != 0 {
            echelon.push(own);
        }
    }
    vector = reduced(&echelon, vector);
    vector
}

/// A basis of the sets that have an even number of members in common with each equation.
fn kernel(equations: &[u64], n: usize) -> Vec<u64> {
    // Rows that are reduced by each other: each leading bit is in one row only.
    let mut rows: Vec<u64> = Vec::new();
    for equation in equations {
        let own = rows.iter().fold(*equation, |v, row| if v >> row.ilog2() & 1 == 1 { v ^ row } else { v });
        if own == 0 {
            continue;
        }
        let lead = own.ilog2();
        for row in &mut rows {
            if *row >> lead & 1 == 1 {
                *row ^= own;
            }
        }
        rows.push(own);
    }
    let is_free = |k: &usize| rows.iter().all(|row| row.ilog2() as usize != *k);
    let with = |k: usize| rows.iter().filter(|row| **row >> k & 1 == 1).fold(1 << k, |set, row| set | 1 << row.ilog2());
    (0..n).filter(is_free).map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remainders of one parameter and of many terms are found; that a polynomial part has some is no symmetry.
    #[test]
    fn symmetries_with_a_remainder() {
        let found = |text: &str, names: &[&str]| {
            let of = crate::symbolic::parse::parse(text).unwrap();
            let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
            signs(&of, &names, "F", &mut Undecided::default())
        };
        assert_eq!(found("gelu(a*x)", &["a"]), ["symmetry: F(-a) = F - a*x"]);
        assert_eq!(found("sigmoid(a*x)", &["a"]), ["symmetry: F(-a) = -F + 1"]);
        assert_eq!(found("a^3*x + exp(b*x)", &["a", "b"]), [""; 0]);
        // Signs outside of functions add nothing to a remainder, and may take it away.
        assert_eq!(found("softplus(a*x) + c + d*x", &["a", "c", "d"]), ["symmetry: F(-a) = F - a*x"]);
        let both = ["symmetry: F(-a) = -F + 2*x*c", "symmetry: F(-a, -c) = -F"];
        assert_eq!(found("tanh(a*x) + c*x", &["a", "c"]), both);
        let many = found("softplus(a1*x1+a2*x2+a3*x3+a4*x4+b)", &["a1", "a2", "a3", "a4", "b"]);
        assert!(many.len() == 1 && many[0].starts_with("symmetry: F(-a1, -a2, -a3, -a4, -b) = F - "), "{many:?}");
    }

    /// By brute force over all sets: the kernel's sums are those that meet every equation evenly.
    #[test]
    fn kernels_are_those_of_brute_force() {
        for equations in [vec![], vec![0b0011, 0b0110], vec![0b1111, 0b1000, 0b0111], vec![0b10110, 0b01101, 0b11011]] {
            let basis = kernel(&equations, 5);
            let solutions =
                (0_u64..32).filter(|set| equations.iter().all(|e| (e & set).count_ones() % 2 == 0)).collect::<Vec<_>>();
            assert_eq!(1 << basis.len(), solutions.len(), "{equations:?}");
            assert!((0..32).all(|set| (rest(&basis, set) == 0) == solutions.contains(&set)), "{equations:?}");
        }
    }
}

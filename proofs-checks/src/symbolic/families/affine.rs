//! The largest sets of parameters in which an expert is affine jointly.
//!
//! *Steps.* With `relu` derivatives are those almost everywhere, where every step is constant: `∂²relu(ax + b)/∂a∂b = 0`. What is affine in `p` almost everywhere, and continuous, is affine in it if no step moves with `p`. A parameter inside of a step that is written down may be one all the same, where the step does not move with it (`relu((1 + a²)x)`), is always one (`relu((x − a)⁴) + 4a³x − 6a²x² − a⁴`, whose second derivative `(12(x − a)²)(H − 1)` is not seen to vanish) or cancels: whether the expert bends along it is asked.

use super::occurring;
use crate::symbolic::expression::Expression;
use crate::symbolic::normal_form::{Atom, Table};
use crate::symbolic::parse::ExpressionError;

/// Most sets that are tried.
pub(super) const SETS: usize = 64;

/// The largest sets of parameters in which all second derivatives vanish; of those inside of steps, whose second derivatives vanish or contain steps, `bends` says whether they do not split; of more than [`SETS`] that many and one.
///
/// # Errors
/// What the normal form does not decide.
pub(super) fn affine_sets(
    of: &Expression,
    parameters: &[String],
    mut bends: impl FnMut(&str) -> bool,
) -> Result<Vec<Vec<String>>, ExpressionError> {
    let (mut table, forms) = Table::lower(&[of])?;
    let (parameters, symbols) = occurring(&table, parameters);
    let mut vanishes = vec![vec![false; symbols.len()]; symbols.len()];
    let mut is_stepped = vec![false; symbols.len()];
    for (k, first) in symbols.iter().enumerate() {
        let slope = table.derivative(&forms[0], *first);
        for (l, second) in symbols.iter().enumerate().skip(k) {
            let bend = table.derivative(&slope, *second);
            if k == l {
                is_stepped[k] = bend.symbols().keys().any(|symbol| matches!(table.atom(*symbol), Atom::Step(_)));
            }
            let is_zero = table.is_zero(bend)?;
            (vanishes[k][l], vanishes[l][k]) = (is_zero, is_zero);
        }
    }
    let stepped = table.inside_of_steps(&forms[0]);
    let mut is_candidate = |k: &usize| match stepped.contains(&symbols[*k]) {
        true => (vanishes[*k][*k] || is_stepped[*k]) && !bends(&parameters[*k]),
        false => vanishes[*k][*k],
    };
    let candidates: Vec<usize> = (0..symbols.len()).filter(|k| is_candidate(k)).collect();
    let mut sets = Vec::new();
    if !candidates.is_empty() {
        extend(&vanishes, &[], &candidates, &[], &mut sets);
    }
    sets.sort();
    Ok(sets.into_iter().map(|set| set.into_iter().map(|k| parameters[k].clone()).collect()).collect())
}

/// The largest sets around `set` whose other members are among the candidates, all of which fit it, as the `seen` ones do, whose sets are known (Bron and Kerbosch 1973): of a pivot and those that fit it, a largest set has one that does not fit it, or the pivot.
fn extend(fitting: &[Vec<bool>], set: &[usize], candidates: &[usize], seen: &[usize], sets: &mut Vec<Vec<usize>>) {
    let fits = |own: usize, others: &[usize]| -> Vec<usize> {
        others.iter().copied().filter(|k| *k != own && fitting[own][*k]).collect()
    };
    let (mut candidates, mut seen) = (candidates.to_vec(), seen.to_vec());
    let pivot = candidates.iter().chain(&seen).copied().max_by_key(|own| fits(*own, &candidates).len());
    let Some(pivot) = pivot else {
        let mut set = set.to_vec();
        set.sort_unstable();
        sets.push(set);
        return;
    };
    let near = fits(pivot, &candidates);
    for own in candidates.clone().into_iter().filter(|own| !near.contains(own)) {
        if sets.len() > SETS {
            return;
        }
        let larger = [set, &[own]].concat();
        extend(fitting, &larger, &fits(own, &candidates), &fits(own, &seen), sets);
        candidates.retain(|k| *k != own);
        seen.push(own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::parse::parse;

    fn found(text: &str, names: &str) -> Vec<String> {
        let names: Vec<String> = names.split(' ').map(str::to_string).collect();
        let sets = affine_sets(&parse(text).unwrap(), &names, |_| true).unwrap();
        sets.into_iter().map(|set| set.concat()).collect()
    }

    /// By brute force over all sets: those in which the expert is affine and that no other holds.
    #[test]
    fn largest_sets_are_those_of_brute_force() {
        // Of ac + bd there are four: one that is filled from the first parameter on leaves ad and bc out.
        assert_eq!(found("a*c*x + b*d*x^2", "a b c d"), ["ab", "ad", "bc", "cd"]);
        assert_eq!(found("a*x + b + tanh(c*x)", "a b c"), ["ab"]);
        assert_eq!(found("tanh(a*x)", "a"), [""; 0]);
        let text = "a*b*x + b*c*x^2 + c*d*x^3 + d*e*x^4 + e*a*x^5 + f*exp(a*x)";
        let pairs = ["ab", "bc", "cd", "de", "ea", "af", "aa"];
        let is_affine = |set: &u32| {
            let has = |name: char| set >> (u32::from(name) - u32::from('a')) & 1 == 1;
            pairs.iter().all(|pair| !pair.chars().all(has))
        };
        let all: Vec<u32> = (1..64).filter(is_affine).collect();
        let largest = all.iter().filter(|set| all.iter().all(|other| other == *set || *set & other != **set));
        let names = |set: &u32| (0..6).filter(|k| set >> k & 1 == 1).map(|k| char::from(b'a' + k)).collect::<String>();
        let mut expected: Vec<String> = largest.map(names).collect();
        expected.sort();
        assert_eq!(found(text, "a b c d e f"), expected);
        // What is inside of a step bends there, though every second derivative vanishes almost everywhere.
        assert_eq!(found("relu(a*x + b) + c*x + d*relu(c*x^2 + tanh(e)*x)", "a b c d e"), ["d"]);
        assert_eq!(found("relu(exp(a)*(x + b)) + c*exp(a)*relu(x) + d", "a b c d"), ["cd"]);
        // Where the second derivative contains a step it is asked whether there is a bend.
        let asked = |text: &str| {
            let mut asked = Vec::new();
            let names = ["a".to_string(), "b".to_string()];
            let sets = affine_sets(&parse(text).unwrap(), &names, |name| (asked.push(name.to_string()), name == "b").1);
            (sets.unwrap().concat().concat(), asked.concat())
        };
        let said = |sets: &str, names: &str| (sets.to_string(), names.to_string());
        assert_eq!(asked("relu((x - a)^4) - a^4 + tanh(b*x)"), said("a", "a"));
        assert_eq!(asked("relu(a*x) + b^2*relu(x)"), said("a", "a"));
        assert_eq!(asked("relu(a*x + b^2)"), said("a", "ab"));
        // One set of forty is one, and nobody waits for its parts.
        let names: Vec<String> = (1..=40).map(|k| format!("a{k}")).collect();
        let sum =
            names.iter().enumerate().map(|(k, name)| format!("{name}*x^{}", k + 1)).collect::<Vec<_>>().join(" + ");
        assert_eq!(affine_sets(&parse(&sum).unwrap(), &names, |_| true).unwrap(), [names]);
    }
}

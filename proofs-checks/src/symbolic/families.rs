//! Symmetries and flat families of an expert under its gate: proposed from relations, proved by normalising differences to zero (theory B5).
//!
//! | proposed by | family |
//! |---|---|
//! | signs of up to seven parameters | `F(−θ_S) = ±F`, and for the expert `h(−θ_S) ∓ h` a polynomial |
//! | `Σ k_i θ_i ∂_iF = pF` with rational `k`, `p` (all of them: a kernel over Q) | `F(e^{k_i s} θ_i) = e^{ps} F`; for an expert with `p ≠ 0` also its split into two atoms |
//! | `∂²h/∂p∂q = 0` for all `p`, `q` of a set | an atom split into `p ± s` |
//! | `(g(ω+s) + g(ω−s)) g(ω') = (g(ω'+s) + g(ω'−s)) g(ω)` | every atom split into `ω ± s`: a factor that numerator and denominator share |

use super::expression::{Expression, is_input};
use super::normal_form::Table;
use super::parse::{ExpressionError, parse};
use super::polynomial::Polynomial;
use super::relations::rational_relations;
use crate::rigor::{AtomText, Flat, is_zero};
use dashu_base::{Gcd, Signed};
use dashu_int::IBig;
use dashu_ratio::RBig;
use std::collections::BTreeMap;

/// Most parameters whose signs are tried.
const SIGNS: usize = 7;

/// Symmetries and flat families, in words; each is proved.
///
/// # Errors
/// What is no expression, or beyond the normal form.
pub fn families(expert: &str, gate: &str) -> Result<Vec<String>, ExpressionError> {
    let (g, h) = (parse(gate)?, parse(expert)?);
    let f = g.clone().times(h.clone());
    let parameters =
        |of: &Expression| -> Vec<String> { of.names().into_iter().filter(|name| !is_input(name)).collect() };
    let (all, own, slopes) = (parameters(&f), parameters(&h), parameters(&g));
    let mut found = Vec::new();
    found.extend(signs(&f, &all, "F")?);
    if gate.trim() != "1" {
        found.extend(signs(&h, &own, "h")?);
    }
    for (weights, degree) in scalings(&f, &all)? {
        found.push(scaling("F", &weights, &degree));
    }
    let homogeneous: Vec<_> = scalings(&h, &own)?.into_iter().filter(|(_, degree)| *degree != RBig::ZERO).collect();
    let affine = affine_sets(&h, &own)?;
    let fresh = |name: &str| {
        let mut name = name.to_string();
        while all.contains(&name) {
            name.push('_');
        }
        name
    };
    let curve = fresh("s");
    let split = |fitted: [(String, BTreeMap<String, String>); 2]| -> Option<String> {
        let named =
            |suffix: &str| all.iter().map(|name| (name.clone(), format!("{name}{suffix}"))).collect::<BTreeMap<_, _>>();
        let other = AtomText { weight: fresh("v_other"), parameters: named("_other") };
        let halves = fitted.map(|(weight, moved)| {
            let mut parameters = named("");
            parameters.extend(moved);
            (0, AtomText { weight, parameters })
        });
        let flat = Flat {
            gate: gate.into(),
            expert: expert.into(),
            curve: curve.clone(),
            truth: vec![AtomText { weight: fresh("v"), parameters: named("") }, other.clone()],
            fitted: halves.into_iter().chain([(1, other)]).collect(),
        };
        matches!(flat.holds(), Ok(None)).then(|| flat.certificate())
    };
    let weight = fresh("v");
    for set in affine.iter().filter(|set| !slopes.iter().any(|slope| set.contains(slope))) {
        let moved = |sign: &str| BTreeMap::from([(set[0].clone(), format!("{} {sign} {curve}", set[0]))]);
        if split([(format!("{weight}/2"), moved("+")), (format!("{weight}/2"), moved("-"))]).is_some() {
            found.push(format!(
                "flat: an atom splits into two of half its weight with {} moved by opposite amounts: the expert is affine in {}",
                set.join(", "),
                if set.len() == 1 { "it" } else { "them together" }
            ));
        }
    }
    for (weights, degree) in homogeneous {
        if weights.iter().any(|(name, k)| slopes.contains(name) || k.denominator() != &dashu_int::UBig::ONE) {
            continue;
        }
        let moved = |sign: &str| -> BTreeMap<String, String> {
            weights.iter().map(|(name, k)| (name.clone(), format!("exp({sign}({k})*{curve})*{name}"))).collect()
        };
        // σ(−ps) = e^{−ps}σ(ps): a product of what is seen to be positive.
        let large = format!("{weight}*sigmoid(({degree})*{curve})");
        let small = format!("exp(-({degree})*{curve})*{large}");
        if split([(small, moved("")), (large, moved("-"))]).is_some() {
            let names: Vec<&str> = weights.iter().map(|(name, _)| &name[..]).collect();
            found.push(format!(
                "flat: an atom splits into two with ({}) scaled up and down: the expert is homogeneous of degree {degree}",
                names.join(", ")
            ));
        }
    }
    for slope in slopes.iter().filter(|slope| !own.contains(slope)) {
        if has_common_factor(&g, slope, &curve)? {
            found.push(format!(
                "flat: every atom splits into two of half its weight, {slope} ± {curve}: numerator and denominator gain the same factor, whatever the expert"
            ));
        }
    }
    Ok(found)
}

/// `F(−a, −b) = −F`: those that are not products of others.
fn signs(of: &Expression, parameters: &[String], name: &str) -> Result<Vec<String>, ExpressionError> {
    let mut found: Vec<(u32, String)> = Vec::new();
    if parameters.len() > SIGNS {
        return Ok(Vec::new());
    }
    let mut sets: Vec<u32> = (1..1 << parameters.len()).collect();
    sets.sort_by_key(|set| (set.count_ones(), *set));
    for set in sets {
        // Two symmetries make a third.
        let made = (0..1_u32 << found.len().min(10)).any(|choice| {
            let chosen = found.iter().enumerate().filter(|(k, _)| choice >> k & 1 == 1);
            chosen.fold(0, |sum, (_, (own, _))| sum ^ own) == set
        });
        if made {
            continue;
        }
        let flipped: Vec<&String> =
            parameters.iter().enumerate().filter(|(k, _)| set >> k & 1 == 1).map(|(_, n)| n).collect();
        let zero = || Expression::number(0);
        let negative = flipped.iter().map(|n| ((*n).clone(), zero().minus(Expression::symbol(n)))).collect();
        let image = of.substituted(&negative);
        let (mut table, forms) = Table::lower(&[of, &image])?;
        for (sign, symbol) in [(RBig::ONE, ""), (-RBig::ONE, "-")] {
            // image − sign·of, as it is: what is resolved is over a denominator.
            let rest = forms[1].clone().plus(&forms[0], &-sign);
            let is_zero = table.resolve(std::slice::from_ref(&rest))?.iter().all(Polynomial::is_zero);
            // Every polynomial, and every affine parameter, has some remainder.
            let trivial = flipped.len() == 1 || table.is_polynomial(&forms[0]) || rest.terms.len() > 4;
            if !is_zero && (trivial || !table.is_polynomial(&rest)) {
                continue;
            }
            let arguments: Vec<String> = flipped.iter().map(|n| format!("-{n}")).collect();
            let tail = if is_zero { String::new() } else { format!(" + {}", table.text(&rest)) };
            found.push((
                set,
                format!("symmetry: {name}({}) = {symbol}{name}{}", arguments.join(", "), tail.replace("+ -", "- ")),
            ));
            break;
        }
    }
    Ok(found.into_iter().map(|(_, text)| text).collect())
}

/// The weights of parameters, those that are not zero, and the degree.
type Scaling = (Vec<(String, RBig)>, RBig);

/// All `Σ k_i θ_i ∂_if = p f`, as a basis, each proved for the finite scaling.
fn scalings(of: &Expression, parameters: &[String]) -> Result<Vec<Scaling>, ExpressionError> {
    let (mut table, forms) = Table::lower(&[of])?;
    let mut functions = Vec::new();
    for name in parameters {
        let Some(symbol) = table.parameter(name) else { continue };
        let slope = table.derivative(&forms[0], symbol);
        functions.push(table.product(&Polynomial::symbol(symbol), &slope));
    }
    functions.push(forms[0].clone());
    let resolved = table.resolve(&functions)?;
    let mut found = Vec::new();
    for coefficients in rational_relations(&resolved) {
        // Whole numbers without a common divisor, the first one positive.
        let denominator = coefficients.iter().fold(RBig::ONE, |lcm, c| {
            let own = RBig::from((&lcm * c).denominator().clone());
            lcm * own
        });
        let whole: Vec<RBig> = coefficients.iter().map(|c| c * &denominator).collect();
        let numerators = whole.iter().map(RBig::numerator).filter(|n| **n != IBig::ZERO);
        let gcd = numerators.fold(IBig::ZERO, |gcd, n| IBig::from((&gcd).gcd(n)));
        let negative = whole.iter().find(|c| **c != RBig::ZERO).is_some_and(|c| *c < RBig::ZERO);
        let scale = RBig::from(if negative { -gcd } else { gcd });
        let coefficients: Vec<RBig> = whole.iter().map(|c| c / &scale).collect();
        let Some((last, weights)) = coefficients.split_last() else { continue };
        let weights: Vec<(String, RBig)> =
            parameters.iter().cloned().zip(weights.iter().cloned()).filter(|(_, k)| *k != RBig::ZERO).collect();
        let degree = -last.clone();
        // A parameter that does not occur scales, too.
        let scaled =
            |k: &RBig, name: &str| parse(&format!("exp(({k})*s_)*{name}")).unwrap_or_else(|_| Expression::symbol(name));
        let image = of.substituted(&weights.iter().map(|(name, k)| (name.clone(), scaled(k, name))).collect());
        let factor = parse(&format!("exp(({degree})*s_)"))?;
        let all_positive = weights.len() > 1 || degree != RBig::ZERO;
        if all_positive && is_zero(&image.minus(factor.times(of.clone()))).unwrap_or(false) {
            found.push((weights, degree));
        }
    }
    Ok(found)
}

fn scaling(name: &str, weights: &[(String, RBig)], degree: &RBig) -> String {
    let power = |k: &RBig| match k {
        k if *k == RBig::ONE => "c".to_string(),
        k if k.is_negative() || *k.denominator() != dashu_int::UBig::ONE => format!("c^({k})"),
        k => format!("c^{k}"),
    };
    let arguments: Vec<String> = weights.iter().map(|(name, k)| format!("{}*{name}", power(k))).collect();
    let value = if *degree == RBig::ZERO { name.to_string() } else { format!("{}*{name}", power(degree)) };
    format!("scaling: {name}({}) = {value} for c > 0", arguments.join(", "))
}

/// The largest sets of parameters in which all second derivatives vanish.
fn affine_sets(of: &Expression, parameters: &[String]) -> Result<Vec<Vec<String>>, ExpressionError> {
    let (mut table, forms) = Table::lower(&[of])?;
    let symbols: Vec<_> = parameters.iter().filter_map(|name| table.parameter(name)).collect();
    let mut vanishes = vec![vec![false; symbols.len()]; symbols.len()];
    for (k, first) in symbols.iter().enumerate() {
        let slope = table.derivative(&forms[0], *first);
        for (l, second) in symbols.iter().enumerate() {
            let bend = table.derivative(&slope, *second);
            vanishes[k][l] = table.resolve(&[bend])?.iter().all(Polynomial::is_zero);
        }
    }
    let mut sets: Vec<Vec<usize>> = Vec::new();
    for k in (0..symbols.len()).filter(|k| vanishes[*k][*k]) {
        match sets.iter_mut().find(|set| set.iter().all(|l| vanishes[k][*l])) {
            Some(set) => set.push(k),
            None => sets.push(vec![k]),
        }
    }
    Ok(sets.into_iter().map(|set| set.into_iter().map(|k| parameters[k].clone()).collect()).collect())
}

fn has_common_factor(gate: &Expression, slope: &str, curve: &str) -> Result<bool, ExpressionError> {
    let prime = |name: &str| Expression::symbol(&format!("{name}'"));
    let own: Vec<String> = gate.names().into_iter().filter(|name| !is_input(name)).collect();
    let primed: BTreeMap<String, Expression> = own.iter().map(|name| (name.clone(), prime(name))).collect();
    let moved = |of: &Expression, name: &str, base: Expression| {
        let step = Expression::symbol(curve);
        let at = |to: Expression| of.substituted(&BTreeMap::from([(name.to_string(), to)]));
        at(base.clone().plus(step.clone())).plus(at(base.minus(step)))
    };
    let other = gate.substituted(&primed);
    let here = moved(gate, slope, Expression::symbol(slope)).times(other.clone());
    let there = moved(&other, &format!("{slope}'"), prime(slope)).times(gate.clone());
    Ok(is_zero(&here.minus(there)).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(expert: &str, gate: &str, words: &str) -> bool {
        families(expert, gate).unwrap().iter().any(|family| family.contains(words))
    }

    /// Theory B5, and what must not be found.
    #[test]
    fn families_of_the_theory_are_found() {
        assert!(has("a*x + b", "exp(w*x)", "affine in them together"));
        assert!(has("l*tanh(a*x + b)", "exp(w*x)", "with l moved"));
        assert!(has("relu(a*x + b)", "exp(w*x)", "homogeneous of degree 1"));
        assert!(has("(a*x + b)^3", "exp(w*x)", "homogeneous of degree 3"));
        assert!(has("tanh(a*x + b)", "exp(w*x)", "w ± s"));
        assert!(has("tanh(a*x + b)", "exp(w*x/t)", "scaling: F(c*w, c*t) = F"));
        assert!(has("tanh(a*x + b)", "1", "F(-a, -b) = -F"));
        assert!(has("sigmoid(a*x + b)", "exp(w*x)", "h(-a, -b) = -h + 1"));
        assert!(has("gelu(a*x + b)", "1", "F(-a, -b) = F - "));
        assert!(!has("tanh(a*x + b)", "exp(w*x)", "splits into two of half its weight with"));
        assert!(!has("tanh(a*x + b)", "exp(sigmoid(w*x)/t)", "flat"));
        assert!(!has("tanh(a*x + b)", "exp(sigmoid(w*x)/t)", "scaling"));
        assert!(has("1/(a + b)", "1", "F(-a, -b) = -F") && !has("1/(a + b)", "1", "- 2"));
        assert!(!has("sigmoid(a*x)/(a^2 + b^2)", "1", "+ 1"));
    }
}

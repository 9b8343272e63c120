//! Symmetries and flat families of an expert under its gate: proposed from relations, proved by normalising differences to zero (theory B5).
//!
//! Not looked for are symmetries that are neither signs nor part of a curve, such as `cos(b + π) = −cos b`, of which nothing is said; nor curves along which the parameters move by other than affine flows.
//!
//! | proposed by | family |
//! |---|---|
//! | signs of up to seven parameters | `F(−θ_S) = ±F`, and for the expert `h(−θ_S) ∓ h` a polynomial |
//! | `Σ k_i θ_i ∂_iF = pF` with rational `k`, `p` (all of them: a kernel over Q) | `F(e^{k_i s} θ_i) = e^{ps} F`; for an expert with `p ≠ 0` also its split into two atoms |
//! | `∂²h/∂p∂q = 0` for all `p`, `q` of a set | an atom split into `p ± s` |
//! | `Σ X_i(θ) ∂_ih = 0`, `Σ X_i(θ) ∂_ig = p g` with `X` affine ([`motions`]) | an atom that moves along the flow of `X`, its weight times `e^{−ps}` |
//! | `(g(ω+s) + g(ω−s)) g(ω') = (g(ω'+s) + g(ω'−s)) g(ω)` | every atom split into `ω ± s`: a factor that numerator and denominator share |

mod motions;

use super::expression::{Expression, is_input};
use super::normal_form::Table;
use super::parse::{ExpressionError, parse};
use super::polynomial::Polynomial;
use super::relations::rational_relations;
use crate::rigor::{AtomText, Flat, is_zero};
use dashu_base::{Gcd, Signed};
use dashu_int::IBig;
use dashu_ratio::RBig;
use motions::{Motion, motions};
use std::collections::BTreeMap;

/// Most parameters whose signs are tried.
const SIGNS: usize = 7;

/// A symmetry or a flat family.
#[derive(Clone, Debug)]
pub struct Family {
    /// What is proved, in words.
    pub words: String,
    /// The certificate `flat`, of families that are flat.
    pub certificate: Option<String>,
}

/// Symmetries and flat families; each is proved.
///
/// ```
/// use proofs_checks::{rigor::recheck, symbolic::families};
/// let found = families("tanh(a*x + b + c)", "exp(w*x)").unwrap();
/// let moving = found.iter().find(|family| family.words.contains("(b + s, c - s)")).unwrap();
/// assert!(recheck(moving.certificate.as_ref().unwrap()).is_ok());
/// ```
///
/// # Errors
/// What is no expression, or beyond the normal form.
pub fn families(expert: &str, gate: &str) -> Result<Vec<Family>, ExpressionError> {
    let (g, h) = (parse(gate)?, parse(expert)?);
    let f = g.clone().times(h.clone());
    let parameters =
        |of: &Expression| -> Vec<String> { of.names().into_iter().filter(|name| !is_input(name)).collect() };
    let (all, own, slopes) = (parameters(&f), parameters(&h), parameters(&g));
    let mut words = signs(&f, &all, "F")?;
    if gate.trim() != "1" {
        words.extend(signs(&h, &own, "h")?);
    }
    for (weights, degree) in scalings(&f, &all)? {
        words.push(scaling("F", &weights, &degree));
    }
    let mut found: Vec<Family> = words.into_iter().map(|words| Family { words, certificate: None }).collect();
    let homogeneous: Vec<_> = scalings(&h, &own)?.into_iter().filter(|(_, degree)| *degree != RBig::ZERO).collect();
    let affine = affine_sets(&h, &own)?;
    // Names of no parameter, this atom's or the other's.
    let fresh = |name: &str| {
        let mut name = name.to_string();
        while all.iter().any(|known| *known == name || format!("{known}_other") == name) {
            name.push('_');
        }
        name
    };
    let curve = fresh("s");
    let fit = |fitted: &[(String, BTreeMap<String, String>)]| -> Option<String> {
        let named =
            |suffix: &str| all.iter().map(|name| (name.clone(), format!("{name}{suffix}"))).collect::<BTreeMap<_, _>>();
        let other = AtomText { weight: fresh("v_other"), parameters: named("_other") };
        let own = fitted.iter().cloned().map(|(weight, moved)| {
            let mut parameters = named("");
            parameters.extend(moved);
            (0, AtomText { weight, parameters })
        });
        let flat = Flat {
            gate: gate.into(),
            expert: expert.into(),
            curve: curve.clone(),
            truth: vec![AtomText { weight: fresh("v"), parameters: named("") }, other.clone()],
            fitted: own.chain([(1, other)]).collect(),
        };
        matches!(flat.holds(), Ok(None)).then(|| flat.certificate())
    };
    let weight = fresh("v");
    for set in affine.iter().filter(|set| !slopes.iter().any(|slope| set.contains(slope))) {
        let moved = |sign: &str| BTreeMap::from([(set[0].clone(), format!("{} {sign} {curve}", set[0]))]);
        let certificate = fit(&[(format!("{weight}/2"), moved("+")), (format!("{weight}/2"), moved("-"))]);
        if certificate.is_some() {
            let words = format!(
                "flat: an atom splits into two of half its weight with {} moved by opposite amounts: the expert is affine in {}",
                set.join(", "),
                if set.len() == 1 { "it" } else { "them together" }
            );
            found.push(Family { words, certificate });
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
        let certificate = fit(&[(small, moved("")), (large, moved("-"))]);
        if certificate.is_some() {
            let names: Vec<&str> = weights.iter().map(|(name, _)| &name[..]).collect();
            let words = format!(
                "flat: an atom splits into two with ({}) scaled up and down: the expert is homogeneous of degree {degree}",
                names.join(", ")
            );
            found.push(Family { words, certificate });
        }
    }
    // Beyond the normal form there are none that could be proved.
    for Motion { moved, factor } in motions(&g, &h, &all, &curve).unwrap_or_default() {
        let is_one = factor == RBig::ZERO;
        let own = if is_one { weight.clone() } else { format!("{}*{weight}", exponential(&-factor.clone(), &curve)) };
        let certificate = fit(&[(own, moved.clone())]);
        if certificate.is_some() {
            let names: Vec<&String> = all.iter().filter(|name| moved.contains_key(*name)).collect();
            let texts: Vec<&str> = names.iter().map(|name| &moved[*name][..]).collect();
            let names: Vec<&str> = names.into_iter().map(|name| &name[..]).collect();
            let gate = if is_one {
                "its gate and its expert stay the same".to_string()
            } else {
                format!(
                    "its expert stays the same, and its weight takes back the gate's factor {}",
                    exponential(&factor, &curve)
                )
            };
            let words = format!(
                "flat: an atom, with those that share one of these parameters, moves along ({}) -> ({}): {gate}",
                names.join(", "),
                texts.join(", ")
            );
            found.push(Family { words, certificate });
        }
    }
    for slope in slopes.iter().filter(|slope| !own.contains(slope)) {
        if has_common_factor(&g, slope, &curve)? {
            let words = format!(
                "flat: every atom splits into two of half its weight, {slope} ± {curve}: numerator and denominator gain the same factor, whatever the expert"
            );
            found.push(Family { words, certificate: common_factor(gate, &g, slope, &curve) });
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

/// Multiples that are whole numbers without a common divisor, the first one positive.
fn whole(coefficients: &[RBig]) -> Vec<RBig> {
    let denominator = coefficients.iter().fold(RBig::ONE, |lcm, c| {
        let own = RBig::from((&lcm * c).denominator().clone());
        lcm * own
    });
    let whole: Vec<RBig> = coefficients.iter().map(|c| c * &denominator).collect();
    let numerators = whole.iter().map(RBig::numerator).filter(|n| **n != IBig::ZERO);
    let gcd = numerators.fold(IBig::ZERO, |gcd, n| IBig::from((&gcd).gcd(n)));
    let negative = whole.iter().find(|c| **c != RBig::ZERO).is_some_and(|c| *c < RBig::ZERO);
    let scale = RBig::from(if negative { -gcd } else { gcd });
    whole.iter().map(|c| c / &scale).collect()
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
        let coefficients = whole(&coefficients);
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

/// `exp(k*s)`.
fn exponential(k: &RBig, curve: &str) -> String {
    match k {
        k if *k == RBig::ONE => format!("exp({curve})"),
        k if *k == -RBig::ONE => format!("exp(-{curve})"),
        k => format!("exp(({k})*{curve})"),
    }
}

/// The certificate for two atoms, each split, with any experts: these enter by their values alone, two inputs of which nothing is known.
fn common_factor(gate: &str, parsed: &Expression, slope: &str, curve: &str) -> Option<String> {
    let names = parsed.names();
    let own: Vec<&String> = names.iter().filter(|name| !is_input(name)).collect();
    let free: Vec<String> = (1..).map(|k| format!("x{k}")).filter(|name| !names.contains(name)).take(2).collect();
    // With an atom's number behind it, neither a name of the gate nor one with such a number, nor the curve's.
    let atoms = || (1..=2).map(|atom| atom.to_string());
    let is_taken =
        |name: &String| names.iter().any(|known| name == known || atoms().any(|a| *name == format!("{known}_{a}")));
    let fresh = |name: &str| {
        std::iter::successors(Some(name.to_string()), |name| Some(format!("{name}_")))
            .find(|name| atoms().map(|a| format!("{name}{a}")).all(|name| name != curve && !is_taken(&name)))
    };
    let [chosen, weight] = [fresh("h")?, fresh("v")?];
    let of = |atom: usize, weight: String, step: &str| {
        let own = own.iter().map(|name| {
            let step = if *name == slope { step } else { "" };
            ((*name).clone(), format!("{name}_{atom}{step}"))
        });
        let values = (1..=2).map(|k| (format!("{chosen}{k}"), u8::from(k == atom).to_string()));
        AtomText { weight, parameters: own.chain(values).collect() }
    };
    let halves = (1..=2).flat_map(|atom| {
        [format!("+{curve}"), format!("-{curve}")].map(|step| (atom - 1, of(atom, format!("{weight}{atom}/2"), &step)))
    });
    let flat = Flat {
        gate: gate.into(),
        expert: format!("{chosen}1*{} + {chosen}2*{}", free[0], free[1]),
        curve: curve.into(),
        truth: (1..=2).map(|atom| of(atom, format!("{weight}{atom}"), "")).collect(),
        fitted: halves.collect(),
    };
    matches!(flat.holds(), Ok(None)).then(|| flat.certificate())
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
    use crate::rigor::recheck;

    fn has(expert: &str, gate: &str, words: &str) -> bool {
        families(expert, gate).unwrap().iter().any(|family| family.words.contains(words))
    }

    /// Motions that relations of first order state, with certificates that are accepted; and what is none.
    #[test]
    fn motions_are_integrated_and_certified() {
        for (expert, gate, words) in [
            ("tanh(a*x + b + c)", "exp(w*x)", "(b, c) -> (b + s, c - s)"),
            ("tanh(a*x + 2*b - 3*c)", "exp(w*x)", "(b, c) -> (b + 3*s, c + 2*s)"),
            ("sigmoid(a*x)", "exp(w*x + v*x)", "(w, v) -> (w + s, v - s)"),
            ("l*exp(a*x + b)", "exp(w*x)", "(l, b) -> (exp(-s)*l, b + s)"),
            ("l*(a*x + b)", "exp(w*x)", "(l, a, b) -> (exp(s)*l, exp(-s)*a, exp(-s)*b)"),
            ("l*relu(a*x + b)", "exp(w*x)", "(l, a, b) -> (exp(s)*l, exp(-s)*a, exp(-s)*b)"),
            ("tanh(a*x)", "exp(w*x/t)", "(w, t) -> (exp(s)*w, exp(s)*t)"),
            (
                "tanh(a*x)",
                "exp(w*x + c)",
                "(c) -> (c + s): its expert stays the same, and its weight takes back the gate's factor exp(s)",
            ),
            ("a*x + c + a*b", "exp(w*x)", "(c, b) -> (c - s*a, b + s)"),
            ("exp(-(a^2 + b^2)*x)", "exp(w*x)", "(a, b) -> (cos(s)*a + sin(s)*b, cos(s)*b - sin(s)*a)"),
            ("tanh(a*b*x + c)", "exp(w*x)", "(a, b) -> (exp(s)*a, exp(-s)*b)"),
        ] {
            let found = families(expert, gate).unwrap();
            let family = found.iter().find(|family| family.words.contains(words));
            let family = family.unwrap_or_else(|| panic!("{expert} under {gate}: {found:?}"));
            let accepted = recheck(family.certificate.as_ref().unwrap());
            assert!(accepted.is_ok(), "{expert}: {accepted:?}");
        }
        // F = e^{(w + a)x + b} stays the same along (a + s, w − s), the mixture does not; a period is no curve.
        for (expert, gate) in [
            ("exp(a*x + b)", "exp(w*x)"),
            ("tanh(a*x + b)", "exp(w*x)"),
            ("l*cos(a*x + b)", "exp(w*x)"),
            ("tanh(a*x + b^2 + c^2 + a*b*c)", "exp(w*x)"),
        ] {
            assert!(!has(expert, gate, "moves along"), "{expert}");
        }
        // Every family that is flat has a certificate, whatever its parameters are called.
        for (expert, gate) in [
            ("l*exp(a*x + b)", "exp(w*x + v*x)"),
            ("a*x", "exp(v*x + h1*x + q*x)"),
            ("s*(v*x + h)", "exp(v_other*x)"),
            ("a1*x1 + a2*x2 + b", "exp(w1*x1 + w2*x2)"),
        ] {
            let found = families(expert, gate).unwrap();
            for family in found.iter().filter(|family| family.words.starts_with("flat")) {
                assert!(
                    family.certificate.as_deref().is_some_and(|text| recheck(text).is_ok()),
                    "{expert}: {family:?}"
                );
            }
            assert!(found.iter().filter(|family| family.words.starts_with("flat")).count() >= 3, "{found:?}");
        }
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

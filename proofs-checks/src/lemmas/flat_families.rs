//! `flat-families`: curves of over-specified mixtures along which the regression function does not change.
//!
//! # The claim
//!
//! Theory B5: where an expert is affine in a parameter, or homogeneous, or every atom is doubled, `f_G = f_{G*}` along a curve that starts in the true mixture `G*`, so that no loss of the Voronoi kind is bounded by the difference of the functions, and least squares over
//! that many atoms does not converge along the curve, whatever the sample. Each family is proved for every value of all parameters: the numerator of one function times the denominator of the other, minus the two exchanged, normalises to zero.
//!
//! *A stand-in for every expert class.* In the common factor the experts enter by their values at the true parameters alone. With the expert `p x₂ + q x₃`, `(p, q) = (1, 0)` for one atom and `(0, 1)` for the other, these values are two symbols of which nothing is known, so the family is proved for
//! every two experts (and with three, for every three).
//!
//! *Homogeneous experts.* `h((1+t)η) = (1+t)^p h(η)`: with `e^s` and `e^{−s}` in the place of `1 + t_i`, weights `σ(−ps) = e^{−ps}σ(ps)` and `σ(ps)` sum to one and have `σ(−ps)e^{ps} + σ(ps)e^{−ps} = 1`.
//!
//! Controls are families that do not exist: a sigmoid expert split in its inner bias, a common factor with one atom left single.

use serde_json::json;

use crate::rigor::{AtomText, Flat};
use crate::{CheckError, Column, Control, Evidence, Finding, Findings, Label, Lemma, Run, Table};

use super::mixtures::atom;

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "flat-families",
    paper: "2503.03213",
    claim: "Slow rates hold in a stronger form: with linear experts, output weights or biases, ReLU, square and cubic experts, and for every expert class once each atom is doubled, there are curves of over-specified mixtures through the truth \
            with f_G = f_G* exactly.",
    scope: "Softmax gates e^(ωᵀx + β); the families of the table, each for all values of all parameters (ReLU almost everywhere in x); the common factor for two and three atoms with any experts, in one and two inputs.",
    ledger: Label::Proved,
    typical_seconds: 0.5,
    parameters: &[],
    check,
};

/// A family in words, and its curve.
struct Family {
    words: &'static str,
    flat: Flat,
}

impl Family {
    fn evidence(&self) -> Evidence {
        Evidence::certificate(self.words, Some(self.flat.certificate()))
    }
}

/// One atom of two split into two atoms; the other stays.
fn split(words: &'static str, expert: &str, own: &[&str], halves: [(&str, &[(&str, &str)]); 2]) -> Family {
    let names = |suffix: &str| -> Vec<(String, String)> {
        std::iter::once("w").chain(own.iter().copied()).map(|name| (name.into(), format!("{name}{suffix}"))).collect()
    };
    let of = |weight: &str, values: &[(String, String)]| {
        atom(weight, &values.iter().map(|(name, value)| (&name[..], &value[..])).collect::<Vec<_>>())
    };
    let moved = |(weight, changes): (&str, &[(&str, &str)])| {
        let mut values = names("");
        for (name, value) in &mut values {
            if let Some((_, change)) = changes.iter().find(|(changed, _)| changed == name) {
                *value = (*change).into();
            }
        }
        (0, of(weight, &values))
    };
    let other = of("v2", &names("2"));
    Family {
        words,
        flat: Flat {
            gate: "exp(w*x)".into(),
            expert: expert.into(),
            curve: "s".into(),
            truth: vec![of("v", &names("")), other.clone()],
            fitted: halves.into_iter().map(moved).chain([(1, other)]).collect(),
        },
    }
}

/// Each true atom split into slopes `ω ± s·c`; with `single`, the last one stays. The experts' values are inputs of their own, after the `inputs` of the gate.
fn common_factor(words: &'static str, atoms: usize, inputs: usize, single: bool) -> Family {
    let slopes = |k: usize, move_by: Option<&str>| -> Vec<(String, String)> {
        (1..=inputs)
            .map(|u| {
                (format!("w{u}"), format!("w{k}{u}{}", move_by.map(|sign| format!("{sign}s*c{u}")).unwrap_or_default()))
            })
            .collect()
    };
    let of = |k: usize, weight: &str, move_by: Option<&str>| -> AtomText {
        let chosen = (0..atoms).map(|j| (format!("p{j}"), u8::from(j == k).to_string()));
        AtomText { weight: weight.into(), parameters: slopes(k, move_by).into_iter().chain(chosen).collect() }
    };
    let gate: Vec<String> = (1..=inputs).map(|u| format!("w{u}*x{u}")).collect();
    let expert: Vec<String> = (0..atoms).map(|j| format!("p{j}*x{}", inputs + 1 + j)).collect();
    let weight = |k: usize| format!("v{k}");
    let mut fitted = Vec::new();
    for k in 0..atoms {
        if single && k + 1 == atoms {
            fitted.push((k, of(k, &weight(k), None)));
        } else {
            fitted.extend(["+", "-"].map(|sign| (k, of(k, &format!("v{k}/2"), Some(sign)))));
        }
    }
    Family {
        words,
        flat: Flat {
            gate: format!("exp({})", gate.join(" + ")),
            expert: expert.join(" + "),
            curve: "s".into(),
            truth: (0..atoms).map(|k| of(k, &weight(k), None)).collect(),
            fitted,
        },
    }
}

fn families() -> Vec<Family> {
    let half = |plus: &'static [(&str, &str)], minus: &'static [(&str, &str)]| [("v/2", plus), ("v/2", minus)];
    let scaled = |p: &'static str, expert: &str, words| {
        let both = |sign: &'static str| -> &'static [(&'static str, &'static str)] {
            if sign == "+" {
                &[("a", "exp(s)*a"), ("b", "exp(s)*b")]
            } else {
                &[("a", "exp(-s)*a"), ("b", "exp(-s)*b")]
            }
        };
        let weights: [&'static str; 2] = match p {
            "1" => ["v*exp(-s)*sigmoid(s)", "v*sigmoid(s)"],
            "2" => ["v*exp(-2*s)*sigmoid(2*s)", "v*sigmoid(2*s)"],
            _ => ["v*exp(-3*s)*sigmoid(3*s)", "v*sigmoid(3*s)"],
        };
        split(words, expert, &["a", "b"], [(weights[0], both("+")), (weights[1], both("-"))])
    };
    let outer = half(&[("l", "l + s")], &[("l", "l - s")]);
    let bias = half(&[("c", "c + s")], &[("c", "c - s")]);
    vec![
        split("linear experts, offsets b ± s", "a*x + b", &["a", "b"], half(&[("b", "b + s")], &[("b", "b - s")])),
        split("linear experts, slopes a ± s", "a*x + b", &["a", "b"], half(&[("a", "a + s")], &[("a", "a - s")])),
        split("output weights λ ± s, sigmoid", "l*sigmoid(a*x + b)", &["l", "a", "b"], outer),
        split("output weights λ ± s, tanh", "l*tanh(a*x + b)", &["l", "a", "b"], outer),
        split("output weights λ ± s, GELU", "l*gelu(a*x + b)", &["l", "a", "b"], outer),
        split("output biases c ± s, sigmoid", "sigmoid(a*x + b) + c", &["a", "b", "c"], bias),
        split("output biases c ± s, GELU", "gelu(a*x + b) + c", &["a", "b", "c"], bias),
        scaled("1", "relu(a*x + b)", "ReLU experts, (a, b) → e^(±s)(a, b)"),
        scaled("2", "(a*x + b)^2", "square experts, (a, b) → e^(±s)(a, b)"),
        scaled("3", "(a*x + b)^3", "cubic experts, (a, b) → e^(±s)(a, b)"),
        common_factor("common factor, one atom and any expert", 1, 1, false),
        common_factor("common factor, two atoms and any experts", 2, 1, false),
        common_factor("common factor, two atoms and any experts, two inputs", 2, 2, false),
        common_factor("common factor, three atoms and any experts", 3, 1, false),
    ]
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let families = families();
    let evidence = run.units("families", families.len(), |unit| {
        run.proceed()?;
        Ok(families[unit].flat.certificate())
    })?;
    let evidence = families
        .iter()
        .zip(evidence)
        .map(|(family, certificate)| Evidence::certificate(family.words, Some(certificate)));
    let evidence: Vec<Evidence> = evidence.collect();
    let none = |family: Family| Control::new(family.words, family.evidence());
    let in_bias = |expert: &str, words| {
        none(split(words, expert, &["a", "b"], [("v/2", &[("b", "b + s")]), ("v/2", &[("b", "b - s")])]))
    };
    let controls = vec![
        in_bias("sigmoid(a*x + b)", "sigmoid experts, inner biases b ± s"),
        in_bias("relu(a*x + b)", "ReLU experts, inner biases b ± s"),
        none(common_factor("common factor, one of two atoms left single", 2, 1, true)),
    ];
    let mut table =
        Table::new("families", [Column::new("family", ""), Column::new("expert", ""), Column::new("fitted atoms", "")]);
    for family in &families {
        let fitted: Vec<String> =
            family.flat.fitted.iter().map(|(cell, atom)| format!("{}: {}", cell + 1, atom.line())).collect();
        table.push([family.words.into(), family.flat.expert.clone().into(), fitted.join("; ").into()]);
    }
    let odd = split(
        "tanh experts, signs",
        "l*tanh(a*x + b)",
        &["l", "a", "b"],
        [("v/2", &[("l", "l + s")]), ("v/2", &[("l", "l - s")])],
    );
    let findings = vec![Finding::judged(
        "an output weight undoes strong identifiability",
        "λ·act(aᵀx + b) is affine in λ whatever act is: with one atom more than there are the function is flat along λ ± s, for tanh as for linear experts.",
        &[odd.evidence()],
        &[in_bias("tanh(a*x + b)", "tanh experts without an output weight, inner biases b ± s")],
        json!({}),
    )];
    Ok(Findings { evidence, controls, findings, tables: vec![table], figures: Vec::new() })
}

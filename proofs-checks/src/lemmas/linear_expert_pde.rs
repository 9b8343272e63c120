//! `linear-expert-pde`: the slope of the gate and the offset of a linear expert are tied by a differential equation.
//!
//! # The claim
//!
//! With `F(x; ω, a, b) = e^{ωᵀx}(aᵀx + b)`: `∂²F/∂ω∂b = ∂F/∂a` (theory B3). For a coordinate `u` of the `d` inputs write `s = Σ_{v≠u} ω_v x_v` and `t = Σ_{v≠u} a_v x_v`: neither depends on `ω_u`, `a_u` or `b`, so the identity for
//! `e^{ωx + s}(ax + t + b)` in one input, with `s` and `t` as symbols, is the claim for every coordinate of every `d`. It is decided by normalising the difference to zero.
//!
//! # All relations
//!
//! `F` and its derivatives up to order two are `e^{ωᵀx}` times `1`, `x_u`, `x_u x_v`, `x_u x_v(aᵀx + b)` and combinations of these: `1 + d + d(d+1)` independent functions, out of `C(2d+3, 2)`. The number is derived; that the engine's relations are all and the rest is
//! independent is certified for the `d` of the run.
//!
//! # What it is not
//!
//! The same equation holds for every expert `act(aᵀx + b)`, the strongly identifiable ones included: `∂²F/∂ω∂b = x act' e^{ωx} = ∂F/∂a`. What linear experts have beyond it, and what makes them slow (theory B4), is that the second derivatives by `a` and `b` vanish: an atom splits into
//! two with offsets `b ± s`.
//!
//! The control puts the same equation to `ax² + b`.

use std::collections::BTreeMap;

use serde_json::json;

use crate::rigor::{Flat, Identity};
use crate::symbolic::{Partial, span_certificate};
use crate::{CheckError, Column, Control, Evidence, Finding, Findings, Label, Lemma, Parameter, Run, Table};

use super::mixtures::{atom, linear_form, relation_rows};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "linear-expert-pde",
    paper: "2503.03213",
    claim: "Under softmax gating a linear expert's offset and the gate's slope interact: F = e^(ωᵀx)(aᵀx + b) satisfies ∂²F/∂ω∂b = ∂F/∂a.",
    scope: "Every number of inputs; all x, ω, a, b. The dimension of the span of all derivatives up to order two, and so that no relation is missing, for the numbers of inputs of the run.",
    ledger: Label::Proved,
    typical_seconds: 1.0,
    parameters: &[Parameter::integer("inputs", "largest number of inputs", "", [1, 4], [2, 3, 4])],
    check,
};

/// `∂²F/∂w∂b − ∂F/∂a` of `e^{wx+s}·expert`.
fn equation(expert: &str) -> Identity {
    let of = format!("exp(w*x + s)*({expert})");
    Identity {
        functions: vec![Partial::new(&of, "w b"), Partial::new(&of, "a")],
        terms: vec![(0, "1".into()), (1, "-1".into())],
    }
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let linear = "a*x + t + b";
    let holds = |expert: &str| {
        let identity = equation(expert);
        Evidence::certificate(identity.statement(), Some(identity.certificate()))
    };
    let mut evidence = vec![holds(linear)];
    let mut table = Table::new("relations", [Column::new("inputs", ""), Column::new("relation", "")]);
    let most = run.integer("inputs") as usize;
    let spans = run.units("spans", most, |unit| {
        run.proceed()?;
        let d = unit + 1;
        let of = format!("exp({})*({} + b)", linear_form("w", d), linear_form("a", d));
        let parameters: Vec<String> = numbered("w", d).chain(numbered("a", d)).chain(["b".into()]).collect();
        let mut functions = vec![Partial::whole(&of)];
        for (k, first) in parameters.iter().enumerate() {
            functions.push(Partial { of: of.clone(), by: vec![first.clone()] });
            let second = parameters[k..].iter().map(|second| vec![first.clone(), second.clone()]);
            functions.extend(second.map(|by| Partial { of: of.clone(), by }));
        }
        let claimed = 1 + d + d * (d + 1);
        let certificate = |claimed| span_certificate(&functions, claimed, &BTreeMap::new(), 3);
        let rows = relation_rows(&format!("{} + b", linear_form("a", d)), &format!("exp({})", linear_form("w", d)))?;
        Ok((functions.len(), claimed, certificate(claimed), certificate(functions.len()), rows))
    })?;
    let mut controls = vec![Control::new("the equation for the expert ax² + b", holds("a*x^2 + t + b"))];
    for (d, (all, claimed, certificate, twin, rows)) in (1_usize..).zip(spans) {
        let statement = format!("inputs {d}: F and its derivatives up to order two, {all} functions, span");
        evidence.push(Evidence::certificate(format!("{statement} {claimed} dimensions"), certificate));
        let all = Evidence::certificate(format!("{statement} {all} dimensions"), twin);
        controls.push(Control::new(format!("inputs {d}: all derivatives are independent"), all));
        rows.into_iter().for_each(|row| table.push([d.into(), row.into()]));
    }
    Ok(Findings {
        evidence,
        findings: findings(&controls[0], holds),
        controls,
        tables: vec![table],
        figures: Vec::new(),
    })
}

fn findings(control: &Control, holds: impl Fn(&str) -> Evidence) -> Vec<Finding> {
    let networks = ["sigmoid", "tanh", "gelu", "relu", "softplus"].map(|act| holds(&format!("{act}(a*x + t + b)")));
    let beyond = |expert: &str| {
        let of = format!("exp(w*x + s)*({expert})");
        ["b b", "a a", "a b"].map(|by| {
            let identity = Identity { functions: vec![Partial::new(&of, by)], terms: vec![(0, "1".into())] };
            Evidence::certificate(identity.statement(), Some(identity.certificate()))
        })
    };
    let split = |expert: &str| {
        let parameters = |b| [("w", "w"), ("a", "a"), ("b", b)];
        let flat = Flat {
            gate: "exp(w*x)".into(),
            expert: expert.into(),
            curve: "s".into(),
            truth: vec![atom("v", &parameters("b")), atom("v2", &[("w", "w2"), ("a", "a2"), ("b", "b2")])],
            fitted: vec![
                (0, atom("v/2", &parameters("b + s"))),
                (0, atom("v/2", &parameters("b - s"))),
                (1, atom("v2", &[("w", "w2"), ("a", "a2"), ("b", "b2")])),
            ],
        };
        Evidence::certificate("one atom split into two of half its weight, offsets b ± s", Some(flat.certificate()))
    };
    vec![
        Finding::judged(
            "every network act(aᵀx + b) satisfies the same equation",
            "∂²F/∂ω∂b = ∂F/∂a holds for sigmoid, tanh, GELU, ReLU and softplus experts with an inner bias too: alone it is not what makes linear experts slow.",
            &networks,
            std::slice::from_ref(control),
            json!({ "experts": ["sigmoid", "tanh", "gelu", "relu", "softplus"] }),
        ),
        Finding::judged(
            "the second derivatives by a and b vanish",
            "Beyond the equation, ∂²F/∂b² = ∂²F/∂a² = ∂²F/∂a∂b = 0: the second moments of the fitted (a, b) are invisible.",
            &beyond("a*x + t + b"),
            &beyond("tanh(a*x + t + b)").map(|item| Control::new("the same for a tanh expert", item)),
            json!({}),
        ),
        Finding::judged(
            "an atom splits without any change of the function",
            "Two atoms of half the weight, with offsets b ± s and everything else the same, give the function of the one atom for every s: least squares over more atoms than there are does not converge along this curve.",
            &[split("a*x + b")],
            &[Control::new("the same split of a tanh expert", split("tanh(a*x + b)"))],
            json!({ "curve": "(v, w, a, b) → (v/2, w, a, b + s), (v/2, w, a, b − s)" }),
        ),
    ]
}

fn numbered(name: &str, count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(move |k| format!("{name}{k}"))
}

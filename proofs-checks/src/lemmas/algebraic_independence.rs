//! `algebraic-independence`: which routers break the interaction of temperature and slopes?
//!
//! # The claim
//!
//! With `F = e^{r(x,ω)/τ} h(x, η)` a linear router has `∂F/∂τ = −(1/τ) ωᵀ∂F/∂ω` (`temperature-pde`). The claim is that for `r = act(ωᵀx)` with sigmoid, tanh or GELU `∂F/∂τ` is no combination of what the rate needs (theory B4, X4): `F`, its first and its second derivatives by `ω` and `η`. Two certificates state it for
//! each router and number of inputs: the dimension `R` of the span of these, and the dimension `R + 1` of the span with `∂F/∂τ`. The experts are tanh networks with an inner bias, as strongly identifiable as any.
//!
//! # What it is good for
//!
//! A temperature that all atoms share enters the regression function by the one direction `T = Σ_j w_j ∂_τΨ_j`. For the two atoms of theory B5 the dual measure of the cone test, with `∫T dν = 0` among its equalities, proves that the second moments of over-fitted cells are bounded by the difference of the functions even with *both* cells
//! over-fitted (`k ≥ 2k*`), where every linear router is flat: the common factor `cosh(cx)` of numerator and denominator needs slopes that enter linearly.
//!
//! # Which non-linear routers do not
//!
//! "Non-linear" is not the condition. ReLU routers and all networks with a linear output layer are positively homogeneous in parameters of theirs, keep an equation of the same kind and a flat family: controls and findings have them.

use std::collections::BTreeMap;

use dashu_ratio::RBig;
use serde_json::{Value as Json, json};

use crate::rigor::Mixture;
use crate::symbolic::{Fit, Partial, span_certificate};
use crate::{CheckError, Column, Control, Evidence, Finding, Findings, Label, Lemma, Parameter, Run, Table};

use super::mixtures::{linear_form, reference, tested};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "algebraic-independence",
    paper: "2503.03213",
    claim: "The routers sigmoid, tanh and GELU of a linear form break the interaction of temperature and slopes: ∂F/∂τ of F = e^(r(x,ω)/τ) h(x, η) is no linear combination of F and its derivatives up to order two by ω and η, \
            and with both cells over-fitted the second moments stay bounded by the difference of the regression functions.",
    scope: "Experts tanh(aᵀx + b); independence for almost every value of the parameters, in one and two inputs; the bound near the two-atom mixture of theory B5 with τ = 1, on [−3, 3]. ReLU routers and networks with a linear output layer do not.",
    ledger: Label::Proved,
    typical_seconds: 12.0,
    parameters: &[
        Parameter::integer("grid", "points of the grid for the dual measure", "", [51, 2001], [61, 401, 401]),
        Parameter::integer("precision", "bits of the enclosures of the measure", "bit", [128, 2048], [256, 256, 512]),
    ],
    check,
};

const ROUTERS: [&str; 3] = ["sigmoid", "tanh", "gelu"];

/// `F`, its derivatives up to order two by the slopes and the expert's parameters, and last `∂F/∂t`.
fn functions(router: &str, own: &[String], inputs: usize) -> Vec<Partial> {
    let of = format!("exp(({router})/t)*tanh({} + b)", linear_form("a", inputs));
    let expert = (1..=inputs).map(|u| format!("a{u}")).chain(["b".into()]);
    let parameters: Vec<String> = own.iter().cloned().chain(expert).collect();
    let mut functions = vec![Partial::whole(&of)];
    for (k, first) in parameters.iter().enumerate() {
        functions.push(Partial { of: of.clone(), by: vec![first.clone()] });
        let second = parameters[k..].iter().map(|second| vec![first.clone(), second.clone()]);
        functions.extend(second.map(|by| Partial { of: of.clone(), by }));
    }
    functions.push(Partial::new(&of, "t"));
    functions
}

/// The dimension without the temperature's derivative, and the certificates that it is that and that the derivative adds one.
type Pair = (usize, usize, Option<String>, Option<String>);

fn pair(router: &str, own: &[String], inputs: usize) -> Pair {
    let all = functions(router, own, inputs);
    let without = &all[..all.len() - 1];
    let none = BTreeMap::new();
    // The finder's number; the certificate decides it.
    let names: Vec<String> = without.iter().map(Partial::to_string).collect();
    let dimension = crate::symbolic::relations(without, &names).map_or(0, |found| without.len() - found.len());
    (
        without.len(),
        dimension,
        span_certificate(without, dimension, &none, 3),
        span_certificate(&all, dimension + 1, &none, 3),
    )
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let (points, precision) = (run.integer("grid"), run.integer("precision") as usize);
    let slopes = |d: usize| (1..=d).map(|u| format!("w{u}")).collect::<Vec<String>>();
    let mut settings: Vec<(String, String, Vec<String>, usize)> = Vec::new();
    for act in ROUTERS {
        for d in [1, 2] {
            settings.push((format!("{act}(ωᵀx)"), format!("{act}({})", linear_form("w", d)), slopes(d), d));
        }
    }
    settings.push(("ωᵀx".into(), linear_form("w", 1), slopes(1), 1));
    settings.push(("ReLU(ωᵀx)".into(), format!("relu({})", linear_form("w", 1)), slopes(1), 1));
    for act in ROUTERS {
        let own = [slopes(1), vec!["l".into()]].concat();
        settings.push((format!("λ {act}(ωᵀx)"), format!("l*{act}({})", linear_form("w", 1)), own, 1));
    }
    let pairs: Vec<Pair> = run.units("spans", settings.len(), |unit| {
        run.proceed()?;
        let (_, router, own, inputs) = &settings[unit];
        Ok(pair(router, own, *inputs))
    })?;
    let (mut evidence, mut controls) = (Vec::new(), Vec::new());
    let mut table = Table::new(
        "spans",
        [
            Column::new("router", ""),
            Column::new("inputs", ""),
            Column::new("functions", ""),
            Column::new("dimension", ""),
        ],
    );
    for (k, ((name, _, _, inputs), (count, dimension, without, with))) in settings.iter().zip(pairs).enumerate() {
        let item = |with: Option<String>| {
            Evidence::certificate(
                format!("router {name}, inputs {inputs}: with ∂F/∂τ {} dimensions", dimension + 1),
                with,
            )
        };
        table.push([name.clone().into(), (*inputs).into(), count.into(), dimension.into()]);
        if k < 2 * ROUTERS.len() {
            let words =
                format!("router {name}, inputs {inputs}: F and its derivatives by ω and η span {dimension} dimensions");
            evidence.push(Evidence::certificate(words, without));
            evidence.push(item(with));
        } else {
            controls.push(Control::new(format!("the router {name}"), item(with)));
        }
    }
    let shared = |router: &str| Mixture {
        global: BTreeMap::from([("t".to_string(), RBig::ONE)]),
        ..reference(&format!("exp({router}/t)"), "tanh(a*x + b)", &[], 2, &[0, 1])
    };
    let measures = run.units("measures", ROUTERS.len(), |unit| {
        run.proceed()?;
        Ok(tested(&shared(&format!("{}(w*x)", ROUTERS[unit])), Fit::Any, points, precision))
    })?;
    let mut constants =
        Table::new("constants", [Column::new("router", ""), Column::new("λ", ""), Column::new("c", "")]);
    for (act, test) in ROUTERS.iter().zip(measures) {
        let words =
            format!("router {act}(ωx), both cells of two tanh atoms over-fitted: their second moments are bounded");
        evidence.push(Evidence::certificate(words, test.certificate));
        let [lambda, constant] = test.constants.unwrap_or_default();
        constants.push([(*act).into(), lambda.into(), constant.into()]);
    }
    let linear = shared("(w*x)");
    let flat = Evidence::certificate(
        "router ωx, both cells over-fitted",
        tested(&linear, Fit::Any, points, precision).certificate,
    );
    controls.push(Control::new("the same bound for the router ωx", flat));
    let findings = vec![Finding::judged(
        "non-linear routers as such",
        "A router that is not linear breaks the interaction: ReLU(ωᵀx), and λ·act(ωᵀx) with sigmoid, tanh and GELU.",
        &controls[1..5].iter().map(|control| control.evidence().clone()).collect::<Vec<_>>(),
        std::slice::from_ref(&controls[0]),
        witness(&controls[1..5]),
    )];
    Ok(Findings { evidence, controls, findings, tables: vec![table, constants], figures: Vec::new() })
}

fn witness(controls: &[Control]) -> Json {
    let refused: Vec<Json> = controls.iter().filter_map(|control| control.record().evidence.witness).collect();
    json!({ "witnesses": refused })
}

//! `temperature-pde`: a temperature and the slopes of a linear router are tied by a differential equation.
//!
//! # The claim
//!
//! With `F(x; ω, τ, η) = e^{ωᵀx/τ} h(x, η)`: `∂F/∂τ = −(1/τ) ωᵀ∂F/∂ω`, whatever the expert (theory B3). Neither derivative touches `h(x, η)`, so it enters as one more symbol of which nothing is known: the identity proved is the one for every expert. For `d` inputs
//! `∂F/∂ω_u = (x_u/τ)F`, so `Σ_u ω_u ∂F/∂ω_u = (ωᵀx/τ)F = −τ∂F/∂τ` for every `d`; the run certifies the numbers of inputs from one on, each by normalising the difference to zero. With an offset `β` inside of the temperature its derivative joins the sum.
//!
//! # Which routers
//!
//! A router `r(x, ω)` that is positively homogeneous of degree one in its parameters has `ωᵀ∂r/∂ω = r` (Euler), so `∂F/∂τ = −(r/τ²)F = −(1/τ) ωᵀ∂F/∂ω`: ReLU, and every network with a linear output layer (its outer weight alone). The sigmoid, tanh and GELU of a linear form are not homogeneous:
//! `algebraic-independence` has what holds for them. The family behind the equation is `(ω, β, τ) → c(ω, β, τ)`, `c > 0`.
//!
//! Controls: the same equation for the router `sigmoid(ωᵀx)`, and with `2/τ` in the place of `1/τ`.

use serde_json::json;

use crate::rigor::Identity;
use crate::symbolic::Partial;
use crate::{CheckError, Control, Evidence, Finding, Findings, Label, Lemma, Parameter, Run};

use super::mixtures::linear_form;

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "temperature-pde",
    paper: "2503.03213",
    claim: "With a linear router a temperature interacts with the gate's slopes whatever the expert: F = e^(ωᵀx/τ) h(x, η) satisfies ∂F/∂τ = −(1/τ) ωᵀ∂F/∂ω.",
    scope: "Every expert h (it enters as a symbol), all x, ω, τ ≠ 0; one to as many inputs as the run has, and by the argument of the module's documentation every number.",
    ledger: Label::Proved,
    typical_seconds: 0.5,
    parameters: &[Parameter::integer("inputs", "largest number of inputs", "", [1, 8], [3, 4, 8])],
    check,
};

/// `∂F/∂t + (factor/t) Σ p ∂F/∂p` of `e^{router/t}·h`, `h` an input of its own.
fn equation(router: &str, slopes: &[String], factor: &str, expert_input: usize) -> Evidence {
    let of = format!("exp(({router})/t)*x{expert_input}");
    let slopes_of = slopes.iter().map(|name| Partial::new(&of, name));
    let identity = Identity {
        functions: std::iter::once(Partial::new(&of, "t")).chain(slopes_of).collect(),
        terms: std::iter::once((0, "1".into()))
            .chain(slopes.iter().enumerate().map(|(k, name)| (k + 1, format!("{factor}*{name}/t"))))
            .collect(),
    };
    Evidence::certificate(identity.statement(), Some(identity.certificate()))
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let names = |d: usize| (1..=d).map(|k| format!("w{k}")).collect::<Vec<_>>();
    let most = run.integer("inputs") as usize;
    let mut evidence = Vec::new();
    for d in 1..=most {
        run.proceed()?;
        evidence.push(equation(&linear_form("w", d), &names(d), "1", d + 1));
        let offset = [names(d), vec!["c".into()]].concat();
        evidence.push(equation(&format!("{} + c", linear_form("w", d)), &offset, "1", d + 1));
    }
    let form = linear_form("w", 2);
    let sigmoid = |factor| equation(&format!("sigmoid({form})"), &names(2), factor, 3);
    let controls = vec![
        Control::new("the same equation for the router sigmoid(ωᵀx)", sigmoid("1")),
        Control::new("the equation with 2/τ in the place of 1/τ", equation(&form, &names(2), "2", 3)),
    ];
    Ok(Findings { evidence, findings: findings(&form), controls, tables: Vec::new(), figures: Vec::new() })
}

fn findings(form: &str) -> Vec<Finding> {
    let slopes = ["w1", "w2", "c"].map(String::from);
    let outer = |act: &str| equation(&format!("l*{act}({form} + c)"), &["l".into()], "1", 3);
    let plain = |act: &str| {
        Control::new(format!("the same for {act}(ωᵀx + c)"), equation(&format!("{act}({form} + c)"), &slopes, "1", 3))
    };
    let scaled = |router: [&str; 2]| {
        let identity = Identity {
            functions: router.map(|router| Partial::whole(format!("exp({router})*x2"))).to_vec(),
            terms: vec![(0, "1".into()), (1, "-1".into())],
        };
        Evidence::certificate(identity.statement(), Some(identity.certificate()))
    };
    vec![
        Finding::judged(
            "ReLU routers and networks with a linear output layer satisfy an equation of the same kind",
            "For ReLU(ωᵀx + c) the equation is the same, with c among the slopes; for λ·act(ωᵀx + c) it is ∂F/∂τ = −(λ/τ)∂F/∂λ, whatever act is: a non-linear router as such does not break it.",
            &[
                equation(&format!("relu({form} + c)"), &slopes, "1", 3),
                outer("sigmoid"),
                outer("tanh"),
                outer("gelu"),
                outer("relu"),
            ],
            &["sigmoid", "tanh", "gelu"].map(plain),
            json!({}),
        ),
        Finding::judged(
            "the flat family behind the equation",
            "(ω, β, τ) → c(ω, β, τ), c = e^s, leaves e^((ωx + β)/τ) h unchanged; the quotients ω/τ and β/τ are what the function depends on. The same for a ReLU router.",
            &[
                scaled(["(exp(s)*w*x + exp(s)*b)/(exp(s)*t)", "(w*x + b)/t"]),
                scaled(["relu(exp(s)*w*x + exp(s)*b)/(exp(s)*t)", "relu(w*x + b)/t"]),
            ],
            &[Control::new(
                "the same family for a sigmoid router",
                scaled(["sigmoid(exp(s)*w*x + exp(s)*b)/(exp(s)*t)", "sigmoid(w*x + b)/t"]),
            )],
            json!({}),
        ),
    ]
}

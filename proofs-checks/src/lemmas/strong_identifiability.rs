//! `strong-identifiability`: for which experts do over-fitted atoms betray themselves?
//!
//! # The claim, in two readings
//!
//! The papers ask that `{x^ν ∂^γ h(x, η_j): |ν| + |γ| ≤ 2}` be linearly independent for distinct `η_j`, and say that two-layer networks `act(aᵀx + b)` with sigmoid, tanh or GELU activation satisfy it. *Literally* the list is dependent for every network with an inner bias:
//! `∂h/∂a_u = x_u ∂h/∂b` (and, with two inputs, `x_u ∂h/∂a_v = x_v ∂h/∂a_u`). The usual other reading, which this lemma judges, is the independence of the *distinct* functions `{x^ν act^{(k)}(a_jᵀx + b_j): |ν| ≤ 2, k ≤ 2}` over one and two atoms, for almost every `η`. Two atoms give a smallest singular value near `2·10⁻¹³` on `[−1, 1]`: floats cannot tell it from zero,
//! an enclosed determinant can. One determinant away from zero proves the independence for almost every value of the parameters (the determinant is analytic in them).
//!
//! # What the rate needs
//!
//! Neither reading is necessary or sufficient for the rate; the cone test of theory B4 is the criterion. For the truth of theory B5 a dual measure proves that the second moments of the over-fitted cell are at most `2/λ` times the difference of the functions; the certificate has the
//! measure, its equalities solved in enclosures and its matrix inequality by enclosed pivots. So the bound of `voronoi-rates` holds locally with one cell over-fitted, with a proved constant. It fails, whatever the expert, once every cell is over-fitted: `flat-families`.
//!
//! A cell of two atoms has second moments of rank one only, so what the cone test leaves open may still hold with one atom more than there are: `e^{ax}cos(bx)` is harmonic in `(a, b)`, equal moments in both are invisible, and take three atoms; for two the bound is proved by measures that together see every direction. The table of constants has
//! the values of the primal program beside `λ`, for all moments and for those of rank one; that of directions says where nothing is seen.
//!
//! Controls: the same for ReLU, linear and square experts, with the relation or the flat curve as witness.

use std::collections::BTreeMap;

use dashu_ratio::RBig;
use rayon::prelude::*;
use serde_json::{Value as Json, json};

use crate::rigor::{Identity, Mixture};
use crate::symbolic::{Fit, Partial, Test, region_certificate, span_certificate};
use crate::{CheckError, Column, Control, Evidence, Finding, Findings, Label, Lemma, Parameter, Run, Table};

use super::mixtures::{atom, reference, tested};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "strong-identifiability",
    paper: "2503.03213",
    claim: "Two-layer networks act(aᵀx + b) with sigmoid, tanh and GELU activation are strongly identifiable: the distinct functions x^ν act^(k)(a_jᵀx + b_j), |ν| ≤ 2, k ≤ 2, of one and two atoms in one input (beyond quick effort also of three, and of one and two in two inputs) are linearly independent, and \
            with either of two cells over-fitted its second moments are bounded by the difference of the regression functions.",
    scope: "Independence for almost every value of the parameters, with the atoms and inputs of the table of independence, which is what the run certified (quick effort: at most two atoms in one input; standard and thorough: three in one input, two in two); not for every one (sign symmetry), not in the literal reading of the list, not with an output weight. The bound near the mixtures of the table of constants (quick effort: of two atoms; else of three for tanh, too), on [−3, 3], under \
            the softmax gate e^(ωx + β).",
    ledger: Label::Proved,
    typical_seconds: 25.0,
    parameters: &[
        Parameter::integer("inputs", "largest number of inputs", "", [1, 2], [1, 2, 2]),
        Parameter::integer("atoms", "largest number of atoms", "", [2, 3], [2, 3, 3]),
        Parameter::integer("grid", "points of the grid for the dual measure", "", [51, 2001], [61, 401, 401]),
        Parameter::integer("precision", "bits of the enclosures of the measure", "bit", [128, 2048], [256, 256, 512]),
    ],
    check,
};

const ACTIVATIONS: [&str; 3] = ["sigmoid", "tanh", "gelu"];

/// `x^ν act^{(k)}`, `|ν| ≤ degree`, `k ≤ 2`, for each of the arguments; each contains a parameter of its own by which it has the slope ±1.
fn distinct(act: &str, arguments: &[(String, &str)], inputs: usize, degree: u32) -> Vec<Partial> {
    let mut monomials = Vec::new();
    for total in 0..=degree {
        for first in 0..=total {
            let second = total - first;
            if inputs == 1 && second > 0 {
                continue;
            }
            monomials.push(if inputs == 1 { format!("x1^{first}") } else { format!("x1^{first}*x2^{second}") });
        }
    }
    let mut functions = Vec::new();
    for (argument, bias) in arguments {
        for monomial in &monomials {
            let of = match act.strip_suffix("^2") {
                Some("") => format!("{monomial}*({argument})^2"),
                _ if act.is_empty() => format!("{monomial}*({argument})"),
                _ => format!("{monomial}*{act}({argument})"),
            };
            functions.extend((0..=2).map(|k| Partial { of: of.clone(), by: vec![(*bias).to_string(); k] }));
        }
    }
    functions
}

/// `a1*x1 + a2*x2 + b` of an atom with this letter's names.
fn argument(atom: usize, inputs: usize) -> (String, &'static str) {
    let slopes: Vec<String> = (1..=inputs).map(|u| format!("a{atom}{u}*x{u}")).collect();
    let bias = ["b1", "b2", "b3"][atom - 1];
    (format!("{} + {bias}", slopes.join(" + ")), bias)
}

fn spans(functions: &[Partial], claimed: usize) -> Option<String> {
    span_certificate(functions, claimed, &BTreeMap::new(), 1)
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let (points, precision) = (run.integer("grid"), run.integer("precision") as usize);
    let most = run.integer("inputs") as usize;
    let true_atoms = run.integer("atoms") as usize;
    let mut table = Table::new(
        "independence",
        [
            Column::new("activation", ""),
            Column::new("atoms", ""),
            Column::new("inputs", ""),
            Column::new("functions", ""),
        ],
    );
    // Every list of distinct functions: the claim's, then those of the controls.
    let settings: Vec<(&str, usize, usize)> = ACTIVATIONS
        .iter()
        .chain(&["relu", "", "^2"])
        .flat_map(|act| [(*act, 1, 1), (*act, 2, 1), (*act, 3, 1), (*act, 1, 2), (*act, 2, 2)])
        .filter(|(_, atoms, inputs)| *inputs <= most && *atoms <= true_atoms)
        .collect();
    let certificates = run.units("spans", settings.len(), |unit| {
        run.proceed()?;
        let (act, atoms, inputs) = settings[unit];
        let arguments: Vec<_> = (1..=atoms).map(|j| argument(j, inputs)).collect();
        let functions = distinct(act, &arguments, inputs, 2);
        Ok((functions.len(), spans(&functions, functions.len())))
    })?;
    let (mut evidence, mut controls) = (Vec::new(), Vec::new());
    let name = |act: &str| match act {
        "" => "linear".to_string(),
        "^2" => "square".to_string(),
        act => act.to_string(),
    };
    let items: Vec<(String, Evidence)> = settings
        .par_iter()
        .zip(certificates.clone())
        .map(|((act, atoms, inputs), (count, certificate))| {
            let name = name(act);
            let statement =
                format!("{name}, atoms {atoms}, inputs {inputs}: the {count} distinct functions are independent");
            (statement.clone(), Evidence::certificate(statement, certificate))
        })
        .collect();
    for (((act, atoms, inputs), (count, _)), (statement, item)) in settings.iter().zip(certificates).zip(items) {
        if ACTIVATIONS.contains(act) {
            evidence.push(item);
            table.push([name(act).into(), (*atoms).into(), (*inputs).into(), count.into()]);
        } else {
            controls.push(Control::new(statement, item));
        }
    }
    let mut constants = Table::new(
        "constants",
        [
            Column::new("expert", ""),
            Column::new("atoms", ""),
            Column::new("over-fitted", ""),
            Column::new("λ", ""),
            Column::new("c", ""),
            Column::new("least seen", ""),
            Column::new("of rank one", ""),
        ],
    );
    let mut bounds = Vec::new();
    for act in ACTIVATIONS {
        bounds.push((act, 2, vec![0]));
        bounds.push((act, 2, vec![1]));
    }
    if true_atoms == 3 {
        bounds.push(("tanh", 3, vec![0]));
        bounds.push(("tanh", 3, vec![0, 1]));
    }
    let measures = run.units("measures", bounds.len(), |unit| {
        run.proceed()?;
        let (act, atoms, cells) = &bounds[unit];
        let mixture = reference("exp(w*x)", &format!("{act}(a*x + b)"), &[], *atoms, cells);
        Ok(tested(&mixture, Fit::Any, points, precision))
    })?;
    for ((act, atoms, cells), test) in bounds.iter().zip(measures) {
        let which = numbers(cells);
        let statement = format!("{act}, true atoms {atoms}, over-fitted {which}: the second moments are bounded");
        evidence.push(Evidence::certificate(statement, test.certificate));
        let [lambda, constant] = test.constants.unwrap_or_default();
        let [all, of_rank_one] = test.least.unwrap_or_default();
        constants.push([
            (*act).into(),
            (*atoms).into(),
            which.into(),
            lambda.into(),
            constant.into(),
            all.into(),
            of_rank_one.into(),
        ]);
    }
    let mut directions = Table::new(
        "directions",
        [Column::new("expert", ""), Column::new("over-fitted", ""), Column::new("nothing is seen", "")],
    );
    let mut invisible = |mixture: &Mixture, test: &Test| {
        let words = test.direction.clone().unwrap_or_default();
        directions.push([mixture.expert.clone().into(), numbers(&mixture.overfitted).into(), words.into()]);
    };
    let failing = [("linear", "a*x + b"), ("ReLU", "relu(a*x + b)"), ("square", "(a*x + b)^2")];
    let tests = run.units("failing", failing.len(), |unit| {
        run.proceed()?;
        Ok(tested(&reference("exp(w*x)", failing[unit].1, &[], 2, &[0]), Fit::Any, points, precision))
    })?;
    for ((name, expert), test) in failing.into_iter().zip(tests) {
        invisible(&reference("exp(w*x)", expert, &[], 2, &[0]), &test);
        let item =
            Evidence::certificate(format!("{name}, over-fitted 1: the second moments are bounded"), test.certificate);
        controls.push(Control::new(format!("the same bound for {name} experts"), item));
    }
    let findings = findings(points, precision, &controls, &mut invisible);
    Ok(Findings { evidence, controls, findings, tables: vec![table, constants, directions], figures: Vec::new() })
}

/// `1 and 2` of the cells 0 and 1.
fn numbers(cells: &[usize]) -> String {
    cells.iter().map(|cell| (cell + 1).to_string()).collect::<Vec<_>>().join(" and ")
}

fn findings(
    points: u64,
    precision: usize,
    controls: &[Control],
    invisible: &mut dyn FnMut(&Mixture, &Test),
) -> Vec<Finding> {
    let none = std::slice::from_ref(&controls[0]);
    // The last controls are linear, ReLU and square experts.
    let unbounded = controls[controls.len() - 3].evidence().clone();
    let literal = |act: &str, bias: bool| {
        let h = format!("{act}({}{})", "a*x1", if bias { " + b" } else { "" });
        let parameters: &[&str] = if bias { &["a", "b"] } else { &["a"] };
        let mut functions =
            vec![Partial::whole(&h), Partial::whole(format!("x1*{h}")), Partial::whole(format!("x1^2*{h}"))];
        for (k, first) in parameters.iter().enumerate() {
            functions.push(Partial::new(&h, first));
            functions.push(Partial::new(format!("x1*{h}"), first));
            functions.extend(parameters[k..].iter().map(|second| Partial::new(&h, &format!("{first} {second}"))));
        }
        let what = if bias { "with" } else { "without" };
        let statement =
            format!("{act} {what} inner bias: the {} functions of the list are independent", functions.len());
        Evidence::certificate(statement, spans(&functions, functions.len()))
    };
    // The second argument is minus the first: slopes by the same bias.
    let opposite = |act: &str| {
        let arguments = [argument(1, 1), ("-a11*x1 - b1".to_string(), "b1")];
        distinct(act, &arguments, 1, 2)
    };
    let at_opposite = |act: &str, claimed: usize| {
        Evidence::certificate(format!("{act}: {claimed} of 18 are independent"), spans(&opposite(act), claimed))
    };
    let everywhere = |act: &str| {
        let mut functions = distinct(act, &[("a*x1 + b".to_string(), "b")], 1, 1);
        functions.retain(|function| function.by.len() < 2);
        let half = |n: i64| RBig::from_parts(n.into(), 2u8.into());
        let sides = [("a", [half(1), half(3)]), ("b", [half(-1), half(1)])];
        let certificate = region_certificate(&functions, &sides, 4, 128, RBig::ZERO, 300);
        Evidence::certificate(format!("{act}, one atom: the four functions are independent on the box"), certificate)
    };
    let twice = [("tanh(a*x1 + b)", ""), ("tanh(a*x1 + b)", "b"), ("x1*tanh(a*x1 + b)", "b"), ("tanh(a*x1 + b)", "a")];
    let twice = twice.map(|(of, by)| Partial::new(of, by));
    let twice = Evidence::certificate("tanh, one atom: the four functions are independent", spans(&twice, 4));
    let cubic = distinct("gelu", &[argument(1, 1)], 1, 3);
    let opposite_atoms = |act: &str| {
        let own = |w, a, b| [("w", w), ("a", a), ("b", b)];
        Mixture {
            truth: vec![atom("exp(3/10)", &own("2", "3", "-1/2")), atom("1", &own("0", "-3", "1/2"))],
            ..reference("exp(w*x)", &format!("{act}(a*x + b)"), &[], 2, &[0])
        }
    };
    let harmonic = "exp(a*x)*cos(b*x)";
    let harmonic_atoms = Mixture {
        truth: vec![
            atom("exp(3/10)", &[("w", "2"), ("a", "1/2"), ("b", "1")]),
            atom("1", &[("w", "0"), ("a", "-1/2"), ("b", "3/2")]),
        ],
        ..reference("exp(w*x)", harmonic, &[], 2, &[0])
    };
    let with_weight = |act: &str| reference("exp(w*x)", &format!("l*{act}(a*x + b)"), &["l"], 2, &[0]);
    let of_both = |act: &str| reference("exp(w*x)", &format!("{act}(a*x + b)"), &[], 2, &[0, 1]);
    let any = |mixture| (mixture, Fit::Any);
    let all = [ACTIVATIONS.map(opposite_atoms), ACTIVATIONS.map(with_weight), ACTIVATIONS.map(of_both)];
    let all = all.into_iter().flatten().chain([harmonic_atoms.clone()]).map(any);
    let linear_atoms = reference("exp(w*x)", "a*x + b", &[], 2, &[0]);
    let all: Vec<_> = all.chain([harmonic_atoms, linear_atoms].map(|mixture| (mixture, Fit::Two))).collect();
    let tests: Vec<Test> = all.par_iter().map(|(mixture, fit)| tested(mixture, *fit, points, precision)).collect();
    let bounded = |k: usize| {
        let (mixture, fit) = &all[k];
        let fitted = if *fit == Fit::Two { ", two atoms in cell 1" } else { "" };
        let words = format!("{}{fitted}: the second moments are bounded", mixture.expert);
        Evidence::certificate(words, tests[k].certificate.clone())
    };
    for ((mixture, _), test) in
        all.iter().zip(&tests).filter(|((_, fit), test)| *fit == Fit::Any && test.direction.is_some())
    {
        invisible(mixture, test);
    }
    let linear = || Control::new("linear experts with one cell over-fitted", unbounded.clone());
    let lambdas: Vec<Option<f64>> = tests[..3].iter().map(|test| test.constants.map(|[lambda, _]| lambda)).collect();
    let [rates, outer, both] = [0, 3, 6].map(|k| [k, k + 1, k + 2].map(bounded));
    let (two, two_linear) = (bounded(10), bounded(11));
    let laplacian = |expert: &str| {
        let of = format!("exp(w*x)*{expert}");
        let functions = vec![Partial::new(&of, "a a"), Partial::new(&of, "b b")];
        let certificate = Identity { functions, terms: vec![(0, "1".into()), (1, "1".into())] }.certificate();
        Evidence::certificate(format!("F = e^(ωx) {expert}: d2F/da2 + d2F/db2 = 0"), Some(certificate))
    };
    let with_bias = ACTIVATIONS.map(|act| literal(act, true));
    let all_at_opposite = ACTIVATIONS.map(|act| at_opposite(act, 18));
    let degree_three =
        [Evidence::certificate("GELU, one atom: the 12 functions are independent", spans(&cubic, cubic.len()))];
    vec![
        Finding::judged(
            "the literal list",
            "Read literally, x^ν ∂^γ h with |ν| + |γ| ≤ 2 and h = act(ax + b), the list is independent.",
            &with_bias,
            none,
            witness(&with_bias),
        ),
        Finding::judged(
            "the literal list without an inner bias",
            "For h = act(ax), one input and one atom, the literal list is independent.",
            &ACTIVATIONS.map(|act| literal(act, false)),
            &[Control::new("the same with an inner bias", with_bias[1].clone())],
            Json::Null,
        ),
        Finding::judged(
            "every two distinct parameters",
            "The 18 distinct functions of two atoms are independent for any distinct η_1, η_2, opposite ones included.",
            &all_at_opposite,
            none,
            witness(&all_at_opposite),
        ),
        Finding::judged(
            "opposite parameters",
            "At η_2 = −η_1 exactly 12 (sigmoid), 9 (tanh) and 13 (GELU) of the 18 functions are independent: act(−u) is 1 − act(u), −act(u), act(u) − u.",
            &[at_opposite("sigmoid", 12), at_opposite("tanh", 9), at_opposite("gelu", 13)],
            &[Control::new("tanh: 10 are", at_opposite("tanh", 10))],
            Json::Null,
        ),
        Finding::judged(
            "the bound survives opposite parameters",
            "With different gates, (ω_1, ω_2) = (2, 0), the second moments of the over-fitted cell are bounded at η_2 = −η_1 too: neither reading of the condition is necessary for the rate.",
            &rates,
            &[linear()],
            json!({ "lambda": lambdas }),
        ),
        Finding::judged(
            "every parameter in a box",
            "One tanh atom: h, xh, h' and xh', the first-order functions of a gate and an expert, are independent for every (a, b) in [1/2, 3/2] × [−1/2, 1/2], not for almost every one only.",
            &[everywhere("tanh")],
            &[Control::new("the same of h, h', xh' and ∂h/∂a, which is xh' again, by its relation", twice)],
            json!({ "share left open": 0, "cells at most": 300 }),
        ),
        Finding::judged(
            "monomials of degree three",
            "One GELU atom: the distinct functions with |ν| ≤ 3 are independent.",
            &degree_three,
            none,
            witness(&degree_three),
        ),
        Finding::judged(
            "an output weight",
            "λ·act(ax + b) is strongly identifiable: with one cell over-fitted its second moments are bounded.",
            &outer,
            &[linear()],
            witness(&outer),
        ),
        Finding::judged(
            "one atom more, and two",
            "h = e^(ax)cos(bx), one cell over-fitted: with two atoms in it the second moments are bounded by the difference of the functions. With three they are not: ∂²h/∂a² + ∂²h/∂b² = 0, so equal moments in a and b, of atoms on a triangle, are seen to third order only.",
            &[two, laplacian(harmonic)],
            &[
                Control::new("linear experts, two atoms", two_linear),
                Control::new("tanh experts are harmonic", laplacian("tanh(a*x + b)")),
            ],
            json!({ "lambda": tests[10].constants.map(|[lambda, _]| lambda), "least of rank one": tests[10].least.map(|[_, one]| one) }),
        ),
        Finding::judged(
            "every cell over-fitted",
            "The bound holds with both cells over-fitted, as for every number of fitted atoms beyond the true one.",
            &both,
            &[linear()],
            witness(&both),
        ),
    ]
}

/// What the items were refuted with.
fn witness(items: &[Evidence]) -> Json {
    let witnesses: Vec<Json> = items.iter().filter_map(|item| item.record().witness).collect();
    json!({ "witnesses": witnesses })
}

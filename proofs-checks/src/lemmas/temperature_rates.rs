//! `temperature-rates`: a router that is not homogeneous gives a temperature back its rate.
//!
//! # The claim
//!
//! Under the gate `softmax_i((r(ω_iᵀx) + β_i)/τ)` with sigmoid, tanh or GELU `r` the loss `L1τ` (theory X4, `|Δτ|` with the first power) has the rate ½ for strongly identifiable experts. X4 goes further than the paper: with `k* ≥ 2` these routers have no common factor either, so that the bound holds even with every cell over-fitted, `k ≥ 2k*`. A linear router keeps the family `c(ω, β, τ)` (`temperature-slowdown`), and so does every router that is positively homogeneous in its parameters: ReLU, and a network with a linear output layer (`temperature-pde` has the certificates).
//!
//! # What is measured
//!
//! GELU experts, theory B5's truth with `τ* = 1`. For `k = 3` and each router: `L1τ ≤ ‖f_G − f_{G*}‖/c` for all members of the likelihood-ratio region that are found (see `minimisers`: fits with either atom split, points of the temperature family), with `c` predicted; and the rate ½ of the regression error, of the three routers together. Both are the rate of `L1τ`. The slope of `L1τ` itself scatters more and is a finding of its own.
//!
//! # Where the regions come from
//!
//! `c` is the smaller one of `local_constant` with the first or the second cell over-fitted, over `√5` (see `minimisers`). The bound holds up to `o(1)`: `L1τ ≈ noise·√(p/n)/constant` must be well below the box (half-width 4), which the small noise ensures. The region of a rate is as in `fits`.
//!
//! *Power.* The error of 12 parameters has a logarithm with deviation `1/√24`, a slope over a factor 16 of `n` one of `.2·√2/2.8 = .10`; the mean over 48 replicates lies with its 99 % interval within `(2.7 + 3.9)·.10/√48 = .10` of its expectation but for one run in `10⁴`.
//!
//! The table `constants` has the predicted constants beside the least ratio measured, and beside X4's program values in the sup norm for tanh experts (`λ/2` = 3.1e-5, 1.8e-5, 4.3e-6, which the symbolic lemmas certify; those in theory X4, 4.1e-5, 2.4e-5, 4.9e-6, were not reproduced) those in `L²`.
//!
//! # Controls
//!
//! The same for a linear router: its members on the temperature family break the bound with each router's constant, and their largest loss has not the rate.

use moe_kernels::Activation;
use moe_theory::softmax::{Architecture, Cubature, Gate, Inputs, MixingMeasure, Noise, local_constant};
use serde_json::json;

use super::minimisers::{Family, Measured, Series, bounded, rate};
use super::temperature_slowdown::scaled;
use crate::fits::{Problem, reference_truth};
use crate::{CheckError, Column, Control, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale, Table};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "temperature-rates",
    paper: "2503.03213",
    claim: "With a sigmoid, tanh or GELU router the temperature is identifiable again: L1τ is bounded by the regression error and has its rate ½ in n, with one atom more than there are.",
    scope: "Dense-to-sparse gate softmax((r(ωx) + β)/τ), GELU experts, k* = 2, k = 3, the truth of theory B5 with τ = 1, scalar x uniform on [−3, 3], Gaussian noise, parameters in a box; the likelihood-ratio region, found from starts near the truth.",
    ledger: Label::Supported,
    typical_seconds: 40.0,
    parameters: &[
        Parameter::integer("replicates", "independent samples of each size", "", [8, 10_000], [16, 24, 120]),
        Parameter::integer("other-replicates", "those of the controls and of four atoms", "", [3, 10_000], [3, 8, 60]),
        Parameter::integer("sizes", "sample sizes on the grid", "", [3, 20], [3, 3, 5]),
        Parameter::integer("from", "least sample size", "", [200, 10_000_000], [250, 1000, 1000]),
        Parameter::integer("to", "largest sample size", "", [400, 10_000_000], [4000, 16_000, 64_000]),
        Parameter::real("noise", "deviation of the noise", "", [1e-6, 1.0], [1e-5; 3]),
        Parameter::real("half-width", "half-width of the box around the true parameters", "", [1.0, 20.0], [4.0; 3]),
    ],
    check,
};

/// Places on the temperature family.
const PLACES: [f64; 3] = [0.5, 1.0, 2.0];
/// Routers that break the family, with half of the `λ` that `algebraic-independence` certifies for tanh experts, both cells over-fitted (reference values, not computed here).
const ROUTERS: [(&str, Activation, f64); 3] =
    [("sigmoid", Activation::Sigmoid, 3.1e-5), ("tanh", Activation::Tanh, 1.8e-5), ("gelu", Activation::Gelu, 4.3e-6)];

fn class(router: Activation, expert: Activation, atoms: usize) -> Architecture {
    Architecture {
        dimension: 1,
        gate: Gate::DenseToSparse(router),
        sizes: vec![atoms],
        activation: expert,
        outer_weight: false,
    }
}

fn problem(run: &Run<'_>, router: Activation, atoms: usize) -> Problem {
    Problem {
        truth_class: class(router, Activation::Gelu, 2),
        truth: reference_truth(),
        class: class(router, Activation::Gelu, atoms),
        inputs: Inputs::Uniform { low: vec![-3.0], high: vec![3.0] },
        noise: Noise::Gaussian { deviation: run.real("noise") },
        half_width: run.real("half-width"),
        starts: 1,
        last_slope: true,
    }
}

/// Through a measure of two atoms, along the family of homogeneous routers, with the first atom split where three are fitted.
fn along(measure: &MixingMeasure, atoms: usize) -> Vec<MixingMeasure> {
    let point = |c: f64| {
        let mut point = scaled(measure, c / measure.tau);
        if atoms > 2 {
            let all = &mut point.groups[0].atoms;
            all[0].beta -= point.tau * std::f64::consts::LN_2;
            all.insert(1, all[0].clone());
        }
        point
    };
    PLACES.map(point).to_vec()
}

const COLUMNS: [Measured<'static>; 5] = [
    ("largest L1τ", &|row| row.largest),
    ("L1τ of the best", &|row| row.best.loss),
    ("temperature", &|row| row.best.temperature),
    ("error", &|row| row.best.error),
    ("least error over L1τ", &|row| row.ratio),
];

/// Summands of the first order in `L1τ`: `Δτ`, two weights, and `‖Δω‖`, `‖Δη‖` of an atom alone.
const TERMS: usize = 5;
const TERMS_DOUBLED: usize = 3;

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let rule = Cubature::new(&Inputs::Uniform { low: vec![-3.0], high: vec![3.0] }).map_err(CheckError::theory)?;
    let constant = |router, expert, cells: &[usize]| {
        local_constant(&class(router, expert, 2), &reference_truth(), &rule, cells).map_err(CheckError::theory)
    };
    let measured = |problem: &Problem, name: &str, replicates: &str| {
        let atoms = problem.class.sizes[0];
        let through = |measure: &MixingMeasure| if atoms == 4 { Vec::new() } else { along(measure, atoms) };
        Family { problem, through: &through }.series(run, name, &rule, run.integer(replicates))
    };
    let heads = [
        "router",
        "predicted, first cell",
        "predicted, second cell",
        "predicted, both cells",
        "least measured, k = 3",
        "least measured, k = 4",
        "v of both cells, tanh experts, L²",
        "half of the certified λ, tanh experts, sup norm",
    ];
    let linear = measured(&problem(run, Activation::Linear, 3), "linear", "other-replicates")?;
    let relu = measured(&problem(run, Activation::Relu, 2), "relu", "other-replicates")?;
    let mut constants = Table::new("constants", heads.map(|head| Column::new(head, "")));
    let (mut evidence, mut controls, mut doubled) = (Vec::new(), Vec::new(), Vec::new());
    let (mut findings, mut tables, mut figures) = (Vec::new(), Vec::new(), Vec::new());
    let (mut errors, mut doubled_errors) = (Vec::new(), Vec::new());
    let least = |series: &Series| series.all(|row| row.ratio).fold(f64::MAX, f64::min);
    for (name, router, sup) in ROUTERS {
        let series = measured(&problem(run, router, 3), name, "replicates")?;
        let both = format!("{name}-doubled");
        let twice = measured(&problem(run, router, 4), &both, "other-replicates")?;
        let expert = Activation::Gelu;
        let cells = [constant(router, expert, &[2, 1])?.constant, constant(router, expert, &[1, 2])?.constant];
        let smaller = cells[0].min(cells[1]);
        let beyond = constant(router, expert, &[2, 2])?.constant;
        evidence.push(bounded(&format!("{name} router, k = 3"), series.all(|row| row.ratio), smaller, TERMS));
        controls.push(Control::new(
            format!("a linear router has the bound with the constant of the {name} router"),
            bounded("linear router, k = 3", linear.all(|row| row.ratio), smaller, TERMS),
        ));
        doubled.push(bounded(&format!("{name} router, k = 4"), twice.all(|row| row.ratio), beyond, TERMS_DOUBLED));
        errors.extend(series.slopes(|row| row.best.error));
        doubled_errors.extend(twice.slopes(|row| row.best.error));
        let slope =
            rate(format!("{name} router, k = 3, L1τ of the best fit"), &series.slopes(|row| row.best.loss), 0.5);
        findings.push((format!("slope of L1τ, {name} router"), slope));
        constants.push([
            name.into(),
            cells[0].into(),
            cells[1].into(),
            beyond.into(),
            least(&series).into(),
            least(&twice).into(),
            constant(router, Activation::Tanh, &[2, 2])?.second.into(),
            sup.into(),
        ]);
        let heads = ["largest L1τ median", "L1τ of the best median", "temperature median", "error median"];
        let title = format!("{name} router: L1τ, its temperature and the regression error against n, k = 3");
        figures.push(Figure::new(name, title, name, "n", heads, [Scale::Log; 2]));
        tables.extend([series.table(name, &COLUMNS), twice.table(&both, &COLUMNS)]);
    }
    evidence.push(rate("the three routers together, k = 3, ‖f_Ĝ − f_G*‖", &errors, 0.5));
    let kept = |series: &Series, words: &str| rate(words, &series.slopes(|row| row.largest), 0.5);
    controls.push(Control::new(
        "the largest L1τ of a linear router has the rate",
        kept(&linear, "linear router, k = 3, largest L1τ of the region"),
    ));
    doubled.push(rate("the three routers together, k = 4, ‖f_Ĝ − f_G*‖", &doubled_errors, 0.5));
    let mut findings: Vec<Finding> = findings
        .into_iter()
        .map(|(title, item)| {
            let statement = item.statement().to_string();
            Finding::judged(title, statement, &[item], &controls, json!({}))
        })
        .collect();
    findings.push(Finding::judged(
        "the rate survives k ≥ 2k*",
        "With these routers the common factor of the softmax is gone for k* ≥ 2: with four atoms for two L1τ is bounded by the regression error too.",
        &doubled,
        &controls,
        json!({}),
    ));
    findings.push(Finding::judged(
        "a ReLU router restores the rate",
        "ReLU is not linear, but positively homogeneous: it keeps the family (ω, β, τ) → c(ω, β, τ) even with k = k*, as does every network with a linear output layer (temperature-pde).",
        &[kept(&relu, "ReLU router, k = k* = 2, largest L1τ of the region")],
        &controls,
        json!({}),
    ));
    tables.extend([linear.table("linear", &COLUMNS), relu.table("relu", &COLUMNS), constants]);
    Ok(Findings { evidence, controls, findings, tables, figures })
}

//! `temperature-rates`: a router that is not homogeneous gives a temperature back its rate.
//!
//! # The claim
//!
//! Under the gate `softmax_i((r(ω_iᵀx) + β_i)/τ)` with sigmoid, tanh or GELU `r` the loss `L1τ` (theory X4, `|Δτ|` with the first power) has the rate ½ for strongly identifiable experts. X4 goes further than the paper: with `k* ≥ 2` these routers have no common factor either, so that the bound holds even with every cell over-fitted, `k ≥ 2k*`. A linear router keeps the family `c(ω, β, τ)` (`temperature-slowdown`), and so does every router that is positively homogeneous in its parameters: ReLU, and a network with a linear output layer (`temperature-pde` has the certificates).
//!
//! # What is measured
//!
//! GELU experts, theory B5's truth with `τ* = 1`, `k = 3`. For each router the rates ½ of `L1τ` and of the regression error (least squares from starts near the truth with either atom split). A finding sets the local constants beside the measured ratios: `‖f_G − f_{G*}‖ ≥ v Σ tr M2` of the over-fitted cell and `L1τ ≤ ‖f_G − f_{G*}‖/c`, both up to `o(1)`, over all members of the
//! likelihood-ratio region that are found (see `minimisers`). A measure in the direction of `v` has to attain it (see `fits`).
//!
//! # Where the regions come from
//!
//! `L1τ ≈ noise·√(p/n)/constant` must be well below the box (half-width 4), which the small noise ensures; `v` and `c` are of `local_constant`, `c` over `√5` (see `minimisers`). The region of a rate is as in `fits`.
//!
//! *Power.* One direction dominates `L1τ`: the slope of one sample has deviation .21 (sigmoid router, n from 150, over log 43), and from n = 500 on over log 32 .17 (sigmoid), .26 (tanh), .19 (GELU); that of the error of 12 parameters .04 at most. With 150 samples at quick effort, 110 (sigmoid) and 220 at standard, the intervals have half-widths of .047 at most, and one that is off by .01 leaves its region with probability below 10⁻⁴.
//!
//! The error of four atoms has deviation .03: ten samples have a half-width of .04 at most.
//!
//! Sigmoid alone at quick effort.
//!
//! # Controls
//!
//! A linear router: the largest `L1τ` of its region has not the rate, and its members on the temperature family break both bounds with each router's constants, with three atoms and with four. And the same `L1τ` is rejected at the rate ¼.

use moe_kernels::Activation;
use moe_theory::softmax::{Architecture, Cubature, Gate, Inputs, MixingMeasure, Noise, local_constant};
use serde_json::json;

use super::minimisers::{Family, Measured, Members, NEAR, Series, bounded, rate};
use super::plain_gate::{lack_of_fit, sizes, sweep, table, truth_table};
use super::temperature_slowdown::scaled;
use crate::fits::{Fitted, Problem, reference_truth, slopes};
use crate::{CheckError, Column, Control, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale, Table};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "temperature-rates",
    paper: "2503.03213",
    claim: "With the routers of the run (sigmoid; from standard effort on tanh and GELU, too) the temperature is identifiable again: L1τ and the regression error have the rate ½ in n, with one atom more than there are.",
    scope: "Dense-to-sparse gate softmax((r(ωx) + β)/τ), GELU experts, k* = 2, k = 3, the truth of theory B5 with τ = 1, scalar x uniform on [−3, 3], Gaussian noise (1e-5 or a little less unless set), parameters in a box (within 4 of the true ones unless set); the least of the local minima reached from starts .02 off the split truth; mean slope within ⅛. The first `routers` of sigmoid, tanh, GELU.",
    ledger: Label::Supported,
    typical_seconds: 65.0,
    parameters: &[
        Parameter::integer(
            "replicates",
            "samples of each size; half as many for the sigmoid router, whose slopes scatter less",
            "",
            [16, 10_000],
            [300, 220, 600],
        ),
        Parameter::integer("routers", "how many of sigmoid, tanh, GELU", "", [1, 3], [1, 3, 3]),
        Parameter::integer(
            "other-replicates",
            "samples for the regions and the controls",
            "",
            [3, 10_000],
            [6, 12, 60],
        ),
        Parameter::integer("doubled-replicates", "samples for four atoms", "", [8, 10_000], [10, 12, 60]),
        Parameter::integer("sizes", "sample sizes on the grid", "", [3, 20], [3, 3, 5]),
        Parameter::integer("from", "least sample size", "", [120, 10_000_000], [150, 500, 1000]),
        Parameter::integer("to", "largest sample size", "", [400, 10_000_000], [6400, 16_000, 64_000]).above("from"),
        Parameter::real("noise", "deviation of the noise", "", [1e-6, 1.0], [8e-6, 1e-5, 1e-5]),
        Parameter::real("half-width", "half-width of the box around the true parameters", "", [1.0, 20.0], [4.0; 3]),
    ],
    check,
};

/// Places on the temperature family.
const PLACES: [f64; 3] = [0.5, 1.0, 2.0];
/// Routers that break the family.
const ROUTERS: [(&str, Activation); 3] =
    [("sigmoid", Activation::Sigmoid), ("tanh", Activation::Tanh), ("gelu", Activation::Gelu)];

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
        spread: NEAR,
        last_slope: true,
    }
}

/// Through a measure of two atoms, along the family of homogeneous routers, with as many atoms split as are fitted beyond two.
fn along(measure: &MixingMeasure, atoms: usize) -> Vec<MixingMeasure> {
    let point = |c: f64| {
        let mut point = scaled(measure, c / measure.tau);
        let all = &mut point.groups[0].atoms;
        for place in (0..atoms - 2).rev() {
            all[place].beta -= point.tau * std::f64::consts::LN_2;
            all.insert(place, all[place].clone());
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
        let through = |measure: &MixingMeasure| along(measure, atoms);
        Family { problem, through: &through }.series(run, name, &rule, run.integer(replicates))
    };
    let sizes = sizes(run);
    let estimated = |router, name: &str, replicates: usize| {
        let problem = problem(run, router, 3);
        sweep(run, &format!("{name}-fits"), replicates, &sizes, |n, replicate| {
            problem.estimate(run, &rule, n, replicate)
        })
    };
    let heads = [
        "router",
        "v, first cell",
        "v, second cell",
        "least error/Σ tr M2 measured",
        "c, first cell",
        "c, second cell",
        "error/L1τ of the measures that attain v, least of both cells",
        "least error/L1τ measured, k = 3",
        "c, both cells",
        "least error/L1τ measured, k = 4",
        "v of both cells, tanh experts (L², rank one in each cell)",
    ];
    let linear = measured(&problem(run, Activation::Linear, 3), "linear", "other-replicates")?;
    let relu = measured(&problem(run, Activation::Relu, 2), "relu", "other-replicates")?;
    let mut constants = Table::new("constants", heads.map(|head| Column::new(head, "")));
    let (mut evidence, mut controls, mut doubled) = (Vec::new(), Vec::new(), Vec::new());
    let (mut findings, mut tables, mut figures) = (Vec::new(), vec![truth_table(&reference_truth())], Vec::new());
    let mut doubled_errors = Vec::new();
    let linear_doubled = measured(&problem(run, Activation::Linear, 4), "linear-doubled", "other-replicates")?;
    let mut doubled_twins = Vec::new();
    let least = |series: &Series, value: fn(&Members) -> f64| series.all(value).fold(f64::MAX, f64::min);
    let loss = |words: String, rows: &[Vec<Fitted>], at: f64| {
        rate(format!("{words}, L1τ"), &slopes(rows, |fit| Some(fit.loss)), at)
    };
    let kept = |series: &Series, words: &str| rate(words, &series.slopes(|row| row.largest), 0.5);
    controls.push(Control::new(
        "the largest L1τ of a linear router has the rate",
        kept(&linear, "linear router, k = 3, largest L1τ of the region"),
    ));
    for (name, router) in ROUTERS.into_iter().take(run.integer("routers") as usize) {
        let share = if router == Activation::Sigmoid { 2 } else { 1 };
        let rows = estimated(router, name, run.integer("replicates") as usize / share)?;
        let words = format!("{name} router, k = 3");
        let errors = slopes(&rows, |fit| Some(fit.error));
        let rates = vec![loss(words.clone(), &rows, 0.5), rate(format!("{words}, ‖f_Ĝ − f_G*‖"), &errors, 0.5)];
        evidence.extend(problem(run, router, 3).asymptotic(&rule, sizes[0], rates)?);
        findings.push(lack_of_fit(&format!("{words}, L1τ"), &rows, |fit| fit.loss));
        let quarter = loss(words.clone(), &rows, 0.25);
        controls.push(Control::new(format!("L1τ of the {name} router has the rate ¼"), quarter));

        let series = measured(&problem(run, router, 3), name, "other-replicates")?;
        let both = format!("{name}-doubled");
        let twice = measured(&problem(run, router, 4), &both, "doubled-replicates")?;
        let expert = Activation::Gelu;
        let locals = [constant(router, expert, &[2, 1])?, constant(router, expert, &[1, 2])?];
        let cells = locals.each_ref().map(|local| local.constant);
        let seconds = locals.each_ref().map(|local| local.second.unwrap_or(0.0));
        let smaller = cells[0].min(cells[1]);
        let second = seconds[0].min(seconds[1]);
        let beyond = constant(router, expert, &[2, 2])?.constant;
        let bounds = |series: &Series, words: &str| {
            [
                bounded(&format!("{words}, over-fitted cell alone"), series.all(|row| row.over_ratio), second, 1),
                bounded(words, series.all(|row| row.ratio), smaller, TERMS),
            ]
        };
        let (mut values, mut flat, mut worst) = (Vec::new(), Vec::new(), f64::INFINITY);
        for (cell, local) in ["first", "second"].into_iter().zip(&locals) {
            let split = problem(run, router, 3);
            let mut linear = split.clone();
            linear.truth_class.activation = Activation::Linear;
            let v = local.second.unwrap_or(0.0);
            let attained = split.attained(local, &rule)?;
            worst = worst.min(attained.error / attained.loss);
            let words = format!("{name} router, {cell} cell of two");
            values.push(attained.value(&words, v));
            flat.push(attained.twin(&words, v));
            let cells = if cell == "first" { [2, 1] } else { [1, 2] };
            let other = linear.attained(&constant(router, Activation::Linear, &cells)?, &rule)?;
            flat.push(Control::new(
                "linear experts attain the value of these",
                other.value(&format!("{name} router, linear experts, {cell} cell of two"), v),
            ));
        }
        let split = problem(run, router, 3);
        values.extend(split.asymptotic(&rule, sizes[0], bounds(&series, &words).into())?);
        flat.extend(
            bounds(&linear, "linear router, k = 3")
                .map(|item| Control::new("a linear router has the bounds of this router", item)),
        );
        findings.push(Finding::judged(
            format!("local constants, {name} router"),
            format!("{words}: v is attained within 1 % by a measure in its direction, and ‖f_G − f_G*‖ ≥ v Σ tr M2 of the over-fitted cell and ‖f_G − f_G*‖ ≥ c L1τ over all members found"),
            &values,
            &flat,
            json!({}),
        ));
        let bound = bounded(&format!("{name} router, k = 4"), twice.all(|row| row.ratio), beyond, TERMS_DOUBLED);
        doubled.extend(split.asymptotic(&rule, sizes[0], vec![bound])?);
        doubled_errors.extend(twice.best_slopes(|fit| fit.error));
        doubled_twins.push(Control::new(
            format!("a linear router with k = 4 has the bound of the {name} router"),
            bounded("linear router, k = 4", linear_doubled.all(|row| row.ratio), beyond, TERMS_DOUBLED),
        ));
        constants.push([
            name.into(),
            seconds[0].into(),
            seconds[1].into(),
            least(&series, |row| row.over_ratio).into(),
            (cells[0] / (TERMS as f64).sqrt()).into(),
            (cells[1] / (TERMS as f64).sqrt()).into(),
            worst.into(),
            least(&series, |row| row.ratio).into(),
            (beyond / (TERMS_DOUBLED as f64).sqrt()).into(),
            least(&twice, |row| row.ratio).into(),
            constant(router, Activation::Tanh, &[2, 2])?.second.into(),
        ]);
        let title = format!("{name} router: L1τ, its parts and the regression error against n, k = 3 (medians)");
        let fits = format!("{name}-fits");
        tables.extend([table(&fits, &rows), series.table(name, &COLUMNS), twice.table(&both, &COLUMNS)]);
        figures.push(Figure::new(fits.clone(), title, fits, "n", ["L1", "exact", "over", "error"], [Scale::Log; 2]));
    }
    doubled.push(rate("these routers together, k = 4, ‖f_Ĝ − f_G*‖", &doubled_errors, 0.5));
    findings.push(Finding::judged(
        "the rate survives k ≥ 2k*",
        "With these routers the common factor of the softmax is gone for k* ≥ 2: with four atoms for two L1τ is bounded by the regression error too.",
        &doubled,
        &doubled_twins,
        json!({}),
    ));
    findings.push(Finding::judged(
        "a ReLU router restores the rate",
        "ReLU is not linear, but positively homogeneous: it keeps the family (ω, β, τ) → c(ω, β, τ) even with k = k*, as does every network with a linear output layer (temperature-pde).",
        &[kept(&relu, "ReLU router, k = k* = 2, largest L1τ of the region")],
        &controls[..1],
        json!({}),
    ));
    tables.extend([
        linear.table("linear", &COLUMNS),
        linear_doubled.table("linear-doubled", &COLUMNS),
        relu.table("relu", &COLUMNS),
        constants,
    ]);
    Ok(Findings { evidence, controls, findings, tables, figures })
}

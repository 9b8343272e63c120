//! `temperature-slowdown`: with a linear router a temperature is not identifiable, whatever the expert.
//!
//! # The claim
//!
//! Under the gate `softmax_i((ω_iᵀx + β_i)/τ)` the paper has rates of `(ω, β, τ)` slower than every `n^{−1/(2r)}`, whatever the expert. More is true (theory B5, `temperature-pde`): `f_G` does not change along `(ω, β, τ) → c(ω, β, τ)`, `c > 0`, so that least squares does not converge along this curve at all, even with as many atoms as the truth. The quotient `(ω/τ, β/τ)` is what the function depends on; it is the plain gate's parameter, and with `k = k*` its `L1` has the rate ½.
//!
//! # What is measured
//!
//! Theory B5's truth, `τ* = 1`, `k = k* = 2`, `x ~ U[−3, 3]`. *The largest loss* over the likelihood-ratio region of each sample (see `minimisers`), among whose members are the points of the family through the fit with `τ = ½, 1, 2.9`: there `L1τ ≈ |Δτ| + 1.9·2 = 5.7` (at the translation that leaves the heavier atom's slope), whatever `n` is. *The quotient*: the bound `L1 ≤ ‖f_G − f_{G*}‖/c` of its loss under the plain gate, with the predicted `c`, and the rate of the regression error. The slope of the quotient's `L1` itself is a finding.
//!
//! # Where the regions come from
//!
//! Rates are multiples of ¼, and the region of one is what is nearer to it than to its neighbours: ±⅛ about 0 and about −½ (see `fits`). `c` is `local_constant` of the plain gate at the truth's quotient over `√6` (see `minimisers`).
//!
//! The noise, 4·10⁻⁴, is where theory expects the quotient's loss of tanh experts, whose constant is the least, to be below .02 from the least `n` on; with more the bound is undecided (see [`crate::fits`]).
//!
//! *Power.* The error of 8 parameters has a logarithm with deviation `1/√16`, a slope over a factor 16 of `n` one of `.25·√2/2.8 = .13`; the mean over 48 replicates lies with its 99 % interval within `(2.7 + 3.9)·.13/√48 = .12` of its expectation but for one run in `10⁴`. The largest loss and the bound hardly scatter. The sigmoid router's largest loss has slopes with deviation .32 about −½: its interval stays below −⅛ but for one run in `10⁴`, as `.5 − (2.7 + 3.7)·.32/√48 = .2`.
//!
//! # Controls
//!
//! A sigmoid router breaks the family: its largest loss shrinks and is rejected as constant. `L1τ` of the linear router in the place of the quotient's loss: its bound and its rate are rejected.

use moe_kernels::Activation;
use moe_theory::softmax::{Architecture, Cubature, Gate, Inputs, MixingMeasure, Noise, local_constant};
use serde_json::json;

use super::minimisers::{Family, Members, NEAR, Series, bounded, rate, side_by_side};
use super::plain_gate::truth_table;
use crate::fits::{Problem, reference_truth, small};
use crate::{CheckError, Column, Control, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale, Table};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "temperature-slowdown",
    paper: "2503.03213",
    claim: "With a linear router and a temperature least squares does not converge in (ω, β, τ), whatever the expert: the largest L1τ over what a sample cannot tell from the fit does not shrink with n; L1 of the quotient (ω/τ, β/τ) is bounded by the regression error, whose rate is ½, and falls at least as fast.",
    scope: "Dense-to-sparse gate softmax((ωx + β)/τ) with a linear router, linear, tanh and GELU experts, k = k* = 2 (so that nothing else is slow), the truth of theory B5 with τ = 1, scalar x uniform on [−3, 3], Gaussian noise, parameters in a box; the largest loss over the likelihood-ratio region, c = ½, 1, 2.9 on the family.",
    ledger: Label::Supported,
    typical_seconds: 20.0,
    parameters: &[
        Parameter::integer("replicates", "independent samples of each size", "", [8, 10_000], [48, 48, 200]),
        Parameter::integer("sizes", "sample sizes on the grid", "", [3, 20], [3, 3, 5]),
        Parameter::integer("from", "least sample size", "", [200, 10_000_000], [250, 1000, 1000]),
        Parameter::integer("to", "largest sample size", "", [400, 10_000_000], [4000, 16_000, 64_000]).above("from"),
        Parameter::real("noise", "deviation of the noise", "", [1e-6, 1.0], [4e-4; 3]),
        Parameter::real("half-width", "half-width of the box around the true parameters", "", [1.0, 20.0], [4.0; 3]),
    ],
    check,
};

/// Places on the family; the box ends at `c = 3`, where the slope is `2 + 4`.
const PLACES: [f64; 3] = [0.5, 1.0, 2.9];

fn problem(run: &Run<'_>, router: Activation, expert: Activation) -> Problem {
    let class = Architecture {
        dimension: 1,
        gate: Gate::DenseToSparse(router),
        sizes: vec![2],
        activation: expert,
        outer_weight: false,
    };
    Problem {
        truth_class: class.clone(),
        truth: reference_truth(),
        class,
        inputs: Inputs::Uniform { low: vec![-3.0], high: vec![3.0] },
        noise: Noise::Gaussian { deviation: run.real("noise") },
        half_width: run.real("half-width"),
        starts: 1,
        spread: NEAR,
        last_slope: true,
    }
}

/// `c(ω, β, τ)`.
pub(super) fn scaled(measure: &MixingMeasure, c: f64) -> MixingMeasure {
    let mut scaled = measure.clone();
    for atom in scaled.groups.iter_mut().flat_map(|group| &mut group.atoms) {
        atom.omega.iter_mut().for_each(|omega| *omega *= c);
        atom.beta *= c;
    }
    scaled.tau *= c;
    scaled
}

/// The summands of the first order in `L1` of two atoms alone in their cells: two weights, two `‖Δω‖`, two `‖Δη‖`.
const TERMS: usize = 6;

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let rule = Cubature::new(&Inputs::Uniform { low: vec![-3.0], high: vec![3.0] }).map_err(CheckError::theory)?;
    let experts = [("linear", Activation::Linear), ("tanh", Activation::Tanh), ("gelu", Activation::Gelu)];
    let along = |measure: &MixingMeasure| PLACES.map(|c| scaled(measure, c / measure.tau)).to_vec();
    let measured = |problem: &Problem, name: &str| {
        Family { problem, through: &along }.series(run, name, &rule, run.integer("replicates"))
    };
    let constant = |series: &Series, words: &str| series.constant(format!("{words}, largest L1τ of the region"));
    let (mut evidence, mut controls, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    let (mut tables, mut figures) = (vec![truth_table(&reference_truth())], Vec::new());
    let sigmoid = problem(run, Activation::Sigmoid, Activation::Gelu);
    let twin = measured(&sigmoid, "sigmoid-router")?;
    controls.push(Control::new(
        "with a sigmoid router the largest L1τ does not shrink either",
        constant(&twin, "sigmoid router, GELU experts"),
    ));
    let heads = ["expert", "predicted ‖f − f*‖/(|m| + Σ tr M2) of the quotient", "measured ‖f − f*‖/L1, least"];
    let mut constants = Table::new("constants", heads.map(|head| Column::new(head, "")));
    // The last experts are the sigmoid router's.
    let mut linear = None;
    for (name, expert) in experts {
        let problem = problem(run, Activation::Linear, expert);
        let series = measured(&problem, name)?;
        let plain = Architecture { gate: Gate::Softmax, ..problem.class.clone() };
        let local = local_constant(&plain, &problem.truth.quotient(), &rule, &[1, 1]).map_err(CheckError::theory)?;
        let words = format!("linear router, {name} experts");
        let quotient = |row: &Members, place: usize| row.quotient.map_or(0.0, |quotient| quotient[place]);
        evidence.push(constant(&series, &words));
        let ratios: Vec<f64> = series.all(|row| quotient(row, 1)).collect();
        constants.push([name.into(), local.constant.into(), ratios.iter().copied().fold(f64::MAX, f64::min).into()]);
        // The constant is that of small losses.
        let least = run.integer("from") as usize;
        let bound = bounded(&format!("{words}, quotient"), ratios.into_iter(), local.constant, TERMS);
        evidence.extend(small(least, problem.predicted_error(least) / local.constant, vec![bound]));
        controls.push(Control::new(
            format!("{name} experts: the same bound for L1τ itself"),
            bounded(&format!("{words}, L1τ"), series.all(|row| row.ratio), local.constant, TERMS),
        ));
        evidence.push(rate(format!("{words}, ‖f_Ĝ − f_G*‖"), &series.best_slopes(|fit| fit.error), 0.5));
        controls.push(Control::new(
            format!("{name} experts: the largest L1τ has the rate of the error"),
            rate(format!("{words}, largest L1τ of the region"), &series.slopes(|row| row.largest), 0.5),
        ));
        let slopes = series.slopes(|row| quotient(row, 0));
        let item = rate(format!("{words}, L1 of the quotient of the best fit"), &slopes, 0.5);
        let statement = item.statement().to_string();
        findings.push(Finding::judged(
            format!("slope of the quotient's loss, {name}"),
            statement,
            &[item],
            &controls[..1],
            json!({}),
        ));
        tables.push(series.table(
            name,
            &[
                ("largest L1τ", &|row| row.largest),
                ("L1τ of the best", &|row| row.best.loss),
                ("L1 of the quotient", &|row| row.quotient.map_or(f64::NAN, |quotient| quotient[0])),
                ("error", &|row| row.best.error),
            ],
        ));
        linear = Some(series);
        figures.push(Figure::new(
            name,
            format!("{name} experts, linear router: losses and regression error against n"),
            name,
            "n",
            ["largest L1τ median", "L1 of the quotient median", "error median"],
            [Scale::Log; 2],
        ));
    }
    tables.push(twin.table(
        "sigmoid-router",
        &[
            ("largest L1τ", &|row| row.largest),
            ("on the family", &|row| row.on_family as f64),
            ("error", &|row| row.best.error),
        ],
    ));
    if let Some(linear) = &linear {
        tables.push(side_by_side("linear-against-sigmoid", &[("linear router", linear), ("sigmoid router", &twin)]));
        let series = [
            "linear router: largest loss",
            "sigmoid router: largest loss",
            "linear router: error",
            "sigmoid router: error",
        ];
        figures.push(Figure::new(
            "linear-against-sigmoid",
            "GELU experts, linear against sigmoid router: largest L1τ and regression error against n",
            "linear-against-sigmoid",
            "n",
            series,
            [Scale::Log; 2],
        ));
    }
    tables.push(constants);
    Ok(Findings { evidence, controls, findings, tables, figures })
}

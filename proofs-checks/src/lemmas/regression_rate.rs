//! `regression-rate`: the regression function is estimated at `n^{−1/2}`, whatever the expert.
//!
//! # The claim
//!
//! `‖f_Ĝ − f_G*‖_{L²(μ)} = O_P((log n/n)^{1/2})` for least squares over mixtures with at least as many atoms as the truth, whether or not the parameters can be told from the function (theory B3). So sigmoid, tanh, GELU and linear experts, with the true number of atoms and with one more.
//!
//! # The setting
//!
//! Theory B5's truth on [−3, 3]. The claim is about the function alone, and its local constant is 1: `E‖f_Ĝ − f_G*‖² ≈ σ²p/n`, `p ≤ 10`, from `n` of some tens of `p` on; at noise .01 that is .002 at the least `n` against an `f` of order one. The error of a misspecified class is of order .1 or more and does not fall.
//!
//! # Region, power
//!
//! `ρ = ½ ± ⅛` ([`crate::fits`]). The sampling factor `1 + O(p/n)` of the error lowers the slope by less than `p/2n` at the first `n`, .05, over 3.5 units of `log n`: .015. The logarithm of `χ_p` has deviation `(2p)^{−1/2}`, .27 at p = 7, so the slope of one replicate over `log 32 = 3.5` units has .27·√2/3.5 ≈ .11, and the mean of 48
//! has .016: the interval (half-width 2.7·.016) leaves the region with probability below `10⁻⁴` (4·.016) as long as the bias is below .018.
//!
//! # Twins
//!
//! Linear experts fitted to data of tanh experts: the error tends to the distance of the class. And the same errors as evidence of `n^{−1/4}`.

use moe_kernels::Activation;
use moe_theory::softmax::Cubature;
use serde_json::json;

use crate::fits::{Fitted, slopes};
use crate::{
    CheckError, Column, Control, Evidence, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale, Table,
};

use super::plain_gate::{
    DIMENSION, HALF_WIDTH, TRUTH, lack_of_fit, quartiles, rate, sizes, sweep, truth_table, varied_problem,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "regression-rate",
    paper: "2503.03213",
    claim: "Least squares estimates the regression function at n^(-1/2) up to logarithms, with each of the run's experts (GELU and linear; from standard effort on sigmoid and tanh, too), with the true number of atoms and with one more.",
    scope: "Softmax gate, x ~ U[-3, 3], Gaussian noise, the truth (ω, β, a, b) = (2, .3, 3, -.5), (0, 0, -2, 1), or in its place the drawn one that `truth` and `dimension` name; the first `experts` of GELU, linear, sigmoid, tanh; k = k* and k = k* + 1; parameters in a box; \
            the least of the local minima reached from the truth's neighbourhood; L² error, mean slope within ⅛ of -½.",
    ledger: Label::Supported,
    typical_seconds: 30.0,
    parameters: &[
        Parameter::integer("replicates", "samples at each size", "", [8, 10_000], [48, 80, 400]),
        Parameter::integer("from", "least sample size", "", [30, 1_000_000], [100, 1000, 1000]),
        Parameter::integer("to", "largest sample size", "", [100, 10_000_000], [3200, 32_000, 1_000_000]).above("from"),
        Parameter::integer("sizes", "sample sizes on a geometric grid", "", [3, 30], [3, 4, 7]),
        Parameter::integer("experts", "how many of GELU, linear, sigmoid, tanh", "", [1, 4], [2, 4, 4]),
        DIMENSION,
        TRUTH,
        Parameter::real("noise", "standard deviation of the noise", "", [1e-6, 10.0], [0.01, 0.01, 0.01]),
        HALF_WIDTH,
    ],
    check,
};

fn name(activation: Activation) -> &'static str {
    match activation {
        Activation::Sigmoid => "sigmoid",
        Activation::Tanh => "tanh",
        Activation::Gelu => "GELU",
        Activation::Relu => "ReLU",
        _ => "linear",
    }
}

/// The item, undecided where most fits at the least `n` are at the box: their error is the box's.
fn inside(rows: &[Vec<Fitted>], item: Evidence) -> Evidence {
    let bounded = rows.iter().filter_map(|fits| fits.first()).filter(|fit| fit.bounded).count();
    if 2 * bounded <= rows.len() {
        return item;
    }
    item.withheld(format!("at the least n {bounded} of {} fits are at the box, which bounds their errors", rows.len()))
}

/// The slopes of the error of each replicate.
fn errors(rows: &[Vec<Fitted>]) -> Vec<f64> {
    slopes(rows, |fit| Some(fit.error))
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let (sizes, replicates) = (sizes(run), run.integer("replicates") as usize);
    let rule = Cubature::new(&varied_problem(run, Activation::Tanh, 2).inputs).map_err(CheckError::theory)?;
    let heads = [
        "experts",
        "atoms",
        "n",
        "error lower",
        "error",
        "error upper",
        "√n·error/noise",
        "L1",
        "converged",
        "at the box",
    ];
    let mut table = Table::new("errors", heads.map(|head| Column::new(head, "")));
    let mut figure = Table::new("error-against-n", ["n"].map(|head| Column::new(head, "")));
    figure.rows = sizes.iter().map(|n| vec![(*n).into()]).collect();
    let mut fitted = |truth: Activation, class: Activation, atoms: usize| {
        let mut setting = varied_problem(run, truth, atoms);
        setting.class.activation = class;
        let words = if truth == class { name(class).into() } else { format!("{} for {}", name(class), name(truth)) };
        let sweep_name = format!("{}-{}-{atoms}", name(truth), name(class)).to_lowercase();
        let rows =
            sweep(run, &sweep_name, replicates, &sizes, |n, replicate| setting.estimate(run, &rule, n, replicate))?;
        figure.columns.push(Column::new(format!("{words}, k = {atoms}"), ""));
        for (k, n) in sizes.iter().enumerate() {
            let of = |value: fn(&Fitted) -> f64| rows.iter().map(|fits| value(&fits[k])).collect::<Vec<_>>();
            let share = |holds: fn(&Fitted) -> bool| {
                rows.iter().filter(|fits| holds(&fits[k])).count() as f64 / rows.len() as f64
            };
            let error = quartiles(&of(|fit| fit.error));
            figure.rows[k].push(error[1].into());
            table.push([
                words.clone().into(),
                atoms.into(),
                (*n).into(),
                error[0].into(),
                error[1].into(),
                error[2].into(),
                (error[1] * (*n as f64).sqrt() / run.real("noise")).into(),
                quartiles(&of(|fit| fit.loss))[1].into(),
                share(|fit| fit.converged).into(),
                share(|fit| fit.bounded).into(),
            ]);
        }
        Ok::<_, CheckError>(rows)
    };
    let words = |activation, atoms: usize| {
        format!(
            "{} experts, {atoms} atoms for 2: slope of log ‖f_Ĝ − f_G*‖ over log n, mean over replicates",
            name(activation)
        )
    };
    let (mut evidence, mut all) = (Vec::new(), Vec::new());
    let experts = [Activation::Gelu, Activation::Linear, Activation::Sigmoid, Activation::Tanh];
    for activation in experts.into_iter().take(run.integer("experts") as usize) {
        for atoms in [2, 3] {
            let found = fitted(activation, activation, atoms)?;
            let item = inside(&found, rate(words(activation, atoms), &errors(&found), 0.5));
            evidence.extend(varied_problem(run, activation, atoms).determined(sizes[0], vec![item]));
            all.push(found);
        }
    }
    let controls = vec![
        Control::new(
            "linear experts do not contain tanh experts: their error does not fall",
            rate(
                "linear experts on data of tanh experts, 2 atoms: slope of the error",
                &errors(&fitted(Activation::Tanh, Activation::Linear, 2)?),
                0.5,
            ),
        ),
        Control::new(
            "the same errors are rejected as evidence of n^(-1/4)",
            rate("GELU experts, 3 atoms, as the rate ¼", &errors(&all[1]), 0.25),
        ),
    ];
    let fits = fitted(Activation::Relu, Activation::Relu, 2)?;
    let statement =
        format!("{}; the objective has kinks, on which Newton's method may stop", words(Activation::Relu, 2));
    let item = inside(&fits, rate(&statement, &errors(&fits), 0.5));
    let enough = varied_problem(run, Activation::Relu, 2).determined(sizes[0], vec![item]);
    let kinked = Finding::judged("ReLU experts", &statement, &enough, &controls[..1], json!({}));
    let findings = vec![kinked, lack_of_fit("GELU experts, 3 atoms, error", &all[1], |fit| fit.error)];
    let series: Vec<String> = figure.columns[1..].iter().map(|column| column.name.clone()).collect();
    let figures = vec![Figure::new(
        "error-against-n",
        "regression error against sample size (medians)",
        "error-against-n",
        "n",
        series,
        [Scale::Log; 2],
    )];
    Ok(Findings {
        evidence,
        controls,
        findings,
        tables: vec![truth_table(&varied_problem(run, Activation::Gelu, 2).truth), table, figure],
        figures,
    })
}

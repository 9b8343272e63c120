//! `linear-expert-slowdown`: with linear experts one atom too many has no polynomial rate.
//!
//! # The claim
//!
//! Theory B3: for linear experts the rates of `L2r` are slower than `n^{−1/(2r)}` for every `r`. It is so in a stronger form (theory B5, proved in `flat-families`): along `b* ± t` and `a* ± t`, halves of one atom, the function does not change, and least squares does not come nearer to the truth at all.
//!
//! *The paper's sequence.* Weights `½e^{β*} + ½m^{−(r+1)}`, offsets `b* ± 1/m`, everything else as in the truth. Exactly, with `Ψ_1` and `D` of B4,
//!
//! ```text
//! f_G − f_G* = q Ψ_1/D_G,      D_G = D_* + q e^{ω_1x},      q = m^{−(r+1)},
//! L2r = q/(w_1 + q) + w_1 m^{−r},      w_1 = e^{β*_1} > w_2 = 1,
//! m ‖f_G − f_G*‖/L2r = ‖Ψ_1/D_G‖/(w_1 + 1/(m(w_1 + q))) → ‖Ψ_1/D_*‖/w_1
//! ```
//!
//! (`L2r` is least over translations of the gate: with all weights times `w_1/(w_1 + q)` the first cell has its weight and the second lacks `q/(w_1 + q)`, less than the `q` that the first has too much otherwise) in `L²(μ)` and in the supremum alike: `1/m` for every `r`, so no bound of `L2r` by the error.
//!
//! # What is judged
//!
//! - The largest `L1` over the likelihood-ratio region (see `minimisers`): what a sample cannot tell from the least-squares fit, of which fits from starts near the truth and points of both families through the fit of the true class are looked at. Its slope over `log n` is to be that of the rate 0, within ⅛: a rate `n^{−1/(2r)}` with r < 4 is excluded by the data, every other by the family itself.
//! - `m·‖f_G − f_G*‖/L2r` at m = 64 over its formula (both norms, r = 1, 2, 4). The weights are rounded to 10⁻¹⁶ of themselves, and their difference is m^{−5} ≥ 9·10⁻¹⁰, so the two agree within some 10⁻⁶: 10⁻⁵ is allowed. And the slope of the ratio between m = 32 and 64, which by the formula is −1 + 1/(m w_1²) up to the order of
//!   `m^{−2}`, −.99 at m = 45: −1 ± 1/20.
//!
//! *Power.* The points of the families are members for every sample (their function is that of the fit), so the slope of linear experts hardly scatters. That of GELU experts has deviation .35 over log 32 at most (`L1` of one direction): with 24 samples, at −½, it is rejected as 0 unless it is off by two and a half standard errors of .07.
//!
//! # Twins
//!
//! GELU experts: the same points are no members, the largest `L1` of the region falls, and is rejected as the rate 0; on the paper's sequence the function moves by `m^{−2}`, so that the ratio does not fall for r = 2 and rises for r = 4.
//!
//! # Starts near the truth
//!
//! The usual recipe takes one fit from a start near the truth, where it stays. Its median slope says nothing: it depends on how far the noise moves a fit along the family from where it started, and a finding reports it at the noise .05 of theory B5, with a verdict of its own: whether it is in the regions of the rates ¼ and ½, −⅝ to −⅛. The table sets linear beside GELU experts, error and losses against n.

use moe_kernels::Activation;
use moe_theory::softmax::{Cubature, MixingMeasure, Noise, Power, voronoi};
use serde_json::json;

use crate::fits::{Fitted, Problem, slopes};
use crate::{
    CheckError, Column, Control, Evidence, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale, Table,
    statistics,
};

use super::minimisers::{Family, Measured, Members, Series};
use super::plain_gate::{HALF_WIDTH, LEVEL, halves, linear_families, problem, quartiles, sizes, sweep, table};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "linear-expert-slowdown",
    paper: "2503.03213",
    claim: "With linear experts and an atom too many the largest Voronoi loss over what a sample cannot tell from the least-squares fit does not fall with n, while with GELU experts it does; the paper's sequence has ‖f_G - f_G*‖/L2r ~ 1/n for r = 1, 2, 4.",
    scope: "Softmax gate, x ~ U[-3, 3], Gaussian noise, the truth (ω, β, a, b) = (2, .3, 3, -.5), (0, 0, -2, 1), k* = 2, k = 3; parameters in a box; the largest loss over the likelihood-ratio region of each sample, points b ± t and a ± t of the families among its members; \
            mean slope of L1 within ⅛ of 0. For r = 1 the ratio of the sequence is ~ 1/n for every expert, GELU too (table `sequence`); what sets linear ones apart is r = 2 and 4.",
    ledger: Label::Supported,
    typical_seconds: 40.0,
    parameters: &[
        Parameter::integer("replicates", "samples at each size", "", [4, 10_000], [24, 40, 200]),
        Parameter::integer(
            "near-replicates",
            "samples at each size for the starts near the truth",
            "",
            [8, 10_000],
            [10, 100, 400],
        ),
        Parameter::integer("from", "least sample size", "", [100, 1_000_000], [250, 1000, 1000]),
        Parameter::integer("to", "largest sample size", "", [200, 10_000_000], [8000, 32_000, 128_000]).above("from"),
        Parameter::integer("sizes", "sample sizes on a geometric grid", "", [3, 30], [3, 4, 5]),
        Parameter::real("reach", "t of the points of the families", "", [0.01, 50.0], [3.5, 3.5, 3.5]),
        Parameter::real(
            "near-noise",
            "standard deviation of the noise for the starts near the truth",
            "",
            [1e-6, 10.0],
            [0.05, 0.05, 0.05],
        ),
        Parameter::real("noise", "standard deviation of the noise", "", [1e-6, 10.0], [0.001, 0.001, 0.001]),
        HALF_WIDTH,
    ],
    check,
};

/// The powers `r`.
const POWERS: [i32; 3] = [1, 2, 4];
/// The `m` of the paper's sequence.
const STEPS: [u32; 4] = [8, 16, 32, 64];

const COLUMNS: [Measured<'static>; 4] = [
    ("largest L1", &|row| row.largest),
    ("L1 of the best", &|row| row.best.loss),
    ("error", &|row| row.best.error),
    ("members of the families", &|row| row.on_family as f64),
];

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let sizes = sizes(run);
    let near_replicates = run.integer("near-replicates") as usize;
    let settings = [("linear", Activation::Linear), ("gelu", Activation::Gelu)]
        .map(|(name, activation)| (name, problem(run, activation, 3)));
    let rule = Cubature::new(&settings[0].1.inputs).map_err(CheckError::theory)?;
    let reach = run.real("reach");
    let mut tables = Vec::new();
    let (mut largest, mut near) = (Vec::new(), Vec::new());
    for (name, problem) in &settings {
        let through = |measure: &MixingMeasure| linear_families(measure, reach);
        let family = Family { problem, through: &through };
        let region = family.series(run, &format!("{name}-region"), &rule, run.integer("replicates"))?;
        let usual = Problem { noise: Noise::Gaussian { deviation: run.real("near-noise") }, ..problem.clone() };
        let naive = sweep(run, &format!("{name}-near"), near_replicates, &sizes, |n, replicate| {
            usual.estimate(run, &rule, n, replicate)
        })?;
        tables.push(region.table(&format!("{name}-region"), &COLUMNS));
        tables.push(table(&format!("{name}-near"), &naive));
        largest.push(region);
        near.push(naive);
    }
    let losses = |rows: &[Vec<Fitted>]| slopes(rows, |fit| Some(fit.loss));
    let mut evidence = vec![largest[0].constant("linear experts, largest L1 of the region")];
    let sequences = settings.each_ref().map(|(name, problem)| Sequence { name, problem, rule: &rule });
    for r in POWERS {
        evidence.extend(sequences[0].evidence(r)?);
    }
    let mut controls = vec![Control::new(
        "the largest L1 of GELU experts is rejected as the rate 0",
        largest[1].constant("GELU experts, largest L1 of the region"),
    )];
    for r in [2, 4] {
        controls.push(Control::new(
            format!("GELU experts on the paper's sequence, r = {r}: the ratio is not ~ 1/m"),
            sequences[1].slope(r)?,
        ));
    }
    tables.push(summary(&sizes, &near, &largest));
    tables.push(ratios(&sequences)?);

    let naive = losses(&near[0]);
    let statement = "linear experts, starts near the truth: the median slope of L1 over log n looks like a rate, that of n^(-1/4) or of n^(-1/2), where there is none";
    let looks =
        |slopes: &[f64]| Evidence::estimate(statement, LEVEL, statistics::median(slopes, LEVEL), [-0.625, -0.125]);
    let spread = largest[0].slopes(|row| row.largest);
    let twin = Control::new("the largest L1 of the region does not look like one", looks(&spread));
    let middle = |slopes: &[f64]| quartiles(slopes)[1];
    let witness = json!({ "median slope near": middle(&naive), "median slope of the largest": middle(&spread) });
    let findings =
        vec![Finding::judged("a rate from starts near the truth", statement, &[looks(&naive)], &[twin], witness)];
    let series =
        ["linear: largest L1", "linear: L1 near", "GELU: largest L1", "GELU: L1 near", "linear: error", "GELU: error"];
    let figures = vec![
        Figure::new(
            "linear-against-gelu",
            "linear against GELU experts, 3 atoms for 2: largest losses of the region, regression errors, and losses from starts near the truth at the larger noise, against sample size (medians)",
            "linear-against-gelu",
            "n",
            series,
            [Scale::Log; 2],
        ),
        Figure::new(
            "sequence",
            "error over L2r on the paper's sequence",
            "sequence",
            "m",
            ["linear, r = 1", "linear, r = 2", "linear, r = 4", "GELU, r = 2"],
            [Scale::Log; 2],
        ),
    ];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// The paper's sequence for one kind of experts.
struct Sequence<'a> {
    name: &'static str,
    problem: &'a Problem,
    rule: &'a Cubature,
}

impl Sequence<'_> {
    fn measure(&self, r: i32, m: u32) -> MixingMeasure {
        let m = f64::from(m);
        let mut measure = halves(&self.problem.truth, &[0], 1.0 / m, |atom, t| atom.b += t);
        for atom in &mut measure.groups[0].atoms[..2] {
            atom.beta = (atom.beta.exp() + 0.5 * m.powi(-r - 1)).ln();
        }
        measure
    }

    /// `‖f_G − f_G*‖/L2r` in `L²(μ)` and in the supremum over the nodes.
    fn ratios(&self, r: i32, m: u32) -> Result<[f64; 2], CheckError> {
        let measure = self.measure(r, m);
        let loss = voronoi(&self.problem.class, &measure, &self.problem.truth, Power::L2(f64::from(r)))
            .map_err(CheckError::theory)?
            .loss;
        let fitted = |x: &[f64]| measure.value(&self.problem.class, x);
        let truth = |x: &[f64]| self.problem.truth.value(&self.problem.truth_class, x);
        Ok([self.rule.distance(fitted, truth) / loss, self.rule.largest(fitted, truth) / loss])
    }

    /// The formula of the module's documentation, for linear experts.
    fn formula(&self, r: i32, m: u32) -> [f64; 2] {
        let (m, truth) = (f64::from(m), &self.problem.truth);
        let atoms: Vec<_> = truth.atoms().collect();
        let more = m.powi(-r - 1);
        let moved = |x: &[f64]| {
            let gate = (atoms[0].omega[0] * x[0]).exp();
            let total: f64 = atoms.iter().map(|atom| (atom.omega[0] * x[0] + atom.beta).exp()).sum();
            let expert = atoms[0].a[0] * x[0] + atoms[0].b;
            gate * (expert - truth.value(&self.problem.truth_class, x)) / (total + more * gate)
        };
        let first = atoms[0].beta.exp();
        let weight = first + 1.0 / (m * (first + more));
        [self.rule.distance(moved, |_| 0.0), self.rule.largest(moved, |_| 0.0)].map(|norm| norm / (m * weight))
    }

    /// The slope of the ratio in `log m` at the end of the sequence.
    fn slope(&self, r: i32) -> Result<Evidence, CheckError> {
        let [.., before, last] = STEPS;
        let slope = (self.ratios(r, last)?[0] / self.ratios(r, before)?[0]).ln() / f64::from(last / before).ln();
        let statement = format!(
            "{} experts, r = {r}: slope of log(‖f_G - f_G*‖/L2r) over log m, L², from m = {before} to {last}",
            self.name
        );
        // Rounding of the ratios: 10⁻⁵ of each.
        Ok(Evidence::comparison(statement, [slope - 4e-5, slope + 4e-5], [-1.05, -0.95]))
    }

    fn evidence(&self, r: i32) -> Result<Vec<Evidence>, CheckError> {
        let last = STEPS[STEPS.len() - 1];
        let (measured, formula) = (self.ratios(r, last)?, self.formula(r, last));
        let agree = (0..2).map(|norm| {
            let relative = measured[norm] / formula[norm];
            let statement =
                format!("r = {r}, m = {last}: ‖f_G - f_G*‖/L2r over its formula, {}", ["L²", "supremum"][norm]);
            Evidence::comparison(statement, [relative, relative], [1.0 - 1e-5, 1.0 + 1e-5])
        });
        Ok(std::iter::once(self.slope(r)?).chain(agree).collect())
    }
}

fn ratios(sequences: &[Sequence<'_>; 2]) -> Result<Table, CheckError> {
    let [linear, gelu] = sequences;
    let heads = [
        "linear, r = 1",
        "linear, r = 2",
        "linear, r = 4",
        "linear, r = 4, supremum",
        "GELU, r = 1",
        "GELU, r = 2",
        "GELU, r = 4",
    ];
    let mut table = Table::new("sequence", std::iter::once("m").chain(heads).map(|head| Column::new(head, "")));
    for m in STEPS {
        table.push([
            m.into(),
            linear.ratios(1, m)?[0].into(),
            linear.ratios(2, m)?[0].into(),
            linear.ratios(4, m)?[0].into(),
            linear.ratios(4, m)?[1].into(),
            gelu.ratios(1, m)?[0].into(),
            gelu.ratios(2, m)?[0].into(),
            gelu.ratios(4, m)?[0].into(),
        ]);
    }
    Ok(table)
}

/// Linear against GELU experts: medians at each sample size.
fn summary(sizes: &[usize], near: &[Vec<Vec<Fitted>>], largest: &[Series]) -> Table {
    let heads = [
        "n",
        "linear: largest L1",
        "linear: L1 near",
        "linear: error",
        "GELU: largest L1",
        "GELU: L1 near",
        "GELU: error",
    ];
    let mut table = Table::new("linear-against-gelu", heads.map(|head| Column::new(head, "")));
    for (k, n) in sizes.iter().enumerate() {
        let losses = (0..2).flat_map(|i| {
            let region = |value: fn(&Members) -> f64| {
                quartiles(&largest[i].rows.iter().map(|row| value(&row[k])).collect::<Vec<_>>())[1]
            };
            let naive = quartiles(&near[i].iter().map(|fits| fits[k].loss).collect::<Vec<_>>())[1];
            [region(|row| row.largest), naive, region(|row| row.best.error)]
        });
        table.push(std::iter::once((*n).into()).chain(losses.map(Into::into)));
    }
    table
}

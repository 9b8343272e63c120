//! `hierarchical-slowdown`: two levels of gates do not help linear experts, and a group with all leaves doubled is flat for every expert.
//!
//! # The claim
//!
//! Groups `a` with outer gates `(α_a, β_a)` have leaves `(ω_ab, ν_ab, η_ab)` (theory X4). With linear experts `f_G = f_{G*}` along curves at either level. *Inner*: a leaf split into two with half its weight and intercepts `b ± t`: the group's numerator does not change. *Outer*: a group split into two clones with half its weight and, in one leaf, intercepts `b ± t`: `H_a ± t·softmax` average out. So least squares does not converge along them.
//!
//! *For every expert* a group is flat once all of its leaves are doubled: slopes `ω_b ± c`, half weights; numerator and denominator of the group gain `cosh(cx)`. Other groups may be exact.
//!
//! # What is measured
//!
//! Along each curve `‖f_G − f_{G*}‖` is rounding. The largest `L1H` over the likelihood-ratio region of each sample (see `minimisers`), among whose members are the points of the curve through the fit of the true class, has a constant rate: the slope of its logarithm over `log n`, with the region of `fits`, ±⅛: what is nearer to 0 than to ¼. It hardly scatters, so that four replicates do. The control's slopes have deviation .3 about −½: with 36 replicates its interval stays below −⅛ but for one run in `10⁴`, as `.5 − (2.7 + 3.7)·.3/√36 = .18`.
//!
//! *Rounding.* `|f|` is below 10 on `[−3, 3]`, each value has a few dozen operations, and a quotient of sums that cancel nothing: [`ROUNDING`] is a hundred units in the last place of 10.
//!
//! # Controls
//!
//! The same for GELU leaves, one leaf of a group split in `b`: the function changes, the points of the curve fall outside of the region, and the largest `L1H` shrinks with the rate ½ (`hierarchical-rates`), by 4 over the grid.

use moe_kernels::Activation;
use moe_theory::softmax::{Cubature, Inputs, MixingMeasure};
use serde_json::json;

use super::minimisers::{Family, Series, hierarchical_problem, side_by_side};
use super::plain_gate::truth_table;
use crate::fits::Problem;
use crate::{CheckError, Control, Evidence, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "hierarchical-slowdown",
    paper: "2503.03213",
    claim: "With linear experts at the leaves of a two-level gate least squares does not converge, whichever level is over-specified: there are flat curves, and the largest L1H over what a sample cannot tell from the fit does not shrink with n.",
    scope: "Groups of two leaves and of one, one leaf or one group more than there are, the truth of hierarchical-rates, scalar x uniform on [−3, 3], Gaussian noise, parameters in a box; the largest loss over the likelihood-ratio region, on the curves b ± t, t = 1, 2, 3.5.",
    ledger: Label::Supported,
    typical_seconds: 35.0,
    parameters: &[
        Parameter::integer("replicates", "independent samples of each size", "", [4, 10_000], [4, 8, 40]),
        Parameter::integer("twin-replicates", "those of the control", "", [8, 10_000], [36, 40, 200]),
        Parameter::integer("sizes", "sample sizes on the grid", "", [3, 20], [3, 3, 5]),
        Parameter::integer("from", "least sample size", "", [200, 10_000_000], [250, 1000, 1000]),
        Parameter::integer("to", "largest sample size", "", [400, 10_000_000], [4000, 16_000, 64_000]).above("from"),
        Parameter::real("noise", "deviation of the noise", "", [1e-6, 1.0], [1e-5; 3]),
        Parameter::real("half-width", "half-width of the box around the true parameters", "", [1.0, 20.0], [4.0; 3]),
    ],
    check,
};

/// A hundred units in the last place of 10.
const ROUNDING: f64 = 100.0 * 10.0 * f64::EPSILON;
/// Distances along the curves; the box ends at 4 for `b` and, two halves being `2c` apart, at 3.7 for `ω`.
const DISTANCES: [f64; 3] = [1.0, 2.0, 3.5];

/// The first leaf of the first group split, `b ± t`.
pub(super) fn split_leaf(truth: &MixingMeasure, t: f64) -> MixingMeasure {
    let mut split = truth.clone();
    let atoms = &mut split.groups[0].atoms;
    atoms[0].beta -= std::f64::consts::LN_2;
    atoms.insert(1, atoms[0].clone());
    atoms[0].b += t;
    atoms[1].b -= t;
    split
}

/// The first group split, `b ± t` in its first leaf.
fn split_group(truth: &MixingMeasure, t: f64) -> MixingMeasure {
    let mut split = truth.clone();
    split.groups[0].beta -= std::f64::consts::LN_2;
    split.groups.insert(1, split.groups[0].clone());
    split.groups[0].atoms[0].b += t;
    split.groups[1].atoms[0].b -= t;
    split
}

/// All leaves of the first group split, `ω ± c`.
pub(super) fn doubled(truth: &MixingMeasure, c: f64) -> MixingMeasure {
    let mut split = truth.clone();
    let group = &mut split.groups[0];
    let halves = group.atoms.iter().flat_map(|atom| {
        [c, -c].map(|c| {
            let mut half = atom.clone();
            half.beta -= std::f64::consts::LN_2;
            half.omega[0] += c;
            half
        })
    });
    group.atoms = halves.collect();
    split
}

/// A class to fit and a curve of its measures through any measure of the true class.
struct Curve {
    name: &'static str,
    words: &'static str,
    problem: Problem,
    at: fn(&MixingMeasure, f64) -> MixingMeasure,
}

impl Curve {
    fn new(
        run: &Run<'_>,
        (name, words): (&'static str, &'static str),
        activation: Activation,
        sizes: &[usize],
        at: fn(&MixingMeasure, f64) -> MixingMeasure,
    ) -> Self {
        let problem = hierarchical_problem(activation, sizes, run.real("noise"), run.real("half-width"));
        Self { name, words, problem, at }
    }

    /// The function does not change.
    fn flat(&self, rule: &Cubature) -> Evidence {
        let (class, truth) = (&self.problem.class, &self.problem.truth);
        let distance = |t: f64| {
            let measure = (self.at)(truth, t);
            rule.distance(|x| measure.value(class, x), |x| truth.value(&self.problem.truth_class, x))
        };
        let largest = DISTANCES.iter().map(|t| distance(*t)).fold(0.0, f64::max);
        let statement = format!("{}: ‖f_G − f_G*‖ at t = 1, 2, 3.5 is rounding", self.words);
        let interval = [(largest - ROUNDING).max(0.0), largest + ROUNDING];
        Evidence::comparison(statement, interval, [0.0, 2.0 * ROUNDING])
    }

    fn series(&self, run: &Run<'_>, rule: &Cubature, replicates: &str) -> Result<Series, CheckError> {
        let through = |measure: &MixingMeasure| DISTANCES.map(|t| (self.at)(measure, t)).to_vec();
        Family { problem: &self.problem, through: &through }.series(run, self.name, rule, run.integer(replicates))
    }

    fn constant(&self, series: &Series) -> Evidence {
        series.constant(format!("{}, largest L1H of the region", self.words))
    }
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let rule = Cubature::new(&Inputs::Uniform { low: vec![-3.0], high: vec![3.0] }).map_err(CheckError::theory)?;
    let inner = ("inner-linear", "linear leaves, one leaf more, b ± t");
    let outer = ("outer-linear", "linear leaves, one group more, b ± t in a leaf");
    let twin = ("inner-gelu", "GELU leaves, one leaf more, b ± t");
    let both = ("doubled-gelu", "GELU leaves, all leaves of one group doubled, ω ± t");
    let inner = Curve::new(run, inner, Activation::Linear, &[3, 1], split_leaf);
    let outer = Curve::new(run, outer, Activation::Linear, &[2, 2, 1], split_group);
    let twin = Curve::new(run, twin, Activation::Gelu, &[3, 1], split_leaf);
    let both = Curve::new(run, both, Activation::Gelu, &[4, 1], doubled);
    let (mut tables, mut figures) = (vec![truth_table(&inner.problem.truth)], Vec::new());
    let (mut items, mut all) = (Vec::new(), Vec::new());
    for (curve, replicates) in
        [(&inner, "replicates"), (&outer, "replicates"), (&twin, "twin-replicates"), (&both, "replicates")]
    {
        let series = curve.series(run, &rule, replicates)?;
        items.push([curve.flat(&rule), curve.constant(&series)]);
        tables.push(series.table(
            curve.name,
            &[
                ("largest L1H", &|row| row.largest),
                ("L1H of the best", &|row| row.best.loss),
                ("error", &|row| row.best.error),
                ("on the curve", &|row| row.on_family as f64),
            ],
        ));
        figures.push(Figure::new(
            curve.name,
            format!("{}: largest and least-squares L1H and regression error against n", curve.words),
            curve.name,
            "n",
            ["largest L1H median", "L1H of the best median", "error median"],
            [Scale::Log; 2],
        ));
        all.push((curve.name, series));
    }
    let beside: Vec<(&str, &Series)> = all.iter().map(|(name, series)| (*name, series)).collect();
    tables.push(side_by_side("two-levels", &beside));
    let [linear, groups, gelu, doubled] = <[[Evidence; 2]; 4]>::try_from(items).expect("four curves");
    let controls: Vec<Control> = gelu.map(|item| Control::new(twin.words, item)).into();
    let findings = vec![Finding::judged(
        "a group with all leaves doubled is flat for every expert",
        "k_a ≥ 2k*_a in one group, the other exact: the common factor cosh(cx) of the group leaves f unchanged with GELU leaves too, and the largest L1H does not shrink. A rate needs an exact leaf in every group.",
        &doubled,
        &controls,
        json!({}),
    )];
    Ok(Findings { evidence: [linear, groups].concat(), controls, findings, tables, figures })
}

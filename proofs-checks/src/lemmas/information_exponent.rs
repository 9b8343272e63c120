//! `information-exponent`: how long the first alignment takes, for every Hermite order and for sums of orders.
//!
//! # The prediction
//!
//! With `κ_0 = c/√d` and `dκ/dt = c_p κ^{p−1}(1−κ²)`, `c_p = p·p!·A_0²` (theory A4), the time to overlap ½ is a closed form (`alignment_time` of the theory) whose leading terms are
//!
//! ```text
//! p = 1: O(1)    p = 2: ½ ln d    p ≥ 3: d^{(p−2)/2}/((p−2) c_p c^{p−2}):  √d, d, d^{3/2}, d²
//! ```
//!
//! For `h = Σ_p a_p He_p` with orders of one parity the components of different orders are uncorrelated, so rates add with weights `a_p²`, and where `κ` is small the lowest order present decides, however small its
//! coefficient: the crossover is where `a_p² c_p κ_0^p = c_q κ_0^q`. (With neighbouring orders `E[π² h²]` has a term linear in `v̄·w̄`; the start `v ⟂ w` is no longer stationary, and the lowest order need not decide: `neighbours`.)
//!
//! # Where the bounds come from
//!
//! Each exponent is a two-point slope per start, on paired starts, so that `c` cancels but for the corrections of the closed form. With `1 ≤ c ≤ 4` those are: order 3, `T ∝ √d/c − 1.45`, slope at most 0.5065 between `10⁴` and `10⁸`;
//! orders 4 and 5, relative `O(κ_0² ln κ_0)`, below 0.004 at `d ≥ 10⁴`; order 6, `2κ_0²` at `d ≥ 10³`, 0.014, beside which the other overlaps of a start change `T` by a relative `O(p²/(c√d))`, of either sign, hence ±0.1 there; order 1, `T = O(1) − 4κ_0`, below 0.01; the sums as chosen below at most 0.02. So `k ± 0.03` holds the law of one order and excludes that of its neighbours, ½ away. At order 2 the slope
//! is no constant; there `T(d_2) − T(d_1)` over `½ ln(d_2/d_1)` is 1 up to relative `O(κ_0 ln κ_0)`, and ±0.03 is again wide. `T` over the closed form is 1 up to corrections `O(κ_0)` from the other overlaps,
//! which are below 0.02 at the larger dimension of each grid: ±0.04. All intervals are at level 0.99 and, by the same corrections, narrower than a third of the regions.

mod neighbours;

use std::ops::Range;

use moe_kernels::{ExpertCoefficients, Router};
use moe_theory::soft_routed::{
    Flow, GeneralLoss, InitialLaw, Inputs, Method, Watch, alignment_rate, alignment_time_of_sum, single,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    CheckError, Column, Control, Evidence, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale, Table,
    statistics,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "information-exponent",
    paper: "2510.07205",
    claim: "With experts He_p the first student-teacher pair aligns at the closed-form time of its initial overlap: O(1), ½ ln d, and Θ(d^{(p-2)/2}) for p = 1, 2, 3 … 6; with experts Σ a_p He_p of orders of \
            one parity the lowest order present decides, however small its coefficient is.",
    scope: "Beyond the paper, which has p = 3: the sweep over orders is this project's. Population gradient flow, x ~ N(0, I_d), sigmoid routers, orthonormal teacher, v ⟂ w and orthogonal students at the start, raw norms 1, \
            largest initial overlap at least d^{-1/2}; one student and one teacher for sums and for p = 1 (where several students share a teacher); exponents between the two dimensions of each row of the table. Sums with neighbouring orders are outside: they tilt the expert towards its router at a rate free of d, and He_3 + a He_2 then aligns at λ in place of a², λ/a² = 0.005 at a = 0.3 (where overlaps decay) and 0.23 at a = 1.5 (findings).",
    ledger: Label::Supported,
    typical_seconds: 12.0,
    parameters: &[
        Parameter::integer("replicates", "independent starts, each used in every row", "", [12, 10_000], [12, 48, 400]),
        Parameter::integer("students", "number m of students of the pure orders p ≥ 2", "", [1, 6], [2, 3, 4]),
        Parameter::integer("teachers", "number m* of teachers of the pure orders p ≥ 2", "", [1, 3], [1, 2, 2]),
        Parameter::real("tolerance", "local tolerance of the flow", "", [1e-9, 1e-6], [1e-7, 1e-7, 1e-8]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Smallest `κ_0 √d` of a start.
const LEAST: f64 = 1.0;
/// Half-width of a region of exponents, and of ratios.
const EXPONENT: f64 = 0.03;
const RATIO: f64 = 0.04;
/// Overlap at which a pair is aligned.
const ALIGNED: f64 = 0.5;

/// Experts and two dimensions.
#[derive(Clone, Copy)]
struct Arm {
    name: &'static str,
    coefficients: ExpertCoefficients,
    dimensions: [f64; 2],
}

const ARMS: [Arm; 10] = [
    Arm { name: "He_1", coefficients: [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], dimensions: [1e6, 1e8] },
    Arm { name: "He_2", coefficients: [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], dimensions: [1e4, 1e8] },
    Arm { name: "He_3", coefficients: [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], dimensions: [1e4, 1e8] },
    Arm { name: "He_4", coefficients: [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], dimensions: [1e4, 1e6] },
    Arm { name: "He_5", coefficients: [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0], dimensions: [1e4, 1e5] },
    Arm { name: "He_6", coefficients: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], dimensions: [1e3, 1e4] },
    Arm { name: "He_3 + He_1/10", coefficients: [0.0, 0.1, 0.0, 1.0, 0.0, 0.0, 0.0], dimensions: [1e6, 1e8] },
    Arm { name: "He_4 + 0.3 He_2", coefficients: [0.0, 0.0, 0.3, 0.0, 1.0, 0.0, 0.0], dimensions: [1e6, 1e8] },
    Arm { name: "He_5 + 0.3 He_3", coefficients: [0.0, 0.0, 0.0, 0.3, 0.0, 1.0, 0.0], dimensions: [1e6, 1e8] },
    Arm { name: "He_6 + He_4", coefficients: [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0], dimensions: [1e5, 1e6] },
];
/// The pure orders, and the sums.
const PURE: Range<usize> = 0..6;
/// `He_4 + 0.3 He_2`, and `He_5 + 0.3 He_3`.
const EVEN: usize = 7;
const SMALL: usize = 8;

impl Arm {
    /// The lowest order present.
    fn lowest(&self) -> usize {
        (1..7).find(|p| self.coefficients[*p] != 0.0).unwrap_or(1)
    }

    fn highest(&self) -> usize {
        (1..7).rfind(|p| self.coefficients[*p] != 0.0).unwrap_or(1)
    }

    fn is_pure(&self) -> bool {
        self.lowest() == self.highest()
    }
}

/// Half-width of the region of exponents of an order.
fn margin(order: usize) -> f64 {
    if order < 6 { EXPONENT } else { 0.1 }
}

/// The exponent of the law of order `p ≠ 2`.
fn exponent_of(order: usize) -> f64 {
    (order.max(2) - 2) as f64 / 2.0
}

/// First alignments of one start at both dimensions.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pair {
    times: [Option<f64>; 2],
    /// The closed form for the largest initial overlap, and for its highest order alone.
    predicted: [f64; 2],
    highest: [f64; 2],
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let replicates = eligible(run)?;
    let rows = run.units("alignments", ARMS.len() * replicates.len(), |unit| {
        pair(run, &ARMS[unit / replicates.len()], replicates[unit % replicates.len()])
    })?;
    let arms: Vec<&[Pair]> = rows.chunks(replicates.len()).collect();
    let law = |arm: usize, order: usize, prefix: &str| {
        let name = ARMS[arm].name;
        if order == 2 {
            let coefficient = ARMS[arm].coefficients[ARMS[arm].lowest()].powi(2);
            let statement =
                format!("{prefix}{name}: growth of T between both dimensions over ½ ln(d₂/d₁)/a_p², mean over starts");
            let accept = [1.0 - EXPONENT, 1.0 + EXPONENT];
            return Evidence::estimate(statement, LEVEL, growth(&ARMS[arm], arms[arm], coefficient), accept);
        }
        let k = exponent_of(order);
        let statement = format!("{prefix}{name}: exponent of T in d, predicted {k}, mean over starts");
        Evidence::estimate(statement, LEVEL, slope(&ARMS[arm], arms[arm]), [k - margin(order), k + margin(order)])
    };
    let ratio = |arm: usize, against: &dyn Fn(&Pair) -> f64, statement: String| {
        let ratios: Option<Vec<f64>> = arms[arm].iter().map(|pair| Some(pair.times[1]? / against(pair))).collect();
        let median = ratios.and_then(|ratios| statistics::median(&ratios, LEVEL));
        Evidence::estimate(statement, LEVEL, median, [1.0 - RATIO, 1.0 + RATIO])
    };
    let closed = |arm: usize| {
        let statement = format!("{}: T over the closed form at the larger d, median over starts", ARMS[arm].name);
        ratio(arm, &|pair| pair.predicted[1], statement)
    };
    let mut evidence: Vec<Evidence> = (0..ARMS.len()).map(|arm| law(arm, ARMS[arm].lowest(), "")).collect();
    // At orders 1 and 2 the alignment takes a time in which the other overlaps move, too; from order 3 on the wait is all of it.
    evidence.extend((0..ARMS.len()).filter(|arm| ARMS[*arm].lowest() >= 3).map(closed));

    let mut controls: Vec<Control> = PURE
        .flat_map(|arm| [arm.checked_sub(1), Some(arm + 1)].map(|other| (arm, other)))
        .filter_map(|(arm, other)| Some((arm, other.filter(|other| PURE.contains(other))?)))
        .map(|(arm, other)| {
            let statement = format!("the law of {} is rejected for {}", ARMS[other].name, ARMS[arm].name);
            Control::new(statement, law(arm, other + 1, &format!("law of order {}: ", other + 1)))
        })
        .collect();
    controls.extend((PURE.end..ARMS.len()).map(|arm| {
        let statement = format!("the law of the highest order alone is rejected for {}", ARMS[arm].name);
        let item = format!("{}: T over the closed form of its highest order, median over starts", ARMS[arm].name);
        Control::new(statement, ratio(arm, &|pair| pair.highest[1], item))
    }));

    let crossover = 0.3_f64.powi(2) * alignment_rate(Router::Sigmoid, 3) / alignment_rate(Router::Sigmoid, 5);
    let tiny = [law(SMALL, 3, ""), closed(SMALL)];
    let rejected = [Control::new("the law of the higher order", law(SMALL, 5, "law of order 5: "))];
    let mut findings = vec![Finding::judged(
        "a small coefficient of a low order decides",
        "0.3 He_3 beside He_5: T ∝ √d at the rate 0.09·4.5 beyond the crossover κ0² = 0.09·4.5/150",
        &tiny,
        &rejected,
        json!({ "crossover_dimension": 1.0 / crossover }),
    )];
    let (tilted, tilts) = neighbours::findings(run, &replicates, (&ARMS[EVEN], arms[EVEN]))?;
    findings.extend(tilted);
    let figures = vec![
        Figure::new(
            "exponents",
            "exponent in d of the time to the first alignment, pure orders",
            "orders",
            "order",
            ["exponent"],
            [Scale::Linear; 2],
        )
        .with_laws(["closed form"]),
    ];
    Ok(Findings { evidence, controls, findings, tables: vec![table(&arms), orders(&arms), tilts], figures })
}

/// The first starts whose best overlap is in scope, for one student and one teacher as well. Draws are paired, so one dimension decides for all.
fn eligible(run: &Run<'_>) -> Result<Vec<u64>, CheckError> {
    run.replicates(run.integer("replicates") as usize, |replicate| {
        let in_scope = |arm: &Arm| {
            let start = law(run, arm, 1e10).sample(run.seed(), replicate).map_err(CheckError::theory)?;
            Ok::<_, CheckError>(start.order_parameters().best_pair().2 * 1e5 >= LEAST)
        };
        Ok(in_scope(&ARMS[2])? && in_scope(&ARMS[SMALL])?)
    })
}

fn law(run: &Run<'_>, arm: &Arm, dimension: f64) -> InitialLaw {
    let (students, teachers) = if arm.is_pure() && arm.highest() > 1 {
        (run.integer("students") as usize, run.integer("teachers") as usize)
    } else {
        (1, 1)
    };
    InitialLaw { student_overlap: 0.0, ..InitialLaw::new(arm.highest(), students, teachers, dimension as u64) }
}

fn pair(run: &Run<'_>, arm: &Arm, replicate: u64) -> Result<Pair, CheckError> {
    let mut pair = Pair { times: [None; 2], predicted: [0.0; 2], highest: [0.0; 2] };
    for (k, d) in arm.dimensions.into_iter().enumerate() {
        let start = law(run, arm, d).sample(run.seed(), replicate).map_err(CheckError::theory)?;
        let even = arm.lowest().is_multiple_of(2);
        let best = start.order_parameters().pairs().map(|p| if even { p.2.abs() } else { p.2 }).fold(0.0, f64::max);
        let time = |h| alignment_time_of_sum(Router::Sigmoid, h, best.min(0.9 * ALIGNED), ALIGNED);
        pair.predicted[k] = time(arm.coefficients);
        pair.highest[k] = time(single(arm.highest()));
        // The fastest relaxation, that of v̄·w̄, bounds an explicit step; beyond a thousand of them the implicit method is cheaper.
        let order = arm.highest();
        let stiffness = 0.5 * alignment_rate(Router::Sigmoid, order);
        let method = if pair.predicted[k] * stiffness < 300.0 { Method::Explicit } else { Method::Implicit };
        let general = GeneralLoss::new(&start, arm.coefficients, &Inputs::isotropic(start.coordinates()));
        let flow = Flow::new(&start).method(method).tolerance(run.real("tolerance"));
        let flow = if arm.is_pure() { flow } else { flow.under(&general) };
        let watch = if even { Watch::ExpertMagnitude(ALIGNED) } else { Watch::Expert(ALIGNED) };
        // None for a flow that reaches the horizon; one that breaks off says nothing.
        pair.times[k] = run.first_passage(flow, watch, 10.0 * pair.predicted[k])?.map(|event| event.time);
    }
    Ok(pair)
}

/// `ln(T_2/T_1)/ln(d_2/d_1)`, mean over starts; none where a start did not align.
fn slope(arm: &Arm, pairs: &[Pair]) -> Option<crate::Estimate> {
    let [low, high] = arm.dimensions;
    let of = |pair: &Pair| Some((pair.times[1]? / pair.times[0]?).ln() / (high / low).ln());
    statistics::mean(&pairs.iter().map(of).collect::<Option<Vec<f64>>>()?, LEVEL)
}

/// `(T_2 − T_1)/(½ ln(d_2/d_1)/a²)`, mean over starts.
fn growth(arm: &Arm, pairs: &[Pair], square: f64) -> Option<crate::Estimate> {
    let [low, high] = arm.dimensions;
    let of = |pair: &Pair| Some((pair.times[1]? - pair.times[0]?) * square / (0.5 * (high / low).ln()));
    statistics::mean(&pairs.iter().map(of).collect::<Option<Vec<f64>>>()?, LEVEL)
}

/// Exponents between the two dimensions of each pure order, measured and by the closed form from the same starts.
fn orders(arms: &[&[Pair]]) -> Table {
    let heads = ["order", "d₁", "d₂", "exponent", "lower", "upper", "closed form"];
    let mut table = Table::new("orders", heads.map(|head| Column::new(head, "")));
    for (arm, pairs) in ARMS.iter().zip(arms).take(PURE.end) {
        let [low, high] = arm.dimensions;
        let slope = slope(arm, pairs);
        let foretold = |pair: &Pair| (pair.predicted[1] / pair.predicted[0]).ln() / (high / low).ln();
        let foretold = statistics::mean(&pairs.iter().map(foretold).collect::<Vec<f64>>(), LEVEL);
        table.push([
            arm.lowest().into(),
            low.into(),
            high.into(),
            slope.map(|e| e.value).into(),
            slope.map(|e| e.interval[0]).into(),
            slope.map(|e| e.interval[1]).into(),
            foretold.map(|e| e.value).into(),
        ]);
    }
    table
}

fn table(arms: &[&[Pair]]) -> Table {
    let heads = [
        "experts",
        "lowest order",
        "law",
        "d₁",
        "d₂",
        "exponent",
        "lower",
        "upper",
        "T",
        "closed form",
        "T/closed form",
    ];
    let mut table = Table::new("laws", heads.map(|head| Column::new(head, "")));
    for (arm, pairs) in ARMS.iter().zip(arms) {
        let median = |of: &dyn Fn(&Pair) -> Option<f64>| {
            statistics::median(&pairs.iter().filter_map(of).collect::<Vec<f64>>(), LEVEL).map(|e| e.value)
        };
        let slope = slope(arm, pairs);
        let law = ["O(1)", "½ ln d", "√d", "d", "d^(3/2)", "d²"][arm.lowest() - 1];
        table.push([
            arm.name.into(),
            arm.lowest().into(),
            law.into(),
            arm.dimensions[0].into(),
            arm.dimensions[1].into(),
            slope.map(|e| e.value).into(),
            slope.map(|e| e.interval[0]).into(),
            slope.map(|e| e.interval[1]).into(),
            median(&|pair| pair.times[1]).into(),
            median(&|pair| Some(pair.predicted[1])).into(),
            median(&|pair| Some(pair.times[1]? / pair.predicted[1])).into(),
        ]);
    }
    table
}

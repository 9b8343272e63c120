//! `router-dependence`: what of all this depends on the sigmoid?
//!
//! # The prediction
//!
//! Router functions enter through `Φ_{k,l}` alone, and near the start through `A_0 = E π(Z)` and `A_1 = E π'(Z)`. For the Gaussian distribution function, whose
//! `A_0` is ½ as well, the laws of `phase-transition` and `guided-router` hold with its own `Φ`. The spectrum at the teacher is the same four expressions in `Φ` (`fine-tuning-rate`).
//!
//! For `tanh` `A_0 = 0`, the rate `18 A_0² κ²` vanishes, and the next order decides. With `κ = w̄·w*`, `β = v̄·v*`, `a = v̄·w*`, `b = w̄·v*` of one student and one teacher the pair expectation begins, by its sum over contractions
//! (theory A2, `Φ_00(β) = A_1²β + …`, `Φ_11(0) = A_1²`), with a quartic form, and the flow of its gradient is
//!
//! ```text
//! E f f* = 6A_1²(κ³β + 3κ²ab) + O(6),      κ' = 6A_1²(3κ²β + 6κab),   β' = 6A_1²κ³,   a' = 18A_1²κ²b,   b' = 18A_1²κ²a
//! ```
//!
//! All four start at `d^{−1/2}` and grow at rates `d^{−3/2}`: the first alignment takes a time `∝ d`, not `√d`, and expert and router align together (where the router stands then, and at which rates it moves: `together`). By oddness `(v, w) → (−v, −w)` changes nothing, so `|κ|` counts.
//!
//! The quartic law rests on all of `κ = 0`, and a pair whose other overlaps drive `κ` there never aligns: about a quarter of single pairs. With eight pairs a start has none that aligns in one of `10⁵` cases; with one pair, `--set students=1 teachers=1`, in a
//! quarter. Medians are over all starts: one that gives no number may lie on either side, and widens the interval by a rank at both ends.
//!
//! What comes after the first alignment is in `recovered` and `deflated`, and how `√d` turns into `d` as `A_0` goes from ½ to 0 in `shifted`.
//!
//! # What `A_0 ≠ 0` does not suffice for (derived here)
//!
//! Those laws keep `v ⟂ w`, and whether the flow does so is a matter of the student's own loss. Let `s = v̄·w̄` and `q = π²`. Then `E q(v̄·x) He_n(w̄·x) = s^n E q^{(n)}(Z)`, and `He_3² = He_6 + 9He_4 + 18He_2 + 6`, so
//!
//! ```text
//! ½E f² = 3E q + 9s² E q'' + (9/2)s⁴ E q^{(4)} + ½s⁶ E q^{(6)},      s' = −36 E q''(Z) s + O(s³)  at unit norms
//! ```
//!
//! and `s = 0` is stable if `E q'' > 0`: it is 0.0624 for the sigmoid (`π² = π − π'`, hence `−A_3`), 0.0919 for the Gaussian distribution function, 0.3636 for `tanh`. It is −0.385 for `π = e^{−z²/2}`, whose `A_0` is 0.707, and −0.018 for the sigmoid of `z + 1`:
//! there the smallest `s` grows at a rate that does not depend on `d`, long before an expert aligns. So the claim is about the routers tested.
//!
//! # The other lemmas
//!
//! *How many students are needed* (`over-parameterisation`) is a matter of the matching of initial overlaps, in which no router occurs as long as `A_0 ≠ 0`: where greedy deflation foretells the order (`recovered`), the same numbers follow (`others`). With tanh routers each pair has its
//! time by the quartic law, and deflation by these times foretells who aligns; at `d ≤ 10⁴` not all that aligns is learned (`deflated`). *Students among themselves* (`student-overlap`) repel by the same pair expectation with the other sign, twice as fast since both move: after a time `∝ √d` where `A_0 ≠ 0`, as early as teachers are found, and `∝ d`
//! with tanh routers (`recovered`). *Online SGD* (`finite-batch-sgd`) follows the flow as long as its noise `ε = (η/B)σ_w²(d − 1)` is small against one over the flow's time; the router enters `σ_w²` by `E π⁴` and `E π²` (`others`) and
//! the first term of the effective equation by `18A_0²`, both constants: `η/B ≪ d^{−3/2}` where `A_0 ≠ 0`. With tanh routers the time is `∝ d`, and that condition is `η/B ≪ d^{−2}`, by an equation of four overlaps and both raw norms, whose delay is measured at two `d` (`delayed`). Both conditions at starts at random, where noise and overlaps are of one size, are not measured. `v ⟂ w` (`orthogonal-initialisation`) and the largest stable step (`failure-signatures`): `others`; perturbed starts, raw norms, overlapping teachers, the rate near the teacher and its basin, accuracy, the window for pruning, correlated inputs: a file each. The table `sigmoid` has every lemma of the paper by router.
//!
//! # Where the bounds come from
//!
//! Exponents: as in `phase-transition`, `±0.01` around ½. For tanh the neglected terms are of relative size `κ²`, and what remains of the time once overlaps are O(1) is O(1/A_1²) of a time `∝ d`: nothing at `d = 10⁴` and beyond; but the two smaller overlaps of a pair may cancel the leading terms for
//! long, so single starts bend: `±0.05` around 1, half of the way to nothing that any other law predicts. Times: `±0.02` as there. Eigenvalues: `10⁻¹⁰` as in `fine-tuning-rate`, times ten for tanh, whose coefficients are larger.
//!
//! # Errors of computed numbers
//!
//! *Times of flows from constructed starts.* A local error `τ max(|x|, d^{−1/2})` a step is `τ/u` of an overlap `u` at most, and changes what is left of a time `∝ κ^{1−q}` by `(q − 1)τ/u` of it; `n` steps by `n` times that at most. The longest are those of dipoles with tanh routers, `q = 5`, `u = 0.05`, `t ≤ 5000` at `τ = 10⁻⁸` with `d = 4`, so `τ/2` in place of `τ`, and five explicit steps a unit: `4·25 000·10⁻⁷ = 10⁻²`, relatively; the
//! Gaussian distribution function's at `u = 0.02`, `t < 10³`, have a tenth of that, and those of the window, `n < 10⁴` steps at `10⁻⁷` of the overlaps themselves, half. Crossings are found on the interpolant, to the order of `τ`. An exponent in `d` between `u` and `2u` has the errors of two times over `2 ln 2`.
//! *States at rest.* A stationary state forgets: an error of a step is gone after a relaxation of some ten steps, and after 22 of them the start, `e^{−22}`. So the displacement `δ ≥ 10⁻⁶` of a floor has the error `10·10⁻¹¹/2`, relatively `5·10⁻⁵`, its square twice that; reading `1 − κ` adds the roundings of an overlap of four coordinates, `10⁻¹⁵`. The gap is a difference of losses that are stationary in the learned student's state, with roundings of `10⁻¹⁵` and first
//! derivatives `O(u³)` at most: `10⁻⁶`. *Eigenvalues* of matrices of 24 rows below 20: roundings of `24·20·2^{−52} = 10⁻¹³`, and of `Φ` as many: `10⁻¹²`.

mod accuracy;
mod basin;
mod between;
mod deflated;
mod delayed;
mod inputs;
mod law;
mod near;
mod norms;
mod others;
mod perturbed;
mod recovered;
mod sgd;
mod shifted;
mod summary;
mod together;
mod window;

use std::cell::Cell;

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, FlowError, InitialLaw, Method, Stop, Watch};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::guided_router::{LEVELS, delays_over_law, pursue};
use law::first;
use together::{Laws, PATIENCE, RAY, SADDLE, Together, Tracker, from_ray};

use crate::{
    CheckError, Column, Control, Evidence, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale, Table,
    statistics,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "router-dependence",
    paper: "2510.07205",
    claim: "With Gaussian-CDF routers (A_0 = E π(Z) = ½) the first alignment takes T = Θ(√d) at the rate p·p!A_0², as with sigmoid ones, and its router follows with the lag of the rate 6κ³Φ_11(β)(1−β²) with its own Φ; with tanh routers (A_0 = 0) it takes T = Θ(d), by the quartic law with A_1², \
            and the router aligns together with its expert: when |κ| reaches ½, |β| is that of the fastest growing direction (0.17) within a third; with either the spectrum at the teacher is that of fine-tuning-rate with the router's own Φ.",
    scope: "This project's question, beyond the paper, which has sigmoid routers. Population gradient flow, x ~ N(0, I_d), Gaussian-CDF and tanh routers, third Hermite experts, orthonormal teacher, v ⟂ w at the start, raw norms 1; student-student overlaps 0 at the start; times and overlaps are medians over starts; \
            d as in the tables, at the fixed numbers of students and teachers of the run. Findings, at the settings of their tables: accuracy, pruning gap, dipoles and how students repel into them, the decay of v·w, the noise of SGD, the largest stable step, the window for pruning, the rate near the teacher and its basin, v·w = ½ and raw norms ½ at the start, the bisector of two teachers and correlated inputs with both routers, the order of recovery, the number of students and the times of SGD with Gaussian-CDF ones and (from standard effort on) tanh ones, at d = 10⁶ and, for SGD, from overlaps 5/√d on their ray, and the dependence on A_0 in the family A_0 + tanh. No claim about other routers: where E (π²)''(Z) < 0, v ⟂ w is unstable, and A_0 ≠ 0 does not suffice.",
    ledger: Label::Supported,
    typical_seconds: 50.0,
    parameters: &[
        Parameter::integer(
            "replicates",
            "independent starts, each used at every dimension",
            "",
            [32, 100_000],
            [32, 120, 1000],
        ),
        Parameter::integer("decades", "largest dimension, as a power of ten", "", [6, 8], [6, 8, 8]),
        Parameter::integer("students", "number m of students", "", [1, 6], [4, 4, 4]),
        Parameter::integer("teachers", "number m* of teachers", "", [1, 3], [2, 2, 2]),
        Parameter::integer(
            "tanh-runs",
            "single pairs with tanh routers; half as many starts for the order of recovery and for the number of students, twice and three quarters as many for times of SGD; 0 for none",
            "",
            [0, 100_000],
            [0, 72, 400],
        ),
        Parameter::real("tolerance", "local tolerance of the flow", "", [1e-12, 1e-6], [1e-7, 1e-8, 1e-9]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Smallest `κ_0 √d` of a replicate, as in `phase-transition`.
const LEAST: f64 = 0.25;
/// Accepted ratios of times, exponents, and errors of eigenvalues.
const EQUAL: [f64; 2] = [0.98, 1.02];
const ROOT: [f64; 2] = [0.49, 0.51];
const LINEAR: [f64; 2] = [0.95, 1.05];
/// Accepted ratio of a router's overlap when its expert aligns to that on the ray; and in the finding, which is closer.
const BESIDE: [f64; 2] = [0.75, 1.33];
const CLOSELY: [f64; 2] = [0.9, 1.1];
const EIGENVALUE_ERROR: f64 = 1e-9;
/// Relative error of the time of a flow from a constructed start, and error of a gap.
const TIME_ERROR: f64 = 1e-2;
const GAP_ROUNDING: f64 = 1e-6;
/// The place in [`LEVELS`] at which the law without `a` and `b` is put to the test.
const MIDDLE: usize = 2;

/// The first alignment from one start: when an expert overlap reaches ½, and when the law says so.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Alignment {
    time: Option<f64>,
    predicted: Option<f64>,
    /// For a router with `A_0 = 0`, what its own router did.
    together: Option<Together>,
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let dimensions: Vec<u64> = (4..=run.integer("decades") as u32).step_by(2).map(|k| 10u64.pow(k)).collect();
    let top = dimensions.len() - 1;
    let replicates = eligible(run, run.integer("replicates") as usize)?;
    let arm = |sweep: &str, router: Router| alignments(run, sweep, router, &dimensions, &replicates);
    let gaussian = arm("gaussian-cdf", Router::GaussianCdf)?;
    let tanh = arm("tanh", Router::Tanh)?;
    let followers = run.units("followers", replicates.len(), |unit| {
        let law = law(run, Router::GaussianCdf, dimensions[top]);
        pursue(run, &law.sample(run.seed(), replicates[unit]).map_err(CheckError::theory)?, 1)
    })?;
    let rays = [from_ray(Router::Tanh, RAY)?, from_ray(Router::Tanh, SADDLE)?];
    let deviations = near::spectra(run)?;

    let exponent = |arm: &[Vec<Alignment>], what: &str, accept: [f64; 2]| {
        let decades = (dimensions[top] as f64 / dimensions[0] as f64).ln();
        let ends = arm[0].iter().zip(&arm[top]);
        let slopes: Vec<f64> = ends.filter_map(|(low, high)| Some((high.time? / low.time?).ln() / decades)).collect();
        let statement = format!("{what}: exponent of T in d over d ≥ 10⁴, median over runs");
        Evidence::estimate(statement, LEVEL, statistics::median_of_all(&slopes, replicates.len(), LEVEL), accept)
    };
    let at = format!("d = {:e}", dimensions[top] as f64);
    let ratio = |arm: &[Vec<Alignment>], what: &str, factor: f64| {
        let ratios: Vec<f64> = arm[top].iter().filter_map(|row| Some(factor * row.time? / row.predicted?)).collect();
        Evidence::estimate(
            format!("{what}, {at}, median over runs"),
            LEVEL,
            statistics::median_of_all(&ratios, replicates.len(), LEVEL),
            EQUAL,
        )
    };
    let lags = delays_over_law(&followers, 1);
    let stands = |values: &[f64], ray: Option<f64>, what: &str, accept: [f64; 2]| {
        let ratios: Vec<f64> = values.iter().filter_map(|value| Some(value / ray?)).collect();
        let statement =
            format!("|router overlap| when the |expert overlap| reaches ½ over that of {what}, {at}, median over runs");
        Evidence::estimate(statement, LEVEL, statistics::median_of_all(&ratios, replicates.len(), LEVEL), accept)
    };
    let pairs: Vec<&Together> = tanh[top].iter().filter_map(|row| row.together.as_ref()).collect();
    let at_expert: Vec<f64> = pairs.iter().map(|pair| pair.at_expert).collect();
    let beside = |accept| stands(&at_expert, rays[0], "a pair on the ray 3 : 1 : √3 : √3, tanh routers", accept);
    // The same of the first pair with Gaussian-CDF routers.
    let behind: Vec<f64> = followers.iter().filter_map(|row| row.first()?.standing()).collect();
    let ahead = |accept| {
        [
            Control::new(
                "Gaussian-CDF routers, which align after their experts, are rejected",
                stands(&behind, rays[0], "that pair, Gaussian-CDF routers", accept),
            ),
            Control::new(
                "the passage without a and b is rejected",
                stands(&at_expert, rays[1], "a pair with a = b = 0, tanh routers", accept),
            ),
        ]
    };
    let spectrum = |name: &str, deviation: f64| {
        let statement = format!(
            "largest deviation of an eigenvalue of the dense Hessian at two teachers from the closed form in Φ, {name}"
        );
        Evidence::comparison(statement, within(deviation, 1e-12).map(|end| end.max(0.0)), [0.0, EIGENVALUE_ERROR])
    };
    let mut evidence = vec![
        exponent(&gaussian, "Gaussian-CDF routers, T ∝ √d", ROOT),
        ratio(&gaussian, "Gaussian-CDF routers: T over the closed form at the rate 18A_0²", 1.0),
        Evidence::estimate(
            format!(
                "Gaussian-CDF routers: lag of the router over that of the law with its own Φ, {at}, median over runs"
            ),
            LEVEL,
            statistics::median_of_all(&lags, replicates.len(), LEVEL),
            EQUAL,
        ),
        exponent(&tanh, "tanh routers, T ∝ d", LINEAR),
        ratio(&tanh, "tanh routers: T over the integrated quartic law", 1.0),
        beside(BESIDE).with_witness(json!({ "on the ray": rays[0], "without a and b": rays[1] })),
    ];
    evidence.extend(deviations.iter().map(|row| spectrum(&row.router, row.own)));
    let mistaken =
        deviations.iter().find(|row| row.router == Router::GaussianCdf.name()).map_or(0.0, |row| row.of_sigmoid);
    let mut controls = vec![
        Control::new("tanh routers, whose T is ∝ d, are rejected as √d", exponent(&tanh, "tanh routers, T ∝ √d", ROOT)),
        Control::new(
            "the rate 18(A_0 + 0.03)² for Gaussian-CDF routers is rejected",
            ratio(&gaussian, "T over the closed form at the rate 18·0.53²", (0.53_f64 / 0.5).powi(2)),
        ),
        Control::new(
            "the sigmoid's spectrum for Gaussian-CDF routers is rejected",
            spectrum("Gaussian-CDF routers against the sigmoid's closed form", mistaken),
        ),
    ];
    controls.extend(ahead(BESIDE));
    let statement = "tanh routers: T by the time law of one expert without its router, rate 18A_0² = 0, is infinite; starts align all the same, but for those whose pairs all run into the rest points κ = 0 of the quartic law";
    let aligned = |by: f64, when: &str| {
        let count = tanh[top].iter().filter(|row| row.time.is_some_and(|time| time <= by)).count() as u64;
        let share = statistics::proportion(count, tanh[top].len() as u64, LEVEL);
        Evidence::estimate(
            format!("share of starts with tanh routers that align{when}, {at}"),
            LEVEL,
            share,
            [0.8, 1.0],
        )
    };
    let item = aligned(f64::INFINITY, "");
    let soon = Control::new("by t = √d is rejected", aligned((dimensions[top] as f64).sqrt(), " by t = √d"));
    let mut laws = Laws::new(Router::Tanh)?;
    let rows = (0..LEVELS.len()).map(|level| laws.rates(&pairs, level)).collect::<Result<Vec<_>, _>>()?;
    let rate = |level: usize, name: &str, law: &dyn Fn(&[f64; 4]) -> f64| {
        let ratios: Vec<f64> = rows[level].iter().map(|row| row[1] / law(row)).collect();
        let statement =
            format!("tanh routers: measured d|β|/dt over {name} at |β| = {}, {at}, median over runs", LEVELS[level]);
        Evidence::estimate(statement, LEVEL, statistics::median_of_all(&ratios, replicates.len(), LEVEL), EQUAL)
    };
    let rates: Vec<Evidence> =
        (0..LEVELS.len()).map(|level| rate(level, "that of the pair alone", &|row| row[2])).collect();
    let guided = rate(MIDDLE, "6κ³Φ_11(β)(1−β²)", &|row| row[3]);
    let stalled = guided.interval();
    let of_rates = rates.iter().map(|item| item.statement().to_string()).collect::<Vec<_>>().join("; ");
    let mut findings = vec![
        Finding::judged(
            "tanh routers stand beside their experts within 10 % of the ray's overlap",
            beside(CLOSELY).statement().to_string(),
            &[beside(CLOSELY)],
            &ahead(CLOSELY),
            json!(beside(CLOSELY).interval()),
        ),
        Finding::judged("tanh routers learn", statement, &[item], &[soon], json!(null)),
        Finding::judged(
            "the rate of a tanh router is that of its pair alone",
            of_rates,
            &rates,
            &[Control::new("6κ³Φ_11(β)(1−β²), which leaves out a and b, is rejected", guided)],
            json!({ "6κ³Φ_11(β)(1−β²) instead": stalled }),
        ),
    ];
    let (recovered, after) = recovered::findings(run, &replicates)?;
    let (shifted, shifts) = shifted::finding(run)?;
    findings.extend(recovered);
    findings.push(shifted);
    findings.extend(others::findings(run)?);
    let (window, windows) = window::finding(run)?;
    findings.extend([
        accuracy::finding(run)?,
        window,
        near::finding(run)?,
        basin::finding(run)?,
        perturbed::finding(run)?,
        norms::finding(run)?,
        between::finding(),
        sgd::finding(run)?,
    ]);
    findings.extend(inputs::findings(run)?);
    let (deflated, traps) = deflated::findings(run)?;
    findings.extend(deflated);
    findings.extend(delayed::finding(run)?);
    let mut tables = vec![
        times_table(&dimensions, &gaussian, &tanh),
        rate_table(&rows),
        near::coefficient_table(&deviations),
        after,
        shifts,
        windows,
        summary::table(),
    ];
    tables.extend(traps);
    let figures = vec![Figure::new(
        "times",
        "time to the first alignment, by router",
        "times",
        "d",
        ["Gaussian CDF", "tanh"],
        [Scale::Log; 2],
    )];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// A computed number and its error bound as an interval.
fn within(value: f64, error: f64) -> [f64; 2] {
    [value - error, value + error]
}

fn law(run: &Run<'_>, router: Router, dimension: u64) -> InitialLaw {
    let (students, teachers) = (run.integer("students") as usize, run.integer("teachers") as usize);
    InitialLaw { router, student_overlap: 0.0, ..InitialLaw::new(3, students, teachers, dimension) }
}

/// The first replicates whose best expert overlap is large enough; draws are paired, so one dimension decides for all.
fn eligible(run: &Run<'_>, wanted: usize) -> Result<Vec<u64>, CheckError> {
    let law = law(run, Router::GaussianCdf, 10_000_000_000);
    run.replicates(wanted, |replicate| {
        let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
        Ok(start.order_parameters().best_pair().2 * 1e5 >= LEAST)
    })
}

/// First alignments from every start at every dimension: `[dimension][replicate]`.
fn alignments(
    run: &Run<'_>,
    sweep: &str,
    router: Router,
    dimensions: &[u64],
    replicates: &[u64],
) -> Result<Vec<Vec<Alignment>>, CheckError> {
    let rows = run.units(sweep, dimensions.len() * replicates.len(), |unit| {
        let (d, replicate) = (dimensions[unit / replicates.len()], replicates[unit % replicates.len()]);
        alignment(run, &law(run, router, d), replicate, Some(&d) == dimensions.last())
    })?;
    Ok(rows.chunks(replicates.len()).map(<[_]>::to_vec).collect())
}

/// The first alignment of one start; for a router with `A_0 = 0`, if `followed`, with what its own router does.
fn alignment(run: &Run<'_>, law: &InitialLaw, replicate: u64, followed: bool) -> Result<Alignment, CheckError> {
    let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
    let odd = law.router.hermite().value(0) == 0.0;
    let predicted = first(law.router, &start.order_parameters());
    let mut row = Alignment { time: None, predicted: predicted.is_finite().then_some(predicted), together: None };
    // The slowest starts of either law need a small multiple of d; where the law predicts none, the flow is given d to prove it wrong.
    let until = if predicted.is_finite() { 3.0 * predicted } else { law.dimension as f64 };
    // The flow ends at the first alignment, or when its router has followed.
    let followed = followed && odd;
    let mut watches = vec![if odd { Watch::ExpertMagnitude(0.5) } else { Watch::Expert(0.5) }];
    watches.extend(Tracker::watches().filter(|_| followed));
    let last = watches.len() - 1;
    let (mut tracker, mut first) = (Tracker::default(), None);
    let end = Cell::new(until);
    let ended = |time: f64| time >= end.get() || run.proceed().is_err();
    let method = if until < 6000.0 { Method::Explicit } else { Method::Implicit };
    let flow = Flow::new(&start).method(method).tolerance(run.real("tolerance")).monitor(&ended);
    let outcome = flow.run(
        until + PATIENCE,
        &watches,
        &[],
        |_, _| {},
        |event, state| {
            let pair = (event.student, event.other);
            if event.watch > 0 {
                tracker.note(event, state);
            } else if first.is_none() {
                first = Some((pair, state.router(pair.0, pair.1).abs()));
                row.time = Some(event.time);
                end.set(event.time + PATIENCE);
            }
            let done = event.watch == last && first.is_some_and(|first| first.0 == pair);
            if done { Stop::Yes } else { Stop::No }
        },
    );
    row.together = first.filter(|_| followed).map(|(pair, at_expert)| tracker.of(pair, at_expert));
    run.proceed()?;
    match outcome {
        Ok(_) | Err(FlowError::Stopped { .. }) => Ok(row),
        Err(error) => Err(CheckError::theory(error)),
    }
}

fn times_table(dimensions: &[u64], gaussian: &[Vec<Alignment>], tanh: &[Vec<Alignment>]) -> Table {
    let heads = ["d", "runs", "Gaussian CDF", "over the law", "tanh", "over the quartic law"];
    let mut table = Table::new("times", heads.map(|head| Column::new(head, "")));
    let middle = |rows: &[Alignment], of: &dyn Fn(&Alignment) -> Option<f64>| {
        statistics::median(&rows.iter().filter_map(of).collect::<Vec<_>>(), LEVEL).map(|e| e.value)
    };
    for (k, &d) in dimensions.iter().enumerate() {
        let of = |arm: &[Vec<Alignment>]| {
            [middle(&arm[k], &|row| row.time), middle(&arm[k], &|row| Some(row.time? / row.predicted?))]
        };
        let ([gaussian_time, gaussian_ratio], [tanh_time, tanh_ratio]) = (of(gaussian), of(tanh));
        table.push([
            d.into(),
            gaussian[k].len().into(),
            gaussian_time.into(),
            gaussian_ratio.into(),
            tanh_time.into(),
            tanh_ratio.into(),
        ]);
    }
    table
}

/// Rates of tanh routers at the largest dimension, by level.
fn rate_table(rows: &[Vec<[f64; 4]>]) -> Table {
    let heads = ["β", "runs", "κ", "measured", "over that of the pair alone", "over 6κ³Φ_11(β)(1−β²)"];
    let mut table = Table::new("rates", heads.map(|head| Column::new(head, "")));
    for (beta, rows) in LEVELS.into_iter().zip(rows) {
        let middle = |of: &dyn Fn(&[f64; 4]) -> f64| {
            statistics::median(&rows.iter().map(of).collect::<Vec<_>>(), LEVEL).map(|e| e.value)
        };
        table.push([
            beta.into(),
            rows.len().into(),
            middle(&|row| row[0]).into(),
            middle(&|row| row[1]).into(),
            middle(&|row| row[1] / row[2]).into(),
            middle(&|row| row[1] / row[3]).into(),
        ]);
    }
    table
}

//! The accuracy that a dormant student leaves, with routers other than the sigmoid: at the end of constructed starts, and on the plateau of random ones.
//!
//! The law is that of `recovered`: the learned student yields to the forces of `law` by its stiffness, `1 − κ = ½(P² + Q²)/(18Φ_00(1))²` and `1 − β = ½(R² + S²)/(6Φ_11(1))²`.
//!
//! # Where the bounds come from
//!
//! Random starts of two students before one teacher, without overlaps among themselves, in which the law of one pair has the second student at twice the time of the first at least, so that it is still small when the first arrives: by `1/κ` it has caught up with `κ_0` of the first with Gaussian distribution functions, and has grown by `√2` with tanh. Dormant overlaps are
//! `O(d^{−1/2})`: some `1.5·10^{−2.5} = 0.005` at `d = 10⁵`, corrections of five times that, `±0.1`; with tanh they are relative `O(u²)` with factors of ten, 0.002 at `d = 10⁴`: `±0.1`. Exponents in `d`, over a decade: paired draws differ by relative `d^{−1/2}`, 0.03 at `d = 10³`, a sixth power with what cancels by some ten times that, 0.3 over `ln 10` a start and 0.1 for the median of twenty: half of the way from the law's −2 and −3 to the middle between integers, `±0.25`. Read is, of starts from which the teacher is recovered, what the law puts above a hundred
//! roundings of an overlap at the larger dimension, `2·10⁻¹⁴`: that leaves out `1 − β ∝ d^{−3}` of Gaussian distribution functions, and with tanh a few starts whose second student has small overlaps. With tanh some starts recover nothing in three times the law's time, since their leading terms nearly cancel: half of 48 are read; a median needs eight.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, InitialLaw, OrderParameters, Removal, Start, Stop, Watch};
use serde_json::json;

use super::super::pruning::follow;
use super::law::{forces, overlaps_of, phi, predicted};
use super::{LEVEL, recovered::ROUTERS};
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// Time for the learned pair to come to rest, over that of its slowest relaxation.
const REST: f64 = 22.0;
const STARTS: usize = 48;
/// The dimensions of either router; an alignment of scope comes before this times `√d` or, with tanh, `d`.
const DIMENSIONS: [[u64; 2]; 2] = [[10_000, 100_000], [1000, 10_000]];
const LATEST: [f64; 2] = [1.0, 0.07];
/// Time of the second student over that of the first, by the law, at least.
const LATER: f64 = 2.0;
const FOLLOWED: f64 = 0.9;
const FLOOR: [f64; 2] = [0.9, 1.1];
/// Least deficit that can be read: a hundred roundings of an overlap.
const READABLE: f64 = 2e-14;

/// A learned pair beside a dormant student, at rest.
pub(super) struct Floor {
    pub(super) router: Router,
    /// `|κ|` of the dormant student; `1 − |κ|` and `1 − |β|` of the learned one, found and foretold; difference of the changes of the loss.
    pub(super) largest: f64,
    pub(super) found: [f64; 2],
    pub(super) foretold: [f64; 2],
    pub(super) gap: f64,
}

/// From a start of two students before one teacher, of whom `learned` is near it: their state at rest.
pub(super) fn floor(run: &Run<'_>, start: &Start, learned: usize) -> Result<Floor, CheckError> {
    let (router, dormant) = (start.router, 1 - learned);
    let rest = REST / (6.0 * phi(router, 1));
    let mut end: Option<OrderParameters> = None;
    let interrupted = |_: f64| run.proceed().is_err();
    let flow = Flow::new(start).tolerance(1e-11).monitor(&interrupted);
    let outcome = flow.run(rest, &[], &[rest], |_, state| end = Some(state), |_, _| Stop::No);
    run.proceed()?;
    outcome.map_err(CheckError::theory)?;
    let state = end.ok_or_else(|| CheckError::theory("one time gives one state"))?;
    let overlaps = overlaps_of(&state, dormant, 0);
    let [expert, follower] = forces(router, overlaps);
    let half = |push: [f64; 2], stiffness: f64| 0.5 * (push[0].hypot(push[1]) / stiffness).powi(2);
    let removal = Removal::of(&state, router, 3);
    Ok(Floor {
        router,
        largest: overlaps[0].abs(),
        found: [1.0 - state.expert(learned, 0).abs(), 1.0 - state.router(learned, 0).abs()],
        foretold: [half(expert, 18.0 * phi(router, 0)), half(follower, 6.0 * phi(router, 1))],
        gap: removal.change(learned) - removal.change(dormant),
    })
}

fn sample(run: &Run<'_>, router: Router, dimension: u64, replicate: u64) -> Result<Start, CheckError> {
    let law = InitialLaw { router, student_overlap: 0.0, ..InitialLaw::new(3, 2, 1, dimension) };
    law.sample(run.seed(), replicate).map_err(CheckError::theory)
}

/// The law's times of both students, the earlier one first.
fn arrivals(start: &Start) -> [f64; 2] {
    let state = start.order_parameters();
    let mut times = [0, 1].map(|i| predicted(start.router, overlaps_of(&state, i, 0)));
    times.sort_by(f64::total_cmp);
    times
}

/// `1 − κ` and `1 − β` on the plateau from a random start, found and foretold.
type Plateau = [[f64; 2]; 2];

/// The plateau from a random start; none where no router has followed in time.
fn plateau(run: &Run<'_>, router: Router, dimension: u64, replicate: u64) -> Result<Option<Plateau>, CheckError> {
    let start = sample(run, router, dimension, replicate)?;
    let until = 3.0 * arrivals(&start)[0] + 60.0;
    let (state, seen) = follow(run, &start, until, &[Watch::RouterMagnitude(FOLLOWED)])?;
    if seen.is_none() {
        return Ok(None);
    }
    let learned = usize::from(state.router(1, 0).abs() > state.router(0, 0).abs());
    floor(run, &start.at(&state), learned).map(|floor| Some([floor.found, floor.foretold]))
}

pub(super) fn finding(run: &Run<'_>) -> Result<Finding, CheckError> {
    let (mut items, mut twins, mut recovered) = (Vec::new(), Vec::new(), Vec::new());
    for (which, router) in ROUTERS.into_iter().enumerate() {
        let name = router.name();
        // Draws are paired, and either law is one of scaled overlaps: one dimension decides for both.
        let dimension = DIMENSIONS[which][1];
        let decades = (dimension as f64 / DIMENSIONS[which][0] as f64).ln();
        let latest = LATEST[which] * if which == 0 { (dimension as f64).sqrt() } else { dimension as f64 };
        let replicates = run.replicates(STARTS, |replicate| {
            let [first, second] = arrivals(&sample(run, router, dimension, replicate)?);
            Ok(first <= latest && second >= LATER * first)
        })?;
        let rows = run.units(&format!("plateaus-{name}"), 2 * replicates.len(), |unit| {
            plateau(run, router, DIMENSIONS[which][unit % 2], replicates[unit / 2])
        })?;
        // Accuracy is that of recovered pairs; what the law puts below rounding at the larger dimension is no reading.
        let plateaus: Vec<[Plateau; 2]> = rows.chunks(2).filter_map(|ends| Some([ends[0]?, ends[1]?])).collect();
        recovered.push(json!({ "router": name, "starts": replicates.len(), "recovered": plateaus.len() }));
        let median = |what: usize, of: &dyn Fn(&[Plateau; 2]) -> f64, statement: String, accept: [f64; 2]| {
            let readable = plateaus.iter().filter(|[_, high]| high[1][what] >= READABLE);
            let values: Vec<f64> = readable.map(of).collect();
            Evidence::estimate(statement, LEVEL, statistics::median(&values, LEVEL), accept)
        };
        let ratio = |what: usize, factor: f64, which_law: &str| {
            let letter = ["1 − κ", "1 − β"][what];
            let statement = format!(
                "{name} routers: {letter} on the plateau over {which_law}, d = {:e}, median over the random starts that recover",
                dimension as f64
            );
            median(what, &|[_, high]| high[0][what] / high[1][what] / factor, statement, FLOOR)
        };
        let exponent = |what: usize, expected: f64| {
            let letter = ["1 − κ", "1 − β"][what];
            let statement = format!(
                "{name} routers: exponent of {letter} in d against {expected}, median over the random starts that recover"
            );
            let accept = [expected - 0.25, expected + 0.25];
            median(what, &|[low, high]| (high[0][what] / low[0][what]).ln() / decades, statement, accept)
        };
        let own = "that of the router's own Φ";
        if which == 0 {
            items.extend([ratio(0, 1.0, own), exponent(0, -2.0)]);
            let softer = (phi(router, 0) / phi(Router::Sigmoid, 0)).powi(2);
            twins.push(ratio(0, softer, "that with the sigmoid's Φ_00(1)"));
        } else {
            items.extend([ratio(0, 1.0, own), ratio(1, 1.0, own), exponent(0, -3.0), exponent(1, -3.0)]);
            twins.push(exponent(0, -2.0));
        }
    }
    let controls: Vec<Control> = twins.into_iter().map(Control::from).collect();
    Ok(Finding::judged(
        "accuracy on the plateau of random starts, with other routers",
        "two students without overlaps at the start, δ = 0: 1 − κ is not zero, but ∝ d^(−2) with Gaussian-CDF and, with 1 − β, ∝ d^(−3) with tanh routers, with the constants of the router's own Φ; so the bound of recovery-accuracy, which vanishes with δ, fails with these routers as with the sigmoid",
        &items,
        &controls,
        json!({ "starts": recovered }),
    ))
}

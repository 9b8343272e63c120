//! Sums with neighbouring orders: the expert tilts towards its own router, and the lowest order need not decide.
//!
//! # What a tilt does (derived here)
//!
//! Let `h = Σ_p a_p He_p`, `s = v̄·w̄`, `Q_n = E (π²)^{(n)}(Z)`. As `E q(v̄·x) He_n(w̄·x) = s^n E q^{(n)}(Z)` for every `q`, the student's own energy is
//!
//! ```text
//! ½E f² = Σ_n g_n Q_n s^n,      ½h² = Σ_n g_n He_n,      s' = −2(1 − s²) Σ_n n g_n Q_n s^{n−1}
//! ```
//!
//! `He_p He_q` has a component `He_1` exactly if `|p − q| = 1`: then `g_1 = Σ_p a_p a_{p+1} (p+1)!`, and `s = 0` is at rest no longer (`Q_1 = A_1` for sigmoid routers, `Q_n = A_n − A_{n+1}`, since `π² = π − π'`). At a rate that does not
//! depend on `d`, long before an overlap is of order one, `s` comes to rest at a root `s*`. Where no two orders are neighbours `s = 0` stays at rest, whatever their parities, and the law of sums holds.
//!
//! For `h = He_3 + aHe_2` the teacher, whose `v*` and `w*` are orthogonal, has no component of degree 1, and `A_0·2a·½w*⊗w*` of degree 2. The student's of degree 2 has the three parts `T`; with `A_0 = ½`, `κ = w̄·w*` and `c = v̄·w*`
//!
//! ```text
//! κ' = a(T_ww κ + T_vw c) − F(c − sκ),   c' = a(T_vw κ + T_vv c) − F(κ − sc),      F = Σ_n n g_n Q_n s^{n−1}
//! T_ww = E πh'' = a + 6sA_1,   T_vw = E π'h' = 3s²A_3,   T_vv = E π''h = s³A_5      (A_2 = A_4 = 0)
//! ```
//!
//! (`F`, the pull between `v̄` and `w̄`, is 0 at a rest point within `(−1, 1)`, and not at `s* = ±1`), and the larger eigenvalue `λ` takes the place of `a²` in `½ ln d/a²`. For small `a` the rest point is `s* = aA_1/(3A_3)`, so that `T_ww/a = 1 + 2A_1²/A_3 = −0.368`: the coupling *changes its sign*. `κ` decays at the rate
//! `0.37a²`, and what grows, mostly `c`, does so at 0.005 of the law's rate at `a = 0.3`. Between `a = 1.1` and 2 `s* = −1`, the student is a function of `w̄·x` alone, and beyond `a = 6A_1 = 1.24` the sign is right again, with `λ/a² = 0.23` at `a = 1.5` and 0.62 at `a = 3`: the law's form, at a constant of its own.
//! (Where `κ_0 > 0.37a²/4.5`, 0.0074 at `a = 0.3`, the third order is faster than the decay and aligns the pair after all. By `κ' = 4.5κ² − 0.37a²κ` in place of `4.5κ² + a²κ` it takes 1.4, 1.8 and 2.2 times the law of sums from `κ_0 = 0.04`, 0.02 and 0.015, so that at `d = 10⁴`
//! the failure looks like a constant; it is none.)
//!
//! # Where the bounds come from
//!
//! At `d = 10¹²` overlaps are some `10⁻⁶`, and what is neglected is relative `4.5κ/(0.37a²)`, some `10⁻⁴`: `s` between `s* ± 10⁻³`, the rate of decay between `t = 20`, when `s` has come to rest, and 60 within `1 ± 0.01`. For `a = 1.5`, growth of `T` between `10¹⁰`, where `T = 22` is long beside the last relaxation of `s` (rate `4F = 0.22` at `s = −1`; at larger `a` the race is over before), and `10¹⁴`: as for order 2, `1 ± 0.03`.
//! That none aligns within three times the law's time is decided by the sign, for every start; 12 of 12 give an interval above ½.

use moe_kernels::{ExpertCoefficients, Router};
use moe_theory::soft_routed::{Flow, GeneralLoss, Inputs};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Arm, EXPONENT, LEVEL, Pair, growth, law, pair};
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

const fn mixed(a: f64) -> ExpertCoefficients {
    [0.0, 0.0, a, 1.0, 0.0, 0.0, 0.0]
}

/// A small part of order 2, a large one, and orders that are not neighbours.
const ARMS: [Arm; 3] = [
    Arm { name: "He_3 + 0.3 He_2", coefficients: mixed(0.3), dimensions: [1e6, 1e8] },
    Arm { name: "He_3 + 1.5 He_2", coefficients: mixed(1.5), dimensions: [1e10, 1e14] },
    Arm { name: "He_5 + 0.3 He_2", coefficients: [0.0, 0.0, 0.3, 0.0, 0.0, 1.0, 0.0], dimensions: [1e6, 1e8] },
];
const PARTS: [f64; 8] = [0.03, 0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0];
/// Dimension and times at which the tilt is read.
const READ: (f64, [f64; 2]) = (1e12, [20.0, 60.0]);
const TILT_ERROR: f64 = 1e-3;
const RATE: [f64; 2] = [0.99, 1.01];
const MAJORITY: [f64; 2] = [0.5, 1.0];
/// Times of the law within which an alignment counts as one by the law.
const SOON: f64 = 3.0;

/// What the derivation foretells for `He_3 + aHe_2`: `s*`, `T_ww/a`, the eigenvalues over `a²` in ascending order, the first one's direction in `(κ, c)`.
struct Tilt {
    own: f64,
    coupling: f64,
    eigenvalues: [f64; 2],
    direction: [f64; 2],
}

impl Tilt {
    fn of(a: f64) -> Self {
        let hermite = Router::Sigmoid.hermite();
        let square = |n: usize| hermite.value(n) - hermite.value(n + 1);
        // ½(He_3 + aHe_2)² = ½He_6 + aHe_5 + ½(9 + a²)He_4 + 6aHe_3 + (9 + 2a²)He_2 + 6aHe_1 + 3 + a².
        let g = [6.0 * a, 9.0 + 2.0 * a * a, 6.0 * a, 4.5 + 0.5 * a * a, a, 0.5];
        let pull = |s: f64| -> f64 { (1..=6).map(|n| n as f64 * g[n - 1] * square(n) * s.powi(n as i32 - 1)).sum() };
        // The flow of s itself: the force has other roots, and s = −1 is one. Its rates are below 7.
        let own = (0..20_000).fold(0.0, |s, _| s - 0.05 * (1.0 - s * s) * pull(s));
        let pull = pull(own);
        let ww = a + 6.0 * own * hermite.value(1);
        let [vw, vv] = [3.0 * own * own * hermite.value(3), own.powi(3) * hermite.value(5)];
        // Of (κ, c).
        let [first, cross, last] = [a * ww + pull * own, a * vw - pull, a * vv + pull * own];
        let (mean, radius) = (0.5 * (first + last), (0.5 * (first - last)).hypot(cross));
        let eigenvalues = [mean - radius, mean + radius];
        Self {
            own,
            coupling: ww / a,
            direction: [cross, eigenvalues[0] - first],
            eigenvalues: eigenvalues.map(|rate| rate / (a * a)),
        }
    }
}

/// `v̄·w̄`, `κ` and `c` at both times.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Reading([[f64; 3]; 2]);

fn reading(run: &Run<'_>, replicate: u64) -> Result<Reading, CheckError> {
    let (dimension, times) = READ;
    let start = law(run, &ARMS[0], dimension).sample(run.seed(), replicate).map_err(CheckError::theory)?;
    let general = GeneralLoss::new(&start, ARMS[0].coefficients, &Inputs::isotropic(start.coordinates()));
    let mut rows = Vec::new();
    let flow = Flow::new(&start).tolerance(1e-10).under(&general);
    run.follow(
        flow,
        times[1],
        &[],
        &times,
        |_, state| rows.push([state.own(0), state.expert(0, 0), state.router_teacher_expert(0, 0)]),
        |_, _| moe_theory::soft_routed::Stop::No,
    )?;
    let rows = <[[f64; 3]; 2]>::try_from(rows).map_err(|_| CheckError::theory("two times give two states"))?;
    Ok(Reading(rows))
}

/// The findings, and the table of tilts. `untilted` is an arm whose law holds.
pub(super) fn findings(
    run: &Run<'_>,
    replicates: &[u64],
    untilted: (&Arm, &[Pair]),
) -> Result<(Vec<Finding>, Table), CheckError> {
    let rows = run.units("neighbours", ARMS.len() * replicates.len(), |unit| {
        pair(run, &ARMS[unit / replicates.len()], replicates[unit % replicates.len()])
    })?;
    let arms: Vec<&[Pair]> = rows.chunks(replicates.len()).collect();
    let readings = run.units("tilts", replicates.len(), |unit| reading(run, replicates[unit]))?;
    let (small, large) = (Tilt::of(0.3), Tilt::of(1.5));

    let at_rest = |expected: f64, which: &str| {
        let tilts = readings.iter().map(|Reading(rows)| rows[0][0]);
        let interval = tilts.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], s| [low.min(s), high.max(s)]);
        let statement = format!("{}: v̄·w̄ at t = {}, d = {:e}, all starts, {which}", ARMS[0].name, READ.1[0], READ.0);
        Evidence::comparison(statement, interval, [expected - TILT_ERROR, expected + TILT_ERROR])
    };
    let decay = |expected: f64, which: &str| {
        let along = |row: [f64; 3]| small.direction[0] * row[1] + small.direction[1] * row[2];
        let rate = |Reading(rows): &Reading| (along(rows[1]) / along(rows[0])).ln() / (READ.1[1] - READ.1[0]);
        let ratios: Vec<f64> = readings.iter().map(|row| rate(row) / expected).collect();
        let statement = format!("{}: rate of the overlaps along the smaller eigenvector over {which}", ARMS[0].name);
        Evidence::estimate(statement, LEVEL, statistics::median(&ratios, LEVEL), RATE)
    };
    let waiting = |(arm, pairs): (&Arm, &[Pair])| {
        let soon = |pair: &&Pair| pair.times[1].is_some_and(|time| time <= SOON * pair.predicted[1]);
        let count = pairs.len() - pairs.iter().filter(soon).count();
        let share = statistics::proportion(count as u64, pairs.len() as u64, LEVEL);
        let statement = format!(
            "{}: share of starts that do not align within {SOON} times the law of sums, d = {:e}",
            arm.name, arm.dimensions[1]
        );
        Evidence::estimate(statement, LEVEL, share, MAJORITY)
    };
    let grown = |arm: usize, rate: f64, which: &str| {
        let statement = format!(
            "{}: growth of T between d = {:e} and {:e} over ½ ln(d₂/d₁)/{which}, mean over starts",
            ARMS[arm].name, ARMS[arm].dimensions[0], ARMS[arm].dimensions[1]
        );
        let accept = [1.0 - EXPONENT, 1.0 + EXPONENT];
        Evidence::estimate(statement, LEVEL, growth(&ARMS[arm], arms[arm], rate), accept)
    };
    let square = 0.3_f64.powi(2);
    let findings = vec![
        Finding::judged(
            "beside the next higher order a small coefficient of order 2 does not decide",
            "He_3 + 0.3 He_2: the expert tilts to v̄·w̄ = s*, the coupling of degree 2 changes its sign, overlaps decay instead of growing at the rate a², and nothing aligns when the law of sums says so",
            &[
                at_rest(small.own, "against s*"),
                decay(square * small.eigenvalues[0], "the eigenvalue"),
                waiting((&ARMS[0], arms[0])),
            ],
            &[
                Control::new("v ⟂ w is rejected", at_rest(0.0, "against 0")),
                Control::new("growth at the rate a² is rejected", decay(square, "a²")),
                Control::new("sums of one parity, which obey the law, are rejected", waiting(untilted)),
            ],
            json!({ "s*": small.own, "coupling": small.coupling, "eigenvalues": small.eigenvalues }),
        ),
        Finding::judged(
            "a large coefficient of order 2 decides, at a rate of its own",
            "He_3 + 1.5 He_2: T grows as ½ ln d/λ with the larger eigenvalue λ of the tilted pair",
            &[grown(1, 2.25 * large.eigenvalues[1], "λ")],
            &[Control::new("the rate a² of the law of sums is rejected", grown(1, 2.25, "a²"))],
            json!({ "s*": large.own, "λ/a²": large.eigenvalues[1] }),
        ),
        Finding::judged(
            "orders of both parities that are not neighbours obey the law of sums",
            "He_5 + 0.3 He_2: T grows as ½ ln d/a²",
            &[grown(2, square, "a²")],
            &[Control::new(
                "the tilted rate of He_3 + 1.5 He_2 is rejected",
                grown(2, square * large.eigenvalues[1], "0.23a²"),
            )],
            json!(null),
        ),
    ];
    let heads = ["a", "v̄·w̄ at rest", "T_ww/a", "smaller eigenvalue/a²", "λ/a²"];
    let mut table = Table::new("neighbours", heads.map(|head| Column::new(head, "")));
    for a in PARTS {
        let tilt = Tilt::of(a);
        let [low, high] = tilt.eigenvalues;
        table.push([a.into(), tilt.own.into(), tilt.coupling.into(), low.into(), high.into()]);
    }
    Ok((findings, table))
}

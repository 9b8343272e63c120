//! `guided-router`: does each router follow its expert, and at which rate?
//!
//! # The law
//!
//! For one student-teacher pair with all other overlaps zero, `E f f* = 6κ³Φ_00(β)` exactly, `κ = w̄·w*` and `β = v̄·v*` (theory A2), so at unit norms
//!
//! ```text
//! dκ/dt = 18 Φ_00(β) κ²(1−κ²),      dβ/dt = 6 κ³ Φ_11(β) (1−β²)
//! ```
//!
//! While the expert waits, `κ = O(d^{−1/2})` and the router's rate is `O(d^{−3/2})`: over the waiting time `∝ √d` it moves by `∫6κ³Φ_11 dt = (4/3)A_1² ∫κ dκ/(1−κ²)`, which is `O(1/d)`. Until the expert
//! reaches ½ the same integral gives `(4/3)A_1²·½ln(4/3) = 0.0082`. From there on `κ → 1` within two time units and the router needs `∫dβ/(6Φ_11(β)(1−β²))`, an O(1) time whatever `d` is. An expert that is held back holds its router
//! back: the twin freezes all experts (raw norms of a thousand: rates of `10⁻⁶`).
//!
//! Under the paper's random start the claim does not extend to every router. In the published figure's setting half of the runs have, at `t = 25` or so, a router that aligns with a teacher while its own expert stands at an overlap of −0.3 or so with that teacher, which
//! *another* student has recovered. No router is seen to align with a teacher before some expert has recovered it. Two findings count the two events; a claim that holds with high probability is granted one run in ten (all of 60 runs give the interval `[0.92, 1]`).
//!
//! # Where the bounds come from
//!
//! The other overlaps are `O(d^{−1/2})` and enter with constants of order ten: relative corrections of 0.01 at `d = 10⁶`, `[0.98, 1.02]` leaves a factor two. The rate is measured as `2h/Δt` between the crossings of `β ∓ h`, `h = 0.005`, against
//! the law at the mean overlaps: an error of order `h²` times second derivatives of order ten, below `10⁻³`. The overlap at which the router stands when its expert reaches ½ is compared with the integrated law to `±0.001`, an eighth of what it gains (corrections:
//! 0.01 of that). The lag's exponent in `d` is 0 up to a random part: at `d = 10⁴` the lag moves by `β_0/0.2`, a relative 0.02 to 0.05 over a logarithm of 4.6, so 0.01 a run and 0.0015 for the mean of 48 runs: `±0.02` is thirteen of these, and excludes ½ and every
//! power that a waiting time could have. Shares of runs: a pair in scope fails
//! only in a tie (`sequential-recovery`), at some per cent; 0.6 is reached from an interval of 48 runs with probability below `10⁻⁴`.

mod published_figure;

use std::cell::Cell;

use moe_kernels::{CovarianceTable, Router};
use moe_theory::soft_routed::{Flow, FlowError, InitialLaw, Stop, Watch};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    CheckError, Column, Control, Evidence, Figure, Finding, Findings, Label, Lemma, Mark, Parameter, Run, Scale, Table,
    statistics,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "guided-router",
    paper: "2510.07205",
    claim: "Routers are guided by their experts: the router of the pair that aligns first stays dormant until its expert aligns and then follows within a time that does not depend on d, \
            at the rate dβ/dt = 6κ³Φ_11(β)(1−β²) (over ‖v‖²).",
    scope: "Population gradient flow, x ~ N(0, I_d), sigmoid routers, third Hermite experts, orthonormal teacher, v ⟂ w at the start, raw norms 1; student-student overlaps 0 at the start (≪ d^{-1/2}); largest initial overlap at least \
            ¼ d^{-1/2}; the pair whose expert aligns first; d as in the tables, rates at the largest d, at the fixed numbers of students and teachers of the run.",
    ledger: Label::Supported,
    typical_seconds: 10.0,
    parameters: &[
        Parameter::integer(
            "replicates",
            "independent starts, each used at every dimension",
            "",
            [48, 100_000],
            [48, 120, 1000],
        ),
        Parameter::integer("decades", "largest dimension, as a power of ten", "", [6, 10], [6, 8, 8]),
        Parameter::integer(
            "figure-replicates",
            "starts in the published figure's setting",
            "",
            [12, 10_000],
            [60, 96, 400],
        ),
        Parameter::integer("students", "number m of students", "", [1, 8], [4, 4, 4]),
        Parameter::integer("teachers", "number m* of teachers", "", [1, 4], [2, 2, 2]),
        Parameter::real("tolerance", "local tolerance of the flow", "", [1e-12, 1e-6], [1e-7, 1e-8, 1e-9]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Smallest `κ_0 √d` of a replicate.
const LEAST: f64 = 0.25;
/// Router overlaps at which the rate is measured, and half the distance between the crossings that measure it.
const LEVELS: [f64; 6] = [0.05, 0.1, 0.3, 0.5, 0.7, 0.9];
const HALF: f64 = 0.005;
/// Time after the expert's alignment within which its router is expected at ½ and at 0.9; the law needs 2.39 and 5.90.
const PATIENCE: f64 = 30.0;
/// Raw norm that freezes an expert.
const FROZEN: f64 = 1e3;
/// Accepted shares of runs, ratios, and exponents of a time that does not depend on `d`.
const MOST: [f64; 2] = [0.6, 1.0];
const EQUAL: [f64; 2] = [0.98, 1.02];
const CONSTANT: [f64; 2] = [-0.02, 0.02];
/// The first pair of one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Follower {
    /// Time at which its expert reaches ½, and its router's overlap then: measured, and by the law.
    expert: Option<f64>,
    at_expert: Option<[f64; 2]>,
    /// Time at which its router reaches ½; the lag behind the expert by the law.
    router: Option<f64>,
    lag: Option<f64>,
    /// At each of [`LEVELS`], where the router got that far: time, `κ`, measured rate times `‖v‖²`.
    rates: Vec<Option<[f64; 3]>>,
}

impl Follower {
    fn follows(&self) -> bool {
        self.expert.zip(self.router).is_some_and(|(expert, router)| expert < router && router < expert + PATIENCE)
    }

    fn delay(&self) -> Option<f64> {
        Some(self.router? - self.expert?)
    }

    /// The lag behind the expert, over that of the law.
    pub(super) fn delay_over_law(&self) -> Option<f64> {
        Some(self.delay()? / self.lag?)
    }

    fn rate_over(&self, level: usize, law: &dyn Fn(f64, f64) -> f64) -> Option<f64> {
        self.rates[level].map(|[_, kappa, rate]| rate / law(kappa, LEVELS[level]))
    }
}

/// The coupled law of the module's documentation.
struct Law {
    table: CovarianceTable,
}

impl Law {
    fn new(router: Router) -> Self {
        Self { table: CovarianceTable::new(router, 2) }
    }

    fn router(&self, kappa: f64, beta: f64) -> f64 {
        6.0 * kappa.powi(3) * self.table.value(1, 1, beta) * (1.0 - beta * beta)
    }

    fn expert(&self, kappa: f64, beta: f64) -> f64 {
        18.0 * self.table.value(0, 0, beta) * kappa * kappa * (1.0 - kappa * kappa)
    }

    /// From `(κ_0, β_0)`: the router's overlap when the expert reaches ½, and the time from there until the router does. Fourth-order Runge-Kutta; halving the steps changes the sixth digit at most.
    fn follow(&self, kappa: f64, beta: f64) -> [f64; 2] {
        let step = |h: f64, y: [f64; 2], f: &dyn Fn([f64; 2]) -> [f64; 2]| {
            let along = |k: [f64; 2], a: f64| [y[0] + a * h * k[0], y[1] + a * h * k[1]];
            let k1 = f(y);
            let k2 = f(along(k1, 0.5));
            let k3 = f(along(k2, 0.5));
            let k4 = f(along(k3, 1.0));
            std::array::from_fn(|i| y[i] + h * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]) / 6.0)
        };
        let mut y = [kappa, beta];
        let steps = 400;
        for _ in 0..steps {
            // dβ/dκ: the waiting time does not appear.
            let slope = |[k, b]: [f64; 2]| [1.0, self.router(k, b) / self.expert(k, b)];
            y = step((0.5 - kappa) / f64::from(steps), y, &slope);
        }
        let at_expert = y[1];
        let (h, mut time) = (0.02, 0.0);
        let field = |[k, b]: [f64; 2]| [self.expert(k, b), self.router(k, b)];
        while y[1] < 0.5 && time < PATIENCE {
            let next = step(h, y, &field);
            if next[1] >= 0.5 {
                // The rate hardly changes within a step: the secant is exact to h² times its slope.
                return [at_expert, time + h * (0.5 - y[1]) / (next[1] - y[1])];
            }
            (y, time) = (next, time + h);
        }
        [at_expert, time]
    }
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let dimensions: Vec<u64> = (4..=run.integer("decades") as u32).step_by(2).map(|k| 10u64.pow(k)).collect();
    let replicates = eligible(run)?;
    let free = followers(run, "free", &dimensions, &replicates, Setting::Unit)?;
    let top = dimensions.len() - 1;
    let frozen = followers(run, "frozen", &dimensions[..1], &replicates, Setting::Frozen)?;
    let gaussian = followers(run, "gaussian-norms", &dimensions[..=1], &replicates, Setting::Gaussian)?;
    let figure = published_figure::panels(run)?;

    let law = Law::new(Router::Sigmoid);
    let at = format!("d = {:e}", dimensions[top] as f64);
    let share = |count: usize, of: usize, statement: String, accept: [f64; 2]| {
        Evidence::estimate(statement, LEVEL, statistics::proportion(count as u64, of as u64, LEVEL), accept)
    };
    let follows = |rows: &[Follower], what: &str| {
        let count = rows.iter().filter(|row| row.follows()).count();
        share(
            count,
            rows.len(),
            format!(
                "share of runs in which the router reaches ½ after its expert and within {PATIENCE} time units of it, {what}"
            ),
            MOST,
        )
    };
    let rate = |rows: &[Follower], level: usize, name: &str, at: &str, law: &dyn Fn(f64, f64) -> f64| {
        let ratios: Vec<f64> = rows.iter().filter_map(|row| row.rate_over(level, law)).collect();
        let statement = format!("measured dβ/dt over {name} at β = {}, {at}, median over runs", LEVELS[level]);
        Evidence::estimate(statement, LEVEL, statistics::median(&ratios, LEVEL), EQUAL)
    };
    let guided = |kappa: f64, beta: f64| law.router(kappa, beta);
    let exponent = |of: &dyn Fn(&Follower) -> Option<f64>, statement: &str| {
        let slopes = exponents(&dimensions, &free, of);
        Evidence::estimate(statement, LEVEL, statistics::mean(&slopes, LEVEL), CONSTANT)
    };
    let at_expert: Vec<f64> = free[top].iter().filter_map(|row| row.at_expert.map(|[seen, law]| seen - law)).collect();
    let lags: Vec<f64> = free[top].iter().filter_map(Follower::delay_over_law).collect();
    let mut evidence = vec![
        follows(&free[top], &at),
        Evidence::estimate(
            format!("router overlap when the expert reaches ½, minus that of the law (0.008), {at}, median over runs"),
            LEVEL,
            statistics::median(&at_expert, LEVEL),
            [-0.001, 0.001],
        ),
        Evidence::estimate(
            format!("lag of the router's ½ behind the expert's over that of the law, {at}, median over runs"),
            LEVEL,
            statistics::median(&lags, LEVEL),
            EQUAL,
        ),
        exponent(&|row| row.delay().map(f64::ln), "exponent of the lag in d over d ≥ 10⁴, mean over runs"),
    ];
    evidence.extend((0..LEVELS.len()).map(|level| rate(&free[top], level, "6κ³Φ_11(β)(1−β²)", &at, &guided)));
    let controls = vec![
        Control::new(
            "frozen experts leave their routers dormant: following is rejected",
            follows(
                &frozen[0],
                &format!(
                    "experts frozen, d = {:e}, followed for three times the free expert's time",
                    dimensions[0] as f64
                ),
            ),
        ),
        Control::new(
            "a rate with κ² in place of κ³ is rejected",
            rate(&free[top], 0, "6κ²Φ_11(β)(1−β²)", &at, &|kappa, beta| law.router(kappa, beta) / kappa),
        ),
        Control::new(
            "a rate with Φ_11(0) in place of Φ_11(β) is rejected",
            rate(&free[top], LEVELS.len() - 1, "6κ³Φ_11(0)(1−β²)", &at, &|kappa, beta| {
                law.router(kappa, beta) * law.table.value(1, 1, 0.0) / law.table.value(1, 1, beta)
            }),
        ),
        Control::new(
            "the expert's own time, ∝ √d, is rejected as one that does not depend on d",
            exponent(&|row| row.expert.map(f64::ln), "exponent of the expert's time in d over d ≥ 10⁴, mean over runs"),
        ),
    ];
    let finding = |title: &str, item: Evidence, witness| {
        Finding::judged(title, item.statement().to_string(), &[item], &controls, witness)
    };
    let findings = vec![finding(
        "raw norms are learning rates",
        rate(
            &gaussian[1],
            3,
            "6κ³Φ_11(β)(1−β²)/‖v‖²",
            &format!("Gaussian raw norms, d = {:e}", dimensions[1] as f64),
            &guided,
        ),
        json!(null),
    )];
    let findings: Vec<Finding> = findings.into_iter().chain(published_figure::findings(&figure, &controls)).collect();
    let tables = vec![times_table(&dimensions, &free), rate_table(&free[top], &law), published_figure::table(&figure)];
    let figures = vec![
        Figure::new(
            "lag",
            "the expert waits, the router follows",
            "times",
            "d",
            ["expert", "lag", "lag by the law"],
            [Scale::Log; 2],
        ),
        Figure::new(
            "rate",
            "rate of the router against its overlap",
            "rates",
            "β",
            ["measured", "law at κ = 1"],
            [Scale::Linear; 2],
        )
        .with_mark(Mark::x(0.5, "aligned")),
    ];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// Raw norms of a run.
#[derive(Clone, Copy, PartialEq)]
enum Setting {
    Unit,
    Gaussian,
    Frozen,
}

fn law_of(run: &Run<'_>, dimension: u64, setting: Setting) -> InitialLaw {
    let (students, teachers) = (run.integer("students") as usize, run.integer("teachers") as usize);
    let gaussian_norms = setting == Setting::Gaussian;
    InitialLaw { student_overlap: 0.0, gaussian_norms, ..InitialLaw::new(3, students, teachers, dimension) }
}

/// The first replicates whose best overlap is in the lemma's scope. Draws are paired, so one dimension decides for all.
fn eligible(run: &Run<'_>) -> Result<Vec<u64>, CheckError> {
    let law = law_of(run, 10_000_000_000, Setting::Unit);
    run.replicates(run.integer("replicates") as usize, |replicate| {
        let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
        Ok(start.order_parameters().best_pair().2 * 1e5 >= LEAST)
    })
}

/// Runs from every start at every dimension: `[dimension][replicate]`.
fn followers(
    run: &Run<'_>,
    sweep: &str,
    dimensions: &[u64],
    replicates: &[u64],
    setting: Setting,
) -> Result<Vec<Vec<Follower>>, CheckError> {
    let rows = run.units(sweep, dimensions.len() * replicates.len(), |unit| {
        let (d, replicate) = (dimensions[unit / replicates.len()], replicates[unit % replicates.len()]);
        follower(run, &law_of(run, d, setting), replicate, (setting == Setting::Frozen).then_some(FROZEN))
    })?;
    Ok(rows.chunks(replicates.len()).map(<[_]>::to_vec).collect())
}

/// Follows the pair that aligns first from one start; the run has a parameter `tolerance`. With experts held back by the raw norm `held` it is the pair that would align first, and its router is timed against the moment at which its
/// free expert would reach ½.
pub(super) fn follower(
    run: &Run<'_>,
    law: &InitialLaw,
    replicate: u64,
    held: Option<f64>,
) -> Result<Follower, CheckError> {
    let mut start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
    let overlaps = start.order_parameters();
    let mut row = Follower { expert: None, at_expert: None, router: None, lag: None, rates: vec![None; LEVELS.len()] };
    let Some(first) = start.claims().first().copied() else { return Ok(row) };
    if let Some(norm) = held {
        start = start.with_raw_norms(1.0, norm);
    }
    let mut pair = held.map(|_| (first.student, first.teacher));
    row.expert = held.map(|_| first.time);
    // The rate of β by its crossings on both sides of each level.
    let sides = LEVELS.iter().flat_map(|level| [Watch::Router(level - HALF), Watch::Router(level + HALF)]);
    let watches: Vec<Watch> = [Watch::Expert(0.5), Watch::Router(0.5)].into_iter().chain(sides).collect();
    let mut entered = [None; LEVELS.len()];
    let until = 3.0 * first.time + PATIENCE;
    let end = Cell::new(until);
    let ended = |time: f64| time >= end.get() || run.proceed().is_err();
    let flow = Flow::new(&start).tolerance(run.real("tolerance")).monitor(&ended);
    let outcome = flow.run(
        until,
        &watches,
        &[],
        |_, _| {},
        |event, state| {
            let (i, j, time) = (event.student, event.other, event.time);
            if event.watch == 0 && pair.is_none() {
                pair = Some((i, j));
                row.expert = Some(time);
                let norms = start.norms();
                end.set(time + PATIENCE * norms[i].powi(2).max(norms[overlaps.students() + i].powi(2)));
                let [at_expert, lag] = Law::new(law.router).follow(overlaps.expert(i, j), overlaps.router(i, j));
                row.at_expert = Some([state.router(i, j), at_expert]);
                row.lag = Some(lag);
            }
            if pair != Some((i, j)) || event.watch == 0 {
                return Stop::No;
            }
            if event.watch == 1 {
                row.router = Some(time);
                return Stop::No;
            }
            let (level, second) = ((event.watch - 2) / 2, event.watch % 2 == 1);
            let kappa = state.expert(i, j);
            match (second, entered[level]) {
                (false, None) => entered[level] = Some((time, kappa)),
                (true, Some((since, before))) if row.rates[level].is_none() => {
                    let rate = 2.0 * HALF / (time - since) * start.norms()[i].powi(2);
                    row.rates[level] = Some([0.5 * (time + since), 0.5 * (kappa + before), rate]);
                }
                _ => {}
            }
            Stop::No
        },
    );
    run.proceed()?;
    match outcome {
        Ok(_) | Err(FlowError::Stopped { .. }) => Ok(row),
        Err(error) => Err(CheckError::theory(error)),
    }
}

/// For each replicate, the slope of a logarithm in `ln d`; with two dimensions that of the line through both.
fn exponents(dimensions: &[u64], rows: &[Vec<Follower>], of: &dyn Fn(&Follower) -> Option<f64>) -> Vec<f64> {
    let last = dimensions.len() - 1;
    let decades = (dimensions[last] as f64 / dimensions[0] as f64).ln();
    rows[0].iter().zip(&rows[last]).filter_map(|(low, high)| Some((of(high)? - of(low)?) / decades)).collect()
}

fn times_table(dimensions: &[u64], sweeps: &[Vec<Follower>]) -> Table {
    let heads = ["d", "runs", "expert", "β at expert", "law", "onset", "lag", "lag by the law", "completion"];
    let mut table = Table::new("times", heads.map(|head| Column::new(head, "")));
    let last = LEVELS.len() - 1;
    for (&d, rows) in dimensions.iter().zip(sweeps) {
        let middle = |of: &dyn Fn(&Follower) -> Option<f64>| {
            statistics::median(&rows.iter().filter_map(of).collect::<Vec<_>>(), LEVEL).map(|e| e.value)
        };
        table.push([
            d.into(),
            rows.len().into(),
            middle(&|row| row.expert).into(),
            middle(&|row| row.at_expert.map(|x| x[0])).into(),
            middle(&|row| row.at_expert.map(|x| x[1])).into(),
            middle(&|row| Some(row.rates[0]?[0] - row.expert?)).into(),
            middle(&Follower::delay).into(),
            middle(&|row| row.lag).into(),
            middle(&|row| Some(row.rates[last]?[0] - row.expert?)).into(),
        ]);
    }
    table
}

fn rate_table(rows: &[Follower], law: &Law) -> Table {
    let heads = ["β", "runs", "κ", "measured", "over the law", "lower", "upper", "law at κ = 1"];
    let mut table = Table::new("rates", heads.map(|head| Column::new(head, "")));
    for (level, &beta) in LEVELS.iter().enumerate() {
        let of = |entry: usize| rows.iter().filter_map(|row| row.rates[level].map(|x| x[entry])).collect::<Vec<f64>>();
        let ratios: Vec<f64> = rows.iter().filter_map(|row| row.rate_over(level, &|k, b| law.router(k, b))).collect();
        let ratio = statistics::median(&ratios, LEVEL);
        let middle = |entry: usize| statistics::median(&of(entry), LEVEL).map(|e| e.value);
        table.push([
            beta.into(),
            ratios.len().into(),
            middle(1).into(),
            middle(2).into(),
            ratio.map(|e| e.value).into(),
            ratio.map(|e| e.interval[0]).into(),
            ratio.map(|e| e.interval[1]).into(),
            law.router(1.0, beta).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Effort;

    /// What the frozen twin is rejected by is that its experts are held back: at unit raw norm the same statistic finds that routers follow.
    #[test]
    fn the_frozen_twin_would_pass_if_it_were_not_frozen() {
        let run = Run::new(&LEMMA, Effort::Quick, 0);
        let follows = |held: f64| {
            let law = law_of(&run, 10_000, Setting::Unit);
            let rows = eligible(&run).unwrap().into_iter().take(12);
            rows.filter(|replicate| follower(&run, &law, *replicate, Some(held)).unwrap().follows()).count()
        };
        assert!(follows(1.0) >= 9, "{}", follows(1.0));
        assert_eq!(follows(FROZEN), 0);
    }
}

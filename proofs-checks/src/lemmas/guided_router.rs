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
//! back: the twin freezes all experts (raw norms of a thousand: rates of `10⁻⁶`), and every router's overlap is then held against the law at the `κ` that is held (`guided_router/frozen.rs`).
//!
//! To leading order the law holds for every pair that is recovered, not only the first: a learned pair leaves the residual, and what is left of it for other students is of the order of their overlaps. So each item is asked of every pair of a run: it is the pair furthest from the law that is counted.
//! It fails for a pair whose expert a redundant student drags away (`pruning`) before its router has arrived, which asks for `d/(15.34c²)` within the time of the last recovery: a finding counts such pairs.
//!
//! Under the paper's random start the claim does not extend to every router. In the published figure's setting one run in four has, at `t = 25` or so, a router that aligns with a teacher while its own expert stands at an overlap of −0.3 or so with that teacher, which
//! *another* student has recovered. No router is seen to align with a teacher before some expert has recovered it. Two findings count the two events; a claim that holds with high probability is granted one run in ten where no router may be ahead of the experts, and one in twenty where each is to follow its own: 104 runs are
//! the fewest that could support that (all of 104 give `[0.9503, 1]`). Of 400 runs (seed 21) 292 had every router behind its own expert; at such a share of 0.73 the upper end of 108 runs is above 0.95 with probability `10⁻⁴`.
//!
//! # Where the bounds come from
//!
//! The other overlaps are `O(d^{−1/2})` and enter with constants of order ten: relative corrections of 0.01 at `d = 10⁶`, `[0.98, 1.02]` leaves a factor two. The rate is measured as `2h/Δt` between the crossings of `β ∓ h`, `h = 0.005`, against
//! the law at the mean overlaps: an error of order `h²` times second derivatives of order ten, below `10⁻³`. The lags of onset and completion are the means of two such crossings, off by `½h²·d²t/dβ²`: a part `2·10⁻³` of the shorter one. Behind an expert that jumps from ½ to 1
//! the router would be ahead by `∫(1−κ³)dt`, with `dt = dκ/(4.5κ²(1−κ²))` from ½ on 0.29: of the longest lag, 5.9, that is 5 %. The overlap at which the router stands when its expert reaches ½ is compared with the integrated law to `±0.001`, an eighth of what it gains (corrections:
//! 0.01 of that). The lag's exponent in `d` is 0 up to a random part: at `d = 10⁴` the lag moves by `β_0/0.2`, a relative 0.02 to 0.05 over a logarithm of 4.6, so 0.01 a pair, hardly more for the larger of two, and 0.002 for the median of 48 runs: `±0.02` is ten of these, and excludes ½ and every
//! power that a waiting time could have. Shares of runs: a pair in scope fails
//! only in a tie (`sequential-recovery`), at some per cent; 0.6 is reached from an interval of 48 runs with probability below `10⁻⁴`. Raw norms from `{½, 1, 2}` change rates by factors of four, and 2 % at `d = 10⁴` hold the same corrections, for every pair; without `‖v‖²` a run is right in one of nine, where both its routers have norm 1.
//! Single pairs within 5 %, for the same reason at every `d`, but for those whose expert is dragged away: at `d = 10⁴` and a last overlap of `¼ d^{−1/2}` a redundant student needs an overlap of `2.6 d^{−1/2}`, which some per cent of the pairs may have; 0.8 of 96 pairs leaves nine.
//! The expert stands at 0.91 when its router passes 0.05: a rate with `κ²` is off by 9 % there, for every pair.

mod frozen;
mod published_figure;
mod pursuit;

use moe_kernels::Router;
use moe_theory::soft_routed::InitialLaw;
use rand::RngExt;
use serde_json::json;

use crate::{
    Cell, CheckError, Column, Control, Evidence, Figure, Finding, Findings, Label, Lemma, Mark, Parameter, Run, Scale,
    Table, statistics,
};

use frozen::FROZEN;
pub(super) use pursuit::{Follower, LEVELS, Law, delays_over_law, pursue};
use pursuit::{PATIENCE, STAGES, furthest};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "guided-router",
    paper: "2510.07205",
    claim: "Routers are guided by their experts: from most starts the router of every student that recovers a teacher reaches ½ and 0.9 after its expert and soon after it; in the median run, judged by its pair furthest from the law, it is dormant until its expert aligns and follows after a lag that does not depend on d, \
            from onset to completion at the law's times, at the rate dβ/dt = 6κ³Φ_11(β)(1−β²) within 2 %.",
    scope: "Population gradient flow, x ~ N(0, I_d), sigmoid routers, third Hermite experts, orthonormal teacher, v ⟂ w at the start, raw norms 1; student-student overlaps 0 at the start (≪ d^{-1/2}); the overlaps of all min(m, m*) pairs that the deflated law \
            recovers at least ¼ d^{-1/2}; d as in the tables, rates at the largest d (single pairs at the smallest d may have others, a finding), at the fixed numbers of students and teachers of the run.",
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
            [108, 120, 400],
        ),
        Parameter::integer("students", "number m of students", "", [1, 8], [4, 4, 4]),
        Parameter::integer("teachers", "number m* of teachers", "", [1, 4], [2, 2, 2]),
        Parameter::real("tolerance", "local tolerance of the flow", "", [1e-12, 1e-6], [1e-7, 1e-8, 1e-9]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Smallest `κ_0 √d` of a pair.
const LEAST: f64 = 0.25;
/// Accepted shares of runs, ratios, and exponents of a time that does not depend on `d`.
const MOST: [f64; 2] = [0.6, 1.0];
const NEARLY_ALL: [f64; 2] = [0.8, 1.0];
const EQUAL: [f64; 2] = [0.98, 1.02];
const CONSTANT: [f64; 2] = [-0.02, 0.02];
/// What a single pair's rate may be off by.
const NEAR: f64 = 0.05;
/// Which pair stands for a run.
const FURTHEST: &str = "of each run the pair furthest from it, median over runs";
/// The place in [`LEVELS`] at which raw norms are looked at, and the purpose of their random stream; the law of the start has 0 and 1.
const MIDDLE: usize = 3;
const NORMS: u32 = 2;

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let dimensions: Vec<u64> = (4..=run.integer("decades") as u32).step_by(2).map(|k| 10u64.pow(k)).collect();
    let replicates = eligible(run)?;
    let free = followers(run, "free", &dimensions, &replicates, Setting::Unit)?;
    let top = dimensions.len() - 1;
    let frozen: Vec<frozen::Held> = run.units("frozen", replicates.len(), |unit| {
        let start = law_of(run, dimensions[0]).sample(run.seed(), replicates[unit]).map_err(CheckError::theory)?;
        frozen::pursue(run, &start, FROZEN)
    })?;
    let held_back: Vec<Vec<Follower>> = frozen.iter().map(|row| row.pairs.clone()).collect();
    let [dormant, mobile] = frozen::dormant(&frozen, dimensions[0]);
    let unequal = followers(run, "unequal-norms", &dimensions[..1], &replicates, Setting::Unequal)?;
    let pairs = run.integer("students").min(run.integer("teachers")) as usize;
    let figure = published_figure::panels(run)?;

    let law = Law::new(Router::Sigmoid);
    let at = format!("d = {:e}", dimensions[top] as f64);
    let share = |rows: &[Vec<Follower>], of: &dyn Fn(&Follower) -> bool, what: String| {
        let count = rows.iter().filter(|row| row.len() == pairs && row.iter().all(of)).count() as u64;
        let statement = format!("share of runs in which each of the {pairs} pairs {what}");
        Evidence::estimate(statement, LEVEL, statistics::proportion(count, rows.len() as u64, LEVEL), MOST)
    };
    let follows = |rows: &[Vec<Follower>], what: &str| {
        let what = format!(
            "has its router at ½ and at 0.9 after its expert's ½ and within {PATIENCE} time units of that, {what}"
        );
        share(rows, &Follower::follows, what)
    };
    // A run that lacks a pair, or a number of one, may be on either side.
    let whole = |row: &&Vec<Follower>| row.len() == pairs;
    let median = |values: &[f64]| statistics::median_of_all(values, free[top].len(), LEVEL);
    let rate = |level: usize, name: &str, law: &dyn Fn(f64, f64) -> f64| {
        let of = |row: &Vec<Follower>| furthest(row, 1.0, &|pair| pair.rate_over(level, law));
        let ratios: Vec<f64> = free[top].iter().filter(whole).filter_map(of).collect();
        let statement = format!("measured dβ/dt over {name} at β = {}, {at}, {FURTHEST}", LEVELS[level]);
        Evidence::estimate(statement, LEVEL, median(&ratios), EQUAL)
    };
    let guided = |kappa: f64, beta: f64| law.router(kappa, beta);
    let exponent = |of: &dyn Fn(&Follower) -> Option<f64>, statement: &str| {
        Evidence::estimate(statement, LEVEL, median(&exponents(&dimensions, &free, pairs, of)), CONSTANT)
    };
    let standing = |what: &str, law: usize| {
        let of = |row: &Vec<Follower>| furthest(row, 0.0, &|pair| pair.at_expert.map(|seen| seen[0] - seen[law]));
        let differences: Vec<f64> = free[top].iter().filter(whole).filter_map(of).collect();
        let statement = format!("router overlap when the expert reaches ½, minus {what}, {at}, {FURTHEST}");
        Evidence::estimate(statement, LEVEL, median(&differences), [-0.001, 0.001])
    };
    let lag = |stage: usize, what: &str, of: &dyn Fn(&Follower) -> Option<f64>| {
        let lags: Vec<f64> = free[top].iter().filter(whole).filter_map(|row| furthest(row, 1.0, of)).collect();
        let statement = format!(
            "lag of the router's {} behind the expert's ½ over that {what}, {at}, {FURTHEST}",
            LEVELS[STAGES[stage]]
        );
        Evidence::estimate(statement, LEVEL, median(&lags), EQUAL)
    };
    // At the rate that a router at rest has behind an aligned expert; at the law's with an expert that is aligned from ½ on.
    let steady = |pair: &Follower| Some(pair.delay(1)? * law.router(1.0, 0.0) / (0.5 - pair.at_expert?[0]));
    let at_once = |pair: &Follower, stage: usize| Some(pair.delay(stage)? / law.lags(1.0, pair.at_expert?[1])[stage]);
    let mut evidence = vec![
        follows(&free[top], &at),
        standing("that of the law (0.008)", 1),
        exponent(
            &|pair| pair.delay(1).map(f64::ln),
            "exponent of the lag in d over d ≥ 10⁴, of each run the pair furthest from 0, median over runs",
        ),
    ];
    evidence.extend((0..STAGES.len()).map(|stage| lag(stage, "of the law", &|pair| pair.delay_over_law(stage))));
    evidence.extend((0..LEVELS.len()).map(|level| rate(level, "6κ³Φ_11(β)(1−β²)", &guided)));
    evidence.push(dormant);
    let mut controls = vec![
        Control::new(
            "frozen experts leave their routers dormant: following is rejected",
            follows(
                &held_back,
                &format!(
                    "experts frozen, d = {:e}, followed for three times the free expert's time",
                    dimensions[0] as f64
                ),
            ),
        ),
        Control::new("a router that does not move until then is rejected", standing("its overlap at the start", 2)),
        Control::new("a router at the constant rate 6A_1² is rejected", lag(1, "at the rate 6A_1²", &steady)),
        Control::new("frozen experts that pull with κ² in place of κ³ are rejected", mobile),
        Control::new(
            "a rate with κ² in place of κ³ is rejected",
            rate(0, "6κ²Φ_11(β)(1−β²)", &|kappa, beta| law.router(kappa, beta) / kappa),
        ),
        Control::new(
            "a rate with Φ_11(0) in place of Φ_11(β) is rejected",
            rate(LEVELS.len() - 1, "6κ³Φ_11(0)(1−β²)", &|kappa, beta| {
                law.router(kappa, 0.0) * (1.0 - beta * beta)
            }),
        ),
        Control::new(
            "the expert's own time, ∝ √d, is rejected as one that does not depend on d",
            exponent(
                &|pair| Some(pair.expert.ln()),
                "exponent of the expert's time in d over d ≥ 10⁴, of each run the pair furthest from 0, median over runs",
            ),
        ),
    ];
    controls.extend((0..STAGES.len()).map(|stage| {
        let twin = lag(stage, "behind an expert that jumps from ½ to 1", &|pair| at_once(pair, stage));
        Control::new("a router whose expert is aligned at once is rejected", twin)
    }));
    let within = |name: &str, law: &dyn Fn(&Follower) -> Option<f64>| {
        let what = format!(
            "has dβ/dt at β = {} within 2 % of {name}, raw norms of each vector from {{½, 1, 2}}, d = {:e}",
            LEVELS[MIDDLE], dimensions[0] as f64
        );
        share(&unequal[0], &|pair| law(pair).is_some_and(|ratio| (EQUAL[0]..=EQUAL[1]).contains(&ratio)), what)
    };
    let item = within("6κ³Φ_11(β)(1−β²)/‖v‖²", &|pair| pair.rate_over(MIDDLE, &guided));
    let without = within("6κ³Φ_11(β)(1−β²)", &|pair| Some(pair.rate_over(MIDDLE, &guided)? / pair.inertia));
    let norms = Finding::judged(
        "raw norms are learning rates",
        item.statement().to_string(),
        &[item],
        &[Control::new("a rate without ‖v‖² is rejected", without)],
        json!(null),
    );
    let single = |k: usize, level: usize, name: &str, law: &dyn Fn(f64, f64) -> f64| {
        let pairs = || free[k].iter().flatten();
        let near = |pair: &&Follower| pair.rate_over(level, law).is_some_and(|ratio| (ratio - 1.0).abs() <= NEAR);
        let share = statistics::proportion(pairs().filter(near).count() as u64, pairs().count() as u64, LEVEL);
        let statement = format!(
            "share of recovered pairs with dβ/dt within 5 % of {name} at β = {}, d = {:e}",
            LEVELS[level], dimensions[k] as f64
        );
        Evidence::estimate(statement, LEVEL, share, NEARLY_ALL)
    };
    let cells = || [0, top].into_iter().flat_map(|k| (0..LEVELS.len()).map(move |level| (k, level)));
    let items: Vec<Evidence> = cells().map(|(k, level)| single(k, level, "6κ³Φ_11(β)(1−β²)", &guided)).collect();
    let lowest = cells().map(|(k, level)| {
        let ratios: Vec<f64> = free[k].iter().flatten().filter_map(|pair| pair.rate_over(level, &guided)).collect();
        json!({ "d": dimensions[k], "β": LEVELS[level], "pairs": free[k].iter().flatten().count(), "with a rate": ratios.len(),
            "off by more than 5 %": ratios.iter().filter(|ratio| (*ratio - 1.0).abs() > NEAR).count(),
            "lowest ratio": ratios.iter().copied().reduce(f64::min) })
    });
    let singles = Finding::judged(
        "nearly every recovered pair has the rate",
        items.iter().map(|item| item.statement().to_string()).collect::<Vec<_>>().join("; "),
        &items,
        &[Control::new(
            "a rate with κ² in place of κ³ is rejected",
            single(0, 0, "6κ²Φ_11(β)(1−β²)", &|kappa, beta| law.router(kappa, beta) / kappa),
        )],
        json!(lowest.collect::<Vec<_>>()),
    );
    let findings: Vec<Finding> = [norms, singles].into_iter().chain(published_figure::findings(&figure)).collect();
    let tables = vec![
        times_table(&dimensions, &free),
        pair_table(&free[top], pairs),
        rate_table(&free[top], &law),
        published_figure::table(&figure),
    ];
    let figures = vec![
        Figure::new("lag", "the expert waits, the router follows", "times", "d", ["expert", "lag"], [Scale::Log; 2])
            .with_laws(["lag by the law"]),
        Figure::new("rate", "rate of the router against its overlap", "rates", "β", ["measured"], [Scale::Linear; 2])
            .with_laws(["law at κ = 1"])
            .with_mark(Mark::x(0.5, "aligned")),
    ];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// Raw norms of a run: all 1, or each drawn from {½, 1, 2}.
#[derive(Clone, Copy, PartialEq)]
enum Setting {
    Unit,
    Unequal,
}

fn law_of(run: &Run<'_>, dimension: u64) -> InitialLaw {
    let (students, teachers) = (run.integer("students") as usize, run.integer("teachers") as usize);
    InitialLaw { student_overlap: 0.0, ..InitialLaw::new(3, students, teachers, dimension) }
}

/// The first replicates in the lemma's scope: as many pairs as there can be, the last one's overlap large enough. Draws are paired, so one dimension decides for all.
fn eligible(run: &Run<'_>) -> Result<Vec<u64>, CheckError> {
    let law = law_of(run, 10_000_000_000);
    let pairs = law.students.min(law.teachers);
    run.replicates(run.integer("replicates") as usize, |replicate| {
        let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
        let overlaps = start.order_parameters();
        let last = start.claims().get(pairs - 1).map(|last| overlaps.expert(last.student, last.teacher));
        Ok(last.is_some_and(|kappa| kappa * 1e5 >= LEAST))
    })
}

/// Runs from every start at every dimension: `[dimension][replicate][pair]`.
fn followers(
    run: &Run<'_>,
    sweep: &str,
    dimensions: &[u64],
    replicates: &[u64],
    setting: Setting,
) -> Result<Vec<Vec<Vec<Follower>>>, CheckError> {
    let rows = run.units(sweep, dimensions.len() * replicates.len(), |unit| {
        let (d, replicate) = (dimensions[unit / replicates.len()], replicates[unit % replicates.len()]);
        let start = law_of(run, d).sample(run.seed(), replicate).map_err(CheckError::theory)?;
        let pairs = start.students().min(start.teachers());
        match setting {
            Setting::Unit => pursue(run, &start, pairs),
            Setting::Unequal => {
                let mut draws = run.substream(replicate, NORMS);
                let norms: Vec<f64> = start.norms().iter().map(|_| [0.5, 1.0, 2.0][draws.random_range(0..3)]).collect();
                pursue(run, &start.with_norms(&norms), pairs)
            }
        }
    })?;
    Ok(rows.chunks(replicates.len()).map(<[_]>::to_vec).collect())
}

/// For each replicate that has all pairs at both the slope of a logarithm in `ln d` through the least and the largest dimension, of the pair for which it is furthest from 0.
fn exponents(
    dimensions: &[u64],
    rows: &[Vec<Vec<Follower>>],
    pairs: usize,
    of: &dyn Fn(&Follower) -> Option<f64>,
) -> Vec<f64> {
    let last = dimensions.len() - 1;
    let decades = (dimensions[last] as f64 / dimensions[0] as f64).ln();
    let slope =
        |low: &Follower, high: &[Follower]| Some((of(high.iter().find(|pair| pair.is(low))?)? - of(low)?) / decades);
    let both = rows[0].iter().zip(&rows[last]).filter(|(low, _)| low.len() == pairs);
    both.filter_map(|(low, high)| furthest(low, 0.0, &|pair| slope(pair, high))).collect()
}

/// Medians over pairs of what routers and experts do.
const HEADS: [&str; 8] = ["pairs", "expert", "β at expert", "law", "onset", "lag", "lag by the law", "completion"];

fn medians<'a>(pairs: impl Iterator<Item = &'a Follower> + Clone) -> [Cell; 8] {
    let middle = |of: &dyn Fn(&Follower) -> Option<f64>| -> Cell {
        statistics::median(&pairs.clone().filter_map(of).collect::<Vec<_>>(), LEVEL).map(|e| e.value).into()
    };
    [
        pairs.clone().count().into(),
        middle(&|pair| Some(pair.expert)),
        middle(&|pair| pair.at_expert.map(|x| x[0])),
        middle(&|pair| pair.at_expert.map(|x| x[1])),
        middle(&|pair| pair.delay(0)),
        middle(&|pair| pair.delay(1)),
        middle(&|pair| Some(pair.lags?[1])),
        middle(&|pair| pair.delay(2)),
    ]
}

/// All pairs at every dimension.
fn times_table(dimensions: &[u64], sweeps: &[Vec<Vec<Follower>>]) -> Table {
    let mut table = Table::new("times", std::iter::once("d").chain(HEADS).map(|head| Column::new(head, "")));
    for (&d, rows) in dimensions.iter().zip(sweeps) {
        table.push(std::iter::once(d.into()).chain(medians(rows.iter().flatten())));
    }
    table
}

/// The pairs at the largest dimension, by the order in which their experts align.
fn pair_table(rows: &[Vec<Follower>], pairs: usize) -> Table {
    let mut table = Table::new("pairs", std::iter::once("place").chain(HEADS).map(|head| Column::new(head, "")));
    for place in 0..pairs {
        table.push(std::iter::once((place + 1).into()).chain(medians(rows.iter().filter_map(|row| row.get(place)))));
    }
    table
}

fn rate_table(rows: &[Vec<Follower>], law: &Law) -> Table {
    let heads = ["β", "pairs", "κ", "measured", "over the law", "lowest", "highest", "law at κ = 1"];
    let mut table = Table::new("rates", heads.map(|head| Column::new(head, "")));
    for (level, &beta) in LEVELS.iter().enumerate() {
        let pairs = || rows.iter().flatten();
        let of = |entry: usize| pairs().filter_map(|pair| pair.rates[level].map(|x| x[entry])).collect::<Vec<f64>>();
        let ratios: Vec<f64> = pairs().filter_map(|pair| pair.rate_over(level, &|k, b| law.router(k, b))).collect();
        let middle = |values: &[f64]| statistics::median(values, LEVEL).map(|e| e.value);
        table.push([
            beta.into(),
            ratios.len().into(),
            middle(&of(1)).into(),
            middle(&of(2)).into(),
            middle(&ratios).into(),
            ratios.iter().copied().reduce(f64::min).into(),
            ratios.iter().copied().reduce(f64::max).into(),
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
            let law = law_of(&run, 10_000);
            let rows = eligible(&run).unwrap().into_iter().take(12);
            let starts = rows.map(|replicate| law.sample(run.seed(), replicate).unwrap());
            starts
                .filter(|start| frozen::pursue(&run, start, held).unwrap().pairs.iter().all(Follower::follows))
                .count()
        };
        assert!(follows(1.0) >= 9, "{}", follows(1.0));
        assert_eq!(follows(FROZEN), 0);
    }
}

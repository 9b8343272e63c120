//! `s = v̄·w̄`: its first decay, and what becomes of it once units align.
//!
//! # The drift (orders derived here)
//!
//! An expert that turns through an angle of order one, to a teacher's expert `w*_j` or away from another student's `w̄_k`, does so in a time of order one, no longer than `1/2.246`: it takes `s` along by a share of `v̄_i·w*_j` or `v̄_i·w̄_k`, a standard normal over `√d` like the
//! `s` of a start as drawn, before the restoring force has its way. So the largest `|s|` over all students later is a multiple of the largest one of a start *without* orthogonalisation, free of `d`; the multiple is measured, not derived, and the finding is that it exceeds 1: `[1, 10]`.
//! Where nothing aligns nothing drifts: at `d = 10⁸`, up to the same time, the teacher and the other students move `s` by `O(1/d)` only. That is the twin.
//!
//! Of the start's own `s` there is `e^{−6.7} = 10⁻³` left when the drift is looked at. What it leaves behind is the turn: overlaps that differ by `(s/2) v̄·w*`, relative `|zz'|/(2c) d^{−1/2}`, half a per cent for a typical pair at `d = 1000` and some per cent where several of them decide, more where an
//! alignment falls on the edge of the window. So the largest `|s|` from the two starts of one draw has the ratio 1; a median of 24 such ratios that vary by 5 % each is known to 0.03, and `±0.1` is three of these. Before the first decay is over (the twin, `t ≤ ½` along the same flows) the start as drawn still has its own `s`,
//! and the ratio is that of a start's overlap to the beginnings of a drift.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, InitialLaw, OrderParameters, Start, Stop};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{LEVEL, judged};
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

/// Dimension at which the decay is measured.
const DECAY: u64 = 100_000_000;
/// The published figure: students, teachers, dimension, how long it is followed, and when the first decay is over; and a dimension in which nothing aligns meanwhile.
const FIGURE: (usize, usize, u64, f64, f64) = (25, 5, 1000, 10.0, 3.0);
const FAR: u64 = 100_000_000;
/// Moments before the first decay is over.
const EARLY: [f64; 3] = [0.0, 0.25, 0.5];
/// Starts that are followed there: enough for an interval of the median.
const FEW: usize = 8;

/// The largest `|v̄·w̄|` over the students of one draw.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Drift {
    /// As drawn, at the start.
    drawn: f64,
    /// In `t ≤ ½` and in `t = 3 … 10`, from the orthogonal start and from the start as drawn.
    with: [f64; 2],
    without: [f64; 2],
    /// In `t = 3 … 10` from the orthogonal start over that as drawn, in the dimension in which nothing aligns; the first starts only.
    far: Option<f64>,
}

/// For each start the decay rate of `v̄·w̄` of one student over a unit of time, and the rate that the degree-two part alone would give: `4 L_2/s²`.
pub(super) fn decay(run: &Run<'_>) -> Result<Vec<(f64, f64)>, CheckError> {
    run.units("decay", run.integer("replicates") as usize, |unit| {
        let law = InitialLaw { orthogonal: false, ..InitialLaw::new(3, 1, 1, DECAY) };
        let start = law.sample(run.seed(), unit as u64).map_err(CheckError::theory)?;
        let mut states = Vec::new();
        let flow = Flow::new(&start).tolerance(run.real("tolerance"));
        run.follow(flow, 1.0, &[], &[0.0, 1.0], |_, state| states.push(state), |_, _| Stop::No)?;
        let [before, after] = [&states[0], &states[1]].map(|state| state.own(0));
        Ok(((before / after).abs().ln(), 4.0 * states[0].degree_two_loss(Router::Sigmoid) / before.powi(2)))
    })
}

/// That it decays at `36|A_3|`, of which the degree-two part makes the share `A_1²/|A_3|`.
pub(super) fn decay_findings(rows: &[(f64, f64)]) -> Vec<Finding> {
    let rate = -36.0 * Router::Sigmoid.hermite().value(3);
    let slow = 36.0 * Router::Sigmoid.hermite().value(1).powi(2);
    let median = |values: &[f64]| statistics::median(values, LEVEL);
    let rates: Vec<f64> = rows.iter().map(|(rate, _)| *rate).collect();
    let decays = |against: f64, what: &str| {
        let ratios: Vec<f64> = rates.iter().map(|measured| measured / against).collect();
        let statement = format!("decay rate of v·w over {what}, d = 1e8, median over starts");
        Evidence::estimate(statement, LEVEL, median(&ratios), [0.99, 1.01])
    };
    let parts: Vec<f64> = rows.iter().map(|(rate, two)| two / rate).collect();
    let part = |accept, what: &str| {
        let statement =
            format!("share of the degree-two part in the decay rate of v·w {what}, d = 1e8, median over starts");
        Evidence::estimate(statement, LEVEL, median(&parts), accept)
    };
    vec![
        judged(
            "v·w decays by itself, at the rate 36|A_3|",
            vec![decays(rate, "36|A_3| = 2.246")],
            Control::new(
                "the rate of the degree-two part alone, 36A_1² = 1.537, is rejected",
                decays(slow, "the rate of the degree-two part alone"),
            ),
            json!(median(&rates).map(|e| e.interval)),
        ),
        judged(
            "the degree-two part makes A_1²/|A_3| = 0.684 of that rate, even degrees above the rest",
            vec![part([0.674, 0.694], "is 0.684")],
            Control::new("the whole rate is rejected", part([0.99, 1.01], "is 1")),
            json!(median(&parts).map(|e| e.interval)),
        ),
    ]
}

/// The drift of every start in the published figure's setting.
pub(super) fn drifts(run: &Run<'_>) -> Result<Vec<Drift>, CheckError> {
    let (students, teachers, dimension, ..) = FIGURE;
    let largest = |state: &OrderParameters| (0..students).map(|i| state.own(i).abs()).fold(0.0, f64::max);
    run.units("figure", run.integer("figure-replicates") as usize, |unit| {
        let start = |dimension, orthogonal| {
            let law = InitialLaw { orthogonal, ..InitialLaw::new(3, students, teachers, dimension) };
            law.sample(run.seed(), unit as u64).map_err(CheckError::theory)
        };
        let along = |start: &Start| {
            let (.., until, settled) = FIGURE;
            let late = (0..=28).map(|k| settled + f64::from(k) * (until - settled) / 28.0);
            let times: Vec<f64> = EARLY.into_iter().chain(late).collect();
            let mut most = [0.0_f64; 2];
            run.follow(
                Flow::new(start).tolerance(1e-6),
                until,
                &[],
                &times,
                |k, state| {
                    let most = &mut most[usize::from(k >= EARLY.len())];
                    *most = most.max(largest(&state));
                },
                |_, _| Stop::No,
            )?;
            Ok::<_, CheckError>(most)
        };
        let (orthogonal, as_drawn) = (start(dimension, true)?, start(dimension, false)?);
        let far = if unit < FEW {
            Some(along(&start(FAR, true)?)?[1] / largest(&start(FAR, false)?.order_parameters()))
        } else {
            None
        };
        let drawn = largest(&as_drawn.order_parameters());
        Ok(Drift { drawn, with: along(&orthogonal)?, without: along(&as_drawn)?, far })
    })
}

/// That orthogonality does not last, and that what replaces it is the same with and without it at the start.
pub(super) fn drift_findings(rows: &[Drift]) -> Vec<Finding> {
    let median =
        |of: &dyn Fn(&Drift) -> Option<f64>| statistics::median(&rows.iter().filter_map(of).collect::<Vec<_>>(), LEVEL);
    let ratio = |what: &str, accept, of: &dyn Fn(&Drift) -> Option<f64>| {
        let statement = format!("largest |v·w| {what}, m = 25, m* = 5, median of the ratios of matched starts");
        Evidence::estimate(statement, LEVEL, median(of), accept)
    };
    let (beyond, same) = ([1.0, 10.0], [0.9, 1.1]);
    let lasting = |row: &Drift| Some(row.with[1] / row.drawn);
    let repeated = |row: &Drift| Some(row.without[1] / row.with[1]);
    let grown = "in t = 3 … 10 from an orthogonal start over that as drawn at t = 0";
    let compared = "without v ⟂ w at the start over that with it, d = 1000";
    vec![
        judged(
            "v ⟂ w does not last: alignments drive v·w beyond that of a start without it",
            vec![ratio(&format!("{grown}, d = 1000"), beyond, &lasting)],
            Control::new(
                "d = 1e8, where nothing aligns by then, is rejected",
                ratio(&format!("{grown}, d = 1e8"), beyond, &|row| row.far),
            ),
            json!(median(&lasting).map(|e| e.interval)),
        ),
        judged(
            "the later drift of v·w is the same without v ⟂ w at the start as with it",
            vec![ratio(&format!("in t = 3 … 10 {compared}"), same, &repeated)],
            Control::new(
                "the same before the first decay is over, t ≤ ½, is rejected",
                ratio(&format!("in t ≤ ½ {compared}"), same, &|row| Some(row.without[0] / row.with[0])),
            ),
            json!(median(&repeated).map(|e| e.interval)),
        ),
    ]
}

/// The drift of each start, some of them.
pub(super) fn table(rows: &[Drift]) -> Table {
    let heads =
        ["replicate", "as drawn", "t ≤ ½", "t ≤ ½ as drawn", "t = 3 … 10", "t = 3 … 10 as drawn", "ratio", "d = 1e8"];
    let mut table = Table::new("drift", heads.map(|head| Column::new(head, "")));
    for (replicate, row) in rows.iter().enumerate().take(24) {
        let ([early, late], [early_without, late_without]) = (row.with, row.without);
        let numbers = [row.drawn, early, early_without, late, late_without, late_without / late];
        table.push(
            std::iter::once(replicate.into()).chain(numbers.map(Into::into)).chain(std::iter::once(row.far.into())),
        );
    }
    table
}

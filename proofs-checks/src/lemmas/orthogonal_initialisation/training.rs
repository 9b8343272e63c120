//! `v ⟂ w` during training by steps: what SGD does to it, and what it would change to enforce it.
//!
//! # Under SGD (derived here)
//!
//! Every batch kicks `s = v̄·w̄` of a dormant student by a random amount of mean zero and of variance `η²σ_s²/B` (`EffectiveSgd::own_overlap_variance`: 2061 for one student and one teacher), and the restoring force takes the share `ηλ` of it back in each step, `λ = 36|A_3| = 2.246`. So `s` does not walk away: it settles
//! at the variance
//!
//! ```text
//! S(η, B) = η²(σ_s²/B)/(1 − (1 − ηλ)²) = 459 η/B (1 + O(ηλ))
//! ```
//!
//! free of `d`. SGD follows the flow as long as `η/B ≪ c d^{−3/2}/100` (theory X7), where this is a root mean square below `2.1 √c d^{−3/4}`: less than the `d^{−1/2}` of a start that was never made orthogonal, from `d = 21c²` on, and such a start has the flow's times and teachers.
//!
//! One student, one teacher, expert overlap −0.3 (it does not align), `d` = 8 and, with twice the batch, 15, so that raw norms grow by `ε t = (η/B)·450·7·4 = 0.05` at most. `s²` is averaged over `t = 2 … 4`, after which of the start `e^{−4.5·2} = 10⁻⁴` is left. What the law leaves out: growth of the norms, up to `1.5 · 0.05 · ¾ = 0.06` of the variance; overlaps of 0.1 with the
//! teacher, `111.6κ²/450`: 0.002; Euler's second order is in `S`. The mean is taken of `s² − l² + S_l`, where `l ← (1 − ηλ)l − ηξ` with the same kicks `ξ` is what the linear law makes of them and `S_l`, its mean, comes from the mean of all `ξ²`: the same mean, and hardly any variance but that of `ξ²`. The contribution of one input
//! to it is a polynomial of degree 12 with the relative fourth moment `κ_4 = 20000`, so that 12 runs of `10⁶` inputs leave a relative deviation of `√(20000/12·10⁶) = 0.04` and an interval of `±0.11`, in single checks of twice that, tails being heavy: with the 0.06 it lies in `1 ± 0.3`. Without a restoring force the variance would be `(η/B)σ_s² t`, `2λt = 13` times as much at `t = 3`.
//!
//! # Enforced
//!
//! After every step of gradient descent on the population loss the component along `w` is taken from `v`. From one start the two descents, with and without that, are to end alike in at least half of the starts, in the sense of the claim: before alignments `s` is `O(1/d)` either way, and what an alignment does to the `s` of other students turns their overlaps by relative `O(d^{−1/2})`, as a start that is
//! left as drawn does. So the bounds are those of the starts: at least every second start alike, and pairs as exact, up to a factor of 1.1 in the median. Steps of 0.05 are below a third of `2/6.47`, and of both alike.
//!
//! Under SGD a learned student beside a redundant one stays at a floor `1 − κ, 1 − β ≈ ηdL_r/(2B)` made by noise in `d − 1` directions for each vector (theory X7). Enforcing `v ⟂ w` after every step, on the same batches, takes one of these from `v`: the floor changes by a relative `O(1/d)`, 0.005 at `d = 200`. ±0.1 leaves room for what is not linear in a floor of 0.002;
//! half of the noise halves it. The floors of single runs have heavy tails (one input of a degree-twelve polynomial), so that the median of their ratios is judged.

use moe_kernels::Router;
use moe_theory::soft_routed::{EffectiveSgd, InitialLaw, OnlineSgd, OrderParameters, Start, make_orthogonal};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ending::Ending;
use super::{HALF, LEVEL, judged, judged_by};
use crate::alignments::Alignments;
use crate::lemmas::finite_batch_sgd::{clean_start, floor_step, learned_errors};
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

/// Step, and batches and dimensions of the two settings of SGD; expert overlap at the start, and the time over which `s²` is averaged.
const STEP: f64 = 0.005;
const SETTINGS: [(usize, u64); 2] = [(1250, 8), (2500, 15)];
const AWAY: f64 = -0.3;
const WINDOW: [f64; 2] = [2.0, 4.0];
/// Accepted for a mean square over the law's.
const SAME: [f64; 2] = [0.7, 1.3];
/// Students, teachers, dimension, time and step of the descents.
const DESCENT: (usize, usize, u64, f64, f64) = (4, 2, 1000, 32.0, 0.05);
/// Dimension, batch, predicted floor and length of the runs beside a redundant student.
const FLOOR: (u64, usize, f64, f64) = (200, 64, 0.002, 6.0);
const SAME_FLOOR: [f64; 2] = [0.9, 1.1];
/// Purposes of the random streams; the law of the start has 0 and 1.
const KICKS: u32 = 64;
const FLOORS: u32 = 80;

/// What is measured here.
pub(super) struct Training {
    /// For each batch, over the starts: mean of `s² − l² + S_l` over the law's `S`, and the root mean square of `s`.
    kicked: Vec<Vec<[f64; 2]>>,
    /// `[overlaps of the students: random, none][free, enforced]`, by start.
    descents: [[Vec<Descent>; 2]; 2],
    /// Mean of `1 − κ` and `1 − β`: free, enforced, and with twice the batch.
    floors: Vec<[[f64; 2]; 3]>,
}

/// The end of one descent.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Descent {
    ending: Ending,
    /// Largest `|v̄·w̄|` on the way.
    own: f64,
}

impl Training {
    pub(super) fn of(run: &Run<'_>) -> Result<Self, CheckError> {
        let runs = run.integer("sgd-replicates") as usize;
        let kicked = SETTINGS.iter().enumerate().map(|(k, setting)| {
            run.units(&format!("kicked-{k}"), runs, |unit| kicked(run, *setting, unit as u64, KICKS + k as u32))
        });
        let kicked = kicked.collect::<Result<_, _>>()?;
        let starts = run.integer("replicates") as usize;
        let descents = |name: &str, student_overlap: f64, enforced: bool| {
            run.units(name, starts, |unit| {
                let (students, teachers, dimension, ..) = DESCENT;
                let law = InitialLaw { student_overlap, ..InitialLaw::new(3, students, teachers, dimension) };
                descend(run, &law.sample(run.seed(), unit as u64).map_err(CheckError::theory)?, enforced)
            })
        };
        let descents = [
            [descents("descent", 1.0, false)?, descents("descent-enforced", 1.0, true)?],
            [descents("descent-apart", 0.0, false)?, descents("descent-apart-enforced", 0.0, true)?],
        ];
        let floors = run.units("floors", runs, |unit| {
            let floor = |batch, enforced| floor(run, batch, enforced, unit as u64);
            let batch = FLOOR.1;
            Ok([floor(batch, false)?, floor(batch, true)?, floor(2 * batch, false)?])
        })?;
        Ok(Self { kicked, descents, floors })
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let (students, teachers, dimension, until, _) = DESCENT;
        let at = format!("gradient descent to t = {until}, m = {students}, m* = {teachers}, d = {dimension}");
        let settled = |law: &dyn Fn(f64) -> f64, what: &str| -> Vec<Evidence> {
            let of = |((batch, dimension), rows): (&(usize, u64), &Vec<[f64; 2]>)| {
                let ratios: Vec<f64> = rows.iter().map(|row| row[0] * variance(*batch) / law(*batch as f64)).collect();
                let statement = format!(
                    "mean square of v·w of a dormant student in t = 2 … 4 under SGD over {what}, η = {STEP}, B = {batch}, d = {dimension}, mean"
                );
                Evidence::estimate(statement, LEVEL, statistics::mean(&ratios, LEVEL), SAME)
            };
            SETTINGS.iter().zip(&self.kicked).map(of).collect()
        };
        let noise = EffectiveSgd::own_overlap_variance(Router::Sigmoid, 1, 1);
        let walk = |batch: f64| STEP / batch * noise * 0.5 * (WINDOW[0] + WINDOW[1]);
        let law = settled(&|batch| variance(batch as usize), "459 η/B, the balance of kicks and restoring force");
        let spreads: Vec<_> = self.kicked.iter().map(|rows| root_mean_square(rows)).collect();

        let alike = |students: usize, shift: usize, what: &str| {
            let [free, enforced] = &self.descents[students];
            let pairs = free.iter().zip(enforced.iter().cycle().skip(shift));
            let hits = pairs.filter(|(a, b)| !a.ending.is_otherwise(&b.ending)).count() as u64;
            let statement = format!("share of starts in which {what} end alike, {at}, random students");
            Evidence::estimate(statement, LEVEL, statistics::proportion(hits, free.len() as u64, LEVEL), HALF)
        };
        let exact = |shift: usize, what: &str| {
            let [free, enforced] = &self.descents[1];
            let pairs = free.iter().zip(enforced.iter().cycle().skip(shift));
            let factors: Vec<f64> = pairs.filter_map(|(a, b)| a.ending.error_factor(&b.ending)).collect();
            let statement = format!(
                "factor by which 1 − κ at the end differs between recovered pairs {what}, of each start the largest, median, {at}, orthogonal students"
            );
            Evidence::estimate(statement, LEVEL, statistics::median(&factors, LEVEL), [1.0, 1.1])
        };
        let drift = self
            .descents
            .each_ref()
            .map(|pair| pair.each_ref().map(|rows| rows.iter().map(|row| row.own).fold(0.0, f64::max)));

        let floors = |of: usize, what: &str| -> Vec<Evidence> {
            let item = |vector: usize| {
                let ratios: Vec<f64> = self.floors.iter().map(|row| row[of][vector] / row[0][vector]).collect();
                let statement = format!(
                    "{} of a learned student beside a redundant one under SGD, {what}, d = {}, floor {} predicted, median of ratios",
                    ["1 − κ", "1 − β"][vector],
                    FLOOR.0,
                    FLOOR.2
                );
                Evidence::estimate(statement, LEVEL, statistics::median(&ratios, LEVEL), SAME_FLOOR)
            };
            vec![item(0), item(1)]
        };
        vec![
            judged_by(
                "one student before one teacher: SGD keeps v·w within a spread of √(459 η/B), free of d",
                law,
                &controls(settled(&walk, "that of a walk without restoring force")),
                json!({ "root mean squares": spreads, "step": STEP }),
            ),
            judged(
                "v ⟂ w enforced at every step: the same teachers, in the same order and time",
                vec![alike(0, 0, "descents with v ⟂ w enforced and free ones")],
                Control::new(
                    "starts that are not matched are rejected",
                    alike(0, 1, "a descent from one start and an enforced one from the next"),
                ),
                json!({ "largest |v·w|, random students": { "free": drift[0][0], "enforced": drift[0][1] } }),
            ),
            judged(
                "v ⟂ w enforced at every step: recovery is as accurate without",
                vec![exact(0, "with v ⟂ w enforced and free")],
                Control::new(
                    "starts that are not matched are rejected",
                    exact(1, "of one start and of the next one, enforced"),
                ),
                json!({ "largest |v·w|, orthogonal students": { "free": drift[1][0], "enforced": drift[1][1] } }),
            ),
            judged_by(
                "v ⟂ w enforced at every step of SGD: the same floor",
                floors(1, "v ⟂ w enforced over free"),
                &controls(floors(2, "twice the batch over that batch")),
                json!({ "floors": self.floors }),
            ),
        ]
    }

    /// Spreads under SGD beside the law's.
    pub(super) fn table(&self) -> Table {
        let heads = ["B", "η", "d", "runs", "rms of v·w", "law", "walk to t = 3"];
        let mut table = Table::new("under-sgd", heads.map(|head| Column::new(head, "")));
        let noise = EffectiveSgd::own_overlap_variance(Router::Sigmoid, 1, 1);
        for ((batch, dimension), rows) in SETTINGS.iter().zip(&self.kicked) {
            let walk = (STEP / *batch as f64 * noise * 0.5 * (WINDOW[0] + WINDOW[1])).sqrt();
            table.push([
                (*batch).into(),
                STEP.into(),
                (*dimension).into(),
                rows.len().into(),
                root_mean_square(rows).into(),
                variance(*batch).sqrt().into(),
                walk.into(),
            ]);
        }
        table
    }
}

fn root_mean_square(rows: &[[f64; 2]]) -> f64 {
    (rows.iter().map(|row| row[1]).sum::<f64>() / rows.len() as f64).sqrt()
}

/// Decay rate of `v̄·w̄` at raw norms 1.
fn rate() -> f64 {
    -36.0 * Router::Sigmoid.hermite().value(3)
}

/// `S(η, B)`.
fn variance(batch: usize) -> f64 {
    let noise = EffectiveSgd::own_overlap_variance(Router::Sigmoid, 1, 1) / batch as f64;
    STEP * STEP * noise / (1.0 - (1.0 - STEP * rate()).powi(2))
}

/// Mean of `s² − l² + S_l` over the window, over the law's variance; and the mean of `s²`.
fn kicked(
    run: &Run<'_>,
    (batch, dimension): (usize, u64),
    replicate: u64,
    purpose: u32,
) -> Result<[f64; 2], CheckError> {
    let start = clean_start(Router::Sigmoid, 1, [0.0, AWAY], dimension)?;
    let stream = run.substream(replicate, purpose);
    let mut sgd = OnlineSgd::reduced(&start, batch, STEP, stream).map_err(CheckError::theory)?;
    let share = 1.0 - STEP * rate();
    let [first, last] = WINDOW.map(|time| (time / STEP).round() as u64);
    let (mut linear, mut kicks) = (0.0, 0.0);
    // Sums over the window of s², of l² and of the variance of l over that of a kick.
    let (mut squares, mut linear_squares, mut weight) = (0.0, 0.0, 0.0);
    for k in 1..=last {
        run.proceed()?;
        sgd.draw();
        let kick = STEP * sgd.own_overlap_deviation(0);
        sgd.advance();
        linear = share * linear - kick;
        kicks += kick * kick;
        if k > first {
            squares += sgd.own(0).powi(2);
            linear_squares += linear * linear;
            weight += (1.0 - share.powi(2 * k as i32)) / (1.0 - share * share);
        }
    }
    let mean = (squares - linear_squares + weight * kicks / last as f64) / (last - first) as f64;
    Ok([mean / variance(batch), squares / (last - first) as f64])
}

/// Gradient descent on the population loss.
fn descend(run: &Run<'_>, start: &Start, enforced: bool) -> Result<Descent, CheckError> {
    let (.., until, step) = DESCENT;
    let (m, teachers, rows) = (start.students(), start.teachers(), start.coordinates());
    let mut population = start.population();
    let (mut weights, mut gradient) = (start.state(), vec![0.0; 2 * m * rows]);
    let overlaps = |weights: &[f64]| -> Vec<f64> {
        let unit = |i: usize| &weights[i * rows..(i + 1) * rows];
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let norm = |i: usize| product(unit(i), unit(i)).sqrt();
        let own = (0..m).map(|i| product(unit(i), unit(m + i)) / norm(i) / norm(m + i));
        let experts = (0..m).flat_map(|i| (0..teachers).map(move |j| (i, j)));
        own.chain(experts.map(|(i, j)| product(unit(m + i), start.teacher().expert(j)) / norm(m + i))).collect()
    };
    let (mut found, mut own, mut before) = (Alignments::default(), 0.0_f64, overlaps(&weights));
    for k in 0..(until / step).round() as u64 {
        run.proceed()?;
        population.gradient(&weights, &mut gradient);
        weights.iter_mut().zip(&gradient).for_each(|(x, g)| *x -= step * g);
        if enforced {
            make_orthogonal(&mut weights, rows);
        }
        let after = overlaps(&weights);
        own = after[..m].iter().fold(own, |most, s| most.max(s.abs()));
        for (list, level) in [(&mut found.halves, 0.5), (&mut found.learned, 0.9)] {
            for pair in 0..m * teachers {
                let [a, b] = [before[m + pair], after[m + pair]];
                if a < level && b >= level {
                    list.push((step * (k as f64 + (level - a) / (b - a)), pair / teachers, pair % teachers));
                }
            }
        }
        before = after;
    }
    for list in [&mut found.halves, &mut found.learned] {
        list.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let end = OrderParameters::at(&mut population, &weights);
    Ok(Descent { ending: Ending::new(found, &end), own })
}

/// `1 − κ` and `1 − β` of a learned student beside a redundant one; the step is that of the batch of [`FLOOR`].
fn floor(run: &Run<'_>, batch: usize, enforced: bool, replicate: u64) -> Result<[f64; 2], CheckError> {
    let (dimension, usual, predicted, until) = FLOOR;
    let step = floor_step(predicted, usual, dimension);
    let stream = run.substream(replicate, FLOORS);
    learned_errors(run, dimension, (batch, step, until), stream, |sgd| {
        if enforced {
            sgd.orthogonalise();
        }
    })
}

fn controls(items: Vec<Evidence>) -> Vec<Control> {
    items.into_iter().map(Control::from).collect()
}

//! The window for pruning: from the recovery of the last teacher to the waking of the redundant student, with one student more than teachers.

use moe_theory::soft_routed::{Flow, Method, OrderParameters, Removal, Stop, Watch};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::trial::{Constants, Pruning, eligible, follow, gap, law, prune, serving};
use super::{LEVEL, MAJORITY};
use crate::{CheckError, Column, Control, Evidence, Figure, Run, Scale, Table, statistics};

/// Decimal exponents of the smallest and the largest dimension.
const DECADES: [u32; 2] = [4, 8];
/// An expert that has recovered its teacher, and an overlap of a student that has woken.
const ALIGNED: f64 = 0.9;
const AWAKE: f64 = 0.5;
/// Multiples of the predicted time that are waited for.
const PATIENCE: f64 = 4.0;
/// Time after waking at which a late pruning takes place: by then the pair straddles.
const LATE: f64 = 100.0;

/// One start at one dimension.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Passage {
    /// Time at which the last teacher's expert is aligned.
    recovery: Option<f64>,
    /// `1/(15.34u²)` for the largest overlap of the redundant student with a learned expert at `√d`.
    predicted: Option<f64>,
    /// That overlap.
    overlap: Option<f64>,
    /// Time from the start to its waking.
    waking: Option<f64>,
    /// Time from `√d` to its waking over the predicted one.
    ratio: Option<f64>,
    /// Smallest `ΔL` of the students that served at `√d` less that of the redundant one: at half of the predicted time, and once it has woken.
    asleep_gap: Option<f64>,
    awake_gap: Option<f64>,
    /// Loss once it has woken.
    woken: Option<f64>,
    /// Pruning after that.
    late: Option<Pruning>,
}

/// The passages of every start.
pub(super) struct Window {
    dimensions: Vec<u64>,
    /// `[replicate][dimension]`.
    rows: Vec<Vec<Passage>>,
}

impl Window {
    pub(super) fn measure(run: &Run<'_>) -> Result<Self, CheckError> {
        let teachers = run.integer("teachers") as usize;
        let replicates = eligible(run, teachers + 1, run.integer("window-replicates") as usize, true)?;
        let step = run.integer("window-decades") as usize;
        let mut exponents: Vec<u32> = (DECADES[0]..DECADES[1]).step_by(step).collect();
        exponents.push(DECADES[1]);
        let dimensions: Vec<u64> = exponents.into_iter().map(|k| 10u64.pow(k)).collect();
        let rows = run.units("window", replicates.len() * dimensions.len(), |unit| {
            passage(run, replicates[unit / dimensions.len()], dimensions[unit % dimensions.len()])
        })?;
        Ok(Self { rows: rows.chunks(dimensions.len()).map(<[_]>::to_vec).collect(), dimensions })
    }

    fn exponent(&self, statement: &str, of: impl Fn(&Passage) -> Option<f64>, accept: [f64; 2]) -> Evidence {
        let last = self.dimensions.len() - 1;
        let decades = (self.dimensions[last] as f64 / self.dimensions[0] as f64).ln();
        let slope = |row: &Vec<Passage>| Some((of(&row[last])? / of(&row[0])?).ln() / decades);
        let slopes: Vec<f64> = self.rows.iter().filter_map(slope).collect();
        let statement = format!("{statement}: exponent in d between 10⁴ and 10⁸, median over all starts");
        Evidence::estimate(statement, LEVEL, statistics::median_of_all(&slopes, self.rows.len(), LEVEL), accept)
    }

    fn ratio(&self, factor: f64, statement: &str) -> Evidence {
        let last = |row: &Vec<Passage>| Some(factor * row.last()?.ratio?);
        let ratios: Vec<f64> = self.rows.iter().filter_map(last).collect();
        Evidence::estimate(statement, LEVEL, statistics::median_of_all(&ratios, self.rows.len(), LEVEL), [0.95, 1.05])
    }

    /// Share of the starts in which the gap is there, to half of its size, at every dimension; no gap where the plateau is gone.
    fn separated(&self, when: &str, of: impl Fn(&Passage) -> Option<f64>) -> Evidence {
        let half = 0.5 * Constants::new().unit;
        let apart = |row: &&Vec<Passage>| row.iter().all(|passage| of(passage).is_some_and(|gap| gap > half));
        let hits = self.rows.iter().filter(apart).count() as u64;
        let statement = format!(
            "share of starts in which useful experts are above the redundant one by 0.88 or more, {when}, every dimension"
        );
        Evidence::estimate(statement, LEVEL, statistics::proportion(hits, self.rows.len() as u64, LEVEL), MAJORITY)
    }

    /// Share of the starts that show what the exponents are taken from, at every dimension: those that do not are missing there.
    fn complete(&self, within: &str, of: impl Fn(&Passage) -> bool) -> Evidence {
        let hits = self.rows.iter().filter(|row| row.iter().all(&of)).count() as u64;
        let statement = format!(
            "share of starts in which every teacher is recovered by √d and the redundant student wakes within {within} its predicted time, every dimension"
        );
        Evidence::estimate(statement, LEVEL, statistics::proportion(hits, self.rows.len() as u64, LEVEL), MAJORITY)
    }

    pub(super) fn evidence(&self) -> Vec<Evidence> {
        vec![
            self.complete(&format!("{PATIENCE} times"), |p| p.recovery.is_some() && p.waking.is_some()),
            self.exponent("time of the last teacher's recovery", |p| p.recovery, OPENS),
            self.exponent("time of the redundant student's waking", |p| p.waking, [0.9, 1.1]),
            self.separated("half-way from √d to the predicted waking", |p| p.asleep_gap),
            self.ratio(1.0, "time of waking times 15.34u², u the redundant student's largest overlap with a learned expert at √d, d = 10⁸, median over starts"),
        ]
    }

    pub(super) fn controls(&self) -> Vec<Control> {
        let early = |p: &Passage| p.ratio.is_some_and(|ratio| ratio < 0.5);
        vec![
            Control::new("wakings in half of the predicted time are rejected", self.complete("half", early)),
            Control::new(
                "the window does not close as it opens: waking ∝ √d is rejected",
                self.exponent("time of waking", |p| p.waking, OPENS),
            ),
            Control::new(
                "the waking law with half of its constant is rejected",
                self.ratio(0.5, "time of waking times 7.67u², d = 10⁸, median over starts"),
            ),
        ]
    }

    /// Whether half of the gap is left after waking on the other side than the teacher's only; with `swapped`, on the teacher's side only.
    pub(super) fn sides(&self, swapped: bool) -> Evidence {
        let last = |row: &Vec<Passage>| Some((row.last()?.awake_gap?, row.last()?.overlap?));
        let ends: Vec<(f64, f64)> = self.rows.iter().filter_map(last).collect();
        let half = 0.5 * Constants::new().unit;
        let hits = ends.iter().filter(|(gap, overlap)| (*gap > half) == ((*overlap < 0.0) != swapped)).count() as u64;
        let statement = format!(
            "share of starts, d = 10⁸, in which {LATE} units after waking useful experts are above the redundant one by 0.88 or more if and only if it woke on the side {} the teacher",
            if swapped { "of" } else { "away from" }
        );
        Evidence::estimate(statement, LEVEL, statistics::proportion(hits, ends.len() as u64, LEVEL), MAJORITY)
    }

    /// Overlap at `√d` and gap after waking, of each start.
    pub(super) fn sides_witness(&self) -> Value {
        let last = |row: &Vec<Passage>| Some([row.last()?.overlap?, row.last()?.awake_gap?]);
        json!({ "overlap and gap": self.rows.iter().filter_map(last).take(12).collect::<Vec<_>>() })
    }

    fn lates(&self) -> Vec<Pruning> {
        self.rows.iter().flatten().filter_map(|p| p.late.clone()).collect()
    }

    /// What a pruning after waking leads to; a start that never wakes, at some dimension, has none.
    pub(super) fn late(&self) -> Evidence {
        let statement = format!(
            "share of starts in which pruning {LATE} units after waking keeps one expert for each teacher and recovers all by fine-tuning, at every dimension"
        );
        let exact = |row: &&Vec<Passage>| row.iter().all(|p| p.late.as_ref().is_some_and(|late| late.exact));
        let hits = self.rows.iter().filter(exact).count() as u64;
        Evidence::estimate(statement, LEVEL, statistics::proportion(hits, self.rows.len() as u64, LEVEL), MAJORITY)
    }

    pub(super) fn late_witness(&self) -> Value {
        let lates = self.lates();
        json!({ "prunings": lates.len(), "failures": lates.iter().filter(|row| !row.exact).collect::<Vec<_>>() })
    }

    pub(super) fn table(&self) -> Table {
        let heads =
            ["d", "starts", "recovery", "waking", "waking/law", "gap before", "L woken", "late prunings", "exact"];
        let mut table = Table::new("window", heads.map(|head| Column::new(head, "")));
        for (k, &d) in self.dimensions.iter().enumerate() {
            let column: Vec<&Passage> = self.rows.iter().map(|row| &row[k]).collect();
            let median = |of: &dyn Fn(&Passage) -> Option<f64>| {
                statistics::median(&column.iter().filter_map(|p| of(p)).collect::<Vec<_>>(), 0.5).map(|e| e.value)
            };
            table.push([
                d.into(),
                column.len().into(),
                median(&|p| p.recovery).into(),
                median(&|p| p.waking).into(),
                median(&|p| p.ratio).into(),
                median(&|p| p.asleep_gap).into(),
                median(&|p| p.woken).into(),
                column.iter().filter(|p| p.late.is_some()).count().into(),
                column.iter().filter(|p| p.late.as_ref().is_some_and(|late| late.exact)).count().into(),
            ]);
        }
        table
    }

    pub(super) fn figure(&self) -> Figure {
        Figure::new(
            "window",
            "the window for pruning: recovery of the last teacher, waking of the redundant student",
            "window",
            "d",
            ["recovery", "waking"],
            [Scale::Log; 2],
        )
    }
}

/// Accepted exponents of the recovery.
const OPENS: [f64; 2] = [0.47, 0.53];

fn passage(run: &Run<'_>, replicate: u64, dimension: u64) -> Result<Passage, CheckError> {
    let teachers = run.integer("teachers") as usize;
    let start =
        law(teachers + 1, teachers, dimension, 0.0).sample(run.seed(), replicate).map_err(CheckError::theory)?;
    let mut passage = Passage::default();
    let until = (dimension as f64).sqrt();
    let method = if until <= super::EXPLICIT { Method::Explicit } else { Method::Implicit };
    let (mut recovered, mut plateau) = (vec![None; teachers], None);
    run.follow(
        Flow::new(&start).method(method).tolerance(run.real("tolerance")),
        until,
        &[Watch::Expert(ALIGNED)],
        &[until],
        |_, state| plateau = Some(state),
        |event, _| {
            recovered[event.other].get_or_insert(event.time);
            Stop::No
        },
    )?;
    passage.recovery =
        recovered.into_iter().collect::<Option<Vec<f64>>>().and_then(|all| all.into_iter().reduce(f64::max));
    let Some((state, useful)) = plateau.and_then(|state| serving(&state).map(|useful| (state, useful))) else {
        return Ok(passage);
    };
    let redundant = (0..=teachers).filter(|k| !useful.contains(k));
    let overlaps = redundant.flat_map(|k| useful.iter().map(move |i| (*i, k))).map(|(i, k)| state.student(i, k));
    let Some(overlap) = overlaps.max_by(|a, b| a.abs().total_cmp(&b.abs())) else { return Ok(passage) };
    // `(18Φ_00(0))²/(18Φ_00(1)) = 4·1.917`, twice that over the square: the integral of du/dt = 7.67u³ from u on.
    let predicted = 1.0 / (8.0 * Constants::new().quartic * overlap.powi(2));
    // Without any overlap there is no waking.
    if !predicted.is_finite() {
        return Ok(passage);
    }
    (passage.predicted, passage.overlap) = (Some(predicted), Some(overlap));
    let plateau = start.at(&state);
    let watches = [Watch::Expert(AWAKE), Watch::StudentFalls(-AWAKE)];
    let gap_at = |state: &OrderParameters| gap(&Removal::of(state, start.router, start.order).changes(), &useful);
    let half = 0.5 * predicted;
    let (mut state, mut waking) = follow(run, &plateau, half, &watches)?;
    if waking.is_none() {
        passage.asleep_gap = gap_at(&state);
        (state, waking) = follow(run, &start.at(&state), (PATIENCE - 0.5) * predicted, &watches)?;
        waking = waking.map(|time| half + time);
    }
    passage.waking = waking.map(|time| until + time);
    passage.ratio = waking.map(|time| time / predicted);
    if waking.is_some() {
        let awake = start.at(&state);
        let (late, _) = follow(run, &awake, LATE, &[])?;
        passage.woken = Some(late.loss);
        passage.awake_gap = gap_at(&late);
        passage.late = Some(prune(run, replicate, &awake, &late, super::TUNING)?);
    }
    Ok(passage)
}

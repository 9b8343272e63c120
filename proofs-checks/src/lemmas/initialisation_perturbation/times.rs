//! The law of the first alignment, its twins, and the flows held against them.

use moe_kernels::Router;
use moe_theory::soft_routed::{
    Flow, Method, Start, TeacherOverlaps, Watch, alignment_time, overlapping_alignment_time, turn_share,
};
use serde::{Deserialize, Serialize};

use super::{CLOSE, LEAST, LEVEL, TIMED, start, sweep};
use crate::{CheckError, Column, Run, Table, statistics};

/// The first alignment of a start: time, student and teacher.
pub(super) type First = Option<(f64, usize, usize)>;

/// One flow to the first alignment, the law for it, and what the law's twins say.
#[derive(Clone, Copy, Serialize, Deserialize, Debug)]
pub(super) struct Passage {
    pub(super) replicate: u64,
    /// The first expert overlap that reaches ½.
    pub(super) seen: First,
    pub(super) law: First,
    /// In the order of [`TWINS`].
    pub(super) twins: [First; 6],
}

impl Passage {
    /// Time over that of a law.
    fn ratio(&self, law: First) -> Option<f64> {
        Some(self.seen?.0 / law?.0)
    }

    /// Whether a law has the pair that aligns first.
    fn has_pair_of(&self, law: First) -> bool {
        let pair = |first: First| first.map(|first| (first.1, first.2));
        pair(self.seen) == pair(law)
    }

    /// Whether a law has that pair, and its time.
    pub(super) fn is(&self, law: First) -> bool {
        self.has_pair_of(law) && self.ratio(law).is_some_and(|ratio| (ratio - 1.0).abs() <= CLOSE)
    }
}

/// How a law reads raw norms and the teacher's overlap.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    /// The share of the turn that an expert takes, of the raw norms of router and expert.
    share: fn([f64; 2]) -> f64,
    /// The factor of its time, of its raw norm.
    pace: fn(f64) -> f64,
    /// The overlap of the teachers' experts.
    experts: fn(TeacherOverlaps) -> f64,
}

/// The law.
const LAW: Reading = Reading { share: turn_share, pace: |norm| norm * norm, experts: |teacher| teacher.experts };

/// Its twins.
pub(super) const TWINS: [(&str, Reading); 6] = [
    ("the raw overlap κ0", Reading { share: |_| 0.0, ..LAW }),
    ("the whole turn", Reading { share: |_| 1.0, ..LAW }),
    ("half of the turn", Reading { share: |_| 0.5, ..LAW }),
    ("no factor ‖w‖²", Reading { pace: |_| 1.0, ..LAW }),
    ("orthonormal teachers", Reading { experts: |_| 0.0, ..LAW }),
    (
        "the overlap taken for one of the teachers' experts",
        Reading { experts: |teacher| teacher.routers + teacher.own, ..LAW },
    ),
];

/// The first alignment by a reading of the law: of all pairs the one with the least `‖w_i‖² T(κ'_ij)`.
fn first_alignment(start: &Start, reading: &Reading, teacher: TeacherOverlaps, dimension: f64) -> First {
    let (m, e, limit) = (start.students(), (reading.experts)(teacher), 2.0 * dimension.sqrt());
    let alignment = |i: usize| {
        let norms = [start.norms()[i], start.norms()[m + i]];
        let overlap = |j: usize| start.turned_expert_overlap(i, j, (reading.share)(norms));
        let row: Vec<f64> = (0..start.teachers()).map(overlap).collect();
        // The larger of two overlaps stays the larger one, whatever e is.
        let best = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]))?;
        let time = if e == 0.0 {
            (row[best] > 0.0).then(|| alignment_time(Router::Sigmoid, 3, row[best].min(0.5), 0.5))
        } else {
            overlapping_alignment_time(Router::Sigmoid, &row, e, 0.5, limit)
        };
        Some((time? * (reading.pace)(norms[1]), i, best))
    };
    (0..m).filter_map(alignment).min_by(|a, b| a.0.total_cmp(&b.0))
}

/// Whether the law has a first alignment as early as a turned overlap of `¼ d^{−1/2}` has it, all at raw norm 1: others are out of scope.
pub(super) fn in_time(start: &Start, teacher: TeacherOverlaps, dimension: f64) -> bool {
    let latest = alignment_time(Router::Sigmoid, 3, LEAST / dimension.sqrt(), 0.5);
    first_alignment(start, &Reading { pace: |_| 1.0, ..LAW }, teacher, dimension).is_some_and(|first| first.0 <= latest)
}

/// First alignments: `[setting][start]`.
pub(super) fn passages(run: &Run<'_>) -> Result<Vec<Vec<Passage>>, CheckError> {
    let dimension = 10u64.pow(run.integer("decades") as u32);
    let d = dimension as f64;
    let units = [2, 2];
    let mut replicates = Vec::new();
    for setting in &TIMED {
        replicates.push(run.replicates(run.integer("replicates") as usize, |replicate| {
            Ok(in_time(&start(run, setting, units, dimension, replicate)?, setting.teacher, d))
        })?);
    }
    sweep(run, "times", &replicates, |setting, replicate| {
        let setting = &TIMED[setting];
        let start = start(run, setting, units, dimension, replicate)?;
        let law = |reading: &Reading| first_alignment(&start, reading, setting.teacher, d);
        let slowest = start.norms()[start.students()..].iter().fold(0.0_f64, |most, norm| most.max(norm * norm));
        let seen = first_seen(run, &start, 2.0 * d.sqrt() * slowest, Method::Implicit)?;
        Ok(Passage { replicate, seen, law: law(&LAW), twins: TWINS.map(|(_, reading)| law(&reading)) })
    })
}

/// The first alignment of a flow up to `until`.
pub(super) fn first_seen(run: &Run<'_>, start: &Start, until: f64, method: Method) -> Result<First, CheckError> {
    let flow = Flow::new(start).method(method).tolerance(run.real("tolerance"));
    Ok(run.first_passage(flow, Watch::Expert(0.5), until)?.map(|event| (event.time, event.student, event.other)))
}

/// Median, least and largest time over the law.
fn over_law(rows: &[Passage]) -> [Option<f64>; 3] {
    let ratios: Vec<f64> = rows.iter().filter_map(|row| row.ratio(row.law)).collect();
    let end = |of: fn(f64, f64) -> f64| ratios.iter().copied().reduce(of);
    [statistics::median(&ratios, LEVEL).map(|e| e.value), end(f64::min), end(f64::max)]
}

/// Times of every setting.
pub(super) fn table(passages: &[Vec<Passage>]) -> Table {
    let heads =
        ["setting", "starts", "s", "e", "law's pair first", "T median", "T/law", "T/law lowest", "T/law highest"];
    let mut table = Table::new("times", heads.map(|head| Column::new(head, "")));
    for (setting, rows) in TIMED.iter().zip(passages) {
        let times: Vec<f64> = rows.iter().filter_map(|row| Some(row.seen?.0)).collect();
        let [middle, least, largest] = over_law(rows);
        table.push([
            setting.name.into(),
            rows.len().into(),
            setting.own.into(),
            setting.teacher.experts.into(),
            rows.iter().filter(|row| row.has_pair_of(row.law)).count().into(),
            statistics::median(&times, LEVEL).map(|e| e.value).into(),
            middle.into(),
            least.into(),
            largest.into(),
        ]);
    }
    table
}

/// Times over the law against `s`, for settings that differ in it alone.
pub(super) fn turned(passages: &[Vec<Passage>]) -> Table {
    let mut table = Table::new("turned", ["s", "T/law", "lowest", "highest"].map(|head| Column::new(head, "")));
    for (setting, rows) in TIMED.iter().zip(passages) {
        table.push(std::iter::once(setting.own.into()).chain(over_law(rows).map(Into::into)));
    }
    table
}

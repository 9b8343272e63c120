//! Recovery up to `t = √d`: what is reached, and what is lost again.

use moe_theory::soft_routed::{Start, greedy_deflation};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{LEVEL, LOST, MATCHED, NEIGHBOURS, PLAIN, RECOVERABLE, RECOVERED, Setting, start};
use crate::alignments::Alignments;
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

/// Students and teachers.
const UNITS: [usize; 2] = [4, 2];

/// One flow to `t = √d`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Recovery {
    alignments: Alignments,
    /// Whether at the end each teacher still has a student of its own: overlap at least 0.9, and none of its others is larger.
    kept: bool,
    /// When the law has the second of two disjoint pairs aligned.
    second: f64,
}

impl Recovery {
    /// Whether they did so by this multiple of the law's time for the second.
    pub(super) fn both_over_law(&self, factor: f64) -> bool {
        self.both(factor * self.second)
    }

    /// Whether two students reached an overlap of 0.9 with a teacher each, by the time `until`.
    pub(super) fn both(&self, until: f64) -> bool {
        let learned = || self.alignments.learned.iter().filter(|event| event.0 <= until);
        learned().any(|a| learned().any(|b| a.1 != b.1 && a.2 != b.2))
    }
}

/// When the law has the second of two disjoint pairs aligned, each the one with the largest `κ'_ij/‖w_i‖²` that is left; none where there is no second pair.
fn second(start: &Start) -> Option<f64> {
    let pace = |i: usize| start.norms()[start.students() + i].powi(2);
    let claims = greedy_deflation(UNITS, |i, j| start.relaxed_expert_overlap(i, j) / pace(i), |_, _| None);
    claims.get(1).map(|second| second.time)
}

/// Whether the law lets both teachers be reached before `0.6√d`: the second pair is as early as `0.4 d^{−1/2}` at raw norm 1.
fn recoverable(start: &Start, root: f64) -> bool {
    second(start).is_some_and(|time| time <= root / (4.5 * RECOVERABLE))
}

/// Flows of the first starts in the scope of all of `scope`, under each of `settings`: `[setting][start]`.
fn flows(
    run: &Run<'_>,
    sweep: &str,
    settings: &[Setting],
    scope: &dyn Fn(usize) -> Vec<Setting>,
    wanted: usize,
) -> Result<Vec<Vec<Recovery>>, CheckError> {
    let dimension = 10u64.pow(run.integer("recovery-decades") as u32);
    let root = (dimension as f64).sqrt();
    let mut replicates = Vec::new();
    for k in 0..settings.len() {
        let scope = scope(k);
        replicates.push(run.replicates(wanted, |replicate| {
            for setting in &scope {
                if !recoverable(&start(run, setting, UNITS, dimension, replicate)?, root) {
                    return Ok(false);
                }
            }
            Ok(true)
        })?);
    }
    super::sweep(run, sweep, &replicates, |setting, replicate| {
        let start = start(run, &settings[setting], UNITS, dimension, replicate)?;
        let second = second(&start).ok_or_else(|| CheckError::theory("a start in scope has a second pair"))?;
        let (alignments, end) = Alignments::follow(run, &start, run.real("tolerance"), root)?;
        let owned = |j: usize| {
            (0..UNITS[0]).any(|i| {
                let overlap = end.expert(i, j);
                overlap >= 0.9 && (0..UNITS[1]).all(|l| end.expert(i, l) <= overlap)
            })
        };
        Ok(Recovery { alignments, kept: (0..UNITS[1]).all(owned), second })
    })
}

/// Flows under every setting; those of [`MATCHED`] from the same starts.
pub(super) fn recovered(run: &Run<'_>) -> Result<Vec<Vec<Recovery>>, CheckError> {
    let scope = |k: usize| {
        if MATCHED.contains(&k) { MATCHED.map(|k| RECOVERED[k]).to_vec() } else { vec![RECOVERED[k]] }
    };
    flows(run, "recovery", &RECOVERED, &scope, run.integer("replicates") as usize)
}

/// How often a teacher that was reached is lost again by `t = √d`, before teachers whose experts overlap by 0.2 and before orthonormal ones.
pub(super) fn lost_again(run: &Run<'_>) -> Result<Finding, CheckError> {
    let settings = [NEIGHBOURS, PLAIN];
    let root = 10f64.powi(run.integer("recovery-decades") as i32).sqrt();
    let rows = flows(run, "lost", &settings, &|k| vec![settings[k]], run.integer("lost-replicates") as usize)?;
    let lost = |k: usize| {
        let hits = rows[k].iter().filter(|row| row.both(root) && !row.kept).count() as u64;
        Evidence::estimate(
            format!(
                "share of starts in which both teachers are reached and one is lost again by t = √d, d = 1e{}: {}",
                run.integer("recovery-decades"),
                settings[k].name
            ),
            LEVEL,
            statistics::proportion(hits, rows[k].len() as u64, LEVEL),
            LOST,
        )
    };
    let item = lost(0);
    let witness = json!({ "interval": item.interval() });
    Ok(Finding::judged(
        "reached is not kept: teacher experts at 0.2 are lost again",
        item.statement().to_string(),
        &[item],
        &[Control::new("orthonormal teachers, which are kept, are rejected", lost(1))],
        witness,
    ))
}

/// What happened under every setting.
pub(super) fn table(recovered: &[Vec<Recovery>], root: f64) -> Table {
    let heads = ["setting", "starts", "both reached", "both kept", "T first", "T second"];
    let mut table = Table::new("recovery", heads.map(|head| Column::new(head, "")));
    for (setting, rows) in RECOVERED.iter().zip(recovered) {
        let middle = |k: usize| {
            let times: Vec<f64> = rows.iter().filter_map(|row| Some(row.alignments.halves.get(k)?.0)).collect();
            statistics::median(&times, LEVEL).map(|e| e.value)
        };
        table.push([
            setting.name.into(),
            rows.len().into(),
            rows.iter().filter(|row| row.both(root)).count().into(),
            rows.iter().filter(|row| row.kept).count().into(),
            middle(0).into(),
            middle(1).into(),
        ]);
    }
    table
}

//! Flows, and what the matchings say of their starts.

use moe_theory::soft_routed::{
    Claim, Event, Flow, InitialLaw, OrderParameters, Stop, Watch, deflation_with_dipoles, greedy_deflation,
};
use serde::{Deserialize, Serialize};

use super::{CUT, LEVEL, RATIOS, RECOVERED, cube, orthogonal};
use crate::{CheckError, Column, Estimate, Run, Table, statistics};

/// One flow, and what the matching says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Recovery {
    replicate: u64,
    /// Teachers that the matching recovers, from the overlaps of this start and with the student-student overlaps of the random start from the same draws.
    pub(super) predicted: usize,
    pub(super) with_random_students: usize,
    /// The same from the overlaps of this start where dipoles learn.
    pub(super) with_dipoles: usize,
    /// Teachers that a student reached; those that had such a student when the last one was reached.
    pub(super) reached: usize,
    together: usize,
    /// Whether by the law a student has woken at another one by then; `None` where not all are reached.
    pub(super) woken: Option<bool>,
}

/// All flows of one setting.
pub(super) struct Cell {
    pub(super) law: InitialLaw,
    pub(super) rows: Vec<Recovery>,
}

/// Flows from every start in every setting; no cells where there are no replicates.
pub(super) fn cells(
    run: &Run<'_>,
    sweep: &str,
    laws: &[InitialLaw],
    replicates: usize,
) -> Result<Vec<Cell>, CheckError> {
    let rows = run.units(sweep, laws.len() * replicates, |unit| {
        recovery(run, &laws[unit / replicates], (unit % replicates) as u64)
    })?;
    Ok(laws
        .iter()
        .zip(rows.chunks(replicates.max(1)))
        .map(|(law, rows)| Cell { law: law.clone(), rows: rows.to_vec() })
        .collect())
}

/// Teachers that a student reached, from each start of a law.
pub(in crate::lemmas) fn reached(
    run: &Run<'_>,
    sweep: &str,
    law: &InitialLaw,
    replicates: usize,
) -> Result<Vec<usize>, CheckError> {
    let cells = cells(run, sweep, std::slice::from_ref(law), replicates)?;
    Ok(cells.iter().flat_map(|cell| &cell.rows).map(|row| row.reached).collect())
}

pub(super) fn diagram(run: &Run<'_>) -> Result<Vec<Cell>, CheckError> {
    let largest = run.integer("ratio") as usize;
    // At quick effort every second ratio has to do.
    let step = if largest <= 4 { 2 } else { 1 };
    let ratios: Vec<usize> =
        RATIOS.into_iter().filter(|ratio| *ratio <= largest && (*ratio == 1 || ratio % step == 0)).collect();
    let mut laws = Vec::new();
    for teachers in 1..=run.integer("teachers") as usize {
        for &ratio in &ratios {
            for decades in 2..=run.integer("decades") as u32 {
                let random = InitialLaw::new(3, ratio * teachers, teachers, 10u64.pow(decades));
                laws.extend([orthogonal(random.clone()), random]);
            }
        }
    }
    cells(run, "diagram", &laws, run.integer("replicates") as usize)
}

fn recovery(run: &Run<'_>, law: &InitialLaw, replicate: u64) -> Result<Recovery, CheckError> {
    let root = (law.dimension as f64).sqrt();
    let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
    let overlaps = start.order_parameters();
    let random = InitialLaw { student_overlap: 1.0, ..law.clone() };
    let random = random.sample(run.seed(), replicate).map_err(CheckError::theory)?.order_parameters();
    let in_time = |claims: Vec<Claim>| claims.iter().filter(|claim| claim.time <= CUT * root).count();
    let shape = [law.students, law.teachers];
    let racing = |i, k| (law.student_overlap > 0.0).then(|| overlaps.student(i, k));
    let predicted = in_time(greedy_deflation(shape, |i, j| overlaps.expert(i, j), racing));
    let with_dipoles = in_time(deflation_with_dipoles(shape, |i, j| overlaps.expert(i, j), racing));
    let random_student = |i, k| Some(random.student(i, k));
    let with_random_students = in_time(greedy_deflation(shape, |i, j| random.expert(i, j), random_student));

    // At an event one of the two overlaps is 0.9 up to rounding.
    let met = |state: &OrderParameters, i, j| state.expert(i, j).min(state.router(i, j)) >= RECOVERED - 1e-9;
    let together =
        |state: &OrderParameters| (0..law.teachers).filter(|&j| (0..law.students).any(|i| met(state, i, j))).count();
    let mut reached = vec![false; law.teachers];
    let (mut at_last, mut woken) = (0, None);
    let on_event = |event: Event, state: &OrderParameters| {
        reached[event.other] |= met(state, event.student, event.other);
        if reached.contains(&false) {
            return Stop::No;
        }
        (at_last, woken) =
            (together(state), Some(cube::woken(shape, |i, j| overlaps.expert(i, j), event.other, event.time)));
        Stop::Yes
    };
    let end = CUT * root + 3.0 * (law.dimension as f64).ln();
    let mut at_end = None;
    let flow = Flow::new(&start).tolerance(run.real("tolerance"));
    let watches = [Watch::Expert(RECOVERED), Watch::Router(RECOVERED)];
    run.follow(flow, end, &watches, &[end], |_, state| at_end = Some(together(&state)), on_event)?;
    let count = reached.iter().filter(|reached| **reached).count();
    let together = if count == law.teachers { at_last } else { at_end.unwrap_or(0) };
    Ok(Recovery { replicate, predicted, with_random_students, with_dipoles, reached: count, together, woken })
}

impl Recovery {
    /// Where all teachers are reached, whether all are together when the last one is, and whether by the law a student has woken by then.
    pub(super) fn kept(&self) -> Option<(bool, bool)> {
        Some((self.together == self.reached, self.woken?))
    }
}

impl Cell {
    fn share_of(&self, of: impl Fn(&Recovery) -> usize) -> Option<Estimate> {
        let all = self.rows.iter().filter(|row| of(row) == self.law.teachers).count() as u64;
        statistics::proportion(all, self.rows.len() as u64, LEVEL)
    }

    /// Share of runs that reach all teachers, and of those, in all runs, that have all together when the last one is reached.
    pub(super) fn all(&self) -> Option<Estimate> {
        self.share_of(|row| row.reached)
    }

    fn all_together(&self) -> Option<Estimate> {
        self.share_of(|row| row.together)
    }

    /// [`Recovery::kept`] of the runs that reach all teachers.
    pub(super) fn kept(&self) -> impl Iterator<Item = (bool, bool)> {
        self.rows.iter().filter_map(Recovery::kept)
    }

    fn mean(&self, of: impl Fn(&Recovery) -> usize) -> f64 {
        self.rows.iter().map(|row| of(row) as f64).sum::<f64>() / (self.rows.len() * self.law.teachers) as f64
    }
}

pub(super) fn flow_table(name: &str, cells: &[&Cell]) -> Table {
    let heads = [
        "m*",
        "m/m*",
        "m",
        "d",
        "d/m³",
        "runs",
        "reached",
        "matching",
        "dipoles learn",
        "all",
        "lower",
        "upper",
        "together",
    ];
    let mut table = Table::new(name, heads.map(|head| Column::new(head, "")));
    for cell in cells {
        let (students, share) = (cell.law.students as f64, cell.all());
        table.push([
            cell.law.teachers.into(),
            (students / cell.law.teachers as f64).into(),
            cell.law.students.into(),
            cell.law.dimension.into(),
            (cell.law.dimension as f64 / students.powi(3)).into(),
            cell.rows.len().into(),
            cell.mean(|row| row.reached).into(),
            cell.mean(|row| row.predicted).into(),
            cell.mean(|row| row.with_dipoles).into(),
            share.map(|s| s.value).into(),
            share.map(|s| s.interval[0]).into(),
            share.map(|s| s.interval[1]).into(),
            cell.all_together().map(|s| s.value).into(),
        ]);
    }
    table
}

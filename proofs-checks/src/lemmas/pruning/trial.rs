//! One pruning: a start in the scope, the flow up to the moment, removals, and the fine-tuning of what is left.

use moe_kernels::CovarianceTable;
use moe_theory::soft_routed::{Flow, FlowError, InitialLaw, Method, OrderParameters, Removal, Start, Stop, Watch};
use serde::{Deserialize, Serialize};

use super::{EXPLICIT, MOMENT, RECOVERED, TUNING};
use crate::alignments::is_matched;
use crate::{CheckError, Run};

/// Smallest matched overlap, times `√d`.
const LEAST: f64 = 2.0 / 3.0;
/// Largest other overlap over a matched one.
const RIVAL: f64 = 2.0 / 3.0;

/// Pruning of one state by removal, and the fine-tuning of what is left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pruning {
    pub(super) replicate: u64,
    /// Smallest `ΔL` of a student that serves a teacher less the largest of the others.
    pub(super) gap: Option<f64>,
    /// The same for the raw norm of the expert.
    pub(super) norm_gap: Option<f64>,
    /// Students that were kept, and those that had recovered the teachers, if all were.
    pub(super) kept: Vec<usize>,
    pub(super) serving: Option<Vec<usize>>,
    /// Loss before, after pruning, and after fine-tuning.
    pub(super) before: f64,
    pub(super) pruned: f64,
    pub(super) tuned: Option<f64>,
    /// `1.917 Σu⁴` over the useful and the redundant students.
    pub(super) predicted: Option<f64>,
    /// Teachers recovered at the end.
    pub(super) recovered: usize,
    /// One student is left for each teacher, and recovers it.
    pub(super) exact: bool,
}

/// Constants of the closed forms.
pub(super) struct Constants {
    /// `E f² = 6Φ_00(1)`.
    pub(super) unit: f64,
    /// `½·(18Φ_00(0))²/(18Φ_00(1))`.
    pub(super) quartic: f64,
}

impl Constants {
    pub(super) fn new() -> Self {
        let table = CovarianceTable::new(moe_kernels::Router::Sigmoid, 2);
        let (near, far) = (table.value(0, 0, 1.0), table.value(0, 0, 0.0));
        Self { unit: 6.0 * near, quartic: 0.5 * (18.0 * far).powi(2) / (18.0 * near) }
    }
}

/// The moment of pruning.
#[derive(Clone, Copy)]
pub(super) enum When {
    /// In units of `√d`.
    Clock(f64),
    FirstAlignment,
}

pub(super) fn law(students: usize, teachers: usize, dimension: u64, student_overlap: f64) -> InitialLaw {
    InitialLaw { student_overlap, gaussian_norms: true, ..InitialLaw::new(3, students, teachers, dimension) }
}

/// The first replicates in the lemma's scope, or out of it. Draws are paired, so one dimension decides for all.
pub(super) fn eligible(run: &Run<'_>, students: usize, wanted: usize, in_scope: bool) -> Result<Vec<u64>, CheckError> {
    let law = law(students, run.integer("teachers") as usize, 100_000_000, 0.0);
    run.replicates(wanted, |replicate| {
        let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
        Ok(is_matched(&start, LEAST, RIVAL) == in_scope)
    })
}

pub(super) fn sweep(
    run: &Run<'_>,
    name: &str,
    law: &InitialLaw,
    replicates: &[u64],
    when: When,
) -> Result<Vec<Pruning>, CheckError> {
    run.units(name, replicates.len(), |unit| {
        let start = law.sample(run.seed(), replicates[unit]).map_err(CheckError::theory)?;
        let end = (law.dimension as f64).sqrt();
        let (state, tuning) = match when {
            When::Clock(0.0) => (start.order_parameters(), TUNING),
            When::Clock(moment) => (follow(run, &start, moment * end, &[])?.0, TUNING),
            // What was kept has as much time as a student that is not pruned.
            When::FirstAlignment => (follow(run, &start, end, &[Watch::Expert(0.9)])?.0, MOMENT * end),
        };
        prune(run, replicates[unit], &start, &state, tuning)
    })
}

/// The state at the first event, or at `until`, and whether there was an event and when.
pub(in crate::lemmas) fn follow(
    run: &Run<'_>,
    start: &Start,
    until: f64,
    watches: &[Watch],
) -> Result<(OrderParameters, Option<f64>), CheckError> {
    let method = if until <= EXPLICIT { Method::Explicit } else { Method::Implicit };
    let flow = Flow::new(start).method(method).tolerance(run.real("tolerance"));
    let (mut end, mut event) = (None, None);
    run.follow(
        flow,
        until,
        watches,
        &[until],
        |_, state| end = Some(state),
        |at, state| {
            event = Some((at.time, state.clone()));
            Stop::Yes
        },
    )?;
    let (time, state) = event.map_or((None, end), |(time, state)| (Some(time), Some(state)));
    let stopped = FlowError::Stopped { time: until };
    Ok((state.ok_or_else(|| CheckError::theory(stopped))?, time))
}

/// Prunes the state by removal and fine-tunes what is left.
pub(super) fn prune(
    run: &Run<'_>,
    replicate: u64,
    start: &Start,
    state: &OrderParameters,
    tuning: f64,
) -> Result<Pruning, CheckError> {
    let m = state.students();
    let removal = Removal::of(state, start.router, start.order);
    let pruned = removal.prune();
    let serving = serving(state);
    let norms: Vec<f64> = start.norms()[m..].to_vec();
    let constants = Constants::new();
    let predicted = serving.as_ref().map(|serving| {
        let others = (0..m).filter(|k| !serving.contains(k));
        constants.quartic * others.flat_map(|k| serving.iter().map(move |i| state.student(*i, k).powi(4))).sum::<f64>()
    });
    let mut row = Pruning {
        replicate,
        gap: serving.as_ref().and_then(|serving| gap(&removal.changes(), serving)),
        norm_gap: serving.as_ref().and_then(|serving| gap(&norms, serving)),
        kept: pruned.kept,
        serving: serving.clone(),
        before: state.loss,
        pruned: pruned.loss,
        tuned: None,
        predicted,
        recovered: 0,
        exact: false,
    };
    if !row.kept.is_empty() {
        let (end, _) = follow(run, &start.at(state).with_students(&row.kept), tuning, &[])?;
        row.recovered = (0..end.teachers()).filter(|j| server(&end, *j).is_some()).count();
        row.tuned = Some(end.loss);
        row.exact = row.kept.len() == end.teachers() && row.recovered == end.teachers();
    }
    Ok(row)
}

/// The student that has recovered teacher `j`. The evaluation of a pruning looks at the teacher; the pruning does not.
fn server(state: &OrderParameters, j: usize) -> Option<usize> {
    (0..state.students()).find(|&i| state.expert(i, j) > RECOVERED && state.router(i, j) > RECOVERED)
}

/// The students that have recovered the teachers; none unless all teachers are.
pub(super) fn serving(state: &OrderParameters) -> Option<Vec<usize>> {
    (0..state.teachers()).map(|j| server(state, j)).collect()
}

/// Smallest score of the useful less the largest of the others.
pub(super) fn gap(scores: &[f64], useful: &[usize]) -> Option<f64> {
    let of =
        |wanted: bool| scores.iter().enumerate().filter(move |(i, _)| useful.contains(i) == wanted).map(|(_, x)| *x);
    Some(of(true).min_by(f64::total_cmp)? - of(false).max_by(f64::total_cmp)?)
}

/// Whether a pruning removed a student that recovers a teacher in the flow that goes on unpruned from the same start.
pub(super) fn removes_useful(row: &Pruning, unpruned: &[Pruning]) -> bool {
    let later = unpruned.iter().find(|later| later.replicate == row.replicate);
    later.and_then(|later| later.serving.as_ref()).is_some_and(|useful| useful.iter().any(|i| !row.kept.contains(i)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gap_is_between_the_worst_useful_and_the_best_other() {
        assert_eq!(gap(&[0.9, -0.8, 0.7, -0.9], &[0, 2]), Some(1.5));
        assert_eq!(gap(&[0.9, 1.0, 0.7], &[2, 0]), Some(0.7 - 1.0));
        // Without redundant students there is no gap.
        assert_eq!(gap(&[0.9, 0.8], &[0, 1]), None);
    }

    /// A draw in the scope has a lead for every matched pair; turning two students to one teacher takes it away.
    #[test]
    fn scope_asks_for_a_lead() {
        let law = law(4, 2, 1_000_000, 0.0);
        let matched = |replicate| is_matched(&law.sample(0, replicate).unwrap(), LEAST, RIVAL);
        let found: Vec<u64> = (0..200).filter(|replicate| matched(*replicate)).collect();
        assert!(!found.is_empty() && found.len() < 150, "{}", found.len());
        for replicate in found {
            let state = law.sample(0, replicate).unwrap().order_parameters();
            let mut best: Vec<f64> =
                (0..2).map(|j| (0..4).map(|i| state.expert(i, j)).fold(f64::MIN, f64::max)).collect();
            best.sort_by(f64::total_cmp);
            assert!(best[1] >= LEAST * 1e-3, "{best:?}");
        }
    }
}

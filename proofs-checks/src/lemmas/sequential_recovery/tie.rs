//! What becomes of a tie: two students that come to one teacher at the same time.
//!
//! With overlaps `κ` and `κ(1 − g)` the second student is at `1/(4.5κ)·g/(1−g)` time units from ½ when the first gets there. The first needs 0.40 units from ½ to 0.9 (closed form), and takes the residual with it. For `κ = 0.05` and `g` up to 0.01
//! the second is 0.045 units behind, a tenth of that, and arrives; for `g ≥ 0.9` it is still at 0.006 or less, finds nothing, and would wake after `1/(15.34·0.006²) = 1800` units (from `g = ½` it wakes within 80). Both of a tie then stay with the teacher, and settle as a straddling pair (theory X6) at the rates of the Hessian, above 0.25:
//! 60 units are enough.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, Signature, Start, Stop, StudentTeacher, Symptoms};
use rand_distr::{Distribution, Uniform};
use serde_json::json;

use super::{LEVEL, MOST, Sequence, sequence};
use crate::axes::{axis, beside};
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// Starts of each kind.
const STARTS: usize = 12;
/// Overlap of the first student, ranges of the gap of the second, and the time at which the state is read.
const OVERLAP: f64 = 0.05;
const TIED: [f64; 2] = [0.0, 0.01];
const APART: [f64; 2] = [0.9, 1.0];
const UNTIL: f64 = 80.0;

/// The finding, and the share of ties in which the teacher keeps to one student.
pub(super) fn finding(run: &Run<'_>) -> Result<(Finding, Evidence), CheckError> {
    let rows = run.units("ties", 2 * STARTS, |unit| {
        straddles(run, if unit < STARTS { TIED } else { APART }, (unit % STARTS) as u64)
    })?;
    let share = |rows: &[bool], [low, high]: [f64; 2]| {
        let statement = format!(
            "share of starts with two students at overlaps {OVERLAP} and {low} to {high} less with one teacher in which they are a straddling pair at t = {UNTIL}"
        );
        let hits = rows.iter().filter(|straddles| **straddles).count() as u64;
        Evidence::estimate(statement, LEVEL, statistics::proportion(hits, rows.len() as u64, LEVEL), MOST)
    };
    let (tied, apart) = rows.split_at(STARTS);
    let item = share(tied, TIED);
    let control = Control::new("the same without a tie", share(apart, APART));
    let witness = json!({ "interval": item.interval() });
    let alone = tied.iter().filter(|straddles| !**straddles).count() as u64;
    let crowded = Evidence::estimate(
        format!(
            "share of starts with two students in a tie at one teacher in which they are no straddling pair at t = {UNTIL}"
        ),
        LEVEL,
        statistics::proportion(alone, tied.len() as u64, LEVEL),
        MOST,
    );
    let finding =
        Finding::judged("a tie ends in a straddling pair", item.statement().to_string(), &[item], &[control], witness);
    Ok((finding, crowded))
}

/// What is observed from the starts in a tie.
pub(super) fn sequences(run: &Run<'_>) -> Result<Vec<Sequence>, CheckError> {
    run.units("tied", STARTS, |unit| sequence(run, &start(run, TIED, unit as u64)?, unit as u64))
}

/// Two students with overlaps with one teacher that differ by a gap from `gaps`.
fn start(run: &Run<'_>, gaps: [f64; 2], replicate: u64) -> Result<Start, CheckError> {
    let gap = Uniform::new(gaps[0], gaps[1]).map_err(CheckError::theory)?.sample(&mut run.substream(replicate, 64));
    let axis = |k: usize| axis(8, k);
    // The teacher's router and expert on axes 0 and 1.
    let experts = [beside(8, &[(1, OVERLAP)], 4), beside(8, &[(1, OVERLAP * (1.0 - gap))], 5)];
    let students = [[axis(2), axis(3)], experts];
    let teacher = [[axis(0)], [axis(1)]];
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&students[0], &students[1]], [&teacher[0], &teacher[1]]);
    Ok(Start::reduce(&model.map_err(CheckError::theory)?).with_raw_norms(1.0, 1.0))
}

fn straddles(run: &Run<'_>, gaps: [f64; 2], replicate: u64) -> Result<bool, CheckError> {
    let start = start(run, gaps, replicate)?;
    let mut found = false;
    run.follow(
        Flow::new(&start).tolerance(run.real("tolerance")),
        UNTIL,
        &[],
        &[UNTIL],
        |_, state| {
            let signatures = Symptoms::of(&start, &state).signatures();
            found = signatures.iter().any(|signature| matches!(signature, Signature::StraddlingPair { .. }));
        },
        |_, _| Stop::No,
    )?;
    Ok(found)
}

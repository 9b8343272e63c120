//! The floor foretold from the start alone, and how it grows with the number of students.
//!
//! Before teacher `j` is learned, at `T_j`, a dormant overlap obeys `dκ/dt = 4.5κ²`; afterwards the learned pair drags it by `du/dt = 7.67u³` (theory X6):
//!
//! ```text
//! u_k(T_j) = κ_k/(1 − 4.5κ_k T_j),      1/u_k² falls by 15.34(t − T_j) until t,      1 − κ = 0.3631 Σ_k u_k⁴
//! ```
//!
//! over the students that the greedy matching leaves over, their directions being independent. With the matching's `T_j = 1/(4.5κ_j)` a dormant overlap `c_k/√d` has become `c_k/(1 − c_k/c_j)/√d`: the runner-up of the winner decides.
//! Where there are few dormant students a runner-up may be missing: from one of them to four the floor gains a factor of some hundreds. For two teachers, where that is from `m = 3` to 6, it grows faster than `m⁷`; for one teacher, from `m = 2` to 5, like
//! the power 5 to 6 of `m`. From four on it grows more slowly than `m⁷` (table `students`).

use moe_theory::soft_routed::{Claim, OrderParameters, greedy_deflation};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{LEVEL, RESPONSE, WAKING};
use crate::{CheckError, Column, Estimate, Evidence, Inexact, Run, Table, statistics};

/// Numbers of students beyond those of teachers.
const DORMANT: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
/// Those between which the exponent in `m` is read.
pub(super) const FEW: [usize; 2] = [1, 4];
pub(super) const MANY: [usize; 2] = [16, 64];
/// Level of each of two medians that make one exponent.
pub(super) const EACH: f64 = 0.5 * (1.0 + LEVEL);
/// First purpose of the streams: 0 and 1 are those of the initial law.
const PURPOSE: u32 = 2;

/// Sum of the fourth powers of the dormant overlaps with the teacher, grown for a time `alone` and for one `beside` the learned pair; `None` where one of them has left the law.
fn fourth_powers(
    expert: &impl Fn(usize, usize) -> f64,
    students: usize,
    claims: &[Claim],
    teacher: usize,
    [alone, beside]: [f64; 2],
) -> Option<f64> {
    let dormant = (0..students).filter(|k| claims.iter().all(|other| other.student != *k));
    dormant
        .map(|k| {
            let kappa = expert(k, teacher);
            let square = (kappa / (1.0 - 4.5 * kappa * alone)).powi(2);
            let left = 1.0 - WAKING * square * beside;
            (left > 0.0).then(|| (square / left).powi(2))
        })
        .sum()
}

/// `1 − κ` of the student that learns `teacher`, at `time`, from the overlaps of the start.
pub(super) fn foretold(start: &OrderParameters, teacher: usize, time: f64) -> Option<f64> {
    let expert = |i: usize, j: usize| start.expert(i, j);
    let claims = greedy_deflation([start.students(), start.teachers()], expert, |_, _| None);
    let claim = claims.iter().find(|claim| claim.teacher == teacher)?;
    Some(RESPONSE * fourth_powers(&expert, start.students(), &claims, teacher, [claim.time, time - claim.time])?)
}

/// The floor times `d²`, the larger one of its teachers, median over draws; and its interval with the dormant overlaps left as they start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Floor {
    students: usize,
    draws: usize,
    median: f64,
    interval: [f64; 2],
    still: [f64; 2],
}

/// From draws of the scaled overlaps in the limit of large `d`, in scope: every teacher learned by `t = √d`.
pub(super) fn floors(run: &Run<'_>) -> Result<Vec<Floor>, CheckError> {
    let teachers = run.integer("teachers") as usize;
    let floors = run.units("floors", DORMANT.len(), |unit| {
        let students = teachers + DORMANT[unit];
        let (mut grown, mut still) = (Vec::new(), Vec::new());
        for draw in 0..run.integer("draws") {
            run.proceed()?;
            let mut stream = run.substream(draw, PURPOSE + unit as u32);
            let overlaps: Vec<f64> = (0..students * teachers).map(|_| StandardNormal.sample(&mut stream)).collect();
            let expert = |i: usize, j: usize| overlaps[i * teachers + j];
            let claims = greedy_deflation([students, teachers], expert, |_, _| None);
            if claims.iter().filter(|claim| claim.time < 1.0).count() == teachers {
                let largest = |alone: fn(&Claim) -> f64| {
                    let sum = |c: &Claim| fourth_powers(&expert, students, &claims, c.teacher, [alone(c), 0.0]);
                    RESPONSE * claims.iter().filter_map(sum).fold(0.0, f64::max)
                };
                grown.push(largest(|claim| claim.time));
                still.push(largest(|_| 0.0));
            }
        }
        let medians = statistics::median(&grown, EACH).zip(statistics::median(&still, EACH));
        Ok(medians.map(|(Estimate { value, interval, .. }, still)| Floor {
            students,
            draws: grown.len(),
            median: value,
            interval,
            still: still.interval,
        }))
    })?;
    Ok(floors.into_iter().flatten().collect())
}

/// The exponent in `m` between the intervals of two values.
pub(super) fn slope([low, high]: [[f64; 2]; 2], students: [usize; 2]) -> [f64; 2] {
    let span = (students[1] as f64 / students[0] as f64).ln();
    [high[0] / low[1], high[1] / low[0]].map(|ratio| ratio.ln() / span)
}

/// Which floor: its name, and where its interval is.
type Which = (&'static str, fn(&Floor) -> [f64; 2]);
pub(super) const GROWN: Which = ("foretold from the start", |floor| floor.interval);
pub(super) const STILL: Which = ("of dormant overlaps left as they start", |floor| floor.still);

/// The exponent of a floor in `m`.
pub(super) fn exponent(
    run: &Run<'_>,
    floors: &[Floor],
    (which, interval): Which,
    ends: [usize; 2],
    accept: [f64; 2],
) -> Evidence {
    let [low, high] = ends.map(|dormant| run.integer("teachers") as usize + dormant);
    let at = |students| floors.iter().find(|floor| floor.students == students);
    let statement = format!(
        "exponent of the 1 − κ {which} in m between m = {low} and {high}, m* = {}, median over draws (greedy matching)",
        run.integer("teachers")
    );
    match at(low).zip(at(high)) {
        Some((a, b)) => Evidence::statistic(statement, LEVEL, slope([a, b].map(interval), [low, high]), accept),
        None => Evidence::unresolved(Inexact::Statistic { level: LEVEL }, statement, accept, "too few draws in scope"),
    }
}

/// The floors, and their exponent in `m` from row to row.
pub(super) fn table(floors: &[Floor]) -> Table {
    let heads = ["m", "draws", "d²(1−κ)", "lower", "upper", "exponent", "m⁷"];
    let mut table = Table::new("students", heads.map(|head| Column::new(head, "")));
    for (row, floor) in floors.iter().enumerate() {
        let before = row.checked_sub(1).map(|before| &floors[before]);
        let m = |floor: &Floor| floor.students as f64;
        table.push([
            floor.students.into(),
            floor.draws.into(),
            floor.median.into(),
            floor.interval[0].into(),
            floor.interval[1].into(),
            before.map(|before| (floor.median / before.median).ln() / (m(floor) / m(before)).ln()).into(),
            m(floor).powi(7).into(),
        ]);
    }
    table
}

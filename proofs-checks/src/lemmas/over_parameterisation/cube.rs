//! `d` against `m³`: is `d ≫ m³` needed to reach all teachers, and to keep what was reached?
//!
//! # Reaching
//!
//! Ties fail about 1 % of the runs with 8 students at `d = 1000`. That is `d^{−1/2}`, and in proportion to the pairs that can tie with the two that win: more, by up to `15/7` for 16 students, and so 3 % at `d = 410`, where these have `d = m³/10`. (Counted: 22 of 360 at
//! quick effort, 6 %: disturbed first pairs are beside them.) Asked is a share nearer to 1 than to ½, `[0.75, 1]`: 60 runs are inside up to six failures, and at 6 % leave the finding open at one seed of fourteen; 150 hardly ever.
//! Eight students have `d = m³/10 = 51`, where `d/(15.3c'²)` is below 1 at `c' = 2`, less than any router needs, and ties are relative 0.14: no law gives the share there, and the same is asked. It is far from 0 and from 1 (0.56 of 300 runs), so that twice as many runs are
//! taken: 120 exclude 0.75 up to a share of 0.63, which they have at one seed of twenty. The opposite, that three runs of four miss a teacher, is its twin, and it is the twin of the larger setting.
//!
//! Beyond `m³` the outcome is to be the same at `d = 2m³` and `10m³` from the same draws, up to the ties of the smaller one: `[0.75, 1]` again, for the share of draws whose outcome is the same; it bounds the difference of the two shares of runs that reach all. The twin
//! has `m³/10` in place of `10m³`.
//!
//! # Keeping
//!
//! Judged among the runs that reach all teachers: the share that has all of them *together* when the last one is reached. It has no law. Asked is the claim's share, on both sides of `m³`. What disturbs is in proportion to the pairs of a redundant student and a teacher that has to stand, and to the
//! time for which it has to, which is longer before more teachers. Far below `m³` that is tried with `m* = 5` and the claim's 14 students at `d = 274 = m³/10`: 36 such pairs against 6 in the claim's own setting, at a quarter of its `d`. Of 120 runs some 88 reach all; if three of five
//! of these keep all (counted), the interval ends far below 0.9. They are the twin of the runs at `2m³`, and that nine of ten lose a teacher is their own.
//! The contrast is not one of `d` alone: the twin has more teachers and students, too. Counted, of the runs that reach all: with two teachers and 8 students 0.97 keep all at `d = 2m³` and 0.85 at `m³/10`; with two and 16, 0.74 at `m³/10`; with five and 14, 0.95 and 0.61.
//!
//! So `d` alone is varied as well, with five teachers and 14 students from the same draws at `m³/10` and `2m³`. Of the draws that reach all in both settings and keep all in one of them only, the share that does so at `2m³` is ½ if `d` does not matter; asked is more than half, and the opposite is the twin. Of 60 draws some 44 reach all in both, 0.95·0.39 + 0.05·0.61 = 0.40 of these are told apart
//! by the counted shares, 18, and `0.95·0.39/(0.95·0.39 + 0.05·0.61)` = 0.92 of them are kept at `2m³`, were the outcomes independent: 15 of 18 put the interval above ½, and one sample of twenty has fewer. So twice as many are taken, as for eight students: of 35 it takes 26, and one sample of three thousand has fewer.
//!
//! # Where one is lost, a student has woken
//!
//! A learned pair gives way to a dormant student at overlap `u` by `4.5u²/(9 − 18A_1)` only (`pruning`). So it is lost only once such a student has grown to order one: by `dκ/dt = 4.5κ²` until the teacher is taken, at the matching's `T_j`, and by `du/dt = 7.67u³` from then on (theory X6),
//!
//! ```text
//! u_k = κ_k/(1 − 4.5κ_k T_j),      awake at T_j + 1/(15.34u_k²)
//! ```
//!
//! for the students that the matching leaves over, and for those that have not yet left for a teacher of their own. That is necessary and not enough: beside one student that has woken the pair settles at 0.9156, which still counts, and most runs with somebody awake keep all. So no share of runs that
//! keep all follows, and what can be judged is the reverse: of the runs at `2m³` that lose a teacher, the share in which the law has a student awake at an earlier teacher before the last one is reached. Its twin is the same share of runs that keep all. Corrections of relative `4.5u`, and pairs that the
//! flow matches otherwise, leave exceptions: more than half is asked for. Eight lost runs are needed for that, all of them woken; of 500 runs about 14 lose a teacher (counted), so that one seed of thirty has too few at quick effort, and two of five runs that keep all have somebody awake (counted), which one seed of thirty does not tell from half. At `m³/10` the law has somebody awake in nearly every run,
//! and tells nothing.

use moe_theory::soft_routed::{InitialLaw, greedy_deflation};
use serde_json::json;

use super::flows::{Cell, Recovery, cells};
use super::{CLAIMED, FLOWS, LEVEL, enough, finding, orthogonal};
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// Dimension `m³/10` at 8 students and `10m³`; `m³/10` at more students.
const BELOW: u64 = 51;
const ABOVE: u64 = 5120;
const MORE: (usize, u64) = (16, 410);
/// Teachers that are to be kept at `m³/10`, with the claim's number of students.
const KEPT: (usize, u64) = (5, 274);
/// `2m³` of the same.
const KEPT_ABOVE: u64 = 5488;
/// Nearer to all than to half, and more than half.
const MOST: [f64; 2] = [0.75, 1.0];
const MAJORITY: [f64; 2] = [0.5, 1.0];
/// A dormant student with overlap `u` with a learned expert wakes after `1/(15.34u²)` (theory X6).
const WAKING: f64 = 15.34;

/// Whether by `time` a student that has not left for a teacher of its own has woken at a teacher other than the `last` one.
pub(super) fn woken(
    [students, teachers]: [usize; 2],
    expert: impl Fn(usize, usize) -> f64,
    last: usize,
    time: f64,
) -> bool {
    let claims = greedy_deflation([students, teachers], &expert, |_, _| None);
    let leaves = |k: usize| claims.iter().find(|claim| claim.student == k).map_or(f64::INFINITY, |claim| claim.time);
    claims.iter().filter(|claim| claim.teacher != last).any(|claim| {
        (0..students).filter(|&k| leaves(k) > claim.time).any(|k| {
            let kappa = expert(k, claim.teacher);
            let grown = kappa / (1.0 - 4.5 * kappa * claim.time);
            claim.time + 1.0 / (WAKING * grown * grown) < time.min(leaves(k))
        })
    })
}

/// The flows around `m³`, those at `2m³` apart.
pub(super) struct Cube {
    below: Cell,
    more: Cell,
    kept: Cell,
    kept_above: Cell,
    above: Cell,
}

impl Cube {
    pub(super) fn measure(run: &Run<'_>) -> Result<Self, CheckError> {
        let runs = run.integer("dimension-runs") as usize;
        let cell = |sweep, students, teachers, dimension, runs| {
            let law = orthogonal(InitialLaw::new(3, students, teachers, dimension));
            Ok::<_, CheckError>(cells(run, sweep, &[law], runs)?.remove(0))
        };
        let (teachers, _) = FLOWS;
        Ok(Self {
            below: cell("below", enough(teachers), teachers, BELOW, 2 * runs)?,
            more: cell("more", MORE.0, teachers, MORE.1, runs)?,
            kept: cell("kept", enough(KEPT.0), KEPT.0, KEPT.1, 2 * runs)?,
            kept_above: cell("kept-above", enough(KEPT.0), KEPT.0, KEPT_ABOVE, 2 * runs)?,
            above: cell("above", enough(teachers), teachers, ABOVE, runs)?,
        })
    }

    /// With the cell at `2m³`, for the table.
    pub(super) fn cells<'a>(&'a self, at: &'a Cell) -> Vec<&'a Cell> {
        vec![&self.below, &self.more, &self.kept, &self.kept_above, at, &self.above]
    }

    /// `at` are the claim's flows, at `2m³`.
    pub(super) fn findings(&self, at: &Cell) -> Vec<Finding> {
        let judged = |which: &str, item: Evidence, twin: (&str, Evidence)| {
            finding(&format!("d against m³: {which}"), item, &[Control::new(twin.0, twin.1)])
        };
        let missed = "the opposite, that three runs of four miss a teacher";
        let lost = "the opposite, that nine of ten lose a teacher";
        vec![
            judged(
                "m³/10 is enough to reach all in three runs of four, where that is large",
                reach(&self.more, true),
                ("m³/10 where that is small", reach(&self.below, true)),
            ),
            judged(
                "m³/10 is enough to reach all in three runs of four, where that is small",
                reach(&self.below, true),
                (missed, reach(&self.below, false)),
            ),
            judged(
                "m³/10 is enough to keep all, in nine of ten runs that reach them",
                keep(&self.kept, true),
                (lost, keep(&self.kept, false)),
            ),
            judged(
                "2m³ is enough to keep all, in nine of ten runs that reach them",
                keep(at, true),
                ("m³/10, of more students, before more teachers", keep(&self.kept, true)),
            ),
            judged(
                "with as many students before as many teachers 2m³ keeps all more often than m³/10",
                larger_keeps(&self.kept_above, &self.kept, true),
                ("the opposite, that m³/10 keeps all more often", larger_keeps(&self.kept_above, &self.kept, false)),
            ),
            awake(at),
            judged(
                "nothing changes in what is reached beyond it",
                same(at, &self.above),
                ("m³/10 in place of what is beyond", same(at, &self.below)),
            ),
        ]
    }
}

fn share(statement: String, cases: impl Iterator<Item = bool>, accept: [f64; 2]) -> Evidence {
    let cases: Vec<bool> = cases.collect();
    let count = cases.iter().filter(|case| **case).count() as u64;
    Evidence::estimate(statement, LEVEL, statistics::proportion(count, cases.len() as u64, LEVEL), accept)
}

fn setting(cell: &Cell) -> String {
    let InitialLaw { students, teachers, dimension, .. } = cell.law;
    format!("flows, m = {students}, m* = {teachers}, d = {dimension}")
}

/// Share of runs that reach all teachers, or that do not.
fn reach(cell: &Cell, all: bool) -> Evidence {
    let what = if all { "reach all teachers" } else { "miss a teacher" };
    let cases = cell.rows.iter().map(|row| (row.reached == cell.law.teachers) == all);
    share(format!("{}: share of runs that {what}", setting(cell)), cases, MOST)
}

/// Of the runs that reach all teachers, the share that has all of them when the last one is reached, or has not.
fn keep(cell: &Cell, all: bool) -> Evidence {
    let what = if all { "have all of them together" } else { "have lost one" };
    let statement = format!(
        "{}: of the runs that reach all teachers, the share that {what} when the last one is reached",
        setting(cell)
    );
    share(statement, cell.kept().map(|(together, _)| together == all), CLAIMED)
}

/// Share of the draws with the same outcome in two settings.
fn same(at: &Cell, other: &Cell) -> Evidence {
    let all = |row: &Recovery| row.reached == FLOWS.0;
    let settings = [at, other].map(|cell| format!("m = {}, d = {}", cell.law.students, cell.law.dimension));
    let statement =
        format!("share of draws with the same outcome, all teachers reached or not: {}", settings.join(" and "));
    share(statement, at.rows.iter().zip(&other.rows).map(|(a, b)| all(a) == all(b)), MOST)
}

/// Of the draws that reach all teachers in two settings and keep them in one of these only, the share that does so in the larger dimension, or in the smaller.
fn larger_keeps(larger: &Cell, smaller: &Cell, keeps: bool) -> Evidence {
    let kept = |row: &Recovery| row.kept().map(|(together, _)| together);
    let pairs = larger.rows.iter().zip(&smaller.rows).filter_map(|(a, b)| Some((kept(a)?, kept(b)?)));
    let one = if keeps { larger } else { smaller };
    let statement = format!(
        "draws that reach all teachers at d = {} and d = {} and have all of them together, when the last one is reached, at one of these only; m = {}, m* = {}: the share that has them at d = {}",
        smaller.law.dimension, larger.law.dimension, one.law.students, one.law.teachers, one.law.dimension
    );
    share(statement, pairs.filter(|(a, b)| a != b).map(|(a, _)| a == keeps), MAJORITY)
}

/// Whether in most runs that lose a teacher a student has woken.
fn awake(at: &Cell) -> Finding {
    let of = |all: bool| {
        let which = if all { "keep all" } else { "lose a teacher" };
        let statement = format!(
            "{}: of the runs that reach all teachers and {which} until the last one is reached, the share in which by the law T_j + 1/(15.34u²) a student without a teacher is awake by then at an earlier one",
            setting(at)
        );
        share(statement, at.kept().filter(|(kept, _)| *kept == all).map(|(_, woken)| woken), MAJORITY)
    };
    let count = |all: bool, awake: bool| at.kept().filter(|case| *case == (all, awake)).count();
    let item = of(false);
    Finding::judged(
        "d against m³: in most runs that lose a teacher a student has woken",
        item.statement().to_string(),
        &[item],
        &[Control::new("in most runs that lose none one has woken too", of(true))],
        json!({
            "lost": { "awake": count(false, true), "nobody awake": count(false, false) },
            "kept": { "awake": count(true, true), "nobody awake": count(true, false) },
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Teacher 0 goes to student 0 at 1.11, teacher 1 to student 1 at 2.22; student 2, at 0.15, has grown to 0.6 by then and wakes 0.18 later; from 0.05 it wakes at 15.8. Student 1 wakes if it does so before 2.22.
    #[test]
    fn the_runner_up_wakes() {
        let awake = |redundant: f64, last, time| {
            let kappa = [[0.2, 0.0], [0.0, 0.1], [redundant, 0.0]];
            woken([3, 2], |i, j| kappa[i][j], last, time)
        };
        assert_eq!([1.2, 1.4].map(|time| awake(0.15, 1, time)), [false, true]);
        assert_eq!([15.0, 16.0].map(|time| awake(0.05, 1, time)), [false, true]);
        assert!(!awake(0.15, 0, 16.0));
        let of_later = |kappa: f64| woken([2, 2], |i, j| [[0.2, 0.0], [kappa, 0.1]][i][j], 1, 16.0);
        assert_eq!([0.15, 0.05].map(of_later), [true, false]);
    }
}

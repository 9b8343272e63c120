//! `sequential-recovery`: are the teachers recovered one after another, in the order that the start fixes?
//!
//! # The prediction
//!
//! While overlaps are small every `κ_ij` obeys a law of its own (`phase-transition`), so the pair with the largest overlap aligns first, at the closed-form time. It leaves the race with both its members: the student's
//! other overlaps vanish with `κ → 1` (the teachers are orthogonal), and the teacher leaves the residual before the router has aligned, because `E[π(v_k·x)(π(v*·x) − π(v_i·x))] = 0` for a third router orthogonal to
//! both. So the order and the times are those of *greedy deflation*: take the largest overlap, strike out its student and its teacher, go on. Without striking out, one student may be counted for two teachers; for six
//! students and three teachers that happens in `1 − (5·4)/6² = 0.44` of the starts, and the time it predicts is then too short.
//!
//! # Where the bounds come from
//!
//! Corrections to each time are relative `O(d^{−1/2})` with a constant of order ten (the O(1) durations of jumps against `√d/4.5c`): at `d = 10⁶` within 0.01, and `[0.98, 1.02]` leaves a factor two; medians over runs
//! fluctuate far less than that. A run violates the shares when two predicted times come within the window of a jump. At the moment `T_j` the next overlap is `1/(4.5 (T_{j+1} − T_j))`, above [`DORMANT`] if that gap is below
//! two time units; the order is predicted wrongly only for gaps within the correction. A second student reaches ½ at a teacher that is being claimed if it comes close before the residual is gone, and stays: both end as a straddling
//! pair. At `d = 10⁶` the times have gaps of the scale `√d/4.5 = 200`; the shares of such starts are *measured*, not derived: over 1500 starts of six students and three teachers 3 % in the wrong order, 5 % not one after another and 11 % with a shared
//! teacher (35 % at `10⁴`). A share of at least 0.6 is accepted, that is most starts: an interval from 120 runs reaches below 0.6 from 34 violations on, six standard deviations above the thirteen expected at 11 %. (Of 48 runs eleven violations were enough, which happens in a run of a
//! hundred: too often for a verdict on record.)
//!
//! *Scope.* `d ≫ m³` is read as `d ≥ 10m³`. Ties ask for more: two times `√d/(4.5c)` are within the two units of a jump if the overlaps are within `9c²/√d`, and the largest of `mm*` normal numbers, `c = √(2 ln mm*)`, lie `1/c` apart, so that a share of about `9c³/√d` of the starts is in a tie. Where that is above what the claim leaves to them, 0.4, the verdict is withheld. It is 0.13 for six students and three
//! teachers at `d = 10⁶`, and 0.6 for twelve and four at `10⁵`.
//!
//! The twin is the same statistic at `p = 2`. There `dκ/dt = κ(1−κ²)`, every overlap grows by the same factor, and when the first reaches ½ the others are `O(1)` too: no recovery is dormant until the one before is over.

mod tie;

use std::cell::Cell;

use moe_theory::soft_routed::{Claim, Flow, FlowError, InitialLaw, Start, Stop, Watch};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    CheckError, Column, Control, Evidence, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale, Table,
    statistics,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "sequential-recovery",
    paper: "2510.07205",
    claim: "From most starts the teachers are recovered one after another, each by a student of its own, in the order of the initial expert overlaps deflated greedily and at the closed-form times of these overlaps; \
            when one expert aligns, the overlaps with the teachers still to come are dormant, and no second student aligns with a recovered teacher.",
    scope: "Population gradient flow, x ~ N(0, I_d), sigmoid routers, third Hermite experts, orthonormal teacher, v ⟂ w at the start, raw norms 1; student-student overlaps 0 at the start (≪ d^{-1/2}); every deflated overlap at least \
            ¼ d^{-1/2}; until the last recovery and 10 time units longer; d ≫ m³ (see `over-parameterisation` on what that stands for) and the numbers of students and teachers of the run, the shares at its largest d. Starts with two overlaps in a tie are the exceptions: two students then end on one teacher.",
    ledger: Label::Supported,
    typical_seconds: 12.0,
    parameters: &[
        Parameter::integer(
            "replicates",
            "independent starts, each used at every dimension",
            "",
            [120, 100_000],
            [120, 160, 1000],
        ),
        Parameter::integer("decades", "largest dimension, as a power of ten", "", [5, 8], [6, 6, 7]),
        Parameter::integer("students", "number m of students", "", [2, 12], [6, 6, 6]),
        Parameter::integer("teachers", "number m* of teachers, at most m", "", [2, 4], [3, 3, 3]),
        Parameter::real("tolerance", "local tolerance of the flow", "", [1e-12, 1e-5], [1e-6, 1e-7, 1e-9]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Smallest deflated overlap of a replicate, in units of `d^{−1/2}`.
const LEAST: f64 = 0.25;
/// An overlap that has not taken part yet.
const DORMANT: f64 = 0.1;
/// An expert that has arrived.
const SETTLED: f64 = 0.99;
/// Time that a run is followed after its last recovery.
const AFTERWARDS: f64 = 10.0;
/// Accepted shares of runs.
const MOST: [f64; 2] = [0.6, 1.0];

/// An alignment: teacher, student, time, and the largest overlap of a free student with a teacher not yet recovered at that time.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Alignment {
    teacher: usize,
    student: usize,
    time: f64,
    waiting: f64,
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sequence {
    replicate: u64,
    /// `(student, teacher, time)` by greedy deflation, and by the largest overlap of each teacher without it.
    deflated: Vec<(usize, usize, f64)>,
    plain: Vec<(usize, usize, f64)>,
    /// The first alignment of each teacher, in the order of time.
    observed: Vec<Alignment>,
    /// Whether a second student aligned with a recovered teacher.
    shared: bool,
    /// Recovered teachers whose student reaches [`SETTLED`], each once however often it does.
    settled: Vec<usize>,
}

impl Sequence {
    fn complete(&self, teachers: usize) -> bool {
        self.observed.len() == teachers
    }

    fn in_order(&self, teachers: usize) -> bool {
        let observed = self.observed.iter().map(|a| (a.student, a.teacher));
        self.complete(teachers) && observed.eq(self.deflated.iter().map(|r| (r.0, r.1)))
    }

    fn one_after_another(&self, teachers: usize) -> bool {
        self.complete(teachers) && self.observed.iter().all(|a| a.waiting < DORMANT)
    }

    fn settles(&self, teachers: usize) -> bool {
        self.settled.len() == teachers
    }

    /// Observed over predicted time of the teacher that is `rank`-th in the prediction.
    fn ratio(&self, predicted: &[(usize, usize, f64)], rank: usize) -> Option<f64> {
        let (_, teacher, time) = *predicted.get(rank)?;
        self.observed.iter().find(|a| a.teacher == teacher).map(|a| a.time / time)
    }

    /// Observed over predicted times where striking out makes a difference, without it; none where the teacher is not recovered.
    fn without_deflation(&self) -> impl Iterator<Item = Option<f64>> + '_ {
        let kept = |j: usize| self.deflated.iter().find(|r| r.1 == j).map(|r| r.0);
        let changed = move |rank: &usize| kept(self.plain[*rank].1) != Some(self.plain[*rank].0);
        (0..self.plain.len()).filter(changed).map(|rank| self.ratio(&self.plain, rank))
    }
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let (students, teachers) = (run.integer("students") as usize, run.integer("teachers") as usize);
    if students < teachers {
        let found = format!("students is {students}; at least the {teachers} teachers are needed");
        return Ok(Findings { evidence: vec![unresolved(found)], ..Findings::default() });
    }
    let mut dimensions: Vec<u64> = (4..=run.integer("decades") as u32).rev().step_by(2).map(|k| 10u64.pow(k)).collect();
    dimensions.reverse();
    let replicates = eligible(run)?;
    let cubic = sequences(run, "cubic", 3, 0.0, &dimensions, &replicates)?;
    let top = dimensions.len() - 1;
    // At p = 2 the order is lost at every dimension, and so it is with the paper's random start, which the scope excludes: the smallest dimension is the cheapest.
    let quadratic = sequences(run, "quadratic", 2, 0.0, &dimensions[..1], &replicates)?;
    let random = sequences(run, "random", 3, 1.0, &dimensions[..1], &replicates)?;

    let at = format!("d = {:e}", dimensions[top] as f64);
    let share = |rows: &[Sequence], what: &str, of: &dyn Fn(&Sequence) -> bool| {
        let hits = rows.iter().filter(|row| of(row)).count() as u64;
        let item = Evidence::estimate(
            format!("share of runs in which {what}"),
            LEVEL,
            statistics::proportion(hits, rows.len() as u64, LEVEL),
            MOST,
        );
        match rows.iter().find(|row| !of(row)) {
            Some(row) if item.holds() == Some(false) => item.with_witness(json!(row)),
            _ => item,
        }
    };
    let ordered = |rows: &[Sequence], at: &str| {
        share(
            rows,
            &format!("all teachers are recovered by the students and in the order of greedy deflation, {at}"),
            &|row| row.in_order(teachers),
        )
    };
    let sequential = |rows: &[Sequence], at: &str| {
        share(
            rows,
            &format!(
                "all teachers are recovered and at each alignment the overlaps with those still to come are below {DORMANT}, {at}"
            ),
            &|row| row.one_after_another(teachers),
        )
    };
    // A teacher that is not recovered has no time, which may be on either side.
    let times = |ratios: Vec<Option<f64>>, statement: String| {
        let known: Vec<f64> = ratios.iter().flatten().copied().collect();
        Evidence::estimate(statement, LEVEL, statistics::median_of_all(&known, ratios.len(), LEVEL), [0.98, 1.02])
    };
    let mut evidence = vec![
        ordered(&cubic[top], &at),
        sequential(&cubic[top], &at),
        share(&cubic[top], &format!("no second student aligns with a recovered teacher, {at}"), &|row| !row.shared),
    ];
    for rank in 0..teachers {
        let ratios = cubic[top].iter().map(|row| row.ratio(&row.deflated, rank)).collect();
        evidence.push(times(
            ratios,
            format!("time of recovery {} over its closed-form time, {at}, median over runs", rank + 1),
        ));
    }
    if let Some(reason) = outside(students, teachers, dimensions[top] as f64) {
        evidence = evidence.into_iter().map(|item| item.withheld(reason.clone())).collect();
    }
    let mut controls = vec![
        Control::new(
            "second Hermite experts, whose overlaps all grow together, are rejected as sequential",
            sequential(&quadratic[0], &format!("p = 2, d = {:e}", dimensions[0] as f64)),
        ),
        Control::new(
            "times predicted without deflation are rejected where they differ",
            times(
                cubic[top].iter().flat_map(Sequence::without_deflation).collect(),
                format!(
                    "time of recovery over the closed-form time of the teacher's largest overlap, where deflation strikes that out, {at}, median"
                ),
            ),
        ),
        Control::new(
            "the order of greedy deflation reversed is rejected",
            share(&cubic[top], &format!("the teachers are recovered in the reverse of that order, {at}"), &|row| {
                let reversed = row.deflated.iter().rev().map(|r| r.1);
                row.complete(teachers) && row.observed.iter().map(|a| a.teacher).eq(reversed)
            }),
        ),
    ];
    // With a student for each teacher and no further one second Hermite experts need not crowd: then the starts in a tie are the twin.
    let (tie, crowded) = tie::finding(run)?;
    controls.push(if students > teachers {
        Control::new(
            "second Hermite experts, of which several come to one teacher, are rejected as keeping to one student each",
            share(
                &quadratic[0],
                &format!("no second student aligns with a recovered teacher, p = 2, d = {:e}", dimensions[0] as f64),
                &|row| !row.shared,
            ),
        )
    } else {
        Control::new("starts in a tie are rejected as keeping to one student each", crowded)
    });
    let recovered =
        |rows: &[Sequence]| rows.iter().map(|row| row.observed.len()).sum::<usize>() as f64 / rows.len() as f64;
    let settled = |rows: &[Sequence], teachers: usize, at: &str| {
        let statement = format!(
            "every teacher's student goes on to overlap {SETTLED} within {AFTERWARDS} time units of the last recovery, {at}"
        );
        share(rows, &statement, &|row| row.settles(teachers))
    };
    let straddling = settled(&tie::sequences(run)?, 1, "two students in a tie at one teacher");
    let finding = |title: &str, item: Evidence, controls: &[Control], witness| {
        Finding::judged(title, item.statement().to_string(), &[item], controls, witness)
    };
    let findings = vec![
        finding(
            "random students: the order of deflation under the paper's own start",
            ordered(&random[0], &format!("random student-student overlaps, d = {:e}", dimensions[0] as f64)),
            &controls,
            json!({ "recovered_on_average": recovered(&random[0]), "orthogonal": recovered(&cubic[0]), "teachers": teachers }),
        ),
        finding(
            "what is recovered is recovered well",
            settled(&cubic[top], teachers, &at),
            &[Control::new("students in a tie, which straddle their teacher, are rejected", straddling)],
            json!(null),
        ),
        tie,
    ];
    let none: [&str; 0] = [];
    let title = "time of each recovery against the closed form";
    let figures = vec![
        Figure::new("times", title, "recoveries", "predicted", none, [Scale::Log; 2])
            .with_points(["observed"])
            .with_laws(["predicted"]),
    ];
    let tables = vec![times_table(&dimensions, &cubic, teachers), recoveries_table(&cubic[top])];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// Why the law is not held against this setting, by the documentation's "Scope".
fn outside(students: usize, teachers: usize, dimension: f64) -> Option<String> {
    let cube = (students as f64).powi(3);
    let largest = (2.0 * ((students * teachers) as f64).ln()).sqrt();
    let ties = 9.0 * largest.powi(3) / dimension.sqrt();
    if dimension < 10.0 * cube {
        Some(format!("d is {dimension:e}, below 10 m³ = {}: the claim is for d ≫ m³", 10.0 * cube))
    } else if ties > 1.0 - MOST[0] {
        Some(format!(
            "at d = {dimension:e} theory expects ties in a share 9(2 ln mm*)^(3/2)/√d = {ties:.2} of the starts, above {:.1}",
            1.0 - MOST[0]
        ))
    } else {
        None
    }
}

fn unresolved(reason: String) -> Evidence {
    Evidence::unresolved(crate::Inexact::Comparison, "every teacher has a student of its own", MOST, reason)
}

fn law(run: &Run<'_>, order: usize, dimension: u64, student_overlap: f64) -> InitialLaw {
    let (students, teachers) = (run.integer("students") as usize, run.integer("teachers") as usize);
    InitialLaw { student_overlap, ..InitialLaw::new(order, students, teachers, dimension) }
}

/// The first replicates whose deflated overlaps are in the lemma's scope at the largest dimension; draws are paired, so that decides for all.
fn eligible(run: &Run<'_>) -> Result<Vec<u64>, CheckError> {
    let (wanted, teachers) = (run.integer("replicates") as usize, run.integer("teachers") as usize);
    let dimension = 10u64.pow(run.integer("decades") as u32);
    let least = LEAST / (dimension as f64).sqrt();
    let law = law(run, 3, dimension, 0.0);
    run.replicates(wanted, |replicate| {
        let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
        let (claims, overlaps) = (start.claims(), start.order_parameters());
        Ok(claims.len() == teachers && claims.iter().all(|c| overlaps.expert(c.student, c.teacher) >= least))
    })
}

/// Runs from every start at every dimension: `[dimension][replicate]`.
fn sequences(
    run: &Run<'_>,
    sweep: &str,
    order: usize,
    student_overlap: f64,
    dimensions: &[u64],
    replicates: &[u64],
) -> Result<Vec<Vec<Sequence>>, CheckError> {
    let rows = run.units(sweep, dimensions.len() * replicates.len(), |unit| {
        let (d, replicate) = (dimensions[unit / replicates.len()], replicates[unit % replicates.len()]);
        let start = law(run, order, d, student_overlap).sample(run.seed(), replicate).map_err(CheckError::theory)?;
        sequence(run, &start, replicate)
    })?;
    Ok(rows.chunks(replicates.len().max(1)).map(<[_]>::to_vec).collect())
}

fn sequence(run: &Run<'_>, start: &Start, replicate: u64) -> Result<Sequence, CheckError> {
    let plain = |claims: Vec<Claim>| claims.iter().map(|c| (c.student, c.teacher, c.time)).collect::<Vec<_>>();
    let deflated = plain(start.claims());
    let last = deflated.iter().map(|r| r.2).fold(0.0, f64::max);
    let mut row = Sequence {
        replicate,
        plain: plain(start.claims_without_deflation()),
        deflated,
        observed: Vec::new(),
        shared: false,
        settled: Vec::new(),
    };
    let even = start.order.is_multiple_of(2);
    let size = |x: f64| if even { x.abs() } else { x };
    let watches = [0.5, SETTLED].map(|level| if even { Watch::ExpertMagnitude(level) } else { Watch::Expert(level) });
    // A run that has not recovered all by then is incomplete, and counts as such.
    let until = 2.0 * last + 50.0;
    let end = Cell::new(until);
    let ended = |time: f64| time >= end.get() || run.proceed().is_err();
    let flow = Flow::new(start).tolerance(run.real("tolerance")).monitor(&ended);
    let outcome = flow.run(
        until,
        &watches,
        &[],
        |_, _| {},
        |event, state| {
            let (student, teacher, time) = (event.student, event.other, event.time);
            let known = row.observed.iter().find(|seen| seen.teacher == teacher);
            match (event.watch, known) {
                (0, None) => {
                    let taken = |i: usize, j: usize| {
                        i == student || j == teacher || row.observed.iter().any(|a| a.student == i || a.teacher == j)
                    };
                    let waiting =
                        state.pairs().filter(|(i, j, _)| !taken(*i, *j)).map(|pair| size(pair.2)).fold(0.0, f64::max);
                    row.observed.push(Alignment { teacher, student, time, waiting });
                    if row.observed.len() == start.teachers() {
                        end.set(time + AFTERWARDS);
                    }
                }
                // A student that left and came back is no second one.
                (0, Some(seen)) => row.shared |= seen.student != student,
                (_, Some(seen)) if seen.student == student && !row.settled.contains(&teacher) => {
                    row.settled.push(teacher)
                }
                (_, _) => {}
            }
            Stop::No
        },
    );
    run.proceed()?;
    match outcome {
        Ok(_) | Err(FlowError::Stopped { .. }) => Ok(row),
        Err(error) => Err(CheckError::theory(error)),
    }
}

fn times_table(dimensions: &[u64], sweeps: &[Vec<Sequence>], teachers: usize) -> Table {
    let heads =
        ["d", "rank", "runs", "predicted", "observed", "ratio", "lower", "upper", "in order", "one by one", "shared"];
    let mut table = Table::new("times", heads.map(|head| Column::new(head, "")));
    let middle = |values: Vec<f64>| statistics::median(&values, LEVEL);
    for (&d, rows) in dimensions.iter().zip(sweeps) {
        let share =
            |of: &dyn Fn(&Sequence) -> bool| rows.iter().filter(|row| of(row)).count() as f64 / rows.len() as f64;
        for rank in 0..teachers {
            let ratio = middle(rows.iter().filter_map(|row| row.ratio(&row.deflated, rank)).collect());
            let observed = middle(rows.iter().filter_map(|row| row.observed.get(rank).map(|a| a.time)).collect());
            table.push([
                d.into(),
                (rank + 1).into(),
                rows.len().into(),
                middle(rows.iter().filter_map(|row| row.deflated.get(rank).map(|r| r.2)).collect())
                    .map(|e| e.value)
                    .into(),
                observed.map(|e| e.value).into(),
                ratio.map(|e| e.value).into(),
                ratio.map(|e| e.interval[0]).into(),
                ratio.map(|e| e.interval[1]).into(),
                share(&|row| row.in_order(teachers)).into(),
                share(&|row| row.one_after_another(teachers)).into(),
                share(&|row| row.shared).into(),
            ]);
        }
    }
    table
}

fn recoveries_table(rows: &[Sequence]) -> Table {
    let heads = ["replicate", "rank", "teacher", "student", "predicted", "observed", "waiting"];
    let mut table = Table::new("recoveries", heads.map(|head| Column::new(head, "")));
    // A dozen runs are enough to look at; all are in the journal.
    let entries = rows.iter().take(12).flat_map(|row| row.deflated.iter().enumerate().map(move |entry| (row, entry)));
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|a, b| a.1.1.2.total_cmp(&b.1.1.2));
    for (row, (rank, &(student, teacher, predicted))) in entries {
        let seen = row.observed.iter().find(|a| a.teacher == teacher);
        table.push([
            row.replicate.into(),
            (rank + 1).into(),
            teacher.into(),
            student.into(),
            predicted.into(),
            seen.map(|a| a.time).into(),
            seen.map(|a| a.waiting).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Effort;

    /// A start of which one student reaches 0.99 at one teacher twice, and one teacher of three is not recovered.
    #[test]
    fn a_teacher_that_is_left_and_reached_again_settles_once() {
        let run = Run::new(&LEMMA, Effort::Quick, 0);
        let start = law(&run, 3, 100_000, 0.0).sample(run.seed(), 57).unwrap();
        let row = sequence(&run, &start, 57).unwrap();
        assert_eq!(row.settled, [1, 0]);
        assert!(!row.settles(3));
    }

    #[test]
    fn scope_holds_the_defaults_and_ends() {
        assert_eq!(outside(6, 3, 1e6), None);
        assert_eq!(outside(6, 3, 1e7), None);
        assert!(outside(12, 4, 1e5).is_some_and(|reason| reason.contains("ties")));
        assert!(outside(12, 4, 1e4).is_some_and(|reason| reason.contains("m³")));
    }
}

//! The claims about several teachers and students, under the laws that leave the phase transition in place: recovery one after another, guided routers, pruning, dipoles.
//!
//! # What theory predicts (derived here)
//!
//! A generic spike or mean, of a mixture of unequal weights too if its means cancel (`mixtures.rs`), takes `w̄·u = O(d^{−1/2})` out of every student within `O(1)`; what is left are isotropic inputs up to `O(1/d)`, so all of it survives. A mean `±μ` along a router `v*` leaves `A_0(μ) + A_0(−μ) = 1`, the law of every
//! expert, and the residual without the recovered pair, hence the order of recovery and the race between students. A spike along an expert hides that teacher: there all of it fails, which makes the twin.
//!
//! # Where the bounds come from
//!
//! *One flow for each start.* Starts with three orthogonal students and two teachers in which the greedy matching is clear (matched overlaps at least `d^{−1/2}`, all rivals below ⅔ of them: lemma `pruning`), until all routers have reached 0.9, or
//! `0.3√d + 25`: the slowest deflated time is `√d/4.5` to leading order, and a router needs `ln 10/0.54 = 4` beyond its `2/0.256 = 8` units. No failure is expected; eight of eight give the interval [0.52, 1], and a majority is asked for.
//!
//! *Dipoles.* Two students at overlap `−u` with `u ≥ d^{−1/2}` that leads their overlaps with the teacher by a factor 3 anti-align as `du/dt = 9u²(1 − u²)`. The term `4.5κ_iκ_k` of a common teacher is at most `½·3^{−2} = 0.055` of that, other corrections are
//! `O(u) < 0.03`: the median ratio to the closed form is within 0.1 of 1. The rate 4.5 of a teacher in place of 9 is off by a factor 2.

use moe_theory::soft_routed::{Flow, GeneralLoss, Inputs, OrderParameters, Start, Stop, Watch, alignment_time};
use serde::{Deserialize, Serialize};

use super::law::Law;
use super::{LEVEL, finished};
use crate::alignments::is_matched;
use crate::{CheckError, Column, Control, Estimate, Evidence, Finding, Run, Table, statistics};

/// The laws that leave the claims in place, the most different first, and the one that hides a teacher.
pub(super) const SURVIVING: [Law; 5] =
    [Law::SpikeGeneric, Law::MixtureRouter, Law::MixtureGeneric, Law::UnequalGeneric, Law::Isotropic];
pub(super) const HIDING: Law = Law::SpikeExpert;
/// Students and teachers of the recoveries, students of the dipoles.
pub(super) const SHAPE: [usize; 2] = [3, 2];
/// Smallest overlap in units of `d^{−1/2}`, and the largest rival over a matched one.
const LEAST: f64 = 1.0;
const RIVAL: f64 = 2.0 / 3.0;
/// Lead of the overlap between students over those with the teacher.
const LEAD: f64 = 3.0;
pub(super) const MAJORITY: [f64; 2] = [0.5, 1.0];
const ON_TIME: [f64; 2] = [0.9, 1.1];
/// Overlap of a recovered router, and time beyond `0.3√d` that it has.
const RECOVERED: f64 = 0.9;
const PATIENCE: f64 = 25.0;

/// One flow with two teachers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Course {
    /// Both teachers are recovered, in the order and by the students that the matching says; no second student reached ½ with either.
    as_predicted: bool,
    /// Both are recovered, and each router reached ½ after its expert.
    guided: bool,
    /// `ΔL` of the students that serve: the smallest, less the largest of the others.
    pub(super) gap: Option<f64>,
    /// Removal while that lowers the loss keeps one student for each teacher.
    pruned: bool,
}

/// A claim about a course: title, what a start has to show, whether it does.
type Claim = (&'static str, &'static str, fn(&Course) -> bool);
pub(super) const CLAIMS: [Claim; 3] = [
    (
        "teachers are recovered one after another",
        "both are recovered in the order and by the students of greedy deflation, and no second student reaches ½ with either",
        |course| course.as_predicted,
    ),
    ("every router follows its expert", "each router reaches ½ after its expert did", |course| course.guided),
    (
        "redundant experts can be pruned",
        "every useful expert ranks above every redundant one by the change of the loss on removal, and removal while that lowers the loss keeps one for each teacher",
        |course| course.pruned && course.gap.is_some_and(|gap| gap > 0.0),
    ),
];

/// Starts in which the greedy matching is clear.
pub(super) fn matched(run: &Run<'_>, wanted: usize, dimension: u64) -> Result<Vec<u64>, CheckError> {
    run.replicates(wanted, |replicate| {
        Ok(is_matched(&Law::Isotropic.start(run, SHAPE, 0.0, dimension, replicate)?.0, LEAST, RIVAL))
    })
}

/// Starts in which two students repel before either knows the teacher.
pub(super) fn repelled(run: &Run<'_>, wanted: usize, dimension: u64) -> Result<Vec<u64>, CheckError> {
    run.replicates(wanted, |replicate| {
        let state = Law::Isotropic.start(run, [2, 1], 1.0, dimension, replicate)?.0.order_parameters();
        let strongest = state.pairs().map(|(_, _, kappa)| kappa.abs()).fold(0.0, f64::max);
        let u = -state.student(0, 1);
        Ok(u * (dimension as f64).sqrt() >= LEAST && u >= LEAD * strongest)
    })
}

pub(super) fn findings(run: &Run<'_>) -> Result<(Vec<Finding>, Table), CheckError> {
    let wanted = run.integer("claims-replicates") as usize;
    let laws: Vec<Law> =
        SURVIVING.into_iter().take(run.integer("claims-laws") as usize).chain(std::iter::once(HIDING)).collect();
    let dimension = run.integer("dimension");
    let sample = |law: Law, shape: [usize; 2], overlap: f64, replicate: u64| {
        law.start(run, shape, overlap, dimension, replicate)
    };
    let (matched, repelled) = (matched(run, wanted, dimension)?, repelled(run, wanted, dimension)?);
    let (n, pairs) = (matched.len(), repelled.len());
    let courses = run.units("claims", laws.len() * n, |unit| {
        let (start, inputs) = sample(laws[unit / n], SHAPE, 0.0, matched[unit % n])?;
        course(run, &start, &inputs, 1.0)
    })?;
    let dipoles = run.units("dipoles", laws.len() * pairs, |unit| {
        let (start, inputs) = sample(laws[unit / pairs], [2, 1], 1.0, repelled[unit % pairs])?;
        dipole(run, &start, &inputs)
    })?;
    let of = |law: usize| &courses[law * n..(law + 1) * n];
    let share = |law: usize, what: &str, property: fn(&Course) -> bool| {
        let statement = format!("{}: three students, two teachers: share of starts in which {what}", laws[law].name());
        let hits = of(law).iter().filter(|course| property(course)).count() as u64;
        Evidence::estimate(statement, LEVEL, statistics::proportion(hits, n as u64, LEVEL), MAJORITY)
    };
    let on_time = |law: usize, factor: f64, how: &str| {
        let statement = format!(
            "{}: time in which two students at overlap −u reach −½ over the isotropic closed form{how}, median over starts",
            laws[law].name()
        );
        let ratios: Option<Vec<f64>> = dipoles[law * pairs..(law + 1) * pairs]
            .iter()
            .map(|ratio: &Option<f64>| Some(factor * (*ratio)?))
            .collect();
        Evidence::estimate(statement, LEVEL, ratios.and_then(|ratios| statistics::median(&ratios, LEVEL)), ON_TIME)
    };
    let judged =
        |law: usize, what: &str, item: Evidence, twin: Evidence| laws[law].finding(what, item, &Control::from(twin));
    let hidden = laws.len() - 1;
    let mut findings = Vec::new();
    for law in 0..hidden {
        for (title, what, property) in CLAIMS {
            findings.push(judged(law, title, share(law, what, property), share(hidden, what, property)));
        }
        findings.push(judged(
            law,
            "students repel into dipoles on time",
            on_time(law, 1.0, ""),
            on_time(law, 0.5, " with the rate 4.5 of a teacher in place of 9"),
        ));
    }
    let heads =
        ["inputs", "starts", "as predicted", "routers follow", "pruned to the teachers", "gap", "dipole T/closed form"];
    let mut table = Table::new("claims", heads.map(|head| Column::new(head, "")));
    for (law, name) in laws.iter().map(|law| law.name()).enumerate() {
        let count = |property: &dyn Fn(&Course) -> bool| of(law).iter().filter(|course| property(course)).count();
        let median =
            |values: Vec<f64>| -> Option<f64> { statistics::median(&values, LEVEL).map(|e: Estimate| e.value) };
        table.push([
            name.into(),
            n.into(),
            count(&|course| course.as_predicted).into(),
            count(&|course| course.guided).into(),
            count(&|course| course.pruned).into(),
            median(of(law).iter().filter_map(|course| course.gap).collect()).into(),
            median(dipoles[law * pairs..(law + 1) * pairs].iter().filter_map(|ratio| *ratio).collect()).into(),
        ]);
    }
    Ok((findings, table))
}

/// With `patience` times the time that isotropic inputs need.
pub(super) fn course(run: &Run<'_>, start: &Start, inputs: &Inputs, patience: f64) -> Result<Course, CheckError> {
    let general = GeneralLoss::under(start, inputs);
    let (teachers, root) = (start.teachers(), (start.dimension as f64).sqrt());
    let until = patience * (0.3 * root + PATIENCE);
    let mut experts: Vec<(usize, usize)> = Vec::new();
    let (mut guided, mut recovered) = (true, vec![false; teachers]);
    let (mut end, mut event_end) = (None, None);
    let interrupted = |_: f64| run.proceed().is_err();
    let flow = Flow::new(start).tolerance(run.real("tolerance").max(1e-6)).under(&general).monitor(&interrupted);
    let outcome = flow.run(
        until,
        &[Watch::Expert(0.5), Watch::Router(0.5), Watch::Router(RECOVERED)],
        &[until],
        |_, state| end = Some(state),
        |event, state| {
            let pair = (event.student, event.other);
            match event.watch {
                0 => experts.push(pair),
                1 => guided &= experts.contains(&pair),
                _ => recovered[event.other] = true,
            }
            if recovered.contains(&false) {
                return Stop::No;
            }
            event_end = Some(state.clone());
            Stop::Yes
        },
    );
    finished(run, outcome.map(drop))?;
    let state = event_end.or(end).ok_or_else(|| CheckError::theory("the flow has no end"))?;
    let predicted: Vec<(usize, usize)> = start.claims().iter().map(|claim| (claim.student, claim.teacher)).collect();
    let all = !recovered.contains(&false);
    let serving: Vec<usize> = experts.iter().map(|pair| pair.0).collect();
    let gap = all.then(|| gap(start, inputs, &state, &serving)).flatten();
    let kept = prune(start, inputs, &state);
    let pruned = all && kept.len() == teachers && kept.iter().all(|i| serving.contains(i));
    Ok(Course { as_predicted: all && experts == predicted, guided: all && guided, gap, pruned })
}

/// The loss of some of the students.
fn loss(start: &Start, inputs: &Inputs, state: &OrderParameters, kept: &[usize]) -> f64 {
    let some = start.at(state).with_students(kept);
    GeneralLoss::under(&some, inputs).loss(&some.state())
}

/// Smallest change of the loss on removal of a student that serves, less the largest of the others.
fn gap(start: &Start, inputs: &Inputs, state: &OrderParameters, serving: &[usize]) -> Option<f64> {
    let m = state.students();
    let without = |i: usize| loss(start, inputs, state, &(0..m).filter(|k| *k != i).collect::<Vec<_>>());
    let useful = (0..m).filter(|i| serving.contains(i)).map(without).reduce(f64::min)?;
    let redundant = (0..m).filter(|i| !serving.contains(i)).map(without).reduce(f64::max)?;
    Some(useful - redundant)
}

/// Removes students one at a time, the best first, while that lowers the loss and one is left.
fn prune(start: &Start, inputs: &Inputs, state: &OrderParameters) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..state.students()).collect();
    let mut lowest = loss(start, inputs, state, &kept);
    while kept.len() > 1 {
        let smaller = kept.iter().map(|i| kept.iter().copied().filter(|k| k != i).collect::<Vec<_>>());
        let Some((rest, after)) = smaller
            .map(|rest| (loss(start, inputs, state, &rest), rest))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(l, r)| (r, l))
        else {
            break;
        };
        if after >= lowest {
            break;
        }
        (kept, lowest) = (rest, after);
    }
    kept
}

/// Time in which the two students' overlap falls to −½, over the closed form.
pub(super) fn dipole(run: &Run<'_>, start: &Start, inputs: &Inputs) -> Result<Option<f64>, CheckError> {
    let general = GeneralLoss::under(start, inputs);
    // du/dt = 9u²(1 − u²) is the teacher's law twice as fast.
    let predicted = 0.5 * alignment_time(start.router, start.order, -start.order_parameters().student(0, 1), 0.5);
    let mut time = None;
    let interrupted = |_: f64| run.proceed().is_err();
    let flow = Flow::new(start).tolerance(run.real("tolerance").max(1e-6)).under(&general).monitor(&interrupted);
    let outcome = flow.run(
        3.0 * predicted,
        &[Watch::StudentFalls(-0.5)],
        &[],
        |_, _| {},
        |event, _| {
            time = Some(event.time / predicted);
            Stop::Yes
        },
    );
    finished(run, outcome.map(drop))?;
    Ok(time)
}

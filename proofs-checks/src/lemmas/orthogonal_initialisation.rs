//! `orthogonal-initialisation`: must `v_i ⟂ w_i` hold at the start?
//!
//! # The prediction
//!
//! Without it `s = v̄·w̄` is of order `d^{−1/2}` in a Gaussian start. The student's own loss turns `v̄` and `w̄` apart by equal angles at equal raw norms, `ds/dt = −36|A_3| s = −2.246 s`, long before
//! an overlap with the teacher moves. Hence `κ_0` becomes `κ' = κ_0 − (s/2) v̄·w* + O(s²κ_0)`, and times change by the relative amount `(s/2)|v̄·w*|/κ_0 = |z z'|/(2c) · d^{−1/2}`, `z`, `z'` standard normal,
//! `c = κ_0√d`. Other pairs, or another order, follow only where two pairs tie to that precision: in a share `O(d^{−1/2})` of the starts. The degree-two part that `s ≠ 0` gives to `f` does not meet the
//! teacher, who has none (measured in `degree_two`); it makes `36A_1² = 1.537` of the decay rate 2.246, the rest comes from the even degrees above. Along the flow `s` does not stay 0: alignments drive it (`own_overlap`).
//!
//! For `s = O(1)` the same turn by `½ arcsin s` takes `κ_0` to `κ'` of the other sign in a share `arcsin(s)/(2π)` of the starts: there orthogonality decides *which* starts succeed, not how many.
//!
//! # Where the bounds come from
//!
//! *Needed* is granted where the outcome differs in at least half of the matched starts; the predicted share at `d ≥ 10⁴` is a few per cent at most, and that an interval from 60 starts reaches ½ then
//! has probability below 10⁻⁹. Unmatched starts agree only if the same of eight pairs comes first (and the time fits): below 1/8, so that agreement in half of 60 is out of reach (10⁻⁶). At
//! `s = 0.9` the turn of 32° multiplies `κ_0` by `0.85 − 0.38z`, which is within a tenth of 1 in less than 0.2 of the starts, again with the further pairs to agree. Rates at `d = 10⁸`: what the teacher adds to `s` within
//! one unit of time is below `10⁻³` of it, so ±1 % holds. The median of `|z z'|/(2c)` is about 0.15, and ranks that bound a median of 60 values stay within `[0.01, 0.9]` but for probability 10⁻⁷. The same draw has the same `z`, `z'`, `c` in every dimension, so that the exponent of `d` in its change is −½ up to the next order, `d^{−1/2}/c`; between −¼ and −¾ it is nearer to that than to 0 or −1. The share of
//! correct fates has no predicted misses beyond `O(d^{−1/2})`: 0.8 leaves three in 40.
//!
//! *Accuracy.* The loss at the end is that of redundant students, and does not show how exact the recovered pairs are. Of these, and with orthogonal students, `1 − κ` on the plateau is a sum of fourth powers of overlaps `u = c d^{−1/2}` of dormant students (`recovery-accuracy`), and without `v ⟂ w` each `u` changes by
//! the relative `|zz'|/(2c) d^{−1/2}`: the factor by which `1 − κ` changes is 1.01 for a typical pair at `d = 10⁴`, some times that for small `c`. A pair that is still approaching the plateau, at the rate 0.538, comes earlier or later by `|zz'|/(9c²)`: a factor of 1.03.
//! Awake students and other outcomes change it by more, in fewer than half of the starts (a quarter is seen). Of a start the pair that changes most is taken; the median over starts is accepted up to 1.1. For unmatched starts it is a quotient of fourth powers of unlike numbers, ten and more. With random students dipoles
//! decide which overlaps are left over, and nothing is derived: the table has their factor.

mod degree_two;
mod ending;
mod own_overlap;
mod training;

use moe_kernels::Router;
use moe_theory::soft_routed::{InitialLaw, Start, alignment_time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::ending::{Ending, SLACK};
use self::training::Training;
use crate::alignments::Alignments;
use crate::{
    CheckError, Column, Control, Estimate, Evidence, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale,
    Table, statistics,
};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "orthogonal-initialisation",
    paper: "2510.07205",
    claim: "The initialisation must make v_i orthogonal to w_i: without it, from the same Gaussian draws, training ends otherwise (other student-teacher pairs, another \
            order, or a first alignment at a time off by more than a tenth), with fewer teachers or with a loss larger by a tenth, in at least half of the starts.",
    scope: "Population gradient flow, x ~ N(0, I_d), sigmoid routers, third Hermite experts, orthonormal teacher, Gaussian start with raw norms 1 in which v is made \
            orthogonal to w or left as drawn (v·w = O(d^{-1/2})), student-student overlaps random; up to t = √d, at the d ≥ 10⁴ of the tables. 'Needed' read as above is this project's reading.",
    ledger: Label::Refuted,
    typical_seconds: 25.0,
    parameters: &[
        Parameter::integer("replicates", "matched starts", "", [60, 100_000], [60, 100, 600]),
        Parameter::integer("decades", "largest dimension, as a power of ten", "", [4, 9], [4, 6, 8]),
        Parameter::integer(
            "fates",
            "starts with v·w = 0.9 whose fate is predicted to change",
            "",
            [40, 10_000],
            [40, 60, 300],
        ),
        Parameter::integer(
            "figure-replicates",
            "starts in the published figure's setting",
            "",
            [8, 10_000],
            [24, 40, 200],
        ),
        Parameter::integer("sgd-replicates", "runs of SGD in each setting", "", [12, 10_000], [12, 40, 100]),
        Parameter::real("tolerance", "local tolerance of the flow", "", [1e-12, 1e-6], [1e-7, 1e-8, 1e-9]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Students and teachers.
const UNITS: (usize, usize) = (4, 2);
/// At least every second start.
const HALF: [f64; 2] = [0.5, 1.0];
/// The overlap v·w of starts where orthogonality matters.
const OBLIQUE: f64 = 0.9;
/// Dimensions of the comparison with them, and of the fates.
const OBLIQUE_DIMENSION: u64 = 10_000;
const FATES: u64 = 1_000_000;
/// Names of the students' overlaps in the figure.
const RANDOM: &str = "random students";
const ORTHOGONAL: &str = "orthogonal students";

/// One flow from one start.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Outcome {
    replicate: u64,
    ending: Ending,
    /// Largest `|v̄·w̄|` at the start, and the degree-two part's share of the loss there.
    own: f64,
    degree_two: f64,
    /// First alignment by the closed form, where the expert takes none, half or all of the turn.
    law: [Option<f64>; 3],
}

/// What the start of a sweep does with `v` and `w`.
#[derive(Clone, Copy)]
enum Routers {
    Orthogonal,
    AsDrawn,
    Oblique,
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let dimensions: Vec<u64> = (3..=run.integer("decades") as u32).map(|k| 10u64.pow(k)).collect();
    let sweep = |name: &str, routers, student_overlap| outcomes(run, name, &dimensions, routers, student_overlap);
    let with = sweep("orthogonal", Routers::Orthogonal, 1.0)?;
    let without = sweep("as-drawn", Routers::AsDrawn, 1.0)?;
    let apart_with = sweep("orthogonal-apart", Routers::Orthogonal, 0.0)?;
    let apart_without = sweep("as-drawn-apart", Routers::AsDrawn, 0.0)?;
    let oblique = outcomes(run, "oblique", &[OBLIQUE_DIMENSION], Routers::Oblique, 1.0)?;
    let decay = own_overlap::decay(run)?;
    let degree_two = degree_two::findings(run)?;
    let fates = fates(run)?;
    let drifts = own_overlap::drifts(run)?;
    let training = Training::of(run)?;

    let last = dimensions.len() - 1;
    let top = format!("d = {:e}", dimensions[last] as f64);
    let evidence: Vec<Evidence> = (1..=last)
        .map(|k| {
            let at = format!("d = {:e}", dimensions[k] as f64);
            let (with, without) = (&with[k], &without[k]);
            let pairs = || with.iter().zip(without);
            let example = pairs().find(|(a, b)| !a.ending.alignments.halves.is_empty() && !a.ending.is_otherwise(&b.ending));
            let witness = json!({ "seed": run.seed(), "dimension": dimensions[k],
                "other outcome": pairs().filter(|(a, b)| a.ending.alignments.differs(&b.ending.alignments, SLACK)).count(),
                "fewer teachers": pairs().filter(|(a, b)| a.ending.fewer_teachers(&b.ending)).count(),
                "larger loss": pairs().filter(|(a, b)| a.ending.larger_loss(&b.ending)).count(),
                "agreeing": example.map(|(a, b)| json!({ "replicate": a.replicate, "with": a.ending.alignments.halves,
                    "without": b.ending.alignments.halves, "largest_own_overlap_without": b.own })) });
            let what = "the outcome without v ⟂ w differs from that with it, or fewer teachers are learned, or the loss at t = √d is larger by more than a tenth";
            share(what, &at, with, without, HALF, |a, b| a.ending.is_otherwise(&b.ending)).with_witness(witness)
        })
        .collect();

    let agreement = |what: &str, at: &str, a: &[Outcome], b: &[Outcome]| {
        share(what, at, a, b, HALF, |a, b| !a.ending.is_otherwise(&b.ending))
    };
    let place = dimensions.iter().position(|d| *d == OBLIQUE_DIMENSION).unwrap_or(last);
    let mut shifted = without[last].clone();
    shifted.rotate_left(1);
    let controls = vec![
        Control::new(
            "agreement in half of the starts is rejected where starts are not matched",
            agreement(
                "the outcomes of a start with and of the next one without v ⟂ w agree",
                &top,
                &with[last],
                &shifted,
            ),
        ),
        Control::new(
            "agreement in half of the starts is rejected where the same start has v·w = 0.9",
            agreement("the outcomes with v·w = 0 and with v·w = 0.9 agree", "d = 1e4", &with[place], &oblique[0]),
        ),
    ];

    let changes = |share: usize, what: &str| {
        let pairs = apart_with[last].iter().zip(&apart_without[last]);
        let ratios: Vec<f64> = pairs
            .filter_map(|(a, b)| {
                Some((b.ending.alignments.first()? - a.ending.alignments.first()?) / (b.law[share]? - a.law[share]?))
            })
            .filter(|ratio| ratio.is_finite())
            .collect();
        let statement = format!(
            "change of the first alignment's time over that predicted where the expert turns by {what}, {top}, median over starts with orthogonal students"
        );
        Evidence::estimate(statement, LEVEL, statistics::median(&ratios, LEVEL), [0.9, 1.1])
    };
    let gap = |k: usize| scaled_gap(&apart_with[k], &apart_without[k], dimensions[k]);
    let gaps = |accept| -> Vec<Evidence> {
        (0..=last)
            .map(|k| {
                let statement = format!(
                    "√d·|T without/T with − 1|, d = {:e}, median over starts with orthogonal students",
                    dimensions[k] as f64
                );
                Evidence::estimate(statement, LEVEL, gap(k), accept)
            })
            .collect()
    };
    let exponent = |what: &str, shift: usize| {
        let statement = format!(
            "exponent of d in |T/T' − 1| of the first alignments {what}, between d = 1e3 and {top}, median over starts with orthogonal students"
        );
        let sizes = [0, last].map(|k| {
            let pairs = apart_with[k].iter().zip(apart_without[k].iter().cycle().skip(shift));
            pairs
                .map(|(a, b)| Some((b.ending.alignments.first()? / a.ending.alignments.first()? - 1.0).abs()))
                .collect::<Vec<_>>()
        });
        let span = (dimensions[last] as f64 / dimensions[0] as f64).ln();
        let pairs = sizes[0].iter().zip(&sizes[1]);
        let exponents: Vec<f64> = pairs.filter_map(|(a, b)| Some(((*b)? / (*a)?).ln() / span)).collect();
        Evidence::estimate(statement, LEVEL, statistics::median(&exponents, LEVEL), [-0.75, -0.25])
    };
    let fate = |predicted: bool| {
        let right = fates.iter().filter(|aligned| **aligned == predicted).count() as u64;
        let rule = if predicted { "of the turned overlap κ'" } else { "of the raw overlap κ0" };
        Evidence::estimate(
            format!(
                "share of starts with v·w = 0.9, m = m* = 1, whose fate is decided by the sign {rule} where the two differ, d = 1e6"
            ),
            LEVEL,
            statistics::proportion(right, fates.len() as u64, LEVEL),
            [0.8, 1.0],
        )
    };
    let exact = |what: &str, shift: usize| {
        let statement = format!(
            "factor by which 1 − κ at t = √d differs between recovered pairs {what}, of each start the largest, median over starts with orthogonal students, d = 1e4"
        );
        Evidence::estimate(
            statement,
            LEVEL,
            error_factors(&apart_with[place], &apart_without[place], shift),
            [1.0, 1.1],
        )
    };
    let (matched, unmatched) = (exact("with and without v ⟂ w", 0), exact("of one start and of the next one", 1));
    let compared =
        || apart_with[place].iter().zip(&apart_without[place]).filter_map(|(a, b)| a.ending.error_factor(&b.ending));
    let factors = json!({ "interval": matched.interval(), "unmatched": unmatched.interval(), "starts": compared().count(),
        "above 1.1": compared().filter(|factor| *factor > 1.1).count(), "largest": compared().reduce(f64::max) });
    let findings = vec![
        judged(
            "recovered pairs of orthogonal students are as exact without v ⟂ w",
            vec![matched],
            Control::new("starts that are not matched are rejected", unmatched),
            factors,
        ),
        judged(
            "times change by the turn of half the excess angle",
            vec![changes(1, "half of the angle")],
            Control::new("a turn by the whole angle is rejected", changes(2, "the whole angle")),
            json!(null),
        ),
        judged_by(
            "times with and without v ⟂ w differ by O(d^{-1/2})",
            gaps([0.01, 0.9]).into_iter().chain([exponent("with and without v ⟂ w", 0)]).collect(),
            &[
                Control::new("ten times as much is rejected", gaps([1.0, 9.0]).swap_remove(last)),
                Control::new(
                    "starts that are not matched are rejected",
                    exponent("of one start and of the next one", 1),
                ),
            ],
            json!((0..=last).map(|k| gap(k).map(|e| e.value)).collect::<Vec<_>>()),
        ),
        judged(
            "where v ⟂ w matters: v·w of order one decides which starts succeed",
            vec![fate(true)],
            Control::new("the sign of κ0 as the rule is rejected", fate(false)),
            json!({ "share_of_starts": OBLIQUE.asin() / (2.0 * std::f64::consts::PI) }),
        ),
    ];
    let findings = own_overlap::decay_findings(&decay)
        .into_iter()
        .chain(degree_two)
        .chain(findings)
        .chain(own_overlap::drift_findings(&drifts))
        .chain(training.findings())
        .collect();

    let mut table = Table::new(
        "matched",
        [
            "students",
            "d",
            "starts",
            "differ",
            "first pair differs",
            "teachers with",
            "teachers without",
            "√d·|ratio − 1|",
            "1 − κ differs by the factor",
            "√d·|v·w|",
            "d·degree two",
        ]
        .map(|head| Column::new(head, "")),
    );
    for (students, with, without) in [(1.0, &with, &without), (0.0, &apart_with, &apart_without)] {
        for (k, &d) in dimensions.iter().enumerate() {
            let (with, without) = (&with[k], &without[k]);
            let count =
                |of: &dyn Fn(&Outcome, &Outcome) -> bool| with.iter().zip(without).filter(|(a, b)| of(a, b)).count();
            let mean =
                |of: &dyn Fn(&Outcome) -> f64, rows: &[Outcome]| rows.iter().map(of).sum::<f64>() / rows.len() as f64;
            let first = |row: &Outcome| row.ending.alignments.halves.first().map(|event| (event.1, event.2));
            let teachers = |row: &Outcome| row.ending.alignments.teachers() as f64;
            let (gap, root) = (scaled_gap(with, without, d).map(|e| e.value), (d as f64).sqrt());
            table.push([
                students.into(),
                d.into(),
                with.len().into(),
                count(&|a, b| a.ending.alignments.differs(&b.ending.alignments, SLACK)).into(),
                count(&|a, b| first(a) != first(b)).into(),
                mean(&teachers, with).into(),
                mean(&teachers, without).into(),
                gap.into(),
                error_factors(with, without, 0).map(|e| e.value).into(),
                (root * mean(&|row| row.own, without)).into(),
                (d as f64 * mean(&|row| row.degree_two, without)).into(),
            ]);
        }
    }
    let mut gaps = Table::new("gaps", ["d", RANDOM, ORTHOGONAL].map(|head| Column::new(head, "")));
    for (k, &d) in dimensions.iter().enumerate() {
        let gap = |with: &[Vec<Outcome>], without: &[Vec<Outcome>]| {
            scaled_gap(&with[k], &without[k], d).map(|e| e.value / (d as f64).sqrt())
        };
        gaps.push([d.into(), gap(&with, &without).into(), gap(&apart_with, &apart_without).into()]);
    }
    let title = "change |ratio − 1| of the first alignment's time without v ⟂ w";
    let figures = vec![Figure::new("gap", title, "gaps", "d", [RANDOM, ORTHOGONAL], [Scale::Log; 2])];
    let tables = vec![table, gaps, own_overlap::table(&drifts), training.table()];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// A finding whose statement is that of its items.
fn judged(title: &str, items: Vec<Evidence>, control: Control, witness: Value) -> Finding {
    judged_by(title, items, &[control], witness)
}

fn judged_by(title: &str, items: Vec<Evidence>, controls: &[Control], witness: Value) -> Finding {
    let statement = items.iter().map(|item| item.statement().to_string()).collect::<Vec<_>>().join("; ");
    Finding::judged(title, statement, &items, controls, witness)
}

/// The share of matched starts of which something holds.
fn share(
    what: &str,
    at: &str,
    with: &[Outcome],
    without: &[Outcome],
    accept: [f64; 2],
    of: impl Fn(&Outcome, &Outcome) -> bool,
) -> Evidence {
    let hits = with.iter().zip(without).filter(|(a, b)| of(a, b)).count() as u64;
    let share = statistics::proportion(hits, with.len() as u64, LEVEL);
    Evidence::estimate(format!("share of starts in which {what}, {at}"), LEVEL, share, accept)
}

/// `√d |T without/T with − 1|` of the first alignment.
fn scaled_gap(with: &[Outcome], without: &[Outcome], dimension: u64) -> Option<Estimate> {
    let gaps: Vec<f64> = with
        .iter()
        .zip(without)
        .filter_map(|(a, b)| {
            Some((b.ending.alignments.first()? / a.ending.alignments.first()? - 1.0).abs() * (dimension as f64).sqrt())
        })
        .collect();
    statistics::median(&gaps, LEVEL)
}

/// Median over starts of the largest factor by which `1 − κ` differs, `without` beginning with the start `shift`.
fn error_factors(with: &[Outcome], without: &[Outcome], shift: usize) -> Option<Estimate> {
    let pairs = with.iter().zip(without.iter().cycle().skip(shift));
    statistics::median(&pairs.filter_map(|(a, b)| a.ending.error_factor(&b.ending)).collect::<Vec<_>>(), LEVEL)
}

/// Flows to `t = √d`: `[dimension][replicate]`.
fn outcomes(
    run: &Run<'_>,
    sweep: &str,
    dimensions: &[u64],
    routers: Routers,
    student_overlap: f64,
) -> Result<Vec<Vec<Outcome>>, CheckError> {
    let replicates = run.integer("replicates") as usize;
    let rows = run.units(sweep, replicates * dimensions.len(), |unit| {
        let (d, replicate) = (dimensions[unit / replicates], (unit % replicates) as u64);
        let orthogonal = !matches!(routers, Routers::AsDrawn);
        let law = InitialLaw { student_overlap, orthogonal, ..InitialLaw::new(3, UNITS.0, UNITS.1, d) };
        let mut start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
        if matches!(routers, Routers::Oblique) {
            start = start.with_own_overlaps(OBLIQUE);
        }
        let before = start.order_parameters();
        let (alignments, end) = Alignments::follow(run, &start, run.real("tolerance"), (d as f64).sqrt())?;
        Ok(Outcome {
            replicate,
            ending: Ending::new(alignments, &end),
            own: (0..UNITS.0).map(|i| before.own(i).abs()).fold(0.0, f64::max),
            degree_two: before.degree_two_loss(Router::Sigmoid),
            law: [0.0, 0.5, 1.0].map(|share| first_alignment(&start, share)),
        })
    })?;
    Ok(rows.chunks(replicates).map(<[_]>::to_vec).collect())
}

/// The closed-form time of the first alignment, the expert having taken this share of the turn.
fn first_alignment(start: &Start, share: f64) -> Option<f64> {
    let pairs = (0..start.students()).flat_map(|i| (0..start.teachers()).map(move |j| (i, j)));
    let best = pairs.map(|(i, j)| start.turned_expert_overlap(i, j, share)).fold(0.0, f64::max);
    (best > 0.0 && best < 0.5).then(|| alignment_time(Router::Sigmoid, 3, best, 0.5))
}

/// Of starts with `v̄·w̄ = 0.9`, `m = m* = 1`, whose `κ_0` and `κ'` differ in sign (`|κ'| ≥ ¼ d^{−1/2}`): whether the flow agrees with `κ'` by `t = √d`.
fn fates(run: &Run<'_>) -> Result<Vec<bool>, CheckError> {
    let wanted = run.integer("fates") as usize;
    let root = (FATES as f64).sqrt();
    let start = |replicate| {
        let start = InitialLaw::new(3, 1, 1, FATES).sample(run.seed(), replicate).map_err(CheckError::theory)?;
        Ok::<_, CheckError>(start.with_own_overlaps(OBLIQUE))
    };
    let overlaps = |replicate| {
        let start = start(replicate)?;
        Ok::<_, CheckError>([0.0, 0.5].map(|share| start.turned_expert_overlap(0, 0, share)))
    };
    let chosen = run.replicates(wanted, |replicate| {
        let [raw, turned] = overlaps(replicate)?;
        Ok(raw * turned < 0.0 && turned.abs() * root >= 0.25)
    })?;
    run.units("fates", chosen.len(), |unit| {
        let replicate = chosen[unit];
        let predicted = overlaps(replicate)?[1] > 0.0;
        let (alignments, _) = Alignments::follow(run, &start(replicate)?, run.real("tolerance"), root)?;
        Ok(alignments.first().is_some() == predicted)
    })
}

//! `pruning`: can redundant experts be found and removed after training, by loss evaluations alone?
//!
//! # The prediction
//!
//! The criterion is the change `ΔL` of the loss on removal of one expert (`theory`, `removal.rs`): who can evaluate the loss knows it. With every teacher recovered, the residual is the sum of the
//! redundant experts, so `ΔL = ±½E f² = ±3Φ_00(1) = ±(3/2 − 3A_1)`: plus for a useful expert, minus for a redundant one, a gap of `3 − 6A_1 = 1.7603`. The rule needs no number of teachers: remove the expert
//! of the lowest `ΔL` as long as that is negative.
//!
//! A redundant expert at overlap `u` with a learned one has pulled it aside by `4.5u²/(9 − 18A_1)`, force `18Φ_00(0)u²` over stiffness (theory X3), so that the pruned student's loss is
//! `½·4.5²/(9 − 18A_1) Σu⁴ = 1.917 Σu⁴ ∝ d^{−2}`; fine-tuning takes that away at the rate 0.538.
//!
//! The time to do it is between recovery, at `√d/(4.5c)`, and waking of the redundant expert, at `1/(15.34u²) = d/(15.34c'²)` (theory X6), `c, c'` overlaps times `√d`.
//!
//! # Where the bounds come from
//!
//! *Scope.* A start counts if, teachers and students being matched greedily, every matched overlap is at least `⅔d^{−1/2}` and leads all others of its teacher and of its student among the unmatched by a factor 3/2.
//! Then all teachers are recovered by `√d/3 + O(20)`, and another overlap `c' ≤ ⅔c` is at most `c'/(1 − c'/c) ≤ 2c` when the pair jumps. Pruning takes place at `√d/2`: for waking before that at `d = 10⁶` an overlap
//! `c' = √(2√d/15.34) > 11` is needed, so `c > 5.5`, which no draw of a normal variable in a million is.
//!
//! *Other starts*, of those with student overlaps 0. Where all teachers are recovered at `√d/2` and nobody is awake the residual is the sum of the redundant experts as within the scope, and the rule exact. An expert that serves no teacher lowers the loss by `½E f²` when it goes, so where a teacher is not
//! recovered (`c < 0.44`, or all that have an overlap with it serve others) nobody is left for it. But two students in a tie straddle their teacher, and of them the rule keeps one, which returns: a share of about `9(2 ln mm*)^{3/2}/√d = 0.08` of the starts (`sequential-recovery`). That exact is what is recovered is held to a majority: nine of 32 starts would leave it undecided.
//!
//! *Gap.* `E f_i f_k = 1.5u³` of a learned and a redundant expert is below `3·10⁻⁶` for `|u| < 0.012`: `1.7603 ± 0.001` leaves a factor 300.
//!
//! *Share.* By the scope no failure is expected in a thousand starts; a share of three in four is what the claim is held to. All of 32 starts or 31 of them give an interval above it.
//! Findings are held to a majority, which 12 of 12 give. Under random student overlaps a pair anti-aligns before the first alignment in 0.78 of the starts (four students, two teachers; lemma `student-overlap`) and both its members
//! are kept, since each alone cancels the other: the rule is exact in at most 0.22 of them: that 17 of 32 are, which would reach 0.75, has probability `10⁻⁴`.
//!
//! *Loss.* `1.917Σu⁴` is `10⁻¹¹` for `c' = 1` at `d = 10⁶` and below `10⁻⁶` for every `c' < 18`. Fine-tuning for 60 units at the rate 0.538 leaves `e^{−32} = 10⁻¹⁴` of any loss; what is left is rounding, `10⁻¹⁴`.
//!
//! *Window.* Corrections to the laws are relative `O(u)` with factors below 5 (measured ratios of theory X6: 1 ± 4.5u) and time units of order one: they bend exponents over `d = 10⁴ … 10⁸` by at most
//! `5·0.03/ln 10⁴ = 0.016` for recovery (`T ≥ 11`, one unit or two) and twice that for waking; `0.5 ± 0.03` and `1 ± 0.1` hold that. At the largest dimension of the window `5u < 0.01`: `±0.05`.
//! At `10⁴` the window is narrow: the redundant student wakes at `652/c'²`, before `√d` where `c' > 2.6`, and `c'` itself has grown by then. Such starts have no plateau to measure; they count against every share of the window and on either side of its
//! medians. Measured, not derived: four of 128 starts at four seeds. A majority of 32 is asked for, which nine of them would leave undecided: at that rate in less than one run of `10⁵`.
//! Half-way to waking `u²` is doubled and the gap still `1.7603 − O(u³)`; half of the gap tells that from none.
//!
//! # After waking
//!
//! A redundant expert that woke on the teacher's side straddles the teacher with the learned one: each is worth as much as the other, and no gap is left. One that woke on the other side is, with the teacher, one of the two that straddle the
//! learned expert (`f_l + f_r − f* = −(f(−w_r) + f* − f_l)`): removing it leaves `½E(f_l − f*)²`, as on the first side, a small change; removing the learned one leaves `½E(f(−w_r) + f*)²`, a large one; so half of the gap and more is left.
//! Either way the rule removes one of the two and the other one returns to the teacher. That is not so where the redundant expert has comparable overlaps with *two* learned ones: then three students come to share two
//! teachers (signature `shared-teachers`), every removal raises the loss, and pruning late leaves the teachers unrecovered, on whichever side of the two it was: `du/dt` is odd in `u`. The two overlaps grow as `du/dt = 7.67u³` each, so
//! that `1/u_2² − 1/u_1²` is conserved and the rival, from a ratio `r` at `u_1 = 0.1`, is at `(4 + 100(1/r² − 1))^{−1/2}` when the other is at ½: 0.13 for `r = 0.8`, 0.01 for `r = 0.1`. Among random starts two such rivals are rare, and the finding on them counts a majority.

use serde_json::json;

pub(super) use self::trial::follow;
use self::trial::{Constants, Pruning, When, eligible, law, removes_useful, sweep};
use crate::{
    CheckError, Column, Control, Evidence, Figure, Finding, Findings, Inexact, Label, Lemma, Mark, Parameter, Run,
    Scale, Table, statistics,
};

mod cancelling;
mod shared;
mod trial;
mod window;

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "pruning",
    paper: "2510.07205",
    claim: "After training, redundant experts can be removed and the pruned model fine-tuned to the optimum: ranked by the change of the loss on removal, useful and redundant experts are apart by \
            3 − 6A_1 = 1.7603; removing experts while that lowers the loss keeps exactly one for each teacher, without knowledge of the teacher or of the number of its experts; the state in which experts are so separated begins with the last recovery, at a time ∝ √d, \
            and lasts until a redundant expert wakes, at a time ∝ d.",
    scope: "Population gradient flow, x ~ N(0, I_d), sigmoid routers, third Hermite experts, orthonormal teacher, v ⟂ w and the paper's Gaussian raw norms; student-student overlaps 0 at the start (≪ d^{-1/2}); starts in which every \
            teacher has a student of its own with overlap at least ⅔ d^{-1/2} and a lead of 3/2, which is about one random start in five at m = 4, m* = 2 (the share is in a witness); pruned at t = √d/2, at the numbers and dimensions of the run. Other starts, random student overlaps, other times and cancelling groups: findings.",
    ledger: Label::Supported,
    typical_seconds: 13.0,
    parameters: &[
        Parameter::integer("replicates", "independent starts", "", [32, 100_000], [32, 240, 2000]),
        Parameter::integer(
            "window-replicates",
            "starts followed until a redundant expert wakes",
            "",
            [16, 100_000],
            [32, 80, 400],
        ),
        Parameter::integer(
            "window-decades",
            "decades between two dimensions of the window, 10⁴ … 10⁸",
            "",
            [1, 4],
            [4, 2, 1],
        ),
        Parameter::integer("decades", "dimension of the pruning, as a power of ten", "", [6, 8], [6, 6, 8]),
        Parameter::integer("students", "number m of students", "", [3, 8], [4, 4, 4]),
        Parameter::integer("teachers", "number m* of teachers; m* + 1 students in the window", "", [2, 4], [2, 2, 2]),
        Parameter::real("tolerance", "local tolerance of the flow", "", [1e-12, 1e-5], [1e-6, 1e-8, 1e-9]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Overlaps of a recovered teacher, expert and router.
const RECOVERED: f64 = 0.99;
/// Shares accepted for what the claim needs, for a finding, and where the claim fails.
const NEARLY_ALL: [f64; 2] = [0.75, 1.0];
const MAJORITY: [f64; 2] = [0.5, 1.0];
const MISSED: [f64; 2] = [0.0, 0.75];
/// Time of the pruning, in units of `√d`.
const MOMENT: f64 = 0.5;
/// Accepted deviation from the gap.
const GAP_ERROR: f64 = 1e-3;
/// Time units of fine-tuning, and what it may leave.
const TUNING: f64 = 60.0;
const TUNED: f64 = 1e-12;
/// Accepted loss of the pruned student.
const PRUNED: f64 = 1e-6;
/// Time up to which the explicit method is cheaper than the implicit one.
const EXPLICIT: f64 = 1500.0;

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let (students, teachers) = (run.integer("students") as usize, run.integer("teachers") as usize);
    if students <= teachers {
        let found =
            format!("students is {students}; with {teachers} teachers more are needed, or there is nothing to prune");
        let statement = "there are redundant experts";
        let evidence = vec![Evidence::unresolved(Inexact::Comparison, statement, NEARLY_ALL, found)];
        return Ok(Findings { evidence, ..Findings::default() });
    }
    let constants = Constants::new();
    let exponent = run.integer("decades") as u32;
    let replicates = eligible(run, students, run.integer("replicates") as usize, true)?;
    let law = |dimension: u64, overlap: f64| law(students, teachers, dimension, overlap);
    let dimension = 10u64.pow(exponent);
    let orthogonal = law(dimension, 0.0);
    let in_time = sweep(run, "in-time", &orthogonal, &replicates, When::Clock(MOMENT))?;
    // Half of the starts serve the findings.
    let half = &replicates[..replicates.len().div_ceil(2)];
    let small = sweep(run, "in-time-small", &law(10_000, 0.0), half, When::Clock(1.0))?;
    let early = sweep(run, "first-alignment", &orthogonal, half, When::FirstAlignment)?;
    let start = sweep(run, "at-start", &orthogonal, half, When::Clock(0.0))?;
    let unmatched: Vec<u64> = (0..replicates.len() as u64).collect();
    let random = sweep(run, "random-overlaps", &law(dimension, 1.0), &unmatched, When::Clock(MOMENT))?;
    let others = eligible(run, students, replicates.len(), false)?;
    let others = sweep(run, "out-of-scope", &orthogonal, &others, When::Clock(MOMENT))?;
    let window = window::Window::measure(run)?;

    let at = format!("d = 10^{exponent}, t = √d/2");
    let exact = |rows: &[Pruning], what: &str| {
        share(
            rows,
            NEARLY_ALL,
            format!("share of starts in which the rule keeps one expert for each teacher and recovers all, {what}"),
            |row| row.exact,
        )
    };
    let separated = |rows: &[Pruning], score: &str, gap: &dyn Fn(&Pruning) -> Option<f64>| {
        share(
            rows,
            NEARLY_ALL,
            format!("share of starts in which every useful expert ranks above every redundant one by {score}, {at}"),
            |row| gap(row).is_some_and(|gap| gap > 0.0),
        )
    };
    let gap = |unit: f64, statement: String| {
        // Where some teacher is not recovered there is no gap, and the start may be on either side.
        let gaps: Vec<f64> = in_time.iter().filter_map(|row| row.gap).collect();
        Evidence::estimate(
            statement,
            LEVEL,
            statistics::median_of_all(&gaps, in_time.len(), LEVEL),
            [unit - GAP_ERROR, unit + GAP_ERROR],
        )
    };
    let failures: Vec<_> = in_time.iter().filter(|row| !row.exact).take(3).map(|row| json!(row)).collect();
    let in_scope = replicates.last().map(|last| replicates.len() as f64 / (last + 1) as f64);
    let mut evidence = vec![
        separated(&in_time, "the change of the loss on removal", &|row| row.gap),
        gap(
            constants.unit,
            format!("smallest change of a useful less largest of a redundant expert, {at}, median over starts"),
        ),
        exact(&in_time, &at).with_witness(
            json!({ "seed": run.seed(), "share of random starts in scope": in_scope, "failures": failures }),
        ),
        share(
            &in_time,
            NEARLY_ALL,
            format!(
                "share of starts in which the pruned student's loss is below {PRUNED:e} and, {TUNING} units of fine-tuning later, below {TUNED:e}, {at}"
            ),
            |row| row.pruned < PRUNED && row.tuned.is_some_and(|loss| loss < TUNED),
        ),
    ];
    evidence.extend(window.evidence());
    let mut controls = vec![
        Control::new(
            "ranking by the raw norm of the expert, which the flow conserves, must not separate",
            separated(&in_time, "the raw norm", &|row| row.norm_gap),
        ),
        Control::new(
            "a gap of one expert's loss, 0.8801, is rejected",
            gap(0.5 * constants.unit, format!("the gap against half of it, {at}")),
        ),
        Control::new(
            "pruning at the first alignment, with teachers still to learn, is rejected",
            exact(&early, "pruned when the first expert reaches 0.9"),
        ),
    ];
    controls.extend(window.controls());

    // Each with a twin of its own: the same statistic where the statement is false.
    let judged = |title: &str, item: Evidence, twin: Evidence, witness| {
        let control = Control::from(twin);
        Finding::judged(title, item.statement().to_string(), &[item], &[control], witness)
    };
    let recovered =
        |rows: &[Pruning]| rows.iter().map(|row| row.recovered).sum::<usize>() as f64 / rows.len().max(1) as f64;
    let ratios: Vec<f64> =
        small.iter().filter_map(|row| Some(row.pruned / row.predicted.filter(|law| *law > 1e-12)?)).collect();
    let pruned_loss = |factor: f64, law: &str| {
        let scaled: Vec<f64> = ratios.iter().map(|ratio| factor * ratio).collect();
        let statement = format!(
            "loss after pruning over {law} of the overlaps of useful with redundant experts, d = 10⁴, median over starts"
        );
        Evidence::estimate(statement, LEVEL, statistics::median_of_all(&scaled, small.len(), LEVEL), [0.9, 1.1])
    };
    let all_removed = |rows: &[Pruning], when: &str| {
        let statement = format!("share of starts in which the rule, {when}, removes every expert");
        share(rows, MAJORITY, statement, |row| row.kept.is_empty())
    };
    let harmful = |rows: &[Pruning], when: &str| {
        let statement = format!(
            "share of starts in which pruning {when} removes an expert that, without pruning, has recovered a teacher at √d/2; that teacher is not recovered afterwards"
        );
        share(rows, MAJORITY, statement, |row| row.recovered < teachers && removes_useful(row, &in_time))
    };
    let exact_in = |rows: &[Pruning], accept: [f64; 2], which: &str| {
        let statement =
            format!("share of {which} in which the rule keeps one expert for each teacher and recovers all, {at}");
        share(rows, accept, statement, |row| row.exact)
    };
    let groups = cancelling::finding(run, constants.unit)?;
    let (shared, between, two_rivals) = shared::finding(run)?;
    // With `swapped`, where some teacher is not.
    let as_recovered = |swapped: bool| {
        let statement = format!(
            "share of starts out of scope, student overlaps 0, in which the rule keeps one expert for each teacher and recovers all if and only if {} recovered before it, {at}",
            if swapped { "some teacher is not" } else { "all teachers are" }
        );
        share(&others, MAJORITY, statement, |row| row.exact == (row.serving.is_some() != swapped))
    };
    let findings = vec![
        judged(
            "loss of the pruned student",
            pruned_loss(1.0, "1.917 Σu⁴"),
            pruned_loss(2.0, "half of that"),
            json!({ "starts": ratios.len() }),
        ),
        judged(
            "too early: before any alignment",
            all_removed(&start, "at the start"),
            all_removed(&in_time, "in time"),
            json!({ "teachers recovered, mean": recovered(&start) }),
        ),
        judged(
            "too early: at the first alignment",
            harmful(&early, "when the first expert reaches 0.9"),
            harmful(&in_time, "in time"),
            json!({ "teachers recovered, mean": recovered(&early), "in time": recovered(&in_time) }),
        ),
        {
            let item = window.sides(false);
            let statement = item.statement().to_string();
            let control = Control::new("the sides swapped", window.sides(true));
            Finding::judged("what waking does to the gap", statement, &[item], &[control], window.sides_witness())
        },
        judged("too late: mostly not fatal", window.late(), between, window.late_witness()),
        shared,
        judged(
            "out of scope: exact where all is recovered",
            as_recovered(false),
            as_recovered(true),
            json!({ "starts": others.len(), "exact": others.iter().filter(|row| row.exact).count(), "all recovered": others.iter().filter(|row| row.serving.is_some()).count() }),
        ),
        judged(
            "random student overlaps: dipoles hide from single removals",
            exact_in(&random, MISSED, "random starts, student overlaps and matching as they come,"),
            exact_in(&in_time, MISSED, "starts in scope"),
            json!({ "more kept than teachers": random.iter().filter(|row| row.kept.len() > teachers).count(), "starts": random.len(), "teachers recovered, mean": recovered(&random) }),
        ),
        groups,
    ];
    let tables = vec![
        pruning_table(&[
            ("at the start", &start),
            ("first alignment", &early),
            ("in time", &in_time),
            ("in time, out of scope", &others),
            ("in time, d = 10^4", &small),
            ("in time, random overlaps", &random),
        ]),
        gap_table(&in_time),
        window.table(),
        two_rivals,
    ];
    // Starts have no order, and the two gaps no common scale.
    let apart = |name: &str, what: &str, column: &str| {
        let title = format!("{what}: least of a useful less largest of a redundant expert");
        let none: [&str; 0] = [];
        Figure::new(name, title, "gap", "start", none, [Scale::Linear; 2])
            .with_points([column])
            .with_mark(Mark::y(0.0, "no gap"))
    };
    let figures = vec![
        apart("gap", "change of the loss on removal", "gap").with_mark(Mark::y(constants.unit, "3 − 6A_1")),
        apart("norm-gap", "raw norm", "norm gap"),
        window.figure(),
    ];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

fn share(rows: &[Pruning], accept: [f64; 2], statement: String, of: impl Fn(&Pruning) -> bool) -> Evidence {
    let hits = rows.iter().filter(|row| of(row)).count() as u64;
    Evidence::estimate(statement, LEVEL, statistics::proportion(hits, rows.len() as u64, LEVEL), accept)
}

fn pruning_table(sweeps: &[(&str, &Vec<Pruning>)]) -> Table {
    let heads = ["pruned", "starts", "exact", "kept", "recovered", "L before", "L pruned", "L tuned", "gap"];
    let mut table = Table::new("pruning", heads.map(|head| Column::new(head, "")));
    for (name, rows) in sweeps {
        let median = |of: &dyn Fn(&Pruning) -> Option<f64>| {
            statistics::median(&rows.iter().filter_map(of).collect::<Vec<_>>(), 0.5).map(|e| e.value)
        };
        let mean = |of: &dyn Fn(&Pruning) -> f64| rows.iter().map(of).sum::<f64>() / rows.len() as f64;
        table.push([
            (*name).into(),
            rows.len().into(),
            rows.iter().filter(|row| row.exact).count().into(),
            mean(&|row| row.kept.len() as f64).into(),
            mean(&|row| row.recovered as f64).into(),
            median(&|row| Some(row.before)).into(),
            median(&|row| Some(row.pruned)).into(),
            median(&|row| row.tuned).into(),
            median(&|row| row.gap).into(),
        ]);
    }
    table
}

fn gap_table(rows: &[Pruning]) -> Table {
    let mut table = Table::new("gap", ["start", "gap", "norm gap"].map(|head| Column::new(head, "")));
    for row in rows.iter().take(64) {
        table.push([row.replicate.into(), row.gap.into(), row.norm_gap.into()]);
    }
    table
}

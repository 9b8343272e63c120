//! `initialisation-perturbation`: do the times of alignment and the reaching of teachers survive starts and teachers off the paper's assumptions?
//!
//! # The prediction
//!
//! - `v̄·w̄ = s`: the student's own loss turns the two apart before anything else moves, the expert by the share `λ = ‖v‖²/(‖v‖² + ‖w‖²)` of `arcsin s`. The closed form of theory A4 then holds with the turned overlap
//!   `κ'` (`theory/src/soft_routed/perturbed.rs`) in place of `κ_0`. For orthogonal students `κ'` has the law of `κ_0`: what changes is which start is fast, not how fast starts are.
//! - Raw norms are learning rates: times are multiplied by `‖w‖²`, and they set `λ`. Where they differ between students the first pair to align is the one that minimises `‖w_i‖² T(κ'_ij)`, not the one with the largest overlap.
//! - A teacher with `v*_j·w*_j = o` or `v*_j·v*_l = r`: every term of `E f_i f*_j` with a contraction of `o` has a further factor `v̄_i·w̄_i`, or a coefficient `A_n` that vanishes, or more factors `d^{−1/2}`; `r` enters
//!   through `Φ_00(v̄_i·v*_j)`, that is, later. No change to leading order.
//! - A teacher with `w*_j·w*_l = e`: `dκ_j/dt = 4.5[Σ_l G_jl κ_l² − κ_j Σ_l κ_l³]`. For two teachers one expert is drawn to one of them for `e < 1/3` and to their bisector beyond, and stays there for `e > 0.4026` (`merged`): there one student takes both.
//!
//! Reached is not kept: with `e = 0.2` some starts have lost a teacher again by `t = √d`, to a redundant student that wakes soon after the second alignment. Before orthonormal teachers such students wake at times `∝ d` only.
//! The cause is not derived here; the claim is about what is reached, and the loss is a finding.
//!
//! # Where the bounds come from
//!
//! What the laws leave out are delays of order one unit of time (the first relaxation at rate 2.246, the last jump) and relative `O(d^{−1/2}/c)`, together below `3·10⁻³` of `T` at `d ≥ 10⁷`: ±1 % holds
//! them, in every start. So the share of starts with the law's pair first, at its time within ±1 %, is 1 up to ties, and its interval from 40 starts lies in `[0.8, 1]` with a miss to spare. Of the twins none is met by more than 0.25 of the starts: the laws'
//! quotients have densities of order one per unit (simulated for overlapping teachers from the law itself: 0.15), and norms drawn from `{½, 1, 2}` do not matter to the time only where the first pair has the norm 1; far from 0.8 for 40 starts. An overlap between the teachers' routers, or within
//! a teacher, changes nothing: its twin is the coupled law with that overlap in the place of one between experts, which is as far off as the law without it is where experts do overlap. Recovery is asked of at least half of the starts in which the second of two disjoint pairs has
//! `c/‖w‖² ≥ 0.4`, so that the law puts it before `0.6√d`; only near ties (a few per cent) can fail. The same starts with equal norms agree but for such ties in either flow: in nine of ten, of which 40 starts give an interval above 0.7 in the mean, and 0.6 is asked.
//!
//! No law gives the share of starts that lose a teacher with `e = 0.2`. With orthonormal teachers a redundant student wakes after `d/(15.34 c'²)`, within the time that is left at `d = 10⁴` if one of its overlaps with learned experts has `c' > 3`: in one start of a hundred. Three of 160 give an interval that ends at 0.067; asked is
//! a share of more than 0.07, and of less than one half. Recovery before the law allows it: an expert reaches 0.9 within a unit or two after ½,
//! so both are reached between the law's time for the second pair and that plus an eighth, `√d/4.5c` being 20 and more at `d = 10⁴`. By 0.8 of that time few are (by 0.9 none of 40 but for overlapping teachers' experts, 2 to 12, which the law of single pairs leaves out), by 1.1 of it all: a flow a third faster would turn the count.

mod merged;
mod raw_norms;
mod recovery;
mod times;

pub(super) use merged::{root, threshold};

use moe_theory::soft_routed::{InitialLaw, Start, TeacherOverlaps};
use rand::RngExt;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    CheckError, Control, Evidence, Figure, Finding, Findings, Label, Lemma, Mark, Parameter, Run, Scale, statistics,
};
use times::{First, Passage, TWINS};

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "initialisation-perturbation",
    paper: "2510.07205",
    claim: "That teachers are reached is robust to the initialisation (that they are kept is not claimed): with v·w = s up to ½, raw norms a factor 2 apart or drawn from {½, 1, 2} for each vector, or teacher vectors overlapping by 0.3 the first alignment comes at \
            the closed-form time within 1 % (s: with the expert overlap after v and w turned apart, each at its rate 1/norm²; norms: times ‖w‖², and the pair with the least product is first; overlapping teacher experts: by the coupled law), \
            and with s up to ½, teacher vectors overlapping by 0.2 or norms from {½, 1, 2}, from at least half of the starts each teacher is reached, to an overlap of 0.9 with the expert of a student of its own.",
    scope: "Population gradient flow, x ~ N(0, I_d), sigmoid routers, third Hermite experts, two teachers, Gaussian start with orthogonal students; times at d ≥ 10⁷ for starts that the law lets align as early as an overlap of \
            ¼ d^{-1/2} does, m = 2; recovery at d ≥ 10⁴ up to t = √d for starts whose two best disjoint pairs have overlaps over ‖w‖² of at least 0.4 d^{-1/2}, m = 4, teacher overlaps 0.2. The laws are this project's.",
    ledger: Label::Supported,
    typical_seconds: 7.0,
    parameters: &[
        Parameter::integer("replicates", "starts of each setting", "", [40, 100_000], [40, 80, 400]),
        Parameter::integer(
            "lost-replicates",
            "starts that are followed for what is lost again",
            "",
            [100, 100_000],
            [160, 400, 2000],
        ),
        Parameter::integer("decades", "dimension of the times, as a power of ten", "", [7, 10], [8, 8, 10]),
        Parameter::integer("recovery-decades", "dimension of the recovery, as a power of ten", "", [4, 6], [4, 5, 6]),
        Parameter::real("tolerance", "local tolerance of the flow", "", [1e-12, 1e-6], [1e-6, 1e-8, 1e-9]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Of a time over its law, and of the share of starts within.
const CLOSE: f64 = 0.01;
const NEARLY_ALL: [f64; 2] = [0.8, 1.0];
/// The law's time for the second pair, times this, by which both are not reached yet.
const EARLY: f64 = 0.8;
/// Accepted share of starts whose outcome is the same.
const MOST: [f64; 2] = [0.6, 1.0];
/// Accepted share of starts that lose a teacher again.
const LOST: [f64; 2] = [0.07, 0.5];
/// Smallest `κ'√d` of a start for the times, and of its two best pairs for the recovery.
const LEAST: f64 = 0.25;
const RECOVERABLE: f64 = 0.4;
/// Overlap of the teachers' experts beyond both thresholds.
const MERGED: f64 = 0.6;
/// Purpose of the random stream of raw norms; the law of the start has 0 and 1.
const NORMS: u32 = 2;

/// A perturbation of the paper's start.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    /// `v̄_i·w̄_i` of every student.
    own: f64,
    norms: Norms,
    teacher: TeacherOverlaps,
}

/// The raw norms of the students.
#[derive(Clone, Copy, PartialEq)]
enum Norms {
    /// Those of every router and of every expert.
    Common([f64; 2]),
    /// Each vector's drawn from [`UNEQUAL`].
    Drawn,
}

/// Norms that make learning rates sixteen times apart.
const UNEQUAL: [f64; 3] = [0.5, 1.0, 2.0];

/// The paper's start.
const PLAIN: Setting = Setting {
    name: "none",
    own: 0.0,
    norms: Norms::Common([1.0, 1.0]),
    teacher: TeacherOverlaps { routers: 0.0, experts: 0.0, own: 0.0 },
};

/// Teachers whose experts overlap by 0.2.
const NEIGHBOURS: Setting =
    Setting { name: "teacher experts 0.2", teacher: TeacherOverlaps { experts: 0.2, ..PLAIN.teacher }, ..PLAIN };

/// Settings of the times, by name.
const TIMED: [Setting; 12] = [
    PLAIN,
    Setting { name: "s = 0.1", own: 0.1, ..PLAIN },
    Setting { name: "s = 0.25", own: 0.25, ..PLAIN },
    Setting { name: "s = 0.5", own: 0.5, ..PLAIN },
    Setting { name: "s = 0.5, norms (1, 2)", own: 0.5, norms: Norms::Common([1.0, 2.0]), ..PLAIN },
    Setting { name: "s = 0.5, norms (2, 1)", own: 0.5, norms: Norms::Common([2.0, 1.0]), ..PLAIN },
    Setting { name: "norms (1, ½)", norms: Norms::Common([1.0, 0.5]), ..PLAIN },
    Setting { name: "teacher experts 0.3", teacher: TeacherOverlaps { experts: 0.3, ..PLAIN.teacher }, ..PLAIN },
    Setting { name: "teacher experts −0.3", teacher: TeacherOverlaps { experts: -0.3, ..PLAIN.teacher }, ..PLAIN },
    Setting { name: "teacher routers 0.3", teacher: TeacherOverlaps { routers: 0.3, ..PLAIN.teacher }, ..PLAIN },
    Setting { name: "teacher v*·w* = 0.3", teacher: TeacherOverlaps { own: 0.3, ..PLAIN.teacher }, ..PLAIN },
    Setting { name: "norms from {½, 1, 2}", norms: Norms::Drawn, ..PLAIN },
];
/// How many of them, the first ones, differ in `s` alone.
const TURNED: usize = 4;

/// Settings of the recovery: those of the claim, then one beyond the threshold.
const RECOVERED: [Setting; 7] = [
    PLAIN,
    Setting { name: "s = 0.5", own: 0.5, ..PLAIN },
    NEIGHBOURS,
    Setting { name: "teacher routers 0.2", teacher: TeacherOverlaps { routers: 0.2, ..PLAIN.teacher }, ..PLAIN },
    Setting { name: "teacher v*·w* = 0.2", teacher: TeacherOverlaps { own: 0.2, ..PLAIN.teacher }, ..PLAIN },
    Setting { name: "norms from {½, 1, 2}", norms: Norms::Drawn, ..PLAIN },
    Setting { name: "teacher experts 0.6", teacher: TeacherOverlaps { experts: MERGED, ..PLAIN.teacher }, ..PLAIN },
];
/// How many of them the claim speaks of.
const CLAIMED: usize = 6;
/// Those of the same starts with equal and with unequal norms.
const MATCHED: [usize; 2] = [0, 5];

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let passages = times::passages(run)?;
    let recovered = recovery::recovered(run)?;

    let dimension = format!("d = 1e{}", run.integer("decades"));
    let within = |setting: usize, what: &str, law: &dyn Fn(&Passage) -> First| {
        let rows = &passages[setting];
        let hits = rows.iter().filter(|row| row.is(law(row))).count() as u64;
        let item = Evidence::estimate(
            format!(
                "share of starts whose first alignment is of the pair, and within 1 % of the time, of {what}: {}, {dimension}",
                TIMED[setting].name
            ),
            LEVEL,
            statistics::proportion(hits, rows.len() as u64, LEVEL),
            NEARLY_ALL,
        );
        match rows.iter().find(|row| !row.is(law(row))) {
            Some(row) if item.holds() == Some(false) => item.with_witness(
                json!({ "seed": run.seed(), "replicate": row.replicate, "seen": row.seen, "law": law(row) }),
            ),
            _ => item,
        }
    };
    let root = 10f64.powi(run.integer("recovery-decades") as i32).sqrt();
    let both = |setting: usize, share: f64| {
        let rows = &recovered[setting];
        let hits = rows.iter().filter(|row| row.both(share * root)).count() as u64;
        Evidence::estimate(
            format!(
                "share of starts from which both teachers are reached by t = {}, d = 1e{}: {}",
                share * root,
                run.integer("recovery-decades"),
                RECOVERED[setting].name
            ),
            LEVEL,
            statistics::proportion(hits, rows.len() as u64, LEVEL),
            [0.5, 1.0],
        )
    };
    let mut evidence: Vec<Evidence> =
        (0..TIMED.len()).map(|setting| within(setting, "the law", &|row| row.law)).collect();
    evidence.extend((0..CLAIMED).map(|setting| both(setting, 1.0)));

    let twin = |setting: usize, twin: usize| {
        let name = TWINS[twin].0;
        let what = format!("the law with {name}");
        Control::new(
            format!("{name} at {} is rejected", TIMED[setting].name),
            within(setting, &what, &|row| row.twins[twin]),
        )
    };
    let over_law = |setting: usize, factor: f64| {
        let rows = &recovered[setting];
        let hits = rows.iter().filter(|row| row.both_over_law(factor)).count() as u64;
        let statement = format!(
            "share of starts from which both teachers are reached by {factor} of the law's time for the second pair, d = 1e{}: {}",
            run.integer("recovery-decades"),
            RECOVERED[setting].name
        );
        Evidence::estimate(statement, LEVEL, statistics::proportion(hits, rows.len() as u64, LEVEL), [0.5, 1.0])
    };
    let before = |setting: usize| {
        let what = format!("recovery of both teachers by {EARLY} of the law's time for the second is rejected");
        Control::new(format!("{what}: {}", RECOVERED[setting].name), over_law(setting, EARLY))
    };
    let twins = [(3, 0), (3, 1), (4, 2), (5, 2), (4, 3), (7, 4), (8, 4), (9, 5), (10, 5), (11, 3)];
    let controls: Vec<Control> =
        twins.into_iter().map(|(setting, k)| twin(setting, k)).chain((0..CLAIMED).map(before)).collect();

    let agreement = |share: f64| {
        let [equal, unequal] = MATCHED.map(|setting| &recovered[setting]);
        let hits = equal.iter().zip(unequal).filter(|(a, b)| a.both(root) == b.both(share * root)).count() as u64;
        Evidence::estimate(
            format!(
                "share of starts, in scope with equal and with unequal raw norms, of which norms from {{½, 1, 2}} do not change whether both teachers are recovered by t = {:.0}",
                share * root
            ),
            LEVEL,
            statistics::proportion(hits, equal.len() as u64, LEVEL),
            MOST,
        )
    };
    let item = agreement(1.0);
    let witness = json!({ "interval": item.interval() });
    let matched = Finding::judged(
        "unequal raw norms recover as often as equal ones",
        item.statement().to_string(),
        &[item],
        &[Control::new("the same with a tenth of the time for unequal norms is rejected", agreement(0.1))],
        witness,
    );
    let findings = vec![raw_norms::gaussian(run)?, matched, recovery::lost_again(run)?];
    let (merged, scan, between) = merged::findings(run)?;
    let findings = findings.into_iter().chain(merged).collect();
    let figures = vec![
        Figure::new(
            "turned",
            "time over the law against v·w",
            "turned",
            "s",
            ["T/law", "lowest", "highest"],
            [Scale::Linear; 2],
        )
        .with_mark(Mark::y(1.0, "law")),
        between,
    ];
    let (turned, recovered) = (times::turned(&passages[..TURNED]), recovery::table(&recovered, root));
    let tables = vec![times::table(&passages), turned, recovered, scan];
    Ok(Findings { evidence, controls, findings, tables, figures })
}

/// What `of` makes of each setting and each of its own replicates, of which settings may have found different numbers: `[setting][start]`.
fn sweep<Row: Serialize + DeserializeOwned + Send>(
    run: &Run<'_>,
    name: &str,
    replicates: &[Vec<u64>],
    of: impl Fn(usize, u64) -> Result<Row, CheckError> + Sync,
) -> Result<Vec<Vec<Row>>, CheckError> {
    let units: Vec<(usize, u64)> =
        replicates.iter().enumerate().flat_map(|(k, found)| found.iter().map(move |r| (k, *r))).collect();
    let mut rows = run.units(name, units.len(), |unit| of(units[unit].0, units[unit].1))?.into_iter();
    Ok(replicates.iter().map(|found| rows.by_ref().take(found.len()).collect()).collect())
}

/// A start of one setting.
fn start(
    run: &Run<'_>,
    setting: &Setting,
    [students, teachers]: [usize; 2],
    dimension: u64,
    replicate: u64,
) -> Result<Start, CheckError> {
    let law = InitialLaw { student_overlap: 0.0, ..InitialLaw::new(3, students, teachers, dimension) };
    let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
    let start = start.with_own_overlaps(setting.own);
    let start = match setting.norms {
        Norms::Common([routers, experts]) => start.with_raw_norms(routers, experts),
        Norms::Drawn => {
            let mut draws = run.substream(replicate, NORMS);
            let norms: Vec<f64> = (0..2 * students).map(|_| UNEQUAL[draws.random_range(0..UNEQUAL.len())]).collect();
            start.with_norms(&norms)
        }
    };
    Ok(start.with_overlapping_teacher(setting.teacher).expect("overlaps below 1 in magnitude are those of two units"))
}

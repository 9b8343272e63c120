//! One student before two teachers whose experts overlap: well below 1/3 it takes one, well beyond it takes both. (At 1/3 the maxima of `cos³(φ − α) + cos³(φ + α)` branch off the bisector, `tan²α = ½`; from .28 on the smaller overlap of such a maximum is above half of the larger one, so near 1/3 it is neither.)

use moe_theory::soft_routed::{Flow, Method, Stop, TeacherOverlaps, Watch};
use serde_json::json;

use super::times::in_time;
use super::{LEVEL, MERGED, NEARLY_ALL, PLAIN, Setting, start};
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// Expert overlaps of teachers below the threshold, and the overlap that ends a jump: on the bisector at 0.6 it is √0.8 = 0.894.
const APART: f64 = 0.1;
const JUMPED: f64 = 0.86;

/// What one student does below and beyond the threshold.
pub(super) fn findings(run: &Run<'_>) -> Result<Vec<Finding>, CheckError> {
    let jumps = [jumps(run, "apart", APART)?, jumps(run, "merged", MERGED)?];
    let dimension = format!("d = 1e{}", run.integer("decades"));
    let shared = |rows: &[Option<f64>], accept: [f64; 2], what: &str| {
        let hits = rows.iter().flatten().filter(|ratio| (accept[0]..=accept[1]).contains(*ratio)).count() as u64;
        Evidence::estimate(what, LEVEL, statistics::proportion(hits, rows.len() as u64, LEVEL), NEARLY_ALL)
    };
    let near = |k: usize| {
        shared(
            &jumps[k],
            [0.9, 1.1],
            &format!(
                "share of starts in which one student takes both of two teachers (overlaps within a tenth of each other after the jump), teacher experts {}, {dimension}",
                [APART, MERGED][k]
            ),
        )
    };
    let one = |k: usize| {
        shared(
            &jumps[k],
            [-1.0, 0.5],
            &format!(
                "share of starts in which one student takes one of two teachers (the other overlap below half of it after the jump), teacher experts {}, {dimension}",
                [APART, MERGED][k]
            ),
        )
    };
    let judged = |title: &str, item: Evidence, control: Control| {
        let witness = json!({ "interval": item.interval(), "threshold by theory": 1.0 / 3.0 });
        Finding::judged(title, item.statement().to_string(), &[item], &[control], witness)
    };
    Ok(vec![
        judged(
            "teacher experts that overlap by 0.6, beyond 1/3: one student is drawn between the teachers, and recovery is not sequential",
            near(1),
            Control::new("the same below 1/3 is rejected", near(0)),
        ),
        judged(
            "teacher experts that overlap by 0.1, below 1/3: one student takes one teacher",
            one(0),
            Control::new("the same beyond 1/3 is rejected", one(1)),
        ),
    ])
}

/// One student before two teachers whose experts overlap by `e`: its smaller overlap over its larger one when that reaches [`JUMPED`].
fn jumps(run: &Run<'_>, sweep: &str, e: f64) -> Result<Vec<Option<f64>>, CheckError> {
    let dimension = 10u64.pow(run.integer("decades") as u32);
    let d = dimension as f64;
    let setting = Setting { teacher: TeacherOverlaps { experts: e, ..PLAIN.teacher }, ..PLAIN };
    let replicates = run.replicates(run.integer("replicates") as usize, |replicate| {
        Ok(in_time(&start(run, &setting, [1, 2], dimension, replicate)?, setting.teacher, d))
    })?;
    run.units(sweep, replicates.len(), |unit| {
        let start = start(run, &setting, [1, 2], dimension, replicates[unit])?;
        let interrupted = |_: f64| run.proceed().is_err();
        let flow = Flow::new(&start).method(Method::Implicit).tolerance(run.real("tolerance")).monitor(&interrupted);
        let mut ratio = None;
        let outcome = flow.run(
            2.0 * d.sqrt(),
            &[Watch::Expert(JUMPED)],
            &[],
            |_, _| {},
            |_, state| {
                let pair = [state.expert(0, 0), state.expert(0, 1)];
                ratio = Some(pair[0].min(pair[1]) / pair[0].max(pair[1]));
                Stop::Yes
            },
        );
        run.proceed()?;
        outcome.map_err(CheckError::theory)?;
        Ok(ratio)
    })
}

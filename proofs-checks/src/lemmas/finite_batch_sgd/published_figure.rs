//! The published figure: overlaps over time under full SGD, under the reduced simulation with less noise, and under the flow, all from one start.

use moe_theory::soft_routed::{Flow, InitialLaw, OnlineSgd, OrderParameters, Stop};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::simulation::step;
use crate::{CheckError, Column, Control, Evidence, Finding, Inexact, Run, Table};

/// Batch and points of the figure, and how much less noise its reduced simulation has.
const FIGURE_BATCH: usize = 1024;
const FIGURE_POINTS: usize = 48;
const QUIETER: f64 = 4.0;
/// Relative variance of one input's squared gradient of an expert.
const TAIL: f64 = 3000.0;

/// Overlaps of the best student of each teacher over time: `[time][teacher]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Course {
    experts: Vec<Vec<f64>>,
    routers: Vec<Vec<f64>>,
    /// `(‖w‖⁴ − 1)/(2εt)` at half of the time, mean over students; none for the flow.
    growth: Option<f64>,
    /// Inputs drawn by then.
    inputs: f64,
}

/// Unit 0: the full simulation; 1: the reduced one with less noise; 2: the flow. All from one start.
pub(super) fn course(run: &Run<'_>, unit: usize) -> Result<Course, CheckError> {
    let (m, teachers) = (run.integer("figure-students") as usize, run.integer("figure-teachers") as usize);
    let law = InitialLaw::new(3, m, teachers, run.integer("figure-dimension"));
    let start = law.sample(run.seed(), 0).map_err(CheckError::theory)?;
    let until = run.real("figure-time");
    let mut course = Course { experts: Vec::new(), routers: Vec::new(), growth: None, inputs: 0.0 };
    let times: Vec<f64> = (0..=FIGURE_POINTS).map(|k| until * k as f64 / FIGURE_POINTS as f64).collect();
    if unit == 2 {
        let interrupted = |_: f64| run.proceed().is_err();
        let outcome = Flow::new(&start).tolerance(1e-7).monitor(&interrupted).run(
            until,
            &[],
            &times,
            |_, state| course.push(&state),
            |_, _| Stop::No,
        );
        run.proceed()?;
        outcome.map_err(CheckError::theory)?;
        return Ok(course);
    }
    let epsilon = run.real("figure-noise") / if unit == 0 { 1.0 } else { QUIETER };
    let (step, rng) = (step(epsilon, FIGURE_BATCH, m, teachers, law.dimension), run.substream(0, 64 + unit as u32));
    let simulation = if unit == 0 { OnlineSgd::full } else { OnlineSgd::reduced };
    let mut sgd = simulation(&start, FIGURE_BATCH, step, rng).map_err(CheckError::theory)?;
    let mut time = 0.0;
    for (k, &target) in times.iter().enumerate() {
        while time + 0.5 * step < target {
            run.proceed()?;
            sgd.draw();
            sgd.advance();
            time += step;
        }
        course.push(&sgd.order_parameters());
        if 2 * k >= FIGURE_POINTS && course.growth.is_none() && time > 0.0 {
            course.inputs = (time / step).round() * FIGURE_BATCH as f64;
            let squares = (0..m).map(|i| (sgd.expert_norm(i).powi(4) - 1.0) / (2.0 * epsilon * time));
            course.growth = Some(squares.sum::<f64>() / m as f64);
        }
    }
    Ok(course)
}

impl Course {
    fn push(&mut self, state: &OrderParameters) {
        let best = |j: usize| {
            (0..state.students()).max_by(|&a, &b| state.expert(a, j).total_cmp(&state.expert(b, j))).unwrap_or(0)
        };
        let of = |value: &dyn Fn(usize, usize) -> f64| (0..state.teachers()).map(|j| value(best(j), j)).collect();
        self.experts.push(of(&|i, j| state.expert(i, j)));
        self.routers.push(of(&|i, j| state.router(i, j)));
    }

    /// Teachers whose best expert overlap exceeds 0.9 at the end.
    fn recovered(&self) -> usize {
        self.experts.last().map_or(0, |last| last.iter().filter(|overlap| **overlap > 0.9).count())
    }
}

/// The figure: what was recovered, judged by the growth of raw norms in the full simulation, which is the effective equation's first half in the paper's own setting.
pub(super) fn published(run: &Run<'_>, courses: &[Course]) -> Finding {
    let (m, teachers, d) =
        (run.integer("figure-students"), run.integer("figure-teachers"), run.integer("figure-dimension"));
    let statement = format!(
        "m = {m}, m* = {teachers}, d = {d}, full online SGD: (‖w‖⁴ − 1)/(2εt) at half of the time, mean over students"
    );
    // One run, so an order only: three standard errors from the relative variance of one input's squared gradient, and room for the change of σ_w² along the way.
    let accept = [0.1, 4.0];
    let error = 3.0 * (TAIL / courses[0].inputs.max(1.0)).sqrt();
    // The twin has a hundredth of the noise in its law.
    let item = |factor: f64, law: &str| {
        let statement = format!("{statement}{law}");
        match courses[0].growth {
            Some(growth) => {
                Evidence::comparison(statement, [factor * (growth - error), factor * (growth + error)], accept)
            }
            None => Evidence::unresolved(Inexact::Comparison, statement, accept, "not a single step"),
        }
    };
    let control = Control::new("a hundredth of the noise is rejected", item(100.0, ", ε a hundredth of the noise"));
    let item = item(1.0, "");
    let step = step(run.real("figure-noise"), FIGURE_BATCH, m as usize, teachers as usize, d);
    let witness = json!({
        "growth": courses[0].growth,
        "batch": FIGURE_BATCH,
        "step": step,
        "samples": (run.real("figure-time") / step).ceil() * FIGURE_BATCH as f64,
        "recovered": { "full": courses[0].recovered(), "less noise": courses[1].recovered(), "flow": courses[2].recovered() },
    });
    Finding::judged("norms grow in the published figure's setting", statement, &[item], &[control], witness)
}

pub(super) fn course_table(run: &Run<'_>, name: &str, courses: &[Course]) -> Table {
    let teachers = run.integer("figure-teachers") as usize;
    let heads = ["SGD", "quiet", "flow"].iter().flat_map(|which| (1..=teachers).map(move |j| format!("{which} {j}")));
    let mut table =
        Table::new(name, std::iter::once(Column::new("t", "time")).chain(heads.map(|head| Column::new(head, ""))));
    for k in 0..=FIGURE_POINTS {
        let time = run.real("figure-time") * k as f64 / FIGURE_POINTS as f64;
        let overlaps = courses.iter().flat_map(|course| {
            let rows = if name == "sgd-experts" { &course.experts } else { &course.routers };
            rows.get(k).cloned().unwrap_or_else(|| vec![f64::NAN; teachers])
        });
        table.push(std::iter::once(time.into()).chain(overlaps.map(Into::into)));
    }
    table
}

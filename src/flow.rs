//! `verify flow`: gradient flow of a student-teacher pair, with events.

use std::cell::Cell;

use moe_theory::soft_routed::{
    Event, EventKind, Flow, FlowError, Hessian, OrderParameters, Signature, Spec, Start, Symptoms, Trajectory,
};
use proofs_checks::{Column, Figure, Mark, Observer, Scale, Table};
use serde_json::{Value, json};

use crate::cli::{FlowArguments, Format};
use crate::out_directory::OutDirectory;
use crate::progress::Progress;
use crate::render::{figure, lone_table, number, table_csv};
use crate::shared::Shared;
use crate::spec_file;
use crate::status::{Failure, Status};
use crate::stdout;

/// Times that are printed unless `--at` says which.
const TIMES: usize = 200;
/// Steps of the progress bar for one integration.
const TICKS: usize = 1000;
/// Curves beyond which a figure shows, for each teacher, the student that ends nearest to it only.
const CURVES: usize = 150;
/// Student coordinates up to which the spectrum of the Hessian, cubic in them, is worth its while: ten students and five teachers.
const CURVED: usize = 600;

/// Prints the flow at `--at`.
pub(crate) fn run(arguments: &FlowArguments, shared: &Shared) -> Result<Status, Failure> {
    let spec: Spec = spec_file::read(&arguments.spec)?;
    let start = spec.start().map_err(|error| Failure::input(format!("{}: {error}", arguments.spec.display())))?;
    let mut until = spec.until(&start);
    let mut times = arguments.at.clone();
    times.sort_by(f64::total_cmp);
    until = times.last().map_or(until, |last| until.max(*last));
    if times.is_empty() {
        times = (0..TIMES).map(|k| until * k as f64 / (TIMES - 1) as f64).collect();
    }
    let out = arguments.out.as_deref().map(OutDirectory::create).transpose()?;

    let trajectory = follow(&start, until, &times, spec.tolerance(), shared)?;
    let found = signatures(&start, &trajectory);
    let document = document(&start, &trajectory, &found);
    if let Some(out) = &out {
        write(out, &trajectory, &document)?;
    }
    let text = match shared.format {
        Format::Json => format!("{document}\n"),
        Format::Text | Format::Markdown => summary(&start, &trajectory, &found, shared.format),
    };
    stdout::print(&text)?;
    Ok(Status::Completed)
}

fn follow(start: &Start, until: f64, times: &[f64], tolerance: f64, shared: &Shared) -> Result<Trajectory, Failure> {
    let progress = Progress::new(shared.quiet, shared.interrupt.clone());
    progress.show("flow");
    // Each integration, at a finer tolerance than the one before, runs through all times once more.
    let reached = Cell::new(usize::MAX);
    let trajectory = Flow::trajectory(start, until, times, tolerance, &|time| {
        let tick = (TICKS as f64 * time / until) as usize;
        if tick < reached.get() {
            progress.begin("", TICKS, 0);
            reached.set(0);
        }
        (reached.get()..tick).for_each(|_| progress.advance());
        reached.set(tick);
        progress.stop_requested()
    });
    progress.hide();
    trajectory.map_err(|error| match error {
        FlowError::Stopped { .. } => Failure::Interrupted,
        error => Failure::Internal(error.into()),
    })
}

/// The failures that the flow and its last state show. Two of them it cannot have: along a continuous flow the loss never rises, so that divergence would be a failure of the integration, and nothing is pruned here, so that no useful expert is.
/// What descent with a step and pruning have to heed is part of the advice.
fn signatures(start: &Start, trajectory: &Trajectory) -> Vec<Signature> {
    let Some(last) = trajectory.states.last() else { return Vec::new() };
    let losses: Vec<f64> = trajectory.states.iter().map(|state| state.loss).collect();
    Symptoms::of(start, last).with_losses(&losses).signatures()
}

/// What descent and pruning have to heed at the last state: the largest stable step, and the students that pruning must not take, by the function that names the failures.
fn advice(start: &Start, last: &OrderParameters) -> Vec<String> {
    let mut lines = Vec::new();
    if 2 * start.students() * start.coordinates() <= CURVED {
        let mut hessian = Hessian::new(start);
        hessian.set(&start.at(last).state());
        let steepest = hessian.spectrum().last().copied().filter(|steepest| *steepest > 0.0);
        lines.extend(steepest.map(|steepest| {
            format!(
                "gradient descent from raw norms 1 is unstable there beyond the step {} (2/λ, λ = {} the largest eigenvalue of the Hessian in these coordinates)",
                number(2.0 / steepest),
                number(steepest)
            )
        }));
    }
    let useful: Vec<String> =
        Symptoms::of(start, last).useful_students().iter().map(|student| student.to_string()).collect();
    lines.push(match useful.len() {
        0 => "no student is useful by itself: none raises the loss by its removal".into(),
        _ => format!("useful students, whose removal by itself raises the loss: {}", useful.join(", ")),
    });
    lines
}

/// The documented JSON.
fn document(start: &Start, trajectory: &Trajectory, signatures: &[Signature]) -> Value {
    let (m, teachers) = (start.students(), start.teachers());
    let matrix = |of: &dyn Fn(&OrderParameters, usize, usize) -> f64, columns: usize| -> Vec<Vec<Vec<f64>>> {
        let rows = |state| (0..m).map(|i| (0..columns).map(|j| of(state, i, j)).collect()).collect();
        trajectory.states.iter().map(rows).collect()
    };
    json!({
        "times": trajectory.times,
        "loss": trajectory.states.iter().map(|state| state.loss).collect::<Vec<_>>(),
        "expert_overlaps": matrix(&|state, i, j| state.expert(i, j), teachers),
        "router_overlaps": matrix(&|state, i, j| state.router(i, j), teachers),
        "student_overlaps": matrix(&|state, i, k| state.student(i, k), m),
        "router_expert": trajectory.states.iter().map(|state| (0..m).map(|i| state.own(i)).collect()).collect::<Vec<Vec<_>>>(),
        "events": trajectory.events.iter().map(|(kind, event)| event_json(*kind, event)).collect::<Vec<_>>(),
        "signatures": signatures.iter().map(signature_json).collect::<Vec<_>>(),
        "dimension": start.dimension,
        "coordinates": start.coordinates(),
        "evaluations": trajectory.evaluations,
    })
}

fn event_json(kind: EventKind, event: &Event) -> Value {
    let (time, student, other) = (event.time, event.student, event.other);
    match kind {
        EventKind::AntiAligned => json!({ "time": time, "kind": name(kind), "student": student, "other": other }),
        _ => json!({ "time": time, "kind": name(kind), "student": student, "teacher": other }),
    }
}

fn name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::ExpertAligned => "expert-aligned",
        EventKind::RouterAligned => "router-aligned",
        EventKind::AntiAligned => "anti-aligned",
    }
}

fn signature_json(signature: &Signature) -> Value {
    let kind = signature.name();
    match signature {
        Signature::Dipole { student, other, loss } => {
            json!({ "kind": kind, "student": student, "other": other, "loss": loss })
        }
        Signature::StraddlingPair { student, other, teacher, loss } => {
            json!({ "kind": kind, "student": student, "other": other, "teacher": teacher, "loss": loss })
        }
        Signature::SharedTeachers { students, teachers, loss } => {
            json!({ "kind": kind, "students": students, "teachers": teachers, "loss": loss })
        }
        Signature::CrowdedTeacher { teacher, students, loss } => {
            json!({ "kind": kind, "teacher": teacher, "students": students, "loss": loss })
        }
        Signature::PartlyLearned { student, teacher, loss } => {
            json!({ "kind": kind, "student": student, "teacher": teacher, "loss": loss })
        }
        Signature::CancellingGroup { students, loss } => json!({ "kind": kind, "students": students, "loss": loss }),
        Signature::AllOnOneTeacher { teacher } => json!({ "kind": kind, "teacher": teacher }),
        Signature::Divergence { growth } => json!({ "kind": kind, "growth": growth }),
        Signature::UsefulExpertPruned { student, change } => {
            json!({ "kind": kind, "student": student, "change": change })
        }
    }
}

/// What a reader wants to know first: sizes, the end, events, signatures.
fn summary(start: &Start, trajectory: &Trajectory, found: &[Signature], format: Format) -> String {
    let mut lines = vec![format!(
        "{} students, {} teachers, {} routers, He_{} experts; dimension {}, followed in {} coordinates",
        start.students(),
        start.teachers(),
        start.router,
        start.order,
        start.dimension,
        start.coordinates()
    )];
    if let (Some(time), Some(state)) = (trajectory.times.last(), trajectory.states.last()) {
        lines.push(format!("loss {} at t = {}", number(state.loss), number(*time)));
    }
    lines.push(format!(
        "overlaps known to {:.0e} ({} evaluations of the gradient)",
        trajectory.error, trajectory.evaluations
    ));
    if let Some(state) = trajectory.states.last() {
        lines.extend(advice(start, state));
    }
    for signature in found {
        lines.push(format!("signature {}", signature_json(signature)));
    }
    let mut table = Table::new("events", ["time", "event", "student", "with"].map(|name| Column::new(name, "")));
    for (kind, event) in &trajectory.events {
        let partner = if *kind == EventKind::AntiAligned { "student" } else { "teacher" };
        table.push([
            event.time.into(),
            name(*kind).into(),
            event.student.into(),
            format!("{partner} {}", event.other).into(),
        ]);
    }
    let separator = if format == Format::Markdown { "\n\n" } else { "\n" };
    lines.join(separator) + separator + &lone_table(&table, format, String::new)
}

fn write(out: &OutDirectory, trajectory: &Trajectory, document: &Value) -> Result<(), Failure> {
    for (what, title, of) in [
        ("expert-overlaps", "expert overlaps with the teachers along the flow", OrderParameters::expert as Overlap),
        ("router-overlaps", "router overlaps with the teachers along the flow", OrderParameters::router as Overlap),
    ] {
        let (table, view) = panel(what, title, trajectory, of);
        let csv = table_csv(&table).map_err(|error| Failure::Internal(error.into()))?;
        let svg = figure::svg(&view, &table).map_err(Failure::Internal)?;
        out.write(&format!("flow.{what}.csv"), &csv)?;
        out.write(&format!("flow.{what}.svg"), svg.as_bytes())?;
    }
    out.write("flow.json", format!("{document}\n").as_bytes())
}

type Overlap = fn(&OrderParameters, usize, usize) -> f64;

/// One panel: an overlap of every student with every teacher against time.
fn panel(name: &str, title: &str, trajectory: &Trajectory, of: Overlap) -> (Table, Figure) {
    let Some(last) = trajectory.states.last() else {
        return (Table::new(name, []), Figure::new::<String>(name, title, name, "t", [], [Scale::Linear; 2]));
    };
    let mut curves: Vec<(usize, usize)> = last.pairs().map(|(i, j, _)| (i, j)).collect();
    if curves.len() > CURVES {
        let nearest = |j| (0..last.students()).max_by(|a, b| last.expert(*a, j).total_cmp(&last.expert(*b, j)));
        curves = (0..last.teachers()).filter_map(|j| nearest(j).map(|i| (i, j))).collect();
    }
    let label = |&(i, j): &(usize, usize)| format!("student {i}, teacher {j}");
    let columns = std::iter::once(Column::new("t", "")).chain(curves.iter().map(|c| Column::new(label(c), "")));
    let mut table = Table::new(name, columns);
    for (time, state) in trajectory.times.iter().zip(&trajectory.states) {
        let overlaps = curves.iter().map(|&(i, j)| of(state, i, j).into());
        table.push(std::iter::once((*time).into()).chain(overlaps));
    }
    let view = Figure::new(name, title, name, "t", curves.iter().map(label), [Scale::Linear; 2]);
    (table, view.with_mark(Mark::y(0.5, "½")))
}

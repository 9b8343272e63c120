//! `verify loss`: population loss and gradient of a student-teacher pair.

use moe_theory::soft_routed::{PopulationLoss, Spec, Weights};
use proofs_checks::{Column, Table};
use serde_json::json;

use crate::cli::{Format, LossArguments};
use crate::render::{lone_table, number};
use crate::shared::Shared;
use crate::spec_file;
use crate::status::{Failure, Status};
use crate::stdout;

/// Prints loss and gradient.
pub(crate) fn run(arguments: &LossArguments, shared: &Shared) -> Result<Status, Failure> {
    let spec: Spec = spec_file::read(&arguments.spec)?;
    let bad = |error: &dyn std::fmt::Display| Failure::input(format!("{}: {error}", arguments.spec.display()));
    let model = spec.model().map_err(|error| bad(&error))?;
    let columns = model.student.columns();
    let students: Vec<f64> = columns.col_iter().flat_map(|column| column.iter().copied().collect::<Vec<_>>()).collect();
    let mut gradient = vec![0.0; students.len()];
    let loss = PopulationLoss::of(&model).gradient(&students, &mut gradient);
    let rows: Vec<&[f64]> = gradient.chunks_exact(model.student.dimension()).collect();
    let (routers, experts) = rows.split_at(model.student.count());
    if shared.format == Format::Json {
        let document = json!({ "loss": loss, "gradient": { "routers": routers, "experts": experts } });
        return stdout::print(&format!("{document}\n")).map(|()| Status::Completed);
    }
    let text = match shared.format {
        Format::Markdown => format!("Population loss: {}\n\n", number(loss)),
        _ => format!("population loss {}\n", number(loss)),
    };
    let table = norms(&model.student, routers, experts);
    stdout::print(&(text + &lone_table(&table, shared.format, String::new)))?;
    Ok(Status::Completed)
}

/// The gradient by unit: its norms, and what they are at unit raw norm.
fn norms(student: &Weights, routers: &[&[f64]], experts: &[&[f64]]) -> Table {
    let heads = ["student", "|v|", "|dL/dv|", "|w|", "|dL/dw|"];
    let mut table = Table::new("gradient", heads.map(|name| Column::new(name, "")));
    for i in 0..student.count() {
        table.push([
            i.into(),
            norm(student.router(i)).into(),
            norm(routers[i]).into(),
            norm(student.expert(i)).into(),
            norm(experts[i]).into(),
        ]);
    }
    table
}

/// Euclidean norm, scaled so that squares stay in range.
fn norm(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    if largest == 0.0 { 0.0 } else { largest * x.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt() }
}

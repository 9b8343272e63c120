//! `--lemma` and `--all`: runs checks, prints and writes their reports.

use anyhow::anyhow;
use proofs_checks::{CheckError, Report, Run, check};

use crate::cli::{Format, Plan};
use crate::out_directory::OutDirectory;
use crate::progress::Progress;
use crate::render::{Files, figure, json, render, table_csv};
use crate::shared::Shared;
use crate::status::{Failure, Status};
use crate::stdout;

/// Checks the lemmas one after another, each on all threads. A failure inside one check does not stop the others.
pub(crate) fn run(plan: &Plan<'_>, shared: &Shared) -> Result<Status, Failure> {
    let progress = Progress::new(shared.quiet, shared.interrupt.clone());
    let (out, runs) = prepare(plan, &progress)?;

    let mut status = Status::Completed;
    let mut reports = Vec::new();
    for run in runs {
        let id = run.lemma().id;
        progress.show(id);
        let outcome = check(run);
        progress.hide();
        match outcome {
            Ok(report) => {
                status = status.max(Status::of(&report, plan.strict));
                let files = out.as_ref().map(|out| write(&report, out)).transpose()?;
                if shared.format == Format::Json {
                    reports.push(report);
                } else {
                    stdout::print(&render(&report, files.as_ref(), shared.format))?;
                }
            }
            Err(CheckError::Interrupted) => {
                status = status.max(Failure::Interrupted.report());
                break;
            }
            Err(error) => {
                let failure = Failure::Internal(anyhow!(error).context(format!("lemma {id}")));
                status = status.max(failure.report());
            }
        }
    }
    if shared.format == Format::Json {
        stdout::print(&json::reports(&reports))?;
    }
    Ok(status)
}

/// Everything that can be wrong with the input is found here; the directory is made last but for the journals,
/// which live in it.
fn prepare<'a>(plan: &Plan<'_>, progress: &'a Progress) -> Result<(Option<OutDirectory>, Vec<Run<'a>>), Failure> {
    let mut runs = Vec::new();
    for lemma in &plan.lemmas {
        let mut run = Run::new(lemma, plan.effort, plan.seed).observed_by(progress);
        for assignment in plan.assignments {
            run = run.set(assignment).map_err(|error| Failure::input(format!("--set {assignment}: {error}")))?;
        }
        let run = run.ordered().map_err(|error| Failure::input(format!("lemma {}: {error}", lemma.id)))?;
        runs.push(run);
    }
    let Some(path) = plan.out else { return Ok((None, runs)) };
    let out = OutDirectory::create(path)?;
    let journalled = runs.into_iter().map(|run| run.journalled_in(out.path())).collect::<Result<_, _>>();
    let runs = journalled.map_err(|error| Failure::Input(error.into()))?;
    Ok((Some(out), runs))
}

fn write(report: &Report, out: &OutDirectory) -> Result<Files, Failure> {
    let id = &report.lemma;
    for table in &report.tables {
        let csv = table_csv(table).map_err(|error| Failure::Internal(anyhow!(error).context(table.name.clone())))?;
        out.write(&format!("{id}.{}.csv", table.name), &csv)?;
    }
    for view in &report.figures {
        let svg = view
            .table(&report.tables)
            .map_err(anyhow::Error::from)
            .and_then(|table| figure::svg(view, table))
            .map_err(|error| Failure::Internal(error.context(format!("figure {id}.{}.svg", view.name))))?;
        out.write(&format!("{id}.{}.svg", view.name), svg.as_bytes())?;
    }
    for (name, text) in &report.certificates {
        out.write(name, text.as_bytes())?;
    }
    out.write(&format!("{id}.json"), json::reports(std::slice::from_ref(report)).as_bytes())?;
    Ok(Files::new(out.path(), report))
}

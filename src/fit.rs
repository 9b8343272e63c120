//! `verify fit`: least squares in softmax-gated mixtures of experts, on a user's data.

mod report;
mod table;

use moe_theory::softmax::{FitSpec, FitSpecError, Power, VoronoiError, voronoi};

use crate::cli::{FitArguments, Format};
use crate::progress::Progress;
use crate::shared::Shared;
use crate::spec_file;
use crate::status::{Failure, Status, complain};
use crate::stdout;
use report::{Outcome, words};
use table::Table;

/// Prints the best fit.
pub(crate) fn run(arguments: &FitArguments, shared: &Shared) -> Result<Status, Failure> {
    let spec: FitSpec = spec_file::read(&arguments.spec)?;
    let bad = |error: FitSpecError| match error {
        FitSpecError::Io(error) => Failure::Internal(error.into()),
        error @ (FitSpecError::Rows { .. } | FitSpecError::Small { .. }) => {
            Failure::input(format!("{}: {error}", arguments.data.display()))
        }
        error => Failure::input(format!("{}: {error}", arguments.spec.display())),
    };
    // What is wrong with the spec is told before a long file is read.
    let table = Table::open(&arguments.data)?;
    let class = spec.class(table.dimension()).map_err(bad)?;
    spec.start(&class).map_err(bad)?;
    let truth = spec.truth(&class).map_err(bad)?;

    let progress = Progress::new(shared.quiet, shared.interrupt.clone());
    progress.show("fit");
    let rows = table.read(&shared.interrupt)?;
    let problem = spec.problem(&rows).map_err(bad)?;
    drop(rows);
    let fits = problem.fit(shared.interrupt.flag()).map_err(|error| Failure::Internal(error.into()))?;
    progress.hide();
    if shared.interrupt.requested() {
        return Err(Failure::Interrupted);
    }

    let Some(best) = fits.first() else { return Err(Failure::Internal(anyhow::anyhow!("no start was fitted"))) };
    let measure = problem.measure(best);
    let distance = truth.map(|truth| voronoi(&class, &measure, &truth, Power::L1));
    if let Some(Err(error)) = distance
        && error != VoronoiError::Overflow
    {
        return Err(Failure::Internal(error.into()));
    }
    let outcome = Outcome { class: &class, problem: &problem, fits: &fits, best, measure: &measure, voronoi: distance };
    let text = match shared.format {
        Format::Json => format!("{}\n", outcome.document()),
        format => outcome.summary(format, &spec),
    };
    stdout::print(&text)?;
    if best.reason.is_converged() {
        return Ok(Status::Completed);
    }
    complain(&format!("the fit did not converge: {}", words(best.reason, &spec)));
    Ok(Status::Failed)
}

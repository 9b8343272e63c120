//! `verify fit`: least squares in softmax-gated mixtures of experts, on a user's data.

mod report;
mod table;

use moe_kernels::Activation;
use moe_theory::softmax::{Architecture, FitSpec, FitSpecError, Gate, Power, VoronoiError, voronoi};

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
    let distance = truth.as_ref().map(|truth| voronoi(&class, &measure, truth, Power::L1));
    let quotient = truth
        .as_ref()
        .zip(plain(&class))
        .map(|(truth, plain)| voronoi(&plain, &measure.quotient(), &truth.quotient(), Power::L1));
    for error in [&distance, &quotient].into_iter().flatten().filter_map(|distance| distance.as_ref().err()) {
        if *error != VoronoiError::Overflow {
            return Err(Failure::Internal((*error).into()));
        }
    }
    let outcome =
        Outcome { class: &class, problem: &problem, fits: &fits, best, measure: &measure, voronoi: distance, quotient };
    let text = match shared.format {
        Format::Json => format!("{}\n", outcome.document(&spec)),
        format => outcome.summary(format, &spec),
    };
    stdout::print(&text)?;
    if best.reason.is_converged() {
        return Ok(Status::Completed);
    }
    complain(&format!("the fit did not converge: {}", words(best.reason, &spec)));
    Ok(Status::Failed)
}

/// The class with temperature one, of routers for which `(ω, β, τ)` and `c(ω, β, τ)` are the same function: linear ones and ReLU (theory X4).
fn plain(class: &Architecture) -> Option<Architecture> {
    match class.gate {
        Gate::DenseToSparse(Activation::Linear) => Some(Architecture { gate: Gate::Softmax, ..class.clone() }),
        Gate::DenseToSparse(Activation::Relu) => Some(class.clone()),
        _ => None,
    }
}

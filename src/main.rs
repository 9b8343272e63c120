//! `verify`: does this lemma hold? Arguments, progress, signals, rendering and exit status; no mathematics.

mod check;
mod cli;
mod fit;
mod flow;
mod identify;
mod interrupt;
mod listing;
mod loss;
mod out_directory;
mod progress;
mod recheck;
mod render;
mod shared;
mod spec_file;
mod status;
mod stdout;

use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{Action, Cli, Command};
use crate::shared::Shared;
use crate::status::{Failure, Status, complain};

fn main() -> ExitCode {
    panic::set_hook(Box::new(report_panic));
    let outcome = panic::catch_unwind(|| run(&Cli::read()));
    let status = match outcome {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => failure.report(),
        Err(_) => Status::Failed,
    };
    ExitCode::from(status.code())
}

fn run(cli: &Cli) -> Result<Status, Failure> {
    let shared = Shared::new(&cli.options)?;
    match cli.action()? {
        Action::List => listing::lemmas(&shared),
        Action::Parameters(lemma) => listing::parameters(lemma, &shared),
        Action::Check(plan) => check::run(&plan, &shared),
        Action::Command(Command::Loss(arguments)) => loss::run(arguments, &shared),
        Action::Command(Command::Flow(arguments)) => flow::run(arguments, &shared),
        Action::Command(Command::Identify(arguments)) => identify::run(arguments, &shared),
        Action::Command(Command::Fit(arguments)) => fit::run(arguments, &shared),
        Action::Command(Command::Recheck(arguments)) => recheck::run(arguments, &shared),
        Action::Command(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "verify", &mut script);
            stdout::print(&String::from_utf8_lossy(&script))?;
            Ok(Status::Completed)
        }
    }
}

/// A panic is a defect of the program; the user gets one line about it.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let literal = payload.downcast_ref::<&str>().copied();
    let message = literal.or(payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
    complain(&format!("internal failure{place}: {message}"));
}

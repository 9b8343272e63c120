//! The command line, parsed.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use proofs_checks::{Effort, Lemma, find, lemmas};

use crate::status::Failure;

/// Does this lemma hold? Checks lemmas of mixture-of-experts learning theory and computes what they speak of.
#[derive(Debug, Parser)]
#[command(name = "verify", version, subcommand_negates_reqs = true, max_term_width = 100)]
#[command(after_help = "Exit status: 0 completed; 1 a verdict differs from the ledger (with --strict: is refuted); \
    2 wrong usage or bad input; 3 no verdict where the ledger has one; 4 internal failure; 130 interrupted.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: SharedOptions,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    checking: CheckOptions,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options of every action.
#[derive(Debug, Args)]
pub(crate) struct SharedOptions {
    /// What is printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// No progress on stderr.
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    /// Threads, from 1 [default: all cores].
    #[arg(long, global = true, value_name = "N", allow_negative_numbers = true, value_parser = threads)]
    pub(crate) threads: Option<usize>,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal.
    Text,
    /// For a program.
    Json,
    /// For a document.
    Markdown,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Selection {
    /// Every lemma: id, paper, claim, ledger verdict, typical time.
    #[arg(long)]
    list: bool,
    /// Check this lemma; may be repeated.
    #[arg(long = "lemma", value_name = "ID", value_parser = lemma())]
    lemmas: Vec<&'static Lemma>,
    /// Check every lemma.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
struct CheckOptions {
    /// How much work a check may be.
    #[arg(long, default_value = "standard", value_name = "EFFORT", value_parser = effort(), conflicts_with = "list")]
    effort: Effort,
    /// Seed of all random streams.
    #[arg(long, default_value_t = 0, value_name = "N", allow_negative_numbers = true, value_parser = seed)]
    #[arg(conflicts_with = "list")]
    seed: u64,
    /// Exit with status 1 when a verdict is `refuted`, even if the ledger says so.
    #[arg(long, conflicts_with = "list")]
    strict: bool,
    /// Write reports, tables, figures and journals to this directory; an interrupted run resumes from it.
    #[arg(long, value_name = "DIR", conflicts_with = "list")]
    out: Option<PathBuf>,
    /// Set a parameter of the one lemma; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with_all = ["list", "all"])]
    assignments: Vec<String>,
    /// The parameters of the one lemma: meaning, unit, range, defaults.
    #[arg(long, conflicts_with_all = ["list", "all", "assignments", "out"])]
    help_parameters: bool,
}

/// What is computed without a verdict.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Population loss and gradient of a student-teacher pair.
    Loss(LossArguments),
    /// Gradient flow of a student-teacher pair, with events.
    Flow(FlowArguments),
    /// Linear relations among the derivatives of an expert under its gate, and the independence of the rest.
    Identify(IdentifyArguments),
    /// Least-squares fit of a softmax-gated mixture of experts to data.
    Fit(FitArguments),
    /// Re-checks certificates from disk, trusting nothing else.
    Recheck(RecheckArguments),
    /// A completion script for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}

/// Arguments of `verify loss`.
#[derive(Debug, Args)]
pub(crate) struct LossArguments {
    /// Student-teacher spec, TOML or JSON.
    #[arg(value_name = "SPEC")]
    pub(crate) spec: PathBuf,
}

/// Arguments of `verify flow`.
#[derive(Debug, Args)]
pub(crate) struct FlowArguments {
    /// Student-teacher spec, TOML or JSON.
    #[arg(value_name = "SPEC")]
    pub(crate) spec: PathBuf,
    /// Times to print [default: 200 equally spaced ones].
    #[arg(long, value_name = "T1,T2,…", value_delimiter = ',', allow_hyphen_values = true, value_parser = time)]
    pub(crate) at: Vec<f64>,
    /// Write the flow, its tables and figures to this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Arguments of `verify identify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Inputs are x, or x1, x2, …; every other name is a parameter. Functions: exp, tanh, sigmoid, gelu, erf, relu, \
    sin, cos, softplus; + - * /, integer powers (^), rational constants; division by parameters only."
)]
pub(crate) struct IdentifyArguments {
    /// The expert, as "tanh(a*x + b)".
    #[arg(value_name = "EXPERT", allow_hyphen_values = true)]
    pub(crate) expert: String,
    /// The gate that multiplies it, as "exp(w*x)".
    #[arg(long, value_name = "EXPR", default_value = "1", allow_hyphen_values = true)]
    pub(crate) gate: String,
    /// Derivatives up to this order.
    #[arg(long, value_name = "ORDER", default_value_t = 2, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=3))]
    pub(crate) order: u32,
    /// Write the answer and the certificate to this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Arguments of `verify fit`.
#[derive(Debug, Args)]
pub(crate) struct FitArguments {
    /// Spec of the mixtures, TOML or JSON.
    #[arg(value_name = "SPEC")]
    pub(crate) spec: PathBuf,
    /// Data: CSV with a header and columns x1, x2, … and y.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
}

/// Arguments of `verify recheck`.
#[derive(Debug, Args)]
pub(crate) struct RecheckArguments {
    /// Certificates.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// What the user asked for.
#[derive(Debug)]
pub(crate) enum Action<'a> {
    List,
    Parameters(&'static Lemma),
    Check(Plan<'a>),
    Command(&'a Command),
}

/// The checks to run.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// Each lemma once.
    pub(crate) lemmas: Vec<&'static Lemma>,
    pub(crate) effort: Effort,
    pub(crate) seed: u64,
    pub(crate) strict: bool,
    pub(crate) out: Option<&'a PathBuf>,
    /// Empty unless there is exactly one lemma.
    pub(crate) assignments: &'a [String],
}

impl Cli {
    /// Reads the command line; on wrong usage the process ends here with status 2.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        // The parser's own exclusion would refuse the options of every action, too.
        if let Some(name) = matches.subcommand_name() {
            let given = |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
            let mut command = Self::command();
            command.build();
            let astray = command.get_arguments().filter(|arg| !arg.is_global_set()).find(given).map(Arg::to_string);
            if let Some(option) = astray {
                let message = format!("'{option}' is of a check and cannot be used with the subcommand '{name}'");
                command.error(ErrorKind::ArgumentConflict, message).exit();
            }
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// What was asked for, checked for what the parser cannot express.
    pub(crate) fn action(&self) -> Result<Action<'_>, Failure> {
        if let Some(command) = &self.command {
            return Ok(Action::Command(command));
        }
        if self.selection.list {
            return Ok(Action::List);
        }
        let mut chosen: Vec<&'static Lemma> = Vec::new();
        let asked = if self.selection.all { lemmas().iter().collect() } else { self.selection.lemmas.clone() };
        for lemma in asked {
            if chosen.iter().all(|other| other.id != lemma.id) {
                chosen.push(lemma);
            }
        }
        let options = &self.checking;
        let of_one = if options.help_parameters { Some("--help-parameters") } else { None };
        let of_one = of_one.or((!options.assignments.is_empty()).then_some("--set"));
        if let Some(option) = of_one.filter(|_| chosen.len() != 1) {
            return Err(Failure::input(format!("{option}: found {} lemmas, allowed is exactly one", chosen.len())));
        }
        if options.help_parameters {
            return Ok(Action::Parameters(chosen[0]));
        }
        Ok(Action::Check(Plan {
            lemmas: chosen,
            effort: options.effort,
            seed: options.seed,
            strict: options.strict,
            out: options.out.as_ref(),
            assignments: &options.assignments,
        }))
    }
}

/// Reads an id; an unknown one is answered with all ids and the nearest ones.
fn lemma() -> impl TypedValueParser<Value = &'static Lemma> {
    PossibleValuesParser::new(lemmas().iter().map(|lemma| lemma.id))
        .try_map(|id| find(&id).ok_or("not in the registry"))
}

fn effort() -> impl TypedValueParser<Value = Effort> {
    PossibleValuesParser::new(Effort::ALL.map(Effort::as_str))
        .try_map(|word| Effort::ALL.into_iter().find(|effort| effort.as_str() == word).ok_or("no effort"))
}

fn threads(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(threads) if (1..=1024).contains(&threads) => Ok(threads),
        _ => Err("allowed is an integer from 1 to 1024"),
    }
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("allowed is an integer from 0 to {}", u64::MAX))
}

fn time(text: &str) -> Result<f64, &'static str> {
    match text.trim().parse() {
        Ok(time) if (0.0..f64::INFINITY).contains(&time) => Ok(time),
        _ => Err("allowed is a finite number, at least 0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_finite_and_not_negative() {
        assert_eq!(time(" 2.5e3"), Ok(2500.0));
        assert_eq!(time("0"), Ok(0.0));
        for text in ["-1", "nan", "inf", "", "1;2"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}

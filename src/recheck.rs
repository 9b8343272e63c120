//! `verify recheck`: certificates from disk, re-checked by the trusted base alone.

use std::fs;

use proofs_checks::rigor::recheck;
use serde_json::json;

use crate::cli::{Format, RecheckArguments};
use crate::shared::Shared;
use crate::status::{Failure, Status};
use crate::stdout;

/// Longest certificate that is read: far beyond any that is made.
const LIMIT: u64 = 1 << 26;

/// Prints a line for each file; status 1 when one is refused.
pub(crate) fn run(arguments: &RecheckArguments, shared: &Shared) -> Result<Status, Failure> {
    let mut texts = Vec::new();
    for file in &arguments.files {
        let bad = |error: &dyn std::fmt::Display| Failure::input(format!("{}: {error}", file.display()));
        let size = fs::metadata(file).map_err(|error| bad(&error))?.len();
        if size > LIMIT {
            return Err(bad(&format!("found {size} bytes, allowed is at most {LIMIT}")));
        }
        let bytes = fs::read(file).map_err(|error| bad(&error))?;
        texts.push(
            String::from_utf8(bytes).map_err(|_| bad(&"found bytes that are no text, allowed is a certificate"))?,
        );
    }
    let mut status = Status::Completed;
    let mut documents = Vec::new();
    for (file, text) in arguments.files.iter().zip(&texts) {
        let file = file.display().to_string();
        let outcome = recheck(text);
        if outcome.is_err() {
            status = Status::Differs;
        }
        let (accepted, said) = match outcome {
            Ok(accepted) => (true, accepted.claim),
            Err(error) => (false, error.to_string()),
        };
        match shared.format {
            Format::Json => documents.push(json!({ "file": file, "accepted": accepted, "statement": said })),
            Format::Text => {
                stdout::print(&format!("{file}: {}: {said}\n", if accepted { "accepted" } else { "refused" }))?;
            }
            Format::Markdown => {
                stdout::print(&format!("- `{file}`: **{}**: {said}\n", if accepted { "accepted" } else { "refused" }))?;
            }
        }
    }
    if shared.format == Format::Json {
        stdout::print(&format!("{}\n", json!(documents)))?;
    }
    Ok(status)
}

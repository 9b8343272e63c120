//! stdout, which may be a pipe that closes.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;

use crate::status::Failure;

/// Prints text that ends its own line.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::ClosedPipe),
        outcome => outcome.context("stdout cannot be written").map_err(Failure::Internal),
    }
}

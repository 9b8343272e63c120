//! Ctrl-C.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use crate::status::{Failure, Status};

/// Whether Ctrl-C was pressed. Work ends at its next opportunity; a second Ctrl-C ends the process at once.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes over Ctrl-C for the rest of the process.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let pressed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&pressed);
        ctrlc::set_handler(move || {
            if seen.swap(true, Ordering::Relaxed) {
                process::exit(Status::Interrupted.code().into());
            }
        })
        .context("cannot listen for Ctrl-C")
        .map_err(Failure::Internal)?;
        Ok(Self(pressed))
    }

    /// What work that polls reads: set when it should end.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.0
    }

    /// Whether work should end.
    pub(crate) fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

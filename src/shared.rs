//! What every action has at hand.

use crate::cli::{Format, SharedOptions};
use crate::interrupt::Interrupt;
use crate::status::Failure;

/// The settings of every action, in force.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    pub(crate) interrupt: Interrupt,
}

impl Shared {
    /// Starts the thread pool and listens for Ctrl-C.
    pub(crate) fn new(options: &SharedOptions) -> Result<Self, Failure> {
        // The matrix library is parallel by default, and its results then depend on the number of threads.
        faer::set_global_parallelism(faer::Par::Seq);
        if let Some(threads) = options.threads {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build_global()
                .map_err(|error| Failure::input(format!("--threads {threads}: {error}; allowed are fewer threads")))?;
        }
        Ok(Self { format: options.format, quiet: options.quiet, interrupt: Interrupt::listen()? })
    }
}

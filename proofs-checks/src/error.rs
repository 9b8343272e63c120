//! Why a check ends without findings.

use std::error::Error as StdError;

use thiserror::Error;

use crate::{JournalError, ViewError};

/// A check that could not be completed; not to be confused with one that found no answer, which is a verdict.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The observer asked to stop; what was finished is in the journal, if there is one.
    #[error("interrupted")]
    Interrupted,
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A computation of the theory failed.
    #[error(transparent)]
    Theory(Box<dyn StdError + Send + Sync>),
    /// A row of a sweep does not survive JSON, most often because a number in it is not finite.
    #[error("unit {index} of sweep {sweep}: its row does not survive JSON")]
    Row {
        /// The sweep.
        sweep: String,
        /// The unit.
        index: usize,
        /// What JSON said.
        source: serde_json::Error,
    },
    /// Two sweeps of one check have the same name, or the name is no part of a file name.
    #[error("{sweep:?} cannot name a sweep: lower-case letters, digits and hyphens, each name once a check")]
    Sweep {
        /// The name.
        sweep: String,
    },
    /// A table or figure that cannot be shown.
    #[error(transparent)]
    View(#[from] ViewError),
}

impl CheckError {
    /// Wraps an error of the theory: `.map_err(CheckError::theory)?`.
    pub fn theory(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Theory(error.into())
    }
}

//! Lemmas of mixture-of-experts learning theory and the checks that decide them.
//!
//! A [`Lemma`] is a row of the registry: a claim, its scope, the verdict on record, and a check. A check is a
//! pure function of a [`Run`]; it returns [`Findings`], and [`judge`] alone turns evidence and controls into a
//! [`Verdict`]. [`check`] does all of it and returns a [`Report`], a plain document that is the same on any
//! number of threads.

mod alignments;
mod axes;
mod check;
mod error;
mod evidence;
mod figure;
mod fits;
mod flows;
mod journal;
mod lemmas;
mod parameter;
mod quadrature;
mod registry;
mod report;
pub mod rigor;
mod run;
pub mod statistics;
pub mod symbolic;
mod table;
mod verdict;

pub use check::check;
pub use error::CheckError;
pub use evidence::{Control, Evidence, Inexact, Kind};
pub use figure::{Axis, Figure, Mark, Scale, ViewError};
pub use journal::JournalError;
pub use parameter::{Parameter, ParameterError, Range, Value};
pub use registry::{Lemma, find, lemmas};
pub use report::{ControlRecord, EvidenceRecord, Finding, FindingRecord, Findings, Report};
pub use run::{Effort, Observer, Run, Silent};
pub use statistics::Estimate;
pub use table::{Cell, Column, Table};
pub use verdict::{Label, Verdict, judge};

//! How an action ends.

use std::io::{self, Write};

use proofs_checks::{Label, Report};

/// The exit statuses, least serious first: of several, the greatest is the one of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// 0: completed.
    Completed,
    /// 3: no verdict where the ledger has one.
    Inconclusive,
    /// 1: a verdict differs from the ledger, or is refuted under `--strict`.
    Differs,
    /// 130: interrupted.
    Interrupted,
    /// 4: internal failure.
    Failed,
    /// 2: wrong usage or bad input.
    BadInput,
}

impl Status {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Completed => 0,
            Self::Differs => 1,
            Self::BadInput => 2,
            Self::Inconclusive => 3,
            Self::Failed => 4,
            Self::Interrupted => 130,
        }
    }

    /// What one report amounts to.
    pub(crate) fn of(report: &Report, strict: bool) -> Self {
        let missing = report.verdict == Label::Inconclusive;
        let differs = report.ledger.is_some_and(|ledger| ledger != report.verdict);
        if (differs && !missing) || (strict && report.verdict == Label::Refuted) {
            Self::Differs
        } else if differs {
            Self::Inconclusive
        } else {
            Self::Completed
        }
    }
}

/// Why an action ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage or bad input; nothing was written.
    Input(anyhow::Error),
    /// An internal failure or an I/O error after the start.
    Internal(anyhow::Error),
    /// Ctrl-C.
    Interrupted,
    /// Nobody reads stdout any more: the quiet end of `verify … | head`.
    ClosedPipe,
}

impl Failure {
    /// Bad input, told by one message.
    pub(crate) fn input(message: String) -> Self {
        Self::Input(anyhow::Error::msg(message))
    }

    /// Tells the user, and gives the status to exit with.
    pub(crate) fn report(&self) -> Status {
        match self {
            Self::Input(error) => {
                complain(&format!("{error:#}"));
                Status::BadInput
            }
            Self::Internal(error) => {
                complain(&format!("{error:#}"));
                Status::Failed
            }
            Self::Interrupted => {
                complain("interrupted");
                Status::Interrupted
            }
            Self::ClosedPipe => Status::Completed,
        }
    }
}

/// Writes an error line; when stderr is closed there is nobody to tell.
pub(crate) fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "error: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    #[test]
    fn the_order_of_statuses_is_the_documented_one() {
        let mut statuses = [
            Status::Completed,
            Status::Differs,
            Status::BadInput,
            Status::Inconclusive,
            Status::Failed,
            Status::Interrupted,
        ];
        statuses.sort();
        assert_eq!(statuses.map(Status::code), [0, 3, 1, 130, 4, 2]);
    }

    /// Every pair of verdict and ledger, without and with `--strict`.
    #[test]
    fn a_report_is_held_against_the_ledger() {
        use Label::{Inconclusive, Proved, Refuted, Supported};
        for (verdict, ledger, lenient, strict) in [
            (Supported, Some(Supported), 0, 0),
            (Refuted, Some(Refuted), 0, 1),
            (Proved, Some(Supported), 1, 1),
            (Supported, Some(Refuted), 1, 1),
            (Refuted, Some(Supported), 1, 1),
            (Inconclusive, Some(Supported), 3, 3),
            (Inconclusive, Some(Refuted), 3, 3),
            (Inconclusive, Some(Inconclusive), 0, 0),
            (Supported, Some(Inconclusive), 1, 1),
            (Inconclusive, None, 0, 0),
            (Supported, None, 0, 0),
            (Refuted, None, 0, 1),
        ] {
            let report = Report { verdict, ledger, ..example() };
            let codes = [false, true].map(|strict| Status::of(&report, strict).code());
            assert_eq!(codes, [lenient, strict], "{verdict} {ledger:?}");
        }
    }
}

//! Progress on stderr: only on a terminal, and only for work longer than a second.

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use proofs_checks::Observer;

use crate::interrupt::Interrupt;

const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(200);

/// One line about the check that is running.
#[derive(Debug)]
pub(crate) struct Progress {
    wanted: bool,
    interrupt: Interrupt,
    line: Mutex<Line>,
}

#[derive(Debug)]
struct Line {
    lemma: &'static str,
    bar: ProgressBar,
}

impl Progress {
    /// Nothing is shown before [`Progress::show`], nor ever when `quiet` or stderr is no terminal.
    pub(crate) fn new(quiet: bool, interrupt: Interrupt) -> Self {
        let line = Mutex::new(Line { lemma: "", bar: ProgressBar::hidden() });
        Self { wanted: !quiet && stderr().is_terminal(), interrupt, line }
    }

    /// A check begins; its line appears after a second.
    pub(crate) fn show(&self, lemma: &'static str) {
        if !self.wanted {
            return;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_style(style("{spinner} {msg} {elapsed}"));
        bar.set_message(lemma);
        *self.line() = Line { lemma, bar: bar.clone() };
        thread::spawn(move || {
            thread::sleep(PATIENCE);
            if !bar.is_finished() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
            }
        });
    }

    /// The check is over; its line goes away.
    pub(crate) fn hide(&self) {
        self.line().bar.finish_and_clear();
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn begin(&self, sweep: &str, units: usize, finished: usize) {
        let line = self.line();
        line.bar.set_style(style("{spinner} {msg} [{bar:30}] {pos}/{len}, {elapsed} so far, about {eta} to go"));
        line.bar.set_message(format!("{} {sweep}", line.lemma));
        line.bar.set_length(units as u64);
        line.bar.set_position(finished as u64);
        // Units from a journal took no time and must not enter the estimate.
        line.bar.reset_eta();
    }

    fn advance(&self) {
        self.line().bar.inc(1);
    }

    fn stop_requested(&self) -> bool {
        self.interrupt.requested()
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are literals of this file; a bad one would only cost the looks.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

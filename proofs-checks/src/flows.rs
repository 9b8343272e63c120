//! Flows that a run may interrupt.

use moe_theory::soft_routed::{Event, Flow, OrderParameters, Stop, Watch};

use crate::{CheckError, Run};

impl Run<'_> {
    /// [`Flow::run`] with the run as the monitor.
    ///
    /// # Errors
    /// Those of the flow, and the observer's wish to stop.
    pub(crate) fn follow(
        &self,
        flow: Flow<'_>,
        until: f64,
        watches: &[Watch],
        times: &[f64],
        on_time: impl FnMut(usize, OrderParameters),
        on_event: impl FnMut(Event, &OrderParameters) -> Stop,
    ) -> Result<(), CheckError> {
        let interrupted = |_: f64| self.proceed().is_err();
        let outcome = flow.monitor(&interrupted).run(until, watches, times, on_time, on_event);
        self.proceed()?;
        outcome.map(|_| ()).map_err(CheckError::theory)
    }

    /// [`Flow::first_passage`] likewise.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn first_passage(&self, flow: Flow<'_>, watch: Watch, until: f64) -> Result<Option<Event>, CheckError> {
        let interrupted = |_: f64| self.proceed().is_err();
        let passage = flow.monitor(&interrupted).first_passage(watch, until);
        self.proceed()?;
        passage.map_err(CheckError::theory)
    }
}

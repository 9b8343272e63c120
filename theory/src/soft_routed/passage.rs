//! The first passage of a watched overlap: what alignment times are measured by.

use super::crossings::{Event, Watch};
use super::flow::{Flow, FlowError, Stop};

impl Flow<'_> {
    /// Flows until some overlap of `watch` crosses its level, at most to `until`. `None` where none does.
    ///
    /// # Errors
    /// As [`Flow::run`].
    pub fn first_passage(&self, watch: Watch, until: f64) -> Result<Option<Event>, FlowError> {
        let mut first = None;
        self.run(
            until,
            &[watch],
            &[],
            |_, _| {},
            |event, _| {
                first = Some(event);
                Stop::Yes
            },
        )?;
        Ok(first)
    }
}

//! Which student learns which teacher, and when, along one flow.

use moe_theory::soft_routed::{Flow, Method, OrderParameters, Start, Stop, Watch};
use serde::{Deserialize, Serialize};

use crate::{CheckError, Run};

/// Time up to which the explicit method is cheaper than the implicit one.
const EXPLICIT: f64 = 500.0;

/// The alignments of one flow, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alignments {
    /// Time, student and teacher where an expert overlap reached ½ upwards.
    pub(crate) halves: Vec<(f64, usize, usize)>,
    /// The same for 0.9.
    pub(crate) learned: Vec<(f64, usize, usize)>,
}

impl Alignments {
    /// Along the flow from `start` to `until`, at the local tolerance `tolerance`; with the state there.
    ///
    /// # Errors
    /// Those of the flow, and the observer's wish to stop.
    pub(crate) fn follow(
        run: &Run<'_>,
        start: &Start,
        tolerance: f64,
        until: f64,
    ) -> Result<(Self, OrderParameters), CheckError> {
        let (mut found, mut end) = (Self::default(), start.order_parameters());
        let method = if until <= EXPLICIT { Method::Explicit } else { Method::Implicit };
        run.follow(
            Flow::new(start).method(method).tolerance(tolerance),
            until,
            &[Watch::Expert(0.5), Watch::Expert(0.9)],
            &[until],
            |_, state| end = state,
            |event, _| {
                let list = if event.watch == 0 { &mut found.halves } else { &mut found.learned };
                list.push((event.time, event.student, event.other));
                Stop::No
            },
        )?;
        Ok((found, end))
    }

    /// Time of the first overlap of ½.
    pub(crate) fn first(&self) -> Option<f64> {
        self.halves.first().map(|first| first.0)
    }

    /// Number of different teachers that some expert overlapped by 0.9.
    pub(crate) fn teachers(&self) -> usize {
        let mut teachers: Vec<usize> = self.learned.iter().map(|event| event.2).collect();
        teachers.sort_unstable();
        teachers.dedup();
        teachers.len()
    }

    /// Whether other pairs align, or in another order, or the first one at a time that is off by more than the factor `1 + slack`.
    pub(crate) fn differs(&self, other: &Self, slack: f64) -> bool {
        let pairs = |of: &Self| of.halves.iter().map(|event| (event.1, event.2)).collect::<Vec<_>>();
        let late = match (self.first(), other.first()) {
            (Some(a), Some(b)) => (a / b).ln().abs() > slack.ln_1p(),
            (None, None) => false,
            _ => true,
        };
        late || pairs(self) != pairs(other)
    }
}

/// Whether every teacher has a student of its own: teachers and students being matched greedily, every matched overlap is at least `least·d^{−1/2}`, and every other overlap of its teacher and of its student among the
/// unmatched is at most `rival` times it.
pub(crate) fn is_matched(start: &Start, least: f64, rival: f64) -> bool {
    let state = start.order_parameters();
    let least = least / (start.dimension as f64).sqrt();
    let (mut students, mut teachers) = (vec![true; state.students()], vec![true; state.teachers()]);
    for _ in 0..state.teachers() {
        let open: Vec<_> = state.pairs().filter(|(i, j, _)| students[*i] && teachers[*j]).collect();
        let Some(&(i, j, best)) = open.iter().max_by(|a, b| a.2.total_cmp(&b.2)) else { return false };
        let close = |&&(k, l, overlap): &&(usize, usize, f64)| (k == i) != (l == j) && overlap > rival * best;
        if best < least || open.iter().any(|pair| close(&pair)) {
            return false;
        }
        (students[i], teachers[j]) = (false, false);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_differ_by_pair_order_or_time() {
        let of = |halves: &[(f64, usize, usize)]| Alignments { halves: halves.to_vec(), learned: halves.to_vec() };
        let base = of(&[(10.0, 0, 1), (20.0, 2, 0)]);
        assert!(!base.differs(&of(&[(10.5, 0, 1), (30.0, 2, 0)]), 0.1));
        assert!(base.differs(&of(&[(11.5, 0, 1), (20.0, 2, 0)]), 0.1));
        assert!(base.differs(&of(&[(10.0, 2, 0), (20.0, 0, 1)]), 0.1));
        assert!(base.differs(&of(&[(10.0, 0, 1)]), 0.1) && base.differs(&of(&[]), 0.1));
        assert!(!of(&[]).differs(&of(&[]), 0.1));
        assert_eq!(of(&[(1.0, 0, 1), (2.0, 3, 1)]).teachers(), 1);
    }
}

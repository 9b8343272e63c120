//! How a training ends, and when two of them end otherwise in the sense of the claim.

use moe_theory::soft_routed::OrderParameters;
use serde::{Deserialize, Serialize};

use crate::alignments::Alignments;

/// What a first alignment may be off by, and a loss.
pub(super) const SLACK: f64 = 0.1;
/// A loss below which everything is learned; what is left of it is decay, and rounding.
const LEARNED: f64 = 1e-6;

/// Which student learned which teacher, and what is left at the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ending {
    pub(super) alignments: Alignments,
    /// The loss at the end.
    loss: f64,
    /// `1 − κ` at the end of the first pair to learn each teacher, in the order of time.
    errors: Vec<f64>,
}

impl Ending {
    pub(super) fn new(alignments: Alignments, end: &OrderParameters) -> Self {
        let first = |&(k, event): &(usize, &(f64, usize, usize))| {
            alignments.learned[..k].iter().all(|earlier| earlier.2 != event.2)
        };
        let learned = alignments.learned.iter().enumerate().filter(first);
        let errors = learned.map(|(_, &(_, i, j))| 1.0 - end.expert(i, j)).collect();
        Self { alignments, loss: end.loss, errors }
    }

    /// Whether `other`, without `v ⟂ w`, ends otherwise.
    pub(super) fn is_otherwise(&self, other: &Self) -> bool {
        self.alignments.differs(&other.alignments, SLACK) || self.fewer_teachers(other) || self.larger_loss(other)
    }

    pub(super) fn fewer_teachers(&self, other: &Self) -> bool {
        other.alignments.teachers() < self.alignments.teachers()
    }

    pub(super) fn larger_loss(&self, other: &Self) -> bool {
        other.loss > (1.0 + SLACK) * self.loss.max(LEARNED)
    }

    /// The largest factor by which `1 − κ` differs between the pairs of two trainings, first with first and second with second; without those that rounding (`10⁻¹⁵`) reaches.
    pub(super) fn error_factor(&self, other: &Self) -> Option<f64> {
        let pairs = self.errors.iter().zip(&other.errors).filter(|(a, b)| a.min(**b) > 1e-14);
        pairs.map(|(a, b)| (a / b).max(b / a)).reduce(f64::max)
    }
}

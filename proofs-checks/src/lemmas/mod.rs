//! The lemmas, one file each; a file exports its row as `LEMMA`.

mod fine_tuning_rate;
mod finite_batch_sgd;
mod hermite_coefficients;
mod phase_transition;
mod population_loss;
mod student_overlap;

use crate::Lemma;

/// The rows of the registry, in the order in which they are listed.
pub(crate) static LEMMAS: &[Lemma] = &[
    population_loss::LEMMA,
    phase_transition::LEMMA,
    student_overlap::LEMMA,
    hermite_coefficients::LEMMA,
    fine_tuning_rate::LEMMA,
    finite_batch_sgd::LEMMA,
];

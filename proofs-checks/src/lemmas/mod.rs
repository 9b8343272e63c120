//! The lemmas, one file each; a file exports its row as `LEMMA`.

mod fine_tuning_rate;
mod hermite_coefficients;
mod initialisation_perturbation;
mod orthogonal_initialisation;
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
    orthogonal_initialisation::LEMMA,
    initialisation_perturbation::LEMMA,
];

//! The lemmas, one file each; a file exports its row as `LEMMA`.

mod correlated_inputs;
mod fine_tuning_rate;
mod hermite_coefficients;
mod information_exponent;
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
    correlated_inputs::LEMMA,
    information_exponent::LEMMA,
];

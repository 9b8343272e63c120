//! The lemmas, one file each; a file exports its row as `LEMMA`.

mod algebraic_independence;
mod correlated_inputs;
mod failure_signatures;
mod fine_tuning_rate;
mod finite_batch_sgd;
mod flat_families;
mod guided_router;
mod heavy_tails;
mod hermite_coefficients;
mod hierarchical_rates;
mod hierarchical_slowdown;
mod information_exponent;
mod initialisation_perturbation;
mod linear_expert_pde;
mod linear_expert_slowdown;
mod local_minima;
mod minimisers;
mod misspecified_regression;
mod mixtures;
mod orthogonal_initialisation;
mod over_parameterisation;
mod phase_transition;
mod plain_gate;
mod population_loss;
mod pruning;
mod recovery_accuracy;
mod regression_rate;
mod router_dependence;
mod sequential_recovery;
mod stacked_layers;
mod strong_identifiability;
mod student_overlap;
mod temperature_pde;
mod temperature_rates;
mod temperature_slowdown;
mod voronoi_rates;

use crate::Lemma;

/// The rows of the registry, in the order in which they are listed.
pub(crate) static LEMMAS: &[Lemma] = &[
    population_loss::LEMMA,
    phase_transition::LEMMA,
    student_overlap::LEMMA,
    sequential_recovery::LEMMA,
    guided_router::LEMMA,
    recovery_accuracy::LEMMA,
    over_parameterisation::LEMMA,
    pruning::LEMMA,
    fine_tuning_rate::LEMMA,
    hermite_coefficients::LEMMA,
    orthogonal_initialisation::LEMMA,
    initialisation_perturbation::LEMMA,
    finite_batch_sgd::LEMMA,
    correlated_inputs::LEMMA,
    failure_signatures::LEMMA,
    information_exponent::LEMMA,
    router_dependence::LEMMA,
    strong_identifiability::LEMMA,
    linear_expert_pde::LEMMA,
    temperature_pde::LEMMA,
    algebraic_independence::LEMMA,
    flat_families::LEMMA,
    regression_rate::LEMMA,
    voronoi_rates::LEMMA,
    linear_expert_slowdown::LEMMA,
    temperature_slowdown::LEMMA,
    temperature_rates::LEMMA,
    hierarchical_rates::LEMMA,
    hierarchical_slowdown::LEMMA,
    misspecified_regression::LEMMA,
    local_minima::LEMMA,
    stacked_layers::LEMMA,
    heavy_tails::LEMMA,
];

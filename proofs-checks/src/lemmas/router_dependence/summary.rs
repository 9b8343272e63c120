//! What depends on the sigmoid: the lemmas of the paper by router.

use moe_kernels::Router;
use moe_theory::soft_routed::{Bisector, EffectiveSgd};

use super::super::fine_tuning_rate::Spectrum;
use super::law::phi;
use super::others::own_rate;
use crate::{Column, Table};

/// One row a lemma: the law's constant with each router, its exponent, or its words, none of them a result; and where this lemma holds it against flows.
pub(super) fn table() -> Table {
    let heads = ["lemma", "what", "sigmoid", "Gaussian CDF", "tanh", "judged in"];
    let mut table = Table::new("sigmoid", heads.map(|head| Column::new(head, "")));
    let routers = [Router::Sigmoid, Router::GaussianCdf, Router::Tanh];
    let numbers = |of: &dyn Fn(Router) -> f64| routers.map(|router| format!("{:.4}", of(router)));
    let square = |router: Router, n: usize| router.hermite().value(n).powi(2);
    let zeroth = |of: &dyn Fn(Router) -> f64, tanh: &str| {
        let [sigmoid, gaussian, _] = numbers(of);
        [sigmoid, gaussian, tanh.to_string()]
    };
    let words = |words: [&str; 3]| words.map(String::from);
    let waking = |router: Router| 72.0 * square(router, 0).powi(2) / phi(router, 0);
    let floor = |router: Router| 0.5 * (square(router, 0) / phi(router, 0)).powi(2);
    let rows: [(&str, &str, [String; 3], &str); 20] = [
        (
            "population-loss",
            "the sum over contractions, with the router's A_n",
            words(["same", "same", "same"]),
            "evidence (spectra)",
        ),
        ("phase-transition", "rate 18A_0² of κ²: T ∝ √d", zeroth(&|r| 18.0 * square(r, 0), "0: T ∝ d"), "evidence"),
        (
            "student-overlap",
            "rate 36A_0² of students that repel",
            zeroth(&|r| 36.0 * square(r, 0), "∝ d"),
            "students repel",
        ),
        (
            "sequential-recovery",
            "order by greedy deflation",
            words(["the law", "the law", "by times of four overlaps at d = 10⁶; at 10³ pairs are trapped"]),
            "order of recovery (two findings)",
        ),
        (
            "guided-router",
            "6A_1², after the expert",
            zeroth(&|r| 6.0 * square(r, 1), "together with the expert"),
            "evidence",
        ),
        (
            "recovery-accuracy",
            "(1 − κ)/u⁴ beside a dormant student: ∝ d^(−2)",
            zeroth(&floor, "∝ d^(−3), κ and β"),
            "accuracy (two findings)",
        ),
        (
            "over-parameterisation",
            "2m* + 4 students reach all, by greedy matching",
            words(["the law", "the law", "the law at d = 10⁶; at 10³ pairs are trapped"]),
            "how many students (three findings)",
        ),
        ("pruning", "gap 6Φ_00(1)", numbers(&|r| 6.0 * phi(r, 0)), "what an expert is worth"),
        (
            "pruning",
            "waking after 1/(cu²), c = 72A_0⁴/Φ_00(1): window √d to d",
            zeroth(&waking, "window d to d²"),
            "the window",
        ),
        (
            "fine-tuning-rate",
            "2·6Φ_11(1)",
            numbers(&|r| 2.0 * Spectrum::at(r, 3).slowest()),
            "evidence (spectra), the rate",
        ),
        ("fine-tuning-rate", "signs of overlaps of 0.3 that suffice", words(["κ > 0", "κ > 0", "κβ > 0"]), "the basin"),
        (
            "hermite-coefficients",
            "enclosures of A_n",
            words([
                "its certificate",
                "a certificate of its own: closed forms",
                "a certificate of its own: poles at ±iπ/2",
            ]),
            "",
        ),
        ("orthogonal-initialisation", "36E(π²)'': decay of v·w", numbers(&own_rate), "v·w by itself"),
        (
            "initialisation-perturbation",
            "v·w = s: law after the turn",
            words(["κ", "κ", "all four overlaps"]),
            "v·w = ½",
        ),
        (
            "initialisation-perturbation",
            "raw norms: factor of the time",
            words(["‖w‖²", "‖w‖²", "‖w‖³‖v‖, of overlaps times norms"]),
            "raw norms",
        ),
        (
            "initialisation-perturbation",
            "two teachers' bisector, router on it: stable from",
            numbers(&|r| Bisector::new(r).threshold()),
            "two teachers' bisector",
        ),
        (
            "finite-batch-sgd",
            "σ_w² of one student and teacher",
            numbers(&|r| EffectiveSgd::noise_variance(r, 1, 1)),
            "the noise of SGD",
        ),
        (
            "finite-batch-sgd",
            "times by the effective equation",
            words(["the law", "the law", "of four overlaps and both norms"]),
            "times of SGD (two findings)",
        ),
        (
            "correlated-inputs",
            "18Φ_00(1): decay under a spike along the expert",
            numbers(&|r| 18.0 * phi(r, 0)),
            "spikes, Toeplitz",
        ),
        (
            "failure-signatures",
            "largest stable step 2/λ",
            numbers(&|r| 2.0 / Spectrum::at(r, 3).largest()),
            "the largest stable step",
        ),
    ];
    for (lemma, what, [sigmoid, gaussian, tanh], place) in rows {
        table.push([lemma.into(), what.into(), sigmoid.into(), gaussian.into(), tanh.into(), place.into()]);
    }
    table
}

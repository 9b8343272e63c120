//! Between two teachers whose experts overlap, with routers other than the sigmoid.
//!
//! # The thresholds with the router's own constants
//!
//! The derivation of theory's `Bisector` knows a router by its `Φ` alone. Before the router follows, the student's place is that of `Σκ³`, whatever `A_0 ≠ 0`: the bisector is left below an overlap of 1/3. Once it has followed it is stable from `(1+q)/(3+q)` on, `q = (3/2)Φ_11²/(Φ_00(Φ_11/√2 − Φ_22/2))` at `1/√2`: with Gaussian distribution functions, `Φ_11 = 1/(2π√(4−ρ²))` and
//! `Φ_22 = ρ/(2π(4−ρ²)^{3/2})`, `q = 0.6847` and the threshold 0.4572; the sigmoid has 0.4026. With tanh routers, which hold more of `Φ` in `β`, `q = 4.164` and 0.7208, for a student whose router is on the bisector; there is no "before", `Φ_00(0) = 0`. That nothing outside the plane of angles is unstable is not derived; the root is of the whole Hessian.
//!
//! # Where the bounds come from
//!
//! As in `initialisation-perturbation`: errors of `10⁻⁶`, `10⁻⁴` accepted, thresholds apart by 0.05 and more.

use moe_kernels::Router;
use moe_theory::soft_routed::Bisector;
use serde_json::json;

use super::super::initialisation_perturbation::{root, threshold};
use crate::{Control, Evidence, Finding};

pub(super) fn finding() -> Finding {
    let [sigmoid, gaussian, tanh] = [Router::Sigmoid, Router::GaussianCdf, Router::Tanh].map(Bisector::new);
    let named = |root: f64, name: &str, followed: bool, accepted: f64, whose: &str| {
        threshold(root, followed, accepted, &format!("{accepted:.5}, {whose}; {name} routers"))
    };
    let [before, after, of_tanh] = [root(&gaussian, false), root(&gaussian, true), root(&tanh, true)];
    let items = [
        named(before, "Gaussian-CDF", false, 1.0 / 3.0, "1/3"),
        named(after, "Gaussian-CDF", true, gaussian.threshold(), "(1+q)/(3+q) with its own Φ"),
        named(of_tanh, "tanh", true, tanh.threshold(), "(1+q)/(3+q) with its own Φ"),
    ];
    let twins = [
        named(before, "Gaussian-CDF", false, gaussian.threshold(), "that of a router that has followed"),
        named(after, "Gaussian-CDF", true, sigmoid.threshold(), "the sigmoid's"),
        named(of_tanh, "tanh", true, sigmoid.threshold(), "the sigmoid's"),
    ];
    let witness = json!({ "intervals": items.iter().map(Evidence::interval).collect::<Vec<_>>(), "of the twins": twins.iter().map(Evidence::interval).collect::<Vec<_>>() });
    Finding::judged(
        "two teachers' bisector with other routers",
        "before the router follows it is stable from an overlap of 1/3 on, with Gaussian-CDF routers too; once it has followed from 0.4572 on, with tanh routers from 0.7208",
        &items,
        &twins.map(Control::from),
        witness,
    )
}

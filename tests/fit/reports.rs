//! What is said beside the parameters: distances to the truth and warnings.

use super::sample::{csv, disturbance, point, tanh_data};
use super::{fit, json, keys, number};

/// A distance that overflows is left out, and the report says so.
#[test]
fn a_distance_beyond_all_numbers_is_left_out() {
    let atom = |a: f64| format!("{{ omega = [0.0], beta = 709.7, a = [{a:?}], b = 0.0 }}");
    let spec = format!("expert = 'tanh'\nexperts = 1\ntruth = [{}, {}, {}]", atom(1.0), atom(2.0), atom(3.0));
    let spec = &spec[..];
    assert!(json(spec, &tanh_data(50, 1.0))["voronoi"].is_null());
    let report = fit(spec, &tanh_data(50, 1.0), &[], 0, "");
    assert!(report.contains("Voronoi loss to the truth: none, the loss is larger than any number\n"), "{report}");
}

/// A linear router identifies (ω/τ, β/τ) alone, ReLU with positive factors too: another point of the family has the distance zero by it, and another one by its own parameters.
#[test]
fn quotients_of_routers_with_flat_scales_are_compared() {
    let spec = |router: &str, scale: f64| {
        let atoms = |scale: f64| {
            format!(
                "[{{ omega = [{}], beta = {}, a = [3.0], b = -0.5 }}, {{ omega = [0.0], beta = 0.0, a = [-2.0], b = 1.0 }}]",
                2.0 * scale,
                0.3 * scale
            )
        };
        format!(
            "gate = 'dense-to-sparse'\nrouter = '{router}'\nexpert = 'tanh'\nexperts = 2\nstart = {{ tau = {scale}, atoms = {} }}\ntruth = {{ tau = 1.0, atoms = {} }}",
            atoms(scale),
            atoms(1.0)
        )
    };
    let document = json(&spec("linear", 1.5), &tanh_data(300, 0.0));
    assert!(number(&document["voronoi"]["L1"]) > 0.1, "{document}");
    assert!(number(&document["voronoi"]["quotient"]["L1"]) < 1e-6, "{document}");
    let document = json(&spec("tanh", 1.0), &tanh_data(300, 0.0));
    assert_eq!(keys(&document["voronoi"]), ["L1", "cells"]);
}

/// What the report for people says beside the numbers.
#[test]
fn reports_warn() {
    let data = tanh_data(200, 1.0);
    let narrow = "expert = 'tanh'\nexperts = 1\nbox = { b = [-0.5, 0.5] }";
    let report = fit(narrow, &data, &[], 0, "");
    assert!(report.contains("warning: atoms[0].b is at its upper bound 0.5\n"), "{report}");
    assert!(report.contains("16 random starts; 16 reached this objective"), "{report}");
    // In a box of raw units the slope of a constant column is not held, and the intercept can take it over.
    let flat = "expert = 'linear'\nexperts = 1\nbox = { a = [-9, 9], b = [-90, 90] }";
    let data = csv("x1,x2,y", (0..100).map(|i| vec![point(i, 0), 3.0, point(i, 0) + disturbance(i)]));
    let report = fit(flat, &data, &["--format", "markdown"], 0, "");
    assert!(report.contains("warning: not identified: "), "{report}");
    assert!(report.contains("| omega, x1 | "), "{report}");
    let document = json(flat, &data);
    let warnings = document["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| warning.as_str().unwrap().starts_with("not identified: ")), "{document}");
    assert!(number(&document["conditioning"]).abs() < 1e-10, "{document}");
}

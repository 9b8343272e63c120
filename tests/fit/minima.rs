//! What a fit finds: a known mixture, the normal equations of a regression, constants, and its own print as a start; points where derivatives vanish are not the end.

use std::fs;

use serde_json::Value;

use super::sample::{TRUTH, csv, disturbance, point, tanh_data};
use super::{fit, json, keys, number, text, toml, verify};

/// `(ω, β, a, b)` of the two atoms of a fit, the one with the larger `a` pinned last to first.
fn assert_is_truth(document: &Value, tolerance: f64) {
    let atoms = &document["parameters"]["atoms"];
    let at = |i: usize, key: &str| match &atoms[i][key] {
        Value::Array(slopes) => number(&slopes[0]),
        value => number(value),
    };
    let first = if at(0, "a") > 0.0 { 0 } else { 1 };
    let last = 1 - first;
    // Whichever atom is pinned: only differences of the gate count.
    for (found, expected) in [
        (at(first, "omega") - at(last, "omega"), 2.0),
        (at(first, "beta") - at(last, "beta"), 0.3),
        (at(first, "a"), 3.0),
        (at(first, "b"), -0.5),
        (at(last, "a"), -2.0),
        (at(last, "b"), 1.0),
    ] {
        assert!((found - expected).abs() < tolerance, "{found} for {expected}: {document}");
    }
}

/// A known mixture is found from random starts on data without noise, and compared with itself.
#[test]
fn a_known_mixture_is_found_again() {
    let data = tanh_data(500, 0.0);
    let document = json(&format!("expert = 'tanh'\nexperts = 2\nstarts = 64\ntruth = {TRUTH}"), &data);
    let expected = [
        "conditioning",
        "converged",
        "evaluations",
        "iterations",
        "n",
        "objective",
        "parameters",
        "reason",
        "starts",
        "voronoi",
        "warnings",
    ];
    assert_eq!(keys(&document), expected);
    let starts = &document["starts"];
    assert_eq!(starts["random"], 64);
    assert!((1..=64).contains(&starts["reached"].as_u64().unwrap()), "{starts}");
    assert_eq!((&document["n"], &document["converged"]), (&500.into(), &true.into()));
    assert_eq!(keys(&document["parameters"]), ["atoms"]);
    assert_eq!(keys(&document["parameters"]["atoms"][0]), ["a", "b", "beta", "omega"]);
    assert_eq!(document["parameters"]["atoms"][1]["omega"], serde_json::json!([0.0]));
    assert_eq!(number(&document["parameters"]["atoms"][1]["beta"]), 0.0);
    assert_is_truth(&document, 1e-6);
    assert!(number(&document["objective"]) < 1e-16);
    assert_eq!(keys(&document["voronoi"]), ["L1", "cells"]);
    assert!(number(&document["voronoi"]["L1"]) < 1e-5);
    let cells = &document["voronoi"]["cells"];
    assert!(cells == &serde_json::json!([[0], [1]]) || cells == &serde_json::json!([[1], [0]]), "{cells}");
    // Without a truth there is no distance.
    let document = json(&format!("expert = 'tanh'\nexperts = 2\nstart = {TRUTH}"), &data);
    assert!(document["voronoi"].is_null());
    assert_is_truth(&document, 1e-12);
}

/// What a fit prints is a start: from there, the same objective at once, for every gate and with outer weights.
#[test]
fn a_printed_fit_is_a_start() {
    let data = tanh_data(300, 1.0);
    for (class, shape) in [
        ("expert = 'tanh'\nexperts = 2", ["atoms"].as_slice()),
        ("expert = 'sigmoid'\nexperts = 2\nouter_weight = true", &["atoms"]),
        ("gate = 'dense-to-sparse'\nrouter = 'tanh'\nexpert = 'tanh'\nexperts = 2", &["atoms", "tau"]),
        ("gate = 'hierarchical'\ngroups = 2\nexperts = 1\nexpert = 'tanh'", &["groups"]),
        ("expert = 'polynomial'\ndegree = 2\nexperts = 2\nbox = { omega = [-5, 5], b = [0, 4] }", &["atoms"]),
    ] {
        let first = json(&format!("starts = 5\nseed = 2\n{class}"), &data);
        assert_eq!(keys(&first["parameters"]), shape);
        let mut spec = serde_json::to_value(toml(class)).unwrap();
        spec["start"] = first["parameters"].clone();
        spec["truth"] = first["parameters"].clone();
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("spec.json"), spec.to_string()).unwrap();
        fs::write(directory.path().join("data.csv"), &data).unwrap();
        let arguments = ["fit", "spec.json", "--data", "data.csv", "--format", "json"];
        let output = verify(directory.path(), &arguments);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{class}");
        let second: Value = serde_json::from_str(text(&output.stdout)).unwrap();
        let (first, second_objective) = (number(&first["objective"]), number(&second["objective"]));
        // The rounding of the units apart, a start can only get better, and a minimum not by more than what the tolerance left.
        assert!(second_objective <= first * (1.0 + 1e-12), "{class}: {first} {second_objective}");
        assert!(second_objective >= first * (1.0 - 1e-9), "{class}: {first} {second_objective}");
        assert!(number(&second["voronoi"]["L1"]) < 1e-3, "{class}: {second}");
    }
}

/// One linear expert is the linear regression, whatever the units: against the normal equations of centred columns.
#[test]
fn one_linear_expert_is_the_regression() {
    let rows = 400;
    let inputs = |i: usize| [point(i, 0), 250.0 + 20.0 * point(i, 1), 0.01 * point(i, 2)];
    let response = |i: usize| {
        let [x, y, z] = inputs(i);
        2.0 - x + 0.5 * y + 30.0 * z + 20.0 * disturbance(i)
    };
    let data = csv("x1,x2,x3,y", (0..rows).map(|i| inputs(i).into_iter().chain([response(i)]).collect()));
    let document = json("expert = 'linear'\nexperts = 1", &data);

    let mean = |of: &dyn Fn(usize) -> f64| (0..rows).map(of).sum::<f64>() / rows as f64;
    let means = [0, 1, 2].map(|u| mean(&|i| inputs(i)[u]));
    let level = mean(&response);
    let mut system = [[0.0; 4]; 3];
    for u in 0..3 {
        for v in 0..3 {
            system[u][v] = mean(&|i| (inputs(i)[u] - means[u]) * (inputs(i)[v] - means[v]));
        }
        system[u][3] = mean(&|i| (inputs(i)[u] - means[u]) * (response(i) - level));
    }
    // Gauss–Jordan without pivoting: the columns are nearly orthogonal.
    for u in 0..3 {
        let pivot = system[u];
        for v in (0..3).filter(|v| *v != u) {
            let share = system[v][u] / pivot[u];
            (0..4).for_each(|w| system[v][w] -= share * pivot[w]);
        }
    }
    let slopes = [0, 1, 2].map(|u| system[u][3] / system[u][u]);
    let intercept = level - (0..3).map(|u| slopes[u] * means[u]).sum::<f64>();
    let squares = mean(&|i| (response(i) - intercept - (0..3).map(|u| slopes[u] * inputs(i)[u]).sum::<f64>()).powi(2));
    let atom = &document["parameters"]["atoms"][0];
    for u in 0..3 {
        assert!((number(&atom["a"][u]) / slopes[u] - 1.0).abs() < 1e-10, "{atom} {slopes:?}");
    }
    // An intercept is a difference of numbers of the size of a·mean.
    assert!((number(&atom["b"]) - intercept).abs() < 1e-10 * (slopes[1] * means[1]).abs(), "{atom} {intercept}");
    assert!((number(&document["objective"]) / squares - 1.0).abs() < 1e-10);
}

/// A constant response is met where the class has constants; a constant column has no slope and is said to be constant.
#[test]
fn constants_are_met() {
    let rows = |constant: f64| csv("x1,x2,y", (0..100).map(|i| vec![point(i, 0), constant, 7.25]));
    for spec in [
        "expert = 'linear'\nexperts = 2",
        "expert = 'sigmoid'\nexperts = 1\nouter_weight = true",
        "expert = 'polynomial'\ndegree = 2\nexperts = 1",
        "expert = 'gelu'\nexperts = 1",
    ] {
        let document = json(spec, &rows(3.0));
        assert!(number(&document["objective"]) < 1e-20, "{spec}: {document}");
        assert_eq!(number(&document["parameters"]["atoms"][0]["a"][1]), 0.0);
        let report = fit(spec, &rows(3.0), &[], 0, "");
        assert!(report.contains("warning: column x2 is constant: its slopes are not identified"), "{report}");
    }
    // A start may have a slope there: the intercept takes it over.
    let start = "expert = 'linear'\nexperts = 1\nstart = [{ a = [0.0, 2.0], b = 1.25 }]";
    let document = json(start, &rows(3.0));
    assert_eq!(document["parameters"]["atoms"][0]["b"], 7.25);
    assert_eq!(number(&document["objective"]), 0.0);
}

/// Starts at which gradient and Hessian vanish, a ReLU that is dead or at its kink and a cube at its inflection: none of them is a minimum, and a fit that starts there ends where one that starts elsewhere does.
#[test]
fn points_that_derivatives_do_not_see_are_left() {
    let cube = csv("x1,y", (0..200).map(|i| vec![point(i, 0), (1.0 + point(i, 0)).powi(3) + disturbance(i)]));
    let hinge = csv("x1,y", (0..200).map(|i| vec![point(i, 0), (2.0 * point(i, 0) + 1.0).max(0.0) + disturbance(i)]));
    for (expert, data, starts) in [
        ("expert = 'polynomial'\ndegree = 3", &cube, ["0.0, 0.0", "0.5, 0.5"]),
        ("expert = 'relu'", &hinge, ["0.0, 0.0", "1.0, 0.5"]),
        ("expert = 'relu'", &hinge, ["0.0, -1.0", "1.0, 0.5"]),
    ] {
        let [from_there, from_elsewhere] = starts.map(|start| {
            let [a, b] = [0, 1].map(|i| start.split(", ").nth(i).unwrap());
            let document = json(&format!("{expert}\nexperts = 1\nstart = [{{ a = [{a}], b = {b} }}]"), data);
            number(&document["objective"])
        });
        assert!((from_there / from_elsewhere - 1.0).abs() < 1e-6, "{expert}: {from_there} {from_elsewhere}");
    }
}

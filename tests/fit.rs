//! `verify fit` as scripts see it: the documented JSON, known mixtures found again, units, and every kind of bad data and spec.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

const TRUTH: &str = "[{ omega = [2.0], beta = 0.3, a = [3.0], b = -0.5 }, { a = [-2.0], b = 1.0 }]";

fn verify(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(cargo_bin!("verify")).args(arguments).current_dir(directory).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The output of a fit with status and stderr checked.
fn fit(spec: &str, data: &str, options: &[&str], status: i32, complaint: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("spec.toml"), spec).unwrap();
    fs::write(directory.path().join("data.csv"), data).unwrap();
    let output = verify(directory.path(), &[&["fit", "spec.toml", "--data", "data.csv"], options].concat());
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(status), complaint), "{spec}");
    text(&output.stdout).to_string()
}

fn json(spec: &str, data: &str) -> Value {
    serde_json::from_str(&fit(spec, data, &["--format", "json"], 0, "")).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Point `i` of a sequence that fills [−3, 3] evenly, another one for each `u`.
fn point(i: usize, u: usize) -> f64 {
    6.0 * ((i + 1) as f64 * [0.618_033_988_749_894_9, 0.414_213_562_373_095_1, 0.732_050_807_568_877_2][u]).fract()
        - 3.0
}

/// Rows as CSV; numbers in the shortest form that parses back.
fn csv(header: &str, rows: impl Iterator<Item = Vec<f64>>) -> String {
    rows.fold(format!("{header}\n"), |mut text, row| {
        let numbers: Vec<String> = row.iter().map(f64::to_string).collect();
        writeln!(text, "{}", numbers.join(",")).unwrap();
        text
    })
}

/// The mixture of [`TRUTH`] with tanh experts.
fn mixture(x: f64) -> f64 {
    let weight = (2.0 * x + 0.3).exp();
    (weight * (3.0 * x - 0.5).tanh() + (1.0 - 2.0 * x).tanh()) / (weight + 1.0)
}

/// Something that is no noise but is not explained by a few atoms.
fn disturbance(i: usize) -> f64 {
    0.05 * (997.0 * i as f64).sin()
}

fn tanh_data(rows: usize, noise: f64) -> String {
    csv("x1,y", (0..rows).map(|i| vec![point(i, 0), mixture(point(i, 0)) + noise * disturbance(i)]))
}

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

/// The few lines of a spec as JSON would have them.
fn toml(text: &str) -> serde_json::Map<String, Value> {
    text.lines()
        .map(|line| {
            let (key, value) = line.split_once(" = ").unwrap();
            let value = value.replace('\'', "\"");
            // An inline table of arrays differs by its equality signs and bare keys.
            let value =
                ["omega", "b"].iter().fold(value, |v, key| v.replace(&format!(" {key} ="), &format!(" \"{key}\":")));
            (key.into(), serde_json::from_str(&value).unwrap())
        })
        .collect()
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

/// Inputs in other units, columns in another order: the same objective, parameters in these units.
#[test]
fn units_and_the_order_of_columns_do_not_matter() {
    let spec = |start: &str| format!("expert = 'tanh'\nexperts = 2\nstart = {start}");
    let plain = json(&spec(TRUTH), &tanh_data(500, 1.0));
    // x = 50000 + 1000 t.
    let start = "[{ omega = [0.002], beta = -99.7, a = [0.003], b = -150.5 }, { a = [-0.002], b = 101.0 }]";
    let other = (0..500).map(|i| vec![mixture(point(i, 0)) + disturbance(i), 5e4 + 1000.0 * point(i, 0)]);
    let other = json(&spec(start), &csv("y,x1", other));
    assert!((number(&plain["objective"]) / number(&other["objective"]) - 1.0).abs() < 1e-9);
    for i in 0..2 {
        let [one, two] = [&plain, &other].map(|document| &document["parameters"]["atoms"][i]);
        for (slope, intercept) in [("omega", "beta"), ("a", "b")] {
            let (slopes, intercepts) =
                ([&one[slope][0], &two[slope][0]].map(number), [&one[intercept], &two[intercept]].map(number));
            // Minima are flat: the objective within 1e-12 fixes parameters within 1e-6.
            assert!((slopes[0] - 1000.0 * slopes[1]).abs() < 1e-4, "{plain} {other}");
            assert!((intercepts[0] - intercepts[1] - 5e4 * slopes[1]).abs() < 1e-3, "{plain} {other}");
        }
    }
}

/// Units of `y` and of `x` are met by the default box, too: the same objective, in the square of the unit of `y`.
#[test]
fn units_far_from_one_do_not_matter() {
    let data = |x: f64, y: f64| {
        csv("x1,y", (0..300).map(|i| vec![x * point(i, 0), y * (mixture(point(i, 0)) + disturbance(i))]))
    };
    let spec = "expert = 'linear'\nexperts = 2\nstarts = 8";
    let plain = number(&json(spec, &data(1.0, 1.0))["objective"]);
    for (x, y) in [(1.0, 1e-40), (1.0, 1e40), (1e-40, 1.0), (1e40, 1e40), (1e-40, 1e-40), (1e40, 1e-40)] {
        let document = json(spec, &data(x, y));
        let ratio = number(&document["objective"]) / y / y / plain;
        assert!((ratio - 1.0).abs() < 1e-9, "{x:e} {y:e}: {ratio} {document}");
        // No number is missing anywhere.
        assert!(document["parameters"].to_string().find("null").is_none(), "{document}");
    }
}

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

/// Experts see centred inputs under a router that is not linear, too: one linear expert is the regression wherever the inputs are, and a printed fit is a start.
#[test]
fn an_offset_does_not_matter_to_experts() {
    let rows = 200;
    let response = |i: usize| 0.5 * point(i, 0) + 1.0 + 2.0 * disturbance(i);
    let mean = |of: &dyn Fn(usize) -> f64| (0..rows).map(of).sum::<f64>() / rows as f64;
    let (level, centre) = (mean(&response), mean(&|i| point(i, 0)));
    let slope = mean(&|i| (point(i, 0) - centre) * (response(i) - level)) / mean(&|i| (point(i, 0) - centre).powi(2));
    let squares = mean(&|i| (response(i) - level - slope * (point(i, 0) - centre)).powi(2));
    for offset in [0.0, 30.0, 3000.0] {
        let data = csv("x1,y", (0..rows).map(|i| vec![point(i, 0) + offset, response(i)]));
        for router in ["linear", "tanh", "gelu", "relu"] {
            let spec = format!("gate = 'dense-to-sparse'\nrouter = '{router}'\nexpert = 'linear'\nexperts = 1");
            let document = json(&spec, &data);
            // An offset costs the digits that the column loses.
            let ratio = number(&document["objective"]) / squares;
            assert!((ratio - 1.0).abs() < 1e-11 * (1.0 + offset), "{router} {offset}: {ratio}");
            let atom = &document["parameters"]["atoms"][0];
            let (a, b) = (number(&atom["a"][0]), number(&atom["b"]));
            assert!((a / slope - 1.0).abs() < 1e-9 * (1.0 + offset), "{router} {offset}: {atom}");
            assert!((b + a * (centre + offset) - level).abs() < 1e-10 * (1.0 + offset), "{router} {offset}: {atom}");
        }
        let spec = "gate = 'dense-to-sparse'\nrouter = 'tanh'\nexpert = 'tanh'\nexperts = 2\nstarts = 4";
        let data = csv("x1,y", (0..rows).map(|i| vec![point(i, 0) + offset, mixture(point(i, 0)) + disturbance(i)]));
        let first = json(spec, &data);
        let mut again = serde_json::to_value(toml(spec)).unwrap();
        again.as_object_mut().unwrap().remove("starts");
        again["start"] = first["parameters"].clone();
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("spec.json"), again.to_string()).unwrap();
        fs::write(directory.path().join("data.csv"), &data).unwrap();
        let output = verify(directory.path(), &["fit", "spec.json", "--data", "data.csv", "--format", "json"]);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
        let second: Value = serde_json::from_str(text(&output.stdout)).unwrap();
        let ratio = number(&second["objective"]) / number(&first["objective"]);
        assert!((ratio - 1.0).abs() < 1e-9, "{offset}: {ratio}");
    }
}

/// Threads share the work and change nothing, over several chunks of rows.
#[test]
fn threads_do_not_change_a_byte() {
    let data = tanh_data(20_000, 1.0);
    let spec = "expert = 'tanh'\nexperts = 3\nstarts = 4";
    let [one, two] = ["1", "2"].map(|n| fit(spec, &data, &["--format", "json", "--threads", n], 0, ""));
    assert_eq!(one, two);
}

/// A row that is there many times counts many times, and a million rows are no more than a few.
#[test]
fn duplicated_rows_change_nothing() {
    let few = tanh_data(10, 1.0);
    let (header, rows) = few.split_once('\n').unwrap();
    let many = format!("{header}\n{}", rows.repeat(100_000));
    let spec = format!("expert = 'tanh'\nexperts = 2\nstart = {TRUTH}");
    let [few, many] = [few, many].map(|data| json(&spec, &data));
    assert_eq!(many["n"], 1_000_000);
    let [few, many] = [few, many].map(|document| number(&document["objective"]));
    assert!((few / many - 1.0).abs() < 1e-9, "{few} {many}");
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

/// The same JSON with `converged` false, status 4 and a word on stderr.
#[test]
fn a_fit_that_does_not_converge_says_so() {
    let data = csv("x1,y", (0..20).map(|i| vec![1e40 * point(i, 0), 1.0]));
    let spec = "expert = 'polynomial'\ndegree = 8\nexperts = 1\nbox = { a = [1, 2] }";
    let complaint = "error: the fit did not converge: the sum of squares is not finite\n";
    let document = fit(spec, &data, &["--format", "json"], 4, complaint);
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!((&document["converged"], &document["reason"]), (&false.into(), &"not-finite".into()));
    assert!(document.get("objective").is_none(), "{document}");
    let report = fit(spec, &data, &[], 4, complaint);
    assert!(report.contains("objective (1/n) Σ (y − f)²: none, the sum overflows\n"), "{report}");
    assert!(!report.contains("inf"), "{report}");
    assert_eq!(document["parameters"]["atoms"].as_array().unwrap().len(), 1);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("spec.toml"), "expert = 'linear'\nexperts = 1").unwrap();
    fs::write(directory.path().join("data.csv"), tanh_data(20, 1.0)).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(cargo_bin!("verify"))
        .args(["fit", "spec.toml", "--data", "data.csv"])
        .current_dir(directory.path())
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

/// Ctrl-C at any time after the handler is in place: status 130. The fit would take minutes.
#[test]
fn ctrl_c_interrupts() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("spec.toml"), "expert = 'tanh'\nexperts = 8\nstarts = 300").unwrap();
    fs::write(directory.path().join("data.csv"), tanh_data(8000, 1.0)).unwrap();
    let mut child = Command::new(cargo_bin!("verify"))
        .args(["fit", "spec.toml", "--data", "data.csv"])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Before the handler is in place a signal ends the process without a status.
    let held = format!("/proc/{}/status", child.id());
    let catches = || {
        let status = fs::read_to_string(&held).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim().to_string();
        u64::from_str_radix(&mask, 16).unwrap_or(0) & 0b10 != 0
    };
    while !catches() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!(complaint, "error: interrupted\n");
}

/// Status 2, nothing on stdout, one line that names file, line, column, what was found and what is allowed.
#[test]
fn bad_data_are_named_by_line() {
    let number = "allowed is a finite number, at most 1e50 in size";
    let open = "found a quote that does not end on its line";
    let long = format!("{},y\n1,2\n", "w".repeat(5000));
    let field = format!("x1,x2,y\n{},2,3\n", "w".repeat(5000));
    for (data, expected) in [
        ("", "found no header, allowed are columns x1, x2, … and y".into()),
        ("x1,x2,y\n", "0 rows, at least 3 are needed: one a parameter".into()),
        ("x1,x2,y\n1,2,3\n", "1 rows, at least 3 are needed: one a parameter".into()),
        ("x1,z,y\n1,2,3\n", "line 1, column 2: found \"z\", allowed are x1, x2, … and y".into()),
        ("0.5,1,2\n", "line 1, column 1: found \"0.5\", allowed are x1, x2, … and y".into()),
        ("x1,x1,y\n1,2,3\n", "line 1, column 2: found \"x1\" once more, allowed is each name once".into()),
        ("x1,x2\n1,2\n", "line 1: found no column y, allowed are x1, x2, … and y".into()),
        ("x1,x3,y\n1,2,3\n", "line 1: found no column x2, allowed are x1, x2, … without a gap, and y".into()),
        ("x1,x2,y\n1,2,3\n1,,3\n", format!("line 3, column x2: found nothing, {number}")),
        ("y,x2,x1\n1,2,3\n\n1,2,abc\n", format!("line 4, column x1: found \"abc\", {number}")),
        ("x1,x2,y\r\n1,2,3\r\n\r\n1,2,NaN\r\n", format!("line 4, column y: found \"NaN\", {number}")),
        ("x1,x2,y\n1,2,-inf", format!("line 2, column y: found \"-inf\", {number}")),
        ("x1,x2,y\n1e51,2,3\n", format!("line 2, column x1: found \"1e51\", {number}")),
        ("x1,x2,y\n1 2,2,3\n", format!("line 2, column x1: found \"1 2\", {number}")),
        (
            "x1,x2,y\n1,2,3\n1,2\n",
            "line 3: found 2 values, allowed are 3, one a column of the header; column y is missing".into(),
        ),
        // Old and new ends of lines, quotes that go on beyond a line, one of them to the end, a header and a field of any length.
        ("x1,x2,y\r1,2,3\r\r1,2,abc\r", format!("line 4, column y: found \"abc\", {number}")),
        ("x1,x2,y\n1,2,3\r1,2,abc", format!("line 3, column y: found \"abc\", {number}")),
        ("x1,x2,y\n1,2,3\n\n1,\"2\n\n3\",3\n1,2,3\n", format!("line 4: {open}")),
        ("x1,x2,y\n1,2,3\n\"1,2,3\n1,2,3\n1,2,3", format!("line 3: {open}")),
        ("x1,x2,\"y\n1,2,3\n", format!("line 1: {open}")),
        (&long, format!("line 1, column 1: found \"{}\"…, allowed are x1, x2, … and y", "w".repeat(60))),
        (&field, format!("line 2, column x1: found \"{}\"…, {number}", "w".repeat(60))),
        (
            "x1,x2,y\n1e-310,2,3\n-1e-310,2,3\n0,1,1\n",
            "column x1: found numbers of root mean square 8.1649658092774e-311, allowed is 0 or at least 1e-50".into(),
        ),
        (
            "x1,x2,y\n1,2,1e-200\n2,1,1e-200\n0,1,1e-200\n",
            "column y: found numbers of root mean square 1e-200, allowed is 0 or at least 1e-50".into(),
        ),
        ("x1,x2,y\n1,2,3,4\n", "line 2: found 4 values, allowed are 3, one a column of the header".into()),
    ] {
        let complaint = format!("error: data.csv: {expected}\n");
        assert_eq!(fit("expert = 'linear'\nexperts = 1", data, &[], 2, &complaint), "", "{data}");
    }
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("spec.toml"), "expert = 'linear'\nexperts = 1").unwrap();
    let output = verify(directory.path(), &["fit", "spec.toml", "--data", "nowhere.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("error: nowhere.csv: cannot be read: "));
    assert_eq!(verify(directory.path(), &["fit", "spec.toml"]).status.code(), Some(2));
}

/// Spaces, quotes, a byte order mark, signs and a missing end of the last line are no errors.
#[test]
fn harmless_forms_of_numbers_are_read() {
    let plain = json("expert = 'linear'\nexperts = 1", "x1,y\n1,2\n2,3.5\n3,6\n");
    let odd = json("expert = 'linear'\nexperts = 1", "\u{feff}\"x1\", y\r\n 1,+2.\r\n\"2\",3.50\r\n\r\n3e0 ,.6e1");
    assert_eq!(plain, odd);
}

#[test]
fn bad_specs_are_named() {
    let two = "expert = 'tanh'\nexperts = 2\n";
    let sparse = "gate = 'dense-to-sparse'\nrouter = 'tanh'\nexpert = 'tanh'\nexperts = 2\n";
    let nested = "gate = 'hierarchical'\ngroups = 2\nexpert = 'tanh'\nexperts = 1\n";
    for (spec, expected) in [
        (
            format!("{two}expertise = 3"),
            "line 3, column 1, expertise: unknown field `expertise`, expected one of `gate`, `router`, `expert`, `experts`, `groups`, `degree`, `outer_weight`, `box`, `start`, `starts`, `seed`, `tolerance`, `truth`",
        ),
        ("expert = 'tanh'".into(), "line 1, column 1: missing field `experts`"),
        (
            "expert = 'tanh'\nexperts = 2.5".into(),
            "line 2, column 11, experts: invalid value: floating point `2.5`, expected a whole number, not negative; at most 9007199254740992 if written with a point or an exponent",
        ),
        (
            format!("{two}gate = 'hard'"),
            "line 3, column 8, gate: unknown variant `hard`, expected one of `softmax`, `dense-to-sparse`, `hierarchical`",
        ),
        (
            format!("{two}router = 'step'"),
            "line 3, column 10, router: unknown variant `step`, expected one of `linear`, `sigmoid`, `tanh`, `gelu`, `relu`",
        ),
        (
            format!("{two}box = {{ a = [1] }}"),
            "line 3, column 13, box.a: invalid length 1, expected an array of length 2",
        ),
        (
            format!("{two}box = {{ c = [1, 2] }}"),
            "line 3, column 9, box.c: unknown field `c`, expected one of `alpha`, `omega`, `beta`, `a`, `b`, `lambda`, `tau`",
        ),
        (
            format!("{two}start = [{{ omega = ['w'] }}]"),
            "line 3, column 21, start[0].omega[0]: invalid type: string \"w\", expected f64",
        ),
        (format!("{two}router = 'sigmoid'"), "router is given; it belongs to gate = \"dense-to-sparse\""),
        (format!("{two}degree = 2"), "degree is given; it belongs to expert = \"polynomial\""),
        ("expert = 'polynomial'\nexperts = 1".into(), "degree is missing; it is needed with expert = \"polynomial\""),
        ("expert = 'polynomial'\nexperts = 1\ndegree = 0".into(), "degree is 0; 1 to 16 is allowed"),
        (format!("{two}groups = 2"), "groups is given; it belongs to gate = \"hierarchical\""),
        (
            "gate = 'hierarchical'\nexpert = 'tanh'\nexperts = 2".into(),
            "groups is missing; it is needed with gate = \"hierarchical\"",
        ),
        ("expert = 'tanh'\nexperts = 17".into(), "experts is 17; 1 to 16 is allowed"),
        ("expert = 'tanh'\nexperts = 0".into(), "experts is 0; 1 to 16 is allowed"),
        (
            "gate = 'hierarchical'\ngroups = 6\nexpert = 'tanh'\nexperts = 3".into(),
            "groups × experts is 18; at most 16 is allowed",
        ),
        (
            format!("{two}box = {{ b = [2, 1] }}"),
            "box.b is [2, 1]; the lower bound, first, must not be above the upper one",
        ),
        (
            format!("{two}box = {{ b = [nan, 1] }}"),
            "box.b[0] is NaN; a finite number, at most 1e50 in size, is allowed",
        ),
        (format!("{two}box = {{ lambda = [1, 2] }}"), "box.lambda is given; it belongs to outer_weight = true"),
        (format!("{two}box = {{ tau = [1, 2] }}"), "box.tau is given; it belongs to gate = \"dense-to-sparse\""),
        (format!("{sparse}box = {{ tau = [0, 2] }}"), "box.tau[0] is 0; a positive number is allowed"),
        (format!("{two}starts = 0"), "starts is 0; 1 to 100000 is allowed"),
        (format!("{two}tolerance = 1.0"), "tolerance is 1; 1e-16 to 1e-2 is allowed"),
        (format!("{two}starts = 3\nstart = {TRUTH}"), "starts is given; it belongs to a spec without start"),
        (format!("{two}start = []"), "start is empty; at least one entry is needed"),
        (format!("{two}start = [{{ a = [1.0], b = 0.0 }}]"), "start has 1 atoms; 2 are needed"),
        (
            format!("{two}start = [{{ a = [1.0], b = 0.0 }}, {{ a = [1.0], b = 0.0 }}]"),
            "start[0].omega is missing; it is needed with each atom but the last",
        ),
        (
            format!(
                "{two}start = [{{ omega = [1.0], beta = 0.0, a = [1.0, 2.0], b = 0.0 }}, {{ a = [1.0], b = 0.0 }}]"
            ),
            "start[0].a has 2 numbers; the data have x1 to x1, so 1 are needed",
        ),
        (
            format!("{two}truth = [{{ a = [inf], b = 0.0 }}]"),
            "truth[0].a[0] is inf; a finite number, at most 1e150 in size, is allowed",
        ),
        (
            format!("{two}truth = [{{ a = [1e200], b = 0.0 }}]"),
            "truth[0].a[0] is 1e200; a finite number, at most 1e150 in size, is allowed",
        ),
        (
            format!("{two}truth = [{{ a = [1.0], b = 0.0, lambda = 2.0 }}]"),
            "truth[0].lambda is given; it belongs to outer_weight = true",
        ),
        (
            format!("{two}truth = [{{ a = [1.0], b = 0.0, beta = 800.0 }}]"),
            "truth: the true measure has a weight e^β that underflows or overflows",
        ),
        (
            format!("{two}truth = {{ atoms = [{{ a = [1.0], b = 0.0 }}], tau = 2.0 }}"),
            "truth.tau is given; it belongs to gate = \"dense-to-sparse\"",
        ),
        (
            format!(
                "{sparse}start = [{{ omega = [1.0], beta = 0.0, a = [1.0], b = 0.0 }}, {{ omega = [1.0], a = [1.0], b = 0.0 }}]"
            ),
            "start: omega of the last atom is not 0; it is pinned to 0, and under a router that is not linear no translation takes it there",
        ),
        (
            format!("{nested}start = {TRUTH}"),
            "start[0].omega is given; it belongs to an atom; under a hierarchical gate these are groups",
        ),
        (
            format!("{two}start = [{{ alpha = [0.0], beta = 0.0, atoms = [] }}]"),
            "start[0].alpha is given; it belongs to a group of a hierarchical gate",
        ),
        (format!("{two}box = {{ a = [-1, 1] }}\nstart = {TRUTH}"), "start: atoms[0].a[0] is 3; the box allows -1 to 1"),
    ] {
        let complaint = format!("error: spec.toml: {expected}\n");
        assert_eq!(fit(&spec, &tanh_data(20, 1.0), &[], 2, &complaint), "", "{spec}");
    }
    let few = "error: data.csv: 5 rows, at least 6 are needed: one a parameter\n";
    fit(two, &tanh_data(5, 1.0), &[], 2, few);
    // A start is held against the box in the units of the box.
    let far = format!("{two}start = [{{ omega = [50.0], beta = 0.0, a = [1.0], b = 0.0 }}, {{ a = [1.0], b = 0.0 }}]");
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("spec.toml"), far).unwrap();
    fs::write(directory.path().join("data.csv"), tanh_data(20, 1.0)).unwrap();
    let output = verify(directory.path(), &["fit", "spec.toml", "--data", "data.csv"]);
    assert_eq!(output.status.code(), Some(2));
    let complaint = text(&output.stderr);
    assert!(complaint.starts_with("error: spec.toml: start: atoms[0].omega[0] is "), "{complaint}");
    assert!(complaint.ends_with(" on standardised columns; the box allows -10 to 10\n"), "{complaint}");
}

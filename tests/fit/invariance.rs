//! What must not matter: units, offsets, the order of columns, repeated rows, the number of threads.

use std::fs;

use serde_json::Value;

use super::sample::{TRUTH, csv, disturbance, mixture, point, tanh_data};
use super::{fit, json, number, text, toml, verify};

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

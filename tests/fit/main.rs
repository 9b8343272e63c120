//! `verify fit` as scripts see it: the documented JSON, known mixtures found again, units, and every kind of bad data and spec.

mod endings;
mod input;
mod invariance;
mod minima;
mod reports;
mod sample;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

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

//! Ends without a fit that somebody reads: no convergence, a closed pipe, a signal. Each has its status.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

use super::sample::{csv, point, tanh_data};
use super::{fit, text};

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

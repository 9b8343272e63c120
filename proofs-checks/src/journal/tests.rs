//! Journals under kills, foreign settings and damage.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{CheckError, Findings, Label, Lemma, Observer, Parameter, Run};

static TOY: Lemma = Lemma {
    id: "toy",
    paper: "",
    claim: "",
    scope: "",
    ledger: Label::Supported,
    typical_seconds: 0.0,
    parameters: &[Parameter::integer("units", "", "", [1, 100], [8, 8, 8])],
    check: |_| Ok(Findings::default()),
};

type Row = (usize, f64);

/// Numbers that a careless printer or parser changes in the last bit.
fn row(index: usize) -> Row {
    (index, (index as f64 + 1.0).powi(-7) * 0.1)
}

fn sweep(run: &Run, computed: &AtomicUsize) -> Result<Vec<Row>, CheckError> {
    run.units("s", run.integer("units") as usize, |index| {
        computed.fetch_add(1, Ordering::Relaxed);
        Ok(row(index))
    })
}

fn resumed(directory: &Path, seed: u64) -> Result<(Vec<Row>, usize), CheckError> {
    let computed = AtomicUsize::new(0);
    let run = Run::new(&TOY, Effort::Quick, seed).journalled_in(directory)?;
    let rows = sweep(&run, &computed)?;
    Ok((rows, computed.into_inner()))
}

fn refusal(directory: &Path, seed: u64) -> String {
    resumed(directory, seed).unwrap_err().to_string()
}

fn all() -> Vec<Row> {
    (0..8).map(row).collect()
}

/// A directory with a complete journal, and its path and text.
fn complete() -> (tempfile::TempDir, PathBuf, String) {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(resumed(directory.path(), 1).unwrap(), (all(), 8));
    let path = directory.path().join("toy.s.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    (directory, path, text)
}

#[test]
fn finished_units_are_skipped_and_read_back_to_the_bit() {
    let (directory, path, text) = complete();
    assert_eq!(text.lines().count(), 9);
    assert_eq!(resumed(directory.path(), 1).unwrap(), (all(), 0));
    assert_eq!(fs::read_to_string(path).unwrap(), text);
}

/// Wherever a kill cuts the file after its header, the run resumes to the same rows and the same journal.
#[test]
fn a_journal_cut_anywhere_resumes() {
    let (directory, path, text) = complete();
    let header = text.find('\n').unwrap() + 1;
    for cut in header..text.len() {
        fs::write(&path, &text[..cut]).unwrap();
        let whole = text[header..cut].matches('\n').count();
        assert_eq!(resumed(directory.path(), 1).unwrap(), (all(), 8 - whole), "cut at {cut}");
        assert_eq!(resumed(directory.path(), 1).unwrap(), (all(), 0), "cut at {cut}, again");
    }
}

#[test]
fn an_interrupted_run_keeps_what_is_whole() {
    struct After(AtomicUsize);
    impl Observer for After {
        fn begin(&self, _: &str, _: usize, _: usize) {}
        fn advance(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn stop_requested(&self) -> bool {
            self.0.load(Ordering::Relaxed) >= 5
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let (observer, computed) = (After(AtomicUsize::new(0)), AtomicUsize::new(0));
    let run = Run::new(&TOY, Effort::Quick, 1).observed_by(&observer).journalled_in(directory.path()).unwrap();
    assert!(matches!(sweep(&run, &computed), Err(CheckError::Interrupted)));
    let before = computed.into_inner();
    assert!((5..8).contains(&before), "{before}");
    assert_eq!(resumed(directory.path(), 1).unwrap(), (all(), 8 - before));
}

#[test]
fn a_journal_of_another_run_is_refused_by_name() {
    let (directory, path, text) = complete();
    let refused = |setting: &str, message: String| {
        assert!(message.contains("toy.s.jsonl: line 1: ") && message.contains(setting), "{message}");
    };
    refused("seed: found 1, this run has 2", refusal(directory.path(), 2));
    for (from, to, setting) in [
        ("\"version\":\"", "\"version\":\"9", "version: found 9"),
        ("\"effort\":\"quick", "\"effort\":\"standard", "effort: found standard"),
        ("\"units\":8}", "\"units\":7}", "parameter units: found 7, this run has 8"),
        ("\"units\":8", "\"units\":8,\"more\":1", "parameter more: found 1, this run has none"),
        ("\"hash\":\"", "\"hash\":\"0", "hash: found 0"),
        ("\"sweep\":\"s", "\"sweep\":\"t", "sweep: found t"),
    ] {
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        refused(setting, refusal(directory.path(), 1));
    }
    let header = text.lines().next().unwrap().replace("\"sweep\":\"s\",\"units\":8", "\"sweep\":\"s\",\"units\":30");
    fs::write(&path, header + "\n").unwrap();
    refused("units: found 30, this run has 8", refusal(directory.path(), 1));
}

#[test]
fn a_malformed_line_is_an_error_that_names_it() {
    let (directory, path, text) = complete();
    for (number, line) in
        [(1, ""), (1, "{}"), (5, ""), (5, "{\"index\":3"), (5, "{\"index\":8,\"row\":[8,1.0]}"), (9, "x"), (5, "\0")]
    {
        let mut lines: Vec<&str> = text.lines().collect();
        lines[number - 1] = line;
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        let message = refusal(directory.path(), 1);
        assert!(message.contains(&format!("toy.s.jsonl: line {number}: ")), "{line}: {message}");
    }
    let twice = format!("{text}{}\n", text.lines().nth(4).unwrap());
    fs::write(&path, twice).unwrap();
    assert!(refusal(directory.path(), 1).contains("line 10: "));
    for empty in ["", "torn"] {
        fs::write(&path, empty).unwrap();
        assert!(refusal(directory.path(), 1).contains("line 1: "));
    }
}

/// The type of a row is known only once its sweep runs; the message still has to name the line.
#[test]
fn a_row_of_another_shape_is_an_error_that_names_its_line() {
    let (directory, path, text) = complete();
    let mut lines: Vec<&str> = text.lines().collect();
    let index: usize = serde_json::from_str::<Line<'_>>(lines[2]).unwrap().index;
    let astray = format!("{{\"index\":{index},\"row\":[\"x\"]}}");
    lines[2] = &astray;
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    assert!(refusal(directory.path(), 1).contains("toy.s.jsonl: line 3: "));
}

#[test]
fn journals_of_other_lemmas_are_left_alone() {
    let (directory, _, text) = complete();
    for name in ["toy-two.s.jsonl", "other.s.jsonl", "toy.json", "notes.jsonl"] {
        fs::write(directory.path().join(name), "not of this lemma").unwrap();
    }
    assert_eq!(resumed(directory.path(), 1).unwrap(), (all(), 0));
    fs::write(directory.path().join("toy.t.jsonl"), text).unwrap();
    assert!(refusal(directory.path(), 1).contains("toy.t.jsonl: line 1: "));
}

//! The command as scripts see it: statuses, what is on stdout and stderr, and what is written.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

/// Runs `verify` in a directory.
fn verify(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(cargo_bin!("verify")).args(arguments).current_dir(directory).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// The reports on stdout of a run that was quiet on stderr.
fn reports(output: &Output) -> Vec<Value> {
    assert_eq!(text(&output.stderr), "");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A report without what may differ between two runs.
fn comparable(mut report: Value) -> Value {
    for key in ["seconds", "threads"] {
        report.as_object_mut().unwrap().remove(key).unwrap();
    }
    report
}

const QUICK: [&str; 6] = ["--lemma", "population-loss", "--effort", "quick", "--format", "json"];

/// Wrong usage and bad input: status 2, an `error:` that names what it is about, nothing printed, nothing written.
#[test]
fn bad_input_is_named_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    fs::write(directory.path().join("spec.yaml"), "").unwrap();
    fs::create_dir(directory.path().join("old")).unwrap();
    fs::write(directory.path().join("old/population-loss.sweep.jsonl"), "x\n").unwrap();
    let cases: [(&[&str], &[&str]); 29] = [
        (&[], &["--list", "--lemma", "--all"]),
        (&["nonsense"], &["nonsense"]),
        (&["--lemma", "phase-transitoin"], &["phase-transitoin", "phase-transition"]),
        (&["--lemma", ""], &["--lemma", "population-loss"]),
        (&["--lemma"], &["--lemma"]),
        (&["--all", "--list"], &["--all", "--list"]),
        (&["--all", "--lemma", "population-loss"], &["--all", "--lemma"]),
        (&["--all", "--effort", "fast"], &["--effort", "fast", "quick"]),
        (&["--all", "--seed", "-1"], &["--seed", "-1", "integer from 0"]),
        (&["--all", "--seed", "1.5"], &["--seed", "1.5"]),
        (&["--all", "--threads", "0"], &["--threads", "0", "integer from 1"]),
        (&["--all", "--threads", "-2"], &["--threads", "-2", "integer from 1"]),
        (&["--all", "--format", "xml"], &["--format", "xml", "markdown"]),
        (&["--all", "--set", "seeds=3"], &["--set", "--all"]),
        (&["--set", "seeds=3"], &["--lemma"]),
        (&["--lemma", "population-loss", "--lemma", "student-overlap", "--set", "a=1"], &["--set", "2 lemmas", "one"]),
        (&["--lemma", "population-loss", "--lemma", "student-overlap", "--help-parameters"], &["--help-parameters"]),
        (&["--lemma", "population-loss", "--set", "nonsense=1"], &["--set", "nonsense"]),
        (&["--lemma", "population-loss", "--set", "nonsense"], &["--set", "nonsense", "KEY=VALUE"]),
        (&["--lemma", "regression-rate", "--set", "from=5000", "--set", "to=5000"], &["to: found 5000", "from = 5000"]),
        (&["--lemma", "population-loss", "--out", "file"], &["--out", "file"]),
        (&["--lemma", "population-loss", "--out", "file/below"], &["--out", "file/below"]),
        (&["--lemma", "population-loss", "--out", "old"], &["population-loss.sweep.jsonl", "line 1"]),
        (&["--all", "loss", "spec.toml"], &["--all", "loss"]),
        (&["--seed", "1", "flow", "spec.toml"], &["--seed", "flow"]),
        (&["loss", "absent.toml"], &["absent.toml"]),
        (&["loss", "spec.yaml"], &["spec.yaml", ".toml or .json"]),
        (&["flow", "absent.toml", "--at", "1,-2"], &["--at", "-2"]),
        (&["completions", "nonsense"], &["nonsense", "bash"]),
    ];
    let names = |path: &Path| {
        let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    for (arguments, fragments) in cases {
        let output = verify(directory.path(), arguments);
        let message = text(&output.stderr);
        assert_eq!(code(&output), Some(2), "{arguments:?}: {message}");
        assert!(message.starts_with("error:"), "{arguments:?}: {message}");
        for fragment in fragments {
            assert!(message.contains(fragment), "{arguments:?}: {fragment} is not in {message}");
        }
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert_eq!(names(directory.path()), ["file", "old", "spec.yaml"], "{arguments:?}");
        assert_eq!(names(&directory.path().join("old")).len(), 1, "{arguments:?}");
    }
}

#[test]
fn every_value_out_of_range_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let describe = ["--lemma", "phase-transition", "--help-parameters", "--format", "json"];
    for parameter in reports(&verify(directory.path(), &describe)) {
        let key = parameter["key"].as_str().unwrap();
        for value in ["-1", "nan", "1e300", "", "x"] {
            let assignment = format!("{key}={value}");
            let output = verify(directory.path(), &["--lemma", "phase-transition", "--set", &assignment]);
            let message = text(&output.stderr);
            assert_eq!(code(&output), Some(2), "{assignment}: {message}");
            assert!(message.starts_with("error:") && message.contains(key) && message.contains("allowed"), "{message}");
        }
    }
}

#[test]
fn the_list_names_every_lemma_in_every_format() {
    let directory = tempfile::tempdir().unwrap();
    for format in ["text", "markdown", "json"] {
        let output = verify(directory.path(), &["--list", "--format", format]);
        assert_eq!((code(&output), text(&output.stderr)), (Some(0), ""));
        for id in ["population-loss", "phase-transition", "student-overlap"] {
            assert!(text(&output.stdout).contains(id), "{format}: {id}");
        }
    }
    let rows = reports(&verify(directory.path(), &["--list", "--format", "json"]));
    for row in rows {
        for key in ["id", "paper", "claim", "scope", "ledger", "typical_seconds"] {
            assert!(!row[key].is_null(), "{key} in {row}");
        }
    }
}

#[test]
fn a_report_is_the_same_on_any_number_of_threads() {
    let directory = tempfile::tempdir().unwrap();
    let run = |threads: &str| {
        let output = verify(directory.path(), &[&QUICK[..], &["--threads", threads]].concat());
        assert_eq!(code(&output), Some(0));
        let report = reports(&output).remove(0);
        assert_eq!(report["threads"].to_string(), threads);
        comparable(report)
    };
    assert_eq!(run("1"), run("3"));
}

/// The directory holds the report that was printed, whole, and a second run starts from what is there.
#[test]
fn out_holds_the_report_and_its_parts() {
    let directory = tempfile::tempdir().unwrap();
    let run = || verify(directory.path(), &[&QUICK[..], &["--out", "a/b"]].concat());
    let output = run();
    assert_eq!(code(&output), Some(0));
    let printed = reports(&output).remove(0);
    let out = directory.path().join("a/b");
    let file: Vec<Value> = serde_json::from_slice(&fs::read(out.join("population-loss.json")).unwrap()).unwrap();
    assert_eq!(file, std::slice::from_ref(&printed));
    assert_eq!((&printed["schema"], &printed["lemma"]), (&Value::from(1), &Value::from("population-loss")));
    for (list, ending) in [("tables", "csv"), ("figures", "svg")] {
        for item in printed[list].as_array().unwrap() {
            let name = format!("population-loss.{}.{ending}", item["name"].as_str().unwrap());
            assert!(fs::metadata(out.join(&name)).unwrap().len() > 0, "{name}");
        }
    }
    for entry in fs::read_dir(&out).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with("population-loss.") && !name.ends_with(".tmp"), "{name}");
    }
    assert_eq!(comparable(reports(&run()).remove(0)), comparable(printed));
}

#[test]
fn a_lemma_named_twice_is_checked_once_and_text_and_markdown_show_it() {
    let directory = tempfile::tempdir().unwrap();
    for (format, head) in [("text", "population-loss: "), ("markdown", "## population-loss: ")] {
        let lemma = ["--lemma", "population-loss"];
        let output =
            verify(directory.path(), &[&lemma[..], &lemma, &["--effort", "quick", "--format", format]].concat());
        assert_eq!((code(&output), text(&output.stderr)), (Some(0), ""));
        assert_eq!(text(&output.stdout).lines().filter(|line| line.starts_with(head)).count(), 1);
    }
}

/// A parameter set by hand, even to its default, takes the run out of the ledger.
#[test]
fn with_set_there_is_no_ledger_entry() {
    let directory = tempfile::tempdir().unwrap();
    let describe = ["--lemma", "phase-transition", "--help-parameters", "--format", "json"];
    let parameter = reports(&verify(directory.path(), &describe)).remove(0);
    let assignment = format!("{}={}", parameter["key"].as_str().unwrap(), parameter["defaults"]["quick"]);
    let run = ["--lemma", "phase-transition", "--effort", "quick", "--format", "json", "--set", &assignment];
    let output = verify(directory.path(), &run);
    assert_eq!(code(&output), Some(0));
    assert_eq!(reports(&output)[0]["ledger"], Value::Null);
}

/// Where a slowdown's family reaches less far than fits scatter, and where a bound is asked beyond the neighbourhood that it is of, nothing is decided, least of all a refutation.
#[test]
fn slowdowns_beyond_their_regime_are_undecided() {
    let directory = tempfile::tempdir().unwrap();
    for (lemma, values, reason) in [
        (
            "linear-expert-slowdown",
            ["replicates=24", "near-replicates=8", "reach=0.01"],
            "not that of the family's points",
        ),
        ("temperature-slowdown", ["replicates=48", "noise=0.1", "half-width=20"], "not yet where the rate shows"),
    ] {
        let set = values.into_iter().flat_map(|value| ["--set", value]);
        let arguments: Vec<_> = ["--lemma", lemma, "--effort", "quick", "--seed", "12", "--format", "json"]
            .into_iter()
            .chain(set)
            .collect();
        let output = verify(directory.path(), &arguments);
        let report = &reports(&output)[0];
        assert_eq!(report["verdict"], "inconclusive", "{lemma}");
        let evidence = report["evidence"].as_array().unwrap();
        assert!(evidence.iter().all(|item| item["holds"] != false), "{lemma}");
        let reasons = evidence.iter().filter_map(|item| item["reason"].as_str());
        assert!(reasons.into_iter().any(|found| found.contains(reason)), "{lemma}");
    }
}

#[test]
fn strict_turns_a_refutation_on_record_into_a_status() {
    let directory = tempfile::tempdir().unwrap();
    let run = ["--lemma", "student-overlap", "--effort", "quick", "--format", "json"];
    for (strict, status) in [(&[][..], 0), (&["--strict"][..], 1)] {
        let output = verify(directory.path(), &[&run[..], strict].concat());
        assert_eq!(code(&output), Some(status));
        assert_eq!(reports(&output)[0]["verdict"], "refuted");
    }
}

/// `verify … | head` must neither complain nor fail.
#[test]
fn a_closed_pipe_ends_quietly() {
    for arguments in [&["--list"][..], &["completions", "zsh"], &["--lemma", "population-loss", "--effort", "quick"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = Command::new(cargo_bin!("verify")).args(arguments).stdout(writer).stderr(Stdio::piped()).spawn();
        let output = child.unwrap().wait_with_output().unwrap();
        assert_eq!((code(&output), text(&output.stderr)), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn completions_know_the_lemmas() {
    let directory = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = verify(directory.path(), &["completions", shell]);
        assert_eq!((code(&output), text(&output.stderr)), (Some(0), ""));
        assert!(text(&output.stdout).contains("phase-transition"), "{shell}");
    }
}

/// Ctrl-C while a sweep runs: status 130 and journals of whole lines, from which the same command goes on.
#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_its_journal() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new(cargo_bin!("verify"))
        .args(["--lemma", "phase-transition", "--effort", "thorough", "--out", "out", "--threads", "2"])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let journals = || -> Vec<String> {
        let entries = fs::read_dir(directory.path().join("out")).into_iter().flatten();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
            .map(|p| fs::read_to_string(p).unwrap())
            .collect()
    };
    while journals().is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "ended before its first sweep");
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), text(&output.stderr)), (Some(130), "error: interrupted\n"));
    for journal in journals() {
        assert!(journal.ends_with('\n') && journal.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    }
}

/// A certificate that a check wrote is accepted from disk; one that was altered is refused with status 1 and the claim; what cannot be read is bad input.
#[test]
fn certificates_are_rechecked_from_disk() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let run = |arguments: &[&str]| verify(at, arguments);
    let arguments = ["--lemma", "hermite-coefficients", "--effort", "quick", "--set", "total=0", "--out", "out"];
    assert_eq!(code(&run(&arguments)), Some(0));
    let report: Value = serde_json::from_slice(&fs::read(at.join("out/hermite-coefficients.json")).unwrap()).unwrap();
    assert_eq!(report[0]["verdict"], "proved");
    let name = report[0]["evidence"][0]["certificate"].as_str().unwrap();
    let whole = format!("out/{name}");
    let certificate = fs::read_to_string(at.join(&whole)).unwrap();
    let altered = certificate.replacen("coefficient 3 -0x", "coefficient 3 0x", 1);
    assert_ne!(altered, certificate);
    fs::write(at.join("altered.cert"), altered).unwrap();

    let both = run(&["recheck", "--format", "json", &whole, "altered.cert"]);
    assert_eq!(code(&both), Some(1));
    let found = reports(&both);
    assert_eq!((&found[0]["accepted"], &found[1]["accepted"]), (&Value::Bool(true), &Value::Bool(false)));
    assert!(found[1]["statement"].as_str().unwrap().contains("A_3"), "{}", found[1]);
    assert_eq!(code(&run(&["recheck", &whole])), Some(0));
    let missing = run(&["recheck", &whole, "absent.cert"]);
    assert_eq!((code(&missing), text(&missing.stdout)), (Some(2), ""));
    assert!(text(&missing.stderr).contains("absent.cert"));
}

/// The documented JSON of `identify`; its certificate is accepted from disk, and refused with another expert in it.
#[test]
fn an_expert_is_identified() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let arguments = ["identify", "a*x + b", "--gate", "exp(w*x)", "--format", "json", "--out", "out"];
    let output = verify(at, &arguments);
    assert_eq!(code(&output), Some(0));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["dimension"], &found["independent"]), (&10.into(), &4.into()));
    assert_eq!(found["parameters"], serde_json::json!(["w", "a", "b"]));
    let relations = found["relations"].as_array().unwrap();
    assert_eq!(relations.len(), 6);
    let named = relations.iter().find(|relation| relation["equation"] == "d2F/dw db = dF/da").unwrap();
    assert_eq!(
        named["terms"],
        serde_json::json!([
            { "coefficient": "1", "derivative": { "w": 1, "b": 1 } },
            { "coefficient": "-1", "derivative": { "a": 1 } },
        ])
    );
    let certificate = fs::read_to_string(at.join("out/identify.cert")).unwrap();
    assert_eq!(found["certificate"], certificate);
    assert_eq!(code(&verify(at, &["recheck", "out/identify.cert"])), Some(0));
    fs::write(at.join("altered.cert"), certificate.replace("a*x + b", "a*x - b")).unwrap();
    assert_eq!(code(&verify(at, &["recheck", "altered.cert"])), Some(1));
    let text = verify(at, &["identify", "l*tanh(a*x + b)", "--gate", "exp(w*x/t)"]);
    for words in ["dF/dt = -w/t*dF/dw", "scaling: F(c*w, c*t) = F", "symmetry: F(-a, -b) = -F", "flat: an atom splits"]
    {
        assert!(self::text(&text.stdout).contains(words), "{words}");
    }
}

/// Certificates of an earlier answer do not stay beside a new one's; other files do.
#[test]
fn certificates_of_an_earlier_answer_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let of = |expert: &str| code(&verify(at, &["identify", expert, "--gate", "exp(w*x)", "--out", "out"]));
    let names = || {
        let entries = fs::read_dir(at.join("out")).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(of("l*(a*x + b)"), Some(0));
    let before = names();
    assert!(before.contains(&"identify.cert".into()) && before.contains(&"flat-4.cert".into()), "{before:?}");
    for kept in ["flat-01.cert", "flat-x.cert", "notes.txt"] {
        fs::write(at.join("out").join(kept), "").unwrap();
    }
    assert_eq!(of("l*x + relu(a)"), Some(4));
    assert_eq!(names(), ["flat-01.cert", "flat-1.cert", "flat-x.cert", "identify.json", "notes.txt"]);
}

/// One is no plural, and help has no backslashes.
#[test]
fn one_function_is_no_plural() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let one = verify(at, &["identify", "exp(x)"]);
    assert!(text(&one.stdout).contains("up to order 2: 1 function,\nof which 1 is independent"), "{one:?}");
    let help = verify(at, &["identify", "--help"]);
    assert!(text(&help.stdout).contains("as \"tanh(a*x + b)\"") && !text(&help.stdout).contains('\\'));
}

/// Families in the JSON: each with its kind, what it says and, where it is flat, a certificate that is accepted; and what was not decided.
#[test]
fn families_are_in_the_json() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let arguments = ["identify", "l*sin(a*x + b + c)", "--gate", "exp(w*x)", "--format", "json"];
    let found: Value = serde_json::from_slice(&verify(at, &arguments).stdout).unwrap();
    assert!(found["reason"].is_null() && found["undecided"].as_array().unwrap().is_empty(), "{found}");
    let families = found["families"].as_array().unwrap();
    for (kind, statement) in [
        ("sign", "symmetry: F(-l) = -F"),
        ("shift", "symmetry: F(b + pi) = -F"),
        ("scaling", "scaling: F(c_*l) = c_*F for c_ > 0"),
        ("split", "flat: an atom splits into two of half its weight with l moved"),
        (
            "motion",
            "flat: an atom, with those that share one of these parameters, moves along (b, c) -> (b + s, c - s)",
        ),
        ("common-factor", "flat: every atom splits into two of half its weight, w ± s"),
    ] {
        let is_it =
            |family: &&Value| family["kind"] == kind && family["statement"].as_str().unwrap().starts_with(statement);
        let family = families.iter().find(is_it).unwrap_or_else(|| panic!("{kind}: {found}"));
        let is_flat = statement.starts_with("flat");
        assert_eq!(family["certificate"].is_string(), is_flat, "{family}");
        if is_flat {
            fs::write(at.join("flat.cert"), family["certificate"].as_str().unwrap()).unwrap();
            assert_eq!(code(&verify(at, &["recheck", "flat.cert"])), Some(0), "{family}");
        }
    }
    let text = verify(at, &["identify", "relu(a*x + b)", "--gate", "exp(w*x)/(1 + v^2)"]);
    let place = "each proved for all values of the parameters at which it has values (with relu almost everywhere)";
    assert!(self::text(&text.stdout).contains(place));
}

/// What is an expert, and not decided: what is found is printed, then one line that says what is not, with its column; status 4, and files without a certificate of the span.
#[test]
fn what_is_not_decided_is_told_beside_what_is() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    for (expert, gate, column, statement) in [
        ("l*x + relu(a)", "exp(w*x)", "expert, column 7: relu of parameters alone", "common-factor"),
        ("c*sin(65*a*x)", "exp(sin(a*x))", "expert, column 3: an angle is more than 64", "sign"),
        ("c*relu(x)*relu(x + b) + k*relu(x + b) + m*relu(x) + n", "1", "expert, column 11: a product of relus", "sign"),
    ] {
        let output = verify(at, &["identify", expert, "--gate", gate, "--out", "out", "--format", "json"]);
        let error = text(&output.stderr);
        assert_eq!(code(&output), Some(4), "{expert}: {error}");
        assert!(
            error.starts_with("error: not decided: ") && error.contains(column) && error.lines().count() == 1,
            "{error}"
        );
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(["independent", "relations", "certificate"].iter().all(|key| found[key].is_null()), "{found}");
        assert!(found["reason"].as_str().unwrap().contains(column) && found["dimension"].as_u64() > Some(1), "{found}");
        assert!(found["families"].as_array().unwrap().iter().any(|family| family["kind"] == statement), "{found}");
        assert!(!found["undecided"].as_array().unwrap().is_empty(), "{found}");
        assert!(at.join("out/identify.json").exists() && !at.join("out/identify.cert").exists());
        let printed = verify(at, &["identify", expert, "--gate", gate]);
        assert!(text(&printed.stdout).contains("of which it is not decided how many are independent: "), "{expert}");
    }
    // Relations that were found are no basis, and not hidden.
    let expert = "relu(x)*relu(-x - 1)*a";
    let found: Value = serde_json::from_slice(&verify(at, &["identify", expert, "--format", "json"]).stdout).unwrap();
    assert!(found["relations"].is_null() && found["found"].as_array().unwrap().len() == 2, "{found}");
    assert_eq!(found["found"][0]["equation"], "d2F/da2 = 0");
    assert_eq!(found["found"][1]["terms"][1]["derivative"], serde_json::json!({ "a": 1 }));
    let printed = verify(at, &["identify", expert]);
    let heading =
        "Relations (2), found and proved; whether these are all is not decided:\n\n  d2F/da2 = 0\n  F = a*dF/da\n";
    assert!(text(&printed.stdout).contains(heading), "{printed:?}");
}

/// What is no expert: one line with the column, status 2, and nothing written.
#[test]
fn what_is_no_expert_is_told_with_its_column() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    for (expert, gate, column) in [
        ("a*x +", "1", "expert, column 6"),
        ("swish(x)", "1", "expert, column 1"),
        ("a*x0", "1", "expert, column 3"),
        ("x + a*x1", "1", "expert, column 1"),
        ("a/(1 + x)", "1", "expert, column 4"),
        ("x^a", "1", "expert, column 3"),
        ("(a + b + c + x)^60", "1", "expert, column 2"),
        ("a*x", "exp(w*x", "gate, column 8"),
        ("2*pi*a*x", "1", "expert, column 3"),
    ] {
        let output = verify(at, &["identify", expert, "--gate", gate, "--out", "out"]);
        let error = text(&output.stderr);
        assert_eq!(code(&output), Some(2), "{expert}: {error}");
        assert!(error.starts_with("error: ") && error.contains(column) && error.lines().count() == 1, "{error}");
        assert!(output.stdout.is_empty() && !at.join("out").exists(), "{expert}");
    }
}

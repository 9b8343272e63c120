//! `verify loss` and `verify flow` as scripts see them: the documented JSON, `--at`, `--out`, and every kind of bad spec.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

const EXPLICIT: &str = "router = 'sigmoid'
hermite_order = 3
[student]
routers = [[0.5, 1.0, 0.0, 2.0], [0.0, 1.0, -1.0, 0.5]]
experts = [[1.0, 0.25, 0.5, 0.0], [2.0, 0.0, 0.0, -1.0]]
[teacher]
routers = [[1.0, 0.0, 0.0, 0.0]]
experts = [[0.0, 0.0, 3.0, 0.0]]
";
const EXPLICIT_JSON: &str = r#"{ "router": "sigmoid", "hermite_order": 3,
  "student": { "routers": [[0.5, 1, 0, 2], [0, 1, -1, 0.5]], "experts": [[1, 0.25, 0.5, 0], [2, 0, 0, -1]] },
  "teacher": { "routers": [[1, 0, 0, 0]], "experts": [[0, 0, 3, 0]] } }
"#;
const SAMPLED: &str = "dimension = 1e3\nstudents = 3\nteachers = 2\nseed = 1\nuntil = 20.0\ntolerance = 1e-8\n";
const SAMPLED_JSON: &str =
    r#"{ "dimension": 1000, "students": 3, "teachers": 2, "seed": 1, "until": 20, "tolerance": 1e-8 }"#;

fn verify(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(cargo_bin!("verify")).args(arguments).current_dir(directory).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A directory with the four good specs.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("explicit.toml", EXPLICIT),
        ("explicit.json", EXPLICIT_JSON),
        ("sampled.toml", SAMPLED),
        ("sampled.json", SAMPLED_JSON),
    ] {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

/// What a run that must succeed, and say nothing on stderr, printed.
fn good(directory: &Path, arguments: &[&str]) -> String {
    let output = verify(directory, arguments);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{arguments:?}");
    text(&output.stdout).to_string()
}

fn json(directory: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&good(directory, &[arguments, &["--format", "json"]].concat())).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// The lengths of a nest of arrays, each level checked to be even.
fn shape(value: &Value) -> Vec<usize> {
    let Some(items) = value.as_array() else {
        assert!(value.as_f64().is_some_and(f64::is_finite), "{value}");
        return Vec::new();
    };
    let inner: Vec<Vec<usize>> = items.iter().map(shape).collect();
    assert!(inner.windows(2).all(|pair| pair[0] == pair[1]), "ragged: {value}");
    std::iter::once(items.len()).chain(inner.first().into_iter().flatten().copied()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// Keys and shapes exactly as documented; TOML and JSON give the same bytes; a gradient is at right angles to its raw weights.
#[test]
fn loss_prints_loss_and_gradient() {
    let directory = directory();
    let directory = directory.path();
    let document = json(directory, &["loss", "explicit.toml"]);
    assert_eq!(keys(&document), ["gradient", "loss"]);
    assert_eq!(keys(&document["gradient"]), ["experts", "routers"]);
    assert!(document["loss"].as_f64().unwrap() > 0.1);
    assert_eq!(document, json(directory, &["loss", "explicit.json"]));
    let spec: Value = serde_json::from_str(EXPLICIT_JSON).unwrap();
    for part in ["routers", "experts"] {
        assert_eq!(shape(&document["gradient"][part]), [2, 4]);
        let rows = [&document["gradient"][part], &spec["student"][part]].map(|rows| rows.as_array().unwrap());
        for (gradient, weights) in rows[0].iter().zip(rows[1]) {
            let (gradient, weights) = (numbers(gradient), numbers(weights));
            assert!(gradient.iter().any(|g| g.abs() > 1e-3), "{gradient:?}");
            assert!(gradient.iter().zip(&weights).map(|(g, w)| g * w).sum::<f64>().abs() < 1e-13);
        }
    }
    // A sampled problem is printed in its reduced coordinates, 2·3 + 2·2.
    let document = json(directory, &["loss", "sampled.toml"]);
    assert_eq!(shape(&document["gradient"]["routers"]), [3, 10]);
    assert_eq!(document, json(directory, &["loss", "sampled.json"]));
    // The teacher itself has loss 0, whatever its raw norms.
    let twin = EXPLICIT.split("[teacher]").nth(1).unwrap();
    fs::write(directory.join("twin.toml"), format!("[student]{twin}[teacher]{twin}")).unwrap();
    assert!(json(directory, &["loss", "twin.toml"])["loss"].as_f64().unwrap().abs() < 1e-14);
}

const FLOW_KEYS: [&str; 11] = [
    "coordinates",
    "dimension",
    "evaluations",
    "events",
    "expert_overlaps",
    "loss",
    "router_expert",
    "router_overlaps",
    "signatures",
    "student_overlaps",
    "times",
];

#[test]
fn flow_prints_two_hundred_equally_spaced_times() {
    let directory = directory();
    let directory = directory.path();
    let document = json(directory, &["flow", "sampled.toml"]);
    assert_eq!(keys(&document), FLOW_KEYS);
    assert_eq!(document, json(directory, &["flow", "sampled.json"]));
    let times = numbers(&document["times"]);
    assert_eq!((times.len(), times[0], times[199]), (200, 0.0, 20.0));
    assert!(times.windows(2).all(|pair| (pair[1] - pair[0] - 20.0 / 199.0).abs() < 1e-12));
    for (key, expected) in [
        ("loss", &[200][..]),
        ("expert_overlaps", &[200, 3, 2]),
        ("router_overlaps", &[200, 3, 2]),
        ("student_overlaps", &[200, 3, 3]),
        ("router_expert", &[200, 3]),
    ] {
        assert_eq!(shape(&document[key]), expected, "{key}");
    }
    assert_eq!((&document["dimension"], &document["coordinates"]), (&Value::from(1000), &Value::from(10)));
    assert!(document["evaluations"].as_u64().unwrap() > 100);
    // Every event is of a documented kind with its keys, at the time where its overlap is ½ in size.
    let events = document["events"].as_array().unwrap();
    assert!(!events.is_empty());
    let at: Vec<String> = events.iter().map(|event| event["time"].to_string()).collect();
    let there = json(directory, &["flow", "sampled.toml", "--at", &at.join(",")]);
    for (k, event) in events.iter().enumerate() {
        let [student, teacher, other] =
            ["student", "teacher", "other"].map(|key| event[key].as_u64().map(|i| i as usize));
        let i = student.unwrap();
        let (overlap, partner) = match event["kind"].as_str().unwrap() {
            "expert-aligned" => (&there["expert_overlaps"][k][i][teacher.unwrap()], "teacher"),
            "router-aligned" => (&there["router_overlaps"][k][i][teacher.unwrap()], "teacher"),
            "anti-aligned" => (&there["student_overlaps"][k][i][other.unwrap()], "other"),
            kind => panic!("{kind}"),
        };
        assert_eq!(keys(event), {
            let mut keys = vec!["kind", "student", "time", partner];
            keys.sort_unstable();
            keys
        });
        let expected = if partner == "other" { -0.5 } else { 0.5 };
        assert!((overlap.as_f64().unwrap() - expected).abs() < 1e-6, "{event}: {overlap}");
    }
    for pair in events.windows(2) {
        assert!(pair[0]["time"].as_f64() <= pair[1]["time"].as_f64());
    }
}

/// The default end is three times the predicted first alignment; explicit weights flow as well, in at most their own coordinates.
#[test]
fn flow_follows_explicit_weights() {
    let directory = directory();
    let directory = directory.path();
    let document = json(directory, &["flow", "explicit.json"]);
    assert_eq!(document, json(directory, &["flow", "explicit.toml"]));
    assert_eq!(keys(&document), FLOW_KEYS);
    assert_eq!((&document["dimension"], &document["coordinates"]), (&Value::from(4), &Value::from(4)));
    assert_eq!(shape(&document["expert_overlaps"]), [200, 2, 1]);
    let loss = numbers(&document["loss"]);
    let expected = json(directory, &["loss", "explicit.json"])["loss"].as_f64().unwrap();
    assert!((loss[0] - expected).abs() < 1e-12 * expected, "{} {expected}", loss[0]);
    assert!(loss[199] < loss[0]);
    // v̄_0·w̄_0 = (0.5 + 0.25)/(√5.25 √1.3125) at the start.
    let own = document["router_expert"][0][0].as_f64().unwrap();
    assert!((own - 0.75 / (5.25_f64 * 1.3125).sqrt()).abs() < 1e-14, "{own}");
}

/// `--at` in any order, from 0 to beyond `until`, which it then extends; the same states as a flow that went there anyway.
#[test]
fn flow_prints_the_times_asked_for() {
    let directory = directory();
    let directory = directory.path();
    let document = json(directory, &["flow", "sampled.toml", "--at", "45,0,1e1"]);
    assert_eq!(numbers(&document["times"]), [0.0, 10.0, 45.0]);
    assert_eq!(shape(&document["student_overlaps"]), [3, 3, 3]);
    fs::write(directory.join("long.toml"), SAMPLED.replace("20.0", "45.0")).unwrap();
    let long = json(directory, &["flow", "long.toml", "--at", "0,10,45"]);
    for k in 0..3 {
        for i in 0..3 {
            for j in 0..2 {
                let [a, b] = [&document, &long].map(|flow| flow["expert_overlaps"][k][i][j].as_f64().unwrap());
                // Each is known to the tolerance of 1e-8.
                assert!((a - b).abs() <= 2e-8, "{k} {i} {j}: {a} {b}");
            }
        }
    }
    // Events are those up to the last time, not only up to `until`.
    assert_eq!(document["events"].as_array().unwrap().len(), long["events"].as_array().unwrap().len());
    assert_eq!(numbers(&json(directory, &["flow", "sampled.toml", "--at", "0"])["times"]), [0.0]);
}

/// Two students that start at overlap 0.3 with the first of two teachers share it, and the second one is left; a recovered teacher beside a dormant student is
/// no failure.
#[test]
fn flow_names_the_failures_of_its_last_state() {
    let directory = directory();
    let spec = |experts: &str| {
        format!(
            "[student]\nrouters = [[0, 0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0, 0]]\nexperts = [{experts}]\n[teacher]\n\
             routers = [[1, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0]]\nexperts = [[0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 0]]\n"
        )
    };
    let named = |experts: &str| {
        fs::write(directory.path().join("failure.toml"), spec(experts)).unwrap();
        json(directory.path(), &["flow", "failure.toml", "--at", "30"])["signatures"].clone()
    };
    let found = named("[0, 0, 0.3, 0, 0, 0, 0.95, 0], [0, 0, 0.3, 0, 0, 0, 0, 0.96]");
    let all = found.as_array().unwrap().iter().find(|signature| signature["kind"] == "all-on-one-teacher");
    assert_eq!(all.map(|signature| &signature["teacher"]), Some(&Value::from(0)), "{found}");
    assert_eq!(named("[0, 0, 0.3, 0, 0, 0, 0.95, 0], [0, 0, 0, 0.3, 0, 0, 0, 0.96]"), Value::Array(Vec::new()));
}

#[test]
fn out_holds_the_flow_whole() {
    let directory = directory();
    let directory = directory.path();
    let printed = json(directory, &["flow", "sampled.toml", "--out", "a/b"]);
    let out = directory.join("a/b");
    let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let expected = ["expert-overlaps.csv", "expert-overlaps.svg", "json", "router-overlaps.csv", "router-overlaps.svg"];
    assert_eq!(names, expected.map(|name| std::ffi::OsString::from(format!("flow.{name}"))));
    let file: Value = serde_json::from_slice(&fs::read(out.join("flow.json")).unwrap()).unwrap();
    assert_eq!(file, printed);
    for what in ["expert", "router"] {
        let csv = fs::read_to_string(out.join(format!("flow.{what}-overlaps.csv"))).unwrap();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 201);
        // t, then the six pairs, with the numbers of the JSON.
        let last: Vec<f64> = lines[200].split(',').map(|x| x.parse().unwrap()).collect();
        let overlaps = printed[format!("{what}_overlaps")][199].as_array().unwrap();
        let overlaps: Vec<f64> = overlaps.iter().flat_map(numbers).collect();
        assert_eq!(last, [&[20.0][..], &overlaps].concat());
        let svg = fs::read_to_string(out.join(format!("flow.{what}-overlaps.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }
}

#[test]
fn text_and_markdown_say_what_a_reader_wants_first() {
    let directory = directory();
    let directory = directory.path();
    for format in ["text", "markdown"] {
        let loss = good(directory, &["loss", "explicit.toml", "--format", format]);
        assert!(loss.to_lowercase().contains("population loss"), "{loss}");
        for head in ["student", "|dL/dv|", "|dL/dw|"] {
            assert!(loss.replace('\\', "").contains(head), "{format}: {head} is not in {loss}");
        }
        let flow = good(directory, &["flow", "sampled.toml", "--format", format]);
        for fragment in [
            "3 students, 2 teachers",
            "dimension 1000",
            "10 coordinates",
            "loss",
            "overlaps known to",
            "expert-aligned",
        ] {
            assert!(flow.contains(fragment), "{format}: {fragment} is not in {flow}");
        }
    }
    assert_eq!(
        good(directory, &["loss", "explicit.toml"]),
        good(directory, &["loss", "explicit.toml", "--format", "text"])
    );
}

/// Every kind of bad spec, for both commands: status 2, one line on stderr that starts with `error:` and names the file, the place, what was found and what is
/// allowed; nothing on stdout, no file and no `--out` directory. The good spec that each was made from still works.
#[test]
fn a_bad_spec_is_named_and_leaves_nothing_behind() {
    let directory = directory();
    let directory = directory.path();
    // (name, content, fragments of the message)
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("ending.yaml", EXPLICIT.into(), &["\".yaml\"", ".toml or .json"]),
        ("none", EXPLICIT.into(), &["ending", ".toml or .json"]),
        ("json.toml", EXPLICIT_JSON.into(), &["line 1"]),
        ("toml.json", EXPLICIT.into(), &["line 1, column 1"]),
        ("empty.toml", String::new(), &["dimension is missing", "student and teacher"]),
        ("empty.json", String::new(), &["line 1"]),
        (
            "key.toml",
            format!("hermit_order = 3\n{EXPLICIT}"),
            &["line 1, column 1", "`hermit_order`", "`hermite_order`"],
        ),
        ("key.json", SAMPLED_JSON.replace("seed", "sede"), &["line 1", "`sede`", "`seed`"]),
        (
            "inner.toml",
            EXPLICIT.replace("[teacher]", "weights = [[1.0]]\n[teacher]"),
            &["student.weights", "`routers` or `experts`"],
        ),
        ("router.toml", EXPLICIT.replace("sigmoid", "softmax"), &["router", "softmax", "`sigmoid`", "`gaussian-cdf`"]),
        ("router.json", EXPLICIT_JSON.replace("sigmoid", "softmax"), &["router", "softmax", "`tanh`"]),
        ("word.toml", EXPLICIT.replace("-1.0]]", "'x']]"), &["student.experts[1][3]", "\"x\"", "expected f64"]),
        (
            "flat.toml",
            EXPLICIT.replace("[[0.0, 0.0, 3.0, 0.0]]", "[3.0]"),
            &["teacher.experts[0]", "expected a sequence"],
        ),
        ("ragged.toml", EXPLICIT.replace("-1.0, 0.5]]", "-1.0]]"), &["student.routers[1] has 3 numbers; 4 are needed"]),
        (
            "ragged.json",
            EXPLICIT_JSON.replace("[[0, 0, 3, 0]]", "[[0, 0, 3]]"),
            &["teacher.experts[0] has 3 numbers; 4 are needed"],
        ),
        (
            "unpaired.toml",
            EXPLICIT.replace(", [2.0, 0.0, 0.0, -1.0]]", "]"),
            &["student.experts has 1 rows", "student.routers has 2"],
        ),
        (
            "zero.toml",
            EXPLICIT.replace("3.0", "0.0"),
            &["teacher.experts[0] is a zero vector", "a direction is needed"],
        ),
        (
            "zero.json",
            EXPLICIT_JSON.replace("[2, 0, 0, -1]", "[0, 0, 0, -0.0]"),
            &["student.experts[1] is a zero vector"],
        ),
        ("infinite.toml", EXPLICIT.replace("0.25", "inf"), &["student.experts[0][1] is inf", "finite number"]),
        ("nan.toml", EXPLICIT.replace("0.25", "nan"), &["student.experts[0][1] is NaN", "finite number"]),
        ("huge.json", EXPLICIT_JSON.replace("0.25", "1e999"), &["student.experts[0][1]", "line 2", "out of range"]),
        ("huge.toml", EXPLICIT.replace("0.25", "1e301"), &["student.experts[0] has norm 1e301", "1e-300 to 1e300"]),
        (
            "tiny.toml",
            EXPLICIT.replace("3.0, 0.0]]", "1e-305, 0.0]]"),
            &["teacher.experts[0] has norm 1e-305", "1e-300 to 1e300"],
        ),
        (
            "students.toml",
            EXPLICIT_JSON.split('{').next().unwrap().to_string()
                + "[student]\nrouters = []\nexperts = []\n[teacher]\nrouters = [[1.0]]\nexperts = [[1.0]]\n",
            &["student.routers has no rows", "at least one"],
        ),
        (
            "teachers.json",
            EXPLICIT_JSON.replace("[[1, 0, 0, 0]]", "[]"),
            &["teacher.routers has no rows", "at least one"],
        ),
        ("order.toml", EXPLICIT.replace("order = 3", "order = 7"), &["hermite_order is 7", "1 to 6"]),
        (
            "order.json",
            EXPLICIT_JSON.replace("\"hermite_order\": 3", "\"hermite_order\": 0"),
            &["hermite_order is 0", "1 to 6"],
        ),
        ("half.toml", EXPLICIT.replace("order = 3", "order = 2.5"), &["hermite_order", "2.5", "whole number"]),
        ("negative.json", SAMPLED_JSON.replace("1000", "-1000"), &["dimension", "-1000", "whole number"]),
        (
            "small.toml",
            SAMPLED.replace("1e3", "9"),
            &["dimension is 9; 10 (2 students + 2 teachers) to 1000000000000000"],
        ),
        (
            "large.json",
            SAMPLED_JSON.replace("1000", "1000000000000001"),
            &["dimension is 1000000000000001", "to 1000000000000000"],
        ),
        ("nobody.toml", SAMPLED.replace("students = 3", "students = 0"), &["students is 0; at least one"]),
        ("untaught.json", SAMPLED_JSON.replace("\"teachers\": 2", "\"teachers\": 0"), &["teachers is 0; at least one"]),
        (
            "crowd.toml",
            SAMPLED.replace("students = 3", "students = 1e9"),
            &["students + teachers is 1000000002", "at most 2000"],
        ),
        (
            "scale.toml",
            format!("student_overlap = 2\n{SAMPLED}"),
            &["student_overlap is 2", "0 (orthogonal) to 1 (random)"],
        ),
        (
            "half-given.toml",
            EXPLICIT.split("[teacher]").next().unwrap().into(),
            &["teacher is missing", "student and teacher"],
        ),
        (
            "half-sampled.toml",
            SAMPLED.replace("students = 3\n", ""),
            &["students is missing", "dimension, students and teachers"],
        ),
        (
            "mixed.toml",
            format!("dimension = 100\n{EXPLICIT}"),
            &["dimension is given beside explicit weights", "sampled problem"],
        ),
        ("mixed.json", EXPLICIT_JSON.replacen('{', "{ \"seed\": 1, ", 1), &["seed is given beside explicit weights"]),
        ("until.toml", SAMPLED.replace("20.0", "-1"), &["until is -1", "positive finite time"]),
        ("tolerance.toml", SAMPLED.replace("1e-8", "1.0"), &["tolerance is 1", "1e-14 to 1e-2"]),
        ("twice.toml", format!("{SAMPLED}seed = 2\n"), &["line 7", "duplicate key"]),
        ("twice.json", SAMPLED_JSON.replace("\"seed\": 1", "\"seed\": 1, \"seed\": 2"), &["seed", "duplicate field"]),
        ("after.json", format!("{SAMPLED_JSON} x"), &["text after the value"]),
    ];
    for (name, content, fragments) in &cases {
        let (good, original) =
            [("explicit.toml", EXPLICIT), ("explicit.json", EXPLICIT_JSON), ("sampled.toml", SAMPLED)]
                .into_iter()
                .find(|(file, _)| name.ends_with(&file[file.len() - 5..]))
                .unwrap_or(("explicit.toml", ""));
        assert_ne!(content, original, "{name} is not bad");
        fs::write(directory.join(name), content).unwrap();
        for arguments in [&["loss", name][..], &["flow", name, "--out", "made"], &["flow", name, "--format", "json"]] {
            refused(directory, arguments, name, fragments);
        }
        fs::remove_file(directory.join(name)).unwrap();
        assert!(verify(directory, &["loss", good]).status.success(), "{good} beside {name}");
    }
    for (name, fragments) in [("absent.toml", &["cannot be read"][..]), ("absent.json", &["cannot be read"])] {
        refused(directory, &["loss", name], name, fragments);
        refused(directory, &["flow", name, "--out", "made"], name, fragments);
    }
    let mut left: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["explicit.json", "explicit.toml", "sampled.json", "sampled.toml"]);
}

fn refused(directory: &Path, arguments: &[&str], name: &str, fragments: &[&str]) {
    let output = verify(directory, arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert!(message.starts_with("error: ") && message.ends_with('\n'), "{arguments:?}: {message}");
    assert_eq!(message.lines().count(), 1, "{arguments:?}: {message}");
    for fragment in fragments.iter().chain([&name]) {
        assert!(message.contains(fragment), "{arguments:?}: {fragment} is not in {message}");
    }
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    assert!(!directory.join("made").exists(), "{arguments:?}");
}

/// `--at` and `--out` that cannot be used, beside a good spec.
#[test]
fn bad_arguments_of_flow_are_named() {
    let directory = directory();
    let directory = directory.path();
    fs::write(directory.join("file"), "").unwrap();
    for (arguments, fragments) in [
        (&["--at", "1,-2"][..], &["--at", "-2", "at least 0"][..]),
        (&["--at", "1,nan"], &["--at", "nan", "finite"]),
        (&["--at", "inf"], &["--at", "inf", "finite"]),
        (&["--at", "1;2"], &["--at", "1;2"]),
        (&["--at", ""], &["--at"]),
        (&["--out", "file"], &["--out file", "a directory to write to"]),
        (&["--out", "file/below"], &["--out file/below", "a directory to write to"]),
    ] {
        let output = verify(directory, &[&["flow", "sampled.toml"], arguments].concat());
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.starts_with("error: "), "{message}");
        for fragment in fragments {
            assert!(message.contains(fragment), "{arguments:?}: {fragment} is not in {message}");
        }
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
    }
    assert_eq!(fs::read(directory.join("file")).unwrap(), b"");
    good(directory, &["flow", "sampled.toml", "--at", "1,2"]);
}

/// A tolerance that rounding keeps out of reach is an internal failure, told as such.
#[test]
fn a_flow_that_misses_its_tolerance_says_so() {
    let directory = directory();
    let directory = directory.path();
    let spec = "dimension = 1e6\nstudents = 2\nteachers = 1\nseed = 1\nuntil = 205.0\ntolerance = 1e-14\n";
    fs::write(directory.join("fine.toml"), spec).unwrap();
    let output = verify(directory, &["flow", "fine.toml"]);
    let message = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(4), ""), "{message}");
    assert!(message.starts_with("error: overlaps are known to") && message.contains("1.0e-14"), "{message}");
}

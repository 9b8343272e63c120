//! Data and specs as they are read: harmless forms are, and what is refused is named by its place, with what is allowed there.

use std::fs;

use super::sample::{TRUTH, tanh_data};
use super::{fit, json, text, verify};

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

//! Specs as users write them: what is read, what is filled in, and what is refused with which words.

use moe_kernels::Router;
use moe_theory::soft_routed::{InitialError, InitialLaw, ModelError, Place, Spec, SpecError};

const EXPLICIT: &str = r#"
[student]
routers = [[1, 0.0, 0], [0, 1, 0]]
experts = [[0, 0, 2.0], [0, 3, 4]]
[teacher]
routers = [[1, 1, 0]]
experts = [[0, 0, 1]]
"#;
const SAMPLED: &str = "dimension = 100\nstudents = 3\nteachers = 2\n";

fn read(text: &str) -> Result<Spec, String> {
    toml::from_str(text).map_err(|error| error.message().to_string())
}

fn good(text: &str) -> Spec {
    read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The explicit spec with one line changed.
fn explicit(from: &str, to: &str) -> Spec {
    assert!(EXPLICIT.contains(from), "{from}");
    good(&EXPLICIT.replace(from, to))
}

#[test]
fn a_spec_has_defaults() {
    let spec = good(SAMPLED);
    assert_eq!((spec.router, spec.hermite_order), (Router::Sigmoid, 3));
    assert_eq!(
        (spec.seed, spec.student_overlap, spec.orthogonal, spec.until, spec.tolerance),
        (None, None, None, None, None)
    );
    assert_eq!(spec.tolerance(), 1e-9);
    let start = spec.start().unwrap();
    assert_eq!(start.state(), InitialLaw::new(3, 3, 2, 100).sample(0, 0).unwrap().state());
    assert!(start.norms().iter().all(|norm| *norm == 1.0));
    assert_eq!((start.students(), start.teachers(), start.coordinates(), start.dimension), (3, 2, 10, 100));
    assert_eq!(spec.until(&start), 3.0 * start.predicted_alignment().unwrap());
}

/// Where the law predicts no alignment (tanh has `A_0 = 0`; a start that is aligned already), a flow is followed for 100 time units.
#[test]
fn without_a_prediction_a_flow_takes_a_hundred_time_units() {
    let spec = good(&format!("router = 'tanh'\n{SAMPLED}"));
    assert_eq!(spec.until(&spec.start().unwrap()), 100.0);
    let spec = good(EXPLICIT);
    assert_eq!(spec.start().unwrap().predicted_alignment(), Some(0.0));
    assert_eq!(spec.until(&spec.start().unwrap()), 100.0);
}

#[test]
fn everything_that_is_given_is_used() {
    let text = "router = 'gaussian-cdf'\nhermite_order = 2\ndimension = 50\nstudents = 4\nteachers = 1\nseed = 17\n\
                student_overlap = 0.5\northogonal = false\nuntil = 12.5\ntolerance = 1e-6\n";
    let spec = good(text);
    let start = spec.start().unwrap();
    let law = InitialLaw {
        router: Router::GaussianCdf,
        student_overlap: 0.5,
        orthogonal: false,
        ..InitialLaw::new(2, 4, 1, 50)
    };
    assert_eq!(start.state(), law.sample(17, 0).unwrap().state());
    assert_eq!((start.router, start.order), (Router::GaussianCdf, 2));
    assert_eq!((spec.until(&start), spec.tolerance()), (12.5, 1e-6));
    for router in Router::ALL {
        assert_eq!(good(&format!("router = '{router}'\n{SAMPLED}")).router, router);
    }
}

#[test]
fn explicit_weights_keep_their_rows() {
    let model = good(EXPLICIT).model().unwrap();
    assert_eq!((model.student.count(), model.teacher.count(), model.student.dimension()), (2, 1, 3));
    assert_eq!((model.student.router(1), model.student.expert(1)), (&[0.0, 1.0, 0.0][..], &[0.0, 3.0, 4.0][..]));
    assert_eq!((model.teacher.router(0), model.teacher.expert(0)), (&[1.0, 1.0, 0.0][..], &[0.0, 0.0, 1.0][..]));
    assert_eq!(good(EXPLICIT).start().unwrap().norms(), [1.0, 1.0, 2.0, 5.0]);
}

/// TOML and JSON are one format.
#[test]
fn json_reads_as_toml_does() {
    let json: Spec =
        serde_json::from_str(r#"{"dimension": 100, "students": 3, "teachers": 2, "seed": 0, "until": 5}"#).unwrap();
    assert_eq!(json.start().unwrap().state(), good(SAMPLED).start().unwrap().state());
    assert_eq!(json.until, Some(5.0));
    let units = r#"{"routers": [[1, 0]], "experts": [[0, 1.5]]}"#;
    let json: Spec = serde_json::from_str(&format!(r#"{{"student": {units}, "teacher": {units}}}"#)).unwrap();
    assert_eq!(json.model().unwrap().student.expert(0), [0.0, 1.5]);
}

/// `1e15` and `1000000000000000` are the same count; a fraction, a negative number and a word are none.
#[test]
fn whole_numbers_may_have_an_exponent() {
    for (text, expected) in
        [("1e4", 10_000), ("1e15", 1_000_000_000_000_000), ("12.0", 12), ("12", 12), ("0", 0), ("0.0", 0)]
    {
        assert_eq!(good(&format!("dimension = {text}")).dimension, Some(expected), "{text}");
        let json: Spec = serde_json::from_str(&format!(r#"{{"dimension": {text}}}"#)).unwrap();
        assert_eq!(json.dimension, Some(expected), "{text}");
    }
    let seed: Spec = serde_json::from_str(r#"{"seed": 18446744073709551615}"#).unwrap();
    assert_eq!(seed.seed, Some(u64::MAX));
    for text in ["1.5", "-1", "-1.0", "1e300", "inf", "nan", "'12'", "true", "[1]"] {
        for key in ["dimension", "students", "teachers", "seed", "hermite_order"] {
            let message = read(&format!("{key} = {text}")).unwrap_err();
            assert!(message.contains("whole number"), "{key} = {text}: {message}");
        }
    }
    // Beyond 2⁵³ a float may stand for several counts.
    assert_eq!(good("seed = 9007199254740992.0").seed, Some(1 << 53));
    let message = read("seed = 1e16").unwrap_err();
    assert!(message.contains("10000000000000000") && message.contains("at most 9007199254740992"), "{message}");
}

#[test]
fn what_cannot_be_read_is_named_with_what_is_allowed() {
    for (text, fragments) in [
        ("dimensoin = 100", &["dimensoin", "expected one of", "dimension", "hermite_order"][..]),
        ("[student]\nrouters = [[1]]\nexperts = [[1]]\nnorms = [1]", &["norms", "routers", "experts"]),
        ("[student]\nrouters = [[1]]", &["experts"]),
        ("[student]\nexperts = [[1]]", &["routers"]),
        ("router = 'relu'", &["relu", "sigmoid", "tanh", "gaussian-cdf"]),
        ("router = 3", &["integer `3`", "string"]),
        ("orthogonal = 1", &["integer `1`", "boolean"]),
        ("until = 'long'", &["long", "f64"]),
        ("tolerance = [1]", &["sequence", "f64"]),
        ("[student]\nrouters = [1]\nexperts = [[1]]", &["integer `1`", "sequence"]),
        ("[student]\nrouters = [[1, 'x']]\nexperts = [[1]]", &["\"x\"", "f64"]),
    ] {
        let message = read(text).unwrap_err();
        for fragment in fragments {
            assert!(message.contains(fragment), "{text}: {fragment} is not in {message}");
        }
    }
}

/// Every [`ModelError`], at its place, from `model` and from `start`.
#[test]
fn weights_that_are_no_weights_are_refused_at_their_place() {
    let at = |side, part, row| Place { side, part, row };
    let student = |part, row| at("student", part, row);
    for (spec, expected, message) in [
        (
            explicit("[[1, 0.0, 0], [0, 1, 0]]", "[]"),
            ModelError::Empty { side: "student", part: "routers" },
            "student.routers has no rows; at least one is needed",
        ),
        (
            explicit("[[0, 0, 1]]", "[]"),
            ModelError::Empty { side: "teacher", part: "experts" },
            "teacher.experts has no rows; at least one is needed",
        ),
        (
            explicit("[0, 1, 0]]", "[0, 1]]"),
            ModelError::Ragged { place: student("routers", 1), found: 2, expected: 3 },
            "student.routers[1] has 2 numbers; 3 are needed, as in the rows before",
        ),
        (
            explicit("[[1, 1, 0]]", "[[1, 1, 0, 5]]"),
            ModelError::Ragged { place: at("teacher", "routers", 0), found: 4, expected: 3 },
            "teacher.routers[0] has 4 numbers; 3 are needed, as in the rows before",
        ),
        (
            explicit("[[0, 0, 2.0], [0, 3, 4]]", "[[0, 0, 2.0]]"),
            ModelError::Unpaired { side: "student", routers: 2, experts: 1 },
            "student.experts has 1 rows, student.routers has 2; as many of one as of the other are needed",
        ),
        (
            explicit("[[0, 0, 1]]", "[[0, 0, 1], [1, 0, 0]]"),
            ModelError::Unpaired { side: "teacher", routers: 1, experts: 2 },
            "teacher.experts has 2 rows, teacher.routers has 1; as many of one as of the other are needed",
        ),
        (
            explicit("[0, 3, 4]", "[0, inf, 4]"),
            ModelError::NotFinite { place: student("experts", 1), column: 1, found: f64::INFINITY },
            "student.experts[1][1] is inf; a finite number is needed",
        ),
        (
            explicit("[[1, 1, 0]]", "[[1, 1, -inf]]"),
            ModelError::NotFinite { place: at("teacher", "routers", 0), column: 2, found: f64::NEG_INFINITY },
            "teacher.routers[0][2] is -inf; a finite number is needed",
        ),
        (
            explicit("[0, 3, 4]", "[0, 0.0, 0]"),
            ModelError::Zero { place: student("experts", 1) },
            "student.experts[1] is a zero vector; weights are normalised inside the model, so a direction is needed",
        ),
        (
            explicit("[[0, 0, 1]]", "[[0, -0.0, 0]]"),
            ModelError::Zero { place: at("teacher", "experts", 0) },
            "teacher.experts[0] is a zero vector; weights are normalised inside the model, so a direction is needed",
        ),
        (
            explicit("[0, 3, 4]", "[0, 3e-310, 0]"),
            ModelError::Norm { place: student("experts", 1), norm: 3e-310 },
            "student.experts[1] has norm 3e-310; norms from 1e-300 to 1e300 are allowed",
        ),
        (
            explicit("[[1, 0.0, 0]", "[[1e301, 0.0, 0]"),
            ModelError::Norm { place: student("routers", 0), norm: 1e301 },
            "student.routers[0] has norm 1e301; norms from 1e-300 to 1e300 are allowed",
        ),
        (
            explicit("[student]", "hermite_order = 0\n[student]"),
            ModelError::Order { found: 0 },
            "hermite_order is 0; 1 to 6 are allowed",
        ),
        (
            explicit("[student]", "hermite_order = 7\n[student]"),
            ModelError::Order { found: 7 },
            "hermite_order is 7; 1 to 6 are allowed",
        ),
    ] {
        let expected = SpecError::Model(expected);
        assert_eq!(expected.to_string(), message);
        assert_eq!(spec.model().map(|_| ()), Err(expected.clone()));
        assert_eq!(spec.start().map(|_| ()), Err(expected));
    }
    // NaN equals nothing.
    let outcome = explicit("[0, 3, 4]", "[0, 3, nan]").model().map(|_| ());
    let Err(SpecError::Model(error @ ModelError::NotFinite { .. })) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.to_string(), "student.experts[1][2] is NaN; a finite number is needed");
}

/// Norms at the edge of what is allowed, and components that overflow when squared, are fine.
#[test]
fn extreme_norms_within_bounds_are_accepted() {
    for (from, to) in
        [("[0, 3, 4]", "[0, 3e200, 4e200]"), ("[0, 3, 4]", "[0, 1e300, 0]"), ("[0, 3, 4]", "[0, 0, 1e-300]")]
    {
        let spec = explicit(from, to);
        assert!(spec.model().is_ok() && spec.start().is_ok(), "{to}");
    }
    let norm = explicit("[0, 3, 4]", "[0, 3e200, 4e200]").start().unwrap().norms()[3];
    assert!((norm / 5e200 - 1.0).abs() < 1e-15, "{norm:e}");
}

/// Each key that its companions ask for, and each that belongs to the other kind of spec.
#[test]
fn the_two_kinds_of_spec_do_not_mix() {
    let outcome = |text: &str| good(text).model().map(|_| ()).unwrap_err();
    let [student, teacher] =
        ["student", "teacher"].map(|side| format!("[{side}]\nrouters = [[1, 0]]\nexperts = [[0, 1]]\n"));
    for (text, key) in [
        (student.as_str(), "teacher"),
        (teacher.as_str(), "student"),
        ("", "dimension"),
        ("dimension = 100", "students"),
        ("dimension = 100\nstudents = 3", "teachers"),
        ("students = 3\nteachers = 2", "dimension"),
    ] {
        let error = outcome(text);
        assert_eq!(error, SpecError::Missing { key }, "{text}");
        assert!(error.to_string().starts_with(&format!("{key} is missing; ")), "{error}");
    }
    for given in
        ["dimension = 100", "students = 3", "teachers = 2", "seed = 1", "student_overlap = 0.5", "orthogonal = true"]
    {
        let key = given.split(' ').next().unwrap();
        for text in
            [format!("{given}\n{student}{teacher}"), format!("{given}\n{student}"), format!("{given}\n{teacher}")]
        {
            let error = outcome(&text);
            assert!(matches!(error, SpecError::Conflict { key: found } if found == key), "{text}: {error}");
            assert!(error.to_string().starts_with(&format!("{key} is given beside explicit weights")), "{error}");
        }
    }
    // What a flow takes goes with both.
    for text in
        [format!("until = 3\ntolerance = 1e-6\n{student}{teacher}"), format!("until = 3\ntolerance = 1e-6\n{SAMPLED}")]
    {
        assert!(good(&text).model().is_ok() && good(&text).start().is_ok());
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (line, key, allowed) in [
        ("until = 0", "until", "a positive finite time is allowed"),
        ("until = -1.5", "until", "a positive finite time is allowed"),
        ("until = inf", "until", "a positive finite time is allowed"),
        ("until = nan", "until", "a positive finite time is allowed"),
        ("tolerance = 0", "tolerance", "1e-14 to 1e-2 is allowed"),
        ("tolerance = 0.1", "tolerance", "1e-14 to 1e-2 is allowed"),
        ("tolerance = nan", "tolerance", "1e-14 to 1e-2 is allowed"),
        ("tolerance = -1e-9", "tolerance", "1e-14 to 1e-2 is allowed"),
        ("until = 1\ntolerance = 1", "tolerance", "1e-14 to 1e-2 is allowed"),
    ] {
        for rest in [SAMPLED, EXPLICIT] {
            let spec = good(&format!("{line}\n{rest}"));
            for outcome in [spec.model().map(|_| ()), spec.start().map(|_| ())] {
                let Err(error @ SpecError::Range { key: found, .. }) = outcome else { panic!("{line}: {outcome:?}") };
                assert_eq!(found, key);
                assert!(error.to_string().ends_with(allowed), "{error}");
            }
        }
    }
}

/// Every error of the law of a sampled problem comes through with the spec's own key.
#[test]
fn a_problem_that_cannot_be_sampled_is_refused() {
    for (from, to, expected) in [
        ("students = 3", "students = 0", InitialError::NoStudents),
        ("teachers = 2", "teachers = 0", InitialError::NoTeachers),
        ("students = 3", "students = 1e6", InitialError::TooMany { found: 1_000_002 }),
        ("dimension = 100", "dimension = 9", InitialError::Dimension { found: 9, least: 10 }),
        (
            "dimension = 100",
            "dimension = 10_000_000_000_000_000",
            InitialError::Dimension { found: 10_000_000_000_000_000, least: 10 },
        ),
        ("dimension = 100", "dimension = 100\nhermite_order = 7", InitialError::Order { found: 7 }),
        ("dimension = 100", "dimension = 100\nstudent_overlap = 1.5", InitialError::StudentOverlap { found: 1.5 }),
    ] {
        let key = to.rsplit('\n').next().unwrap().split(' ').next().unwrap();
        let spec = good(&SAMPLED.replace(from, to));
        assert!(expected.to_string().contains(key), "{expected}");
        assert_eq!(spec.model().map(|_| ()), Err(SpecError::Initial(expected.clone())));
        assert_eq!(spec.start().map(|_| ()), Err(SpecError::Initial(expected)));
    }
    assert!(good(&SAMPLED.replace("100", "10")).start().is_ok());
}

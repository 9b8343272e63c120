//! Certificates of every kind, true and forged.

use super::super::certificate::{CertificateError, compare};
use super::super::spectrum::spectrum_certificate;
use super::*;
use crate::rigor::{AtomText, Mixture};
use crate::symbolic::{Fit, Partial, cone_test, identify, region_certificate};
use dashu_ratio::RBig;
use std::collections::BTreeMap;

const TRUE: [[f64; 2]; 4] =
    [[0.269017448, 0.269017449], [5.2808226, 5.2808227], [1.8144097, 1.8144098], [6.4726717, 6.4726718]];

fn spectrum() -> String {
    spectrum_certificate(3, 192, TRUE).unwrap()
}

#[test]
fn a_true_claim_is_accepted_and_a_shifted_one_is_false() {
    let accepted = recheck(&spectrum()).unwrap();
    assert!(accepted.accept[0] <= accepted.interval[0] && accepted.interval[1] <= accepted.accept[1]);
    assert!(accepted.interval[1] - accepted.interval[0] < 1e-15);
    for i in 0..4 {
        let mut claimed = TRUE;
        claimed[i] = claimed[i].map(|x| x + 1e-6);
        let refused = recheck(&spectrum_certificate(3, 192, claimed).unwrap());
        assert!(matches!(refused, Err(CertificateError::False { .. })), "{refused:?}");
    }
}

/// Any single character changed, a line dropped, doubled or moved: refused, all of them.
#[test]
fn whatever_is_altered_is_refused() {
    let text = spectrum_certificate(3, 64, TRUE).unwrap();
    assert!(recheck(&text).is_ok());
    for at in (0..text.len()).step_by(29) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        let altered = String::from_utf8(bytes).unwrap();
        assert!(recheck(&altered).is_err(), "character {at}");
    }
    let lines: Vec<&str> = text.lines().collect();
    for skip in 0..lines.len() {
        let shorter: String =
            lines.iter().enumerate().filter(|(i, _)| *i != skip).map(|(_, l)| format!("{l}\n")).collect();
        assert!(recheck(&shorter).is_err(), "without line {skip}");
    }
    for altered in [text.clone() + "\n", text.trim_end().to_string(), text.replace('\n', "\r\n"), String::new()] {
        assert!(recheck(&altered).is_err());
    }
}

#[test]
fn what_cannot_be_claimed_makes_no_certificate() {
    let mut claimed = TRUE;
    claimed[2][1] = f64::NAN;
    assert_eq!(spectrum_certificate(3, 192, claimed), None);
    assert_eq!(spectrum_certificate(2, 192, TRUE), None);
    assert_eq!(spectrum_certificate(3, 8, TRUE), None);
}

/// With the sum that the other lines have.
pub(super) fn repaired(text: &str) -> String {
    repaired_lines(&text.lines().filter(|line| !line.starts_with("checksum")).collect::<Vec<_>>())
}

/// The last line is the sum, or gets one.
fn repaired_lines(lines: &[&str]) -> String {
    let lines = match lines {
        [before @ .., last] if last.starts_with("checksum") => before,
        all => all,
    };
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let sum = body
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{body}checksum {sum:016x}\n")
}

pub(super) fn grid() -> Vec<Vec<RBig>> {
    (-12..=15).map(|k| vec![RBig::from_parts(k.into(), 6u8.into())]).collect()
}

pub(super) fn two_atoms(gate: &str, global: BTreeMap<String, RBig>) -> Mixture {
    let atom = |[w, a]: [&str; 2]| AtomText {
        weight: "1".into(),
        parameters: [("w", w), ("a", a)].map(|(name, value)| (name.into(), value.into())).into(),
    };
    Mixture {
        gate: gate.into(),
        expert: "tanh(a*x)".into(),
        global,
        truth: vec![atom(["1", "2"]), atom(["0", "-1"])],
        overfitted: vec![0],
    }
}

/// A line too many, twice, out of its place or of what nothing else speaks of, put after the line of a certificate that begins as told, or in its place: refused for that line, before anything is computed.
#[test]
fn surplus_and_contradiction_are_refused_by_their_line() {
    let half = |n: i64| RBig::from_parts(n.into(), 2u8.into());
    let span = identify("a*x + b", "exp(w*x)", 2).unwrap().certificate;
    let functions = [Partial::whole("tanh(a*x + b)"), Partial::new("tanh(a*x + b)", "b")];
    let sides = [("a", [half(2), half(3)]), ("b", [half(0), half(1)])];
    let region = region_certificate(&functions, &sides, 3, 128, RBig::ZERO, 99).unwrap();
    let identity = repaired(
        "moe-verify certificate 1\nclaim identity\nfunction w,b exp(w*x)*(a*x + b)\nfunction a exp(w*x)*(a*x + b)\nterm 1 1\nterm 2 -1\n",
    );
    let flat = repaired(
        "moe-verify certificate 1\nclaim flat\ngate exp(w*x)\nexpert a*x+b\ncurve s\natom v a=a b=b w=w\nfitted 1 v/2 a=a b=b+s w=w\nfitted 1 v/2 a=a b=b-s w=w\n",
    );
    let shared = two_atoms("exp(tanh(w*x)/t)", [("t".to_string(), RBig::ONE)].into());
    let rays = cone_test(&shared, Fit::Two, &grid(), 128).certificate.unwrap();
    let measure = cone_test(&shared, Fit::Any, &grid(), 128).certificate.unwrap();
    let spectrum = spectrum();
    let whole = [&span, &region, &identity, &flat, &rays, &measure, &spectrum];
    for (k, text) in whole.into_iter().enumerate() {
        assert!(recheck(text).is_ok(), "{k}: {:?}", recheck(text));
        // What another kind has, and what none has.
        for line in ["value q 1", "lambda 1", "global q=1", "precision 128", "note", "checksum 0000000000000000", ""] {
            for at in 1..text.lines().count() - 1 {
                let surplus: Vec<&str> =
                    text.lines().take(at + 1).chain([line]).chain(text.lines().skip(at + 1)).collect();
                let forged = repaired_lines(&surplus);
                let Err(
                    CertificateError::Malformed { line: refused, .. } | CertificateError::Altered { line: refused, .. },
                ) = recheck(&forged)
                else {
                    panic!("certificate {k}, {line:?} after line {}: {:?}", at + 1, recheck(&forged))
                };
                // Where such a line may stand the next one is too many.
                let may_stand = text.lines().any(|own| own.split(' ').next() == line.split(' ').next());
                let is_next = may_stand && refused == at + 3;
                assert!(refused == at + 2 || is_next, "certificate {k}, {line:?}: line {refused}");
            }
        }
    }
    // The text, the line that is replaced, by what, and which line of that is refused.
    let cases = [
        (&span, "value a ", "{}\n{}", 1),
        (&span, "value a ", "{}\nvalue q 1", 1),
        (&span, "value a ", "value x 1", 0),
        (&span, "point ", "{} 1", 0),
        (&span, "relation ", "relation 0", 0),
        (&span, "relation ", "relation 11", 0),
        (&span, "relation ", "relation 01", 0),
        (&span, "term ", "term 0 1", 0),
        (&span, "term ", "{}\n{}", 1),
        (&span, "term ", "{}*q", 0),
        (&span, "function a ", "function q exp(w*x)", 0),
        (&span, "function a ", "function x exp(w*x)", 0),
        (&region, "box a ", "{}\n{}", 1),
        (&region, "box a ", "{}\nbox q 1 2", 1),
        (&region, "box b ", "{}\nvalue a 1", 1),
        (&region, "box b ", "{}\nvalue q 1", 1),
        (&region, "tree ", "tree 0 + +", 0),
        (&identity, "term 1 ", "term 0 1", 0),
        (&identity, "term 1 ", "term 3 1", 0),
        (&flat, "atom ", "{} a=a", 0),
        (&flat, "atom ", "{} q=1", 0),
        (&flat, "atom ", "{} x=1", 0),
        (&flat, "atom ", "atom v a=a b=b", 0),
        (&flat, "fitted 1 v/2 a=a b=b+s", "{} b=b", 0),
        (&flat, "fitted 1 v/2 a=a b=b+s", "fitted 0 v/2 a=a b=b+s w=w", 0),
        (&flat, "fitted 1 v/2 a=a b=b+s", "fitted 2 v/2 a=a b=b+s w=w", 0),
        (&flat, "curve s", "curve x", 0),
        (&flat, "curve s", "curve s+1", 0),
        (&rays, "global t", "{}\n{}", 1),
        (&rays, "global t", "{}\nglobal q=1", 1),
        (&rays, "global t", "global x=1", 0),
        (&rays, "atom ", "{} t=1", 0),
        (&rays, "overfitted ", "overfitted 0", 0),
        (&rays, "overfitted ", "overfitted 1 1", 0),
        (&rays, "overfitted ", "overfitted 3", 0),
        (&rays, "point ", "{} 1", 0),
        (&rays, "face ", "face +0", 0),
        (&measure, "atom ", "{} t=1", 0),
        (&measure, "basic ", "{} 1", 0),
        (&measure, "constant ", "{}\npivot 1 1 0x0p0 0x0p0", 1),
    ];
    for (text, key, by, offset) in cases {
        let (at, found) = text.lines().enumerate().find(|(_, line)| line.starts_with(key)).unwrap();
        let by = by.replace("{}", found);
        let forged: Vec<&str> = text.lines().take(at).chain(by.lines()).chain(text.lines().skip(at + 1)).collect();
        let refused = recheck(&repaired_lines(&forged));
        assert!(
            matches!(refused, Err(CertificateError::Malformed { line, .. }) if line == at + 1 + offset),
            "{by}: {refused:?}"
        );
    }
}

/// The enclosure of the region's certificate binds its precision and its digits.
#[test]
fn a_region_states_what_it_enclosed() {
    let half = |n: i64| RBig::from_parts(n.into(), 2u8.into());
    let functions = [Partial::whole("tanh(a*x)"), Partial::whole("x*a")];
    let text = region_certificate(&functions, &[("a", [half(2), half(3)])], 3, 128, RBig::ZERO, 9).unwrap();
    let accepted = recheck(&text).unwrap();
    assert!(accepted.claim.contains("certified cells"), "{}", accepted.claim);
    assert!(matches!(
        recheck(&repaired(&text.replace("precision 128", "precision 129"))),
        Err(CertificateError::Altered { .. })
    ));
    assert!(matches!(recheck(&repaired(&text.replace("norm 0x", "norm 0x1"))), Err(CertificateError::Altered { .. })));
}

/// Lines of hundreds of digits are shown where they part.
#[test]
fn long_lines_are_shown_where_they_differ() {
    let (text, recomputed) = (format!("{}7{}", "1".repeat(200), "2".repeat(200)), format!("{}8", "1".repeat(200)));
    let Err(CertificateError::Altered { line: 1, found, recomputed }) = compare(&text, &recomputed) else {
        panic!("lines that differ")
    };
    assert_eq!((found.len(), found.find('7'), recomputed.find('8')), (80, Some(40), Some(40)));
}

/// Certificates of every kind that expressions have, each with an alteration that changes the truth, the sum repaired: refused.
#[test]
fn forged_certificates_of_expressions_are_refused() {
    let span = identify("a*x + b", "exp(w*x)", 2).unwrap().certificate;
    assert!(recheck(&span).is_ok());
    assert_eq!(repaired(&span), span);
    for (from, to) in [
        ("dimension 4", "dimension 5"),
        ("dimension 4", "dimension 3"),
        ("function w,b ", "function w,w "),
        ("*(a*x + b)", "*(a*x + b^2)"),
        ("term 3 -1\n", "term 3 1\n"),
        ("term 2 -1\n", "term 2 1\n"),
        ("term 2 -1\n", "term 2 x\n"),
        ("point ", "point 1/3 "),
        ("precision 128", "precision 64"),
        ("determinant 0x", "determinant -0x"),
        ("determinant -0x", "determinant 0x"),
    ] {
        let forged = repaired(&span.replacen(from, to, 1));
        assert!(forged == span || recheck(&forged).is_err(), "{from} {to}");
    }
    // A point twice makes the determinant zero; a relation left out leaves too many functions.
    let points: Vec<&str> = span.lines().filter(|line| line.starts_with("point")).collect();
    assert!(recheck(&repaired(&span.replace(points[0], points[1]))).is_err());
    let without: String = span
        .lines()
        .enumerate()
        .filter(|(k, _)| Some(*k) != span.lines().position(|line| line.starts_with("relation")))
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    assert!(recheck(&repaired(&without)).is_err());

    let identity = |terms: &str| {
        let body = "function w,b exp(w*x)*(a*x + b)\nfunction a exp(w*x)*(a*x + b)\n";
        repaired(&format!("moe-verify certificate 1\nclaim identity\n{body}{terms}"))
    };
    assert!(recheck(&identity("term 1 1\nterm 2 -1\n")).is_ok());
    assert!(matches!(recheck(&identity("term 1 1\nterm 2 1\n")), Err(CertificateError::False { .. })));
    // Nothing is proved by coefficients that are zero.
    assert!(recheck(&identity("term 1 0\nterm 2 0\n")).is_err());
    assert!(recheck(&identity("term 1 x - x\nterm 2 0\n")).is_err());
    assert!(recheck(&identity("term 1 1\nterm 7 -1\n")).is_err());
    assert!(recheck(&identity("")).is_err());
    // One function against itself.
    assert!(matches!(recheck(&identity("term 1 1\nterm 1 -1\n")), Err(CertificateError::Unfounded { .. })));

    // Nor by a denominator that is zero in disguise, though another term makes the normal form see it.
    let zero = "(sigmoid(softplus(a))*(2 + exp(a)) - 1 - exp(a))";
    let body = "function - x\nfunction - x^2\nfunction - (1 + exp(-a))*x\n";
    let terms = format!("term 1 1\nterm 2 {zero}/{zero}\nterm 3 sigmoid(a)\nterm 1 -1\n");
    let divided = repaired(&format!("moe-verify certificate 1\nclaim identity\n{body}{terms}"));
    assert!(matches!(recheck(&divided), Err(CertificateError::Unfounded { .. })));

    // Nor by measures that see some directions only, or less than is claimed.
    let rays = cone_test(&two_atoms("exp(w*x)", BTreeMap::new()), Fit::Two, &grid(), 128).certificate.unwrap();
    assert!(recheck(&rays).is_ok());
    let line = |key: &str| rays.lines().find(|line| line.starts_with(key)).unwrap();
    let [face, lambda] = ["face", "lambda"].map(line);
    let (last, word) = face.rsplit_once(' ').unwrap();
    let shorter = lambda.replacen("lambda ", "lambda 9", 1);
    for (from, to) in [
        (face, last.to_string()),
        (face, format!("{face} +1")),
        (face, format!("{last} {}{}", if word.starts_with('+') { '-' } else { '+' }, &word[1..])),
        (lambda, shorter),
        ("atoms 2\n", String::new()),
        ("overfitted 1", "overfitted 1 2".to_string()),
        ("a=2", "a=5/2".to_string()),
    ] {
        let forged = repaired(&rays.replacen(from, &to, 1));
        assert!(forged != rays && recheck(&forged).is_err(), "{from} {to}");
    }

    // Nor by coefficients, or along curves, that do not move: ln 4 − 2 ln 2.
    let zero = "(softplus(softplus(softplus(0))) - 2*softplus(0))";
    assert!(recheck(&identity(&format!("term 1 {zero}\nterm 1 -{zero}\n"))).is_err());
    let still = zero.replace(' ', "");
    let fitted = ["+", "-"].map(|sign| format!("fitted 1 v/2 a=a b=b{sign}s*{still} w=w\n")).concat();
    let body = format!("gate exp(w*x)\nexpert a*x+b\ncurve s\natom v a=a b=b w=w\n{fitted}");
    let resting = repaired(&format!("moe-verify certificate 1\nclaim flat\n{body}"));
    assert!(matches!(recheck(&resting), Err(CertificateError::Unfounded { .. })));

    // Nor is a translation a flat curve where a temperature stands under the slopes.
    let body = "gate exp(w*x/t)\nexpert tanh(a*x)\ncurve s\natom v a=a t=t w=w\natom v2 a=a2 t=t w=w2\n";
    let moved = "fitted 1 v a=a t=t w=w+s\nfitted 2 v2 a=a2 t=t w=w2+s\n";
    let translated = repaired(&format!("moe-verify certificate 1\nclaim flat\n{body}{moved}"));
    assert!(matches!(recheck(&translated), Err(CertificateError::Unfounded { .. })));

    let flat = |fitted: &str| {
        let body = "gate exp(w*x)\nexpert a*x+b\ncurve s\natom v a=a b=b w=w\n";
        repaired(&format!("moe-verify certificate 1\nclaim flat\n{body}{fitted}"))
    };
    assert!(recheck(&flat("fitted 1 v/2 a=a b=b+s w=w\nfitted 1 v/2 a=a b=b-s w=w\n")).is_ok());
    for fitted in [
        "fitted 1 v/2 a=a b=b+s w=w\nfitted 1 v/2 a=a b=b w=w\n",
        "fitted 1 v/2 a=a b=b w=w\nfitted 1 v/2 a=a b=b w=w\n",
        "fitted 1 v a=a b=b+s w=w\nfitted 1 v a=a b=b-s w=w\n",
        "fitted 1 v/2 a=a b=b+1+s w=w\nfitted 1 v/2 a=a b=b-1-s w=w\n",
        "fitted 2 v/2 a=a b=b+s w=w\nfitted 1 v/2 a=a b=b-s w=w\n",
        "fitted 1 v/2 a=a b=b+s*x w=w\nfitted 1 v/2 a=a b=b-s*x w=w\n",
        // A translation of all atoms, a weight that vanishes, a jump through a zero in disguise, an input in the place of a parameter.
        "fitted 1 v a=a b=b w=w+s\n",
        "fitted 1 v a=a b=b w=w\nfitted 1 0 a=a b=b+s w=w\n",
        "fitted 1 v/2 a=a b=b+s/(s+1/(1+c)+c/(1+c)-1) w=w\nfitted 1 v/2 a=a b=b-s/(s+1/(1+c)+c/(1+c)-1) w=w\n",
        "fitted 1 v a=a+s b=b-s w=w x=1\n",
    ] {
        assert!(recheck(&flat(fitted)).is_err(), "{fitted}");
    }
}

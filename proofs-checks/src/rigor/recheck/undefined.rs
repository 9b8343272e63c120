//! Claims about expressions without a value: `0/0`, a divisor that an input makes zero, a pole in a box. None is accepted, whatever rule of arithmetic would make a number of it; each with a claim of the same kind, defined, that is.

use super::super::certificate::CertificateError;
use super::recheck;

fn certificate(lines: &str) -> String {
    let body = format!("moe-verify certificate 1\n{lines}\n");
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let sum = body.bytes().fold(0xcbf2_9ce4_8422_2325_u64, step);
    format!("{body}checksum {sum:016x}\n")
}

fn span(functions: &str, values: &str, points: &str) -> String {
    let count = |lines: &str, word: &str| lines.lines().filter(|line| line.starts_with(word)).count();
    let dimension = count(functions, "function") - count(functions, "relation");
    let (declared, relations) = functions.split_once("\nrelation").unwrap_or((functions, ""));
    let relations = if relations.is_empty() { String::new() } else { format!("relation{relations}\n") };
    certificate(&format!(
        "claim span\n{declared}\ndimension {dimension}\n{relations}precision 128\n{values}\n{points}\ndeterminant 0x1p0 0x1p0"
    ))
}

fn region(function: &str, sides: &str, point: &str) -> String {
    certificate(&format!(
        "claim region\nfunction - {function}\nprecision 128\n{sides}\npoint {point}\ntree +\nmost 0\nuncovered 0\nnorm 0x0p0 0x0p0"
    ))
}

#[test]
fn spans_of_what_has_no_value_are_refused() {
    for (functions, values, points) in [
        ("function - x - x*a/a", "value a 0", "point 1"),
        ("function - exp(a*x)\nfunction - exp(a*x) + x*(1 - b/b)", "value a 0\nvalue b 0", "point 1\npoint 2"),
        ("function b (x - x*a/a)*b", "value a 0\nvalue b 0", "point 1"),
        ("function - x*(a-a)/b\nfunction - x\nrelation 1", "value a 0\nvalue b 0", "point 1"),
        ("function - x + sin(x)*(1/a)^0", "value a 0", "point 1"),
        ("function - 2 + sin(x/a)", "value a 0", "point 1"),
    ] {
        let refused = recheck(&span(functions, values, points));
        let Err(CertificateError::Undecided { claim }) = &refused else { panic!("{functions}: {refused:?}") };
        assert!(claim.contains("at point 1 a function has no value"), "{claim}");
    }
    // Without a point nothing is sampled, and a determinant of no rows is one.
    let none = certificate("claim span\nfunction - x-x\ndimension 1\nprecision 128\ndeterminant 0x1p0 0x1p0");
    assert!(matches!(recheck(&none), Err(CertificateError::Unfounded { .. })));
    let defined = "function - x*(a-a)/b\nfunction - x\nrelation 1";
    assert!(recheck(&span(defined, "value a 0\nvalue b 1", "point 1")).is_ok());
}

#[test]
fn regions_of_what_has_no_value_are_refused() {
    for (function, sides, point, words) in [
        ("x2*(1 - x1/x1) + 0*a", "box a 1 2", "0 1", "contains an input"),
        ("x/(a-a) + 1", "box a 1 2", "0", "is zero, or was not told from zero"),
        ("x*(1 - 0/0) + 0*a", "box a 1 2", "1", "is zero, or was not told from zero"),
        ("x*(1 - b/b) + 0*a", "box a 1 2\nvalue b 0", "1", "a divisor may be zero"),
        ("1 + x/a", "box a -1 1", "0", "a divisor may be zero"),
    ] {
        let refused = recheck(&region(function, sides, point));
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains(words)), "{function}: {refused:?}");
    }
    // A value that is fixed is part of the claim.
    let accepted = recheck(&region("x*b + 0*a", "box a 1 2\nvalue b 1", "1")).unwrap();
    assert!(accepted.claim.contains("for every a in [1, 2] at b = 1,"), "{}", accepted.claim);
    // Ends of very different sizes are refused as any other.
    let nested = region("x*sin(((((((a)^64)^64)^64)^64)^64)^64)", "box a 1/10 1", "1");
    assert!(matches!(recheck(&nested), Err(CertificateError::Undecided { .. })));
}

/// A mixture with a measure; divisors are looked at before anything is computed.
#[test]
fn cones_of_what_has_no_value_are_refused() {
    let cone = |expert: &str, weight: &str, parameter: &str| {
        certificate(&format!(
            "claim cone\ngate exp(w*x)\nexpert {expert}\natom exp(3/10) a=3 b=-1/2 w=2\natom {weight} a={parameter} b=1 w=0\noverfitted 1\nlambda 1/1000000\nprecision 128\npoint 0 1\nbasic 1"
        ))
    };
    for (expert, weight, parameter, words) in [
        ("tanh(a*x + b)*(1 - x/x)", "1", "-2", "contains an input"),
        ("tanh(a*x + b)*(1 - 0/0)", "1", "-2", "is zero, or was not told from zero"),
        ("tanh(a*x + b) + 0*x^(-1)", "1", "-2", "contains an input"),
        ("tanh(a*x + b)", "1-0/0", "-2", "is zero, or was not told from zero"),
        ("tanh(a*x + b)", "1", "-2+0/0", "is zero, or was not told from zero"),
        ("tanh(a*x + b)/(a + 2)", "1", "-2", "a function has no value"),
        ("tanh(a*x + b)", "1", "-2", "basic points; there are"),
    ] {
        // The last one has a value everywhere, and too few points.
        let basic = if words.starts_with("a function") { "\nbasic 2\nbasic 3\nbasic 4\nbasic 5\nbasic 6" } else { "" };
        let text = cone(expert, weight, parameter);
        let lines: Vec<&str> = text.lines().skip(1).take_while(|line| !line.starts_with("checksum")).collect();
        let refused = recheck(&certificate(&(lines.join("\n") + basic)));
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains(words)), "{expert}: {refused:?}");
    }
}

/// Where an identity is said to hold.
#[test]
fn claims_state_where_they_hold() {
    let claim = |lines: &str| recheck(&certificate(lines)).unwrap().claim;
    assert!(claim("claim identity\nfunction a,a relu(a*x)\nterm 1 1").ends_with("= 0, almost everywhere"));
    assert!(
        claim("claim identity\nfunction - x*a/a\nfunction - x\nterm 1 1\nterm 2 -1")
            .ends_with("where no divisor is zero")
    );
    let flat = |step: &str| {
        claim(&format!(
            "claim flat\ngate exp(w*x)\nexpert a*x\ncurve s\natom v a=a w=w\nfitted 1 v/2 a=a+{step} w=w\nfitted 1 v/2 a=a-{step} w=w"
        ))
    };
    assert!(flat("s/(1-s)").ends_with("for every s, where no divisor is zero") && flat("s").ends_with("for every s"));
}

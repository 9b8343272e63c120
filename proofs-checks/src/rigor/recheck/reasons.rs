//! What is accepted says something, and what is refused says why.

use super::super::certificate::CertificateError;
use super::super::hermite::hermite_certificate;
use super::super::router::EnclosedRouter;
use super::super::spectrum::spectrum_certificate;
use super::recheck;
use super::tests::{grid, repaired, two_atoms};
use crate::symbolic::{Fit, Partial, cone_test, region_certificate};
use dashu_ratio::RBig;
use std::collections::BTreeMap;

fn unfounded(text: &str) -> String {
    let refused = recheck(&repaired(text));
    let Err(CertificateError::Unfounded { claim }) = refused else { panic!("{text}: {refused:?}") };
    claim
}

/// An error of one or more, and a share of one of the box: true of anything, and refused.
#[test]
fn statements_that_hold_nothing_are_refused() {
    let numbers = hermite_certificate(EnclosedRouter::Sigmoid, 0, 64, 0.25, |_| 0.0, |_, _| vec![0.0]).unwrap();
    for error in ["0x1p100", "0x1p0"] {
        let claim = unfounded(&numbers.replace("relative-error 0x1p-2", &format!("relative-error {error}")));
        assert!(claim.contains("below one"), "{claim}");
    }
    let functions = [Partial::whole("tanh(a*x)"), Partial::whole("x*a")];
    let half = |n: i64| RBig::from_parts(n.into(), 2u8.into());
    let region = region_certificate(&functions, &[("a", [half(2), half(3)])], 3, 128, RBig::ZERO, 9).unwrap();
    let tree = region.lines().find(|line| line.starts_with("tree")).unwrap();
    for (forged, most) in [(region.replace("most 0", "most 2"), "most 2"), (region.replace(tree, "tree -"), "tree -")] {
        let forged = forged.replace("most 0", "most 1").replace("uncovered 0", "uncovered 1");
        assert!(unfounded(&forged).contains("share below one"), "{most}");
    }
}

/// The hypotheses of a claim and the numbers that it is about are in its words: a wider interval, or a larger error, is another claim.
#[test]
fn claims_name_their_numbers() {
    let claimed = [[0.25, 0.5], [5.0, 6.0], [1.5, 2.0], [6.0, 7.0]];
    let claim = recheck(&spectrum_certificate(3, 128, claimed).unwrap()).unwrap().claim;
    for words in [
        "x ~ N(0, I_d), sigmoid routers, He_3 experts and students of raw norms 1",
        "orthonormal teacher",
        "every m = m* and every d ≥ max(2m*, 3)",
        "router in [0.25, 0.5] and expert in [5.0, 6.0], each m*(d−2) times",
        "plane-low in [1.5, 2.0] and plane-high in [6.0, 7.0], each m* times",
    ] {
        assert!(claim.contains(words), "{claim}");
    }
}

/// More dimensions than functions need no relation to be false.
#[test]
fn more_dimensions_than_functions_are_refused_as_such() {
    let lines = "claim span\nfunction - x\nfunction - x^2\ndimension 3\nprecision 128\npoint 1\npoint 2\npoint 3";
    let refused = recheck(&repaired(&format!("moe-verify certificate 1\n{lines}\ndeterminant 0x1p0 0x1p0\n")));
    let Err(CertificateError::False { claim }) = refused else { panic!("{refused:?}") };
    assert!(claim.ends_with("they span 2 at most, as there are only 2 functions"), "{claim}");
}

/// A constant that is too large is not a matter of precision where a pivot is certainly negative; nor is a system with an equation, or a point, twice.
#[test]
fn cones_are_refused_for_their_reason() {
    let mixture = two_atoms("exp(tanh(w*x)/t)", [("t".to_string(), RBig::ONE)].into());
    let measure = cone_test(&mixture, Fit::Any, &grid(), 128).certificate.unwrap();
    let line = |key: &str| measure.lines().find(|line| line.starts_with(key)).unwrap();
    let lambda = line("lambda ");
    let number: RBig = lambda["lambda ".len()..].parse().unwrap();
    let claim = unfounded(&measure.replace(lambda, &format!("lambda {}", number * RBig::from(2))));
    assert!(claim.contains("this measure does not give"), "{claim}");
    let basic: Vec<&str> = measure.lines().filter(|line| line.starts_with("basic ")).collect();
    let claim = unfounded(&measure.replace(basic[1], basic[0]));
    assert!(claim.contains("basic points 1 and 2 are equal"), "{claim}");
    let atoms: Vec<&str> = measure.lines().filter(|line| line.starts_with("atom ")).collect();
    let claim = unfounded(&measure.replace(atoms[1], atoms[0]));
    assert!(claim.contains("atoms 1 and 2 are equal"), "{claim}");
    let rays = cone_test(&two_atoms("exp(w*x)", BTreeMap::new()), Fit::Two, &grid(), 128).certificate.unwrap();
    let atoms: Vec<&str> = rays.lines().filter(|line| line.starts_with("atom ")).collect();
    assert!(unfounded(&rays.replace(atoms[1], atoms[0])).contains("atoms 1 and 2 are equal"));
}

/// Ends of deep cells are long fractions: messages round them.
#[test]
fn deep_cells_are_told_in_short() {
    let head = "claim region\nfunction - x\nfunction - x*a - x*a\nprecision 64\nbox a 1 2\npoint 1\npoint 2";
    let tree = "1 ".repeat(3000) + &"+ ".repeat(3001);
    let lines =
        format!("moe-verify certificate 1\n{head}\ntree {}\nmost 0\nuncovered 0\nnorm 0x0p0 0x0p0\n", tree.trim());
    let refused = recheck(&repaired(&lines));
    let Err(CertificateError::Undecided { claim }) = &refused else { panic!("{refused:?}") };
    assert!(claim.contains("a in [1.0, 1.0]") && claim.len() < 200, "{claim}");
}

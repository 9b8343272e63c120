use super::*;
use crate::rigor::recheck;

fn has(expert: &str, gate: &str, words: &str) -> bool {
    families(expert, gate).unwrap().found.iter().any(|family| family.words.contains(words))
}

/// The certificate, accepted, of the family with these words.
fn certified(expert: &str, gate: &str, words: &str) -> String {
    let found = families(expert, gate).unwrap().found;
    let family = found.iter().find(|family| family.words.contains(words));
    let family = family.unwrap_or_else(|| panic!("{expert} under {gate}: {found:?}"));
    let certificate = family.certificate.clone().unwrap();
    let accepted = recheck(&certificate);
    assert!(accepted.is_ok(), "{expert}: {accepted:?}");
    certificate
}

/// Motions that relations of first order state, with certificates that are accepted; and what is none.
#[test]
fn motions_are_integrated_and_certified() {
    for (expert, gate, words) in [
        ("tanh(a*x + b + c)", "exp(w*x)", "(b, c) -> (b + s, c - s)"),
        ("tanh(a*x + 2*b - 3*c)", "exp(w*x)", "(b, c) -> (b + 3*s, c + 2*s)"),
        ("sigmoid(a*x)", "exp(w*x + v*x)", "(w, v) -> (w + s, v - s)"),
        ("l*exp(a*x + b)", "exp(w*x)", "(l, b) -> (exp(-s)*l, b + s)"),
        ("l*(a*x + b)", "exp(w*x)", "(l, a, b) -> (exp(s)*l, exp(-s)*a, exp(-s)*b)"),
        ("l*relu(a*x + b)", "exp(w*x)", "(l, a, b) -> (exp(s)*l, exp(-s)*a, exp(-s)*b)"),
        ("tanh(a*x)", "exp(w*x/t)", "(w, t) -> (exp(s)*w, exp(s)*t)"),
        (
            "tanh(a*x)",
            "exp(w*x + c)",
            "(c) -> (c + s): its expert stays the same, and its weight takes back the gate's factor exp(s)",
        ),
        ("a*x + c + a*b", "exp(w*x)", "(c, b) -> (c - s*a, b + s)"),
        ("exp(-(a^2 + b^2)*x)", "exp(w*x)", "(a, b) -> (cos(s)*a + sin(s)*b, cos(s)*b - sin(s)*a)"),
        ("tanh(a*b*x + c)", "exp(w*x)", "(a, b) -> (exp(s)*a, exp(-s)*b)"),
    ] {
        certified(expert, gate, words);
    }
    // F = e^{(w + a)x + b} stays the same along (a + s, w − s), the mixture does not; a period is no curve.
    for (expert, gate) in [
        ("exp(a*x + b)", "exp(w*x)"),
        ("tanh(a*x + b)", "exp(w*x)"),
        ("l*cos(a*x + b)", "exp(w*x)"),
        ("tanh(a*x + b^2 + c^2 + a*b*c)", "exp(w*x)"),
    ] {
        assert!(!has(expert, gate, "moves along"), "{expert}");
    }
    // Every family that is flat has a certificate, whatever its parameters are called.
    for (expert, gate) in [
        ("l*exp(a*x + b)", "exp(w*x + v*x)"),
        ("a*x", "exp(v*x + h1*x + q*x)"),
        ("s*(v*x + h)", "exp(v_other*x)"),
        ("a1*x1 + a2*x2 + b", "exp(w1*x1 + w2*x2)"),
    ] {
        let found = families(expert, gate).unwrap().found;
        for family in found.iter().filter(|family| family.words.starts_with("flat")) {
            assert!(family.certificate.as_deref().is_some_and(|text| recheck(text).is_ok()), "{expert}: {family:?}");
        }
        assert!(found.iter().filter(|family| family.words.starts_with("flat")).count() >= 3, "{found:?}");
    }
}

/// What relations of other kinds propose: splits along flows by which the expert gains a factor, common factors under a shared temperature, and all of it under gates whose positivity is seen from how they are written.
#[test]
fn splits_along_flows_and_under_other_gates_are_certified() {
    for (expert, gate, words) in [
        ("exp(a*x + b)", "exp(w*x)", "(b) -> (b + s) with its weight times exp(-s)*sigmoid(s)"),
        ("exp(b)*tanh(a*x)", "exp(w*x)", "(b) -> (b - s) with its weight times sigmoid(s)"),
        ("exp(a)*x", "exp(w*x)", "the expert gains the factor exp(s)"),
        ("exp(2*b + c)*x + exp(2*b + c)", "exp(w*x)", "splits into two, (b) -> (b + s)"),
        ("exp(a*x + b)", "exp(w*x + 2*b)", "exp((-2)*s)*exp(-s)*sigmoid(s)"),
        ("tanh(a*x)", "exp(w*x/t)", "w ± s, t the same for all atoms"),
        ("tanh(a*x)", "exp((w*x + u)/t)", "w ± s, t the same for all atoms"),
        ("a*x + b", "exp(relu(w*x)/t)", "affine in them together"),
        ("a*x + b", "exp(relu(w*x)/t)", "(w, t) -> (exp(s)*w, exp(s)*t)"),
        ("a*x + b", "exp(l*relu(w*x)/t)", "affine in them together"),
        ("a*x + b", "sigmoid(-w*x)", "affine in them together"),
        ("a*x + b", "1 - sigmoid(w*x)", "affine in them together"),
        ("a*x + b", "(w*x)^2 + 1", "affine in them together"),
        ("a*x + b", "exp(-w*x)/(1 + exp(v))", "affine in them together"),
    ] {
        let Families { found, undecided } = families(expert, gate).unwrap();
        let family = found.iter().find(|family| family.words.starts_with("flat") && family.words.contains(words));
        let family = family.unwrap_or_else(|| panic!("{expert} under {gate}: {found:?}, {undecided:?}"));
        let accepted = recheck(family.certificate.as_ref().unwrap());
        assert!(accepted.is_ok() && undecided.is_empty(), "{expert}: {accepted:?}, {undecided:?}");
    }
    // A shared temperature is no common factor's under another router; a flow that moves the gate by more than a factor is no split's.
    assert!(!has("tanh(a*x)", "exp(sigmoid(w*x)/t)", "same factor"));
    assert!(has("exp(a*x + b)", "exp(w*x + b*x)", "splits into two, (w, b) -> (w - s, b + s)"));
    assert!(!has("exp(a*x + b)", "exp(w*x + b*x^2)", "splits into two, "));
}

/// Nothing is left out in silence: a gate of either sign, and signs of many parameters.
#[test]
fn what_is_not_decided_is_said() {
    let unseen = families("a*x + b", "w*x").unwrap();
    assert!(unseen.undecided.iter().any(|words| words.starts_with("the gate was not seen to be positive")));
    assert!(unseen.found.iter().all(|family| !family.words.starts_with("flat")));
    assert!(families("a*x", "0").unwrap().found.iter().all(|family| !family.words.starts_with("scaling")));
    let many = families("l*tanh(a1*x1 + a2*x2 + a3*x3 + b)", "exp(w1*x1 + w2*x2 + w3*x3)").unwrap();
    for words in ["F(-l) = -F", "F(-a1, -a2, -a3, -b) = -F"] {
        assert!(many.found.iter().any(|family| family.words.contains(words)), "{words}: {:?}", many.found);
    }
    assert!(many.undecided.iter().any(|words| words.contains("signs of the 8 parameters of F")));
    // Too many for all sets of arguments: a basis.
    let sum = (1..=6).map(|k| format!("c{k}*tanh(a{k}*x + b{k})")).collect::<Vec<_>>().join(" + ");
    let found = families(&sum, "1").unwrap().found;
    for k in 1..=6 {
        assert!(found.iter().any(|family| family.words == format!("symmetry: F(-c{k}, -a{k}, -b{k}) = F")), "{k}");
    }
    assert!(found.iter().any(|family| family.words == "symmetry: F(-c1, -c2, -c3, -c4, -c5, -c6) = -F"), "{found:?}");
}

/// One scaling, and one curve, that is not decided is named, and costs no other one; what cancels under a scaling is decided.
#[test]
fn what_is_not_decided_is_named_alone() {
    // σ(a)(1 + e^{−a}) is one, inside of a function as two atoms.
    let Families { found, undecided } = families("l*tanh(b*x*sigmoid(a)*(1 + exp(-a)))", "exp(w*x)").unwrap();
    assert!(found.iter().any(|family| family.words == "scaling: F(c*l) = c*F for c > 0"), "{found:?}");
    for words in [
        "scaling: F(c*a) = F for c > 0: it was not decided",
        "the motion of an atom along (a) -> (a + s): the difference of the functions was not decided",
    ] {
        assert!(undecided.iter().any(|note| note == words), "{undecided:?}");
    }
    let Families { found, undecided } = families("l*sigmoid(x*a/(a + b))", "exp(w*x)").unwrap();
    for words in ["scaling: F(c*l) = c*F for c > 0", "scaling: F(c*a, c*b) = F for c > 0"] {
        assert!(found.iter().any(|family| family.words == words), "{found:?}, {undecided:?}");
    }
}

/// The letters of curves are no parameter's, and neither are the functions'.
#[test]
fn letters_are_fresh() {
    assert!(has("tanh(h*x)", "exp(w*x)", "symmetry: h_(-h) = -h_") && has("F*x", "1", "F_(-F) = -F_"));
    assert!(has("c*x", "exp(w*x)", "scaling: F(c_*c) = c_*F for c_ > 0"));
    assert!(has("c*x + s", "exp(w*x)", "splits into two") && has("s*x", "exp(w*x/s_)", "scaling: F(c*s) = c*F"));
}

/// Theory B5, and what must not be found.
#[test]
fn families_of_the_theory_are_found() {
    assert!(has("a*x + b", "exp(w*x)", "affine in them together"));
    assert!(has("l*tanh(a*x + b)", "exp(w*x)", "with l moved"));
    assert!(has("relu(a*x + b)", "exp(w*x)", "homogeneous of degree 1"));
    assert!(has("(a*x + b)^3", "exp(w*x)", "homogeneous of degree 3"));
    assert!(has("tanh(a*x + b)", "exp(w*x)", "w ± s"));
    assert!(has("tanh(a*x + b)", "exp(w*x/t)", "scaling: F(c*w, c*t) = F"));
    assert!(has("tanh(a*x + b)", "1", "F(-a, -b) = -F"));
    assert!(has("sigmoid(a*x + b)", "exp(w*x)", "h(-a, -b) = -h + 1"));
    assert!(has("gelu(a*x + b)", "1", "F(-a, -b) = F - "));
    assert!(!has("tanh(a*x + b)", "exp(w*x)", "splits into two of half its weight with"));
    assert!(!has("tanh(a*x + b)", "exp(sigmoid(w*x)/t)", "flat"));
    assert!(!has("tanh(a*x + b)", "exp(sigmoid(w*x)/t)", "scaling"));
    assert!(has("1/(a + b)", "1", "F(-a, -b) = -F") && !has("1/(a + b)", "1", "- 2"));
    assert!(!has("sigmoid(a*x)/(a^2 + b^2)", "1", "+ 1"));
}

/// Half periods: alone, with a sign, of the slowest angle; not where the parameter is outside of an angle, or in one that it does not turn evenly.
#[test]
fn shifts_by_half_periods_are_found() {
    for (expert, gate, words) in [
        ("sin(a*x + b)", "1", "symmetry: F(b + pi) = -F"),
        ("l*cos(a*x + b)", "exp(w*x)", "symmetry: h(b + pi) = -h"),
        ("sin(a*x + b)^2", "1", "symmetry: F(b + pi) = F"),
        ("sin(a*x + b)*cos(a*x - b)", "1", "symmetry: F(b + pi) = F"),
        ("l*sin(a*x + b) + m*x", "1", "symmetry: F(-l, b + pi) = F"),
        ("sin(a*x + b) + x", "1", "symmetry: F(b + 2*pi) = F"),
        ("b*x + sin(a + x)", "1", "symmetry: F(-b, a + pi) = -F"),
        ("sin(a*x + 2*b) + cos(3*b + x)*x", "1", "symmetry: F(b + 2*pi) = F"),
        ("sin(a*x + 2*b)", "1", "symmetry: F(b + pi/2) = -F"),
        ("sin(a*x + 2*b/3)", "1", "symmetry: F(b + 3*pi/2) = -F"),
        ("exp(cos(a*x + b))", "1", "symmetry: F(b + 2*pi) = F"),
        ("tanh(sin(sin(a*x + b)))", "exp(cos(w*x + v))", "symmetry: F(v + 2*pi) = F"),
    ] {
        assert!(has(expert, gate, words), "{expert}: {:?}", families(expert, gate).unwrap().found);
    }
    for expert in ["b*sin(a*x + b)", "sin(a*x + b^2)", "sin(a*x + tanh(b))", "tanh(a*x + b)", "sin(b*x)"] {
        assert!(families(expert, "1").unwrap().found.iter().all(|f| f.kind != FamilyKind::Shift), "{expert}");
    }
}

/// Every largest set of parameters in which the expert is affine gives a split, in any direction; parameters that the gate has, too, are left out, not the others beside them.
#[test]
fn splits_of_every_affine_set_are_certified() {
    let found = families("a*c*x + b*d*x^2", "exp(w*x)").unwrap().found;
    for names in ["a, b", "a, d", "c, b", "c, d"] {
        let words = format!("flat: an atom splits into two of half its weight with {names} moved by opposite amounts");
        let family = found.iter().find(|family| family.words.starts_with(&words));
        let certificate = family.unwrap_or_else(|| panic!("{names}: {found:?}")).certificate.as_ref().unwrap();
        let second = &names[3..];
        assert!(certificate.contains(&format!(" {second}={second}+r1*s")), "{certificate}");
        assert!(recheck(certificate).is_ok(), "{names}");
    }
    assert!(has("a*x + b", "exp(b*x)", "half its weight with a moved"));
}

/// A split along a flow says by which factors, and that it is one of an atom with parameters of its own.
#[test]
fn splits_say_by_which_factors() {
    assert!(has(
        "relu(a^2*x + b)",
        "exp(w*x)",
        "splits into two with (a, b) times (exp(s), exp((2)*s)) and times (exp(-s), exp((-2)*s)): along the first the expert gains the factor exp((2)*s)"
    ));
    assert!(!has("relu(a^2*x + b)", "exp(w*x)", "scaled up and down"));
    assert!(has("relu(a*x + b)", "exp(w*x)", "with (a, b) scaled up and down"));
    assert!(has("exp(a*x + b)", "exp(w*x)", "flat: an atom with parameters of its own splits into two, "));
}

/// Where the normal form may miss something, or refuses the whole, it is said; what is found nevertheless is.
#[test]
fn gaps_are_told() {
    let product = families("relu(a*x + b)", "relu(w*x)").unwrap();
    assert!(product.found.iter().any(|family| family.words == "scaling: F(c*w) = c*F for c > 0"), "{product:?}");
    assert!(product.undecided.iter().all(|words| !words.starts_with("whether these are all")), "{product:?}");
    let two = families("l*relu(a*x + b) + c", "exp(relu(w*x))").unwrap();
    assert!(two.undecided.iter().any(|words| words.contains("a product of relus of different arguments")), "{two:?}");
    assert!(two.found.iter().any(|family| family.words.contains("with l, c moved")), "{two:?}");
    let refused = families("l*x + relu(a)", "exp(w*x)").unwrap();
    let is_told = |words: &String| words.contains("relu of parameters alone");
    assert!(refused.undecided.iter().any(is_told), "{refused:?}");
    assert!(refused.found.iter().any(|family| family.kind == FamilyKind::CommonFactor), "{refused:?}");
}

/// With relu derivatives vanish almost everywhere, which makes nothing affine: what is inside of it is left out, and not what stands beside it.
#[test]
fn splits_beside_relu_are_found() {
    for (expert, gate, set) in [
        ("relu(x + b) + c*tanh(x)", "sigmoid(w*x + 1)", "c"),
        ("relu(a*x + b) + c", "exp(w*x)", "c"),
        ("relu(a*x + b) + c*x + d", "exp(w*x)", "c, d"),
        ("relu(a*x1 + b*x2) + c*x2", "exp(w*x1)", "c"),
        ("relu(a*x + b)*c + relu(d*x)", "exp(w*x)", "c"),
        ("relu(x + b)*relu(x + c) + d", "exp(w*x)", "d"),
        ("l*sigmoid(x*m) + relu(x + 0.7*a + b)", "exp(w*x)", "l"),
        ("relu(a*x + b)*relu(c*x + d) + l*tanh(x)", "exp(w*x)", "l"),
        // The step cancels: (1 + e^(-2x)) tanh x = 1 - e^(-2x).
        ("(tanh(x)*(1 + exp(-2*x)) - 1 + exp(-2*x))*relu(a*x + b) + a*x + b", "exp(w*x)", "a, b"),
        // A split in a is seen, as (a ± s)² + x² is a sum of squares; with fourth powers it is not decided.
        ("relu(a^2 + x^2) + b*relu(x) - a^2 + c*x", "exp(w*x)", "a, b, c"),
        ("relu(a^4 + x^2) + b*relu(x) - a^4 + c*x", "exp(w*x)", "b, c"),
        ("tanh(x*sigmoid(a)*(1 + exp(-a))) + a*x + l*x^2", "exp(w*x)", "l"),
    ] {
        let Families { found, undecided } = families(expert, gate).unwrap();
        let words = format!(
            "flat: an atom splits into two of half its weight with {set} moved by opposite amounts: the expert"
        );
        let family = found.iter().find(|family| family.words.starts_with(&words));
        let family = family.unwrap_or_else(|| panic!("{expert}: {found:?}, {undecided:?}"));
        assert!(recheck(family.certificate.as_ref().unwrap()).is_ok(), "{expert}");
    }
}

/// A step that does not move with its parameter: the split is there, and what the normal form does not decide of it is said.
#[test]
fn parameters_of_steps_that_stay_are_noted() {
    for expert in [
        "relu(x*(1 + a^2))/(1 + a^2) + a*x",
        "relu(x*(3 + 2*sin(a)))/(3 + 2*sin(a)) + a*x",
        "relu(x/(1 + a^2))*(1 + a^2) + a*x + b",
    ] {
        let Families { found, undecided } = families(expert, "exp(w*x)").unwrap();
        let splits = found.iter().any(|family| family.words.contains("of half its weight with a moved"));
        let together = found.iter().any(|family| family.words.contains("of half its weight with a, b moved"));
        let is_noted = undecided.iter().any(|note| note.contains("affine in a, which is inside of a relu"));
        assert!(splits || together || is_noted, "{expert}: {found:?}, {undecided:?}");
    }
    // Where it does move nothing is noted.
    for expert in [
        "relu(a*x + b) + c",
        "relu(a*x) + c*x",
        "relu(a*x + b)*relu(c*x + d)",
        "relu(a*x + b)*relu(a*x + c)",
        "relu(a*x + b)*relu(x)",
        "relu(a*x + b)*tanh(relu(c*x + d))",
    ] {
        for gate in ["1", "exp(w*x)"] {
            let undecided = families(expert, gate).unwrap().undecided;
            assert!(undecided.iter().all(|note| !note.contains("inside of a relu")), "{expert}: {undecided:?}");
        }
    }
}

/// What was proposed and is no flat curve is not left out in silence.
#[test]
fn refused_curves_are_noted() {
    let pair = Pair::new("tanh(a*x + b)", "exp(w*x)").unwrap();
    let moved = |text: &str| ("v/2".to_string(), BTreeMap::from([("b".to_string(), text.to_string())]));
    let mut undecided = Undecided::default();
    assert!(pair.fit("the split of b", &[moved("b + s"), moved("b - s")], &mut undecided).is_none());
    let words = "the split of b: it was proposed, and the fitted atoms give another function than the true ones";
    assert_eq!(undecided.0, [words]);
}

/// A split beside a step that is always one is not passed over without a word; one that a step bends is refuted without any.
#[test]
fn steps_that_are_not_seen_to_stay_are_told() {
    let Families { found, undecided } = families("relu((x - a)^4) + 4*a^3*x - 6*a^2*x^2 - a^4", "1").unwrap();
    assert!(found.is_empty() && undecided.iter().any(|words| words.contains("is affine in a")), "{undecided:?}");
    for expert in ["relu((x - a)^2) - a^2", "relu(x^2 - 2*a*x + a^2 + 1) - a^2"] {
        let Families { found, undecided } = families(expert, "1").unwrap();
        assert!(undecided.is_empty() && found.iter().any(|f| f.words.contains("with a moved")), "{found:?}");
    }
    for expert in ["relu(a^2*x + b)", "relu(a*x + b^2) + relu(x*b^3)", "relu((x - a)^2 - 1)"] {
        assert_eq!(families(expert, "1").unwrap().undecided, [""; 0], "{expert}");
    }
}

/// Factors whose rates are parameters: of motions, of splits and of what numerator and denominator share; and what is none.
#[test]
fn gains_in_other_parameters_are_found() {
    for (expert, gate, words) in [
        (
            "tanh(a*x)",
            "exp(w*(x - v))",
            "(v) -> (v + s): its expert stays the same, and its weight takes back the gate's factor exp(-w*s)",
        ),
        (
            "exp(a*b)*tanh(x)",
            "exp(w*x)",
            "(a) -> (a + s) with its weight times exp(-b*s)*sigmoid(b*s) and (a) -> (a - s)",
        ),
        ("exp(a*b + a*c)*tanh(x)", "exp(w*x)", "exp((-b - c)*s)*sigmoid((b + c)*s)"),
        ("exp(a*b)*tanh(x)", "exp(a*c + w*x)", "(a) -> (a + s) with its weight times exp(-c*s)*exp(-b*s)*sigmoid(b*s)"),
        ("tanh(a*x)", "exp(w*(x - v))", "w + s of half its weight times exp(v*s)"),
        (
            "tanh(a*x)",
            "exp(-(x - v)^2)",
            "v + s of half its weight times exp(2*v*s) and v - s of half its weight times exp(-2*v*s)",
        ),
        ("tanh(a*x1)", "exp(w*x1 - (x2 - v)^2)", "v + s of half its weight times exp(2*v*s)"),
        ("tanh(a*x)", "exp(w*(tanh(x) - tanh(v)))", "w + s of half its weight times exp(2*sigmoid(2*v)*s)"),
        (
            "tanh(a*x)",
            "exp(-(x - v)^2/t)",
            "v + s of half its weight times exp(2*v*t^(-1)*s) and v - s of half its weight times exp(-2*v*t^(-1)*s), t the same for all atoms",
        ),
        ("tanh(a*x)", "exp(-u*(x - v)^2)", "exp(-2*u*v*s), u the same for all atoms"),
        // r alone has c, and the factor e^(-cs^2).
        ("tanh(a*x)", "exp(v*x - c*v^2)", "exp(-2*v*c*s), c the same for all atoms"),
        // No weights where none are needed, and none for what is a motion.
        ("tanh(a*x)", "exp(w*(x + 1))", "two of half its weight, w ± s: "),
        ("tanh(a*x)", "exp(w*x + u)", "two of half its weight, u ± s: "),
        ("tanh(a*x)", "exp((w*x + b)/t)", "two of half its weight, b ± s, t the same for all atoms"),
    ] {
        certified(expert, gate, words);
    }
    for (expert, gate, words) in [
        ("tanh(a*x)", "exp(w*(x - v)^3)", "(v) -> (v + s)"),
        ("tanh(a*x)", "exp(-(x - v)^4)", "every atom splits"),
        ("tanh(a*x)", "exp(w*(x - v)^3)", "every atom splits into two, "),
        ("tanh(a*x)", "exp(w*x - v^3)", "every atom splits into two, "),
        ("exp(a*b*x)", "exp(w*x)", "(a) -> (a + s)"),
        ("exp(a^2)*tanh(x)", "exp(w*x)", "(a) -> (a + s)"),
        // At another speed it is there already.
        ("exp(a/b)*tanh(x)", "exp(w*x)", "(a) -> (a + s) with"),
    ] {
        assert!(!has(expert, gate, words), "{expert} under {gate}");
    }
}

/// A step that is constant hides families without being one; what is said of it is said of no other.
#[test]
fn steps_of_one_sign_are_told() {
    let undecided = |expert: &str| families(expert, "exp(w*x)").unwrap().undecided.join("; ");
    for expert in ["c*relu(softplus(a*x) - a*x) + d*softplus(-a*x)", "relu((x - a)^4 + b*(x - a)^6*b + 1) + c"] {
        assert!(undecided(expert).contains("one sign only was seen"), "{expert}: {}", undecided(expert));
    }
    for expert in
        ["relu(a*x + b)", "relu(a*x) + c", "l*relu(tanh(a*x + b)) + c*relu(x - 3)", "relu((x - a)^2) + relu(x*b - b^3)"]
    {
        assert!(!undecided(expert).contains("one sign only"), "{expert}: {}", undecided(expert));
    }
}

/// Names of the atoms of a certificate are none of the parameters', and need not be ASCII.
#[test]
fn atoms_have_names_of_their_own() {
    let certificate = certified("tanh(a*x)", "exp(w*x/w_1)", "w ± s, w_1 the same");
    assert!(certificate.contains("w=w__1 w_1=w_1"), "{certificate}");
    certified("tanh(a*x)", "exp(w*(x - é))", "exp(é*s)");
    let certificate = certified("a*tanh(a_other*x)", "exp(w*x)", "with a moved");
    assert!(certificate.contains("a=a_other_ a_other=a_other_other_"), "{certificate}");
}

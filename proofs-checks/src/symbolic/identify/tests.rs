use super::*;

fn found(source: &str) -> Identified {
    identify(source, "1", 2).unwrap()
}

fn equations(source: &str) -> Vec<String> {
    found(source).relations.into_iter().map(|relation| relation.equation).collect()
}

/// Theory B3 and B4: what the papers and the theory name is found, and its number is that of the independent functions.
#[test]
fn named_relations_are_found() {
    let linear = equations("exp(w*x)*(a*x + b)");
    for expected in ["d2F/dw db = dF/da", "d2F/db2 = 0", "d2F/da2 = 0", "d2F/da db = 0", "F = a*dF/da + b*dF/db"] {
        assert!(linear.iter().any(|equation| equation == expected), "{expected}: {linear:?}");
    }
    assert_eq!((linear.len(), found("exp(w*x)*(a*x + b)").independent), (6, 4));
    let temperature = equations("exp(w*x/t)*sigmoid(a*x + b)");
    assert!(temperature.contains(&"dF/dt = -w/t*dF/dw".to_string()), "{temperature:?}");
    assert!(equations("exp(w*x)*l*tanh(a*x + b)").contains(&"F = l*dF/dl".to_string()));
}

/// What the normal form does not decide is told at the function that it is about, in the source that has it, spaces counted.
#[test]
fn errors_beyond_the_normal_form_point_at_the_function() {
    for (expert, gate, words) in [
        ("sin(a*x)", "2 + sin(65*a*x)", "gate, column 5: an angle is more than 64 times"),
        ("b*x +   c*sin(65*a*x)", "exp(w * x) + sin( a*x)", "expert, column 11: an angle is more than 64 times"),
        ("l*x + relu(a)", "exp(w*x)", "expert, column 7: relu of parameters alone"),
        ("l*x", "1 + relu(b) + exp(w*x)", "gate, column 5: relu of parameters alone"),
        ("l*x + relu(a*exp(x))", "1", "expert, column 7: relu whose sign depends on parameters alone"),
    ] {
        let found = identify(expert, gate, 2);
        let Err(IdentifyError::Undecided { reason, derivatives, found, .. }) = &found else {
            panic!("{expert}: {found:?}")
        };
        assert!(reason.starts_with(words) && derivatives.len() > 1 && found.is_empty(), "{reason}");
    }
    // Of one input two relus leave three regions of four: a relation is missed where all four products of steps occur, and nothing is claimed.
    let found = identify("k*relu(x + b) + m*relu(x) + c*relu(x)*relu(x + b) + n", "1", 2);
    let Err(IdentifyError::Undecided { reason, .. }) = &found else { panic!("{found:?}") };
    assert!(reason.contains("expert, column 19: a product of relus of different arguments"), "{reason}");
}

/// A product of relus is zero but where all are positive: the values of the parameters are turned until they are.
#[test]
fn products_of_many_relus_are_certified() {
    for k in [6, 8] {
        let factors: Vec<String> = (1..=k).map(|i| format!("relu(a{i}*x + b{i})")).collect();
        // Polynomials of degree k where it is not zero.
        assert_eq!(found(&factors.join("*")).independent, k + 1);
    }
    let never = identify("a*relu(x)*relu(-x - b^2 - 1)", "1", 2);
    let Err(IdentifyError::Undecided { reason, .. }) = &never else { panic!("{never:?}") };
    assert!(reason.ends_with("at which all arguments of relu are positive at one point"), "{reason}");
    assert!(reason.starts_with("2 derivatives are left by"), "{reason}");
    let one = identify("relu(x)*relu(-x - 1)", "1", 2).unwrap_err().to_string();
    assert!(one.contains("no relation was found; that there is none could not be certified"), "{one}");
}

/// What was found is kept, where more may hold and where a limit stopped the search; all of it is proved.
#[test]
fn relations_of_what_is_not_decided_are_kept() {
    let found = |expert: &str| -> Vec<String> {
        let found = identify(expert, "1", 2);
        let Err(IdentifyError::Undecided { found, .. }) = found else { panic!("{expert}: {found:?}") };
        found.into_iter().map(|relation| relation.equation).collect()
    };
    assert_eq!(found("a*relu(x)*relu(-x - 1)"), ["d2F/da2 = 0", "F = a*dF/da"]);
    let limited = found("e*x^3 + x*((a+b+c+1)^6 + (a-b+2*c+d)^5) + x^2*((a-b+c+1)^6 + (a-b+2*c+3*d)^5)");
    assert!(limited.contains(&"d2F/de2 = 0".to_string()), "{limited:?}");
    // A relation that does not hold is never printed.
    let functions = [Partial::whole("x"), Partial::whole("x^2")];
    let wrong = Relation { leader: 1, terms: vec![(0, "2".into())], equation: String::new() };
    assert!(matches!(proved(&functions, &[wrong]), Err(IdentifyError::Refused(_))));
}

/// Steps of a sum may depend on each other, which has nothing to do with a point at which all are positive; what is a multiple of a function by parameters has its sign or the opposite one.
#[test]
fn dependent_steps_are_told_as_such() {
    let reason = |expert: &str, gate: &str| {
        let found = identify(expert, gate, 2);
        let Err(IdentifyError::Undecided { reason, .. }) = found else { panic!("{expert}: {found:?}") };
        reason
    };
    let sum = reason("relu(a*x) + relu(b*x) + c", "exp(w*x)");
    assert!(sum.ends_with(": the steps of x*a, x*b may depend on each other, as those of x*a and x*b do: each is that of x, or one minus it, by the sign of what multiplies it"), "{sum}");
    let regions = reason("a*relu(x^2 - 1) + b*(x + 1)*relu(x - 1) + c*(x - 1)*relu(-x - 1)", "1");
    assert!(regions.ends_with(": the steps of x^2 - 1, x - 1, x + 1 may depend on each other"), "{regions}");
}

/// A limit of a relation as a whole is in no column.
#[test]
fn errors_of_relations_have_no_column() {
    let source = "x*((a+b+c+1)^6 + (a-b+2*c+d)^5) + x^2*((a-b+c+1)^6 + (a-b+2*c+3*d)^5)";
    let Err(IdentifyError::Undecided { reason, .. }) = identify(source, "1", 2) else { panic!() };
    assert!(reason.starts_with("a relation of dF/dc has a coefficient of more than "), "{reason}");
}

/// Divisors of long coefficients end, and what was found until then is there.
#[test]
fn the_search_for_relations_ends() {
    let sums = ["x*(sin(a)+sin(b)+c+sin(d))^4", "x^2*(a+exp(b)+sin(c)+d)^4", "x^3*(a*b+c*d+1)^4"];
    let Err(IdentifyError::Undecided { reason, .. }) = identify(&sums.join("+"), "1", 2) else { panic!() };
    assert!(
        reason.starts_with("the coefficients of a relation of F take too much work to find; of the others"),
        "{reason}"
    );
    // One that is short enough is found beside them.
    let sums = ["x*(sin(a)+sin(b)+c)^4", "x^2*(a+exp(b)+sin(c))^4", "x^3*(a*b+c)^4"];
    let Err(IdentifyError::Undecided { reason, found, .. }) = identify(&sums.join("+"), "1", 2) else { panic!() };
    assert!(reason.ends_with("1500 terms; so it is with 5 more"), "{reason}");
    assert_eq!(found.iter().map(|relation| &relation.equation[..4]).collect::<Vec<_>>(), ["F = "]);
}

/// An exponent of hundreds of terms is refused before it is differentiated.
#[test]
fn long_exponents_are_too_large() {
    let error = identify("exp(a*(b + c + d + f + h)^11)*tanh(x)", "1", 2).unwrap_err().to_string();
    assert_eq!(error, "expert, column 1: the expression is too large: an exponent of more than 128 terms");
}

/// A parameter may be called F, h or as a derivative of F: then the function is not.
#[test]
fn the_function_has_a_name_of_its_own() {
    assert!(equations("(h + F)*x").contains(&"F_ = (F + h)*dF_/dh".to_string()), "{:?}", equations("(h + F)*x"));
    assert!(equations("dF*x").contains(&"F_ = dF*dF_/ddF".to_string()), "{:?}", equations("dF*x"));
    assert_eq!(function_name(&["f".into(), "d2F".into(), "dF_".into()]), "F__");
}

/// Roots of π that divide a denominator are written where they belong.
#[test]
fn roots_of_pi_are_no_denominators() {
    let equation = |source: &str, end: &str| {
        let equations = equations(source);
        assert!(equations.iter().any(|equation| equation == end), "{source}: {equations:?}");
    };
    equation("b*x/sqrt(2*pi)^4 + c*x", "dF/dc = 4*sqrt(pi)^4*dF/db");
    equation("b*x/sqrt(2*pi)^3 - 4*c*x", "dF/dc = -8*sqrt(pi)^2*sqrt(2*pi)*dF/db");
    equation("b*x/sqrt(pi) + c*x", "dF/dc = sqrt(pi)*dF/db");
    equation("(b*x/sqrt(pi) + k*x)*(1 + t)", "dF/dk = sqrt(pi)*dF/db");
    equation("b*x/sqrt(pi) + k*(c + d)*x", "dF/dk = (d + c)*sqrt(pi)*dF/db");
}

/// What a sine cancels in `1 − cos²` is no pole: the first coefficient is `−1/cos(a − b)`.
#[test]
fn sines_cancel_in_coefficients() {
    let equations = equations("sin(a + x) + cos(b + x)");
    let second = equations.iter().find(|equation| equation.starts_with("d2F/db2 = ")).unwrap();
    assert!(second.starts_with("d2F/db2 = -1/(cos(a)*cos(b) + sin(a)*sin(b))*dF/da + "), "{second}");
}

/// Numbers of derivatives and of independent ones, from singular values to fifty digits at random parameters by an independent program.
#[test]
fn ranks_are_those_of_numerical_linear_algebra() {
    for (source, derivatives, independent) in [
        ("exp(w*x)*sigmoid(a*x + b)", 10, 9),
        ("exp(w*x)*l*tanh(a*x + b)", 15, 9),
        ("exp(w*x/t)*gelu(a*x + b)", 15, 9),
        ("exp(w*x)*relu(a*x + b)", 10, 4),
        ("exp(w1*x1 + w2*x2)*(a1*x1 + a2*x2 + b)", 21, 9),
        ("exp(w1*x1 + w2*x2)*tanh(a1*x1 + a2*x2 + b)", 21, 18),
        ("exp(sigmoid(w*x)/t)*tanh(a*x + b)", 15, 15),
        ("exp(a*x)*cos(b*x)", 6, 5),
        ("sin(a*x + b)*exp(-c*x^2)", 10, 8),
        ("softplus(a*x + b)*exp(w*x)", 10, 9),
        ("erf(a*x)*exp(-a^2*x^2)", 3, 3),
        ("(a*x + b)^3*exp(w*x)", 10, 5),
        ("exp(w*x)*sigmoid(x + b)*tanh(x/2)", 6, 6),
        ("gelu(a*x)*erf(b*x)/(1 + c)", 10, 6),
        ("exp(w*x)*(a*x/(1 + t^2) + b*tanh(t)*x)", 15, 3),
        ("l*exp(b*x)*sigmoid(b*x)", 6, 3),
        ("exp(tanh(a*x) + b)*l", 10, 3),
        ("x*sigmoid(a)*exp(b) + sigmoid(a + b)*c", 10, 2),
        ("sigmoid(a*x)*sigmoid(-a*x)*exp(2*a*x)", 3, 3),
        ("softplus(a*x) - softplus(-a*x) + b", 6, 2),
        ("relu(w*x)*relu(a*x + b)", 10, 2),
        ("exp(relu(w*x))*relu(a*x + b)", 10, 5),
        ("l*relu(a*x + b)*relu(c*x + d) + m*relu(a*x + b) + k", 36, 6),
        ("exp(w*x/(1 + t^2))*tanh(a*x + b)", 15, 9),
        ("exp(w*x/softplus(t))*tanh(a*x + b)", 15, 9),
        ("sin(tanh(softplus(a*x)))*c + b*x", 10, 4),
        ("exp(softplus(a*x)/2)", 3, 3),
        ("gelu(sqrt(pi)*a*x)", 3, 3),
        ("exp(w*x)*erf(a*x/(1 + a^2)) + c*exp(w*x - x^2/(1 + a^2) + x^2/(1 + a^2)^2)", 10, 8),
    ] {
        let found = found(source);
        assert_eq!((found.derivatives.len(), found.independent), (derivatives, independent), "{source}");
        assert_eq!(found.relations.len(), derivatives - independent, "{source}");
    }
}

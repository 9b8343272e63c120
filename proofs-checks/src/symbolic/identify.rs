//! An expert under its gate: the span of its derivatives, every relation and the independence of the rest certified.

use super::expression::{Expression, Function, is_input};
use super::independence::{Uncertified, certified};
use super::parse::{ExpressionError, parse};
use super::partial::Partial;
use super::relations::{Hidden, Relation, Unsolved, relations};
use crate::rigor::{CertificateError, multi_indices, recheck};
use std::collections::BTreeMap;

/// What is known of `F = gate·expert` ([`function_name`]) and its partial derivatives by the parameters up to an order.
#[derive(Clone, Debug)]
pub struct Identified {
    /// `gate·expert`.
    pub expression: String,
    /// Parameters in the order of their appearance.
    pub parameters: Vec<String>,
    /// Orders of each function's derivative by the parameters: `F` is the one without any.
    pub derivatives: Vec<Vec<u32>>,
    /// Dimension of the span at generic parameters.
    pub independent: usize,
    /// A basis of the relations, short ones first.
    pub relations: Vec<IdentifiedRelation>,
    /// Whether `relu` occurs: then the dimension is that on an open set of parameters, and may be less on others.
    pub kinked: bool,
    /// The certificate `span`, accepted.
    pub certificate: String,
}

/// `Σ coefficient·derivative = 0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifiedRelation {
    /// The dependent derivative alone on the left: `d2F/dw db = dF/da`.
    pub equation: String,
    /// Coefficient, in the syntax of expressions, and number of the derivative.
    pub terms: Vec<(String, usize)>,
}

impl From<&Relation> for IdentifiedRelation {
    fn from(Relation { leader, terms, equation }: &Relation) -> Self {
        let others = terms.iter().map(|(function, coefficient)| (coefficient.clone(), *function));
        Self { equation: equation.clone(), terms: std::iter::once(("1".into(), *leader)).chain(others).collect() }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifyError {
    /// The expert is none that is allowed.
    #[error("expert, {0}")]
    Expert(ExpressionError),
    /// So is the gate.
    #[error("gate, {0}")]
    Gate(ExpressionError),
    /// A limit of the normal form, of precision or of work was hit.
    #[error("not decided: {reason}")]
    Undecided {
        /// `F`.
        expression: String,
        /// Parameters in the order of their appearance.
        parameters: Vec<String>,
        /// Orders of the functions whose span was asked for.
        derivatives: Vec<Vec<u32>>,
        /// Relations that were found and proved, short ones first; whether these are all is not decided.
        found: Vec<IdentifiedRelation>,
        /// What was not decided, and why; with its column where it has one.
        reason: String,
    },
    /// A relation that was found is refused by the re-checker: a defect of the program.
    #[error("a relation that was found does not hold: {0}")]
    Refused(String),
}

/// Longest expression, in characters.
const LONGEST: usize = 4000;
/// Largest number of derivatives.
const MOST: usize = 400;

/// All linear relations among `F = gate·expert` and its derivatives up to `order`, and a certificate of them and of the independence of the rest.
///
/// ```
/// use proofs_checks::symbolic::identify;
/// // Theory B3: the slope of a gate and the offset of a linear expert.
/// let found = identify("a*x + b", "exp(w*x)", 2).unwrap();
/// assert_eq!((found.derivatives.len(), found.independent), (10, 4));
/// assert!(found.relations.iter().any(|relation| relation.equation == "d2F/dw db = dF/da"));
/// assert!(proofs_checks::rigor::recheck(&found.certificate).is_ok());
/// ```
///
/// # Errors
/// See [`IdentifyError`].
pub fn identify(expert: &str, gate: &str, order: u32) -> Result<Identified, IdentifyError> {
    // Longer ones are multiplied out into more than anybody reads.
    for (source, error) in
        [(gate, IdentifyError::Gate as fn(ExpressionError) -> IdentifyError), (expert, IdentifyError::Expert)]
    {
        if source.chars().count() > LONGEST {
            let message = format!("the expression is longer than {LONGEST} characters");
            return Err(error(ExpressionError::new(LONGEST + 1, message)));
        }
    }
    let mut beyond: Option<String> = None;
    let mut read = |source: &str, error: fn(ExpressionError) -> IdentifyError| -> Result<Expression, IdentifyError> {
        let expression = parse(source).map_err(error)?;
        match super::normal_form::Table::lower(&[&expression]) {
            Err(limit) if limit.undecided => beyond = beyond.take().or(Some(error(limit).to_string())),
            Err(wrong) => return Err(error(wrong)),
            Ok(_) => {}
        }
        Ok(expression)
    };
    let gate_expression = read(gate, IdentifyError::Gate)?;
    let expert_expression = read(expert, IdentifyError::Expert)?;
    // `x` is the one input there is, `x1`, `x2`, … are several: both together would be a parameter in disguise.
    let several = |places: &[(String, usize)]| places.iter().any(|(name, _)| name != "x" && is_input(name));
    let [in_gate, in_expert] = [gate_expression.places(), expert_expression.places()];
    if several(&in_gate) || several(&in_expert) {
        let lone = |places: &[(String, usize)]| places.iter().find(|(name, _)| name == "x").map(|(_, column)| *column);
        let message = "x beside x1, x2, …; inputs are x alone, or x1, x2, …";
        if let Some(column) = lone(&in_gate) {
            return Err(IdentifyError::Gate(ExpressionError::new(column, message)));
        }
        if let Some(column) = lone(&in_expert) {
            return Err(IdentifyError::Expert(ExpressionError::new(column, message)));
        }
    }
    // One line, as certificates have it.
    let sources = [gate, expert];
    let [gate, expert] = sources.map(|source| source.split_whitespace().collect::<Vec<_>>().join(" "));
    let kinked = gate_expression.calls(Function::Relu) || expert_expression.calls(Function::Relu);
    let expression = if gate == "1" { expert } else { product(&gate, &expert) };
    let mut parameters: Vec<String> = Vec::new();
    for (name, _) in in_gate.into_iter().chain(in_expert) {
        if !is_input(&name) && !parameters.contains(&name) {
            parameters.push(name);
        }
    }
    let count = binomial(parameters.len() + order as usize, order as usize);
    if count > MOST {
        let message = format!(
            "{count} derivatives up to order {order} by {} parameters; at most {MOST} are allowed",
            parameters.len()
        );
        return Err(IdentifyError::Expert(ExpressionError::new(expert_expression.column, message)));
    }
    // What is expressed by what comes before it: first orders, F, second orders.
    let mut derivatives = multi_indices(parameters.len(), order);
    derivatives[..=parameters.len()].rotate_left(1);
    let undecided = |reason: String, found: Vec<IdentifiedRelation>| IdentifyError::Undecided {
        expression: expression.clone(),
        parameters: parameters.clone(),
        derivatives: derivatives.clone(),
        found,
        reason,
    };
    if let Some(reason) = beyond {
        return Err(undecided(reason, Vec::new()));
    }
    // An error of the whole, in the source that it is about.
    let told = |error: ExpressionError| match (error.undecided, placed(error, sources)) {
        (true, placed) => undecided(placed.to_string(), Vec::new()),
        (false, placed) => placed,
    };
    let functions: Vec<Partial> = derivatives.iter().map(|index| partial(&expression, &parameters, index)).collect();
    let name = function_name(&parameters);
    let names: Vec<String> = derivatives.iter().map(|index| derivative_name(&name, &parameters, index)).collect();
    let found = match relations(&functions, &names) {
        Ok(found) => found,
        Err(Unsolved::Beyond(error)) => return Err(told(error)),
        Err(Unsolved::Limit { reason, found }) => return Err(undecided(reason, proved(&functions, &found)?)),
    };
    let independent = functions.len() - found.len();
    let certificate = certified(&functions, &found, independent, &BTreeMap::new(), 3);
    let certificate = match certificate.as_deref().map(recheck) {
        Err(reason) => {
            let mut message = format!(
                "{} left by the relations that were found; that these are all could not be certified",
                if independent == 1 { "1 derivative is".into() } else { format!("{independent} derivatives are") }
            );
            // Where nothing is seen to hide a relation, the values may have been too large.
            let Hidden { gap, products, steps, multiples } = Hidden::of(&functions).unwrap_or_default();
            let gapped = gap.is_some();
            if let Some(gap) = gap {
                message += &format!(": {}", placed(gap, sources));
            }
            if *reason == Uncertified::NeverAllPositive && products {
                message +=
                    "; no values of the parameters were found at which all arguments of relu are positive at one point";
            } else if kinked && !gapped && steps.len() > 1 {
                message += &format!(": the steps of {} may depend on each other", steps.join(", "));
                if let Some([first, second, bare]) = multiples {
                    message += &format!(
                        ", as those of {first} and {second} do: each is that of {bare}, or one minus it, by the sign of what multiplies it"
                    );
                }
            } else if kinked && !gapped {
                message += ": relu may have an argument whose sign is beyond the normal form";
            }
            return Err(undecided(message, proved(&functions, &found)?));
        }
        Ok(Ok(_)) => certificate.unwrap_or_default(),
        // The determinant was decided when the certificate was made: a limit of the normal form.
        Ok(Err(CertificateError::Undecided { claim } | CertificateError::Beyond { claim })) => {
            return Err(undecided(claim, Vec::new()));
        }
        Ok(Err(error)) => return Err(IdentifyError::Refused(error.to_string())),
    };
    let relations = found.iter().map(IdentifiedRelation::from).collect();
    Ok(Identified { expression, parameters, independent, derivatives, relations, kinked, certificate })
}

/// Relations that are no basis, proved all the same: the re-checker multiplies them out before it refuses the claim of one dimension more than they leave. None where the normal form does not decide it.
fn proved(functions: &[Partial], found: &[Relation]) -> Result<Vec<IdentifiedRelation>, IdentifyError> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let claimed = functions.len() - found.len() + 1;
    match certified(functions, found, claimed, &BTreeMap::new(), 3).as_deref().map(recheck) {
        Ok(Err(CertificateError::False { .. })) => Ok(found.iter().map(IdentifiedRelation::from).collect()),
        Err(_) | Ok(Err(CertificateError::Beyond { .. })) => Ok(Vec::new()),
        Ok(Err(error)) => Err(IdentifyError::Refused(error.to_string())),
        Ok(Ok(accepted)) => Err(IdentifyError::Refused(accepted.claim)),
    }
}

/// `(gate)*(expert)`.
fn product(gate: &str, expert: &str) -> String {
    format!("({gate})*({expert})")
}

/// An error in a column of `F`, without regard to spaces, in the one of the two sources that it belongs to.
fn placed(error: ExpressionError, [gate, expert]: [&str; 2]) -> IdentifyError {
    let packed = |source: &str| source.split_whitespace().collect::<Vec<_>>().join(" ");
    let (first, second) = (packed(gate), packed(expert));
    // The column in a source of a column of its text with single spaces: the same number of other characters is before it.
    let unpacked = |source: &str, text: &str, column: usize| {
        let is_letter = |c: &char| !c.is_whitespace();
        let before = text.chars().take(column - 1).filter(is_letter).count();
        let letters = source.chars().enumerate().filter(|(_, c)| is_letter(c));
        letters.map(|(at, _)| at + 1).nth(before).unwrap_or(1)
    };
    let (inside, message) = (error.column, error.message);
    let gate_at = 2;
    let expert_at = if first == "1" { 1 } else { product(&first, "").chars().count() };
    if first != "1" && (gate_at..gate_at + first.chars().count()).contains(&inside) {
        let column = unpacked(gate, &first, inside + 1 - gate_at);
        return IdentifyError::Gate(ExpressionError::new(column, message));
    }
    let column = unpacked(expert, &second, (inside + 1).saturating_sub(expert_at).max(1));
    IdentifyError::Expert(ExpressionError::new(column, message))
}

/// The orders of a derivative, by the names of the parameters.
///
/// ```
/// use proofs_checks::symbolic::orders;
/// assert_eq!(orders(&["w".into(), "b".into()], &[0, 2]), [("b", 2)].into());
/// ```
pub fn orders<'a>(parameters: &'a [String], derivative: &[u32]) -> BTreeMap<&'a str, u32> {
    parameters.iter().zip(derivative).filter(|(_, n)| **n > 0).map(|(name, n)| (&name[..], *n)).collect()
}

fn partial(expression: &str, parameters: &[String], index: &[u32]) -> Partial {
    let by = parameters.iter().zip(index).flat_map(|(name, n)| std::iter::repeat_n(name.clone(), *n as usize));
    Partial { of: expression.into(), by: by.collect() }
}

fn binomial(n: usize, k: usize) -> usize {
    (0..k).fold(1, |product: usize, i| product.saturating_mul(n - i) / (i + 1))
}

/// What equations call `gate·expert`: `F`, or `F_` … where a parameter has that name or one of its derivatives'.
pub fn function_name(parameters: &[String]) -> String {
    let is_taken = |name: &str| {
        let derivatives = ["", "d", "d2", "d3"].map(|order| format!("{order}{name}"));
        parameters.iter().any(|known| derivatives.contains(known))
    };
    let names = std::iter::successors(Some("F".to_string()), |name| Some(format!("{name}_")));
    names.filter(|name| !is_taken(name)).take(1).collect()
}

/// `F`, `dF/da`, `d2F/dw db`, `d2F/db2`, `d2F/dw1^2`.
fn derivative_name(name: &str, parameters: &[String], index: &[u32]) -> String {
    let total: u32 = index.iter().sum();
    let by: Vec<String> = parameters
        .iter()
        .zip(index)
        .filter(|(_, n)| **n > 0)
        .map(|(name, n)| match n {
            1 => format!("d{name}"),
            // d2F/dw12 would be two derivatives by w1 or one by w12.
            n if name.ends_with(|c: char| c.is_ascii_digit()) || parameters.contains(&format!("{name}{n}")) => {
                format!("d{name}^{n}")
            }
            n => format!("d{name}{n}"),
        })
        .collect();
    match total {
        0 => name.into(),
        1 => format!("d{name}/{}", by.join(" ")),
        n => format!("d{n}{name}/{}", by.join(" ")),
    }
}

#[cfg(test)]
mod tests {
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
        assert!(one.contains("1 derivative is left by"), "{one}");
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
        assert!(reason.starts_with("a relation's coefficients take more than "), "{reason}");
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
}

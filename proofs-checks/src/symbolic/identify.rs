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
            let mut message = if found.is_empty() {
                "no relation was found; that there is none could not be certified".to_string()
            } else {
                format!(
                    "{} left by the relations that were found; that these are all could not be certified",
                    if independent == 1 { "1 derivative is".into() } else { format!("{independent} derivatives are") }
                )
            };
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
            } else if !gapped {
                message += ": the values at the points that were drawn may be too large";
            }
            return Err(undecided(message, proved(&functions, &found)?));
        }
        Ok(Ok(_)) => certificate.unwrap_or_default(),
        // The determinant was decided when the certificate was made: a limit of the normal form.
        Ok(Err(CertificateError::Undecided { claim } | CertificateError::Beyond { claim })) => {
            return Err(undecided(claim, proved(&functions, &found)?));
        }
        Ok(Err(error)) => return Err(IdentifyError::Refused(error.to_string())),
    };
    let relations = found.iter().map(IdentifiedRelation::from).collect();
    Ok(Identified { expression, parameters, independent, derivatives, relations, kinked, certificate })
}

/// Those of some relations that are proved, though they may be no basis: the re-checker multiplies them out before it refuses the claim of one dimension more than they leave. All at once, or, where the normal form does not decide one of them, each for itself.
fn proved(functions: &[Partial], found: &[Relation]) -> Result<Vec<IdentifiedRelation>, IdentifyError> {
    let holds = |relations: &[Relation]| {
        let claimed = functions.len() - relations.len() + 1;
        match certified(functions, relations, claimed, &BTreeMap::new(), 3).as_deref().map(recheck) {
            Ok(Err(CertificateError::False { .. })) => Ok(true),
            Err(_) | Ok(Err(CertificateError::Beyond { .. } | CertificateError::Undecided { .. })) => Ok(false),
            Ok(Err(error)) => Err(IdentifyError::Refused(error.to_string())),
            Ok(Ok(accepted)) => Err(IdentifyError::Refused(accepted.claim)),
        }
    };
    if found.is_empty() || holds(found)? {
        return Ok(found.iter().map(IdentifiedRelation::from).collect());
    }
    let mut kept = Vec::new();
    for relation in found {
        if holds(std::slice::from_ref(relation))? {
            kept.push(IdentifiedRelation::from(relation));
        }
    }
    Ok(kept)
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
mod tests;

//! The certificate `span`: the dimension of the span of functions of the inputs.
//!
//! ```text
//! claim span                                      the functions span, over the constants, a space of the dimension claimed
//! function BY EXPRESSION                          ∂^by of an expression, by `a,b` or `-`; numbered from 1
//! dimension R
//! relation LEADER                                 followed by its terms; the leader, with coefficient 1, occurs in no other relation
//! term FUNCTION COEFFICIENT                       an expression over the parameters
//! precision P
//! value NAME NUMBER                               for each parameter
//! point NUMBER …                                  R lines, one number for each input
//! determinant LOW HIGH
//! ```
//!
//! *At most.* Each relation `Σ c_k(θ) f_k(x; θ) = 0` is multiplied out and normalised to zero (the normal form's documentation has the theorem on which that rests). As every relation has a function of its own with coefficient one, `k` relations
//! are linearly independent, and the functions that lead none span everything: the dimension is at most `N − k`, for every value of the parameters at which the coefficients are defined.
//!
//! *At least.* Let `g_1 … g_R` lead no relation. If `Σ λ_j g_j(x; θ₀) = 0` for all `x`, then for the points `x_i`, so `λ` is in the kernel of the matrix `g_j(x_i; θ₀)`; its determinant is enclosed away from zero, so `λ = 0`. At the points every function has a value, those that lead a relation too. The derivatives
//! come from truncated Taylor arithmetic, not from the normal form. The determinant is an analytic function of the parameters wherever the expressions are; so it vanishes on a set of measure zero at most, and the functions are independent for
//! almost every value of the parameters in the same connected part of their domain. With `relu` it is analytic only where no point meets a kink: the functions are independent on an open set around the values of the certificate, and may be dependent on another.

use std::collections::BTreeMap;

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer, ends};
use super::jet::{Jet, Jets};
use super::linear::determinant;
use super::recheck::{Accepted, PRECISIONS};
use crate::symbolic::{Expression, Function, Partial, is_input, normalise, parse};
use dashu_ratio::RBig;

/// A relation: its leader, and the other terms with their coefficients' texts.
pub(crate) type RelationText = (usize, Vec<(usize, String)>);

/// What a certificate states as data.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) functions: Vec<Partial>,
    pub(crate) dimension: usize,
    pub(crate) relations: Vec<RelationText>,
    pub(crate) precision: usize,
    pub(crate) values: BTreeMap<String, RBig>,
    pub(crate) points: Vec<Vec<RBig>>,
}

/// Most coefficients of a jet.
const LARGEST: usize = 4000;
/// Most functions of a certificate.
const MOST: usize = 2000;

impl Span {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CertificateError> {
        let mut span = Self {
            functions: Vec::new(),
            dimension: 0,
            relations: Vec::new(),
            precision: 0,
            values: BTreeMap::new(),
            points: Vec::new(),
        };
        let (functions, names) = read_functions(reader)?;
        span.functions = functions;
        let count = span.functions.len();
        let (inputs, parameters): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| is_input(name));
        span.dimension = reader.integer("dimension", 0..=MOST, "dimension R")?;
        let allowed = "relation LEADER, term FUNCTION COEFFICIENT, functions by their numbers, each once in a relation, coefficients of their parameters";
        while reader.is_next("relation") {
            let leader = reader.words("relation", allowed)?.join(" ");
            let leader = reader.place(&leader, count, allowed)?;
            let mut terms: Vec<(usize, String)> = Vec::new();
            while reader.is_next("term") {
                let (function, text, coefficient) = read_term(reader, count, allowed)?;
                let is_known = coefficient.names().iter().all(|name| parameters.contains(name));
                if !is_known || function == leader || terms.iter().any(|(other, _)| *other == function) {
                    return Err(reader.malformed(allowed));
                }
                terms.push((function, text));
            }
            span.relations.push((leader, terms));
        }
        span.precision = reader.integer("precision", PRECISIONS, "precision 64 … 4096")?;
        span.values = read_values(reader, &parameters)?;
        while reader.is_next("point") {
            span.points.push(reader.rationals("point", inputs.len())?);
        }
        reader.rest(&["determinant"], "point, determinant LOW HIGH, checksum SUM and the end")?;
        Ok(span)
    }

    /// Functions that lead no relation.
    fn basis(&self) -> Vec<usize> {
        (0..self.functions.len()).filter(|k| self.relations.iter().all(|(leader, _)| leader != k)).collect()
    }

    /// The functions that lead no relation at the points, enclosed; nothing is known of a row where some function, of these or another, has no value.
    pub(crate) fn sampled(&self) -> Result<Vec<Vec<Ball>>, String> {
        if self.points.is_empty() {
            return Ok(Vec::new());
        }
        let rows = matrix(&self.functions.iter().collect::<Vec<_>>(), &self.values, &self.points, self.precision)?;
        let basis = self.basis();
        let row = |row: Vec<Ball>| -> Vec<Ball> {
            let defined = row.iter().all(|value| value.ends().is_some());
            let value = |k: &usize| if defined { row[*k].clone() } else { Ball::whole(self.precision) };
            basis.iter().map(value).collect()
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Their enclosed determinant.
    pub(crate) fn determinant(&self) -> Result<Ball, String> {
        Ok(determinant(self.sampled()?, self.precision))
    }

    /// The certificate with this determinant; without one it can only be refuted.
    pub(crate) fn text(&self, determinant: Option<&Ball>) -> String {
        let mut writer = Writer::new("span");
        write_functions(&mut writer, &self.functions);
        writer.line(format_args!("dimension {}", self.dimension));
        for (leader, terms) in &self.relations {
            writer.line(format_args!("relation {}", leader + 1));
            terms.iter().for_each(|(function, c)| writer.line(format_args!("term {} {c}", function + 1)));
        }
        writer.line(format_args!("precision {}", self.precision));
        write_values(&mut writer, &self.values);
        for point in &self.points {
            let words: Vec<String> = point.iter().map(RBig::to_string).collect();
            writer.line(format_args!("point {}", words.join(" ")));
        }
        if let Some(determinant) = determinant {
            writer.line(format_args!("determinant {}", ends(determinant)));
        }
        writer.finish()
    }

    pub(super) fn decide(&self) -> Result<(Accepted, String), CertificateError> {
        let broken = |claim: String| CertificateError::Unfounded { claim };
        let n = self.functions.len();
        let mut coefficients: Vec<Expression> = Vec::new();
        let mut relations: Vec<Vec<(usize, usize)>> = Vec::new();
        for (number, (leader, terms)) in self.relations.iter().enumerate() {
            let elsewhere = |(other, (lead, terms)): (usize, &RelationText)| {
                other != number && (lead == leader || terms.iter().any(|(function, _)| function == leader))
            };
            if self.relations.iter().enumerate().any(elsewhere) || terms.iter().any(|(f, _)| f == leader) {
                return Err(broken(format!("function {} leads a relation and occurs in another", leader + 1)));
            }
            let mut relation = Vec::new();
            for (function, coefficient) in std::iter::once(&(*leader, "1".into())).chain(terms) {
                let expression = parse(coefficient).map_err(|error| broken(format!("{coefficient}: {error}")))?;
                relation.push((coefficients.len(), *function));
                coefficients.push(expression);
            }
            relations.push(relation);
        }
        let mut forms = normalise(&self.functions, &coefficients).map_err(|error| broken(error.to_string()))?;
        for relation in &relations {
            let text = || self.relation_text(relations.iter().position(|r| r == relation).unwrap_or(0));
            if relation.iter().any(|(coefficient, _)| !forms.is_of_parameters(*coefficient)) {
                return Err(broken(format!("a coefficient of {} contains an input", text())));
            }
            match forms.sum_is_zero(relation) {
                Ok(true) => {}
                Ok(false) => return Err(broken(format!("{} does not normalise to zero", text()))),
                // Its column is one of a sum that is written down nowhere.
                Err(error) => return Err(CertificateError::Beyond { claim: error.message }),
            }
        }
        let most = n - relations.len();
        if most < self.dimension {
            let reason = match relations.len() {
                0 => format!("there are only {n} functions"),
                _ => self.relation_text(0),
            };
            let claim =
                format!("the {n} functions span {} dimensions; they span {most} at most, as {reason}", self.dimension);
            return Err(CertificateError::False { claim });
        }
        if most > self.dimension {
            return Err(broken(format!("{} relations leave {most} dimensions", relations.len())));
        }
        // A determinant of no rows would be one.
        if self.points.len() != most {
            return Err(broken(format!("{} points for {most} functions", self.points.len())));
        }
        let rows = self.sampled().map_err(broken)?;
        if let Some(point) = rows.iter().position(|row| row.iter().any(|value| value.ends().is_none())) {
            let claim = format!(
                "at point {} a function has no value: a divisor may be zero, or relu is at its kink",
                point + 1
            );
            return Err(CertificateError::Undecided { claim });
        }
        let determinant = determinant(rows, self.precision);
        if determinant.sign().is_none() {
            let claim = format!("{most} functions are independent: the determinant's enclosure holds zero");
            return Err(CertificateError::Undecided { claim });
        }
        let kinked = self.functions.iter().any(|f| parse(&f.of).is_ok_and(|of| of.calls(Function::Relu)));
        let dimension = [self.dimension as f64; 2];
        let accepted = Accepted {
            claim: format!(
                "the {n} functions of the certificate span {} dimensions {}",
                self.dimension,
                if kinked && self.values.is_empty() {
                    "for an open set of values of their parameters"
                } else if kinked {
                    "for an open set of values of their parameters near those of the certificate"
                } else {
                    "for almost every value of their parameters"
                }
            ),
            interval: dimension,
            accept: dimension,
            identity: false,
        };
        Ok((accepted, self.text(Some(&determinant))))
    }

    fn relation_text(&self, number: usize) -> String {
        let Some((leader, terms)) = self.relations.get(number) else { return "no relation".into() };
        let term =
            |(function, coefficient): &(usize, String)| format!("({coefficient})*[{}]", self.functions[*function]);
        let others: Vec<String> = terms.iter().map(term).collect();
        let sum = [vec![format!("[{}]", self.functions[*leader])], others].concat().join(" + ");
        format!("{sum} = 0")
    }
}

/// `function BY EXPRESSION` lines, and all names in them, inputs in the order of coordinates.
pub(super) fn read_functions(reader: &mut Reader<'_>) -> Result<(Vec<Partial>, Vec<String>), CertificateError> {
    let allowed = "function BY EXPRESSION, derivatives by parameters of it";
    let mut functions: Vec<Partial> = Vec::new();
    let mut sources: BTreeMap<String, Expression> = BTreeMap::new();
    while reader.is_next("function") {
        let words = reader.words("function", allowed)?;
        let (by, of) = words.split_first().ok_or_else(|| reader.malformed(allowed))?;
        let by: Vec<String> = if *by == "-" { Vec::new() } else { by.split(',').map(str::to_string).collect() };
        let of = of.join(" ");
        if !sources.contains_key(&of) {
            sources.insert(of.clone(), parse(&of).map_err(|_| reader.malformed(allowed))?);
        }
        let own = sources[&of].names();
        if by.iter().any(|name| is_input(name) || !own.contains(name)) {
            return Err(reader.malformed(allowed));
        }
        functions.push(Partial { of, by });
        if functions.len() > MOST {
            return Err(reader.malformed("at most 2000 functions"));
        }
    }
    if functions.is_empty() {
        return Err(reader.missing(allowed));
    }
    let mut names = inputs(sources.values());
    names.extend(sources.values().flat_map(Expression::names).filter(|name| !is_input(name)));
    Ok((functions, names))
}

/// A `term FUNCTION COEFFICIENT` line.
pub(super) fn read_term(
    reader: &mut Reader<'_>,
    count: usize,
    allowed: &'static str,
) -> Result<(usize, String, Expression), CertificateError> {
    let words = reader.words("term", allowed)?;
    let (function, coefficient) = words.split_first().ok_or_else(|| reader.malformed(allowed))?;
    let (function, text) = (reader.place(function, count, allowed)?, coefficient.join(" "));
    let coefficient = parse(&text).map_err(|_| reader.malformed(allowed))?;
    Ok((function, text, coefficient))
}

pub(super) fn write_functions(writer: &mut Writer, functions: &[Partial]) {
    for function in functions {
        let by = if function.by.is_empty() { "-".into() } else { function.by.join(",") };
        writer.line(format_args!("function {by} {}", function.of));
    }
}

/// `value NAME NUMBER` lines for parameters among these.
pub(super) fn read_values(
    reader: &mut Reader<'_>,
    parameters: &[String],
) -> Result<BTreeMap<String, RBig>, CertificateError> {
    let allowed = "value NAME NUMBER, for parameters of the functions without another value, each once";
    let mut values = BTreeMap::new();
    while reader.is_next("value") {
        let words = reader.words("value", allowed)?;
        let (name, number) = words.split_first().ok_or_else(|| reader.malformed(allowed))?;
        let number = reader.exact(number, allowed)?;
        let is_known = parameters.iter().any(|known| known == name);
        if !is_known || values.insert((*name).to_string(), number).is_some() {
            return Err(reader.malformed(allowed));
        }
    }
    Ok(values)
}

pub(super) fn write_values(writer: &mut Writer, values: &BTreeMap<String, RBig>) {
    values.iter().for_each(|(name, value)| writer.line(format_args!("value {name} {value}")));
}

/// Names of inputs in the order of coordinates: by their numbers.
pub(crate) fn inputs<'a>(expressions: impl Iterator<Item = &'a Expression>) -> Vec<String> {
    let mut names: Vec<String> = expressions.flat_map(Expression::names).filter(|name| is_input(name)).collect();
    names.sort_by_key(|name| (name.len(), name.clone()));
    names.dedup();
    names
}

/// `f_k(x_i; θ)`, a row for each point, enclosed.
pub(crate) fn matrix(
    functions: &[&Partial],
    values: &BTreeMap<String, RBig>,
    points: &[Vec<RBig>],
    precision: usize,
) -> Result<Vec<Vec<Ball>>, String> {
    let exact = |value: &RBig| Ball::rational(value.numerator(), value.denominator(), precision);
    let values: BTreeMap<String, Ball> = values.iter().map(|(name, value)| (name.clone(), exact(value))).collect();
    let points: Vec<Vec<Ball>> = points.iter().map(|point| point.iter().map(exact).collect()).collect();
    evaluated(functions, &values, &points, precision)
}

/// As [`matrix`], of enclosed values and points.
pub(crate) fn evaluated(
    functions: &[&Partial],
    values: &BTreeMap<String, Ball>,
    points: &[Vec<Ball>],
    precision: usize,
) -> Result<Vec<Vec<Ball>>, String> {
    let mut sources: Vec<&str> = functions.iter().map(|function| &function.of[..]).collect();
    sources.sort_unstable();
    sources.dedup();
    let expressions: Vec<Expression> = sources
        .iter()
        .map(|source| parse(source).map_err(|error| format!("{source}: {error}")))
        .collect::<Result<_, _>>()?;
    let coordinates = inputs(expressions.iter());
    // For each expression: the parameters that it is differentiated by, its jets, and what has a value.
    let mut plans = Vec::new();
    for (source, expression) in sources.iter().zip(&expressions) {
        let of: Vec<&&Partial> = functions.iter().filter(|function| function.of == *source).collect();
        let mut by: Vec<&String> = of.iter().flat_map(|function| &function.by).collect();
        by.sort_unstable();
        by.dedup();
        let order = of.iter().map(|function| function.by.len()).max().unwrap_or(0) as u32;
        let size = (1..=order as usize).fold(1, |size: usize, k| size.saturating_mul(by.len() + k) / k);
        if size > LARGEST {
            return Err(format!("{size} derivatives of {source}; at most {LARGEST} are handled"));
        }
        let jets = Jets::new(by.len(), order, precision);
        let mut symbols: BTreeMap<String, Jet> = BTreeMap::new();
        for name in expression.names().into_iter().filter(|name| !is_input(name)) {
            let value = values.get(&name).ok_or_else(|| format!("{name} has no value"))?.clone();
            let jet = match by.iter().position(|known| **known == name) {
                Some(number) => jets.parameter(number, value),
                None => jets.constant(value),
            };
            symbols.insert(name, jet);
        }
        plans.push((by, jets, symbols));
    }
    let mut rows = Vec::with_capacity(points.len());
    for point in points {
        if point.len() != coordinates.len() {
            return Err(format!("a point has {} coordinates, the functions {} inputs", point.len(), coordinates.len()));
        }
        let mut values = Vec::with_capacity(sources.len());
        for (expression, (_, jets, symbols)) in expressions.iter().zip(&mut plans) {
            for (name, coordinate) in coordinates.iter().zip(point) {
                symbols.insert(name.clone(), jets.constant(coordinate.clone()));
            }
            values.push(jets.evaluate(expression, symbols).ok_or("a symbol has no value")?);
        }
        let row = functions.iter().map(|function| {
            let source = sources.binary_search(&&function.of[..]).map_err(|_| "no such expression")?;
            let (by, jets, _) = &plans[source];
            let count = |name: &&String| function.by.iter().filter(|other| other == name).count() as u32;
            let index: Vec<u32> = by.iter().map(count).collect();
            jets.derivative(&values[source], &index).ok_or_else(|| "a derivative beyond the order".to_string())
        });
        rows.push(row.collect::<Result<Vec<Ball>, String>>()?);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::super::recheck::recheck;
    use super::*;
    use crate::symbolic::span_certificate;

    /// A claim says where it holds: with relu on an open set only, near the values of the certificate where it has some.
    #[test]
    fn claims_say_where_they_hold() {
        for (of, place) in [
            ("relu(a*x + b)", "for an open set of values of their parameters near those of the certificate"),
            ("relu(x)", "for an open set of values of their parameters"),
            ("tanh(a*x + b)", "for almost every value of their parameters"),
        ] {
            let functions = [Partial::whole(of), Partial::whole(format!("x*{of}"))];
            let text = span_certificate(&functions, 2, &BTreeMap::new(), 1).unwrap();
            let claim = recheck(&text).unwrap().claim;
            assert!(claim.ends_with(&format!("span 2 dimensions {place}")), "{claim}");
        }
    }
}

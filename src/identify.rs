//! `verify identify`: relations and independence of an expert and gate that a user writes down.

use std::fmt::Write;

use proofs_checks::symbolic::{
    ExpressionError, Families, Family, Identified, IdentifiedRelation, IdentifyError, families, function_name,
    identify, orders,
};
use serde_json::{Value, json};

use crate::cli::{Format, IdentifyArguments};
use crate::out_directory::OutDirectory;
use crate::shared::Shared;
use crate::status::{Failure, Status};
use crate::stdout;

/// Name of the certificate in `--out`.
const CERTIFICATE: &str = "identify.cert";

/// What is known of the span: all of it, or what was not decided.
type Span = Result<Identified, IdentifyError>;

/// Prints the span of the derivatives, symmetries and flat families; where the span is not decided, these alone, and fails with the reason.
pub(crate) fn run(arguments: &IdentifyArguments, shared: &Shared) -> Result<Status, Failure> {
    let span = identify(&arguments.expert, &arguments.gate, arguments.order);
    let span = match span {
        Ok(_) | Err(IdentifyError::Undecided { .. }) => span,
        Err(error @ IdentifyError::Refused(_)) => return Err(Failure::Internal(error.into())),
        Err(error @ (IdentifyError::Expert(_) | IdentifyError::Gate(_))) => {
            return Err(Failure::input(error.to_string()));
        }
    };
    let out = arguments.out.as_deref().map(OutDirectory::create).transpose()?;
    // Both were read already.
    let internal = |error: ExpressionError| Failure::Internal(error.into());
    let families = families(&arguments.expert, &arguments.gate).map_err(internal)?;
    let document = document(&span, &families);
    if let Some(out) = &out {
        // Certificates of an earlier answer are none of this one's.
        let written = families.found.iter().filter(|family| family.certificate.is_some()).count();
        out.remove(|name| match name {
            CERTIFICATE => span.is_err(),
            name => flat_number(name).is_some_and(|number| number >= written),
        })?;
        for (number, certificate) in families.found.iter().filter_map(|family| family.certificate.as_ref()).enumerate()
        {
            out.write(&flat_name(number), certificate.as_bytes())?;
        }
        out.write("identify.json", format!("{document}\n").as_bytes())?;
        if let Ok(found) = &span {
            out.write(CERTIFICATE, found.certificate.as_bytes())?;
        }
    }
    let text = match shared.format {
        Format::Json => format!("{document}\n"),
        Format::Text | Format::Markdown => summary(&span, &families, arguments, shared.format == Format::Markdown),
    };
    stdout::print(&text)?;
    span.map(|_| Status::Completed).map_err(|error| Failure::Internal(error.into()))
}

/// Name of the certificate of a flat family in `--out`.
fn flat_name(number: usize) -> String {
    format!("flat-{}.cert", number + 1)
}

/// The number that [`flat_name`] is of.
fn flat_number(name: &str) -> Option<usize> {
    let number = name.strip_prefix("flat-")?.strip_suffix(".cert")?.parse::<usize>().ok()?.checked_sub(1)?;
    (flat_name(number) == name).then_some(number)
}

/// The documented JSON.
fn document(span: &Span, families: &Families) -> Value {
    let mut document = match span {
        Ok(found) => of_span(found),
        Err(IdentifyError::Undecided { expression, parameters, derivatives, found, reason }) => json!({
            "expression": expression,
            "parameters": parameters,
            "dimension": derivatives.len(),
            "independent": null,
            "relations": null,
            "found": of_relations(found, parameters, derivatives),
            "certificate": null,
            "reason": reason,
        }),
        Err(_) => Value::Null,
    };
    let of = |Family { kind, words, certificate }: &Family| json!({ "kind": kind.name(), "statement": words, "certificate": certificate });
    document["families"] = families.found.iter().map(of).collect();
    document["undecided"] = json!(families.undecided);
    document
}

fn of_relations(relations: &[IdentifiedRelation], parameters: &[String], derivatives: &[Vec<u32>]) -> Value {
    let term = |(coefficient, k): &(String, usize)| json!({ "coefficient": coefficient, "derivative": orders(parameters, &derivatives[*k]) });
    let relation = |IdentifiedRelation { equation, terms }: &IdentifiedRelation| json!({ "equation": equation, "terms": terms.iter().map(term).collect::<Vec<Value>>() });
    relations.iter().map(relation).collect()
}

fn of_span(found: &Identified) -> Value {
    json!({
        "expression": found.expression,
        "parameters": found.parameters,
        "dimension": found.derivatives.len(),
        "independent": found.independent,
        "relations": of_relations(&found.relations, &found.parameters, &found.derivatives),
        "found": null,
        "certificate": found.certificate,
        "reason": null,
    })
}

fn summary(span: &Span, families: &Families, arguments: &IdentifyArguments, markdown: bool) -> String {
    let mut text = String::new();
    let code = |words: &str| if markdown { format!("`{words}`") } else { words.to_string() };
    let head = |text: &mut String, expression: &str, parameters: &[String], dimension: usize| {
        let name = function_name(parameters);
        let _ = writeln!(text, "{name} = {}", code(expression));
        let _ = writeln!(
            text,
            "\n{name} and its partial derivatives by {} up to order {}: {dimension} function{},",
            list(parameters),
            arguments.order,
            if dimension == 1 { "" } else { "s" }
        );
    };
    match span {
        Ok(found) => {
            head(&mut text, &found.expression, &found.parameters, found.derivatives.len());
            dimension(&mut text, found, arguments);
            relations(&mut text, &found.relations, &found.parameters, "a basis of all", markdown);
        }
        Err(IdentifyError::Undecided { expression, parameters, derivatives, found, reason }) => {
            head(&mut text, expression, parameters, derivatives.len());
            let _ = writeln!(text, "of which it is not decided how many are independent: {reason}.");
            let heading = "found and proved; whether these are all is not decided";
            relations(&mut text, found, parameters, heading, markdown);
        }
        Err(_) => {}
    }
    let Families { found: families, undecided } = families;
    if !families.is_empty() {
        let _ = writeln!(
            text,
            "\nSymmetries and flat families, each proved for all values of the parameters at which it has values (with relu almost everywhere):\n"
        );
        let mut certificates = 0;
        for Family { words, certificate, .. } in families {
            let _ = write!(text, "{}{words}", if markdown { "- " } else { "  " });
            if certificate.is_some() && arguments.out.is_some() {
                let _ = write!(text, " [{}]", flat_name(certificates));
                certificates += 1;
            }
            text.push('\n');
        }
    }
    let _ = writeln!(
        text,
        "\n{}: signs, shifts of a parameter by half a period of sine and cosine (where the angle grows by a rational multiple of the parameter), scalings, splits of atoms, common factors of numerator and denominator by one parameter of the gate (halves of equal weight, or for a gate that is an exponential by weights times exp(∓rs), r without inputs), motions by affine flows (eigenvalues whole numbers, or a rotation) along which gate and expert gain constant powers of one factor, and by one parameter along which they gain powers in the others; of other symmetries nothing is said.",
        if families.is_empty() { "Of symmetries and flat families none was found. Looked for" } else { "Looked for" }
    );
    for words in undecided {
        let _ = writeln!(text, "{}not decided: {words}", if markdown { "- " } else { "  " });
    }
    text
}

/// How many functions are independent.
fn dimension(text: &mut String, found: &Identified, arguments: &IdentifyArguments) {
    let place = if found.kinked {
        "on an open set of values of the parameters (relu: on others fewer may be)"
    } else {
        "at almost every value of the parameters"
    };
    let verb = if found.independent == 1 { "is" } else { "are" };
    let _ = writeln!(text, "of which {} {verb} independent {place}.", found.independent);
    let _ = match &arguments.out {
        Some(_) => writeln!(text, "Proved; certificate in {CERTIFICATE}."),
        None => writeln!(text, "Proved; --out DIR writes the certificate."),
    };
}

/// The relations, and what they are in words.
fn relations(
    text: &mut String,
    relations: &[IdentifiedRelation],
    parameters: &[String],
    heading: &str,
    markdown: bool,
) {
    if relations.is_empty() {
        return;
    }
    let code = |words: &str| if markdown { format!("`{words}`") } else { words.to_string() };
    let _ = writeln!(text, "\nRelations ({}), {heading}:\n", relations.len());
    let equations: Vec<&str> = relations.iter().map(|relation| &relation.equation[..]).collect();
    for (equation, indices) in grouped(&equations, parameters) {
        let _ = write!(text, "{}{}", if markdown { "- " } else { "  " }, code(&equation));
        let _ = writeln!(text, "{}", if indices.is_empty() { String::new() } else { format!("   for {indices}") });
    }
}

/// Equations that differ in the numbers of parameters alone, as one in their place among the others: `d2F/dw_i db = dF/da_i` for `i = 1, 2`.
fn grouped(equations: &[&str], parameters: &[String]) -> Vec<(String, String)> {
    const LETTERS: [char; 6] = ['i', 'j', 'k', 'l', 'm', 'n'];
    let number = |name: &str| -> Option<(usize, String)> {
        let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
        (!base.is_empty() && base.len() < name.len()).then(|| (base.len(), name[base.len()..].to_string()))
    };
    // Each name with a letter for its number, and the numbers by their letters.
    let pattern = |equation: &str| -> Option<(String, Vec<String>)> {
        let (mut pattern, mut numbers, mut rest) = (String::new(), Vec::<String>::new(), equation);
        while !rest.is_empty() {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, tail) =
                rest.split_at(if end == 0 { rest.chars().next().map_or(1, char::len_utf8) } else { end });
            let is_name = |word: &str| parameters.iter().any(|name| name == word);
            let of_name = is_name(word) || word.strip_prefix('d').is_some_and(is_name);
            match number(word).filter(|_| of_name) {
                None => pattern.push_str(word),
                Some((base, digits)) => {
                    let known = numbers.iter().position(|own| *own == digits);
                    let place = known.unwrap_or(numbers.len());
                    if known.is_none() {
                        numbers.push(digits);
                    }
                    let _ = write!(pattern, "{}_{}", &word[..base], LETTERS.get(place)?);
                }
            }
            rest = tail;
        }
        (!numbers.is_empty()).then_some((pattern, numbers))
    };
    let patterns: Vec<Option<(String, Vec<String>)>> = equations.iter().map(|equation| pattern(equation)).collect();
    let alike = |k: usize| -> Vec<usize> {
        let Some((own, _)) = &patterns[k] else { return vec![k] };
        let is_alike = |other: &usize| patterns[*other].as_ref().is_some_and(|(pattern, _)| pattern == own);
        (0..patterns.len()).filter(is_alike).collect()
    };
    let mut lines = Vec::new();
    for (k, equation) in equations.iter().enumerate() {
        let group = alike(k);
        match &patterns[k] {
            Some((pattern, numbers)) if group.len() > 1 => {
                if group[0] < k {
                    continue;
                }
                let tuple = |words: &[String]| match words {
                    [word] => word.clone(),
                    words => format!("({})", words.join(", ")),
                };
                let letters: Vec<String> = LETTERS[..numbers.len()].iter().map(char::to_string).collect();
                let values: Vec<String> =
                    group.iter().filter_map(|other| patterns[*other].as_ref()).map(|(_, own)| tuple(own)).collect();
                lines.push((pattern.clone(), format!("{} = {}", tuple(&letters), values.join(", "))));
            }
            _ => lines.push(((*equation).to_string(), String::new())),
        }
    }
    lines
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no parameters".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every equation is in one line, as itself or by its numbers.
    #[test]
    fn equations_are_grouped_by_the_numbers_of_parameters() {
        let parameters = ["w1", "w2", "w3", "a1", "a2", "a3", "b"].map(String::from);
        let equations = [
            "d2F/db2 = 0",
            "d2F/dw1 db = dF/da1",
            "d2F/dw2 db = dF/da2",
            "d2F/dw1 da2 = d2F/dw2 da1",
            "d2F/dw1 db = dF/da3",
            "d2F/dw1 da3 = d2F/dw3 da1",
            "d2F/da1^2 = 0",
            "d2F/da2^2 = 0",
            "dF/dw1 = a1/a2*dF/dw2",
        ];
        let found = grouped(&equations, &parameters);
        let found: Vec<(&str, &str)> = found.iter().map(|(equation, numbers)| (&equation[..], &numbers[..])).collect();
        let expected = [
            ("d2F/db2 = 0", ""),
            ("d2F/dw_i db = dF/da_i", "i = 1, 2"),
            ("d2F/dw_i da_j = d2F/dw_j da_i", "(i, j) = (1, 2), (1, 3)"),
            ("d2F/dw1 db = dF/da3", ""),
            ("d2F/da_i^2 = 0", "i = 1, 2"),
            ("dF/dw1 = a1/a2*dF/dw2", ""),
        ];
        assert_eq!(found, expected);
    }
}

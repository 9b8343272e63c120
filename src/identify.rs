//! `verify identify`: relations and independence of an expert and gate that a user writes down.

use std::fmt::Write;

use proofs_checks::symbolic::{Family, Identified, IdentifyError, families, identify};
use serde_json::{Value, json};

use crate::cli::{Format, IdentifyArguments};
use crate::out_directory::OutDirectory;
use crate::shared::Shared;
use crate::status::{Failure, Status};
use crate::stdout;

/// Name of the certificate in `--out`.
const CERTIFICATE: &str = "identify.cert";

/// Prints the span of the derivatives.
pub(crate) fn run(arguments: &IdentifyArguments, shared: &Shared) -> Result<Status, Failure> {
    let found = identify(&arguments.expert, &arguments.gate, arguments.order).map_err(|error| match error {
        IdentifyError::Refused(_) | IdentifyError::Limit(_) => Failure::Internal(error.into()),
        error => Failure::input(error.to_string()),
    })?;
    let out = arguments.out.as_deref().map(OutDirectory::create).transpose()?;
    let document = document(&found);
    let is_json = shared.format == Format::Json;
    let families = match is_json && out.is_none() {
        true => Vec::new(),
        false => families(&arguments.expert, &arguments.gate).unwrap_or_default(),
    };
    if let Some(out) = &out {
        for (number, certificate) in families.iter().filter_map(|family| family.certificate.as_ref()).enumerate() {
            out.write(&flat_name(number), certificate.as_bytes())?;
        }
        out.write("identify.json", format!("{document}\n").as_bytes())?;
        out.write(CERTIFICATE, found.certificate.as_bytes())?;
    }
    let text = match shared.format {
        Format::Json => format!("{document}\n"),
        Format::Text | Format::Markdown => summary(&found, &families, arguments, shared.format == Format::Markdown),
    };
    stdout::print(&text)?;
    Ok(Status::Completed)
}

/// Name of the certificate of a flat family in `--out`.
fn flat_name(number: usize) -> String {
    format!("flat-{}.cert", number + 1)
}

/// The documented JSON.
fn document(found: &Identified) -> Value {
    let relations: Vec<Value> = found
        .relations
        .iter()
        .map(|relation| {
            let terms: Vec<Value> = relation
                .terms
                .iter()
                .map(|(coefficient, k)| json!({ "coefficient": coefficient, "derivative": found.orders(*k) }))
                .collect();
            json!({ "equation": relation.equation, "terms": terms })
        })
        .collect();
    json!({
        "expression": found.expression,
        "parameters": found.parameters,
        "dimension": found.derivatives.len(),
        "independent": found.independent,
        "relations": relations,
        "certificate": found.certificate,
    })
}

fn summary(found: &Identified, families: &[Family], arguments: &IdentifyArguments, markdown: bool) -> String {
    let mut text = String::new();
    let code = |words: &str| if markdown { format!("`{words}`") } else { words.to_string() };
    let _ = writeln!(text, "F = {}", code(&found.expression));
    let (dimension, independent) = (found.derivatives.len(), found.independent);
    let order = arguments.order;
    let _ = writeln!(
        text,
        "\nF and its partial derivatives by {} up to order {order}: {dimension} functions,",
        list(&found.parameters)
    );
    let place = if found.kinked {
        "on an open set of values of the parameters (relu: on others fewer may be)"
    } else {
        "at almost every value of the parameters"
    };
    let _ = writeln!(text, "of which {independent} are independent {place}.");
    let _ = match &arguments.out {
        Some(_) => writeln!(text, "Proved; certificate in {CERTIFICATE}."),
        None => writeln!(text, "Proved; --out DIR writes the certificate."),
    };
    if !found.relations.is_empty() {
        let _ = writeln!(text, "\nRelations ({}), a basis of all:\n", found.relations.len());
        for relation in &found.relations {
            let _ = writeln!(text, "{}{}", if markdown { "- " } else { "  " }, code(&relation.equation));
        }
    }
    if !families.is_empty() {
        let _ = writeln!(text, "\nSymmetries and flat families, each proved for all values of the parameters:\n");
        let mut certificates = 0;
        for Family { words, certificate } in families {
            let _ = write!(text, "{}{words}", if markdown { "- " } else { "  " });
            if certificate.is_some() && arguments.out.is_some() {
                let _ = write!(text, " [{}]", flat_name(certificates));
                certificates += 1;
            }
            text.push('\n');
        }
        let _ = writeln!(
            text,
            "\nLooked for: signs, scalings, splits of atoms, common factors, motions by affine flows; of other symmetries, such as shifts by a period, nothing is said."
        );
    }
    text
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no parameters".into() } else { names.join(", ") }
}

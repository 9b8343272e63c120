//! Reports as JSON.

use proofs_checks::Report;
use serde::Serialize;

/// An array with one object a line.
pub(crate) fn array<T: Serialize>(items: &[T]) -> String {
    // The items are plain data with string keys, which always have a JSON form.
    let lines: Vec<String> = items.iter().filter_map(|item| serde_json::to_string(item).ok()).collect();
    if lines.is_empty() { "[]\n".into() } else { format!("[\n{}\n]\n", lines.join(",\n")) }
}

/// The reports, as documented.
pub(crate) fn reports(reports: &[Report]) -> String {
    array(reports)
}

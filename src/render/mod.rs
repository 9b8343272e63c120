//! Reports for people and programs. Nothing here computes: a report from disk renders the same.

mod digits;
mod exact;
pub(crate) mod figure;
pub(crate) mod json;
mod map;
pub(crate) mod markdown;
mod palette;
mod scale;
pub(crate) mod text;

use std::path::Path;

use proofs_checks::{Cell, EvidenceRecord, Report, Table};

pub(crate) use digits::number;
pub(crate) use exact::table_csv;

use crate::cli::Format;

/// The files that were written for a report.
#[derive(Debug)]
pub(crate) struct Files {
    report: String,
    tables: Vec<String>,
    figures: Vec<String>,
}

impl Files {
    /// The paths of a report's files in a directory.
    pub(crate) fn new(directory: &Path, report: &Report) -> Self {
        let path = |name: String| directory.join(name).display().to_string();
        let id = &report.lemma;
        Self {
            report: path(format!("{id}.json")),
            tables: report.tables.iter().map(|table| path(format!("{id}.{}.csv", table.name))).collect(),
            figures: report.figures.iter().map(|figure| path(format!("{id}.{}.svg", figure.name))).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        self.figures.iter().chain(&self.tables).chain([&self.report])
    }
}

/// One report, ending with an empty line; an array of one as JSON.
pub(crate) fn render(report: &Report, files: Option<&Files>, format: Format) -> String {
    match format {
        Format::Text => text::report(report, files),
        Format::Markdown => markdown::report(report, files),
        Format::Json => json::reports(std::slice::from_ref(report)),
    }
}

/// A lone table; `as_json` makes its JSON.
pub(crate) fn lone_table(table: &Table, format: Format, as_json: impl FnOnce() -> String) -> String {
    match format {
        Format::Text => text::table(table),
        Format::Markdown => markdown::table(table),
        Format::Json => as_json(),
    }
}

/// An entry of a table for reading: at most six significant digits.
fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => "–".into(),
        Cell::Integer(value) => digits::integer(*value),
        Cell::Number(value) => number(*value),
        Cell::Text(text) => text.clone(),
    }
}

/// The head of a column, with its unit.
fn head(column: &proofs_checks::Column) -> String {
    if column.unit.is_empty() { column.name.clone() } else { format!("{} [{}]", column.name, column.unit) }
}

/// Whether a column should be flush right: it holds numbers and no text.
fn is_numeric(table: &Table, column: usize) -> bool {
    let mut cells = table.rows.iter().filter_map(|row| row.get(column)).filter(|cell| **cell != Cell::Null).peekable();
    cells.peek().is_some() && cells.all(|cell| cell.number().is_some())
}

/// What an item of evidence says, in words.
fn holds(item: &EvidenceRecord) -> &'static str {
    match item.holds {
        Some(true) => "holds",
        Some(false) => "fails",
        None => "undecided",
    }
}

/// How it came to say so: `statistic at 99 %: [0.499, 0.501], accepted [0.49, 0.51]`.
fn comparison(item: &EvidenceRecord) -> String {
    let kind = match item.kind {
        proofs_checks::Kind::Certificate => "certificate",
        proofs_checks::Kind::Identity => "identity",
        proofs_checks::Kind::Statistic => "statistic",
        proofs_checks::Kind::Comparison => "comparison",
    };
    let level = item.level.map(|level| format!(" at {} %", number(100.0 * level))).unwrap_or_default();
    if item.interval.is_none() && item.accept == [None, None] {
        return format!("{kind}: not accepted");
    }
    let [found, accepted] = digits::intervals(item.interval, item.accept);
    format!("{kind}{level}: {found}, accepted {accepted}")
}

/// The settings of a run, on one line.
fn settings(report: &Report) -> String {
    let mut parts = vec![format!("effort {}", report.effort), format!("seed {}", report.seed)];
    parts.extend(report.parameters.iter().map(|(key, value)| format!("{key} = {value}")));
    parts.join(", ")
}

/// Time, threads and version of a run, on one line.
fn circumstances(report: &Report) -> String {
    let threads = if report.threads == 1 { "1 thread".into() } else { format!("{} threads", report.threads) };
    format!("{} on {threads}, version {}", digits::seconds(report.seconds), report.version)
}

/// The verdict on record, in words.
fn ledger(report: &Report) -> String {
    match report.ledger {
        Some(ledger) if ledger == report.verdict => "as in the ledger".into(),
        Some(ledger) => format!("the ledger has: {ledger}"),
        None => "no ledger entry: parameters were set".into(),
    }
}

#[cfg(test)]
pub(crate) use tests::example;

#[cfg(test)]
mod tests;

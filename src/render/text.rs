//! Reports for a terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width};
use proofs_checks::{EvidenceRecord, Report, Table};
use textwrap::{Options, WordSeparator, WordSplitter};

use super::{Files, cell, circumstances, comparison, head, holds, is_numeric, ledger, settings};

/// Columns of a line.
const WIDTH: usize = 100;
/// Columns of the margin that holds the labels.
const MARGIN: usize = 14;

/// One report.
pub(crate) fn report(report: &Report, files: Option<&Files>) -> String {
    let mut out = String::new();
    let title = format!("{}: {}", report.lemma, report.verdict.as_str().to_uppercase());
    out += &format!("{title}\n{}\n", "═".repeat(title.chars().count()));
    out += &labelled("claim", &format!("{} (arXiv {})", report.claim, report.paper));
    out += &labelled("scope", &report.scope);
    out += &labelled("verdict", &format!("{}; {}", report.verdict, ledger(report)));

    out += "\nevidence\n";
    for item in &report.evidence {
        out += &evidence(holds(item), &item.statement, item);
    }
    out += "\ncontrols: the same evidence for false claims, which must fail\n";
    for control in &report.controls {
        let label = if control.rejected { "rejected" } else { "NOT REJECTED" };
        out += &evidence(label, &control.statement, &control.evidence);
    }
    if !report.findings.is_empty() {
        out += "\nfindings\n";
        for finding in &report.findings {
            out += &labelled(finding.verdict.as_str(), &format!("{}: {}", finding.title, finding.statement));
            if !finding.witness.is_null() {
                out += &labelled("", &format!("witness {}", finding.witness));
            }
        }
    }
    for item in &report.tables {
        out += &format!("\ntable {}\n{}", item.name, table(item));
    }
    out += "\n";
    if let Some(files) = files {
        for (i, file) in files.all().enumerate() {
            // A path is not wrapped: it is there to be copied.
            out += &format!("  {:MARGIN$}{file}\n", if i == 0 { "files" } else { "" });
        }
    } else if !report.figures.is_empty() {
        let names: Vec<&str> = report.figures.iter().map(|figure| figure.name.as_str()).collect();
        out += &labelled("figures", &format!("{} (drawn with --out DIR)", names.join(", ")));
    }
    out += &labelled("run", &settings(report));
    out += &labelled("", &circumstances(report));
    out + "\n"
}

fn evidence(label: &str, statement: &str, item: &EvidenceRecord) -> String {
    let mut out = labelled(label, statement) + &labelled("", &comparison(item));
    if let Some(reason) = &item.reason {
        out += &labelled("", &format!("reason: {reason}"));
    }
    if let Some(witness) = &item.witness {
        out += &labelled("", &format!("witness {witness}"));
    }
    if let Some(certificate) = &item.certificate {
        out += &labelled("", &format!("certificate {certificate}"));
    }
    out
}

/// A paragraph beside its label.
fn labelled(label: &str, paragraph: &str) -> String {
    let first = format!("  {label:MARGIN$}");
    let rest = " ".repeat(2 + MARGIN);
    let options = Options::new(WIDTH).initial_indent(&first).subsequent_indent(&rest);
    // Terms such as student-student stay whole.
    let options = options.word_splitter(WordSplitter::NoHyphenation).word_separator(WordSeparator::AsciiSpace);
    textwrap::fill(paragraph, options) + "\n"
}

/// One table, numbers flush right.
pub(crate) fn table(table: &Table) -> String {
    let mut grid = comfy_table::Table::new();
    grid.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH as u16)
        .set_header(table.columns.iter().map(head));
    for row in &table.rows {
        grid.add_row(row.iter().map(cell));
    }
    for (i, column) in grid.column_iter_mut().enumerate() {
        // Heads are wrapped between words; a number or a word never is, rather is the table wider than the page.
        let words = |text: String| text.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
        let cells = table
            .rows
            .iter()
            .map(|row| if is_numeric(table, i) { cell(&row[i]).chars().count() } else { words(cell(&row[i])) });
        let least = cells.chain(std::iter::once(words(head(&table.columns[i])))).max().unwrap_or(0);
        // The two spaces beside the text belong to the column.
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least as u16 + 2)));
        if is_numeric(table, i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    grid.trim_fmt() + "\n"
}

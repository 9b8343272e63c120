//! Reports for a document.

use proofs_checks::{EvidenceRecord, Report, Table};

use super::{Files, cell, circumstances, comparison, head, holds, is_numeric, ledger, settings};

/// One report, from a heading of the second level on.
pub(crate) fn report(report: &Report, files: Option<&Files>) -> String {
    let mut out = format!("## {}: {}\n\n", report.lemma, report.verdict);
    out += &format!("**Claim** (arXiv {}). {}\n\n", report.paper, inline(&report.claim));
    out += &format!("**Scope.** {}\n\n", inline(&report.scope));
    out += &format!("**Verdict.** {}; {}.\n\n", report.verdict, ledger(report));

    out += "### Evidence\n\n";
    for item in &report.evidence {
        out += &evidence(holds(item), &item.statement, item);
    }
    out += "\n### Controls\n\nThe same evidence for false claims, which must fail.\n\n";
    for control in &report.controls {
        let label = if control.rejected { "rejected" } else { "not rejected" };
        out += &evidence(label, &control.statement, &control.evidence);
    }
    if !report.findings.is_empty() {
        out += "\n### Findings\n\n";
        for finding in &report.findings {
            let (title, statement) = (inline(&finding.title), inline(&finding.statement));
            out += &format!("- **{}** {title}: {statement}", finding.verdict);
            if !finding.witness.is_null() {
                out += &format!("; witness `{}`", finding.witness);
            }
            out += "\n";
        }
    }
    for item in &report.tables {
        out += &format!("\n### Table {}\n\n{}", item.name, table(item));
    }
    if let Some(files) = files {
        out += "\n### Figures and files\n\n";
        for (path, figure) in files.figures.iter().zip(&report.figures) {
            out += &format!("![{}]({path})\n\n", inline(&figure.title));
        }
        for path in files.all() {
            out += &format!("- `{path}`\n");
        }
    }
    out += &format!("\n*Run: {}; {}.*\n\n", inline(&settings(report)), circumstances(report));
    out
}

fn evidence(label: &str, statement: &str, item: &EvidenceRecord) -> String {
    let mut out = format!("- **{label}** {}; {}", inline(statement), inline(&comparison(item)));
    if let Some(reason) = &item.reason {
        out += &format!("; reason: {}", inline(reason));
    }
    if let Some(witness) = &item.witness {
        out += &format!("; witness `{witness}`");
    }
    if let Some(certificate) = &item.certificate {
        out += &format!("; certificate `{certificate}`");
    }
    out + "\n"
}

/// One table, numbers flush right.
pub(crate) fn table(table: &Table) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let rule = |i| if is_numeric(table, i) { "--:".into() } else { "---".into() };
    let mut out = line(&mut table.columns.iter().map(|column| inline(&head(column))));
    out += &line(&mut (0..table.columns.len()).map(rule));
    for row in &table.rows {
        out += &line(&mut row.iter().map(|entry| inline(&cell(entry))));
    }
    out
}

/// Plain text with what Markdown would take for mark-up escaped, on one line.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\n' => out.push(' '),
            '|' | '*' | '_' | '`' | '<' | '\\' => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}

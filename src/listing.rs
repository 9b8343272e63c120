//! `--list` and `--help-parameters`.

use proofs_checks::{Column, Effort, Lemma, Range, Table, Value};
use serde_json::json;

use crate::render::{json as json_text, lone_table};
use crate::shared::Shared;
use crate::status::{Failure, Status};
use crate::stdout;

/// Prints the registry.
pub(crate) fn lemmas(shared: &Shared) -> Result<Status, Failure> {
    let heads = [("id", ""), ("paper", "arXiv"), ("ledger", ""), ("time", "s"), ("claim", "")];
    let mut table = Table::new("lemmas", heads.map(|(name, unit)| Column::new(name, unit)));
    for lemma in proofs_checks::lemmas() {
        table.push([
            lemma.id.into(),
            lemma.paper.into(),
            lemma.ledger.as_str().into(),
            lemma.typical_seconds.into(),
            lemma.claim.into(),
        ]);
    }
    let as_json = || {
        let rows = proofs_checks::lemmas().iter().map(|lemma| {
            json!({
                "id": lemma.id,
                "paper": lemma.paper,
                "claim": lemma.claim,
                "scope": lemma.scope,
                "ledger": lemma.ledger,
                "typical_seconds": lemma.typical_seconds,
            })
        });
        json_text::array(&rows.collect::<Vec<_>>())
    };
    stdout::print(&lone_table(&table, shared.format, as_json))?;
    Ok(Status::Completed)
}

/// Prints what may be set for a lemma.
pub(crate) fn parameters(lemma: &Lemma, shared: &Shared) -> Result<Status, Failure> {
    let heads = ["key", "meaning", "unit", "allowed", "quick", "standard", "thorough"];
    let mut table = Table::new("parameters", heads.map(|name| Column::new(name, "")));
    for parameter in lemma.parameters {
        let [quick, standard, thorough] = Effort::ALL.map(|effort| parameter.default_at(effort).to_string());
        let above = parameter.above.map(|other| format!(", more than `{other}`")).unwrap_or_default();
        let allowed = format!("{}{above}", parameter.range);
        table.push([
            parameter.key.into(),
            parameter.meaning.into(),
            parameter.unit.into(),
            allowed.into(),
            quick.into(),
            standard.into(),
            thorough.into(),
        ]);
    }
    let as_json = || {
        let rows = lemma.parameters.iter().map(|parameter| {
            let (kind, range) = match parameter.range {
                Range::Integer { bounds, .. } => ("integer", bounds.map(Value::Integer)),
                Range::Real { bounds, .. } => ("real", bounds.map(Value::Real)),
            };
            let [quick, standard, thorough] = Effort::ALL.map(|effort| parameter.default_at(effort));
            json!({
                "key": parameter.key,
                "meaning": parameter.meaning,
                "unit": parameter.unit,
                "kind": kind,
                "range": range,
                "defaults": { "quick": quick, "standard": standard, "thorough": thorough },
            })
        });
        json_text::array(&rows.collect::<Vec<_>>())
    };
    stdout::print(&lone_table(&table, shared.format, as_json))?;
    Ok(Status::Completed)
}

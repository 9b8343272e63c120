//! What a check returns, and the document made from it.
//!
//! A [`Report`] is plain data that may come from disk, so its verdicts are labels and its evidence cannot be
//! judged again: no [`crate::Verdict`] and no [`Evidence`] can be made from one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::figure::is_file_name_part;
use crate::parameter::Value;
use crate::run::Effort;
use crate::{Control, Evidence, Figure, Kind, Label, Table, ViewError, judge};

/// What a check found; the verdict is not its to give.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Evidence for the claim.
    pub evidence: Vec<Evidence>,
    /// The same evidence for claims known to be false.
    pub controls: Vec<Control>,
    /// Further statements that the run decided.
    pub findings: Vec<Finding>,
    /// Numbers for a reader.
    pub tables: Vec<Table>,
    /// Views of the tables.
    pub figures: Vec<Figure>,
}

impl Findings {
    /// Whether every table and figure has a name of its own and shows what exists.
    pub(crate) fn validate(&self) -> Result<(), ViewError> {
        for names in [
            self.tables.iter().map(|table| &table.name).collect::<Vec<_>>(),
            self.figures.iter().map(|figure| &figure.name).collect(),
        ] {
            for (i, name) in names.iter().enumerate() {
                if !is_file_name_part(name) || names[..i].contains(name) {
                    return Err(ViewError::Name { name: name.to_string() });
                }
            }
        }
        self.figures.iter().try_for_each(|figure| figure.table(&self.tables).map(drop))
    }
}

/// A statement beside the claim, decided by the same rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding(FindingRecord, Vec<(usize, String)>);

impl Finding {
    /// Judges a statement by its own evidence and controls. The witness, an object or null, is completed by what was judged: `judged`, the interval of each item and the region accepted for it, with the reason where there is none,
    /// `rejected`, the same of the controls that were rejected, and `not rejected`, those that were not.
    pub fn judged(
        title: impl Into<String>,
        statement: impl Into<String>,
        evidence: &[Evidence],
        controls: &[Control],
        witness: Json,
    ) -> Self {
        let mut witness = match witness {
            Json::Null => serde_json::Map::new(),
            Json::Object(map) => map,
            other => serde_json::Map::from_iter([("data".to_string(), other)]),
        };
        let judged = evidence.iter().map(|item| {
            let record = item.record();
            let mut judged = json!({ "interval": record.interval, "accept": record.accept });
            if let Some(reason) = record.reason {
                judged["reason"] = json!(reason);
            }
            judged
        });
        // A single interval that the caller wrote down is the same.
        witness.remove("interval");
        witness.insert("judged".into(), judged.collect());
        let (rejected, missed): (Vec<_>, Vec<_>) =
            controls.iter().map(Control::record).partition(|control| control.rejected);
        for (key, controls) in [("rejected", rejected), ("not rejected", missed)] {
            let twin = |control: ControlRecord| {
                let (interval, accept) = (control.evidence.interval, control.evidence.accept);
                json!({ "statement": control.statement, "interval": interval, "accept": accept })
            };
            if !controls.is_empty() {
                witness.insert(key.into(), controls.into_iter().map(twin).collect());
            }
        }
        let record = FindingRecord {
            title: title.into(),
            statement: statement.into(),
            verdict: judge(evidence, controls).label(),
            witness: Json::Object(witness),
        };
        let accepted = evidence.iter().enumerate().filter(|(_, item)| item.holds() == Some(true));
        let certificates = accepted.filter_map(|(k, item)| Some((k, item.certificate_text()?.to_string())));
        Self(record, certificates.collect())
    }

    /// The name of its verdict.
    pub fn label(&self) -> Label {
        self.0.verdict
    }

    /// The finding as a plain document.
    pub fn record(&self) -> FindingRecord {
        self.0.clone()
    }

    /// The certificates of what was judged and holds, with its number.
    pub(crate) fn certificates(&self) -> &[(usize, String)] {
        &self.1
    }
}

/// The report of one check: `schema` 1 of the JSON document, keys in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this layout: [`Report::SCHEMA`].
    pub schema: u32,
    /// The id of the lemma.
    pub lemma: String,
    /// The paper's arXiv number.
    pub paper: String,
    /// The claim.
    pub claim: String,
    /// The hypotheses under which it is checked.
    pub scope: String,
    /// The verdict of this run.
    pub verdict: Label,
    /// The verdict on record; none when parameters were set by hand.
    pub ledger: Option<Label>,
    /// The evidence.
    pub evidence: Vec<EvidenceRecord>,
    /// The controls.
    pub controls: Vec<ControlRecord>,
    /// Further statements.
    pub findings: Vec<FindingRecord>,
    /// The tables.
    pub tables: Vec<Table>,
    /// The figures.
    pub figures: Vec<Figure>,
    /// The parameters of the run.
    pub parameters: BTreeMap<String, Value>,
    /// The seed of all random streams.
    pub seed: u64,
    /// The effort of the run.
    pub effort: Effort,
    /// Wall-clock time.
    pub seconds: f64,
    /// The version of the program.
    pub version: String,
    /// The number of threads.
    pub threads: usize,
    /// The certificates of the evidence: file name and text. They are files of their own, so a report from disk has none.
    #[serde(skip)]
    pub certificates: Vec<(String, String)>,
}

impl Report {
    /// The version of the layout that this program writes.
    pub const SCHEMA: u32 = 1;
}

/// An item of evidence, written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// What it rests on.
    pub kind: Kind,
    /// What is claimed of the quantity.
    pub statement: String,
    /// The confidence level of a statistic.
    pub level: Option<f64>,
    /// The finite closed interval that holds the quantity.
    pub interval: Option<[f64; 2]>,
    /// The accepted region, closed; a null end is unbounded.
    pub accept: [Option<f64>; 2],
    /// Whether the interval is inside (true), apart from (false) or neither (null).
    pub holds: Option<bool>,
    /// Why `holds` is null.
    pub reason: Option<String>,
    /// Data to reproduce the item.
    pub witness: Option<Json>,
    /// The file name of its certificate.
    pub certificate: Option<String>,
}

/// A control, written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlRecord {
    /// What is falsified.
    pub statement: String,
    /// The item that the check made for it.
    pub evidence: EvidenceRecord,
    /// Whether the item fails, as it should.
    pub rejected: bool,
}

/// A finding, written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingRecord {
    /// A few words.
    pub title: String,
    /// The statement.
    pub statement: String,
    /// The verdict on the statement.
    pub verdict: Label,
    /// Data to reproduce it.
    pub witness: Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Scale};

    #[test]
    fn a_finding_without_a_control_is_inconclusive() {
        let evidence = [Evidence::comparison("", [0.1, 0.2], [0.0, 1.0])];
        assert_eq!(Finding::judged("t", "s", &evidence, &[], Json::Null).label(), Label::Inconclusive);
        let control = Control::new("twin", Evidence::comparison("", [2.0, 3.0], [0.0, 1.0]));
        assert_eq!(Finding::judged("t", "s", &evidence, &[control], Json::Null).label(), Label::Supported);
    }

    /// Names become file names: two of a kind would overwrite one another, a slash would leave the directory.
    #[test]
    fn names_must_be_usable_as_file_names() {
        let with = |names: &[&str]| Findings {
            tables: names.iter().map(|name| Table::new(*name, [Column::new("d", "")])).collect(),
            ..Findings::default()
        };
        assert_eq!(with(&["times", "times-4"]).validate(), Ok(()));
        for names in [&["a", "a"][..], &[""], &["../a"], &["A"], &["-a"], &["a b"]] {
            assert!(matches!(with(names).validate(), Err(ViewError::Name { .. })), "{names:?}");
        }
    }

    #[test]
    fn a_figure_of_no_table_is_refused() {
        let findings = Findings {
            figures: vec![Figure::new("f", "", "none", "x", ["y"], [Scale::Linear; 2])],
            ..Findings::default()
        };
        assert!(matches!(findings.validate(), Err(ViewError::NoTable { .. })));
    }
}

//! From a run to a report.

use std::time::Instant;

use crate::{CheckError, Control, Evidence, EvidenceRecord, Report, Run, judge};

/// Runs the check of `run`'s lemma in the current rayon pool, judges what it found and writes it down.
///
/// Apart from `seconds` and `threads`, the report depends only on the lemma, the parameters, the effort and the
/// seed.
///
/// # Errors
/// The check could not be completed: see [`CheckError`].
pub fn check(run: Run) -> Result<Report, CheckError> {
    let lemma = run.lemma();
    let start = Instant::now();
    let findings = (lemma.check)(&run)?;
    let seconds = start.elapsed().as_secs_f64();
    findings.validate()?;
    let mut evidence: Vec<EvidenceRecord> = findings.evidence.iter().map(Evidence::record).collect();
    let mut certificates = Vec::new();
    let mut named = |text: &str| {
        let name = format!("{}.{}.cert", lemma.id, certificates.len() + 1);
        certificates.push((name.clone(), text.to_string()));
        name
    };
    for (item, record) in findings.evidence.iter().zip(&mut evidence) {
        record.certificate = item.certificate_text().map(&mut named);
    }
    let further = findings.findings.iter().map(|finding| {
        let mut record = finding.record();
        for (k, text) in finding.certificates() {
            record.witness["judged"][*k]["certificate"] = named(text).into();
        }
        record
    });
    let further = further.collect();
    Ok(Report {
        schema: Report::SCHEMA,
        lemma: lemma.id.into(),
        paper: lemma.paper.into(),
        claim: lemma.claim.into(),
        scope: lemma.scope.into(),
        verdict: judge(&findings.evidence, &findings.controls).label(),
        ledger: run.ledger(),
        evidence,
        controls: findings.controls.iter().map(Control::record).collect(),
        findings: further,
        tables: findings.tables,
        figures: findings.figures,
        parameters: run.parameters().iter().map(|(key, value)| (key.to_string(), *value)).collect(),
        seed: run.seed(),
        effort: run.effort(),
        seconds,
        version: env!("CARGO_PKG_VERSION").into(),
        threads: rayon::current_num_threads(),
        certificates,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Column, Effort, Figure, Finding, Findings, Inexact, Label, Lemma, Mark, Parameter, Scale, Table};

    fn toy(run: &Run) -> Result<Findings, CheckError> {
        let rows = run.units("sweep", run.integer("units") as usize, |index| Ok(index as f64 * run.real("step")))?;
        let mut table = Table::new("steps", [Column::new("index", ""), Column::new("value", "time")]);
        for (index, value) in rows.iter().enumerate() {
            table.push([index.into(), (*value).into()]);
        }
        let last = rows[rows.len() - 1];
        let evidence = |value| Evidence::comparison("the last value", [value, value], [0.0, 10.0]);
        let control = Control::new("a hundred times the value", evidence(100.0 * last));
        Ok(Findings {
            evidence: vec![evidence(last).with_witness(json!({ "last": last }))],
            findings: vec![Finding::judged("t", "s", &[evidence(last)], std::slice::from_ref(&control), json!({}))],
            controls: vec![control],
            figures: vec![
                Figure::new("steps", "Steps", "steps", "index", ["value"], [Scale::Linear, Scale::Log])
                    .with_mark(Mark::x(1.0, "one")),
            ],
            tables: vec![table],
        })
    }

    static TOY: Lemma = Lemma {
        id: "toy",
        paper: "0000.00000",
        claim: "the last value is small",
        scope: "toys",
        ledger: Label::Supported,
        typical_seconds: 0.0,
        parameters: &[
            Parameter::integer("units", "units", "", [1, 100], [3, 4, 5]),
            Parameter::real("step", "step", "time", [0.0, 100.0], [0.5, 0.5, 0.5]),
        ],
        check: toy,
    };

    fn report(effort: Effort, assignments: &[&str]) -> Report {
        let run = assignments.iter().fold(Run::new(&TOY, effort, 7), |run, text| run.set(text).unwrap());
        check(run).unwrap()
    }

    #[test]
    fn a_report_is_the_documented_schema() {
        let mut report = report(Effort::Quick, &[]);
        (report.seconds, report.threads) = (0.25, 2);
        let expected = concat!(
            r#"{"schema":1,"lemma":"toy","paper":"0000.00000","claim":"the last value is small","scope":"toys","#,
            r#""verdict":"supported","ledger":"supported","evidence":[{"kind":"comparison","#,
            r#""statement":"the last value","level":null,"interval":[1.0,1.0],"accept":[0.0,10.0],"holds":true,"#,
            r#""reason":null,"witness":{"last":1.0},"certificate":null}],"controls":[{"#,
            r#""statement":"a hundred times the value","evidence":{"kind":"comparison","statement":"the last value","#,
            r#""level":null,"interval":[100.0,100.0],"accept":[0.0,10.0],"holds":false,"reason":null,"#,
            r#""witness":null,"certificate":null},"rejected":true}],"findings":[{"title":"t","statement":"s","#,
            r#""verdict":"supported","witness":{"judged":[{"accept":[0.0,10.0],"interval":[1.0,1.0]}],"#,
            r#""rejected":[{"accept":[0.0,10.0],"interval":[100.0,100.0],"statement":"a hundred times the value"}]}}],"#,
            r#""tables":[{"name":"steps","columns":[{"name":"index","unit":""},"#,
            r#"{"name":"value","unit":"time"}],"rows":[[0,0.0],[1,0.5],[2,1.0]]}],"figures":[{"name":"steps","#,
            r#""title":"Steps","table":"steps","x":"index","series":["value"],"scale":["linear","log"],"#,
            r#""marks":[{"axis":"x","value":1.0,"label":"one"}]}],"parameters":{"step":0.5,"units":3},"seed":7,"#,
            r#""effort":"quick","seconds":0.25,"version":"0.1.0","threads":2}"#,
        );
        assert_eq!(serde_json::to_string(&report).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Report>(expected).unwrap(), report);
    }

    #[test]
    fn effort_chooses_the_defaults() {
        let rows = |effort| report(effort, &[]).tables[0].rows.len();
        assert_eq!(Effort::ALL.map(rows), [3, 4, 5]);
    }

    #[test]
    fn with_a_parameter_set_there_is_no_ledger_entry() {
        let report = report(Effort::Quick, &["step=50"]);
        assert_eq!((report.ledger, report.verdict), (None, Label::Refuted));
        assert_eq!(report.evidence[0].holds, Some(false));
    }

    #[test]
    fn a_limit_that_was_hit_is_inconclusive() {
        fn limited(run: &Run) -> Result<Findings, CheckError> {
            let mut findings = toy(run)?;
            findings.evidence.push(Evidence::unresolved(Inexact::Comparison, "", [0.0, 1.0], "step limit"));
            Ok(findings)
        }
        let lemma: &Lemma = Box::leak(Box::new(Lemma { check: limited, ..TOY }));
        assert_eq!(check(Run::new(lemma, Effort::Quick, 0)).unwrap().verdict, Label::Inconclusive);
    }

    #[test]
    fn a_figure_of_no_column_is_an_error() {
        fn astray(run: &Run) -> Result<Findings, CheckError> {
            let mut findings = toy(run)?;
            findings.figures[0].x = "absent".into();
            Ok(findings)
        }
        let lemma: &Lemma = Box::leak(Box::new(Lemma { check: astray, ..TOY }));
        assert!(matches!(check(Run::new(lemma, Effort::Quick, 0)), Err(CheckError::View(_))));
    }
}

//! The paper's own starts, whose students overlap as much as they overlap with the teachers: judged by flows, and by the matching in which dipoles learn.

use moe_theory::soft_routed::InitialLaw;
use serde_json::{Value, json};

use super::flows::{Cell, Recovery, cells};
use super::{FLOWS, LEVEL, enough};
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// What more than half of the decided cases is.
const MAJORITY: [f64; 2] = [0.5, 1.0];

/// Flows from random starts with the claim's number of students, in dimensions 10³ up to that of the diagram.
pub(super) fn sweep(run: &Run<'_>) -> Result<Vec<Cell>, CheckError> {
    let dimensions = (3..=run.integer("decades") as u32).map(|decades| 10u64.pow(decades));
    let laws: Vec<InitialLaw> = dimensions.map(|d| InitialLaw::new(3, enough(FLOWS.0), FLOWS.0, d)).collect();
    cells(run, "random", &laws, run.integer("random-runs") as usize)
}

/// Of the cases in which one of two is right and the other is not, the share in which the first is; accepted as more than half.
fn sides(statement: &str, cases: impl Iterator<Item = (bool, bool)>, swapped: bool) -> Evidence {
    let decided: Vec<bool> = cases.filter(|(a, b)| a != b).map(|(a, _)| a != swapped).collect();
    let first = decided.iter().filter(|a| **a).count() as u64;
    Evidence::estimate(statement, LEVEL, statistics::proportion(first, decided.len() as u64, LEVEL), MAJORITY)
}

fn decided(title: &str, statement: &str, items: &[Evidence], twin: (&str, Evidence), witness: Value) -> Finding {
    Finding::judged(title, statement, items, &[Control::new(twin.0, twin.1)], witness)
}

/// What random students do to the flows, and which convention for dipoles their matching needs. `orthogonal` are flows from the same draws in the first dimension.
pub(super) fn findings(random: &[Cell], orthogonal: &Cell, claim: Evidence, controls: &[Control]) -> Vec<Finding> {
    let all = |row: &Recovery| row.reached == FLOWS.0;
    let pairs = || orthogonal.rows.iter().zip(&random[0].rows).map(|(a, b)| (all(a), all(b)));
    let statement = format!(
        "d = {}: of the draws that reach all teachers from one of the two starts only, the share that does so from orthogonal students and not from random ones",
        FLOWS.1
    );
    let cost = decided(
        "random students cost teachers",
        &statement,
        &[sides(&statement, pairs(), false)],
        ("the same with the starts swapped", sides("the share of random students", pairs(), true)),
        json!({ "decided": pairs().filter(|(a, b)| a != b).count(), "draws": pairs().count() }),
    );
    let right = |cell: &Cell, swapped| {
        let cases = cell.rows.iter().map(|row| (row.with_dipoles == row.reached, row.predicted == row.reached));
        sides(&format!("the share at d = {}", cell.law.dimension), cases, swapped)
    };
    let items: Vec<Evidence> = random.iter().map(|cell| right(cell, false)).collect();
    let shares = |cell: &Cell| {
        let share = |of: &dyn Fn(&Recovery) -> bool| {
            cell.rows.iter().filter(|row| of(row)).count() as f64 / cell.rows.len() as f64
        };
        json!({
            "d": cell.law.dimension, "runs": cell.rows.len(), "all, flows": share(&all),
            "all, dipoles lost": share(&|row| row.predicted == FLOWS.0),
            "all, dipoles learn": share(&|row| row.with_dipoles == FLOWS.0),
            "agree, dipoles lost": share(&|row| row.predicted == row.reached),
            "agree, dipoles learn": share(&|row| row.with_dipoles == row.reached),
        })
    };
    let convention = decided(
        "random starts: which convention for dipoles tells what the flow reaches",
        "of the random starts in which one of the two matchings says how many teachers the flow reaches and the other does not, the share in which it is that with dipoles that learn, and not that with dipoles that are lost",
        &items,
        ("dipoles that are lost are the right convention", right(&random[0], true)),
        json!(random.iter().map(shares).collect::<Vec<_>>()),
    );
    let statement = claim.statement().to_string();
    let witness = json!({ "interval": claim.interval() });
    let share =
        Finding::judged("without the hypothesis: flows from random starts", statement, &[claim], controls, witness);
    vec![share, cost, convention]
}

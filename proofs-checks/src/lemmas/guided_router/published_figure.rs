//! Routers in the published figure's setting, under the paper's random start.

use moe_theory::soft_routed::{Flow, InitialLaw, Stop, Watch};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::LEVEL;
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

/// The published figure: students, teachers, dimension, and how long it is followed.
const FIGURE: (usize, usize, u64, f64) = (25, 5, 1000, 30.0);

/// What routers did in the published figure's setting: pairs whose expert aligned; routers that aligned after their own expert, with a teacher that another student had recovered, and with a teacher that none had.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Panel {
    experts: usize,
    followed: usize,
    unguided: usize,
    early: usize,
    /// Routers that aligned before an expert had recovered the next teacher in the list: none of their business.
    astray: usize,
    /// The first that was not behind its own expert: student, teacher, time, and the overlap of the experts then.
    witness: Option<(usize, usize, f64, f64)>,
}

/// One panel for each start.
pub(super) fn panels(run: &Run<'_>) -> Result<Vec<Panel>, CheckError> {
    let (students, teachers, dimension, until) = FIGURE;
    run.units("figure", run.integer("figure-replicates") as usize, |unit| {
        let law = InitialLaw::new(3, students, teachers, dimension);
        let start = law.sample(run.seed(), unit as u64).map_err(CheckError::theory)?;
        let (mut experts, mut panel) =
            (Vec::new(), Panel { experts: 0, followed: 0, unguided: 0, early: 0, astray: 0, witness: None });
        // Which overlap is first at ½ is counted, of overlaps that start at d^(-1/2) = .03: runs at 1e-6 give the same counts.
        let flow = Flow::new(&start).tolerance(run.real("tolerance").max(1e-5));
        run.follow(
            flow,
            until,
            &[Watch::Expert(0.5), Watch::Router(0.5)],
            &[],
            |_, _| {},
            |event, state| {
                let pair = (event.student, event.other);
                let recovered = |teacher: usize| experts.iter().any(|seen: &(usize, usize)| seen.1 == teacher);
                if event.watch == 1 && !recovered((pair.1 + 1) % teachers) {
                    panel.astray += 1;
                }
                if event.watch == 0 {
                    experts.push(pair);
                } else if experts.contains(&pair) {
                    panel.followed += 1;
                } else {
                    *(if recovered(pair.1) { &mut panel.unguided } else { &mut panel.early }) += 1;
                    panel.witness.get_or_insert((pair.0, pair.1, event.time, state.expert(pair.0, pair.1)));
                }
                Stop::No
            },
        )?;
        panel.experts = experts.len();
        Ok(panel)
    })
}

/// What a claim that holds with high probability is granted: one run in ten, and of the question that is to be answered for single routers one in twenty.
const SOME: [f64; 2] = [0.9, 1.0];
const OWN: [f64; 2] = [0.95, 1.0];

/// Whether routers wait for some expert, and for their own.
pub(super) fn findings(figure: &[Panel]) -> Vec<Finding> {
    let share = |of: &dyn Fn(&Panel) -> bool, what: &str, accept: [f64; 2]| {
        let count = figure.iter().filter(|row| row.followed > 0 && of(row)).count() as u64;
        let statement = format!(
            "m = 25, m* = 5, d = 1000, random start: share of runs in which some router aligns with a teacher by t = 30 and {what}"
        );
        let share = statistics::proportion(count, figure.len() as u64, LEVEL);
        Evidence::estimate(statement, LEVEL, share, accept)
    };
    let runs = |title: &str, of: &dyn Fn(&Panel) -> bool, what: &str, accept: [f64; 2]| {
        let item = share(of, what, accept);
        let witness = figure.iter().filter(|row| !of(row)).find_map(|row| row.witness);
        let witness = json!({ "student, teacher, time, expert overlap": witness });
        let next = "none does before an expert has recovered the next teacher in the list";
        let next = share(&|row| row.astray == 0, next, accept);
        let twin = Control::new("waiting for an expert of another teacher is rejected", next);
        Finding::judged(title, item.statement().to_string(), &[item], &[twin], witness)
    };
    vec![
        runs(
            "published figure: no router is ahead of the experts",
            &|row| row.early == 0,
            "none does before an expert has recovered that teacher",
            SOME,
        ),
        runs(
            "published figure: every router follows its own expert",
            &|row| row.early + row.unguided == 0,
            "none does before its own expert",
            OWN,
        ),
    ]
}

/// What happened in each run, a dozen of them.
pub(super) fn table(rows: &[Panel]) -> Table {
    let heads = ["replicate", "experts", "routers after", "unguided", "before any"];
    let mut table = Table::new("published-figure", heads.map(|head| Column::new(head, "")));
    for (replicate, row) in rows.iter().enumerate().take(12) {
        table.push([replicate.into(), row.experts.into(), row.followed.into(), row.unguided.into(), row.early.into()]);
    }
    table
}

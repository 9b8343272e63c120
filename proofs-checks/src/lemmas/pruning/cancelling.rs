//! Groups of experts that cancel, which removals one at a time do not see.

use moe_kernels::Router;
use moe_theory::soft_routed::{OrderParameters, Removal, Start, StudentTeacher};
use serde_json::json;

use super::{RECOVERED, follow};
use crate::{CheckError, Control, Evidence, Finding, Run};

/// Zero loss without recovery: `f(v*,w*) = f(v',w*) + f(−v',w*) + f(−v*,−w*)`, since `π(z) + π(−z) = 1`, for one teacher in four dimensions.
pub(super) fn finding(run: &Run<'_>, unit: f64) -> Result<Finding, CheckError> {
    let axis = |k: usize, sign: f64| (0..4).map(|r| if r == k { sign } else { 0.0 }).collect::<Vec<f64>>();
    let teacher = [[axis(0, 1.0)], [axis(1, 1.0)]];
    let state = |routers: &[Vec<f64>], experts: &[Vec<f64>]| {
        let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [routers, experts], [&teacher[0], &teacher[1]]);
        Ok::<_, CheckError>(Start::reduce(&model.map_err(CheckError::theory)?))
    };
    let hidden = state(&[axis(2, 1.0), axis(2, -1.0), axis(0, -1.0)], &[axis(1, 1.0), axis(1, 1.0), axis(1, -1.0)])?;
    let plain = state(&[axis(0, 1.0), axis(2, 1.0), axis(2, -1.0)], &[axis(1, 1.0), axis(3, 1.0), axis(3, 1.0)])?;
    let (end, _) = follow(run, &hidden, 10.0, &[])?;
    let lowest = |state: &OrderParameters| {
        Removal::of(state, hidden.router, hidden.order).changes().into_iter().fold(f64::MAX, f64::min)
    };
    // Sums of twelve expectations below 2, each to 10⁻¹⁵.
    const ROUNDING: f64 = 1e-13;
    let around = |x: f64| [x - ROUNDING, x + ROUNDING];
    let half = 0.5 * unit;
    let change = |statement: &str, state: &OrderParameters| {
        Evidence::comparison(statement, around(lowest(state)), [half - 1e-9, half + 1e-9])
    };
    let statement = "three students, one teacher, zero loss, and none of the three is the teacher's pair: every single removal raises L by ½E f² = 0.8801, so no expert seems redundant; the flow stays there";
    let evidence = [
        Evidence::comparison("loss", around(end.loss), [-1e-9, 1e-9]),
        change("lowest change on removal", &end),
        Evidence::comparison(
            "students that are the teacher's pair",
            [end.pairs().filter(|(i, j, k)| *k > RECOVERED && end.router(*i, *j) > RECOVERED).count() as f64; 2],
            [0.0, 0.0],
        ),
    ];
    let control = Control::new(
        "with the teacher's pair recovered and two redundant students the lowest change is negative",
        change("lowest change on removal", &plain.order_parameters()),
    );
    Ok(Finding::judged(
        "zero loss without recovery",
        statement,
        &evidence,
        &[control],
        json!({ "loss": end.loss, "changes": Removal::of(&end, hidden.router, hidden.order).changes() }),
    ))
}

//! Loss and gradient against values of 25 digits, computed elsewhere.

use moe_theory::soft_routed::{PopulationLoss, Spec};
use serde::Deserialize;

use super::pair_sum::norm;
use super::{flat, largest};
use crate::CheckError;

const GOLDEN: &str = include_str!("../../../data/population_loss.json");

/// Largest deviations of loss and gradient from the golden values, in the documented units.
pub(super) fn golden_deviations() -> Result<[f64; 2], CheckError> {
    #[derive(Deserialize)]
    struct Golden {
        cases: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Case {
        spec: Spec,
        loss: String,
        gradient: Blocks,
    }
    #[derive(Deserialize)]
    struct Blocks {
        routers: Vec<Vec<String>>,
        experts: Vec<Vec<String>>,
    }
    let golden: Golden = serde_json::from_str(GOLDEN).map_err(CheckError::theory)?;
    let number = |text: &String| text.parse::<f64>().map_err(CheckError::theory);
    let mut worst = [0.0_f64; 2];
    // An empty or shortened file would compare nothing.
    if golden.cases.is_empty() {
        return Ok([f64::NAN; 2]);
    }
    for case in &golden.cases {
        let model = case.spec.model().map_err(CheckError::theory)?;
        let state = flat(&model.student);
        let mut gradient = vec![0.0; state.len()];
        let loss = PopulationLoss::of(&model).gradient(&state, &mut gradient);
        let expected = number(&case.loss)?;
        worst[0] = largest(worst[0], (loss - expected).abs() / expected.abs().max(1.0));
        let rows = case.gradient.routers.iter().chain(&case.gradient.experts);
        let dimension = model.student.dimension();
        for ((row, computed), raw) in rows.zip(gradient.chunks(dimension)).zip(state.chunks(dimension)) {
            let row = row.iter().map(number).collect::<Result<Vec<f64>, _>>()?;
            if row.len() != dimension {
                return Ok([f64::NAN; 2]);
            }
            let length = norm(raw);
            let scale = row.iter().fold(1.0_f64, |m, g| m.max((g * length).abs()));
            let deviation = row.iter().zip(computed).map(|(a, b)| ((a - b) * length).abs()).fold(0.0, largest);
            worst[1] = largest(worst[1], deviation / scale);
        }
    }
    Ok(worst)
}

//! What the lemmas on softmax mixtures write down in common: linear forms, atoms, lists of relations.

use std::collections::BTreeMap;

use dashu_ratio::RBig;

use crate::CheckError;
use crate::rigor::{AtomText, Mixture};
use crate::symbolic::{Fit, Test, cone_test, identify};

/// `w1*x1 + w2*x2 + …`; `w*x` would be another name for one input.
pub(super) fn linear_form(name: &str, inputs: usize) -> String {
    (1..=inputs).map(|k| format!("{name}{k}*x{k}")).collect::<Vec<_>>().join(" + ")
}

/// An atom: its weight and its parameters.
pub(super) fn atom(weight: &str, parameters: &[(&str, &str)]) -> AtomText {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string()));
    AtomText { weight: weight.into(), parameters: parameters.collect() }
}

/// The relations of an expert under a gate, as equations.
pub(super) fn relation_rows(expert: &str, gate: &str) -> Result<Vec<String>, CheckError> {
    let found = identify(expert, gate, 2).map_err(|error| CheckError::theory(error.to_string()))?;
    Ok(found.relations.into_iter().map(|relation| relation.equation).collect())
}

/// The cone test on a grid of `points` on `[−3, 3]` in one input.
pub(super) fn tested(mixture: &Mixture, fit: Fit, points: u64, precision: usize) -> Test {
    let grid: Vec<Vec<RBig>> = (0..points)
        .map(|k| {
            let numerator = 6 * k as i64 - 3 * (points as i64 - 1);
            vec![RBig::from_parts(numerator.into(), (points - 1).into())]
        })
        .collect();
    cone_test(mixture, fit, &grid, precision)
}

/// The truth of theory B5: two atoms, or three, with the expert's further parameters at one.
pub(super) fn reference(gate: &str, expert: &str, further: &[&str], atoms: usize, overfitted: &[usize]) -> Mixture {
    let of = |weight: &str, [w, a, b]: [&str; 3]| {
        let own = [("w", w), ("a", a), ("b", b)];
        atom(weight, &own.into_iter().chain(further.iter().map(|name| (*name, "1"))).collect::<Vec<_>>())
    };
    let all =
        [of("exp(3/10)", ["2", "3", "-1/2"]), of("1", ["0", "-2", "1"]), of("exp(1/10)", ["-3/2", "3/2", "3/10"])];
    Mixture {
        gate: gate.into(),
        expert: expert.into(),
        global: BTreeMap::new(),
        truth: all[..atoms].to_vec(),
        overfitted: overfitted.to_vec(),
    }
}

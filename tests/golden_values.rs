//! The golden values: 25 digits of losses, gradients, Hermite coefficients and covariances, made by programs in another language and parsed here as `f64`.

use moe_kernels::{CovarianceTable, Router};
use moe_theory::soft_routed::{PopulationLoss, Spec};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../proofs-checks/data/population_loss.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The stated accuracy: `|ΔL| ≤ 1e-12 max(|L|, 1)`, and each gradient block, times the raw norm of its row, within `1e-12 max(largest entry, 1)`. All orders,
/// duplicated students, students at the teacher, antipodal experts.
#[test]
fn losses_and_gradients() {
    let golden = golden();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 14);
    for case in cases {
        let name = &case["name"];
        let spec: Spec = serde_json::from_value(case["spec"].clone()).unwrap();
        let model = spec.model().unwrap();
        let (m, dimension) = (model.student.count(), model.student.dimension());
        let weights: Vec<f64> = (0..m)
            .flat_map(|i| model.student.router(i))
            .chain((0..m).flat_map(|i| model.student.expert(i)))
            .copied()
            .collect();
        let mut gradient = vec![f64::NAN; weights.len()];
        let loss = PopulationLoss::of(&model).gradient(&weights, &mut gradient);
        let expected = number(&case["loss"]);
        assert!((loss - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{name}: {loss} {expected}");
        let blocks = ["routers", "experts"].into_iter().flat_map(|part| case["gradient"][part].as_array().unwrap());
        let rows: Vec<Vec<f64>> = blocks.map(numbers).collect();
        assert_eq!(rows.len(), 2 * m, "{name}");
        for (k, (expected, (found, raw))) in
            rows.iter().zip(gradient.chunks(dimension).zip(weights.chunks(dimension))).enumerate()
        {
            let scale = norm(raw);
            let largest = expected.iter().fold(1.0_f64, |most, x| most.max(scale * x.abs()));
            assert_eq!(expected.len(), dimension, "{name}");
            for (x, y) in found.iter().zip(expected) {
                assert!(scale * (x - y).abs() <= 1e-12 * largest, "{name}, row {k}: {x} {y}");
            }
        }
    }
}

/// `a_n = A_n/√n!` within its stated `2⁻⁵¹`, half an ulp of the parsed literal added.
#[test]
fn hermite_coefficients() {
    let golden = golden();
    let coefficients = golden["sigmoid_hermite"]["odd_n"].as_object().unwrap();
    assert!(coefficients.len() >= 30);
    for (n, expected) in coefficients {
        let found = Router::Sigmoid.hermite().normalised(n.parse().unwrap());
        let expected = number(expected);
        assert!((found - expected).abs() <= 2.5 * f64::EPSILON * expected.abs(), "a_{n}: {found:e} {expected:e}");
    }
}

/// `Φ_{k,l}` within its stated `1e-14 |Φ_{k,l}(1)|`, and a tenth of that for the rounding of the decimal `ρ`.
#[test]
fn covariances() {
    let golden = golden();
    let rows = golden["phi"].as_array().unwrap();
    assert!(rows.len() >= 20);
    for row in rows {
        let [k, l] = ["k", "l"].map(|key| row[key].as_u64().unwrap() as usize);
        let table = CovarianceTable::new(Router::Sigmoid, k + l);
        let (rho, expected) = (number(&row["rho"]), number(&row["value"]));
        let error = (table.value(k, l, rho) - expected).abs() / table.value(k, l, 1.0).abs();
        assert!(error <= 1.1e-14, "Φ_{k},{l}({rho}): {error:e}");
    }
}

use super::*;
use crate::soft_routed::{InitialLaw, StudentTeacher};
use moe_kernels::Router;
use rand::SeedableRng;

fn rng(stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(20_251_007);
    rng.set_stream(stream);
    rng
}

fn start(order: usize, dimension: u64, replicate: u64) -> Start {
    let law = InitialLaw { gaussian_norms: true, ..InitialLaw::new(order, 2, 2, dimension) };
    law.sample(7, replicate).unwrap().with_teacher_overlaps(0.2, 0.4)
}

/// The batch loss as a function of the raw weights, each on the same batch.
fn loss_at(start: &Start, columns: &[f64]) -> f64 {
    let mut sgd = OnlineSgd::full(start, 300, 0.1, rng(1)).unwrap();
    sgd.columns.copy_from_slice(columns);
    sgd.draw()
}

/// Central differences of the batch loss, for every order and router; raw norms are not 1, and the batch is not a multiple of a block.
#[test]
fn batch_gradient_is_the_derivative_of_the_batch_loss() {
    for (order, router) in (1..=6).map(|p| (p, Router::Sigmoid)).chain([(3, Router::Tanh), (3, Router::GaussianCdf)]) {
        let mut start = start(order, 11, 0);
        start.router = router;
        let mut sgd = OnlineSgd::full(&start, 300, 0.1, rng(1)).unwrap();
        let loss = sgd.draw();
        let scale = sgd.gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs())).max(loss);
        for k in (0..sgd.columns.len()).step_by(5) {
            let mut moved = sgd.columns.clone();
            let h = 1e-5;
            moved[k] += h;
            let above = loss_at(&start, &moved);
            moved[k] -= 2.0 * h;
            let difference = (above - loss_at(&start, &moved)) / (2.0 * h);
            assert!((difference - sgd.gradient[k]).abs() < 1e-6 * scale, "{router} p = {order}, weight {k}");
        }
    }
}

/// The mean of independent batch gradients is the population gradient, five standard errors from the batches' own scatter: a false alarm in 44 coordinates has
/// probability 3e-5.
#[test]
fn batch_gradient_is_unbiased() {
    let start = start(3, 11, 0);
    let mut sgd = OnlineSgd::full(&start, 2000, 0.1, rng(2)).unwrap();
    let batches = 200;
    let (mut sum, mut squares) = (vec![0.0; sgd.columns.len()], vec![0.0; sgd.columns.len()]);
    let mut losses = 0.0;
    for _ in 0..batches {
        losses += sgd.draw();
        for (k, g) in sgd.gradient.iter().enumerate() {
            sum[k] += g;
            squares[k] += g * g;
        }
    }
    let mut gradient = vec![0.0; sgd.columns.len()];
    let loss = sgd.population.gradient(&sgd.columns, &mut gradient);
    let n = f64::from(batches);
    for (k, g) in gradient.iter().enumerate() {
        let mean = sum[k] / n;
        let error = ((squares[k] / n - mean * mean) / n).sqrt();
        assert!((mean - g).abs() < 5.0 * error + 1e-12, "weight {k}: {mean} {g} ± {error}");
    }
    assert!((losses / n / loss - 1.0).abs() < 0.1);
}

/// `‖w‖² ← ‖w‖² + η²‖g‖²` at every step of the full simulation, because gradients are tangent.
#[test]
fn raw_norms_grow_by_the_squared_gradient() {
    let mut sgd = OnlineSgd::full(&start(3, 40, 0), 16, 0.01, rng(3)).unwrap();
    for _ in 0..20 {
        let before = sgd.expert_norm(1).powi(2);
        sgd.draw();
        let range = 3 * sgd.coordinates..4 * sgd.coordinates;
        let squared = sgd.gradient[range].iter().map(|g| g * g).sum::<f64>();
        sgd.advance();
        let grown = sgd.expert_norm(1).powi(2);
        assert!((grown - before - 1e-4 * squared).abs() < 1e-12 * grown);
    }
}

/// Mean and mean square of five quantities after a few steps.
fn moments(full: bool, dimension: u64, batch: usize, stream: u64, runs: u64) -> Vec<[f64; 3]> {
    let start = start(2, dimension, 0);
    let mut sums = vec![[0.0; 3]; 5];
    for run in 0..runs {
        let new = if full { OnlineSgd::full } else { OnlineSgd::reduced };
        let mut sgd = new(&start, batch, 0.02, rng(stream + run)).unwrap();
        for _ in 0..6 {
            sgd.draw();
            sgd.advance();
        }
        let state = sgd.order_parameters();
        let values = [
            state.expert(0, 0),
            state.router(0, 0),
            state.student(0, 1),
            sgd.expert_norm(0).ln(),
            sgd.router_norm(1).ln(),
        ];
        for (sum, x) in sums.iter_mut().zip(values) {
            (sum[0], sum[1], sum[2]) = (sum[0] + x, sum[1] + x * x, sum[2] + x.powi(4));
        }
    }
    sums.into_iter().map(|sum| sum.map(|s| s / runs as f64)).collect()
}

/// One law: means and mean squares of overlaps and norms agree within five standard errors, with many dimensions outside the span, fewer than students' vectors, and batches
/// smaller than the number of coefficients. Second Hermite experts, whose gradients have moments that a few thousand runs can average.
#[test]
fn the_reduced_simulation_has_the_law_of_the_full_one() {
    for (dimension, batch) in [(30, 8), (10, 8), (30, 2)] {
        let runs = 3000;
        let full = moments(true, dimension, batch, 1 << 20, runs);
        let reduced = moments(false, dimension, batch, 1 << 30, runs);
        for (k, (a, b)) in full.iter().zip(&reduced).enumerate() {
            let n = runs as f64;
            let mean_error = ((a[1] - a[0] * a[0] + b[1] - b[0] * b[0]) / n).sqrt();
            let square_error = ((a[2] - a[1] * a[1] + b[2] - b[1] * b[1]) / n).sqrt();
            assert!((a[0] - b[0]).abs() < 5.0 * mean_error, "d = {dimension}, mean of {k}: {a:?} {b:?}");
            assert!((a[1] - b[1]).abs() < 5.0 * square_error, "d = {dimension}, square of {k}: {a:?} {b:?}");
        }
    }
}

/// What is outside the span can be large: `d = 10¹²` with a step that keeps `ε` moderate.
#[test]
fn the_dimension_is_a_parameter() {
    let d = 1_000_000_000_000;
    let start = InitialLaw::new(3, 1, 1, d).sample(1, 0).unwrap().with_teacher_overlaps(0.0, 0.3);
    let mut sgd = OnlineSgd::reduced(&start, 64, 1e-12, rng(5)).unwrap();
    for _ in 0..50 {
        sgd.draw();
        sgd.advance();
    }
    let growth = sgd.expert_norm(0).powi(2) - 1.0;
    assert!(growth > 0.0 && growth < 1e-6 && (sgd.expert(0, 0) - 0.3).abs() < 1e-6);
}

#[test]
fn settings_are_checked() {
    let model = |d| start(3, d, 0);
    assert_eq!(OnlineSgd::reduced(&model(20), 0, 0.1, rng(0)).unwrap_err(), SgdError::Batch);
    for step in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(OnlineSgd::full(&model(20), 1, step, rng(0)), Err(SgdError::Step { .. })));
    }
    assert!(matches!(OnlineSgd::full(&model(1 << 20), 1, 0.1, rng(0)), Err(SgdError::Dimension { .. })));
}

/// Explicit weights in their own coordinates.
#[test]
fn explicit_weights_are_taken_as_they_are() {
    let (v, w) = (vec![vec![2.0, 0.0, 0.0]], vec![vec![0.0, 3.0, 0.0]]);
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&v, &w], [&v, &w]).unwrap();
    let mut sgd = OnlineSgd::full(&Start::reduce(&model), 10, 0.1, rng(0)).unwrap();
    assert!(sgd.draw() < 1e-28);
    sgd.advance();
    assert!((sgd.expert(0, 0) - 1.0).abs() < 1e-15 && (sgd.expert_norm(0) - 3.0).abs() < 1e-15);
}

/// A step of size `h` moves `v̄·w̄` by `−h` times the deviation and the population's part, to first order in `h`; raw norms are not 1.
#[test]
fn own_overlaps_move_by_the_deviation_and_the_drift() {
    let h = 1e-6;
    let start = start(3, 11, 0).with_own_overlaps(0.3);
    let mut sgd = OnlineSgd::full(&start, 40, h, rng(5)).unwrap();
    sgd.draw();
    let before = [0, 1].map(|i| sgd.own(i));
    let rates = [0, 1].map(|i| {
        let deviation = sgd.own_overlap_deviation(i);
        let rows = sgd.coordinates;
        let along = |column: usize, unit: usize| -> f64 {
            let gradient = &sgd.drift[column * rows..(column + 1) * rows];
            gradient.iter().zip(sgd.units.col_as_slice(unit)).map(|(g, u)| g * u).sum::<f64>() / sgd.norms[column]
        };
        deviation + along(i, 2 + i) + along(2 + i, i)
    });
    sgd.advance();
    for i in [0, 1] {
        let measured = (sgd.own(i) - before[i]) / h;
        assert!((measured + rates[i]).abs() < 1e-3 * rates[i].abs(), "{measured} {}", rates[i]);
    }
}

/// The component along `w` is taken from `v`, and `w` stays; nothing is left to take.
#[test]
fn orthogonalised_routers_have_no_overlap_with_their_experts() {
    let start = start(3, 11, 0).with_own_overlaps(0.3);
    let mut sgd = OnlineSgd::full(&start, 4, 0.1, rng(6)).unwrap();
    let before = sgd.columns.clone();
    let norms = [0, 1].map(|i| sgd.router_norm(i));
    sgd.orthogonalise();
    let half = before.len() / 2;
    assert_eq!(sgd.columns[half..], before[half..]);
    for (i, norm) in norms.into_iter().enumerate() {
        assert!(sgd.own(i).abs() < 1e-15);
        assert!((sgd.router_norm(i) - norm * (1.0_f64 - 0.09).sqrt()).abs() < 1e-14);
    }
}

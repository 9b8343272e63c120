//! The loss under correlated inputs and mixtures, against the isotropic evaluator, differences, symmetries and samples.

use faer::Mat;
use moe_kernels::Router;
use moe_theory::soft_routed::{
    Flow, GaussianComponent, GeneralLoss, InitialLaw, Inputs, Start, Stop, StudentTeacher, Watch, Weights, single,
    two_level_start,
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use rand_distr::StandardNormal;

fn start(router: Router, order: usize) -> Start {
    InitialLaw { router, ..InitialLaw::new(order, 3, 2, 40) }.sample(7, 0).unwrap()
}

/// A covariance with eigenvalues between 0.6 and 1.5 in a generic basis, and a mean of length about ½.
fn generic(n: usize) -> Inputs {
    let wave = |i: usize, j: usize| ((i * 7 + j * 3) as f64).sin() + ((i * 3 + j * 7) as f64).sin();
    let covariance = Mat::from_fn(n, n, |i, j| f64::from(u8::from(i == j)) + 0.45 * wave(i, j) / n as f64);
    let mean = (0..n).map(|i| 0.5 * (i as f64 * 1.3).cos() / (n as f64).sqrt()).collect();
    let second = GaussianComponent { weight: 0.3, mean: vec![0.1; n], covariance: Mat::identity(n, n) };
    Inputs { components: vec![GaussianComponent { weight: 0.7, mean, covariance }, second] }
}

#[test]
fn isotropic_inputs_give_the_isotropic_loss() {
    for router in Router::ALL {
        for order in 1..=6 {
            let start = start(router, order);
            let state = start.state();
            let (mut expected, mut found) = (vec![0.0; state.len()], vec![0.0; state.len()]);
            let loss = start.population().gradient(&state, &mut expected);
            let general = GeneralLoss::under(&start, &Inputs::isotropic(start.coordinates()));
            let scale = expected.iter().fold(loss.abs().max(1.0), |m, g| m.max(g.abs()));
            // tanh has its poles at half the distance: at order 6 its coincident pairs need more terms than the table has.
            let tolerance = if router == Router::Tanh && order > 4 { 1e-9 } else { 1e-12 };
            assert!((general.gradient(&state, &mut found) - loss).abs() < tolerance * scale, "{router} {order}");
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - b).abs() < tolerance * scale, "{router} {order}: {a} {b}");
            }
        }
    }
}

#[test]
fn gradient_agrees_with_differences_and_is_tangent() {
    let start = start(Router::Sigmoid, 3);
    let general = GeneralLoss::new(&start, [0.1, 0.2, -0.3, 1.0, 0.05, 0.0, 0.0], &generic(start.coordinates()));
    let state: Vec<f64> = start.state().iter().map(|x| 1.3 * x).collect();
    let mut gradient = vec![0.0; state.len()];
    general.gradient(&state, &mut gradient);
    for k in (0..state.len()).step_by(3) {
        let moved = |h: f64| {
            let mut moved = state.clone();
            moved[k] += h;
            general.loss(&moved)
        };
        let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!((slope - gradient[k]).abs() < 1e-7, "{k}: {slope} {}", gradient[k]);
    }
    for (g, x) in gradient.chunks_exact(start.coordinates()).zip(state.chunks_exact(start.coordinates())) {
        assert!(g.iter().zip(x).map(|(g, x)| g * x).sum::<f64>().abs() < 1e-12);
    }
}

/// `N(μ, Σ)` split into two equal components of half the weight is the same mixture; at the teacher the loss is zero whatever the inputs.
#[test]
fn a_split_component_changes_nothing_and_the_teacher_costs_nothing() {
    let start = start(Router::Sigmoid, 3);
    let inputs = generic(start.coordinates());
    let halves = inputs.components.iter().cloned().map(|c| GaussianComponent { weight: 0.5 * c.weight, ..c });
    let split = Inputs { components: halves.clone().chain(halves).collect() };
    let state = start.state();
    let loss = GeneralLoss::under(&start, &inputs).loss(&state);
    assert!((GeneralLoss::under(&start, &split).loss(&state) - loss).abs() < 1e-13);
    let near = InitialLaw::new(3, 2, 2, 40).sample(1, 0).unwrap().with_teacher_overlaps(1.0, 1.0);
    let mut gradient = vec![0.0; near.state().len()];
    let general = GeneralLoss::under(&near, &generic(near.coordinates()));
    assert!(general.gradient(&near.state(), &mut gradient).abs() < 1e-13);
    assert!(gradient.iter().all(|g| g.abs() < 1e-12));
}

/// Samples: only to catch a wrong formula.
#[test]
fn loss_agrees_with_samples() {
    let start = start(Router::Sigmoid, 3);
    let n = start.coordinates();
    let diagonal: Vec<f64> = (0..n).map(|i| 0.6 + 0.9 * i as f64 / n as f64).collect();
    let mean: Vec<f64> = (0..n).map(|i| 0.2 * (i as f64).cos()).collect();
    let covariance = Mat::from_fn(n, n, |i, j| if i == j { diagonal[i] } else { 0.0 });
    let inputs = Inputs { components: vec![GaussianComponent { weight: 1.0, mean: mean.clone(), covariance }] };
    let coefficients = [0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0];
    let loss = GeneralLoss::new(&start, coefficients, &inputs).loss(&start.state());
    let model = start.model();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let samples = 400_000;
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..samples {
        let x: Vec<f64> =
            (0..n).map(|i| mean[i] + diagonal[i].sqrt() * random.sample::<f64, _>(StandardNormal)).collect();
        let dot = |y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let output = |weights: &moe_theory::soft_routed::Weights| -> f64 {
            (0..weights.count())
                .map(|i| {
                    let h = dot(weights.expert(i));
                    Router::Sigmoid.value(dot(weights.router(i))) * (0.5 * h + h * h * h - 3.0 * h)
                })
                .sum()
        };
        let value = 0.5 * (output(&model.student) - output(&model.teacher)).powi(2);
        sum += value;
        squares += value * value;
    }
    let average = sum / samples as f64;
    let error = ((squares / samples as f64 - average * average) / samples as f64).sqrt();
    assert!((average - loss).abs() < 5.0 * error, "{average} ± {error}, exact {loss}");
}

/// The same flow through both evaluators, explicit and implicit.
#[test]
fn flows_agree_where_inputs_are_isotropic() {
    let start = InitialLaw::new(3, 2, 1, 100).sample(3, 1).unwrap();
    let general = GeneralLoss::new(&start, single(3), &Inputs::isotropic(start.coordinates()));
    let run = |flow: Flow<'_>| {
        let (mut last, mut event) = (None, None);
        flow.run(
            20.0,
            &[Watch::Expert(0.5)],
            &[20.0],
            |_, state| last = Some(state),
            |e, _| {
                event = Some(e.time);
                Stop::No
            },
        )
        .unwrap();
        (last.unwrap(), event)
    };
    let (isotropic, time) = run(Flow::new(&start));
    for method in [moe_theory::soft_routed::Method::Explicit, moe_theory::soft_routed::Method::Implicit] {
        let (through_general, other) = run(Flow::new(&start).under(&general).method(method));
        assert!((through_general.loss - isotropic.loss).abs() < 1e-5);
        assert!((through_general.expert(0, 0) - isotropic.expert(0, 0)).abs() < 1e-5);
        assert_eq!(time.is_some(), other.is_some());
    }
}

/// Two levels: orthonormal teacher, `v ⟂ w`, and projections on the eigenspaces with the right second moments.
#[test]
fn two_level_starts_have_their_law() {
    let law = InitialLaw::new(3, 2, 1, 400);
    let mut moments = [0.0; 2];
    for seed in 0..400 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let start = two_level_start(&law, &mut random, &mut ChaCha8Rng::seed_from_u64(10_000 + seed)).unwrap();
        let state = start.state();
        let n = start.coordinates();
        let dot = |a: usize, b: usize| (0..n).map(|i| state[a * n + i] * state[b * n + i]).sum::<f64>();
        assert!((dot(2, 2) - 1.0).abs() < 1e-12 && dot(0, 2).abs() < 1e-12);
        moments[0] += start.order_parameters().expert(0, 0).powi(2);
        moments[1] += state[2 * n..2 * n + n / 2].iter().map(|x| x * x).sum::<f64>() / 400.0;
    }
    // κ²d averages 1 ± √(2/400), the share of the first half ½ ± √(1/1600)/20.
    assert!((moments[0] - 1.0).abs() < 0.35, "{moments:?}");
    assert!((moments[1] - 0.5).abs() < 0.01, "{moments:?}");
}

/// Two parts: weights, means and variances as asked for, mean and second moment of the whole; the loss of one student and one teacher in three dimensions is a sum over a grid.
#[test]
fn unequal_clusters_have_their_moments_and_their_loss() {
    let unit = [0.6, 0.0, -0.8];
    let parts = [(0.75, -0.4, 0.5), (0.25, 1.1, 1.5)];
    let inputs = Inputs::unequal_clusters(&unit, parts);
    assert_eq!(inputs.components.iter().map(|c| c.weight).sum::<f64>(), 1.0);
    for i in 0..3 {
        // ¾·(−0.4) + ¼·1.1 = −0.025;  ¾·½ + ¼·1.5 = 0.75;  ¾·0.16 + ¼·1.21 = 0.4225.
        let mean: f64 = inputs.components.iter().map(|c| c.weight * c.mean[i]).sum();
        assert!((mean + 0.025 * unit[i]).abs() < 1e-15);
        for j in 0..3 {
            let second = |c: &GaussianComponent| c.weight * (c.covariance[(i, j)] + c.mean[i] * c.mean[j]);
            let found: f64 = inputs.components.iter().map(second).sum();
            let expected = if i == j { 0.75 } else { 0.0 } + 0.4225 * unit[i] * unit[j];
            assert!((found - expected).abs() < 1e-15, "{i} {j}");
        }
    }
    let student = [&[vec![0.0, 0.6, 0.8]][..], &[vec![0.8, -0.6, 0.0]]];
    let teacher = [&[vec![1.0, 0.0, 0.0]][..], &[vec![0.0, 1.0, 0.0]]];
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, student, teacher).unwrap();
    let start = Start::unreduced(&model);
    let expert = |weights: &Weights, x: &[f64]| {
        let dot = |y: &[f64]| y.iter().zip(x).map(|(y, x)| y * x).sum::<f64>();
        let h = dot(weights.expert(0));
        Router::Sigmoid.value(dot(weights.router(0))) * (h * h * h - 3.0 * h)
    };
    // The trapezoid rule with step ¼ up to nine standard deviations: its error on a Gaussian is below e^{−2π²·16}.
    let nodes: Vec<(f64, f64)> = (-36..=36)
        .map(|k| 0.25 * f64::from(k))
        .map(|z| (z, 0.25 * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()))
        .collect();
    let mut expected = 0.0;
    for (weight, shift, variance) in parts {
        for (a, p) in &nodes {
            for (b, q) in &nodes {
                for (c, r) in &nodes {
                    let x: Vec<f64> =
                        [a, b, c].iter().zip(unit).map(|(z, u)| shift * u + variance.sqrt() * **z).collect();
                    let error = expert(&model.student, &x) - expert(&model.teacher, &x);
                    expected += weight * p * q * r * 0.5 * error * error;
                }
            }
        }
    }
    let found = GeneralLoss::under(&start, &inputs).loss(&start.state());
    assert!((found - expected).abs() < 1e-10 * expected, "{found} {expected}");
}

//! The least-squares estimator: closed forms, recovery, bounds, determinism.

use moe_kernels::Activation;
use moe_theory::softmax::{
    Architecture, Atom, Bounds, Coordinates, Estimator, Fit, Gate, Group, Inputs, Law, MixingMeasure, Noise, Reason,
    Sample, Source, Tolerance,
};

fn class(gate: Gate, dimension: usize, sizes: &[usize], activation: Activation, outer_weight: bool) -> Architecture {
    Architecture { dimension, gate, sizes: sizes.to_vec(), activation, outer_weight }
}

/// Parameters between −1 and 1 that look random, the temperature between 1 and 2.
fn parameters(coordinates: &Coordinates, seed: f64) -> Vec<f64> {
    let mut theta: Vec<f64> =
        (0..coordinates.count()).map(|i| 2.0 * ((i as f64 + 1.0) * 0.618_033_989 + seed).fract() - 1.0).collect();
    if let Some(place) = coordinates.layout().temperature {
        theta[place] = 1.5 + 0.5 * theta[place];
    }
    theta
}

fn sample(class: &Architecture, truth: &MixingMeasure, rows: usize, deviation: f64) -> Sample {
    let inputs = Inputs::Uniform { low: vec![-3.0; class.dimension], high: vec![3.0; class.dimension] };
    let law = Law::mixture(class, truth, inputs, Noise::Gaussian { deviation });
    Sample::collect(&law.sample(rows, 7, 0).unwrap()).unwrap()
}

fn rows(sample: &Sample) -> Vec<(Vec<f64>, f64)> {
    let mut scratch = Vec::new();
    let mut rows = Vec::new();
    for index in 0..sample.chunks() {
        let chunk = sample.chunk(index, &mut scratch).unwrap();
        for row in 0..chunk.y.len() {
            let mut x = vec![0.0; sample.dimension()];
            chunk.input(row, &mut x);
            rows.push((x, chunk.y[row]));
        }
    }
    rows
}

fn fit(coordinates: &Coordinates, data: &Sample, start: &[f64], half_width: f64) -> Fit {
    Estimator::new(coordinates, data, Bounds::around(start, half_width)).fit(start).unwrap()
}

/// One linear expert is linear regression: `a = Sxy/Sxx`, `b = ȳ − a x̄`.
#[test]
fn one_linear_expert_is_linear_regression() {
    let line = class(Gate::Softmax, 1, &[1], Activation::Linear, false);
    let curve = class(Gate::Softmax, 1, &[2], Activation::Tanh, false);
    let data = sample(&curve, &Coordinates::new(&curve, false).measure(&[1.0, 0.2, 2.0, 0.1, -1.0, 0.5]), 5000, 0.3);
    let coordinates = Coordinates::new(&line, false);
    let found = fit(&coordinates, &data, &[0.0, 0.0], 100.0);
    let rows = rows(&data);
    let n = rows.len() as f64;
    let (mean_x, mean_y) = (rows.iter().map(|r| r.0[0]).sum::<f64>() / n, rows.iter().map(|r| r.1).sum::<f64>() / n);
    let sxx: f64 = rows.iter().map(|r| (r.0[0] - mean_x).powi(2)).sum();
    let sxy: f64 = rows.iter().map(|r| (r.0[0] - mean_x) * (r.1 - mean_y)).sum();
    let (a, b) = (sxy / sxx, mean_y - sxy / sxx * mean_x);
    assert!((found.theta[0] - a).abs() < 1e-12 && (found.theta[1] - b).abs() < 1e-12, "{found:?} {a} {b}");
    let objective = rows.iter().map(|r| (r.1 - a * r.0[0] - b).powi(2)).sum::<f64>() / n;
    assert!((found.objective - objective).abs() < 1e-13 * objective);
    assert!(found.reason.is_converged() && found.iterations < 20, "{found:?}");
}

/// Without noise the truth comes back from a start nearby, under every gate.
#[test]
fn truth_is_recovered_without_noise() {
    let soft = |router| Gate::DenseToSparse(router);
    for (class, last_slope) in [
        (class(Gate::Softmax, 1, &[2], Activation::Sigmoid, false), false),
        (class(Gate::Softmax, 3, &[3], Activation::Tanh, false), false),
        (class(Gate::Softmax, 2, &[2], Activation::Gelu, true), false),
        (class(Gate::Softmax, 2, &[2], Activation::Power(2), false), false),
        (class(soft(Activation::Sigmoid), 2, &[2], Activation::Tanh, false), true),
        (class(soft(Activation::Tanh), 2, &[3], Activation::Gelu, false), true),
        (class(Gate::Hierarchical, 2, &[2, 1], Activation::Tanh, false), false),
    ] {
        let coordinates = Coordinates::new(&class, last_slope);
        let theta = parameters(&coordinates, 0.3);
        let data = sample(&class, &coordinates.measure(&theta), 3000, 0.0);
        let start: Vec<f64> = theta.iter().enumerate().map(|(i, t)| t + 0.05 * (i as f64).sin()).collect();
        let found = fit(&coordinates, &data, &start, 3.0);
        let far = found.theta.iter().zip(&theta).fold(0.0_f64, |far, (a, b)| far.max((a - b).abs()));
        assert!(found.reason.is_converged(), "{class:?} {found:?}");
        assert!(found.objective < 1e-24 && far < 1e-6, "{class:?}: {far} {found:?}");
    }
}

/// Where the minimum lies outside of the box, the point found is on its boundary, and only bounds keep the objective from falling.
#[test]
fn bounds_hold_the_minimum() {
    let class = class(Gate::Softmax, 1, &[2], Activation::Tanh, false);
    let coordinates = Coordinates::new(&class, false);
    let theta = [1.0, 0.2, 2.0, 0.1, -1.0, 0.5];
    let data = sample(&class, &coordinates.measure(&theta), 4000, 0.1);
    let mut bounds = Bounds::around(&theta, 1.0);
    bounds.upper[2] = 1.5;
    let estimator = Estimator::new(&coordinates, &data, bounds.clone());
    let found = estimator.fit(&theta).unwrap();
    assert!(found.reason.is_converged(), "{found:?}");
    assert!(found.theta.iter().zip(bounds.lower.iter().zip(&bounds.upper)).all(|(t, (l, u))| l <= t && t <= u));
    assert_eq!(found.theta[2], 1.5);
    // Steps inside of the box from the point found do not fall.
    for i in 0..theta.len() {
        for by in [-1e-4, 1e-4] {
            let mut near = found.theta.clone();
            near[i] += by;
            if near[i] >= bounds.lower[i] && near[i] <= bounds.upper[i] {
                let measure = coordinates.measure(&near);
                let rows = rows(&data);
                let squares: f64 = rows.iter().map(|(x, y)| (measure.value(&class, x) - y).powi(2)).sum();
                assert!(squares / rows.len() as f64 >= found.objective * (1.0 - 1e-13), "{i} {by}");
            }
        }
    }
}

/// The same bits on one thread and on three, with the linear algebra sequential as the command has it.
#[test]
fn threads_do_not_show() {
    faer::set_global_parallelism(faer::Par::Seq);
    let class = class(Gate::Softmax, 2, &[3], Activation::Sigmoid, true);
    let coordinates = Coordinates::new(&class, false);
    let theta = parameters(&coordinates, 0.1);
    let data = sample(&class, &coordinates.measure(&theta), 30_000, 0.1);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let estimator = Estimator::new(&coordinates, &data, Bounds::around(&theta, 2.0));
        pool.install(|| (estimator.fit(&theta).unwrap(), estimator.search(6, 1).unwrap()))
    };
    assert_eq!(run(1), run(3));
}

/// Two atoms that almost coincide: the Gauss-Newton matrix has a condition beyond 10¹⁶, and the data are exact.
#[test]
fn nearly_equal_atoms_end_at_rounding() {
    let class = class(Gate::Softmax, 1, &[3], Activation::Tanh, false);
    let coordinates = Coordinates::new(&class, false);
    let theta = [2.0, 0.3, 2.0 + 1e-3, 0.1, 3.0, -0.5, 3.0 + 1e-3, -0.5, -2.0, 1.0];
    let data = sample(&class, &coordinates.measure(&theta), 3000, 0.0);
    let start: Vec<f64> = theta.iter().enumerate().map(|(i, t)| t + 0.01 * (2.0 * i as f64).cos()).collect();
    let found = fit(&coordinates, &data, &start, 1.0);
    assert!(found.reason.is_converged(), "{found:?}");
    assert!(found.objective < 1e-22, "{found:?}");
}

/// Factors of `y` and of `x`, with start and box in the same units, change neither the way nor the minimum, up to rounding: every parameter has a scale of its own, however far apart their units are. Linear and ReLU experts have the units of `y`.
#[test]
fn units_do_not_matter() {
    let truth = class(Gate::Softmax, 1, &[2], Activation::Tanh, false);
    let measure = Coordinates::new(&truth, false).measure(&[2.0, 0.3, 3.0, -0.5, -2.0, 1.0]);
    let plain = sample(&truth, &measure, 600, 0.05);
    for activation in [Activation::Linear, Activation::Relu] {
        let coordinates = Coordinates::new(&class(Gate::Softmax, 1, &[2], activation, false), false);
        let run = |x: f64, y: f64| {
            let mut builder = Sample::builder(1);
            rows(&plain).iter().for_each(|(input, response)| builder.push(&[x * input[0]], y * response));
            let atom = |omega: f64, beta: f64, a: f64, b: f64| Atom {
                omega: vec![omega / x],
                beta,
                a: vec![a * y / x],
                b: b * y,
                lambda: 1.0,
            };
            let start = MixingMeasure::flat(vec![atom(1.0, 0.2, 0.1, 0.8), atom(0.0, 0.0, -0.2, 0.3)], 1.0);
            let widths = MixingMeasure::flat(vec![atom(10.0, 10.0, 10.0, 10.0), atom(0.0, 0.0, 10.0, 10.0)], 1.0);
            let upper = coordinates.parameters(&widths).unwrap();
            let bounds = Bounds { lower: upper.iter().map(|upper| -upper).collect(), upper };
            let data = builder.finish();
            let estimator = Estimator::new(&coordinates, &data, bounds);
            estimator.fit(&coordinates.parameters(&start).unwrap()).unwrap()
        };
        let plain = run(1.0, 1.0);
        assert!(plain.reason.is_converged() && plain.conditioning > 1e-6, "{plain:?}");
        for (x, y) in [
            (1.0, 1e-22),
            (1.0, 1e22),
            (1.0, 1e25),
            (1.0, 1e-40),
            (1.0, 1e40),
            (1e-40, 1.0),
            (1e40, 1.0),
            (1e40, 1e40),
            (1e-40, 1e-40),
            (1e40, 1e-40),
            (1e-40, 1e40),
        ] {
            let found = run(x, y);
            assert_eq!((found.reason, found.iterations), (plain.reason, plain.iterations), "{activation} {x:e} {y:e}");
            let ratio = found.objective / y / y / plain.objective;
            assert!((ratio - 1.0).abs() < 1e-12, "{activation} {x:e} {y:e}: {ratio}");
        }
    }
}

/// A start twenty orders of magnitude above the response, in a box of its size: scales that were met on the way do not hide what is left at the end.
#[test]
fn a_start_far_above_the_response_is_left() {
    let line = class(Gate::Softmax, 1, &[1], Activation::Linear, false);
    let coordinates = Coordinates::new(&line, false);
    let mut builder = Sample::builder(1);
    (0..200).for_each(|i| builder.push(&[f64::from(i % 20) - 9.5], 1e-20 * (f64::from(i).sin() + f64::from(i % 20))));
    let data = builder.finish();
    let near = fit(&coordinates, &data, &[1e-20, 0.0], 10.0);
    let far = fit(&coordinates, &data, &[1.0, -3.0], 10.0);
    assert!(far.reason.is_converged() && (far.objective / near.objective - 1.0).abs() < 1e-9, "{near:?} {far:?}");
}

/// Fewer rows than parameters, constant and repeated data, an infinite response: an answer or a reason, no panic.
#[test]
fn degenerate_data_end_in_order() {
    let class = class(Gate::Softmax, 1, &[2], Activation::Linear, false);
    let coordinates = Coordinates::new(&class, false);
    let start = [0.1, 0.0, 0.5, 0.1, -0.5, 0.2];
    let of = |pairs: &[(f64, f64)]| {
        let mut builder = Sample::builder(1);
        pairs.iter().for_each(|(x, y)| builder.push(&[*x], *y));
        fit(&coordinates, &builder.finish(), &start, 10.0)
    };
    let two = of(&[(0.0, 1.0), (1.0, 2.0)]);
    assert!(two.reason.is_converged() && two.objective < 1e-20, "{two:?}");
    let constant = of(&(0..100).map(|i| (f64::from(i) / 10.0, 3.0)).collect::<Vec<_>>());
    assert!(constant.reason.is_converged() && constant.objective < 1e-20, "{constant:?}");
    let repeated = of(&vec![(1.0, 0.25); 10_000]);
    assert!(repeated.reason.is_converged() && repeated.objective < 1e-20, "{repeated:?}");
    assert_eq!(of(&[(0.0, f64::INFINITY)]).reason, Reason::NotFinite);
    assert!(of(&[(0.0, 0.0), (1.0, 0.0)]).reason.is_converged());
}

/// The limit of iterations is reported as such.
#[test]
fn a_limit_is_no_convergence() {
    let class = class(Gate::Softmax, 1, &[3], Activation::Sigmoid, false);
    let coordinates = Coordinates::new(&class, false);
    let theta = [2.0, 0.3, 1.0, 0.1, 3.0, -0.5, 1.0, 0.5, -2.0, 1.0];
    let data = sample(&class, &coordinates.measure(&theta), 2000, 0.1);
    let start = vec![0.0; theta.len()];
    let estimator = Estimator::new(&coordinates, &data, Bounds::around(&theta, 4.0))
        .with_tolerance(Tolerance { iterations: 2, ..Tolerance::default() });
    let found = estimator.fit(&start).unwrap();
    assert_eq!((found.reason, found.iterations), (Reason::Iterations, 2));
    assert!(!found.reason.is_converged());
}

/// A measure comes back from its parameters, translated to its last atoms.
#[test]
fn coordinates_translate_to_the_last_atoms() {
    let class = class(Gate::Hierarchical, 1, &[2, 1], Activation::Tanh, true);
    let atom = |omega, beta, a| Atom { omega: vec![omega], beta, a: vec![a], b: 0.3, lambda: 0.7 };
    let measure = MixingMeasure {
        groups: vec![
            Group { alpha: vec![1.0], beta: 0.4, atoms: vec![atom(0.5, 0.1, 1.0), atom(-0.5, 0.3, -1.0)] },
            Group { alpha: vec![-2.0], beta: 0.1, atoms: vec![atom(2.0, -0.2, 0.5)] },
        ],
        tau: 1.0,
    };
    let coordinates = Coordinates::new(&class, false);
    let back = coordinates.measure(&coordinates.parameters(&measure).unwrap());
    assert_eq!(back.groups[0].alpha, [3.0]);
    assert_eq!(back.groups[0].atoms[0].omega, [1.0]);
    assert_eq!(back.groups[1].atoms[0].omega, [0.0]);
    for x in [-1.3, 0.2, 2.0] {
        assert!((back.value(&class, &[x]) - measure.value(&class, &[x])).abs() < 1e-14);
    }
}

/// Intercepts of experts at another place: the same function, the same minimum, and derivatives that are those of the plain coordinates taken through the change.
#[test]
fn centred_coordinates_are_the_same_class() {
    for (class, last_slope) in [
        (class(Gate::DenseToSparse(Activation::Tanh), 2, &[2], Activation::Tanh, true), true),
        (class(Gate::Hierarchical, 1, &[2, 1], Activation::Sigmoid, false), false),
    ] {
        let plain = Coordinates::new(&class, last_slope);
        let theta = parameters(&plain, 0.2);
        let measure = plain.measure(&theta);
        let centred = plain.clone().centred(vec![0.7; class.dimension]);
        let there = centred.parameters(&measure).unwrap();
        let far = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0_f64, |far, (a, b)| far.max((a - b).abs()));
        assert!(far(&centred.of_kernel(&there), &theta) < 1e-14 && far(&there, &theta) > 0.05);
        assert_eq!(plain.parameters(&centred.measure(&there)).unwrap().len(), theta.len());
        let data = sample(&class, &measure, 2000, 1e-3);
        let start: Vec<f64> = theta.iter().enumerate().map(|(i, t)| t + 0.03 * (i as f64).cos()).collect();
        let one = fit(&plain, &data, &start, 5.0);
        let start = centred.parameters(&plain.measure(&start)).unwrap();
        let other = fit(&centred, &data, &start, 5.0);
        assert!(one.reason.is_converged() && other.reason.is_converged(), "{one:?} {other:?}");
        assert!((one.objective / other.objective - 1.0).abs() < 1e-9, "{one:?} {other:?}");
    }
}

/// By stages the same minimum comes from the same start with far fewer passes over all rows, and a sample too small for stages is fitted as it is.
#[test]
fn stages_end_in_the_same_minimum() {
    let curve = class(Gate::Softmax, 1, &[2], Activation::Tanh, false);
    let coordinates = Coordinates::new(&curve, false);
    let truth = [1.0, 0.2, 2.0, 0.1, -1.0, 0.5];
    let start = [0.8, 0.3, 1.7, 0.2, -1.2, 0.4];
    for (rows, stages) in [(20_000, true), (800, false)] {
        let data = sample(&curve, &coordinates.measure(&truth), rows, 0.1);
        let estimator = Estimator::new(&coordinates, &data, Bounds::around(&start, 5.0));
        let (whole, staged) = (estimator.fit(&start).unwrap(), estimator.staged(&start).unwrap());
        assert!((staged.objective - whole.objective).abs() <= 1e-11 * whole.objective, "{staged:?} {whole:?}");
        assert!(staged.reason.is_converged());
        assert_eq!(staged.evaluations < whole.evaluations, stages, "{staged:?} {whole:?}");
    }
}

use super::*;
use crate::Activation::{self, *};

/// Numbers in [−1, 1] that look random.
fn numbers(count: usize, seed: f64) -> Vec<f64> {
    (0..count)
        .map(|i| ((i as f64 + 1.0) * 0.754_877_666 + seed).fract() * 2.0 - 1.0)
        .map(|x| x * (1.7 - x))
        .map(|x| x / 2.7)
        .collect()
}

fn shape(dimension: usize, groups: &[usize], activation: Activation) -> MixtureShape {
    MixtureShape {
        dimension,
        groups: groups.to_vec(),
        router: Linear,
        temperature: false,
        activation,
        outer_weight: false,
        last_slope: false,
    }
}

fn shapes() -> Vec<MixtureShape> {
    let mut all = Vec::new();
    for activation in [Linear, Power(2), Power(3), Sigmoid, Tanh, Gelu, Relu] {
        all.push(shape(1, &[3], activation));
        all.push(MixtureShape { outer_weight: true, ..shape(2, &[2], activation) });
        all.push(MixtureShape { outer_weight: true, ..shape(3, &[2, 1, 3], activation) });
    }
    for router in [Linear, Sigmoid, Tanh, Gelu, Relu] {
        all.push(MixtureShape { router, temperature: true, outer_weight: true, ..shape(2, &[3], Tanh) });
        all.push(MixtureShape { router, temperature: true, last_slope: true, ..shape(1, &[2], Gelu) });
        all.push(MixtureShape { router, ..shape(2, &[3], Sigmoid) });
    }
    all.push(shape(1, &[1], Sigmoid));
    all.push(shape(7, &[4], Gelu));
    all.push(shape(5, &[1, 2], Linear));
    all
}

/// Parameters of a shape, the temperature positive.
fn parameters(shape: &MixtureShape, seed: f64) -> Vec<f64> {
    let layout = shape.layout();
    let mut theta = numbers(layout.parameters, seed);
    if let Some(place) = layout.temperature {
        theta[place] = 0.8 + 0.1 * seed;
    }
    theta
}

/// `f` of one row by the definition.
fn reference(shape: &MixtureShape, theta: &[f64], x: &[f64]) -> f64 {
    let layout = shape.layout();
    let form = |first: Option<usize>| first.map_or(0.0, |f| (0..x.len()).map(|u| theta[f + u] * x[u]).sum::<f64>());
    let at = |place: Option<usize>, other: f64| place.map_or(other, |place| theta[place]);
    let tau = at(layout.temperature, 1.0);
    let average = |pairs: Vec<(f64, f64)>| {
        let total: f64 = pairs.iter().map(|(z, _)| z.exp()).sum();
        pairs.iter().map(|(z, h)| z.exp() * h).sum::<f64>() / total
    };
    let mut i = 0;
    let groups = shape.groups.iter().zip(&layout.outer).map(|(size, outer)| {
        let leaves = (i..i + size).map(|i| {
            let z = (shape.router.derivatives(form(layout.slope[i]))[0] + at(layout.intercept[i], 0.0)) / tau;
            let u = form(Some(layout.expert[i])) + theta[layout.expert[i] + x.len()];
            (z, at(layout.weight[i], 1.0) * shape.activation.derivatives(u)[0])
        });
        let inner = average(leaves.collect());
        i += size;
        (form(*outer) + outer.map_or(0.0, |first| theta[first + x.len()]), inner)
    });
    average(groups.collect())
}

/// Inputs by columns, and responses.
fn data(dimension: usize, rows: usize) -> (Vec<f64>, Vec<f64>) {
    (numbers(dimension * rows, 0.3).iter().map(|x| 2.0 * x).collect(), numbers(rows, 0.1))
}

fn row(x: &[f64], rows: usize, i: usize) -> Vec<f64> {
    x.chunks_exact(rows).map(|column| column[i]).collect()
}

fn sums(kernel: &MixtureKernel, theta: &[f64], x: &[f64], y: &[f64], curved: bool) -> MixtureMoments {
    let mut moments = kernel.moments();
    kernel.accumulate(theta, x, y, curved, &mut moments, &mut kernel.workspace());
    moments
}

fn norm(a: &[f64]) -> f64 {
    a.iter().map(|a| a * a).sum::<f64>().sqrt()
}

#[test]
fn values_and_squares_are_those_of_the_definition() {
    for shape in shapes() {
        for rows in [1, 7, 8, 9, 127, 128, 129, 300] {
            let theta = parameters(&shape, 0.7);
            let (x, y) = data(shape.dimension, rows);
            let kernel = MixtureKernel::new(shape.clone());
            let mut out = vec![0.0; rows];
            kernel.values(&theta, &x, &mut out, &mut kernel.workspace());
            let exact: Vec<f64> = (0..rows).map(|i| reference(&shape, &theta, &row(&x, rows, i))).collect();
            for (out, exact) in out.iter().zip(&exact) {
                // Values, forms and logits are below 10 in these examples.
                assert!((out - exact).abs() < 2e-14, "{shape:?}: {out} {exact}");
            }
            let squares: f64 = exact.iter().zip(&y).map(|(f, y)| (f - y).powi(2)).sum();
            let sum = kernel.sum_of_squares(&theta, &x, &y, &mut kernel.workspace());
            assert!((sum - squares).abs() < 1e-13 * (1.0 + squares), "{shape:?}");
            assert!((sums(&kernel, &theta, &x, &y, true).sum_of_squares() - squares).abs() < 1e-13 * (1.0 + squares));
        }
    }
}

/// The gradient against differences of the sum of squares, the Hessian against differences of the gradient; the parameters of a ReLU stay clear of its kinks in almost every row, where differences do not agree.
#[test]
fn derivatives_agree_with_differences() {
    let rows = 40;
    let step = 1e-5;
    for shape in shapes() {
        if shape.activation == Relu || shape.router == Relu {
            continue;
        }
        let kernel = MixtureKernel::new(shape.clone());
        let theta = parameters(&shape, 0.2);
        let (x, y) = data(shape.dimension, rows);
        let (gradient, hessian) = kernel.derivatives(&sums(&kernel, &theta, &x, &y, true));
        let p = kernel.parameters();
        for j in 0..p {
            let moved = |by: f64| {
                let mut theta = theta.clone();
                theta[j] += by;
                let moments = sums(&kernel, &theta, &x, &y, true);
                (0.5 * moments.sum_of_squares(), kernel.derivatives(&moments).0)
            };
            let ((above, above_gradient), (below, below_gradient)) = (moved(step), moved(-step));
            // Truncation step²/6 times third derivatives of order 100 to 1000, rounding 1e-16·100/step.
            let difference = (above - below) / (2.0 * step);
            assert!((difference - gradient[j]).abs() < 1e-7 * (1.0 + norm(&gradient)), "{shape:?} {j}");
            for i in 0..p {
                let difference = (above_gradient[i] - below_gradient[i]) / (2.0 * step);
                let exact = hessian[i * p + j];
                assert!(
                    (difference - exact).abs() < 1e-7 * (1.0 + norm(&hessian)),
                    "{shape:?} {i} {j}: {difference} {exact}"
                );
                assert_eq!(exact, hessian[j * p + i]);
            }
        }
    }
}

/// The Gauss–Newton part by another route, the stored Jacobian; with many inputs the matrix product is another one too.
#[test]
fn jacobian_gives_the_gauss_newton_matrix() {
    let wide = MixtureShape { outer_weight: true, ..shape(9, &[2, 2], Tanh) };
    for shape in shapes().into_iter().chain([wide]) {
        let kernel = MixtureKernel::new(shape.clone());
        let theta = parameters(&shape, 0.5);
        let rows = 150;
        let (x, y) = data(shape.dimension, rows);
        let p = kernel.parameters();
        let (mut r, mut jacobian) = (vec![0.0; rows], vec![0.0; rows * p]);
        kernel.jacobian(&theta, &x, &y, &mut r, &mut jacobian, &mut kernel.workspace());
        let (gradient, matrix) = kernel.derivatives(&sums(&kernel, &theta, &x, &y, false));
        let columns: Vec<&[f64]> = jacobian.chunks_exact(rows).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for i in 0..p {
            let scale = norm(columns[i]);
            assert!((dot(columns[i], &r) - gradient[i]).abs() <= 1e-13 * scale * norm(&r), "{shape:?}");
            for j in 0..p {
                let expected = dot(columns[i], columns[j]);
                assert!((expected - matrix[i * p + j]).abs() <= 1e-13 * scale * norm(columns[j]), "{shape:?} {i} {j}");
            }
        }
    }
}

/// Sums of parts are the sums of the whole, on every instruction set.
#[test]
fn parts_and_instruction_sets_agree() {
    for shape in shapes() {
        let theta = parameters(&shape, 0.9);
        let (d, rows) = (shape.dimension, 261);
        let (x, y) = data(d, rows);
        let whole = MixtureKernel::new(shape.clone());
        let (gradient, hessian) = whole.derivatives(&sums(&whole, &theta, &x, &y, true));
        for set in InstructionSet::ALL {
            let Some(kernel) = MixtureKernel::new(shape.clone()).on(set) else { continue };
            for cut in [1, 8, 131, 260] {
                let part = |from: usize, to: usize| -> Vec<f64> {
                    x.chunks_exact(rows).flat_map(|column| column[from..to].to_vec()).collect()
                };
                let mut moments = sums(&kernel, &theta, &part(0, cut), &y[..cut], true);
                moments.add(&sums(&kernel, &theta, &part(cut, rows), &y[cut..], true));
                let (g, h) = kernel.derivatives(&moments);
                let far = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0_f64, |far, (a, b)| far.max((a - b).abs()));
                assert!(far(&g, &gradient) < 1e-13 * rows as f64, "{shape:?} {set} {cut}");
                assert!(far(&h, &hessian) < 1e-13 * rows as f64, "{shape:?} {set} {cut}");
            }
        }
    }
}

/// Logits in the hundreds: shares underflow to 0, nothing overflows.
#[test]
fn steep_gates_stay_finite() {
    let shape = shape(1, &[3], Sigmoid);
    let kernel = MixtureKernel::new(shape);
    let theta = [900.0, -3.0, -2000.0, 50.0, 400.0, 1.0, -800.0, 0.0, 1e-300, 1e3];
    let (x, y) = data(1, 100);
    let (gradient, hessian) = kernel.derivatives(&sums(&kernel, &theta, &x, &y, true));
    assert!(gradient.iter().chain(&hessian).all(|value| value.is_finite()));
}

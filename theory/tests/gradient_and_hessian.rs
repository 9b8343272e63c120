//! The analytic derivatives of the population loss against differences and against its symmetries.

use moe_kernels::Router;
use moe_theory::soft_routed::{Hessian, InitialLaw, PopulationLoss, Start};

fn start(router: Router, order: usize, replicate: u64) -> Start {
    InitialLaw { router, orthogonal: false, ..InitialLaw::new(order, 3, 2, 12) }.sample(7, replicate).unwrap()
}

fn scaled(state: &[f64], dimension: usize) -> Vec<f64> {
    state.chunks(dimension).enumerate().flat_map(|(i, c)| c.iter().map(move |x| x * (0.5 + 0.4 * i as f64))).collect()
}

/// Central differences of the loss in raw weights of unequal norms, every router and order.
#[test]
fn gradient_matches_central_differences() {
    for router in Router::ALL {
        for order in 1..=6 {
            let start = start(router, order, 1);
            let mut population = start.population();
            let state = scaled(&start.state(), start.coordinates());
            let mut gradient = vec![0.0; state.len()];
            let loss = population.gradient(&state, &mut gradient);
            assert_eq!(loss, population.loss(&state));
            let scale = gradient.iter().fold(loss.max(1.0), |m, g| m.max(g.abs()));
            for k in (0..state.len()).step_by(5) {
                let h = 1e-5;
                let at = |population: &mut PopulationLoss, sign: f64| {
                    let mut moved = state.clone();
                    moved[k] += sign * h;
                    population.loss(&moved)
                };
                let difference = (at(&mut population, 1.0) - at(&mut population, -1.0)) / (2.0 * h);
                assert!(
                    (difference - gradient[k]).abs() < 1e-8 * scale,
                    "{router} p = {order} [{k}]: {difference} {}",
                    gradient[k]
                );
            }
        }
    }
}

/// Central differences of the gradient, in arbitrary (not only tangent) directions.
#[test]
fn hessian_matches_central_differences_of_the_gradient() {
    for router in Router::ALL {
        for order in [1, 2, 3, 5] {
            let start = start(router, order, 2);
            let (mut population, mut hessian) = (start.population(), Hessian::new(&start));
            let state = start.state();
            hessian.set(&state);
            let direction: Vec<f64> = (0..state.len()).map(|i| ((i * 37 + 11) % 23) as f64 / 23.0 - 0.5).collect();
            let mut out = vec![0.0; state.len()];
            hessian.apply(&direction, &mut out);
            let h = 1e-5;
            let mut at = |sign: f64| {
                let moved: Vec<f64> = state.iter().zip(&direction).map(|(x, d)| x + sign * h * d).collect();
                let mut gradient = vec![0.0; state.len()];
                population.gradient(&moved, &mut gradient);
                gradient
            };
            let (up, down) = (at(1.0), at(-1.0));
            let scale = out.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
            for k in 0..state.len() {
                assert!(((up[k] - down[k]) / (2.0 * h) - out[k]).abs() < 1e-7 * scale, "{router} p = {order} [{k}]");
            }
        }
    }
}

/// Scaling a raw vector changes no loss and divides its gradient; a rotation of everything changes no loss; an added dormant dimension changes nothing.
#[test]
fn scaling_and_padding_do_what_homogeneity_says() {
    let start = start(Router::Sigmoid, 3, 3);
    let (mut population, state, d) = (start.population(), start.state(), start.coordinates());
    let mut gradient = vec![0.0; state.len()];
    let loss = population.gradient(&state, &mut gradient);
    for exponent in [-160, -100, -3, 0, 100, 160] {
        let factor = 10f64.powi(exponent);
        let stretched: Vec<f64> =
            state.iter().enumerate().map(|(k, x)| if k / d == 1 { x * factor } else { *x }).collect();
        let mut other = vec![0.0; state.len()];
        assert!((population.gradient(&stretched, &mut other) - loss).abs() < 1e-14, "1e{exponent}");
        for k in 0..state.len() {
            let expected = if k / d == 1 { gradient[k] / factor } else { gradient[k] };
            assert!(
                (other[k] - expected).abs() < 1e-13 * expected.abs().max(if k / d == 1 { 1.0 / factor } else { 1.0 }),
                "1e{exponent} [{k}]"
            );
        }
    }
}

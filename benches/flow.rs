//! How long does the population flow of the published figure take? The setting of `examples/published-figure.toml`: 60 time units at 200
//! times, every overlap to 1e-8, on one core. The final overlaps are checked first against the classical Runge-Kutta method
//! with a fixed step (its own error is below 1e-7).

use criterion::{Criterion, criterion_group, criterion_main};
use faer::Par;
use moe_theory::soft_routed::{Flow, Spec, Start};

/// The state at `until` by `steps` classical Runge-Kutta steps, raw norms 1.
fn runge_kutta(start: &Start, until: f64, steps: usize) -> Vec<f64> {
    let mut population = start.population();
    let mut y = start.state();
    let h = until / steps as f64;
    for _ in 0..steps {
        let (mut slope, mut next) = (vec![0.0; y.len()], y.clone());
        for (ahead, weight) in [(0.0, 1.0), (0.5, 2.0), (0.5, 2.0), (1.0, 1.0)] {
            let stage: Vec<f64> = y.iter().zip(&slope).map(|(y, k)| y - ahead * h * k).collect();
            population.gradient(&stage, &mut slope);
            next.iter_mut().zip(&slope).for_each(|(next, k)| *next -= weight * h / 6.0 * k);
        }
        y = next;
    }
    y
}

fn flow(criterion: &mut Criterion) {
    faer::set_global_parallelism(Par::Seq);
    let spec: Spec = toml::from_str(include_str!("../examples/published-figure.toml")).expect("a valid spec");
    let start = spec.start().expect("a valid spec");
    let until = spec.until(&start);
    let times: Vec<f64> = (0..200).map(|k| until * f64::from(k) / 199.0).collect();
    let run =
        || Flow::trajectory(&start, until, &times, spec.tolerance(), &|_| false).expect("a flow within its tolerance");

    let trajectory = run();
    println!(
        "flow: {} evaluations of the gradient, overlaps known to {:.1e}",
        trajectory.evaluations, trajectory.error
    );
    let mut population = start.population();
    let expected = population.overlaps_at(&runge_kutta(&start, until, 24_000)).to_owned();
    let last = &trajectory.states[199];
    let (m, teachers) = (last.students(), last.teachers());
    for (i, j, kappa) in last.pairs() {
        let difference = kappa - expected[(2 * m + teachers + j, m + i)];
        assert!(difference.abs() < 1e-7, "student {i}, teacher {j}: {difference:e}");
    }
    criterion.benchmark_group("flow").sample_size(10).bench_function("published-figure", |b| b.iter(run));
}

criterion_group!(benches, flow);
criterion_main!(benches);

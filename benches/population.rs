//! What do a population loss and its gradient cost? `m × m* × d` students, teachers and dimensions, one thread, sigmoid routers and
//! `He_3`: the sizes and the model of the peers in `benches/peers`. The value and a directional derivative are checked first against a
//! route that shares nothing: naive dot products and the generic pair formula over dual numbers, on all pairs of units.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use faer::Par;
use moe_kernels::{Correlations, CovarianceTable, Dual, Pair, Router};
use moe_theory::soft_routed::{PopulationLoss, StudentTeacher};
use std::hint::black_box;

/// `count` vectors with entries from a Weyl sequence in [−1, 1].
fn vectors(count: usize, dimension: usize, seed: usize) -> Vec<Vec<f64>> {
    let entry = |i: usize| 2.0 * (((i + 1) * (2 * seed + 1)) as f64 * 0.618_033_988_749_894_9).fract() - 1.0;
    (0..count).map(|j| (0..dimension).map(|i| entry((j * dimension + i) * (j + 3))).collect()).collect()
}

/// The overlap of two unit vectors `(x + εx')/|x + εx'|`.
fn overlap(x: &[Vec<f64>; 2], y: &[Vec<f64>; 2]) -> Dual<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (xx, yy) = (dot(&x[0], &x[0]), dot(&y[0], &y[0]));
    let value = dot(&x[0], &y[0]) / (xx * yy).sqrt();
    let derivative = (dot(&x[1], &y[0]) + dot(&x[0], &y[1])) / (xx * yy).sqrt();
    Dual::new(value.clamp(-1.0, 1.0), derivative - value * (dot(&x[0], &x[1]) / xx + dot(&y[0], &y[1]) / yy))
}

/// `L` and its derivative by `ε`, for columns `v_1 … v_m, w_1 … w_m` of students and teachers.
fn slow_loss(students: &[[Vec<f64>; 2]], teachers: &[[Vec<f64>; 2]]) -> Dual<f64> {
    let table = CovarianceTable::new(Router::Sigmoid, 8);
    let units = |columns: &'_ [[Vec<f64>; 2]], sign| {
        let m = columns.len() / 2;
        (0..m).map(|i| (sign, columns[i].clone(), columns[m + i].clone())).collect::<Vec<_>>()
    };
    let all = [units(students, 1.0), units(teachers, -1.0)].concat();
    let mut loss = Dual::constant(0.0);
    for (s, v, w) in &all {
        for (t, v2, w2) in &all {
            let rho = [(v, v2), (v, w), (v, w2), (v2, w), (v2, w2), (w, w2)].map(|(x, y)| overlap(x, y));
            let value = Pair::new(&Correlations::from_array(rho), |k, l| table.dual(k, l, rho[0])).value(3, 3);
            loss = loss + value * Dual::constant(0.5 * s * t);
        }
    }
    loss
}

fn population(criterion: &mut Criterion) {
    faer::set_global_parallelism(Par::Seq);
    let mut group = criterion.benchmark_group("population");
    for (m, teachers, d) in [(8, 4, 64), (32, 16, 256), (128, 64, 1024)] {
        let [v, w, v_star, w_star, direction] =
            [(m, 1), (m, 2), (teachers, 3), (teachers, 4), (2 * m, 5)].map(|(count, seed)| vectors(count, d, seed));
        let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&v, &w], [&v_star, &w_star]).expect("a valid model");
        let students = [v, w].concat();
        let weights = students.concat();
        let mut gradient = vec![0.0; weights.len()];
        let mut population = PopulationLoss::of(&model);
        let loss = population.gradient(&weights, &mut gradient);
        let slope: f64 = gradient.iter().zip(direction.concat()).map(|(g, h)| g * h).sum();
        let moving: Vec<_> = students.into_iter().zip(direction).map(|(x, h)| [x, h]).collect();
        let still: Vec<_> = [v_star, w_star].concat().into_iter().map(|x| [x, vec![0.0; d]]).collect();
        let slow = slow_loss(&moving, &still);
        assert!((loss - slow.value).abs() < 1e-12 * loss, "{loss} {slow:?}");
        assert!((slope - slow.derivative).abs() < 1e-11 * slope.abs().max(1.0), "{slope} {slow:?}");
        group.bench_function(BenchmarkId::from_parameter(format!("{m}x{teachers}x{d}")), |b| {
            b.iter(|| population.gradient(black_box(&weights), &mut gradient));
        });
    }
}

criterion_group!(benches, population);
criterion_main!(benches);

//! What does an elementary function cost, a vector at a time and one by one?
//!
//! `elementary/<function>/{lanes,scalar}`: an element is one argument. Values are compared first.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use moe_kernels::{Activation, exp, gelu, sigmoid, tanh};
use std::hint::black_box;

const N: usize = 4096;

fn compare(lanes: &[f64], scalar: &[f64]) {
    // Both are within a few units of the last place of the larger of the value and 1.
    assert!(lanes.iter().zip(scalar).all(|(a, b)| (a - b).abs() <= 2e-15 * b.abs().max(1.0)));
}

fn elementary(criterion: &mut Criterion) {
    let x: Vec<f64> = (0..N).map(|i| -12.0 + 24.0 * i as f64 / N as f64).collect();
    let mut group = criterion.benchmark_group("elementary");
    group.throughput(Throughput::Elements(N as u64));
    let mut out = [vec![0.0; N], vec![0.0; N], vec![0.0; N]];
    let mut scalar = out.clone();
    let [a, b, c] = &mut out;
    let [p, q, r] = &mut scalar;

    exp(&x, a);
    p.iter_mut().zip(&x).for_each(|(p, x)| *p = x.exp());
    compare(a, p);
    group.bench_function(BenchmarkId::new("exp", "lanes"), |bench| bench.iter(|| exp(black_box(&x), a)));
    group.bench_function(BenchmarkId::new("exp", "scalar"), |bench| {
        bench.iter(|| p.iter_mut().zip(black_box(&x)).for_each(|(p, x)| *p = x.exp()))
    });

    sigmoid(&x, a);
    p.iter_mut().zip(&x).for_each(|(p, x)| *p = 1.0 / (1.0 + (-x).exp()));
    compare(a, p);
    group.bench_function(BenchmarkId::new("sigmoid", "lanes"), |bench| bench.iter(|| sigmoid(black_box(&x), a)));
    group.bench_function(BenchmarkId::new("sigmoid", "scalar"), |bench| {
        bench.iter(|| p.iter_mut().zip(black_box(&x)).for_each(|(p, x)| *p = 1.0 / (1.0 + (-x).exp())))
    });

    let mut tanh_scalar = |x: &[f64], p: &mut [f64]| {
        for i in 0..N {
            p[i] = x[i].tanh();
            q[i] = 1.0 - p[i] * p[i];
        }
    };
    tanh(&x, a, b);
    tanh_scalar(&x, p);
    compare(a, p);
    group.bench_function(BenchmarkId::new("tanh", "lanes"), |bench| bench.iter(|| tanh(black_box(&x), a, b)));
    group.bench_function(BenchmarkId::new("tanh", "scalar"), |bench| bench.iter(|| tanh_scalar(black_box(&x), p)));
    compare(b, q);

    let mut gelu_scalar = |x: &[f64], p: &mut [f64]| {
        for i in 0..N {
            [p[i], q[i], r[i]] = Activation::Gelu.derivatives(x[i]);
        }
    };
    gelu(&x, a, b, c);
    gelu_scalar(&x, p);
    compare(a, p);
    group.bench_function(BenchmarkId::new("gelu", "lanes"), |bench| bench.iter(|| gelu(black_box(&x), a, b, c)));
    group.bench_function(BenchmarkId::new("gelu", "scalar"), |bench| bench.iter(|| gelu_scalar(black_box(&x), p)));
    compare(b, q);
    compare(c, r);
}

criterion_group!(benches, elementary);
criterion_main!(benches);

//! Does the vectorised pair kernel pay? The expectation with its six partials, for sigmoid routers and `He_3`: `scalar` is the
//! generic formula in `f64`, `auto` the same over eight lanes that the compiler vectorises, `simd` the kernel on the widest
//! instruction set, `avx2` the kernel on AVX2 where that is not the widest. An element is a pair. First, the kernel's fraction of
//! the multiply-add peak: peak and kernel measured in turns, the median of the ratios.

mod lanes;
mod multiply_add;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lanes::{Lanes, WIDTH};
use moe_kernels::{Correlations, CovarianceTable, InstructionSet, Pair, PairKernel, Real, Router};
use multiply_add::fraction_of_peak;
use std::hint::black_box;

type Rho = [Vec<f64>; 6];
type Out = [Vec<f64>; 7];

/// `(k, l)` of the `Φ_{k,l}` that `He_3` takes, and their places in this list.
const INDICES: [(usize, usize); 14] =
    [(0, 0), (0, 2), (1, 1), (0, 4), (1, 3), (2, 2), (0, 6), (1, 5), (2, 4), (3, 3), (1, 7), (2, 6), (3, 5), (4, 4)];
fn place(k: usize, l: usize) -> usize {
    let half = (k + l) / 2;
    half * (half + 1) / 2 + k.min(l) - usize::from(half == 4)
}

fn generic<R: Real>(rho: [R; 6], phi: [R; 14]) -> [R; 7] {
    let pair = Pair::new(&Correlations::from_array(rho), |k, l| phi[place(k, l)].clone());
    let [a, b, c, d, e, f] = pair.gradient(3, 3);
    [pair.value(3, 3), a, b, c, d, e, f]
}

fn scalar(table: &CovarianceTable, rho: &Rho, out: &mut Out) {
    for i in 0..rho[0].len() {
        let phi = INDICES.map(|(k, l)| table.value(k, l, rho[0][i]));
        let results = generic(rho.each_ref().map(|r| r[i]), phi);
        out.iter_mut().zip(results).for_each(|(out, result)| out[i] = result);
    }
}

fn auto(powers: &[Vec<f64>; 14], constant: f64, rho: &Rho, out: &mut Out) {
    for i in (0..rho[0].len()).step_by(WIDTH) {
        let rho = rho.each_ref().map(|r| Lanes(r[i..i + WIDTH].try_into().expect("a multiple of the width")));
        let s = Lanes(rho[0].0.map(|r| 2.0 * r * r - 1.0));
        let phi = std::array::from_fn(|c| {
            let g = powers[c].iter().rev().fold(Lanes([0.0; WIDTH]), |sum, p| sum * &s + Lanes([*p; WIDTH]));
            if INDICES[c].0.is_multiple_of(2) {
                g * &rho[0] + Lanes([if c == 0 { constant } else { 0.0 }; WIDTH])
            } else {
                g
            }
        });
        let results = generic(rho, phi);
        out.iter_mut().zip(results).for_each(|(out, result)| out[i..i + WIDTH].copy_from_slice(&result.0));
    }
}

fn simd(kernel: &PairKernel, rho: &Rho, out: &mut Out) {
    kernel.evaluate(rho.each_ref().map(|r| &r[..]), out.each_mut().map(|o| &mut o[..]));
}

fn pairs(criterion: &mut Criterion) {
    let table = CovarianceTable::new(Router::Sigmoid, 8);
    let (powers, constant) = (INDICES.map(|(k, l)| table.powers(k, l)), table.value(0, 0, 0.0));
    let kernel = PairKernel::new(Router::Sigmoid, 3);
    let narrow = kernel.clone().on(InstructionSet::Avx2).filter(|_| InstructionSet::best() != InstructionSet::Avx2);
    let mut group = criterion.benchmark_group("pairs");
    for n in [64, 1024, 16384] {
        // A Weyl sequence in [−1, 1].
        let rho: Rho = std::array::from_fn(|a| {
            (0..n).map(|i| 2.0 * ((i * 7 + a * 5 + 3) as f64 * 0.618_033_988_749_894_9).fract() - 1.0).collect()
        });
        let zeros: Out = std::array::from_fn(|_| vec![0.0; n]);
        let mut expected = zeros.clone();
        scalar(&table, &rho, &mut expected);
        let mut variant = |name: &str, run: &dyn Fn(&Rho, &mut Out)| {
            let mut out = zeros.clone();
            run(&rho, &mut out);
            for (out, expected) in out.iter().zip(&expected) {
                let scale = expected.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
                assert!(out.iter().zip(expected).all(|(o, e)| (o - e).abs() < 1e-14 * scale), "{name}");
            }
            group.throughput(Throughput::Elements(n as u64));
            group.bench_function(BenchmarkId::new(name, n), |b| b.iter(|| run(black_box(&rho), &mut out)));
        };
        variant("scalar", &|rho, out| scalar(&table, rho, out));
        variant("auto", &|rho, out| auto(&powers, constant, rho, out));
        variant("simd", &|rho, out| simd(&kernel, rho, out));
        if let Some(narrow) = &narrow {
            variant("avx2", &|rho, out| simd(narrow, rho, out));
        }
        if n == 1024 {
            println!("pairs: {} arithmetic instructions and {} bytes a pair", kernel.operations(), 13 * 8);
            for set in [InstructionSet::Avx2, InstructionSet::Avx512] {
                let Some(kernel) = kernel.clone().on(set) else { continue };
                let (operations, mut out) = ((kernel.operations() * n) as f64, zeros.clone());
                let share = fraction_of_peak(set, operations, || simd(&kernel, black_box(&rho), &mut out));
                println!("pairs: {:.0} % of peak on {set}", 100.0 * share.expect("the kernel runs on it"));
            }
        }
    }
}

criterion_group!(benches, pairs);
criterion_main!(benches);

//! How many multiply-adds can one core do? The measured peak that every "fraction of peak" is a fraction of.
//!
//! `peak/fma/<instruction set>`: an element is a floating-point operation, so criterion's `Gelem/s` are GFLOP/s.

mod multiply_add;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use moe_kernels::InstructionSet;
use multiply_add::{CHAINS, chains};
use std::hint::black_box;

const ROUNDS: usize = 10_000;

fn peak(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("peak");
    for set in [InstructionSet::Avx2, InstructionSet::Avx512] {
        let Some((sum, lanes)) = chains(set, ROUNDS, 1.0) else {
            eprintln!("peak/fma/{set}: not available here");
            continue;
        };
        // Each chain starts at zero and counts the rounds.
        assert_eq!(sum, (ROUNDS * CHAINS * lanes) as f64);
        group.throughput(Throughput::Elements((2 * ROUNDS * CHAINS * lanes) as u64));
        group.bench_function(BenchmarkId::new("fma", set), |b| {
            b.iter(|| chains(set, black_box(ROUNDS), black_box(1.0)))
        });
    }
}

criterion_group!(benches, peak);
criterion_main!(benches);

//! Independent chains of fused multiply-adds on one instruction set: nothing else is in the loop, so it runs at the core's peak.

use moe_kernels::InstructionSet;
use pulp::{Scalar, Simd, WithSimd};
use std::hint::black_box;
use std::time::Instant;

/// Independent chains: more than latency times units (4 · 2), and they fit sixteen registers.
pub(crate) const CHAINS: usize = 12;

struct Chains {
    rounds: usize,
    factor: f64,
}

impl WithSimd for Chains {
    type Output = (f64, usize);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let (factor, one) = (simd.splat_f64s(self.factor), simd.splat_f64s(1.0));
        let mut sums = [simd.splat_f64s(0.0); CHAINS];
        for _ in 0..self.rounds {
            for c in 0..CHAINS {
                sums[c] = simd.mul_add_f64s(sums[c], factor, one);
            }
        }
        let mut total = 0.0;
        for c in 0..CHAINS {
            total += simd.reduce_sum_f64s(sums[c]);
        }
        (total, S::F64_LANES)
    }
}

/// `sum ← factor·sum + 1` from zero, `rounds` times in each lane of each chain: the sum of all, and the number of lanes. `None` where the machine lacks the set.
#[inline(never)]
pub(crate) fn chains(set: InstructionSet, rounds: usize, factor: f64) -> Option<(f64, usize)> {
    let chains = Chains { rounds, factor };
    match set {
        InstructionSet::Scalar => Some(Simd::vectorize(Scalar, chains)),
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => pulp::x86::V3::try_new().map(|token| Simd::vectorize(token, chains)),
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => pulp::x86::V4::try_new().map(|token| Simd::vectorize(token, chains)),
        #[cfg(not(target_arch = "x86_64"))]
        _ => None,
    }
}

/// Median over 200 turns of (time of as many multiply-adds at the peak)/(time of `run`, which does so many `operations`); `None` where the machine lacks the set.
// Every bench that names this module compiles it, with or without a use for this.
#[allow(dead_code)]
pub(crate) fn fraction_of_peak(set: InstructionSet, operations: f64, mut run: impl FnMut()) -> Option<f64> {
    const ROUNDS: usize = 4000;
    let mut turn = || {
        let start = Instant::now();
        let (_, lanes) = chains(set, black_box(ROUNDS), black_box(1.0))?;
        let peak = start.elapsed().as_secs_f64() / (ROUNDS * CHAINS * lanes) as f64;
        let start = Instant::now();
        run();
        Some(operations * peak / start.elapsed().as_secs_f64())
    };
    let mut fractions: Vec<f64> = (0..200).map(|_| turn()).collect::<Option<_>>()?;
    fractions.sort_by(f64::total_cmp);
    Some(fractions[100])
}

//! Linear combinations of vectors, elementwise: the stages of an explicit integrator.

use crate::InstructionSet;
use pulp::{Simd, WithSimd};

/// `out_i = base_i + Σ_j c_j x_j[i]` over the terms `(c_j, x_j)`, in their order, each a fused multiply-add: the same bits on every instruction set. One pass over
/// memory, whatever the number of terms.
///
/// ```
/// let mut out = [0.0; 2];
/// moe_kernels::linear_combination(&[1.0, 2.0], &[(0.5, &[4.0, 8.0]), (-1.0, &[1.0, 1.0])], &mut out);
/// assert_eq!(out, [2.0, 5.0]);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn linear_combination(base: &[f64], terms: &[(f64, &[f64])], out: &mut [f64]) {
    assert!(base.len() == out.len() && terms.iter().all(|(_, x)| x.len() == out.len()), "slices of one length");
    let done = InstructionSet::best().dispatch(Combination { base, terms, out });
    debug_assert!(done.is_some(), "the best instruction set is available");
}

struct Combination<'a> {
    base: &'a [f64],
    terms: &'a [(f64, &'a [f64])],
    out: &'a mut [f64],
}

/// Vectors that are in flight together, to hide the latency of the multiply-adds.
const BLOCK: usize = 4;

impl WithSimd for Combination<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { base, terms, out } = self;
        let lanes = BLOCK * S::F64_LANES;
        let whole = out.len() / lanes * lanes;
        let (head, tail) = out.split_at_mut(whole);
        for (block, out) in S::as_mut_simd_f64s(head).0.chunks_exact_mut(BLOCK).enumerate() {
            let range = block * lanes..(block + 1) * lanes;
            let mut sums: [S::f64s; BLOCK] = std::array::from_fn(|i| S::as_simd_f64s(&base[range.clone()]).0[i]);
            for (c, x) in terms {
                let (c, x) = (simd.splat_f64s(*c), S::as_simd_f64s(&x[range.clone()]).0);
                for (sum, x) in sums.iter_mut().zip(x) {
                    *sum = simd.mul_add_f64s(c, *x, *sum);
                }
            }
            out.copy_from_slice(&sums);
        }
        for (i, out) in (whole..).zip(tail) {
            *out = terms.iter().fold(base[i], |sum, (c, x)| c.mul_add(x[i], sum));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every length around the edges of the blocks, every instruction set: the bits of the plain loop.
    #[test]
    fn every_instruction_set_gives_the_plain_loop() {
        for n in [0, 1, 7, 8, 31, 32, 33, 63, 64, 65, 100] {
            let wave = |phase: f64| -> Vec<f64> { (0..n).map(|i| (phase + f64::from(i)).sin()).collect() };
            let (base, x, y) = (wave(0.1), wave(0.2), wave(0.3));
            let terms = [(0.7, &x[..]), (-1.3e-3, &y[..])];
            let plain: Vec<f64> =
                (0..base.len()).map(|i| (-1.3e-3_f64).mul_add(y[i], 0.7_f64.mul_add(x[i], base[i]))).collect();
            for set in InstructionSet::ALL {
                let mut out = vec![f64::NAN; base.len()];
                if set.dispatch(Combination { base: &base, terms: &terms, out: &mut out }).is_some() {
                    assert_eq!(out, plain, "{set}, {n} entries");
                }
            }
        }
    }
}

//! A function applied entry by entry.

use crate::InstructionSet;
use pulp::{Simd, WithSimd};

/// A function of one number with `N` values, on a vector of lanes.
pub(crate) trait Elementwise<const N: usize>: Copy {
    /// Its values at every lane of `x`. Implementations carry `#[inline(always)]`, without which they lose the target features.
    fn lanes<S: Simd>(self, simd: S, x: S::f64s) -> [S::f64s; N];
}

/// `out[i][j]` becomes the value `i` of `function` at `x[j]`: the same bits on every instruction set, at any position and length.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn apply<F: Elementwise<N>, const N: usize>(function: F, x: &[f64], out: [&mut [f64]; N]) {
    assert!(out.iter().all(|out| out.len() == x.len()), "slices of one length");
    let done = InstructionSet::best().dispatch(Map { function, x, out });
    debug_assert!(done.is_some(), "the best instruction set is available");
}

/// The loop of [`apply`].
pub(crate) struct Map<'a, F, const N: usize> {
    pub(crate) function: F,
    pub(crate) x: &'a [f64],
    pub(crate) out: [&'a mut [f64]; N],
}

impl<F: Elementwise<N>, const N: usize> WithSimd for Map<'_, F, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { function, x, mut out } = self;
        let (whole, rest) = S::as_simd_f64s(x);
        let start = x.len() - rest.len();
        for (i, x) in whole.iter().enumerate() {
            let values = function.lanes(simd, *x);
            for n in 0..N {
                S::as_mut_simd_f64s(&mut out[n][..start]).0[i] = values[n];
            }
        }
        if !rest.is_empty() {
            let values = function.lanes(simd, simd.partial_load_f64s(rest));
            for n in 0..N {
                simd.partial_store_f64s(&mut out[n][start..], values[n]);
            }
        }
    }
}

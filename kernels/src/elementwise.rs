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
        let Self { function, x, out } = self;
        let (whole, rest) = S::as_simd_f64s(x);
        let out = out.map(|out| S::as_mut_simd_f64s(out));
        for (i, x) in whole.iter().enumerate() {
            let values = function.lanes(simd, *x);
            for n in 0..N {
                out[n].0[i] = values[n];
            }
        }
        if !rest.is_empty() {
            let values = function.lanes(simd, simd.partial_load_f64s(rest));
            for n in 0..N {
                simd.partial_store_f64s(out[n].1, values[n]);
            }
        }
    }
}

/// What the tests of elementwise functions share.
#[cfg(test)]
pub(crate) mod reference {
    use super::*;
    use dashu_float::FBig;
    use dashu_float::round::mode::HalfEven;

    pub(crate) type Exact = FBig<HalfEven, 2>;

    /// `x`, computed with to 160 bits.
    pub(crate) fn exact(x: f64) -> Exact {
        Exact::try_from(x).unwrap().with_precision(160).value()
    }

    /// The distance of `y` from `exact` in units of the last place of `exact`.
    pub(crate) fn ulps(y: f64, exact: &Exact) -> f64 {
        let size = exact.to_f64().value().abs();
        (self::exact(y) - exact).to_f64().value().abs() / (size.next_up() - size)
    }

    pub(crate) fn values<F: Elementwise<N>, const N: usize>(function: F, x: &[f64]) -> [Vec<f64>; N] {
        let mut out = [const { Vec::new() }; N];
        out.iter_mut().for_each(|out| out.resize(x.len(), 0.0));
        apply(function, x, out.each_mut().map(|out| &mut out[..]));
        out
    }

    /// The same bits on every instruction set, at any position and length.
    pub(crate) fn same_bits<F: Elementwise<N>, const N: usize>(function: F, all: &[f64]) {
        let full = values(function, all);
        for set in InstructionSet::ALL {
            for n in [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 127, 128, 129, all.len()] {
                for start in [0, 1, 5].into_iter().filter(|start| start + n <= all.len()) {
                    let mut out: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; n]);
                    let x = &all[start..start + n];
                    if set.dispatch(Map { function, x, out: out.each_mut().map(|out| &mut out[..]) }).is_none() {
                        continue;
                    }
                    for (part, whole) in out.iter().zip(&full) {
                        for (a, b) in part.iter().zip(&whole[start..]) {
                            assert!(a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(), "{set}, n = {n}");
                        }
                    }
                }
            }
        }
    }
}

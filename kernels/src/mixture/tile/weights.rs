//! The weights of the moments from slots, shares and factors; the formulas are those of the [tile](super).

use super::super::layout::{Plan, RESIDUAL, Share};
use super::workspace::{MixtureWorkspace, TILE, lanes, lanes_mut};
use pulp::Simd;

/// The weight of every moment of a tile: of each coupling the second derivative of `½ r²` by its two slots (of the Gauss–Newton part unless `curved`), then of each slot `r s`, and `r²`; couplings and slots in the order forms, mixed, scalars as
/// [`Gram`](super::super::gram) takes them.
#[inline(always)]
pub(in crate::mixture) fn weigh<S: Simd>(simd: S, plan: &Plan, curved: bool, work: &mut MixtureWorkspace) {
    let vectors = TILE / S::F64_LANES;
    let first = lanes::<S>(&work.first);
    let share = lanes::<S>(&work.share);
    let rows = lanes::<S>(&work.rows);
    let weights = lanes_mut::<S>(&mut work.weights);
    let mut w = 0;
    let r = &rows[RESIDUAL * vectors..(RESIDUAL + 1) * vectors];
    for kind in 0..3 {
        for coupling in &plan.couplings[kind] {
            let [c, e] = coupling.slots;
            let out = &mut weights[w * vectors..(w + 1) * vectors];
            let (s, t) = (&first[c * vectors..(c + 1) * vectors], &first[e * vectors..(e + 1) * vectors]);
            let (p, q) = (&share[c * vectors..(c + 1) * vectors], &share[e * vectors..(e + 1) * vectors]);
            w += 1;
            if !curved {
                for v in 0..vectors {
                    out[v] = simd.mul_f64s(s[v], t[v]);
                }
                continue;
            }
            match (coupling.share, coupling.factor) {
                (Share::None, _) => {
                    for v in 0..vectors {
                        out[v] = simd.mul_f64s(s[v], t[v]);
                    }
                }
                (Share::First, None) => {
                    for v in 0..vectors {
                        out[v] = simd.mul_f64s(t[v], simd.sub_f64s(s[v], p[v]));
                    }
                }
                (Share::First, Some(factor)) => {
                    let factor = &rows[factor * vectors..(factor + 1) * vectors];
                    for v in 0..vectors {
                        let by = simd.add_f64s(simd.sub_f64s(s[v], p[v]), factor[v]);
                        out[v] = simd.mul_f64s(t[v], by);
                    }
                }
                (Share::Both, None) => {
                    for v in 0..vectors {
                        let by = simd.sub_f64s(s[v], p[v]);
                        out[v] = simd.mul_add_f64s(t[v], by, simd.neg_f64s(simd.mul_f64s(q[v], s[v])));
                    }
                }
                (Share::Both, Some(factor)) => {
                    let factor = &rows[factor * vectors..(factor + 1) * vectors];
                    for v in 0..vectors {
                        let by = simd.add_f64s(simd.sub_f64s(s[v], p[v]), factor[v]);
                        out[v] = simd.mul_add_f64s(t[v], by, simd.neg_f64s(simd.mul_f64s(q[v], s[v])));
                    }
                }
            }
            if let Some(term) = coupling.term {
                let term = &rows[term * vectors..(term + 1) * vectors];
                for v in 0..vectors {
                    out[v] = simd.add_f64s(out[v], term[v]);
                }
            }
        }
        let slots = match kind {
            0 => 0..0,
            1 => 0..plan.forms,
            _ => plan.forms..plan.slots.len(),
        };
        for c in slots {
            let out = &mut weights[w * vectors..(w + 1) * vectors];
            let s = &first[c * vectors..(c + 1) * vectors];
            w += 1;
            for v in 0..vectors {
                out[v] = simd.mul_f64s(r[v], s[v]);
            }
        }
    }
    let out = &mut weights[w * vectors..(w + 1) * vectors];
    for v in 0..vectors {
        out[v] = simd.mul_f64s(r[v], r[v]);
    }
}

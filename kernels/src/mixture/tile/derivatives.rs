//! First derivatives by slot, and the factors that the second ones are made of; the formulas are those of the [tile](super).

use super::workspace::{MixtureWorkspace, TILE, row, row_mut};
use super::{Model, Slots};
use crate::Activation;
use pulp::Simd;

/// `first`, `share` and `rows` from the values.
#[inline(always)]
pub(super) fn derivatives<S: Simd>(simd: S, model: Model<'_>, slots: &Slots, work: &mut MixtureWorkspace) {
    let Model { shape, plan, .. } = model;
    let vectors = TILE / S::F64_LANES;
    let (groups, plain) = (shape.groups.len(), shape.is_plain());
    let linear = shape.router == Activation::Linear;
    let cold = simd.splat_f64s(1.0 / slots.tau);
    let [h, slope, curve, act, act_slope] = &work.expert;
    let [z, route_slope, route_curve] = &work.logit;
    // The residuals are the first row, the others follow.
    let (r, rows) = work.rows.split_at_mut(TILE);
    let (value, y) = (row::<S>(&work.value, 0), row::<S>(&work.y, 0));
    let r = row_mut::<S>(r, 0);
    for v in 0..vectors {
        r[v] = simd.sub_f64s(value[v], y[v]);
    }
    let r = &*r;
    for a in 0..groups {
        if let Some(c) = slots.outer[a] {
            let (s, p) = (row_mut::<S>(&mut work.first, c), row_mut::<S>(&mut work.share, c));
            let (g, mean) = (row::<S>(&work.outer, a), row::<S>(&work.mean, a));
            for v in 0..vectors {
                s[v] = simd.mul_f64s(g[v], simd.sub_f64s(mean[v], value[v]));
                p[v] = simd.mul_f64s(r[v], g[v]);
            }
        }
    }
    let after = |row: usize| row - 1;
    if let Some(c) = slots.temperature {
        let zero = simd.splat_f64s(0.0);
        row_mut::<S>(&mut work.first, c).fill(zero);
        row_mut::<S>(&mut work.share, c).fill(zero);
        row_mut::<S>(rows, after(plan.rows.own + c)).fill(zero);
    }
    for i in 0..plan.group.len() {
        let a = plan.group[i];
        let g = row::<S>(&work.inner, i);
        let (h, mean) = (row::<S>(h, i), row::<S>(&work.mean, a));
        // π, in the row that the softmax has no use for any more.
        let pi = row_mut::<S>(&mut work.total, 0);
        if groups > 1 {
            let outer = row::<S>(&work.outer, a);
            for v in 0..vectors {
                pi[v] = simd.mul_f64s(outer[v], g[v]);
            }
        } else {
            pi.copy_from_slice(g);
        }
        let pi = &*pi;
        if let (true, Some(c)) = (plain, slots.gate[i]) {
            let (s, p) = (row_mut::<S>(&mut work.first, c), row_mut::<S>(&mut work.share, c));
            for v in 0..vectors {
                s[v] = simd.mul_f64s(pi[v], simd.sub_f64s(h[v], mean[v]));
                p[v] = simd.mul_f64s(r[v], g[v]);
            }
        }
        if !plain {
            // s by the logit.
            let by_logit = row_mut::<S>(&mut work.top, 0);
            for v in 0..vectors {
                by_logit[v] = simd.mul_f64s(pi[v], simd.sub_f64s(h[v], mean[v]));
            }
            let by_logit = &*by_logit;
            let (route_slope, route_curve) = (row::<S>(route_slope, i), row::<S>(route_curve, i));
            for (c, is_slope) in [(slots.gate[i], true), (slots.intercept[i], false)] {
                let Some(c) = c else { continue };
                let routed = is_slope && !linear;
                let (s, p) = (row_mut::<S>(&mut work.first, c), row_mut::<S>(&mut work.share, c));
                for v in 0..vectors {
                    let slope = if routed { route_slope[v] } else { cold };
                    s[v] = simd.mul_f64s(by_logit[v], slope);
                    p[v] = simd.mul_f64s(simd.mul_f64s(r[v], g[v]), slope);
                }
                let factor = row_mut::<S>(rows, after(plan.rows.slope(c)));
                for v in 0..vectors {
                    factor[v] = simd.mul_f64s(r[v], if routed { route_slope[v] } else { cold });
                }
                let own = row_mut::<S>(rows, after(plan.rows.own + c));
                for v in 0..vectors {
                    let curve = if routed { route_curve[v] } else { simd.splat_f64s(0.0) };
                    own[v] = simd.mul_f64s(r[v], simd.mul_f64s(by_logit[v], curve));
                }
            }
            if let Some(c) = slots.temperature {
                let (s, p) = (row_mut::<S>(&mut work.first, c), row_mut::<S>(&mut work.share, c));
                let z = row::<S>(z, i);
                let t = |v: usize| simd.neg_f64s(simd.mul_f64s(z[v], cold));
                for v in 0..vectors {
                    s[v] = simd.mul_add_f64s(by_logit[v], t(v), s[v]);
                    p[v] = simd.mul_add_f64s(simd.mul_f64s(r[v], g[v]), t(v), p[v]);
                }
                let own = row_mut::<S>(rows, after(plan.rows.own + c));
                for v in 0..vectors {
                    let heated = simd.mul_f64s(simd.mul_f64s(r[v], by_logit[v]), t(v));
                    let bend = simd.sub_f64s(t(v), simd.add_f64s(cold, cold));
                    own[v] = simd.mul_add_f64s(heated, bend, own[v]);
                }
                let cooled = row_mut::<S>(rows, after(plan.rows.cooled + i));
                for v in 0..vectors {
                    cooled[v] = simd.mul_f64s(r[v], simd.sub_f64s(t(v), cold));
                }
                let heat = row_mut::<S>(rows, after(plan.rows.heat + i));
                for v in 0..vectors {
                    heat[v] = simd.mul_f64s(r[v], t(v));
                }
            }
        }
        let (slope, curve) = (row::<S>(slope, i), row::<S>(curve, i));
        let s = row_mut::<S>(&mut work.first, slots.expert[i]);
        let bend = row_mut::<S>(rows, after(plan.rows.bend + i));
        for v in 0..vectors {
            s[v] = simd.mul_f64s(pi[v], slope[v]);
            bend[v] = simd.mul_f64s(simd.mul_f64s(r[v], pi[v]), curve[v]);
        }
        if let Some(c) = slots.weight[i] {
            let (act, act_slope) = (row::<S>(act, i), row::<S>(act_slope, i));
            let s = row_mut::<S>(&mut work.first, c);
            let lift = row_mut::<S>(rows, after(plan.rows.lift + i));
            for v in 0..vectors {
                s[v] = simd.mul_f64s(pi[v], act[v]);
                lift[v] = simd.mul_f64s(simd.mul_f64s(r[v], pi[v]), act_slope[v]);
            }
        }
    }
}

//! `K_{p,p}` and its six first partial derivatives for a batch of correlations, vectorised.
//!
//! # The formula for a batch (derived here, from that of [`Pair`](crate::Pair))
//!
//! Collect the contractions between experts and routers in one quadratic form. With
//!
//! ```text
//! q(x, y) = (ρ13 x + ρ23 y)(ρ14 x + ρ24 y) = q2 x² + q1 xy + q0 y²,
//! q2 = ρ13 ρ14,   q1 = ρ13 ρ24 + ρ23 ρ14,   q0 = ρ23 ρ24,
//! ```
//!
//! and the linear functional `L[x^k y^l] = Φ_{k,l}(ρ12)`, the sum over `s, t, u, v` at fixed `r = p − N` is a binomial theorem:
//!
//! ```text
//! K = Σ_N w_N ρ34^{p−N} L[q^N],     w_N = p!²/((p−N)! N!²).
//! ```
//!
//! So `K` depends on `ρ12, ρ34` and the three coefficients of `q` only, and with `D_i = L[x^i y^{2−i} q^{N−1}]` Euler's identity gives value and
//! partials from the same three sums:
//!
//! ```text
//! ∂L[q^N]/∂q_i = N D_i,     L[q^N] = q2 D2 + q1 D1 + q0 D0,     ∂L[q^N]/∂ρ12 = L[xy q^N]  (Price),
//! ∂/∂ρ13 = ρ14 ∂/∂q2 + ρ24 ∂/∂q1,  ∂/∂ρ14 = ρ13 ∂/∂q2 + ρ23 ∂/∂q1,  ∂/∂ρ23 = ρ24 ∂/∂q0 + ρ14 ∂/∂q1,  ∂/∂ρ24 = ρ23 ∂/∂q0 + ρ13 ∂/∂q1.
//! ```
//!
//! What costs is `Φ`: for `p = 3`, fourteen polynomials of degree 10 to 17 in `2ρ12² − 1`. They run as independent Horner chains,
//! seven at a time, which hides the latency of the multiply-add and fits sixteen registers.

use crate::{CovarianceTable, InstructionSet, MAX_ORDER, Router};
use pulp::{Simd, WithSimd};

/// How many polynomials are evaluated side by side: enough independent chains to hide the latency of the multiply-add, few enough for sixteen
/// registers, and no small remainder for any order.
const fn chains(p: usize) -> usize {
    match p {
        1 => 5,
        2 => 9,
        _ => 7,
    }
}

/// The vectorised pair expectation of one router and one Hermite order.
///
/// Elementwise and in one fixed order of fused operations, so results are bit-identical on every instruction set and do not depend on the position in
/// the batch. Against [`Pair`](crate::Pair) in `f64`: within `2e-14 Σ|terms|` of the formula (tested).
///
/// ```
/// use moe_kernels::{PairKernel, Router};
/// let kernel = PairKernel::new(Router::Sigmoid, 3);
/// // Two coincident pairs with v ⟂ w: E f² = 3 − 6 A_1.
/// let rho = [[1.0], [0.0], [0.0], [0.0], [0.0], [1.0]];
/// let mut out = [[0.0]; 7];
/// kernel.evaluate(rho.each_ref().map(|r| &r[..]), out.each_mut().map(|o| &mut o[..]));
/// assert!((out[0][0] - 1.7602742151).abs() < 1e-9);
/// ```
#[derive(Clone, Debug)]
pub struct PairKernel {
    order: usize,
    instructions: InstructionSet,
    /// `A_0²`, the constant of `Φ_{0,0}`.
    constant: f64,
    /// One matrix for each group of [`chains`] polynomials (the last group may be smaller): descending powers × polynomials.
    groups: Vec<Vec<f64>>,
}

/// Arithmetic instructions in the compiled loop besides those of Horner's rule, for `p = 1, …, 6`, as counted in its disassembly; the same for AVX2 and
/// AVX-512. (What the source says is a few more: the compiler drops products with 1 and shares equal ones.)
const BESIDES_HORNER: [usize; MAX_ORDER] = [31, 66, 113, 174, 246, 330];

/// How many `Φ_{k,l}` a kernel of order `p` needs: `k + l = 2N ≤ 2p` with `k ≤ l`, and `k + l = 2p + 2` with `k ≥ 1`.
const fn count(p: usize) -> usize {
    (p + 1) * (p + 2) / 2 + p + 1
}

/// Place of `Φ_{k,2n−k}` in that list.
#[inline(always)]
fn place<const P: usize>(n: usize, k: usize) -> usize {
    let k = if k <= n { k } else { 2 * n - k };
    n * (n + 1) / 2 + k - (n > P) as usize
}

/// Whether the `Φ_{k,2n−k}` at each place is odd in `ρ12`, that is `ρ12` times its polynomial: where `k` is even.
const fn odd_in_rho<const P: usize, const C: usize>() -> [bool; C] {
    let mut odd = [false; C];
    let (mut n, mut c) = (0, 0);
    while n <= P + 1 {
        let mut k = (n > P) as usize;
        while k <= n {
            odd[c] = k.is_multiple_of(2);
            c += 1;
            k += 1;
        }
        n += 1;
    }
    odd
}

impl PairKernel {
    /// The kernel for experts `He_order` on the widest instruction set of this machine.
    ///
    /// # Panics
    /// If `order` is not in `1..=`[`MAX_ORDER`].
    pub fn new(router: Router, order: usize) -> Self {
        assert!((1..=MAX_ORDER).contains(&order), "Hermite orders are 1 to {MAX_ORDER}");
        let table = CovarianceTable::new(router, 2 * order + 2);
        let mut polynomials = Vec::new();
        for n in 0..=order + 1 {
            for k in (n > order) as usize..=n {
                polynomials.push(table.powers(k, 2 * n - k));
            }
        }
        debug_assert_eq!(polynomials.len(), count(order));
        let groups = polynomials
            .chunks(chains(order))
            .map(|group| {
                let terms = group.iter().map(Vec::len).max().unwrap_or(0);
                (0..terms)
                    .rev()
                    .flat_map(|power| group.iter().map(move |p| p.get(power).copied().unwrap_or(0.0)))
                    .collect()
            })
            .collect();
        Self { order, instructions: InstructionSet::best(), constant: table.constant(0, 0), groups }
    }

    /// The same kernel on another instruction set; `None` where this machine lacks it.
    pub fn on(mut self, instructions: InstructionSet) -> Option<Self> {
        self.instructions = instructions;
        instructions.is_available().then_some(self)
    }

    /// Arithmetic instructions (fused multiply-adds, multiplications, additions) that one pair costs in a lane, the padding of Horner's rule included: the
    /// count behind the fraction of peak that the benchmarks state, where each is one slot of the multiply-add unit.
    pub fn operations(&self) -> usize {
        let horner = self.groups.iter().map(Vec::len).sum::<usize>() - count(self.order);
        horner + BESIDES_HORNER[self.order - 1]
    }

    /// The Hermite order `p`.
    pub fn order(&self) -> usize {
        self.order
    }

    /// `K_{p,p}` and its partials by `ρ12, ρ13, ρ14, ρ23, ρ24, ρ34`, in this order, for each index of the six arrays of correlations.
    ///
    /// Correlations must lie in `[−1, 1]`; outside, the result is that of the continued polynomials. A NaN stays in its own place.
    ///
    /// # Panics
    /// If the thirteen slices differ in length.
    pub fn evaluate(&self, rho: [&[f64]; 6], out: [&mut [f64]; 7]) {
        let length = rho[0].len();
        assert!(rho.iter().all(|r| r.len() == length) && out.iter().all(|o| o.len() == length), "slices of one length");
        let kernel = self;
        let ran = match self.order {
            1 => self.instructions.dispatch(Batch::<1, { count(1) }> { kernel, rho, out }),
            2 => self.instructions.dispatch(Batch::<2, { count(2) }> { kernel, rho, out }),
            3 => self.instructions.dispatch(Batch::<3, { count(3) }> { kernel, rho, out }),
            4 => self.instructions.dispatch(Batch::<4, { count(4) }> { kernel, rho, out }),
            5 => self.instructions.dispatch(Batch::<5, { count(5) }> { kernel, rho, out }),
            _ => self.instructions.dispatch(Batch::<6, { count(6) }> { kernel, rho, out }),
        };
        debug_assert!(ran.is_some(), "the instruction set was checked when the kernel was made");
    }
}

struct Batch<'a, const P: usize, const C: usize> {
    kernel: &'a PairKernel,
    rho: [&'a [f64]; 6],
    out: [&'a mut [f64]; 7],
}

impl<const P: usize, const C: usize> WithSimd for Batch<'_, P, C> {
    type Output = ();

    // Loops instead of `map` and iterator adaptors from here on: a closure that is not inlined loses the target features.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { kernel, rho, out } = self;
        let [r0, r1, r2, r3, r4, r5] = rho;
        let (h0, t0) = S::as_simd_f64s(r0);
        let (h1, t1) = S::as_simd_f64s(r1);
        let (h2, t2) = S::as_simd_f64s(r2);
        let (h3, t3) = S::as_simd_f64s(r3);
        let (h4, t4) = S::as_simd_f64s(r4);
        let (h5, t5) = S::as_simd_f64s(r5);
        let [o0, o1, o2, o3, o4, o5, o6] = out;
        let (g0, u0) = S::as_mut_simd_f64s(o0);
        let (g1, u1) = S::as_mut_simd_f64s(o1);
        let (g2, u2) = S::as_mut_simd_f64s(o2);
        let (g3, u3) = S::as_mut_simd_f64s(o3);
        let (g4, u4) = S::as_mut_simd_f64s(o4);
        let (g5, u5) = S::as_mut_simd_f64s(o5);
        let (g6, u6) = S::as_mut_simd_f64s(o6);
        // One length for all, known to the compiler: no bounds checks below.
        let n = h0.len();
        let (h1, h2, h3, h4, h5) = (&h1[..n], &h2[..n], &h3[..n], &h4[..n], &h5[..n]);
        let (g0, g1, g2, g3) = (&mut g0[..n], &mut g1[..n], &mut g2[..n], &mut g3[..n]);
        let (g4, g5, g6) = (&mut g4[..n], &mut g5[..n], &mut g6[..n]);
        for i in 0..n {
            let rho = [h0[i], h1[i], h2[i], h3[i], h4[i], h5[i]];
            [g0[i], g1[i], g2[i], g3[i], g4[i], g5[i], g6[i]] = pair::<S, P, C>(simd, kernel, rho);
        }
        if !t0.is_empty() {
            let load = [t0, t1, t2, t3, t4, t5];
            let mut rho = [simd.splat_f64s(0.0); 6];
            for a in 0..6 {
                rho[a] = simd.partial_load_f64s(load[a]);
            }
            let results = pair::<S, P, C>(simd, kernel, rho);
            let store = [u0, u1, u2, u3, u4, u5, u6];
            for o in 0..7 {
                simd.partial_store_f64s(store[o], results[o]);
            }
        }
    }
}

/// Value and partials for one vector of pairs.
#[inline(always)]
fn pair<S: Simd, const P: usize, const C: usize>(simd: S, kernel: &PairKernel, rho: [S::f64s; 6]) -> [S::f64s; 7] {
    let square = simd.mul_f64s(rho[0], rho[0]);
    let x = simd.sub_f64s(simd.add_f64s(square, square), simd.splat_f64s(1.0));
    let mut phi = [x; C];
    // P is a constant: one of these arms is compiled.
    match P {
        1 => horner::<S, P, C, 5>(simd, &kernel.groups[0], [rho[0], x], &mut phi, 0),
        2 => horner::<S, P, C, 9>(simd, &kernel.groups[0], [rho[0], x], &mut phi, 0),
        3 => {
            horner::<S, P, C, 7>(simd, &kernel.groups[0], [rho[0], x], &mut phi, 0);
            horner::<S, P, C, 7>(simd, &kernel.groups[1], [rho[0], x], &mut phi, 7);
        }
        4 => {
            horner::<S, P, C, 7>(simd, &kernel.groups[0], [rho[0], x], &mut phi, 0);
            horner::<S, P, C, 7>(simd, &kernel.groups[1], [rho[0], x], &mut phi, 7);
            horner::<S, P, C, 6>(simd, &kernel.groups[2], [rho[0], x], &mut phi, 14);
        }
        5 => {
            horner::<S, P, C, 7>(simd, &kernel.groups[0], [rho[0], x], &mut phi, 0);
            horner::<S, P, C, 7>(simd, &kernel.groups[1], [rho[0], x], &mut phi, 7);
            horner::<S, P, C, 7>(simd, &kernel.groups[2], [rho[0], x], &mut phi, 14);
            horner::<S, P, C, 6>(simd, &kernel.groups[3], [rho[0], x], &mut phi, 21);
        }
        _ => {
            horner::<S, P, C, 7>(simd, &kernel.groups[0], [rho[0], x], &mut phi, 0);
            horner::<S, P, C, 7>(simd, &kernel.groups[1], [rho[0], x], &mut phi, 7);
            horner::<S, P, C, 7>(simd, &kernel.groups[2], [rho[0], x], &mut phi, 14);
            horner::<S, P, C, 7>(simd, &kernel.groups[3], [rho[0], x], &mut phi, 21);
            horner::<S, P, C, 7>(simd, &kernel.groups[4], [rho[0], x], &mut phi, 28);
        }
    }
    phi[0] = simd.add_f64s(phi[0], simd.splat_f64s(kernel.constant));
    contract::<S, P, C>(simd, &phi, &rho)
}

/// `W` of the `Φ` from place `start` on, all but the constant, by Horner's rule; `coefficients` is descending powers × polynomials.
#[inline(always)]
fn horner<S: Simd, const P: usize, const C: usize, const W: usize>(
    simd: S,
    coefficients: &[f64],
    [rho, x]: [S::f64s; 2],
    phi: &mut [S::f64s; C],
    start: usize,
) {
    let (rows, _) = coefficients.as_chunks::<W>();
    let mut sums = [simd.splat_f64s(0.0); W];
    for w in 0..W {
        sums[w] = simd.splat_f64s(rows[0][w]);
    }
    for row in &rows[1..] {
        for w in 0..W {
            sums[w] = simd.mul_add_f64s(sums[w], x, simd.splat_f64s(row[w]));
        }
    }
    let odd = const { odd_in_rho::<P, C>() };
    for w in 0..W {
        phi[start + w] = if odd[start + w] { simd.mul_f64s(rho, sums[w]) } else { sums[w] };
    }
}

/// `K` and its six partials from the `Φ`, by the formula of the module's documentation.
#[inline(always)]
fn contract<S: Simd, const P: usize, const C: usize>(simd: S, phi: &[S::f64s; C], rho: &[S::f64s; 6]) -> [S::f64s; 7] {
    let [_, r13, r14, r23, r24, r34] = *rho;
    let q2 = simd.mul_f64s(r13, r14);
    let q1 = simd.mul_add_f64s(r13, r24, simd.mul_f64s(r23, r14));
    let q0 = simd.mul_f64s(r23, r24);
    let mut powers = [simd.splat_f64s(1.0); MAX_ORDER + 1];
    for e in 1..=P {
        powers[e] = if e == 1 { r34 } else { simd.mul_f64s(powers[e - 1], r34) };
    }
    // N = 0
    let zero = simd.splat_f64s(0.0);
    let d1 = phi[place::<P>(1, 1)];
    let top = simd.mul_f64s(simd.splat_f64s(const { weight(P, 0) }), powers[P]);
    let slope = simd.mul_f64s(simd.splat_f64s(const { weight(P, 0) * P as f64 }), powers[P - 1]);
    let mut sums = Sums {
        powers,
        q: [q0, q1, q2],
        form: [zero; 2 * MAX_ORDER + 1],
        d1,
        value: simd.mul_f64s(top, phi[0]),
        by12: simd.mul_f64s(top, d1),
        by34: simd.mul_f64s(slope, phi[0]),
        by_q: [zero; 3],
    };
    sums.form[0] = simd.splat_f64s(1.0);
    // Spelt out, not a loop: with N a constant the compiler unrolls everything inside.
    term::<S, P, C, 1>(simd, phi, &mut sums);
    term::<S, P, C, 2>(simd, phi, &mut sums);
    term::<S, P, C, 3>(simd, phi, &mut sums);
    term::<S, P, C, 4>(simd, phi, &mut sums);
    term::<S, P, C, 5>(simd, phi, &mut sums);
    term::<S, P, C, 6>(simd, phi, &mut sums);
    let [by0, by1, by2] = sums.by_q;
    [
        sums.value,
        sums.by12,
        simd.mul_add_f64s(r14, by2, simd.mul_f64s(r24, by1)),
        simd.mul_add_f64s(r13, by2, simd.mul_f64s(r23, by1)),
        simd.mul_add_f64s(r24, by0, simd.mul_f64s(r14, by1)),
        simd.mul_add_f64s(r23, by0, simd.mul_f64s(r13, by1)),
        sums.by34,
    ]
}

/// What the terms `N = 1, …, p` share and add to.
struct Sums<S: Simd> {
    /// `ρ34^e`.
    powers: [S::f64s; MAX_ORDER + 1],
    /// `q0, q1, q2`.
    q: [S::f64s; 3],
    /// Coefficients of `q^{N−1}`, ascending in `x`.
    form: [S::f64s; 2 * MAX_ORDER + 1],
    /// `D_1 = L[xy q^{N−1}]`.
    d1: S::f64s,
    value: S::f64s,
    by12: S::f64s,
    by34: S::f64s,
    /// `∂K/∂q0, ∂K/∂q1, ∂K/∂q2`.
    by_q: [S::f64s; 3],
}

/// Adds the term of `q^N` and raises the form to `q^N`.
#[inline(always)]
fn term<S: Simd, const P: usize, const C: usize, const N: usize>(simd: S, phi: &[S::f64s; C], sums: &mut Sums<S>) {
    if N > P {
        return;
    }
    let c = &mut sums.form;
    let [q0, q1, q2] = sums.q;
    let top = 2 * N - 2;
    let mut d2 = simd.mul_f64s(c[0], phi[place::<P>(N, 2)]);
    let mut d0 = simd.mul_f64s(c[0], phi[place::<P>(N, 0)]);
    for k in 1..2 * N - 1 {
        d2 = simd.mul_add_f64s(c[k], phi[place::<P>(N, k + 2)], d2);
        d0 = simd.mul_add_f64s(c[k], phi[place::<P>(N, k)], d0);
    }
    let d1 = sums.d1;
    let euler = simd.mul_add_f64s(q2, d2, simd.mul_add_f64s(q1, d1, simd.mul_f64s(q0, d0)));
    let weight = const { weight(P, N) };
    let factor = simd.mul_f64s(simd.splat_f64s(weight), sums.powers[P - N]);
    sums.value = simd.mul_add_f64s(factor, euler, sums.value);
    if N < P {
        let slope = simd.mul_f64s(simd.splat_f64s(weight * (P - N) as f64), sums.powers[P - N - 1]);
        sums.by34 = simd.mul_add_f64s(slope, euler, sums.by34);
    }
    let scaled = simd.mul_f64s(factor, simd.splat_f64s(N as f64));
    sums.by_q[0] = simd.mul_add_f64s(scaled, d0, sums.by_q[0]);
    sums.by_q[1] = simd.mul_add_f64s(scaled, d1, sums.by_q[1]);
    sums.by_q[2] = simd.mul_add_f64s(scaled, d2, sums.by_q[2]);

    // q^N = (q2 x² + q1 xy + q0 y²) q^{N−1}, highest power first, so that it can be done in place.
    c[2 * N] = simd.mul_f64s(q2, c[top]);
    c[2 * N - 1] = simd.mul_f64s(q1, c[top]);
    if N > 1 {
        c[2 * N - 1] = simd.mul_add_f64s(q2, c[top - 1], c[2 * N - 1]);
    }
    for k in (0..2 * N - 1).rev() {
        let mut next = simd.mul_f64s(q0, c[k]);
        if k >= 1 {
            next = simd.mul_add_f64s(q1, c[k - 1], next);
        }
        if k >= 2 {
            next = simd.mul_add_f64s(q2, c[k - 2], next);
        }
        c[k] = next;
    }
    // L[xy q^N], which is also the next D_1; Φ_{k,l} = Φ_{l,k} folds the two halves of the form.
    let mut raised = simd.mul_f64s(c[N], phi[place::<P>(N + 1, N + 1)]);
    for k in 0..N {
        raised = simd.mul_add_f64s(simd.add_f64s(c[k], c[2 * N - k]), phi[place::<P>(N + 1, k + 1)], raised);
    }
    sums.by12 = simd.mul_add_f64s(factor, raised, sums.by12);
    sums.d1 = raised;
}

/// `w_N = p!²/((p−N)! N!²) = C(p,N) p!/N!`.
const fn weight(p: usize, n: usize) -> f64 {
    let (mut w, mut i) = (1, 0);
    while i + n < p {
        // C(p, i) and (p−i) run together: Π (p−i)²/(i+1) over the p − N factors missing from N!.
        w = w * (p - i) * (p - i) / (i + 1);
        i += 1;
    }
    w as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Correlations, Pair};

    /// A deterministic sequence in [−1, 1] (a Weyl sequence), the ends and zero included.
    fn correlations(n: usize) -> [Vec<f64>; 6] {
        std::array::from_fn(|a| {
            (0..n)
                .map(|i| match i % 13 {
                    0 => [1.0, 0.0, -1.0, 0.5, 1.0, -1.0][(a + i / 13) % 6],
                    _ => 2.0 * ((i * 7 + a * 5 + 3) as f64 * 0.618_033_988_749_894_9).fract() - 1.0,
                })
                .collect()
        })
    }

    fn run(kernel: &PairKernel, rho: &[Vec<f64>; 6]) -> [Vec<f64>; 7] {
        let mut out: [Vec<f64>; 7] = std::array::from_fn(|_| vec![f64::NAN; rho[0].len()]);
        kernel.evaluate(rho.each_ref().map(|r| &r[..]), out.each_mut().map(|o| &mut o[..]));
        out
    }

    /// Every router and order against the generic formula, relative to the largest absolute value of each output on [−1, 1]⁶.
    #[test]
    fn agrees_with_the_generic_formula() {
        let rho = correlations(200);
        for router in Router::ALL {
            for order in 1..=MAX_ORDER {
                let table = CovarianceTable::new(router, 2 * order + 2);
                let out = run(&PairKernel::new(router, order), &rho);
                let expected: Vec<[f64; 7]> = (0..rho[0].len())
                    .map(|i| {
                        let at = rho.each_ref().map(|r| r[i]);
                        let pair = Pair::new(&Correlations::from_array(at), |k, l| table.value(k, l, at[0]));
                        let g = pair.gradient(order, order);
                        [pair.value(order, order), g[0], g[1], g[2], g[3], g[4], g[5]]
                    })
                    .collect();
                for (o, results) in out.iter().enumerate() {
                    let scale = expected.iter().fold(0.0_f64, |m, e| m.max(e[o].abs()));
                    for (result, expected) in results.iter().zip(&expected) {
                        assert!((result - expected[o]).abs() < 1e-14 * scale, "{router} p = {order}, output {o}");
                    }
                }
            }
        }
    }

    /// The same bits on every instruction set this machine has, at every length around the lane edges.
    #[test]
    fn bits_do_not_depend_on_the_instruction_set_or_the_length() {
        let all = correlations(129);
        for order in 1..=MAX_ORDER {
            let kernel = PairKernel::new(Router::Sigmoid, order);
            let full = run(&kernel, &all);
            for set in InstructionSet::ALL {
                let Some(kernel) = kernel.clone().on(set) else {
                    eprintln!("{set} is not available here");
                    continue;
                };
                for n in [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 127, 128, 129] {
                    let out = run(&kernel, &all.each_ref().map(|r| r[..n].to_vec()));
                    for (part, whole) in out.iter().zip(&full) {
                        for (a, b) in part.iter().zip(whole) {
                            assert_eq!(a.to_bits(), b.to_bits(), "{set}, p = {order}, n = {n}");
                        }
                    }
                }
            }
        }
    }

    /// A NaN spoils its own place and no other.
    #[test]
    fn nan_stays_in_its_place() {
        let mut rho = correlations(20);
        rho[0][6] = f64::NAN;
        for out in run(&PairKernel::new(Router::Sigmoid, 3), &rho) {
            for (i, result) in out.iter().enumerate() {
                assert_eq!(result.is_nan(), i == 6);
            }
        }
    }
}

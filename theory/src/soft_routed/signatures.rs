//! States that training gets stuck in, named.

use super::OrderParameters;
use moe_kernels::{PairKernel, Router, sum};

/// A recognised failure of a trained student.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signature {
    /// Two students whose experts are anti-aligned and whose outputs cancel: together they contribute almost nothing, and while they last they learn
    /// no teacher (theory X6).
    Dipole {
        /// One student.
        student: usize,
        /// The other.
        other: usize,
        /// `½E(f_i + f_k)²`, against `½E f_i²` of 0.88 for one redundant sigmoid expert of order 3.
        loss: f64,
    },
    /// Two students that share one teacher at overlaps near 0.9156 each, the state in which a redundant student that woke up leaves a learned one
    /// (theory X6).
    StraddlingPair {
        /// One student.
        student: usize,
        /// The other.
        other: usize,
        /// The teacher.
        teacher: usize,
    },
}

impl Signature {
    /// The name used in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dipole { .. } => "dipole",
            Self::StraddlingPair { .. } => "straddling-pair",
        }
    }
}

/// Overlap beyond which two experts count as anti-aligned.
const ANTI_ALIGNED: f64 = -0.9;
/// Share of the single students' loss below which a pair counts as cancelled.
const CANCELLED: f64 = 0.1;
/// Overlaps of a straddling pair: around 0.9156, apart from both a learned expert and a dormant one.
const STRADDLING: [f64; 2] = [0.88, 0.95];

/// The signatures of a state, for experts `He_order`.
pub fn signatures(state: &OrderParameters, router: Router, order: usize) -> Vec<Signature> {
    let kernel = PairKernel::new(router, order);
    let mut found = Vec::new();
    for (student, other, overlap) in state.student_pairs() {
        if overlap < ANTI_ALIGNED {
            let [own, cross] = pair_losses(&kernel, state, student, other);
            if own + cross < CANCELLED * own {
                found.push(Signature::Dipole { student, other, loss: own + cross });
            }
        }
        let straddles = |i: usize, j: usize| (STRADDLING[0]..=STRADDLING[1]).contains(&state.expert(i, j));
        let shared = (0..state.teachers()).find(|&j| straddles(student, j) && straddles(other, j));
        found.extend(shared.map(|teacher| Signature::StraddlingPair { student, other, teacher }));
    }
    found
}

/// `½E f_i² + ½E f_k²` and `E f_i f_k`.
fn pair_losses(kernel: &PairKernel, state: &OrderParameters, i: usize, k: usize) -> [f64; 2] {
    let (si, sk) = (state.own(i), state.own(k));
    let rho = [
        [1.0, 1.0, state.student_router(i, k)],
        [si, sk, si],
        [si, sk, state.router_expert(i, k)],
        [si, sk, state.router_expert(k, i)],
        [si, sk, sk],
        [1.0, 1.0, state.student(i, k)],
    ];
    let mut out = [[0.0; 3]; 7];
    kernel.evaluate(rho.each_ref().map(|r| &r[..]), out.each_mut().map(|o| &mut o[..]));
    [0.5 * sum(&out[0][..2]), out[0][2]]
}

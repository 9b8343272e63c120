//! The instruction sets a kernel can run on, chosen once at run time.

use pulp::{Scalar, Simd, WithSimd};
use std::{fmt, sync::OnceLock};

/// An instruction set with a kernel of its own. Results do not depend on the choice, to the bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
    /// One lane, any machine. Slow where the machine lacks a fused multiply-add.
    Scalar,
    /// Four lanes, AVX2 and FMA.
    Avx2,
    /// Eight lanes, AVX-512 (F, BW, CD, DQ, VL).
    Avx512,
}

impl InstructionSet {
    /// All of them, narrowest first.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512];

    /// The widest one that this machine has.
    pub fn best() -> Self {
        static BEST: OnceLock<InstructionSet> = OnceLock::new();
        *BEST.get_or_init(|| Self::ALL.into_iter().rev().find(|set| set.is_available()).unwrap_or(Self::Scalar))
    }

    /// Whether this machine can run it.
    pub fn is_available(self) -> bool {
        struct Nothing;
        impl WithSimd for Nothing {
            type Output = ();
            fn with_simd<S: Simd>(self, _: S) {}
        }
        self.dispatch(Nothing).is_some()
    }

    /// Runs `kernel` on this instruction set; `None` where the machine lacks it.
    pub(crate) fn dispatch<K: WithSimd>(self, kernel: K) -> Option<K::Output> {
        match self {
            Self::Scalar => Some(Simd::vectorize(Scalar, kernel)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => pulp::x86::V3::try_new().map(|token| Simd::vectorize(token, kernel)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => pulp::x86::V4::try_new().map(|token| Simd::vectorize(token, kernel)),
            #[cfg(not(target_arch = "x86_64"))]
            _ => None,
        }
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "AVX2",
            Self::Avx512 => "AVX-512",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The choice is one the machine can run; printed, so that a log tells which kernels were tested.
    #[test]
    fn dispatched_instruction_set_is_available() {
        eprintln!("dispatched instruction set: {}", InstructionSet::best());
        assert!(InstructionSet::best().is_available());
        assert!(InstructionSet::Scalar.is_available());
    }
}

//! Closed forms and SIMD kernels on plain slices; this floor knows no model.
//!
//! # Notation
//!
//! | symbol | meaning |
//! |---|---|
//! | `π` | router function: sigmoid, tanh or Gaussian cumulative distribution ([`Router`]) |
//! | `He_p` | probabilists' Hermite polynomial, `He_3(a) = a³ − 3a` |
//! | `A_n` | `E[π⁽ⁿ⁾(Z)] = E[π(Z) He_n(Z)]`, `Z ~ N(0,1)`; `a_n = A_n/√n!` ([`HermiteCoefficients`]) |
//! | `Φ_{k,l}(ρ)` | `E[π⁽ᵏ⁾(X) π⁽ˡ⁾(Y)]`, `X, Y` standard normal with correlation `ρ` ([`CovarianceTable`]) |
//! | `X1, X2, X3, X4` | `v·x, v'·x, w·x, w'·x` for two router/expert pairs `(v, w)`, `(v', w')` and `x ~ N(0, I)` |
//! | `ρ_ab` | correlation of `X_a` and `X_b` ([`Correlations`]) |
//! | `K^{(k,l)}_{p,q}` | `E[π⁽ᵏ⁾(X1) π⁽ˡ⁾(X2) He_p(X3) He_q(X4)]` ([`Pair`], and [`PairKernel`] for batches of `K^{(0,0)}_{p,p}`) |
//! | `A_n, B_n` with variance and mean | `E[π⁽ⁿ⁾(m + √a Z)]`, `E[h⁽ⁿ⁾(m + √c Z)]` for `h = Σ_p a_p He_p` ([`UnitMoments`], [`GeneralPair`]) |
//!
//! Everything is `f64` unless a formula is generic over [`Real`]. Formulas that a proof needs are written once over
//! `Real`; the SIMD batch of the same formula stands beside it, is tested against it, and is evidence only.

mod activation;
mod batch;
mod combination;
mod covariance;
mod dual;
mod elementary;
mod elementwise;
mod general;
mod hermite;
mod legendre;
mod mixture;
mod normal;
mod overlap;
mod pair;
mod real;
mod router;
mod simd;
mod sum;

pub use activation::Activation;
pub use batch::PairKernel;
pub use combination::linear_combination;
pub use covariance::{CovarianceTable, MAX_TOTAL};
pub use dual::Dual;
pub use elementary::{exp, sigmoid, softplus, tanh};
pub use general::{ExpertCoefficients, GeneralPair, GeneralPartials, OwnPartials, UnitMoments};
pub use hermite::{HermiteCoefficients, Router};
pub use legendre::gauss_legendre;
pub use mixture::{MAX_ATOMS, MixtureKernel, MixtureLayout, MixtureMoments, MixtureShape, MixtureWorkspace};
pub use normal::{gelu, normal_cdf};
pub use overlap::{combine, cross_gram, gram_lower};
pub use pair::{Correlations, MAX_ORDER, Pair, Partial};
pub use real::Real;
pub use router::router_values;
pub use simd::InstructionSet;
pub use sum::{sum, weighted_sum};

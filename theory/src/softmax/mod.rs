//! Least squares in softmax-gated mixtures of experts, the model of arXiv 2503.03213.
//!
//! ```text
//! Y = f_G*(X) + ε,    f_G(x) = Σ_i softmax_i(ω_iᵀx + β_i) h(x, η_i),    G = Σ_i e^{β_i} δ_{(ω_i, η_i)}
//! ```
//!
//! | symbol | meaning | in code |
//! |---|---|---|
//! | `ω_i, β_i` | slope and intercept of the gate | `omega`, `beta` |
//! | `η_i = (a_i, b_i, λ_i)` | expert `λ act(aᵀx + b)` (`λ = 1` where there is no outer weight) | `a`, `b`, `lambda` |
//! | `τ` | temperature of a dense-to-sparse gate, `softmax_i((r(ω_iᵀx) + β_i)/τ)` | `tau` |
//! | `α_a, β_a` | outer gate of group `a` of a hierarchical gate | `alpha`, `beta` of a [`Group`] |
//! | `G` | mixing measure | [`MixingMeasure`] |

mod arrangement;
mod ball;
mod coordinates;
mod data;
mod distance;
mod estimator;
mod expansion;
mod fit_bounds;
mod generated;
mod local;
mod model;
mod orthogonal;
mod parameter;
mod problem;
mod scaling;
mod search;
mod spec;
mod spool;
mod translation;
mod trust_region;
mod voronoi;
mod written;

pub use coordinates::Coordinates;
pub use data::{Chunk, ROWS, Sample, SampleBuilder, Source};
pub use distance::Cubature;
pub use estimator::{Bounds, Estimator, Fit, Reason, Tolerance};
pub use fit_bounds::WrittenBounds;
pub use generated::{Generated, Inputs, Law, LawError, Noise};
pub use local::{LocalConstant, LocalError, local_constant};
pub use model::{Architecture, Atom, Gate, Group, MixingMeasure};
pub use parameter::{Parameter, Place, Role};
pub use problem::{Held, Problem};
pub use scaling::{Column, Scaling, columns};
pub use spec::{FitSpec, FitSpecError, GateKind};
pub use spool::{Spool, SpoolBuilder};
pub use voronoi::{Power, Translation, Voronoi, VoronoiError, voronoi};
pub use written::WrittenMeasure;

//! The soft-routed student-teacher model of arXiv 2510.07205.
//!
//! ```text
//! x ~ N(0, I_d),  f(θ, x) = Σ_{i≤m} π(v̄_iᵀx) He_p(w̄_iᵀx),  f*(x) the same with m* teacher units,  L(θ) = ½ E (f − f*)²
//! ```
//!
//! Weights are normalised inside the model (`v̄ = v/‖v‖`), so `L` depends on the overlaps of the unit vectors only.
//!
//! | symbol | meaning | in code |
//! |---|---|---|
//! | `v_i, w_i` | router and expert of student `i` | `routers`, `experts` |
//! | `v*_j, w*_j` | router and expert of teacher `j` | |
//! | `κ_ij = w̄_i·w*_j` | expert overlap | `expert` |
//! | `β_ij = v̄_i·v*_j` | router overlap | `router` |
//! | `u_ik = w̄_i·w̄_k` | student overlap | `student` |
//! | `s_i = v̄_i·w̄_i` | router-expert overlap | `own` |

mod assembly;
mod bisector;
mod crossings;
mod deflation;
mod degree;
mod effective_sgd;
mod explicit;
mod flow;
mod general;
mod hessian;
mod initial;
mod inputs;
mod integrator;
mod law;
mod model;
mod newton;
mod order;
mod outside;
mod passage;
mod perturbed;
mod population;
mod reduction;
mod removal;
mod samples;
mod sgd;
mod signatures;
mod spec;

pub use bisector::Bisector;
pub use crossings::{Event, Watch};
pub use deflation::{Claim, deflation_with_dipoles, greedy_deflation};
pub use effective_sgd::EffectiveSgd;
pub use flow::{EventKind, Flow, FlowError, Monitor, Stop, Summary, Trajectory};
pub use general::{GeneralLoss, single};
pub use hessian::Hessian;
pub use initial::{InitialError, InitialLaw, MAX_DIMENSION, MAX_UNITS};
pub use inputs::{GaussianComponent, Inputs, two_level_start};
pub use integrator::{IntegratorError, Method};
pub use law::{alignment_rate, alignment_time, alignment_time_of_sum};
pub use model::{ModelError, NORMS, Place, StudentTeacher, Weights};
pub use order::OrderParameters;
pub use perturbed::{TeacherOverlaps, overlapping_alignment_time, turn_share};
pub use population::PopulationLoss;
pub use reduction::Start;
pub use removal::{Pruned, Removal};
pub use sgd::{MAX_FULL_DIMENSION, OnlineSgd, SgdError, make_orthogonal};
pub use signatures::{Signature, Symptoms, Thresholds};
pub use spec::{Spec, SpecError, Units};

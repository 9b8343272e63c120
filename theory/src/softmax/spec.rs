//! The spec of a fit that users write, as data; reading files is the caller's business.

use std::io;

use moe_kernels::{Activation, MAX_ATOMS};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::{
    Architecture, Gate, MixingMeasure, Power, Tolerance, VoronoiError, WrittenBounds, WrittenMeasure, voronoi,
};
use crate::whole_number::{whole, whole_usize};

/// A class of mixtures, a box, and where to start: least squares as a user asks for it. Unknown keys are errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitSpec {
    /// The gate; softmax unless given.
    #[serde(default)]
    pub gate: GateKind,
    /// The router of a dense-to-sparse gate; linear unless given.
    #[serde(default, deserialize_with = "router")]
    pub router: Option<Activation>,
    /// The activation of the experts.
    pub expert: ExpertKind,
    /// Number of experts, in each group where the gate is hierarchical.
    #[serde(deserialize_with = "whole_usize")]
    pub experts: usize,
    /// Number of groups of a hierarchical gate.
    #[serde(default, deserialize_with = "whole")]
    pub groups: Option<u64>,
    /// Degree of polynomial experts, 1 to 16.
    #[serde(default, deserialize_with = "whole")]
    pub degree: Option<u64>,
    /// Whether experts carry an outer weight `λ`; false unless given.
    #[serde(default)]
    pub outer_weight: bool,
    /// The box; see [`WrittenBounds`].
    #[serde(rename = "box")]
    pub bounds: Option<WrittenBounds>,
    /// Where to start.
    pub start: Option<WrittenMeasure>,
    /// How many random starts; 16 unless given, or a start is.
    #[serde(default, deserialize_with = "whole")]
    pub starts: Option<u64>,
    /// Seed of the random starts; 0 unless given.
    #[serde(default, deserialize_with = "whole")]
    pub seed: Option<u64>,
    /// Share of the sum of squares that a whole Newton step may still promise at the end; 1e-12 unless given.
    pub tolerance: Option<f64>,
    /// What the fit is compared with.
    pub truth: Option<WrittenMeasure>,
}

/// The kind of gate in a spec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// [`Gate::Softmax`].
    #[default]
    Softmax,
    /// [`Gate::DenseToSparse`].
    DenseToSparse,
    /// [`Gate::Hierarchical`].
    Hierarchical,
}

/// The kind of expert in a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpertKind {
    /// `act(aᵀx + b)`.
    Activated(Activation),
    /// `(aᵀx + b)^degree`.
    Polynomial,
}

/// What is wrong with a spec that could be read, or with data for it.
#[derive(Debug, Error)]
pub enum FitSpecError {
    /// A key that its companions ask for.
    #[error("{key} is missing; it is needed with {needed}")]
    Missing {
        /// The key.
        key: String,
        /// What asks for it.
        needed: &'static str,
    },
    /// A key without what it belongs to.
    #[error("{key} is given; it belongs to {owner}")]
    Astray {
        /// The key.
        key: String,
        /// What it belongs to.
        owner: &'static str,
    },
    /// A number outside its range.
    #[error("{key} is {}; {allowed}", shown(*.found))]
    Range {
        /// The key.
        key: String,
        /// The number.
        found: f64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A lower bound above its upper one.
    #[error("{key} is [{lower}, {upper}]; the lower bound, first, must not be above the upper one")]
    Reversed {
        /// The key.
        key: String,
        /// The lower bound.
        lower: f64,
        /// The upper bound.
        upper: f64,
    },
    /// Slopes of another dimension than the data.
    #[error("{key} has {found} numbers; the data have x1 to x{inputs}, so {inputs} are needed")]
    Length {
        /// The key.
        key: String,
        /// How many numbers it has.
        found: usize,
        /// How many inputs there are.
        inputs: usize,
    },
    /// An array without entries.
    #[error("{key} is empty; at least one entry is needed")]
    Empty {
        /// The key.
        key: String,
    },
    /// A start of another size than the class.
    #[error("start has {found} atoms; {expected} are needed")]
    Size {
        /// Atoms, by group where there are several.
        found: String,
        /// The same of the class.
        expected: String,
    },
    /// A start whose last slope is not 0 under a router that sees it.
    #[error(
        "start: omega of the last atom is not 0; it is pinned to 0, and under a router that is not linear no translation takes it there"
    )]
    Pinned,
    /// A start outside of the box.
    #[error("start: {parameter} is {found}{units}; the box allows {lower} to {upper}")]
    Outside {
        /// The parameter's path, after `omega` and `beta` of the last atom are taken to 0.
        parameter: String,
        /// Its value.
        found: f64,
        /// The lower bound.
        lower: f64,
        /// The upper bound.
        upper: f64,
        /// In which units.
        units: &'static str,
    },
    /// Fewer rows than parameters.
    #[error("{found} rows, at least {needed} are needed: one a parameter")]
    Rows {
        /// Rows of the data.
        found: usize,
        /// Parameters of the class.
        needed: usize,
    },
    /// A column of numbers whose squares, and those of its products, come near to underflow.
    #[error("column {column}: found numbers of root mean square {found:e}, allowed is 0 or at least 1e-50")]
    Small {
        /// The column.
        column: String,
        /// The root mean square of its numbers.
        found: f64,
    },
    /// A truth that nothing can be compared with.
    #[error("truth: {0}")]
    Truth(VoronoiError),
    /// Reading or writing the data failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A number in a message, without hundreds of zeros.
fn shown(found: f64) -> String {
    if found.abs() < 1e16 { found.to_string() } else { format!("{found:e}") }
}

/// Random starts unless a spec says otherwise.
const DEFAULT_STARTS: u64 = 16;
/// Largest number of random starts.
const MAX_STARTS: u64 = 100_000;

impl FitSpec {
    /// The class of mixtures of `dimension` inputs.
    ///
    /// # Errors
    /// Every [`FitSpecError`] that needs no data, as far as it is not about `start` and `truth`.
    pub fn class(&self, dimension: usize) -> Result<Architecture, FitSpecError> {
        let range = |key: &str, found: f64, allowed| Err(FitSpecError::Range { key: key.into(), found, allowed });
        let astray = |key: &str, owner| Err(FitSpecError::Astray { key: key.into(), owner });
        let missing = |key: &str, needed| FitSpecError::Missing { key: key.into(), needed };
        let gate = match self.gate {
            GateKind::DenseToSparse => Gate::DenseToSparse(self.router.unwrap_or(Activation::Linear)),
            _ if self.router.is_some() => return astray("router", "gate = \"dense-to-sparse\""),
            GateKind::Softmax => Gate::Softmax,
            GateKind::Hierarchical => Gate::Hierarchical,
        };
        let groups = match (gate, self.groups) {
            (Gate::Hierarchical, groups) => groups.ok_or_else(|| missing("groups", "gate = \"hierarchical\""))?,
            (_, Some(_)) => return astray("groups", "gate = \"hierarchical\""),
            (_, None) => 1,
        };
        let activation = match (self.expert, self.degree) {
            (ExpertKind::Polynomial, None) => return Err(missing("degree", "expert = \"polynomial\"")),
            (ExpertKind::Polynomial, Some(degree @ 1..=16)) => Activation::Power(degree as u32),
            (ExpertKind::Polynomial, Some(degree)) => return range("degree", degree as f64, "1 to 16 is allowed"),
            (ExpertKind::Activated(_), Some(_)) => return astray("degree", "expert = \"polynomial\""),
            (ExpertKind::Activated(activation), None) => activation,
        };
        let groups = usize::try_from(groups).unwrap_or(usize::MAX);
        for (key, count) in [("groups", groups), ("experts", self.experts)] {
            if !(1..=MAX_ATOMS).contains(&count) {
                return range(key, count as f64, "1 to 16 is allowed");
            }
        }
        if groups * self.experts > MAX_ATOMS {
            return range("groups × experts", (groups * self.experts) as f64, "at most 16 is allowed");
        }
        if let Some(bounds) = &self.bounds {
            bounds.check(gate, self.outer_weight)?;
        }
        match (&self.start, self.starts) {
            (Some(_), Some(_)) => return astray("starts", "a spec without start"),
            (_, Some(found)) if !(1..=MAX_STARTS).contains(&found) => {
                return range("starts", found as f64, "1 to 100000 is allowed");
            }
            _ => {}
        }
        match self.tolerance {
            Some(found) if !(1e-16..=1e-2).contains(&found) => {
                return range("tolerance", found, "1e-16 to 1e-2 is allowed");
            }
            _ => {}
        }
        Ok(Architecture {
            dimension,
            gate,
            sizes: vec![self.experts; groups],
            activation,
            outer_weight: self.outer_weight,
        })
    }

    /// The start of the spec, in the units of the data.
    ///
    /// # Errors
    /// Every [`FitSpecError`] that needs no data.
    pub fn start(&self, class: &Architecture) -> Result<Option<MixingMeasure>, FitSpecError> {
        let Some(written) = &self.start else { return Ok(None) };
        let start = written.measure("start", class)?;
        let sizes: Vec<usize> = start.groups.iter().map(|group| group.atoms.len()).collect();
        if sizes != class.sizes {
            let show = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" + ");
            return Err(FitSpecError::Size { found: show(&sizes), expected: show(&class.sizes) });
        }
        let last = start.groups.last().and_then(|group| group.atoms.last());
        let curved = matches!(class.gate, Gate::DenseToSparse(router) if router != Activation::Linear);
        if curved && last.is_some_and(|last| last.omega.iter().any(|omega| *omega != 0.0)) {
            return Err(FitSpecError::Pinned);
        }
        Ok(Some(start))
    }

    /// The truth of the spec; its numbers of atoms are its own.
    ///
    /// # Errors
    /// Every [`FitSpecError`] that needs no data.
    pub fn truth(&self, class: &Architecture) -> Result<Option<MixingMeasure>, FitSpecError> {
        let Some(written) = &self.truth else { return Ok(None) };
        let truth = written.measure("truth", class)?;
        // What no mixture can be compared with shows in the comparison with itself.
        voronoi(class, &truth, &truth, Power::L1).map_err(FitSpecError::Truth)?;
        Ok(Some(truth))
    }

    /// How many random starts there are.
    pub fn starts(&self) -> usize {
        self.starts.unwrap_or(DEFAULT_STARTS) as usize
    }

    /// When to stop.
    pub fn tolerance(&self) -> Tolerance {
        let default = Tolerance::default();
        Tolerance { decrease: self.tolerance.unwrap_or(default.decrease), ..default }
    }
}

const NAMES: [&str; 5] = ["linear", "sigmoid", "tanh", "gelu", "relu"];

fn activation(name: &str) -> Option<Activation> {
    use Activation::{Gelu, Linear, Relu, Sigmoid, Tanh};
    let place = NAMES.iter().position(|known| *known == name)?;
    Some([Linear, Sigmoid, Tanh, Gelu, Relu][place])
}

fn router<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Activation>, D::Error> {
    let name = String::deserialize(deserializer)?;
    activation(&name).map(Some).ok_or_else(|| D::Error::unknown_variant(&name, &NAMES))
}

impl<'de> Deserialize<'de> for ExpertKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == "polynomial" {
            return Ok(Self::Polynomial);
        }
        let known = &["linear", "polynomial", "sigmoid", "tanh", "gelu", "relu"];
        activation(&name).map(Self::Activated).ok_or_else(|| D::Error::unknown_variant(&name, known))
    }
}

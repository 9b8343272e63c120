//! The box of a fit: as a user writes it down, and by default.

use moe_kernels::Activation;
use serde::Deserialize;

use super::{Bounds, Column, Coordinates, FitSpecError, Gate, Role};

/// Half the width of a default box.
const HALF_WIDTH: f64 = 10.0;
/// The default box of a temperature.
const TEMPERATURE: [f64; 2] = [0.1, 10.0];
/// Largest size of a bound: products of two parameters and their squares stay far from overflow.
const LARGEST: f64 = 1e50;

/// A box in a spec: `[lower, upper]` for all parameters of a name, in the units of the data.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenBounds {
    /// Slopes of the outer gate.
    pub alpha: Option<[f64; 2]>,
    /// Slopes of the gate.
    pub omega: Option<[f64; 2]>,
    /// Intercepts of the gate and of the outer gate.
    pub beta: Option<[f64; 2]>,
    /// Slopes of the experts.
    pub a: Option<[f64; 2]>,
    /// Intercepts of the experts.
    pub b: Option<[f64; 2]>,
    /// Outer weights of the experts.
    pub lambda: Option<[f64; 2]>,
    /// Temperature.
    pub tau: Option<[f64; 2]>,
}

impl WrittenBounds {
    pub(super) fn check(&self, gate: Gate, outer_weight: bool) -> Result<(), FitSpecError> {
        let [hierarchical, cooled] = [gate == Gate::Hierarchical, matches!(gate, Gate::DenseToSparse(_))];
        for (name, bounds, belongs, owner) in [
            ("alpha", self.alpha, hierarchical, "gate = \"hierarchical\""),
            ("omega", self.omega, true, ""),
            ("beta", self.beta, true, ""),
            ("a", self.a, true, ""),
            ("b", self.b, true, ""),
            ("lambda", self.lambda, outer_weight, "outer_weight = true"),
            ("tau", self.tau, cooled, "gate = \"dense-to-sparse\""),
        ] {
            let Some([lower, upper]) = bounds else { continue };
            let key = format!("box.{name}");
            if !belongs {
                return Err(FitSpecError::Astray { key, owner });
            }
            for (i, found) in [lower, upper].into_iter().enumerate() {
                if !(-LARGEST..=LARGEST).contains(&found) {
                    let allowed = "a finite number, at most 1e50 in size, is allowed";
                    return Err(FitSpecError::Range { key: format!("{key}[{i}]"), found, allowed });
                }
            }
            if lower > upper {
                return Err(FitSpecError::Reversed { key, lower, upper });
            }
            if name == "tau" && lower <= 0.0 {
                let allowed = "a positive number is allowed";
                return Err(FitSpecError::Range { key: format!("{key}[0]"), found: lower, allowed });
            }
        }
        Ok(())
    }

    /// The box, in the units of the data: names that are not given have ±10, slopes ±10 standard deviations of their column (0 where it is constant), `τ` [0.1, 10].
    pub(super) fn bounds(&self, coordinates: &Coordinates, inputs: &[Column]) -> Bounds {
        let slope = |u: usize| if inputs[u].sd > 0.0 { around(0.0, HALF_WIDTH / inputs[u].sd) } else { [0.0; 2] };
        by_role(coordinates, |role| match role {
            Role::Alpha(u) => self.alpha.unwrap_or_else(|| slope(u)),
            Role::Omega(u) => self.omega.unwrap_or_else(|| slope(u)),
            Role::A(u) => self.a.unwrap_or_else(|| slope(u)),
            Role::Beta => self.beta.unwrap_or(around(0.0, HALF_WIDTH)),
            Role::B => self.b.unwrap_or(around(0.0, HALF_WIDTH)),
            Role::Lambda => self.lambda.unwrap_or(around(0.0, HALF_WIDTH)),
            Role::Tau => self.tau.unwrap_or(TEMPERATURE),
        })
    }
}

/// The part of a default box in which mixtures are of the size of `y`, where that is far below what they are in the box: GELU experts with `ρ < 0.03` have `a` and `b` within ±10 ρ. (From there on the least of the shares of the box from which starts are drawn reaches them.)
pub(super) fn of_size(coordinates: &Coordinates, bounds: &Bounds, response: Column) -> Option<Bounds> {
    let (class, size) = (coordinates.class(), response.mean.hypot(response.sd));
    if class.activation != Activation::Gelu || class.outer_weight || size <= 0.0 || size >= 0.03 {
        return None;
    }
    let mut part = bounds.clone();
    for (i, parameter) in coordinates.described().iter().enumerate() {
        if matches!(parameter.role, Role::A(_) | Role::B) {
            (part.lower[i], part.upper[i]) = (size * bounds.lower[i], size * bounds.upper[i]);
        }
    }
    Some(part)
}

/// The box of inputs that are standardised (those of experts under every gate), where no box is given. Gates: ±10, `τ` [0.1, 10]. Experts, with `s` the standard deviation of `y` and `ρ = √(mean y²)` (each 1 if it is 0):
///
/// | experts | `a` | `b` | `λ` |
/// |---|---|---|---|
/// | `λ act(aᵀz + b)` | ±10 | ±10 | ±10 ρ |
/// | linear | ±10 s | mean of y ± 10 s | |
/// | polynomial of degree `p` | ±10 ρ^{1/p} | the same | |
/// | ReLU | ±10 ρ | ±10 ρ | |
/// | GELU | ±10 max(1, ρ) | the same | |
/// | sigmoid, tanh | ±10 | ±10 | |
///
/// A bounded activation has its shape in units of its own; what is homogeneous (ReLU, and GELU at large arguments) has the units of `y`. Slopes of constant columns are held at 0. Where GELU experts have `ρ < 0.03`, every second random start is drawn from [`of_size`].
pub(super) fn standard(coordinates: &Coordinates, inputs: &[Column], response: Column) -> Bounds {
    let or_one = |scale: f64| if scale > 0.0 { scale } else { 1.0 };
    let size = or_one(response.mean.hypot(response.sd));
    let spread = if response.sd > 0.0 { response.sd } else { size };
    let class = coordinates.class();
    let (slopes, intercepts) = if class.outer_weight {
        (around(0.0, HALF_WIDTH), around(0.0, HALF_WIDTH))
    } else {
        let alike = |scale: f64| (around(0.0, HALF_WIDTH * scale), around(0.0, HALF_WIDTH * scale));
        match class.activation {
            Activation::Linear => (around(0.0, HALF_WIDTH * spread), around(response.mean, HALF_WIDTH * spread)),
            Activation::Power(degree) => alike(size.powf(1.0 / f64::from(degree))),
            Activation::Relu => alike(size),
            Activation::Gelu => alike(size.max(1.0)),
            Activation::Sigmoid | Activation::Tanh => alike(1.0),
        }
    };
    let slope = |u: usize, bounds: [f64; 2]| if inputs[u].sd > 0.0 { bounds } else { [0.0; 2] };
    by_role(coordinates, |role| match role {
        Role::Alpha(u) | Role::Omega(u) => slope(u, around(0.0, HALF_WIDTH)),
        Role::A(u) => slope(u, slopes),
        Role::B => intercepts,
        Role::Beta => around(0.0, HALF_WIDTH),
        Role::Lambda => around(0.0, HALF_WIDTH * size),
        Role::Tau => TEMPERATURE,
    })
}

fn around(centre: f64, half_width: f64) -> [f64; 2] {
    [centre - half_width, centre + half_width]
}

fn by_role(coordinates: &Coordinates, of: impl Fn(Role) -> [f64; 2]) -> Bounds {
    let (lower, upper) =
        coordinates.described().iter().map(|parameter| of(parameter.role)).map(|[low, high]| (low, high)).unzip();
    Bounds { lower, upper }
}

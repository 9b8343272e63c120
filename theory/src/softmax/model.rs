//! Classes of mixtures and their members.

use moe_kernels::Activation;

/// The kind of gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// `softmax_i(ω_iᵀx + β_i)`.
    Softmax,
    /// `softmax_i((r(ω_iᵀx) + β_i)/τ)` with the router `r` and a temperature `τ > 0` that is a parameter too.
    DenseToSparse(Activation),
    /// `softmax_a(α_aᵀx + β_a) softmax_{b|a}(ω_abᵀx + β_ab)`.
    Hierarchical,
}

/// A class of mixtures: all mixing measures of these sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// `d`, the number of inputs.
    pub dimension: usize,
    /// The gate.
    pub gate: Gate,
    /// Atoms in each group; one group unless the gate is hierarchical.
    pub sizes: Vec<usize>,
    /// `act` of the experts.
    pub activation: Activation,
    /// Whether experts carry an outer weight `λ`.
    pub outer_weight: bool,
}

impl Architecture {
    /// Whether the functions of the class have no kinks in their parameters: neither experts nor router are ReLU.
    pub fn is_smooth(&self) -> bool {
        self.activation != Activation::Relu && self.gate != Gate::DenseToSparse(Activation::Relu)
    }
}

/// One atom of a mixing measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    /// Slope of the gate, `d` numbers.
    pub omega: Vec<f64>,
    /// Intercept of the gate; the atom's weight is `e^β` (`e^{β/τ}` with a temperature).
    pub beta: f64,
    /// Slope of the expert, `d` numbers.
    pub a: Vec<f64>,
    /// Intercept of the expert.
    pub b: f64,
    /// Outer weight of the expert; 1 where the class has none.
    pub lambda: f64,
}

/// Atoms under one outer gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Slope of the outer gate, `d` numbers; 0 in a flat mixture.
    pub alpha: Vec<f64>,
    /// Intercept of the outer gate; 0 in a flat mixture.
    pub beta: f64,
    /// The leaves.
    pub atoms: Vec<Atom>,
}

/// A mixing measure `G`, with the temperature where the gate has one.
#[derive(Clone, Debug, PartialEq)]
pub struct MixingMeasure {
    /// The groups; one in a flat mixture.
    pub groups: Vec<Group>,
    /// `τ`; 1 where the gate has none.
    pub tau: f64,
}

impl MixingMeasure {
    /// A flat mixture.
    ///
    /// # Panics
    /// If there is no atom.
    pub fn flat(atoms: Vec<Atom>, tau: f64) -> Self {
        let dimension = atoms.first().expect("an atom").omega.len();
        Self { groups: vec![Group { alpha: vec![0.0; dimension], beta: 0.0, atoms }], tau }
    }

    /// All atoms, group by group.
    pub fn atoms(&self) -> impl Iterator<Item = &Atom> {
        self.groups.iter().flat_map(|group| &group.atoms)
    }

    /// `f_G(x)` by the definition, one point at a time: the reference of the vectorised kernel.
    ///
    /// ```
    /// use moe_kernels::Activation;
    /// use moe_theory::softmax::{Architecture, Atom, Gate, MixingMeasure};
    /// let atom = |omega, beta, b| Atom { omega: vec![omega], beta, a: vec![0.0], b, lambda: 1.0 };
    /// let measure = MixingMeasure::flat(vec![atom(1.0, 0.0, 2.0), atom(0.0, 0.0, -2.0)], 1.0);
    /// let class = Architecture { dimension: 1, gate: Gate::Softmax, sizes: vec![2], activation: Activation::Linear, outer_weight: false };
    /// // Weights e^{ln 3} : 1.
    /// assert!((measure.value(&class, &[3.0_f64.ln()]) - 1.0).abs() < 1e-15);
    /// ```
    pub fn value(&self, class: &Architecture, x: &[f64]) -> f64 {
        let router = match class.gate {
            Gate::DenseToSparse(router) => router,
            Gate::Softmax | Gate::Hierarchical => Activation::Linear,
        };
        let inside = |group: &Group| {
            average(group.atoms.iter().map(|atom| {
                let logit = (router.derivatives(dot(&atom.omega, x))[0] + atom.beta) / self.tau;
                (logit, atom.lambda * class.activation.derivatives(dot(&atom.a, x) + atom.b)[0])
            }))
        };
        average(self.groups.iter().map(|group| (dot(&group.alpha, x) + group.beta, inside(group))))
    }
}

fn dot(a: &[f64], x: &[f64]) -> f64 {
    a.iter().zip(x).map(|(a, x)| a * x).sum()
}

/// `Σ_i softmax_i(z) h_i` of pairs `(z_i, h_i)`.
fn average(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let top = pairs.clone().fold(f64::NEG_INFINITY, |top, (z, _)| top.max(z));
    let (total, weighted) = pairs.fold((0.0, 0.0), |(total, weighted), (z, h)| {
        let weight = (z - top).exp();
        (total + weight, weighted + weight * h)
    });
    weighted / total
}

//! Mixing measures as vectors of parameters.

use moe_kernels::{Activation, MixtureKernel, MixtureLayout, MixtureShape};

use super::{Architecture, Atom, Gate, Group, MixingMeasure};

/// The coordinates of a class of mixtures: what is invariant under a common translation of a softmax's `(ω, β)` is pinned to 0 at the last atom (of every group, and at the last group).
///
/// A router that is not linear sees a common slope: with `last_slope` its last gate keeps the slope as a parameter, and only the intercept is pinned.
#[derive(Clone, Debug)]
pub struct Coordinates {
    class: Architecture,
    kernel: MixtureKernel,
    layout: MixtureLayout,
}

impl Coordinates {
    /// # Panics
    /// If the class has more than [`moe_kernels::MAX_ATOMS`] atoms, an empty group, or several groups under a gate that is not hierarchical.
    pub fn new(class: &Architecture, last_slope: bool) -> Self {
        let router = match class.gate {
            Gate::DenseToSparse(router) => router,
            Gate::Softmax | Gate::Hierarchical => Activation::Linear,
        };
        assert!(class.sizes.len() == 1 || class.gate == Gate::Hierarchical, "groups belong to a hierarchical gate");
        let shape = MixtureShape {
            dimension: class.dimension,
            groups: class.sizes.clone(),
            router,
            temperature: matches!(class.gate, Gate::DenseToSparse(_)),
            activation: class.activation,
            outer_weight: class.outer_weight,
            last_slope,
        };
        let layout = shape.layout();
        Self { class: class.clone(), kernel: MixtureKernel::new(shape), layout }
    }

    /// The class.
    pub fn class(&self) -> &Architecture {
        &self.class
    }

    /// The kernel whose parameters these are.
    pub fn kernel(&self) -> &MixtureKernel {
        &self.kernel
    }

    /// Where each parameter stands.
    pub fn layout(&self) -> &MixtureLayout {
        &self.layout
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.layout.parameters
    }

    /// The parameters of a measure, translated to its last atoms. `None` where a router that is not linear has a last slope that should be 0: no translation removes it.
    ///
    /// # Panics
    /// If the measure is not of the class.
    pub fn parameters(&self, measure: &MixingMeasure) -> Option<Vec<f64>> {
        let d = self.class.dimension;
        let sizes: Vec<usize> = measure.groups.iter().map(|group| group.atoms.len()).collect();
        assert_eq!(sizes, self.class.sizes, "a measure of the class");
        let linear = self.kernel.shape().router == Activation::Linear;
        let mut theta = vec![0.0; self.count()];
        let mut put = |first: Option<usize>, values: &[f64], origin: &[f64]| {
            if let Some(first) = first {
                for (u, value) in values.iter().enumerate() {
                    theta[first + u] = value - origin.get(u).copied().unwrap_or(0.0);
                }
            }
        };
        let last_group = measure.groups.last().expect("a group");
        let mut i = 0;
        for (group, outer) in measure.groups.iter().zip(&self.layout.outer) {
            put(*outer, &group.alpha, &last_group.alpha);
            put(outer.map(|first| first + d), &[group.beta], &[last_group.beta]);
            let last = group.atoms.last().expect("an atom");
            let origin: &[f64] = if linear { &last.omega } else { &[] };
            if !linear && self.layout.slope[i + group.atoms.len() - 1].is_none() && last.omega.iter().any(|w| *w != 0.0)
            {
                return None;
            }
            for atom in &group.atoms {
                put(self.layout.slope[i], &atom.omega, origin);
                put(self.layout.intercept[i], &[atom.beta], &[last.beta]);
                put(Some(self.layout.expert[i]), &atom.a, &[]);
                put(Some(self.layout.expert[i] + d), &[atom.b], &[]);
                put(self.layout.weight[i], &[atom.lambda], &[]);
                i += 1;
            }
        }
        put(self.layout.temperature, &[measure.tau], &[]);
        Some(theta)
    }

    /// The measure with these parameters.
    ///
    /// # Panics
    /// If their number is not [`count`](Self::count).
    pub fn measure(&self, theta: &[f64]) -> MixingMeasure {
        assert_eq!(theta.len(), self.count(), "one number a parameter");
        let d = self.class.dimension;
        let slopes = |first: Option<usize>| first.map_or(vec![0.0; d], |first| theta[first..first + d].to_vec());
        let at = |place: Option<usize>, other: f64| place.map_or(other, |place| theta[place]);
        let mut i = 0;
        let groups = self.class.sizes.iter().zip(&self.layout.outer).map(|(size, outer)| {
            let atoms = (i..i + size).map(|i| Atom {
                omega: slopes(self.layout.slope[i]),
                beta: at(self.layout.intercept[i], 0.0),
                a: slopes(Some(self.layout.expert[i])),
                b: theta[self.layout.expert[i] + d],
                lambda: at(self.layout.weight[i], 1.0),
            });
            let group =
                Group { alpha: slopes(*outer), beta: at(outer.map(|first| first + d), 0.0), atoms: atoms.collect() };
            i += size;
            group
        });
        MixingMeasure { groups: groups.collect(), tau: at(self.layout.temperature, 1.0) }
    }
}

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
    /// `m`, see [`centred`](Coordinates::centred).
    centre: Vec<f64>,
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
        Self { class: class.clone(), kernel: MixtureKernel::new(shape), layout, centre: vec![0.0; class.dimension] }
    }

    /// The same with intercepts of the experts at `x = m`: the coordinate is `b' = b + aᵀm` of `act(aᵀx + b) = act(aᵀ(x − m) + b')`. Where `m` is the mean of the inputs, slopes and intercepts are told apart by the data however far the mean is from 0, and a box of them means the same. The gate keeps its inputs.
    ///
    /// # Panics
    /// If `m` does not have `d` entries.
    pub fn centred(mut self, m: Vec<f64>) -> Self {
        assert_eq!(m.len(), self.class.dimension, "an entry an input");
        self.centre = m;
        self
    }

    /// `aᵀm` of the expert whose slopes are at `first` in `theta`.
    fn shift(&self, theta: &[f64], first: usize) -> f64 {
        self.centre.iter().zip(&theta[first..]).map(|(m, a)| m * a).sum()
    }

    fn is_centred(&self) -> bool {
        self.centre.iter().any(|m| *m != 0.0)
    }

    /// The parameters of the kernel, `b = b' − aᵀm`.
    pub fn of_kernel(&self, theta: &[f64]) -> Vec<f64> {
        let mut of_kernel = theta.to_vec();
        if self.is_centred() {
            for first in &self.layout.expert {
                of_kernel[first + self.class.dimension] -= self.shift(theta, *first);
            }
        }
        of_kernel
    }

    /// Derivatives with respect to these coordinates from those with respect to the kernel's parameters, in place: along `a_u` a coordinate moves the kernel's `a_u` by 1 and its `b` by `−m_u`. `derivatives` has rows of `length` numbers, one row a parameter.
    pub(super) fn pull_back(&self, derivatives: &mut [f64], length: usize) {
        if self.is_centred() {
            let d = self.class.dimension;
            for first in &self.layout.expert {
                let (slopes, intercept) =
                    derivatives[first * length..(first + d + 1) * length].split_at_mut(d * length);
                for (row, m) in slopes.chunks_exact_mut(length).zip(&self.centre) {
                    row.iter_mut().zip(&*intercept).for_each(|(slope, intercept)| *slope -= m * intercept);
                }
            }
        }
    }

    /// The same of a symmetric matrix of second derivatives, on both sides.
    pub(super) fn pull_back_both(&self, hessian: &mut [f64]) {
        if self.is_centred() {
            let n = self.count();
            for _ in 0..2 {
                self.pull_back(hessian, n);
                for i in 0..n {
                    for j in 0..i {
                        hessian.swap(i * n + j, j * n + i);
                    }
                }
            }
        }
    }

    /// The class.
    pub fn class(&self) -> &Architecture {
        &self.class
    }

    /// The kernel, whose parameters are [`of_kernel`](Self::of_kernel): these where the coordinates are not centred.
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
                let shift: f64 = atom.a.iter().zip(&self.centre).map(|(a, m)| a * m).sum();
                put(Some(self.layout.expert[i] + d), &[atom.b + shift], &[]);
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
                b: theta[self.layout.expert[i] + d] - self.shift(theta, self.layout.expert[i]),
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

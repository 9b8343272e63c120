//! The functions in which `D_G (f_G − f_{G*})` expands at the true measure, divided by `D*`.
//!
//! With `Ψ_j(x; ω, η) = e^{ωᵀx}(h(x, η) − f_{G*}(x))`, `f_{G*}` held fixed, and to the order of `L1` (derived here; `r` the router of a gate with a temperature,
//! for which `e^{r(ωᵀx)/τ}` stands for `e^{ωᵀx}`)
//!
//! ```text
//! D_G (f_G − f_{G*}) ≈ Σ_j { m0_j Ψ_j + ⟨m1_j, ∂Ψ_j⟩ + ½ ⟨M2_j, ∂²Ψ_j⟩ } + Δτ T,     T = −τ⁻² Σ_j w*_j r(ω*_jᵀx) Ψ_j
//! ```
//!
//! In a hierarchical mixture (`P_a` the outer gate, `p_{b|a}` the inner ones, `H_a` a group's mean) the blocks are
//! `U_a = e^{αᵀx}(H_a − f)` with parameters `α`, and `V_ab = e^{β_a + α_aᵀx} e^{ωᵀx}(h − H_a)/D2_a` with parameters `(ω, η)`. That holds for outer cells of one
//! group. Clones of a group have further terms of second order, in which
//! the outer step of a clone multiplies the first-order change of its leaves (`x V_ab`, `x ∂V_ab`), and products of such changes: they are left out here.

use super::model::{Architecture, Gate, Group, MixingMeasure};
use moe_kernels::Activation;

/// One `Ψ` with the parameters it depends on: `p` of them, so that it has `1 + p` functions of first order and `p(p+1)/2` of second.
pub(super) struct Block {
    pub(super) parameters: usize,
}

/// A family of first-order combinations that leave `f` as it is: `Σ_j w_j Ψ_j = 0` and, for each coordinate `u` of the slope, `Σ_j w_j ∂Ψ_j/∂ω_u = 0`.
pub(super) struct Invariance {
    /// `(j, w_j)`.
    pub(super) blocks: Vec<(usize, f64)>,
    /// Whether the slopes may be moved too.
    pub(super) slopes: bool,
}

/// The blocks of a class at a true measure.
pub(super) struct Expansion<'a> {
    class: &'a Architecture,
    truth: &'a MixingMeasure,
    /// Groups first if the gate is hierarchical, then atoms.
    pub(super) blocks: Vec<Block>,
    pub(super) invariances: Vec<Invariance>,
}

impl<'a> Expansion<'a> {
    pub(super) fn new(class: &'a Architecture, truth: &'a MixingMeasure) -> Self {
        let d = class.dimension;
        let leaf = 2 * d + 1 + usize::from(class.outer_weight);
        let outer = if class.gate == Gate::Hierarchical { truth.groups.len() } else { 0 };
        let mut blocks: Vec<Block> = (0..outer).map(|_| Block { parameters: d }).collect();
        let mut invariances = Vec::new();
        if outer > 0 {
            let weights = truth.groups.iter().map(|group| group.beta.exp()).enumerate().collect();
            invariances.push(Invariance { blocks: weights, slopes: true });
        }
        let slopes = !matches!(class.gate, Gate::DenseToSparse(router) if router != Activation::Linear);
        for group in &truth.groups {
            let first = blocks.len();
            blocks.extend(group.atoms.iter().map(|_| Block { parameters: leaf }));
            let weights = group.atoms.iter().map(|atom| (atom.beta / truth.tau).exp());
            invariances.push(Invariance { blocks: (first..).zip(weights).collect(), slopes });
        }
        Self { class, truth, blocks, invariances }
    }

    /// `d`.
    pub(super) fn dimension(&self) -> usize {
        self.class.dimension
    }

    /// Whether there is the function `T`.
    pub(super) fn has_temperature(&self) -> bool {
        matches!(self.class.gate, Gate::DenseToSparse(_))
    }

    /// Number of first-order functions.
    pub(super) fn first_order(&self) -> usize {
        self.blocks.iter().map(|block| 1 + block.parameters).sum::<usize>() + usize::from(self.has_temperature())
    }

    /// All functions at `x`: the first-order ones, block by block `Ψ, ∂Ψ`, then `T`; and block by block `∂²Ψ` (`∂²/∂θ_k∂θ_l`, `k ≤ l`, row by row).
    pub(super) fn at(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let groups = &self.truth.groups;
        let value = self.truth.value(self.class, x);
        let alone = |group: &Group| {
            let one = MixingMeasure { groups: vec![group.clone()], tau: self.truth.tau };
            one.value(self.class, x)
        };
        let outer = softmax(groups.iter().map(|group| dot(&group.alpha, x) + group.beta));
        let hierarchical = self.class.gate == Gate::Hierarchical;
        let means: Vec<f64> = if hierarchical { groups.iter().map(alone).collect() } else { vec![value] };
        if hierarchical {
            for (a, group) in groups.iter().enumerate() {
                let factor = outer[a] * (-group.beta).exp();
                push(&mut first, &mut second, x, factor, [1.0, 1.0], means[a] - value, &[]);
            }
        }
        let router = match self.class.gate {
            Gate::DenseToSparse(router) => router,
            Gate::Softmax | Gate::Hierarchical => Activation::Linear,
        };
        let tau = self.truth.tau;
        let mut temperature = 0.0;
        for (a, group) in groups.iter().enumerate() {
            let slopes: Vec<[f64; 3]> =
                group.atoms.iter().map(|atom| router.derivatives(dot(&atom.omega, x))).collect();
            let inner = softmax(group.atoms.iter().zip(&slopes).map(|(atom, r)| (r[0] + atom.beta) / tau));
            for ((atom, r), p) in group.atoms.iter().zip(&slopes).zip(inner) {
                let act = self.class.activation.derivatives(dot(&atom.a, x) + atom.b);
                let h = act.map(|act| atom.lambda * act);
                let excess = h[0] - means[a];
                // e^{r/τ} as a function of ωᵀx: its first two derivatives over itself.
                let gate = [r[1] / tau, (r[1] / tau).powi(2) + r[2] / tau];
                let factor = outer[a] * p * (-atom.beta / tau).exp();
                let expert = expert(x, h, if self.class.outer_weight { Some(act) } else { None });
                push(&mut first, &mut second, x, factor, gate, excess, &expert);
                temperature -= outer[a] * p * r[0] * excess / (tau * tau);
            }
        }
        if self.has_temperature() {
            first.push(temperature);
        }
        (first, second)
    }
}

/// Row `k` holds `∂h/∂η_k`, then `∂²h/∂η_k∂η_l` for all `l`; `η = (a, b)` or `(a, b, λ)`, `h` the derivatives of `λ act` and `act` those of `act` where `λ` is a
/// parameter.
fn expert(x: &[f64], h: [f64; 3], act: Option<[f64; 3]>) -> Vec<Vec<f64>> {
    let z: Vec<f64> = x.iter().copied().chain([1.0]).collect();
    let row = |k: usize| {
        let inside = z.iter().map(|l| h[2] * z[k] * l);
        std::iter::once(h[1] * z[k]).chain(inside).chain(act.map(|act| act[1] * z[k])).collect()
    };
    let mut rows: Vec<Vec<f64>> = (0..z.len()).map(row).collect();
    if let Some(act) = act {
        rows.push(std::iter::once(act[0]).chain(z.iter().map(|z| act[1] * z)).chain([0.0]).collect());
    }
    rows
}

/// Adds the functions of `g(ωᵀx)·(h − mean)`, `g = factor` and `gate` its logarithmic derivatives `g'/g, g''/g`; `excess = h − mean`.
fn push(
    first: &mut Vec<f64>,
    second: &mut Vec<f64>,
    x: &[f64],
    factor: f64,
    gate: [f64; 2],
    excess: f64,
    expert: &[Vec<f64>],
) {
    first.push(factor * excess);
    first.extend(x.iter().map(|x| factor * gate[0] * x * excess));
    first.extend(expert.iter().map(|row| factor * row[0]));
    for (k, x_k) in x.iter().enumerate() {
        second.extend(x[k..].iter().map(|x_l| factor * gate[1] * x_k * x_l * excess));
        second.extend(expert.iter().map(|row| factor * gate[0] * x_k * row[0]));
    }
    for (k, row) in expert.iter().enumerate() {
        second.extend(row[1 + k..].iter().map(|h| factor * h));
    }
}

fn dot(a: &[f64], x: &[f64]) -> f64 {
    a.iter().zip(x).map(|(a, x)| a * x).sum()
}

fn softmax(logits: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let top = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.map(|z| (z - top).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::softmax::Atom;

    pub(in crate::softmax) fn atom(omega: &[f64], beta: f64, a: &[f64], b: f64, lambda: f64) -> Atom {
        Atom { omega: omega.to_vec(), beta, a: a.to_vec(), b, lambda }
    }

    /// Classes and measures of every gate, in one and two dimensions.
    fn cases() -> Vec<(Architecture, MixingMeasure)> {
        let flat =
            vec![atom(&[1.0, -0.3], 0.3, &[1.5, 0.4], -0.5, 1.2), atom(&[0.2, 0.5], -0.1, &[-1.0, 0.7], 0.4, 0.8)];
        let other =
            vec![atom(&[-0.4, 0.3], 0.2, &[0.6, -0.9], 0.1, 1.1), atom(&[0.1, 0.0], 0.0, &[0.3, 0.2], -0.2, 0.9)];
        let group =
            |alpha: [f64; 2], beta, atoms: &Vec<Atom>| Group { alpha: alpha.to_vec(), beta, atoms: atoms.clone() };
        let two = vec![group([0.7, 0.1], 0.2, &flat), group([-0.2, 0.4], -0.3, &other)];
        let class = |gate, activation, outer_weight| Architecture {
            dimension: 2,
            gate,
            sizes: vec![2],
            activation,
            outer_weight,
        };
        vec![
            (class(Gate::Softmax, Activation::Tanh, false), MixingMeasure::flat(flat.clone(), 1.0)),
            (class(Gate::Softmax, Activation::Gelu, true), MixingMeasure::flat(flat.clone(), 1.0)),
            (
                class(Gate::DenseToSparse(Activation::Sigmoid), Activation::Sigmoid, true),
                MixingMeasure::flat(flat.clone(), 0.7),
            ),
            (class(Gate::DenseToSparse(Activation::Gelu), Activation::Tanh, false), MixingMeasure::flat(flat, 1.3)),
            (class(Gate::Hierarchical, Activation::Tanh, true), MixingMeasure { groups: two, tau: 1.0 }),
        ]
    }

    /// `ln D` of a measure: of the outer gate, or of the only one.
    fn denominator(class: &Architecture, measure: &MixingMeasure, x: &[f64]) -> f64 {
        let router = if let Gate::DenseToSparse(router) = class.gate { router } else { Activation::Linear };
        if class.gate == Gate::Hierarchical {
            return measure.groups.iter().map(|group| (dot(&group.alpha, x) + group.beta).exp()).sum();
        }
        measure.atoms().map(|atom| ((router.derivatives(dot(&atom.omega, x))[0] + atom.beta) / measure.tau).exp()).sum()
    }

    /// Along a curve in which every atom (group) splits into two at `θ ± t u` with half the weight each, `D_G (f_G − f*)/D*` is `t²/2 Σ w* uᵀ∂²Ψ u + O(t³)`;
    /// moving each by `t u` it is
    /// `t Σ w* ⟨u, ∂Ψ⟩ + O(t²)`; changing masses or the temperature by `t`, `t Σ m0 Ψ` or `tT`. All against the values of mixtures: second route.
    #[test]
    fn the_expansion_is_that_of_the_mixture() {
        for (class, truth) in cases() {
            let expansion = Expansion::new(&class, &truth);
            let x = [0.8, -1.1];
            let (first, second) = expansion.at(&x);
            assert_eq!(first.len(), expansion.first_order());
            let change = |measure: &MixingMeasure| {
                let ratio = denominator(&class, measure, &x) / denominator(&class, &truth, &x);
                ratio * (measure.value(&class, &x) - truth.value(&class, &x))
            };
            let second_difference =
                |curve: &dyn Fn(f64) -> MixingMeasure, t: f64| (change(&curve(t)) + change(&curve(-t))) / (t * t);
            let slope =
                |curve: &dyn Fn(f64) -> MixingMeasure, t: f64| (change(&curve(t)) - change(&curve(-t))) / (2.0 * t);
            let outer = if class.gate == Gate::Hierarchical { truth.groups.len() } else { 0 };
            let (mut place, mut place2, mut flat) = (0, 0, 0);
            for (index, block) in expansion.blocks.iter().enumerate() {
                let p = block.parameters;
                let u: Vec<f64> = (0..p).map(|k| (1.3 * (k + index + 1) as f64).sin()).collect();
                // (group, leaf or none)
                let (a, b) = if index < outer { (index, None) } else { (flat / 2, Some(flat % 2)) };
                let weight =
                    b.map_or(truth.groups[a].beta.exp(), |b| (truth.groups[a].atoms[b].beta / truth.tau).exp());
                let shifted = |t: f64| {
                    let mut measure = truth.clone();
                    match b {
                        None => shift(&mut measure.groups[a].alpha, &u, t),
                        Some(b) => move_atom(&mut measure.groups[a].atoms[b], &u, t),
                    }
                    measure
                };
                let heavier = |t: f64| {
                    let mut measure = truth.clone();
                    let group = &mut measure.groups[a];
                    *b.map_or(&mut group.beta, |b| &mut group.atoms[b].beta) += t * truth.tau;
                    measure
                };
                let split = |t: f64| {
                    let (mut measure, other) = (shifted(t), shifted(-t));
                    let half = truth.tau * 0.5_f64.ln();
                    match b {
                        None => {
                            measure.groups.push(other.groups[a].clone());
                            let last = measure.groups.len() - 1;
                            [a, last].iter().for_each(|&g| measure.groups[g].beta += half);
                        }
                        Some(b) => {
                            let twin = other.groups[a].atoms[b].clone();
                            measure.groups[a].atoms.push(twin);
                            let last = measure.groups[a].atoms.len() - 1;
                            [b, last].iter().for_each(|&l| measure.groups[a].atoms[l].beta += half);
                        }
                    }
                    measure
                };
                let close = |found: f64, expected: f64, name: &str| {
                    assert!(
                        (found - expected).abs() < 1e-6 * (1.0 + expected.abs()),
                        "{:?} block {index} {name}: {found} {expected}",
                        class.gate
                    );
                };
                // Central differences: truncation t²·O(10), rounding 1e-16/t or 1e-16/t².
                close(slope(&heavier, 1e-4), weight * first[place], "mass");
                let along: f64 = (0..p).map(|k| u[k] * first[place + 1 + k]).sum();
                close(slope(&shifted, 1e-4), weight * along, "slope");
                let mut quadratic = 0.0;
                let mut at = place2;
                for k in 0..p {
                    for l in k..p {
                        quadratic += if k == l { 1.0 } else { 2.0 } * u[k] * u[l] * second[at];
                        at += 1;
                    }
                }
                close(second_difference(&split, 3e-4), weight * quadratic, "split");
                (place, place2) = (place + 1 + p, at);
                flat += usize::from(b.is_some());
            }
            if expansion.has_temperature() {
                // D carries e^{β/τ} too: hold the weights, β/τ.
                let warmer = |t: f64| {
                    let mut measure = truth.clone();
                    measure.tau += t;
                    measure.groups[0].atoms.iter_mut().for_each(|atom| atom.beta *= (truth.tau + t) / truth.tau);
                    measure
                };
                assert!((slope(&warmer, 1e-4) - first[place]).abs() < 1e-7);
            }
            // The invariances are invariances.
            let offset =
                |block: usize| expansion.blocks[..block].iter().map(|block| 1 + block.parameters).sum::<usize>();
            for invariance in &expansion.invariances {
                for k in 0..if invariance.slopes { 3 } else { 1 } {
                    let sum: f64 = invariance.blocks.iter().map(|&(j, w)| w * first[offset(j) + k]).sum();
                    assert!(sum.abs() < 1e-14, "{:?} {k} {sum}", class.gate);
                }
            }
        }
    }

    fn shift(values: &mut [f64], u: &[f64], t: f64) {
        values.iter_mut().zip(u).for_each(|(value, u)| *value += t * u);
    }

    fn move_atom(atom: &mut Atom, u: &[f64], t: f64) {
        let d = atom.omega.len();
        shift(&mut atom.omega, u, t);
        shift(&mut atom.a, &u[d..], t);
        atom.b += t * u[2 * d];
        atom.lambda += u.get(2 * d + 1).map_or(0.0, |u| t * u);
    }
}

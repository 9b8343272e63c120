//! Voronoi cells and losses of mixing measures (arXiv 2503.03213; the terms of `τ` and of groups, and the minimum over translations, are derived here).

use super::model::{Architecture, Atom, Gate, Group, MixingMeasure};
use super::translation::{Label, Matching, Placement};
use moe_kernels::Activation;
use thiserror::Error;

/// The powers of a Voronoi loss.
///
/// Cell `C_j` holds the fitted atoms `i` that are nearest to the true atom `j` in `(ω, η)`, `η = (a, b)` or `(a, b, λ)`; a tie goes to the lower index. With `w =
/// e^{β/τ}` (`τ = 1` without a
/// temperature), `Δ` the differences of parameters and Euclidean norms,
///
/// ```text
/// L1  = |Δτ| + Σ_j |Σ_{C_j} w_i − w*_j| + Σ_{|C_j|=1} Σ w_i (‖Δω‖ + ‖Δη‖) + Σ_{|C_j|>1} Σ w_i (‖Δω‖² + ‖Δη‖²)
/// L2r = |Δτ| + Σ_j |Σ_{C_j} w_i − w*_j| + Σ_j Σ_{C_j} w_i (‖Δω‖^r + ‖Δη‖^r)
/// ```
///
/// A true atom whose cell is empty adds its weight. `Δτ` enters with the first power always: a global parameter cannot average out inside a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Power {
    /// `L1`: first powers in the cells of one fitted atom, squares in the others.
    L1,
    /// `L2r`: power `r ≥ 1` in all cells.
    L2(f64),
}

impl Power {
    /// The power in a cell.
    pub(super) fn of(self, alone: bool) -> f64 {
        match self {
            Self::L1 => {
                if alone {
                    1.0
                } else {
                    2.0
                }
            }
            Self::L2(r) => r,
        }
    }
}

/// Why there is no loss.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum VoronoiError {
    /// `r` below 1 or not finite.
    #[error("the power of L2r is {found}; a number from 1 is needed")]
    Power {
        /// `r`.
        found: f64,
    },
    /// Measures that are not of the class, or not finite.
    #[error("the {which} measure has {what}")]
    Measure {
        /// `fitted` or `true`.
        which: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Measures so far apart, or weights so large, that the loss overflows.
    #[error("the loss is larger than any number")]
    Overflow,
}

/// A translation `(ω, β) → (ω + slope, β + intercept)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// `c`, `d` numbers.
    pub slope: Vec<f64>,
    /// `c_0`.
    pub intercept: f64,
}

/// A Voronoi loss with its cells and parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Voronoi {
    /// The loss, `mass + exact + over + temperature`.
    pub loss: f64,
    /// Differences of weights, those of leaves included (times their group's weight).
    pub mass: f64,
    /// What atoms and groups alone in their cells add.
    pub exact: f64,
    /// What the others add.
    pub over: f64,
    /// `|Δτ|`.
    pub temperature: f64,
    /// For each true atom, in a hierarchical mixture each true group, the indices of the fitted ones in its cell, ascending.
    pub cells: Vec<Vec<usize>>,
    /// The translation of the fitted gate (outer gate).
    pub translation: Translation,
    /// Largest `‖(Δω, Δη)‖` of an atom alone in its cell, and `‖Δα‖` of such a group; 0 if there is none.
    pub largest_exact: f64,
    /// The same over the cells of several.
    pub largest_over: f64,
    /// In a hierarchical mixture, the leaves of each fitted group against those of its true group; else empty.
    pub leaves: Vec<Voronoi>,
}

/// The Voronoi loss of `fitted` against `truth`, least over the translations of the gate of `class`; numbers of atoms may differ from `class.sizes`.
///
/// # Translations
///
/// `f_G` is unchanged by `(ω, β) → (ω + c, β + c_0)` of all atoms where the router is linear, by `β → β + c_0` under any router, and in a hierarchical mixture by
/// one such translation of the
/// outer gate and one of every group apart. The result is the loss *at* the translation it reports, so never below the infimum over them. It is least over `s =
/// e^{c_0/τ}` among
/// the `s = w*_j/Σ_{C_j} w_i`, where the minimum over `s > 0` lies if it exists; otherwise the infimum is the limit `s → 0`, `|Δτ| + Σ w*`, a cap that says
/// nothing of `G` and is not
/// taken. It is least over `c` for `d = 1`, to rounding if `c = ω*_j − ω_i` for some pair and to a relative `10⁻¹⁰` otherwise; where the infimum is a limit at a wall between cells, that limit is the result.
///
/// For `d > 1` the assignments of fitted atoms to true ones that occur under some `c` are listed, and the same holds where these are at most 256, but for assignments that occur only where no ball of radius `10⁻⁹` of the spread of the `ω*_j − ω_i` fits. There are at most `k + 1` for `k* = 2` and `1 + 3k + 3k²` for `k* = 3`: so always for `k* ≤ 2`, and for `k* = 3` up to `k = 8`. Where there are more, the result is the least over the assignments seen from `c = 0` and every `c = ω*_j − ω_i` and on the way from there, an upper bound of the infimum.
///
/// It takes 0.1 ms for `k = 3`, `k* = 2`, `d = 1` and 0.4 ms for `d = 2`; 2 ms for `k = 4`, `k* = 3`, `d = 2`; 40 ms for `k = 16`, `k* = 8`, `d = 1`, and up to 0.3 s for `d = 64`.
///
/// # Groups
///
/// ```text
/// L1H = Σ_a |Σ_{C_a} e^{β_i} − e^{β*_a}| + Σ_{|C_a|=1} Σ e^{β_i} ‖Δα‖ + Σ_{|C_a|>1} Σ e^{β_i} ‖Δα‖² + Σ_a Σ_{i in C_a} e^{β_i} L1(leaves of i, leaves of a)
/// ```
///
/// Outer slopes alone do not tell groups apart, so the cell of a fitted group minimises `‖Δα‖² + (L1(leaves)/Σ_b e^{ν*_ab})²`, with the leaves matched at their
/// own best translation.
///
/// *A limit of `L1H`.* In an over-fitted outer cell the clones' leaves average out: two clones of one group whose leaves move by `±t` leave `f` unchanged to
/// first order, but
/// the formula counts each clone's exact leaves with the first power. There `L1H = O(n^{−1/2})` is more than the data can give.
///
/// # Example
///
/// ```
/// use moe_kernels::Activation;
/// use moe_theory::softmax::{Architecture, Atom, Gate, MixingMeasure, Power, voronoi};
/// let class = Architecture { dimension: 1, gate: Gate::Softmax, sizes: vec![3], activation: Activation::Tanh, outer_weight: false };
/// let atom = |omega, beta, a, b| Atom { omega: vec![omega], beta, a: vec![a], b, lambda: 1.0 };
/// let truth = MixingMeasure::flat(vec![atom(2.0, 0.0, 3.0, 0.0), atom(0.0, 0.0, -2.0, 1.0)], 1.0);
/// // The first atom split into halves with intercepts ±0.1, all slopes of the gate moved by 5.
/// let half = 0.5_f64.ln();
/// let fitted = MixingMeasure::flat(vec![atom(7.0, half, 3.0, 0.1), atom(5.0, 0.0, -2.0, 1.0), atom(7.0, half, 3.0, -0.1)], 1.0);
/// let voronoi = voronoi(&class, &fitted, &truth, Power::L1)?;
/// assert_eq!(voronoi.cells, [vec![0, 2], vec![1]]);
/// assert_eq!(voronoi.translation.slope, [-5.0]);
/// assert!((voronoi.loss - 0.01).abs() < 1e-15);
/// # Ok::<(), moe_theory::softmax::VoronoiError>(())
/// ```
///
/// # Errors
/// Every [`VoronoiError`].
pub fn voronoi(
    class: &Architecture,
    fitted: &MixingMeasure,
    truth: &MixingMeasure,
    power: Power,
) -> Result<Voronoi, VoronoiError> {
    check(class, fitted, truth, power)?;
    let voronoi = match class.gate {
        Gate::Hierarchical => groups(class, &fitted.groups, &truth.groups, power),
        Gate::Softmax | Gate::DenseToSparse(_) => {
            let free = matches!(class.gate, Gate::Softmax | Gate::DenseToSparse(Activation::Linear));
            let (atoms, true_atoms) = (&fitted.groups[0].atoms, &truth.groups[0].atoms);
            let scaled = Scaled::of(atoms.iter().map(|atom| atom.beta), fitted.tau);
            let matching = leaves(class, (atoms, &scaled), (true_atoms, truth.tau), power);
            let at = matching.best(free);
            with_temperature(flat(&matching, &at, &scaled), fitted, truth)
        }
    };
    if voronoi.loss.is_finite() { Ok(voronoi) } else { Err(VoronoiError::Overflow) }
}

impl MixingMeasure {
    /// `(ω/τ, β/τ)` with temperature 1: the same function where the router is linear, and what of it is identifiable there. Compare two of them with [`voronoi`]
    /// under [`Gate::Softmax`].
    pub fn quotient(&self) -> Self {
        let mut quotient = self.clone();
        for atom in quotient.groups.iter_mut().flat_map(|group| &mut group.atoms) {
            atom.omega.iter_mut().for_each(|omega| *omega /= self.tau);
            atom.beta /= self.tau;
        }
        quotient.tau = 1.0;
        quotient
    }
}

/// Weights `e^{(β_i − top)/τ}`, of which the largest is 1: no intercept overflows, and the common factor is a translation.
struct Scaled {
    weights: Vec<f64>,
    top: f64,
    tau: f64,
}

impl Scaled {
    fn of(betas: impl Iterator<Item = f64> + Clone, tau: f64) -> Self {
        let top = betas.clone().fold(f64::NEG_INFINITY, f64::max);
        Self { weights: betas.map(|beta| ((beta - top) / tau).exp()).collect(), top, tau }
    }
}

fn leaves<'a>(
    class: &Architecture,
    (atoms, scaled): (&'a [Atom], &Scaled),
    (true_atoms, tau): (&'a [Atom], f64),
    power: Power,
) -> Matching<'a> {
    let label = |atom: &Atom, truth: &Atom| {
        let slopes: f64 = atom.a.iter().zip(&truth.a).map(|(a, b)| (a - b).powi(2)).sum();
        let outer = if class.outer_weight { (atom.lambda - truth.lambda).powi(2) } else { 0.0 };
        let square = slopes + (atom.b - truth.b).powi(2) + outer;
        let to = |alone| square.sqrt().powf(power.of(alone));
        Label { square, alone: to(true), crowded: to(false) }
    };
    Matching {
        power,
        weights: scaled.weights.clone(),
        slopes: atoms.iter().map(|atom| &atom.omega[..]).collect(),
        true_weights: true_atoms.iter().map(|atom| (atom.beta / tau).exp()).collect(),
        true_slopes: true_atoms.iter().map(|atom| &atom.omega[..]).collect(),
        labels: atoms.iter().map(|atom| true_atoms.iter().map(|truth| label(atom, truth)).collect()).collect(),
    }
}

/// The report of a matching in which `e_ij` is the norm of the labels' difference.
fn flat(matching: &Matching<'_>, at: &Placement, scaled: &Scaled) -> Voronoi {
    let parts = matching.parts(at);
    let mut largest = [0.0_f64; 2];
    for (i, alone) in Matching::alone(&at.targets).into_iter().enumerate() {
        let j = at.targets[i];
        let norm = matching.step(i, j, &at.slope).hypot(matching.labels[i][j].square.sqrt());
        largest[usize::from(alone)] = largest[usize::from(alone)].max(norm);
    }
    let cell = |j| (0..at.targets.len()).filter(|&i| at.targets[i] == j).collect();
    Voronoi {
        loss: parts.mass + parts.exact + parts.over,
        mass: parts.mass,
        exact: parts.exact,
        over: parts.over,
        temperature: 0.0,
        cells: (0..matching.true_weights.len()).map(cell).collect(),
        translation: Translation { slope: at.slope.clone(), intercept: scaled.tau * at.scale.ln() - scaled.top },
        largest_exact: largest[1],
        largest_over: largest[0],
        leaves: Vec::new(),
    }
}

fn with_temperature(mut voronoi: Voronoi, fitted: &MixingMeasure, truth: &MixingMeasure) -> Voronoi {
    voronoi.temperature = (fitted.tau - truth.tau).abs();
    voronoi.loss += voronoi.temperature;
    voronoi
}

fn groups(class: &Architecture, fitted: &[Group], truth: &[Group], power: Power) -> Voronoi {
    let inner = |group: &Group, truth: &Group| {
        let scaled = Scaled::of(group.atoms.iter().map(|atom| atom.beta), 1.0);
        let matching = leaves(class, (&group.atoms, &scaled), (&truth.atoms, 1.0), power);
        flat(&matching, &matching.best(true), &scaled)
    };
    let pairs: Vec<Vec<Voronoi>> =
        fitted.iter().map(|group| truth.iter().map(|truth| inner(group, truth)).collect()).collect();
    let masses: Vec<f64> = truth.iter().map(|group| group.atoms.iter().map(|atom| atom.beta.exp()).sum()).collect();
    let label =
        |pair: &Voronoi, mass: f64| Label { square: (pair.loss / mass).powi(2), alone: pair.loss, crowded: pair.loss };
    let scaled = Scaled::of(fitted.iter().map(|group| group.beta), 1.0);
    let matching = Matching {
        power,
        weights: scaled.weights.clone(),
        slopes: fitted.iter().map(|group| &group.alpha[..]).collect(),
        true_weights: truth.iter().map(|group| group.beta.exp()).collect(),
        true_slopes: truth.iter().map(|group| &group.alpha[..]).collect(),
        labels: pairs
            .iter()
            .map(|row| row.iter().zip(&masses).map(|(pair, mass)| label(pair, *mass)).collect())
            .collect(),
    };
    let at = matching.best(true);
    let mut voronoi = flat(&matching, &at, &scaled);
    (voronoi.exact, voronoi.over, voronoi.largest_exact, voronoi.largest_over) = (0.0, 0.0, 0.0, 0.0);
    for (i, alone) in Matching::alone(&at.targets).into_iter().enumerate() {
        let (j, weight) = (at.targets[i], at.scale * scaled.weights[i]);
        let (step, leaves) = (matching.step(i, j, &at.slope), &pairs[i][j]);
        let (part, largest) = if alone {
            (&mut voronoi.exact, &mut voronoi.largest_exact)
        } else {
            (&mut voronoi.over, &mut voronoi.largest_over)
        };
        *part += weight * step.powf(power.of(alone));
        *largest = largest.max(step);
        voronoi.mass += weight * leaves.mass;
        voronoi.exact += weight * leaves.exact;
        voronoi.over += weight * leaves.over;
        voronoi.largest_exact = voronoi.largest_exact.max(leaves.largest_exact);
        voronoi.largest_over = voronoi.largest_over.max(leaves.largest_over);
    }
    voronoi.loss = voronoi.mass + voronoi.exact + voronoi.over;
    voronoi.leaves = at.targets.iter().zip(pairs).map(|(&j, mut row)| row.swap_remove(j)).collect();
    voronoi
}

fn check(
    class: &Architecture,
    fitted: &MixingMeasure,
    truth: &MixingMeasure,
    power: Power,
) -> Result<(), VoronoiError> {
    if let Power::L2(r) = power
        && !(r >= 1.0 && r.is_finite())
    {
        return Err(VoronoiError::Power { found: r });
    }
    for (which, measure) in [("fitted", fitted), ("true", truth)] {
        let wrong = |what| Err(VoronoiError::Measure { which, what });
        if measure.groups.is_empty() || measure.groups.iter().any(|group| group.atoms.is_empty()) {
            return wrong("no atoms");
        }
        if class.gate != Gate::Hierarchical && measure.groups.len() > 1 {
            return wrong("several groups under a flat gate");
        }
        let long = |slope: &[f64]| slope.len() != class.dimension;
        if measure.groups.iter().any(|group| long(&group.alpha))
            || measure.atoms().any(|atom| long(&atom.omega) || long(&atom.a))
        {
            return wrong("slopes of another dimension than the class");
        }
        let numbers = |atom: &Atom| {
            atom.omega.iter().chain(&atom.a).chain([&atom.beta, &atom.b, &atom.lambda]).all(|x| x.is_finite())
        };
        let outer = |group: &Group| group.beta.is_finite() && group.alpha.iter().all(|x| x.is_finite());
        let temperature = measure.tau > 0.0 && measure.tau.is_finite();
        if !(temperature && measure.atoms().all(numbers) && measure.groups.iter().all(outer)) {
            return wrong("parameters that are not finite, or a temperature that is not positive");
        }
        // Fitted weights are scaled; true ones are what a loss is relative to.
        let betas =
            measure.groups.iter().map(|group| group.beta).chain(measure.atoms().map(|atom| atom.beta / measure.tau));
        if which == "true" && !betas.map(f64::exp).all(f64::is_normal) {
            return wrong("a weight e^β that underflows or overflows");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

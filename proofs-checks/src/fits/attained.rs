//! The value of the cone, attained: a measure near the truth in the worst direction of the expansion, and its function by the definition.
//!
//! [`local_constant`](moe_theory::softmax::local_constant) has `v = min ‖Σ_j ½⟨M2_j, ∂²Ψ_j⟩ − (closest first-order combination)‖` over the second moments that `n_j` atoms attain, from derivatives at the truth. Here the minimiser `M2_j = u uᵀ` is made of atoms: a cell of two has them at `θ*_j ± s_j u` with half of its weight `w*_j` each, `w*_j s_j² = t`. The moments of third order vanish, and every parameter of the true class is moved until the function is nearest to `f_{G*}`, by Gauss-Newton steps with the Jacobian at the truth (what they leave shrinks by a factor of order `√t` a step). Then
//!
//! ```text
//! ‖f_G − f_{G*}‖ / Σ_j tr M2_j = ‖f_G − f_{G*}‖/t → v    as t → 0
//! ```
//!
//! (`L1` of a flat mixture counts `Σ_j tr M2_j`; that of a two-level one counts a leaf with its group's weight `e^{β_a}` too), up to terms of order `t/v`, and to rounding of `f`, `10⁻¹⁵/(tv)`: `t = 3·10⁻⁸` balances them. Neither the second derivatives nor the minimisation enter the left side, so the two agree only if both are right, and it is what no sample can go below.

use faer::Mat;
use faer::linalg::solvers::SolveLstsq;
use moe_theory::softmax::{Architecture, Coordinates, Cubature, LocalConstant, MixingMeasure, Power, voronoi};

use super::Problem;
use crate::{CheckError, Control, Evidence};

/// `t`.
const MOMENT: f64 = 3e-8;
/// Steps towards the nearest function.
const STEPS: usize = 6;
/// Error of `‖f_G − f_{G*}‖`: ten roundings of values of order one.
const ROUNDING: f64 = 1e-15;
/// Terms of order `t/v` are below `10⁻²` from `v = 3·10⁻⁵` on, at a constant of ten.
const AGREEMENT: [f64; 2] = [0.99, 1.01];

/// A measure in the worst direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attained {
    /// `‖f_G − f_{G*}‖`.
    pub(crate) error: f64,
    /// `Σ_j tr M2_j`, the squares of the steps by the weights of their atoms.
    pub(crate) moment: f64,
    /// `L1`.
    pub(crate) loss: f64,
}

impl Attained {
    /// That the value `v` of the cone is attained.
    pub(crate) fn value(&self, words: &str, v: f64) -> Evidence {
        let statement = format!(
            "{words}: ‖f_G − f_G*‖/Σ tr M2 of a measure in the worst direction, by its function, over the predicted v = {v:.3e}"
        );
        Evidence::comparison(
            statement,
            [self.error - ROUNDING, self.error + ROUNDING].map(|e| e / (self.moment * v)),
            AGREEMENT,
        )
    }
}

impl Attained {
    /// The same of a value that is a tenth too large.
    pub(crate) fn twin(&self, words: &str, v: f64) -> Control {
        Control::new("1.1 v in place of v", self.value(words, 1.1 * v))
    }
}

impl Problem {
    /// The measure of the module's documentation, for a prediction with cells of one and of two atoms.
    pub(crate) fn attained(&self, local: &LocalConstant, rule: &Cubature) -> Result<Attained, CheckError> {
        let centre = Coordinates::new(&self.truth_class, self.last_slope);
        let pinned = || CheckError::theory("a slope is pinned");
        let start = centre.parameters(&self.truth).ok_or_else(pinned)?;
        let nodes = rule.points().len();
        let columns: Vec<f64> = (0..rule.dimension()).flat_map(|u| rule.points().map(move |(x, _)| x[u])).collect();
        let mut target = vec![0.0; nodes];
        let mut work = centre.kernel().workspace();
        centre.kernel().values(&start, &columns, &mut target, &mut work);
        let (mut residuals, mut jacobian) = (vec![0.0; nodes], vec![0.0; nodes * centre.count()]);
        centre.kernel().jacobian(&start, &columns, &target, &mut residuals, &mut jacobian, &mut work);
        let roots: Vec<f64> = rule.points().map(|(_, weight)| weight.sqrt()).collect();
        let factors =
            Mat::from_fn(nodes, centre.count(), |row, column| roots[row] * jacobian[column * nodes + row]).col_piv_qr();

        let sizes = self.pulled(&self.truth, local).groups.iter().map(|group| group.atoms.len()).collect();
        let class = Architecture { sizes, ..self.truth_class.clone() };
        let split = Coordinates::new(&class, true);
        let mut theta = start;
        let mut measure = self.pulled(&centre.measure(&theta), local);
        let mut error = f64::INFINITY;
        for step in 0..=STEPS {
            let moved = self.pulled(&centre.measure(&theta), local);
            let parameters = split.parameters(&moved).ok_or_else(pinned)?;
            let mut values = vec![0.0; nodes];
            split.kernel().values(&parameters, &columns, &mut values, &mut split.kernel().workspace());
            let misfit = Mat::from_fn(nodes, 1, |row, _| roots[row] * (target[row] - values[row]));
            if misfit.norm_l2() < error {
                (error, measure) = (misfit.norm_l2(), moved);
            }
            if step < STEPS {
                let change = factors.solve_lstsq(&misfit);
                theta.iter_mut().enumerate().for_each(|(i, t)| *t += change[(i, 0)]);
            }
        }
        let loss = voronoi(&class, &measure, &self.truth, Power::L1).map_err(CheckError::theory)?;
        Ok(Attained { error, moment: MOMENT, loss: loss.loss })
    }

    /// A measure of the true class with its cells of two pulled apart along the prediction's directions.
    fn pulled(&self, centre: &MixingMeasure, local: &LocalConstant) -> MixingMeasure {
        let d = self.truth_class.dimension;
        // Groups have blocks of their own in a two-level mixture; a group in a cell of its own has no direction.
        let first = local.directions.len() - centre.atoms().count();
        // Weights are those of the truth as it is given; coordinates translate them.
        let mut blocks = self.truth.atoms().map(|atom| atom.beta / self.truth.tau).zip(&local.directions[first..]);
        let mut measure = centre.clone();
        for group in &mut measure.groups {
            let atoms = std::mem::take(&mut group.atoms);
            for (atom, (weight, directions)) in atoms.into_iter().zip(&mut blocks) {
                let Some(u) = directions.first() else {
                    group.atoms.push(atom);
                    continue;
                };
                let step = (MOMENT * (-weight).exp()).sqrt();
                for side in [-step, step] {
                    let mut half = atom.clone();
                    half.beta -= centre.tau * std::f64::consts::LN_2;
                    for k in 0..d {
                        half.omega[k] += side * u[k];
                        half.a[k] += side * u[d + k];
                    }
                    half.b += side * u[2 * d];
                    half.lambda += side * u.get(2 * d + 1).copied().unwrap_or(0.0);
                    group.atoms.push(half);
                }
            }
        }
        measure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fits::{Noise, reference_truth};
    use moe_kernels::Activation;
    use moe_theory::softmax::{Gate, Group, Inputs, local_constant};

    fn problem(gate: Gate, activation: Activation) -> Problem {
        let mut problem = Problem::reference(activation, 3, Noise::Gaussian { deviation: 0.0 }, 1.0);
        problem.truth_class.gate = gate;
        problem.last_slope = gate != Gate::Softmax;
        problem
    }

    /// A group of two leaves and one of one, no weight or slope that is 0 or 1.
    fn two_levels() -> Problem {
        let mut problem = problem(Gate::Hierarchical, Activation::Gelu);
        problem.truth_class.sizes = vec![2, 1];
        problem.last_slope = false;
        let mut atoms = reference_truth().groups.remove(0).atoms;
        atoms[1].beta = -0.4;
        let mut alone = atoms[0].clone();
        (alone.omega[0], alone.beta, alone.a[0], alone.b) = (0.4, 0.2, -1.5, 0.3);
        problem.truth.groups = vec![
            Group { alpha: vec![-0.6], beta: -0.3, atoms },
            Group { alpha: vec![-1.1], beta: 0.2, atoms: vec![alone] },
        ];
        problem
    }

    /// Expansion and function agree for every gate and cell; a value that is off by a tenth is refused.
    #[test]
    fn the_value_of_the_cone_is_attained() {
        let rule = Cubature::new(&Inputs::Uniform { low: vec![-3.0], high: vec![3.0] }).unwrap();
        let plain =
            [Activation::Tanh, Activation::Gelu, Activation::Sigmoid].map(|expert| problem(Gate::Softmax, expert));
        let routers = [Activation::Tanh, Activation::Gelu, Activation::Sigmoid];
        let tempered = routers.map(|router| problem(Gate::DenseToSparse(router), Activation::Gelu));
        let mut cases: Vec<(Problem, Vec<usize>)> = Vec::new();
        for problem in plain.iter().chain(&tempered) {
            cases.extend([[2, 1], [1, 2]].map(|cells| (problem.clone(), cells.to_vec())));
        }
        // Under a linear gate both cells split have a common factor: v = 0.
        cases.extend(tempered.into_iter().map(|problem| (problem, vec![2, 2])));
        cases.extend([[1, 1, 2, 1, 1], [1, 1, 1, 2, 1]].map(|cells| (two_levels(), cells.to_vec())));
        for (problem, cells) in cases {
            let local = local_constant(&problem.truth_class, &problem.truth, &rule, &cells).unwrap();
            let attained = problem.attained(&local, &rule).unwrap();
            let v = local.second.unwrap();
            let words = format!("{:?} {cells:?}", problem.truth_class);
            assert_eq!(attained.value("", v).holds(), Some(true), "{words}: {attained:?} {v}");
            assert_eq!(attained.value("", 1.1 * v).holds(), Some(false), "{words}");
            // At most eleven summands of L1 are of the first order.
            assert!(attained.error > local.constant / 11_f64.sqrt() * attained.loss, "{words}");
        }
    }
}

//! What an expert is worth: the change of the loss when it is removed, and pruning by it.
//!
//! With `r = f − f*` the loss without the students `S` is `½E(r − f_S)²`, `f_S = Σ_{i∈S} f_i`, so
//!
//! ```text
//! ΔL(S) = L(without S) − L = ½E f_S² − E r f_S = Σ_{i∈S, j} K_ij* − ½Σ_{i,k∈S} K_ik − Σ_{i∈S, k∉S} K_ik        (K: expectations of pairs of units)
//! ```
//!
//! This is a difference of two losses: who can measure the loss of the trained model with and without an expert, on held-out data, knows it. Nothing else of the teacher enters, neither
//! its weights nor their number; the overlaps with the teacher serve here because the expectations are exact in them.
//!
//! Beside recovered teachers a student on a teacher of its own has `ΔL = ½E f² = ½p!Φ_00(1)` and a dormant one `−½p!Φ_00(1)` (`r` is the sum of the dormant ones), up to cubes of overlaps: at p = 3
//! with sigmoid routers `±(3/2 − 3A_1) = ±0.8801`, a gap of 1.7603. Single removals do not see groups that cancel: each member of a dipole, or of `f(v,w) + f(−v,w) + f(v',−w) + f(−v',−w) = 0`
//! (sigmoid routers, odd p), has `ΔL = +½E f²`, while the group as a whole has `ΔL = 0`.

use super::OrderParameters;
use super::assembly::Pairs;
use faer::Mat;
use moe_kernels::{PairKernel, Router};

/// Expectations of all pairs of units at one state.
#[derive(Clone, Debug)]
pub struct Removal {
    /// `K`: students, then teachers.
    units: Mat<f64>,
    /// `Σ_j K_ij* = E f_i f*`.
    teacher: Vec<f64>,
    loss: f64,
}

/// What [`Removal::prune`] leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Pruned {
    /// The students that stay, ascending.
    pub kept: Vec<usize>,
    /// The removed students in the order of removal, each with its `ΔL` at that moment.
    pub removed: Vec<(usize, f64)>,
    /// The loss of what is left.
    pub loss: f64,
}

impl Removal {
    /// At a state of students with these routers and `He_order` experts. Changes are accurate to `1e-13` times the number of units.
    ///
    /// ```
    /// use moe_kernels::Router;
    /// use moe_theory::soft_routed::{Removal, Start, StudentTeacher};
    /// // The teacher's unit, and a second one orthogonal to it.
    /// let axis = |k: usize| (0..4).map(|i| if i == k { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
    /// let student = [[axis(0), axis(2)], [axis(1), axis(3)]];
    /// let teacher = [[axis(0)], [axis(1)]];
    /// let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&student[0], &student[1]], [&teacher[0], &teacher[1]]);
    /// let start = Start::reduce(&model.unwrap());
    /// let removal = Removal::of(&start.order_parameters(), Router::Sigmoid, 3);
    /// assert!((removal.change(0) - 0.8801371).abs() < 1e-7 && (removal.change(1) + 0.8801371).abs() < 1e-7);
    /// assert_eq!(removal.prune().kept, [0]);
    /// ```
    pub fn of(state: &OrderParameters, router: Router, order: usize) -> Self {
        let (m, teachers) = (state.students(), state.teachers());
        let layout = Pairs::new(m, state.teacher_own().to_vec());
        let mut rho: [Vec<f64>; 6] = std::array::from_fn(|_| vec![0.0; layout.len()]);
        layout.gather(state.overlaps(), &mut rho);
        let mut out: [Vec<f64>; 7] = std::array::from_fn(|_| vec![0.0; layout.len()]);
        PairKernel::new(router, order).evaluate(rho.each_ref().map(|r| &r[..]), out.each_mut().map(|o| &mut o[..]));
        let (mut units, mut next) = (Mat::zeros(m + teachers, m + teachers), out[0].iter());
        for a in 0..m {
            for b in a..m + teachers {
                let value = *next.next().expect("as many values as pairs");
                (units[(a, b)], units[(b, a)]) = (value, value);
            }
        }
        for (j, row) in state.teacher_pairs().chunks_exact(teachers).enumerate() {
            row.iter().enumerate().for_each(|(k, value)| units[(m + j, m + k)] = *value);
        }
        let teacher = (0..m).map(|a| (m..m + teachers).map(|b| units[(a, b)]).sum()).collect();
        Self { units, teacher, loss: state.loss }
    }

    /// `ΔL` on removal of student `i` alone.
    pub fn change(&self, i: usize) -> f64 {
        self.change_of(&[i])
    }

    /// `ΔL` on removal of a group of different students.
    pub fn change_of(&self, group: &[usize]) -> f64 {
        let all = 0..self.teacher.len();
        group.iter().map(|&i| self.teacher[i] - all.clone().map(|k| self.units[(i, k)]).sum::<f64>()).sum::<f64>()
            + self.group_loss(group)
    }

    /// `½E(Σ_{i∈S} f_i)²` of a group of different students.
    pub fn group_loss(&self, group: &[usize]) -> f64 {
        self.residual_loss(group, &[])
    }

    /// `½E(Σ_{i∈S} f_i − Σ_{j∈T} f*_j)²`: what different students `S` leave of different teachers `T`. Of all of both it is the loss.
    pub fn residual_loss(&self, students: &[usize], teachers: &[usize]) -> f64 {
        let signed = || {
            let teachers = teachers.iter().map(|&j| (self.teacher.len() + j, -1.0));
            students.iter().map(|&i| (i, 1.0)).chain(teachers)
        };
        0.5 * signed().flat_map(|(a, s)| signed().map(move |(b, t)| s * t * self.units[(a, b)])).sum::<f64>()
    }

    /// `K_ab/√(K_aa K_bb)` of two units, students before teachers.
    pub(crate) fn correlation(&self, a: usize, b: usize) -> f64 {
        self.units[(a, b)] / (self.units[(a, a)] * self.units[(b, b)]).sqrt()
    }

    /// `½Σ E f²` of students and teachers: what they have apart, against [`Self::residual_loss`].
    pub(crate) fn loss_apart(&self, students: &[usize], teachers: &[usize]) -> f64 {
        let units = students.iter().copied().chain(teachers.iter().map(|j| self.teacher.len() + j));
        0.5 * units.map(|a| self.units[(a, a)]).sum::<f64>()
    }

    /// `½E f²` of a student, their mean.
    pub(crate) fn unit_loss(&self) -> f64 {
        let students: Vec<usize> = (0..self.teacher.len()).collect();
        self.loss_apart(&students, &[]) / students.len() as f64
    }

    /// `ΔL` of every student, in order.
    pub fn changes(&self) -> Vec<f64> {
        (0..self.teacher.len()).map(|i| self.change(i)).collect()
    }

    /// Greedy pruning without knowledge of the number of teachers: as long as some removal lowers the loss, the student whose removal lowers it most is removed, and
    /// the changes are taken anew. All students may go, where none is worth anything.
    pub fn prune(&self) -> Pruned {
        self.prune_to(0, 0.0)
    }

    /// As [`Self::prune`], for as long as more than `least` students are left and the smallest change is below `threshold`. With an infinite threshold the student is pruned to a
    /// given number.
    pub fn prune_to(&self, least: usize, threshold: f64) -> Pruned {
        let mut pruned = Pruned { kept: (0..self.teacher.len()).collect(), removed: Vec::new(), loss: self.loss };
        while pruned.kept.len() > least {
            let change = |i: usize| -> f64 {
                self.teacher[i] - pruned.kept.iter().map(|k| self.units[(i, *k)]).sum::<f64>()
                    + 0.5 * self.units[(i, i)]
            };
            let changes = pruned.kept.iter().map(|&i| (i, change(i)));
            let Some((worst, change)) = changes.min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
            if change >= threshold {
                break;
            }
            pruned.kept.retain(|i| *i != worst);
            pruned.removed.push((worst, change));
            pruned.loss += change;
        }
        pruned
    }
}

#[cfg(test)]
mod tests {
    use super::super::{InitialLaw, Start, StudentTeacher};
    use super::*;

    /// `½E f²` of a sigmoid unit at p = 3.
    const UNIT: f64 = 3.0 * (0.5 - 0.206_620_964_141_907_04);

    fn axis(k: usize, sign: f64) -> Vec<f64> {
        (0..8).map(|i| if i == k { sign } else { 0.0 }).collect()
    }

    fn removal(routers: &[Vec<f64>], experts: &[Vec<f64>], teachers: [&[Vec<f64>]; 2]) -> (Removal, Start) {
        let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [routers, experts], teachers).unwrap();
        let start = Start::reduce(&model);
        (Removal::of(&start.order_parameters(), Router::Sigmoid, 3), start)
    }

    /// The second route: the loss of the smaller student, evaluated afresh, for random states, orders, routers and teachers that are not orthonormal.
    #[test]
    fn change_is_the_difference_of_two_losses() {
        for (router, order) in [(Router::Sigmoid, 3), (Router::Tanh, 2), (Router::GaussianCdf, 5)] {
            let law = InitialLaw { router, ..InitialLaw::new(order, 5, 2, 20) };
            let sampled = law.sample(3, 1).unwrap();
            let rows = |w: &super::super::Weights, experts: bool| -> Vec<Vec<f64>> {
                (0..w.count()).map(|i| if experts { w.expert(i) } else { w.router(i) }.to_vec()).collect()
            };
            let student = sampled.model().student;
            // The last two students serve as a teacher.
            let (v, w) = (rows(&student, false), rows(&student, true));
            let model = StudentTeacher::from_rows(router, order, [&v[..3], &w[..3]], [&v[3..], &w[3..]]).unwrap();
            let start = Start::reduce(&model);
            let removal = Removal::of(&start.order_parameters(), router, order);
            let loss = |kept: &[usize]| {
                let start = start.with_students(kept);
                start.population().loss(&start.state())
            };
            let whole = loss(&[0, 1, 2]);
            for (group, kept) in [(&[0][..], &[1, 2][..]), (&[1], &[0, 2]), (&[2], &[0, 1]), (&[0, 2], &[1])] {
                let difference = loss(kept) - whole;
                let scale = order as f64 * whole.max(1.0);
                assert!((removal.change_of(group) - difference).abs() < 1e-13 * scale, "{router} {order} {group:?}");
            }
            assert_eq!(removal.changes(), [removal.change(0), removal.change(1), removal.change(2)]);
            for least in 1..3 {
                let pruned = removal.prune_to(least, f64::INFINITY);
                assert_eq!(pruned.kept.len(), least);
                assert!((pruned.loss - loss(&pruned.kept)).abs() < 1e-12 * whole.max(1.0));
            }
        }
    }

    #[test]
    fn redundant_students_are_pruned_and_useful_ones_kept() {
        let routers = [axis(4, 1.0), axis(0, 1.0), axis(6, 1.0), axis(1, 1.0)];
        let experts = [axis(5, 1.0), axis(2, 1.0), axis(7, 1.0), axis(3, 1.0)];
        let (removal, _) = removal(&routers, &experts, [&[axis(0, 1.0), axis(1, 1.0)], &[axis(2, 1.0), axis(3, 1.0)]]);
        for (change, expected) in removal.changes().into_iter().zip([-UNIT, UNIT, -UNIT, UNIT]) {
            assert!((change - expected).abs() < 1e-14, "{change}");
        }
        let pruned = removal.prune();
        assert_eq!(pruned.kept, [1, 3]);
        assert!(pruned.loss.abs() < 1e-14);
    }

    /// Two copies of one redundant student with the teacher's unit: removing the first of them changes the worth of the second. Two copies of the useful one:
    /// the rule removes one and keeps the other.
    #[test]
    fn changes_are_taken_anew_after_each_removal() {
        let routers = [axis(0, 1.0), axis(0, 1.0), axis(4, 1.0), axis(4, 1.0)];
        let experts = [axis(1, 1.0), axis(1, 1.0), axis(5, 1.0), axis(5, 1.0)];
        let (removal, _) = removal(&routers, &experts, [&[axis(0, 1.0)], &[axis(1, 1.0)]]);
        let pruned = removal.prune();
        assert_eq!(pruned.kept.len(), 1);
        assert!(pruned.kept[0] < 2 && pruned.loss.abs() < 1e-13, "{pruned:?}");
    }

    /// Zero loss without recovery: `f(v*,w*) = f(v',w*) + f(−v',w*) + f(−v*,−w*)`. Every student seems worth ½E f².
    #[test]
    fn cancelling_groups_hide_from_single_removals() {
        let routers = [axis(2, 1.0), axis(2, -1.0), axis(0, -1.0)];
        let experts = [axis(1, 1.0), axis(1, 1.0), axis(1, -1.0)];
        let (removal, start) = removal(&routers, &experts, [&[axis(0, 1.0)], &[axis(1, 1.0)]]);
        assert!(start.order_parameters().loss.abs() < 1e-14);
        assert!(removal.changes().iter().all(|change| (change - UNIT).abs() < 1e-14));
        assert_eq!(removal.prune().kept, [0, 1, 2]);
    }
}

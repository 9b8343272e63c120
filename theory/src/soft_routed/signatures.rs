//! Failures of training, named: states that training gets stuck in, steps that do not converge, pruning that removes too much.
//!
//! Each is told from what was seen: a state, the losses on the way to it, the students that pruning takes from it. Nothing says beforehand what to find.
//!
//! # Divergence
//!
//! One step of gradient descent changes the loss by `−η|g|²(1 − ηc/2)`, `c` the mean curvature met along it: the loss rises where `ηc > 2`. Beyond `2/λ`, `λ` the largest eigenvalue of the Hessian at a minimum, the deviation along its
//! eigenvector grows by `g = ηλ − 1 > 1` each step and `L − L_min` by `g²`: without end as far as the record goes, and faster and faster. Neither holds of a loss that rises and falls again, that oscillates between bounds, or that levels off. So the second half of
//! the record is cut in three pieces of `n` losses: every loss of a piece lies above all of the piece before, and the means `a, b, c` satisfy `c − b > b − a`. Then `g = ((c − b)/(b − a))^{1/2n}`, free of `L_min`.
//!
//! A larger step does not let it rise that long. Gradients are tangent, so that a step lengthens the raw norms, `‖w‖² → ‖w‖² + η²|g|²`, and what counts is `η/‖w‖²`. With `|g|² = 2λL` and `η = 2f/λ`, `f` near 1, the norms have grown by `N` with `dN = (8L/λ)dk` and `d ln L = 4(f − 1 − N)dk`, hence `dL/dN = ½λ(f − 1 − N)`: the rise
//! ends of itself at `N = f − 1` and `L = ¼λ(f − 1)²` (one student): 0.0040 and 0.016 for `f = 1.05, 1.1`, `λ = 6.47`; far beyond, the loss is bounded. Then it falls. That rise is told by its size: to a thousandth of the loss `½E f_i²` of a unit (0.00088), from a hundredth of that or less, in two steps of the record at least, the second half of
//! them above the first. A stable step allows none. Between `L = 10⁻⁵` and `10⁻³` deviations are below 0.1, in which the curvature is `rλ`, `r` near 1; as `|g|² ≤ 2rλL`, a step `η ≤ 2/λ` multiplies the loss by at most `(2r − 1)²`: to a hundredfold in two steps `r > 2` would be needed. With `L_k` where the rise arrives, `L_i` and `L_j` before it,
//! `h` steps apart each, `g = ((L_k − L_i)/(L_i − L_j))^{1/2h}`. This names descents that come from near a minimum without loss, with `f > 1.023` where the record goes on past the rise. From losses alone a descent that begins further off, or that one step takes to where the loss no longer grows, is not told from a stable one.
//!
//! Gradient flow never lets the loss rise: along one, this names a failure of the integration.

use super::{OrderParameters, Removal};
use moe_kernels::Router;

/// A recognised failure of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signature {
    /// Two students whose outputs cancel: together they have less than a tenth of the loss that they have apart, and while they last they learn no teacher (theory X6). For odd `p` and positive routers their experts are anti-aligned,
    /// beyond `0.9^{1/p}` at least.
    Dipole {
        /// One student.
        student: usize,
        /// The other.
        other: usize,
        /// `½E(f_i + f_k)²`, against `½E f_i²` of 0.88 for one redundant sigmoid expert of order 3.
        loss: f64,
    },
    /// Two students between which one teacher is shared, the state in which a redundant student that woke up leaves a learned one (theory X6). Where the
    /// redundant expert started on the teacher's side, both experts end at overlaps of 0.9156 with the teacher's. Where it started on the other side, the
    /// learned one ends at 0.9156 with the teacher's and at −0.9156 with the redundant one (measured here): the same three vectors in other roles, since
    /// `He_3` is odd, with the same loss.
    StraddlingPair {
        /// One student.
        student: usize,
        /// The other.
        other: usize,
        /// The teacher.
        teacher: usize,
    },
    /// A student drawn to two teachers that other students hold: a redundant student with comparable overlaps with two learned ones wakes between them, and three students come to share two teachers (measured
    /// here). From overlaps on the teachers' side with one of them at least the state has `L = 0.2274` (a little less off the plane of symmetry: 0.2125 in lemma `failure-signatures`), experts at (.86, −.51), (.87, .48) and (−.33, .94); from overlaps on the other side with both, `L = 0.3330` and
    /// (.96, .23), (.23, .96), (−.67, −.67). The removal of any of the three raises the loss in both.
    /// A student beyond 0.95 with one teacher holds it, and a state with hardly any loss shares nothing. Teachers were orthonormal where this was measured: where their experts overlap by more than 0.4, students that hold one each are named as well as long as they are on the way, from 0.8 to 0.95.
    SharedTeachers {
        /// The student between the teachers.
        student: usize,
        /// The two teachers.
        teachers: [usize; 2],
    },
    /// Every student's expert is aligned with the expert of one teacher (overlap beyond ½; in magnitude for even Hermite orders, which do not see the sign; times the sign of the routers' overlap for odd routers, which see the product of both) and nearer to it than to any other, although
    /// there are others to learn.
    AllOnOneTeacher {
        /// That teacher.
        teacher: usize,
    },
    /// The loss rises faster and faster, to the end of its record or to where no loss grows further: gradient descent with a step beyond the largest stable one.
    Divergence {
        /// The factor `g > 1` of the deviation from the minimum in one step; infinite where losses are no longer numbers.
        growth: f64,
    },
    /// Pruning removes a student whose return alone, to those that are kept, would lower the loss: it served a teacher, or a group that cancels. A group that cancels may go as a whole.
    UsefulExpertPruned {
        /// The removed student.
        student: usize,
        /// By how much the loss is higher without it.
        change: f64,
    },
}

impl Signature {
    /// The name used in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dipole { .. } => "dipole",
            Self::StraddlingPair { .. } => "straddling-pair",
            Self::SharedTeachers { .. } => "shared-teachers",
            Self::AllOnOneTeacher { .. } => "all-on-one-teacher",
            Self::Divergence { .. } => "divergence",
            Self::UsefulExpertPruned { .. } => "useful-expert-pruned",
        }
    }
}

/// What is known of a training: a state, the losses on the way to it and the students that pruning takes from it, if any.
#[derive(Clone, Copy, Debug)]
pub struct Symptoms<'a> {
    state: &'a OrderParameters,
    router: Router,
    order: usize,
    losses: &'a [f64],
    pruned: &'a [usize],
    thresholds: Thresholds,
}

/// What counts as one of the failures.
///
/// ```
/// use moe_theory::soft_routed::Thresholds;
/// assert_eq!(Thresholds::default().aligned, 0.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Share of the single students' loss below which a pair counts as cancelled: 0.1.
    pub cancelled: f64,
    /// Overlaps of a straddling pair: around 0.9156, apart from both a learned expert and a dormant one, 0.88 to 0.95. As [`Self::between`] and [`Self::held`] it is a number of third Hermite experts behind sigmoid routers, where these states were measured: of other models they name nothing.
    pub straddling: [f64; 2],
    /// An expert overlap that counts as aligned: ½.
    pub aligned: f64,
    /// Overlap of a student between two teachers with both, at least: 0.4, below the .48 of the states with shared teachers, beyond what a learned or a dormant expert has with a second one.
    pub between: f64,
    /// Overlap of the students that hold these, at least: 0.8, below their .86.
    pub held: f64,
    /// Change of the loss beyond which the pruning of a student does harm, over the loss `½E f_i²` of a unit: that of roundings, `1e-11`; losses are known to `1e-13` times the number of units.
    pub harm: f64,
    /// The loss that a rise which ends of itself reaches, over that of a unit, `1e-3`, and the share of it where the rise starts, 0.01.
    pub far: f64,
    /// See [`Self::far`].
    pub near: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            cancelled: 0.1,
            straddling: [0.88, 0.95],
            aligned: 0.5,
            between: 0.4,
            held: 0.8,
            harm: NOTHING,
            far: 1e-3,
            near: 0.01,
        }
    }
}

/// Changes of the loss that are none, over the loss of a unit.
const NOTHING: f64 = 1e-11;
/// Pieces of a record, and the least number of losses in each.
const PIECES: usize = 3;
const LEAST: usize = 4;

impl<'a> Symptoms<'a> {
    /// Of a state, for experts `He_order`.
    pub fn of(state: &'a OrderParameters, router: Router, order: usize) -> Self {
        Self { state, router, order, losses: &[], pruned: &[], thresholds: Thresholds::default() }
    }

    /// With the losses on the way to the state, one for each step or after equally many steps each.
    pub fn with_losses(self, losses: &'a [f64]) -> Self {
        Self { losses, ..self }
    }

    /// With the students that pruning takes from the state.
    pub fn with_pruned(self, pruned: &'a [usize]) -> Self {
        Self { pruned, ..self }
    }

    /// By other thresholds than the default ones.
    pub fn with_thresholds(self, thresholds: Thresholds) -> Self {
        Self { thresholds, ..self }
    }

    /// All failures that they show.
    pub fn signatures(&self) -> Vec<Signature> {
        let removal = Removal::of(self.state, self.router, self.order);
        let mut found = self.dipoles(&removal);
        if self.order == 3 && self.router == Router::Sigmoid {
            found.extend(self.straddling_pairs());
            found.extend(self.shared_teachers());
        }
        found.extend(self.one_teacher());
        found.extend(self.divergence(&removal));
        found.extend(self.useful_pruned(&removal));
        found
    }

    fn dipoles(&self, removal: &Removal) -> Vec<Signature> {
        let mut found = Vec::new();
        for (student, other, _) in self.state.student_pairs() {
            let loss = removal.group_loss(&[student, other]);
            let apart = removal.group_loss(&[student]) + removal.group_loss(&[other]);
            if loss < self.thresholds.cancelled * apart {
                found.push(Signature::Dipole { student, other, loss });
            }
        }
        found
    }

    fn divergence(&self, removal: &Removal) -> Option<Signature> {
        if self.losses.iter().any(|loss| !loss.is_finite()) {
            return Some(Signature::Divergence { growth: f64::INFINITY });
        }
        let unit = removal.group_loss(&[0]);
        let growth = self.unending(unit).or_else(|| self.far(unit))?;
        Some(Signature::Divergence { growth })
    }

    /// The growth of losses that rise to the end of their record.
    fn unending(&self, unit: f64) -> Option<f64> {
        let count = self.losses.len() / 2 / PIECES;
        if count < LEAST {
            return None;
        }
        let pieces: Vec<&[f64]> = self.losses[self.losses.len() - PIECES * count..].chunks_exact(count).collect();
        let highest = |piece: &[f64]| piece.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let lowest = |piece: &[f64]| piece.iter().copied().fold(f64::INFINITY, f64::min);
        if pieces.windows(2).any(|pair| lowest(pair[1]) <= highest(pair[0])) {
            return None;
        }
        let mean = |piece: &[f64]| piece.iter().sum::<f64>() / count as f64;
        let [a, b, c] = [0, 1, 2].map(|k| mean(pieces[k]));
        let growth = ((c - b) / (b - a)).powf(0.5 / count as f64);
        (growth > 1.0 && c - b > NOTHING * unit).then_some(growth)
    }

    /// The growth of the first rise that leaves a minimum.
    fn far(&self, unit: f64) -> Option<f64> {
        let mut start = 0;
        (0..self.losses.len()).find_map(|k| {
            if self.losses[k] <= self.losses[start] {
                start = k;
            }
            let half = (k - start) / 2;
            if half == 0
                || self.losses[k] < self.thresholds.far * unit
                || self.losses[start] > self.thresholds.near * self.thresholds.far * unit
            {
                return None;
            }
            let [a, b, c] = [2 * half, half, 0].map(|before| self.losses[k - before]);
            let growth = ((c - b) / (b - a)).powf(0.5 / half as f64);
            (b > a && growth > 1.0).then_some(growth)
        })
    }

    fn useful_pruned(&self, removal: &Removal) -> Vec<Signature> {
        // L(without S) − L(without S, but for i).
        let change = |student: usize| {
            let rest: Vec<usize> = self.pruned.iter().copied().filter(|other| *other != student).collect();
            removal.change_of(self.pruned) - removal.change_of(&rest)
        };
        let changes = self.pruned.iter().map(|&student| (student, change(student)));
        let harmful =
            changes.filter(|&(student, change)| change > self.thresholds.harm * removal.group_loss(&[student]));
        harmful.map(|(student, change)| Signature::UsefulExpertPruned { student, change }).collect()
    }

    fn straddling_pairs(&self) -> Vec<Signature> {
        let state = self.state;
        let mut found = Vec::new();
        // Students that hold teachers which are near one another have such overlaps, too.
        if self.is_solved() {
            return found;
        }
        for (student, other, overlap) in state.student_pairs() {
            let straddles =
                |overlap: f64| (self.thresholds.straddling[0]..=self.thresholds.straddling[1]).contains(&overlap);
            let shared = (0..state.teachers()).find(|&j| {
                let sides = [state.expert(student, j), state.expert(other, j), -overlap];
                // One of them had learned the teacher, its router included.
                let learned = state.router(student, j).max(state.router(other, j)) > self.thresholds.aligned;
                learned && sides.into_iter().filter(|side| straddles(*side)).count() == 2
            });
            found.extend(shared.map(|teacher| Signature::StraddlingPair { student, other, teacher }));
        }
        found
    }

    fn shared_teachers(&self) -> Vec<Signature> {
        let state = self.state;
        let overlap = |i: usize, j: usize| state.expert(i, j).abs();
        // Where teachers are near one another a student that holds one has an overlap with the next.
        let held = |j: usize, by_other_than: usize| {
            (0..state.students())
                .any(|i| i != by_other_than && overlap(i, j) > self.thresholds.held && self.nearest(i, j, &overlap))
        };
        let mut found = Vec::new();
        if self.is_solved() {
            return found;
        }
        let learned = |i: usize| (0..state.teachers()).any(|j| overlap(i, j) > self.thresholds.straddling[1]);
        for student in (0..state.students()).filter(|&i| !learned(i)) {
            let near = |j: &usize| state.expert(student, *j).abs() > self.thresholds.between && held(*j, student);
            let near: Vec<usize> = (0..state.teachers()).filter(near).collect();
            // Two students at one teacher alone have a name of their own, and one vector has at most six such overlaps.
            if let [first, second, ..] = near[..] {
                found.push(Signature::SharedTeachers { student, teachers: [first, second] });
            }
        }
        found
    }

    fn one_teacher(&self) -> Option<Signature> {
        let (students, teachers) = (self.state.students(), self.state.teachers());
        // One student cannot but serve one teacher, and of one teacher all students may.
        if students < 2 || teachers < 2 || self.is_solved() {
            return None;
        }
        let towards = |i: usize, j: usize| {
            let expert = self.state.expert(i, j);
            let expert = if self.order.is_multiple_of(2) { expert.abs() } else { expert };
            // π(−z) = −π(z) turns f(−v, w) into −f(v, w).
            if self.router == Router::Tanh { expert * self.state.router(i, j).signum() } else { expert }
        };
        let on =
            |j: usize| (0..students).all(|i| towards(i, j) > self.thresholds.aligned && self.nearest(i, j, &towards));
        (0..teachers).find(|j| on(*j)).map(|teacher| Signature::AllOnOneTeacher { teacher })
    }

    /// Whether no other teacher is as near to a student as this one.
    fn nearest(&self, student: usize, teacher: usize, overlap: &dyn Fn(usize, usize) -> f64) -> bool {
        let mut others = (0..self.state.teachers()).filter(|&j| j != teacher);
        others.all(|j| overlap(student, j) < overlap(student, teacher))
    }

    /// Whether the loss is hardly any beside that of a unit, a tenth of what counts as cancelled: no teacher lacks a student.
    fn is_solved(&self) -> bool {
        let unit = Removal::of(self.state, self.router, self.order).group_loss(&[0]);
        self.state.loss < 0.1 * self.thresholds.cancelled * unit
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Flow, Start, Stop, StudentTeacher};
    use super::*;

    /// A vector with the given entries, zero elsewhere. Axis 0 is the teacher's router, axis 1 its expert.
    fn sparse<const N: usize>(entries: [(usize, f64); N]) -> Vec<f64> {
        let mut vector = vec![0.0; 8];
        entries.iter().for_each(|&(i, x)| vector[i] = x);
        vector
    }

    /// Unit vector at overlap `u` with axis `along`, the rest on axis `aside`.
    fn tilted(u: f64, along: usize, aside: usize) -> Vec<f64> {
        sparse([(along, u), (aside, (1.0 - u * u).sqrt())])
    }

    fn start(routers: &[Vec<f64>], experts: &[Vec<f64>]) -> Start {
        let teacher = [[sparse([(0, 1.0)])], [sparse([(1, 1.0)])]];
        let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [routers, experts], [&teacher[0], &teacher[1]]);
        Start::reduce(&model.unwrap())
    }

    fn signatures(state: &OrderParameters) -> Vec<Signature> {
        Symptoms::of(state, Router::Sigmoid, 3).signatures()
    }

    fn found(routers: &[Vec<f64>], experts: &[Vec<f64>]) -> Vec<Signature> {
        signatures(&start(routers, experts).order_parameters())
    }

    /// The same router and exactly opposite experts cancel: `f_i + f_k = 0`. A third student beside them is nothing.
    #[test]
    fn a_dipole_is_recognised() {
        let v = sparse([(2, 1.0)]);
        let routers = [sparse([(5, 1.0)]), v.clone(), v.clone()];
        let experts = [sparse([(6, 1.0)]), sparse([(3, 1.0)]), sparse([(3, -1.0)])];
        let [Signature::Dipole { student: 1, other: 2, loss }] = found(&routers, &experts)[..] else {
            panic!("{:?}", found(&routers, &experts))
        };
        assert!(loss.abs() < 1e-14, "{loss:e}");
        // Slightly apart: ½E(f_i + f_k)² = 6Φ_00(1)(1 − u³) at overlap −u of the experts, with Φ_00(1) = ½ − A_1, still below a tenth of 6Φ_00(1).
        let u = 0.975;
        let experts = [experts[0].clone(), sparse([(3, 1.0)]), tilted(-u, 3, 4)];
        let [Signature::Dipole { student: 1, other: 2, loss }] = found(&routers, &experts)[..] else {
            panic!("{:?}", found(&routers, &experts))
        };
        assert!((loss - 6.0 * (0.5 - 0.206620964141907) * (1.0 - u.powi(3))).abs() < 1e-13, "{loss}");
    }

    /// Anti-aligned experts behind different routers do not cancel (`E f_i f_k = −6Φ_00(0) = −1.5` against `E f² = 1.76`), nor do experts at −0.85, nor aligned
    /// ones.
    #[test]
    fn near_misses_are_no_dipoles() {
        let v = sparse([(2, 1.0)]);
        let up = sparse([(3, 1.0)]);
        assert_eq!(found(&[v.clone(), sparse([(5, 1.0)])], &[up.clone(), sparse([(3, -1.0)])]), []);
        assert_eq!(found(&[v.clone(), sparse([(2, -1.0)])], &[up.clone(), sparse([(3, -1.0)])]), []);
        assert_eq!(found(&[v.clone(), v.clone()], &[up.clone(), tilted(-0.85, 3, 4)]), []);
        assert_eq!(found(&[v.clone(), v.clone()], &[up.clone(), up]), []);
    }

    #[test]
    fn dormant_and_learned_students_have_no_signature() {
        let dormant = found(&[tilted(0.02, 0, 2), tilted(-0.01, 0, 3)], &[tilted(0.03, 1, 4), tilted(0.01, 1, 5)]);
        assert_eq!(dormant, []);
        let learned = found(&[sparse([(0, 1.0)]), sparse([(3, 1.0)])], &[sparse([(1, 1.0)]), tilted(0.02, 1, 5)]);
        assert_eq!(learned, []);
        // Two students at one teacher, but not where a straddling pair settles.
        assert_eq!(found(&[sparse([(0, 1.0)]), sparse([(0, 1.0)])], &[tilted(0.97, 1, 4), tilted(0.97, 1, 5)]), []);
        assert_eq!(found(&[sparse([(0, 1.0)]), sparse([(0, 1.0)])], &[tilted(0.91, 1, 4), tilted(0.85, 1, 5)]), []);
    }

    /// A learned pair beside a redundant student at overlap ±0.02 with it: the flow leaves `L = 0.880`, wakes the redundant one after `1/(15.34·0.02²) = 163`, and
    /// settles at overlaps 0.9156 and `L = 0.4835` (theory X6, four digits each), on either side. Before it wakes there is nothing to name.
    #[test]
    fn a_redundant_student_that_wakes_ends_in_a_straddling_pair() {
        for kappa in [0.02, -0.02] {
            let routers = [sparse([(0, 1.0)]), sparse([(2, 1.0)])];
            let start = start(&routers, &[sparse([(1, 1.0)]), tilted(kappa, 1, 4)]);
            let mut states = Vec::new();
            let flow = Flow::new(&start).tolerance(1e-9);
            flow.run(600.0, &[], &[0.0, 100.0, 600.0], |_, state| states.push(state), |_, _| Stop::No).unwrap();
            for state in &states[..2] {
                assert!((state.loss - 0.8801).abs() < 1e-4, "{}", state.loss);
                assert_eq!(signatures(state), []);
            }
            let end = &states[2];
            let [learned, redundant, between] = [end.expert(0, 0), end.expert(1, 0), end.student(0, 1)];
            let partner = if kappa > 0.0 { redundant } else { -between };
            assert!((end.loss - 0.4835).abs() < 5e-5, "{}", end.loss);
            assert!(
                (learned - 0.9156).abs() < 5e-5 && (partner - 0.9156).abs() < 5e-5,
                "{learned} {redundant} {between}"
            );
            assert_eq!(signatures(end), [Signature::StraddlingPair { student: 0, other: 1, teacher: 0 }]);
        }
    }

    /// Two teachers: routers on axes 0 and 2, experts on axes 1 and 3; students with these expert overlaps with the first teacher, the rest along directions of their own.
    fn two_teachers(overlaps: [f64; 2], aside: [usize; 2]) -> OrderParameters {
        let axis = |k: usize| sparse([(k, 1.0)]);
        let experts = [tilted(overlaps[0], 1, aside[0]), tilted(overlaps[1], 1, aside[1])];
        let (routers, teachers) = ([axis(6), axis(7)], [[axis(0), axis(2)], [axis(1), axis(3)]]);
        let student: [&[Vec<f64>]; 2] = [&routers, &experts];
        let model = StudentTeacher::from_rows(Router::Sigmoid, 3, student, [&teachers[0], &teachers[1]]);
        Start::reduce(&model.unwrap()).order_parameters()
    }

    /// Experts where those of a straddling pair settle, behind routers that have learned nothing: two students that aim at one teacher.
    #[test]
    fn a_straddling_pair_has_learned_its_teacher() {
        let apart = [sparse([(6, 1.0)]), sparse([(7, 1.0)])];
        let experts = [tilted(0.9156, 1, 4), tilted(0.9156, 1, 5)];
        assert_eq!(found(&apart, &experts), []);
        let learned = [sparse([(0, 1.0)]), sparse([(7, 1.0)])];
        assert_eq!(found(&learned, &experts), [Signature::StraddlingPair { student: 0, other: 1, teacher: 0 }]);
    }

    /// Two learned students and a redundant one at these overlaps with both, after 400 units; the redundant one wakes at `1/(15.34·0.01) = 6.5`.
    fn redundant_between(overlaps: [f64; 2]) -> OrderParameters {
        let axis = |k: usize| sparse([(k, 1.0)]);
        let rest = (1.0 - overlaps[0] * overlaps[0] - overlaps[1] * overlaps[1]).sqrt();
        let experts = [axis(1), axis(3), sparse([(1, overlaps[0]), (3, overlaps[1]), (4, rest), (5, 1e-3)])];
        let (routers, teachers) = ([axis(0), axis(2), axis(6)], [[axis(0), axis(2)], [axis(1), axis(3)]]);
        let student: [&[Vec<f64>]; 2] = [&routers, &experts];
        let model = StudentTeacher::from_rows(Router::Sigmoid, 3, student, [&teachers[0], &teachers[1]]);
        let start = Start::reduce(&model.unwrap());
        let mut end = None;
        Flow::new(&start).tolerance(1e-8).run(400.0, &[], &[400.0], |_, s| end = Some(s), |_, _| Stop::No).unwrap();
        end.unwrap()
    }

    #[test]
    fn a_redundant_student_between_two_learned_ones_shares_their_teachers() {
        for (overlaps, loss, between) in
            [([0.1, 0.09], 0.2274, 2), ([0.1, -0.09], 0.2274, 2), ([-0.1, -0.09], 0.333, 1)]
        {
            let end = redundant_between(overlaps);
            assert!((end.loss - loss).abs() < 1e-4, "{}", end.loss);
            let found = signatures(&end);
            assert_eq!(found.len(), between, "{found:?}");
            assert!(found.iter().all(|s| matches!(s, Signature::SharedTeachers { teachers: [0, 1], .. })), "{found:?}");
            // No single removal helps.
            assert!(Removal::of(&end, Router::Sigmoid, 3).changes().iter().all(|change| *change > 0.1));
        }
        // Much closer to one than to the other it straddles that one's teacher alone.
        let [Signature::StraddlingPair { student: 0, other: 2, teacher: 0 }] =
            signatures(&redundant_between([0.1, 0.02]))[..]
        else {
            panic!("{:?}", signatures(&redundant_between([0.1, 0.02])))
        };
    }

    #[test]
    fn all_on_one_teacher_is_recognised_and_near_misses_are_not() {
        let all = Signature::AllOnOneTeacher { teacher: 0 };
        assert_eq!(signatures(&two_teachers([0.8, 0.6], [4, 5])), [all]);
        // One is turned away, as odd orders see it; one is dormant; one serves the other teacher.
        let away = two_teachers([0.8, -0.6], [4, 5]);
        assert_eq!(signatures(&away), []);
        assert_eq!(Symptoms::of(&away, Router::Sigmoid, 2).signatures().last(), Some(&all));
        assert_eq!(signatures(&two_teachers([0.8, 0.45], [4, 5])), []);
        assert_eq!(signatures(&two_teachers([0.8, 0.0], [4, 3])), []);
        // All students at the only teacher there is are no failure, nor is a lone student.
        let v = sparse([(0, 1.0)]);
        assert_eq!(found(&[v.clone(), v.clone()], &[tilted(0.8, 1, 4), tilted(0.8, 1, 5)]), []);
    }

    /// Students on teachers whose experts overlap are on their own, whatever the other overlap; teachers on axes 0, 2 (routers) and 1, 3.
    #[test]
    fn students_on_teachers_that_overlap_have_no_signature() {
        for overlap in [0.6, 0.85] {
            let (routers, experts) = ([sparse([(0, 1.0)]), sparse([(2, 1.0)])], experts_of(overlap));
            let named = |experts: &[Vec<f64>]| {
                let model = StudentTeacher::from_rows(
                    Router::Sigmoid,
                    3,
                    [&routers, experts],
                    [&routers, &experts_of(overlap)],
                );
                signatures(&Start::reduce(&model.unwrap()).order_parameters())
            };
            assert_eq!(named(&experts), []);
            // On the way there; both on the first.
            assert_eq!(named(&[tilted(0.98, 1, 4), experts[1].clone()]), []);
            assert_eq!(named(&[sparse([(1, 1.0)]), tilted(0.97, 1, 4)]), [Signature::AllOnOneTeacher { teacher: 0 }]);
        }
    }

    fn experts_of(overlap: f64) -> [Vec<f64>; 2] {
        [sparse([(1, 1.0)]), tilted(overlap, 1, 3)]
    }

    /// With tanh routers and odd orders `f(−v, −w) = f(v, w)`: a reflected student is on its teacher, one with a single sign turned is not.
    #[test]
    fn reflected_students_are_on_their_teacher() {
        let named = |router: Router, signs: [f64; 2]| {
            let routers = [tilted(0.9, 0, 4), tilted(signs[0] * 0.9, 0, 5)];
            let experts = [tilted(0.8, 1, 6), tilted(signs[1] * 0.8, 1, 7)];
            let axis = |k: usize| sparse([(k, 1.0)]);
            let teachers = [[axis(0), axis(2)], [axis(1), axis(3)]];
            let model = StudentTeacher::from_rows(router, 3, [&routers, &experts], [&teachers[0], &teachers[1]]);
            let state = Start::reduce(&model.unwrap()).order_parameters();
            let found = Symptoms::of(&state, router, 3).signatures();
            found.contains(&Signature::AllOnOneTeacher { teacher: 0 })
        };
        let all = [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]];
        assert_eq!(all.map(|signs| named(Router::Tanh, signs)), [true, true, false, false]);
        assert_eq!(all.map(|signs| named(Router::Sigmoid, signs)), [true, false, false, true]);
    }

    /// What a record of losses is named beside the teacher's own unit.
    fn growth(losses: &[f64]) -> Option<f64> {
        let state = start(&[sparse([(0, 1.0)])], &[sparse([(1, 1.0)])]).order_parameters();
        let found = Symptoms::of(&state, Router::Sigmoid, 3).with_losses(losses).signatures();
        match found[..] {
            [] => None,
            [Signature::Divergence { growth }] => Some(growth),
            _ => panic!("{found:?}"),
        }
    }

    /// At the teacher the largest eigenvalue is 6.47267 (theory X3): a descent with a step of 2% more than 2/6.47267 diverges by the factor 1.04, one with 2% less does not.
    #[test]
    fn divergence_is_a_step_beyond_the_largest_stable_one() {
        let start = start(&[sparse([(0, 1.0)])], &[sparse([(1, 1.0)])]);
        let descend = |steps: &dyn Fn(usize) -> f64| {
            let mut population = start.population();
            let mut weights = start.state();
            weights.iter_mut().enumerate().for_each(|(k, w)| *w += 3e-5 * (1.0 + k as f64).sin());
            let mut gradient = vec![0.0; weights.len()];
            let mut losses = Vec::new();
            for k in 0..100 {
                losses.push(population.gradient(&weights, &mut gradient));
                let step = steps(k) * 2.0 / 6.472671767175286;
                weights.iter_mut().zip(&gradient).for_each(|(w, g)| *w -= step * g);
            }
            growth(&losses)
        };
        assert_eq!(descend(&|_| 0.98), None);
        let found = descend(&|_| 1.02).unwrap();
        assert!((found - 1.04).abs() < 1e-3, "{found}");
        // Beyond, until the rise ends of itself.
        for multiple in [1.05, 1.2, 2.0, 10.0] {
            assert!(descend(&|_| multiple).unwrap() > 1.0);
        }
        // It rises for 60 steps, then falls; it rises and falls in turn, by factors −1.5 and −0.64.
        assert_eq!(descend(&|k| if k < 60 { 1.02 } else { 0.98 }), None);
        assert_eq!(descend(&|k| [1.25, 0.82][k % 2]), None);
    }

    #[test]
    fn near_misses_are_no_divergence() {
        let record = |of: &dyn Fn(f64) -> f64| (0..120).map(|k| of(f64::from(k))).collect::<Vec<_>>();
        // Above a minimum of its own, by the square of 1.01.
        let found = growth(&record(&|k| 0.5 + 1e-6 * (0.02 * k).exp())).unwrap();
        assert!((found - 0.01_f64.exp()).abs() < 1e-9, "{found}");
        // Levels off; constant; roundings; oscillates; falls; too short.
        assert_eq!(growth(&record(&|k| 1.0 - (-0.05 * k).exp())), None);
        assert_eq!(growth(&record(&|_| 0.3)), None);
        assert_eq!(growth(&record(&|k| 1e-16 * k * k)), None);
        assert_eq!(growth(&record(&|k| 1.0 + 0.3 * k.sin())), None);
        assert_eq!(growth(&record(&|k| (-0.1 * k).exp())), None);
        assert_eq!(growth(&record(&|k| (0.02 * k).exp())[..23]), None);
        // In one step; from further off; faster and faster, then falls.
        assert_eq!(growth(&[1e-6, 1e-6, 1.0, 0.5]), None);
        assert_eq!(growth(&[0.1, 0.15, 0.9, 0.1]), None);
        assert!((growth(&[1e-7, 1e-5, 1e-3, 0.1, 1e-3]).unwrap() - 10.0).abs() < 1e-9);
        // No numbers any more.
        assert_eq!(growth(&[0.1, f64::NAN]), Some(f64::INFINITY));
    }

    /// A unit at overlap `κ` with a teacher's expert, behind its router, is worth `6Φ_00(1)(κ³ − ½)`: useful from `2^{−1/3} = 0.794` on.
    #[test]
    fn pruning_of_a_useful_expert_is_recognised() {
        let of = |kappa: f64, pruned: &[usize]| {
            let routers = [sparse([(0, 1.0)]), sparse([(2, 1.0)])];
            let state = start(&routers, &[tilted(kappa, 1, 5), sparse([(4, 1.0)])]).order_parameters();
            Symptoms::of(&state, Router::Sigmoid, 3).with_pruned(pruned).signatures()
        };
        for (kappa, pruned) in [(1.0, vec![0]), (1.0, vec![1, 0]), (0.8, vec![0])] {
            let [Signature::UsefulExpertPruned { student: 0, change }] = of(kappa, &pruned)[..] else {
                panic!("{:?}", of(kappa, &pruned))
            };
            let expected = 6.0 * (0.5 - 0.206620964141907) * (kappa * kappa * kappa - 0.5);
            assert!((change - expected).abs() < 1e-12, "{change}");
        }
        assert_eq!(of(1.0, &[1]), []);
        assert_eq!(of(0.79, &[0]), []);
        assert_eq!(of(1.0, &[]), []);
    }

    /// One half of a dipole cancels the other; together they are nothing.
    #[test]
    fn a_dipole_may_be_pruned_as_a_whole() {
        let v = sparse([(2, 1.0)]);
        let state = start(&[v.clone(), v], &[sparse([(3, 1.0)]), sparse([(3, -1.0)])]).order_parameters();
        let harmful = |pruned: &[usize]| {
            let found = Symptoms::of(&state, Router::Sigmoid, 3).with_pruned(pruned).signatures();
            found.iter().filter(|s| matches!(s, Signature::UsefulExpertPruned { .. })).count()
        };
        assert_eq!([harmful(&[0, 1]), harmful(&[0]), harmful(&[1])], [0, 1, 1]);
    }

    /// Three teachers near one another, each held by its own student: overlaps of a straddling pair, and no failure.
    #[test]
    fn near_teachers_that_are_held_are_no_straddling_pairs() {
        let expert = |k: usize| sparse([(1, 0.9_f64.sqrt()), (k, 0.1_f64.sqrt())]);
        let (routers, experts) = (vec![sparse([(0, 1.0)]); 3], [expert(4), expert(5), expert(6)]);
        let model =
            StudentTeacher::from_rows(Router::Sigmoid, 3, [&routers[..], &experts[..]], [&routers[..], &experts[..]]);
        assert_eq!(signatures(&Start::reduce(&model.unwrap()).order_parameters()), []);
    }

    /// What was measured for third Hermite experts behind sigmoid routers is not said of others.
    #[test]
    fn straddling_pairs_belong_to_one_model() {
        let learned = [sparse([(0, 1.0)]), sparse([(7, 1.0)])];
        let state = start(&learned, &[tilted(0.9156, 1, 4), tilted(0.9156, 1, 5)]).order_parameters();
        assert_eq!(Symptoms::of(&state, Router::Sigmoid, 3).signatures().len(), 1);
        assert_eq!(Symptoms::of(&state, Router::Tanh, 3).signatures(), []);
        assert_eq!(Symptoms::of(&state, Router::Sigmoid, 4).signatures(), []);
    }
}

//! Failures of training, named: states that training gets stuck in, steps that do not converge, pruning that removed too much.

use super::{OrderParameters, Removal};
use moe_kernels::Router;

/// A recognised failure of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signature {
    /// Two students whose experts are anti-aligned and whose outputs cancel: together they contribute almost nothing, and while they last they learn
    /// no teacher (theory X6).
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
    SharedTeachers {
        /// The student between the teachers.
        student: usize,
        /// The two teachers.
        teachers: [usize; 2],
    },
    /// Every student's expert is aligned with the expert of one teacher (overlap beyond ½; in magnitude for even Hermite orders, which do not see the sign), although there are others to learn.
    AllOnOneTeacher {
        /// That teacher.
        teacher: usize,
    },
    /// Gradient descent with a step `η` beyond `2/λ`, `λ` the largest eigenvalue of the Hessian: the deviation from a minimum along its eigenvector is multiplied by
    /// `1 − ηλ` each step, and grows.
    Divergence {
        /// `|1 − ηλ| > 1`.
        growth: f64,
    },
    /// Pruning has removed an expert whose removal raised the loss: it served a teacher, or a group that cancels.
    UsefulExpertPruned {
        /// The removed student.
        student: usize,
        /// The change of the loss on its removal.
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

/// A gradient descent near a minimum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descent {
    /// The step `η`.
    pub step: f64,
    /// The largest eigenvalue `λ` of the Hessian there; by [`Hessian::spectrum`](super::Hessian::spectrum) or a closed form.
    pub largest_eigenvalue: f64,
}

impl Descent {
    /// `|1 − ηλ|`: the factor of the deviation along the steepest direction in one step.
    pub fn growth(&self) -> f64 {
        (1.0 - self.step * self.largest_eigenvalue).abs()
    }
}

/// What is known of a training: a state, and with it the descent and the pruning that led to it, if any.
#[derive(Clone, Copy, Debug)]
pub struct Symptoms<'a> {
    state: &'a OrderParameters,
    router: Router,
    order: usize,
    descent: Option<Descent>,
    removed: &'a [(usize, f64)],
}

/// Overlap beyond which two experts count as anti-aligned.
const ANTI_ALIGNED: f64 = -0.9;
/// Share of the single students' loss below which a pair counts as cancelled.
const CANCELLED: f64 = 0.1;
/// Overlaps of a straddling pair: around 0.9156, apart from both a learned expert and a dormant one.
const STRADDLING: [f64; 2] = [0.88, 0.95];
/// An expert overlap that counts as aligned.
const ALIGNED: f64 = 0.5;
/// Overlaps of a student between two teachers, both at least the first, and of the students that hold them: below .48 and .86 of the states with shared teachers, beyond what a learned or a dormant expert has with a second one.
const BETWEEN: f64 = 0.4;
const HELD: f64 = 0.8;
/// Rise of the loss beyond which a removal was a loss, above the roundings of two losses.
const HARM: f64 = 1e-9;

impl<'a> Symptoms<'a> {
    /// Of a state of a flow, for experts `He_order`.
    pub fn of(state: &'a OrderParameters, router: Router, order: usize) -> Self {
        Self { state, router, order, descent: None, removed: &[] }
    }

    /// With the gradient descent that is to go on from the state.
    pub fn with_descent(self, descent: Descent) -> Self {
        Self { descent: Some(descent), ..self }
    }

    /// With the students that were removed to get to the state, each with the change of the loss on its removal, as in [`Pruned::removed`](super::Pruned::removed).
    pub fn with_removed(self, removed: &'a [(usize, f64)]) -> Self {
        Self { removed, ..self }
    }

    /// All failures that they show.
    pub fn signatures(&self) -> Vec<Signature> {
        let mut found = self.pairs();
        found.extend(self.shared_teachers());
        found.extend(self.one_teacher());
        let growth = self.descent.map(|descent| descent.growth()).filter(|growth| *growth > 1.0);
        found.extend(growth.map(|growth| Signature::Divergence { growth }));
        let harmful = self.removed.iter().filter(|(_, change)| *change > HARM);
        found.extend(harmful.map(|&(student, change)| Signature::UsefulExpertPruned { student, change }));
        found
    }

    fn pairs(&self) -> Vec<Signature> {
        let state = self.state;
        let removal = Removal::of(state, self.router, self.order);
        let mut found = Vec::new();
        for (student, other, overlap) in state.student_pairs() {
            if overlap < ANTI_ALIGNED {
                let loss = removal.group_loss(&[student, other]);
                let apart = removal.group_loss(&[student]) + removal.group_loss(&[other]);
                if loss < CANCELLED * apart {
                    found.push(Signature::Dipole { student, other, loss });
                }
            }
            let straddles = |overlap: f64| (STRADDLING[0]..=STRADDLING[1]).contains(&overlap);
            let shared = (0..state.teachers()).find(|&j| {
                let sides = [state.expert(student, j), state.expert(other, j), -overlap];
                // One of them had learned the teacher, its router included.
                let learned = state.router(student, j).max(state.router(other, j)) > ALIGNED;
                learned && sides.into_iter().filter(|side| straddles(*side)).count() == 2
            });
            found.extend(shared.map(|teacher| Signature::StraddlingPair { student, other, teacher }));
        }
        found
    }

    fn shared_teachers(&self) -> Vec<Signature> {
        let state = self.state;
        let held = |j: usize, by_other_than: usize| {
            (0..state.students()).any(|i| i != by_other_than && state.expert(i, j).abs() > HELD)
        };
        let mut found = Vec::new();
        for student in 0..state.students() {
            let near = |j: &usize| state.expert(student, *j).abs() > BETWEEN && held(*j, student);
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
        if students < 2 || teachers < 2 {
            return None;
        }
        let towards = |overlap: f64| if self.order.is_multiple_of(2) { overlap.abs() } else { overlap };
        let on = |j: usize| (0..students).all(|i| towards(self.state.expert(i, j)) > ALIGNED);
        (0..teachers).find(|j| on(*j)).map(|teacher| Signature::AllOnOneTeacher { teacher })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Flow, Hessian, Start, Stop, StudentTeacher};
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

    /// At the teacher the largest eigenvalue is 6.47267 (theory X3): a step of 2% more than 2/6.47267 diverges, one of 2% less does not.
    #[test]
    fn divergence_is_a_step_beyond_the_largest_stable_one() {
        let start = start(&[sparse([(0, 1.0)])], &[sparse([(1, 1.0)])]);
        let mut hessian = Hessian::new(&start);
        hessian.set(&start.state());
        let largest_eigenvalue = hessian.spectrum().pop().unwrap();
        let state = start.order_parameters();
        let at = |factor: f64| {
            let descent = Descent { step: factor * 2.0 / 6.472671767175286, largest_eigenvalue };
            Symptoms::of(&state, Router::Sigmoid, 3).with_descent(descent).signatures()
        };
        assert_eq!(at(0.98), []);
        assert_eq!(at(0.0), []);
        let [Signature::Divergence { growth }] = at(1.02)[..] else { panic!("{:?}", at(1.02)) };
        assert!((growth - 1.04).abs() < 1e-9, "{growth}");
    }

    /// Of a learned student and a redundant one, pruning to none takes both: the second removal is the harmful one.
    #[test]
    fn pruning_of_a_useful_expert_is_recognised() {
        let start = start(&[sparse([(0, 1.0)]), sparse([(2, 1.0)])], &[sparse([(1, 1.0)]), sparse([(4, 1.0)])]);
        let state = start.order_parameters();
        let removal = Removal::of(&state, Router::Sigmoid, 3);
        let of = |removed: &[(usize, f64)]| Symptoms::of(&state, Router::Sigmoid, 3).with_removed(removed).signatures();
        assert_eq!(of(&removal.prune().removed), []);
        let [Signature::UsefulExpertPruned { student: 0, change }] =
            of(&removal.prune_to(0, f64::INFINITY).removed)[..]
        else {
            panic!("{:?}", removal.prune_to(0, f64::INFINITY))
        };
        assert!((change - 0.8801371).abs() < 1e-7, "{change}");
        // A removal that costs nothing is none.
        assert_eq!(of(&[(1, -0.88), (0, 1e-15)]), []);
    }
}

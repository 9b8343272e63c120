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
    /// beyond `0.9^{1/p}` at least. A student that holds a teacher, router and expert, may take up a part of what others overshoot, and then together they have little loss, too: it is half of a dipole where they have less than a hundredth.
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
    /// `He_3` is odd, with the same loss. To neither student another teacher is nearer, neither is half of a dipole, and no third one holds the teacher.
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
    /// One teacher that three or more students share, none of which holds it: the state in which two or more redundant students that woke up leave a learned one, or in which as many arrive at once. Each is beyond ½ with it, and nearer to it than to any other teacher; on the teacher's side three
    /// end at overlaps of .83 to .86 with it and of .53 to .56 with one another (`L = 1.263` to 1.265 of `m = 3`, `m* = 1`), four at .76 and .42 to .46 (2.077); from the other side with overlaps −.56 (measured here; routers at .56 to .70, of four students at −.36). As for a straddling pair the model is that of third Hermite experts behind sigmoid routers.
    CrowdedTeacher {
        /// The teacher.
        teacher: usize,
        /// How many students share it.
        students: usize,
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
            Self::CrowdedTeacher { .. } => "crowded-teacher",
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
/// Of the loss below which two students cancel, where one of them holds a teacher.
const HELD_SHARE: f64 = 0.1;
/// Students at one teacher that are a crowd.
const CROWD: usize = 3;
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
            // Halves of a dipole are nothing together and share no teacher with others.
            let mut free = vec![true; self.state.students()];
            for signature in &found {
                if let Signature::Dipole { student, other, .. } = *signature {
                    (free[student], free[other]) = (false, false);
                }
            }
            found.extend(self.straddling_pairs(&free));
            found.extend(self.shared_teachers(&free));
            found.extend(self.crowded_teachers(&free));
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
            let held = (0..self.state.teachers()).any(|j| self.holds(student, j) || self.holds(other, j));
            let share = if held { HELD_SHARE } else { 1.0 };
            if loss < share * self.thresholds.cancelled * apart {
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

    fn straddling_pairs(&self, free: &[bool]) -> Vec<Signature> {
        let state = self.state;
        let mut found = Vec::new();
        // Students that hold teachers which are near one another have such overlaps, too.
        if self.is_solved() {
            return found;
        }
        for (student, other, overlap) in state.student_pairs().filter(|&(i, k, _)| free[i] && free[k]) {
            let straddles =
                |overlap: f64| (self.thresholds.straddling[0]..=self.thresholds.straddling[1]).contains(&overlap);
            let shared = (0..state.teachers()).find(|&j| {
                let sides = [state.expert(student, j), state.expert(other, j), -overlap];
                // Teachers near one another have a student each.
                let near = [student, other].iter().all(|&i| self.nearest(i, j, &|i, j| state.expert(i, j).abs()));
                let held = (0..state.students()).any(|i| i != student && i != other && self.holds(i, j));
                // One of them had learned the teacher, its router included.
                let learned = state.router(student, j).max(state.router(other, j)) > self.thresholds.aligned;
                near && !held && learned && sides.into_iter().filter(|side| straddles(*side)).count() == 2
            });
            found.extend(shared.map(|teacher| Signature::StraddlingPair { student, other, teacher }));
        }
        found
    }

    fn shared_teachers(&self, free: &[bool]) -> Vec<Signature> {
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
        for student in (0..state.students()).filter(|&i| free[i] && !learned(i)) {
            let near = |j: &usize| state.expert(student, *j).abs() > self.thresholds.between && held(*j, student);
            let near: Vec<usize> = (0..state.teachers()).filter(near).collect();
            // Two students at one teacher alone have a name of their own, and one vector has at most six such overlaps.
            if let [first, second, ..] = near[..] {
                found.push(Signature::SharedTeachers { student, teachers: [first, second] });
            }
        }
        found
    }

    fn crowded_teachers(&self, free: &[bool]) -> Vec<Signature> {
        let state = self.state;
        let overlap = |i: usize, j: usize| state.expert(i, j).abs();
        if self.is_solved() {
            return Vec::new();
        }
        let crowd = |teacher: usize| {
            let held = (0..state.students()).any(|i| overlap(i, teacher) > self.thresholds.straddling[1]);
            let at = |&i: &usize| {
                free[i] && overlap(i, teacher) > self.thresholds.aligned && self.nearest(i, teacher, &overlap)
            };
            let students = (0..state.students()).filter(at).count();
            (!held && students >= CROWD).then_some(Signature::CrowdedTeacher { teacher, students })
        };
        (0..state.teachers()).filter_map(crowd).collect()
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

    /// Whether a student has learned this teacher, router and expert.
    fn holds(&self, student: usize, teacher: usize) -> bool {
        let overlap = self.state.router(student, teacher).min(self.state.expert(student, teacher).abs());
        overlap > self.thresholds.straddling[1]
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
mod tests;

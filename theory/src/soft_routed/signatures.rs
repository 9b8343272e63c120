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

use super::{OrderParameters, Removal, Start};

mod groups;

/// A recognised failure of training.
#[derive(Clone, Debug, PartialEq)]
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
    /// Two students between which one teacher is shared, at rest, the state in which a redundant student that woke up leaves a learned one (theory X6). Where the
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
        /// What they leave of it, `½E(f_i + f_k − f*_j)²`.
        loss: f64,
    },
    /// Several teachers shared by students of which none has learned one, at rest: a redundant student with comparable overlaps with two learned ones wakes between them, and three students come to share two teachers; one student stands between two that overlap.
    SharedTeachers {
        /// The students.
        students: Vec<usize>,
        /// The teachers.
        teachers: Vec<usize>,
        /// What they leave of them, `½E(Σ_S f_i − Σ_T f*_j)²`.
        loss: f64,
    },
    /// One teacher shared by three or more students, at rest: the state in which two or more redundant students that woke up leave a learned one, or in which as many arrive at once. They may leave nothing of the teacher: together they serve it, and none of them has learned it.
    CrowdedTeacher {
        /// The teacher.
        teacher: usize,
        /// The students.
        students: Vec<usize>,
        /// What they leave of it, `½E(Σ_S f_i − f*_j)²`.
        loss: f64,
    },
    /// A student at rest that has a part of a teacher and has not learned it: for tanh routers, one whose expert and router have opposite signs beside the teacher's. One that holds it, but for the pull of a teacher nearby, is none.
    PartlyLearned {
        /// The student.
        student: usize,
        /// The teacher.
        teacher: usize,
        /// What it leaves, `½E(f_i − f*_j)²`.
        loss: f64,
    },
    /// Students that cancel one another and serve no teacher, at rest, but for pairs that are dipoles.
    CancellingGroup {
        /// The students.
        students: Vec<usize>,
        /// What is left of them, `½E(Σ_S f_i)²`.
        loss: f64,
    },
    /// All students share one teacher, as a straddling pair or a crowd, although there are others to learn.
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
    /// The students of a crowd, of shared teachers or of a group that cancels.
    fn students(&self) -> &[usize] {
        match self {
            Self::SharedTeachers { students, .. }
            | Self::CrowdedTeacher { students, .. }
            | Self::CancellingGroup { students, .. } => students,
            _ => &[],
        }
    }

    /// The name used in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dipole { .. } => "dipole",
            Self::StraddlingPair { .. } => "straddling-pair",
            Self::SharedTeachers { .. } => "shared-teachers",
            Self::CrowdedTeacher { .. } => "crowded-teacher",
            Self::PartlyLearned { .. } => "partly-learned",
            Self::CancellingGroup { .. } => "cancelling-group",
            Self::AllOnOneTeacher { .. } => "all-on-one-teacher",
            Self::Divergence { .. } => "divergence",
            Self::UsefulExpertPruned { .. } => "useful-expert-pruned",
        }
    }
}

/// What is known of a training: a state, the losses on the way to it and the students that pruning takes from it, if any.
#[derive(Clone, Copy, Debug)]
pub struct Symptoms<'a> {
    start: &'a Start,
    state: &'a OrderParameters,
    losses: &'a [f64],
    pruned: &'a [usize],
    thresholds: Thresholds,
}

/// What counts as one of the failures.
///
/// ```
/// use moe_theory::soft_routed::Thresholds;
/// assert_eq!(Thresholds::default().shared, 0.9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Share of the single students' loss below which a pair counts as cancelled: 0.1.
    pub cancelled: f64,
    /// `½E(f_i − f*_j)²` over `½E f_i² + ½E f*_j²` below which a student has learned a teacher: 0.02.
    pub learned: f64,
    /// `|E f_a f_b|` over `(E f_a² E f_b²)^{1/2}` beyond which two units stand in one group: 0.1.
    pub connected: f64,
    /// By how much the students of a group at rest lower the loss in a unit of time at most, over what the group leaves and a hundredth of a unit's loss: `10⁻³`.
    pub rest: f64,
    /// Share of the loss that its units have apart, which a group leaves at most: 0.9.
    pub shared: f64,
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
            learned: 0.02,
            connected: 0.1,
            rest: 1e-3,
            shared: 0.9,
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
/// What a student leaves of a teacher that it holds, over what they have apart: that of overlaps of 0.95 at order 3.
const HELD: f64 = 0.15;
/// Pieces of a record, and the least number of losses in each.
const PIECES: usize = 3;
const LEAST: usize = 4;

impl<'a> Symptoms<'a> {
    /// Of a state that students of this start come to.
    pub fn of(start: &'a Start, state: &'a OrderParameters) -> Self {
        Self { start, state, losses: &[], pruned: &[], thresholds: Thresholds::default() }
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
        let removal = Removal::of(self.state, self.start.router, self.start.order);
        let mut found = self.dipoles(&removal);
        let groups = self.groups_at_rest(&removal, &found);
        // Halves that a group needs are no dipole.
        let within = |student: usize, other: usize| {
            groups.iter().any(|group| group.students().contains(&student) && group.students().contains(&other))
        };
        found.retain(|dipole| !matches!(*dipole, Signature::Dipole { student, other, .. } if within(student, other)));
        let one = self.one_teacher(&groups);
        found.extend(groups);
        found.extend(one);
        found.extend(self.divergence(&removal));
        found.extend(self.useful_pruned(&removal, self.pruned));
        found
    }

    /// The students whose pruning, each by itself, would be harmful.
    pub fn useful_students(&self) -> Vec<usize> {
        let removal = Removal::of(self.state, self.start.router, self.start.order);
        (0..self.state.students()).filter(|&student| !self.useful_pruned(&removal, &[student]).is_empty()).collect()
    }

    /// The pairs that cancel best, each student in one.
    fn dipoles(&self, removal: &Removal) -> Vec<Signature> {
        let (unlearned, _) = self.unlearned(removal);
        let holds: Vec<bool> = (0..self.state.students()).map(|i| self.holds(removal, i)).collect();
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (student, other, _) in self.state.student_pairs() {
            let share = removal.group_loss(&[student, other]) / removal.loss_apart(&[student, other], &[]);
            let most = if holds[student] || holds[other] { HELD_SHARE } else { 1.0 } * self.thresholds.cancelled;
            if share < most && (unlearned.contains(&student) || unlearned.contains(&other)) {
                pairs.push((share, student, other));
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut taken = vec![false; self.state.students()];
        pairs.retain(|&(_, i, k)| {
            let free = !taken[i] && !taken[k];
            if free {
                (taken[i], taken[k]) = (true, true);
            }
            free
        });
        pairs.sort_by_key(|&(_, student, other)| (student, other));
        let dipole =
            |(_, student, other)| Signature::Dipole { student, other, loss: removal.group_loss(&[student, other]) };
        pairs.into_iter().map(dipole).collect()
    }

    fn divergence(&self, removal: &Removal) -> Option<Signature> {
        if self.losses.iter().any(|loss| !loss.is_finite()) {
            return Some(Signature::Divergence { growth: f64::INFINITY });
        }
        let unit = removal.unit_loss();
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

    fn useful_pruned(&self, removal: &Removal, pruned: &[usize]) -> Vec<Signature> {
        // L(without S) − L(without S, but for i).
        let change = |student: usize| {
            let rest: Vec<usize> = pruned.iter().copied().filter(|other| *other != student).collect();
            removal.change_of(pruned) - removal.change_of(&rest)
        };
        let changes = pruned.iter().map(|&student| (student, change(student)));
        let harmful =
            changes.filter(|&(student, change)| change > self.thresholds.harm * removal.group_loss(&[student]));
        harmful.map(|(student, change)| Signature::UsefulExpertPruned { student, change }).collect()
    }

    /// One student cannot but serve one teacher, and of one teacher all students may.
    fn one_teacher(&self, groups: &[Signature]) -> Option<Signature> {
        let at = |signature: &Signature| match signature {
            Signature::StraddlingPair { teacher, .. } => Some((2, *teacher)),
            Signature::CrowdedTeacher { teacher, students, .. } => Some((students.len(), *teacher)),
            _ => None,
        };
        let all = groups.iter().filter_map(at).find(|(students, _)| *students == self.state.students());
        let (_, teacher) = all.filter(|_| self.state.teachers() > 1)?;
        Some(Signature::AllOnOneTeacher { teacher })
    }
}

#[cfg(test)]
mod tests;

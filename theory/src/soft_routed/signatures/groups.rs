//! Students and teachers that stand together, and what they leave of one another.
//!
//! # Groups
//!
//! The loss is `½Σ ±E f_a f_b` over all units, students with `+` and teachers with `−`. Units whose expectations are small beside their own, `|E f_a f_b| ≤ (E f_a² E f_b²)^{1/2}/10`, hardly know of one another; the others form groups, connected directly or through others, and the loss is the sum
//! of what the groups leave, `½E(Σ_{i∈S} f_i − Σ_{j∈T} f*_j)²`, up to these tenths. Against this stands what their units have apart, `½Σ E f²`.
//!
//! A student has *learned* a teacher where the two leave less than a fiftieth of that; such pairs are none of a group. Nor are the halves of dipoles, where the group leaves as much without them, to a hundredth of a unit's loss. What remains waits by itself, is on its way, or has come to terms: a group that is *at rest*, its students lowering the loss by less than a thousandth of what the
//! group leaves (and a hundredth of a unit's loss) in a unit of time, and that leaves less than nine tenths of what its units have apart. Four students at one teacher's side have 0.47; second Hermite experts, which cannot cancel, leave more the more they are: twelve at one teacher 0.75. A student turned away from its teacher leaves twice what they have apart, and is none of a group. Where no student is too many and each holds a teacher (0.15 in place of a fiftieth: teachers nearby pull at it), no group needs a name.
//!
//! Rest is no promise. A pair that straddles a teacher may turn about it, and a teacher that nobody serves turns it, with an overlap `e` by some time `0.4/e²` (measured here: 40 and 160 for 0.1 and 0.05), until one of the two leaves for that teacher.
//!
//! What is not seen: states in which nearly nothing of a teacher is met. A student may rest *crossed*, its router on the teacher's expert and its expert on the teacher's router (`v·w* = 0.960`, `w·v* = 0.965`, `κ = −0.263`, `β = 0.282` for sigmoid routers and third Hermite experts), with a correlation of 0.013 and a loss 0.0255 units below that of a dormant one:
//! the end of a random start in twenty dimensions. With tanh routers a quarter of single pairs is driven to `κ = 0` (lemma `router-dependence`), has the loss of a dormant student there, and is not told from one.
//!
//! # What there is
//!
//! Where flows from random starts stood after 600 units of time, third Hermite experts behind sigmoid routers, orthonormal teachers (measured here; `L` of the group, students and teachers):
//!
//! | students | teachers | `L` |
//! |---|---|---|
//! | 2 | 1 | 0.4835 to 0.46: a straddling pair (theory X6) |
//! | 3 | 0 | the same, with a student in the teacher's place, turned round |
//! | 3 | 2 | 0.2274 to 0.2125, overlaps (.86, −.51), (.87, .48), (−.33, .94); 0.3330, (.96, .23), (.23, .96), (−.67, −.67) |
//! | 3 | 1 | 1.263: three on the teacher's side at .83 to .86, or one at .84 and two at −.56 |
//! | 4 | 1 | 0: a pentagon; 0.31 to 0.33 |
//! | 4 | 3 | 0.28 to 0.30 |
//! | 5 | 2 | 0; 0.14; 0.23 |
//! | 6 | 1 | 0: a heptagon; 0.25 |
//!
//! Unit vectors at the corners of a regular `n`-gon have `Σ w_k^{⊗3} = 0` unless `n` divides 3: third moments in a plane have the frequencies 1 and 3 alone. For `n = 2` that is a dipole, for `n = 4` two of them, and `n = 5` and `7` are new. Behind one router five or seven such students are nothing, and with a corner turned round and handed to a teacher
//! the other four or six serve it exactly, at overlaps (.81, .81, −.31, −.31), though none of them has learned it.

use super::{HELD, Signature, Symptoms};
use crate::soft_routed::Removal;

/// Share of a unit's loss that hardly counts.
const NEARLY_NOTHING: f64 = 0.01;

/// Units that stand together.
#[derive(Clone, Debug)]
struct Group {
    students: Vec<usize>,
    teachers: Vec<usize>,
}

impl Group {
    /// What its students leave of its teachers.
    fn loss(&self, removal: &Removal) -> f64 {
        removal.residual_loss(&self.students, &self.teachers)
    }

    /// Not teachers alone nor a lone student, and two students that cancel are a dipole or nothing.
    fn has_a_name(&self) -> bool {
        self.students.len() > if self.teachers.is_empty() { 2 } else { 0 }
    }
}

impl Symptoms<'_> {
    /// Groups at rest that have come to terms, without dipoles that are nothing to them.
    pub(super) fn groups_at_rest(&self, removal: &Removal, dipoles: &[Signature]) -> Vec<Signature> {
        let of_dipoles = |i: usize| {
            let half =
                |s: &Signature| matches!(*s, Signature::Dipole { student, other, .. } if i == student || i == other);
            dipoles.iter().any(half)
        };
        let apart = |group: Group| {
            let single = group.students.iter().copied().filter(|&i| !of_dipoles(i)).collect::<Vec<_>>();
            let change = group.loss(removal) - removal.residual_loss(&single, &group.teachers);
            if change.abs() < NEARLY_NOTHING * removal.unit_loss() {
                self.groups(removal, single, group.teachers)
            } else {
                vec![group]
            }
        };
        let (students, teachers) = self.unlearned(removal);
        let groups = self.groups(removal, students, teachers).into_iter().flat_map(apart);
        let groups: Vec<Group> = groups.filter(Group::has_a_name).collect();
        if groups.is_empty() {
            return Vec::new();
        }
        let speeds = self.speeds();
        groups.into_iter().filter_map(|group| self.at_rest(removal, &speeds, group)).collect()
    }

    /// Students and teachers but for those that have each other.
    pub(super) fn unlearned(&self, removal: &Removal) -> (Vec<usize>, Vec<usize>) {
        let mut teachers: Vec<usize> = (0..self.state.teachers()).collect();
        let mut students: Vec<usize> = (0..self.state.students()).collect();
        students.retain(|&i| {
            let learned = teachers.iter().position(|&j| self.left(removal, i, j) < self.thresholds.learned);
            learned.map(|at| teachers.remove(at)).is_none()
        });
        (students, teachers)
    }

    /// What a student leaves of a teacher, over what they have apart.
    pub(super) fn left(&self, removal: &Removal, student: usize, teacher: usize) -> f64 {
        removal.residual_loss(&[student], &[teacher]) / removal.loss_apart(&[student], &[teacher])
    }

    /// Whether a student holds a teacher.
    pub(super) fn holds(&self, removal: &Removal, student: usize) -> bool {
        (0..self.state.teachers()).any(|j| self.left(removal, student, j) < HELD)
    }

    fn groups(&self, removal: &Removal, students: Vec<usize>, teachers: Vec<usize>) -> Vec<Group> {
        let m = self.state.students();
        let mut left: Vec<usize> = students.into_iter().chain(teachers.into_iter().map(|j| m + j)).collect();
        let mut groups = Vec::new();
        while let Some(first) = left.pop() {
            let mut units = vec![first];
            let mut next = 0;
            while next < units.len() {
                let near = |b: &usize| removal.correlation(units[next], *b).abs() > self.thresholds.connected;
                let (found, rest): (Vec<usize>, Vec<usize>) = left.iter().partition(|&b| near(b));
                units.extend(found);
                left = rest;
                next += 1;
            }
            units.sort_unstable();
            let (students, teachers): (Vec<usize>, Vec<usize>) = units.into_iter().partition(|&a| a < m);
            groups.push(Group { students, teachers: teachers.into_iter().map(|a| a - m).collect() });
        }
        groups
    }

    /// `|∇_i L|²` of every student, router and expert of norm 1.
    fn speeds(&self) -> Vec<f64> {
        let start = self.start.at(self.state).with_raw_norms(1.0, 1.0);
        let weights = start.state();
        let mut gradient = vec![0.0; weights.len()];
        start.population().gradient(&weights, &mut gradient);
        let vectors: Vec<f64> =
            gradient.chunks_exact(start.coordinates()).map(|g| g.iter().map(|x| x * x).sum()).collect();
        let (routers, experts) = vectors.split_at(start.students());
        routers.iter().zip(experts).map(|(v, w)| v + w).collect()
    }

    fn at_rest(&self, removal: &Removal, speeds: &[f64], group: Group) -> Option<Signature> {
        let loss = group.loss(removal);
        let Group { students, teachers } = group;
        let speed: f64 = students.iter().map(|&i| speeds[i]).sum();
        let at_rest = speed < self.thresholds.rest * (loss + NEARLY_NOTHING * removal.unit_loss());
        let share = loss / removal.loss_apart(&students, &teachers);
        let all_hold = students.len() <= teachers.len() && students.iter().all(|&i| self.holds(removal, i));
        (at_rest && share < self.thresholds.shared && !all_hold).then(|| match (&students[..], &teachers[..]) {
            (_, []) => Signature::CancellingGroup { students, loss },
            (&[student], &[teacher]) => Signature::PartlyLearned { student, teacher, loss },
            (&[student, other], &[teacher]) => Signature::StraddlingPair { student, other, teacher, loss },
            (_, &[teacher]) => Signature::CrowdedTeacher { teacher, students, loss },
            _ => Signature::SharedTeachers { students, teachers, loss },
        })
    }
}

#[cfg(test)]
mod tests;

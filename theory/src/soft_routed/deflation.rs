//! Greedy deflation: which student is to learn which teacher, in which order and when, read off the start.
//!
//! While overlaps are small they do not influence one another to leading order in `d^{−1/2}`: a student-teacher overlap `κ` obeys the law of a single alignment ([`alignment_time`]; with sigmoid routers and third Hermite experts
//! `dκ/dt = 4.5κ²`, which diverges at `1/(4.5κ)`), an overlap `u < 0` of two students repels at twice that rate and diverges at `1/(9|u|)` (theory A4). So events come in the order of their own times, and each removes units from the race:
//!
//! ```text
//! student i meets teacher j:      j leaves the residual, i stays at j                     → neither takes part any more
//! students i and k anti-align:    together they are a dipole that no teacher attracts     → neither takes part any more
//! ```
//!
//! Of a student that has met its teacher the other overlaps vanish, for the teachers are orthogonal; and the teacher is gone before the router has aligned, because `E[π(v_k·x)(π(v*·x) − π(v_i·x))] = 0` for a third router orthogonal to both.
//! What the model leaves out: two overlaps so close that both are of order one at once (relative `O(d^{−1/2})`), and whatever takes a time `∝ d`. For students that start orthogonal flows follow it (lemma `over-parameterisation`).
//!
//! # Dipoles that learn
//!
//! A dipole is not lost: a teacher at overlap `κ` pulls it apart by `dκ/dt = ½K κ³`, `K = 2(18Φ_00(0))²/(18Φ_00(1)) = 7.669`, which diverges at `1/(Kκ²)` (theory X6). That is a time `∝ d` for the overlaps of the start, but until they meet the students'
//! overlaps have grown to `κ_i(t) = 1/(1/κ_i − 4.5t)`, beyond all bounds where the teacher would have come next; and forces on the two are opposite, so that the pair's axis is `(w̄_i − w̄_k)/√2` and its overlap `(κ_i(t) − κ_k(t))/√2`, either sign
//! of which one of the two shares. What the teacher takes is that one; the other is alone again, with the opposite overlaps. [`deflation_with_dipoles`] follows all this to leading order. Left out: a third student that meets one of a pair. With random students it is right about most flows where the other reading is about half (lemma `over-parameterisation`).

use super::{Start, alignment_time};

/// A teacher that a student is to learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// When.
    pub time: f64,
    /// The student `i`.
    pub student: usize,
    /// The teacher `j`.
    pub teacher: usize,
}

/// Whom a student meets.
#[derive(Clone, Copy)]
enum Partner {
    Teacher(usize),
    Student(usize),
}

/// In which state a student is: overlaps of one state mean nothing in another.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Alone,
    InDipole,
    Released,
    Done,
}

/// What happens next, if the student is still in that stage.
type Meeting = (f64, usize, Stage, Partner);

/// `K` of the module's documentation, `2·4.5²/(9 − 18A_1)`.
const DIPOLE: f64 = 7.669_260;

/// The claims in the limit of large `d`, in which dipoles are lost, for sigmoid routers and third Hermite experts, in the order of time, at most one for each student and each teacher; times are `1/(4.5κ)`, when an overlap leaves the scale of small ones.
///
/// `expert(i, j)` is `κ_ij`. `student(i, k)`, `i < k`, is `u_ik`, or `None` for students whose overlaps vanish: then only teachers are raced for.
///
/// ```
/// use moe_theory::soft_routed::greedy_deflation;
/// // Student 0 is best for both teachers, takes the better one, and leaves the other to student 1.
/// let kappa = [[0.3, 0.2], [0.1, 0.05]];
/// let claims = greedy_deflation([2, 2], |i, j| kappa[i][j], |_, _| None);
/// assert_eq!(claims.iter().map(|c| (c.student, c.teacher)).collect::<Vec<_>>(), [(0, 0), (1, 1)]);
/// // Where the two repel fast enough they are gone first: 1/(9·0.2) < 1/(4.5·0.3).
/// assert!(greedy_deflation([2, 2], |i, j| kappa[i][j], |_, _| Some(-0.2)).is_empty());
/// ```
pub fn greedy_deflation(
    [students, teachers]: [usize; 2],
    expert: impl Fn(usize, usize) -> f64,
    student: impl Fn(usize, usize) -> Option<f64>,
) -> Vec<Claim> {
    deflate([students, teachers], meetings([students, teachers], expert, student), |_, _, _| Vec::new())
}

/// The same race with dipoles that learn; times matter against the overlaps, so these are those of one `d`.
///
/// ```
/// use moe_theory::soft_routed::{deflation_with_dipoles, greedy_deflation};
/// // The students meet first, but teacher 0 is close behind, takes student 0 of the pair, and student 1 is left to teacher 1.
/// let kappa = [[0.3, -0.02], [0.0, 0.1]];
/// let (expert, student) = (|i: usize, j: usize| kappa[i][j], |_: usize, _: usize| Some(-0.16));
/// assert!(greedy_deflation([2, 2], expert, student).is_empty());
/// let claims = deflation_with_dipoles([2, 2], expert, student);
/// assert_eq!(claims.iter().map(|c| (c.student, c.teacher)).collect::<Vec<_>>(), [(0, 0), (1, 1)]);
/// ```
pub fn deflation_with_dipoles(
    [students, teachers]: [usize; 2],
    expert: impl Fn(usize, usize) -> f64,
    student: impl Fn(usize, usize) -> Option<f64>,
) -> Vec<Claim> {
    let grown = |i: usize, j: usize, time: f64| expert(i, j) / (1.0 - 4.5 * expert(i, j) * time);
    let axis = |time: f64, i: usize, k: usize| {
        (0..teachers).map(|j| (grown(i, j, time) - grown(k, j, time)) * std::f64::consts::FRAC_1_SQRT_2).collect()
    };
    deflate([students, teachers], meetings([students, teachers], &expert, student), axis)
}

/// What would happen to every pair by itself.
fn meetings(
    [students, teachers]: [usize; 2],
    expert: impl Fn(usize, usize) -> f64,
    student: impl Fn(usize, usize) -> Option<f64>,
) -> Vec<Meeting> {
    let mut meetings = Vec::new();
    for i in 0..students {
        let rising = (0..teachers).map(|j| (expert(i, j), j)).filter(|(kappa, _)| *kappa > 0.0);
        meetings.extend(rising.map(|(kappa, j)| (1.0 / (4.5 * kappa), i, Stage::Alone, Partner::Teacher(j))));
        let falling = (i + 1..students).filter_map(|k| Some((student(i, k)?, k))).filter(|(u, _)| *u < 0.0);
        meetings.extend(falling.map(|(u, k)| (-1.0 / (9.0 * u), i, Stage::Alone, Partner::Student(k))));
    }
    meetings
}

/// Meetings in the order of time, each void if one of its parties has left the race or is not what it was. `axis(t, i, k)` are the overlaps with the teachers of the dipole that `i` and `k` form at `t`, signed as those of `i`; without any, it learns nothing.
fn deflate(
    [students, teachers]: [usize; 2],
    mut meetings: Vec<Meeting>,
    axis: impl Fn(f64, usize, usize) -> Vec<f64>,
) -> Vec<Claim> {
    // Latest first, so that the next one is popped; dipoles add a few.
    meetings.sort_by(|a, b| b.0.total_cmp(&a.0));
    let insert = |meetings: &mut Vec<Meeting>, meeting: Meeting| {
        let place = meetings.partition_point(|other| other.0 > meeting.0);
        meetings.insert(place, meeting);
    };
    let (mut stage, mut open) = (vec![Stage::Alone; students], vec![true; teachers]);
    // The other member of a student's dipole, and the dipole's overlaps signed as the student's.
    let mut dipole: Vec<(usize, Vec<f64>)> = vec![(0, Vec::new()); students];
    let mut claims = Vec::new();
    while let Some((time, student, of, partner)) = meetings.pop() {
        if stage[student] != of {
            continue;
        }
        match partner {
            Partner::Teacher(teacher) if open[teacher] => {
                (stage[student], open[teacher]) = (Stage::Done, false);
                claims.push(Claim { time, student, teacher });
                if of == Stage::InDipole {
                    let other = dipole[student].0;
                    stage[other] = Stage::Released;
                    for (j, kappa) in dipole[other].1.iter().enumerate().filter(|(_, kappa)| **kappa > 0.0) {
                        let alone = (time + 1.0 / (4.5 * kappa), other, Stage::Released, Partner::Teacher(j));
                        insert(&mut meetings, alone);
                    }
                }
            }
            Partner::Student(other) if stage[other] == Stage::Alone => {
                let overlaps = axis(time, student, other);
                dipole[other] = (student, overlaps.iter().map(|kappa| -kappa).collect());
                dipole[student] = (other, overlaps);
                for i in [student, other] {
                    stage[i] = Stage::InDipole;
                    for (j, kappa) in dipole[i].1.iter().enumerate().filter(|(_, kappa)| **kappa > 0.0) {
                        let learns = (time + 1.0 / (DIPOLE * kappa * kappa), i, Stage::InDipole, Partner::Teacher(j));
                        insert(&mut meetings, learns);
                    }
                }
            }
            _ => {}
        }
    }
    claims
}

impl Start {
    /// The claims of students whose mutual overlaps vanish, by the closed-form time at which each expert overlap reaches ½, with its raw norm; for even Hermite orders `|κ|` counts. At most `min(m, m*)`, fewer where no
    /// remaining overlap has the right sign. At order 1 there is no dormant phase, and for routers with `A_0 = 0` the law predicts nothing: both give none.
    ///
    /// ```
    /// use moe_theory::soft_routed::InitialLaw;
    /// let claims = InitialLaw::new(3, 4, 2, 1_000_000).sample(0, 0).unwrap().claims();
    /// assert!(claims.len() == 2 && claims[0].time < claims[1].time);
    /// assert!(claims[0].student != claims[1].student && claims[0].teacher != claims[1].teacher);
    /// ```
    pub fn claims(&self) -> Vec<Claim> {
        let alignments = self.single_alignments().into_iter();
        let meeting = |claim: Claim| (claim.time, claim.student, Stage::Alone, Partner::Teacher(claim.teacher));
        deflate([self.students(), self.teachers()], alignments.map(meeting).collect(), |_, _, _| Vec::new())
    }

    /// For each teacher the earliest alignment that a student would reach if it were the only race: the prediction *without* deflation, in which one student may be counted for several teachers. Earliest first.
    pub fn claims_without_deflation(&self) -> Vec<Claim> {
        let candidates = self.single_alignments();
        let earliest = |j: usize| {
            let of_teacher = candidates.iter().filter(|claim| claim.teacher == j);
            of_teacher.min_by(|a, b| a.time.total_cmp(&b.time)).copied()
        };
        let mut claims: Vec<Claim> = (0..self.teachers()).filter_map(earliest).collect();
        claims.sort_by(|a, b| a.time.total_cmp(&b.time));
        claims
    }

    /// Every pair that would align by itself.
    fn single_alignments(&self) -> Vec<Claim> {
        if self.order == 1 {
            return Vec::new();
        }
        let (m, overlaps) = (self.students(), self.order_parameters());
        let claims = overlaps.pairs().map(|(student, teacher, overlap)| {
            let towards = if self.order.is_multiple_of(2) { overlap.abs() } else { overlap };
            let time = match towards {
                x if x >= 0.5 => 0.0,
                x if x > 0.0 => alignment_time(self.router, self.order, x, 0.5) * self.norms()[m + student].powi(2),
                _ => f64::INFINITY,
            };
            Claim { time, student, teacher }
        });
        claims.filter(|claim| claim.time.is_finite()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soft_routed::{Flow, InitialLaw, Stop, StudentTeacher, Watch};
    use moe_kernels::Router;

    /// Student 0 is the best for both teachers: with deflation teacher 1 is left to student 1, without it student 0 is counted twice.
    #[test]
    fn a_student_recovers_one_teacher_only() {
        let axis = |k: usize| (0..10).map(|r| if r == k { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
        let expert = |a: f64, b: f64, aside: usize| {
            let mut row = axis(aside);
            (row[2], row[3], row[aside]) = (a, b, (1.0 - a * a - b * b).sqrt());
            row
        };
        let students =
            [vec![axis(4), axis(5), axis(6)], vec![expert(0.1, 0.09, 7), expert(0.02, 0.03, 8), expert(0.05, -0.2, 9)]];
        let teachers = [vec![axis(0), axis(1)], vec![axis(2), axis(3)]];
        let model =
            StudentTeacher::from_rows(Router::Sigmoid, 3, [&students[0], &students[1]], [&teachers[0], &teachers[1]]);
        let start = Start::reduce(&model.unwrap());
        let pairs = |found: Vec<Claim>| found.iter().map(|r| (r.student, r.teacher)).collect::<Vec<_>>();
        assert_eq!(pairs(start.claims()), [(0, 0), (1, 1)]);
        assert_eq!(pairs(start.claims_without_deflation()), [(0, 0), (0, 1)]);
        assert!((start.claims()[0].time - alignment_time(Router::Sigmoid, 3, 0.1, 0.5)).abs() < 1e-9);
    }

    /// Two orthogonal students in 10⁶ dimensions learn the teachers that the matching gives them, where it says that both are learned and times differ by a fifth and more.
    #[test]
    fn flows_in_high_dimension_follow_the_matching() {
        let mut seen = 0;
        for replicate in 0..12 {
            let law = InitialLaw { student_overlap: 0.0, ..InitialLaw::new(3, 3, 2, 1_000_000) };
            let start = law.sample(5, replicate).unwrap();
            let overlaps = start.order_parameters();
            let claims = greedy_deflation([3, 2], |i, j| overlaps.expert(i, j), |_, _| None);
            let [first, second] = claims[..] else { continue };
            if second.time > 800.0 || second.time < 1.2 * first.time {
                continue;
            }
            let mut events = Vec::new();
            let flow = Flow::new(&start).tolerance(1e-6);
            let on_event = |event: crate::soft_routed::Event, _: &_| {
                events.push((event.student, event.other));
                Stop::No
            };
            flow.run(second.time + 5.0, &[Watch::Expert(0.9)], &[], |_, _| {}, on_event).unwrap();
            assert_eq!(events, [(first.student, first.teacher), (second.student, second.teacher)], "{replicate}");
            seen += 1;
        }
        assert!(seen >= 3, "{seen}");
    }
}

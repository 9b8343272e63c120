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
//! What the model leaves out: two overlaps so close that both are of order one at once (relative `O(d^{−1/2})`), and whatever takes a time `∝ d` (dipoles that learn, redundant students that wake).
//! For students that start orthogonal flows follow it (lemma `over-parameterisation`); with random students flows recover more teachers than it says, even at `d = 10⁶`: there it is a lower estimate.

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

/// The claims in the limit of large `d` for sigmoid routers and third Hermite experts, in the order of time, at most one for each student and each teacher; times are `1/(4.5κ)`, when an overlap leaves the scale of small ones.
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
    let mut events = Vec::new();
    for i in 0..students {
        let rising = (0..teachers).map(|j| (expert(i, j), j)).filter(|(kappa, _)| *kappa > 0.0);
        events.extend(rising.map(|(kappa, j)| (1.0 / (4.5 * kappa), i, Partner::Teacher(j))));
        let falling = (i + 1..students).filter_map(|k| Some((student(i, k)?, k))).filter(|(u, _)| *u < 0.0);
        events.extend(falling.map(|(u, k)| (-1.0 / (9.0 * u), i, Partner::Student(k))));
    }
    deflate([students, teachers], events)
}

/// Events in the order of time, each void if one of its parties has left the race.
fn deflate([students, teachers]: [usize; 2], mut events: Vec<(f64, usize, Partner)>) -> Vec<Claim> {
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut free, mut open) = (vec![true; students], vec![true; teachers]);
    let mut claims = Vec::new();
    for (time, student, partner) in events {
        match partner {
            Partner::Teacher(teacher) if free[student] && open[teacher] => {
                (free[student], open[teacher]) = (false, false);
                claims.push(Claim { time, student, teacher });
            }
            Partner::Student(other) if free[student] && free[other] => (free[student], free[other]) = (false, false),
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
        let events = alignments.map(|claim| (claim.time, claim.student, Partner::Teacher(claim.teacher))).collect();
        deflate([self.students(), self.teachers()], events)
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

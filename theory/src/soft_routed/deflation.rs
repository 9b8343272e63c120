//! Greedy deflation: which student is to learn which teacher, from the initial overlaps alone.
//!
//! With third Hermite experts and sigmoid routers a student-teacher overlap `κ > 0` obeys `dκ/dt = 4.5κ²` while it is small and so diverges, on the scale of small overlaps, at `1/(4.5κ)`; an overlap
//! `u < 0` of two students at `1/(9|u|)` (theory A4). To leading order in `d^{−1/2}` overlaps do not influence one another until one of them is of order one. What happens then removes units from the race:
//!
//! ```text
//! student i meets teacher j:      j leaves the residual, i stays at j                     → neither takes part any more
//! students i and k anti-align:    together they are a dipole that no teacher attracts     → neither takes part any more
//! ```
//!
//! So to leading order the events are those of a greedy matching in the order of the times. What the model leaves out: two overlaps so close that both are of order one at once (relative
//! `O(d^{−1/2})`), and whatever takes a time `∝ d` (dipoles that learn, redundant students that wake). For students that start orthogonal flows follow it (lemma `over-parameterisation`); with random
//! students flows recover more teachers than it says, even at `d = 10⁶`: there it is a lower estimate.

/// A teacher that a student learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// When the overlap leaves the scale of small overlaps: `1/(4.5κ)`.
    pub time: f64,
    /// The student `i`.
    pub student: usize,
    /// The teacher `j`.
    pub teacher: usize,
}

/// The claims in the order of time, at most one for each student and each teacher.
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
    // (time, student, teacher) or (time, student, students beyond the teachers).
    let mut events: Vec<(f64, usize, usize)> = Vec::new();
    for i in 0..students {
        let rising = (0..teachers).map(|j| (expert(i, j), j)).filter(|(kappa, _)| *kappa > 0.0);
        events.extend(rising.map(|(kappa, j)| (1.0 / (4.5 * kappa), i, j)));
        let falling = (i + 1..students).filter_map(|k| Some((student(i, k)?, k))).filter(|(u, _)| *u < 0.0);
        events.extend(falling.map(|(u, k)| (-1.0 / (9.0 * u), i, teachers + k)));
    }
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut free, mut open) = (vec![true; students], vec![true; teachers]);
    let mut claims = Vec::new();
    for (time, i, other) in events {
        if other < teachers {
            if free[i] && open[other] {
                (free[i], open[other]) = (false, false);
                claims.push(Claim { time, student: i, teacher: other });
            }
        } else if free[i] && free[other - teachers] {
            (free[i], free[other - teachers]) = (false, false);
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soft_routed::{Flow, InitialLaw, Stop, Watch};

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

//! Greedy deflation: which student recovers which teacher, in which order and when, read off the start.
//!
//! While overlaps are small each `κ_ij` obeys its own law (see [`alignment_time`]), so the pair with the smallest predicted time aligns first. It then leaves the race with both its members: the student is at its
//! teacher (its other overlaps vanish, for the teachers are orthogonal), and the teacher is gone from the residual, even before the router has aligned, because
//! `E[π(v_k·x)(π(v*·x) − π(v_i·x))] = 0` for a third router orthogonal to both. Among the remaining students and teachers the next pair is found in the same way. For even Hermite orders `|κ|` counts.

use super::{OrderParameters, Start, alignment_time};

/// A predicted recovery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recovery {
    /// The student `i`.
    pub student: usize,
    /// The teacher `j`.
    pub teacher: usize,
    /// The overlap of their experts at the start.
    pub overlap: f64,
    /// The time at which it reaches ½, by the law of a single alignment and the raw norm of the expert.
    pub time: f64,
}

impl Start {
    /// The recoveries that greedy deflation predicts, earliest first: at most `min(m, m*)`, fewer where no remaining overlap has the right sign. Of order 1 the law has no dormant phase, and for routers with `A_0 = 0` it predicts nothing: both give none.
    ///
    /// ```
    /// use moe_theory::soft_routed::InitialLaw;
    /// let predicted = InitialLaw::new(3, 4, 2, 1_000_000).sample(0, 0).unwrap().greedy_deflation();
    /// assert!(predicted.len() == 2 && predicted[0].time < predicted[1].time);
    /// assert!(predicted[0].student != predicted[1].student && predicted[0].teacher != predicted[1].teacher);
    /// ```
    pub fn greedy_deflation(&self) -> Vec<Recovery> {
        let mut candidates = self.single_alignments(&self.order_parameters());
        candidates.sort_by(|a, b| a.time.total_cmp(&b.time));
        let mut recoveries: Vec<Recovery> = Vec::new();
        for pair in candidates {
            if recoveries.iter().all(|taken| taken.student != pair.student && taken.teacher != pair.teacher) {
                recoveries.push(pair);
            }
        }
        recoveries
    }

    /// For each teacher the earliest alignment that a student would reach if it were the only race: the prediction *without* deflation, in which one student may be counted for several teachers. Earliest first.
    pub fn without_deflation(&self) -> Vec<Recovery> {
        let candidates = self.single_alignments(&self.order_parameters());
        let earliest = |j: usize| {
            let of_teacher = candidates.iter().filter(|pair| pair.teacher == j);
            of_teacher.min_by(|a, b| a.time.total_cmp(&b.time)).copied()
        };
        let mut recoveries: Vec<Recovery> = (0..self.teachers()).filter_map(earliest).collect();
        recoveries.sort_by(|a, b| a.time.total_cmp(&b.time));
        recoveries
    }

    /// Every pair that would align by itself.
    fn single_alignments(&self, overlaps: &OrderParameters) -> Vec<Recovery> {
        if self.order == 1 {
            return Vec::new();
        }
        let m = self.students();
        let pairs = overlaps.pairs().map(|(student, teacher, overlap)| {
            let towards = if self.order.is_multiple_of(2) { overlap.abs() } else { overlap };
            let time = match towards {
                x if x >= 0.5 => 0.0,
                x if x > 0.0 => alignment_time(self.router, self.order, x, 0.5) * self.norms()[m + student].powi(2),
                _ => f64::INFINITY,
            };
            Recovery { student, teacher, overlap, time }
        });
        pairs.filter(|pair| pair.time.is_finite()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soft_routed::StudentTeacher;
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
        let pairs = |found: Vec<Recovery>| found.iter().map(|r| (r.student, r.teacher)).collect::<Vec<_>>();
        assert_eq!(pairs(start.greedy_deflation()), [(0, 0), (1, 1)]);
        assert_eq!(pairs(start.without_deflation()), [(0, 0), (0, 1)]);
        let first = start.greedy_deflation()[0].time;
        assert!((first - alignment_time(Router::Sigmoid, 3, 0.1, 0.5)).abs() < 1e-9);
    }
}

//! States that training gets stuck in, named.

use super::OrderParameters;
use moe_kernels::{PairKernel, Router, sum};

/// A recognised failure of a trained student.
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
}

impl Signature {
    /// The name used in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dipole { .. } => "dipole",
            Self::StraddlingPair { .. } => "straddling-pair",
        }
    }
}

/// Overlap beyond which two experts count as anti-aligned.
const ANTI_ALIGNED: f64 = -0.9;
/// Share of the single students' loss below which a pair counts as cancelled.
const CANCELLED: f64 = 0.1;
/// Overlaps of a straddling pair: around 0.9156, apart from both a learned expert and a dormant one.
const STRADDLING: [f64; 2] = [0.88, 0.95];

/// The signatures of a state, for experts `He_order`.
pub fn signatures(state: &OrderParameters, router: Router, order: usize) -> Vec<Signature> {
    let kernel = PairKernel::new(router, order);
    let mut found = Vec::new();
    for (student, other, overlap) in state.student_pairs() {
        if overlap < ANTI_ALIGNED {
            let [own, cross] = pair_losses(&kernel, state, student, other);
            if own + cross < CANCELLED * own {
                found.push(Signature::Dipole { student, other, loss: own + cross });
            }
        }
        let straddles = |overlap: f64| (STRADDLING[0]..=STRADDLING[1]).contains(&overlap);
        let shared = (0..state.teachers()).find(|&j| {
            let sides = [state.expert(student, j), state.expert(other, j), -overlap];
            sides.into_iter().filter(|side| straddles(*side)).count() == 2
        });
        found.extend(shared.map(|teacher| Signature::StraddlingPair { student, other, teacher }));
    }
    found
}

/// `½E f_i² + ½E f_k²` and `E f_i f_k`.
fn pair_losses(kernel: &PairKernel, state: &OrderParameters, i: usize, k: usize) -> [f64; 2] {
    let (si, sk) = (state.own(i), state.own(k));
    let rho = [
        [1.0, 1.0, state.student_router(i, k)],
        [si, sk, si],
        [si, sk, state.router_expert(i, k)],
        [si, sk, state.router_expert(k, i)],
        [si, sk, sk],
        [1.0, 1.0, state.student(i, k)],
    ];
    let mut out = [[0.0; 3]; 7];
    kernel.evaluate(rho.each_ref().map(|r| &r[..]), out.each_mut().map(|o| &mut o[..]));
    [0.5 * sum(&out[0][..2]), out[0][2]]
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

    fn found(routers: &[Vec<f64>], experts: &[Vec<f64>]) -> Vec<Signature> {
        signatures(&start(routers, experts).order_parameters(), Router::Sigmoid, 3)
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
                assert_eq!(signatures(state, Router::Sigmoid, 3), []);
            }
            let end = &states[2];
            let [learned, redundant, between] = [end.expert(0, 0), end.expert(1, 0), end.student(0, 1)];
            let partner = if kappa > 0.0 { redundant } else { -between };
            assert!((end.loss - 0.4835).abs() < 5e-5, "{}", end.loss);
            assert!(
                (learned - 0.9156).abs() < 5e-5 && (partner - 0.9156).abs() < 5e-5,
                "{learned} {redundant} {between}"
            );
            assert_eq!(
                signatures(end, Router::Sigmoid, 3),
                [Signature::StraddlingPair { student: 0, other: 1, teacher: 0 }]
            );
        }
    }
}

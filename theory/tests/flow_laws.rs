//! Flows against the closed-form laws that describe them: exactly on two invariant planes, asymptotically from random starts.

use moe_kernels::{CovarianceTable, Router};
use moe_theory::soft_routed::{
    Event, Flow, InitialLaw, Method, OrderParameters, Start, Stop, StudentTeacher, Watch, alignment_time,
};

/// A vector with the given entries, zero elsewhere.
fn sparse(dimension: usize, entries: &[(usize, f64)]) -> Vec<f64> {
    let mut vector = vec![0.0; dimension];
    entries.iter().for_each(|&(i, x)| vector[i] = x);
    vector
}

fn cosine(overlap: f64, along: usize, aside: usize) -> [(usize, f64); 2] {
    [(along, overlap), (aside, (1.0 - overlap * overlap).sqrt())]
}

/// The overlaps at `times`, by the explicit method at local tolerance `1e-12`.
fn follow(start: &Start, times: &[f64]) -> Vec<OrderParameters> {
    let mut states = Vec::new();
    let flow = Flow::new(start).tolerance(1e-12);
    flow.run(times[times.len() - 1], &[], times, |_, state| states.push(state), |_, _| Stop::No).unwrap();
    states
}

/// Runge-Kutta 4 of a planar system, in `steps` steps.
fn plane([mut x, mut y]: [f64; 2], time: f64, steps: usize, field: impl Fn([f64; 2]) -> [f64; 2]) -> [f64; 2] {
    let h = time / steps as f64;
    for _ in 0..steps {
        let [a, b] = field([x, y]);
        let [c, d] = field([x + 0.5 * h * a, y + 0.5 * h * b]);
        let [e, f] = field([x + 0.5 * h * c, y + 0.5 * h * d]);
        let [g, i] = field([x + h * e, y + h * f]);
        (x, y) = (x + h / 6.0 * (a + 2.0 * c + 2.0 * e + g), y + h / 6.0 * (b + 2.0 * d + 2.0 * f + i));
    }
    [x, y]
}

fn factorial(p: usize) -> f64 {
    (1..=p).map(|i| i as f64).product()
}

/// One student, one teacher, and `v·w = v·w* = v*·w = 0`: these three stay zero, every contraction but `r = p` vanishes, and the flow *is*
/// `dκ/dt = p p! κ^{p−1} Φ_00(β)(1−κ²)`, `dβ/dt = p! κ^p Φ_11(β)(1−β²)`, at overlaps of any size. Solved here by Runge-Kutta (error `(rate·h)⁴ < 1e-11`), so
/// `1e-9` is left for the flow at local tolerance `1e-12`. Guards the sign and factor of expert and router rates, for every router and order.
#[test]
fn one_pair_follows_its_planar_law() {
    for router in Router::ALL {
        let table = CovarianceTable::new(router, 2);
        for p in 1..=6 {
            let (kappa, beta) = (0.3, 0.2);
            let student = [[sparse(4, &cosine(beta, 0, 2))], [sparse(4, &cosine(kappa, 1, 3))]];
            let teacher = [[sparse(4, &[(0, 1.0)])], [sparse(4, &[(1, 1.0)])]];
            let [student, teacher] = [&student, &teacher].map(|side| side.each_ref().map(|rows| &rows[..]));
            let start = Start::reduce(&StudentTeacher::from_rows(router, p, student, teacher).unwrap());
            let until = 3.0 / (p as f64 * factorial(p) * kappa.powi(p as i32 - 1));
            for part in [0.2, 1.0] {
                let state = follow(&start, &[part * until]).remove(0);
                let expected = plane([kappa, beta], part * until, 4000, |[kappa, beta]| {
                    let rate = factorial(p) * kappa.powi(p as i32 - 1);
                    [
                        p as f64 * rate * table.value(0, 0, beta) * (1.0 - kappa * kappa),
                        rate * kappa * table.value(1, 1, beta) * (1.0 - beta * beta),
                    ]
                });
                let found = [state.expert(0, 0), state.router(0, 0)];
                for k in 0..2 {
                    assert!((found[k] - expected[k]).abs() < 1e-9, "{router} p = {p}: {found:?} {expected:?}");
                }
                assert!(
                    found[0] > kappa + 0.01 && found[1] > beta + 0.001,
                    "{router} p = {p}: moved to {found:?} only"
                );
                assert!(state.own(0).abs() < 1e-12);
            }
        }
    }
}

/// Two students far from the teacher, routers at overlap ρ: `du/dt = −2 p p! u^{p−1} Φ_00(ρ)(1−u²)`, `dρ/dt = −2 p! u^p Φ_11(ρ)(1−ρ²)`, exact for the same
/// reason as above (`p ≥ 2`). Both signs of `u`: odd orders anti-align, even ones do not.
#[test]
fn two_students_repel_by_their_planar_law() {
    let table = CovarianceTable::new(Router::Sigmoid, 2);
    for p in 2..=6 {
        for u in [-0.3, 0.3] {
            let rho = 0.4;
            let student = [
                [sparse(6, &[(2, 1.0)]), sparse(6, &cosine(rho, 2, 3))],
                [sparse(6, &[(4, 1.0)]), sparse(6, &cosine(u, 4, 5))],
            ];
            let teacher = [[sparse(6, &[(0, 1.0)])], [sparse(6, &[(1, 1.0)])]];
            let model =
                StudentTeacher::from_rows(Router::Sigmoid, p, [&student[0], &student[1]], [&teacher[0], &teacher[1]]);
            let start = Start::reduce(&model.unwrap());
            let until = 3.0 / (p as f64 * factorial(p) * f64::powi(0.3, p as i32 - 1));
            let state = follow(&start, &[until]).remove(0);
            let expected = plane([u, rho], until, 4000, |[u, rho]| {
                let rate = -2.0 * factorial(p) * u.powi(p as i32 - 1);
                [
                    p as f64 * rate * table.value(0, 0, rho) * (1.0 - u * u),
                    rate * u * table.value(1, 1, rho) * (1.0 - rho * rho),
                ]
            });
            let found = [state.student(0, 1), state.student_router(0, 1)];
            for k in 0..2 {
                assert!((found[k] - expected[k]).abs() < 1e-9, "p = {p}, u = {u}: {found:?} {expected:?}");
            }
            assert!((found[0] - u).abs() > 0.05, "p = {p}, u = {u}: {found:?}");
        }
    }
}

/// `s = v̄·w̄` relaxes as `e^{−2 p p! |A_3| s}`: `ln(s_0/s_1)` over a time, relative corrections `O(s_0²)` with `s_0 = 1e-3`. The rate, 2.246 for `p = 3`, is what
/// makes long flows stiff.
#[test]
fn router_and_expert_of_a_student_become_orthogonal() {
    let a3 = -0.062396483959259193_f64;
    for p in 2..=6 {
        let s = 1e-3;
        let student = [[sparse(4, &cosine(s, 2, 3))], [sparse(4, &[(2, 1.0)])]];
        let teacher = [[sparse(4, &[(0, 1.0)])], [sparse(4, &[(1, 1.0)])]];
        let model =
            StudentTeacher::from_rows(Router::Sigmoid, p, [&student[0], &student[1]], [&teacher[0], &teacher[1]]);
        let rate = 2.0 * p as f64 * factorial(p) * a3.abs();
        let until = 1.0 / rate;
        let state = follow(&Start::reduce(&model.unwrap()), &[until]).remove(0);
        let measured = (s / state.own(0)).ln() / until;
        assert!((measured / rate - 1.0).abs() < 1e-4, "p = {p}: {measured} {rate}");
    }
}

/// From a random start in `d = 10¹⁰`, over a time in which nothing moves by more than its square: `dκ/dt = 4.5κ²`, `du/dt = −9u²`, `dβ/dt = 0`, *all* pairs,
/// up to terms that are cubic in overlaps. Those have coefficients of up to 20 each (`p²(p−1)` from two experts, `36 A_1²` with a router) and there are at most
/// `m + m*` of a kind.
#[test]
fn dormant_overlaps_obey_their_quadratic_laws() {
    for replicate in 0..3 {
        let start = InitialLaw::new(3, 4, 2, 10_000_000_000).sample(11, replicate).unwrap();
        let [before, middle, after] = <[_; 3]>::try_from(follow(&start, &[4.0, 5.0, 6.0])).unwrap();
        let rate = |of: &dyn Fn(&OrderParameters) -> f64| 0.5 * (of(&after) - of(&before));
        let students = middle.student_pairs().map(|(_, _, u)| u.abs());
        let largest = middle.pairs().map(|(_, _, kappa)| kappa.abs()).chain(students).fold(0.0, f64::max);
        let bound = 20.0 * 6.0 * largest.powi(3);
        assert!(bound < 0.02 * largest.powi(2), "{bound:e}");
        for (i, j, kappa) in middle.pairs() {
            let found = rate(&|state| state.expert(i, j));
            assert!(
                (found - 4.5 * kappa * kappa).abs() < bound,
                "κ_{i}{j}: {found:e} {:e} ± {bound:e}",
                4.5 * kappa * kappa
            );
            assert!(rate(&|state| state.router(i, j)).abs() < bound, "β_{i}{j}");
        }
        for (i, k, u) in middle.student_pairs() {
            let found = rate(&|state| state.student(i, k));
            assert!((found + 9.0 * u * u).abs() < bound, "u_{i}{k}: {found:e} {:e} ± {bound:e}", -9.0 * u * u);
        }
    }
}

/// When the first overlap of a start reaches ½.
fn first_alignment(order: usize, dimension: u64, replicate: u64) -> (f64, f64, Start) {
    let law = InitialLaw { student_overlap: 0.0, ..InitialLaw::new(order, 4, 2, dimension) };
    let start = law.sample(0, replicate).unwrap();
    let predicted = start.predicted_alignment().unwrap();
    let watch = if order.is_multiple_of(2) { Watch::ExpertMagnitude(0.5) } else { Watch::Expert(0.5) };
    let method = if dimension <= 1_000_000 { Method::Explicit } else { Method::Implicit };
    let flow = Flow::new(&start).method(method).tolerance(1e-9);
    let mut hit = f64::NAN;
    let on_event = |event: Event, _: &OrderParameters| {
        hit = event.time;
        Stop::Yes
    };
    flow.run(10.0 * predicted, &[watch], &[], |_, _| {}, on_event).unwrap();
    (hit, predicted, start)
}

/// `T·4.5·κ_0 → 1` over six decades of dimension, the law behind `T ∝ √d`. What the law leaves out is linear in the largest initial overlap `o`: the drift of β
/// while waiting (`4A_1²β ≤ o/2`), and time of order one in the jump out of `1/(4.5κ_0)`; `5o` holds both and the `−1/κ_1 + artanh` of the law itself.
#[test]
fn first_alignment_takes_the_predicted_time() {
    for dimension in [10_000, 1_000_000, 100_000_000, 10_000_000_000] {
        for replicate in 0..3 {
            let (time, predicted, start) = first_alignment(3, dimension, replicate);
            let state = start.order_parameters();
            let kappa = state.best_pair().2;
            let bound = 5.0 * largest_overlap(&state);
            assert!(bound < 20.0 / (dimension as f64).sqrt());
            assert!((4.5 * kappa * time - 1.0).abs() < bound, "d = {dimension:e}: {} ± {bound:e}", 4.5 * kappa * time);
            assert!((time / predicted - 1.0).abs() < bound, "d = {dimension:e}: {} ± {bound:e}", time / predicted);
        }
    }
}

/// Largest overlap of a student with a teacher, routers included.
fn largest_overlap(state: &OrderParameters) -> f64 {
    state.pairs().map(|(i, j, kappa)| kappa.abs().max(state.router(i, j).abs())).fold(0.0, f64::max)
}

/// The same law at other orders is another power of `d`: `T ∝ d` for `p = 4` (relative corrections linear in `κ_0` again) and `T ~ ½ ln d` for `p = 2`, where the
/// law is good to a time of order one. Both signs align.
#[test]
fn even_orders_align_at_their_own_pace() {
    for dimension in [10_000, 100_000_000, 10_000_000_000_u64] {
        for replicate in 0..2 {
            let (time, predicted, start) = first_alignment(4, dimension, replicate);
            let bound = 5.0 * largest_overlap(&start.order_parameters());
            assert!((time / predicted - 1.0).abs() < bound, "p = 4, d = {dimension:e}: {}", time / predicted);
            let (time, predicted, _) = first_alignment(2, dimension, replicate);
            assert!((time - predicted).abs() < 0.5, "p = 2, d = {dimension:e}: {time} {predicted}");
        }
    }
    let waiting = |d| first_alignment(2, d, 0).0;
    let growth = waiting(10_000_000_000) - waiting(100_000_000);
    assert!((growth - 0.5 * 100f64.ln()).abs() < 1e-2, "{growth}");
}

/// Anti-alignment is the same law with twice the rate: `√d/(9κ')` to within a time of order one.
#[test]
fn an_unlucky_pair_of_students_anti_aligns_in_half_the_time() {
    let u = -1e-3;
    let student =
        [[sparse(6, &[(2, 1.0)]), sparse(6, &[(3, 1.0)])], [sparse(6, &[(4, 1.0)]), sparse(6, &cosine(u, 4, 5))]];
    let teacher = [[sparse(6, &[(0, 1.0)])], [sparse(6, &[(1, 1.0)])]];
    let model = StudentTeacher::from_rows(Router::Sigmoid, 3, [&student[0], &student[1]], [&teacher[0], &teacher[1]]);
    let start = Start::reduce(&model.unwrap());
    let predicted = 0.5 * alignment_time(Router::Sigmoid, 3, u.abs(), 0.5);
    let on_event = |_: Event, _: &OrderParameters| Stop::Yes;
    let summary =
        Flow::new(&start).run(2.0 * predicted, &[Watch::StudentFalls(-0.5)], &[], |_, _| {}, on_event).unwrap();
    assert!((summary.time - predicted).abs() < 0.1, "{} {predicted}", summary.time);
}

//! What a flow must not see: rotations, the order of the students, unused dimensions, the scale of raw norms; and what gradient descent never does.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, InitialLaw, OrderParameters, PopulationLoss, Start, StudentTeacher};

/// Routers and experts of one side, as rows.
type Side = [Vec<Vec<f64>>; 2];

const UNTIL: f64 = 12.0;

/// Students `m` and teachers `m*` in `dimension` generic dimensions with raw norms from 0.6 to 1.6, by a fixed linear congruence; not orthogonal, so that no
/// term of the gradient is zero.
fn generic(m: usize, teachers: usize, dimension: usize) -> [Side; 2] {
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (word >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut rows = |count: usize| -> Vec<Vec<f64>> {
        let row = |i: usize, next: &mut dyn FnMut() -> f64| {
            let row: Vec<f64> = (0..dimension).map(|_| next()).collect();
            let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            row.iter().map(|x| x / norm * (0.6 + (0.37 * i as f64) % 1.0)).collect()
        };
        (0..count).map(|i| row(i, &mut next)).collect()
    };
    [[rows(m), rows(m)], [rows(teachers), rows(teachers)]]
}

fn model(sides: &[Side; 2]) -> StudentTeacher {
    let [student, teacher] = sides.each_ref().map(|side| side.each_ref().map(|rows| &rows[..]));
    StudentTeacher::from_rows(Router::Sigmoid, 3, student, teacher).unwrap()
}

/// Every row of both sides through a map.
fn mapped(sides: &[Side; 2], map: impl Fn(&[f64]) -> Vec<f64>) -> [Side; 2] {
    sides.each_ref().map(|side| side.each_ref().map(|rows| rows.iter().map(|row| map(row)).collect()))
}

/// The trajectory at tolerance `1e-10`, on 25 times up to `until`.
fn follow(sides: &[Side; 2], until: f64) -> Vec<OrderParameters> {
    let times: Vec<f64> = (0..25).map(|k| until * k as f64 / 24.0).collect();
    Flow::trajectory(&Start::reduce(&model(sides)), until, &times, 1e-10, &|_| false).unwrap().states
}

/// Asserts that two trajectories have the same overlaps to `bound`, student `i` of the first being `order[i]` of the second, and that they go somewhere.
fn assert_same(a: &[OrderParameters], b: &[OrderParameters], order: &[usize], bound: f64) {
    assert_eq!(a.len(), b.len());
    let mut moved = 0.0_f64;
    for (k, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((x.loss - y.loss).abs() < 20.0 * bound, "loss at time {k}: {} {}", x.loss, y.loss);
        for i in 0..x.students() {
            for j in 0..x.teachers() {
                moved = moved.max((x.expert(i, j) - a[0].expert(i, j)).abs());
                assert!((x.expert(i, j) - y.expert(order[i], j)).abs() < bound, "κ_{i}{j} at time {k}");
                assert!((x.router(i, j) - y.router(order[i], j)).abs() < bound, "β_{i}{j} at time {k}");
            }
            for l in 0..x.students() {
                assert!((x.student(i, l) - y.student(order[i], order[l])).abs() < bound, "u_{i}{l} at time {k}");
                assert!(
                    (x.router_expert(i, l) - y.router_expert(order[i], order[l])).abs() < bound,
                    "s_{i}{l} at time {k}"
                );
            }
        }
    }
    assert!(moved > 0.3, "the flow moved by {moved} only");
}

/// Raw weights, columns routers then experts, by Runge-Kutta 4 on `dθ/dt = −∂L/∂θ` in all their coordinates: shares nothing with the flow but the gradient.
fn descend(sides: &[Side; 2], times: &[f64], step: f64, mut seen: impl FnMut(&mut PopulationLoss, &[f64])) {
    let mut population = PopulationLoss::of(&model(sides));
    let mut x: Vec<f64> = sides[0].iter().flatten().flatten().copied().collect();
    let mut slopes = [(); 4].map(|()| vec![0.0; x.len()]);
    let mut t = 0.0;
    for &time in times {
        let steps = ((time - t) / step).ceil();
        let h = if steps > 0.0 { (time - t) / steps } else { 0.0 };
        for _ in 0..steps as usize {
            for (stage, part) in [0.0, 0.5, 0.5, 1.0].into_iter().enumerate() {
                let from = stage.saturating_sub(1);
                let at: Vec<f64> = x.iter().zip(&slopes[from]).map(|(x, g)| x - part * h * g).collect();
                population.gradient(&at, &mut slopes[stage]);
            }
            for (k, x) in x.iter_mut().enumerate() {
                *x -= h / 6.0 * (slopes[0][k] + 2.0 * slopes[1][k] + 2.0 * slopes[2][k] + slopes[3][k]);
            }
        }
        t = time;
        seen(&mut population, &x);
    }
}

#[test]
fn a_rotation_of_everything_changes_nothing() {
    let sides = generic(3, 2, 8);
    // Three reflections, by vectors that no axis lies along.
    let rotated = mapped(&sides, |row| {
        let mut row = row.to_vec();
        for k in 1..4 {
            let normal: Vec<f64> = (0..8).map(|i| ((i * k + k) as f64).sin()).collect();
            let square: f64 = normal.iter().map(|x| x * x).sum();
            let along: f64 = row.iter().zip(&normal).map(|(x, n)| x * n).sum();
            row.iter_mut().zip(&normal).for_each(|(x, n)| *x -= 2.0 * along / square * n);
        }
        row
    });
    assert_same(&follow(&sides, UNTIL), &follow(&rotated, UNTIL), &[0, 1, 2], 1e-8);
}

#[test]
fn the_order_of_the_students_does_not_matter() {
    let sides = generic(4, 2, 9);
    let order = [2, 0, 3, 1];
    let mut permuted = sides.clone();
    for (part, rows) in sides[0].iter().enumerate() {
        rows.iter().enumerate().for_each(|(i, row)| permuted[0][part][order[i]].clone_from(row));
    }
    assert_same(&follow(&sides, UNTIL), &follow(&permuted, UNTIL), &order, 1e-8);
}

/// Zeros appended to every vector: within the limit of `2m + 2m*` coordinates (5 to 7) and beyond it (to 40, where the reduction sets in).
#[test]
fn unused_dimensions_change_nothing() {
    let sides = generic(3, 2, 5);
    let expected = follow(&sides, UNTIL);
    for dimension in [7, 10, 40] {
        let padded = mapped(&sides, |row| row.iter().copied().chain(std::iter::repeat(0.0)).take(dimension).collect());
        assert_same(&expected, &follow(&padded, UNTIL), &[0, 1, 2], 1e-8);
    }
}

/// The reduced flow of 3 students and 2 teachers in 40 dimensions, ten coordinates a vector and raw norms as rates, against raw gradient descent in all 40 with
/// weights of those norms. Runge-Kutta: `(2·6.5·h/‖x‖²)⁴ t < 1e-8` at `h = 2e-3` and the smallest norm 0.6. Along the way raw norms are conserved, since the
/// gradient is at right angles to each vector, and the loss never rises.
#[test]
fn the_reduced_flow_is_raw_gradient_descent() {
    let sides = generic(3, 2, 40);
    let start = Start::reduce(&model(&sides));
    assert_eq!((start.coordinates(), start.dimension), (10, 40));
    let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let norms: Vec<f64> = sides[0].iter().flatten().map(|row| norm(row)).collect();
    for (found, expected) in start.norms().iter().zip(&norms) {
        assert!((found - expected).abs() < 1e-15);
    }
    let times: Vec<f64> = (0..25).map(|k| UNTIL * f64::from(k) / 24.0).collect();
    let reduced = follow(&sides, UNTIL);
    let (mut k, mut last) = (0, f64::INFINITY);
    descend(&sides, &times, 2e-3, |population, x| {
        let mut gradient = vec![0.0; x.len()];
        let loss = population.gradient(x, &mut gradient);
        for (i, (row, gradient)) in x.chunks(40).zip(gradient.chunks(40)).enumerate() {
            let radial: f64 = row.iter().zip(gradient).map(|(x, g)| x * g).sum();
            assert!(radial.abs() < 1e-14 * norm(row) * norm(gradient).max(1.0), "{radial:e}");
            assert!((norm(row) - norms[i]).abs() < 1e-8, "norm {i}: {} {}", norm(row), norms[i]);
        }
        assert!(loss <= last + 1e-9, "the loss rose from {last} to {loss}");
        last = loss;
        let state = &reduced[k];
        assert!((loss - state.loss).abs() < 1e-7, "t = {}: {loss} {}", times[k], state.loss);
        let overlaps = population.overlaps();
        for i in 0..3 {
            for j in 0..2 {
                assert!((overlaps[(6 + j, i)] - state.router(i, j)).abs() < 1e-8, "β_{i}{j} at {}", times[k]);
                assert!((overlaps[(8 + j, 3 + i)] - state.expert(i, j)).abs() < 1e-8, "κ_{i}{j} at {}", times[k]);
            }
            for l in 0..3 {
                assert!((overlaps[(3 + i, 3 + l)] - state.student(i, l)).abs() < 1e-8, "u_{i}{l} at {}", times[k]);
                assert!((overlaps[(3 + l, i)] - state.router_expert(i, l)).abs() < 1e-8, "s_{i}{l} at {}", times[k]);
            }
        }
        k += 1;
    });
    assert_eq!(k, 25);
    assert!(reduced[24].loss < 0.9 * reduced[0].loss);
}

/// Raw norms are learning rates: `c` times longer weights take `c²` times as long.
#[test]
fn longer_weights_are_slower_by_the_square() {
    let sides = generic(3, 2, 6);
    let expected = follow(&sides, UNTIL);
    for c in [0.5, 3.0] {
        let mut scaled = sides.clone();
        scaled[0].iter_mut().flatten().flatten().for_each(|x| *x *= c);
        // The teacher's norms mean nothing.
        scaled[1].iter_mut().flatten().flatten().for_each(|x| *x *= 7.0);
        assert_same(&expected, &follow(&scaled, c * c * UNTIL), &[0, 1, 2], 1e-8);
    }
    let start = Start::reduce(&model(&sides)).with_raw_norms(1.0, 1.0);
    assert!(start.norms().iter().all(|norm| *norm == 1.0));
}

/// From random starts, through every alignment and anti-alignment, the loss never rises by more than the error of the overlaps allows (`1e-10` times a gradient
/// of at most a few hundred).
/// Raw norms of 1e-100 and 1e+100 only stretch time: the same overlaps at times scaled by the square, though 1e-200 is far below any step length.
#[test]
fn extreme_norms_stretch_time_only() {
    let sides = generic(2, 1, 6);
    for factor in [1e-100, 1e-4, 1e100] {
        let scaled = mapped(&sides, |row| row.iter().map(|x| x * factor).collect());
        assert_same(&follow(&sides, UNTIL), &follow(&scaled, UNTIL * factor * factor), &[0, 1], 1e-8);
    }
}

#[test]
fn the_loss_never_rises() {
    for (order, seed) in [(2, 0), (3, 0), (3, 1), (5, 0)] {
        let start = InitialLaw::new(order, 6, 3, 50).sample(seed, 0).unwrap();
        let until = if order == 5 { 1.0 } else { 40.0 };
        let times: Vec<f64> = (0..1000).map(|k| until * f64::from(k) / 999.0).collect();
        let states = Flow::trajectory(&start, until, &times, 1e-10, &|_| false).unwrap().states;
        for (k, pair) in states.windows(2).enumerate() {
            let rise = pair[1].loss - pair[0].loss;
            assert!(rise <= 1e-10 * 300.0 * (1.0 + pair[0].loss), "p = {order}, t = {}: {rise:e}", times[k]);
        }
        assert!(states[999].loss < 0.9 * states[0].loss, "p = {order}: {} {}", states[0].loss, states[999].loss);
    }
}

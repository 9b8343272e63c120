use super::*;
use crate::{Correlations, CovarianceTable, MAX_TOTAL, Pair};

fn pure(order: usize) -> ExpertCoefficients {
    std::array::from_fn(|p| if p == order { 1.0 } else { 0.0 })
}

const GENERIC: [f64; 6] = [0.3, -0.2, 0.15, 0.25, 0.1, 0.4];

/// At unit variances and zero means: the formula of `pair.rs`, for every order and router.
#[test]
fn isotropic_inputs_give_the_isotropic_formula() {
    for router in Router::ALL {
        let table = CovarianceTable::new(router, MAX_TOTAL);
        for order in 1..=6 {
            for r12 in [0.3, -0.95, 1.0] {
                let covariances = [r12, -0.2, 0.15, 0.25, 0.1, 0.4];
                let pair = GeneralPair::new(router, pure(order));
                let mut unit = UnitMoments::default();
                pair.moments([1.0, 1.0], [0.0, 0.0], &mut unit);
                let found = pair.partials(&unit, &unit, covariances);
                let exact = Pair::new(&Correlations::from_array(covariances), |k, l| table.value(k, l, covariances[0]));
                let gradient = exact.gradient(order, order);
                let scale = gradient.iter().fold(exact.value(order, order).abs().max(1.0), |m, g| m.max(g.abs()));
                // tanh at |ρ| = 1 and order 6 needs 760 coefficients: 512 leave this much.
                let tolerance = if router == Router::Tanh && r12 == 1.0 && order > 4 { 1e-9 } else { 1e-13 };
                assert!((found.value - exact.value(order, order)).abs() < tolerance * scale, "{router} {order}");
                for (a, b) in found.covariances.iter().zip(gradient) {
                    assert!((a - b).abs() < tolerance * scale, "{router} {order} {r12}: {a} {b}");
                }
            }
        }
    }
}

fn at(pair: &GeneralPair, variances: [f64; 4], means: [f64; 4], covariances: [f64; 6]) -> GeneralPartials {
    let [mut a, mut b] = [UnitMoments::default(), UnitMoments::default()];
    pair.moments([variances[0], variances[2]], [means[0], means[2]], &mut a);
    pair.moments([variances[1], variances[3]], [means[1], means[3]], &mut b);
    pair.partials(&a, &b, covariances)
}

/// All fourteen partials against central differences, for a sum of orders at generic variances and means.
#[test]
fn partials_agree_with_differences() {
    let (variances, means) = ([1.3, 0.8, 0.7, 1.4], [0.3, -0.4, 0.5, -0.2]);
    let h = 1e-5;
    for router in Router::ALL {
        let pair = GeneralPair::new(router, [0.2, 0.5, -0.3, 1.0, 0.1, 0.0, 0.02]);
        let exact = at(&pair, variances, means, GENERIC);
        let difference = |of: &dyn Fn(f64) -> f64| (of(h) - of(-h)) / (2.0 * h);
        for k in 0..6 {
            let slope = difference(&|x| {
                let mut moved = GENERIC;
                moved[k] += x;
                at(&pair, variances, means, moved).value
            });
            assert!((slope - exact.covariances[k]).abs() < 1e-7, "{router} c {k}: {slope}");
        }
        for k in 0..4 {
            let slope = difference(&|x| {
                let mut moved = variances;
                moved[k] += x;
                at(&pair, moved, means, GENERIC).value
            });
            assert!((slope - exact.variances[k]).abs() < 1e-7, "{router} variance {k}: {slope}");
            let slope = difference(&|x| {
                let mut moved = means;
                moved[k] += x;
                at(&pair, variances, moved, GENERIC).value
            });
            assert!((slope - exact.means[k]).abs() < 1e-7, "{router} mean {k}: {slope}");
        }
    }
}

/// A plain sum over a four-dimensional grid that shares no code with the series: trapezoid rule in independent coordinates `x = m + R z`.
#[test]
fn value_agrees_with_tensor_quadrature() {
    let coefficients = [0.1, -0.4, 0.3, 1.0, 0.0, 0.0, 0.0];
    // Rows of R: X1 = R_1·z and so on.
    let factor = [[1.1, 0.0, 0.0, 0.0], [0.4, 0.8, 0.0, 0.0], [-0.3, 0.2, 0.7, 0.0], [0.2, -0.1, 0.5, 0.9]];
    let means = [0.4, -0.3, 0.2, 0.6];
    let covariance = |a: usize, b: usize| (0..4).map(|k| factor[a][k] * factor[b][k]).sum::<f64>();
    let expert = |x: f64| {
        coefficients[0]
            + coefficients[1] * x
            + coefficients[2] * (x * x - 1.0)
            + coefficients[3] * (x * x * x - 3.0 * x)
    };
    let (step, reach) = (0.5, 17_i32);
    let grid: Vec<(f64, f64)> = (-reach..=reach)
        .map(|j| f64::from(j) * step)
        .map(|z| (z, step * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()))
        .collect();
    let x = |row: usize, z: &[f64; 4]| means[row] + (0..=row).map(|k| factor[row][k] * z[k]).sum::<f64>();
    let mut sum = 0.0;
    for (z0, w0) in &grid {
        for (z1, w1) in &grid {
            for (z2, w2) in &grid {
                let partial = [*z0, *z1, *z2, 0.0];
                let outer = w0
                    * w1
                    * w2
                    * Router::Sigmoid.value(x(0, &partial))
                    * Router::Sigmoid.value(x(1, &partial))
                    * expert(x(2, &partial));
                let inner: f64 = grid.iter().map(|(z3, w3)| w3 * expert(x(3, &[*z0, *z1, *z2, *z3]))).sum();
                sum += outer * inner;
            }
        }
    }
    let pair = GeneralPair::new(Router::Sigmoid, coefficients);
    let variances = [0, 1, 2, 3].map(|k| covariance(k, k));
    let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
    let found = at(&pair, variances, means, pairs.map(|(a, b)| covariance(a, b))).value;
    assert!((found - sum).abs() < 1e-11 * sum.abs().max(1.0), "{found} {sum}");
}

/// A unit's own moment is that of the pair which it makes with itself: the value, and the sums of the derivatives by both copies, for a sum of orders at generic variances and means and for a single one without means.
#[test]
fn a_unit_with_itself_is_a_single_sum() {
    let mixed = [0.2, 0.5, -0.3, 1.0, 0.1, 0.0, 0.02];
    for router in Router::ALL {
        for (coefficients, means) in [(mixed, [0.3, -0.4]), (pure(3), [0.0, 0.0]), (pure(1), [0.2, 0.1])] {
            for [router_variance, expert_variance] in [[1.0, 1.0], [1.3, 0.7], [0.5, 1.9]] {
                let pair = GeneralPair::new(router, coefficients);
                let mut unit = UnitMoments::default();
                pair.moments([router_variance, expert_variance], means, &mut unit);
                let c13 = 0.35;
                let own = pair.own(&unit, c13);
                let twice = pair.partials(&unit, &unit, [router_variance, c13, c13, c13, c13, expert_variance]);
                let [c12, c13, c14, c23, c24, c34] = twice.covariances;
                let [c11, c22, c33, c44] = twice.variances;
                let [m1, m2, m3, m4] = twice.means;
                let expected = [twice.value, c13 + c14 + c23 + c24, c11 + c12 + c22, c33 + c34 + c44, m1 + m2, m3 + m4];
                let found = [own.value, own.covariance, own.variances[0], own.variances[1], own.means[0], own.means[1]];
                let scale = expected.iter().fold(1.0_f64, |most, x| most.max(x.abs()));
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() < 1e-13 * scale, "{router}: {found} {expected}");
                }
            }
        }
    }
}

/// A table that ends where the pair's terms do gives what a full one gives, and one that is too short is made longer.
#[test]
fn short_tables_suffice() {
    let pair = GeneralPair::new(Router::Sigmoid, pure(3));
    let [mut full, mut other, mut short] = std::array::from_fn(|_| UnitMoments::default());
    pair.moments([0.6, 1.2], [0.0, 0.1], &mut full);
    pair.moments([1.4, 0.9], [0.3, 0.0], &mut other);
    let mut before = 0;
    for correlation in [0.01, 0.4, 0.9, 0.999] {
        let c12 = correlation * (0.6_f64 * 1.4).sqrt();
        let rows = pair.reach([0.6, 1.4], c12);
        assert!(rows > before, "{rows}");
        before = rows;
        pair.moments_to(rows, [0.6, 1.2], [0.0, 0.1], &mut short);
        let covariances = [c12, 0.1, -0.2, 0.15, 0.05, 0.3];
        // The kernel reads no more rows than that: one that reads all of both.
        let all = pair.partials_of_rows(usize::MAX, &full, &other, covariances);
        let found = pair.partials(&short, &other, covariances);
        assert!((found.value - all.value).abs() < 1e-15, "{correlation}: {} {}", found.value, all.value);
        for (found, all) in found.covariances.iter().zip(all.covariances) {
            assert!((found - all).abs() < 1e-14, "{correlation}: {found} {all}");
        }
    }
}

/// The same bits on every instruction set.
#[test]
fn bits_do_not_depend_on_the_instruction_set() {
    let pair = GeneralPair::new(Router::Sigmoid, pure(3));
    let mut unit = UnitMoments::default();
    pair.moments([1.1, 0.9], [0.2, 0.1], &mut unit);
    let found = pair.partials(&unit, &unit, GENERIC);
    for set in InstructionSet::ALL {
        let correlation = GENERIC[0] / (unit.deviation * unit.deviation);
        let rows = pair.reach([1.1, 1.1], GENERIC[0]);
        let sum = Sum::<4, 9> { a: &unit, b: &unit, rows, correlation, covariances: GENERIC };
        if let Some(other) = set.dispatch(sum) {
            assert_eq!(found, other, "{set}");
        }
    }
}

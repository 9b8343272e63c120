//! The loss as a signed sum over pairs of units, and the expectation of a pair by routes of its own: quadrature, the contraction sum with the factor of the twin, dual numbers.

use moe_kernels::{Correlations, CovarianceTable, Dual, Pair, Router};
use moe_theory::soft_routed::{StudentTeacher, Weights};

/// Unit routers and experts of student and teacher, and the signs of the units.
pub(super) fn unit_vectors(model: &StudentTeacher) -> (Vec<[Vec<f64>; 2]>, Vec<f64>) {
    let unit = |x: &[f64]| -> Vec<f64> { x.iter().map(|y| y / norm(x)).collect() };
    let side = |weights: &Weights| {
        (0..weights.count()).map(|i| [unit(weights.router(i)), unit(weights.expert(i))]).collect::<Vec<_>>()
    };
    let (student, teacher) = (side(&model.student), side(&model.teacher));
    let signs = student.iter().map(|_| 1.0).chain(teacher.iter().map(|_| -1.0)).collect();
    (student.into_iter().chain(teacher).collect(), signs)
}

/// The correlations of units `a` and `b`; of a unit with itself they are 1 exactly, where rounding would leave the domain.
pub(super) fn correlations<R>(
    units: &[[Vec<R>; 2]],
    a: usize,
    b: usize,
    one: R,
    dot: impl Fn(&[R], &[R]) -> R,
) -> Correlations<R>
where
    R: Copy,
{
    let [v, w] = &units[a];
    let [v2, w2] = &units[b];
    let same = |x: R| if a == b { one } else { x };
    Correlations {
        r12: same(dot(v, v2)),
        r13: dot(v, w),
        r14: dot(v, w2),
        r23: dot(v2, w),
        r24: dot(v2, w2),
        r34: same(dot(w, w2)),
    }
}

/// `½ Σ c_a c_b K_ab`.
pub(super) fn signed_sum(units: &[[Vec<f64>; 2]], signs: &[f64], of: &dyn Fn(&Correlations<f64>) -> f64) -> f64 {
    let mut sum = 0.0;
    for a in 0..signs.len() {
        for b in 0..=a {
            let weight = if a == b { 0.5 } else { signs[a] * signs[b] };
            sum += weight * of(&correlations(units, a, b, 1.0, dot));
        }
    }
    sum
}

/// `K` by quadrature: `outer` nodes for the two routers, `inner` ones for what is left of the experts.
pub(super) fn by_quadrature(p: usize, rho: &Correlations<f64>, outer: &[(f64, f64)], inner: &[(f64, f64)]) -> f64 {
    // Cholesky factor of the correlation matrix of (X1, X2, X3, X4); a vanishing pivot belongs to a variable that is a function of those before it.
    let c = [
        [1.0, rho.r12, rho.r13, rho.r14],
        [rho.r12, 1.0, rho.r23, rho.r24],
        [rho.r13, rho.r23, 1.0, rho.r34],
        [rho.r14, rho.r24, rho.r34, 1.0],
    ];
    let mut l = [[0.0; 4]; 4];
    for i in 0..4 {
        for j in 0..=i {
            let rest: f64 = c[i][j] - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            l[i][j] = if i == j {
                if rest > 1e-14 { rest.sqrt() } else { 0.0 }
            } else if l[j][j] > 0.0 {
                rest / l[j][j]
            } else {
                0.0
            };
        }
    }
    let mut sum = 0.0;
    for (z1, w1) in outer {
        let first = w1 * Router::Sigmoid.value(*z1);
        for (z2, w2) in outer {
            let weight = first * w2 * Router::Sigmoid.value(l[1][0] * z1 + l[1][1] * z2);
            let (x3, x4) = (l[2][0] * z1 + l[2][1] * z2, l[3][0] * z1 + l[3][1] * z2);
            let mut experts = 0.0;
            for (z3, w3) in inner {
                let fourth: f64 = inner.iter().map(|(z4, w4)| w4 * hermite(p, x4 + l[3][2] * z3 + l[3][3] * z4)).sum();
                experts += w3 * hermite(p, x3 + l[2][2] * z3) * fourth;
            }
            sum += weight * experts;
        }
    }
    sum
}

/// The contraction sum of `K` with an extra factor for `r` contractions between the experts; the factor 1 is the closed form.
pub(super) fn contractions(
    p: usize,
    rho: &Correlations<f64>,
    phi: impl Fn(usize, usize) -> f64,
    factor: impl Fn(usize) -> f64,
) -> f64 {
    let mut sum = 0.0;
    for r in 0..=p {
        for s in 0..=p - r {
            for t in 0..=p - r {
                let (u, v) = (p - r - s, p - r - t);
                let count =
                    factorial(p).powi(2) / (factorial(s) * factorial(t) * factorial(u) * factorial(v) * factorial(r));
                let [a, b, c, d, e] = [(rho.r13, s), (rho.r14, t), (rho.r23, u), (rho.r24, v), (rho.r34, r)]
                    .map(|(x, n)| x.powi(n as i32));
                sum += factor(r) * count * a * b * c * d * e * phi(s + t, u + v);
            }
        }
    }
    sum
}

/// The twin's wrong factor: every contraction between the experts counted twice.
pub(super) fn twice(r: usize) -> f64 {
    f64::from(1 << r)
}

/// The derivative of `L` along a direction of the raw student weights, in dual numbers.
pub(super) fn dual_slope(model: &StudentTeacher, direction: &[f64], table: &CovarianceTable) -> f64 {
    let m = model.student.count();
    let moving = |x: &[f64], d: &[f64]| -> Vec<Dual<f64>> {
        // d(x/‖x‖) = (d − x̄(x̄·d))/‖x‖
        let length = norm(x);
        let unit: Vec<f64> = x.iter().map(|x| x / length).collect();
        let along = dot(&unit, d);
        unit.iter().zip(d).map(|(u, d)| Dual::new(*u, (d - u * along) / length)).collect()
    };
    let (_, signs) = unit_vectors(model);
    let parts: Vec<&[f64]> = direction.chunks(model.student.dimension()).collect();
    let still = vec![0.0; model.student.dimension()];
    let student =
        (0..m).map(|i| [moving(model.student.router(i), parts[i]), moving(model.student.expert(i), parts[m + i])]);
    let teacher = (0..model.teacher.count())
        .map(|j| [moving(model.teacher.router(j), &still), moving(model.teacher.expert(j), &still)]);
    let units: Vec<[Vec<Dual<f64>>; 2]> = student.chain(teacher).collect();
    let product =
        |a: &[Dual<f64>], b: &[Dual<f64>]| a.iter().zip(b).fold(Dual::constant(0.0), |sum, (x, y)| sum + *x * y);
    let mut sum = Dual::constant(0.0);
    for a in 0..signs.len() {
        for b in 0..signs.len() {
            let rho = correlations(&units, a, b, Dual::constant(1.0), product);
            let pair = Pair::new(&rho, |k, l| table.dual(k, l, rho.r12)).value(model.order, model.order);
            sum = sum + pair * Dual::constant(0.5 * signs[a] * signs[b]);
        }
    }
    sum.derivative
}

/// `He_p(x)`.
pub(super) fn hermite(p: usize, x: f64) -> f64 {
    let (mut previous, mut current) = (0.0, 1.0);
    for k in 0..p {
        (previous, current) = (current, x * current - k as f64 * previous);
    }
    current
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(super) fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the factor 1 the lemma's own contraction sum is the kernel's formula: the twin differs in one factor and nothing else.
    #[test]
    fn twin_differs_in_one_factor_only() {
        let rho = Correlations { r12: 0.3, r13: -0.2, r14: 0.4, r23: 0.1, r24: -0.3, r34: 0.2 };
        for p in 1..=6 {
            let table = CovarianceTable::new(Router::Sigmoid, 2 * p + 2);
            let phi = |k, l| table.value(k, l, rho.r12);
            let expected = Pair::new(&rho, phi).value(p, p);
            assert!((contractions(p, &rho, phi, |_| 1.0) - expected).abs() < 1e-13 * factorial(p).max(1.0), "p = {p}");
        }
    }
}

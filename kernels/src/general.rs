//! Pair expectations under any Gaussian: variances, means and experts of several Hermite orders.
//!
//! # The formula (derived here)
//!
//! Let `X = (v·x, v'·x, w·x, w'·x) ~ N(m, c)` with any variances and means, and let the experts be `h = Σ_p a_p He_p`. The Taylor series of a product in its
//! covariances (every `∂/∂c_ab` of a Gaussian expectation is `E[∂_a∂_b ·]`, half of it for `a = b`) around independent coordinates is
//!
//! ```text
//! K^{(k,l)}_{i,j} = E[π⁽ᵏ⁾(X1) π⁽ˡ⁾(X2) h⁽ⁱ⁾(X3) h⁽ʲ⁾(X4)]
//!                 = Σ c13^s c14^t c23^u c24^v c34^r/(s! t! u! v! r!) · Φ_{k+s+t, l+u+v} · B_{i+s+u+r} B'_{j+t+v+r}
//! Φ_{k,l}         = Σ_n c12ⁿ/n! A_{k+n} A'_{l+n}
//! A_n = E[π⁽ⁿ⁾(m1 + √c11 Z)],     B_n = E[h⁽ⁿ⁾(m3 + √c33 Z)] = Σ_p a_p p!/(p−n)! E[He_{p−n}(m3 + √c33 Z)]
//! E[He_q(m + √c Z)] = Σ_i q!/(i! (q−2i)!) ((c−1)/2)^i m^{q−2i}
//! ```
//!
//! finite in `s, t, u, v, r` because `B_n = 0` beyond the highest order. Every derivative shifts indices: `∂/∂c12` raises `k, l`, `∂/∂c13` raises `k, i`, `∂/∂c33` is half of
//! raising `i` twice, `∂/∂m1` raises `k`, and so on. With `α_n = E[π(m + √a Z) He_n(Z)]/√n!`, `A_n = √n! a^{−n/2} α_n` and `ρ = c12/√(a a')`
//!
//! ```text
//! Φ_{k,l} = Σ_n ρⁿ U_nk U'_nl,      U_nk = √((n+k)!/n!) a^{−k/2} α_{n+k}
//! ```
//!
//! so that nothing overflows and a unit's table `U` serves all its pairs. `α_n` comes from the trapezoid rule with step ⅛ on `|z| ≤ 12.5`: the integrand is analytic up to the
//! poles of `π` at distance `π/√a` (sigmoid), and what aliases is `exp(−π(16π − √n)/√a) < 10⁻²⁵` for `n ≤ 511` and `a ≤ 4`; cutting leaves `e^{−39}`.

use crate::{MAX_ORDER, Router};
use std::sync::OnceLock;

/// Most `α_n` of a table.
const ORDERS: usize = 512;
/// Nodes `z_j = j/8 ≥ 0`.
const NODES: usize = 101;
const PER_UNIT: f64 = 8.0;
/// Terms of `Φ` below this are left out.
const TAIL: f64 = 1e-18;

/// `h_n(z_j) φ(z_j)/8`, twice that for `j > 0`: rows `n`, one after the other.
fn weights() -> &'static [f64] {
    static CACHE: OnceLock<Vec<f64>> = OnceLock::new();
    CACHE.get_or_init(|| {
        let mut table = vec![0.0; ORDERS * NODES];
        for j in 0..NODES {
            let z = j as f64 / PER_UNIT;
            // Even and odd parts are summed apart, over the positive half line.
            let share = if j == 0 { 1.0 } else { 2.0 };
            let mut current = share * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() / PER_UNIT;
            let mut previous = 0.0;
            for n in 0..ORDERS {
                table[n * NODES + j] = current;
                let next = (z * current - (n as f64).sqrt() * previous) / ((n + 1) as f64).sqrt();
                (previous, current) = (current, next);
            }
        }
        table
    })
}

/// `√((n+k)!/n!)`: rows `n`, [`WIDTH`] columns `k`.
fn falling_roots() -> &'static [f64] {
    static CACHE: OnceLock<Vec<f64>> = OnceLock::new();
    CACHE.get_or_init(|| {
        let row = |n: usize| (0..WIDTH).map(move |k| (1..=k).map(|i| ((n + i) as f64).sqrt()).product());
        (0..ORDERS).flat_map(row).collect()
    })
}

/// Changes of a variance or a mean below this are roundings of the same number.
const SAME: f64 = 2e-15;

/// One unit `π(v·x) h(w·x)` under a Gaussian: the moments of its router and of its expert.
#[derive(Clone, Debug, Default)]
pub struct UnitMoments {
    /// `√c11`.
    deviation: f64,
    /// `c11` and `m1`, for which the table is; zero variance where there is none yet.
    router: [f64; 2],
    /// `U_nk`, rows `n`.
    table: Vec<f64>,
    /// `B_n`, zero beyond the order.
    expert: [f64; MAX_ORDER + 3],
}

/// Coefficients `a_0, …, a_6` of an expert `h = Σ_p a_p He_p`.
pub type ExpertCoefficients = [f64; MAX_ORDER + 1];

/// Value and partial derivatives of a pair's expectation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GeneralPartials {
    /// `K`.
    pub value: f64,
    /// By `c12, c13, c14, c23, c24, c34`.
    pub covariances: [f64; 6],
    /// By `c11, c22, c33, c44`.
    pub variances: [f64; 4],
    /// By the means of `X1, X2, X3, X4`.
    pub means: [f64; 4],
}

/// The pair expectation for one router function and one expert `h`.
///
/// Accuracy: better than `1e-13` of the largest partial for sigmoid routers with variances in `[¼, 4]` and means of order one (tested against the isotropic formula,
/// tensor quadrature and differences).
///
/// ```
/// use moe_kernels::{GeneralPair, Router, UnitMoments};
/// let pair = GeneralPair::new(Router::Sigmoid, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
/// let mut unit = UnitMoments::default();
/// pair.moments([1.0, 1.0], [0.0, 0.0], &mut unit);
/// let k = pair.partials(&unit, &unit, [0.2, 0.0, 0.0, 0.0, 0.0, 0.5]).value;
/// assert!((k - 6.0 * 0.125 * moe_kernels::CovarianceTable::new(Router::Sigmoid, 0).value(0, 0, 0.2)).abs() < 1e-15);
/// ```
#[derive(Clone, Debug)]
pub struct GeneralPair {
    router: Router,
    coefficients: ExpertCoefficients,
    /// Highest order with a coefficient.
    degree: usize,
}

impl GeneralPair {
    /// For experts `h = Σ_p coefficients[p] He_p`.
    pub fn new(router: Router, coefficients: ExpertCoefficients) -> Self {
        let degree = coefficients.iter().rposition(|a| *a != 0.0).unwrap_or(0);
        Self { router, coefficients, degree }
    }

    /// The router function.
    pub fn router(&self) -> Router {
        self.router
    }

    /// Columns of a unit's table: `k = 0, …, 2·degree + 2`.
    fn columns(&self) -> usize {
        2 * self.degree + 3
    }

    /// Rows that count at correlation 1: until `α_n² n^{k+l/2}` is below [`TAIL`].
    fn rows(&self, variance: f64) -> usize {
        let power = (self.degree + 1) as f64;
        let bits = |n: f64| match self.router {
            Router::Sigmoid => 2.0 * std::f64::consts::PI * (n / variance).sqrt(),
            Router::Tanh => std::f64::consts::PI * (n / variance).sqrt(),
            Router::GaussianCdf => n * (1.0 / variance).ln_1p(),
        };
        let most = ORDERS - self.columns();
        (16..most).step_by(8).find(|n| bits(*n as f64) - power * (*n as f64).ln() > -TAIL.ln()).unwrap_or(most)
    }

    /// Fills in the moments of a unit whose router and expert have these variances and means.
    pub fn moments(&self, [router, expert]: [f64; 2], [router_mean, expert_mean]: [f64; 2], unit: &mut UnitMoments) {
        unit.expert = self.expert_moments(expert, expert_mean);
        let known = (unit.router[0] - router).abs() < SAME && (unit.router[1] - router_mean).abs() < SAME;
        if known {
            return;
        }
        let deviation = router.sqrt();
        let (rows, columns) = (self.rows(router), self.columns());
        let mut parts = [[0.0; NODES]; 2];
        for j in 0..NODES {
            let z = deviation * j as f64 / PER_UNIT;
            let (plus, minus) = (self.router.value(router_mean + z), self.router.value(router_mean - z));
            parts[0][j] = 0.5 * (plus + minus);
            parts[1][j] = 0.5 * (plus - minus);
        }
        let alpha: Vec<f64> = weights()
            .chunks_exact(NODES)
            .take(rows + columns)
            .enumerate()
            .map(|(n, row)| match (n % 2, router_mean == 0.0) {
                // π − π(0) is odd.
                (0, true) => {
                    if n == 0 {
                        parts[0][0]
                    } else {
                        0.0
                    }
                }
                (part, _) => crate::weighted_sum(row, &parts[part]),
            })
            .collect();
        unit.deviation = deviation;
        unit.router = [router, router_mean];
        unit.table.clear();
        let scale: [f64; WIDTH] = std::array::from_fn(|k| deviation.powi(-(k as i32)));
        for (n, roots) in falling_roots().chunks_exact(WIDTH).take(rows).enumerate() {
            unit.table.extend((0..columns).map(|k| roots[k] * scale[k] * alpha[n + k]));
        }
    }

    fn expert_moments(&self, variance: f64, mean: f64) -> [f64; MAX_ORDER + 3] {
        let excess = if (variance - 1.0).abs() < SAME { 0.0 } else { 0.5 * (variance - 1.0) };
        let hermite: [f64; MAX_ORDER + 1] = std::array::from_fn(|q| {
            (0..=q / 2)
                .map(|i| {
                    factorial(q) / (factorial(i) * factorial(q - 2 * i))
                        * excess.powi(i as i32)
                        * mean.powi((q - 2 * i) as i32)
                })
                .sum()
        });
        std::array::from_fn(|n| {
            (n..=self.degree).map(|p| self.coefficients[p] * factorial(p) / factorial(p - n) * hermite[p - n]).sum()
        })
    }

    /// `Φ_{k,l}` of two units at covariance `c12` of their routers, for `k + l ≤ 2·degree + 2`.
    fn covariances(&self, a: &UnitMoments, b: &UnitMoments, c12: f64) -> [[f64; WIDTH]; WIDTH] {
        let columns = self.columns();
        let rho = c12 / (a.deviation * b.deviation);
        let mut phi = [[0.0; WIDTH]; WIDTH];
        let (mut power, mut small, half) = (1.0, 0, self.degree + 1);
        for (u, w) in a.table.chunks_exact(columns).zip(b.table.chunks_exact(columns)) {
            for (k, row) in phi.iter_mut().enumerate().take(columns) {
                let factor = power * u[k];
                for (entry, x) in row.iter_mut().zip(&w[..columns - k]) {
                    *entry += factor * x;
                }
            }
            // Every other α vanishes where the mean does: two neighbours, and two rows.
            let size = |row: &[f64]| row[half].abs() + row[half - 1].abs();
            small = if (power * size(u) * size(w)).abs() < TAIL { small + 1 } else { 0 };
            if small == 2 {
                break;
            }
            power *= rho;
        }
        phi
    }

    /// The expectation of a pair and its partial derivatives, at the covariances `c12, c13, c14, c23, c24, c34`.
    pub fn partials(&self, a: &UnitMoments, b: &UnitMoments, covariances: [f64; 6]) -> GeneralPartials {
        let phi = self.covariances(a, b, covariances[0]);
        let powers: [[f64; MAX_ORDER + 1]; 5] = std::array::from_fn(|c| {
            let mut power = 1.0;
            std::array::from_fn(|e| {
                if e > 0 {
                    power *= covariances[c + 1] / e as f64;
                }
                power
            })
        });
        let contract = |i: usize, j: usize, shifts: &[[usize; 2]], out: &mut [f64]| {
            let table = self.contractions(&a.expert[i..], &b.expert[j..], &powers, [i, j]);
            let [x_end, y_end] = [2 * self.degree + 1 - i - j; 2];
            for (shift, out) in shifts.iter().zip(out) {
                *out = 0.0;
                for x in 0..x_end {
                    let row = &phi[x + shift[0]][shift[1]..];
                    *out += table[x][..y_end - x].iter().zip(row).map(|(a, b)| a * b).sum::<f64>();
                }
            }
        };
        let mut result = GeneralPartials::default();
        let [mut none, mut third, mut fourth] = [[0.0; 6], [0.0; 6], [0.0; 6]];
        contract(0, 0, &[[0, 0], [1, 1], [2, 0], [0, 2], [1, 0], [0, 1]], &mut none);
        if self.degree >= 1 {
            contract(1, 0, &[[0, 0], [1, 0], [0, 1]], &mut third);
            contract(0, 1, &[[0, 0], [1, 0], [0, 1]], &mut fourth);
            contract(1, 1, &[[0, 0]], &mut result.covariances[5..]);
        }
        if self.degree >= 2 {
            contract(2, 0, &[[0, 0]], &mut third[3..]);
            contract(0, 2, &[[0, 0]], &mut fourth[3..]);
        }
        result.value = none[0];
        result.covariances[..5].copy_from_slice(&[none[1], third[1], fourth[1], third[2], fourth[2]]);
        result.variances = [none[2], none[3], third[3], fourth[3]].map(|x| 0.5 * x);
        result.means = [none[4], none[5], third[0], fourth[0]];
        result
    }

    /// The coefficient of each `Φ_{x,y}`, `x = s + t`, `y = u + v`.
    fn contractions(
        &self,
        first: &[f64],
        second: &[f64],
        [p13, p14, p23, p24, p34]: &[[f64; MAX_ORDER + 1]; 5],
        [i, j]: [usize; 2],
    ) -> [[f64; WIDTH]; WIDTH] {
        let mut table = [[0.0; WIDTH]; WIDTH];
        let (p, q) = (self.degree - i, self.degree - j);
        for r in 0..=p.min(q) {
            for s in 0..=p - r {
                for u in 0..=p - r - s {
                    let left = p34[r] * p13[s] * p23[u] * first[s + u + r];
                    if left == 0.0 {
                        continue;
                    }
                    for legs in (0..=q - r).filter(|legs| second[legs + r] != 0.0) {
                        let middle = left * second[legs + r];
                        for t in 0..=legs {
                            let v = legs - t;
                            table[s + t][u + v] += middle * p14[t] * p24[v];
                        }
                    }
                }
            }
        }
        table
    }
}

/// Room for `k ≤ 2·6 + 2`.
const WIDTH: usize = 2 * MAX_ORDER + 3;

fn factorial(n: usize) -> f64 {
    (1..=n).map(|i| i as f64).product()
}

#[cfg(test)]
mod tests {
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
                    let exact =
                        Pair::new(&Correlations::from_array(covariances), |k, l| table.value(k, l, covariances[0]));
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
}

//! Moments of one unit: what a pair's expectation takes from each of its two.

use super::{GeneralPair, WIDTH};
use crate::{InstructionSet, MAX_ORDER, Router, router_values};
use pulp::{Simd, WithSimd};
use std::sync::OnceLock;

/// Most `α_n` of a table.
pub(super) const ORDERS: usize = 512;
/// Nodes `z_j = j/8 ≥ 0`, and their number in whole lanes.
const NODES: usize = 101;
const LANES: usize = 8;
const BLOCKS: usize = NODES.div_ceil(LANES);
const PER_UNIT: f64 = 8.0;
/// Terms of `Φ` below this are left out.
const TAIL: f64 = 1e-18;
/// Rows of a table come in multiples of this.
const STEP: usize = 4;
/// Most rows of a table.
pub(super) const MOST_ROWS: usize = (ORDERS - WIDTH) / STEP * STEP;
/// Room for the columns `k ≤ 2·6 + 2` of a table, in whole lanes.
pub(super) const STRIDE: usize = WIDTH.next_multiple_of(4);
/// Orders of the square of an expert.
const SQUARE: usize = 2 * MAX_ORDER + 1;

/// Changes of a variance or a mean below this are roundings of the same number.
const SAME: f64 = 2e-15;

/// The largest variance of the other router of a pair that a table made for any pair has rows for.
const WIDEST: f64 = 4.0;

type Nodes = [[f64; LANES]; BLOCKS];

/// `h_n(z_j) φ(z_j)/8`, twice that for `j > 0`: rows `n`.
fn weights() -> &'static [Nodes] {
    static CACHE: OnceLock<Vec<Nodes>> = OnceLock::new();
    CACHE.get_or_init(|| {
        let mut table = vec![[[0.0; LANES]; BLOCKS]; ORDERS];
        for j in 0..NODES {
            let z = j as f64 / PER_UNIT;
            // Even and odd parts are summed apart, over the positive half line.
            let share = if j == 0 { 1.0 } else { 2.0 };
            let mut current = share * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() / PER_UNIT;
            let mut previous = 0.0;
            for (n, row) in table.iter_mut().enumerate() {
                row[j / LANES][j % LANES] = current;
                let next = (z * current - (n as f64).sqrt() * previous) / ((n + 1) as f64).sqrt();
                (previous, current) = (current, next);
            }
        }
        table
    })
}

/// `√((n+k)!/n!)`: rows `n`, columns `k`.
fn falling_roots() -> &'static [[f64; STRIDE]] {
    static CACHE: OnceLock<Vec<[f64; STRIDE]>> = OnceLock::new();
    CACHE.get_or_init(|| {
        let root = |n: usize, k: usize| (1..=k).map(|i| ((n + i) as f64).sqrt()).product();
        (0..ORDERS).map(|n| std::array::from_fn(|k| root(n, k))).collect()
    })
}

/// `√n` and `ln n` for the multiples `n` of [`STEP`].
fn roots_and_logarithms() -> &'static [[f64; 2]] {
    static CACHE: OnceLock<Vec<[f64; 2]>> = OnceLock::new();
    CACHE.get_or_init(|| (0..ORDERS / STEP).map(|i| (i * STEP) as f64).map(|n| [n.sqrt(), n.ln()]).collect())
}

/// One unit `π(v·x) h(w·x)` under a Gaussian: the moments of its router and of its expert, and of their squares.
#[derive(Clone, Debug, Default)]
pub struct UnitMoments {
    /// `√c11`.
    pub(super) deviation: f64,
    /// `c11` and `m1`, for which the table is; zero variance where there is none yet.
    router: [f64; 2],
    /// `U_nk`, rows `n`.
    pub(super) table: Vec<[f64; STRIDE]>,
    /// `B_n`, zero beyond the order.
    pub(super) expert: [f64; MAX_ORDER + 3],
    /// `E[(π²)⁽ⁿ⁾]` and `E[(h²)⁽ⁿ⁾]`, the latter zero beyond twice the order.
    pub(super) squares: [[f64; WIDTH]; 2],
}

impl UnitMoments {
    /// `c11`.
    pub(super) fn variance(&self) -> f64 {
        self.router[0]
    }
}

/// What [`GeneralPair`] knows of its expert: the derivatives of `h` and `h²` in Hermite polynomials.
#[derive(Clone, Debug)]
pub(super) struct Derivatives {
    /// Row `n`: coefficients of `h⁽ⁿ⁾`, `a_p p!/(p−n)!` at `He_{p−n}`.
    expert: [[f64; MAX_ORDER + 1]; MAX_ORDER + 1],
    square: [[f64; SQUARE]; SQUARE],
}

impl Derivatives {
    pub(super) fn new(coefficients: &[f64; MAX_ORDER + 1]) -> Self {
        // He_p He_q = Σ_k k! C(p,k) C(q,k) He_{p+q−2k}.
        let mut product = [0.0; SQUARE];
        for (p, a) in coefficients.iter().enumerate() {
            for (q, b) in coefficients.iter().enumerate() {
                for k in 0..=p.min(q) {
                    let ways = factorial(p) * factorial(q) / (factorial(k) * factorial(p - k) * factorial(q - k));
                    product[p + q - 2 * k] += a * b * ways;
                }
            }
        }
        Self { expert: derivatives(coefficients), square: derivatives(&product) }
    }
}

fn derivatives<const N: usize>(coefficients: &[f64; N]) -> [[f64; N]; N] {
    std::array::from_fn(|n| {
        std::array::from_fn(|k| {
            let p = n + k;
            if p < N { coefficients[p] * factorial(p) / factorial(k) } else { 0.0 }
        })
    })
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|i| i as f64).product()
}

impl GeneralPair {
    /// Rows of two units' tables that count at the correlation `ρ` of their routers: until `α_n α'_n n^{k+l/2} |ρ|ⁿ` is below [`TAIL`].
    pub(super) fn rows(&self, [a, b]: [f64; 2], correlation: f64) -> usize {
        let power = (self.degree + 1) as f64;
        // −ln α_n α'_n is one of these times √n, or times n.
        let (by_root, by_order) = match self.router {
            Router::Sigmoid => (std::f64::consts::PI * (1.0 / a.sqrt() + 1.0 / b.sqrt()), 0.0),
            Router::Tanh => (0.5 * std::f64::consts::PI * (1.0 / a.sqrt() + 1.0 / b.sqrt()), 0.0),
            Router::GaussianCdf => (0.0, 0.5 * ((1.0 / a).ln_1p() + (1.0 / b).ln_1p())),
        };
        let by_order = by_order - correlation.abs().clamp(1e-9, 1.0).ln();
        let most = MOST_ROWS / STEP;
        let least = roots_and_logarithms()[..most].iter().enumerate().skip(4).find(|(i, [root, logarithm])| {
            by_root * root + by_order * (i * STEP) as f64 - power * logarithm > -TAIL.ln()
        });
        STEP * least.map_or(most, |(i, _)| i)
    }

    /// Rows of the tables of two units, with the variances `c11, c22` of their routers, that [`Self::partials`] reads at their covariance `c12`.
    pub fn reach(&self, [c11, c22]: [f64; 2], c12: f64) -> usize {
        self.rows([c11, c22], c12 / (c11 * c22).sqrt())
    }

    /// Fills in the moments of a unit whose router and expert have these variances and means, for pairs of any correlation with units whose router has a variance up to 4, or up to its own.
    pub fn moments(&self, variances: [f64; 2], means: [f64; 2], unit: &mut UnitMoments) {
        self.moments_to(self.rows([variances[0], variances[0].max(WIDEST)], 1.0), variances, means, unit);
    }

    /// As [`Self::moments`], for pairs that [`Self::reach`] no further than `rows`.
    pub fn moments_to(
        &self,
        rows: usize,
        [router, expert]: [f64; 2],
        [router_mean, expert_mean]: [f64; 2],
        unit: &mut UnitMoments,
    ) {
        let hermite = hermite_means(expert, expert_mean);
        contract(&self.derivatives.expert, &hermite, self.degree, &mut unit.expert);
        contract(&self.derivatives.square, &hermite, 2 * self.degree, &mut unit.squares[1]);
        let known = (unit.router[0] - router).abs() < SAME
            && (unit.router[1] - router_mean).abs() < SAME
            && unit.table.len() >= rows;
        if known {
            return;
        }
        let deviation = router.sqrt();
        let parts = self.parts(deviation, router_mean);
        let count = rows + self.columns();
        let mut alpha = [0.0; ORDERS];
        // π − π(0) is odd.
        let odd_only = router_mean == 0.0;
        if odd_only {
            alpha[0] = parts[0][0][0];
        }
        let sums = Sums { parts: [&parts[0], &parts[1]], odd_only, out: &mut alpha[..count] };
        let done = InstructionSet::best().dispatch(sums);
        debug_assert!(done.is_some(), "the best instruction set is available");
        // π² = e² + o² + 2eo for the even and the odd part of π.
        let square = |of: &dyn Fn(f64, f64) -> f64| {
            let mut nodes = [[0.0; LANES]; BLOCKS];
            for i in 0..BLOCKS {
                for lane in 0..LANES {
                    nodes[i][lane] = of(parts[0][i][lane], parts[1][i][lane]);
                }
            }
            nodes
        };
        let squared = [square(&|even, odd| even * even + odd * odd), square(&|even, odd| 2.0 * even * odd)];
        let mut own = [0.0; WIDTH];
        let sums = Sums { parts: [&squared[0], &squared[1]], odd_only: false, out: &mut own[..self.columns()] };
        InstructionSet::best().dispatch(sums);
        let (roots, columns) = (falling_roots(), self.columns());
        let mut scale = [1.0; STRIDE];
        for k in 1..STRIDE {
            scale[k] = scale[k - 1] / deviation;
        }
        unit.squares[0] = [0.0; WIDTH];
        for n in 0..columns {
            unit.squares[0][n] = roots[0][n] * scale[n] * own[n];
        }
        unit.deviation = deviation;
        unit.router = [router, router_mean];
        unit.table.clear();
        for n in 0..rows {
            let mut row = [0.0; STRIDE];
            for k in 0..columns {
                row[k] = roots[n][k] * scale[k] * alpha[n + k];
            }
            unit.table.push(row);
        }
    }

    /// Even and odd part of `π(m + √a z)` at the nodes.
    fn parts(&self, deviation: f64, mean: f64) -> [Nodes; 2] {
        let mut parts = [[[0.0; LANES]; BLOCKS]; 2];
        let [mut at, mut slope] = [[0.0; BLOCKS * LANES]; 2];
        let [mut plus, mut minus] = [[0.0; BLOCKS * LANES]; 2];
        for (j, at) in at.iter_mut().enumerate() {
            *at = mean + deviation * j as f64 / PER_UNIT;
        }
        router_values(self.router, &at, &mut plus, &mut slope);
        if mean == 0.0 {
            let middle = self.router.value(0.0);
            for j in 0..NODES {
                parts[0][j / LANES][j % LANES] = middle;
                parts[1][j / LANES][j % LANES] = plus[j] - middle;
            }
            return parts;
        }
        for (j, at) in at.iter_mut().enumerate() {
            *at = mean - deviation * j as f64 / PER_UNIT;
        }
        router_values(self.router, &at, &mut minus, &mut slope);
        for j in 0..NODES {
            parts[0][j / LANES][j % LANES] = 0.5 * (plus[j] + minus[j]);
            parts[1][j / LANES][j % LANES] = 0.5 * (plus[j] - minus[j]);
        }
        parts
    }
}

/// `E[He_q(m + √c Z)]` by `e_{q+1} = m e_q + q(c − 1)e_{q−1}`, which is `He_{q+1} = x He_q − q He_{q−1}` with `E[x g(x)] = m E g + c E g'`.
fn hermite_means(variance: f64, mean: f64) -> [f64; SQUARE] {
    let excess = if (variance - 1.0).abs() < SAME { 0.0 } else { variance - 1.0 };
    let mut means = [1.0; SQUARE];
    means[1] = mean;
    for q in 1..SQUARE - 1 {
        means[q + 1] = mean * means[q] + q as f64 * excess * means[q - 1];
    }
    means
}

/// `out_n = Σ_k rows_nk means_k` up to the degree, zero beyond.
fn contract<const N: usize>(rows: &[[f64; N]; N], means: &[f64; SQUARE], degree: usize, out: &mut [f64]) {
    out.fill(0.0);
    for n in 0..=degree {
        let mut sum = 0.0;
        for k in 0..=degree - n {
            sum += rows[n][k] * means[k];
        }
        out[n] = sum;
    }
}

/// `α_n = Σ_j weight_nj part_j` with the even part for even `n` and the odd one for odd `n`; with `odd_only`, the even ones are left as they are.
struct Sums<'a> {
    parts: [&'a Nodes; 2],
    odd_only: bool,
    out: &'a mut [f64],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { parts, odd_only, out } = self;
        let weights = weights();
        let stride = if odd_only { 2 } else { 1 };
        let mut n = usize::from(odd_only);
        while n < out.len() {
            let (row, part) = (&weights[n], parts[n % 2]);
            // Products and sums are rounded apart, in eight lanes: the same bits on every instruction set.
            let mut lanes = [0.0; LANES];
            for i in 0..BLOCKS {
                for lane in 0..LANES {
                    lanes[lane] += row[i][lane] * part[i][lane];
                }
            }
            out[n] = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
            n += stride;
        }
    }
}

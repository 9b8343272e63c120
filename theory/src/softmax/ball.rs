//! The minimiser of `q(s) = bᵀs + ½ sᵀMs` over a ball `‖s‖ ≤ Δ`, for symmetric matrices `M` that may be indefinite.
//!
//! It solves `(M + μ)s = −b` with `μ ≥ 0`, `M + μ ⪰ 0` and `μ(Δ − ‖s‖) = 0` (Moré, Sorensen, SIAM J. Sci. Stat. Comput. 4, 1983). A few `μ` are tried with Cholesky factors; where these do not do, eigenvectors reduce the problem to one equation in `μ`. With a dozen coordinates a factorisation costs half a microsecond, the eigenvectors thirty.

use std::cell::OnceCell;

use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, Side};

/// Coordinates from which blocked factors are quicker than plain ones.
const MANY: usize = 64;
/// Values of `μ` that are tried before the eigenvectors are asked.
const TRIALS: usize = 12;
/// How near the length of a step comes to the radius, in shares of it, with plain factors and with blocked ones, which cost more than what a better step saves.
const CLOSE: f64 = 1e-4;
const ROUGHLY: f64 = 0.1;
/// Steps of an iteration for an eigenvalue.
const ITERATIONS: usize = 40;

/// Share of the largest eigenvalue that a matrix of `n` coordinates carries as rounding: what its sums over rows and its scaling leave. Flat directions showed up to 33 ε.
fn rounding(n: usize) -> f64 {
    (256.0 + 4.0 * n as f64) * f64::EPSILON
}

fn norm(s: &[f64]) -> f64 {
    s.iter().map(|s| s * s).sum::<f64>().sqrt()
}

/// `LLᵀ` of a positive definite matrix.
enum Factors {
    /// `L` by rows, the diagonal by its reciprocals.
    Plain(Vec<f64>),
    Blocked(Llt<f64>),
}

impl Factors {
    /// Of `M + shift`; `None` where that is not positive definite.
    fn new(matrix: &Mat<f64>, shift: f64) -> Option<Self> {
        let n = matrix.nrows();
        if n >= MANY {
            let shifted = Mat::from_fn(n, n, |i, j| matrix[(i, j)] + if i == j { shift } else { 0.0 });
            return shifted.llt(Side::Lower).ok().map(Self::Blocked);
        }
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            let (above, row) = lower.split_at_mut(i * n);
            let row = &mut row[..n];
            for j in 0..i {
                let other = &above[j * n..j * n + j + 1];
                let dot: f64 = row[..j].iter().zip(other).map(|(a, b)| a * b).sum();
                row[j] = (matrix[(i, j)] - dot) * other[j];
            }
            let rest = matrix[(i, i)] + shift - row[..i].iter().map(|a| a * a).sum::<f64>();
            // Not a number is no pivot either.
            if !(rest > 0.0 && rest.is_finite()) {
                return None;
            }
            row[i] = 1.0 / rest.sqrt();
        }
        Some(Self::Plain(lower))
    }

    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let n = right.len();
        match self {
            Self::Plain(lower) => {
                let mut solution = right.to_vec();
                for i in 0..n {
                    let row = &lower[i * n..i * n + i + 1];
                    let dot: f64 = row[..i].iter().zip(&solution).map(|(a, b)| a * b).sum();
                    solution[i] = (solution[i] - dot) * row[i];
                }
                for i in (0..n).rev() {
                    let row = &lower[i * n..i * n + i + 1];
                    solution[i] *= row[i];
                    let value = solution[i];
                    solution[..i].iter_mut().zip(row).for_each(|(s, l)| *s -= l * value);
                }
                solution
            }
            Self::Blocked(factors) => {
                let solution = factors.solve(Mat::from_fn(n, 1, |i, _| right[i]));
                (0..n).map(|i| solution[(i, 0)]).collect()
            }
        }
    }
}

/// The smallest eigenvalue of a symmetric matrix over the largest; what is below its rounding counts as that. `None` where the matrix has no coordinates, is 0, or is not finite.
///
/// A positive definite matrix of many coordinates has its ends by iteration: the ratio is then an upper bound, good to a factor near 1.
pub(super) fn conditioning(matrix: &Mat<f64>) -> Option<f64> {
    let n = matrix.nrows();
    let ends = if n < MANY { None } else { definite_ends(matrix) };
    let mut values = match ends {
        Some(ends) => ends.to_vec(),
        None if n == 0 => return None,
        None => matrix.self_adjoint_eigenvalues(Side::Lower).ok()?,
    };
    let top = lifted(&mut values, n);
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    (top > 0.0).then_some(lowest / top)
}

/// Rayleigh quotients of inverse and of plain iteration, if the matrix is positive definite.
fn definite_ends(matrix: &Mat<f64>) -> Option<[f64; 2]> {
    let factors = Factors::new(matrix, 0.0)?;
    let times = |z: &[f64]| -> Vec<f64> {
        let product = matrix * Mat::from_fn(z.len(), 1, |i, _| z[i]);
        (0..z.len()).map(|i| product[(i, 0)]).collect()
    };
    let end = |next: &dyn Fn(&[f64]) -> Vec<f64>| {
        let z = iterated(matrix.nrows(), ITERATIONS, next);
        times(&z).iter().zip(&z).map(|(a, b)| a * b).sum::<f64>()
    };
    Some([end(&|z| factors.solve(z)), end(&times)])
}

/// A vector of length 1 after some steps of an iteration for an eigenvector.
fn iterated(n: usize, steps: usize, next: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    // No symmetry that an eigenvector could be orthogonal to.
    let mut z: Vec<f64> = (0..n).map(|i| 1.0 + (i as f64 * 0.618_033_988_749_894_9).fract()).collect();
    for _ in 0..steps {
        z = next(&z);
        let length = norm(&z);
        z.iter_mut().for_each(|z| *z /= length);
    }
    z
}

/// Eigenvalues of a matrix of `n` coordinates, those within its rounding taken to it; the largest of all.
fn lifted(values: &mut [f64], n: usize) -> f64 {
    let top = values.iter().fold(0.0_f64, |top, value| top.max(value.abs()));
    let least = rounding(n) * top;
    values.iter_mut().filter(|value| value.abs() < least).for_each(|value| *value = least);
    top
}

/// A matrix, with its eigenvectors once they were asked for.
pub(super) struct Quadratic {
    matrix: Mat<f64>,
    eigen: OnceCell<Option<Eigen>>,
}

impl Quadratic {
    pub(super) fn new(matrix: Mat<f64>) -> Self {
        Self { matrix, eigen: OnceCell::new() }
    }

    /// `None` where the matrix is not finite.
    pub(super) fn minimiser(&self, slope: &[f64], radius: f64) -> Option<Vec<f64>> {
        by_factors(&self.matrix, slope, radius).or_else(|| {
            let eigen = self.eigen.get_or_init(|| Eigen::new(&self.matrix)).as_ref();
            eigen.map(|eigen| eigen.minimiser(slope, radius))
        })
    }
}

/// The minimiser by Cholesky factors of `M + μI` for a few `μ` (Moré, Sorensen), its length near `Δ` where the ball binds and then made `Δ`; `None` where these do not do.
///
/// `μ = 0` stands for the rounding of the matrix, as negative eigenvalues within it are none. A factorisation that fails raises the lower end of the bracket; one that does not gives a Newton step for `1/‖s‖ − 1/Δ`. In the hard case, where `‖s‖ < Δ` though `M` is indefinite, the step goes on to the boundary along the direction that inverse iteration finds for the lowest eigenvalue, the way that falls more.
fn by_factors(matrix: &Mat<f64>, slope: &[f64], radius: f64) -> Option<Vec<f64>> {
    let n = slope.len();
    let row = |i: usize| (0..n).map(|j| matrix[(i, j)].abs()).sum::<f64>();
    let size = (0..n).map(row).fold(0.0, f64::max);
    if !(size.is_finite() && size > 0.0) {
        return None;
    }
    let least = rounding(n) * size;
    let close = if n < MANY { CLOSE } else { ROUGHLY };
    let (mut low, mut high) = (0.0_f64, size + norm(slope) / radius);
    let mut indefinite = false;
    let mut mu = 0.0_f64;
    let mut inside: Option<(Factors, Vec<f64>)> = None;
    for _ in 0..TRIALS {
        let Some(factors) = Factors::new(matrix, mu + least) else {
            indefinite = true;
            low = low.max(mu);
            mu = middle(low, high, least);
            continue;
        };
        let mut s = factors.solve(slope);
        s.iter_mut().for_each(|s| *s = -*s);
        let length = norm(&s);
        if !length.is_finite() {
            return None;
        }
        if length <= radius && mu == 0.0 {
            return Some(s);
        }
        if (length - radius).abs() <= close * radius {
            s.iter_mut().for_each(|s| *s *= radius / length);
            return Some(s);
        }
        // sᵀ(M + μ)⁻¹s, the slope of ‖s‖ against μ times ‖s‖.
        let bend: f64 = factors.solve(&s).iter().zip(&s).map(|(a, b)| a * b).sum();
        let next = mu + length * length / bend * (length - radius) / radius;
        if length > radius {
            low = low.max(mu);
        } else {
            high = high.min(mu);
            inside = Some((factors, s));
        }
        mu = if next > low && next < high { next } else { middle(low, high, least) };
        if indefinite && high - low <= 0.01 * high {
            break;
        }
    }
    // The hard case, nearly enough.
    let (factors, s) = inside.filter(|_| indefinite)?;
    let z = iterated(n, 4, |z| factors.solve(z));
    let along: f64 = s.iter().zip(&z).map(|(s, z)| s * z).sum();
    let rest = radius * radius - norm(&s).powi(2);
    // On the way ±z the model falls by about the same, ½λt²; of the two roots of ‖s + tz‖ = Δ the smaller is taken.
    let root = (along * along + rest).sqrt();
    let t = if along > 0.0 { rest / (along + root) } else { rest / (along - root) };
    Some(s.iter().zip(&z).map(|(s, z)| s + t * z).collect())
}

/// A value between, nearer to the lower end by its logarithm.
fn middle(low: f64, high: f64, least: f64) -> f64 {
    (low.max(least) * high).sqrt().clamp(low + 0.01 * (high - low), high)
}

/// Eigenvalues and eigenvectors of the scaled matrix of some coordinates.
struct Eigen {
    values: Vec<f64>,
    vectors: Mat<f64>,
}

impl Eigen {
    /// `None` where the matrix is not finite.
    fn new(matrix: &Mat<f64>) -> Option<Self> {
        let eigen = matrix.self_adjoint_eigen(Side::Lower).ok()?;
        let mut values: Vec<f64> = (0..matrix.nrows()).map(|k| eigen.S()[k]).collect();
        lifted(&mut values, matrix.nrows());
        Some(Self { values, vectors: eigen.U().to_owned() })
    }

    fn minimiser(&self, slope: &[f64], radius: f64) -> Vec<f64> {
        let n = slope.len();
        let parts: Vec<f64> = (0..n).map(|k| (0..n).map(|i| self.vectors[(i, k)] * slope[i]).sum()).collect();
        let along = secular(&self.values, &parts, radius);
        (0..n).map(|i| (0..n).map(|k| self.vectors[(i, k)] * along[k]).sum::<f64>()).collect()
    }
}

/// The minimiser of `Σ b_k s_k + ½ Σ λ_k s_k²` over `‖s‖ ≤ Δ`.
fn secular(values: &[f64], parts: &[f64], radius: f64) -> Vec<f64> {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let at = |mu: f64| -> Vec<f64> {
        let step = |(value, part): (&f64, &f64)| if *part == 0.0 { 0.0 } else { -part / (value + mu) };
        values.iter().zip(parts).map(step).collect()
    };
    if lowest > 0.0 {
        let newton = at(0.0);
        if norm(&newton) <= radius {
            return newton;
        }
    }
    // ‖s(μ)‖ falls on (−λ_min, ∞); it is below Δ at the upper end because ‖s(μ)‖ ≤ ‖b‖/(λ_min + μ).
    let mut low = (-lowest).max(0.0);
    let mut high = low.max(norm(parts) / radius - lowest);
    let margin = f64::EPSILON * values.iter().fold(1e-300_f64, |top, value| top.max(value.abs()));
    let nearest = at(low + margin);
    if lowest <= 0.0 && norm(&nearest) <= radius {
        // The hard case: the gradient has no part along the lowest eigenvector, along which the step goes to the boundary.
        let mut solution = nearest;
        let k = (0..values.len()).min_by(|i, j| values[*i].total_cmp(&values[*j])).unwrap_or(0);
        let rest = solution.iter().enumerate().filter(|(i, _)| *i != k).map(|(_, s)| s * s).sum::<f64>();
        let along = (radius * radius - rest).max(0.0).sqrt();
        solution[k] = if parts[k] > 0.0 { -along } else { along };
        return solution;
    }
    // Newton's method on 1/‖s‖ − 1/Δ, which is nearly linear in μ, kept inside the bracket.
    let mut mu = low + margin;
    for _ in 0..100 {
        let solution = at(mu);
        let length = norm(&solution);
        if (length - radius).abs() <= 1e-6 * radius {
            return solution;
        }
        if length > radius {
            low = mu;
        } else {
            high = mu;
        }
        let slope: f64 = solution.iter().zip(values).map(|(s, value)| s * s / (value + mu)).sum();
        let next = mu + length * length / slope * (length - radius) / radius;
        mu = if next > low && next < high { next } else { 0.5 * (low + high) };
    }
    // Near the hard case the digits of μ + λ_min run out before the length is right; the direction is, and the step ends on the boundary.
    let solution = at(high);
    let length = norm(&solution);
    if length > 0.0 { solution.iter().map(|s| s * radius / length).collect() } else { solution }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends of the spectrum by iteration against the eigenvalues, and no ends of an indefinite matrix.
    #[test]
    fn ends_of_a_definite_matrix() {
        let n = MANY + 10;
        let entry = |i: usize, j: usize| 1.0 / (1.0 + (i as f64 - j as f64).abs());
        for shift in [0.0, -0.9] {
            let matrix = Mat::from_fn(n, n, |i, j| entry(i, j) + if i == j { shift } else { 0.0 });
            let values = matrix.self_adjoint_eigenvalues(Side::Lower).unwrap();
            match definite_ends(&matrix) {
                Some([low, high]) => {
                    assert!(values[0] > 0.0 && low >= values[0] * (1.0 - 1e-12) && low < 1.05 * values[0], "{low}");
                    assert!(high <= values[n - 1] * (1.0 + 1e-12) && high > 0.99 * values[n - 1], "{high}");
                }
                None => assert!(values[0] < 0.0),
            }
        }
    }

    /// Against a search over the boundary and the interior, for definite and indefinite matrices and the hard case.
    #[test]
    fn secular_step_is_the_minimiser_in_the_ball() {
        for (values, parts) in [
            ([1.0, 4.0], [3.0, -2.0]),
            ([-1.0, 2.0], [0.5, 1.0]),
            ([-2.0, 2.0], [0.0, 1.0]),
            ([1e-9, 1.0], [1e-6, 1.0]),
            ([-3.0, -1.0], [1e-12, 0.0]),
        ] {
            let q = |s: [f64; 2]| (0..2).map(|k| parts[k] * s[k] + 0.5 * values[k] * s[k] * s[k]).sum::<f64>();
            for radius in [0.01, 0.7, 30.0] {
                let step = secular(&values, &parts, radius);
                assert!(step[0].hypot(step[1]) <= radius * (1.0 + 1e-5));
                let found = q([step[0], step[1]]);
                for i in 0..720 {
                    let (sin, cos) = (f64::from(i) * std::f64::consts::TAU / 720.0).sin_cos();
                    for share in [0.1, 0.5, 0.9, 1.0] {
                        let other = q([radius * share * cos, radius * share * sin]);
                        assert!(found <= other + 1e-5 * other.abs() + 1e-15, "{values:?} {parts:?} {radius}");
                    }
                }
            }
        }
    }

    /// The step by factors, plain and blocked, against that by eigenvectors, in `q`: definite, indefinite and flat matrices, at radii where the ball binds and where it does not, and the hard case.
    #[test]
    fn factors_find_the_step_of_the_eigenvectors() {
        steps_by_factors(20, 200);
        steps_by_factors(MANY + 6, 30);
    }

    fn steps_by_factors(n: usize, trials: usize) {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        let mut found = 0;
        for trial in 0..trials {
            let rank = [n, n, 3 * n / 5][trial % 3];
            let factor = Mat::from_fn(n, rank, |_, _| random());
            let mut matrix = &factor * factor.transpose();
            if trial % 2 == 1 {
                let way: Vec<f64> = (0..n).map(|_| random()).collect();
                (0..n).for_each(|i| (0..n).for_each(|j| matrix[(i, j)] -= way[i] * way[j]));
            }
            let eigen = Eigen::new(&matrix).unwrap();
            let mut slope: Vec<f64> = (0..n).map(|_| random()).collect();
            if trial % 5 == 0 {
                // Without a part along the lowest eigenvector.
                let lowest = (0..n).min_by(|i, j| eigen.values[*i].total_cmp(&eigen.values[*j])).unwrap();
                let part: f64 = (0..n).map(|i| eigen.vectors[(i, lowest)] * slope[i]).sum();
                (0..n).for_each(|i| slope[i] -= part * eigen.vectors[(i, lowest)]);
            }
            let value = |s: &[f64]| -> f64 {
                let line = |i: usize| (0..n).map(|j| matrix[(i, j)] * s[j]).sum::<f64>();
                (0..n).map(|i| s[i] * (slope[i] + 0.5 * line(i))).sum()
            };
            for radius in [1e-3, 0.3, 30.0] {
                let best = value(&eigen.minimiser(&slope, radius));
                let Some(step) = by_factors(&matrix, &slope, radius) else { continue };
                found += 1;
                assert!(norm(&step) <= radius * (1.0 + 1e-9), "{trial} {radius}");
                // A length that is a tenth off before it is made right costs at most a few hundredths.
                assert!(value(&step) <= 0.9 * best, "{trial} {radius}: {} {best}", value(&step));
            }
        }
        assert!(10 * found > 27 * trials, "{found} of {} without eigenvectors", 3 * trials);
    }
}

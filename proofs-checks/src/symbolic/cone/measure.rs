//! The measure of a `cone` certificate: a linear program over point masses with cutting planes for the matrix inequality.
//!
//! ```text
//! max λ:  Σ_s g_s Ψ(x_s) = 0 for the functions whose integrals are to vanish,  Σ|g_s| ≤ 1,  uᵀ(Σ_s g_s ∂²Ψ_j(x_s))u ≥ λ for all over-fitted cells and the vectors u so far
//! ```
//!
//! A new `u` is the eigenvector of the lowest eigenvalue, until that is `λ` almost. The functions are replaced by an orthonormal basis of their span over the grid, which the program cannot tell from them, but rounding can. Of the solution the points with mass are
//! kept; as many of them as there are equalities, chosen well conditioned, leave their masses to the re-checker.

use super::sampled::Sampled;
use crate::rigor::{Cone, Measure, Mixture, Offer};
use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettingsBuilder, DefaultSolver, IPSolver, NonnegativeConeT, SupportedConeT, ZeroConeT};
use dashu_ratio::RBig;
use faer::{Mat, Side};

/// Rounds of cutting planes at most, and in a row without a better measure.
const ROUNDS: usize = 30;
const STALLED: usize = 3;
/// How near to the program's bound is near enough.
const NEAR: f64 = 1e-3;
/// Bits after the point of a mass.
const MASS_BITS: usize = 60;

/// `λ`, the constant of L1 and the certificate of the best measure on the grid; `None` where the program finds none that the re-checker's arithmetic accepts.
pub(super) fn measured(mixture: &Mixture, sampled: &Sampled, precision: usize) -> Option<([f64; 2], String)> {
    let (basis, grid) = (&sampled.basis, &sampled.points);
    let n = basis.ncols();
    let (lambda, masses) = program(basis, &sampled.second)?;
    let largest = masses.iter().fold(0.0_f64, |largest, mass| largest.max(mass.abs()));
    let mut support: Vec<usize> = (0..grid.len()).filter(|s| masses[*s].abs() > 1e-7 * largest).collect();
    let basic = well_conditioned(basis, &support, &masses, n)?;
    support.retain(|s| !basic.contains(s));
    let points: Vec<_> = support.iter().map(|s| (grid[*s].clone(), exact(masses[*s]))).collect();
    let basic: Vec<_> = basic.iter().map(|s| grid[*s].clone()).collect();
    for share in [0.9999, 0.999, 0.99, 0.95, 0.8, 0.5] {
        let claimed = rounded_down(share * lambda);
        let measure = Measure { lambda: claimed, precision, points: points.clone(), basic: basic.clone() };
        let cone = Cone { mixture: mixture.clone(), two: false, offer: Offer::Measure(measure) };
        if let Ok(proved) = cone.proved() {
            return Some(proved);
        }
    }
    None
}

/// A mass as a certificate has it.
pub(super) fn exact(mass: f64) -> RBig {
    let scaled = (mass * 2f64.powi(MASS_BITS as i32)).round();
    RBig::from_parts((scaled as i128).into(), dashu_int::UBig::ONE << MASS_BITS)
}

/// Four significant digits, down.
pub(super) fn rounded_down(value: f64) -> RBig {
    let exponent = value.log10().floor() as i32 - 3;
    let digits = (value / 10f64.powi(exponent)).floor() as i64;
    let power = dashu_int::UBig::from(10u8).pow(exponent.unsigned_abs() as usize);
    if exponent < 0 { RBig::from_parts(digits.into(), power) } else { RBig::from(digits) * RBig::from(power) }
}

/// `λ` and the masses.
fn program(basis: &Mat<f64>, second: &[Vec<Mat<f64>>]) -> Option<(f64, Vec<f64>)> {
    let cells = second.first()?.len();
    let size = second.first()?.first()?.nrows();
    // The objective in units of the second derivatives' magnitude.
    let mut cuts: Vec<(usize, Vec<f64>)> = Vec::new();
    for cell in 0..cells {
        for k in 0..size {
            cuts.push((cell, (0..size).map(|l| f64::from(u8::from(k == l))).collect()));
        }
    }
    let mut best: Option<(f64, Vec<f64>)> = None;
    let (mut unit, mut stalled) = (1e-3, 0);
    for _ in 0..ROUNDS {
        let (bound, masses) = solved(basis, second, &cuts, unit)?;
        unit = bound.abs().max(1e-12);
        if bound <= 0.0 {
            return None;
        }
        let total: f64 = masses.iter().map(|mass| mass.abs()).sum();
        let mut lowest = f64::INFINITY;
        for cell in 0..cells {
            let mut matrix = Mat::<f64>::zeros(size, size);
            for (values, mass) in second.iter().zip(&masses) {
                for k in 0..size {
                    for l in 0..size {
                        matrix[(k, l)] += values[cell][(k, l)] * mass / total;
                    }
                }
            }
            let eigen = matrix.self_adjoint_eigen(Side::Lower).ok()?;
            let value = eigen.S()[0];
            lowest = lowest.min(value);
            if value < bound * (1.0 - NEAR) {
                cuts.push((cell, (0..size).map(|k| eigen.U()[(k, 0)]).collect()));
            }
        }
        if best.as_ref().is_none_or(|(known, _)| lowest > *known) {
            best = Some((lowest, masses));
            stalled = 0;
        } else {
            stalled += 1;
        }
        if lowest >= bound * (1.0 - NEAR) || stalled > STALLED {
            break;
        }
    }
    best.filter(|(lambda, _)| *lambda > 0.0)
}

/// The program with the cuts so far, the objective in a unit: the bound of `λ` and the masses.
pub(super) fn solved(
    basis: &Mat<f64>,
    second: &[Vec<Mat<f64>>],
    cuts: &[(usize, Vec<f64>)],
    unit: f64,
) -> Option<(f64, Vec<f64>)> {
    let (points, equalities) = (basis.nrows(), basis.ncols());
    // Variables: positive and negative parts of the masses, then λ.
    let variables = 2 * points + 1;
    let rows = equalities + 1 + cuts.len() + 2 * points;
    let (mut row_indices, mut values, mut starts) = (Vec::new(), Vec::new(), vec![0]);
    let bent: Vec<Vec<f64>> = cuts
        .iter()
        .map(|(cell, u)| {
            let form = |m: &Mat<f64>| -> f64 {
                (0..u.len()).map(|k| (0..u.len()).map(|l| u[k] * m[(k, l)] * u[l]).sum::<f64>()).sum()
            };
            second.iter().map(|cells| form(&cells[*cell])).collect()
        })
        .collect();
    for part in 0..2 {
        let sign = if part == 0 { 1.0 } else { -1.0 };
        for s in 0..points {
            let mut push = |row: usize, value: f64| {
                row_indices.push(row);
                values.push(value);
            };
            (0..equalities).for_each(|k| push(k, sign * basis[(s, k)]));
            push(equalities, 1.0);
            bent.iter().enumerate().for_each(|(c, form)| push(equalities + 1 + c, -sign * form[s]));
            push(equalities + 1 + cuts.len() + part * points + s, -1.0);
            starts.push(row_indices.len());
        }
    }
    for c in 0..cuts.len() {
        row_indices.push(equalities + 1 + c);
        values.push(unit);
    }
    starts.push(row_indices.len());
    let a = CscMatrix::new(rows, variables, starts, row_indices, values);
    let mut b = vec![0.0; rows];
    b[equalities] = 1.0;
    let mut objective = vec![0.0; variables];
    objective[2 * points] = -1.0;
    let cones: [SupportedConeT<f64>; 2] = [ZeroConeT(equalities), NonnegativeConeT(rows - equalities)];
    let settings = DefaultSettingsBuilder::default()
        .verbose(false)
        .max_iter(200)
        .tol_gap_abs(1e-8)
        .tol_gap_rel(1e-8)
        .tol_feas(1e-10)
        .build()
        .ok()?;
    let zero = CscMatrix::zeros((variables, variables));
    let mut solver = DefaultSolver::new(&zero, &objective, &a, &b, &cones, settings).ok()?;
    solver.solve();
    let x = &solver.solution.x;
    let masses = (0..points).map(|s| x[s] - x[points + s]).collect();
    x[2 * points].is_finite().then_some((unit * x[2 * points], masses))
}

/// As many points of the support as there are equalities, largest independent part first, weighted by their masses.
pub(super) fn well_conditioned(
    basis: &Mat<f64>,
    support: &[usize],
    masses: &[f64],
    count: usize,
) -> Option<Vec<usize>> {
    let mut rows: Vec<(usize, Vec<f64>)> = support
        .iter()
        .map(|s| (*s, (0..basis.ncols()).map(|k| basis[(*s, k)] * masses[*s].abs().sqrt()).collect()))
        .collect();
    let norm = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>();
    let mut chosen = Vec::new();
    for _ in 0..count {
        let best = (0..rows.len()).max_by(|a, b| norm(&rows[*a].1).total_cmp(&norm(&rows[*b].1)))?;
        let (point, row) = rows.swap_remove(best);
        let square = norm(&row);
        if square <= 0.0 {
            return None;
        }
        for (_, other) in &mut rows {
            let share = other.iter().zip(&row).map(|(a, b)| a * b).sum::<f64>() / square;
            other.iter_mut().zip(&row).for_each(|(a, b)| *a -= share * b);
        }
        chosen.push(point);
    }
    Some(chosen)
}

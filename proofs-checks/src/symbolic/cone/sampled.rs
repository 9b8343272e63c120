//! The functions of the cone test on a grid, in floats.

use crate::rigor::{Ball, Functions, Mixture};
use dashu_ratio::RBig;
use faer::Mat;

/// Bits with which functions are evaluated before they are rounded to floats of 53: what cancels in `h − f*` has some to spare.
const BITS: usize = 80;
/// A function is in the span of others if the rest is this small a part of it.
const DEPENDENT: f64 = 1e-12;

/// The functions of the test over a grid, divided by `D*`.
pub(super) struct Sampled {
    /// Those of the grid at which every function has a value.
    pub(super) points: Vec<Vec<RBig>>,
    /// Names of the parameters, in the order of the derivatives.
    pub(super) parameters: Vec<String>,
    /// Weight and parameters of each over-fitted atom.
    pub(super) atoms: Vec<(f64, Vec<f64>)>,
    /// An orthonormal basis of the functions whose integrals are to vanish, one row a point: those of the equalities that are independent to rounding.
    pub(super) basis: Mat<f64>,
    /// For each point and over-fitted cell the second derivatives less their projections on the basis: the integrals of measures that the basis does not see are the same, and what is left is of the size of `λ`.
    pub(super) second: Vec<Vec<Mat<f64>>>,
    /// The largest root mean square of a second derivative before it was projected.
    pub(super) largest: f64,
}

impl Sampled {
    /// `None` where there are too few points with values.
    pub(super) fn new(mixture: &Mixture, grid: &[Vec<RBig>]) -> Option<Self> {
        let functions = Functions::new(mixture, BITS).ok()?;
        let mut points = Vec::new();
        let mut first: Vec<Vec<f64>> = Vec::new();
        let mut second: Vec<Vec<Mat<f64>>> = Vec::new();
        for point in grid {
            let values = functions.at(point).ok()?;
            let row: Option<Vec<f64>> = values.first.iter().map(middle).collect();
            let matrix = |rows: &Vec<Vec<Ball>>| -> Option<Mat<f64>> {
                let mut matrix = Mat::zeros(rows.len(), rows.len());
                for (k, row) in rows.iter().enumerate() {
                    for (l, value) in row.iter().enumerate() {
                        matrix[(k, l)] = middle(value)?;
                    }
                }
                Some(matrix)
            };
            let matrices: Option<Vec<Mat<f64>>> = values.second.iter().map(matrix).collect();
            // A kink has no derivatives.
            let Some((row, matrices)) = row.zip(matrices) else { continue };
            points.push(point.clone());
            first.push(row);
            second.push(matrices);
        }
        let basis = orthonormal(&first)?;
        let largest = without_first_order(&basis, &mut second);
        let atom = |cell: &usize| -> Option<(f64, Vec<f64>)> {
            let (weight, values) = &functions.atoms()[*cell];
            let own = functions.parameters().iter().map(|name| middle(&values[name]));
            Some((middle(weight)?, own.collect::<Option<_>>()?))
        };
        let atoms = mixture.overfitted.iter().map(atom).collect::<Option<_>>()?;
        Some(Self { points, parameters: functions.parameters().to_vec(), atoms, basis, second, largest })
    }
}

/// A float in the middle.
fn middle(ball: &Ball) -> Option<f64> {
    let [low, high] = ball.outer()?;
    Some(0.5 * (low + high))
}

/// An orthonormal basis of the functions over the grid, one row a point.
fn orthonormal(values: &[Vec<f64>]) -> Option<Mat<f64>> {
    let (rows, columns) = (values.len(), values.first()?.len());
    if rows <= columns {
        return None;
    }
    let mut scaled = Mat::from_fn(rows, columns, |i, j| values[i][j]);
    for j in 0..columns {
        let norm = (0..rows).map(|i| scaled[(i, j)] * scaled[(i, j)]).sum::<f64>().sqrt();
        if norm > 0.0 {
            (0..rows).for_each(|i| scaled[(i, j)] /= norm);
        }
    }
    // |R_jj| is the distance of a column from those before it.
    let qr = scaled.qr();
    let (q, r) = (qr.compute_thin_Q(), qr.thin_R());
    let independent: Vec<usize> = (0..columns).filter(|j| r[(*j, *j)].abs() > DEPENDENT).collect();
    Some(Mat::from_fn(rows, independent.len(), |i, j| q[(i, independent[j])]))
}

/// Projects; the largest root mean square of what there was.
fn without_first_order(basis: &Mat<f64>, second: &mut [Vec<Mat<f64>>]) -> f64 {
    let cells = second.first().map_or(0, Vec::len);
    let points = basis.nrows();
    let mut largest = 0.0_f64;
    for cell in 0..cells {
        let size = second[0][cell].nrows();
        for (k, l) in (0..size).flat_map(|k| (0..size).map(move |l| (k, l))) {
            let square: f64 = second.iter().map(|cells| cells[cell][(k, l)] * cells[cell][(k, l)]).sum();
            largest = largest.max((square / points as f64).sqrt());
            // Twice, as one pass leaves the rounding of what it takes away.
            for _ in 0..2 {
                for column in 0..basis.ncols() {
                    let share: f64 = (0..points).map(|s| basis[(s, column)] * second[s][cell][(k, l)]).sum();
                    for s in 0..points {
                        second[s][cell][(k, l)] -= share * basis[(s, column)];
                    }
                }
            }
        }
    }
    largest
}

//! Gauss–Newton steps by an orthogonal factorisation of the Jacobian, where the normal equations have no digits left.
//!
//! `JᵀJ` squares the condition of `J`: directions whose singular values lie below `10⁻⁸` of the largest are rounding in it, and a fit of (nearly) noiseless data ends before it knows them. The triangular factor of `(J D⁻¹ | r)` keeps them down to `10⁻¹⁶`. It is accumulated chunk by chunk,
//!
//! ```text
//! (R; J_chunk) = Q R',
//! ```
//!
//! so that memory does not depend on the number of rows. Second derivatives are not in it: a step is taken only where the sum of squares falls.

use std::io;

use faer::Mat;

use super::{Coordinates, Source};

/// The triangular factor of the scaled Jacobian of free parameters with the residuals as its last column.
pub(super) struct Triangle {
    free: Vec<usize>,
    scale: Vec<f64>,
    factor: Mat<f64>,
}

impl Triangle {
    /// Of the parameters `free`, column `i` divided by `scale[i]`, one pass over the data.
    pub(super) fn new(
        coordinates: &Coordinates,
        source: &dyn Source,
        theta: &[f64],
        free: Vec<usize>,
        scale: &[f64],
    ) -> io::Result<Self> {
        let kernel = coordinates.kernel();
        let theta = &coordinates.of_kernel(theta)[..];
        let columns = free.len() + 1;
        let mut factor: Mat<f64> = Mat::zeros(0, columns);
        let (mut work, mut scratch) = (kernel.workspace(), Vec::new());
        let (mut residuals, mut jacobian) = (Vec::new(), Vec::new());
        for index in 0..source.chunks() {
            let chunk = source.chunk(index, &mut scratch)?;
            let rows = chunk.y.len();
            residuals.resize(rows, 0.0);
            jacobian.resize(rows * kernel.parameters(), 0.0);
            kernel.jacobian(theta, chunk.columns, chunk.y, &mut residuals, &mut jacobian, &mut work);
            coordinates.pull_back(&mut jacobian, rows);
            let above = factor.nrows();
            let stacked = Mat::from_fn(above + rows, columns, |i, j| match i.checked_sub(above) {
                None => factor[(i, j)],
                Some(row) if j < free.len() => jacobian[free[j] * rows + row] / scale[free[j]],
                Some(row) => residuals[row],
            });
            let thin = stacked.qr();
            factor = thin.thin_R().to_owned();
        }
        Ok(Self { free, scale: scale.to_vec(), factor })
    }

    /// The least-squares step without the directions whose singular values lie below `cut` of the largest, in all parameters.
    pub(super) fn step(&self, cut: f64) -> Option<Vec<f64>> {
        let n = self.free.len();
        let rows = self.factor.nrows();
        let matrix = self.factor.get(..rows.min(n), ..n);
        let residual: Vec<f64> = (0..rows.min(n)).map(|i| self.factor[(i, n)]).collect();
        let svd = matrix.thin_svd().ok()?;
        let (u, s, v) = (svd.U(), svd.S(), svd.V());
        let top = (0..s.dim()).fold(0.0_f64, |top, k| top.max(s[k]));
        let mut delta = vec![0.0; self.scale.len()];
        for k in (0..s.dim()).filter(|k| s[*k] > cut * top) {
            let part: f64 = (0..residual.len()).map(|i| u[(i, k)] * residual[i]).sum();
            for (j, place) in self.free.iter().enumerate() {
                delta[*place] -= v[(j, k)] * part / s[k] / self.scale[*place];
            }
        }
        Some(delta)
    }
}

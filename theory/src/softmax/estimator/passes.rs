//! Passes over the data: the sum of squares, alone or with its derivatives, and the scales that these give the parameters.

use std::io;

use moe_kernels::MixtureWorkspace;
use rayon::prelude::*;

use super::super::Chunk;
use super::Estimator;

/// Sums of a pass that are kept apart; a fixed number, so that the order of additions does not depend on the threads.
const SPANS: usize = 16;

/// A parameter has a scale of at least this share of the response: with less, a move across its whole box changes nothing that a sum of squares could show.
const SEEN: f64 = 1e-10;

/// Value, gradient and Hessian of `½ Σ r²`.
pub(super) struct Derivatives {
    pub(super) squares: f64,
    pub(super) gradient: Vec<f64>,
    pub(super) hessian: Vec<f64>,
}

impl Derivatives {
    pub(super) fn is_finite(&self) -> bool {
        self.squares.is_finite() && self.gradient.iter().chain(&self.hessian).all(|value| value.is_finite())
    }

    /// The unit of each parameter's steps, `√|H_ii|`: what a step of length 1 changes the residuals by, whatever the units of the parameters. A parameter that the data hardly see has `SEEN √(reference + Σr²)`, the reference being `Σy²`, over the width of its box. Both follow a change of units, of `y` or of the parameters with their box, exactly.
    pub(super) fn scales(&self, widths: &[f64], reference: f64) -> Vec<f64> {
        let scale = |i: usize| {
            let scale = self.own_scale(i).max(self.floor(widths[i], reference));
            // A parameter that neither the data nor the box moves needs a scale, whichever.
            if scale > 0.0 { scale } else { 1.0 }
        };
        (0..widths.len()).map(scale).collect()
    }

    fn own_scale(&self, i: usize) -> f64 {
        self.hessian[i * (self.gradient.len() + 1)].abs().sqrt()
    }

    fn floor(&self, width: f64, reference: f64) -> f64 {
        if width > 0.0 { SEEN * (reference + self.squares).sqrt() / width } else { 0.0 }
    }

    /// Parameters that have a box and that the data do not see here: the objective may depend on them by its third power, or elsewhere.
    pub(super) fn unseen(&self, widths: &[f64], reference: f64) -> Vec<usize> {
        let unseen = |i: &usize| widths[*i] > 0.0 && self.own_scale(*i) <= self.floor(widths[*i], reference);
        (0..widths.len()).filter(unseen).collect()
    }
}

impl Estimator<'_> {
    /// One pass over the data: `add` takes each chunk into the sums of its span, and the spans are returned in order.
    fn spans<T: Send>(
        &self,
        empty: impl Fn() -> T + Sync,
        add: impl Fn(&mut T, Chunk<'_>, &mut MixtureWorkspace) + Sync,
    ) -> io::Result<Vec<T>> {
        let chunks = self.source.chunks();
        let spans = chunks.min(SPANS);
        let span = |index: usize| -> io::Result<T> {
            let (mut sums, mut work, mut scratch) = (empty(), self.coordinates.kernel().workspace(), Vec::new());
            for chunk in index * chunks / spans..(index + 1) * chunks / spans {
                add(&mut sums, self.source.chunk(chunk, &mut scratch)?, &mut work);
            }
            Ok(sums)
        };
        (0..spans).into_par_iter().map(span).collect()
    }

    pub(super) fn evaluate(&self, theta: &[f64]) -> io::Result<Derivatives> {
        let (kernel, theta) = (self.coordinates.kernel(), &self.coordinates.of_kernel(theta)[..]);
        let parts = self.spans(
            || kernel.moments(),
            |moments, chunk, work| kernel.accumulate(theta, chunk.columns, chunk.y, true, moments, work),
        )?;
        let mut total = kernel.moments();
        parts.iter().for_each(|part| total.add(part));
        let (mut gradient, mut hessian) = kernel.derivatives(&total);
        self.coordinates.pull_back(&mut gradient, 1);
        self.coordinates.pull_back_both(&mut hessian);
        Ok(Derivatives { squares: total.sum_of_squares(), gradient, hessian })
    }

    /// `Σ r²`.
    pub(in crate::softmax) fn squares(&self, theta: &[f64]) -> io::Result<f64> {
        let (kernel, theta) = (self.coordinates.kernel(), &self.coordinates.of_kernel(theta)[..]);
        let parts =
            self.spans(|| 0.0, |sum, chunk, work| *sum += kernel.sum_of_squares(theta, chunk.columns, chunk.y, work))?;
        Ok(parts.iter().sum())
    }

    /// `Σ y²`, the size that rounding of residuals is compared with.
    pub(super) fn response(&self) -> io::Result<f64> {
        let parts = self.spans(|| 0.0, |sum, chunk, _| *sum += chunk.y.iter().map(|y| y * y).sum::<f64>())?;
        Ok(parts.iter().sum())
    }
}

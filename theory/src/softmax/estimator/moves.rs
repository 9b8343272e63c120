//! Moves beside the step of the model, where it is not enough: back into a valley that a straight step left, of one parameter where derivatives do not describe the objective, and by an orthogonal factorisation where the Hessian has no digits left.

use std::io;

use super::super::orthogonal::Triangle;
use super::Estimator;
use super::passes::Derivatives;

/// Shares of the largest singular value below which a direction is left out of a refining step.
pub(super) const CUTS: [f64; 3] = [1e-14, 1e-11, 1e-8];

/// Moves of one parameter that are tried where derivatives do not describe the objective, as shares of the width of its box.
const POLLED: [f64; 4] = [1e-4, 1e-3, 1e-2, 1e-1];

/// Lengths of a step back into a valley that are tried, as shares of the step that left it.
const WAYS_BACK: [f64; 7] = [0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0];

impl Estimator<'_> {
    /// A second step, from the end of one of this length that lost the way: the derivatives there are known already. The shortest that promises more than `wanted` is taken, because a longer one would run along the valley, beyond what the model knows, while the way back is across.
    pub(super) fn back(
        &self,
        from: &[f64],
        there: &Derivatives,
        scale: &[f64],
        (length, wanted): (f64, f64),
    ) -> io::Result<Option<(Vec<f64>, Derivatives)>> {
        if !there.is_finite() {
            return Ok(None);
        }
        let model = self.model(there, scale, from);
        let decomposed = model.decompose();
        let step = WAYS_BACK.iter().map(|share| decomposed.step(share * length)).find(|back| back.decrease > wanted);
        let Some(step) = step else { return Ok(None) };
        let next = self.moved(from, &step.delta);
        let there = self.evaluate(&next)?;
        Ok(Some((next, there)))
    }

    /// The best point with one of these parameters moved, if it lowers the sum of squares by more than `enough`, and the passes that this took.
    pub(super) fn polled(
        &self,
        theta: &[f64],
        parameters: &[usize],
        (squares, enough): (f64, f64),
    ) -> io::Result<(Option<Vec<f64>>, usize)> {
        let (mut best, mut least, mut passes) = (None, squares - enough, 0);
        for &i in parameters {
            for share in POLLED.into_iter().flat_map(|share| [share, -share]) {
                if self.is_stopped() {
                    return Ok((None, passes));
                }
                let mut next = theta.to_vec();
                next[i] += share * (self.bounds.upper[i] - self.bounds.lower[i]);
                let next = self.bounds.clamp(&next);
                let there = self.squares(&next)?;
                passes += 1;
                if there < least {
                    (best, least) = (Some(next), there);
                }
            }
        }
        Ok((best, passes))
    }

    /// The best of the steps by an orthogonal factorisation that lower the sum of squares, where one does.
    pub(super) fn refined(&self, theta: &[f64], squares: f64, scale: &[f64]) -> io::Result<Option<(Vec<f64>, f64)>> {
        let inside = |i: &usize| theta[*i] > self.bounds.lower[*i] && theta[*i] < self.bounds.upper[*i];
        let free: Vec<usize> = (0..theta.len()).filter(inside).collect();
        if free.is_empty() {
            return Ok(None);
        }
        let triangle = Triangle::new(self.coordinates, self.source, theta, free, scale)?;
        let mut best = None;
        let mut least = squares;
        for delta in CUTS.iter().filter_map(|cut| triangle.step(*cut)) {
            let next = self.moved(theta, &delta);
            let there = self.squares(&next)?;
            if there < least {
                least = there;
                best = Some((next, there));
            }
        }
        Ok(best)
    }
}

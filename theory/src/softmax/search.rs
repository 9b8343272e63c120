//! Many starts in the box.

use std::io;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use super::{Estimator, Fit, Sample, Source, Tolerance};

/// Rows from which starts are tried on a part of the data first.
const MANY: usize = 8192;
/// Fits of a part that are continued on all of the data.
const CONTINUED: usize = 3;
/// Starts are drawn from boxes of these shares of the widths around the centre, in turn: a wide box has most of its volume where gates and experts are steps.
const SHARES: [f64; 5] = [0.05, 0.1, 0.2, 0.5, 1.0];
/// Tolerance on a part.
const ROUGH: Tolerance = Tolerance { decrease: 1e-6, iterations: 60 };

impl Estimator<'_> {
    /// Start `index` of a seed, in the box.
    pub fn random_start(&self, seed: u64, index: usize) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(index as u64);
        let share = SHARES[index % SHARES.len()];
        let bounds = self.bounds();
        bounds
            .lower
            .iter()
            .zip(&bounds.upper)
            .map(|(l, u)| 0.5 * (l + u) + share * 0.5 * (u - l) * random.random_range(-1.0..=1.0))
            .collect()
    }

    /// Fits from random starts, the least objective first; ties by the number of the start.
    ///
    /// With more than 8192 rows every start is fitted roughly on a part of them, evenly spaced, and the best three go on with all rows: what is returned are these. Not a proof that there is no lower minimum.
    ///
    /// # Errors
    /// What reading the data raises.
    ///
    /// # Panics
    /// If `starts` is 0.
    pub fn search(&self, starts: usize, seed: u64) -> io::Result<Vec<Fit>> {
        assert!(starts > 0, "a start");
        let begin: Vec<Vec<f64>> = (0..starts).map(|index| self.random_start(seed, index)).collect();
        let rows = self.source().rows();
        if rows <= MANY {
            return sorted(begin.par_iter().map(|start| self.fit(start)).collect::<io::Result<_>>()?);
        }
        let part = every(self.source(), rows.div_ceil(MANY))?;
        let rough = self.on(&part).with_tolerance(ROUGH);
        let fits = sorted(begin.par_iter().map(|start| rough.fit(start)).collect::<io::Result<_>>()?)?;
        sorted(fits.iter().take(CONTINUED).map(|fit| self.fit(&fit.theta)).collect::<io::Result<_>>()?)
    }
}

fn sorted(mut fits: Vec<Fit>) -> io::Result<Vec<Fit>> {
    // What is not finite comes last in the total order.
    fits.sort_by(|a, b| a.objective.abs().total_cmp(&b.objective.abs()));
    Ok(fits)
}

/// Every `step`-th row.
fn every(source: &dyn Source, step: usize) -> io::Result<Sample> {
    let mut builder = Sample::builder(source.dimension());
    let (mut scratch, mut x, mut skip) = (Vec::new(), vec![0.0; source.dimension()], 0);
    for index in 0..source.chunks() {
        let chunk = source.chunk(index, &mut scratch)?;
        let rows = chunk.y.len();
        let mut row = skip;
        while row < rows {
            chunk.input(row, &mut x);
            builder.push(&x, chunk.y[row]);
            row += step;
        }
        skip = row - rows;
    }
    Ok(builder.finish())
}

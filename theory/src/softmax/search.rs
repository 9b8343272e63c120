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
/// Random points of which a start is the best.
const DRAWS: usize = 30;
/// Relative difference of objectives below which two rough fits count as one minimum.
const SAME: f64 = 1e-4;
/// Each stage of a staged fit has this many times the rows of the one before.
const STAGE: usize = 8;
/// Rows of the first stage, per parameter, at least.
const FIRST: usize = 20;
/// What a whole Newton step may still promise at the end of a stage, as a share of the excess of the truth, `p/n` of the sum of squares: where the stage ends is away from the minimum of the next by more.
const SHARE: f64 = 0.01;
/// Tolerance on a part.
const ROUGH: Tolerance = Tolerance { decrease: 1e-6, iterations: 60, patience: 8 };

impl Estimator<'_> {
    /// Start `index` of a seed: a random point of the box.
    pub fn random_start(&self, seed: u64, index: usize) -> Vec<f64> {
        self.point(index, &mut stream(seed, index))
    }

    /// Of every two points one is drawn from the part of the box that starts are to be found in, where there is one.
    fn point(&self, draw: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
        let share = SHARES[draw % SHARES.len()];
        let bounds = self.starts().filter(|_| draw % 2 == 1).unwrap_or_else(|| self.bounds());
        bounds
            .lower
            .iter()
            .zip(&bounds.upper)
            .map(|(l, u)| 0.5 * (l + u) + share * 0.5 * (u - l) * random.random_range(-1.0..=1.0))
            .collect()
    }

    /// The best of some random points of a stream, by the sum of squares.
    fn chosen_start(&self, seed: u64, index: usize) -> io::Result<Vec<f64>> {
        let mut random = stream(seed, index);
        let mut best = (f64::INFINITY, Vec::new());
        for draw in 0..DRAWS {
            let point = self.point(draw, &mut random);
            let squares = self.squares(&point)?;
            if squares < best.0 || draw == 0 {
                best = (squares, point);
            }
        }
        Ok(best.1)
    }

    /// The minimum that is reached from `start` by stages: on every 8^j-th row, then on eight times as many, and so on to all. The way from a start to the valley of the minimum, most of the passes, is gone on few rows. The first stage has at least `20 p` rows for `p` parameters; an eighth of the data is held in memory.
    ///
    /// # Errors
    /// What reading the data raises.
    ///
    /// # Panics
    /// If the number of parameters is not that of the class.
    pub fn staged(&self, start: &[f64]) -> io::Result<Fit> {
        let (rows, parameters) = (self.source().rows(), start.len());
        let stages = std::iter::successors(Some(STAGE), |step| step.checked_mul(STAGE));
        let steps: Vec<usize> = stages.take_while(|step| rows / step >= FIRST * parameters).collect();
        let mut theta = start.to_vec();
        for step in steps.into_iter().rev() {
            let part = every(self.source(), step)?;
            let decrease = (SHARE * parameters as f64 / part.rows() as f64).max(self.tolerance().decrease);
            theta = self.on(&part).with_tolerance(Tolerance { decrease, ..self.tolerance() }).fit(&theta)?.theta;
        }
        self.fit(&theta)
    }

    /// Fits from random starts, the least objective first; ties by the number of the start. Each start is the best of thirty random points of the box.
    ///
    /// With more than 8192 rows starts are chosen and fitted roughly on a part of them, evenly spaced, and the best three different ones go on with all rows: what is returned are these. Not a proof that there is no lower minimum.
    ///
    /// # Errors
    /// What reading the data raises.
    ///
    /// # Panics
    /// If `starts` is 0.
    pub fn search(&self, starts: usize, seed: u64) -> io::Result<Vec<Fit>> {
        assert!(starts > 0, "a start");
        let all = |estimator: &Estimator<'_>| -> io::Result<Vec<Fit>> {
            let fits = (0..starts).into_par_iter().map(|index| estimator.fit(&estimator.chosen_start(seed, index)?));
            Ok(sorted(fits.collect::<io::Result<_>>()?))
        };
        let rows = self.source().rows();
        if rows <= MANY {
            return all(self);
        }
        let part = every(self.source(), rows.div_ceil(MANY))?;
        let mut different = all(&self.on(&part).with_tolerance(ROUGH))?;
        different.dedup_by(|later, kept| later.objective <= kept.objective * (1.0 + SAME));
        Ok(sorted(different.iter().take(CONTINUED).map(|fit| self.fit(&fit.theta)).collect::<io::Result<_>>()?))
    }
}

fn stream(seed: u64, index: usize) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(index as u64);
    random
}

fn sorted(mut fits: Vec<Fit>) -> Vec<Fit> {
    // What is not finite comes last in the total order.
    fits.sort_by(|a, b| a.objective.abs().total_cmp(&b.objective.abs()));
    fits
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

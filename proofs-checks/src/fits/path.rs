//! White noise of several sample sizes from one Brownian path.
//!
//! A slope over `log n` compares a sample of one size with a sample of another, and most of its scatter is that of their noise. Each sample has to be a draw of its law; how samples of different sizes go together is free. Here they share a Brownian path `W` on `[0, 1]`: the row with the `r`-th smallest first input of `n` has the noise
//!
//! ```text
//! ε_r = √n (W(r/n) − W((r−1)/n))
//! ```
//!
//! Increments over disjoint intervals of length `1/n` are independent and normal, whatever the inputs are, so these are `n` independent standard normal numbers, independent of the inputs: the law of a sample is not touched. But what noise does to an estimate, `n^{−1/2} Σ g(x_(r)) ε_r → ∫ g(q(u)) dW(u)` with the quantiles `q` of the first input, has the same
//! limit for all `n` of a replicate, and leaves the slope. (Deviation of a slope over log 16, in samples of n = 1000 to 16,000 of the lemma `temperature-rates` with a tanh router: .025 for the error in place of .10, .27 for L1τ in place of .37.)
//!
//! `W` is drawn at [`CELLS`] places, the same for all `n`, and in between by Brownian bridges of each `n` of its own.

use moe_theory::softmax::{Inputs, Law, Noise, Sample, Source};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::CheckError;

/// Cells of the part of the path that all sizes share.
const CELLS: u64 = 1024;

/// `ε_1, …, ε_n`, from standard normal numbers of all sizes and of this one.
///
/// In units of `1/(n·cells)` a row takes `cells` and a cell has `n`. A cell that has the increment `R` left over a time `T` gives a row that takes `s` of it `R s/T` and a normal number of variance `s(T − s)/T`.
fn increments(rows: u64, cells: u64, mut shared: impl FnMut() -> f64, mut own: impl FnMut() -> f64) -> Vec<f64> {
    let (mut left, mut rest) = (0_u64, 0.0_f64);
    let row = |_| {
        let (mut wanted, mut sum) = (cells, 0.0);
        while wanted > 0 {
            if left == 0 {
                (left, rest) = (rows, shared() * (rows as f64).sqrt());
            }
            let taken = wanted.min(left);
            let piece = if taken == left {
                rest
            } else {
                let share = taken as f64 / left as f64;
                rest * share + own() * (taken as f64 * (1.0 - share)).sqrt()
            };
            (left, rest, wanted) = (left - taken, rest - piece, wanted - taken);
            sum += piece;
        }
        sum / (cells as f64).sqrt()
    };
    (0..rows).map(row).collect()
}

/// `y = f(x) + ε` for a function that is given the inputs by columns and puts its values into its second argument: rows, seed and replicate as in [`Law::sample`]. Normal noise of a replicate is that of one Brownian path at all sizes (see the documentation of the module).
pub(crate) fn sample_of(
    mut values: impl FnMut(&[f64], &mut [f64]),
    inputs: &Inputs,
    noise: Noise,
    (rows, seed, replicate): (usize, u64, u64),
) -> Result<Sample, CheckError> {
    let law = Law { inputs: inputs.clone(), noise, regression: |_: &[f64]| 0.0 };
    let draws =
        Sample::collect(&law.sample(rows, seed, replicate).map_err(CheckError::theory)?).map_err(CheckError::theory)?;
    let path = match noise {
        Noise::Gaussian { deviation } => {
            let mut by_row = vec![0.0; rows];
            white(rows, seed, replicate).iter().zip(ranked(&draws)?).for_each(|(z, row)| by_row[row] = deviation * z);
            Some(by_row)
        }
        Noise::StudentT { .. } => None,
    };
    let mut builder = Sample::builder(inputs.dimension());
    let (mut scratch, mut x, mut first) = (Vec::new(), vec![0.0; inputs.dimension()], 0);
    for index in 0..draws.chunks() {
        let chunk = draws.chunk(index, &mut scratch).map_err(CheckError::theory)?;
        let mut f = vec![0.0; chunk.y.len()];
        values(chunk.columns, &mut f);
        for row in 0..f.len() {
            chunk.input(row, &mut x);
            let noise = path.as_ref().map_or(chunk.y[row], |path| path[first + row]);
            builder.push(&x, f[row] + noise);
        }
        first += f.len();
    }
    Ok(builder.finish())
}

/// The noise of a replicate's sample by ranks.
fn white(rows: usize, seed: u64, replicate: u64) -> Vec<f64> {
    let stream = |size: u64| {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&size.to_le_bytes());
        key[24..28].copy_from_slice(b"path");
        let mut stream = ChaCha8Rng::from_seed(key);
        stream.set_stream(replicate);
        move || -> f64 { StandardNormal.sample(&mut stream) }
    };
    increments(rows as u64, CELLS, stream(0), stream(rows as u64))
}

/// The rows in the order of their first inputs.
fn ranked(sample: &Sample) -> Result<Vec<usize>, CheckError> {
    let (mut scratch, mut firsts) = (Vec::new(), Vec::with_capacity(sample.rows()));
    for index in 0..sample.chunks() {
        let chunk = sample.chunk(index, &mut scratch).map_err(CheckError::theory)?;
        firsts.extend_from_slice(&chunk.columns[..chunk.y.len()]);
    }
    let mut order: Vec<usize> = (0..firsts.len()).collect();
    order.sort_by(|a, b| firsts[*a].total_cmp(&firsts[*b]));
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The noise of two sizes as linear maps of the normal numbers that it is made of, those of the cells first.
    fn maps(rows: u64, cells: u64, own: usize) -> Vec<Vec<f64>> {
        let count = cells as usize + own;
        let column = |place: usize| {
            let mut drawn = [0, cells as usize];
            let mut next = |which: usize| {
                drawn[which] += 1;
                if drawn[which] - 1 == place { 1.0 } else { 0.0 }
            };
            let next = std::cell::RefCell::new(&mut next);
            let noise = increments(rows, cells, || (next.borrow_mut())(0), || (next.borrow_mut())(1));
            assert!(drawn[0] == cells as usize && drawn[1] <= count, "{drawn:?}");
            noise
        };
        (0..count).map(column).collect()
    }

    /// Covariances are computed, not estimated: those of one size are 0 and 1, and the sum over `√n` is the same number for all sizes, that of the whole path.
    #[test]
    fn noise_is_white_and_shares_its_path() {
        for (rows, cells) in [(1, 4), (7, 4), (4, 7), (12, 4), (4, 12), (30, 30), (50, 9)] {
            let columns = maps(rows, cells, 2 * (rows + cells) as usize);
            let covariance = |a: usize, b: usize| columns.iter().map(|column| column[a] * column[b]).sum::<f64>();
            for a in 0..rows as usize {
                for b in 0..=a {
                    let expected = if a == b { 1.0 } else { 0.0 };
                    assert!((covariance(a, b) - expected).abs() < 1e-12, "{rows} {cells}: {a} {b}");
                }
            }
            for (place, column) in columns.iter().enumerate() {
                let whole = column.iter().sum::<f64>() / (rows as f64).sqrt();
                let expected = if place < cells as usize { 1.0 / (cells as f64).sqrt() } else { 0.0 };
                assert!((whole - expected).abs() < 1e-12, "{rows} {cells}: {place}");
            }
        }
    }
}

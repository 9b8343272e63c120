//! Laws of samples, and samples that are drawn when they are read.

use super::data::{Chunk, Source, in_scratch, rows_of};
use super::{Architecture, MixingMeasure};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal, StudentT};
use std::io;
use thiserror::Error;

/// What is wrong with the law of a sample.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum LawError {
    /// No coordinates, or bounds of different lengths.
    #[error("the inputs have {low} lower and {high} upper bounds; as many of both are needed, and at least one")]
    Bounds {
        /// Number of lower bounds.
        low: usize,
        /// Number of upper bounds.
        high: usize,
    },
    /// Bounds out of order, or not finite.
    #[error("x{coordinate} lies in [{low}, {high}]; finite bounds in ascending order are needed")]
    Interval {
        /// The coordinate, counted from 1.
        coordinate: usize,
        /// Its lower bound.
        low: f64,
        /// Its upper bound.
        high: f64,
    },
    /// A quantity that is not positive and finite.
    #[error("{name} is {found}; a positive number is needed")]
    NotPositive {
        /// Its name.
        name: &'static str,
        /// Its value.
        found: f64,
    },
    /// A negative scale of the noise.
    #[error("the noise has scale {found}; a number from 0 is needed")]
    Scale {
        /// The scale.
        found: f64,
    },
}

/// The law `μ` of an input, of bounded support.
#[derive(Clone, Debug, PartialEq)]
pub enum Inputs {
    /// Independent coordinates, `x_u` uniform on `[low_u, high_u)`.
    Uniform {
        /// Lower bounds.
        low: Vec<f64>,
        /// Upper bounds.
        high: Vec<f64>,
    },
    /// `z min(1, R/‖z‖)` with `z ~ N(0, I)`: what falls outside the ball of radius `R` is put on its sphere. (Drawing again instead would never end where `R ≪ √d`.)
    ClippedGaussian {
        /// `d`.
        dimension: usize,
        /// `R`.
        radius: f64,
    },
}

impl Inputs {
    /// `d`.
    pub fn dimension(&self) -> usize {
        match self {
            Self::Uniform { low, .. } => low.len(),
            Self::ClippedGaussian { dimension, .. } => *dimension,
        }
    }

    pub(super) fn check(&self) -> Result<(), LawError> {
        match self {
            Self::Uniform { low, high } => {
                if low.is_empty() || low.len() != high.len() {
                    return Err(LawError::Bounds { low: low.len(), high: high.len() });
                }
                let wrong = (0..low.len()).find(|&u| !(low[u] < high[u] && (high[u] - low[u]).is_finite()));
                wrong.map_or(Ok(()), |u| Err(LawError::Interval { coordinate: u + 1, low: low[u], high: high[u] }))
            }
            Self::ClippedGaussian { dimension, radius } => {
                positive("dimension", *dimension as f64)?;
                positive("radius", *radius)
            }
        }
    }

    fn draw(&self, rng: &mut ChaCha8Rng, x: &mut [f64]) {
        match self {
            Self::Uniform { low, high } => {
                for u in 0..x.len() {
                    x[u] = low[u] + (high[u] - low[u]) * rng.random::<f64>();
                }
            }
            Self::ClippedGaussian { radius, .. } => {
                x.iter_mut().for_each(|x| *x = StandardNormal.sample(rng));
                let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
                if norm > *radius {
                    x.iter_mut().for_each(|x| *x *= radius / norm);
                }
            }
        }
    }
}

/// The law of `ε = y − f(x)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// `N(0, deviation²)`.
    Gaussian {
        /// Standard deviation; 0 gives `y = f(x)`.
        deviation: f64,
    },
    /// `scale · t_ν`: moments of order `ν` and above are infinite.
    StudentT {
        /// `ν`.
        freedom: f64,
        /// Factor.
        scale: f64,
    },
}

impl Noise {
    fn check(self) -> Result<(), LawError> {
        let scale = match self {
            Self::Gaussian { deviation } => deviation,
            Self::StudentT { freedom, scale } => {
                positive("freedom", freedom)?;
                scale
            }
        };
        if scale >= 0.0 && scale.is_finite() { Ok(()) } else { Err(LawError::Scale { found: scale }) }
    }

    fn draw(self, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Gaussian { deviation } => deviation * Distribution::<f64>::sample(&StandardNormal, rng),
            Self::StudentT { freedom, scale } => {
                scale * StudentT::new(freedom).expect("ν was found positive").sample(rng)
            }
        }
    }
}

fn positive(name: &'static str, found: f64) -> Result<(), LawError> {
    if found > 0.0 && found.is_finite() { Ok(()) } else { Err(LawError::NotPositive { name, found }) }
}

/// The law of `(X, Y)`: `X ~ μ`, `Y = f(X) + ε`. `F` is any regression function; [`Law::mixture`] takes `f_G`.
#[derive(Clone, Debug)]
pub struct Law<F> {
    /// `μ`.
    pub inputs: Inputs,
    /// The law of `ε`.
    pub noise: Noise,
    /// `f`.
    pub regression: F,
}

impl Law<()> {
    /// The law whose regression function is `f_G`.
    pub fn mixture<'a>(
        class: &'a Architecture,
        measure: &'a MixingMeasure,
        inputs: Inputs,
        noise: Noise,
    ) -> Law<impl Fn(&[f64]) -> f64 + Sync + 'a> {
        Law { inputs, noise, regression: |x: &[f64]| measure.value(class, x) }
    }
}

impl<F: Fn(&[f64]) -> f64 + Sync> Law<F> {
    /// `rows` independent draws. Draws of the same `seed` and `replicate` share their random numbers: a shorter sample is a prefix of a longer one, and laws that
    /// differ
    /// in the noise or in `f` see the same inputs.
    ///
    /// # Errors
    /// Every [`LawError`].
    pub fn sample(self, rows: usize, seed: u64, replicate: u64) -> Result<Generated<F>, LawError> {
        self.inputs.check()?;
        self.noise.check()?;
        Ok(Generated { law: self, rows, seed, replicate })
    }
}

/// A sample that is drawn again on every pass: it takes no memory. Made by [`Law::sample`].
///
/// Chunk `i` takes its inputs and its noise from the ChaCha8 streams number `i` under two keys made of the seed, the replicate and the purpose.
///
/// ```
/// use moe_theory::softmax::{Inputs, Law, Noise, Sample, Source};
/// let law = Law {
///     inputs: Inputs::Uniform { low: vec![-3.0], high: vec![3.0] },
///     noise: Noise::Gaussian { deviation: 0.0 },
///     regression: |x: &[f64]| x[0].sin(),
/// };
/// let stream = law.sample(10_000, 0, 0)?;
/// let memory = Sample::collect(&stream)?;
/// let mut scratch = Vec::new();
/// let chunk = memory.chunk(2, &mut scratch)?;
/// assert_eq!((memory.chunks(), chunk.y.len()), (3, 10_000 - 2 * 4096));
/// assert_eq!(chunk.y[5], chunk.columns[5].sin());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Generated<F> {
    law: Law<F>,
    rows: usize,
    seed: u64,
    replicate: u64,
}

impl<F> Generated<F> {
    fn stream(&self, purpose: u8, index: usize) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.replicate.to_le_bytes());
        key[16] = purpose;
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index as u64);
        rng
    }
}

impl<F: Fn(&[f64]) -> f64 + Sync> Source for Generated<F> {
    fn dimension(&self) -> usize {
        self.law.inputs.dimension()
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn chunk<'a>(&'a self, index: usize, scratch: &'a mut Vec<f64>) -> io::Result<Chunk<'a>> {
        let (rows, dimension) = (rows_of(index, self.rows), self.dimension());
        let all = in_scratch(scratch, rows, dimension);
        let (mut inputs, mut noise) = (self.stream(b'x', index), self.stream(b'e', index));
        let mut x = vec![0.0; dimension];
        for row in 0..rows {
            self.law.inputs.draw(&mut inputs, &mut x);
            for (u, x) in x.iter().enumerate() {
                all[u * rows + row] = *x;
            }
            all[dimension * rows + row] = (self.law.regression)(&x) + self.law.noise.draw(&mut noise);
        }
        Ok(Chunk::new(all, dimension))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::softmax::{Atom, Gate, ROWS, Sample, Spool};
    use moe_kernels::Activation;

    fn uniform(noise: Noise) -> Law<impl Fn(&[f64]) -> f64 + Sync + Clone> {
        let inputs = Inputs::Uniform { low: vec![-1.0, 2.0], high: vec![1.0, 5.0] };
        Law { inputs, noise, regression: |x: &[f64]| x[0] * x[1] }
    }

    type Row = (Vec<f64>, f64);

    fn rows(source: &impl Source) -> Vec<Row> {
        let (mut rows, mut scratch) = (Vec::new(), Vec::new());
        for index in 0..source.chunks() {
            let chunk = source.chunk(index, &mut scratch).unwrap();
            for (row, &y) in chunk.y.iter().enumerate() {
                let mut x = vec![0.0; source.dimension()];
                chunk.input(row, &mut x);
                rows.push((x, y));
            }
        }
        rows
    }

    #[test]
    fn three_sources_agree_bit_for_bit_and_prefixes_are_prefixes() {
        let law = uniform(Noise::StudentT { freedom: 3.0, scale: 0.1 });
        let stream = law.clone().sample(2 * ROWS + 17, 7, 3).unwrap();
        let all = rows(&stream);
        assert_eq!(rows(&Sample::collect(&stream).unwrap()), all);
        let mut spool = Spool::builder(2).unwrap();
        all.iter().for_each(|(x, y)| spool.push(x, *y).unwrap());
        assert_eq!(rows(&spool.finish().unwrap()), all);
        for shorter in [1, ROWS - 1, ROWS, ROWS + 1] {
            assert_eq!(rows(&law.clone().sample(shorter, 7, 3).unwrap()), all[..shorter]);
        }
        // A chunk alone, with scratch that another chunk left.
        let mut scratch = vec![9.0; 3 * ROWS];
        assert_eq!(
            stream.chunk(2, &mut scratch).unwrap().y,
            all[2 * ROWS..].iter().map(|row| row.1).collect::<Vec<_>>()
        );
    }

    #[test]
    fn streams_are_apart() {
        let inputs = |noise, seed, replicate| {
            rows(&uniform(noise).sample(ROWS + 1, seed, replicate).unwrap())
                .into_iter()
                .map(|row| row.0)
                .collect::<Vec<_>>()
        };
        let none = Noise::Gaussian { deviation: 0.0 };
        let first = inputs(none, 1, 1);
        assert_eq!(
            first,
            inputs(Noise::StudentT { freedom: 2.0, scale: 1.0 }, 1, 1),
            "noise does not touch the inputs"
        );
        assert_ne!(first[0], first[ROWS], "chunks differ");
        for (seed, replicate) in [(2, 1), (1, 2), (1 << 40, 1), (1, 1 << 40)] {
            assert!(inputs(none, seed, replicate).iter().zip(&first).all(|(a, b)| a != b), "{seed} {replicate}");
        }
    }

    /// Means and variances against their exact values, at six standard errors.
    #[test]
    fn moments() {
        let n = 40_000;
        let draws = rows(&uniform(Noise::Gaussian { deviation: 0.5 }).sample(n, 0, 0).unwrap());
        let near = |values: &dyn Fn(&Row) -> f64, mean: f64, deviation: f64| {
            let found = draws.iter().map(values).sum::<f64>() / n as f64;
            assert!((found - mean).abs() < 6.0 * deviation / (n as f64).sqrt(), "{found} {mean}");
        };
        near(&|(x, _)| x[0], 0.0, (1.0_f64 / 3.0).sqrt());
        near(&|(x, _)| x[0] * x[0], 1.0 / 3.0, (4.0_f64 / 45.0).sqrt());
        near(&|(x, _)| x[1], 3.5, 0.75_f64.sqrt());
        near(&|(x, y)| y - x[0] * x[1], 0.0, 0.5);
        near(&|(x, y)| (y - x[0] * x[1]).powi(2), 0.25, 0.25 * 2.0_f64.sqrt());
        assert!(draws.iter().all(|(x, _)| (-1.0..1.0).contains(&x[0]) && (2.0..5.0).contains(&x[1])));

        // The first row takes the first number of each stream: were the streams equal, x and ε would go together. E x ε = 0.
        let first = |replicate| {
            let inputs = Inputs::Uniform { low: vec![-1.0], high: vec![1.0] };
            let law = Law { inputs, noise: Noise::Gaussian { deviation: 1.0 }, regression: |_: &[f64]| 0.0 };
            let (x, noise) = rows(&law.sample(1, 0, replicate).unwrap()).remove(0);
            x[0] * noise
        };
        let product = (0..2000).map(first).sum::<f64>() / 2000.0;
        assert!(product.abs() < 6.0 * (1.0_f64 / 3.0 / 2000.0).sqrt(), "{product}");

        // P(‖z‖ ≤ R) = 1 − e^{−R²/2} for d = 2: the share that keeps its place inside.
        let inputs = Inputs::ClippedGaussian { dimension: 2, radius: 1.5 };
        let law = Law { inputs, noise: Noise::Gaussian { deviation: 0.0 }, regression: |x: &[f64]| x[0].hypot(x[1]) };
        let norms: Vec<f64> = rows(&law.sample(n, 0, 0).unwrap()).into_iter().map(|row| row.1).collect();
        assert!(norms.iter().all(|norm| *norm < 1.5 + 1e-15));
        let inside = norms.iter().filter(|norm| **norm < 1.5 - 1e-12).count() as f64 / n as f64;
        let exact = 1.0 - (-1.5_f64 * 1.5 / 2.0).exp();
        assert!((inside - exact).abs() < 6.0 * (exact * (1.0 - exact) / n as f64).sqrt());

        // t_5 has variance 5/3 and fourth moment 25.
        let draws = rows(&uniform(Noise::StudentT { freedom: 5.0, scale: 2.0 }).sample(n, 0, 0).unwrap());
        let variance = draws.iter().map(|(x, y)| (y - x[0] * x[1]).powi(2)).sum::<f64>() / n as f64;
        assert!((variance / 4.0 - 5.0 / 3.0).abs() < 6.0 * (25.0_f64 - 25.0 / 9.0).sqrt() / (n as f64).sqrt());
    }

    #[test]
    fn a_mixture_without_noise_is_its_value() {
        let atom = |omega, b| Atom { omega: vec![omega], beta: 0.2, a: vec![1.5], b, lambda: 1.0 };
        let measure = MixingMeasure::flat(vec![atom(1.0, 0.5), atom(0.0, -0.5)], 1.0);
        let class = Architecture {
            dimension: 1,
            gate: Gate::Softmax,
            sizes: vec![2],
            activation: Activation::Tanh,
            outer_weight: false,
        };
        let inputs = Inputs::Uniform { low: vec![-3.0], high: vec![3.0] };
        let law = Law::mixture(&class, &measure, inputs, Noise::Gaussian { deviation: 0.0 });
        assert!(rows(&law.sample(100, 0, 0).unwrap()).iter().all(|(x, y)| *y == measure.value(&class, x)));
    }

    #[test]
    fn wrong_laws_are_named() {
        let with = |inputs, noise| {
            Law { inputs, noise, regression: |_: &[f64]| 0.0 }.sample(1, 0, 0).err().map(|error| error.to_string())
        };
        let silent = Noise::Gaussian { deviation: 0.0 };
        let interval = |low, high| Inputs::Uniform { low: vec![0.0, low], high: vec![1.0, high] };
        assert_eq!(with(interval(0.0, 1.0), silent), None);
        for (low, high) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (-f64::MAX, f64::MAX)] {
            assert!(with(interval(low, high), silent).unwrap().starts_with("x2 lies in"));
        }
        assert!(with(Inputs::Uniform { low: vec![], high: vec![] }, silent).is_some());
        assert!(
            with(Inputs::ClippedGaussian { dimension: 2, radius: 0.0 }, silent).unwrap().starts_with("radius is 0")
        );
        assert!(with(Inputs::ClippedGaussian { dimension: 0, radius: 1.0 }, silent).is_some());
        for noise in [
            Noise::Gaussian { deviation: -1.0 },
            Noise::Gaussian { deviation: f64::NAN },
            Noise::StudentT { freedom: 0.0, scale: 1.0 },
            Noise::StudentT { freedom: 3.0, scale: f64::INFINITY },
        ] {
            assert!(with(interval(0.0, 1.0), noise).is_some(), "{noise:?}");
        }
    }
}

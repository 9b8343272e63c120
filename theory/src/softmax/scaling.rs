//! Columns of data brought to a common scale, and mixtures with them.

use std::io;

use moe_kernels::Activation;

use super::data::Source;
use super::{Gate, MixingMeasure, Sample, Spool};

/// Numbers, inputs and responses, up to which scaled data are held in memory (128 MiB).
const IN_MEMORY: usize = 1 << 24;

/// Mean and standard deviation `√((1/n) Σ (x − mean)²)` of a column; exactly 0 where all values are equal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub sd: f64,
}

/// Mean and standard deviation of `x_1, …, x_d` and, last, of `y`, in two passes.
///
/// Values are taken relative to the middle and half the range of their column, so that no square overflows and a large mean costs no digits: the standard deviation is good to
/// `2√n·10⁻¹⁶` of the half range.
///
/// ```
/// use moe_theory::softmax::{Sample, columns};
/// let mut builder = Sample::builder(1);
/// for x in [1e9, 1e9 + 2.0] {
///     builder.push(&[x], 7.0);
/// }
/// let columns = columns(&builder.finish())?;
/// assert_eq!((columns[0].mean, columns[0].sd), (1e9 + 1.0, 1.0));
/// assert_eq!((columns[1].mean, columns[1].sd), (7.0, 0.0));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of the source.
///
/// # Panics
/// If there are no rows.
pub fn columns(source: &dyn Source) -> io::Result<Vec<Column>> {
    assert!(source.rows() > 0, "data");
    let width = source.dimension() + 1;
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); width];
    each(source, |u, value| {
        let (low, high) = &mut ranges[u];
        (*low, *high) = (low.min(value), high.max(value));
    })?;
    // Halves first: the sum of two large numbers of one sign overflows.
    let middle: Vec<(f64, f64)> =
        ranges.iter().map(|(low, high)| (0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low)).collect();
    let mut sums = vec![(0.0, 0.0); width];
    each(source, |u, value| {
        let (centre, half) = middle[u];
        let t = if half > 0.0 { (value - centre) / half } else { 0.0 };
        sums[u].0 += t;
        sums[u].1 += t * t;
    })?;
    let n = source.rows() as f64;
    Ok((0..width)
        .map(|u| {
            let ((centre, half), mean) = (middle[u], sums[u].0 / n);
            if half > 0.0 {
                Column { mean: centre + half * mean, sd: half * (sums[u].1 / n - mean * mean).max(0.0).sqrt() }
            } else {
                Column { mean: ranges[u].0, sd: 0.0 }
            }
        })
        .collect())
}

/// Every number with its column, chunk by chunk.
fn each(source: &dyn Source, mut take: impl FnMut(usize, f64)) -> io::Result<()> {
    let mut scratch = Vec::new();
    for index in 0..source.chunks() {
        let chunk = source.chunk(index, &mut scratch)?;
        let columns = chunk.columns.chunks_exact(chunk.y.len()).chain([chunk.y]);
        columns.enumerate().for_each(|(u, column)| column.iter().for_each(|value| take(u, *value)));
    }
    Ok(())
}

/// A change of inputs `z_u = (x_u − μ_u)/σ_u`, and what it makes of a mixture:
///
/// ```text
/// aᵀx + b = Σ_u (σ_u a_u) z_u + (b + aᵀμ),
/// ```
///
/// for experts whatever their activation, and for gates `(ω, β)`, `(α, β)` whose router is linear: with `a → σa`, `b → b + aᵀμ` and back `a → a/σ`, `b → b − Σ a_u μ_u/σ_u` the function of the data is the same. A router that is not linear has no intercept inside, and only `μ = 0` will do; its experts are centred by [`Coordinates::centred`](super::Coordinates::centred).
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    shift: Vec<f64>,
    scale: Vec<f64>,
}

impl Scaling {
    /// No change.
    pub fn identity(dimension: usize) -> Self {
        Self { shift: vec![0.0; dimension], scale: vec![1.0; dimension] }
    }

    /// To mean 0 and standard deviation 1, or under a router that is not linear to standard deviation 1 alone. A constant column keeps its scale.
    pub fn standardising(inputs: &[Column], gate: Gate) -> Self {
        let centred = !matches!(gate, Gate::DenseToSparse(router) if router != Activation::Linear);
        Self {
            shift: inputs.iter().map(|column| if centred { column.mean } else { 0.0 }).collect(),
            scale: inputs.iter().map(|column| if column.sd > 0.0 { column.sd } else { 1.0 }).collect(),
        }
    }

    /// The means of the new inputs, given the columns of the old ones: 0 where they are centred.
    pub(super) fn means(&self, inputs: &[Column]) -> Vec<f64> {
        (0..inputs.len()).map(|u| (inputs[u].mean - self.shift[u]) / self.scale[u]).collect()
    }

    /// Whether the column is 0 in the new inputs.
    pub(super) fn is_zero(&self, input: usize, column: Column) -> bool {
        column.sd == 0.0 && column.mean == self.shift[input]
    }

    /// The data in the new inputs: in memory up to 2²⁴ numbers, else in a temporary file.
    ///
    /// # Errors
    /// Those of the source, and of the file.
    ///
    /// # Panics
    /// If the numbers of inputs differ.
    pub fn apply(&self, source: &dyn Source) -> io::Result<Box<dyn Source>> {
        let d = source.dimension();
        assert_eq!(d, self.shift.len(), "inputs of the scaling");
        let rows = |push: &mut dyn FnMut(&[f64], f64) -> io::Result<()>| -> io::Result<()> {
            let (mut scratch, mut x) = (Vec::new(), vec![0.0; d]);
            for index in 0..source.chunks() {
                let chunk = source.chunk(index, &mut scratch)?;
                for (row, y) in chunk.y.iter().enumerate() {
                    chunk.input(row, &mut x);
                    (0..d).for_each(|u| x[u] = (x[u] - self.shift[u]) / self.scale[u]);
                    push(&x, *y)?;
                }
            }
            Ok(())
        };
        Ok(if source.rows().saturating_mul(d + 1) <= IN_MEMORY {
            let mut builder = Sample::builder(d);
            rows(&mut |x, y| {
                builder.push(x, y);
                Ok(())
            })?;
            Box::new(builder.finish())
        } else {
            let mut builder = Spool::builder(d)?;
            rows(&mut |x, y| builder.push(x, y))?;
            Box::new(builder.finish()?)
        })
    }

    /// The mixture in the new inputs.
    pub fn scaled(&self, measure: &MixingMeasure) -> MixingMeasure {
        self.changed(measure, |slopes, intercept| {
            for (u, slope) in slopes.iter_mut().enumerate() {
                *intercept += *slope * self.shift[u];
                *slope *= self.scale[u];
            }
        })
    }

    /// The mixture in the original inputs.
    pub fn original(&self, measure: &MixingMeasure) -> MixingMeasure {
        self.changed(measure, |slopes, intercept| {
            for (u, slope) in slopes.iter_mut().enumerate() {
                *slope /= self.scale[u];
                *intercept -= *slope * self.shift[u];
            }
        })
    }

    fn changed(&self, measure: &MixingMeasure, form: impl Fn(&mut [f64], &mut f64)) -> MixingMeasure {
        let mut measure = measure.clone();
        for group in &mut measure.groups {
            form(&mut group.alpha, &mut group.beta);
            for atom in &mut group.atoms {
                form(&mut atom.omega, &mut atom.beta);
                form(&mut atom.a, &mut atom.b);
            }
        }
        measure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::softmax::{Architecture, Atom, Group};

    fn number(i: usize) -> f64 {
        4.0 * ((i + 1) as f64 * 0.618_033_988_749_894_9).fract() - 2.0
    }

    fn data() -> Sample {
        let mut builder = Sample::builder(3);
        (0..5000).for_each(|i| builder.push(&[1e3 + number(i), 1e-3 * number(7 * i), 2.5], 9.0 * number(3 * i)));
        builder.finish()
    }

    /// Standardised columns have mean 0 and standard deviation 1 by the textbook's sums, a constant one is 0, and `y` is as it was.
    #[test]
    fn columns_are_standardised() {
        let data = data();
        let inputs = columns(&data).unwrap();
        let scaled = Scaling::standardising(&inputs[..3], Gate::Softmax).apply(&data).unwrap();
        let (mut sums, mut squares) = ([0.0; 4], [0.0; 4]);
        each(&*scaled, |u, value| {
            sums[u] += value;
            squares[u] += value * value;
        })
        .unwrap();
        for u in 0..2 {
            // Values of 1e3 have a spacing of 1e-13.
            assert!((sums[u] / 5000.0).abs() < 1e-12 && (squares[u] / 5000.0 - 1.0).abs() < 1e-12, "{sums:?}");
        }
        assert_eq!((sums[2], squares[2], inputs[2]), (0.0, 0.0, Column { mean: 2.5, sd: 0.0 }));
        let variance = squares[3] / 5000.0 - (sums[3] / 5000.0_f64).powi(2);
        assert!((inputs[3].sd / variance.sqrt() - 1.0).abs() < 1e-12);
        // Squares of these overflow and underflow.
        for size in [1e300, 1e-300] {
            let mut builder = Sample::builder(1);
            [-1.0, 1.0].iter().for_each(|x| builder.push(&[size * x], size));
            let columns = columns(&builder.finish()).unwrap();
            assert_eq!((columns[0].mean, columns[0].sd, columns[1].sd), (0.0, size, 0.0));
        }
    }

    /// The mixture in the new inputs has the values of the original one in the old, and comes back.
    #[test]
    fn a_scaled_mixture_is_the_same_function() {
        let data = data();
        let inputs = columns(&data).unwrap();
        for (gate, sizes) in [
            (Gate::Softmax, vec![3]),
            (Gate::DenseToSparse(Activation::Linear), vec![2]),
            (Gate::DenseToSparse(Activation::Tanh), vec![2]),
            (Gate::Hierarchical, vec![2, 2]),
        ] {
            let class = Architecture { dimension: 3, gate, sizes, activation: Activation::Sigmoid, outer_weight: true };
            // Slopes in standardised units, so that no function is a constant.
            let mut next = (0..).map(number);
            let mut numbers = |count: usize| -> Vec<f64> { next.by_ref().take(count).collect() };
            let groups = class.sizes.iter().map(|size| Group {
                alpha: if gate == Gate::Hierarchical { numbers(3) } else { vec![0.0; 3] },
                beta: 0.3,
                atoms: (0..*size)
                    .map(|_| Atom { omega: numbers(3), beta: 0.2, a: numbers(3), b: -0.4, lambda: 1.5 })
                    .collect(),
            });
            let tau = if matches!(gate, Gate::DenseToSparse(_)) { 0.7 } else { 1.0 };
            let measure = MixingMeasure { groups: groups.collect(), tau };
            let scaling = Scaling::standardising(&inputs[..3], gate);
            let original = scaling.original(&measure);
            let back = scaling.scaled(&original);
            let scaled = scaling.apply(&data).unwrap();
            let (mut first, mut second) = (Vec::new(), Vec::new());
            let (before, after) = (data.chunk(0, &mut first).unwrap(), scaled.chunk(0, &mut second).unwrap());
            let (mut x, mut z) = ([0.0; 3], [0.0; 3]);
            for row in 0..100 {
                before.input(row, &mut x);
                after.input(row, &mut z);
                let value = measure.value(&class, &z);
                // Intercepts take a·1000 and give it back.
                assert!((original.value(&class, &x) - value).abs() < 1e-11, "{gate:?}");
                assert!((back.value(&class, &z) - value).abs() < 1e-11, "{gate:?}");
            }
        }
    }
}

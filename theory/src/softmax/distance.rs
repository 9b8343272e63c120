//! Integrals against the law `μ` of the inputs: the regression error `‖f_G − f_{G*}‖_{L²(μ)}` and its like.

use super::data::Source;
use super::generated::{Inputs, Law, LawError, Noise};
use moe_kernels::gauss_legendre;

/// Nodes of a sampled rule.
const SAMPLED_NODES: usize = 1 << 15;

/// Nodes and weights with `E_μ f ≈ Σ w_i f(x_i)`, `Σ w_i = 1`.
///
/// - Uniform inputs, `d = 1`: Gauss-Legendre, 64 panels of 16 points. Rounding error for functions that are analytic within a panel's width of the interval; for
///   a kink (ReLU)
///   a relative `10⁻⁴` or better in `L²`.
/// - Uniform inputs, `d = 2`: the product of 12 panels of 8 points with itself.
/// - Otherwise 32 768 fixed draws of `μ`. The relative standard error of an `L²` norm is then `√(κ − 1)/(2·181)`, `κ = E δ⁴/(E δ²)²`: 0.4 % at `κ = 3`, 0.8 % at
///   10. The nodes are always the same, so that
///   errors at different `n` share it and their ratios do better.
#[derive(Clone, Debug)]
pub struct Cubature {
    dimension: usize,
    /// `d` numbers for each node.
    nodes: Vec<f64>,
    /// The same by columns.
    columns: Vec<f64>,
    weights: Vec<f64>,
}

impl Cubature {
    /// The rule for `μ`.
    ///
    /// # Errors
    /// [`LawError`] of the inputs.
    pub fn new(inputs: &Inputs) -> Result<Self, LawError> {
        inputs.check()?;
        let rule = |u: usize, panels, n| match inputs {
            Inputs::Uniform { low, high } => {
                let length = high[u] - low[u];
                gauss_legendre(low[u], high[u], panels, n).into_iter().map(move |(x, w)| (x, w / length)).collect()
            }
            Inputs::ClippedGaussian { .. } => Vec::new(),
        };
        match inputs {
            Inputs::Uniform { low, .. } if low.len() == 1 => {
                let (nodes, weights) = rule(0, 64, 16).into_iter().unzip();
                Ok(Self::with_nodes(1, nodes, weights))
            }
            Inputs::Uniform { low, .. } if low.len() == 2 => {
                let (first, second) = (rule(0, 12, 8), rule(1, 12, 8));
                let pairs = first.iter().flat_map(|a| second.iter().map(move |b| (*a, *b)));
                let (nodes, weights): (Vec<_>, Vec<_>) = pairs.map(|(a, b)| ([a.0, b.0], a.1 * b.1)).unzip();
                Ok(Self::with_nodes(2, nodes.concat(), weights))
            }
            _ => Self::sampled(inputs),
        }
    }

    fn with_nodes(dimension: usize, nodes: Vec<f64>, weights: Vec<f64>) -> Self {
        let columns = (0..dimension).flat_map(|u| nodes.iter().skip(u).step_by(dimension).copied()).collect();
        Self { dimension, nodes, columns, weights }
    }

    /// Draws of `μ`, apart from those of any sample with a smaller seed.
    fn sampled(inputs: &Inputs) -> Result<Self, LawError> {
        let law =
            Law { inputs: inputs.clone(), noise: Noise::Gaussian { deviation: 0.0 }, regression: |_: &[f64]| 0.0 };
        let draws = law.sample(SAMPLED_NODES, u64::MAX, u64::MAX)?;
        let dimension = inputs.dimension();
        let mut nodes = vec![0.0; SAMPLED_NODES * dimension];
        let mut scratch = Vec::new();
        let mut rows = nodes.chunks_exact_mut(dimension);
        for index in 0..draws.chunks() {
            let chunk = draws.chunk(index, &mut scratch).expect("no file is read");
            (0..chunk.y.len()).zip(&mut rows).for_each(|(row, x)| chunk.input(row, x));
        }
        Ok(Self::with_nodes(dimension, nodes, vec![1.0 / SAMPLED_NODES as f64; SAMPLED_NODES]))
    }

    /// `d`.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Nodes with their weights.
    pub fn points(&self) -> impl ExactSizeIterator<Item = (&[f64], f64)> {
        self.nodes.chunks_exact(self.dimension).zip(self.weights.iter().copied())
    }

    /// `‖f − g‖_{L²(μ)}`.
    ///
    /// ```
    /// use moe_theory::softmax::{Cubature, Inputs};
    /// let rule = Cubature::new(&Inputs::Uniform { low: vec![-3.0], high: vec![3.0] })?;
    /// assert!((rule.distance(|x| x[0], |_| 0.0) - 3.0_f64.sqrt()).abs() < 1e-14);
    /// # Ok::<(), moe_theory::softmax::LawError>(())
    /// ```
    pub fn distance(&self, f: impl Fn(&[f64]) -> f64, g: impl Fn(&[f64]) -> f64) -> f64 {
        self.points().map(|(x, w)| w * (f(x) - g(x)).powi(2)).sum::<f64>().sqrt()
    }

    /// The same of functions that are given all nodes at once, by columns, and put a value for each into their second argument, as kernels do.
    ///
    /// ```
    /// use moe_theory::softmax::{Cubature, Inputs};
    /// let rule = Cubature::new(&Inputs::Uniform { low: vec![-3.0], high: vec![3.0] })?;
    /// let distance = rule.distance_by_columns(|x, f| f.copy_from_slice(x), |_, g| g.fill(0.0));
    /// assert_eq!(distance, rule.distance(|x| x[0], |_| 0.0));
    /// # Ok::<(), moe_theory::softmax::LawError>(())
    /// ```
    pub fn distance_by_columns(&self, f: impl FnOnce(&[f64], &mut [f64]), g: impl FnOnce(&[f64], &mut [f64])) -> f64 {
        let (mut left, mut right) = (vec![0.0; self.weights.len()], vec![0.0; self.weights.len()]);
        f(&self.columns, &mut left);
        g(&self.columns, &mut right);
        let squares = self.weights.iter().zip(left.iter().zip(&right)).map(|(w, (f, g))| w * (f - g).powi(2));
        squares.sum::<f64>().sqrt()
    }

    /// `max |f − g|` over the nodes, a lower bound of the supremum over the support.
    pub fn largest(&self, f: impl Fn(&[f64]) -> f64, g: impl Fn(&[f64]) -> f64) -> f64 {
        self.points().map(|(x, _)| (f(x) - g(x)).abs()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(bounds: &[(f64, f64)]) -> Inputs {
        let (low, high) = bounds.iter().copied().unzip();
        Inputs::Uniform { low, high }
    }

    /// Closed forms: `E (a·x − b)²` for uniform x, `E e^{2x}`, a kink.
    #[test]
    fn norms_have_their_closed_forms() {
        let line = Cubature::new(&uniform(&[(-1.0, 2.0)])).unwrap();
        let exact = ((4.0_f64.exp() - (-2.0_f64).exp()) / 6.0).sqrt();
        assert!((line.distance(|x| x[0].exp(), |_| 0.0) - exact).abs() < 1e-14 * exact);
        assert!((line.largest(|x| x[0].exp(), |_| 0.0) - 2.0_f64.exp()).abs() < 1e-2);
        // ∫ max(x − t, 0)²/3 = (2 − t)³/9.
        for t in [-0.7, 0.123, 1.9] {
            let exact = ((2.0_f64 - t).powi(3) / 9.0).sqrt();
            assert!((line.distance(|x| (x[0] - t).max(0.0), |_| 0.0) - exact).abs() < 1e-4 * exact);
        }
        let plane = Cubature::new(&uniform(&[(-1.0, 2.0), (0.0, 3.0)])).unwrap();
        // E x = ½, E y = 3/2, Var = ¾ each: E (x − 2y)² = ¾ + 4·¾ + (½ − 3)².
        assert!((plane.distance(|x| x[0], |x| 2.0 * x[1]) - 10.0_f64.sqrt()).abs() < 1e-13);
        assert!(
            (plane.distance(|x| (x[0] + x[1]).exp(), |_| 0.0) - exact * ((6.0_f64.exp() - 1.0) / 6.0).sqrt()).abs()
                < 1e-11
        );
    }

    /// Sampled rules, at six of the stated standard errors.
    #[test]
    fn sampled_norms_have_their_stated_errors() {
        let relative = |kurtosis: f64| 6.0 * (kurtosis - 1.0).sqrt() / (2.0 * (SAMPLED_NODES as f64).sqrt());
        let cube = Cubature::new(&uniform(&[(-1.0, 1.0); 3])).unwrap();
        assert_eq!(cube.points().len(), SAMPLED_NODES);
        let norm = cube.distance(|x| x[2], |_| 0.0);
        assert!((norm * 3.0_f64.sqrt() - 1.0).abs() < relative(1.8));
        // E min(‖z‖, R)² = 2(1 − e^{−R²/2}) for d = 2; the kurtosis of a clipped length is below that of the length, 2.
        let disc = Cubature::new(&Inputs::ClippedGaussian { dimension: 2, radius: 2.0 }).unwrap();
        let exact = (2.0 * (1.0 - (-2.0_f64).exp())).sqrt();
        assert!((disc.distance(|x| x[0].hypot(x[1]), |_| 0.0) / exact - 1.0).abs() < relative(2.0));
        assert!(Cubature::new(&Inputs::ClippedGaussian { dimension: 2, radius: -1.0 }).is_err());
    }
}

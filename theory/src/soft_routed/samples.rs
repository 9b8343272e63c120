//! What one input contributes to the gradient of the empirical loss.
//!
//! With `a_i = v̄_iᵀx`, `c_i = w̄_iᵀx` and the residual `e = f − f*`, the loss `½e²` of one input has the gradients (unit vectors free, no tangent projection yet)
//!
//! ```text
//! ∂/∂v̄_i = e π'(a_i) He_p(c_i) x,        ∂/∂w̄_i = e π(a_i) p He_{p−1}(c_i) x
//! ```
//!
//! so that a batch needs its projections on all vectors, these coefficients of `x`, and one product of the batch with the coefficients.

use moe_kernels::{Router, router_values};

/// Evaluates coefficients of batches; owns its buffers.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    router: Router,
    order: usize,
    students: usize,
    teachers: usize,
    residual: Vec<f64>,
    value: Vec<f64>,
    slope: Vec<f64>,
}

impl Samples {
    pub(crate) fn new(router: Router, order: usize, students: usize, teachers: usize) -> Self {
        Self { router, order, students, teachers, residual: Vec::new(), value: Vec::new(), slope: Vec::new() }
    }

    /// Number of projections of one input: on student routers, student experts, teacher routers, teacher experts.
    pub(crate) fn projections(&self) -> usize {
        2 * (self.students + self.teachers)
    }

    /// The coefficients of `n` inputs (`n × 2m`, columns routers, experts) from their projections (`n ×` [`Self::projections`], column-major). Returns `Σ ½e²`.
    pub(crate) fn coefficients(&mut self, n: usize, projections: &[f64], coefficients: &mut [f64]) -> f64 {
        debug_assert_eq!((projections.len(), coefficients.len()), (n * self.projections(), n * 2 * self.students));
        match self.order {
            1 => self.of_order::<1>(n, projections, coefficients),
            2 => self.of_order::<2>(n, projections, coefficients),
            3 => self.of_order::<3>(n, projections, coefficients),
            4 => self.of_order::<4>(n, projections, coefficients),
            5 => self.of_order::<5>(n, projections, coefficients),
            _ => self.of_order::<6>(n, projections, coefficients),
        }
    }

    fn of_order<const P: usize>(&mut self, n: usize, projections: &[f64], coefficients: &mut [f64]) -> f64 {
        let (m, teachers) = (self.students, self.teachers);
        for buffer in [&mut self.residual, &mut self.value, &mut self.slope] {
            buffer.resize(n, 0.0);
        }
        self.residual.fill(0.0);
        let column = |j: usize| &projections[j * n..(j + 1) * n];
        for j in 0..teachers {
            router_values(self.router, column(2 * m + j), &mut self.value, &mut self.slope);
            for ((e, value), c) in self.residual.iter_mut().zip(&self.value).zip(column(2 * m + teachers + j)) {
                *e -= value * hermite::<P>(*c).0;
            }
        }
        let (routers, experts) = coefficients.split_at_mut(n * m);
        for i in 0..m {
            router_values(self.router, column(i), &mut self.value, &mut self.slope);
            let (routers, experts) = (&mut routers[i * n..(i + 1) * n], &mut experts[i * n..(i + 1) * n]);
            let c = column(m + i);
            for k in 0..n {
                let (he, he_before) = hermite::<P>(c[k]);
                self.residual[k] += self.value[k] * he;
                routers[k] = self.slope[k] * he;
                experts[k] = self.value[k] * P as f64 * he_before;
            }
        }
        for column in routers.chunks_exact_mut(n).chain(experts.chunks_exact_mut(n)) {
            column.iter_mut().zip(&self.residual).for_each(|(c, e)| *c *= e);
        }
        0.5 * moe_kernels::weighted_sum(&self.residual, &self.residual)
    }
}

/// `(He_P(c), He_{P−1}(c))`, `P ≥ 1`.
#[inline(always)]
fn hermite<const P: usize>(c: f64) -> (f64, f64) {
    let (mut before, mut he) = (1.0, c);
    for k in 1..P {
        (before, he) = (he, c * he - k as f64 * before);
    }
    (he, before)
}

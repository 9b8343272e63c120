//! Sums whose bits do not depend on the machine: eight virtual lanes and one fixed tree everywhere.

/// Number of partial sums; the width of the widest instruction set.
const LANES: usize = 8;

/// `Σ x_i`: eight interleaved partial sums, then a pairwise tree. Error at most `(n/8 + 3) 2⁻⁵³ Σ|x_i|`.
///
/// ```
/// assert_eq!(moe_kernels::sum(&[1.0, 2.0, 3.5]), 6.5);
/// ```
pub fn sum(x: &[f64]) -> f64 {
    let mut partial = [0.0; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, x) in partial.iter_mut().zip(chunk) {
            *sum += x;
        }
    }
    for (sum, x) in partial.iter_mut().zip(rest) {
        *sum += x;
    }
    tree(partial)
}

/// `Σ x_i y_i` in the same order; products and sums are rounded apart, so that scalar and vector code agree.
///
/// # Panics
/// If the lengths differ.
pub fn weighted_sum(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "slices of one length");
    let mut partial = [0.0; LANES];
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in xs.iter().zip(ys) {
        for i in 0..LANES {
            partial[i] += x[i] * y[i];
        }
    }
    for (i, (x, y)) in x_rest.iter().zip(y_rest).enumerate() {
        partial[i] += x * y;
    }
    tree(partial)
}

fn tree(p: [f64; LANES]) -> f64 {
    ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths around the lane edges, integers so that every order of summation is exact.
    #[test]
    fn every_length_is_summed_once() {
        for n in [0, 1, 7, 8, 9, 15, 16, 17, 127, 128, 129] {
            let x: Vec<f64> = (1..=n).map(f64::from).collect();
            let ones = vec![1.0; x.len()];
            assert_eq!(sum(&x), f64::from(n * (n + 1) / 2));
            assert_eq!(weighted_sum(&x, &ones), sum(&x));
        }
    }

    /// Huge and tiny terms, exact cancellation inside a lane, and NaN.
    #[test]
    fn extreme_terms() {
        let mut x = vec![0.0; 24];
        (x[0], x[8], x[3]) = (1e150, -1e150, 1e-150);
        assert_eq!(sum(&x), 1e-150);
        x[5] = f64::NAN;
        assert!(sum(&x).is_nan());
    }
}

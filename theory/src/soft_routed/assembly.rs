//! From overlaps to pairs of units and back: which correlations each pair expectation takes, and where its derivatives go.
//!
//! Vectors are numbered `v_1…v_m, w_1…w_m` (student), `v*_1…v*_{m*}, w*_1…w*_{m*}` (teacher). The overlap matrix has all `2(m + m*)` of them as rows and the
//! `2m` of the student as columns. `L` is a sum over unordered pairs with at least one student, plus the teacher's own term:
//!
//! ```text
//! L = ½Σ_i K_ii + Σ_{i<k} K_ik − Σ_{i,j} K_ij* + ½Σ_{jj'} K*_jj'
//! ```

use faer::{Mat, MatRef};

/// The pairs of `students` and `teachers`, students first, in the order `(a, a), (a, a+1), …, (a, m), (a, 1*), …, (a, m**)` for each student `a`.
#[derive(Clone, Debug)]
pub(crate) struct Pairs {
    pub(super) students: usize,
    pub(super) teachers: usize,
    /// The factor of each pair in `L`: ½, 1 or −1.
    pub(super) weights: Vec<f64>,
    /// `v̄*_j·w̄*_j`.
    teacher_own: Vec<f64>,
}

impl Pairs {
    pub(super) fn new(students: usize, teacher_own: Vec<f64>) -> Self {
        let teachers = teacher_own.len();
        let mut weights = Vec::new();
        for a in 0..students {
            weights.push(0.5);
            weights.extend(std::iter::repeat_n(1.0, students - a - 1));
            weights.extend(std::iter::repeat_n(-1.0, teachers));
        }
        Self { students, teachers, weights, teacher_own }
    }

    /// `v̄*_j·w̄*_j` of every teacher.
    pub(super) fn teacher_own(&self) -> &[f64] {
        &self.teacher_own
    }

    /// Number of pairs.
    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    /// The six correlations of each pair, from the overlap matrix.
    pub(super) fn gather(&self, overlaps: MatRef<'_, f64>, rho: &mut [Vec<f64>; 6]) {
        let (m, teachers) = (self.students, self.teachers);
        let mut start = 0;
        for a in 0..m {
            let (v, w) = (column(overlaps, a), column(overlaps, m + a));
            let own = v[m + a];
            let (middle, end) = (start + m - a, start + m - a + teachers);
            let [r12, r13, r14, r23, r24, r34] = rho;
            r13[start..end].fill(own);
            r12[start..middle].copy_from_slice(&v[a..m]);
            r14[start..middle].copy_from_slice(&v[m + a..2 * m]);
            r23[start..middle].copy_from_slice(&w[a..m]);
            r34[start..middle].copy_from_slice(&w[m + a..2 * m]);
            for (b, r) in (a..m).zip(&mut r24[start..middle]) {
                *r = overlaps[(m + b, b)];
            }
            let (split, rows) = (2 * m + teachers, 2 * (m + teachers));
            r12[middle..end].copy_from_slice(&v[2 * m..split]);
            r14[middle..end].copy_from_slice(&v[split..rows]);
            r23[middle..end].copy_from_slice(&w[2 * m..split]);
            r34[middle..end].copy_from_slice(&w[split..rows]);
            r24[middle..end].copy_from_slice(&self.teacher_own);
            start = end;
        }
    }

    /// As [`Self::gather`] for a variation of the overlaps in which the teacher stands still.
    pub(super) fn gather_variation(&self, variation: MatRef<'_, f64>, rho: &mut [Vec<f64>; 6]) {
        self.gather(variation, rho);
        let mut start = 0;
        for a in 0..self.students {
            let (middle, end) = (start + self.students - a, start + self.students - a + self.teachers);
            rho[4][middle..end].fill(0.0);
            start = end;
        }
    }

    /// The derivative of `L` by each entry of the overlap matrix, from the six partial derivatives of each pair: entry `(j, i)` is the coefficient of
    /// vector `j` in the Euclidean gradient by student vector `i`. The diagonal (a radial direction) is set to zero.
    pub(super) fn scatter(&self, partials: [&[f64]; 6], coefficients: &mut Mat<f64>) {
        let (m, teachers) = (self.students, self.teachers);
        let [g12, g13, g14, g23, g24, g34] = partials;
        let mut start = 0;
        for i in 0..m {
            coefficients[(m + i, i)] = 0.0;
        }
        for a in 0..m {
            let (next, middle, end) = (start + 1, start + m - a, start + m - a + teachers);
            // The pair of a unit with itself: all four router-expert correlations are s_a.
            let mut own = 0.5 * ((g13[start] + g24[start]) + (g14[start] + g23[start]));
            for k in next..middle {
                own += g13[k];
                coefficients[(m + a + k - start, a + k - start)] += g24[k];
            }
            for k in middle..end {
                own -= g13[k];
            }
            coefficients[(m + a, a)] += own;
            let (split, rows) = (2 * m + teachers, 2 * (m + teachers));
            let v = coefficients.col_as_slice_mut(a);
            v[a] = 0.0;
            v[a + 1..m].copy_from_slice(&g12[next..middle]);
            v[m + a + 1..2 * m].copy_from_slice(&g14[next..middle]);
            negate(&mut v[2 * m..split], &g12[middle..end]);
            negate(&mut v[split..rows], &g14[middle..end]);
            let w = coefficients.col_as_slice_mut(m + a);
            w[m + a] = 0.0;
            w[a + 1..m].copy_from_slice(&g23[next..middle]);
            w[m + a + 1..2 * m].copy_from_slice(&g34[next..middle]);
            negate(&mut w[2 * m..split], &g23[middle..end]);
            negate(&mut w[split..rows], &g34[middle..end]);
            start = end;
        }
        // The student block is symmetric. Below the diagonal of (w, v) stands g14, and g23 is above that of (v, w).
        for a in 0..m {
            for b in 0..a {
                coefficients[(b, a)] = coefficients[(a, b)];
                coefficients[(m + b, m + a)] = coefficients[(m + a, m + b)];
                coefficients[(m + b, a)] = coefficients[(a, m + b)];
            }
        }
        for a in 0..m {
            for b in 0..=a {
                coefficients[(b, m + a)] = coefficients[(m + a, b)];
            }
        }
    }
}

fn negate(to: &mut [f64], from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = -from;
    }
}

fn column(matrix: MatRef<'_, f64>, j: usize) -> &[f64] {
    matrix.col(j).try_as_col_major().expect("overlap matrices are column-major").as_slice()
}

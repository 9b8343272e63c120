//! The linear solves of the implicit integrator.

use diffsol::{FaerContext, FaerMat, FaerVec, LaError, LaLinearOp, Matrix, MatrixCommon, Vector};
use diffsol_la::LinearSolver;
use diffsol_la::error::LinearSolverError;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::lu::partial_pivoting::{factor, solve};
use faer::perm::Perm;
use faer::{Conj, Mat, Par};

/// LU decomposition with partial pivoting. The ODE library's own pivots fully: it searches all that is left of the matrix for each pivot, which took more than half of the time of an implicit flow. Newton matrices `I − hγJ` are well
/// conditioned as far as the step is right, and the iteration corrects what rounding leaves. Sequential, so that results do not depend on the number of threads.
#[derive(Default)]
pub(super) struct PartialPivotLu {
    matrix: Option<FaerMat<f64>>,
    /// `L` below the diagonal, which is one, and `U` from it on; the permutation of the rows.
    factors: Option<(Mat<f64>, Perm<usize>)>,
}

impl PartialPivotLu {
    fn solve(&self, x: &mut FaerVec<f64>, transpose: bool) -> Result<(), LaError> {
        let (lu, rows) =
            self.factors.as_ref().ok_or(LaError::LinearSolverError(LinearSolverError::LuNotInitialized))?;
        let x = x.inner_mut().as_mut();
        let (n, columns) = (lu.nrows(), x.ncols());
        let mut memory = MemBuffer::new(solve::solve_in_place_scratch::<usize, f64>(n, columns, Par::Seq));
        let stack = MemStack::new(&mut memory);
        let (l, u, rows) = (lu.as_ref(), lu.as_ref(), rows.as_ref());
        if transpose {
            solve::solve_transpose_in_place_with_conj(l, u, rows, Conj::No, x, Par::Seq, stack);
        } else {
            solve::solve_in_place_with_conj(l, u, rows, Conj::No, x, Par::Seq, stack);
        }
        Ok(())
    }
}

impl LinearSolver<FaerMat<f64>> for PartialPivotLu {
    fn set_linearisation<C: LaLinearOp<T = f64, V = FaerVec<f64>, M = FaerMat<f64>, C = FaerContext>>(
        &mut self,
        op: &C,
    ) {
        let matrix = self
            .matrix
            .get_or_insert_with(|| FaerMat::new_from_sparsity(op.nrows(), op.ncols(), op.sparsity(), *op.context()));
        op.matrix_inplace(matrix);
        let mut lu = matrix.inner().clone();
        let n = lu.nrows();
        let (mut forward, mut backward) = (vec![0; n], vec![0; n]);
        let mut memory = MemBuffer::new(factor::lu_in_place_scratch::<usize, f64>(n, n, Par::Seq, Default::default()));
        let stack = MemStack::new(&mut memory);
        factor::lu_in_place(lu.as_mut(), &mut forward, &mut backward, Par::Seq, stack, Default::default());
        let rows = Perm::new_checked(forward.into_boxed_slice(), backward.into_boxed_slice(), n);
        self.factors = Some((lu, rows));
    }

    fn set_sparsity<C: LaLinearOp<T = f64, V = FaerVec<f64>, M = FaerMat<f64>, C = FaerContext>>(&mut self, op: &C) {
        self.matrix = Some(FaerMat::new_from_sparsity(op.nrows(), op.ncols(), op.sparsity(), *op.context()));
        self.factors = None;
    }

    fn solve_in_place(&self, x: &mut FaerVec<f64>) -> Result<(), LaError> {
        self.solve(x, false)
    }

    fn solve_transpose_in_place(&self, x: &mut FaerVec<f64>) -> Result<(), LaError> {
        self.solve(x, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix that needs pivots, as an operator.
    struct Fixed(FaerContext);

    impl LaLinearOp for Fixed {
        type T = f64;
        type V = FaerVec<f64>;
        type M = FaerMat<f64>;
        type C = FaerContext;

        fn nrows(&self) -> usize {
            3
        }
        fn ncols(&self) -> usize {
            3
        }
        fn context(&self) -> &FaerContext {
            &self.0
        }
        fn matrix_inplace(&self, y: &mut FaerMat<f64>) {
            *y.inner_mut() = Mat::from_fn(3, 3, |i, j| [[0.0, 2.0, 1.0], [4.0, 0.0, -1.0], [1.0, 1.0, 0.0]][i][j]);
        }
    }

    #[test]
    fn solves_what_needs_pivots_and_its_transpose() {
        let mut lu = PartialPivotLu::default();
        let operator = Fixed(FaerContext::default());
        assert!(lu.solve_in_place(&mut FaerVec::from_vec(vec![1.0; 3], operator.0)).is_err());
        lu.set_sparsity(&operator);
        lu.set_linearisation(&operator);
        // A (1, −2, 3)ᵀ and Aᵀ (1, −2, 3)ᵀ.
        for (transpose, b) in [(false, vec![-1.0, 1.0, -1.0]), (true, vec![-5.0, 5.0, 3.0])] {
            let mut x = FaerVec::from_vec(b, operator.0);
            if transpose { lu.solve_transpose_in_place(&mut x) } else { lu.solve_in_place(&mut x) }.unwrap();
            let errors = x.clone_as_vec().into_iter().zip([1.0, -2.0, 3.0]).map(|(x, y)| (x - y).abs());
            assert!(errors.fold(0.0, f64::max) < 1e-14, "{x:?}");
        }
    }
}

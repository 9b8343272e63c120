//! The matrix products of the overlap form: Gram matrices of stacked weight vectors and linear combinations of them.
//!
//! Weight vectors are the columns of a column-major matrix, so that each is contiguous. All products run on the calling thread
//! (`Par::Seq`), so that they give the same bits on any number of threads.

use faer::linalg::matmul::{matmul, triangular};
use faer::{Accum, MatMut, MatRef, Par};
use triangular::BlockStructure::{Rectangular, TriangularLower};

/// The lower triangle of `XᵀX` for `X` (dimension × vectors) into `gram` (vectors × vectors); the strict upper triangle is left alone.
pub fn gram_lower(x: MatRef<'_, f64>, gram: MatMut<'_, f64>) {
    triangular::matmul(
        gram,
        TriangularLower,
        Accum::Replace,
        x.transpose(),
        Rectangular,
        x,
        Rectangular,
        1.0,
        Par::Seq,
    );
}

/// `YᵀX` for `Y` (dimension × n) and `X` (dimension × m) into `gram` (n × m).
pub fn cross_gram(y: MatRef<'_, f64>, x: MatRef<'_, f64>, gram: MatMut<'_, f64>) {
    matmul(gram, Accum::Replace, y.transpose(), x, 1.0, Par::Seq);
}

/// `X·H` for `X` (dimension × n) and coefficients `H` (n × m) into `out` (dimension × m).
pub fn combine(x: MatRef<'_, f64>, h: MatRef<'_, f64>, out: MatMut<'_, f64>) {
    matmul(out, Accum::Replace, x, h, 1.0, Par::Seq);
}

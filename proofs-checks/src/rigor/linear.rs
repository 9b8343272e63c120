//! Linear algebra in enclosures: one elimination, of which determinants, solutions and the choice of rows are read off.
//!
//! `A = (a_{rk})` is brought to an upper triangle by exchanging rows and subtracting `a_{rk}/a_{kk}` times the pivot's row. A pivot is the entry whose least magnitude is largest; one whose enclosure holds zero is none, nor is one of a row with an unbounded entry: what is undefined there is not read past. Every number is an enclosure, so where all
//! pivots are found the matrices in the enclosure are regular, and what is read off encloses what each of them has.

use super::ball::Ball;

/// A matrix whose first columns are an upper triangle, entries below it not kept.
struct Triangle {
    rows: Vec<Vec<Ball>>,
    /// The rows' numbers before they were exchanged.
    order: Vec<usize>,
    odd: bool,
}

impl Triangle {
    /// `None` where a pivot may be zero, or there are fewer rows than `columns`.
    fn of(mut rows: Vec<Vec<Ball>>, columns: usize) -> Option<Self> {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let mut odd = false;
        for column in 0..columns {
            let magnitude = |r: &usize| rows[*r][column].least_magnitude();
            let is_bounded = |r: &usize| rows[*r].iter().all(|entry| entry.ends().is_some());
            let candidates = (column..rows.len()).filter(|r| is_bounded(r) && magnitude(r).is_some());
            let best = candidates.max_by_key(magnitude)?;
            odd ^= best != column;
            rows.swap(column, best);
            order.swap(column, best);
            let (above, below) = rows.split_at_mut(column + 1);
            let row = &above[column];
            for other in below.iter_mut().filter(|other| !other[column].is_zero()) {
                let factor = other[column].clone() / &row[column];
                for (entry, own) in other.iter_mut().zip(row).skip(column + 1) {
                    *entry = std::mem::replace(entry, Ball::integer(0, 1)) - factor.clone() * own;
                }
            }
        }
        Some(Self { rows, order, odd })
    }
}

/// The determinant of a square matrix; the whole line where a pivot may be zero.
pub(super) fn determinant(rows: Vec<Vec<Ball>>, precision: usize) -> Ball {
    let n = rows.len();
    if rows.iter().any(|row| row.len() != n) {
        return Ball::whole(precision);
    }
    let Some(triangle) = Triangle::of(rows, n) else { return Ball::whole(precision) };
    let product = (0..n).fold(Ball::integer(1, precision), |product, k| product * &triangle.rows[k][k]);
    if triangle.odd { -product } else { product }
}

/// `A⁻¹B` of the rows `(A | B)`, `A` square; `None` where a pivot may be zero.
pub(super) fn solved(rows: Vec<Vec<Ball>>) -> Option<Vec<Vec<Ball>>> {
    let n = rows.len();
    let mut rows = Triangle::of(rows, n)?.rows;
    for k in (0..n).rev() {
        let (above, below) = rows.split_at_mut(k + 1);
        let row = &mut above[k];
        for column in n..row.len() {
            let start = std::mem::replace(&mut row[column], Ball::integer(0, 1));
            let known = below.iter().enumerate();
            let rest = known.fold(start, |sum, (l, solution)| sum - row[k + 1 + l].clone() * &solution[column]);
            row[column] = rest / &row[k];
        }
    }
    Some(rows.into_iter().map(|row| row.into_iter().skip(n).collect()).collect())
}

/// `A⁻¹` of a square matrix; `None` where a pivot may be zero.
pub(super) fn inverse(rows: Vec<Vec<Ball>>, precision: usize) -> Option<Vec<Vec<Ball>>> {
    let n = rows.len();
    if rows.iter().any(|row| row.len() != n) {
        return None;
    }
    let unit = |k: usize| (0..n).map(move |l| Ball::integer(i64::from(k == l), precision));
    solved(rows.into_iter().enumerate().map(|(k, row)| row.into_iter().chain(unit(k)).collect()).collect())
}

/// As many rows as there are columns, those in which elimination finds its pivots; `None` where one may be zero.
pub(crate) fn pivot_rows(rows: Vec<Vec<Ball>>, columns: usize) -> Option<Vec<usize>> {
    let mut order = Triangle::of(rows, columns)?.order;
    order.truncate(columns);
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BITS: usize = 128;

    fn matrix<const N: usize>(rows: [[i64; N]; N]) -> Vec<Vec<Ball>> {
        rows.map(|row| row.map(|entry| Ball::integer(entry, BITS)).to_vec()).to_vec()
    }

    fn is(ball: &Ball, value: f64) -> bool {
        ball.outer()
            .is_some_and(|[low, high]| low <= value && value <= high && high - low < 1e-30 + 1e-15 * value.abs())
    }

    /// By cofactors: 1(−15 − 16) − 2(0 + 20) + 3(0 − 25) with a pivot that is not the first row's; and the inverse times the matrix.
    #[test]
    fn determinants_and_inverses_are_those_of_cofactors() {
        let rows = [[1, 2, 3], [0, -3, 4], [5, 4, 5]];
        assert!(is(&determinant(matrix(rows), BITS), 1.0 * (-15.0 - 16.0) - 2.0 * (0.0 - 20.0) + 3.0 * (0.0 + 15.0)));
        let inverse = inverse(matrix(rows), BITS).unwrap();
        for (k, row) in rows.iter().enumerate() {
            for l in 0..3 {
                let sum =
                    (0..3).fold(Ball::integer(0, BITS), |sum, i| sum + Ball::integer(row[i], BITS) * &inverse[i][l]);
                assert!(is(&sum, f64::from(u8::from(k == l))), "{k} {l}");
            }
        }
    }

    /// An unbounded entry beside the pivots is no number: neither a determinant nor a solution nor a pivot row passes it.
    #[test]
    fn unbounded_entries_have_no_answer() {
        let mut rows = matrix([[1, 2], [0, 1]]);
        rows[0][1] = Ball::whole(BITS);
        assert_eq!(determinant(rows.clone(), BITS).ends(), None);
        assert!(solved(rows.clone()).is_none() && inverse(rows.clone(), BITS).is_none());
        rows.push(matrix([[3]])[0].iter().cloned().chain([Ball::integer(1, BITS)]).collect());
        assert_eq!(pivot_rows(rows, 2), Some(vec![2, 1]));
    }

    #[test]
    fn singular_matrices_have_no_answer() {
        let rows = matrix([[1, 2], [2, 4]]);
        assert_eq!(determinant(rows.clone(), BITS).sign(), None);
        assert!(inverse(rows.clone(), BITS).is_none() && pivot_rows(rows, 2).is_none());
        assert_eq!(
            pivot_rows([[0, 1], [0, 3], [2, 5]].map(|row| row.map(|n| Ball::integer(n, BITS)).to_vec()).to_vec(), 2),
            Some(vec![2, 1])
        );
    }
}

//! Linear algebra over a prime field: which functions are combinations of which, before any coefficient is known.
//!
//! The matrix of the relations at a random point of the field `Z/p`, `p = 2^61 − 1`, has the rank and the echelon form's zeros of the generic one but for a chance below `10⁻¹²` (Schwartz and Zippel: a polynomial of degree `D` that is not zero vanishes at a random point with probability at most `D/p`). A finder: what it proposes is solved
//! for exactly and certified.

use super::coefficient::Coefficient;
use dashu_base::Sign;
use dashu_int::UBig;

const PRIME: u64 = (1 << 61) - 1;

fn times(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

fn minus(a: u64, b: u64) -> u64 {
    if a >= b { a - b } else { a + PRIME - b }
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    result
}

/// `1/a` for `a ≠ 0`.
fn inverse(a: u64) -> u64 {
    power(a, PRIME - 2)
}

/// The value of a polynomial at a point.
pub(super) fn value(coefficient: &Coefficient, point: &[u64]) -> u64 {
    let mut sum = 0;
    for (exponents, integer) in &coefficient.terms {
        let (sign, magnitude) = integer.clone().into_parts();
        let rest = u64::try_from(magnitude % UBig::from(PRIME)).unwrap_or(0);
        let mut term = if sign == Sign::Negative { minus(0, rest) } else { rest };
        for (exponent, x) in exponents.iter().zip(point) {
            if *exponent > 0 {
                term = times(term, power(*x, u64::from(*exponent)));
            }
        }
        sum = minus(sum, minus(0, term));
    }
    sum
}

/// A fixed random point of so many variables.
pub(super) fn point(variables: usize) -> Vec<u64> {
    (0..variables).map(coordinate).collect()
}

/// A point of the circle `s² + c² = 1`, from the parameter that a variable has at the fixed point.
pub(super) fn circle(t: u64) -> [u64; 2] {
    let square = times(t, t);
    let scale = inverse(minus(1, minus(0, square)));
    [times(minus(0, minus(0, times(2, t))), scale), times(minus(1, square), scale)]
}

/// `√8 x`: `(2^32)² = 8·2^61 = 8` in the field.
pub(super) fn root_of_eight_times(x: u64) -> u64 {
    times(1 << 32, x)
}

/// Whether two polynomials certainly share no factor that contains the variable: their images in one variable, all others at the fixed random point, keep their degrees and have a constant greatest common divisor.
pub(super) fn are_coprime_in(a: &Coefficient, b: &Coefficient, variable: usize) -> bool {
    let fixed = point(a.terms.keys().next().map_or(0, Vec::len));
    let image = |of: &Coefficient| -> Vec<u64> {
        let degree = of.terms.keys().map(|e| e[variable]).max().unwrap_or(0) as usize;
        let mut image = vec![0; degree + 1];
        for (exponents, integer) in &of.terms {
            let mut rest = exponents.clone();
            let power = std::mem::take(&mut rest[variable]) as usize;
            let term = Coefficient { terms: [(rest, integer.clone())].into() };
            image[power] = minus(image[power], minus(0, value(&term, &fixed)));
        }
        image
    };
    let (mut a, mut b) = (image(a), image(b));
    if a.last() == Some(&0) || b.last() == Some(&0) {
        return false;
    }
    while !b.is_empty() {
        let scale = inverse(b[b.len() - 1]);
        while a.len() >= b.len() {
            let factor = times(a[a.len() - 1], scale);
            let shift = a.len() - b.len();
            b.iter().enumerate().for_each(|(k, own)| a[shift + k] = minus(a[shift + k], times(factor, *own)));
            while a.last() == Some(&0) {
                a.pop();
            }
        }
        (a, b) = (b, a);
    }
    a.len() == 1
}

/// The coordinate of a variable (splitmix64).
fn coordinate(variable: usize) -> u64 {
    let mut z = (variable as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % PRIME
}

/// The reduced row echelon form in place: pivots `(row, column)`, ascending in both.
pub(super) fn reduce(rows: &mut [Vec<u64>]) -> Vec<(usize, usize)> {
    let mut pivots = Vec::new();
    for column in 0..rows.first().map_or(0, Vec::len) {
        let free = pivots.len();
        let Some(found) = (free..rows.len()).find(|r| rows[*r][column] != 0) else { continue };
        rows.swap(free, found);
        let scale = inverse(rows[free][column]);
        rows[free].iter_mut().for_each(|entry| *entry = times(*entry, scale));
        let pivot = rows[free].clone();
        for row in rows.iter_mut().enumerate().filter(|(r, row)| *r != free && row[column] != 0).map(|(_, row)| row) {
            let factor = row[column];
            row.iter_mut().zip(&pivot).for_each(|(entry, own)| *entry = minus(*entry, times(factor, *own)));
        }
        pivots.push((free, column));
    }
    pivots
}

/// Of rows in the order of preference, the first ones that are independent.
pub(super) fn independent(rows: &[Vec<u64>]) -> Vec<usize> {
    let mut kept: Vec<(usize, Vec<u64>)> = Vec::new();
    let mut chosen = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let mut rest = row.clone();
        for (column, own) in &kept {
            let factor = rest[*column];
            if factor != 0 {
                rest.iter_mut().zip(own).for_each(|(entry, own)| *entry = minus(*entry, times(factor, *own)));
            }
        }
        if let Some(column) = rest.iter().position(|entry| *entry != 0) {
            let scale = inverse(rest[column]);
            rest.iter_mut().for_each(|entry| *entry = times(*entry, scale));
            kept.push((column, rest));
            chosen.push(number);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_one() {
        for a in [1, 2, 12345, PRIME - 1] {
            assert_eq!(times(a, inverse(a)), 1);
            assert_eq!(minus(minus(5, a), minus(0, a)), 5);
        }
    }

    #[test]
    fn points_lie_on_their_curves() {
        let [s, c] = circle(12345);
        assert_eq!(minus(times(s, s), minus(1, times(c, c))), 0);
        let x = root_of_eight_times(77);
        assert_eq!(times(x, x), 8 * 77 * 77);
    }

    #[test]
    fn dependent_rows_are_seen() {
        let mut rows = vec![vec![1, 2, 3], vec![2, 4, 6], vec![0, 1, 1]];
        assert_eq!(independent(&rows), [0, 2]);
        assert_eq!(reduce(&mut rows), [(0, 0), (1, 1)]);
        assert_eq!(rows[0], [1, 0, 1]);
    }
}

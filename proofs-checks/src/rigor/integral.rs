//! Integrals of the second derivatives of a mixture's functions against measures that the first-order functions do not see.
//!
//! *Equalities.* `Σ_j w_jΨ_j = Σ_j w_j g_j h_j − f* Σ_j w_j g_j = 0` identically; and for a parameter `u` of the gate with `∂_u g(θ) g(θ') = g(θ) ∂_u g(θ')` (checked by normalising the difference to zero) `∂_u g = q(x) g`, so `Σ_j w_j ∂_uΨ_j = q Σ_j w_jΨ_j = 0`. So the equalities of the last atom's value and of its derivatives by
//! such parameters follow from the others. The rest form a linear system for the masses of the basic points, square, which is solved in enclosures by elimination: as no pivot's enclosure holds zero there is exactly one solution, and it is enclosed.
//!
//! *The constant of L1.* Norms of functions are maxima over the points of the certificate, `|m|₁` is the sum of the magnitudes of the coordinates of the equalities, `t = Σ tr M2_j`. The above is `‖·‖ ≥ v t`, `v = λ/2`. The first-order functions of the equalities at the basic points are a square matrix `F`; `m = F⁻¹(Fm)` gives
//! `|m|₁ ≤ Σ_ij |F⁻¹_ij| max |Fm|`, so `‖Σ m·first‖ ≥ s|m|₁` with `s = 1/Σ_ij |F⁻¹_ij|`, and `½‖⟨M2, ∂²Ψ/D*⟩‖ ≤ b t` with `b` half of the largest Frobenius norm of `∂²Ψ_j/D*` at a point. So the norm is at least `max(vt, s|m|₁ − bt) ≥ vs/(v + s + b) (|m|₁ + t)`, and `L1 ≤ |m|₁ + t` at the translation that pins the last atom's value and slopes:
//! the Euclidean norms in L1 are at most sums of magnitudes.

use super::ball::Ball;
use super::certificate::CertificateError;
use super::linear;
use super::mixture::{Functions, Values};
use dashu_ratio::RBig;
use moe_kernels::Real;

/// What measures on common points give.
pub(super) struct Integrals {
    /// The total variation of each.
    pub(super) totals: Vec<Ball>,
    /// `∫∂²Ψ_j/D* dν` of each, for each over-fitted cell.
    pub(super) second: Vec<Vec<Vec<Vec<Ball>>>>,
    /// `s` and `b` of the constant.
    pub(super) least: Ball,
    pub(super) largest: Ball,
}

impl Integrals {
    /// `vs/(v + s + b)` with `v = λ/2`.
    pub(super) fn constant(&self, lambda: Ball) -> Ball {
        let v = lambda.clone() / lambda.ratio(2, 1);
        v.clone() * &self.least / (v + &self.least + &self.largest)
    }
}

impl Functions {
    /// The integrals against measures with the masses given at each of the `points`, and those that follow at the `basic` ones.
    ///
    /// # Errors
    /// Not as many basic points as equalities, a point that is none, two basic points that are equal, or a system whose pivots are not decided.
    pub(super) fn integrals(
        &self,
        points: &[(Vec<RBig>, Vec<RBig>)],
        basic: &[Vec<RBig>],
    ) -> Result<Integrals, CertificateError> {
        let unfounded = |claim: String| CertificateError::Unfounded { claim };
        let precision = self.precision();
        let zero = || Ball::integer(0, precision);
        let n = self.equalities();
        if basic.len() != n {
            return Err(unfounded(format!("{} basic points; there are {n} equalities", basic.len())));
        }
        // Of two equal columns no precision decides the pivots.
        let mut pairs = (0..n).flat_map(|l| (0..l).map(move |k| (k, l)));
        if let Some((k, l)) = pairs.find(|(k, l)| basic[*k] == basic[*l]) {
            let claim =
                format!("basic points {} and {} are equal, so the equalities are a singular system", k + 1, l + 1);
            return Err(unfounded(claim));
        }
        let measures = points.first().map_or(0, |(_, masses)| masses.len());
        if points.iter().any(|(_, masses)| masses.len() != measures) {
            return Err(unfounded(format!("every point needs {measures} masses, one for each measure")));
        }
        let at = |point: &Vec<RBig>| {
            let values = self.at(point).map_err(unfounded)?;
            if values.are_bounded() {
                return Ok(values);
            }
            let place = point.iter().map(RBig::to_string).collect::<Vec<_>>().join(" ");
            let claim =
                format!("at the point {place} a function has no value: a divisor may be zero, or relu is at its kink");
            Err(CertificateError::Undecided { claim })
        };
        let basic = basic.iter().map(at).collect::<Result<Vec<Values>, _>>()?;
        let free = points.iter().map(|(point, _)| at(point)).collect::<Result<Vec<Values>, _>>()?;
        let exact = |value: &RBig| Ball::rational(value.numerator(), value.denominator(), precision);
        let given: Vec<Vec<Ball>> = points.iter().map(|(_, masses)| masses.iter().map(exact).collect()).collect();
        // One row for each equality: the basic points' values and, on the right, minus the integrals over the others.
        let system: Vec<Vec<Ball>> = (0..n)
            .map(|row| {
                let right = (0..measures).map(|measure| {
                    let others = free.iter().zip(&given);
                    others.fold(zero(), |sum, (v, masses)| sum - v.first[row].clone() * &masses[measure])
                });
                basic.iter().map(|values| values.first[row].clone()).chain(right).collect()
            })
            .collect();
        let undecided = |claim: &str| CertificateError::Undecided { claim: claim.into() };
        let solved = linear::solved(system)
            .ok_or_else(|| undecided("the equalities determine the masses of the basic points"))?;
        // Rows are points here: F m = values.
        let square = basic.iter().map(|values| values.first.clone()).collect();
        let inverse = linear::inverse(square, precision)
            .ok_or_else(|| undecided("the first-order functions are independent at the basic points"))?;
        let norm = |entries: &mut dyn Iterator<Item = &Ball>| {
            entries.fold(zero(), |sum, entry| sum + entry.clone() * entry).sqrt()
        };
        let integer = |value: i64| Ball::integer(value, precision);
        let least = integer(1) / inverse.iter().flatten().fold(zero(), |sum, entry| sum + entry.abs());
        let mut largest = zero();
        for matrix in basic.iter().chain(&free).flat_map(|values| &values.second) {
            largest = largest.max(&norm(&mut matrix.iter().flatten()));
        }
        let (mut totals, mut second) = (Vec::new(), Vec::new());
        for measure in 0..measures {
            let masses = || given.iter().chain(&solved).map(|masses| &masses[measure]);
            totals.push(masses().fold(zero(), |sum, mass| sum + mass.abs()));
            let integral = |cell: usize, k: usize, l: usize| {
                let values = free.iter().chain(&basic).zip(masses());
                values.fold(zero(), |sum, (values, mass)| sum + values.second[cell][k][l].clone() * mass)
            };
            let size = self.parameters().len();
            let matrix = |cell| (0..size).map(|k| (0..size).map(|l| integral(cell, k, l)).collect()).collect();
            second.push((0..self.cells()).map(matrix).collect());
        }
        Ok(Integrals { totals, second, least, largest: largest / integer(2) })
    }
}

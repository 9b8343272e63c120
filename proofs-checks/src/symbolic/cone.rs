//! The cone test of theory B4: a measure that bounds the second moments, or the direction in which they are invisible and the curve that it leads to.
//!
//! The dual program looks for a measure, `measure`, or `rays` where the over-fitted cell has two atoms; the primal one for the least visible direction, `direction`, of which `curves` makes curves of mixtures. Both work in floats and propose certificates.

mod curves;
mod direction;
mod measure;
mod rays;
mod sampled;

use crate::rigor::{Cone, Mixture, Offer};
use curves::{curves, described};
use dashu_ratio::RBig;
use direction::{Bends, Support};
use measure::measured;
use rays::rays;
use sampled::Sampled;
use serde::{Deserialize, Serialize};

/// Random starts of the primal program for all moments, and for those of rank one.
const STARTS: usize = 2;
const STARTS_OF_RANK_ONE: usize = 24;

/// What the cone test says of a mixture.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Test {
    /// `λ` and the constant of L1 where a measure proves them.
    pub(crate) constants: Option<[f64; 2]>,
    /// The certificate `cone`, with a measure or a flat curve; `None` where neither was found.
    pub(crate) certificate: Option<String>,
    /// The least root mean square of the second-order part over the grid, `Σ tr M2 = 1`: of all moments, and of those of rank one in one cell. Floats: a value of zero is the rounding of the functions.
    pub(crate) least: Option<[f64; 2]>,
    /// Along which direction nothing is seen.
    pub(crate) direction: Option<String>,
}

/// How many atoms an over-fitted cell may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Any number.
    Any,
    /// Two, and there is one such cell: as with one atom more than the truth has. Its second moments have rank one.
    Two,
}

/// Decides whether the second moments of the over-fitted cells are bounded: by measures on the grid, or, where the least visible direction is invisible, against it by a flat curve along one.
pub(crate) fn cone_test(mixture: &Mixture, fit: Fit, grid: &[Vec<RBig>], precision: usize) -> Test {
    let Some(sampled) = Sampled::new(mixture, grid) else { return Test::default() };
    let bends = Bends::of(&sampled);
    let whole = bends.whole();
    let single = |cell: &usize| Support { cells: vec![*cell], parameters: whole.parameters.clone() };
    let of_all = bends.least(&whole, whole.parameters.len(), STARTS);
    let of_rank_one = whole.cells.iter().filter_map(|cell| bends.least(&single(cell), 1, STARTS_OF_RANK_ONE));
    let of_rank_one = of_rank_one.map(|direction| direction.value).reduce(f64::min);
    let Some(least) = of_all.map(|direction| direction.value).zip(of_rank_one) else { return Test::default() };
    let mut test = Test { least: Some(least.into()), ..Test::default() };
    let (two, own) = match fit {
        Fit::Any => (false, least.0),
        Fit::Two => (true, least.1),
    };
    if !bends.is_null(own) {
        let measure = if two { rays(mixture, &sampled, precision) } else { measured(mixture, &sampled, precision) };
        (test.constants, test.certificate) = measure.unzip();
        return test;
    }
    for support in supports(&whole).into_iter().filter(|support| !two || support.cells.len() == 1) {
        let rank = if two { 1 } else { support.parameters.len() };
        let null = bends.least(&support, rank, STARTS).filter(|found| bends.is_null(found.value));
        let Some(direction) = null else { continue };
        for curve in curves(mixture, &sampled, &direction) {
            let cone = Cone { mixture: mixture.clone(), two, offer: Offer::Counterexample("s".into(), curve.fitted) };
            if let Some(certificate) = cone.refuted() {
                return Test { certificate: Some(certificate), direction: Some(curve.words), ..test };
            }
        }
        test.direction.get_or_insert_with(|| described(mixture, &sampled, &direction));
    }
    test
}

/// All cells and parameters of a direction, few parameters first, then few cells.
fn supports(whole: &Support) -> Vec<Support> {
    let subsets = |of: &[usize]| -> Vec<Vec<usize>> {
        let mut sets: Vec<Vec<usize>> = (1_u32..1 << of.len())
            .map(|set| of.iter().enumerate().filter(|(k, _)| set >> k & 1 == 1).map(|(_, x)| *x).collect())
            .collect();
        sets.sort_by_key(Vec::len);
        sets
    };
    let cells = subsets(&whole.cells);
    let parameters = subsets(&whole.parameters);
    let of = |parameters: &Vec<usize>| {
        cells.iter().map(|cells| Support { cells: cells.clone(), parameters: parameters.clone() }).collect::<Vec<_>>()
    };
    parameters.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rigor::{AtomText, CertificateError, recheck};

    fn measured(mixture: &Mixture) -> Option<([f64; 2], String)> {
        super::measured(mixture, &Sampled::new(mixture, &grid())?, 256)
    }

    fn mixture(expert: &str, overfitted: &[usize]) -> Mixture {
        let atom = |weight: &str, w: &str, a: &str, b: &str| AtomText {
            weight: weight.into(),
            parameters: [("w", w), ("a", a), ("b", b)]
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .into(),
        };
        Mixture {
            gate: "exp(w*x)".into(),
            expert: expert.into(),
            global: Default::default(),
            truth: vec![atom("exp(3/10)", "2", "3", "-1/2"), atom("1", "0", "-2", "1")],
            overfitted: overfitted.to_vec(),
        }
    }

    fn grid() -> Vec<Vec<RBig>> {
        (-50..=50).map(|k| vec![RBig::from_parts((3 * k).into(), 50u8.into())]).collect()
    }

    /// Theory B5's dual values for one over-fitted cell, on a coarser grid; a larger λ, another mass or another point is refused.
    #[test]
    fn reference_constants_are_proved() {
        for (expert, reference) in [("sigmoid(a*x + b)", 2.316e-5), ("tanh(a*x + b)", 4.116e-4)] {
            let ([lambda, constant], text) = measured(&mixture(expert, &[0])).unwrap();
            assert!(0.0 < constant && constant < lambda / 2.0, "{expert}: {constant}");
            assert!(lambda <= reference * 1.001 && lambda >= 0.97 * reference, "{expert}: {lambda}");
            assert!(recheck(&text).is_ok());
        }
    }

    /// Where the bound fails there is no measure, and the computed direction leads to a curve: linear, square and ReLU experts, an output weight, both cells of two, one true atom, and along a direction that is no parameter's.
    #[test]
    fn where_the_bound_fails_a_curve_is_found() {
        let mut lone = mixture("tanh(a*x + b)", &[0]);
        lone.truth.truncate(1);
        for (mixture, curve, words) in [
            (mixture("a*x + b", &[0]), "a=3+s", "atoms of cell 1 may drift apart in a with their mean fixed"),
            (mixture("(a*x + b)^2", &[0]), "a=exp(s)*(3)", "homogeneous of degree 2"),
            (mixture("relu(a*x + b)", &[1]), "a=exp(s)*(-2)", "cell 2 may be scaled apart in (a, b)"),
            (mixture("b*tanh(a*x)", &[0]), "b=-1/2+s", "drift apart in b"),
            (mixture("tanh(a*x + b)", &[0, 1]), "w=2+s", "every gate slope w may split by ±c"),
            (mixture("tanh(a*x - 2*b*x) + b", &[0]), "a=3+s b=-1/2+(1/2)*s", "drift apart in (a, b)"),
            (lone, "w=2+s", "every gate slope w may split by ±c"),
        ] {
            assert!(measured(&mixture).is_none(), "{words}");
            let test = cone_test(&mixture, Fit::Any, &grid(), 256);
            let certificate = test.certificate.unwrap();
            assert!(test.constants.is_none() && certificate.contains(curve), "{certificate}");
            assert!(test.direction.as_ref().unwrap().contains(words), "{:?}", test.direction);
            assert!(matches!(recheck(&certificate), Err(CertificateError::False { .. })));
        }
    }

    /// Theory B5's and B6's values on [−3, 3], of all moments and of those of rank one: they are given to two or three digits, and the mean over 101 points is the integral to about a percent.
    #[test]
    fn reference_values_of_the_primal_program_are_reached() {
        for (expert, all, rank_one) in [
            ("sigmoid(a*x + b)", 7.5e-6, 1.4e-4),
            ("tanh(a*x + b)", 1.157e-4, 6.4e-4),
            ("gelu(a*x + b)", 2.288e-3, 2.9e-3),
        ] {
            let [found, found_of_one] = cone_test(&mixture(expert, &[0]), Fit::Any, &grid(), 256).least.unwrap();
            assert!(
                (found / all - 1.0).abs() < 0.025 && (found_of_one / rank_one - 1.0).abs() < 0.025,
                "{expert}: {found} {found_of_one}"
            );
        }
    }

    /// Theory B4's example, harmonic in (a, b): any number of atoms spreads invisibly with M2 = I, two do not.
    #[test]
    fn a_harmonic_expert_is_bounded_for_two_atoms_only() {
        let mut harmonic = mixture("exp(a*x)*cos(b*x)", &[0]);
        for (atom, a, b) in [(0, "1/2", "1"), (1, "-1/2", "3/2")] {
            harmonic.truth[atom].parameters.extend([("a".into(), a.into()), ("b".into(), b.into())]);
        }
        let any = cone_test(&harmonic, Fit::Any, &grid(), 128);
        assert!(
            any.certificate.is_none() && any.direction.as_ref().unwrap().contains("rank 2, which takes 3 atoms"),
            "{:?}",
            any.direction
        );
        let two = cone_test(&harmonic, Fit::Two, &grid(), 128);
        assert!(recheck(&two.certificate.unwrap()).is_ok());
        // The root mean square is at most the largest magnitude over D*, and λ/2 a lower bound of that.
        assert!(two.constants.unwrap()[0] > 0.0 && two.least.unwrap()[1] > 1e-4);
        let linear = cone_test(&mixture("a*x + b", &[0]), Fit::Two, &grid(), 128).certificate.unwrap();
        assert!(matches!(recheck(&linear), Err(CertificateError::False { .. })));
    }
}

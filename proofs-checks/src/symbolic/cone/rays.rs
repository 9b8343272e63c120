//! The measures of a `cone` certificate for a cell of two atoms: one linear program for each direction that the measures so far see too little of.
//!
//! ```text
//! max uᵀ(Σ_s g_s ∂²Ψ(x_s))u:   Σ_s g_s Ψ(x_s) = 0 for the functions whose integrals are to vanish,   Σ|g_s| ≤ 1
//! ```
//!
//! The first directions are the axes. With the measures so far the faces of the cube of directions are halved until every box is certified; a small box that is not asks for the measure of its middle. Half of the least of the programs' bounds is claimed: no measures give more than the whole, and boxes of directions need not be small.

use super::measure::{exact, rounded_down, solved, well_conditioned};
use super::sampled::Sampled;
use crate::rigor::{Cone, Mixture, Offer, Ray, Rays, Region};
use dashu_ratio::RBig;
use faer::Mat;

/// Most measures, halvings of a side of a box, and boxes of a face.
const MEASURES: usize = 40;
const HALVINGS: usize = 14;
const BOXES: usize = 20_000;
/// The share of the least bound that is claimed.
const CLAIMED: f64 = 0.5;
/// Boxes are halved until floats see this much of the least bound more than that: the masses at the basic points differ by the program's rounding.
const SPARE: f64 = 0.01;

/// `λ`, the constant of L1 and the certificate for the mixture whose one over-fitted cell has two atoms; `None` where the program finds no measure for some direction, or the re-checker does not accept them.
pub(super) fn rays(mixture: &Mixture, sampled: &Sampled, precision: usize) -> Option<([f64; 2], String)> {
    let n = sampled.parameters.len();
    let mut directions: Vec<Vec<f64>> =
        (0..n).map(|axis| (0..n).map(|k| f64::from(u8::from(k == axis))).collect()).collect();
    let (mut found, mut least): (Vec<Vec<f64>>, f64) = (Vec::new(), f64::INFINITY);
    while directions.len() <= MEASURES {
        for u in &directions[found.len()..] {
            let length = u.iter().map(|x| x * x).sum::<f64>().sqrt();
            let u = u.iter().map(|x| x / length).collect();
            let (bound, masses) = solved(&sampled.basis, &sampled.second, &[(0, u)], least.min(1e-3))?;
            least = least.min(bound);
            found.push(masses);
        }
        if least <= 0.0 {
            return None;
        }
        let forms: Vec<Mat<f64>> = found.iter().map(|masses| form(sampled, masses)).collect();
        let faces: Result<Vec<Vec<Ray>>, Vec<f64>> =
            (0..n).map(|face| covered(&forms, (CLAIMED + SPARE) * least, n, face)).collect();
        match faces {
            Ok(faces) => {
                let rays = Rays { faces, ..of_measures(sampled, &found, precision, rounded_down(CLAIMED * least))? };
                return Cone { mixture: mixture.clone(), two: true, offer: Offer::Rays(rays) }.proved().ok();
            }
            Err(unseen) => directions.push(unseen),
        }
    }
    None
}

/// The measures on the points that any of them needs; the basic ones among the heaviest.
fn of_measures(sampled: &Sampled, measures: &[Vec<f64>], precision: usize, lambda: RBig) -> Option<Rays> {
    let grid = &sampled.points;
    let weights: Vec<f64> = (0..grid.len()).map(|s| measures.iter().map(|masses| masses[s].abs()).sum()).collect();
    let largest = weights.iter().fold(0.0_f64, |largest, weight| largest.max(*weight));
    let mut support: Vec<usize> = (0..grid.len()).filter(|s| weights[*s] > 1e-7 * largest).collect();
    let basic = well_conditioned(&sampled.basis, &support, &weights, sampled.basis.ncols())?;
    support.retain(|s| !basic.contains(s));
    let masses = |s: usize| measures.iter().map(|masses| exact(masses[s])).collect();
    Some(Rays {
        lambda,
        precision,
        points: support.iter().map(|s| (grid[*s].clone(), masses(*s))).collect(),
        basic: basic.iter().map(|s| grid[*s].clone()).collect(),
        faces: Vec::new(),
    })
}

/// `H/|ν|` of a measure.
fn form(sampled: &Sampled, masses: &[f64]) -> Mat<f64> {
    let n = sampled.parameters.len();
    let total: f64 = masses.iter().map(|mass| mass.abs()).sum();
    let entry = |k, l| sampled.second.iter().zip(masses).map(|(cells, mass)| cells[0][(k, l)] * mass).sum::<f64>();
    Mat::from_fn(n, n, |k, l| entry(k, l) / total)
}

/// A face in boxes, each bent by the measure that bends its middle most; or the middle of a small box for which none is enough. The bound of the form is that of the re-checker, in floats.
fn covered(forms: &[Mat<f64>], lambda: f64, n: usize, face: usize) -> Result<Vec<Ray>, Vec<f64>> {
    let mut tree = Vec::new();
    let mut open = vec![(Rays::face(n, face), vec![0_usize; n])];
    while let Some((sides, depths)) = open.pop() {
        let ends: Vec<[f64; 2]> =
            sides.iter().map(|[low, high]| [low.to_f64().value(), high.to_f64().value()]).collect();
        let middle: Vec<f64> = ends.iter().map(|[low, high]| 0.5 * (low + high)).collect();
        let radius: Vec<f64> = ends.iter().map(|[low, high]| 0.5 * (high - low)).collect();
        let along = |form: &Mat<f64>, k: usize| (0..n).map(|l| form[(k, l)] * middle[l]).sum::<f64>();
        let bent = |form: &Mat<f64>| (0..n).map(|k| middle[k] * along(form, k)).sum::<f64>();
        let best = forms.iter().enumerate().max_by(|a, b| bent(a.1).abs().total_cmp(&bent(b.1).abs()));
        let Some((measure, form)) = best else { return Err(middle) };
        let up = bent(form) > 0.0;
        let shifted = Mat::from_fn(n, n, |k, l| {
            let own = if k == l { lambda } else { 0.0 };
            if up { form[(k, l)] - own } else { -form[(k, l)] - own }
        });
        let least: f64 = (0..n)
            .map(|k| {
                let slope = along(&shifted, k);
                let corners: f64 = (0..n).map(|l| shifted[(k, l)].abs() * radius[l]).sum();
                slope * middle[k] - 2.0 * slope.abs() * radius[k] - corners * radius[k]
            })
            .sum();
        if least > 0.0 {
            tree.push(Ray::Bent(measure, up));
            continue;
        }
        let side = (0..n).filter(|k| *k != face).min_by_key(|k| depths[*k]).filter(|k| depths[*k] < HALVINGS);
        let Some(side) = side.filter(|_| tree.len() < BOXES) else { return Err(middle) };
        let mut deeper = depths;
        deeper[side] += 1;
        let [low, high] = Region::halves(&sides, side);
        open.extend([(high, deeper.clone()), (low, deeper)]);
        tree.push(Ray::Split(side));
    }
    Ok(tree)
}

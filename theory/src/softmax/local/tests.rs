use super::super::expansion::tests::atom;
use super::*;
use crate::softmax::{Atom, Group, Inputs};
use moe_kernels::Activation;

fn class(activation: Activation) -> Architecture {
    Architecture { dimension: 1, gate: Gate::Softmax, sizes: vec![2], activation, outer_weight: false }
}

fn interval(low: f64, high: f64) -> Cubature {
    Cubature::new(&Inputs::Uniform { low: vec![low], high: vec![high] }).unwrap()
}

fn scalar(omega: f64, beta: f64, a: f64, b: f64) -> Atom {
    atom(&[omega], beta, &[a], b, 1.0)
}

fn truth() -> MixingMeasure {
    MixingMeasure::flat(vec![scalar(2.0, 0.3, 3.0, -0.5), scalar(0.0, 0.0, -2.0, 1.0)], 1.0)
}

/// Values of an independent computation (NumPy, midpoint rule of 20 000 points, least squares, SciPy's minimiser) with the first cell over-fitted.
#[test]
fn rank_one_values() {
    use Activation::{Gelu, Sigmoid, Tanh};
    for (activation, low, high, value) in [
        (Sigmoid, -3.0, 3.0, 1.42167e-04),
        (Tanh, -3.0, 3.0, 6.39924e-04),
        (Gelu, -3.0, 3.0, 2.91420e-03),
        (Sigmoid, -1.0, 1.0, 7.15803e-06),
        (Tanh, -1.0, 1.0, 5.34864e-04),
        (Gelu, -1.0, 1.0, 7.10358e-04),
        (Tanh, 0.0, 1.0, 4.41811e-05),
    ] {
        let local = local_constant(&class(activation), &truth(), &interval(low, high), &[2, 1]).unwrap();
        let found = local.second.unwrap();
        assert!((found / value - 1.0).abs() < 1e-4, "{activation} [{low}, {high}]: {found:e} {value:e}");
        assert!(local.constant > 0.0 && local.constant < found.min(local.first));
    }
}

/// Four atoms in a cell attain every rank of a 3×3 matrix: the value is that of the whole cone, a convex program, and its dual proves it. With `ρ` the
/// minimiser's function and
/// `Q_kl = ⟨ρ/‖ρ‖, ½∂²Ψ_kl⟩`, every `M` of trace 1 has `‖½⟨M, ∂²Ψ⟩‖ ≥ tr MQ ≥ λ_min(Q)`.
#[test]
fn full_rank_is_the_cone_and_the_dual_proves_it() {
    for activation in [Activation::Sigmoid, Activation::Tanh, Activation::Gelu] {
        let (class, truth) = (class(activation), truth());
        let expansion = Expansion::new(&class, &truth);
        let functions = Functions::new(&expansion, &interval(-3.0, 3.0), &[4, 1]).unwrap();
        let (_, projected) = functions.project(&expansion);
        let splitting = Splitting::new(&expansion, &[4, 1], &projected);
        let (v, u) = splitting.least().unwrap();
        let direction = splitting.value(&u).0;
        let products = projected.transpose() * &direction;
        let mut dual = Mat::<f64>::zeros(3, 3);
        for (column, (k, l)) in pairs(3).enumerate() {
            let entry = products[(column, 0)] / v * if k == l { 1.0 } else { 0.5 };
            (dual[(k, l)], dual[(l, k)]) = (entry, entry);
        }
        let least = dual.self_adjoint_eigenvalues(faer::Side::Lower).unwrap()[0];
        // The value is flat to second order at the minimiser, its gradient to first: 1e-5 of the gradient from steps of 1e-5.
        assert!(least > v * (1.0 - 1e-4), "{activation}: {v:e} {least:e}");
        let rank_one = local_constant(&class, &truth, &interval(-3.0, 3.0), &[2, 1]).unwrap().second.unwrap();
        assert!(v < rank_one);
    }
}

/// Rounding of second-order functions of norm up to 5, in a space of up to 26 columns.
const ZERO: f64 = 1e-14;

/// A family along which nothing changes has the value 0: linear experts, the common factor (every cell over-fitted), an outer weight, a temperature with a linear
/// router.
#[test]
fn flat_families_have_the_value_zero() {
    let rule = interval(-3.0, 3.0);
    let value = |class: &Architecture, truth: &MixingMeasure, cells: &[usize]| {
        local_constant(class, truth, &rule, cells).unwrap()
    };
    assert!(value(&class(Activation::Linear), &truth(), &[2, 1]).second.unwrap() < ZERO);
    for activation in [Activation::Sigmoid, Activation::Tanh, Activation::Gelu] {
        let both = value(&class(activation), &truth(), &[2, 2]);
        assert!(both.second.unwrap() < ZERO, "{activation} {both:?}");
        // M2_j = w*_j c cᵀ in the slopes: the common factor.
        let slopes = [both.directions[0][0][0], both.directions[1][0][0]];
        assert!(((slopes[0] / slopes[1]).powi(2) - 0.3_f64.exp()).abs() < 1e-5, "{slopes:?}");
        let weighted = Architecture { outer_weight: true, ..class(activation) };
        assert!(value(&weighted, &truth(), &[2, 1]).second.unwrap() < ZERO);
        let tempered = Architecture { gate: Gate::DenseToSparse(Activation::Linear), ..class(activation) };
        let tempered = value(&tempered, &truth(), &[1, 1]);
        assert!(tempered.first < ZERO && tempered.second.is_none() && tempered.constant == tempered.first);
    }
    // A non-linear router removes the common factor, and the temperature becomes identifiable.
    for router in [Activation::Sigmoid, Activation::Tanh, Activation::Gelu] {
        let class = Architecture { gate: Gate::DenseToSparse(router), ..class(Activation::Tanh) };
        let local = value(&class, &truth(), &[2, 2]);
        assert!(local.second.unwrap() > 5e-5 && local.first > 1e-3, "{router} {local:?}");
    }
    // k* = 1: the softmax is constant, Ψ = 0.
    let one = MixingMeasure::flat(vec![scalar(1.0, 0.0, 2.0, 0.3)], 1.0);
    let single = value(&class(Activation::Tanh), &one, &[2]);
    assert!(single.second.unwrap() < ZERO && single.first > 1e-2, "{single:?}");
}

/// Second route: mixtures that split the first atom along the minimiser, and undo the first-order part, differ from the truth by `t² v` in the stated norm.
#[test]
fn a_split_along_the_minimiser_attains_the_value() {
    for activation in [Activation::Tanh, Activation::Gelu] {
        let (class, truth, rule) = (class(activation), truth(), interval(-3.0, 3.0));
        let cells = [2, 1];
        let local = local_constant(&class, &truth, &rule, &cells).unwrap();
        let u = &local.directions[0][0];
        let expansion = Expansion::new(&class, &truth);
        let functions = Functions::new(&expansion, &rule, &cells).unwrap();
        let splitting = Splitting::new(&expansion, &cells, &functions.second);
        let basis = complement(&expansion);
        let coefficients = &basis * (&functions.first * &basis).qr().solve_lstsq(splitting.value(u).0);
        let ratio = |t: f64| {
            // M2 = w Δ Δᵀ = t² u uᵀ; (m0, m1) = −t² times the coefficients, four for each atom.
            let mut atoms = Vec::new();
            for (j, original) in truth.atoms().enumerate() {
                let weight = original.beta.exp();
                let m: Vec<f64> = (0..4).map(|k| -t * t * coefficients[(4 * j + k, 0)] / weight).collect();
                let step = t / weight.sqrt();
                let copies: &[f64] = if j == 0 { &[step, -step] } else { &[0.0] };
                for step in copies {
                    let moved = |k: usize| m[1 + k] / (1.0 + m[0]) + step * u[k];
                    let beta = original.beta + ((1.0 + m[0]) / copies.len() as f64).ln();
                    let (omega, a, b) = (original.omega[0] + moved(0), original.a[0] + moved(1), original.b + moved(2));
                    atoms.push(scalar(omega, beta, a, b));
                }
            }
            let fitted = MixingMeasure::flat(atoms, 1.0);
            let denominator =
                |measure: &MixingMeasure, x: f64| measure.atoms().map(|a| (a.omega[0] * x + a.beta).exp()).sum::<f64>();
            let weighted = |measure: &MixingMeasure, x: &[f64]| {
                measure.value(&class, x) * denominator(&fitted, x[0]) / denominator(&truth, x[0])
            };
            rule.distance(|x| weighted(&fitted, x), |x| weighted(&truth, x)) / (t * t)
        };
        // The next term is O(t⁴) with coefficients of order one: a relative t²/v. Rounding is 1e-16/(t² v).
        let v = local.second.unwrap();
        for t in [1e-3, 3e-4] {
            assert!((ratio(t) / v - 1.0).abs() < t * t / v + 1e-15 / (t * t * v), "{activation} {t}: {} {v}", ratio(t));
        }
    }
}

/// No random direction does better, and the best of many is near: `10⁵` of the sphere.
#[test]
fn random_directions_are_no_better() {
    let (class, truth, rule) = (class(Activation::Tanh), truth(), interval(-3.0, 3.0));
    for cells in [[2, 1], [3, 1], [1, 2]] {
        let expansion = Expansion::new(&class, &truth);
        let functions = Functions::new(&expansion, &rule, &cells).unwrap();
        let (_, projected) = functions.project(&expansion);
        let splitting = Splitting::new(&expansion, &cells, &projected);
        let (v, _) = splitting.least().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mut least = f64::INFINITY;
        for _ in 0..100_000 {
            let u = unit((0..splitting.unknowns()).map(|_| StandardNormal.sample(&mut rng)).collect());
            least = least.min(splitting.value(&u).0.norm_l2());
        }
        assert!(v <= least, "{cells:?} {v:e} {least:e}");
    }
}

#[test]
fn groups_have_constants_too() {
    let group = |alpha: f64, beta: f64, atoms: [Atom; 2]| Group { alpha: vec![alpha], beta, atoms: atoms.to_vec() };
    let truth = MixingMeasure {
        groups: vec![
            group(1.0, 0.2, [scalar(2.0, 0.3, 3.0, -0.5), scalar(0.0, 0.0, -2.0, 1.0)]),
            group(-1.0, 0.0, [scalar(1.5, 0.0, 1.0, 0.5), scalar(-0.5, 0.1, -1.5, -0.4)]),
        ],
        tau: 1.0,
    };
    let rule = interval(-3.0, 3.0);
    let value = |activation, cells: &[usize]| {
        let class = Architecture { gate: Gate::Hierarchical, ..class(activation) };
        local_constant(&class, &truth, &rule, cells).unwrap()
    };
    let exact = value(Activation::Tanh, &[1; 6]);
    assert!(exact.second.is_none() && exact.first > 1e-6, "{exact:?}");
    let leaf = value(Activation::Tanh, &[1, 1, 2, 1, 1, 1]);
    assert!(leaf.second.unwrap() > 1e-6 && leaf.constant > 0.0, "{leaf:?}");
    // Linear leaves; all groups doubled; all leaves of one group doubled.
    assert!(value(Activation::Linear, &[1, 1, 2, 1, 1, 1]).second.unwrap() < ZERO);
    assert!(value(Activation::Tanh, &[2, 2, 1, 1, 1, 1]).second.unwrap() < ZERO);
    assert!(value(Activation::Tanh, &[1, 1, 2, 2, 1, 1]).second.unwrap() < ZERO);
}

/// Two inputs: three translations are taken out, no more, and the common factor is seen.
#[test]
fn two_inputs() {
    let rule = Cubature::new(&Inputs::Uniform { low: vec![-3.0; 2], high: vec![3.0; 2] }).unwrap();
    let class = Architecture { dimension: 2, ..class(Activation::Tanh) };
    let atoms = vec![atom(&[1.0, -1.0], 0.3, &[1.5, 0.5], -0.5, 1.0), atom(&[0.0, 0.0], 0.0, &[-1.0, 1.0], 1.0, 1.0)];
    let truth = MixingMeasure::flat(atoms, 1.0);
    let one = local_constant(&class, &truth, &rule, &[2, 1]).unwrap();
    assert!(one.first > 1e-4 && one.second.unwrap() > 1e-5, "{one:?}");
    assert!(local_constant(&class, &truth, &rule, &[2, 2]).unwrap().second.unwrap() < ZERO);
}

#[test]
fn bad_input_is_an_error() {
    let rule = interval(0.0, 1.0);
    let of = |class: &Architecture, truth: &MixingMeasure, cells: &[usize]| {
        local_constant(class, truth, &rule, cells).unwrap_err()
    };
    let tanh = class(Activation::Tanh);
    assert_eq!(of(&tanh, &truth(), &[2]), LocalError::Cells { found: 1, empty: 0, blocks: 2 });
    assert_eq!(of(&tanh, &truth(), &[2, 0]), LocalError::Cells { found: 2, empty: 1, blocks: 2 });
    assert_eq!(
        of(&Architecture { dimension: 2, ..tanh.clone() }, &truth(), &[2, 1]),
        LocalError::Dimension { expected: 2 }
    );
    let huge = MixingMeasure::flat(vec![scalar(0.0, 0.0, 1e300, 1e300), scalar(1.0, 0.0, 1.0, 0.0)], 1.0);
    assert_eq!(of(&class(Activation::Power(3)), &huge, &[1, 1]), LocalError::NotFinite);
}

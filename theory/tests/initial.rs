//! The law of the initial overlaps, against exact moments and against plain Gaussian vectors.
//!
//! Statistical bounds are `SIGMAS` standard errors of a mean of independent replicates: a probability below 1e-10 each by the normal law, for fewer than a
//! hundred comparisons. Seeds are fixed, so a test that passes keeps passing.

use moe_kernels::Router;
use moe_theory::soft_routed::{InitialError, InitialLaw, MAX_DIMENSION, MAX_UNITS, OrderParameters, Start};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const SIGMAS: f64 = 6.5;

/// Mean and its standard error.
fn mean(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Products of overlaps of students 0, 1 and teachers 0, 1, in units of `1/d`, `1/d²` or `1/d³`, with their expectations for unit vectors that are uniform on
/// the sphere, `v_i` on that of `w_i`'s complement: `E x² = 1/d`, `E x⁴ = 3/(d(d+2))`, and a product that vanishes by a reflection has mean 0.
type Moment = (&'static str, fn(&OrderParameters) -> f64, fn(f64) -> f64);
const MOMENTS: [Moment; 12] = [
    ("κ", |s| s.expert(0, 0), |_| 0.0),
    ("κ²", |s| s.expert(1, 0).powi(2), |d| 1.0 / d),
    ("κ⁴", |s| s.expert(0, 1).powi(4), |d| 3.0 / (d * (d + 2.0))),
    ("β²", |s| s.router(0, 0).powi(2), |d| 1.0 / d),
    ("β⁴", |s| s.router(1, 1).powi(4), |d| 3.0 / (d * (d + 2.0))),
    ("u²", |s| s.student(0, 1).powi(2), |d| 1.0 / d),
    ("(v·v')²", |s| s.student_router(0, 1).powi(2), |d| 1.0 / d),
    ("(v·w')²", |s| s.router_expert(0, 1).powi(2), |d| 1.0 / d),
    ("κ_00 κ_01", |s| s.expert(0, 0) * s.expert(0, 1), |_| 0.0),
    ("κ_00² κ_01²", |s| (s.expert(0, 0) * s.expert(0, 1)).powi(2), |d| 1.0 / (d * (d + 2.0))),
    // E (w·w')(w·e)(w'·e) = E (w·e)²/d: the Gram matrix and the teacher's coordinates belong together.
    ("u κ_00 κ_10", |s| s.student(0, 1) * s.expert(0, 0) * s.expert(1, 0), |d| 1.0 / (d * d)),
    ("(v·v') β_00 β_10", |s| s.student_router(0, 1) * s.router(0, 0) * s.router(1, 0), |d| 1.0 / (d * d)),
];

fn law(dimension: u64) -> InitialLaw {
    InitialLaw::new(3, 3, 3, dimension)
}

fn sampled(law: &InitialLaw, replicates: u64) -> Vec<OrderParameters> {
    (0..replicates).map(|r| law.sample(1, r).unwrap().order_parameters()).collect()
}

/// The smallest dimension that is allowed, a usual one, and the largest. At 10¹⁵ the moments are those of `N(0, 1)/√d`.
#[test]
fn overlaps_have_the_moments_of_uniform_unit_vectors() {
    for dimension in [12, 10_000, MAX_DIMENSION] {
        let states = sampled(&law(dimension), 4000);
        let d = dimension as f64;
        for (name, of, expected) in MOMENTS {
            let values: Vec<f64> = states.iter().map(of).collect();
            let (found, error) = mean(&values);
            let expected = expected(d);
            assert!(
                (found - expected).abs() < SIGMAS * error,
                "d = {d:e}, {name}: {found:e} ± {error:e}, {expected:e}"
            );
            // The bound decides something where d is small; a triple product drowns in its own noise, of relative size √d, where d is large.
            assert!(
                dimension > 12 || expected == 0.0 || SIGMAS * error < 0.6 * expected,
                "{name}: {error:e} {expected:e}"
            );
        }
    }
}

/// At `d = 10¹⁵`, `√d κ` is standard normal in distribution: the largest deviation of the empirical distribution function of 4000 draws (Kolmogorov; beyond
/// `3.5/√n` has probability `2e^{−24.5}`).
#[test]
fn overlaps_in_high_dimension_are_normal() {
    let root = (MAX_DIMENSION as f64).sqrt();
    let states = sampled(&law(MAX_DIMENSION), 4000);
    for of in [OrderParameters::expert, OrderParameters::router, OrderParameters::student] {
        let mut x: Vec<f64> = states.iter().map(|state| root * of(state, 0, 2)).collect();
        x.sort_by(f64::total_cmp);
        let deviation =
            x.iter().enumerate().map(|(k, x)| (Router::GaussianCdf.value(*x) - (k as f64 + 0.5) / 4000.0).abs());
        assert!(deviation.fold(0.0, f64::max) < 3.5 / 4000f64.sqrt());
    }
}

/// Second route at a small dimension: the same moments from plain Gaussian vectors, normalised and made orthogonal here.
#[test]
fn overlaps_agree_with_those_of_plain_gaussian_vectors() {
    let dimension = 12;
    let states = sampled(&law(dimension as u64), 4000);
    let mut rng = ChaCha8Rng::seed_from_u64(99);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let unit = |x: Vec<f64>| {
        let norm = dot(&x, &x).sqrt();
        x.into_iter().map(|x| x / norm).collect::<Vec<f64>>()
    };
    // u, κ_00, κ_01, β_00, β_11, v·v', v·w'
    let plain: Vec<[f64; 7]> = (0..4000)
        .map(|_| {
            let mut draw = || unit((0..dimension).map(|_| StandardNormal.sample(&mut rng)).collect());
            let ([v0, v1], [w0, w1]) = ([draw(), draw()], [draw(), draw()]);
            let orthogonal = |v: &[f64], w: &[f64]| unit(v.iter().zip(w).map(|(x, y)| x - dot(v, w) * y).collect());
            let (v0, v1) = (orthogonal(&v0, &w0), orthogonal(&v1, &w1));
            // Teachers are the axes: routers 0, 1, 2, experts 3, 4, 5.
            [dot(&w0, &w1), w0[3], w0[4], v0[0], v1[1], dot(&v0, &v1), dot(&v0, &w1)]
        })
        .collect();
    let exact: Vec<[f64; 7]> = states
        .iter()
        .map(|s| {
            let teachers = [s.expert(0, 0), s.expert(0, 1), s.router(0, 0), s.router(1, 1)];
            let [a, b, c, e] = teachers;
            [s.student(0, 1), a, b, c, e, s.student_router(0, 1), s.router_expert(0, 1)]
        })
        .collect();
    let compare = |name: String, of: &dyn Fn(&[f64; 7]) -> f64| {
        let [(a, da), (b, db)] = [&plain, &exact].map(|rows| mean(&rows.iter().map(of).collect::<Vec<_>>()));
        assert!((a - b).abs() < SIGMAS * da.hypot(db), "{name}: {a} ± {da}, {b} ± {db}");
    };
    for k in 0..7 {
        compare(format!("mean {k}"), &|row| row[k]);
        compare(format!("kurtosis {k}"), &|row| row[k].powi(4));
        for l in 0..=k {
            compare(format!("covariance {k} {l}"), &|row| row[k] * row[l]);
            compare(format!("covariance of squares {k} {l}"), &|row| (row[k] * row[l]).powi(2));
        }
    }
}

/// `student_overlap` multiplies every overlap between different students, to rounding: 0 gives an orthonormal frame, ½ half of what 1 gives. What belongs to one
/// student (`s_i`, unit norm) stays, and overlaps with the teacher move little.
#[test]
fn student_overlaps_scale_exactly() {
    for orthogonal in [true, false] {
        for dimension in [12, 1000, 1_000_000_000_000] {
            let at = |student_overlap| {
                let law = InitialLaw { student_overlap, orthogonal, ..law(dimension) };
                law.sample(4, 2).unwrap().order_parameters()
            };
            let full = at(1.0);
            for scale in [0.0, 0.5, 0.9] {
                let state = at(scale);
                for i in 0..3 {
                    for k in (0..3).filter(|k| *k != i) {
                        for of in
                            [OrderParameters::student, OrderParameters::student_router, OrderParameters::router_expert]
                        {
                            let (found, expected) = (of(&state, i, k), scale * of(&full, i, k));
                            assert!(
                                (found - expected).abs() < 1e-14,
                                "d = {dimension}, {scale}: {found:e} {expected:e}"
                            );
                        }
                    }
                    assert!((state.own(i) - full.own(i)).abs() < 1e-14);
                    assert!((state.student(i, i) - 1.0).abs() < 1e-15);
                }
                let shift = full.pairs().zip(state.pairs()).map(|(a, b)| (a.2 - b.2).abs()).fold(0.0, f64::max);
                // Six students move each of them by at most their overlaps (6.5/√d at most) times the largest teacher overlap.
                assert!(shift < 6.0 * 6.5 * 6.5 / dimension as f64, "d = {dimension}, {scale}: {shift:e}");
            }
        }
    }
}

/// `v_i ⟂ w_i` to rounding in every dimension, unless it is switched off: then `s_i` has the law of any other overlap.
#[test]
fn routers_are_orthogonal_to_their_experts() {
    for dimension in [12, 1000, MAX_DIMENSION] {
        for state in sampled(&law(dimension), 50) {
            assert!((0..3).all(|i| state.own(i).abs() < 2e-16), "d = {dimension}");
        }
        let states = sampled(&InitialLaw { orthogonal: false, ..law(dimension) }, 4000);
        let squares: Vec<f64> = states.iter().map(|state| dimension as f64 * state.own(1).powi(2)).collect();
        let (found, error) = mean(&squares);
        assert!((found - 1.0).abs() < SIGMAS * error, "d = {dimension}: {found} ± {error}");
    }
}

/// Gaussian raw norms: `d‖w‖²` is χ² of `d` degrees of freedom, `d‖v‖²` of `d − 1` (its component along `w` is removed), of `d` without that; all have mean and
/// half the variance equal to that number. Otherwise norms are 1.
#[test]
fn gaussian_norms_are_chi() {
    for orthogonal in [true, false] {
        for dimension in [12, 10_000] {
            let law = InitialLaw { gaussian_norms: true, orthogonal, ..law(dimension) };
            let starts: Vec<Start> = (0..4000).map(|r| law.sample(6, r).unwrap()).collect();
            for column in 0..6 {
                let freedom = dimension as f64 - if orthogonal && column < 3 { 1.0 } else { 0.0 };
                let squares: Vec<f64> =
                    starts.iter().map(|start| start.norms()[column].powi(2) * dimension as f64).collect();
                let (found, error) = mean(&squares);
                assert!((found - freedom).abs() < SIGMAS * error, "{column}: {found} ± {error}, {freedom}");
                let deviations: Vec<f64> = squares.iter().map(|x| (x - freedom).powi(2)).collect();
                let (found, error) = mean(&deviations);
                assert!(
                    (found - 2.0 * freedom).abs() < SIGMAS * error,
                    "{column}: {found} ± {error}, {}",
                    2.0 * freedom
                );
            }
        }
    }
    let start = law(1000).sample(6, 0).unwrap();
    assert!(start.norms().iter().all(|norm| *norm == 1.0));
    // Norms are beside the directions: they change no overlap.
    let other = InitialLaw { gaussian_norms: true, ..law(1000) }.sample(6, 0).unwrap();
    assert_eq!(start.state(), other.state());
}

/// One replicate shares its normal draws between dimensions: `√d κ` and `√d β` differ by the norms alone, relative `O(d^{−1/2})`, and `√d u` by a product of
/// overlaps more.
#[test]
fn replicates_are_paired_across_dimensions() {
    for replicate in 0..20 {
        let [(a, ra), (b, rb)] = [100_000_000_u64, 1_000_000_000_000].map(|dimension| {
            let state = law(dimension).sample(8, replicate).unwrap().order_parameters();
            (state, (dimension as f64).sqrt())
        });
        for of in [OrderParameters::expert, OrderParameters::router, OrderParameters::student] {
            for (i, j) in [(0, 1), (1, 2), (2, 0)] {
                let (x, y) = (ra * of(&a, i, j), rb * of(&b, i, j));
                assert!((x - y).abs() < 20.0 * 6.5 / ra * x.abs().max(1.0), "{replicate}: {x} {y}");
            }
        }
    }
}

/// The same draws for every order, router and switch; other draws for another seed or replicate.
#[test]
fn a_draw_depends_on_seed_and_replicate_alone() {
    let base = law(50).sample(3, 7).unwrap();
    let experts = |start: &Start| start.state()[3 * start.coordinates()..].to_vec();
    for law in [
        InitialLaw { order: 5, ..law(50) },
        InitialLaw { router: Router::Tanh, ..law(50) },
        InitialLaw { orthogonal: false, ..law(50) },
    ] {
        assert_eq!(experts(&law.sample(3, 7).unwrap()), experts(&base), "{law:?}");
    }
    assert_eq!(law(50).sample(3, 7).unwrap().state(), base.state());
    assert_ne!(law(50).sample(4, 7).unwrap().state(), base.state());
    assert_ne!(law(50).sample(3, 8).unwrap().state(), base.state());
    assert_eq!((base.coordinates(), base.students(), base.teachers(), base.dimension), (12, 3, 3, 50));
}

/// Every error, with what was found and what is allowed, at the first value that is wrong; the last good value beside it works.
#[test]
fn every_bad_law_is_refused() {
    let good = law(12);
    let with = |change: &dyn Fn(&mut InitialLaw)| {
        let mut law = good.clone();
        change(&mut law);
        law.sample(0, 0).map(|_| ())
    };
    assert_eq!(with(&|_| {}), Ok(()));
    assert_eq!(with(&|law| law.dimension = MAX_DIMENSION), Ok(()));
    assert_eq!(with(&|law| law.order = 6), Ok(()));
    for (outcome, expected, message) in [
        (with(&|law| law.students = 0), InitialError::NoStudents, "students is 0; at least one"),
        (with(&|law| law.teachers = 0), InitialError::NoTeachers, "teachers is 0; at least one"),
        (
            with(&|law| law.students = MAX_UNITS),
            InitialError::TooMany { found: MAX_UNITS + 3 },
            "is 2003; at most 2000",
        ),
        (with(&|law| law.teachers = usize::MAX), InitialError::TooMany { found: usize::MAX }, "at most 2000"),
        (with(&|law| law.dimension = 11), InitialError::Dimension { found: 11, least: 12 }, "dimension is 11; 12 "),
        (with(&|law| law.dimension = 0), InitialError::Dimension { found: 0, least: 12 }, "dimension is 0; 12 "),
        (
            with(&|law| law.dimension = MAX_DIMENSION + 1),
            InitialError::Dimension { found: MAX_DIMENSION + 1, least: 12 },
            "to 1000000000000000 are allowed",
        ),
        (with(&|law| law.order = 0), InitialError::Order { found: 0 }, "hermite_order is 0; 1 to 6"),
        (with(&|law| law.order = 7), InitialError::Order { found: 7 }, "hermite_order is 7; 1 to 6"),
        (
            with(&|law| law.student_overlap = -0.1),
            InitialError::StudentOverlap { found: -0.1 },
            "student_overlap is -0.1; 0",
        ),
        (
            with(&|law| law.student_overlap = 1.5),
            InitialError::StudentOverlap { found: 1.5 },
            "student_overlap is 1.5; 0",
        ),
    ] {
        assert!(expected.to_string().contains(message), "{expected}");
        assert_eq!(outcome, Err(expected));
    }
    let outcome = with(&|law| law.student_overlap = f64::NAN);
    assert!(matches!(outcome, Err(InitialError::StudentOverlap { found }) if found.is_nan()));
}

//! `stacked-layers`: least squares in two mixtures one after the other, `f(x) = f₂(f₁(x))`.
//!
//! # The claim
//!
//! The paper treats one layer and asks about several. Nothing in the argument for the regression error needs one layer: the composites of a compact class form a parametric class, and the error is of order `n^{−1/2}`. Exactly specified, where the first-order functions of both layers are independent, so is `L1` of each layer.
//!
//! # Flat families between layers (derived here)
//!
//! *Scale.* If the experts of layer one carry an outer weight, `f₁ → c f₁` is `λ_i → c λ_i`, and layer two undoes it: it depends on `z = f₁(x)` through `ω_j z + β_j` and `a_j z + b_j` alone, so
//!
//! ```text
//! (λ_i; ω_j, a_j) → (c λ_i; ω_j/c, a_j/c)      leaves f unchanged, for every c ≠ 0.
//! ```
//!
//! *Shift.* If the experts of layer one are linear, `f₁ → c f₁ + s` is `(a_i, b_i) → (c a_i, c b_i + s)` because gates sum to one, undone by `(ω_j, β_j) → (ω_j/c, β_j − s ω_j/c)` and the same of `(a_j, b_j)`: a family with two parameters.
//!
//! So output weights between layers are not identifiable, exactly specified as it is, and `L1` of the layers has no rate: the twin. Experts `act(a x + b)` with neither have no such family: GELU is not homogeneous.
//!
//! # The setting
//!
//! `x ~ U[−3, 3]`, GELU experts in both layers, layer one with the truth `(ω, β, a, b) = (2, .3, 3, −.5), (0, 0, −2, 1)`, whose values lie in [.17, 8.5], layer two with `(−.5, 3, 2.5, −2), (0, 0, .5, 1)`. It was chosen by its predicted constant, `√(tr (E ∂f ∂fᵀ)^{-1}) = 255`: the parameters' error is about `255 σ/√n = .0016` at `n = 10³` and
//! `σ = 2·10⁻⁴`. Where it is above .02 at the least `n`, rates are undecided. Regions of slopes as in `fits`.
//!
//! *Power.* One direction dominates the losses, so their logarithm has nearly the deviation 1.1 of that of a normal variable's; the slope over a factor of 32 in `n` has .22 to .31, as sizes share the path of their noise, and 200 replicates give an interval of half-width .04 to .06 in a region of .125. The regression error has 12 or 15 directions and a slope of deviation .08. The over-specified fit takes
//! many steps (along the difference of two atoms that share a true one `JᵀJ` has no information) and has fewer replicates; what it shows are findings.

use faer::Side;
use faer::linalg::solvers::DenseSolveCore;
use moe_kernels::Activation;
use moe_theory::softmax::{Atom, Cubature, Inputs, MixingMeasure, Noise, Power, Sample, voronoi};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::plain_gate::truth_table;
use crate::fits::{AtSize, SPREAD, by_replicate, grid, quartiles, rate, reference_truth, region, sample_of, small};
use crate::{
    CheckError, Column, Control, Evidence, Figure, Finding, Findings, Label, Lemma, Parameter, Run, Scale, Table,
};

mod stack;

use stack::Stack;

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "stacked-layers",
    paper: "2503.03213",
    claim: "Open question: two mixtures in sequence, f = f2(f1(x)), exactly specified, have the rate n^(-1/2) of the regression error and of L1 of each layer.",
    scope: "Plain softmax gates, k = k* = 2 in both layers (findings: 3 in the first), GELU experts without output weights, scalar input and intermediate value, x ~ U[-3, 3], normal noise, one truth; minima from starts near it.",
    ledger: Label::Supported,
    typical_seconds: 30.0,
    parameters: &[
        Parameter::integer("replicates", "samples of each size", "", [8, 10_000], [200, 300, 1024]),
        Parameter::integer(
            "over-specified",
            "samples of each size for an atom too many in layer one",
            "",
            [2, 10_000],
            [16, 64, 256],
        ),
        Parameter::integer("sizes", "sample sizes on a geometric grid", "", [3, 40], [3, 4, 6]),
        Parameter::integer("from", "smallest sample", "", [120, 1_000_000], [250, 500, 1000]),
        Parameter::integer("to", "largest sample", "", [400, 10_000_000], [8000, 16_000, 64_000]).above("from"),
        Parameter::real("noise", "standard deviation of the noise", "", [1e-5, 1.0], [2e-4, 2e-4, 2e-4]),
    ],
    check,
};

/// Level of every interval.
const LEVEL: f64 = 0.99;
/// Purpose of the stream of starts.
const STARTS: u32 = 3;
/// Starts that are tried until one fit ends in a minimum or below the truth.
const ATTEMPTS: usize = 3;
/// Points of the midpoint rule for [`constant`].
const POINTS: usize = 4096;
/// Factors `c` of the starts along the family of scales.
const FACTORS: [f64; 3] = [0.7, 1.0, 1.5];

fn atom(omega: f64, beta: f64, a: f64, b: f64) -> Atom {
    Atom { omega: vec![omega], beta, a: vec![a], b, lambda: 1.0 }
}

fn truth() -> [MixingMeasure; 2] {
    [reference_truth(), MixingMeasure::flat(vec![atom(-0.5, 3.0, 2.5, -2.0), atom(0.0, 0.0, 0.5, 1.0)], 1.0)]
}

/// The member `(c, s)` of the family of scales and shifts: layer one with outer weights scaled by `c`, or linear with `c f₁ + s`.
fn moved(measures: &[MixingMeasure; 2], c: f64, shift: f64, linear: bool) -> [MixingMeasure; 2] {
    let mut moved = measures.clone();
    for atom in &mut moved[0].groups[0].atoms {
        if linear {
            atom.a[0] *= c;
            atom.b = c * atom.b + shift;
        } else {
            atom.lambda *= c;
        }
    }
    for atom in &mut moved[1].groups[0].atoms {
        atom.beta -= shift * atom.omega[0] / c;
        atom.b -= shift * atom.a[0] / c;
        atom.omega[0] /= c;
        atom.a[0] /= c;
    }
    moved
}

/// A fit of both layers, measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Layers {
    rows: usize,
    error: f64,
    /// `L1` of each layer.
    losses: [f64; 2],
    over: f64,
    converged: bool,
    /// See `Fitted`.
    settled: bool,
}

impl AtSize for Layers {
    fn size(&self) -> usize {
        self.rows
    }

    fn is_settled(&self) -> bool {
        self.settled
    }
}

fn inputs() -> Inputs {
    Inputs::Uniform { low: vec![-3.0], high: vec![3.0] }
}

/// The stack of the truth and its parameters.
fn true_stack() -> Result<(Stack, Vec<f64>), CheckError> {
    let stack = Stack::new(2, Activation::Gelu, false);
    let theta = stack.parameters(&truth())?;
    Ok((stack, theta))
}

/// `√(tr (E ∂f ∂fᵀ)^{-1})` at the truth, exactly specified: an estimate is off by `σ/√n` times as much.
fn constant() -> Result<f64, CheckError> {
    let (stack, theta) = true_stack()?;
    let mut design = Sample::builder(1);
    (0..POINTS).for_each(|i| design.push(&[-3.0 + 6.0 * (i as f64 + 0.5) / POINTS as f64], 0.0));
    let (_, matrix) = stack.normal(&design.finish(), &theta, &mut stack.works())?;
    let factors = matrix.llt(Side::Lower).map_err(|_| CheckError::theory("the layers' derivatives are dependent"))?;
    let inverse = factors.inverse();
    Ok((0..theta.len()).map(|i| POINTS as f64 * inverse[(i, i)]).sum::<f64>().sqrt())
}

fn sample(run: &Run<'_>, rows: usize, replicate: u64) -> Result<Sample, CheckError> {
    let (stack, theta) = true_stack()?;
    let mut works = stack.works();
    let values = |x: &[f64], f: &mut [f64]| stack.values(&theta, x, f, &mut works);
    sample_of(values, &inputs(), Noise::Gaussian { deviation: run.real("noise") }, (rows, run.seed(), replicate))
}

/// The best fit from starts around these points, or with `farthest` the one with the largest sum of losses among those at or below the truth's sum of squares.
fn estimate(
    run: &Run<'_>,
    stack: &Stack,
    rule: &Cubature,
    centres: &[[MixingMeasure; 2]],
    farthest: bool,
    (rows, replicate): (usize, u64),
) -> Result<Layers, CheckError> {
    let sample = sample(run, rows, replicate)?;
    let truth = truth();
    let (true_stack, true_theta) = true_stack()?;
    let true_squares = true_stack.squares(&sample, &true_theta, &mut true_stack.works())?;
    let mut random = run.substream(replicate, STARTS);
    let mut works = stack.works();
    let mut found = Vec::new();
    for centre in centres {
        let centre = stack.parameters(centre)?;
        let deviation = if farthest { 0.0 } else { 0.5 * SPREAD };
        let mut attempt = || {
            let moved = centre.iter().map(|c| {
                let z: f64 = StandardNormal.sample(&mut random);
                c + deviation * z
            });
            stack.fit(run, &sample, moved.collect())
        };
        let is_settled = |(_, squares, converged): &(Vec<f64>, f64, bool)| *converged || *squares <= true_squares;
        let mut fit = attempt()?;
        // One start in a thousand leaves the valley of the truth for no minimum; the next one is taken then.
        for _ in 1..if farthest { 1 } else { ATTEMPTS } {
            if is_settled(&fit) {
                break;
            }
            fit = attempt()?;
        }
        let settled = is_settled(&fit);
        let (theta, squares, converged) = fit;
        // A start on the flat family has the truth's sum of squares to rounding.
        if farthest && squares > stack.squares(&sample, &centre, &mut works)? {
            continue;
        }
        let measures = stack.measures(&theta);
        let loss = |layer: usize| {
            voronoi(stack.layers[layer].class(), &measures[layer], &truth[layer], Power::L1).map_err(CheckError::theory)
        };
        let (first, second) = (loss(0)?, loss(1)?);
        let error = rule.distance_by_columns(
            |x, f| stack.values(&theta, x, f, &mut works),
            |x, f| true_stack.values(&true_theta, x, f, &mut true_stack.works()),
        );
        let losses = [first.loss, second.loss];
        let layers = Layers { rows, error, losses, over: first.over, converged, settled };
        found.push((squares, layers));
    }
    let order = |a: &(f64, Layers), b: &(f64, Layers)| {
        let key = |x: &(f64, Layers)| if farthest { -(x.1.losses[0] + x.1.losses[1]) } else { x.0 };
        key(a).total_cmp(&key(b))
    };
    found
        .into_iter()
        .min_by(order)
        .map(|(_, layers)| layers)
        .ok_or_else(|| CheckError::theory("no minimum at or below its start"))
}

/// The truth with one atom of layer one split into equal halves, each of the two.
fn splits() -> Vec<[MixingMeasure; 2]> {
    let split = |i: usize| {
        let mut measures = truth();
        let atoms = &mut measures[0].groups[0].atoms;
        atoms[i].beta -= std::f64::consts::LN_2;
        let copy = atoms[i].clone();
        atoms.insert(i, copy);
        measures
    };
    vec![split(0), split(1)]
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let rule = Cubature::new(&inputs()).map_err(CheckError::theory)?;
    let sizes = grid(run.integer("from") as usize, run.integer("to") as usize, run.integer("sizes") as usize);
    let replicates = run.integer("replicates") as usize;
    let sweep = |name: &str, stack: &Stack, replicates: usize, centres: &[[MixingMeasure; 2]], farthest| {
        let rows = run.units(name, replicates * sizes.len(), |unit| {
            let at = (sizes[unit % sizes.len()], (unit / sizes.len()) as u64);
            estimate(run, stack, &rule, centres, farthest, at)
        })?;
        Ok::<_, CheckError>(by_replicate(rows, sizes.len()))
    };
    let exact = sweep("exact", &Stack::new(2, Activation::Gelu, false), replicates, &[truth()], false)?;
    let over = sweep(
        "over",
        &Stack::new(3, Activation::Gelu, false),
        run.integer("over-specified") as usize,
        &splits(),
        false,
    )?;
    let family: Vec<_> = FACTORS.iter().map(|c| moved(&truth(), *c, 0.0, false)).collect();
    let weights = Stack::new(2, Activation::Gelu, true);
    let flat = sweep("output-weights", &weights, replicates.div_ceil(16), &family, true)?;

    let error = |statement: &str, rows: &[Vec<Layers>], predicted| {
        rate(statement, rows, LEVEL, region(predicted), |fit| Some(fit.error))
    };
    let loss = |statement: &str, rows: &[Vec<Layers>], layer: usize, predicted| {
        rate(statement, rows, LEVEL, region(predicted), move |fit| Some(fit.losses[layer]))
    };
    let cell =
        |statement: &str, predicted| rate(statement, &over, LEVEL, region(predicted), |fit| Some(fit.over.sqrt()));
    let predicted = constant()? * run.real("noise") / (sizes[0] as f64).sqrt();
    // With an atom too many the losses are larger still.
    let near = |items: Vec<Evidence>| small(sizes[0], predicted, items);
    let evidence = near(vec![
        error("exactly specified: regression error", &exact, 0.5),
        loss("exactly specified: L1 of layer one", &exact, 0, 0.5),
        loss("exactly specified: L1 of layer two", &exact, 1, 0.5),
    ]);
    let controls = vec![
        Control::new(
            "with output weights in layer one L1 of layer one falls as n^(-1/2), starts along the family of scales",
            loss("output weights: largest L1 of layer one", &flat, 0, 0.5),
        ),
        Control::new(
            "with output weights in layer one L1 of layer two falls as n^(-1/2), starts along the family of scales",
            loss("output weights: L1 of layer two at the largest sum", &flat, 1, 0.5),
        ),
    ];
    let mut findings = vec![
        Finding::judged(
            "an atom too many in layer one, regression error",
            "the regression error falls as n^(-1/2)",
            &near(vec![error("an atom too many: regression error", &over, 0.5)]),
            &[Control::new("the same error falls as n^(-1/4)", error("the same, the rate ¼", &over, 0.25))],
            json!({}),
        ),
        Finding::judged(
            "an atom too many in layer one",
            "L1 of both layers falls as n^(-1/2)",
            &near(vec![
                loss("an atom too many: L1 of layer one", &over, 0, 0.5),
                loss("an atom too many: L1 of layer two", &over, 1, 0.5),
            ]),
            &controls,
            json!({}),
        ),
        Finding::judged(
            "an atom too many in layer one, its cell",
            "the root of the weighted squares of the differences in the over-fitted cell falls as n^(-1/4)",
            &near(vec![cell("root of the weighted squares in the over-fitted cell", 0.25)]),
            &[Control::new(
                "exactly specified, L1 of layer one falls as n^(-1/4)",
                loss("exactly specified: L1 of layer one", &exact, 0, 0.25),
            )],
            json!({}),
        ),
        Finding::judged(
            "output weights between layers are not identifiable",
            "with output weights in layer one the regression error falls as n^(-1/2), and L1 of both layers does not fall",
            &[
                error("output weights: regression error", &flat, 0.5),
                loss("output weights: largest L1 of layer one", &flat, 0, 0.0),
                loss("output weights: L1 of layer two at the largest sum", &flat, 1, 0.0),
            ],
            &[Control::new("without output weights L1 does not fall", loss("L1 of layer one", &exact, 0, 0.0))],
            json!({ "factors": FACTORS }),
        ),
    ];
    findings.extend(identities(&rule));
    let [mut first, mut second] = truth().each_ref().map(truth_table);
    (first.name, second.name) = ("truth-layer-one".into(), "truth-layer-two".into());
    let rows = [("exact", &exact), ("over", &over), ("output-weights", &flat)];
    let tables = [first, second].into_iter().chain(rows.map(|(name, rows)| table(name, rows, &sizes))).collect();
    let figures = ["exact", "over", "output-weights"].map(|name| {
        let series = ["error", "L1 of layer one", "L1 of layer two"];
        Figure::new(name, format!("{name}: error and losses, medians"), name, "n", series, [Scale::Log; 2])
    });
    Ok(Findings { evidence, controls, findings, tables, figures: figures.into() })
}

/// The two families of the module as identities of functions at the nodes.
fn identities(rule: &Cubature) -> [Finding; 2] {
    let family = |linear: bool, undone: bool| {
        let activation = if linear { Activation::Linear } else { Activation::Gelu };
        let stack = Stack::new(2, activation, !linear);
        let truth = truth();
        let mut worst = 0.0_f64;
        for (c, shift) in [(0.5, 0.0), (2.0, 0.7), (-1.5, -0.4)] {
            let mut other = moved(&truth, c, if linear { shift } else { 0.0 }, linear);
            if !undone {
                other[1] = truth[1].clone();
            }
            worst = worst.max(rule.largest(|x| stack.value(&truth, x), |x| stack.value(&other, x)));
        }
        // Values are below 25, arguments below 80: a few hundred roundings of 10⁻¹⁶ each.
        Evidence::comparison("largest difference of the functions over the nodes", [worst, worst], [0.0, 1e-11])
    };
    [
        ("scales between layers", "(λ; ω, a) → (cλ; ω/c, a/c) leaves f unchanged", false),
        (
            "scales and shifts between layers",
            "linear experts in layer one: f₁ → c f₁ + s, undone in layer two, leaves f unchanged",
            true,
        ),
    ]
    .map(|(title, statement, linear)| {
        let control = Control::new("layer one alone may be moved", family(linear, false));
        Finding::judged(title, statement, &[family(linear, true)], &[control], json!({ "c": [0.5, 2.0, -1.5] }))
    })
}

fn table(name: &str, rows: &[Vec<Layers>], sizes: &[usize]) -> Table {
    let heads = [
        "n",
        "error",
        "L1 of layer one",
        "lower one",
        "upper one",
        "L1 of layer two",
        "lower two",
        "upper two",
        "over-fitted cell",
        "converged",
    ];
    let mut table = Table::new(name, heads.map(|head| Column::new(head, "")));
    for (index, size) in sizes.iter().enumerate() {
        let of = |value: fn(&Layers) -> f64| quartiles(rows.iter().map(|row| value(&row[index])).collect());
        let (one, two) = (of(|fit| fit.losses[0]), of(|fit| fit.losses[1]));
        table.push([
            (*size).into(),
            of(|fit| fit.error)[1].into(),
            one[1].into(),
            one[0].into(),
            one[2].into(),
            two[1].into(),
            two[0].into(),
            two[2].into(),
            of(|fit| fit.over)[1].into(),
            rows.iter().filter(|row| row[index].converged).count().into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documentation's constant, and what it is for: noise that leads out of the regime leaves the rates undecided.
    #[test]
    fn rates_are_undecided_where_the_truth_is_far() {
        assert!((constant().unwrap() - 255.0).abs() < 1.0, "{}", constant().unwrap());
        let item = || vec![Evidence::comparison("", [0.0, 0.0], [0.0, 1.0])];
        let at = |noise: f64| small(250, constant().unwrap() * noise / 250_f64.sqrt(), item())[0].holds();
        assert_eq!((at(2e-4), at(0.1)), (Some(true), None));
    }
}

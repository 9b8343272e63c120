//! Online SGD under correlated inputs: the same delay against the flow?
//!
//! # What theory predicts
//!
//! SGD is later than the flow since noise lengthens the raw vectors, by a factor that depends on `ε = (η/B)σ_w²(d − 1)` (theory X7). Its trace is that of the noise over all directions: a generic spike, or a mean of length 1 by its second moment, adds one to `d − 1` of them and the variance of one of the dimensions to
//! `w̄ᵀΣw̄`, relative changes `O(1/d)`. Means of unequal weights do as much; those that do not cancel turn routers at the rate 0.3 besides, by 0.2 until then, which changes `E π(v̄·x)` and with it the delay by some per cent of itself. So from one start, with one stream of normal draws `z` and `x = Σ^{1/2}z` (`±μ + z` for a mixture), the delays `T_SGD/T_flow` under both laws differ little, each against the flow under its own law. Under a spike of `−½` along the expert the overlap grows as `e^{2.64t}` on top of the isotropic law, in less than half of the time of the isotropic flow: put against
//! that flow it makes the twin.
//!
//! *Two variances* `c` make the noise `E_c c(E h²h'² E π⁴ + …)` 9.2 times as large (`h = He_3(√c z)`: degree 10, and `c = 3/2` has nearly all of it), the flow 3.2 times as fast (`dκ/dt` of `mixtures.rs`: 0.235). Theory X7 with both gives `T_SGD/T_flow = 1.92` in place of 1.27: not the same delay.
//! *Toeplitz.* The student leaves for low variances, where both the noise and the drift fall with `c`, while the overlap goes where it goes: nothing foretells the delay, and its row, in all coordinates, is not judged.
//!
//! # Where the bounds come from
//!
//! `ε = 0.3`, `σ_w² = 450`, `η = 0.01`, `d = 100`, from overlap 0.2 to ½: `T_flow = 0.74`, the delay is by about 0.2 (theory X7). Half of that makes a difference: `±0.1`. The delay of one start scatters by
//! `√(εT/d)/κ_0 = 0.24`; that of the paired difference by what the spike changes, whose square is `O(1/d)` of it at first and grows with the difference of the paths: 0.07 leaves `±0.05` for sixteen starts.

use moe_theory::soft_routed::{Flow, GaussianComponent, GeneralLoss, Inputs, Start, Stop, Watch};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::law::{Law, RATIO};
use super::{LEVEL, finished};
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

const DIMENSION: u64 = 100;
const OVERLAP: f64 = 0.2;
const STEP: f64 = 0.01;
/// `ηEσ_w²(d − 1)/B`, and `σ_w²` for one student and one teacher.
const NOISE: f64 = 0.3;
const VARIANCE: f64 = 449.88;
/// Over the flow's time: when to give up.
const PATIENCE: f64 = 6.0;
/// Purpose of the random stream of the parts of a mixture.
const SIGNS: u32 = 8;
const DIFFERENCE: [f64; 2] = [-0.1, 0.1];

pub(super) fn findings(run: &Run<'_>, starts: usize) -> Result<(Vec<Finding>, Table), CheckError> {
    let batch = (STEP * VARIANCE * (DIMENSION - 1) as f64 / NOISE) as usize;
    // The law of SGD and that of the flow; the last is the twin.
    let arms = [
        [Law::Isotropic, Law::Isotropic],
        [Law::SpikeGeneric, Law::SpikeGeneric],
        [Law::MixtureGeneric, Law::MixtureGeneric],
        [Law::UnequalGeneric, Law::UnequalGeneric],
        [Law::UncentredGeneric, Law::UncentredGeneric],
        [Law::TwoVariances, Law::TwoVariances],
        [Law::Toeplitz, Law::Toeplitz],
        [Law::DipExpert, Law::Isotropic],
    ];
    let delays =
        run.units("sgd", arms.len() * starts, |unit| delay(run, arms[unit / starts], batch, (unit % starts) as u64))?;
    let of = |k: usize| &delays[k * starts..(k + 1) * starts];
    let difference = |k: usize| {
        let pairs = of(k).iter().zip(of(0));
        let differences: Option<Vec<f64>> = pairs.map(|(a, b)| Some((*a)? - (*b)?)).collect();
        let statement = format!(
            "{}, m = 1: time of online SGD over that of the flow for {}, less the same for isotropic inputs alone from the same start and draws, mean over starts",
            arms[k][0].name(),
            arms[k][1].name()
        );
        let mean = differences.and_then(|differences| statistics::mean(&differences, LEVEL));
        Evidence::estimate(statement, LEVEL, mean, DIFFERENCE)
    };
    let twin = arms.len() - 1;
    // Nothing foretells the delay under a Toeplitz covariance.
    let findings = (1..twin).filter(|k| arms[*k][0] != Law::Toeplitz).map(|k| {
        let control = Control::new("a law that is faster, against the isotropic flow", difference(twin));
        arms[k][0].finding("online SGD is as late against the flow", difference(k), &control)
    });
    let mut table = Table::new(
        "sgd",
        ["inputs of SGD", "of the flow", "batch", "starts", "reached", "T_SGD/T_flow"]
            .map(|head| Column::new(head, "")),
    );
    for (k, [law, flow]) in arms.into_iter().enumerate() {
        let reached: Vec<f64> = of(k).iter().flatten().copied().collect();
        let mean = statistics::mean(&reached, LEVEL).map(|estimate| estimate.value);
        table.push([
            law.name().into(),
            flow.name().into(),
            batch.into(),
            starts.into(),
            reached.len().into(),
            mean.into(),
        ]);
    }
    Ok((findings.collect(), table))
}

/// `T_SGD/T_flow` to the expert overlap ½, each under its law; none where SGD does not reach it.
fn delay(run: &Run<'_>, [law, flow]: [Law; 2], batch: usize, replicate: u64) -> Result<Option<f64>, CheckError> {
    let (start, inputs) = law.start(run, [1, 1], 0.0, DIMENSION, replicate)?;
    let (_, flow) = flow.start(run, [1, 1], 0.0, DIMENSION, replicate)?;
    let start = start.with_teacher_overlaps(0.0, OVERLAP);
    let general = GeneralLoss::under(&start, &flow);
    let mut time = None;
    let interrupted = |_: f64| run.proceed().is_err();
    let flow = Flow::new(&start).tolerance(1e-7).under(&general).monitor(&interrupted);
    let outcome = flow.run(
        10.0,
        &[Watch::Expert(0.5)],
        &[],
        |_, _| {},
        |event, _| {
            time = Some(event.time);
            Stop::Yes
        },
    );
    finished(run, outcome.map(drop))?;
    let Some(time) = time else { return Ok(None) };
    let sampler = Sampler::new(law, &inputs, start.dimension as usize);
    Ok(descend(run, &start, &sampler, batch, PATIENCE * time, replicate)?.map(|reached| reached / time))
}

/// Makes the inputs of a law from independent normal draws.
struct Sampler {
    /// Share, mean and root of the covariance of each part.
    parts: Vec<(f64, Vec<f64>, Root)>,
}

/// A square root of a covariance.
enum Root {
    /// `√c I`.
    Scaled(f64),
    /// In the coordinates, row by row; the identity beyond.
    Spiked(Vec<f64>),
    /// `x_i = r x_{i−1} + √(1 − r²) z_i`.
    Toeplitz(f64),
}

impl Sampler {
    fn new(law: Law, inputs: &Inputs, dimension: usize) -> Self {
        let part = |component: &GaussianComponent| {
            let (n, covariance) = (component.mean.len(), &component.covariance);
            let root = match law {
                Law::Toeplitz => Root::Toeplitz(RATIO),
                Law::SpikeGeneric | Law::DipExpert => {
                    // Σ = I + λuuᵀ with the unit u: Σ^{1/2} = I + (√(1 + λ) − 1)uuᵀ.
                    let strength: f64 = (0..n).map(|i| covariance[(i, i)] - 1.0).sum();
                    let share = ((1.0 + strength).sqrt() - 1.0) / strength;
                    let unit = |k: usize| f64::from(u8::from(k % n == k / n));
                    let entry = |k: usize| unit(k) + share * (covariance[(k % n, k / n)] - unit(k));
                    Root::Spiked((0..n * n).map(entry).collect())
                }
                _ => Root::Scaled(covariance[(0, 0)].sqrt()),
            };
            let mut mean = component.mean.clone();
            mean.resize(dimension, 0.0);
            (component.weight, mean, root)
        };
        Self { parts: inputs.components.iter().map(part).collect() }
    }

    /// Turns normal draws into an input of the part that `which`, uniform in `[0, 1)`, falls to.
    fn shape(&self, x: &mut [f64], which: f64) {
        let first = usize::from(self.parts.len() > 1 && which >= self.parts[0].0);
        let (_, mean, root) = &self.parts[first];
        match root {
            Root::Scaled(scale) => x.iter_mut().for_each(|x| *x *= scale),
            Root::Spiked(rows) => {
                let n = rows.len().isqrt();
                let head: Vec<f64> =
                    rows.chunks_exact(n).map(|row| row.iter().zip(&*x).map(|(a, b)| a * b).sum()).collect();
                x[..n].copy_from_slice(&head);
            }
            Root::Toeplitz(ratio) => {
                let fresh = (1.0 - ratio * ratio).sqrt();
                for i in 1..x.len() {
                    x[i] = ratio * x[i - 1] + fresh * x[i];
                }
            }
        }
        x.iter_mut().zip(mean).for_each(|(x, mean)| *x += mean);
    }
}

/// Time `kη` at which SGD brings `w̄·w*` to ½, between two steps by linear interpolation.
fn descend(
    run: &Run<'_>,
    start: &Start,
    sampler: &Sampler,
    batch: usize,
    until: f64,
    replicate: u64,
) -> Result<Option<f64>, CheckError> {
    let (n, d) = (start.coordinates(), start.dimension as usize);
    // Beyond the coordinates, where nothing starts, the inputs are isotropic.
    let padded = |column: &[f64]| column.iter().copied().chain(std::iter::repeat(0.0)).take(d).collect::<Vec<f64>>();
    let state = start.state();
    let (mut v, mut w) = (padded(&state[..n]), padded(&state[n..]));
    let teacher = start.teacher();
    let (router, expert) = (padded(teacher.router(0)), padded(teacher.expert(0)));
    let mut stream = run.substream(replicate, 7);
    let mut signs = run.substream(replicate, SIGNS);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    let mut x = vec![0.0; d];
    let mut before = OVERLAP;
    for step in 1..=(until / STEP) as usize {
        let lengths = [&v, &w].map(|column| dot(column, column).sqrt());
        let mut gradients = [vec![0.0; d], vec![0.0; d]];
        for _ in 0..batch {
            x.iter_mut().for_each(|x| *x = StandardNormal.sample(&mut stream));
            sampler.shape(&mut x, signs.random());
            let (p, h) = (sigmoid(dot(&v, &x) / lengths[0]), dot(&w, &x) / lengths[1]);
            let target = dot(&expert, &x);
            let residual = p * (h * h * h - 3.0 * h) - sigmoid(dot(&router, &x)) * (target.powi(3) - 3.0 * target);
            let factors = [residual * p * (1.0 - p) * (h * h * h - 3.0 * h), residual * p * 3.0 * (h * h - 1.0)];
            for (gradient, factor) in gradients.iter_mut().zip(factors) {
                gradient.iter_mut().zip(&x).for_each(|(g, x)| *g += factor * x);
            }
        }
        for ((column, gradient), length) in [&mut v, &mut w].into_iter().zip(&gradients).zip(lengths) {
            let along = dot(column, gradient) / (length * length);
            let rate = STEP / (batch as f64 * length);
            column.iter_mut().zip(gradient).for_each(|(c, g)| *c -= rate * (g - along * *c));
        }
        run.proceed()?;
        let overlap = dot(&w, &expert) / dot(&w, &w).sqrt();
        if overlap >= 0.5 {
            return Ok(Some(STEP * (step as f64 - (overlap - 0.5) / (overlap - before))));
        }
        before = overlap;
    }
    Ok(None)
}

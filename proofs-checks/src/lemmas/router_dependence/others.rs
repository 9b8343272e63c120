//! With other routers: `v·w` by itself, how many students reach all teachers, the noise of SGD, and the largest stable step.
//!
//! # The laws with the router's own constants
//!
//! *`s = v̄·w̄`* decays at `36 E q''(Z)`, `q = π²` (the module above): `E q'' = 1/(2π√3)` for the Gaussian distribution function (`E φ² = 1/(2π√3)`, and `E ΦZφ` is half of it by parts), `−A_3` for tanh, whose square is `1 − π'`. That is 3.308 and 13.09; the sigmoid has 2.246 (`orthogonal-initialisation`).
//!
//! *All teachers are reached* by `2m* + 4` students and not by `m*` (`over-parameterisation`): the matching of initial overlaps knows no router. With tanh routers it is one of times: `deflated`.
//!
//! *SGD* lengthens an expert's raw vector by its noise outside the span, `‖w‖⁴ − 1 = 2εt`, `ε = (η/B)σ_w²(d − 1)`, with the router's own `E π²` and `E π⁴` in `σ_w²` (`EffectiveSgd::noise_variance`): 681.6 and 863.8 in place of 449.9. So the condition of `finite-batch-sgd` on `η/B` is stricter by factors of 1.5 and 1.9.
//!
//! *Steps* of gradient descent beyond `2/λ`, `λ` the largest eigenvalue at the teacher, diverge (`failure-signatures`): 1.02 times that multiplies the deviation by 1.04 a step.
//!
//! # Where the bounds come from
//!
//! The decay: as in `orthogonal-initialisation`, `±0.01`, from the first time unit or, with tanh, the first quarter, in which `s` falls by a factor of 26. Shares: nearer to 1 than to ½; 80 runs are in `[0.75, 1]` up to ten failures, of which ties make 3 %; with `m = m* = 2` the matching reaches both with probability 0.334 (table of `over-parameterisation`), and 50 of 80, from which on the upper end is above 0.75, has probability `10⁻⁷`. Growth: squares of polynomials of degree 5 are heavy-tailed, a run of 2 or `3·10⁵` inputs has a relative deviation of 0.2 to 0.3, the mean of 36 an interval of up to `±0.13`, and the drift of `σ_w²` with `κ` is 2 %: `±0.2`, where the sigmoid's `σ_w²` is off by half or more. Factors: as in `failure-signatures`, `±0.002`. A deviation that grows fifty-fold is told from one that shrinks in each descent: 24 of 24 are in `[0.75, 1]`, none is below it.

use std::f64::consts::PI;

use moe_kernels::Router;
use moe_theory::soft_routed::{EffectiveSgd, Flow, InitialLaw, OnlineSgd, Start, Stop, StudentTeacher, Symptoms};
use rand_distr::{Distribution, StandardNormal};
use serde_json::json;

use super::super::failure_signatures::descend;
use super::super::fine_tuning_rate::dense_spectrum;
use super::super::over_parameterisation::reached;
use super::{LEVEL, recovered::ROUTERS};
use crate::axes;
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// Dimension, and time, in which `s` decays, for either router.
const FAR: u64 = 100_000_000;
const DECAYS: [f64; 2] = [1.0, 0.25];
/// Teachers and dimension of the runs that reach them.
const REACHED: (usize, u64) = (2, 1000);
/// Runs, at least.
const RUNS: usize = 80;
const MOST: [f64; 2] = [0.75, 1.0];
/// Dimension, batch, `ε` and time of SGD, and its runs.
const NOISY: (u64, usize, f64, f64) = (400, 64, 0.4, 0.3);
const NOISY_RUNS: usize = 36;
const GROWTH: [f64; 2] = [0.8, 1.2];
/// Steps of a descent, its deviation at the start, its step over the largest stable one, and half the width of what is accepted of a factor.
const DESCENT: (usize, f64, f64, f64) = (100, 3e-5, 1.02, 2e-3);
const STABLE: f64 = 0.98;
const DESCENTS: usize = 24;
const DIMENSION: usize = 8;

fn axis(k: usize) -> Vec<f64> {
    axes::axis(DIMENSION, k)
}

/// `36 E q''(Z)`.
pub(super) fn own_rate(router: Router) -> f64 {
    match router {
        Router::GaussianCdf => 36.0 / (2.0 * PI * 3.0_f64.sqrt()),
        Router::Sigmoid | Router::Tanh => -36.0 * router.hermite().value(3),
    }
}

/// The decay rate of `v̄·w̄` of one student, from each start.
fn decays(run: &Run<'_>, router: Router, until: f64) -> Result<Vec<f64>, CheckError> {
    run.units(&format!("own-overlap-{}", router.name()), run.integer("replicates") as usize, |unit| {
        let law = InitialLaw { router, orthogonal: false, ..InitialLaw::new(3, 1, 1, FAR) };
        let start = law.sample(run.seed(), unit as u64).map_err(CheckError::theory)?;
        let mut own = Vec::new();
        let flow = Flow::new(&start).tolerance(run.real("tolerance"));
        let outcome = flow.run(until, &[], &[0.0, until], |_, state| own.push(state.own(0)), |_, _| Stop::No);
        outcome.map_err(CheckError::theory)?;
        Ok((own[0] / own[1]).abs().ln() / until)
    })
}

/// `(‖w‖⁴ − 1)/2t` over `η(d − 1)/B`: `σ_w²` as SGD shows it.
fn noises(run: &Run<'_>, router: Router) -> Result<Vec<f64>, CheckError> {
    let (dimension, batch, epsilon, time) = NOISY;
    let outside = (dimension - 1) as f64 / batch as f64;
    let step = epsilon / (EffectiveSgd::noise_variance(router, 1, 1) * outside);
    run.units(&format!("noise-{}", router.name()), NOISY_RUNS, |unit| {
        let model = StudentTeacher::from_rows(router, 3, [&[axis(0)], &[axis(1)]], [&[axis(2)], &[axis(3)]]);
        let start = Start::reduce(&model.map_err(CheckError::theory)?).in_dimension(dimension);
        let stream = run.substream(unit as u64, 7 + router as u32);
        let mut sgd = OnlineSgd::reduced(&start, batch, step, stream).map_err(CheckError::theory)?;
        let steps = (time / step).ceil();
        for _ in 0..steps as u64 {
            run.proceed()?;
            sgd.draw();
            sgd.advance();
        }
        Ok((sgd.expert_norm(0).powi(4) - 1.0) / (2.0 * steps * step) / (step * outside))
    })
}

/// Descents near two teachers with this step: the factor of the deviation in a step, and whether they are recognised as diverging.
fn descents(run: &Run<'_>, router: Router, step: f64, name: &str) -> Result<Vec<(f64, bool)>, CheckError> {
    let teachers = [[axis(0), axis(1)], [axis(2), axis(3)]];
    run.units(&format!("descents-{}-{name}", router.name()), DESCENTS, |replicate| {
        let mut stream = run.substream(replicate as u64, 11);
        let mut moved = |row: &Vec<f64>| -> Vec<f64> {
            let mut near = |x: &f64| {
                let z: f64 = StandardNormal.sample(&mut stream);
                x + DESCENT.1 * z
            };
            row.iter().map(&mut near).collect()
        };
        let students = teachers.each_ref().map(|rows| rows.each_ref().map(&mut moved));
        let model = StudentTeacher::from_rows(router, 3, [&students[0], &students[1]], [&teachers[0], &teachers[1]]);
        let start = Start::reduce(&model.map_err(CheckError::theory)?).with_raw_norms(1.0, 1.0);
        let (losses, _) = descend(run, &start, DESCENT.0, &|_| step)?;
        let state = start.order_parameters();
        let found = Symptoms::of(&start, &state).with_losses(&losses).signatures();
        let factor = (losses[DESCENT.0] / losses[DESCENT.0 / 2]).powf(1.0 / DESCENT.0 as f64);
        Ok((factor, found.iter().any(|signature| signature.name() == "divergence")))
    })
}

pub(super) fn findings(run: &Run<'_>) -> Result<Vec<Finding>, CheckError> {
    let judged = |title: &str, statement: &str, items: &[Evidence], twins: Vec<Evidence>| {
        let controls: Vec<Control> = twins.into_iter().map(Control::from).collect();
        Finding::judged(title, statement, items, &controls, json!(null))
    };
    let (mut items, mut twins) = (Vec::new(), Vec::new());
    for (router, until) in ROUTERS.into_iter().zip(DECAYS) {
        let rates = decays(run, router, until)?;
        let over = |law: f64, what: &str| {
            let ratios: Vec<f64> = rates.iter().map(|rate| rate / law).collect();
            let statement = format!(
                "{} routers: decay rate of v·w over {what} = {law:.3}, d = 1e8, median over starts",
                router.name()
            );
            Evidence::estimate(statement, LEVEL, statistics::median(&ratios, LEVEL), [0.99, 1.01])
        };
        items.push(over(own_rate(router), "36 E(π²)''"));
        twins.push(over(own_rate(Router::Sigmoid), "the sigmoid's"));
    }
    let mut findings = vec![judged(
        "v·w by itself with other routers",
        "v ⟂ w is restored by the student's own loss at the rate 36 E(π²)''(Z): 3.308 with Gaussian-CDF, 13.09 with tanh routers",
        &items,
        twins,
    )];

    let (teachers, dimension) = REACHED;
    let runs = RUNS.max(run.integer("replicates") as usize);
    let share = |students: usize| -> Result<Evidence, CheckError> {
        let law = InitialLaw {
            router: Router::GaussianCdf,
            student_overlap: 0.0,
            ..InitialLaw::new(3, students, teachers, dimension)
        };
        let counts = reached(run, &format!("reached-{students}"), &law, runs)?;
        let all = counts.iter().filter(|count| **count == teachers).count() as u64;
        let statement = format!(
            "Gaussian-CDF routers: share of starts from which {students} students reach all {teachers} teachers, d = {dimension}"
        );
        Ok(Evidence::estimate(statement, LEVEL, statistics::proportion(all, runs as u64, LEVEL), MOST))
    };
    findings.push(judged(
        "how many students reach all teachers with Gaussian-CDF routers",
        "from more than three starts in four 2m* + 4 students without overlaps among themselves do; m* do not",
        &[share(2 * teachers + 4)?],
        vec![share(teachers)?],
    ));

    let (mut items, mut twins) = (Vec::new(), Vec::new());
    for router in ROUTERS {
        let measured = noises(run, router)?;
        let over = |of: Router, which: &str| {
            let variance = EffectiveSgd::noise_variance(of, 1, 1);
            let ratios: Vec<f64> = measured.iter().map(|noise| noise / variance).collect();
            let statement = format!(
                "{} routers: noise of an expert's gradient, by the growth of its raw norm under SGD, over {which} σ_w² = {variance:.1}, mean, d = {}, B = {}",
                router.name(),
                NOISY.0,
                NOISY.1
            );
            Evidence::estimate(statement, LEVEL, statistics::mean(&ratios, LEVEL), GROWTH)
        };
        items.push(over(router, "its own"));
        twins.push(over(Router::Sigmoid, "the sigmoid's"));
    }
    findings.push(judged(
        "the noise of SGD with other routers",
        "online SGD lengthens a dormant expert's raw vector by ‖w‖⁴ − 1 = 2εt with the router's own E π² and E π⁴ in ε",
        &items,
        twins,
    ));

    let (mut items, mut twins) = (Vec::new(), Vec::new());
    let (_, _, multiple, half_width) = DESCENT;
    let largest = |router| Ok::<_, CheckError>(dense_spectrum(router, 3, 2, DIMENSION)?.last().copied().unwrap_or(0.0));
    let sigmoid = largest(Router::Sigmoid)?;
    for router in ROUTERS {
        let own = largest(router)?;
        let beyond = descents(run, router, multiple * 2.0 / own, "beyond")?;
        let stable = descents(run, router, STABLE * 2.0 / own, "stable")?;
        let factors: Vec<f64> = beyond.iter().map(|row| row.0).collect();
        // What a step of multiple·2/λ does to a deviation of this eigenvalue.
        let factor = |eigenvalue: f64, whose: &str| {
            let expected = (1.0 - multiple * 2.0 * eigenvalue / own).abs();
            let statement = format!(
                "{} routers: factor of the deviation in one step of {multiple}·2/{own:.4}, against that of {whose} largest eigenvalue {eigenvalue:.4}, median over starts",
                router.name()
            );
            let accept = [expected - half_width, expected + half_width];
            Evidence::estimate(statement, LEVEL, statistics::median(&factors, LEVEL), accept)
        };
        let named = |rows: &[(f64, bool)], multiple: f64, wanted: bool| {
            let count = rows.iter().filter(|row| row.1 == wanted).count() as u64;
            let what = if wanted { "recognised" } else { "not taken" };
            let statement =
                format!("{} routers: share of descents {what} as diverging, step {multiple}·2/λ", router.name());
            Evidence::estimate(statement, LEVEL, statistics::proportion(count, rows.len() as u64, LEVEL), MOST)
        };
        items.extend([factor(own, "the"), named(&beyond, multiple, true), named(&stable, STABLE, false)]);
        twins.extend([factor(sigmoid, "the sigmoid's"), named(&stable, STABLE, true), named(&beyond, multiple, false)]);
    }
    findings.push(judged(
        "the largest stable step with other routers",
        "gradient descent near the teacher diverges beyond 2/λ, λ the largest eigenvalue with the router's own Φ, and is recognised by failure-signatures' function",
        &items,
        twins,
    ));
    Ok(findings)
}

//! How often the race is lost: start by start against the closed forms, and over draws of the law against the integral.
//!
//! # Where the bounds come from
//!
//! A start is foretold to lose its race if the closed form of its lowest student-student overlap, at twice the rate of an alignment, ends before `√d` and before that of its largest student-teacher overlap. Either closed form leaves out forces of relative size `O(d^{−1/2})` as long as overlaps are dormant, and of order one in the
//! last unit or two of a time `T = O(√d)`: a start is told wrong only where the two times are within a relative `ε = O(d^{−1/2})` of one another. With the density of `ln(2κ'/κ)` at 0, 0.71 at four students and two teachers, that has probability `1.4ε` at most: 0.014 at `ε = 0.01`, `d = 10⁶`, where `T` is about a hundred. Of 240 starts
//! twelve told wrong leave the upper end at 0.1; thirteen or more have probability 4·10⁻⁵. At equal rates 0.35 are told wrong: that fewer than the 38 are which put the lower end above 0.1 has probability 10⁻¹¹. The share of the starts differs from the share foretold by no more than the share told wrong.
//!
//! Draws of the law, overlaps alone, have the integral's share up to `O(d^{−1/2})`: 4000 of them have a standard deviation of 0.0079 at most and an interval of `±0.021`, which is within `±0.05` up to 3.7 deviations; at the default, where it is 0.0066, up to five. The integral at equal rates, `N/(M + N)` where one of the overlaps is positive, is
//! off by 0.35.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, InitialLaw, Method, Stop, Watch, alignment_time};
use serde_json::json;
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

use super::{LEVEL, Race, law};
use crate::{CheckError, Control, Estimate, Evidence, Finding, Run, statistics};

/// Time up to which the explicit method is cheaper where the first event ends the flow.
const EXPLICIT: f64 = 1000.0;
/// Starts over those of the run, and draws.
const STARTS: usize = 4;
const DRAWS: u64 = 4000;
/// Rate at which students repel over that at which one is drawn to a teacher, and the twin's.
pub(super) const TWICE: f64 = 2.0;
const EQUAL: f64 = 1.0;
const WRONG: [f64; 2] = [0.0, 0.1];
const CLOSE: [f64; 2] = [-0.05, 0.05];

/// Largest student-teacher expert overlap, and magnitude of the lowest student-student one if negative.
fn rivals(run: &Run<'_>, law: &InitialLaw, replicate: u64) -> Result<[f64; 2], CheckError> {
    let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?.order_parameters();
    let lowest = start.student_pairs().map(|pair| pair.2).fold(0.0, f64::min);
    Ok([start.best_pair().2, -lowest])
}

/// Whether the closed forms foretell an anti-alignment first, by `until`.
fn foretold([teacher, student]: [f64; 2], rates: f64, until: f64) -> bool {
    let time = |kappa: f64| {
        if kappa > 0.0 { alignment_time(Router::Sigmoid, 3, kappa.min(0.49), 0.5) } else { f64::INFINITY }
    };
    time(student) / rates < time(teacher).min(until)
}

/// Whether two students anti-align first, by `until`.
fn seen(run: &Run<'_>, law: &InitialLaw, replicate: u64, until: f64) -> Result<bool, CheckError> {
    let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
    let mut first = None;
    // No pair is anti-aligned before the end: there are no fast modes.
    let method = if until <= EXPLICIT { Method::Explicit } else { Method::Implicit };
    let flow = Flow::new(&start).method(method).tolerance(run.real("tolerance"));
    let watches = [Watch::Expert(0.5), Watch::StudentFalls(-0.5)];
    run.follow(
        flow,
        until,
        &watches,
        &[],
        |_, _| {},
        |event, _| {
            first = Some(event.watch);
            Stop::Yes
        },
    )?;
    Ok(first == Some(1))
}

/// `races` are known already, those of the first starts at this dimension.
pub(super) fn finding(run: &Run<'_>, dimension: u64, races: &[Race]) -> Result<Finding, CheckError> {
    let (law, until) = (law(run, dimension, 1.0), (dimension as f64).sqrt());
    let starts = STARTS * run.integer("replicates") as usize;
    // What is seen, and what is foretold at either ratio of the rates.
    let rows = run.units("frequency", starts, |unit| {
        let rivals = rivals(run, &law, unit as u64)?;
        let [twice, equal] = [TWICE, EQUAL].map(|rates| foretold(rivals, rates, until));
        let seen = races.get(unit).map_or_else(|| seen(run, &law, unit as u64, until), |race| Ok(race.lost()))?;
        Ok([seen, twice, equal])
    })?;
    let share = |which: usize| rows.iter().filter(|row| row[which]).count() as f64 / starts as f64;
    let wrong = |which: usize, rates: &str| {
        let count = rows.iter().filter(|row| row[0] != row[which]).count() as u64;
        let statement = format!(
            "share of {starts} starts of which the closed forms, students repelling at {rates} the rate of an alignment, foretell wrongly whether two students anti-align before the first alignment, d = {:e}",
            dimension as f64
        );
        Evidence::estimate(statement, LEVEL, statistics::proportion(count, starts as u64, LEVEL), WRONG)
    };
    let mut lost = 0;
    for draw in 0..DRAWS {
        let [teacher, student] = rivals(run, &law, draw)?;
        lost += u64::from(TWICE * student > teacher.max(0.0));
    }
    let drawn = statistics::proportion(lost, DRAWS, LEVEL);
    let off = |rates: f64, which: &str| {
        let predicted = lost_share(run.integer("students"), run.integer("teachers"), rates);
        let less = drawn.map(|e| Estimate {
            value: e.value - predicted,
            interval: e.interval.map(|end| end - predicted),
            ..e
        });
        let statement = format!(
            "share of {DRAWS} draws of the law that twice the rate loses, less the integral at {which} the rate, {predicted:.3}"
        );
        Evidence::estimate(statement, LEVEL, less, CLOSE)
    };
    let items = [wrong(1, "twice"), off(TWICE, "twice")];
    let twins = [wrong(2, "just"), off(EQUAL, "just")].map(Control::from);
    let statement = items.each_ref().map(Evidence::statement).join("; ");
    let witness = json!({ "seen": share(0), "foretold": share(1), "foretold at equal rates": share(2),
                          "drawn": drawn.map(|e| e.value), "integral": lost_share(run.integer("students"), run.integer("teachers"), TWICE) });
    Ok(Finding::judged("frequency of the race", statement, &items, &twins, witness))
}

/// `P(anti-alignment first)` of the lemma's documentation, with the ratio of the rates in place of 2, by Simpson's rule on `[−9, 9]`.
pub(super) fn lost_share(students: u64, teachers: u64, rates: f64) -> f64 {
    let (m, n) = ((students * teachers) as i32, (students * (students - 1) / 2) as i32);
    let normal = Normal::standard();
    let kept =
        |x: f64| f64::from(m) * normal.pdf(x) * normal.cdf(x).powi(m - 1) * normal.cdf(x.max(0.0) / rates).powi(n);
    // Two halves, because the integrand has a kink at 0.
    let half = |from: f64| {
        let (steps, h) = (400, 9.0 / 400.0);
        let weight = |k: usize| if k == 0 || k == steps { 1.0 } else { 2.0 * (1 + k % 2) as f64 };
        (0..=steps).map(|k| weight(k) * kept(from + k as f64 * h)).sum::<f64>() * h / 3.0
    };
    1.0 - half(-9.0) - half(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two students and one teacher, against a midpoint rule on a grid that shares no point with Simpson's.
    #[test]
    fn share_of_lost_races_for_two_students() {
        let normal = Normal::standard();
        let (steps, h) = (200_000, 18.0 / 200_000.0);
        let kept: f64 = (0..steps)
            .map(|k| {
                let x: f64 = -9.0 + (k as f64 + 0.5) * h;
                2.0 * normal.pdf(x) * normal.cdf(x) * normal.cdf(0.5 * x.max(0.0)) * h
            })
            .sum();
        assert!((lost_share(2, 1, TWICE) - (1.0 - kept)).abs() < 1e-8);
    }
}

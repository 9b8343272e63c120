//! One run of the figure, by the flow or by SGD: overlaps at the figure's times, and when teachers are aligned.

use moe_kernels::Router;
use moe_theory::soft_routed::{Flow, OnlineSgd, OrderParameters, Start, Stop, Watch};
use serde::{Deserialize, Serialize};

use super::super::simulation::step;
use super::{ALIGNED, BATCH, FASTER, POINTS, RECOVERED};
use crate::{CheckError, Run};

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Course {
    /// Overlaps of student `i` with teacher `j`, at `[time][i·m* + j]`.
    pub(super) experts: Vec<Vec<f64>>,
    pub(super) routers: Vec<Vec<f64>>,
    /// First time at which the expert of student `i` reaches ½ with teacher `j`, at `i·m* + j`.
    pub(super) aligned: Vec<Option<f64>>,
    /// `(‖w‖⁴ − 1)/(2εt)` at the end, mean over students; none for the flow.
    pub(super) growth: Option<f64>,
}

impl Course {
    fn new(start: &Start) -> Self {
        let aligned = vec![None; start.students() * start.teachers()];
        Self { experts: Vec::new(), routers: Vec::new(), aligned, growth: None }
    }

    fn push(&mut self, state: &OrderParameters) {
        let pairs = || state.pairs().map(|(i, j, _)| (i, j));
        self.experts.push(pairs().map(|(i, j)| state.expert(i, j)).collect());
        self.routers.push(pairs().map(|(i, j)| state.router(i, j)).collect());
    }

    /// Teachers of which some student's expert has reached ½ by then.
    pub(super) fn teachers_by(&self, teachers: usize, time: f64) -> usize {
        teachers_by(&self.aligned, teachers, time)
    }

    /// Teachers that more than one student's expert has reached ½ with, within the figure.
    pub(super) fn shared(&self, teachers: usize, until: f64) -> usize {
        let students = |j: usize| self.aligned.iter().skip(j).step_by(teachers).flatten().filter(|at| **at <= until);
        (0..teachers).filter(|j| students(*j).count() > 1).count()
    }

    /// Teachers aligned at `factor` times the clock of SGD, mean over the figure's times.
    pub(super) fn mean_aligned(&self, teachers: usize, factor: f64, until: f64, noise: f64) -> f64 {
        mean_over_times(until, |time| self.teachers_by(teachers, factor * clock(noise, time)))
    }

    /// The student of each teacher: the one whose expert overlaps it most at the end.
    pub(super) fn students(&self, teachers: usize) -> Vec<usize> {
        let Some(last) = self.experts.last() else { return vec![0; teachers] };
        let best = |j: usize| {
            (0..last.len() / teachers)
                .max_by(|a, b| last[a * teachers + j].total_cmp(&last[b * teachers + j]))
                .unwrap_or(0)
        };
        (0..teachers).map(best).collect()
    }

    /// Teachers whose best expert overlap exceeds 0.9 at the end.
    pub(super) fn recovered(&self, teachers: usize) -> usize {
        let Some(last) = self.experts.last() else { return 0 };
        self.students(teachers).iter().enumerate().filter(|(j, i)| last[*i * teachers + j] > RECOVERED).count()
    }
}

/// The flow's time at which it is where SGD is at `t`.
pub(super) fn clock(noise: f64, time: f64) -> f64 {
    2.0 / noise * ((1.0 + 2.0 * noise * time).sqrt().sqrt() - 1.0)
}

/// Teachers of which some student's expert has reached ½ by then, of the times at `i·m* + j`.
pub(super) fn teachers_by(aligned: &[Option<f64>], teachers: usize, time: f64) -> usize {
    let by_then = |j: &usize| aligned.iter().skip(*j).step_by(teachers).flatten().any(|at| *at <= time);
    (0..teachers).filter(by_then).count()
}

pub(super) fn mean_over_times(until: f64, count: impl Fn(f64) -> usize) -> f64 {
    (1..=POINTS).map(|k| count(until * k as f64 / POINTS as f64) as f64).sum::<f64>() / POINTS as f64
}

pub(super) fn population(run: &Run<'_>, start: &Start) -> Result<Course, CheckError> {
    let until = run.real("figure-time");
    let times: Vec<f64> = (0..=POINTS).map(|k| until * k as f64 / POINTS as f64).collect();
    let mut course = Course::new(start);
    let mut aligned = course.aligned.clone();
    run.follow(
        Flow::new(start).tolerance(1e-7),
        FASTER * until,
        &[Watch::Expert(ALIGNED)],
        &times,
        |_, state| course.push(&state),
        |event, _| {
            aligned[event.student * start.teachers() + event.other].get_or_insert(event.time);
            Stop::No
        },
    )?;
    course.aligned = aligned;
    Ok(course)
}

/// The simulation that does not see `d`; its law is that of all `d` coordinates.
pub(super) fn stochastic(
    run: &Run<'_>,
    start: &Start,
    noise: f64,
    replicate: u64,
    purpose: u32,
) -> Result<Course, CheckError> {
    let (m, teachers, until) = (start.students(), start.teachers(), run.real("figure-time"));
    let step = step(Router::Sigmoid, noise, BATCH, [m, teachers], run.integer("figure-dimension"));
    let mut sgd =
        OnlineSgd::reduced(start, BATCH, step, run.substream(replicate, purpose)).map_err(CheckError::theory)?;
    let mut course = Course::new(start);
    let (mut time, mut steps) = (0.0, 0_u64);
    for k in 0..=POINTS {
        let target = until * k as f64 / POINTS as f64;
        while time + 0.5 * step < target {
            run.proceed()?;
            sgd.draw();
            sgd.advance();
            steps += 1;
            time = step * steps as f64;
            for (pair, aligned) in course.aligned.iter_mut().enumerate() {
                if aligned.is_none() && sgd.expert(pair / teachers, pair % teachers) >= ALIGNED {
                    *aligned = Some(time);
                }
            }
        }
        course.push(&sgd.order_parameters());
    }
    if steps > 0 {
        let growth = (0..m).map(|i| (sgd.expert_norm(i).powi(4) - 1.0) / (2.0 * noise * time)).sum::<f64>();
        course.growth = Some(growth / m as f64);
    }
    Ok(course)
}

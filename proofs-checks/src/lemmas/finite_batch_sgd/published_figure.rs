//! The published figure: overlaps over time under online SGD at two strengths of the noise, and under the flow, all from one start.
//!
//! # What can be expected of one run
//!
//! The flow's first pair, from `κ_0` in a time `T_flow`, is later under SGD by the factor `ρ` of the effective equation from the same `κ_0` to ½. Noise within the span scatters the time: each unit of time moves `κ` by a variance
//! `s² = ε/d`, which moves the time that is left by `1/(4.5κ²)`, so `Var T = ∫ s²/(4.5κ²)² dt = s²/(5·4.5³κ_0⁵)`, relative to `T² = 1/(4.5κ_0)²`
//!
//! ```text
//! (sd T/T)² = ε/(22.5 d κ_0³)
//! ```
//!
//! which is 8 % at `d = 1000`, `ε = 0.1`, `κ_0 = 0.09`; three of that are the error of the single run. The region `[½, 2]` is what the eye reads off a figure. Where another student's pair overtakes the first one under the noise the ratio answers
//! for the flow's pair all the same.
//!
//! *How many teachers.* With `r = ‖w‖² = √(1+2εt)` the effective equation for small `κ` is the flow's, `dκ̃/dτ = 4.5κ̃²`, for `κ̃ = κ√r` on the clock
//!
//! ```text
//! dτ = r^{−3/2} dt,      τ = (2/ε)((1+2εt)^{1/4} − 1)
//! ```
//!
//! So at `t` SGD is to have aligned as many teachers as the flow at `τ(t)`: 4.4 at `t = 6` for `ε = 0.1`, 25 at `t = 60` for `ε = 0.05`. Judged by the mean of the difference over the figure's times: each alignment that is off by a share `x` of its time `T` moves it by `xT/t`, and `x`
//! is 0.1 to 0.2 by the formula above: half a teacher is two to three standard deviations of one or two alignments late in the figure. A flow five times as fast makes the twin.
//!
//! *Which start.* Most starts answer nothing: dipoles take the students, no second teacher is aligned in time, or the first pair's scatter alone is wider than the region. So the figure is of the first start that can answer, by the flow alone and before any SGD: within the
//! figure's clock the flow aligns [`SHOWN`] teachers (all, of fewer), each by a pair with `(sd T/T) ≤ 0.25` and the first by one with `≤ 0.12`, so that `3 + 2.6` standard deviations stay within a factor 2 on either side; no student
//! and no teacher is in two of these pairs, for noise decides such ties; and the twin is ahead by 0.9 of a teacher at least, so that it is rejected wherever SGD itself is not ahead of the flow by 0.4. It says what SGD does where the flow finds teachers, not how often that is; which start it is stands in the witness. Where none of [`SEARCHED`] starts answers, the first is shown and nothing is decided.

use moe_kernels::Router;
use moe_theory::soft_routed::{
    EffectiveSgd, Flow, InitialLaw, OnlineSgd, OrderParameters, Start, Stop, Watch, alignment_time, greedy_deflation,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::simulation::step;
use crate::{CheckError, Column, Control, Evidence, Figure, Finding, Inexact, Run, Scale, Table};

/// Batch and points of the figure, and how much more noise its second simulation has.
const BATCH: usize = 1024;
const POINTS: usize = 48;
const NOISIER: f64 = 2.0;
/// Overlap of an aligned and of a recovered expert.
const ALIGNED: f64 = 0.5;
const RECOVERED: f64 = 0.9;
/// How much faster the flow of the twin is.
const FASTER: f64 = 5.0;
/// Teachers that the flow is to align within the figure's clock, and the lead of the twin.
const SHOWN: usize = 3;
const LEAD: f64 = 0.9;
/// Largest `sd T/T` of the first alignment and of the others.
const SCATTER: [f64; 2] = [0.12, 0.25];
/// Starts among which one is sought.
const SEARCHED: u64 = 1000;
/// Relative variance of one input's squared gradient of an expert.
const TAIL: f64 = 3000.0;

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Course {
    /// Overlaps of student `i` with teacher `j`, at `[time][i·m* + j]`.
    experts: Vec<Vec<f64>>,
    routers: Vec<Vec<f64>>,
    /// First time at which the expert of student `i` reaches ½ with teacher `j`, at `i·m* + j`.
    aligned: Vec<Option<f64>>,
    /// `(‖w‖⁴ − 1)/(2εt)` at the end, mean over students; none for the flow.
    growth: Option<f64>,
}

/// The setting and its three runs.
pub(super) struct PublishedFigure {
    students: usize,
    teachers: usize,
    dimension: u64,
    until: f64,
    noise: f64,
    /// The start that is shown, if one answers; the first of all otherwise.
    answering: Option<u64>,
    /// `κ_0` at `i·m* + j`.
    overlaps: Vec<f64>,
    quiet: Course,
    noisy: Course,
    /// Aligned up to [`FASTER`] times the figure's length.
    flow: Course,
}

impl PublishedFigure {
    pub(super) fn of(run: &Run<'_>) -> Result<Self, CheckError> {
        let (students, teachers) = (run.integer("figure-students") as usize, run.integer("figure-teachers") as usize);
        let law = InitialLaw::new(3, students, teachers, run.integer("figure-dimension"));
        let (until, noise) = (run.real("figure-time"), run.real("figure-noise"));
        let answering = run.units("figure-start", 1, |_| Self::answering(run, &law, until, noise))?[0];
        let start = law.sample(run.seed(), answering.unwrap_or(0)).map_err(CheckError::theory)?;
        let courses = run.units("figure", 3, |unit| match unit {
            0 => stochastic(run, &start, noise, 64),
            1 => stochastic(run, &start, NOISIER * noise, 65),
            _ => population(run, &start),
        })?;
        let [quiet, noisy, flow] = <[Course; 3]>::try_from(courses).expect("three units give three rows");
        let overlaps = overlaps(&start);
        Ok(Self { students, teachers, dimension: law.dimension, until, noise, answering, overlaps, quiet, noisy, flow })
    }

    /// The first start that can answer.
    fn answering(run: &Run<'_>, law: &InitialLaw, until: f64, noise: f64) -> Result<Option<u64>, CheckError> {
        let (shown, end) = (SHOWN.min(law.teachers), clock(noise, until));
        for replicate in 0..SEARCHED {
            run.proceed()?;
            let start = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
            let state = start.order_parameters();
            // The matching with lost dipoles is quick and, for the flow, on the safe side.
            let shape = [law.students, law.teachers];
            let claims = greedy_deflation(shape, |i, j| state.expert(i, j), |i, k| Some(state.student(i, k)));
            if claims.iter().filter(|claim| claim.time <= end).count() < shown {
                continue;
            }
            let flow = population(run, &start)?;
            if flow.answers(&overlaps(&start), law, shown, until, noise) {
                return Ok(Some(replicate));
            }
        }
        Ok(None)
    }

    /// The pair that the flow aligns first, and when.
    fn first(&self) -> Option<(usize, f64)> {
        let aligned = self.flow.aligned.iter().enumerate().filter_map(|(pair, time)| Some((pair, (*time)?)));
        aligned.filter(|(_, time)| *time <= self.until).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The effective equation's time from `κ_0` to ½ over the flow's closed form.
    fn delay(&self, pair: usize, noise: f64) -> Option<f64> {
        let from = self.overlaps[pair];
        let usable = (0.0..ALIGNED).contains(&from) && from > 0.0;
        let time = if usable { EffectiveSgd::new(noise).time(from, ALIGNED) } else { None };
        Some(time? / alignment_time(Router::Sigmoid, 3, from, ALIGNED))
    }

    /// Time of the flow's first pair under SGD over what flow and effective equation say, times `factor`.
    fn delayed(&self, factor: f64, how: &str) -> Evidence {
        const ACCEPT: [f64; 2] = [0.5, 2.0];
        let statement = format!(
            "{}: time at which online SGD aligns the pair that the flow aligns first, over the flow's time and the effective equation's factor{how}",
            self.name()
        );
        let Some((pair, time)) = self.first() else {
            return Evidence::unresolved(Inexact::Comparison, statement, ACCEPT, "the flow aligns no pair by then");
        };
        let Some((found, delay)) = self.quiet.aligned[pair].zip(self.delay(pair, self.noise)) else {
            return Evidence::unresolved(
                Inexact::Comparison,
                statement,
                ACCEPT,
                "SGD has not aligned that pair by then",
            );
        };
        let ratio = factor * found / (time * delay);
        let error = 3.0 * scatter(self.noise, self.dimension, self.overlaps[pair]);
        Evidence::comparison(statement, [ratio * (-error).exp(), ratio * error.exp()], ACCEPT)
    }

    /// Growth of the raw norms, the effective equation's first half in the paper's own setting.
    fn growth(&self, factor: f64, how: &str) -> Evidence {
        // One run, so an order only: three standard errors from the relative variance of one input's squared gradient, and room for the change of σ_w² along the way.
        const ACCEPT: [f64; 2] = [0.1, 4.0];
        let statement = format!("{}: (‖w‖⁴ − 1)/(2εt) at the end, mean over students{how}", self.name());
        let error = 3.0 * (TAIL / self.inputs(self.noise)).sqrt();
        match self.quiet.growth {
            Some(growth) => {
                Evidence::comparison(statement, [factor * (growth - error), factor * (growth + error)], ACCEPT)
            }
            None => Evidence::unresolved(Inexact::Comparison, statement, ACCEPT, "not a single step"),
        }
    }

    /// Teachers that SGD has aligned less those of the flow at `factor` times its clock, mean over the figure's times.
    fn teachers_aligned(&self, factor: f64, how: &str) -> Evidence {
        const ACCEPT: [f64; 2] = [-0.5, 0.5];
        let seen = mean_over_times(self.until, |time| self.quiet.teachers_by(self.teachers, time));
        let mean = seen - self.flow.mean_aligned(self.teachers, factor, self.until, self.noise);
        let statement = format!(
            "{}: teachers aligned by online SGD at t, less those aligned by the flow{how} at τ = (2/ε)((1+2εt)^¼ − 1), mean over times",
            self.name()
        );
        Evidence::comparison(statement, [mean, mean], ACCEPT)
    }

    fn step(&self, noise: f64) -> f64 {
        step(noise, BATCH, self.students, self.teachers, self.dimension)
    }

    fn inputs(&self, noise: f64) -> f64 {
        (self.until / self.step(noise)).ceil() * BATCH as f64
    }

    fn name(&self) -> String {
        format!(
            "m = {}, m* = {}, d = {}, ε = {}, t ≤ {}",
            self.students, self.teachers, self.dimension, self.noise, self.until
        )
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let witness = json!({
            "start": self.answering,
            "batch": BATCH,
            "step": self.step(self.noise),
            "inputs": self.inputs(self.noise),
            "growth": self.quiet.growth,
            "recovered": { "SGD": self.quiet.recovered(self.teachers), "SGD with twice the noise": self.noisy.recovered(self.teachers), "flow": self.flow.recovered(self.teachers) },
        });
        let judged = |title: &str, item: Evidence, twin: Evidence| {
            let item = match self.answering {
                Some(_) => item,
                None => item.withheld(format!("from none of {SEARCHED} starts does the flow answer")),
            };
            let control = Control::new(twin.statement().to_string(), twin);
            Finding::judged(title, item.statement().to_string(), &[item], &[control], witness.clone())
        };
        vec![
            judged(
                "the published figure: SGD aligns the flow's first pair, on time",
                self.delayed(1.0, ""),
                self.delayed(5.0, ", SGD's clock at five times its step"),
            ),
            judged(
                "the published figure: SGD aligns as many teachers as the flow on the effective clock",
                self.teachers_aligned(1.0, ""),
                self.teachers_aligned(FASTER, ", five times as fast,"),
            ),
            judged(
                "the published figure: raw norms grow",
                self.growth(1.0, ""),
                self.growth(100.0, ", ε a hundredth of the noise"),
            ),
        ]
    }

    /// Two panels for SGD, the same for the flow, and all alignments.
    pub(super) fn views(&self) -> (Vec<Table>, Vec<Figure>) {
        let (mut tables, mut figures) = (vec![self.alignments()], Vec::new());
        for (course, which, what) in
            [(&self.quiet, "sgd", format!("online SGD, ε = {}", self.noise)), (&self.flow, "flow", "flow".to_string())]
        {
            for (vector, overlaps) in [("expert", &course.experts), ("router", &course.routers)] {
                let name = format!("{which}-{vector}s");
                let students = course.students(self.teachers);
                let pairs: Vec<usize> = students.iter().enumerate().map(|(j, i)| i * self.teachers + j).collect();
                let mut heads: Vec<String> =
                    students.iter().enumerate().map(|(j, i)| format!("student {i}, teacher {j}")).collect();
                // One student and one teacher have no others.
                if self.overlaps.len() > pairs.len() {
                    heads.push("largest other".into());
                }
                let columns = heads.iter().map(|head| Column::new(head, ""));
                let mut table = Table::new(&name, std::iter::once(Column::new("t", "time")).chain(columns));
                for (k, row) in overlaps.iter().enumerate() {
                    let time = self.until * k as f64 / POINTS as f64;
                    let others = (0..row.len()).filter(|pair| !pairs.contains(pair)).map(|pair| row[pair]);
                    let shown = pairs.iter().map(|pair| row[*pair]).chain(others.reduce(f64::max));
                    table.push(std::iter::once(time.into()).chain(shown.map(Into::into)));
                }
                tables.push(table);
                let title =
                    format!("{vector} overlap of each teacher's student at the end: {what}, d = {}", self.dimension);
                figures.push(Figure::new(&name, title, &name, "t", heads, [Scale::Linear; 2]));
            }
        }
        (tables, figures)
    }

    /// Every pair that some run aligns, in the order of the flow, then of SGD.
    fn alignments(&self) -> Table {
        let noisier = NOISIER * self.noise;
        let columns = [
            ("student", String::new()),
            ("teacher", String::new()),
            ("κ_0", String::new()),
            ("T flow", "time".into()),
            ("T SGD", "time".into()),
            ("predicted", "time".into()),
            ("T SGD, twice the noise", "time".into()),
            ("predicted, twice the noise", "time".into()),
        ];
        let mut table = Table::new("alignments", columns.map(|(head, unit)| Column::new(head, unit)));
        let mut pairs: Vec<usize> = (0..self.overlaps.len())
            .filter(|&pair| [&self.flow, &self.quiet, &self.noisy].iter().any(|c| c.aligned[pair].is_some()))
            .collect();
        let key =
            |pair: usize| [&self.flow, &self.quiet, &self.noisy].map(|c| c.aligned[pair].unwrap_or(f64::INFINITY));
        pairs.sort_by(|a, b| key(*a).partial_cmp(&key(*b)).expect("times are numbers"));
        for pair in pairs {
            let predicted = |noise: f64| Some(self.flow.aligned[pair]? * self.delay(pair, noise)?);
            table.push([
                (pair / self.teachers).into(),
                (pair % self.teachers).into(),
                self.overlaps[pair].into(),
                self.flow.aligned[pair].into(),
                self.quiet.aligned[pair].into(),
                predicted(self.noise).into(),
                self.noisy.aligned[pair].into(),
                predicted(noisier).into(),
            ]);
        }
        table
    }
}

/// The flow's time at which it is where SGD is at `t`.
fn clock(noise: f64, time: f64) -> f64 {
    2.0 / noise * ((1.0 + 2.0 * noise * time).sqrt().sqrt() - 1.0)
}

/// `sd T/T` of a first alignment from `κ_0`.
fn scatter(noise: f64, dimension: u64, overlap: f64) -> f64 {
    (noise / (22.5 * dimension as f64 * overlap.max(0.0).powi(3))).sqrt()
}

fn mean_over_times(until: f64, count: impl Fn(f64) -> usize) -> f64 {
    (1..=POINTS).map(|k| count(until * k as f64 / POINTS as f64) as f64).sum::<f64>() / POINTS as f64
}

/// `κ_0` of all pairs, at `i·m* + j`.
fn overlaps(start: &Start) -> Vec<f64> {
    let state = start.order_parameters();
    (0..start.students())
        .flat_map(|i| (0..start.teachers()).map(move |j| (i, j)))
        .map(|(i, j)| state.expert(i, j))
        .collect()
}

fn population(run: &Run<'_>, start: &Start) -> Result<Course, CheckError> {
    let until = run.real("figure-time");
    let times: Vec<f64> = (0..=POINTS).map(|k| until * k as f64 / POINTS as f64).collect();
    let mut course = Course::new(start);
    let mut aligned = course.aligned.clone();
    let interrupted = |_: f64| run.proceed().is_err();
    let outcome = Flow::new(start).tolerance(1e-7).monitor(&interrupted).run(
        FASTER * until,
        &[Watch::Expert(ALIGNED)],
        &times,
        |_, state| course.push(&state),
        |event, _| {
            aligned[event.student * start.teachers() + event.other].get_or_insert(event.time);
            Stop::No
        },
    );
    run.proceed()?;
    outcome.map_err(CheckError::theory)?;
    course.aligned = aligned;
    Ok(course)
}

/// The simulation that does not see `d`; its law is that of all `d` coordinates.
fn stochastic(run: &Run<'_>, start: &Start, noise: f64, purpose: u32) -> Result<Course, CheckError> {
    let (m, teachers, until) = (start.students(), start.teachers(), run.real("figure-time"));
    let step = step(noise, BATCH, m, teachers, run.integer("figure-dimension"));
    let mut sgd = OnlineSgd::reduced(start, BATCH, step, run.substream(0, purpose)).map_err(CheckError::theory)?;
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
    fn teachers_by(&self, teachers: usize, time: f64) -> usize {
        let by_then = |j: &usize| self.aligned.iter().skip(*j).step_by(teachers).flatten().any(|at| *at <= time);
        (0..teachers).filter(by_then).count()
    }

    /// Teachers aligned at `factor` times the clock of SGD, mean over the figure's times.
    fn mean_aligned(&self, teachers: usize, factor: f64, until: f64, noise: f64) -> f64 {
        mean_over_times(until, |time| self.teachers_by(teachers, factor * clock(noise, time)))
    }

    /// Whether SGD can be held against this flow: see the documentation of the module.
    fn answers(&self, overlaps: &[f64], law: &InitialLaw, shown: usize, until: f64, noise: f64) -> bool {
        let end = clock(noise, until);
        let mut pairs: Vec<(f64, f64, usize)> = (0..overlaps.len())
            .filter_map(|pair| Some((self.aligned[pair]?, scatter(noise, law.dimension, overlaps[pair]), pair)))
            .filter(|(time, ..)| *time <= end)
            .collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let once = |pair: usize| {
            let (i, j) = (pair / law.teachers, pair % law.teachers);
            pairs.iter().filter(|(.., other)| other / law.teachers == i || other % law.teachers == j).count() == 1
        };
        let ahead =
            self.mean_aligned(law.teachers, FASTER, until, noise) - self.mean_aligned(law.teachers, 1.0, until, noise);
        let clear = pairs.iter().all(|(_, scatter, pair)| *scatter <= SCATTER[1] && once(*pair));
        self.teachers_by(law.teachers, end) >= shown
            && ahead >= LEAD
            && clear
            && pairs.first().is_some_and(|(_, scatter, _)| *scatter <= SCATTER[0])
    }

    /// The student of each teacher: the one whose expert overlaps it most at the end.
    fn students(&self, teachers: usize) -> Vec<usize> {
        let Some(last) = self.experts.last() else { return vec![0; teachers] };
        let best = |j: usize| {
            (0..last.len() / teachers)
                .max_by(|a, b| last[a * teachers + j].total_cmp(&last[b * teachers + j]))
                .unwrap_or(0)
        };
        (0..teachers).map(best).collect()
    }

    /// Teachers whose best expert overlap exceeds 0.9 at the end.
    fn recovered(&self, teachers: usize) -> usize {
        let Some(last) = self.experts.last() else { return 0 };
        self.students(teachers).iter().enumerate().filter(|(j, i)| last[*i * teachers + j] > RECOVERED).count()
    }
}

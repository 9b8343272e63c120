//! The published figure: overlaps over time under online SGD at two strengths of the noise, and under the flow, all from one start.
//!
//! # What can be expected
//!
//! The flow's first pair, from `κ_0` in a time `T_flow`, is later under SGD by the factor `ρ` of the effective equation from the same `κ_0` to ½. How far single runs scatter about that is drawn, not derived: [`RUNS`] runs of the effective equation with its noise from the same start (`diffusion`),
//! of which none is a run of SGD, give `s`, the standard deviation of `ln T`. For `R` runs of SGD the error of the mean of `ln T` is taken as `t s/√R`, `t` of Student's law. The region `[½, 2]` is what the eye reads off a figure. Where another student's pair overtakes the first one under the noise the ratio answers
//! for the flow's pair all the same.
//!
//! *How many teachers.* With `r = ‖w‖² = √(1+2εt)` the effective equation for small `κ` is the flow's, `dκ̃/dτ = 4.5κ̃²`, for `κ̃ = κ√r` on the clock
//!
//! ```text
//! dτ = r^{−3/2} dt,      τ = (2/ε)((1+2εt)^{1/4} − 1)
//! ```
//!
//! So at `t` SGD is to have aligned as many teachers as the flow at `τ(t)`: 4.4 at `t = 6` for `ε = 0.1`, 25 at `t = 60` for `ε = 0.05`. Judged by the mean of the difference over the figure's times, to half a teacher; its error, too, is that of the runs of the noisy equation. A flow five times as fast makes the twin.
//!
//! *Which start.* Most starts answer nothing: dipoles take the students, no second teacher is aligned in time, or the scatter is wider than the region. So the figure is of the first start that can answer, by the flow and the noisy equation and before any SGD: within the
//! figure's clock the flow aligns [`SHOWN`] teachers (all, of fewer); no student and no teacher is in two of these pairs, for noise decides such ties; every one of the noisy runs aligns the first pair in time, with errors of at most [`ERROR`] in its time and [`ERRORS`] teachers, so that as much is left of the regions for what the effective equation
//! leaves out; and the twin is ahead by [`LEAD`] of a teacher at least, so that it is rejected wherever SGD itself is not ahead of the flow by what is left. Of [`DRAWN`] starts the scatter is drawn; if none is narrow enough the first of them is shown, and what is too wide stays open. So it is at the published size (`m = 25`, `d = 1000`, `ε = 0.1`, seed 11): from none of the starts did all noisy runs align the flow's first pair by `t = 6`, and two of four runs of SGD did not; the verdict comes from the
//! smaller size of quick effort.
//! It says what SGD does where the flow finds teachers, not how often that is; which start it is stands in every statement. Where none of [`SEARCHED`] starts answers, the first is shown and nothing is decided.
//!
//! The growth of raw norms is shown and not judged: `σ_w²` falls as students learn, and by how much along the way is not derived.

use moe_kernels::Router;
use moe_theory::soft_routed::{
    EffectiveSgd, Flow, InitialLaw, OnlineSgd, OrderParameters, Start, Stop, Watch, alignment_time, greedy_deflation,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::LEVEL;
use super::diffusion::alignments;
use super::simulation::step;
use crate::{CheckError, Column, Control, Evidence, Figure, Finding, Inexact, Run, Scale, Table, statistics};

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
/// Starts among which one is sought.
const SEARCHED: u64 = 1000;
/// Runs of the effective equation with its noise, and the purpose of their random stream.
const RUNS: u64 = 24;
const NOISE: u32 = 66;
/// Starts whose scatter is drawn, at most, and the runs after which one that is far too wide is left.
const DRAWN: usize = 8;
const GLANCE: usize = 8;
/// Largest errors of a mean of `ln T`, and of a mean number of teachers.
const ERROR: f64 = 0.4;
const ERRORS: f64 = 0.3;

/// How runs from one start scatter: standard deviations of `ln T` of the flow's first pair and of the mean number of teachers aligned.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Scatter {
    time: f64,
    teachers: f64,
}

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
    /// The start that is shown, if one answers; the first of all otherwise. With its scatter.
    answering: Option<(u64, Option<Scatter>)>,
    /// `κ_0` at `i·m* + j`.
    overlaps: Vec<f64>,
    /// Runs from the one start; the first is shown.
    quiet: Vec<Course>,
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
        let start = law.sample(run.seed(), answering.map_or(0, |found| found.0)).map_err(CheckError::theory)?;
        let mut quiet = run.units("figure", 2 + run.integer("figure-runs") as usize, |unit| match unit {
            0 => stochastic(run, &start, NOISIER * noise, 0, 65),
            1 => population(run, &start),
            _ => stochastic(run, &start, noise, unit as u64 - 2, 64),
        })?;
        let mut others = quiet.drain(..2);
        let (noisy, flow) = others.next().zip(others.next()).expect("two units before the runs");
        drop(others);
        let overlaps = overlaps(&start);
        Ok(Self { students, teachers, dimension: law.dimension, until, noise, answering, overlaps, quiet, noisy, flow })
    }

    /// The first start that can answer, and how runs scatter from it.
    fn answering(
        run: &Run<'_>,
        law: &InitialLaw,
        until: f64,
        noise: f64,
    ) -> Result<Option<(u64, Option<Scatter>)>, CheckError> {
        let (shown, end) = (SHOWN.min(law.teachers), clock(noise, until));
        let runs = run.integer("figure-runs");
        let (mut first, mut drawn) = (None, 0);
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
            let Some(pair) = flow.answers(law, shown, until, noise) else { continue };
            // One dimension's scatter is too small, so what is too wide by it need not be drawn.
            let narrow = formula(noise, law.dimension, overlaps(&start)[pair]);
            if error(narrow, runs) > ERROR {
                continue;
            }
            let scatter = scatter(run, &start, pair, [until, noise], runs)?;
            first = first.or(Some((replicate, scatter)));
            if scatter.is_some_and(|scatter| scatter.answers(runs)) {
                return Ok(Some((replicate, scatter)));
            }
            drawn += 1;
            if drawn == DRAWN {
                break;
            }
        }
        Ok(first)
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
            "{}: time at which online SGD aligns the pair that the flow aligns first, over the flow's time and the effective equation's factor{how}, geometric mean of {} runs",
            self.name(),
            self.quiet.len()
        );
        let Some((pair, time_of_flow)) = self.first() else {
            return Evidence::unresolved(Inexact::Comparison, statement, ACCEPT, "the flow aligns no pair by then");
        };
        let times: Option<Vec<f64>> = self.quiet.iter().map(|course| course.aligned[pair]).collect();
        let Some((found, delay)) = times.zip(self.delay(pair, self.noise)) else {
            return Evidence::unresolved(
                Inexact::Comparison,
                statement,
                ACCEPT,
                "SGD does not align that pair by then",
            );
        };
        let mean =
            found.iter().map(|time| (factor * time / (time_of_flow * delay)).ln()).sum::<f64>() / found.len() as f64;
        let error = self.error(|scatter| scatter.time);
        Evidence::comparison(statement, [(mean - error).exp(), (mean + error).exp()], ACCEPT)
    }

    /// Half the width of an interval for a mean over the runs; without a start that answers nothing is decided.
    fn error(&self, of: impl Fn(&Scatter) -> f64) -> f64 {
        self.answering
            .and_then(|found| found.1)
            .map_or(f64::INFINITY, |scatter| error(of(&scatter), self.quiet.len() as u64))
    }

    /// Teachers that SGD has aligned less those of the flow at `factor` times its clock, mean over the figure's times.
    fn teachers_aligned(&self, factor: f64, how: &str) -> Evidence {
        const ACCEPT: [f64; 2] = [-0.5, 0.5];
        let seen = |course: &Course| mean_over_times(self.until, |time| course.teachers_by(self.teachers, time));
        let seen = self.quiet.iter().map(seen).sum::<f64>() / self.quiet.len() as f64;
        let mean = seen - self.flow.mean_aligned(self.teachers, factor, self.until, self.noise);
        let statement = format!(
            "{}: teachers aligned by online SGD at t, less those aligned by the flow{how} at τ = (2/ε)((1+2εt)^¼ − 1), mean over times and {} runs",
            self.name(),
            self.quiet.len()
        );
        let error = self.error(|scatter| scatter.teachers);
        Evidence::comparison(statement, [mean - error, mean + error], ACCEPT)
    }

    fn step(&self, noise: f64) -> f64 {
        step(Router::Sigmoid, noise, BATCH, [self.students, self.teachers], self.dimension)
    }

    fn inputs(&self, noise: f64) -> f64 {
        (self.until / self.step(noise)).ceil() * BATCH as f64
    }

    fn name(&self) -> String {
        let start = match self.answering {
            Some((number, _)) => format!("start {number}, the first one whose flow answers"),
            None => "start 0, no flow answers".into(),
        };
        format!(
            "m = {}, m* = {}, d = {}, ε = {}, t ≤ {}, {start}",
            self.students, self.teachers, self.dimension, self.noise, self.until
        )
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let witness = json!({
            "start": self.answering.map(|found| found.0),
            "scatter": self.answering.and_then(|found| found.1).map(|scatter| json!({ "ln T": scatter.time, "teachers": scatter.teachers })),
            "runs": self.quiet.len(),
            "batch": BATCH,
            "step": self.step(self.noise),
            "inputs": self.inputs(self.noise),
            "recovered": { "SGD": self.quiet[0].recovered(self.teachers), "SGD with twice the noise": self.noisy.recovered(self.teachers), "flow": self.flow.recovered(self.teachers) },
        });
        let judged = |title: &str, item: Evidence, twin: Evidence| {
            let item = match self.answering {
                Some((_, Some(_))) => item,
                Some((_, None)) => item.withheld(format!(
                    "runs of the noisy equation from this start are not all in time, or too far apart; of {DRAWN} starts whose flow answers none is narrower"
                )),
                None => item.withheld(format!("from none of {SEARCHED} starts does the flow answer")),
            };
            let control = Control::from(twin);
            Finding::judged(title, item.statement().to_string(), &[item], &[control], witness.clone())
        };
        let size = format!("m = {}, m* = {}, d = {}", self.students, self.teachers, self.dimension);
        vec![
            judged(
                &format!("a figure of the published kind, {size}: SGD aligns the flow's first pair, on time"),
                self.delayed(1.0, ""),
                self.delayed(5.0, ", SGD's clock at five times its step"),
            ),
            judged(
                &format!(
                    "a figure of the published kind, {size}: SGD aligns as many teachers as the flow on the effective clock"
                ),
                self.teachers_aligned(1.0, ""),
                self.teachers_aligned(FASTER, ", five times as fast,"),
            ),
        ]
    }

    /// Two panels for SGD, the same for the flow, and all alignments.
    pub(super) fn views(&self) -> (Vec<Table>, Vec<Figure>) {
        let (mut tables, mut figures) = (vec![self.alignments(), self.norms()], Vec::new());
        for (course, which, what) in [
            (&self.quiet[0], "sgd", format!("online SGD, ε = {}", self.noise)),
            (&self.flow, "flow", "flow".to_string()),
        ] {
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

    /// How much raw norms grow: 1 by the law for dormant experts, less where students learn.
    fn norms(&self) -> Table {
        let heads = ["run", "ε", "(‖w‖⁴ − 1)/(2εt) at the end, mean over students"];
        let mut table = Table::new("norms", heads.map(|head| Column::new(head, "")));
        let quiet = self.quiet.iter().map(|course| (course, self.noise));
        for (k, (course, noise)) in quiet.chain([(&self.noisy, NOISIER * self.noise)]).enumerate() {
            table.push([k.into(), noise.into(), course.growth.into()]);
        }
        table
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
            .filter(|&pair| [&self.flow, &self.quiet[0], &self.noisy].iter().any(|c| c.aligned[pair].is_some()))
            .collect();
        let key =
            |pair: usize| [&self.flow, &self.quiet[0], &self.noisy].map(|c| c.aligned[pair].unwrap_or(f64::INFINITY));
        pairs.sort_by(|a, b| key(*a).partial_cmp(&key(*b)).expect("times are numbers"));
        for pair in pairs {
            let predicted = |noise: f64| Some(self.flow.aligned[pair]? * self.delay(pair, noise)?);
            table.push([
                (pair / self.teachers).into(),
                (pair % self.teachers).into(),
                self.overlaps[pair].into(),
                self.flow.aligned[pair].into(),
                self.quiet[0].aligned[pair].into(),
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

/// `sd T/T` of a first alignment from `κ_0` by the noise along its own teacher alone: `∫ s²/(4.5κ²)² dt = s²/(5·4.5³κ_0⁵)` with `s² = ε/d`, over `T² = 1/(4.5κ_0)²`.
fn formula(noise: f64, dimension: u64, overlap: f64) -> f64 {
    (noise / (22.5 * dimension as f64 * overlap.max(0.0).powi(3))).sqrt()
}

/// The scatter of runs from a start whose flow aligns this pair first; none where some run does not align it in time, or a few of them are apart by half more than is allowed.
fn scatter(
    run: &Run<'_>,
    start: &Start,
    pair: usize,
    [until, noise]: [f64; 2],
    runs: u64,
) -> Result<Option<Scatter>, CheckError> {
    let (mut times, mut counts) = (Vec::new(), Vec::new());
    for replicate in 0..RUNS {
        let aligned = alignments(run, start, [noise, until, ALIGNED], replicate, NOISE)?;
        let Some(time) = aligned[pair] else { return Ok(None) };
        times.push(time.ln());
        counts.push(mean_over_times(until, |time| teachers_by(&aligned, start.teachers(), time)));
        let glance = Scatter { time: deviation(&times) / 1.5, teachers: deviation(&counts) / 1.5 };
        if times.len() == GLANCE && !glance.answers(runs) {
            return Ok(None);
        }
    }
    Ok(Some(Scatter { time: deviation(&times), teachers: deviation(&counts) }))
}

/// The standard deviation; 0 of a single value.
fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (values.len().max(2) - 1) as f64).sqrt()
}

impl Scatter {
    /// Whether a mean of so many runs can be told from what would be refused.
    fn answers(&self, runs: u64) -> bool {
        error(self.time, runs) <= ERROR && error(self.teachers, runs) <= ERRORS
    }
}

/// Half the width of the interval for a mean of so many runs, from the standard deviation of [`RUNS`] others.
fn error(deviation: f64, runs: u64) -> f64 {
    let quantile = statistics::student_quantile(RUNS as usize - 1, LEVEL).unwrap_or(f64::INFINITY);
    quantile * deviation / (runs as f64).sqrt()
}

/// Teachers of which some student's expert has reached ½ by then, of the times at `i·m* + j`.
fn teachers_by(aligned: &[Option<f64>], teachers: usize, time: f64) -> usize {
    let by_then = |j: &usize| aligned.iter().skip(*j).step_by(teachers).flatten().any(|at| *at <= time);
    (0..teachers).filter(by_then).count()
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
fn stochastic(run: &Run<'_>, start: &Start, noise: f64, replicate: u64, purpose: u32) -> Result<Course, CheckError> {
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
        teachers_by(&self.aligned, teachers, time)
    }

    /// Teachers aligned at `factor` times the clock of SGD, mean over the figure's times.
    fn mean_aligned(&self, teachers: usize, factor: f64, until: f64, noise: f64) -> f64 {
        mean_over_times(until, |time| self.teachers_by(teachers, factor * clock(noise, time)))
    }

    /// The pair that is first, where SGD can be held against this flow: see the documentation of the module.
    fn answers(&self, law: &InitialLaw, shown: usize, until: f64, noise: f64) -> Option<usize> {
        let end = clock(noise, until);
        let pairs = self.aligned.iter().enumerate().filter_map(|(pair, time)| Some(((*time)?, pair)));
        let pairs: Vec<(f64, usize)> = pairs.filter(|(time, _)| *time <= end).collect();
        let once = |pair: usize| {
            let (i, j) = (pair / law.teachers, pair % law.teachers);
            pairs.iter().filter(|(_, other)| other / law.teachers == i || other % law.teachers == j).count() == 1
        };
        let ahead =
            self.mean_aligned(law.teachers, FASTER, until, noise) - self.mean_aligned(law.teachers, 1.0, until, noise);
        let first = pairs.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        let clear = pairs.iter().all(|(_, pair)| once(*pair));
        (clear && ahead >= LEAD && self.teachers_by(law.teachers, end) >= shown).then_some(first.1)
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

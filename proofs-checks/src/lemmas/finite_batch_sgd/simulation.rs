//! The runs of online SGD behind the evidence: timed alignments, pairs of simulations, floors.

use moe_kernels::Router;
use moe_theory::soft_routed::{
    EffectiveSgd, Flow, InitialLaw, OnlineSgd, SgdError, Start, StudentTeacher, Watch, alignment_time,
};
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::axes::{axis, beside};
use crate::{CheckError, Run};

/// Where the timed overlap starts and ends.
pub(super) const PASSAGE: [f64; 2] = [0.25, 0.5];
/// Parts of the range of overlaps in which the response of the time is tabulated.
const CELLS: usize = 32;
/// Limits of the step and of the relative shift by noise within the span; beyond, the check does not answer.
const LARGEST_STEP: f64 = 0.005;
const LARGEST_SHIFT: f64 = 0.01;
/// Time, `ε` and batch of the comparison of the two simulations, and the start's overlaps.
pub(super) const COMPARED: (f64, f64, usize) = (0.3, 0.4, 32);
const COMPARED_START: [f64; 2] = [0.1, 0.3];
/// `½E f_i²` of a redundant student.
const REDUNDANT_LOSS: f64 = 0.880_137_107_574_278_9;
/// Predicted floor, and the time at which it is read: eight times the expert's relaxation time 1/5.28.
pub(super) const FLOOR: (f64, f64) = (0.002, 1.5);

/// A batch size and a step.
#[derive(Clone, Copy, Debug)]
pub(in crate::lemmas) struct Setting {
    /// With `A_0 = ½`, as the effective equation has it.
    pub(in crate::lemmas) router: Router,
    pub(in crate::lemmas) dimension: u64,
    pub(in crate::lemmas) batch: usize,
    pub(in crate::lemmas) epsilon: f64,
}

impl Setting {
    /// `η` of one student and one teacher.
    pub(super) fn step(&self) -> f64 {
        step(self.router, self.epsilon, self.batch, [1, 1], self.dimension)
    }

    pub(in crate::lemmas) fn effective(&self) -> EffectiveSgd {
        EffectiveSgd::new(self.epsilon)
    }

    /// `−∂T/∂κ` of the effective equation at raw norm 1, in the middle of each of [`CELLS`] equal parts of the overlaps from half of the start to the end.
    fn response(&self) -> Option<Vec<f64>> {
        let [from, to] = PASSAGE;
        let width = (to - 0.5 * from) / CELLS as f64;
        let times: Option<Vec<f64>> =
            (0..CELLS).map(|k| self.effective().time(to - width * (CELLS - k) as f64, to)).collect();
        let times = times?.into_iter().chain([0.0]).collect::<Vec<f64>>();
        Some(times.windows(2).map(|pair| (pair[0] - pair[1]) / width).collect())
    }

    pub(super) fn name(&self) -> String {
        format!("B = {}, η = {:.3e}, ε = {}, d = {}", self.batch, self.step(), self.epsilon, self.dimension)
    }

    /// Why the effective equation is not held against this setting.
    pub(super) fn excluded(&self) -> Option<String> {
        let shift = self.epsilon / (18.0 * self.dimension as f64 * PASSAGE[0].powi(3));
        if self.step() > LARGEST_STEP {
            Some(format!("the step {:.2e} is above {LARGEST_STEP}, beyond which Euler's error counts", self.step()))
        } else if shift > LARGEST_SHIFT {
            Some(format!("noise within the span shifts the time by {shift:.1e}, more than {LARGEST_SHIFT}"))
        } else {
            None
        }
    }
}

/// One alignment under SGD.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::lemmas) struct Passage {
    /// Time at which `κ` reaches the end, interpolated within the step; none within ten times the effective equation's.
    pub(super) time: Option<f64>,
    /// The same less the linear response to the noise.
    pub(super) adjusted: Option<f64>,
    /// `(‖w‖⁴ − 1)/(2εT)`: 1 by the law of growth.
    pub(super) growth: Option<f64>,
}

/// A pair of students after a fixed time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Endpoint {
    /// `κ_00` less the noise along the teacher, of mean zero.
    pub(super) overlap: f64,
    /// `ln(‖w_0‖² − 1)` and `ln(‖v_0‖² − 1)`.
    pub(super) growth: [f64; 2],
}

/// `η = εB/(σ_w²(d − 1))`.
pub(super) fn step(
    router: Router,
    epsilon: f64,
    batch: usize,
    [students, teachers]: [usize; 2],
    dimension: u64,
) -> f64 {
    epsilon * batch as f64 / (EffectiveSgd::noise_variance(router, students, teachers) * (dimension - 1) as f64)
}

/// Student 0 with the given expert overlap with teacher 0, other students and every other overlap orthogonal.
pub(in crate::lemmas) fn clean_start(
    router: Router,
    students: usize,
    overlaps: [f64; 2],
    dimension: u64,
) -> Result<Start, CheckError> {
    let coordinates = 2 * students + 2;
    let axis = |k: usize| axis(coordinates, k);
    let turned = |teacher: usize, own: usize, overlap: f64| beside(coordinates, &[(teacher, overlap)], own);
    let unit = |i: usize, part: usize| 2 + 2 * i + part;
    let mut routers: Vec<Vec<f64>> = (0..students).map(|i| axis(unit(i, 0))).collect();
    let mut experts: Vec<Vec<f64>> = (0..students).map(|i| axis(unit(i, 1))).collect();
    (routers[0], experts[0]) = (turned(0, unit(0, 0), overlaps[0]), turned(1, unit(0, 1), overlaps[1]));
    let model = StudentTeacher::from_rows(router, 3, [&routers, &experts], [&[axis(0)], &[axis(1)]])
        .map_err(CheckError::theory)?;
    Ok(Start::reduce(&model).in_dimension(dimension))
}

/// [`OnlineSgd::full`] or [`OnlineSgd::reduced`].
type Simulation = fn(&Start, usize, f64, ChaCha8Rng) -> Result<OnlineSgd, SgdError>;

pub(in crate::lemmas) fn passage(
    run: &Run<'_>,
    setting: &Setting,
    replicate: u64,
    purpose: u32,
    simulation: Simulation,
) -> Result<Passage, CheckError> {
    let (step, [from, to]) = (setting.step(), PASSAGE);
    let none = Passage { time: None, adjusted: None, growth: None };
    let (Some(law), Some(table)) = (setting.effective().time(from, to), setting.response()) else { return Ok(none) };
    let start = clean_start(setting.router, 1, [0.0, from], setting.dimension)?;
    let mut sgd =
        simulation(&start, setting.batch, step, run.substream(replicate, purpose)).map_err(CheckError::theory)?;
    let (mut kappa, mut response) = (from, 0.0);
    for k in 0..(10.0 * law / step) as u64 {
        run.proceed()?;
        sgd.draw();
        let norm = sgd.expert_norm(0);
        // Any bounded weight that depends on the past alone will do. Times scale with r = ‖w‖².
        let place = (kappa - 0.5 * from) / (to - 0.5 * from) * CELLS as f64 - 0.5;
        let place = place.clamp(0.0, (CELLS - 1) as f64 - 1e-9);
        let (cell, share) = (place as usize, place.fract());
        let slope = norm * norm * (table[cell] * (1.0 - share) + table[cell + 1] * share);
        response += slope * step / norm * sgd.expert_deviation(0, 0);
        sgd.advance();
        let next = sgd.expert(0, 0);
        if next >= to {
            let time = step * (k as f64 + (to - kappa) / (next - kappa));
            let growth = (sgd.expert_norm(0).powi(4) - 1.0) / (2.0 * setting.epsilon * time);
            return Ok(Passage { time: Some(time), adjusted: Some(time - response), growth: Some(growth) });
        }
        kappa = next;
    }
    Ok(none)
}

/// The population flow's time from the same start.
pub(super) fn flow_time(run: &Run<'_>) -> Result<Option<f64>, CheckError> {
    let start = clean_start(Router::Sigmoid, 1, [0.0, PASSAGE[0]], run.integer("dimension"))?;
    let until = 10.0 * alignment_time(Router::Sigmoid, 3, PASSAGE[0], PASSAGE[1]);
    let passage = run.first_passage(Flow::new(&start), Watch::Expert(PASSAGE[1]), until)?;
    Ok(passage.map(|event| event.time))
}

/// Two students and two teachers after the time of comparison, from starts that all simulations share.
pub(super) fn endpoints(
    run: &Run<'_>,
    sweep: &str,
    simulation: impl Fn(Start, f64, ChaCha8Rng) -> Result<OnlineSgd, SgdError> + Sync,
    purpose: u32,
) -> Result<Vec<Endpoint>, CheckError> {
    let (until, epsilon, batch) = COMPARED;
    let law = InitialLaw::new(3, 2, 2, run.integer("full-dimension"));
    let step = step(law.router, epsilon, batch, [2, 2], law.dimension);
    run.units(sweep, run.integer("full-replicates") as usize, |unit| {
        let start = law.sample(run.seed(), unit as u64).map_err(CheckError::theory)?;
        let start = start.with_teacher_overlaps(COMPARED_START[0], COMPARED_START[1]);
        let mut sgd = simulation(start, step, run.substream(unit as u64, purpose)).map_err(CheckError::theory)?;
        let mut noise = 0.0;
        for _ in 0..(until / step).round() as u64 {
            run.proceed()?;
            sgd.draw();
            noise -= step * sgd.expert_deviation(0, 0) / sgd.expert_norm(0);
            sgd.advance();
        }
        // Rounding alone could leave a norm at 1 after a single tiny step.
        let growth = [sgd.expert_norm(0), sgd.router_norm(0)].map(|norm| (norm * norm - 1.0).max(f64::EPSILON).ln());
        Ok(Endpoint { overlap: sgd.expert(0, 0) - noise, growth })
    })
}

/// `1 − κ` of a learned expert beside a redundant student, over the predicted floor.
pub(super) fn floor(run: &Run<'_>, dimension: u64, replicate: u64) -> Result<f64, CheckError> {
    let ((predicted, until), batch) = (FLOOR, 64);
    let step = floor_step(predicted, batch, dimension);
    let [expert, _] = learned_errors(run, dimension, (batch, step, until), run.substream(replicate, 48), |_| {})?;
    Ok(expert / predicted)
}

/// The step with this floor `ηdL_r/(2B)`.
pub(in crate::lemmas) fn floor_step(floor: f64, batch: usize, dimension: u64) -> f64 {
    floor * 2.0 * batch as f64 / (dimension as f64 * REDUNDANT_LOSS)
}

/// `1 − κ` and `1 − β` of a student that has learned its teacher, beside a redundant one; mean over the last quarter of the time. With batch, step and time, and what is done after every step.
pub(in crate::lemmas) fn learned_errors(
    run: &Run<'_>,
    dimension: u64,
    (batch, step, until): (usize, f64, f64),
    stream: ChaCha8Rng,
    after: impl Fn(&mut OnlineSgd),
) -> Result<[f64; 2], CheckError> {
    let start = clean_start(Router::Sigmoid, 2, [1.0, 1.0], dimension)?;
    let mut sgd = OnlineSgd::reduced(&start, batch, step, stream).map_err(CheckError::theory)?;
    let steps = (until / step).ceil() as u64;
    let (mut sums, mut count) = ([0.0; 2], 0.0);
    for k in 0..steps {
        run.proceed()?;
        sgd.draw();
        sgd.advance();
        after(&mut sgd);
        if 4 * k >= 3 * steps {
            let errors = [1.0 - sgd.expert(0, 0), 1.0 - sgd.router(0, 0)];
            sums.iter_mut().zip(errors).for_each(|(sum, error)| *sum += error);
            count += 1.0;
        }
    }
    Ok(sums.map(|sum| sum / count))
}

//! Plateaus: flows over a grid of `m`, `d` and scales of the student-student overlaps, read once every teacher is recovered.

use std::cell::{Cell, RefCell};

use moe_theory::soft_routed::{Event, Flow, FlowError, InitialLaw, OrderParameters, Stop, Watch, greedy_deflation};
use serde::{Deserialize, Serialize};

use super::{BASE, DIMENSIONS, LEVEL, RESPONSE, SCALES, WAKING, start};
use crate::{CheckError, Column, Run, Table, statistics};

/// Overlaps of a recovered pair.
const RECOVERED: f64 = 0.9;
/// When the plateau is read first and again, in units of `ln d` after the last recovery.
pub(super) const READINGS: [f64; 2] = [6.0, 9.0];

/// One setting of the grid.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Setting {
    pub(super) students: usize,
    pub(super) dimension: u64,
    pub(super) scale: f64,
}

/// One plateau. Deficits are of the recovered pair that has the largest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plateau {
    replicate: u64,
    pub(super) dimension: u64,
    /// Largest student-student overlap at the start.
    pub(super) delta: f64,
    /// When the plateau was read.
    time: f64,
    pub(super) recovered: usize,
    /// Whether a redundant student has woken, or does so before the later reading: no plateau any more.
    pub(super) awake: bool,
    /// `1 − κ`, its prediction from the state, and `1 − κ` of the same pair at the later reading.
    pub(super) expert: f64,
    pub(super) law: f64,
    pub(super) later: f64,
    /// Its prediction from the start, for students that start orthogonal.
    pub(super) foretold: Option<f64>,
    /// `1 − β`.
    router: f64,
}

impl Plateau {
    pub(super) fn deficit(&self) -> f64 {
        self.expert.max(self.router)
    }

    /// Whether the row shows a plateau.
    fn is_read(&self) -> bool {
        self.recovered > 0 && self.expert > 0.0 && !self.awake
    }

    /// `m⁷ δ³ d^{3/2}`; none for students that start orthogonal, whose `δ` is 0 up to rounding.
    pub(super) fn bound(&self, setting: Setting) -> Option<f64> {
        let bound = (setting.students as f64).powi(7) * self.delta.powi(3) * (setting.dimension as f64).powf(1.5);
        (setting.scale > 0.0).then_some(bound)
    }

    /// The constant with which the bound is an equality.
    pub(super) fn constant(&self, setting: Setting) -> Option<f64> {
        Some(self.deficit() / self.bound(setting)?)
    }

    /// The `δ` below which the bound with `C = 1` is broken, were the reading the same at every `δ`.
    fn breaking(&self, setting: Setting) -> f64 {
        (self.deficit() / ((setting.students as f64).powi(7) * (setting.dimension as f64).powf(1.5))).cbrt()
    }
}

/// All plateaus: `rows[setting][replicate]`.
pub(super) struct Grid {
    pub(super) settings: Vec<Setting>,
    rows: Vec<Vec<Plateau>>,
}

/// Numbers of students beside the run's own.
fn other_students(run: &Run<'_>) -> Vec<usize> {
    let students = run.integer("students") as usize;
    [run.integer("teachers") as usize + 1, students + 2].into_iter().filter(|others| *others != students).collect()
}

/// For each number of students in evidence, the run's own first, the settings between which the exponent in `δ` is read.
pub(super) fn in_evidence(run: &Run<'_>) -> Vec<[Setting; 2]> {
    let students = run.integer("students") as usize;
    let fewest = Some(run.integer("teachers") as usize + 1).filter(|fewest| *fewest != students);
    let ends = |students| [SCALES[4], SCALES[5]].map(|scale| Setting { students, dimension: BASE, scale });
    std::iter::once(students).chain(fewest).map(ends).collect()
}

/// Dimensions, scales at the base dimension, and numbers of students at the first two dimensions.
fn settings(run: &Run<'_>) -> Vec<Setting> {
    let students = run.integer("students") as usize;
    let mut settings: Vec<Setting> = DIMENSIONS.map(|dimension| Setting { students, dimension, scale: 0.0 }).to_vec();
    let random = DIMENSIONS.into_iter().filter(|d| *d <= 10u64.pow(run.integer("decades") as u32));
    settings.extend(random.map(|dimension| Setting { students, dimension, scale: 1.0 }));
    settings.extend(SCALES.map(|scale| Setting { students, dimension: BASE, scale }));
    settings.extend(in_evidence(run).into_iter().skip(1).flatten());
    for others in other_students(run) {
        settings.push(Setting { students: others, dimension: BASE, scale: 1.0 });
        settings.extend([0, 1].map(|k| Setting { students: others, dimension: DIMENSIONS[k], scale: 0.0 }));
    }
    settings
}

pub(super) fn grid(run: &Run<'_>) -> Result<Grid, CheckError> {
    let settings = settings(run);
    let mut eligible = Vec::new();
    for setting in &settings {
        let known = settings.iter().zip(&eligible).find(|(other, _)| other.students == setting.students);
        let found = match known {
            Some((_, found)) => Vec::clone(found),
            None => self::eligible(run, setting.students, run.integer("replicates") as usize)?,
        };
        eligible.push(found);
    }
    // Settings may find different numbers of starts.
    let starts =
        settings.iter().zip(&eligible).flat_map(|(setting, found)| found.iter().map(|start| (*setting, *start)));
    let starts: Vec<(Setting, u64)> = starts.collect();
    let rows = run.units("plateaus", starts.len(), |unit| plateau(run, starts[unit].0, starts[unit].1))?;
    let mut rows = rows.into_iter();
    let rows = eligible.iter().map(|found| rows.by_ref().take(found.len()).collect()).collect();
    Ok(Grid { settings, rows })
}

/// Random starts beyond those of the grid, read at two settings: at the second one only where the first is on the plateau.
pub(super) fn further(run: &Run<'_>, ends: [Setting; 2]) -> Result<Vec<[Plateau; 2]>, CheckError> {
    let known = run.integer("replicates") as usize;
    let wanted = (run.integer("random-replicates") as usize).max(known);
    let starts = eligible(run, ends[0].students, wanted)?.split_off(known);
    let pairs = run.units("random", starts.len(), |unit| {
        let first = plateau(run, ends[0], starts[unit])?;
        Ok(if first.is_read() { Some([first, plateau(run, ends[1], starts[unit])?]) } else { None })
    })?;
    Ok(pairs.into_iter().flatten().collect())
}

/// The exponent of `y` in `x` between two readings, if both are on the plateau.
pub(super) fn slope([a, b]: [&Plateau; 2], x: impl Fn(&Plateau) -> f64, y: impl Fn(&Plateau) -> f64) -> Option<f64> {
    let point = |row: &Plateau| row.is_read().then(|| (x(row).ln(), y(row).ln()));
    let ((x0, y0), (x1, y1)) = (point(a)?, point(b)?);
    Some((y1 - y0) / (x1 - x0)).filter(|slope| slope.is_finite())
}

fn law(run: &Run<'_>, setting: Setting) -> InitialLaw {
    let teachers = run.integer("teachers") as usize;
    InitialLaw { student_overlap: setting.scale, ..InitialLaw::new(3, setting.students, teachers, setting.dimension) }
}

/// The first replicates from which greedy deflation recovers every teacher by `t = √d`. Draws are paired, so one dimension decides for all.
fn eligible(run: &Run<'_>, students: usize, wanted: usize) -> Result<Vec<u64>, CheckError> {
    const DIMENSION: u64 = 10_000_000_000;
    let teachers = run.integer("teachers") as usize;
    let law = law(run, Setting { students, dimension: DIMENSION, scale: 0.0 });
    let end = (DIMENSION as f64).sqrt();
    run.replicates(wanted, |replicate| {
        let overlaps = law.sample(run.seed(), replicate).map_err(CheckError::theory)?.order_parameters();
        let claims = greedy_deflation([students, teachers], |i, j| overlaps.expert(i, j), |_, _| None);
        Ok(claims.iter().filter(|claim| claim.time < end).count() == teachers.min(students))
    })
}

fn plateau(run: &Run<'_>, setting: Setting, replicate: u64) -> Result<Plateau, CheckError> {
    let law = law(run, setting);
    let from = law.sample(run.seed(), replicate).map_err(CheckError::theory)?;
    let initial = from.order_parameters();
    let delta = initial.student_pairs().map(|pair| pair.2.abs()).fold(0.0, f64::max);
    let step = (setting.dimension as f64).ln();
    let patience = 1.25 * (setting.dimension as f64).sqrt();
    // When the plateau begins: brought forward from the end of the patience once every teacher is recovered.
    let settled = Cell::new(patience);
    let states: RefCell<Vec<(f64, OrderParameters)>> = RefCell::new(Vec::new());
    let times: Vec<f64> =
        (1..).map(|k| step * f64::from(k)).take_while(|t| *t < patience + (READINGS[1] + 2.0) * step).collect();
    let over = |time: f64| time > settled.get() + (READINGS[1] + 2.0) * step || run.proceed().is_err();
    let mut open = vec![true; law.teachers];
    let on_event = |event: Event, state: &OrderParameters| {
        if state.expert(event.student, event.other) > 0.5
            && std::mem::take(&mut open[event.other])
            && !open.contains(&true)
        {
            settled.set(event.time.min(patience));
        }
        Stop::No
    };
    let flow = Flow::new(&from).tolerance(run.real("tolerance")).monitor(&over);
    let keep = |k: usize, state| states.borrow_mut().push((times[k], state));
    let outcome = flow.run(patience + (READINGS[1] + 2.0) * step, &[Watch::Router(0.5)], &times, keep, on_event);
    run.proceed()?;
    match outcome {
        Ok(_) | Err(FlowError::Stopped { .. }) => {}
        Err(error) => return Err(CheckError::theory(error)),
    }
    let states = states.into_inner();
    let after = |span: f64| states.iter().find(|(time, _)| *time >= settled.get() + span * step);
    let (Some((time, early)), Some((_, late))) = (after(READINGS[0]), after(READINGS[1])) else {
        return Err(CheckError::theory("the flow ended before the plateau was read"));
    };
    let dimension = setting.dimension;
    let mut plateau = Plateau {
        replicate,
        dimension,
        delta,
        time: *time,
        recovered: 0,
        awake: false,
        expert: 0.0,
        law: 0.0,
        later: 0.0,
        foretold: None,
        router: 0.0,
    };
    let overlaps = |i: usize, j: usize| (early.expert(i, j), early.router(i, j));
    let learned: Vec<(usize, usize)> = (0..law.teachers)
        .filter_map(|j| {
            let meets = |i: &usize| overlaps(*i, j).0 >= RECOVERED && overlaps(*i, j).1 >= RECOVERED;
            Some(((0..law.students).find(meets)?, j))
        })
        .collect();
    let dormant = || (0..law.students).filter(|k| learned.iter().all(|(i, _)| i != k));
    let overlap = learned.iter().flat_map(|(i, _)| dormant().map(|k| early.student(*i, k).abs())).fold(0.0, f64::max);
    plateau.awake = WAKING * overlap.powi(2) * (READINGS[1] - READINGS[0]) * step >= 1.0;
    plateau.recovered = learned.len();
    for (place, &(i, j)) in learned.iter().enumerate() {
        plateau.router = plateau.router.max(1.0 - overlaps(i, j).1);
        let expert = 1.0 - overlaps(i, j).0;
        if place == 0 || expert > plateau.expert {
            (plateau.expert, plateau.later, plateau.law) = (expert, 1.0 - late.expert(i, j), floor(early, i, j));
            plateau.foretold = start::foretold(&initial, j, *time).filter(|_| setting.scale == 0.0);
        }
    }
    // Rounding may leave an overlap above 1.
    (plateau.expert, plateau.later) = (plateau.expert.max(0.0), plateau.later.max(0.0));
    Ok(plateau)
}

/// `½(4.5/(9 − 18A_1))² Σ_kl u_k² u_l² w̄_k·w̄_l` over all students but the learned one.
fn floor(state: &OrderParameters, learned: usize, teacher: usize) -> f64 {
    let others = || (0..state.students()).filter(|k| *k != learned);
    let pull = |k: usize| state.expert(k, teacher).powi(2);
    let sum: f64 = others().flat_map(|k| others().map(move |l| pull(k) * pull(l) * state.student(k, l))).sum();
    RESPONSE * sum
}

impl Grid {
    /// Largest constant that a recovered pair of these settings needs, with rows in which a redundant student is awake or without.
    pub(super) fn constant(&self, settings: &[Setting], awake: bool) -> Option<f64> {
        let rows = settings.iter().flat_map(|s| self.recovered(*s).map(move |row| (s, row)));
        rows.filter(|(_, row)| awake || !row.awake).filter_map(|(s, row)| row.constant(*s)).reduce(f64::max)
    }

    /// The `δ` below which the bound with `C = 1` is broken: least, median and largest over the readings in scope.
    pub(super) fn breaking(&self, setting: Setting) -> Option<[f64; 3]> {
        let mut all = self.of(setting, |row| Some(row.breaking(setting)));
        all.sort_unstable_by(f64::total_cmp);
        Some([*all.first()?, all[all.len() / 2], *all.last()?])
    }

    fn rows(&self, setting: Setting) -> &[Plateau] {
        let place = self.settings.iter().position(|other| *other == setting);
        place.map_or(&[], |place| &self.rows[place])
    }

    /// Readings with a recovered pair.
    pub(super) fn recovered(&self, setting: Setting) -> impl Iterator<Item = &Plateau> {
        self.rows(setting).iter().filter(|row| row.recovered > 0)
    }

    /// Those in scope: no redundant student is awake.
    pub(super) fn asleep(&self, setting: Setting) -> impl Iterator<Item = &Plateau> {
        self.recovered(setting).filter(|row| !row.awake)
    }

    /// What belongs to the start, over all readings: whether a student is awake later does not matter to it.
    pub(super) fn of_starts(&self, setting: Setting, number: impl Fn(&Plateau) -> Option<f64>) -> Vec<f64> {
        self.recovered(setting).filter_map(number).collect()
    }

    /// What is read, over the readings in scope.
    pub(super) fn of(&self, setting: Setting, number: impl Fn(&Plateau) -> Option<f64>) -> Vec<f64> {
        self.asleep(setting).filter_map(number).collect()
    }

    /// For each start, the exponent of `y` in `x` between two settings, from the rows on the plateau in both.
    pub(super) fn exponents(
        &self,
        ends: [Setting; 2],
        x: impl Fn(&Plateau) -> f64,
        y: impl Fn(&Plateau) -> f64,
    ) -> Vec<f64> {
        let [first, last] = ends.map(|end| self.rows(end));
        first.iter().zip(last).filter_map(|(a, b)| slope([a, b], &x, &y)).collect()
    }

    pub(super) fn table(&self, name: &str, which: impl Fn(&Setting) -> bool) -> Table {
        let heads = [
            "m",
            "d",
            "scale",
            "δ",
            "readings",
            "awake",
            "1−κ",
            "law",
            "from start",
            "1−β",
            "bound",
            "smallest C",
            "loose by",
            "C, awake too",
        ];
        let mut table = Table::new(name, heads.map(|head| Column::new(head, "")));
        for &setting in self.settings.iter().filter(|setting| which(setting)) {
            let median = |numbers: Vec<f64>| statistics::median(&numbers, LEVEL).map(|e| e.value);
            let middle = |of: &dyn Fn(&Plateau) -> f64| median(self.of(setting, |row| Some(of(row))));
            let deltas = self.of_starts(setting, |row| (setting.scale > 0.0).then_some(row.delta));
            let [asleep, all] = [false, true].map(|awake| self.constant(&[setting], awake));
            table.push([
                setting.students.into(),
                setting.dimension.into(),
                setting.scale.into(),
                median(deltas).into(),
                self.recovered(setting).count().into(),
                self.recovered(setting).filter(|row| row.awake).count().into(),
                middle(&|row| row.expert).into(),
                middle(&|row| row.law).into(),
                median(self.of(setting, |row| row.foretold)).into(),
                middle(&|row| row.router).into(),
                median(self.of_starts(setting, |row| row.bound(setting))).into(),
                asleep.into(),
                asleep.map(f64::recip).into(),
                all.into(),
            ]);
        }
        table
    }
}

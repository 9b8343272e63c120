//! Events: where watched overlaps cross their levels, located on the dense output of a step.

use super::integrator::{IntegratorError, Step};
use super::population::PopulationLoss;
use faer::MatRef;
use std::cell::RefCell;

/// An overlap whose crossing of a level is an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Watch {
    /// `κ_ij` rises to the level.
    Expert(f64),
    /// `|κ_ij|` rises to the level: for even Hermite orders, where both signs of an expert are the same function.
    ExpertMagnitude(f64),
    /// `β_ij` rises to the level.
    Router(f64),
    /// `|β_ij|` rises to the level: for odd routers and odd experts, where a unit is the same function with both vectors reversed.
    RouterMagnitude(f64),
    /// `u_ik`, `i < k`, falls to the level.
    StudentFalls(f64),
}

/// A crossing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub time: f64,
    /// Which watch fired: the index in the list that was given.
    pub watch: usize,
    /// The student `i`.
    pub student: usize,
    /// The teacher `j`, or the other student `k`.
    pub other: usize,
}

/// The watched overlaps between the ends of steps.
pub(super) struct Crossings<'a> {
    population: &'a RefCell<PopulationLoss>,
    candidates: Vec<Candidate>,
    /// How far each overlap still has to go: negative means crossed.
    distances: Vec<f64>,
}

#[derive(Clone, Copy)]
struct Candidate {
    watch: Watch,
    event: Event,
    /// Place of the overlap in the matrix of [`PopulationLoss::overlaps`].
    entry: (usize, usize),
}

impl Candidate {
    fn distance(&self, overlaps: MatRef<'_, f64>) -> f64 {
        let overlap = overlaps[self.entry];
        match self.watch {
            Watch::Expert(level) | Watch::Router(level) => level - overlap,
            Watch::ExpertMagnitude(level) | Watch::RouterMagnitude(level) => level - overlap.abs(),
            Watch::StudentFalls(level) => overlap - level,
        }
    }
}

impl<'a> Crossings<'a> {
    pub(super) fn new(
        population: &'a RefCell<PopulationLoss>,
        (students, teachers): (usize, usize),
        watches: &[Watch],
        y0: &[f64],
    ) -> Self {
        let mut candidates = Vec::new();
        for (index, &watch) in watches.iter().enumerate() {
            for student in 0..students {
                let others = match watch {
                    Watch::StudentFalls(_) => student + 1..students,
                    _ => 0..teachers,
                };
                candidates.extend(others.map(|other| Candidate {
                    watch,
                    event: Event { time: 0.0, watch: index, student, other },
                    entry: match watch {
                        Watch::Expert(_) | Watch::ExpertMagnitude(_) => {
                            (2 * students + teachers + other, students + student)
                        }
                        Watch::Router(_) | Watch::RouterMagnitude(_) => (2 * students + other, student),
                        Watch::StudentFalls(_) => (students + other, students + student),
                    },
                }));
            }
        }
        let distances = {
            let mut population = population.borrow_mut();
            let overlaps = population.overlaps_at(y0);
            candidates.iter().map(|candidate| candidate.distance(overlaps)).collect()
        };
        Self { population, candidates, distances }
    }

    /// The crossings within a step, in the order of time.
    pub(super) fn in_step(&mut self, step: &Step<'_>) -> Result<Vec<Event>, IntegratorError> {
        let mut crossed = Vec::new();
        {
            let mut population = self.population.borrow_mut();
            let overlaps = population.overlaps_at(step.state);
            for (candidate, distance) in self.candidates.iter().zip(&mut self.distances) {
                let before = std::mem::replace(distance, candidate.distance(overlaps));
                if before > 0.0 && *distance <= 0.0 {
                    crossed.push((*candidate, before, *distance));
                }
            }
        }
        let mut events = Vec::new();
        for (candidate, before, after) in crossed {
            events.push(Event { time: self.locate(&candidate, step, before, after)?, ..candidate.event });
        }
        events.sort_by(|a, b| a.time.total_cmp(&b.time));
        Ok(events)
    }

    /// The time of a crossing inside a step: regula falsi with Illinois weights, on the dense output.
    fn locate(&self, candidate: &Candidate, step: &Step<'_>, before: f64, after: f64) -> Result<f64, IntegratorError> {
        let (mut a, mut b, mut fa, mut fb) = (step.from, step.to, before, after);
        let mut last_moved = None;
        while b - a > 4.0 * f64::EPSILON * b.abs() && fb != 0.0 {
            // Next to an end the secant point may round onto it: a point just inside brings the other end there.
            let margin = 2.0 * f64::EPSILON * b.abs();
            let t = (b - fb * (b - a) / (fb - fa)).clamp(a + margin, b - margin);
            let state = step.at(t)?;
            let f = candidate.distance(self.population.borrow_mut().overlaps_at(&state));
            let crossed = f <= 0.0;
            // An end that stays twice would stay for ever: its weight is halved.
            let halve = if last_moved == Some(crossed) { 0.5 } else { 1.0 };
            (a, fa, b, fb) = if crossed { (a, fa * halve, t, f) } else { (t, f, b, fb * halve) };
            last_moved = Some(crossed);
        }
        Ok(b)
    }
}

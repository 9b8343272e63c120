//! Timed alignments with every one of the `d` coordinates, against the simulation that does not see `d`.
//!
//! # Where the bounds come from
//!
//! Both have one law, so their mean times differ by sampling error only. A simulation with the noise of half the dimensions, which is what a wrong `ε = ηd/B` comes to, arrives earlier by 0.14 of the time at `ε = 0.4`:
//! the region `1 ± 0.07` reaches half of the way. With `B = d` the step is the same, `ε/σ_w²`, in every dimension. What noise within the span leaves of the scatter is a tenth of a time and more at `d = 64`, where this would take many hundred runs, and 2 % at `d = 1024`; so quick runs have the comparison of overlaps and growth alone. Against the effective equation the same region, where that answers at all (`Setting::excluded`).

use moe_kernels::Router;
use moe_theory::soft_routed::OnlineSgd;

use super::simulation::{Passage, Setting, passage};
use super::{LEVEL, ratio, times};
use crate::{CheckError, Control, Evidence, Inexact, Run, statistics};

/// Accepted for a ratio of mean times.
const ACCEPT: [f64; 2] = [0.93, 1.07];

/// Runs of the full simulation, of the reduced one, and of the reduced one with the noise of half of the dimensions.
pub(super) struct EveryCoordinate {
    pub(super) setting: Setting,
    pub(super) full: Vec<Passage>,
    reduced: Vec<Passage>,
    halved: Vec<Passage>,
}

impl EveryCoordinate {
    pub(super) fn of(run: &Run<'_>) -> Result<Self, CheckError> {
        let (dimension, epsilon) = (run.integer("timed-dimension"), run.real("noise"));
        let setting = Setting { router: Router::Sigmoid, dimension, batch: dimension as usize, epsilon };
        // The same step and batch.
        let share = (dimension / 2 - 1) as f64 / (dimension - 1) as f64;
        let half = Setting { dimension: dimension / 2, epsilon: share * epsilon, ..setting };
        let replicates = run.integer("timed-replicates") as usize;
        let full =
            run.units("every-coordinate", replicates, |unit| passage(run, &setting, unit as u64, 88, OnlineSgd::full))?;
        let reduced = run.units("reduced-coordinates", replicates, |unit| {
            passage(run, &setting, unit as u64, 89, OnlineSgd::reduced)
        })?;
        let halved = run.units("half-the-coordinates", replicates, |unit| {
            passage(run, &half, unit as u64, 90, OnlineSgd::reduced)
        })?;
        Ok(Self { setting, full, reduced, halved })
    }

    fn against(&self, other: &[Passage], which: &str) -> Evidence {
        let statement = format!(
            "mean time from overlap 0.25 to ½ with every coordinate over that of the reduced simulation{which}, {}",
            self.setting.name()
        );
        let Some((full, other)) = times(&self.full).zip(times(other)) else {
            let reason = "some run does not align within ten times the law's time";
            return Evidence::unresolved(Inexact::Statistic { level: LEVEL }, statement, ACCEPT, reason);
        };
        let ratios: Vec<f64> = full.iter().zip(&other).map(|(a, b)| a / b).collect();
        Evidence::estimate(statement, LEVEL, statistics::mean(&ratios, LEVEL), ACCEPT)
    }

    /// None where nothing was run.
    pub(super) fn evidence(&self) -> Vec<Evidence> {
        if self.full.is_empty() {
            return Vec::new();
        }
        let mut evidence = vec![self.against(&self.reduced, "")];
        if self.setting.excluded().is_none() {
            let law = self.setting.effective();
            evidence.push(ratio(&self.setting, &self.full, law, "every coordinate simulated, ", ACCEPT));
        }
        evidence
    }

    pub(super) fn control(&self) -> Option<Control> {
        let statement =
            "a reduced simulation with the noise of half of the dimensions is rejected against the full one";
        let twin = || Control::new(statement, self.against(&self.halved, " with the noise of d/2 dimensions"));
        (!self.full.is_empty()).then(twin)
    }
}

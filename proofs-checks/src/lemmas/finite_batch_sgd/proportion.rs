//! The gap to the flow is proportional to `η/B`: six settings of one dimension, four values of `η/B` over a factor of eight.
//!
//! # Where the bounds come from
//!
//! `η/B` rises from setting to setting and `η` does not (their logarithms are uncorrelated), so that a law in `η` alone has exponent 0 in `η/B`, and the gap exponent 0 in `η`. The gap bends away from proportionality: between `ε/8` and `ε = 0.4` the exponent
//! of the effective equation's own gap over these six settings is 1.07, and noise within the span, which adds `ε/(18dκ_0³)` to the time and more in higher order, bends it further at small `d`. The region `[0.71, 1.41]` reaches from 1 half of the way to ½ and to 2, in logarithms. A gap is measured to the relative error of the growth that
//! makes it, `√(3000/n)` for `n` inputs, which ten runs at `ε = 0.4` and `d = 100` bring to 6 %, and to less at smaller `ε`: 0.03 in the exponent. Euler steps change a gap by 2 % at most.
//!
//! Two settings of one `η/B` and a fourfold `η` have one gap: the exponent in `η` there is 0, and 1 by a law in `η`; `[−½, ½]` is half of the way.

use moe_kernels::Router;
use moe_theory::soft_routed::OnlineSgd;
use serde_json::json;

use super::LEVEL;
use super::simulation::{PASSAGE, Passage, Setting, passage};
use crate::{CheckError, Column, Control, Estimate, Evidence, Figure, Inexact, Run, Scale, Table, statistics};

/// `ε` in units of the run's, and batch.
const SETTINGS: [(f64, usize); 6] = [(0.125, 512), (0.25, 512), (0.25, 128), (0.5, 128), (1.0, 128), (1.0, 32)];
/// Two settings of one `η/B`, and two of one `B`.
const SAME_RATIO: [usize; 2] = [2, 1];
const SAME_BATCH: [usize; 2] = [2, 4];
/// Accepted for the exponent in `η/B`, and for that in `η` at fixed `η/B`.
const PROPORTIONAL: [f64; 2] = [0.71, 1.41];
const NONE: [f64; 2] = [-0.5, 0.5];

/// The runs of every setting, and the flow's time.
pub(super) struct Proportion {
    settings: Vec<Setting>,
    passages: Vec<Vec<Passage>>,
    flow: Option<f64>,
}

impl Proportion {
    pub(super) fn of(run: &Run<'_>, flow: Option<f64>) -> Result<Self, CheckError> {
        let (dimension, noise) = (run.integer("law-dimension"), run.real("noise"));
        let settings = SETTINGS
            .map(|(share, batch)| Setting { router: Router::Sigmoid, dimension, batch, epsilon: share * noise })
            .to_vec();
        let replicates = run.integer("replicates").div_ceil(2) as usize;
        let rows = run.units("proportion", settings.len() * replicates, |unit| {
            let (setting, replicate) = (unit / replicates, (unit % replicates) as u64);
            passage(run, &settings[setting], replicate, 80 + setting as u32, OnlineSgd::reduced)
        })?;
        Ok(Self { settings, passages: rows.chunks(replicates).map(<[_]>::to_vec).collect(), flow })
    }

    /// The exponent of the gap in a quantity of the settings, over those chosen, against a region.
    fn exponent(&self, statement: &str, chosen: &[usize], of: impl Fn(&Setting) -> f64, accept: [f64; 2]) -> Evidence {
        let points: Option<Vec<(f64, Estimate)>> =
            chosen.iter().map(|&k| Some((of(&self.settings[k]).ln(), self.gap(k)?))).collect();
        let kind = Inexact::Statistic { level: LEVEL };
        let Some(points) = points else {
            return Evidence::unresolved(kind, statement, accept, "some run does not align");
        };
        if points.iter().any(|(_, gap)| gap.interval[0] <= 0.0) {
            return Evidence::unresolved(kind, statement, accept, "a gap cannot be told from zero");
        }
        Evidence::estimate(statement, LEVEL, Some(slope(&points)), accept)
    }

    fn gap(&self, setting: usize) -> Option<Estimate> {
        let flow = self.flow?;
        let gaps: Option<Vec<f64>> =
            self.passages[setting].iter().map(|passage| Some(passage.adjusted? / flow - 1.0)).collect();
        statistics::mean(&gaps?, LEVEL)
    }

    fn everywhere(&self, what: &str, of: impl Fn(&Setting) -> f64) -> Evidence {
        let statement =
            format!("exponent of the gap to the flow in {what}, six settings, d = {}", self.settings[0].dimension);
        self.exponent(&statement, &[0, 1, 2, 3, 4, 5], of, PROPORTIONAL)
    }

    fn within(&self, what: &str, chosen: &[usize]) -> Evidence {
        self.exponent(&format!("exponent of the gap to the flow in η at fixed {what}"), chosen, Setting::step, NONE)
    }

    pub(super) fn evidence(&self) -> [Evidence; 2] {
        let witness = json!({ "effective equation": self.of_effective() });
        [self.everywhere("η/B", ratio).with_witness(witness), self.within("η/B", &SAME_RATIO)]
    }

    pub(super) fn controls(&self) -> [Control; 3] {
        [
            Control::new("a gap in proportion to the step alone is rejected", self.everywhere("η", Setting::step)),
            Control::new(
                "a gap in proportion to the square of η/B is rejected",
                self.everywhere("(η/B)²", |setting| ratio(setting).powi(2)),
            ),
            Control::new("a gap that does not change with η at fixed B is rejected", self.within("B", &SAME_BATCH)),
        ]
    }

    /// The exponent of the effective equation's own gap.
    fn of_effective(&self) -> Option<f64> {
        let point = |setting: &Setting| {
            let gap = setting.effective().time(PASSAGE[0], PASSAGE[1])? / self.flow? - 1.0;
            Some((ratio(setting).ln(), Estimate { value: gap, interval: [gap; 2], coverage: 1.0 }))
        };
        Some(slope(&self.settings.iter().map(point).collect::<Option<Vec<_>>>()?).value)
    }

    pub(super) fn view(&self) -> (Table, Figure) {
        let heads = ["η/B", "B", "η", "ε", "runs", "gap", "lower", "upper", "effective equation"];
        let mut table = Table::new("gaps", heads.map(|head| Column::new(head, "")));
        for (k, setting) in self.settings.iter().enumerate() {
            let gap = self.gap(k);
            let law = setting.effective().time(PASSAGE[0], PASSAGE[1]).zip(self.flow);
            table.push([
                ratio(setting).into(),
                setting.batch.into(),
                setting.step().into(),
                setting.epsilon.into(),
                self.passages[k].len().into(),
                gap.map(|gap| gap.value).into(),
                gap.map(|gap| gap.interval[0]).into(),
                gap.map(|gap| gap.interval[1]).into(),
                law.map(|(time, flow)| time / flow - 1.0).into(),
            ]);
        }
        let title = "gap to the population flow, relative to its time";
        (table, Figure::new("gaps", title, "gaps", "η/B", ["gap"], [Scale::Log; 2]).with_laws(["effective equation"]))
    }
}

fn ratio(setting: &Setting) -> f64 {
    setting.step() / setting.batch as f64
}

/// Least squares of the logarithms of gaps on `x`; the relative errors of independent gaps add in quadrature.
fn slope(points: &[(f64, Estimate)]) -> Estimate {
    let mean = points.iter().map(|(x, _)| x).sum::<f64>() / points.len() as f64;
    let square: f64 = points.iter().map(|(x, _)| (x - mean).powi(2)).sum();
    let terms = points.iter().map(|(x, gap)| ((x - mean) / square, gap));
    let value = terms.clone().map(|(weight, gap)| weight * gap.value.ln()).sum::<f64>();
    let half_width = terms.map(|(weight, gap)| weight * (gap.interval[1] / gap.value).ln()).fold(0.0, f64::hypot);
    Estimate { value, interval: [value - half_width, value + half_width], coverage: LEVEL }
}

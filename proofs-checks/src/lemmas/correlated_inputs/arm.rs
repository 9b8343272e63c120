//! What is known of one law: its passages at every dimension, and what is read from them.

use super::law::Law;
use super::{CONSTANT, LEVEL, Local, MOST, PATIENCE, Passage, SCATTER};
use crate::{Column, Estimate, Evidence, Figure, Scale, Table, statistics};

/// All that is known of one law.
pub(super) struct Arm {
    pub(super) law: Law,
    /// Number `m` of students.
    pub(super) students: usize,
    pub(super) dimensions: Vec<u64>,
    /// `[dimension][replicate]`.
    pub(super) passages: Vec<Vec<Passage>>,
    pub(super) local: Vec<Local>,
}

impl Arm {
    fn name(&self) -> String {
        format!("{}, m = {}", self.law.name(), self.students)
    }

    /// `ln(T_2/T_1)/ln(d_2/d_1)`, mean over starts; none where a start does not align, for the others would be a biased sample.
    fn slope(&self) -> Option<Estimate> {
        let [low, high] = [0, 1].map(|k| self.dimensions.get(k).copied());
        let decades = (high? as f64 / low? as f64).ln();
        let pairs = self.passages[0].iter().zip(&self.passages[1]);
        let slopes: Option<Vec<f64>> = pairs.map(|(a, b)| Some((b.time? / a.time?).ln() / decades)).collect();
        statistics::mean(&slopes?, LEVEL)
    }

    pub(super) fn exponent(&self, prefix: &str, accept: [f64; 2]) -> Evidence {
        let statement = format!("{prefix}{}: exponent of T in d, mean over starts", self.name());
        Evidence::estimate(statement, LEVEL, self.slope(), accept)
    }

    /// Share of the starts, at the largest dimension, that have a property.
    fn share(&self, of: impl Fn(&Passage) -> bool) -> Option<Estimate> {
        let passages = &self.passages[self.passages.len() - 1];
        statistics::proportion(passages.iter().filter(|p| of(p)).count() as u64, passages.len() as u64, LEVEL)
    }

    pub(super) fn found(&self, prefix: &str, accept: [f64; 2]) -> Evidence {
        let name = self.name();
        let statement = format!(
            "{prefix}{name}: share of starts that find the teacher within three times the closed-form time, largest d"
        );
        Evidence::estimate(statement, LEVEL, self.share(|p| p.time.is_some()), accept)
    }

    fn ratio(&self) -> Option<Estimate> {
        let last = &self.passages[self.passages.len() - 1];
        let ratios: Vec<f64> = last.iter().filter_map(|p| Some(p.time? / p.predicted)).collect();
        statistics::median_of_all(&ratios, last.len(), LEVEL)
    }

    pub(super) fn constant(&self, scale: f64, accept: [f64; 2]) -> Evidence {
        let statement = format!("{}: T over the isotropic closed form, largest d, median over starts", self.name());
        let scaled =
            self.ratio().map(|e| Estimate { value: scale * e.value, interval: e.interval.map(|end| scale * end), ..e });
        Evidence::estimate(statement, LEVEL, scaled, accept)
    }

    /// `(T_2 − T_1)·2·rate/ln(d_2/d_1)`, which is 1 where the overlap grows as `e^{rate t}`.
    pub(super) fn growth(&self, rate: f64) -> Evidence {
        let decades = (self.dimensions[self.dimensions.len() - 1] as f64 / self.dimensions[0] as f64).ln();
        let pairs = self.passages[0].iter().zip(&self.passages[self.passages.len() - 1]);
        let growths: Option<Vec<f64>> = pairs.map(|(a, b)| Some((b.time? - a.time?) * 2.0 * rate / decades)).collect();
        let statement = format!("{}: growth of T over ½ ln(d₂/d₁)/rate, mean over starts", self.name());
        Evidence::estimate(statement, LEVEL, growths.and_then(|growths| statistics::mean(&growths, LEVEL)), CONSTANT)
    }

    pub(super) fn on_time(&self) -> Evidence {
        let dimension = self.dimensions[self.dimensions.len() - 1];
        let close = (SCATTER / (dimension as f64).sqrt()).max(CONSTANT[1] - 1.0);
        let statement = format!(
            "{}: share of starts that align within {:.0} % of the isotropic closed form, d = {dimension}",
            self.name(),
            100.0 * close
        );
        let on_time = |p: &Passage| p.time.is_some_and(|t| (t / p.predicted - 1.0).abs() <= close);
        Evidence::estimate(statement, LEVEL, self.share(on_time), MOST)
    }

    pub(super) fn guided(&self) -> Evidence {
        let statement = format!(
            "{}: share of starts in which the router of the pair is below ½ when its expert aligns and reaches ½ within {PATIENCE} after",
            self.name()
        );
        Evidence::estimate(statement, LEVEL, self.share(|p| p.guided), MOST)
    }
}

/// Median times of the laws that are known at two dimensions.
pub(super) fn times(arms: &[Arm]) -> (Table, Figure) {
    let known: Vec<&Arm> = arms.iter().filter(|arm| arm.dimensions.len() > 1).collect();
    let names: Vec<&str> = known.iter().map(|arm| arm.law.name()).collect();
    let heads = std::iter::once(Column::new("d", "")).chain(names.iter().map(|name| Column::new(*name, "time")));
    let mut table = Table::new("times", heads);
    for (k, dimension) in known.first().map(|arm| arm.dimensions.clone()).unwrap_or_default().into_iter().enumerate() {
        let median = |arm: &&Arm| {
            let found: Option<Vec<f64>> = arm.passages[k].iter().map(|passage| passage.time).collect();
            found.and_then(|times| statistics::median(&times, LEVEL)).map(|estimate| estimate.value)
        };
        table.push(std::iter::once(dimension.into()).chain(known.iter().map(|arm| median(arm).into())));
    }
    let title = "time of the first expert overlap ½, median over starts that all align";
    // Laws that leave the time as it is lie on one line.
    let same = |law: Law| matches!(law, Law::SpikeGeneric | Law::MixtureRouter);
    let (same, others): (Vec<&Arm>, Vec<&Arm>) = known.iter().partition(|arm| same(arm.law));
    let names = |arms: Vec<&Arm>| arms.into_iter().map(|arm| arm.law.name()).collect::<Vec<&str>>();
    let figure = Figure::new("times", title, "times", "d", names(others), [Scale::Log; 2]).with_laws(names(same));
    (table, figure)
}

pub(super) fn survival(name: &str, arms: &[Arm]) -> Table {
    let heads =
        ["inputs", "d", "found", "exponent", "lower", "upper", "T/closed form", "best pair first", "router follows"];
    let mut table = Table::new(name, heads.map(|head| Column::new(head, "")));
    for arm in arms {
        let slope = arm.slope();
        table.push([
            arm.law.name().into(),
            arm.dimensions[arm.dimensions.len() - 1].into(),
            arm.share(|p| p.time.is_some()).map(|e| e.value).into(),
            slope.map(|e| e.value).into(),
            slope.map(|e| e.interval[0]).into(),
            slope.map(|e| e.interval[1]).into(),
            arm.ratio().map(|e| e.value).into(),
            arm.share(|p| p.best).map(|e| e.value).into(),
            arm.share(|p| p.guided).map(|e| e.value).into(),
        ]);
    }
    table
}

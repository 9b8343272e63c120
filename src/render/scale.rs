//! Axes: where numbers go, and which of them are labelled.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use proofs_checks::Scale;

use super::digits;

/// About as many labels as an axis should have.
const LABELS: f64 = 6.0;

/// One axis of a plot, linear or logarithmic.
#[derive(Clone, Debug)]
pub(crate) struct PlotAxis {
    scale: Scale,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    minor: Vec<f64>,
    /// Whether the labels are powers of ten.
    powers: bool,
}

/// Whether a number has a place on an axis of this scale.
pub(crate) fn has_place(scale: Scale, value: f64) -> bool {
    value.is_finite() && (scale == Scale::Linear || value > 0.0)
}

impl PlotAxis {
    /// The axis on which all `values` that have a place lie inside; without any, an axis of no meaning.
    pub(crate) fn around(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .filter(|value| has_place(scale, *value))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = match scale {
            _ if low > high => (1.0, 10.0),
            Scale::Linear if low == high => {
                let margin = if low == 0.0 { 1.0 } else { 0.1 * low.abs() };
                (low - margin, low + margin)
            }
            Scale::Linear => {
                let margin = 0.1 * (0.5 * high - 0.5 * low);
                (low - margin, high + margin)
            }
            Scale::Log if low == high => (low / 2.0, high * 2.0),
            Scale::Log => {
                let margin = (0.05 * (high.ln() - low.ln())).exp();
                (low / margin, high * margin)
            }
        };
        // At the ends of the range of f64 the margin is what has to go.
        let least = if scale == Scale::Log { f64::from_bits(1) } else { -f64::MAX };
        let (low, high) = (low.max(least), high.min(f64::MAX));
        let long = scale == Scale::Log && high.log10() - low.log10() > 1.2;
        let (ticks, minor) = if long { decades(low, high) } else { (round_numbers(low, high), Vec::new()) };
        let powers = long && ticks.iter().any(|tick| !(1e-3..=1e4).contains(tick));
        Self { scale, low, high, ticks, minor, powers }
    }

    /// The least number on the axis.
    pub(crate) fn low(&self) -> f64 {
        self.low
    }

    /// The greatest number on the axis.
    pub(crate) fn high(&self) -> f64 {
        self.high
    }

    /// Where `value` lies between `low` and `high`, as a fraction; in the middle where these are equal.
    pub(crate) fn within(low: f64, high: f64, value: f64) -> f64 {
        Self { low, high, scale: Scale::Linear, ticks: Vec::new(), minor: Vec::new(), powers: false }.position(value)
    }

    /// Where a number lies between the ends, as a fraction.
    pub(crate) fn position(&self, value: f64) -> f64 {
        let position = match self.scale {
            // Halves, since the span itself may overflow.
            Scale::Linear => (0.5 * value - 0.5 * self.low) / (0.5 * self.high - 0.5 * self.low),
            Scale::Log => (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln()),
        };
        if position.is_finite() { position } else { 0.5 }
    }

    /// The label of a tick: powers of ten on a long logarithmic axis, else as many digits as tell ticks apart.
    pub(crate) fn label(&self, value: f64) -> String {
        if self.powers { power_of_ten(value) } else { digits::distinct(value, &self.ticks) }
    }
}

/// The powers of ten in between, thinned out when there are many, and the unlabelled ticks between them; where there is one power alone, twice and five times each are labelled, too.
fn decades(low: f64, high: f64) -> (Vec<f64>, Vec<f64>) {
    let (first, last) = (low.log10().ceil() as i32, high.log10().floor() as i32);
    let steps = [1, 2, 5, 10, 20, 50, 100];
    let step = steps.into_iter().find(|step| last - first <= 8 * step).unwrap_or(200);
    let labelled = |exponent: &i32| exponent.rem_euclid(step) == 0;
    let power = |exponent: i32| format!("1e{exponent}").parse::<f64>().unwrap_or(1.0);
    let ticks: Vec<f64> = (first..=last).filter(labelled).map(power).collect();
    let minor: Vec<f64> = if step == 1 && last - first <= 6 {
        (first - 1..=last).flat_map(|exponent| (2..10).map(move |k| f64::from(k) * power(exponent))).collect()
    } else {
        (first..=last).filter(|exponent| !labelled(exponent)).map(power).collect()
    };
    let inside = |tick: &f64| (low..=high).contains(tick);
    let ticks: Vec<f64> = if first < last {
        ticks
    } else {
        (first - 1..=last).flat_map(|exponent| [1.0, 2.0, 5.0].map(|k| k * power(exponent))).filter(inside).collect()
    };
    (ticks, minor.into_iter().filter(inside).collect())
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn round_numbers(low: f64, high: f64) -> Vec<f64> {
    let rough = (high / LABELS) - (low / LABELS);
    let power = 10.0_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|k| k * power).into_iter().find(|step| *step >= rough).unwrap_or(rough);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    // Too close for f64, or at its ends: the ends themselves are labelled.
    if !(first.abs() < 1e15 && last.abs() < 1e15 && last >= first && step > 0.0) {
        return vec![low, high];
    }
    (0..=(last - first) as i64).map(|i| (first + i as f64) * step).collect()
}

fn power_of_ten(value: f64) -> String {
    let raised = |digit: char| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
    };
    let exponent = value.log10().round() as i32;
    format!("10{}", exponent.to_string().chars().map(raised).collect::<String>())
}

impl Ranged for PlotAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let (from, to) = (f64::from(limit.0), f64::from(limit.1));
        (from + self.position(*value) * (to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { self.minor.clone() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for PlotAxis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, values: &[f64]) -> Vec<String> {
        let axis = PlotAxis::around(scale, values.iter().copied());
        axis.ticks.iter().map(|tick| axis.label(*tick)).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(Scale::Linear, &[0.0, 1.0]), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(Scale::Linear, &[-30.0, 170.0]), ["0", "50", "100", "150"]);
        assert_eq!(labels(Scale::Log, &[0.1, 100.0]), ["0.1", "1", "10", "100"]);
        assert_eq!(labels(Scale::Log, &[1.37, 48.5]), ["2", "5", "10", "20", "50"]);
        assert_eq!(labels(Scale::Log, &[1e2, 1e10])[..2], ["10²", "10³"]);
        assert_eq!(labels(Scale::Log, &[1e-300, 1e300])[3], "10⁰");
        assert_eq!(labels(Scale::Log, &[0.01, 1e6])[..2], ["10⁻²", "10⁻¹"]);
        assert_eq!(labels(Scale::Log, &[2.0, 3.0]), ["2", "2.2", "2.4", "2.6", "2.8", "3"]);
    }

    #[test]
    fn labels_tell_close_ticks_apart() {
        for values in [[1.0, 1.0 + 1e-9], [1e6, 1e6 + 3.0], [-1e-12, 1e-12]] {
            let labels = labels(Scale::Linear, &values);
            assert!(labels.len() > 1);
            assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{labels:?}");
        }
    }

    /// Whatever the data, an axis has finite ends, an order, and all its data and ticks inside.
    #[test]
    fn every_axis_is_usable() {
        let data: [&[f64]; 12] = [
            &[],
            &[f64::NAN],
            &[0.0],
            &[-3.0],
            &[f64::MAX],
            &[-f64::MAX, f64::MAX],
            &[5e-324],
            &[5e-324, f64::MAX],
            &[1.0, 1.0_f64.next_up()],
            &[0.0, 5e-324],
            &[-1.0, 0.0, 2.0, f64::INFINITY],
            &[1e16, 1e16 + 2.0],
        ];
        for scale in [Scale::Linear, Scale::Log] {
            for values in data {
                let axis = PlotAxis::around(scale, values.iter().copied());
                assert!(axis.low.is_finite() && axis.high.is_finite() && axis.low <= axis.high, "{values:?} {axis:?}");
                assert!(axis.ticks.len() <= 20 && axis.minor.len() <= 700, "{values:?} {axis:?}");
                let inside = values.iter().copied().filter(|value| has_place(scale, *value));
                for value in inside.chain(axis.ticks.iter().copied()) {
                    assert!((-0.01..=1.01).contains(&axis.position(value)), "{value} {axis:?}");
                    assert!(!axis.label(value).is_empty());
                }
            }
        }
    }
}

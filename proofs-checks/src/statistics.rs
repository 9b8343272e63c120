//! Confidence intervals, two-sided with equal tails, as statistics are put in evidence.
//!
//! Every function returns `None` where the data cannot determine an interval at the level: too few data, a number
//! that is not finite, a level outside (0, 1).

use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

/// A point estimate with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The point estimate.
    pub value: f64,
    /// The closed interval.
    pub interval: [f64; 2],
    /// The coverage: at least the level that was asked for.
    pub coverage: f64,
}

impl Estimate {
    fn around(value: f64, half_width: f64, level: f64) -> Option<Self> {
        let interval = [value - half_width, value + half_width];
        interval.iter().all(|end| end.is_finite()).then_some(Self { value, interval, coverage: level })
    }
}

fn is_level(level: f64) -> bool {
    level > 0.0 && level < 1.0
}

fn are_finite(data: &[f64]) -> bool {
    data.iter().all(|value| value.is_finite())
}

/// The t quantile q with P(|t| ≤ q) = `level` at `freedom` degrees of freedom.
pub(crate) fn student_quantile(freedom: usize, level: f64) -> Option<f64> {
    let quantile = StudentsT::new(0.0, 1.0, freedom as f64).ok()?.inverse_cdf(0.5 + 0.5 * level);
    quantile.is_finite().then_some(quantile)
}

fn average(data: &[f64]) -> f64 {
    data.iter().sum::<f64>() / data.len() as f64
}

/// The mean of independent normal data by Student's t:
/// x̄ ± t_{n−1} s/√n with s² = Σ(xᵢ − x̄)²/(n − 1). Needs n ≥ 2.
pub fn mean(data: &[f64], level: f64) -> Option<Estimate> {
    let n = data.len();
    if n < 2 || !is_level(level) || !are_finite(data) {
        return None;
    }
    let mean = average(data);
    let variance = data.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    Estimate::around(mean, student_quantile(n - 1, level)? * (variance / n as f64).sqrt(), level)
}

/// The median of independent data of any continuous law, by order statistics:
/// [x₍ₖ₎, x₍ₙ₊₁₋ₖ₎] covers it with probability 1 − 2 P(B < k), B ~ Binomial(n, ½).
/// Takes the largest k that reaches `level`; none does when 1 − 2^{1−n} < `level`.
pub fn median(data: &[f64], level: f64) -> Option<Estimate> {
    let n = data.len();
    if n == 0 || !is_level(level) || !are_finite(data) {
        return None;
    }
    let mut sorted = data.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let law = Binomial::new(0.5, n as u64).ok()?;
    // The coverage falls with k; ranks beyond the middle would reverse the interval.
    let coverage = |k: usize| 1.0 - 2.0 * law.cdf(k as u64 - 1);
    let rank = (1..=n.div_ceil(2)).take_while(|k| coverage(*k) >= level).last()?;
    Some(Estimate {
        value: 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]),
        interval: [sorted[rank - 1], sorted[n - rank]],
        coverage: coverage(rank),
    })
}

/// The median over `runs` runs of which some have no value, which may lie on either side: the interval that holds whichever it is. None where they could carry off an end.
pub fn median_of_all(values: &[f64], runs: usize, level: f64) -> Option<Estimate> {
    let missing = runs.checked_sub(values.len())?;
    let with = |value: f64| {
        let all: Vec<f64> = values.iter().copied().chain(std::iter::repeat_n(value, missing)).collect();
        median(&all, level)
    };
    let (low, high) = (with(f64::MIN)?, with(f64::MAX)?);
    let interval = [low.interval[0], high.interval[1]];
    let bounded = interval.iter().all(|end| end.abs() < f64::MAX);
    bounded.then_some(Estimate { value: 0.5 * (low.value + high.value), interval, coverage: low.coverage })
}

/// A probability from `successes` in independent `trials`, by Clopper and Pearson: with α = 1 − `level`,
/// [B(α/2; s, n − s + 1), B(1 − α/2; s + 1, n − s)], B the Beta quantile; an end is 0 at s = 0 and 1 at s = n.
/// The coverage is at least `level`.
pub fn proportion(successes: u64, trials: u64, level: f64) -> Option<Estimate> {
    if trials == 0 || successes > trials || !is_level(level) {
        return None;
    }
    let (s, n) = (successes as f64, trials as f64);
    let tail = 0.5 * (1.0 - level);
    let quantile = |a: f64, b: f64, p: f64| Some(Beta::new(a, b).ok()?.inverse_cdf(p)).filter(|q| q.is_finite());
    let low = if successes == 0 { 0.0 } else { quantile(s, n - s + 1.0, tail)? };
    let high = if successes == trials { 1.0 } else { quantile(s + 1.0, n - s, 1.0 - tail)? };
    Some(Estimate { value: s / n, interval: [low, high], coverage: level })
}

/// The slope of y on x by ordinary least squares, errors independent and normal with one variance:
/// b ± t_{n−2} √(Σ rᵢ² / (n − 2) / Sₓₓ) with b = Sₓᵧ/Sₓₓ, rᵢ the residuals. Needs n ≥ 3 and an x that varies.
pub fn slope(x: &[f64], y: &[f64], level: f64) -> Option<Estimate> {
    let n = x.len();
    if n < 3 || y.len() != n || !is_level(level) || !are_finite(x) || !are_finite(y) {
        return None;
    }
    let (mean_x, mean_y) = (average(x), average(y));
    let sxx: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
    let sxy: f64 = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    if sxx <= 0.0 || !sxx.is_finite() {
        return None;
    }
    let slope = sxy / sxx;
    let squares: f64 = x.iter().zip(y).map(|(x, y)| (y - mean_y - slope * (x - mean_x)).powi(2)).sum();
    Estimate::around(slope, student_quantile(n - 2, level)? * (squares / (n - 2) as f64 / sxx).sqrt(), level)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference values: SciPy 1.17.1, `t.interval`, `binomtest(…).proportion_ci("exact")`, `binom.cdf`, `linregress`.
    const TOLERANCE: f64 = 1e-9;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= TOLERANCE * expected.abs().max(1e-3), "{found:e} {expected:e}");
    }

    fn matches(estimate: Option<Estimate>, value: f64, interval: [f64; 2]) {
        let estimate = estimate.unwrap();
        close(estimate.value, value);
        close(estimate.interval[0], interval[0]);
        close(estimate.interval[1], interval[1]);
    }

    #[test]
    fn mean_agrees_with_scipy() {
        let data = [4.1, 3.9, 4.4, 4.0, 4.6, 3.7];
        let value = 4.116666666666666;
        matches(mean(&data, 0.95), value, [3.7691360021244797, 4.464197331208853]);
        matches(mean(&data, 0.99), value, [3.5715397575841585, 4.661793575749174]);
        matches(mean(&data, 0.9999), value, [2.605492443410583, 5.62784088992275]);
        matches(mean(&[2.0, 2.0], 0.99), 2.0, [2.0, 2.0]);
    }

    #[test]
    fn student_quantiles_agree_with_scipy() {
        for (freedom, level, expected) in [
            (1, 0.99, 63.656741162871526),
            (2, 0.9999, 99.99249984375004),
            (30, 0.99, 2.7499956535672254),
            (1000, 0.999, 3.300282648423944),
        ] {
            close(student_quantile(freedom, level).unwrap(), expected);
        }
    }

    #[test]
    fn proportion_agrees_with_scipy() {
        for (s, n, level, low, high) in [
            (7, 20, 0.95, 0.1539092047845412, 0.5921885345328283),
            (0, 10, 0.95, 0.0, 0.30849710781876294),
            (10, 10, 0.95, 0.6915028921812371, 1.0),
            (1, 1000, 0.99, 5.0125292607668415e-06, 0.007406286938353162),
            (3, 8, 0.9999, 0.009747648833868012, 0.9362686644928258),
            (9999, 10000, 0.99, 0.999257225887604, 0.9999994987459434),
            (500, 1000, 0.999, 0.4476294198586042, 0.5523705801413958),
        ] {
            matches(proportion(s, n, level), s as f64 / n as f64, [low, high]);
        }
    }

    /// Ranks and coverages of the classical table of distribution-free intervals for the median.
    #[test]
    fn median_takes_the_ranks_of_the_binomial_table() {
        for (n, level, rank, coverage) in [
            (6, 0.95, 1, 0.96875),
            (10, 0.95, 2, 0.978515625),
            (20, 0.95, 6, 0.9586105346679688),
            (25, 0.99, 6, 0.9959226846694946),
            (1000, 0.99, 459, 0.9913600509977395),
        ] {
            // The numbers 1 … n out of order: the value at a rank is the rank.
            let data: Vec<f64> = (1..=n).map(|i| (i * 7919 % (n + 1)) as f64).collect();
            let estimate = median(&data, level).unwrap();
            assert_eq!(estimate.interval, [rank as f64, (n + 1 - rank) as f64], "n = {n}");
            assert_eq!(estimate.value, 0.5 * (n + 1) as f64);
            close(estimate.coverage, coverage);
        }
    }

    #[test]
    fn median_of_too_few_data_has_no_interval() {
        // n data cover with probability 1 − 2^{1−n} at most.
        assert_eq!(median(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95), None);
        assert!(median(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.937).is_some());
        assert_eq!(median(&[1.0], 0.5), None);
        let low = median(&[3.0, 1.0, 2.0], 0.1).unwrap();
        assert_eq!((low.value, low.interval), (2.0, [1.0, 3.0]));
        assert_eq!(median(&[2.0, 1.0], 0.49).unwrap().interval, [1.0, 2.0]);
    }

    #[test]
    fn slope_agrees_with_scipy() {
        let (x, y) = ([4.0, 5.0, 6.0, 7.0, 8.0, 10.0], [2.31, 2.78, 3.33, 3.81, 4.35, 5.30]);
        let value = 0.5024285714285714;
        matches(slope(&x, &y, 0.95), value, [0.4872329979230694, 0.5176241449340735]);
        matches(slope(&x, &y, 0.99), value, [0.47723021187414405, 0.5276269309829988]);
        let line = slope(&x, &x.map(|x| 3.0 - 2.0 * x), 0.99).unwrap();
        matches(Some(line), -2.0, [-2.0, -2.0]);
    }

    #[test]
    fn what_the_data_cannot_determine_is_none() {
        const NAN: f64 = f64::NAN;
        assert_eq!(mean(&[1.0], 0.99), None);
        assert_eq!(mean(&[], 0.99), None);
        assert_eq!(mean(&[1.0, NAN], 0.99), None);
        assert_eq!(mean(&[1e308, -1e308], 0.99), None);
        assert_eq!(median(&[], 0.5), None);
        assert_eq!(median(&[1.0, f64::INFINITY, 2.0, 3.0, 4.0, 5.0], 0.9), None);
        // Twenty values: the ranks at 0.9 are 6 and 15. Two missing ones reach one further on either side, and nine carry off an end.
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        let all = median(&values, 0.9).unwrap();
        assert_eq!(median_of_all(&values, 20, 0.9), Some(all));
        let some = median_of_all(&values[1..19], 20, 0.9).unwrap();
        assert_eq!(some.interval, [all.interval[0] - 1.0, all.interval[1] + 1.0]);
        assert_eq!(median_of_all(&values[..11], 20, 0.9), None);
        assert_eq!(median_of_all(&values, 19, 0.9), None);
        assert_eq!(proportion(0, 0, 0.99), None);
        assert_eq!(proportion(3, 2, 0.99), None);
        assert_eq!(slope(&[1.0, 2.0], &[1.0, 2.0], 0.99), None);
        assert_eq!(slope(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0], 0.99), None);
        assert_eq!(slope(&[1.0, 2.0, 3.0], &[1.0, 2.0], 0.99), None);
        assert_eq!(slope(&[1.0, 2.0, NAN], &[1.0, 2.0, 3.0], 0.99), None);
        for level in [0.0, 1.0, -1.0, 2.0, NAN] {
            assert_eq!(mean(&[1.0, 2.0, 3.0], level), None);
            assert_eq!(median(&[1.0, 2.0, 3.0], level), None);
            assert_eq!(proportion(1, 3, level), None);
            assert_eq!(slope(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.5], level), None);
        }
    }
}

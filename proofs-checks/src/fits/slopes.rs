//! Rates as slopes of logarithms.
//!
//! # Acceptance of a rate
//!
//! A rate `n^{−ρ}` is judged by the slope of a logarithm over `log n`, fitted to each replicate apart and averaged over replicates with Student's interval, so that nothing is assumed of the dependence between sample sizes. Rates that the theory knows are the multiples of ¼: the region of one is what is nearer to it than to its neighbours, `ρ ± ⅛`. The factor `(log n)^{1/2}` that the claims allow
//! raises a slope by at most `1/(2 log n)`, .07 at `n = 10³` and .036 at `10⁶`, which lies inside.

use crate::{Evidence, Inexact, statistics};

/// Sample sizes on a geometric grid, `from` and `to` included.
pub(crate) fn grid(from: usize, to: usize, sizes: usize) -> Vec<usize> {
    let step = (to as f64 / from as f64).ln() / (sizes - 1) as f64;
    (0..sizes).map(|i| (from as f64 * (step * i as f64).exp()).round() as usize).collect()
}

/// What was measured at a sample size.
pub(crate) trait AtSize {
    /// `n`.
    fn size(&self) -> usize;

    /// Whether it is what the claims speak of, and not the end of a search that hit a limit.
    fn is_settled(&self) -> bool;
}

/// For each replicate the slope of `log value` over `log n`; not a number where a value is missing, not positive or not settled, so that no interval is made of the rest.
pub(crate) fn slopes<T: AtSize>(rows: &[Vec<T>], value: impl Fn(&T) -> Option<f64>) -> Vec<f64> {
    let point = |fit: &T| Some((fit.size(), value(fit).filter(|_| fit.is_settled())?));
    rows.iter().map(|fits| slope(fits.iter().map(point))).collect()
}

/// The slope of `log value` over `log n` of pairs `(n, value)`; not a number where one is missing or not positive.
pub(crate) fn slope(points: impl IntoIterator<Item = Option<(usize, f64)>>) -> f64 {
    let logarithms = |(n, value): (usize, f64)| Some(((n as f64).ln(), value.ln())).filter(|(_, y)| y.is_finite());
    let points: Option<Vec<(f64, f64)>> = points.into_iter().map(|point| point.and_then(logarithms)).collect();
    let line = points.and_then(|points| {
        let (x, y): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
        statistics::slope(&x, &y, 0.5)
    });
    line.map_or(f64::NAN, |line| line.value)
}

/// For each replicate the change of the slope of `log value(fits, place)` from the lower half of the grid to the upper, by the parabola of least squares: with `q` the part of `x²` that is orthogonal to 1 and `x = log n`, the coefficient is `Σ q y/Σ q²` and the change of the mean slope that times the length of the grid. Not a number as in [`slopes`].
pub(crate) fn bends<T: AtSize>(rows: &[Vec<T>], value: impl Fn(&[T], usize) -> f64) -> Vec<f64> {
    let bend = |fits: &Vec<T>| {
        let x: Vec<f64> = fits.iter().map(|fit| (fit.size() as f64).ln()).collect();
        let count = x.len() as f64;
        let middle = x.iter().sum::<f64>() / count;
        let x: Vec<f64> = x.iter().map(|x| x - middle).collect();
        let moment = |p: i32| x.iter().map(|x| x.powi(p)).sum::<f64>();
        let q: Vec<f64> = x.iter().map(|x| x * x - moment(2) / count - moment(3) / moment(2) * x).collect();
        let logarithm = |k: usize| if fits[k].is_settled() { value(fits, k).ln() } else { f64::NAN };
        let fitted = q.iter().enumerate().map(|(k, q)| q * logarithm(k)).sum::<f64>();
        fitted / q.iter().map(|q| q * q).sum::<f64>() * (x[x.len() - 1] - x[0])
    };
    rows.iter().map(bend).collect()
}

/// A rate as evidence: the mean of the slopes of `log value` over `log n` against its region. Undecided where a replicate has no slope.
pub(crate) fn rate<T: AtSize>(
    statement: &str,
    rows: &[Vec<T>],
    level: f64,
    accept: [f64; 2],
    value: impl Fn(&T) -> Option<f64>,
) -> Evidence {
    mean_slope(format!("{statement}: slope in log n, mean over replicates"), &slopes(rows, value), level, accept)
}

/// The mean of the slopes of the replicates against its region; undecided where one has none.
pub(crate) fn mean_slope(statement: impl Into<String>, slopes: &[f64], level: f64, accept: [f64; 2]) -> Evidence {
    let missing = slopes.iter().filter(|slope| !slope.is_finite()).count();
    if missing > 0 {
        let reason = format!(
            "{missing} of {} replicates have no slope: a fit ended above the truth at the limit of its steps or at a kink, or a value is 0",
            slopes.len()
        );
        return Evidence::unresolved(Inexact::Statistic { level }, statement, accept, reason);
    }
    Evidence::estimate(statement, level, statistics::mean(slopes, level), accept)
}

/// Lower quartile, median and upper quartile; none without data.
pub(crate) fn quartiles(mut values: Vec<f64>) -> [Option<f64>; 3] {
    values.sort_unstable_by(f64::total_cmp);
    // Linear interpolation between order statistics.
    [0.25, 0.5, 0.75].map(|share| {
        let place = share * values.len().checked_sub(1)? as f64;
        let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
        Some(below + (above - below) * place.fract())
    })
}

/// The rows of a sweep over replicates and sizes, units in the order of [`by_replicate`], one line a replicate.
pub(crate) fn by_replicate<T: Clone>(rows: Vec<T>, sizes: usize) -> Vec<Vec<T>> {
    rows.chunks(sizes).map(<[T]>::to_vec).collect()
}

/// The region of the slope of a rate `n^{−ρ}`.
pub(crate) fn region(rate: f64) -> [f64; 2] {
    [-rate - 0.125, -rate + 0.125]
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(usize, f64, bool);

    impl AtSize for Row {
        fn size(&self) -> usize {
            self.0
        }

        fn is_settled(&self) -> bool {
            self.2
        }
    }

    fn row(values: [f64; 3], settled: bool) -> Vec<Row> {
        [100, 1000, 10_000].into_iter().zip(values).map(|(n, value)| Row(n, value, settled)).collect()
    }

    /// A power has its exponent and no bend; a rate that stops in the middle changes its slope by the exponent.
    #[test]
    fn slopes_and_bends_of_powers() {
        let rows = vec![row([1.0, 0.1, 0.01], true), row([1.0, 0.1, 0.1], true)];
        let found = slopes(&rows, |row| Some(row.1));
        assert!((found[0] + 1.0).abs() < 1e-12 && (found[1] + 0.5).abs() < 1e-12, "{found:?}");
        let found = bends(&rows, |fits, k| fits[k].1);
        assert!(found[0].abs() < 1e-12 && (found[1] - 1.0).abs() < 1e-12, "{found:?}");
    }

    /// One fit that hit its limit, or one value that is 0, leaves the rate undecided, with the number of them; without it the rate holds.
    #[test]
    fn a_missing_slope_decides_nothing() {
        let good = || (0..5).map(|k| row([1.0, 0.1 + 1e-4 * f64::from(k), 0.01], true));
        let judged = |rows: Vec<Vec<Row>>| rate("x", &rows, 0.99, region(1.0), |row| Some(row.1));
        assert_eq!(judged(good().collect()).holds(), Some(true));
        for bad in [row([1.0, 0.1, 0.01], false), row([1.0, 0.1, 0.0], true)] {
            let item = judged(good().chain([bad]).collect());
            assert_eq!(item.holds(), None);
            assert!(item.reason().is_some_and(|reason| reason.starts_with("1 of 6")), "{item:?}");
        }
    }
}

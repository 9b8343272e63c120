//! What the lemmas on other gates have in common: the mixtures that a sample cannot tell from the least-squares fit, and the bound of the loss by the regression error.
//!
//! # The largest loss
//!
//! On a flat family a fit stays where it started, or slides to where noise puts it, and fits that start near the truth may look like a rate. What the data allow is the set `{G: n (S(G) − S_min)/S_min ≤ q}`, `S` the mean square of the residuals, `S_min` the least one found, `q` the quantile at [`KEPT`] of `χ²` with as many degrees of freedom as parameters: the likelihood-ratio region, which holds the truth for most samples, and whatever an estimator may pick that minimises up to what noise does to `S`. The statistic is the largest loss over the members that are found: fits from starts near the truth, and points of the family in the box through the fit `Ĝ*` of the true class, whose function, where the family is flat, is that of `Ĝ*`. Where the truth is identifiable the region shrinks to it, with the rate of the loss, and the points of the family fall outside.
//!
//! # The bound
//!
//! `L1 ≤ ‖f_G − f_{G*}‖/c` near the truth is how a rate of the regression error becomes one of `L1`. `local_constant` predicts `‖f_G − f_{G*}‖ ≥ (constant − o(1)) (|m| + Σ tr M2)` with the Euclidean norm of the first-order terms. `L1` adds them: `L1 ≤ √T |m| + Σ tr M2` for `T` summands of the first order, so `c = constant/√T`, fixed by theory before any draw. The statistic is the least `‖f_G − f_{G*}‖/(c L1)` over all members of the regions above; it is 1 or more where the bound holds. Its scatter is one-sided, so a few samples decide; the slope of `L1` itself scatters by about ½ a sample.
//!
//! # Tolerance
//!
//! Fits end where a whole Newton step promises less than `10⁻⁷` of the sum of squares: a share `10⁻⁷ n/p` of the excess of the truth, `3·10⁻⁵` at `n = 4000` and `5·10⁻⁴` at 64 000, and above the rounding of residuals (`10⁻¹⁶/10⁻⁵` a row at the smallest noise). A fit that hits the limit of iterations before is kept if it is a member: what is asked of a member is its sum of squares.

use moe_kernels::Activation;
use moe_theory::softmax::{
    Architecture, Atom, Cubature, Estimator, Fit, Gate, Group, Inputs, MixingMeasure, Noise, Power, Sample, Source,
    Tolerance, voronoi,
};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::fits::{Fitted, PATIENCE, Problem, grid, mean_slope, quartiles, region, slope};
use crate::{CheckError, Column, Evidence, Run, Table};

/// A column of a table: its name and what is measured of a sample's members.
pub(super) type Measured<'a> = (&'a str, &'a dyn Fn(&Members) -> f64);

/// Probability of `χ²` below the bound of the region.
const KEPT: f64 = 0.999;
/// Level of every interval.
pub(super) const LEVEL: f64 = 0.99;
/// Deviation of a start from the split truth: where the fitted class is large, starts further away end in other minima.
pub(super) const NEAR: f64 = 0.02;
/// The largest loss of a region is that of the points of a family that does not shrink, or at most so many times as large: less than its slope's region allows over log 6 or more.
const REACH: f64 = 1.25;
/// Purpose of the stream of starts.
const STARTS: u32 = 2;
/// When a fit ends.
const TOLERANCE: Tolerance = Tolerance { decrease: 1e-7, iterations: 50, patience: PATIENCE };

/// What a sample cannot tell from the least-squares fit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Members {
    /// The fit with the least sum of squares.
    pub(super) best: Fitted,
    /// The largest loss of a member.
    pub(super) largest: f64,
    /// The least `‖f_G − f_G*‖/L1` of a member.
    pub(super) ratio: f64,
    /// The least of that over the part of over-fitted cells alone.
    pub(super) over_ratio: f64,
    /// `L1` of the quotients `(ω/τ, β/τ)` under the plain gate: of the best fit; the regression error over it, least over the members. None under another gate.
    pub(super) quotient: Option<[f64; 2]>,
    /// Points of the family in the box.
    pub(super) in_box: usize,
    /// The largest loss of these, members or not; 0 without one.
    pub(super) along: f64,
    /// Those that are members.
    pub(super) on_family: usize,
}

/// A problem with a family of measures of the fitted class through any measure of the true class.
pub(super) struct Family<'a> {
    pub(super) problem: &'a Problem,
    pub(super) through: &'a (dyn Fn(&MixingMeasure) -> Vec<MixingMeasure> + Sync),
}

impl Family<'_> {
    /// All members found for every replicate and size of the run.
    pub(super) fn series(
        &self,
        run: &Run<'_>,
        name: &str,
        rule: &Cubature,
        replicates: u64,
    ) -> Result<Series, CheckError> {
        self.series_to(run, name, rule, (replicates, run.integer("to")))
    }

    /// The same up to another size.
    pub(super) fn series_to(
        &self,
        run: &Run<'_>,
        name: &str,
        rule: &Cubature,
        (replicates, to): (u64, u64),
    ) -> Result<Series, CheckError> {
        let sizes = grid(run.integer("from") as usize, to as usize, run.integer("sizes") as usize);
        let rows = run.units(name, replicates as usize * sizes.len(), |unit| {
            self.members(run, rule, sizes[unit % sizes.len()], (unit / sizes.len()) as u64)
        })?;
        Ok(Series { rows: rows.chunks(sizes.len()).map(<[_]>::to_vec).collect(), sizes })
    }

    fn members(&self, run: &Run<'_>, rule: &Cubature, rows: usize, replicate: u64) -> Result<Members, CheckError> {
        let problem = self.problem;
        let sample = problem.sample(run, rows, replicate)?;
        let mut fits = near(problem, run, &sample, replicate, &problem.splits())?;
        let exact = Problem { class: problem.truth_class.clone(), ..problem.clone() };
        let least = least(near(&exact, run, &sample, replicate, std::slice::from_ref(&problem.truth))?)?;
        let coordinates = problem.coordinates();
        let through = (self.through)(&exact.coordinates().measure(&least.theta));
        let bounds = problem.bounds(&coordinates);
        let thetas = through
            .iter()
            .map(|measure| coordinates.parameters(measure).ok_or_else(|| CheckError::theory("a slope is pinned")))
            .collect::<Result<Vec<_>, _>>()?;
        let points: Vec<Fit> = thetas
            .into_iter()
            .filter(|theta| bounds.clamp(theta) == *theta)
            .map(|theta| {
                let (mut sum, mut work, mut scratch) = (0.0, coordinates.kernel().workspace(), Vec::new());
                for index in 0..sample.chunks() {
                    let chunk = sample.chunk(index, &mut scratch).map_err(CheckError::theory)?;
                    sum += coordinates.kernel().sum_of_squares(&theta, chunk.columns, chunk.y, &mut work);
                }
                Ok(Fit { theta, objective: sum / rows as f64, ..least.clone() })
            })
            .collect::<Result<_, CheckError>>()?;
        fits.sort_by(|a, b| a.objective.total_cmp(&b.objective));
        let minimum = fits.iter().chain(&points).map(|fit| fit.objective).fold(f64::INFINITY, f64::min);
        let quantile = ChiSquared::new(coordinates.count() as f64).map_err(CheckError::theory)?.inverse_cdf(KEPT);
        let bound = minimum * (1.0 + quantile / rows as f64);
        let on_family = points.iter().filter(|point| point.objective <= bound).count();
        let (mut members, mut quotients) = (Vec::new(), Vec::new());
        for (place, fit) in fits.iter().chain(&points).enumerate() {
            // The best fit is measured whether or not a point of the family lies below it.
            if place == 0 || fit.objective <= bound {
                let member = problem.measured(rule, rows, fit)?;
                if matches!(problem.class.gate, Gate::DenseToSparse(_)) {
                    let loss = plain_loss(problem, &coordinates.measure(&fit.theta))?;
                    quotients.push((loss, member.error / loss));
                }
                members.push(member);
            }
        }
        let mut along = 0.0_f64;
        for point in &points {
            let measure = coordinates.measure(&point.theta);
            let loss = voronoi(&problem.class, &measure, &problem.truth, Power::L1).map_err(CheckError::theory)?;
            along = along.max(loss.loss);
        }
        let smallest = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::MAX, f64::min);
        Ok(Members {
            largest: members.iter().map(|member| member.loss).fold(0.0, f64::max),
            ratio: smallest(&mut members.iter().map(|member| member.error / member.loss)),
            over_ratio: smallest(&mut members.iter().map(|member| member.error / member.over)),
            quotient: quotients.first().map(|best| [best.0, smallest(&mut quotients.iter().map(|q| q.1))]),
            best: Fitted { settled: members[0].settled || fits[0].objective <= bound, ..members.swap_remove(0) },
            in_box: points.len(),
            along,
            on_family,
        })
    }
}

/// `L1` of the quotients under the plain gate.
fn plain_loss(problem: &Problem, measure: &MixingMeasure) -> Result<f64, CheckError> {
    let plain = Architecture { gate: Gate::Softmax, ..problem.class.clone() };
    let loss = voronoi(&plain, &measure.quotient(), &problem.truth.quotient(), Power::L1);
    Ok(loss.map_err(CheckError::theory)?.loss)
}

fn least(fits: Vec<Fit>) -> Result<Fit, CheckError> {
    let least = fits.into_iter().min_by(|a, b| a.objective.total_cmp(&b.objective));
    least.ok_or_else(|| CheckError::theory("no start"))
}

/// Fits from starts near measures of the fitted class: every parameter moved by normal noise of deviation [`NEAR`], the same for every sample size.
fn near(
    problem: &Problem,
    run: &Run<'_>,
    sample: &Sample,
    replicate: u64,
    measures: &[MixingMeasure],
) -> Result<Vec<Fit>, CheckError> {
    let coordinates = problem.coordinates();
    let estimator = Estimator::new(&coordinates, sample, problem.bounds(&coordinates)).with_tolerance(TOLERANCE);
    let mut random = run.substream(replicate, STARTS);
    measures
        .iter()
        .map(|measure| {
            run.proceed()?;
            let mut start = coordinates.parameters(measure).ok_or_else(|| CheckError::theory("a slope is pinned"))?;
            for parameter in &mut start {
                let z: f64 = StandardNormal.sample(&mut random);
                *parameter += NEAR * z;
            }
            estimator.fit(&start).map_err(CheckError::theory)
        })
        .collect()
}

/// The mean slope of a rate, from the slopes of the replicates.
pub(super) fn rate(words: impl std::fmt::Display, slopes: &[f64], rate: f64) -> Evidence {
    let of = if rate == 0.0 { "of a constant".into() } else { format!("of the rate {rate}") };
    let statement = format!("{words}: slope of the logarithm on log n is that {of}, mean over replicates");
    mean_slope(statement, slopes, LEVEL, region(rate))
}

/// Whether `‖f_G − f_G*‖ ≥ c·L1` for all members, given the least ratio of every sample and `c = constant/√terms`.
pub(super) fn bounded(words: &str, ratios: impl Iterator<Item = f64>, constant: f64, terms: usize) -> Evidence {
    let least = ratios.fold(f64::MAX, f64::min) * (terms as f64).sqrt() / constant;
    let statement =
        format!("{words}: least ‖f_G − f_G*‖/(c·L1) over samples and members, c = {constant:.3e}/√{terms} predicted");
    // Quadrature and losses are good to 1e-10.
    Evidence::comparison(statement, [least * (1.0 - 1e-9), least * (1.0 + 1e-9)], [1.0, f64::INFINITY])
}

/// A two-level problem: a group of two leaves and one of one, `sizes` fitted, scalar inputs on `[−3, 3]`.
///
/// The truth is the one with the largest predicted constant (GELU leaves, either leaf of the first group over-fitted) of 80 drawn ones with parameters rounded to a tenth; their median is 400 times smaller.
pub(super) fn hierarchical_problem(activation: Activation, sizes: &[usize], noise: f64, half_width: f64) -> Problem {
    let atom = |[omega, beta, a, b]: [f64; 4]| Atom { omega: vec![omega], beta, a: vec![a], b, lambda: 1.0 };
    let group = |alpha, beta, leaves: &[[f64; 4]]| Group {
        alpha: vec![alpha],
        beta,
        atoms: leaves.iter().copied().map(atom).collect(),
    };
    let class = |sizes: &[usize]| Architecture {
        dimension: 1,
        gate: Gate::Hierarchical,
        sizes: sizes.to_vec(),
        activation,
        outer_weight: false,
    };
    let groups = vec![
        group(-0.6, -0.3, &[[-1.1, 0.2, 3.0, -1.8], [0.8, -0.1, -1.4, 1.5]]),
        group(-1.1, 0.0, &[[2.3, 0.2, -1.7, -0.5]]),
    ];
    Problem {
        truth_class: class(&[2, 1]),
        truth: MixingMeasure { groups, tau: 1.0 },
        class: class(sizes),
        inputs: Inputs::Uniform { low: vec![-3.0], high: vec![3.0] },
        noise: Noise::Gaussian { deviation: noise },
        half_width,
        starts: 1,
        spread: NEAR,
        last_slope: false,
    }
}

/// Several series of the same sizes side by side: medians of the largest loss and of the regression error.
pub(super) fn side_by_side(name: &str, series: &[(&str, &Series)]) -> Table {
    let heads = series.iter().flat_map(|(head, _)| [format!("{head}: largest loss"), format!("{head}: error")]);
    let mut table = Table::new(name, std::iter::once("n".to_string()).chain(heads).map(|head| Column::new(head, "")));
    for (k, n) in series.first().map_or(&[][..], |(_, first)| &first.sizes).iter().enumerate() {
        let medians = series.iter().flat_map(|(_, series)| {
            let of = |value: fn(&Members) -> f64| quartiles(series.rows.iter().map(|row| value(&row[k])).collect())[1];
            [of(|row| row.largest), of(|row| row.best.error)]
        });
        table.push(std::iter::once((*n).into()).chain(medians.map(Into::into)));
    }
    table
}

/// The rows of a sweep over replicates and sample sizes, the sizes innermost.
pub(super) struct Series {
    pub(super) sizes: Vec<usize>,
    /// `rows[replicate][size]`.
    pub(super) rows: Vec<Vec<Members>>,
}

impl Series {
    /// For each replicate the slope of `log value` over `log n`, of something measured of the members.
    pub(super) fn slopes(&self, value: impl Fn(&Members) -> f64) -> Vec<f64> {
        self.optional_slopes(|row| Some(value(row)))
    }

    /// The same of the best fit; none where it hit its limit outside of the region.
    pub(super) fn best_slopes(&self, value: impl Fn(&Fitted) -> f64) -> Vec<f64> {
        self.optional_slopes(|row| Some(value(&row.best)).filter(|_| row.best.settled))
    }

    fn optional_slopes(&self, value: impl Fn(&Members) -> Option<f64>) -> Vec<f64> {
        let points = |row: &[Members]| -> Vec<Option<(usize, f64)>> {
            self.sizes.iter().zip(row).map(|(n, row)| Some((*n, value(row)?))).collect()
        };
        self.rows.iter().map(|row| slope(points(row))).collect()
    }

    /// The slope of the largest loss is that of a constant. Undecided where a box holds no point of the family, or where the largest loss at the least `n` is above [`REACH`] times that of the family's points: it falls towards that then, and its slope is that of neither.
    pub(super) fn constant(&self, words: impl std::fmt::Display) -> Evidence {
        let item = rate(words, &self.slopes(|row| row.largest), 0.0);
        let outside = self.all(|row| row.in_box as f64).filter(|count| *count == 0.0).count();
        if outside > 0 {
            let samples = self.rows.iter().flatten().count();
            return item.withheld(format!(
                "in {outside} of {samples} samples no point of the flat family through the fit lies in the box"
            ));
        }
        let middle = |value: fn(&Members) -> f64| {
            let first = self.rows.iter().filter_map(|row| row.first());
            quartiles(first.map(value).collect())[1].unwrap_or(f64::NAN)
        };
        let [along, largest] = [middle(|row| row.along), middle(|row| row.largest)];
        if largest <= REACH * along {
            return item;
        }
        item.withheld(format!(
            "at the least n the largest loss, {largest:.1e} in the median, is not that of the family's points, {along:.1e}, but of fits, and falls towards it"
        ))
    }

    /// A number of every row.
    pub(super) fn all<'a>(&'a self, value: impl Fn(&Members) -> f64 + 'a) -> impl Iterator<Item = f64> + 'a {
        self.rows.iter().flatten().map(value)
    }

    /// For each size the quartiles over replicates of some numbers.
    pub(super) fn table(&self, name: &str, columns: &[Measured<'_>]) -> Table {
        let heads = columns.iter().flat_map(|(head, _)| ["lower", "median", "upper"].map(|q| format!("{head} {q}")));
        let heads = std::iter::once("n".to_string()).chain(heads).map(|head| Column::new(head, ""));
        let mut table = Table::new(name, heads);
        for (k, n) in self.sizes.iter().enumerate() {
            let numbers = columns.iter().flat_map(|(_, value)| {
                let mut sorted: Vec<f64> = self.rows.iter().map(|row| value(&row[k])).collect();
                sorted.sort_unstable_by(f64::total_cmp);
                [1, 2, 3].map(|quarter| sorted.get(quarter * (sorted.len().max(1) - 1) / 4).copied())
            });
            table.push(std::iter::once((*n).into()).chain(numbers.map(Into::into)));
        }
        table
    }
}

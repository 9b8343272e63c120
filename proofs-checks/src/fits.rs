//! Least-squares fits of over-specified mixtures to samples of a true one: the experiment behind every rate.
//!
//! # The estimator
//!
//! `Ĝ_n` minimises the sum of squares over mixtures of the fitted class with parameters in a box: every gate and expert parameter within `half_width` of the range that it has in the truth, the same for all atoms, so that no labelling of the fitted atoms is preferred. The minimum is sought from the truth with its atoms split in every
//! way that gives the fitted number (each extra atom added to each true one), weights halved, all parameters moved by normal noise, mostly of deviation [`SPREAD`]; what is returned is the fit with the least objective. A fit ends where a whole Newton step promises less than [`SHARE`] of the excess of the truth, `p/n` of the sum of squares, the same share at every `n`. What is left above the minimum is as much at `n` of a thousand or more; at ten rows a parameter, where valleys bend, it was seen to be ten times that, a tenth of the estimator's own error in the norm of the function. That is the least objective *found*: a lower one elsewhere in the box is possible, which the lemma `local-minima` looks at.
//!
//! How two atoms that share a true one share its weight is not found in this way: with their mean and second moments kept it moves the function by the third power of their distance, less than where a fit ends, and stays near what it was at the start, one half. `L1`, which weighs the squares of their differences, knows little of it; the distance of the farther atom does, and is not measured.

use moe_kernels::Activation;
use moe_theory::softmax::{
    Architecture, Atom, Bounds, Coordinates, Cubature, Estimator, Fit, Gate, Inputs, MixingMeasure, Noise, Power,
    Reason, Sample, Source, Tolerance, Voronoi, local_constant, voronoi,
};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::{CheckError, Evidence, Run};

mod attained;
mod path;
mod slopes;

pub(crate) use path::sample_of;
pub(crate) use slopes::{AtSize, bends, by_replicate, grid, mean_slope, quartiles, rate, region, slope, slopes};

/// The usual deviation of a start from the split truth, in every parameter.
pub(crate) const SPREAD: f64 = 0.1;

/// Share of the excess of the truth, `p/n` of the sum of squares for `p` parameters, that a whole Newton step may still promise at the end of a fit.
const SHARE: f64 = 1e-3;

/// Steps that together have to gain as much: on flat families a fit has nowhere to end.
pub(crate) const PATIENCE: usize = 8;

/// A true mixture, a class to fit, and the law of the data.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// The class of the truth.
    pub(crate) truth_class: Architecture,
    /// `G*`.
    pub(crate) truth: MixingMeasure,
    /// The class that is fitted: `k` atoms.
    pub(crate) class: Architecture,
    /// `μ`.
    pub(crate) inputs: Inputs,
    /// The law of `ε`.
    pub(crate) noise: Noise,
    /// Half-width of the box around the range of the true parameters.
    pub(crate) half_width: f64,
    /// Starts for each way to split.
    pub(crate) starts: usize,
    /// Deviation of a start from the split truth, in every parameter.
    pub(crate) spread: f64,
    /// Whether the last gate keeps its slope, where the router is not linear.
    pub(crate) last_slope: bool,
}

/// A fit, measured against the truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fitted {
    /// `n`.
    pub(crate) rows: usize,
    /// `L1`, least over the translations of the gate.
    pub(crate) loss: f64,
    /// Its parts: differences of weights, atoms alone in their cells, atoms in over-fitted cells, temperature.
    pub(crate) mass: f64,
    pub(crate) exact: f64,
    pub(crate) over: f64,
    pub(crate) temperature: f64,
    /// Largest `‖(Δω, Δη)‖` of an atom alone in its cell.
    pub(crate) largest_exact: f64,
    /// Numbers of fitted atoms in the true cells, as in [`occupation`].
    pub(crate) cells: Vec<usize>,
    /// `‖f_Ĝ − f_G*‖` in `L²(μ)`.
    pub(crate) error: f64,
    /// `(1/n) Σ (y − f)²`.
    pub(crate) objective: f64,
    /// Whether the method converged.
    pub(crate) converged: bool,
    /// Whether the fit is one that the claims speak of: it converged and not at a kink, or among kinks, where nothing promises a minimum, or its objective is at most that of the truth, which is all that the proofs of the rates use of a minimum.
    pub(crate) settled: bool,
    /// Whether a parameter is at its bound: the minimum is that of the box.
    pub(crate) bounded: bool,
}

/// The truth of theory B5, `(ω, β, a, b) = (2, .3, 3, −.5), (0, 0, −2, 1)`, `τ = 1`.
pub(crate) fn reference_truth() -> MixingMeasure {
    let atom = |omega, beta, a, b| Atom { omega: vec![omega], beta, a: vec![a], b, lambda: 1.0 };
    MixingMeasure::flat(vec![atom(2.0, 0.3, 3.0, -0.5), atom(0.0, 0.0, -2.0, 1.0)], 1.0)
}

/// A drawn truth of two atoms, the last with slope 0: entries of `ω` and `a` are `N(0, 4/d)`, `β` and `b` `N(0, ¼)`, from the stream of its number.
fn drawn_truth(dimension: usize, number: u64) -> MixingMeasure {
    let mut random = ChaCha8Rng::seed_from_u64(number);
    random.set_stream(dimension as u64);
    let mut normal = |deviation: f64| {
        let z: f64 = StandardNormal.sample(&mut random);
        deviation * z
    };
    let scale = 2.0 / (dimension as f64).sqrt();
    let mut atom = |slope: f64| Atom {
        omega: (0..dimension).map(|_| slope * normal(scale)).collect(),
        beta: slope * normal(0.5),
        a: (0..dimension).map(|_| normal(scale)).collect(),
        b: normal(0.5),
        lambda: 1.0,
    };
    MixingMeasure::flat(vec![atom(1.0), atom(0.0)], 1.0)
}

/// Where `L1` is small enough that the terms of the third order, `‖Δ‖ ≤ L1^{1/2} = .14` of those of the second times a ratio of derivatives, do not bend a slope out of its region. An order of magnitude, not a bound.
const SMALL: f64 = 0.02;

/// These items, undecided where theory predicts a loss at the least `n` above [`SMALL`].
pub(crate) fn small(least: usize, predicted: f64, items: Vec<Evidence>) -> Vec<Evidence> {
    if predicted <= SMALL {
        return items;
    }
    let reason = format!(
        "at n = {least} theory expects a loss of the order of {predicted:.1e}, above {SMALL}: not yet where the rate shows"
    );
    items.into_iter().map(|item| item.withheld(reason.clone())).collect()
}

/// Rows for a parameter from which the factor `1 + O(p/n)` of an error moves the slope over log 32 or more by less than .03.
const ROWS: usize = 10;

impl Problem {
    /// [`reference_truth`] under a plain gate, fitted by `fitted` atoms of the same experts, `x ~ U[−3, 3]`.
    pub(crate) fn reference(activation: Activation, fitted: usize, noise: Noise, half_width: f64) -> Self {
        let class = |atoms| Architecture {
            dimension: 1,
            gate: Gate::Softmax,
            sizes: vec![atoms],
            activation,
            outer_weight: false,
        };
        Self {
            truth_class: class(2),
            truth: reference_truth(),
            class: class(fitted),
            inputs: Inputs::Uniform { low: vec![-3.0], high: vec![3.0] },
            noise,
            half_width,
            starts: 1,
            spread: SPREAD,
            last_slope: false,
        }
    }

    /// The same with inputs `x ~ U[−3, 3]^d` and another truth: number 0 is [`reference_truth`] for `d = 1`, all others are drawn.
    pub(crate) fn with_truth(mut self, dimension: usize, number: u64) -> Self {
        if dimension > 1 || number > 0 {
            self.truth = drawn_truth(dimension, number);
            self.inputs = Inputs::Uniform { low: vec![-3.0; dimension], high: vec![3.0; dimension] };
            (self.class.dimension, self.truth_class.dimension) = (dimension, dimension);
        }
        self
    }

    /// `σ (p/n)^{1/2}`, the regression error that theory expects of `p` parameters.
    pub(crate) fn predicted_error(&self, rows: usize) -> f64 {
        let scale = match self.noise {
            Noise::Gaussian { deviation } => deviation,
            Noise::StudentT { freedom, scale } if freedom > 2.0 => scale * (freedom / (freedom - 2.0)).sqrt(),
            Noise::StudentT { .. } => f64::INFINITY,
        };
        scale * (self.coordinates().count() as f64 / rows as f64).sqrt()
    }

    /// What theory expects of `L1` at `n`, as an order of magnitude: `σ (p/n)^{1/2} (1/s + 1/v)` with the constants of [`local_constant`], over all ways to share the fitted atoms among the true ones the largest. Their bound `1/κ` has `b/(sv)` too, which needs the worst direction of both at once. Infinite where a cell is flat.
    pub(crate) fn predicted_loss(&self, rule: &Cubature, rows: usize) -> Result<f64, CheckError> {
        let error = self.predicted_error(rows);
        let mut largest = 0.0_f64;
        for split in self.splits() {
            let cells = occupation(&voronoi(&self.class, &split, &self.truth, Power::L1).map_err(CheckError::theory)?);
            let local = local_constant(&self.class, &self.truth, rule, &cells).map_err(CheckError::theory)?;
            largest = largest.max(error * (1.0 / local.first + local.second.map_or(0.0, |second| 1.0 / second)));
        }
        Ok(largest)
    }

    /// The factor of the noise, at most one, at which theory predicts a loss of nine tenths of [`SMALL`] at `rows`: it is in proportion to the noise.
    pub(crate) fn quieter(&self, rule: &Cubature, rows: usize) -> Result<f64, CheckError> {
        Ok((0.9 * SMALL / self.predicted_loss(rule, rows)?).min(1.0))
    }

    /// These items, undecided where there are fewer than [`ROWS`] rows for a parameter: the factor `1 + O(p/n)` of an error bends a slope.
    pub(crate) fn determined(&self, least: usize, items: Vec<Evidence>) -> Vec<Evidence> {
        let parameters = self.coordinates().count();
        if least >= ROWS * parameters {
            return items;
        }
        let reason = format!(
            "n = {least} is less than {ROWS} rows for each of {parameters} parameters: not yet where the rate shows"
        );
        items.into_iter().map(|item| item.withheld(reason.clone())).collect()
    }

    /// These items, undecided where the least `n` is not in the asymptotic regime that a rate of `L1` speaks of: too few rows, or a loss that theory predicts to be above [`SMALL`].
    pub(crate) fn asymptotic(
        &self,
        rule: &Cubature,
        least: usize,
        items: Vec<Evidence>,
    ) -> Result<Vec<Evidence>, CheckError> {
        let predicted = self.predicted_loss(rule, least)?;
        Ok(small(least, predicted, self.determined(least, items)))
    }

    /// The coordinates of the fitted class.
    pub(crate) fn coordinates(&self) -> Coordinates {
        Coordinates::new(&self.class, self.last_slope)
    }

    /// `rows` draws; the same replicate gives the same inputs and the same noise up to its law.
    pub(crate) fn sample(&self, run: &Run<'_>, rows: usize, replicate: u64) -> Result<Sample, CheckError> {
        let (coordinates, theta) = self.true_parameters()?;
        let mut work = coordinates.kernel().workspace();
        let values = |x: &[f64], f: &mut [f64]| coordinates.kernel().values(&theta, x, f, &mut work);
        sample_of(values, &self.inputs, self.noise, (rows, run.seed(), replicate))
    }

    /// The truth in the coordinates of its class.
    fn true_parameters(&self) -> Result<(Coordinates, Vec<f64>), CheckError> {
        let coordinates = Coordinates::new(&self.truth_class, true);
        let theta = coordinates.parameters(&self.truth).ok_or_else(|| CheckError::theory("a true slope is pinned"))?;
        Ok((coordinates, theta))
    }

    /// The box in the coordinates of the fitted class.
    pub(crate) fn bounds(&self, coordinates: &Coordinates) -> Bounds {
        let layout = coordinates.layout();
        let d = self.class.dimension;
        let atoms: Vec<_> = self.truth.atoms().collect();
        let range = |values: &mut dyn Iterator<Item = f64>| {
            let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            (low - self.half_width, high + self.half_width)
        };
        // A pinned gate may stand at any true atom, so that the others range over all differences.
        let differences = |values: Vec<f64>| {
            let (low, high) = range(&mut values.iter().flat_map(|v| values.iter().map(move |w| v - w)));
            (low, high)
        };
        let mut bounds = Bounds { lower: vec![0.0; coordinates.count()], upper: vec![0.0; coordinates.count()] };
        let mut put = |place: Option<usize>, (low, high): (f64, f64)| {
            if let Some(place) = place {
                (bounds.lower[place], bounds.upper[place]) = (low, high);
            }
        };
        let free_slopes =
            self.last_slope && matches!(self.class.gate, Gate::DenseToSparse(router) if router != Activation::Linear);
        for i in 0..layout.expert.len() {
            for u in 0..d {
                let slopes: Vec<f64> = atoms.iter().map(|atom| atom.omega[u]).collect();
                let slope = if free_slopes { range(&mut slopes.iter().copied()) } else { differences(slopes) };
                put(layout.slope[i].map(|first| first + u), slope);
                put(Some(layout.expert[i] + u), range(&mut atoms.iter().map(|atom| atom.a[u])));
            }
            put(layout.intercept[i], differences(atoms.iter().map(|atom| atom.beta).collect()));
            put(Some(layout.expert[i] + d), range(&mut atoms.iter().map(|atom| atom.b)));
            put(layout.weight[i], range(&mut atoms.iter().map(|atom| atom.lambda)));
        }
        for outer in layout.outer.iter().copied() {
            for u in 0..d {
                let slopes = self.truth.groups.iter().map(|group| group.alpha[u]).collect();
                put(outer.map(|first| first + u), differences(slopes));
            }
            let intercepts = self.truth.groups.iter().map(|group| group.beta).collect();
            put(outer.map(|first| first + d), differences(intercepts));
        }
        // A temperature stays positive.
        put(layout.temperature, (0.2 * self.truth.tau, self.truth.tau + self.half_width));
        bounds
    }

    /// The truth split to the sizes of the fitted class in every way: each extra atom of a group added to each of its true atoms (weights shared equally), each extra group a copy of each true one.
    pub(crate) fn splits(&self) -> Vec<MixingMeasure> {
        let groups = duplicated(&self.truth.groups, self.class.sizes.len(), |group, copies| {
            group.beta -= (copies as f64).ln();
        });
        groups
            .into_iter()
            .flat_map(|groups| {
                let ways = groups.iter().zip(&self.class.sizes).map(|(group, size)| {
                    duplicated(&group.atoms, *size, |atom, copies| {
                        atom.beta -= self.truth.tau * (copies as f64).ln();
                    })
                });
                // All combinations of the ways of the groups.
                let combinations = ways.fold(vec![Vec::new()], |all: Vec<Vec<Vec<_>>>, ways| {
                    all.iter()
                        .flat_map(|chosen| {
                            ways.iter().map(move |atoms| {
                                let mut next = chosen.clone();
                                next.push(atoms.clone());
                                next
                            })
                        })
                        .collect()
                });
                let groups = &groups;
                combinations
                    .into_iter()
                    .map(|atoms| {
                        let mut measure = MixingMeasure { groups: groups.clone(), tau: self.truth.tau };
                        measure.groups.iter_mut().zip(atoms).for_each(|(group, atoms)| group.atoms = atoms);
                        measure
                    })
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// The starts of a replicate, in the coordinates of the fitted class.
    pub(crate) fn starts(
        &self,
        run: &Run<'_>,
        coordinates: &Coordinates,
        replicate: u64,
    ) -> Result<Vec<Vec<f64>>, CheckError> {
        let mut random = run.substream(replicate, STARTS);
        let mut starts = Vec::new();
        for split in self.splits() {
            let centre = coordinates.parameters(&split).ok_or_else(|| CheckError::theory("a true slope is pinned"))?;
            for _ in 0..self.starts {
                let moved = centre.iter().map(|c| {
                    let z: f64 = StandardNormal.sample(&mut random);
                    c + self.spread * z
                });
                starts.push(moved.collect());
            }
        }
        Ok(starts)
    }

    /// All fits of a sample from these starts.
    pub(crate) fn fits(&self, run: &Run<'_>, sample: &dyn Source, starts: &[Vec<f64>]) -> Result<Vec<Fit>, CheckError> {
        let coordinates = self.coordinates();
        let estimator = Estimator::new(&coordinates, sample, self.bounds(&coordinates));
        starts
            .iter()
            .map(|start| {
                run.proceed()?;
                estimator.fit(start).map_err(CheckError::theory)
            })
            .collect()
    }

    /// `(1/n) Σ (y − f_G*)²`: what every minimum that the proofs of the rates speak of is at most.
    pub(crate) fn objective_of_truth(&self, sample: &dyn Source) -> Result<f64, CheckError> {
        let (coordinates, theta) = self.true_parameters()?;
        let (mut work, mut scratch, mut squares) = (coordinates.kernel().workspace(), Vec::new(), 0.0);
        for index in 0..sample.chunks() {
            let chunk = sample.chunk(index, &mut scratch).map_err(CheckError::theory)?;
            squares += coordinates.kernel().sum_of_squares(&theta, chunk.columns, chunk.y, &mut work);
        }
        Ok(squares / sample.rows() as f64)
    }

    /// The estimate of a replicate at a sample size, measured.
    pub(crate) fn estimate(
        &self,
        run: &Run<'_>,
        rule: &Cubature,
        rows: usize,
        replicate: u64,
    ) -> Result<Fitted, CheckError> {
        self.estimate_from(run, rule, &self.starts(run, &self.coordinates(), replicate)?, (rows, replicate))
    }

    /// The same from other starts, in the coordinates of the fitted class.
    pub(crate) fn estimate_from(
        &self,
        run: &Run<'_>,
        rule: &Cubature,
        starts: &[Vec<f64>],
        (rows, replicate): (usize, u64),
    ) -> Result<Fitted, CheckError> {
        let sample = self.sample(run, rows, replicate)?;
        let coordinates = self.coordinates();
        let decrease = SHARE * coordinates.count() as f64 / rows as f64;
        let estimator = Estimator::new(&coordinates, &sample, self.bounds(&coordinates)).with_tolerance(Tolerance {
            decrease,
            patience: PATIENCE,
            ..Tolerance::default()
        });
        let fits = starts.iter().map(|start| {
            run.proceed()?;
            estimator.staged(start).map_err(CheckError::theory)
        });
        let fits = fits.collect::<Result<Vec<_>, CheckError>>()?;
        let best = fits.iter().min_by(|a, b| a.objective.total_cmp(&b.objective)).expect("a start");
        let measured = self.measured(rule, rows, best)?;
        let settled = measured.settled || measured.objective <= self.objective_of_truth(&sample)?;
        Ok(Fitted { settled, ..measured })
    }

    /// A fit measured against the truth.
    pub(crate) fn measured(&self, rule: &Cubature, rows: usize, fit: &Fit) -> Result<Fitted, CheckError> {
        let coordinates = self.coordinates();
        let bounds = self.bounds(&coordinates);
        let measure = coordinates.measure(&fit.theta);
        let loss = voronoi(&self.class, &measure, &self.truth, Power::L1).map_err(CheckError::theory)?;
        let (truth, target) = self.true_parameters()?;
        let error = rule.distance_by_columns(
            |x, f| coordinates.kernel().values(&fit.theta, x, f, &mut coordinates.kernel().workspace()),
            |x, f| truth.kernel().values(&target, x, f, &mut truth.kernel().workspace()),
        );
        let bounded = (0..fit.theta.len()).any(|i| fit.theta[i] <= bounds.lower[i] || fit.theta[i] >= bounds.upper[i]);
        Ok(Fitted {
            rows,
            loss: loss.loss,
            mass: loss.mass,
            exact: loss.exact,
            over: loss.over,
            temperature: loss.temperature,
            largest_exact: loss.largest_exact,
            cells: occupation(&loss),
            error,
            objective: fit.objective,
            converged: fit.reason.is_converged(),
            settled: match fit.reason {
                Reason::Kink => false,
                // Between kinks, as likely as in a valley.
                Reason::Creep => self.class.is_smooth(),
                reason => reason.is_converged(),
            },
            bounded,
        })
    }
}

/// The number of fitted atoms in each true cell; in a hierarchical mixture that of groups in the cells of the groups, then of leaves in the cells of their leaves, as [`local_constant`] has them.
fn occupation(loss: &Voronoi) -> Vec<usize> {
    let groups = loss.cells.iter().map(Vec::len);
    let leaves = loss.cells.iter().flat_map(|cell| {
        let inner: Vec<&Voronoi> = cell.iter().filter_map(|group| loss.leaves.get(*group)).collect();
        let count = inner.first().map_or(0, |group| group.cells.len());
        (0..count).map(move |leaf| inner.iter().map(|group| group.cells[leaf].len()).sum())
    });
    groups.chain(leaves).collect()
}

/// Purpose of the stream of starts.
const STARTS: u32 = 1;

/// Every way to reach `size` items by repeating some: `share` is told how many copies an item has.
fn duplicated<T: Clone>(items: &[T], size: usize, share: impl Fn(&mut T, usize)) -> Vec<Vec<T>> {
    let Some(extra) = size.checked_sub(items.len()) else { return Vec::new() };
    // Numbers of copies of each item, in the order of the first item's.
    let mut ways = vec![vec![1; items.len()]];
    for _ in 0..extra {
        let mut next: Vec<Vec<usize>> = Vec::new();
        for way in &ways {
            for i in 0..items.len() {
                let mut more = way.clone();
                more[i] += 1;
                if !next.contains(&more) {
                    next.push(more);
                }
            }
        }
        ways = next;
    }
    ways.iter()
        .map(|copies| {
            items
                .iter()
                .zip(copies)
                .flat_map(|(item, copies)| {
                    let mut item = item.clone();
                    share(&mut item, *copies);
                    vec![item; *copies]
                })
                .collect()
        })
        .collect()
}

impl AtSize for Fitted {
    fn size(&self) -> usize {
        self.rows
    }

    fn is_settled(&self) -> bool {
        self.settled
    }
}

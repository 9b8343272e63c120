//! A spec with its data: what is fitted, in which units.

use std::io;
use std::sync::atomic::AtomicBool;

use super::fit_bounds::{of_size, standard};
use super::{
    Bounds, Column, Coordinates, Estimator, Fit, FitSpec, FitSpecError, MixingMeasure, Parameter, Role, Scaling,
    Source, Tolerance, columns,
};

/// A start may be outside of the box by this share of its width: one that was printed at a bound was rounded on its way through the units of the data.
const SLACK: f64 = 1e-9;

/// Least root mean square of a column that is not 0: Hessians have the squares of products of two columns.
const SMALLEST: f64 = 1e-50;

/// A least-squares problem, ready to be solved.
pub struct Problem {
    coordinates: Coordinates,
    scaling: Scaling,
    standardised: bool,
    source: Box<dyn Source>,
    inputs: Vec<Column>,
    bounds: Bounds,
    /// A part of the box for random starts.
    starts_in: Option<Bounds>,
    /// In the coordinates of the fit.
    start: Option<Vec<f64>>,
    starts: usize,
    seed: u64,
    tolerance: Tolerance,
}

/// A parameter that ended at a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// The parameter.
    pub parameter: Parameter,
    /// The bound, in the coordinates of the fit.
    pub bound: f64,
    /// Whether it is the upper one.
    pub upper: bool,
}

impl FitSpec {
    /// The problem that this spec poses on these data.
    ///
    /// Without a box the inputs are standardised (those of a router that is not linear are scaled alone), see [`Scaling`] and [`Coordinates::centred`], and the box is the default one; with a box everything is in the units of the data.
    ///
    /// ```
    /// use moe_theory::softmax::{FitSpec, Sample};
    /// use std::sync::atomic::AtomicBool;
    /// let spec: FitSpec = toml::from_str("expert = 'linear'\nexperts = 1")?;
    /// let mut builder = Sample::builder(1);
    /// [1.0, 2.0, 3.0].iter().for_each(|x| builder.push(&[*x], 2.0 * x + 1.0));
    /// let problem = spec.problem(&builder.finish())?;
    /// let fits = problem.fit(&AtomicBool::new(false))?;
    /// let line = &problem.measure(&fits[0]).groups[0].atoms[0];
    /// assert!((line.a[0] - 2.0).abs() < 1e-12 && (line.b - 1.0).abs() < 1e-12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Every [`FitSpecError`].
    pub fn problem(&self, data: &dyn Source) -> Result<Problem, FitSpecError> {
        let class = self.class(data.dimension())?;
        let start = self.start(&class)?;
        let coordinates = Coordinates::new(&class, false);
        // Parameters that the box or a constant column holds count, too: the rule can be told from the spec alone.
        if data.rows() < coordinates.count() {
            return Err(FitSpecError::Rows { found: data.rows(), needed: coordinates.count() });
        }
        let mut inputs = columns(data)?;
        for (u, column) in inputs.iter().enumerate() {
            let found = column.mean.hypot(column.sd);
            if found > 0.0 && found < SMALLEST {
                let column = if u == class.dimension { "y".into() } else { format!("x{}", u + 1) };
                return Err(FitSpecError::Small { column, found });
            }
        }
        let response = inputs.pop().unwrap_or(Column { mean: 0.0, sd: 0.0 });
        let standardised = self.bounds.is_none();
        let (scaling, bounds) = match &self.bounds {
            Some(written) => (Scaling::identity(class.dimension), written.bounds(&coordinates, &inputs)),
            None => (Scaling::standardising(&inputs, class.gate), standard(&coordinates, &inputs, response)),
        };
        // Gates may see uncentred inputs; experts have an intercept, in which a mean goes.
        let coordinates = match standardised {
            true => coordinates.centred(scaling.means(&inputs)),
            false => coordinates,
        };
        let start = start.map(|start| {
            let mut theta = coordinates.parameters(&scaling.scaled(&start)).ok_or(FitSpecError::Pinned)?;
            let described = coordinates.described();
            for (parameter, value) in described.iter().zip(&mut theta) {
                // The intercepts have taken what such a slope adds.
                let constant = match parameter.role {
                    Role::A(u) => inputs[u].sd == 0.0,
                    role => role.column().is_some_and(|u| scaling.is_zero(u, inputs[u])),
                };
                if standardised && constant {
                    *value = 0.0;
                }
            }
            for (i, found) in theta.iter().enumerate() {
                let (lower, upper) = (bounds.lower[i], bounds.upper[i]);
                let slack = SLACK * (upper - lower);
                if !(lower - slack..=upper + slack).contains(found) {
                    let units = if standardised { " on standardised columns" } else { "" };
                    let parameter = described[i].to_string();
                    return Err(FitSpecError::Outside { parameter, found: *found, lower, upper, units });
                }
            }
            Ok(bounds.clamp(&theta))
        });
        Ok(Problem {
            starts_in: if standardised { of_size(&coordinates, &bounds, response) } else { None },
            source: scaling.apply(data)?,
            start: start.transpose()?,
            coordinates,
            scaling,
            standardised,
            inputs,
            bounds,
            starts: self.starts(),
            seed: self.seed.unwrap_or(0),
            tolerance: self.tolerance(),
        })
    }
}

impl Problem {
    /// The fits, best first: one from the start, or those of [`Estimator::search`]. They end soon after `stop` is set.
    ///
    /// # Errors
    /// What reading the data raises.
    pub fn fit(&self, stop: &AtomicBool) -> io::Result<Vec<Fit>> {
        let estimator = Estimator::new(&self.coordinates, &*self.source, self.bounds.clone());
        let estimator = estimator.with_tolerance(self.tolerance).stopped_by(stop);
        match &self.start {
            Some(start) => Ok(vec![estimator.fit(start)?]),
            None => {
                let estimator = match &self.starts_in {
                    Some(part) => estimator.with_starts_in(part.clone()),
                    None => estimator,
                };
                estimator.search(self.starts, self.seed)
            }
        }
    }

    /// The mixture of a fit, in the units of the data.
    pub fn measure(&self, fit: &Fit) -> MixingMeasure {
        self.scaling.original(&self.coordinates.measure(&fit.theta))
    }

    /// The parameters of a fit that ended at a bound, except those that the box does not let move.
    pub fn held(&self, fit: &Fit) -> Vec<Held> {
        let described = self.coordinates.described();
        let held = |(i, parameter): (usize, &Parameter)| {
            let (lower, upper, value) = (self.bounds.lower[i], self.bounds.upper[i], fit.theta[i]);
            let at = |bound, upper| Some(Held { parameter: *parameter, bound, upper });
            match () {
                () if lower == upper => None,
                () if value <= lower => at(lower, false),
                () if value >= upper => at(upper, true),
                () => None,
            }
        };
        described.iter().enumerate().filter_map(held).collect()
    }

    /// How many parameters the box lets move.
    pub fn free(&self) -> usize {
        self.bounds.lower.iter().zip(&self.bounds.upper).filter(|(lower, upper)| lower < upper).count()
    }

    /// Rows of the data.
    pub fn rows(&self) -> usize {
        self.source.rows()
    }

    /// Whether the bounds are those of standardised columns.
    pub fn is_standardised(&self) -> bool {
        self.standardised
    }

    /// Columns of inputs, from 0, in which all values are equal: their slopes are not identified, and a default box holds them at 0.
    pub fn constant_columns(&self) -> Vec<usize> {
        (0..self.inputs.len()).filter(|u| self.inputs[*u].sd == 0.0).collect()
    }

    /// How many random starts there are; `None` with a start.
    pub fn random_starts(&self) -> Option<usize> {
        self.start.is_none().then_some(self.starts)
    }
}

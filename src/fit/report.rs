//! A fit, for programs and for people.

use moe_theory::softmax::{
    Architecture, Atom, Fit, FitSpec, Gate, MixingMeasure, Problem, Reason, Role, Voronoi, VoronoiError,
};
use proofs_checks::{Cell, Column, Table};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::render::{lone_table, number};

/// Share of the largest eigenvalue of the scaled Hessian below which another one is no curvature: sums of many rows leave a few of its sixteen digits, and a direction this flat can be moved by `10⁵` times as far as
/// the stiffest for the same change of the objective. Within it the sign means nothing.
const UNIDENTIFIED: f64 = 1e-10;

/// Everything about a fit that is told.
pub(super) struct Outcome<'a> {
    pub(super) class: &'a Architecture,
    pub(super) problem: &'a Problem,
    pub(super) fits: &'a [Fit],
    pub(super) best: &'a Fit,
    pub(super) measure: &'a MixingMeasure,
    /// The distance to the truth, where there is one.
    pub(super) voronoi: Option<Result<Voronoi, VoronoiError>>,
    /// That of the quotients `(ω/τ, β/τ)`, where only these are identified.
    pub(super) quotient: Option<Result<Voronoi, VoronoiError>>,
}

impl Outcome<'_> {
    /// The documented JSON. What is no finite number is left out: an objective that overflows, a distance that does.
    pub(super) fn document(&self, spec: &FitSpec) -> Value {
        let best = self.best;
        let mut document = json!({
            "n": self.problem.rows(),
            "parameters": self.parameters(),
            "iterations": best.iterations,
            "evaluations": best.evaluations,
            "converged": best.reason.is_converged(),
            "reason": code(best.reason),
            "warnings": self.warnings(),
            "voronoi": self.voronoi.as_ref().and_then(|voronoi| voronoi.as_ref().ok()).map(|voronoi| self.distance(voronoi)),
        });
        if let Some(Ok(quotient)) = &self.quotient {
            document["voronoi"]["quotient"] = self.distance(quotient);
        }
        if let Some(starts) = self.problem.random_starts() {
            document["starts"] = json!({ "random": starts, "fitted": self.fits.len(), "reached": self.reached(spec) });
        }
        for (key, value) in [("objective", best.objective), ("conditioning", best.conditioning)] {
            if value.is_finite() {
                document[key] = value.into();
            }
        }
        document
    }

    fn parameters(&self) -> Value {
        let atoms = |atoms: &[Atom]| -> Vec<Value> { atoms.iter().map(|atom| self.atom(atom)).collect() };
        let mut parameters = if self.class.gate == Gate::Hierarchical {
            let groups = self.measure.groups.iter().map(
                |group| json!({ "alpha": plain(&group.alpha), "beta": group.beta + 0.0, "atoms": atoms(&group.atoms) }),
            );
            json!({ "groups": groups.collect::<Vec<_>>() })
        } else {
            json!({ "atoms": self.measure.groups.iter().flat_map(|group| atoms(&group.atoms)).collect::<Vec<_>>() })
        };
        if let Gate::DenseToSparse(_) = self.class.gate {
            parameters["tau"] = self.measure.tau.into();
        }
        parameters
    }

    fn atom(&self, atom: &Atom) -> Value {
        let mut value =
            json!({ "omega": plain(&atom.omega), "beta": atom.beta + 0.0, "a": plain(&atom.a), "b": atom.b + 0.0 });
        if self.class.outer_weight {
            value["lambda"] = (atom.lambda + 0.0).into();
        }
        value
    }

    /// The cells; in a hierarchical mixture those of groups, with the cells of the leaves of each fitted group in its true one.
    fn distance(&self, voronoi: &Voronoi) -> Value {
        let mut value = json!({ "L1": voronoi.loss, "cells": voronoi.cells });
        if self.class.gate == Gate::Hierarchical {
            let leaves = voronoi.leaves.iter().map(|leaves| json!({ "L1": leaves.loss, "cells": leaves.cells }));
            value["leaves"] = leaves.collect();
        }
        value
    }

    /// What a reader wants to know first: sizes, the objective, why it ended, warnings, parameters.
    pub(super) fn summary(&self, format: Format, spec: &FitSpec) -> String {
        let (best, problem) = (self.best, self.problem);
        let gate = match self.class.gate {
            Gate::Softmax => "softmax gate".into(),
            Gate::DenseToSparse(router) => format!("dense-to-sparse gate with a {router} router"),
            Gate::Hierarchical => "hierarchical gate".into(),
        };
        let sizes: Vec<String> = self.class.sizes.iter().map(usize::to_string).collect();
        let weighted = if self.class.outer_weight { " with an outer weight" } else { "" };
        let mut lines = vec![
            format!(
                "{} experts ({}{weighted}), {gate}; {}, {}, {}",
                sizes.join(" + "),
                self.class.activation,
                count(self.class.dimension, "input"),
                count(problem.rows(), "row"),
                count(problem.free(), "free parameter")
            ),
            if best.objective.is_finite() {
                let [objective, residual] = [best.objective, best.objective.sqrt()].map(number);
                format!("objective (1/n) Σ (y − f)² = {objective}; root mean square residual {residual}")
            } else {
                "objective (1/n) Σ (y − f)²: none, the sum overflows".into()
            },
            format!(
                "{}converged: {} ({}, {} over the data)",
                if best.reason.is_converged() { "" } else { "not " },
                words(best.reason, spec),
                count(best.iterations, "iteration"),
                if best.evaluations == 1 { "1 pass".into() } else { format!("{} passes", best.evaluations) }
            ),
        ];
        if let Some(starts) = problem.random_starts() {
            lines.push(self.starts(starts, spec));
        }
        match &self.voronoi {
            Some(Ok(voronoi)) => {
                let loss = number(voronoi.loss);
                lines.push(format!("Voronoi loss to the truth: L1 = {loss}, cells {:?}", voronoi.cells));
            }
            Some(Err(error)) => lines.push(format!("Voronoi loss to the truth: none, {error}")),
            None => {}
        }
        if let Some(Ok(quotient)) = &self.quotient {
            lines.push(format!(
                "of (omega/tau, beta/tau), which alone this router identifies: L1 = {}, cells {:?}",
                number(quotient.loss),
                quotient.cells
            ));
        }
        if let Gate::DenseToSparse(_) = self.class.gate {
            lines.push(format!("temperature {}", number(self.measure.tau)));
        }
        lines.extend(self.warnings().into_iter().map(|warning| format!("warning: {warning}")));
        let separator = if format == Format::Markdown { "\n\n" } else { "\n" };
        let mut text = lines.join(separator) + "\n\n" + &lone_table(&self.atoms(), format, String::new);
        if self.class.gate == Gate::Hierarchical {
            text += "\n";
            text += &lone_table(&self.groups(), format, String::new);
        }
        text
    }

    /// How many starts came to the same end: within what the tolerance leaves open.
    fn reached(&self, spec: &FitSpec) -> usize {
        let best = self.best;
        let alike = |fit: &&Fit| {
            let both_exact = fit.reason == Reason::Exact && best.reason == Reason::Exact;
            both_exact || fit.objective <= best.objective * (1.0 + 10.0 * spec.tolerance().decrease)
        };
        self.fits.iter().filter(alike).count()
    }

    fn starts(&self, starts: usize, spec: &FitSpec) -> String {
        let tried = if self.fits.len() < starts {
            format!("{starts} random starts on a part of the rows, the best {} of them on all", self.fits.len())
        } else {
            count(starts, "random start")
        };
        format!("{tried}; {} reached this objective", self.reached(spec))
    }

    fn warnings(&self) -> Vec<String> {
        let problem = self.problem;
        let mut warnings = Vec::new();
        for u in problem.constant_columns() {
            warnings.push(format!("column x{} is constant: its slopes are not identified", u + 1));
        }
        for held in problem.held(self.best) {
            let scaled = problem.is_standardised() && held.parameter.role != Role::Tau;
            let units = if scaled { " (on standardised columns)" } else { "" };
            let side = if held.upper { "upper" } else { "lower" };
            warnings.push(format!("{} is at its {side} bound {}{units}", held.parameter, number(held.bound)));
        }
        let conditioning = self.best.conditioning;
        if conditioning < -UNIDENTIFIED {
            warnings.push(format!(
                "the Hessian has a negative eigenvalue, {} of the largest: {}",
                number(conditioning),
                if !self.best.reason.is_converged() {
                    "no minimum yet"
                } else if self.class.is_smooth() {
                    "no strict minimum, though no step that was tried in the box lowers the objective by more than the tolerance"
                } else {
                    "no minimum, or a kink, which it does not describe"
                }
            ));
        } else if conditioning < UNIDENTIFIED && self.best.reason.is_converged() {
            warnings.push(format!(
                "not identified: the smallest eigenvalue of the Hessian is {} of the largest, so some direction of the parameters hardly changes the fit",
                number(conditioning)
            ));
        }
        warnings
    }

    /// A row for each parameter, a column for each atom.
    fn atoms(&self) -> Table {
        let nested = self.class.gate == Gate::Hierarchical;
        let mut heads = vec![Column::new("parameter", "")];
        for (a, group) in self.measure.groups.iter().enumerate() {
            for i in 0..group.atoms.len() {
                heads.push(Column::new(if nested { format!("group {a}, atom {i}") } else { format!("atom {i}") }, ""));
            }
        }
        let mut table = Table::new("atoms", heads);
        let d = self.class.dimension;
        let roles = (0..d)
            .map(Role::Omega)
            .chain([Role::Beta])
            .chain((0..d).map(Role::A))
            .chain([Role::B])
            .chain(self.class.outer_weight.then_some(Role::Lambda));
        for role in roles {
            let value = |atom: &Atom| match role {
                Role::Omega(u) => atom.omega[u],
                Role::A(u) => atom.a[u],
                Role::Beta => atom.beta,
                Role::B => atom.b,
                _ => atom.lambda,
            };
            let cells = self.measure.atoms().map(|atom| Cell::from(value(atom)));
            table.push(std::iter::once(label(role).into()).chain(cells));
        }
        table
    }

    /// The outer gate.
    fn groups(&self) -> Table {
        let names = (0..self.measure.groups.len()).map(|a| Column::new(format!("group {a}"), ""));
        let mut table = Table::new("groups", std::iter::once(Column::new("parameter", "")).chain(names));
        for u in 0..self.class.dimension {
            let cells = self.measure.groups.iter().map(|group| Cell::from(group.alpha[u]));
            table.push(std::iter::once(label(Role::Alpha(u)).into()).chain(cells));
        }
        let cells = self.measure.groups.iter().map(|group| Cell::from(group.beta));
        table.push(std::iter::once(label(Role::Beta).into()).chain(cells));
        table
    }
}

/// The name of a row: slopes by their column in the data.
fn label(role: Role) -> String {
    match role {
        Role::Alpha(u) => format!("alpha, x{}", u + 1),
        Role::Omega(u) => format!("omega, x{}", u + 1),
        Role::A(u) => format!("a, x{}", u + 1),
        Role::Beta => "beta".into(),
        Role::B => "b".into(),
        Role::Lambda => "lambda".into(),
        Role::Tau => "tau".into(),
    }
}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Without negative zeros.
fn plain(numbers: &[f64]) -> Vec<f64> {
    numbers.iter().map(|number| number + 0.0).collect()
}

fn code(reason: Reason) -> &'static str {
    match reason {
        Reason::SmallDecrease => "small-decrease",
        Reason::Exact => "exact",
        Reason::Rounding => "rounding",
        Reason::Kink => "kink",
        Reason::Creep => "creep",
        Reason::Iterations => "iterations",
        Reason::NotFinite => "not-finite",
        Reason::Stopped => "stopped",
    }
}

/// Why a fit ended, in words.
pub(super) fn words(reason: Reason, spec: &FitSpec) -> String {
    let tolerance = spec.tolerance();
    match reason {
        Reason::SmallDecrease => {
            format!(
                "a Newton step in the box promises less than {:e} of the sum of squares, or than rounding hides",
                tolerance.decrease
            )
        }
        Reason::Exact => "the residuals are those of rounding".into(),
        Reason::Rounding => "what a step could gain is below the rounding of the sums".into(),
        Reason::Kink => {
            "steps of every length that the derivatives lead to were refused, and so was every move of one parameter: at a kink, which derivatives do not describe".into()
        }
        Reason::Creep => format!(
            "the last {} steps together gained less than {:e} of the sum of squares, in a valley that bends; parameters along it are hardly determined",
            tolerance.patience, tolerance.decrease
        ),
        Reason::Iterations => format!("the limit of {} iterations was reached", tolerance.iterations),
        Reason::NotFinite => "the sum of squares is not finite".into(),
        Reason::Stopped => "it was stopped".into(),
    }
}

//! The trusted base: enclosures, certificates, and the re-checker that believes nothing else.
//!
//! What proposes (tables of `f64`, linear programs, eigenvalue solvers, searches) lies outside; what decides lies here, on the standard library and integers and fractions of arbitrary size (dashu), with the parser and the normal form of
//! [`crate::symbolic`] for what is written as expressions. A test reads the `use` lines of these files to keep it so.
//!
//! To read it in one sitting: `dyadic` (exact numbers), `ball` (their intervals), `elementary` (functions of intervals), `linear` (elimination), `jet` (derivatives of expressions), `witness` (what is not zero), `positive` (what is positive); `certificate` and `recheck` (texts); and one file for each claim, with its proof: `span` (dimensions), `region` (independence over a box),
//! `identity`, `flat` (curves of equal mixtures), `cone` and `rays` (local Voronoi bounds, on `mixture` and `integral`), `spectrum` and `hermite` (with `sigmoid`) for the student-teacher model.

mod ball;
mod certificate;
mod cone;
mod dyadic;
mod elementary;
mod flat;
mod hermite;
mod identity;
mod integral;
mod jet;
mod linear;
mod mixture;
mod multi_index;
mod positive;
mod rays;
mod recheck;
mod region;
mod sigmoid;
mod span;
mod spectrum;
mod witness;

pub(crate) use ball::Ball;
pub use certificate::CertificateError;
pub(crate) use cone::{Cone, Measure, Offer};
pub(crate) use flat::{AtomText, Flat, is_translation, vanishes};
pub use hermite::hermite_certificate;
pub(crate) use identity::Identity;
#[cfg(test)]
pub(crate) use jet::Jets;
pub(crate) use linear::pivot_rows;
pub(crate) use mixture::{Functions, Mixture};
pub(crate) use multi_index::multi_indices;
pub(crate) use positive::is_positive;
pub(crate) use rays::{Ray, Rays};
pub use recheck::{Accepted, recheck};
pub(crate) use region::{Node, Region};
pub(crate) use span::{Span, inputs};
pub use spectrum::spectrum_certificate;
pub(crate) use witness::is_somewhere_not_zero;

#[cfg(test)]
mod tests {
    /// The files of the trusted base use the standard library, dashu-int, the number trait and each other, no floats of a finder.
    #[test]
    fn the_trusted_base_stands_on_little() {
        let files = [
            include_str!("ball.rs"),
            include_str!("certificate.rs"),
            include_str!("cone.rs"),
            include_str!("dyadic.rs"),
            include_str!("elementary.rs"),
            include_str!("flat.rs"),
            include_str!("hermite.rs"),
            include_str!("identity.rs"),
            include_str!("integral.rs"),
            include_str!("jet.rs"),
            include_str!("linear.rs"),
            include_str!("mixture.rs"),
            include_str!("multi_index.rs"),
            include_str!("positive.rs"),
            include_str!("rays.rs"),
            include_str!("recheck.rs"),
            include_str!("region.rs"),
            include_str!("sigmoid.rs"),
            include_str!("span.rs"),
            include_str!("spectrum.rs"),
            include_str!("witness.rs"),
            include_str!("../symbolic/expression.rs"),
            include_str!("../symbolic/normal_form.rs"),
            include_str!("../symbolic/normal_form/derivative.rs"),
            include_str!("../symbolic/normal_form/lowering.rs"),
            include_str!("../symbolic/normal_form/resolve.rs"),
            include_str!("../symbolic/normal_form/sign.rs"),
            include_str!("../symbolic/parse.rs"),
            include_str!("../symbolic/partial.rs"),
            include_str!("../symbolic/polynomial.rs"),
        ];
        for file in files {
            let production = file.split("#[cfg(test)]").next().unwrap_or_default();
            for line in production.lines().map(str::trim).filter(|line| line.starts_with("use ")) {
                // The parser's library reads tokens; of the symbolic engine only what these files define.
                let allowed = [
                    "use std::",
                    "use dashu_int::",
                    "use dashu_ratio::RBig;",
                    "use super::",
                    "use moe_kernels::Real;",
                    "use thiserror::Error;",
                    "use winnow::",
                    "use crate::symbolic::",
                    "use crate::rigor::is_somewhere_not_zero;",
                ];
                assert!(allowed.iter().any(|start| line.starts_with(start)), "{line}");
                for finder in
                    ["relations", "independence", "measured", "cone::", "coefficient::", "identify", "clarabel", "faer"]
                {
                    let own = line.starts_with("use super::cone::") && finder == "cone::";
                    assert!(own || !line.contains(finder), "{line}");
                }
            }
        }
    }
}

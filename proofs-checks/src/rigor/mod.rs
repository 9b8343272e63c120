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
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let read = |name: &str| std::fs::read_to_string(source.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let production = |name: &str| read(name).split("#[cfg(test)]").next().unwrap_or_default().to_string();
        let mut names: Vec<String> =
            ["expression", "parse", "partial", "polynomial"].map(|name| format!("symbolic/{name}.rs")).into();
        // With every file that they consist of.
        let mut open =
            vec![("rigor/mod.rs".to_string(), "rigor"), ("symbolic/normal_form.rs".into(), "symbolic/normal_form")];
        while let Some((name, directory)) = open.pop() {
            let own = production(&name);
            let parts = own.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
            names.extend(parts.map(|part| format!("{directory}/{part}.rs")));
            names.push(name);
        }
        for name in ["rigor/ball.rs", "symbolic/normal_form/cancel.rs"] {
            assert!(names.iter().any(|own| own == name), "{name}: {names:?}");
        }
        for name in names {
            let production = production(&name);
            // Files of files are not looked at.
            let is_whole = name == "rigor/mod.rs" || name == "symbolic/normal_form.rs";
            assert!(is_whole || production.lines().all(|line| !line.starts_with("mod ")), "{name}");
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
                    "use limit::{EXPONENT, Limit};",
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

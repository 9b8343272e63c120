//! The trusted base: enclosures, certificates, and the re-checker that believes nothing else.
//!
//! What proposes (tables of `f64`, eigenvalue solvers, searches) lies outside; what decides lies here, on the standard library and integers of arbitrary size
//! (dashu-int) alone. A test reads the `use` lines of these files to keep it so.

mod ball;
mod certificate;
mod dyadic;
mod elementary;
mod hermite;
mod identity;
mod jet;
mod recheck;
mod sigmoid;
mod span;
mod spectrum;

pub use certificate::CertificateError;
pub use hermite::hermite_certificate;
pub use recheck::{Accepted, recheck};
pub(crate) use span::{Span, inputs};
pub use spectrum::spectrum_certificate;

#[cfg(test)]
mod tests {
    /// The files of the trusted base use the standard library, dashu-int, the number trait and each other, no floats of a finder.
    #[test]
    fn the_trusted_base_stands_on_little() {
        let files = [
            include_str!("ball.rs"),
            include_str!("certificate.rs"),
            include_str!("dyadic.rs"),
            include_str!("elementary.rs"),
            include_str!("hermite.rs"),
            include_str!("recheck.rs"),
            include_str!("sigmoid.rs"),
            include_str!("spectrum.rs"),
        ];
        for file in files {
            let production = file.split("#[cfg(test)]").next().unwrap_or_default();
            for line in production.lines().map(str::trim).filter(|line| line.starts_with("use ")) {
                let allowed =
                    ["use std::", "use dashu_int::", "use super::", "use moe_kernels::Real;", "use thiserror::Error;"];
                assert!(allowed.iter().any(|start| line.starts_with(start)), "{line}");
            }
        }
    }
}

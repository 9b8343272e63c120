//! The trusted base: enclosures, certificates, and the re-checker that believes nothing else.
//!
//! What proposes (tables of `f64`, linear programs, eigenvalue solvers, searches) lies outside; what decides lies here, on the standard library and integers and fractions of arbitrary size (dashu), with the parser and the normal form of
//! [`crate::symbolic`] for what is written as expressions. A test reads the `use` lines of these files to keep it so.
//!
//! All of it has 6800 lines without its tests, comments included; what one certificate rests on is less, and read in this order (lines in hundreds; a test counts them):
//!
//! | row | what | files | lines | on |
//! |---|---|---|---|---|
//! | 1 | exact numbers, their intervals, functions of intervals, elimination | `dyadic`, `ball`, `elementary`, `linear` | 900 | |
//! | 2 | texts | `certificate`, `recheck` | 300 | 1 |
//! | 3 | the student-teacher model | `trapezoid`, `sigmoid`, `tanh`, `gaussian_cdf`, `router`, `spectrum`, `hermite` | 800 | 1, 2 |
//! | 4 | expressions | `expression`, `parse`, `partial` | 600 | |
//! | 5 | derivatives of expressions, what is not zero, what is positive | `multi_index`, `jet`, `witness`, `positive` | 400 | 1, 4 |
//! | 6 | the normal form: what is zero | `polynomial`, `normal_form`, `lowering`, `sign`, `derivative`, `cancel`, `resolve`, `limit` | 1500 | 4 |
//! | 7 | dimensions, independence over a box | `span`, `region` | 700 | 1, 2, 4 to 6 |
//! | 8 | relations, curves of equal mixtures | `identity`, `flat` | 500 | 1, 2, 4 to 7 |
//! | 9 | local Voronoi bounds | `mixture`, `integral`, `cone`, `rays` | 900 | all but 3 |
//!
//! Rows 1 and 2 with one of the claims are one sitting, the normal form is another: what it says of zero rests on identities, each in its file.

mod ball;
mod certificate;
mod cone;
mod dyadic;
mod elementary;
mod flat;
mod gaussian_cdf;
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
mod router;
mod sigmoid;
mod span;
mod spectrum;
mod tanh;
mod trapezoid;
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
pub use router::EnclosedRouter;
pub(crate) use span::{Span, inputs};
pub use spectrum::spectrum_certificate;
pub(crate) use witness::is_somewhere_not_zero;

#[cfg(test)]
mod tests;

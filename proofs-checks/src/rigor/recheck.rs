//! Certificates re-checked: everything a claim needs is recomputed in enclosures from the few numbers that the certificate states as data. The claims have a file each, with the proof that
//! their enclosures decide them.

use super::certificate::{CertificateError, Reader, compare};
use super::cone::Cone;
use super::flat::Flat;
use super::hermite::Hermite;
use super::identity::Identity;
use super::region::Region;
use super::span::Span;
use super::spectrum::Spectrum;

/// A certificate that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// What is proved, in words.
    pub claim: String,
    /// An interval that contains the quantity in question.
    pub interval: [f64; 2],
    /// The region that the claim states for it.
    pub accept: [f64; 2],
    /// Whether it is an identity decided in exact arithmetic alone.
    pub identity: bool,
}

/// Bits of all enclosures.
pub(super) const PRECISIONS: std::ops::RangeInclusive<usize> = 64..=4096;

/// Re-checks a certificate from its text alone: reads the data, recomputes every enclosure, decides the claim, and compares the text with the one that the data give, to the
/// last character.
///
/// # Errors
/// [`CertificateError::False`] where the claim about these data is false, [`CertificateError::Undecided`] where the enclosures are too wide, [`CertificateError::Beyond`] where the normal form does not decide,
/// [`CertificateError::Malformed`] and [`CertificateError::Altered`] where the text is not a certificate as it was made.
pub fn recheck(text: &str) -> Result<Accepted, CertificateError> {
    let mut reader = Reader::new(text)?;
    let allowed = "claim teacher-spectrum | hermite-coefficients | span | region | identity | flat | cone";
    let (accepted, recomputed) = match reader.words("claim", allowed)?[..] {
        ["teacher-spectrum"] => Spectrum::read(&mut reader)?.decide()?,
        ["span"] => Span::read(&mut reader)?.decide()?,
        ["region"] => {
            let (region, tree) = Region::read(&mut reader)?;
            region.decide(&tree)?
        }
        ["flat"] => Flat::read(&mut reader)?.decide()?,
        ["cone"] => Cone::read(&mut reader)?.decide()?,
        ["identity"] => Identity::read(&mut reader)?.decide()?,
        ["hermite-coefficients"] => Hermite::read(&mut reader)?.decide()?,
        _ => return Err(reader.malformed(allowed)),
    };
    compare(text, &recomputed)?;
    Ok(accepted)
}

#[cfg(test)]
mod reasons;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod undefined;

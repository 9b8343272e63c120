//! The registry of lemmas: one row each, ledger included.

use std::fmt;

use crate::lemmas::LEMMAS;
use crate::{CheckError, Findings, Label, Parameter, Run};

/// A lemma and how to check it.
#[derive(Clone, Copy)]
pub struct Lemma {
    /// Its name on the command line: lower-case letters, digits and hyphens.
    pub id: &'static str,
    /// The paper's arXiv number.
    pub paper: &'static str,
    /// The claim, in one line.
    pub claim: &'static str,
    /// The hypotheses under which it is checked.
    pub scope: &'static str,
    /// The verdict on record, which every effort and seed reproduces.
    pub ledger: Label,
    /// The time at standard effort on two cores.
    pub typical_seconds: f64,
    /// What may be set.
    pub parameters: &'static [Parameter],
    /// The check: a pure function of the run.
    pub check: fn(&Run) -> Result<Findings, CheckError>,
}

impl fmt::Debug for Lemma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lemma").field(&self.id).finish()
    }
}

/// Every lemma, in the order in which they are listed.
pub fn lemmas() -> &'static [Lemma] {
    LEMMAS
}

/// The lemma with this id.
pub fn find(id: &str) -> Option<&'static Lemma> {
    LEMMAS.iter().find(|lemma| lemma.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::is_file_name_part;
    use crate::{Effort, Range};

    #[test]
    fn ids_are_distinct_and_usable_as_file_names() {
        for (i, lemma) in lemmas().iter().enumerate() {
            assert!(is_file_name_part(lemma.id), "{}", lemma.id);
            assert!(lemmas()[..i].iter().all(|other| other.id != lemma.id), "{}", lemma.id);
            assert_eq!(find(lemma.id).map(|found| found.id), Some(lemma.id));
        }
        assert!(find("").is_none());
    }

    /// A default outside its own range could not be set by hand.
    #[test]
    fn defaults_are_allowed_and_keys_distinct() {
        for lemma in lemmas() {
            for (i, parameter) in lemma.parameters.iter().enumerate() {
                assert!(lemma.parameters[..i].iter().all(|other| other.key != parameter.key), "{}", parameter.key);
                for effort in Effort::ALL {
                    let value = parameter.default_at(effort);
                    assert_eq!(parameter.parse(&value.to_string()), Ok(value), "{} {}", lemma.id, parameter.key);
                }
                if let Range::Real { bounds: [low, high], .. } = parameter.range {
                    assert!(low.is_finite() && high.is_finite(), "{} {}", lemma.id, parameter.key);
                }
            }
        }
    }
}

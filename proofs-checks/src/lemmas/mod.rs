//! The lemmas, one file each; a file exports its row as `LEMMA`.

use crate::Lemma;

/// The rows of the registry, in the order in which they are listed.
pub(crate) static LEMMAS: &[Lemma] = &[];

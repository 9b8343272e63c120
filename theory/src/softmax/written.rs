//! Mixing measures as users write them down.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Architecture, Atom, FitSpecError, Gate, Group, MixingMeasure};

/// Largest size of a number of a start or a truth: its square is far from overflow.
const LARGEST: f64 = 1e150;

/// A mixing measure in a spec: an array of atoms (under a hierarchical gate of groups, each with `alpha`, `beta` and `atoms`), or a table of `atoms` (`groups`) and `tau`.
///
/// The table has the shape in which a fit is printed. `omega` and `beta` of the last atom (of each group), `alpha` and `beta` of the last group may be left out and are then 0, and so may `tau`, then 1.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenMeasure {
    entries: Vec<Entry>,
    /// The key of the entries in a table.
    list: Option<List>,
    tau: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Atoms,
    Groups,
}

/// An atom or a group: which, the gate decides.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    omega: Option<Vec<f64>>,
    beta: Option<f64>,
    a: Option<Vec<f64>>,
    b: Option<f64>,
    lambda: Option<f64>,
    alpha: Option<Vec<f64>>,
    atoms: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    atoms: Option<Vec<Entry>>,
    groups: Option<Vec<Entry>>,
    tau: Option<f64>,
}

impl<'de> Deserialize<'de> for WrittenMeasure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = WrittenMeasure;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of atoms or groups, or a table of atoms or groups and tau")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<WrittenMeasure, A::Error> {
                let entries = Vec::deserialize(SeqAccessDeserializer::new(entries))?;
                Ok(WrittenMeasure { entries, list: None, tau: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<WrittenMeasure, A::Error> {
                use serde::de::Error;
                let table = Table::deserialize(MapAccessDeserializer::new(table))?;
                let (entries, list) = match (table.atoms, table.groups) {
                    (Some(atoms), None) => (atoms, List::Atoms),
                    (None, Some(groups)) => (groups, List::Groups),
                    (None, None) => return Err(A::Error::custom("missing field `atoms` (or `groups`)")),
                    (Some(_), Some(_)) => return Err(A::Error::custom("both atoms and groups are given")),
                };
                Ok(WrittenMeasure { entries, list: Some(list), tau: table.tau })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl WrittenMeasure {
    /// The measure, of any numbers of groups and atoms; `key` is its name in messages.
    pub(super) fn measure(&self, key: &str, class: &Architecture) -> Result<MixingMeasure, FitSpecError> {
        let hierarchical = class.gate == Gate::Hierarchical;
        let path = match (self.list, hierarchical) {
            (None, _) => key.to_string(),
            (Some(List::Atoms), false) => format!("{key}.atoms"),
            (Some(List::Groups), true) => format!("{key}.groups"),
            (Some(List::Atoms), true) => return astray(format!("{key}.atoms"), "a gate that is not hierarchical"),
            (Some(List::Groups), false) => return astray(format!("{key}.groups"), "gate = \"hierarchical\""),
        };
        let tau = match self.tau {
            Some(_) if !matches!(class.gate, Gate::DenseToSparse(_)) => {
                return astray(format!("{key}.tau"), "gate = \"dense-to-sparse\"");
            }
            Some(found) if !(found > 0.0 && found.is_finite()) => {
                let allowed = "a positive finite number is allowed";
                return Err(FitSpecError::Range { key: format!("{key}.tau"), found, allowed });
            }
            tau => tau.unwrap_or(1.0),
        };
        let groups = if hierarchical {
            let group = |path: &str, entry: &Entry, last: bool| entry.group(path, class, last);
            each(&self.entries, &path, group)?
        } else {
            vec![Group { alpha: vec![0.0; class.dimension], beta: 0.0, atoms: atoms(&self.entries, &path, class)? }]
        };
        Ok(MixingMeasure { groups, tau })
    }
}

/// Each entry by `one`, told its path and whether it is the last.
fn each<T>(
    entries: &[Entry],
    path: &str,
    one: impl Fn(&str, &Entry, bool) -> Result<T, FitSpecError>,
) -> Result<Vec<T>, FitSpecError> {
    if entries.is_empty() {
        return Err(FitSpecError::Empty { key: path.into() });
    }
    let last = entries.len() - 1;
    entries.iter().enumerate().map(|(i, entry)| one(&format!("{path}[{i}]"), entry, i == last)).collect()
}

fn atoms(entries: &[Entry], path: &str, class: &Architecture) -> Result<Vec<Atom>, FitSpecError> {
    each(entries, path, |path, entry, last| entry.atom(path, class, last))
}

impl Entry {
    fn group(&self, path: &str, class: &Architecture, last: bool) -> Result<Group, FitSpecError> {
        let given = [
            ("omega", self.omega.is_some()),
            ("a", self.a.is_some()),
            ("b", self.b.is_some()),
            ("lambda", self.lambda.is_some()),
        ];
        if let Some((key, _)) = given.into_iter().find(|(_, given)| *given) {
            return astray(format!("{path}.{key}"), "an atom; under a hierarchical gate these are groups");
        }
        let d = class.dimension;
        let leaves = self.atoms.as_ref().ok_or_else(|| missing(path, "atoms", "each group"))?;
        Ok(Group {
            alpha: slopes(&self.alpha, path, "alpha", d, last.then(|| vec![0.0; d]), "each group but the last")?,
            beta: number(self.beta, path, "beta", last.then_some(0.0), "each group but the last")?,
            atoms: atoms(leaves, &format!("{path}.atoms"), class)?,
        })
    }

    fn atom(&self, path: &str, class: &Architecture, last: bool) -> Result<Atom, FitSpecError> {
        let given = [("alpha", self.alpha.is_some()), ("atoms", self.atoms.is_some())];
        if let Some((key, _)) = given.into_iter().find(|(_, given)| *given) {
            return astray(format!("{path}.{key}"), "a group of a hierarchical gate");
        }
        if self.lambda.is_some() && !class.outer_weight {
            return astray(format!("{path}.lambda"), "outer_weight = true");
        }
        let d = class.dimension;
        let weight = (!class.outer_weight).then_some(1.0);
        Ok(Atom {
            omega: slopes(&self.omega, path, "omega", d, last.then(|| vec![0.0; d]), "each atom but the last")?,
            beta: number(self.beta, path, "beta", last.then_some(0.0), "each atom but the last")?,
            a: slopes(&self.a, path, "a", d, None, "each atom")?,
            b: number(self.b, path, "b", None, "each atom")?,
            lambda: number(self.lambda, path, "lambda", weight, "each atom, as outer_weight = true")?,
        })
    }
}

fn astray<T>(key: String, owner: &'static str) -> Result<T, FitSpecError> {
    Err(FitSpecError::Astray { key, owner })
}

fn missing(path: &str, key: &str, needed: &'static str) -> FitSpecError {
    FitSpecError::Missing { key: format!("{path}.{key}"), needed }
}

fn finite(key: String, found: f64) -> Result<f64, FitSpecError> {
    if found.abs() <= LARGEST {
        Ok(found)
    } else {
        Err(FitSpecError::Range { key, found, allowed: "a finite number, at most 1e150 in size, is allowed" })
    }
}

fn number(
    value: Option<f64>,
    path: &str,
    key: &str,
    other: Option<f64>,
    needed: &'static str,
) -> Result<f64, FitSpecError> {
    let value = value.or(other).ok_or_else(|| missing(path, key, needed))?;
    finite(format!("{path}.{key}"), value)
}

fn slopes(
    value: &Option<Vec<f64>>,
    path: &str,
    key: &str,
    dimension: usize,
    other: Option<Vec<f64>>,
    needed: &'static str,
) -> Result<Vec<f64>, FitSpecError> {
    let value = value.clone().or(other).ok_or_else(|| missing(path, key, needed))?;
    if value.len() != dimension {
        return Err(FitSpecError::Length { key: format!("{path}.{key}"), found: value.len(), inputs: dimension });
    }
    for (u, found) in value.iter().enumerate() {
        finite(format!("{path}.{key}[{u}]"), *found)?;
    }
    Ok(value)
}

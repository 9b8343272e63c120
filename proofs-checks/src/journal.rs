//! Journals of sweeps: what an interrupted run has finished.
//!
//! `<lemma>.<sweep>.jsonl` holds a header line and then one line a finished unit, in the order of finishing. The
//! header is written whole under a temporary name and renamed; a unit's line is one write, so a kill can tear the
//! last line only.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::Value;
use crate::run::Effort;

/// A journal that cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("{}: cannot be read or written", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The journal is of a run with other settings or of another version.
    #[error(
        "{}: line 1: a journal of another run ({difference}); allowed is a journal of the same run: \
         repeat that run, remove the file or choose another directory",
        .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The first setting that differs.
        difference: String,
    },
    /// A line is not what a journal holds there.
    #[error("{}: line {line}: found {found}, allowed is {allowed}; remove the file to start afresh", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        found: String,
        /// What belongs there.
        allowed: &'static str,
    },
}

/// What makes two runs the same run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    lemma: String,
    parameters: BTreeMap<String, Value>,
    effort: Effort,
    seed: u64,
    version: String,
}

impl Identity {
    /// The identity of a run by this version of the program.
    pub(crate) fn of(lemma: &str, parameters: &BTreeMap<&str, Value>, effort: Effort, seed: u64) -> Self {
        Self {
            lemma: lemma.into(),
            parameters: parameters.iter().map(|(key, value)| (key.to_string(), *value)).collect(),
            effort,
            seed,
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    /// FNV-1a, 64 bits, of the identity as JSON; in hex.
    fn hash(&self) -> String {
        // A map with string keys and numbers always has a JSON form.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let hash = json.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        format!("{hash:016x}")
    }

    /// The first difference, for a message.
    fn difference(&self, other: &Header) -> Option<String> {
        let theirs = &other.run;
        let pairs = [
            ("lemma", self.lemma.clone(), theirs.lemma.clone()),
            ("version", self.version.clone(), theirs.version.clone()),
            ("effort", self.effort.to_string(), theirs.effort.to_string()),
            ("seed", self.seed.to_string(), theirs.seed.to_string()),
        ];
        if let Some((name, ours, theirs)) = pairs.into_iter().find(|(_, ours, theirs)| ours != theirs) {
            return Some(format!("{name}: found {theirs}, this run has {ours}"));
        }
        let show = |value: Option<&Value>| value.map_or("none".into(), Value::to_string);
        let keys = self.parameters.keys().chain(theirs.parameters.keys());
        let mut differing = keys.filter(|key| self.parameters.get(*key) != theirs.parameters.get(*key));
        if let Some(key) = differing.next() {
            let (ours, theirs) = (show(self.parameters.get(key)), show(theirs.parameters.get(key)));
            return Some(format!("parameter {key}: found {theirs}, this run has {ours}"));
        }
        (other.hash != self.hash()).then(|| format!("hash: found {}, this run has {}", other.hash, self.hash()))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    journal: u32,
    hash: String,
    run: Identity,
    sweep: String,
    units: usize,
}

const HEADER: &str = "the header of a journal, version 1";
const LINE: &str = "{\"index\":…,\"row\":…} with an index below the number of units, each once";

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    index: usize,
    #[serde(borrow)]
    row: &'a RawValue,
}

/// What a journal on disk holds.
#[derive(Debug)]
struct Recovered {
    units: usize,
    /// By index: the line, and the row on it.
    rows: BTreeMap<usize, (usize, String)>,
    /// The length of the whole lines; what follows was torn.
    length: u64,
}

/// All journals of one run.
#[derive(Debug)]
pub(crate) struct Journals {
    directory: PathBuf,
    identity: Identity,
    recovered: BTreeMap<String, Recovered>,
}

impl Journals {
    /// Reads every journal of the run's lemma in the directory; writes nothing.
    pub(crate) fn open(directory: &Path, identity: Identity) -> Result<Self, JournalError> {
        let refused = |source| JournalError::Io { path: directory.into(), source };
        let mut recovered = BTreeMap::new();
        for entry in fs::read_dir(directory).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let sweep =
                name.strip_suffix(".jsonl").and_then(|name| name.strip_prefix(&identity.lemma)?.strip_prefix('.'));
            if let Some(sweep) = sweep {
                recovered.insert(sweep.to_string(), recover(&path, sweep, &identity)?);
            }
        }
        Ok(Self { directory: directory.into(), identity, recovered })
    }

    /// Opens the journal of one sweep for writing; a torn last line is cut off.
    pub(crate) fn sweep(&self, sweep: &str, units: usize) -> Result<Sweep<'_>, JournalError> {
        let path = self.directory.join(format!("{}.{sweep}.jsonl", self.identity.lemma));
        let recovered = self.recovered.get(sweep);
        if let Some(found) = recovered.filter(|recovered| recovered.units != units) {
            let difference = format!("units: found {}, this run has {units}", found.units);
            return Err(JournalError::Foreign { path, difference });
        }
        let open = || -> io::Result<File> {
            match recovered {
                Some(recovered) => {
                    let file = OpenOptions::new().append(true).open(&path)?;
                    file.set_len(recovered.length)?;
                    Ok(file)
                }
                None => {
                    let header = Header {
                        journal: 1,
                        hash: self.identity.hash(),
                        run: self.identity.clone(),
                        sweep: sweep.into(),
                        units,
                    };
                    let temporary = path.with_extension("jsonl.tmp");
                    fs::write(&temporary, serde_json::to_string(&header)? + "\n")?;
                    fs::rename(&temporary, &path)?;
                    OpenOptions::new().append(true).open(&path)
                }
            }
        };
        let file = open().map_err(|source| JournalError::Io { path: path.clone(), source })?;
        Ok(Sweep { path, file: Mutex::new(file), rows: recovered.map(|recovered| &recovered.rows) })
    }
}

/// The journal of one sweep, open for writing.
#[derive(Debug)]
pub(crate) struct Sweep<'a> {
    path: PathBuf,
    file: Mutex<File>,
    rows: Option<&'a BTreeMap<usize, (usize, String)>>,
}

impl Sweep<'_> {
    /// How many units were found finished.
    pub(crate) fn finished(&self) -> usize {
        self.rows.map_or(0, BTreeMap::len)
    }

    /// The row of a unit that was found finished.
    pub(crate) fn row<Row: DeserializeOwned>(&self, index: usize) -> Option<Result<Row, JournalError>> {
        let (line, text) = self.rows?.get(&index)?;
        Some(serde_json::from_str(text).map_err(|error| JournalError::Line {
            path: self.path.clone(),
            line: *line,
            found: error.to_string(),
            allowed: "a row of this sweep",
        }))
    }

    /// Writes the row of a finished unit down.
    pub(crate) fn append(&self, index: usize, row: &str) -> Result<(), JournalError> {
        let line = format!("{{\"index\":{index},\"row\":{row}}}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }
}

fn recover(path: &Path, sweep: &str, identity: &Identity) -> Result<Recovered, JournalError> {
    let bytes = fs::read(path).map_err(|source| JournalError::Io { path: path.into(), source })?;
    let malformed = |line, found: String, allowed| JournalError::Line { path: path.into(), line, found, allowed };
    let length = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let mut lines = bytes[..length].split_inclusive(|byte| *byte == b'\n').zip(1..);

    let (first, _) = lines.next().ok_or_else(|| malformed(1, "no whole line".into(), HEADER))?;
    let header: Header = serde_json::from_slice(first).map_err(|error| malformed(1, error.to_string(), HEADER))?;
    if header.journal != 1 {
        return Err(malformed(1, format!("version {}", header.journal), HEADER));
    }
    if header.sweep != sweep {
        return Err(JournalError::Foreign {
            path: path.into(),
            difference: format!("sweep: found {}, this one is {sweep}", header.sweep),
        });
    }
    if let Some(difference) = identity.difference(&header) {
        return Err(JournalError::Foreign { path: path.into(), difference });
    }

    let mut rows = BTreeMap::new();
    for (text, number) in lines {
        let line: Line<'_> =
            serde_json::from_slice(text).map_err(|error| malformed(number, error.to_string(), LINE))?;
        if line.index >= header.units || rows.insert(line.index, (number, line.row.get().to_string())).is_some() {
            return Err(malformed(number, format!("index {}", line.index), LINE));
        }
    }
    Ok(Recovered { units: header.units, rows, length: length as u64 })
}

#[cfg(test)]
mod tests;

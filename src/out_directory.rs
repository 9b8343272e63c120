//! The directory of `--out`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::status::Failure;

/// A directory in which files can be made.
#[derive(Debug)]
pub(crate) struct OutDirectory(PathBuf);

impl OutDirectory {
    /// Creates the directory and tries to make a file in it, before any computation.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let probe = path.join(".probe.tmp");
        let outcome =
            fs::create_dir_all(path).and_then(|()| fs::write(&probe, "")).and_then(|()| fs::remove_file(&probe));
        outcome.map_err(|error| {
            Failure::input(format!("--out {}: {error}; allowed is a directory to write to", path.display()))
        })?;
        Ok(Self(path.into()))
    }

    /// Its path, as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file whole: under a temporary name, then renamed.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        let temporary = self.0.join(format!(".{name}.tmp"));
        let path = self.0.join(name);
        let outcome: io::Result<()> = fs::write(&temporary, content).and_then(|()| fs::rename(&temporary, &path));
        if outcome.is_err() {
            // The error that matters is the first one.
            let _ = fs::remove_file(&temporary);
        }
        outcome.with_context(|| format!("{} cannot be written", path.display())).map_err(Failure::Internal)
    }

    /// Removes the files with such names.
    pub(crate) fn remove(&self, is_old: impl Fn(&str) -> bool) -> Result<(), Failure> {
        let outcome = fs::read_dir(&self.0).and_then(|mut entries| {
            entries.try_for_each(|entry| {
                let entry = entry?;
                match entry.file_name().to_str() {
                    Some(name) if is_old(name) && entry.file_type()?.is_file() => fs::remove_file(entry.path()),
                    _ => Ok(()),
                }
            })
        });
        outcome
            .with_context(|| format!("old files in {} cannot be removed", self.0.display()))
            .map_err(Failure::Internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_appear_whole_and_replace_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let out = OutDirectory::create(&directory.path().join("a/b")).unwrap();
        for content in ["first", "second"] {
            out.write("x.json", content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(out.path().join("x.json")).unwrap(), content);
        }
        let names: Vec<_> = fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["x.json"]);
    }

    #[test]
    fn a_file_in_the_way_is_bad_input() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "").unwrap();
        for path in [path.clone(), path.join("below")] {
            assert!(matches!(OutDirectory::create(&path), Err(Failure::Input(_))));
        }
    }
}

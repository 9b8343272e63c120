//! One run of a check: its settings, its random streams and its sweeps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::figure::is_file_name_part;
use crate::journal::{Identity, Journals, Sweep};
use crate::parameter::{assign, ordered};
use crate::{CheckError, JournalError, Label, Lemma, ParameterError, Value};

/// How much work a run may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Seconds.
    Quick,
    /// A minute.
    Standard,
    /// Up to an hour.
    Thorough,
}

impl Effort {
    /// All efforts, least first.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Standard, Self::Thorough];

    /// The lower-case word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Thorough => "thorough",
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who watches a run; called from many threads.
pub trait Observer: Sync {
    /// A sweep of `units` units begins, of which `finished` were found in a journal.
    fn begin(&self, sweep: &str, units: usize, finished: usize);
    /// One more unit of the sweep is finished.
    fn advance(&self);
    /// Whether the run should end as soon as it can.
    fn stop_requested(&self) -> bool;
}

/// The observer that says nothing and never stops a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn begin(&self, _: &str, _: usize, _: usize) {}
    fn advance(&self) {}
    fn stop_requested(&self) -> bool {
        false
    }
}

/// The settings of one check, and the only way for it to loop, to draw and to be stopped.
pub struct Run<'a> {
    lemma: &'static Lemma,
    effort: Effort,
    seed: u64,
    parameters: BTreeMap<&'static str, Value>,
    assigned: Vec<&'static str>,
    observer: &'a dyn Observer,
    journals: Option<Journals>,
    sweeps: Mutex<BTreeSet<String>>,
}

impl<'a> Run<'a> {
    /// A run with the defaults of `effort`, unobserved and without a journal.
    pub fn new(lemma: &'static Lemma, effort: Effort, seed: u64) -> Self {
        let parameters = lemma.parameters.iter().map(|p| (p.key, p.default_at(effort))).collect();
        Self {
            lemma,
            effort,
            seed,
            parameters,
            assigned: Vec::new(),
            observer: &Silent,
            journals: None,
            sweeps: Mutex::default(),
        }
    }

    /// Follows one assignment `KEY=VALUE`; the run then has no ledger entry.
    ///
    /// # Errors
    /// The text is no assignment, the key is unknown or set before, or the value is not allowed.
    pub fn set(mut self, assignment: &str) -> Result<Self, ParameterError> {
        assign(self.lemma.parameters, assignment, &mut self.parameters, &mut self.assigned)?;
        Ok(self)
    }

    /// The same run, after the last assignment.
    ///
    /// # Errors
    /// A parameter is not above the one that it has to be above.
    pub fn ordered(self) -> Result<Self, ParameterError> {
        ordered(self.lemma.parameters, &self.parameters)?;
        Ok(self)
    }

    /// The same run under this observer.
    pub fn observed_by(mut self, observer: &'a dyn Observer) -> Self {
        self.observer = observer;
        self
    }

    /// The same run with journals `<lemma>.<sweep>.jsonl` in `directory`, from which it resumes. Call it last:
    /// a journal belongs to the settings.
    ///
    /// All journals of the lemma in the directory are read here, and nothing is written.
    ///
    /// # Errors
    /// A journal cannot be read, is of another run, or has a malformed line other than a torn last one.
    pub fn journalled_in(mut self, directory: &Path) -> Result<Self, JournalError> {
        let identity = Identity::of(self.lemma.id, &self.parameters, self.effort, self.seed);
        self.journals = Some(Journals::open(directory, identity)?);
        Ok(self)
    }

    /// The lemma.
    pub fn lemma(&self) -> &'static Lemma {
        self.lemma
    }

    /// The verdict on record; none once a parameter was set by hand.
    pub fn ledger(&self) -> Option<Label> {
        self.assigned.is_empty().then_some(self.lemma.ledger)
    }

    /// The effort.
    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// The seed of all random streams.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The resolved parameters.
    pub fn parameters(&self) -> &BTreeMap<&'static str, Value> {
        &self.parameters
    }

    /// The value of an integer parameter.
    ///
    /// # Panics
    /// The lemma's own row has no integer parameter `key`; the first test of the lemma meets it.
    pub fn integer(&self, key: &str) -> u64 {
        match self.parameters.get(key) {
            Some(Value::Integer(value)) => *value,
            _ => panic!("{} has no integer parameter {key}", self.lemma.id),
        }
    }

    /// The value of a real parameter.
    ///
    /// # Panics
    /// The lemma's own row has no real parameter `key`; the first test of the lemma meets it.
    pub fn real(&self, key: &str) -> f64 {
        match self.parameters.get(key) {
            Some(Value::Real(value)) => *value,
            _ => panic!("{} has no real parameter {key}", self.lemma.id),
        }
    }

    /// The random stream of a replicate: a function of (seed, replicate) alone. Settings that are compared (the
    /// dimension, an order, a switch) take the same replicate and so share their draws: the comparison is paired.
    pub fn stream(&self, replicate: u64) -> ChaCha8Rng {
        self.substream(replicate, 0)
    }

    /// A stream of the same replicate for another purpose, independent of [`Run::stream`] (purpose 0).
    ///
    /// The ChaCha key is the seed and the purpose, little-endian, then zeros; the stream number is the replicate.
    pub fn substream(&self, replicate: u64, purpose: u32) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..12].copy_from_slice(&purpose.to_le_bytes());
        let mut stream = ChaCha8Rng::from_seed(key);
        stream.set_stream(replicate);
        stream
    }

    /// The first `wanted` replicates that are in a lemma's scope; fewer where `2000·wanted` of them do not hold so many. A pure function of the run as long as `in_scope` is one.
    ///
    /// # Errors
    /// An interruption, or what `in_scope` returns.
    pub fn replicates(
        &self,
        wanted: usize,
        in_scope: impl Fn(u64) -> Result<bool, CheckError>,
    ) -> Result<Vec<u64>, CheckError> {
        let mut found = Vec::with_capacity(wanted);
        for replicate in 0..2000 * wanted as u64 {
            if found.len() == wanted {
                break;
            }
            self.proceed()?;
            if in_scope(replicate)? {
                found.push(replicate);
            }
        }
        Ok(found)
    }

    /// Goes on, unless the observer asked to stop; for the inside of a long unit.
    ///
    /// # Errors
    /// [`CheckError::Interrupted`].
    pub fn proceed(&self) -> Result<(), CheckError> {
        if self.observer.stop_requested() { Err(CheckError::Interrupted) } else { Ok(()) }
    }

    /// The rows of the units 0 … `units` − 1, in this order. Units run in parallel in the current rayon pool;
    /// `unit` must be a pure function of the run and the index, so the rows are the same on any number of threads.
    /// Every row passes through JSON, so they are also the same with a journal, without one and on resumption;
    /// what may be missing in a row is an `Option`, for JSON has no NaN.
    ///
    /// # Errors
    /// Of several failing units the first by index; an interruption; a journal that cannot be written.
    pub fn units<Row>(
        &self,
        sweep: &str,
        units: usize,
        unit: impl Fn(usize) -> Result<Row, CheckError> + Sync,
    ) -> Result<Vec<Row>, CheckError>
    where
        Row: Serialize + DeserializeOwned + Send,
    {
        let fresh = is_file_name_part(sweep) && self.sweeps.lock().is_ok_and(|mut names| names.insert(sweep.into()));
        if !fresh {
            return Err(CheckError::Sweep { sweep: sweep.into() });
        }
        let journal = self.journals.as_ref().map(|journals| journals.sweep(sweep, units)).transpose()?;
        self.observer.begin(sweep, units, journal.as_ref().map_or(0, Sweep::finished));

        // A unit after a failed one need not run; a unit before it must, or the error would depend on timing.
        let failed = AtomicUsize::new(usize::MAX);
        let row = |index: usize| -> Result<Row, CheckError> {
            let broken = |source| CheckError::Row { sweep: sweep.into(), index, source };
            if let Some(row) = journal.as_ref().and_then(|journal| journal.row(index)) {
                return Ok(row?);
            }
            self.proceed()?;
            let text = serde_json::to_string(&unit(index)?).map_err(broken)?;
            let row = serde_json::from_str(&text).map_err(broken)?;
            if let Some(journal) = &journal {
                journal.append(index, &text)?;
            }
            self.observer.advance();
            Ok(row)
        };
        let rows: Vec<Option<Result<Row, CheckError>>> = (0..units)
            .into_par_iter()
            .map(|index| {
                if index > failed.load(Ordering::Relaxed) {
                    return None;
                }
                let row = row(index);
                if row.is_err() {
                    failed.fetch_min(index, Ordering::Relaxed);
                }
                Some(row)
            })
            .collect();
        // The first failure ends the walk, so no skipped unit is ever reached.
        rows.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::{Findings, Parameter};

    static TOY: Lemma = Lemma {
        id: "toy",
        paper: "",
        claim: "",
        scope: "",
        ledger: Label::Supported,
        typical_seconds: 0.0,
        parameters: &[Parameter::integer("units", "", "", [1, 100], [3, 4, 5])],
        check: |_| Ok(Findings::default()),
    };

    fn toy() -> Run<'static> {
        Run::new(&TOY, Effort::Quick, 1)
    }

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn rows_do_not_depend_on_the_number_of_threads() {
        let rows = |threads| {
            pool(threads).install(|| toy().units("s", 500, |i| Ok(toy().stream(i as u64).next_u64())).unwrap())
        };
        assert_eq!(rows(1), rows(4));
    }

    #[test]
    fn of_several_failures_the_first_by_index_is_reported() {
        let failing = |index: usize| if index % 100 == 73 { Err(CheckError::theory(index.to_string())) } else { Ok(0) };
        for threads in [1, 2, 8] {
            for _ in 0..50 {
                let error = pool(threads).install(|| toy().units("s", 1000, failing)).unwrap_err();
                assert_eq!(error.to_string(), "73");
            }
        }
    }

    #[test]
    fn a_row_that_json_cannot_hold_is_an_error_and_not_a_wrong_number() {
        let error = toy().units("s", 1, |_| Ok(f64::NAN)).unwrap_err();
        assert!(matches!(error, CheckError::Row { index: 0, .. }), "{error}");
        assert_eq!(toy().units("s", 1, |_| Ok(None::<f64>)).unwrap(), [None]);
    }

    #[test]
    fn a_sweep_name_serves_once() {
        let run = toy();
        run.units("s", 1, |_| Ok(())).unwrap();
        for sweep in ["s", "", "../s", "S"] {
            assert!(matches!(run.units(sweep, 1, |_| Ok(())), Err(CheckError::Sweep { .. })), "{sweep}");
        }
    }

    #[test]
    fn replicates_in_scope_are_the_first_and_the_search_ends() {
        assert_eq!(toy().replicates(3, |replicate| Ok(replicate % 5 == 2)).unwrap(), [2, 7, 12]);
        assert_eq!(toy().replicates(2, |replicate| Ok(replicate == 9)).unwrap(), [9]);
        assert!(toy().replicates(0, |_| Ok(true)).unwrap().is_empty());
        assert!(toy().replicates(1, |_| Err(CheckError::Interrupted)).is_err());
    }

    /// The first words of some streams: a change of any of them would change every reported number.
    #[test]
    fn streams_are_what_they_were() {
        let first =
            |seed, replicate, purpose| Run::new(&TOY, Effort::Quick, seed).substream(replicate, purpose).next_u64();
        let words = [first(0, 0, 0), first(1, 0, 0), first(0, 1, 0), first(0, 0, 1), first(u64::MAX, u64::MAX, 7)];
        assert_eq!(
            words,
            [
                // The key stream of ChaCha8 under the zero key: 3e 00 ef 2f 89 5f 40 d6 … (Strombergson's vectors).
                0xd640_5f89_2fef_003e,
                7037237572835827407,
                14557467404244061995,
                4606029925845525861,
                1937656439373843811
            ]
        );
        assert_eq!(toy().stream(5).next_u64(), toy().substream(5, 0).next_u64());
    }

    #[test]
    fn a_stop_request_ends_the_sweep() {
        struct Stop;
        impl Observer for Stop {
            fn begin(&self, _: &str, _: usize, _: usize) {}
            fn advance(&self) {}
            fn stop_requested(&self) -> bool {
                true
            }
        }
        let run = toy().observed_by(&Stop);
        assert!(matches!(run.units("s", 3, |_| Ok(())), Err(CheckError::Interrupted)));
    }
}

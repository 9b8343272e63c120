//! Evidence for a claim, and controls: the same evidence for a claim known to be false.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Estimate;
use crate::report::{ControlRecord, EvidenceRecord};
use crate::rigor::{CertificateError, recheck};

/// What an item of evidence rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A certificate that the trusted base has re-checked: exact.
    Certificate,
    /// An identity decided in exact arithmetic: exact.
    Identity,
    /// A confidence interval from random draws, at a stated level.
    Statistic,
    /// Two computed numbers compared under an error bound.
    Comparison,
}

impl Kind {
    /// Whether this kind can carry a proof.
    pub fn is_exact(self) -> bool {
        matches!(self, Self::Certificate | Self::Identity)
    }
}

/// The kinds that floating-point numbers can make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Inexact {
    /// A confidence interval with this coverage, in (0, 1).
    Statistic {
        /// The confidence level.
        level: f64,
    },
    /// A comparison under an error bound.
    Comparison,
}

/// One item of evidence; whether it holds is computed, never set.
///
/// With a closed interval I and a closed acceptance region A, both fixed by the constructor:
/// I ⊂ A holds, I ∩ A = ∅ fails, anything else is undecided and states its reason. A wide interval never helps.
///
/// Floating-point numbers make inexact kinds only. Exact evidence comes from [`Evidence::certificate`] alone, which asks the trusted base.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence(EvidenceRecord, Option<String>);

impl Evidence {
    /// A confidence interval with coverage `level` in (0, 1), against the region accepted for the quantity.
    ///
    /// `accept` may be unbounded on one side. A non-finite or reversed interval, an `accept` that is no region
    /// or a `level` that is no probability leaves the item undecided.
    pub fn statistic(statement: impl Into<String>, level: f64, interval: [f64; 2], accept: [f64; 2]) -> Self {
        Self::compared(Inexact::Statistic { level }, statement.into(), interval, accept)
    }

    /// A computed number with its error bound, as an interval, against the region accepted for it.
    ///
    /// `accept` may be unbounded on one side; undecided as in [`Evidence::statistic`].
    ///
    /// ```
    /// use proofs_checks::Evidence;
    /// assert_eq!(Evidence::comparison("|ΔL|", [0.0, 1e-13], [0.0, 1e-12]).holds(), Some(true));
    /// assert_eq!(Evidence::comparison("|ΔL|", [0.0, 1e-11], [0.0, 1e-12]).holds(), None);
    /// assert_eq!(Evidence::comparison("|ΔL|", [0.2, 0.3], [0.0, 1e-12]).holds(), Some(false));
    /// ```
    pub fn comparison(statement: impl Into<String>, interval: [f64; 2], accept: [f64; 2]) -> Self {
        Self::compared(Inexact::Comparison, statement.into(), interval, accept)
    }

    /// As [`Evidence::statistic`] from an estimate with its interval at `level`; undecided where the data gave none. What fails carries the point
    /// estimate as its witness.
    pub fn estimate(statement: impl Into<String>, level: f64, estimate: Option<Estimate>, accept: [f64; 2]) -> Self {
        let Some(estimate) = estimate else {
            return Self::unresolved(Inexact::Statistic { level }, statement, accept, "too few data for an interval");
        };
        let item = Self::statistic(statement, level, estimate.interval, accept);
        if item.holds() == Some(false) { item.with_witness(json!({ "estimate": estimate.value })) } else { item }
    }

    /// A quantity that could not be had: a limit was hit or a solver did not converge.
    pub fn unresolved(
        kind: Inexact,
        statement: impl Into<String>,
        accept: [f64; 2],
        reason: impl Into<String>,
    ) -> Self {
        Self::undecided(kind, statement.into(), accept, reason.into())
    }

    /// A claim with a certificate of it: exact. It is put to the re-checker here, from its text alone; nothing else can make exact evidence. `None` where no certificate could
    /// be made.
    pub fn certificate(statement: impl Into<String>, certificate: Option<String>) -> Self {
        let mut record = EvidenceRecord {
            kind: Kind::Certificate,
            statement: statement.into(),
            level: None,
            interval: None,
            accept: [None, None],
            holds: None,
            reason: None,
            witness: None,
            certificate: None,
        };
        match certificate.as_deref().map(recheck) {
            None => record.reason = Some("no certificate could be made".into()),
            Some(Ok(accepted)) => {
                if accepted.identity {
                    record.kind = Kind::Identity;
                }
                record.holds = Some(true);
                record.interval = Some(accepted.interval);
                record.accept = accepted.accept.map(|end| end.is_finite().then_some(end));
            }
            Some(Err(CertificateError::False { claim })) => {
                record.holds = Some(false);
                record.witness = Some(json!({ "refused": claim }));
            }
            Some(Err(error)) => {
                if let CertificateError::Outside { interval, accept, .. } = &error {
                    record.interval = Some(*interval).filter(|ends| ends.iter().all(|end| end.is_finite()));
                    record.accept = accept.map(|end| end.is_finite().then_some(end));
                }
                match error {
                    CertificateError::Outside { claim, item, refuted: true, .. } => {
                        record.holds = Some(false);
                        record.witness = Some(json!({ "refused": claim, "item": item }));
                    }
                    undecided => record.reason = Some(undecided.to_string()),
                }
            }
        }
        Self(record, certificate)
    }

    /// What a refused certificate was refused for, where its claim is about several items.
    pub(crate) fn refused_item(&self) -> Option<&str> {
        self.0.witness.as_ref()?.get("item")?.as_str()
    }

    /// The text of its certificate.
    pub fn certificate_text(&self) -> Option<&str> {
        self.1.as_deref()
    }

    /// The same item with data that lets a reader reproduce it; a failing item should carry some.
    pub fn with_witness(mut self, witness: Value) -> Self {
        self.0.witness = Some(witness);
        self
    }

    /// The same item left undecided, with its interval: a hypothesis of the claim is in doubt.
    pub(crate) fn withheld(mut self, reason: impl Into<String>) -> Self {
        (self.0.holds, self.0.reason, self.0.witness) = (None, Some(reason.into()), None);
        self
    }

    /// What the item rests on.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What is claimed of the quantity.
    pub fn statement(&self) -> &str {
        &self.0.statement
    }

    /// Whether the claim holds; `None` when this evidence cannot tell.
    pub fn holds(&self) -> Option<bool> {
        self.0.holds
    }

    /// Why the item is undecided.
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The finite interval, when there is one.
    pub fn interval(&self) -> Option<[f64; 2]> {
        self.0.interval
    }

    /// The item as a plain document.
    pub fn record(&self) -> EvidenceRecord {
        self.0.clone()
    }

    fn compared(kind: Inexact, statement: String, interval: [f64; 2], accept: [f64; 2]) -> Self {
        let [low, high] = interval;
        if !(low.is_finite() && high.is_finite()) {
            return Self::undecided(kind, statement, accept, format!("the interval [{low}, {high}] is not finite"));
        }
        if low > high {
            return Self::undecided(kind, statement, accept, format!("the interval [{low}, {high}] is reversed"));
        }
        let mut item = Self::undecided(kind, statement, accept, String::new());
        item.0.interval = Some(interval);
        if item.0.reason.as_deref() != Some("") {
            return item;
        }
        item.0.holds = if accept[0] <= low && high <= accept[1] {
            Some(true)
        } else if high < accept[0] || accept[1] < low {
            Some(false)
        } else {
            None
        };
        item.0.reason = item.0.holds.is_none().then(|| "the interval is only partly inside the accepted region".into());
        item
    }

    /// The item without an answer; a level or region that makes no sense outranks the given reason.
    fn undecided(kind: Inexact, statement: String, accept: [f64; 2], reason: String) -> Self {
        let [low, high] = accept;
        let (kind, level) = match kind {
            Inexact::Statistic { level } => (Kind::Statistic, Some(level)),
            Inexact::Comparison => (Kind::Comparison, None),
        };
        // Two infinite ends would accept everything; NaN fails the comparison.
        let region = low <= high && (low.is_finite() || high.is_finite());
        let reason = if !region {
            format!("[{low}, {high}] is no acceptance region")
        } else if level.is_some_and(|level| !(level > 0.0 && level < 1.0)) {
            format!("{} is no confidence level", level.unwrap_or_default())
        } else {
            reason
        };
        let record = EvidenceRecord {
            kind,
            statement,
            level: level.filter(|level| level.is_finite()),
            interval: None,
            accept: accept.map(|end| end.is_finite().then_some(end)),
            holds: None,
            reason: Some(reason),
            witness: None,
            certificate: None,
        };
        Self(record, None)
    }
}

/// A claim known to be false, put through the same check: a check that accepts it is worthless.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    statement: String,
    evidence: Evidence,
}

impl Control {
    /// `statement` says what is falsified; `evidence` is the item that the check made for it.
    pub fn new(statement: impl Into<String>, evidence: Evidence) -> Self {
        Self { statement: statement.into(), evidence }
    }

    /// Whether the falsified claim was found false; undecided evidence rejects nothing.
    pub fn rejected(&self) -> bool {
        self.evidence.holds() == Some(false)
    }

    /// The item that the check made for the falsified claim.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The control as a plain document.
    pub fn record(&self) -> ControlRecord {
        ControlRecord { statement: self.statement.clone(), evidence: self.evidence.record(), rejected: self.rejected() }
    }
}

/// The control whose statement is that of its item.
impl From<Evidence> for Control {
    fn from(evidence: Evidence) -> Self {
        Self::new(evidence.statement().to_string(), evidence)
    }
}

/// Exact evidence as the rule sees it, for the rule's own tests.
#[cfg(test)]
pub(crate) fn exact(kind: Kind, holds: Option<bool>) -> Evidence {
    let mut item = Evidence::unresolved(Inexact::Comparison, "", [0.0, 1.0], "");
    item.0.kind = kind;
    item.0.holds = holds;
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;
    const INF: f64 = f64::INFINITY;

    fn holds(interval: [f64; 2], accept: [f64; 2]) -> Option<bool> {
        Evidence::comparison("", interval, accept).holds()
    }

    #[test]
    fn closed_intervals_decide_by_inclusion_and_disjointness() {
        assert_eq!(holds([0.0, 1.0], [0.0, 1.0]), Some(true));
        assert_eq!(holds([0.5, 0.5], [0.5, 0.5]), Some(true));
        assert_eq!(holds([1.0, 2.0], [0.0, 1.0]), None);
        assert_eq!(holds([1.0_f64.next_up(), 2.0], [0.0, 1.0]), Some(false));
        assert_eq!(holds([-2.0, -1e-300], [0.0, 1.0]), Some(false));
    }

    #[test]
    fn a_wide_interval_never_helps() {
        let item = Evidence::statistic("", 0.99, [-10.0, 10.0], [0.49, 0.51]);
        assert_eq!(item.holds(), None);
        assert!(item.reason().is_some());
    }

    #[test]
    fn a_region_may_be_unbounded_on_one_side_only() {
        assert_eq!(holds([30.0, 31.0], [29.0, INF]), Some(true));
        assert_eq!(holds([3.0, 4.0], [29.0, INF]), Some(false));
        assert_eq!(holds([3.0, 4.0], [-INF, INF]), None);
        assert_eq!(holds([3.0, 4.0], [5.0, 1.0]), None);
        assert_eq!(holds([3.0, 4.0], [NAN, 5.0]), None);
    }

    #[test]
    fn an_interval_that_is_none_decides_nothing() {
        for interval in [[NAN, 1.0], [0.0, NAN], [-INF, 0.5], [0.0, INF], [NAN, NAN], [0.6, 0.4]] {
            for accept in [[0.0, 1.0], [2.0, INF], [-INF, -2.0]] {
                let item = Evidence::comparison("", interval, accept);
                assert_eq!(item.holds(), None, "{interval:?} {accept:?}");
                assert!(item.reason().is_some_and(|reason| reason.contains("interval")));
                assert_eq!(item.interval(), None);
            }
        }
    }

    #[test]
    fn a_level_must_be_a_probability() {
        for level in [0.0, 1.0, -0.5, 99.0, NAN, INF] {
            assert_eq!(Evidence::statistic("", level, [0.4, 0.6], [0.0, 1.0]).holds(), None, "{level}");
        }
    }

    /// JSON has no NaN: whatever goes in, the document has to be readable and read back the same.
    #[test]
    fn no_nan_reaches_json() {
        for item in [
            Evidence::statistic("", NAN, [NAN, INF], [NAN, INF]),
            Evidence::comparison("", [0.0, 1.0], [0.0, INF]),
            Evidence::comparison("", [0.0, 1.0], [0.0, 1.0]).with_witness(serde_json::json!({ "at": NAN })),
        ] {
            let json = serde_json::to_string(&item.record()).unwrap();
            assert_eq!(serde_json::from_str::<EvidenceRecord>(&json).unwrap(), item.record());
        }
    }

    #[test]
    fn only_a_failing_item_rejects_a_control() {
        let of = |interval| Control::new("twin", Evidence::comparison("", interval, [0.0, 1.0])).rejected();
        assert!(of([2.0, 3.0]));
        assert!(!of([0.5, 0.6]));
        assert!(!of([0.5, 2.0]));
        assert!(!of([NAN, 2.0]));
    }

    #[test]
    fn exact_kinds_are_two() {
        let exact = [Kind::Certificate, Kind::Identity, Kind::Statistic, Kind::Comparison].map(Kind::is_exact);
        assert_eq!(exact, [true, true, false, false]);
    }
}

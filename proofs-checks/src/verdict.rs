//! The verdict on a claim, and the one rule that makes it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Control, Evidence};

/// The name of a verdict: what a report on disk or the ledger says, without the authority of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// All evidence holds and all of it is exact.
    Proved,
    /// All evidence holds, some of it is numeric.
    Supported,
    /// Some evidence fails.
    Refuted,
    /// There is no answer: something is missing, a control passed, or a limit was hit.
    Inconclusive,
}

impl Label {
    /// The lower-case word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Supported => "supported",
            Self::Refuted => "refuted",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The outcome of [`judge`]. No other code can make one, and none can be read from disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict(Label);

impl Verdict {
    /// The name of this verdict.
    pub fn label(self) -> Label {
        self.0
    }
}

/// The rule. The first line that applies decides:
///
/// 1. no evidence, no control, or a control that was not rejected: inconclusive;
/// 2. evidence that could not be decided: inconclusive;
/// 3. evidence that fails: refuted;
/// 4. only exact evidence: proved;
/// 5. otherwise: supported.
///
/// ```
/// use proofs_checks::{Control, Evidence, Label, judge};
/// let claim = Evidence::comparison("the exponent is 1/2", [0.499, 0.501], [0.49, 0.51]);
/// let twin = Evidence::comparison("the exponent is 1/2", [0.99, 1.01], [0.49, 0.51]);
/// let control = Control::new("p = 4 has another exponent", twin);
/// assert_eq!(judge(&[claim.clone()], &[control]).label(), Label::Supported);
/// assert_eq!(judge(&[claim], &[]).label(), Label::Inconclusive);
/// ```
pub fn judge(evidence: &[Evidence], controls: &[Control]) -> Verdict {
    let unchecked = evidence.is_empty() || controls.is_empty() || !controls.iter().all(Control::rejected);
    let label = if unchecked || evidence.iter().any(|item| item.holds().is_none()) {
        Label::Inconclusive
    } else if evidence.iter().any(|item| item.holds() == Some(false)) {
        Label::Refuted
    } else if evidence.iter().all(|item| item.kind().is_exact()) {
        Label::Proved
    } else {
        Label::Supported
    };
    Verdict(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::exact;
    use crate::{Inexact, Kind};

    fn numeric(holds: Option<bool>) -> Evidence {
        match holds {
            Some(true) => Evidence::comparison("", [0.4, 0.6], [0.0, 1.0]),
            Some(false) => Evidence::comparison("", [2.0, 3.0], [0.0, 1.0]),
            None => Evidence::unresolved(Inexact::Comparison, "", [0.0, 1.0], "limit"),
        }
    }

    fn rejected() -> Control {
        Control::new("twin", numeric(Some(false)))
    }

    fn label(evidence: &[Evidence], controls: &[Control]) -> Label {
        judge(evidence, controls).label()
    }

    #[test]
    fn nothing_to_judge_is_inconclusive() {
        assert_eq!(label(&[], &[]), Label::Inconclusive);
        assert_eq!(label(&[], &[rejected()]), Label::Inconclusive);
        assert_eq!(label(&[numeric(Some(true))], &[]), Label::Inconclusive);
        assert_eq!(label(&[numeric(Some(false))], &[]), Label::Inconclusive);
    }

    #[test]
    fn a_control_that_passes_or_cannot_tell_spoils_everything() {
        for holds in [Some(true), None] {
            let controls = [rejected(), Control::new("twin", numeric(holds))];
            for evidence in [numeric(Some(true)), numeric(Some(false)), exact(Kind::Identity, Some(true))] {
                assert_eq!(label(&[evidence], &controls), Label::Inconclusive);
            }
        }
    }

    #[test]
    fn undecided_evidence_comes_before_failing_evidence() {
        let evidence = [numeric(Some(false)), numeric(None), numeric(Some(true))];
        assert_eq!(label(&evidence, &[rejected()]), Label::Inconclusive);
        assert_eq!(label(&[exact(Kind::Certificate, None)], &[rejected()]), Label::Inconclusive);
    }

    #[test]
    fn one_failing_item_refutes() {
        let evidence = [exact(Kind::Identity, Some(true)), numeric(Some(false))];
        assert_eq!(label(&evidence, &[rejected()]), Label::Refuted);
        assert_eq!(label(&[exact(Kind::Identity, Some(false))], &[rejected()]), Label::Refuted);
    }

    #[test]
    fn proved_needs_exact_evidence_throughout() {
        let identity = exact(Kind::Identity, Some(true));
        let certificate = exact(Kind::Certificate, Some(true));
        assert_eq!(label(&[identity.clone(), certificate], &[rejected()]), Label::Proved);
        assert_eq!(label(&[identity, numeric(Some(true))], &[rejected()]), Label::Supported);
        let statistic = Evidence::statistic("", 0.99, [0.4, 0.6], [0.0, 1.0]);
        assert_eq!(label(&[statistic], &[rejected()]), Label::Supported);
    }

    #[test]
    fn labels_are_lower_case_everywhere() {
        for label in [Label::Proved, Label::Supported, Label::Refuted, Label::Inconclusive] {
            let json = serde_json::to_string(&label).unwrap();
            assert_eq!(json, format!("\"{label}\""));
            assert_eq!(serde_json::from_str::<Label>(&json).unwrap(), label);
        }
    }
}

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
/// [`CertificateError::False`] where the claim about these data is false, [`CertificateError::Undecided`] where the enclosures are too wide,
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
mod tests {
    use super::super::certificate::CertificateError;
    use super::super::spectrum::spectrum_certificate;
    use super::*;
    use crate::rigor::{AtomText, Mixture};
    use crate::symbolic::{Fit, cone_test};

    const TRUE: [[f64; 2]; 4] =
        [[0.269017448, 0.269017449], [5.2808226, 5.2808227], [1.8144097, 1.8144098], [6.4726717, 6.4726718]];

    fn spectrum() -> String {
        spectrum_certificate(3, 192, TRUE).unwrap()
    }

    #[test]
    fn a_true_claim_is_accepted_and_a_shifted_one_is_false() {
        let accepted = recheck(&spectrum()).unwrap();
        assert!(accepted.accept[0] <= accepted.interval[0] && accepted.interval[1] <= accepted.accept[1]);
        assert!(accepted.interval[1] - accepted.interval[0] < 1e-15);
        for i in 0..4 {
            let mut claimed = TRUE;
            claimed[i] = claimed[i].map(|x| x + 1e-6);
            let refused = recheck(&spectrum_certificate(3, 192, claimed).unwrap());
            assert!(matches!(refused, Err(CertificateError::False { .. })), "{refused:?}");
        }
    }

    /// Any single character changed, a line dropped, doubled or moved: refused, all of them.
    #[test]
    fn whatever_is_altered_is_refused() {
        let text = spectrum_certificate(3, 64, TRUE).unwrap();
        assert!(recheck(&text).is_ok());
        for at in (0..text.len()).step_by(29) {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            let altered = String::from_utf8(bytes).unwrap();
            assert!(recheck(&altered).is_err(), "character {at}");
        }
        let lines: Vec<&str> = text.lines().collect();
        for skip in 0..lines.len() {
            let shorter: String =
                lines.iter().enumerate().filter(|(i, _)| *i != skip).map(|(_, l)| format!("{l}\n")).collect();
            assert!(recheck(&shorter).is_err(), "without line {skip}");
        }
        for altered in [text.clone() + "\n", text.trim_end().to_string(), text.replace('\n', "\r\n"), String::new()] {
            assert!(recheck(&altered).is_err());
        }
    }

    #[test]
    fn what_cannot_be_claimed_makes_no_certificate() {
        let mut claimed = TRUE;
        claimed[2][1] = f64::NAN;
        assert_eq!(spectrum_certificate(3, 192, claimed), None);
        assert_eq!(spectrum_certificate(2, 192, TRUE), None);
        assert_eq!(spectrum_certificate(3, 8, TRUE), None);
    }

    fn repaired(text: &str) -> String {
        let body: String =
            text.lines().filter(|line| !line.starts_with("checksum")).map(|line| format!("{line}\n")).collect();
        let sum = body
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("{body}checksum {sum:016x}\n")
    }

    /// Certificates of every kind that expressions have, each with an alteration that changes the truth, the sum repaired: refused.
    #[test]
    fn forged_certificates_of_expressions_are_refused() {
        let span = crate::symbolic::identify("a*x + b", "exp(w*x)", 2).unwrap().certificate;
        assert!(recheck(&span).is_ok());
        assert_eq!(repaired(&span), span);
        for (from, to) in [
            ("dimension 4", "dimension 5"),
            ("dimension 4", "dimension 3"),
            ("function w,b ", "function w,w "),
            ("*(a*x + b)", "*(a*x + b^2)"),
            ("term 2 -1\n", "term 2 1\n"),
            ("term 1 -1\n", "term 1 1\n"),
            ("term 1 -1\n", "term 1 x\n"),
            ("point ", "point 1/3 "),
            ("precision 128", "precision 64"),
            ("determinant 0x", "determinant -0x"),
            ("determinant -0x", "determinant 0x"),
        ] {
            let forged = repaired(&span.replacen(from, to, 1));
            assert!(forged == span || recheck(&forged).is_err(), "{from} {to}");
        }
        // A point twice makes the determinant zero; a relation left out leaves too many functions.
        let points: Vec<&str> = span.lines().filter(|line| line.starts_with("point")).collect();
        assert!(recheck(&repaired(&span.replace(points[0], points[1]))).is_err());
        let without: String = span
            .lines()
            .enumerate()
            .filter(|(k, _)| Some(*k) != span.lines().position(|line| line.starts_with("relation")))
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        assert!(recheck(&repaired(&without)).is_err());

        let identity = |terms: &str| {
            let body = "function w,b exp(w*x)*(a*x + b)\nfunction a exp(w*x)*(a*x + b)\n";
            repaired(&format!("moe-verify certificate 1\nclaim identity\n{body}{terms}"))
        };
        assert!(recheck(&identity("term 0 1\nterm 1 -1\n")).is_ok());
        assert!(matches!(recheck(&identity("term 0 1\nterm 1 1\n")), Err(CertificateError::False { .. })));
        // Nothing is proved by coefficients that are zero.
        assert!(recheck(&identity("term 0 0\nterm 1 0\n")).is_err());
        assert!(recheck(&identity("term 0 x - x\nterm 1 0\n")).is_err());
        assert!(recheck(&identity("term 0 1\nterm 7 -1\n")).is_err());
        assert!(recheck(&identity("")).is_err());

        // Nor by a denominator that is zero in disguise, though another term makes the normal form see it.
        let zero = "(sigmoid(softplus(a))*(2 + exp(a)) - 1 - exp(a))";
        let body = "function - x\nfunction - x^2\nfunction - (1 + exp(-a))*x\n";
        let terms = format!("term 0 1\nterm 1 {zero}/{zero}\nterm 2 sigmoid(a)\nterm 0 -1\n");
        let divided = repaired(&format!("moe-verify certificate 1\nclaim identity\n{body}{terms}"));
        assert!(matches!(recheck(&divided), Err(CertificateError::Unfounded { .. })));

        // Nor by measures that see some directions only, or less than is claimed.
        let atom = |weight: &str, [w, a]: [&str; 2]| AtomText {
            weight: weight.into(),
            parameters: [("w", w), ("a", a)].map(|(name, value)| (name.into(), value.into())).into(),
        };
        let mixture = Mixture {
            gate: "exp(w*x)".into(),
            expert: "tanh(a*x)".into(),
            global: Default::default(),
            truth: vec![atom("1", ["1", "2"]), atom("1", ["0", "-1"])],
            overfitted: vec![0],
        };
        let grid: Vec<_> = (-12..=15).map(|k| vec![dashu_ratio::RBig::from_parts(k.into(), 6u8.into())]).collect();
        let rays = cone_test(&mixture, Fit::Two, &grid, 128).certificate.unwrap();
        assert!(recheck(&rays).is_ok());
        let line = |key: &str| rays.lines().find(|line| line.starts_with(key)).unwrap();
        let [face, lambda] = ["face", "lambda"].map(line);
        let (last, word) = face.rsplit_once(' ').unwrap();
        let shorter = lambda.replacen("lambda ", "lambda 9", 1);
        for (from, to) in [
            (face, last.to_string()),
            (face, format!("{face} +0")),
            (face, format!("{last} {}{}", if word.starts_with('+') { '-' } else { '+' }, &word[1..])),
            (lambda, shorter),
            ("atoms 2\n", String::new()),
            ("overfitted 0", "overfitted 0 1".to_string()),
            ("a=2", "a=5/2".to_string()),
        ] {
            let forged = repaired(&rays.replacen(from, &to, 1));
            assert!(forged != rays && recheck(&forged).is_err(), "{from} {to}");
        }

        // Nor by coefficients, or along curves, that do not move: ln 4 − 2 ln 2.
        let zero = "(softplus(softplus(softplus(0))) - 2*softplus(0))";
        assert!(recheck(&identity(&format!("term 0 {zero}\nterm 0 -{zero}\n"))).is_err());
        let still = zero.replace(' ', "");
        let fitted = ["+", "-"].map(|sign| format!("fitted 0 v/2 a=a b=b{sign}s*{still} w=w\n")).concat();
        let body = format!("gate exp(w*x)\nexpert a*x+b\ncurve s\natom v a=a b=b w=w\n{fitted}");
        let resting = repaired(&format!("moe-verify certificate 1\nclaim flat\n{body}"));
        assert!(matches!(recheck(&resting), Err(CertificateError::Unfounded { .. })));

        // Nor is a translation a flat curve where a temperature stands under the slopes.
        let body = "gate exp(w*x/t)\nexpert tanh(a*x)\ncurve s\natom v a=a t=t w=w\natom v2 a=a2 t=t w=w2\n";
        let moved = "fitted 0 v a=a t=t w=w+s\nfitted 1 v2 a=a2 t=t w=w2+s\n";
        let translated = repaired(&format!("moe-verify certificate 1\nclaim flat\n{body}{moved}"));
        assert!(matches!(recheck(&translated), Err(CertificateError::Unfounded { .. })));

        let flat = |fitted: &str| {
            let body = "gate exp(w*x)\nexpert a*x+b\ncurve s\natom v a=a b=b w=w\n";
            repaired(&format!("moe-verify certificate 1\nclaim flat\n{body}{fitted}"))
        };
        assert!(recheck(&flat("fitted 0 v/2 a=a b=b+s w=w\nfitted 0 v/2 a=a b=b-s w=w\n")).is_ok());
        for fitted in [
            "fitted 0 v/2 a=a b=b+s w=w\nfitted 0 v/2 a=a b=b w=w\n",
            "fitted 0 v/2 a=a b=b w=w\nfitted 0 v/2 a=a b=b w=w\n",
            "fitted 0 v a=a b=b+s w=w\nfitted 0 v a=a b=b-s w=w\n",
            "fitted 0 v/2 a=a b=b+1+s w=w\nfitted 0 v/2 a=a b=b-1-s w=w\n",
            "fitted 1 v/2 a=a b=b+s w=w\nfitted 0 v/2 a=a b=b-s w=w\n",
            "fitted 0 v/2 a=a b=b+s*x w=w\nfitted 0 v/2 a=a b=b-s*x w=w\n",
            // A translation of all atoms, a weight that vanishes, a jump through a zero in disguise, an input in the place of a parameter.
            "fitted 0 v a=a b=b w=w+s\n",
            "fitted 0 v a=a b=b w=w\nfitted 0 0 a=a b=b+s w=w\n",
            "fitted 0 v/2 a=a b=b+s/(s+1/(1+c)+c/(1+c)-1) w=w\nfitted 0 v/2 a=a b=b-s/(s+1/(1+c)+c/(1+c)-1) w=w\n",
            "fitted 0 v a=a+s b=b-s w=w x=1\n",
        ] {
            assert!(recheck(&flat(fitted)).is_err(), "{fitted}");
        }
    }
}

//! The text of a certificate: lines of words, numbers written exactly, a sum over all lines at the end.
//!
//! ```text
//! moe-verify certificate 1
//! claim teacher-spectrum
//! precision 384
//! …
//! checksum 0123456789abcdef
//! ```
//!
//! Numbers are `0x<mantissa>p<exponent of two>`; functions, atoms with their cells, sides and measures are counted from 1. Each line stands where its kind of certificate has it, and no other line does. The sum (FNV-1a, 64 bits) tells a damaged file from a whole one; no truth rests on it.

use std::fmt;

use thiserror::Error;

use dashu_ratio::RBig;

use super::ball::Ball;
use super::dyadic::Dyadic;
use crate::symbolic::{Expression, Kind, is_input, parse};

/// Why a certificate is refused.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CertificateError {
    /// A line is not what has to stand there.
    #[error("line {line}: found {found:?}, allowed is {allowed}")]
    Malformed {
        /// From 1.
        line: usize,
        /// Its text.
        found: String,
        /// What has to stand there.
        allowed: &'static str,
    },
    /// A line is not what the claim and its data give.
    #[error("line {line}: found {found:?}, recomputed {recomputed:?}")]
    Altered {
        /// From 1.
        line: usize,
        /// Its text.
        found: String,
        /// What should stand there.
        recomputed: String,
    },
    /// The claim is false.
    #[error("the claim is false: {claim}")]
    False {
        /// Which claim, and what is true.
        claim: String,
    },
    /// An enclosure of the quantity of the claim does not lie in the region that the claim states for it.
    #[error("{}: {claim}", outcome(.refuted))]
    Outside {
        /// Which claim, and what is true.
        claim: String,
        /// What the enclosure furthest from the region is of.
        item: String,
        /// The enclosure of the quantity.
        interval: [f64; 2],
        /// The region.
        accept: [f64; 2],
        /// Whether the two are apart: the claim is false. Otherwise the enclosure does not decide it.
        refuted: bool,
    },
    /// What the certificate offers does not prove the claim, whether it is true or not.
    #[error("no proof: {claim}")]
    Unfounded {
        /// What is missing or wrong.
        claim: String,
    },
    /// The normal form does not decide the claim.
    #[error("not decided: {claim}")]
    Beyond {
        /// Which claim, or what was not decided.
        claim: String,
    },
    /// The enclosures do not decide the claim.
    #[error("not decided at this precision: {claim}")]
    Undecided {
        /// Which claim.
        claim: String,
    },
}

fn outcome(refuted: &bool) -> &'static str {
    if *refuted { "the claim is false" } else { "not decided at this precision" }
}

/// First line of every certificate.
const TITLE: &str = "moe-verify certificate 1";

/// A certificate being written.
#[derive(Debug, Default)]
pub(super) struct Writer(String);

impl Writer {
    pub(super) fn new(claim: &str) -> Self {
        Self(format!("{TITLE}\nclaim {claim}\n"))
    }

    pub(super) fn line(&mut self, words: fmt::Arguments<'_>) {
        self.0.push_str(&format!("{words}\n"));
    }

    pub(super) fn finish(self) -> String {
        let sum = checksum(&self.0);
        format!("{}checksum {sum:016x}\n", self.0)
    }
}

/// The ends of an enclosure as two words.
pub(super) fn ends(ball: &Ball) -> String {
    match ball.ends() {
        Some([low, high]) => format!("{low} {high}"),
        None => "unbounded".into(),
    }
}

fn checksum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A number counted from 0 that the word counts from 1, one text for one number.
pub(super) fn place(word: &str, count: usize) -> Option<usize> {
    let number: usize = word.parse().ok()?;
    ((1..=count).contains(&number) && number.to_string() == word).then(|| number - 1)
}

/// A certificate being read.
pub(super) struct Reader<'a> {
    lines: Vec<&'a str>,
    next: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, CertificateError> {
        let mut reader = Self { lines: text.lines().collect(), next: 0 };
        let first = reader.line();
        if first != TITLE {
            return Err(reader.malformed("moe-verify certificate 1"));
        }
        Ok(reader)
    }

    fn line(&mut self) -> &'a str {
        self.next += 1;
        self.lines.get(self.next - 1).copied().unwrap_or_default()
    }

    /// An error about the line read last.
    pub(super) fn malformed(&self, allowed: &'static str) -> CertificateError {
        let found = self.lines.get(self.next - 1).copied().unwrap_or("end of file");
        CertificateError::Malformed { line: self.next, found: found.chars().take(80).collect(), allowed }
    }

    /// An error about the next line, which is none of those.
    pub(super) fn missing(&mut self, allowed: &'static str) -> CertificateError {
        self.line();
        self.malformed(allowed)
    }

    /// The words of the next line after `keys`; `allowed` describes the line.
    pub(super) fn words(&mut self, keys: &str, allowed: &'static str) -> Result<Vec<&'a str>, CertificateError> {
        let rest = self.line().strip_prefix(keys).and_then(|rest| rest.strip_prefix(' '));
        rest.map(|rest| rest.split(' ').collect()).ok_or_else(|| self.malformed(allowed))
    }

    /// A whole number in a range.
    pub(super) fn integer(
        &mut self,
        key: &str,
        range: std::ops::RangeInclusive<usize>,
        allowed: &'static str,
    ) -> Result<usize, CertificateError> {
        let words = self.words(key, allowed)?;
        match words[..] {
            [word] => word.parse().ok().filter(|n| range.contains(n)).ok_or_else(|| self.malformed(allowed)),
            _ => Err(self.malformed(allowed)),
        }
    }

    /// The number, counted from 0, that a word counts from 1 among `count`.
    pub(super) fn place(&self, word: &str, count: usize, allowed: &'static str) -> Result<usize, CertificateError> {
        place(word, count).ok_or_else(|| self.malformed(allowed))
    }

    /// An expression and its text.
    pub(super) fn expression(
        &mut self,
        key: &str,
        allowed: &'static str,
    ) -> Result<(String, Expression), CertificateError> {
        let text = self.words(key, allowed)?.join(" ");
        let expression = parse(&text).map_err(|_| self.malformed(allowed))?;
        Ok((text, expression))
    }

    /// A name that is none of an input.
    pub(super) fn parameter(&mut self, key: &str, allowed: &'static str) -> Result<String, CertificateError> {
        let (name, expression) = self.expression(key, allowed)?;
        let is_parameter = matches!(&expression.kind, Kind::Symbol(own) if *own == name && !is_input(own));
        if is_parameter { Ok(name) } else { Err(self.malformed(allowed)) }
    }

    /// Refuses every line after the data but those of results, in this order, and the sum; what these say is compared with what is recomputed.
    pub(super) fn rest(&mut self, keys: &[&str], allowed: &'static str) -> Result<(), CertificateError> {
        let mut from = 0;
        while self.next < self.lines.len() {
            let key = self.line().split(' ').next().unwrap_or_default();
            if key == "checksum" && self.next == self.lines.len() {
                return Ok(());
            }
            let found = keys[from..].iter().position(|known| *known == key);
            from += found.ok_or_else(|| self.malformed(allowed))?;
        }
        Err(self.missing(allowed))
    }

    /// Whether the next line begins with this word.
    pub(super) fn is_next(&self, key: &str) -> bool {
        let line = self.lines.get(self.next).copied().unwrap_or_default();
        line.strip_prefix(key).is_some_and(|rest| rest.starts_with(' '))
    }

    /// One rational number.
    pub(super) fn exact(&self, words: &[&str], allowed: &'static str) -> Result<RBig, CertificateError> {
        let [word] = words else { return Err(self.malformed(allowed)) };
        let divides = word.split_once('/').is_none_or(|(_, denominator)| denominator.bytes().any(|b| b != b'0'));
        if !divides {
            return Err(self.malformed(allowed));
        }
        // One text for one number.
        let number: Option<RBig> = word.parse().ok().filter(|number: &RBig| number.to_string() == *word);
        number.ok_or_else(|| self.malformed(allowed))
    }

    /// The next line's rational numbers, so many.
    pub(super) fn rationals(&mut self, key: &str, count: usize) -> Result<Vec<RBig>, CertificateError> {
        let allowed = "rational numbers in lowest terms, one for each input, and those of masses";
        let words = self.words(key, allowed)?;
        // The point of no inputs.
        let words = if words == [""] { Vec::new() } else { words };
        if words.len() != count {
            return Err(self.malformed(allowed));
        }
        words.iter().map(|word| self.exact(&[word], allowed)).collect()
    }

    /// Exact numbers.
    pub(super) fn numbers(&self, words: &[&str], allowed: &'static str) -> Result<Vec<Dyadic>, CertificateError> {
        words.iter().map(|word| Dyadic::parse(word).ok_or_else(|| self.malformed(allowed))).collect()
    }
}

/// Whether the text is the recomputed one, line by line.
pub(super) fn compare(text: &str, recomputed: &str) -> Result<(), CertificateError> {
    if text == recomputed {
        return Ok(());
    }
    let (mut found, mut expected) = (text.split('\n'), recomputed.split('\n'));
    let mut line = 1;
    loop {
        match (found.next(), expected.next()) {
            (a, b) if a == b && a.is_some() => line += 1,
            (a, b) => {
                let [a, b] = [a, b].map(|text| text.unwrap_or("end of file"));
                // Long lines from shortly before where they part.
                let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
                let short = |text: &str| text.chars().skip(same.saturating_sub(40)).take(80).collect();
                return Err(CertificateError::Altered { line, found: short(a), recomputed: short(b) });
            }
        }
    }
}

//! The routers whose numbers are enclosed, each by its own route, and the lines that a certificate has of them: none of the sigmoid's, `router gaussian-cdf`, or `router tanh` and `strip C` with a fraction `C ≥ 1`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer};
use super::elementary::pi;
use super::{gaussian_cdf, sigmoid, tanh, trapezoid};
use dashu_ratio::RBig;
use moe_kernels::Real;

/// A router, with what its enclosures rest on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnclosedRouter {
    /// `1/(1 + e^{−z})`: the trapezoid rule in the strip of half width 3.
    Sigmoid,
    /// `tanh z`: the trapezoid rule.
    Tanh {
        /// The half width of the strip that its remainder is proved in: a fraction from 1 to below π/2.
        strip: RBig,
    },
    /// `P(Z ≤ z)`: closed forms.
    GaussianCdf,
}

impl EnclosedRouter {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CertificateError> {
        if !reader.is_next("router") {
            return Ok(Self::Sigmoid);
        }
        let allowed = "router tanh | gaussian-cdf (the sigmoid has no such line)";
        match reader.words("router", allowed)?[..] {
            ["gaussian-cdf"] => Ok(Self::GaussianCdf),
            ["tanh"] => {
                let allowed = "strip C, a fraction from 1 to below 4";
                let words = reader.words("strip", allowed)?;
                let strip = reader.exact(&words, allowed)?;
                let is_allowed = RBig::ONE <= strip && strip < RBig::from(4);
                if is_allowed { Ok(Self::Tanh { strip }) } else { Err(reader.malformed(allowed)) }
            }
            _ => Err(reader.malformed(allowed)),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Sigmoid => {}
            Self::Tanh { strip } => writer.line(format_args!("router tanh\nstrip {strip}")),
            Self::GaussianCdf => writer.line(format_args!("router gaussian-cdf")),
        }
    }

    /// Refuses a strip with poles in it.
    pub(super) fn analytic(&self, precision: usize) -> Result<(), CertificateError> {
        let Self::Tanh { strip } = self else { return Ok(()) };
        let half_width = half_width(strip, precision);
        let quarter_turn = pi(precision) * half_width.ratio(1, 2);
        let from_poles = quarter_turn.clone() - &half_width;
        if from_poles.sign() == Some(true) {
            return Ok(());
        }
        let claim =
            format!("tanh is analytic in the strip |Im z| ≤ {strip}; its poles nearest to the real line are ±iπ/2");
        let interval = half_width.outer().unwrap_or([0.0, f64::INFINITY]);
        let accept = [1.0, quarter_turn.outer().map_or(1.0, |[low, _]| low)];
        let refuted = from_poles.sign() == Some(false);
        Err(CertificateError::Outside { claim, item: "strip".into(), interval, accept, refuted })
    }

    /// The words of a claim.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sigmoid => "the sigmoid's",
            Self::Tanh { .. } => "those of tanh",
            Self::GaussianCdf => "the Gaussian distribution function's",
        }
    }

    /// Four times `A_0²`.
    pub(super) fn constant(&self) -> i64 {
        match self {
            Self::Sigmoid | Self::GaussianCdf => 1,
            Self::Tanh { .. } => 0,
        }
    }

    /// The largest index that the covariances up to a total take: their terms fall like `exp(−2π√n)` (sigmoid), `exp(−π√n)` (tanh) and `2^{−n}` times powers of `n` that rise with the total. What is left out is enclosed, whatever these numbers are.
    pub(super) fn largest_index(&self, total: usize) -> usize {
        match (self, total) {
            (Self::Tanh { .. }, 0..=2) => 200,
            (Self::Tanh { .. }, 3..=6) => 320,
            (Self::Tanh { .. }, 7..=10) => 400,
            (Self::Tanh { .. }, _) => 560,
            (_, 0..=10) => 130,
            _ => 200,
        }
    }

    /// `A_0, …, A_count−1`.
    pub(super) fn coefficients(&self, count: usize, precision: usize) -> Vec<Ball> {
        static KNOWN: Known<usize> = Mutex::new(BTreeMap::new());
        kept(&KNOWN, (self.clone(), count, precision), || match self.strip(precision) {
            Some(strip) => trapezoid::coefficients(&strip, count),
            None => gaussian_cdf::coefficients(count, precision),
        })
    }

    /// `Φ_{k,l}(1)` for the pairs asked for, of even sums, in their order.
    pub(super) fn covariances(&self, pairs: &[(usize, usize)], precision: usize) -> Vec<Ball> {
        static KNOWN: Known<Vec<(usize, usize)>> = Mutex::new(BTreeMap::new());
        kept(&KNOWN, (self.clone(), pairs.to_vec(), precision), || match self.strip(precision) {
            Some(strip) => trapezoid::covariances(&strip, pairs),
            None => gaussian_cdf::covariances(pairs, precision),
        })
    }

    fn strip(&self, precision: usize) -> Option<trapezoid::Strip> {
        match self {
            Self::Sigmoid => Some(sigmoid::strip(precision)),
            Self::Tanh { strip } => Some(tanh::strip(half_width(strip, precision))),
            Self::GaussianCdf => None,
        }
    }
}

/// Enclosures by router, what was asked for, and precision.
type Known<Asked> = Mutex<BTreeMap<(EnclosedRouter, Asked, usize), Vec<Ball>>>;

/// What is computed once: the certificates of a run, and their re-checks, ask for the same.
fn kept<Asked: Ord>(
    known: &Known<Asked>,
    key: (EnclosedRouter, Asked, usize),
    compute: impl FnOnce() -> Vec<Ball>,
) -> Vec<Ball> {
    if let Some(kept) = known.lock().ok().and_then(|known| known.get(&key).cloned()) {
        return kept;
    }
    let value = compute();
    if let Ok(mut known) = known.lock() {
        known.insert(key, value.clone());
    }
    value
}

fn half_width(strip: &RBig, precision: usize) -> Ball {
    Ball::rational(strip.numerator(), strip.denominator(), precision)
}

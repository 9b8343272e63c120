//! The certificate `hermite-coefficients`: floats beside the numbers that they stand for, with a relative error below one (zeros are within one of anything).
//!
//! For odd `n ≤ 40` the stated float is within the stated relative error of `A_n`. For `k + l ≤ total` even the polynomial with the stated Chebyshev coefficients `t_j` (in `s = 2ρ² − 1`, times `ρ` for even `k`, plus `A_0²` for `k = l = 0`) is within the
//! stated error, relative to `|Φ_kl(1)|`, of `Φ_kl(ρ)` for all `|ρ| ≤ 1`: with `c_i = A_{k+n} A_{l+n}/n!`, `n = 2i + e`, `e = (k+1) mod 2`, and `e_j = Σ_i c_i 2^{1−2i} C(2i, i−j)` (halved for `j = 0`) over
//! `l + n ≤ N`, `N = 130` for the sigmoid (200 for a total above 10), `|T_j| ≤ 1` gives the bound `Σ_j |t_j − e_j| + √(R_k R_l)`, and the remainder of the series is bounded by Cauchy-Schwarz with `R_k = E[(π^{(k)})²] − Σ A_{k+n}²/n!` over the same `n`.
//!
//! Odd `k + l` need no polynomial and have no line: `A_n = 0` for even `n ≥ 2`, and of `A_{k+n}`, `A_{l+n}` one has an even index, so all terms vanish but the first where `k = 0`: `Φ_{0,l} = A_0 A_l`.
//!
//! A certificate without a `router` line is about the sigmoid; the other routers' have one ([`EnclosedRouter`]), and tanh's a `strip` line, which is part of the claim: with poles in its strip it is refused.

use std::fmt::Write as _;

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer, ends};
use super::dyadic::Dyadic;
use super::recheck::{Accepted, PRECISIONS};
use super::router::EnclosedRouter;
use moe_kernels::Real;

/// Coefficients that are certified one by one.
const COEFFICIENTS: usize = 40;
/// Largest `k + l` that a certificate may ask for: `2p + 4` at `p = 6`.
const TOTALS: std::ops::RangeInclusive<usize> = 0..=16;

pub(super) struct Hermite {
    router: EnclosedRouter,
    precision: usize,
    total: usize,
    /// The relative error that is claimed.
    error: Dyadic,
    /// `A_n` for odd `n ≤ 40`, as floats.
    coefficients: Vec<Dyadic>,
    /// Chebyshev coefficients of each pair, as floats.
    tables: Vec<Vec<Dyadic>>,
}

/// A certificate of the claim that the floats `coefficient(n)` (odd `n ≤ 40`) and the polynomials with Chebyshev coefficients `table(k, l)` (`k ≤ l`, `k + l ≤ total ≤ 16` even) are within a relative `error` of `A_n` and
/// `Φ_{k,l}` of the router, the latter in units of `|Φ_{k,l}(1)|` and for all `|ρ| ≤ 1`. `None` where a number is not finite or out of range. Whether the claim is true, [`super::recheck`] decides.
pub fn hermite_certificate(
    router: EnclosedRouter,
    total: usize,
    precision: usize,
    error: f64,
    coefficient: impl Fn(usize) -> f64,
    table: impl Fn(usize, usize) -> Vec<f64>,
) -> Option<String> {
    if !TOTALS.contains(&total) || !PRECISIONS.contains(&precision) {
        return None;
    }
    let exact = |x: f64| Dyadic::from_f64(x);
    let hermite = Hermite {
        router,
        precision,
        total,
        error: exact(error)?,
        coefficients: odd().map(|n| exact(coefficient(n))).collect::<Option<_>>()?,
        tables: pairs(total).map(|(k, l)| table(k, l).into_iter().map(exact).collect()).collect::<Option<_>>()?,
    };
    let enclosures = hermite.enclosures();
    Some(hermite.text(&enclosures))
}

fn odd() -> impl Iterator<Item = usize> {
    (1..=COEFFICIENTS).step_by(2)
}

/// `(k, l)` with `k ≤ l` and `k + l ≤ total` even.
fn pairs(total: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..=total / 2).flat_map(|half| (0..=half).map(move |k| (k, 2 * half - k)))
}

/// Enclosures behind a certificate of coefficients.
struct Enclosures {
    /// `A_n`, odd `n ≤ 40`.
    coefficients: Vec<Ball>,
    /// For each pair `Φ_kl(1)` and a bound of the error of the polynomial.
    tables: Vec<[Ball; 2]>,
}

/// One of the numbers that the certificate states, against the truth.
struct Item {
    name: String,
    /// An enclosure of its relative error; from 0 up to a bound for a polynomial as a whole.
    relative: [f64; 2],
    within: bool,
}

impl Hermite {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CertificateError> {
        let router = EnclosedRouter::read(reader)?;
        let total = reader.integer("total", TOTALS, "total 0 … 16")?;
        let precision = reader.integer("precision", PRECISIONS, "precision 64 … 4096")?;
        let allowed = "relative-error NUMBER";
        let words = reader.words("relative-error", allowed)?;
        let error = reader.numbers(&words, allowed)?.pop().ok_or_else(|| reader.malformed(allowed))?;
        let mut coefficients = Vec::new();
        for n in odd() {
            let allowed = "coefficient N NUMBER enclosed by LOW HIGH";
            let words = reader.words(&format!("coefficient {n}"), allowed)?;
            coefficients.extend(reader.numbers(words.get(..1).unwrap_or_default(), allowed)?);
        }
        let mut tables = Vec::new();
        for (k, l) in pairs(total) {
            let allowed = "covariance K L NUMBERS at most 64";
            let words = reader.words(&format!("covariance {k} {l}"), allowed)?;
            if words.len() > 64 {
                return Err(reader.malformed(allowed));
            }
            tables.push(reader.numbers(&words, allowed)?);
            reader.words("scale", "scale LOW HIGH error LOW HIGH")?;
        }
        reader.rest(&[], "checksum SUM and the end")?;
        Ok(Self { router, precision, total, error, coefficients, tables })
    }

    fn enclosures(&self) -> Enclosures {
        let largest = self.router.largest_index(self.total);
        let a = self.router.coefficients(largest + 1, self.precision);
        let asked: Vec<(usize, usize)> = pairs(self.total).chain((0..=self.total).map(|k| (k, k))).collect();
        let phi = self.router.covariances(&asked, self.precision);
        let squares = &phi[self.tables.len()..];
        let integer = |n: usize| Ball::integer(n as i64, self.precision);
        let mut factorials = vec![integer(1)];
        for n in 1..=largest {
            factorials.push(factorials[n - 1].clone() * integer(n));
        }
        // C(2i, i−j), j = 0 … i, row by row from C(2i, i) downwards.
        let row = |i: usize| {
            let mut binomials = vec![factorials[2 * i].clone() / (factorials[i].clone() * &factorials[i])];
            for j in 0..i {
                binomials.push(binomials[j].clone() * integer(i - j) / integer(i + j + 1));
            }
            binomials
        };
        let binomials: Vec<Vec<Ball>> = (0..=largest / 2).map(row).collect();
        let half = integer(1).ratio(1, 2);
        let table = |((k, l), coefficients): ((usize, usize), &Vec<Dyadic>)| {
            let last = largest - l;
            let e = (k + 1) % 2;
            let mut exact = vec![integer(0); coefficients.len().max(last / 2 + 1)];
            for i in 0..=(last - e) / 2 {
                let n = 2 * i + e;
                let c = a[k + n].clone() * &a[l + n] / &factorials[n];
                let scaled = c * half.powi(2 * i as u32) * integer(2);
                for (j, binomial) in binomials[i].iter().enumerate() {
                    let term = scaled.clone() * binomial;
                    exact[j] = exact[j].clone() + if j == 0 { term * &half } else { term };
                }
            }
            let mut error = integer(0);
            for (j, exact) in exact.into_iter().enumerate() {
                let stated = coefficients.get(j).cloned().unwrap_or_else(Dyadic::zero);
                error = error + (Ball::point(stated, self.precision) - exact).abs();
            }
            let rest = |k: usize| {
                let sum = (0..=last).fold(integer(0), |sum, n| sum + a[k + n].clone() * &a[k + n] / &factorials[n]);
                squares[k].clone() - sum
            };
            // Both are sums of squares, so not negative, whatever their enclosures say.
            error + rest(k).sqrt() * rest(l).sqrt()
        };
        let errors: Vec<Ball> = pairs(self.total).zip(&self.tables).map(table).collect();
        Enclosures {
            coefficients: odd().map(|n| a[n].clone()).collect(),
            tables: phi.into_iter().zip(errors).map(|(scale, error)| [scale, error]).collect(),
        }
    }

    fn text(&self, enclosures: &Enclosures) -> String {
        let mut writer = Writer::new("hermite-coefficients");
        self.router.write(&mut writer);
        writer.line(format_args!("total {}", self.total));
        writer.line(format_args!("precision {}", self.precision));
        writer.line(format_args!("relative-error {}", self.error));
        for ((n, value), enclosure) in odd().zip(&self.coefficients).zip(&enclosures.coefficients) {
            writer.line(format_args!("coefficient {n} {value} enclosed by {}", ends(enclosure)));
        }
        for (((k, l), coefficients), [scale, error]) in pairs(self.total).zip(&self.tables).zip(&enclosures.tables) {
            let numbers = coefficients.iter().fold(String::new(), |mut text, x| {
                let _ = write!(text, " {x}");
                text
            });
            writer.line(format_args!("covariance {k} {l}{numbers}"));
            writer.line(format_args!("scale {} error {}", ends(scale), ends(error)));
        }
        writer.finish()
    }

    pub(super) fn decide(&self) -> Result<(Accepted, String), CertificateError> {
        let stated = self.error.to_f64(true);
        // As it is printed, rounded up.
        if stated >= 1.0 {
            let claim = format!("a relative error of {stated:e} says nothing; it has to be below one");
            return Err(CertificateError::Unfounded { claim });
        }
        self.router.analytic(self.precision)?;
        let enclosures = self.enclosures();
        let allowed = Ball::point(self.error.clone(), self.precision);
        let item = |name: String, error: Ball, scale: Ball| Item {
            within: error.is_at_most(&(allowed.clone() * &scale)),
            relative: (error / &scale).outer().unwrap_or([0.0, f64::INFINITY]),
            name,
        };
        let mut items = Vec::new();
        for ((n, value), enclosure) in odd().zip(&self.coefficients).zip(&enclosures.coefficients) {
            let error = (Ball::point(value.clone(), self.precision) - enclosure).abs();
            items.push(item(format!("A_{n}"), error, enclosure.abs()));
        }
        // A bound that is too large does not make a claim about the polynomial false; a table that is wrong does so at ρ = 1, where all T_j are one.
        for (((k, l), coefficients), [scale, error]) in pairs(self.total).zip(&self.tables).zip(&enclosures.tables) {
            let at_one = coefficients
                .iter()
                .fold(Ball::integer(0, self.precision), |sum, x| sum + Ball::point(x.clone(), self.precision));
            let constant = if (k, l) == (0, 0) { at_one.ratio(self.router.constant(), 4) } else { at_one.ratio(0, 1) };
            items.push(item(format!("Φ_{k}{l}(1)"), (at_one + constant - scale).abs(), scale.abs()));
            let mut bound = item(format!("Φ_{k}{l}"), error.clone(), scale.abs());
            bound.relative[0] = 0.0;
            items.push(bound);
        }
        // Of the largest error.
        let end = |k: usize| items.iter().map(|item| item.relative[k]).fold(0.0, f64::max);
        let (interval, accept) = ([end(0), end(1)], [0.0, stated]);
        let missed = || items.iter().filter(|item| !item.within);
        let furthest = |k: usize| missed().max_by(|a, b| a.relative[k].total_cmp(&b.relative[k]));
        let refuted = furthest(0).is_some_and(|item| item.relative[0] > accept[1]);
        if let Some(Item { name, relative: [low, high], .. }) = furthest(usize::from(!refuted)) {
            return Err(CertificateError::Outside {
                claim: format!("{name} within a relative error of {stated:e}; it lies in [{low:e}, {high:e}]"),
                item: name.clone(),
                interval,
                accept,
                refuted,
            });
        }
        let accepted = Accepted {
            claim: format!(
                "the floats stated in it for A_n, odd n ≤ {COEFFICIENTS}, and, as Chebyshev coefficients, for Φ_kl on [−1, 1], even k + l ≤ {}, are within a relative error of {stated:e} of {} (Φ_kl in units of |Φ_kl(1)|)",
                self.total,
                self.router.name()
            ),
            interval,
            accept,
            identity: false,
        };
        Ok((accepted, self.text(&enclosures)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::recheck;
    use super::*;
    use dashu_ratio::RBig;
    use moe_kernels::{CovarianceTable, Router};

    fn tanh(numerator: i32, denominator: u32) -> EnclosedRouter {
        EnclosedRouter::Tanh { strip: RBig::from_parts(numerator.into(), denominator.into()) }
    }

    /// A certificate of the kernels' numbers, but for one coefficient and for Φ_11, which are off by these parts of them.
    fn certificate(of: Router, router: EnclosedRouter, precision: usize, [n, by, moved]: [f64; 3]) -> String {
        let a = of.hermite();
        let table = CovarianceTable::new(of, 2);
        let coefficient = |m: usize| a.value(m) * if m == n as usize { 1.0 + by } else { 1.0 };
        let text = hermite_certificate(router, 2, precision, 5e-14, coefficient, |k, l| {
            let mut chebyshev = table.chebyshev(k, l).to_vec();
            chebyshev[0] += if (k, l) == (1, 1) { moved * table.value(1, 1, 1.0) } else { 0.0 };
            chebyshev
        });
        text.unwrap()
    }

    /// Of a table that is right but for one number, that number is what is refused, with the enclosure of its error and the region that was claimed.
    #[test]
    fn what_is_altered_is_what_is_refused() {
        for (of, router, precision, claimed) in [
            (Router::Sigmoid, EnclosedRouter::Sigmoid, 128, "the sigmoid's"),
            (Router::Tanh, tanh(3, 2), 384, "those of tanh"),
            (Router::GaussianCdf, EnclosedRouter::GaussianCdf, 256, "the Gaussian distribution function's"),
        ] {
            let of = |altered: [f64; 3]| recheck(&certificate(of, router.clone(), precision, altered));
            let accepted = of([0.0; 3]).unwrap();
            assert!(accepted.interval[1] < accepted.accept[1]);
            for words in ["stated in it", "odd n ≤ 40", "even k + l ≤ 2,", claimed] {
                assert!(accepted.claim.contains(words), "{}", accepted.claim);
            }
            for (altered, name) in
                [([7.0, 1e-12, 0.0], "A_7"), ([21.0, -1e-12, 0.0], "A_21"), ([0.0, 0.0, 1e-12], "Φ_11(1)")]
            {
                let Err(CertificateError::Outside { item, interval, accept, refuted: true, .. }) = of(altered) else {
                    panic!("{:?}", of(altered))
                };
                assert_eq!((item.as_str(), accept), (name, [0.0, 5e-14]));
                assert!(0.98e-12 < interval[0] && interval[1] < 1.02e-12, "{interval:?}");
            }
        }
    }

    /// The numbers are right and the strip is not: poles at ±iπ/2 lie in it. What is no strip at all, and a router that has no line, are no certificates.
    #[test]
    fn a_strip_with_poles_in_it_is_refused() {
        let of = |router| recheck(&certificate(Router::Tanh, router, 384, [0.0; 3]));
        assert!(of(tanh(157, 100)).is_ok());
        for wide in [tanh(158, 100), tanh(8, 5), tanh(3, 1)] {
            let refused = of(wide);
            let Err(CertificateError::Outside { claim, item, accept, refuted: true, .. }) = &refused else {
                panic!("{refused:?}")
            };
            assert!(item == "strip" && claim.contains("±iπ/2"), "{claim}");
            assert!(accept[1] <= std::f64::consts::FRAC_PI_2);
        }
        let whole = certificate(Router::Tanh, tanh(3, 2), 384, [0.0; 3]);
        for (from, to) in
            [("strip 3/2", "strip 1/2"), ("strip 3/2", "strip 6/4"), ("router tanh\nstrip 3/2", "router sigmoid")]
        {
            let refused = recheck(&whole.replace(from, to));
            assert!(matches!(refused, Err(CertificateError::Malformed { .. })), "{to}: {refused:?}");
        }
    }
}

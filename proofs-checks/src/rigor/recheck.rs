//! Certificates made and re-checked: everything a claim needs is recomputed in enclosures from the few numbers that the certificate states as data.
//!
//! # `teacher-spectrum`
//!
//! At the teacher, `m = m*`, the residual vanishes, so the Hessian of `L` is `δ ↦ E[(Σ_i δf_i)²]` with `δf_i = π'(v·x)(δv·x) He_p(w·x) + π(v·x) p He_{p−1}(w·x)(δw·x)`, `δv ⟂ v`, `δw ⟂ w`. Let `p ≥ 3`,
//! the `2m*` vectors orthonormal, `d ≥ 2m*`.
//!
//! *Different pairs do not interact.* `δf_i` is of degree at most one in `w_k·x` (through `δv·x` or `δw·x`), `δf_k` has only Hermite components of degree `p − 1 ≥ 2` and more in `w_k·x` (`He_p` and
//! `He_{p−1}`, and `z He_p = He_{p+1} + p He_{p−1}`; where `δw_k·x` multiplies it is another coordinate). The other factors do not contain `w_k·x`, coordinates are independent: the expectation is zero.
//!
//! *Within a pair* put `δv = a + αw`, `δw = b + γv`, with `a, b` orthogonal to `v` and `w`. With `Z He_p` as above, `E[He_p²] = p!`, and Gaussian integration by parts for `z² π²` and `z π π'`:
//!
//! ```text
//! a a:  p! Φ_11(1) |a|²                  b b:  p·p! Φ_00(1) |b|²               a b:  contains E[He_p He_{p−1}] = 0
//! α α:  E[π'²] E[Z² He_p²] = (2p+1) p! Φ_11(1)
//! γ γ:  E[z² π²] p² E[He_{p−1}²] = p·p! (Φ_00 + 2Φ_11 + 2Φ_02)(1)
//! α γ:  E[z π π'] p E[Z He_p He_{p−1}] = p·p! (Φ_11 + Φ_02)(1)                 a, b with α, γ: odd in the coordinate of a or b, zero
//! ```
//!
//! So the eigenvalues are `p! Φ_11` and `p·p! Φ_00`, each `m*(d−2)` times (`a` and `b` range over `d − 2` dimensions), and the two of the plane, each `m*` times; in all `2m*(d−1)`, the dimension of the
//! product of spheres. Neither `m*` nor `d` enters. `Φ_kl(1) = E[π^{(k)} π^{(l)}]` is enclosed directly.
//!
//! # `hermite-coefficients`
//!
//! For odd `n ≤ 40` the stated float is within the stated relative error of `A_n`. For `k + l ≤ total` even the polynomial with the stated Chebyshev coefficients `t_j` (in `s = 2ρ² − 1`, times `ρ` for even `k`, plus `A_0²` for `k = l = 0`) is within the
//! stated error, relative to `|Φ_kl(1)|`, of `Φ_kl(ρ)` for all `|ρ| ≤ 1`: with `c_i = A_{k+n} A_{l+n}/n!`, `n = 2i + e`, `e = (k+1) mod 2`, and `e_j = Σ_i c_i 2^{1−2i} C(2i, i−j)` (halved for `j = 0`) over
//! `l + n ≤ 130`, `|T_j| ≤ 1` gives the bound `Σ_j |t_j − e_j| + √(R_k R_l)`, and the remainder of the series is bounded by Cauchy-Schwarz with `R_k = E[(π^{(k)})²] − Σ A_{k+n}²/n!` over the same `n`.

use std::fmt::Write as _;

use super::ball::{Ball, Dyadic};
use super::certificate::{CertificateError, Reader, Writer, compare, ends};
use super::sigmoid::{coefficients, covariances};
use moe_kernels::Real;

/// A certificate that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// What is proved, in words.
    pub claim: String,
    /// An interval that contains the quantity in question.
    pub interval: [f64; 2],
    /// The region that the claim states for it.
    pub accept: [f64; 2],
}

/// Bits of all enclosures.
const PRECISIONS: std::ops::RangeInclusive<usize> = 64..=4096;

/// Re-checks a certificate from its text alone: reads the data, recomputes every enclosure, decides the claim, and compares the text with the one that the data give, to the
/// last character.
///
/// # Errors
/// [`CertificateError::False`] where the claim about these data is false, [`CertificateError::Undecided`] where the enclosures are too wide,
/// [`CertificateError::Malformed`] and [`CertificateError::Altered`] where the text is not a certificate as it was made.
pub fn recheck(text: &str) -> Result<Accepted, CertificateError> {
    let mut reader = Reader::new(text)?;
    let allowed = "claim teacher-spectrum | claim hermite-coefficients";
    let (accepted, recomputed) = match reader.words("claim", allowed)?[..] {
        ["teacher-spectrum"] => Spectrum::read(&mut reader)?.decide()?,
        ["hermite-coefficients"] => Hermite::read(&mut reader)?.decide()?,
        _ => return Err(reader.malformed(allowed)),
    };
    compare(text, &recomputed)?;
    Ok(accepted)
}

/// Names of the eigenvalues, in the order of the certificate.
const EIGENVALUES: [&str; 4] = ["router", "expert", "plane-low", "plane-high"];

struct Spectrum {
    order: usize,
    precision: usize,
    /// The interval claimed for each eigenvalue.
    claimed: Vec<[Dyadic; 2]>,
}

/// A certificate of the claim that the four eigenvalues of the Hessian at the teacher (router, expert, and the two of the plane, ascending; [`recheck`] has the proof) lie in these closed intervals and
/// that the router's is the smallest, for `He_order` experts, `3 ≤ order ≤ 6`. `None` where a number is not finite or the order not allowed. Whether the claim is true, [`recheck`] decides.
pub fn spectrum_certificate(order: usize, precision: usize, claimed: [[f64; 2]; 4]) -> Option<String> {
    let exact = |[low, high]: [f64; 2]| Some([Dyadic::from_f64(low)?, Dyadic::from_f64(high)?]);
    let claimed = claimed.into_iter().map(exact).collect::<Option<Vec<_>>>()?;
    let allowed = (3..=6).contains(&order) && PRECISIONS.contains(&precision);
    allowed.then(|| Spectrum { order, precision, claimed }).map(|spectrum| spectrum.text(&spectrum.eigenvalues()))
}

impl Spectrum {
    fn read(reader: &mut Reader<'_>) -> Result<Self, CertificateError> {
        let order = reader.integer("order", 3..=6, "order 3 … 6")?;
        let precision = reader.integer("precision", PRECISIONS, "precision 64 … 4096")?;
        let mut claimed = Vec::new();
        for name in EIGENVALUES {
            let allowed = "eigenvalue NAME in LOW HIGH, enclosed by LOW HIGH";
            let words = reader.words(&format!("eigenvalue {name} in"), allowed)?;
            let ends = reader.numbers(words.get(..2).unwrap_or_default(), allowed)?;
            let ends: [Dyadic; 2] = ends.try_into().map_err(|_| reader.malformed(allowed))?;
            claimed.push(ends);
        }
        Ok(Self { order, precision, claimed })
    }

    /// Enclosures of the four eigenvalues.
    fn eigenvalues(&self) -> [Ball; 4] {
        let [phi00, phi11, phi02]: [Ball; 3] = covariances(&[(0, 0), (1, 1), (0, 2)], self.precision)
            .try_into()
            .unwrap_or_else(|_| unreachable!("three pairs"));
        let integer = |n: i64| Ball::integer(n, self.precision);
        let p = self.order as i64;
        let factorial = integer((1..=p).product());
        let router = factorial.clone() * &phi11;
        let expert = factorial.clone() * integer(p) * &phi00;
        let a = factorial.clone() * integer(2 * p + 1) * &phi11;
        let b = factorial.clone() * integer(p) * (phi11.clone() + &phi02);
        let c = factorial * integer(p) * (phi00 + integer(2) * (phi11 + phi02));
        // λ = (a + c ± √((a − c)² + 4b²))/2.
        let difference = a.clone() - &c;
        let root = (difference.clone() * &difference + integer(4) * b.clone() * &b).sqrt();
        let half = integer(1).ratio(1, 2);
        let (low, high) = ((a.clone() + &c - &root) * &half, (a + c + root) * half);
        [router, expert, low, high]
    }

    fn text(&self, eigenvalues: &[Ball; 4]) -> String {
        let mut writer = Writer::new("teacher-spectrum");
        writer.line(format_args!("order {}", self.order));
        writer.line(format_args!("precision {}", self.precision));
        for ((name, [low, high]), enclosure) in EIGENVALUES.iter().zip(&self.claimed).zip(eigenvalues) {
            writer.line(format_args!("eigenvalue {name} in {low} {high} enclosed by {}", ends(enclosure)));
        }
        writer.line(format_args!("smallest router"));
        writer.finish()
    }

    fn decide(&self) -> Result<(Accepted, String), CertificateError> {
        let eigenvalues = self.eigenvalues();
        for ((name, [low, high]), enclosure) in EIGENVALUES.iter().zip(&self.claimed).zip(&eigenvalues) {
            let [from, to] = enclosure.outer().unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
            let claim = || {
                let claimed = [low.to_f64(false), high.to_f64(true)];
                format!("eigenvalue {name} in [{:?}, {:?}]; it lies in [{from:?}, {to:?}]", claimed[0], claimed[1])
            };
            match enclosure.is_in(low, high) {
                Some(true) => {}
                Some(false) => return Err(CertificateError::False { claim: claim() }),
                None => return Err(CertificateError::Undecided { claim: claim() }),
            }
        }
        let claim = || "the router's eigenvalue is the smallest".to_string();
        if !eigenvalues[1..].iter().all(|other| eigenvalues[0].is_at_most(other)) {
            let larger = eigenvalues[1..].iter().any(|other| other.is_at_most(&eigenvalues[0]));
            return Err(if larger {
                CertificateError::False { claim: claim() }
            } else {
                CertificateError::Undecided { claim: claim() }
            });
        }
        let undecided = || CertificateError::Undecided { claim: claim() };
        let [low, high] = &self.claimed[0];
        let accepted = Accepted {
            claim: format!(
                "for He_{} experts the Hessian at an orthonormal teacher has, for every m = m* and d ≥ 2m*, the four eigenvalues of the certificate, the router's the smallest",
                self.order
            ),
            interval: eigenvalues[0].outer().ok_or_else(undecided)?,
            accept: [low.to_f64(false), high.to_f64(true)],
        };
        Ok((accepted, self.text(&eigenvalues)))
    }
}

/// Coefficients that are certified one by one, and the largest index that the covariances take.
const COEFFICIENTS: usize = 40;
const LARGEST_INDEX: usize = 130;
/// Largest `k + l` that a certificate may ask for: `2p + 4` at `p = 3`.
const TOTALS: std::ops::RangeInclusive<usize> = 0..=10;

struct Hermite {
    precision: usize,
    total: usize,
    /// The relative error that is claimed.
    error: Dyadic,
    /// `A_n` for odd `n ≤ 40`, as floats.
    coefficients: Vec<Dyadic>,
    /// Chebyshev coefficients of each pair, as floats.
    tables: Vec<Vec<Dyadic>>,
}

/// A certificate of the claim that the floats `coefficient(n)` (odd `n ≤ 40`) and the polynomials with Chebyshev coefficients `table(k, l)` (`k ≤ l`, `k + l ≤ total ≤ 10` even) are within a relative `error` of `A_n` and
/// `Φ_{k,l}` of the sigmoid, the latter in units of `|Φ_{k,l}(1)|` and for all `|ρ| ≤ 1`. `None` where a number is not finite or out of range. Whether the claim is true, [`recheck`] decides.
pub fn hermite_certificate(
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

impl Hermite {
    fn read(reader: &mut Reader<'_>) -> Result<Self, CertificateError> {
        let total = reader.integer("total", TOTALS, "total 0 … 10")?;
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
        Ok(Self { precision, total, error, coefficients, tables })
    }

    fn enclosures(&self) -> Enclosures {
        let a = coefficients(LARGEST_INDEX + 1, self.precision);
        let asked: Vec<(usize, usize)> = pairs(self.total).chain((0..=self.total).map(|k| (k, k))).collect();
        let phi = covariances(&asked, self.precision);
        let squares = &phi[self.tables.len()..];
        let integer = |n: usize| Ball::integer(n as i64, self.precision);
        let mut factorials = vec![integer(1)];
        for n in 1..=LARGEST_INDEX {
            factorials.push(factorials[n - 1].clone() * integer(n));
        }
        let table = |((k, l), coefficients): ((usize, usize), &Vec<Dyadic>)| {
            let last = LARGEST_INDEX - l;
            let e = (k + 1) % 2;
            // C(2i, i−j) 2^{1−2i}, j = 0 … i, row by row from C(2i, i) downwards.
            let mut exact = vec![integer(0); coefficients.len().max(last / 2 + 1)];
            for i in 0..=(last - e) / 2 {
                let n = 2 * i + e;
                let c = a[k + n].clone() * &a[l + n] / &factorials[n];
                let scale = integer(1).ratio(1, 2).powi(2 * i as u32) * integer(2);
                let mut binomial = factorials[2 * i].clone() / (factorials[i].clone() * &factorials[i]);
                for j in 0..=i {
                    let halved = if j == 0 { integer(1).ratio(1, 2) } else { integer(1) };
                    exact[j] = exact[j].clone() + c.clone() * &scale * &binomial * halved;
                    binomial = binomial * integer(i - j) / integer(i + j + 1);
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

    fn decide(&self) -> Result<(Accepted, String), CertificateError> {
        let enclosures = self.enclosures();
        let allowed = Ball::point(self.error.clone(), self.precision);
        let mut largest = 0.0_f64;
        let mut claim = |name: String, error: Ball, scale: Ball| {
            let allowed = allowed.clone() * &scale;
            let relative = (error.clone() / &scale).outer().unwrap_or([0.0, f64::INFINITY]);
            let claim = || {
                format!("{name} within the stated relative error; it lies in [{:e}, {:e}]", relative[0], relative[1])
            };
            largest = largest.max(relative[1]);
            if error.is_at_most(&allowed) {
                Ok(())
            } else if allowed.is_at_most(&error) {
                Err(CertificateError::False { claim: claim() })
            } else {
                Err(CertificateError::Undecided { claim: claim() })
            }
        };
        for ((n, value), enclosure) in odd().zip(&self.coefficients).zip(&enclosures.coefficients) {
            let error = (Ball::point(value.clone(), self.precision) - enclosure).abs();
            claim(format!("A_{n}"), error, enclosure.abs())?;
        }
        // A bound that is too large does not make a claim about the polynomial false; a table that is wrong does so at ρ = 1, where all T_j are one.
        for (((k, l), coefficients), [scale, error]) in pairs(self.total).zip(&self.tables).zip(&enclosures.tables) {
            let at_one = coefficients
                .iter()
                .fold(Ball::integer(0, self.precision), |sum, x| sum + Ball::point(x.clone(), self.precision));
            let constant = if (k, l) == (0, 0) { at_one.ratio(1, 4) } else { at_one.ratio(0, 1) };
            claim(format!("Φ_{k}{l}(1)"), (at_one + constant - scale).abs(), scale.abs())?;
            let undecided = |error| match error {
                CertificateError::False { claim } => CertificateError::Undecided { claim },
                other => other,
            };
            claim(format!("Φ_{k}{l}"), error.clone(), scale.abs()).map_err(undecided)?;
        }
        let accepted = Accepted {
            claim: format!(
                "the floats of A_n, n ≤ {COEFFICIENTS}, and of Φ_kl on [−1, 1], k + l ≤ {}, are within the stated relative error of the sigmoid's",
                self.total
            ),
            interval: [0.0, largest],
            accept: [0.0, self.error.to_f64(true)],
        };
        Ok((accepted, self.text(&enclosures)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// Precision that cannot decide is no refutation.
    #[test]
    fn too_narrow_a_claim_is_not_decided() {
        let at = 0.269017448101_f64;
        let exact = recheck(&spectrum()).unwrap().interval;
        assert!(exact[0] < exact[1] && (exact[0] - at).abs() < 1e-9);
        let mut claimed = TRUE;
        claimed[0] = [exact[0], exact[0]];
        assert!(recheck(&spectrum_certificate(3, 192, claimed).unwrap()).is_err());
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
}

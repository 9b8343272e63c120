//! The certificate `teacher-spectrum`: the Hessian at the teacher.
//!
//! Let `x ~ N(0, I_d)`, `π` be the sigmoid, and the students' raw norms be 1. At the teacher, `m = m*`, the residual vanishes, so the Riemannian Hessian of `L = ½E(f − f*)²` is `δ ↦ E[(Σ_i δf_i)²]`
//! with `δf_i = π'(v·x)(δv·x) He_p(w·x) + π(v·x) p He_{p−1}(w·x)(δw·x)`, `δv ⟂ v`, `δw ⟂ w`. Let `p ≥ 3`, the `2m*` vectors orthonormal, `d ≥ 2m*`.
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

use super::ball::Ball;
use super::certificate::{CertificateError, Reader, Writer, ends};
use super::dyadic::Dyadic;
use super::recheck::{Accepted, PRECISIONS};
use super::router::EnclosedRouter;
use moe_kernels::Real;

/// Names of the eigenvalues, in the order of the certificate.
const EIGENVALUES: [&str; 4] = ["router", "expert", "plane-low", "plane-high"];

pub(super) struct Spectrum {
    order: usize,
    precision: usize,
    /// The interval claimed for each eigenvalue.
    claimed: Vec<[Dyadic; 2]>,
}

/// A certificate of the claim that the four eigenvalues of the Hessian at the teacher (router, expert, and the two of the plane, ascending; [`super::recheck`] has the proof) lie in these closed intervals and
/// that the router's is the smallest, for `He_order` experts, `3 ≤ order ≤ 6`. `None` where a number is not finite or the order not allowed. Whether the claim is true, [`super::recheck`] decides.
pub fn spectrum_certificate(order: usize, precision: usize, claimed: [[f64; 2]; 4]) -> Option<String> {
    let exact = |[low, high]: [f64; 2]| Some([Dyadic::from_f64(low)?, Dyadic::from_f64(high)?]);
    let claimed = claimed.into_iter().map(exact).collect::<Option<Vec<_>>>()?;
    let allowed = (3..=6).contains(&order) && PRECISIONS.contains(&precision);
    allowed.then(|| Spectrum { order, precision, claimed }).map(|spectrum| spectrum.text(&spectrum.eigenvalues()))
}

impl Spectrum {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CertificateError> {
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
        reader.rest(&["smallest"], "smallest router, checksum SUM and the end")?;
        Ok(Self { order, precision, claimed })
    }

    /// Enclosures of the four eigenvalues.
    fn eigenvalues(&self) -> [Ball; 4] {
        let [phi00, phi11, phi02]: [Ball; 3] = EnclosedRouter::Sigmoid
            .covariances(&[(0, 0), (1, 1), (0, 2)], self.precision)
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

    pub(super) fn decide(&self) -> Result<(Accepted, String), CertificateError> {
        let eigenvalues = self.eigenvalues();
        // Rounded outwards.
        let interval = |[low, high]: &[Dyadic; 2]| format!("[{:?}, {:?}]", low.to_f64(false), high.to_f64(true));
        for ((name, claimed), enclosure) in EIGENVALUES.iter().zip(&self.claimed).zip(&eigenvalues) {
            let [low, high] = claimed;
            if !(low.to_f64(false).is_finite() && high.to_f64(true).is_finite()) {
                let claim = format!(
                    "the interval {} of eigenvalue {name} says nothing; finite ends are needed",
                    interval(claimed)
                );
                return Err(CertificateError::Unfounded { claim });
            }
            let [from, to] = enclosure.outer().unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
            let claim = || format!("eigenvalue {name} in {}; it lies in [{from:?}, {to:?}]", interval(claimed));
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
        let named = |k: usize| format!("{} in {}", EIGENVALUES[k], interval(&self.claimed[k]));
        let accepted = Accepted {
            claim: format!(
                "for x ~ N(0, I_d), sigmoid routers, He_{} experts and students of raw norms 1 the Riemannian Hessian of L = ½E(f − f*)² at an orthonormal teacher has, for every m = m* and every d ≥ max(2m*, 3), \
                 the eigenvalues {} and {}, each m*(d−2) times, {} and {}, each m* times, and no other, the router's the smallest",
                self.order,
                named(0),
                named(1),
                named(2),
                named(3)
            ),
            interval: eigenvalues[0].outer().ok_or_else(undecided)?,
            accept: [low.to_f64(false), high.to_f64(true)],
            identity: false,
        };
        Ok((accepted, self.text(&eigenvalues)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A claim whose end lies inside the enclosure is neither true nor false at this precision.
    #[test]
    fn too_narrow_a_claim_is_not_decided() {
        let whole = [Dyadic::zero(), Dyadic::new(8.into(), 0)];
        let mut spectrum = Spectrum { order: 3, precision: 64, claimed: vec![whole; 4] };
        assert!(spectrum.decide().is_ok());
        let [router, ..] = spectrum.eigenvalues();
        let [low, high] = router.ends().unwrap();
        let middle = (low + high).shifted(-1);
        assert!(low < &middle && &middle < high);
        spectrum.claimed[0] = [middle, high.clone()];
        assert!(matches!(spectrum.decide(), Err(CertificateError::Undecided { .. })));
    }
}

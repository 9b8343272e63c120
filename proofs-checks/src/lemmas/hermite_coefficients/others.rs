//! The same numbers of the other two routers: tanh by the trapezoid rule in a narrower strip, the Gaussian distribution function by closed forms ([`crate::rigor`] has the proofs).
//!
//! Each is a finding with a certificate, so exact, and with twins: `A_3` off and `Φ_11` off as for the sigmoid, and for tanh right numbers with the remainder of a strip of half width 8/5, beyond the poles at `±iπ/2`.
//! The series of tanh falls like `e^{−π√n}` instead of `e^{−2π√n}`: it takes 200 (`k + l ≤ 2`) to 560 terms. In the recurrence of `He_n` an interval's width grows like `|He_n(iz)|`, about `√n! e^{z√n − z²/4}`, so under the weight by
//! `e^{z√n − 3z²/4} ≤ e^{n/3}`: up to 270 bits are lost, which its certificates have beyond those that the run asks for.

use dashu_ratio::RBig;
use moe_kernels::Router;
use serde_json::json;

use super::{MOVED, Numbers, refused_for};
use crate::rigor::EnclosedRouter;
use crate::{Control, Evidence, Finding};

/// Bits beyond those of the run, of tanh.
const MORE_BITS: usize = 288;
/// Bits of tanh's twins: what is this far off is refused with few.
const TWINS_BITS: usize = 256;

/// A certificate that is asked for.
#[derive(Clone, Copy)]
pub(super) struct Question {
    router: Router,
    numbers: Numbers,
    /// Half width of tanh's strip: numerator and denominator.
    strip: [u32; 2],
}

const STRIP: [u32; 2] = [3, 2];
const TOO_WIDE: [u32; 2] = [8, 5];

/// Of each router the claim, then its twins.
pub(super) fn questions() -> Vec<Question> {
    let all = |router: Router| {
        [Numbers::Kernels, Numbers::Coefficient, Numbers::Table].map(|numbers| Question {
            router,
            numbers,
            strip: STRIP,
        })
    };
    let wide = Question { router: Router::Tanh, numbers: Numbers::Kernels, strip: TOO_WIDE };
    [&all(Router::Tanh)[..], &[wide], &all(Router::GaussianCdf)].concat()
}

impl Question {
    fn is_twin(&self) -> bool {
        self.numbers != Numbers::Kernels || self.strip == TOO_WIDE
    }

    /// Twins take the smallest table that has what is altered.
    fn total(&self, asked: usize) -> usize {
        match self.numbers {
            Numbers::Table => MOVED[0] + MOVED[1],
            _ if self.is_twin() => 0,
            _ => asked,
        }
    }

    pub(super) fn certificate(&self, total: usize, precision: usize, claimed: f64) -> Option<String> {
        let [numerator, denominator] = self.strip;
        let (enclosed, precision) = match self.router {
            Router::Sigmoid => (EnclosedRouter::Sigmoid, precision),
            Router::Tanh => {
                let strip = RBig::from_parts(numerator.into(), denominator.into());
                (EnclosedRouter::Tanh { strip }, if self.is_twin() { TWINS_BITS } else { precision + MORE_BITS })
            }
            Router::GaussianCdf => (EnclosedRouter::GaussianCdf, precision),
        };
        self.numbers.certificate(self.router, enclosed, self.total(total), precision, claimed)
    }

    fn twin(&self, certificate: Option<String>, claimed: f64) -> Control {
        let (altered, what) = match self.numbers {
            Numbers::Kernels => ("strip", "the remainder of the strip |Im z| ≤ 8/5, which holds poles".to_string()),
            numbers => {
                let item = numbers.altered().trim_end_matches("(1)");
                (numbers.altered(), format!("{item} off by a relative twenty times the claimed error (10⁻¹⁴ at least)"))
            }
        };
        let statement = format!("{what} is refused (coefficients and Φ_kl with even k + l ≤ {})", self.total(0));
        let evidence = Evidence::certificate(format!("the same of what is altered: at most {claimed:e}"), certificate);
        Control::new(statement, refused_for(altered, evidence))
    }
}

/// A finding a router, from the certificates in the order of the questions.
pub(super) fn findings(
    questions: &[Question],
    certificates: Vec<Option<String>>,
    total: usize,
    claimed: f64,
) -> Vec<Finding> {
    let mut answered: Vec<(&Question, Option<String>)> = questions.iter().zip(certificates).collect();
    [(Router::Tanh, "tanh"), (Router::GaussianCdf, "Gaussian CDF")]
        .into_iter()
        .map(|(router, name)| {
            let own = answered.extract_if(.., |(question, _)| question.router == router);
            let (twins, claim): (Vec<_>, Vec<_>) = own.partition(|(question, _)| question.is_twin());
            let statement = format!(
                "{name} router: the floats that stand for A_1 … A_40 and, even k + l ≤ {total}, for Φ_kl on [−1, 1] lie within a relative error of {claimed:e} of the true values (Φ_kl in units of |Φ_kl(1)|)"
            );
            let items: Vec<Evidence> =
                claim.into_iter().map(|(_, certificate)| Evidence::certificate(statement.clone(), certificate)).collect();
            let controls: Vec<Control> =
                twins.into_iter().map(|(question, certificate)| question.twin(certificate, claimed)).collect();
            Finding::judged(format!("the numbers of the {name} router"), statement, &items, &controls, json!(null))
        })
        .collect()
}

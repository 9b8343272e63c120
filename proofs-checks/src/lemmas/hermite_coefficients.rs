//! `hermite-coefficients`: are the numbers that everything else is computed from what they are taken for?
//!
//! # The claim
//!
//! `A_n = E[π(Z) He_n(Z)]` and `Φ_{k,l}(ρ) = Σ_n ρⁿ/n! A_{k+n} A_{l+n}` of the sigmoid enter every population quantity as floats: `A_n` rounded, `Φ_{k,l}` for even `k + l` as a polynomial of eleven (`Φ_00`) to twenty (`k + l = 10`; 25 at 16)
//! Chebyshev coefficients. The claim is a relative error of at most `5·10⁻¹⁴` (the run may ask for another), so that an enclosure of relative width `10⁻¹³` with the float in its middle holds the truth; the
//! kernels promise `10⁻¹⁴`. The proof is in [`crate::rigor`]: the trapezoid rule with its remainder, in intervals of arbitrary precision.
//!
//! What is certified is the polynomial with the stated Chebyshev coefficients, as a function on `[−1, 1]`. The roundings of its evaluation, and of its expansion in powers that the vector kernel takes, are not part
//! of the claim (they are tested, to `10⁻¹⁴`, in `kernels`). Covariances with odd `k + l` are no polynomials and not in the certificate: they are `½A_l` for `k = 0` and zero for `k, l ≥ 1`, exactly so in floats, with the error of `A_l`.
//!
//! The controls are the same certificate with one coefficient, and with one covariance, moved by a relative `10⁻¹²`: the first Chebyshev coefficient of `Φ_11`, by `20·5·10⁻¹⁴` of `Φ_11(1)`. The coefficients `A_n` stay as they are then, so that only the part of the proof that is about tables can refuse it.
//! A control is rejected only where the item that was altered is the one that is refused, as the furthest off.
//!
//! The numbers of the other two routers are findings, with certificates of their own: [`others`].

use moe_kernels::{CovarianceTable, Router};

use crate::rigor::{EnclosedRouter, hermite_certificate};
use crate::{CheckError, Column, Control, Evidence, Figure, Findings, Label, Lemma, Parameter, Run, Scale, Table};

mod others;

/// The lemma's row in the registry.
pub(crate) const LEMMA: Lemma = Lemma {
    id: "hermite-coefficients",
    paper: "2510.07205",
    claim: "The floats that stand for the sigmoid's Hermite coefficients A_0 … A_40 and for its covariances Φ_kl on [−1, 1], even k + l, lie within the relative error of the run (5e-14 unless set) of the \
            true values (Φ_kl in units of |Φ_kl(1)|).",
    scope: "Sigmoid router; Φ_kl with even k + l up to the total of the run (10: all that losses, gradients and Hessians of third Hermite experts use; 16: of all orders up to 6), as polynomials in Chebyshev form with the stated coefficients \
            (their expansion in powers for the vector kernel, and roundings of an evaluation, are tested and not certified); \
            A_0 = 1/2 and A_n = 0 for even n ≥ 2 hold by symmetry, and with them Φ_kl for odd k + l: A_l/2 for k = 0, else 0. Findings: the same of the Gaussian CDF, where this symmetry holds too, and of tanh, where A_0 = 0 and all Φ_kl with odd k + l vanish.",
    ledger: Label::Proved,
    typical_seconds: 8.0,
    parameters: &[
        Parameter::integer("total", "up to which k + l is certified, where it is even", "", [0, 16], [10, 16, 16]),
        Parameter::integer("others", "the same of the other two routers", "", [0, 16], [6, 10, 16]),
        Parameter::integer("precision", "bits of the enclosures", "bit", [128, 2048], [256, 384, 768]),
        Parameter::real("error", "relative error that is claimed", "", [1e-17, 1e-6], [5e-14, 5e-14, 5e-14]),
    ],
    check,
};

/// What the kernels promise: the controls are off by more than this, whatever is claimed.
const PROMISED: f64 = 1e-14;
/// The covariance that a control moves.
const MOVED: [usize; 2] = [1, 1];

/// A claim about the kernels' numbers, or a false one about numbers of which one is altered.
#[derive(Clone, Copy, PartialEq)]
enum Numbers {
    Kernels,
    /// `A_3` is off.
    Coefficient,
    /// `Φ_11` is off.
    Table,
}

impl Numbers {
    /// The item that is altered.
    fn altered(self) -> &'static str {
        match self {
            Self::Kernels => "",
            Self::Coefficient => "A_3",
            Self::Table => "Φ_11(1)",
        }
    }

    /// A certificate that they are within the relative error `claimed` of the truth.
    fn certificate(
        self,
        of: Router,
        enclosed: EnclosedRouter,
        total: usize,
        precision: usize,
        claimed: f64,
    ) -> Option<String> {
        let table = CovarianceTable::new(of, total);
        let shift = 20.0 * claimed.max(PROMISED);
        let coefficient = |n: usize| {
            let is_altered = self == Self::Coefficient && n == 3;
            of.hermite().value(n) * if is_altered { 1.0 + shift } else { 1.0 }
        };
        hermite_certificate(enclosed, total, precision, claimed, coefficient, |k, l| {
            let mut chebyshev = table.chebyshev(k, l).to_vec();
            if self == Self::Table && [k, l] == MOVED {
                chebyshev[0] += shift * table.value(k, l, 1.0);
            }
            chebyshev
        })
    }
}

/// Undecided where another item than the altered one is what was refused.
fn refused_for(altered: &str, item: Evidence) -> Evidence {
    let other = item.refused_item().filter(|refused| *refused != altered).map(str::to_string);
    match other {
        Some(other) => item.withheld(format!("{other} is what was refused, and {altered} was altered")),
        None => item,
    }
}

fn check(run: &Run<'_>) -> Result<Findings, CheckError> {
    let (total, precision) = (run.integer("total") as usize, run.integer("precision") as usize);
    let a = Router::Sigmoid.hermite();
    let table = CovarianceTable::new(Router::Sigmoid, total);
    let claimed = run.real("error");
    let sigmoid = |numbers: Numbers, total: usize, precision: usize| {
        numbers.certificate(Router::Sigmoid, EnclosedRouter::Sigmoid, total, precision, claimed)
    };
    let others = others::questions();
    let mut certificates = run.units("certificates", 3 + others.len(), |unit| {
        run.proceed()?;
        Ok(match unit {
            0 => sigmoid(Numbers::Kernels, total, precision),
            1 => sigmoid(Numbers::Coefficient, total, precision),
            // What is this far off is refused with the fewest bits and the smallest table.
            2 => sigmoid(Numbers::Table, MOVED[0] + MOVED[1], 128),
            _ => others[unit - 3].certificate(run.integer("others") as usize, precision, claimed),
        })
    })?;
    let of_others = certificates.split_off(3);
    let [of_claim, of_coefficient, of_table]: [Option<String>; 3] =
        certificates.try_into().map_err(|_| CheckError::theory("three certificates"))?;
    let evidence = Evidence::certificate(
        format!(
            "largest relative error of A_1 … A_40 and of Φ_kl, even k + l ≤ {total}, over all correlations: at most {claimed:e}"
        ),
        of_claim,
    );
    let controls = vec![
        Control::new(
            "a table in which A_3 is off by a relative twenty times the claimed error (10⁻¹⁴ at least) is refused",
            refused_for(
                Numbers::Coefficient.altered(),
                Evidence::certificate(format!("the same of the altered table: at most {claimed:e}"), of_coefficient),
            ),
        ),
        Control::new(
            "a table in which Φ_11 is off by twenty times the claimed error (10⁻¹⁴ at least) is refused",
            refused_for(
                Numbers::Table.altered(),
                Evidence::certificate(
                    format!("the same for even k + l ≤ 2, of the altered table: at most {claimed:e}"),
                    of_table,
                ),
            ),
        ),
    ];
    let mut coefficients =
        Table::new("coefficients", [Column::new("n", ""), Column::new("A_n", ""), Column::new("|A_n|/√n!", "")]);
    for n in (1..=40).step_by(2) {
        coefficients.push([n.into(), a.value(n).into(), a.normalised(n).abs().into()]);
    }
    let mut covariances = Table::new(
        "covariances",
        [Column::new("k", ""), Column::new("l", ""), Column::new("Φ_kl(1)", ""), Column::new("terms", "")],
    );
    for half in 0..=total / 2 {
        for k in 0..=half {
            let l = 2 * half - k;
            covariances.push([k.into(), l.into(), table.value(k, l, 1.0).into(), table.chebyshev(k, l).len().into()]);
        }
    }
    let figures = vec![Figure::new(
        "coefficients",
        "Hermite coefficients fall like n^(-1/4) exp(−π√n)",
        "coefficients",
        "n",
        ["|A_n|/√n!"],
        [Scale::Linear, Scale::Log],
    )];
    Ok(Findings {
        evidence: vec![evidence],
        controls,
        findings: others::findings(&others, of_others, run.integer("others") as usize, claimed),
        tables: vec![coefficients, covariances],
        figures,
    })
}

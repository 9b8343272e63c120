//! Near the teacher, with every router: the spectrum of the Hessian, the rate at which the loss falls, and the slower one of lagging routers.
//!
//! # The laws with the router's own constants
//!
//! The spectrum is that of `fine-tuning-rate` with the router's own `Φ` (theory X3; in the plane `Φ_11 + Φ_02 = ½E(π²)''` for every router). Its smallest eigenvalue is `6Φ_11(1)` for each of the three: 0.2690, 0.5513 and 2.7864 before 1.81, 3.69 and 7.10; so `−d ln L/dt → 12Φ_11(1)`, 1.1027 and 5.5729 in place
//! of the sigmoid's 0.5380. A router that lags at `β` behind an exact expert has `R(β) = 6Φ_11(β)²(1−β²)/(Φ_00(1) − Φ_00(β))`, theory X5 with the router's own `Φ`: the derivation uses nothing of the sigmoid.
//!
//! # Where the bounds come from
//!
//! *Lag:* both sides are read from the same states, so only the difference quotient errs: `(ln L)'''h²/6 ≤ 10⁻⁷` of the limit at a step of `10⁻³` times, and errors of two `L`, tolerance `10⁻¹²` over a slope of `L^{−1/2} ≤ 10` and a step, `10⁻⁸`; together below `10⁻⁶`.
//!
//! As in `fine-tuning-rate`, all times being in proportion to the slowest eigenvalue. The next one is 6.7, 6.7 and 2.5 times that: with the least of these the other modes are down by `e^{−2(2.5 − 1)·6Φ_11(1)t} = 10⁻⁹` when `L` has fallen to `10⁻⁶`, so that `[0.999, 1.001]` holds as it stands. Twelve starts, which agree to five digits there.

use moe_kernels::Router;
use moe_theory::soft_routed::InitialLaw;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::fine_tuning_rate::{Lag, Spectrum, decay, dense_spectrum, lagging};
use super::{LEVEL, recovered::ROUTERS, within};
use crate::{CheckError, Column, Control, Evidence, Finding, Run, Table, statistics};

const STARTS: usize = 12;
const NEAR: f64 = 0.9;
const DIMENSION: u64 = 1000;
const TEACHERS: usize = 2;
const RATE: [f64; 2] = [0.999, 1.001];
const LAG_ERROR: f64 = 1e-5;
/// Error of reading it, in the same units.
const LAG_READING: f64 = 1e-6;

/// The spectrum at two teachers with one router: deviation of the dense one from the closed form, and from the sigmoid's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Deviation {
    pub(super) router: String,
    coefficients: [f64; 3],
    smallest: f64,
    pub(super) own: f64,
    pub(super) of_sigmoid: f64,
}

pub(super) fn spectra(run: &Run<'_>) -> Result<Vec<Deviation>, CheckError> {
    const ROUTERS: [Router; 3] = [Router::Sigmoid, Router::GaussianCdf, Router::Tanh];
    const SIZE: (usize, usize) = (2, 6);
    run.units("spectra", ROUTERS.len(), |unit| {
        let router = ROUTERS[unit];
        let found = dense_spectrum(router, 3, SIZE.0, SIZE.1)?;
        let deviation = |of: Router| Spectrum::at(of, 3).deviation(&found, SIZE.0, SIZE.1);
        Ok(Deviation {
            router: router.to_string(),
            coefficients: [0, 1, 3].map(|n| router.hermite().value(n)),
            smallest: found.first().copied().unwrap_or_default(),
            own: deviation(router),
            of_sigmoid: deviation(Router::Sigmoid),
        })
    })
}

/// Rates from starts at overlap 0.9 with two teachers.
fn decays(run: &Run<'_>, router: Router) -> Result<Vec<Option<f64>>, CheckError> {
    run.units(&format!("near-{}", router.name()), STARTS, |unit| {
        let law = InitialLaw { router, ..InitialLaw::new(3, TEACHERS, TEACHERS, DIMENSION) };
        let start = law.sample(run.seed(), unit as u64).map_err(CheckError::theory)?;
        decay(run, &start.with_teacher_overlaps(NEAR, NEAR))
    })
}

pub(super) fn finding(run: &Run<'_>) -> Result<Finding, CheckError> {
    let (mut items, mut twins) = (Vec::new(), Vec::new());
    for router in ROUTERS {
        let name = router.name();
        let rates = decays(run, router)?;
        let known: Vec<f64> = rates.iter().flatten().copied().collect();
        let over = |of: Router, whose: &str| {
            let limit = 2.0 * Spectrum::at(of, 3).slowest();
            let ratios: Vec<f64> = known.iter().map(|rate| rate / limit).collect();
            let statement = format!(
                "{name} routers: −d ln L/dt between L = 1e-6 and 1e-11 over 12Φ_11(1) = {limit:.4} of {whose}, median over starts"
            );
            Evidence::estimate(statement, LEVEL, statistics::median_of_all(&ratios, rates.len(), LEVEL), RATE)
        };
        let lag = lagging(run, router, 3)?;
        let limit = 2.0 * Spectrum::at(router, 3).slowest();
        let off = |law: &dyn Fn(&Lag) -> f64, what: &str| {
            let off = lag.iter().map(|row| (row.measured - law(row)).abs());
            let worst = off.fold(if lag.is_empty() { f64::NAN } else { 0.0 }, f64::max);
            let statement = format!(
                "{name} routers, two lagging at β = 0 and 0.3: largest difference between −d ln L/dt and {what}"
            );
            Evidence::comparison(
                statement,
                within(worst, LAG_READING * limit.max(1.0)).map(|end| end.max(0.0)),
                [0.0, LAG_ERROR * limit.max(1.0)],
            )
        };
        items.extend([over(router, "its own"), off(&|row| row.law, "Σ L_j R(β_j)/Σ L_j with its own Φ")]);
        twins.extend([over(Router::Sigmoid, "the sigmoid"), off(&|_| limit, "12Φ_11(1)")]);
    }
    let controls: Vec<Control> = twins.into_iter().map(Control::from).collect();
    Ok(Finding::judged(
        "the rate of fine-tuning with other routers",
        "near the teacher −d ln L/dt tends to the router's own 12Φ_11(1), and is R(β) with its own Φ while routers lag",
        &items,
        &controls,
        json!(null),
    ))
}

pub(super) fn coefficient_table(rows: &[Deviation]) -> Table {
    let heads = ["router", "A_0", "A_1", "A_3", "smallest eigenvalue", "deviation", "from the sigmoid's"];
    let mut table = Table::new("coefficients", heads.map(|head| Column::new(head, "")));
    for row in rows {
        let [a0, a1, a3] = row.coefficients;
        table.push([
            row.router.as_str().into(),
            a0.into(),
            a1.into(),
            a3.into(),
            row.smallest.into(),
            row.own.into(),
            row.of_sigmoid.into(),
        ]);
    }
    table
}

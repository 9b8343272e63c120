//! Times of online SGD against the flow, with Gaussian-CDF routers.
//!
//! The effective equation (`finite-batch-sgd`) holds the router in `18A_0² = 4.5` and in `σ_w²`: with Gaussian distribution functions the first is the sigmoid's, the second 681.6 in place of 449.9. So at one `ε` the mean time over the flow's is the same, and at one `η/B` it is longer. (tanh routers: `delayed`.)
//!
//! # Where the bounds come from
//!
//! As in `finite-batch-sgd`, `±0.04`: at `ε = 0.4`, `d = 400` noise within the span shifts the time by 0.0036, Euler steps by 0.0003, `1/d` by 0.0025, and the drift of `σ_w²` with `κ` by some per cent of a delay of 0.3. With the sigmoid's `σ_w²` in `ε`, 0.66 of it, the equation's time is 0.1 shorter.

use moe_kernels::Router;
use moe_theory::soft_routed::{EffectiveSgd, OnlineSgd};
use serde_json::json;

use super::super::finite_batch_sgd::{RATIO, Setting, passage, ratio};
use crate::{CheckError, Control, Finding, Run};

const SETTING: Setting = Setting { router: Router::GaussianCdf, dimension: 400, batch: 128, epsilon: 0.4 };
const RUNS: usize = 20;

pub(super) fn finding(run: &Run<'_>) -> Result<Finding, CheckError> {
    let rows = run.units("sgd-times", RUNS, |unit| passage(run, &SETTING, unit as u64, 19, OnlineSgd::reduced))?;
    let [own, sigmoid] = [SETTING.router, Router::Sigmoid].map(|router| EffectiveSgd::noise_variance(router, 1, 1));
    let of = |epsilon: f64, which: &str| ratio(&SETTING, &rows, EffectiveSgd::new(epsilon), which, RATIO);
    let item = of(SETTING.epsilon, "Gaussian-CDF routers, ");
    let twin = of(SETTING.epsilon * sigmoid / own, "Gaussian-CDF routers, with the sigmoid's σ_w², ");
    let controls = [
        Control::from(twin),
        Control::new("the flow's time is rejected", of(0.0, "Gaussian-CDF routers, with ε = 0, ")),
    ];
    Ok(Finding::judged(
        "times of SGD with Gaussian-CDF routers",
        "online SGD is as late against the flow as the effective equation with the router's own σ_w² says",
        &[item],
        &controls,
        json!(null),
    ))
}

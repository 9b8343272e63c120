//! The reading once more, `3 ln d` later: redundant students are on their way to waking, and take the learned pair with them.
//!
//! Beside a learned pair `du/dt = 7.67u³` (theory X6): `1/u²` falls by `15.34·3 ln d` from one reading to the other, and `1 − κ ∝ u⁴` grows by the factor `(1 − 15.34u²·3 ln d)⁻²`. Put `u = x/√d`.
//!
//! *At `d = 10⁶`* that is the relative `4·7.67u²·3 ln d = 0.0013x²`: a median of the factor within `±0.1` is accepted.
//!
//! *At `d = 10⁴`* it is `(1 − 0.0424x²)⁻²`: more than a tenth where `x > 1.05`, and without a bound as `x` approaches the 4.86 at which a row counts as awake. So the reading depends on its time there, and what is judged is how. With `1 − κ = 0.3631 Σ_k u_k⁴ = 0.3631u⁴` over
//! `n` dormant students, `1/u²` falls at the rate `15.34 Σ_k u_k⁶/(Σ_k u_k⁴)^{3/2}`, which lies between `15.34/√n` (all the same) and `15.34` (one decides). Corrections are relative `4.5u`, a twentieth at the median start: from `0.9·15.34/√n` to `1.1·15.34` is accepted. Rows in which every teacher is recovered are read, so that `n = m − m*`: where one is not, `m − 1` students are left over, and the teacher that is left pulls at them.
//!
//! *The evidence* does not need a reading that stays: both ends of an exponent in `δ` are read at the same time after recovery, and a factor of a hundred at one end alone would change an exponent over three decades by two thirds. That the exponent is nearer to 0 than to 3 is judged of the later reading, too. The twin is that reading where all dormant overlaps are scaled, `0.01` at most: it grows by `(1 − 15.34·10⁻⁴·(20 + 3 ln d))⁻²` there, by 1.16 at `d = 10⁴`, which adds a tenth to the exponent 4.

use serde_json::json;

use super::plateau::{Grid, Plateau, READINGS, Setting};
use super::{FLAT, LEVEL, RESPONSE, WAKING, exponent};
use crate::{Control, Evidence, Finding, statistics};

/// The time between the readings.
pub(super) fn span(dimension: u64) -> f64 {
    (READINGS[1] - READINGS[0]) * (dimension as f64).ln()
}

fn factor(row: &Plateau) -> Option<f64> {
    (row.expert > 0.0).then(|| row.later / row.expert)
}

/// Whether the reading stays at a large dimension; `waking` are factors where it does not.
pub(super) fn stays(grid: &Grid, top: Setting, waking: &[f64]) -> Finding {
    let item = |statement: &str, factors: &[f64]| {
        Evidence::estimate(statement, LEVEL, statistics::median(factors, LEVEL), [0.9, 1.1])
    };
    let d = top.dimension;
    let statement = format!(
        "1 − κ a further 3 ln d later over 1 − κ, d = {d:e} only (at 10⁴ see the next finding), median over starts"
    );
    let twin = Control::new(
        "the same beside a dormant student that is soon to wake (overlap 0.02 with the learned one) is rejected",
        item("1 − κ as much later over 1 − κ there, median over starts", waking),
    );
    let title = format!("the reading does not depend on its time at d = {d:e}");
    Finding::judged(title, statement.clone(), &[item(&statement, &grid.of(top, factor))], &[twin], json!(null))
}

/// How it moves at a smaller one, in rows in which all `teachers` are recovered.
pub(super) fn moves(grid: &Grid, base: Setting, teachers: usize) -> Finding {
    let dormant = base.students - teachers;
    let read = |number: &dyn Fn(&Plateau) -> Option<f64>| {
        grid.of(base, |row| number(row).filter(|_| row.recovered == teachers))
    };
    let law = [0.9 * WAKING / (dormant as f64).sqrt(), 1.1 * WAKING];
    // Of 1 − κ = 0.3631u^power.
    let item = |statement: &str, power: f64| {
        let rates = read(&|row| {
            let [first, later] = [row.expert, row.later].map(|deficit| (RESPONSE / deficit).powf(2.0 / power));
            Some((first - later) / span(row.dimension)).filter(|rate| rate.is_finite())
        });
        Evidence::estimate(statement, LEVEL, statistics::median(&rates, LEVEL), law)
    };
    let d = base.dimension;
    let statement = format!(
        "rate at which 1/u² of 1 − κ = 0.3631u⁴ falls from the reading to 3 ln d later, d = {d:e}, students orthogonal at the start, every teacher recovered, none awake, median over starts"
    );
    let twin = Control::new(
        "a reading that is quadratic in u is rejected",
        item("the same rate, of 1 − κ = 0.3631u², median over starts", 2.0),
    );
    let factors = read(&factor);
    let witness = json!({
        "starts": factors.len(),
        "moved by more than a tenth": factors.iter().filter(|factor| (**factor - 1.0).abs() > 0.1).count(),
        "largest factor": factors.iter().copied().reduce(f64::max),
    });
    let title = format!("at d = {d:e} the reading grows with its time, as redundant students wake");
    Finding::judged(title, statement.clone(), &[item(&statement, 4.0)], &[twin], witness)
}

/// Whether the later reading would serve the evidence as well; `all_small` are its exponents where all dormant overlaps are scaled.
pub(super) fn serves(grid: &Grid, ends: &[[Setting; 2]], all_small: &[f64]) -> Finding {
    let items: Vec<Evidence> = ends
        .iter()
        .map(|ends| {
            let slopes = grid.exponents(*ends, |row| row.delta, |row| row.later);
            exponent(&format!("the exponent for m = {}", ends[0].students), &slopes, FLAT)
        })
        .collect();
    let twin = Control::new(
        "all dormant overlaps scaled, which has the exponent 4, is rejected",
        exponent("exponent of 1 − κ in all dormant overlaps, read 3 ln d later", all_small, FLAT),
    );
    Finding::judged(
        "the evidence does not depend on the time of the reading",
        "exponent of 1 − κ in δ between the scales 10⁻³ and 10⁻⁶, read 3 ln d later than in the evidence, d = 1e4, nearer to 0 than to 3, median over starts",
        &items,
        &[twin],
        json!(null),
    )
}

//! The degree-two part of a student with `v̄·w̄ = s ≠ 0`: its size, its share of the decay of `s`, and whether it meets the teacher.
//!
//! Its coefficient matrix is `6sA_1 w̄w̄ᵀ + O(s²)` (`theory/src/soft_routed/degree.rs`), so `E (P_2 f)² = 18 A_1² s²(1 + 2s²A_3/A_1 + O(s⁴))`: at `s = 1000^{−1/2}` the size over `6sA_1` is 0.9997, within `±10⁻³`.
//!
//! That it does not meet the teacher is not read off that formula but off the loss: `E (P_2 f)(P_2 f*)` is the coefficient of `ρ²` in `−L` with all student-teacher overlaps multiplied by `ρ`. Students and teachers are generic (`d = 8`, overlaps of order one, `s = 0.3`),
//! so that nothing is small but what vanishes. The error is `10⁻¹¹` of the loss, the norms are above 0.1: `10⁻⁸` for the cosine. Where the *teacher* has `v*·w* = 0.3`, its own degree-two part makes a fifth of its norm, and the same cosine is of order `0.2κ²`.

use moe_kernels::Router;
use moe_theory::soft_routed::{InitialLaw, TeacherOverlaps};
use serde_json::json;

use super::{LEVEL, judged};
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// Overlaps `v̄·w̄` of the students that meet a teacher, of those whose part is measured, and of the twin's teacher.
const GENERIC: f64 = 0.3;
const SMALL: f64 = 0.031_622_776_601_683_79;
const TEACHER: f64 = 0.3;
/// Students, teachers and dimension: the smallest for them.
const MEETING: (usize, usize, u64) = (2, 2, 8);

/// Of each start the size of the part over `s`, and the cosine of the angle between `P_2 f` and `f*`, the teacher orthonormal and not.
pub(super) fn findings(run: &Run<'_>) -> Result<Vec<Finding>, CheckError> {
    let rows: Vec<[f64; 3]> = run.units("degree-two", run.integer("replicates") as usize, |unit| {
        let sample = |law: InitialLaw| law.sample(run.seed(), unit as u64).map_err(CheckError::theory);
        let one = sample(InitialLaw::new(3, 1, 1, MEETING.2))?.with_own_overlaps(SMALL);
        let size = (2.0 * one.before_itself().degree_two_overlap()).max(0.0).sqrt() / SMALL;
        let plain = sample(InitialLaw::new(3, MEETING.0, MEETING.1, MEETING.2))?.with_own_overlaps(GENERIC);
        let overlaps = TeacherOverlaps { own: TEACHER, ..TeacherOverlaps::default() };
        let oblique = plain.clone().with_overlapping_teacher(overlaps).expect("units with an overlap of 0.3 exist");
        let part = 2.0 * plain.order_parameters().degree_two_loss(Router::Sigmoid);
        // E f*² of orthonormal teachers: 6Φ_00(1) each, nothing between them.
        let teacher = MEETING.1 as f64 * (3.0 - 6.0 * Router::Sigmoid.hermite().value(1));
        let cosine = |overlap: f64| overlap.abs() / (part * teacher).sqrt();
        Ok([size, cosine(plain.degree_two_overlap()), cosine(oblique.degree_two_overlap())])
    })?;
    let a = |n| Router::Sigmoid.hermite().value(n);
    let size = |coefficient: f64, name: &str| {
        let ratios: Vec<f64> = rows.iter().map(|row| row[0] / coefficient).collect();
        let statement = format!(
            "size √(2E (P_2 f)²) of the degree-two part of one student over {name}, v·w = 1000^(-1/2), median over starts"
        );
        Evidence::estimate(statement, LEVEL, statistics::median(&ratios, LEVEL), [0.999, 1.001])
    };
    let meeting = |entry: usize, what: &str| {
        let largest = rows.iter().map(|row| row[entry]).fold(0.0, f64::max);
        let statement = format!("largest |E (P_2 f) f*| over the norms of P_2 f and f*, v·w = 0.3, d = 8, {what}");
        Evidence::comparison(statement, [largest; 2], [0.0, 1e-8])
    };
    let middle = |entry: usize| {
        statistics::median(&rows.iter().map(|row| row[entry]).collect::<Vec<_>>(), LEVEL).map(|e| e.interval)
    };
    Ok(vec![
        judged(
            "the degree-two part has the size 6sA_1",
            vec![size(6.0 * a(1), "6sA_1")],
            Control::new("the size 6s|A_3| is rejected", size(-6.0 * a(3), "6s|A_3|")),
            json!(middle(0)),
        ),
        judged(
            "the degree-two part never meets the teacher",
            vec![meeting(1, "orthonormal teachers")],
            Control::new(
                "teachers with v*·w* = 0.3, whom it meets, are rejected",
                meeting(2, "teachers with v*·w* = 0.3"),
            ),
            json!({ "with_orthonormal_teachers": middle(1), "with_oblique_teachers": middle(2) }),
        ),
    ])
}

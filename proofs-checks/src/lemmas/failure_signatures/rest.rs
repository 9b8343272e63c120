//! Rest is no promise.
//!
//! A straddling pair may turn about its teacher at no cost but to the routers' cross terms, and another teacher, which nobody serves, turns it: the student that it is nearer to leaves. With overlap `e` of that teacher's expert with the direction in which the pair is spread this took `0.4/e²` (counted: 40 and 160 for 0.1 and 0.05; a redundant student wakes likewise),
//! forty units at 0.1 and `4·10⁵` at the noise's `10⁻³`. So at `e = 0.1` nearly all pairs have gone after more than ten times as long, and of pairs that the noise alone turns hardly any.

use serde_json::json;

use super::{LEVEL, NEARLY_ALL, axis, disturbed, flow, tilted};
use crate::{CheckError, Control, Evidence, Finding, Run, statistics};

/// A straddling pair: experts at overlap 0.9156 (degrees); its turning, and more than ten times the time that this takes.
const STRADDLING: [f64; 2] = [23.7, -23.7];
const TURNING: f64 = 0.1;
const FREED_BY: f64 = 500.0;

/// Whether a straddling pair whose spread has this overlap with a missing teacher's expert leaves nothing of either teacher in the end.
pub(super) fn freed(run: &Run<'_>, replicates: usize) -> Result<Finding, CheckError> {
    let share = |overlap: f64, name: &str| {
        let spread = |degrees: f64| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let mut expert = tilted(overlap, 3, 4).iter().map(|x| sin * x).collect::<Vec<f64>>();
            expert[2] = cos;
            expert
        };
        let students = STRADDLING.map(|degrees| (axis(0), spread(degrees)));
        let free = run.units(name, replicates, |replicate| {
            let start = disturbed(run, replicate as u64, &students, run.real("noise"))?;
            Ok(flow(run, &start, FREED_BY, None)?.loss < 0.01)
        })?;
        let count = free.iter().filter(|free| **free).count() as u64;
        let statement = format!(
            "share of straddling pairs, spread along a direction of overlap {overlap} with the expert of a teacher that nobody serves, that have taken both teachers by t = {FREED_BY}"
        );
        let share = statistics::proportion(count, replicates as u64, LEVEL);
        Ok::<_, CheckError>(Evidence::estimate(statement, LEVEL, share, NEARLY_ALL))
    };
    let item = share(TURNING, "turned")?;
    let twin = Control::new("pairs that nothing turns but the noise", share(0.0, "unturned")?);
    let witness = json!({ "interval": item.interval() });
    Ok(Finding::judged(
        "rest is no promise: a missing teacher frees a straddling pair",
        item.statement().to_string(),
        &[item],
        &[twin],
        witness,
    ))
}

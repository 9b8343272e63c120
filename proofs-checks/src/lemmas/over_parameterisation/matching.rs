//! The greedy matching: shares of draws, `m_90` and its growth. No flow is needed.

use moe_theory::soft_routed::greedy_deflation;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::flows::Cell;
use super::{CLAIMED, CUT, LEVEL, RATIOS, enough};
use crate::{CheckError, Column, Control, Estimate, Evidence, Finding, Inexact, Run, Table, statistics};

/// Teachers of the matching.
const TEACHERS: [usize; 8] = [1, 2, 3, 4, 5, 8, 12, 16];
/// Largest surplus `m − m*` in the search for `m_90`.
const SURPLUS: usize = 8;
/// Students of the search before the largest number of teachers where nothing is deflated.
const WITHOUT_DEFLATION: [usize; 6] = [32, 48, 64, 80, 96, 112];

/// What students race for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Race {
    /// For teachers that nobody has learned yet.
    Orthogonal,
    /// The same, while the paper's student-student overlaps make dipoles.
    Random,
    /// Each for the teacher that it is nearest to, learned or not: what training would be if a learned pair left no residual behind.
    WithoutDeflation,
}

impl Race {
    fn name(self) -> &'static str {
        match self {
            Self::Orthogonal => "orthogonal",
            Self::Random => "random",
            Self::WithoutDeflation => "without deflation",
        }
    }
}

/// All draws of the matching in one setting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Matching {
    pub(super) teachers: usize,
    pub(super) students: usize,
    pub(super) race: Race,
    draws: u64,
    /// Draws that recover all teachers, and teachers recovered in all draws.
    all: u64,
    recovered: u64,
}

/// The draws of the matching: with orthogonal students around `m*` and at `2m* + 4`, with random ones along the ratios.
pub(super) fn matchings(run: &Run<'_>) -> Result<Vec<Matching>, CheckError> {
    let mut settings: Vec<(usize, usize, Race)> = Vec::new();
    for teachers in TEACHERS {
        settings.extend((teachers..=teachers + SURPLUS).map(|students| (teachers, students, Race::Orthogonal)));
        if enough(teachers) > teachers + SURPLUS {
            settings.push((teachers, enough(teachers), Race::Orthogonal));
        }
        if teachers <= 3 {
            settings.extend(RATIOS.map(|ratio| (teachers, ratio * teachers, Race::Random)));
        }
    }
    let [first, .., last] = TEACHERS;
    settings.extend((first..=first + SURPLUS).map(|students| (first, students, Race::WithoutDeflation)));
    settings.extend(WITHOUT_DEFLATION.map(|students| (last, students, Race::WithoutDeflation)));
    let draws = run.integer("draws");
    run.units("matching", settings.len(), |unit| {
        let (teachers, students, race) = settings[unit];
        // The sizes are no comparison of paired draws: each setting has streams of its own.
        let purpose = 1 + unit as u32;
        // The races of many students are long to draw, and their shares are far from 0.9, or coarse in m.
        let draws = if race == Race::Orthogonal { draws } else { draws.div_ceil(4) };
        let mut matching = Matching { teachers, students, race, draws, all: 0, recovered: 0 };
        for draw in 0..draws {
            run.proceed()?;
            let mut stream = run.substream(draw, purpose);
            let mut normals = |n: usize| -> Vec<f64> { (0..n).map(|_| StandardNormal.sample(&mut stream)).collect() };
            let expert = normals(students * teachers);
            let student = normals(if race == Race::Random { students * students } else { 0 });
            let overlap = |i: usize, k: usize| student.get(i * students + k).copied();
            let recovered = if race == Race::WithoutDeflation {
                nearest(&expert, teachers)
            } else {
                let claims = greedy_deflation([students, teachers], |i, j| expert[i * teachers + j], overlap);
                claims.iter().filter(|claim| claim.time <= CUT).count()
            };
            matching.recovered += recovered as u64;
            matching.all += u64::from(recovered == teachers);
        }
        Ok(matching)
    })
}

/// How many teachers have a student that is nearest to them and aligns within the time of the matching.
fn nearest(overlaps: &[f64], teachers: usize) -> usize {
    let mut reached = vec![false; teachers];
    for row in overlaps.chunks_exact(teachers) {
        let best = (0..teachers).max_by(|a, b| row[*a].total_cmp(&row[*b])).expect("at least one teacher");
        reached[best] |= 4.5 * CUT * row[best] >= 1.0;
    }
    reached.iter().filter(|reached| **reached).count()
}

impl Matching {
    pub(super) fn share(&self) -> Option<Estimate> {
        statistics::proportion(self.all, self.draws, LEVEL)
    }
}

/// The smallest `m` with a share of 0.9: by the upper ends of the intervals, by the estimates and by the lower ends, the first and the last being an interval for it; none within the range that was tried.
pub(super) struct Growth {
    teachers: usize,
    m_90: [Option<usize>; 3],
    /// The same without deflation, where that was drawn.
    without: [Option<usize>; 3],
    /// The same of flows from orthogonal starts at one dimension.
    flows: [Option<usize>; 3],
    coupon: usize,
}

/// From numbers of students with their shares.
fn m_90(shares: &[(usize, Estimate)]) -> [Option<usize>; 3] {
    let ends: [fn(&Estimate) -> f64; 3] = [|share| share.interval[1], |share| share.value, |share| share.interval[0]];
    ends.map(|end| shares.iter().filter(|(_, share)| end(share) >= CLAIMED[0]).map(|(students, _)| *students).min())
}

impl Growth {
    pub(super) fn all(matchings: &[Matching], flows: &[&Cell]) -> Vec<Self> {
        TEACHERS.iter().map(|teachers| Self::of(*teachers, matchings, flows)).collect()
    }

    fn of(teachers: usize, matchings: &[Matching], flows: &[&Cell]) -> Self {
        let of = |race| {
            let rows = matchings.iter().filter(|row| row.teachers == teachers && row.race == race);
            m_90(&rows.filter_map(|row| Some((row.students, row.share()?))).collect::<Vec<_>>())
        };
        let flown = flows.iter().filter(|cell| cell.law.teachers == teachers);
        let flown: Vec<_> = flown.filter_map(|cell| Some((cell.law.students, cell.all()?))).collect();
        let (m_90, without) = (of(Race::Orthogonal), of(Race::WithoutDeflation));
        Self { teachers, m_90, without, flows: self::m_90(&flown), coupon: coupon_collector(teachers) }
    }
}

/// The smallest number of uniform draws from `n` kinds that shows all of them with probability 0.9: with `p_k` the probability that `k` kinds were seen,
/// `p_k ← p_k k/n + p_{k−1} (n−k+1)/n` at each draw.
fn coupon_collector(n: usize) -> usize {
    let mut seen = vec![0.0; n + 1];
    seen[0] = 1.0;
    let mut draws = 0;
    while seen[n] < 0.9 {
        for k in (0..=n).rev() {
            let fresh = if k > 0 { seen[k - 1] * (n - k + 1) as f64 / n as f64 } else { 0.0 };
            seen[k] = seen[k] * k as f64 / n as f64 + fresh;
        }
        draws += 1;
    }
    draws
}

pub(super) fn growth_finding(growth: &[Growth]) -> Finding {
    const ACCEPT: [f64; 2] = [0.7, 1.3];
    // Of an interval for m_90 the slope against some function of m*, from the first to the last of them.
    let item = |statement: &str, of: fn(&Growth) -> [Option<usize>; 3], against: fn(f64) -> f64| {
        let ends = growth.first().zip(growth.last()).and_then(|(first, last)| {
            let span = against(last.teachers as f64) - against(first.teachers as f64);
            let ([low, _, high], [above, _, below]) = (of(last), of(first));
            Some([(low? as f64 - below? as f64) / span, (high? as f64 - above? as f64) / span])
        });
        match ends {
            Some(interval) => Evidence::statistic(statement, LEVEL, interval, ACCEPT),
            None => Evidence::unresolved(
                Inexact::Statistic { level: LEVEL },
                statement,
                ACCEPT,
                "a share of 0.9 was not reached",
            ),
        }
    };
    let statement = "slope of m_90 in m* between m* = 1 and 16 (greedy matching): the surplus m − m* decides";
    let controls = [
        Control::new(
            "a race in which every student takes the teacher that it is nearest to, learned or not, is rejected",
            item("the same slope in that race, a coupon collector's", |row| row.without, |teachers| teachers),
        ),
        Control::new(
            "growth in proportion to m* log m* is rejected",
            item(
                "slope of m_90 in m* log m* between m* = 1 and 16 (greedy matching)",
                |row| row.m_90,
                |teachers| teachers * teachers.ln(),
            ),
        ),
    ];
    let evidence = item(statement, |row| row.m_90, |teachers| teachers);
    let witness = json!(
        growth
            .iter()
            .map(|row| json!({ "m*": row.teachers, "m_90": row.m_90[1], "without deflation": row.without }))
            .collect::<Vec<_>>()
    );
    Finding::judged("growth of m_90 with m*", statement, &[evidence], &controls, witness)
}

pub(super) fn random_finding(matchings: &[Matching], controls: &[Control]) -> Finding {
    let random = || matchings.iter().filter(|row| row.race == Race::Random);
    let best = random().filter_map(Matching::share).reduce(|a, b| if b.value > a.value { b } else { a });
    let statement = "greedy matching with the paper's random students, which takes dipoles as lost (flows reach more, see the diagram): largest share of draws that match all teachers, over m* = 1, 2, 3 and m/m* = 1 … 16";
    let item = Evidence::estimate(statement, LEVEL, best, CLAIMED);
    let witness = json!(
        random()
            .map(|row| json!({ "m*": row.teachers, "m": row.students, "share": row.share().map(|s| s.value) }))
            .collect::<Vec<_>>()
    );
    Finding::judged("without the hypothesis: random students in the matching", statement, &[item], controls, witness)
}

pub(super) fn growth_table(growth: &[Growth]) -> Table {
    let heads = [
        "m*",
        "m_90",
        "lower",
        "upper",
        "flows",
        "flows lower",
        "flows upper",
        "2m*+4",
        "m* log m*",
        "coupon collector",
    ];
    let mut table = Table::new("growth", heads.map(|head| Column::new(head, "")));
    for row in growth {
        let teachers = row.teachers as f64;
        let [[lower, value, upper], [flows_lower, flows, flows_upper]] = [row.m_90, row.flows];
        let ends = [value, lower, upper, flows, flows_lower, flows_upper].map(Into::into);
        let others = [enough(row.teachers).into(), (teachers * teachers.ln()).into(), row.coupon.into()];
        table.push([row.teachers.into()].into_iter().chain(ends).chain(others));
    }
    table
}

pub(super) fn matching_table(matchings: &[Matching]) -> Table {
    let heads = ["students", "m*", "m", "draws", "all", "lower", "upper", "recovered"];
    let mut table = Table::new("matching", heads.map(|head| Column::new(head, "")));
    for row in matchings {
        let share = row.share();
        table.push([
            row.race.name().into(),
            row.teachers.into(),
            row.students.into(),
            row.draws.into(),
            share.map(|s| s.value).into(),
            share.map(|s| s.interval[0]).into(),
            share.map(|s| s.interval[1]).into(),
            (row.recovered as f64 / (row.draws * row.teachers as u64) as f64).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A student that is nearest to a learned teacher, or too far from any, reaches none.
    #[test]
    fn without_deflation_students_meet() {
        assert_eq!(nearest(&[0.3, 0.2, 0.5, 0.4], 2), 1);
        assert_eq!(nearest(&[0.3, 0.2, 0.1, 0.4, -1.0, -2.0], 2), 2);
        assert_eq!(nearest(&[0.05, 0.04, 0.1, 0.4], 2), 1);
    }

    /// Two kinds: `1 − 2·2^{−n} ≥ 0.9` from n = 5 on; one kind needs one draw.
    #[test]
    fn coupon_collector_of_two() {
        assert_eq!([coupon_collector(1), coupon_collector(2)], [1, 5]);
    }
}
